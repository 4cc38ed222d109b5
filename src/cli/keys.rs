//! `scopesync keys`

use serde::Serialize;

use super::configuration;
use super::console::Console;
use super::table::Table;
use super::{Failure, args};
use crate::app::action::VERBS;
use crate::app::keymap::{self, Keymap};
use crate::config::Located;
use crate::show::Role;

/// The schema of the list's JSON.
pub const SCHEMA: &str = "scopesync.keys/1";

/// Prints the keys that are in force; asks no server. Returns the exit status: 0.
///
/// # Errors
/// The configuration is wrong; two actions on one key, too.
pub fn run(asked: &args::Keys, global: &args::Global, console: &mut Console) -> Result<u8, Failure> {
    let (located, unused) = configuration::find(global)?;
    if let Some(warning) = unused {
        console.warning(warning);
    }
    let keymap = match located {
        Located::Found { config, .. } => config.keymap,
        Located::NotFound { .. } => Keymap::default(),
    };
    if asked.json {
        console.json(&Document::of(&keymap));
        return Ok(0);
    }
    let keys = |verb| (Role::Title, keymap.words(verb).join("  "));
    // whoever reads it as it comes gets it within the window, and what reads lines an action a line
    if let Some(columns) = console.columns() {
        let mut table = Table::new(["KEYS", "ACTION", "WHAT (WHERE)"]);
        for verb in VERBS {
            let about = format!("{} ({})", verb.about, keymap::places(verb));
            table.row([keys(verb), (Role::Plain, verb.name.to_owned()), (Role::Plain, about)]);
        }
        console.lines(&table.lines_within(columns));
        return Ok(0);
    }
    let mut table = Table::new(["KEYS", "ACTION", "WHERE", "WHAT"]);
    for verb in VERBS {
        table.row([
            keys(verb),
            (Role::Plain, verb.name.to_owned()),
            (Role::Muted, keymap::places(verb)),
            (Role::Plain, verb.about.to_owned()),
        ]);
    }
    console.lines(&table.lines());
    Ok(0)
}

#[derive(Serialize)]
struct Document {
    schema: &'static str,
    actions: Vec<Action>,
}

#[derive(Serialize)]
struct Action {
    name: &'static str,
    /// In the spelling of the configuration; several that are pressed one after another are one text.
    keys: Vec<String>,
    default: &'static [&'static str],
    places: Vec<&'static str>,
    about: &'static str,
    dangerous: bool,
}

impl Document {
    fn of(keymap: &Keymap) -> Self {
        let actions = VERBS.iter().map(|verb| Action {
            name: verb.name,
            keys: keymap.words(verb),
            default: verb.keys,
            places: verb.places.iter().map(|place| place.words()).collect(),
            about: verb.about,
            dangerous: verb.dangerous,
        });
        Document { schema: SCHEMA, actions: actions.collect() }
    }
}
