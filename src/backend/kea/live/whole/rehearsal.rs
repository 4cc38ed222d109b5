//! What a write is made ready with: the scopes in the words of the server, and a configuration
//! that it has tested. Reads only, and may begin before the write is due.

use std::collections::BTreeMap;
use std::sync::Arc;

use serde::Serialize;
use serde_json::value::RawValue;

use super::compare::Outline;
use super::compose::{self, Replaced};
use super::part::Part;
use super::{MANY, hidden, is_still};
use crate::backend::kea::command::Arguments;
use crate::backend::kea::live::writer::refusals;
use crate::backend::kea::live::{Known, LiveServer};
use crate::engine::approval::Approved;
use crate::engine::port::{Control, Done, Work};
use crate::engine::threads::side_by_side;
use crate::engine::{Error, ErrorKind, Result};
use crate::model::ScopeId;

/// From what a write is made ready.
pub(super) struct Rehearsal {
    pub(super) server: LiveServer,
    /// The configuration in which the scopes are replaced.
    pub(super) base: Arc<Known>,
    /// The plan was made of that very configuration.
    pub(super) is_of_plan: bool,
    pub(super) ok: Approved,
    pub(super) ctl: Control,
}

/// What only has to be sent.
pub(super) struct Ready {
    /// The scopes that the server takes.
    pub(super) parts: Vec<Arc<Part>>,
    /// The configuration with them, as it was tested.
    pub(super) text: Arguments,
    /// What became of the others.
    pub(super) told: BTreeMap<ScopeId, Done>,
}

impl Rehearsal {
    /// `None` when the target no longer runs the base.
    ///
    /// # Errors
    /// What stands against all of it.
    pub(super) async fn hold(&self, work: &[Arc<Work>]) -> Result<Option<Ready>> {
        if let Some(refusal) = hidden::refusal(&self.base)?.filter(|refusal| !self.ok.overrides(refusal.name)) {
            return Err(refusal.into_error());
        }
        let (mut parts, mut told) = (Vec::new(), BTreeMap::new());
        for (work, part) in work.iter().zip(self.parts(work)?) {
            match self.permitted(work, part).await {
                Ok(part) => parts.push(Arc::new(part)),
                // it may be the base that has moved, and not the scope
                Err(error)
                    if error.kind == ErrorKind::Moved && !is_still(&self.server, &self.base, &self.ctl).await? =>
                {
                    return Ok(None);
                }
                Err(error) => {
                    told.insert(work.id, Done::Rejected(self.server.on(error).scope(work.id)));
                }
            }
        }
        let (parts, text) = match parts.is_empty() {
            true => (parts, Arguments::of(&())),
            false => self.sift(parts, &mut told).await?,
        };
        Ok(Some(Ready { parts, text, told }))
    }

    fn parts(&self, work: &[Arc<Work>]) -> Result<Vec<Result<Part>>> {
        if self.is_of_plan {
            let made = side_by_side(work, MANY, |work| Part::as_planned(work, &self.base));
            if let Some(parts) = made.into_iter().collect() {
                return Ok(parts);
            }
        }
        let text = self.base.text.text();
        let outline = Outline::read(&text).map_err(|broken| Error::new(ErrorKind::Garbled, broken.to_string()))?;
        Ok(side_by_side(work, MANY, |work| Part::new(work, &self.base, &outline)))
    }

    /// One scope as it shall be, unless leases stand against it.
    async fn permitted(&self, work: &Work, part: Result<Part>) -> Result<Part> {
        let part = part?;
        for refusal in refusals::by_leases(&self.server, &self.base, work, &self.ctl).await? {
            if !self.ok.overrides(refusal.name) {
                return Err(refusal.into_error());
            }
        }
        Ok(part)
    }

    /// The configuration with these scopes, made where it holds nothing else up.
    pub(super) async fn composed(&self, parts: &[Arc<Part>]) -> Result<Arguments> {
        let (base, parts) = (self.base.clone(), parts.to_vec());
        let text = tokio::task::spawn_blocking(move || {
            let replaced: Replaced<'_> = parts.iter().map(|part| (part.id, part.wanted.as_ref())).collect();
            let text = compose::compose(&base.text.text(), &replaced);
            configuration(&text.map_err(|broken| Error::new(ErrorKind::Garbled, broken.to_string()))?)
        });
        text.await.unwrap_or_else(|broken| {
            Err(Error::new(ErrorKind::Local, format!("making the configuration ended unexpectedly: {broken}")))
        })
    }

    /// Whether the target would take this configuration; `Some` is why not.
    pub(super) async fn test(&self, text: &Arguments) -> Result<Option<Error>> {
        let answer = self.server.channel().rehearse("config-test", text, &self.ctl).await?;
        Ok(answer.failure().map(|error| self.server.on(error)))
    }
}

/// What `config-test` and `config-set` take. Nothing but whole JSON is ever sent.
pub(super) fn configuration(text: &[u8]) -> Result<Arguments> {
    #[derive(Serialize)]
    struct Configuration<'a> {
        #[serde(rename = "Dhcp4")]
        dhcp4: &'a RawValue,
    }
    let dhcp4 = serde_json::from_slice(text)
        .map_err(|error| Error::new(ErrorKind::Local, format!("the new configuration came out garbled: {error}")))?;
    Ok(Arguments::of(&Configuration { dhcp4 }))
}
