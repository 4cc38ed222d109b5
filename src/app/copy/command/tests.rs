use proptest::prelude::*;

use super::*;

/// What PowerShell reads from one quoted value, and what is left behind it. Its language's rules
/// (2.3.5.2): any single quote ends it, two of them stand for the second.
fn read_powershell(line: &str) -> (String, String) {
    let is_quote = |c: char| matches!(c, '\'' | '\u{2018}'..='\u{201b}');
    let mut chars = line.chars().peekable();
    assert!(chars.next().is_some_and(is_quote));
    let mut value = String::new();
    while let Some(c) = chars.next() {
        match is_quote(c) {
            false => value.push(c),
            true => match chars.next_if(|next| is_quote(*next)) {
                Some(second) => value.push(second),
                None => return (value, chars.collect()),
            },
        }
    }
    panic!("{line}: not ended")
}

/// Names as somebody would choose them who wants to reach the shell.
fn hostile() -> impl Strategy<Value = String> {
    let piece = prop_oneof![
        Just("'".to_owned()),
        Just("\u{2019}".to_owned()),
        Just("\u{201b}\u{2018}".to_owned()),
        Just("; touch /tmp/x #".to_owned()),
        Just("$(reboot)`id`".to_owned()),
        Just("--force".to_owned()),
        Just("!! ~ * {a,b} && || \\".to_owned()),
        Just("\"; Remove-Item -Force".to_owned()),
        "[ -~]{0,6}",
        "\\PC{0,4}",
    ];
    proptest::collection::vec(piece, 0..5).prop_map(|pieces| pieces.concat())
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(256))]

    #[test]
    fn a_name_stays_one_word_of_each_shell(name in hostile()) {
        let Ok(word) = posix(&name) else {
            prop_assert!(name.chars().any(is_harmful));
            return Ok(());
        };
        prop_assert_eq!(shlex::split(&format!("a {word} b")), Some(vec!["a".into(), name.clone(), "b".into()]));
        let quoted = powershell(&name).unwrap();
        prop_assert_eq!(read_powershell(&format!("{quoted} -WhatIf")), (name, " -WhatIf".into()));
    }

    #[test]
    fn what_moves_a_cursor_never_leaves(before in ".{0,3}", bad in prop::sample::select(vec!['\u{1b}', '\n', '\r', '\0', '\u{202e}', '\u{200b}', '\u{9b}'])) {
        let name = format!("{before}{bad}");
        prop_assert!(posix(&name).is_err() && powershell(&name).is_err());
        prop_assert!(!posix(&name).unwrap_err().chars().any(is_harmful));
    }
}

/// A real shell has the last word.
#[cfg(unix)]
#[test]
fn a_shell_reads_what_was_meant() {
    use proptest::strategy::ValueTree;
    use proptest::test_runner::TestRunner;
    let mut runner = TestRunner::deterministic();
    let names: Vec<String> = (0..400)
        .map(|_| hostile().new_tree(&mut runner).unwrap().current())
        .filter(|name| !name.chars().any(is_harmful))
        .collect();
    let words: Vec<String> = names.iter().map(|name| posix(name).unwrap()).collect();
    let script = format!("printf '%s\\0' {}", words.join(" "));
    let told = std::process::Command::new("sh").args(["-c", &script]).output().unwrap();
    assert!(told.status.success() && told.stderr.is_empty(), "{told:?}");
    let told = String::from_utf8(told.stdout).unwrap();
    assert_eq!(told.split_terminator('\0').collect::<Vec<_>>(), names);
}
