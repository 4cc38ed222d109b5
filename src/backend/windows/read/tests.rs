//! The reading of servers made of what they answer: which calls, in which order, and what is said
//! of what did not come.

mod service;

use std::collections::BTreeSet;
use std::net::Ipv4Addr;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use tokio::time::Instant;

use self::service::{Reply, Service};
use super::{Plan, Wanted, drive};
use crate::engine::port::{Attention, Control, Reading};
use crate::engine::{Error, ErrorKind, Result};
use crate::model::{Complete, DefinitionKind, Kind, ScopeId};

const AT_ONCE: usize = 4;

async fn read(service: &Arc<Service>) -> Result<Reading> {
    let mut plan = Plan::new(Wanted::Everything);
    drive(&service.dhcp(), AT_ONCE, &mut plan, &Attention::default(), &mut |_| {}, &Control::free()).await?;
    Ok(reading(&mut plan))
}

fn reading(plan: &mut Plan) -> Reading {
    plan.reading(&["dhcp1".to_owned()], None, jiff::Timestamp::UNIX_EPOCH)
}

/// Every part of a reading, and the whole.
async fn parts(service: &Arc<Service>, attention: &Attention) -> (Vec<(Instant, Reading)>, Reading) {
    let mut plan = Plan::new(Wanted::Everything);
    let mut parts = Vec::new();
    let mut part = |plan: &mut Plan| parts.push((Instant::now(), reading(plan)));
    drive(&service.dhcp(), AT_ONCE, &mut plan, attention, &mut part, &Control::free()).await.unwrap();
    (parts, reading(&mut plan))
}

fn of(reading: &Reading, scope: u8) -> Complete {
    reading.scopes[&id(scope)].raw.complete()
}

fn id(scope: u8) -> ScopeId {
    ScopeId::new(address(scope), 24).unwrap()
}

fn address(scope: u8) -> Ipv4Addr {
    [10, 0, scope, 0].into()
}

fn failed(complete: &Complete) -> &str {
    match complete {
        Complete::Failed(reason) => reason.raw(),
        other => panic!("not failed: {other:?}"),
    }
}

#[tokio::test(start_paused = true)]
async fn a_server_is_read_side_by_side_and_no_call_is_wasted() {
    let service = Service::with_scopes(6).with_reservations(3, 5).with_policies(2).slow(Duration::from_millis(20));
    let service = Arc::new(service);
    let began = Instant::now();
    let (parts, reading) = parts(&service, &Attention::default()).await;
    let calls = service.asked().len();
    assert_eq!(calls, 11 + 4 * 6 + 1 + 5);
    assert!(calls <= 10 + 5 * 6 + 5);
    assert_eq!(service.most_at_once(), AT_ONCE);
    let turns = u32::try_from(calls.div_ceil(AT_ONCE)).unwrap();
    let budget = Duration::from_millis(20) * turns * 13 / 10;
    assert!(began.elapsed() <= budget, "{:?} of {budget:?}", began.elapsed());
    assert_eq!(service.asked()[..2], ["Failover.GetByName", "Scope.Get"]);
    let (first, pending) = &parts[0];
    assert_eq!(first.duration_since(began), Duration::from_millis(40), "after two calls on one connection");
    assert_eq!(pending.scopes.len(), 6);
    assert_eq!(pending.health.memberships.len(), 1);
    assert!(pending.scopes.values().all(|entry| matches!(entry.raw.complete(), Complete::Pending(_))));
    assert!(pending.context.unread.contains_key(&DefinitionKind::OptionDefinition) && !pending.is_whole());
    assert!(reading.is_whole() && reading.context.unread.is_empty());
    assert!((1..=6).all(|scope| of(&reading, scope) == Complete::Whole));
    let opened = reading.scopes[&id(3)].open().unwrap();
    assert_eq!(opened.items.keys().filter(|key| key.kind == Kind::Reservation).count(), 5);
    assert!(reading.scopes[&id(2)].open().unwrap().items.keys().any(|key| key.kind == Kind::Policy));
}

#[tokio::test(start_paused = true)]
async fn options_of_reservations_come_last_and_parts_at_a_steady_pace() {
    let service = Service::with_scopes(30).with_reservations(1, 40).slow(Duration::from_millis(20));
    let service = Arc::new(service);
    let (parts, reading) = parts(&service, &Attention::default()).await;
    let asked = service.asked();
    let first_late = asked.iter().position(|call| call.starts_with("OptionValue.Get ReservedIP")).unwrap();
    let last_early = asked.iter().rposition(|call| call.starts_with("DnsSetting.Get ScopeId")).unwrap();
    assert!(last_early < first_late, "{asked:?}");
    for pair in parts.windows(2) {
        assert!(pair[1].0 - pair[0].0 >= super::PACE);
    }
    let waiting = parts
        .iter()
        .filter(|(_, part)| of(part, 1) == Complete::Pending([Kind::Option].into()) && of(part, 30) == Complete::Whole);
    assert!(waiting.count() > 0, "a scope waits for the options of its reservations alone");
    assert_eq!(of(&reading, 1), Complete::Whole);
    let last = &parts[parts.len() - 1].1;
    assert!(Arc::ptr_eq(&last.scopes[&id(30)].raw, &reading.scopes[&id(30)].raw), "what did not move is the same");
}

#[tokio::test(start_paused = true)]
async fn what_is_looked_at_is_whole_first() {
    let service = Arc::new(Service::with_scopes(20).with_reservations(17, 3).slow(Duration::from_millis(100)));
    let attention = Attention::default();
    attention.turn_to([id(17)]);
    let (parts, _) = parts(&service, &attention).await;
    let whole = |scope: u8| parts.iter().position(|(_, part)| of(part, scope) == Complete::Whole);
    assert!(whole(17) < whole(5).or(Some(usize::MAX)), "{:?} {:?}", whole(17), whole(5));
    let asked = service.asked();
    let scopes = asked.iter().filter(|call| call.contains("10.0.")).take(4);
    assert!(scopes.clone().all(|call| call.contains("10.0.17.0")), "{:?}", scopes.collect::<Vec<_>>());
}

#[tokio::test(start_paused = true)]
async fn what_is_refused_or_garbled_is_said_of_its_scope_alone() {
    let service = Arc::new(Service::with_scopes(4).with_reservations(2, 2).on(|call, _| match call {
        "Reservation.GetByScopeId ScopeId=10.0.1.0" => Some(Reply::error("WIN32 5")),
        "OptionValue.Get ReservedIP=10.0.2.11 All=true" => Some(Reply::Rows("<OptionId>many</OptionId>".into())),
        "Policy.Get ScopeId=10.0.4.0" => Some(Reply::error("DHCP 20111")),
        "OptionValue.Get ScopeId=10.0.4.0 All=true" => Some(Reply::error("DHCP 20010")),
        "Class.Get" => Some(Reply::error("WIN32 5")),
        _ => None,
    }));
    let reading = read(&service).await.unwrap();
    assert!(failed(&of(&reading, 1)).contains("(WIN32 5)"), "{:?}", of(&reading, 1));
    assert!(failed(&of(&reading, 2)).contains("OptionId is \"many\""), "{:?}", of(&reading, 2));
    assert_eq!([of(&reading, 3), of(&reading, 4)], [Complete::Whole, Complete::Whole], "nothing there is no failure");
    let unread: BTreeSet<DefinitionKind> = reading.context.unread.keys().copied().collect();
    assert_eq!(unread, [DefinitionKind::VendorClass, DefinitionKind::UserClass].into());
    assert!(reading.context.unread.values().all(Option::is_some) && reading.is_whole());
}

#[tokio::test(start_paused = true)]
async fn a_scope_that_cannot_be_understood_does_not_hide_the_others() {
    let odd = |mask: &str| {
        let rows = format!(
            "{}<cmdletOutput i:type='S_Type'><ScopeId>10.0.9.0</ScopeId>{mask}<StartRange>10.0.9.1</StartRange>\
             <EndRange>10.0.9.9</EndRange></cmdletOutput>",
            service::scope(1)
        );
        Arc::new(Service::with_scopes(1).on(move |call, _| (call == "Scope.Get").then(|| Reply::Raw(rows.clone()))))
    };
    for (mask, known, said) in [
        (
            "<SubnetMask>255.255.255.0</SubnetMask><Delay>soon</Delay>",
            Some(id(9)),
            "scope 10.0.9.0: DhcpServerv4Scope.Delay",
        ),
        ("<SubnetMask>255.0.255.0</SubnetMask>", None, "the mask 255.0.255.0 of scope 10.0.9.0 has a hole"),
        (
            "<SubnetMask>wide</SubnetMask>",
            None,
            "scope 10.0.9.0: DhcpServerv4Scope.SubnetMask is \"wide\", not an IPv4 address",
        ),
        ("", None, "scope 10.0.9.0: DhcpServerv4Scope.SubnetMask is missing"),
    ] {
        let reading = read(&odd(mask)).await.unwrap();
        assert_eq!(of(&reading, 1), Complete::Whole);
        let [(bad, why)] = reading.unreadable.as_slice() else { panic!("{:?}", reading.unreadable) };
        assert!(*bad == known && why.raw().starts_with(said), "{bad:?} {why}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_server_that_refuses_everything_has_not_no_scopes() {
    for refused in ["Failover.GetByName", "Scope.Get"] {
        let service =
            Arc::new(Service::with_scopes(2).on(move |call, _| (call == refused).then(|| Reply::error("WIN32 5"))));
        assert_eq!(read(&service).await.unwrap_err().kind, ErrorKind::Refused, "{refused}");
    }
    let hollow = Arc::new(Service::with_scopes(2).on(|call, _| call.starts_with("Scope.Get").then(Reply::nothing)));
    let error = read(&hollow).await.unwrap_err();
    assert!(error.what.contains("gave nothing, although there must be something"), "{error}");
    let partly = Service::with_scopes(2).on(|call, _| match call {
        "Scope.Get" => Some(Reply::Raw(service::scope(1))),
        "Scope.Get ScopeId=10.0.2.0" => Some(Reply::nothing()),
        _ => None,
    });
    let reading = read(&Arc::new(partly)).await.unwrap();
    assert!(reading.unreadable[0].1.raw().ends_with("10.0.2.0"), "{:?}", reading.unreadable);
    let gone = Service::with_scopes(2).on(|call, _| match call {
        "Scope.Get" => Some(Reply::Raw(service::scope(1))),
        "Scope.Get ScopeId=10.0.2.0" => Some(Reply::error("DHCP 20005")),
        _ => None,
    });
    let reading = read(&Arc::new(gone)).await.unwrap();
    assert_eq!((reading.scopes.len(), reading.unreadable.len()), (1, 0), "the server says that it is not there");
}

#[tokio::test(start_paused = true)]
async fn a_server_with_too_much_to_do_is_asked_again() {
    let busy = |times: usize| {
        Arc::new(Service::with_scopes(2).on(move |call, nth| {
            (call == "Policy.Get ScopeId=10.0.2.0" && nth < times).then(|| Reply::fault(0x8033_81a6))
        }))
    };
    assert_eq!(of(&read(&busy(3)).await.unwrap(), 2), Complete::Whole);
    assert!(failed(&of(&read(&busy(99)).await.unwrap(), 2)).contains("0x803381A6"));
}

#[tokio::test(start_paused = true)]
async fn what_is_too_much_for_one_answer_comes_in_parts() {
    let tight = |statistics: &'static str| {
        Arc::new(Service::with_scopes(40).on(move |call, _| {
            let ids = call.matches("ScopeId=").count();
            let is_listing = call.starts_with("Scope.Get") || call.starts_with("ExclusionRange.Get");
            let is_too_large = is_listing && (ids == 0 || ids > 15);
            if call.starts_with("ScopeStatistics") && statistics == "lost" {
                return Some(Reply::nothing());
            }
            // one was deleted since the scopes were listed
            if call.starts_with("ExclusionRange.Get") && !is_too_large && call.contains("ScopeId=10.0.3.0") {
                return Some(Reply::error("DHCP 20005"));
            }
            let is_refused = call.starts_with("ScopeStatistics") && statistics == "refused";
            (is_too_large || is_refused).then(|| Reply::fault(0x8033_8049))
        }))
    };
    for statistics in ["told", "refused", "lost"] {
        let reading = read(&tight(statistics)).await.unwrap();
        assert_eq!(reading.scopes.len(), 40);
        assert!(reading.scopes.values().all(|entry| entry.raw.complete() == Complete::Whole));
        assert_eq!(reading.unreadable.is_empty(), statistics == "told", "{:?}", reading.unreadable);
    }
}

#[tokio::test(start_paused = true)]
async fn a_server_that_went_away_is_given_up_soon() {
    let service = Arc::new(Service::with_scopes(200).on(|call, _| call.contains("10.0.").then_some(Reply::Gone)));
    assert_eq!(read(&service).await.unwrap_err().kind, ErrorKind::Unreachable);
    assert!(service.asked().len() < 12 + 20, "{}", service.asked().len());
}

#[tokio::test(start_paused = true)]
async fn a_cancel_ends_it_at_once() {
    let one = || Wanted::Scopes([id(1)].into());
    // what a run wrote is read back also where it shall end
    for (hard, wanted, is_cancelled) in [
        (true, Wanted::Everything, true),
        (false, Wanted::Everything, true),
        (true, one(), true),
        (false, one(), false),
    ] {
        let service = Arc::new(Service::with_scopes(50).slow(Duration::from_secs(1)));
        let ctl = Control::free();
        let token = if hard { ctl.hard.clone() } else { ctl.soft.clone() };
        tokio::spawn(async move {
            tokio::time::sleep(Duration::from_millis(1500)).await;
            token.cancel();
        });
        let mut plan = Plan::new(wanted);
        let began = Instant::now();
        let ended = drive(&service.dhcp(), AT_ONCE, &mut plan, &Attention::default(), &mut |_| {}, &ctl).await;
        match is_cancelled {
            true => assert_eq!(ended.map_err(|error| error.kind), Err(ErrorKind::Cancelled)),
            false => ended.unwrap(),
        }
        assert_eq!(began.elapsed() == Duration::from_millis(1500), is_cancelled);
    }
}

#[tokio::test(start_paused = true)]
async fn some_scopes_are_read_again_and_those_that_are_gone_are_told_from_those_that_failed() {
    let service = Arc::new(
        Service::with_scopes(5)
            .with_reservations(2, 1)
            .on(|call, _| (call == "DnsSetting.Get ScopeId=10.0.4.0").then(|| Reply::error("WIN32 5"))),
    );
    let again = async |ids: &[ScopeId]| {
        let mut plan = Plan::new(Wanted::Scopes(ids.iter().copied().collect()));
        drive(&service.dhcp(), AT_ONCE, &mut plan, &Attention::default(), &mut |_| {}, &Control::free()).await?;
        plan.scopes(ids)
    };
    let found = again(&[id(2), id(99)]).await.unwrap();
    assert!(found[&id(99)].is_none());
    assert!(found[&id(2)].as_ref().is_some_and(|scope| scope.complete == Complete::Whole));
    assert_eq!(service.asked().len(), 4 + 4 + 1, "{:?}", service.asked());
    let error: Error = again(&[id(2), id(4)]).await.unwrap_err();
    assert_eq!(error.scope, Some(id(4)));
}

#[tokio::test(start_paused = true)]
async fn calls_of_scopes_that_nobody_asked_for_are_not_made() {
    let seen = Arc::new(Mutex::new(0));
    let count = seen.clone();
    let service = Arc::new(Service::with_scopes(0).on(move |call, _| {
        *count.lock().unwrap() += usize::from(call.contains("10.0."));
        None
    }));
    let reading = read(&service).await.unwrap();
    assert!(reading.scopes.is_empty() && reading.unreadable.is_empty() && reading.is_whole());
    // one more than else: whether a server that lists no scopes gives anything at all
    assert_eq!((*seen.lock().unwrap(), service.asked().len()), (0, 12));
}
