//! How the text of an envelope is written: UTF-8, or UTF-16 as some servers answer.

/// How text is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Charset {
    /// UTF-8.
    Utf8,
    /// UTF-16 in either order of bytes.
    Utf16,
}

impl Charset {
    /// Reads the name of a charset.
    pub fn read(name: &str) -> Option<Self> {
        match name.trim().trim_matches('"').to_ascii_lowercase().as_str() {
            "utf-8" | "utf8" => Some(Charset::Utf8),
            "utf-16" | "utf16" | "utf-16le" | "utf-16be" | "unicode" => Some(Charset::Utf16),
            _ => None,
        }
    }
}

/// The text of an envelope; `None` where it is none. Its first bytes say more than what is said of it.
pub fn decode(bytes: &[u8], said: Option<Charset>) -> Option<String> {
    match *bytes {
        [0xef, 0xbb, 0xbf, ref text @ ..] => utf_8(text),
        [0xff, 0xfe, ref text @ ..] => utf_16(text, u16::from_le_bytes),
        [0xfe, 0xff, ref text @ ..] => utf_16(text, u16::from_be_bytes),
        [b'<', 0, ..] => utf_16(bytes, u16::from_le_bytes),
        [0, b'<', ..] => utf_16(bytes, u16::from_be_bytes),
        [b'<', ..] => utf_8(bytes),
        _ if said == Some(Charset::Utf16) => utf_16(bytes, u16::from_le_bytes),
        _ => utf_8(bytes),
    }
}

fn utf_8(bytes: &[u8]) -> Option<String> {
    String::from_utf8(bytes.to_vec()).ok()
}

fn utf_16(bytes: &[u8], unit: fn([u8; 2]) -> u16) -> Option<String> {
    let (units, []) = bytes.as_chunks::<2>() else { return None };
    char::decode_utf16(units.iter().map(|pair| unit(*pair))).collect::<Result<_, _>>().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_is_read_however_it_is_written() {
        let text = "<a>grün 😀</a>";
        let units = || text.encode_utf16();
        let little: Vec<u8> = units().flat_map(u16::to_le_bytes).collect();
        let big: Vec<u8> = units().flat_map(u16::to_be_bytes).collect();
        let marked = |mark: &[u8], bytes: &[u8]| [mark, bytes].concat();
        for bytes in [
            text.as_bytes().to_vec(),
            marked(b"\xef\xbb\xbf", text.as_bytes()),
            little.clone(),
            big.clone(),
            marked(b"\xff\xfe", &little),
            marked(b"\xfe\xff", &big),
        ] {
            for said in [None, Some(Charset::Utf8), Some(Charset::Utf16)] {
                assert_eq!(decode(&bytes, said).as_deref(), Some(text), "{bytes:?}");
            }
        }
        assert_eq!(decode(b"<a>\xff", None), None);
        assert_eq!(decode(&little[..3], None), None);
        assert_eq!((Charset::read("UTF-16"), Charset::read("latin1")), (Some(Charset::Utf16), None));
    }
}
