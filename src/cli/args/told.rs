//! What was asked for, as records have it: the command, and the arguments that say the same.

use serde_json::{Value, json};

use super::{Asking, Check, HaReset, Recover, Replicate, Undo};

/// The arguments of a command, gathered one by one.
#[derive(Default)]
struct Words(Vec<String>);

impl Words {
    fn flag(mut self, option: &str, given: bool) -> Self {
        self.0.extend(given.then(|| option.to_owned()));
        self
    }

    fn all<T: ToString>(mut self, option: &str, values: &[T]) -> Self {
        self.0.extend(values.iter().flat_map(|value| [option.to_owned(), value.to_string()]));
        self
    }

    fn asking(self, asking: &Asking) -> Self {
        let Asking { force, confirm, what_if, overrides, json } = asking;
        self.all("--override", overrides)
            .flag("--force", *force)
            .flag("--confirm", *confirm)
            .flag("--what-if", *what_if)
            .flag("--json", *json)
    }

    fn told(self, command: &str) -> Value {
        json!({ "command": command, "arguments": self.0 })
    }
}

impl Replicate {
    /// For records; a selection that was read from standard input is spelt out.
    pub fn told(&self) -> Value {
        let Replicate { selection, cim_sessions, leave_out, asking, as_job, throttle_limit } = self;
        Words(selection.names.clone())
            .all("--scope-id", &selection.scope_ids)
            .all("--computer-name", selection.computer_name.as_slice())
            .all("--cim-session", cim_sessions)
            .all("--leave-out", leave_out)
            .all("--throttle-limit", throttle_limit.as_slice())
            .asking(asking)
            .flag("--as-job", *as_job)
            .told("replicate")
    }
}

impl HaReset {
    /// For records.
    pub fn told(&self) -> Value {
        let HaReset { name, asking } = self;
        Words(vec![name.clone()]).asking(asking).told("ha-reset")
    }
}

impl Check {
    /// For records.
    pub fn told(&self) -> Value {
        let Check { servers, try_save, json, verifying } = self;
        Words(servers.clone())
            .all("--verify-windows", verifying.scope.as_slice())
            .all("--computer-name", verifying.computer_name.as_slice())
            .flag("--force", verifying.force)
            .flag("--what-if", verifying.what_if)
            .flag("--try-save", *try_save)
            .flag("--json", *json)
            .told("check")
    }
}

impl Undo {
    /// For records.
    pub fn told(&self) -> Value {
        let Undo { run, scope_ids, asking, as_job } = self;
        Words(vec![run.clone()]).all("--scope-id", scope_ids).asking(asking).flag("--as-job", *as_job).told("undo")
    }
}

impl Recover {
    /// For records.
    pub fn told(&self) -> Value {
        let Recover { run, finish, undo, leave, asking } = self;
        Words(run.iter().cloned().collect())
            .flag("--finish", *finish)
            .flag("--undo", *undo)
            .flag("--leave", *leave)
            .asking(asking)
            .told("recover")
    }
}

#[cfg(test)]
mod tests {
    use super::super::{Cli, Command};

    #[test]
    fn what_is_told_means_the_same() {
        let read = |words: &[&str]| {
            let words = std::iter::once("scopesync").chain(words.iter().copied()).map(Into::into);
            Cli::understand(words).unwrap().command.unwrap()
        };
        for line in [
            "replicate Berlin Hamburg --computer-name kea-1 --override option-43 --override clocks-apart --force --json",
            "replicate --scope-id 10.0.0.0,10.0.1.0/24 --cim-session kea-1,kea-3 --confirm --throttle-limit 2 \
             --leave-out 10.0.0.0:reservations/10.0.0.9 --leave-out 10.0.1.0/24",
            "ha-reset Berlin --override not-in-trouble --confirm --force",
            "undo latest --scope-id 10.0.0.0 --scope-id 10.0.1.0/24 --override no-snapshot --what-if",
            "check --verify-windows 10.0.0.0/24 --computer-name dhcp1 --force --json",
            "recover 2026 --undo --override changed-since-run --confirm --json",
        ] {
            let command = read(&line.split(' ').collect::<Vec<_>>());
            let told = match &command {
                Command::Replicate(asked) => asked.told(),
                Command::Check(asked) => asked.told(),
                Command::HaReset(asked) => asked.told(),
                Command::Recover(asked) => asked.told(),
                Command::Undo(asked) => asked.told(),
                other => panic!("{other:?}"),
            };
            let mut words = vec![told["command"].as_str().unwrap()];
            words.extend(told["arguments"].as_array().unwrap().iter().map(|word| word.as_str().unwrap()));
            assert_eq!(read(&words), command, "{words:?}");
        }
    }
}
