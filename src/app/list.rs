//! A list whose cursor is held by what it stands on, never by a line number.

/// Cursor, window and filter of a list of things that `K` tells apart.
#[derive(Clone, Debug)]
pub struct List<K> {
    /// What the cursor stands on; it may have gone from the list meanwhile.
    cursor: Option<K>,
    /// Where that was last, to stay near when it has gone.
    near: usize,
    /// The first line shown, as drawn last.
    pub top: usize,
    /// Lines shown, as drawn last.
    pub height: usize,
    /// What the list is filtered by; empty for all.
    pub filter: String,
}

impl<K> Default for List<K> {
    fn default() -> Self {
        List { cursor: None, near: 0, top: 0, height: 0, filter: String::new() }
    }
}

/// A list's lines: how many, what is on each, and where something is.
pub trait Lines<K> {
    /// How many.
    fn len(&self) -> usize;
    /// What is on this line.
    fn key(&self, at: usize) -> Option<K>;
    /// The line of this.
    fn find(&self, key: &K) -> Option<usize>;
    /// Whether there are none.
    fn is_empty(&self) -> bool {
        self.len() == 0
    }
}

/// Places in a longer list, in its order: what a filter leaves.
impl Lines<u32> for Vec<u32> {
    fn len(&self) -> usize {
        Vec::len(self)
    }

    fn key(&self, at: usize) -> Option<u32> {
        self.get(at).copied()
    }

    fn find(&self, key: &u32) -> Option<usize> {
        self.binary_search(key).ok()
    }
}

impl<K> List<K> {
    /// The line of the cursor; `None` when the list is empty.
    pub fn position(&self, lines: &impl Lines<K>) -> Option<usize> {
        let found = self.cursor.as_ref().and_then(|key| lines.find(key));
        found.or_else(|| lines.len().checked_sub(1).map(|last| self.near.min(last)))
    }

    /// What the cursor stands on.
    pub fn current(&self, lines: &impl Lines<K>) -> Option<K> {
        lines.key(self.position(lines)?)
    }

    /// Puts the cursor on a line, or on the last one.
    pub fn go(&mut self, lines: &impl Lines<K>, at: usize) {
        let at = at.min(lines.len().saturating_sub(1));
        self.near = at;
        self.cursor = lines.key(at);
    }

    /// Puts the cursor on this, wherever it comes to stand.
    pub fn seek(&mut self, key: K) {
        self.cursor = Some(key);
    }

    /// Moves the cursor by so many lines.
    pub fn step(&mut self, lines: &impl Lines<K>, by: isize) {
        let at = self.position(lines).unwrap_or(0);
        self.go(lines, at.saturating_add_signed(by));
    }

    /// Remembers where the cursor is, before the lines change or after.
    pub fn settle(&mut self, lines: &impl Lines<K>) {
        let Some(at) = self.position(lines) else { return };
        self.near = at;
        // What has gone is kept: it may come back, as when a server was away for a moment.
        if self.cursor.is_none() {
            self.cursor = lines.key(at);
        }
    }

    /// The first line to show in a window of this height.
    pub fn window(&self, lines: &impl Lines<K>, height: usize) -> usize {
        window(self.top, self.position(lines).unwrap_or(0), lines.len(), height)
    }
}

/// The first line to show so that the cursor is seen and no room is left unused.
pub fn window(top: usize, cursor: usize, len: usize, height: usize) -> usize {
    let height = height.max(1);
    let lowest = (cursor + 1).saturating_sub(height);
    top.clamp(lowest, cursor.max(lowest)).min(len.saturating_sub(height))
}

/// The same for rows of several lines each; `tall` tells how many.
pub fn window_of(top: usize, cursor: usize, len: usize, height: usize, tall: impl Fn(usize) -> usize) -> usize {
    let fits = |from: usize, to: usize| (from..to).map(&tall).sum::<usize>() <= height.max(1);
    // a row has one line at least: no need to measure what is further away
    let mut top = top.clamp((cursor + 1).saturating_sub(height.max(1)), cursor);
    while top < cursor && !fits(top, cursor + 1) {
        top += 1;
    }
    while top > 0 && len - top < height && fits(top - 1, len) {
        top -= 1;
    }
    top
}

/// A place in a text of lines that have no identity.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Scroll {
    /// The line of the cursor.
    pub cursor: usize,
    /// The first line shown, as drawn last.
    pub top: usize,
    /// Lines shown, as drawn last.
    pub height: usize,
    /// All lines, as drawn last: wrapping decides how many there are.
    pub len: usize,
}

impl Scroll {
    /// Moves the cursor by so many of `len` lines.
    pub fn step(&mut self, by: isize, len: usize) {
        self.cursor = self.cursor.min(len.saturating_sub(1)).saturating_add_signed(by).min(len.saturating_sub(1));
    }

    /// The line of the cursor among `len` lines.
    pub fn position(&self, len: usize) -> usize {
        self.cursor.min(len.saturating_sub(1))
    }

    /// The first line to show in a window of this height.
    pub fn window(&self, len: usize, height: usize) -> usize {
        window(self.top, self.position(len), len, height)
    }

    /// Scrolls a text without a cursor: the first line moves.
    pub fn pan(&mut self, by: isize) {
        let last = self.len.saturating_sub(self.height.max(1));
        self.top = self.top.min(last).saturating_add_signed(by).min(last);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_cursor_stays_on_its_thing() {
        let mut list = List::default();
        let lines = vec![10, 20, 30];
        list.go(&lines, 1);
        let more = vec![5, 7, 10, 20, 30];
        assert_eq!(list.current(&more), Some(20));
        list.settle(&more);
        let gone = vec![5, 7, 10, 30];
        list.settle(&gone);
        assert_eq!(list.current(&gone), Some(30), "near where it was");
        assert_eq!(list.current(&more), Some(20), "it has come back");
        assert_eq!(list.current(&Vec::new()), None);
    }

    proptest::proptest! {
        #[test]
        fn the_window_holds_the_cursor(top in 0usize..300, cursor in 0usize..100, more in 0usize..100, height in 0usize..50) {
            let len = cursor + 1 + more;
            let first = window(top, cursor, len, height);
            let height = height.max(1);
            proptest::prop_assert!(first <= cursor && cursor < first + height);
            proptest::prop_assert!(first + height <= len || first == 0);
            proptest::prop_assert_eq!(first, window_of(top, cursor, len, height, |_| 1));
            let first = window_of(top, cursor, len, height, |row| 1 + row % 2);
            proptest::prop_assert!(first == cursor || (first..=cursor).map(|row| 1 + row % 2).sum::<usize>() <= height);
        }
    }
}
