//! Rows and columns, as CSV (RFC 4180) or JSON.

use jiff::Timestamp;
use serde::ser::{Serialize, SerializeMap, SerializeSeq, Serializer};

use crate::show;

/// The schema of the JSON.
const SCHEMA: &str = "scopesync.export/1";

/// One value.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Cell {
    /// There is none.
    Nothing,
    /// A number.
    Number(u64),
    /// A text, safe to show.
    Text(String),
}

impl From<String> for Cell {
    fn from(text: String) -> Self {
        if text.is_empty() { Cell::Nothing } else { Cell::Text(text) }
    }
}

impl From<&str> for Cell {
    fn from(text: &str) -> Self {
        Cell::from(text.to_owned())
    }
}

impl From<usize> for Cell {
    fn from(number: usize) -> Self {
        Cell::Number(number as u64)
    }
}

impl<T: Into<Cell>> From<Option<T>> for Cell {
    fn from(value: Option<T>) -> Self {
        value.map_or(Cell::Nothing, Into::into)
    }
}

/// Rows of one kind.
#[derive(Clone, Debug)]
pub struct Table {
    /// What it lists.
    pub what: &'static str,
    /// The names of its columns.
    pub columns: &'static [&'static str],
    /// Its rows, each as long as there are columns.
    pub rows: Vec<Vec<Cell>>,
}

impl Table {
    /// The table as CSV, with its columns' names in the first line. Every text is quoted, also for
    /// programs that separate by something else than commas, and none is a formula.
    pub fn csv(&self) -> String {
        let mut text = self.columns.join(",");
        text.push_str("\r\n");
        for row in &self.rows {
            for (at, cell) in row.iter().enumerate() {
                if at > 0 {
                    text.push(',');
                }
                match cell {
                    Cell::Nothing => {}
                    Cell::Number(number) => text.push_str(&number.to_string()),
                    Cell::Text(words) => {
                        let lead = if is_formula(words) { "'" } else { "" };
                        text.push_str(&format!("\"{lead}{}\"", words.replace('"', "\"\"")));
                    }
                }
            }
            text.push_str("\r\n");
        }
        text
    }

    /// The table as JSON, an object for each row.
    ///
    /// # Errors
    /// In words.
    pub fn json(&self, at: Timestamp) -> Result<String, String> {
        let mut text = Vec::new();
        show::json::write(&mut text, &Document { table: self, at }, true).map_err(|error| error.to_string())?;
        String::from_utf8(text).map_err(|error| error.to_string())
    }
}

/// Whether a spreadsheet would take this text for a formula. Some look behind blanks, and some
/// know the wide forms of the signs too.
pub fn is_formula(text: &str) -> bool {
    text.trim_start().starts_with(['=', '+', '-', '@', '＝', '＋', '－', '＠'])
}

struct Document<'a> {
    table: &'a Table,
    at: Timestamp,
}

impl Serialize for Document<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(Some(4))?;
        map.serialize_entry("schema", SCHEMA)?;
        map.serialize_entry("what", self.table.what)?;
        map.serialize_entry("made_at", &self.at.to_string())?;
        map.serialize_entry("rows", &Rows(self.table))?;
        map.end()
    }
}

struct Rows<'a>(&'a Table);

impl Serialize for Rows<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut rows = serializer.serialize_seq(Some(self.0.rows.len()))?;
        for row in &self.0.rows {
            rows.serialize_element(&Named(self.0.columns, row))?;
        }
        rows.end()
    }
}

struct Named<'a>(&'a [&'static str], &'a [Cell]);

impl Serialize for Named<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_map(self.0.iter().zip(self.1))
    }
}

impl Serialize for Cell {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self {
            Cell::Nothing => serializer.serialize_none(),
            Cell::Number(number) => serializer.serialize_u64(*number),
            Cell::Text(text) => serializer.serialize_str(text),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The cells of a CSV text, read as RFC 4180 tells, by a separator.
    fn read(text: &str, separator: char) -> Vec<Vec<String>> {
        let (mut rows, mut row, mut cell, mut quoted) = (Vec::new(), Vec::new(), String::new(), false);
        let mut chars = text.chars().peekable();
        while let Some(c) = chars.next() {
            match c {
                '"' if quoted && chars.next_if_eq(&'"').is_some() => cell.push('"'),
                '"' => quoted = !quoted,
                c if c == separator && !quoted => row.push(std::mem::take(&mut cell)),
                '\r' if !quoted => {}
                '\n' if !quoted => {
                    row.push(std::mem::take(&mut cell));
                    rows.push(std::mem::take(&mut row));
                }
                c => cell.push(c),
            }
        }
        rows
    }

    proptest::proptest! {
        #[test]
        fn no_text_is_a_formula_or_more_than_one_cell(
            texts in proptest::collection::vec("[ =+@;,\"'\t\\-]{0,3}\\PC{0,4}", 1..4),
        ) {
            let rows = vec![texts.iter().map(|text| Cell::from(text.as_str())).collect()];
            let csv = Table { what: "x", columns: &["a"], rows }.csv();
            let found = read(&csv, ',');
            proptest::prop_assert_eq!(found.len(), 2);
            proptest::prop_assert_eq!(found[1].len(), texts.len());
            for (cell, text) in found[1].iter().zip(&texts) {
                proptest::prop_assert!(!is_formula(cell));
                proptest::prop_assert_eq!(cell.strip_prefix('\'').filter(|_| is_formula(text)).unwrap_or(cell), text);
            }
            // no cell begins in the middle of a text for those who separate otherwise
            for separator in [';', '\t'] {
                let cells = read(&csv, separator);
                proptest::prop_assert!(cells[1].iter().all(|cell| !is_formula(cell)), "{:?}", cells);
            }
        }
    }

    #[test]
    fn json_names_the_columns() {
        let rows = vec![vec![Cell::from("=1"), Cell::from(3usize), Cell::Nothing]];
        let json = Table { what: "scopes", columns: &["a", "b", "c"], rows }.json(Timestamp::UNIX_EPOCH).unwrap();
        let value: serde_json::Value = serde_json::from_str(&json).unwrap();
        assert_eq!(value["rows"], serde_json::json!([{"a": "=1", "b": 3, "c": null}]));
        assert_eq!(value["schema"], SCHEMA);
    }
}
