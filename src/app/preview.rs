//! A plan on the screen, and the questions that it asks.

mod leave;
mod lines;
mod naming;
mod rows;
mod saving;

use std::collections::BTreeSet;
use std::sync::Arc;

use crate::engine::approval::{Answer, Approved, Manner, Questions, Switches};
use crate::engine::plan::{LeftOut, Plan, PlannedRelationship};
use crate::engine::port::Refusal;
use crate::model::Foreign;
use crate::show::ScopeNames;

use super::action::Action;
use super::effect::Ticket;
use super::filter::Searched;
use super::gate::Gate;
use super::keymap::Keymap;
use super::list::Scroll;
use super::saving::Saving;
use super::search::Search;
use super::state::Setting;

pub use lines::totals;
pub use naming::Naming;
pub use rows::Row;
pub use saving::SaveAs;

/// A plan with its questions.
pub struct Preview {
    /// The plan.
    pub plan: Arc<Plan>,
    /// What was picked, in words.
    pub picked: String,
    /// It was asked for in the jobs view.
    pub from_jobs: bool,
    names: ScopeNames,
    /// How a refusal is overridden, and how it comes to stand again.
    ways: [String; 2],
    questions: Questions,
    /// Whether anything can be asked at all.
    pub manner: Manner,
    switches: Switches,
    operator: String,
    /// Nothing may be written at all, whatever is switched.
    pub read_only: bool,
    /// From more deletions than this on, the relationship's name is typed.
    pub type_name_above: usize,
    /// What was answered so far, by relationship.
    pub answers: Vec<(usize, bool)>,
    /// Its lines.
    pub rows: Vec<Row>,
    /// Its cursor.
    pub scroll: Scroll,
    /// What is searched for.
    pub search: Search,
    /// Columns hidden on the left.
    pub shift: usize,
    /// Which keys may confirm.
    pub gate: Gate,
    /// The name that confirms is being typed.
    pub naming: Option<Naming>,
    /// What is approved is given to a job.
    pub as_job: bool,
    /// The name of a file for the plan is being typed, or the file is written.
    pub saving: Option<Saving>,
    /// The same plan with other overrides, or without what is left out, is being made.
    pub overriding: Option<Ticket>,
    /// It is being made without what is left out, and more can be left out meanwhile.
    pub is_leaving_out: bool,
    /// What is left out, as soon as the plan is made.
    pub left_out: LeftOut,
}

impl Preview {
    /// A plan as it is asked about under these switches.
    pub fn new(plan: Arc<Plan>, picked: String, switches: Switches, setting: &Setting, names: ScopeNames) -> Self {
        let mut preview = Preview {
            names,
            ways: override_ways(&setting.keymap),
            questions: questions(&plan, switches, &setting.operator),
            manner: switches.manner(),
            switches,
            operator: setting.operator.clone(),
            read_only: setting.read_only,
            type_name_above: setting.screen.type_name_above,
            answers: Vec::new(),
            rows: rows::rows(&plan),
            plan,
            picked,
            from_jobs: false,
            scroll: Scroll::default(),
            search: Search::default(),
            shift: 0,
            gate: Gate::default(),
            naming: None,
            saving: None,
            as_job: false,
            overriding: None,
            is_leaving_out: false,
            left_out: LeftOut::new(),
        };
        preview.left_out = preview.plan.left_out();
        preview.begin();
        preview
    }

    /// The same, asked for in the jobs view or elsewhere.
    pub fn asked_for(self, from_jobs: bool) -> Self {
        Preview { from_jobs, ..self }
    }

    /// Begins with the questions: a yes to all does not hold where a name has to be typed.
    fn begin(&mut self) {
        self.questions.ask_by_itself(self.plan.deleting(|count| count > self.type_name_above));
        self.pass_over_empty();
    }

    /// Puts the same plan with other overrides or less changes in its place: asked from the beginning. The cursor
    /// stays on its change.
    pub fn replace(&mut self, plan: Arc<Plan>) {
        let old = self.scroll.position(self.rows.len());
        let anchor = self.anchor(old);
        self.questions = questions(&plan, self.switches, &self.operator);
        self.rows = rows::rows(&plan);
        self.plan = plan;
        self.search.is_stale = true;
        if let Some(at) = anchor.and_then(|anchor| self.find(&anchor)) {
            self.scroll.cursor = at;
            self.scroll.top = at.saturating_sub(old.saturating_sub(self.scroll.top));
        }
        self.left_out = self.plan.left_out();
        self.is_leaving_out = false;
        self.answers.clear();
        self.overriding = None;
        self.naming = None;
        self.gate.close();
        self.begin();
    }

    /// The relationship that is asked about; `None` when nothing can be confirmed.
    pub fn asking(&self) -> Option<(usize, &PlannedRelationship)> {
        if self.overriding.is_some() {
            return None;
        }
        let (at, _) = self.questions.pending()?;
        Some((at, self.plan.relationships.get(at)?))
    }

    /// Whether keys are typed into a line of it.
    pub fn is_typing(&self) -> bool {
        self.naming.is_some() || self.saving.is_some()
    }

    /// Whether there is anything to confirm, now or once the plan is made anew.
    pub fn may_ask(&self) -> bool {
        self.manner != Manner::ShowOnly && (self.overriding.is_some() || self.asking().is_some())
    }

    /// Shows the relationship that is asked about.
    fn show_question(&mut self) {
        let asked = self.questions.pending().map(|(at, _)| Row::Direction(at));
        let row = asked.and_then(|row| self.rows.iter().position(|other| *other == row)).unwrap_or(0);
        (self.scroll.top, self.scroll.cursor) = (row, row);
    }

    /// Takes an answer. Returns the right to write when all questions are answered.
    pub fn answer(&mut self, answer: Answer) -> Option<Vec<Approved>> {
        let (at, _) = self.asking()?;
        self.naming = None;
        self.answers.push((at, matches!(answer, Answer::Yes | Answer::YesToAll)));
        self.questions.answer(answer);
        self.pass_over_empty();
        self.show_question();
        match self.questions.pending() {
            Some(_) => None,
            None => Some(self.questions.clone().into_approved()),
        }
    }

    /// A relationship of which nothing can be written and nothing is to be saved is not asked about.
    fn pass_over_empty(&mut self) {
        while let Some((at, _)) = self.questions.pending() {
            let planned = self.plan.relationships.get(at);
            let writes = |planned: &PlannedRelationship| planned.to_write(&self.plan.overrides).next().is_some();
            if planned.is_some_and(|planned| writes(planned) || self.plan.only_saves(planned)) {
                return;
            }
            self.questions.answer(Answer::No);
        }
    }

    /// Looks through its lines for what is searched for, where that was not done yet.
    pub fn look(&mut self) {
        if !self.search.is_stale {
            return;
        }
        let mut search = std::mem::take(&mut self.search);
        search.look(self.rows.iter().map(|row| self.searched(*row)));
        self.search = search;
    }

    fn searched(&self, row: Row) -> Searched {
        let change = self.change_at(row);
        Searched {
            text: self.line(row).1,
            section: change.map(|change| change.section()),
            change: change.map(|change| change.change),
        }
    }

    /// The overrides after the next step: one more name each time, then none again.
    pub fn next_overrides(&self) -> Option<BTreeSet<String>> {
        let names = self.plan.overridable();
        if names.is_empty() {
            return None;
        }
        let mut overrides = self.plan.overrides.clone();
        match names.into_iter().find(|name| !overrides.contains(*name)) {
            Some(name) => {
                overrides.insert(name.to_owned());
            }
            None => overrides.clear(),
        }
        Some(overrides)
    }
}

/// How a refusal is overridden, and how it comes to stand again, behind its text.
pub fn override_ways(keymap: &Keymap) -> [String; 2] {
    let key = keymap.key(Action::Override);
    [format!("  [{key}: overrides it]"), format!("  [{key}: lets it stand again]")]
}

/// Whether a refusal stands, in this `word` or else as overridden, and which of the `ways` changes that.
pub fn standing<'a>(
    refusal: &Refusal,
    overrides: &BTreeSet<String>,
    [override_it, stand_again]: &'a [String; 2],
    word: &'static str,
) -> (&'static str, &'a str) {
    match (refusal.overridable, refusal.stands(overrides)) {
        (true, false) => ("overridden", stand_again),
        (true, true) => (word, override_it),
        (false, _) => (word, ""),
    }
}

/// The questions of a plan.
pub fn questions(plan: &Plan, switches: Switches, operator: &str) -> Questions {
    let names: Vec<Foreign> = plan.relationships.iter().map(|relationship| relationship.name.clone()).collect();
    Questions::new(&plan.digest, names, operator, switches, plan.overrides.clone())
}
