//! Saving a plan to a file.

use std::io::{ErrorKind, Write as _};
use std::path::PathBuf;

use super::{Preview, totals};
use crate::app::effect::Ticket;
use crate::app::entry::Entry;
use crate::engine::approval::Manner;
use crate::engine::plan::Plan;
use crate::files::private;
use crate::model::Foreign;
use crate::show::{self, ScopeNames};

/// The question for the file.
pub struct Saving {
    /// Its name, as far as it is typed.
    pub entry: Entry,
    /// It is being written.
    pub ticket: Option<Ticket>,
}

impl Saving {
    /// Something to begin with.
    pub fn new(name: String) -> Self {
        Saving { entry: Entry::new(name), ticket: None }
    }
}

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
        let plain = |c: char| if c.is_ascii_alphanumeric() || "._-".contains(c) { c } else { '-' };
        let name: String = name.chars().take(60).map(plain).collect();
        format!("scopesync-plan-{name}-{}.txt", now.strftime("%Y%m%dT%H%M%SZ"))
    }

    /// The file whose name is typed.
    pub fn save_as(&self) -> Option<SaveAs> {
        let path = PathBuf::from(self.saving.as_ref()?.entry.text().trim());
        Some(SaveAs { path, names: self.names.clone(), what_if: self.manner == Manner::ShowOnly })
    }
}

impl SaveAs {
    /// Writes the plan, for its owner alone; returns the file's name, safe to show.
    ///
    /// # Errors
    /// In words: the file is there already, or cannot be written.
    pub fn write(&self, plan: &Plan) -> Result<String, String> {
        let shown = Foreign::cleaned(&self.path.to_string_lossy());
        let is_json = self.path.extension().is_some_and(|end| end.eq_ignore_ascii_case("json"));
        let text = if is_json { format!("{:#}\n", plan.to_json()) } else { self.text(plan) };
        let written = private().write(true).create_new(true).open(&self.path).and_then(|mut file| {
            file.write_all(text.as_bytes())?;
            file.sync_all()
        });
        match written {
            Ok(()) => Ok(shown),
            Err(error) if error.kind() == ErrorKind::AlreadyExists => {
                Err(format!("{shown} is there already: give another name"))
            }
            Err(error) => Err(format!("{shown}: {error}")),
        }
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
