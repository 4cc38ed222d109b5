use std::fs;
use std::os::unix::fs::{MetadataExt, PermissionsExt, symlink};
use std::process::Command;
use std::time::Duration;

use serde_json::json;
use tempfile::TempDir;

use super::*;
use crate::backend::kea::dialect::edit::Edit;

/// A folder with these files.
fn folder(files: &[(&str, &str)]) -> TempDir {
    let folder = tempfile::tempdir().unwrap();
    for (name, text) in files {
        let path = folder.path().join(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, text).unwrap();
    }
    folder
}

fn read(folder: &TempDir, name: &str) -> Result<ConfigFile, FileError> {
    ConfigFile::read(folder.path().join(name), &Limits::default())
}

fn unchecked() -> Options {
    Options { check: Check::Off, ..Options::default() }
}

/// Options with a program in place of Kea.
fn script(folder: &TempDir, body: &str) -> Options {
    fs::write(folder.path().join("kea.sh"), body).unwrap();
    let kea = folder.path().join("kea");
    if !kea.exists() {
        // Written by another process: were it open for writing here, a test that starts
        // a program just now would hand it on, and a file open for writing cannot be run.
        let write = "printf '#!/bin/sh\\n. \"$0.sh\"\\n' > \"$0\" && chmod 755 \"$0\"";
        assert!(Command::new("/bin/sh").args(["-c", write]).arg(&kea).status().unwrap().success());
    }
    Options { check: Check::Always(kea), ..Options::default() }
}

fn names(folder: &TempDir) -> Vec<String> {
    let mut names: Vec<String> =
        fs::read_dir(folder).unwrap().map(|e| e.unwrap().file_name().to_string_lossy().into_owned()).collect();
    names.sort();
    names
}

#[test]
fn includes_are_found_beside_the_file_or_where_told() {
    let folder = folder(&[
        ("a.conf", "{\"x\": <?include \"sub/x.inc\"?>}"),
        ("sub/x.inc", "[<?include \"y.inc\"?>]"),
        ("y.inc", "1"),
        ("elsewhere/sub/x.inc", "2"),
    ]);
    let file = read(&folder, "a.conf").unwrap();
    assert_eq!(file.document().root().to_json(), json!({"x": [1]}));
    assert_eq!(file.working_folder(), fs::canonicalize(&folder).unwrap());
    assert_eq!(file.includes().len(), 2);

    let told = Limits { include_folders: vec![folder.path().join("elsewhere")], ..Limits::default() };
    let file = ConfigFile::read(folder.path().join("a.conf"), &told).unwrap();
    assert_eq!(file.document().root().to_json(), json!({"x": 2}));

    let nowhere = Limits { include_folders: vec!["/nonexistent".into()], ..Limits::default() };
    let error = ConfigFile::read(folder.path().join("a.conf"), &nowhere).unwrap_err().to_string();
    assert!(error.contains("a.conf:1:7: cannot include \"sub/x.inc\"") && error.contains("working folder"), "{error}");
}

#[test]
fn what_cannot_be_read() {
    let folder = folder(&[
        ("bad.conf", "{\n]"),
        ("big.conf", "{\"a\": <?include \"big.inc\"?>}"),
        ("big.inc", "\"0123456789\""),
    ]);
    assert!(matches!(read(&folder, "none.conf"), Err(FileError::Io { .. })));
    assert!(matches!(read(&folder, "."), Err(FileError::NotAFile(_))));
    let error = read(&folder, "bad.conf").unwrap_err().to_string();
    assert!(error.ends_with("bad.conf:2:1: expected a key or }, found ]"), "{error}");
    for (limit, good) in [(100, true), (40, true), (39, false), (10, false)] {
        let limits = Limits { max_bytes: limit, include_folders: vec![folder.path().to_owned()] };
        assert_eq!(ConfigFile::read(folder.path().join("big.conf"), &limits).is_ok(), good, "{limit}");
    }
    let tiny = Limits { max_bytes: 2, ..Limits::default() };
    let error = ConfigFile::read(folder.path().join("bad.conf"), &tiny).unwrap_err();
    assert!(matches!(error, FileError::TooBig { max_bytes: 2, .. }), "{error}");
}

#[test]
fn a_replacement_keeps_link_mode_and_owner() {
    let folder = folder(&[("real/a.conf", "{\"a\": 1}")]);
    let real = folder.path().join("real/a.conf");
    symlink("real/a.conf", folder.path().join("a.conf")).unwrap();
    fs::set_permissions(&real, fs::Permissions::from_mode(0o640)).unwrap();
    // Only root can give files away; for others the owner stays by itself.
    let given = std::os::unix::fs::chown(&real, Some(12345), Some(54321)).is_ok();
    let before = fs::metadata(&real).unwrap();

    let file = read(&folder, "a.conf").unwrap();
    let replaced = file.replace(b"{\"a\": 2}", &unchecked()).unwrap();

    assert_eq!(replaced.checked, Checked::Off);
    assert!(replaced.not_flushed.is_none());
    assert_eq!(fs::read_to_string(&real).unwrap(), "{\"a\": 2}");
    assert!(fs::symlink_metadata(folder.path().join("a.conf")).unwrap().is_symlink());
    let after = fs::metadata(&real).unwrap();
    assert_eq!((after.uid(), after.gid(), after.mode()), (before.uid(), before.gid(), before.mode()));
    assert_eq!(given, after.uid() == 12345);
    assert_eq!(read(&folder, "a.conf").unwrap().stamp().digest, replaced.digest);
    assert_eq!(fs::read_dir(folder.path().join("real")).unwrap().count(), 1);
}

#[test]
fn a_file_that_changed_is_not_replaced() {
    let folder = folder(&[("a.conf", "{\"a\": <?include \"i\"?>}"), ("i", "1")]);
    let path = folder.path().join("a.conf");
    let change = |name: &str, text: &str| fs::write(folder.path().join(name), text).unwrap();

    let file = read(&folder, "a.conf").unwrap();
    change("i", "2");
    assert!(
        matches!(file.replace(b"{}", &unchecked()), Err(FileError::Changed(name)) if name.to_string().ends_with("/i"))
    );
    change("i", "1");
    change("a.conf", "{\"a\": 7}");
    assert!(
        matches!(file.replace(b"{}", &unchecked()), Err(FileError::Changed(name)) if name.to_string().ends_with("/a.conf"))
    );
    assert_eq!(fs::read_to_string(&path).unwrap(), "{\"a\": 7}");
    fs::remove_file(&path).unwrap();
    assert!(matches!(file.replace(b"{}", &unchecked()), Err(FileError::Io { .. })));
    // The same bytes in a new file, as an editor leaves them, are no change.
    change("a.conf", "{\"a\": <?include \"i\"?>}");
    assert!(file.replace(b"{}", &unchecked()).is_ok());
    assert_eq!(names(&folder), ["a.conf", "i"]);
}

#[test]
fn a_change_during_the_test_is_seen() {
    let folder = folder(&[("a.conf", "{}")]);
    let options = script(&folder, "echo '{\"theirs\": 1}' > \"$(dirname \"$2\")/a.conf\"");
    let file = read(&folder, "a.conf").unwrap();
    assert!(matches!(file.replace(b"{\"ours\": 1}", &options), Err(FileError::Changed(_))));
    assert_eq!(fs::read_to_string(folder.path().join("a.conf")).unwrap(), "{\"theirs\": 1}\n");
    assert_eq!(names(&folder), ["a.conf", "kea", "kea.sh"]);
}

#[test]
fn the_test_decides() {
    let folder = folder(&[("a.conf", "{\"old\": 1}")]);
    let kea = |body: &str| script(&folder, body);
    let file = read(&folder, "a.conf").unwrap();
    let refused = |options: &Options| match file.replace(b"{\"new\": 1}", options).unwrap_err() {
        FileError::Refused { message, old_too, .. } => (message.to_string(), old_too),
        other => panic!("{other}"),
    };

    let picky = kea("[ \"$1\" = -t ] && ! grep new \"$2\" > /dev/null || { echo \"bad: $2\" >&2; exit 1; }");
    let (message, old_too) = refused(&picky);
    assert_eq!(
        (message, old_too),
        (format!("bad: {}", folder.path().canonicalize().unwrap().join("a.conf").display()), false)
    );

    // However much it says, and however foul.
    let (message, old_too) = refused(&kea("yes '\u{1b}[2J' | head -c 1000000; exit 3"));
    assert!(old_too && message.len() < 20_000 && !message.contains('\u{1b}'), "{message}");

    let slow = Options { check_limit: Duration::from_millis(50), ..kea("exec sleep 600") };
    assert!(matches!(file.replace(b"{}", &slow), Err(FileError::CheckTimeout { .. })));

    let missing = Options { check: Check::Always(folder.path().join("nowhere")), ..Options::default() };
    assert!(matches!(file.replace(b"{}", &missing), Err(FileError::CheckMissing { .. })));
    assert_eq!(fs::read_to_string(folder.path().join("a.conf")).unwrap(), "{\"old\": 1}");
    assert_eq!(names(&folder), ["a.conf", "kea", "kea.sh"]);

    let asked_for = Options { check: Check::WhenPresent("no-such-kea".into()), ..Options::default() };
    assert!(matches!(file.replace(b"{}", &asked_for), Err(FileError::CheckMissing { .. })));
    assert_eq!(fs::read_to_string(folder.path().join("a.conf")).unwrap(), "{\"old\": 1}");
    let accepted = file.replace(b"{\"new\": 1}", &kea("[ \"$(pwd)\" = / ]")).unwrap();
    assert_eq!(accepted.checked, Checked::Accepted(folder.path().join("kea")));
}

#[test]
fn only_the_usual_test_may_be_missing() {
    let nowhere = |check: &Check| check::tester(check, |_| None);
    assert_eq!(nowhere(&Check::default()).unwrap(), Err(Checked::NotInstalled));
    assert_eq!(nowhere(&Check::Off).unwrap(), Err(Checked::Off));
    for asked_for in [Check::WhenPresent("kea-mine".into()), Check::Always("/nonexistent/kea".into())] {
        let error = nowhere(&asked_for).unwrap_err().to_string();
        assert!(error.starts_with("cannot run ") && error.contains("not installed"), "{error}");
    }
    assert_eq!(check::tester(&Check::default(), |name| Some(name.into())).unwrap(), Ok("kea-dhcp4".into()));
}

#[cfg(target_os = "linux")]
#[test]
fn attributes_stay() {
    use rustix::fs::{XattrFlags, getxattr, setxattr};
    let folder = folder(&[("a.conf", "{}")]);
    let path = folder.path().join("a.conf");
    if setxattr(&path, "user.site", b"berlin", XattrFlags::empty()).is_err() {
        println!("SKIPPED: this file system has no extended attributes");
        return;
    }
    read(&folder, "a.conf").unwrap().replace(b"{ }", &unchecked()).unwrap();
    let mut value = [0u8; 16];
    let length = getxattr(&path, "user.site", &mut value[..]).unwrap();
    assert_eq!(&value[..length], b"berlin");
}

#[test]
fn subnets_are_found_wherever_they_stand() {
    let folder = folder(&[
        (
            "a.conf",
            "{\"Dhcp4\": {\"shared-networks\": [{\"name\": \"n\", \"subnet4\": [{\"id\": 3}]}, {\"name\": \"m\"}],
          \"subnet4\": [{\"id\": 1}, <?include \"i\"?>]}}",
        ),
        ("i", "{\"id\": 2}"),
        ("other.conf", "{\"Control-agent\": {}}"),
    ]);
    let file = read(&folder, "a.conf").unwrap();
    let found: Vec<_> = file
        .subnets()
        .into_iter()
        .map(|s| (s.node.to_json()["id"].clone(), s.network.map(str::to_owned), s.include.is_some(), s.at.len()))
        .collect();
    assert_eq!(
        found,
        [(json!(1), None, false, 3), (json!(2), None, true, 3), (json!(3), Some("n".to_owned()), false, 5)]
    );
    let mut edits: Vec<Edit> =
        file.subnets().into_iter().filter(|s| s.include.is_none()).map(|s| Edit { at: s.at, with: None }).collect();
    for network in [None, Some("n"), Some("m")] {
        edits.push(Edit { at: file.new_subnet(network).unwrap(), with: Some(json!(network)) });
    }
    assert_eq!(file.new_subnet(Some("none")), None);
    let text = file.document().edit(&edits).unwrap();
    file.replace(&text, &unchecked()).unwrap();
    let want = json!({"Dhcp4": {
        "shared-networks": [{"name": "n", "subnet4": ["n"]}, {"name": "m", "subnet4": ["m"]}],
        "subnet4": [{"id": 2}, null],
    }});
    assert_eq!(read(&folder, "a.conf").unwrap().document().root().to_json(), want);
    assert!(read(&folder, "other.conf").unwrap().subnets().is_empty());
}
