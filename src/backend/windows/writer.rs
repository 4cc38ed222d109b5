//! Writing to a Windows server.

mod direct;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use async_trait::async_trait;

use self::direct::Direct;
use super::server::WindowsServer;
use crate::engine::Result;
use crate::engine::approval::Approved;
use crate::engine::port::{Abilities, Assessment, Batch, Control, Done, Gate, Grain, Saved, Work, Writer};
use crate::model::ItemKey;

/// Writes scopes to one Windows server.
pub(super) struct WindowsWriter {
    direct: Direct,
}

impl WindowsWriter {
    pub(super) fn new(server: WindowsServer) -> Self {
        WindowsWriter { direct: Direct::new(server) }
    }
}

#[async_trait]
impl Writer for WindowsWriter {
    fn abilities(&self) -> Abilities {
        Abilities {
            name: "Windows direct",
            grain: Grain::Item,
            batch: Batch::One,
            creates_scope: false,
            deletes_scope: false,
            interrupts_service: false,
        }
    }

    async fn assess(&self, work: &[Arc<Work>], ctl: &Control) -> Result<Assessment> {
        let mut refusals = BTreeMap::new();
        for one in work {
            let found = self.direct.refusals(one, ctl).await?;
            if !found.is_empty() {
                refusals.insert(one.id, found);
            }
        }
        Ok(Assessment {
            cost_to_service: direct::cost_to_service(work.iter().map(|one| &**one)),
            cost_to_configuration: "none: the server keeps what it accepts".to_owned(),
            refusals,
            uncertain: work.iter().map(|one| (one.id, self.uncertain(one))).collect(),
            ..Assessment::default()
        })
    }

    /// Windows keeps nothing of its own for a way back; the history does.
    async fn prepare(&self, _ok: &Approved, _ctl: &Control) -> Result<()> {
        Ok(())
    }

    async fn write(&self, work: &[Arc<Work>], ok: &Approved, _gate: &dyn Gate, ctl: &Control) -> Vec<Done> {
        let mut outcomes = Vec::with_capacity(work.len());
        for one in work {
            outcomes.push(if ctl.is_cancelled() { Done::Cancelled } else { self.direct.write(one, ok, ctl).await });
        }
        outcomes
    }

    fn uncertain(&self, work: &Work) -> BTreeSet<ItemKey> {
        direct::uncertain(work)
    }

    async fn settle(&self, _ctl: &Control) -> Result<()> {
        Ok(())
    }

    /// What Windows accepts outlives a restart.
    fn needs_saving(&self) -> bool {
        false
    }

    async fn save(&self, _ctl: &Control) -> Saved {
        Saved::Saved
    }
}
