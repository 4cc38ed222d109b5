//! Relationships and scopes from standard input, as JSON: what PowerShell's `ConvertTo-Json`
//! makes of the objects that the cmdlet takes from a pipeline, and what scopesync prints.

mod element;

use std::io::{IsTerminal, Read};

use super::Failure;
use super::args::Selection;
use element::Element;

/// The largest input, in bytes.
pub const LIMIT: u64 = 64 << 20;

/// Reads all of the input and selects what it says.
///
/// # Errors
/// The input is a terminal, empty, too large or no JSON; an object in it is neither a scope
/// nor a relationship; it has both.
pub fn take(input: impl Read + IsTerminal, selection: &mut Selection) -> Result<(), Failure> {
    if input.is_terminal() {
        return Err(Failure::new("--from-stdin needs something on standard input, and that is a terminal")
            .hint("for example: scopesync drift --json | scopesync replicate --from-stdin --computer-name SERVER"));
    }
    let mut bytes = Vec::new();
    let read = input.take(LIMIT + 1).read_to_end(&mut bytes);
    read.map_err(|error| Failure::new(format!("standard input cannot be read: {error}")))?;
    if bytes.len() as u64 > LIMIT {
        return Err(Failure::new(format!("standard input has more than {} MiB", LIMIT >> 20))
            .hint("leave out what is not needed, such as with jq"));
    }
    select(&text(bytes)?, selection)
}

/// Windows PowerShell writes UTF-16 into files, and a mark before UTF-8.
fn text(bytes: Vec<u8>) -> Result<String, Failure> {
    let wrong = |encoding: &str| Failure::new(format!("standard input is no {encoding}")).hint("write JSON in UTF-8");
    if let Some(utf16) = bytes.strip_prefix(b"\xff\xfe") {
        let units = utf16.chunks(2).map(|unit| u16::from_le_bytes([unit[0], unit.get(1).copied().unwrap_or_default()]));
        return char::decode_utf16(units).collect::<Result<_, _>>().map_err(|_| wrong("UTF-16"));
    }
    let text = String::from_utf8(bytes).map_err(|_| wrong("UTF-8"))?;
    Ok(text.strip_prefix('\u{feff}').map(str::to_owned).unwrap_or(text))
}

fn select(text: &str, selection: &mut Selection) -> Result<(), Failure> {
    for (at, element) in serde_json::Deserializer::from_str(text).into_iter::<Element>().enumerate() {
        let element = element.map_err(|error| not_json(&error))?;
        element.select(selection).map_err(|what| {
            Failure::new(format!("object {} of standard input: {what}", at + 1))
                .hint("a scope has a ScopeId, a relationship has a Name")
        })?;
    }
    match (selection.scope_ids.is_empty(), selection.names.is_empty()) {
        (true, true) => Err(Failure::new("standard input names no scope and no relationship")
            .hint("nothing is done: without --from-stdin everything would be selected")),
        (false, false) => Err(Failure::new("standard input has scopes and relationships")
            .hint("give the ones or the others: a scope that is in both would be meant twice")),
        _ => {
            selection.scope_ids.sort();
            selection.scope_ids.dedup();
            Ok(())
        }
    }
}

fn not_json(error: &serde_json::Error) -> Failure {
    let (line, column) = (error.line(), error.column());
    let text = error.to_string();
    let what = text.split(" at line ").next().unwrap_or_default();
    Failure::new(format!("standard input is no JSON: line {line}, column {column}: {what}"))
        .hint("plain names and ids are given as arguments, NAME or --scope-id")
}

#[cfg(test)]
mod tests;
