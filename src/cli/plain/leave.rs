//! Scopes and changes that are left out of the next replication, as the screen's preview leaves them out.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use super::{Session, waiting};
use crate::cli::Failure;
use crate::cli::console::Console;
use crate::engine::compare;
use crate::engine::fleet::Fleet;
use crate::engine::outcome::{Outcome, RunReport};
use crate::engine::plan::{LeftItem, LeftOut, NamedItem, Plan, PlannedRelationship, PlannedScope, together};
use crate::engine::port::Control;
use crate::engine::select::Picked;
use crate::engine::survey::Survey;
use crate::model::{Change, Foreign, ScopeId};
use crate::show::{self, Line, Role, ScopeNames, plural};

/// What is left out.
#[derive(Default)]
pub(super) struct Left {
    /// Whole scopes. What differs in them is found out when a plan is made: it may be more by then.
    scopes: BTreeSet<LeftScope>,
    /// Changes of other scopes, each with the line that tells it.
    changes: BTreeMap<LeftItem, String>,
}

/// A scope that is left out as a whole.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
struct LeftScope {
    relationship: Foreign,
    /// The server that would be overwritten.
    target: String,
    scope: ScopeId,
}

/// What is meant of one relationship.
#[derive(Default)]
struct Meant {
    scopes: BTreeSet<ScopeId>,
    /// The scopes of the changes.
    of: BTreeSet<ScopeId>,
    changes: Vec<NamedItem>,
}

impl Left {
    /// `1 scope and 2 changes`; `None` where nothing is left out.
    pub(super) fn count(&self) -> Option<String> {
        let counts = [(self.scopes.len(), "scope"), (self.changes.len(), "change")];
        let counts = counts.into_iter().filter(|(count, _)| *count > 0).map(|(count, what)| plural(count, what));
        Some(counts.collect::<Vec<_>>().join(" and ")).filter(|counts| !counts.is_empty())
    }

    /// What is to be left out of a plan of what is picked.
    pub(super) fn items(&self, fleet: &Fleet, survey: &Survey, picked: &[Picked]) -> LeftOut {
        let mut items: LeftOut = self.changes.keys().cloned().collect();
        if self.scopes.is_empty() {
            return items;
        }
        for pick in picked {
            let relationship = &survey.relationships[pick.relationship];
            let drift = compare::relationship(survey, relationship, pick.source_member, &fleet.ignore);
            let (name, target) = (&drift.name, &drift.target);
            for scope in &drift.scopes {
                let left = LeftScope { relationship: name.clone(), target: target.clone(), scope: scope.id };
                if self.scopes.contains(&left) {
                    items.extend(scope.changes.iter().map(|change| left.item(change)));
                }
            }
        }
        items
    }

    /// Brings back what was left out of a relationship.
    pub(super) fn forget(&mut self, relationship: &Foreign) {
        self.scopes.retain(|left| left.relationship != *relationship);
        self.changes.retain(|item, _| item.relationship != *relationship);
    }

    /// It holds for one replication: what was left out of scopes of a relationship that was written is not of the
    /// next one.
    pub(super) fn after(&mut self, plan: &Plan, report: &RunReport) {
        for (planned, run) in plan.relationships.iter().zip(&report.relationships) {
            let is_written = |outcome| matches!(outcome, Outcome::Replicated | Outcome::Partial | Outcome::Unknown);
            if !run.scopes.iter().any(|scope| is_written(scope.outcome)) {
                continue;
            }
            // a whole scope may be left out in which nothing differs
            let was_planned =
                |id: ScopeId| planned.scopes.iter().any(|scope| scope.id == id) || planned.in_sync.contains(&id);
            let is_done = |relationship: &Foreign, target: &str, scope: ScopeId| {
                (relationship, target) == (&planned.name, planned.target.as_str()) && was_planned(scope)
            };
            self.scopes.retain(|left| !is_done(&left.relationship, &left.target, left.scope));
            self.changes.retain(|item, _| !is_done(&item.relationship, &item.target, item.scope));
        }
    }

    fn lines(&self, names: &ScopeNames) -> Vec<Line> {
        let Some(count) = self.count() else {
            return vec![Line::of(0, Role::Plain, "nothing is left out")];
        };
        let mut lines = vec![Line::of(0, Role::Title, format!("left out, not written: {count}"))];
        let line = |relationship: &Foreign, target: &str, text: &str| {
            Line::of(2, Role::Muted, format!("{relationship} → {target}  ")).with(Role::Plain, text)
        };
        lines.extend(self.scopes.iter().map(|left| line(&left.relationship, &left.target, &whole(left.scope, names))));
        lines.extend(self.changes.iter().map(|(item, text)| line(&item.relationship, &item.target, text)));
        lines
    }

    /// Leaves whole scopes out, or brings them back where all are left out. With a scope comes what was left out of it
    /// by itself.
    fn toggle_scopes(&mut self, scopes: &[LeftScope], names: &ScopeNames) -> Vec<Line> {
        let brings_back = scopes.iter().all(|left| self.scopes.contains(left));
        for left in scopes {
            match brings_back {
                true => drop(self.scopes.remove(left)),
                false => drop(self.scopes.insert(left.clone())),
            }
            let is_of = |item: &LeftItem| {
                (&item.relationship, &item.target, item.scope) == (&left.relationship, &left.target, left.scope)
            };
            self.changes.retain(|item, _| !is_of(item));
        }
        let told = scopes.iter().map(|left| Line::of(2, Role::Plain, whole(left.scope, names)));
        std::iter::once(heading(brings_back)).chain(told).collect()
    }

    /// Leaves these changes of a plan out, or brings them back where all are left out.
    fn toggle(&mut self, found: &Found<'_>, names: &ScopeNames) -> Vec<Line> {
        let brings_back = found.items.keys().all(|item| self.changes.contains_key(item));
        let mut lines = vec![heading(brings_back)];
        for (item, change) in &found.items {
            let text = show::change(change).first().map(Line::text).unwrap_or_default();
            let text = format!("{}  {text}", names.name(item.scope));
            lines.push(Line::of(2, Role::Plain, text.as_str()));
            match brings_back {
                true => drop(self.changes.remove(item)),
                false => drop(self.changes.insert(item.clone(), text)),
            }
        }
        if found.others {
            let text = format!("{} together, as neither goes without the other", done(brings_back));
            lines.push(Line::of(2, Role::Muted, text));
        }
        lines
    }
}

impl LeftScope {
    fn item(&self, change: &Change) -> LeftItem {
        let LeftScope { relationship, target, scope } = self.clone();
        LeftItem { relationship, target, scope, item: change.key.to_string() }
    }
}

fn whole(scope: ScopeId, names: &ScopeNames) -> String {
    format!("{}  all of the scope, and what comes to differ in it", names.name(scope))
}

fn done(brings_back: bool) -> &'static str {
    if brings_back { "brought back" } else { "left out" }
}

fn heading(brings_back: bool) -> Line {
    Line::of(0, Role::Title, format!("{}:", done(brings_back)))
}

/// Changes of a plan.
struct Found<'a> {
    items: BTreeMap<LeftItem, &'a Change>,
    /// Some of them were not named: they go with those that were.
    others: bool,
}

impl<'a> Found<'a> {
    fn of(plan: &'a Plan, named: &LeftOut) -> Self {
        let mut items = BTreeMap::new();
        for (planned, scope) in plan.relationships.iter().flat_map(scopes) {
            let all = || scope.changes.iter().chain(&scope.left_out);
            let item = |change: &Change| LeftItem::new(planned, scope.id, &change.key);
            let keys: BTreeSet<_> = all()
                .filter(|change| named.contains(&item(change)))
                .flat_map(|change| together(all(), change))
                .collect();
            items.extend(all().filter(|change| keys.contains(&change.key)).map(|change| (item(change), change)));
        }
        let others = items.len() > named.len();
        Found { items, others }
    }
}

fn scopes(planned: &PlannedRelationship) -> impl Iterator<Item = (&PlannedRelationship, &PlannedScope)> {
    planned.scopes.iter().map(move |scope| (planned, scope))
}

impl Session<'_> {
    /// Leaves changes or scopes out of the next replication, or brings them back; without words tells what is left
    /// out. Nothing is read but what the target's writer asks for: it says what can be left out.
    pub(super) fn leave(&mut self, words: &[String], console: &mut Console) -> Result<(), Failure> {
        match words {
            [] => {}
            [word] if word.eq_ignore_ascii_case("nothing") => self.left = Left::default(),
            words => return self.toggle(words, console),
        }
        console.lines(&self.left.lines(&ScopeNames::of(&self.survey)));
        Ok(())
    }

    fn toggle(&mut self, words: &[String], console: &mut Console) -> Result<(), Failure> {
        let mut meant: BTreeMap<usize, Meant> = BTreeMap::new();
        for word in words {
            for (at, named) in self.list.named(word)? {
                let meant = meant.entry(at).or_default();
                let ids = self.list.ids(at).filter(|id| named.scope.matches(*id));
                match named.item {
                    None => meant.scopes.extend(ids),
                    Some(_) => {
                        meant.of.extend(ids);
                        meant.changes.push(named);
                    }
                }
            }
        }
        let names = ScopeNames::of(&self.survey);
        let survey = Arc::new(self.survey.clone());
        let (mut whole, mut plans) = (Vec::new(), Vec::new());
        for (relationship, Meant { scopes, of, changes }) in meant {
            let Some(source_member) = self.list.source_member(relationship) else { continue };
            let found = &survey.relationships[relationship];
            let left = |scope| LeftScope {
                relationship: found.name.clone(),
                target: found.members[1 - source_member].shown(),
                scope,
            };
            if let Some(scope) =
                of.iter().find(|scope| scopes.contains(scope) || self.left.scopes.contains(&left(**scope)))
            {
                let what = format!("{} is left out as a whole: no change of it goes by itself", names.name(*scope));
                return Err(Failure::new(what).hint(format!("leave {scope} brings the scope back")));
            }
            whole.extend(Some(scopes.into_iter().map(left).collect::<Vec<_>>()).filter(|scopes| !scopes.is_empty()));
            if changes.is_empty() {
                continue;
            }
            let picked = vec![Picked { relationship, source_member, scopes: Some(of) }];
            let (control, overrides) = (Control::free(), self.asking.overridden());
            let nothing = LeftOut::new();
            let plan = Plan::make_without(&self.fleet, Arc::clone(&survey), picked, overrides, &nothing, &control);
            let plan = self.threads.block_on(waiting(console, "planning".into(), plan))?;
            let named = plan.named(&changes)?;
            plans.push((plan, named));
        }
        // all of it means something, or nothing is done
        for scopes in &whole {
            console.lines(&self.left.toggle_scopes(scopes, &names));
        }
        for (plan, named) in &plans {
            console.lines(&self.left.toggle(&Found::of(plan, named), &names));
        }
        let count = match self.left.count() {
            None => "nothing is left out".to_owned(),
            Some(count) => format!("{count} left out of the next replication"),
        };
        console.line(&Line::of(0, Role::Plain, count));
        Ok(())
    }
}
