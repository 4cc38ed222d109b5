//! Gets a password from where it comes from: once, when it is first needed.

use std::process::Stdio;
use std::sync::{Arc, PoisonError};
use std::time::Duration;

use secrecy::SecretString;
use secrecy::zeroize::{Zeroize, Zeroizing};
use tokio::io::AsyncReadExt;
use tokio::process::Command;

use super::{Keeper, Secret};
use crate::engine::{Error, ErrorKind, Result};

/// A program that prints a password has this long; it may ask its owner for something.
const PATIENCE: Duration = Duration::from_secs(60);
/// No password is longer, in bytes.
const LONGEST: u64 = 64 * 1024;

impl Keeper {
    /// The password. Several that ask at once wait for one answer.
    ///
    /// # Errors
    /// [`ErrorKind::Local`]: it cannot be had; what stands there is never told.
    pub async fn get(&self) -> Result<SecretString> {
        let cell = self.kept.lock().unwrap_or_else(PoisonError::into_inner).clone();
        cell.get_or_try_init(|| self.from.obtain(PATIENCE)).await.cloned()
    }

    /// The server did not take it: the next request gets it anew, as it may have been changed.
    pub fn forget(&self) {
        *self.kept.lock().unwrap_or_else(PoisonError::into_inner) = Arc::default();
    }
}

impl Secret {
    async fn obtain(&self, patience: Duration) -> Result<SecretString> {
        match self {
            Secret::Env(name) => {
                let value = std::env::var_os(name).ok_or_else(|| {
                    local(format!("the environment variable {name}, which holds the password, is not set"))
                        .hint("set it before scopesync is started, or name another in password_env")
                })?;
                password(value.into_encoded_bytes(), &format!("the environment variable {name}"))
            }
            Secret::File(path) => {
                let place = format!("the password file {}", path.display());
                let file = tokio::fs::File::open(path).await;
                let text = match file {
                    Ok(file) => read(file, &place).await?,
                    Err(error) => {
                        return Err(local(format!("{place} cannot be opened: {error}"))
                            .hint("password_file in the configuration names it"));
                    }
                };
                password(text, &place)
            }
            Secret::Command(command) => run(command, patience).await,
            Secret::Inline(inline) => Ok(inline.0.clone()),
        }
    }
}

/// Runs a program without a shell. What it says beside the password is not shown: it could
/// hold a secret, too.
async fn run(command: &[String], patience: Duration) -> Result<SecretString> {
    let Some((program, arguments)) = command.split_first() else {
        return Err(local("password_command names no program".to_owned()));
    };
    let by_hand = "run password_command by hand as the same user: it must print the password and end with status 0";
    let place = format!("the password command {program:?}");
    let spawned = Command::new(program)
        .args(arguments)
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .kill_on_drop(true)
        .spawn();
    let mut child = spawned.map_err(|error| local(format!("{place} cannot be run: {error}")).hint(by_hand))?;
    let output = child.stdout.take();
    let whole = async {
        let text = match output {
            Some(output) => read(output, &place).await?,
            None => Vec::new(),
        };
        let status = child.wait().await.map_err(|error| local(format!("{place}: {error}")))?;
        Ok::<_, Error>((Zeroizing::new(text), status))
    };
    match tokio::time::timeout(patience, whole).await {
        Err(_) => Err(local(format!("{place} did not end within {patience:?}")).hint(by_hand)),
        Ok(Err(error)) => Err(error.hint(by_hand)),
        Ok(Ok((_, status))) if !status.success() => Err(local(format!("{place} failed: {status}")).hint(by_hand)),
        Ok(Ok((text, _))) => password(text.to_vec(), &place).map_err(|error| error.hint(by_hand)),
    }
}

async fn read(from: impl tokio::io::AsyncRead + Unpin, place: &str) -> Result<Vec<u8>> {
    let mut text = Vec::with_capacity(4096);
    let read = from.take(LONGEST + 1).read_to_end(&mut text).await;
    if read.as_ref().map_or(true, |read| *read as u64 > LONGEST) {
        text.zeroize();
    }
    match read {
        Err(error) => Err(local(format!("{place} cannot be read: {error}"))),
        Ok(read) if read as u64 > LONGEST => {
            Err(local(format!("{place} gives more than {LONGEST} bytes")).hint("it must give the password alone"))
        }
        Ok(_) => Ok(text),
    }
}

/// A byte order mark at the beginning, and one newline at the end, belong to the file or the program, not to the
/// password.
fn password(bytes: Vec<u8>, place: &str) -> Result<SecretString> {
    let bytes = Zeroizing::new(bytes);
    let Ok(text) = std::str::from_utf8(&bytes) else {
        let error = local(format!("{place} gives a password that is not UTF-8 text"));
        return Err(match bytes.starts_with(b"\xff\xfe") || bytes.starts_with(b"\xfe\xff") {
            true => error.hint("it is UTF-16, as Windows PowerShell writes: write it anew as UTF-8"),
            false => error,
        });
    };
    // editors of Windows begin files so
    let text = text.strip_prefix('\u{feff}').unwrap_or(text);
    let text = text.strip_suffix('\n').map_or(text, |text| text.strip_suffix('\r').unwrap_or(text));
    if text.is_empty() {
        return Err(local(format!("{place} gives an empty password")));
    }
    if text.chars().any(char::is_control) {
        return Err(local(format!("{place} gives a password with a line break or another control character"))
            .hint("it must give the password alone"));
    }
    Ok(text.into())
}

fn local(what: String) -> Error {
    Error::new(ErrorKind::Local, what)
}

#[cfg(test)]
#[cfg(unix)]
mod tests {
    use secrecy::ExposeSecret;

    use super::*;
    use crate::secret::Inline;

    async fn got(from: Secret) -> std::result::Result<String, String> {
        from.obtain(Duration::from_secs(20))
            .await
            .map(|secret| secret.expose_secret().to_owned())
            .map_err(|error| error.what)
    }

    fn shell(script: &str) -> Secret {
        Secret::Command(["sh", "-c", script].map(str::to_owned).to_vec())
    }

    #[tokio::test]
    async fn each_source_gives_it_without_the_newline() {
        let folder = tempfile::tempdir().unwrap();
        let file = |text: &str| {
            let path = folder.path().join(format!("{}", text.len()));
            std::fs::write(&path, text).unwrap();
            Secret::File(path)
        };
        assert_eq!(got(file("one\n")).await.unwrap(), "one");
        assert_eq!(got(file("two \r\n")).await.unwrap(), "two ");
        assert_eq!(got(file("\u{feff}three\u{feff}\n")).await.unwrap(), "three\u{feff}");
        assert_eq!(got(shell("printf three")).await.unwrap(), "three");
        assert_eq!(got(shell("echo 'fo ur'")).await.unwrap(), "fo ur");
        assert_eq!(got(Secret::Env("PATH".into())).await.unwrap(), std::env::var("PATH").unwrap());
        assert_eq!(got(Secret::Inline(Inline::new("five"))).await.unwrap(), "five");
    }

    #[tokio::test]
    async fn what_cannot_be_had_is_said_without_what_was_there() {
        let folder = tempfile::tempdir().unwrap();
        let file = |text: &[u8]| {
            let path = folder.path().join("password");
            std::fs::write(&path, text).unwrap();
            Secret::File(path)
        };
        let said = async |from| {
            let text = got(from).await.unwrap_err();
            assert!(!text.contains("s3cret"), "{text}");
            text
        };
        assert!(said(Secret::Env("SCOPESYNC_NOT_SET".into())).await.contains("is not set"));
        assert!(said(Secret::File(folder.path().join("absent"))).await.contains("cannot be opened"));
        assert!(said(file(b"\n")).await.ends_with("gives an empty password"));
        assert!(said(file(b"")).await.ends_with("gives an empty password"));
        assert!(said(shell("true")).await.ends_with("gives an empty password"));
        assert!(said(shell("exit 4")).await.ends_with("failed: exit status: 4"));
        assert!(said(file(b"s3cret\nsecond line\n")).await.contains("a line break"));
        assert!(said(file(b"s3cret\xff")).await.contains("not UTF-8"));
        let wide = file(b"\xff\xfes\x003\0").obtain(Duration::from_secs(20)).await.unwrap_err().with_hint();
        assert!(wide.contains("not UTF-8") && wide.contains("UTF-16"), "{wide}");
        assert!(said(file(b"\xef\xbb\xbf\r\n")).await.ends_with("gives an empty password"));
        assert!(said(file(&b"s3cret".repeat(20_000))).await.ends_with("gives more than 65536 bytes"));
        assert!(said(shell("yes s3cret")).await.ends_with("gives more than 65536 bytes"));
        assert!(said(shell("echo s3cret; echo s3cret >&2; exit 3")).await.contains("exit status: 3"));
        assert!(said(Secret::Command(vec!["/nonexistent/program".into()])).await.contains("cannot be run"));
        let slow = shell("echo s3cret; sleep 60").obtain(Duration::from_millis(50)).await.unwrap_err();
        assert!(slow.what.contains("did not end within 50ms"), "{slow}");
    }

    #[tokio::test]
    async fn it_is_got_once_until_it_is_forgotten() {
        let folder = tempfile::tempdir().unwrap();
        let count = folder.path().join("count");
        let script = format!("echo x >> '{0}'; wc -l < '{0}'", count.display());
        let keeper = Keeper::new(shell(&script));
        let (one, other) = tokio::join!(keeper.get(), keeper.get());
        assert_eq!(one.unwrap().expose_secret(), other.unwrap().expose_secret());
        assert_eq!(keeper.get().await.unwrap().expose_secret().trim(), "1");
        keeper.forget();
        assert_eq!(keeper.get().await.unwrap().expose_secret().trim(), "2");
    }

    #[test]
    fn it_is_not_shown() {
        let inline = Secret::Inline(Inline::new("s3cret"));
        assert_eq!(format!("{inline:?}"), "Inline([hidden])");
    }
}
