//! The items between two brackets: which stay, which go, where new ones stand, and the commas.

use std::ops::Range;

use serde_json::Value as Json;

use super::super::Document;
use super::super::print::Style;
use super::layout::Layout;
use super::{EditError, Splice};

/// An item of the wanted list.
pub(super) enum Slot<'a> {
    /// An old one, by its index. Indices ascend.
    Old(usize),
    /// A new one; with its key in an object.
    New(Option<&'a str>, &'a Json),
}

/// A new item: key, value, and whether a comma follows.
type New<'a> = (Option<&'a str>, &'a Json, bool);

/// The items of an object or array whose brackets stand in the file itself.
pub(super) struct List<'a> {
    pub(super) document: &'a Document,
    pub(super) style: &'a Style,
    /// Between the brackets.
    pub(super) inner: Range<usize>,
    /// Where each item stands; `None` if (a part of) it comes from an include.
    pub(super) items: Vec<Option<Range<usize>>>,
    /// Where the items of the file itself begin.
    pub(super) starts: Vec<usize>,
    trailing_comma: bool,
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
        let layout = self.layout(slots);
        let mut anchor = None;
        let mut run = Vec::new();
        for (at, slot) in slots.iter().enumerate() {
            let needs_comma = at + 1 < slots.len() || self.trailing_comma;
            match slot {
                Slot::New(key, value) => run.push((*key, *value, needs_comma)),
                Slot::Old(index) => {
                    self.insert(&mut splices, &layout, anchor, &std::mem::take(&mut run), true)?;
                    match (self.has_comma(*index), needs_comma) {
                        (true, false) => cuts.extend(self.commas(*index)?),
                        (false, true) => splices.push(insertion(self.tail(*index)?.end, ",".to_owned())),
                        _ => {}
                    }
                    anchor = Some(*index);
                }
            }
        }
        self.insert(&mut splices, &layout, anchor, &run, false)?;
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
        layout: &Layout,
        anchor: Option<usize>,
        run: &[New],
        more: bool,
    ) -> Result<(), EditError> {
        if run.is_empty() {
            return Ok(());
        }
        let Some(index) = anchor else { return self.insert_first(splices, layout, run, more) };
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
        layout: &Layout,
        run: &[New],
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
}

fn insertion(at: usize, text: String) -> Splice {
    Splice { range: at..at, text }
}
