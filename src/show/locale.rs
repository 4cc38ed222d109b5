//! Which characters can be read where text is shown.

/// Whether text beyond ASCII can be read, as far as the locale tells: it has to name UTF-8.
///
/// `LC_ALL` decides, else `LC_CTYPE`, else `LANG` (POSIX, 8.2). The locales C and POSIX are ASCII,
/// and so is a program that was told none. Consoles of Windows take every character.
pub fn is_unicode_readable(env: impl Fn(&str) -> Option<String>) -> bool {
    let set = |name: &str| env(name).filter(|value| !value.is_empty());
    let locale = ["LC_ALL", "LC_CTYPE", "LANG"].into_iter().find_map(set).unwrap_or_default().to_ascii_lowercase();
    cfg!(windows) || locale.contains("utf-8") || locale.contains("utf8")
}

#[cfg(all(test, not(windows)))]
mod tests {
    use super::*;

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
