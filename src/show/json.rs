//! JSON on standard output: escaped so that it is safe on a terminal too.

use std::io::{self, Write};

use serde::Serialize;
use serde_json::ser::{CompactFormatter, Formatter, PrettyFormatter, Serializer};

use crate::model::is_harmful;

/// Writes one document and a line end; spread over lines for a reader, on one line for a program.
///
/// # Errors
/// Writing failed.
pub fn write(out: &mut dyn Write, document: &impl Serialize, for_reader: bool) -> io::Result<()> {
    let result = if for_reader {
        document.serialize(&mut Serializer::with_formatter(&mut *out, Safe(PrettyFormatter::new())))
    } else {
        document.serialize(&mut Serializer::with_formatter(&mut *out, Safe(CompactFormatter)))
    };
    result.map_err(io::Error::from)?;
    out.write_all(b"\n")
}

/// Another formatter, with every character escaped that could harm a terminal or cannot be
/// seen. What a program reads from it is the same.
struct Safe<F>(F);

impl<F> Safe<F> {
    fn escape<W: ?Sized + Write>(writer: &mut W, fragment: &str) -> io::Result<()> {
        let mut rest = fragment;
        while let Some(at) = rest.find(is_harmful) {
            writer.write_all(&rest.as_bytes()[..at])?;
            let mut characters = rest[at..].chars();
            for unit in characters.next().into_iter().flat_map(|c| {
                let mut units = [0; 2];
                c.encode_utf16(&mut units).to_vec()
            }) {
                write!(writer, "\\u{unit:04x}")?;
            }
            rest = characters.as_str();
        }
        writer.write_all(rest.as_bytes())
    }
}

impl<F: Formatter> Formatter for Safe<F> {
    fn write_string_fragment<W: ?Sized + Write>(&mut self, writer: &mut W, fragment: &str) -> io::Result<()> {
        let plain = fragment.bytes().all(|byte| (b' '..=b'~').contains(&byte));
        if plain { writer.write_all(fragment.as_bytes()) } else { Self::escape(writer, fragment) }
    }

    fn begin_array<W: ?Sized + Write>(&mut self, writer: &mut W) -> io::Result<()> {
        self.0.begin_array(writer)
    }

    fn end_array<W: ?Sized + Write>(&mut self, writer: &mut W) -> io::Result<()> {
        self.0.end_array(writer)
    }

    fn begin_array_value<W: ?Sized + Write>(&mut self, writer: &mut W, first: bool) -> io::Result<()> {
        self.0.begin_array_value(writer, first)
    }

    fn end_array_value<W: ?Sized + Write>(&mut self, writer: &mut W) -> io::Result<()> {
        self.0.end_array_value(writer)
    }

    fn begin_object<W: ?Sized + Write>(&mut self, writer: &mut W) -> io::Result<()> {
        self.0.begin_object(writer)
    }

    fn end_object<W: ?Sized + Write>(&mut self, writer: &mut W) -> io::Result<()> {
        self.0.end_object(writer)
    }

    fn begin_object_key<W: ?Sized + Write>(&mut self, writer: &mut W, first: bool) -> io::Result<()> {
        self.0.begin_object_key(writer, first)
    }

    fn begin_object_value<W: ?Sized + Write>(&mut self, writer: &mut W) -> io::Result<()> {
        self.0.begin_object_value(writer)
    }

    fn end_object_value<W: ?Sized + Write>(&mut self, writer: &mut W) -> io::Result<()> {
        self.0.end_object_value(writer)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn text(document: &impl Serialize) -> String {
        let mut out = Vec::new();
        write(&mut out, document, false).unwrap();
        String::from_utf8(out).unwrap()
    }

    #[test]
    fn what_could_harm_a_terminal_is_escaped() {
        let nasty = "\u{1b}[2J\u{7f}\u{9b}\u{202e}é\u{e0001}\"\\\n";
        assert_eq!(text(&nasty), "\"\\u001b[2J\\u007f\\u009b\\u202eé\\udb40\\udc01\\\"\\\\\\n\"\n");
    }

    #[test]
    fn keys_too_and_lines_for_a_reader() {
        let mut out = Vec::new();
        write(&mut out, &serde_json::json!({"a\u{200b}": [1, {}]}), true).unwrap();
        assert_eq!(String::from_utf8(out).unwrap(), "{\n  \"a\\u200b\": [\n    1,\n    {}\n  ]\n}\n");
    }

    proptest::proptest! {
        #[test]
        fn programs_read_the_same(value in ".*") {
            let text = text(&value);
            let back: String = serde_json::from_str(&text).unwrap();
            proptest::prop_assert_eq!(back, value);
            proptest::prop_assert!(!text.trim_end_matches('\n').chars().any(is_harmful));
        }
    }
}
