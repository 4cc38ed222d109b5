//! Names of keys.

/// The bytes of a key as xterm sends it.
pub(super) fn key(name: &str) -> Vec<u8> {
    if let Some(rest) = name.strip_prefix("Alt-") {
        return [b"\x1b".to_vec(), key(rest)].concat();
    }
    if let Some(letter) = name.strip_prefix("Ctrl-") {
        let [letter @ b'a'..=b'z'] = letter.as_bytes() else { panic!("no such key: {name}") };
        return vec![letter & 0x1f];
    }
    let bytes = match name {
        "Enter" => "\r",
        "Esc" => "\x1b",
        "Tab" => "\t",
        "BackTab" => "\x1b[Z",
        "Backspace" => "\x7f",
        "Space" => " ",
        "Up" => "\x1b[A",
        "Down" => "\x1b[B",
        "Right" => "\x1b[C",
        "Left" => "\x1b[D",
        "Home" => "\x1b[H",
        "End" => "\x1b[F",
        "Insert" => "\x1b[2~",
        "Delete" => "\x1b[3~",
        "PageUp" => "\x1b[5~",
        "PageDown" => "\x1b[6~",
        "F1" => "\x1bOP",
        "F2" => "\x1bOQ",
        "F3" => "\x1bOR",
        "F4" => "\x1bOS",
        "F5" => "\x1b[15~",
        one if one.chars().count() == 1 => one,
        _ => panic!("no such key: {name}"),
    };
    bytes.as_bytes().to_vec()
}
