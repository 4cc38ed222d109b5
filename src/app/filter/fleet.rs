//! What a filter can ask of relationships, servers and scopes.

use super::{Filter, Key, Parts, Question, Term, Test};
use crate::app::compared::{Compared, Counts};
use crate::app::fleet::facts::FactSheet;
use crate::app::fleet::relation::UNTOLD;
use crate::engine::compare::ScopeDrift;
use crate::engine::survey::{Member, Presence, Relationship, ServerReport, Survey};
use crate::model::{DriftState, FindingKind, Mode, Section};

/// The words of `drift:`, each with its bit.
const DRIFT: [&str; 10] = [
    "in-sync",
    "drifted",
    "only-on-source",
    "only-on-target",
    "unknown",
    "checking",
    "create",
    "update",
    "delete",
    "critical",
];

/// Nothing differs.
pub const IN_SYNC: u16 = 1;
/// Something differs, also where one side has all of it.
pub const DRIFTED: u16 = 1 << 1;
/// The target lacks it.
pub const ONLY_ON_SOURCE: u16 = 1 << 2;
/// The source lacks it.
pub const ONLY_ON_TARGET: u16 = 1 << 3;
/// It could not be read or compared.
pub const UNKNOWN: u16 = 1 << 4;
/// It is being read or compared.
pub const CHECKING: u16 = 1 << 5;
const CREATE: u16 = 1 << 6;
const UPDATE: u16 = 1 << 7;
const DELETE: u16 = 1 << 8;
const CRITICAL: u16 = 1 << 9;

/// The words of `state:`, in the order of [`Condition`](crate::model::Condition), then what is said of members
/// without a state.
const STATES: [&str; 13] = [
    "normal",
    "coming-back",
    "partner-down",
    "communication-recovery",
    "terminated",
    "maintenance",
    "interrupted",
    "conflict",
    "starting",
    "recovering",
    "other",
    "none",
    "unread",
];

const NO_STATE: u32 = 1 << 11;
const UNREAD: u32 = 1 << 12;
const NORMAL: u32 = 1;

/// The words of `section:`, in the order of [`Section`].
pub(super) const SECTIONS: [&str; 6] = {
    let mut words = [""; 6];
    let mut at = 0;
    while at < words.len() {
        words[at] = Section::ALL[at].word();
        at += 1;
    }
    words
};

/// What can be asked of the fleet.
pub(super) fn questions(survey: &Survey) -> Vec<Question> {
    let members = || survey.relationships.iter().flat_map(|found| &found.members);
    let mut servers: Vec<String> = survey.servers.iter().map(|server| server.name.to_string()).collect();
    servers.extend(members().map(Member::shown));
    let states = members().filter_map(|member| member.state.as_ref()).map(|state| state.0.to_string());
    let mut states: Vec<String> = states.collect();
    for names in [&mut servers, &mut states] {
        names.sort_unstable();
        names.dedup();
    }
    let names = survey.relationships.iter().map(|found| found.name.to_string()).collect();
    vec![
        Question { key: Key::Drift, words: &DRIFT, parts: Parts::None },
        Question { key: Key::State, words: &STATES, parts: Parts::Of(states) },
        Question { key: Key::Server, words: &[], parts: Parts::Of(servers) },
        Question { key: Key::Relationship, words: &[], parts: Parts::Of(names) },
        Question { key: Key::Section, words: &SECTIONS, parts: Parts::None },
        Question { key: Key::Name, words: &[], parts: Parts::Any },
        Question { key: Key::Used, words: &[], parts: Parts::Percent },
    ]
}

impl Filter {
    /// Whether it leaves other scopes when more is known of addresses in use.
    pub fn asks_for_use(&self) -> bool {
        self.terms.iter().any(|term| match &term.test {
            Test::Used(..) => true,
            Test::Text(text) => text.ends_with('%'),
            _ => false,
        })
    }

    /// Understands a filter of relationships, servers and scopes.
    pub fn fleet(text: &str, survey: &Survey) -> Self {
        if text.trim().is_empty() { Filter::default() } else { Filter::read(text, &questions(survey)) }
    }

    /// Which scopes of a relationship it leaves, by place in the drift; `None` for all. `used` is how many of their
    /// addresses are in use, in percent, as far as that is known.
    pub fn scopes(&self, said: &Said, sheet: &FactSheet, used: &[u8]) -> Option<Vec<bool>> {
        let mut fits: Option<Vec<bool>> = None;
        for term in &self.terms {
            let of_relationship = matches!(
                term.test,
                Test::Words(Key::State, _) | Test::Part(Key::State | Key::Server | Key::Relationship, _)
            );
            match said.has(&term.test) {
                // all of its scopes share what is said of it
                Some(true) if term.negated => return Some(vec![false; sheet.facts.len()]),
                Some(true) => {}
                Some(false) if of_relationship && term.negated => {}
                Some(false) if of_relationship => return Some(vec![false; sheet.facts.len()]),
                Some(false) | None => {
                    let left = sheet.left_by(term, used);
                    match &mut fits {
                        Some(fits) => fits.iter_mut().zip(left).for_each(|(fit, is_left)| *fit &= is_left),
                        None => fits = Some(left),
                    }
                }
            }
        }
        fits
    }

    /// How many scopes of a relationship it cannot judge, as nobody tells how many of their addresses are in use.
    pub fn unjudged(&self, said: &Said, sheet: &FactSheet, used: &[u8]) -> usize {
        let (of_use, others): (Vec<Term>, _) = self.terms.iter().cloned().partition(Term::is_of_use);
        if of_use.is_empty() {
            return 0;
        }
        let fits = Filter { terms: others, faults: Vec::new() }.scopes(said, sheet, used);
        let is_left = |at: &usize| fits.as_ref().is_none_or(|fits| fits.get(*at) == Some(&true));
        let is_untold = |at: &usize| used.get(*at).is_none_or(|used| *used == UNTOLD);
        (0..sheet.facts.len()).filter(is_left).filter(is_untold).count()
    }

    /// Whether it leaves a server that is listed by itself.
    pub fn server(&self, report: &ServerReport) -> bool {
        let has_no_use = !self.terms.iter().any(Term::is_of_use);
        has_no_use
            && self.fits(|test| {
                let name = report.name.as_str().to_lowercase();
                match test {
                    Test::Text(text) => {
                        let outcome = match &report.outcome {
                            None => "not read yet",
                            Some(Err(_)) => "not read",
                            Some(Ok(_)) => "",
                        };
                        format!("server {name} {} {outcome}", report.place).to_lowercase().contains(text)
                    }
                    Test::Part(Key::Server, text) => name.contains(text),
                    Test::Words(Key::State, bits) => bits & UNREAD != 0 && matches!(report.outcome, Some(Err(_))),
                    _ => false,
                }
            })
    }
}

/// What a filter finds of a relationship: its scopes have it too.
#[derive(Debug, Default)]
pub struct Said {
    /// All that its line says, in small letters.
    words: String,
    name: String,
    servers: [String; 2],
    states: [String; 2],
    state_bits: u32,
    /// How it stands; `None` where its scopes tell.
    drift: Option<u16>,
}

impl Said {
    /// What is said of a relationship, compared so.
    pub fn of(relationship: &Relationship, compared: Option<&Compared>) -> Self {
        let members = relationship.members.each_ref();
        let servers = members.map(|member| member.shown().to_lowercase());
        let states = members.map(|member| member.state.as_ref().map(|s| s.0.to_string().to_lowercase()));
        let states = states.map(Option::unwrap_or_default);
        let bits = members.map(|member| state_bit(member, &relationship.mode));
        // a pair is normal where both are
        let state_bits = if bits == [NORMAL; 2] { NORMAL } else { (bits[0] | bits[1]) & !NORMAL };
        let name = relationship.name.to_string().to_lowercase();
        let words = [&name, &relationship.mode.to_string().to_lowercase(), &servers[0], &servers[1]];
        let words = words.into_iter().chain(&states).map(String::as_str).collect::<Vec<_>>().join(" ");
        let drift = match compared {
            None => Some(CHECKING),
            Some(compared) if compared.drift.scopes.is_empty() => {
                let unread = compared.drift.findings.iter().any(|finding| finding.kind == FindingKind::Partner);
                Some(if unread { UNKNOWN } else { 0 })
            }
            Some(_) => None,
        };
        Said { words, name, servers, states, state_bits, drift }
    }

    /// Whether this holds for it; `None` where that is asked of scopes alone.
    fn has(&self, test: &Test) -> Option<bool> {
        match test {
            Test::Text(text) => Some(self.words.contains(text)),
            Test::Part(Key::Server, text) => Some(self.servers.iter().any(|name| name.contains(text))),
            Test::Part(Key::State, text) => Some(self.states.iter().any(|state| state.contains(text))),
            Test::Part(Key::Relationship, text) => Some(self.name.contains(text)),
            Test::Words(Key::State, bits) => Some(self.state_bits & bits != 0),
            Test::Words(Key::Drift, bits) => self.drift.map(|drift| u32::from(drift) & bits != 0),
            Test::Words(..) | Test::Part(..) | Test::Used(..) => None,
        }
    }

    /// Whether a filter leaves it for its own sake, and not for that of its scopes.
    pub fn fits(&self, filter: &Filter) -> bool {
        filter.terms.iter().all(|term| self.has(&term.test).is_some_and(|has| has != term.negated))
    }
}

fn state_bit(member: &Member, mode: &Mode) -> u32 {
    match (&member.presence, &member.state) {
        (_, Some(state)) => 1 << state.condition(mode) as u32,
        (Presence::Read(_), None) => NO_STATE,
        (_, None) => UNREAD,
    }
}

/// How a scope stands, as `drift:` asks for it.
pub fn drift_bits(scope: &ScopeDrift, [create, update, delete]: Counts, is_critical: bool) -> u16 {
    let state = match scope.state {
        DriftState::InSync => IN_SYNC,
        DriftState::Drifted => DRIFTED,
        DriftState::OnlyOnSource => DRIFTED | ONLY_ON_SOURCE,
        DriftState::OnlyOnTarget => DRIFTED | ONLY_ON_TARGET,
        DriftState::Unknown => UNKNOWN,
        DriftState::Checking => CHECKING,
    };
    // what only the target has is not deleted
    let done = [(create, CREATE), (update, UPDATE), (delete, DELETE)].into_iter();
    let done = done.filter(|(count, _)| *count > 0 && scope.can_replicate()).fold(0, |bits, (_, bit)| bits | bit);
    state | done | if is_critical { CRITICAL } else { 0 }
}

/// The sections in which a scope differs, as `section:` asks for them.
pub fn section_bits(scope: &ScopeDrift) -> u8 {
    scope.changes.iter().fold(0, |bits, change| bits | 1 << change.section() as u8)
}

/// What a replication would do, of these scopes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Tally {
    /// How many scopes there are.
    pub scopes: usize,
    /// Those that differ, also those that one side has alone.
    pub drifted: usize,
    /// Those of which nothing can be said.
    pub unknown: usize,
    /// Those that are still being read.
    pub checking: usize,
    /// Creations, updates and deletions.
    pub counts: Counts,
    /// Those that can be replicated.
    pub markable: usize,
}

impl Tally {
    /// Counts those scopes of a relationship that a filter leaves.
    pub fn of(sheet: &FactSheet, fits: Option<&[bool]>) -> Self {
        let mut tally = Tally::default();
        for (at, facts) in sheet.facts.iter().enumerate() {
            if !fits.is_none_or(|fits| fits.get(at).copied().unwrap_or(false)) {
                continue;
            }
            let is = |bit: u16| usize::from(facts.drift & bit != 0);
            tally.scopes += 1;
            tally.drifted += is(DRIFTED);
            tally.unknown += is(UNKNOWN);
            tally.checking += is(CHECKING);
            tally.markable += usize::from(facts.can_be_written);
            if is(DRIFTED) > is(ONLY_ON_TARGET) {
                tally.counts.iter_mut().zip(facts.counts).for_each(|(sum, count)| *sum += count as usize);
            }
        }
        tally
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use proptest::prelude::*;

    use super::*;
    use crate::engine::compare::RelationshipDrift;
    use crate::model::{Change, ChangeKind, Condition, ItemKey, Peer, ReservationKey, Role, ScopeId, State};

    fn relationship(states: [Option<&str>; 2]) -> Relationship {
        let member = |name: &str, role, state: Option<&str>| Member {
            peer: Peer { name: name.into(), url: "http://127.0.0.1/".into(), aliases: Vec::new(), role },
            presence: if state.is_some() { Presence::Read(name.into()) } else { Presence::Pending(name.into()) },
            state: state.map(|state| State(state.into())),
            heard: None,
            membership: None,
        };
        Relationship {
            name: "Bonn pair".into(),
            key: "one and two".into(),
            mode: Mode::HotStandby,
            members: [member("one", Role::Primary, states[0]), member("two", Role::Standby, states[1])],
            clock_skew: None,
            unsupported: None,
        }
    }

    /// A scope in one of the six states; drifted ones create a reservation, one-sided ones delete it.
    fn scope(n: u32, state: usize, name: &str) -> ScopeDrift {
        use DriftState::*;
        let state = [InSync, Drifted, OnlyOnSource, OnlyOnTarget, Unknown, Checking][state].clone();
        let change = Change {
            key: ItemKey::reservation(ReservationKey::Address([10, 0, 0, 1].into())),
            change: if state == Drifted { ChangeKind::Create } else { ChangeKind::Delete },
            label: None,
            fields: Vec::new(),
            wanted: None,
            moved: None,
            becomes_explicit: false,
        };
        let differs = matches!(state, Drifted | OnlyOnSource | OnlyOnTarget);
        ScopeDrift {
            id: ScopeId { network: ((10 << 24) + (n << 8)).into(), prefix_length: 24 },
            name: (!name.is_empty()).then(|| name.into()),
            server_ids: [None, None],
            reason: None,
            changes: if differs { vec![change] } else { Vec::new() },
            hides: false,
            ignored: Default::default(),
            state,
        }
    }

    fn compared(scopes: Vec<ScopeDrift>) -> Compared {
        let (name, source, target) = ("Bonn pair".into(), "one".into(), "two".into());
        Compared::of(RelationshipDrift { name, source, target, findings: Vec::new(), trouble: None, scopes }, false)
    }

    fn survey(found: &Relationship) -> Survey {
        Survey { servers: Vec::new(), relationships: vec![found.clone()], twins: None }
    }

    fn left(text: &str, states: [Option<&str>; 2]) -> (bool, Vec<usize>) {
        let found = relationship(states);
        let compared = compared((0..6).map(|n| scope(n, n as usize, ["", "Lab"][n as usize % 2])).collect());
        let filter = Filter::fleet(text, &survey(&found));
        assert_eq!(filter.faults, [], "{text}");
        let said = Said::of(&found, Some(&compared));
        let fits =
            filter.scopes(&said, &compared.sheet, &[10, 90, UNTOLD, 85, 5, 100]).unwrap_or_else(|| vec![true; 6]);
        (said.fits(&filter), (0..6).filter(|at| fits[*at]).collect())
    }

    #[test]
    fn each_key_asks_what_it_says() {
        let normal = [Some("hot-standby"); 2];
        let all: Vec<usize> = (0..6).collect();
        for (text, itself, scopes) in [
            ("", true, all.clone()),
            ("bonn", true, all.clone()),
            ("-bonn", false, vec![]),
            ("drift:in-sync", false, vec![0]),
            ("drift:drifted", false, vec![1, 2, 3]),
            ("-drift:drifted", false, vec![0, 4, 5]),
            ("drift:only", false, vec![2, 3]),
            ("drift:only-on-t", false, vec![3]),
            ("drift:unknown", false, vec![4]),
            ("drift:checking", false, vec![5]),
            ("drift:create", false, vec![1]),
            // what only the target has is not deleted
            ("drift:delete", false, vec![2]),
            ("section:reservations", false, vec![1, 2, 3]),
            ("section:options", false, vec![]),
            ("name:LAB", false, vec![1, 3, 5]),
            ("name:10.0", false, vec![]),
            ("-name:lab 10.0", false, vec![0, 2, 4]),
            ("lab -10.0.1.0 bonn", false, vec![3, 5]),
            ("server:tw relationship:bonn", true, all.clone()),
            ("-server:two lab", false, vec![]),
            ("state:normal", true, all.clone()),
            ("state:terminated", false, vec![]),
            ("-state:terminated drift:in-sync", false, vec![0]),
            ("used:>80", false, vec![1, 3, 5]),
            ("used:>=90%", false, vec![1, 5]),
            ("used:<10", false, vec![4]),
            ("used:\"<= 10 %\"", false, vec![0, 4]),
            // nobody tells of the third: it is neither
            ("-used:90", false, vec![0, 3, 4, 5]),
            ("-used:>80", false, vec![0, 4]),
            // the prefix length stands nowhere
            ("24", false, vec![]),
            ("-24", true, all.clone()),
            ("/24", false, all.clone()),
            ("10.0.2.0/2", false, vec![2]),
            ("4", false, vec![4]),
            ("5%", false, vec![3, 4]),
            ("85%", false, vec![3]),
            ("00%", false, vec![5]),
            ("05%", false, vec![]),
        ] {
            assert_eq!(left(text, normal), (itself, scopes), "{text:?}");
        }
        for wrong in ["used:much", "used:>", "used:<0", "used:300", "used:"] {
            let fault = &Filter::fleet(wrong, &survey(&relationship(normal))).faults[0];
            assert!(fault.to_string().contains("a number of percent is wanted"), "{fault}");
        }
        let ill = [Some("hot-standby"), Some("terminated")];
        assert_eq!(left("state:normal", ill), (false, vec![]), "both are to be normal");
        assert_eq!(left("state:term", ill), (true, all.clone()));
        assert_eq!(left("state:hot", ill), (true, all.clone()), "a server's own word");
        assert_eq!(left("state:unread", [Some("hot-standby"), None]), (true, all));
    }

    #[test]
    fn what_has_no_scopes_yet_is_found_by_how_it_stands() {
        let found = relationship([None, None]);
        let fits = |text: &str, compared: Option<&Compared>| {
            Said::of(&found, compared).fits(&Filter::fleet(text, &survey(&found)))
        };
        assert!(fits("drift:checking", None) && !fits("drift:unknown", None) && !fits("-drift:checking", None));
        assert!(fits("-drift:in-sync", Some(&compared(Vec::new()))));
    }

    #[test]
    fn the_words_have_the_bits_of_what_they_name() {
        use Condition::*;
        let all = [Normal, ComingBack, PartnerDown, CommunicationRecovery, Terminated, Maintenance, Interrupted];
        for condition in all.into_iter().chain([Conflict, Starting, Recovering, Other]) {
            assert_eq!(serde_json::json!(STATES[condition as usize]), serde_json::json!(condition));
        }
        assert_eq!((STATES[11], STATES[12]), ("none", "unread"));
        for (word, bit) in [("only-on-target", ONLY_ON_TARGET), ("checking", CHECKING), ("critical", CRITICAL)] {
            assert_eq!(DRIFT.iter().position(|known| *known == word), Some(bit.trailing_zeros() as usize));
        }
        for section in Section::ALL {
            assert_eq!(SECTIONS[section as usize], section.word());
        }
    }

    proptest! {
        /// The search through all lines at once finds what looking at each scope finds, and the sums are those
        /// of what is left.
        #[test]
        fn all_at_once_as_one_by_one(
            scopes in prop::collection::vec((0usize..6, "[a-c İß\n]{0,4}"), 0..40),
            terms in prop::collection::vec((any::<bool>(), prop_oneof![
                "[a-c0i.]{1,2}", "name:[a-c0 ]{1,2}", "drift:(in-sync|d|only|unknown|c)", "section:(r|options)",
            ]), 0..4),
        ) {
            let scopes: Vec<ScopeDrift> = (0u32..).zip(scopes).map(|(n, (state, name))| scope(n, state, &name)).collect();
            let found = relationship([Some("hot-standby"); 2]);
            let text = terms.iter().map(|(not, term)| format!("{}{term} ", if *not { "-" } else { "" })).collect::<String>();
            let filter = Filter::fleet(&text, &survey(&found));
            let compared = compared(scopes.clone());
            let said = Said::of(&found, Some(&compared));
            let fits = filter.scopes(&said, &compared.sheet, &[]);
            let tally = Tally::of(&compared.sheet, fits.as_deref());
            let one_by_one: Vec<bool> = scopes.iter().map(|scope| {
                let alone = FactSheet::new(&RelationshipDrift { scopes: vec![scope.clone()], ..compared.drift.clone() }, &BTreeMap::new());
                filter.fits(|test| said.has(test) == Some(true) || alone.left_by(&Term { negated: false, test: test.clone() }, &[])[0])
            }).collect();
            prop_assert_eq!(tally.scopes, one_by_one.iter().filter(|fit| **fit).count());
            prop_assert_eq!(tally.markable, scopes.iter().zip(&one_by_one).filter(|(s, fit)| **fit && s.can_replicate()).count());
            prop_assert_eq!(fits.unwrap_or_else(|| vec![true; scopes.len()]), one_by_one);
        }
    }
}
