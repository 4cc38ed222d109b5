//! `[screen]`: how the interactive program looks and behaves.

use std::path::Path;
use std::time::Duration;

use super::read::{Fields, shown};
use super::theme::ThemeChoice;
use crate::ui::Glyphs;

/// The `[screen]` section.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ScreenConfig {
    /// The columns of the list, behind the one that names relationship or scope.
    pub columns: Vec<Column>,
    /// What scopes are listed under.
    pub grouping: Grouping,
    /// By which column the list is sorted.
    pub sort: Column,
    /// Whether the mouse is used from the start.
    pub mouse: bool,
    /// The signs; `None` for those that locale and terminal can show.
    pub glyphs: Option<Glyphs>,
    /// How the parts look.
    pub theme: ThemeChoice,
    /// Servers are asked so often whether anything has moved; `None` if that is not wanted at the start.
    pub watch: Option<Duration>,
    /// From more deletions than this on, the operator types the relationship's name to confirm.
    pub type_name_above: usize,
    /// A program and its arguments that compares two files, whose names are put behind them; empty for none.
    pub diff: Vec<String>,
    /// The terminal's title tells how far runs are.
    pub title: bool,
    /// The terminal's bell rings when a run or job ends.
    pub bell: bool,
}

impl Default for ScreenConfig {
    fn default() -> Self {
        Self {
            columns: vec![Column::Name, Column::Drift, Column::Used],
            grouping: Grouping::Relationship,
            sort: Column::Drift,
            mouse: false,
            glyphs: None,
            theme: ThemeChoice::default(),
            watch: None,
            type_name_above: 10,
            diff: Vec::new(),
            title: true,
            bell: false,
        }
    }
}

/// A column of the list of relationships and scopes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Column {
    /// The scope's address; always shown.
    Scope,
    /// The scope's name.
    Name,
    /// The relationship of the scope.
    Relationship,
    /// The server that is copied from.
    Source,
    /// The server that is overwritten.
    Target,
    /// How the scope stands, with counts. Sorted by what has to be looked at first.
    Drift,
    /// Items that a replication creates.
    Create,
    /// Items that it updates.
    Update,
    /// Items that it deletes.
    Delete,
    /// Addresses in use of a hundred.
    Used,
}

impl Column {
    /// Every column.
    pub const ALL: [Column; 10] = [
        Column::Scope,
        Column::Name,
        Column::Relationship,
        Column::Source,
        Column::Target,
        Column::Drift,
        Column::Create,
        Column::Update,
        Column::Delete,
        Column::Used,
    ];

    /// Its name, in the configuration and above the column.
    pub fn name(self) -> &'static str {
        match self {
            Column::Scope => "scope",
            Column::Name => "name",
            Column::Relationship => "relationship",
            Column::Source => "source",
            Column::Target => "target",
            Column::Drift => "drift",
            Column::Create => "create",
            Column::Update => "update",
            Column::Delete => "delete",
            Column::Used => "used",
        }
    }
}

/// What scopes are listed under.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Grouping {
    /// Their relationship.
    #[default]
    Relationship,
    /// Both servers of their relationship, and it.
    Server,
    /// Nothing: all scopes in one list.
    None,
}

impl Grouping {
    const ALL: [Grouping; 3] = [Grouping::Relationship, Grouping::Server, Grouping::None];
    const NAMES: [&'static str; 3] = ["relationship", "server", "none"];
}

const INTERVALS: &str = "\"off\", or an interval from \"60s\" to \"24h\" such as \"5m\"";

/// How often is meant; the outer `None` if that cannot be told.
fn interval(text: &str) -> Option<Option<Duration>> {
    if text == "off" {
        return Some(None);
    }
    let interval = Duration::try_from(text.parse::<jiff::SignedDuration>().ok()?).ok()?;
    (Duration::from_secs(60)..=Duration::from_secs(86_400)).contains(&interval).then_some(Some(interval))
}

/// Reads the section; paths are taken from `folder`.
pub(super) fn read(fields: Fields<'_, '_, '_>, folder: &Path) -> ScreenConfig {
    let default = ScreenConfig::default();
    let names = Column::ALL.map(Column::name);
    let theme = fields.plain("theme").and_then(|text| match ThemeChoice::from_setting(&text.value, folder) {
        Ok(theme) => Some(theme),
        Err(hint) => {
            let message = format!("unknown `theme` {} in {}: {hint}", shown(&text.value), fields.place);
            fields.problem(&text.span, message);
            None
        }
    });
    let screen = ScreenConfig {
        columns: fields.choice("columns", &names).map_or(default.columns, |chosen| {
            let chosen = chosen.into_iter().map(|at| Column::ALL[at]);
            // what a row is called stands before them anyhow
            chosen.filter(|column| *column != Column::Scope).collect()
        }),
        grouping: fields.word("grouping", &Grouping::NAMES).map_or(default.grouping, |at| Grouping::ALL[at]),
        sort: fields.word("sort", &names).map_or(default.sort, |at| Column::ALL[at]),
        mouse: fields.flag("mouse").unwrap_or(default.mouse),
        glyphs: match fields.word("glyphs", &["auto", "unicode", "ascii"]) {
            Some(1) => Some(Glyphs::UNICODE),
            Some(2) => Some(Glyphs::ASCII),
            _ => None,
        },
        theme: theme.unwrap_or(default.theme),
        watch: fields.plain("watch").and_then(|text| match interval(&text.value) {
            Some(watch) => watch,
            None => {
                let message = format!("unknown `watch` {} in {}: {INTERVALS}", shown(&text.value), fields.place);
                fields.problem(&text.span, message);
                None
            }
        }),
        type_name_above: fields.number("type_name_above", 0..=usize::MAX).unwrap_or(default.type_name_above),
        diff: fields.words("diff").map_or(default.diff, |diff| diff.value.into_iter().map(|word| word.value).collect()),
        title: fields.flag("title").unwrap_or(default.title),
        bell: fields.flag("bell").unwrap_or(default.bell),
    };
    fields.finish(&[]);
    screen
}
