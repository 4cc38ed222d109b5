//! Scopes that a target has lost by earlier runs: as long as it lacks them, its file is not written without them.

use std::collections::BTreeSet;

use crate::engine::approval::LOST_SCOPES;
use crate::engine::plan::not_saved_without;
use crate::engine::port::{Control, Journal, Server, Unsaved};
use crate::engine::{Error, ErrorKind, Result};
use crate::model::ScopeId;

/// Why this target is not to be saved right now.
pub(super) async fn reason_not_to_save(
    target: &dyn Server,
    journal: &dyn Journal,
    overrides: &BTreeSet<String>,
    ctl: &Control,
) -> Option<Error> {
    // a broken file has nothing to lose
    if overrides.contains(LOST_SCOPES) || journal.unsaved(target.name()) == Some(Unsaved::Broken) {
        return None;
    }
    let lost = journal.lost(target.name());
    if lost.is_empty() {
        return None;
    }
    match missing(target, &lost, ctl).await {
        Ok(missing) => not_saved_without(&missing),
        Err(error) => {
            let lost: Vec<String> = lost.iter().map(ScopeId::to_string).collect();
            let what = format!(
                "not saved on purpose: the target lacked {} after an earlier run, and whether it still does could not \
                 be read: {}",
                lost.join(", "),
                error.what
            );
            Some(Error { what, ..error })
        }
    }
}

async fn missing(target: &dyn Server, lost: &BTreeSet<ScopeId>, ctl: &Control) -> Result<BTreeSet<ScopeId>> {
    let ids: Vec<ScopeId> = lost.iter().copied().collect();
    let found = tokio::select! {
        biased;
        () = ctl.hard.cancelled() => return Err(Error::new(ErrorKind::Cancelled, "cancelled before saving")),
        found = target.reread(&ids, ctl) => found?,
    };
    Ok(ids.into_iter().filter(|id| found.get(id).is_none_or(Option::is_none)).collect())
}
