//! The reading of a whole server: which calls, in which order, and what is known in between.
//!
//! Relationships and scopes come first, then the other calls for the whole server, side by side;
//! then those for each scope; the options of reservations, one call each, come last. What the
//! operator looks at goes before the rest. So `11 + 4 S + P + R` calls: scopes, those of them with
//! policies, reservations.

mod call;
mod gathered;
mod plan;
#[cfg(test)]
mod tests;

use std::time::Duration;

use futures_util::StreamExt as _;
use futures_util::stream::FuturesUnordered;
use tokio::time::{Instant, sleep_until};

pub(super) use self::plan::{Plan, Wanted};
use super::cim::Dhcp;
use crate::engine::port::{Attention, Control};
use crate::engine::{Error, ErrorKind, Result};

/// Between two parts of a reading: as often as an eye can follow, not as often as a scope comes in.
const PACE: Duration = Duration::from_millis(200);

/// Asks until nothing is left to be asked, so many calls at once. `part` is called when the
/// scopes are listed, and from then on at a steady pace while anything moves.
///
/// # Errors
/// Cancelled, or what keeps the whole server from being read.
pub(super) async fn drive(
    dhcp: &Dhcp,
    at_once: usize,
    plan: &mut Plan,
    attention: &Attention,
    part: &mut (dyn FnMut(&mut Plan) + Send),
    ctl: &Control,
) -> Result<()> {
    let mut running = FuturesUnordered::new();
    let mut next_part: Option<Instant> = None;
    loop {
        // relationships and scopes go over the first connection that is ready: on others it would take
        // longer to prove who we are
        let most = if plan.is_listed() { at_once.max(1) } else { 1 };
        while running.len() < most
            && let Some(call) = plan.next(attention)
        {
            running.push(call::perform(dhcp, call));
        }
        let is_due = next_part.is_none_or(|at| at <= Instant::now());
        if is_due && plan.is_listed() && plan.moved() {
            part(plan);
            next_part = Some(Instant::now() + PACE);
        }
        tokio::select! {
            biased;
            () = ctl.hard.cancelled() => return Err(cancelled()),
            () = ctl.soft.cancelled(), if plan.ends_softly() => return Err(cancelled()),
            answered = running.next() => match answered {
                Some((call, given)) => plan.take(call, given)?,
                None => return Ok(()),
            },
            () = sleep_until(next_part.unwrap_or_else(Instant::now)), if next_part.is_some() && plan.moved() => {}
        }
    }
}

fn cancelled() -> Error {
    Error::new(ErrorKind::Cancelled, "cancelled while the server was read")
}
