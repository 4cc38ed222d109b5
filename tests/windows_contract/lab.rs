//! A pair that can be put back as it was, and the comparison of what the program said with what is there.

use std::collections::BTreeMap;
use std::process::{Child, Stdio};
use std::time::Duration;

use serde_json::{Value, json};

use crate::common::pair::{Side, wait_for};
use crate::common::program::Finished;
use crate::common::report::{scopes, text};
use crate::common::windows::{WindowsCall, WindowsOptions};
use crate::common::windows_bench::{Bench, plain_scopes};

pub const NATIVE: &str = "replication = \"native\"";
pub const AUTO: &str = "replication = \"auto\"";
pub const DIRECT: &str = "replication = \"direct\"";
pub const REPLICATION: &str = "DhcpServerv4FailoverReplication.InvokeByScopeId";

/// Scopes by prefix, in the plain form.
pub type Plain = BTreeMap<String, Value>;

pub struct Lab {
    pub bench: Bench,
    origin: [Value; 2],
}

impl Lab {
    /// A pair whose servers get through to each other.
    pub fn up(options: WindowsOptions) -> Option<Lab> {
        let bench = Bench::up(options)?;
        let origin = Side::BOTH.map(|side| bench.pair.state(side));
        let lab = Lab { bench, origin };
        lab.restore("");
        Some(lab)
    }

    /// All as it was, with these lines in both entries of the configuration, and no run in the history.
    pub fn restore(&self, lines: &str) {
        let pair = &self.bench.pair;
        for (side, state) in Side::BOTH.into_iter().zip(&self.origin) {
            pair.rules(side, json!([]));
            pair.set(side, json!({"replication": {}, "second_hop": "allow", "reachable": true, "quirks": []}));
            pair.set_state(side, state);
        }
        for end in ["", "-wal", "-shm"] {
            let _ = std::fs::remove_file(self.bench.home.state().join(format!("history.db{end}")));
        }
        self.bench.home.write_config(&pair.config(lines));
    }

    pub fn now(&self, side: Side) -> Plain {
        plain_scopes(&self.bench.pair.state(side))
    }

    pub fn origin(&self, side: Side) -> Plain {
        plain_scopes(&self.origin[side as usize])
    }

    pub fn command(&self, source: Side, more: &str) -> String {
        format!("replicate --computer-name {} --force --json {more}", self.bench.pair.server(source).name)
    }

    /// Replicates everything from this side; every word of it is held against what the target has then.
    #[track_caller]
    pub fn replicate(&self, source: Side, when: &str) -> (Finished, BTreeMap<String, String>) {
        let before = self.now(other(source));
        let run = self.bench.run(&self.command(source, ""));
        let outcomes = self.is_true(source, &before, &run, when);
        (run, outcomes)
    }

    /// Starts a run that something will happen to.
    pub fn start(&self, line: &str) -> Child {
        let mut command = self.bench.home.scopesync(&line.split_whitespace().collect::<Vec<_>>());
        command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().expect("scopesync runs")
    }

    /// Waits until a call to this server is held by a rule.
    pub fn wait_until_held(&self, side: Side) {
        wait_for("a call to be held", Duration::from_secs(30), || self.bench.pair.held(side) > 0);
    }

    /// Lets held calls go on, and waits until so many writing calls since are over.
    pub fn let_go(&self, side: Side, mark: usize, calls: usize) {
        self.bench.pair.rules(side, json!([]));
        let over = || self.writes_since(side, mark).len() >= calls;
        wait_for("the call to be over", Duration::from_secs(30), over);
    }

    /// Holds every word of a run with `--json` against the target, which was as `before`; gives the outcomes.
    #[track_caller]
    pub fn is_true(&self, source: Side, before: &Plain, run: &Finished, when: &str) -> BTreeMap<String, String> {
        let (now, shall) = (self.now(other(source)), self.now(source));
        let told = format!("{when}: {:?}\n{}\n{}", run.code, run.stdout, run.stderr);
        assert_eq!(shall, self.origin(source), "the source is never written: {told}");
        if run.code == Some(1) {
            assert_eq!(&now, before, "status 1 with something written: {told}");
        }
        let document = if run.stdout.is_empty() { json!({"relationships": []}) } else { run.json() };
        let mut outcomes = BTreeMap::new();
        for (id, scope) in scopes(&document) {
            let [is, was, shall] = [&now, before, &shall].map(|scopes| scopes.get(&id));
            let outcome = text(scope, "outcome");
            let why = format!("{id} {outcome}: {scope:#}\nis {is:#?}\nshall be {shall:#?}\n{told}");
            match (outcome, &scope["verified"]) {
                ("replicated", Value::Bool(true)) | ("unchanged", _) => assert_eq!(is, shall, "{why}"),
                ("replicated", _) => {
                    assert!(is != shall && text(scope, "message").contains("did not carry"), "{why}");
                    assert!(scope["residual"].as_array().is_some_and(|rest| !rest.is_empty()), "{why}");
                }
                ("rejected" | "cancelled" | "skipped", _) => assert_eq!(is, was, "{why}"),
                // it is not there by then, and still may come to be
                ("unknown", _) => {
                    assert!(is == was && text(scope, "message").contains("may still be carried out"), "{why}");
                }
                ("partial", _) => assert!(is != was && is != shall, "{why}"),
                other => panic!("{other:?}: {why}"),
            }
            let is_good = outcome == "unchanged" || outcome == "replicated" && scope["verified"] == true;
            assert!(is_good || run.code != Some(0) && !text(scope, "message").is_empty(), "{why}");
            outcomes.insert(id, outcome.to_owned());
        }
        outcomes
    }

    /// Where the record of this server's calls is now.
    pub fn mark(&self, side: Side) -> usize {
        self.bench.pair.calls(side).len()
    }

    /// What was called since that changes something.
    pub fn writes_since(&self, side: Side, mark: usize) -> Vec<WindowsCall> {
        self.bench.pair.calls(side).into_iter().skip(mark).filter(WindowsCall::writes).collect()
    }
}

pub fn other(side: Side) -> Side {
    if side == Side::A { Side::B } else { Side::A }
}

pub fn names(calls: &[WindowsCall]) -> Vec<String> {
    calls.iter().filter_map(WindowsCall::name).collect()
}

pub fn finish(child: Child) -> Finished {
    Finished::from(child.wait_with_output().expect("scopesync ends"))
}
