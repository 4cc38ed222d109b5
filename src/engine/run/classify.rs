//! What was asked, what the writer told and what is there now become one outcome.

use super::describe;
use crate::engine::outcome::{Outcome, SavedState, ScopeRun};
use crate::engine::port::{Abilities, Done, Doubts, ReadBack, Work};
use crate::engine::{Error, ErrorKind};
use crate::model::{Change, ChangeKind, ServerName};

/// The outcome of one scope. What is there now outweighs what the writer told; `error` is
/// why it is [`ReadBack::Unread`]. Where a part was carried, what is left of what is `uncertain` only
/// is no failure of a writer that said beforehand that it may not carry them.
pub(super) fn outcome(
    work: &Work,
    done: Done,
    after: &ReadBack,
    error: Option<&Error>,
    uncertain: &Doubts,
    abilities: &Abilities,
    target: &ServerName,
) -> ScopeRun {
    let after = match after {
        ReadBack::Unread => return unread(work, done, error),
        ReadBack::Missing => None,
        ReadBack::There { scope, fingerprint } => Some((scope, fingerprint)),
    };
    let residual = work.residual(after.map(|(after, _)| after));
    let left = work.changes.iter().filter(|change| is_left(change, &residual)).count();
    let untouched = after.map(|(_, fingerprint)| fingerprint) == work.expect.target.as_ref();
    let gone = work.before.is_some() && work.want.is_some() && after.is_none();
    let in_doubt = matches!(done, Done::Unknown(_));
    let is_left_alone = |rest: &Change| uncertain.covers(rest) && !is_lost(work, rest);
    let not_carried = !residual.is_empty() && residual.iter().all(is_left_alone);
    // everything was sent; a refusal of what was doubtful is told with what is left
    let refused = match &done {
        Done::Applied => Some(String::new()),
        Done::Partial { cause, .. } if cause.kind == ErrorKind::Unsupported => Some(format!(": {}", describe(cause))),
        _ => None,
    };
    let (outcome, message) = match done {
        done if gone => lost(done, &abilities.brings_back),
        _ if not_carried && refused.is_some() => {
            let outcome = match (left < work.changes.len(), untouched) {
                (true, _) => Outcome::Replicated,
                (false, true) => Outcome::Rejected,
                (false, false) => Outcome::Partial,
            };
            let message = left_behind(&residual, outcome);
            (outcome, Some(message + &refused.unwrap_or_default()))
        }
        Done::Applied if !untouched => match besides(work, &residual) {
            Some(besides) => (Outcome::Partial, Some(besides)),
            None => judge(Done::Applied, residual.is_empty(), untouched, abilities),
        },
        done => judge(done, residual.is_empty(), untouched, abilities),
    };
    let lost: Vec<Change> = residual.iter().filter(|rest| !gone && is_lost(work, rest)).cloned().collect();
    let message = match (lost.is_empty(), message) {
        (true, message) => message,
        (false, None) => Some(format!("{target} LOST {}", keys(&lost))),
        (false, Some(message)) => Some(format!("{target} LOST {}: {message}", keys(&lost))),
    };
    let verified = match outcome {
        Outcome::Replicated | Outcome::Partial => Some(residual.is_empty()),
        _ => None,
    };
    ScopeRun {
        id: work.id,
        outcome,
        changes_done: work.changes.len() - left,
        changes_left: left,
        saved: SavedState::NotApplicable,
        verified,
        message,
        residual: if matches!(outcome, Outcome::Rejected | Outcome::Unknown) || gone { Vec::new() } else { residual },
        uncarried: not_carried && outcome == Outcome::Replicated,
        left_out: Vec::new(),
        counts: true,
        in_doubt,
        gone,
    }
}

/// Whether the target had it before and lacks it now: more than that it was not carried.
fn is_lost(work: &Work, rest: &Change) -> bool {
    let had = work.before.as_ref().is_some_and(|before| before.items.contains_key(&rest.key));
    had && rest.change == ChangeKind::Create
}

/// What the writer was not known to carry, and did not.
fn left_behind(residual: &[Change], outcome: Outcome) -> String {
    let nothing = if outcome == Outcome::Rejected { "; nothing was written" } else { "" };
    format!(
        "the server did not carry {}: this still differs, as the preview said that it might{nothing}",
        titles(residual)
    )
}

/// All that was planned is there, and something that was not.
fn besides(work: &Work, residual: &[Change]) -> Option<String> {
    let is_other = !residual.is_empty() && residual.iter().all(|rest| !work.lists(&rest.key));
    let differs: Vec<Change> = residual.iter().filter(|rest| !is_lost(work, rest)).cloned().collect();
    let differs = match differs.is_empty() {
        true => String::new(),
        false => format!("; but now it differs in {}, too", titles(&differs)),
    };
    is_other.then(|| format!("all that was planned is there{differs}"))
}

/// With what they are: a name alone may be any item's.
fn keys(changes: &[Change]) -> String {
    changes.iter().map(|change| change.key.to_string()).collect::<Vec<_>>().join(", ")
}

fn titles(changes: &[Change]) -> String {
    changes.iter().map(Change::title).collect::<Vec<_>>().join(", ")
}

/// The worst that can happen to a scope: it was there before and is not there now.
fn lost(done: Done, brings_back: &str) -> (Outcome, Option<String>) {
    let cause = match done {
        Done::Applied | Done::Cancelled => String::new(),
        Done::Partial { cause, .. } | Done::Rejected(cause) | Done::Unknown(cause) => {
            format!(" ({})", describe(&cause))
        }
    };
    (Outcome::Partial, Some(format!("the target LACKS this scope now{cause}: {brings_back}")))
}

fn judge(done: Done, complete: bool, untouched: bool, abilities: &Abilities) -> (Outcome, Option<String>) {
    match done {
        Done::Applied if complete => (Outcome::Replicated, None),
        Done::Applied if untouched => {
            (Outcome::Rejected, Some("the server accepted the write and the scope is as it was before".into()))
        }
        Done::Applied => (Outcome::Partial, Some("reading back shows other values than those written".into())),
        Done::Cancelled if untouched => (Outcome::Cancelled, Some("cancelled before its turn".into())),
        Done::Cancelled => (Outcome::Partial, Some("cancelled in the middle of the scope".into())),
        Done::Partial { done, cause } if done.is_empty() && untouched => (Outcome::Rejected, Some(describe(&cause))),
        Done::Partial { cause, .. } if complete => (Outcome::Replicated, Some(describe(&cause))),
        Done::Partial { cause, .. } => (Outcome::Partial, Some(describe(&cause))),
        // what is not as it was is somebody else's doing
        Done::Rejected(cause) if untouched || cause.kind == ErrorKind::Moved => {
            (Outcome::Rejected, Some(describe(&cause)))
        }
        Done::Rejected(cause) => (Outcome::Partial, Some(describe(&cause))),
        Done::Unknown(cause) => {
            let told = format!("what came of it was not told ({})", describe(&cause));
            // a request that was not answered in time may be waiting somewhere on its way; one of which
            // the answer came, and was not understood, is over
            let may_go_on =
                cause.kind == ErrorKind::TimedOut || abilities.outlives_connection && cause.kind != ErrorKind::Garbled;
            let (outcome, found) = match (complete, untouched, may_go_on) {
                (true, ..) => (Outcome::Replicated, "reading back shows that everything is there"),
                (_, true, true) => {
                    (Outcome::Unknown, "nothing of it is there by now, but it may still be carried out: look again")
                }
                (_, true, false) => (Outcome::Rejected, "reading back shows that nothing was written"),
                (_, false, true) => (
                    Outcome::Partial,
                    "reading back shows the scope with a part of the changes, and more of them may still be carried \
                     out: look again",
                ),
                (_, false, false) => (Outcome::Partial, "reading back shows the scope with a part of the changes"),
            };
            (outcome, Some(format!("{told}; {found}")))
        }
    }
}

/// The target could not be read back.
fn unread(work: &Work, done: Done, error: Option<&Error>) -> ScopeRun {
    let why = error.map_or_else(String::new, |error| format!(": {error}"));
    let unread = |cause: &str| format!("{cause}; it could not be read back{why}");
    let (outcome, message) = match done {
        Done::Applied => (Outcome::Unknown, unread("the server accepted the write")),
        Done::Partial { cause, .. } | Done::Unknown(cause) => (Outcome::Unknown, unread(&describe(&cause))),
        // the writer knows that nothing has changed
        Done::Rejected(cause) => (Outcome::Rejected, describe(&cause)),
        Done::Cancelled => (Outcome::Cancelled, "cancelled before its turn".to_owned()),
    };
    ScopeRun::untouched(work.id, outcome, work.changes.len(), Some(message))
}

/// Whether a planned change is among what still differs, itself or in a part of it.
fn is_left(planned: &Change, residual: &[Change]) -> bool {
    residual.iter().any(|rest| {
        rest.key == planned.key
            || (rest.key.in_reservation().is_some() && rest.key.in_reservation() == planned.key.in_reservation())
    })
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;
    use std::sync::Arc;

    use super::*;
    use crate::engine::drift;
    use crate::engine::port::{Batch, Fingerprints, Grain};
    use crate::model::{Complete, Field, Item, ItemKey, KeyName, Kind, Owner, Scope, Value};

    const FIELDS: [&str; 3] = ["description", "enabled", "lease"];

    fn policy() -> ItemKey {
        ItemKey { owner: Owner::Scope, kind: Kind::Policy, name: KeyName::Name("Phones".into()) }
    }

    /// A scope of this name, whose policy has these values of the fields; none where it lacks the policy.
    fn scope(name: &str, policy: Option<[&str; 3]>) -> Scope {
        let value = |text: &str| Value::own(text.into());
        let item = |values: [&str; 3]| {
            let fields = FIELDS.into_iter().zip(values).map(|(name, text)| (name.into(), value(text)));
            (self::policy(), Item { fields: fields.collect(), rank: None, label: None })
        };
        let named = (ItemKey::property("name"), Item::single(value(name)));
        Scope {
            id: "10.0.0.0/24".parse().unwrap(),
            name: None,
            native: Arc::default(),
            items: policy.map(item).into_iter().chain([named]).collect(),
            parents: Arc::default(),
            needs: BTreeSet::new(),
            unreadable: BTreeSet::new(),
            complete: Complete::Whole,
        }
    }

    /// The name came to be; of the policy that shall be new, this is there.
    fn judged(before: Option<[&str; 3]>, now: Option<[&str; 3]>, uncertain: &Doubts) -> ScopeRun {
        let (before, want) = (scope("old", before), scope("new", Some(["new"; 3])));
        let changes = drift::compare(&want, &before);
        let print = |scope: &Scope| format!("{:?}", scope.items);
        let expect = Fingerprints { source: None, target: Some(print(&before)) };
        let id = before.id;
        let work = Work { id, before: Some(before), want: Some(want), changes, expect, leaves_out: false };
        let scope = scope("new", now);
        let after = ReadBack::There { fingerprint: print(&scope), scope };
        let abilities = Abilities {
            name: "test",
            grain: Grain::Item,
            batch: Batch::One,
            creates_scope: false,
            deletes_scope: false,
            interrupts_service: false,
            outlives_connection: true,
            brings_back: String::new(),
        };
        outcome(&work, Done::Applied, &after, None, uncertain, &abilities, &"dhcp2".into())
    }

    /// The fields whose bits are set.
    fn some(bits: usize) -> BTreeSet<Field> {
        (0..3).filter(|at| bits >> at & 1 == 1).map(|at| FIELDS[at].into()).collect()
    }

    /// Of three fields that change, whichever are left and whichever were in doubt.
    #[test]
    fn a_doubt_about_some_fields_excuses_no_others() {
        for (left, doubted) in (0..8).flat_map(|left| (0..8).map(move |doubted| (left, doubted))) {
            let now = [0, 1, 2].map(|at| if left >> at & 1 == 1 { "old" } else { "new" });
            let mut doubts = Doubts::default();
            doubts.add_fields(policy(), some(doubted));
            let told = judged(Some(["old"; 3]), Some(now), &doubts);
            let wanted = match left & !doubted {
                0 => (Outcome::Replicated, left != 0),
                _ => (Outcome::Partial, false),
            };
            assert_eq!((told.outcome, told.uncarried), wanted, "{:?} left, {:?} in doubt", some(left), some(doubted));
            let is_excused = told.message.is_some_and(|message| message.contains("as the preview said that it might"));
            assert_eq!(is_excused, left != 0 && left & !doubted == 0, "{left} {doubted}");
        }
    }

    #[test]
    fn a_doubt_about_fields_is_none_about_the_item_and_no_doubt_excuses_a_loss() {
        let mut fields = Doubts::default();
        fields.add_fields(policy(), some(7));
        let whole: Doubts = [policy()].into_iter().collect();
        for (before, doubts, excused) in
            [(None, &fields, false), (None, &whole, true), (Some(["old"; 3]), &whole, false)]
        {
            let told = judged(before, None, doubts);
            let message = told.message.unwrap_or_default();
            assert_eq!(message.contains("as the preview said that it might"), excused, "{message}");
            assert_eq!(message.contains("dhcp2 LOST policy Phones"), before.is_some(), "{message}");
            assert_eq!(told.outcome == Outcome::Replicated, excused);
        }
    }
}
