//! `Invoke-DhcpServerv4FailoverReplication`, as it is written in PowerShell, becomes `replicate`.
//!
//! The parameters are bound by PowerShell's rules and refused in its words. What the
//! cmdlet has no parameter for (`--config`, `--json`, `--override`...) is written as
//! everywhere else, with two dashes.

mod bind;
mod error;
mod list;
mod parameter;

use std::ffi::OsString;

use clap::{CommandFactory as _, Parser as _};

use super::Failure;
use super::args::{Cli, Command, Global, Refused};
use bind::Bound;
pub use list::values;

/// The cmdlet's name.
pub const CMDLET: &str = "Invoke-DhcpServerv4FailoverReplication";

/// The cmdlet's two parameter sets.
pub const USAGE: &str = "\
scopesync Invoke-DhcpServerv4FailoverReplication [[-Name] <String[]>]
           [-ComputerName <String>] [-CimSession <CimSession[]>]
           [-ThrottleLimit <Int32>] [-AsJob] [-Force] [-WhatIf] [-Confirm]
       scopesync Invoke-DhcpServerv4FailoverReplication -ScopeId <IPAddress[]>
           [-ComputerName <String>] [-CimSession <CimSession[]>]
           [-ThrottleLimit <Int32>] [-AsJob] [-Force] [-WhatIf] [-Confirm]";

/// What the cmdlet is, for its help.
pub const ABOUT: &str = "\
`replicate`, spelled as in PowerShell

Makes the scopes of the partners equal to those of the servers that are addressed.
Names are taken in any letter case, by their beginning where that is unambiguous,
and by their aliases; several values are separated by commas; -Switch:$false turns
a switch off. What the cmdlet has no parameter for is written as for `replicate`:
--config, --demo, --read-only, --log, --json, --override, --from-stdin.";

/// The second half of the cmdlet's help.
pub const NOTES: &str = "\
Parameters:
  -Name           relationships; without it, and without -ScopeId, all of the source
  -ScopeId        scopes by network address
  -ComputerName   the source: the server that is copied from (alias -Cn)
  -CimSession     several sources, each with its partners as targets (alias -Session)
  -ThrottleLimit  highest number of targets written side by side; 0: scopesync chooses
  -Force          do not ask, as -Confirm:$false; refusals for safety stand all the same
  -WhatIf         only show what would be done; nothing is written (alias -wi)
  -Confirm        ask, even with -Force (alias -cf)
  -Verbose        accepted; what it would tell is told without it
  -AsJob          ask, then replicate in a job of its own; see `scopesync jobs`

Examples:
  scopesync Invoke-DhcpServerv4FailoverReplication -ComputerName dhcpserver.contoso.com -Name SFO-SIN-Failover
  scopesync Invoke-DhcpServerv4FailoverReplication -ComputerName dhcpserver.contoso.com
  scopesync Invoke-DhcpServerv4FailoverReplication -ComputerName dhcpserver.contoso.com -ScopeId 10.10.10.0,20.20.20.0
  scopesync invoke-dhcpserverv4failoverreplication -cn kea-1 -wi '-confirm:$false'

Where it differs from Windows:
  The source must be named: no server is taken for the local one. -ComputerName and
  -CimSession exclude each other. Everything that is named is looked up before
  anything is written. Standard output has, as in Windows, the id of each scope that
  was replicated. A shell that takes $false for a variable of its own needs quotes,
  or -Force:false.

Exit status:
  As for `replicate`.";

/// In whose words the operator speaks, and is answered.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Spelling {
    /// `replicate --computer-name`
    #[default]
    Ours,
    /// `Invoke-DhcpServerv4FailoverReplication -ComputerName`
    Cmdlet,
}

impl Spelling {
    /// An option of ours as the operator would write it: `--what-if` or `-WhatIf`.
    pub fn option(self, ours: &str) -> String {
        match self {
            Spelling::Ours => ours.to_owned(),
            Spelling::Cmdlet => {
                let word = |word: &str| format!("{}{}", word[..1].to_ascii_uppercase(), &word[1..]);
                let words = ours.split('-').filter(|part| !part.is_empty()).map(word);
                format!("-{}", words.collect::<String>())
            }
        }
    }
}

/// The arguments with the cmdlet's name, in whatever letter case, as the parser knows it,
/// and its parameters out of the parser's reach.
pub(super) fn any_letter_case(arguments: impl IntoIterator<Item = OsString>) -> Vec<OsString> {
    let mut arguments: Vec<OsString> = arguments.into_iter().collect();
    if let Some(at) = arguments.iter().position(|argument| argument.eq_ignore_ascii_case(CMDLET)) {
        arguments[at] = CMDLET.into();
        if arguments.len() > at + 1 {
            arguments.insert(at + 1, "--".into());
        }
    }
    arguments
}

/// The command that the cmdlet's parameters mean.
///
/// # Errors
/// PowerShell would refuse them, or help was asked for.
pub(super) fn read(global: &Global, parameters: Vec<OsString>) -> Result<Cli, Refused> {
    let takes_value = |option: &str| ours(option).map(|argument| argument.get_action().takes_values());
    let line = bind::bind(parameters, &takes_value).map_err(|error| Refused::Parameters(Failure::from(error)))?;
    let Some(line) = line else { return Err(help()) };
    let words = std::iter::once("scopesync".into()).chain(global.arguments()).chain(["replicate".into()]);
    let mut cli = Cli::try_parse_from(words.chain(line.ours))?;
    if let Some(Command::Replicate(asked)) = &mut cli.command {
        fill_in(asked, line.bound);
    }
    Ok(cli)
}

/// Options that the cmdlet has no parameter for.
const OURS: [&str; 7] = ["config", "demo", "read-only", "log", "json", "override", "from-stdin"];

/// The declaration of an option that may be written among the cmdlet's parameters.
fn ours(option: &str) -> Option<clap::Arg> {
    let root = Cli::command();
    let replicate = root.find_subcommand("replicate")?;
    let name = option.strip_prefix("--")?;
    let mut all = root.get_arguments().chain(replicate.get_arguments());
    all.find(|argument| argument.get_long() == Some(name) && OURS.contains(&name)).cloned()
}

fn help() -> Refused {
    match Cli::try_parse_from(["scopesync", "help", CMDLET]) {
        Err(page) => Refused::Arguments(page),
        Ok(_) => Refused::Parameters(Failure::new("there is no help")),
    }
}

fn fill_in(asked: &mut super::args::Replicate, bound: Bound) {
    let selection = &mut asked.selection;
    selection.spelling = Spelling::Cmdlet;
    selection.names.extend(bound.names);
    selection.scope_ids = bound.scope_ids;
    selection.computer_name = bound.computer_name;
    asked.cim_sessions = bound.cim_sessions;
    asked.throttle_limit = bound.throttle_limit;
    asked.as_job = bound.as_job;
    asked.asking.what_if = bound.what_if;
    asked.asking.confirm = bound.confirm == Some(true);
    // Who turns the confirmation off does not want to be asked.
    asked.asking.force = bound.force || bound.confirm == Some(false);
}

#[cfg(test)]
mod tests;
