//! Force, Confirm and WhatIf: whether to ask, to go, or only to show.
//!
//! [`Approved`] is the only key to a write, and only this module makes one.

mod carried;

use std::collections::BTreeSet;
use std::sync::Arc;

use serde::{Deserialize, Serialize};

use super::Result;
use super::plan::PlannedRelationship;
use crate::model::Foreign;

pub use carried::{Carried, carry_over};

/// No snapshot, no replication: the refusal to write what could not be brought back.
pub const NO_SNAPSHOT: &str = "no-snapshot";

/// The refusal to save a target without the scopes that it lost by an earlier run.
pub const LOST_SCOPES: &str = "lost-scopes";

/// The refusal to undo what is no longer as the run left it.
pub const CHANGED_SINCE_RUN: &str = "changed-since-run";

/// The refusal to write where the entries of the configuration reach each other's servers.
pub const CROSSED_ENTRIES: &str = "crossed-entries";

/// The refusal to remove and add again what would lose something by that.
pub const RECREATION_LOSES: &str = "recreation-loses";

/// The names of all refusals that the operator may override, whether or not one stands.
pub const OVERRIDES: [&str; 11] = [
    CHANGED_SINCE_RUN,
    "clocks-apart",
    CROSSED_ENTRIES,
    LOST_SCOPES,
    NO_SNAPSHOT,
    "option-43",
    "partner-unreachable",
    RECREATION_LOSES,
    "renumber-leases",
    "shrink-leases",
    "state-not-normal",
];

/// How the operator wants to be asked.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Switches {
    /// Show what would happen; write nothing, whatever else is set.
    pub what_if: bool,
    /// Ask even under Force.
    pub confirm: bool,
    /// Do not ask.
    pub force: bool,
}

/// What the switches come to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Manner {
    /// The plan is shown and nothing can be written.
    ShowOnly,
    /// Each relationship is asked about.
    Ask,
    /// Runs without asking.
    Go,
}

impl Switches {
    /// WhatIf before Confirm before Force; asking when nothing is said.
    pub fn manner(self) -> Manner {
        match self {
            Switches { what_if: true, .. } => Manner::ShowOnly,
            Switches { confirm: true, .. } => Manner::Ask,
            Switches { force: true, .. } => Manner::Go,
            _ => Manner::Ask,
        }
    }
}

/// The operator's answer for one relationship.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Answer {
    /// This relationship.
    Yes,
    /// This and all that follow.
    YesToAll,
    /// Not this relationship.
    No,
    /// Neither this nor any that follows.
    NoToAll,
}

/// The yes to one relationship's part of a plan.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Consent {
    /// To this relationship.
    Yes,
    /// To this one or an earlier one, and all that follow.
    YesToAll,
    /// Nobody was asked: Force stood in for the answer.
    Forced,
}

impl Consent {
    /// The words for screens.
    pub fn words(self) -> &'static str {
        match self {
            Consent::Yes => "yes",
            Consent::YesToAll => "yes to all",
            Consent::Forced => "without asking",
        }
    }
}

/// The right to write one relationship's part of one plan, or to reset it.
#[derive(Clone, Debug)]
pub struct Approved {
    plan: String,
    relationship: usize,
    by: String,
    consent: Consent,
    overrides: BTreeSet<String>,
    /// What was seen, where that was another process's plan.
    carried: Option<Arc<Carried>>,
}

impl Approved {
    /// The digest of the plan that was approved.
    pub fn plan(&self) -> &str {
        &self.plan
    }

    /// The relationship's place in the plan.
    pub fn relationship(&self) -> usize {
        self.relationship
    }

    /// Who approved it.
    pub fn by(&self) -> &str {
        &self.by
    }

    /// What the answer was.
    pub fn consent(&self) -> Consent {
        self.consent
    }

    /// Whether a refusal of this name is overridden.
    pub fn overrides(&self, name: &str) -> bool {
        self.overrides.contains(name)
    }

    /// Whether this part of the plan is what was seen when it was approved. The digest of the
    /// plan says so for a plan of this process.
    ///
    /// # Errors
    /// [`super::ErrorKind::Moved`] with the first difference.
    pub(super) fn fits(&self, planned: &PlannedRelationship) -> Result<()> {
        self.carried.as_ref().map_or(Ok(()), |carried| carried.fits(planned, &self.overrides))
    }
}

/// A plan's questions, one for each relationship in it, answered in order.
#[derive(Clone, Debug)]
pub struct Questions {
    plan: String,
    names: Vec<Foreign>,
    by: String,
    manner: Manner,
    overrides: BTreeSet<String>,
    standing: Option<Answer>,
    /// To these a yes to all does not extend.
    by_itself: BTreeSet<usize>,
    next: usize,
    approved: Vec<Approved>,
}

impl Questions {
    /// The questions of a plan with this digest and these relationships.
    ///
    /// `by` is who is asked; `overrides` are refusals that the operator has named.
    pub fn new(plan: &str, names: Vec<Foreign>, by: &str, switches: Switches, overrides: BTreeSet<String>) -> Self {
        let manner = switches.manner();
        let mut questions = Questions {
            plan: plan.to_owned(),
            names,
            by: by.to_owned(),
            manner,
            overrides,
            standing: (manner == Manner::Go).then_some(Answer::YesToAll),
            by_itself: BTreeSet::new(),
            next: 0,
            approved: Vec::new(),
        };
        questions.settle();
        questions
    }

    /// Asks about each of these relationships, given by their places, even after a yes to all: they lose more
    /// than is confirmed in passing.
    pub fn ask_by_itself(&mut self, relationships: BTreeSet<usize>) {
        self.by_itself = relationships;
    }

    /// The next relationship to ask about, with its place in the plan; `None` when all is said.
    pub fn pending(&self) -> Option<(usize, &Foreign)> {
        if self.manner == Manner::ShowOnly {
            return None;
        }
        self.names.get(self.next).map(|name| (self.next, name))
    }

    /// Takes the answer for the pending relationship.
    pub fn answer(&mut self, answer: Answer) {
        if self.pending().is_none() {
            return;
        }
        if matches!(answer, Answer::YesToAll | Answer::NoToAll) {
            self.standing = Some(answer);
        }
        self.decide(answer);
        self.settle();
    }

    /// What was approved, relationship by relationship. Nothing under WhatIf.
    pub fn into_approved(self) -> Vec<Approved> {
        self.approved
    }

    fn settle(&mut self) {
        while let (Some(answer), true) = (self.standing, self.pending().is_some()) {
            if answer == Answer::YesToAll && self.manner == Manner::Ask && self.by_itself.contains(&self.next) {
                return;
            }
            self.decide(answer);
        }
    }

    fn decide(&mut self, answer: Answer) {
        let consent = match (self.manner, answer) {
            (_, Answer::No | Answer::NoToAll) => None,
            (Manner::Go, _) => Some(Consent::Forced),
            (_, Answer::Yes) => Some(Consent::Yes),
            (_, Answer::YesToAll) => Some(Consent::YesToAll),
        };
        if let Some(consent) = consent {
            self.approved.push(Approved {
                plan: self.plan.clone(),
                relationship: self.next,
                by: self.by.clone(),
                consent,
                overrides: self.overrides.clone(),
                carried: None,
            });
        }
        self.next += 1;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ask(switches: Switches, answers: &[Answer]) -> Vec<usize> {
        let names = ["a", "b", "c"].map(Foreign::from).to_vec();
        let mut questions = Questions::new("digest", names, "operator", switches, BTreeSet::new());
        for answer in answers {
            questions.answer(*answer);
        }
        questions.into_approved().iter().map(Approved::relationship).collect()
    }

    #[test]
    fn what_if_approves_nothing_whatever_else_is_set() {
        for bits in 0..4 {
            let switches = Switches { what_if: true, confirm: bits & 1 != 0, force: bits & 2 != 0 };
            assert_eq!(switches.manner(), Manner::ShowOnly);
            assert!(ask(switches, &[Answer::YesToAll]).is_empty());
        }
    }

    #[test]
    fn confirm_asks_even_under_force() {
        let switches = Switches { what_if: false, confirm: true, force: true };
        assert_eq!(ask(switches, &[]), Vec::<usize>::new());
        assert_eq!(ask(Switches { force: true, ..Switches::default() }, &[]), [0, 1, 2]);
    }

    #[test]
    fn answers() {
        use Answer::*;
        let none = Switches::default();
        assert_eq!(ask(none, &[Yes, No, Yes]), [0, 2]);
        assert_eq!(ask(none, &[No, YesToAll]), [1, 2]);
        assert_eq!(ask(none, &[Yes, NoToAll, Yes]), [0]);
        assert_eq!(ask(none, &[]), Vec::<usize>::new());
    }

    #[test]
    fn a_yes_to_all_stops_at_what_is_asked_about_by_itself() {
        let names = ["a", "b", "c"].map(Foreign::from).to_vec();
        let by_itself = |answers: &[Answer]| {
            let mut questions =
                Questions::new("digest", names.clone(), "operator", Switches::default(), BTreeSet::new());
            questions.ask_by_itself([1].into());
            answers.iter().for_each(|answer| questions.answer(*answer));
            let pending = questions.pending().map(|(at, _)| at);
            (pending, questions.into_approved().iter().map(Approved::relationship).collect::<Vec<_>>())
        };
        assert_eq!(by_itself(&[Answer::YesToAll]), (Some(1), vec![0]));
        assert_eq!(by_itself(&[Answer::YesToAll, Answer::No]), (None, vec![0, 2]));
        assert_eq!(by_itself(&[Answer::YesToAll, Answer::Yes]), (None, vec![0, 1, 2]));
        assert_eq!(by_itself(&[Answer::NoToAll]), (None, vec![]));
    }
}
