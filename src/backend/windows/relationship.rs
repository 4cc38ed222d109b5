//! Failover relationships, as one of their servers tells of them.

use std::collections::{BTreeMap, BTreeSet};
use std::net::Ipv4Addr;

use super::cim::{Failover, filled};
use crate::model::{
    Belonging, Canonical, Context, Definition, DefinitionKind, Foreign, Membership, Mode, Peer, Role, State, Timing,
    failover_parameter,
};

/// The relationships of a server that goes by the names `here`, its own first.
pub(super) fn memberships(told: &[Failover], here: &[String]) -> Vec<Membership> {
    told.iter().map(|failover| membership(failover, here)).collect()
}

/// What tells a server from its partners, and from others as far as it goes: its own names and addresses
/// in its relationships, else with whom it is paired in each of them. Names of relationships are unique on
/// both of their servers, and a partner is paired with somebody else.
pub(super) fn identity(told: &[Failover]) -> Option<Foreign> {
    let own = told.iter().flat_map(|failover| match (Place::of(failover, &[]), told_peers(failover)) {
        (Some(Place::Primary), [own, _]) | (Some(Place::Secondary), [_, own]) => own,
        (None, _) => Vec::new(),
    });
    let own: BTreeSet<String> = own.map(|name| name.raw().trim().to_lowercase()).collect();
    if !own.is_empty() {
        return Some(own.into_iter().collect::<Vec<_>>().join(", ").into());
    }
    let mut pairs: Vec<String> = told
        .iter()
        .map(|failover| format!("partner of {} in {}", failover.partner_server.raw(), failover.name.raw()))
        .collect();
    pairs.sort();
    (!pairs.is_empty()).then(|| pairs.join(", ").into())
}

/// The relationship of each scope that is in one.
pub(super) fn belongings(told: &[Failover]) -> BTreeMap<Ipv4Addr, Belonging> {
    let of = |failover: &Failover| {
        let to = Belonging::To(failover.name.clone());
        failover.scope_id.clone().into_iter().map(move |scope| (scope, to.clone()))
    };
    told.iter().flat_map(of).collect()
}

fn membership(told: &Failover, here: &[String]) -> Membership {
    let place = Place::of(told, here);
    let [this, partner] = both(told, here, place);
    let this_server = this.name.clone();
    let this_first = match (place, &this.role) {
        (Some(place), _) => place == Place::Primary,
        (None, Role::Active | Role::Standby) => this.role == Role::Active,
        (None, _) => this.name <= partner.name,
    };
    Membership {
        name: Some(told.name.clone()),
        mode: mode(told),
        this_server,
        peers: if this_first { vec![this, partner] } else { vec![partner, this] },
        state: told.state.clone().map(State),
        partner_state: None,
        clock_skew: None,
        contact: None,
        timing: Timing::default(),
    }
}

/// The partner, for a server that goes by the names `here`.
pub(super) fn partner(told: &Failover, here: &[String]) -> Peer {
    let [_, partner] = both(told, here, Place::of(told, here));
    partner
}

/// The server that told it, and its partner.
fn both(told: &Failover, here: &[String], place: Option<Place>) -> [Peer; 2] {
    let [this_role, partner_role] = roles(told, &mode(told), place);
    let [primary, secondary] = told_peers(told);
    let (ours, theirs) = match place {
        Some(Place::Primary) => (primary, secondary),
        Some(Place::Secondary) => (secondary, primary),
        None => (Vec::new(), Vec::new()),
    };
    // both may be reached by way of this machine, through tunnels
    let own = here.iter().filter(|name| ours.is_empty() || !is_loopback(name)).map(|name| Foreign::from(name.as_str()));
    let this = peer(ours.iter().cloned().chain(own), this_role);
    let partner = peer(theirs.into_iter().chain([told.partner_server.clone()]), partner_role);
    // the name by which the server itself goes there
    [this, Peer { url: told.partner_server.clone(), ..partner }]
}

fn mode(told: &Failover) -> Mode {
    Mode::from_word(told.mode.as_ref().map_or("", Foreign::raw))
}

/// Which of the two a server is, from Windows Server 2012 R2 on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Place {
    Primary,
    Secondary,
}

impl Place {
    /// As it says, else as the names say.
    fn of(told: &Failover, here: &[String]) -> Option<Self> {
        match told.server_type.as_ref().map_or("", |word| word.raw().trim()) {
            word if word.eq_ignore_ascii_case("PrimaryServer") => return Some(Place::Primary),
            word if word.eq_ignore_ascii_case("SecondaryServer") => return Some(Place::Secondary),
            _ => {}
        }
        let [primary, secondary] = told_peers(told);
        let is_partner =
            |names: &[Foreign]| names.iter().any(|name| is_same_host(name.raw(), told.partner_server.raw()));
        let is_here = |names: &[Foreign]| names.iter().any(|name| here.iter().any(|own| is_same_host(name.raw(), own)));
        match (is_partner(&primary) || is_here(&secondary), is_partner(&secondary) || is_here(&primary)) {
            (true, false) => Some(Place::Secondary),
            (false, true) => Some(Place::Primary),
            _ => None,
        }
    }
}

/// Names and addresses of primary and secondary, as far as they are told.
fn told_peers(told: &Failover) -> [Vec<Foreign>; 2] {
    let of = |name: &Option<Foreign>, address: &Option<Foreign>| {
        [name, address].into_iter().filter_map(|text| filled(text).cloned()).collect()
    };
    [of(&told.primary_server_name, &told.primary_server_ip), of(&told.secondary_server_name, &told.secondary_server_ip)]
}

/// This server's role and its partner's.
fn roles(told: &Failover, mode: &Mode, place: Option<Place>) -> [Role; 2] {
    let unknown = || Role::Other("".into());
    if *mode == Mode::HotStandby {
        return match told.server_role.as_ref().map_or("", |word| word.raw().trim()) {
            word if word.eq_ignore_ascii_case("Active") => [Role::Active, Role::Standby],
            word if word.eq_ignore_ascii_case("Standby") => [Role::Standby, Role::Active],
            word => [Role::Other(word.into()), unknown()],
        };
    }
    match place {
        Some(Place::Primary) => [Role::Primary, Role::Secondary],
        Some(Place::Secondary) => [Role::Secondary, Role::Primary],
        None => [unknown(), unknown()],
    }
}

/// A server by its first name; the others are its aliases.
fn peer(names: impl Iterator<Item = Foreign>, role: Role) -> Peer {
    let mut known: Vec<Foreign> = Vec::new();
    for name in names.filter(|name| !name.raw().trim().is_empty()) {
        if !known.iter().any(|known| known.raw().eq_ignore_ascii_case(name.raw())) {
            known.push(name);
        }
    }
    let mut known = known.into_iter();
    let name = known.next().unwrap_or_else(|| "".into());
    Peer { url: name.clone(), name, aliases: known.collect(), role }
}

fn is_loopback(name: &str) -> bool {
    name.eq_ignore_ascii_case("localhost")
        || name.parse::<std::net::IpAddr>().is_ok_and(|address| address.is_loopback())
}

/// Whether two names may be one host's: without case, a short name for each full one.
fn is_same_host(a: &str, b: &str) -> bool {
    let [a, b] = [a, b].map(|name| name.trim().trim_end_matches('.').to_ascii_lowercase());
    let is_address = |name: &str| name.parse::<std::net::IpAddr>().is_ok();
    let short = |name: &str| name.split('.').next().unwrap_or_default().to_owned();
    a == b || (!is_address(&a) && !is_address(&b) && (a.contains('.') != b.contains('.')) && short(&a) == short(&b))
}

/// What both servers of each relationship should say alike. A share and a role are said of the
/// primary, for each server tells its own; one that does not tell which it is cannot be compared
/// in these.
pub(super) fn parameters(told: &[Failover], here: &[String], context: &mut Context) {
    for failover in told {
        let mut set = |parameter: &str, value: Option<Canonical>| {
            let Some(value) = value else { return };
            let name = failover_parameter(parameter, &failover.name);
            let fields = [("value".into(), value)].into();
            context.definitions.insert((DefinitionKind::Failover, name), Definition { fields, label: None });
        };
        let seconds =
            |text: &Option<super::wsman::Interval>| text.map(|interval| Canonical::text(interval.to_string()));
        let number = |number: Option<u32>| number.map(|number| Canonical::Integer(number.into()));
        let auto = failover.auto_state_transition;
        set("mode", failover.mode.clone().map(Canonical::Text));
        set("reserve percent", number(failover.reserve_percent));
        set("maximum client lead time", seconds(&failover.max_client_lead_time));
        set("auto state transition", auto.map(Canonical::Bool));
        set("state switch interval", seconds(&failover.state_switch_interval).filter(|_| auto == Some(true)));
        set("message authentication", failover.enable_auth.map(Canonical::Bool));
        match Place::of(failover, here) {
            Some(place) => {
                let share = failover.load_balance_percent.map(|own| of_primary(place, own));
                set("primary's load balance percent", number(share));
                set("primary's role", role_of_primary(place, failover));
            }
            None => {
                let reason = format!("{} does not tell which of the two servers this is", failover.name.raw());
                context.unread.insert(DefinitionKind::Failover, Some(reason.into()));
            }
        }
    }
}

fn of_primary(place: Place, own: u32) -> u32 {
    match place {
        Place::Primary => own,
        Place::Secondary => 100_u32.saturating_sub(own),
    }
}

fn role_of_primary(place: Place, told: &Failover) -> Option<Canonical> {
    let [this, partner] = roles(told, &Mode::HotStandby, Some(place));
    let role = if place == Place::Primary { this } else { partner };
    filled(&told.server_role).map(|_| Canonical::text(role.to_string()))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn failover(properties: serde_json::Value) -> Failover {
        let mut all = json!({
            "Name": "a-b", "PartnerServer": "b.example.com", "Mode": "LoadBalance", "ServerRole": null,
            "LoadBalancePercent": 70, "ReservePercent": null, "ScopeId": ["10.0.0.0"], "MaxClientLeadTime": "PT1H",
            "AutoStateTransition": false, "StateSwitchInterval": null, "State": "Normal", "EnableAuth": true,
            "PrimaryServerIP": null, "PrimaryServerName": null, "SecondaryServerIP": null, "SecondaryServerName": null,
            "ServerType": null
        });
        for (name, value) in properties.as_object().unwrap() {
            all[name] = value.clone();
        }
        serde_json::from_value(all).unwrap()
    }

    fn here(names: &[&str]) -> Vec<String> {
        names.iter().map(|name| (*name).to_owned()).collect()
    }

    fn both(primary: serde_json::Value, secondary: serde_json::Value) -> [Context; 2] {
        let with = |mut own: serde_json::Value, kind: &str| {
            own["ServerType"] = kind.into();
            let mut context = Context::default();
            parameters(&[failover(own)], &here(&["x"]), &mut context);
            context
        };
        [with(primary, "PrimaryServer"), with(secondary, "SecondaryServer")]
    }

    #[test]
    fn what_is_mirrored_does_not_differ() {
        let [a, b] = both(json!({"LoadBalancePercent": 70}), json!({"LoadBalancePercent": 30, "PartnerServer": "a"}));
        assert_eq!(a, b);
        let [a, b] = both(json!({"LoadBalancePercent": 70}), json!({"LoadBalancePercent": 70}));
        assert_ne!(a, b);
        let standby = |role: &str| json!({"Mode": "HotStandby", "ServerRole": role, "LoadBalancePercent": null, "ReservePercent": 5});
        let [a, b] = both(standby("Active"), standby("Standby"));
        assert_eq!(a, b);
        let [a, b] = both(standby("Active"), standby("Active"));
        assert_ne!(a, b);
    }

    #[test]
    fn a_server_finds_itself_by_type_by_partner_or_by_name() {
        let names = json!({"PrimaryServerName": "b", "PrimaryServerIP": "10.9.0.2", "SecondaryServerName": "a.example.com",
            "SecondaryServerIP": "10.9.0.1"});
        for (more, own) in [
            (json!({"ServerType": "SecondaryServer", "PartnerServer": "10.9.9.9"}), "other"),
            (json!({"PartnerServer": "B.EXAMPLE.COM"}), "other"),
            (json!({"PartnerServer": "elsewhere"}), "10.9.0.1"),
        ] {
            let mut told = names.clone();
            told.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
            let membership = &memberships(&[failover(told)], &here(&[own]))[0];
            assert_eq!(membership.this_server.raw(), "a.example.com", "{own}");
            let (primary, secondary) = membership.pair().unwrap();
            assert_eq!((primary.name.raw(), &primary.role), ("b", &Role::Primary));
            assert!(primary.aliases.contains(&"10.9.0.2".into()));
            assert_eq!(primary.url.raw(), told_partner(&more), "as the server itself goes there");
            assert_eq!((secondary.name.raw(), &secondary.role), ("a.example.com", &Role::Secondary));
        }
    }

    fn told_partner(told: &serde_json::Value) -> &str {
        told["PartnerServer"].as_str().unwrap()
    }

    #[test]
    fn an_old_server_is_called_as_we_call_it() {
        let membership = &memberships(&[failover(json!({}))], &here(&["a.example.com", "10.9.0.1"]))[0];
        assert_eq!(membership.this_server.raw(), "a.example.com");
        assert_eq!(membership.key().raw(), "a-b");
        let peers: Vec<&str> = membership.peers.iter().map(|peer| peer.name.raw()).collect();
        assert_eq!(peers, ["a.example.com", "b.example.com"]);
        let mut context = Context::default();
        parameters(&[failover(json!({}))], &here(&["a"]), &mut context);
        assert!(context.unread[&DefinitionKind::Failover].is_some());
    }

    #[test]
    fn two_entries_of_one_server_have_one_identity_and_partners_have_two() {
        let ours = [failover(json!({})), failover(json!({"Name": "other"}))];
        let reversed = [ours[1].clone(), ours[0].clone()];
        assert_eq!(identity(&ours), identity(&reversed));
        assert_ne!(identity(&ours[..1]), identity(&[failover(json!({"PartnerServer": "a.example.com"}))]));
        assert_eq!(identity(&[]), None);
        let named = json!({"PrimaryServerName": "A.example.com", "PrimaryServerIP": "10.9.0.1",
            "SecondaryServerName": "b", "SecondaryServerIP": "10.9.0.2", "ServerType": "PrimaryServer"});
        let more = [failover(named.clone()), failover(json!({"Name": "other"}))];
        assert_eq!(identity(&more[..1]).unwrap().raw(), "10.9.0.1, a.example.com");
        assert_eq!(identity(&more), identity(&more[..1]), "it stays when a relationship is added");
    }
}
