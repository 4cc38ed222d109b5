//! The cmdlet's spelling, several sources at once, and selections from standard input, on
//! servers that are files: a server with two partners, and a pair beside it.
#![cfg(all(unix, feature = "kea"))]
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)] // helpers of tests may fail as tests may

mod common;

use std::fs::{self, File};
use std::io::Write;
use std::path::PathBuf;
use std::process::Stdio;

use common::program::{Finished, Home};
use common::terminal::{Start, Terminal};
use serde_json::{Value, json};

const CMDLET: &str = "Invoke-DhcpServerv4FailoverReplication";
const SOURCE: &str = "dhcpserver.contoso.com";

/// Entries of the configuration, and the files that they stand for.
const SERVERS: [&str; 5] = [SOURCE, "dhcpserver2.contoso.com", "dhcpserver3.contoso.com", "berlin", "hamburg"];

/// Relationships: name, the two servers' places in [`SERVERS`], scopes. All scopes differ.
const RELATIONSHIPS: [(&str, [usize; 2], &[&str]); 3] = [
    ("SFO-SIN-Failover", [0, 1], &["10.10.10.0", "10.20.20.0"]),
    ("SFO-NYC, east", [0, 2], &["20.20.20.0"]),
    ("Elbe", [3, 4], &["30.30.30.0"]),
];

struct Site(Home);

impl Site {
    fn new() -> Site {
        let site = Site(Home::new());
        let mut text = String::new();
        for (at, name) in SERVERS.iter().enumerate() {
            let file = site.file(at);
            fs::write(&file, serde_json::to_vec_pretty(&configuration(at)).unwrap()).unwrap();
            text += &format!("[[server]]\nname = {name:?}\nkind = \"kea\"\nfile = {file:?}\ncheck = \"off\"\n");
        }
        for (name, servers, _) in RELATIONSHIPS {
            text += &format!("[[relationship]]\nname = {name:?}\nservers = {:?}\n", servers.map(|at| SERVERS[at]));
        }
        site.0.write_config(&text);
        site
    }

    fn file(&self, server: usize) -> PathBuf {
        self.0.path().join(format!("{}.conf", SERVERS[server]))
    }

    /// All files as they are.
    fn files(&self) -> [Vec<u8>; SERVERS.len()] {
        std::array::from_fn(|server| fs::read(self.file(server)).unwrap())
    }

    /// Scopes that still differ.
    fn drifted(&self) -> Vec<String> {
        let report = self.0.run(&["drift", "--json"]).json();
        let all = report["relationships"].as_array().unwrap().iter().flat_map(|r| r["scopes"].as_array().unwrap());
        all.filter(|scope| scope["drift"] == "drifted")
            .map(|scope| scope["scope_id"].as_str().unwrap().into())
            .collect()
    }

    /// Runs a line as a shell would, with quotes taken off.
    fn run(&self, line: &str) -> Finished {
        self.0.run(&line.split_whitespace().map(|word| word.trim_matches('"')).collect::<Vec<_>>())
    }

    fn cmdlet(&self, arguments: &[&str]) -> Finished {
        self.0.run(&[&[CMDLET], arguments].concat())
    }

    /// Fails with this reason, and nothing is written.
    #[track_caller]
    fn refused(&self, arguments: &[&str], reason: &str) {
        let before = self.files();
        let ran = self.0.run(arguments).expect_code(1);
        assert!(ran.stderr.contains(reason), "{arguments:?}: {}", ran.stderr);
        assert!(ran.stdout.is_empty() && self.files() == before, "{arguments:?}");
    }

    fn with_input(&self, arguments: &[&str], input: &str) -> Finished {
        let mut command = self.0.scopesync(arguments);
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut child = command.spawn().unwrap();
        // what is refused may be refused before it is read
        drop(child.stdin.take().unwrap().write_all(input.as_bytes()));
        child.wait_with_output().unwrap().into()
    }
}

/// What a server's file says. The first of a relationship's servers has the intended values.
fn configuration(server: usize) -> Value {
    let own = RELATIONSHIPS.iter().filter(|(_, servers, _)| servers.contains(&server));
    let mut failover = Vec::new();
    let mut subnets = Vec::new();
    for (name, servers, scopes) in own {
        let peer = |at: usize, role: &str| {
            let url = format!("http://192.0.2.{}:80{}/", at + 1, name.len());
            json!({"name": format!("{} in {name}", SERVERS[at]), "url": url, "role": role})
        };
        failover.push(json!({
            "this-server-name": format!("{} in {name}", SERVERS[server]),
            "mode": "hot-standby",
            "peers": [peer(servers[0], "primary"), peer(servers[1], "standby")],
        }));
        for scope in scopes.iter() {
            let id: u32 =
                scope.split('.').next().unwrap().parse::<u32>().unwrap() + u32::from(scope.ends_with("20.20.0"));
            subnets.push(json!({
                "id": id,
                "subnet": format!("{scope}/24"),
                "valid-lifetime": if servers[0] == server { 3600 } else { 7200 },
                "user-context": {"ha-server-name": format!("{} in {name}", SERVERS[servers[0]])},
            }));
        }
    }
    let hook = json!({"library": "libdhcp_ha.so", "parameters": {"high-availability": failover}});
    json!({"Dhcp4": {"hooks-libraries": [hook], "subnet4": subnets}})
}

#[test]
fn the_examples_of_its_page_run_as_they_stand() {
    // As the page has them, with --force behind for want of a terminal; the third in both of its editions.
    for (line, written) in [
        (
            "scopesync Invoke-DhcpServerv4FailoverReplication -ComputerName \"dhcpserver.contoso.com\" \
             -Name \"SFO-SIN-Failover\"",
            "10.10.10.0\n10.20.20.0\n",
        ),
        (
            "scopesync Invoke-DhcpServerv4FailoverReplication -ComputerName \"dhcpserver.contoso.com\"",
            "10.10.10.0\n10.20.20.0\n20.20.20.0\n",
        ),
        (
            "scopesync Invoke-DhcpServerv4FailoverReplication -ComputerName dhcpserver.contoso.com \
             -ScopeId 10.10.10.0,20.20.20.0",
            "10.10.10.0\n20.20.20.0\n",
        ),
        (
            "scopesync invoke-dhcpserverv4failoverreplication -COMP dhcpserver.contoso.com -sc 10.10.10.0, 10.20.20.0",
            "10.10.10.0\n10.20.20.0\n",
        ),
    ] {
        let site = Site::new();
        let line = line.strip_prefix("scopesync ").unwrap();
        // the page's own line asks, and here nobody can answer
        let ran = site.run(line).expect_code(1);
        assert!(ran.stderr.contains("-Force replicates without asking, -WhatIf only shows the plan"), "{}", ran.stderr);
        let shown = site.run(&format!("{line} -WhatIf")).expect_code(0).stdout;
        assert!(shown.ends_with("what if: nothing was written\n"), "{shown}");
        assert_eq!(site.drifted().len(), 4);
        let ran = site.run(&format!("{line} -Force")).expect_code(0);
        assert_eq!(ran.stdout, written, "{line}");
        assert!(site.drifted().iter().all(|left| !written.contains(left.as_str())));
        assert_eq!(site.drifted().len(), 4 - written.lines().count());
    }
}

#[test]
fn the_cmdlet_at_a_terminal_asks_as_in_windows() {
    let site = Site::new();
    let start = Start::scopesync().home(&site.0).args([CMDLET, "-cn", SOURCE, "-ScopeId", "10.10.10.0"]).size(160, 50);
    let mut terminal = start.start();
    terminal.wait_for_text("[Y] Yes  [A] Yes to All  [N] No  [L] No to All");
    terminal.type_text("y\n");
    let end = terminal.wait_for_end();
    assert_eq!(end.status.code(), Some(0), "{}", end.view.text());
    assert_eq!(site.drifted(), ["10.20.20.0", "20.20.20.0", "30.30.30.0"]);
}

#[test]
fn names_and_mistakes() {
    let site = Site::new();
    // a name with a comma in it, beside another
    let ran = site.cmdlet(&["-Name", "sfo-nyc, east,SFO-SIN-Failover", "-cn", SOURCE, "-Confirm:False"]).expect_code(0);
    assert_eq!(ran.stdout, "20.20.20.0\n10.10.10.0\n10.20.20.0\n");
    let refused = |arguments: &[&str], reason| site.refused(&[&[CMDLET], arguments].concat(), reason);
    refused(&["-Force"], "-ComputerName is missing: which server is copied from?");
    refused(&["-cn", SOURCE, "-Confirm"], "-Confirm needs a terminal to ask on");
    refused(&["-cn", SOURCE, "-Force", "-Name", "SFO-SIN-Failover,Bonn"], "is called \"Bonn\"");
    refused(&["-cn", SOURCE, "-Force", "Elbe"], "no failover relationship is called \"Elbe\"");
    refused(&["-cn", SOURCE, "-Force", "-Scope", "10.9.9.0"], "there is no scope 10.9.9.0");
    let ran = site.cmdlet(&["-ScopeId", "10.10.10.0", "-Name", "x"]).expect_code(1);
    assert_eq!(
        ran.stderr,
        "scopesync: error: Parameter set cannot be resolved using the specified named parameters.\n\
         hint: -Name and -ScopeId exclude each other: a scope belongs to one relationship\n"
    );
    let help = site.cmdlet(&["-?"]).expect_code(0);
    assert_eq!(help.stdout, site.0.run(&["help", CMDLET]).expect_code(0).stdout);
}

#[test]
fn several_sources_in_one_run() {
    let site = Site::new();
    let before = site.files();
    // both partners: nothing is written, nor for the others
    for partners in ["dhcpserver.contoso.com,dhcpserver3.contoso.com", "berlin,hamburg,dhcpserver.contoso.com"] {
        site.refused(&["replicate", "--cim-session", partners, "--force"], " are partners in ");
        site.refused(&[CMDLET, "-CimSession", partners, "-Force"], "one must be the target");
        site.refused(&["replicate", "--cim-session", partners, "--what-if"], "name only the one that is copied from");
    }
    site.refused(&["replicate", "--cim-session", "berlin,bonn", "--force"], "no server is called \"bonn\"");
    site.refused(&["replicate", "--cim-session", "berlin", "--computer-name", "berlin"], "cannot be used with");
    let both = format!("{SOURCE},BERLIN");
    let both = both.as_str();
    let sources = |more: &[&'static str]| [&[CMDLET, "-Session", both, "-Force"], more].concat();
    site.refused(&sources(&["-Name", "Elbe"]), "dhcpserver.contoso.com has nothing of what is named");
    site.refused(&sources(&["-ScopeId", "10.10.10.0,30.30.30.0,10.9.9.0"]), "there is no scope 10.9.9.0");

    // one plan for all
    let plan = site.0.run(&["replicate", "--cim-session", both, "--what-if", "--json"]).expect_code(0).json();
    let directions: Vec<_> =
        plan["relationships"].as_array().unwrap().iter().map(|r| (&r["source"], &r["target"])).collect();
    let expected = [[0, 1], [0, 2], [3, 4]].map(|pair| pair.map(|at| Value::from(SERVERS[at])));
    assert_eq!(directions, expected.each_ref().map(|[source, target]| (source, target)));

    let ran = site.0.run(&sources(&["-ScopeId", "10.10.10.0,30.30.30.0", "-ThrottleLimit", "1"])).expect_code(0);
    assert_eq!(ran.stdout, "10.10.10.0\n30.30.30.0\n");
    let ran = site.0.run(&["replicate", "--cim-session", both, "--throttle-limit", "0", "--force"]).expect_code(0);
    assert_eq!(ran.stdout, "10.20.20.0\n20.20.20.0\n");
    assert!(site.drifted().is_empty());
    let after = site.files();
    assert!(after[0] == before[0] && after[3] == before[3], "sources are as they were");
    assert_eq!(site.0.runs(), 2, "one run each");
}

#[test]
fn every_relationship_of_several_sources_is_asked_about() {
    let site = Site::new();
    let arguments = ["replicate", "--cim-session", "berlin,dhcpserver.contoso.com"];
    let mut terminal = Start::scopesync().home(&site.0).args(arguments).size(160, 60).start();
    answer(&mut terminal, "from dhcpserver.contoso.com to dhcpserver2.contoso.com", "n");
    answer(&mut terminal, "from dhcpserver.contoso.com to dhcpserver3.contoso.com", "n");
    answer(&mut terminal, "from berlin to hamburg", "y");
    let end = terminal.wait_for_end();
    assert_eq!(end.status.code(), Some(3), "{}", end.view.text());
    assert_eq!(site.drifted(), ["10.10.10.0", "10.20.20.0", "20.20.20.0"]);
}

#[track_caller]
fn answer(terminal: &mut Terminal, question: &str, answer: &str) {
    terminal.wait_for(question, |view| {
        let text = view.text();
        text.rfind(question).is_some_and(|at| text[at..].trim_end().ends_with("(default is \"N\"):"))
    });
    terminal.type_text(&format!("{answer}\n"));
}

#[test]
fn selections_from_standard_input() {
    let replicate = ["replicate", "--from-stdin", "--computer-name", SOURCE, "--force"];
    for (arguments, input, written) in [
        // objects of Windows: a scope, a relationship with its list of scopes
        (&replicate[..], json!([{"ScopeId": "10.10.10.0", "Name": "Floor 1"}]), "10.10.10.0\n"),
        (&replicate, json!({"Name": "SFO-SIN-Failover", "ScopeId": ["10.10.10.0"]}), "10.10.10.0\n10.20.20.0\n"),
        (&[CMDLET, "--from-stdin", "-cn", SOURCE, "-Force"], json!({"name": "SFO-NYC, east"}), "20.20.20.0\n"),
    ] {
        let site = Site::new();
        let ran = site.with_input(arguments, &input.to_string()).expect_code(0);
        assert_eq!(ran.stdout, written, "{input}");
        // an empty pipe is not everything
        let ran = site.with_input(arguments, "").expect_code(1);
        assert!(ran.stderr.contains("names no scope and no relationship"), "{}", ran.stderr);
    }
}

#[test]
fn what_is_printed_can_be_read_again() {
    let site = Site::new();
    let print = |arguments: &[&str]| site.0.run(&[arguments, &["--json"]].concat()).json();
    let plan = |input: &Value| {
        let arguments =
            ["replicate", "--from-stdin", "--cim-session", "dhcpserver.contoso.com,berlin", "--what-if", "--json"];
        let plan = site.with_input(&arguments, &input.to_string()).expect_code(0).json();
        plan["summary"]["scopes"].as_u64().unwrap()
    };
    let drift = print(&["drift"]);
    for list in [&drift, &drift["relationships"], &print(&["scopes"]), &print(&["relationships"])] {
        assert_eq!(plan(list), 4, "{list}");
    }
    // filtered down to elements: one scope of each source
    let mut chosen = drift["relationships"][0]["scopes"][0].to_string() + "\n";
    chosen += &drift["relationships"][2].to_string();
    let again = site.with_input(&["drift", "--from-stdin", "--json"], &chosen).expect_code(2).json();
    assert_eq!(again["summary"]["scopes"], 2);
    assert_eq!(plan(&again), 2);
    let ran = site.with_input(&["drift", "--from-stdin", "Elbe"], "{}").expect_code(1);
    assert!(ran.stderr.contains("--from-stdin"), "{}", ran.stderr);
}

#[test]
fn bad_input_is_refused_before_anything_is_written() {
    let site = Site::new();
    let before = site.files();
    let replicate = ["replicate", "--from-stdin", "--computer-name", SOURCE, "--force"];
    for (input, reason) in [
        ("[]", "without --from-stdin everything would be selected"),
        ("{\"Name\": \"Elbe\"}\n{\"ScopeId\": \"10.10.10.0\"}", "standard input has scopes and relationships"),
        ("{\"Name\": \"Elbe\",\n  oops}", "no JSON: line 2, column 3: "),
        ("{\"Name\": \"Elbe\"}", "no failover relationship is called \"Elbe\""),
        ("{\"ScopeId\": \"30.30.30.0\"}", "scope 30.30.30.0 is in no failover relationship of dhcpserver.contoso.com"),
    ] {
        let ran = site.with_input(&replicate, input).expect_code(1);
        assert!(ran.stdout.is_empty() && ran.stderr.contains(reason), "{input}: {}", ran.stderr);
    }
    // as many blanks as are too many, and nothing that holds them all
    let path = site.0.path().join("large");
    File::create(&path).unwrap().set_len(scopesync::cli::from_stdin::LIMIT + 1).unwrap();
    let output = site.0.scopesync(&replicate).stdin(File::open(&path).unwrap()).output().unwrap();
    let ran = Finished::from(output).expect_code(1);
    assert!(ran.stderr.contains("standard input has more than 64 MiB"), "{}", ran.stderr);
    assert!(site.files() == before);
}

#[test]
fn answers_come_from_the_terminal_when_the_selection_comes_from_a_pipe() {
    let site = Site::new();
    let path = site.0.path().join("selection.json");
    // what would be a yes, were it an answer
    fs::write(&path, "{\"ScopeId\": \"10.10.10.0\"}\n\n").unwrap();
    let arguments = ["replicate", "--from-stdin", "--computer-name", SOURCE];
    // a shell, because a terminal controls only who has it as standard input
    let line = format!("exec '{}' {} < '{}'", env!("CARGO_BIN_EXE_scopesync"), arguments.join(" "), path.display());
    let start = || Start::program("/bin/sh").home(&site.0).args(["-c", &line]).size(160, 50).start();
    for (typed, status, left) in [("n", 3, 4), ("y", 0, 3)] {
        let mut terminal = start();
        answer(&mut terminal, "Replicate 1 scope of SFO-SIN-Failover", typed);
        let end = terminal.wait_for_end();
        assert_eq!((end.status.code(), site.drifted().len()), (Some(status), left), "{}", end.view.text());
    }

    // nobody is there to answer
    let ran = site.with_input(&arguments, "{\"ScopeId\": \"10.20.20.0\"}").expect_code(1);
    assert!(ran.stderr.contains("without a terminal nobody can be asked"), "{}", ran.stderr);
    // a terminal is no JSON
    let end = Start::scopesync().home(&site.0).args(arguments).start().wait_for_end();
    assert!(end.view.contains("that is a terminal") && end.status.code() == Some(1), "{}", end.view.text());
}
