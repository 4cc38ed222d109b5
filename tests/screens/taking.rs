//! The menu of what can be copied, the question for a file, and the log.

use scopesync::config::LogLevel;
use scopesync::log::Message;

use super::*;

#[test]
fn what_is_taken_away() {
    let mut program = Program::ready(fleet(), 80, 24);
    program.press("Enter Space Down c Down");
    insta::assert_snapshot!("copy", program.picture());
    program.press("Esc E");
    insta::assert_snapshot!("export", program.text());
    program.press("Esc");
    let note = |seq, level, text: &str| Message {
        seq,
        at: jiff::Timestamp::UNIX_EPOCH,
        level,
        target: "scopesync::jobs".into(),
        text: text.into(),
    };
    program.messages = vec![
        note(0, LogLevel::Info, "read server=one"),
        note(1, LogLevel::Debug, "not shown at first"),
        note(2, LogLevel::Warn, &"a long message that does not fit into one line of this window ".repeat(2)),
        note(3, LogLevel::Error, "refused"),
    ];
    program.press("L Up");
    insta::assert_snapshot!("log", program.picture());
}
