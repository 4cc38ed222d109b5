//! A family of servers in memory: every call recorded, every fault scripted.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::atomic::{AtomicUsize, Ordering::SeqCst};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use async_trait::async_trait;
use scopesync::engine::approval::Approved;
use scopesync::engine::fleet::Fleet;
use scopesync::engine::port::*;
use scopesync::engine::{Error, ErrorKind, Result};
use scopesync::model::*;
use serde_json::json;

/// What a fake target does with the write of a scope.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Script {
    /// Writes what it is given.
    Obey,
    /// Says no and changes nothing.
    Refuse,
    /// Says no after it may have begun, and has changed nothing.
    Waver,
    /// Writes the first change only, then says no.
    Half,
    /// Writes, and the answer is lost.
    LoseAnswer,
    /// Writes nothing, and the connection breaks.
    LoseRequest,
    /// Writes nothing in time.
    Delay,
    /// Says yes and writes nothing.
    Lie,
    /// Writes, then never answers again.
    Vanish,
    /// Loses the scope and says that it was refused.
    Lose,
    /// Writes, and does not show all of the scope from then on.
    Blur,
    /// Writes, while the operator cancels.
    CancelSoftly,
    /// Writes, while the operator cancels twice.
    Cancel,
}

/// What a fake server does when it is reset.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum OnReset {
    /// Comes back in a few steps.
    #[default]
    Obey,
    /// Says no and stays as it is.
    Refuse,
    /// Comes back, and the answer is lost.
    LoseAnswer,
    /// Stays as it is, and the answer is lost.
    LoseRequest,
    /// Is asked, and never answers again.
    Vanish,
}

/// What a fake server holds.
#[derive(Debug, Default)]
pub struct Inner {
    /// States that follow, one each time that it is asked how it stands.
    pub next_states: Vec<&'static str>,
    pub on_reset: OnReset,
    /// What it last heard of its partner.
    pub partner_state: Option<&'static str>,
    /// The identity that it tells, where that is not its name.
    pub identity: Option<&'static str>,
    pub scopes: BTreeMap<ScopeId, Scope>,
    /// Scopes that cannot be listed, with the reason.
    pub unreadable: Vec<(Option<ScopeId>, Foreign)>,
    pub calls: Vec<String>,
    pub scripts: BTreeMap<ScopeId, Script>,
    pub gone: bool,
    pub pulse: u64,
    /// It has no mark of its configuration.
    pub is_unmarked: bool,
    pub save_fails: bool,
    /// Scopes of relationships with other partners, on a server with several.
    pub spokes: BTreeMap<ScopeId, &'static str>,
    /// Its writes interrupt its service.
    pub interrupts: bool,
    /// It goes on with what it was asked although the connection breaks.
    pub outlives_connection: bool,
    /// It no longer says how it stands.
    pub deaf: bool,
    /// It never answers how it stands.
    pub is_mute: bool,
    /// Its own state, where that is not normal.
    pub state: Option<&'static str>,
    /// Its clock less this machine's, in seconds.
    pub clock: Option<i64>,
    pub refusals: BTreeMap<ScopeId, Vec<Refusal>>,
    /// The name that its relationship has on both servers, as on Windows; its states are Windows'
    /// then, too.
    pub title: Option<&'static str>,
    /// It knows nothing of its relationship any more.
    pub is_single: bool,
    /// Scopes that are not in its relationship.
    pub belongs: BTreeMap<ScopeId, Belonging>,
    /// What surrounds its scopes.
    pub context: Context,
    /// Scopes that are not read as a whole.
    pub lacking: BTreeMap<ScopeId, Complete>,
    /// What is not whole yet in each part that is handed out before all is read.
    pub parts: Vec<BTreeMap<ScopeId, Complete>>,
    /// Scopes that were stored: their native form is their place here.
    pub kept: Vec<Scope>,
    /// Items that it says it may not carry, and does not.
    pub uncertain: BTreeSet<ItemKey>,
    /// Items that come to differ with each write.
    pub side_effects: BTreeSet<ItemKey>,
    /// It does not come to an end when it is read again the next time.
    pub is_slow: bool,
    /// It takes a second to read this scope again, and then this happens; once.
    pub lingers: Option<(ScopeId, Meanwhile)>,
    /// How it says that it writes these scopes.
    pub otherwise: BTreeMap<ScopeId, Way>,
    /// How it says that it writes.
    pub way: Option<Way>,
    /// What it says of writing.
    pub findings: Vec<Finding>,
    /// It copies whole scopes only.
    pub whole: bool,
}

impl Inner {
    fn complete(&self, id: ScopeId) -> Complete {
        self.lacking.get(&id).cloned().unwrap_or(Complete::Whole)
    }
}

/// Scopes of a fake server inherit nothing, and come back as they were kept.
#[derive(Debug)]
struct FakeLevels(Arc<Mutex<Inner>>);

impl Levels for FakeLevels {
    fn parents(&self, _network: Option<&Foreign>) -> Arc<BTreeMap<ItemKey, Value>> {
        Arc::default()
    }

    fn revive(&self, _network: Option<&Foreign>, native: &serde_json::Value) -> std::result::Result<Scope, Foreign> {
        let at = native.as_u64().and_then(|at| usize::try_from(at).ok());
        at.and_then(|at| self.0.lock().unwrap().kept.get(at).cloned()).ok_or_else(|| "nothing was kept".into())
    }
}

/// One fake server.
#[derive(Clone, Debug)]
pub struct FakeServer {
    pub name: ServerName,
    pub partner: &'static str,
    /// Its partners in further relationships.
    pub more: Vec<&'static str>,
    pub primary: bool,
    pub read_only: bool,
    pub caveat: Option<&'static str>,
    /// What PowerShell calls it.
    pub computer: Option<&'static str>,
    pub batch: Batch,
    pub inner: Arc<Mutex<Inner>>,
}

#[derive(Debug)]
struct FakeRaw(Scope, String, Complete);

impl RawScope for FakeRaw {
    fn text(&self) -> std::borrow::Cow<'_, [u8]> {
        self.1.as_bytes().into()
    }
    fn placement(&self) -> Option<&Foreign> {
        None
    }
    fn complete(&self) -> Complete {
        self.2.clone()
    }
    fn may_need(&self, _need: &Need) -> bool {
        true
    }
    fn may_hide(&self) -> bool {
        !self.0.unreadable.is_empty()
    }
    fn open(&self) -> std::result::Result<Scope, Foreign> {
        Ok(self.0.clone())
    }
}

/// A scope with these properties.
pub fn scope(id: &str, properties: &[(&str, serde_json::Value)]) -> Scope {
    let items =
        properties.iter().map(|(name, value)| (ItemKey::property(*name), Item::single(Value::own(value.clone()))));
    Scope {
        id: id.parse().unwrap(),
        name: None,
        native: Arc::new(json!({})),
        items: items.collect(),
        parents: Arc::default(),
        needs: BTreeSet::new(),
        unreadable: BTreeSet::new(),
        complete: Complete::Whole,
    }
}

/// Adds a reservation.
pub fn reserve(scope: &mut Scope, address: &str, client: &str) {
    let key = ItemKey::reservation(ReservationKey::Address(address.parse().unwrap()));
    let fields = [("hw-address", client), ("ip-address", address)];
    let fields = fields.into_iter().map(|(name, value)| (Field::from(name), Value::own(json!(value))));
    scope.items.insert(key, Item { fields: fields.collect(), rank: None, label: None });
}

/// A pair of servers, `one` the primary, in load-balancing.
pub fn pair(one: Vec<Scope>, two: Vec<Scope>) -> (FakeServer, FakeServer) {
    let server = |name: &'static str, partner, primary, scopes: Vec<Scope>| FakeServer {
        name: name.into(),
        partner,
        more: Vec::new(),
        primary,
        read_only: false,
        caveat: None,
        computer: None,
        batch: Batch::One,
        inner: Arc::new(Mutex::new(Inner {
            scopes: scopes.into_iter().map(|scope| (scope.id, scope)).collect(),
            ..Inner::default()
        })),
    };
    (server("one", "two", true, one), server("two", "one", false, two))
}

/// Both servers as a fleet.
pub fn fleet(servers: &(FakeServer, FakeServer)) -> Fleet {
    Fleet::new(vec![Arc::new(servers.0.clone()), Arc::new(servers.1.clone())])
}

impl FakeServer {
    pub fn inner(&self) -> std::sync::MutexGuard<'_, Inner> {
        self.inner.lock().unwrap()
    }

    /// Changes a scope behind the program's back.
    pub fn meddle(&self, id: &str, change: impl FnOnce(&mut Scope)) {
        let mut inner = self.inner();
        change(inner.scopes.get_mut(&id.parse().unwrap()).unwrap());
        inner.pulse += 1;
    }

    pub fn script(&self, id: &str, script: Script) {
        self.inner().scripts.insert(id.parse().unwrap(), script);
    }

    /// Stores a scope, and returns the native form in which it is found again.
    pub fn keep(&self, scope: &Scope) -> serde_json::Value {
        let kept = &mut self.inner().kept;
        kept.push(scope.clone());
        json!(kept.len() - 1)
    }

    /// The calls that change something.
    pub fn writes(&self) -> Vec<String> {
        self.inner().calls.iter().filter(|call| !call.starts_with("read")).cloned().collect()
    }

    fn call(&self, call: String) -> Result<()> {
        let mut inner = self.inner();
        inner.calls.push(call);
        match inner.gone {
            true => Err(Error::new(ErrorKind::Unreachable, "no answer").on(&self.name)),
            false => Ok(()),
        }
    }

    fn memberships(&self) -> Vec<Membership> {
        if self.inner().is_single {
            return Vec::new();
        }
        std::iter::once(self.partner).chain(self.more.iter().copied()).map(|partner| self.membership(partner)).collect()
    }

    fn membership(&self, partner: &'static str) -> Membership {
        let (first, second) = if self.primary { (self.name.as_str(), partner) } else { (partner, self.name.as_str()) };
        let peer = |name: &str, role| Peer {
            name: name.into(),
            url: format!("http://{name}/").into(),
            aliases: Vec::new(),
            role,
        };
        let title = self.inner().title;
        let state = self.inner().state.unwrap_or(if title.is_some() { "Normal" } else { "load-balancing" });
        let partner_state = self.inner().partner_state;
        Membership {
            name: title.map(Foreign::from),
            mode: Mode::LoadBalancing,
            this_server: self.name.as_str().into(),
            peers: vec![peer(first, Role::Primary), peer(second, Role::Secondary)],
            state: Some(State(state.into())),
            partner_state: partner_state.map(|state| State(state.into())),
            clock_skew: None,
            contact: None,
            timing: Timing {
                heartbeat: Duration::from_millis(20),
                sync_limit: Duration::from_millis(300),
                response_limit: Duration::from_millis(300),
                rejected_limit: Some(10),
            },
        }
    }

    fn health_now(&self) -> Health {
        let clock = self.inner().clock.map(jiff::SignedDuration::from_secs);
        Health { memberships: self.memberships(), clock, ..Health::default() }
    }
}

#[async_trait]
impl Server for FakeServer {
    fn name(&self) -> &ServerName {
        &self.name
    }
    fn place(&self) -> String {
        format!("memory of {}", self.name)
    }
    fn addresses(&self) -> Vec<String> {
        vec![format!("{}.example.org", self.name)]
    }
    fn read_only(&self) -> bool {
        self.read_only
    }
    fn computer_name(&self) -> Option<String> {
        self.computer.map(str::to_owned)
    }
    fn caveat(&self) -> Option<&'static str> {
        self.caveat
    }

    async fn read(&self, _ctl: &Control) -> Result<Reading> {
        self.call("read".into())?;
        let health = self.health_now();
        let key = self.membership(self.partner).key();
        let others = self.more.iter().map(|partner| (*partner, self.membership(partner).key()));
        let keys: BTreeMap<&str, Foreign> = std::iter::once((self.partner, key.clone())).chain(others).collect();
        let inner = self.inner();
        let entry = |scope: &Scope| Entry {
            id: scope.id,
            server_id: scope.server_id(),
            name: scope.name.clone(),
            belongs: inner.belongs.get(&scope.id).cloned().unwrap_or_else(|| {
                Belonging::To(inner.spokes.get(&scope.id).map_or(&key, |partner| &keys[partner]).clone())
            }),
            raw: Arc::new(FakeRaw(scope.clone(), format!("{:?}", scope.items), inner.complete(scope.id))),
        };
        Ok(Reading {
            identity: Some(inner.identity.unwrap_or(self.name.as_str()).into()),
            version: Some("fake".into()),
            health,
            context: Arc::new(inner.context.clone()),
            levels: Arc::new(FakeLevels(self.inner.clone())),
            scopes: Arc::new(inner.scopes.values().map(|scope| (scope.id, entry(scope))).collect()),
            unreadable: inner.unreadable.clone(),
            pulse: (!inner.is_unmarked).then(|| Pulse(inner.pulse.to_string().into())),
            at: jiff::Timestamp::now(),
        })
    }

    async fn read_in_parts(
        &self,
        _attention: &Attention,
        part: &(dyn Fn(Reading) + Send + Sync),
        ctl: &Control,
    ) -> Result<Reading> {
        let parts = self.inner().parts.clone();
        let lacking = self.inner().lacking.clone();
        for lacking in parts {
            self.inner().lacking = lacking;
            part(self.read(ctl).await?);
        }
        self.inner().lacking = lacking;
        self.read(ctl).await
    }

    async fn health(&self, _ctl: &Control) -> Result<Health> {
        self.call("read health".into())?;
        if self.inner().is_mute {
            std::future::pending::<()>().await;
        }
        if self.inner().deaf {
            return Err(Error::new(ErrorKind::TimedOut, "no answer").on(&self.name));
        }
        {
            let mut inner = self.inner();
            if !inner.next_states.is_empty() {
                inner.state = Some(inner.next_states.remove(0));
            }
        }
        Ok(self.health_now())
    }

    async fn reread(&self, ids: &[ScopeId], ctl: &Control) -> Result<BTreeMap<ScopeId, Option<Scope>>> {
        self.call(format!("reread {}", ids.len()))?;
        if ctl.hard.is_cancelled() {
            return Err(Error::new(ErrorKind::Cancelled, "cancelled").on(&self.name));
        }
        if std::mem::take(&mut self.inner().is_slow) {
            std::future::pending::<()>().await;
        }
        let lingers = self.inner().lingers.take_if(|(id, _)| ids.contains(id));
        if let Some((_, happens)) = lingers {
            tokio::time::sleep(std::time::Duration::from_secs(1)).await;
            happens(&mut self.inner());
        }
        let inner = self.inner();
        let read = |id: &ScopeId| Some(Scope { complete: inner.complete(*id), ..inner.scopes.get(id)?.clone() });
        Ok(ids.iter().map(|id| (*id, read(id))).collect())
    }

    async fn pulse(&self, _ctl: &Control) -> Result<Option<Pulse>> {
        self.call("read pulse".into())?;
        Ok(Some(Pulse(self.inner().pulse.to_string().into())))
    }

    async fn utilisation(&self, _ctl: &Control) -> Result<Option<BTreeMap<ScopeId, Utilisation>>> {
        Ok(None)
    }

    async fn writer(&self, _ctl: &Control) -> Result<Arc<dyn Writer>> {
        Ok(Arc::new(self.clone()))
    }

    async fn can_reset(&self, _ctl: &Control) -> Result<()> {
        Ok(())
    }

    async fn reset(&self, this_server: &Foreign, _ok: &Approved) -> Result<()> {
        self.call(format!("reset {this_server}"))?;
        let mut inner = self.inner();
        let lost = Error::new(ErrorKind::TimedOut, "no answer").on(&self.name).in_doubt();
        if matches!(inner.on_reset, OnReset::Obey | OnReset::LoseAnswer) {
            inner.state = Some("waiting");
            inner.next_states = vec!["waiting", "syncing", "ready", "load-balancing"];
        }
        match inner.on_reset {
            OnReset::Obey => Ok(()),
            OnReset::Refuse => Err(Error::new(ErrorKind::Refused, "no").on(&self.name)),
            OnReset::LoseAnswer | OnReset::LoseRequest => Err(lost),
            OnReset::Vanish => {
                inner.gone = true;
                Err(lost)
            }
        }
    }
}

#[async_trait]
impl Writer for FakeServer {
    fn abilities(&self) -> Abilities {
        let inner = self.inner();
        Abilities {
            name: "fake",
            grain: if inner.whole { Grain::Scope } else { Grain::Item },
            batch: self.batch,
            creates_scope: true,
            deletes_scope: true,
            interrupts_service: inner.interrupts,
            outlives_connection: inner.outlives_connection,
            brings_back: "replicate again, or add it by hand".to_owned(),
        }
    }

    async fn assess(&self, work: &[Arc<Work>], _ctl: &Control) -> Result<Assessment> {
        self.call("read assess".into())?;
        let Inner { refusals, way, otherwise, findings, uncertain, side_effects, .. } = &*self.inner();
        let of = |work: &Work| {
            let changed = work.changes.iter().map(|change| &change.key).filter(|key| uncertain.contains(key));
            changed.chain(side_effects).cloned().collect()
        };
        Ok(Assessment {
            cost_to_service: "none".into(),
            cost_to_configuration: "none".into(),
            refusals: refusals.clone(),
            way: way.clone(),
            otherwise: otherwise.clone(),
            findings: findings.clone(),
            uncertain: work.iter().map(|work| (work.id, of(work))).collect(),
            ..Assessment::default()
        })
    }

    async fn prepare(&self, _ok: &Approved, _ctl: &Control) -> Result<()> {
        self.call("prepare".into())
    }

    async fn write(&self, work: &[Arc<Work>], _ok: &Approved, gate: &dyn Gate, ctl: &Control) -> Vec<Done> {
        if self.inner().interrupts
            && let Err(error) = gate.ask(ctl).await
        {
            return work.iter().map(|_| Done::Rejected(error.clone())).collect();
        }
        if work.len() > 1 {
            drop(self.call(format!("write {} at once", work.len())));
        }
        let done = work.iter().map(|work| self.write_one(work)).collect();
        for script in work.iter().filter_map(|work| self.inner().scripts.get(&work.id).cloned()) {
            if matches!(script, Script::CancelSoftly | Script::Cancel) {
                ctl.soft.cancel();
            }
            if script == Script::Cancel {
                ctl.hard.cancel();
            }
        }
        done
    }

    async fn settle(&self, _ctl: &Control) -> Result<()> {
        Ok(())
    }

    async fn save(&self, _ctl: &Control) -> Saved {
        match self.call("save".into()) {
            Ok(()) if !self.inner().save_fails => Saved::Saved,
            Ok(()) => Saved::NotSaved(Error::new(ErrorKind::Refused, "cannot open the file").hint("mend it")),
            Err(error) => Saved::NotSaved(error),
        }
    }
}

impl FakeServer {
    fn write_one(&self, work: &Work) -> Done {
        if let Err(error) = self.call(format!("write {}", work.id)) {
            return Done::Rejected(error);
        }
        let mut inner = self.inner();
        inner.pulse += 1;
        let lost = Error::new(ErrorKind::TimedOut, "no answer").on(&self.name).in_doubt();
        let refused = Error::new(ErrorKind::Refused, "no").on(&self.name).scope(work.id);
        let script = inner.scripts.get(&work.id).cloned().unwrap_or(Script::Obey);
        if !matches!(
            script,
            Script::Refuse | Script::Waver | Script::LoseRequest | Script::Delay | Script::Lie | Script::Half
        ) {
            match &work.want {
                Some(want) => {
                    let mut want = want.clone();
                    for key in &inner.uncertain {
                        let old = work.before.as_ref().and_then(|before| before.items.get(key));
                        drop(old.and_then(|old| want.items.insert(key.clone(), old.clone())));
                    }
                    let made = |key: &ItemKey| (key.clone(), Item::single(Value::own(json!("made"))));
                    want.items.extend(inner.side_effects.iter().map(made));
                    drop(inner.scopes.insert(work.id, want));
                }
                None => drop(inner.scopes.remove(&work.id)),
            }
        }
        if script == Script::Lose {
            inner.scopes.remove(&work.id);
        }
        match script {
            Script::Obey | Script::Lie | Script::Cancel | Script::CancelSoftly => Done::Applied,
            Script::Blur => {
                inner.lacking.insert(work.id, Complete::Failed("its options: access denied".into()));
                Done::Applied
            }
            Script::Refuse | Script::Lose => Done::Rejected(refused),
            Script::Waver => Done::Partial { done: BTreeSet::new(), cause: refused },
            Script::LoseAnswer | Script::Delay => Done::Unknown(lost),
            Script::LoseRequest => Done::Unknown(Error { kind: ErrorKind::Unreachable, ..lost }),
            Script::Vanish => {
                inner.gone = true;
                Done::Unknown(lost)
            }
            Script::Half => {
                let first = &work.changes[0];
                let scope = inner.scopes.get_mut(&work.id).unwrap();
                match work.want.as_ref().unwrap().items.get(&first.key) {
                    Some(item) => scope.items.insert(first.key.clone(), item.clone()),
                    None => scope.items.remove(&first.key),
                };
                Done::Partial { done: BTreeSet::from([first.key.clone()]), cause: refused }
            }
        }
    }
}

/// What happens to a server while it is asked.
pub type Meanwhile = fn(&mut Inner);

/// What happens to a server, for the how manieth time.
pub type Happens = fn(&mut Inner, usize);

/// A journal that remembers, and fails when told to.
#[derive(Debug, Default)]
pub struct FakeJournal {
    pub records: Mutex<Vec<String>>,
    pub fails_at: Option<&'static str>,
    /// So many of these go well before.
    pub passes: AtomicUsize,
    /// Who holds every server.
    pub held: Mutex<Option<scopesync::engine::port::Owner>>,
    pub interrupted: Vec<String>,
    pub unsaved: Mutex<BTreeSet<ServerName>>,
    /// The file of every unsaved target is broken.
    pub broken: bool,
    /// What every unsaved target has lost.
    pub lost: Mutex<BTreeSet<ScopeId>>,
    /// What happens to a server when scopes are stored.
    pub upon: Option<(FakeServer, Happens)>,
}

impl FakeJournal {
    fn record(&self, kind: &'static str, text: String) -> Result<()> {
        self.records.lock().unwrap().push(text);
        let passes = || self.passes.fetch_update(SeqCst, SeqCst, |left| left.checked_sub(1)).is_ok();
        match self.fails_at == Some(kind) && !passes() {
            true => Err(Error::new(ErrorKind::Local, "no room")),
            false => Ok(()),
        }
    }
}

impl Journal for FakeJournal {
    fn ready(&self) -> Result<()> {
        match self.fails_at {
            Some("ready") => Err(Error::new(ErrorKind::Local, "no room")),
            _ => Ok(()),
        }
    }
    fn hold(&self, _server: &str, _run: &str) -> Result<Hold> {
        Ok(self.held.lock().unwrap().clone().map_or_else(|| Hold::Mine(Box::new(())), Hold::Other))
    }
    fn interrupted_on(&self, _target: &ServerName) -> Vec<String> {
        self.interrupted.clone()
    }
    fn begin(&self, start: &RunStart) -> Result<()> {
        self.record("begin", format!("begin {}", start.run))
    }
    fn before(&self, _place: &Place, work: &[Arc<Work>]) -> Result<()> {
        if let Some((server, happens)) = &self.upon {
            let before = self.records.lock().unwrap().iter().filter(|record| record.starts_with("before")).count();
            happens(&mut server.inner(), before + 1);
        }
        self.record("before", format!("before {}", work.len()))
    }
    fn unsaved(&self, target: &ServerName) -> Option<Unsaved> {
        let amiss = if self.broken { Unsaved::Broken } else { Unsaved::Running };
        self.unsaved.lock().unwrap().contains(target).then_some(amiss)
    }
    fn remember_unsaved(&self, target: &ServerName, unsaved: Option<Unsaved>) -> Result<()> {
        if self.fails_at == Some("unsaved") {
            return Err(Error::new(ErrorKind::Local, "no room"));
        }
        let mut marked = self.unsaved.lock().unwrap();
        match unsaved {
            Some(_) => marked.insert(target.clone()),
            None => {
                self.lost.lock().unwrap().clear();
                marked.remove(target)
            }
        };
        Ok(())
    }
    fn lost(&self, _target: &ServerName) -> BTreeSet<ScopeId> {
        self.lost.lock().unwrap().clone()
    }
    fn remember_lost(&self, _target: &ServerName, lost: &BTreeSet<ScopeId>) -> Result<()> {
        lost.clone_into(&mut self.lost.lock().unwrap());
        Ok(())
    }
    fn after(&self, _place: &Place, kept: &[Kept]) -> Result<()> {
        let outcomes: Vec<&str> = kept.iter().map(|kept| kept.outcome.word()).collect();
        self.record("after", format!("after {}", outcomes.join(" ")))
    }
    fn end(&self, run: &str, _report: &serde_json::Value) -> Result<()> {
        self.record("end", format!("end {run}"))
    }
}
