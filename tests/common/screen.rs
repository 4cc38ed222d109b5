//! The interactive program without a terminal: keys in, a picture out, no clock but ours.
//!
//! Effects wait until the test lets them happen, so a test says what is under way when a key
//! is pressed. Nothing here sleeps.

use std::collections::{BTreeSet, VecDeque};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use crossterm::event::{KeyCode, KeyEvent, KeyModifiers};
use ratatui::Terminal;
use ratatui::backend::TestBackend;
use ratatui::buffer::Buffer;
use ratatui::style::Style;
use scopesync::app::detached::DetachedJob;
use scopesync::app::effect::ToldScope;
use scopesync::app::history::{Before, Fate, PAGE, Page, PastRun, PastScope, RunDetail};
use scopesync::app::keymap::Keymap;
use scopesync::app::state::View;
use scopesync::app::work::{plan_undo, work};
use scopesync::app::{AppState, Effect, Event, Moment, News, Setting, Ticket, start, update};
use scopesync::config::{Column, ScreenConfig};
use scopesync::engine::fleet::Fleet;
use scopesync::engine::outcome::SavedState;
use scopesync::engine::port::{Control, RunKind};
use scopesync::engine::select::Pick;
use scopesync::engine::undo::Undo;
use scopesync::history::UndoneBy;
use scopesync::log::Message;
use scopesync::ui::{self, Glyphs, Theme};

use super::fake::FakeJournal;

/// A history in memory.
#[derive(Default)]
pub struct Past {
    /// Its runs, the newest first.
    pub runs: Vec<PastRun>,
    /// The scopes of any of them.
    pub detail: RunDetail,
    /// The jobs.
    pub jobs: Vec<DetachedJob>,
    /// What an undo goes back to.
    pub left: Vec<scopesync::engine::undo::Past>,
    /// What to answer instead.
    pub fails: Option<String>,
    /// How many pages were asked for.
    pub pages: usize,
}

impl Past {
    /// Three runs: a replication, an undo of it, and one that was interrupted; and what one of them
    /// destroyed in three scopes.
    pub fn sample() -> Self {
        let ended = |seq: i64, counts: &[(&str, u64)]| {
            let started: jiff::Timestamp = "2026-01-01T21:04:05Z".parse().unwrap();
            let started = started + Duration::from_secs(3600 * u64::try_from(seq).unwrap());
            PastRun {
                seq,
                id: format!("20260101T{:02}0405Z-0000000{seq}", 21 + seq),
                kind: RunKind::Replication,
                fate: Fate::Ended,
                started,
                ended: Some(started + Duration::from_secs(7)),
                who: "op".into(),
                from: None,
                host: "admin".into(),
                process: 4711,
                version: "0.1.0".into(),
                overrides: Vec::new(),
                sources: vec!["one".into()],
                targets: vec!["two".into()],
                counts: counts.iter().map(|(word, count)| ((*word).to_owned(), *count)).collect(),
                undone_by: None,
                settled: None,
                job: None,
            }
        };
        let first = PastRun {
            who: "ada (root by sudo)".into(),
            overrides: vec!["option-43".into()],
            job: Some(3),
            ..ended(0, &[("replicated", 2), ("rejected", 1)])
        };
        let undo = PastRun {
            kind: RunKind::Undo { of: first.id.clone() },
            sources: Vec::new(),
            ..ended(1, &[("replicated", 2)])
        };
        let cut = PastRun { fate: Fate::Interrupted, ended: None, ..ended(2, &[]) };
        let all = std::collections::BTreeMap::from([("replicated".to_owned(), 2)]);
        let first = PastRun {
            undone_by: Some(UndoneBy::new(undo.id.clone(), &all, &all)),
            from: Some("192.0.2.9".into()),
            ..first
        };
        Past { runs: vec![cut, undo, first], detail: Past::losses(), ..Past::default() }
    }

    fn losses() -> RunDetail {
        let changes = serde_json::json!([
            {"section": "reservations", "key": {"owner": "scope", "kind": "reservation", "name": "10.0.1.9"},
             "item": "10.0.1.9", "change": "delete", "fields": [
                {"field": "hw-address", "source": null, "target": "02:00:00:00:00:09"},
                {"field": "hostname", "source": null, "target": "printer"}]},
            {"section": "properties", "key": {"owner": "scope", "kind": "property", "name": "valid-lifetime"},
             "item": "valid-lifetime", "change": "update", "fields": [
                {"field": "value", "source": "3600", "target": "1800"}]},
            {"section": "options", "key": {"owner": "range 10.0.1.10-10.0.1.99", "kind": "option", "name": "dhcp4/3"},
             "item": "dhcp4/3", "label": "routers", "change": "create", "fields": [
                {"field": "data", "source": "10.0.1.1", "target": null}]}]);
        let scope = |n: u8, outcome: Option<&str>, kept| PastScope {
            id: format!("10.0.{n}.0/24").parse().unwrap(),
            name: format!("10.0.{n}.0"),
            target: "two".into(),
            relationship: "one-two".into(),
            outcome: outcome.map(str::to_owned),
            told: None,
            saved: outcome.filter(|word| *word == "replicated").map(|_| SavedState::Saved),
            message: None,
            kept,
        };
        let kept = |existed| {
            let changes = if existed { serde_json::from_value(changes.clone()).unwrap() } else { Vec::new() };
            Some(Before { existed, gone: false, changes, left: Vec::new(), lost: Vec::new(), uncarried: false })
        };
        let refused =
            PastScope { message: Some("renumber-leases: 3 leases".into()), ..scope(5, Some("rejected"), None) };
        let scopes = vec![scope(1, Some("replicated"), kept(true)), scope(3, None, kept(false)), refused];
        RunDetail { remarks: Vec::new(), scopes }
    }

    fn answer(&mut self, effect: &Effect) -> News {
        if let Some(reason) = &self.fails {
            return News::Failed(reason.clone());
        }
        match effect {
            Effect::Runs(_, before, filter) => {
                self.pages += 1;
                let filter = scopesync::app::filter::Filter::past_runs(filter);
                let fits = |run: &&PastRun| filter.past_run(run, &jiff::tz::TimeZone::UTC);
                let older = self.runs.iter().filter(|run| before.is_none_or(|before| run.seq < before));
                let runs: Vec<PastRun> = older.filter(fits).take(PAGE).cloned().collect();
                let next = runs.last().map(|run| run.seq).filter(|_| runs.len() == PAGE);
                News::Runs(Page { runs, next })
            }
            Effect::Interrupted(_) => {
                let waits = |run: &&PastRun| run.fate == Fate::Interrupted;
                News::Interrupted(self.runs.iter().filter(waits).cloned().collect())
            }
            Effect::LeaveRun(_, run) => {
                let left = self.runs.iter_mut().filter(|past| past.id == *run);
                left.for_each(|past| past.fate = Fate::Settled);
                News::Interrupted(Vec::new())
            }
            Effect::Tell(_, run) => {
                let told = |n: u8, words: &str| ToldScope {
                    id: format!("10.0.{n}.0/24").parse().unwrap(),
                    target: "two".into(),
                    relationship: "one-two".into(),
                    is_done: words.starts_with("done"),
                    words: words.to_owned(),
                    message: None,
                };
                let scopes =
                    vec![told(1, "done, 3 of 3 changes"), told(3, "partial, 1 of 2 changes"), told(6, "not done")];
                News::Told(run.clone(), scopes, Vec::new())
            }
            _ => News::RunOpened(Arc::new(self.detail.clone())),
        }
    }
}

/// The program at work.
pub struct Program {
    pub state: AppState,
    pub journal: FakeJournal,
    /// What was asked for and has not happened yet.
    pub pending: VecDeque<Effect>,
    /// What the program asked of the one who runs it: `run`, `cancel`, `quit` and the like.
    pub asked: Vec<String>,
    /// What writes or leads to a write, in the order in which the program began it.
    pub begun: Vec<&'static str>,
    pub theme: Theme,
    pub now: Instant,
    /// What the history knows.
    pub past: Past,
    /// Runs are cancelled softly from their beginning.
    pub cancelled: bool,
    /// What an interrupted run had not come to.
    pub rest: Vec<Pick>,
    /// The newest messages of the log.
    pub messages: Vec<Message>,
    /// Plans may be saved to files.
    pub saves: bool,
    /// Opened by the start page's offer.
    pub demo: Option<Arc<Fleet>>,
    /// What the program wants to be read first.
    pub looked_at: Vec<String>,
    terminal: Terminal<TestBackend>,
    threads: tokio::runtime::Runtime,
    clock: jiff::Timestamp,
}

impl Program {
    /// Starts with these servers in a window of this size. Nothing was read yet. Scopes are
    /// sorted by address, so that a test finds them where it put them.
    pub fn start(fleet: Option<Fleet>, columns: u16, rows: u16) -> Self {
        let by_address = ScreenConfig { sort: Column::Scope, ..ScreenConfig::default() };
        Self::with(by_address, fleet, columns, rows)
    }

    /// The same, as this configuration wants it.
    pub fn with(screen: ScreenConfig, fleet: Option<Fleet>, columns: u16, rows: u16) -> Self {
        let setting = Setting {
            config_name: "/etc/scopesync/config.toml".into(),
            searched: vec!["/home/op/.config/scopesync/config.toml".into(), "/etc/scopesync/config.toml".into()],
            config_file: Some("/etc/scopesync/config.toml".into()),
            read_only: false,
            operator: "op".into(),
            zone: None,
            screen,
            keymap: Keymap::default(),
        };
        let now = Instant::now();
        let clock: jiff::Timestamp = "2026-01-02T03:04:05Z".parse().unwrap();
        let mut program = Program {
            state: AppState::new(setting, fleet.map(Arc::new), Moment { at: now, clock }),
            journal: FakeJournal::default(),
            pending: VecDeque::new(),
            asked: Vec::new(),
            begun: Vec::new(),
            theme: Theme::colours(Glyphs::UNICODE),
            now,
            past: Past::default(),
            cancelled: false,
            rest: Vec::new(),
            messages: Vec::new(),
            saves: false,
            demo: None,
            looked_at: Vec::new(),
            terminal: Terminal::new(TestBackend::new(columns, rows)).unwrap(),
            threads: tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap(),
            clock,
        };
        program.draw();
        let effects = start(&mut program.state);
        program.take(effects);
        program
    }

    /// Starts and reads everything.
    pub fn ready(fleet: Fleet, columns: u16, rows: u16) -> Self {
        let mut program = Self::start(Some(fleet), columns, rows);
        program.settle();
        program
    }

    fn moment(&self) -> Moment {
        Moment { at: self.now, clock: self.clock }
    }

    fn take(&mut self, effects: Vec<Effect>) {
        for effect in effects {
            self.begun.extend(towards_a_write(&effect));
            let asked = match &effect {
                Effect::Run(_, plan, approved) => {
                    let names: Vec<String> =
                        approved.iter().map(|a| plan.relationships[a.relationship()].name.to_string()).collect();
                    format!("run {}", names.join(" "))
                }
                Effect::Reset(_, plan, _) => format!("reset {}", plan.name),
                Effect::StartJob(_, _, _, done, title) => format!("job {title}, {} done", done.len()),
                Effect::CancelJob(_, job) => format!("cancel job {job}"),
                Effect::Cancel(_) => "cancel".into(),
                Effect::Abandon(_) => "abandon".into(),
                Effect::Declined(_) | Effect::DeclinedReset(_) => "declined".into(),
                Effect::Suspend => "suspend".into(),
                Effect::Copy(text) => format!("copy {text}"),
                Effect::Mouse(on) => format!("mouse {on}"),
                Effect::Repaint => "repaint".into(),
                Effect::View(_, texts, command) => {
                    format!("{} of {}\n{}", command.join(" "), texts.names.join(" and "), texts.texts.join("---\n"))
                }
                Effect::Bell => "bell".into(),
                Effect::Quit => "quit".into(),
                Effect::Leave => "leave".into(),
                Effect::ReadLog(from) => {
                    let since = self.messages.iter().filter(|message| message.seq >= *from);
                    self.event(Event::Logged(since.cloned().collect()));
                    continue;
                }
                Effect::LookAt(scopes) => {
                    self.looked_at = scopes.iter().map(scopesync::model::ScopeId::short).collect();
                    continue;
                }
                _ => {
                    self.pending.push_back(effect);
                    continue;
                }
            };
            self.asked.push(asked);
            let happens =
                matches!(effect, Effect::Run(..) | Effect::Reset(..) | Effect::StartJob(..) | Effect::CancelJob(..));
            if happens {
                self.pending.push_back(effect);
            }
        }
    }

    /// Lets the program hear something.
    pub fn event(&mut self, event: Event) {
        let now = self.moment();
        let effects = update(&mut self.state, event, now);
        self.take(effects);
    }

    /// Lets time pass, as the loop does: a frame is drawn, and what was typed before was handled.
    pub fn wait(&mut self, milliseconds: u64) {
        self.draw();
        self.now += Duration::from_millis(milliseconds);
        self.event(Event::Tick);
        self.draw();
    }

    /// Presses keys as the table spells them, separated by blanks, 50 ms apart. What they ask
    /// for is left pending.
    pub fn type_keys(&mut self, keys: &str) {
        for key in keys.split(' ').filter(|key| !key.is_empty()) {
            self.now += Duration::from_millis(50);
            self.event(Event::Key(event_of(key)));
        }
    }

    /// Presses keys and lets everything happen that they ask for, after each of them.
    pub fn press(&mut self, keys: &str) {
        for key in keys.split(' ').filter(|key| !key.is_empty()) {
            self.type_keys(key);
            self.settle();
        }
    }

    /// Lets the oldest piece of work happen.
    pub fn happen(&mut self) -> bool {
        let Some(effect) = self.pending.pop_front() else { return false };
        let (ticket, news) = self.perform(effect);
        self.event(Event::News(ticket, news));
        true
    }

    fn perform(&mut self, effect: Effect) -> (Ticket, News) {
        let ticket = match &effect {
            Effect::OpenDemo(ticket) => {
                let news = match self.demo.clone() {
                    Some(fleet) => News::Demo(fleet),
                    None => News::Failed("no room for it".into()),
                };
                return (*ticket, news);
            }
            Effect::SavePlan(ticket, ..) | Effect::Export(ticket, _) if !self.saves => {
                return (*ticket, News::Failed("no room for it".into()));
            }
            Effect::Jobs(ticket) | Effect::CancelJob(ticket, _) => {
                return (*ticket, News::Jobs(self.past.jobs.clone()));
            }
            Effect::StartJob(ticket, ..) => {
                return (*ticket, self.past.fails.clone().map_or(News::JobStarted(3), News::Failed));
            }
            Effect::Unsaved(ticket, servers) => {
                let left_over = scopesync::app::unsaved::of(servers.clone(), &self.journal);
                return (*ticket, News::Unsaved(left_over));
            }
            Effect::Runs(ticket, ..)
            | Effect::Interrupted(ticket)
            | Effect::Tell(ticket, _)
            | Effect::LeaveRun(ticket, _)
            | Effect::OpenRun(ticket, _) => {
                return (*ticket, self.past.answer(&effect));
            }
            Effect::Read(ticket, _)
            | Effect::Watch(ticket, ..)
            | Effect::Utilisation(ticket, _)
            | Effect::Compare(ticket, ..)
            | Effect::Open(ticket, ..)
            | Effect::Texts(ticket, ..)
            | Effect::Plan(ticket, ..)
            | Effect::Retry(ticket, ..)
            | Effect::Override(ticket, ..)
            | Effect::LeaveOut(ticket, ..)
            | Effect::SavePlan(ticket, ..)
            | Effect::Export(ticket, ..)
            | Effect::PlanReset(ticket, ..)
            | Effect::PlanUndo(ticket, ..)
            | Effect::PlanFinish(ticket, ..)
            | Effect::Reset(ticket, ..)
            | Effect::Run(ticket, ..) => *ticket,
            _ => unreachable!("not left pending"),
        };
        let fleet = self.state.fleet.clone().unwrap();
        let effect = match effect {
            Effect::PlanFinish(ticket, _) if !self.rest.is_empty() => {
                Effect::Plan(ticket, self.state.survey.clone(), self.rest.clone())
            }
            effect => effect,
        };
        if let Effect::PlanUndo(ticket, survey, run, scope) = effect {
            let undo = match Undo::new(&run, self.past.left.clone(), &[]) {
                Ok(undo) => undo,
                Err(error) => return (ticket, News::NotPlanned(error)),
            };
            let undo = scope.into_iter().fold(undo, |undo, scope| undo.only(&BTreeSet::from([scope])));
            let undo = async { plan_undo(&fleet, &survey, &run, undo, &self.journal, &Control::free()).await };
            return (ticket, self.threads.block_on(undo));
        }
        let control = Control::free();
        if self.cancelled {
            control.soft.cancel();
        }
        let told = Mutex::new(Vec::new());
        let tell = |news| told.lock().unwrap().push(news);
        let done = self.threads.block_on(work(effect, fleet, &self.journal, &tell, control));
        for news in told.into_inner().unwrap() {
            self.event(Event::News(ticket, news));
        }
        (ticket, done.unwrap_or_else(News::Failed))
    }

    /// Lets everything happen, and draws.
    pub fn settle(&mut self) {
        while self.happen() {}
        self.draw();
    }

    /// Draws a frame, as the loop does.
    pub fn draw(&mut self) {
        let mut drawn = ui::Drawn::default();
        self.terminal.draw(|frame| drawn = ui::draw(&self.state, &self.theme, frame)).unwrap();
        self.state.drawn(&drawn, self.now);
    }

    /// Gives the window another size.
    pub fn resize(&mut self, columns: u16, rows: u16) {
        self.terminal.backend_mut().resize(columns, rows);
        self.draw();
    }

    /// The picture.
    pub fn buffer(&self) -> &Buffer {
        self.terminal.backend().buffer()
    }

    /// The picture as text.
    pub fn text(&self) -> String {
        text(self.buffer())
    }

    /// The picture as text, and below it how each cell looks.
    pub fn picture(&self) -> String {
        format!("{}\n{}", self.text(), styles(self.buffer()))
    }

    /// The preview, where it is shown.
    pub fn preview(&self) -> Option<&scopesync::app::preview::Preview> {
        match &self.state.view {
            View::Preview(preview) => Some(preview),
            _ => None,
        }
    }
}

/// What an effect begins that writes, or that leads to a write.
fn towards_a_write(effect: &Effect) -> Option<&'static str> {
    Some(match effect {
        Effect::Plan(..) => "plan",
        Effect::Retry(..) => "retry",
        Effect::PlanUndo(..) => "undo",
        Effect::PlanFinish(..) => "finish",
        Effect::PlanReset(..) => "plan of a reset",
        Effect::LeaveRun(..) => "leaving a run",
        Effect::Run(..) => "run",
        Effect::StartJob(..) => "job",
        Effect::Reset(..) => "reset",
        _ => return None,
    })
}

/// A key as the table spells it.
pub fn event_of(text: &str) -> KeyEvent {
    let (text, control) = text.strip_prefix("Ctrl-").map_or((text, false), |rest| (rest, true));
    let code = match text {
        "Enter" => KeyCode::Enter,
        "Esc" => KeyCode::Esc,
        "Tab" => KeyCode::Tab,
        "Shift-Tab" => KeyCode::BackTab,
        "Up" => KeyCode::Up,
        "Down" => KeyCode::Down,
        "Left" => KeyCode::Left,
        "Right" => KeyCode::Right,
        "PgUp" => KeyCode::PageUp,
        "PgDn" => KeyCode::PageDown,
        "Home" => KeyCode::Home,
        "End" => KeyCode::End,
        "Space" => KeyCode::Char(' '),
        "Backspace" => KeyCode::Backspace,
        number if number.len() > 1 && number.starts_with('F') => KeyCode::F(number[1..].parse().unwrap()),
        one if one.chars().count() == 1 => KeyCode::Char(one.chars().next().unwrap()),
        other => panic!("{other} is no key"),
    };
    let modifiers = match code {
        _ if control => KeyModifiers::CONTROL,
        KeyCode::Char(c) if c.is_uppercase() => KeyModifiers::SHIFT,
        _ => KeyModifiers::NONE,
    };
    KeyEvent::new(code, modifiers)
}

fn text(buffer: &Buffer) -> String {
    let area = buffer.area;
    let rows = (area.top()..area.bottom()).map(|y| {
        let row: String = (area.left()..area.right()).map(|x| buffer[(x, y)].symbol()).collect();
        row.trim_end().to_owned()
    });
    rows.collect::<Vec<_>>().join("\n")
}

/// How each cell looks: a letter for each style, and what the letters mean.
fn styles(buffer: &Buffer) -> String {
    let area = buffer.area;
    let mut seen: Vec<Style> = vec![buffer_default()];
    let mut rows = Vec::new();
    for y in area.top()..area.bottom() {
        let row: String = (area.left()..area.right())
            .map(|x| {
                let style = buffer[(x, y)].style();
                let at = seen.iter().position(|known| *known == style).unwrap_or_else(|| {
                    seen.push(style);
                    seen.len() - 1
                });
                if at == 0 { ' ' } else { char::from(b'a' + u8::try_from(at - 1).unwrap()) }
            })
            .collect();
        rows.push(row.trim_end().to_owned());
    }
    let legend = seen.iter().enumerate().skip(1).map(|(at, style)| {
        let letter = char::from(b'a' + u8::try_from(at - 1).unwrap());
        format!("{letter}: {:?} on {:?} {:?}", style.fg.unwrap(), style.bg.unwrap(), style.add_modifier)
    });
    rows.into_iter().chain(legend).collect::<Vec<_>>().join("\n")
}

fn buffer_default() -> Style {
    ratatui::buffer::Cell::default().style()
}
