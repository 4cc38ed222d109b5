//! Reading what a `[[server]]` of kind `kea` says for itself.

use std::path::Path;

use super::read::{At, Fields, Span};
use super::web::{Credentials, WITH_TLS, is_basic_user, only_for};
use super::{Endpoint, FileCheck, SavePolicy, WriterPolicy};
use crate::backend::web::{Address, Web};

/// What the kernel takes as the address of a UNIX socket, less the closing zero.
const LONGEST_SOCKET_PATH: usize = 107;

/// How it is dealt with.
#[derive(Default)]
pub(super) struct Manner {
    pub(super) save: SavePolicy,
    pub(super) writer: WriterPolicy,
    pub(super) check: FileCheck,
}

pub(super) fn manner(fields: &Fields<'_, '_, '_>, endpoint: Option<&At<Endpoint>>, folder: &Path) -> Manner {
    let save = match fields.word("save", &["config-write", "never"]) {
        Some(1) => SavePolicy::Never,
        _ => SavePolicy::ConfigWrite,
    };
    let writer = match fields.word("writer", &["auto", "commands", "whole-configuration"]) {
        Some(1) => WriterPolicy::Commands,
        Some(2) => WriterPolicy::WholeConfiguration,
        _ => WriterPolicy::Auto,
    };
    Manner { save, writer, check: check(fields, endpoint, folder) }
}

pub(super) fn endpoint(fields: &Fields<'_, '_, '_>, file: &Path) -> Option<At<Endpoint>> {
    const WAYS: [&str; 3] = ["socket", "file", "url"];
    let folder = file.parent().unwrap_or(Path::new(""));
    let place = &fields.place;
    let socket = fields.plain("socket").map(|socket| {
        let path = folder.join(&socket.value);
        fits_a_socket(fields, "socket", &path, &socket.span);
        At { value: Endpoint::KeaSocket(path), span: socket.span }
    });
    let conf = fields.plain("file");
    let conf = conf.map(|conf| At { value: Endpoint::KeaFile(folder.join(&conf.value)), span: conf.span });
    let web = web(fields, file).map(|web| At { value: Endpoint::KeaUrl(Box::new(web.value)), span: web.span });
    // a key that is there and wrong has been reported
    let written: Vec<_> = WAYS.iter().filter_map(|key| Some((*key, fields.get(key)?.span()))).collect();
    match written.as_slice() {
        [] => {
            let message = format!("{place} does not say how to reach the server: write `socket`, `url` or `file`");
            fields.problem(&fields.span, message);
            None
        }
        [_] => socket.or(conf).or(web),
        [(first, _), .., (last, span)] => {
            let message = format!("{place} has both `{first}` and `{last}`; exactly one says how to reach the server");
            fields.problem(span, message);
            None
        }
    }
}

/// The way to a server with a `url`; `None` without one, or when it is wrong.
fn web(fields: &Fields<'_, '_, '_>, file: &Path) -> Option<At<Web>> {
    let place = &fields.place;
    let url = fields.plain("url");
    let Credentials { login, trust, identity } = Credentials::read(fields, file, is_basic_user);
    let plain_auth = fields.flag("plain_auth");
    let Some(url) = url else {
        if fields.get("url").is_none() {
            only_for(fields, Credentials::of_login().chain(WITH_TLS).chain(["plain_auth"]), "servers with `url`");
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
    if !address.is_tls() {
        only_for(fields, WITH_TLS, "`url` with https://");
    }
    if !matches!(address, Address::Net { tls: false, .. }) {
        only_for(fields, ["plain_auth"], "`url` with http://");
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

fn fits_a_socket(fields: &Fields<'_, '_, '_>, key: &str, path: &Path, span: &Span) {
    let length = path.as_os_str().len();
    if length > LONGEST_SOCKET_PATH {
        let message = format!(
            "the path of `{key}` in {} has {length} bytes; a UNIX socket's path has at most {LONGEST_SOCKET_PATH}: \
             use a shorter path, such as a symbolic link",
            fields.place
        );
        fields.problem(span, message);
    }
}

fn check(fields: &Fields<'_, '_, '_>, endpoint: Option<&At<Endpoint>>, folder: &Path) -> FileCheck {
    let Some(check) = fields.plain("check") else {
        return FileCheck::default();
    };
    if endpoint.is_some_and(|at| !matches!(at.value, Endpoint::KeaFile(_))) {
        let message = format!(
            "`check` in {} is for servers with `file`; a running Kea tests a configuration itself",
            fields.place
        );
        fields.problem(&check.span, message);
    }
    match check.value.as_str() {
        "off" => FileCheck::Off,
        name if Path::new(name).components().count() == 1 && !name.starts_with('.') => {
            FileCheck::WhenPresent(name.to_owned())
        }
        path => FileCheck::Always(folder.join(path)),
    }
}
