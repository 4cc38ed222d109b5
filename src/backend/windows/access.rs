//! How a Windows DHCP server is reached and written, as plain values: what the configuration says of it.

use crate::backend::web::Web;

/// Everything that is needed to reach a Windows DHCP server.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Access {
    /// Where its WinRM listener is, who we are there, and which certificates we take for its own.
    /// The address is always one of a network, with the path `/wsman`; there is always a login,
    /// but for [`Scheme::is_of_ticket_cache`].
    pub web: Web,
    /// How we prove who we are.
    pub scheme: Scheme,
    /// The DHCP server that the host is asked to manage, the methods' `ComputerName`; `None` for
    /// the host itself.
    pub computer: Option<String>,
    /// The key distribution centre, as `HOST` or `HOST:PORT`; `None` for the host that the name of
    /// the realm leads to, which in Active Directory is a domain controller.
    pub kdc: Option<String>,
    /// The class of the service's principal name.
    pub service: Service,
    /// Whether the authentication is bound to the TLS channel. A proxy that ends TLS breaks that.
    pub channel_bindings: bool,
    /// Bytes of the largest SOAP envelope that the server is asked to send.
    pub max_envelope: u32,
    /// How many authenticated connections there are at most: so many calls go on side by side.
    pub connections: usize,
}

impl Access {
    /// What [`Access::max_envelope`] is unless the configuration says otherwise: the limit of Windows
    /// Server 2012 and later.
    pub const DEFAULT_MAX_ENVELOPE: u32 = 512_000;
    /// What [`Access::connections`] is unless the configuration says otherwise.
    pub const DEFAULT_CONNECTIONS: usize = 4;

    /// An access with every default.
    pub fn new(web: Web) -> Self {
        Access {
            web,
            scheme: Scheme::Negotiate,
            computer: None,
            kdc: None,
            service: Service::Http,
            channel_bindings: true,
            max_envelope: Self::DEFAULT_MAX_ENVELOPE,
            connections: Self::DEFAULT_CONNECTIONS,
        }
    }

    /// The DHCP server that is dealt with: the host itself, unless that is asked to manage another.
    pub fn managed(&self) -> &str {
        self.computer.as_deref().or(self.web.address.host()).unwrap_or_default()
    }

    /// Whether both lead to one DHCP server by one way.
    pub fn is_same_place(&self, other: &Access) -> bool {
        self.web.address.is_same_place(&other.web.address) && self.managed().eq_ignore_ascii_case(other.managed())
    }

    /// What makes this way unsafe, as it is shown wherever the server is; `None` when nothing does.
    /// Without TLS what is said is sealed, and no password is sent.
    pub fn caveat(&self) -> Option<&'static str> {
        self.web.unverified()
    }
}

/// How we prove who we are.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Scheme {
    /// SPNEGO: Kerberos where it can be had, else NTLM.
    #[default]
    Negotiate,
    /// Kerberos alone.
    Kerberos,
    /// NTLM alone.
    Ntlm,
    /// User and password, inside TLS only.
    Basic,
    /// User and password, handed on to the server inside TLS of its own: allows a second hop.
    CredSsp,
}

impl Scheme {
    /// All, in the order of [`Scheme::WORDS`].
    pub const ALL: [Scheme; 5] = [Scheme::Negotiate, Scheme::Kerberos, Scheme::Ntlm, Scheme::Basic, Scheme::CredSsp];
    /// The words of the configuration.
    pub const WORDS: [&str; 5] = ["negotiate", "kerberos", "ntlm", "basic", "credssp"];

    /// Its word in the configuration.
    pub fn word(self) -> &'static str {
        Self::WORDS[self as usize]
    }

    /// Whether the server gets to know the password: over TLS only.
    pub fn hands_over_the_password(self) -> bool {
        matches!(self, Scheme::Basic | Scheme::CredSsp)
    }

    /// Whether it can do without a login of the configuration, by the tickets that the operator has.
    pub fn is_of_ticket_cache(self) -> bool {
        cfg!(all(feature = "gss", unix)) && matches!(self, Scheme::Negotiate | Scheme::Kerberos)
    }
}

/// The class of a service's principal name: a domain member owns all three unless another account
/// holds one of them.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Service {
    /// `HTTP/host`.
    #[default]
    Http,
    /// `WSMAN/host`.
    WsMan,
    /// `HOST/host`.
    Host,
}

impl Service {
    /// All, in the order of [`Service::WORDS`].
    pub const ALL: [Service; 3] = [Service::Http, Service::WsMan, Service::Host];
    /// The words of the configuration, and of principal names.
    pub const WORDS: [&str; 3] = ["HTTP", "WSMAN", "HOST"];

    /// Its word in the configuration.
    pub fn word(self) -> &'static str {
        Self::WORDS[self as usize]
    }
}

/// How scopes are written to a Windows server.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Replicating {
    /// By whom.
    pub by: Replication,
    /// How many scopes its partner is told at once to replicate; at least 1.
    pub at_once: usize,
    /// The operator has seen it work on these servers.
    pub is_verified: bool,
}

impl Default for Replicating {
    fn default() -> Self {
        Replicating { by: Replication::Auto, at_once: 1, is_verified: false }
    }
}

/// Who writes scopes to a Windows server.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Replication {
    /// Its partner where that gets through to it and a scope is copied as a whole, else we.
    #[default]
    Auto,
    /// Its partner (`InvokeByScopeId`), or nobody.
    Native,
    /// We, over the server's own connection.
    Direct,
}

impl Replication {
    /// All, in the order of [`Replication::WORDS`].
    pub const ALL: [Replication; 3] = [Replication::Auto, Replication::Native, Replication::Direct];
    /// The words of the configuration.
    pub const WORDS: [&str; 3] = ["auto", "native", "direct"];

    /// Its word in the configuration.
    pub fn word(self) -> &'static str {
        Self::WORDS[self as usize]
    }
}
