//! The name of a scope's relationship has its meaning on its own server.

use super::*;
use crate::backend::kea::config::Homes;
use crate::model::{Canonical, Membership, Mode, Peer, Role};

fn membership(this: &str, partner: &str) -> Membership {
    let peer = |name: &str, role| Peer { name: name.into(), url: "".into(), aliases: Vec::new(), role };
    Membership {
        name: None,
        mode: Mode::HotStandby,
        this_server: this.into(),
        peers: vec![peer(partner, Role::Primary), peer(this, Role::Standby)],
        state: None,
        partner_state: None,
        clock_skew: None,
        contact: None,
        timing: Default::default(),
    }
}

/// A server in these relationships; its network names the one of spoke-c.
fn server(memberships: &[Membership]) -> Surroundings {
    let network = json!({"user-context": {"ha-server-name": "spoke-c", "comment": "first floor"}});
    around(How::Live, json!({}), network).with_homes(Homes::of(memberships))
}

fn hub() -> Surroundings {
    server(&[membership("hub-b", "spoke-b"), membership("hub-c", "spoke-c")])
}

fn spoke() -> Surroundings {
    server(&[membership("spoke-b", "hub-b")])
}

fn subnet(context: Json) -> Json {
    json!({"id": 1, "subnet": "10.0.0.0/24", "user-context": context})
}

fn belongs(scope: &Scope) -> Option<String> {
    match &scope.items.get(&ItemKey::relationship())?.value()?.canonical {
        Canonical::Text(key) => Some(key.raw().to_owned()),
        _ => None,
    }
}

#[test]
fn a_name_means_its_relationship_on_either_side() {
    let on = |context: Json, inside: bool, server: &Surroundings| {
        belongs(&open(&subnet(context), floor(inside).as_ref(), server).unwrap())
    };
    let (b, c) = (Some("hub-b and spoke-b".to_owned()), Some("hub-c and spoke-c".to_owned()));
    assert_eq!(on(json!({"ha-server-name": "hub-b"}), false, &hub()), b);
    assert_eq!(on(json!({"ha-server-name": "spoke-b"}), true, &hub()), b);
    assert_eq!(on(json!({}), true, &hub()), c);
    assert_eq!(on(json!({}), false, &hub()), None);
    assert_eq!(on(json!({"ha-server-name": "nobody"}), true, &hub()), None);
    // with one relationship Kea does not look at the name
    for name in ["hub-b", "spoke-b", "nobody"] {
        assert_eq!(on(json!({"ha-server-name": name}), true, &spoke()), b);
    }
    assert_eq!(on(json!({}), false, &spoke()), b);
}

/// What the target gets when its scope is made equal to the source's.
fn replicated(source: &Json, from: &Surroundings, target: Option<&Json>, to: &Surroundings, inside: bool) -> Json {
    let network = floor(inside);
    let source = open(source, network.as_ref(), from).unwrap();
    let target = target.map(|target| open(target, network.as_ref(), to).unwrap());
    let changes = match &target {
        Some(target) => compare(&source, target),
        None => create_all(&source, to.parents(network.as_ref())),
    };
    let style = if target.is_some() { Style::Write } else { Style::Create };
    render(&want(&source, target.as_ref(), &changes, to), style, to).whole()["user-context"].clone()
}

#[test]
fn a_name_is_no_drift_and_is_never_copied() {
    let on_hub = subnet(json!({"ha-server-name": "hub-b", "comment": "new"}));
    let on_spoke = subnet(json!({"comment": "old"}));
    let (source, target) = (open(&on_hub, None, &hub()).unwrap(), open(&on_spoke, None, &spoke()).unwrap());
    let keys: Vec<_> = compare(&source, &target).into_iter().map(|change| change.key).collect();
    assert_eq!(keys, [ItemKey::property("user-context")]);

    assert_eq!(replicated(&on_hub, &hub(), Some(&on_spoke), &spoke(), false), json!({"comment": "new"}));
    let both = json!({"comment": "old", "ha-server-name": "hub-b"});
    assert_eq!(replicated(&on_spoke, &spoke(), Some(&on_hub), &hub(), false), both);
    // a name that says the same stays as it was written
    let by_partner = subnet(json!({"ha-server-name": "spoke-b", "comment": "new"}));
    let kept = replicated(&on_spoke, &spoke(), Some(&by_partner), &hub(), false);
    assert_eq!(kept, json!({"comment": "old", "ha-server-name": "spoke-b"}));
}

#[test]
fn a_scope_is_put_into_the_relationship_in_the_words_of_its_server() {
    let on_spoke = subnet(json!({"comment": "site"}));
    let named = json!({"comment": "site", "ha-server-name": "hub-b"});
    for context in [json!({}), json!({"ha-server-name": "hub-c"}), json!({"ha-server-name": "nobody"})] {
        let mut context = context;
        context["comment"] = "site".into();
        assert_eq!(replicated(&on_spoke, &spoke(), Some(&subnet(context)), &hub(), false), named);
    }
    assert_eq!(replicated(&on_spoke, &spoke(), None, &hub(), false), named);
    // created on a spoke it needs no name, and in a network that names the right one neither
    let on_hub = subnet(json!({"ha-server-name": "hub-b"}));
    assert_eq!(replicated(&on_hub, &hub(), None, &spoke(), false), Json::Null);
    let other = server(&[membership("spoke-c", "hub-c")]);
    let bare = json!({"id": 1, "subnet": "10.0.0.0/24"});
    assert_eq!(replicated(&bare, &other, None, &hub(), true), Json::Null);
    assert_eq!(replicated(&on_spoke, &spoke(), None, &hub(), true), named);
}

#[test]
fn what_is_not_touched_is_rendered_as_it_was_read() {
    for context in [json!({"ha-server-name": "hub-b", "comment": "x"}), json!({"ha-server-name": "nobody"}), json!({})]
    {
        for server in [hub(), spoke()] {
            let native = subnet(context.clone());
            let scope = open(&native, None, &server).unwrap();
            assert_eq!(render(&scope, Style::Keep, &server).whole().to_string(), native.to_string());
        }
    }
}
