//! What lists need of every scope, made with the comparison in the background: so that a key
//! that filters or sorts 100 000 of them looks at numbers and at one text.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;

use memchr::memmem;

use crate::app::compared::{Counts, counts_of};
use crate::app::filter::fleet::{drift_bits, section_bits};
use crate::app::filter::{Key, Term, Test, is_in_prefix_length};
use crate::app::fleet::relation::UNTOLD;
use crate::engine::compare::{RelationshipDrift, ScopeDrift};
use crate::model::{DriftState, ScopeId, Severity};

/// How much a scope wants to be looked at, the most first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Rank {
    /// A critical finding concerns it.
    Critical,
    /// Nothing can be said of it.
    Unknown,
    /// One server has it, and the other does not.
    OneSided,
    /// Something to replicate.
    Drifted,
    /// Not compared yet.
    Checking,
    /// Nothing to do.
    InSync,
}

/// What is known of one scope, in numbers.
#[derive(Clone, Copy, Debug)]
pub struct Facts {
    /// How much it wants to be looked at.
    pub rank: Rank,
    /// Creations, updates and deletions.
    pub counts: [u32; 3],
    /// How it stands, as a filter asks for it.
    pub drift: u16,
    /// The sections in which it differs, as a filter asks for them.
    pub sections: u8,
    /// A replication has something to do for it, and nothing is known against it.
    pub can_be_written: bool,
    /// Its place among the scopes of the relationship when they are sorted by name.
    pub by_name: u32,
}

/// The facts of all scopes of a relationship, each at its place in the drift.
#[derive(Debug, Default)]
pub struct FactSheet {
    /// One for each scope.
    pub facts: Vec<Facts>,
    /// A line for each scope: all that its columns say, in small letters. Compared, never shown.
    text: String,
    /// Where each line ends, behind its newline.
    ends: Vec<usize>,
    /// Where the name begins in each line; its end where there is none.
    names: Vec<usize>,
}

impl FactSheet {
    /// Takes note of every scope; `refused` are those that the target is known to refuse.
    pub fn new(drift: &RelationshipDrift, refused: &BTreeMap<ScopeId, String>) -> Self {
        let severe = drift.findings.iter().filter(|finding| finding.severity == Severity::Critical);
        let critical: BTreeSet<ScopeId> = severe.flat_map(|finding| finding.scopes.iter().copied()).collect();
        let mut sheet = FactSheet { facts: Vec::with_capacity(drift.scopes.len()), ..FactSheet::default() };
        for scope in &drift.scopes {
            let (counts, is_critical) = (counts_of(scope), critical.contains(&scope.id));
            sheet.facts.push(Facts {
                rank: if is_critical { Rank::Critical } else { rank_of(scope) },
                drift: drift_bits(scope, counts, is_critical),
                sections: section_bits(scope),
                counts: counts.map(|count| u32::try_from(count).unwrap_or(u32::MAX)),
                can_be_written: scope.can_replicate() && !refused.contains_key(&scope.id),
                by_name: 0,
            });
            sheet.write(scope, counts, is_critical);
        }
        sheet.text.shrink_to_fit();
        sheet.sort_names(&drift.scopes);
        sheet
    }

    fn write(&mut self, scope: &ScopeDrift, [create, update, delete]: Counts, is_critical: bool) {
        let mut line = String::new();
        // Writing to a String cannot fail.
        let state = state_words(scope, is_critical);
        let _ = write!(line, "{}/{} {state}", scope.id.network, scope.id.prefix_length);
        if matches!(scope.state, DriftState::OnlyOnSource | DriftState::OnlyOnTarget) {
            // Counted as drift, so found as such.
            line.push_str(" drifted");
        }
        for (sign, count) in [('-', delete), ('+', create), ('~', update)].into_iter().filter(|(_, count)| *count > 0) {
            let _ = write!(line, " {sign}{count}");
        }
        line.push(' ');
        self.text.push_str(&line);
        self.names.push(self.text.len());
        if let Some(name) = &scope.name {
            self.text.push_str(&name.raw().replace('\n', " ").to_lowercase());
        }
        self.text.push('\n');
        self.ends.push(self.text.len());
    }

    fn sort_names(&mut self, scopes: &[ScopeDrift]) {
        let name = |at: &usize| scopes.get(*at).and_then(|scope| scope.name.as_ref());
        let mut order: Vec<usize> = (0..scopes.len()).collect();
        // what has no name comes last
        order.sort_by(|a, b| (name(a).is_none(), name(a)).cmp(&(name(b).is_none(), name(b))));
        for (place, at) in (0u32..).zip(order) {
            if let Some(facts) = self.facts.get_mut(at) {
                facts.by_name = place;
            }
        }
    }

    /// Which scopes a term leaves: of what is asked of relationships none has anything.
    pub fn left_by(&self, Term { negated, test }: &Term, used: &[u8]) -> Vec<bool> {
        let facts = self.facts.iter();
        let mut having = match test {
            Test::Text(text) => {
                let mut fits = self.with(text, false);
                if let Some(ends) = ends_with_percent(text) {
                    fits.iter_mut().zip(used).for_each(|(fit, used)| *fit |= ends(*used));
                }
                fits
            }
            Test::Used(least, most) => {
                // what nobody tells is neither so nor otherwise
                let fits = |used: &u8| *used != UNTOLD && (*least..=*most).contains(used) != *negated;
                return (0..self.facts.len()).map(|at| used.get(at).is_some_and(fits)).collect();
            }
            Test::Part(Key::Name, text) => self.with(text, true),
            Test::Words(Key::Drift, bits) => facts.map(|facts| u32::from(facts.drift) & bits != 0).collect(),
            Test::Words(Key::Section, bits) => facts.map(|facts| u32::from(facts.sections) & bits != 0).collect(),
            Test::Words(..) | Test::Part(..) => vec![false; self.facts.len()],
        };
        having.iter_mut().for_each(|has| *has ^= negated);
        having
    }

    /// Which scopes have this text in one of their columns, or in their name alone.
    fn with(&self, wanted: &str, in_name: bool) -> Vec<bool> {
        let finder = memmem::Finder::new(wanted);
        let mut fits = vec![false; self.ends.len()];
        let (mut at, mut line) = (0, 0);
        // one search through the whole text: a hit tells of its line, and the rest of it is skipped
        while let Some(hit) = self.text.as_bytes().get(at..).and_then(|rest| finder.find(rest)) {
            let hit = at + hit;
            while self.ends.get(line).is_some_and(|end| *end <= hit) {
                line += 1;
            }
            let start = line.checked_sub(1).and_then(|before| self.ends.get(before)).copied().unwrap_or(0);
            if self.text.get(start..hit).is_some_and(is_in_prefix_length) {
                at = hit + 1;
                continue;
            }
            let places = (fits.get_mut(line), self.names.get(line), self.ends.get(line));
            let (Some(fit), Some(name), Some(end)) = places else { break };
            *fit = !in_name || hit >= *name;
            at = if *fit { *end } else { *name };
        }
        fits
    }
}

/// How a scope stands; with a critical finding also that, where it does not look as bad as that.
pub fn state_words(scope: &ScopeDrift, is_critical: bool) -> String {
    match scope.state {
        DriftState::InSync | DriftState::Drifted if is_critical => format!("{}, critical", scope.state.words()),
        _ => scope.state.words().to_owned(),
    }
}

/// Whether a number of percent ends as this text does, where the text is such an end: `5%`.
fn ends_with_percent(text: &str) -> Option<impl Fn(u8) -> bool> {
    let digits = text.strip_suffix('%')?;
    let end: u32 = if digits.is_empty() { 0 } else { digits.parse().ok()? };
    let modulus = 10_u32.checked_pow(u32::try_from(digits.len()).ok()?)?;
    // no number is written with noughts before it
    let least = if digits.len() > 1 { modulus / 10 } else { 0 };
    Some(move |used: u8| used != UNTOLD && u32::from(used) % modulus == end && u32::from(used) >= least)
}

fn rank_of(scope: &ScopeDrift) -> Rank {
    match scope.state {
        DriftState::Unknown => Rank::Unknown,
        DriftState::OnlyOnSource | DriftState::OnlyOnTarget => Rank::OneSided,
        DriftState::Drifted => Rank::Drifted,
        DriftState::Checking => Rank::Checking,
        DriftState::InSync => Rank::InSync,
    }
}
