//! The command line: one file for each command, on the same engine as the interactive program.
//!
//! Results go to standard output, everything else to standard error. A command that fails
//! ends with exit status 1; what the others mean is the command's own.

pub mod args;
pub mod check;
pub mod console;
pub mod drift;
pub mod from_stdin;
pub mod ha_reset;
pub mod history;
pub mod jobs;
pub mod keys;
pub mod powershell;
pub mod recover;
pub mod relationships;
pub mod replicate;
pub mod scopes;
pub mod undo;
#[cfg(feature = "windows")]
pub mod verify_windows;

mod configuration;
mod course;
mod failure;
mod plain;
mod reading;
mod select;
mod start;
mod table;

use std::process::ExitCode;

use args::{Cli, Command};
use console::Console;
pub use failure::Failure;
use start::Start;

use crate::engine::fleet::Fleet;
use crate::engine::plan::{LOST, left_unsaved};
use crate::engine::port::{Journal as _, Unsaved};
use crate::history::History;
use crate::show::{Line, Role};
use crate::state::StateFolder;
use crate::{config, demo, detached, runtime};

/// Runs the program and returns its exit status.
pub fn main() -> ExitCode {
    let cli = match Cli::read(std::env::args_os()) {
        Ok(cli) => cli,
        Err(status) => return status,
    };
    let mut console = Console::of_process();
    let writes = match &cli.command {
        Some(Command::Replicate(asked)) => !asked.asking.what_if,
        Some(Command::Undo(asked)) => !asked.asking.what_if,
        Some(Command::HaReset(asked)) => !asked.asking.what_if,
        Some(Command::Check(asked)) => asked.verifying.scope.is_some() && !asked.verifying.what_if,
        Some(Command::Recover(asked)) => asked.way().is_some() && !asked.asking.what_if,
        _ => false,
    };
    let result = perform(cli, &mut console).and_then(|status| match console.finish() {
        Ok(()) => Ok(status),
        // What was done is done: status 1 would deny it.
        Err(error) if writes && status != 1 => {
            console.warning(format_args!("the result is not complete: {error}"));
            Ok(3)
        }
        Err(error) => Err(Failure::new(format!("the result cannot be written: {error}"))),
    });
    match result {
        Ok(status) => ExitCode::from(status),
        Err(failure) => {
            console.failure(&failure);
            ExitCode::from(1)
        }
    }
}

fn perform(cli: Cli, console: &mut Console) -> Result<u8, Failure> {
    let Cli { global, plain, command } = cli;
    if global.demo {
        console.speak_of_demo();
    }
    match command {
        Some(Command::Man) => {
            let page = args::manual().map_err(|error| Failure::new(format!("no manual page: {error}")))?;
            console.bytes(&page);
            Ok(0)
        }
        Some(Command::Completions { shell }) => {
            console.bytes(&args::completions(shell));
            Ok(0)
        }
        Some(Command::Demo(args::Demo::Reset)) => {
            let folder = demo::reset(&StateFolder::locate(&config::process_env)?)?;
            console.line(&Line::of(0, Role::Plain, format!("the demo pair in {} is as new", folder.display())));
            Ok(0)
        }
        None if plain || console.is_dumb() => {
            console.speak_in_lines();
            plain::run(&global, console)
        }
        None => {
            let (start, _log) = Start::new(&global)?.interactive()?;
            let told = runtime::run(start)?;
            Ok(told.map_or(0, |exit| exit.status()))
        }
        Some(Command::Keys(asked)) => keys::run(&asked, &global, console),
        Some(Command::History(asked)) => history::run(&asked, &global, console),
        Some(Command::Check(asked)) if asked.verifying.scope.is_none() => check::run(&asked, &global, console),
        Some(Command::Jobs(asked)) => {
            let history = History::of(&start::kept(&global));
            jobs::run(&history, &asked, console)
        }
        Some(Command::JobProcess { id }) => Ok(detached::carry_out(id)),
        Some(command) => ask_servers(command, &global, console),
    }
}

/// The commands that need servers.
fn ask_servers(mut command: Command, global: &args::Global, console: &mut Console) -> Result<u8, Failure> {
    let mut start = Start::new(global)?;
    start.warn(console);
    let mut fleet = start.servers()?;
    let history = start.history();
    warn_of_unsaved(&fleet, &history, console);
    if !matches!(command, Command::Recover(_)) {
        recover::warn(&fleet, &history, console);
    }
    let mut operator = start.operator();
    if let Some(selection) = selection_from_stdin(&mut command) {
        from_stdin::take(std::io::stdin().lock(), selection)?;
        operator = operator.beside_input();
        console.answered_by_terminal(operator.is_there());
    }
    let threads = start::threads()?;
    let status = threads.block_on(on_servers(command, &mut fleet, &start, &history, &mut operator, console));
    // A read that nobody waits for any more must not hold up the end.
    threads.shutdown_background();
    status
}

/// One of them, on servers that are known.
async fn on_servers(
    command: Command,
    fleet: &mut Fleet,
    start: &Start,
    history: &History,
    operator: &mut replicate::AtTerminal,
    console: &mut Console,
) -> Result<u8, Failure> {
    let by = history.who().person();
    match command {
        Command::Relationships(asked) => relationships::run(fleet, &asked, console).await,
        Command::Scopes(asked) => scopes::run(fleet, &asked, console).await,
        Command::Drift(asked) => drift::run(fleet, &asked, console).await,
        Command::HaReset(asked) => ha_reset::run(fleet, &asked, history, &by, operator, console).await,
        Command::Replicate(asked) => {
            if let Some(limit) = asked.throttle_limit {
                fleet.throttle_limit = usize::try_from(limit).unwrap_or(usize::MAX);
            }
            let handover = handover(asked.as_job, start, history)?;
            replicate::run(fleet, &asked, history, handover, &by, operator, console).await
        }
        Command::Recover(asked) => recover::run(fleet, &asked, history, &by, operator, console).await,
        Command::Undo(asked) => {
            let handover = handover(asked.as_job, start, history)?;
            undo::run(fleet, &asked, history, handover, &by, operator, console).await
        }
        #[cfg(feature = "windows")]
        Command::Check(asked) => verify_windows::run(fleet, &asked, history, &by, operator, console).await,
        #[cfg(not(feature = "windows"))]
        Command::Check(_) => Err(Failure::new("this program was built without Windows")),
        Command::Jobs(_)
        | Command::History(_)
        | Command::JobProcess { .. }
        | Command::Keys(_)
        | Command::Demo(_)
        | Command::Man
        | Command::Completions { .. }
        | Command::Cmdlet { .. } => Ok(0),
    }
}

/// What it takes to start a job, where one is asked for.
fn handover<'a>(as_job: bool, start: &Start, history: &'a History) -> Result<Option<replicate::Handover<'a>>, Failure> {
    let origin = if as_job { start.origin()? } else { None };
    Ok(origin.map(|origin| replicate::Handover { origin, history }))
}

/// The selection of a command that is to be read from standard input.
fn selection_from_stdin(command: &mut Command) -> Option<&mut args::Selection> {
    let selection = match command {
        Command::Drift(asked) => &mut asked.selection,
        Command::Replicate(asked) => &mut asked.selection,
        _ => return None,
    };
    selection.from_stdin.then_some(selection)
}

/// What an earlier run could not save is said until it is saved.
fn warn_of_unsaved(fleet: &Fleet, history: &History, console: &mut Console) {
    for server in fleet.servers() {
        let name = server.name();
        let lost = left_unsaved(&history.lost(name));
        match history.unsaved(name) {
            None => {}
            Some(Unsaved::Running) if let Some(lost) = lost => console.warning(format_args!("{name}: {lost}; {LOST}")),
            Some(Unsaved::Running) => console.warning(format_args!(
                "{name}: what an earlier run changed is running but not saved, and a restart of the server loses it; \
                 repeat what ran on it last (replicate, or undo) to save"
            )),
            Some(Unsaved::Broken) => console.warning(format_args!(
                "{name}: DO NOT RESTART IT: an earlier run could not save, and the server's file is incomplete; make \
                 room on its disk and repeat what ran on it last (replicate, or undo) to save"
            )),
        }
    }
}
