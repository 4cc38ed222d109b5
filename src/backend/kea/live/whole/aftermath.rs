//! The one `config-set`, and what became of it.
//!
//! Whatever the answer is, or where there is none, the server is read again before anything
//! else is sent: a refused configuration may be in force, a taken one may have lost the
//! failover hook, and Kea before 2.4 answers no client after a refusal, whatever its state says.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::Instant;

use super::compare::Outline;
use super::part::Part;
use super::rehearsal::configuration;
use super::{Course, MANY, Scopes, WholeWriter};
use crate::backend::kea::command::{Answer, Arguments};
use crate::backend::kea::live::{FreshConfig, Known};
use crate::engine::port::{Control, Done, Work};
use crate::engine::threads::side_by_side;
use crate::engine::{Error, ErrorKind, Result};
use crate::model::{Foreign, Membership, Scope, ScopeId};

/// What runs on the target, compared with what ran and what was planned.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Standing {
    Planned,
    Before,
    /// The server has lost this.
    Broken(String),
    /// Neither the one nor the other: this differs.
    Other(String),
}

/// What a look at the server showed.
struct Seen {
    standing: Standing,
    /// The mark of what runs.
    hash: Option<Foreign>,
}

/// What a `config-set` was answered.
enum Told {
    /// With the mark of what runs from then on, from Kea 2.4.
    Taken(Option<Foreign>),
    Refused(Error),
    /// It went out and its answer was lost.
    Lost(Error),
}

impl Told {
    fn of(answer: Result<Answer>) -> Result<Self> {
        match answer {
            Ok(answer) => Ok(answer.failure().map_or_else(|| Told::Taken(mark(&answer)), Told::Refused)),
            Err(error) if error.in_doubt => Ok(Told::Lost(error)),
            Err(error) => Err(error),
        }
    }
}

fn mark(answer: &Answer) -> Option<Foreign> {
    #[derive(serde::Deserialize)]
    struct Given {
        hash: Foreign,
    }
    answer.given::<Given>().ok().map(|given| given.hash)
}

impl WholeWriter {
    /// Sets the configuration that was tested, once, and finds out what became of it.
    pub(super) async fn set(
        &self,
        base: &Arc<Known>,
        before: Vec<Membership>,
        parts: &[Arc<Part>],
        work: &[Arc<Work>],
        text: Arguments,
    ) -> BTreeMap<ScopeId, Done> {
        let chosen: BTreeSet<ScopeId> = parts.iter().map(|part| part.id).collect();
        let work: Vec<&Work> = work.iter().map(AsRef::as_ref).filter(|work| chosen.contains(&work.id)).collect();
        let all = |done: Done| work.iter().map(|work| (work.id, done.clone())).collect();
        let began = Instant::now();
        let told = match Told::of(self.send(&text).await) {
            Ok(told) => told,
            // it never went out
            Err(error) => return all(Done::Rejected(error)),
        };
        drop(text);
        *self.course() = Course::Interrupted {
            amiss: None,
            is_unread: false,
            seen: None,
            base: base.clone(),
            before,
            loading: began.elapsed(),
        };
        let standing = self.standing(base, &work, matches!(told, Told::Lost(_))).await;
        all(self.understood(base, told, standing).await)
    }

    async fn understood(&self, base: &Known, told: Told, seen: Result<Seen>) -> Done {
        let Seen { standing, hash } = match seen {
            Ok(seen) => seen,
            Err(unread) => {
                let (what, error) = match told {
                    Told::Taken(_) => ("config-set was taken".to_owned(), unread.clone()),
                    Told::Refused(error) | Told::Lost(error) => (error.what.clone(), error),
                };
                let error = Error { what: format!("{what}; and it could not be read again: {}", unread.what), ..error };
                let error = error.hint(
                    "look at the server's log and state: where it runs and answers no client, config-reload goes back \
                     to its file",
                );
                return self.unread(error);
            }
        };
        match (told, standing) {
            (Told::Taken(_), Standing::Planned) => Done::Applied,
            (Told::Lost(error), Standing::Planned) => Done::Unknown(error),
            (Told::Taken(_), Standing::Before) => {
                let what = "config-set was answered with success, and yet what ran before runs on";
                self.rejected(Error::new(ErrorKind::Refused, what))
            }
            (Told::Refused(error), Standing::Before) if base.survives_a_refusal() => self.rejected(error),
            (Told::Lost(error), Standing::Before) if base.survives_a_refusal() => {
                self.is_amiss(error.clone());
                Done::Unknown(error)
            }
            (Told::Refused(error) | Told::Lost(error), Standing::Before) => {
                let why = format!("{}; this Kea answers no client after a refused config-set", error.what);
                self.restore(base, Error { what: why, in_doubt: false, ..error }).await
            }
            (Told::Refused(error), Standing::Planned) => {
                let why = format!("{}, and yet it is in force", error.what);
                self.restore(base, Error { what: why, ..error }).await
            }
            // taken as it was sent, and somebody else has changed something since: not ours to undo
            (Told::Taken(Some(then)), Standing::Other(_)) if hash.as_ref().is_some_and(|now| *now != then) => {
                Done::Applied
            }
            (Told::Taken(_), Standing::Broken(amiss) | Standing::Other(amiss)) => {
                self.restore(base, Error::new(ErrorKind::Refused, format!("after config-set {amiss}"))).await
            }
            // a server that goes on serving has itself changed nothing else
            (Told::Refused(error) | Told::Lost(error), Standing::Other(differs)) if base.survives_a_refusal() => {
                let what = format!("{}; {differs}: somebody else changed it, and nothing was put back", error.what);
                let error = Error { what, ..error }.hint("make a new preview");
                if error.in_doubt {
                    self.is_amiss(error.clone());
                    return Done::Unknown(error);
                }
                self.rejected(error)
            }
            (Told::Refused(error) | Told::Lost(error), Standing::Broken(amiss) | Standing::Other(amiss)) => {
                let why = format!("{}; after it {amiss}", error.what);
                self.restore(base, Error { what: why, in_doubt: false, ..error }).await
            }
        }
    }

    /// Sends what ran before; where that does not bring it back, lets the server read its file.
    async fn restore(&self, base: &Known, why: Error) -> Done {
        tracing::warn!(server = %self.server.channel().server(), why = why.what, "what ran before is put back");
        let back = |how: &str| {
            let what = format!("{}; {how}", why.what);
            self.rejected(Error { what, ..why.clone() })
        };
        let first = match self.send_back(base).await {
            Ok(answer) => answer.failure().map_or_else(String::new, |error| error.what),
            Err(error) => error.what,
        };
        match self.standing(base, &[], !first.is_empty()).await.map(|seen| seen.standing) {
            Ok(Standing::Before) if first.is_empty() || base.survives_a_refusal() => {
                return back("what ran before was put back by a second config-set");
            }
            Ok(_) => {}
            Err(error) => return self.unreadable(&why, &error),
        }
        let reload = match self.server.channel().tell("config-reload", None).await {
            Ok(answer) => answer.failure(),
            Err(error) => Some(error),
        };
        match (self.standing(base, &[], reload.is_some()).await.map(|seen| seen.standing), reload) {
            (Ok(Standing::Before), None) => back("what ran before was put back by config-reload"),
            (Ok(Standing::Other(differs)), None) => back(&format!(
                "the server was made to reload its file, and now {differs}: what ran and was not saved is gone"
            )),
            (Ok(_), reload) => {
                let reason = reload.map_or_else(|| "it runs something else".to_owned(), |error| error.what);
                let what = format!("{}; putting back what ran before failed ({reason})", why.what);
                self.rejected(Error { what, ..why }.hint(
                    "the target may answer no client: look at its log, then restart it or let its partner take over",
                ))
            }
            (Err(error), _) => self.unreadable(&why, &error),
        }
    }

    async fn send_back(&self, base: &Known) -> Result<Answer> {
        self.send(&configuration(&base.text.text())?).await
    }

    fn unreadable(&self, why: &Error, error: &Error) -> Done {
        let what = format!("{}; putting back what ran before was tried: {}", why.what, error.what);
        let error = Error { what, ..why.clone() }
            .hint("look at the server's log and state: it may answer no client until it is restarted");
        self.unread(error)
    }

    /// What runs is not known, so nothing is saved.
    fn unread(&self, error: Error) -> Done {
        self.is_amiss(error.clone());
        if let Course::Interrupted { is_unread, .. } = &mut *self.course() {
            *is_unread = true;
        }
        Done::Unknown(error.in_doubt())
    }

    /// Nothing of the plan runs, so nothing of it is saved.
    fn rejected(&self, error: Error) -> Done {
        let error = self.server.on(error);
        self.is_amiss(error.clone());
        Done::Rejected(error)
    }

    /// The first thing amiss is the cause of what follows.
    pub(super) fn is_amiss(&self, error: Error) {
        if let Course::Interrupted { amiss, .. } = &mut *self.course() {
            amiss.get_or_insert(error);
        }
    }

    /// What runs now. Where an answer was lost, nothing is taken for undone until two looks
    /// agree: what was sent may still be waiting its turn.
    async fn standing(&self, base: &Known, work: &[&Work], lost: bool) -> Result<Seen> {
        let mut before = 0;
        let mut refusing: Option<Instant> = None;
        let deadline = Instant::now() + self.server.channel().transport().limits().write;
        loop {
            if lost {
                tokio::time::sleep(self.pace.look).await;
            }
            match self.look(base, work).await {
                Ok(Seen { standing: Standing::Before, .. }) if lost && before == 0 => before += 1,
                Ok(seen) => return Ok(seen),
                Err(error) if Instant::now() >= deadline => return Err(error),
                Err(error) if error.kind == ErrorKind::Unreachable => {
                    if refusing.get_or_insert_with(Instant::now).elapsed() >= self.pace.silence {
                        return Err(error);
                    }
                    tokio::time::sleep(self.pace.poll).await;
                }
                Err(_) if lost => {}
                Err(_) => tokio::time::sleep(self.pace.poll).await,
            }
        }
    }

    async fn look(&self, base: &Known, work: &[&Work]) -> Result<Seen> {
        self.saw(None);
        let (fresh, _) = self.server.configuration(&Control::free()).await?;
        let (standing, opened) = match self.has_failover(base).await? {
            true => compared(base, work, &fresh)?,
            false => (Standing::Broken("the high-availability hook is gone".to_owned()), BTreeMap::new()),
        };
        let hash = fresh.hash;
        let scopes = Scopes { listed: fresh.config.scopes, opened };
        // a scope that could not be listed is never taken for a missing one
        self.saw(fresh.config.unreadable.is_empty().then_some(scopes));
        Ok(Seen { standing, hash })
    }

    fn saw(&self, scopes: Option<Scopes>) {
        if let Course::Interrupted { seen, .. } = &mut *self.course() {
            *seen = scopes;
        }
    }

    /// Whether the server still has every relationship that it had.
    ///
    /// # Errors
    /// When it did not say: that is no reason to put anything back.
    async fn has_failover(&self, base: &Known) -> Result<bool> {
        let count = self.server.failover_count(&Control::free()).await?;
        Ok(count.is_none_or(|count| count >= base.memberships.len()))
    }
}

/// What runs, compared with what ran before and what was to run; with the scopes that were opened for it.
fn compared(base: &Known, work: &[&Work], fresh: &FreshConfig) -> Result<(Standing, BTreeMap<ScopeId, Scope>)> {
    let chosen = work.iter().map(|work| work.id).collect();
    let texts = [base.text.text(), fresh.config.text.text()];
    let mut both = side_by_side(&texts.each_ref(), 2, |text| Outline::read(text)).into_iter();
    let (Some(Ok(ours)), Some(Ok(theirs))) = (both.next(), both.next()) else {
        return Err(Error::new(ErrorKind::Garbled, "the configuration could not be understood"));
    };
    let mut opened = BTreeMap::new();
    if let Some(what) = ours.differs(&theirs, &chosen) {
        return Ok((Standing::Other(format!("{what} has another value than before")), opened));
    }
    let mut first_left = None;
    for (work, (scope, left)) in work.iter().zip(side_by_side(work, MANY, |work| left(work, fresh))) {
        opened.extend(scope.map(|scope| (work.id, scope)));
        first_left = first_left.or(left);
    }
    let standing = match first_left {
        None if !work.is_empty() => Standing::Planned,
        _ if ours.differs(&theirs, &BTreeSet::new()).is_none() => Standing::Before,
        None => Standing::Before,
        Some(left) => Standing::Other(format!("{left} has another value than the one written")),
    };
    Ok((standing, opened))
}

/// The scope as it runs, and the first thing of it that is not as planned, named.
fn left(work: &Work, fresh: &FreshConfig) -> (Option<Scope>, Option<String>) {
    let whole = || Some(format!("scope {}", work.id));
    let now = match fresh.config.scopes.get(&work.id).map(|entry| entry.raw.open()) {
        Some(Err(_)) => return (None, whole()),
        Some(Ok(scope)) => Some(scope),
        None => None,
    };
    if now.is_some() != work.want.is_some() {
        return (now, whole());
    }
    let change = work.residual(now.as_ref()).into_iter().next();
    let left = change.map(|change| format!("{} in scope {}", change.title(), work.id));
    (now, left)
}
