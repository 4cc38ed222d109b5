//! Reading `url` of a `[[server]]` and all that goes with it: who we are, and whom we trust.

use std::path::{Path, PathBuf};

use super::read::{At, Fields, Span};
use super::server::fits_a_socket;
use crate::backend::web::{Address, Identity, Login, Pin, Trust, Web};
use crate::secret::{Inline, Secret};

/// Where a password can come from; one of them.
const PASSWORDS: [&str; 4] = ["password_env", "password_file", "password_command", "password"];

/// Which certificate is taken for the server's; one of them.
const TRUSTS: [&str; 3] = ["tls_ca", "tls_pin", "insecure"];

/// Keys that mean something beside `url` only.
const BESIDE_URL: [&str; 11] = [
    "user",
    "password_env",
    "password_file",
    "password_command",
    "password",
    "tls_ca",
    "tls_pin",
    "insecure",
    "tls_cert",
    "tls_key",
    "plain_auth",
];

/// The way to a server with a `url`; `None` without one, or when it is wrong.
pub(super) fn web(fields: &Fields<'_, '_, '_>, file: &Path) -> Option<At<Web>> {
    let place = &fields.place;
    let folder = file.parent().unwrap_or(Path::new(""));
    let url = fields.plain("url");
    // every key is read whatever stands in the others: all mistakes are told at once
    let login = login(fields, file, folder);
    let trust = trust(fields, folder);
    let identity = identity(fields, folder);
    let plain_auth = fields.flag("plain_auth");
    let Some(url) = url else {
        if fields.get("url").is_none() {
            for key in BESIDE_URL {
                if let Some(value) = fields.get(key) {
                    fields.problem(&value.span(), format!("`{key}` in {place} is for servers with `url`"));
                }
            }
        }
        return None;
    };
    let address = match Address::parse(&url.value) {
        Ok(address) => address,
        Err(wrong) => {
            fields.problem(&url.span, format!("`url` in {place} {wrong}"));
            return None;
        }
    };
    if let Address::Unix(path) = &address {
        fits_a_socket(fields, "url", path, &url.span);
    }
    let without_tls = matches!(address, Address::Net { tls: false, .. });
    for (key, fits, scheme) in [
        ("tls_ca", address.is_tls(), "https://"),
        ("tls_pin", address.is_tls(), "https://"),
        ("tls_cert", address.is_tls(), "https://"),
        ("tls_key", address.is_tls(), "https://"),
        ("insecure", address.is_tls(), "https://"),
        ("plain_auth", without_tls, "http://"),
    ] {
        // a flag that is off fits everywhere
        if let Some(value) = fields.get(key).filter(|value| !fits && value.get_ref().as_bool() != Some(false)) {
            fields.problem(&value.span(), format!("`{key}` in {place} is for `url` with {scheme}"));
        }
    }
    if login.is_some() && address.is_open() && plain_auth != Some(true) {
        fields.problem(
            &url.span,
            format!(
                "{place} would send its password in clear over the network: use https:// in `url`, or write \
                 `plain_auth = true` if nobody can listen on the way"
            ),
        );
    }
    Some(At { value: Web { address, login, trust, identity }, span: url.span })
}

fn login(fields: &Fields<'_, '_, '_>, file: &Path, folder: &Path) -> Option<Login> {
    let place = &fields.place;
    let user = fields.plain("user").filter(|user| {
        let fits = !user.value.contains(':');
        if !fits {
            let message = format!("`user` in {place} has a colon, which no user of basic authentication can have");
            fields.problem(&user.span, message);
        }
        fits
    });
    let password = password(fields, file, folder);
    match (fields.get("user").is_some(), PASSWORDS.into_iter().find(|key| fields.get(key).is_some())) {
        (true, None) => fields.problem(
            &fields.span,
            format!(
                "{place} has a `user` and no password: write one of `password_env`, `password_file` and \
                     `password_command`"
            ),
        ),
        (false, Some(key)) => {
            fields.problem(&fields.span, format!("{place} has `{key}` and no `user`"));
        }
        _ => {}
    }
    Some(Login::new(user?.value, password?))
}

/// Every way is read, and more than one is a mistake.
fn password(fields: &Fields<'_, '_, '_>, file: &Path, folder: &Path) -> Option<Secret> {
    let env = fields.plain("password_env").map(|name| Secret::Env(name.value));
    let from_file = fields.plain("password_file").map(|path| {
        let full = folder.join(&path.value);
        warn_if_readable(fields, "password_file", &full, &path.span);
        Secret::File(full)
    });
    let command = fields.words("password_command").and_then(|words| command(fields, words, file, folder));
    let inline = fields.secret("password").map(|text| {
        let message = format!(
            "the password of {} stands in this file in clear: better give `password_env`, `password_file` or \
             `password_command`",
            fields.place
        );
        fields.warning(&text.span, message);
        Secret::Inline(Inline::new(text.value))
    });
    one_of(fields, &PASSWORDS, "where the password is from");
    env.or(from_file).or(command).or(inline)
}

/// Whoever can write the configuration would have the command run as its reader.
fn command(fields: &Fields<'_, '_, '_>, words: At<Vec<At<String>>>, file: &Path, folder: &Path) -> Option<Secret> {
    let place = &fields.place;
    if let Some(mode) = mode(file).filter(|mode| mode & 0o022 != 0) {
        fields.problem(
            &words.span,
            format!(
                "`password_command` in {place} is not run from a file that others may write (mode {:04o}): chmod go-w {}",
                mode & 0o7777,
                file.display()
            ),
        );
    }
    let mut words: Vec<String> = words.value.into_iter().map(|word| word.value).collect();
    let program = words.first_mut()?;
    // a path is taken from the folder of the file, a mere name from the search path
    if Path::new(program.as_str()).components().count() > 1 {
        *program = folder.join(program.as_str()).display().to_string();
    }
    Some(Secret::Command(words))
}

fn trust(fields: &Fields<'_, '_, '_>, folder: &Path) -> Trust {
    let place = &fields.place;
    let authority = fields.plain("tls_ca").map(|path| Trust::Authority(folder.join(path.value)));
    let pin = fields.plain("tls_pin").and_then(|text| match Pin::parse(&text.value) {
        Ok(pin) => Some(Trust::Pin(pin)),
        Err(wrong) => {
            fields.problem(&text.span, format!("`tls_pin` in {place} {wrong}"));
            None
        }
    });
    let insecure = fields.flag("insecure").unwrap_or(false);
    // what is said not to be needs no choice
    let said = if insecure { &TRUSTS[..] } else { &TRUSTS[..2] };
    one_of(fields, said, "which certificate is trusted");
    if insecure { Trust::Anything } else { authority.or(pin).unwrap_or_default() }
}

fn identity(fields: &Fields<'_, '_, '_>, folder: &Path) -> Option<Identity> {
    let place = &fields.place;
    let certificate = fields.plain("tls_cert");
    let key = fields.plain("tls_key");
    for (one, other) in [("tls_cert", "tls_key"), ("tls_key", "tls_cert")] {
        if let (Some(value), None) = (fields.get(one), fields.get(other)) {
            fields.problem(&value.span(), format!("`{one}` in {place} needs `{other}` beside it"));
        }
    }
    let path = |text: At<String>| -> PathBuf { folder.join(text.value) };
    let key = key.map(|key| {
        let span = key.span.clone();
        let full = path(key);
        warn_if_readable(fields, "tls_key", &full, &span);
        full
    });
    Some(Identity { certificate: path(certificate?), key: key? })
}

/// More than one key of a group leaves open what holds.
fn one_of(fields: &Fields<'_, '_, '_>, keys: &[&'static str], what: &str) {
    let written: Vec<_> = keys.iter().filter_map(|key| Some((*key, fields.get(key)?.span()))).collect();
    if let [(first, _), .., (last, span)] = written.as_slice() {
        let place = &fields.place;
        fields.problem(span, format!("{place} has both `{first}` and `{last}`; exactly one says {what}"));
    }
}

fn warn_if_readable(fields: &Fields<'_, '_, '_>, key: &str, path: &Path, span: &Span) {
    if let Some(mode) = mode(path).filter(|mode| mode & 0o044 != 0) {
        let path = path.display();
        let message = format!(
            "the file of `{key}` in {} can be read by others (mode {:04o}): chmod go-r {path}",
            fields.place,
            mode & 0o7777
        );
        fields.warning(span, message);
    }
}

/// The permissions of a file; `None` where it is not there, or where there are none.
#[cfg(unix)]
fn mode(path: &Path) -> Option<u32> {
    use std::os::unix::fs::MetadataExt;
    std::fs::metadata(path).ok().map(|found| found.mode())
}

#[cfg(not(unix))]
fn mode(_path: &Path) -> Option<u32> {
    None
}
