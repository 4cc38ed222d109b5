use std::sync::Arc;

use super::*;
use crate::engine::port::Health;
use crate::model::Role;

/// What a Windows server tells of a relationship: its name, its own names, its partner's names.
type Told = (&'static str, &'static str, &'static str);

/// What is known of an entry: not read yet, refused, or what it told.
enum Known {
    Pending,
    Failed,
    Told(Vec<Told>),
}
use Known::*;

fn membership(&(name, own, partner): &Told) -> Membership {
    let peer = |names: &str| {
        let mut names = names.split(' ').map(Foreign::from);
        let name = names.next().unwrap();
        Peer { url: name.clone(), name, aliases: names.collect(), role: Role::Other("".into()) }
    };
    Membership {
        name: Some(name.into()),
        mode: Mode::LoadBalancing,
        this_server: peer(own).name,
        peers: vec![peer(own), peer(partner)],
        state: Some(State("Normal".into())),
        partner_state: None,
        clock_skew: None,
        contact: None,
        timing: Default::default(),
    }
}

fn report(name: &str, addresses: &str, known: &Known) -> ServerReport {
    let reading = |told: &[Told]| Reading {
        identity: None,
        version: None,
        health: Health { memberships: told.iter().map(membership).collect(), ..Health::default() },
        context: Arc::default(),
        levels: Arc::new(()),
        scopes: Arc::default(),
        unreadable: Vec::new(),
        pulse: None,
        at: jiff::Timestamp::UNIX_EPOCH,
    };
    ServerReport {
        name: name.into(),
        place: String::new(),
        addresses: addresses.split(' ').map(str::to_owned).collect(),
        caveat: None,
        read_only: false,
        outcome: match known {
            Pending => None,
            Failed => Some(Err(Error::new(ErrorKind::Unreachable, "no route").on(&name.into()))),
            Told(told) => Some(Ok(Arc::new(reading(told)))),
        },
        last: None,
    }
}

fn pairs(servers: &[(&str, &str, Known)], names: &[(&str, &str, &str)]) -> Vec<String> {
    let reports = servers.iter().map(|(name, addresses, known)| report(name, addresses, known)).collect();
    let name = |(name, one, other): &(&str, &str, &str)| RelationshipName {
        name: (*name).to_owned(),
        servers: [(*one).into(), (*other).into()],
    };
    let survey = Survey::new(reports, &names.iter().map(name).collect::<Vec<_>>());
    let member = |member: &Member| match &member.presence {
        Presence::Read(server) => server.to_string(),
        Presence::Unpaired(server) => format!("{server} unpaired"),
        Presence::Pending(server) => format!("{server} pending"),
        Presence::Failed(server, _) => format!("{server} failed"),
        Presence::NotConfigured(_) => format!("({})", member.peer.name),
        Presence::Unsure(_) => format!("({}?)", member.peer.name),
    };
    let line = |r: &Relationship| format!("{}: {}, {}", r.name, member(&r.members[0]), member(&r.members[1]));
    survey.relationships.iter().map(line).collect()
}

#[test]
fn partners_are_recognised_by_any_of_their_names() {
    for [(one, own_one, partner_one), (two, own_two, partner_two)] in [
        // short names, full names, another letter case, a trailing dot
        [("a", "a.x.org", "b"), ("b", "b.x.org", "a")],
        [("a.x.org", "a.x.org", "B.X.ORG."), ("b.x.org", "b.x.org", "A.x.org")],
        [("a", "a", "b.x.org"), ("b", "b", "a.x.org")],
        // by address: it told its partner's names and its own, or its entry has them, or the other does
        [("a.x.org", "a.x.org 10.9.0.1", "10.9.0.2 b.x.org"), ("b.x.org", "b.x.org 10.9.0.2", "a.x.org")],
        [("10.9.0.1", "a.x.org", "10.9.0.2"), ("10.9.0.2", "b.x.org", "10.9.0.1")],
        [("a.x.org", "a.x.org", "10.9.0.2"), ("b.x.org", "b.x.org", "a.x.org")],
        // an alias in the configuration, the name of Active Directory in the relationship
        [("dhcp-west.x.org", "a.x.org", "b.x.org"), ("dhcp-east.x.org", "b.x.org", "a.x.org")],
    ] {
        let told = |own, partner| Told(vec![("fo", own, partner)]);
        let servers = [("one", one, told(own_one, partner_one)), ("two", two, told(own_two, partner_two))];
        assert_eq!(pairs(&servers, &[]), ["fo: one, two"], "{own_one} {partner_one} {own_two} {partner_two}");
    }
}

#[test]
fn both_sides_of_a_pair_tell_their_own_state() {
    let told = |own, partner| Told(vec![("fo", own, partner)]);
    let reports = [report("a", "a", &told("a", "b")), report("b", "b", &told("b", "a"))];
    let pair = &Survey::new(reports.to_vec(), &[]).relationships[0];
    assert_eq!(pair.key.raw(), "fo");
    assert!(pair.is_normal() && pair.is_named());
    assert!(pair.members.iter().all(|member| member.state.is_some() && member.membership.is_some()));
}

#[test]
fn relationships_of_one_name_elsewhere_are_not_mixed_up() {
    let all = [
        ("wa", "a.west.org", "b"),
        ("wb", "b.west.org", "a.west.org"),
        ("ea", "a.east.org", "b"),
        ("eb", "b.east.org", "a"),
    ];
    for order in [[0, 1, 2, 3], [0, 3, 2, 1], [3, 2, 1, 0], [1, 2, 0, 3]] {
        let server = |at: usize| {
            let (name, own, partner) = all[at];
            (name, own, Told(vec![("fo", own, partner)]))
        };
        let mut of = pairs(&order.map(server), &[]);
        of.iter_mut().for_each(|pair| *pair = pair.replace("ea, eb", "eb, ea").replace("wa, wb", "wb, wa"));
        of.sort();
        assert_eq!(of, ["fo (eb, ea): eb, ea", "fo (wb, wa): wb, wa"], "{order:?}");
    }
    // nor when some of them cannot be read, or are not there
    let server = |at: usize| {
        let (name, own, partner) = all[at];
        (name, own, Told(vec![("fo", own, if at == 1 { "a" } else { partner })]))
    };
    let (wb, only_short) = (("wb", "b.west.org", Failed), [("wa", "a.west.org"), ("eb", "b.east.org")]);
    assert_eq!(
        pairs(&[server(0), wb, server(2), server(3)], &[]),
        ["fo (wa, wb): wa, wb failed", "fo (ea, eb): ea, eb"]
    );
    let partners =
        only_short.map(|(name, own)| (name, own, Told(vec![("fo", own, if name == "wa" { "b" } else { "a" })])));
    assert_eq!(pairs(&partners, &[]).len(), 2, "short names are those of one's own domain");
    // without its partner in the configuration a server finds no other one
    let alone = [
        ("wa", "a.west.org", Told(vec![("fo", "a.west.org", "b.west.org")])),
        ("eb", "b.east.org", Told(vec![("fo", "b.east.org", "a")])),
    ];
    assert_eq!(pairs(&alone, &[]), ["fo (wa, b.west.org): wa, (b.west.org)", "fo (eb, a): eb, (a)"]);
    let unsure = [
        ("a", "a.x.org", Told(vec![("fo", "a.x.org", "10.9.0.2")])),
        ("b", "b.x.org", Told(vec![("fo", "b.x.org", "10.9.0.1")])),
    ];
    assert_eq!(pairs(&unsure, &[]).len(), 2, "nothing says that they are partners");
    assert_eq!(pairs(&unsure, &[("Berlin", "a", "b")]), ["Berlin: a, b"], "but the operator");
}

#[test]
fn a_partner_that_is_not_read_is_known_by_its_entry() {
    const A: &[Told] = &[("fo", "a.x.org", "b.x.org 10.9.0.2")];
    const OTHER: &str = "(b.x.org?)";
    for (entry, address, names, second) in [
        ("two", "b", &[][..], ""),
        ("two", "B.x.org.", &[], ""),
        ("two", "10.9.0.2", &[], ""),
        ("two", "10.9.0.3", &[], OTHER),
        ("two", "c.x.org", &[], OTHER),
        ("two", "10.9.0.3", &[("fo", "one", "two")], ""),
        // an alias, a tunnel, and a host of that name elsewhere
        ("b", "console.x.org", &[], ""),
        ("B.x.org", "localhost 127.0.0.1", &[], ""),
        ("b", "b.y.org", &[], OTHER),
    ] {
        for (known, word) in [(Pending, "pending"), (Failed, "failed")] {
            let servers = [("one", "a.x.org", Told(A.to_vec())), (entry, address, known), ("kea", "10.0.0.1", Failed)];
            let second = if second.is_empty() { format!("{entry} {word}") } else { second.to_owned() };
            assert_eq!(pairs(&servers, names), [format!("fo: one, {second}")], "{entry} {address}");
        }
    }
    // whose it may be, with the reasons
    let silent = [report("two", "c.x.org", &Failed), report("kea", "10.0.0.1", &Failed)];
    let survey = Survey::new([vec![report("one", "a.x.org", &Told(A.to_vec()))], silent.to_vec()].concat(), &[]);
    let reason = survey.relationships[0].members[1].absent().unwrap();
    assert_eq!(reason, "none of two, kea was read, and one of them may be b.x.org");
}

/// What a Kea server tells of a relationship: both peers with their URLs, itself first.
fn kea(report: ServerReport, peers: [(&str, &str); 2]) -> ServerReport {
    let Some(Ok(reading)) = &report.outcome else { return report };
    let peer = |(name, url): (&str, &str)| Peer {
        name: name.into(),
        url: url.into(),
        aliases: Vec::new(),
        role: Role::Other("".into()),
    };
    let told = Membership {
        name: None,
        peers: peers.map(peer).into(),
        this_server: peers[0].0.into(),
        ..membership(&("", "a", "b"))
    };
    let health = Health { memberships: vec![told], ..Health::default() };
    ServerReport { outcome: Some(Ok(Arc::new(Reading { health, ..(**reading).clone() }))), ..report }
}

#[test]
fn a_partner_of_kea_that_was_never_read_is_recognised_by_its_url_or_name() {
    const ONE: (&str, &str) = ("kea-1", "http://10.0.0.1:8001/");
    let second = |entry: &str, addresses: &str, peer: (&str, &str), others: &[ServerReport]| {
        let own = if peer.1.contains("127.0.0.1") { ("kea-1", "http://127.0.0.1:8001/") } else { ONE };
        let first = kea(report("one", "10.0.0.1", &Told(vec![])), [own, peer]);
        let all = [vec![first, report(entry, addresses, &Failed)], others.to_vec()].concat();
        let survey = Survey::new(all, &[]);
        let member = &survey.relationships[0].members[1];
        format!("{}: {}", member.shown(), member.absent().unwrap_or_default())
    };
    let silent = report("other", "10.9.9.9", &Failed);
    let far = report("far", "10.1.0.1", &Told(vec![]));
    let elsewhere = kea(far, [("kea-9", "http://10.1.0.1/"), ("kea-2", "http://10.1.0.2/")]);
    for (entry, addresses, peer) in [
        // its host, whatever it is called; its name, wherever it is managed
        ("two", "10.0.0.2", ("kea-2", "http://10.0.0.2:8001/")),
        ("two", "fd00::2", ("kea-2", "https://admin@[fd00::2]:8001")),
        ("kea-2", "192.168.0.2", ("kea-2", "http://10.0.0.2:8001/")),
        ("two", "kea-2.x.org", ("kea-2", "http://10.0.0.2:8001/")),
        ("KEA-2", "", ("kea-2", "http://127.0.0.1:8002/")),
    ] {
        let found = second(entry, addresses, peer, std::slice::from_ref(&silent));
        assert_eq!(found, format!("{entry}: {entry}: no route"), "{addresses} {peer:?}");
    }
    let unsure = |entry: &str, url: &str| {
        format!("kea-2: none of {entry}, other was read, and one of them may be kea-2 ({url})")
    };
    for (entry, addresses, url, others) in [
        ("two", "10.0.0.3", "http://10.0.0.2:8001/", vec![silent.clone()]),
        // all at one host, and two sites that call their servers alike
        ("two", "127.0.0.1", "http://127.0.0.1:8002/", vec![silent.clone()]),
        ("kea-2", "", "http://10.0.0.2:8001/", vec![silent.clone(), elsewhere]),
    ] {
        assert_eq!(second(entry, addresses, ("kea-2", url), &others), unsure(entry, url));
    }
    // the operator's word comes before a likeness
    let first = kea(report("one", "10.0.0.1", &Told(vec![])), [ONE, ("other", "http://10.0.0.2:8001/")]);
    let name = RelationshipName { name: "fo".to_owned(), servers: ["one".into(), "two".into()] };
    let survey = Survey::new(vec![first, report("two", "10.0.0.3", &Failed), silent], &[name]);
    assert_eq!(survey.relationships[0].members[1].shown(), "two");
}

#[test]
fn a_server_that_can_no_longer_be_read_stays_who_it_was() {
    let told = |name, own, partner| report(name, "10.0.0.1", &Told(vec![("fo", own, partner)]));
    let refused = || Err(Error::new(ErrorKind::Unreachable, "no route"));
    let mut reports = [told("one", "a", "b"), told("two", "b", "a"), report("kea", "10.0.0.2", &Failed)];
    let shown = |reports: &[ServerReport]| {
        let survey = Survey::new(reports.to_vec(), &[]);
        let [relationship] = survey.relationships.as_slice() else { panic!("{:?}", survey.relationships) };
        let member = |member: &Member| {
            assert_eq!(member.state.is_some(), matches!(member.presence, Presence::Read(_)), "how it is, now");
            assert_eq!(member.membership.is_some(), member.state.is_some());
            format!("{} {}", member.shown(), member.absent().unwrap_or_else(|| "read".into()))
        };
        format!("{}: {}", relationship.name, relationship.members.each_ref().map(member).join(", "))
    };
    assert_eq!(shown(&reports), "fo: one read, two read");
    reports[0].take(refused());
    assert_eq!(shown(&reports), "fo: one no route, two read");
    reports[1].take(refused());
    reports[1].take(refused());
    assert_eq!(shown(&reports), "fo: one no route, two no route");
    reports[1] = told("two", "b", "a");
    assert_eq!(shown(&reports), "fo: one no route, two read");
}

#[test]
fn a_partner_that_knows_nothing_of_it_is_told_so() {
    const A: &[Told] = &[("fo", "a.x.org", "b.x.org")];
    for (address, told, second) in [
        ("b.x.org", Told(vec![]), "b unpaired"),
        ("b.x.org", Told(vec![("other", "b.x.org", "c.x.org")]), "b unpaired"),
        ("b.x.org", Told(vec![("fo", "b.x.org", "c.x.org")]), "b unpaired"),
        // by its short name it may be another one
        ("b", Told(vec![]), "(b.x.org)"),
    ] {
        let all = pairs(&[("a", "a.x.org", Told(A.to_vec())), ("b", address, told)], &[]);
        assert!(all[0].ends_with(&format!(": a, {second}")), "{all:?}");
    }
    let survey = Survey::new(vec![report("a", "a.x.org", &Told(A.to_vec()))], &[]);
    let reason = survey.relationships[0].members[1].absent().unwrap();
    assert!(reason.contains("add a [[server]] with host = \"b.x.org\""), "{reason}");
}

#[test]
fn a_named_pair_does_not_take_the_hubs_other_relationships() {
    const HUB: &[Told] = &[("r1", "a.x.org", "b.x.org"), ("r2", "a.x.org", "c.x.org")];
    let servers = |c| [("a", "a.x.org", Told(HUB.to_vec())), ("b", "b.x.org", Told(vec![("r1", "b.x.org", "a")])), c];
    let berlin = &[("Berlin", "a", "b")];
    assert_eq!(pairs(&servers(("c", "c.x.org", Failed)), berlin), ["Berlin: a, b", "r2: a, c failed"]);
    assert_eq!(pairs(&servers(("d", "d.x.org", Pending)), berlin), ["Berlin: a, b", "r2: a, (c.x.org?)"]);
}

#[test]
fn servers_of_two_sites_are_no_twins_and_two_entries_of_one_server_are() {
    let twins = |addresses: [&'static str; 2]| {
        let reports = addresses.map(|address| {
            let mut report = report(address, address, &Told(vec![("fo", address, "b")]));
            let Some(Ok(reading)) = &mut report.outcome else { panic!("it was read") };
            Arc::make_mut(reading).identity = Some("partner of b in fo".into());
            report
        });
        Survey::new(reports.to_vec(), &[]).twins.is_some()
    };
    assert!(!twins(["a.west.org", "a.east.org"]));
    assert!(twins(["a.west.org", "10.0.0.1"]) && twins(["a.west.org", "A"]));
}

#[test]
fn several_relationships_of_one_pair_keep_their_names() {
    const A: &[Told] = &[("web", "a.x.org", "b"), ("voice <--> b", "a.x.org", "b.x.org")];
    const B: &[Told] = &[("voice <--> b", "b.x.org", "a"), ("web", "b.x.org", "a")];
    let servers = || [("b", "b.x.org", Told(B.to_vec())), ("a", "a.x.org", Told(A.to_vec()))];
    for names in [&[][..], &[("Berlin", "a", "b")]] {
        assert_eq!(pairs(&servers(), names), ["voice <--> b: b, a", "web: b, a"], "in the configuration's order");
    }
    let one = [("b", "b.x.org", Told(B[1..].to_vec())), ("a", "a.x.org", Pending)];
    assert_eq!(pairs(&one, &[("Berlin", "a", "b")]), ["Berlin: b, a pending"]);
}

#[test]
fn a_relationship_with_a_name_is_never_taken_for_another_of_the_same_servers() {
    let told =
        |name| [report("a", "a", &Told(vec![(name, "a", "b")])), report("b", "b", &Told(vec![(name, "b", "a")]))];
    let survey = Survey::new(told("r2").to_vec(), &[]);
    let between = |name: &str| survey.between(&"b".into(), &"a".into(), &name.into()).is_some();
    assert!(between("r2") && !between("r1"));
}

#[test]
fn an_entry_that_reaches_the_partner_of_its_server_is_recognised() {
    use crate::engine::crossed;
    for (entry, addresses, own, partner, itself) in [
        // ports, hosts or names exchanged
        ("a", "localhost 127.0.0.1", "b.x.org 10.9.0.2", "a.x.org", "the server that calls itself b.x.org"),
        ("A.x.org.", "10.9.0.2", "b", "a.x.org 10.9.0.1", "the server that calls itself b"),
        ("one", "a.x.org 10.9.0.1", "b.x.org a.x.org", "10.9.0.1 a.x.org", "the server that calls itself b.x.org"),
        ("a", "a 127.0.0.1", "b.x.org a", "a.x.org", "the server that calls itself b.x.org"),
        // it does not tell its own name, but its partner's
        ("one", "a.x.org", "a.x.org", "a.x.org", "the partner of a.x.org"),
        // no claim, a host of that name elsewhere, one name for both, nothing told of itself
        ("one", "localhost", "b.x.org", "a.x.org", ""),
        ("a", "a.x.org", "a.x.org", "b.x.org", ""),
        ("a", "a.y.org", "a.y.org", "a.x.org", ""),
        ("dhcp", "dhcp.x.org 10.9.0.1 10.9.0.2", "a.x.org 10.9.0.1", "b.x.org 10.9.0.2", ""),
        ("a", "10.9.0.2", "10.9.0.2", "a", ""),
    ] {
        let report = report(entry, addresses, &Told(vec![("fo", own, partner)]));
        assert_eq!(crossed::reached(&report).unwrap_or_default(), itself, "{entry} {addresses}");
    }
    let told = |own, partner| Told(vec![("fo", own, partner)]);
    let crossed = [report("a", "localhost", &told("b.x.org", "a")), report("b", "localhost", &told("a.x.org", "b"))];
    let survey = Survey::new(crossed.to_vec(), &[]);
    let finding = crossed::finding(&survey, &survey.relationships[0], 0).unwrap();
    assert_eq!(
        finding.message,
        "the entries are crossed: a reached the server that calls itself b.x.org, and b reached the server that calls \
         itself a.x.org: a replication goes the other way round than it reads"
    );
}
