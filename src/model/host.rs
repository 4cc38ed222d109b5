//! Whether two sets of names and addresses are those of one host.

use std::net::IpAddr;

use super::Foreign;

/// What the names of two hosts tell.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Kinship {
    /// Two hosts: both are known alike, by full names or by addresses, and have none in common.
    Apart,
    /// Nothing: one is known by names, the other by addresses.
    Untold,
    /// Perhaps one host: a short name is the first label of a full one, or both are short.
    Short,
    /// One host: a full name or an address in common.
    Same,
}

/// The names of a host: letter case and a trailing dot make no difference, and a short name
/// counts only where the other side has no full one.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Host {
    addresses: Vec<IpAddr>,
    full: Vec<String>,
    short: Vec<String>,
}

impl Host {
    /// A host by these names and addresses.
    pub fn new<'a>(names: impl IntoIterator<Item = &'a str>) -> Self {
        let mut host = Host::default();
        for name in names {
            let name = name.trim().trim_end_matches('.').to_lowercase();
            let bare = name.strip_prefix('[').and_then(|name| name.strip_suffix(']')).unwrap_or(&name);
            match bare.parse::<IpAddr>() {
                Ok(address) => host.addresses.push(address.to_canonical()),
                Err(_) if name.contains('.') => host.full.push(name),
                Err(_) if !name.is_empty() => host.short.push(name),
                Err(_) => {}
            }
        }
        host
    }

    /// A host by the names that servers gave it.
    pub fn told<'a>(names: impl IntoIterator<Item = &'a Foreign>) -> Self {
        Host::new(names.into_iter().map(Foreign::raw))
    }

    /// The same host with further names.
    pub fn and(mut self, more: Host) -> Self {
        self.addresses.extend(more.addresses);
        self.full.extend(more.full);
        self.short.extend(more.short);
        self
    }

    /// The same host with its short names also as full ones of the other's domains.
    pub fn in_domain_of(&self, other: &Host) -> Host {
        let domains = other.full.iter().filter_map(|name| name.split_once('.')).map(|(_, domain)| domain);
        let named = domains.flat_map(|domain| self.short.iter().map(move |short| format!("{short}.{domain}")));
        Host { full: self.full.iter().cloned().chain(named).collect(), ..self.clone() }
    }

    /// What both sides' names tell.
    pub fn kinship(&self, other: &Host) -> Kinship {
        let common = |ours: &[String], theirs: &[String]| ours.iter().any(|name| theirs.contains(name));
        if common(&self.full, &other.full) || self.addresses.iter().any(|address| other.addresses.contains(address)) {
            return Kinship::Same;
        }
        match (self.full.is_empty(), other.full.is_empty()) {
            (false, false) => return Kinship::Apart,
            (false, true) if !other.short.is_empty() => return Host::shortly(common(&self.labels(), &other.short)),
            (true, false) if !self.short.is_empty() => return Host::shortly(common(&other.labels(), &self.short)),
            (true, true) if !self.short.is_empty() && !other.short.is_empty() => {
                return Host::shortly(common(&self.short, &other.short));
            }
            _ => {}
        }
        match self.addresses.is_empty() || other.addresses.is_empty() {
            true => Kinship::Untold,
            false => Kinship::Apart,
        }
    }

    fn shortly(is_common: bool) -> Kinship {
        if is_common { Kinship::Short } else { Kinship::Apart }
    }

    fn labels(&self) -> Vec<String> {
        let first = |name: &String| name.split('.').next().unwrap_or_default().to_owned();
        self.full.iter().map(first).chain(self.short.iter().cloned()).collect()
    }
}

/// Whether two texts are one name: letter case and a trailing dot make no difference.
pub fn is_same_name(a: &str, b: &str) -> bool {
    a.trim_end_matches('.').eq_ignore_ascii_case(b.trim_end_matches('.'))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hosts_are_recognised_by_short_name_full_name_and_address() {
        use Kinship::*;
        for (ours, theirs, kinship) in [
            ("dhcp1.contoso.com", "DHCP1.Contoso.COM.", Same),
            ("dhcp1.contoso.com", "dhcp1", Short),
            ("DHCP1", "dhcp1", Short),
            ("10.9.0.1", "::ffff:10.9.0.1", Same),
            ("dhcp1 10.9.0.1", "dhcp1.contoso.com 10.9.0.1", Same),
            ("dhcp1.contoso.com dhcp1", "dhcp1.fabrikam.com dhcp1", Apart),
            ("dhcp1.contoso.com", "dhcp2", Apart),
            ("dhcp1", "dhcp11", Apart),
            ("10.9.0.1", "10.9.0.2", Apart),
            ("10.9.0.1", "dhcp1.contoso.com", Untold),
            ("10.9.0.1", "dhcp1", Untold),
            ("alias.contoso.com dhcp1.contoso.com", "dhcp1.contoso.com", Same),
            ("dhcp1.contoso.com 10.9.0.1", "dhcp1.contoso.com 10.9.0.9", Same),
            ("", "dhcp1", Untold),
            ("", "", Untold),
            ("[::1]", "::1", Same),
        ] {
            let [a, b] = [ours, theirs].map(|names| Host::new(names.split(' ')));
            assert_eq!((a.kinship(&b), b.kinship(&a)), (kinship, kinship), "{ours:?} {theirs:?}");
        }
    }
}
