//! One attempt at a time to prove who we are, and none with a password that was refused: a few attempts
//! with a wrong one lock the account for everybody.

use std::time::Duration;

use secrecy::{ExposeSecret, SecretString};
use tokio::sync::Mutex;
use tokio::time::Instant;

use crate::backend::http::Held;
use crate::backend::windows::access::Access;
use crate::backend::windows::auth::Failure;
use crate::backend::windows::connection::Connection;
use crate::engine::Error;

/// Where an account is locked after some attempts, they are usually forgotten after so long.
const REMEMBERED: Duration = Duration::from_secs(10 * 60);

/// Lets one connection at a time through.
#[derive(Default)]
pub(super) struct Gate {
    refused: Mutex<Option<Refused>>,
}

/// A password that the server did not take.
struct Refused {
    password: SecretString,
    error: Error,
    at: Instant,
}

impl Gate {
    /// Proves who we are on a connection that was just opened.
    ///
    /// # Errors
    /// The server, or what it trusts, does not take us.
    pub(super) async fn authenticate(
        &self,
        held: Held,
        access: &Access,
        patience: Duration,
    ) -> Result<Connection, Failure> {
        let mut refused = self.refused.lock().await;
        let password = match &access.web.login {
            Some(login) => login.password.get().await?,
            // by the tickets that the operator has
            None => SecretString::default(),
        };
        if let Some(before) = refused.as_ref().filter(|before| before.is_as(&password)) {
            return Err(Failure { error: before.error.clone(), is_refusal: true });
        }
        *refused = None;
        let mut outcome = Connection::authenticate(held, access, &password, patience).await;
        if let (Err(Failure { error, is_refusal: true }), Some(login)) = (&mut outcome, &access.web.login) {
            login.password.forget();
            let minutes = REMEMBERED.as_secs() / 60;
            let hint = error.hint.as_deref().unwrap_or_default();
            let hint =
                format!("{hint}; the same password is not tried again for {minutes} minutes, not to lock the account");
            *error = error.clone().hint(hint);
            *refused = Some(Refused { password, error: error.clone(), at: Instant::now() });
        }
        outcome
    }
}

impl Refused {
    fn is_as(&self, password: &SecretString) -> bool {
        self.at.elapsed() < REMEMBERED && self.password.expose_secret() == password.expose_secret()
    }
}
