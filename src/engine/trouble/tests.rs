//! What is said of pairs in trouble.

use super::*;
use crate::engine::survey::{Member, Presence};
use crate::model::{Contact, Membership, Mode, Peer, Role, State, Timing};

fn relationship(states: [&str; 2], rejected_limit: Option<u64>) -> Relationship {
    let names = ["kea-1", "kea-2"];
    let member = |at: usize| {
        let peer = |at: usize| Peer {
            name: names[at].into(),
            url: "".into(),
            aliases: Vec::new(),
            role: if at == 0 { Role::Primary } else { Role::Secondary },
        };
        let membership = Membership {
            name: None,
            mode: Mode::LoadBalancing,
            this_server: names[at].into(),
            peers: vec![peer(0), peer(1)],
            state: None,
            partner_state: None,
            clock_skew: None,
            contact: Some(Contact::default()),
            timing: Timing { rejected_limit, ..Timing::default() },
        };
        Member {
            peer: peer(at),
            presence: Presence::Read(names[at].into()),
            state: Some(State(states[at].into())),
            heard: Some(State("terminated".into())),
            membership: Some(membership),
        }
    };
    Relationship {
        name: "berlin".into(),
        key: "a and b".into(),
        mode: Mode::LoadBalancing,
        members: [member(0), member(1)],
        clock_skew: None,
        unsupported: None,
    }
}

fn scope(n: u8, state: DriftState, server_ids: [Option<u32>; 2]) -> ScopeDrift {
    ScopeDrift {
        id: format!("10.0.{n}.0/24").parse().unwrap(),
        name: None,
        server_ids,
        state,
        reason: None,
        changes: Vec::new(),
        hides: false,
        ignored: Default::default(),
    }
}

/// One scope of each kind: missing on either side, another id, in sync.
fn drifted() -> Vec<ScopeDrift> {
    vec![
        scope(1, DriftState::OnlyOnSource, [Some(1), None]),
        scope(2, DriftState::OnlyOnTarget, [None, Some(2)]),
        scope(3, DriftState::InSync, [Some(3), Some(33)]),
        scope(4, DriftState::InSync, [Some(4), Some(4)]),
    ]
}

#[test]
fn a_terminated_pair_is_explained_with_its_drift_and_the_way_out() {
    let trouble = Trouble::of(&relationship(["terminated", "terminated"], Some(10)), 0, &drifted()).unwrap();
    let finding = trouble.finding();
    assert_eq!((finding.severity, finding.kind), (Severity::Critical, FindingKind::Terminated));
    assert_eq!(finding.scopes.iter().map(ScopeId::short).collect::<Vec<_>>(), ["10.0.1.0", "10.0.2.0", "10.0.3.0"]);
    assert_eq!(
        finding.message,
        "kea-1 and kea-2 are terminated: each goes on answering clients, but failover has ended for every scope, and \
         neither side learns of the other's leases. The cause stands: kea-2 lacks 10.0.1.0, kea-1 lacks 10.0.2.0, the \
         servers have different ids for 10.0.3.0: each lease given there is refused by the partner and its client \
         gets no ACK; after 10 such clients (max-rejected-lease-updates) both servers give up the whole pair"
    );
    assert_eq!(
        finding.hint,
        "1. replicate 10.0.1.0 from kea-1 to kea-2\n\
         2. copy 10.0.2.0 from kea-2 to kea-1 (swap source and target), or delete it on kea-2\n\
         3. replicate 10.0.3.0 from kea-1: kea-2 gets the id of kea-1\n\
         4. single scopes can be written now, in any state (subnet commands); a target that is written as a whole \
         has to wait: reset first in spite of the drift, and replicate at once\n\
         5. then reset both servers at once (ha-reset): no DHCP from kea-1 and kea-2 for about 30 s (three heartbeats \
         of 10 s)"
    );
    let turned = Trouble::of(&relationship(["terminated", "terminated"], Some(10)), 1, &[drifted().remove(0)]).unwrap();
    assert!(turned.explanation().contains("kea-1 lacks 10.0.1.0"), "{}", turned.explanation());
}

#[test]
fn without_drift_only_the_reset_is_left_and_what_is_not_known_is_said() {
    let pair = relationship(["terminated", "load-balancing"], None);
    let trouble = Trouble::of(&pair, 0, &[]).unwrap();
    assert!(trouble.explanation().starts_with("kea-1 is terminated: it goes on"), "{}", trouble.explanation());
    assert!(trouble.explanation().ends_with("it may have been repaired since"), "{}", trouble.explanation());
    assert_eq!(trouble.steps.len(), 1);
    assert!(trouble.finding().hint.starts_with("reset both servers at once"), "{}", trouble.finding().hint);
    let unknown = Trouble::of(&pair, 0, &[scope(1, DriftState::Unknown, [Some(1), None])]).unwrap();
    let said = unknown.explanation();
    assert!(said.ends_with("Not everything could be compared: one scope is unknown"), "{said}");
    assert!(!said.contains("explains"), "{said}");
}

#[test]
fn clocks_apart_are_a_cause() {
    let mut pair = relationship(["terminated", "terminated"], Some(10));
    pair.clock_skew = Some(-61);
    let trouble = Trouble::of(&pair, 0, &[]).unwrap();
    assert_eq!(trouble.causes, [Cause::Clocks(61)]);
    assert!(trouble.explanation().contains("the clocks are 61 s apart"), "{}", trouble.explanation());
    assert!(!trouble.explanation().contains("no ACK"), "{}", trouble.explanation());
    pair.clock_skew = Some(60);
    assert!(Trouble::of(&pair, 0, &[]).unwrap().causes.is_empty());
}

#[test]
fn communication_recovery_heals_by_itself_unless_drift_stands() {
    let pair = relationship(["communication-recovery", "load-balancing"], None);
    let trouble = Trouble::of(&pair, 0, &drifted()[..1]).unwrap();
    let finding = trouble.finding();
    assert_eq!((finding.severity, finding.kind), (Severity::Critical, FindingKind::CommunicationRecovery));
    assert!(finding.message.starts_with("kea-1 is in communication recovery: it goes on"), "{}", finding.message);
    assert!(finding.message.contains("takes the first such client for a broken partner"), "{}", finding.message);
    assert!(finding.hint.contains("3. the server comes back by itself with its next heartbeat (10 s)"), "{finding:?}");
    let healthy = Trouble::of(&pair, 0, &[]).unwrap().finding();
    assert_eq!(healthy.severity, Severity::Warning);
}

#[test]
fn a_member_that_does_not_know_that_it_was_given_up_is_named() {
    let hint = |states: [&str; 2]| {
        let found = crate::engine::prerequisites::states(&relationship(states, None), 0);
        found.into_iter().map(|finding| finding.hint).collect::<Vec<_>>()
    };
    let told = hint(["partner-down", "load-balancing"]);
    assert!(
        told.len() == 1 && told[0].starts_with("kea-2 says that all is normal, and kea-1 serves alone"),
        "{told:?}"
    );
    assert!(told[0].contains("config-reload"), "{told:?}");
    let waiting = hint(["waiting", "partner-down"]);
    assert!(waiting.iter().all(|hint| !hint.contains("config-reload")), "{waiting:?}");
}

#[test]
fn what_a_partner_heard_is_no_trouble_and_termination_is_the_worse() {
    assert!(Trouble::of(&relationship(["load-balancing", "partner-down"], None), 0, &drifted()).is_none());
    let both = Trouble::of(&relationship(["communication-recovery", "terminated"], None), 0, &[]).unwrap();
    assert_eq!((both.condition, both.servers), (Condition::Terminated, vec!["kea-2".to_owned()]));
}
