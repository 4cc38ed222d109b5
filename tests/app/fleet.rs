//! The list of the fleet: order, folding, grouping, marks; and that nothing moves under the eyes.

use scopesync::config::{Column, ScreenConfig};

use super::*;

/// The scopes and relationships in the order in which they are listed.
fn listed(state: &AppState) -> Vec<String> {
    let tree = &state.tree;
    let keys = (0..tree.rows.len()).filter_map(|at| tree.rows.key(at));
    keys.map(|key| match (key.scope, key.relationship, key.server) {
        (Some(id), ..) => id.short().trim_start_matches("10.0.").trim_end_matches(".0").to_owned(),
        (None, Some(name), _) => name.to_string(),
        (None, None, server) => server.unwrap().to_string(),
    })
    .collect()
}

#[test]
fn what_has_to_be_looked_at_comes_first_and_nothing_moves_under_the_eyes() {
    let servers = servers();
    let mut program = Program::with(ScreenConfig::default(), Some(fake::fleet(&servers)), 100, 30);
    program.settle();
    let first = ["one-two", "4", "3", "5", "1", "2", "6", "7", "8", "9", "10"];
    assert_eq!(listed(&program.state), first, "critical, what deletes most, what changes most, in sync");
    program.press("Enter Down Down Space r");
    program.wait(300);
    program.press("y");
    assert_eq!(listed(&program.state), first, "what was replicated stays where it is looked at");
    assert_eq!(highlighted(&program.state), "10.0.5.0");
    assert!(program.text().contains("order changed: o sorts anew"), "{}", program.text());
    program.press("o");
    let sorted = ["one-two", "4", "3", "1", "2", "5", "6", "7", "8", "9", "10"];
    assert_eq!(listed(&program.state), sorted);
    assert_eq!(highlighted(&program.state), "10.0.5.0", "the cursor goes with its scope");
    assert!(!program.text().contains("order changed"), "{}", program.text());

    // a new scope comes behind the others; reading everything again sorts
    servers.1.meddle("10.0.9.0/24", |scope| reserve(scope, "10.0.9.9", "02:00:00:00:00:99"));
    program.press("R");
    assert_eq!(listed(&program.state)[..4], ["one-two", "4", "3", "9"]);
    program.press("O");
    assert_eq!(listed(&program.state)[..3], ["one-two", "5", "6"], "the other way round, equal ones by address");
    program.press("o o o");
    assert_eq!(program.state.tree.sort.column, Column::Name);
    assert!(message(&program.state).contains("sorted by name"), "{}", message(&program.state));
    assert_eq!(listed(&program.state)[1..4], ["1", "10", "2"]);
}

#[test]
fn a_server_that_fails_stays_in_its_relationship_with_its_reason_and_cursor_and_marks_stay() {
    let (mut program, servers) = two_pairs();
    program.press("Enter Space Down");
    let (before, place, marked) = (listed(&program.state), highlighted(&program.state), marks(&program.state));
    servers[1].inner().gone = true;
    program.type_keys("R");
    assert_eq!(message(&program.state), "reading all servers again");
    program.settle();
    assert_eq!(message(&program.state), "3 of 4 servers read; not read: two");
    let text = program.text();
    assert!(text.contains("one → two NOT READ") && text.contains("two: no answer"), "{text}");
    assert!(!text.contains("one of them may be"), "{text}");
    let still_there = |program: &Program| {
        assert_eq!((highlighted(&program.state), marks(&program.state)), (place.clone(), marked.clone()));
    };
    still_there(&program);
    program.press("r");
    let text = program.text();
    assert!(text.contains("BLOCKED, not-read: two: no answer") && text.contains("Plan: nothing to write"), "{text}");
    assert!(program.preview().is_some_and(|preview| preview.asking().is_none()));
    program.press("Esc");
    servers[0].inner().gone = true;
    servers[3].inner().gone = true;
    program.state.tree.sort.column = Column::Drift;
    program.press("R");
    let mut nodes = listed(&program.state);
    nodes.retain(|line| line.contains('-'));
    assert_eq!(nodes[..2], ["one-two", "three-four"], "of which nothing is known comes first");
    let text = program.text();
    assert!(text.contains("one NOT READ → two NOT READ") && text.contains("three → four NOT READ"), "{text}");
    assert_eq!(marks(&program.state), marked, "whether they are gone nobody knows");
    servers.iter().for_each(|server| server.inner().gone = false);
    program.state.tree.sort.column = Column::Scope;
    program.press("R");
    assert_eq!(message(&program.state), "4 servers read");
    program.press("Home Enter Down");
    assert_eq!(listed(&program.state), before);
    still_there(&program);
}

#[test]
fn relationships_fold_and_scopes_are_grouped_as_it_is_wanted() {
    let (mut program, _) = two_pairs();
    assert_eq!(listed(&program.state), ["one-two", "three-four"], "several are folded");
    program.press("Enter Down");
    assert_eq!(highlighted(&program.state), "10.0.2.0");
    program.press("Left Left Down");
    assert_eq!(listed(&program.state), ["one-two", "three-four"]);
    assert_eq!(program.state.tree.key().unwrap().relationship.unwrap().to_string(), "three-four");
    program.press("Right Right Down Down");
    assert_eq!(highlighted(&program.state), "10.0.3.0");
    program.press("t");
    let text = program.text();
    assert!(text.contains("server three") && text.contains("server one"), "{text}");
    assert_eq!(highlighted(&program.state), "10.0.3.0", "the cursor stays on its scope");
    let three = |list: &[String]| list.iter().position(|line| line == "three").unwrap();
    assert_eq!(listed(&program.state)[three(&listed(&program.state))..][..3], ["three", "three-four", "1"]);
    program.press("t");
    assert_eq!(listed(&program.state)[..4], ["1", "1", "2", "2"], "all scopes in one list");
    let text = program.text();
    assert!(text.contains("relationship") && text.contains("three-four"), "{text}");
    assert_eq!(highlighted(&program.state), "10.0.3.0");
    program.press("e");
    assert!(message(&program.state).contains("nothing can be folded"), "{}", message(&program.state));
    program.press("t Z");
    assert_eq!(listed(&program.state), ["one-two", "three-four"]);
    assert_eq!(highlighted(&program.state), "", "the cursor stands on what its scope is folded into");
    program.press("Z");
    assert_eq!(listed(&program.state).len(), 22);
}

#[test]
fn marks_stand_for_what_is_said_wherever_they_are() {
    let (mut program, _) = two_pairs();
    program.press("Enter v Down Down");
    assert!(program.text().contains("│"), "{}", program.text());
    program.press("r");
    assert!(message(&program.state).contains("a range is being marked"), "{}", message(&program.state));
    program.press("Down Space");
    assert_eq!(marks(&program.state), ["10.0.1.0", "10.0.2.0", "10.0.3.0"]);
    assert!(message(&program.state).contains("3 drifted scopes marked; 1 left out"), "{}", message(&program.state));
    program.press("/ \" f l o o r");
    program.type_keys("Space 1 Enter");
    program.draw();
    assert!(program.text().contains("3 marked, 2 not shown by the filter"), "{}", program.text());
    program.press("A");
    assert_eq!(message(&program.state), "2 drifted scopes marked in 2 relationships (of those that the filter shows)");
    let text = program.text();
    assert!(text.contains("4 marked in 2 relationships, 2 not shown by the filter"), "{text}");
    program.press("i");
    assert!(message(&program.state).contains("0 drifted scopes marked, 2 no longer"), "{}", message(&program.state));
    assert_eq!(marks(&program.state), ["10.0.2.0", "10.0.3.0"], "what is hidden stays");
    program.press("Esc v Esc u");
    assert!(marks(&program.state).is_empty() && program.state.tree.range.is_none());
    program.press("A");
    assert!(message(&program.state).starts_with("8 drifted scopes marked in 2 relationships; 2 left out"));
    program.press("A");
    assert!(marks(&program.state).is_empty());
    // closed relationships count with all that is in them
    program.press("Z Home v Down Space");
    assert_eq!(marks(&program.state).len(), 8, "{}", message(&program.state));
}

#[test]
fn the_filter_looks_at_all_columns_and_shows_where_it_found() {
    let (mut program, servers) = two_pairs();
    servers[2].inner().scopes.insert(id("10.0.77.0/24"), numbered(77, 3600));
    servers[2].inner().pulse += 1;
    program.press("R / f l o o r Space 7 7");
    assert_eq!(listed(&program.state), ["three-four", "77"], "what was folded is opened for it");
    program.press("Esc");
    assert_eq!(listed(&program.state), ["one-two", "three-four"], "and folded as before");
    program.press("/ \" - 1 Enter");
    assert_eq!(listed(&program.state), ["one-two", "5", "three-four", "5"], "counts are columns, too");
    program.press("Esc / t h r e e Enter");
    assert_eq!(listed(&program.state), ["three-four"], "a relationship by its name or its servers");
    program.press("Esc / n o t h i n g");
    assert!(program.text().contains("nothing fits the filter"), "{}", program.text());
}

#[test]
fn what_nobody_tells_of_use_is_neither_more_nor_less_and_is_told() {
    for filter in ["u s e d : > 8 0", "- u s e d : > 8 0"] {
        let (mut program, _) = ready();
        program.press(&format!("/ {filter} Enter"));
        let text = program.text();
        assert!(text.contains(">80: 0 of 10 scopes, use of 10 scopes not known"), "{text}");
    }
}

#[test]
fn the_drift_follows_the_cursor_when_that_rests() {
    use ratatui::Terminal;
    use ratatui::backend::TestBackend;
    use scopesync::ui::{Follower, REST};

    let (mut program, _) = ready();
    program.press("Enter");
    let mut follower = Follower::default();
    let mut terminal = Terminal::new(TestBackend::new(80, 24)).unwrap();
    let mut draw = |program: &Program, after: Duration, rows: u16| {
        let last_key = program.state.last_key.unwrap();
        terminal.backend_mut().resize(80, rows);
        let mut follows_at = None;
        let frame =
            terminal.draw(|f| (_, follows_at) = follower.draw(&program.state, &program.theme, f, last_key + after));
        let text: String = frame.unwrap().buffer.content().iter().map(|cell| cell.symbol()).collect();
        let about = text.split("drift of ").nth(1).unwrap().split([' ', ']']).next().unwrap().to_owned();
        (about, follows_at.map(|at| at - last_key))
    };
    assert_eq!(draw(&program, REST, 24), ("10.0.1.0".into(), None));
    program.type_keys("Down Down");
    assert_eq!(draw(&program, Duration::ZERO, 24), ("10.0.1.0".into(), Some(REST)), "it stays behind");
    assert_eq!(draw(&program, REST, 24), ("10.0.3.0".into(), None));
    program.type_keys("Down");
    assert_eq!(draw(&program, Duration::ZERO, 24).0, "10.0.3.0");
    assert_eq!(draw(&program, Duration::ZERO, 30).0, "10.0.4.0", "in a window of another size nothing is kept");
    program.type_keys("Down Tab");
    assert_eq!(draw(&program, Duration::ZERO, 30), ("10.0.5.0".into(), None), "it is gone to");
}
