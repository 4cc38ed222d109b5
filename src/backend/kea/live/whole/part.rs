//! One scope's part of the new configuration.

use std::borrow::Cow;

use serde_json::Value;

use super::compare::Outline;
use super::compose::Wanted;
use crate::backend::kea::live::Known;
use crate::backend::kea::live::reread::Listed;
use crate::backend::kea::subnet::{self, Style};
use crate::engine::port::Work;
use crate::engine::{Error, ErrorKind, Result};
use crate::model::ScopeId;

/// A scope that is to be replaced, added or taken out.
#[derive(Clone, Debug)]
pub(super) struct Part {
    pub(super) id: ScopeId,
    /// The numbers by which the server knows it: now, and afterwards.
    pub(super) numbers: [Option<u32>; 2],
    /// `None` when the scope is taken out.
    pub(super) wanted: Option<Wanted>,
}

impl Part {
    /// Puts the scope into the words of the server.
    ///
    /// # Errors
    /// When the base no longer has the scope as the plan was made from.
    pub(super) fn new(work: &Work, base: &Known, outline: &Outline<'_>) -> Result<Self> {
        let now = outline.subnet(work.id)?;
        if !is_as_planned(work, base, now.as_ref()) {
            return Err(Error::new(ErrorKind::Moved, "somebody changed the scope on the target since the preview")
                .hint("make a new preview"));
        }
        let numbers = [work.before.as_ref().and_then(|before| before.server_id()), work.wanted_id()];
        let Some(want) = &work.want else { return Ok(Part { id: work.id, numbers, wanted: None }) };
        let style = if work.before.is_some() { Style::Write } else { Style::Create };
        let rendered = subnet::render(want, style, &base.surroundings);
        let network = rendered.network.clone();
        if let Some(network) = network.as_ref().filter(|network| !outline.has_network(network)) {
            return Err(Error::new(ErrorKind::Moved, format!("the target no longer has the shared network {network}"))
                .hint("make a new preview"));
        }
        let subnet = match now {
            // what the configuration has, and not what a database adds to it
            Some((subnet, _)) if !work.changes.iter().any(|change| change.key.in_reservation().is_some()) => {
                with_reservations(rendered.subnet, subnet)
            }
            _ => rendered.whole(),
        };
        Ok(Part { id: work.id, numbers, wanted: Some(Wanted { network, text: subnet.to_string() }) })
    }
}

fn with_reservations(mut subnet: Value, now: Value) -> Value {
    if let (Value::Object(subnet), Value::Object(mut now)) = (&mut subnet, now) {
        subnet.extend(now.shift_remove_entry("reservations"));
    }
    subnet
}

fn is_as_planned(work: &Work, base: &Known, now: Option<&(Value, Option<crate::model::Foreign>)>) -> bool {
    match (&work.before, now) {
        (None, None) => true,
        (Some(before), Some((subnet, network))) => {
            before.network() == network.as_ref() && own(&before.native, base) == own(subnet, base)
        }
        _ => false,
    }
}

/// Without reservations where some of them may come from a database: none are written there.
fn own<'a>(subnet: &'a Value, base: &Known) -> Cow<'a, Value> {
    let mut subnet = Cow::Borrowed(subnet);
    if base.hosts_database
        && let Value::Object(object) = subnet.to_mut()
    {
        object.shift_remove("reservations");
    }
    subnet
}

/// The target's subnets, as its configuration has them.
pub(super) fn listed(known: &Known) -> Vec<Listed> {
    let line = |(scope, id): (&ScopeId, &Option<u32>)| Some(Listed::new((*id)?, *scope));
    known.scopes.iter().filter_map(line).collect()
}
