//! Basic authentication (RFC 7617).

use std::sync::Arc;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use hyper::header::HeaderValue;
use secrecy::ExposeSecret;
use secrecy::zeroize::Zeroizing;

use crate::backend::web::Login;
use crate::engine::{Error, ErrorKind, Result};
use crate::secret::Keeper;

/// A user, and the password once it was got.
#[derive(Debug)]
pub struct BasicAuth {
    user: String,
    password: Arc<Keeper>,
}

impl BasicAuth {
    /// Nothing is got yet.
    pub fn new(login: &Login) -> Self {
        BasicAuth { user: login.user.clone(), password: login.password.clone() }
    }

    /// The user's name.
    pub fn user(&self) -> &str {
        &self.user
    }

    /// The value of the `Authorization` header; no formatter shows it.
    ///
    /// # Errors
    /// The password cannot be had.
    pub async fn header(&self) -> Result<HeaderValue> {
        let password = self.password.get().await?;
        let both = Zeroizing::new(format!("{}:{}", self.user, password.expose_secret()));
        let value = Zeroizing::new(format!("Basic {}", STANDARD.encode(both.as_bytes())));
        let mut value = HeaderValue::from_str(&value)
            .map_err(|_| Error::new(ErrorKind::Local, "user and password do not fit into a header"))?;
        value.set_sensitive(true);
        Ok(value)
    }

    /// The server did not take it: the password is got anew for the next request.
    pub fn forget(&self) {
        self.password.forget();
    }
}
