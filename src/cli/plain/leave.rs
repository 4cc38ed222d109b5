//! Changes that are left out of the next replication, as the screen's preview leaves them out.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use super::{Session, waiting};
use crate::cli::Failure;
use crate::cli::console::Console;
use crate::engine::outcome::{Outcome, RunReport};
use crate::engine::plan::{LeftItem, LeftOut, NamedItem, Plan, PlannedRelationship, PlannedScope, together};
use crate::engine::port::Control;
use crate::engine::select::Picked;
use crate::model::{Change, Foreign, ScopeId};
use crate::show::{self, Line, Role, ScopeNames, plural};

/// What is left out, each with the line that tells it.
#[derive(Default)]
pub(super) struct Left(BTreeMap<LeftItem, String>);

/// What is meant of one relationship.
type Meant = (BTreeSet<ScopeId>, Vec<NamedItem>);

impl Left {
    pub(super) fn count(&self) -> usize {
        self.0.len()
    }

    pub(super) fn items(&self) -> LeftOut {
        self.0.keys().cloned().collect()
    }

    /// Brings back what was left out of a relationship.
    pub(super) fn forget(&mut self, relationship: &Foreign) {
        self.0.retain(|item, _| item.relationship != *relationship);
    }

    /// It holds for one replication: what was left out of scopes of a relationship that was written is not of the
    /// next one.
    pub(super) fn after(&mut self, plan: &Plan, report: &RunReport) {
        for (planned, run) in plan.relationships.iter().zip(&report.relationships) {
            let is_written = |outcome| matches!(outcome, Outcome::Replicated | Outcome::Partial | Outcome::Unknown);
            if !run.scopes.iter().any(|scope| is_written(scope.outcome)) {
                continue;
            }
            let was_planned = |id: ScopeId| planned.scopes.iter().any(|scope| scope.id == id);
            let is_done = |item: &LeftItem| {
                item.relationship == planned.name && item.target == planned.target && was_planned(item.scope)
            };
            self.0.retain(|item, _| !is_done(item));
        }
    }

    fn lines(&self) -> Vec<Line> {
        if self.0.is_empty() {
            return vec![Line::of(0, Role::Plain, "nothing is left out")];
        }
        let mut lines = vec![Line::of(0, Role::Title, "left out, not written:")];
        lines.extend(self.0.iter().map(|(item, text)| {
            let place = format!("{} → {}  ", item.relationship, item.target);
            Line::of(2, Role::Muted, place).with(Role::Plain, text.as_str())
        }));
        lines
    }

    /// Leaves these changes of a plan out, or brings them back where all are left out.
    fn toggle(&mut self, found: &Found<'_>, names: &ScopeNames) -> Vec<Line> {
        let brings_back = found.items.keys().all(|item| self.0.contains_key(item));
        let done = if brings_back { "brought back" } else { "left out" };
        let mut lines = vec![Line::of(0, Role::Title, format!("{done}:"))];
        for (item, change) in &found.items {
            let text = show::change(change).first().map(Line::text).unwrap_or_default();
            let text = format!("{}  {text}", names.name(item.scope));
            lines.push(Line::of(2, Role::Plain, text.as_str()));
            match brings_back {
                true => drop(self.0.remove(item)),
                false => drop(self.0.insert(item.clone(), text)),
            }
        }
        if found.others {
            lines.push(Line::of(2, Role::Muted, format!("{done} together, as neither goes without the other")));
        }
        lines
    }
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
        console.lines(&self.left.lines());
        Ok(())
    }

    fn toggle(&mut self, words: &[String], console: &mut Console) -> Result<(), Failure> {
        let mut meant: BTreeMap<usize, Meant> = BTreeMap::new();
        for word in words {
            for (at, named) in self.list.named(word)? {
                let (ids, all) = meant.entry(at).or_default();
                ids.extend(self.list.ids(at).filter(|id| named.scope.matches(*id)));
                all.push(named);
            }
        }
        let names = ScopeNames::of(&self.survey);
        let survey = Arc::new(self.survey.clone());
        let mut plans = Vec::new();
        for (relationship, (ids, named)) in meant {
            let Some(source_member) = self.list.source_member(relationship) else { continue };
            let picked = vec![Picked { relationship, source_member, scopes: Some(ids) }];
            let (control, overrides) = (Control::free(), self.asking.overridden());
            let nothing = LeftOut::new();
            let plan = Plan::make_without(&self.fleet, Arc::clone(&survey), picked, overrides, &nothing, &control);
            let plan = self.threads.block_on(waiting(console, "planning".into(), plan));
            let named = plan.named(&named)?;
            plans.push((plan, named));
        }
        // all of it means something, or nothing is done
        for (plan, named) in &plans {
            console.lines(&self.left.toggle(&Found::of(plan, named), &names));
        }
        let count = match self.left.count() {
            0 => "nothing is left out".to_owned(),
            count => format!("{} left out of the next replication", plural(count, "change")),
        };
        console.line(&Line::of(0, Role::Plain, count));
        Ok(())
    }
}
