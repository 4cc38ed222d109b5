//! Plans that go on with an interrupted run, or take it back.

use std::collections::BTreeSet;

use super::{Standing, Told};
use crate::engine::Result;
use crate::engine::fleet::Fleet;
use crate::engine::plan::Plan;
use crate::engine::port::{Control, RunKind};
use crate::engine::survey::Survey;
use crate::engine::undo::{Past, Undo};
use crate::model::{ScopeId, ServerName};

/// What is written for an interrupted run.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Remedy {
    /// What it had not come to.
    Finish,
    /// What it had overwritten.
    Undo,
}

/// The interrupted run that waits no longer once all of a plan is written.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Settles {
    /// Its name.
    pub run: String,
    /// What is written for it.
    pub remedy: Remedy,
}

impl Told {
    /// The plan for what the run had not come to. `undone` is what the run did that this one was
    /// to undo, and empty where it was no undo. What was left out of it is left out again. A run with scopes that it does not explain waits
    /// on: these are not brought in order by going on with it.
    ///
    /// # Errors
    /// As those of [`Told::finish`].
    pub async fn finish_plan(
        &self,
        mut undone: Vec<Past>,
        fleet: &Fleet,
        survey: &Survey,
        overrides: BTreeSet<String>,
        ctl: &Control,
    ) -> Result<Plan> {
        let mut plan = match &self.kind {
            RunKind::Undo { of } => {
                self.add_found(&mut undone)?;
                let undo = Undo::new(of, undone, &[])?.only(&self.to_finish());
                undo.plan(fleet, survey, overrides, ctl).await
            }
            _ => Plan::make(fleet, survey, &self.finish(survey)?, overrides, ctl).await,
        };
        if !self.left_out.is_empty() {
            plan = plan.leaving_out(fleet, &self.left_out, ctl).await;
        }
        let is_known = !self.counts().contains_key(&Standing::Unknown);
        plan.settles = is_known.then(|| Settles { run: self.run.clone(), remedy: Remedy::Finish });
        Ok(plan)
    }

    /// What undoes the run. A run of which more may still be carried out waits on: there is nothing to take
    /// back of that yet.
    ///
    /// # Errors
    /// A scope could not be read; or the run has changed nothing.
    pub fn undo(&self) -> Result<Undo> {
        let settles = Settles { run: self.run.clone(), remedy: Remedy::Undo };
        let undo = Undo::new(&self.run, self.past()?, &[])?;
        Ok(if self.may_come().next().is_none() { undo.settling(settles) } else { undo })
    }

    /// The scopes that finishing the run writes, and where.
    pub fn to_finish(&self) -> BTreeSet<(ServerName, ScopeId)> {
        let of_part = |part: &super::ToldRelationship| {
            let scopes = part.scopes.iter().filter(|scope| scope.is_to_finish());
            scopes.map(|scope| (part.target.clone(), scope.id)).collect::<Vec<_>>()
        };
        self.relationships.iter().flat_map(of_part).collect()
    }
}
