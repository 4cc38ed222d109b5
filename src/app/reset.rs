//! The reset of a relationship on the screen: what it means, and the question.

use std::collections::BTreeSet;
use std::sync::Arc;

use crate::engine::approval::{Answer, Approved, Manner, Questions, Switches};
use crate::engine::reset::ResetPlan;

use super::drift::Look;
use super::gate::Gate;
use super::keymap::Keymap;
use super::list::Scroll;
use super::preview::{override_ways, standing};

/// A reset plan with its question.
pub struct ResetView {
    /// The plan.
    pub plan: Arc<ResetPlan>,
    /// Whether it can be asked at all.
    pub manner: Manner,
    /// Its place in the text.
    pub scroll: Scroll,
    /// Which keys may confirm.
    pub gate: Gate,
    switches: Switches,
    operator: String,
}

impl ResetView {
    /// A plan as it is asked about. It interrupts all clients, so it is asked about under Force too.
    pub fn new(plan: Arc<ResetPlan>, switches: Switches, operator: &str) -> Self {
        let switches = Switches { confirm: true, ..switches };
        ResetView {
            plan,
            manner: switches.manner(),
            scroll: Scroll::default(),
            gate: Gate::default(),
            switches,
            operator: operator.to_owned(),
        }
    }

    /// Whether there is something to answer.
    pub fn is_asking(&self) -> bool {
        self.manner == Manner::Ask && self.plan.is_open()
    }

    /// The right to reset, after a yes.
    pub fn approve(&self) -> Option<Approved> {
        let names = vec![self.plan.name.clone()];
        let overrides = self.plan.overrides.clone();
        let mut questions = Questions::new(&self.plan.digest, names, &self.operator, self.switches, overrides);
        questions.answer(Answer::Yes);
        questions.into_approved().into_iter().next().filter(|_| self.is_asking())
    }

    /// Overrides one more refusal, or none again. The text is another one then.
    pub fn next_override(&mut self) {
        let mut overrides: BTreeSet<String> = self.plan.overrides.clone();
        match self.plan.overridable().into_iter().find(|name| !overrides.contains(*name)) {
            Some(name) => drop(overrides.insert(name.to_owned())),
            None => overrides.clear(),
        }
        let plan = Arc::unwrap_or_clone(Arc::clone(&self.plan));
        self.plan = Arc::new(plan.with_overrides(overrides));
        self.gate.close();
    }

    /// Its paragraphs, safe to show, and how to show them.
    pub fn lines(&self, keymap: &Keymap) -> Vec<(Look, String)> {
        let plan = &self.plan;
        let ways = override_ways(keymap);
        let mut lines = vec![(Look::Heading, format!("{} ({})", plan.name, plan.mode))];
        for side in &plan.sides {
            let state = side.state.as_ref().map_or_else(|| "no state".to_owned(), |state| state.explained(&plan.mode));
            lines.push((Look::Plain, format!("  {} {state}", side.shown)));
        }
        for refusal in &plan.refusals {
            let (word, how) = standing(refusal, &plan.overrides, &ways, "REFUSED");
            lines.push((Look::Refusal, format!("{word}, {}: {}{how}", refusal.name, refusal.message)));
            lines.extend((!refusal.hint.is_empty()).then(|| (Look::Quiet, format!("  {}", refusal.hint))));
        }
        lines.push((Look::Refusal, format!("Cost: {}", plan.outlook.cost)));
        lines.extend(plan.outlook.steps.iter().zip(1..).map(|(step, n)| (Look::Plain, format!("{n}. {step}"))));
        lines.extend(plan.trouble.as_ref().map(|trouble| (Look::Quiet, format!("Why: {}", trouble.explanation()))));
        lines
    }
}
