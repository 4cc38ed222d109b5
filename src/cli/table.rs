//! Tables of text, columns as wide as their widest cell.

use unicode_width::UnicodeWidthStr;

use crate::show::{Line, Role};

/// Rows of cells below a heading.
pub struct Table {
    heading: Vec<&'static str>,
    rows: Vec<Vec<(Role, String)>>,
}

impl Table {
    /// An empty table with these columns.
    pub fn new<const N: usize>(heading: [&'static str; N]) -> Self {
        Table { heading: heading.to_vec(), rows: Vec::new() }
    }

    /// Adds a row; an empty cell is shown as `-`.
    pub fn row<const N: usize>(&mut self, cells: [(Role, String); N]) {
        let full =
            |(role, text): (Role, String)| if text.is_empty() { (Role::Muted, "-".into()) } else { (role, text) };
        self.rows.push(cells.into_iter().map(full).collect());
    }

    /// The table, heading first.
    pub fn lines(self) -> Vec<Line> {
        let heading: Vec<(Role, String)> = self.heading.iter().map(|text| (Role::Muted, (*text).to_owned())).collect();
        let rows: Vec<Vec<(Role, String)>> = std::iter::once(heading).chain(self.rows).collect();
        let columns = self.heading.len();
        let widths: Vec<usize> =
            (0..columns).map(|at| rows.iter().map(|row| row[at].1.width()).max().unwrap_or(0)).collect();
        rows.into_iter()
            .map(|row| {
                let mut line = Line::new(0);
                for (at, (role, text)) in row.into_iter().enumerate() {
                    let gap = if at + 1 == columns { 0 } else { widths[at] - text.width() + 2 };
                    line = line.with(role, text).with(Role::Plain, " ".repeat(gap));
                }
                line
            })
            .collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn columns_line_up_by_what_is_seen() {
        let mut table = Table::new(["A", "B"]);
        table.row([(Role::Plain, "東京".into()), (Role::Plain, "x".into())]);
        table.row([(Role::Plain, String::new()), (Role::Plain, "y".into())]);
        let lines: Vec<String> = table.lines().iter().map(Line::text).collect();
        assert_eq!(lines, ["A     B", "東京  x", "-     y"]);
    }
}
