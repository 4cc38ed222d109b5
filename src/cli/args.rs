//! The arguments, as they are declared to the parser; what they do is elsewhere.

mod asking;
mod ha_reset;
mod history;
pub mod jobs;
mod recover;
mod told;
mod undo;
mod verifying;

use std::ffi::OsString;
use std::io::Write;
use std::path::PathBuf;
use std::process::ExitCode;

use clap::{Args, CommandFactory, Parser, Subcommand};
use clap_complete::Shell;

use super::Failure;
use super::console::Console;
use super::powershell::{self, Spelling};
use crate::app::action::VERBS;
use crate::app::keymap;
use crate::detached;
use crate::engine::plan::NamedItem;
use crate::engine::select::ScopeSelector;

pub use asking::Asking;
pub use ha_reset::HaReset;
pub use history::{History, HistoryCommand, ListRuns};
pub use jobs::Jobs;
pub use recover::{Recover, Way};
pub use undo::Undo;
pub use verifying::Verifying;

/// See how the scopes of DHCP failover partners have drifted, preview a
/// replication, confirm it, and replicate.
///
/// Without a command the interactive program starts.
#[derive(Debug, Clone, PartialEq, Eq, Parser)]
#[command(version, after_long_help = PROGRAM_NOTES)]
pub struct Cli {
    /// What holds for every command.
    #[command(flatten)]
    pub global: Global,
    /// Lines instead of a screen: for screen readers and serial lines
    ///
    /// Lists, previews, asks and runs by commands of a line each, in the same
    /// words. Where TERM is dumb this is what starts.
    #[arg(long)]
    pub plain: bool,
    /// The command; none is the interactive program.
    #[command(subcommand)]
    pub command: Option<Command>,
}

/// Arguments of every command.
#[derive(Debug, Clone, PartialEq, Eq, Args)]
#[command(next_help_heading = "For every command")]
pub struct Global {
    /// Configuration file
    ///
    /// Without it: the file that SCOPESYNC_CONFIG names, else config.toml in
    /// your configuration folder (~/.config/scopesync on Linux), else
    /// /etc/scopesync/config.toml. With --demo all but its servers and
    /// relationships holds for the demo pair.
    #[arg(long, global = true, value_name = "FILE")]
    pub config: Option<PathBuf>,
    /// Work on the demo pair instead of your servers
    ///
    /// The pair are two Kea configuration files in the state folder, made on
    /// first use. `scopesync demo reset` makes them anew. Keys, colours, limits
    /// and the like are those of your configuration, if there is one. Its runs and
    /// jobs are kept by themselves: history, undo, recover and jobs are about them
    /// with --demo, and never without.
    #[arg(long, global = true)]
    pub demo: bool,
    /// Never write to any server
    #[arg(long, global = true)]
    pub read_only: bool,
    /// Log file, or `off`
    ///
    /// Without it: what SCOPESYNC_LOG says, else what the configuration says,
    /// else one file a day in the state folder. The log never goes to the
    /// terminal.
    #[arg(long, global = true, value_name = "FILE|off")]
    pub log: Option<PathBuf>,
}

impl Global {
    /// The arguments that say the same.
    pub(super) fn arguments(&self) -> Vec<OsString> {
        let Global { config, demo, read_only, log } = self;
        let mut arguments = Vec::new();
        for (option, value) in [("--config", config), ("--log", log)] {
            arguments.extend(value.iter().flat_map(|value| [option.into(), value.clone().into_os_string()]));
        }
        for (option, given) in [("--demo", *demo), ("--read-only", *read_only)] {
            arguments.extend(given.then(|| option.into()));
        }
        arguments
    }
}

/// The commands.
#[derive(Debug, Clone, PartialEq, Eq, Subcommand)]
pub enum Command {
    /// List the failover relationships of the configured servers
    Relationships(Relationships),
    /// List the scopes of relationships
    Scopes(Scopes),
    /// Show how scopes differ between partners; writes nothing
    #[command(after_long_help = DRIFT_NOTES)]
    Drift(Drift),
    /// Make the partner's scopes equal to those of a server
    #[command(after_long_help = REPLICATE_NOTES)]
    Replicate(Replicate),
    /// Bring back what a run overwrote
    #[command(after_long_help = undo::NOTES)]
    Undo(Undo),
    /// Bring a terminated relationship back: reset both of its servers at once
    #[command(after_long_help = ha_reset::NOTES)]
    HaReset(HaReset),
    /// List past runs, show what one did and destroyed, export it
    #[command(after_long_help = history::NOTES)]
    History(History),
    /// Tell how far an interrupted run came; finish it, undo it or leave it
    #[command(after_long_help = recover::NOTES)]
    Recover(Recover),
    /// `replicate`, spelled as in PowerShell
    #[command(name = powershell::CMDLET, disable_help_flag = true, override_usage = powershell::USAGE)]
    #[command(long_about = powershell::ABOUT, after_long_help = powershell::NOTES)]
    Cmdlet {
        /// Parameters of the cmdlet, in any letter case
        #[arg(value_name = "PARAMETER", last = true, hide = true)]
        parameters: Vec<OsString>,
    },
    /// List jobs, wait for them, end them, get what they printed
    #[command(after_long_help = jobs::NOTES)]
    Jobs(Jobs),
    /// Carry out a job whose request comes on standard input
    #[command(name = detached::COMMAND, hide = true)]
    JobProcess {
        /// The job's number
        id: i64,
    },
    /// Check the configuration file and each server: reach, states, writing, saving
    #[command(after_long_help = CHECK_NOTES)]
    Check(Check),
    /// Print the keys of the interactive program that are in force
    #[command(after_long_help = KEYS_NOTES)]
    Keys(Keys),
    /// Deal with the demo pair
    #[command(subcommand)]
    Demo(Demo),
    /// Print the manual page
    Man,
    /// Print completions for a shell
    Completions {
        /// The shell
        shell: Shell,
    },
}

/// `scopesync relationships`
#[derive(Debug, Clone, PartialEq, Eq, Args)]
pub struct Relationships {
    /// Print JSON
    #[arg(long)]
    pub json: bool,
}

/// `scopesync scopes`
#[derive(Debug, Clone, PartialEq, Eq, Args)]
pub struct Scopes {
    /// Relationships; all without any
    #[arg(value_name = "NAME")]
    pub names: Vec<String>,
    /// Print JSON
    #[arg(long)]
    pub json: bool,
}

/// Which scopes, and from which server.
#[derive(Debug, Clone, Default, PartialEq, Eq, Args)]
pub struct Selection {
    /// Relationships; without any, and without --scope-id, all scopes of all
    /// relationships of the source
    #[arg(value_name = "NAME")]
    pub names: Vec<String>,
    /// Scopes by network address, such as 10.0.0.0
    ///
    /// With a prefix length, 10.0.0.0/24, where a server has two scopes on one
    /// address. Several are separated by commas, or the argument is repeated.
    #[arg(long = "scope-id", value_name = "ID", value_delimiter = ',')]
    pub scope_ids: Vec<ScopeSelector>,
    /// The source: the server that is copied from
    ///
    /// By its name in the configuration, or by a host or address that fits one
    /// server only. The target is its partner.
    #[arg(long, value_name = "SERVER")]
    pub computer_name: Option<String>,
    /// Read relationships or scopes from standard input, as JSON
    ///
    /// Objects, arrays of them, or one object a line: a ScopeId is that scope, a
    /// Name without a single ScopeId is that relationship. What scopesync itself
    /// prints as JSON can be read as well.
    #[arg(long, conflicts_with_all = ["names", "scope_ids"])]
    pub from_stdin: bool,
    /// In whose words the operator speaks.
    #[arg(skip)]
    pub spelling: Spelling,
}

/// `scopesync drift`
#[derive(Debug, Clone, PartialEq, Eq, Args)]
pub struct Drift {
    /// Which scopes, and from which server; without one the primary is the source.
    #[command(flatten)]
    pub selection: Selection,
    /// Print JSON
    #[arg(long)]
    pub json: bool,
}

/// `scopesync replicate`
#[derive(Debug, Clone, PartialEq, Eq, Args)]
pub struct Replicate {
    /// Which scopes, and from which server; without one nothing is replicated.
    #[command(flatten)]
    pub selection: Selection,
    /// Several sources, each with its partners as targets
    ///
    /// By name, host or address as with --computer-name; several are separated
    /// by commas. Both partners of a relationship cannot be named at once.
    #[arg(long = "cim-session", value_name = "SERVER", value_delimiter = ',', conflicts_with = "computer_name")]
    pub cim_sessions: Vec<String>,
    /// Leave this out: it stays on the target as it is; can be repeated
    ///
    /// ITEM is SCOPE:SECTION/NAME, such as 10.0.0.0:reservations/10.0.0.9, in
    /// the words of `scopesync drift --json`; for what belongs to a part of the
    /// scope NAME goes on with its owner: "10.0.0.0:options/dhcp4/3 of range
    /// 10.0.0.10-10.0.0.99". SCOPE alone is all of it. What fits nothing is an
    /// error.
    #[arg(long, value_name = "ITEM")]
    pub leave_out: Vec<NamedItem>,
    /// How to ask, and to answer.
    #[command(flatten)]
    pub asking: Asking,
    /// Ask, then replicate in a job that outlives this command and its terminal
    ///
    /// Prints the job; `scopesync jobs` follows it. It writes what was approved
    /// and nothing else: if a scope has changed since, nothing is written.
    #[arg(long)]
    pub as_job: bool,
    /// Highest number of targets written side by side; 0 lets scopesync choose
    #[arg(long, value_name = "N")]
    pub throttle_limit: Option<u32>,
}

impl Replicate {
    /// The servers that are copied from, as the operator names them.
    pub fn sources(&self) -> Vec<&str> {
        self.selection.computer_name.iter().chain(&self.cim_sessions).map(String::as_str).collect()
    }
}

/// `scopesync check`
#[derive(Debug, Clone, PartialEq, Eq, Args)]
pub struct Check {
    /// Servers by their names in the configuration; all without any
    #[arg(value_name = "SERVER")]
    pub servers: Vec<String>,
    /// Let each running server write a trial copy of its configuration
    ///
    /// Without it nothing is written anywhere. With it every server that is not
    /// read-only is told, without asking, to write scopesync-check.conf into the
    /// folder of its file. Kea cannot remove it again, and it holds all that
    /// runs, passwords too: remove it by hand.
    #[arg(long)]
    pub try_save: bool,
    /// Print JSON
    #[arg(long)]
    pub json: bool,
    /// Verifying a pair of Windows servers.
    #[command(flatten)]
    pub verifying: Verifying,
}

/// `scopesync keys`
#[derive(Debug, Clone, PartialEq, Eq, Args)]
pub struct Keys {
    /// Print JSON
    #[arg(long)]
    pub json: bool,
}

/// `scopesync demo`
#[derive(Debug, Clone, Copy, PartialEq, Eq, Subcommand)]
pub enum Demo {
    /// Make the demo pair anew, with all its drift
    Reset,
}

impl Cli {
    /// Reads the arguments, the program's name first. What is wrong with them,
    /// and help that was asked for, is printed; then the exit status is returned
    /// with which to end.
    ///
    /// # Errors
    /// 0 after help and version, 1 after a mistake. (The parser's own 2 would
    /// read as "there is drift".)
    pub fn read(arguments: impl IntoIterator<Item = OsString>) -> Result<Self, ExitCode> {
        Self::understand(arguments).map_err(|refused| match refused {
            Refused::Arguments(error) => {
                // A closed terminal leaves nobody to tell.
                let _ = error.print();
                status_after(&error)
            }
            Refused::Parameters(failure) => {
                Console::of_process().failure(&failure);
                ExitCode::FAILURE
            }
        })
    }

    /// Reads the arguments, the program's name first; the cmdlet's become ours.
    ///
    /// # Errors
    /// What is wrong with them, or help that was asked for.
    pub fn understand(arguments: impl IntoIterator<Item = OsString>) -> Result<Self, Refused> {
        match Self::try_parse_from(powershell::any_letter_case(arguments))? {
            Cli { global, command: Some(Command::Cmdlet { parameters }), .. } => powershell::read(&global, parameters),
            cli => Ok(cli),
        }
    }
}

/// Why arguments mean nothing.
#[derive(Debug, thiserror::Error)]
pub enum Refused {
    /// By the parser; help and version, too.
    #[error("{0}")]
    Arguments(clap::Error),
    /// Parameters of the cmdlet.
    #[error("{0}")]
    Parameters(Failure),
}

impl From<clap::Error> for Refused {
    fn from(error: clap::Error) -> Self {
        Refused::Arguments(error)
    }
}

fn status_after(error: &clap::Error) -> ExitCode {
    ExitCode::from(u8::from(error.use_stderr()))
}

/// The manual page of the program and its commands, in roff.
///
/// # Errors
/// None of its own: writing to memory does not fail.
pub fn manual() -> std::io::Result<Vec<u8>> {
    let mut page = Vec::new();
    let mut command = Cli::command();
    command.build();
    let man = clap_mangen::Man::new(command.clone());
    man.render_title(&mut page)?;
    sections(&man, &command, &mut page)?;
    let for_people = |sub: &&clap::Command| sub.get_name() != "help" && !sub.is_hide_set();
    let subcommands = || command.get_subcommands().filter(for_people);
    writeln!(page, ".SH COMMANDS")?;
    for sub in subcommands() {
        let about = sub.get_about().map(ToString::to_string).unwrap_or_default();
        writeln!(page, ".TP\n\\fBscopesync {}\\fR\n{}", roff(sub.get_name()), roff(&about))?;
    }
    notes(&command, &mut page)?;
    keys(&mut page)?;
    for sub in subcommands() {
        let sub = sub.clone().display_name(format!("scopesync {}", sub.get_name()));
        sections(&clap_mangen::Man::new(sub.clone()), &sub, &mut page)?;
        notes(&sub, &mut page)?;
        for part in sub.get_subcommands().filter(|part| part.get_name() != "help") {
            let name = format!("{} {}", sub.get_display_name().unwrap_or_default(), part.get_name());
            let part = part.clone().display_name(name);
            sections(&clap_mangen::Man::new(part.clone()), &part, &mut page)?;
        }
    }
    Ok(page)
}

fn sections(man: &clap_mangen::Man, command: &clap::Command, page: &mut Vec<u8>) -> std::io::Result<()> {
    man.render_name_section(page)?;
    man.render_synopsis_section(page)?;
    man.render_description_section(page)?;
    if command.get_arguments().next().is_some() {
        man.render_options_section(page)?;
    }
    Ok(())
}

/// The notes of the long help: each heading a section, its lines as they stand.
fn notes(command: &clap::Command, page: &mut Vec<u8>) -> std::io::Result<()> {
    let text = command.get_after_long_help().map(ToString::to_string).unwrap_or_default();
    for paragraph in text.split("\n\n").filter(|paragraph| !paragraph.trim().is_empty()) {
        match paragraph.split_once(":\n") {
            Some((heading, lines)) if !heading.contains('\n') => {
                writeln!(page, ".SH {}\n.nf\n{}\n.fi", heading.to_uppercase(), roff(lines))?;
            }
            _ => writeln!(page, ".PP\n{}", roff(paragraph))?,
        }
    }
    Ok(())
}

/// The keys of the interactive program, without those of a configuration.
fn keys(page: &mut Vec<u8>) -> std::io::Result<()> {
    writeln!(page, ".SH KEYS\n.PP\n{}", roff(KEYS_PARAGRAPH))?;
    for verb in VERBS {
        let keys: Vec<String> = verb.keys.iter().map(|key| format!("\\fB{}\\fR", roff(key))).collect();
        let text = format!("{} ({})", verb.about, keymap::places(verb));
        writeln!(page, ".TP\n{} ({})\n{}", keys.join(", "), roff(verb.name), roff(&text))?;
    }
    Ok(())
}

/// Text that roff shows as it is.
fn roff(text: &str) -> String {
    let escaped = text.replace('\\', "\\e").replace('-', "\\-");
    let line = |line: &str| if line.starts_with(['.', '\'']) { format!("\\&{line}") } else { line.to_owned() };
    escaped.lines().map(line).collect::<Vec<_>>().join("\n")
}

/// The completions for a shell.
pub fn completions(shell: Shell) -> Vec<u8> {
    let mut script = Vec::new();
    clap_complete::generate(shell, &mut Cli::command(), "scopesync", &mut script);
    script
}

const PROGRAM_NOTES: &str = "\
Examples:
  scopesync --demo                    try it on the demo pair, without any server
  scopesync                           the interactive program on your servers
  scopesync --plain                   the same in lines, for screen readers and serial lines
  scopesync drift                     what differs, for people
  scopesync drift --json              what differs, for programs
  scopesync replicate --computer-name kea-1 --what-if
                                      what would be copied from kea-1 to its partners

Exit status:
  0  all is well
  1  error
  3  a server, or a part of what it has, could not be read
  `drift` and `replicate` have more: see their --help. A session in plain mode
  ends with the highest status of what it ran.

Files:
  ~/.config/scopesync/config.toml       configuration; then /etc/scopesync/config.toml
  ~/.local/state/scopesync/history.db   what runs did and overwrote
  ~/.local/state/scopesync/audit.jsonl  who did what, one JSON object a line
  ~/.local/state/scopesync/demo         the demo pair, with a history and an
                                        audit of its own
  ~/.local/state/scopesync/logs         logs of the last seven days

Environment:
  SCOPESYNC_CONFIG     configuration file
  SCOPESYNC_STATE      folder for what is kept: history, audit, demo pair, logs
  SCOPESYNC_LOG        log file, or off
  SCOPESYNC_LOG_LEVEL  error, warn, info, debug or trace";

const DRIFT_NOTES: &str = "\
Without --computer-name the primary of each relationship is the source, and
the output says so.

Examples:
  scopesync drift
  scopesync drift Berlin --computer-name kea-1
  scopesync drift --scope-id 10.0.0.0,10.0.1.0/24 --json

Exit status:
  0  everything was read and nothing differs
  1  error: nothing can be said
  2  there is drift, or a critical finding
  3  something could not be read; there may be drift as well";

const KEYS_PARAGRAPH: &str = "\
In the interactive program, with the name of each action. The section [keys] of
the configuration gives actions other keys, by these names; `scopesync keys`
prints what is in force.";

const KEYS_NOTES: &str = "\
The section [keys] of the configuration gives actions other keys, by the names
printed here. A key that would mean two things in one place is an error.

Examples:
  scopesync keys
  scopesync keys --json | jq -r '.actions[] | select(.dangerous) | .name'

Exit status:
  0  all is well
  1  the configuration has mistakes";

const CHECK_NOTES: &str = "\
All servers are asked side by side, each within its own time-outs; nothing is
written without --try-save. Each line has a name, a verdict, what was found,
and what to do. Verdicts: ok, warning (it works, and you should know), failed,
unknown (it could not be told), not asked (with the reason).

Examples:
  scopesync check
  scopesync check kea-1 --try-save
  scopesync check --json
  scopesync check --verify-windows 10.0.9.0 --computer-name dhcp1 --what-if

Exit status:
  0  nothing failed; there may be warnings
  1  error: there is no configuration, it has mistakes, or it lacks the server
  3  something failed

With --verify-windows:
  0  every answer is one that is expected, and the scope is as it was
  1  refused, declined or failed before anything was written
  3  an answer is missing or another one, or the scope is not as it was";

const REPLICATE_NOTES: &str = "\
The scopes of the source are copied to the target, whose own are overwritten;
the preview lists what is created, changed and deleted there. Without --force
each relationship is asked about: yes, yes to all, no, no to all. Without a
terminal --force or --what-if is needed. A scope that only the target has is
reported and never deleted.

Each scope that was replicated is printed on standard output, one id a line;
everything else goes to standard error.

Examples:
  scopesync replicate --computer-name kea-1 --what-if
  scopesync replicate Berlin --computer-name kea-1
  scopesync replicate --scope-id 10.0.0.0 --computer-name kea-1 --force
  scopesync replicate --cim-session kea-1,kea-3 --what-if
  scopesync replicate --computer-name kea-1 --as-job
  scopesync drift --json | jq -c '.relationships[].scopes[] | select(.name == \"Lab\")' |
    scopesync replicate --from-stdin --computer-name kea-1

Exit status:
  0  every scope is replicated, verified and saved; with --what-if: shown; with
     --as-job: the job has begun, see `scopesync jobs` for how it ends
  1  refused, failed or interrupted before anything was written, as with Ctrl-C
     at the question; a selection that fits nothing
  3  some scope is not replicated, verified or saved, or was declined; with
     --what-if: something was blocked or could not be read";

#[cfg(test)]
mod tests;
