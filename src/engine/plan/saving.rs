//! What a run saves that an earlier one left running, and what it does not save on purpose.

use std::collections::BTreeSet;

use super::leave::Basis;
use super::{Plan, PlannedRelationship};
use crate::engine::approval::LOST_SCOPES;
use crate::engine::port::{Journal, Unsaved};
use crate::engine::{Error, ErrorKind};
use crate::model::{DriftState, ScopeId};

impl Plan {
    /// Whether nothing of this relationship is written and yet its run does something: it saves what an earlier
    /// run left on the target. Where another relationship writes there, that one saves.
    pub fn only_saves(&self, planned: &PlannedRelationship) -> bool {
        planned.unsaved.is_some()
            && planned.blocked.is_none()
            && !self.on_target_of(planned).any(|other| self.writes(other))
            && self.reason_not_to_save(planned).is_none()
    }

    /// How the file of a relationship's target fares beside the changes, for people: what an earlier run left is saved
    /// and nothing else, or nothing is saved on purpose.
    pub fn told_of_saving(&self, planned: &PlannedRelationship) -> Option<String> {
        if self.only_saves(planned) {
            return Some(planned.left_over());
        }
        let reason = self.reason_not_to_save(planned).filter(|_| planned.blocked.is_none());
        let text = match (reason, named(&self.without(planned))) {
            (Some(reason), _) => reason.with_hint(),
            (None, lost) => format!(
                "SAVED WITHOUT {}, which it lost by an earlier run and its file may still have (overridden {LOST_SCOPES})",
                lost.filter(|_| planned.blocked.is_none())?
            ),
        };
        Some(format!("{}: {text}", planned.target))
    }

    /// What replicating costs the configuration of the relationship's target; nothing where that is not saved on purpose.
    pub fn cost_to_configuration<'a>(&self, planned: &'a PlannedRelationship) -> &'a str {
        match self.reason_not_to_save(planned) {
            Some(_) if !planned.cost_to_configuration.is_empty() => "none, as it is not saved",
            _ => &planned.cost_to_configuration,
        }
    }

    /// Whether a target that would be saved lacks what it lost by an earlier run.
    pub(super) fn is_without_lost(&self) -> bool {
        self.relationships.iter().any(|planned| planned.blocked.is_none() && !self.without(planned).is_empty())
    }

    /// The scopes that the target lost by earlier runs and that this run does not bring back.
    fn without(&self, planned: &PlannedRelationship) -> BTreeSet<ScopeId> {
        let written = || self.on_target_of(planned).flat_map(|other| other.to_write(&self.overrides));
        let comes_back = |id: &&ScopeId| written().any(|scope| scope.id == **id && !scope.is_deletion());
        planned.lost.iter().filter(|id| !comes_back(id)).copied().collect()
    }

    /// Takes down what earlier runs left amiss with the files of the targets.
    pub(in crate::engine) fn note_left_over(&mut self, journal: &dyn Journal) {
        let (Basis::Servers { survey, .. } | Basis::Snapshot { survey, .. }) = &self.basis;
        for planned in &mut self.relationships {
            let Some(target) = planned.route.as_ref().map(|route| &route.target) else { continue };
            planned.unsaved = journal.unsaved(target);
            planned.lost = match planned.unsaved {
                Some(Unsaved::Running) => journal.lost(target),
                // a broken file has nothing to lose
                Some(Unsaved::Broken) | None => BTreeSet::new(),
            };
            if let Some(reading) = survey.reading(target) {
                planned.lost.retain(|id| !reading.scopes.contains_key(id));
            }
        }
    }

    /// Why the run will not save the target of this relationship.
    fn reason_not_to_save(&self, planned: &PlannedRelationship) -> Option<Error> {
        let amiss = planned.unsaved.filter(|_| !self.on_target_of(planned).any(|other| self.writes(other)));
        let is_overridden = self.overrides.contains(LOST_SCOPES);
        not_saved_without(&self.without(planned))
            .filter(|_| !is_overridden)
            .or_else(|| amiss.and_then(|amiss| planned.reason_not_to_save(amiss)))
    }

    fn writes(&self, planned: &PlannedRelationship) -> bool {
        planned.to_write(&self.overrides).next().is_some()
    }

    /// The relationships with the same target, this one among them.
    fn on_target_of(&self, planned: &PlannedRelationship) -> impl Iterator<Item = &PlannedRelationship> {
        let target = |one: &PlannedRelationship| one.route.as_ref().map(|route| route.target.clone());
        let wanted = target(planned);
        self.relationships.iter().filter(move |other| target(other) == wanted)
    }
}

impl PlannedRelationship {
    /// How the target stands that is saved and nothing else, for people.
    pub fn left_over(&self) -> String {
        let words = match self.unsaved {
            Some(Unsaved::Broken) => {
                "its FILE IS BROKEN, do not restart it: saving writes the file anew, and needs room on its disk"
            }
            Some(Unsaved::Running) | None => {
                "what an earlier run changed is running but not saved: saving writes the server's file anew"
            }
        };
        format!("{}: {words}", self.target)
    }

    /// Why a target that lacks scopes is not saved by a run that does not create them: an earlier run may have lost
    /// them, and until its restart the file still has them. A file that is broken has nothing to lose.
    pub(in crate::engine) fn reason_not_to_save(&self, amiss: Unsaved) -> Option<Error> {
        let lacking = self.scopes.iter().filter(|scope| scope.state == DriftState::OnlyOnSource);
        let lacking: Vec<String> = lacking.map(|scope| scope.id.to_string()).collect();
        (amiss == Unsaved::Running && !lacking.is_empty()).then(|| {
            let text =
                format!("not saved on purpose: the target lacks {}, which its file may still have", lacking.join(", "));
            Error::new(ErrorKind::Safety, text).hint("replicate what it lacks, too: that creates it and saves")
        })
    }
}

/// What to do about scopes that a target has lost.
pub const LOST: &str = "replicate that, too: it is created anew and saved; until then a restart of the server brings \
                        the old configuration back. Where it is gone for good, override lost-scopes";

/// Why a target is not saved that has lost these scopes by an earlier run.
pub(in crate::engine) fn not_saved_without(lost: &BTreeSet<ScopeId>) -> Option<Error> {
    let lost = named(lost)?;
    let text =
        format!("not saved on purpose: the target lacks {lost} since an earlier run, and its file may still have that");
    Some(Error::new(ErrorKind::Safety, text).hint(LOST))
}

/// How a server stands that an earlier run did not save because it had lost these scopes.
pub fn left_unsaved(lost: &BTreeSet<ScopeId>) -> Option<String> {
    let lost = named(lost)?;
    Some(format!("what an earlier run changed is running and not saved on purpose: the server had lost {lost}"))
}

fn named(scopes: &BTreeSet<ScopeId>) -> Option<String> {
    let scopes: Vec<String> = scopes.iter().map(ScopeId::to_string).collect();
    (!scopes.is_empty()).then(|| scopes.join(", "))
}
