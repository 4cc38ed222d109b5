//! The one place where the state changes: an event in, effects out. No clock, no terminal.

mod browse;
mod commanding;
pub(super) mod copying;
mod deciding;
pub(super) mod drifting;
mod exporting;
mod filtering;
pub(super) mod handing;
pub(super) mod logging;
mod pointing;
pub(super) mod recalling;
mod resetting;
mod running;
pub(super) mod searching;

use std::time::Instant;

use crossterm::event::{KeyCode, KeyEvent, KeyEventKind, MouseEvent};

use crate::engine::Error;
use crate::log::Message;
use crate::show::plural;

use super::action::{Action, Place, Verb};
use super::available::available;
use super::drift::Opened;
use super::effect::{Effect, News, Ticket};
use super::filter::Typed;
use super::fleet;
use super::gate::Gate;
use super::help::HelpView;
use super::key::Key;
use super::keymap::{Begun, Meaning};
use super::palette::Palette;
use super::reading;
use super::runs::Ended;
use super::state::{AppState, Demo, Moment, Quitting, Tone, View};
use super::watch;

/// Something that happened.
pub enum Event {
    /// A key was pressed.
    Key(KeyEvent),
    /// The mouse did something.
    Mouse(MouseEvent),
    /// Text was pasted: never taken for keys.
    Paste(String),
    /// Something is heard of work given away.
    News(Ticket, News),
    /// Everything that came so far was handled, and time has passed.
    Tick,
    /// The screen was away and is drawn anew.
    Resumed,
    /// Messages of our own log.
    Logged(Vec<Message>),
}

/// What to do first.
pub fn start(state: &mut AppState) -> Vec<Effect> {
    let mut effects = reading::read_all(state);
    effects.extend(recalling::refresh(state));
    effects.extend(handing::list(state));
    effects
}

/// Changes the state by what happened, and says what has to be done.
pub fn update(state: &mut AppState, event: Event, now: Moment) -> Vec<Effect> {
    state.clock = now.clock;
    let typed = Typed::at(state);
    let mut effects = match event {
        Event::Key(key) => on_key(state, key, now),
        Event::Paste(text) if state.is_exporting() => {
            exporting::paste(state, &text);
            Vec::new()
        }
        Event::Paste(text) if state.is_typing() => {
            deciding::paste(state, &text);
            Vec::new()
        }
        Event::Mouse(mouse) => pointing::on_mouse(state, mouse, now),
        Event::Paste(text) => filtering::paste(state, &text),
        Event::News(ticket, news) => on_news(state, ticket, news, now),
        Event::Tick => {
            if state.is_asking() {
                state.gate_mut().into_iter().for_each(|gate| gate.tick(now.at));
            }
            let mut effects = handing::poll(state, now);
            effects.extend(logging::poll(state, now));
            effects.extend(watch::poll(state, now));
            effects
        }
        Event::Logged(messages) => {
            if let Some(log) = &mut state.log {
                log.take(messages);
            }
            Vec::new()
        }
        Event::Resumed => {
            state.gate_mut().into_iter().for_each(Gate::close);
            Vec::new()
        }
    };
    effects.extend(reading::catch_up(state, now));
    effects.extend(reading::ask_utilisation(state));
    effects.extend(reading::look(state));
    effects.extend(recalling::read_on(state));
    browse::refresh_drift(state);
    searching::settle(state);
    // what was typed was meant for what was there
    state.filtering &= Typed::at(state) == typed || matches!(typed, Typed::PastRuns | Typed::PastScopes);
    effects.extend(drifting::open(state));
    // A covered question has to be read again.
    if !state.is_asking() {
        state.gate_mut().into_iter().for_each(Gate::close);
    }
    if matches!(state.quitting, Some(Quitting::WhenIdle | Quitting::HandingOver)) && handing::is_idle(state) {
        effects.push(Effect::Quit);
    }
    effects
}

fn on_key(state: &mut AppState, event: KeyEvent, now: Moment) -> Vec<Effect> {
    let key = Key::from(event);
    match key.behind_alt() {
        // Nothing is bound to this: it was Escape and a key right after it.
        Some(second) if matches!(meaning(state, key), Meaning::Nothing) => {
            let mut effects = press(state, Key::plain(KeyCode::Esc), event.kind, now);
            effects.extend(press(state, second, event.kind, now));
            effects
        }
        _ => press(state, key, event.kind, now),
    }
}

/// What a key means here, after those that were pressed before it.
fn meaning(state: &AppState, key: Key) -> Meaning {
    let begun = state.begun.iter().flat_map(|begun| begun.keys.iter().copied());
    let keys: Vec<Key> = begun.chain([key]).collect();
    state.setting.keymap.meaning(state.place(), &keys)
}

fn press(state: &mut AppState, key: Key, kind: KeyEventKind, now: Moment) -> Vec<Effect> {
    let last_key = state.last_key.replace(now.at);
    if state.filtering && !filtering::leaves_typing(state, key) {
        disturb(state, now);
        return filtering::key(state, key);
    }
    if state.is_exporting() && !filtering::leaves_typing(state, key) {
        return if kind == KeyEventKind::Press { exporting::key(state, key) } else { Vec::new() };
    }
    if state.is_typing() && !filtering::leaves_typing(state, key) {
        return if kind == KeyEventKind::Press { deciding::type_key(state, key, now, last_key) } else { Vec::new() };
    }
    if commanding::takes(state, key) {
        commanding::key(state, key);
        return Vec::new();
    }
    if key.is(KeyCode::Esc) && state.begun.is_none() && searching::clear(state) {
        disturb(state, now);
        return Vec::new();
    }
    let place = state.place();
    let meaning = meaning(state, key);
    let mut begun = state.begun.take().unwrap_or_else(|| Begun { place, keys: Vec::new() });
    begun.keys.push(key);
    let label = begun.to_string();
    // What was begun elsewhere is not ended here.
    let verb = match meaning {
        _ if begun.place != place => None,
        Meaning::Begins => {
            state.hush();
            state.begun = Some(begun);
            return Vec::new();
        }
        Meaning::Does(verb) => Some(verb),
        Meaning::Nothing => {
            if begun.keys.len() > 1 && !key.is(KeyCode::Esc) {
                state.say(Tone::Warning, format!("{label}: means nothing here"));
            }
            None
        }
    };
    // From the first key on what is highlighted was chosen, if it can stay.
    if state.current().is_some() || verb.is_some_and(|verb| verb.moves) {
        fleet::touch(state);
    }
    let Some(verb) = verb.filter(|verb| verb.moves || kind == KeyEventKind::Press) else {
        disturb(state, now);
        return Vec::new();
    };
    carry_out(state, verb, &label, last_key, now)
}

/// Does an action if it can be taken, and says why not otherwise.
fn carry_out(
    state: &mut AppState,
    verb: &'static Verb,
    label: &str,
    last_key: Option<Instant>,
    now: Moment,
) -> Vec<Effect> {
    if let Err(reason) = available(state, verb.action) {
        state.say(Tone::Warning, format!("{label}: {reason}"));
        disturb(state, now);
        return Vec::new();
    }
    watch::looked(state);
    state.hush();
    if verb.action != Action::LeaveRun {
        state.history.asked_to_leave = None;
    }
    let confirms = matches!(verb.action, Action::Yes | Action::YesToAll);
    if let (true, Some(gate)) = (confirms, state.gate())
        && !gate.lets_through(now.at, last_key)
    {
        state.say(
            Tone::Warning,
            format!("{label}: pasted, held down, or too soon after the key before: press it once more"),
        );
        disturb(state, now);
        return Vec::new();
    }
    act(state, verb.action, now)
}

/// A key that does not count holds the next confirmation up.
fn disturb(state: &mut AppState, now: Moment) {
    state.gate_mut().into_iter().for_each(|gate| gate.disturbed(now.at));
}

/// Does what an available action means here.
fn act(state: &mut AppState, action: Action, now: Moment) -> Vec<Effect> {
    let place = state.place();
    match action {
        Action::Up | Action::Down | Action::PageUp | Action::PageDown | Action::First | Action::Last => {
            browse::scroll(state, action);
            Vec::new()
        }
        Action::Help => {
            state.help = if state.help.is_some() { None } else { Some(HelpView::default()) };
            Vec::new()
        }
        Action::Quit => quit(state),
        Action::Suspend => vec![Effect::Suspend],
        Action::Repaint => vec![Effect::Repaint],
        Action::Palette => {
            state.palette = Some(Palette::default());
            Vec::new()
        }
        Action::Choose => commanding::choose(state, now),
        Action::Back if place == Place::Palette => {
            state.palette = None;
            Vec::new()
        }
        Action::Watch => {
            watch::toggle(state, now);
            Vec::new()
        }
        Action::Seen => {
            watch::looked_at_all(state);
            Vec::new()
        }
        Action::Mouse => {
            state.mouse = !state.mouse;
            state.say(
                Tone::Plain,
                match state.mouse {
                    true => "the mouse is used here; most terminals copy with Shift held down",
                    false => "the mouse is left to the terminal",
                },
            );
            vec![Effect::Mouse(state.mouse)]
        }
        Action::Back if place == Place::Help => match &state.help {
            Some(help) if !help.filter.is_empty() => filtering::change(state, String::clear),
            _ => {
                state.help = None;
                Vec::new()
            }
        },
        Action::Export => exporting::ask(state),
        Action::Log | Action::LogMore | Action::LogLess => logging::act(state, action),
        Action::Back if place == Place::Log => logging::act(state, action),
        Action::Back if place == Place::Copy => {
            state.copying = None;
            Vec::new()
        }
        Action::Filter if !matches!(place, Place::Relationships | Place::Scopes | Place::History | Place::PastRun) => {
            state.filtering = true;
            Vec::new()
        }
        Action::NextMatch | Action::PreviousMatch => {
            searching::step(state, action == Action::NextMatch);
            Vec::new()
        }
        _ if action.is_of_copying() => copying::act(state, action),
        Action::Demo => open_demo(state),
        Action::WhatIf => {
            state.what_if = !state.what_if;
            let words = if state.what_if { "on: plans are shown, nothing can be written" } else { "off" };
            state.say(Tone::Plain, format!("WhatIf is {words}"));
            Vec::new()
        }
        Action::Force => {
            state.force = !state.force;
            let (key, force) = (state.key(Action::Preview), state.force);
            let words = match force {
                true if state.what_if => "on, but WhatIf is on too and wins: nothing is written".to_owned(),
                // marks may be there that were made, or came back, when each run was asked about
                true if state.marked() > 0 => {
                    format!("on: {key} replicates {} WITHOUT asking", plural(state.marked(), "marked scope"))
                }
                true => format!("on: {key} replicates WITHOUT asking"),
                false => format!("off: {key} asks"),
            };
            state.say(Tone::Plain, format!("Force is {words}"));
            Vec::new()
        }
        Action::Reload => {
            state.say(Tone::Plain, "reading all servers again");
            state.tells_of_reading = true;
            fleet::resort_when_compared(state);
            let mut effects = reading::read_all(state);
            effects.extend(recalling::refresh(state));
            effects
        }
        Action::Preview => deciding::plan(state),
        Action::Reset => resetting::plan(state),
        Action::Yes | Action::No | Action::Override if place == Place::Reset => resetting::act(state, action, now),
        Action::Abandon => deciding::abandon(state),
        Action::Yes | Action::YesToAll | Action::No | Action::NoToAll => deciding::answer(state, action, now),
        Action::Override => deciding::next_override(state),
        Action::LeaveOut => deciding::leave_out(state),
        Action::SavePlan => deciding::save_as(state),
        Action::PanLeft | Action::PanRight => {
            if let View::Preview(preview) = &mut state.view {
                let by = if action == Action::PanLeft { -16 } else { 16 };
                preview.shift = preview.shift.saturating_add_signed(by).min(4096);
            }
            Vec::new()
        }
        Action::Retry => deciding::retry(state),
        Action::Jobs | Action::Cancel | Action::OnlyFailed => running::act(state, action),
        Action::Out | Action::In | Action::NextPane | Action::PreviousPane if place == Place::Jobs => {
            running::act(state, action)
        }
        Action::History => recalling::toggle(state),
        Action::HandOver => handing::hand_over(state),
        Action::AsJob => {
            if let View::Preview(preview) = &mut state.view {
                preview.as_job = !preview.as_job;
            }
            Vec::new()
        }
        _ if matches!(place, Place::History | Place::PastRun) => recalling::act(state, action),
        Action::Fold | Action::FoldAll if place != Place::Drift => browse::act(state, action),
        Action::NextChange
        | Action::PreviousChange
        | Action::Fold
        | Action::FoldAll
        | Action::FullScreen
        | Action::Everything
        | Action::Compare => drifting::act(state, action),
        Action::Stay => {
            state.quitting = None;
            Vec::new()
        }
        Action::QuitAfterRuns => {
            state.quitting = Some(Quitting::WhenIdle);
            state.say(Tone::Plain, "quitting when the runs have ended");
            Vec::new()
        }
        Action::QuitCancelling => {
            state.quitting = Some(Quitting::WhenIdle);
            let (quit, cancel) = (state.key(Action::Quit), state.key(Action::QuitCancelling));
            let effects = running::cancel_all(state);
            state.say(
                Tone::Plain,
                match available(state, Action::QuitCancelling) {
                    Ok(()) => {
                        format!("cancelling, then quitting; {quit} and {cancel} once more: after the request in flight")
                    }
                    Err(_) => "cancelling after the request in flight, then quitting".to_owned(),
                },
            );
            effects
        }
        Action::LeaveNow => vec![Effect::Leave],
        _ => browse::act(state, action),
    }
}

fn quit(state: &mut AppState) -> Vec<Effect> {
    if handing::is_idle(state) {
        return vec![Effect::Quit];
    }
    (state.help, state.palette) = (None, None);
    state.quitting = Some(Quitting::Asking);
    Vec::new()
}

fn open_demo(state: &mut AppState) -> Vec<Effect> {
    if matches!(state.demo, Demo::Opening(_)) {
        return Vec::new();
    }
    let ticket = state.ticket();
    state.demo = Demo::Opening(ticket);
    vec![Effect::OpenDemo(ticket)]
}

fn on_news(state: &mut AppState, ticket: Ticket, news: News, now: Moment) -> Vec<Effect> {
    match news {
        News::Read(server, outcome) => reading::on_read(state, ticket, &server, outcome),
        News::Utilisation(server, used) => {
            state.utilisation.insert(server.clone(), used);
            fleet::utilised(state, &server);
            Vec::new()
        }
        News::Watched(server, outcome, took) => watch::answered(state, ticket, &server, (outcome, took), now),
        News::Part(server, reading) => reading::on_part(state, ticket, &server, reading, now),
        News::Compared(compared) => {
            reading::on_compared(state, ticket, compared, now);
            Vec::new()
        }
        News::Opened(left) => {
            state.drift.opened(ticket, Opened::Left(left));
            Vec::new()
        }
        News::Texts(texts) => drifting::compare(state, ticket, texts),
        News::Viewed => Vec::new(),
        News::Planned(plan, readings) => deciding::planned(state, ticket, plan, readings, now),
        News::Runs(page) => {
            recalling::listed(state, ticket, page);
            Vec::new()
        }
        News::Interrupted(runs) => recalling::interrupted(state, ticket, runs),
        News::Told(run, scopes, service) => {
            recalling::told(state, &run, scopes, service);
            Vec::new()
        }
        News::Unsaved(left_over) => {
            state.left_over = left_over;
            Vec::new()
        }
        News::RunOpened(detail) => {
            recalling::opened(state, ticket, Ok(detail));
            Vec::new()
        }
        News::JobStarted(job) => handing::started(state, ticket, job),
        News::Jobs(jobs) => handing::listed(state, ticket, jobs),
        News::PlanSaved(file) => {
            deciding::saved(state, ticket, &file);
            Vec::new()
        }
        News::ResetPlanned(plan, readings) => resetting::planned(state, ticket, plan, readings),
        News::ResetEnded(report) => resetting::ended(state, ticket, report, now),
        News::NotPlanned(error) => deciding::not_planned(state, ticket, &error),
        News::Status(status) => {
            state.runs.heard(ticket, status);
            Vec::new()
        }
        News::Exported(file) => {
            exporting::exported(state, ticket, &file);
            Vec::new()
        }
        News::RunEnded(report) => running::ended(state, ticket, Ok(Ended::Replicated(report)), now),
        News::Demo(fleet) => {
            if state.demo != Demo::Opening(ticket) || state.fleet.is_some() {
                return Vec::new();
            }
            state.setting.config_name = "demo".into();
            // it has past runs and jobs of its own
            (state.history, state.handing) = Default::default();
            (state.interrupted, state.runs.jobs, state.left_over) = Default::default();
            state.notices.clear();
            reading::open(state, fleet);
            start(state)
        }
        News::Failed(reason) => on_failure(state, ticket, reason, now),
    }
}

fn on_failure(state: &mut AppState, ticket: Ticket, reason: String, now: Moment) -> Vec<Effect> {
    if state.demo == Demo::Opening(ticket) {
        state.demo = Demo::Failed(reason);
        return Vec::new();
    }
    if state.runs.find(ticket).is_some() {
        return running::ended(state, ticket, Err(reason), now);
    }
    if deciding::is_waiting_for(state, ticket) {
        let error = Error::new(crate::engine::ErrorKind::Local, reason);
        return deciding::not_planned(state, ticket, &error);
    }
    if drifting::failed(state, ticket, &reason) || deciding::not_saved(state, ticket, &reason) {
        return Vec::new();
    }
    if exporting::failed(state, ticket, &reason) {
        return Vec::new();
    }
    if watch::failed(state, ticket)
        || recalling::failed(state, ticket, &reason)
        || handing::failed(state, ticket, &reason)
    {
        return Vec::new();
    }
    reading::on_failed(state, ticket, &reason)
}
