//! Reading `[[server]]`.

use std::path::{Path, PathBuf};

use super::read::{At, Fields, Problems, nearest, shown};
use super::{Endpoint, FileCheck, SavePolicy, ServerEntry, Timeouts, WriterPolicy};

/// What the kernel takes as the address of a UNIX socket, less the closing zero.
const LONGEST_SOCKET_PATH: usize = 107;

/// What was read of one server; the parts are compared even if it has mistakes.
pub(super) struct ReadServer {
    place: String,
    pub(super) name: Option<At<String>>,
    pub(super) endpoint: Option<At<Endpoint>>,
    pub(super) entry: Option<ServerEntry>,
}

pub(super) fn server(fields: Fields<'_, '_, '_>, folder: &Path) -> ReadServer {
    let name = fields.required("name");
    if let Some(kind) = fields.required("kind") {
        match kind.value.as_str() {
            "kea" => {}
            "windows" => fields.problem(
                &kind.span,
                format!(
                    "{}: kind \"windows\" is not supported by this version yet; use \"kea\" or \
                     remove the entry",
                    fields.place
                ),
            ),
            other => {
                let (written, hint) = (shown(other), nearest(other, &["kea"], '"'));
                let message = format!("unknown `kind` {written} in {}: {hint}", fields.place);
                fields.problem(&kind.span, message);
            }
        }
    }
    let endpoint = endpoint(&fields, folder);
    let standard = Timeouts::default();
    let timeouts = Timeouts {
        connect: fields.seconds("connect_timeout").unwrap_or(standard.connect),
        read: fields.seconds("read_timeout").unwrap_or(standard.read),
        write: fields.seconds("write_timeout").unwrap_or(standard.write),
    };
    let save = match fields.word("save", &["config-write", "never"]) {
        Some(1) => SavePolicy::Never,
        _ => SavePolicy::ConfigWrite,
    };
    let writer = match fields.word("writer", &["auto", "commands", "whole-configuration"]) {
        Some(1) => WriterPolicy::Commands,
        Some(2) => WriterPolicy::WholeConfiguration,
        _ => WriterPolicy::Auto,
    };
    let read_only = fields.flag("read_only");
    let max_answer = fields.size("max_answer");
    let check = check(&fields, endpoint.as_ref(), folder);
    let entry = name.as_ref().zip(endpoint.as_ref()).map(|(name, endpoint)| {
        let plain = ServerEntry::new(&name.value, endpoint.value.clone());
        ServerEntry {
            read_only: read_only.unwrap_or(plain.read_only),
            max_answer: max_answer.unwrap_or(plain.max_answer),
            timeouts,
            save,
            writer,
            check,
            ..plain
        }
    });
    let place = fields.place.clone();
    fields.finish(&[]);
    ReadServer { place, name, endpoint, entry }
}

fn endpoint(fields: &Fields<'_, '_, '_>, folder: &Path) -> Option<At<Endpoint>> {
    let socket = fields.plain("socket");
    let file = fields.plain("file");
    let place = &fields.place;
    if let Some(url) = fields.get("url") {
        fields.problem(&url.span(), format!("{place}: `url` comes with a later version; use `socket` or `file`"));
    }
    match (socket, file) {
        (Some(_), Some(file)) => {
            fields.problem(
                &file.span,
                format!("{place} has both `socket` and `file`; exactly one says how to reach the server"),
            );
            None
        }
        (Some(socket), None) => {
            let path = folder.join(&socket.value);
            let length = path.as_os_str().len();
            if length > LONGEST_SOCKET_PATH {
                let message = format!(
                    "the path of `socket` in {place} has {length} bytes; a UNIX socket's path has \
                     at most {LONGEST_SOCKET_PATH}: use a shorter path, such as a symbolic link"
                );
                fields.problem(&socket.span, message);
            }
            Some(At { value: Endpoint::KeaSocket(path), span: socket.span })
        }
        (None, Some(file)) => Some(At { value: Endpoint::KeaFile(folder.join(&file.value)), span: file.span }),
        (None, None) => {
            // A key that is there and wrong has been reported.
            if ["socket", "file", "url"].iter().all(|key| fields.get(key).is_none()) {
                fields.problem(
                    &fields.span,
                    format!("{place} does not say how to reach the server: write `socket` or `file`"),
                );
            }
            None
        }
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

/// Two entries that reach one server are a mistake: each would be the other's partner.
pub(super) fn unique_endpoints(servers: &[ReadServer], problems: &Problems<'_>) {
    let mut seen: Vec<(Endpoint, &ReadServer)> = Vec::new();
    for server in servers {
        let Some(at) = &server.endpoint else {
            continue;
        };
        let real = match &at.value {
            Endpoint::KeaSocket(path) => Endpoint::KeaSocket(real_path(path)),
            Endpoint::KeaFile(path) => Endpoint::KeaFile(real_path(path)),
        };
        match seen.iter().find(|(endpoint, _)| *endpoint == real) {
            Some((endpoint, first)) => {
                let path = shown(&endpoint.path().to_string_lossy());
                let message =
                    format!("{} and {} reach one server, {path}: remove one of them", server.place, first.place);
                problems.add(&at.span, message);
            }
            None => seen.push((real, server)),
        }
    }
}

/// The path without symbolic links, as far as it exists.
fn real_path(path: &Path) -> PathBuf {
    if let Ok(real) = path.canonicalize() {
        return real;
    }
    match (path.parent(), path.file_name()) {
        (Some(parent), Some(name)) => real_path(parent).join(name),
        _ => path.to_owned(),
    }
}
