//! Making what runs outlive a restart, and keeping what ran before.

use serde_json::{Value, json};

use super::{Known, LiveServer};
use crate::engine::port::{Control, Saved};
use crate::engine::{Error, Result};

impl LiveServer {
    /// Keeps the running configuration in a file beside the server's own, in Kea's flat form.
    pub(super) async fn keep_before(&self, ctl: &Control) -> Result<()> {
        let policy = self.policy();
        let known = self.known(ctl).await?;
        if !policy.save || policy.read_only || !keeps_before(&known) {
            return Ok(());
        }
        let name = before_name(jiff::Timestamp::now());
        let answer = self.channel().tell("config-write", Some(&json!({ "filename": name }))).await?;
        match answer.failure() {
            None => Ok(()),
            Some(error) => {
                let what = format!("the running configuration was not kept as {name}: {}", error.what);
                // what to do about it is said once a run, when saving fails too
                Err(self.on(Error { what, ..error }.hint("Kea must be allowed to write to the folder of its file")))
            }
        }
    }

    /// Writes the running configuration to the server's own file.
    pub(super) async fn save_running(&self) -> Saved {
        if !self.policy().save {
            return Saved::Never;
        }
        let answer = self.channel().tell("config-write", None::<&Value>).await;
        match answer.map(|answer| answer.failure()) {
            Ok(None) => Saved::Saved,
            Ok(Some(error)) => Saved::NotSaved(self.on(error.hint(format!("{WRITABLE}, then send config-write")))),
            Err(error) => Saved::NotSaved(error),
        }
    }

    /// What saving does to the server's file besides the changes.
    pub(super) fn cost_of_saving(&self, known: &Known) -> &'static str {
        cost_of_saving(self.policy().save, keeps_before(known))
    }
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
            "saving rewrites the server's file in Kea's flat form, without its comments and includes, and makes \
             permanent whatever else was changed on the running server and not saved"
        }
        (true, true) => {
            "saving rewrites the server's file in Kea's flat form, without its comments and includes, and makes \
             permanent whatever else was changed on the running server and not saved; what runs before is kept beside \
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
