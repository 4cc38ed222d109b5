//! Interrupted runs as the engine takes them, and later runs that make up for them.

use std::collections::{BTreeMap, BTreeSet};

use rusqlite::{OptionalExtension as _, params};
use serde::Deserialize;
use serde_json::Value;

use super::{History, RunRecord, Settlement};
use crate::engine::Result;
use crate::engine::outcome::RunReport;
use crate::engine::plan::Plan;
use crate::engine::port::RunKind;
use crate::engine::recovery::{Interrupted, Remedy};
use crate::engine::undo::Past;
use crate::model::{Foreign, ScopeId, ServerName};

impl History {
    /// An interrupted run, to be told by reading its servers.
    ///
    /// # Errors
    /// It is no longer kept, or was kept by a program that wrote other plans; or the store cannot
    /// be read.
    pub fn interrupted_run(&self, run: &RunRecord) -> Result<Interrupted> {
        let documents = self.documents(run)?;
        let past = self.past(run)?;
        Interrupted::new(&run.id, run.kind.clone(), &documents.plan, &documents.approvals, &run.servers, past)
    }

    /// What the run did that an interrupted undo was to take back; nothing for another interrupted run.
    ///
    /// # Errors
    /// It is no longer kept, or the store cannot be read.
    pub fn undone(&self, kind: &RunKind) -> Result<Vec<Past>> {
        match kind {
            RunKind::Undo { of } => self.past(&self.run(of)?),
            _ => Ok(Vec::new()),
        }
    }

    /// Settles the interrupted run that a plan was made for, if all of the plan is written; how.
    ///
    /// # Errors
    /// It was settled meanwhile, or the store cannot be written.
    pub fn settle_for(&self, plan: &Plan, report: &RunReport, by: &str) -> Result<Option<Settlement>> {
        let Some(settles) = plan.settles.as_ref().filter(|_| report.exit_status() == 0) else { return Ok(None) };
        let how = match settles.remedy {
            Remedy::Finish => Settlement::Finished,
            Remedy::Undo => Settlement::Undone,
        };
        // a run that had nothing to write is in no history
        let through = (plan.scopes_to_write() > 0).then_some(report.run.as_str());
        self.settle(&settles.run, how, by, through)?;
        Ok(Some(how))
    }

    /// Settles interrupted runs of which a later run that has just ended, or one that had nothing
    /// to write, has brought in step, or found in step, every scope that no other run has written
    /// since.
    pub(super) fn settle_replaced(&self, run: Option<&str>, report: &Value) -> Result<()> {
        let (good, waiting) = (good(report), self.interrupted()?);
        if good.is_empty() || waiting.is_empty() {
            return Ok(());
        }
        let new = run.map(|run| self.run(run)).transpose()?;
        // a run may write and die before the one before it is told to have ended
        let is_later = |old: &RunRecord| new.as_ref().is_none_or(|new| old.seq < new.seq);
        for old in waiting.into_iter().filter(is_later) {
            let kind = new.as_ref().map(|new| &new.kind);
            let is_undo = matches!(kind, Some(RunKind::Undo { of }) if *of == old.id);
            let Ok(interrupted) = self.interrupted_run(&old) else { continue };
            let all = interrupted.scopes(is_undo);
            let touches = all.iter().any(|(target, scopes)| {
                good.get(target).is_some_and(|good| scopes.iter().any(|scope| good.contains(scope)))
            });
            // that such a scope is as it was before its run does not tell that it stays so
            let under_way = match kind {
                Some(RunKind::Replication) => BTreeSet::new(),
                _ => interrupted.under_way(),
            };
            let mut missing = all.iter().flat_map(|(target, scopes)| scopes.iter().map(move |scope| (target, scope)));
            let made_up = |target: &ServerName, scope: &ScopeId| -> Result<bool> {
                let here = good.get(target).is_some_and(|good| good.contains(scope))
                    && !under_way.contains(&(target.clone(), *scope));
                Ok(here || self.was_replicated_after(&old, target, *scope)?)
            };
            let in_all = |all, (target, scope)| -> Result<bool> { Ok(all && made_up(target, scope)?) };
            let covered = touches && missing.try_fold(true, in_all)?;
            if covered {
                let how = if is_undo { Settlement::Undone } else { Settlement::Replaced };
                self.settle(&old.id, how, &self.who.person(), run)?;
            }
        }
        Ok(())
    }

    fn was_replicated_after(&self, run: &RunRecord, target: &ServerName, scope: ScopeId) -> Result<bool> {
        let sql = "SELECT 1 FROM snapshot WHERE target = ?1 AND scope = ?2 AND run > ?3 AND outcome = 'replicated'";
        let found = self.read(|connection| {
            let mut statement = connection.prepare_cached(sql)?;
            statement.query_row(params![target.as_str(), scope.to_string(), run.seq], |_| Ok(())).optional()
        })?;
        Ok(found.flatten().is_some())
    }
}

#[derive(Deserialize)]
struct Report {
    relationships: Vec<Part>,
}

#[derive(Deserialize)]
pub(super) struct Part {
    pub(super) name: Foreign,
    pub(super) target: String,
    pub(super) scopes: Vec<Line>,
}

#[derive(Deserialize)]
pub(super) struct Line {
    scope_id: std::net::Ipv4Addr,
    prefix_length: u8,
    pub(super) outcome: String,
    verified: Option<bool>,
}

impl Line {
    pub(super) fn id(&self) -> ScopeId {
        ScopeId { network: self.scope_id, prefix_length: self.prefix_length }
    }
}

/// The parts of a report of schema `scopesync.run/1`; another kind has none.
pub(super) fn parts(report: &Value) -> Vec<Part> {
    Report::deserialize(report).map(|report| report.relationships).unwrap_or_default()
}

/// The scopes that are as their plan wanted them, by target.
fn good(report: &Value) -> BTreeMap<ServerName, BTreeSet<ScopeId>> {
    let mut good: BTreeMap<ServerName, BTreeSet<ScopeId>> = BTreeMap::new();
    for part in parts(report) {
        let in_step = |line: &&Line| match line.outcome.as_str() {
            "replicated" => line.verified == Some(true),
            word => word == "unchanged",
        };
        let ids = part.scopes.iter().filter(in_step).map(Line::id);
        good.entry(part.target.as_str().into()).or_default().extend(ids);
    }
    good
}
