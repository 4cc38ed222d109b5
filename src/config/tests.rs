use super::keys::{Absent, SECTIONS};
use super::*;

mod mistakes;

use crate::backend::web::{Address, Identity, Login, Pin, Trust};
use crate::backend::windows::access::{Replication, Scheme, Service};
use crate::model::Section;
use crate::secret::{Inline, Secret};
use crate::ui::Glyphs;
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

/// A `[[server]]` with these lines in place of its address.
fn server(lines: &str) -> String {
    format!("[[server]]\nname = \"a\"\nkind = \"kea\"\n{lines}\n")
}

/// The same for Windows.
fn windows(lines: &str) -> String {
    format!("[[server]]\nname = \"w\"\nkind = \"windows\"\n{lines}\n")
}

/// How the only server of this text, a Windows server, is reached.
fn access(lines: &str) -> Access {
    match parse(&windows(lines)).unwrap().servers.remove(0).endpoint {
        Endpoint::Windows(access) => *access,
        other => panic!("{other:?}"),
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
        kind = "kea"
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
        audit_size = 65536
        audit_files = 12
        [screen]
        columns = ["scope", "drift", "relationship"]
        grouping = "none"
        sort = "used"
        glyphs = "ascii"
        mouse = true
        theme = "mine.toml"
        diff = ["vim", "-d"]
        type_name_above = 3
        title = false
        bell = true
        watch = "90s"
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
        replicating: Replicating::default(),
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
        history: HistoryConfig {
            keep_days: 30,
            keep_runs: 0,
            keep_size: ByteSize(1 << 20),
            audit_size: ByteSize(1 << 16),
            audit_files: 12,
        },
        screen: ScreenConfig {
            columns: vec![Column::Drift, Column::Relationship],
            grouping: Grouping::None,
            sort: Column::Used,
            mouse: true,
            glyphs: Some(Glyphs::ASCII),
            theme: ThemeChoice::File("/etc/mine.toml".into()),
            type_name_above: 3,
            diff: vec!["vim".to_owned(), "-d".to_owned()],
            title: false,
            bell: true,
            watch: Some(Duration::from_secs(90)),
        },
        log: LogConfig { target: LogTarget::File("/etc/s.log".into()), level: LogLevel::Debug },
        keymap: Keymap::default(),
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
        if section == "keys" && crate::app::keymap::named(key).is_some() {
            continue;
        }
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

fn of_windows(url: &str, user: &str, trust: Trust, scheme: Scheme, others: [Option<&str>; 2]) -> Endpoint {
    let command = Secret::Command(["pass", "show", "contoso/scopesync"].map(str::to_owned).to_vec());
    let (address, login) = (Address::parse(url).unwrap(), Some(Login::new(user, command)));
    let [computer, kdc] = others.map(|other| other.map(str::to_owned));
    let web = Web { address, login, trust, identity: None };
    Endpoint::Windows(Box::new(Access { scheme, computer, kdc, ..Access::new(web) }))
}

#[test]
fn an_agent_s_60_seconds_are_waited_for() {
    let read = |lines: &str| parse(&server(lines)).unwrap().servers.remove(0).timeouts.read.as_secs();
    assert_eq!(read("socket = '/s'"), 30);
    assert_eq!(read("url = 'http://localhost:8000'"), 75);
    assert_eq!(read("url = 'http://localhost:8000'\nread_timeout = 20"), 20);
}

#[test]
fn a_windows_server_is_reached_as_written() {
    let login = "user = 'CONTOSO\\scott'\npassword_env = 'X'";
    let plain = access(&format!("host = 'DHCP1.contoso.com'\n{login}"));
    assert_eq!(plain.web.address, Address::parse("http://dhcp1.contoso.com:5985/wsman").unwrap());
    assert_eq!(plain, Access::new(plain.web.clone()));
    assert_eq!(plain.web.login.as_ref().unwrap().user, "CONTOSO\\scott");
    assert_eq!((plain.caveat(), plain.managed()), (None, "dhcp1.contoso.com"));

    let every = access(&format!(
        "host = '[2001:DB8::1]'\nport = 15986\ntls = true\ninsecure = true\nauth = 'credssp'\n\
         computer_name = 'dhcp2'\nkdc = '[2001:db8::2]:88'\nspn_service = 'WSMAN'\nchannel_bindings = false\n\
         max_envelope = '1 MiB'\nconnections = 16\n{login}"
    ));
    let expected = Access {
        web: Web {
            address: Address::parse("https://[2001:db8::1]:15986/wsman").unwrap(),
            trust: Trust::Anything,
            ..plain.web
        },
        scheme: Scheme::CredSsp,
        computer: Some("dhcp2".to_owned()),
        kdc: Some("[2001:db8::2]:88".to_owned()),
        service: Service::WsMan,
        channel_bindings: false,
        max_envelope: 1 << 20,
        connections: 16,
    };
    assert_eq!(every, expected);
    assert_eq!((every.caveat(), every.managed()), (Some("insecure: its certificate is not verified"), "dhcp2"));

    let bare = access(&format!("host = '2001:db8::1'\ntls = true\n{login}"));
    assert_eq!(bare.web.address.to_string(), "https://[2001:db8::1]:5986/wsman");
    for user in ["'.\\scott'", "'scott@contoso.com'", "'scott'"] {
        access(&format!("host = 'dhcp1'\nauth = 'ntlm'\nuser = {user}\npassword_env = 'X'"));
    }
}

#[test]
fn a_windows_server_is_written_as_written() {
    let login = "host = 'a'\nuser = 'u'\npassword_env = 'X'";
    let read = |lines: &str| {
        Ok::<_, ConfigError>(parse(&windows(&format!("{login}\n{lines}")))?.servers.remove(0).replicating)
    };
    assert_eq!(read("").unwrap(), Replicating { by: Replication::Auto, at_once: 1, is_verified: false });
    let every = read("replication = 'native'\nreplicate_at_once = 7\nverified = true").unwrap();
    assert_eq!(every, Replicating { by: Replication::Native, at_once: 7, is_verified: true });
    for (lines, wrong) in [
        ("replication = 'directly'", "did you mean \"direct\"?"),
        ("replicate_at_once = 0", "a whole number from 1 to 100, not 0"),
        ("replication = 'direct'\nreplicate_at_once = 2", "is for another `replication` than \"direct\""),
    ] {
        let error = read(lines).unwrap_err().to_string();
        assert!(error.contains(wrong), "{error}");
    }
    let kea = parse("[[server]]\nname = 'a'\nkind = 'kea'\nfile = '/f'\nverified = true").unwrap_err().to_string();
    assert!(kea.contains("`verified` in [[server]] \"a\" is for kind \"windows\""), "{kea}");
}

#[test]
fn a_host_manages_several_servers_and_a_name_has_several_ports() {
    let entry = |name: &str, lines: &str| {
        format!(
            "[[server]]\nname = '{name}'\nkind = 'windows'\nhost = 'Admin'\nuser = 'u'\npassword_env = 'X'\n{lines}\n"
        )
    };
    let parsed = |one: &str, other: &str| parse(&(entry("a", one) + &entry("b", other)));
    for (one, other) in [("", "port = 15985"), ("", "computer_name = 'dhcp2'"), ("", "tls = true")] {
        assert_eq!(parsed(one, other).unwrap().servers.len(), 2);
    }
    for (one, other) in
        [("", "port = 5985"), ("computer_name = 'DHCP2'", "computer_name = 'dhcp2'"), ("", "computer_name = 'admin'")]
    {
        let error = parsed(one, other).unwrap_err().to_string();
        assert!(error.contains("reach one server, \"http://admin:5985/wsman\""), "{error}");
    }
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
            ServerEntry::new(
                "dhcp1",
                of_windows(
                    "http://dhcp1.contoso.com:5985/wsman",
                    "CONTOSO\\scopesync",
                    Trust::System,
                    Scheme::Negotiate,
                    [None, None],
                ),
            ),
            ServerEntry::new(
                "dhcp2",
                of_windows(
                    "https://admin.contoso.com:5986/wsman",
                    "scopesync@contoso.com",
                    Trust::Authority("/etc/scopesync/contoso.pem".into()),
                    Scheme::Kerberos,
                    [Some("dhcp2.contoso.com"), Some("dc1.contoso.com")],
                ),
            ),
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
        // without it there is none: an example stands there
        screen: ScreenConfig { diff: vec!["vimdiff".to_owned()], ..ScreenConfig::default() },
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
