//! What the name of a user says: which realm to ask for tickets, and how NTLM names the account.

use std::net::IpAddr;

use sspi::Username;

use super::NoKerberos;
use crate::engine::{Error, ErrorKind, Result};
use crate::model::Foreign;

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
/// Why Kerberos is out of the question.
pub(super) fn kerberos(user: &str, host: &str, kdc: Option<&str>) -> std::result::Result<Client, NoKerberos> {
    let shown = Foreign::from(user);
    let none = |why: String, cure| Err(NoKerberos { why, cure });
    let (domain, name) = match (user.split_once('\\'), user.rsplit_once('@')) {
        (Some((domain, _)), _) if is_machine(domain, host) => {
            return none("the account is one of that machine, not of a domain".to_owned(), None);
        }
        (Some(both), _) => both,
        (None, Some((name, realm))) => (realm, name),
        (None, None) => return none(format!("the user \"{shown}\" has no realm"), None),
    };
    if host.parse::<IpAddr>().is_ok() {
        let why = format!("{host} is an address, and Kerberos knows servers by name");
        return none(why, Some("write the server's full name as host"));
    }
    let realm = if user.contains('\\') { realm_of(domain, host, kdc) } else { Some(domain) };
    let Some(realm) = realm else {
        let why = format!("the full name of the domain {} is not known", Foreign::from(domain));
        return none(why, Some("write user as \"NAME@DOMAIN\" with that, or name a domain controller as kdc"));
    };
    let Ok(name) = Username::new_down_level_logon_name(name, &realm.to_uppercase()) else {
        return none(format!("the user \"{shown}\" is no name with a realm"), None);
    };
    let kdc = kdc.map_or_else(|| realm.to_lowercase(), str::to_owned);
    Ok(Client { name, kdc })
}

/// Whether accounts of this domain are those of the host itself.
fn is_machine(domain: &str, host: &str) -> bool {
    let (own, parent) = host.split_once('.').unwrap_or((host, ""));
    domain == "." || domain.eq_ignore_ascii_case(own) && !domain.eq_ignore_ascii_case(parent)
}

/// The realm that a domain stands for: domains have a short name beside the one of the DNS.
fn realm_of<'a>(domain: &'a str, host: &'a str, kdc: Option<&str>) -> Option<&'a str> {
    let parent = host.split_once('.').map_or("", |(_, parent)| parent);
    let is_parent = parent.split('.').next().is_some_and(|first| first.eq_ignore_ascii_case(domain));
    match () {
        () if domain.contains('.') => Some(domain),
        () if is_parent => Some(parent),
        () => kdc.map(|_| domain),
    }
}

/// The user as NTLM knows it.
pub(super) fn ntlm(user: &str) -> Result<Username> {
    let name = match user.split_once('\\') {
        Some((domain, name)) => Username::new(name, Some(domain)),
        None => Username::parse(user),
    };
    name.map_err(|_| {
        Error::new(ErrorKind::Local, format!("the user \"{}\" is no name of an account", Foreign::from(user)))
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
        for (user, host, why, is_curable) in [
            ("alice@lab.test", "10.0.0.1", "is an address", true),
            ("alice@lab.test", "2001:db8::1", "is an address", true),
            ("alice", server, "has no realm", false),
            (".\\alice", server, "of that machine", false),
            (".\\alice", "10.0.0.1", "of that machine", false),
            ("DHCP1\\alice", server, "of that machine", false),
            ("OTHER\\alice", server, "is not known", true),
        ] {
            let none = client(user, host, None).unwrap_err();
            assert!(none.why.contains(why) && none.cure.is_some() == is_curable, "{user} {host}: {none:?}");
        }
    }
}
