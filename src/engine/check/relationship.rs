//! What only both sides of a relationship together tell.

use super::{Asked, Point, RelationshipCheck, Topic, Verdict};
use crate::engine::survey::{Presence, Relationship, Survey};
use crate::engine::{membership, prerequisites};
use crate::model::{Condition, FindingSide, Severity};

/// `None` for a relationship of servers that were not asked.
pub(super) fn look(relationship: &Relationship, survey: &Survey, asked: &Asked) -> Option<RelationshipCheck> {
    if !relationship.members.iter().filter_map(|member| member.server()).any(|server| asked.includes(server)) {
        return None;
    }
    let mut points = vec![partner(relationship, survey)];
    points.extend((0..relationship.members.len()).map(|at| state(relationship, at)));
    points.extend(clocks(relationship));
    let mut members = relationship.members.clone();
    // everybody that is still to be read was not asked
    for member in &mut members {
        if let Presence::Pending(name) = &member.presence {
            member.presence = Presence::Failed(name.clone(), format!("{name} was not asked"));
        }
    }
    Some(RelationshipCheck {
        name: relationship.name.clone(),
        mode: relationship.mode.clone(),
        members,
        clock_skew: relationship.clock_skew,
        points,
    })
}

/// Whether both sides were read.
fn partner(relationship: &Relationship, survey: &Survey) -> Point {
    let somebody_not_asked = survey.servers.iter().any(|server| server.outcome.is_none());
    let missing = relationship.members.iter().find(|member| !matches!(member.presence, Presence::Read(_)));
    match missing.map(|member| (&member.presence, member)) {
        Some((Presence::Unpaired(name), _)) => {
            Point::new(Topic::Partner, Verdict::Failed, format!("{name} has no relationship {}", relationship.name))
                .hint(membership::RENEW)
        }
        None => {
            let names = relationship.members.each_ref().map(|member| member.shown());
            Point::ok(Topic::Partner, format!("{} and {}: both were read", names[0], names[1]))
        }
        Some((Presence::Pending(name), _)) => {
            Point::new(Topic::Partner, Verdict::NotAsked, format!("{name} is not one of the servers asked about"))
        }
        Some((Presence::Unsure(_), member)) if somebody_not_asked => {
            let found = format!("whether {} is configured: not all servers were asked", member.peer.name);
            Point::new(Topic::Partner, Verdict::NotAsked, found)
        }
        Some((Presence::NotConfigured(_), _)) if relationship.unsupported.is_some() => {
            Point::warning(Topic::Partner, relationship.unsupported.clone().unwrap_or_default())
        }
        Some((Presence::NotConfigured(reason) | Presence::Unsure(reason), member)) => {
            Point::warning(Topic::Partner, reason)
                .hint(format!("without it nothing of {} can be compared", member.peer.name))
        }
        Some((_, member)) => {
            let reason = member.absent().unwrap_or_else(|| member.shown());
            Point::new(Topic::Partner, Verdict::Failed, format!("not read: {reason}"))
        }
    }
}

/// A member's state, by its own word.
fn state(relationship: &Relationship, at: usize) -> Point {
    let member = &relationship.members[at];
    let shown = member.shown();
    let Some(state) = &member.state else {
        let verdict = match member.presence {
            Presence::Read(_) | Presence::Unpaired(_) => {
                let found = format!("{shown}: it tells of no state, as files do");
                return Point::new(Topic::State, Verdict::NotAsked, found);
            }
            Presence::Pending(_) => Verdict::NotAsked,
            _ => Verdict::Unknown,
        };
        let heard = member.heard.as_ref().map(|state| format!("; its partner last heard of it: {}", state.0));
        return Point::new(
            Topic::State,
            verdict,
            format!("{shown}: by its own word nothing{}", heard.unwrap_or_default()),
        );
    };
    let mode = &relationship.mode;
    let found = format!("{shown}: {}", state.explained(mode));
    // findings name the sides of a replication; here the first member stands for the source
    let side = if at == 0 { FindingSide::Source } else { FindingSide::Target };
    let finding = prerequisites::states(relationship, 0).into_iter().find(|finding| finding.side == side);
    match state.condition(mode) {
        Condition::Normal => match prerequisites::given_up(relationship, at) {
            Some(hint) => Point::warning(Topic::State, found).hint(hint),
            None => Point::ok(Topic::State, found),
        },
        Condition::Terminated => Point::new(Topic::State, Verdict::Failed, found).hint(SEE_DRIFT),
        Condition::CommunicationRecovery => Point::warning(Topic::State, found).hint(SEE_DRIFT),
        _ => Point { hint: finding.map(|finding| finding.hint), ..Point::warning(Topic::State, found) },
    }
}

const SEE_DRIFT: &str = "scopesync drift names the scopes behind it, and the way out";

fn clocks(relationship: &Relationship) -> Option<Point> {
    let apart = relationship.clock_skew?;
    let Some(finding) = prerequisites::clocks(relationship) else {
        return Some(Point::ok(Topic::Clocks, format!("{} s apart", apart.abs())));
    };
    let verdict = if finding.severity == Severity::Critical { Verdict::Failed } else { Verdict::Warning };
    Some(Point::new(Topic::Clocks, verdict, finding.message).hint(finding.hint))
}
