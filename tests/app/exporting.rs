//! Files of what is on the screen, and our own log.

use std::fs;
use std::path::Path;

use scopesync::config::LogLevel;
use scopesync::log::Message;

use super::*;

/// Exports what is shown to a file and returns what is in it.
fn exported(program: &mut Program, file: &Path) -> String {
    program.saves = true;
    program.press("E Ctrl-u");
    program.event(Event::Paste(file.to_string_lossy().into_owned()));
    program.press("Enter");
    assert!(program.state.exporting.is_none(), "{}", message(&program.state));
    assert!(message(&program.state).starts_with("exported to "), "{}", message(&program.state));
    fs::read_to_string(file).unwrap()
}

#[test]
fn the_list_as_it_is_filtered_and_sorted() {
    let folder = tempfile::tempdir().unwrap();
    let (mut ours, mut theirs) =
        (vec![numbered(1, 3600), numbered(2, 3600)], vec![numbered(1, 1800), numbered(2, 3600)]);
    for scopes in [&mut ours, &mut theirs] {
        scopes[0].name = Some("=HYPERLINK(\"http://evil\";\"x\")\u{202e}".into());
    }
    let mut program = Program::ready(fake::fleet(&pair(ours, theirs)), 100, 30);
    program.press("E");
    assert!(program.text().contains("file: scopesync-list-20260102T030405Z.csv_"), "{}", program.text());
    program.press("q Esc");
    assert!(program.state.exporting.is_none() && program.asked.is_empty());
    let csv = exported(&mut program, &folder.path().join("all.csv"));
    let rows: Vec<&str> = csv.lines().collect();
    assert_eq!(rows.len(), 4, "{csv}");
    assert!(rows[0].starts_with("row,relationship,mode,source,"), "{csv}");
    assert!(rows[1].starts_with("\"relationship\",\"one-two\",\"load-balancing\",\"one\""), "{csv}");
    let name = "\"'=HYPERLINK(\"\"http://evil\"\";\"\"x\"\")\\u{202e}\"";
    assert!(rows[2].contains(&format!("\"10.0.1.0\",{name},\"drifted\",,0,1,0,,")), "{csv}");
    program.press("Enter Space / 1 0 . 0 . 1 Enter O");
    let json = exported(&mut program, &folder.path().join("some.json"));
    let json: serde_json::Value = serde_json::from_str(&json).unwrap();
    assert_eq!((&json["schema"], &json["what"]), (&json!("scopesync.export/1"), &json!("list")));
    assert_eq!(json["rows"].as_array().unwrap().len(), 2, "{json}");
    assert_eq!(json["rows"][1]["marked"], 1);
    assert_eq!(json["rows"][1]["update"], 1);
    // what is there is not overwritten, and the question stays
    program.press("E Ctrl-u");
    program.event(Event::Paste(folder.path().join("all.csv").to_string_lossy().into_owned()));
    program.press("Enter");
    assert!(message(&program.state).contains("is there already"), "{}", message(&program.state));
    assert!(program.state.exporting.is_some());
    assert_eq!(fs::read_to_string(folder.path().join("all.csv")).unwrap(), csv);
    // no shell has looked at the name
    program.press("Ctrl-u");
    program.event(Event::Paste("~root/all.csv".into()));
    program.press("Enter");
    assert!(
        message(&program.state).starts_with("not exported: ~root: only ~/ is known"),
        "{}",
        message(&program.state)
    );
    assert!(program.state.exporting.is_some());
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt;
        let mode = fs::metadata(folder.path().join("all.csv")).unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o600);
    }
}

#[test]
fn what_is_read_again_is_exported_as_it_was_known_last() {
    let folder = tempfile::tempdir().unwrap();
    let (mut program, _servers) = ready();
    let rows = |program: &mut Program, name: &str| {
        program.saves = true;
        program.type_keys("E Ctrl-u");
        program.event(Event::Paste(folder.path().join(name).to_string_lossy().into_owned()));
        program.type_keys("Enter");
        program.pending.rotate_right(1);
        program.happen();
        let csv = fs::read_to_string(folder.path().join(name)).unwrap();
        csv.lines().skip(1).take(2).map(str::to_owned).collect::<Vec<_>>()
    };
    program.type_keys("R");
    let of_before = rows(&mut program, "before.csv");
    assert!(of_before[0].contains("\"checking: 10 scopes, "), "{of_before:?}");
    assert!(of_before[1].contains(",\"drifted\",\"as it was known last: being checked\",1,1,0,"), "{of_before:?}");
    program.settle();
    // of the other direction nothing is known
    program.type_keys("s");
    let turned = rows(&mut program, "turned.csv");
    assert!(turned[0].contains(",\"checking\",,,,,") && turned[1].contains(",\"checking\",,,,,"), "{turned:?}");
}

#[test]
fn drift_runs_history_and_log() {
    let folder = tempfile::tempdir().unwrap();
    let (mut program, _servers) = ready();
    program.past = common::screen::Past::sample();
    program.press("Enter Enter");
    let csv = exported(&mut program, &folder.path().join("drift.csv"));
    assert!(csv.contains("\"property valid-lifetime\",\"update\",\"value\",\"3600\",\"1800\""), "{csv}");
    assert!(csv.lines().skip(1).all(|row| row.starts_with("\"10.0.1.0\",\"floor 1\",\"drifted\",")), "{csv}");
    let json = exported(&mut program, &folder.path().join("drift.json"));
    assert!(json.contains("scopesync.drift/1"), "{json}");
    program.press("J E");
    assert!(message(&program.state).contains("there are no runs"), "{}", message(&program.state));
    program.press("Esc Esc Esc a r");
    program.wait(300);
    program.press("y J");
    let csv = exported(&mut program, &folder.path().join("runs.csv"));
    assert_eq!(csv.matches("\"replicated\"").count(), 4, "{csv}");
    program.press("Esc U");
    let csv = exported(&mut program, &folder.path().join("history.csv"));
    assert_eq!(csv.lines().count(), 4, "{csv}");
    program.press("Down Down Enter");
    let csv = exported(&mut program, &folder.path().join("run.csv"));
    assert!(csv.contains("\"renumber-leases: 3 leases\""), "{csv}");
    program.press("Esc Esc");
    let note = |seq, level, text: &str| Message {
        seq,
        at: jiff::Timestamp::UNIX_EPOCH,
        level,
        target: "scopesync::engine".into(),
        text: text.into(),
    };
    program.messages = vec![note(0, LogLevel::Info, "read"), note(1, LogLevel::Debug, "fine")];
    program.press("L");
    program.wait(1000);
    assert!(program.text().contains("engine: read") && !program.text().contains("fine"), "{}", program.text());
    program.press("+ End");
    program.messages.push(note(2, LogLevel::Error, "refused"));
    program.wait(1000);
    assert!(program.text().contains("log: 3 of 3, debug and worse, following"), "{}", program.text());
    let csv = exported(&mut program, &folder.path().join("log.csv"));
    assert_eq!(csv.lines().count(), 4, "{csv}");
    program.press("c Enter");
    assert_eq!(program.asked.last().unwrap(), "copy 1970-01-01 00:00:00 error scopesync::engine: refused");
    program.press("- - - -");
    assert!(message(&program.state).contains("errors alone already"), "{}", message(&program.state));
    program.press("L");
    assert!(program.state.log.is_none());
}
