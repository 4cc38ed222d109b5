//! Tables of text, columns as wide as their widest cell.

use unicode_width::UnicodeWidthStr;

use crate::show::{Line, Role, wrap};

/// Narrower, a cell is not broken up: a word a line is harder to read than a terminal's own break.
const NARROWEST: usize = 16;

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
        self.lines_within(usize::MAX)
    }

    /// The same within so many columns: the last cell goes on below itself, where there is room for it at all.
    pub fn lines_within(self, columns_there: usize) -> Vec<Line> {
        let heading: Vec<(Role, String)> = self.heading.iter().map(|text| (Role::Muted, (*text).to_owned())).collect();
        let rows: Vec<Vec<(Role, String)>> = std::iter::once(heading).chain(self.rows).collect();
        let columns = self.heading.len();
        let widths: Vec<usize> =
            (0..columns).map(|at| rows.iter().map(|row| row[at].1.width()).max().unwrap_or(0)).collect();
        let before: usize = widths.iter().take(columns.saturating_sub(1)).map(|width| width + 2).sum();
        let room = columns_there.saturating_sub(before).max(NARROWEST);
        let mut lines = Vec::new();
        for row in rows {
            let mut line = Line::new(0);
            for (at, (role, text)) in row.into_iter().enumerate() {
                if at + 1 < columns {
                    let gap = widths[at] - text.width() + 2;
                    line = line.with(role, text).with(Role::Plain, " ".repeat(gap));
                } else if text.width() <= room {
                    line = line.with(role, text);
                } else {
                    let mut parts = wrap(&text, room).into_iter();
                    line = line.with(role, parts.next().unwrap_or_default());
                    let below = parts.map(|part| Line::of(before, role, part));
                    lines.push(std::mem::take(&mut line));
                    lines.extend(below);
                }
            }
            if !line.spans.is_empty() {
                lines.push(line);
            }
        }
        lines
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
        let mut table = Table::new(["A", "B"]);
        table.row([(Role::Plain, "東京".into()), (Role::Plain, "one two three four five".into())]);
        let lines: Vec<String> = table.lines_within(24).iter().map(Line::text).collect();
        assert_eq!(lines, ["A     B", "東京  one two three four", "      five"]);
    }
}
