//! Reading `[[server]]`.

use std::path::{Path, PathBuf};

use super::read::{At, Fields, Problems, Span, nearest, shown};
use super::web::web;
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

pub(super) fn server(fields: Fields<'_, '_, '_>, file: &Path) -> ReadServer {
    let folder = file.parent().unwrap_or(Path::new(""));
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
    let endpoint = endpoint(&fields, file);
    let standard = endpoint.as_ref().map_or_else(Timeouts::default, |at| Timeouts::of(&at.value));
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

fn endpoint(fields: &Fields<'_, '_, '_>, file: &Path) -> Option<At<Endpoint>> {
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

pub(super) fn fits_a_socket(fields: &Fields<'_, '_, '_>, key: &str, path: &Path, span: &Span) {
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

/// Two entries that reach one server are a mistake: each would be the other's partner.
pub(super) fn unique_endpoints(servers: &[ReadServer], problems: &Problems<'_>) {
    let mut seen: Vec<(&Endpoint, &ReadServer)> = Vec::new();
    for server in servers {
        let Some(at) = &server.endpoint else {
            continue;
        };
        match seen.iter().find(|(endpoint, _)| is_same_place(endpoint, &at.value)) {
            Some((endpoint, first)) => {
                let way = shown(&endpoint.place());
                let message =
                    format!("{} and {} reach one server, {way}: remove one of them", server.place, first.place);
                problems.add(&at.span, message);
            }
            None => seen.push((&at.value, server)),
        }
    }
}

fn is_same_place(one: &Endpoint, other: &Endpoint) -> bool {
    match (one, other) {
        (Endpoint::KeaSocket(one), Endpoint::KeaSocket(other)) | (Endpoint::KeaFile(one), Endpoint::KeaFile(other)) => {
            real_path(one) == real_path(other)
        }
        (Endpoint::KeaUrl(one), Endpoint::KeaUrl(other)) => one.address.is_same_place(&other.address),
        _ => false,
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
