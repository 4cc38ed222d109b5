//! A scope's drift, side by side.

use std::net::Ipv4Addr;

use scopesync::app::Effect;
use scopesync::app::drift::{DriftRow, ItemAt};
use scopesync::engine::ignore::IgnoreRule;
use scopesync::model::{Field, Item, KeyName, Kind, Level, OptionKey, Origin, Owner, ReservationKey, Section, Value};

use super::*;

fn item(label: Option<&str>, fields: &[(&str, &str)]) -> Item {
    let fields = fields.iter().map(|(name, value)| (Field::from(*name), Value::own(json!(value))));
    Item { fields: fields.collect(), rank: None, label: label.map(Foreign::from) }
}

fn option(scope: &mut Scope, code: u32, label: &str, data: &str) {
    let name = KeyName::Option(OptionKey { space: "dhcp4".into(), code, tags: Vec::new(), nth: 0 });
    let key = ItemKey { owner: Owner::Scope, kind: Kind::Option, name };
    scope.items.insert(key, item(Some(label), &[("data", data)]));
}

fn host(scope: &mut Scope, last: u8, client: &str, name: &str) {
    let key = ItemKey::reservation(ReservationKey::Address(Ipv4Addr::new(10, 0, 1, last)));
    scope.items.insert(key, item(None, &[("hostname", name), ("hw-address", client)]));
}

/// One scope with changes of every kind in three sections, and much that is the same.
pub fn sides() -> [Scope; 2] {
    let [mut ours, mut theirs] = [numbered(1, 86_400, "office"), numbered(1, 3600, "office")];
    let range = ItemKey::range(Ipv4Addr::new(10, 0, 1, 100), Ipv4Addr::new(10, 0, 1, 199));
    for scope in [&mut ours, &mut theirs] {
        scope.items.insert(range.clone(), Item::default());
        host(scope, 5, "02:00:00:00:00:05", "printer");
        option(scope, 15, "domain-name", "office.example.org");
    }
    option(&mut ours, 3, "routers", "10.0.1.1, 10.0.1.3");
    option(&mut theirs, 3, "routers", "10.0.1.2, 10.0.1.3");
    option(&mut ours, 43, "vendor-encapsulated-options", "6C61622031");
    option(&mut ours, 67, "boot-file-name", "a/very/long/path/that/both/sides have/up/to/here images/new.efi");
    option(&mut theirs, 67, "boot-file-name", "a/very/long/path/that/both/sides have/up/to/here images/old.efi");
    host(&mut ours, 7, "02:00:00:00:00:07", "new");
    host(&mut ours, 8, "02:00:00:00:00:08", "plotter");
    host(&mut theirs, 8, "02:00:00:00:00:08", "plotter-old");
    host(&mut theirs, 9, "02:00:00:00:00:07", "new");
    [ours, theirs]
}

fn shown(columns: u16, rows: u16) -> Program {
    let [ours, theirs] = sides();
    let mut program = Program::ready(fake::fleet(&pair(vec![ours], vec![theirs])), columns, rows);
    program.press("Enter Enter");
    program
}

#[test]
fn both_sides_stand_beside_each_other() {
    let mut program = shown(80, 24);
    insta::assert_snapshot!("drift", program.text());
    program.press("z");
    insta::assert_snapshot!("drift_full", program.picture());
    program.resize(160, 40);
    insta::assert_snapshot!("drift_full_wide", program.text());
    program.resize(60, 15);
    insta::assert_snapshot!("drift_narrow", program.text());
    program.press("End");
    assert!(program.text().contains("[images/old.efi]"), "the last lines are seen:\n{}", program.text());
    program.press("Esc");
    assert!(program.text().contains("scope↓"), "Esc gives the window back:\n{}", program.text());
    program.press("Esc");
    assert_eq!(program.state.place(), Place::Scopes);
}

#[test]
fn from_change_to_change_and_from_section_to_section() {
    let mut program = shown(100, 30);
    let item = |program: &Program| match program.state.drift.current() {
        Some(DriftRow::Item(ItemAt::Change(at))) => {
            program.state.drift.subject.as_ref().unwrap().scope().unwrap().changes[at].title()
        }
        Some(DriftRow::Section(head)) => head.section.word().to_owned(),
        other => format!("{other:?}"),
    };
    let mut seen = Vec::new();
    for _ in 0..7 {
        program.press("n");
        seen.push(item(&program));
    }
    let all = [
        "valid-lifetime",
        "10.0.1.7",
        "10.0.1.8",
        "10.0.1.9",
        "routers (dhcp4/3)",
        "vendor-encapsulated-options (dhcp4/43)",
        "boot-file-name (dhcp4/67)",
    ];
    assert_eq!(seen, all);
    program.press("n");
    assert_eq!(program.state.message.as_ref().unwrap().1, "n: no change follows");
    program.press("p p p");
    assert_eq!(item(&program), "10.0.1.9");
    program.press("Space");
    assert_eq!(item(&program), "reservations", "the cursor stays in what was folded");
    assert!(program.text().contains("reservations +1 ~1 -1 (folded: 8 lines)"), "{}", program.text());
    program.press("p n n");
    assert_eq!(item(&program), "routers (dhcp4/3)", "a folded section with changes is one step");
    program.press("Z");
    assert_eq!(program.state.drift.folded.len(), Section::ALL.len());
    assert_eq!(item(&program), "options");
    program.press("Enter Down");
    assert_eq!(item(&program), "routers (dhcp4/3)", "Enter opens a section");
    program.press("Enter");
    let text = program.text();
    assert!(text.contains("overwritten: data 10.0.1.2, 10.0.1.3 → 10.0.1.1, 10.0.1.3"), "{text}");
}

/// What is looked at stays where it is while it is read again.
#[test]
fn the_cursor_stays_on_its_line_when_the_scope_changes() {
    let [ours, theirs] = sides();
    let servers = pair(vec![ours], vec![theirs]);
    let mut program = Program::ready(fake::fleet(&servers), 100, 30);
    program.press("Enter Enter n n n Down");
    let line = |program: &Program| {
        let cursor = program.state.drift.scroll.cursor;
        (cursor, program.state.drift.rows[cursor], program.state.drift.scroll.top)
    };
    let (before, ..) = line(&program);
    servers.0.meddle("10.0.1.0/24", |scope| {
        scope.items.insert(ItemKey::property("renew-timer"), Item::single(Value::own(json!(900))));
    });
    program.press("R");
    let (after, row, _) = line(&program);
    assert_eq!(after, before + 2, "two lines came above");
    assert!(matches!(row, DriftRow::Field(ItemAt::Change(_), 0)), "{row:?}");
    assert!(program.text().contains("renew-timer  created on the target"), "{}", program.text());
}

/// What is the same, what is inherited, and what rules ignore, with their reasons.
#[test]
fn everything_is_shown_on_demand() {
    let [mut ours, mut theirs] = sides();
    let comment = |text: &str| Item::single(Value::own(json!(text)));
    ours.items.insert(ItemKey::property("comment"), comment("a"));
    theirs.items.insert(ItemKey::property("comment"), comment("b"));
    for (scope, seconds) in [(&mut ours, 900), (&mut theirs, 1200)] {
        let inherited = Value { origin: Origin::Inherited(Level::Global), ..Value::own(json!(seconds)) };
        scope.items.insert(ItemKey::property("renew-timer"), Item::single(inherited));
    }
    theirs.unreadable.insert(ItemKey::property("id"));
    let mut fleet = fake::fleet(&pair(vec![ours], vec![theirs]));
    let rule = |item: &str, field: Option<&str>, reason: &str| IgnoreRule {
        section: None,
        item: Some(item.to_owned()),
        field: field.map(str::to_owned),
        reason: reason.to_owned(),
    };
    fleet.ignore = vec![rule("comment", None, "each its own"), rule("10.0.1.8", Some("hostname"), "named by hand")];
    let mut program = Program::ready(fleet, 100, 50);
    program.press("Enter Enter z");
    assert!(program.text().contains("; 2 differences ignored by rules"), "{}", program.text());
    assert!(!program.text().contains("the same"), "{}", program.text());
    program.press("n n");
    let highlighted = |program: &Program| {
        program
            .state
            .drift
            .item(match program.state.drift.current() {
                Some(DriftRow::Item(at)) => at,
                other => panic!("{other:?}"),
            })
            .unwrap()
            .title()
    };
    let before = highlighted(&program);
    program.type_keys("e");
    program.draw();
    assert!(program.text().contains("what is the same is being opened"), "{}", program.text());
    program.settle();
    assert_eq!(highlighted(&program), before);
    insta::assert_snapshot!("drift_everything", program.text());
    program.press("e");
    assert!(!program.text().contains("the same"), "{}", program.text());
}

/// Each is opened when the cursor has come to rest on it, and never shown for another.
#[test]
fn what_was_opened_for_another_scope_is_not_shown() {
    let scopes = || (1..=3).map(|n| numbered(n, 3600 * n, "office")).collect();
    let servers = pair(scopes(), scopes());
    let mut program = Program::ready(fake::fleet(&servers), 100, 40);
    program.press("Enter Enter e Esc");
    program.type_keys("Down Down");
    assert_eq!(program.pending.iter().filter(|effect| matches!(effect, Effect::Open(..))).count(), 1);
    program.happen();
    program.draw();
    assert!(program.text().contains("being opened"), "{}", program.text());
    program.settle();
    let text = program.text();
    assert!(text.contains("drift of 10.0.3.0") && text.contains("10800 (3 hours)"), "{text}");
    servers.1.inner().unreadable = vec![(Some("10.0.3.0/24".parse().unwrap()), "garbled".into())];
    program.press("R");
    assert!(program.text().contains("could not be understood: garbled"), "{}", program.text());
}

#[test]
fn another_program_gets_both_sides_as_text() {
    let mut program = shown(100, 30);
    program.press("d");
    assert!(program.state.message.as_ref().unwrap().1.contains("set diff = [\"vimdiff\"]"));
    program.state.setting.screen.diff = vec!["vim".into(), "-d".into()];
    program.press("d");
    insta::assert_snapshot!("drift_texts", program.asked.join("\n"));
    program.type_keys("d r");
    program.settle();
    assert_eq!(program.asked.len(), 1, "nothing is given away under a preview");
    // where nothing differs, too, there is all of it to look at
    let [ours, _] = sides();
    let mut program = Program::ready(fake::fleet(&pair(vec![ours.clone()], vec![ours])), 80, 24);
    program.state.setting.screen.diff = vec!["vimdiff".into()];
    program.press("Enter Enter d");
    let (source, target) = program.asked[0].split_once("---\n").unwrap();
    assert!(source.ends_with(target) && target.matches("valid-lifetime: ").count() == 1, "{}", program.asked[0]);
}

#[test]
fn what_is_not_carried_says_so() {
    let [ours, theirs] = sides();
    let mut servers = pair(vec![ours], vec![theirs]);
    servers.1.read_only = true;
    let mut program = Program::ready(fake::fleet(&servers), 100, 30);
    program.press("Enter Enter");
    let text = program.text();
    assert!(text.contains("not carried: two is read-only") && text.contains("would be created on"), "{text}");
    let mut program = Program::ready(fleet(), 100, 30);
    program.press("Enter Down Down Down");
    let text = program.text();
    assert!(text.contains("stays: a scope that only the target has is never deleted"), "{text}");
}
