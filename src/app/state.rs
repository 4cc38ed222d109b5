//! Everything that the screen shows, and nothing else.

use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Instant;

use jiff::tz::TimeZone;

use crate::config::ScreenConfig;
use crate::engine::approval::Switches;
use crate::engine::fleet::Fleet;
use crate::engine::port::Utilisation;
use crate::engine::survey::{Relationship, ServerReport, Survey};
use crate::model::{Foreign, ScopeId, ServerName};
use crate::show::ScopeNames;

use super::action::{Action, Place};
use super::detached::Handing;
use super::detail::Detail;
use super::drawn::{Drawn, Window};
use super::drift::DriftPane;
use super::effect::Ticket;
use super::export::Exporting;
use super::fleet::relation::Relation;
use super::fleet::rows::Row;
use super::fleet::tree::Tree;
use super::gate::Gate;
use super::help::HelpView;
use super::history::{HistoryView, Level, PastRun};
use super::keymap::{Begun, Keymap};
use super::list::Scroll;
use super::log::LogView;
use super::notice::Notices;
use super::palette::Palette;
use super::preview::Preview;
use super::reset::ResetView;
use super::runs::{Run, Runs};
use super::unsaved::LeftOver;
use super::watch::Watch;

/// The time, as the loop hands it in: `update` asks no clock.
#[derive(Clone, Copy, Debug)]
pub struct Moment {
    /// For intervals.
    pub at: Instant,
    /// For people and rates.
    pub clock: jiff::Timestamp,
}

impl Moment {
    /// Now.
    pub fn now() -> Self {
        Moment { at: Instant::now(), clock: jiff::Timestamp::now() }
    }
}

/// What the program was started with.
#[derive(Clone, Debug, Default)]
pub struct Setting {
    /// What the title calls the configuration.
    pub config_name: String,
    /// Where a configuration was looked for.
    pub searched: Vec<PathBuf>,
    /// Nothing may be written at all.
    pub read_only: bool,
    /// The configuration file.
    pub config_file: Option<PathBuf>,
    /// Who is asked.
    pub operator: String,
    /// How the program looks and behaves.
    pub screen: ScreenConfig,
    /// What the keys mean.
    pub keymap: Keymap,
    /// Where times are told; `None` for UTC.
    pub zone: Option<TimeZone>,
}

impl Setting {
    /// Where times are told.
    pub fn zone(&self) -> TimeZone {
        self.zone.clone().unwrap_or(TimeZone::UTC)
    }
}

/// One of the two panes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Pane {
    /// The list of relationships and scopes.
    #[default]
    List,
    /// The drift of the highlighted scope, or the findings of the relationship.
    Drift,
}

/// What covers the lists.
#[derive(Default)]
pub enum View {
    /// Nothing does.
    #[default]
    Browse,
    /// One change or finding in full.
    Detail(Detail),
    /// A plan is being made, for this.
    Planning {
        /// The work.
        ticket: Ticket,
        /// What was picked, in words.
        picked: String,
        /// Whose answers it waits for, in words.
        waits_for: String,
        /// The plan is shown and asked about, whatever Force says.
        asks: bool,
        /// It was asked for in the jobs view, where the operator is to be again without it.
        from_jobs: bool,
    },
    /// A plan.
    Preview(Box<Preview>),
    /// The reset of a relationship.
    Reset(Box<ResetView>),
    /// The runs.
    Jobs,
}

/// How the demo stands on the start page.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum Demo {
    /// Not asked for.
    #[default]
    Offered,
    /// Being opened.
    Opening(Ticket),
    /// Could not be opened.
    Failed(String),
}

/// How to end while a run is under way.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Quitting {
    /// The operator is asked.
    Asking,
    /// As soon as no run is under way.
    WhenIdle,
    /// As soon as jobs do what is left of the runs.
    HandingOver,
}

/// A click of the mouse.
#[derive(Clone, Copy, Debug)]
pub struct Click {
    /// The cell of the screen.
    pub cell: (u16, u16),
    /// The line of the list that stands there.
    pub line: usize,
    /// When.
    pub at: Instant,
}

/// How much a message matters.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Tone {
    /// An answer to a key.
    Plain,
    /// Something ended well.
    Good,
    /// A key does nothing here, or something needs a look.
    Warning,
    /// Something failed.
    Bad,
}

impl Tone {
    /// Keeps a text of the screen in the log.
    pub fn log(self, text: &str) {
        match self {
            Tone::Plain => tracing::debug!(target: "scopesync::screen", "{text}"),
            Tone::Good | Tone::Warning => tracing::info!(target: "scopesync::screen", "{text}"),
            Tone::Bad => tracing::warn!(target: "scopesync::screen", "{text}"),
        }
    }
}

/// The state of the interactive program.
pub struct AppState {
    /// What the program was started with.
    pub setting: Setting,
    /// The servers; `None` on the start page.
    pub fleet: Option<Arc<Fleet>>,
    /// The start page's offer.
    pub demo: Demo,
    /// What each server said last, before twins are refused.
    pub reports: Vec<ServerReport>,
    /// What the servers say together.
    pub survey: Arc<Survey>,
    /// How scopes are called.
    pub names: ScopeNames,
    /// Servers that are being read.
    pub reading: BTreeMap<ServerName, Ticket>,
    /// Those of them of which parts are shown.
    pub in_parts: BTreeSet<ServerName>,
    /// The scopes that are read before others.
    pub looked_at: Arc<[ScopeId]>,
    /// Relationships, by name.
    pub relations: BTreeMap<Foreign, Relation>,
    /// The list of them and of their scopes.
    pub tree: Tree,
    /// Servers that were asked for addresses in use since they were read.
    pub asked: BTreeSet<ServerName>,
    /// Addresses in use; `None` for a server that was asked and does not tell.
    pub utilisation: BTreeMap<ServerName, Option<BTreeMap<ScopeId, Utilisation>>>,
    /// Which pane the keys go to.
    pub focus: Pane,
    /// Whether the drift pane shows the findings of the relationship instead of the highlighted scope.
    pub about_relationship: bool,
    /// The drift pane.
    pub drift: DriftPane,
    /// What covers the lists.
    pub view: View,
    /// Our own log, over the lists.
    pub log: Option<LogView>,
    /// The question for the file that what is on the screen is exported to.
    pub exporting: Option<Exporting>,
    /// The menu of what can be copied, by the line of its cursor.
    pub copying: Option<usize>,
    /// The command palette, over the lists.
    pub palette: Option<Palette>,
    /// The help, over everything.
    pub help: Option<HelpView>,
    /// The runs.
    pub runs: Runs,
    /// Handing runs over to jobs.
    pub handing: Handing,
    /// Past runs.
    pub history: HistoryView,
    /// Past runs that were interrupted and wait to be settled, the newest first.
    pub interrupted: Vec<PastRun>,
    /// What earlier runs left amiss with the files of servers.
    pub left_over: LeftOver,
    /// Asking servers again and again.
    pub watch: Watch,
    /// Plans are shown and nothing can be written.
    pub what_if: bool,
    /// Replicates without asking. Off at every start.
    pub force: bool,
    /// The operator types a filter for the focused list.
    pub filtering: bool,
    /// The answer to the last key.
    pub message: Option<(Tone, String)>,
    /// It answers a key that has all servers read: how that went comes in its place.
    pub tells_of_reading: bool,
    /// Results of runs that were not seen yet.
    pub notices: Notices,
    /// How to end while a run is under way.
    pub quitting: Option<Quitting>,
    /// Keys that were pressed and begin something.
    pub begun: Option<Begun>,
    /// Whether the mouse is ours.
    pub mouse: bool,
    /// The last click of the mouse on a line.
    pub click: Option<Click>,
    /// What was drawn last.
    pub drawn: Drawn,
    /// When the last key came.
    pub last_key: Option<Instant>,
    /// The time of the last event.
    pub clock: jiff::Timestamp,
    next_ticket: u64,
}

impl AppState {
    /// The state at the start; `fleet` is what the configuration gives.
    pub fn new(setting: Setting, fleet: Option<Arc<Fleet>>, now: Moment) -> Self {
        let tree = Tree::new(&setting.screen);
        let watch = Watch::new(&setting.screen);
        let mouse = setting.screen.mouse;
        let mut state = AppState {
            setting,
            fleet: None,
            demo: Demo::Offered,
            reports: Vec::new(),
            survey: Arc::default(),
            names: ScopeNames::default(),
            reading: BTreeMap::new(),
            in_parts: BTreeSet::new(),
            looked_at: Arc::from([]),
            relations: BTreeMap::new(),
            tree,
            asked: BTreeSet::new(),
            utilisation: BTreeMap::new(),
            focus: Pane::List,
            about_relationship: false,
            drift: DriftPane::default(),
            view: View::Browse,
            exporting: None,
            log: None,
            copying: None,
            palette: None,
            help: None,
            runs: Runs::default(),
            handing: Handing::default(),
            history: HistoryView::default(),
            interrupted: Vec::new(),
            left_over: LeftOver::new(),
            watch,
            what_if: false,
            force: false,
            filtering: false,
            message: None,
            tells_of_reading: false,
            notices: Notices::default(),
            quitting: None,
            begun: None,
            mouse,
            click: None,
            drawn: Drawn::default(),
            last_key: None,
            clock: now.clock,
            next_ticket: 1,
        };
        if let Some(fleet) = fleet {
            super::reading::open(&mut state, fleet);
        }
        state
    }

    /// A new name for a piece of work.
    pub fn ticket(&mut self) -> Ticket {
        self.next_ticket += 1;
        Ticket(self.next_ticket)
    }

    /// Where keys go.
    pub fn place(&self) -> Place {
        if self.help.is_some() {
            return Place::Help;
        }
        if self.quitting == Some(Quitting::Asking) {
            return Place::Quitting;
        }
        if self.palette.is_some() {
            return Place::Palette;
        }
        if self.copying.is_some() {
            return Place::Copy;
        }
        self.beneath()
    }

    /// Where keys go when no menu, help or question stands before it.
    pub fn beneath(&self) -> Place {
        if self.log.is_some() {
            return Place::Log;
        }
        if self.fleet.is_none() {
            return Place::Start;
        }
        match &self.view {
            View::Detail(_) => Place::Detail,
            View::Planning { .. } => Place::Planning,
            View::Preview(_) => Place::Preview,
            View::Reset(_) => Place::Reset,
            View::Jobs => Place::Jobs,
            View::Browse if self.history.open => match self.history.level {
                Level::Runs => Place::History,
                Level::Scopes | Level::Destroyed => Place::PastRun,
            },
            View::Browse => match self.focus {
                Pane::List => match self.tree.row() {
                    Some(Row::Scope { .. }) => Place::Scopes,
                    _ => Place::Relationships,
                },
                Pane::Drift => Place::Drift,
            },
        }
    }

    /// The gate before the question that is asked.
    pub fn gate(&self) -> Option<&Gate> {
        match &self.view {
            View::Preview(preview) => Some(&preview.gate),
            View::Reset(reset) => Some(&reset.gate),
            _ => None,
        }
    }

    /// The same, to open and close it.
    pub fn gate_mut(&mut self) -> Option<&mut Gate> {
        match &mut self.view {
            View::Preview(preview) => Some(&mut preview.gate),
            View::Reset(reset) => Some(&mut reset.gate),
            _ => None,
        }
    }

    /// Whether the keys go to a question.
    pub fn is_asking(&self) -> bool {
        matches!(self.place(), Place::Preview | Place::Reset)
    }

    /// Whether keys are typed into the name of a file to export to.
    pub fn is_exporting(&self) -> bool {
        self.exporting.is_some() && !matches!(self.place(), Place::Help | Place::Quitting)
    }

    /// Whether keys are typed into a line that is asked for.
    pub fn is_typing(&self) -> bool {
        self.is_exporting() || self.is_naming()
    }

    /// Whether keys are typed into a line of the preview.
    fn is_naming(&self) -> bool {
        matches!(&self.view, View::Preview(preview) if preview.is_typing()) && self.place() == Place::Preview
    }

    /// WhatIf, Force and read-only as the engine understands them.
    pub fn switches(&self) -> Switches {
        Switches { what_if: self.what_if || self.setting.read_only, confirm: false, force: self.force }
    }

    /// The relationship of this name.
    pub fn relationship(&self, name: &Foreign) -> Option<&Relationship> {
        self.survey.relationships.iter().find(|relationship| relationship.name == *name)
    }

    /// The member that is the source of a relationship.
    pub fn source_member(&self, relationship: &Relationship) -> usize {
        let chosen = self.relations.get(&relationship.name).and_then(|relation| relation.source.as_ref());
        chosen.and_then(|server| relationship.member_index(server)).unwrap_or(0)
    }

    /// How many scopes are marked, in all relationships.
    pub fn marked(&self) -> usize {
        self.relations.values().map(|relation| relation.marks.len()).sum()
    }

    /// Whether what is known of a relationship is being read or compared again.
    pub fn is_stale(&self, relationship: &Relationship) -> bool {
        self.relations.get(&relationship.name).is_some_and(|relation| relation.stale)
            || relationship
                .members
                .iter()
                .filter_map(|m| m.server())
                .any(|server| self.reading.contains_key(server) && !self.in_parts.contains(server))
    }

    /// Takes note of what was drawn: windows, and that a question can be read now.
    pub fn drawn(&mut self, drawn: &Drawn, at: Instant) {
        let place = self.place();
        self.drawn = *drawn;
        let set = |scroll: &mut Scroll, window: Option<Window>| {
            if let Some(Window { top, height, len, .. }) = window {
                (scroll.top, scroll.height, scroll.len) = (top, height, len);
            }
        };
        if let Some(window) = drawn.fleet {
            (self.tree.top, self.tree.height) = (window.top, window.height);
        }
        set(&mut self.drift.scroll, drawn.drift);
        self.history.drawn(drawn);
        if let Some(log) = &mut self.log {
            set(&mut log.scroll, drawn.log);
        }
        if let Some(palette) = &mut self.palette {
            set(&mut palette.scroll, drawn.palette);
        }
        if let Some(help) = &mut self.help {
            set(&mut help.scroll, drawn.help);
        }
        if !drawn.too_small {
            self.runs.all.iter_mut().for_each(|run| run.seen = run.result.is_some());
        }
        match &mut self.view {
            View::Detail(detail) => set(&mut detail.scroll, drawn.detail),
            View::Preview(preview) => {
                set(&mut preview.scroll, drawn.preview);
                if drawn.too_small || place != Place::Preview {
                    preview.gate.close();
                } else if preview.asking().is_some() {
                    preview.gate.drawn(at);
                }
            }
            View::Reset(reset) => {
                set(&mut reset.scroll, drawn.reset);
                if drawn.too_small || place != Place::Reset {
                    reset.gate.close();
                } else if reset.is_asking() {
                    reset.gate.drawn(at);
                }
            }
            View::Jobs => {
                if let Some(scroll) = self.runs.scroll_mut() {
                    set(scroll, drawn.jobs);
                }
            }
            View::Browse | View::Planning { .. } => {}
        }
    }

    /// When something changes although nothing happens.
    pub fn next_tick(&self, now: Instant) -> Option<Instant> {
        let gate = self.gate().filter(|_| self.is_asking()).and_then(Gate::opens_at);
        let moves = self.running().next().is_some() || self.follows_jobs();
        let second = (moves || self.log.is_some()).then(|| now + std::time::Duration::from_secs(1));
        let behind = self.relations.values().filter(|relation| relation.behind && relation.comparing.is_none());
        gate.into_iter()
            .chain(second)
            .chain(behind.filter_map(|relation| relation.rests_until))
            .chain(self.watch.next_tick(now))
            .min()
    }

    /// Whether jobs are looked at, or are under way.
    pub fn follows_jobs(&self) -> bool {
        matches!(self.view, View::Jobs) || self.runs.jobs.iter().any(|job| !job.state.is_over())
    }

    /// Whether keys go to the palette.
    pub fn is_commanding(&self) -> bool {
        self.place() == Place::Palette
    }

    /// The key to name for an action.
    pub fn key(&self, action: Action) -> String {
        self.setting.keymap.key(action)
    }

    /// Answers a key. The log keeps what the next key takes from the screen.
    pub fn say(&mut self, tone: Tone, text: impl Into<String>) {
        let text = text.into();
        tone.log(&text);
        self.message = Some((tone, text));
        self.tells_of_reading = false;
    }

    /// Takes the answer to a key away.
    pub fn hush(&mut self) {
        self.message = None;
        self.tells_of_reading = false;
    }

    /// The scopes of a relationship that a run under way is to write.
    pub fn in_flight<'a>(&'a self, name: &'a Foreign) -> impl Iterator<Item = ScopeId> + 'a {
        let routes = self.running().flat_map(|run| &run.routes).filter(move |route| route.name == *name);
        routes.flat_map(|route| route.scopes.iter().copied())
    }

    /// The runs that have not ended.
    pub fn running(&self) -> impl Iterator<Item = &Run> {
        self.runs.all.iter().filter(|run| run.result.is_none())
    }
}
