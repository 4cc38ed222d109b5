//! Which characters can be read where text is shown.

use std::borrow::Cow;
use std::sync::atomic::{AtomicBool, Ordering};

/// Whether the screen of this process is read as ASCII alone.
static ASCII_ALONE: AtomicBool = AtomicBool::new(false);

/// Lets the screen of this process show ASCII alone, or everything, from now on.
pub fn show_ascii_alone(is_so: bool) {
    ASCII_ALONE.store(is_so, Ordering::Relaxed);
}

/// A text as the screen of this process shows it.
pub fn on_screen(text: &str) -> Cow<'_, str> {
    if text.is_ascii() || !ASCII_ALONE.load(Ordering::Relaxed) { Cow::Borrowed(text) } else { in_ascii(text) }
}

/// A text for whoever reads ASCII alone: an arrow as it is typed, all else escaped as what would do harm is.
pub fn in_ascii(text: &str) -> Cow<'_, str> {
    if text.is_ascii() {
        return Cow::Borrowed(text);
    }
    let mut plain = String::with_capacity(text.len() + 16);
    for c in text.chars() {
        match c {
            '→' => plain.push_str("->"),
            c if c.is_ascii() => plain.push(c),
            c => plain.extend(c.escape_default()),
        }
    }
    Cow::Owned(plain)
}

/// Whether text beyond ASCII can be read, as far as the locale tells: it has to name UTF-8.
///
/// `LC_ALL` decides, else `LC_CTYPE`, else `LANG` (POSIX, 8.2). The locales C and POSIX are ASCII,
/// and so is a program that was told none. Consoles of Windows take every character.
pub fn is_unicode_readable(env: impl Fn(&str) -> Option<String>) -> bool {
    let set = |name: &str| env(name).filter(|value| !value.is_empty());
    let locale = ["LC_ALL", "LC_CTYPE", "LANG"].into_iter().find_map(set).unwrap_or_default().to_ascii_lowercase();
    cfg!(windows) || locale.contains("utf-8") || locale.contains("utf8")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn who_reads_ascii_alone_gets_no_other_bytes() {
        assert_eq!(in_ascii("\u{1b}[1mBüro→東\u{1b}[0m\n"), "\u{1b}[1mB\\u{fc}ro->\\u{6771}\u{1b}[0m\n");
    }

    #[cfg(not(windows))]
    #[test]
    fn the_first_that_is_set_has_to_name_utf_8() {
        for (set, readable) in [
            (&[][..], false),
            (&[("LANG", "C")], false),
            (&[("LANG", "POSIX")], false),
            (&[("LANG", "de_DE")], false),
            (&[("LANG", "de_DE.ISO-8859-1")], false),
            (&[("LANG", "de_DE.UTF-8")], true),
            (&[("LANG", "C.utf8")], true),
            (&[("LC_CTYPE", "UTF-8")], true),
            (&[("LANG", "de_DE.UTF-8"), ("LC_ALL", "C")], false),
            (&[("LANG", "de_DE.UTF-8"), ("LC_CTYPE", "de_DE@euro")], false),
            (&[("LANG", "C"), ("LC_CTYPE", "en_US.UTF-8"), ("LC_ALL", "")], true),
        ] {
            let env = |name: &str| set.iter().find(|(key, _)| *key == name).map(|(_, value)| (*value).to_owned());
            assert_eq!(is_unicode_readable(env), readable, "{set:?}");
        }
    }
}
