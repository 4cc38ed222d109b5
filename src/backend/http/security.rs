//! How safe the way to a server is, for a check: TLS, and who we are there.

use jiff::{SignedDuration, Timestamp};

use super::Client;
use super::certificate::Certificate;
use super::tls::Seen;
use crate::backend::web::{Trust, Web};
use crate::engine::Error;
use crate::engine::port::{Point, Topic, Verdict};
use crate::secret::Secret;

/// A certificate that ends sooner than this is told of.
const SOON: SignedDuration = SignedDuration::from_hours(14 * 24);

impl Client {
    /// TLS and authentication, after something was asked; `refusal` is the server's no to who
    /// we are.
    pub fn security(&self, refusal: Option<&Error>) -> [Point; 2] {
        let login = match refusal {
            Some(refusal) => Point::failed(Topic::Authentication, refusal),
            None => login(&self.web),
        };
        [self.tls(), login]
    }

    /// TLS alone, after something was asked.
    pub fn tls(&self) -> Point {
        tls(&self.web, self.seen.last().as_ref(), Timestamp::now())
    }
}

fn tls(web: &Web, seen: Option<&Seen>, now: Timestamp) -> Point {
    if !web.address.is_tls() {
        let point = Point::ok(Topic::Tls, "off: it does not leave this machine");
        return match web.address.is_open() {
            false => point,
            true => Point::warning(Topic::Tls, "off: others may listen, and change what is said")
                .hint("give Kea's socket a certificate (cert-file, key-file) and write https:// in url"),
        };
    }
    let trust = match &web.trust {
        Trust::System => "verified by the authorities of this machine".to_owned(),
        Trust::Authority(path) => format!("verified by the authority in {}", path.display()),
        Trust::Pin(_) => "pinned to one certificate".to_owned(),
        Trust::Anything => "NOT verified (insecure = true)".to_owned(),
    };
    let shown = web.identity.as_ref().map(|own| format!("; ours is {}", own.certificate.display()));
    let lead = format!("{trust}{}", shown.unwrap_or_default());
    let Some(seen) = seen else {
        return Point::new(Topic::Tls, Verdict::Unknown, format!("{lead}; the server has shown no certificate"));
    };
    let Seen { pin, certificate, taken } = seen;
    let whose = match certificate {
        Some(Certificate { subject, .. }) if !subject.raw().is_empty() => format!("{subject}, {pin}"),
        _ => pin.to_string(),
    };
    let (until, left) = match certificate {
        Some(Certificate { until, .. }) => (format!(", until {}", day(*until)), until.duration_since(now)),
        None => (String::new(), SignedDuration::MAX),
    };
    let found = format!("{lead}; its certificate: {whose}{until}");
    match () {
        () if !taken => Point::new(Topic::Tls, Verdict::Failed, format!("{found}: not taken")),
        () if web.trust == Trust::Anything => Point::warning(Topic::Tls, found)
            .hint(format!("anybody can be this server: write tls_pin = \"{pin}\", or tls_ca")),
        () if left.is_negative() => Point::warning(Topic::Tls, format!("{found}: it has run out")),
        () if left < SOON => {
            Point::warning(Topic::Tls, format!("{found}: it ends soon")).hint("renew it: then nobody takes it any more")
        }
        () => Point::ok(Topic::Tls, found),
    }
}

fn day(at: Timestamp) -> String {
    at.strftime("%Y-%m-%d").to_string()
}

fn login(web: &Web) -> Point {
    let Some(login) = &web.login else {
        let point = Point::ok(Topic::Authentication, "none, and none is asked for");
        return match (&web.identity, web.address.leaves_this_machine()) {
            (Some(_), _) => Point::ok(Topic::Authentication, "by our certificate alone"),
            (None, false) => point,
            (None, true) => Point { verdict: Verdict::Warning, ..point }
                .hint("whoever reaches the server commands it: give its socket authentication"),
        };
    };
    let found = format!("basic, as {:?}; the password is from {}", login.user, login.password.from().place());
    match (login.password.from(), web.address.is_open()) {
        (_, true) => Point::warning(Topic::Authentication, format!("{found}; it travels in clear (plain_auth = true)"))
            .hint("write https:// in url"),
        (Secret::Inline(_), _) => Point::warning(Topic::Authentication, found)
            .hint("better give password_env, password_file or password_command"),
        _ => Point::ok(Topic::Authentication, found),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::backend::web::{Address, Login, Pin};
    use crate::secret::Inline;

    fn web(url: &str, trust: Trust) -> Web {
        Web { address: Address::parse(url).unwrap(), login: None, trust, identity: None }
    }

    fn seen(days: i64, taken: bool, now: Timestamp) -> Seen {
        let until = now + SignedDuration::from_hours(24 * days);
        let certificate = Some(Certificate { subject: "CN=kea-1".into(), until });
        Seen { pin: Pin([7; 32]), certificate, taken }
    }

    #[test]
    fn certificates_are_judged_by_trust_and_age() {
        let now: Timestamp = "2026-11-22T00:00:00Z".parse().unwrap();
        let cases = [
            (Trust::System, 400, true, Verdict::Ok, "CN=kea-1, sha256:0707"),
            (Trust::Authority("/ca.pem".into()), 400, true, Verdict::Ok, "authority in /ca.pem"),
            (Trust::System, 400, true, Verdict::Ok, "until 2027-12-27"),
            (Trust::System, 10, true, Verdict::Warning, "ends soon"),
            (Trust::Pin(Pin([7; 32])), -10, true, Verdict::Warning, "has run out"),
            (Trust::System, -10, false, Verdict::Failed, "not taken"),
            (Trust::Anything, 400, true, Verdict::Warning, "NOT verified"),
        ];
        for (trust, days, taken, verdict, words) in cases {
            let point = tls(&web("https://kea-1", trust), Some(&seen(days, taken, now)), now);
            assert_eq!(point.verdict, verdict, "{point:?}");
            assert!(point.found.contains(words), "{point:?}");
        }
        let unseen = tls(&web("https://kea-1", Trust::System), None, now);
        assert_eq!(unseen.verdict, Verdict::Unknown);
        let verdict = |url: &str| tls(&web(url, Trust::System), None, now).verdict;
        assert_eq!((verdict("http://127.0.0.1"), verdict("http://kea-1")), (Verdict::Ok, Verdict::Warning));
    }

    #[test]
    fn the_source_of_a_password_is_told_and_never_the_password() {
        let with = |url: &str, password: Secret| {
            login(&Web { login: Some(Login::new("scott", password)), ..web(url, Trust::System) })
        };
        let file = with("https://kea-1", Secret::File("/run/pw".into()));
        assert_eq!(
            (file.verdict, file.found.as_str()),
            (Verdict::Ok, "basic, as \"scott\"; the password is from the file /run/pw")
        );
        let inline = with("https://kea-1", Secret::Inline(Inline::new("tiger")));
        assert_eq!(inline.verdict, Verdict::Warning);
        assert!(!format!("{inline:?}").contains("tiger"));
        let command = with("http://kea-1", Secret::Command(vec!["pass".into(), "show".into()]));
        assert!(command.found.contains("from what pass prints; it travels in clear"), "{command:?}");
        assert_eq!(login(&web("https://kea-1", Trust::System)).verdict, Verdict::Warning);
        assert_eq!(login(&web("http://127.0.0.1:8000", Trust::System)).verdict, Verdict::Ok);
    }
}
