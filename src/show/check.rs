//! What a check found, in a table that fits.

use super::wrap::{width, wrap_words};
use super::{Line, Role};
use crate::engine::check::{Point, Verdict};

/// Columns of a topic's name and of a verdict, with the gaps behind them.
const NAME: usize = 16;
const VERDICT: usize = 11;

/// A line for each thing that was looked at, with what to do below it; long texts go on
/// below themselves. A word that is longer than what is left beside the name begins further left.
pub fn points(points: &[Point], columns: usize) -> Vec<Line> {
    points.iter().flat_map(|point| self::point(point, columns)).collect()
}

fn point(point: &Point, columns: usize) -> Vec<Line> {
    const INDENT: usize = 2;
    let before = INDENT + NAME + VERDICT;
    let room = columns.saturating_sub(before).max(20);
    let mut found = wrap_words(&point.found, room).into_iter().peekable();
    let head = Line::of(INDENT, Role::Plain, format!("{:NAME$}", point.topic.words()))
        .with(role(point.verdict), format!("{:VERDICT$}", point.verdict.word()))
        .with(Role::Plain, found.next_if(|first| width(first) <= room).unwrap_or_default());
    let below = |role, text: String| Line::of(columns.saturating_sub(width(&text)).clamp(INDENT, before), role, text);
    let mut lines = vec![head];
    lines.extend(found.map(|rest| below(Role::Plain, rest)));
    let hint = point.hint.iter().flat_map(|hint| wrap_words(&format!("hint: {hint}"), room));
    lines.extend(hint.map(|hint| below(Role::Muted, hint)));
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

    #[test]
    fn what_is_there_to_be_copied_stays_whole() {
        let pin = format!("sha256:{}", "ab".repeat(32));
        let shown = |found: String| -> Vec<String> {
            let point = Point::warning(Topic::Tls, found).hint(format!("write tls_pin = \"{pin}\", or tls_ca"));
            points(&[point], 80).iter().map(Line::text).collect()
        };
        let lines = shown(format!("not verified: it is {pin} here"));
        assert_eq!(lines[1], format!("         {pin}"));
        assert_eq!(lines[2], format!("{:29}here", ""));
        assert!(lines[3].ends_with("hint: write tls_pin ="), "{lines:?}");
        assert_eq!(lines[4], format!("      \"{pin}\","));
        assert!(lines.iter().all(|line| line.len() <= 80), "{lines:?}");
        assert_eq!(shown(pin.clone())[..2], [format!("  {:16}{:11}", "TLS", "warning"), format!("         {pin}")]);
    }
}
