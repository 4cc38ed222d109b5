//! Keys without end: nothing breaks, and nothing is written but by the key that confirms, or by
//! the one that replicates while Force is on and WhatIf off.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use crossterm::event::{KeyCode, KeyEvent};
use scopesync::app::action::Action;
use scopesync::app::key::Key;
use scopesync::app::palette;
use scopesync::app::state::{Quitting, View};
use scopesync::engine::select::Pick;
use scopesync::engine::undo;

use super::*;

/// How many keys are pressed; `SCOPESYNC_TEST_KEYS` tries more.
const KEYS: usize = 30_000;

/// All that a key can begin which writes, or leads to a write.
const ALL: [&str; 10] = [
    "plan",
    "retry",
    "undo",
    "finish",
    "plan of a reset",
    "leaving a run",
    "run",
    "job",
    "reset",
    "run without a question",
];

/// A program in which all of them can begin: one scope is refused, an interrupted run waits, and what runs have
/// changed is kept. Or the relationship is terminated.
pub fn world(is_terminated: bool) -> Program {
    let scopes = |lifetime| (1..=4).map(|n| numbered(n, lifetime, "x")).collect();
    let servers = pair(scopes(3600), scopes(1800));
    servers.1.script("10.0.2.0/24", Script::Refuse);
    if is_terminated {
        servers.0.inner().state = Some("terminated");
        servers.1.inner().state = Some("terminated");
    }
    let mut program = Program::start(Some(fake::fleet(&servers)), 100, 30);
    program.past = Past { left: vec![changed(&servers.1)], ..Past::sample() };
    program.rest = vec![Pick { name: "one-two".into(), source: "one".into(), target: "two".into(), scopes: None }];
    program
}

/// A scope of this server that a run has changed, as an undo finds it.
pub fn changed(server: &FakeServer) -> undo::Past {
    let words = |lifetime| {
        let native = Arc::new(server.keep(&numbered(3, lifetime, "x")));
        undo::Words { network: None, native }
    };
    undo::Past {
        target: "two".into(),
        identity: None,
        relationship: "one-two".into(),
        id: "10.0.3.0/24".parse().unwrap(),
        outcome: Some(Outcome::Replicated),
        before: Some(words(900)),
        after: undo::Left::There { words: words(1800), fingerprint: "another one".into() },
        later: None,
        is_kept: true,
    }
}

/// Judges what each step begins: by the last key that was handled, the question that was on the
/// screen, and the switches.
#[derive(Default)]
pub struct Judge {
    /// What the newest plan was asked for as, and whether it may run without a question.
    plan: Option<(&'static str, bool)>,
    /// The question on the screen, and since when it is there.
    asked: Option<(String, Instant)>,
    /// How often each was begun.
    begun: BTreeMap<&'static str, usize>,
}

impl Judge {
    /// Takes a step, which presses this key, or none.
    ///
    /// # Errors
    /// What was begun by it and must not have been.
    pub fn watch(
        &mut self,
        program: &mut Program,
        key: Option<KeyEvent>,
        step: impl FnOnce(&mut Program),
    ) -> Result<(), String> {
        let action = key.and_then(|key| meant(program, key));
        let named = key.is_some_and(|key| key.code == KeyCode::Enter)
            && program.preview().is_some_and(|preview| preview.naming.is_some() && preview.is_named());
        let must_name = program.preview().is_some_and(|preview| preview.deletions_to_name().is_some());
        let as_job = program.preview().is_some_and(|preview| preview.as_job);
        let told_of_leaving = program.state.history.asked_to_leave.is_some();
        let is_planning = matches!(program.state.view, View::Planning { .. });
        let hands_over = program.state.quitting == Some(Quitting::HandingOver);
        let forces = |program: &Program| program.state.force && !program.state.what_if;
        let forced = forces(program);
        let seen = program.begun.len();
        step(program);
        let shown = self.asked.as_ref().is_some_and(|(_, at)| program.now - *at >= Duration::from_millis(300));
        let by = |wanted| action == Some(wanted);
        let yes = if must_name { named } else { by(Action::Yes) || by(Action::YesToAll) };
        for what in program.begun.split_off(seen) {
            let unasked = is_planning && key.is_none() && forced && self.plan == Some(("plan", true));
            let may = match what {
                "plan" => by(Action::Preview),
                "retry" => by(Action::Retry),
                "undo" => by(Action::Undo),
                "finish" => by(Action::Finish),
                "plan of a reset" => by(Action::Reset),
                "leaving a run" => by(Action::LeaveRun) && told_of_leaving,
                "reset" => shown && by(Action::Yes),
                "job" => (shown && yes && as_job) || (hands_over && key.is_none()),
                _ => (shown && yes && !as_job) || unasked,
            };
            let switches = (program.state.force, program.state.what_if);
            if !may {
                return Err(format!("{what} was begun by {action:?}; Force and WhatIf were {switches:?}"));
            }
            if matches!(what, "plan" | "retry" | "undo" | "finish" | "plan of a reset") {
                self.plan = Some((what, forced));
            }
            let what = if what == "run" && unasked { "run without a question" } else { what };
            *self.begun.entry(what).or_default() += 1;
        }
        let question = question(program);
        if question.as_ref() != self.asked.as_ref().map(|(asked, _)| asked) {
            self.asked = question.map(|question| (question, program.now));
        }
        Ok(())
    }
}

/// Lets the oldest piece of work happen.
pub fn happen(program: &mut Program) {
    program.happen();
}

/// The action that a key stands for where it is pressed; none where it is typed into a line.
fn meant(program: &Program, key: KeyEvent) -> Option<Action> {
    let state = &program.state;
    if state.filtering || state.is_typing() {
        return None;
    }
    let verb = state.setting.keymap.does(state.place(), Key::from(key))?;
    match verb.action {
        Action::Choose => {
            palette::current(state).filter(|entry| entry.refused.is_none()).map(|entry| entry.verb.action)
        }
        action => Some(action),
    }
}

/// What can be answered now.
fn question(program: &Program) -> Option<String> {
    match (&program.state.view, program.state.place()) {
        (View::Preview(preview), Place::Preview) if preview.manner != Manner::ShowOnly => {
            preview.asking().map(|(at, _)| format!("{} {at}", preview.plan.digest))
        }
        (View::Reset(reset), Place::Reset) if reset.is_asking() => Some(reset.plan.digest.to_string()),
        _ => None,
    }
}

/// A generator that is the same everywhere: a run that fails can be repeated.
struct Random(u64);

impl Random {
    fn below(&mut self, end: usize) -> usize {
        // xorshift64 (Marsaglia, 2003)
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        usize::try_from(self.0 % end as u64).unwrap()
    }

    fn of<'a>(&mut self, some: &[&'a str]) -> &'a str {
        some[self.below(some.len())]
    }
}

#[test]
fn nothing_is_written_by_any_other_key() {
    let keys = std::env::var("SCOPESYNC_TEST_KEYS").ok().and_then(|text| text.parse().ok()).unwrap_or(KEYS);
    let mut random = Random(0x5eed_0f5c_09e5_11c5);
    let table: Vec<&str> = VERBS.iter().flat_map(|verb| verb.keys).copied().collect();
    let mut judge = Judge::default();
    let (mut pressed, mut worlds) = (0, 0);
    while pressed < keys {
        worlds += 1;
        let mut program = match worlds % 3 {
            0 => Program::start(Some(fleet()), 100, 30),
            kind => world(kind == 2),
        };
        program.settle();
        judge = Judge { begun: judge.begun, ..Judge::default() };
        let mut may_answer = false;
        for _ in 0..500 {
            pressed += 1;
            // those that lead to a write come more often, or hardly any would ever begin
            let key = match random.below(5) {
                _ if may_answer && random.below(2) == 0 => "y",
                _ if program.state.history.asked_to_leave.is_some() && random.below(2) == 0 => "X",
                0 => random.of(&["r", "y", "a", "F"]),
                1 => random.of(&["r", "J", "U", "u", "f", "X", "H", "Enter"]),
                _ => random.of(&table),
            };
            let event = event_of(key);
            let mut told = judge.watch(&mut program, Some(event), |program| program.type_keys(key));
            if random.below(3) == 0 {
                let happened = judge.watch(&mut program, None, happen);
                told = told.and(happened);
            }
            assert_eq!(told, Ok(()), "key {pressed}, {key}");
            let then = random.below(8);
            may_answer = then == 0;
            match then {
                0 => program.wait(400),
                1 => program.resize(
                    1 + u16::try_from(random.below(220)).unwrap(),
                    1 + u16::try_from(random.below(60)).unwrap(),
                ),
                2 => program.draw(),
                _ => {}
            }
            if program.asked.last().is_some_and(|asked| asked.starts_with("quit")) {
                break;
            }
        }
    }
    for what in ALL {
        assert!(judge.begun.contains_key(what), "what never begins proves nothing: {what} of {:?}", judge.begun);
    }
}
