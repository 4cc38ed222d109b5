//! A history of a million runs: a list and a run are to be shown within 50 ms.

#![allow(clippy::print_stderr, missing_docs)]

use std::collections::BTreeSet;
use std::time::Instant;

use criterion::{Criterion, criterion_group, criterion_main};
use rusqlite::Connection;
use scopesync::engine::port::{Journal, RunKind, RunStart};
use scopesync::history::{History, RunFilter};
use scopesync::state::StateFolder;
use serde_json::json;

const RUNS: u32 = 1_000_000;

/// Runs with plans and snapshots of a usual size, over 250 scopes.
const FILL: &str = "
    INSERT INTO run (id, kind, started, ended, who, overrides, summary, approvals, asked, plan, report)
        SELECT printf('20260101T000000Z-%08x', value), kind, started + value, started + value, who, overrides,
            '{\"replicated\":1}', approvals, asked, printf('{\"filler\":\"%.*c\"}', 1000, 'x'), '{}'
        FROM run, generate_series WHERE seq = 1;
    INSERT INTO run_server SELECT seq, role, name, identity FROM run, (SELECT role, name, identity FROM run_server
        WHERE run = 1) WHERE seq > 1;
    INSERT INTO snapshot (run, target, relationship, scope, source_before, target_before, read_back, outcome,
            target_after, changes, record, native_before, native_after)
        SELECT seq, 'kea-2', 'pair', '10.0.' || (seq % 250) || '.0/24', '1:s', '1:t', 'there', 'replicated', '1:n',
            '[]', '{}', printf('{\"filler\":\"%.*c\"}', 500, 'x'), printf('{\"filler\":\"%.*c\"}', 500, 'x')
        FROM run WHERE seq > 1;";

fn history(bench: &mut Criterion) {
    let Ok(folder) = tempfile::tempdir() else { return };
    let history = History::new(&StateFolder::at(folder.path()));
    let start = RunStart {
        run: "first".into(),
        started: jiff::Timestamp::UNIX_EPOCH,
        kind: RunKind::Replication,
        asked: json!(null),
        overrides: BTreeSet::new(),
        approvals: Vec::new(),
        plan: json!({}),
        servers: BTreeSet::new(),
    };
    let began = Instant::now();
    let filled = history.begin(&start).map_err(|error| error.to_string()).and_then(|()| {
        let path = history.path().map_err(|error| error.to_string())?;
        let numbers = format!(
            "CREATE TEMP TABLE generate_series AS WITH RECURSIVE n(value) AS (SELECT 1 UNION ALL SELECT value + 1 FROM n \
             WHERE value < {RUNS}) SELECT value FROM n;"
        );
        let store = Connection::open(path).map_err(|error| error.to_string())?;
        store.execute_batch(&(numbers + FILL)).map_err(|error| error.to_string())
    });
    if let Err(error) = filled {
        eprintln!("no history to measure: {error}");
        return;
    }
    eprintln!("{RUNS} runs made in {:.0?}", began.elapsed());
    let mut group = bench.benchmark_group("history of a million runs");
    let open = || History::new(&StateFolder::at(folder.path()));
    group.bench_function("open it and list the newest page", |bench| bench.iter(|| open().runs(&RunFilter::default())));
    group.bench_function("a page from the middle", |bench| {
        bench.iter(|| history.runs(&RunFilter { before: Some(i64::from(RUNS / 2)), ..RunFilter::default() }))
    });
    group.bench_function("open it and show a run by the beginning of its name", |bench| {
        bench.iter(|| {
            let history = open();
            let run = history.run("20260101T000000Z-000c35");
            let run = run.or_else(|_| history.run("20260101T000000Z-000c3500"))?;
            Ok::<_, scopesync::engine::Error>((history.documents(&run)?, history.snapshots(&run, None)?))
        })
    });
    group.bench_function("find interrupted runs", |bench| bench.iter(|| open().interrupted()));
    group.bench_function("begin and end a run, with nothing to drop", |bench| {
        let limits = scopesync::config::HistoryConfig {
            keep_days: 0,
            keep_runs: 0,
            keep_size: scopesync::config::ByteSize(u64::MAX),
            ..Default::default()
        };
        let history = open().within(limits);
        let mut number = 0;
        bench.iter(|| {
            number += 1;
            let run = format!("bench-{number}");
            history.begin(&RunStart { run: run.clone(), ..start.clone() })?;
            history.end(&run, &json!({}))?;
            history.tidy();
            Ok::<_, scopesync::engine::Error>(())
        })
    });
    group.finish();
}

criterion_group!(benches, history);
criterion_main!(benches);
