//! Plain mode: list, preview, confirm and run as lines, in the words of the screen, for screen
//! readers, serial lines and terminals that can do nothing but print.
//!
//! A session of commands on the same engine: what is listed has numbers, and the numbers are
//! what the commands take. Everything that the command line can do is there besides.

mod command;
mod leave;
mod list;
mod log;

use std::collections::BTreeMap;
use std::io;
use std::sync::Arc;

use tokio::runtime::Runtime;

use super::args::{Asking, Cli, Command, Global};
use super::console::Console;
use super::course::{Course, End};
use super::reading::{survey, waiting};
use super::replicate::AtTerminal;
use super::scopes::InUse;
use super::start::{self, Start};
use super::{Failure, history, jobs, on_servers, recover, scopes, warn_of_unsaved};
use crate::app::filter::Filter;
use crate::engine::compare::{self, Summary};
use crate::engine::fleet::Fleet;
use crate::engine::plan::Plan;
use crate::engine::port::Control;
use crate::engine::recovery;
use crate::engine::select::{Pick, Picked};
use crate::engine::survey::Survey;
use crate::history::History;
use crate::model::{Foreign, ServerName};
use crate::show::{self, Line, Role, ScopeNames};
use crate::signals::Signals;

use command::Order;
use leave::Left;
use list::List;

/// Runs the session until its input or the operator ends it, and returns the worst exit status
/// of what it ran.
///
/// # Errors
/// No configuration, or no server that can be read at the start.
pub(super) fn run(global: &Global, console: &mut Console) -> Result<u8, Failure> {
    let mut start = Start::new(global)?;
    start.warn(console);
    let fleet = start.servers()?;
    let history = start.history();
    warn_of_unsaved(&fleet, &history, console);
    recover::warn(&fleet, &history, console);
    let operator = start.operator();
    let mut session = Session {
        threads: start::threads()?,
        fleet,
        history,
        start,
        global,
        survey: Survey::default(),
        list: List::default(),
        sources: BTreeMap::new(),
        in_use: None,
        asking: Asking::default(),
        left: Left::default(),
        operator,
        worst: 0,
    };
    session.read(console)?;
    console.lines(&session.list.lines(&Filter::default(), false));
    console.line(&Line::of(0, Role::Plain, "h and Enter for help, q and Enter to end."));
    let status = session.serve(console);
    // A read that nobody waits for any more must not hold up the end.
    session.threads.shutdown_background();
    status
}

/// What is known between two commands.
struct Session<'a> {
    threads: Runtime,
    fleet: Fleet,
    history: History,
    start: Start,
    global: &'a Global,
    survey: Survey,
    list: List,
    /// The sources that the operator chose, by relationship.
    sources: BTreeMap<Foreign, ServerName>,
    /// Addresses in use, where they were asked for since the servers were read.
    in_use: Option<InUse>,
    /// WhatIf, Force and overrides, as they stand.
    asking: Asking,
    /// What is left out of the next replication.
    left: Left,
    operator: AtTerminal,
    worst: u8,
}

impl Session<'_> {
    fn serve(&mut self, console: &mut Console) -> Result<u8, Failure> {
        loop {
            console.flush();
            // What a Ctrl-C meant to end has ended by now.
            Signals::take_work();
            console.prompt(&self.prompt());
            let Session { threads, operator, .. } = self;
            let line = match threads.block_on(async { operator.line() }) {
                Ok(line) => line,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {
                    console.aside(&Line::new(0));
                    console.note("interrupted: the session ends");
                    return Ok(self.worst);
                }
                Err(error) => return Err(Failure::new(format!("the next command cannot be read: {error}"))),
            };
            if line.is_empty() {
                console.aside(&Line::new(0));
                return Ok(self.worst);
            }
            match Order::read(&line) {
                Ok(Order::Quit) => return Ok(self.worst),
                Ok(order) => {
                    if let Err(failure) = self.obey(order, console) {
                        self.tell(&failure, console);
                    }
                }
                // a mistake in typing, which has done nothing
                Err(failure) => console.failure(&failure),
            }
        }
    }

    /// Says why nothing came of a command. What was given up is no failure.
    fn tell(&mut self, failure: &Failure, console: &mut Console) {
        if failure.is_given_up {
            console.flush();
            console.aside(&Line::new(0));
            let left = failure.hint.as_deref().unwrap_or("the list is as it was");
            console.note(format_args!("{}; {left}", failure.message));
            return;
        }
        console.failure(failure);
        self.worst = self.worst.max(1);
    }

    /// What changes the meaning of commands stands before each one.
    fn prompt(&self) -> String {
        let mut text = String::from("scopesync");
        if self.fleet.read_only {
            text.push_str(" READ-ONLY");
        }
        if self.asking.what_if {
            text.push_str(" WHATIF, nothing is written");
        }
        if self.asking.force {
            text.push_str(" FORCE, replicate does not ask");
        }
        if let Some(count) = self.left.count() {
            text.push_str(&format!(" {count} LEFT OUT"));
        }
        text + "> "
    }

    fn obey(&mut self, order: Order, console: &mut Console) -> Result<(), Failure> {
        match order {
            Order::Nothing | Order::Quit => {}
            Order::Help => console.lines(&command::help()),
            Order::List { filter, all } => {
                let filter = Filter::fleet(&filter, &self.survey);
                for fault in &filter.faults {
                    console.line(&Line::of(0, Role::Warning, Foreign::cleaned(&fault.to_string())));
                }
                if filter.asks_for_use() {
                    self.ask_for_use(console)?;
                }
                console.lines(&self.list.lines(&filter, all));
            }
            Order::Drift(words) => self.drift(&words, console)?,
            Order::Preview(words) => self.replicate(&words, true, console)?,
            Order::Replicate(words) => self.replicate(&words, false, console)?,
            Order::Leave(words) => self.leave(&words, console)?,
            Order::Swap(words) => self.swap(&words, console)?,
            Order::Reload => {
                self.read(console)?;
                console.lines(&self.list.lines(&Filter::default(), false));
            }
            Order::WhatIf(wanted) => {
                self.asking.what_if = wanted.unwrap_or(!self.asking.what_if);
                let words = if self.asking.what_if { "on: plans are shown, nothing can be written" } else { "off" };
                console.line(&Line::of(0, Role::Plain, format!("WhatIf is {words}")));
            }
            Order::Force(wanted) => {
                self.asking.force = wanted.unwrap_or(!self.asking.force);
                let words = match self.asking.force {
                    true if self.asking.what_if => "on, but WhatIf is on too and wins: nothing is written",
                    true => "on: replicate does WITHOUT asking",
                    false => "off: replicate asks",
                };
                console.line(&Line::of(0, Role::Plain, format!("Force is {words}")));
            }
            Order::Override(names) => {
                self.asking.overrides = names;
                let words = match self.asking.overrides.as_slice() {
                    [] => "every refusal stands".to_owned(),
                    names => format!("overridden from now on: {}", names.join(", ")),
                };
                console.line(&Line::of(0, Role::Plain, words));
            }
            Order::Log(level) => console.lines(&log::lines(&self.start.recent(), level)),
            Order::CommandLine(words) => self.command_line(words, console)?,
        }
        Ok(())
    }

    /// Asks all servers again.
    fn read(&mut self, console: &mut Console) -> Result<(), Failure> {
        self.survey = self.threads.block_on(survey(&self.fleet, console))?;
        self.in_use = None;
        self.relist();
        Ok(())
    }

    fn relist(&mut self) {
        self.list = List::of(&self.fleet, &self.survey, &self.sources);
        self.in_use.iter().for_each(|told| self.list.fill(told));
    }

    /// Asks the servers how many addresses are in use, once after each reading.
    fn ask_for_use(&mut self, console: &mut Console) -> Result<(), Failure> {
        let Session { threads, fleet, survey, .. } = self;
        let told = match self.in_use.take() {
            Some(told) => told,
            None => threads.block_on(waiting(console, "reading leases".into(), scopes::in_use(fleet, survey)))?,
        };
        if told.is_empty() {
            let text = "no server tells how many addresses are in use: used: finds nothing";
            console.line(&Line::of(0, Role::Warning, text));
        }
        self.list.fill(&told);
        self.in_use = Some(told);
        Ok(())
    }

    fn drift(&self, words: &[String], console: &mut Console) -> Result<(), Failure> {
        let picked = self.list.pick(words)?;
        let names = ScopeNames::of(&self.survey).numbered(self.list.numbers(&picked));
        for pick in picked {
            let relationship = &self.survey.relationships[pick.relationship];
            let drift = compare::relationship(&self.survey, relationship, pick.source_member, &self.fleet.ignore)
                .only(|id| pick.contains(id));
            console.line(&show::relationship_title(relationship, pick.source_member));
            for line in show::relationship_drift(&drift, &names) {
                console.line(&line.deeper(2));
            }
            console.line(&show::summary(&Summary::of(&drift.scopes)).deeper(2));
        }
        Ok(())
    }

    /// Plans on what the servers say now, shows the plan, asks, and runs it.
    fn replicate(&mut self, words: &[String], only_show: bool, console: &mut Console) -> Result<(), Failure> {
        if words.is_empty() {
            return Err(
                Failure::new("what is to be replicated?").hint("give numbers of the list, ids of scopes, or all")
            );
        }
        // what is meant is settled by the list that the operator has read, not by the next one
        let meant = self.list.pick(words)?.into_iter().map(|picked| {
            let Picked { relationship, source_member, scopes } = picked;
            Pick::of(&self.survey.relationships[relationship], source_member, scopes).map_err(Failure::new)
        });
        let meant = meant.collect::<Result<Vec<_>, _>>()?;
        self.read(console)?;
        let picked = meant.iter().map(|pick| {
            pick.find(&self.survey).ok_or_else(|| {
                let Pick { name, source, target, .. } = pick;
                Failure::new(format!("{name} is no relationship of {source} and {target} any more"))
                    .hint("list shows what there is")
            })
        });
        let picked = picked.collect::<Result<Vec<_>, _>>()?;
        let asking = Asking { what_if: self.asking.what_if || only_show, ..self.asking.clone() };
        let left_out = self.left.items(&self.fleet, &self.survey, &picked);
        let control = Control::free();
        let names = ScopeNames::of(&self.survey).numbered(self.list.numbers(&picked));
        let survey = Arc::new(self.survey.clone());
        let plan = Plan::make_without(&self.fleet, survey, picked, asking.overridden(), &left_out, &control);
        let plan = self.threads.block_on(waiting(console, "planning".into(), plan));
        let plan = plan.map_err(|failure| failure.hint("nothing was written"))?;
        let plan = recovery::note(plan, &self.history);
        let by = self.history.who().person();
        let mut course = Course {
            fleet: &self.fleet,
            asking: &asking,
            journal: &self.history,
            by: &by,
            ask: &mut self.operator,
            console,
        };
        let plan = course.complete(plan, serde_json::json!({ "plain": words.join(" ") }))?;
        let refused = "nothing was written: everything that differs is refused or could not be read";
        let end = self.threads.block_on(course.carry_out(plan, &names, refused, None))?;
        self.worst = self.worst.max(end.status());
        if let End::Ran(plan, report) = &end {
            self.left.after(plan, report);
            self.read(console)?;
        }
        Ok(())
    }

    /// Exchanges source and target of relationships.
    fn swap(&mut self, words: &[String], console: &mut Console) -> Result<(), Failure> {
        for pick in self.list.pick(words)? {
            let relationship = &self.survey.relationships[pick.relationship];
            if let Some(source) = relationship.members[1 - pick.source_member].server() {
                self.left.forget(&relationship.name);
                self.sources.insert(relationship.name.clone(), source.clone());
            }
        }
        self.relist();
        console.lines(&self.list.lines(&Filter::default(), false));
        Ok(())
    }

    /// Does what the command line does with these words.
    fn command_line(&mut self, words: Vec<String>, console: &mut Console) -> Result<(), Failure> {
        let program = std::iter::once("scopesync".to_owned());
        let arguments = program.chain(words).map(Into::into).chain(self.global.arguments());
        let command = match Cli::understand(arguments) {
            Ok(Cli { command: Some(command), .. }) => command,
            Ok(_) => return Ok(()),
            Err(refused) => {
                console.aside(&Line::of(0, Role::Plain, refused.to_string().trim_end()));
                return Ok(());
            }
        };
        let status = match command {
            Command::History(asked) => history::run(&asked, self.global, console)?,
            Command::Jobs(asked) => jobs::run(&self.history, &asked, console)?,
            command => {
                let Session { threads, fleet, start, history, operator, .. } = self;
                threads.block_on(on_servers(command, fleet, start, history, operator, console))?
            }
        };
        self.worst = self.worst.max(status);
        self.read(console)
    }
}
