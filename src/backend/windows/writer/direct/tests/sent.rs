//! What becomes of the calls.

use std::collections::BTreeSet;

use async_trait::async_trait;

use super::super::{Again, carry_out};
use super::table::with;
use super::*;
use crate::backend::exchange::Broken;
use crate::backend::windows::cim::Dhcp;
use crate::backend::windows::wire::Answer;
use crate::backend::windows::wsman::fake::{Fake, answer, enveloped};
use crate::engine::port::{Control, Done, Gate};
use crate::engine::prerequisites;
use crate::engine::shrink::{Holder, Lost};
use crate::engine::{Error, ErrorKind};
use crate::model::{Canonical, Context, Definition, DefinitionKind, IdentifierKind, Item, ItemKey, ScopeId, Value};

/// Another exclusion, and another value of an option.
fn three_calls() -> Vec<Step> {
    let ours = with(&[("/Exclusions/0", range("10.0.0.30", "10.0.0.40")), ("/Options/0/Value", json!(["10.0.0.2"]))]);
    let Steps { steps, .. } = laid_out(&ours, &with(&[]));
    assert_eq!(steps.len(), 3);
    steps
}

type Given = Result<Answer, Broken>;

fn returned(number: u32) -> Given {
    Ok(answer(200, &enveloped("", &format!("<O><ReturnValue>{number}</ReturnValue></O>"))))
}

fn lost(sent: bool) -> Given {
    Err(Broken { error: Error::new(ErrorKind::Unreachable, "the line broke"), sent })
}

async fn outcome(answers: impl IntoIterator<Item = Given>, ctl: &Control) -> (String, usize) {
    outcome_at(&(), answers, ctl).await
}

async fn outcome_at(gate: &dyn Gate, answers: impl IntoIterator<Item = Given>, ctl: &Control) -> (String, usize) {
    let fake = Fake::answering(answers);
    let (work, server) = (made(&with(&[]), &with(&[])), "b".into());
    let again = Again { work: &work, server: &server, gate, ctl };
    let done = carry_out(&Dhcp::new(fake.client(), None), &three_calls(), |error| error, &again).await;
    let told = match done {
        Done::Applied => "applied".to_owned(),
        Done::Partial { done, cause } => {
            format!("partial {:?}: {cause}", done.iter().map(ToString::to_string).collect::<Vec<_>>())
        }
        Done::Rejected(cause) => format!("rejected: {cause}"),
        Done::Unknown(cause) => format!("unknown: {cause}"),
        Done::Cancelled => "cancelled".to_owned(),
    };
    (told, fake.asked().len())
}

#[tokio::test]
async fn the_first_failure_without_an_explanation_is_the_end() {
    let unsaid = || Ok(answer(200, &enveloped("", "<O/>")));
    let broken = || Ok(answer(200, "<html/>"));
    let rows: Vec<(Vec<Given>, &str, usize)> = vec![
        (vec![returned(0), returned(0), returned(0)], "applied", 3),
        // what was to go is gone already
        (vec![returned(20_006), returned(0), returned(0)], "applied", 3),
        (vec![returned(20_006), returned(20_021)], "rejected: excluding 10.0.0.30-10.0.0.40: ", 2),
        (vec![returned(20_010)], "rejected: removing the exclusion 10.0.0.30-10.0.0.39: ", 1),
        (vec![returned(5)], "rejected: ", 1),
        (vec![returned(0), returned(20_021)], "partial [\"exclusion 10.0.0.30-10.0.0.39\"]: excluding ", 2),
        (
            vec![returned(0), returned(0), returned(20_010)],
            "partial [\"exclusion 10.0.0.30-10.0.0.39\", \"exclusion 10.0.0.30-10.0.0.40\"]: setting option 3: ",
            3,
        ),
        (vec![returned(0), lost(false)], "partial [", 2),
        (vec![lost(false)], "rejected: removing", 1),
        (vec![lost(true)], "unknown: removing the exclusion 10.0.0.30-10.0.0.39: the line broke", 1),
        (vec![returned(0), unsaid()], "unknown: excluding 10.0.0.30-10.0.0.40: ", 2),
        (vec![returned(0), broken()], "unknown: ", 2),
    ];
    for (answers, wanted, calls) in rows {
        let (told, asked) = outcome(answers, &Control::free()).await;
        assert!(told.starts_with(wanted) && asked == calls, "{told}, {asked} calls, not {wanted}");
    }
    let ctl = Control::free();
    ctl.hard.cancel();
    assert_eq!(outcome([], &ctl).await, ("cancelled".to_owned(), 0));
}

/// The scope has moved meanwhile.
struct Moved;

#[async_trait]
impl Gate for Moved {
    async fn ask(&self, _ctl: &Control) -> Result<(), Error> {
        Ok(())
    }

    async fn unmoved(&self, _ids: &[ScopeId], _ctl: &Control) -> Result<BTreeSet<ScopeId>, Error> {
        Ok(BTreeSet::new())
    }
}

/// What was not begun may be asked for once more.
#[tokio::test(start_paused = true)]
async fn a_call_that_was_not_begun_is_sent_once_more() {
    let busy = || {
        let quota = "<s:Fault><s:Detail><f:WSManFault Code='2150859174'/></s:Detail></s:Fault>";
        Ok(answer(500, &enveloped("", quota)))
    };
    let done = || [returned(0), returned(0), returned(0)];
    let [syncing, refused] = [20_133, 5].map(|number| move || returned(number));
    let ctl = Control::free();
    let after = |first: Vec<Given>| first.into_iter().chain(done()).collect::<Vec<_>>();
    assert_eq!(outcome(after(vec![busy()]), &ctl).await, ("applied".to_owned(), 4));
    assert_eq!(outcome(after(vec![syncing()]), &ctl).await, ("applied".to_owned(), 4));
    for (answers, said, calls) in [
        (vec![busy(), busy()], "rejected: removing the exclusion", 2),
        (vec![busy(), refused()], "rejected: removing the exclusion", 2),
        (vec![syncing(), syncing()], "rejected: removing the exclusion", 2),
        // we have changed the scope ourselves
        (vec![returned(0), syncing()], "partial [\"exclusion 10.0.0.30-10.0.0.39\"]", 2),
        (vec![returned(0), busy(), returned(0), busy(), lost(true)], "unknown: ", 5),
    ] {
        let (told, asked) = outcome(answers, &ctl).await;
        assert!(told.starts_with(said) && asked == calls, "{told}, {asked} calls");
    }
    let (told, asked) = outcome_at(&Moved, [syncing()], &ctl).await;
    assert!(told.contains("the scope has changed meanwhile") && asked == 1, "{told}");
    let cancel = ctl.soft.clone();
    let stop = async {
        tokio::time::sleep(std::time::Duration::from_secs(1)).await;
        cancel.cancel();
    };
    let ((told, asked), ()) = tokio::join!(outcome([syncing()], &ctl), stop);
    assert!(told.contains("cancelled before it was asked again") && asked == 1, "{told}");
}

fn made(source: &Json, target: &Json) -> Work {
    let server = dns("OnClientRequest");
    work(&open(source, &server), &open(target, &server), &server)
}

#[test]
fn only_what_the_scope_itself_hands_out_can_be_lost() {
    let shorter = with(&[("/Scope/EndRange", json!("10.0.0.190")), ("/PolicyRanges/0", json!("gone"))]);
    let work = made(&shorter, &with(&[]));
    let of = |client: &str, address: &&str| Holder {
        address: address.parse().unwrap(),
        known_by: vec![(IdentifierKind::ClientId, client.to_owned())],
    };
    let held = |addresses: &[&str]| Some(addresses.iter().map(|address| of("", address)).collect());
    let message = |refusal: Option<crate::engine::port::Refusal>| refusal.map(|refusal| refusal.message);
    let lost = Lost::by(&work);
    assert_eq!(message(lost.refusal(held(&["10.0.0.105", "10.0.0.190", "10.0.0.201"]), "")), None);
    let told = message(lost.refusal(held(&["10.0.0.191", "10.0.0.200"]), ""));
    assert_eq!(told.unwrap(), "ranges shrink on the target under 2 leases (10.0.0.191, 10.0.0.200)");
    let told = message(lost.refusal(None, " (access denied)"));
    assert_eq!(told.unwrap(), "ranges shrink on the target, and the target cannot list its leases (access denied)");
    assert!(Lost::by(&made(&with(&[("/PolicyRanges/0", json!("gone"))]), &with(&[]))).is_empty());
    assert!(Lost::by(&made(&with(&[]), &shorter)).is_empty());
    // exclusions count, and a reservation keeps an address for its own client alone
    let excluded =
        [("/Exclusions/0", range("10.0.0.30", "10.0.0.45")), ("/Exclusions/+", range("10.0.0.60", "10.0.0.60"))];
    let reserved = ("/Reservations/0", reservation("10.0.0.42", "AA-01", "one"));
    let work = made(&with(&[excluded[0].clone(), excluded[1].clone(), reserved]), &with(&[]));
    let lost = Lost::by(&work);
    let told = |client: &str, address: &str| message(lost.refusal(Some(vec![of(client, &address)]), ""));
    let under = |address: &str| Some(format!("addresses are excluded on the target under 1 lease ({address})"));
    assert_eq!(
        [told("bb-02", "10.0.0.39"), told("bb-02", "10.0.0.46"), told("aa-01", "10.0.0.42")],
        [None, None, None]
    );
    assert_eq!(told("bb-02", "10.0.0.40"), under("10.0.0.40"));
    assert_eq!(told("bb-02", "10.0.0.60"), under("10.0.0.60"));
    assert_eq!(told("bb-02", "10.0.0.42"), under("10.0.0.42"));
    assert!(Lost::by(&made(&with(&[]), &with(&excluded))).is_empty());
}

#[test]
fn what_is_made_anew_is_known_with_what_it_would_lose() {
    let anew = |ours: &[(&str, Json)], theirs: &[(&str, Json)]| {
        let Steps { anew, .. } = laid_out(&with(ours), &with(theirs));
        anew.into_iter().map(|(key, lost)| (key.to_string(), lost)).collect::<Vec<_>>()
    };
    assert_eq!(anew(&[("/Scope/Name", json!("x"))], &[]), []);
    let circle = [("/Reservations/0/ClientId", json!("02-02")), ("/Reservations/1/ClientId", json!("01-01"))];
    assert_eq!(anew(&circle, &[]), [("reservation 10.0.0.202".to_owned(), Vec::new())]);
    // what a call cannot say would be lost, where the target has it and shall keep it
    let dropped = || ("/Policies/0/UserClass", json!([]));
    let future = || ("/Policies/0/Future", json!("x"));
    let of_bits = || ("/Options/+", service::dns_option(0x80, "A"));
    let lost = |lost: &[&str]| vec![("policy A".to_owned(), lost.iter().map(ToString::to_string).collect::<Vec<_>>())];
    assert_eq!(anew(&[dropped(), future(), of_bits()], &[]), lost(&[]));
    assert_eq!(anew(&[dropped()], &[future(), of_bits()]), lost(&[]));
    let kept = anew(&[dropped(), future(), of_bits()], &[future(), of_bits()]);
    assert_eq!(kept, lost(&["Future of policy A", "dns-setting option-81 of policy A"]));
}

/// A value that its property does not take is never shown.
#[test]
fn a_value_that_does_not_fit_is_named_by_its_property() {
    let mut work = made(&with(&[("/Scope/Delay", json!(5))]), &with(&[]));
    let odd = Item::single(Value::own(json!("secret")));
    work.want.as_mut().unwrap().items.insert(ItemKey::property("delay"), odd);
    let error = steps::of(&work).unwrap_err().to_string();
    assert_eq!(error, "the value to write of Delay is not what the property takes");
}

/// A class that nothing of what is written names is no reason to refuse.
#[test]
fn classes_that_are_written_must_be_there() {
    let refusals = |ours: &[(&str, Json)], context: &Context| -> Vec<String> {
        let refusals = prerequisites::missing_classes(&made(&with(ours), &with(&[])), context);
        refusals.into_iter().map(|refusal| refusal.message).collect()
    };
    let nothing = Context::default();
    assert_eq!(refusals(&[("/Scope/Name", json!("x")), ("/Options/0/Value", json!(["y"]))], &nothing), [""; 0]);
    assert_eq!(refusals(&[("/Options/1/Value", json!(["y"]))], &nothing), ["the target has no vendor class Phones"]);
    assert_eq!(refusals(&[("/Policies/0/Description", json!("y"))], &nothing), ["the target has no user class K"]);
    let by_user = option(12, &["four"], "", "U", "");
    let reserved = [
        ("/Reservations/+", reservation("10.0.0.204", "04-04", "")),
        ("/ReservationOptions", json!({"10.0.0.201": [option(12, &["one"], "", "", "")], "10.0.0.204": [by_user]})),
    ];
    assert_eq!(refusals(&reserved, &nothing), ["the target has no user class U"]);
    let mut known = Context::default();
    let there = Definition { fields: [].into(), label: None };
    known.definitions.insert((DefinitionKind::UserClass, "U".into()), there);
    assert_eq!(refusals(&reserved, &known), [""; 0]);
    let unread = Context { unread: [(DefinitionKind::UserClass, None)].into(), ..Context::default() };
    assert_eq!(refusals(&reserved, &unread), [""; 0]);
}

/// Only what is written counts, and only where both sides tell a type.
#[test]
fn options_that_are_written_must_be_of_one_type() {
    let context = |kind: Option<&str>| {
        let mut context = Context::default();
        let fields = kind.into_iter().map(|kind| ("type".into(), Canonical::text(kind))).collect();
        let key = (DefinitionKind::OptionDefinition, "dhcp4/66".into());
        context.definitions.insert(key, Definition { fields, label: None });
        context
    };
    let refusals = |ours: &[(&str, Json)], theirs: Option<&str>| -> Vec<String> {
        let [source, target] = [Some("string"), theirs].map(context);
        let refusals = prerequisites::other_types(&made(&with(ours), &with(&[])), [&source, &target]);
        refusals.into_iter().map(|refusal| refusal.message).collect()
    };
    let changed = [("/Options/2/Value", json!(["other"]))];
    let said = "option dhcp4/66 is of another type on the target: source string, target binarydata";
    assert_eq!(refusals(&changed, Some("binarydata")), [said]);
    assert_eq!(refusals(&changed, Some("string")), [""; 0]);
    assert_eq!(refusals(&changed, None), [""; 0]);
    assert_eq!(refusals(&[("/Options/0/Value", json!(["other"]))], Some("binarydata")), [""; 0]);
}
