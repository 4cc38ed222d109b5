//! How a server is reached over HTTP, as plain values: what the configuration says of it.

use std::fmt;
use std::net::IpAddr;
use std::path::PathBuf;
use std::sync::Arc;

use crate::model::Foreign;
use crate::secret::{Keeper, Secret};

/// Everything that is needed to reach a server over HTTP.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Web {
    /// Where it is.
    pub address: Address,
    /// Who we are there.
    pub login: Option<Login>,
    /// Which certificates we take for the server's own.
    pub trust: Trust,
    /// The certificate that we show.
    pub identity: Option<Identity>,
}

/// A user and where the password comes from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Login {
    /// The user's name.
    pub user: String,
    /// The password; one for all that is made of this configuration, so that it is got once.
    pub password: Arc<Keeper>,
}

impl Login {
    /// A user whose password is still to be got.
    pub fn new(user: impl Into<String>, password: Secret) -> Self {
        Login { user: user.into(), password: Arc::new(Keeper::new(password)) }
    }

    /// The user's name as it is shown, with no backslash doubled.
    pub fn shown(&self) -> String {
        format!("\"{}\"", Foreign::cleaned(&self.user))
    }
}

/// Which certificates are taken for the server's own.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum Trust {
    /// Those of the authorities that this machine trusts.
    #[default]
    System,
    /// Those of the authorities in this PEM file.
    Authority(PathBuf),
    /// Exactly this one, whatever its authority, name and dates.
    Pin(Pin),
    /// Any: nothing is verified.
    Anything,
}

/// The certificate that we show, and its key: PEM files.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Identity {
    /// The certificate, and those that lead to its authority.
    pub certificate: PathBuf,
    /// Its private key.
    pub key: PathBuf,
}

impl Web {
    /// What makes this way unsafe, as it is shown wherever the server is; `None` when nothing does.
    pub fn caveat(&self) -> Option<&'static str> {
        let is_told = self.login.is_some() && self.address.is_open();
        self.unverified().or(is_told.then_some("plain_auth: its password travels in clear"))
    }

    /// That its certificate is not verified.
    pub fn unverified(&self) -> Option<&'static str> {
        let is_unverified = self.trust == Trust::Anything && self.address.is_tls();
        is_unverified.then_some("insecure: its certificate is not verified")
    }
}

/// Where a server is: a URL without user, query and fragment.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Address {
    /// Over a network.
    Net {
        /// `https`.
        tls: bool,
        /// A name or an address, without brackets, in lower case.
        host: String,
        /// The TCP port.
        port: u16,
        /// The path of every request; begins with `/`.
        path: String,
    },
    /// HTTP over a UNIX socket, to a proxy on this machine.
    Unix(PathBuf),
}

impl Address {
    /// The name or address of the host; `None` for a socket of this machine.
    pub fn host(&self) -> Option<&str> {
        match self {
            Address::Net { host, .. } => Some(host),
            Address::Unix(_) => None,
        }
    }

    /// Whether TLS is spoken.
    pub fn is_tls(&self) -> bool {
        matches!(self, Address::Net { tls: true, .. })
    }

    /// Whether others may listen on the way: no TLS, and it leaves this machine.
    pub fn is_open(&self) -> bool {
        !self.is_tls() && self.leaves_this_machine()
    }

    /// Whether the server may be on another machine.
    pub fn leaves_this_machine(&self) -> bool {
        match self {
            Address::Net { host, .. } => {
                let loopback = host.parse::<IpAddr>().is_ok_and(|address| address.is_loopback());
                // what stands below `localhost` is looked up like any other name
                !loopback && host != "localhost"
            }
            Address::Unix(_) => false,
        }
    }

    /// Whether both lead to one place; a server speaks either HTTP or HTTPS on a port.
    pub fn is_same_place(&self, other: &Address) -> bool {
        match (self, other) {
            (Address::Net { host, port, path, .. }, Address::Net { host: h, port: p, path: q, .. }) => {
                (host, port, path) == (h, p, q)
            }
            (Address::Unix(one), Address::Unix(other)) => one == other,
            _ => false,
        }
    }

    /// Reads `http://`, `https://` or `http+unix://`. The message says what is wrong and never
    /// repeats what could be a password.
    ///
    /// # Errors
    /// What is wrong, to be put behind the name of the key.
    pub fn parse(text: &str) -> Result<Self, String> {
        const FORMS: &str = "https://HOST:PORT, http://HOST:PORT or http+unix:///PATH";
        let Some((scheme, rest)) = text.split_once("://") else {
            return Err(format!("is not a URL: write {FORMS}"));
        };
        let tls = match scheme.to_ascii_lowercase().as_str() {
            "http" => false,
            "https" => true,
            "http+unix" if rest.starts_with('/') && rest.len() > 1 => return Ok(Address::Unix(rest.into())),
            "http+unix" => return Err("needs the absolute path of a socket: http+unix:///PATH".to_owned()),
            _ => return Err(format!("has another scheme than http, https and http+unix: write {FORMS}")),
        };
        let (authority, path) = match rest.find(['/', '?', '#']) {
            Some(at) => rest.split_at(at),
            None => (rest, "/"),
        };
        if authority.contains('@') {
            return Err("has a user in it: write `user` and one of `password_env`, `password_file` and \
                        `password_command` instead"
                .to_owned());
        }
        if path.contains(['?', '#']) {
            return Err("has a query or a fragment, which Kea knows nothing of: leave it out".to_owned());
        }
        if !path.bytes().all(|byte| byte.is_ascii_graphic()) {
            return Err("has a path with characters that must be written as %XX".to_owned());
        }
        let (host, port) = split_port(authority).ok_or_else(|| format!("has no valid host and port: write {FORMS}"))?;
        let port = match port {
            None if tls => 443,
            None => 80,
            Some(port) => port_number(port).ok_or("has a port that is not from 1 to 65535")?,
        };
        Ok(Address::Net { tls, host: host.to_ascii_lowercase(), port, path: path.to_owned() })
    }
}

/// A TCP port to connect to.
pub(crate) fn port_number(text: &str) -> Option<u16> {
    text.parse().ok().filter(|port| *port != 0)
}

/// The host without brackets, and the port if one is written.
pub(crate) fn split_port(authority: &str) -> Option<(&str, Option<&str>)> {
    if let Some(rest) = authority.strip_prefix('[') {
        let (host, port) = rest.split_once(']')?;
        host.parse::<std::net::Ipv6Addr>().ok()?;
        return match port {
            "" => Some((host, None)),
            port => Some((host, Some(port.strip_prefix(':')?))),
        };
    }
    let (host, port) = match authority.split_once(':') {
        Some((host, port)) => (host, Some(port)),
        None => (authority, None),
    };
    let is_named = !host.is_empty() && host.bytes().all(|b| b.is_ascii_alphanumeric() || b"-._".contains(&b));
    is_named.then_some((host, port))
}

impl fmt::Display for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Address::Net { tls, host, port, path } => {
                let scheme = if *tls { "https" } else { "http" };
                let path = if path == "/" { "" } else { path };
                match host.contains(':') {
                    true => write!(f, "{scheme}://[{host}]:{port}{path}"),
                    false => write!(f, "{scheme}://{host}:{port}{path}"),
                }
            }
            Address::Unix(socket) => write!(f, "http+unix://{}", socket.display()),
        }
    }
}

/// The SHA-256 digest of a certificate: names exactly that one.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct Pin(pub [u8; 32]);

impl Pin {
    /// Reads 64 hexadecimal digits in any letter case, with or without colons between the bytes,
    /// alone, behind `sha256:`, or as `openssl x509 -fingerprint -sha256` prints them.
    ///
    /// # Errors
    /// What is wrong, to be put behind the name of the key.
    pub fn parse(text: &str) -> Result<Self, String> {
        const FORMS: &str = "write \"sha256:\" and 64 hexadecimal digits";
        let digits = match text.split_once('=') {
            Some((name, digits)) if name.split_whitespace().next().is_some_and(is_sha256) => digits,
            Some(_) => return Err(format!("is not a SHA-256 fingerprint: {FORMS}")),
            None => match text.split_once(':') {
                Some((name, digits)) if is_sha256(name) => digits,
                _ => text,
            },
        };
        let digits: Vec<u8> = digits.trim().bytes().filter(|byte| *byte != b':').collect();
        if !digits.iter().all(u8::is_ascii_hexdigit) {
            return Err(format!("is not a SHA-256 fingerprint: {FORMS}"));
        }
        if digits.len() != 64 {
            let like = match digits.len() {
                40 => ", as SHA-1 has",
                128 => ", as SHA-512 has",
                _ => "",
            };
            return Err(format!("has {} hexadecimal digits{like}, and SHA-256 has 64", digits.len()));
        }
        let value = |digit: u8| (digit as char).to_digit(16).unwrap_or_default() as u8;
        let mut bytes = [0; 32];
        for (byte, pair) in bytes.iter_mut().zip(digits.chunks_exact(2)) {
            *byte = value(pair[0]) << 4 | value(pair[1]);
        }
        Ok(Pin(bytes))
    }
}

/// `SHA256`, with or without a hyphen, in any letter case.
fn is_sha256(name: &str) -> bool {
    ["sha256", "sha-256"].iter().any(|known| known.eq_ignore_ascii_case(name))
}

impl fmt::Display for Pin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("sha256:")?;
        self.0.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}

impl fmt::Debug for Pin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::secret::Inline;

    #[test]
    fn an_address_is_shown_as_it_is_reached() {
        for (written, shown) in [
            ("http://kea-1:8000/", "http://kea-1:8000"),
            ("HTTPS://Kea-1.example", "https://kea-1.example:443"),
            ("http://10.0.0.1", "http://10.0.0.1:80"),
            ("https://[2001:DB8::1]:8004/kea/a", "https://[2001:db8::1]:8004/kea/a"),
            ("http+unix:///run/proxy.sock", "http+unix:///run/proxy.sock"),
        ] {
            let address = Address::parse(written).unwrap();
            assert_eq!(address.to_string(), shown);
            assert_eq!(Address::parse(shown), Ok(address));
        }
    }

    #[test]
    fn what_is_no_address_is_told_without_repeating_it() {
        for (written, said) in [
            ("kea-1:8000", "is not a URL"),
            ("ftp://kea-1", "another scheme"),
            ("http://scott:s3cret@kea-1:8000/", "has a user in it"),
            ("https://s3cret@kea-1", "has a user in it"),
            ("http://kea-1/?a=b", "has a query"),
            ("http://kea-1/a#b", "has a query or a fragment"),
            ("http://kea-1/a b", "must be written as %XX"),
            ("http://", "no valid host"),
            ("http://:8000", "no valid host"),
            ("http://a b", "no valid host"),
            ("http://2001:db8::1:8000", "a port that is not"),
            ("http://[::1", "no valid host"),
            ("http://[kea-1]", "no valid host"),
            ("http://kea-1:0", "a port that is not"),
            ("http://kea-1:70000", "a port that is not"),
            ("http+unix://run/s", "absolute path"),
        ] {
            let error = Address::parse(written).unwrap_err();
            assert!(error.contains(said) && !error.contains("s3cret"), "{written}: {error}");
        }
    }

    #[test]
    fn loopback_and_tls_are_not_open() {
        let open = |url: &str| Address::parse(url).unwrap().is_open();
        assert!(open("http://kea-1:8000") && open("http://10.0.0.1") && open("http://[2001:db8::1]"));
        assert!(open("http://localhost.example") && open("http://128.0.0.1") && open("http://kea-1.localhost"));
        for safe in ["https://kea-1", "http://127.0.0.1:8000", "http://127.9.9.9", "http://[::1]:8000"] {
            assert!(!open(safe), "{safe}");
        }
        assert!(!open("http://LOCALHOST:8000") && !open("http+unix:///s"));
    }

    #[test]
    fn what_is_unsafe_is_told() {
        let caveat = |url: &str, trust: Trust, with_login: bool| {
            let login = Login::new("scott", Secret::Inline(Inline::new("x")));
            let address = Address::parse(url).unwrap();
            Web { address, login: with_login.then_some(login), trust, identity: None }.caveat()
        };
        assert_eq!(caveat("https://a", Trust::System, true), None);
        assert_eq!(caveat("https://a", Trust::Anything, true), Some("insecure: its certificate is not verified"));
        assert_eq!(caveat("http://a", Trust::System, true), Some("plain_auth: its password travels in clear"));
        assert_eq!(caveat("http://a", Trust::System, false), None);
        assert_eq!(caveat("http://127.0.0.1", Trust::System, true), None);
    }

    #[test]
    fn one_place_is_recognised() {
        let same = |one: &str, other: &str| Address::parse(one).unwrap().is_same_place(&Address::parse(other).unwrap());
        assert!(same("http://KEA:80/", "http://kea"));
        assert!(same("http://kea:8000", "https://kea:8000"));
        assert!(same("http+unix:///s", "http+unix:///s"));
        assert!(!same("http://kea/a", "http://kea/b"));
        assert!(!same("http://kea", "http+unix:///kea"));
    }

    #[test]
    fn a_pin_is_read_as_openssl_prints_it() {
        let hex = "ab".repeat(32);
        let colons: Vec<&str> = vec!["AB"; 32];
        let colons = colons.join(":");
        let pin = Pin::parse(&format!("sha256:{hex}")).unwrap();
        assert_eq!((pin.to_string(), pin.0), (format!("sha256:{hex}"), [0xab; 32]));
        for form in [
            format!("sha256:{colons}"),
            format!("SHA256:{hex}"),
            colons.clone(),
            hex.clone(),
            format!("sha256 Fingerprint={colons}"),
            format!("SHA256 FINGERPRINT={colons}\n"),
        ] {
            assert_eq!(Pin::parse(&form), Ok(pin), "{form}");
        }
        for (wrong, said) in [
            ("", "has 0 hexadecimal digits"),
            ("sha256:ab", "has 2 hexadecimal digits, and SHA-256 has 64"),
            (&colons[..95 - 3], "has 62 hexadecimal digits, and"),
            (&colons[..59], "has 40 hexadecimal digits, as SHA-1 has"),
            ("sha1:abab", "is not a SHA-256 fingerprint: write \"sha256:\""),
            (&format!("sha1 Fingerprint={colons}"), "is not a SHA-256 fingerprint"),
            (&format!("sha256:{}", "xy".repeat(32)), "is not a SHA-256 fingerprint"),
        ] {
            let error = Pin::parse(wrong).unwrap_err();
            assert!(error.starts_with(said), "{wrong}: {error}");
        }
    }
}
