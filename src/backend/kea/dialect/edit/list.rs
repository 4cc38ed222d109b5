//! The items between two brackets: which stay, which go, where new ones stand, and the commas.

use std::ops::Range;

use serde_json::Value as Json;

use super::super::print::{self, Style};
use super::super::{Document, FileIndex, Position};
use super::{EditError, Splice};
use crate::model::Foreign;

/// An item of the wanted list.
pub(super) enum Slot<'a> {
    /// An old one, by its index. Indices ascend.
    Old(usize),
    /// A new one; with its key in an object.
    New(Option<&'a str>, &'a Json),
}

/// The items of an object or array whose brackets stand in the file itself.
pub(super) struct List<'a> {
    document: &'a Document,
    style: &'a Style,
    /// Between the brackets.
    inner: Range<usize>,
    /// Where each item stands; `None` if (a part of) it comes from an include.
    items: Vec<Option<Range<usize>>>,
    /// Where the items of the file itself begin.
    starts: Vec<usize>,
    trailing_comma: bool,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Kind {
    Comma,
    LineComment,
    BlockComment,
    Directive,
}

#[derive(Clone)]
struct Token {
    kind: Kind,
    range: Range<usize>,
}

/// The end of an item in the file itself and what follows up to the next item.
struct Tail {
    end: usize,
    tokens: Vec<Token>,
}

impl Tail {
    fn commas(&self) -> impl DoubleEndedIterator<Item = Range<usize>> {
        self.tokens.iter().filter(|t| t.kind == Kind::Comma).map(|t| t.range.clone())
    }
}

impl<'a> List<'a> {
    pub(super) fn new(
        document: &'a Document,
        style: &'a Style,
        inner: Range<usize>,
        items: Vec<Option<Range<usize>>>,
        trailing_comma: bool,
    ) -> Self {
        let starts = items.iter().flatten().map(|item| item.start).collect();
        List { document, style, inner, items, starts, trailing_comma }
    }

    /// What to replace so that the items are these.
    ///
    /// Every item but the last has a comma, and the last one has if it had one before:
    /// no Kea gets an extra comma that was not there.
    pub(super) fn arrange(&self, slots: &[Slot]) -> Result<Vec<Splice>, EditError> {
        let mut cuts = Vec::new();
        let mut splices = Vec::new();
        for index in self.removed(slots) {
            let range = self.items[index].clone().ok_or_else(|| self.in_include(self.before(index)))?;
            if let Some(include) = self.document.include_within(&range) {
                return Err(self.refusal(range.start, &include.path.to_string_lossy()));
            }
            cuts.push(range);
            if self.has_comma(index) {
                cuts.extend(self.commas(index)?);
            }
        }
        let mut anchor = None;
        let mut run = Vec::new();
        for (at, slot) in slots.iter().enumerate() {
            let needs_comma = at + 1 < slots.len() || self.trailing_comma;
            match slot {
                Slot::New(key, value) => run.push((*key, *value, needs_comma)),
                Slot::Old(index) => {
                    self.insert(&mut splices, anchor, &std::mem::take(&mut run), true)?;
                    match (self.has_comma(*index), needs_comma) {
                        (true, false) => cuts.extend(self.commas(*index)?),
                        (false, true) => splices.push(insertion(self.tail(*index)?.end, ",".to_owned())),
                        _ => {}
                    }
                    anchor = Some(*index);
                }
            }
        }
        self.insert(&mut splices, anchor, &run, false)?;
        splices.extend(self.widen(cuts).into_iter().map(|range| Splice { range, text: String::new() }));
        Ok(splices)
    }

    fn removed(&self, slots: &[Slot]) -> Vec<usize> {
        let mut stays = vec![false; self.items.len()];
        for slot in slots {
            if let Slot::Old(index) = slot {
                stays[*index] = true;
            }
        }
        (0..stays.len()).filter(|index| !stays[*index]).collect()
    }

    fn has_comma(&self, index: usize) -> bool {
        index + 1 < self.items.len() || self.trailing_comma
    }

    /// The commas after an item; at least one, which an include might hide.
    fn commas(&self, index: usize) -> Result<Vec<Range<usize>>, EditError> {
        let tail = self.tail(index)?;
        let commas: Vec<_> = tail.commas().collect();
        if commas.is_empty() { Err(self.in_include(tail.end)) } else { Ok(commas) }
    }

    /// Puts new items behind an old one, or in front of all.
    fn insert(
        &self,
        splices: &mut Vec<Splice>,
        anchor: Option<usize>,
        run: &[(Option<&str>, &Json, bool)],
        more: bool,
    ) -> Result<(), EditError> {
        if run.is_empty() {
            return Ok(());
        }
        let layout = self.layout(run)?;
        let Some(index) = anchor else { return self.insert_first(splices, run, &layout, more) };
        let tail = self.tail(index)?;
        let comma = tail.commas().next_back();
        let hidden_comma = self.has_comma(index) && comma.is_none();
        let last_needs = run.last().is_some_and(|(.., needs)| *needs);
        if hidden_comma && !last_needs {
            return Err(self.in_include(tail.end));
        }
        let at = if hidden_comma { tail.end } else { comma.map_or(tail.end, |comma| comma.end) };
        let (at, comment) = if hidden_comma { (at, false) } else { self.after_comments(at, &tail.tokens) };
        let mut text = String::new();
        for (n, (key, value, needs_comma)) in run.iter().enumerate() {
            if hidden_comma {
                text.push(',');
            }
            if layout.lines || (comment && n == 0) {
                text.extend([self.style.newline, &layout.indent]);
            } else {
                text.push(' ');
            }
            text.push_str(&layout.item(*key, value, self.style));
            if *needs_comma && !hidden_comma {
                text.push(',');
            }
        }
        splices.push(insertion(at, text));
        Ok(())
    }

    fn insert_first(
        &self,
        splices: &mut Vec<Splice>,
        run: &[(Option<&str>, &Json, bool)],
        layout: &Layout,
        more: bool,
    ) -> Result<(), EditError> {
        let gap = self.gap(self.inner.start)?;
        let (at, comment) = self.after_comments(self.inner.start, &gap);
        let text = self.document.text();
        let lines = layout.lines || comment;
        let blank_follows = at < self.inner.end && text[at].is_ascii_whitespace();
        let mut new = String::new();
        for (n, (key, value, needs_comma)) in run.iter().enumerate() {
            if lines {
                new.extend([self.style.newline, &layout.indent]);
            } else if n > 0 || blank_follows || !more {
                new.push(' ');
            }
            new.push_str(&layout.item(*key, value, self.style));
            if *needs_comma {
                new.push(',');
            }
        }
        let next = self.items.iter().flatten().next().map_or(self.inner.end, |item| item.start);
        match (lines, more) {
            (true, true) if !text[at..next].contains(&b'\n') => new.extend([self.style.newline, &layout.indent]),
            (true, false) if !text[at..self.inner.end].contains(&b'\n') => {
                new.extend([self.style.newline, &layout.outer]);
            }
            (false, _) if !blank_follows => new.push(' '),
            _ => {}
        }
        splices.push(insertion(at, new));
        Ok(())
    }

    /// Behind the comments that stand on the same line; and whether the last of them ends with it.
    fn after_comments(&self, mut at: usize, tokens: &[Token]) -> (usize, bool) {
        let first = tokens.partition_point(|t| t.range.start < at);
        for token in &tokens[first..] {
            let same_line = !self.document.text()[at..token.range.start].contains(&b'\n');
            match token.kind {
                Kind::LineComment if same_line => return (token.range.end, true),
                Kind::BlockComment if same_line => at = token.range.end,
                _ => break,
            }
        }
        (at, false)
    }

    /// Where an item ends in the file itself, and what belongs to it behind.
    fn tail(&self, index: usize) -> Result<Tail, EditError> {
        let next_is_included = matches!(self.items.get(index + 1), Some(None));
        match &self.items[index] {
            Some(range) => {
                let mut tokens = self.gap(range.end)?;
                if next_is_included {
                    let own = tokens.iter().take_while(|t| t.kind != Kind::Directive).count();
                    tokens.truncate(own);
                }
                Ok(Tail { end: range.end, tokens })
            }
            None => {
                let before = self.before(index);
                let mut tokens = self.gap(before)?;
                let directive = tokens.iter().rposition(|t| t.kind == Kind::Directive);
                match directive {
                    Some(at) if !next_is_included => {
                        let end = tokens[at].range.end;
                        Ok(Tail { end, tokens: tokens.split_off(at + 1) })
                    }
                    _ => Err(self.in_include(before)),
                }
            }
        }
    }

    /// The end of the item of the file itself that stands before this one.
    fn before(&self, index: usize) -> usize {
        self.items[..index].iter().rev().flatten().next().map_or(self.inner.start, |range| range.end)
    }

    /// What stands from here up to the next item of the file itself.
    fn gap(&self, from: usize) -> Result<Vec<Token>, EditError> {
        let next = self.starts.get(self.starts.partition_point(|start| *start < from)).copied();
        let text = &self.document.text()[..next.unwrap_or(self.inner.end)];
        let mut tokens = Vec::new();
        let mut at = from;
        while let Some(byte) = text.get(at) {
            let (kind, end) = match (byte, text.get(at + 1)) {
                (b' ' | b'\t' | b'\r' | b'\n', _) => {
                    at += 1;
                    continue;
                }
                (b',', _) => (Kind::Comma, Some(at + 1)),
                (b'#', _) | (b'/', Some(b'/')) => {
                    let length = text[at..].iter().take_while(|b| **b != b'\n').count();
                    // The carriage return belongs to the end of the line.
                    let cr = usize::from(text[at + length - 1] == b'\r');
                    (Kind::LineComment, Some(at + length - cr))
                }
                (b'/', Some(b'*')) => {
                    (Kind::BlockComment, text[at + 2..].windows(2).position(|w| w == b"*/").map(|n| at + n + 4))
                }
                (b'<', Some(b'?')) => (Kind::Directive, self.directive_end(at)),
                _ => (Kind::Comma, None),
            };
            let Some(end) = end else { return Err(EditError::Tangled { near: self.place(at) }) };
            tokens.push(Token { kind, range: at..end });
            at = end;
        }
        Ok(tokens)
    }

    fn directive_end(&self, at: usize) -> Option<usize> {
        let directives = self.document.sources().iter().filter_map(|source| source.directive);
        directives
            .filter(|(start, _)| start.file == FileIndex::MAIN && start.offset() == at)
            .map(|(_, end)| end.offset())
            .next()
    }

    /// Takes the white space along that would be left over.
    fn widen(&self, mut cuts: Vec<Range<usize>>) -> Vec<Range<usize>> {
        let text = self.document.text();
        let blank = |b: &u8| matches!(b, b' ' | b'\t' | b'\r');
        cuts.sort_by_key(|cut| cut.start);
        let mut merged: Vec<Range<usize>> = Vec::new();
        for cut in cuts {
            match merged.last_mut() {
                Some(last) if text[last.end..cut.start].iter().all(blank) => last.end = cut.end,
                _ => merged.push(cut),
            }
        }
        for cut in &mut merged {
            let before = text[self.inner.start..cut.start].iter().rev().take_while(|b| blank(b)).count();
            let after = text[cut.end..self.inner.end].iter().take_while(|b| blank(b)).count();
            let line_starts = text[..cut.start - before].last() == Some(&b'\n');
            let line_ends = text.get(cut.end + after) == Some(&b'\n');
            match (line_starts, line_ends) {
                (true, true) => *cut = cut.start - before..cut.end + after + 1,
                // Without the carriage return, which ends the line.
                (false, true) if text[cut.end + after - usize::from(after > 0)] == b'\r' => {
                    *cut = cut.start - before..cut.end + after - 1;
                }
                (false, true) => *cut = cut.start - before..cut.end + after,
                (_, false) if before > 0 || cut.start == self.inner.start => cut.end += after,
                (_, false) => {}
            }
        }
        merged
    }

    fn layout(&self, run: &[(Option<&str>, &Json, bool)]) -> Result<Layout, EditError> {
        let text = self.document.text();
        let outer = line_indent(text, self.inner.start);
        let known: Vec<&Range<usize>> = self.items.iter().flatten().collect();
        let has_line = |range: &Range<usize>| text[range.clone()].contains(&b'\n');
        let big = run.iter().any(|(_, value, _)| value.is_object() || value.is_array());
        let (lines, whole) = match known.first() {
            None => (has_line(&self.inner) || big, true),
            Some(first) => {
                let lines = has_line(&(self.inner.start..first.start))
                    || known.windows(2).any(|pair| has_line(&(pair[0].end..pair[1].start)));
                // Members of an object differ in kind: the others tell nothing about a new one.
                let in_object = run.iter().any(|(key, ..)| key.is_some());
                let whole = if in_object { lines } else { known.iter().any(|item| has_line(item)) };
                (lines, whole)
            }
        };
        let indent = known.iter().find_map(|item| indent_of(text, item.start)).unwrap_or_else(|| match lines {
            true => format!("{outer}{}", self.style.unit),
            false => outer.clone(),
        });
        Ok(Layout { lines, whole, indent, outer })
    }

    fn place(&self, at: usize) -> super::Place {
        self.document.place(Position { file: FileIndex::MAIN, offset: at as u32 })
    }

    /// The refusal that names the include which stands here or next.
    fn in_include(&self, at: usize) -> EditError {
        let include =
            [at..self.inner.end, self.inner.clone()].iter().find_map(|span| self.document.include_within(span));
        match include {
            Some(include) => {
                let start = include.directive.map_or(at, |(start, _)| start.offset());
                self.refusal(start, &include.path.to_string_lossy())
            }
            None => EditError::Tangled { near: self.place(at) },
        }
    }

    fn refusal(&self, at: usize, include: &str) -> EditError {
        EditError::Include { include: Foreign::from(include), near: self.place(at) }
    }
}

/// How new items look.
struct Layout {
    /// Each on a line of its own.
    lines: bool,
    /// An item may have several lines.
    whole: bool,
    indent: String,
    /// The indentation of the brackets' line.
    outer: String,
}

impl Layout {
    fn item(&self, key: Option<&str>, value: &Json, style: &Style) -> String {
        let mut out = String::new();
        if let Some(key) = key {
            print::string(&mut out, key);
            out.push_str(": ");
        }
        out.push_str(&if self.whole { style.pretty(value, &self.indent) } else { print::inline(value) });
        out
    }
}

fn insertion(at: usize, text: String) -> Splice {
    Splice { range: at..at, text }
}

/// The indentation of what stands here, if it is the first of its line.
pub(super) fn indent_of(text: &[u8], at: usize) -> Option<String> {
    let indent = line_indent(text, at);
    let starts_at = at.checked_sub(indent.len())?;
    (starts_at == 0 || text[starts_at - 1] == b'\n').then_some(indent)
}

/// The white space at the beginning of this line.
pub(super) fn line_indent(text: &[u8], at: usize) -> String {
    let start = text[..at].iter().rposition(|b| *b == b'\n').map_or(0, |n| n + 1);
    text[start..at].iter().take_while(|b| matches!(b, b' ' | b'\t')).map(|b| char::from(*b)).collect()
}
