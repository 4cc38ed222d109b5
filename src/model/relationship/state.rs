//! The state of one side of a relationship, and what it means for clients.
//!
//! The words are those of Kea's high-availability hook (Kea Administrator Reference Manual,
//! "Server States") and of `DhcpServerv4Failover` on Windows (MS-DHCPM 2.2.1.1.15, without
//! their prefix); a word that is not among them is [`Condition::Other`].

use serde::Serialize;

use super::Mode;
use crate::model::Foreign;

/// The state of one side of a relationship, in the server's own word.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(transparent)]
pub struct State(pub Foreign);

/// What a state comes to.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Condition {
    /// In service, as this mode has it.
    Normal,
    /// On its way back into service.
    ComingBack,
    /// Serves the clients of both: it takes its partner for dead.
    PartnerDown,
    /// Out of touch with its partner; keeps its lease updates for later.
    CommunicationRecovery,
    /// The relationship has ended until it is reset: no lease updates.
    Terminated,
    /// A pause that an operator asked for.
    Maintenance,
    /// Does not hear its partner, and serves its own share of the clients.
    Interrupted,
    /// Both have served alone at once, which is being settled.
    Conflict,
    /// Not connected with its partner yet.
    Starting,
    /// Back after a time alone, and fetching the leases that it missed.
    Recovering,
    /// Any other state.
    Other,
}

impl Condition {
    /// What it means for clients, in a few words; nothing where all is as it should be.
    pub fn words(self) -> &'static str {
        match self {
            Condition::Normal => "",
            Condition::ComingBack => "coming back, no DHCP yet",
            Condition::PartnerDown => "serves alone",
            Condition::CommunicationRecovery => "out of touch with its partner",
            Condition::Terminated => "no lease updates until reset",
            Condition::Maintenance => "maintenance",
            Condition::Interrupted => "does not hear its partner, serves its own share",
            Condition::Conflict => "both served alone: being settled, clients may get no answer",
            Condition::Starting => "not connected with its partner yet",
            Condition::Recovering => "back, and fetching leases from its partner",
            Condition::Other => "not in service as a pair",
        }
    }
}

impl State {
    /// Whether this is the state of a healthy pair in this mode.
    pub fn is_normal(&self, mode: &Mode) -> bool {
        self.condition(mode) == Condition::Normal
    }

    /// What it comes to in this mode.
    pub fn condition(&self, mode: &Mode) -> Condition {
        match (self.0.raw(), mode) {
            ("load-balancing", Mode::LoadBalancing)
            | ("hot-standby", Mode::HotStandby)
            | ("passive-backup", Mode::PassiveBackup) => Condition::Normal,
            ("waiting" | "syncing" | "ready", _) => Condition::ComingBack,
            ("partner-down", _) => Condition::PartnerDown,
            ("communication-recovery", _) => Condition::CommunicationRecovery,
            ("terminated", _) => Condition::Terminated,
            ("in-maintenance" | "partner-in-maintenance", _) => Condition::Maintenance,
            ("Normal", Mode::LoadBalancing | Mode::HotStandby) => Condition::Normal,
            ("CommunicationInterrupted", _) => Condition::Interrupted,
            ("PartnerDown", _) => Condition::PartnerDown,
            ("PotentialConflict" | "ConflictDone" | "ResolutionInterrupted", _) => Condition::Conflict,
            ("NoState" | "Init" | "Startup", _) => Condition::Starting,
            ("Recover" | "RecoverWait" | "RecoverDone", _) => Condition::Recovering,
            _ => Condition::Other,
        }
    }

    /// The server's word, and what it means where that is not plain normality.
    pub fn explained(&self, mode: &Mode) -> String {
        match self.condition(mode).words() {
            "" => self.0.to_string(),
            words => format!("{}: {words}", self.0),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_state_of_kea_is_read() {
        use Condition::*;
        for (word, condition) in [
            ("load-balancing", Normal),
            ("hot-standby", Other),
            ("passive-backup", Other),
            ("waiting", ComingBack),
            ("syncing", ComingBack),
            ("ready", ComingBack),
            ("partner-down", PartnerDown),
            ("communication-recovery", CommunicationRecovery),
            ("terminated", Terminated),
            ("in-maintenance", Maintenance),
            ("partner-in-maintenance", Maintenance),
            ("backup", Other),
            ("unavailable", Other),
            ("Terminated", Other),
        ] {
            assert_eq!(State(word.into()).condition(&Mode::LoadBalancing), condition, "{word}");
        }
        assert!(State("hot-standby".into()).is_normal(&Mode::HotStandby));
        assert!(!State("hot-standby".into()).is_normal(&Mode::Other("hot-standby".into())));
    }

    #[test]
    fn every_state_of_windows_is_read() {
        use Condition::*;
        for mode in [Mode::LoadBalancing, Mode::HotStandby] {
            for (word, condition) in [
                ("NoState", Starting),
                ("Init", Starting),
                ("Startup", Starting),
                ("Normal", Normal),
                ("CommunicationInterrupted", Interrupted),
                ("PartnerDown", PartnerDown),
                ("PotentialConflict", Conflict),
                ("ConflictDone", Conflict),
                ("ResolutionInterrupted", Conflict),
                ("Recover", Recovering),
                ("RecoverWait", Recovering),
                ("RecoverDone", Recovering),
                ("Paused", Other),
            ] {
                assert_eq!(State(word.into()).condition(&mode), condition, "{word}");
            }
        }
        assert!(!State("Normal".into()).is_normal(&Mode::Other("Normal".into())));
    }

    #[test]
    fn only_what_is_not_normal_is_explained() {
        let said = |word: &str| State(word.into()).explained(&Mode::HotStandby);
        assert_eq!(said("hot-standby"), "hot-standby");
        assert_eq!(said("waiting"), "waiting: coming back, no DHCP yet");
        assert_eq!(said("\u{1b}[2J"), "\\u{1b}[2J: not in service as a pair");
    }
}
