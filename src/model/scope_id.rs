//! The identity of a scope: network address and prefix length.

use std::fmt;
use std::net::Ipv4Addr;
use std::str::FromStr;

use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// One IPv4 subnet: its network address and prefix length.
///
/// `Display` gives `10.0.0.0/24`; [`ScopeId::short`] the address alone, as the cmdlet shows it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ScopeId {
    /// The network address.
    pub network: Ipv4Addr,
    /// The prefix length, 0 to 32.
    pub prefix_length: u8,
}

impl ScopeId {
    /// A scope id; `None` when the prefix is longer than 32 bits.
    ///
    /// Bits of the address beyond the prefix are kept: two servers may spell one
    /// subnet with and without them, and the reader decides what to make of it.
    pub fn new(network: Ipv4Addr, prefix_length: u8) -> Option<Self> {
        (prefix_length <= 32).then_some(ScopeId { network, prefix_length })
    }

    /// The address alone: `10.0.0.0`.
    pub fn short(&self) -> String {
        self.network.to_string()
    }

    /// Whether an address lies in this scope.
    pub fn contains(&self, address: Ipv4Addr) -> bool {
        let mask = self.mask();
        u32::from(address) & mask == u32::from(self.network) & mask
    }

    /// The netmask as a number.
    pub fn mask(&self) -> u32 {
        u32::MAX.checked_shl(32 - u32::from(self.prefix_length)).unwrap_or(0)
    }
}

/// A text that is no scope id.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("\"{0}\" is no scope id: write a network address such as 10.0.0.0 or 10.0.0.0/24")]
pub struct ScopeIdError(pub String);

impl FromStr for ScopeId {
    type Err = ScopeIdError;

    fn from_str(text: &str) -> Result<Self, ScopeIdError> {
        let bad = || ScopeIdError(text.escape_debug().to_string());
        let (address, length) = text.split_once('/').ok_or_else(bad)?;
        let network = address.trim().parse().map_err(|_| bad())?;
        let length = length.trim().parse().map_err(|_| bad())?;
        ScopeId::new(network, length).ok_or_else(bad)
    }
}

impl fmt::Display for ScopeId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&format!("{}/{}", self.network, self.prefix_length))
    }
}

impl Serialize for ScopeId {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for ScopeId {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer)?.parse().map_err(serde::de::Error::custom)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_and_shows() {
        let id: ScopeId = "10.0.4.0/22".parse().unwrap();
        assert_eq!(id.to_string(), "10.0.4.0/22");
        assert_eq!(id.short(), "10.0.4.0");
        assert!(id.contains("10.0.7.255".parse().unwrap()) && !id.contains("10.0.8.0".parse().unwrap()));
        assert!(ScopeId::new(Ipv4Addr::UNSPECIFIED, 0).unwrap().contains(Ipv4Addr::BROADCAST));
        for bad in ["10.0.0.0", "10.0.0.0/33", "10.0.0/24", "", "x/24"] {
            assert!(bad.parse::<ScopeId>().is_err(), "{bad}");
        }
    }
}
