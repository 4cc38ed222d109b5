//! How a job ended, as it stands in the history.

use serde::{Deserialize, Serialize};

use crate::engine::Error;
use crate::engine::outcome::{Outcome, RunReport};
use crate::model::Foreign;
use crate::show::{self, ScopeNames};

/// How a job ended.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct JobReport {
    /// The exit status that the command would have had.
    pub exit_status: u8,
    /// What it would have printed on standard output: the scopes that were replicated.
    pub output: Vec<String>,
    /// What it would have printed beside that.
    pub messages: Vec<String>,
    /// The report of the run, schema `scopesync.run/1`; `null` where it came to none, or is no
    /// longer kept.
    #[serde(default)]
    pub run: serde_json::Value,
}

impl JobReport {
    /// Of a run.
    pub fn of(report: &RunReport, names: &ScopeNames) -> Self {
        let replicated = report.scopes().filter(|scope| scope.outcome == Outcome::Replicated);
        let told = show::report(report, names).into_iter().chain([show::report_summary(report)]);
        JobReport {
            exit_status: report.exit_status(),
            output: replicated.map(|scope| names.name(scope.id)).collect(),
            messages: told.map(|line| line.text()).collect(),
            run: report.to_json(),
        }
    }

    /// Of what failed before anything was written.
    pub fn failed(error: &Error) -> Self {
        let hint = error.hint.iter().map(|hint| format!("hint: {hint}"));
        let messages = std::iter::once(format!("error: {error}")).chain(hint).collect();
        JobReport { exit_status: 1, messages, ..JobReport::default() }
    }

    /// Of a process that ended without a word. What it wrote is told by reading both sides.
    pub fn lost(run: Option<&str>) -> Self {
        let hint = match run {
            Some(run) => format!("hint: it was run {run}: see `scopesync history show {run}`"),
            None => "hint: `scopesync history` has the run that it became, if it did".to_owned(),
        };
        JobReport {
            exit_status: 3,
            messages: vec!["error: its process ended".to_owned(), hint],
            ..JobReport::default()
        }
    }

    /// Of what broke: what was written by then is not known here.
    pub fn broken(reason: &str) -> Self {
        let messages = vec![format!("error: {}", Foreign::from(reason))];
        JobReport { exit_status: 3, messages, ..JobReport::default() }
    }

    /// As it stands in the history.
    pub fn to_json(&self) -> serde_json::Value {
        serde_json::to_value(self).unwrap_or_default()
    }

    /// From the history.
    pub fn from_json(json: &serde_json::Value) -> Option<Self> {
        serde_json::from_value(json.clone()).ok()
    }
}
