//! How safe the way to a service is, for a check: TLS, and how we really proved who we are.

use super::{Pool, lock};
use crate::backend::windows::auth::NoKerberos;
use crate::backend::windows::connection::Used;
use crate::engine::port::{Point, Topic, Verdict};
use crate::secret::Secret;

impl Pool {
    /// TLS and authentication, after something was asked.
    pub fn security(&self) -> [Point; 2] {
        let access = &self.shared.access;
        let used = lock(&self.shared.used).clone();
        let tls = match (&used, access.web.address.is_tls()) {
            (_, true) => self.shared.client.tls(),
            (Some(_), false) => Point::ok(Topic::Tls, "off: all that is said is sealed by what authenticates us"),
            (None, false) => Point::new(Topic::Tls, Verdict::Unknown, "off: what is said has to be sealed"),
        };
        let authentication = match used {
            None => Point::new(Topic::Authentication, Verdict::Unknown, "nothing was asked yet"),
            Some(used) => self.login(&used),
        };
        [tls, authentication]
    }

    fn login(&self, used: &Used) -> Point {
        let Used { mechanism, no_kerberos } = used;
        let Some(login) = &self.shared.access.web.login else {
            return Point::ok(Topic::Authentication, format!("{mechanism}, by the tickets of this account"));
        };
        let from = login.password.from();
        let is_unbound = self.shared.access.web.address.is_tls() && used.is_kerberos();
        let unbound = if is_unbound { ", not bound to TLS" } else { "" };
        let mut found = format!("{mechanism}{unbound}, as {}; the password is from {}", login.shown(), from.place());
        let mut hints = Vec::new();
        if let Some(NoKerberos { why, cure: Some(cure) }) = no_kerberos {
            found.push_str(&format!(". Kerberos was not used: {why}"));
            hints.push(format!("{cure}; if NTLM is meant, write auth = \"ntlm\""));
        }
        if let Secret::Inline(_) = from {
            hints.push("better give password_env, password_file or password_command".to_owned());
        }
        match hints.is_empty() {
            true => Point::ok(Topic::Authentication, found),
            false => Point::warning(Topic::Authentication, found).hint(hints.join("; ")),
        }
    }
}
