//! One thing that a check looked at.

use crate::engine::Error;

/// What was looked at, in the order in which it is shown.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[allow(missing_docs, reason = "each has its words")]
pub enum Topic {
    File,
    Permissions,
    Mistake,
    Remark,
    Reach,
    Tls,
    Authentication,
    Product,
    Role,
    ReadRight,
    Version,
    Identity,
    Relationship,
    Configuration,
    Commands,
    HostsDatabase,
    ConfigurationBackend,
    HiddenValues,
    Writer,
    WriteRight,
    SecondHop,
    CostToService,
    CostToConfiguration,
    Test,
    Saving,
    Unsaved,
    Clock,
    Envelope,
    Partner,
    State,
    Clocks,
}

impl Topic {
    /// Its name on screens; at most 14 characters.
    pub fn words(self) -> &'static str {
        match self {
            Topic::File => "file",
            Topic::Permissions => "permissions",
            Topic::Mistake => "mistake",
            Topic::Remark => "remark",
            Topic::Reach => "reach",
            Topic::Tls => "TLS",
            Topic::Authentication => "authentication",
            Topic::Product => "service",
            Topic::Role => "DHCP role",
            Topic::ReadRight => "right to read",
            Topic::Version => "version",
            Topic::Identity => "identity",
            Topic::Relationship => "relationship",
            Topic::Configuration => "configuration",
            Topic::Commands => "commands",
            Topic::HostsDatabase => "hosts database",
            Topic::ConfigurationBackend => "config backend",
            Topic::HiddenValues => "hidden values",
            Topic::Writer => "writer",
            Topic::WriteRight => "right to write",
            Topic::SecondHop => "second hop",
            Topic::CostToService => "cost: service",
            Topic::CostToConfiguration => "cost: config",
            Topic::Test => "test",
            Topic::Saving => "saving",
            Topic::Unsaved => "unsaved",
            Topic::Clock => "clock",
            Topic::Envelope => "envelope",
            Topic::Partner => "partner",
            Topic::State => "state",
            Topic::Clocks => "clocks",
        }
    }

    /// Its name for programs.
    pub fn key(self) -> &'static str {
        match self {
            Topic::Tls => "tls",
            Topic::Role => "dhcp_role",
            Topic::ReadRight => "right_to_read",
            Topic::WriteRight => "right_to_write",
            Topic::SecondHop => "second_hop",
            Topic::HostsDatabase => "hosts_database",
            Topic::ConfigurationBackend => "configuration_backend",
            Topic::HiddenValues => "hidden_values",
            Topic::CostToService => "cost_to_service",
            Topic::CostToConfiguration => "cost_to_configuration",
            other => other.words(),
        }
    }
}

/// What came of it, best first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, serde::Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Verdict {
    /// As it should be.
    Ok,
    /// Not looked at, with the reason.
    NotAsked,
    /// It could not be told.
    Unknown,
    /// It works, and the operator should know this.
    Warning,
    /// It does not work.
    Failed,
}

impl Verdict {
    /// The word for screens.
    pub fn word(self) -> &'static str {
        match self {
            Verdict::Ok => "ok",
            Verdict::NotAsked => "not asked",
            Verdict::Unknown => "unknown",
            Verdict::Warning => "warning",
            Verdict::Failed => "failed",
        }
    }
}

/// One thing that was looked at, what came of it, and what to do. Safe to show; never holds
/// a secret.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Point {
    /// What was looked at.
    pub topic: Topic,
    /// What came of it.
    pub verdict: Verdict,
    /// What was found; server text is in it as [`Foreign`](crate::model::Foreign) shows it.
    pub found: String,
    /// What to do about it.
    pub hint: Option<String>,
}

impl Point {
    /// Something that was found.
    pub fn new(topic: Topic, verdict: Verdict, found: impl Into<String>) -> Self {
        Point { topic, verdict, found: found.into(), hint: None }
    }

    /// Something that is as it should be.
    pub fn ok(topic: Topic, found: impl Into<String>) -> Self {
        Point::new(topic, Verdict::Ok, found)
    }

    /// Something that the operator should know.
    pub fn warning(topic: Topic, found: impl Into<String>) -> Self {
        Point::new(topic, Verdict::Warning, found)
    }

    /// Something that does not work, with its cure.
    pub fn failed(topic: Topic, error: &Error) -> Self {
        Point { hint: error.hint.clone(), ..Point::new(topic, Verdict::Failed, &error.what) }
    }

    /// Adds what to do about it.
    pub fn hint(mut self, hint: impl Into<String>) -> Self {
        self.hint = Some(hint.into());
        self
    }
}
