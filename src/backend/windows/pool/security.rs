//! How safe the way to a service is, for a check: TLS, and how we really proved who we are.

use super::Pool;
use crate::backend::windows::wire::Wire;
use crate::engine::Error;
use crate::engine::port::{Point, Topic, Verdict};
use crate::secret::Secret;

impl Pool {
    /// TLS and authentication, after something was asked; `refusal` is the server's no to who we are.
    pub fn security(&self, refusal: Option<&Error>) -> [Point; 2] {
        let access = &self.shared.access;
        let used = self.scheme_used();
        let tls = match (&used, access.web.address.is_tls()) {
            (_, true) => self.shared.client.tls(),
            (Some(_), false) => Point::ok(Topic::Tls, "off: all that is said is sealed by what authenticates us"),
            (None, false) => Point::new(Topic::Tls, Verdict::Unknown, "off: what is said has to be sealed"),
        };
        let authentication = match (refusal, used) {
            (Some(refusal), _) => Point::failed(Topic::Authentication, refusal),
            (None, None) => Point::new(Topic::Authentication, Verdict::Unknown, "nothing was asked yet"),
            (None, Some(used)) => self.login(&used),
        };
        [tls, authentication]
    }

    fn login(&self, used: &str) -> Point {
        let Some(login) = &self.shared.access.web.login else {
            return Point::ok(Topic::Authentication, format!("{used}, by the tickets of this account"));
        };
        let is_unbound = self.shared.access.web.address.is_tls() && used.trim_end_matches(')').ends_with("Kerberos");
        let used = format!("{used}{}", if is_unbound { ", not bound to TLS" } else { "" });
        let from = login.password.from();
        let found = format!("{used}, as {:?}; the password is from {}", login.user, from.place());
        match from {
            Secret::Inline(_) => Point::warning(Topic::Authentication, found)
                .hint("better give password_env, password_file or password_command"),
            _ => Point::ok(Topic::Authentication, found),
        }
    }
}
