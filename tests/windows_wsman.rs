//! The typed calls of the DHCP provider against look-alikes of Windows servers, with all that real ones
//! are known or feared to do differently.

#![cfg(feature = "windows")]
#![allow(clippy::expect_used, clippy::panic, clippy::unwrap_used)] // helpers of tests

mod common;

use std::net::Ipv4Addr;
use std::sync::Arc;
use std::time::Duration;

use common::pair::{Side, wait_for};
use common::windows::{WindowsOptions, WindowsPair};
use scopesync::backend::exchange::Limits;
use scopesync::backend::web::{Address, Login, Trust, Web};
use scopesync::backend::windows::access::{Access, Scheme};
use scopesync::backend::windows::cim::{Dhcp, Level, OptionQuery, Result, Single};
use scopesync::backend::windows::pool::Pool;
use scopesync::backend::windows::wsman::{Client, Code, Failure, Interval, Refuser};
use scopesync::engine::{Error, ErrorKind};
use scopesync::model::Foreign;
use scopesync::secret::{Inline, Secret};
use serde_json::{Value, json};

fn client(pair: &WindowsPair, side: Side, max_envelope: u32) -> Client {
    let login = Login::new(pair.user(), Secret::Inline(Inline::new(pair.password())));
    let address = Address::parse(&format!("http://localhost:{}/wsman", pair.port(side))).expect("an address");
    let web = Web { address, login: Some(login), trust: Trust::System, identity: None };
    let limits = Limits { read: Duration::from_secs(10), write: Duration::from_secs(10), ..Limits::default() };
    let access = Access { scheme: Scheme::Ntlm, max_envelope, ..Access::new(web) };
    Client::new(Arc::new(Pool::new(access, limits)), max_envelope, limits)
}

fn dhcp(pair: &WindowsPair) -> Dhcp {
    Dhcp::new(client(pair, Side::A, 512_000), None)
}

fn scope(i: u8) -> Ipv4Addr {
    Ipv4Addr::new(10, 0, i, 0)
}

fn options(level: Level) -> OptionQuery {
    OptionQuery { level, all: true, brief: false }
}

/// Every reading call once, as JSON with the names of the wire.
async fn everything(dhcp: &Dhcp) -> Result<Value> {
    let at = Level::Scope(scope(2));
    let policy = Level::Policy { scope: Some(scope(2)), name: "Phones".into() };
    let reservation = Level::Reservation(Ipv4Addr::new(10, 0, 2, 201));
    Ok(json!({
        "failover": dhcp.failover().await?,
        "scopes": known(dhcp.scopes(&[]).await?),
        "two scopes": known(dhcp.scopes(&[scope(1), scope(3)]).await?),
        "exclusions": known(dhcp.exclusions(&[]).await?),
        "reservations": dhcp.reservations(scope(2)).await?,
        "options": dhcp.option_values(&options(at.clone())).await?,
        "options of the server": dhcp.option_values(&options(Level::Server)).await?,
        "options of a policy": dhcp.option_values(&options(policy)).await?,
        "options of a reservation": dhcp.option_values(&options(reservation)).await?,
        "policies": dhcp.policies(Some(scope(2))).await?,
        "policies of the server": dhcp.policies(None).await?,
        "policy ranges": dhcp.policy_ranges(scope(2)).await?,
        "dns": dhcp.dns_setting(&at).await?,
        "dns of the server": dhcp.dns_setting(&Level::Server).await?,
        "definitions": dhcp.option_definitions().await?,
        "classes": dhcp.classes().await?,
        "filters": dhcp.filters().await?,
        "filter list": dhcp.filter_list().await?,
        "version": dhcp.version().await?,
        "setting": dhcp.setting().await?,
        "statistics": dhcp.statistics().await?,
    }))
}

fn known<T>(list: Vec<Single<T>>) -> Vec<T> {
    list.into_iter().map(|single| single.expect("what the class says")).collect()
}

fn reason(failure: Failure) -> Error {
    failure.into()
}

#[tokio::test(flavor = "multi_thread")]
async fn all_that_servers_do_differently_reads_the_same() {
    let quirks: [&[&str]; 4] = [
        &[],
        &["lower-ns", "upper-bool", "bare-time", "absent-null", "bare-type"],
        &["dcom-time", "typed", "omi-output", "utf16"],
        &["wrapped", "no-return-value", "utf16", "upper-bool"],
    ];
    let mut plain = None;
    for quirks in quirks {
        let Some(pair) = WindowsPair::up(WindowsOptions { quirks: quirks.to_vec(), ..WindowsOptions::default() })
        else {
            return;
        };
        let dhcp = dhcp(&pair);
        let told = dhcp.client().identify().await.unwrap();
        assert!(told.version.is_some_and(|version| version.raw().contains("10.0.20348")), "{quirks:?}");
        assert!(dhcp.client().clock().is_some_and(|apart| apart.as_secs().abs() <= 2), "{:?}", dhcp.client().clock());
        let read = everything(&dhcp).await.map_err(reason).unwrap_or_else(|error| panic!("{quirks:?}: {error:?}"));
        let plain = plain.get_or_insert_with(|| read.clone());
        for (name, value) in read.as_object().unwrap() {
            assert_eq!(value, &plain[name], "{name}: {quirks:?}");
        }
        // what the server has, by another way than ours
        let state = pair.state(Side::A);
        let scopes = read["scopes"].as_array().unwrap();
        assert_eq!(scopes.len(), state["scopes"].as_object().unwrap().len());
        for scope in scopes {
            let had = &state["scopes"][scope["ScopeId"].as_str().unwrap()]["properties"];
            for (name, value) in had.as_object().unwrap() {
                let interval = value.get("$interval").and_then(Value::as_str).and_then(Interval::parse);
                let value = interval.map_or_else(|| value.clone(), |interval| json!(interval));
                assert_eq!(scope[name], value, "{name} of {}", scope["ScopeId"]);
            }
            assert_eq!(scope.as_object().unwrap().len(), had.as_object().unwrap().len(), "no more, no less");
        }
        let [standby, balance, empty] = &dhcp.failover().await.unwrap()[..] else { panic!("three relationships") };
        assert_eq!((standby.scope_id.len(), balance.scope_id.len(), empty.scope_id.len()), (5, 5, 0));
        assert_eq!(balance.max_client_lead_time, Some(Interval { seconds: 3600 }));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn refusals_have_their_number_and_their_hint() {
    let Some(pair) = WindowsPair::up(WindowsOptions { scopes: 30, ..WindowsOptions::default() }) else { return };
    let dhcp = dhcp(&pair);
    for (rule, code, kind, said) in [
        (
            json!({"do": "error", "code": "DHCP 20116"}),
            Some(Code::Dhcp(20_116)),
            ErrorKind::Refused,
            "in no relationship",
        ),
        (
            json!({"do": "error", "code": "DHCP 20005"}),
            Some(Code::Dhcp(20_005)),
            ErrorKind::Empty,
            "the scope is not there",
        ),
        (json!({"do": "error", "code": "WIN32 5"}), Some(Code::Win32(5)), ErrorKind::Refused, "past WinRM and WMI"),
        (
            json!({"do": "error", "code": "HRESULT 0x80041003"}),
            Some(Code::Hresult(0x8004_1003)),
            ErrorKind::Refused,
            "Enable Account",
        ),
        (json!({"do": "fault", "code": 5}), Some(Code::Win32(5)), ErrorKind::Refused, "WinRM itself"),
        (
            json!({"do": "fault", "code": 2_150_859_174_u32}),
            Some(Code::Hresult(0x8033_81a6)),
            ErrorKind::Refused,
            "wait",
        ),
        (
            json!({"do": "return", "value": 20_005}),
            Some(Code::Dhcp(20_005)),
            ErrorKind::Empty,
            "the scope is not there",
        ),
        (json!({"do": "empty"}), None, ErrorKind::Garbled, "gave nothing"),
    ] {
        pair.rules(Side::A, json!([rule]));
        // a list that is empty is not believed where nothing else comes through either
        let nothing = dhcp.failover().await.expect_err("a refusal");
        let failure = dhcp.version().await.expect_err("a refusal");
        assert_eq!(nothing.code(), failure.code());
        let told = reason(failure.clone());
        assert_eq!((failure.code(), told.kind), (code, kind), "{told:?}");
        assert!(told.with_hint().contains(said), "{}", told.with_hint());
    }
    pair.rules(Side::A, json!([{"do": "cut-before", "times": 1}]));
    assert_eq!(dhcp.version().await.map_err(reason).map(|version| version.major), Ok(10), "what reads is asked again");

    let cramped = Dhcp::new(client(&pair, Side::A, 8192), None);
    let told = reason(cramped.scopes(&[]).await.expect_err("more than fits"));
    assert!(told.kind == ErrorKind::TooLarge && told.with_hint().contains("MaxEnvelopeSizekb"), "{told:?}");
    assert_eq!(cramped.scopes(&[scope(1)]).await.map_err(reason).unwrap().len(), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_query_is_pulled_to_its_end() {
    let Some(pair) = WindowsPair::up(WindowsOptions::default()) else { return };
    let mut state = pair.state(Side::A);
    let services: Vec<Value> = (0..250).map(|n| json!({"Name": format!("s{n}"), "State": "Running"})).collect();
    state["tables"]["root/cimv2"]["Win32_Service"] = services.into();
    pair.set_state(Side::A, &state);
    let client = client(&pair, Side::A, 512_000);
    let named = |name: &str| format!("SELECT * FROM Win32_Service WHERE Name='{name}'");
    let all = client.query("root/cimv2", "SELECT * FROM Win32_Service").await.map_err(reason).unwrap();
    let names: Vec<Foreign> = all.iter().map(|one| one.read("Win32_Service", "Name").unwrap()).collect();
    assert_eq!(names, (0..250).map(|n| Foreign::from(format!("s{n}"))).collect::<Vec<_>>());
    assert_eq!(client.query("root/cimv2", &named("s7")).await.map_err(reason).unwrap().len(), 1);
    assert_eq!(client.query("root/cimv2", &named("none")).await, Ok(vec![]));
    let told = reason(client.query("root/cimv2", "SELECT * FROM Nothing").await.expect_err("no such class"));
    assert_eq!(told.kind, ErrorKind::Unsupported, "{told:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_second_hop_is_told_from_the_first() {
    let Some(pair) = WindowsPair::up(WindowsOptions::default()) else { return };
    let name = pair.server(Side::B).fqdn.clone();
    let partner = Dhcp::new(client(&pair, Side::A, 512_000), Some(name.clone()));
    let Err(Failure::Fault(fault)) = partner.version().await else { panic!("NTLM cannot be handed on") };
    assert_eq!(fault.refuser(), Some(Refuser::Beyond));
    assert!(Error::from(*fault).with_hint().contains(&format!("{name} refused")));

    let source = dhcp(&pair);
    let refused = source.invoke_by_scope_id(true, &[scope(1)]).await.expect_err("no second hop");
    assert!(reason(refused).with_hint().contains("the partner of the relationship refused"));
    pair.set(Side::A, json!({"second_hop": "allow"}));
    assert_eq!(partner.version().await.map_err(reason).unwrap().major, 10);
    let replicated = source.invoke_by_scope_id(true, &[scope(1)]).await.map_err(reason);
    assert_eq!(replicated, Ok(vec!["10.0.1.0".into()]));

    for rule in ["no-return-value", "cut-after", "cut-before"] {
        pair.rules(Side::A, json!([{"do": rule, "method": "InvokeByScopeId"}]));
        let failure = source.invoke_by_scope_id(true, &[scope(1)]).await.expect_err("an unknown outcome");
        assert!(failure.in_doubt(), "{rule}: {failure}");
    }
    // each is counted after its answer
    let sent = || pair.counts(Side::A)["PS_DhcpServerv4FailoverReplication.InvokeByScopeId"];
    wait_for("five calls", Duration::from_secs(5), || sent() >= 5);
    assert_eq!(sent(), 5, "what writes is never sent twice");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_written_is_read_back() {
    let Some(pair) = WindowsPair::up(WindowsOptions::default()) else { return };
    let dhcp = dhcp(&pair);
    let (id, at) = (scope(2), Level::Scope(scope(2)));
    let done = |result: Result<()>| result.map_err(reason).unwrap_or_else(|error| panic!("{}", error.with_hint()));

    let mut scope = known(dhcp.scopes(&[id]).await.unwrap()).remove(0);
    (scope.name, scope.description) = (Some("A & <B> \"é\"".into()), Some("".into()));
    (scope.lease_duration, scope.max_bootp_clients) = (Some(Interval { seconds: 93_784 }), Some(5));
    done(dhcp.set_scope(&scope).await);
    scope.end_range = Ipv4Addr::new(10, 0, 2, 199);
    done(dhcp.set_scope_range(&scope).await);
    assert_eq!(known(dhcp.scopes(&[id]).await.unwrap()), [scope.clone()]);

    let mut exclusion = known(dhcp.exclusions(&[id]).await.unwrap()).remove(0);
    done(dhcp.remove_exclusion(&exclusion).await);
    exclusion.end_range = Ipv4Addr::new(10, 0, 2, 45);
    done(dhcp.add_exclusion(&exclusion).await);
    assert_eq!(known(dhcp.exclusions(&[id]).await.unwrap()), [exclusion]);

    let [mut kept, gone] = <[_; 2]>::try_from(dhcp.reservations(id).await.unwrap()).expect("two reservations");
    done(dhcp.remove_reservation(gone.ip_address).await);
    kept.description = Some("moved".into());
    done(dhcp.set_reservation(&kept).await);
    assert_eq!(dhcp.reservations(id).await.unwrap(), [kept.clone()]);
    done(dhcp.add_reservation(&gone).await);
    assert_eq!(dhcp.reservations(id).await.unwrap().len(), 2);

    let values = dhcp.option_values(&options(at.clone())).await.map_err(reason).unwrap();
    let mut value = values.into_iter().find(|value| value.option_id == 3).expect("routers");
    value.value = vec!["10.0.2.9".into(), "10.0.2.8".into()];
    let policy = Level::Policy { scope: Some(id), name: "Phones".into() };
    for level in [at.clone(), Level::Reservation(kept.ip_address), policy] {
        let plain = OptionQuery { all: false, ..options(level.clone()) };
        done(dhcp.set_option_value(&level, &value).await);
        let now = dhcp.option_values(&plain).await.unwrap();
        let now = now.iter().find(|now| now.option_id == value.option_id).expect("the value");
        assert_eq!(now.value, value.value, "in this order");
        done(dhcp.remove_option_value(&level, &value).await);
        let left = dhcp.option_values(&plain).await.unwrap();
        assert!(left.iter().all(|now| now.option_id != value.option_id), "{left:?}");
    }

    let mut policy = dhcp.policies(Some(id)).await.unwrap().remove(0);
    policy.enabled = Some(false);
    policy.mac_address = vec!["EQ".into(), "AA-BB-CC*".into()];
    done(dhcp.set_policy(&policy).await);
    assert_eq!(dhcp.policies(Some(id)).await.unwrap()[0], policy);
    let range = dhcp.policy_ranges(id).await.unwrap().remove(0);
    done(dhcp.remove_policy_range(&range).await);
    done(dhcp.add_policy_range(&range).await);
    assert_eq!(dhcp.policy_ranges(id).await.unwrap(), [range]);
    done(dhcp.remove_policy(Some(id), &policy.name).await);
    done(dhcp.add_policy(&policy).await);
    assert!(dhcp.policies(Some(id)).await.unwrap().contains(&policy));

    let mut dns = dhcp.dns_setting(&at).await.unwrap();
    (dns.dynamic_updates, dns.name_protection) = (Some("Never".into()), Some(true));
    done(dhcp.set_dns_setting(&at, &dns).await);
    assert_eq!(dhcp.dns_setting(&at).await.unwrap(), dns);

    assert_eq!(dhcp.remove_scope(id).await.expect_err("of a relationship").code(), Some(Code::Dhcp(20_113)));
    let new = Ipv4Addr::new(10, 9, 9, 0);
    (scope.scope_id, scope.superscope_name) = (new, Some("".into()));
    (scope.start_range, scope.end_range) = (Ipv4Addr::new(10, 9, 9, 1), Ipv4Addr::new(10, 9, 9, 9));
    done(dhcp.add_scope(&scope).await);
    assert_eq!(known(dhcp.scopes(&[new]).await.unwrap()), [scope]);
    done(dhcp.remove_scope(new).await);
    assert_eq!(reason(dhcp.scopes(&[new]).await.expect_err("gone")).kind, ErrorKind::Empty);
}
