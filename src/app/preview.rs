//! A plan on the screen, and the questions that it asks.

use std::collections::BTreeSet;
use std::sync::Arc;

use crate::engine::approval::{Answer, Approved, Manner, Questions, Switches};
use crate::engine::plan::{Plan, PlannedRelationship, PlannedScope};
use crate::engine::port::Refusal;
use crate::model::{Change, ChangeKind, DriftState, Finding, Foreign};
use crate::show::{ScopeNames, UNCERTAIN, plural};

use super::compared;
use super::drift::{self, Look};
use super::effect::Ticket;
use super::gate::Gate;
use super::list::Scroll;

/// A plan with its questions.
pub struct Preview {
    /// The plan.
    pub plan: Arc<Plan>,
    /// What was picked, in words.
    pub picked: String,
    names: ScopeNames,
    questions: Questions,
    /// Whether anything can be asked at all.
    pub manner: Manner,
    switches: Switches,
    operator: String,
    /// What was answered so far, by relationship.
    pub answers: Vec<(usize, bool)>,
    /// Its lines.
    pub rows: Vec<Row>,
    /// Its cursor.
    pub scroll: Scroll,
    /// Columns hidden on the left.
    pub shift: usize,
    /// Which keys may confirm.
    pub gate: Gate,
    /// What is approved is given to a job.
    pub as_job: bool,
    /// The same plan with other overrides is being made.
    pub overriding: Option<Ticket>,
}

/// A line of the preview: what to show, not how. Numbers are places in the plan.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Row {
    /// An empty line.
    Blank,
    /// A relationship with its direction.
    Relationship(usize),
    /// Why it is written in the way that the line above tells.
    Reason(usize),
    /// What will be done, in numbers.
    Numbers(usize),
    /// What clients feel.
    CostToService(usize),
    /// What happens to the configuration.
    CostToConfiguration(usize),
    /// What stands against all of the relationship, overridden or not.
    Against(usize, usize),
    /// What to do about it.
    AgainstHint(usize, usize),
    /// How many deletions follow.
    Deletions(usize),
    /// A whole scope that is deleted.
    DeleteScope(usize, usize),
    /// A deletion.
    Delete(usize, usize, usize),
    /// A finding.
    Finding(usize, usize),
    /// A step of the way out of it, where it concerns the whole relationship.
    FindingStep(usize, usize, usize),
    /// A scope with changes.
    Scope(usize, usize),
    /// That it is written in another way, and why.
    Otherwise(usize, usize),
    /// How many scopes are refused.
    Refused(usize),
    /// A refusal of a scope.
    Refusal(usize, usize, usize),
    /// What to do about it.
    RefusalHint(usize, usize, usize),
    /// What has changed since the run that is undone.
    Since(usize, usize, usize),
    /// A creation or update.
    Change(usize, usize, usize),
    /// A field of it.
    Field(usize, usize, usize, usize),
    /// A scope that is not written, and why.
    Left(usize, usize),
    /// Scopes without drift.
    InSync(usize),
}

impl Preview {
    /// A plan as it is asked about under these switches.
    pub fn new(plan: Arc<Plan>, picked: String, switches: Switches, operator: &str, names: ScopeNames) -> Self {
        let mut preview = Preview {
            names,
            questions: questions(&plan, switches, operator),
            manner: switches.manner(),
            switches,
            operator: operator.to_owned(),
            answers: Vec::new(),
            rows: rows(&plan),
            plan,
            picked,
            scroll: Scroll::default(),
            shift: 0,
            gate: Gate::default(),
            as_job: false,
            overriding: None,
        };
        preview.pass_over_empty();
        preview
    }

    /// Puts the same plan with other overrides in its place: asked from the beginning.
    pub fn replace(&mut self, plan: Arc<Plan>) {
        self.questions = questions(&plan, self.switches, &self.operator);
        self.rows = rows(&plan);
        self.plan = plan;
        self.answers.clear();
        self.overriding = None;
        self.gate.close();
        self.pass_over_empty();
    }

    /// The relationship that is asked about; `None` when nothing can be confirmed.
    pub fn asking(&self) -> Option<(usize, &PlannedRelationship)> {
        if self.overriding.is_some() {
            return None;
        }
        let (at, _) = self.questions.pending()?;
        Some((at, self.plan.relationships.get(at)?))
    }

    /// Whether there is anything to confirm, now or once the plan is made anew.
    pub fn may_ask(&self) -> bool {
        self.manner != Manner::ShowOnly && (self.overriding.is_some() || self.asking().is_some())
    }

    /// Shows the relationship that is asked about.
    fn show_question(&mut self) {
        let asked = self.questions.pending().map(|(at, _)| Row::Relationship(at));
        let row = asked.and_then(|row| self.rows.iter().position(|other| *other == row));
        self.scroll.top = row.unwrap_or(0);
    }

    /// Takes an answer. Returns the right to write when all questions are answered.
    pub fn answer(&mut self, answer: Answer) -> Option<Vec<Approved>> {
        let (at, _) = self.asking()?;
        self.answers.push((at, matches!(answer, Answer::Yes | Answer::YesToAll)));
        self.questions.answer(answer);
        self.pass_over_empty();
        self.show_question();
        match self.questions.pending() {
            Some(_) => None,
            None => Some(self.questions.clone().into_approved()),
        }
    }

    /// A relationship of which nothing can be written is not asked about.
    fn pass_over_empty(&mut self) {
        while let Some((at, _)) = self.questions.pending() {
            let planned = self.plan.relationships.get(at);
            if planned.is_some_and(|planned| planned.to_write(&self.plan.overrides).next().is_some()) {
                return;
            }
            self.questions.answer(Answer::No);
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

    /// The text of a line, safe to show, and how to show it.
    pub fn line(&self, row: Row, arrow: &str) -> (Look, String) {
        line(&self.plan, &self.names, row, arrow).unwrap_or((Look::Plain, String::new()))
    }
}

/// The questions of a plan.
pub fn questions(plan: &Plan, switches: Switches, operator: &str) -> Questions {
    let names: Vec<Foreign> = plan.relationships.iter().map(|relationship| relationship.name.clone()).collect();
    Questions::new(&plan.digest, names, operator, switches, plan.overrides.clone())
}

fn rows(plan: &Plan) -> Vec<Row> {
    let mut rows = Vec::new();
    for (r, planned) in plan.relationships.iter().enumerate() {
        if r > 0 {
            rows.push(Row::Blank);
        }
        rows.push(Row::Relationship(r));
        let findings = |caveats: bool| {
            let all = planned.findings.iter().enumerate();
            all.filter(move |(_, found)| found.kind.is_caveat() == caveats).flat_map(move |(f, found)| {
                let steps = if shows_steps(found) { found.hint.lines().count() } else { 0 };
                std::iter::once(Row::Finding(r, f)).chain((0..steps).map(move |n| Row::FindingStep(r, f, n)))
            })
        };
        rows.extend(findings(true));
        rows.extend((!planned.writer_reason.is_empty()).then_some(Row::Reason(r)));
        rows.push(Row::Numbers(r));
        rows.extend((0..planned.against().count()).flat_map(|at| [Row::Against(r, at), Row::AgainstHint(r, at)]));
        refusals(&mut rows, r, plan, planned);
        rows.extend((!planned.cost_to_service.is_empty()).then_some(Row::CostToService(r)));
        rows.extend((!planned.cost_to_configuration.is_empty()).then_some(Row::CostToConfiguration(r)));
        deletions(&mut rows, r, plan, planned);
        rows.extend(findings(false));
        for (s, scope) in planned.scopes.iter().enumerate().filter(|(_, scope)| scope.work.is_some()) {
            scope_rows(&mut rows, r, s, scope);
        }
        let left = planned.scopes.iter().enumerate().filter(|(_, scope)| scope.work.is_none());
        rows.extend(left.map(|(s, _)| Row::Left(r, s)));
        rows.extend((!planned.in_sync.is_empty()).then_some(Row::InSync(r)));
    }
    rows
}

/// What stands against single scopes, overridden or not, before everything that is done.
fn refusals(rows: &mut Vec<Row>, r: usize, plan: &Plan, planned: &PlannedRelationship) {
    if planned.scopes.iter().any(|scope| scope.standing_refusals(&plan.overrides).next().is_some()) {
        rows.push(Row::Refused(r));
    }
    for (s, scope) in planned.scopes.iter().enumerate() {
        rows.extend((0..scope.refusals.len()).flat_map(|at| [Row::Refusal(r, s, at), Row::RefusalHint(r, s, at)]));
        rows.extend((0..scope.since.as_ref().map_or(0, |since| since.items.len())).map(|at| Row::Since(r, s, at)));
    }
}

/// Deletions by name. Those of a relationship of which nothing can be written are shown too:
/// the operator may want to know before clearing the way.
fn deletions(rows: &mut Vec<Row>, r: usize, plan: &Plan, planned: &PlannedRelationship) {
    let before = rows.len();
    rows.push(Row::Deletions(r));
    for (s, scope) in planned.scopes.iter().enumerate().filter(|(_, scope)| deletes(plan, planned, scope)) {
        if scope.is_deletion() {
            rows.push(Row::DeleteScope(r, s));
            continue;
        }
        let deleted = scope.changes.iter().enumerate().filter(|(_, change)| change.change == ChangeKind::Delete);
        rows.extend(deleted.map(|(c, _)| Row::Delete(r, s, c)));
    }
    if rows.len() == before + 1 {
        rows.truncate(before);
    }
}

/// Whether the deletions of a scope are among those that are counted.
fn deletes(plan: &Plan, planned: &PlannedRelationship, scope: &PlannedScope) -> bool {
    scope.work.is_some() && (!planned.is_open(&plan.overrides) || scope.will_be_written(&plan.overrides))
}

fn scope_rows(rows: &mut Vec<Row>, r: usize, s: usize, scope: &PlannedScope) {
    rows.push(Row::Scope(r, s));
    rows.extend(scope.otherwise.as_ref().map(|_| Row::Otherwise(r, s)));
    if scope.is_deletion() {
        rows.extend((0..scope.changes.len()).map(|c| Row::Delete(r, s, c)));
        return;
    }
    for (c, change) in scope.changes.iter().enumerate().filter(|(_, change)| change.change != ChangeKind::Delete) {
        rows.push(Row::Change(r, s, c));
        rows.extend((0..change.fields.len()).map(|field| Row::Field(r, s, c, field)));
    }
}

fn line(plan: &Plan, names: &ScopeNames, row: Row, arrow: &str) -> Option<(Look, String)> {
    let relationship = |r: usize| plan.relationships.get(r);
    let scope = |r: usize, s: usize| relationship(r)?.scopes.get(s);
    let change = |r: usize, s: usize, c: usize| scope(r, s)?.changes.get(c);
    Some(match row {
        Row::Blank => (Look::Plain, String::new()),
        Row::Relationship(r) => {
            let planned = relationship(r)?;
            let writer = planned.writer_name.map(|name| format!(", by {name}")).unwrap_or_default();
            let text =
                format!("{} ({}): {} {arrow} {}{writer}", planned.name, planned.mode, planned.source, planned.target);
            (Look::Heading, text)
        }
        Row::Reason(r) => (Look::Plain, format!("  {}", relationship(r)?.writer_reason)),
        Row::Numbers(r) => (Look::Plain, numbers(relationship(r)?, &plan.overrides)),
        Row::CostToService(r) => (Look::Plain, format!("  clients: {}", relationship(r)?.cost_to_service)),
        Row::CostToConfiguration(r) => {
            (Look::Plain, format!("  configuration: {}", relationship(r)?.cost_to_configuration))
        }
        Row::Against(r, at) => {
            let refusal = relationship(r)?.against().nth(at)?;
            let (word, how) = standing(refusal, plan, "BLOCKED");
            (Look::Refusal, format!("  {word}, {}: {}{how}", refusal.name, refusal.message))
        }
        Row::AgainstHint(r, at) => (Look::Quiet, format!("    {}", relationship(r)?.against().nth(at)?.hint)),
        Row::Deletions(r) => {
            let planned = relationship(r)?;
            let (scopes, others): (Vec<_>, Vec<_>) = planned
                .scopes
                .iter()
                .filter(|scope| deletes(plan, planned, scope))
                .partition(|scope| scope.is_deletion());
            let items = others.iter().flat_map(|scope| &scope.changes);
            let items = items.filter(|change| change.change == ChangeKind::Delete).count();
            let count = match (scopes.len(), items) {
                (0, items) => items.to_string(),
                (scopes, 0) => plural(scopes, "scope"),
                (scopes, items) => format!("{}, {}", plural(scopes, "scope"), plural(items, "item")),
            };
            let word = if planned.is_open(&plan.overrides) { "DELETED" } else { "would be DELETED" };
            (Look::Heading, format!("  {word} on {}: {count}", planned.target))
        }
        Row::DeleteScope(r, s) => {
            let planned = scope(r, s)?;
            let name = planned.name.as_ref().map(|name| format!(" {name}")).unwrap_or_default();
            (Look::Delete, format!("    - delete the whole scope {}{name}", names.name(planned.id)))
        }
        Row::Delete(r, s, c) => {
            let id = names.name(scope(r, s)?.id);
            let mark = uncertain(scope(r, s)?, change(r, s, c)?);
            (Look::Delete, format!("    - delete {} in scope {id}{mark}", drift::described(change(r, s, c)?)))
        }
        Row::Finding(r, f) => {
            let finding = relationship(r)?.findings.get(f)?;
            let look = match finding.kind {
                kind if kind.is_caveat() || kind.is_about_writing() => Look::Warning,
                kind if kind.is_of_all() => Look::Refusal,
                _ => Look::Quiet,
            };
            (look, format!("  {}", drift::finding_line(finding)))
        }
        Row::FindingStep(r, f, n) => {
            (Look::Plain, format!("    {}", relationship(r)?.findings.get(f)?.hint.lines().nth(n)?))
        }
        Row::Scope(r, s) => {
            let planned = scope(r, s)?;
            let name = planned.name.as_ref().map(|name| format!(" {name}")).unwrap_or_default();
            let what = match planned.state {
                DriftState::OnlyOnSource => "whole scope is created on the target",
                _ if planned.is_deletion() => "whole scope is DELETED on the target",
                _ => planned.state.words(),
            };
            let refused = planned.standing_refusals(&plan.overrides).next().is_some();
            let refused = if refused { ", REFUSED: not written" } else { "" };
            (Look::Heading, format!("  scope {}{name}: {what}{refused}", names.name(planned.id)))
        }
        Row::Otherwise(r, s) => {
            let way = scope(r, s)?.otherwise.as_ref()?;
            (Look::Plain, format!("    by {}: {}", way.writer, way.reason))
        }
        Row::Refused(r) => {
            let refused = |scope: &&PlannedScope| scope.standing_refusals(&plan.overrides).next().is_some();
            let count = relationship(r)?.scopes.iter().filter(refused).count();
            (Look::Refusal, format!("  REFUSED, not written: {}", plural(count, "scope")))
        }
        Row::Refusal(r, s, at) => {
            let planned = scope(r, s)?;
            let refusal = planned.refusals.get(at)?;
            let (word, how) = standing(refusal, plan, "REFUSED");
            (
                Look::Refusal,
                format!("    {word} {}, {}: {}{how}", names.name(planned.id), refusal.name, refusal.message),
            )
        }
        Row::RefusalHint(r, s, at) => (Look::Quiet, format!("      {}", scope(r, s)?.refusals.get(at)?.hint)),
        Row::Since(r, s, at) => {
            let since = scope(r, s)?.since.as_ref()?;
            let item = since.items.get(at)?;
            let [then, after, now] = item.values(since);
            (Look::Plain, format!("      {}: then {then}, after the run {after}, now {now}", item.name()))
        }
        Row::Change(r, s, c) => {
            let change = change(r, s, c)?;
            let look = if change.change == ChangeKind::Create { Look::Create } else { Look::Update };
            (look, format!("    {}{}", drift::change_line(change), uncertain(scope(r, s)?, change)))
        }
        Row::Field(r, s, c, f) => (Look::Plain, field(change(r, s, c)?, f)?),
        Row::Left(r, s) => (Look::Quiet, left(scope(r, s)?, names)),
        Row::InSync(r) => {
            (Look::Quiet, format!("  in sync, nothing to do: {}", plural(relationship(r)?.in_sync.len(), "scope")))
        }
    })
}

/// What stands behind a change that the writer is not known to carry.
fn uncertain(scope: &PlannedScope, change: &Change) -> String {
    if scope.uncertain.contains(&change.key) { format!(" ({UNCERTAIN})") } else { String::new() }
}

/// Whether the way out of a finding is shown here, too: it is about what will be written.
fn shows_steps(finding: &Finding) -> bool {
    finding.kind.is_of_all() || finding.kind.is_about_writing()
}

fn field(change: &Change, at: usize) -> Option<String> {
    let field = change.fields.get(at)?;
    let (source, target) = drift::values(field);
    Some(match (change.change, &field.source) {
        (ChangeKind::Update, Some(_)) => format!("        {}: now {target}, will be {source}", field.field),
        (ChangeKind::Update, None) => format!("        {}: now {target}, will be removed", field.field),
        _ => format!("        {}: {source}", field.field),
    })
}

fn left(scope: &PlannedScope, names: &ScopeNames) -> String {
    let id = names.name(scope.id);
    match scope.state {
        DriftState::OnlyOnTarget => format!("  scope {id}: only on the target, never deleted by a replication"),
        _ => format!(
            "  scope {id}: not written, {}{}",
            scope.state.words(),
            scope.reason.as_ref().map(|reason| format!(": {reason}")).unwrap_or_default()
        ),
    }
}

/// Whether a refusal stands, and which key changes that.
fn standing(refusal: &Refusal, plan: &Plan, word: &'static str) -> (&'static str, &'static str) {
    match (refusal.overridable, refusal.stands(&plan.overrides)) {
        (true, false) => ("overridden", "  [o: lets it stand again]"),
        (true, true) => (word, "  [o: overrides it]"),
        (false, _) => (word, ""),
    }
}

fn numbers(planned: &PlannedRelationship, overrides: &BTreeSet<String>) -> String {
    let scopes = planned.to_write(overrides).count();
    let counts = compared::count(planned.to_write(overrides).flat_map(|scope| &scope.changes));
    if scopes == 0 {
        return "  nothing of it will be written".into();
    }
    let [create, update, delete] = counts;
    let scopes = plural(scopes, "scope");
    format!("  {scopes} of {} overwritten: {create} to create, {update} to update, {delete} to delete", planned.target)
}
