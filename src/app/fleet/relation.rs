//! What the screen keeps of a relationship.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::Instant;

use super::sort::Sort;
use crate::app::compared::Compared;
use crate::app::effect::Ticket;
use crate::app::filter::Filter;
use crate::app::filter::fleet::{Said, Tally};
use crate::app::watch::Noted;
use crate::engine::compare::ScopeDrift;
use crate::engine::port::Utilisation;
use crate::model::{ScopeId, ServerName};

/// Nobody tells how full it is.
pub const UNTOLD: u8 = u8::MAX;

/// What a server tells of addresses in use, where it does.
pub type Used<'a> = Option<&'a BTreeMap<ScopeId, Utilisation>>;

/// Where each scope of a comparison is in the next one; `None` where nothing has moved.
pub type Moves = Option<Vec<Option<u32>>>;

/// What the screen keeps of a relationship, by its name.
#[derive(Default)]
pub struct Relation {
    /// The source that the operator chose; `None` for the primary.
    pub source: Option<ServerName>,
    /// The newest comparison.
    pub compared: Option<Arc<Compared>>,
    /// The comparison under way.
    pub comparing: Option<Ticket>,
    /// What is compared is compared again, from newer readings or the other way round.
    pub stale: bool,
    /// What is compared is compared the other way round: it says nothing of the direction that is chosen now.
    pub turned: bool,
    /// More is known than what was compared last.
    pub behind: bool,
    /// Not compared again before, for as long as its servers are being read.
    pub rests_until: Option<Instant>,
    /// What has changed since it was looked at.
    pub news: Noted,
    /// Marked scopes.
    pub marks: BTreeSet<ScopeId>,
    /// The order in which its scopes are listed, as places in the drift.
    pub order: Vec<u32>,
    /// What the filter leaves, by place in the drift; `None` for all.
    pub fits: Option<Vec<bool>>,
    /// What the scopes come to that it leaves.
    pub tally: Tally,
    /// How many scopes it cannot judge.
    pub unjudged: usize,
    /// Addresses in use of a hundred, by place in the drift.
    pub used: Vec<u8>,
    /// Sorted anew with the next comparison, wherever the operator looks.
    pub resorts: bool,
    /// Sorted now, its scopes would stand in another order.
    pub outdated: bool,
}

impl Relation {
    /// Whether the filter leaves the scope at this place.
    pub fn is_shown(&self, at: usize) -> bool {
        self.fits.as_ref().is_none_or(|fits| fits.get(at).copied().unwrap_or(false))
    }

    /// Its scopes that the filter leaves, by address, each with its place.
    pub fn shown(&self) -> impl Iterator<Item = (usize, &ScopeDrift)> {
        let scopes = self.compared.as_ref().map_or(&[][..], |compared| &compared.drift.scopes);
        scopes.iter().enumerate().filter(|(at, _)| self.is_shown(*at))
    }

    /// Filters its scopes anew.
    pub fn refilter(&mut self, filter: &Filter, said: &Said) {
        let Some(compared) = &self.compared else {
            (self.fits, self.tally, self.unjudged) = (None, Tally::default(), 0);
            return;
        };
        self.fits = filter.scopes(said, &compared.sheet, &self.used);
        self.tally = Tally::of(&compared.sheet, self.fits.as_deref());
        self.unjudged = filter.unjudged(said, &compared.sheet, &self.used);
    }

    /// Takes a comparison, and what the servers, source first, tell of addresses in use. Its scopes stay in the order in which they are looked at, new ones
    /// behind them, where that is `kept`; else they are sorted anew. Returns, for each scope of
    /// the comparison before, where it is now; `None` where all are where they were.
    pub fn compare(&mut self, compared: Arc<Compared>, told: [Used<'_>; 2], sort: Sort, kept: bool) -> Moves {
        let moved = self.compared.as_ref().and_then(|old| moves(old, &compared));
        self.compared = Some(compared);
        self.fill(told);
        let sorted = sort.scopes(self);
        if kept {
            self.carry(moved.as_deref(), sorted.len());
            self.outdated = self.order != sorted;
        } else {
            (self.order, self.outdated) = (sorted, false);
        }
        moved
    }

    fn carry(&mut self, moved: Option<&[Option<u32>]>, len: usize) {
        if let Some(moved) = moved {
            self.order = self.order.iter().filter_map(|at| moved.get(*at as usize).copied().flatten()).collect();
        }
        let mut listed = vec![false; len];
        self.order.iter().filter_map(|at| listed.get_mut(*at as usize).map(|seen| *seen = true)).for_each(drop);
        self.order.extend((0u32..).zip(listed).filter(|(_, listed)| !listed).map(|(at, _)| at));
    }

    /// Sorts its scopes.
    pub fn sort(&mut self, sort: Sort) {
        self.order = sort.scopes(self);
        self.outdated = false;
    }

    /// Takes what the servers, source first, tell of addresses in use.
    pub fn fill(&mut self, told: [Used<'_>; 2]) {
        let scopes = self.compared.as_ref().map_or(&[][..], |compared| &compared.drift.scopes);
        self.used = in_use(scopes.iter().map(|scope| scope.id), told);
    }
}

/// How many addresses of each of these scopes are in use, in percent, by what the servers, source first, tell; the
/// scopes come sorted.
pub fn in_use(scopes: impl ExactSizeIterator<Item = ScopeId> + Clone, told: [Used<'_>; 2]) -> Vec<u8> {
    let mut all = vec![UNTOLD; scopes.len()];
    // both are sorted by scope: a walk through both, not a search for each
    for told in told.into_iter().flatten() {
        let mut told = told.iter().peekable();
        for (scope, used) in scopes.clone().zip(&mut all) {
            while told.next_if(|(id, _)| **id < scope).is_some() {}
            let Some((_, utilisation)) = told.next_if(|(id, _)| **id == scope) else { continue };
            let percent = utilisation.assigned.saturating_mul(100).checked_div(utilisation.total);
            if let (Some(percent), UNTOLD) = (percent, *used) {
                *used = u8::try_from(percent.min(200)).unwrap_or(UNTOLD);
            }
        }
    }
    all
}

fn moves(old: &Compared, new: &Compared) -> Moves {
    let (old, new) = (&old.drift.scopes, &new.drift.scopes);
    if old.len() == new.len() && old.iter().zip(new).all(|(a, b)| a.id == b.id) {
        return None;
    }
    let mut new = (0u32..).zip(new).peekable();
    let place = |scope: &ScopeDrift| {
        while new.next_if(|(_, other)| other.id < scope.id).is_some() {}
        new.next_if(|(_, other)| other.id == scope.id).map(|(at, _)| at)
    };
    Some(old.iter().map(place).collect())
}
