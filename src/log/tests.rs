use super::*;
use std::ffi::OsString;
use std::fs;

fn to_folder() -> LogConfig {
    LogConfig::default()
}

fn to_file(path: &Path) -> LogConfig {
    LogConfig { target: LogTarget::File(path.to_owned()), ..LogConfig::default() }
}

/// Logs within `open`'s subscriber, then waits for its thread by dropping the guard.
fn log_in(config: &LogConfig, state: &StateFolder, messages: impl FnOnce()) {
    let (writer, worker) = open(config, Ok(state.clone())).unwrap().unwrap();
    let subscriber = subscriber(Recent::default(), Some(writer), config.level);
    tracing::subscriber::with_default(subscriber, messages);
    drop(worker);
}

#[cfg(unix)]
fn mode(path: &Path) -> u32 {
    use std::os::unix::fs::PermissionsExt;
    fs::metadata(path).unwrap().permissions().mode() & 0o777
}

#[test]
fn argument_before_environment_before_file() {
    let file = to_file(Path::new("/from/file"));
    let env = |name: &str| match name {
        "SCOPESYNC_LOG" => Some(OsString::from("off")),
        "SCOPESYNC_LOG_LEVEL" => Some(OsString::from("trace")),
        _ => None,
    };
    let none = |_: &str| None;
    assert_eq!(settle(None, &none, &file).0, file);
    let (from_env, warning) = settle(None, &env, &file);
    assert_eq!(from_env.target, LogTarget::Off);
    assert_eq!(from_env.level, LogLevel::Trace);
    assert!(warning.is_none());
    let (from_argument, _) = settle(Some(Path::new("a.log")), &env, &file);
    assert_eq!(from_argument.target, LogTarget::File("a.log".into()));
    assert_eq!(settle(Some(Path::new("off")), &none, &file).0.target, LogTarget::Off);
    let (_, warning) = settle(None, &|_| Some(OsString::from("loud")), &file);
    assert_eq!(
        warning.unwrap().to_string(),
        "SCOPESYNC_LOG_LEVEL is none of error, warn, info, debug, trace: using info"
    );
}

#[test]
fn messages_reach_a_private_file_of_the_day() {
    let folder = tempfile::tempdir().unwrap();
    let state = StateFolder::at(folder.path().join("state"));
    log_in(&to_folder(), &state, || {
        tracing::info!(server = "kea-1", "read");
        tracing::debug!("too fine");
        tracing::info!(target: "library", "chatter");
        tracing::warn!(target: "library", "trouble");
    });
    let logs: Vec<_> = fs::read_dir(state.root().join("logs")).unwrap().collect();
    assert_eq!(logs.len(), 1);
    let path = logs[0].as_ref().unwrap().path();
    let text = fs::read_to_string(&path).unwrap();
    assert!(text.contains("read server=\"kea-1\""), "{text}");
    assert!(text.contains("trouble"), "{text}");
    assert!(!text.contains("too fine") && !text.contains("chatter"), "{text}");
    assert!(!text.contains('\u{1b}'), "{text}");
    #[cfg(unix)]
    assert_eq!(mode(&path), 0o600);
}

#[test]
fn a_named_file_is_appended_to() {
    let folder = tempfile::tempdir().unwrap();
    let state = StateFolder::at(folder.path().join("unused"));
    let path = folder.path().join("my.log");
    for message in ["first", "second"] {
        log_in(&to_file(&path), &state, || tracing::info!("{message}"));
    }
    let text = fs::read_to_string(&path).unwrap();
    let (first, second) = (text.find("first"), text.find("second"));
    assert!(first.is_some() && first < second, "{text}");
    assert!(!state.root().exists());
    #[cfg(unix)]
    assert_eq!(mode(&path), 0o600);
}

#[test]
fn a_new_day_takes_a_new_file_and_the_oldest_go() {
    let folder = tempfile::tempdir().unwrap();
    let day = |number: i8| jiff::civil::date(2024, 2, number);
    fs::write(folder.path().join("scopesync.notes.log"), "mine").unwrap();
    let mut daily = Daily::new(folder.path(), day(1)).unwrap();
    for number in 2..=20 {
        daily.turn_to(day(number));
        writeln!(daily.file, "day {number}").unwrap();
    }
    let mut names: Vec<_> =
        fs::read_dir(folder.path()).unwrap().map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
    names.sort();
    let mut expected: Vec<String> = (14..=20).map(|n| file_name(day(n))).collect();
    expected.push("scopesync.notes.log".to_owned());
    assert_eq!(names, expected);
    let last = fs::read_to_string(folder.path().join("scopesync.2024-02-20.log")).unwrap();
    assert_eq!(last, "day 20\n");
}

#[test]
fn a_day_whose_file_cannot_be_made_goes_on_in_the_old_one() {
    let folder = tempfile::tempdir().unwrap();
    let day = |number: i8| jiff::civil::date(2024, 2, number);
    let mut daily = Daily::new(folder.path(), day(1)).unwrap();
    fs::create_dir(folder.path().join(file_name(day(2)))).unwrap();
    daily.turn_to(day(2));
    writeln!(daily.file, "kept").unwrap();
    let text = fs::read_to_string(folder.path().join(file_name(day(1)))).unwrap();
    assert_eq!(text, "kept\n");
}

#[test]
fn trouble_is_a_warning_and_not_the_end() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("file");
    fs::write(&file, "").unwrap();
    let warning = |config: &LogConfig, state| {
        let (_guard, warning) = start(config, state);
        let text = warning.map(|warning| warning.to_string()).unwrap_or_default();
        text.replace(&folder.path().display().to_string(), "F")
    };
    let in_file = StateFolder::at(&file);
    assert_eq!(
        warning(&to_folder(), Ok(in_file.clone())),
        "no log is written: the state folder F/file/logs cannot be used: Not a directory (os \
         error 20); mend it or set SCOPESYNC_STATE to another folder"
    );
    assert_eq!(
        warning(&to_file(folder.path()), Ok(in_file.clone())),
        "no log is written: cannot open F: Is a directory (os error 21)"
    );
    let off = LogConfig { target: LogTarget::Off, ..LogConfig::default() };
    assert_eq!(warning(&off, Ok(in_file)), "");
    assert_eq!(warning(&off, Err(StateError::Nowhere)), "");
}

#[test]
fn a_failing_disk_is_kept_from_the_terminal() {
    struct Full;
    impl Write for Full {
        fn write(&mut self, _: &[u8]) -> io::Result<usize> {
            Err(io::ErrorKind::StorageFull.into())
        }
        fn flush(&mut self) -> io::Result<()> {
            Err(io::ErrorKind::StorageFull.into())
        }
    }
    let mut quiet = Quiet(Full);
    assert_eq!(quiet.write(b"lost").unwrap(), 4);
    quiet.flush().unwrap();
}
