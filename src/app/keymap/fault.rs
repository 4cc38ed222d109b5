//! What must not be bound: a key that means two things, a confirmation under a key that is
//! pressed by habit, and a way out without any key.

use std::fmt;

use crossterm::event::KeyCode;

use super::super::action::{Action, Place, VERBS, Verb};
use super::super::key::Key;
use super::{Keymap, Sequence};

/// Without these somebody could be caught in a question, or in the program.
const NEEDED: &[Action] = &[Action::Back, Action::No, Action::Stay, Action::Abandon, Action::Quit];

/// One thing wrong with a keymap.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Fault {
    /// The action whose keys are wrong.
    pub verb: &'static str,
    /// Which of its keys; `None` where it has none.
    pub sequence: Option<Sequence>,
    /// Why.
    pub kind: FaultKind,
}

/// Why keys are wrong.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum FaultKind {
    /// Another action has this sequence, its beginning, or one that begins so, in this place.
    Taken {
        /// The other action.
        by: &'static str,
        /// Its keys.
        with: Sequence,
        /// Where both work.
        place: Place,
    },
    /// A confirmation under a key that is pressed for another reason.
    TooEasy {
        /// The action that is the reason.
        by: Option<&'static str>,
        /// That key.
        with: Sequence,
        /// The reason.
        why: &'static str,
    },
    /// An action that cannot be without a key.
    Needed,
}

impl Fault {
    /// The other action that it is about.
    pub fn other(&self) -> Option<(&'static str, &Sequence)> {
        match &self.kind {
            FaultKind::Taken { by, with, .. } => Some((by, with)),
            FaultKind::TooEasy { by, with, .. } => Some(((*by)?, with)),
            FaultKind::Needed => None,
        }
    }
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (verb, own) = (self.verb, self.sequence.as_ref().map(Sequence::to_string).unwrap_or_default());
        match &self.kind {
            FaultKind::Taken { by, with, place } if Some(with) == self.sequence.as_ref() => {
                write!(f, "`{own}` means `{verb}` and `{by}` in {}", place.words())
            }
            FaultKind::Taken { by, with, place } => {
                write!(f, "`{own}` of `{verb}` and `{with}` of `{by}` begin alike in {}", place.words())
            }
            FaultKind::TooEasy { with, why, .. } => {
                write!(f, "`{own}` must not mean `{verb}`, which confirms: `{with}` {why}")
            }
            FaultKind::Needed => write!(f, "`{verb}` must have a key"),
        }
    }
}

/// Everything wrong with a keymap, in the order of the table.
pub fn faults(keymap: &Keymap) -> Vec<Fault> {
    let mut faults = Vec::new();
    let all: Vec<(&Verb, &[Sequence])> = VERBS.iter().map(|verb| (verb, keymap.of(verb))).collect();
    for (at, (verb, sequences)) in all.iter().enumerate() {
        if sequences.is_empty() && NEEDED.contains(&verb.action) {
            faults.push(Fault { verb: verb.name, sequence: None, kind: FaultKind::Needed });
        }
        for sequence in *sequences {
            let taken = all[..at].iter().find_map(|(other, theirs)| {
                let place = verb.places.iter().find(|place| other.places.contains(place))?;
                let with = theirs.iter().find(|theirs| theirs.hides(sequence))?;
                Some(FaultKind::Taken { by: other.name, with: with.clone(), place: *place })
            });
            let confirms = matches!(verb.action, Action::Yes | Action::YesToAll);
            let easy = confirms.then(|| too_easy(keymap, sequence)).flatten();
            let found = taken.into_iter().chain(easy);
            faults.extend(found.map(|kind| Fault { verb: verb.name, sequence: Some(sequence.clone()), kind }));
        }
    }
    faults
}

/// Why a key of this sequence is pressed by habit, held down, or was pressed just before.
fn too_easy(keymap: &Keymap, sequence: &Sequence) -> Option<FaultKind> {
    sequence.keys().iter().find_map(|key| {
        let with = Sequence::from(*key);
        if by_habit(*key) {
            return Some(FaultKind::TooEasy { by: None, with, why: "is pressed by habit" });
        }
        let bound = |verb: &Verb| keymap.of(verb).iter().any(|sequence| sequence.keys().contains(key));
        let why = |verb: &Verb| match verb.action {
            _ if verb.moves => Some("moves about"),
            Action::Preview | Action::Undo | Action::Finish | Action::Reset => Some("opens the question"),
            _ => None,
        };
        let verb = VERBS.iter().find(|verb| why(verb).is_some() && bound(verb))?;
        Some(FaultKind::TooEasy { by: Some(verb.name), with, why: why(verb)? })
    })
}

/// Enter, Space, arrows and the like; and what some terminals send for Enter.
fn by_habit(key: Key) -> bool {
    let is_typed = matches!(key.code(), KeyCode::Char(c) if c != ' ') || matches!(key.code(), KeyCode::F(_));
    !is_typed || "Ctrl-j".parse() == Ok(key)
}
