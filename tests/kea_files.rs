//! Configuration files in Kea's dialect, judged by real Keas (`kea-dhcp4 -t`).

#![cfg(all(unix, feature = "kea"))]
// A helper of a test may fail as a test may.
#![allow(clippy::unwrap_used, clippy::panic)]

mod common;

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::OnceLock;

use proptest::prelude::*;
use scopesync::backend::kea::dialect::edit::{Edit, Step};
use scopesync::backend::kea::dialect::{self, print};
use scopesync::backend::kea::file::{Check, Checked, ConfigFile, FileError, Limits, Options, SubnetPlace};
use serde_json::{Value, json};
use tempfile::TempDir;

/// The Keas at hand, each as one program; every test must end the same with all of them.
fn keas() -> Option<&'static [PathBuf]> {
    static KEAS: OnceLock<Option<Vec<PathBuf>>> = OnceLock::new();
    KEAS.get_or_init(find_keas).as_deref()
}

fn find_keas() -> Option<Vec<PathBuf>> {
    let mut keas = Vec::new();
    match ["/usr/sbin/kea-dhcp4", "/usr/local/sbin/kea-dhcp4"].into_iter().find(|p| Path::new(p).exists()) {
        Some(installed) => keas.push(PathBuf::from(installed)),
        None => common::pair::skipped("kea-dhcp4 is not installed")?,
    }
    let cached = Path::new(env!("CARGO_MANIFEST_DIR")).join(".cache/kea-newest");
    let newest = std::env::var_os("SCOPESYNC_TEST_KEA").map_or(cached, PathBuf::from);
    match newest.join("usr/sbin/kea-dhcp4").exists() {
        true => keas.push(wrapper(&newest)),
        false => drop(common::pair::skipped::<()>("the newest Kea is not there; tests/run gets it")),
    }
    Some(keas)
}

/// An unpacked Kea runs with the loader and libraries that came with it.
fn wrapper(unpacked: &Path) -> PathBuf {
    let script = Path::new(env!("CARGO_TARGET_TMPDIR")).join("newest-kea");
    let text = format!(
        "#!/bin/sh\nroot='{}'\nlibs=$(echo \"$root\"/usr/lib/*-linux-gnu* | tr ' ' :)\n\
         exec \"$(ls \"$root\"/usr/lib*/ld-linux-*.so.* \"$root\"/usr/lib/*/ld-linux-*.so.* 2>/dev/null | head -n 1)\" \
         --library-path \"$libs:$root/usr/lib\" \"$root/usr/sbin/kea-dhcp4\" \"$@\"\n",
        unpacked.display()
    );
    // By another process, see the tests of the file module: a file open for writing cannot be run.
    let write = Command::new("/bin/sh").args(["-c", "printf %s \"$1\" > \"$0\""]).arg(&script).arg(text).status();
    assert!(write.unwrap().success());
    fs::set_permissions(&script, fs::Permissions::from_mode(0o755)).unwrap();
    script
}

/// What each Kea says of a text, which must be the same; the text may include files of the folder.
fn taken(keas: &[PathBuf], folder: &Path, text: &[u8]) -> bool {
    let file = folder.join("judged.conf");
    fs::write(&file, text).unwrap();
    let verdicts: Vec<bool> = keas
        .iter()
        .map(|kea| Command::new(kea).arg("-t").arg(&file).current_dir(folder).output().unwrap().status.success())
        .collect();
    assert!(verdicts.windows(2).all(|pair| pair[0] == pair[1]), "{verdicts:?}: {}", String::from_utf8_lossy(text));
    verdicts[0]
}

fn read(path: &Path) -> Result<ConfigFile, FileError> {
    ConfigFile::read(path, &Limits { include_folders: vec![path.parent().unwrap().to_owned()], ..Limits::default() })
}

fn folder(files: &[(&str, &str)]) -> TempDir {
    let folder = tempfile::tempdir().unwrap();
    for (name, text) in files {
        fs::write(folder.path().join(name), text).unwrap();
    }
    folder
}

#[test]
fn the_dialect_is_what_kea_takes() {
    let folder = folder(&[
        ("v", "1 # c"),
        ("open", "/* x"),
        ("forty", "40"),
        ("half", "{\"x\": 1,"),
        ("comma", "1,"),
        ("nothing", "// no\n"),
        ("self", "<?include \"self\"?>"),
        ("whole", "{\"Dhcp4\": {\"valid-lifetime\": 1}}"),
    ]);
    let Some(keas) = keas() else { return };
    for n in 1..=11 {
        let next = if n == 11 { "1".to_owned() } else { format!("<?include \"chain{}\"?>", n + 1) };
        fs::write(folder.path().join(format!("chain{n}")), next).unwrap();
    }
    fs::write(folder.path().join("chain0"), "<?include \"chain1\"?>").unwrap();
    let values = [
        "1 # c\n",
        "1 // c\n",
        "1 /* c */",
        "/***/ 1",
        "/*/ 1",
        "/* /* */ 1",
        "/* /* */ */ 1",
        "# c\r 1\n",
        "/ 1",
        "[1,]",
        "[1,,2,,]",
        "[,1]",
        "[,]",
        "[]",
        "{}",
        "{,}",
        "{\"a\":1,,}",
        "{,\"a\":1}",
        "{\"a\":1,\"a\":2}",
        "[1 2]",
        "[1}",
        "-0",
        "0012",
        "-01",
        "+1",
        "1.",
        ".5",
        "-.5",
        "+.5",
        "1e5",
        "1.e5",
        "1E-400",
        "1e400",
        "1e",
        "1.5e+",
        "-",
        "+",
        ".",
        "--1",
        "0x1f",
        "1_0",
        "1-2",
        "9223372036854775807",
        "9223372036854775808",
        "-9223372036854775808",
        "9223372036854775808.0",
        "true",
        "True",
        "nULL",
        "null",
        "tru",
        "truex",
        "nan",
        "'a'",
        "a",
        "1\u{c}",
        "\u{a0}1",
        "\u{b}1",
        "1\t\r\n",
        "\"é\"",
        "\"\\u00e9\"",
        "\"\\u0100\"",
        "\"\\u00\"",
        "\"\\x\"",
        "\"\\'\"",
        "\"a\tb\"",
        "\"a\nb\"",
        "\"a",
        "\"\\u0000\"",
        "\"\u{7f}\"",
        "\"<?include # // /*\"",
        "\"\\b\\f\\n\\r\\t\\\\\\/\\\"\"",
        "<?include \"v\"?>",
        "<? include\n\"v\" ?>",
        "<?include\"v\"?>",
        "<?include /**/ \"v\"?>",
        "<?Include \"v\"?>",
        "<?include \"v\" x?>",
        "<?include \"\"?>",
        "<?include \"none\"?>",
        "<?include \"v\">",
        "<?include \"\\u0076\"?>",
        "<?xml?>",
        "<?",
        "<?include",
        "<",
        "<?include \"open\"?> */ 1",
        "<?include \"forty\"?>00",
        "<?include \"half\"?> \"y\": 2}",
        "[<?include \"comma\"?>]",
        "1 <?include \"nothing\"?>",
        "<?include \"self\"?>",
        "<?include \"chain1\"?>",
        "<?include \"chain0\"?>",
        "1 # <?include \"none\"?>\n",
    ];
    let whole = [
        "{\"Dhcp4\": {\"valid-lifetime\": 1,},} # end",
        "{\"Dhcp4\": {\"valid-lifetime\": 1}},",
        "<?include \"whole\"?>",
        "\u{feff}<?include \"whole\"?>",
        "[]x",
        "",
    ];
    let texts = values.map(|value| format!("{{\"Dhcp4\": {{\"user-context\": {{\"v\": {value} }}}}}}"));
    let latin = [b"{\"Dhcp4\": {\"user-context\": {\"v\": \"\xe9\"}}} # \xe9\x00".to_vec()];
    for text in texts.iter().map(String::as_str).chain(whole).map(|t| t.as_bytes().to_vec()).chain(latin) {
        let kea = taken(keas, folder.path(), &text);
        let ours = read(&folder.path().join("judged.conf"));
        assert_eq!(kea, ours.is_ok(), "{}: {ours:?}", String::from_utf8_lossy(&text));
    }
}

const FILE: &str = r#"# site A
{ "Dhcp4": {
    // timers
    "valid-lifetime": <?include "lifetime.inc"?>,
    "interfaces-config": { "interfaces": [], },
    "shared-networks": [ {
        "name": "floor",
        "subnet4": [
            { "id": 10, "subnet": "10.1.0.0/24" }, /* desks */
            { "id": 11, "subnet": "10.2.0.0/24" }  /* guests */
        ]
    } ],
    "subnet4": [
        # Berlin
        {
            "id": 1, "subnet": "192.0.2.0/25",
            "pools": [ { "pool": "192.0.2.10 - 192.0.2.20" } ],
            "reservations": [
                { "hw-address": "1a:1b:1c:1d:1e:01", "ip-address": "192.0.2.101" }, # printer
                { "hw-address": "1a:1b:1c:1d:1e:02", "ip-address": "192.0.2.102" }  # scanner
            ],
        },
        <?include "more.inc"?>
    ],
} }
"#;

fn site() -> TempDir {
    folder(&[
        ("kea.conf", FILE),
        ("lifetime.inc", "4000 # seconds\n"),
        ("more.inc", "{ \"id\": 2, \"subnet\": \"192.0.2.128/25\" }\n"),
    ])
}

fn at(steps: &[&str]) -> Vec<Step> {
    let step = |s: &&str| match s.parse() {
        Ok(index) => Step::Index(index),
        Err(_) if *s == "+" => Step::Append,
        Err(_) => Step::Key((*s).to_owned()),
    };
    [&"Dhcp4"].into_iter().chain(steps).map(step).collect()
}

fn edits() -> Vec<(&'static str, Vec<Edit>)> {
    let one = |steps: &[&str], with: Option<Value>| Edit { at: at(steps), with };
    let changed = json!({
        "id": 1, "subnet": "192.0.2.0/25", "valid-lifetime": 600, "user-context": {"site": "Zürich", "a": [1, {"b": 1.5}]},
        "pools": [{"pool": "192.0.2.10 - 192.0.2.20", "option-data": [{"name": "routers", "data": "192.0.2.1"}]}],
        "reservations": [
            {"hw-address": "1a:1b:1c:1d:1e:02", "ip-address": "192.0.2.102", "hostname": "scan"},
            {"hw-address": "1a:1b:1c:1d:1e:03", "ip-address": "192.0.2.101"},
        ],
    });
    let new = json!({"id": 3, "subnet": "198.51.100.0/24", "option-data": [{"code": 43, "csv-format": false, "data": "0104C0000201"}]});
    vec![
        ("change", vec![one(&["subnet4", "0"], Some(changed.clone()))]),
        ("remove", vec![one(&["subnet4", "0"], None)]),
        ("append", vec![one(&["subnet4", "+"], Some(new.clone()))]),
        (
            "member",
            vec![one(&["renew-timer"], Some(json!(100))), one(&["interfaces-config", "re-detect"], Some(json!(false)))],
        ),
        (
            "move",
            vec![
                one(&["shared-networks", "0", "subnet4", "1"], None),
                one(&["subnet4", "+"], Some(json!({"id": 11, "subnet": "10.2.0.0/24"}))),
            ],
        ),
        (
            "empty",
            vec![
                one(&["shared-networks", "0", "subnet4", "0"], None),
                one(&["shared-networks", "0", "subnet4", "1"], None),
            ],
        ),
        (
            "all",
            vec![
                one(&["subnet4", "0"], Some(changed)),
                one(&["subnet4", "+"], Some(new)),
                one(&["shared-networks", "0", "subnet4", "0"], None),
                one(&["shared-networks", "0", "subnet4", "+"], Some(json!({"id": 12, "subnet": "10.3.0.0/24"}))),
            ],
        ),
    ]
}

#[test]
fn kea_takes_every_edited_file() {
    for (name, edits) in edits() {
        let folder = site();
        let Some(keas) = keas() else { return };
        for kea in keas {
            fs::write(folder.path().join("kea.conf"), FILE).unwrap();
            let file = read(&folder.path().join("kea.conf")).unwrap();
            let text = file.document().edit(&edits).unwrap();
            let options = Options { check: Check::Always(kea.clone()), ..Options::default() };
            let replaced = file
                .replace(&text, &options)
                .unwrap_or_else(|e| panic!("{name}: {e}\n{}", String::from_utf8_lossy(&text)));
            assert_eq!(replaced.checked, Checked::Accepted(kea.clone()));
            let now = fs::read_to_string(folder.path().join("kea.conf")).unwrap();
            for kept in [
                "# site A",
                "// timers",
                "<?include \"lifetime.inc\"?>",
                "# Berlin",
                "/* desks */",
                "/* guests */",
                "<?include \"more.inc\"?>",
            ] {
                assert!(now.contains(kept), "{name}: {kept} is gone:\n{now}");
            }
        }
    }
}

#[test]
fn kea_refuses_and_nothing_is_written() {
    let folder = site();
    let Some(keas) = keas() else { return };
    let path = folder.path().join("kea.conf");
    let file = read(&path).unwrap();
    let twice = Edit { at: at(&["subnet4", "+"]), with: Some(json!({"id": 1, "subnet": "198.51.100.0/24"})) };
    let text = file.document().edit(&[twice]).unwrap();
    for kea in keas {
        let options = Options { check: Check::Always(kea.clone()), ..Options::default() };
        match file.replace(&text, &options).unwrap_err() {
            FileError::Refused { message, old_too: false, .. } => {
                let message = message.to_string();
                assert!(message.contains("ID of the new IPv4 subnet '1' is already in use"), "{message}");
                assert!(!message.contains(".new"), "{message}");
            }
            other => panic!("{other}"),
        }
        assert_eq!(fs::read_to_string(&path).unwrap(), FILE);
    }
}

#[test]
fn the_demo_pair_is_brought_in_step_scope_by_scope() {
    let demo = Path::new(env!("CARGO_MANIFEST_DIR")).join("assets/demo");
    let source = read(&demo.join("berlin.conf")).unwrap();
    let target = read(&demo.join("hamburg.conf")).unwrap();
    let old = target.document().text();
    assert_eq!(target.document().edit(&[]).unwrap(), old);
    let prefix = |place: &SubnetPlace| place.node.get("subnet").unwrap().to_json();
    let mut edits = Vec::new();
    for wanted in source.subnets() {
        let there = target.subnets().into_iter().find(|place| prefix(place) == prefix(&wanted));
        let with = Some(wanted.node.to_json());
        match there {
            Some(place) => {
                // One alone: every byte before and behind its braces stays.
                let edit = Edit { at: place.at, with };
                let span = place.node.main_span().unwrap();
                let new = target.document().edit(std::slice::from_ref(&edit)).unwrap();
                assert!(new.starts_with(&old[..span.start]) && new.ends_with(&old[span.end..]));
                edits.push(edit);
            }
            None => edits.push(Edit { at: target.new_subnet(wanted.network).unwrap(), with }),
        }
    }
    // Some scopes need an option that only the source defines.
    let definitions = source.dhcp4().unwrap().get("option-def").unwrap().to_json();
    edits.push(Edit { at: at(&["option-def"]), with: Some(definitions) });
    // Comments between the scopes are the target's own and all stay.
    let text = target.document().edit(&edits).unwrap();
    let comments = |text: &[u8]| {
        let lines = String::from_utf8_lossy(text).into_owned();
        let own = lines.lines().map(str::trim).filter(|line| line.starts_with("//") || line.starts_with('#'));
        own.map(str::to_owned).collect::<Vec<_>>()
    };
    let now = comments(&text);
    let lost: Vec<_> = comments(old).into_iter().filter(|line| !now.contains(line)).collect();
    assert!(lost.is_empty(), "{lost:?}");
    let folder = folder(&[("edited.conf", std::str::from_utf8(&text).unwrap())]);
    let verdict = common::pair::kea_takes(&folder.path().join("edited.conf"));
    assert!(verdict.as_ref().is_none_or(Result::is_ok), "{verdict:?}");
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 10, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn kea_reads_what_we_print(texts in prop::collection::vec("\\PC{0,12}|[\\x00-\\x7f]{0,8}", 1..8), numbers in prop::collection::vec(any::<i64>(), 0..4), float in prop::num::f64::NORMAL) {
        let folder = folder(&[]);
        let Some(keas) = keas() else { return Ok(()) };
        let value = json!({"Dhcp4": {"user-context": {"texts": texts, "numbers": numbers, "float": float}}});
        let text = print::Style::default().pretty(&value, "");
        prop_assert!(taken(keas, folder.path(), text.as_bytes()), "{}", text);
        let read = dialect::parse("t", text.into_bytes(), |_| Err("none".into())).unwrap();
        prop_assert_eq!(read.root().to_json(), value);
    }
}
