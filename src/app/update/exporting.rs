//! Exporting what is on the screen: the question for the file, and its answer.

use super::super::effect::{Effect, Ticket};
use super::super::entry::Typed;
use super::super::export;
use super::super::key::Key;
use super::super::saving::path;
use super::super::state::{AppState, Tone};

/// Asks for a file.
pub(super) fn ask(state: &mut AppState) -> Vec<Effect> {
    match export::sheet(state) {
        Ok(sheet) => state.exporting = Some(sheet.ask(state.clock)),
        Err(reason) => state.say(Tone::Warning, reason),
    }
    Vec::new()
}

/// Takes a key into the name of the file.
pub(super) fn key(state: &mut AppState, key: Key) -> Vec<Effect> {
    state.hush();
    let Some(exporting) = &mut state.exporting else { return Vec::new() };
    if exporting.saving.ticket.is_some() {
        return Vec::new();
    }
    match exporting.saving.entry.key(key) {
        Typed::Done => write(state),
        Typed::Left => {
            state.exporting = None;
            Vec::new()
        }
        Typed::More => Vec::new(),
    }
}

fn write(state: &mut AppState) -> Vec<Effect> {
    let sheet = export::sheet(state);
    let ticket = state.ticket();
    let Some(exporting) = &mut state.exporting else { return Vec::new() };
    let typed = exporting.saving.entry.text();
    match sheet.and_then(|sheet| Ok((sheet, path(typed)?))) {
        _ if typed.trim().is_empty() => Vec::new(),
        Ok((sheet, path)) => {
            exporting.saving.ticket = Some(ticket);
            vec![Effect::Export(ticket, sheet.to(path))]
        }
        Err(reason) => {
            state.say(Tone::Warning, format!("not exported: {reason}"));
            Vec::new()
        }
    }
}

/// Takes a pasted text into the name of the file.
pub(super) fn paste(state: &mut AppState, text: &str) {
    if let Some(exporting) = state.exporting.as_mut().filter(|exporting| exporting.saving.ticket.is_none()) {
        exporting.saving.entry.paste(text);
    }
}

/// It is in this file.
pub(super) fn exported(state: &mut AppState, ticket: Ticket, file: &str) {
    let done = state.exporting.take_if(|exporting| exporting.saving.ticket == Some(ticket));
    let words = done.map_or_else(|| "what was on the screen".to_owned(), |done| done.words);
    state.say(Tone::Good, format!("exported to {file}: {words}"));
}

/// Whether this work was to write the file, which it could not.
pub(super) fn failed(state: &mut AppState, ticket: Ticket, reason: &str) -> bool {
    let Some(exporting) = &mut state.exporting else { return false };
    if exporting.saving.ticket != Some(ticket) {
        return false;
    }
    exporting.saving.ticket = None;
    state.say(Tone::Bad, format!("not exported: {reason}"));
    true
}
