//! Who runs the program, and from where: for records.
//!
//! What the operating system knows comes first: the account of the process and, on Linux, the
//! account that logged in, which no later change of accounts touches. The environment only adds
//! to it, since anybody can set it to anything.

use std::fmt;

use serde::{Deserialize, Serialize};

use crate::model::Foreign;

/// Characters of a text from the environment that are kept.
const LONGEST: usize = 255;

/// How the program is used.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum FrontEnd {
    /// The interactive program.
    Screen,
    /// One command.
    CommandLine,
    /// A detached job.
    Job,
}

/// By what somebody became the account that the process runs as.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Means {
    /// `sudo`.
    Sudo,
    /// `doas`.
    Doas,
    /// Not told: the system only knows that another account logged in.
    Login,
}

/// The person behind the account of the process.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Behind {
    /// Their account.
    pub user: Foreign,
    /// How they became the other one.
    pub by: Means,
    /// The operating system says so, not only the environment.
    pub proven: bool,
}

/// Who runs the program, and from where.
///
/// Shown as `alice (root by sudo) on ns1 from 192.0.2.7`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Who {
    /// The account of the process.
    pub user: Foreign,
    /// Its number, where accounts have one.
    pub uid: Option<u32>,
    /// Who is behind it, where that is another account.
    pub behind: Option<Behind>,
    /// This machine.
    pub host: Foreign,
    /// The address that the session comes from; `None` for one that began on this machine.
    pub from: Option<Foreign>,
    /// The number of the process.
    pub process: u32,
    /// When the program was started.
    pub since: jiff::Timestamp,
    /// The version of the program.
    pub version: Foreign,
    /// How it is used.
    pub front_end: FrontEnd,
}

impl FrontEnd {
    /// The words for screens.
    pub fn words(self) -> &'static str {
        match self {
            FrontEnd::Screen => "interactive",
            FrontEnd::CommandLine => "command line",
            FrontEnd::Job => "job",
        }
    }
}

impl Who {
    /// Who runs this process. To be asked at its start, which is taken to be now.
    pub fn of_process(front_end: FrontEnd) -> Self {
        let env = |name: &str| std::env::var_os(name).map(|value| value.to_string_lossy().into_owned());
        let from = session(env(SESSION).as_deref()).or_else(|| session(of_ancestors(SESSION).as_deref()));
        Who::of(account(), login(), &env, from, front_end)
    }

    fn of(
        (user, uid): (Foreign, Option<u32>),
        login: Option<(Foreign, u32)>,
        env: &dyn Fn(&str) -> Option<String>,
        from: Option<Foreign>,
        front_end: FrontEnd,
    ) -> Self {
        Who {
            behind: behind(&user, uid, login, env),
            user,
            uid,
            host: host(),
            from,
            process: std::process::id(),
            since: jiff::Timestamp::now(),
            version: env!("CARGO_PKG_VERSION").into(),
            front_end,
        }
    }

    /// The person and the account, without the place: `alice (root by sudo)`.
    pub fn person(&self) -> String {
        match &self.behind {
            None => self.user.to_string(),
            Some(Behind { user, by: Means::Sudo, .. }) => format!("{user} ({} by sudo)", self.user),
            Some(Behind { user, by: Means::Doas, .. }) => format!("{user} ({} by doas)", self.user),
            Some(Behind { user, by: Means::Login, .. }) => format!("{user} (as {})", self.user),
        }
    }
}

impl fmt::Display for Who {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} on {}", self.person(), self.host)?;
        self.from.iter().try_for_each(|from| write!(f, " from {from}"))
    }
}

/// The login that the operating system knows of settles who it is; the environment then only
/// says by what means. Without one the environment has to be believed.
fn behind(
    user: &Foreign,
    uid: Option<u32>,
    login: Option<(Foreign, u32)>,
    env: &dyn Fn(&str) -> Option<String>,
) -> Option<Behind> {
    let named = |name: &str| env(name).filter(|value| !value.is_empty());
    let told = [(Means::Sudo, "SUDO_USER"), (Means::Doas, "DOAS_USER")];
    let mut told = told.into_iter().filter_map(|(by, name)| Some((by, short(&named(name)?))));
    match login {
        Some((_, number)) if uid == Some(number) => None,
        Some((name, _)) => {
            let by = told.find(|(_, told)| *told == name).map_or(Means::Login, |(by, _)| by);
            Some(Behind { user: name, by, proven: true })
        }
        None => {
            let (by, name) = told.next().filter(|(_, name)| name != user)?;
            Some(Behind { user: name, by, proven: false })
        }
    }
}

/// What `sshd` tells of the session: address and port of the client, then of this machine.
const SESSION: &str = "SSH_CONNECTION";

fn session(told: Option<&str>) -> Option<Foreign> {
    told?.split_whitespace().next().map(short)
}

/// Text of whatever length from outside.
fn short(text: &str) -> Foreign {
    text.chars().take(LONGEST).collect::<String>().into()
}

/// The account of the process, by its number: names in the environment may be anybody's.
#[cfg(unix)]
fn account() -> (Foreign, Option<u32>) {
    let uid = rustix::process::getuid().as_raw();
    (named(uid), Some(uid))
}

#[cfg(not(unix))]
fn account() -> (Foreign, Option<u32>) {
    (whoami::username().map_or_else(|_| "unknown".into(), |name| short(&name)), None)
}

/// The number says more than nothing: containers often have accounts without names.
#[cfg(unix)]
fn named(uid: u32) -> Foreign {
    match uzers::get_user_by_uid(uid) {
        Some(user) => short(&user.name().to_string_lossy()),
        None => format!("uid {uid}").into(),
    }
}

/// The account that logged in, as the kernel has it for its own audit.
#[cfg(target_os = "linux")]
fn login() -> Option<(Foreign, u32)> {
    let number: u32 = std::fs::read_to_string("/proc/self/loginuid").ok()?.trim().parse().ok()?;
    // "nobody": services and containers
    (number != u32::MAX).then(|| (named(number), number))
}

#[cfg(not(target_os = "linux"))]
fn login() -> Option<(Foreign, u32)> {
    None
}

/// A variable of the nearest ancestor that has it: `sudo` takes the session's out of the
/// environment, but is itself still there with its own.
#[cfg(target_os = "linux")]
fn of_ancestors(name: &str) -> Option<String> {
    /// Processes on the way up: more than any chain of shells has.
    const FARTHEST: usize = 32;
    let parent = |process: &u32| {
        let status = std::fs::read_to_string(format!("/proc/{process}/status")).ok()?;
        let line = status.lines().find_map(|line| line.strip_prefix("PPid:"))?;
        line.trim().parse().ok().filter(|parent| *parent > 1)
    };
    std::iter::successors(parent(&std::process::id()), parent).take(FARTHEST).find_map(|process| {
        let environment = std::fs::read(format!("/proc/{process}/environ")).ok()?;
        let wanted = [name.as_bytes(), b"="].concat();
        let value = environment.split(|byte| *byte == 0).find_map(|entry| entry.strip_prefix(wanted.as_slice()))?;
        Some(String::from_utf8_lossy(value).into_owned())
    })
}

#[cfg(not(target_os = "linux"))]
fn of_ancestors(_name: &str) -> Option<String> {
    None
}

#[cfg(unix)]
pub(super) fn host() -> Foreign {
    short(&rustix::system::uname().nodename().to_string_lossy())
}

#[cfg(not(unix))]
pub(super) fn host() -> Foreign {
    whoami::hostname().map_or_else(|_| "unknown".into(), |name| short(&name))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn who(uid: u32, login: Option<u32>, env: &[(&str, &str)]) -> Who {
        let name = |uid: u32| Foreign::from(["root", "alice", "bob"][uid as usize]);
        let find = |name: &str| env.iter().find(|(key, _)| *key == name).map(|(_, value)| (*value).to_owned());
        let from = session(find(SESSION).as_deref());
        let login = login.map(|uid| (name(uid), uid));
        let who = Who::of((name(uid), Some(uid)), login, &find, from, FrontEnd::CommandLine);
        Who { host: "ns1".into(), ..who }
    }

    #[test]
    fn behind_sudo_the_person_comes_first() {
        const SSH: (&str, &str) = ("SSH_CONNECTION", "192.0.2.7 50022 192.0.2.1 22");
        type Env = &'static [(&'static str, &'static str)];
        let cases: [(u32, Option<u32>, Env, &str); 7] = [
            (1, None, &[], "alice on ns1"),
            (1, Some(1), &[SSH], "alice on ns1 from 192.0.2.7"),
            (0, None, &[("SUDO_USER", "alice"), SSH], "alice (root by sudo) on ns1 from 192.0.2.7"),
            (0, None, &[("DOAS_USER", "alice")], "alice (root by doas) on ns1"),
            // the environment is anybody's: what the system knows stands
            (1, Some(1), &[("SUDO_USER", "bob"), ("USER", "bob"), ("LOGNAME", "bob")], "alice on ns1"),
            (0, Some(1), &[("SUDO_USER", "bob")], "alice (as root) on ns1"),
            (0, Some(1), &[("SUDO_USER", "alice")], "alice (root by sudo) on ns1"),
        ];
        for (uid, login, env, expected) in cases {
            assert_eq!(who(uid, login, env).to_string(), expected, "{env:?}");
        }
        assert!(!who(0, None, &[("SUDO_USER", "alice")]).behind.unwrap().proven);
        assert!(who(0, Some(1), &[("SUDO_USER", "alice")]).behind.unwrap().proven);
    }

    #[test]
    fn text_of_the_environment_is_shown_clean_and_short() {
        let long = "x".repeat(5000);
        let who = who(0, None, &[("SUDO_USER", "al\u{1b}[2Jice"), ("SSH_CONNECTION", &long)]);
        let shown = who.to_string();
        assert!(shown.starts_with("al\\u{1b}[2Jice (root by sudo)"), "{shown}");
        assert!(shown.len() < 400);
    }

    #[test]
    fn this_process_is_known_whatever_the_environment_says() {
        let who = Who::of_process(FrontEnd::Screen);
        assert_eq!(who.process, std::process::id());
        assert!(!who.user.raw().is_empty() && !who.host.raw().is_empty());
        let back: Who = serde_json::from_value(serde_json::to_value(&who).unwrap()).unwrap();
        assert_eq!(back, who);
    }
}
