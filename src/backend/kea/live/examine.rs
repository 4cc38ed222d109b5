//! A close look at a running server, for a check: how it is reached, what it lacks, and
//! whether it can save.

use std::time::Instant;

use serde_json::json;

use super::process::{self, Daemon, Place};
use super::status::Status;
use super::{LiveServer, save, writer};
use crate::backend::kea::command::{Commands, provider};
use crate::backend::kea::transport::Via;
use crate::engine::ErrorKind;
use crate::engine::port::{Control, Point, Topic, Verdict};
use crate::model::Foreign;

/// What a trial copy of the running configuration is called.
const TRIAL: &str = "scopesync-check.conf";

/// Who has the hooks that write scopes.
const FREE_SINCE: &str = "subnet_cmds and host_cmds are free since Kea 2.7.7 (stable: 3.0); before that only ISC's \
    subscribers have them, and scopes are written by replacing the whole configuration";

/// What is missed besides the writing commands, and why.
const USEFUL: [(&str, &str); 4] = [
    ("status-get", "states of its relationships"),
    ("config-hash-get", "a quick look at whether something moved"),
    ("stat-lease4-get", "how many addresses are in use"),
    ("lease4-get-all", "leases that a change would hurt"),
];

impl LiveServer {
    pub(super) async fn look_closely(&self, try_save: bool, ctl: &Control) -> Vec<Point> {
        let via = self.via(ctl).await;
        let asked = Instant::now();
        let commands = match &via {
            Ok(_) => self.commands(ctl).await,
            Err(error) => Err(error.clone()),
        };
        let took = asked.elapsed().as_secs_f64() * 1e3;
        let transport = self.channel().transport();
        let commands = match commands {
            Ok(commands) => commands,
            // it answers, and says no to who we are
            Err(error) if error.kind == ErrorKind::Refused && transport.is_http() => {
                let reach = Point::ok(Topic::Reach, "it answers");
                return [vec![reach], transport.security(Some(&error))].concat();
            }
            Err(error) => {
                let mut points = vec![Point::failed(Topic::Reach, &error)];
                points.extend(transport.security(None).into_iter().map(untried));
                return points;
            }
        };
        let way = via.map_or("", Via::word);
        let mut points = vec![Point::ok(Topic::Reach, format!("{way}; a round trip took {took:.0} ms"))];
        points.extend(transport.security(None));
        points.push(lacking(&commands));
        points.push(self.saving(&commands, try_save, ctl).await);
        points
    }

    /// Whether what runs can be written to the server's file.
    async fn saving(&self, commands: &Commands, try_save: bool, ctl: &Control) -> Point {
        let policy = self.policy();
        if policy.read_only {
            return Point::new(Topic::Saving, Verdict::NotAsked, "the server is read-only: nothing is ever saved");
        }
        if !policy.save {
            return Point::ok(Topic::Saving, "never, as its entry says (save = \"never\")");
        }
        if !commands.has("config-write") {
            let point = Point::new(Topic::Saving, Verdict::Failed, "the server lacks config-write");
            return point.hint("save in another way, and say save = \"never\" in its entry");
        }
        let found = self.daemon(commands, ctl).await;
        if try_save {
            return self.try_to_save(commands, found.ok()).await;
        }
        match found {
            Ok(daemon) => judge(&daemon),
            Err(reason) => Point::new(Topic::Saving, Verdict::NotAsked, reason)
                .hint("--try-save lets the server write a trial copy"),
        }
    }

    /// The process behind the socket; `Err` says why it cannot be looked at.
    async fn daemon(&self, commands: &Commands, ctl: &Control) -> Result<Daemon, String> {
        let listener = self.channel().transport().listener().await;
        let Some(listener) = listener else { return Err("which process answers is not known here".to_owned()) };
        if commands.has("status-get") {
            let status = self.channel().ask("status-get", None, ctl).await.and_then(|answer| answer.given::<Status>());
            // what listens here may hand on to another machine
            if status.map_err(|error| error.what)?.pid().is_some_and(|pid| pid != listener) {
                return Err("the server runs in a container or on another machine".to_owned());
            }
        }
        process::daemon(listener)
    }

    /// Kea takes the name of a file in the folder of its own since 2.6, a whole path before.
    async fn try_to_save(&self, commands: &Commands, daemon: Option<Daemon>) -> Point {
        let folder = daemon.as_ref().and_then(|daemon| daemon.file.parent());
        let name = match (commands.has("config-hash-get"), folder) {
            (true, _) => TRIAL.to_owned(),
            (false, Some(folder)) => folder.join(TRIAL).display().to_string(),
            (false, None) => {
                let found =
                    "not tried: this version of Kea needs a whole path, and the folder of its file is not known";
                return Point::new(Topic::Saving, Verdict::NotAsked, found);
            }
        };
        let answer = self.channel().tell("config-write", Some(&json!({ "filename": name }))).await;
        let answer = match answer.map(|answer| (answer.failure(), answer)) {
            Ok((None, answer)) => answer,
            Ok((Some(error), _)) => return Point::failed(Topic::Saving, &error.hint(save::WRITABLE)),
            Err(error) => return Point::failed(Topic::Saving, &error),
        };
        #[derive(serde::Deserialize)]
        struct Given {
            filename: Foreign,
        }
        let file = answer.given::<Given>().map_or_else(|_| Foreign::from(name), |given| given.filename);
        let removed = format!("remove {file}: Kea cannot, and it holds all that runs, passwords too");
        if !save::is_whole(&answer) {
            let found = format!("no: the trial copy {file} came out incomplete: there is no room on its disk");
            return Point::new(Topic::Saving, Verdict::Failed, found).hint(format!("make room there; {removed}"));
        }
        match daemon.as_ref().map(judge) {
            // the folder takes new files; the file itself must be writable too
            Some(point) if point.verdict == Verdict::Failed => {
                let both = format!("{}; then {removed}", point.hint.unwrap_or_default());
                Point::new(Topic::Saving, Verdict::Failed, format!("{}; a trial copy was written", point.found))
                    .hint(both)
            }
            _ => Point::ok(Topic::Saving, format!("yes: a trial copy was written to {file}")).hint(removed),
        }
    }
}

/// What the configuration says of the way, where it was not gone to its end.
fn untried(point: Point) -> Point {
    let tried = point.topic == Topic::Tls && point.verdict != Verdict::Unknown;
    if tried { point } else { Point { verdict: Verdict::NotAsked, hint: None, ..point } }
}

/// Commands that the server does not have.
fn lacking(commands: &Commands) -> Point {
    let mut missing: Vec<String> = Vec::new();
    let mut cures: Vec<&str> = Vec::new();
    for (command, purpose) in USEFUL.into_iter().filter(|(command, _)| !commands.has(command)) {
        missing.push(format!("{command} ({purpose})"));
        cures.push(provider(command));
    }
    let writing = commands.lacks(&writer::NEEDED);
    if let [first, rest @ ..] = writing.as_slice() {
        let more = if rest.is_empty() { String::new() } else { format!(" and {} more", rest.len()) };
        missing.push(format!("{first}{more} (writing scopes without a pause)"));
        cures.extend(writing.iter().map(|command| provider(command)));
    }
    if missing.is_empty() {
        return Point::ok(Topic::Commands, "all that are of use");
    }
    cures.sort_unstable();
    cures.dedup();
    cures.extend((!writing.is_empty()).then_some(FREE_SINCE));
    Point::warning(Topic::Commands, format!("the server lacks {}", missing.join(", "))).hint(cures.join("; "))
}

/// What owner and mode allow the daemon's user.
fn judge(daemon: &Daemon) -> Point {
    let (file, user) = (Foreign::from(daemon.file.to_string_lossy().as_ref()), &daemon.user);
    let place = match daemon.place() {
        Ok(place) => place,
        Err(reason) => return Point::new(Topic::Saving, Verdict::Unknown, reason),
    };
    let Place { file_writable, folder_writable, owner, read_only } = place;
    if read_only {
        let found = format!("no: {file} is on a file system that the daemon may only read");
        return Point::new(Topic::Saving, Verdict::Failed, found).hint("see ReadWritePaths in the service's unit");
    }
    if !file_writable {
        let found = format!("no: the daemon runs as {user} and may not write {file} ({owner})");
        return Point::new(Topic::Saving, Verdict::Failed, found).hint(save::WRITABLE);
    }
    if let Some(profile) = &daemon.profile {
        let found = format!("owner and mode of {file} allow it; AppArmor's {profile} may not");
        let hint = "as Debian ships it, it allows only reading (README, Troubleshooting); --try-save tells";
        return Point::new(Topic::Saving, Verdict::Unknown, found).hint(hint);
    }
    if !folder_writable {
        let found = format!("yes: {user} may write {file}, but no new file beside it");
        return Point::warning(Topic::Saving, found).hint("what runs before a write cannot be kept beside the file");
    }
    Point::ok(Topic::Saving, format!("yes: the daemon runs as {user} and may write {file}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn commands(names: &[&str]) -> Commands {
        names.iter().map(|name| (*name).to_owned()).collect()
    }

    #[test]
    fn what_is_lacking_is_named_with_its_use_and_its_hook() {
        let mut all: Vec<&str> = USEFUL.iter().map(|(name, _)| *name).chain(writer::NEEDED).collect();
        assert_eq!(lacking(&commands(&all)).verdict, Verdict::Ok);
        all.retain(|name| !name.starts_with("reservation-") && *name != "stat-lease4-get");
        let point = lacking(&commands(&all));
        assert_eq!(point.verdict, Verdict::Warning);
        assert_eq!(
            point.found,
            "the server lacks stat-lease4-get (how many addresses are in use), reservation-get and 4 more (writing \
             scopes without a pause)"
        );
        let cures = "load libdhcp_host_cmds.so on this server; load libdhcp_stat_cmds.so on this server";
        assert_eq!(point.hint, Some(format!("{cures}; {FREE_SINCE}")));
        let all: Vec<&str> = all.into_iter().filter(|name| !name.starts_with("subnet4-")).collect();
        assert!(lacking(&commands(&all)).hint.unwrap().contains("free since Kea 2.7.7"));
        let written: Vec<&str> = writer::NEEDED.into_iter().chain(["status-get", "config-hash-get"]).collect();
        let leases = lacking(&commands(&written)).hint.unwrap();
        assert!(leases.contains("lease_cmds") && !leases.contains("free since"), "{leases}");
    }
}
