//! Reading what goes with every server that is reached over HTTP: who we are, and whom we trust.

use std::path::{Path, PathBuf};

use super::read::{At, Fields, Span};
use crate::backend::web::{Identity, Login, Pin, Trust};
use crate::secret::{Inline, Secret};

/// Where a password can come from; one of them.
const PASSWORDS: [&str; 4] = ["password_env", "password_file", "password_command", "password"];

/// Which certificate is taken for the server's; one of them.
const TRUSTS: [&str; 3] = ["tls_ca", "tls_pin", "insecure"];

/// Keys that have a meaning with TLS only.
pub(super) const WITH_TLS: [&str; 5] = ["tls_ca", "tls_pin", "tls_cert", "tls_key", "insecure"];

/// Who we are at a server, and whom we trust.
pub(super) struct Credentials {
    pub(super) login: Option<Login>,
    pub(super) trust: Trust,
    pub(super) identity: Option<Identity>,
}

impl Credentials {
    /// The keys that say who we are.
    pub(super) fn of_login() -> impl Iterator<Item = &'static str> {
        std::iter::once("user").chain(PASSWORDS)
    }

    /// Reads every key, whatever stands in the others: all mistakes are told at once. `judge` says
    /// what is wrong with a user's name.
    pub(super) fn read(
        fields: &Fields<'_, '_, '_>,
        file: &Path,
        judge: impl Fn(&str) -> Result<(), &'static str>,
    ) -> Self {
        let folder = file.parent().unwrap_or(Path::new(""));
        Credentials {
            login: login(fields, file, folder, judge),
            trust: trust(fields, folder),
            identity: identity(fields, folder),
        }
    }
}

/// A user of basic authentication.
pub(super) fn is_basic_user(user: &str) -> Result<(), &'static str> {
    match user.contains(':') {
        true => Err("has a colon, which no user of basic authentication can have"),
        false => Ok(()),
    }
}

/// Tells of those of these keys that are written; they are for `what`.
pub(super) fn only_for(fields: &Fields<'_, '_, '_>, keys: impl IntoIterator<Item = &'static str>, what: &str) {
    for key in keys {
        // a flag that is off fits everywhere
        if let Some(value) = fields.get(key).filter(|value| value.get_ref().as_bool() != Some(false)) {
            fields.problem(&value.span(), format!("`{key}` in {} is for {what}", fields.place));
        }
    }
}

fn login(
    fields: &Fields<'_, '_, '_>,
    file: &Path,
    folder: &Path,
    judge: impl Fn(&str) -> Result<(), &'static str>,
) -> Option<Login> {
    let place = &fields.place;
    let user = fields.plain("user").filter(|user| {
        let judged = judge(&user.value);
        if let Err(wrong) = judged {
            fields.problem(&user.span, format!("`user` in {place} {wrong}"));
        }
        judged.is_ok()
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
