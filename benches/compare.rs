//! How long it takes to read and to compare the configurations of a big Kea pair: 10 000
//! scopes with 100 000 reservations, 30 MB of `config-get` on each side.
//!
//! `cargo bench --bench compare`. The budget for comparing alone, with one scope in a
//! hundred drifted, is 150 ms.

// A bench may fail as a test may.
#![allow(clippy::unwrap_used, missing_docs)]

use std::fmt::Write as _;
use std::hint::black_box;
use std::sync::Arc;

use bytes::Bytes;
use criterion::{Criterion, criterion_group, criterion_main};
use scopesync::backend::kea::config::{self, How};
use scopesync::engine::compare;
use scopesync::engine::port::{Health, Reading};
use scopesync::engine::survey::{ServerReport, Survey};

const SCOPES: u32 = 10_000;
const RESERVATIONS_EACH: u32 = 10;

/// How the second server's text differs from the first's.
#[derive(Clone, Copy, PartialEq)]
enum Differs {
    Nowhere,
    /// Every hundredth scope has another lifetime.
    OneInHundred,
    /// Every scope has its pools in another order: no drift, but it must be opened to know.
    InText,
}

fn answer(name: &str, differs: Differs) -> Bytes {
    let mut text = format!(
        r#"{{ "hooks-libraries": [ {{ "library": "libdhcp_ha.so", "parameters": {{ "high-availability": [ {{ "mode": "load-balancing", "this-server-name": "{name}", "peers": [ {{ "name": "a", "role": "primary", "url": "http://192.0.2.1:1/" }}, {{ "name": "b", "role": "secondary", "url": "http://192.0.2.2:1/" }} ] }} ] }} }} ], "subnet4": [ "#
    );
    for scope in 0..SCOPES {
        if scope > 0 {
            text.push_str(", ");
        }
        subnet(&mut text, scope, differs);
    }
    text.push_str(r#" ], "valid-lifetime": 4000 }"#);
    text.into()
}

fn subnet(text: &mut String, scope: u32, differs: Differs) {
    let base = format!("10.{}.{}", scope / 256, scope % 256);
    let lifetime = if differs == Differs::OneInHundred && scope.is_multiple_of(100) { 4200 } else { 3600 };
    let option = |code: u32, name: &str, data: &str| {
        format!(
            r#"{{ "always-send": false, "code": {code}, "csv-format": true, "data": "{data}", "name": "{name}", "never-send": false, "space": "dhcp4" }}"#
        )
    };
    let mut pools = [format!("{base}.192/27"), format!("{base}.224-{base}.254")];
    if differs == Differs::InText {
        pools.reverse();
    }
    let pools = pools.map(|pool| format!(r#"{{ "option-data": [  ], "pool": "{pool}" }}"#)).join(", ");
    let routers = option(3, "routers", &format!("{base}.1"));
    let domain = option(15, "domain-name", &format!("net{scope}.example.org"));
    write!(
        text,
        r#"{{ "4o6-interface": "", "4o6-interface-id": "", "4o6-subnet": "", "allocator": "iterative", "cache-threshold": 0.25, "calculate-tee-times": false, "id": {id}, "max-valid-lifetime": {lifetime}, "min-valid-lifetime": {lifetime}, "option-data": [ {routers}, {domain} ], "pools": [ {pools} ], "rebind-timer": 2000, "relay": {{ "ip-addresses": [  ] }}, "renew-timer": 1000, "reservations": [ "#,
        id = scope + 1
    )
    .unwrap();
    for host in 0..RESERVATIONS_EACH {
        let comma = if host > 0 { ", " } else { "" };
        write!(
            text,
            r#"{comma}{{ "boot-file-name": "", "client-classes": [  ], "hostname": "h{scope}-{host}", "hw-address": "02:00:{:02x}:{:02x}:00:{host:02x}", "ip-address": "{base}.{}", "next-server": "0.0.0.0", "option-data": [  ], "server-hostname": "" }}"#,
            scope / 256,
            scope % 256,
            host + 10
        )
        .unwrap();
    }
    write!(
        text,
        r#" ], "store-extended-info": false, "subnet": "{base}.0/24", "t1-percent": 0.5, "t2-percent": 0.875, "user-context": {{ "comment": "site {scope}" }}, "valid-lifetime": {lifetime} }}"#
    )
    .unwrap();
}

fn report(name: &str, differs: Differs) -> ServerReport {
    let config = config::read(&answer(name, differs), How::Live).unwrap();
    let reading = Reading {
        identity: config.identity,
        version: None,
        health: Health { memberships: config.memberships, ..Health::default() },
        context: config.context,
        levels: config.surroundings,
        scopes: Arc::new(config.scopes),
        unreadable: config.unreadable,
        pulse: None,
        at: jiff::Timestamp::now(),
    };
    ServerReport {
        name: name.into(),
        place: String::new(),
        addresses: Vec::new(),
        caveat: None,
        read_only: false,
        outcome: Some(Ok(Arc::new(reading))),
        last: None,
    }
}

fn benches(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("10000 scopes, 100000 reservations");
    group.sample_size(20);
    let text = answer("a", Differs::Nowhere);
    group.bench_function("read one server", |bench| {
        bench.iter(|| config::read(black_box(&text), How::Live).unwrap());
    });
    for (name, differs, drifted) in [
        ("compare, all equal", Differs::Nowhere, 0),
        ("compare, 1 % drifted", Differs::OneInHundred, SCOPES as usize / 100),
        ("compare, all opened", Differs::InText, 0),
    ] {
        let survey = Survey::new(vec![report("a", Differs::Nowhere), report("b", differs)], &[]);
        let relationship = &survey.relationships[0];
        let found = compare::relationship(&survey, relationship, 0, &[]);
        let summary = compare::Summary::of(&found.scopes);
        assert_eq!((summary.scopes, summary.drifted), (SCOPES as usize, drifted));
        group.bench_function(name, |bench| {
            bench.iter(|| compare::relationship(black_box(&survey), relationship, 0, &[]));
        });
    }
    group.finish();
}

criterion_group!(compare, benches);
criterion_main!(compare);
