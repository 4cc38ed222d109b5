//! From the text of a file to a [`Config`].

use std::collections::BTreeSet;
use std::path::Path;

use crate::model::Section;
use toml::Spanned;
use toml::de::{DeTable, DeValue};

use super::error::{ConfigError, Problem};
use super::keys::{self, SECTIONS};
use super::read::{At, ESCAPE, Fields, Problems, nearest, position, shown};
use super::server::{server, unique_endpoints};
use super::{Config, HistoryConfig, IgnoreRule, LogConfig, LogLevel, LogTarget, RelationshipEntry};
use super::{keymap, screen};

impl Config {
    /// Reads the text of the configuration file at `path`. Relative paths in it
    /// are taken from the folder of `path`.
    ///
    /// # Errors
    /// [`ConfigError::Invalid`] with everything that is wrong.
    pub fn parse(text: &str, path: &Path) -> Result<Self, ConfigError> {
        let absolute = std::path::absolute(path).unwrap_or_else(|_| path.to_owned());
        checked(CONFIGURATION, text, path, |root, problems| {
            let mut config = read(root, &absolute, problems);
            config.warnings = problems.take_warnings();
            config
        })
    }
}

/// What stands in the configuration file.
pub(super) const CONFIGURATION: &str = "configuration";

/// What `read` makes of a text that is a `what`, unless anything is wrong with it.
pub(super) fn checked<T>(
    what: &'static str,
    text: &str,
    path: &Path,
    read: impl FnOnce(&Spanned<DeTable<'_>>, &Problems<'_>) -> T,
) -> Result<T, ConfigError> {
    let invalid = |problems| ConfigError::Invalid { what, path: path.to_owned(), problems };
    let (root, errors) = DeTable::parse_recoverable(text);
    if !errors.is_empty() {
        return Err(invalid(errors.iter().map(|error| syntax(text, error)).collect()));
    }
    let problems = Problems::new(text);
    let value = read(&root, &problems);
    match problems.into_sorted() {
        found if found.is_empty() => Ok(value),
        found => Err(invalid(found)),
    }
}

fn syntax(text: &str, error: &toml::de::Error) -> Problem {
    let (line, column) = position(text, error.span().map_or(0, |span| span.start));
    let is_of_escape = ["missing escaped value", "too few unicode value digits"];
    let message = match is_of_escape.iter().any(|words| error.message().starts_with(words)) {
        true => format!("{ESCAPE}, and none begins so: write the text in single quotes, such as 'CONTOSO\\scopesync'"),
        false => error.message().replace('\n', "; "),
    };
    Problem { line, column, message }
}

fn read(root: &Spanned<DeTable<'_>>, file: &Path, problems: &Problems<'_>) -> Config {
    let folder = file.parent().unwrap_or(Path::new(""));
    let table = root.get_ref();
    let top = Fields::new(&keys::TOP, keys::TOP.heading(), root.span(), table, problems);
    let mut config = Config { throttle_limit: top.count("throttle_limit").unwrap_or_default(), ..Config::default() };
    let names: Vec<&str> = SECTIONS.iter().map(|s| s.name).filter(|n| !n.is_empty()).collect();
    top.finish(&names);

    let mut servers = Vec::new();
    for fields in sections(&keys::SERVER, table, problems) {
        servers.push(server(fields, file));
    }
    unique_names("server", servers.iter().map(|s| s.name.as_ref()), problems);
    unique_endpoints(&servers, problems);
    let server_names: Vec<&str> =
        servers.iter().filter_map(|s| s.name.as_ref().map(|name| name.value.as_str())).collect();

    let mut relationships = Vec::new();
    for fields in sections(&keys::RELATIONSHIP, table, problems) {
        relationships.push(relationship(fields, &server_names));
    }
    let named = relationships.iter().map(|(name, _)| name.as_ref());
    unique_names("relationship", named, problems);
    unique_pairs(&relationships, problems);

    for fields in sections(&keys::IGNORE, table, problems) {
        config.ignore.extend(ignore(fields));
    }
    for fields in sections(&keys::HISTORY, table, problems) {
        config.history = history(fields);
    }
    for fields in sections(&keys::SCREEN, table, problems) {
        config.screen = screen::read(fields, folder);
    }
    for fields in sections(&keys::KEYS, table, problems) {
        config.keymap = keymap::read(fields);
    }
    for fields in sections(&keys::LOG, table, problems) {
        config.log = log(fields, folder);
    }
    config.relationships = relationships.into_iter().filter_map(|(_, entry)| entry).collect();
    config.servers = servers.into_iter().filter_map(|s| s.entry).collect();
    config
}

/// The tables of one section; a section written in the wrong way is a mistake.
fn sections<'a, 't, 'i>(
    section: &'static keys::Section,
    root: &'a DeTable<'i>,
    problems: &'a Problems<'t>,
) -> Vec<Fields<'a, 't, 'i>> {
    let Some(found) = root.get(section.name) else {
        return Vec::new();
    };
    let entries: Vec<&Spanned<DeValue<'i>>> = match found.get_ref() {
        DeValue::Array(entries) => entries.iter().collect(),
        _ => vec![found],
    };
    let wrong = section.repeated != found.get_ref().is_array();
    let mut all = Vec::new();
    for (number, entry) in (1..).zip(entries) {
        let Some(table) = entry.get_ref().as_table().filter(|_| !wrong) else {
            let (name, heading) = (section.name, section.heading());
            problems.add(&entry.span(), format!("`{name}` must be written as {heading}"));
            continue;
        };
        let name = table.get("name").and_then(|name| name.get_ref().as_str());
        let place = match name.filter(|name| !name.trim().is_empty()) {
            Some(name) => format!("{} {}", section.heading(), shown(name)),
            None if section.repeated => format!("{} number {number}", section.heading()),
            None => section.heading(),
        };
        all.push(Fields::new(section, place, entry.span(), table, problems));
    }
    all
}

type ReadRelationship = (Option<At<String>>, Option<RelationshipEntry>);

fn relationship(fields: Fields<'_, '_, '_>, known: &[&str]) -> ReadRelationship {
    let name = fields.required("name");
    let servers = fields.names("servers").and_then(|servers| {
        let place = &fields.place;
        let mut good = true;
        for server in &servers.value {
            if !known.contains(&server.value.as_str()) {
                let written = shown(&server.value);
                let hint = match known {
                    [] => "the file has no [[server]]".to_owned(),
                    known => nearest(&server.value, known, '"'),
                };
                fields.problem(&server.span, format!("unknown server {written} in {place}: {hint}"));
                good = false;
            }
        }
        match servers.value.as_slice() {
            [one, other] if one.value == other.value => {
                let written = shown(&one.value);
                fields.problem(&other.span, format!("`servers` in {place} names {written} twice"));
                None
            }
            [one, other] => good.then(|| [one.value.clone(), other.value.clone()]),
            several => {
                let count = several.len();
                fields.problem(&servers.span, format!("`servers` in {place} must name two servers, not {count}"));
                None
            }
        }
    });
    fields.finish(&[]);
    let entry = name.as_ref().zip(servers).map(|(name, servers)| {
        let name = name.value.clone();
        RelationshipEntry { name, servers }
    });
    (name, entry)
}

fn ignore(fields: Fields<'_, '_, '_>) -> Option<IgnoreRule> {
    let reason = fields.required("reason");
    let words: Vec<&str> = std::iter::once("*").chain(Section::ALL.iter().map(|section| section.word())).collect();
    let section = fields.word("section", &words);
    let item = fields.plain("item");
    let field = fields.plain("field");
    let wrong = fields.is_wrong("section", section.is_none())
        || fields.is_wrong("item", item.is_none())
        || fields.is_wrong("field", field.is_none());
    // The first word stands for every section.
    let section = section.and_then(|number| Section::ALL.get(number.checked_sub(1)?).copied());
    let pattern = |at: Option<At<String>>| at.map(|at| at.value).filter(|text| text.bytes().any(|byte| byte != b'*'));
    let (item, field) = (pattern(item), pattern(field));
    if !wrong && section.is_none() && item.is_none() && field.is_none() {
        let place = &fields.place;
        let message =
            format!("{place} would ignore every difference: give a `section`, `item` or `field` other than *");
        fields.problem(&fields.span, message);
    }
    fields.finish(&[]);
    Some(IgnoreRule { section, item, field, reason: reason?.value })
}

fn history(fields: Fields<'_, '_, '_>) -> HistoryConfig {
    let default = HistoryConfig::default();
    let limits = HistoryConfig {
        keep_days: fields.count("keep_days").unwrap_or(default.keep_days),
        keep_runs: fields.count("keep_runs").unwrap_or(default.keep_runs),
        keep_size: fields.size("keep_size").unwrap_or(default.keep_size),
        audit_size: fields.size("audit_size").unwrap_or(default.audit_size),
        audit_files: fields.count("audit_files").unwrap_or(default.audit_files),
    };
    fields.finish(&[]);
    limits
}

fn log(fields: Fields<'_, '_, '_>, folder: &Path) -> LogConfig {
    let target = match fields.plain("file") {
        Some(file) => match LogTarget::from_setting(file.value) {
            LogTarget::File(path) => LogTarget::File(folder.join(path)),
            other => other,
        },
        None => LogTarget::default(),
    };
    let level = fields
        .word("level", LogLevel::NAMES)
        .and_then(|number| LogLevel::from_name(LogLevel::NAMES.get(number)?))
        .unwrap_or_default();
    fields.finish(&[]);
    LogConfig { target, level }
}

fn unique_names<'a>(what: &str, names: impl Iterator<Item = Option<&'a At<String>>>, problems: &Problems<'_>) {
    let mut seen = BTreeSet::new();
    for name in names.flatten() {
        if !seen.insert(&name.value) {
            let written = shown(&name.value);
            problems.add(&name.span, format!("a second {what} is named {written}"));
        }
    }
}

/// Two names for the relationship of the same servers leave its name open.
fn unique_pairs(relationships: &[ReadRelationship], problems: &Problems<'_>) {
    let mut seen: Vec<&RelationshipEntry> = Vec::new();
    for (name, entry) in relationships {
        let (Some(name), Some(entry)) = (name, entry) else {
            continue;
        };
        let [one, other] = &entry.servers;
        match seen.iter().find(|first| first.joins(one, other)) {
            Some(first) => {
                let message = format!(
                    "the relationship of {} and {} is named {} already",
                    shown(one),
                    shown(other),
                    shown(&first.name)
                );
                problems.add(&name.span, message);
            }
            None => seen.push(entry),
        }
    }
}
