//! From what a WinRM listener answers instead of an envelope to what an operator can act upon.

use super::access::{Access, Scheme};
use super::auth::NoKerberos;
use super::connection::{Used, offers};
use crate::backend::http::{Reply, Words};
use crate::engine::{Error, ErrorKind};
use crate::model::Foreign;

/// What hints about the way to a WinRM listener say.
pub(super) const WORDS: Words = Words {
    url: "host",
    plain: "tls = false",
    tls: "tls = true",
    nobody_listens: "does WinRM run there (winrm quickconfig), and is port that of its listener: 5985, with tls 5986?",
    other_port: "is it the port of a WinRM listener: 5985, with tls 5986?",
    see_log: "see the event log of the server: the service WinRM may have stopped",
    our_authority: "the server must trust its authority",
    own_certificate: "certutil -dump of its exported certificate",
    largest: "max_envelope",
};

/// Whom a refusal is about: the user, and where the password is from.
pub(super) fn who(access: &Access) -> String {
    match &access.web.login {
        Some(login) => format!("user {}, password from {}", login.shown(), login.password.from().place()),
        None => "by the tickets of this account".to_owned(),
    }
}

/// The server did not take us for who we say we are (401).
pub(super) fn refused(reply: &Reply, access: &Access, used: &Used) -> Error {
    let words: Vec<&str> = offers(reply).filter_map(|offer| offer.split_whitespace().next()).collect();
    let offered = match words.as_slice() {
        [] => "nothing".to_owned(),
        words => Foreign::from(words.join(", ")).to_string(),
    };
    let wanted = match access.scheme {
        Scheme::Negotiate | Scheme::Ntlm => "Negotiate",
        Scheme::Kerberos => "Kerberos",
        Scheme::Basic => "Basic",
        Scheme::CredSsp => "CredSSP",
    };
    let (who, mechanism) = (who(access), &used.mechanism);
    let is_offered = words.iter().any(|word| word.eq_ignore_ascii_case(wanted));
    let (what, hint) = match () {
        () if !is_offered => (
            format!("the server offers {offered}, and auth = {:?} needs {wanted} ({who})", access.scheme.word()),
            "choose one of these as auth, or allow ours on the server (winrm set winrm/config/service/auth)",
        ),
        () if used.is_kerberos() => (
            format!("the ticket is refused ({who}, by {mechanism}); the server offers {offered}"),
            "does the service there own the principal name (spn_service, and the full name in host), and are both \
             clocks right? Channel bindings, which some demand over https, are not sent with a ticket",
        ),
        () if access.scheme == Scheme::Basic => (
            format!("the user or the password is refused ({who}, by Basic); the server offers {offered}"),
            "is the password right, and the account one of that machine itself? Basic takes no account of a domain: \
             write auth = \"negotiate\" for those",
        ),
        () => (
            format!("the user or the password is refused ({who}, by {mechanism}); the server offers {offered}"),
            "is the password right, the account not locked, and may it log on over the network? Accounts of that \
             machine itself are written '.\\name'; policies may forbid NTLM, and demand channel bindings that a proxy \
             breaks",
        ),
    };
    let what = match &used.no_kerberos {
        Some(NoKerberos { why, cure: Some(_) }) => format!("{what}; no Kerberos: {why}"),
        _ => what,
    };
    Error::new(ErrorKind::Refused, what).hint(hint)
}

/// The server took us, but did not prove who it is itself.
pub(super) fn unproved() -> Error {
    Error::new(ErrorKind::Safety, "the server did not prove who it is, and is not trusted")
        .hint("what answers may be no Windows server, or somebody stands between")
}

/// An answer that is not sealed where all have to be.
pub(super) fn unsealed(reply: &Reply) -> Error {
    Error::new(ErrorKind::Safety, format!("the answer (HTTP {}) is not sealed, and is not trusted", reply.status))
        .hint("somebody or something between may have written it; or it is no WinRM listener that answers")
}

/// What answers is no envelope. `was_sealed`: what it answers was sealed.
pub(super) fn no_envelope(reply: &Reply, was_sealed: bool) -> Error {
    let status = reply.status;
    match (status, reply.body.is_empty()) {
        (500, true) if was_sealed => {
            Error::new(ErrorKind::Refused, "the server answers what was sealed with nothing (HTTP 500)").hint(
                "it may have lost what was agreed upon: try again, and see its event log (Windows Remote Management)",
            )
        }
        (500, true) => Error::new(
            ErrorKind::Refused,
            "the server refused SOAP that reached it unencrypted (500 without a body: AllowUnencrypted=false)",
        )
        .hint("does a proxy end TLS before the server? Let it speak TLS to it, or reach the server without it"),
        (200..=299, is_empty) => {
            let lacks = if is_empty { "has no body" } else { "is no SOAP" };
            Error::new(ErrorKind::Garbled, format!("the answer (HTTP {status}) {lacks}"))
                .hint("is it a WinRM listener that answers there?")
        }
        _ => status_alone(status),
    }
}

/// A status that says all that there is.
pub(super) fn status_alone(status: u16) -> Error {
    let (kind, what, hint) = match status {
        404 => (
            ErrorKind::Unreachable,
            "there is a listener, but not for this address or path (404)".to_owned(),
            "see winrm enumerate winrm/config/listener on the server: its address, host name and URLPrefix (wsman)",
        ),
        413 => (
            ErrorKind::TooLarge,
            "the request is larger than the server takes (413)".to_owned(),
            "raise MaxEnvelopeSizekb on the server (winrm set winrm/config)",
        ),
        403 => (
            ErrorKind::Refused,
            "the server forbids it (403)".to_owned(),
            "the account needs the right to use WinRM: group Remote Management Users, or Administrators",
        ),
        503 => (
            ErrorKind::Unreachable,
            "the service is not available (503)".to_owned(),
            "is the service WinRM started on the server?",
        ),
        502 | 504 => (
            ErrorKind::Unreachable,
            format!("something on the way to the server gave up ({status})"),
            "a proxy or gateway stands between: does it reach the server, and wait as long as the timeouts here?",
        ),
        status => (
            ErrorKind::Refused,
            format!("the server answers HTTP {status} and no SOAP"),
            "is it a WinRM listener that answers there, and no proxy or web server between?",
        ),
    };
    Error::new(kind, what).hint(hint)
}
