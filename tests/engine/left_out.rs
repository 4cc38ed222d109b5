//! What is left out of a plan is not written by it, is told as left out, and is no failure.

use proptest::prelude::*;
use scopesync::engine::plan::{LeftItem, LeftOut};
use scopesync::model::*;

use super::*;

/// A scope from a number for each of its items: 0 is none, any other one of its values.
fn made(id: &str, values: &[u8]) -> Scope {
    let mut scope = fake::scope(id, &[("id", json!(1))]);
    let prefix = id.rsplit_once('.').unwrap().0;
    for (at, value) in values.iter().enumerate().filter(|(_, value)| **value > 0) {
        match at {
            0..3 => {
                let item = Item::single(Value::own(json!(value)));
                drop(scope.items.insert(ItemKey::property(format!("p{at}").as_str()), item));
            }
            // one client may be at several places: a reservation of it moves
            3..6 => fake::reserve(&mut scope, &format!("{prefix}.{at}"), &format!("02:00:00:00:00:0{value}")),
            // all of them overlap
            _ => {
                let (first, last) = (format!("{prefix}.100"), format!("{prefix}.{}", 100 + value));
                let key = ItemKey::range(first.parse().unwrap(), last.parse().unwrap());
                drop(scope.items.insert(key, Item { fields: Fields::default(), rank: None, label: None }));
            }
        }
    }
    scope
}

fn keys<'a>(changes: impl IntoIterator<Item = &'a Change>) -> BTreeSet<ItemKey> {
    changes.into_iter().map(|change| change.key.clone()).collect()
}

/// What differs now, by scope.
async fn differs(fleet: &Fleet) -> BTreeMap<ScopeId, BTreeSet<ItemKey>> {
    let plan = plan(fleet).await;
    let scopes = plan.relationships.iter().flat_map(|planned| &planned.scopes);
    scopes.map(|scope| (scope.id, keys(&scope.changes))).collect()
}

async fn leave_out(ours: Vec<Scope>, theirs: Vec<Scope>, chosen: Vec<bool>) -> Result<(), TestCaseError> {
    let servers = fake::pair(ours, theirs);
    let (fleet, ctl) = (fake::fleet(&servers), Control::free());
    let whole = plan(&fleet).await;
    let planned = &whole.relationships[0];
    let all = planned.scopes.iter().flat_map(|scope| scope.changes.iter().map(move |change| (scope, change)));
    let mut chosen = chosen.into_iter().cycle();
    let left_out: LeftOut = all
        .filter(|_| chosen.next() == Some(true))
        .map(|(scope, change)| LeftItem::new(planned, scope.id, &change.key))
        .collect();
    let less = whole.leaving_out(&fleet, &left_out, &ctl).await;
    prop_assert_eq!(&less.leaving_out(&fleet, &LeftOut::new(), &ctl).await.digest, &whole.digest, "and back again");
    prop_assert_eq!(less.digest == whole.digest, less.left_out().is_empty());
    prop_assert_eq!(less.leaving_out(&fleet, &less.left_out(), &ctl).await.digest, less.digest.clone());

    let mut expected = BTreeMap::new();
    for (before, scope) in planned.scopes.iter().zip(&less.relationships[0].scopes) {
        let left = keys(&scope.left_out);
        prop_assert_eq!(&keys(&before.changes), &keys(scope.changes.iter().chain(&scope.left_out)));
        for item in left_out.iter().filter(|item| item.scope == scope.id) {
            let is_there = left.iter().any(|key| key.to_string() == item.item);
            let is_created = before.state == DriftState::OnlyOnSource && item.item == "property id";
            prop_assert!(is_there || is_created, "{item:?} is written: {left:?}");
        }
        for change in scope.changes.iter().filter(|change| !left.is_empty() && change.moved.is_some()) {
            prop_assert!(!left.contains(change.moved.as_ref().unwrap()), "a client would be in two places");
        }
        let work = scope.work.as_ref();
        prop_assert_eq!(work.is_none(), scope.changes.is_empty());
        prop_assert!(work.is_none_or(|work| work.leaves_out != left.is_empty()));
        if !left.is_empty() {
            expected.insert(scope.id, left);
        }
    }
    let report = execute(&fleet, &less, Switches::default(), &FakeJournal::default()).await;
    prop_assert_eq!(report.exit_status(), 0, "{:?}", outcomes(&report));
    prop_assert_eq!(&differs(&fleet).await, &expected, "exactly what was left out differs as before");
    for scope in report.scopes() {
        prop_assert_eq!(keys(&scope.left_out), expected.get(&scope.id).cloned().unwrap_or_default());
        prop_assert!(scope.residual.is_empty());
    }
    let told = report.to_json().to_string();
    prop_assert_eq!(told.contains("left_out"), !expected.is_empty());
    Ok(())
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 128, ..ProptestConfig::default() })]

    #[test]
    fn what_is_left_out_is_never_written(
        sides in prop::array::uniform3(prop::collection::vec(0u8..4, 7)),
        new in prop::collection::vec(0u8..4, 7),
        chosen in prop::collection::vec(any::<bool>(), 1..12),
    ) {
        let [ours, theirs, same] = sides;
        let source = vec![made(A, &ours), made(B, &new), made(C, &same)];
        let target = vec![made(A, &theirs), made(C, &same)];
        let threads = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        threads.block_on(leave_out(source, target, chosen))?;
    }
}

#[tokio::test]
async fn what_is_left_out_is_told_in_words() {
    let servers = drifted();
    let (fleet, ctl) = (fake::fleet(&servers), Control::free());
    let whole = plan(&fleet).await;
    let planned = &whole.relationships[0];
    let item = |id: &str, text: &str| LeftItem {
        relationship: planned.name.clone(),
        target: planned.target.clone(),
        scope: id.parse().unwrap(),
        item: text.to_owned(),
    };
    let left_out = [item(A, "property valid-lifetime"), item(B, "property valid-lifetime")].into();
    let less = whole.leaving_out(&fleet, &left_out, &ctl).await;
    let text = |lines: Vec<Line>| lines.iter().map(Line::text).collect::<Vec<_>>().join("\n");
    let names = ScopeNames::default();
    let plan = text(show::plan(&less, &names));
    assert_eq!(plan.matches("left out, not written:").count(), 2, "{plan}");
    let report = execute(&fleet, &less, Switches::default(), &FakeJournal::default()).await;
    assert_eq!(outcomes(&report)[1], (B.to_owned(), Outcome::Skipped));
    let told = text(show::report(&report, &names));
    assert!(told.contains("left out, as it was before:") && told.contains("skipped: left out"), "{told}");
}
