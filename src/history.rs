//! What runs overwrote, kept on this machine.

mod files;

pub use files::FileJournal;

/// Who runs the program, for records.
pub fn user() -> String {
    let name = |name: &str| std::env::var(name).ok().filter(|name| !name.is_empty());
    ["USER", "LOGNAME", "USERNAME"].into_iter().find_map(name).unwrap_or_else(nameless)
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
