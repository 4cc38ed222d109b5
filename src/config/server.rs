//! Reading `[[server]]`.

use std::path::{Path, PathBuf};

use super::keys::KINDS;
use super::read::{At, Fields, Problems, shown};
use super::{Endpoint, ServerEntry, Timeouts, kea, windows};
use crate::backend::windows::access::Replicating;

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
    let kind = kind(&fields);
    let endpoint = match kind {
        Kind::Kea => kea::endpoint(&fields, file),
        Kind::Windows => windows::endpoint(&fields, file),
    };
    let standard = endpoint.as_ref().map_or_else(Timeouts::default, |at| Timeouts::of(&at.value));
    let timeouts = Timeouts {
        connect: fields.seconds("connect_timeout").unwrap_or(standard.connect),
        read: fields.seconds("read_timeout").unwrap_or(standard.read),
        write: fields.seconds("write_timeout").unwrap_or(standard.write),
    };
    let read_only = fields.flag("read_only");
    let max_answer = fields.size("max_answer");
    let kea = match kind {
        Kind::Kea => kea::manner(&fields, endpoint.as_ref(), folder),
        Kind::Windows => kea::Manner::default(),
    };
    let replicating = match kind {
        Kind::Kea => Replicating::default(),
        Kind::Windows => windows::replicating(&fields),
    };
    let entry = name.as_ref().zip(endpoint.as_ref()).map(|(name, endpoint)| {
        let plain = ServerEntry::new(&name.value, endpoint.value.clone());
        ServerEntry {
            read_only: read_only.unwrap_or(plain.read_only),
            max_answer: max_answer.unwrap_or(plain.max_answer),
            timeouts,
            save: kea.save,
            writer: kea.writer,
            replicating,
            check: kea.check,
            ..plain
        }
    });
    let place = fields.place.clone();
    fields.finish(&[]);
    ReadServer { place, name, endpoint, entry }
}

/// The family of a server.
#[derive(Clone, Copy)]
enum Kind {
    Kea,
    Windows,
}

/// The family, and a word on each key that is for the other one. Where it is not told, the keys
/// tell.
fn kind(fields: &Fields<'_, '_, '_>) -> Kind {
    let words = KINDS.map(|(word, _)| word);
    fields.required("kind");
    let told = fields.get("kind").is_some().then(|| fields.word("kind", &words)).flatten();
    let by_keys = || usize::from(fields.get("host").is_some());
    let at = told.unwrap_or_else(by_keys);
    for (other, keys) in KINDS.iter().filter(|(other, _)| *other != words[at]) {
        for key in *keys {
            if let Some(value) = fields.get(key) {
                let message = format!("`{key}` in {} is for kind \"{other}\", not for \"{}\"", fields.place, words[at]);
                fields.problem(&value.span(), message);
            }
        }
    }
    if at == 0 { Kind::Kea } else { Kind::Windows }
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
        (Endpoint::Windows(one), Endpoint::Windows(other)) => one.is_same_place(other),
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
