//! What is asked next, and what is known by now.

mod listing;

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::net::Ipv4Addr;
use std::sync::Arc;

use jiff::{SignedDuration, Timestamp};

use self::listing::Listing;
use super::super::cim::{self, ExclusionRange, Failover};
use super::super::context::{self, Collected};
use super::super::relationship;
use super::super::scope::{self, Surroundings};
use super::super::wsman::Failure;
use super::call::{Call, Given};
use super::gathered::{Gathered, Part};
use crate::engine::port::{Attention, Entry, Health, Reading};
use crate::engine::{Error, ErrorKind, Result};
use crate::model::{Belonging, Context, DefinitionKind, Foreign, Scope, ScopeId};

/// What is to be read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(in super::super) enum Wanted {
    /// The whole server.
    Everything,
    /// These scopes alone.
    Scopes(BTreeSet<ScopeId>),
}

/// Calls for the whole server that say what surrounds its scopes.
const AROUND: [Call; 7] = [
    Call::Definitions,
    Call::Classes,
    Call::ServerOptions,
    Call::ServerPolicies,
    Call::Filters,
    Call::FilterList,
    Call::Version,
];

/// After so many calls in a row without an answer the server is given up.
const GIVEN_UP: usize = 8;

/// A reading while it is made.
#[derive(Debug)]
pub(in super::super) struct Plan {
    wanted: Wanted,
    /// Calls that go before those for scopes.
    first: VecDeque<Call>,
    listing: Listing,
    /// Scopes with calls to be asked, but for those of the last pass; then with any.
    queue: BTreeSet<Ipv4Addr>,
    late: BTreeSet<Ipv4Addr>,
    failover: Option<Vec<Failover>>,
    gathered: BTreeMap<Ipv4Addr, Gathered>,
    belongs: BTreeMap<Ipv4Addr, Belonging>,
    /// Exclusions that came before the scopes were listed, or why they did not; of these scopes, or of all.
    early: Vec<(Vec<Ipv4Addr>, Exclusions)>,
    exclusions_in_parts: bool,
    dns: Option<std::result::Result<(), Foreign>>,
    around: Arc<Surroundings>,
    collected: Collected,
    context_left: usize,
    context: Context,
    /// The context with the parameters of the relationships of a server of so many names.
    shown: Option<(usize, Arc<Context>)>,
    version: Option<Foreign>,
    unreadable: Vec<(Option<ScopeId>, Foreign)>,
    entries: BTreeMap<ScopeId, Entry>,
    moved: bool,
    unanswered: usize,
}

type Exclusions = std::result::Result<Vec<cim::Single<ExclusionRange>>, Foreign>;

impl Plan {
    pub(in super::super) fn new(wanted: Wanted) -> Self {
        let mut first = VecDeque::from([Call::Failover, Call::Scopes(Vec::new()), Call::Exclusions(Vec::new())]);
        first.push_back(Call::ServerDns);
        let mut context_left = 0;
        if wanted == Wanted::Everything {
            first.extend(AROUND);
            context_left = AROUND.len() + 1;
        }
        Plan {
            wanted,
            first,
            listing: Listing::default(),
            queue: BTreeSet::new(),
            late: BTreeSet::new(),
            failover: None,
            gathered: BTreeMap::new(),
            belongs: BTreeMap::new(),
            early: Vec::new(),
            exclusions_in_parts: false,
            dns: None,
            around: Arc::default(),
            collected: Collected::default(),
            context_left,
            context: context::unread(),
            shown: None,
            version: None,
            unreadable: Vec::new(),
            entries: BTreeMap::new(),
            moved: false,
            unanswered: 0,
        }
    }

    /// Whether it may be left off between two scopes of a run: what a run wrote is read back all the same.
    pub(super) fn ends_softly(&self) -> bool {
        self.wanted == Wanted::Everything
    }

    /// Whether relationships and scopes are known.
    pub(super) fn is_listed(&self) -> bool {
        self.failover.is_some() && self.listing.is_done()
    }

    /// Whether a reading made now would say more than the one made last.
    pub(super) fn moved(&self) -> bool {
        self.moved
    }

    /// What is asked next; `None` where nothing can be before something else is answered.
    pub(super) fn next(&mut self, attention: &Attention) -> Option<Call> {
        if let Some(call) = self.first.pop_front() {
            return Some(call);
        }
        for id in attention.scopes().iter() {
            if let Some(call) = self.gathered.get_mut(&id.network).and_then(|scope| scope.next(true)) {
                return Some(call);
            }
        }
        for (line, with_last_pass) in [(&mut self.queue, false), (&mut self.late, true)] {
            while let Some(address) = line.first().copied() {
                let scope = self.gathered.get_mut(&address);
                if let Some(call) = scope.and_then(|scope| scope.next(with_last_pass)) {
                    return Some(call);
                }
                line.pop_first();
            }
        }
        None
    }

    /// What a call gave.
    ///
    /// # Errors
    /// What keeps the whole server from being read.
    pub(super) fn take(&mut self, call: Call, given: std::result::Result<Given, Failure>) -> Result<()> {
        let given = given.or_else(|failure| call.nothing(&failure).ok_or(failure)).map_err(Error::from);
        match &given {
            Err(error) if matches!(error.kind, ErrorKind::Unreachable | ErrorKind::TimedOut) => self.unanswered += 1,
            _ => self.unanswered = 0,
        }
        match (call.scope(), given) {
            (_, Err(error)) if self.unanswered >= GIVEN_UP => Err(error),
            (Some(address), given) => {
                self.of_scope(address, &call, given);
                Ok(())
            }
            (None, given) => self.of_server(call, given),
        }
    }

    fn of_scope(&mut self, address: Ipv4Addr, call: &Call, given: Result<Given>) {
        let Some(scope) = self.gathered.get_mut(&address) else { return };
        let has_more = match given {
            Ok(given) => scope.take(call, given),
            Err(error) => {
                scope.fail(&reason(&error));
                false
            }
        };
        self.moved |= scope.moved;
        if has_more {
            self.queue.insert(address);
            self.late.insert(address);
        }
    }

    fn of_server(&mut self, call: Call, given: Result<Given>) -> Result<()> {
        match (call, given) {
            (Call::Failover, Ok(Given::Failover(told))) => {
                self.belongs = relationship::belongings(&told);
                self.failover = Some(told);
                self.shown = None;
            }
            (Call::Scopes(_), Ok(Given::Scopes(told))) => self.listing.given(told),
            // they did not fit into one answer: there are some
            (Call::Statistics, Ok(Given::Statistics(told))) if told.is_empty() => {
                self.listing.named_alone(&cim::hollow("PS_DhcpServerv4ScopeStatistics.Get").into());
            }
            (Call::Statistics, Ok(Given::Statistics(told))) => {
                self.listing.named(told.iter().map(|scope| scope.scope_id));
            }
            (Call::Failover, Err(error)) => return Err(error),
            (Call::Scopes(ids), Err(error)) => self.listing.failed(ids, error)?,
            (Call::Statistics, Err(error)) => self.listing.named_alone(&error),
            (Call::Exclusions(ids), given) => self.exclusions_given(ids, given),
            (Call::ServerDns, given) => self.server_dns(given),
            (call, given) => self.surrounds(&call, given),
        }
        self.settle_listing()
    }

    /// Once relationships and scopes are known, the scopes can be asked for.
    fn settle_listing(&mut self) -> Result<()> {
        let Some(failover) = &self.failover else { return Ok(()) };
        let members: BTreeSet<Ipv4Addr> = failover.iter().flat_map(|failover| failover.scope_id.clone()).collect();
        self.first.extend(self.listing.calls(&members));
        let Some(listed) = self.listing.take() else { return Ok(()) };
        for single in listed.scopes {
            match single {
                Ok(scope) => self.scope(scope),
                Err(odd) => {
                    let id = odd.scope.zip(odd.mask).and_then(|(address, mask)| scope::id(address, mask).ok());
                    let error =
                        odd.error(&odd.scope.map_or_else(|| "a scope".to_owned(), |scope| format!("scope {scope}")));
                    self.unreadable.push((id, error.what.into()));
                }
            }
        }
        self.unreadable.extend(listed.remark.map(|remark| (None, remark)));
        let unlisted: Vec<String> = members
            .iter()
            .filter(|member| !listed.named.contains(member) && !listed.gone.contains(member))
            .map(ToString::to_string)
            .collect();
        if !unlisted.is_empty() && listed.named.is_empty() {
            return Err(cim::hollow("PS_DhcpServerv4Scope.Get").into());
        }
        if !unlisted.is_empty() {
            let what = format!(
                "its relationships name scopes that it neither lists nor says it does not have: {}",
                unlisted.join(", ")
            );
            self.unreadable.push((None, what.into()));
        }
        self.queue = self.gathered.keys().copied().collect();
        self.late = self.queue.clone();
        for (ids, exclusions) in std::mem::take(&mut self.early) {
            self.exclusions(ids, exclusions);
        }
        self.part_exclusions();
        self.settle_dns();
        self.moved = true;
        Ok(())
    }

    fn scope(&mut self, scope: cim::Scope) {
        match scope::id(scope.scope_id, scope.subnet_mask) {
            Ok(id) => {
                let is_wanted = match &self.wanted {
                    Wanted::Everything => true,
                    Wanted::Scopes(ids) => ids.contains(&id),
                };
                if is_wanted {
                    self.gathered.insert(scope.scope_id, Gathered::new(id, scope));
                }
            }
            Err(why) => self.unreadable.push((None, why)),
        }
    }

    /// Too many for one answer are asked for in parts, once it is known of which scopes.
    fn exclusions_given(&mut self, ids: Vec<Ipv4Addr>, given: Result<Given>) {
        let given = match given {
            Ok(Given::Exclusions(told)) => Ok(told),
            Err(error) if error.kind == ErrorKind::TooLarge && ids.is_empty() => {
                self.exclusions_in_parts = true;
                return self.part_exclusions();
            }
            // a scope that was deleted meanwhile spoils the call for the others
            Err(error) if matches!(error.kind, ErrorKind::TooLarge | ErrorKind::Empty) && ids.len() > 1 => {
                return self.first.extend(listing::halves(&ids).map(Call::Exclusions));
            }
            Err(error) if error.kind == ErrorKind::Empty && ids.len() == 1 => Ok(Vec::new()),
            Ok(_) => Ok(Vec::new()),
            Err(error) => Err(reason(&error)),
        };
        match self.listing.is_done() {
            true => self.exclusions(ids, given),
            false => self.early.push((ids, given)),
        }
    }

    fn part_exclusions(&mut self) {
        if self.exclusions_in_parts && self.listing.is_done() {
            self.exclusions_in_parts = false;
            let all: Vec<Ipv4Addr> = self.gathered.keys().copied().collect();
            self.first.extend(all.chunks(listing::PART).map(|ids| Call::Exclusions(ids.to_vec())));
        }
    }

    fn exclusions(&mut self, ids: Vec<Ipv4Addr>, given: Exclusions) {
        let of: Vec<Ipv4Addr> = if ids.is_empty() { self.gathered.keys().copied().collect() } else { ids };
        let told = match given {
            Ok(told) => told,
            Err(why) => return self.fail(&of, &format!("exclusions: {why}").into()),
        };
        for single in told {
            match single {
                Ok(range) => {
                    if let Some(scope) = self.gathered.get_mut(&range.scope_id) {
                        scope.told.exclusions.push(range);
                    }
                }
                Err(odd) => {
                    let why = odd.error("exclusions").what.into();
                    match odd.scope {
                        Some(scope) => self.fail(&[scope], &why),
                        None => self.fail(&of, &why),
                    }
                }
            }
        }
        for address in of {
            if let Some(scope) = self.gathered.get_mut(&address) {
                scope.has(Part::Exclusions);
            }
        }
        self.moved = true;
    }

    fn fail(&mut self, scopes: &[Ipv4Addr], why: &Foreign) {
        for address in scopes {
            if let Some(scope) = self.gathered.get_mut(address) {
                scope.fail(why);
            }
        }
        self.moved = true;
    }

    fn server_dns(&mut self, given: Result<Given>) {
        self.dns = Some(match given {
            Ok(Given::Dns(told)) => {
                self.around = Arc::new(Surroundings::new(&told));
                self.collected.dns(&told);
                Ok(())
            }
            Ok(_) => Ok(()),
            Err(error) => {
                let why = reason(&error);
                self.collected.missing(&[DefinitionKind::ServerSetting], &why);
                Err(format!("the server's own DNS setting, which scopes inherit: {why}").into())
            }
        });
        self.settle_dns();
        self.context_told();
    }

    fn settle_dns(&mut self) {
        match self.dns.clone() {
            None => {}
            Some(Ok(())) => self.gathered.values_mut().for_each(|scope| scope.has(Part::ServerDns)),
            Some(Err(why)) => self.gathered.values_mut().for_each(|scope| scope.fail(&why)),
        }
        self.moved = true;
    }

    fn surrounds(&mut self, call: &Call, given: Result<Given>) {
        use DefinitionKind::{
            Filter, OptionDefinition, ServerOption, ServerPolicy, ServerSetting, UserClass, VendorClass,
        };
        match given {
            Ok(Given::Definitions(told)) => self.collected.definitions(&told),
            Ok(Given::Classes(told)) => self.collected.classes(&told),
            Ok(Given::Options(told)) => self.collected.options(told),
            Ok(Given::Policies(told)) => self.collected.policies(&told),
            Ok(Given::Filters(told)) => self.collected.filters(&told),
            Ok(Given::FilterList(told)) => self.collected.filter_list(&told),
            Ok(Given::Version(told)) => {
                self.version = Some(context::product(&told));
                self.collected.version(&told);
            }
            Ok(_) => {}
            Err(error) => {
                let kinds: &[DefinitionKind] = match call {
                    Call::Definitions => &[OptionDefinition],
                    Call::Classes => &[VendorClass, UserClass],
                    Call::ServerOptions => &[ServerOption, ServerPolicy],
                    Call::ServerPolicies => &[ServerPolicy],
                    Call::Filters => &[Filter],
                    Call::FilterList => &[ServerSetting],
                    _ => &[],
                };
                match call {
                    Call::Version => self.collected.no_version(&reason(&error)),
                    _ => self.collected.missing(kinds, &reason(&error)),
                }
            }
        }
        self.context_told();
    }

    fn context_told(&mut self) {
        self.context_left = self.context_left.saturating_sub(1);
        if self.context_left == 0 {
            self.context = std::mem::take(&mut self.collected).finish();
            self.shown = None;
            self.moved = true;
        }
    }

    /// What is known by now, of a server that goes by the names `here`.
    pub(in super::super) fn reading(
        &mut self,
        here: &[String],
        clock: Option<SignedDuration>,
        at: Timestamp,
    ) -> Reading {
        self.moved = false;
        for (address, scope) in self.gathered.iter_mut().filter(|(_, scope)| scope.moved) {
            let belongs = self.belongs.get(address).cloned().unwrap_or(Belonging::Nobody);
            self.entries.insert(scope.id, scope.entry(belongs, &self.around));
        }
        let failover = self.failover.as_deref().unwrap_or_default();
        let shown = self.shown.take().filter(|(names, _)| *names == here.len()).unwrap_or_else(|| {
            let mut context = self.context.clone();
            relationship::parameters(failover, here, &mut context);
            (here.len(), Arc::new(context))
        });
        let context = self.shown.insert(shown).1.clone();
        Reading {
            identity: relationship::identity(failover),
            version: self.version.clone(),
            health: Health { memberships: relationship::memberships(failover, here), clock, ailment: None },
            context,
            levels: self.around.clone(),
            scopes: Arc::new(self.entries.clone()),
            unreadable: self.unreadable.clone(),
            pulse: None,
            at,
        }
    }

    /// The scopes that were wanted; `None` for one that is not there.
    ///
    /// # Errors
    /// One was not read as a whole.
    pub(in super::super) fn scopes(&mut self, ids: &[ScopeId]) -> Result<BTreeMap<ScopeId, Option<Scope>>> {
        let unreadable = &self.unreadable;
        let unlisted = |id: &ScopeId| {
            unreadable.iter().find(|(bad, _)| bad.is_none_or(|bad| bad.network == id.network)).map(|(_, why)| why)
        };
        let bad = |why: &Foreign, id: ScopeId| Error::new(ErrorKind::Garbled, why.to_string()).scope(id);
        let mut one = |id: &ScopeId| match self.gathered.get_mut(&id.network).filter(|scope| scope.id == *id) {
            Some(scope) => {
                let raw = scope.entry(Belonging::Nobody, &self.around);
                raw.open().map(Some).map_err(|why| bad(&why, *id))
            }
            // a scope that could not be listed is never taken for a missing one
            None => unlisted(id).map_or(Ok(None), |why| Err(bad(why, *id))),
        };
        ids.iter().map(|id| Ok((*id, one(id)?))).collect()
    }

    /// Which scope each address is.
    pub(in super::super) fn ids(&self) -> BTreeMap<Ipv4Addr, ScopeId> {
        self.gathered.iter().map(|(address, scope)| (*address, scope.id)).collect()
    }
}

/// Why something could not be read, for the screen.
fn reason(error: &Error) -> Foreign {
    error.with_hint().into()
}
