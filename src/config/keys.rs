//! Every key of the configuration file, once.
//!
//! Reading goes by this list: a key that is not in it is a mistake in the file,
//! and a key that is in it but that nothing reads fails the tests.

use std::fmt::Write as _;

/// A `[section]` or `[[section]]` of the file.
#[derive(Debug)]
pub struct Section {
    /// The name; empty for the keys before the first section.
    pub name: &'static str,
    /// Whether it is written `[[name]]`, once per thing.
    pub repeated: bool,
    /// What it is for.
    pub about: &'static str,
    /// Its keys, in the order of the reference.
    pub keys: &'static [Key],
}

/// One key of a section.
#[derive(Debug)]
pub struct Key {
    /// The name in the file.
    pub name: &'static str,
    /// What holds without it.
    pub absent: Absent,
    /// What it means and which values it takes.
    pub about: &'static str,
}

/// What holds when a key is left out.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Absent {
    /// This value, as it would be written in the file.
    Default(&'static str),
    /// It must be written.
    Required,
    /// Exactly one of a group must be written.
    OneOf,
    /// Nothing.
    Nothing,
}

impl Section {
    /// The section as it is written in a file.
    pub fn heading(&self) -> String {
        match (self.name, self.repeated) {
            ("", _) => "the top section".to_owned(),
            (name, true) => format!("[[{name}]]"),
            (name, false) => format!("[{name}]"),
        }
    }

    /// The key of that name.
    pub fn key(&self, name: &str) -> Option<&'static Key> {
        self.keys.iter().find(|key| key.name == name)
    }
}

/// The keys before the first section.
pub const TOP: Section = Section {
    name: "",
    repeated: false,
    about: "Keys before the first section.",
    keys: &[Key {
        name: "throttle_limit",
        absent: Absent::Default("0"),
        about: "Highest number of servers written side by side; 0 lets scopesync choose.",
    }],
};

/// `[[server]]`
pub const SERVER: Section = Section {
    name: "server",
    repeated: true,
    about: "One DHCP server. Relationships are discovered from the servers.",
    keys: &[
        Key { name: "name", absent: Absent::Required, about: "Your name for the server; unique." },
        Key { name: "kind", absent: Absent::Required, about: "Family of the server: `\"kea\"` or `\"windows\"`." },
        Key {
            name: "socket",
            absent: Absent::OneOf,
            about: "Control socket of a running Kea. Exactly one of `socket`, `url` and `file`.",
        },
        Key {
            name: "file",
            absent: Absent::OneOf,
            about: "A `kea-dhcp4.conf`, read and written without asking a running server. \
                    Exactly one of `socket`, `url` and `file`.",
        },
        Key {
            name: "url",
            absent: Absent::OneOf,
            about: "A running Kea over HTTP: its own HTTP control socket (Kea 2.7.2 and later) or its control \
                    agent. `https://HOST:PORT`, `http://HOST:PORT`, or `http+unix:///PATH` for a proxy's \
                    UNIX socket. Exactly one of `socket`, `url` and `file`. The keys `user` to `plain_auth` \
                    are for `url`.",
        },
        Key {
            name: "host",
            absent: Absent::OneOf,
            about: "The Windows server, or another Windows host that manages it (`computer_name`): the name that \
                    its domain knows it by, such as `\"dhcp1.contoso.com\"`. An IPv4 or IPv6 address does, too, and \
                    rules Kerberos out.",
        },
        Key {
            name: "port",
            absent: Absent::Default("5985"),
            about: "TCP port of its WinRM listener; 5986 with `tls`.",
        },
        Key {
            name: "tls",
            absent: Absent::Default("false"),
            about: "`true`: HTTPS. `false`: HTTP, in which every message is sealed with the keys of the \
                    authentication: nobody reads it, and no password is sent. The keys from `tls_ca` to `tls_key` \
                    are for `true`.",
        },
        Key {
            name: "auth",
            absent: Absent::Default("\"negotiate\""),
            about: "How we prove who we are. `\"negotiate\"`: Kerberos where it can be had, else NTLM. `\"kerberos\"` \
                    or `\"ntlm\"`: that alone. `\"basic\"` and `\"credssp\"` hand the password over to the server, and need \
                    `tls`; with `\"credssp\"` it can go on to its partner.",
        },
        Key {
            name: "computer_name",
            absent: Absent::Nothing,
            about: "The DHCP server that `host` is asked to manage, as with `-ComputerName`; itself without this.",
        },
        Key {
            name: "kdc",
            absent: Absent::Nothing,
            about: "`\"HOST\"` or `\"HOST:PORT\"` of a key distribution centre (a domain controller). Without it, the \
                    host that the name of the domain leads to.",
        },
        Key {
            name: "spn_service",
            absent: Absent::Default("\"HTTP\""),
            about: "Service class of the server's principal name: `\"HTTP\"`, `\"WSMAN\"` or `\"HOST\"`. Another than \
                    `\"HTTP\"` where that belongs to another account.",
        },
        Key {
            name: "channel_bindings",
            absent: Absent::Default("true"),
            about: "With `tls`: whether the authentication is bound to the server's certificate. `false` for a \
                    proxy that ends TLS, which breaks it.",
        },
        Key {
            name: "max_envelope",
            absent: Absent::Default("\"500 KiB\""),
            about: "Largest message that the server is asked for, in bytes or with a unit. More works only where \
                    its `MaxEnvelopeSizekb` is raised as well.",
        },
        Key {
            name: "connections",
            absent: Absent::Default("4"),
            about: "Highest number of calls side by side, each on an authenticated connection of its own: 1 to 16.",
        },
        Key {
            name: "user",
            absent: Absent::Nothing,
            about: "Who we are; needs one password. For Kea the user of basic authentication. For Windows \
                    `\"user@contoso.com\"` with the domain's full name, which Kerberos needs; `'CONTOSO\\user'`, which means \
                    NTLM unless `kdc` is given or the server is in that domain by its `host` (`dhcp1.contoso.com`); or \
                    `'.\\user'` for a local account, of which Kerberos knows nothing. In single quotes a backslash \
                    stands for itself. A build with the feature `gss` does without user and password by the \
                    tickets of the system's Kerberos cache.",
        },
        Key {
            name: "password_env",
            absent: Absent::Nothing,
            about: "The environment variable that holds the password.",
        },
        Key {
            name: "password_file",
            absent: Absent::Nothing,
            about: "The file that holds the password; a newline at its end is cut off. Others should not be \
                    able to read it.",
        },
        Key {
            name: "password_command",
            absent: Absent::Nothing,
            about: "A program and its arguments that print the password, as a list; no shell is used. Run when \
                    the first request needs it, and given 60 s. Refused where others can write the \
                    configuration file.",
        },
        Key {
            name: "password",
            absent: Absent::Nothing,
            about: "The password itself. It works, with a warning at every start.",
        },
        Key {
            name: "tls_ca",
            absent: Absent::Nothing,
            about: "PEM file with the authority of the server's certificate; without it (and `tls_pin`), the \
                    authorities that this machine trusts. Exactly one of `tls_ca`, `tls_pin` and `insecure`.",
        },
        Key {
            name: "tls_pin",
            absent: Absent::Nothing,
            about: "`\"sha256:HEX\"`: exactly the certificate with this fingerprint, whatever its authority, \
                    name and dates. The line that `openssl x509 -noout -fingerprint -sha256` prints is taken, too.",
        },
        Key {
            name: "insecure",
            absent: Absent::Default("false"),
            about: "`true`: the server's certificate is not verified. Whoever stands between can read and change \
                    everything; it is said on every screen and in every record.",
        },
        Key {
            name: "tls_cert",
            absent: Absent::Nothing,
            about: "PEM file with the certificate that is shown to a server that demands one; with `tls_key`.",
        },
        Key { name: "tls_key", absent: Absent::Nothing, about: "PEM file with the private key of `tls_cert`." },
        Key {
            name: "plain_auth",
            absent: Absent::Default("false"),
            about: "`true`: the password may be sent over `http://` to another machine, where everybody on the \
                    way can read it; it is said on every screen and in every record.",
        },
        Key {
            name: "read_only",
            absent: Absent::Default("false"),
            about: "`true`: never the target of a replication; nothing lifts it.",
        },
        Key { name: "connect_timeout", absent: Absent::Default("5"), about: "Seconds until a connection must stand." },
        Key {
            name: "read_timeout",
            absent: Absent::Default("30"),
            about: "Seconds until a command that only reads must be answered in full; 75 for `url` and `host`, as a \
                    control agent, and Windows' remote management, wait up to 60 s for their server.",
        },
        Key {
            name: "write_timeout",
            absent: Absent::Default("120"),
            about: "Seconds until a command that writes must be answered in full; what was not \
                    answered in time has an unknown outcome until it is read back.",
        },
        Key {
            name: "max_answer",
            absent: Absent::Default("\"256 MiB\""),
            about: "Largest answer or file that is taken, in bytes or with a unit \
                    (KiB, MiB, GiB, KB, MB, GB).",
        },
        Key {
            name: "save",
            absent: Absent::Default("\"config-write\""),
            about: "`\"config-write\"`: a replicated running configuration is also written to \
                    Kea's own file. `\"never\"`: you save in another way. Nothing to save for files.",
        },
        Key {
            name: "writer",
            absent: Absent::Default("\"auto\""),
            about: "For running servers: how scopes are written. `\"commands\"`: one by one, which no client \
                    notices; needs the hooks subnet_cmds and host_cmds. `\"whole-configuration\"`: all at once by \
                    replacing the configuration, which takes the server out of service for about one heartbeat. \
                    `\"auto\"`: commands where the server has them, else the whole configuration.",
        },
        Key {
            name: "replication",
            absent: Absent::Default("\"auto\""),
            about: "How scopes are written to this server. `\"native\"`: its partner is told to replicate them, as by \
                    the cmdlet; the partner must get through to this server (a second hop: see `auth`), copies \
                    scopes as a whole, and cannot take one back. `\"direct\"`: change by change over our own connection, \
                    which needs no second hop, writes the picked changes alone, can be undone, and creates no \
                    scope. `\"auto\"`: native where the partner gets through and the scope is copied as a whole, \
                    direct otherwise and for `undo`.",
        },
        Key {
            name: "replicate_at_once",
            absent: Absent::Default("1"),
            about: "How many scopes the partner is told to replicate in one call, 1 to 100. Each scope adds the \
                    partner's `write_timeout` to the time that a call may take; where that runs out or the call \
                    fails, it is all of its scopes that have to be read back.",
        },
        Key {
            name: "verified",
            absent: Absent::Default("false"),
            about: "`true`: you have seen replications to this server work. Until then every preview says that \
                    replication to Windows was not yet seen on a real Windows Server.",
        },
        Key {
            name: "check",
            absent: Absent::Default("\"kea-dhcp4\""),
            about: "For `file` only: the program that tests a new file (`-t`) before it replaces \
                    the old one. `kea-dhcp4` is run where it is installed, else the run remarks \
                    that nothing was tested; any other name or path must exist; `\"off\"` never tests.",
        },
    ],
};

/// The kinds of `[[server]]`, and the keys that have a meaning for one of them only.
pub const KINDS: [(&str, &[&str]); 2] = [
    ("kea", &["socket", "file", "url", "plain_auth", "save", "writer", "check"]),
    (
        "windows",
        &[
            "host",
            "port",
            "tls",
            "auth",
            "computer_name",
            "kdc",
            "spn_service",
            "channel_bindings",
            "max_envelope",
            "connections",
            "replication",
            "replicate_at_once",
            "verified",
        ],
    ),
];

/// `[[relationship]]`
pub const RELATIONSHIP: Section = Section {
    name: "relationship",
    repeated: true,
    about: "Optional: another name for a discovered relationship.",
    keys: &[
        Key { name: "name", absent: Absent::Required, about: "The name to show and to accept; unique." },
        Key { name: "servers", absent: Absent::Required, about: "The names of its two servers." },
    ],
};

/// `[[ignore]]`
pub const IGNORE: Section = Section {
    name: "ignore",
    repeated: true,
    about: "A difference that is neither shown as drift nor written. In patterns `*` stands for \
            any run of characters; a rule that would ignore everything is an error.",
    keys: &[
        Key {
            name: "section",
            absent: Absent::Default("\"*\""),
            about: "One section: properties, ranges, exclusions, reservations, options or policies; \
                    `\"*\"` for all.",
        },
        Key {
            name: "item",
            absent: Absent::Default("\"*\""),
            about: "Pattern of items, as `scopesync drift` names them.",
        },
        Key { name: "field", absent: Absent::Default("\"*\""), about: "Pattern of fields of these items." },
        Key { name: "reason", absent: Absent::Required, about: "Why this difference is accepted." },
    ],
};

/// `[history]`
pub const HISTORY: Section = Section {
    name: "history",
    repeated: false,
    about: "How much of past runs is kept, in `history.db` in the state folder: whatever is beyond any of the limits \
            goes after a run, the oldest first. The newest snapshot of each scope always stays, and so do runs that \
            were interrupted and wait for you.",
    keys: &[
        Key {
            name: "keep_days",
            absent: Absent::Default("400"),
            about: "Runs of the last so many days are kept; 0 for no limit.",
        },
        Key { name: "keep_runs", absent: Absent::Default("10000"), about: "So many runs are kept; 0 for no limit." },
        Key {
            name: "keep_size",
            absent: Absent::Default("\"2 GiB\""),
            about: "So much is kept, in bytes or with a unit.",
        },
        Key {
            name: "audit_size",
            absent: Absent::Default("\"10 MiB\""),
            about: "From this size on `audit.jsonl` is set aside as `audit.1.jsonl`, the one before as \
                    `audit.2.jsonl`, and so on.",
        },
        Key {
            name: "audit_files",
            absent: Absent::Default("0"),
            about: "So many files of the audit that were set aside are kept, the newest; 0 for all.",
        },
    ],
};

/// `[screen]`
pub const SCREEN: Section = Section {
    name: "screen",
    repeated: false,
    about: "How the interactive program looks and behaves.",
    keys: &[
        Key {
            name: "columns",
            absent: Absent::Default("[\"name\", \"drift\", \"used\"]"),
            about: "Columns of the list, behind the one with relationship and scope: `\"name\"`, `\"relationship\"`, \
                    `\"source\"`, `\"target\"`, `\"drift\"`, `\"create\"`, `\"update\"`, `\"delete\"` and `\"used\"`; \
                    `\"scope\"` is the one that is first in any case. Where the window has no room for all, the last \
                    ones are left out.",
        },
        Key {
            name: "diff",
            absent: Absent::Nothing,
            about: "Program and arguments, as a list such as `[\"vimdiff\"]`, that compares both sides of a scope on \
                    demand: the names of two text files are put behind them. It gets the terminal until it ends; \
                    Enter then brings the screen back.",
        },
        Key {
            name: "grouping",
            absent: Absent::Default("\"relationship\""),
            about: "What scopes are listed under at the start: `\"relationship\"`, `\"server\"`, or `\"none\"` for one list \
                    of all scopes.",
        },
        Key {
            name: "sort",
            absent: Absent::Default("\"drift\""),
            about: "The column by which the list is sorted at the start; `\"scope\"` for the address. `\"drift\"`: what \
                    has to be looked at comes first.",
        },
        Key {
            name: "glyphs",
            absent: Absent::Default("\"auto\""),
            about: "Signs for lines and marks: `\"unicode\"`, `\"ascii\"`, or Unicode where the locale names UTF-8 and the terminal can show it.",
        },
        Key {
            name: "mouse",
            absent: Absent::Default("false"),
            about: "`true`: the mouse is used from the start (wheel, click, double click); most terminals then copy \
                    with Shift held down. It never confirms anything.",
        },
        Key {
            name: "theme",
            absent: Absent::Default("\"terminal\""),
            about: "How the parts look: `\"terminal\"` (its own colours), `\"light\"`, `\"dark\"`, `\"high-contrast\"`, \
                    `\"red-green-safe\"`, `\"blue-yellow-safe\"`, `\"monochrome\"`, or a file of your own that ends with \
                    `.toml` and names only what differs; those of `assets/themes/` show how. `NO_COLOR` in the \
                    environment goes before it.",
        },
        Key {
            name: "type_name_above",
            absent: Absent::Default("10"),
            about: "A replication that deletes more items than this is confirmed by typing the name of its \
                    relationship. Force asks for nothing, this included.",
        },
        Key {
            name: "watch",
            absent: Absent::Default("\"off\""),
            about: "How often servers are asked whether anything has moved: `\"5m\"`, at least `\"60s\"`. A server of \
                    which nothing has moved is asked for its mark and its states alone, and less often where it takes \
                    long to answer: a hundredth of its time at most. `\"off\"`: not at the start; \
                    the key for `watch` then begins with 5 minutes.",
        },
        Key {
            name: "title",
            absent: Absent::Default("true"),
            about: "The title of the terminal's window tells how far runs are, from the first one on: `scopesync: 3 of \
                    12 scopes`, `scopesync: done, 1 failed`. At the end it is what it was before, or empty.",
        },
        Key {
            name: "bell",
            absent: Absent::Default("false"),
            about: "The terminal's bell rings when a run or job ends.",
        },
    ],
};

/// `[keys]`
pub const KEYS: Section = Section {
    name: "keys",
    repeated: false,
    about: "Other keys for the actions of the interactive program, by the action's name (see [Keys](#keys)): \
            `mark-all = \"Ctrl-a\"`, `jobs = [\"J\", \"F6\"]`, `first = \"g g\"` for keys pressed one after another, \
            `force = []` for none. A key that would mean two things in one place is an error, and so is a \
            confirmation under Enter, Space, a key that moves about or one that opens the question. \
            `scopesync keys` prints what is in force.",
    keys: &[Key {
        name: "preset",
        absent: Absent::Default("\"default\""),
        about: "The keys to start from: `\"default\"`, `\"vim\"` (more of that editor's habits) or `\"plain\"` (arrows \
                and function keys). In `assets/keymaps/` they are written out.",
    }],
};

/// `[log]`
pub const LOG: Section = Section {
    name: "log",
    repeated: false,
    about: "The log; it never goes to the terminal. `SCOPESYNC_LOG`, then `--log`, go before \
            `file`; `SCOPESYNC_LOG_LEVEL` goes before `level`.",
    keys: &[
        Key {
            name: "file",
            absent: Absent::Default("\"auto\""),
            about: "`\"auto\"`: one file a day in the state folder, the last seven kept. \
                    `\"off\"`: no log. Else a file that is appended to.",
        },
        Key {
            name: "level",
            absent: Absent::Default("\"info\""),
            about: "Least important messages that are kept: error, warn, info, debug or trace.",
        },
    ],
};

/// Every section, in the order of the reference.
pub const SECTIONS: &[&Section] = &[&TOP, &SERVER, &RELATIONSHIP, &IGNORE, &HISTORY, &SCREEN, &KEYS, &LOG];

/// The reference of all keys as Markdown, one table per section.
pub fn reference() -> String {
    let mut text = String::new();
    for section in SECTIONS {
        let heading = match section.name {
            "" => String::new(),
            _ => format!("`{}`: ", section.heading()),
        };
        // Writing to a String cannot fail.
        let _ = writeln!(text, "{heading}{}\n", section.about);
        text.push_str("| key | without it | meaning |\n|---|---|---|\n");
        for key in section.keys {
            let absent = match key.absent {
                Absent::Default(value) => format!("`{value}`"),
                Absent::Required => "must be written".to_owned(),
                Absent::OneOf => "one of the group".to_owned(),
                Absent::Nothing => "nothing".to_owned(),
            };
            let kind = KINDS.iter().find(|(_, keys)| section.name == SERVER.name && keys.contains(&key.name));
            let kind = kind.map(|(kind, _)| format!("*{kind}:* ")).unwrap_or_default();
            let _ = writeln!(text, "| `{}` | {absent} | {kind}{} |", key.name, key.about);
        }
        text.push('\n');
    }
    text.truncate(text.trim_end().len());
    text.push('\n');
    text
}
