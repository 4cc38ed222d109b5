//! What the servers said of an account's passwords. An account of a domain is one at all of its servers, each of
//! which would count an attempt.

use std::collections::HashMap;
use std::sync::{Arc, LazyLock, Mutex};
use std::time::Duration;

use secrecy::{ExposeSecret, SecretString};
use tokio::time::Instant;

use super::lock;
use crate::backend::web::Address;
use crate::backend::windows::access::Scheme;
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
    /// By Basic, which takes no account of a domain: no other scheme is held to it.
    by_basic: bool,
    error: Error,
    at: Instant,
}

impl Account {
    /// The one that this user is at this address.
    pub(super) fn of(user: &str, address: &Address) -> Arc<Self> {
        lock(&ACCOUNTS).entry(name(user, address)).or_default().clone()
    }

    /// Whether some server has taken this password.
    pub(super) fn has_taken(&self, password: &SecretString) -> bool {
        lock(&self.passwords).taken.as_ref().is_some_and(|taken| is_same(taken, password))
    }

    /// Why this password is not to be tried at this place by this scheme. What another one said of one that
    /// was taken elsewhere is about that one alone.
    pub(super) fn refused(&self, password: &SecretString, place: &str, by: Scheme) -> Option<Error> {
        let is_taken = self.has_taken(password);
        let mut passwords = lock(&self.passwords);
        passwords.refused.retain(|refused| refused.at.elapsed() < REMEMBERED);
        let refused = passwords.refused.iter().find(|refused| {
            is_same(&refused.password, password)
                && (refused.place.eq_ignore_ascii_case(place) || !is_taken)
                && (!refused.by_basic || by == Scheme::Basic)
        })?;
        let mut error = refused.error.clone();
        if !refused.place.eq_ignore_ascii_case(place) {
            error.what = format!("not tried here, after {} refused the same password: {}", refused.place, error.what);
        }
        Some(error)
    }

    /// A server took it.
    pub(super) fn take(&self, password: &SecretString, place: &str, by: Scheme) {
        let mut passwords = lock(&self.passwords);
        let is_other = |refused: &Refused| refused.by_basic && by != Scheme::Basic;
        passwords.refused.retain(|refused| !refused.place.eq_ignore_ascii_case(place) || is_other(refused));
        passwords.taken = Some(password.clone());
    }

    /// A server did not take it; gives the error that says so, with what comes of it.
    pub(super) fn refuse(&self, password: &SecretString, place: &str, by: Scheme, error: &Error) -> Error {
        let minutes = REMEMBERED.as_secs() / 60;
        let hint = error.hint.as_deref().unwrap_or_default();
        let error = error.clone().hint(format!(
            "{hint}; the same password is not tried again for {minutes} minutes, unless scopesync is started anew, not to lock the \
             account"
        ));
        let (password, place, by_basic) = (password.clone(), place.to_owned(), by == Scheme::Basic);
        let refused = Refused { password, place, by_basic, error: error.clone(), at: Instant::now() };
        lock(&self.passwords).refused.push(refused);
        error
    }
}

/// The name of the account: that of a domain by the first label of the domain, which its short name
/// usually is; that of a machine by its address, as behind the ports of one host other machines may be.
fn name(user: &str, address: &Address) -> String {
    let host = address.host().unwrap_or_default();
    let (domain, name) = match (user.split_once('\\'), user.rsplit_once('@')) {
        (Some((domain, name)), _) => (domain, name),
        (None, Some((name, domain))) => (domain, name),
        (None, None) => (".", user),
    };
    let label = domain.split('.').next().unwrap_or_default();
    let is_machine = label.is_empty() || host.split('.').next().is_some_and(|own| own.eq_ignore_ascii_case(domain));
    let place = if is_machine { format!("machine {address}") } else { label.to_owned() };
    format!("{place}\\{name}").to_lowercase()
}

fn is_same(one: &SecretString, other: &SecretString) -> bool {
    one.expose_secret() == other.expose_secret()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::backend::windows::access::Scheme::{Basic, Negotiate, Ntlm};
    use crate::engine::ErrorKind;

    #[test]
    fn an_account_of_a_domain_is_one_at_all_servers() {
        let at = |user, url| name(user, &Address::parse(url).unwrap());
        let [one, other] = ["http://a.contoso.com:5985/wsman", "http://b.contoso.com:5985/wsman"];
        assert_eq!(at("CONTOSO\\Alice", one), at("alice@contoso.com", other));
        for user in [".\\alice", "alice", "A\\alice"] {
            assert_eq!(at(user, one), at(".\\Alice", one), "{user}");
            // such as two machines behind ports of this one
            assert_ne!(at(user, one), at(user, "http://a.contoso.com:15985/wsman"), "{user}");
        }
    }

    #[test]
    fn a_refused_password_is_tried_nowhere_unless_it_was_taken_elsewhere() {
        let account = Account::default();
        let (wrong, other) = (SecretString::from("wrong"), SecretString::from("other"));
        let no = Error::new(ErrorKind::Refused, "no").hint("why");
        account.refuse(&wrong, "a", Ntlm, &no);
        assert!(account.refused(&wrong, "A", Basic).is_some_and(|error| error.what == "no"));
        assert!(account.refused(&wrong, "b", Negotiate).is_some_and(|error| error.what.contains("after a refused")));
        assert!(account.refused(&other, "a", Ntlm).is_none());
        account.take(&wrong, "c", Ntlm);
        assert!(account.refused(&wrong, "a", Ntlm).is_some() && account.refused(&wrong, "b", Ntlm).is_none());
    }

    #[test]
    fn what_basic_refuses_is_held_against_basic_alone() {
        let (account, password) = (Account::default(), SecretString::from("right"));
        account.refuse(&password, "a", Basic, &Error::new(ErrorKind::Refused, "no"));
        for is_taken in [false, true] {
            assert!(account.refused(&password, "a", Basic).is_some(), "{is_taken}");
            assert!(account.refused(&password, "a", Negotiate).is_none(), "{is_taken}");
            account.take(&password, "a", Negotiate);
        }
        account.take(&password, "a", Basic);
        assert!(account.refused(&password, "a", Basic).is_none());
    }
}
