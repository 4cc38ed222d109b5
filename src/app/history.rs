//! The history on the screen: the runs that were, their scopes, and what they destroyed.
//!
//! Values and places of cursors alone. Jobs read the store page by page; however many runs it
//! keeps, only those that were looked at are here.

mod change;
mod detail;
mod listed;

use std::sync::Arc;

use super::drawn::Drawn;
use super::effect::{Ticket, ToldScope};
use super::filter::Filter;
use super::list::{List, Scroll};

pub use change::PastChange;
pub use detail::{Before, PastScope, RunDetail, destroyed};
pub use listed::{Fate, PastRun, when};

/// Runs are read so many at a time.
pub const PAGE: usize = 200;

/// Part of the list of runs, as it was read.
#[derive(Clone, Debug, Default)]
pub struct Page {
    /// Runs, the newest first.
    pub runs: Vec<PastRun>,
    /// Where older runs begin, where there are any.
    pub next: Option<i64>,
}

/// How much of the list was read.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum Older {
    /// Nothing yet.
    #[default]
    Unread,
    /// More is being read.
    Reading(Ticket),
    /// There is more before this run.
    Before(i64),
    /// That is all.
    Nothing,
    /// It could not be read.
    Failed(String),
}

/// What the keys go to.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub enum Level {
    /// The list of runs.
    #[default]
    Runs,
    /// The scopes of a run.
    Scopes,
    /// What it destroyed in one of them.
    Destroyed,
}

/// The history as far as it is on the screen.
#[derive(Default)]
pub struct HistoryView {
    /// It stands in place of the lists.
    pub open: bool,
    /// The runs that were read, the newest first.
    pub runs: Vec<PastRun>,
    /// How much was read.
    pub older: Older,
    /// The newest runs are being read again.
    pub fresh: Option<Ticket>,
    /// The list's cursor and filter.
    pub list: List<i64>,
    /// What the keys go to.
    pub level: Level,
    /// The run that is looked into.
    pub opened: Option<Opened>,
    /// The interrupted run that is left as it is when the key is pressed once more.
    pub asked_to_leave: Option<String>,
    /// The interrupted run that is being left as it is.
    pub leaving: Option<(Ticket, String)>,
}

/// A run that is looked into.
pub struct Opened {
    /// The run.
    pub run: PastRun,
    /// Its scopes; `None` while they are read.
    pub detail: Option<Result<Arc<RunDetail>, String>>,
    /// What the servers told of it before the disk did.
    pub told: Option<(Vec<ToldScope>, Vec<String>)>,
    /// The reading.
    pub ticket: Ticket,
    /// The cursor in its scopes.
    pub scopes: List<u32>,
    /// The scopes that the filter leaves.
    pub shown: Vec<u32>,
    /// How far the text below is scrolled.
    pub scroll: Scroll,
}

impl super::list::Lines<i64> for Vec<PastRun> {
    fn len(&self) -> usize {
        Vec::len(self)
    }

    fn key(&self, at: usize) -> Option<i64> {
        self.get(at).map(|run| run.seq)
    }

    fn find(&self, key: &i64) -> Option<usize> {
        self.binary_search_by(|run| key.cmp(&run.seq)).ok()
    }
}

impl HistoryView {
    /// The highlighted run.
    pub fn current(&self) -> Option<&PastRun> {
        self.runs.get(self.list.position(&self.runs)?)
    }

    /// The run that keys are about: the one that is looked into, else the highlighted one.
    pub fn subject(&self) -> Option<&PastRun> {
        match (&self.opened, self.level) {
            (Some(opened), Level::Scopes | Level::Destroyed) => Some(&opened.run),
            _ => self.current(),
        }
    }

    /// What the focused list is filtered by.
    pub fn filter(&self) -> &str {
        match (&self.opened, self.level) {
            (Some(opened), Level::Scopes | Level::Destroyed) => &opened.scopes.filter,
            _ => &self.list.filter,
        }
    }

    /// Takes a page that was read, where it was expected.
    pub fn take(&mut self, ticket: Ticket, page: Page) {
        if self.fresh == Some(ticket) {
            self.fresh = None;
            let last = page.runs.last().map(|run| run.seq);
            let known = self.runs.first().map(|run| run.seq);
            if page.next.is_some() && last.is_some() && last <= known {
                // What is older than this page was read before, and does not change.
                self.runs.retain(|run| Some(run.seq) < last);
                self.runs.splice(0..0, page.runs);
            } else {
                // Runs that nobody has read may lie between the page and what was read.
                self.runs = page.runs;
                self.older = page.next.map_or(Older::Nothing, Older::Before);
            }
        } else if self.older == Older::Reading(ticket) {
            self.runs.extend(page.runs);
            self.older = page.next.map_or(Older::Nothing, Older::Before);
        } else {
            return;
        }
        self.list.settle(&self.runs);
        if let Some(opened) = &mut self.opened
            && let Some(run) = self.runs.iter().find(|run| run.seq == opened.run.seq)
        {
            opened.run = run.clone();
        }
    }

    /// Takes note of what was drawn.
    pub fn drawn(&mut self, drawn: &Drawn) {
        if let Some(window) = drawn.history {
            (self.list.top, self.list.height) = (window.top, window.height);
        }
        let Some(opened) = &mut self.opened else { return };
        if let Some(window) = drawn.past_scopes {
            (opened.scopes.top, opened.scopes.height) = (window.top, window.height);
        }
        if let Some(window) = drawn.destroyed {
            (opened.scroll.top, opened.scroll.height, opened.scroll.len) = (window.top, window.height, window.len);
        }
    }

    /// Where to read on, if the cursor comes near the end of what was read.
    pub fn wanted(&self) -> Option<i64> {
        let Older::Before(before) = self.older else { return None };
        let cursor = self.list.position(&self.runs).unwrap_or(0);
        let ahead = self.list.height.max(1) * 2;
        (cursor + ahead >= self.runs.len()).then_some(before)
    }
}

impl Opened {
    /// A run whose scopes are being read.
    pub fn new(run: PastRun, ticket: Ticket) -> Self {
        Opened {
            run,
            detail: None,
            told: None,
            ticket,
            scopes: List::default(),
            shown: Vec::new(),
            scroll: Scroll::default(),
        }
    }

    /// Its scopes, where they were read.
    pub fn detail(&self) -> Option<&Arc<RunDetail>> {
        self.detail.as_ref()?.as_ref().ok()
    }

    /// The highlighted scope.
    pub fn current(&self) -> Option<&PastScope> {
        self.detail()?.scopes.get(self.scopes.current(&self.shown)? as usize)
    }

    /// Filters the scopes anew, after the filter or they have changed.
    pub fn refilter(&mut self) {
        let filter = Filter::past_scopes(&self.scopes.filter);
        let scopes = self.detail().map_or(&[][..], |detail| &detail.scopes);
        self.shown =
            scopes.iter().zip(0u32..).filter(|(scope, _)| filter.past_scope(scope)).map(|(_, at)| at).collect();
        self.scopes.settle(&self.shown);
    }
}
