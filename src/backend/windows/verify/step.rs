//! What is tried, one question a step.

use serde::Serialize;

/// One step.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
#[allow(missing_docs, reason = "each has its words")]
pub enum Step {
    SourceRight,
    TargetRight,
    SecondHop,
    Unchanged,
    Description,
    Unforced,
    Delay,
    Superscope,
    DnsSetting,
    DisabledPolicy,
    Exclusion,
    Direct,
    State,
}

impl Step {
    /// All of them, in their order: what later ones depend on comes first.
    pub const ALL: [Step; 13] = [
        Step::SourceRight,
        Step::TargetRight,
        Step::SecondHop,
        Step::Unchanged,
        Step::Description,
        Step::Unforced,
        Step::Delay,
        Step::Superscope,
        Step::DnsSetting,
        Step::DisabledPolicy,
        Step::Exclusion,
        Step::Direct,
        Step::State,
    ];

    /// What is asked of the servers.
    pub fn question(self) -> &'static str {
        match self {
            Step::SourceRight => "may we write to the source",
            Step::TargetRight => "may we write to the target",
            Step::SecondHop => "does the source get through to the target on our account",
            Step::Unchanged => "does InvokeByScopeId work, and what does it give",
            Step::Description => "is a changed description carried",
            Step::Unforced => "is a replication without Force refused",
            Step::Delay => "is Delay carried",
            Step::Superscope => "is SuperscopeName carried",
            Step::DnsSetting => "is the DNS setting carried",
            Step::DisabledPolicy => "is a disabled policy carried, and stays disabled",
            Step::Exclusion => "is an exclusion removed that only the target has",
            Step::Direct => "does the target take the same changes directly",
            Step::State => "is State carried",
        }
    }

    /// What it does, on which server, in one line.
    pub fn does(self, source: &str, target: &str) -> String {
        let carried = |change: &str| {
            format!("{change} on {source}, replicates the scope from {source} to {target}, and puts both back")
        };
        match self {
            Step::SourceRight => format!("sets the description of the scope on {source} to what it is"),
            Step::TargetRight => format!("sets the description of the scope on {target} to what it is"),
            Step::SecondHop => format!("asks {source} for the version of {target}; writes nothing"),
            Step::Unchanged => format!("replicates the scope as it is from {source} to {target}"),
            Step::Description => carried("changes the description"),
            Step::Unforced => {
                let what = carried("changes the description");
                format!(
                    "{what}, with Force=false: a server that waits for a confirmation is waited for until the write_timeout"
                )
            }
            Step::Delay => carried("changes Delay by milliseconds"),
            Step::Superscope => carried("puts the scope into a superscope of its own"),
            Step::DnsSetting => {
                let what = carried("changes DeleteDnsRROnLeaseExpiry");
                format!("{what}; a scope that had the server's setting then has one of its own, with the same values")
            }
            Step::DisabledPolicy => carried("adds a disabled policy for one hardware address that nobody has"),
            Step::Exclusion => {
                format!("excludes one address on {target} alone, replicates the scope from {source}, and puts it back")
            }
            Step::Direct => {
                format!("makes the changes of the steps before on {target} itself, one by one, and puts it back")
            }
            Step::State => {
                format!("{}: NEITHER SERVER ANSWERS CLIENTS IN THE SCOPE MEANWHILE", carried("turns the scope off"))
            }
        }
    }

    /// What is done about it where the answer is no; `None` where the program depends on a yes.
    pub fn otherwise(self) -> Option<&'static str> {
        const LEFT: &str = "where the source replicates by itself the preview says that it may not be carried, and the \
                            run what still differs; direct writes bring it";
        match self {
            Step::SourceRight => Some("it can be copied from, and not be a target"),
            Step::SecondHop => Some("scopes are written directly, over our own connection to the target"),
            Step::Unforced => Some("scopesync asks by itself, and then always sends Force=true"),
            Step::Delay | Step::Superscope | Step::DnsSetting | Step::DisabledPolicy | Step::State => Some(LEFT),
            Step::TargetRight | Step::Unchanged | Step::Description | Step::Exclusion | Step::Direct => None,
        }
    }

    /// Whether no client of the scope is answered meanwhile.
    pub fn stops_service(self) -> bool {
        self == Step::State
    }

    /// Whether it has the source replicate.
    pub(super) fn replicates(self) -> bool {
        !matches!(self, Step::SourceRight | Step::TargetRight | Step::SecondHop | Step::Direct)
    }

    /// Whether it tries a change of its own, of which [`super::trial::Trial`] knows whether the scope has room for it.
    pub(super) fn changes_something(self) -> bool {
        !matches!(self, Step::SecondHop | Step::Unchanged | Step::Direct)
    }

    /// Whether what it changes belongs to what a replication may leave out.
    pub(super) fn is_of_properties(self) -> bool {
        matches!(self, Step::Delay | Step::Superscope | Step::DnsSetting | Step::DisabledPolicy | Step::State)
    }
}
