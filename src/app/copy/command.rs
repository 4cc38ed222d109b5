//! Command lines that do what the keys would do, quoted for the shell that they are pasted into.
//!
//! Names come from servers. In a POSIX shell nothing between single quotes means anything, and
//! behind `--` no word is an option. PowerShell takes four typographic quotes for single quotes
//! as well; each of them stands for itself when it is doubled, and a quoted word is never taken
//! for a parameter.

use std::collections::BTreeMap;

use crate::app::pick;
use crate::app::state::{AppState, View};
use crate::cli::powershell::CMDLET;
use crate::engine::plan::Plan;
use crate::engine::select::Pick;
use crate::model::{Foreign, ScopeId, ServerName, is_harmful};

/// One word of a POSIX shell's command line, whatever is in it.
///
/// # Errors
/// In words: it has characters that must not reach a terminal.
pub fn posix(word: &str) -> Result<String, String> {
    check(word)?;
    let is_plain = |c: char| c.is_ascii_alphanumeric() || "-_./:,@%+".contains(c);
    if !word.is_empty() && word.chars().all(is_plain) {
        return Ok(word.to_owned());
    }
    Ok(format!("'{}'", word.replace('\'', r"'\''")))
}

/// One value of PowerShell's command line, whatever is in it.
///
/// # Errors
/// As [`posix`].
pub fn powershell(word: &str) -> Result<String, String> {
    check(word)?;
    let mut quoted = String::from("'");
    for c in word.chars() {
        quoted.push(c);
        // PowerShell Language Specification 3.0, 2.3.5.2: these are single quotes too
        if matches!(c, '\'' | '\u{2018}'..='\u{201b}') {
            quoted.push(c);
        }
    }
    quoted.push('\'');
    Ok(quoted)
}

fn check(word: &str) -> Result<(), String> {
    match word.chars().any(is_harmful) {
        true => Err(format!(
            "{:?} has characters that must not reach a terminal: mark its scopes and copy once more",
            Foreign::from(word)
        )),
        false => Ok(()),
    }
}

/// What one command is to replicate: scopes of one source, or a relationship as a whole.
struct Command<'a> {
    source: &'a ServerName,
    whole: Option<&'a Foreign>,
    ids: Vec<ScopeId>,
}

/// As few commands as there can be: a command has one source.
fn commands(picks: &[Pick]) -> Vec<Command<'_>> {
    let mut scopes: BTreeMap<&ServerName, Vec<ScopeId>> = BTreeMap::new();
    let mut commands = Vec::new();
    for pick in picks {
        match &pick.scopes {
            None => commands.push(Command { source: &pick.source, whole: Some(&pick.name), ids: Vec::new() }),
            Some(ids) => scopes.entry(&pick.source).or_default().extend(ids),
        }
    }
    commands.extend(scopes.into_iter().map(|(source, ids)| Command { source, whole: None, ids }));
    commands
}

/// Our command line for what would be replicated now. It asks, as the screen does.
///
/// # Errors
/// In words: there is nothing to replicate, or a name cannot be copied.
pub fn ours(state: &AppState) -> Result<String, String> {
    let (picks, _) = pick::picks(state)?;
    let lines: Result<Vec<String>, String> = commands(&picks)
        .into_iter()
        .map(|command| {
            let mut line = program(state)?;
            line.push_str(" replicate");
            if state.what_if {
                line.push_str(" --what-if");
            }
            line.push_str(&format!(" --computer-name={}", posix(command.source.as_str())?));
            match command.whole {
                Some(name) => line.push_str(&format!(" -- {}", posix(name.raw())?)),
                None => {
                    let ids: Vec<String> = command.ids.into_iter().map(|id| state.names.name(id)).collect();
                    line.push_str(&format!(" --scope-id={}", ids.join(",")));
                }
            }
            Ok(line)
        })
        .collect();
    // On one line: the first one asks, and must not take the next for an answer.
    Ok(lines?.join(" && "))
}

/// The same for `Invoke-DhcpServerv4FailoverReplication`.
///
/// # Errors
/// As [`ours`]; a source that PowerShell cannot address.
pub fn cmdlet(state: &AppState) -> Result<String, String> {
    let (picks, _) = pick::picks(state)?;
    let lines: Result<Vec<String>, String> = commands(&picks)
        .into_iter()
        .map(|command| {
            let mut line = format!("{CMDLET} -ComputerName {}", powershell(&computer_name(state, command.source)?)?);
            match command.whole {
                Some(name) => line.push_str(&format!(" -Name {}", powershell(name.raw())?)),
                None => {
                    let ids: Vec<String> = command.ids.iter().map(|id| format!("'{}'", id.network)).collect();
                    line.push_str(&format!(" -ScopeId {}", ids.join(",")));
                }
            }
            if state.what_if {
                line.push_str(" -WhatIf");
            }
            Ok(line)
        })
        .collect();
    Ok(lines?.join("; "))
}

/// Our command line for the relationships of a plan that are `meant`, given by their places: with what is left out of
/// it, and what is overridden.
///
/// # Errors
/// As [`ours`].
pub fn of_plan(state: &AppState, plan: &Plan, meant: impl Fn(usize) -> bool) -> Result<String, String> {
    if plan.undoes().is_some() {
        return Err("the history has the command line that undoes a run".into());
    }
    let left_out = plan.left_out_by_name();
    let mut lines = Vec::new();
    for (_, planned) in plan.relationships.iter().enumerate().filter(|(at, _)| meant(*at)) {
        let ids: Vec<ScopeId> = planned.to_write(&plan.overrides).map(|scope| scope.id).collect();
        let (Some(source), false) = (planned.servers().next(), ids.is_empty()) else { continue };
        let mut line = format!("{} replicate", program(state)?);
        if state.what_if {
            line.push_str(" --what-if");
        }
        line.push_str(&format!(" --computer-name={}", posix(source.as_str())?));
        let names: Vec<String> = ids.iter().map(|id| state.names.name(*id)).collect();
        line.push_str(&format!(" --scope-id={}", names.join(",")));
        for item in left_out.iter().filter(|item| ids.iter().any(|id| item.scope.matches(*id))) {
            line.push_str(&format!(" --leave-out={}", posix(&item.to_string())?));
        }
        plan.overrides.iter().for_each(|name| line.push_str(&format!(" --override={name}")));
        lines.push(line);
    }
    match lines.is_empty() {
        true => Err("nothing of this plan can be written".into()),
        false => Ok(lines.join(" && ")),
    }
}

/// The same for the plan that is shown, or for that of the run that is.
///
/// # Errors
/// As [`ours`]; there is no such plan.
pub fn planned(state: &AppState) -> Result<String, String> {
    if let View::Preview(preview) = &state.view {
        return of_plan(state, &preview.plan, |_| true);
    }
    let run = state.runs.current().ok_or("there is no run of this session here")?;
    let (plan, _) = run.approved.as_ref().ok_or("it replicates nothing")?;
    of_plan(state, plan, |at| run.route(at).is_some())
}

/// Whether the source is one that PowerShell can address, as far as one looks without picking.
pub fn cmdlet_can(state: &AppState) -> Result<(), String> {
    let marked = state.relations.iter().filter(|(_, relation)| !relation.marks.is_empty()).map(|(name, _)| name);
    let marked: Vec<_> = marked.filter_map(|name| state.relationship(name)).collect();
    let here = state.current().map(|(relationship, _)| relationship).filter(|_| marked.is_empty());
    let sources = marked.into_iter().chain(here).map(|relationship| pick::directed(state, relationship)[0]);
    sources.filter_map(|member| member.server()).try_for_each(|source| computer_name(state, source).map(drop))
}

fn computer_name(state: &AppState, server: &ServerName) -> Result<String, String> {
    let known = state.fleet.as_ref().and_then(|fleet| fleet.server(server));
    known.and_then(|known| known.computer_name()).ok_or_else(|| format!("{server} is no Windows server"))
}

/// The command line that takes back the run that the history is about.
///
/// # Errors
/// In words: there is none.
pub fn undo(state: &AppState) -> Result<String, String> {
    let run = state.history.subject().ok_or("there is no run here")?;
    let what_if = if state.what_if { " --what-if" } else { "" };
    Ok(format!("{} undo{what_if} {}", program(state)?, posix(&run.id)?))
}

/// The program, on the servers that are on the screen.
fn program(state: &AppState) -> Result<String, String> {
    let program = if state.setting.config_name == "demo" { "scopesync --demo" } else { "scopesync" };
    let Some(file) = &state.setting.config_file else { return Ok(program.to_owned()) };
    let file = file.to_str().ok_or("the name of the configuration file is no text")?;
    Ok(format!("{program} --config={}", posix(file)?))
}

#[cfg(test)]
mod tests;
