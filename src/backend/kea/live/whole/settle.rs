//! Waiting until the target is back in service.

use std::time::{Duration, Instant};

use super::{Course, WholeWriter, cost};
use crate::engine::port::Control;
use crate::engine::progress::Waiting;
use crate::engine::trouble::seconds;
use crate::engine::{Error, ErrorKind, Result};
use crate::model::{Condition, Membership, State};

/// A server that serves alone for so many heartbeats will not find its partner by waiting.
const ALONE: u32 = 3;

impl WholeWriter {
    /// Waits until every relationship of the target is normal again, or as it was where it was
    /// not normal before. Only its limit and a hard cancel cut it short: until then nobody
    /// knows whether clients are served.
    pub(super) async fn wait_for_service(&self, ctl: &Control) -> Result<()> {
        let (base, before, loading, is_unread) = match &*self.course() {
            Course::Untouched => return Ok(()),
            Course::Interrupted { base, before, loading, is_unread, .. } => {
                (base.clone(), before.clone(), *loading, *is_unread)
            }
        };
        let began = Instant::now();
        let limit = cost::limit(&base, loading) + self.pace.grace;
        let expected = before.iter().map(|one| one.timing.heartbeat).max().unwrap_or_default();
        let (mut alone, mut silent): (Option<Instant>, Option<Instant>) = (None, None);
        let end = loop {
            let asked = Instant::now();
            let (standing, patience) = match self.server.health_of(&base, &Control::free()).await {
                Ok(health) => match health.memberships.into_iter().find(|one| !is_back(one, &before)) {
                    None => break Ok(()),
                    Some(membership) => {
                        let is_alone = condition(&membership.state, &membership) == Some(Condition::PartnerDown);
                        alone = is_alone.then(|| alone.unwrap_or_else(Instant::now));
                        silent = None;
                        let patience = alone.map(|since| (since, membership.timing.heartbeat * ALONE));
                        (Standing::Told(Box::new(membership)), patience)
                    }
                },
                Err(error) => {
                    let since = *silent.get_or_insert(asked);
                    (Standing::Silent(error), Some((since, if is_unread { Duration::ZERO } else { self.pace.silence })))
                }
            };
            let given_up = patience.is_some_and(|(since, patience)| since.elapsed() >= patience);
            if given_up || began.elapsed() >= limit || ctl.hard.is_cancelled() {
                break Err(standing.error(began.elapsed()));
            }
            let for_what = format!("{} is coming back: {}", self.server.channel().server(), standing.words());
            ctl.progress
                .update(|status| status.waiting = Some(Waiting { for_what, expected: Some(expected), run: None }));
            tokio::time::sleep(self.pace.poll).await;
        };
        ctl.progress.update(|status| status.waiting = None);
        end.map_err(|(error, serves)| {
            let error = self.server.on(error);
            // a server that serves clients with what was planned may be saved
            if !serves {
                self.is_amiss(error.clone());
            }
            error
        })
    }
}

/// What the target last said.
enum Standing {
    Told(Box<Membership>),
    Silent(Error),
}

impl Standing {
    fn words(&self) -> String {
        match self {
            Standing::Silent(error) => error.what.clone(),
            Standing::Told(membership) => {
                let word = |state: &Option<State>| match state {
                    Some(state) => state.explained(&membership.mode),
                    None => "unknown".to_owned(),
                };
                let [own, theirs] = [&membership.state, &membership.partner_state].map(word);
                format!("its state is {own}; of its partner it hears {theirs}")
            }
        }
    }

    /// What to tell when waiting is over, and whether the target serves clients all the same.
    fn error(&self, waited: Duration) -> (Error, bool) {
        let condition = match self {
            Standing::Told(membership) => condition(&membership.state, membership),
            Standing::Silent(_) => None,
        };
        let (hint, serves) = match condition {
            Some(Condition::Normal) => ("its partner does not see it as normal yet: look at the partner's state", true),
            Some(Condition::PartnerDown) => {
                ("it serves all clients alone: find out why its partner is not there", true)
            }
            Some(Condition::Terminated) => {
                ("it serves its clients without its partner: reset the relationship on both servers (ha-reset)", true)
            }
            Some(Condition::ComingBack) => (
                "it answers no client as long as it waits for its partner: look at the partner's state and log; where \
                 the partner is terminated, reset the relationship (ha-reset)",
                false,
            ),
            Some(_) => ("look at both servers' states and logs: it may answer no client", false),
            None => ("look whether it still runs, and at its log: its clients may get no answer", false),
        };
        let what = format!("not back as before after {}: {}", seconds(waited), self.words());
        (Error::new(ErrorKind::TimedOut, what).hint(hint), serves)
    }
}

fn condition(state: &Option<State>, membership: &Membership) -> Option<Condition> {
    state.as_ref().map(|state| state.condition(&membership.mode))
}

/// Whether both sides are normal; or, where they were not before, whether it serves.
fn is_back(now: &Membership, before: &[Membership]) -> bool {
    let normal = |one: &Membership| {
        [&one.state, &one.partner_state].iter().all(|state| condition(state, one) == Some(Condition::Normal))
    };
    let was_normal = before.iter().find(|one| one.key() == now.key()).is_none_or(normal);
    let serves = matches!(condition(&now.state, now), Some(Condition::Normal | Condition::PartnerDown));
    normal(now) || (!was_normal && serves)
}
