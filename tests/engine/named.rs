//! Servers that name their relationships, as those of Windows do: what lies outside the scopes.

use scopesync::engine::prerequisites;
use scopesync::engine::survey::{Presence, Survey};
use scopesync::model::*;

use super::*;

/// A pair whose relationship has a name, with three scopes that are the same on both sides.
fn named() -> (FakeServer, FakeServer) {
    let scopes = || [A, B, C].map(|id| fake::scope(id, &[("name", json!("floor"))])).to_vec();
    let servers = fake::pair(scopes(), scopes());
    for server in [&servers.0, &servers.1] {
        server.inner().title = Some("one<->two");
    }
    servers
}

async fn drift(servers: &(FakeServer, FakeServer)) -> (Survey, compare::RelationshipDrift) {
    let survey = fake::fleet(servers).survey(&Control::free()).await;
    let drift = compare::relationship(&survey, &survey.relationships[0], 0, &[]);
    (survey, drift)
}

/// Severity, side and words of each finding; the hint behind ` | `.
fn told(drift: &compare::RelationshipDrift) -> Vec<String> {
    let line = |f: &Finding| format!("{:?} {:?} {:?}: {} | {}", f.severity, f.side, f.scopes.len(), f.message, f.hint);
    drift.findings.iter().map(line).collect()
}

#[track_caller]
fn assert_told(drift: &compare::RelationshipDrift, expected: &[&[&str]]) {
    let told = told(drift);
    assert_eq!(told.len(), expected.len(), "{told:#?}");
    for (line, parts) in told.iter().zip(expected) {
        assert!(parts.iter().all(|part| line.contains(part)), "{line}\n{parts:?}");
    }
}

#[tokio::test]
async fn a_pair_in_order_has_nothing_to_tell() {
    let servers = named();
    let (survey, drift) = drift(&servers).await;
    assert_eq!(survey.relationships[0].name.raw(), "one<->two");
    assert_told(&drift, &[]);
    assert_eq!(Summary::of(&drift.scopes).in_sync, 3);
}

#[tokio::test]
async fn scopes_that_one_side_lists_otherwise_come_first() {
    let servers = named();
    {
        let mut two = servers.1.inner();
        two.belongs.insert(A.parse().unwrap(), Belonging::Nobody);
        two.belongs.insert(B.parse().unwrap(), Belonging::To("other".into()));
        two.scopes.remove(&C.parse().unwrap());
        // in no relationship on either side: nothing unusual
        for mut server in [two, servers.0.inner()] {
            let alone = fake::scope("10.0.9.0/24", &[]);
            server.belongs.insert(alone.id, Belonging::Nobody);
            server.scopes.insert(alone.id, alone);
        }
    }
    let (survey, drift) = drift(&servers).await;
    assert_told(
        &drift,
        &[
            &[
                "Critical Target 1",
                "that two has in no relationship: in them neither learns",
                "replicating does not change",
            ],
            &["Critical Target 1", "that two has in the relationship other"],
            &[
                "Critical Target 1",
                "scopes missing on two: its clients get no answer while only the server that lacks it",
                "Add-DhcpServerv4FailoverScope",
            ],
        ],
    );
    let states: Vec<&DriftState> = drift.scopes.iter().map(|scope| &scope.state).collect();
    assert_eq!(states, [&DriftState::InSync, &DriftState::InSync, &DriftState::OnlyOnSource]);
    let back = compare::relationship(&survey, &survey.relationships[0], 1, &[]);
    assert!(told(&back)[0].starts_with("Critical Source 1"), "{:#?}", told(&back));
}

#[tokio::test]
async fn a_relationship_that_the_partner_does_not_know_is_compared_and_never_written() {
    let servers = named();
    servers.1.inner().is_single = true;
    let all = [A, B, C].map(|id| (id.parse().unwrap(), Belonging::Nobody));
    servers.1.inner().belongs = BTreeMap::from(all);
    servers.1.meddle(A, |scope| fake::reserve(scope, "10.0.0.9", "02:00:00:00:00:09"));
    let (survey, drift) = drift(&servers).await;
    assert_eq!(survey.relationships[0].members[1].presence, Presence::Unpaired("two".into()));
    assert_told(
        &drift,
        &[
            &["Critical Target 3", "that two has in no relationship"],
            &["Critical Target 0", "two has no relationship one<->two, though one has", "Get-DhcpServerv4Failover"],
        ],
    );
    assert_eq!(drift.scopes[0].state, DriftState::Drifted);
    let plan = plan(&fake::fleet(&servers)).await;
    assert_eq!(plan.relationships[0].blocked.as_ref().map(|refusal| refusal.name), Some("not-paired"));
}

fn definition(value: &str) -> Definition {
    Definition { fields: [("value".into(), Canonical::text(value))].into(), label: None }
}

#[tokio::test]
async fn what_surrounds_the_scopes_is_compared_kind_by_kind() {
    use DefinitionKind::*;
    let servers = named();
    let needs = [Need::OptionDefinition("dhcp4".into(), 160), Need::UserClass("phones".into())];
    servers.0.meddle(A, |scope| scope.needs = needs.into());
    let of = |list: &[(DefinitionKind, &str, &str)]| {
        let all = list.iter().map(|(kind, name, value)| ((*kind, Foreign::from(*name)), definition(value)));
        Context { release: Some(Release { major: 10, minor: 0 }), definitions: all.collect(), ..Context::default() }
    };
    servers.0.inner().context = of(&[
        (OptionDefinition, "dhcp4/160", "string"),
        (OptionDefinition, "MSFT 5.0/161", "byte"),
        (UserClass, "phones", "PHONE"),
        (VendorClass, "Acme", "ACME"),
        (ServerOption, "dhcp4/6", "10.0.0.1"),
        (ServerPolicy, "guests", "or"),
        (ServerSetting, "DNS name-protection", "false"),
        (Filter, "allow/00-00-00-00-00-01", ""),
        (Filter, "allow/00-00-00-00-00-02", ""),
        (Filter, "allow/00-00-00-00-00-03", ""),
        (Filter, "deny/00-00-00-00-00-04", ""),
        (Failover, "mode of one<->two", "LoadBalance"),
        (Failover, "mode of y of one<->two", "LoadBalance"),
        (Failover, "mode of elsewhere", "HotStandby"),
    ]);
    servers.1.inner().context = Context {
        release: Some(Release { major: 6, minor: 2 }),
        ..of(&[
            (OptionDefinition, "dhcp4/160", "binary"),
            (ServerOption, "dhcp4/6", "10.0.0.2"),
            (ServerSetting, "DNS name-protection", "true"),
            (Filter, "deny/00-00-00-00-00-05", ""),
            (Failover, "mode of one<->two", "HotStandby"),
        ])
    };
    let (_, drift) = drift(&servers).await;
    assert_told(
        &drift,
        &[
            &[
                "Critical Both 1",
                "option definition dhcp4/160 differs: source string, target binary",
                "its type differs",
            ],
            &["Critical Target 1", "user class phones is missing on two", "refused without it"],
            &["Critical Both 0", "server option dhcp4/6 differs: source 10.0.0.1, target 10.0.0.2"],
            &["Critical Target 0", "server policy guests is missing on two", "clients of every scope"],
            &["Warning Target 0", "option definition MSFT 5.0/161 is missing on two"],
            &["Warning Target 0", "vendor class Acme is missing on two"],
            &["Warning Source 0", "1 filter is missing on one, only on two: deny/00-00-00-00-00-05"],
            &[
                "Warning Target 0",
                "4 filters are missing on two: allow/00-00-00-00-00-01",
                "and 1 more",
                "not by the other",
            ],
            &["Warning Both 0", "server setting DNS name-protection differs: source false, target true"],
            &["Warning Target 0", "two (fake) is older than one (fake)", "make changes on the newer, one,"],
            &["Warning Both 0", "failover parameter mode of one<->two differs: source LoadBalance, target HotStandby"],
        ],
    );
}

#[tokio::test]
async fn what_a_server_does_not_tell_is_not_missing_there() {
    use DefinitionKind::*;
    let servers = named();
    let all = [OptionDefinition, VendorClass, Filter].map(|kind| ((kind, "x/1".into()), definition("1")));
    servers.0.inner().context = Context { definitions: all.into(), ..Context::default() };
    let denied = || Some(Foreign::from("WIN32 5: access denied"));
    servers.1.inner().context.unread = [(OptionDefinition, denied()), (VendorClass, denied()), (Filter, None)].into();
    let (_, drift) = drift(&servers).await;
    let told = "not all of two could be read (option definition, vendor class): WIN32 5: access denied";
    assert_told(&drift, &[&["Warning Target 0", told, "whether two lacks something of the kind is not known"]]);

    // nor is a scope that needs it refused
    let mut want = fake::scope(A, &[]);
    want.needs = [Need::OptionDefinition("x".into(), 1)].into();
    assert!(prerequisites::missing(&want, &servers.1.inner().context).is_empty());
    assert_eq!(prerequisites::missing(&want, &Context::default()).len(), 1);
}

#[tokio::test]
async fn a_scope_that_nobody_can_name_is_told_on_its_side() {
    let servers = named();
    servers.1.inner().unreadable = vec![(None, "the mask of scope 10.0.9.0 has a hole".into())];
    let (_, drift) = drift(&servers).await;
    assert_told(&drift, &[&["Warning Target 0", "two: the mask of scope 10.0.9.0 has a hole", "its drift is unknown"]]);
}

#[tokio::test]
async fn states_of_windows_are_explained_and_ask_for_no_reset() {
    for (state, words, severity) in [
        ("CommunicationInterrupted", "does not hear its partner, serves its own share", Severity::Warning),
        ("PartnerDown", "serves alone", Severity::Warning),
        ("PotentialConflict", "both served alone", Severity::Critical),
        ("RecoverWait", "fetching leases from its partner", Severity::Warning),
        ("Startup", "not connected with its partner yet", Severity::Warning),
        ("Asleep", "not in service as a pair", Severity::Warning),
    ] {
        let servers = named();
        servers.1.inner().state = Some(state);
        let (survey, drift) = drift(&servers).await;
        assert!(drift.trouble.is_none() && survey.relationships[0].trouble().is_none());
        let [finding] = drift.findings.as_slice() else { panic!("{:#?}", told(&drift)) };
        assert_eq!((finding.severity, finding.side), (severity, FindingSide::Target));
        assert!(finding.message.starts_with(&format!("two is in state {state}: ")), "{}", finding.message);
        assert!(finding.message.contains(words), "{}", finding.message);
        assert!(!finding.hint.contains("ha-reset") && !finding.hint.contains("config"), "{}", finding.hint);
    }
}
