//! Values become text of the dialect, with the look of the file around them.

use std::fmt::Write as _;

use serde_json::Value as Json;

use super::text;

/// Objects up to this many bytes and two plain members stand on one line.
const SHORT: usize = 80;

/// How a file is indented.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Style {
    /// One step of indentation.
    pub unit: String,
    /// The end of a line.
    pub newline: &'static str,
}

impl Default for Style {
    fn default() -> Self {
        Style { unit: "    ".to_owned(), newline: "\n" }
    }
}

impl Style {
    /// The value over several lines; all but the first begin with `indent`.
    pub fn pretty(&self, value: &Json, indent: &str) -> String {
        let mut out = String::new();
        self.write(&mut out, value, indent);
        out
    }

    fn write(&self, out: &mut String, value: &Json, indent: &str) {
        let deeper = format!("{indent}{}", self.unit);
        let lines =
            |out: &mut String, open: char, close: char, items: &mut dyn Iterator<Item = (Option<&str>, &Json)>| {
                out.push(open);
                for (n, (key, item)) in items.enumerate() {
                    let comma = if n == 0 { "" } else { "," };
                    let _ = write!(out, "{comma}{}{deeper}", self.newline);
                    if let Some(key) = key {
                        string(out, key);
                        out.push_str(": ");
                    }
                    self.write(out, item, &deeper);
                }
                let _ = write!(out, "{}{indent}{close}", self.newline);
            };
        match value {
            Json::Array(items) if !is_short(value) => lines(out, '[', ']', &mut items.iter().map(|v| (None, v))),
            Json::Object(members) if !is_short(value) => {
                lines(out, '{', '}', &mut members.iter().map(|(k, v)| (Some(k.as_str()), v)));
            }
            _ => write_inline(out, value),
        }
    }
}

/// The value on one line.
pub fn inline(value: &Json) -> String {
    let mut out = String::new();
    write_inline(&mut out, value);
    out
}

fn is_short(value: &Json) -> bool {
    let plain = |v: &Json| !v.is_array() && !v.is_object();
    match value {
        Json::Array(items) => items.iter().all(plain) && inline(value).len() <= SHORT,
        Json::Object(members) => members.len() <= 2 && members.values().all(plain) && inline(value).len() <= SHORT,
        _ => true,
    }
}

fn write_inline(out: &mut String, value: &Json) {
    match value {
        Json::String(text) => string(out, text),
        Json::Array(items) if items.is_empty() => out.push_str("[]"),
        Json::Object(members) if members.is_empty() => out.push_str("{}"),
        Json::Array(items) => {
            for (n, item) in items.iter().enumerate() {
                out.push_str(if n == 0 { "[ " } else { ", " });
                write_inline(out, item);
            }
            out.push_str(" ]");
        }
        Json::Object(members) => {
            for (n, (key, item)) in members.iter().enumerate() {
                out.push_str(if n == 0 { "{ " } else { ", " });
                string(out, key);
                out.push_str(": ");
                write_inline(out, item);
            }
            out.push_str(" }");
        }
        plain => {
            let _ = write!(out, "{plain}");
        }
    }
}

/// A string as Kea reads it: only what must be escaped is.
pub(crate) fn string(out: &mut String, value: &str) {
    out.push('"');
    for c in value.chars() {
        match c {
            '"' | '\\' => out.extend(['\\', c]),
            '\n' => out.push_str("\\n"),
            '\t' => out.push_str("\\t"),
            '\r' => out.push_str("\\r"),
            '\0'..='\u{1f}' | '\u{7f}' => {
                let _ = write!(out, "\\u{:04x}", u32::from(c));
            }
            c => match text::stand_in(c) {
                Some(byte) => {
                    let _ = write!(out, "\\u{byte:04x}");
                }
                None => out.push(c),
            },
        }
    }
    out.push('"');
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn short_things_stand_on_one_line() {
        let value = json!({"id": 1, "pools": [{"pool": "10.0.0.1 - 10.0.0.9"}], "relay": {}, "list": ["a", "b"]});
        let text = Style { unit: "\t".into(), newline: "\n" }.pretty(&value, "  ");
        assert_eq!(
            text,
            "{\n  \t\"id\": 1,\n  \t\"pools\": [\n  \t\t{ \"pool\": \"10.0.0.1 - 10.0.0.9\" }\n  \t],\n  \t\"relay\": {},\n  \t\"list\": [ \"a\", \"b\" ]\n  }"
        );
    }

    #[test]
    fn only_what_must_be_escaped_is() {
        assert_eq!(inline(&json!("é \" \\ / \n \u{1} \u{efe9}")), r#""é \" \\ / \n \u0001 \u00e9""#);
    }
}
