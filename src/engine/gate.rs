//! Whether the service of a target may be interrupted, by what it and its partners say.
//!
//! A target that is set up anew waits for its partner before it serves again: a heartbeat
//! where both are normal, far longer where they are not, and without end where the partner
//! has terminated the relationship. Each server's own word counts; what its partner last
//! heard of it only where it cannot be asked itself.

use std::collections::BTreeSet;
use std::sync::Arc;

use async_trait::async_trait;
use futures_util::future::join_all;

use super::Result;
use super::fleet::Fleet;
use super::port::{Control, Gate, Health, Refusal, Server};
use super::survey::{Presence, Survey};
use super::trouble::seconds;
use crate::model::{Condition, Foreign, Membership, ServerName};

/// With their clocks further apart the partners warn; at twice as much they part for good.
const CLOCKS_APART: u64 = 30;

/// One of a target's partners.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Partner {
    /// The name of the relationship.
    pub relationship: Foreign,
    /// Its name: as configured, else as the relationship has it.
    pub shown: String,
    /// Its entry in the configuration.
    pub server: Option<ServerName>,
    /// What its relationship is recognised by; see [`Membership::key`].
    key: Foreign,
}

/// What a partner says of itself; `None` where it cannot be asked.
type Word = Option<std::result::Result<Health, String>>;

/// The partners of a server in all its relationships, with what each said when it was read.
pub fn partners(survey: &Survey, target: &ServerName) -> Vec<(Partner, Word)> {
    let of = |relationship: &super::survey::Relationship| {
        let other = &relationship.members[1 - relationship.member_index(target)?];
        let told = |name: &ServerName| {
            let report = survey.servers.iter().find(|report| report.name == *name)?;
            Some(Ok(report.reading()?.health.clone()))
        };
        let word = match &other.presence {
            Presence::Read(name) => told(name),
            Presence::Pending(_) | Presence::Failed(..) => Some(Err(other.absent().unwrap_or_default())),
            Presence::Unpaired(_) | Presence::NotConfigured(_) | Presence::Unsure(_) => None,
        };
        let partner = Partner {
            relationship: relationship.name.clone(),
            shown: other.shown(),
            server: other.server().cloned(),
            key: relationship.key.clone(),
        };
        Some((partner, word))
    };
    survey.relationships.iter().filter_map(of).collect()
}

/// What stands against an interruption of the target, in any of its relationships.
pub fn refusals(target: &ServerName, health: &Health, partners: &[(Partner, Word)]) -> Vec<Refusal> {
    let of = |membership: &Membership| {
        let partner = partners.iter().find(|(partner, _)| partner.is_in(membership));
        Side { target, health, membership, partner }.refusals()
    };
    health.memberships.iter().flat_map(of).collect()
}

impl Partner {
    fn is_in(&self, membership: &Membership) -> bool {
        membership.key() == self.key
    }
}

/// One relationship of the target.
struct Side<'a> {
    target: &'a ServerName,
    health: &'a Health,
    membership: &'a Membership,
    partner: Option<&'a (Partner, Word)>,
}

impl Side<'_> {
    fn refusals(&self) -> Vec<Refusal> {
        self.by_state().into_iter().chain(self.by_clocks()).collect()
    }

    fn by_state(&self) -> Option<Refusal> {
        let mode = &self.membership.mode;
        let own = self.membership.state.as_ref();
        let theirs = match self.partner {
            Some((_, Some(Ok(health)))) => self.their(health).and_then(|membership| membership.state.as_ref()),
            _ => self.membership.partner_state.as_ref(),
        };
        let condition = |state: Option<&crate::model::State>| state.map(|state| state.condition(mode));
        let (partner, wait) = (self.name(), seconds(self.membership.timing.response_limit));
        let said = |state: Option<&crate::model::State>| state.map_or("unknown".to_owned(), |s| s.explained(mode));
        if condition(theirs) == Some(Condition::Terminated) {
            return Some(Refusal {
                name: "partner-terminated",
                message: format!(
                    "{partner} has terminated the relationship: {} would wait for it without end, and answer no client",
                    self.target
                ),
                hint: format!(
                    "reset the relationship on both servers first (scopesync ha-reset \"{}\"), then replicate",
                    self.relationship()
                ),
                overridable: false,
            });
        }
        if let Some(reason) = self.silence() {
            return Some(Refusal {
                name: "partner-unreachable",
                message: format!(
                    "{partner} is not there ({reason}): nobody would be served for {wait}, until {} gives it up",
                    self.target
                ),
                hint: "bring the partner back first; or override it by this name if that is meant".to_owned(),
                overridable: true,
            });
        }
        let normal = [condition(own), condition(theirs)].iter().all(|one| *one == Some(Condition::Normal));
        (!normal).then(|| Refusal {
            name: "state-not-normal",
            message: format!("{} is in state {}, {partner} in {}", self.target, said(own), said(theirs)),
            hint: format!(
                "wait until both are normal; or override it by this name: clients may then wait up to {wait}"
            ),
            overridable: true,
        })
    }

    /// Why the partner is taken for silent.
    fn silence(&self) -> Option<String> {
        match self.partner {
            Some((_, Some(Err(reason)))) => Some(reason.clone()),
            Some((_, Some(Ok(_)))) => None,
            _ => {
                let heard = self.membership.partner_state.as_ref().map(|state| state.0.raw());
                let interrupted = self.membership.contact.as_ref().and_then(|contact| contact.interrupted);
                (heard == Some("unavailable") || interrupted == Some(true))
                    .then(|| format!("{} does not hear of it", self.target))
            }
        }
    }

    fn by_clocks(&self) -> Option<Refusal> {
        let apart = match self.partner {
            Some((_, Some(Ok(Health { clock: Some(theirs), .. })))) => {
                self.health.clock.map(|ours| ours.saturating_sub(*theirs).as_secs())
            }
            _ => self.membership.clock_skew,
        };
        let apart = apart.map(i64::unsigned_abs).filter(|seconds| *seconds > CLOCKS_APART)?;
        Some(Refusal {
            name: "clocks-apart",
            message: format!("the clocks of {} and {} are {apart} s apart", self.target, self.name()),
            hint:
                "set the clocks of both first: the partners end the relationship when they are 60 s apart; or override \
                   it by this name"
                    .to_owned(),
            overridable: true,
        })
    }

    fn their<'h>(&self, health: &'h Health) -> Option<&'h Membership> {
        let (partner, _) = self.partner?;
        health.memberships.iter().find(|membership| partner.is_in(membership))
    }

    fn relationship(&self) -> Foreign {
        self.partner.map_or_else(|| self.membership.key(), |(partner, _)| partner.relationship.clone())
    }

    fn name(&self) -> String {
        match (self.partner, self.membership.pair()) {
            (Some((partner, _)), _) => partner.shown.clone(),
            (None, Some((first, second))) => {
                let other = if first.name == self.membership.this_server { second } else { first };
                other.name.to_string()
            }
            (None, None) => "its partner".to_owned(),
        }
    }
}

/// Asks a target and its partners afresh.
pub(super) struct Gatekeeper<'a> {
    target: Arc<dyn Server>,
    partners: Vec<(&'a Partner, Option<Arc<dyn Server>>)>,
    overrides: &'a BTreeSet<String>,
}

impl<'a> Gatekeeper<'a> {
    pub(super) fn new(
        fleet: &Fleet,
        target: Arc<dyn Server>,
        partners: &'a [Partner],
        overrides: &'a BTreeSet<String>,
    ) -> Self {
        let server = |partner: &Partner| partner.server.as_ref().and_then(|name| fleet.server(name)).cloned();
        Gatekeeper { target, partners: partners.iter().map(|partner| (partner, server(partner))).collect(), overrides }
    }
}

#[async_trait]
impl Gate for Gatekeeper<'_> {
    async fn ask(&self, ctl: &Control) -> Result<()> {
        let ask = |(partner, server): &(&Partner, Option<Arc<dyn Server>>)| {
            let (partner, server) = ((*partner).clone(), server.clone());
            async move {
                let word = match server {
                    Some(server) => Some(server.health(ctl).await.map_err(|error| error.what)),
                    None => None,
                };
                (partner, word)
            }
        };
        let (own, words) = tokio::join!(self.target.health(ctl), join_all(self.partners.iter().map(ask)));
        let standing =
            refusals(self.target.name(), &own?, &words).into_iter().find(|refusal| refusal.stands(self.overrides));
        match standing {
            None => Ok(()),
            Some(refusal) => Err(refusal.into_error()),
        }
    }
}
