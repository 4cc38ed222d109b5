//! Writing scopes into a Kea configuration file: all of them in one replacement, and no
//! byte outside of them.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use async_trait::async_trait;

use super::super::dialect::edit::{Edit, EditError};
use super::super::file::Checked;
use super::super::subnet::{self, Style};
use super::layout::Place;
use super::{Editable, FileServer, as_error};
use crate::engine::approval::Approved;
use crate::engine::port::{Abilities, Assessment, Batch, Control, Done, Gate, Grain, Refusal, Saved, Work, Writer};
use crate::engine::{Error, ErrorKind, Result};
use crate::model::{Foreign, Scope, ScopeId};

/// Writes into one configuration file.
pub(super) struct FileWriter {
    server: FileServer,
    /// A file was written that no Kea has tested.
    untested: AtomicBool,
}

impl FileWriter {
    pub(super) fn new(server: FileServer) -> Self {
        FileWriter { server, untested: AtomicBool::new(false) }
    }

    /// Writes all of the work or nothing of it.
    async fn replace(&self, work: &[Arc<Work>], fresh: Editable) -> Result<()> {
        let edits = work.iter().map(|work| edits(work, &fresh)).collect::<Result<Vec<_>>>()?.concat();
        let options = self.server.policy().options.clone();
        let replaced = self.server.blocking(move || {
            let text = fresh.file.document().edit(&edits).map_err(edit_error)?;
            fresh.file.replace(&text, &options).map_err(as_error)
        });
        let replaced = replaced.await?;
        self.note(&replaced.checked);
        if let Some(error) = replaced.not_flushed {
            tracing::warn!(server = %self.server.0.name, %error, "a power cut right now might bring the old file back");
        }
        Ok(())
    }

    pub(super) fn note(&self, checked: &Checked) {
        if *checked == Checked::NotInstalled {
            self.untested.store(true, Ordering::Relaxed);
        }
    }

    /// Writes what can be written: when Kea refuses the new file, halves of the work are
    /// tried, so that only what offends it is left out.
    async fn write_what_passes(&self, work: &[Arc<Work>], ok: &Approved, ctl: &Control) -> Vec<Done> {
        let all = |done: Done| vec![done; work.len()];
        if work.is_empty() || ctl.is_cancelled() {
            return all(Done::Cancelled);
        }
        let fresh = match self.server.editable().await {
            Ok(fresh) => fresh,
            Err(error) => return all(Done::Rejected(error)),
        };
        // the last look before the write: that each scope is what the plan was made from
        let moved: Vec<Option<Error>> = work.iter().map(|work| self.moved(work, &fresh)).collect();
        if moved.iter().any(Option::is_some) {
            let still: Vec<Arc<Work>> =
                work.iter().zip(&moved).filter(|(_, moved)| moved.is_none()).map(|(work, _)| work.clone()).collect();
            let mut done = Box::pin(self.write_what_passes(&still, ok, ctl)).await.into_iter();
            let outcome = |moved: Option<Error>| match moved {
                Some(error) => Done::Rejected(error),
                None => done.next().unwrap_or(Done::Cancelled),
            };
            return moved.into_iter().map(outcome).collect();
        }
        match self.replace(work, fresh).await {
            Ok(()) => {
                tracing::info!(server = %self.server.0.name, scopes = work.len(), plan = ok.plan(), by = ok.by(), "file replaced");
                all(Done::Applied)
            }
            Err(error) if work.len() > 1 && error.kind == ErrorKind::Refused => {
                let (first, second) = work.split_at(work.len() / 2);
                let mut done = Box::pin(self.write_what_passes(first, ok, ctl)).await;
                done.extend(Box::pin(self.write_what_passes(second, ok, ctl)).await);
                done
            }
            Err(error) if work.len() == 1 => {
                work.iter().map(|work| Done::Rejected(error.clone().scope(work.id))).collect()
            }
            Err(error) => all(Done::Rejected(error)),
        }
    }

    fn moved(&self, work: &Work, fresh: &Editable) -> Option<Error> {
        let now = fresh.config.scopes.get(&work.id);
        let same = match (&work.before, now) {
            (None, None) => true,
            (Some(before), Some(entry)) => {
                let native: Option<serde_json::Value> = serde_json::from_slice(&entry.raw.text()).ok();
                native.as_ref() == Some(&*before.native) && entry.raw.placement() == before.network()
            }
            _ => false,
        };
        (!same).then(|| {
            Error::new(ErrorKind::Moved, "the scope was changed in the file since the preview")
                .on(&self.server.0.name)
                .scope(work.id)
                .hint("make a new preview")
        })
    }
}

#[async_trait]
impl Writer for FileWriter {
    fn abilities(&self) -> Abilities {
        Abilities {
            name: "Kea file",
            grain: Grain::Item,
            batch: Batch::WholeServer,
            creates_scope: true,
            deletes_scope: true,
            interrupts_service: false,
            outlives_connection: false,
            brings_back: "replicate again, which creates it anew".to_owned(),
        }
    }

    async fn assess(&self, work: &[Arc<Work>], _ctl: &Control) -> Result<Assessment> {
        let fresh = self.server.editable().await?;
        let mut refusals: BTreeMap<ScopeId, Vec<Refusal>> = BTreeMap::new();
        let mut possible = Vec::new();
        for one in work {
            match by_place(one, &fresh).or_else(|| id_taken(one, work, &fresh)) {
                Some(refusal) => refusals.entry(one.id).or_default().push(refusal),
                None => possible.push(&**one),
            }
        }
        // what the layout of the file forbids, found by trying without writing
        let edits = |work: &[&Work]| work.iter().map(|work| edits(work, &fresh)).collect::<Result<Vec<_>>>();
        let document = fresh.file.document();
        let passes = |work: &[&Work]| edits(work).is_ok_and(|edits| document.edit(&edits.concat()).is_ok());
        if !passes(&possible) {
            for one in possible {
                let problem = match edits(&[one]) {
                    Ok(edits) => document.edit(&edits.concat()).err().map(edit_error),
                    Err(error) => Some(error),
                };
                if let Some(error) = problem {
                    let (hint, message) = (error.hint.unwrap_or_default(), error.what);
                    let refusal = Refusal { name: "file-layout", message, hint, overridable: false };
                    refusals.entry(one.id).or_default().push(refusal);
                }
            }
        }
        Ok(Assessment {
            cost_to_service: "none; takes effect at the next reload".to_owned(),
            cost_to_configuration: "none".to_owned(),
            refusals,
            ..Assessment::default()
        })
    }

    /// The journal has the scopes as they were; the file keeps everything else.
    async fn prepare(&self, _ok: &Approved, _ctl: &Control) -> Result<()> {
        Ok(())
    }

    async fn write(&self, work: &[Arc<Work>], ok: &Approved, _gate: &dyn Gate, ctl: &Control) -> Vec<Done> {
        if self.server.policy().read_only {
            let error = Error::new(ErrorKind::Safety, "the server is read-only").on(&self.server.0.name);
            return vec![Done::Rejected(error); work.len()];
        }
        self.write_what_passes(work, ok, ctl).await
    }

    /// Nothing ever stopped.
    async fn settle(&self, _ctl: &Control) -> Result<()> {
        Ok(())
    }

    fn needs_saving(&self) -> bool {
        false
    }

    async fn save(&self, _ctl: &Control) -> Saved {
        Saved::NeedsReload
    }

    fn remarks(&self) -> Vec<String> {
        let untested = self.untested.load(Ordering::Relaxed).then(|| {
            format!(
                "{}: no Kea has tested the new {}: kea-dhcp4 is not installed here; run kea-dhcp4 -t on it before \
                 the server reloads, or name a program in check",
                self.server.0.name,
                Foreign::from(self.server.path().display().to_string())
            )
        });
        untested.into_iter().collect()
    }
}

/// What stands against writing to the place where the scope is.
fn by_place(work: &Work, fresh: &Editable) -> Option<Refusal> {
    let include = fresh.layout.scopes.get(&work.id)?.include.as_ref()?;
    Some(Refusal {
        name: "included-file",
        message: format!("the scope or a part of it stands in the included file {include}"),
        hint: "change it there, or move it into the file itself".to_owned(),
        overridable: false,
    })
}

/// Kea refuses a file in which two subnets have one number.
fn id_taken(work: &Work, all: &[Arc<Work>], fresh: &Editable) -> Option<Refusal> {
    let number = work.wanted_id()?;
    if work.before.as_ref().and_then(Scope::server_id) == Some(number) {
        return None;
    }
    let gives_it_up = |id: ScopeId| all.iter().any(|other| other.id == id && other.wanted_id() != Some(number));
    let mut others = fresh.config.scopes.values().filter(|entry| entry.id != work.id);
    let holder = others.find(|entry| entry.server_id == Some(number) && !gives_it_up(entry.id))?;
    Some(Refusal {
        name: "id-taken",
        message: format!("its id {number} belongs to {} on the target", holder.id),
        hint: "replicate that scope in the same run, or give it another id on the target".to_owned(),
        overridable: false,
    })
}

/// The edits that make one scope what is wanted.
fn edits(work: &Work, fresh: &Editable) -> Result<Vec<Edit>> {
    let around = &fresh.config.surroundings;
    let place = fresh.layout.scopes.get(&work.id);
    let style = if place.is_some() { Style::Keep } else { Style::Create };
    let Some(want) = &work.want else {
        let removal = |place: &Place| Edit { at: place.at.clone(), with: None };
        return Ok(place.into_iter().map(removal).collect());
    };
    let rendered = subnet::render(want, style, around);
    let network = rendered.network.clone();
    let whole = rendered.whole();
    match place {
        Some(place) if place.network == network => Ok(vec![Edit { at: place.at.clone(), with: Some(whole) }]),
        _ => {
            let at = fresh.layout.new_subnet(network.as_ref()).ok_or_else(|| no_network(work.id, network.as_ref()))?;
            let removal = place.map(|place| Edit { at: place.at.clone(), with: None });
            Ok(removal.into_iter().chain([Edit { at, with: Some(whole) }]).collect())
        }
    }
}

fn no_network(scope: ScopeId, network: Option<&Foreign>) -> Error {
    let name = network.map_or_else(|| "?".to_owned(), ToString::to_string);
    Error::new(ErrorKind::Safety, format!("the file has no shared network {name}"))
        .scope(scope)
        .hint("add the shared network to the file")
}

fn edit_error(error: EditError) -> Error {
    let hint = match &error {
        EditError::Include { .. } => "change it in the included file",
        EditError::Tangled { .. } => "put the list into the file itself",
        EditError::Path { .. } | EditError::Check(_) => "change the scope by hand, and report this layout",
    };
    Error::new(ErrorKind::Safety, error.to_string()).hint(hint)
}
