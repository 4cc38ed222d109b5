//! The commands on servers in memory: exit statuses, what is asked, what is written where.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)] // helpers of tests may fail as tests may

mod common;

use std::io::{self, Write};
use std::sync::{Arc, Mutex};

use common::fake::{self, FakeJournal, FakeServer, Script};
use scopesync::cli::args::{Cli, Command};
use scopesync::cli::console::{Console, Dress};
use scopesync::cli::replicate::{Ask, Question};
use scopesync::cli::{Failure, drift, ha_reset, relationships, replicate, scopes};
use scopesync::engine::approval::Answer;
use scopesync::engine::fleet::Fleet;
use scopesync::engine::ignore::IgnoreRule;
use scopesync::engine::port::Refusal;
use scopesync::model::ItemKey;
use serde_json::{Value, json};

const A: &str = "10.0.0.0/24";
const B: &str = "10.0.1.0/24";
const C: &str = "10.0.2.0/24";

/// Two scopes that differ and one that is the same.
fn drifted() -> (FakeServer, FakeServer) {
    let mut a = fake::scope(A, &[("id", json!(1)), ("valid-lifetime", json!(3600))]);
    fake::reserve(&mut a, "10.0.0.10", "02:00:00:00:00:01");
    let mut old = fake::scope(A, &[("id", json!(1)), ("valid-lifetime", json!(7200))]);
    fake::reserve(&mut old, "10.0.0.99", "02:00:00:00:00:99");
    let b = |lifetime| fake::scope(B, &[("id", json!(2)), ("valid-lifetime", json!(lifetime))]);
    let c = || fake::scope(C, &[("id", json!(3))]);
    fake::pair(vec![a, b(1000), c()], vec![old, b(2000), c()])
}

fn in_sync() -> (FakeServer, FakeServer) {
    let c = || fake::scope(C, &[("id", json!(3))]);
    fake::pair(vec![c()], vec![c()])
}

#[derive(Clone, Default)]
struct Paper(Arc<Mutex<Vec<u8>>>);

impl Write for Paper {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.lock().unwrap().write(bytes)
    }
    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl Paper {
    fn text(&self) -> String {
        String::from_utf8(self.0.lock().unwrap().clone()).unwrap()
    }
}

/// Answers in order, remembering what was asked.
#[derive(Default)]
struct Answers {
    answers: Vec<Answer>,
    asked: Vec<String>,
}

impl Ask for Answers {
    fn ask(&mut self, question: &Question, _console: &mut Console) -> io::Result<Answer> {
        self.asked.push(question.text.clone());
        Ok(self.answers.remove(0))
    }
}

struct Ran {
    result: Result<u8, Failure>,
    out: String,
    err: String,
    asked: Vec<String>,
}

impl Ran {
    #[track_caller]
    fn status(&self) -> u8 {
        *self.result.as_ref().unwrap_or_else(|failure| panic!("{failure}\n{}\n{}", self.out, self.err))
    }
    #[track_caller]
    fn failure(&self) -> String {
        let failure = self.result.as_ref().expect_err("a failure");
        format!("{failure} | {}", failure.hint.clone().unwrap_or_default())
    }
    #[track_caller]
    fn json(&self) -> Value {
        serde_json::from_str(&self.out).unwrap_or_else(|error| panic!("{error} in {}", self.out))
    }
}

/// Runs a command line at a terminal or away from one.
async fn run_in(fleet: &Fleet, line: &str, terminal: bool, answers: &[Answer]) -> Ran {
    run_kept(fleet, &FakeJournal::default(), line, terminal, answers).await
}

async fn run_kept(fleet: &Fleet, journal: &FakeJournal, line: &str, terminal: bool, answers: &[Answer]) -> Ran {
    let (out, err) = (Paper::default(), Paper::default());
    let dress = Dress { terminal, ..Dress::default() };
    let mut console = Console::new(Box::new(out.clone()), Box::new(err.clone()), dress);
    let mut ask = Answers { answers: answers.to_vec(), ..Answers::default() };
    let words = std::iter::once("scopesync").chain(line.split_whitespace()).map(Into::into);
    let command = Cli::read(words).unwrap().command.unwrap();
    let result = match command {
        Command::Drift(asked) => drift::run(fleet, &asked, &mut console).await,
        Command::Relationships(asked) => relationships::run(fleet, &asked, &mut console).await,
        Command::Scopes(asked) => scopes::run(fleet, &asked, &mut console).await,
        Command::Replicate(asked) => replicate::run(fleet, &asked, journal, None, "test", &mut ask, &mut console).await,
        Command::HaReset(asked) => ha_reset::run(fleet, &asked, journal, "test", &mut ask, &mut console).await,
        other => panic!("{other:?}"),
    };
    console.flush();
    Ran { result, out: out.text(), err: err.text(), asked: ask.asked }
}

async fn run(fleet: &Fleet, line: &str) -> Ran {
    run_in(fleet, line, false, &[]).await
}

fn nothing_written(servers: &(FakeServer, FakeServer)) -> bool {
    servers.0.writes().is_empty() && servers.1.writes().iter().all(|call| call.starts_with("reread"))
}

#[tokio::test]
async fn drift_shows_both_values_and_ends_with_2() {
    let fleet = fake::fleet(&drifted());
    let ran = run(&fleet, "drift --computer-name one").await;
    assert_eq!(ran.status(), 2);
    let expected = "\
one-two  load-balancing  one (load-balancing) -> two (load-balancing)
  10.0.0.0  drifted  +1 ~1 -1
    properties
      ~ update  valid-lifetime: source 3600, target 7200
    reservations
      + create  10.0.0.10: hw-address 02:00:00:00:00:01, ip-address 10.0.0.10
      - delete  10.0.0.99: hw-address 02:00:00:00:00:99, ip-address 10.0.0.99
  10.0.1.0  drifted  ~1
    properties
      ~ update  valid-lifetime: source 1000, target 2000
  3 scopes: 1 in sync, 2 drifted; 4 changes

";
    assert_eq!((ran.out.as_str(), ran.err.as_str()), (expected, ""));
}

#[tokio::test]
async fn drift_statuses() {
    let servers = in_sync();
    let ran = run(&fake::fleet(&servers), "drift").await;
    assert_eq!(ran.status(), 0);
    assert!(ran.err.contains("the primary of each relationship is the source"), "{}", ran.err);

    servers.1.inner().gone = true;
    let ran = run(&fake::fleet(&servers), "drift --json").await;
    assert_eq!(ran.status(), 3);
    assert!(ran.err.contains("not read: two: no answer"), "{}", ran.err);
    let document = ran.json();
    assert_eq!(document["schema"], "scopesync.drift/1");
    assert_eq!(document["relationships"][0]["scopes"][0]["drift"], "unknown");
    assert_eq!(document["servers"][1]["reachable"], false);

    let ran = run(&fake::fleet(&servers), "drift").await;
    assert_eq!((ran.err.matches("no answer").count(), ran.out.matches("no answer").count()), (1, 0), "{}", ran.out);
    assert!(ran.out.contains("unknown: two was not read"), "{}", ran.out);

    servers.0.inner().gone = true;
    assert!(run(&fake::fleet(&servers), "drift").await.failure().contains("no answer"));

    let only_there = fake::pair(vec![], vec![fake::scope(C, &[("id", json!(3))])]);
    let ran = run(&fake::fleet(&only_there), "drift").await;
    assert_eq!(ran.status(), 2);
    assert!(ran.out.contains("only on target: never deleted") && !ran.out.contains("- delete"), "{}", ran.out);
}

#[tokio::test]
async fn drift_from_the_other_side_and_of_one_scope() {
    let fleet = fake::fleet(&drifted());
    let document = run(&fleet, "drift --computer-name two.example.org --scope-id 10.0.1.0 --json").await.json();
    assert_eq!(document["relationships"][0]["source"]["server"], "two");
    let scopes = document["relationships"][0]["scopes"].as_array().unwrap();
    assert_eq!(scopes.len(), 1);
    let field = json!({"field": "value", "source": "2000", "target": "1000"});
    assert_eq!(scopes[0]["changes"][0]["fields"], json!([field]));
    assert_eq!(document["summary"]["changes"], 1);
    assert_eq!(run(&fleet, "drift --scope-id 10.0.2.0").await.status(), 0);
}

#[tokio::test]
async fn everything_named_must_be_there() {
    let servers = drifted();
    let fleet = fake::fleet(&servers);
    for (arguments, reason) in [
        ("Berlin", "no failover relationship is called \"Berlin\" | there is: one-two"),
        ("--scope-id 10.0.0.0,10.9.9.0", "there is no scope 10.9.9.0"),
        ("--computer-name three", "no server is called \"three\" | the configuration has: one, two"),
        ("Berlin --scope-id 10.0.0.0", "Berlin"),
    ] {
        let source = if arguments.contains("--computer-name") { "" } else { "--computer-name one" };
        for command in ["drift", "replicate --force", "replicate --what-if"] {
            let failure = run(&fleet, &format!("{command} {arguments} {source}")).await.failure();
            assert!(failure.contains(reason), "{command} {arguments}: {failure}");
        }
    }
    let failure = run(&fleet, "replicate --computer-name one --force --override nonsense").await.failure();
    assert!(failure.contains("\"nonsense\" | there is: ") && failure.contains("option-43"), "{failure}");
    assert!(run(&fleet, "scopes Berlin").await.failure().contains("\"Berlin\""));
    assert!(nothing_written(&servers));
}

#[tokio::test]
async fn a_name_and_a_scope_of_it() {
    let fleet = fake::fleet(&drifted());
    let document = run(&fleet, "drift one-two --scope-id 10.0.0.0 --json").await.json();
    assert_eq!(document["summary"]["scopes"], 1);
}

#[tokio::test]
async fn replicate_fails_at_once_without_a_source_or_someone_to_ask() {
    let servers = drifted();
    let fleet = fake::fleet(&servers);
    for (line, terminal, reason) in [
        (
            "replicate --force",
            true,
            "--computer-name is missing: which server is copied from? | the configuration has: one, two",
        ),
        ("replicate --computer-name one", false, "without a terminal nobody can be asked | --force"),
        ("replicate --computer-name one --force --confirm", false, "--confirm needs a terminal"),
    ] {
        let failure = run_in(&fleet, line, terminal, &[]).await.failure();
        assert!(failure.contains(reason), "{line}: {failure}");
    }
    assert!(servers.0.inner().calls.is_empty() && servers.1.inner().calls.is_empty());
}

#[tokio::test]
async fn what_if_writes_nothing_whatever_else_is_given() {
    let servers = drifted();
    let fleet = fake::fleet(&servers);
    for more in ["", "--force", "--confirm", "--force --confirm"] {
        let ran = run_in(&fleet, &format!("replicate --computer-name one --what-if {more}"), true, &[]).await;
        assert_eq!(ran.status(), 0);
        assert!(ran.asked.is_empty());
        let text = &ran.out;
        assert!(
            text.contains("2 scopes will be written on two: 1 to create, 2 to update, 1 to delete; 1 in sync"),
            "{text}"
        );
        let deletion = text.find("deleted on two: 1 item\n    10.0.0.0  reservations - delete  10.0.0.99").unwrap();
        assert!(deletion < text.find("+ create").unwrap(), "{text}");
    }
    let document = run(&fleet, "replicate --computer-name one --what-if --json").await.json();
    assert_eq!(document["schema"], "scopesync.plan/1");
    assert_eq!(document["summary"]["changes"], 4);
    assert!(nothing_written(&servers));

    servers.0.inner().gone = true;
    let ran = run(&fleet, "replicate --computer-name two --what-if").await;
    assert_eq!(ran.status(), 3, "{}", ran.out);
    assert!(ran.out.contains("nothing can be written: not-read"), "{}", ran.out);
}

#[tokio::test]
async fn force_replicates_and_prints_the_scopes_alone_on_standard_output() {
    let servers = drifted();
    let fleet = fake::fleet(&servers);
    let ran = run(&fleet, "replicate --computer-name one --force").await;
    assert_eq!((ran.status(), ran.out.as_str()), (0, "10.0.0.0\n10.0.1.0\n"));
    assert!(ran.asked.is_empty());
    assert!(ran.err.contains("10.0.0.0  replicated, verified, saved"), "{}", ran.err);

    let ran = run(&fleet, "replicate --computer-name one --force").await;
    assert_eq!((ran.status(), ran.out.as_str()), (0, ""));
    assert!(ran.err.contains("there is nothing to replicate"), "{}", ran.err);
    assert_eq!(run(&fleet, "drift").await.status(), 0);
}

#[tokio::test]
async fn the_answer_decides() {
    for (flags, answer, status) in [
        ("", Answer::Yes, 0),
        ("", Answer::YesToAll, 0),
        ("--force --confirm", Answer::Yes, 0),
        ("", Answer::No, 3),
        ("--force --confirm", Answer::NoToAll, 3),
    ] {
        let servers = drifted();
        let fleet = fake::fleet(&servers);
        let ran = run_in(&fleet, &format!("replicate --computer-name one {flags}"), true, &[answer]).await;
        assert_eq!(ran.status(), status, "{flags} {answer:?}\n{}", ran.err);
        let expected = "Replicate 2 scopes of one-two from one to two, overwriting two: \
                        1 to create, 2 to update, 1 to delete?";
        assert_eq!(ran.asked, [expected]);
        assert_eq!(nothing_written(&servers), status == 3);
        assert_eq!(ran.out.is_empty(), status == 3);
    }
}

/// Says yes to all, and types the name, or not.
struct Named {
    types: bool,
    asked: Vec<String>,
}

impl Ask for Named {
    fn ask(&mut self, _: &Question, _: &mut Console) -> io::Result<Answer> {
        Ok(Answer::YesToAll)
    }
    fn wants_name(&self, deletions: usize) -> bool {
        deletions > 0
    }
    fn is_named(&mut self, name: &str, deletions: usize, _: &mut Console) -> io::Result<bool> {
        self.asked.push(format!("{name}, {deletions}"));
        Ok(self.types)
    }
}

#[tokio::test]
async fn many_deletions_are_confirmed_by_the_name_alone() {
    for (line, types, asked, wrote) in [
        ("", true, 1, true),
        ("", false, 1, false),
        ("--force --confirm", false, 1, false),
        ("--force", false, 0, true),
        ("--scope-id 10.0.1.0", false, 0, true),
    ] {
        let servers = drifted();
        let fleet = fake::fleet(&servers);
        let dress = Dress { terminal: true, ..Dress::default() };
        let mut console = Console::new(Box::new(Paper::default()), Box::new(Paper::default()), dress);
        let line = format!("scopesync replicate --computer-name one {line}");
        let command = Cli::read(line.split_whitespace().map(Into::into)).unwrap().command.unwrap();
        let Command::Replicate(replicate) = command else { panic!("{command:?}") };
        let mut ask = Named { types, asked: Vec::new() };
        let journal = FakeJournal::default();
        let ran = replicate::run(&fleet, &replicate, &journal, None, "test", &mut ask, &mut console).await;
        assert_eq!(ask.asked, vec!["one-two, 1"; asked], "{line}");
        assert_eq!(nothing_written(&servers), !wrote, "{line} {ran:?}");
    }
}

#[tokio::test]
async fn what_is_left_out_by_name_stays_as_it_is() {
    let line = "replicate --computer-name one --force --leave-out";
    let servers = drifted();
    let fleet = fake::fleet(&servers);
    for (item, told) in [
        ("10.0.0.0:reservations/10.0.0.98", "of 10.0.0.0 there is: "),
        ("10.0.9.0", "10.0.9.0 is not written by it"),
        ("10.0.0.0:ranges/10.0.0.99", "reservations/10.0.0.99"),
    ] {
        let failure = run(&fleet, &format!("{line} {item}")).await.failure();
        assert!(
            failure.contains(&format!("nothing of this plan is called {item}")) && failure.contains(told),
            "{failure}"
        );
    }
    assert!(nothing_written(&servers));
    let left = "10.0.0.0:reservations/10.0.0.99";
    let ran = run(&fleet, &format!("{line} {left} --leave-out 10.0.1.0/24 --json")).await;
    let report = ran.json();
    assert_eq!((ran.status(), &report["summary"]["replicated"]), (0, &json!(1)), "{report:#}");
    assert_eq!(report["relationships"][0]["scopes"][0]["left_out"][0]["item"], "10.0.0.99", "{report:#}");
    let drift = run(&fleet, "drift --json").await.json();
    let states = drift["relationships"][0]["scopes"].as_array().unwrap().iter();
    let differs = |scope: &Value| (scope["scope_id"].clone(), scope["changes"].as_array().unwrap().len());
    let states: Vec<_> = states.map(differs).filter(|(_, count)| *count > 0).collect();
    assert_eq!(states, [(json!("10.0.0.0"), 1), (json!("10.0.1.0"), 1)]);
    servers.1.inner().whole = true;
    let failure = run(&fleet, &format!("{line} {left}")).await.failure();
    assert!(failure.contains("copies whole scopes: only all of a scope can be left out"), "{failure}");
}

#[tokio::test]
async fn what_goes_wrong_shows_in_the_status() {
    let servers = drifted();
    servers.1.script(A, Script::Refuse);
    let ran = run(&fake::fleet(&servers), "replicate --computer-name one --force --json").await;
    assert_eq!(ran.status(), 3);
    let document = ran.json();
    assert_eq!(document["schema"], "scopesync.run/1");
    let outcomes: Vec<&str> = document["relationships"][0]["scopes"]
        .as_array()
        .unwrap()
        .iter()
        .map(|scope| scope["outcome"].as_str().unwrap())
        .collect();
    assert_eq!(outcomes, ["rejected", "replicated", "unchanged"]);

    let servers = drifted();
    servers.1.script(A, Script::Refuse);
    servers.1.script(B, Script::Refuse);
    let ran = run(&fake::fleet(&servers), "replicate --computer-name one --force").await;
    assert_eq!((ran.status(), ran.out.as_str()), (1, ""), "{}", ran.err);

    let servers = drifted();
    servers.1.inner().save_fails = true;
    let ran = run(&fake::fleet(&servers), "replicate --computer-name one --force").await;
    assert_eq!((ran.status(), ran.out.as_str()), (3, "10.0.0.0\n10.0.1.0\n"), "{}", ran.err);
    assert!(ran.err.contains("running, not saved") && ran.err.contains("mend it"), "{}", ran.err);

    let mut servers = drifted();
    servers.1.read_only = true;
    let fleet = fake::fleet(&servers);
    let failure = run(&fleet, "replicate --computer-name one --force").await.failure();
    assert!(failure.contains("nothing was written"), "{failure}");
    let ran = run(&fleet, "replicate --computer-name one --what-if").await;
    assert_eq!(ran.status(), 3);
    for text in [
        "hint: its entry in the configuration says read_only = true",
        "2 scopes would be written on two: 1 to create, 2 to update, 1 to delete",
        "would be deleted on two: 1 item",
        "+ create  10.0.0.10",
    ] {
        assert!(ran.out.contains(text), "{text} in {}", ran.out);
    }
    assert!(nothing_written(&servers));
}

#[tokio::test]
async fn a_refusal_is_overridden_by_its_name_alone() {
    let refusal = |name, overridable| Refusal { name, message: "why".into(), hint: "cure".into(), overridable };
    let line = "replicate --computer-name one --scope-id 10.0.0.0 --force";
    for (name, overridable, status) in [("option-43", true, 0), ("overlap", false, 1)] {
        let servers = drifted();
        servers.1.inner().refusals.insert(A.parse().unwrap(), vec![refusal(name, overridable)]);
        let fleet = fake::fleet(&servers);
        let ran = run(&fleet, &format!("{line} --what-if")).await;
        assert_eq!(ran.status(), 3);
        assert!(ran.out.contains(&format!("10.0.0.0  refused\n    {name}: why\n      hint: cure\n")), "{}", ran.out);
        assert_eq!(ran.out.contains("can be overridden"), overridable, "{}", ran.out);
        assert!(run(&fleet, line).await.failure().contains("refused"));
        assert!(nothing_written(&servers));
        let ran = run(&fleet, &format!("{line} --override option-43")).await;
        assert_eq!(ran.result.as_ref().map_or(1, |status| *status), status, "{}", ran.err);
        assert_eq!(ran.err.contains("overridden, option-43: why"), overridable, "{}", ran.err);
    }
}

#[tokio::test]
async fn lists() {
    let servers = drifted();
    servers.1.inner().scopes.remove(&C.parse().unwrap());
    let fleet = fake::fleet(&servers);
    let ran = run(&fleet, "relationships").await;
    let expected = "\
NAME     MODE            SERVER  ROLE       STATE           SCOPES
one-two  load-balancing  one     primary    load-balancing  3
                         two     secondary  load-balancing  2
";
    assert_eq!((ran.status(), ran.out.as_str(), ran.err.as_str()), (0, expected, ""));
    let ran = run(&fleet, "scopes").await;
    let expected = "\
SCOPE     NAME  RELATIONSHIP  ON        IN USE
10.0.0.0  -     one-two       both      -
10.0.1.0  -     one-two       both      -
10.0.2.0  -     one-two       only one  -
";
    assert_eq!((ran.status(), ran.out.as_str(), ran.err.as_str()), (0, expected, ""));

    let bad = || vec![(None, "a mask has a hole".into())];
    servers.1.inner().unreadable = bad();
    let ran = run(&fleet, "scopes").await;
    assert_eq!(ran.status(), 3);
    assert!(ran.out == expected && ran.err.contains("not read: two: a mask has a hole"), "{}{}", ran.out, ran.err);
    let odd = fake::pair(vec![], vec![]);
    odd.0.inner().unreadable = bad();
    let ran = run(&fake::fleet(&odd), "scopes").await;
    assert_eq!((ran.status(), ran.err.contains("there is no scope")), (3, false), "{}", ran.err);

    servers.1.inner().gone = true;
    let ran = run(&fleet, "relationships --json").await;
    assert_eq!(ran.status(), 3);
    let members = &ran.json()["relationships"][0]["members"];
    assert_eq!(members[1]["reason"], "two: no answer");
    let ran = run(&fleet, "scopes one-two --json").await;
    assert_eq!(ran.status(), 3);
    assert_eq!(ran.json()["scopes"][0]["servers"][1], json!({"server": "two", "present": null}));

    servers.0.inner().gone = true;
    assert!(run(&fleet, "relationships").await.failure().contains("no server could be read:\n  one: no answer"));
}

#[tokio::test]
async fn what_a_partner_last_heard_is_never_shown_as_how_it_is() {
    let servers = in_sync();
    servers.0.inner().partner_state = Some("load-balancing");
    servers.1.inner().gone = true;
    let fleet = fake::fleet(&servers);
    let ran = run(&fleet, "relationships").await;
    assert!(ran.out.contains("secondary  not reached; one last heard: load-balancing"), "{}", ran.out);
    let member = &run(&fleet, "relationships --json").await.json()["relationships"][0]["members"][1];
    assert_eq!((&member["state"], &member["heard"]), (&Value::Null, &json!("load-balancing")));
    let ran = run(&fleet, "drift --computer-name one").await;
    assert!(ran.out.contains("-> two (not reached; one last heard: load-balancing)"), "{}", ran.out);
    let document = run(&fleet, "drift --json").await.json();
    assert_eq!(document["relationships"][0]["target"]["state"], Value::Null);
    assert_eq!(document["relationships"][0]["findings"].as_array().unwrap().len(), 1);

    servers.0.inner().partner_state = Some("terminated");
    let document = run(&fleet, "drift --json").await.json();
    let finding = &document["relationships"][0]["findings"][1];
    assert_eq!(finding["message"], "one last heard of two: terminated");
    assert_eq!(finding["side"], "source");
}

#[tokio::test]
async fn two_entries_for_one_server_fail_every_command() {
    let servers = drifted();
    servers.1.inner().identity = Some("one");
    let fleet = fake::fleet(&servers);
    for line in ["relationships", "scopes", "drift", "replicate --computer-name one --force"] {
        let failure = run(&fleet, line).await.failure();
        assert!(failure.starts_with("one and two say that they are the same server"), "{line}: {failure}");
        assert!(failure.contains("| leave one of the entries out"), "{line}: {failure}");
    }
    assert!(nothing_written(&servers));
}

#[tokio::test]
async fn no_server_read_is_said_so_by_every_command() {
    let servers = drifted();
    servers.0.inner().gone = true;
    servers.1.inner().gone = true;
    let fleet = fake::fleet(&servers);
    for line in
        ["relationships", "scopes", "drift", "drift --computer-name two", "replicate --computer-name one --force"]
    {
        let failure = run(&fleet, line).await.failure();
        let reasons = "no server could be read:\n  one: no answer\n  two: no answer";
        assert!(failure.starts_with(reasons), "{line}: {failure}");
    }
}

#[tokio::test]
async fn an_address_within_a_scope_is_told_which() {
    let fleet = fake::fleet(&drifted());
    let failure = run(&fleet, "drift --scope-id 10.0.1.5").await.failure();
    assert!(failure.starts_with("there is no scope 10.0.1.5: that address lies in scope 10.0.1.0/24"), "{failure}");
}

#[tokio::test]
async fn one_reason_of_many_scopes_is_told_once() {
    let servers = drifted();
    servers.1.inner().gone = true;
    let ran = run(&fake::fleet(&servers), "drift --computer-name one").await;
    let line = "  3 scopes  unknown: two was not read\n    scopes: 10.0.0.0, 10.0.1.0, 10.0.2.0\n";
    assert!(ran.out.contains(line) && ran.err.matches("two: no answer").count() == 1, "{}", ran.out);
}

#[tokio::test]
async fn what_is_ignored_is_counted_with_its_reason() {
    let mut fleet = fake::fleet(&drifted());
    let rule = |item: &str, reason: &str| IgnoreRule {
        section: None,
        item: Some(item.into()),
        field: None,
        reason: reason.into(),
    };
    fleet.ignore = vec![rule("valid-lifetime", "tuned by hand"), rule("10.0.0.99", "the old printer")];
    let ran = run(&fleet, "drift --computer-name one").await;
    assert!(ran.out.contains("  3 differences ignored: the old printer (1), tuned by hand (2)\n"), "{}", ran.out);
    let document = run(&fleet, "drift --json").await.json();
    assert_eq!(document["summary"]["ignored"], 3);
    assert_eq!(document["relationships"][0]["scopes"][0]["ignored"], 2);
}

#[tokio::test]
async fn findings_name_the_servers() {
    let only_there = fake::pair(vec![], vec![fake::scope(C, &[("id", json!(3))])]);
    let ran = run(&fake::fleet(&only_there), "drift").await;
    assert!(ran.out.contains("critical (source): scopes missing on one, only on two: "), "{}", ran.out);
    let hidden = || {
        let mut scope = fake::scope(C, &[("id", json!(3))]);
        scope.unreadable.insert(ItemKey::property("secret"));
        scope
    };
    let document = run(&fake::fleet(&fake::pair(vec![hidden()], vec![hidden()])), "drift --json").await.json();
    let relationship = &document["relationships"][0];
    assert_eq!(relationship["findings"][0]["kind"], "unreadable");
    assert!(relationship["scopes"][0]["reason"].as_str().unwrap().contains("does not reveal"));
}

#[tokio::test]
async fn a_reset_is_shown_refused_asked_about_and_done() {
    let servers = in_sync();
    let fleet = fake::fleet(&servers);
    assert!(run(&fleet, "ha-reset one-two").await.failure().contains("nobody can be asked"));
    assert!(run(&fleet, "ha-reset nobody --force").await.failure().contains("there is: one-two"));
    assert!(run(&fleet, "ha-reset one-two --force --override drif").await.failure().contains("\"drif\""));
    let failure = run(&fleet, "ha-reset one-two --force").await.failure();
    assert!(failure.starts_with("nothing was sent: not-in-trouble"), "{failure}");

    for server in [&servers.0, &servers.1] {
        server.inner().state = Some("terminated");
    }
    let shown = run(&fleet, "ha-reset one-two --what-if --force").await;
    assert_eq!(shown.status(), 0);
    for wanted in ["cost to service: no DHCP from one and two", "  1. one and two get ha-reset", "nothing was sent"] {
        assert!(shown.out.contains(wanted), "{wanted}: {}", shown.out);
    }
    let document = run(&fleet, "ha-reset one-two --what-if --json").await.json();
    assert_eq!((&document["schema"], &document["refusals"]), (&json!("scopesync.reset-plan/1"), &json!([])));
    let declined = run_in(&fleet, "ha-reset one-two --force --confirm", true, &[Answer::No]).await;
    assert!(declined.failure().starts_with("declined: nothing was sent"));
    assert!(declined.asked[0].starts_with("Reset one-two on one and two at once: no DHCP from one and two"));
    assert!(nothing_written(&servers));

    let journal = FakeJournal { fails_at: Some("ready"), ..FakeJournal::default() };
    let unkept = run_kept(&fleet, &journal, "ha-reset one-two", true, &[]).await;
    assert!(unkept.failure().starts_with("nothing was sent: no-history: no room"), "{}", unkept.failure());
    assert!(unkept.asked.is_empty() && nothing_written(&servers));

    let ran = run_in(&fleet, "ha-reset one-two", true, &[Answer::Yes]).await;
    assert_eq!(ran.status(), 0, "{}", ran.out);
    assert!(ran.out.contains("one  in service after") && ran.err.contains("cost to service"), "{}", ran.out);
    assert_eq!(servers.0.writes(), ["reset one"]);
}
