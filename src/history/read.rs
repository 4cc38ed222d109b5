//! The history as it is read.

use std::collections::{BTreeMap, BTreeSet};

use rusqlite::types::Type;
use rusqlite::{Connection, OptionalExtension as _, Row, params};
use serde::de::DeserializeOwned;
use serde_json::Value;

use super::{History, Settled, UndoneBy, Who};

use crate::engine::port::{Approval, Fingerprints, RunKind, RunServer};
use crate::engine::select::ScopeSelector;
use crate::engine::{Error, ErrorKind, Result};
use crate::model::{Foreign, ScopeId, ServerName};

/// Which runs are asked for.
#[derive(Clone, Debug)]
pub struct RunFilter {
    /// Only runs before this one, by [`RunRecord::seq`]: the next page.
    pub before: Option<i64>,
    /// So many at most.
    pub limit: usize,
    /// Only runs with this server.
    pub server: Option<String>,
    /// Only runs that were to write this scope.
    pub scope: Option<ScopeSelector>,
    /// Only runs that began at this moment or later.
    pub since: Option<jiff::Timestamp>,
}

impl Default for RunFilter {
    fn default() -> Self {
        RunFilter { before: None, limit: 50, server: None, scope: None, since: None }
    }
}

/// A run, without its large documents.
#[derive(Clone, Debug, PartialEq)]
pub struct RunRecord {
    /// Its place in the order of runs, whatever clocks said.
    pub seq: i64,
    /// Its name.
    pub id: String,
    /// What it did.
    pub kind: RunKind,
    /// The newest run that took it back, in part at least; where none did, the newest that tried.
    pub undone_by: Option<UndoneBy>,
    /// When it began.
    pub started: jiff::Timestamp,
    /// When it ended; `None` while it runs, or when it was interrupted.
    pub ended: Option<jiff::Timestamp>,
    /// What was done about it, where it was interrupted and no longer waits for that.
    pub settled: Option<Settled>,
    /// Who started it, and from where.
    pub who: Who,
    /// The refusals that were overridden, by name.
    pub overrides: Vec<String>,
    /// Scopes by outcome, as the report counts them; empty without one.
    pub summary: BTreeMap<String, u64>,
    /// Its servers.
    pub servers: Vec<RunServer>,
}

/// The large documents of a run.
#[derive(Clone, Debug, PartialEq)]
pub struct Documents {
    /// What was asked for, in the front end's words; `null` where nobody said.
    pub asked: Value,
    /// Who said yes to which part of it.
    pub approvals: Vec<Approval>,
    /// The plan.
    pub plan: Value,
    /// The report; `None` before the run has ended.
    pub report: Option<Value>,
}

/// A scope of a target before a run wrote it, and after.
#[derive(Clone, Debug, PartialEq)]
pub struct Snapshot {
    /// The server that was written.
    pub target: ServerName,
    /// What tells it from every other, as it reported it.
    pub identity: Option<Foreign>,
    /// The relationship that was replicated.
    pub relationship: Foreign,
    /// Which scope.
    pub scope: ScopeId,
    /// The fingerprints of both sides before.
    pub before: Fingerprints,
    /// The scope's shared network before.
    pub network: Option<Foreign>,
    /// The scope as it was, in the server's words; `None` when it did not exist.
    pub native: Option<Value>,
    /// What the plan changed: an array of changes as in `scopesync.plan/1`.
    pub changes: Value,
    /// What became of it; `None` when the run did not come to store that.
    pub end: Option<SnapshotEnd>,
}

#[cfg(test)]
impl Snapshot {
    /// A scope that was there, with these changes, and what is recorded of its end, replicated and read back.
    pub(crate) fn sample(changes: &[Value], record: Value) -> Self {
        let end = SnapshotEnd {
            outcome: "replicated".into(),
            record,
            was_read: true,
            fingerprint: None,
            network: None,
            native: None,
        };
        Snapshot {
            target: "two".into(),
            identity: None,
            relationship: "pair".into(),
            scope: ScopeId { network: std::net::Ipv4Addr::new(10, 0, 0, 0), prefix_length: 24 },
            before: Fingerprints { source: None, target: None },
            network: None,
            native: Some(serde_json::json!({})),
            changes: Value::from(changes.to_vec()),
            end: Some(end),
        }
    }
}

/// A scope after its write.
#[derive(Clone, Debug, PartialEq)]
pub struct SnapshotEnd {
    /// The outcome's word.
    pub outcome: String,
    /// The outcome with its reasons.
    pub record: Value,
    /// Whether it could be read back.
    pub was_read: bool,
    /// Its fingerprint; `None` when it was not there, or not read.
    pub fingerprint: Option<String>,
    /// Its shared network.
    pub network: Option<Foreign>,
    /// The scope as it was then, in the server's words; `None` when it was not there, or not read.
    pub native: Option<Value>,
}

const RUN: &str = "SELECT seq, id, kind, undone, started, ended, who, overrides, summary, \
                   (SELECT json_array(id, json(summary)) FROM run AS undo WHERE undo.undone = run.id \
                   ORDER BY coalesce(undo.summary ->> 'replicated', 0) > 0 DESC, undo.seq DESC LIMIT 1), \
                   settled FROM run";

impl History {
    /// Runs, the newest first.
    ///
    /// # Errors
    /// The store is there and cannot be read.
    pub fn runs(&self, filter: &RunFilter) -> Result<Vec<RunRecord>> {
        let found = self.read(|connection| {
            let limit = i64::try_from(filter.limit).unwrap_or(i64::MAX);
            let mut sql = format!("{RUN} WHERE seq < ?1");
            let mut values = vec![filter.before.unwrap_or(i64::MAX).into(), rusqlite::types::Value::from(limit)];
            let mut narrow = |condition: &str, value: rusqlite::types::Value| {
                values.push(value);
                sql.push_str(&condition.replace('?', &format!("?{}", values.len())));
            };
            if let Some(server) = &filter.server {
                narrow(" AND seq IN (SELECT run FROM run_server WHERE name = ?)", server.clone().into());
            }
            match &filter.scope {
                Some(ScopeSelector { network, prefix_length: None }) => {
                    let those = " AND seq IN (SELECT run FROM snapshot WHERE scope >= ?||'/' AND scope < ?||'0')";
                    narrow(those, network.to_string().into());
                }
                Some(scope) => {
                    narrow(" AND seq IN (SELECT run FROM snapshot WHERE scope = ?)", scope.to_string().into());
                }
                None => {}
            }
            if let Some(since) = filter.since {
                narrow(" AND started >= ?", since.as_microsecond().into());
            }
            sql.push_str(" ORDER BY seq DESC LIMIT ?2");
            all(connection, &sql, rusqlite::params_from_iter(values))
        })?;
        Ok(found.unwrap_or_default())
    }

    /// The run of this name, or with the only name that begins so; `latest` is the newest one.
    ///
    /// # Errors
    /// There is none, or there are several; or the store cannot be read.
    pub fn run(&self, name: &str) -> Result<RunRecord> {
        let found = self.read(|connection| match name {
            "latest" => all(connection, &format!("{RUN} ORDER BY seq DESC LIMIT 1"), []),
            // an index finds what lies between two texts, and no character comes after the last one
            _ => {
                let sql =
                    format!("{RUN} WHERE id = ?1 OR (id >= ?1 AND id < ?1 || char(0x10ffff)) ORDER BY id LIMIT 9");
                all(connection, &sql, [name])
            }
        })?;
        let mut found = found.unwrap_or_default();
        let shown = Foreign::from(name);
        if let Some(exact) = found.iter().position(|run| run.id == name) {
            return Ok(found.swap_remove(exact));
        }
        match found.len() {
            1 => Ok(found.swap_remove(0)),
            0 => Err(Error::new(ErrorKind::Selection, format!("no run is called {shown}"))
                .hint(format!("{}`scopesync history` lists all runs", self.near(name)?))),
            _ => {
                let names: Vec<&str> = found.iter().map(|run| run.id.as_str()).collect();
                Err(Error::new(ErrorKind::Selection, format!("several runs begin with {shown}"))
                    .hint(format!("say more of its name: {}", names.join(", "))))
            }
        }
    }

    /// Whether one of the last runs is meant by a name that is wrong.
    fn near(&self, name: &str) -> Result<String> {
        let last = self.runs(&RunFilter { limit: 500, ..RunFilter::default() })?;
        let likeness = |id: &str| strsim::normalized_damerau_levenshtein(name, id);
        let best = last.iter().map(|run| (likeness(&run.id), &run.id)).max_by(|one, other| one.0.total_cmp(&other.0));
        Ok(best
            .filter(|(likeness, _)| *likeness > 0.7)
            .map(|(_, id)| format!("did you mean {id}? "))
            .unwrap_or_default())
    }

    /// The large documents of a run.
    ///
    /// # Errors
    /// There is no such run, or the store cannot be read.
    pub fn documents(&self, run: &RunRecord) -> Result<Documents> {
        let found = self.read(|connection| {
            connection
                .prepare_cached("SELECT asked, approvals, plan, report FROM run WHERE seq = ?1")?
                .query_row([run.seq], |row| {
                    Ok(Documents {
                        asked: json(row, 0)?.unwrap_or_default(),
                        approvals: json(row, 1)?.unwrap_or_default(),
                        plan: json(row, 2)?.unwrap_or_default(),
                        report: json(row, 3)?,
                    })
                })
                .optional()
        })?;
        let gone = || Error::new(ErrorKind::Selection, format!("the run {} is no longer kept", run.id));
        found.flatten().ok_or_else(gone)
    }

    /// The snapshots of a run by target and scope; of these scopes alone, where some are named.
    ///
    /// # Errors
    /// The store is there and cannot be read.
    pub fn snapshots(&self, run: &RunRecord, scopes: Option<&[ScopeId]>) -> Result<Vec<Snapshot>> {
        let found = self.read(|connection| {
            let mut statement = connection.prepare_cached(
                "SELECT target, identity, relationship, scope, source_before, target_before, network_before, \
                 native_before, changes, outcome, record, read_back, target_after, network_after, native_after \
                 FROM snapshot WHERE run = ?1 AND (?2 IS NULL OR scope = ?2) ORDER BY seq",
            )?;
            let mut take = |scope: Option<ScopeId>| {
                let rows = statement.query_map(params![run.seq, scope.map(|scope| scope.to_string())], snapshot)?;
                rows.collect::<rusqlite::Result<Vec<Snapshot>>>()
            };
            match scopes {
                None => take(None),
                Some(scopes) => {
                    let mut found = Vec::new();
                    for scope in scopes {
                        found.extend(take(Some(*scope))?);
                    }
                    Ok(found)
                }
            }
        })?;
        let mut found = found.unwrap_or_default();
        found.sort_by(|a, b| (&a.target, a.scope).cmp(&(&b.target, b.scope)));
        Ok(found)
    }

    /// Runs that have begun and not ended, whose process is gone, and about which nothing was done
    /// yet ([`History::settle`]); the newest first.
    ///
    /// # Errors
    /// The store is there and cannot be read.
    pub fn interrupted(&self) -> Result<Vec<RunRecord>> {
        let open = self.read(|connection| {
            all(connection, &format!("{RUN} WHERE ended IS NULL AND settled IS NULL ORDER BY seq DESC"), [])
        })?;
        let mut open = open.unwrap_or_default();
        if !open.is_empty() {
            let locks = self.locks()?;
            open.retain(|run| !locks.is_alive(&run.id));
        }
        self.still_open(open)
    }

    /// Of runs that had not ended when they were read: their process may be gone because they have
    /// ended since.
    pub(super) fn still_open(&self, mut runs: Vec<RunRecord>) -> Result<Vec<RunRecord>> {
        if runs.is_empty() {
            return Ok(runs);
        }
        let open = self.read(|connection| {
            let mut statement =
                connection.prepare_cached("SELECT seq FROM run WHERE ended IS NULL AND settled IS NULL")?;
            statement.query_map([], |row| row.get(0))?.collect::<rusqlite::Result<BTreeSet<i64>>>()
        })?;
        let open = open.unwrap_or_default();
        runs.retain(|run| open.contains(&run.seq));
        Ok(runs)
    }
}

fn all(connection: &Connection, sql: &str, params: impl rusqlite::Params) -> rusqlite::Result<Vec<RunRecord>> {
    let mut statement = connection.prepare_cached(sql)?;
    let mut runs = statement.query_map(params, run)?.collect::<rusqlite::Result<Vec<RunRecord>>>()?;
    let mut servers =
        connection.prepare_cached("SELECT role, name, identity FROM run_server WHERE run = ?1 ORDER BY role, name")?;
    for run in &mut runs {
        run.servers = servers.query_map([run.seq], server)?.collect::<rusqlite::Result<_>>()?;
    }
    Ok(runs)
}

fn run(row: &Row<'_>) -> rusqlite::Result<RunRecord> {
    let kind = match (row.get_ref(2)?.as_str()?, row.get::<_, Option<String>>(3)?) {
        ("undo", Some(of)) => RunKind::Undo { of },
        ("reset", _) => RunKind::Reset,
        ("verification", _) => RunKind::Verification,
        _ => RunKind::Replication,
    };
    let summary = json(row, 8)?.unwrap_or_default();
    let undo = json::<(String, Option<BTreeMap<String, u64>>)>(row, 9)?;
    Ok(RunRecord {
        seq: row.get(0)?,
        id: row.get(1)?,
        kind,
        started: time(row.get(4)?),
        ended: row.get::<_, Option<i64>>(5)?.map(time),
        who: json(row, 6)?.ok_or_else(|| rusqlite::Error::InvalidColumnType(6, "who".into(), Type::Null))?,
        overrides: json(row, 7)?.unwrap_or_default(),
        undone_by: undo.map(|(run, undo)| UndoneBy::new(run, &undo.unwrap_or_default(), &summary)),
        summary,
        settled: json(row, 10)?,
        servers: Vec::new(),
    })
}

fn server(row: &Row<'_>) -> rusqlite::Result<RunServer> {
    let name: String = row.get(1)?;
    Ok(RunServer {
        role: serde_json::from_value(Value::String(row.get(0)?)).map_err(|error| wrong(0, error))?,
        name: ServerName::from(name.as_str()),
        identity: text(row, 2)?,
    })
}

fn snapshot(row: &Row<'_>) -> rusqlite::Result<Snapshot> {
    let target: String = row.get(0)?;
    let scope: String = row.get(3)?;
    let end = match row.get::<_, Option<String>>(11)? {
        None => None,
        Some(read_back) => Some(SnapshotEnd {
            outcome: row.get(9)?,
            record: json(row, 10)?.unwrap_or_default(),
            was_read: read_back != "unread",
            fingerprint: row.get(12)?,
            network: text(row, 13)?,
            native: json(row, 14)?,
        }),
    };
    Ok(Snapshot {
        target: ServerName::from(target.as_str()),
        identity: text(row, 1)?,
        relationship: text(row, 2)?.unwrap_or_else(|| "".into()),
        scope: scope.parse().map_err(|error| wrong(3, error))?,
        before: Fingerprints { source: row.get(4)?, target: row.get(5)? },
        network: text(row, 6)?,
        native: json(row, 7)?,
        changes: json(row, 8)?.unwrap_or_default(),
        end,
    })
}

pub(super) fn time(microseconds: i64) -> jiff::Timestamp {
    jiff::Timestamp::from_microsecond(microseconds).unwrap_or_default()
}

fn text(row: &Row<'_>, at: usize) -> rusqlite::Result<Option<Foreign>> {
    Ok(row.get::<_, Option<String>>(at)?.map(Foreign::from))
}

/// The JSON of a column, where there is any.
pub(super) fn json<T: DeserializeOwned>(row: &Row<'_>, at: usize) -> rusqlite::Result<Option<T>> {
    let text = row.get_ref(at)?.as_str_or_null()?;
    text.map(|text| serde_json::from_str(text).map_err(|error| wrong(at, error))).transpose()
}

fn wrong(at: usize, error: impl std::error::Error + Send + Sync + 'static) -> rusqlite::Error {
    rusqlite::Error::FromSqlConversionFailure(at, Type::Text, Box::new(error))
}
