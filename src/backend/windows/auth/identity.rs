//! What the name of a user says: which realm to ask for tickets, and how NTLM names the account.

use std::net::IpAddr;

use sspi::Username;

use crate::engine::{Error, ErrorKind, Result};

/// A user of Kerberos, and where tickets are had.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Client {
    /// `REALM\name`. Not `name@REALM`: that would be sent as an enterprise name, which only key
    /// distribution centres of Active Directory take.
    pub(super) name: Username,
    /// `HOST` or `HOST:PORT`.
    pub(super) kdc: String,
}

/// The user as Kerberos knows it.
///
/// # Errors
/// Why Kerberos is out of the question, in words.
pub(super) fn kerberos(user: &str, host: &str, kdc: Option<&str>) -> std::result::Result<Client, String> {
    if host.parse::<IpAddr>().is_ok() {
        return Err(format!("{host} is an address, and Kerberos knows servers by name"));
    }
    let (name, realm) = match (user.split_once('\\'), user.rsplit_once('@')) {
        (Some((domain, name)), _) => (name, realm_of(domain, host, kdc)?),
        (None, Some((name, realm))) => (name, realm.to_owned()),
        (None, None) => return Err(format!("user {user:?} has no realm")),
    };
    let name = Username::new_down_level_logon_name(name, &realm.to_uppercase());
    let name = name.map_err(|_| format!("user {user:?} is no name with a realm"))?;
    let kdc = kdc.map_or_else(|| realm.to_lowercase(), str::to_owned);
    Ok(Client { name, kdc })
}

/// The realm that a domain stands for: domains have a short name beside the one of the DNS.
fn realm_of(domain: &str, host: &str, kdc: Option<&str>) -> std::result::Result<String, String> {
    let (own, parent) = host.split_once('.').unwrap_or((host, ""));
    if domain == "." || domain.eq_ignore_ascii_case(own) && !domain.eq_ignore_ascii_case(parent) {
        return Err("the account is one of that machine, not of a domain".to_owned());
    }
    let is_parent = parent.split('.').next().is_some_and(|first| first.eq_ignore_ascii_case(domain));
    match () {
        () if domain.contains('.') => Ok(domain.to_owned()),
        () if is_parent => Ok(parent.to_owned()),
        () if kdc.is_some() => Ok(domain.to_owned()),
        () => Err(format!("where tickets of {domain} are had is not known: write NAME@REALM, or kdc")),
    }
}

/// The user as NTLM knows it.
pub(super) fn ntlm(user: &str) -> Result<Username> {
    let name = match user.split_once('\\') {
        Some((domain, name)) => Username::new(name, Some(domain)),
        None => Username::parse(user),
    };
    name.map_err(|_| {
        Error::new(ErrorKind::Local, format!("user {user:?} is no name of an account"))
            .hint("write DOMAIN\\name, name@domain, or .\\name for an account of that machine")
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_realm_is_known_by_every_form_of_a_name() {
        let client =
            |user, host, kdc| kerberos(user, host, kdc).map(|client| (client.name.inner().to_owned(), client.kdc));
        let is = |name: &str, kdc: &str| Ok((name.to_owned(), kdc.to_owned()));
        let server = "dhcp1.lab.test";
        assert_eq!(client("alice@lab.test", server, None), is("LAB.TEST\\alice", "lab.test"));
        assert_eq!(client("LAB.TEST\\alice", server, None), is("LAB.TEST\\alice", "lab.test"));
        assert_eq!(client("lab\\alice", server, None), is("LAB.TEST\\alice", "lab.test"));
        assert_eq!(client("OTHER\\alice", server, Some("dc1:8888")), is("OTHER\\alice", "dc1:8888"));
        assert_eq!(client("alice@LAB.TEST", "localhost", Some("127.0.0.1:99")), is("LAB.TEST\\alice", "127.0.0.1:99"));
        for (user, host, why) in [
            ("alice@lab.test", "10.0.0.1", "is an address"),
            ("alice@lab.test", "2001:db8::1", "is an address"),
            ("alice", server, "has no realm"),
            (".\\alice", server, "of that machine"),
            ("DHCP1\\alice", server, "of that machine"),
            ("OTHER\\alice", server, "is not known"),
        ] {
            assert!(client(user, host, None).unwrap_err().contains(why), "{user} {host}");
        }
    }
}
