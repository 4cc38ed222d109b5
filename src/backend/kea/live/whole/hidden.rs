//! Values that the server does not reveal, wherever they stand.
//!
//! Raw data of option 43 is shown empty by Kea 2.6 and 3.0, and a configuration that is sent
//! back so empties it: not only in the scopes that are written, but on the whole server.

use serde_json::Value;

use super::compare::Outline;
use crate::backend::kea::live::Known;
use crate::backend::kea::subnet;
use crate::backend::kea::subnet::option::{self, ReadOption};
use crate::engine::port::Refusal;
use crate::engine::{Error, ErrorKind, Result};

/// How many places a message names.
const NAMED: usize = 3;

/// Refuses where replacing the configuration would empty an option.
///
/// # Errors
/// When the configuration could not be understood.
pub(super) fn refusal(known: &Known) -> Result<Option<Refusal>> {
    let places = known.hidden.get_or_init(|| places(known)).clone()?;
    if places.is_empty() {
        return Ok(None);
    }
    let some = places.iter().take(NAMED).map(String::as_str).collect::<Vec<_>>().join(", ");
    let more = match places.len().saturating_sub(NAMED) {
        0 => String::new(),
        n => format!(" and {n} more"),
    };
    Ok(Some(Refusal {
        name: "option-43",
        message: format!(
            "the target does not reveal the value of option 43 of {some}{more}, and replacing its configuration would \
             empty it there"
        ),
        hint:
            "give option 43 as sub-options of vendor-encapsulated-options-space, or define code 43 as type binary; or \
               override it by this name and write the values again afterwards"
                .to_owned(),
        overridable: true,
    }))
}

fn places(known: &Known) -> Result<Vec<String>> {
    if known.surroundings.options.keeps_option_43() {
        return Ok(Vec::new());
    }
    let unread = |reason: &dyn std::fmt::Display| {
        Error::new(ErrorKind::Garbled, format!("whether option 43 would be emptied cannot be told: {reason}"))
    };
    let text = known.text.text();
    let outline = Outline::read(&text).map_err(|broken| unread(&broken))?;
    let mut places: Vec<String> =
        known.context.hidden.iter().map(|(kind, name)| format!("{} {name}", kind.words())).collect();
    let hosts = outline.global("reservations").unwrap_or(b"[]");
    let hosts: Vec<Value> = serde_json::from_slice(hosts).map_err(|error| unread(&error))?;
    for host in hosts {
        let options = option::list(host.get("option-data"), &known.surroundings).map_err(|reason| unread(&reason))?;
        if options.iter().any(ReadOption::is_hidden) {
            places.push("a global reservation".to_owned());
        }
    }
    for (id, subnet, network) in outline.subnets() {
        if subnet::hides(subnet, network, &known.surroundings).map_err(|reason| unread(&reason))? {
            places.push(format!("scope {id}"));
        }
    }
    Ok(places)
}
