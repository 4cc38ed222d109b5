use super::keys::{Absent, SECTIONS};
use super::*;

use crate::backend::web::{Address, Identity, Login, Pin, Trust};
use crate::model::Section;
use crate::secret::{Inline, Secret};
use proptest::prelude::*;
use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::Path;

const EXAMPLE: &str = include_str!("../../config.example.toml");

fn parse(text: &str) -> Result<Config, ConfigError> {
    Config::parse(text, Path::new("/etc/c.toml"))
}

/// The messages of a wrong file, one a line.
fn mistakes(text: &str) -> String {
    match parse(text) {
        Ok(config) => panic!("accepted: {config:?}"),
        Err(ConfigError::Invalid { problems, .. }) => {
            problems.iter().map(ToString::to_string).collect::<Vec<_>>().join("\n")
        }
        Err(other) => panic!("{other}"),
    }
}

#[test]
fn an_empty_file_is_the_default() {
    assert_eq!(parse("").unwrap(), Config::default());
}

#[test]
fn the_documented_form_is_read() {
    let config = parse(
        r#"
        [[server]]
        name = "kea-1"
        kind = "kea"                                   # later also "windows"
        socket = "/run/kea/kea4-ctrl-socket"

        [[server]]
        name = "kea-2"
        kind = "kea"
        file = "/etc/kea/kea-dhcp4.conf"

        [[relationship]]
        name = "Berlin"
        servers = ["kea-1", "kea-2"]
        "#,
    )
    .unwrap();
    let socket = Endpoint::KeaSocket("/run/kea/kea4-ctrl-socket".into());
    let file = Endpoint::KeaFile("/etc/kea/kea-dhcp4.conf".into());
    assert_eq!(config.servers, [ServerEntry::new("kea-1", socket), ServerEntry::new("kea-2", file)]);
    assert_eq!(config.relationship_name("kea-2", "kea-1"), Some("Berlin"));
    assert_eq!(config.relationship_name("kea-2", "kea-3"), None);
    assert_eq!(config.server("kea-2"), config.servers.last());
}

#[test]
fn every_key_is_taken_over() {
    let config = parse(
        r#"
        throttle_limit = 4
        [[server]]
        name = "a"
        kind = "kea"
        file = "../kea/a.conf"
        read_only = true
        connect_timeout = 1
        read_timeout = 2.5
        write_timeout = 3
        max_answer = "1 GiB"
        save = "never"
        writer = "whole-configuration"
        check = "sbin/kea-dhcp4"
        [[ignore]]
        section = "options"
        item = "10.0.0.*"
        field = "data"
        reason = "because"
        [history]
        keep_days = 30
        keep_runs = 0
        keep_size = "1 MiB"
        [log]
        file = "s.log"
        level = "debug"
        "#,
    )
    .unwrap();
    let server = ServerEntry {
        name: "a".to_owned(),
        endpoint: Endpoint::KeaFile("/etc/../kea/a.conf".into()),
        read_only: true,
        timeouts: Timeouts {
            connect: Duration::from_secs(1),
            read: Duration::from_millis(2500),
            write: Duration::from_secs(3),
        },
        save: SavePolicy::Never,
        writer: WriterPolicy::WholeConfiguration,
        max_answer: ByteSize(1 << 30),
        check: FileCheck::Always("/etc/sbin/kea-dhcp4".into()),
    };
    let ignore = IgnoreRule {
        section: Some(Section::Options),
        item: Some("10.0.0.*".to_owned()),
        field: Some("data".to_owned()),
        reason: "because".to_owned(),
    };
    let expected = Config {
        servers: vec![server],
        relationships: vec![],
        ignore: vec![ignore],
        throttle_limit: 4,
        history: HistoryConfig { keep_days: 30, keep_runs: 0, keep_size: ByteSize(1 << 20) },
        log: LogConfig { target: LogTarget::File("/etc/s.log".into()), level: LogLevel::Debug },
        warnings: vec![],
    };
    assert_eq!(config, expected);
}

#[test]
fn check_and_log_have_words_of_their_own() {
    let check = |value: &str| {
        let text = format!("[[server]]\nname = 'a'\nkind = 'kea'\nfile = '/f'\ncheck = '{value}'\n");
        parse(&text).unwrap().servers.remove(0).check
    };
    assert_eq!(check("off"), FileCheck::Off);
    assert_eq!(check("kea-dhcp4"), FileCheck::default());
    assert_eq!(check("./kea"), FileCheck::Always("/etc/./kea".into()));
    assert_eq!(check("/opt/kea"), FileCheck::Always("/opt/kea".into()));
    let log = |value: &str| parse(&format!("log.file = '{value}'")).unwrap().log.target;
    assert_eq!(log("off"), LogTarget::Off);
    assert_eq!(log("auto"), LogTarget::StateFolder);
}

/// A `[[server]]` with these lines in place of its address.
fn server(lines: &str) -> String {
    format!("[[server]]\nname = \"a\"\nkind = \"kea\"\n{lines}\n")
}

#[test]
fn mistakes_name_their_place_and_cure() {
    let long = format!("socket = \"/{}\"", "x".repeat(107));
    let two = "[[server]]\nname = 'kea-1'\nkind = 'kea'\nsocket = '/1'\n\
               [[server]]\nname = 'kea-2'\nkind = 'kea'\nsocket = '/2'\n";
    let pair = |lines: &str| format!("{two}[[relationship]]\n{lines}\n");
    let ignore = |lines: &str| format!("[[ignore]]\n{lines}\n");
    let cases = [
        // Keys.
        (
            server("sokcet = \"/s\""),
            "1:1: [[server]] \"a\" does not say how to reach the server: write `socket`, `url` or `file`\n\
             4:1: unknown key `sokcet` in [[server]] \"a\": did you mean `socket`?",
        ),
        (
            server("socket = '/s'\nread-only = true"),
            "5:1: unknown key `read-only` in [[server]] \"a\": did you mean `read_only`?",
        ),
        (
            server("socket = '/s'\nthrottle_limit = 3"),
            "5:1: unknown key `throttle_limit` in [[server]] \"a\": `throttle_limit` must stand \
             before the first section",
        ),
        (
            "read_only = true".to_owned(),
            "1:1: unknown key `read_only` in the top section: `read_only` belongs in [[server]]",
        ),
        ("[[sever]]\nname = 'a'".to_owned(), "1:3: unknown key `sever` in the top section: did you mean `server`?"),
        ("[log]\ncolour = 1".to_owned(), "2:1: unknown key `colour` in [log]: valid here: `file`, `level`"),
        (
            "[log]\n\"a\\u001b[2J\" = 1".to_owned(),
            "2:1: unknown key `a\\u{1b}[2J` in [log]: valid here: `file`, `level`",
        ),
        // Sections in the wrong form.
        ("[server]\nname = 'a'".to_owned(), "1:1: `server` must be written as [[server]]"),
        ("[[log]]\nlevel = 'info'".to_owned(), "1:1: `log` must be written as [log]"),
        ("ignore = ['x']".to_owned(), "1:11: `ignore` must be written as [[ignore]]"),
        // Values.
        (
            "throttle_limit = -1".to_owned(),
            "1:18: `throttle_limit` in the top section must be a whole number from 0 to 4294967295, \
             not -1",
        ),
        (
            server("socket = '/s'\nread_timeout = 0\nwrite_timeout = -0.5\nconnect_timeout = inf"),
            "5:16: `read_timeout` in [[server]] \"a\" must be a number of seconds, more than 0 and \
             at most 86400, not 0\n\
             6:17: `write_timeout` in [[server]] \"a\" must be a number of seconds, more than 0 and \
             at most 86400, not -0.5\n\
             7:19: `connect_timeout` in [[server]] \"a\" must be a number of seconds, more than 0 \
             and at most 86400, not inf",
        ),
        (
            server("socket = '/s'\nmax_answer = \"a lot\""),
            "5:14: `max_answer` in [[server]] \"a\" must be a size such as \"256 MiB\" or a number \
             of bytes, not \"a lot\"",
        ),
        (
            server("socket = '/s'\nmax_answer = 0"),
            "5:14: `max_answer` in [[server]] \"a\" must be a size such as \"256 MiB\" or a number \
             of bytes, not 0",
        ),
        (
            server("socket = '/s'\nread_only = \"yes\""),
            "5:13: `read_only` in [[server]] \"a\" must be true or false, not \"yes\"",
        ),
        (
            server("socket = '/s'\nsave = \"nevr\""),
            "5:8: unknown `save` \"nevr\" in [[server]] \"a\": did you mean \"never\"?",
        ),
        (server("socket = 5"), "4:10: `socket` in [[server]] \"a\" must be text in quotes, not 5"),
        // Servers.
        (
            "[[server]]\nsocket = '/s'".to_owned(),
            "1:1: `name` is missing in [[server]] number 1\n\
             1:1: `kind` is missing in [[server]] number 1",
        ),
        (
            "[[server]]\nname = \" \"\nkind = 'kea'\nsocket = '/s'".to_owned(),
            "2:8: `name` in [[server]] number 1 is empty",
        ),
        (
            "[[server]]\nname = \"a\\u0007\"\nkind = 'kea'\nsocket = '/s'".to_owned(),
            "2:8: `name` in [[server]] \"a\\u{7}\" has characters that cannot be seen: \"a\\u{7}\"",
        ),
        (
            "[[server]]\nname = \"a \"\nkind = 'kea'\nsocket = '/s'".to_owned(),
            "2:8: `name` in [[server]] \"a \" begins or ends with a space: \"a \"",
        ),
        (
            "[[server]]\nname = 'w'\nkind = 'windows'\nsocket = '/s'".to_owned(),
            "3:8: [[server]] \"w\": kind \"windows\" is not supported by this version yet; use \
             \"kea\" or remove the entry",
        ),
        (
            "[[server]]\nname = 'w'\nkind = 'kee'\nsocket = '/s'".to_owned(),
            "3:8: unknown `kind` \"kee\" in [[server]] \"w\": did you mean \"kea\"?",
        ),
        (
            server("socket = '/s'\nfile = '/f'"),
            "5:8: [[server]] \"a\" has both `socket` and `file`; exactly one says how to reach the \
             server",
        ),
        (
            server(&long),
            "4:10: the path of `socket` in [[server]] \"a\" has 108 bytes; a UNIX socket's path has \
             at most 107: use a shorter path, such as a symbolic link",
        ),
        (
            server("socket = '/s'\ncheck = 'off'"),
            "5:9: `check` in [[server]] \"a\" is for servers with `file`; a running Kea tests a \
             configuration itself",
        ),
        (
            "[[server]]\nname = 'a'\nkind = 'kea'\nsocket = '/1'\n\
             [[server]]\nname = 'a'\nkind = 'kea'\nsocket = '/2'"
                .to_owned(),
            "6:8: a second server is named \"a\"",
        ),
        (
            "[[server]]\nname = 'a'\nkind = 'kea'\nfile = '/no/such/f'\n\
             [[server]]\nname = 'b'\nkind = 'kea'\nfile = '/no/such/./f'"
                .to_owned(),
            "8:8: [[server]] \"b\" and [[server]] \"a\" reach one server, \"/no/such/f\": remove \
             one of them",
        ),
        // What goes with `url`.
        (
            server("url = 'http://scott:s3cret@kea:8000/'"),
            "4:7: `url` in [[server]] \"a\" has a user in it: write `user` and one of `password_env`, \
             `password_file` and `password_command` instead",
        ),
        (
            server("socket = '/s'\nuser = 'u'\npassword_env = 'X'\ninsecure = true"),
            "5:8: `user` in [[server]] \"a\" is for servers with `url`\n\
             6:16: `password_env` in [[server]] \"a\" is for servers with `url`\n\
             7:12: `insecure` in [[server]] \"a\" is for servers with `url`",
        ),
        (
            server("socket = '/s'\nurl = 'http://localhost'"),
            "5:7: [[server]] \"a\" has both `socket` and `url`; exactly one says how to reach the server",
        ),
        (
            server("url = 'https://kea'\nuser = 'u'"),
            "1:1: [[server]] \"a\" has a `user` and no password: write one of `password_env`, `password_file` \
             and `password_command`",
        ),
        (server("url = 'https://kea'\npassword_env = 'X'"), "1:1: [[server]] \"a\" has `password_env` and no `user`"),
        (
            server("url = 'https://kea'\nuser = 'u:s3cret'\npassword_env = 'X'\npassword = 's3cret'"),
            "5:8: `user` in [[server]] \"a\" has a colon, which no user of basic authentication can have\n\
             7:12: [[server]] \"a\" has both `password_env` and `password`; exactly one says where the password is from",
        ),
        (
            server("url = 'https://kea'\nuser = 'u'\npassword = 53007"),
            "6:12: `password` in [[server]] \"a\" must be text in quotes, on one line and not empty",
        ),
        (
            server("url = 'https://kea'\nuser = 'u'\npassword_command = 'pass show x'"),
            "6:20: `password_command` in [[server]] \"a\" must be a program and its arguments, as a list: \
             [\"program\", \"argument\"], not \"pass show x\"",
        ),
        (
            server("url = 'http://kea:8000'\nuser = 'u'\npassword_env = 'X'"),
            "4:7: [[server]] \"a\" would send its password in clear over the network: use https:// in `url`, or \
             write `plain_auth = true` if nobody can listen on the way",
        ),
        (
            server("url = 'http://127.0.0.1:8000'\ntls_ca = '/ca'\ninsecure = true\nplain_auth = false"),
            "5:10: `tls_ca` in [[server]] \"a\" is for `url` with https://\n\
             6:12: [[server]] \"a\" has both `tls_ca` and `insecure`; exactly one says which certificate is trusted\n\
             6:12: `insecure` in [[server]] \"a\" is for `url` with https://",
        ),
        (
            server("url = 'https://kea'\ntls_pin = 'sha256:00'\ntls_cert = '/c'\nplain_auth = true"),
            "5:11: `tls_pin` in [[server]] \"a\" has 2 hexadecimal digits, and SHA-256 has 64\n\
             6:12: `tls_cert` in [[server]] \"a\" needs `tls_key` beside it\n\
             7:14: `plain_auth` in [[server]] \"a\" is for `url` with http://",
        ),
        (
            "[[server]]\nname = 'a'\nkind = 'kea'\nurl = 'http://localhost:8000/'\n\
             [[server]]\nname = 'b'\nkind = 'kea'\nurl = 'https://LOCALHOST:8000'"
                .to_owned(),
            "8:7: [[server]] \"b\" and [[server]] \"a\" reach one server, \"http://localhost:8000\": remove one \
             of them",
        ),
        // Relationships.
        (
            pair("name = 'B'\nservers = ['kea-1', 'kae-2']"),
            "11:21: unknown server \"kae-2\" in [[relationship]] \"B\": did you mean \"kea-2\"?",
        ),
        (
            pair("name = 'B'\nservers = ['kea-1', 'kea-1']"),
            "11:21: `servers` in [[relationship]] \"B\" names \"kea-1\" twice",
        ),
        (
            pair("name = 'B'\nservers = ['kea-1']"),
            "11:11: `servers` in [[relationship]] \"B\" must name two servers, not 1",
        ),
        (
            pair("name = 'B'\nservers = 'kea-1'"),
            "11:11: `servers` in [[relationship]] \"B\" must be a list of names in quotes, not \
             \"kea-1\"",
        ),
        (pair("name = 'B'"), "9:1: `servers` is missing in [[relationship]] \"B\""),
        (
            "[[relationship]]\nname = 'B'\nservers = ['a', 'b']".to_owned(),
            "3:12: unknown server \"a\" in [[relationship]] \"B\": the file has no [[server]]\n\
             3:17: unknown server \"b\" in [[relationship]] \"B\": the file has no [[server]]",
        ),
        (
            pair(
                "name = 'B'\nservers = ['kea-1', 'kea-2']\n\
                 [[relationship]]\nname = 'B'\nservers = ['kea-2', 'kea-1']",
            ),
            "13:8: a second relationship is named \"B\"\n\
             13:8: the relationship of \"kea-2\" and \"kea-1\" is named \"B\" already",
        ),
        // Ignore rules.
        (
            ignore("section = 'option'\nreason = 'r'"),
            "2:11: unknown `section` \"option\" in [[ignore]] number 1: did you mean \"options\"?",
        ),
        (ignore("item = 'x'"), "1:1: `reason` is missing in [[ignore]] number 1"),
        (ignore("item = 'x'\nreason = ''"), "3:10: `reason` in [[ignore]] number 1 is empty"),
        (
            ignore("item = '*'\nreason = 'r'"),
            "1:1: [[ignore]] number 1 would ignore every difference: give a `section`, `item` or \
             `field` other than *",
        ),
        // Log.
        (
            "[log]\nlevel = 'verbose'".to_owned(),
            "2:9: unknown `level` \"verbose\" in [log]: valid here: \"error\", \"warn\", \"info\", \
             \"debug\", \"trace\"",
        ),
        // TOML itself.
        ("a = 1\na = 2".to_owned(), "2:1: duplicate key"),
        ("# ä\nname = \"ä".to_owned(), "2:10: invalid basic string, expected `\"`"),
    ];
    for (text, expected) in cases {
        assert_eq!(mistakes(&text), expected, "{text}");
        assert!(!expected.contains("s3cret"));
    }
}

#[test]
fn the_error_is_ready_for_the_terminal() {
    let text = |file: &str| parse(file).unwrap_err().to_string();
    assert_eq!(
        text("throttle_limt = 1"),
        "/etc/c.toml:1:1: unknown key `throttle_limt` in the top section: did you mean \
         `throttle_limit`?"
    );
    assert_eq!(
        text("log.a = 1\nlog.b = 1"),
        "the configuration has 2 mistakes:\n\
         /etc/c.toml:1:5: unknown key `a` in [log]: valid here: `file`, `level`\n\
         /etc/c.toml:2:5: unknown key `b` in [log]: valid here: `file`, `level`"
    );
}

#[cfg(unix)]
#[test]
fn one_socket_by_two_ways_is_one_server() {
    let folder = tempfile::tempdir().unwrap();
    let real = folder.path().join("real");
    fs::create_dir(&real).unwrap();
    std::os::unix::fs::symlink(&real, folder.path().join("link")).unwrap();
    let path = folder.path().join("config.toml");
    let text = "[[server]]\nname = 'a'\nkind = 'kea'\nsocket = 'real/s'\n\
                [[server]]\nname = 'b'\nkind = 'kea'\nsocket = 'link/s'\n";
    for exists in [false, true] {
        if exists {
            fs::write(real.join("s"), "").unwrap();
        }
        let error = Config::parse(text, &path).unwrap_err().to_string();
        assert!(error.contains("reach one server"), "{error}");
    }
    let other = text.replace("link/s", "link/t");
    Config::parse(&other, &path).unwrap();
}

#[cfg(unix)]
#[test]
fn a_command_is_not_run_from_a_file_that_others_write() {
    use std::os::unix::fs::PermissionsExt;
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("config.toml");
    let with = |lines: &str| server(&format!("url = 'https://kea'\nuser = 'u'\n{lines}"));
    let read = |text: &str, mode: u32| {
        fs::write(&path, text).unwrap();
        fs::set_permissions(&path, fs::Permissions::from_mode(mode)).unwrap();
        Config::parse(text, &path).map_err(|error| error.to_string())
    };
    let command = with("password_command = ['bin/pass', 'kea']");
    for mode in [0o620, 0o602] {
        let error = read(&command, mode).unwrap_err();
        assert!(error.contains("is not run from a file that others may write"), "{error}");
        assert!(error.starts_with(&format!("{}:6:20: ", path.display())), "{error}");
        read(&with("password_env = 'X'"), mode).unwrap();
    }
    let config = read(&command, 0o644).unwrap();
    let Endpoint::KeaUrl(web) = &config.servers[0].endpoint else { panic!("{config:?}") };
    let program = folder.path().join("bin/pass").display().to_string();
    assert_eq!(*web.login.as_ref().unwrap().password.from(), Secret::Command(vec![program, "kea".into()]));
}

#[cfg(unix)]
#[test]
fn secrets_that_others_can_read_are_warned_of() {
    use std::os::unix::fs::PermissionsExt;
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("config.toml");
    let text = server("url = 'https://kea'\nuser = 'u'\npassword_file = 'p'\ntls_cert = 'c'\ntls_key = 'k'");
    let warnings = |mode: u32| {
        for name in ["p", "k"] {
            fs::write(folder.path().join(name), "s3cret").unwrap();
            fs::set_permissions(folder.path().join(name), fs::Permissions::from_mode(mode)).unwrap();
        }
        Config::parse(&text, &path).unwrap().warnings
    };
    assert_eq!(warnings(0o600), []);
    let told = warnings(0o640);
    assert_eq!(told.iter().map(|warning| warning.line).collect::<Vec<_>>(), [6, 8]);
    assert!(
        told[0].message.contains("`password_file` in [[server]] \"a\" can be read by others (mode 0640)"),
        "{told:?}"
    );
}

/// Whether a line of the example is a setting behind a `#`.
fn is_setting(line: &str) -> bool {
    let Some(rest) = line.strip_prefix('#') else {
        return false;
    };
    rest.starts_with('[') || rest.starts_with(|c: char| c.is_ascii_lowercase())
}

/// The example with its settings in use.
fn example_in_use() -> String {
    let in_use = |line| match is_setting(line) {
        true => line.trim_start_matches('#'),
        false => line,
    };
    EXAMPLE.lines().map(in_use).collect::<Vec<_>>().join("\n")
}

#[test]
fn the_example_as_it_is_changes_nothing() {
    assert_eq!(parse(EXAMPLE).unwrap(), Config::default());
}

#[test]
fn the_example_holds_every_key_with_its_default() {
    let mut section = "";
    let mut shown: BTreeMap<&str, BTreeSet<&str>> = BTreeMap::new();
    for line in EXAMPLE.lines().filter(|line| is_setting(line)) {
        let line = line.trim_start_matches('#');
        if line.starts_with('[') {
            section = line.trim_matches(['[', ']']);
            continue;
        }
        let (key, value) = line.split_once(" = ").unwrap();
        let spec = SECTIONS.iter().find(|s| s.name == section).unwrap();
        let spec = spec.key(key).unwrap_or_else(|| panic!("{key} in {section}"));
        // Where the default alone would be useless, an example stands beside it.
        if !matches!(spec.absent, Absent::Default(default) if default != value) {
            shown.entry(section).or_default().insert(key);
        }
    }
    for section in SECTIONS {
        let known: BTreeSet<&str> = section.keys.iter().map(|key| key.name).collect();
        assert_eq!(shown.get(section.name), Some(&known), "{}", section.heading());
    }
}

fn web(url: &str, password: Secret, trust: Trust, identity: Option<Identity>) -> Endpoint {
    let login = Some(Login::new("scopesync", password));
    let address = Address::parse(url).unwrap();
    Endpoint::KeaUrl(Box::new(Web { address, login, trust, identity }))
}

#[test]
fn an_agent_s_60_seconds_are_waited_for() {
    let read = |lines: &str| parse(&server(lines)).unwrap().servers.remove(0).timeouts.read.as_secs();
    assert_eq!(read("socket = '/s'"), 30);
    assert_eq!(read("url = 'http://localhost:8000'"), 75);
    assert_eq!(read("url = 'http://localhost:8000'\nread_timeout = 20"), 20);
}

#[test]
fn the_example_in_use_has_the_built_in_defaults() {
    let text = example_in_use();
    let socket = Endpoint::KeaSocket("/run/kea/kea4-ctrl-socket".into());
    let file = Endpoint::KeaFile("/etc/kea/kea-dhcp4.conf".into());
    let env = Secret::Env("KEA_3_PASSWORD".into());
    let command = Secret::Command(["pass", "show", "kea/kea-5"].map(str::to_owned).to_vec());
    let inline = Secret::Inline(Inline::new("example"));
    let ca = Trust::Authority("/etc/scopesync/ca.pem".into());
    let pin = Pin::parse(&format!("sha256:{}", "0123456789abcdef".repeat(4))).unwrap();
    let identity =
        Identity { certificate: "/etc/scopesync/client.pem".into(), key: "/etc/scopesync/client.key".into() };
    let warnings = parse(&text).unwrap().warnings;
    assert_eq!(warnings.len(), 1, "{warnings:?}");
    assert!(warnings[0].message.contains("[[server]] \"kea-6\" stands in this file in clear"), "{warnings:?}");
    let expected = Config {
        servers: vec![
            ServerEntry::new("kea-1", socket),
            ServerEntry::new("kea-3", web("https://kea-3.example:8004", env, ca, Some(identity))),
            ServerEntry::new(
                "kea-4",
                web(
                    "https://10.0.0.4:8004",
                    Secret::File("/etc/scopesync/kea-4.password".into()),
                    Trust::Pin(pin),
                    None,
                ),
            ),
            ServerEntry::new("kea-5", web("http://localhost:8000", command, Trust::System, None)),
            ServerEntry::new("kea-6", web("http+unix:///run/kea-proxy.sock", inline, Trust::System, None)),
            ServerEntry::new("kea-2", file),
        ],
        relationships: vec![RelationshipEntry {
            name: "Berlin".to_owned(),
            servers: ["kea-1".to_owned(), "kea-2".to_owned()],
        }],
        ignore: vec![
            IgnoreRule {
                section: Some(Section::Options),
                item: None,
                field: None,
                reason: "each site has its own printers".to_owned(),
            },
            IgnoreRule {
                section: None,
                item: Some("*-lifetime".to_owned()),
                field: None,
                reason: "the second site renews more often".to_owned(),
            },
        ],
        warnings,
        ..Config::default()
    };
    assert_eq!(parse(&text).unwrap(), expected);
}

#[test]
fn the_reference_lists_every_key() {
    let text = reference();
    for section in SECTIONS {
        for key in section.keys {
            assert!(text.contains(&format!("| `{}` |", key.name)), "{}", key.name);
        }
    }
}

proptest! {
    #[test]
    fn any_text_is_read_or_refused_with_places_inside_it(text in "(?s)[\\[\\]a-z=\"'#.\\n é0-9]{0,60}") {
        if let Err(ConfigError::Invalid { problems, .. }) = parse(&text) {
            prop_assert!(!problems.is_empty());
            for problem in problems {
                prop_assert!(problem.line <= text.matches('\n').count() + 1);
            }
        }
    }

    #[test]
    fn values_come_back_as_they_were_written(
        name in "[a-zA-Z0-9äöü._-]{1,20}",
        connect in 1_u64..86_400,
        limit: u32,
        bytes in 1_u64..,
        read_only: bool,
    ) {
        let text = format!(
            "throttle_limit = {limit}\n[[server]]\nname = '{name}'\nkind = 'kea'\nsocket = '/s'\n\
             read_only = {read_only}\nconnect_timeout = {connect}\nmax_answer = '{}'\n",
            ByteSize(bytes)
        );
        let config = parse(&text).unwrap();
        prop_assert_eq!(config.throttle_limit, limit);
        let server = config.server(&name).unwrap();
        prop_assert_eq!(server.read_only, read_only);
        prop_assert_eq!(server.timeouts.connect, Duration::from_secs(connect));
        prop_assert_eq!(server.max_answer, ByteSize(bytes));
    }
}
