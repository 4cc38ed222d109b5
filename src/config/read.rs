//! Reading one section: typed values out of a parsed table, every mistake
//! noted with its place instead of ending the reading.

use std::cell::RefCell;
use std::collections::BTreeSet;
use std::fmt::Display;
use std::ops::{Range, RangeInclusive};
use std::time::Duration;

use toml::Spanned;
use toml::de::{DeTable, DeValue};

use super::error::Problem;
use super::keys::{SECTIONS, Section};
use super::size::ByteSize;

/// Place of something in the file, in bytes.
pub(super) type Span = Range<usize>;

/// Time-outs beyond a day are typing errors.
const LONGEST: f64 = 86_400.0;

/// The mistakes found so far.
#[derive(Debug)]
pub(super) struct Problems<'t> {
    text: &'t str,
    found: RefCell<Vec<(usize, Problem)>>,
    warnings: RefCell<Vec<Problem>>,
}

impl<'t> Problems<'t> {
    pub(super) fn new(text: &'t str) -> Self {
        Self { text, found: RefCell::default(), warnings: RefCell::default() }
    }

    pub(super) fn add(&self, span: &Span, message: impl Into<String>) {
        self.found.borrow_mut().push((span.start, self.at(span, message.into())));
    }

    /// Something that is no mistake and that the operator should hear of at every start.
    pub(super) fn warn(&self, span: &Span, message: impl Into<String>) {
        self.warnings.borrow_mut().push(self.at(span, message.into()));
    }

    /// Line and column of something.
    pub(super) fn position(&self, span: &Span) -> (usize, usize) {
        position(self.text, span.start)
    }

    fn at(&self, span: &Span, message: String) -> Problem {
        let (line, column) = self.position(span);
        Problem { line, column, message }
    }

    pub(super) fn take_warnings(&self) -> Vec<Problem> {
        self.warnings.take()
    }

    pub(super) fn into_sorted(self) -> Vec<Problem> {
        let mut found = self.found.into_inner();
        found.sort_by_key(|(at, _)| *at);
        found.into_iter().map(|(_, problem)| problem).collect()
    }
}

/// Line and column (in characters) of a byte, both from 1.
pub(super) fn position(text: &str, at: usize) -> (usize, usize) {
    let before = &text[..text.floor_char_boundary(at)];
    let line_start = before.rfind('\n').map_or(0, |newline| newline + 1);
    (before.matches('\n').count() + 1, before[line_start..].chars().count() + 1)
}

/// A value with its place.
#[derive(Debug, Clone)]
pub(super) struct At<T> {
    pub(super) value: T,
    pub(super) span: Span,
}

/// What a backslash does that was not meant to.
pub(super) const ESCAPE: &str = "in double quotes a backslash begins an escape";

/// Text of the file, safe to print: as it can be written there, with no backslash doubled.
pub(super) fn shown(text: &str) -> String {
    let others = text.replace(['\\', '"'], "");
    match text.contains('\\') && !others.contains('\'') && others.escape_debug().eq(others.chars()) {
        true => format!("'{text}'"),
        false => format!("\"{}\"", text.escape_debug()),
    }
}

/// The ending of a message: the nearest valid name, or all of them where none is near.
pub(crate) fn nearest(wrong: &str, valid: &[&str], quote: char) -> String {
    let wrong = wrong.to_lowercase().replace('-', "_");
    let likeness = |name: &&str| strsim::normalized_damerau_levenshtein(&wrong, &name.to_lowercase());
    let best = valid.iter().map(|name| (likeness(name), name)).max_by(|one, other| one.0.total_cmp(&other.0));
    match best {
        Some((likeness, name)) if likeness >= 0.5 => {
            format!("did you mean {quote}{}{quote}?", name.escape_debug())
        }
        _ => {
            let all: Vec<String> = valid.iter().map(|name| format!("{quote}{}{quote}", name.escape_debug())).collect();
            format!("valid here: {}", all.join(", "))
        }
    }
}

/// One section of the file while it is being read.
pub(super) struct Fields<'a, 't, 'i> {
    section: &'static Section,
    /// The section, and which one of several, for messages.
    pub(super) place: String,
    /// The section as a whole.
    pub(super) span: Span,
    table: &'a DeTable<'i>,
    problems: &'a Problems<'t>,
    asked: RefCell<BTreeSet<&'static str>>,
}

impl<'a, 't, 'i> Fields<'a, 't, 'i> {
    pub(super) fn new(
        section: &'static Section,
        place: String,
        span: Span,
        table: &'a DeTable<'i>,
        problems: &'a Problems<'t>,
    ) -> Self {
        Self { section, place, span, table, problems, asked: RefCell::default() }
    }

    pub(super) fn problem(&self, span: &Span, message: impl Into<String>) {
        self.problems.add(span, message);
    }

    pub(super) fn warning(&self, span: &Span, message: impl Into<String>) {
        self.problems.warn(span, message);
    }

    /// Line and column of something in the file.
    pub(super) fn position(&self, span: &Span) -> (usize, usize) {
        self.problems.position(span)
    }

    /// The value of a key, if it is written.
    pub(super) fn get(&self, key: &'static str) -> Option<&'a Spanned<DeValue<'i>>> {
        debug_assert!(self.section.key(key).is_some(), "{key} is not listed");
        self.asked.borrow_mut().insert(key);
        self.table.get(key)
    }

    /// Whether a key is written and was not accepted.
    pub(super) fn is_wrong(&self, key: &'static str, refused: bool) -> bool {
        refused && self.get(key).is_some()
    }

    fn typed<T>(&self, key: &'static str, wanted: &str, read: impl Fn(&DeValue<'i>) -> Option<T>) -> Option<At<T>> {
        let found = self.get(key)?;
        let span = found.span();
        match read(found.get_ref()) {
            Some(value) => Some(At { value, span }),
            None => {
                let what = match found.get_ref() {
                    DeValue::String(text) => shown(text),
                    DeValue::Integer(number) => number.to_string(),
                    DeValue::Float(number) => number.to_string(),
                    DeValue::Boolean(flag) => flag.to_string(),
                    other => format!("this {}", other.type_str()),
                };
                let place = &self.place;
                self.problem(&span, format!("`{key}` in {place} must be {wanted}, not {what}"));
                None
            }
        }
    }

    pub(super) fn text(&self, key: &'static str) -> Option<At<String>> {
        self.typed(key, "text in quotes", |value| value.as_str().map(str::to_owned))
    }

    /// Text that no message repeats.
    pub(super) fn secret(&self, key: &'static str) -> Option<At<String>> {
        let found = self.get(key)?;
        let span = found.span();
        let text = found.get_ref().as_str().filter(|text| !text.is_empty() && !text.chars().any(char::is_control));
        if text.is_none() {
            let message = format!("`{key}` in {} must be text in quotes, on one line and not empty", self.place);
            self.problem(&span, message);
        }
        text.map(|text| At { value: text.to_owned(), span })
    }

    /// Text that is not empty and has nothing invisible in it.
    pub(super) fn plain(&self, key: &'static str) -> Option<At<String>> {
        let text = self.text(key)?;
        let place = &self.place;
        if text.value.trim().is_empty() {
            self.problem(&text.span, format!("`{key}` in {place} is empty"));
            return None;
        }
        if text.value.chars().any(is_invisible) {
            let written = shown(&text.value);
            // such as those that "CONTOSO\nancy" has
            let source = self.problems.text.get(text.span.clone()).unwrap_or_default();
            let is_escape = source.starts_with('"') && ESCAPES.iter().any(|escape| source.contains(escape));
            let hint = if is_escape { format!(" ({ESCAPE}: write the text in single quotes)") } else { String::new() };
            self.problem(&text.span, format!("`{key}` in {place} has characters that cannot be seen: {written}{hint}"));
            return None;
        }
        if text.value.trim() != text.value {
            self.problem(&text.span, format!("`{key}` in {place} begins or ends with a space: {}", shown(&text.value)));
            return None;
        }
        Some(text)
    }

    /// [`Self::plain`], and its absence is a mistake.
    pub(super) fn required(&self, key: &'static str) -> Option<At<String>> {
        if self.get(key).is_none() {
            self.problem(&self.span, format!("`{key}` is missing in {}", self.place));
        }
        self.plain(key)
    }

    /// One of a few words; the number of the word.
    pub(super) fn word(&self, key: &'static str, words: &[&str]) -> Option<usize> {
        let text = self.text(key)?;
        let found = words.iter().position(|word| *word == text.value);
        if found.is_none() {
            let (written, place) = (shown(&text.value), &self.place);
            let hint = nearest(&text.value, words, '"');
            self.problem(&text.span, format!("unknown `{key}` {written} in {place}: {hint}"));
        }
        found
    }

    pub(super) fn flag(&self, key: &'static str) -> Option<bool> {
        self.typed(key, "true or false", DeValue::as_bool).map(|at| at.value)
    }

    pub(super) fn count(&self, key: &'static str) -> Option<u32> {
        self.number(key, 0..=u32::MAX)
    }

    /// A whole number between these limits.
    pub(super) fn number<N>(&self, key: &'static str, within: RangeInclusive<N>) -> Option<N>
    where
        N: TryFrom<i128> + PartialOrd + Display,
    {
        let read = |value: &DeValue<'i>| {
            let number = value.as_integer()?;
            let number = N::try_from(i128::from_str_radix(number.as_str(), number.radix()).ok()?).ok()?;
            within.contains(&number).then_some(number)
        };
        let wanted = format!("a whole number from {} to {}", within.start(), within.end());
        self.typed(key, &wanted, read).map(|at| at.value)
    }

    pub(super) fn seconds(&self, key: &'static str) -> Option<Duration> {
        let read = |value: &DeValue<'i>| {
            let seconds: f64 = match value {
                DeValue::Integer(number) if number.radix() == 10 => number.as_str().parse().ok()?,
                DeValue::Float(number) => number.as_str().parse().ok()?,
                _ => return None,
            };
            // Below a millisecond it is zero for every practical purpose.
            (0.001..=LONGEST).contains(&seconds).then(|| Duration::from_secs_f64(seconds))
        };
        let wanted = format!("a number of seconds, more than 0 and at most {LONGEST}");
        self.typed(key, &wanted, read).map(|at| at.value)
    }

    pub(super) fn size(&self, key: &'static str) -> Option<ByteSize> {
        self.size_within(key, 1..=u64::MAX, "a size such as \"256 MiB\" or a number of bytes")
    }

    /// A size in bytes between these limits, which `wanted` tells.
    pub(super) fn size_within(&self, key: &'static str, within: RangeInclusive<u64>, wanted: &str) -> Option<ByteSize> {
        let read = |value: &DeValue<'i>| {
            let size = match value {
                DeValue::Integer(number) if number.radix() == 10 => ByteSize::parse(number.as_str())?,
                DeValue::String(text) => ByteSize::parse(text)?,
                _ => return None,
            };
            within.contains(&size.0).then_some(size)
        };
        self.typed(key, wanted, read).map(|at| at.value)
    }

    /// A list of names, and its absence is a mistake.
    pub(super) fn names(&self, key: &'static str) -> Option<At<Vec<At<String>>>> {
        if self.get(key).is_none() {
            self.problem(&self.span, format!("`{key}` is missing in {}", self.place));
        }
        self.typed(key, "a list of names in quotes", texts)
    }

    /// A program and its arguments.
    pub(super) fn words(&self, key: &'static str) -> Option<At<Vec<At<String>>>> {
        let read = |value: &DeValue<'i>| {
            texts(value).filter(|words| words.first().is_some_and(|program| !program.value.trim().is_empty()))
        };
        self.typed(key, "a program and its arguments, as a list: [\"program\", \"argument\"]", read)
    }

    /// A list of some of a few words; the numbers of the words.
    pub(super) fn choice(&self, key: &'static str, words: &[&str]) -> Option<Vec<usize>> {
        let chosen = self.typed(key, "a list of words in quotes", texts)?;
        let number = |word: &At<String>| {
            let found = words.iter().position(|known| *known == word.value);
            if found.is_none() {
                let (written, hint) = (shown(&word.value), nearest(&word.value, words, '"'));
                self.problem(&word.span, format!("unknown word {written} in `{key}` in {}: {hint}", self.place));
            }
            found
        };
        Some(chosen.value.iter().filter_map(number).collect())
    }

    /// One text or several, under a name that stands in this table besides its keys: `None` if it
    /// does not, an empty value if something else stands there.
    pub(super) fn one_or_more(&self, name: &str, wanted: &str) -> Option<At<Option<Vec<At<String>>>>> {
        let found = self.table.get(name)?;
        let span = found.span();
        let one = |text: &str| vec![At { value: text.to_owned(), span: span.clone() }];
        let value = found.get_ref().as_str().map(one).or_else(|| texts(found.get_ref()));
        if value.is_none() {
            self.problem(&span, format!("`{name}` in {} must be {wanted}", self.place));
        }
        Some(At { value, span })
    }

    /// Notes the keys that nobody knows. `also` are names that stand in this
    /// table besides its keys.
    pub(super) fn finish(self, also: &[&str]) {
        let asked = self.asked.borrow();
        for key in self.section.keys {
            debug_assert!(asked.contains(key.name), "nothing reads {}", key.name);
        }
        let mut valid: Vec<&str> = self.section.keys.iter().map(|key| key.name).collect();
        valid.extend(also);
        for name in self.table.keys() {
            let written: &str = name.get_ref();
            if self.section.key(written).is_none() && !also.contains(&written) {
                let hint = home_of(written).unwrap_or_else(|| nearest(written, &valid, '`'));
                let message = format!("unknown key `{}` in {}: {hint}", written.escape_debug(), self.place);
                self.problem(&name.span(), message);
            }
        }
    }
}

fn texts(list: &DeValue<'_>) -> Option<Vec<At<String>>> {
    let text = |entry: &Spanned<DeValue<'_>>| {
        let value = entry.get_ref().as_str()?.to_owned();
        let span = entry.span();
        Some(At { value, span })
    };
    list.as_array()?.iter().map(text).collect()
}

/// Where a misplaced key belongs: in TOML every key after a section's heading
/// is that section's, which is easily forgotten.
fn home_of(key: &str) -> Option<String> {
    let mut homes = SECTIONS.iter().filter(|s| s.key(key).is_some());
    let home = homes.next()?;
    if homes.next().is_some() {
        return None;
    }
    Some(match home.name {
        "" => format!("`{key}` must stand before the first section"),
        _ => format!("`{key}` belongs in {}", home.heading()),
    })
}

/// What a name behind a backslash may begin with, and then is a control character.
const ESCAPES: [&str; 6] = [r"\b", r"\e", r"\f", r"\n", r"\r", r"\t"];

/// Control characters, and what changes the order or the look of a line without being seen.
fn is_invisible(c: char) -> bool {
    c.is_control()
        || matches!(c, '\u{ad}' | '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}'
            | '\u{2060}'..='\u{206f}' | '\u{feff}')
}
