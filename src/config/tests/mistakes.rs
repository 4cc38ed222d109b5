//! What is wrong in a file is told with its place and its cure.

use super::*;

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
        (
            "[screen]\ncolumns = ['name', 'drfit']\nsort = 1".to_owned(),
            "2:20: unknown word \"drfit\" in `columns` in [screen]: did you mean \"drift\"?\n\
             3:8: `sort` in [screen] must be text in quotes, not 1",
        ),
        (
            "[screen]\nwatch = '10s'".to_owned(),
            "2:9: unknown `watch` \"10s\" in [screen]: \"off\", or an interval from \"60s\" to \"24h\" such as \"5m\"",
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
        // What goes with `host`.
        (
            windows("socket = '/s'\nsave = 'never'\nplain_auth = true\nauth = 'ntlm'"),
            "1:1: [[server]] \"w\" does not say how to reach the server: write `host`\n\
             1:1: [[server]] \"w\" does not say who we are: write `user` and one of `password_env`, \
             `password_file` and `password_command`\n\
             4:10: `socket` in [[server]] \"w\" is for kind \"kea\", not for \"windows\"\n\
             5:8: `save` in [[server]] \"w\" is for kind \"kea\", not for \"windows\"\n\
             6:14: `plain_auth` in [[server]] \"w\" is for kind \"kea\", not for \"windows\"",
        ),
        (
            server("socket = '/s'\nhost = 'dhcp1'\nauth = 'ntlm'"),
            "5:8: `host` in [[server]] \"a\" is for kind \"windows\", not for \"kea\"\n\
             6:8: `auth` in [[server]] \"a\" is for kind \"windows\", not for \"kea\"",
        ),
        (
            windows("host = 'https://dhcp1'\nport = 0\nauth = 'kerberos'\nuser = '.\\scott'\npassword_env = 'X'"),
            "4:8: `host` in [[server]] \"w\" is a URL: write the name alone, `port` and `tls`\n\
             5:8: `port` in [[server]] \"w\" must be a whole number from 1 to 65535, not 0\n\
             7:8: `user` in [[server]] \"w\" is a local account, which Kerberos knows nothing of: write \
             'DOMAIN\\user' or \"user@domain\"",
        ),
        (
            windows("host = 'dhcp1:5985'\nuser = 'contoso/scott'\npassword = 's3cret'"),
            "4:8: `host` in [[server]] \"w\" has a port behind it: that is `port`\n\
             5:8: `user` in [[server]] \"w\" has a slash: write 'DOMAIN\\user', in single quotes",
        ),
        (
            windows("host = 'a b'\nuser = 'contoso\\'\npassword_env = 'X'\nauth = 'kerbros'\nkdc = 'dc1:0'"),
            "4:8: `host` in [[server]] \"w\" is no name and no address of a host\n\
             5:8: `user` in [[server]] \"w\" is no account: write 'DOMAIN\\user', \"user@domain\" or '.\\user'\n\
             7:8: unknown `auth` \"kerbros\" in [[server]] \"w\": did you mean \"kerberos\"?\n\
             8:7: `kdc` in [[server]] \"w\" must be HOST or HOST:PORT, not \"dc1:0\"",
        ),
        (
            windows(
                "host = 'dhcp1'\nauth = 'basic'\nuser = 'scott'\npassword_env = 'X'\nkdc = 'dc1'\n\
                 spn_service = 'HOST'\ntls_ca = '/ca'\nchannel_bindings = true",
            ),
            "5:8: `auth = \"basic\"` in [[server]] \"w\" hands the password over, and never over http: write \
             `tls = true`\n\
             8:7: `kdc` in [[server]] \"w\" is for Kerberos, which `auth` rules out\n\
             9:15: `spn_service` in [[server]] \"w\" is for another `auth` than \"basic\"\n\
             10:10: `tls_ca` in [[server]] \"w\" is for `tls = true`\n\
             11:20: `channel_bindings` in [[server]] \"w\" is for `tls = true`",
        ),
        (
            windows("host = 'dhcp1'\nuser = 'scott'\nmax_envelope = 8191\nconnections = 17\nauth = 'credssp'"),
            "1:1: [[server]] \"w\" has a `user` and no password: write one of `password_env`, `password_file` and \
             `password_command`\n\
             6:16: `max_envelope` in [[server]] \"w\" must be a size from 8 KiB, such as \"500 KiB\" or a number of \
             bytes, not 8191\n\
             7:15: `connections` in [[server]] \"w\" must be a whole number from 1 to 16, not 17\n\
             8:8: `auth = \"credssp\"` in [[server]] \"w\" hands the password over, and never over http: write `tls = true`",
        ),
        // Backslashes, which are not doubled in what is told.
        (
            windows("host = 'dhcp1'\nuser = \"CONTOSO\\user\"\nkdc = \"a\\scott\""),
            "5:18: in double quotes a backslash begins an escape, and none begins so: write the text in single quotes, \
             such as 'CONTOSO\\scopesync'\n\
             6:10: in double quotes a backslash begins an escape, and none begins so: write the text in single quotes, \
             such as 'CONTOSO\\scopesync'",
        ),
        (
            windows("host = 'dhcp1'\nuser = \"CONTOSO\\nancy\"\npassword_env = 'X'\nkdc = 'CONTOSO\\dc1'"),
            "5:8: `user` in [[server]] \"w\" has characters that cannot be seen: \"CONTOSO\\nancy\" (in double \
             quotes a backslash begins an escape: write the text in single quotes)\n\
             7:7: `kdc` in [[server]] \"w\" must be HOST or HOST:PORT, not 'CONTOSO\\dc1'",
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
