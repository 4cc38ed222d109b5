//! Searching in texts and filtering lists, by the same line and the same language.

use super::*;
use scopesync::app::drift::DriftRow;
use scopesync::config::LogLevel;
use scopesync::log::Message;

fn message(program: &Program) -> &str {
    program.state.message.as_ref().map_or("", |(_, text)| text)
}

#[test]
fn the_drift_is_searched_and_what_is_folded_opens() {
    let [ours, theirs] = drift::sides();
    let mut program = Program::ready(fake::fleet(&pair(vec![ours], vec![theirs])), 100, 24);
    program.press("Enter Enter Z / 1 0 . 0 . 1 .");
    assert!(program.state.filtering && program.text().contains("search: /10.0.1._  match 1 of"), "{}", program.text());
    program.press("9 Enter");
    insta::assert_snapshot!("drift_search", program.picture());
    assert!(matches!(program.state.drift.current(), Some(DriftRow::Item(_))), "the cursor is on the first match");
    program.press("Ctrl-n");
    assert!(message(&program).starts_with("/10.0.1.9: match 2 of 2 ("), "{}", message(&program));
    program.press("Ctrl-n");
    assert!(message(&program).starts_with("/10.0.1.9: match 1 of 2, round to the first"), "{}", message(&program));
    program.press("Esc");
    assert_eq!((program.state.place(), program.state.drift.search.text.as_str()), (Place::Drift, ""));
    assert!(program.state.drift.rows.iter().all(|row| !matches!(row, DriftRow::Item(_))), "folded as before");
    // words that are not next to each other, a section, a change, what is not wanted; letters of either size
    for (typed, count) in [("drift:c", 5), ("section:opt drift:up", 4), ("HW-ADDRESS -9.9", 2), ("drift:delete -hw", 2)]
    {
        program.press("/");
        typed.chars().for_each(|c| program.press(&if c == ' ' { "Space".to_owned() } else { c.to_string() }));
        assert_eq!(program.state.drift.search.lines().len(), count, "{typed}: {}", program.text());
        program.press("Esc");
    }
    program.press("/ n o t h i n g Enter");
    assert!(message(&program).starts_with("/nothing: nothing found"), "{}", message(&program));
    program.press("Ctrl-p");
    assert_eq!(message(&program), "Ctrl-p: nothing is found of nothing");
    // it goes along to another scope and stays where the operator goes back to the list
    program.press("Esc / r o u t e r s Enter Esc Left");
    assert_eq!(program.state.drift.search.text, "", "Esc takes it away before anything else");
    program.press("Enter Ctrl-n");
    assert_eq!(message(&program), "Ctrl-n: nothing is searched for: / begins");
}

#[test]
fn a_search_in_the_preview_answers_nothing() {
    let mut program = Program::ready(fleet(), 80, 24);
    program.press("a r");
    program.wait(300);
    program.press("/ y a o l Ctrl-u 1 0 . 0 . 5 Enter");
    assert!(!program.asked.iter().any(|asked| asked.starts_with("run")) && program.preview().is_some());
    program.theme = Theme::colourless(Glyphs::UNICODE);
    program.wait(300);
    insta::assert_snapshot!("preview_search", program.picture());
    let cursor = |program: &Program| program.preview().unwrap().scroll.cursor;
    let first = cursor(&program);
    program.press("Ctrl-p");
    assert!(message(&program).contains("round to the last"), "{}", message(&program));
    program.press("Ctrl-n");
    assert_eq!(cursor(&program), first);
    program.press("Esc");
    assert!(program.preview().is_some_and(|preview| preview.search.text.is_empty()), "Esc takes the search first");
    program.press("/ 9 Enter n");
    assert!(program.preview().is_none() && program.asked.last().map(String::as_str) == Some("declined"), "n is no");
}

#[test]
fn the_help_of_what_is_searched_has_the_keys_of_the_search_before_those_of_other_places() {
    for open in ["Enter Enter", "a r"] {
        let mut program = Program::ready(fleet(), 100, 60);
        program.press(open);
        program.press("?");
        let text = program.text();
        for key in ["/  ", "Ctrl-n  ", "Ctrl-p  "] {
            assert!(text.contains(&format!("│ {key}")), "{text}");
        }
    }
}

#[test]
fn the_log_and_the_jobs_are_filtered() {
    let mut program = Program::ready(fleet(), 100, 24);
    let message = |seq: u64, level, text: &str| Message {
        seq,
        at: jiff::Timestamp::UNIX_EPOCH,
        level,
        target: "scopesync::http".into(),
        text: text.into(),
    };
    program.messages = vec![
        message(0, LogLevel::Info, "kea-1 answered"),
        message(1, LogLevel::Warn, "kea-2 refused"),
        message(2, LogLevel::Warn, "kea-1 is slow"),
    ];
    program.press("L / k e a - 1 Space l e v e l : w Enter");
    let text = program.text();
    assert!(text.contains("[log: /kea-1 level:w: 1 of 3, info and worse, following]"), "{text}");
    assert!(text.contains("is slow") && !text.contains("refused"), "{text}");
    program.press("Esc");
    assert!(program.text().contains("log: 3 of 3"), "{}", program.text());
    program.press("Esc");

    for key in ["Home a r", "s Home a r"] {
        program.press(key);
        program.wait(300);
        program.press("y");
    }
    program.press("J / s t a t e : d o n e Enter");
    assert!(program.text().contains("[jobs /state:done: 2 of 2]"), "{}", program.text());
    // scopes of the run that is shown, by words of theirs and of the run's line
    program.press("Esc / d o n e Space 1 0 . 0 . 3 Enter");
    let text = program.text();
    assert!(text.contains("10.0.3.0") && !text.contains("10.0.1.0") && text.contains(": 1 of 2"), "{text}");
    program.press("Esc / o n e Space - t w o Space →");
    assert!(program.text().contains("no run or job fits the filter"), "{}", program.text());
    program.press("Esc / s e r v e r : o n e Enter Right");
    assert!(program.text().contains("/server:one: 2 of 2"), "{}", program.text());
    program.press("Esc Esc");
    assert_eq!(program.state.place(), Place::Relationships);
}
