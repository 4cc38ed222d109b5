//! Why PowerShell would not run the cmdlet, in its own words, and what to do about it in ours.

use super::parameter::{PARAMETERS, Parameter};
use crate::cli::Failure;
use crate::model::Foreign;

/// A mistake in the cmdlet's parameters.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub(super) enum BindError {
    #[error("A parameter cannot be found that matches parameter name '{}'.", shown(.0))]
    NotFound(String),
    #[error(
        "Parameter cannot be processed because the parameter name '{}' is ambiguous. Possible matches include: -{}.",
        shown(.0), .1.join(" -")
    )]
    Ambiguous(String, Vec<&'static str>),
    #[error(
        "Cannot bind parameter because parameter '{0}' is specified more than once. To provide multiple values to \
         parameters that can accept multiple values, use the array syntax. For example, \
         \"-parameter value1,value2,value3\"."
    )]
    Twice(&'static str),
    #[error("Missing an argument for parameter '{0}'. Specify a parameter of type '{1}' and try again.")]
    Missing(&'static str, &'static str),
    #[error("Missing argument in parameter list.")]
    Gap(&'static str),
    #[error("A positional parameter cannot be found that accepts argument '{}'.", shown(.0))]
    Positional(String),
    #[error("Parameter set cannot be resolved using the specified named parameters.")]
    Sets,
    #[error("Cannot bind argument to parameter '{0}' because it is an empty string.")]
    Empty(&'static str),
    #[error("Cannot process argument transformation on parameter '{0}'. Cannot convert value to type System.String.")]
    NotOne(&'static str),
    #[error(
        "Cannot process argument transformation on parameter '{parameter}'. Cannot convert value \"{}\" to type \
         \"{type_name}\". {why}",
        shown(.value)
    )]
    Value { parameter: &'static str, type_name: &'static str, value: String, why: &'static str, hint: String },
    #[error(
        "Cannot validate argument on parameter '{parameter}'. The {value} argument is less than the minimum allowed \
         range of 0. Supply an argument that is greater than or equal to 0 and then try the command again."
    )]
    BelowZero { parameter: &'static str, value: i32, hint: String },
    #[error("-{0} is one of PowerShell's common parameters and has no meaning for scopesync")]
    Meaningless(&'static str),
    #[error("{} is no text", shown(.0))]
    NoText(String),
    #[error("-ComputerName and -CimSession both name the server that is copied from")]
    TwoSources,
    #[error("--from-stdin already says which scopes or relationships")]
    Piped,
}

/// What the operator wrote, safe on a terminal.
fn shown(text: &str) -> Foreign {
    Foreign::from(text)
}

impl BindError {
    /// The switch cannot be turned on or off by this value.
    pub(super) fn switch(parameter: &Parameter, value: &str) -> Self {
        BindError::Value {
            parameter: parameter.name,
            type_name: parameter.type_name,
            value: value.to_owned(),
            why: "Boolean parameters accept only Boolean values and numbers, such as $True, $False, 1 or 0.",
            hint: format!("write -{0}, '-{0}:$true' or '-{0}:$false'", parameter.name),
        }
    }

    fn hint(&self) -> String {
        match self {
            BindError::NotFound(name) => not_found(name),
            BindError::Ambiguous(..) => "write more of its name".into(),
            BindError::Twice(name) => format!("give -{name} once; several values are separated by commas"),
            BindError::Gap(name) => format!("between commas stands a value: -{name} a,b"),
            BindError::Missing(name, _) => missing(name),
            BindError::Positional(text) if text.starts_with("--") => {
                "the cmdlet's own parameters are written with one dash; -? lists them".into()
            }
            BindError::Positional(_) => {
                "only -Name may stand without its name; several values are separated by commas".into()
            }
            BindError::Sets => "-Name and -ScopeId exclude each other: a scope belongs to one relationship".into(),
            BindError::Empty(name) => format!("leave -{name} out, or give it a value"),
            BindError::NotOne(name) => format!("-{name} takes one server; -CimSession takes several"),
            BindError::Value { hint, .. } | BindError::BelowZero { hint, .. } => hint.clone(),
            BindError::Meaningless(_) => {
                "leave it out: errors go to standard error, and the exit status tells what became of the run".into()
            }
            BindError::NoText(_) => "names and addresses are written in UTF-8".into(),
            BindError::TwoSources => "name the sources with one of them; -CimSession takes several".into(),
            BindError::Piped => "leave out -Name and -ScopeId, or --from-stdin".into(),
        }
    }
}

/// The parameter whose name is near, or all of them.
fn not_found(name: &str) -> String {
    let likeness = |parameter: &str| {
        strsim::normalized_damerau_levenshtein(&name.to_ascii_lowercase(), &parameter.to_ascii_lowercase())
    };
    let meant = || PARAMETERS.iter().filter(|parameter| parameter.has_meaning()).map(|parameter| parameter.name);
    let nearest = meant().max_by(|a, b| likeness(a).total_cmp(&likeness(b))).filter(|name| likeness(name) >= 0.5);
    match nearest {
        Some(nearest) => format!("did you mean -{nearest}? -? lists the parameters"),
        None => format!("the parameters are -{}", meant().collect::<Vec<_>>().join(", -")),
    }
}

fn missing(name: &str) -> String {
    match PARAMETERS.iter().find(|parameter| parameter.name == name) {
        Some(parameter) if parameter.is_switch() => format!(
            "a shell that takes $false for a variable of its own leaves nothing of it: write '-{name}:$false' \
             in quotes, or -{name}:false"
        ),
        _ => format!("write -{name} and its value; a variable of the shell may be empty"),
    }
}

impl From<BindError> for Failure {
    fn from(error: BindError) -> Self {
        Failure::new(error.to_string()).hint(error.hint())
    }
}
