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
    /// Puts the scope into the words of the server whose configuration this is.
    ///
    /// # Errors
    /// When the base no longer has the scope as the plan was made from.
    pub(super) fn new(work: &Work, base: &Known, outline: &Outline<'_>) -> Result<Self> {
        let now = outline.subnet(work.id)?;
        if !is_as_planned(work, base, now.as_ref()) {
            return Err(Error::new(ErrorKind::Moved, "somebody changed the scope on the target since the preview")
                .hint("make a new preview"));
        }
        Part::made(work, base, now.map(|(subnet, _)| subnet))
    }

    /// The same where this is the very configuration that the plan was made of: nothing in it needs
    /// to be compared, nor to be taken apart for that. `None` where that is not enough, as some
    /// reservations stand in a database.
    pub(super) fn as_planned(work: &Work, base: &Known) -> Option<Result<Self>> {
        (!base.hosts_database).then(|| Part::made(work, base, None))
    }

    /// `now` is the subnet as the configuration has it; `None` where it has none, or has it as the
    /// work has it.
    fn made(work: &Work, base: &Known, now: Option<Value>) -> Result<Self> {
        let numbers = [work.before.as_ref().and_then(|before| before.server_id()), work.wanted_id()];
        let Some(want) = &work.want else { return Ok(Part { id: work.id, numbers, wanted: None }) };
        let around = &base.surroundings;
        let network = want.network().cloned();
        if let Some(network) = network.as_ref().filter(|network| !around.has_network(network)) {
            return Err(Error::new(ErrorKind::Moved, format!("the target no longer has the shared network {network}"))
                .hint("make a new preview"));
        }
        let subnet = match &work.before {
            None => subnet::render(want, Style::Create, around).whole(),
            Some(_) if work.changes.iter().any(|change| change.key.in_reservation().is_some()) => {
                subnet::render(want, Style::Write, around).whole()
            }
            // what the configuration has, and not what a database adds to it
            Some(before) => {
                let subnet = subnet::render_own(want, Style::Write, around);
                with_reservations(subnet, now.as_ref().unwrap_or(&before.native))
            }
        };
        Ok(Part { id: work.id, numbers, wanted: Some(Wanted { network, text: subnet.to_string() }) })
    }
}

fn with_reservations(mut subnet: Value, now: &Value) -> Value {
    if let (Value::Object(subnet), Some(hosts)) = (&mut subnet, now.get("reservations")) {
        subnet.insert("reservations".to_owned(), hosts.clone());
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
