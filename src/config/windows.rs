//! Reading what a `[[server]]` of kind `windows` says for itself.

use std::net::Ipv6Addr;
use std::path::Path;

use super::Endpoint;
use super::read::{At, Fields, shown};
use super::web::{Credentials, WITH_TLS, is_basic_user, only_for};
use crate::backend::web::{Address, Web, port_number, split_port};
use crate::backend::windows::access::{Access, Replicating, Replication, Scheme, Service};

/// The way to a Windows server; `None` when it is not told, or wrong. Every key is read whatever
/// stands in the others: all mistakes are told at once.
pub(super) fn endpoint(fields: &Fields<'_, '_, '_>, file: &Path) -> Option<At<Endpoint>> {
    let host = host(fields);
    let tls = fields.flag("tls").unwrap_or(false);
    let port = fields.number("port", 1..=u16::MAX).unwrap_or(if tls { 5986 } else { 5985 });
    let scheme = scheme(fields, tls);
    let Credentials { login, trust, identity } = Credentials::read(fields, file, |user| is_user(user, scheme));
    if !tls {
        only_for(fields, WITH_TLS.into_iter().chain(["channel_bindings"]), "`tls = true`");
    }
    if Credentials::of_login().all(|key| fields.get(key).is_none()) && !scheme.is_of_ticket_cache() {
        let message = format!(
            "{} does not say who we are: write `user` and one of `password_env`, `password_file` and \
             `password_command`",
            fields.place
        );
        fields.problem(&fields.span, message);
    }
    let computer = fields.plain("computer_name").map(|name| name.value);
    let kdc = fields.plain("kdc").filter(|kdc| {
        let is_host =
            split_port(&kdc.value).is_some_and(|(_, port)| port.is_none_or(|port| port_number(port).is_some()));
        if !is_host {
            let message = format!("`kdc` in {} must be HOST or HOST:PORT, not {}", fields.place, shown(&kdc.value));
            fields.problem(&kdc.span, message);
        }
        is_host
    });
    let service = fields.word("spn_service", &Service::WORDS).and_then(|at| Service::ALL.get(at).copied());
    let channel_bindings = fields.flag("channel_bindings").unwrap_or(true);
    // WS-Management knows no smaller one (DSP0226 6.2), and its header holds no larger one
    let wanted = "a size from 8 KiB, such as \"500 KiB\" or a number of bytes";
    let max_envelope = fields.size_within("max_envelope", 8192..=u32::MAX.into(), wanted);
    let connections = fields.number("connections", 1..=16);

    let At { value: host, span } = host?;
    let address = Address::Net { tls, host, port, path: "/wsman".to_owned() };
    let standard = Access::new(Web { address, login, trust, identity });
    let access = Access {
        scheme,
        computer,
        kdc: kdc.map(|kdc| kdc.value),
        service: service.unwrap_or_default(),
        channel_bindings,
        max_envelope: max_envelope.and_then(|size| size.0.try_into().ok()).unwrap_or(standard.max_envelope),
        connections: connections.unwrap_or(standard.connections),
        ..standard
    };
    Some(At { value: Endpoint::Windows(Box::new(access)), span })
}

/// How scopes are written to it.
pub(super) fn replicating(fields: &Fields<'_, '_, '_>) -> Replicating {
    let standard = Replicating::default();
    let by = fields.word("replication", &Replication::WORDS).and_then(|at| Replication::ALL.get(at).copied());
    let by = by.unwrap_or(standard.by);
    if by == Replication::Direct {
        only_for(fields, ["replicate_at_once"], "another `replication` than \"direct\"");
    }
    Replicating {
        by,
        at_once: fields.number("replicate_at_once", 1..=100).unwrap_or(standard.at_once),
        is_verified: fields.flag("verified").unwrap_or(standard.is_verified),
    }
}

/// A name in lower case, or an address without brackets.
fn host(fields: &Fields<'_, '_, '_>) -> Option<At<String>> {
    let place = &fields.place;
    if fields.get("host").is_none() {
        fields.problem(&fields.span, format!("{place} does not say how to reach the server: write `host`"));
    }
    let At { value, span } = fields.plain("host")?;
    if value.parse::<Ipv6Addr>().is_ok() {
        return Some(At { value: value.to_ascii_lowercase(), span });
    }
    let wrong = match split_port(&value) {
        Some((host, None)) => return Some(At { value: host.to_ascii_lowercase(), span }),
        _ if value.contains("://") => "is a URL: write the name alone, `port` and `tls`",
        Some((_, Some(_))) => "has a port behind it: that is `port`",
        None => "is no name and no address of a host",
    };
    fields.problem(&span, format!("`host` in {place} {wrong}"));
    None
}

fn scheme(fields: &Fields<'_, '_, '_>, tls: bool) -> Scheme {
    let scheme = fields.word("auth", &Scheme::WORDS).and_then(|at| Scheme::ALL.get(at).copied()).unwrap_or_default();
    if let Some(auth) = fields.get("auth").filter(|_| scheme.hands_over_the_password() && !tls) {
        let message = format!(
            "`auth = \"{}\"` in {} hands the password over, and never over http: write `tls = true`",
            scheme.word(),
            fields.place
        );
        fields.problem(&auth.span(), message);
    }
    if matches!(scheme, Scheme::Ntlm | Scheme::Basic) {
        only_for(fields, ["kdc"], "Kerberos, which `auth` rules out");
    }
    if scheme == Scheme::Basic {
        only_for(fields, ["spn_service"], "another `auth` than \"basic\"");
    }
    scheme
}

/// An account as Windows names it: `DOMAIN\user`, `user@domain`, `.\user`, or a mere name.
fn is_user(user: &str, scheme: Scheme) -> Result<(), &'static str> {
    if scheme == Scheme::Basic {
        is_basic_user(user)?;
    }
    if user.contains('/') {
        return Err("has a slash: write 'DOMAIN\\user', in single quotes");
    }
    let (domain, name) = match (user.split_once('\\'), user.rsplit_once('@')) {
        (Some((domain, name)), _) => (Some(domain), name),
        (None, Some((name, domain))) => (Some(domain), name),
        (None, None) => (None, user),
    };
    match domain {
        _ if name.is_empty() || name.contains('\\') || domain == Some("") => {
            Err("is no account: write 'DOMAIN\\user', \"user@domain\" or '.\\user'")
        }
        None | Some(".") if scheme == Scheme::Kerberos => {
            Err("is a local account, which Kerberos knows nothing of: write 'DOMAIN\\user' or \"user@domain\"")
        }
        _ => Ok(()),
    }
}
