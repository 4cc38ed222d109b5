//! Lines that move up or down as they are, as those of a list do under its cursor: the terminal moves them itself,
//! which takes a few bytes in place of all that they say.
//!
//! DECSTBM limits what moves, DL and IL delete and insert lines within that: sequences of the VT102, which every
//! terminal knows that knows any.

use std::io::{self, Write};
use std::ops::Range;

use ratatui::buffer::{Buffer, Cell};
use ratatui::layout::{Position, Rect, Size};
use unicode_width::UnicodeWidthStr;

/// By so many lines at most: by one with a key, by three with a wheel.
const MOST: u16 = 3;

/// Where fewer cells are spared, a move is not worth its own bytes.
const WORTH: usize = 40;

/// What the terminal shows; nothing where that is not known for sure.
#[derive(Default)]
pub(super) struct Shadow {
    cells: Option<Buffer>,
}

/// Cells to be written, each with its column and row.
pub(super) type Written = Vec<(u16, u16, Cell)>;

/// Lines that move.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Move {
    /// The lines that take part, those that are lost and those that become blank among them.
    pub lines: Range<u16>,
    /// By how many.
    pub by: u16,
    /// Whether upwards.
    pub up: bool,
}

impl Shadow {
    /// The terminal was erased, and has this size.
    pub(super) fn clear(&mut self, size: Option<Size>) {
        self.cells = size.map(|size| Buffer::empty(Rect::from((Position::ORIGIN, size))));
    }

    /// Takes note of cells that are to be written. Where lines are to be moved first, returns how, with what is left to
    /// be written then.
    pub(super) fn take(&mut self, cells: &[(u16, u16, &Cell)]) -> Option<(Move, Written)> {
        let mut after = self.cells.take()?;
        let before = (cells.len() > WORTH).then(|| after.clone());
        for (x, y, cell) in cells {
            after.cell_mut((*x, *y))?.clone_from(cell);
            // the second half of a wide character is nobody's
            for x in x + 1..x.saturating_add(u16::try_from(cell.symbol().width()).unwrap_or(1)) {
                after.cell_mut((x, *y))?.reset();
            }
        }
        let told = before.and_then(|before| {
            let found = best(&before, &after)?;
            let moved = found.done_to(before);
            let left = moved.diff(&after).into_iter().map(|(x, y, cell)| (x, y, cell.clone())).collect();
            Some((found, left))
        });
        self.cells = Some(after);
        told
    }
}

impl Move {
    /// Has the terminal move the lines. It writes without colours before and after; its cursor is anywhere then.
    pub(super) fn write(&self, out: &mut impl Write) -> io::Result<()> {
        let Move { lines, by, up } = self;
        let (top, sign) = (lines.start + 1, if *up { 'M' } else { 'L' });
        write!(out, "\x1b[{top};{}r\x1b[{top};1H\x1b[{by}{sign}\x1b[r", lines.end)
    }

    /// Moves rows, of which there is one for each line of the terminal; what is left free is as `blank` makes it.
    pub(super) fn shift<T>(&self, rows: &mut [T], blank: impl Fn(&mut T)) {
        let Some(rows) = rows.get_mut(usize::from(self.lines.start)..usize::from(self.lines.end)) else { return };
        let by = usize::from(self.by).min(rows.len());
        if self.up {
            rows.rotate_left(by);
            rows.iter_mut().rev().take(by).for_each(blank);
        } else {
            rows.rotate_right(by);
            rows.iter_mut().take(by).for_each(blank);
        }
    }

    fn done_to(&self, mut buffer: Buffer) -> Buffer {
        let width = usize::from(buffer.area.width.max(1));
        let mut rows: Vec<Vec<Cell>> = buffer.content.chunks(width).map(<[Cell]>::to_vec).collect();
        self.shift(&mut rows, |row| row.iter_mut().for_each(Cell::reset));
        buffer.content = rows.concat();
        buffer
    }
}

/// The move that spares the most, where any is worth it.
fn best(before: &Buffer, after: &Buffer) -> Option<Move> {
    let height = before.area.height;
    let moves = (1..=MOST.min(height.saturating_sub(1))).flat_map(|by| [(by, true), (by, false)]);
    let worth = moves.filter_map(|(by, up)| {
        // from where the line that is at `y` afterwards comes
        let from = |y: u16| if up { y + by } else { y - by };
        let all = if up { 0..height - by } else { by..height };
        let spared = all.map(|y| (y, spared(row(before, y), row(before, from(y)), row(after, y))));
        let (kept, gain) = heaviest(spared)?;
        let lines = kept.start.min(from(kept.start))..kept.end.max(from(kept.end - 1) + 1);
        let blank = if up { kept.end..lines.end } else { lines.start..kept.start };
        let cost: isize = blank.map(|y| spared_by_blank(row(before, y), row(after, y))).sum();
        Some((gain + cost, Move { lines, by, up }))
    });
    let worth = worth.filter(|(gain, _)| usize::try_from(*gain).is_ok_and(|gain| gain > WORTH));
    worth.max_by_key(|(gain, _)| *gain).map(|(_, found)| found)
}

fn row(buffer: &Buffer, y: u16) -> &[Cell] {
    let width = usize::from(buffer.area.width);
    buffer.content.get(usize::from(y) * width..).and_then(|rest| rest.get(..width)).unwrap_or_default()
}

/// How many cells fewer are to be written of a line if this other one has come to its place.
fn spared(here: &[Cell], comes: &[Cell], wanted: &[Cell]) -> isize {
    differing(here, wanted) - differing(comes, wanted)
}

/// The same if a blank one has.
fn spared_by_blank(here: &[Cell], wanted: &[Cell]) -> isize {
    let blank = Cell::EMPTY;
    let written = wanted.iter().filter(|cell| **cell != blank).count();
    differing(here, wanted) - isize::try_from(written).unwrap_or(isize::MAX)
}

fn differing(one: &[Cell], other: &[Cell]) -> isize {
    let count = one.iter().zip(other).filter(|(one, other)| one != other).count();
    isize::try_from(count).unwrap_or(isize::MAX)
}

/// The neighbouring lines that spare the most together.
fn heaviest(lines: impl Iterator<Item = (u16, isize)>) -> Option<(Range<u16>, isize)> {
    let mut best: Option<(Range<u16>, isize)> = None;
    let mut now: Option<(Range<u16>, isize)> = None;
    for (y, spared) in lines {
        let (lines, sum) = match now.take() {
            Some((lines, sum)) if sum > 0 => (lines.start..y + 1, sum + spared),
            _ => (y..y + 1, spared),
        };
        if best.as_ref().is_none_or(|(_, most)| sum > *most) {
            best = Some((lines.clone(), sum));
        }
        now = Some((lines, sum));
    }
    best
}

#[cfg(test)]
mod tests {
    use std::num::NonZeroU16;

    use proptest::prelude::*;
    use ratatui::backend::{Backend as _, CrosstermBackend};
    use ratatui::style::Style;

    use super::super::paint::tests::seen;
    use super::super::paint::{Shown, paint};
    use super::*;

    const SIZE: Size = Size { width: 30, height: 10 };

    /// A list from one of its lines on, with a cursor, between a title and a foot.
    fn frame(lines: &[String], top: usize, cursor: usize, foot: &str) -> Buffer {
        let mut buffer = Buffer::empty(Rect::from((Position::ORIGIN, SIZE)));
        let title = format!("list, from {top} on");
        let height = usize::from(SIZE.height) - 2;
        let shown = lines.iter().enumerate().skip(top).take(height);
        buffer.set_string(0, 0, title, Style::new().bold());
        for (y, (at, line)) in (1..).zip(shown) {
            let style = if at % 3 == 0 { Style::new().red() } else { Style::new() };
            buffer.set_stringn(1, y, line, 28, style);
            if at == cursor {
                buffer.set_style(Rect { x: 0, y, width: SIZE.width, height: 1 }, Style::new().reversed());
            }
        }
        buffer.set_stringn(0, SIZE.height - 1, foot, 30, Style::new().dim());
        buffer
    }

    struct Both {
        shadow: Shadow,
        shown: Shown,
        before: Buffer,
        ours: vt100::Parser,
        plain: vt100::Parser,
    }

    impl Both {
        fn new() -> Self {
            let [rows, columns] = [SIZE.height, SIZE.width].map(|size| NonZeroU16::new(size).unwrap());
            let [ours, plain] = [(); 2].map(|()| vt100::Parser::new(rows, columns, 0));
            let mut shadow = Shadow::default();
            shadow.clear(Some(SIZE));
            let before = Buffer::empty(Rect::from((Position::ORIGIN, SIZE)));
            Both { shadow, shown: Shown::default(), before, ours, plain }
        }

        /// Draws a frame in both ways; returns the bytes of ours.
        fn draw(&mut self, after: Buffer) -> String {
            let cells = self.before.diff(&after);
            let mut out = Vec::new();
            match self.shadow.take(&cells) {
                Some((lines, left)) => {
                    lines.write(&mut out).unwrap();
                    self.shown.shift(&lines);
                    let left: Vec<_> = left.iter().map(|(x, y, cell)| (*x, *y, cell)).collect();
                    paint(&mut out, &mut self.shown, &left).unwrap();
                }
                None => paint(&mut out, &mut self.shown, &cells).unwrap(),
            }
            self.ours.process(&out);
            let mut bytes = Vec::new();
            CrosstermBackend::new(&mut bytes).draw(cells.into_iter()).unwrap();
            self.plain.process(&bytes);
            for (x, y) in (0..SIZE.width).flat_map(|x| (0..SIZE.height).map(move |y| (x, y))) {
                assert_eq!(seen(&self.ours, x, y), seen(&self.plain, x, y), "{x} {y}");
            }
            self.before = after;
            String::from_utf8(out).unwrap()
        }
    }

    #[test]
    fn lines_move_in_place_of_being_written() {
        let lines: Vec<String> = (0..40).map(|at| format!("10.0.{at}.0  building {}", at * 7919 % 1000)).collect();
        let mut both = Both::new();
        both.draw(frame(&lines, 5, 12, "foot"));
        let down = both.draw(frame(&lines, 6, 13, "foot"));
        assert!(down.starts_with("\x1b[2;8r\x1b[2;1H\x1b[1M\x1b[r"), "{down:?}");
        assert_eq!(down.matches("building").count(), 2, "the line before the cursor's and that: {down:?}");
        let up = both.draw(frame(&lines, 3, 3, "foot"));
        assert!(up.contains("\x1b[3L\x1b[r"), "{up:?}");
        let still = both.draw(frame(&lines, 3, 4, "foot"));
        assert!(!still.contains('r'), "{still:?}");
        // where it is not known what is there, nothing moves
        both.shadow.clear(None);
        assert!(!both.draw(frame(&lines, 4, 4, "foot")).contains("\x1b[r"));
    }

    proptest! {
        #[test]
        fn the_terminal_shows_what_it_would_have_shown(
            lines in proptest::collection::vec("[a-c ]{0,28}|[a→ ]{0,9}|[a界 ]{0,9}", 12..24),
            steps in proptest::collection::vec((-4i32..5, 0usize..24, "[a-c 界]{0,9}"), 1..12),
        ) {
            let mut both = Both::new();
            let mut top = 4i32;
            for (by, cursor, foot) in steps {
                top = (top + by).clamp(0, 11);
                both.draw(frame(&lines, usize::try_from(top).unwrap(), cursor, &foot));
            }
        }
    }
}
