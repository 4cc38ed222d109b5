//! A full disk: the server's, on which its file is rewritten in place, and our own.

use serde_json::{Value, json};

use crate::common::bench::{Bench, Form, plain_subnets};
use crate::common::disk::Disk;
use crate::common::pair::{PairOptions, Side};
use crate::common::proxy::Point;
use crate::upset::{REPLICATE, Upset, Way, finish, saved};

const SCOPES: u32 = 60;

/// What Kea logs meanwhile takes room too.
const LOGS: u64 = 64 * 1024;

#[test]
fn a_full_disk_at_save_is_noticed_and_the_broken_file_is_told() {
    let Some(disk) = Disk::mount(4) else { return };
    let options = PairOptions {
        subnets: SCOPES,
        reservations: SCOPES,
        inside: Some(disk.path().to_owned()),
        ..PairOptions::with_drift(&["lifetime:0", "option-value:1"])
    };
    let Some(bench) = Bench::up(Form::LoadBalancing, options) else { return };
    let pair = bench.pair().expect("a live pair");
    let (file, want) = (pair.config_path(Side::B), bench.subnets(Side::A));
    let by_hand = std::fs::read(file).expect("the file");
    let remove_copies = || {
        for entry in std::fs::read_dir(file.parent().expect("a folder")).expect("the folder").flatten() {
            if entry.file_name().to_string_lossy().starts_with("scopesync-before-") {
                std::fs::remove_file(entry.path()).expect("a copy");
            }
        }
    };

    // not even the copy of what ran before finds room: the file is left alone, in this run and the next
    disk.leave(LOGS);
    for replicated in [2, 0] {
        let run = bench.run(REPLICATE).expect_code(3);
        assert_eq!(run.json()["summary"]["replicated"].as_u64().unwrap_or(0), replicated, "{}", run.stdout);
        for words in ["kea-2", "not saved on purpose", "no room", "remove scopesync-before-"] {
            assert!(run.stderr.contains(words), "{words}: {}", run.stderr);
        }
        assert_eq!((bench.subnets(Side::B), std::fs::read(file).expect("the file")), (want.clone(), by_hand.clone()));
    }
    assert!(bench.run("relationships").stderr.contains("running but not saved"));
    disk.free();
    remove_copies();
    let run = bench.run(REPLICATE).expect_code(0);
    assert!(run.stderr.contains("is saved now"), "{}", run.stderr);
    assert_eq!(plain_subnets(&pair.config_on_disk(Side::B)["Dhcp4"]), want);

    // the copy finds room, the file itself does not: it is incomplete by now
    let size = std::fs::metadata(file).expect("the file").len();
    for writer in ["commands", "whole-configuration"] {
        pair.wait_in_service();
        bench.configure(&format!("writer = \"{writer}\""));
        remove_copies();
        std::fs::write(file, &by_hand).expect("the file");
        let lifetimes = json!({"id": 1, "subnet": "10.0.0.0/24",
            "valid-lifetime": 7777, "min-valid-lifetime": 7777, "max-valid-lifetime": 7777});
        pair.ok(Side::B, "subnet4-delta-add", json!({ "subnet4": [lifetimes] }));
        disk.leave(size + LOGS);
        let run = bench.run(REPLICATE).expect_code(3);
        assert_eq!((saved(&run).as_str(), bench.subnets(Side::B)), ("broken", want.clone()), "{}", run.stderr);
        for words in ["DO NOT RESTART kea-2", "INCOMPLETE", "make room", "scopesync-before-", "FILE IS BROKEN"] {
            assert!(run.stderr.contains(words), "{words}: {}", run.stderr);
        }
        assert!(run.stderr.contains(&file.display().to_string()), "{}", run.stderr);
        let broken = std::fs::read(file).expect("the file");
        assert!(serde_json::from_slice::<Value>(&broken).is_err(), "the disk was not full");
        // it is said until it is mended, and a further run without room does not make it look well
        assert!(bench.run("drift").expect_code(0).stderr.contains("kea-2: DO NOT RESTART IT"));
        let run = bench.run(REPLICATE).expect_code(3);
        assert!(run.stderr.contains("DO NOT RESTART"), "{}", run.stderr);
        disk.free();
        bench.run(REPLICATE).expect_code(0);
        assert!(!bench.run("drift").expect_code(0).stderr.contains("RESTART"));
        assert_eq!(plain_subnets(&pair.config_on_disk(Side::B)["Dhcp4"]), want);
    }
    pair.stop(Side::B);
    pair.start(Side::B);
    pair.wait_in_service();
    assert_eq!(bench.subnets(Side::B), want);
}

#[test]
fn a_file_pair_on_a_full_disk_keeps_its_files() {
    let Some(disk) = Disk::mount(4) else { return };
    let options = PairOptions {
        subnets: SCOPES,
        inside: Some(disk.path().to_owned()),
        ..PairOptions::with_drift(&["lifetime:0"])
    };
    let Some(bench) = Bench::up(Form::Files, options) else { return };
    let before = bench.marks();
    let folder = bench.files().expect("files")[1].parent().expect("a folder").to_owned();
    let names = || std::fs::read_dir(&folder).expect("the folder").count();
    let there = names();
    disk.leave(0);
    let run = bench.run(REPLICATE).expect_code(1);
    assert!(run.stderr.contains("No space left"), "{}", run.stderr);
    assert_eq!((bench.marks(), names()), (before, there), "nothing written, nothing left behind");
    disk.free();
    bench.run(REPLICATE).expect_code(0);
    bench.run("drift").expect_code(0);
}

#[test]
fn a_history_that_is_deleted_in_the_middle_ends_the_writing() {
    let drift: Vec<String> = (0..4).map(|at| format!("lifetime:{at}")).collect();
    let options = PairOptions { subnets: 4, reservations: 4, ..PairOptions::with_drift(&drift) };
    let Some(upset) = Upset::up(Way::Socket, options, "") else { return };
    let gate = upset.proxy(Side::B).pause(Point::before("subnet4-update").nth(2));
    let child = upset.start();
    gate.reached();
    std::fs::remove_file(upset.bench.home.state().join("history.db")).expect("the store");
    gate.open();
    let run = finish(child).expect_code(3);
    let outcomes = upset.is_true(&run, "the history is gone");
    let count = |word: &str| outcomes.values().filter(|outcome| *outcome == word).count();
    assert_eq!((count("replicated"), count("rejected")), (2, 2), "{outcomes:?}");
    assert!(run.stderr.contains("deleted or replaced while the program ran"), "{}", run.stderr);
    upset.bench.run(REPLICATE).expect_code(0);
    assert_eq!(upset.now(), upset.want);
}

#[test]
fn a_history_on_a_full_disk_ends_the_writing() {
    let Some(disk) = Disk::mount(1) else { return };
    let drift: Vec<String> = (0..6).map(|at| format!("lifetime:{at}")).collect();
    let options = PairOptions { subnets: 6, reservations: 6, ..PairOptions::with_drift(&drift) };
    let Some(upset) = Upset::up(Way::Socket, options, "") else { return };
    std::os::unix::fs::symlink(disk.path(), upset.bench.home.state()).expect("a link");
    disk.leave(0);
    let run = upset.bench.run(REPLICATE).expect_code(1);
    assert!(run.stderr.contains("No space left"), "{}", run.stderr);
    assert_eq!(upset.now(), upset.before);

    // in the middle: what was begun is completed and saved, and nothing more is begun
    disk.free();
    let gate = upset.proxy(Side::B).pause(Point::before("subnet4-update").nth(3));
    let child = upset.start();
    gate.reached();
    disk.leave(0);
    gate.open();
    let run = finish(child).expect_code(3);
    let outcomes = upset.is_true(&run, "the journal's disk is full");
    let count = |word: &str| outcomes.values().filter(|outcome| *outcome == word).count();
    assert_eq!((count("replicated"), count("rejected")), (3, 3), "{outcomes:?}");
    assert_eq!(saved(&run), "saved");
    assert!(run.stderr.contains("no snapshot could be kept") && run.stderr.contains("No space left"), "{}", run.stderr);
    disk.free();
    upset.bench.run(REPLICATE).expect_code(0);
    assert_eq!((upset.now(), upset.on_disk()), (upset.want.clone(), upset.want.clone()));
}
