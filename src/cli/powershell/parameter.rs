//! The cmdlet's parameters, and the common ones that PowerShell gives to every cmdlet.

use super::error::BindError;

/// Which parameter it is, for those that have a meaning here.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Which {
    Name,
    ScopeId,
    ComputerName,
    CimSession,
    ThrottleLimit,
    Force,
    AsJob,
    WhatIf,
    Confirm,
    Verbose,
    /// `-ErrorAction` and `-WarningAction`: the default is what scopesync does.
    Action,
    /// A common parameter without a meaning here, which takes a value.
    Other,
    /// A common parameter without a meaning here, which is a switch.
    OtherSwitch,
}

/// A parameter as PowerShell knows it.
#[derive(Debug)]
pub(super) struct Parameter {
    pub which: Which,
    pub name: &'static str,
    pub aliases: &'static [&'static str],
    /// The type of its argument.
    pub type_name: &'static str,
}

const SWITCH: &str = "System.Management.Automation.SwitchParameter";
const ACTION: &str = "System.Management.Automation.ActionPreference";

const fn parameter(
    which: Which,
    name: &'static str,
    aliases: &'static [&'static str],
    type_name: &'static str,
) -> Parameter {
    Parameter { which, name, aliases, type_name }
}

/// All parameters: those of the cmdlet in the order of its page, then the common ones.
pub(super) static PARAMETERS: [Parameter; 20] = [
    parameter(Which::Name, "Name", &[], "System.String[]"),
    parameter(Which::ScopeId, "ScopeId", &[], "System.Net.IPAddress[]"),
    parameter(Which::ComputerName, "ComputerName", &["Cn"], "System.String"),
    parameter(Which::Force, "Force", &[], SWITCH),
    parameter(Which::CimSession, "CimSession", &["Session"], "Microsoft.Management.Infrastructure.CimSession[]"),
    parameter(Which::ThrottleLimit, "ThrottleLimit", &[], "System.Int32"),
    parameter(Which::AsJob, "AsJob", &[], SWITCH),
    parameter(Which::WhatIf, "WhatIf", &["wi"], SWITCH),
    parameter(Which::Confirm, "Confirm", &["cf"], SWITCH),
    parameter(Which::Verbose, "Verbose", &["vb"], SWITCH),
    parameter(Which::OtherSwitch, "Debug", &["db"], SWITCH),
    parameter(Which::Action, "ErrorAction", &["ea"], ACTION),
    parameter(Which::Action, "WarningAction", &["wa"], ACTION),
    parameter(Which::Other, "InformationAction", &["infa"], ACTION),
    parameter(Which::Other, "ErrorVariable", &["ev"], "System.String"),
    parameter(Which::Other, "WarningVariable", &["wv"], "System.String"),
    parameter(Which::Other, "InformationVariable", &["iv"], "System.String"),
    parameter(Which::Other, "OutVariable", &["ov"], "System.String"),
    parameter(Which::Other, "OutBuffer", &["ob"], "System.Int32"),
    parameter(Which::Other, "PipelineVariable", &["pv"], "System.String"),
];

impl Parameter {
    /// The parameter that this text names, without its dash: its name, an alias, or the
    /// beginning of one that no other parameter has.
    ///
    /// PowerShell itself takes `-Co` for ComputerName and not for Confirm, because the one
    /// is the cmdlet's own and the other is not. What overwrites a server had rather ask.
    pub(super) fn find(text: &str) -> Result<&'static Parameter, BindError> {
        if let Some(exact) = PARAMETERS.iter().find(|p| p.names().any(|name| name.eq_ignore_ascii_case(text))) {
            return Ok(exact);
        }
        let begins = |name: &str| name.get(..text.len()).is_some_and(|start| start.eq_ignore_ascii_case(text));
        let found: Vec<&Parameter> = PARAMETERS.iter().filter(|p| p.names().any(begins)).collect();
        match found.as_slice() {
            [only] => Ok(only),
            [] => Err(BindError::NotFound(text.to_owned())),
            several => {
                let names = several.iter().map(|parameter| parameter.name).collect();
                Err(BindError::Ambiguous(text.to_owned(), names))
            }
        }
    }

    /// Whether it is a switch: its argument, if any, follows a colon.
    pub(super) fn is_switch(&self) -> bool {
        self.type_name == SWITCH
    }

    /// Whether scopesync does something by it.
    pub(super) fn has_meaning(&self) -> bool {
        !matches!(self.which, Which::Action | Which::Other | Which::OtherSwitch)
    }

    /// Its name and its aliases.
    pub(super) fn names(&self) -> impl Iterator<Item = &'static str> {
        std::iter::once(self.name).chain(self.aliases.iter().copied())
    }
}
