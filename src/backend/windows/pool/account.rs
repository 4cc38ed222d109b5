//! What the servers said of an account's passwords. An account of a domain is one at all of its servers, each of
//! which would count an attempt.

use std::collections::HashMap;
use std::sync::{Arc, LazyLock, Mutex};
use std::time::Duration;

use secrecy::{ExposeSecret, SecretString};
use tokio::time::Instant;

use super::lock;
use crate::engine::Error;

/// Where an account is locked after some attempts, they are usually forgotten after so long.
const REMEMBERED: Duration = Duration::from_secs(30 * 60);

/// All that are known, by name.
static ACCOUNTS: LazyLock<Mutex<HashMap<String, Arc<Account>>>> = LazyLock::new(Mutex::default);

/// An account, as this process knows it.
#[derive(Default)]
pub(super) struct Account {
    /// Held by who tries a password that no server has taken yet.
    pub(super) first: tokio::sync::Mutex<()>,
    passwords: Mutex<Passwords>,
}

#[derive(Default)]
struct Passwords {
    /// The one that was taken last.
    taken: Option<SecretString>,
    refused: Vec<Refused>,
}

/// A password that a server did not take.
struct Refused {
    password: SecretString,
    /// The server's address.
    place: String,
    error: Error,
    at: Instant,
}

impl Account {
    /// The one that this user is at this host.
    pub(super) fn of(user: &str, host: &str) -> Arc<Self> {
        lock(&ACCOUNTS).entry(name(user, host)).or_default().clone()
    }

    /// Whether some server has taken this password.
    pub(super) fn has_taken(&self, password: &SecretString) -> bool {
        lock(&self.passwords).taken.as_ref().is_some_and(|taken| is_same(taken, password))
    }

    /// Why this password is not to be tried at this place. What another one said of one that was
    /// taken elsewhere is about that one alone.
    pub(super) fn refused(&self, password: &SecretString, place: &str) -> Option<Error> {
        let is_taken = self.has_taken(password);
        let mut passwords = lock(&self.passwords);
        passwords.refused.retain(|refused| refused.at.elapsed() < REMEMBERED);
        let refused = passwords.refused.iter().find(|refused| {
            is_same(&refused.password, password) && (refused.place.eq_ignore_ascii_case(place) || !is_taken)
        })?;
        let mut error = refused.error.clone();
        if !refused.place.eq_ignore_ascii_case(place) {
            error.what = format!("not tried here, after {} refused the same password: {}", refused.place, error.what);
        }
        Some(error)
    }

    /// A server took it.
    pub(super) fn take(&self, password: &SecretString, place: &str) {
        let mut passwords = lock(&self.passwords);
        passwords.refused.retain(|refused| !refused.place.eq_ignore_ascii_case(place));
        passwords.taken = Some(password.clone());
    }

    /// A server did not take it; gives the error that says so, with what comes of it.
    pub(super) fn refuse(&self, password: &SecretString, place: &str, error: &Error) -> Error {
        let minutes = REMEMBERED.as_secs() / 60;
        let hint = error.hint.as_deref().unwrap_or_default();
        let error = error.clone().hint(format!(
            "{hint}; the same password is not tried again for {minutes} minutes, unless scopesync is started anew, not to lock the \
             account"
        ));
        let (password, place) = (password.clone(), place.to_owned());
        lock(&self.passwords).refused.push(Refused { password, place, error: error.clone(), at: Instant::now() });
        error
    }
}

/// The name of the account: that of a domain by the first label of the domain, which its short name
/// usually is; that of a machine by the machine.
fn name(user: &str, host: &str) -> String {
    let (domain, name) = match (user.split_once('\\'), user.rsplit_once('@')) {
        (Some((domain, name)), _) => (domain, name),
        (None, Some((name, domain))) => (domain, name),
        (None, None) => (".", user),
    };
    let label = domain.split('.').next().unwrap_or_default();
    let is_machine = label.is_empty() || host.split('.').next().is_some_and(|own| own.eq_ignore_ascii_case(domain));
    let place = if is_machine { format!("machine {host}") } else { label.to_owned() };
    format!("{place}\\{name}").to_lowercase()
}

fn is_same(one: &SecretString, other: &SecretString) -> bool {
    one.expose_secret() == other.expose_secret()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::engine::ErrorKind;

    #[test]
    fn an_account_of_a_domain_is_one_at_all_servers() {
        assert_eq!(name("CONTOSO\\Alice", "a.contoso.com"), name("alice@contoso.com", "b.contoso.com"));
        for user in [".\\alice", "alice", "A\\alice"] {
            assert_eq!(name(user, "a.contoso.com"), "machine a.contoso.com\\alice", "{user}");
        }
    }

    #[test]
    fn a_refused_password_is_tried_nowhere_unless_it_was_taken_elsewhere() {
        let account = Account::default();
        let (wrong, other) = (SecretString::from("wrong"), SecretString::from("other"));
        account.refuse(&wrong, "a", &Error::new(ErrorKind::Refused, "no").hint("why"));
        assert!(account.refused(&wrong, "A").is_some_and(|error| error.what == "no"));
        assert!(account.refused(&wrong, "b").is_some_and(|error| error.what.contains("after a refused")));
        assert!(account.refused(&other, "a").is_none());
        account.take(&wrong, "c");
        assert!(account.refused(&wrong, "a").is_some() && account.refused(&wrong, "b").is_none());
    }
}
