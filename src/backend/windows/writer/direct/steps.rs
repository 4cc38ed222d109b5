//! A scope's work becomes calls, in the order in which the service takes them.
//!
//! One call carries as much as its method can, and no change has more than one, but for two things
//! that the service knows no call for: see [`super::policies`] and [`super::reservations`].

use std::collections::{BTreeMap, BTreeSet};
use std::net::Ipv4Addr;

use serde_json::{Value as Json, json};

use super::call::Call;
use super::render::{self, DNS, POLICY, PROPERTIES, RESERVATION, Told, VALUE, wire};
use crate::backend::windows::cim::{ExclusionRange, Level, OptionValue, PolicyRange};
use crate::backend::windows::scope::DHCP4;
use crate::engine::port::{Doubts, Work};
use crate::engine::{Error, ErrorKind, Result, drift};
use crate::model::{
    Canonical, Change, ChangeKind, Field, Foreign, Item, ItemKey, KeyName, Kind, OptionKey, Owner, ReservationKey,
    Scope,
};

/// When a call is sent. What only the target has goes first, so that nothing collides with it. A
/// scope stops handing out addresses before anything of it changes, and begins to when all is there.
/// Old exclusions go right before the new ones come: a call in between that is refused would leave
/// addresses free that nobody may have.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Phase {
    Properties,
    RemovePolicyRange,
    RemovePolicy,
    RemoveOption,
    RemoveReservation,
    RemoveExclusion,
    Range,
    Exclusion,
    Reservation,
    Policy,
    PolicyRange,
    Option,
    Dns,
    /// Policies that are removed and added again, each with all that belongs to it.
    Recreation,
    /// Properties that set something going.
    Activation,
    /// Properties that a server may refuse: all else is done by then.
    Doubtful,
}

/// One call, and the changed items that it carries: none where it only makes up for what another takes
/// away.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Step {
    pub(super) items: BTreeSet<ItemKey>,
    pub(super) call: Call,
    /// A server may refuse it, as nobody knows whether it can be told so: the others go on.
    pub(super) may_be_refused: bool,
}

/// What is to be called for a scope.
#[derive(Debug)]
pub(super) struct Steps {
    /// In their order.
    pub(super) steps: Vec<Step>,
    /// Of what nobody can say beforehand whether it comes to be.
    pub(super) uncertain: Doubts,
    /// What is removed and added again, and absent in between; and what it has now that no call brings back.
    pub(super) anew: BTreeMap<ItemKey, Vec<String>>,
}

/// The calls that make the scope of some work what it shall be. Sends nothing, asks nobody.
///
/// # Errors
/// When a scope would have to be created or deleted, or a value does not fit.
pub(super) fn of(work: &Work) -> Result<Steps> {
    let (Some(before), Some(want)) = (&work.before, &work.want) else {
        let what = "a scope is neither created nor deleted outside its relationship";
        return Err(Error::new(ErrorKind::Safety, what));
    };
    let changes = drift::compare(want, before);
    let mut layout = Layout::new(work.id.network, before, want, &changes);
    layout.all(&changes)?;
    layout.placed.sort_by_key(|(phase, _)| *phase);
    let steps = layout.placed.into_iter().map(|(_, step)| step).collect();
    Ok(Steps { steps, uncertain: layout.uncertain, anew: layout.anew })
}

/// Calls that are being laid out.
pub(super) struct Layout<'a> {
    pub(super) scope: Ipv4Addr,
    pub(super) before: &'a Scope,
    pub(super) want: &'a Scope,
    /// Items that change, each by itself.
    changed: BTreeSet<ItemKey>,
    placed: Vec<(Phase, Step)>,
    pub(super) uncertain: Doubts,
    /// What is removed and added again, with all that belongs to it; and what of it no call brings back.
    pub(super) anew: BTreeMap<ItemKey, Vec<String>>,
    /// All that is placed goes there, in the order in which it comes.
    pub(super) together: Option<Phase>,
}

impl<'a> Layout<'a> {
    fn new(scope: Ipv4Addr, before: &'a Scope, want: &'a Scope, changes: &[Change]) -> Self {
        let of_owner = |change: &Change| match change.change {
            ChangeKind::Create => drift::owned_by(want, &change.key),
            ChangeKind::Delete => drift::owned_by(before, &change.key),
            ChangeKind::Update => Vec::new(),
        };
        let changed = changes.iter().flat_map(|change| [vec![change.key.clone()], of_owner(change)].concat()).collect();
        let (placed, uncertain, anew) = (Vec::new(), Doubts::default(), BTreeMap::new());
        Layout { scope, before, want, changed, placed, uncertain, anew, together: None }
    }

    fn all(&mut self, changes: &[Change]) -> Result<()> {
        let of = |kind: Kind| -> Vec<&Change> {
            changes.iter().filter(|change| change.key.owner == Owner::Scope && change.key.kind == kind).collect()
        };
        self.properties(&of(Kind::Property))?;
        self.range(&of(Kind::Range))?;
        self.dns(&of(Kind::DnsSetting))?;
        self.policies(&of(Kind::Policy))?;
        self.reservations(&of(Kind::Reservation))?;
        let is_part = |key: &ItemKey| match key.kind {
            Kind::Exclusion | Kind::Option => true,
            Kind::Range | Kind::DnsSetting => key.owner != Owner::Scope,
            Kind::Property | Kind::Reservation | Kind::Policy => false,
        };
        let (before, want) = (self.before, self.want);
        let sides = |key: &ItemKey| [before, want].into_iter().flat_map(|scope| drift::owned_by(scope, key)).collect();
        let whole: BTreeSet<ItemKey> = self.anew.keys().flat_map(|key| -> Vec<ItemKey> { sides(key) }).collect();
        for key in self.changed.clone().iter().filter(|key| is_part(key) && !whole.contains(key)) {
            // what belongs to something that is removed goes with it
            if want.items.contains_key(key) || !self.goes_with_its_owner(key) {
                self.part(key, before.items.get(key), want.items.get(key))?;
            }
        }
        Ok(())
    }

    /// What belongs to something that has just been added again, and what of both no call brings back.
    pub(super) fn again(&mut self, owner: &ItemKey, phase: Phase) -> Result<()> {
        self.together = Some(phase);
        let mut lost = self.unsayable(owner);
        for key in drift::owned_by(self.want, owner) {
            let calls = self.placed.len();
            self.part(&key, None, self.want.items.get(&key))?;
            match self.placed.len() > calls {
                true => lost.extend(self.unsayable(&key)),
                false => lost.extend(self.before.items.contains_key(&key).then(|| key.to_string())),
            }
        }
        self.together = None;
        self.anew.insert(owner.clone(), lost);
        Ok(())
    }

    /// What an item has and shall keep that its class is not documented to have.
    fn unsayable(&self, key: &ItemKey) -> Vec<String> {
        let names = match key.kind {
            Kind::Policy => POLICY,
            Kind::Reservation => RESERVATION,
            Kind::Option | Kind::DnsSetting => VALUE,
            Kind::Property | Kind::Range | Kind::Exclusion => &[],
        };
        let fields = |scope: &'a Scope| scope.items.get(key).into_iter().flat_map(|item| item.fields.keys());
        let kept = fields(self.want).filter(|field| fields(self.before).any(|before| before == *field));
        kept.filter(|field| wire(names, field).is_none()).map(|field| format!("{field} of {key}")).collect()
    }

    fn goes_with_its_owner(&self, key: &ItemKey) -> bool {
        let owner = match &key.owner {
            Owner::Reservation(reservation) => ItemKey::reservation(reservation.clone()),
            Owner::Policy(name) => policy_key(name.clone()),
            Owner::Scope | Owner::Range(..) => return false,
        };
        self.before.items.contains_key(&owner) && !self.want.items.contains_key(&owner)
    }

    /// What a removal takes away for good: something, and what belongs to it.
    pub(super) fn gone_with(&self, key: &ItemKey) -> Vec<ItemKey> {
        let own = std::iter::once(key.clone()).chain(drift::owned_by(self.before, key));
        own.filter(|key| !self.want.items.contains_key(key)).collect()
    }

    /// Adds a call that carries these items.
    pub(super) fn place(&mut self, phase: Phase, keys: impl IntoIterator<Item = ItemKey>, call: Call) {
        let items = keys.into_iter().filter(|key| self.changed.contains(key)).collect();
        let step = Step { items, call, may_be_refused: phase == Phase::Doubtful };
        self.placed.push((self.together.unwrap_or(phase), step));
    }

    /// All properties go in one call, but for those that may be refused: of network access protection,
    /// which is gone from Windows, and texts that are to be empty.
    fn properties(&mut self, changes: &[&Change]) -> Result<()> {
        const PLAIN: usize = 0;
        const ACCESS_PROTECTION: usize = 1;
        const EMPTIED: usize = 2;
        let mut told: [(Told, Vec<ItemKey>); 3] = Default::default();
        for change in changes {
            let KeyName::Name(name) = &change.key.name else { continue };
            let value = self.want.items.get(&change.key).and_then(Item::value);
            let left = self.before.items.get(&change.key).and_then(Item::value).and_then(|value| value.raw.as_str());
            if let ("superscope-name", None, Some(left)) = (name.raw(), value, left) {
                let call = Call::LeaveSuperscope(left.into(), self.scope);
                self.place(Phase::Properties, [change.key.clone()], call);
                continue;
            }
            let mut one = Told::default();
            one.say(PROPERTIES, name, value);
            let at = match one.doubtful.is_empty() {
                _ if name.raw().starts_with("nap-") => ACCESS_PROTECTION,
                false => EMPTIED,
                true => PLAIN,
            };
            if at != PLAIN {
                self.uncertain.add(change.key.clone());
            }
            if !one.words.is_empty() {
                told[at].0.words.append(&mut one.words);
                told[at].1.push(change.key.clone());
            }
        }
        for (at, (told, items)) in told.into_iter().enumerate().filter(|(_, (told, _))| !told.words.is_empty()) {
            let phase = match at {
                PLAIN if self.sets_going(&items) => Phase::Activation,
                PLAIN => Phase::Properties,
                _ => Phase::Doubtful,
            };
            let scope = render::instance(told.words, self.as_it_is())?;
            self.place(phase, items, Call::SetScope(Box::new(scope)));
        }
        Ok(())
    }

    /// What an instance of the scope has to say whatever is told by it, as the target says it.
    fn as_it_is(&self) -> Json {
        let told = &self.before.native["Scope"];
        let [mask, first, last] = ["SubnetMask", "StartRange", "EndRange"].map(|name| &told[name]);
        json!({"ScopeId": self.scope, "SubnetMask": mask, "StartRange": first, "EndRange": last})
    }

    /// Whether it lets the scope hand out addresses, or its policies be followed, and stops nothing.
    fn sets_going(&self, items: &[ItemKey]) -> bool {
        let becomes = |name: &str, wanted: Canonical| {
            let key = ItemKey::property(name);
            let value = self.want.items.get(&key).and_then(Item::value);
            items.contains(&key) && value.is_some_and(|value| value.canonical == wanted)
        };
        let is_stopped = becomes("state", Canonical::text("Inactive"));
        becomes("state", Canonical::text("Active"))
            || becomes("activate-policies", Canonical::Bool(true)) && !is_stopped
    }

    /// A scope has one range: the old one becomes the new one.
    fn range(&mut self, changes: &[&Change]) -> Result<()> {
        let is_range = |key: &&ItemKey| key.owner == Owner::Scope && key.kind == Kind::Range;
        let wanted: Vec<&ItemKey> = self.want.items.keys().filter(is_range).collect();
        let keys = changes.iter().map(|change| change.key.clone());
        match wanted.as_slice() {
            [ItemKey { name: KeyName::Range(first, last), .. }] if !changes.is_empty() => {
                let mut words = self.as_it_is();
                (words["StartRange"], words["EndRange"]) = (json!(first), json!(last));
                let scope = render::instance(serde_json::Map::new(), words)?;
                self.place(Phase::Range, keys, Call::SetRange(Box::new(scope)));
            }
            // half of a change was left out
            _ => keys.for_each(|key| self.uncertain.add(key)),
        }
        Ok(())
    }

    /// The scope's own DNS setting: one call sets it, or takes it away so that the server's holds again,
    /// for which there is no method but that of the option in which servers keep it.
    fn dns(&mut self, changes: &[&Change]) -> Result<()> {
        let level = Level::Scope(self.scope);
        let mut told = Told::default();
        let mut inherits = false;
        for change in changes {
            let KeyName::Name(name) = &change.key.name else { continue };
            let value = self.want.items.get(&change.key).and_then(Item::value);
            inherits |= value.is_some_and(|value| value.is_inherited());
            let mut one = Told::default();
            one.say(DNS, name, value);
            if !one.doubtful.is_empty() {
                self.uncertain.add(change.key.clone());
            }
            told.words.append(&mut one.words);
        }
        // what is not told might fall back to a default
        let tells =
            |name: &Field| wire(DNS, name).is_some_and(|name| !self.before.native["DnsSetting"][name].is_null());
        for (key, item) in &self.want.items {
            if let (Owner::Scope, Kind::DnsSetting, KeyName::Name(name)) = (&key.owner, key.kind, &key.name)
                && !self.changed.contains(key)
                && tells(name)
                && !told.words.is_empty()
            {
                told.say(DNS, name, item.value());
            }
        }
        let keys = changes.iter().map(|change| change.key.clone());
        if inherits && self.follows_the_server() {
            keys.clone().for_each(|key| self.uncertain.add(key));
            self.place(Phase::Dns, keys, Call::RemoveOption(level, dns_option()?));
        } else if !told.words.is_empty() {
            let setting = render::instance(told.words, json!({}))?;
            self.place(Phase::Dns, keys, Call::SetDns(level, setting));
        }
        Ok(())
    }

    /// Whether the scope's DNS setting shall be that of the server in all.
    fn follows_the_server(&self) -> bool {
        let parents = &self.want.parents;
        let own = self.want.items.iter().filter(|(key, _)| key.owner == Owner::Scope && key.kind == Kind::DnsSetting);
        own.filter_map(|(key, item)| Some((key, item.value()?)))
            .all(|(key, value)| parents.get(key).is_some_and(|parent| parent.canonical == value.canonical))
    }

    /// Something that belongs to the scope, to a policy or to a reservation.
    pub(super) fn part(&mut self, key: &ItemKey, was: Option<&Item>, wanted: Option<&Item>) -> Result<()> {
        match (key.kind, &key.name) {
            (Kind::Exclusion, KeyName::Range(first, last)) => {
                let words = json!({"ScopeId": self.scope, "StartRange": first, "EndRange": last});
                let range: ExclusionRange = render::instance(serde_json::Map::new(), words)?;
                let calls = (Call::AddExclusion(range.clone()), Call::RemoveExclusion(range));
                self.bare(key, was, wanted, (Phase::Exclusion, Phase::RemoveExclusion), calls);
            }
            (Kind::Range, KeyName::Range(first, last)) => {
                let Owner::Policy(name) = &key.owner else { return Ok(()) };
                let words = json!({"Name": name, "ScopeId": self.scope, "StartRange": first, "EndRange": last});
                let range: PolicyRange = render::instance(serde_json::Map::new(), words)?;
                let calls = (Call::AddPolicyRange(range.clone()), Call::RemovePolicyRange(range));
                self.bare(key, was, wanted, (Phase::PolicyRange, Phase::RemovePolicyRange), calls);
            }
            (Kind::DnsSetting, _) => self.dns_of(key, was, wanted)?,
            (Kind::Option, KeyName::Option(option)) => self.option(key, option, was, wanted)?,
            _ => self.uncertain.add(key.clone()),
        }
        Ok(())
    }

    /// What is all in its key is there or not.
    fn bare(
        &mut self,
        key: &ItemKey,
        was: Option<&Item>,
        wanted: Option<&Item>,
        (come, go): (Phase, Phase),
        (add, remove): (Call, Call),
    ) {
        match (was, wanted) {
            (Some(_), None) => self.place(go, [key.clone()], remove),
            (was, Some(wanted)) => {
                self.uncertain.add_fields(key.clone(), Told::differing(&[], was, wanted).doubtful);
                if was.is_none() {
                    self.place(come, [key.clone()], add);
                }
            }
            (None, None) => {}
        }
    }

    fn option(&mut self, key: &ItemKey, option: &OptionKey, was: Option<&Item>, wanted: Option<&Item>) -> Result<()> {
        let level = self.level(&key.owner).filter(|_| option.nth == 0 && !self.repeats_a_lease(key, option));
        let Some(level) = level else {
            self.uncertain.add(key.clone());
            return Ok(());
        };
        let space = Some(&option.space).filter(|space| space.raw() != DHCP4);
        let of = |values: &Json| -> Result<OptionValue> {
            let words = json!({"OptionId": option.code, "VendorClass": space, "UserClass": option.tags.first(), "Value": values});
            render::instance(serde_json::Map::new(), words)
        };
        let Some(wanted) = wanted else {
            self.place(Phase::RemoveOption, [key.clone()], Call::RemoveOption(level, of(&json!([]))?));
            return Ok(());
        };
        let told = Told::differing(VALUE, was, wanted);
        match was.is_none() && told.doubtful.iter().any(|field| field.raw() == "value") {
            // a value of nothing may be as good as no option
            true => self.uncertain.add(key.clone()),
            false => self.uncertain.add_fields(key.clone(), told.doubtful),
        }
        if let Some(values) = told.words.get("Value") {
            self.place(Phase::Option, [key.clone()], Call::SetOption(level, of(values)?));
            // the first value of a user class makes servers create a policy of the class's name
            let policies = option.tags.iter().map(|class| policy_key(class.clone()));
            policies.filter(|key| !self.want.items.contains_key(key)).for_each(|key| self.uncertain.add(key));
        }
        Ok(())
    }

    /// The lease duration of a scope or policy says the same as its option 51, and is what is set.
    fn repeats_a_lease(&self, key: &ItemKey, option: &OptionKey) -> bool {
        let is_lease = option.code == 51 && option.space.raw() == DHCP4 && option.tags.is_empty();
        let duration: Field = "lease-duration".into();
        let sides = [self.before, self.want];
        is_lease
            && match &key.owner {
                Owner::Scope => {
                    sides.iter().any(|scope| scope.items.contains_key(&ItemKey::property(duration.clone())))
                }
                Owner::Policy(name) => {
                    let policy = policy_key(name.clone());
                    sides.iter().any(|scope| {
                        scope.items.get(&policy).is_some_and(|policy| policy.fields.contains_key(&duration))
                    })
                }
                Owner::Range(..) | Owner::Reservation(_) => false,
            }
    }

    /// A DNS setting that a policy or a reservation has of its own: known by its option alone.
    fn dns_of(&mut self, key: &ItemKey, was: Option<&Item>, wanted: Option<&Item>) -> Result<()> {
        self.uncertain.add(key.clone());
        let Some(level) = self.level(&key.owner) else { return Ok(()) };
        match (was, wanted) {
            (_, Some(wanted)) => {
                let pointers = wire(DNS, &"disable-dns-ptr-rr-update".into());
                let knows_pointers =
                    pointers.is_some_and(|name| self.before.native["DnsSetting"][name].as_bool().is_some());
                if let Some(words) = render::dns_of_bits(wanted, knows_pointers) {
                    self.place(Phase::Dns, [key.clone()], Call::SetDns(level, render::instance(words, json!({}))?));
                }
            }
            (Some(_), None) => {
                self.place(Phase::RemoveOption, [key.clone()], Call::RemoveOption(level, dns_option()?));
            }
            (None, None) => {}
        }
        Ok(())
    }

    fn level(&self, owner: &Owner) -> Option<Level> {
        match owner {
            Owner::Scope => Some(Level::Scope(self.scope)),
            Owner::Policy(name) => Some(Level::Policy { scope: Some(self.scope), name: name.clone() }),
            Owner::Reservation(ReservationKey::Address(address)) => Some(Level::Reservation(*address)),
            Owner::Range(..) | Owner::Reservation(_) => None,
        }
    }
}

/// The key of a policy of the scope.
pub(super) fn policy_key(name: Foreign) -> ItemKey {
    ItemKey { owner: Owner::Scope, kind: Kind::Policy, name: KeyName::Name(name) }
}

/// The option in which servers keep the DNS setting that a level has of its own.
fn dns_option() -> Result<OptionValue> {
    render::instance(serde_json::Map::new(), json!({"OptionId": 81, "Value": []}))
}
