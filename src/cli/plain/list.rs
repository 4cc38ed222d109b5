//! The numbered list, and what its numbers mean.

use std::collections::{BTreeMap, BTreeSet};

use crate::app::compared::Compared;
use crate::app::filter::Filter;
use crate::app::filter::fleet::Said;
use crate::app::fleet::facts::FactSheet;
use crate::app::fleet::relation::{UNTOLD, in_use};
use crate::cli::Failure;
use crate::cli::scopes::InUse;
use crate::engine::compare::{self, ScopeDrift, Summary};
use crate::engine::fleet::Fleet;
use crate::engine::plan::NamedItem;
use crate::engine::select::{Picked, ScopeSelector};
use crate::engine::survey::Survey;
use crate::model::{Foreign, ItemKey, ScopeId, ServerName};
use crate::show::{self, Counts, Line, Numbers, Role, ScopeNames};

/// Relationships, numbered from 1, with their scopes, numbered within each.
#[derive(Default)]
pub(super) struct List {
    groups: Vec<Group>,
    /// Servers of which nothing is listed, and why.
    absent: Vec<String>,
}

struct Group {
    name: Foreign,
    source_member: usize,
    title: Line,
    findings: usize,
    scopes: Vec<Numbered>,
    said: Said,
    /// What a filter asks of the scopes, each at its place.
    sheet: FactSheet,
    /// The servers, source first, as far as they are in the configuration.
    servers: [Option<ServerName>; 2],
    /// How many addresses of each scope are in use, in percent, once that was asked for.
    used: Vec<u8>,
}

struct Numbered {
    id: ScopeId,
    line: Line,
    /// Its changes, numbered from 1.
    changes: Vec<ItemKey>,
    /// What it adds to a sum.
    sum: Summary,
}

impl List {
    /// What the servers say; the source is the primary where `sources` names no other.
    pub(super) fn of(fleet: &Fleet, survey: &Survey, sources: &BTreeMap<Foreign, ServerName>) -> Self {
        let names = ScopeNames::of(survey);
        let group = |relationship: &crate::engine::survey::Relationship| {
            let chosen = sources.get(&relationship.name).and_then(|server| relationship.member_index(server));
            let source_member = chosen.unwrap_or(0);
            let servers = [source_member, 1 - source_member].map(|at| relationship.members[at].server().cloned());
            let drift = compare::relationship(survey, relationship, source_member, &fleet.ignore);
            let compared = Compared::of(drift, false);
            let said = Said::of(relationship, Some(&compared));
            let Compared { drift, sheet, .. } = compared;
            Group {
                name: relationship.name.clone(),
                source_member,
                title: show::relationship_title(relationship, source_member),
                findings: drift.findings.len(),
                scopes: drift.scopes.iter().map(|scope| Numbered::of(scope, &names)).collect(),
                said,
                sheet,
                servers,
                used: Vec::new(),
            }
        };
        let absent = |server: &crate::engine::survey::ServerReport| match &server.outcome {
            Some(Err(error)) => Some(error.with_hint()),
            _ => None,
        };
        List {
            groups: survey.relationships.iter().map(group).collect(),
            absent: survey.servers.iter().filter_map(absent).collect(),
        }
    }

    /// Takes what the servers tell of addresses in use.
    pub(super) fn fill(&mut self, told: &InUse) {
        for group in &mut self.groups {
            let told = group.servers.each_ref().map(|server| told.get(server.as_ref()?));
            group.used = in_use(group.scopes.iter().map(|scope| scope.id), told);
        }
    }

    /// The lines that a filter leaves, with the numbers that they have in the whole list; without one, scopes in sync only if `all` are
    /// asked for. How many addresses are in use stands there where the filter asks for it.
    pub(super) fn lines(&self, filter: &Filter, all: bool) -> Vec<Line> {
        let all = all || !filter.terms.is_empty();
        let asks_for_use = filter.asks_for_use();
        let mut lines = Vec::new();
        for (number, group) in (1..).zip(&self.groups) {
            let fits = filter.scopes(&group.said, &group.sheet, &group.used);
            let is_left = |at: usize| fits.as_ref().is_none_or(|fits| fits.get(at) == Some(&true));
            let scopes =
                group.scopes.iter().enumerate().filter(|(at, scope)| is_left(*at) && (all || scope.sum.in_sync == 0));
            let scopes: Vec<_> = scopes.map(|(at, scope)| (at + 1, scope)).collect();
            if scopes.is_empty() && !group.said.fits(filter) {
                continue;
            }
            let scopes_left = scopes.len();
            lines.push(before(format!("{number}  "), &group.title));
            for (at, scope) in scopes {
                let used = group.used.get(at - 1).filter(|used| asks_for_use && **used != UNTOLD);
                let line = before(format!("{number}.{at}  "), &scope.line).deeper(2);
                lines.push(match used {
                    Some(used) => line.with(Role::Plain, format!("; {used}% used")),
                    None => line,
                });
            }
            // of what the filter leaves; where it leaves the relationship alone, of all that is in it
            let of = |at: usize| scopes_left == 0 || is_left(at);
            let mut sum = Summary::default();
            let counted = group.scopes.iter().enumerate().filter(|(at, _)| of(*at));
            counted.for_each(|(_, scope)| sum.add(&scope.sum));
            let mut summary = show::summary(&sum).deeper(2);
            if sum.scopes < group.scopes.len() {
                let others = group.scopes.len() - sum.scopes;
                summary = summary.with(Role::Plain, format!("; {others} more that the filter leaves out"));
            }
            if group.findings > 0 {
                let findings = show::plural(group.findings, "finding");
                summary = summary.with(Role::Plain, format!("; {findings}, see: drift {number}"));
            }
            lines.push(summary);
        }
        if lines.is_empty() {
            let text = if filter.terms.is_empty() { "no server is in a relationship" } else { "nothing fits" };
            lines.push(Line::of(0, Role::Muted, text));
        }
        lines.extend(self.absent.iter().map(|reason| Line::of(0, Role::Critical, format!("not read: {reason}"))));
        lines
    }

    /// What words of the operator mean: numbers, ranges of them, names of relationships, ids of
    /// scopes; everything without any.
    ///
    /// # Errors
    /// A word that means nothing here, or two things.
    pub(super) fn pick(&self, words: &[String]) -> Result<Vec<Picked>, Failure> {
        let mut picked: BTreeMap<usize, Option<BTreeSet<ScopeId>>> = BTreeMap::new();
        let whole = |picked: &mut BTreeMap<usize, Option<BTreeSet<ScopeId>>>, at| picked.insert(at, None);
        if words.is_empty() || words.iter().any(|word| word.eq_ignore_ascii_case("all")) {
            (0..self.groups.len()).for_each(|at| drop(whole(&mut picked, at)));
        }
        for word in words.iter().filter(|word| !word.eq_ignore_ascii_case("all")) {
            let named = |group: &Group| group.name.raw().eq_ignore_ascii_case(word);
            if let Some(at) = self.number(word).or_else(|| self.groups.iter().position(named)) {
                whole(&mut picked, at);
                continue;
            }
            for (at, id) in self.scopes(word)? {
                if let Some(ids) = picked.entry(at).or_insert_with(|| Some(BTreeSet::new())) {
                    ids.insert(id);
                }
            }
        }
        let pick = |(relationship, scopes): (usize, _)| {
            let source_member = self.groups.get(relationship)?.source_member;
            Some(Picked { relationship, source_member, scopes })
        };
        Ok(picked.into_iter().filter_map(pick).collect())
    }

    /// The scopes and changes that a word means, each with the place of its relationship: numbers, ranges of them, ids
    /// of scopes, or names as `--leave-out` takes them.
    ///
    /// # Errors
    /// A word that means nothing here, two things, or a whole relationship.
    pub(super) fn named(&self, word: &str) -> Result<Vec<(usize, NamedItem)>, Failure> {
        if word.contains(':') {
            let item: NamedItem = word.parse().map_err(|error| Failure::new(format!("{error}")))?;
            let scopes = self.scopes(&item.scope.to_string())?;
            return Ok(scopes.into_iter().map(|(at, _)| (at, item.clone())).collect());
        }
        let is_whole = |group: &Group| group.name.raw().eq_ignore_ascii_case(word);
        if self.number(word).is_some() || self.groups.iter().any(is_whole) || word.eq_ignore_ascii_case("all") {
            return Err(Failure::new("a relationship is left out by not naming it to replicate")
                .hint("give the number of a scope such as 1.3, or of a change such as 1.3.2: drift 1.3 has them"));
        }
        match self.changes(word) {
            Some(changes) => changes,
            None => Ok(self.scopes(word)?.into_iter().map(|(at, id)| (at, NamedItem::whole(id))).collect()),
        }
    }

    /// `1.3.2`, or `1.3.2-4`; `None` where the word is of another form.
    fn changes(&self, word: &str) -> Option<Result<Vec<(usize, NamedItem)>, Failure>> {
        let (scope, numbers) = word.rsplit_once('.').filter(|(scope, _)| scope.matches('.').count() == 1)?;
        let (first, last) = numbers.split_once('-').unwrap_or((numbers, numbers));
        let (first, last): (usize, usize) = (first.parse().ok()?, last.parse().ok()?);
        let found = self.range(scope)?;
        let [(at, id)] = found.as_slice() else { return None };
        let scope = self.groups.get(*at)?.scopes.iter().find(|scope| scope.id == *id)?;
        let changes = first.checked_sub(1).and_then(|first| scope.changes.get(first..last));
        let named = |changes: &[ItemKey]| changes.iter().map(|key| (*at, NamedItem::of(*id, key))).collect();
        let count = show::plural(scope.changes.len(), "change");
        let nothing = || Failure::new(format!("{word} is nothing: {} has {count}", id.short()));
        Some(changes.filter(|changes| !changes.is_empty()).map(named).ok_or_else(nothing))
    }

    /// The scopes of a relationship.
    pub(super) fn ids(&self, at: usize) -> impl Iterator<Item = ScopeId> {
        self.groups.get(at).into_iter().flat_map(|group| group.scopes.iter().map(|scope| scope.id))
    }

    /// The source of a relationship.
    pub(super) fn source_member(&self, at: usize) -> Option<usize> {
        self.groups.get(at).map(|group| group.source_member)
    }

    /// The numbers of what is picked.
    pub(super) fn numbers(&self, picked: &[Picked]) -> BTreeMap<(Foreign, ScopeId), Numbers> {
        let mut numbers = BTreeMap::new();
        for pick in picked {
            let Some(group) = self.groups.get(pick.relationship) else { continue };
            let scopes = (1..).zip(&group.scopes).filter(|(_, scope)| pick.contains(scope.id));
            numbers.extend(scopes.map(|(number, scope): (usize, &Numbered)| {
                let number = format!("{}.{number}", pick.relationship + 1);
                ((group.name.clone(), scope.id), Numbers::new(number, &scope.changes))
            }));
        }
        numbers
    }

    /// The relationship of this number.
    fn number(&self, word: &str) -> Option<usize> {
        let at = word.parse::<usize>().ok()?.checked_sub(1)?;
        (at < self.groups.len()).then_some(at)
    }

    fn scopes(&self, word: &str) -> Result<Vec<(usize, ScopeId)>, Failure> {
        if let Some(found) = self.range(word) {
            return Ok(found);
        }
        if let Ok(selector) = word.parse::<ScopeSelector>() {
            let groups = self.groups.iter().enumerate();
            let found: Vec<(usize, ScopeId)> = groups
                .flat_map(|(at, group)| group.scopes.iter().map(move |scope| (at, scope.id)))
                .filter(|(_, id)| selector.matches(*id))
                .collect();
            match found.len() {
                0 => {}
                1 => return Ok(found),
                _ => {
                    return Err(Failure::new(format!("{word} is several scopes"))
                        .hint("give its number in the list, or its address with /LENGTH"));
                }
            }
        }
        Err(Failure::new(format!("{:?} is nothing in the list", Foreign::from(word).to_string()))
            .hint("give a number of the list such as 1 or 1.3, a range such as 1.3-7, the id of a scope, or all"))
    }

    /// `1.3`, `1.3-7` or `1.3-1.7`.
    fn range(&self, word: &str) -> Option<Vec<(usize, ScopeId)>> {
        let (first, last) = word.split_once('-').unwrap_or((word, word));
        let (group, from) = first.split_once('.')?;
        let to = match last.split_once('.') {
            Some((other, to)) if other == group => to,
            Some(_) => return None,
            None => last,
        };
        let at = self.number(group)?;
        let scopes = &self.groups.get(at)?.scopes;
        let [from, to] = [from, to].map(|number| number.parse::<usize>().ok());
        let (from, to) = (from?.checked_sub(1)?, to?);
        (from < to).then_some(())?;
        Some(scopes.get(from..to)?.iter().map(|scope| (at, scope.id)).collect())
    }
}

impl Numbered {
    fn of(scope: &ScopeDrift, names: &ScopeNames) -> Self {
        let mut line = show::scope_drift(scope, names);
        if scope.can_replicate() {
            // signs are not read out
            line.spans.pop();
            line = line.with(Role::Plain, format!(": {}", Counts::of(&scope.changes).words()));
        }
        // what is in sync has none, and nothing stands behind its state
        line.spans.pop_if(|(_, text)| text.trim().is_empty());
        let changes = show::in_order(&scope.changes).map(|change| change.key.clone()).collect();
        Numbered { id: scope.id, line, changes, sum: Summary::of([scope]) }
    }
}

fn before(number: String, line: &Line) -> Line {
    let mut numbered = Line::of(line.indent, Role::Muted, number);
    numbered.spans.extend(line.spans.iter().cloned());
    numbered
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::engine::port::Utilisation;
    use crate::model::DriftState;

    fn list() -> List {
        let scope = |n: u8, in_sync| ScopeDrift {
            id: ScopeId::new([10, 0, n, 0].into(), 24).unwrap(),
            name: Some(format!("Office {n}").into()),
            server_ids: [None, None],
            state: if in_sync { DriftState::InSync } else { DriftState::Drifted },
            reason: None,
            changes: Vec::new(),
            hides: false,
            ignored: Default::default(),
        };
        let numbered = |scope: &ScopeDrift| Numbered {
            id: scope.id,
            line: Line::of(0, Role::Plain, format!("{}  {}", scope.id.short(), scope.name.as_ref().unwrap())),
            changes: ["next-server", "comment"].map(ItemKey::property).into(),
            sum: Summary::of([scope]),
        };
        let group = |name: &str, scopes: Vec<ScopeDrift>| Group {
            name: Foreign::from(name),
            source_member: 1,
            title: Line::of(0, Role::Title, name),
            findings: 0,
            scopes: scopes.iter().map(numbered).collect(),
            said: Said::default(),
            servers: [Some("one".into()), Some("two".into())],
            used: Vec::new(),
            sheet: FactSheet::new(
                &compare::RelationshipDrift {
                    name: name.into(),
                    source: "one".into(),
                    target: "two".into(),
                    findings: Vec::new(),
                    trouble: None,
                    scopes,
                },
                &BTreeMap::new(),
            ),
        };
        let first = vec![scope(1, true), scope(2, false), scope(3, false)];
        List { groups: vec![group("Berlin", first), group("Bonn", vec![scope(3, false)])], absent: Vec::new() }
    }

    fn picked(words: &str) -> Result<Vec<(usize, Vec<String>)>, String> {
        let words: Vec<String> = words.split_whitespace().map(str::to_owned).collect();
        let ids = |pick: Picked| {
            (pick.relationship, pick.scopes.into_iter().flatten().map(|id| id.short()).collect::<Vec<_>>())
        };
        list().pick(&words).map(|all| all.into_iter().map(ids).collect()).map_err(|failure| failure.message)
    }

    #[test]
    fn numbers_ranges_names_and_ids_pick() {
        let of = |ids: &[&str]| ids.iter().map(|id| (*id).to_owned()).collect::<Vec<_>>();
        assert_eq!(picked("1.2"), Ok(vec![(0, of(&["10.0.2.0"]))]));
        assert_eq!(picked("1.1-2 2.1"), Ok(vec![(0, of(&["10.0.1.0", "10.0.2.0"])), (1, of(&["10.0.3.0"]))]));
        assert_eq!(picked("1.2-1.3"), Ok(vec![(0, of(&["10.0.2.0", "10.0.3.0"]))]));
        assert_eq!(picked("bonn"), Ok(vec![(1, vec![])]), "all of it");
        assert_eq!(picked("1.2 1"), Ok(vec![(0, vec![])]), "all of it");
        assert_eq!(picked("10.0.2.0/24"), Ok(vec![(0, of(&["10.0.2.0"]))]));
        assert_eq!(picked("").unwrap().len(), 2);
        for nothing in ["1.4", "3", "0", "1.0", "1.3-2", "1.2-2.1", "10.0.9.0", "office"] {
            assert!(picked(nothing).unwrap_err().contains("nothing in the list"), "{nothing}");
        }
        assert!(picked("10.0.3.0").unwrap_err().contains("several scopes"));
    }

    #[test]
    fn what_is_in_sync_is_listed_when_it_is_asked_for() {
        let text = |filter, all| {
            let filter = Filter::fleet(filter, &Survey::default());
            list().lines(&filter, all).iter().map(Line::text).collect::<Vec<_>>()
        };
        assert_eq!(
            text("", false),
            [
                "1  Berlin",
                "  1.2  10.0.2.0  Office 2",
                "  1.3  10.0.3.0  Office 3",
                "  3 scopes: 1 in sync, 2 drifted",
                "2  Bonn",
                "  2.1  10.0.3.0  Office 3",
                "  1 scope: 1 drifted"
            ]
        );
        assert!(text("", true).contains(&"  1.1  10.0.1.0  Office 1".to_owned()));
        for filter in ["\"OFFICE 1\"", "drift:in-sync", "-drift:drifted name:ICE"] {
            let sum = "  1 scope: 1 in sync; 2 more that the filter leaves out";
            assert_eq!(text(filter, false), ["1  Berlin", "  1.1  10.0.1.0  Office 1", sum], "{filter}");
        }
        assert_eq!(text("nowhere", false), ["nothing fits"]);
    }

    #[test]
    fn addresses_in_use_are_told_where_they_are_asked_for() {
        let id = |n: u8| ScopeId::new([10, 0, n, 0].into(), 24).unwrap();
        let of = |assigned| Utilisation { total: 200, assigned, declined: 0 };
        let mut list = list();
        // the source comes first, and what it does not tell the target may
        list.fill(&InUse::from([
            ("one".into(), [(id(1), of(20)), (id(2), of(190))].into()),
            ("two".into(), [(id(2), of(0)), (id(3), of(180))].into()),
        ]));
        let text = |filter| {
            let lines = list.lines(&Filter::fleet(filter, &Survey::default()), false);
            lines.iter().map(Line::text).filter(|line| line.contains("Office")).collect::<Vec<_>>()
        };
        let third = ["  1.3  10.0.3.0  Office 3; 90% used", "  2.1  10.0.3.0  Office 3; 90% used"];
        assert_eq!(text("used:>80"), ["  1.2  10.0.2.0  Office 2; 95% used", third[0], third[1]]);
        assert_eq!(text("used:<=90 -used:<50"), third);
        assert_eq!(text("name:3"), third.map(|line| line.strip_suffix("; 90% used").unwrap()));
    }

    #[test]
    fn scopes_and_changes_are_named_by_number_id_and_name() {
        let named = |word: &str| {
            let found = list().named(word).map_err(|failure| failure.message)?;
            Ok::<_, String>(found.iter().map(|(at, item)| format!("{at} {item}")).collect::<Vec<_>>())
        };
        let next_server = "0 10.0.2.0/24:properties/next-server";
        assert_eq!(named("1.2.1").unwrap(), [next_server]);
        assert_eq!(named("1.2.1-2").unwrap(), [next_server, "0 10.0.2.0/24:properties/comment"]);
        assert_eq!(named("1.2-3").unwrap(), ["0 10.0.2.0/24", "0 10.0.3.0/24"]);
        assert_eq!(named("10.0.2.0").unwrap(), ["0 10.0.2.0/24"]);
        assert_eq!(named("10.0.2.0:properties/comment").unwrap(), ["0 10.0.2.0:properties/comment"]);
        for (wrong, why) in [
            ("1", "a relationship is left out by"),
            ("bonn", "a relationship is left out by"),
            ("1.2.3", "1.2.3 is nothing: 10.0.2.0 has 2 changes"),
            ("1.2.0", "is nothing"),
            ("1.2.2-1", "is nothing"),
            ("1.9.1", "nothing in the list"),
            ("10.0.3.0:properties/comment", "several scopes"),
            ("10.0.2.0:comment", "SECTION/NAME"),
        ] {
            let told = named(wrong).unwrap_err();
            assert!(told.contains(why), "{wrong}: {told}");
        }
        let scopes = Some([ScopeId::new([10, 0, 3, 0].into(), 24).unwrap()].into());
        let numbers = list().numbers(&[Picked { relationship: 0, source_member: 1, scopes }]);
        let keys = ["next-server", "comment"].map(ItemKey::property);
        assert_eq!(numbers.values().collect::<Vec<_>>(), [&Numbers::new("1.3".into(), &keys)]);
    }
}
