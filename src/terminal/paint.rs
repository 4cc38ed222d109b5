//! Changed cells in as few bytes as show the same: over a slow line each of them is waited for.
//!
//! The sequences are those of ECMA-48: CHA and CUP move the cursor, EL erases to the end of a
//! line, SGR sets colours and attributes.

use std::io::{self, Write};
use std::ops::Range;

use ratatui::buffer::Cell;
use ratatui::style::{Color, Modifier};

use super::scroll::Move;

/// What is seen of a cell without a character.
const SEEN_ON_BLANK: Modifier = Modifier::REVERSED
    .union(Modifier::UNDERLINED)
    .union(Modifier::SLOW_BLINK)
    .union(Modifier::RAPID_BLINK)
    .union(Modifier::CROSSED_OUT);

/// Each attribute, the parameter of SGR that sets it, and the one that takes it away.
const ATTRIBUTES: [(Modifier, u8, u8); 9] = [
    (Modifier::BOLD, 1, 22),
    (Modifier::DIM, 2, 22),
    (Modifier::ITALIC, 3, 23),
    (Modifier::UNDERLINED, 4, 24),
    (Modifier::SLOW_BLINK, 5, 25),
    (Modifier::RAPID_BLINK, 6, 25),
    (Modifier::REVERSED, 7, 27),
    (Modifier::HIDDEN, 8, 28),
    (Modifier::CROSSED_OUT, 9, 29),
];

/// So few blanks are written rather than erased or stepped over.
const FEW: usize = 3;

/// Which cells of the terminal show anything, by rows: what is not listed is blank.
#[derive(Default)]
pub(super) struct Shown(Vec<Vec<bool>>);

impl Shown {
    /// The terminal was erased.
    pub(super) fn clear(&mut self) {
        self.0.clear();
    }

    /// Lines were moved.
    pub(super) fn shift(&mut self, by: &Move) {
        let end = usize::from(by.lines.end);
        self.0.resize_with(self.0.len().max(end), Vec::new);
        by.shift(&mut self.0, Vec::clear);
    }

    /// Takes note of a cell, and of the next where its character is wide.
    fn take(&mut self, x: u16, y: u16, cell: &Cell) {
        let (x, y) = (usize::from(x), usize::from(y));
        if self.0.len() <= y {
            self.0.resize_with(y + 1, Vec::new);
        }
        let is_seen = !is_blank(cell) || Look::of(cell).is_seen_on_blank();
        let width = unicode_width::UnicodeWidthStr::width(cell.symbol()).max(1);
        if let Some(row) = self.0.get_mut(y) {
            row.resize(row.len().max(x + width), false);
            row.iter_mut().skip(x).take(width).for_each(|seen| *seen = is_seen);
        }
    }

    /// Whether there is nothing but blanks from a column of a row up to another.
    fn is_blank(&self, columns: Range<u16>, y: u16) -> bool {
        let row = self.0.get(usize::from(y));
        !columns.into_iter().any(|x| row.is_some_and(|row| row.get(usize::from(x)) == Some(&true)))
    }

    fn is_seen(&self, x: u16, y: u16) -> bool {
        !self.is_blank(x..x.saturating_add(1), y)
    }

    /// Behind the last cell of a row that shows anything and is none of these.
    fn end_without(&self, cells: &[(u16, u16, &Cell)], y: u16) -> usize {
        let is_other = |at: usize| cells.binary_search_by_key(&at, |(x, ..)| usize::from(*x)).is_err();
        let row = self.0.get(usize::from(y)).map_or(&[][..], Vec::as_slice);
        let last = (0..row.len()).rev().find(|at| row.get(*at) == Some(&true) && is_other(*at));
        last.map_or(0, |last| last + 1)
    }
}

/// Writes cells, row by row. Before and after it the terminal writes without colours and attributes.
pub(super) fn paint(out: &mut impl Write, shown: &mut Shown, cells: &[(u16, u16, &Cell)]) -> io::Result<()> {
    let mut pen = Pen { out, at: None, look: Look::PLAIN };
    for row in cells.chunk_by(|(_, one, _), (_, other, _)| one == other) {
        row.iter().for_each(|(x, y, cell)| shown.take(*x, *y, cell));
        let erased = erased_from(row, shown);
        for (at, (x, y, cell)) in row.iter().enumerate() {
            if Some(at) == erased {
                pen.erase_from(*x, *y, shown)?;
            }
            if erased.is_none_or(|erased| at < erased) || shown.is_seen(*x, *y) {
                pen.bridge(*x, *y, shown)?;
                pen.write(*x, *y, cell)?;
            }
        }
    }
    pen.take_up(Look::PLAIN)
}

/// The first of these cells of one row from which on the row is erased, and what shows anything is
/// written: where more than a few blanks follow.
fn erased_from(row: &[(u16, u16, &Cell)], shown: &Shown) -> Option<usize> {
    let end = shown.end_without(row, row.first()?.1);
    let is_blank = |(x, y, _): &(u16, u16, &Cell)| usize::from(*x) >= end && !shown.is_seen(*x, *y);
    (0..row.len()).find(|at| row.get(*at..at + FEW + 1).is_some_and(|cells| cells.iter().all(is_blank)))
}

fn is_blank(cell: &Cell) -> bool {
    cell.symbol() == " "
}

/// How characters are written.
#[derive(Clone, Copy, PartialEq, Eq)]
struct Look {
    foreground: Color,
    background: Color,
    attributes: Modifier,
}

impl Look {
    const PLAIN: Look = Look { foreground: Color::Reset, background: Color::Reset, attributes: Modifier::empty() };

    fn of(cell: &Cell) -> Self {
        Look { foreground: cell.fg, background: cell.bg, attributes: cell.modifier }
    }

    fn is_seen_on_blank(self) -> bool {
        self.background != Color::Reset || self.attributes.intersects(SEEN_ON_BLANK)
    }

    /// Whether blanks in both look the same.
    fn is_alike_on_blank(self, other: Look) -> bool {
        let is_seen = |look: Look| look.attributes.intersects(SEEN_ON_BLANK);
        let colours = |look: Look| (look.foreground, look.background);
        let but_bold = |look: Look| look.attributes - Modifier::BOLD;
        match is_seen(self) || is_seen(other) {
            false => self.background == other.background,
            // bold may make a colour brighter, which is seen of a reversed blank
            true if self.foreground != Color::Reset => self == other,
            true => colours(self) == colours(other) && but_bold(self) == but_bold(other),
        }
    }

    /// The parameters of SGR that change this look into another.
    fn to(self, other: Look) -> String {
        let plain: Vec<String> = Look::PLAIN.added(other);
        let anew = std::iter::once(String::new()).chain(plain).collect::<Vec<_>>().join(";");
        let mut changes = Vec::new();
        let mut left = self;
        for (attribute, _, off) in ATTRIBUTES {
            if left.attributes.contains(attribute) && !other.attributes.contains(attribute) {
                changes.push(off.to_string());
                // what the same parameter takes away is set again
                let same = ATTRIBUTES.iter().filter(|(_, _, theirs)| *theirs == off);
                same.for_each(|(attribute, ..)| left.attributes.remove(*attribute));
            }
        }
        changes.extend(left.added(other));
        let changes = changes.join(";");
        if anew.len() < changes.len() { anew } else { changes }
    }

    /// The parameters for what the other has and this has not, and for its colours.
    fn added(self, other: Look) -> Vec<String> {
        let attributes = ATTRIBUTES
            .iter()
            .filter(|(attribute, ..)| other.attributes.contains(*attribute) && !self.attributes.contains(*attribute));
        let colours = [(self.foreground, other.foreground, 30), (self.background, other.background, 40)];
        let colours = colours.into_iter().filter(|(before, now, _)| before != now);
        attributes.map(|(_, on, _)| on.to_string()).chain(colours.map(|(_, now, base)| parameter(now, base))).collect()
    }
}

/// The parameter of SGR for a colour, of the foreground (30) or the background (40).
fn parameter(colour: Color, base: u8) -> String {
    let bright = base + 60;
    let number = match colour {
        Color::Reset => base + 9,
        Color::Black => base,
        Color::Red => base + 1,
        Color::Green => base + 2,
        Color::Yellow => base + 3,
        Color::Blue => base + 4,
        Color::Magenta => base + 5,
        Color::Cyan => base + 6,
        Color::Gray => base + 7,
        Color::DarkGray => bright,
        Color::LightRed => bright + 1,
        Color::LightGreen => bright + 2,
        Color::LightYellow => bright + 3,
        Color::LightBlue => bright + 4,
        Color::LightMagenta => bright + 5,
        Color::LightCyan => bright + 6,
        Color::White => bright + 7,
        Color::Indexed(number) => return format!("{};5;{number}", base + 8),
        Color::Rgb(red, green, blue) => return format!("{};2;{red};{green};{blue}", base + 8),
    };
    number.to_string()
}

struct Pen<'o, W> {
    out: &'o mut W,
    /// Where the next character goes.
    at: Option<(u16, u16)>,
    look: Look,
}

impl<W: Write> Pen<'_, W> {
    fn write(&mut self, x: u16, y: u16, cell: &Cell) -> io::Result<()> {
        self.go(x, y)?;
        let look = Look::of(cell);
        if !(is_blank(cell) && look.is_alike_on_blank(self.look)) {
            self.take_up(look)?;
        }
        self.at = Some((x.saturating_add(1), y));
        self.out.write_all(cell.symbol().as_bytes())
    }

    /// Writes the few blanks that are on the way, which is shorter than a leap over them.
    fn bridge(&mut self, x: u16, y: u16, shown: &Shown) -> io::Result<()> {
        let Some((from, _)) = self.at.filter(|(from, row)| *row == y && *from < x) else { return Ok(()) };
        let blanks = usize::from(x - from);
        if blanks <= FEW && !self.look.is_seen_on_blank() && shown.is_blank(from..x, y) {
            write!(self.out, "{:blanks$}", "")?;
            self.at = Some((x, y));
        }
        Ok(())
    }

    /// Erases the end of a row of which a cell before, too, may be blank already.
    fn erase_from(&mut self, x: u16, y: u16, shown: &Shown) -> io::Result<()> {
        let is_here = |(from, row): &(u16, u16)| *row == y && *from < x && shown.is_blank(*from..x, y);
        let from = self.at.filter(is_here).map_or(x, |(from, _)| from);
        self.go(from, y)?;
        if self.look.is_seen_on_blank() {
            self.take_up(Look::PLAIN)?;
        }
        self.out.write_all(b"\x1b[K")
    }

    /// By absolute numbers: a terminal may take a character for wider than we do.
    fn go(&mut self, x: u16, y: u16) -> io::Result<()> {
        match self.at {
            Some(at) if at == (x, y) => Ok(()),
            Some((_, row)) if row == y => write!(self.out, "\x1b[{}G", u32::from(x) + 1),
            _ => write!(self.out, "\x1b[{};{}H", u32::from(y) + 1, u32::from(x) + 1),
        }?;
        self.at = Some((x, y));
        Ok(())
    }

    fn take_up(&mut self, look: Look) -> io::Result<()> {
        if look != self.look {
            write!(self.out, "\x1b[{}m", self.look.to(look))?;
            self.look = look;
        }
        Ok(())
    }
}

#[cfg(test)]
pub(super) mod tests {
    use std::num::NonZeroU16;

    use proptest::prelude::*;
    use ratatui::backend::{Backend as _, CrosstermBackend};
    use ratatui::buffer::Buffer;
    use ratatui::layout::Rect;
    use ratatui::style::Style;

    use super::*;

    const AREA: Rect = Rect { x: 0, y: 0, width: 24, height: 3 };

    fn drawn(shown: &mut Shown, before: &Buffer, after: &Buffer) -> String {
        let mut out = Vec::new();
        paint(&mut out, shown, &before.diff(after)).unwrap();
        String::from_utf8(out).unwrap()
    }

    fn line(parts: &[(&str, Style)]) -> Buffer {
        let mut buffer = Buffer::empty(AREA);
        let mut x = 0;
        for (part, style) in parts {
            (x, _) = buffer.set_stringn(x, 0, part, usize::MAX, *style);
        }
        buffer
    }

    #[test]
    fn nothing_is_said_twice() {
        let (bold, red) = (Style::new().bold(), Style::new().red());
        let mut shown = Shown::default();
        let empty = Buffer::empty(AREA);
        let one = line(&[("a", bold), (" ", Style::new()), ("b", bold), (" plain and long", Style::new())]);
        assert_eq!(drawn(&mut shown, &empty, &one), "\x1b[1;1H\x1b[1ma b \x1b[mplain and long");
        let two = line(&[("a", bold), (" ", Style::new()), ("c", red.bold().reversed())]);
        assert_eq!(drawn(&mut shown, &one, &two), "\x1b[1;3H\x1b[1;7;31mc\x1b[m\x1b[K");
        let three = line(&[("x", Style::new()), (" c ", red)]);
        assert_eq!(drawn(&mut shown, &two, &three), "\x1b[1;1Hx \x1b[31mc \x1b[m");
        // the second half of a wide character is no blank
        let wide = line(&[("界界 and long", Style::new())]);
        assert_eq!(drawn(&mut shown, &three, &wide), "\x1b[1;1H界\x1b[3G界\x1b[6Gand long");
        assert_eq!(drawn(&mut shown, &wide, &line(&[("界界", Style::new())])), "\x1b[1;6H\x1b[K");
    }

    fn styles() -> impl Strategy<Value = Style> {
        let colours = [Color::Reset, Color::Red, Color::DarkGray, Color::White, Color::Indexed(9), Color::Rgb(1, 2, 3)];
        let colour = || prop::sample::select(colours.to_vec());
        let attributes = Modifier::BOLD | Modifier::DIM | Modifier::ITALIC | Modifier::UNDERLINED | Modifier::REVERSED;
        let attributes = any::<u16>().prop_map(move |bits| Modifier::from_bits_truncate(bits) & attributes);
        (colour(), colour(), attributes).prop_map(|(fg, bg, with)| Style::new().fg(fg).bg(bg).add_modifier(with))
    }

    /// What is seen of a cell.
    pub(in crate::terminal) fn seen(terminal: &vt100::Parser, x: u16, y: u16) -> String {
        let cell = terminal.screen().cell(y, x).unwrap();
        // the second half of a wide character is nobody's
        if cell.is_wide_continuation() {
            return String::new();
        }
        let on_blank = (cell.bgcolor(), cell.inverse(), cell.underline());
        let is_blank = !cell.has_contents() || cell.contents() == " ";
        if is_blank && !cell.inverse() && !cell.underline() {
            return format!("{on_blank:?}");
        }
        let text = if is_blank { " " } else { cell.contents() };
        // the emulator knows one of the two, and on a blank in the terminal's own colour it is not seen
        let is_plain = is_blank && cell.fgcolor() == vt100::Color::Default || !cell.bold() && !cell.dim();
        format!("{on_blank:?} {text:?} {is_plain} {} {:?}", cell.italic(), cell.fgcolor())
    }

    proptest! {
        #[test]
        fn the_terminal_shows_what_a_cell_after_the_other_would(
            frames in proptest::collection::vec(
                proptest::collection::vec(("[a-c ]{0,9}|[a→ ]{0,5}|[a界 ]{0,5}| {9,24}", styles()), 9),
                1..5,
            )
        ) {
            let (mut shown, mut before) = (Shown::default(), Buffer::empty(AREA));
            let [rows, columns] = [AREA.height, AREA.width].map(|size| NonZeroU16::new(size).unwrap());
            let [mut ours, mut plain] = [(); 2].map(|()| vt100::Parser::new(rows, columns, 0));
            for parts in frames {
                let mut after = Buffer::empty(AREA);
                for (parts, y) in parts.chunks(3).zip(0..) {
                    parts.iter().fold(0, |x, (text, style)| after.set_stringn(x, y, text, usize::MAX, *style).0);
                }
                ours.process(drawn(&mut shown, &before, &after).as_bytes());
                let mut bytes = Vec::new();
                CrosstermBackend::new(&mut bytes).draw(before.diff(&after).into_iter()).unwrap();
                plain.process(&bytes);
                for (x, y) in (0..AREA.width).flat_map(|x| (0..AREA.height).map(move |y| (x, y))) {
                    prop_assert_eq!(seen(&ours, x, y), seen(&plain, x, y), "{} {}", x, y);
                }
                before = after;
            }
        }
    }
}
