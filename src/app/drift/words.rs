//! Scopes, changes and findings in words.

use crate::engine::compare::ScopeDrift;
use crate::engine::prerequisites::visible_pair;
use crate::engine::survey::Presence;
use crate::model::{Change, ChangeKind, DriftState, FieldChange, Finding, FindingSide, Owner, Severity};
use crate::show::plural;

use super::super::compared::{Compared, counts_of};
use super::super::pick;
use super::super::state::AppState;
use super::super::unsaved;
use super::Subject;

/// How a scope stands and what a replication would do, in words.
pub fn state_words(scope: &ScopeDrift) -> String {
    let ignored: usize = scope.ignored.values().sum();
    match ignored {
        0 => standing(scope),
        ignored => format!("{}; {} ignored by rules", standing(scope), plural(ignored, "difference")),
    }
}

fn standing(scope: &ScopeDrift) -> String {
    let [create, update, delete] = counts_of(scope);
    match scope.state {
        DriftState::OnlyOnTarget => {
            format!("only on target: {} items, never deleted by a replication", scope.changes.len())
        }
        _ if scope.changes.is_empty() => scope.state.words().to_owned(),
        _ => {
            format!("{}: on the target {create} to create, {update} to update, {delete} to delete", scope.state.words())
        }
    }
}

/// A severity in words.
pub fn severity_word(severity: Severity) -> &'static str {
    match severity {
        Severity::Critical => "critical",
        Severity::Warning => "warning",
        Severity::Info => "info",
    }
}

/// Where a finding lies, in words.
pub fn side_word(side: FindingSide) -> &'static str {
    match side {
        FindingSide::Source => "source",
        FindingSide::Target => "target",
        FindingSide::Both => "both sides",
    }
}

/// A finding in one line.
pub fn finding_line(finding: &Finding) -> String {
    format!("{} ({}): {}", severity_word(finding.severity), side_word(finding.side), finding.message)
}

/// A change in one line, without its fields.
pub fn change_line(change: &Change) -> String {
    let mut line = format!("{} {} {}", change.change.sign(), change.change.word(), described(change));
    if change.becomes_explicit {
        line.push_str(" (inherited on the source, becomes explicit on the target)");
    }
    line
}

/// What a change is about: `reservation 10.0.0.10`, `option routers (dhcp4/3) of range …`.
pub fn described(change: &Change) -> String {
    let owner = match &change.key.owner {
        Owner::Scope => String::new(),
        owner => format!(" of {owner}"),
    };
    let mut text = format!("{} {}{owner}", change.key.kind.word(), change.title());
    if let Some(other) = &change.moved {
        match change.change {
            ChangeKind::Delete => text.push_str(&format!(" (the client moves to {})", other.name)),
            _ => text.push_str(&format!(" (the client moves here from {})", other.name)),
        }
    }
    text
}

/// Both values of a field, source first, so that a difference can be seen.
pub fn values(field: &FieldChange) -> (String, String) {
    visible_pair(field.source.as_ref().map(|v| &v.canonical), field.target.as_ref().map(|v| &v.canonical))
}

/// How many scopes of a relationship stand how, in words.
pub fn summary_words(compared: &Compared) -> String {
    let sum = &compared.summary;
    if compared.pending && sum.checking == sum.scopes {
        return format!("{} scopes so far, still being read", sum.scopes);
    }
    let mut text = format!("{} scopes", sum.scopes);
    for (count, words) in [
        (sum.in_sync, "in sync"),
        (sum.drifted, "drifted"),
        (sum.only_on_source, "only on source"),
        (sum.only_on_target, "only on target"),
        (sum.unknown, "unknown"),
        (sum.checking, "still being read"),
    ] {
        if count > 0 {
            text.push_str(&format!(", {count} {words}"));
        }
    }
    let [create, update, delete] = compared.counts;
    if sum.changes > 0 {
        text.push_str(&format!("; to create {create}, to update {update}, to delete {delete}"));
    }
    text
}

/// How many scopes cannot be replicated for one reason.
pub fn left_out_line(subject: &Subject, at: usize) -> Option<String> {
    let (count, reason) = subject.compared.left_out.get(at)?;
    Some(format!("{} cannot be replicated: {reason}", plural(*count, "scope")))
}

/// A side of the relationship: which server, and how it is.
pub fn member_words(state: &AppState, subject: &Subject, side: usize) -> Option<(String, String)> {
    let relationship = state.relationship(&subject.compared.drift.name)?;
    let member = *pick::directed(state, relationship).get(side)?;
    let role = if side == 0 { "source" } else { "target" };
    let name = format!("{role} {} ({})", member.shown(), member.peer.role);
    let text = match (&member.absent(), member.state.as_ref().or(member.heard.as_ref())) {
        (Some(reason), Some(heard)) => format!("not read: {reason}; its partner says: {}", heard.0),
        (Some(reason), None) => format!("not read: {reason}"),
        (None, Some(own)) => own.explained(&relationship.mode),
        (None, None) if matches!(member.presence, Presence::Unpaired(_)) => "has no such relationship".into(),
        (None, None) => "tells no state".into(),
    };
    let amiss = member.server().and_then(|server| unsaved::words(state, server));
    Some((name, amiss.map_or(text.clone(), |amiss| format!("{text}; {amiss}"))))
}
