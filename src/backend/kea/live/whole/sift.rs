//! Which of many scopes a server refuses, found with few tests.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::part::Part;
use super::rehearsal::Rehearsal;
use crate::backend::kea::command::Arguments;
use crate::engine::port::Done;
use crate::engine::{Error, ErrorKind, Result};
use crate::model::ScopeId;

/// Scopes that can only be written together: one takes the number that another gives up.
type Unit = Vec<Arc<Part>>;

impl Rehearsal {
    /// The scopes that the target takes, with the configuration that was tested with them.
    /// Those that it does not take are told, in its own words.
    pub(super) async fn sift(
        &self,
        parts: Vec<Arc<Part>>,
        told: &mut BTreeMap<ScopeId, Done>,
    ) -> Result<(Vec<Arc<Part>>, Arguments)> {
        let mut text = self.composed(&parts).await?;
        let Some(refusal) = self.test(&text).await? else { return Ok((parts, text)) };
        text = self.composed(&[]).await?;
        if let Some(own) = self.test(&text).await? {
            let what = format!("the target refuses even its own configuration as it runs: {}", own.what);
            return Err(
                Error { what, ..own }.hint("mend its configuration first: it would not survive a restart either")
            );
        }
        let mut good: Vec<Arc<Part>> = Vec::new();
        let mut pending = vec![(units(parts), Some(refusal))];
        while let Some((mut units, refusal)) = pending.pop() {
            if self.ctl.is_cancelled() {
                return Err(Error::new(ErrorKind::Cancelled, "cancelled before its turn"));
            }
            let all: Vec<Arc<Part>> = good.iter().chain(units.iter().flatten()).cloned().collect();
            let tried = match refusal {
                Some(refusal) => Some(refusal),
                None => {
                    let new = self.composed(&all).await?;
                    let refusal = self.test(&new).await?;
                    if refusal.is_none() {
                        text = new;
                    }
                    refusal
                }
            };
            match tried {
                None => good = all,
                Some(refusal) if units.len() == 1 => {
                    let reject = |part: &Arc<Part>| (part.id, Done::Rejected(refusal.clone().scope(part.id)));
                    told.extend(units.iter().flatten().map(reject));
                }
                Some(_) => {
                    let second = units.split_off(units.len() / 2);
                    pending.push((second, None));
                    pending.push((units, None));
                }
            }
        }
        Ok((good, text))
    }
}

/// Puts together what hangs together, in the order of the scopes.
pub(super) fn units(parts: Vec<Arc<Part>>) -> Vec<Unit> {
    let holders: BTreeMap<u32, usize> =
        parts.iter().enumerate().filter_map(|(at, part)| Some((part.numbers[0]?, at))).collect();
    let mut root: Vec<usize> = (0..parts.len()).collect();
    fn find(root: &mut [usize], mut at: usize) -> usize {
        while root[at] != at {
            root[at] = root[root[at]];
            at = root[at];
        }
        at
    }
    for (at, part) in parts.iter().enumerate() {
        if let Some(&holder) = part.numbers[1].and_then(|number| holders.get(&number)) {
            let (a, b) = (find(&mut root, at), find(&mut root, holder));
            root[a.max(b)] = a.min(b);
        }
    }
    let mut units: BTreeMap<usize, Unit> = BTreeMap::new();
    for (at, part) in parts.into_iter().enumerate() {
        units.entry(find(&mut root, at)).or_default().push(part);
    }
    units.into_values().collect()
}
