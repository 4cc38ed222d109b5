//! Making what runs outlive a restart, and keeping what ran before.

use std::sync::{MutexGuard, PoisonError};

use serde::Deserialize;
use serde_json::json;

use super::{Known, LiveServer};
use crate::backend::kea::command::Answer;
use crate::engine::port::{Control, Saved};
use crate::engine::{Error, ErrorKind, Result};
use crate::model::Foreign;

impl LiveServer {
    /// Keeps the running configuration in a file beside the server's own, in Kea's flat form.
    pub(super) async fn keep_before(&self, ctl: &Control) -> Result<()> {
        let policy = self.policy();
        let known = self.known(ctl).await?;
        if !policy.save || policy.read_only || !keeps_before(&known) {
            return Ok(());
        }
        *self.kept() = Kept::Nothing;
        let name = before_name(jiff::Timestamp::now());
        let answer = self.channel().tell("config-write", Some(&json!({ "filename": name }))).await?;
        if let Some(error) = answer.failure() {
            let what = format!("the running configuration was not kept as {name}: {}", error.what);
            // what to do about it is said once a run, when saving fails too
            return Err(self.on(Error { what, ..error }.hint("Kea must be allowed to write to the folder of its file")));
        }
        let whole = is_whole(&answer);
        *self.kept() = if whole { Kept::Whole(name.clone()) } else { Kept::Cut(name.clone()) };
        match whole {
            true => Ok(()),
            false => {
                let what = format!("{name} came out incomplete: there is no room on the server's disk");
                Err(self.on(Error::new(ErrorKind::Refused, what).hint(format!("make room there, and remove {name}"))))
            }
        }
    }

    fn kept(&self) -> MutexGuard<'_, Kept> {
        self.0.kept.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Writes the running configuration to the server's own file.
    pub(super) async fn save_running(&self) -> Saved {
        if !self.policy().save {
            return Saved::Never;
        }
        let kept = self.kept().clone();
        if let Kept::Cut(copy) = &kept {
            let what = "not saved on purpose: there is no room on its disk, and saving would leave its file incomplete";
            let hint = format!("make room on the server's disk, remove {copy} there, and replicate again to save");
            return Saved::NotSaved(self.on(Error::new(ErrorKind::Safety, what).hint(hint)));
        }
        match self.channel().tell("config-write", None).await {
            Ok(answer) => match answer.failure() {
                Some(error) => Saved::NotSaved(self.on(error.hint(format!("{WRITABLE}, then send config-write")))),
                None if is_whole(&answer) => Saved::Saved,
                None => Saved::Broken(self.on(broken(&answer, &kept))),
            },
            Err(error) if error.in_doubt => {
                let what = format!("whether it was saved is not known, nor whether its file is whole: {}", error.what);
                let hint = "replicate again, which saves, before it is restarted; where it is down, let kea-dhcp4 -t \
                            judge its file first";
                Saved::NotSaved(Error { what, hint: None, ..error }.hint(hint))
            }
            Err(error) => Saved::NotSaved(error),
        }
    }

    /// What saving does to the server's file besides the changes.
    pub(super) fn cost_of_saving(&self, known: &Known) -> &'static str {
        cost_of_saving(self.policy().save, keeps_before(known))
    }
}

/// What became of the copy of the running configuration of before a run.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) enum Kept {
    /// None was made.
    #[default]
    Nothing,
    /// It is there, under this name beside the server's file.
    Whole(String),
    /// It is there and incomplete.
    Cut(String),
}

#[derive(Default, Deserialize)]
struct Written {
    filename: Option<Foreign>,
    size: Option<i64>,
}

/// Kea calls a `config-write` to a full disk a success; only the size that it tells, -1, gives
/// it away. The file is truncated by then. Source: measured with 2.2.0 and 3.0.4.
pub(super) fn is_whole(answer: &Answer) -> bool {
    answer.given::<Written>().ok().and_then(|written| written.size).is_none_or(|size| size > 0)
}

/// The server's file is incomplete: the worst that saving can come to.
fn broken(answer: &Answer, kept: &Kept) -> Error {
    let file = answer.given::<Written>().ok().and_then(|written| written.filename);
    let file = file.map_or_else(|| "its file".to_owned(), |file| format!("its file {file}"));
    let what =
        format!("saving left {file} INCOMPLETE, as on a full disk: the server runs on, and would not come up again");
    let mut hint = "neither restart nor reload it; make room on its disk and replicate again, or send config-write: \
                    that writes the file anew from what runs"
        .to_owned();
    if let Kept::Whole(copy) = kept {
        hint.push_str(&format!("; {copy} beside it is whole, and what ran before"));
    }
    Error::new(ErrorKind::Refused, what).hint(hint)
}

/// What the running configuration of before a run is kept as, beside the server's own file:
/// a name for each moment, so that a second try does not overwrite what the first one kept.
fn before_name(now: jiff::Timestamp) -> String {
    format!("scopesync-before-{}.conf", now.strftime("%Y%m%dT%H%M%S%.3fZ"))
}

/// Only where Kea writes to no other folder than that of its file: that came after `config-hash-get`.
fn keeps_before(known: &Known) -> bool {
    known.commands.has("config-hash-get")
}

fn cost_of_saving(saves: bool, keeps: bool) -> &'static str {
    match (saves, keeps) {
        (false, _) => "none: the configuration says never to save",
        (true, false) => {
            "saving rewrites the server's file in Kea's flat form, without its comments and includes and with inherited \
             values in every scope, and makes permanent whatever else was changed on the running server and not saved"
        }
        (true, true) => {
            "saving rewrites the server's file in Kea's flat form, without its comments and includes and with inherited \
             values in every scope, and makes permanent whatever else was changed on the running server and not saved; what runs before is kept beside \
             it as scopesync-before-<time>.conf, in the same flat form"
        }
    }
}

/// How Kea gets the right to write its file.
pub(super) const WRITABLE: &str = "let user _kea own the file and its folder, allow \"/etc/kea/ rw,\" and \
    \"/etc/kea/** rw,\" in AppArmor (README, Troubleshooting)";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_saving_costs_is_told_in_full() {
        assert!(cost_of_saving(false, true).starts_with("none"));
        for keeps in [false, true] {
            let cost = cost_of_saving(true, keeps);
            assert!(cost.contains("without its comments") && cost.contains("makes permanent"), "{cost}");
            assert_eq!(cost.contains("scopesync-before-"), keeps, "{cost}");
        }
    }

    #[test]
    fn every_copy_of_what_ran_before_has_a_name_of_its_own() {
        let name = |at: &str| before_name(at.parse().unwrap());
        assert_eq!(name("2026-11-21T23:15:00.5+01:00"), "scopesync-before-20261121T221500.500Z.conf");
        assert_ne!(name("2026-11-21T22:15:00.001Z"), name("2026-11-21T22:15:00.002Z"));
    }

    #[test]
    fn the_hint_about_saving_is_short() {
        assert!(WRITABLE.len() <= 160, "{}", WRITABLE.len());
    }
}
