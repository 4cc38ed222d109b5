//! The configuration file: where it was found, who may change it, and what is wrong with it.

use std::path::{Path, PathBuf};

use crate::cli::args::Global;
use crate::cli::configuration;
use crate::config::{Config, ConfigError, Located, process_env};
use crate::engine::check::{Point, Topic, Verdict};
use crate::model::Foreign;
use crate::show::plural;

/// What was found of the configuration file.
pub(super) struct FileCheck {
    /// The file, when there is one.
    pub(super) path: Option<PathBuf>,
    pub(super) points: Vec<Point>,
}

impl FileCheck {
    /// The worst of all verdicts.
    pub(super) fn verdict(&self) -> Verdict {
        self.points.iter().map(|point| point.verdict).max().unwrap_or(Verdict::Ok)
    }
}

/// Looks for the file as every command does.
pub(super) fn check(global: &Global) -> FileCheck {
    let failed = |path: Option<PathBuf>, points| FileCheck { path, points };
    let found = configuration::find(global);
    // why is told as a remark, as by every command
    let is_unused = matches!(found, Ok((_, Some(_))));
    match found.map(|(located, _)| located) {
        Ok(Located::NotFound { .. }) if is_unused => {
            let told = "the one that was found cannot be used: this is the demo pair, by the defaults";
            FileCheck { path: None, points: vec![Point::ok(Topic::File, told)] }
        }
        Ok(Located::NotFound { .. }) if global.demo => {
            FileCheck { path: None, points: vec![Point::ok(Topic::File, "none: this is the demo pair")] }
        }
        Ok(Located::Found { path, config, .. }) if global.demo => {
            let named =
                format!("{}, {}; its servers are not asked: this is the demo pair", shown(&path), found_by(global));
            let mut points = vec![Point::ok(Topic::File, named)];
            points.extend(theme(&config));
            FileCheck { path: Some(path), points }
        }
        Ok(Located::Found { path, config, .. }) => {
            let named = format!("{}, {}", shown(&path), found_by(global));
            let mut points = vec![Point::ok(Topic::File, named)];
            points.extend(permissions(&path));
            points.push(content(&config));
            points.extend(theme(&config));
            FileCheck { path: Some(path), points }
        }
        Ok(Located::NotFound { searched }) => {
            let searched: Vec<String> = searched.iter().map(|path| shown(path)).collect();
            let found = format!("there is none; looked for: {}", searched.join(", "));
            let point = Point::new(Topic::File, Verdict::Failed, found);
            failed(None, vec![point.hint("list your servers in one of these files; --demo works without")])
        }
        Err(ConfigError::Invalid { path, problems, .. }) => {
            let mut points = vec![Point::ok(Topic::File, format!("{}, {}", shown(&path), found_by(global)))];
            points.extend(permissions(&path));
            points.extend(problems.iter().map(|problem| {
                let found = format!("line {}, column {}: {}", problem.line, problem.column, problem.message);
                Point::new(Topic::Mistake, Verdict::Failed, found)
            }));
            failed(Some(path), points)
        }
        Err(error @ (ConfigError::Missing { .. } | ConfigError::Unreadable { .. })) => {
            failed(None, vec![Point::new(Topic::File, Verdict::Failed, error.to_string())])
        }
    }
}

fn content(config: &Config) -> Point {
    let servers = plural(config.servers.len(), "server");
    if config.servers.is_empty() {
        let point = Point::new(Topic::Configuration, Verdict::Failed, "it lists no server");
        return point.hint("add a [[server]] for each partner");
    }
    Point::ok(Topic::Configuration, format!("without mistakes: {servers}"))
}

/// A theme of one's own that cannot be used keeps the interactive program from starting.
fn theme(config: &Config) -> Option<Point> {
    let error = config.screen.theme.read().err()?;
    let point = Point::warning(Topic::Mistake, format!("[screen] theme: {error}"));
    Some(point.hint("the interactive program does not start so: mend the theme's file, or leave `theme` out"))
}

fn found_by(global: &Global) -> &'static str {
    let named = process_env("SCOPESYNC_CONFIG").is_some_and(|value| !value.is_empty());
    match (&global.config, named) {
        (Some(_), _) => "given by --config",
        (None, true) => "named by SCOPESYNC_CONFIG",
        (None, false) => "found where it is looked for",
    }
}

fn shown(path: &Path) -> String {
    Foreign::from(path.to_string_lossy().as_ref()).to_string()
}

/// Whoever may change the file decides what is written where.
#[cfg(unix)]
fn permissions(path: &Path) -> Option<Point> {
    use std::os::unix::fs::MetadataExt as _;
    let file = std::fs::metadata(path).ok()?;
    let mode = file.mode() & 0o7777;
    let us = rustix::process::getuid().as_raw();
    let owner = match file.uid() {
        user if user == us => "yours".to_owned(),
        0 => "root's".to_owned(),
        user => format!("of user {user}"),
    };
    let found = format!("mode {mode:04o}, {owner}");
    let point = match () {
        () if mode & 0o022 != 0 => Point::warning(Topic::Permissions, format!("{found}: others may change it"))
            .hint("chmod go-w: whoever may change it decides which servers are written"),
        () if file.uid() != us && file.uid() != 0 => {
            Point::warning(Topic::Permissions, format!("{found}: its owner decides which servers are written"))
        }
        () => Point::ok(Topic::Permissions, found),
    };
    Some(point)
}

#[cfg(not(unix))]
fn permissions(_path: &Path) -> Option<Point> {
    None
}
