//! A scope becomes a Kea subnet: its native form, changed only where it has to be.

use std::collections::BTreeSet;

use serde_json::{Map, Value as Json};

use super::super::config::{BOUNDS, How, Surroundings, Words, is_derived};
use super::canonical::{self, RESTRICTIONS};
use super::take_apart::{is_local, is_structure, pool_fields, pool_range, restriction_key};
use super::words::{in_new_words, put_back};
use super::{Rendered, Style, option, reservation};
use crate::model::{Canonical, Foreign, Item, ItemKey, KeyName, Kind, OptionKey, Owner, ReservationKey, Scope, Value};

/// Puts a scope into the words of the server that `around` is read from.
pub(super) fn scope(scope: &Scope, style: Style, around: &Surroundings) -> Rendered {
    let native = scope.native.as_object();
    let mut hosts = native.and_then(|native| native.get(RESERVATIONS)?.as_array()).cloned().unwrap_or_default();
    if folds_comments(style, around) {
        hosts.iter_mut().filter_map(Json::as_object_mut).for_each(fold_comments);
    }
    let network = scope.network().cloned();
    Rendered {
        reservations: Work { scope, style, around, network: network.as_ref() }.reservations(hosts),
        subnet: own(scope, style, around),
        place: native.and_then(|native| native.keys().position(|key| key == RESERVATIONS)),
        network,
    }
}

/// The same without its reservations, which are most of it.
pub(super) fn own(scope: &Scope, style: Style, around: &Surroundings) -> Json {
    let network = scope.network();
    let work = Work { scope, style, around, network };
    let native = scope.native.as_object().into_iter().flatten().filter(|(key, _)| *key != RESERVATIONS);
    let native: Map<String, Json> = native.map(|(key, value)| (key.clone(), value.clone())).collect();
    let mut subnet = in_new_words(&native).into_owned();
    if folds_comments(style, around) {
        fold_comments(&mut subnet);
    }
    subnet.entry("subnet").or_insert_with(|| scope.id.to_string().into());
    work.properties(&mut subnet);
    work.context(&mut subnet);
    work.restrictions(&mut subnet, &Owner::Scope);
    work.pools(&mut subnet);
    work.options(&mut subnet, &Owner::Scope);
    put_back(&mut subnet, (style != Style::Create).then_some(&native), around.ddns);
    Json::Object(subnet)
}

const RESERVATIONS: &str = "reservations";

struct Work<'a> {
    scope: &'a Scope,
    style: Style,
    around: &'a Surroundings,
    network: Option<&'a Foreign>,
}

/// What becomes of a property that the level above gives.
enum Inherited {
    /// It stays as it is, said or unsaid.
    Leave,
    /// It must not be said.
    Drop,
    /// It must be said, with this value.
    Say(Json),
}

impl Work<'_> {
    fn properties(&self, subnet: &mut Map<String, Json>) {
        let native: Vec<String> = subnet.keys().filter(|key| !is_structure(key)).cloned().collect();
        for name in &native {
            if is_local(name) {
                if self.style == Style::Create {
                    subnet.shift_remove(name);
                }
                continue;
            }
            let was = subnet.get(name).and_then(|raw| canonical::property(name, raw));
            match self.scope.items.get(&ItemKey::property(name.as_str())).and_then(Item::value) {
                // a default that is said and means nothing
                None if was.is_none() && self.style != Style::Create => {}
                None if self.style == Style::Keep && self.follows_lifetime(name, was.as_ref()) => {}
                None => {
                    subnet.shift_remove(name);
                }
                Some(want) => self.property(subnet, name, was.as_ref(), want),
            }
        }
        for (key, item) in self.scope.items.iter().filter(|(key, _)| key.kind == Kind::Property) {
            let (KeyName::Name(name), Some(want)) = (&key.name, item.value()) else { continue };
            let elsewhere = matches!(name.raw(), "shared-network" | "user-context" | "relationship");
            if !elsewhere && !native.iter().any(|known| known == name.raw()) {
                self.property(subnet, name.raw(), None, want);
            }
        }
        self.values_of_network(subnet);
    }

    /// Sent alone, the subnet would get the global value of what its network says.
    fn values_of_network(&self, subnet: &mut Map<String, Json>) {
        if self.around.how == How::File || self.style == Style::Keep {
            return;
        }
        for (key, given) in self.around.parents(self.network).iter() {
            let KeyName::Name(name) = &key.name else { continue };
            let global = self.around.parents(None).get(key).map(|value| &value.canonical);
            if is_derived(name.raw()) && !subnet.contains_key(name.raw()) && global != Some(&given.canonical) {
                subnet.insert(name.raw().to_owned(), given.raw.clone());
            }
        }
    }

    fn property(&self, subnet: &mut Map<String, Json>, name: &str, was: Option<&Canonical>, want: &Value) {
        let fate = if want.is_inherited() || self.is_implied(name, want) {
            self.inherited(name, was, want)
        } else if was == Some(&want.canonical) {
            Inherited::Leave
        } else {
            Inherited::Say(want.raw.clone())
        };
        match fate {
            Inherited::Leave => {}
            Inherited::Drop => {
                subnet.shift_remove(name);
            }
            Inherited::Say(raw) => {
                subnet.insert(name.to_owned(), raw);
            }
        }
    }

    /// A bound that equals the lifetime, where no level above gives another.
    fn is_implied(&self, name: &str, want: &Value) -> bool {
        self.style != Style::Keep
            && self.unbounded(name)
            && self.lifetime().is_some_and(|lifetime| lifetime.canonical == want.canonical)
    }

    fn unbounded(&self, name: &str) -> bool {
        BOUNDS.contains(&name) && !self.around.parents(self.network).contains_key(&ItemKey::property(name))
    }

    /// A bound that was filled in with the lifetime that the scope still has.
    fn follows_lifetime(&self, name: &str, was: Option<&Canonical>) -> bool {
        self.unbounded(name) && self.lifetime().map(|value| &value.canonical) == was
    }

    fn lifetime(&self) -> Option<&Value> {
        self.scope.items.get(&ItemKey::property("valid-lifetime")).and_then(Item::value)
    }

    fn inherited(&self, name: &str, was: Option<&Canonical>, want: &Value) -> Inherited {
        let given = self.around.parents(self.network).get(&ItemKey::property(name));
        let fits = given.is_some_and(|given| given.canonical == want.canonical);
        let filled_in = self.around.how == How::Live && is_derived(name);
        if self.style == Style::Keep || (self.style == Style::Write && !filled_in) {
            let stays = match was {
                None => return Inherited::Leave,
                // a bound that was filled in goes with the lifetime that it was filled in for
                Some(_) if self.unbounded(name) => self.follows_lifetime(name, was),
                // somebody said what the level above says anyway; in another network it may not
                Some(was) => *was == want.canonical && fits,
            };
            return if stays { Inherited::Leave } else { Inherited::Drop };
        }
        if self.unbounded(name) {
            return Inherited::Drop;
        }
        if self.style == Style::Create && !fits {
            return Inherited::Say(want.raw.clone());
        }
        Inherited::Drop
    }

    fn context(&self, subnet: &mut Map<String, Json>) {
        let want = self.scope.items.get(&ItemKey::property("user-context")).and_then(Item::value);
        let was = canonical::scope_context(subnet).map(|context| Canonical::from_json(&context));
        let said = canonical::relationship_name(subnet).map(str::to_owned);
        let name = self.relationship_name(said.as_deref());
        if was.as_ref() != want.map(|value| &value.canonical) {
            patch_context(subnet, want);
        }
        if canonical::relationship_name(subnet) != name.as_deref() {
            name_relationship(subnet, name);
        }
    }

    /// What names the relationship on this server; `None` where nothing needs to.
    ///
    /// A name belongs to the server that it was read from: it is never copied, only said anew
    /// in the words of the server that is written.
    fn relationship_name(&self, said: Option<&str>) -> Option<String> {
        let here = |said| self.around.belonging(said, self.network);
        let own = said.filter(|_| self.style != Style::Create);
        let want = self.scope.items.get(&ItemKey::relationship()).and_then(Item::value);
        let Some(Canonical::Text(key)) = want.map(|value| &value.canonical) else {
            return own.filter(|own| here(Some(own)).key().is_none()).map(str::to_owned);
        };
        if own.is_some() && here(own).key() == Some(key) {
            return own.map(str::to_owned);
        }
        let needed = here(None).key() != Some(key);
        self.around.name_for(key).filter(|_| needed).map(|name| name.raw().to_owned())
    }

    fn restrictions(&self, object: &mut Map<String, Json>, owner: &Owner) {
        for words in RESTRICTIONS {
            let want = self.scope.items.get(&restriction_key(owner, words)).and_then(Item::value);
            let was = canonical::restriction(object, words).map(|(_, canonical)| canonical);
            // what was read from another server may be in words that this one does not know
            let own = self.style != Style::Create;
            if own && was.as_ref() == want.map(|value| &value.canonical) {
                continue;
            }
            let known = words.into_iter().find(|word| own && object.contains_key(*word));
            let names = want.map(|value| canonical::class_names(&value.raw)).unwrap_or_default();
            let word = match (known, self.around.words) {
                (Some(known), _) if known != "client-class" || names.len() == 1 => known,
                (None, Words::Old) if words[0] != "client-class" || names.len() == 1 => words[0],
                _ => words[1],
            };
            let value: Json = match names.as_slice() {
                [one] if word == "client-class" => one.as_str().into(),
                _ => names.into(),
            };
            for other in words.into_iter().filter(|other| want.is_none() || *other != word) {
                object.shift_remove(other);
            }
            if want.is_some() {
                object.insert(word.to_owned(), value);
            }
        }
    }

    fn options(&self, object: &mut Map<String, Json>, owner: &Owner) {
        let mut done = BTreeSet::new();
        let mut out = Vec::new();
        if let Some(native) = object.get("option-data").and_then(Json::as_array) {
            // a list that was read can be read again
            let read = option::list(object.get("option-data"), self.around).unwrap_or_default();
            for (json, was) in native.iter().zip(read) {
                let key = was.item_key(owner);
                if let (Some(want), Json::Object(old)) = (self.scope.items.get(&key), json) {
                    let mut new = old.clone();
                    option::patch(&mut new, &was.item, want);
                    self.leave_out(&mut new, "never-send", &false.into());
                    out.push(Json::Object(new));
                    done.insert(key);
                }
            }
        }
        for (key, option_key, item) in self.owned_options(owner) {
            if !done.contains(key) {
                out.push(option::write(option_key, item, self.around));
            }
        }
        if object.contains_key("option-data") || !out.is_empty() {
            object.insert("option-data".into(), out.into());
        }
    }

    /// A default that newer servers say and older ones would refuse for its name.
    fn leave_out(&self, object: &mut Map<String, Json>, name: &str, default: &Json) {
        if self.style == Style::Create && object.get(name) == Some(default) {
            object.shift_remove(name);
        }
    }

    fn owned_options<'s>(&'s self, owner: &'s Owner) -> impl Iterator<Item = (&'s ItemKey, &'s OptionKey, &'s Item)> {
        let first = ItemKey { owner: owner.clone(), kind: Kind::Option, name: KeyName::Name("".into()) };
        self.scope
            .items
            .range(first..)
            .take_while(move |(key, _)| key.owner == *owner && key.kind == Kind::Option)
            .filter_map(|(key, item)| match &key.name {
                KeyName::Option(option) => Some((key, option, item)),
                _ => None,
            })
    }

    fn pools(&self, subnet: &mut Map<String, Json>) {
        let mut done = BTreeSet::new();
        let mut out = Vec::new();
        for json in subnet.get("pools").and_then(Json::as_array).into_iter().flatten() {
            let Some(old) = json.as_object() else { continue };
            let Ok((first, last)) = pool_range(old) else { continue };
            if let Some(want) = self.scope.items.get(&ItemKey::range(first, last)) {
                let mut new = old.clone();
                patch_fields(&mut new, &pool_fields(old), want);
                self.leave_out(&mut new, "pool-id", &0.into());
                self.restrictions(&mut new, &Owner::Range(first, last));
                self.options(&mut new, &Owner::Range(first, last));
                out.push(Json::Object(new));
                done.insert((first, last));
            }
        }
        for (key, item) in &self.scope.items {
            let KeyName::Range(first, last) = key.name else { continue };
            if done.contains(&(first, last)) {
                continue;
            }
            let mut new = Map::new();
            new.insert("pool".into(), format!("{first} - {last}").into());
            patch_fields(&mut new, &Item::default(), item);
            self.restrictions(&mut new, &Owner::Range(first, last));
            self.options(&mut new, &Owner::Range(first, last));
            out.push(Json::Object(new));
        }
        if subnet.contains_key("pools") || !out.is_empty() {
            subnet.insert("pools".into(), out.into());
        }
    }

    fn reservations(&self, native: Vec<Json>) -> Vec<(ReservationKey, Json)> {
        let mut done = BTreeSet::new();
        let mut out = Vec::new();
        let read = reservation::list(&native).unwrap_or_default();
        for (json, (key, was)) in native.into_iter().zip(read) {
            let (Some(want), Json::Object(mut host)) = (self.scope.items.get(&ItemKey::reservation(key.clone())), json)
            else {
                continue;
            };
            reservation::patch(&mut host, &was, want);
            self.options(&mut host, &Owner::Reservation(key.clone()));
            done.insert(key.clone());
            out.push((key, Json::Object(host)));
        }
        for (item_key, item) in self.scope.items.iter().filter(|(key, _)| key.kind == Kind::Reservation) {
            let KeyName::Reservation(key) = &item_key.name else { continue };
            if done.contains(key) {
                continue;
            }
            let mut host = reservation::write(item);
            self.options(&mut host, &Owner::Reservation(key.clone()));
            out.push((key.clone(), Json::Object(host)));
        }
        out
    }
}

/// Files take a comment beside other keys; a running server would drop it without a word.
fn folds_comments(style: Style, around: &Surroundings) -> bool {
    style == Style::Create && around.how == How::Live
}

fn fold_comments(object: &mut Map<String, Json>) {
    if object.contains_key("comment") {
        let context = canonical::user_context(object);
        object.shift_remove("comment");
        object.extend(context.map(|context| ("user-context".to_owned(), context)));
    }
    for list in ["option-data", "pools"] {
        let elements = object.get_mut(list).and_then(Json::as_array_mut).into_iter().flatten();
        elements.filter_map(Json::as_object_mut).for_each(fold_comments);
    }
}

/// Changes the plain fields of a pool, option or reservation, leaving alone what is
/// already so.
pub(super) fn patch_fields(object: &mut Map<String, Json>, was: &Item, want: &Item) {
    for name in was.fields.keys().filter(|name| !want.fields.contains_key(*name)) {
        if name.raw() != "user-context" {
            object.shift_remove(name.raw());
        }
    }
    for (name, value) in &want.fields {
        let same = was.fields.get(name).is_some_and(|was| was.canonical == value.canonical);
        if !same && name.raw() != "user-context" {
            object.insert(name.raw().to_owned(), value.raw.clone());
        }
    }
    patch_context(object, want.fields.get("user-context"));
}

fn name_relationship(subnet: &mut Map<String, Json>, name: Option<String>) {
    let mut context = match subnet.get("user-context") {
        Some(Json::Object(context)) => context.clone(),
        _ => Map::new(),
    };
    match name {
        Some(name) => context.insert(canonical::RELATIONSHIP.to_owned(), name.into()),
        None => context.shift_remove(canonical::RELATIONSHIP),
    };
    if context.is_empty() {
        subnet.shift_remove("user-context");
    } else {
        subnet.insert("user-context".to_owned(), context.into());
    }
}

fn patch_context(object: &mut Map<String, Json>, want: Option<&Value>) {
    let was = canonical::user_context(object).map(|context| Canonical::from_json(&context));
    if was.as_ref() == want.map(|value| &value.canonical) {
        return;
    }
    object.shift_remove("comment");
    match want {
        Some(value) => {
            object.insert("user-context".into(), value.raw.clone());
        }
        None => {
            object.shift_remove("user-context");
        }
    }
}
