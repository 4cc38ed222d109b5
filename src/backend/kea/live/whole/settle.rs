//! Waiting until the target is back in service.

use std::time::{Duration, Instant};

use super::{Course, WholeWriter};
use crate::backend::kea::live::Known;
use crate::engine::port::Control;
use crate::engine::{Error, ErrorKind, Result};
use crate::model::{Membership, State};

impl WholeWriter {
    /// Waits until every relationship of the target is normal again. Nothing cuts it short
    /// but its limit: until then nobody knows whether clients are served.
    pub(super) async fn wait_for_service(&self, _ctl: &Control) -> Result<()> {
        let (base, load) = match &*self.course() {
            Course::Untouched => return Ok(()),
            Course::Interrupted { base, load, .. } => (base.clone(), *load),
        };
        let limit = limit(&base, load);
        let deadline = Instant::now() + limit;
        loop {
            let health = self.server.health_of(&base, &Control::free()).await;
            let waiting = match health {
                Ok(health) => match health.memberships.iter().find(|membership| !is_back(membership)) {
                    None => return Ok(()),
                    Some(membership) => told(membership),
                },
                Err(error) => error.what,
            };
            if Instant::now() >= deadline {
                let error = Error::new(
                    ErrorKind::TimedOut,
                    format!("it is not back in service after {} s: {waiting}", limit.as_secs()),
                )
                .on(self.server.channel().server())
                .hint("clients may get no answer from it: look at both servers' logs and states; do not restart its partner");
                if let Course::Interrupted { amiss, .. } = &mut *self.course() {
                    amiss.get_or_insert_with(|| error.clone());
                }
                return Err(error);
            }
            tokio::time::sleep(self.pace.poll).await;
        }
    }
}

/// Both sides are normal: the next write would be refused else.
pub(super) fn is_back(membership: &Membership) -> bool {
    let normal = |state: &Option<State>| state.as_ref().is_none_or(|state| state.is_normal(&membership.mode));
    normal(&membership.state) && normal(&membership.partner_state)
}

pub(super) fn told(membership: &Membership) -> String {
    let word = |state: &Option<State>| state.as_ref().map_or_else(|| "unknown".to_owned(), |state| state.0.to_string());
    format!("its state is {}, and that of its partner {}", word(&membership.state), word(&membership.partner_state))
}

/// A few heartbeats, the time after which a silent partner is given up, and what it took to load.
fn limit(_base: &Known, load: Duration) -> Duration {
    Duration::from_secs(3 * 10 + 60 + 60 + 10) + 2 * load
}
