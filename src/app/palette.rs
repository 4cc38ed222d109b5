//! The command palette: every action by its name, also those that cannot be taken and why.

use super::action::{Action, Place, VERBS, Verb};
use super::available::available;
use super::keymap;
use super::list::Scroll;
use super::state::AppState;

/// The palette while it is open.
#[derive(Clone, Debug, Default)]
pub struct Palette {
    /// What was typed.
    pub typed: String,
    /// The cursor among the entries.
    pub scroll: Scroll,
}

/// An action that fits what was typed.
pub struct Entry {
    /// The action.
    pub verb: &'static Verb,
    /// Why it cannot be taken now.
    pub refused: Option<String>,
}

/// What fits, the best first; what cannot be taken comes last.
pub fn entries(state: &AppState, typed: &str) -> Vec<Entry> {
    let typed = typed.trim().to_lowercase();
    let offered = VERBS.iter().filter(|verb| !verb.moves && verb.places != [Place::Palette]);
    let offered = offered.filter(|verb| verb.action != Action::Palette);
    let fitting = offered.filter_map(|verb| Some((rank(verb, &typed)?, verb)));
    let mut found: Vec<(u8, Entry)> =
        fitting.map(|(rank, verb)| (rank, Entry { verb, refused: refusal(state, verb) })).collect();
    found.sort_by_key(|(rank, entry)| (entry.refused.is_some(), *rank));
    found.into_iter().map(|(_, entry)| entry).collect()
}

/// The entry under the cursor.
pub fn current(state: &AppState) -> Option<Entry> {
    let palette = state.palette.as_ref()?;
    let mut entries = entries(state, &palette.typed);
    let at = palette.scroll.position(entries.len());
    (at < entries.len()).then(|| entries.swap_remove(at))
}

/// How well an action fits: lower is better, `None` not at all.
fn rank(verb: &Verb, typed: &str) -> Option<u8> {
    let spoken = verb.name.replace('-', " ");
    let typed_name = typed.replace('-', " ");
    if spoken.starts_with(&typed_name) {
        return Some(0);
    }
    let about = verb.about.to_lowercase();
    if typed_name.split_whitespace().all(|word| spoken.contains(word) || verb.hint.contains(word)) {
        return Some(1);
    }
    if typed.split_whitespace().all(|word| spoken.contains(word) || about.contains(word)) {
        return Some(2);
    }
    let mut rest = spoken.chars();
    typed_name.chars().all(|wanted| rest.any(|c| c == wanted)).then_some(3)
}

/// Why an action cannot be taken where the palette was opened.
fn refusal(state: &AppState, verb: &Verb) -> Option<String> {
    if matches!(verb.action, Action::Yes | Action::YesToAll) {
        return Some(format!("a question is answered by its key alone: {}", state.key(verb.action)));
    }
    if !verb.places.contains(&state.beneath()) {
        return Some(format!("works in: {}", keymap::places(verb)));
    }
    available(state, verb.action).err()
}
