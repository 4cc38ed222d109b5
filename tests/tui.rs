//! The real program in a pseudo-terminal: the main job on the demo pair and on a live pair,
//! and what happens when things go wrong meanwhile.
#![cfg(all(unix, feature = "kea"))]
// A test may fail as a test may.
#![allow(clippy::expect_used, clippy::unwrap_used, clippy::panic)]

mod common;

#[path = "tui/lines.rs"]
mod lines;

#[path = "tui/tasks.rs"]
mod tasks;

use std::time::{Duration, Instant};

use common::pair::{Pair, PairOptions, Side};
use common::program::{Home, NAMES, by_file, by_socket};
use common::terminal::{Signal, Start, Terminal, View};
use scopesync::config::{Config, Endpoint};
use scopesync::demo;
use scopesync::state::StateFolder;
use serde_json::json;

/// The line that says that an answer counts now.
const OPEN: &str = "y yes   a yes to all   n no";

fn demo(home: &Home) -> Terminal {
    let terminal = Start::scopesync().args(["--demo"]).home(home).size(100, 30).start();
    terminal.wait_for_text("17/43 drifted");
    terminal
}

fn live(home: &Home) -> Terminal {
    let config = home.config();
    let args = ["--config".into(), config.into_os_string()];
    Start::scopesync().args(args).home(home).size(100, 30).start()
}

#[track_caller]
fn ends_well(mut terminal: Terminal) {
    terminal.keys("q");
    let end = terminal.wait_for_end();
    end.assert_restored();
    assert_eq!(end.status.code(), Some(0), "{}", end.view);
}

/// Types as people do, each key when the one before is on the screen: what comes faster is taken for pasted.
fn type_by_hand(terminal: &mut Terminal, lead: &str, text: &str) {
    for end in 1..=text.len() {
        terminal.type_text(&text[end - 1..end]);
        terminal.wait_for_text(&format!("{lead}{}_", &text[..end]));
    }
}

#[test]
fn the_main_job_on_the_demo_pair() {
    let home = Home::new();
    let mut terminal = demo(&home);
    let start = terminal.mark();
    let view = terminal.wait_for_text("berlin → hamburg");
    assert!(view.contains("DEMO") && view.alternate_screen(), "{view}");
    terminal.keys("Enter a");
    terminal.wait_for_text("marked; 2 left out");
    terminal.keys("r");
    terminal.wait_for_text("delete reservation 10.20.14.31");
    terminal.wait_for_text(OPEN);
    terminal.keys("y");
    terminal.wait_for_text("14 replicated");
    terminal.wait_for_text("3/43 drifted");
    terminal.keys("J");
    terminal.wait_for_text("verified, saved, not running until reload");
    terminal.keys("q");
    terminal.wait_for_end().assert_restored();
    let bytes = String::from_utf8_lossy(&terminal.since(start)).into_owned();
    let place = |text: &str| bytes.find(text).unwrap_or_else(|| panic!("{text:?} was not sent"));
    let (kept, given) = (place("\x1b[22;0t"), place("\x1b]0;\x07\x1b[23;0t"));
    let done = place("\x1b]0;scopesync: done");
    assert!(kept < done && done < given, "{kept} {done} {given}");
    // What was written is there for the next start, and the demo pair is as it was left.
    let terminal = Start::scopesync().args(["--demo"]).home(&home).size(100, 30).start();
    terminal.wait_for_text("3/43 drifted");
    ends_well(terminal);
}

/// The keys, and the interrupts, are that program's; then the terminal is taken back as it was.
#[test]
fn another_program_compares_both_sides_of_a_scope() {
    let home = Home::new();
    let servers = demo::config(&StateFolder::at(home.state()), Config::default()).unwrap().servers;
    let files: Vec<_> = servers
        .iter()
        .map(|server| match &server.endpoint {
            Endpoint::KeaFile(path) => path.as_path(),
            other => panic!("{other:?}"),
        })
        .collect();
    let script = r#"if [ -e again ]; then stty -icanon; sleep 0.3; printf 'page of %s' $#; head -c 1 > /dev/null; exit; fi; \
        touch again; diff "$1" "$2" | head -4; ls -l "$1" "$2" | cut -c1-10; trap "echo interrupted; exit" INT; \
        read -r line; echo "heard $line"; read -r line"#;
    let text = by_file([files[0], files[1]]) + &format!("[screen]\ndiff = ['sh', '-c', {script:?}, 'sh']\n");
    let config = home.write_config(&text).into_os_string();
    let mut terminal = Start::scopesync().args(["--config".into(), config]).home(&home).size(100, 30).start();
    terminal.wait_for_text("17/43 drifted");
    terminal.keys("Enter d");
    let view =
        terminal.wait_for("the program that compares", |view| view.contains("-rw-------") && !view.alternate_screen());
    assert!(view.contains("> [properties]"), "only the target has it: {view}");
    terminal.type_text("q\r");
    terminal.wait_for_text("heard q");
    terminal.keys("Ctrl-c");
    let view = terminal.wait_for_text("scopesync: Enter goes back");
    assert!(view.contains("interrupted") && !view.alternate_screen(), "what was printed last can be read: {view}");
    terminal.type_text("\r");
    terminal.wait_for("the screen", |view| view.alternate_screen() && view.contains("17/43 drifted"));
    terminal.keys("Down");
    terminal.wait_for_text("drift of 10.20.");
    // one that takes keys one by one was read when it ends, and what it leaves of the terminal is put right
    terminal.keys("d");
    terminal.wait_for("its page", |view| view.contains("page of 2") && !view.alternate_screen());
    terminal.type_text("q");
    terminal.wait_for("the screen", |view| view.alternate_screen() && view.contains("drift of 10.20."));
    ends_well(terminal);
    assert_eq!(std::fs::read_dir(home.state().join("compared")).unwrap().count(), 0, "nothing is left behind");
}

#[test]
fn the_mouse_is_ours_while_it_is_wanted() {
    let home = Home::new();
    let mut terminal = demo(&home);
    assert!(!terminal.view().reports_mouse(), "it is the terminal's until somebody wants it");
    terminal.keys("Enter M");
    let view = terminal.wait_for_text(" MOUSE ");
    assert!(view.reports_mouse());
    // A press of the left button, as xterm tells it: column and row from 1.
    let (row, column) = view.find("10.20.14.0").unwrap();
    terminal.write(format!("\x1b[<0;{};{}M\x1b[<0;{0};{1}m", column + 1, row + 1).as_bytes());
    terminal.wait_for_text("drift of 10.20.14.0");
    terminal.keys(":");
    terminal.wait_for_text("[command]");
    terminal.type_text("mouse\r");
    terminal.wait_for("the mouse left to the terminal", |view| !view.reports_mouse());
    terminal.keys("M");
    terminal.wait_for_text(" MOUSE ");
    ends_well(terminal);
}

#[test]
fn a_run_is_undone_from_the_history() {
    let home = Home::new();
    let mut terminal = demo(&home);
    terminal.keys("Enter a r");
    terminal.wait_for_text(OPEN);
    terminal.keys("y");
    terminal.wait_for_text("3/43 drifted");
    terminal.keys("U");
    let view = terminal.wait_for_text("replication berlin → hamburg");
    assert!(view.contains("[history]") && view.contains("14 replicated"), "{view}");
    terminal.keys("Enter");
    terminal.wait_for_text("what the run destroyed");
    terminal.keys("/ 2 0 . 1 4 Enter");
    terminal.wait_for_text("- reservation 10.20.14.31");
    // One after the other: two escapes at once are one key.
    terminal.keys("Esc");
    terminal.wait_for("the filter gone", |view| !view.contains("/20.14"));
    terminal.keys("Left");
    terminal.wait_for_text("[history]");
    terminal.keys("u");
    let view = terminal.wait_for_text("GOES BACK to what it was");
    assert!(view.contains("DELETED on hamburg") && view.contains("before run"), "{view}");
    terminal.wait_for_text(OPEN);
    terminal.keys("y");
    terminal.wait_for_text("13 deletions: type the name, berlin-hamburg, and Enter");
    type_by_hand(&mut terminal, "name: ", "berlin-hamburg");
    terminal.keys("Enter");
    terminal.wait_for_text("done: undo in");
    terminal.wait_for("the undo in the history", |view| view.contains(" undo ") && view.contains("undone"));
    // The way back was taken, and nothing is left of the run.
    terminal.keys("U");
    terminal.wait_for_text("17/43 drifted");
    ends_well(terminal);
}

#[test]
fn the_demo_looks_and_listens_as_the_configuration_says() {
    let home = Home::new();
    home.write_config(
        "[screen]\ntheme = \"absent.toml\"\ndiff = [\"sh\", \"-c\", \"echo compared\"]\n[keys]\nquit = \"F5\"\n",
    );
    let mut terminal = demo(&home);
    // a theme that cannot be read is told and keeps nobody from it
    terminal.wait_for_text("the demo goes by the defaults");
    terminal.keys("Enter Down d");
    terminal.wait_for_text("compared");
    terminal.wait_for_text("Enter goes back");
    terminal.keys("Enter");
    terminal.wait_for_text("berlin → hamburg");
    terminal.keys("F5");
    let end = terminal.wait_for_end();
    assert_eq!(end.status.code(), Some(0), "{}", end.view);
    let named = ["--demo".to_owned(), "--config".to_owned(), home.config().display().to_string()];
    let terminal = Start::scopesync().args(named).home(&home).size(100, 30).start();
    let end = { terminal }.wait_for_end();
    assert!(end.status.code() == Some(1) && end.view.contains("absent.toml"), "{}", end.view);
}

#[test]
fn the_start_page_leads_to_the_demo() {
    let home = Home::new();
    let files = ["berlin", "hamburg"].map(|name| home.state().join("demo").join(format!("{name}.conf")));
    home.run(&["demo", "reset"]).expect_code(0);
    home.write_config(&by_file([&files[0], &files[1]]).replace("kind = ", "check = \"off\"\nkind = "));
    let line = "replicate --computer-name kea-1 --scope-id 10.20.10.0 --force";
    home.run(&line.split(' ').collect::<Vec<_>>()).expect_code(0);
    std::fs::remove_file(home.config()).unwrap();
    let mut terminal = Start::scopesync().home(&home).env("SCOPESYNC_CONFIG", "").size(100, 30).start();
    terminal.wait_for_text("There is no configuration yet");
    terminal.wait_for_text("config.toml");
    terminal.keys("d");
    terminal.wait_for_text("16/43 drifted");
    // what was done to servers is none of the demo's runs
    terminal.keys("U");
    let view = terminal.wait_for_text("[history]");
    terminal.wait_for("an empty history", |view| view.contains("no run"));
    assert!(!view.contains("kea-2"), "{view}");
    ends_well(terminal);
}

#[test]
fn what_is_typed_ahead_or_pasted_confirms_nothing() {
    let home = Home::new();
    let mut terminal = demo(&home);
    let folder = home.state().join("demo");
    let files = || -> Vec<Vec<u8>> {
        ["berlin.conf", "hamburg.conf"].map(|name| std::fs::read(folder.join(name)).unwrap()).into()
    };
    let before = files();
    terminal.keys("Enter a r y a y Enter");
    terminal.wait_for_text(OPEN);
    terminal.paste("y");
    terminal.keys("Enter");
    terminal.wait_for_text(OPEN);
    terminal.keys("n");
    terminal.wait_for_text("declined: nothing was written");
    terminal.keys("W r");
    terminal.wait_for_text("Nothing can be written: WhatIf");
    terminal.keys("y");
    terminal.wait_for_text("WhatIf is on");
    ends_well(terminal);
    assert_eq!(files(), before);
}

/// List, preview, confirm and run as lines: nothing is drawn, and what was typed before the
/// question answers nothing.
#[test]
fn plain_mode_does_the_main_job_in_lines() {
    let home = Home::new();
    let start = |args: &[&str], term: &str| {
        Start::scopesync().args(args.to_vec()).env("TERM", term).home(&home).size(140, 90).start()
    };
    let mut terminal = start(&["--demo", "--plain"], "xterm-256color");
    let mark = terminal.mark();
    terminal.wait_for_text("1.2  10.20.11.0  Haus A, first floor: purchasing, finance  drifted: 1 to update");
    terminal.wait_for_text("scopesync>");
    terminal.type_text("drift 1.2\rforce on\rW\rreplicate 1.2\r");
    terminal.wait_for_text("what if: nothing was written");
    assert_eq!(home.demo_runs(), 0);
    terminal.wait_for_text("scopesync WHATIF, nothing is written FORCE, replicate does not ask>");
    terminal.type_text("whatif off\rforce off\rreplicate 10.20.11.0 1.37\ry\r");
    terminal.wait_for_text("overwriting hamburg: 5 to create, 1 to update?");
    terminal.wait_for_text("[Y] Yes");
    terminal.type_text("y\r");
    terminal.wait_for_text("2 replicated");
    terminal.type_text("history\rlist 10.20.11\rq\r");
    let end = terminal.wait_for_end();
    assert!(end.view.contains("nothing fits") || end.view.contains("10.20.11.0  Haus A"), "{}", end.view);
    assert_eq!(end.status.code(), Some(0), "{}", end.view);
    assert!(!terminal.since(mark).contains(&0x1b), "no sequence of a terminal is sent");
    assert_eq!(home.demo_runs(), 1);
    let mut terminal = start(&["--demo"], "dumb");
    terminal.wait_for_text("scopesync>");
    terminal.type_text("no such thing\rquit\r");
    assert_eq!(terminal.wait_for_end().status.code(), Some(0), "a mistake in typing is none of a run");
}

#[test]
fn addresses_in_use_are_asked_for_when_the_list_in_lines_asks() {
    let options = PairOptions { subnets: 3, leases: 60, ..PairOptions::with_drift(&["lifetime:1"]) };
    let Some(pair) = Pair::up(options) else { return };
    let home = Home::of(&pair);
    let told = home.in_lines("list drift:drifted\nlist used:>0\nswap 1\nlist used:>0\nlist used:>100\nq\n");
    assert_eq!(told.matches("reading leases").count(), 1, "once after each reading\n{told}");
    let used = told.lines().filter(|line| line.contains("% used")).collect::<Vec<_>>();
    assert_eq!(used.len(), 6, "{told}");
    assert!(used.iter().any(|line| line.contains("in sync; ")) && used[1].contains("drifted: 1 to update; "), "{told}");
    assert!(told.contains("nothing fits"), "{told}");
    let told = home.in_lines("list\nlist all\nlist drift:drifted\nq\n");
    assert!(!told.contains("reading leases") && !told.contains("% used"), "nobody asked\n{told}");
}

/// As Space does in the preview: what goes together goes together, and it holds for one replication.
#[test]
fn changes_are_left_out_in_lines() {
    let home = Home::new();
    let mut terminal = Start::scopesync().args(["--demo", "--plain"]).home(&home).size(140, 200).start();
    terminal.wait_for_text("scopesync>");
    terminal.type_text("drift 10.22.12.0\r");
    terminal.wait_for_text("1.23.2  ~ update  renew-timer: source 7200, target 10800");
    terminal.type_text("leave 1.23.2 10.20.11.0:options/dhcp4/3\r");
    terminal.wait_for_text("scopesync 2 changes LEFT OUT>");
    terminal.type_text("x 1.1.2\r");
    terminal.wait_for_text("left out together, as neither goes without the other");
    terminal.wait_for_text("scopesync 4 changes LEFT OUT>");
    terminal.type_text("leave 1\r");
    terminal.wait_for_text("a relationship is left out by not naming it");
    terminal.type_text("x 1.1.1\r");
    terminal.wait_for_text("brought back together, as neither goes without the other");
    terminal.type_text("leave\r");
    let view = terminal.wait_for_text("berlin-hamburg → hamburg  10.22.12.0  ~ update  renew-timer");
    assert!(view.contains("berlin-hamburg → hamburg  10.20.11.0  ~ update  routers"), "{view}");
    terminal.type_text("replicate 1.2 1.23\r");
    let view = terminal.wait_for_text("overwriting hamburg: 2 to update?");
    assert!(view.contains("1.23.3  ~ update  valid-lifetime") && view.contains("1.2  10.20.11.0  Haus A"), "{view}");
    terminal.wait_for_text("(default is \"N\")");
    terminal.type_text("y\r");
    terminal.wait_for_text("1 replicated");
    // it held for that one
    terminal.wait_for("the prompt", |view| {
        view.text().lines().rfind(|line| !line.is_empty()).unwrap().ends_with("scopesync>")
    });
    terminal.type_text("log\rpreview 1.2\rq\r");
    let end = terminal.wait_for_end();
    assert!(end.view.contains("info and worse") && end.view.contains("1.2.1  ~ update  routers"), "{}", end.view);
    let drift = home.run(&["--demo", "drift", "--scope-id", "10.22.12.0", "--json"]).expect_code(2).json();
    let changes = drift["relationships"][0]["scopes"][0]["changes"].as_array().unwrap();
    assert_eq!(changes.iter().map(|change| &change["item"]).collect::<Vec<_>>(), ["renew-timer"]);
}

#[test]
fn many_deletions_are_confirmed_by_the_name_in_lines_too() {
    let home = Home::new();
    home.run(&["--demo", "relationships"]).expect_code(0);
    let files = ["berlin", "hamburg"].map(|name| home.state().join("demo").join(format!("{name}.conf")));
    let config = by_file([&files[0], &files[1]]).replace("kind = ", "check = \"off\"\nkind = ");
    home.write_config(&format!("{config}\n[screen]\ntype_name_above = 1\n"));
    let start = |args: &str| Start::scopesync().args(args.split(' ')).home(&home).size(140, 60).start();
    let asked = |terminal: &Terminal, times| {
        let is_asked = |line: &&str| line.starts_with("name:");
        terminal.wait_for("the name is asked for", |view| view.text().lines().filter(is_asked).count() == times);
    };
    let mut terminal = start("replicate --computer-name kea-1 --scope-id 10.20.14.0,10.20.11.0");
    terminal.wait_for_text("[Y] Yes");
    terminal.type_text("a\r");
    terminal.wait_for_text("2 deletions: type the name, berlin-hamburg. An empty line leaves.");
    asked(&terminal, 1);
    terminal.type_text("hamburg\r");
    asked(&terminal, 2);
    assert!(terminal.view().contains("That is not the name: nothing is confirmed."));
    terminal.type_text("\r");
    assert_eq!(terminal.wait_for_end().status.code(), Some(3), "declined");
    let mut terminal = start("--plain");
    terminal.wait_for_text("scopesync>");
    terminal.type_text("replicate 10.20.14.0\r");
    terminal.wait_for_text("[Y] Yes");
    terminal.type_text("y\r");
    asked(&terminal, 1);
    terminal.type_text("berlin-hamburg\r");
    terminal.wait_for_text("1 replicated");
    terminal.type_text("q\r");
    assert_eq!(terminal.wait_for_end().status.code(), Some(0));
}

#[test]
fn idle_it_sends_nothing_and_a_cursor_move_is_small() {
    let home = Home::new();
    let mut terminal = demo(&home);
    terminal.keys("Enter");
    terminal.wait_for_text("drift of 10.42.99.0");
    assert!(terminal.is_quiet_for(Duration::from_millis(700)));
    let used = terminal.processor_time();
    assert!(terminal.is_quiet_for(Duration::from_millis(500)));
    assert!(terminal.processor_time() - used <= Duration::from_millis(20));
    terminal.keys("End");
    terminal.wait_for_text("44 of 44");
    assert!((0..20).any(|_| terminal.is_quiet_for(Duration::from_millis(200))));
    let mark = terminal.mark();
    terminal.keys("Up");
    terminal.wait_for_output(mark);
    // the drift follows when the cursor rests
    assert!((0..20).any(|_| terminal.is_quiet_for(Duration::from_millis(200))));
    let bytes = terminal.since(mark).len();
    assert!(bytes <= 500, "{bytes} bytes for one line up and another drift");
    ends_well(terminal);
}

/// From one relationship to the next: both lines, the title and all of the pane below are others.
#[test]
fn a_cursor_move_between_relationships_is_small() {
    let home = Home::new();
    let sites = ["berlin", "hamburg", "oslo", "wien", "zürich", "graz", "bergen"];
    let configuration = |site: &str, own: usize, scopes: usize, lifetime: u32| {
        let peer = |number: usize, role: &str| json!({ "name": format!("{site}-{number}"), "url": format!("http://10.1.0.{number}:8000/"), "role": role });
        let subnet = |at: usize| {
            let lifetime = if at == 0 { lifetime } else { 3600 };
            json!({ "id": at + 1, "subnet": format!("10.2.{at}.0/24"), "valid-lifetime": lifetime })
        };
        let peers = [peer(1, "primary"), peer(2, "secondary")];
        let ha = json!({ "this-server-name": format!("{site}-{own}"), "mode": "load-balancing", "peers": peers });
        let hook = json!({ "library": "libdhcp_ha.so", "parameters": { "high-availability": [ha] } });
        json!({ "Dhcp4": { "hooks-libraries": [hook], "subnet4": (0..scopes).map(subnet).collect::<Vec<_>>() } })
    };
    let mut config = String::new();
    for (at, site) in sites.iter().enumerate() {
        for own in [1, 2] {
            let file = home.path().join(format!("{site}-{own}.conf"));
            let lifetime = if own == 2 && at % 3 == 0 { 1800 } else { 3600 };
            std::fs::write(&file, configuration(site, own, 3 * at + 8, lifetime).to_string()).unwrap();
            config.push_str(&format!("[[server]]\nname = \"dhcp-{site}-{own}\"\nkind = \"kea\"\nfile = {file:?}\n"));
        }
    }
    home.write_config(&config);
    for (columns, rows, most) in [(80, 24, 500), (120, 40, 600)] {
        let config = ["--config".into(), home.config().into_os_string()];
        let mut terminal = Start::scopesync().args(config).home(&home).size(columns, rows).start();
        terminal.wait_for_text("in sync, 23 scopes");
        assert!((0..20).any(|_| terminal.is_quiet_for(Duration::from_millis(300))));
        let mut moves = Vec::new();
        for key in ["Down", "Up"].iter().flat_map(|key| [key; 6]) {
            let mark = terminal.mark();
            terminal.keys(key);
            // the list at once, and the pane below when the cursor rests
            terminal.wait_for_output(mark);
            assert!((0..20).any(|_| terminal.is_quiet_for(Duration::from_millis(200))));
            let sent = terminal.since(mark);
            let end = sent.windows(8).position(|bytes| bytes == b"\x1b[?2026l").expect("a frame has an end");
            moves.push(end + 8);
        }
        // a few also change which keys do something
        moves.sort_unstable();
        assert!(moves[moves.len() / 2] <= most, "bytes of moves at {columns} columns: {moves:?}");
        ends_well(terminal);
    }
}

/// Every key is taken, and hardly any gets a frame of its own.
#[test]
fn keys_that_never_stop_coming_draw_thirty_frames_a_second_at_most() {
    let home = Home::new();
    let mut terminal = demo(&home);
    terminal.keys("Enter");
    terminal.wait_for_text("drift of 10.42.99.0");
    let (mark, began) = (terminal.mark(), Instant::now());
    for key in ["Down", "Up"].into_iter().cycle().take_while(|_| began.elapsed() < Duration::from_secs(1)) {
        terminal.keys(key);
        terminal.is_quiet_for(Duration::from_millis(2));
    }
    let drawn = terminal.since(mark);
    let most = began.elapsed().as_millis() / 33 + 2;
    let frames = drawn.windows(8).filter(|bytes| bytes == b"\x1b[?2026h").count();
    assert!(frames > 1 && frames as u128 <= most, "{frames} frames, {most} at most");
    ends_well(terminal);
}

#[test]
fn signals_and_a_lost_terminal_end_it_in_order() {
    let home = Home::new();
    for (signal, status) in [(Signal::TERM, 143), (Signal::INT, 130), (Signal::HUP, 129)] {
        let mut terminal = demo(&home);
        terminal.signal(signal);
        let end = terminal.wait_for_end();
        end.assert_restored();
        assert_eq!(end.status.code(), Some(status));
    }
    let mut terminal = demo(&home);
    terminal.hang_up();
    assert!(terminal.wait_for_end().status.code().is_some_and(|code| code == 129));
}

#[test]
fn a_window_can_become_tiny_and_large_again() {
    let home = Home::new();
    let mut terminal = demo(&home);
    terminal.resize(20, 5);
    terminal.wait_for_text("window too small");
    terminal.resize(120, 40);
    terminal.wait_for_text("17/43 drifted");
    ends_well(terminal);
}

#[test]
fn the_main_job_on_a_live_pair() {
    let drift = ["pool-range", "reservation-missing", "reservation-extra", "lifetime", "subnet-missing"];
    let Some(pair) = Pair::up(PairOptions { leases: 20, ..PairOptions::with_drift(&drift) }) else { return };
    let home = Home::of(&pair);

    // Nothing is written by looking, nor under WhatIf.
    let hashes = pair.config_hashes();
    let mut terminal = live(&home);
    terminal.wait_for_text("5/10 drifted");
    let view = terminal.wait_for_text(&format!("{} → {}", NAMES[0], NAMES[1]));
    assert!(view.contains("load-balancing") && view.contains("only on source"), "{view}");
    terminal.keys("W Enter a r");
    terminal.wait_for_text("Nothing can be written: WhatIf");
    terminal.keys("Esc");
    terminal.wait_for_text("drift of");
    terminal.keys("W");
    assert_eq!(pair.config_hashes(), hashes);

    // A server that does not answer holds nothing up.
    pair.freeze(Side::B);
    terminal.keys("R");
    terminal.wait_for_text("checking");
    terminal.keys("Down Down");
    terminal.wait_for_text("drift of 10.0.5.0");
    terminal.keys("r");
    terminal.wait_for_text("Reading kea-1, kea-2");
    terminal.keys("Esc");
    terminal.wait_for_text("no plan was made");
    pair.thaw(Side::B);
    terminal.wait_for_text("5/10 drifted");

    terminal.keys("r");
    terminal.wait_for_text("5 marked scopes");
    terminal.wait_for_text("delete reservation");
    terminal.wait_for_text(OPEN);
    terminal.keys("a");
    terminal.wait_for_text("5 replicated");
    terminal.wait_for_text("in sync, 10 scopes");
    terminal.keys("J");
    terminal.wait_for_text("verified, saved");
    ends_well(terminal);
    let subnets = |side| common::pair::subnets(&pair.config(side)).len();
    assert_eq!(subnets(Side::A), subnets(Side::B));
    // It is in the file, too: the next start of the server has it.
    assert_eq!(common::pair::subnets(&pair.config_on_disk(Side::B)["Dhcp4"]).len(), 10);
}

#[test]
fn a_server_hangs_dies_and_comes_back_while_its_drift_is_looked_at() {
    let Some(pair) = Pair::up(PairOptions::with_drift(&["lifetime:1", "pool-range:2"])) else { return };
    let home = Home::new();
    // with a third that was never read, who the partner is is known from before alone
    let patient = by_socket(&pair).replace("kind = \"kea\"", "kind = \"kea\"\nread_timeout = 2");
    home.write_config(&format!("{patient}[[server]]\nname = \"kea-9\"\nkind = \"kea\"\nsocket = \"/nowhere/kea\"\n"));
    let mut terminal = live(&home);
    terminal.wait_for_text("2/10 drifted");
    terminal.keys("Enter Space Down Space");
    terminal.wait_for_text("2 marked");
    let stays = |view: &View| view.contains("2 marked") && view.contains("drift of 10.0.1.0");
    let is_absent = |view: &View| stays(view) && view.contains("1 of 3 servers read; not read: kea-2, kea-9");

    pair.freeze(Side::B);
    terminal.keys("R");
    terminal.wait_for("kea-2 hangs", |view| is_absent(view) && view.contains("kea-2: no answer within 2s"));
    terminal.keys("r");
    terminal.wait_for_text("BLOCKED, not-read: kea-2: no answer within 2s");
    terminal.keys("n");
    terminal.wait_for("the drift", stays);
    pair.kill(Side::B);
    terminal.keys("R");
    terminal.wait_for("kea-2 is down", |view| is_absent(view) && view.contains("kea-2: nobody listens"));
    pair.start(Side::B);
    pair.wait_in_service();
    terminal.keys("R");
    let view = terminal.wait_for_text("2 of 3 servers read; not read: kea-9");
    assert!(view.contains("2/10 drifted") && stays(&view), "{view}");
    terminal.keys("r");
    terminal.wait_for_text(OPEN);
    terminal.keys("a");
    terminal.wait_for_text("2 replicated");
    ends_well(terminal);
}

#[test]
fn a_run_that_hangs_can_be_left_cancelled_and_waited_for() {
    let Some(pair) = Pair::up(PairOptions::with_drift(&["lifetime", "pool-range"])) else { return };
    let home = Home::of(&pair);
    let started = Instant::now();
    let mut terminal = live(&home);
    terminal.wait_for_text("2/10 drifted");
    terminal.keys("a r");
    terminal.wait_for_text(OPEN);
    pair.freeze(Side::B);
    terminal.keys("y");
    terminal.wait_for_text("running 0 %");
    // Quitting asks, and stays by default.
    terminal.keys("q");
    terminal.wait_for_text("Still under way");
    terminal.keys("Enter");
    terminal.wait_for("question gone", |view| !view.contains("Still under way"));
    terminal.keys("Enter End");
    terminal.wait_for_text("drift of 10.0.9.0");
    terminal.keys("J");
    terminal.wait_for_text("waiting for kea-2");
    terminal.keys("x");
    terminal.wait_for_text("cancelling after the scope in flight");
    terminal.keys("x");
    terminal.wait_for("end of the run", |view| !view.contains("running 0 %"));
    assert!(started.elapsed() < Duration::from_secs(30), "the request in flight was waited for");
    pair.thaw(Side::B);
    ends_well(terminal);
}

#[test]
fn told_to_end_during_a_run_it_gives_the_terminal_back_at_once() {
    let Some(pair) = Pair::up(PairOptions::with_drift(&["lifetime"])) else { return };
    let home = Home::of(&pair);
    let mut terminal = live(&home);
    terminal.wait_for_text("1/10 drifted");
    terminal.keys("a r");
    terminal.wait_for_text(OPEN);
    pair.freeze(Side::B);
    terminal.keys("y");
    terminal.wait_for_text("running 0 %");
    terminal.signal(Signal::TERM);
    let told = Instant::now();
    terminal.wait_for("terminal given back", |view| !view.alternate_screen());
    assert!(told.elapsed() < Duration::from_secs(1), "{:?}", told.elapsed());
    terminal.wait_for_text("waiting for the scope in flight");
    let end = terminal.wait_for_end();
    end.assert_restored();
    assert_eq!(end.code(), Some(143));
    let told = ["rejected", "unknown", "cancelled"].iter().any(|outcome| end.view.contains(outcome));
    // it came to no write: it has no name that could be looked up
    assert!(
        told && end.view.contains("server1-server2") && !end.view.contains("run 20"),
        "what became of it is told:\n{}",
        end.view
    );
    pair.thaw(Side::B);
}

#[test]
fn the_first_frame_waits_for_no_server() {
    let Some(pair) = Pair::up(PairOptions::default()) else { return };
    let home = Home::of(&pair);
    pair.freeze(Side::A);
    pair.freeze(Side::B);
    let started = Instant::now();
    let mut terminal = live(&home);
    let view = terminal.wait_for_text("being read");
    let took = started.elapsed();
    assert!(view.contains(NAMES[0]) && view.contains(NAMES[1]), "{view}");
    // Start of setsid and of an unoptimised program included; the time-outs are seconds.
    assert!(took < Duration::from_secs(1), "{took:?}");
    terminal.keys("?");
    terminal.wait_for_text("[help]");
    ends_well(terminal);
    pair.thaw(Side::A);
    pair.thaw(Side::B);
}
