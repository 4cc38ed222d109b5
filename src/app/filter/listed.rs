//! What can be asked of runs and jobs, of messages of the log, and of the lines of a text.

use super::fleet::SECTIONS;
use super::past::{DONE, has_word, is_done, is_part, is_part_of_scope, part_of};
use super::{Filter, Key, Parts, Question, Test};
use crate::app::detached::DetachedJob;
use crate::app::runs::Run;
use crate::log::Message;
use crate::model::{ChangeKind, Section};

/// The words of `state:` for runs and jobs: those of [`Standing`](crate::app::runs::Standing).
const STANDINGS: [&str; 8] = ["queued", "running", "cancelling", "done", "partial", "failed", "unknown", "cancelled"];

/// The words of `level:`.
const LEVELS: [&str; 4] = ["error", "warn", "info", "debug"];

/// What can be asked of runs and jobs.
pub(super) fn of_jobs() -> Vec<Question> {
    let state = Question { key: Key::State, words: &STANDINGS, parts: Parts::None };
    std::iter::once(state).chain([Key::Server, Key::Relationship].map(part_of)).collect()
}

/// What can be asked of messages.
pub(super) fn of_messages() -> Vec<Question> {
    vec![Question { key: Key::Level, words: &LEVELS, parts: Parts::None }, part_of(Key::Name)]
}

/// What can be asked of the lines of a drift or a preview.
pub(super) fn of_lines() -> Vec<Question> {
    [(Key::Drift, &DONE[..]), (Key::Section, &SECTIONS)]
        .map(|(key, words)| Question { key, words, parts: Parts::None })
        .into()
}

/// A line of a text, as it is searched through.
#[derive(Clone, Debug, Default)]
pub struct Searched {
    /// All that it says.
    pub text: String,
    /// The section that it belongs to.
    pub section: Option<Section>,
    /// What is done to the item that it is about.
    pub change: Option<ChangeKind>,
}

impl Filter {
    /// Understands a filter of runs and jobs.
    pub fn jobs(text: &str) -> Self {
        Filter::read(text, &of_jobs())
    }

    /// Understands a filter of messages.
    pub fn messages(text: &str) -> Self {
        Filter::read(text, &of_messages())
    }

    /// Understands what is searched for in a text.
    pub fn lines(text: &str) -> Self {
        Filter::read(text, &of_lines())
    }

    /// Whether it leaves a scope of a run of this session, of which and of which run these are the words; without
    /// a scope the run itself.
    pub fn run(&self, run: &Run, words: &str, scope: &str) -> bool {
        let routes = &run.routes;
        self.fits(|test| match test {
            Test::Text(text) => is_part(text, words) || is_part_of_scope(text, scope),
            Test::Words(Key::State, bits) => has_word(&STANDINGS, *bits, |word| word == run.standing().word()),
            Test::Part(Key::Server, text) => {
                routes.iter().flat_map(|route| [&route.source, &route.target]).any(|name| is_part(text, name))
            }
            Test::Part(Key::Relationship, text) => routes.iter().any(|route| is_part(text, &route.name.to_string())),
            Test::Words(..) | Test::Part(..) | Test::Used(..) => false,
        })
    }

    /// Whether it leaves a job; what it writes is told by its title alone.
    pub fn job(&self, job: &DetachedJob) -> bool {
        let words = || format!("job {} of {}: {} {}", job.id, job.who, job.title, job.standing().word());
        self.fits(|test| match test {
            Test::Text(text) => is_part(text, &format!("{} {}", words(), job.words().1)),
            Test::Words(Key::State, bits) => has_word(&STANDINGS, *bits, |word| word == job.standing().word()),
            Test::Part(Key::Server | Key::Relationship, text) => is_part(text, &job.title),
            Test::Words(..) | Test::Part(..) | Test::Used(..) => false,
        })
    }

    /// Whether it leaves a message.
    pub fn message(&self, message: &Message) -> bool {
        self.fits(|test| match test {
            Test::Text(text) => {
                is_part(text, &format!("{} {}: {}", message.level.name(), message.target, message.text))
            }
            Test::Words(Key::Level, bits) => has_word(&LEVELS, *bits, |word| word == message.level.name()),
            Test::Part(Key::Name, text) => is_part(text, &message.target),
            Test::Words(..) | Test::Part(..) | Test::Used(..) => false,
        })
    }

    /// Whether a line is among those that are searched for.
    pub fn line(&self, line: &Searched) -> bool {
        let text = line.text.to_lowercase();
        self.fits(|test| match test {
            Test::Text(wanted) => text.contains(wanted),
            Test::Words(Key::Drift, bits) => line.change.is_some_and(|change| is_done(*bits, change)),
            Test::Words(Key::Section, bits) => line.section.is_some_and(|section| bits & 1 << section as u32 != 0),
            Test::Words(..) | Test::Part(..) | Test::Used(..) => false,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_by_words_section_and_change() {
        let line = Searched {
            text: "  + reservation 10.0.0.9".into(),
            section: Some(Section::Reservations),
            change: Some(ChangeKind::Create),
        };
        let found = |text: &str| Filter::lines(text).line(&line);
        assert!(found("RESERV 0.9 -delete") && found("section:res drift:create") && found("-drift:delete"));
        assert!(!found("reserv gone") && !found("section:options") && !found("drift:delete") && !found("-10.0"));
        assert!(!Filter::lines("state:done").faults.is_empty());
    }

    #[test]
    fn messages_by_words_and_level() {
        let at = jiff::Timestamp::UNIX_EPOCH;
        let level = crate::config::LogLevel::Warn;
        let message = Message { seq: 0, at, level, target: "scopesync::http".into(), text: "refused by kea-1".into() };
        let fits = |text: &str| Filter::messages(text).message(&message);
        assert!(fits("refused -kea-2") && fits("level:warn") && fits("name:http"));
        assert!(!fits("-refused") && !fits("level:error") && !fits("name:engine"));
    }

    #[test]
    fn the_words_of_state_are_those_of_the_list() {
        use crate::app::runs::Standing::*;
        let all = [Queued, Running, Cancelling, Done, Partial, Failed, Unknown, Cancelled];
        assert_eq!(STANDINGS, all.map(|standing| standing.word()));
    }
}
