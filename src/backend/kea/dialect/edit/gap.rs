//! What stands between the items of a list: commas, comments, includes and white space.

use std::ops::Range;

use super::super::{FileIndex, Place, Position};
use super::EditError;
use super::list::List;
use crate::model::Foreign;

#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    Comma,
    LineComment,
    BlockComment,
    Directive,
}

#[derive(Clone)]
pub(super) struct Token {
    pub(super) kind: Kind,
    pub(super) range: Range<usize>,
}

/// The end of an item in the file itself and what follows up to the next item.
pub(super) struct Tail {
    pub(super) end: usize,
    pub(super) tokens: Vec<Token>,
}

impl Tail {
    pub(super) fn commas(&self) -> impl DoubleEndedIterator<Item = Range<usize>> {
        self.tokens.iter().filter(|t| t.kind == Kind::Comma).map(|t| t.range.clone())
    }
}

impl List<'_> {
    /// Behind the comments that stand on the same line; and whether the last of them ends with it.
    pub(super) fn after_comments(&self, mut at: usize, tokens: &[Token]) -> (usize, bool) {
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
    pub(super) fn tail(&self, index: usize) -> Result<Tail, EditError> {
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
    pub(super) fn before(&self, index: usize) -> usize {
        self.items[..index].iter().rev().flatten().next().map_or(self.inner.start, |range| range.end)
    }

    /// What stands from here up to the next item of the file itself.
    pub(super) fn gap(&self, from: usize) -> Result<Vec<Token>, EditError> {
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
        let mut directives = self.document.sources().iter().filter_map(|source| source.directive);
        directives.find(|(start, _)| start.file == FileIndex::MAIN && start.offset() == at).map(|(_, end)| end.offset())
    }

    /// Takes the white space along that would be left over.
    pub(super) fn widen(&self, mut cuts: Vec<Range<usize>>) -> Vec<Range<usize>> {
        let text = self.document.text();
        let blank = |b: &u8| matches!(b, b' ' | b'\t' | b'\r');
        cuts.sort_by_key(|cut| cut.start);
        let mut merged: Vec<Range<usize>> = Vec::new();
        for cut in cuts {
            match merged.last_mut() {
                Some(last) if text.get(last.end..cut.start).is_some_and(|gap| gap.iter().all(blank)) => {
                    last.end = cut.end
                }
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

    fn place(&self, at: usize) -> Place {
        self.document.place(Position { file: FileIndex::MAIN, offset: at as u32 })
    }

    /// The refusal that names the include which stands here or next.
    pub(super) fn in_include(&self, at: usize) -> EditError {
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

    pub(super) fn refusal(&self, at: usize, include: &str) -> EditError {
        EditError::Include { include: Foreign::from(include), near: self.place(at) }
    }
}
