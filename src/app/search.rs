//! Looking for something in a text whose lines belong together: nothing is filtered away, the
//! cursor goes from match to match.

use super::filter::{Filter, Searched, Test};

/// What is looked for, and which lines have it.
#[derive(Debug, Default)]
pub struct Search {
    /// As it was typed; empty for nothing.
    pub text: String,
    filter: Filter,
    lines: Vec<usize>,
    /// The lines of the text are others than those that were looked through.
    pub is_stale: bool,
    /// What is folded away was not looked through yet.
    pub unfolds: bool,
}

impl Search {
    /// Changes what is typed.
    pub fn change(&mut self, change: impl FnOnce(&mut String)) {
        change(&mut self.text);
        self.filter = Filter::lines(&self.text);
        (self.is_stale, self.unfolds) = (true, true);
    }

    /// Whether anything is looked for.
    pub fn is_on(&self) -> bool {
        !self.filter.terms.is_empty()
    }

    /// Looks through all lines.
    pub fn look(&mut self, lines: impl Iterator<Item = Searched>) {
        self.is_stale = false;
        self.lines.clear();
        if self.is_on() {
            let found = lines.enumerate().filter(|(_, line)| self.filter.line(line));
            self.lines.extend(found.map(|(at, _)| at));
        }
    }

    /// The lines that have it.
    pub fn lines(&self) -> &[usize] {
        &self.lines
    }

    /// Whether a line has it.
    pub fn has(&self, line: usize) -> bool {
        self.lines.binary_search(&line).is_ok()
    }

    /// The first match from this line on.
    pub fn first(&self, from: usize) -> Option<usize> {
        let at = self.lines.partition_point(|line| *line < from);
        self.lines.get(at).or(self.lines.first()).copied()
    }

    /// The match after this line or before it, and whether that is round the end.
    pub fn next(&self, line: usize, down: bool) -> Option<(usize, bool)> {
        let found = match down {
            true => self.lines.get(self.lines.partition_point(|at| *at <= line)),
            false => self.lines[..self.lines.partition_point(|at| *at < line)].last(),
        };
        let round = if down { self.lines.first() } else { self.lines.last() };
        found.map(|at| (*at, false)).or(round.map(|at| (*at, true)))
    }

    /// The texts that lines are found by, in small letters; none where they are found by something else.
    pub fn texts(&self) -> impl Iterator<Item = &str> {
        let wanted = self.filter.terms.iter().filter(|term| !term.negated);
        wanted.filter_map(|term| if let Test::Text(text) = &term.test { Some(text.as_str()) } else { None })
    }

    /// Which match the cursor is on, of how many: `match 2 of 7`, else `7 found`.
    pub fn count(&self, cursor: usize) -> String {
        match (self.lines.binary_search(&cursor), self.lines.len()) {
            (_, 0) => "nothing found".to_owned(),
            (Ok(at), all) => format!("match {} of {all}", at + 1),
            (Err(_), all) => format!("{all} found"),
        }
    }

    /// How the title of the text tells of it, where anything was typed.
    pub fn title(&self, cursor: usize) -> Option<String> {
        let is_typed = !self.text.is_empty();
        is_typed.then(|| format!("{}: {}", self.filter.title(&self.text), self.count(cursor)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn from_match_to_match_and_round_the_end() {
        let mut search = Search::default();
        search.change(|text| text.push_str("an"));
        let lines = ["anna", "bert", "Hans", "olga", "Jan"];
        search.look(lines.iter().map(|text| Searched { text: (*text).to_owned(), ..Searched::default() }));
        assert_eq!(search.lines(), [0, 2, 4]);
        assert_eq!(search.next(0, true), Some((2, false)));
        assert_eq!(search.next(4, true), Some((0, true)));
        assert_eq!(search.next(0, false), Some((4, true)));
        assert_eq!(search.next(3, false), Some((2, false)));
        assert_eq!((search.first(3), search.first(5)), (Some(4), Some(0)));
        assert_eq!((search.count(2), search.count(1)), ("match 2 of 3".into(), "3 found".into()));
        search.change(String::clear);
        search.look(lines.iter().map(|text| Searched { text: (*text).to_owned(), ..Searched::default() }));
        assert_eq!((search.next(0, true), search.title(0)), (None, None));
    }
}
