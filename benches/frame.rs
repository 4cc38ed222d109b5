//! A frame with 100 000 scopes at 200x50 cells: the budget is 1 ms median, 2 ms at the
//! 99th percentile. And what keys cost at that size: 5 ms for one of a filter.

#![allow(clippy::print_stderr, missing_docs)]

use std::hint::black_box;
use std::sync::Arc;
use std::time::{Duration, Instant};

use criterion::measurement::WallTime;
use criterion::{BenchmarkGroup, Criterion, criterion_group, criterion_main};
use crossterm::event::{KeyCode, KeyEvent};
use ratatui::Terminal;
use ratatui::backend::TestBackend;
use scopesync::app::compared::Compared;
use scopesync::app::fleet;
use scopesync::app::{AppState, Event, Moment, Setting, update};
use scopesync::engine::compare::{RelationshipDrift, ScopeDrift};
use scopesync::engine::fleet::Fleet;
use scopesync::engine::survey::{Member, Presence, Relationship, Survey};
use scopesync::model::{
    Change, ChangeKind, DriftState, FieldChange, ItemKey, Mode, Peer, ReservationKey, Role, ScopeId, State, Value,
};
use scopesync::ui::{self, Glyphs, Theme};

const SCOPES: u32 = 100_000;

/// A frame: milliseconds for the median and for the 99th percentile.
const FRAME: [u32; 2] = [1, 2];

/// A key of a filter, which goes through all scopes.
const FILTER: [u32; 2] = [5, 5];

fn change(address: u32) -> Change {
    Change {
        key: ItemKey::reservation(ReservationKey::Address(address.into())),
        change: ChangeKind::Update,
        label: None,
        fields: vec![FieldChange {
            field: "hostname".into(),
            source: Some(Value::own(format!("printer-{address}").into())),
            target: Some(Value::own(format!("copier-{address}").into())),
        }],
        wanted: None,
        moved: None,
        becomes_explicit: false,
    }
}

fn drift() -> RelationshipDrift {
    let scope = |n: u32| {
        let network = (10 << 24) + (n << 6);
        let drifted = n.is_multiple_of(7);
        ScopeDrift {
            id: ScopeId { network: network.into(), prefix_length: 26 },
            name: Some(format!("building {n}, floor {}", n % 12).into()),
            server_ids: [Some(n + 1), Some(n + 1)],
            state: if drifted { DriftState::Drifted } else { DriftState::InSync },
            reason: None,
            changes: if drifted { (1..=5).map(|at| change(network + at)).collect() } else { Vec::new() },
            hides: false,
            ignored: Default::default(),
        }
    };
    RelationshipDrift {
        name: "one-two".into(),
        source: "one".into(),
        target: "two".into(),
        findings: Vec::new(),
        trouble: None,
        scopes: (0..SCOPES).map(scope).collect(),
    }
}

fn state() -> AppState {
    let member = |name: &str, role| Member {
        peer: Peer { name: name.into(), url: "http://127.0.0.1/".into(), aliases: Vec::new(), role },
        presence: Presence::Read(name.into()),
        state: Some(State("load-balancing".into())),
        heard: None,
        membership: None,
    };
    let relationship = Relationship {
        name: "one-two".into(),
        key: "one and two".into(),
        mode: Mode::LoadBalancing,
        members: [member("one", Role::Primary), member("two", Role::Secondary)],
        clock_skew: None,
        unsupported: None,
    };
    let mut state = AppState::new(Setting::default(), Some(Arc::new(Fleet::new(Vec::new()))), Moment::now());
    state.survey = Arc::new(Survey { servers: Vec::new(), relationships: vec![relationship], twins: None });
    fleet::relist(&mut state);
    fleet::compared(&mut state, &"one-two".into(), Arc::new(Compared::of(drift(), false)));
    press(&mut state, KeyCode::Enter);
    state
}

fn press(state: &mut AppState, code: KeyCode) {
    let effects = update(state, Event::Key(KeyEvent::from(code)), Moment::now());
    black_box(effects.len());
}

/// Tells median and 99th percentile of a step beside their budgets, in milliseconds, and hands it to the bench.
fn measure(group: &mut BenchmarkGroup<'_, WallTime>, what: &str, budgets: [u32; 2], mut step: impl FnMut()) {
    const ROUNDS: usize = 1000;
    let mut took: Vec<Duration> = std::iter::repeat_with(|| {
        let began = Instant::now();
        step();
        began.elapsed()
    })
    .take(ROUNDS)
    .collect();
    took.sort_unstable();
    let [median, last] = [took[ROUNDS / 2], took[ROUNDS * 99 / 100]].map(|took| took.as_secs_f64() * 1000.0);
    eprintln!(
        "{what}: median {median:.3} ms (budget {} ms), 99th percentile {last:.3} ms (budget {} ms)",
        budgets[0], budgets[1]
    );
    group.bench_function(what, |bench| bench.iter(&mut step));
}

fn frame(criterion: &mut Criterion) {
    let theme = Theme::colours(Glyphs::UNICODE);
    let mut terminal = match Terminal::new(TestBackend::new(200, 50)) {
        Ok(terminal) => terminal,
        Err(never) => match never {},
    };
    let mut state = state();
    let mut draw = |state: &mut AppState| {
        let mut drawn = ui::Drawn::default();
        let done = terminal.draw(|frame| drawn = ui::draw(state, &theme, frame));
        state.drawn(&drawn, Instant::now());
        black_box(done.is_ok());
    };
    let mut group = criterion.benchmark_group("100000 scopes, 200x50");
    measure(&mut group, "frame, nothing moved", FRAME, || draw(&mut state));
    let mut down = true;
    measure(&mut group, "one line down or up and a frame", FRAME, || {
        press(&mut state, if down { KeyCode::Down } else { KeyCode::Up });
        down = !down;
        draw(&mut state);
    });
    measure(&mut group, "one page and a frame", FRAME, || {
        press(&mut state, if down { KeyCode::PageDown } else { KeyCode::PageUp });
        down = !down;
        draw(&mut state);
    });
    press(&mut state, KeyCode::Char('/'));
    let mut typed = false;
    measure(&mut group, "a letter of the filter and a frame", FILTER, || {
        press(&mut state, if typed { KeyCode::Backspace } else { KeyCode::Char('9') });
        typed = !typed;
        draw(&mut state);
    });
    press(&mut state, KeyCode::Esc);
    press(&mut state, KeyCode::Char('a'));
    measure(&mut group, "frame, 14000 marked", FRAME, || draw(&mut state));
    group.finish();
}

criterion_group!(benches, frame);
criterion_main!(benches);
