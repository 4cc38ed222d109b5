//! Leaving changes out of a plan, and saving it to a file.

use super::*;

/// The line with this text, and the cursor on it.
fn go_to(program: &mut Program, text: &str) {
    program.type_keys("Home");
    let preview = program.preview().unwrap();
    let at = preview.rows.iter().position(|row| preview.line(*row).1.contains(text));
    for _ in 0..at.unwrap_or_else(|| panic!("no {text} in\n{}", program.text())) {
        program.type_keys("Down");
    }
    program.draw();
}

fn current(program: &Program) -> String {
    let preview = program.preview().unwrap();
    preview.line(preview.rows[preview.scroll.position(preview.rows.len())]).1
}

#[test]
fn space_leaves_a_change_out_and_brings_it_back() {
    let (mut program, servers) = ready();
    program.press("Enter a r");
    let digest = program.preview().unwrap().plan.digest.clone();
    program.press("Space");
    assert!(message(&program.state).contains("no change on this line"), "{}", message(&program.state));
    go_to(&mut program, "delete reservation 10.0.5.9");
    program.wait(300);
    program.type_keys("Space y");
    assert!(message(&program.state).contains("made anew"), "{}", message(&program.state));
    program.settle();
    assert_eq!(current(&program), "    . left out: delete reservation 10.0.5.9 in scope 10.0.5.0");
    program.press("y");
    assert!(program.asked.is_empty(), "another plan has to be read first");
    let text = program.text();
    assert!(text.contains("DELETED on two: nothing") && text.contains("1 change left out"), "{text}");
    program.press("Space");
    assert!(current(&program).contains("- delete reservation 10.0.5.9"), "{}", program.text());
    assert_eq!(program.preview().unwrap().plan.digest, digest);
    // Two of one scope, the second while the plan is still being made without the first; and a whole scope.
    program.type_keys("Space");
    go_to(&mut program, "create reservation 10.0.1.7");
    program.type_keys("Space");
    program.settle();
    go_to(&mut program, "scope 10.0.2.0");
    program.press("Space");
    assert!(current(&program).contains("left out, nothing of it is written"), "{}", current(&program));
    program.wait(300);
    program.press("y");
    assert_eq!(program.asked, ["abandon", "run one-two"]);
    let written: Vec<String> = servers.1.writes().into_iter().filter(|call| call.starts_with("write")).collect();
    assert_eq!(written, ["write 10.0.1.0/24", "write 10.0.3.0/24"]);
    let there = |id: &str| servers.1.inner().scopes[&self::id(id)].items.len();
    assert_eq!((there("10.0.1.0/24"), there("10.0.5.0/24")), (2, 3), "one was not created, one not deleted");
    let text = program.text();
    assert!(text.contains("done: one-two: 2 replicated"), "what is left out is no failure: {text}");
    program.press("J");
    assert!(program.text().contains("1 change, 1 left out, verified"), "{}", program.text());
}

#[test]
fn where_nothing_can_be_left_out_the_line_says_so() {
    let servers = servers();
    servers.1.inner().whole = true;
    let mut program = Program::ready(fake::fleet(&servers), 100, 40);
    program.press("Enter a r");
    go_to(&mut program, "scope 10.0.1.0");
    assert!(current(&program).contains("only as a whole"), "{}", current(&program));
    program.press("Down Space");
    assert!(message(&program.state).contains("copies whole scopes"), "{}", message(&program.state));
    program.press("Up Space");
    assert!(current(&program).contains("left out"), "{}", current(&program));
    // A scope that is created has its number, and all of it can be left out.
    servers.1.inner().whole = false;
    program.press("n");
    program.press("r");
    go_to(&mut program, "create property id");
    program.press("Space");
    assert!(message(&program.state).contains("created with its number"), "{}", message(&program.state));
}

#[test]
fn with_fewer_deletions_no_name_has_to_be_typed_and_with_none_nothing_is_asked() {
    let (mut program, _) = ready();
    program.state.setting.screen.type_name_above = 0;
    program.press("Enter Down Down Down Down Space r");
    assert!(program.preview().unwrap().deletions_to_name().is_some());
    go_to(&mut program, "delete reservation 10.0.5.9");
    program.press("Space");
    assert!(program.text().contains("Nothing of this plan can be written"), "{}", program.text());
    program.press("Space");
    assert_eq!(program.preview().unwrap().deletions_to_name(), Some(1));
}

/// Half of a move would leave a client, or addresses, in two places.
#[test]
fn what_goes_together_is_left_out_together_and_said_so() {
    let range = |last: [u8; 4]| {
        let name = KeyName::Range([10, 0, 1, 10].into(), last.into());
        (ItemKey { owner: Owner::Scope, kind: Kind::Range, name }, Item::default())
    };
    let (mut ours, mut theirs) = (numbered(1, 3600), numbered(1, 1800));
    ours.items.extend([range([10, 0, 1, 99])]);
    theirs.items.extend([range([10, 0, 1, 50])]);
    let mut program = Program::ready(fake::fleet(&pair(vec![ours], vec![theirs])), 100, 40);
    program.press("Enter a r");
    go_to(&mut program, "create range 10.0.1.10-10.0.1.99");
    program.press("Space");
    let both = "neither goes without the other: - delete range 10.0.1.10-10.0.1.50; + create range 10.0.1.10-10.0.1.99";
    assert_eq!(message(&program.state), format!("left out together, as {both}"));
    assert!(program.text().contains("2 changes left out"), "{}", program.text());
    go_to(&mut program, "left out: delete range");
    program.press("Space");
    assert_eq!(message(&program.state), format!("brought back together, as {both}"));
    go_to(&mut program, "update property valid-lifetime");
    program.press("Space");
    assert_eq!(message(&program.state), "", "alone");
}

/// Types the name of a file over the one that is offered, and what stands in the file then.
fn save(program: &mut Program, path: &std::path::Path) -> String {
    program.press("w Ctrl-u");
    program.event(Event::Paste(path.to_str().unwrap().into()));
    program.press("Enter");
    std::fs::read_to_string(path).unwrap_or_default()
}

#[test]
fn the_plan_is_saved_as_text_or_json_and_nothing_is_overwritten() {
    let folder = tempfile::tempdir().unwrap();
    let (mut program, _) = ready();
    program.saves = true;
    program.press("Enter W a r w");
    assert!(program.text().contains("file: scopesync-plan-one-two-2026"), "{}", program.text());
    program.press("Esc");
    let path = folder.path().join("plan.txt");
    let text = save(&mut program, &path);
    assert!(message(&program.state).contains("the plan is saved in"), "{}", message(&program.state));
    assert!(text.starts_with("WHATIF: nothing is written\n") && text.contains("10.0.5.9"), "{text}");
    assert!(text.contains("\nPlan: ") && text.ends_with(" in 4 scopes\n"), "{text}");
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt as _;
        assert_eq!(std::fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
    }
    assert_eq!(save(&mut program, &path), text);
    assert!(message(&program.state).contains("is there already"), "{}", message(&program.state));
    program.press("Ctrl-u ~ o p s / p . t x t Enter");
    assert!(
        message(&program.state).starts_with("the plan is not saved: ~ops: only ~/ is"),
        "{}",
        message(&program.state)
    );
    program.press("Esc");
    let json: serde_json::Value = serde_json::from_str(&save(&mut program, &path.with_extension("json"))).unwrap();
    assert_eq!(json["schema"], "scopesync.plan/1");
    assert!(program.preview().is_some_and(|preview| preview.saving.is_none()) && program.asked.is_empty());
}

#[test]
fn a_retry_leaves_out_what_was_left_out_before() {
    let (mut program, servers) = ready();
    servers.1.script("10.0.1.0/24", Script::Refuse);
    program.press("Enter Space r");
    go_to(&mut program, "create reservation 10.0.1.7");
    program.press("Space");
    let line = "copy scopesync --config=/etc/scopesync/config.toml replicate --computer-name=one --scope-id=10.0.1.0 \
                --leave-out=10.0.1.0/24:reservations/10.0.1.7";
    program.press("c");
    assert_eq!(program.asked, [line], "{}", message(&program.state));
    program.wait(300);
    program.press("y J c c");
    assert_eq!(program.asked, [line, "run one-two", line]);
    servers.1.script("10.0.1.0/24", Script::Obey);
    program.type_keys("r");
    program.draw();
    assert!(program.text().contains("1 change left out as before"), "{}", program.text());
    program.settle();
    go_to(&mut program, "left out: create reservation 10.0.1.7");
    program.wait(300);
    program.press("y");
    assert_eq!(program.asked[3..], ["run one-two"]);
    assert_eq!(servers.1.inner().scopes[&id("10.0.1.0/24")].items.len(), 2, "the reservation was not created");
    program.press("r");
    assert!(message(&program.state).contains("nothing of this run failed"), "{}", message(&program.state));
}
