//! One attempt at a time to prove who we are, and none with a password that was refused: a few attempts
//! with a wrong one lock the account for everybody.

use std::sync::Arc;
use std::time::Duration;

use secrecy::SecretString;
use tokio::sync::Mutex;
use tokio::time::{Instant, timeout};

use super::account::Account;
use crate::backend::http::Held;
use crate::backend::windows::access::Access;
use crate::backend::windows::auth::{About, Failure};
use crate::backend::windows::connection::Connection;

/// So long one server waits for what another says of a password that none has taken yet.
const FOR_OTHERS: Duration = Duration::from_secs(20);

/// Lets one connection at a time through.
pub(super) struct Gate {
    failed: Mutex<Option<(Instant, Failure)>>,
    account: Arc<Account>,
    /// The server's address.
    place: String,
}

impl Gate {
    pub(super) fn new(access: &Access) -> Self {
        let account = match &access.web.login {
            Some(login) => Account::of(&login.user, &access.web.address),
            // by the tickets that the operator has
            None => Arc::default(),
        };
        Gate { failed: Mutex::default(), account, place: access.web.address.to_string() }
    }

    /// Proves who we are on a connection that was just opened.
    ///
    /// # Errors
    /// The server, or what it trusts, does not take us; or did not take the one that went before.
    pub(super) async fn authenticate(
        &self,
        held: Held,
        access: &Access,
        patience: Duration,
    ) -> Result<Connection, Failure> {
        let came = Instant::now();
        let mut failed = self.failed.lock().await;
        // else each in turn would wait for a server that says nothing
        if let Some((_, failure)) = failed.as_ref().filter(|(at, _)| *at >= came) {
            return Err(failure.clone());
        }
        let outcome = self.attempt(held, access, patience).await;
        *failed = outcome.as_ref().err().map(|failure| (Instant::now(), failure.clone()));
        outcome
    }

    async fn attempt(&self, held: Held, access: &Access, patience: Duration) -> Result<Connection, Failure> {
        let Some(login) = &access.web.login else {
            return Connection::authenticate(held, access, &SecretString::default(), patience).await;
        };
        let password = login.password.get().await?;
        let first = async {
            match self.account.has_taken(&password) {
                true => None,
                false => timeout(FOR_OTHERS, self.account.first.lock()).await.ok(),
            }
        };
        let _first = first.await;
        let mut outcome = match self.account.refused(&password, &self.place, access.scheme) {
            Some(error) => Err(Failure { error, about: About::Password }),
            None => {
                let mut outcome = Connection::authenticate(held, access, &password, patience).await;
                match &mut outcome {
                    Ok(_) => self.account.take(&password, &self.place, access.scheme),
                    Err(Failure { error, about: About::Password }) => {
                        *error = self.account.refuse(&password, &self.place, access.scheme, error);
                    }
                    Err(_) => {}
                }
                outcome
            }
        };
        if let Err(Failure { about: About::Password, .. }) = &mut outcome {
            // it may be another the next time
            login.password.forget();
        }
        outcome
    }
}
