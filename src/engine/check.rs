//! Is everything in place: each server by itself, and what only both sides together tell.
//!
//! What only a family of servers knows, its adapter tells through
//! [`Server::examine`](super::port::Server::examine); the rest is told from a reading, so
//! that a check and a replication can never disagree about what they saw.

mod point;
mod relationship;
mod server;

use futures_util::future::join_all;

pub use point::{Point, Topic, Verdict};

use super::fleet::Fleet;
use super::port::{Control, Journal};
use super::survey::{Member, Survey};
use crate::model::{Foreign, Mode, ServerName};

/// What is asked of a check.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Asked {
    /// These servers; all without any.
    pub servers: Vec<ServerName>,
    /// Lets each server write a trial copy of its configuration beside its file: the only
    /// thing that a check ever writes.
    pub try_save: bool,
}

impl Asked {
    fn includes(&self, server: &ServerName) -> bool {
        self.servers.is_empty() || self.servers.contains(server)
    }
}

/// What was found.
#[derive(Clone, Debug)]
pub struct Report {
    /// The servers that were asked, in the configuration's order.
    pub servers: Vec<ServerCheck>,
    /// Their relationships.
    pub relationships: Vec<RelationshipCheck>,
}

/// What was found of one server.
#[derive(Clone, Debug)]
pub struct ServerCheck {
    /// Its name in the configuration.
    pub name: ServerName,
    /// Where it is reached.
    pub place: String,
    /// In the order of their topics.
    pub points: Vec<Point>,
}

/// What was found of one relationship.
#[derive(Clone, Debug)]
pub struct RelationshipCheck {
    /// Its name.
    pub name: Foreign,
    /// How the partners share the work.
    pub mode: Mode,
    /// Both members, primary first.
    pub members: [Member; 2],
    /// Seconds between both clocks, where they are known.
    pub clock_skew: Option<i64>,
    /// In the order of their topics.
    pub points: Vec<Point>,
}

impl Report {
    /// The worst of all verdicts.
    pub fn verdict(&self) -> Verdict {
        let points = self.servers.iter().flat_map(|server| &server.points);
        let points = points.chain(self.relationships.iter().flat_map(|relationship| &relationship.points));
        points.map(|point| point.verdict).max().unwrap_or(Verdict::Ok)
    }
}

/// Checks the servers side by side: one that hangs holds up nobody but the end. `told` is
/// called with each server when it has been checked.
pub async fn check(
    fleet: &Fleet,
    asked: &Asked,
    journal: Option<&dyn Journal>,
    ctl: &Control,
    told: &(dyn Fn(&ServerName) + Sync),
) -> Report {
    let wanted = fleet.servers().iter().filter(|server| asked.includes(server.name()));
    let looked = join_all(wanted.map(async |server| {
        let looked = server::look(&**server, asked.try_save, journal, ctl).await;
        told(server.name());
        looked
    }))
    .await;
    let mut reports = fleet.unread();
    let mut servers = Vec::new();
    for (check, outcome) in looked {
        if let Some(report) = reports.iter_mut().find(|report| report.name == check.name) {
            report.take(outcome);
        }
        servers.push(check);
    }
    let survey = Survey::new(reports, &fleet.names);
    for check in &mut servers {
        server::compare(check, &survey);
        check.points.sort_by_key(|point| point.topic);
    }
    let relationships = survey.relationships.iter().filter_map(|r| relationship::look(r, &survey, asked));
    Report { relationships: relationships.collect(), servers }
}
