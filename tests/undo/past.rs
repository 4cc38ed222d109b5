//! Replications and undos by the engine alone, and what a run leaves to be undone.

use std::collections::BTreeSet;
use std::sync::Arc;

use scopesync::engine::approval::{Questions, Switches};
use scopesync::engine::fleet::Fleet;
use scopesync::engine::outcome::RunReport;
use scopesync::engine::plan::Plan;
use scopesync::engine::port::{Control, Work};
use scopesync::engine::select::{Selection, select};
use scopesync::engine::undo::{Left, Past, Undo, Words};
use scopesync::engine::{fingerprint, run};
use scopesync::model::{Foreign, Scope, ServerName};

use super::common::fake::FakeJournal;

/// A scope in its server's words.
pub type ToWords<'a> = &'a dyn Fn(&Scope) -> Words;

/// As backends have them.
pub fn native(scope: &Scope) -> Words {
    Words { network: scope.network().cloned(), native: scope.native.clone() }
}

/// Everything that is to be replicated from a server.
pub async fn plan_from(fleet: &Fleet, source: &str) -> Plan {
    let ctl = Control::free();
    let survey = fleet.survey(&ctl).await;
    let picked = select(&survey, &Selection::All, &[ServerName::from(source)]).unwrap();
    Plan::make(fleet, &survey, &picked, BTreeSet::new(), &ctl).await
}

/// What undoes this past, with these refusals overridden.
pub async fn plan_back(fleet: &Fleet, past: Vec<Past>, overrides: &[&str]) -> Plan {
    let ctl = Control::free();
    let survey = fleet.survey(&ctl).await;
    let overrides = overrides.iter().map(|name| (*name).to_owned()).collect();
    Undo::new("a-run", past, &[]).unwrap().plan(fleet, &survey, overrides, &ctl).await
}

/// Runs a plan without asking, and returns what a history would have kept of it.
pub async fn execute(fleet: &Fleet, plan: &Plan, words: ToWords<'_>) -> (RunReport, Vec<Past>) {
    let names: Vec<Foreign> = plan.relationships.iter().map(|relationship| relationship.name.clone()).collect();
    let switches = Switches { force: true, ..Switches::default() };
    let questions = Questions::new(&plan.digest, names, "a test", switches, plan.overrides.clone());
    let ctl = Control::free();
    let report = run::run(fleet, plan, questions.into_approved(), &FakeJournal::default(), &ctl).await;
    let mut past = Vec::new();
    for (planned, ran) in plan.relationships.iter().zip(&report.relationships) {
        let Some(target) = planned.target_server(fleet) else { continue };
        let reading = target.read(&ctl).await.unwrap();
        for work in planned.to_write(&plan.overrides).filter_map(|scope| scope.work.as_ref()) {
            let after = match reading.scopes.get(&work.id).map(|entry| entry.raw.open().unwrap()) {
                None => Left::Missing,
                Some(after) => {
                    Left::There { fingerprint: fingerprint::of(&after, &reading.context), words: words(&after) }
                }
            };
            past.push(Past {
                target: target.name().clone(),
                identity: reading.identity.clone(),
                relationship: planned.name.clone(),
                id: work.id,
                outcome: ran.scopes.iter().find(|scope| scope.id == work.id).map(|scope| scope.outcome),
                before: work.before.as_ref().map(words),
                after,
                later: None,
                is_kept: true,
            });
        }
    }
    (report, past)
}

/// The work of a plan.
pub fn works(plan: &Plan) -> Vec<Arc<Work>> {
    plan.relationships.iter().flat_map(|planned| &planned.scopes).filter_map(|scope| scope.work.clone()).collect()
}
