//! Runs as they are kept.

use std::collections::BTreeSet;
use std::sync::Arc;

use rusqlite::{OptionalExtension as _, params};
use serde_json::Value;

use super::audit::{self, Audit};
use super::{History, Lasting, RunRecord, old};
use crate::engine::approval::NO_SNAPSHOT;
use crate::engine::port::{Held, Hold, Journal, Kept, Owner, Place, ReadBack, RunStart, ServerRole, Unsaved, Work};
use crate::engine::report::ChangeReport;
use crate::engine::{Error, ErrorKind, Result};
use crate::model::{Foreign, ScopeId, ServerName};
use crate::state::StateFolder;

impl Journal for History {
    fn ready(&self) -> Result<()> {
        self.write(|_| Ok(()))?;
        StateFolder::at(self.root.clone()?)
            .try_out()
            .map_err(|error| Error::new(ErrorKind::Local, error.to_string()))?;
        self.on_audit(Audit::ready)
    }

    fn enter(&self, run: &str) -> Result<Option<Held>> {
        let locks = self.locks()?;
        if locks.knows(run) || self.read(|connection| has_run(connection, run))?.unwrap_or(false) {
            return Ok(None);
        }
        match locks.run(&self.owner(run))? {
            Hold::Mine(held) => Ok(Some(held)),
            Hold::Other(_) => Ok(None),
            Hold::Nowhere(error) => Err(error),
        }
    }

    fn hold(&self, server: &str, run: &str) -> Result<Hold> {
        match self.locks() {
            Ok(locks) => locks.server(server, &self.owner(run)),
            Err(error) => Ok(Hold::Nowhere(error)),
        }
    }

    fn begin(&self, start: &RunStart) -> Result<()> {
        let json = |value: serde_json::Result<String>| value.map_err(|error| unwritable(&error));
        let overrides = json(serde_json::to_string(&start.overrides))?;
        let approvals = json(serde_json::to_string(&start.approvals))?;
        let who = json(serde_json::to_string(&self.who))?;
        let audited = self.audit(&audit::begin(start));
        if audited.is_err() && !start.overrides.contains(NO_SNAPSHOT) {
            return audited;
        }
        // a run that goes on without its audit is to lose no more than that
        let stored = self.write(|transaction| {
            transaction
                .prepare_cached(
                    "INSERT INTO run (id, kind, undone, started, who, overrides, approvals, asked, plan) \
                     VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9)",
                )?
                .execute(params![
                    start.run,
                    start.kind.word(),
                    start.kind.undone(),
                    start.started.as_microsecond(),
                    who,
                    overrides,
                    approvals,
                    start.asked.to_string(),
                    start.plan.to_string(),
                ])?;
            let seq = transaction.last_insert_rowid();
            let mut server = transaction.prepare_cached(
                "INSERT OR IGNORE INTO run_server (run, role, name, identity) VALUES (?1, ?2, ?3, ?4)",
            )?;
            for one in &start.servers {
                let role = serde_json::to_value(one.role).ok();
                let role = role.as_ref().and_then(Value::as_str);
                server.execute(params![seq, role, one.name.as_str(), one.identity.as_ref().map(Foreign::raw)])?;
            }
            Ok(())
        });
        audited.and(stored)
    }

    fn before(&self, place: &Place, work: &[Arc<Work>]) -> Result<()> {
        self.write_on(Lasting::Now, |transaction| {
            let mut insert = transaction.prepare_cached(
                "INSERT INTO snapshot (run, target, identity, relationship, scope, source_before, target_before, \
                 network_before, changes, native_before) \
                 SELECT seq, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10 FROM run WHERE id = ?1",
            )?;
            for work in work {
                let changes: Vec<ChangeReport<'_>> = work.changes.iter().map(ChangeReport::new).collect();
                let network = work.before.as_ref().and_then(|scope| scope.network());
                known(insert.execute(params![
                    place.run,
                    place.target.as_str(),
                    place.identity.as_ref().map(Foreign::raw),
                    place.relationship.raw(),
                    work.id.to_string(),
                    work.expect.source,
                    work.expect.target,
                    network.map(Foreign::raw),
                    serde_json::to_value(&changes).unwrap_or_default().to_string(),
                    work.before.as_ref().map(|scope| scope.native.to_string()),
                ])?)?;
            }
            Ok(())
        })
    }

    /// A loss of power may lose the last of these, and then they are read back like those of a
    /// program that was killed.
    fn after(&self, place: &Place, kept: &[Kept]) -> Result<()> {
        self.write_on(Lasting::WithNext, |transaction| {
            let mut update = transaction.prepare_cached(
                "UPDATE snapshot SET read_back = ?4, outcome = ?5, target_after = ?6, network_after = ?7, record = ?8, \
                 native_after = ?9 WHERE run = (SELECT seq FROM run WHERE id = ?1) AND target = ?2 AND scope = ?3",
            )?;
            for one in kept {
                let (word, there) = match &one.after {
                    ReadBack::Unread => ("unread", None),
                    ReadBack::Missing => ("missing", None),
                    ReadBack::There { scope, fingerprint } => ("there", Some((scope, fingerprint))),
                };
                known(update.execute(params![
                    place.run,
                    place.target.as_str(),
                    one.id.to_string(),
                    word,
                    one.outcome.word(),
                    there.map(|(_, fingerprint)| fingerprint),
                    there.and_then(|(scope, _)| scope.network()).map(Foreign::raw),
                    one.record.to_string(),
                    there.map(|(scope, _)| scope.native.to_string()),
                ])?)?;
            }
            Ok(())
        })
    }

    fn end(&self, run: &str, report: &Value) -> Result<()> {
        let summary = report.get("summary").map(Value::to_string);
        let now = jiff::Timestamp::now().as_microsecond();
        let stored = self.write_on(Lasting::Now, |transaction| {
            let mut update =
                transaction.prepare_cached("UPDATE run SET ended = ?2, summary = ?3, report = ?4 WHERE id = ?1")?;
            known(update.execute(params![run, now, summary, report.to_string()])?)
        });
        // whichever of both still can tells how it ended
        let audited = self.audit(&audit::end(run, report));
        stored?;
        audited.and(self.settle_replaced(Some(run), report))
    }

    fn tidy(&self) {
        if let Err(error) = self.drop_old() {
            tracing::warn!(%error, "old runs could not be dropped");
        }
    }

    fn not_begun(&self, start: &RunStart, report: &Value) -> Result<()> {
        self.audit(&audit::not_begun(start, report))
    }

    fn unwritten(&self, report: &Value) -> Result<()> {
        self.settle_replaced(None, report)
    }

    fn interrupted_on(&self, target: &ServerName) -> Vec<String> {
        let runs = self.interrupted().unwrap_or_default();
        let writes =
            |run: &RunRecord| run.servers.iter().any(|one| one.role == ServerRole::Target && one.name == *target);
        runs.into_iter().filter(writes).map(|run| run.id).collect()
    }

    fn unsaved(&self, target: &ServerName) -> Option<Unsaved> {
        let word = |connection: &rusqlite::Connection| {
            connection
                .prepare_cached("SELECT amiss FROM unsaved WHERE target = ?1")?
                .query_row([target.as_str()], |row| row.get::<_, String>(0))
                .optional()
        };
        let told = self.read(word).unwrap_or_else(|error| {
            tracing::warn!(%error, "whether a target is saved cannot be told");
            None
        });
        match told.flatten().as_deref() {
            Some("broken") => Some(Unsaved::Broken),
            Some(_) => Some(Unsaved::Running),
            None => old::unsaved(self.root.as_ref().ok()?, target),
        }
    }

    fn remember_unsaved(&self, target: &ServerName, unsaved: Option<Unsaved>) -> Result<()> {
        let word = unsaved.map(|unsaved| match unsaved {
            Unsaved::Running => "running",
            Unsaved::Broken => "broken",
        });
        self.write(|transaction| match word {
            Some(word) => transaction
                .prepare_cached("INSERT OR REPLACE INTO unsaved (target, amiss) VALUES (?1, ?2)")?
                .execute([target.as_str(), word]),
            None => {
                transaction.prepare_cached("DELETE FROM lost WHERE target = ?1")?.execute([target.as_str()])?;
                transaction.prepare_cached("DELETE FROM unsaved WHERE target = ?1")?.execute([target.as_str()])
            }
        })?;
        self.root.as_ref().map_or(Ok(()), |root| old::forget(root, target))
    }

    fn lost(&self, target: &ServerName) -> BTreeSet<ScopeId> {
        let scopes = |connection: &rusqlite::Connection| {
            connection
                .prepare_cached("SELECT scope FROM lost WHERE target = ?1")?
                .query_map([target.as_str()], |row| row.get::<_, String>(0))?
                .collect::<rusqlite::Result<Vec<_>>>()
        };
        let told = self.read(scopes).unwrap_or_else(|error| {
            tracing::warn!(%error, "which scopes a target has lost cannot be told");
            None
        });
        told.unwrap_or_default().iter().filter_map(|scope| scope.parse().ok()).collect()
    }

    fn remember_lost(&self, target: &ServerName, lost: &BTreeSet<ScopeId>) -> Result<()> {
        self.write(|transaction| {
            transaction.prepare_cached("DELETE FROM lost WHERE target = ?1")?.execute([target.as_str()])?;
            let mut insert = transaction.prepare_cached("INSERT INTO lost (target, scope) VALUES (?1, ?2)")?;
            lost.iter().try_for_each(|scope| insert.execute([target.as_str(), &scope.to_string()]).map(drop))
        })
    }
}

impl History {
    pub(super) fn owner(&self, run: &str) -> Owner {
        let who = &self.who;
        let (user, host) = (who.person(), who.host.to_string());
        Owner { run: run.to_owned(), user, host, process: who.process, since: jiff::Timestamp::now() }
    }
}

/// What a run has begun is there once, or it is not the store that it was begun in.
fn known(changed: usize) -> rusqlite::Result<()> {
    if changed == 1 { Ok(()) } else { Err(rusqlite::Error::QueryReturnedNoRows) }
}

fn has_run(connection: &rusqlite::Connection, run: &str) -> rusqlite::Result<bool> {
    connection.prepare_cached("SELECT 1 FROM run WHERE id = ?1")?.exists([run])
}

fn unwritable(error: &serde_json::Error) -> Error {
    Error::new(ErrorKind::Local, format!("the run cannot be told: {error}"))
}
