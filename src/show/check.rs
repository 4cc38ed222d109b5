//! What a check found, in a table that fits.

use super::{Line, Role, wrap};
use crate::engine::check::{Point, Verdict};

/// Columns of a topic's name and of a verdict, with the gaps behind them.
const NAME: usize = 16;
const VERDICT: usize = 11;

/// A line for each thing that was looked at, with what to do below it; long texts go on
/// below themselves.
pub fn points(points: &[Point], columns: usize) -> Vec<Line> {
    points.iter().flat_map(|point| self::point(point, columns)).collect()
}

fn point(point: &Point, columns: usize) -> Vec<Line> {
    const INDENT: usize = 2;
    let before = INDENT + NAME + VERDICT;
    let room = columns.saturating_sub(before).max(20);
    let mut found = wrap(&point.found, room).into_iter();
    let head = Line::of(INDENT, Role::Plain, format!("{:NAME$}", point.topic.words()))
        .with(role(point.verdict), format!("{:VERDICT$}", point.verdict.word()))
        .with(Role::Plain, found.next().unwrap_or_default());
    let mut lines = vec![head];
    lines.extend(found.map(|rest| Line::of(before, Role::Plain, rest)));
    let hint = point.hint.iter().flat_map(|hint| wrap(&format!("hint: {hint}"), room));
    lines.extend(hint.map(|hint| Line::of(before, Role::Muted, hint)));
    lines
}

fn role(verdict: Verdict) -> Role {
    match verdict {
        Verdict::Ok => Role::Good,
        Verdict::NotAsked => Role::Muted,
        Verdict::Unknown | Verdict::Warning => Role::Warning,
        Verdict::Failed => Role::Critical,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::engine::check::Topic;

    #[test]
    fn long_texts_go_on_below_themselves() {
        let all = [
            Point::ok(Topic::Version, "3.0.4"),
            Point::warning(Topic::ConfigurationBackend, "the configuration comes from a mysql backend")
                .hint("change it there"),
        ];
        let lines: Vec<String> = points(&all, 60).iter().map(Line::text).collect();
        assert_eq!(
            lines,
            [
                "  version         ok         3.0.4",
                "  config backend  warning    the configuration comes from a",
                "                             mysql backend",
                "                             hint: change it there",
            ]
        );
    }
}
