//! Kea's strings are bytes; ours are text. The two are turned into each other without loss.
//!
//! A string in a file may hold bytes that are no UTF-8, typed so or written `\u00e9`
//! (which is one byte in Kea, not the letter). Such a byte 0x80..=0xff becomes the
//! private character U+EF80..=U+EFFF; a character of that range that really stands
//! in the file is taken apart into such bytes, so that both ways are exact.

use std::borrow::Cow;

const BASE: u32 = 0xef00;

/// The text of a string's bytes.
///
/// ```
/// use scopesync::backend::kea::dialect::text;
/// assert_eq!(text::from_bytes("Zürich".as_bytes().to_vec()), "Zürich");
/// assert_eq!(text::from_bytes(b"Z\xfcrich".to_vec()), "Z\u{effc}rich");
/// assert_eq!(text::to_bytes("Z\u{effc}rich"), b"Z\xfcrich");
/// ```
pub fn from_bytes(bytes: Vec<u8>) -> String {
    let bytes = match String::from_utf8(bytes) {
        Ok(text) if !text.chars().any(|c| stand_in(c).is_some()) => return text,
        Ok(text) => text.into_bytes(),
        Err(error) => error.into_bytes(),
    };
    let mut out = String::with_capacity(bytes.len());
    for chunk in bytes.utf8_chunks() {
        for c in chunk.valid().chars() {
            match stand_in(c) {
                None => out.push(c),
                Some(_) => out.extend(c.encode_utf8(&mut [0; 4]).bytes().filter_map(private)),
            }
        }
        out.extend(chunk.invalid().iter().copied().filter_map(private));
    }
    out
}

/// The bytes of a text.
pub fn to_bytes(text: &str) -> Vec<u8> {
    let mut out = Vec::with_capacity(text.len());
    for c in text.chars() {
        match stand_in(c) {
            Some(byte) => out.push(byte),
            None => out.extend_from_slice(c.encode_utf8(&mut [0; 4]).as_bytes()),
        }
    }
    out
}

/// The same for the text of a whole answer, where Kea writes each byte above ASCII as an
/// escape of its own (2.2.0 to 3.0.4): `Z\u00c3\u00bcrich` becomes `Zürich`, `Z\u00fcrich`
/// what [`from_bytes`] makes of that byte. The rest of the JSON text stays as it is.
///
/// ```
/// use scopesync::backend::kea::dialect::text;
/// assert_eq!(*text::from_answer(br#"["\u00c3\u00bc\n"]"#), *r#"["ü\n"]"#.as_bytes());
/// ```
pub fn from_answer(json: &[u8]) -> Cow<'_, [u8]> {
    let mut out = Vec::new();
    let mut copied = 0;
    let mut from = 0;
    while let Some(at) = memchr::memchr(b'\\', &json[from..]).map(|n| from + n) {
        let mut run = Vec::new();
        while let Some(byte) = escaped(&json[at + run.len() * ESCAPE..]) {
            run.push(byte);
        }
        if run.is_empty() {
            // Also over an escaped backslash, after which "u00" would be plain text.
            from = (at + 2).min(json.len());
            continue;
        }
        if out.is_empty() {
            out.reserve(json.len());
        }
        out.extend_from_slice(&json[copied..at]);
        from = at + run.len() * ESCAPE;
        copied = from;
        out.extend_from_slice(from_bytes(run).as_bytes());
    }
    if copied == 0 {
        return Cow::Borrowed(json);
    }
    out.extend_from_slice(&json[copied..]);
    Cow::Owned(out)
}

/// The length of `\u00ff`.
const ESCAPE: usize = 6;

/// The byte above ASCII that an escape at the beginning stands for.
fn escaped(json: &[u8]) -> Option<u8> {
    let digits = json.get(..ESCAPE)?.strip_prefix(b"\\u00")?;
    let digits = std::str::from_utf8(digits).ok()?;
    u8::from_str_radix(digits, 16).ok().filter(|byte| *byte >= 0x80)
}

/// The byte that a private character stands for.
pub(crate) fn stand_in(c: char) -> Option<u8> {
    u32::from(c).checked_sub(BASE).and_then(|n| u8::try_from(n).ok()).filter(|b| *b >= 0x80)
}

/// Whether there may be one in a text: all of them begin with this byte in UTF-8. A quick look.
pub(crate) fn may_hold_stand_ins(text: &str) -> bool {
    memchr::memchr(0xee, text.as_bytes()).is_some()
}

fn private(byte: u8) -> Option<char> {
    char::from_u32(BASE + u32::from(byte))
}

#[cfg(test)]
mod tests {
    use super::*;

    proptest::proptest! {
        #[test]
        fn no_byte_is_lost(bytes: Vec<u8>) {
            proptest::prop_assert_eq!(to_bytes(&from_bytes(bytes.clone())), bytes);
        }
    }

    #[test]
    fn answers_become_readable() {
        let readable = |json: &str| String::from_utf8(from_answer(json.as_bytes()).into_owned()).unwrap();
        for (json, want) in [
            (r#""Z\u00c3\u00bcrich \u00e4\u00B8\u00ad""#, r#""Zürich 中""#),
            (r#""\u00c3\u00bc\u00fc""#, "\"ü\u{effc}\""),
            (r#""\\u00fc \\\u00fc""#, "\"\\\\u00fc \\\\\u{effc}\""),
            (r#""\u0041\u001b\n\u00""#, r#""\u0041\u001b\n\u00""#),
            ("\\", "\\"),
        ] {
            assert_eq!(readable(json), want);
        }
        assert!(matches!(from_answer(b"[1]"), Cow::Borrowed(_)));
    }

    #[test]
    fn a_real_private_character_survives() {
        let bytes = "a\u{efc3}\u{efa9}b".as_bytes().to_vec();
        assert_eq!(from_bytes(bytes.clone()).chars().count(), 8);
        assert_eq!(to_bytes(&from_bytes(bytes.clone())), bytes);
    }
}
