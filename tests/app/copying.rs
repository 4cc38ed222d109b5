//! What is sent to the terminal's clipboard, and what is not.

use scopesync::app::copy::MOST;

use super::*;

/// Presses keys and returns the last text that was copied.
fn copied(program: &mut Program, keys: &str) -> String {
    program.press(keys);
    program.asked.iter().rev().find_map(|asked| asked.strip_prefix("copy ")).unwrap_or_default().to_owned()
}

#[test]
fn cells_lines_and_drift_of_what_is_highlighted() {
    let (mut program, _servers) = ready();
    assert_eq!(copied(&mut program, "c Enter"), "one-two");
    assert!(message(&program.state).contains("clipboard: one-two"), "{}", message(&program.state));
    program.press("Enter");
    assert_eq!(copied(&mut program, "c Enter"), "10.0.1.0");
    assert_eq!(copied(&mut program, "c Down Enter"), "floor 1");
    assert_eq!(copied(&mut program, "c r"), "10.0.1.0  floor 1  drifted  +1 ~1  (one-two: one → two)");
    let text = copied(&mut program, "c t");
    assert!(text.contains("10.0.1.7") && text.contains("1800") && !text.contains("10.0.2.0"), "{text}");
    let document: serde_json::Value = serde_json::from_str(&copied(&mut program, "c J")).unwrap();
    assert_eq!(document["schema"], "scopesync.drift/1");
    assert_eq!(document["relationships"][0]["scopes"].as_array().unwrap().len(), 1);
    assert_eq!(document["servers"].as_array().unwrap().len(), 2);
    // the values of a field, source first
    program.press("Enter n Down");
    assert_eq!(copied(&mut program, "c Enter"), "3600");
    assert_eq!(copied(&mut program, "c Down Enter"), "1800");
    assert!(copied(&mut program, "c r").contains("source 3600 (1 hour) | target 1800"), "{:?}", program.asked.last());
    program.press("c");
    assert!(program.state.copying.is_some() && program.text().contains("target: 1800"), "{}", program.text());
    program.press("Esc");
    assert!(program.state.copying.is_none() && program.state.place() == Place::Drift);
}

#[test]
fn the_command_line_does_what_r_would_do() {
    let (mut program, _servers) = ready();
    let lead = "scopesync --config=/etc/scopesync/config.toml replicate";
    assert_eq!(copied(&mut program, "c c"), format!("{lead} --computer-name=one -- one-two"));
    program.press("Enter c p");
    assert!(message(&program.state).contains("one is no Windows server"), "{}", message(&program.state));
    assert!(program.state.copying.is_some(), "what cannot be done leaves the menu open");
    program.press("Esc");
    assert_eq!(copied(&mut program, "a W c c"), {
        format!("{lead} --what-if --computer-name=one --scope-id=10.0.1.0,10.0.2.0,10.0.3.0,10.0.5.0")
    });
    program.state.setting.config_name = "demo".into();
    let of_demo = copied(&mut program, "c c");
    assert!(of_demo.starts_with("scopesync --demo --config=/etc/scopesync/config.toml replicate "), "{of_demo}");
    let marked = copied(&mut program, "c m");
    assert_eq!(marked.lines().count(), 4);
    assert!(marked.starts_with("10.0.1.0  floor 1"), "{marked}");
    program.press("s Down Down Down Down Down c c");
    assert!(message(&program.state).contains("in sync"), "{}", message(&program.state));
}

/// Names come from servers: they reach the clipboard as words, or not at all.
#[test]
fn a_hostile_name_is_one_word_of_each_shell() {
    let evil = "--force'; $(reboot) \u{2019}; Stop-Computer";
    let (mut one, mut two) = servers();
    (one.computer, two.computer) = (Some("dhcp-1"), Some("dhcp-2"));
    let mut fleet = fake::fleet(&(one, two));
    fleet.names =
        vec![scopesync::engine::survey::RelationshipName { name: evil.into(), servers: ["one".into(), "two".into()] }];
    let mut program = Program::ready(fleet, 100, 30);
    let ours = copied(&mut program, "c c");
    assert_eq!(shlex::split(&ours).unwrap().last().unwrap(), evil);
    assert!(ours.contains(" -- '--force'\\''; "), "{ours}");
    let cmdlet = copied(&mut program, "c p");
    let doubled = evil.replace('\'', "''").replace('\u{2019}', "\u{2019}\u{2019}");
    assert_eq!(cmdlet, format!("Invoke-DhcpServerv4FailoverReplication -ComputerName 'dhcp-1' -Name '{doubled}'"));
    assert_eq!(
        copied(&mut program, "Enter a c p").rsplit_once(" -ScopeId ").unwrap().1,
        "'10.0.1.0','10.0.2.0','10.0.3.0','10.0.5.0'"
    );
}

#[test]
fn what_could_move_a_cursor_never_leaves_and_too_much_names_the_export() {
    let name = |scope: &mut Scope| scope.name = Some("a\u{1b}]52;c;\u{7}\u{202e}b\r\n".into());
    let (mut ours, mut theirs): (Vec<Scope>, Vec<Scope>) = (vec![numbered(1, 3600)], vec![numbered(1, 1800)]);
    name(&mut ours[0]);
    name(&mut theirs[0]);
    for n in 0..2000u32 {
        reserve(
            &mut ours[0],
            &format!("10.0.{}.{}", n / 200, 10 + n % 200),
            &format!("02:00:00:00:{:02x}:{:02x}", n / 256, n % 256),
        );
    }
    let mut program = Program::ready(fake::fleet(&pair(ours, theirs)), 100, 30);
    program.press("Enter");
    for keys in ["c Down Enter", "c r"] {
        let text = copied(&mut program, keys);
        assert!(text.contains("a\\u{1b}]52;c;") && !text.chars().any(scopesync::model::is_harmful), "{text:?}");
    }
    let before = program.asked.len();
    program.press("c J");
    assert_eq!(program.asked.len(), before);
    assert!(message(&program.state).contains("E exports to a file instead"), "{}", message(&program.state));
    assert!(program.asked.iter().all(|asked| asked.len() <= MOST + "copy ".len()));
}
