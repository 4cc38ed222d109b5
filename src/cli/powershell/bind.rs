//! Arguments become values of parameters, as PowerShell binds them.

use std::ffi::OsString;
use std::iter::Peekable;

use super::error::BindError;
use super::list::pieces;
use super::parameter::{Parameter, Which};
use crate::engine::select::ScopeSelector;

type Result<T> = std::result::Result<T, BindError>;

/// Values of the cmdlet's parameters.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Bound {
    /// As written, commas included: only who knows the names can tell where one ends.
    pub names: Option<String>,
    pub scope_ids: Vec<ScopeSelector>,
    pub computer_name: Option<String>,
    pub cim_sessions: Vec<String>,
    pub throttle_limit: Option<u32>,
    pub force: bool,
    pub as_job: bool,
    pub what_if: bool,
    pub confirm: Option<bool>,
}

/// What a line of parameters says.
#[derive(Debug, Default)]
pub(super) struct Bindings {
    pub bound: Bound,
    /// Options with two dashes and their values, as written.
    pub ours: Vec<OsString>,
}

/// Binds the parameters; `None` when help was asked for. `takes_value` tells of an option
/// with two dashes whether a value follows it; `None` when it does not belong here.
///
/// # Errors
/// What PowerShell would not bind, and what has no meaning here.
pub(super) fn bind(arguments: Vec<OsString>, takes_value: &dyn Fn(&str) -> Option<bool>) -> Result<Option<Bindings>> {
    let mut binder = Binder { arguments: arguments.into_iter().peekable(), literal: false, seen: Vec::new() };
    let mut found = Bindings::default();
    while let Some(argument) = binder.arguments.next() {
        match binder.meaning(&text_of(&argument)?) {
            Meaning::Parameter(name, _) if is_help(&name) => return Ok(None),
            Meaning::Parameter(name, value) => binder.parameter(&name, value, &mut found.bound)?,
            Meaning::Option(name) if is_help(&name) => return Ok(None),
            Meaning::Option(text) => {
                let name = text.split('=').next().unwrap_or_default();
                let takes_value = takes_value(name).ok_or_else(|| BindError::Positional(text.clone()))?;
                let value = (takes_value && name == text).then(|| binder.arguments.next()).flatten();
                found.ours.push(argument);
                found.ours.extend(value);
            }
            Meaning::Literally => binder.literal = true,
            Meaning::Value(text) => binder.positional(text, &mut found.bound)?,
        }
    }
    let bound = &found.bound;
    if !bound.scope_ids.is_empty() && bound.names.is_some() {
        return Err(BindError::Sets);
    }
    if bound.computer_name.is_some() && !bound.cim_sessions.is_empty() {
        return Err(BindError::TwoSources);
    }
    let selects = bound.names.is_some() || !bound.scope_ids.is_empty();
    if selects && found.ours.iter().any(|option| option == "--from-stdin") {
        return Err(BindError::Piped);
    }
    Ok(Some(found))
}

fn is_help(name: &str) -> bool {
    ["?", "h", "help", "--help"].iter().any(|help| help.eq_ignore_ascii_case(name))
}

fn text_of(argument: &OsString) -> Result<String> {
    let text = argument.to_str().map(str::to_owned);
    text.ok_or_else(|| BindError::NoText(argument.to_string_lossy().into_owned()))
}

/// What one argument is.
enum Meaning {
    /// `-Name`, `-Name:` or `-Name:value`.
    Parameter(String, Option<String>),
    /// `--name`
    Option(String),
    /// `--`: nothing that follows is a parameter.
    Literally,
    Value(String),
}

struct Binder<I: Iterator<Item = OsString>> {
    arguments: Peekable<I>,
    literal: bool,
    seen: Vec<Which>,
}

impl<I: Iterator<Item = OsString>> Binder<I> {
    fn meaning(&self, text: &str) -> Meaning {
        // PowerShell also takes the dashes that word processors make of a hyphen.
        let dash = |c: char| matches!(c, '-' | '\u{2013}' | '\u{2014}' | '\u{2015}');
        let begins_name = |c: char| c.is_alphabetic() || matches!(c, '_' | '?');
        match text.strip_prefix(dash) {
            Some("-") if !self.literal => Meaning::Literally,
            Some(rest) if !self.literal && rest.starts_with(begins_name) => match rest.split_once(':') {
                Some((name, value)) => Meaning::Parameter(name.to_owned(), Some(value.to_owned())),
                None => Meaning::Parameter(rest.to_owned(), None),
            },
            Some(rest) if !self.literal && rest.starts_with('-') => Meaning::Option(text.to_owned()),
            _ => Meaning::Value(text.to_owned()),
        }
    }

    /// The next argument, when it is a value.
    fn value(&mut self) -> Result<Option<String>> {
        let Some(next) = self.arguments.peek().map(text_of).transpose()? else { return Ok(None) };
        let Meaning::Value(text) = self.meaning(&next) else { return Ok(None) };
        self.arguments.next();
        Ok(Some(text))
    }

    /// A value and what belongs to it: a comma joins what stands before and behind it.
    fn list(&mut self, mut text: String) -> Result<String> {
        loop {
            let joins = match self.arguments.peek() {
                Some(next) => text.trim_end().ends_with(',') || text_of(next)?.starts_with(','),
                None => false,
            };
            match if joins { self.value()? } else { None } {
                Some(more) => text = format!("{text} {more}"),
                None => return Ok(text),
            }
        }
    }

    fn parameter(&mut self, name: &str, value: Option<String>, bound: &mut Bound) -> Result<()> {
        let parameter = Parameter::find(name)?;
        if self.seen.contains(&parameter.which) && parameter.has_meaning() {
            return Err(BindError::Twice(parameter.name));
        }
        self.seen.push(parameter.which);
        let missing = || BindError::Missing(parameter.name, parameter.type_name);
        let given = match value {
            None if parameter.is_switch() => return switch(parameter, true, bound),
            None => self.value()?.ok_or_else(missing)?,
            Some(text) if text.is_empty() => self.value()?.ok_or_else(missing)?,
            Some(text) => text,
        };
        match parameter.is_switch() {
            true => switch(parameter, truth(parameter, &given)?, bound),
            false => valued(parameter, self.list(given)?, bound),
        }
    }

    /// The first value that belongs to no parameter is the relationships' names.
    fn positional(&mut self, text: String, bound: &mut Bound) -> Result<()> {
        if self.seen.contains(&Which::Name) || self.seen.contains(&Which::ScopeId) {
            return Err(BindError::Positional(text));
        }
        let parameter = Parameter::find("Name")?;
        self.seen.push(parameter.which);
        valued(parameter, self.list(text)?, bound)
    }
}

fn truth(parameter: &Parameter, text: &str) -> Result<bool> {
    match text.to_ascii_lowercase().as_str() {
        "$true" | "true" | "1" => Ok(true),
        "$false" | "false" | "0" => Ok(false),
        _ => Err(BindError::switch(parameter, text)),
    }
}

fn switch(parameter: &Parameter, on: bool, bound: &mut Bound) -> Result<()> {
    match parameter.which {
        Which::Force => bound.force = on,
        Which::WhatIf => bound.what_if = on,
        Which::Confirm => bound.confirm = Some(on),
        Which::AsJob => bound.as_job = on,
        Which::OtherSwitch if on => return Err(BindError::Meaningless(parameter.name)),
        _ => {}
    }
    Ok(())
}

fn valued(parameter: &Parameter, text: String, bound: &mut Bound) -> Result<()> {
    let several = matches!(parameter.which, Which::Name | Which::ScopeId | Which::CimSession);
    let values: Vec<&str> = pieces(&text).iter().map(|piece| piece.text).collect();
    match values.as_slice() {
        [""] => return Err(BindError::Empty(parameter.name)),
        [_] => {}
        _ if !several => return Err(BindError::NotOne(parameter.name)),
        values if values.contains(&"") => return Err(BindError::Gap(parameter.name)),
        _ => {}
    }
    match parameter.which {
        Which::ScopeId => {
            bound.scope_ids = values.iter().map(|text| address(parameter, text)).collect::<Result<_>>()?
        }
        Which::CimSession => bound.cim_sessions = values.into_iter().map(str::to_owned).collect(),
        Which::ComputerName => bound.computer_name = values.first().map(|name| (*name).to_owned()),
        Which::ThrottleLimit => bound.throttle_limit = Some(number(parameter, &text)?),
        Which::Name => bound.names = Some(text),
        Which::Action if text.eq_ignore_ascii_case("continue") => {}
        _ => return Err(BindError::Meaningless(parameter.name)),
    }
    Ok(())
}

fn address(parameter: &Parameter, text: &str) -> Result<ScopeSelector> {
    text.parse().map_err(|error| BindError::Value {
        parameter: parameter.name,
        type_name: "System.Net.IPAddress",
        value: text.to_owned(),
        why: "Error: \"An invalid IP address was specified.\"",
        hint: format!("{error}"),
    })
}

fn number(parameter: &Parameter, text: &str) -> Result<u32> {
    let hint = || "write how many targets are written side by side; 0 lets scopesync choose".to_owned();
    let wrong = |why| BindError::Value {
        parameter: parameter.name,
        type_name: parameter.type_name,
        value: text.to_owned(),
        why,
        hint: hint(),
    };
    let number: i64 = text.trim().parse().map_err(|_| wrong("Error: \"Input string was not in a correct format.\""))?;
    let number =
        i32::try_from(number).map_err(|_| wrong("Error: \"Value was either too large or too small for an Int32.\""))?;
    u32::try_from(number).map_err(|_| BindError::BelowZero { parameter: parameter.name, value: number, hint: hint() })
}
