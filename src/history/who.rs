//! Who runs the program, and where.

/// The operator, for records.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Who {
    /// The user that the program runs as.
    pub user: String,
    /// Who became that user by sudo.
    pub sudo_user: Option<String>,
    /// The machine.
    pub host: String,
    /// The process.
    pub process: u32,
}

impl Who {
    /// This process.
    pub fn here() -> Who {
        Who { user: user(), sudo_user: variable("SUDO_USER"), host: host(), process: std::process::id() }
    }
}

/// The name of who runs the program.
pub fn user() -> String {
    ["USER", "LOGNAME", "USERNAME"].into_iter().find_map(variable).unwrap_or_else(nameless)
}

fn variable(name: &str) -> Option<String> {
    std::env::var(name).ok().filter(|value| !value.is_empty())
}

/// The account's number says more than nothing: services and containers often set no name.
#[cfg(unix)]
fn nameless() -> String {
    format!("uid {}", rustix::process::getuid().as_raw())
}

#[cfg(not(unix))]
fn nameless() -> String {
    "unknown".to_owned()
}

#[cfg(unix)]
fn host() -> String {
    rustix::system::uname().nodename().to_string_lossy().into_owned()
}

#[cfg(not(unix))]
fn host() -> String {
    variable("COMPUTERNAME").unwrap_or_else(|| "unknown".to_owned())
}
