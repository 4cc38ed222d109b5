//! What a run saves that an earlier one left running, where it has nothing to write.

use super::{Plan, PlannedRelationship};
use crate::engine::port::Unsaved;
use crate::engine::{Error, ErrorKind};
use crate::model::DriftState;

impl Plan {
    /// Whether nothing of this relationship is written and yet its run does something: it saves what an earlier
    /// run left on the target. Where another relationship writes there, that one saves.
    pub fn only_saves(&self, planned: &PlannedRelationship) -> bool {
        let target = |other: &PlannedRelationship| other.route.as_ref().map(|route| route.target.clone());
        let writes = |other: &&PlannedRelationship| other.to_write(&self.overrides).next().is_some();
        planned.unsaved.is_some_and(|amiss| planned.reason_not_to_save(amiss).is_none())
            && planned.blocked.is_none()
            && !self.relationships.iter().filter(writes).any(|other| target(other) == target(planned))
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
