//! From what went wrong below to what an operator can act upon.

use std::error::Error as StdError;
use std::io;
use std::time::Duration;

use rustls::{AlertDescription as Alert, CertificateError as Bad};

use super::Client;
use super::connection::{Cause, Failure};
use super::tls::{Distrusted, Why};
use crate::backend::exchange::Effect;
use crate::backend::web::Address;
use crate::engine::{Error, ErrorKind};
use crate::model::Foreign;

/// What hints call the things of a family of servers, and the keys of its configuration.
#[derive(Debug)]
pub struct Words {
    /// Where its address stands, as in "is the name in url right".
    pub url: &'static str,
    /// What to write for HTTP without TLS, and with it.
    pub plain: &'static str,
    /// What to write for TLS.
    pub tls: &'static str,
    /// What to ask where nobody listens.
    pub nobody_listens: &'static str,
    /// What to ask where something else answers.
    pub other_port: &'static str,
    /// Where to look why an exchange ended.
    pub see_log: &'static str,
    /// What makes a server take our certificate.
    pub our_authority: &'static str,
    /// How the server's own certificate is seen there.
    pub own_certificate: &'static str,
    /// The key that limits answers.
    pub largest: &'static str,
}

/// No stream could be opened.
pub(super) fn no_connection(error: &io::Error, client: &Client) -> Error {
    let (address, words) = (client.address(), client.words);
    let unreachable = |what: String| Error::new(ErrorKind::Unreachable, what);
    if let Address::Unix(path) = address {
        let path = path.display();
        return match error.kind() {
            io::ErrorKind::NotFound => unreachable(format!("there is no socket at {path}"))
                .hint("does the proxy run, and does url name its socket?"),
            io::ErrorKind::PermissionDenied => unreachable(format!("no permission to open the socket {path}"))
                .hint("run as a member of the group that owns the socket and its folder"),
            io::ErrorKind::ConnectionRefused => unreachable(format!("nobody listens on the socket {path}"))
                .hint("the proxy is not running: the socket was left behind"),
            _ => unreachable(format!("no connection to the socket {path}: {error}")),
        };
    }
    match error.kind() {
        io::ErrorKind::ConnectionRefused => {
            unreachable(format!("nobody listens at {address}")).hint(words.nobody_listens)
        }
        io::ErrorKind::TimedOut => Error::new(ErrorKind::TimedOut, format!("{address} does not answer"))
            .hint("is the address right, the machine up, and no firewall between?"),
        _ => unreachable(format!("no connection to {address}: {error}"))
            .hint(format!("is the address in {} right?", words.url)),
    }
}

/// HTTP could not begin.
pub(super) fn handshake(error: &hyper::Error, client: &Client) -> Error {
    let what = format!("no HTTP connection to {}: {error}", client.address());
    Error::new(ErrorKind::Unreachable, what).hint(client.words.see_log)
}

/// The TLS handshake failed.
pub(super) fn tls(error: &io::Error, client: &Client) -> Error {
    let (address, words) = (client.address(), client.words);
    match rustls_error(error) {
        Some(error) => of_tls(error, client),
        None if error.kind() == io::ErrorKind::UnexpectedEof || error.kind() == io::ErrorKind::ConnectionReset => {
            Error::new(ErrorKind::Unreachable, format!("{address} closed the connection during the TLS handshake"))
                .hint(format!("does this port speak TLS? If not, write {}; else {}", words.plain, words.see_log))
        }
        None => {
            Error::new(ErrorKind::Unreachable, format!("no TLS connection to {address}: {error}")).hint(words.see_log)
        }
    }
}

/// The TLS failure below an error, if it is one.
pub(super) fn rustls_error<'a>(error: &'a (dyn StdError + 'static)) -> Option<&'a rustls::Error> {
    let mut next = Some(error);
    while let Some(error) = next {
        if let Some(found) = error.downcast_ref::<rustls::Error>() {
            return Some(found);
        }
        // what an I/O error wraps is not its source
        next = match error.downcast_ref::<io::Error>().and_then(io::Error::get_ref) {
            Some(inner) => Some(inner),
            None => error.source(),
        };
    }
    None
}

fn of_tls(error: &rustls::Error, client: &Client) -> Error {
    let address = client.address();
    let refused = |what: String| Error::new(ErrorKind::Unreachable, what);
    match error {
        rustls::Error::InvalidCertificate(Bad::Other(other)) => match other.0.downcast_ref::<Distrusted>() {
            Some(distrusted) => distrusted_certificate(distrusted, client),
            None => refused(format!("the certificate of {address} was not taken: {other}")),
        },
        rustls::Error::InvalidMessage(_) => {
            refused(format!("what answers at {address} does not speak TLS")).hint(format!(
                "write {} if this port speaks plain HTTP; else the port may be another service's",
                client.words.plain
            ))
        }
        rustls::Error::AlertReceived(alert) => of_alert(*alert, client),
        rustls::Error::PeerIncompatible(_) => {
            refused(format!("{address} speaks no version of TLS that is safe: {error}"))
                .hint("the server must speak TLS 1.2 or 1.3")
        }
        _ => refused(format!("no TLS connection to {address}: {}", Foreign::from(error.to_string()))),
    }
}

/// The server ended the handshake and said why; mostly because of the certificate that it wants.
fn of_alert(alert: Alert, client: &Client) -> Error {
    let (address, web) = (client.address(), &client.web);
    let refused = |what: String| Error::new(ErrorKind::Unreachable, what);
    match (&web.identity, alert) {
        (None, Alert::CertificateRequired | Alert::HandshakeFailure | Alert::BadCertificate) => {
            refused(format!("{address} demands a client certificate ({alert:?})"))
                .hint("give one in tls_cert and tls_key; the server must trust its authority")
        }
        (
            Some(identity),
            Alert::CertificateRequired
            | Alert::HandshakeFailure
            | Alert::NoCertificate
            | Alert::BadCertificate
            | Alert::UnsupportedCertificate
            | Alert::CertificateRevoked
            | Alert::CertificateExpired
            | Alert::CertificateUnknown
            | Alert::UnknownCA
            | Alert::AccessDenied
            | Alert::DecryptError,
        ) => refused(format!(
            "{address} does not take the client certificate {} ({alert:?})",
            identity.certificate.display()
        ))
        .hint(format!("{}, and it must not have expired", client.words.our_authority)),
        _ => {
            refused(format!("{address} ended the TLS handshake: {alert:?}")).hint("see the server's log for the reason")
        }
    }
}

fn distrusted_certificate(Distrusted { pin, why }: &Distrusted, client: &Client) -> Error {
    let (address, words) = (client.address(), client.words);
    let refused = |what: String| Error::new(ErrorKind::Unreachable, what);
    match why {
        Why::NotPinned(wanted) => refused(format!("{address} shows the certificate {pin}, and tls_pin is {wanted}"))
            .hint(format!(
                "either somebody stands between, or the server has a new certificate: compare it with the server's \
                 own ({}), then write the new one as tls_pin",
                words.own_certificate
            )),
        Why::Invalid(bad) => {
            let (what, cure) = invalid(bad, client);
            let hint = "or, if this is the fingerprint of the server's own certificate, write it as tls_pin";
            refused(format!("{what} (it is {pin})")).hint(format!("{cure}; {hint}"))
        }
    }
}

fn invalid(bad: &Bad, client: &Client) -> (String, String) {
    let address = client.address();
    let right_name = || {
        format!(
            "write the name that it has in {}, or give the server a certificate with this name or address as a \
             subject alternative name",
            client.words.url
        )
    };
    match bad {
        // another authority of the same name, such as one that was made anew
        Bad::UnknownIssuer | Bad::BadSignature => (
            format!("the certificate of {address} is from an authority that is not trusted"),
            "give the authority's certificate in tls_ca".to_owned(),
        ),
        Bad::Expired | Bad::ExpiredContext { .. } => {
            let when = match bad {
                Bad::ExpiredContext { not_after, .. } => format!(" on {}", date(not_after.as_secs())),
                _ => String::new(),
            };
            (format!("the certificate of {address} expired{when}"), "renew it on the server".to_owned())
        }
        Bad::NotValidYet | Bad::NotValidYetContext { .. } => {
            let when = match bad {
                Bad::NotValidYetContext { not_before, .. } => format!(": it begins on {}", date(not_before.as_secs())),
                _ => String::new(),
            };
            (
                format!("the certificate of {address} is not valid yet{when}"),
                "set the clocks of both machines right".to_owned(),
            )
        }
        Bad::NotValidForName => (format!("the certificate of {address} is for another name"), right_name()),
        Bad::NotValidForNameContext { presented, .. } => {
            let names = Foreign::from(presented.join(", "));
            let names = if names.raw().is_empty() { "no name at all".to_owned() } else { names.to_string() };
            (format!("the certificate of {address} is for another name: it has {names}"), right_name())
        }
        Bad::Other(other) if other.to_string().contains("CaUsedAsEndEntity") => (
            format!("the certificate of {address} is that of an authority, not of a server"),
            NEW_CERTIFICATE.to_owned(),
        ),
        other => {
            let reason = Foreign::from(other.to_string());
            (format!("the certificate of {address} is not valid: {reason}"), NEW_CERTIFICATE.to_owned())
        }
    }
}

const NEW_CERTIFICATE: &str = "give the server another certificate";

fn date(seconds: u64) -> String {
    let timestamp = i64::try_from(seconds).ok().and_then(|seconds| jiff::Timestamp::from_second(seconds).ok());
    timestamp.map_or_else(|| format!("second {seconds}"), |timestamp| timestamp.strftime("%Y-%m-%d").to_string())
}

/// An exchange brought no answer.
pub(super) fn failure(failure: &Failure, client: &Client, effect: Effect) -> Error {
    let limits = client.limits();
    match &failure.cause {
        Cause::TimedOut => timed_out(limits.patience(effect), failure.came, effect),
        Cause::TooLarge => {
            Error::new(ErrorKind::TooLarge, format!("the answer is larger than the limit of {} bytes", limits.answer))
                .hint(format!("raise {} of this server in the configuration, if that is right", client.words.largest))
        }
        Cause::NoMemory => Error::new(ErrorKind::Local, format!("no memory for an answer over {} bytes", failure.came)),
        Cause::Broke(error) => broke(error, failure, client),
    }
}

fn timed_out(patience: Duration, came: usize, effect: Effect) -> Error {
    let what = match came {
        0 => format!("no answer within {patience:?}"),
        came => format!("no complete answer within {patience:?}: {came} bytes came"),
    };
    let key = match effect {
        Effect::Reads => "read_timeout",
        Effect::Writes | Effect::WritesMany(_) => "write_timeout",
    };
    Error::new(ErrorKind::TimedOut, what)
        .hint(format!("the server is frozen or busy; a longer {key} can be given in the configuration"))
}

fn broke(error: &hyper::Error, failure: &Failure, client: &Client) -> Error {
    let (address, words) = (client.address(), client.words);
    if let Some(tls) = rustls_error(error) {
        return of_tls(tls, client);
    }
    let garbled = |what: String| Error::new(ErrorKind::Garbled, what);
    if failure.was_tls && !address.is_tls() {
        return Error::new(ErrorKind::Unreachable, format!("what answers at {address} speaks TLS"))
            .hint(format!("write {}", words.tls));
    }
    // hyper tells clients this in words only
    if error.is_parse() && error.to_string().ends_with("too large") {
        return Error::new(ErrorKind::TooLarge, "the header of the answer is larger than any server needs")
            .hint(words.other_port);
    }
    if error.is_parse() {
        return garbled(format!("what answers at {address} does not speak HTTP as it should: {error}"))
            .hint(words.other_port);
    }
    match (failure.came, failure.answered) {
        (0, false) if address.is_tls() => {
            Error::new(ErrorKind::Unreachable, format!("{address} closed the connection without an answer"))
                .hint(format!("{}, or it may demand a client certificate (tls_cert)", words.see_log))
        }
        (0, false) => Error::new(ErrorKind::Unreachable, format!("{address} closed the connection without an answer"))
            .hint(format!("{}; if the port speaks TLS, write {}", words.see_log, words.tls)),
        (came, _) => garbled(format!("the answer broke off after {came} bytes")).hint(words.see_log),
    }
}
