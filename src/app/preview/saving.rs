//! Saving a plan to a file.

use std::path::PathBuf;

use super::{Preview, totals};
use crate::app::saving::{file_name, is_json, path, write_new};
use crate::engine::approval::Manner;
use crate::engine::plan::Plan;
use crate::show::{self, ScopeNames};

/// Where a plan is saved to, and what to say of it there.
pub struct SaveAs {
    path: PathBuf,
    names: ScopeNames,
    what_if: bool,
}

impl Preview {
    /// A name for the plan's file in the working folder.
    pub fn file_name(&self, now: jiff::Timestamp) -> String {
        let name = match self.plan.relationships.as_slice() {
            [only] => only.name.to_string(),
            all => format!("{}-relationships", all.len()),
        };
        file_name("plan", &name, now, "txt")
    }

    /// The file whose name is typed; `None` where there is none.
    ///
    /// # Errors
    /// In words: it is not known where that is.
    pub fn save_as(&self) -> Option<Result<SaveAs, String>> {
        let typed = self.saving.as_ref()?.entry.text();
        let file = |path| SaveAs { path, names: self.names.clone(), what_if: self.manner == Manner::ShowOnly };
        (!typed.trim().is_empty()).then(|| path(typed).map(file))
    }
}

impl SaveAs {
    /// Writes the plan, for its owner alone; returns the file's name, safe to show.
    ///
    /// # Errors
    /// In words: the file is there already, or cannot be written.
    pub fn write(&self, plan: &Plan) -> Result<String, String> {
        let is_json = is_json(&self.path);
        write_new(&self.path, &if is_json { format!("{:#}\n", plan.to_json()) } else { self.text(plan) })
    }

    fn text(&self, plan: &Plan) -> String {
        let what_if = if self.what_if { "WHATIF: nothing is written\n" } else { "" };
        let mut text = format!("{what_if}scopesync plan {}, made at {}\n\n", plan.digest, plan.created_at);
        for line in show::plan(plan, &self.names) {
            text.push_str(line.text().trim_end());
            text.push('\n');
        }
        text.push_str(&format!("\nPlan: {}\n", totals(plan, &plan.relationships)));
        text
    }
}
