//! A run as the list shows it.

use jiff::Timestamp;
use jiff::tz::TimeZone;

use crate::engine::port::RunKind;
use crate::history::UndoneBy;

/// How a run stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fate {
    /// Its process lives.
    UnderWay,
    /// It has begun and not ended, its process is gone, and nobody has done anything about it.
    Interrupted,
    /// The same, and somebody has: see [`PastRun::settled`].
    Settled,
    /// It has ended.
    Ended,
}

/// A run as it is kept, safe to show.
#[derive(Clone, Debug, PartialEq)]
pub struct PastRun {
    /// Its place in the order of runs.
    pub seq: i64,
    /// Its name.
    pub id: String,
    /// What it did.
    pub kind: RunKind,
    /// How it stands.
    pub fate: Fate,
    /// When it began.
    pub started: Timestamp,
    /// When it ended.
    pub ended: Option<Timestamp>,
    /// Who ran it: `ada (root by sudo)`.
    pub who: String,
    /// The address that its session came from.
    pub from: Option<String>,
    /// The machine that it ran on.
    pub host: String,
    /// Its process.
    pub process: u32,
    /// The program's version.
    pub version: String,
    /// The refusals that were overridden, by name.
    pub overrides: Vec<String>,
    /// The servers that were copied from.
    pub sources: Vec<String>,
    /// The servers that were written.
    pub targets: Vec<String>,
    /// Scopes by outcome's word.
    pub counts: Vec<(String, u64)>,
    /// The run that took it back, or tried to.
    pub undone_by: Option<UndoneBy>,
    /// What was done about it where it was interrupted, and by whom.
    pub settled: Option<String>,
    /// The job that it ran as.
    pub job: Option<i64>,
}

impl PastRun {
    /// What it did, in a word.
    pub fn kind_word(&self) -> &'static str {
        self.kind.word()
    }

    /// `berlin → hamburg`; of an undo, which copies from no server, its target alone.
    pub fn route(&self, arrow: &str) -> String {
        let targets = self.targets.join(", ");
        match self.sources.is_empty() {
            true => targets,
            false => format!("{} {arrow} {targets}", self.sources.join(", ")),
        }
    }

    /// `14 replicated, 2 rejected`.
    pub fn count_words(&self) -> String {
        let counts: Vec<String> = self.counts.iter().map(|(outcome, count)| format!("{count} {outcome}")).collect();
        counts.join(", ")
    }

    /// What must not be overlooked of it: how it ended, that it was undone, that it ran as a job.
    pub fn marks(&self) -> Vec<String> {
        let mut marks = Vec::new();
        match self.fate {
            Fate::UnderWay => marks.push("UNDER WAY".to_owned()),
            Fate::Interrupted => marks.push("INTERRUPTED".to_owned()),
            Fate::Settled => marks.push("interrupted, settled".to_owned()),
            Fate::Ended => {}
        }
        marks.extend(self.undone_by.as_ref().map(|by| by.mark().to_owned()));
        marks.extend(self.job.map(|job| format!("job {job}")));
        marks
    }

    /// How many scopes it wrote, as far as is known.
    pub fn written(&self) -> u64 {
        let wrote = |word: &str| ["replicated", "partial", "unknown"].contains(&word);
        self.counts.iter().filter(|(word, _)| wrote(word)).map(|(_, count)| count).sum()
    }

    /// All that its columns say.
    pub fn words(&self, zone: &TimeZone) -> String {
        let words = [
            self.id.as_str(),
            self.kind_word(),
            &self.who,
            &self.host,
            &self.route("->"),
            &self.count_words(),
            &self.marks().join(" "),
            &self.overrides.join(" "),
            &when(self.started, zone),
        ];
        words.join(" ")
    }

    /// `2026-11-22 03:17, ada on adminhost, run 20261122T031701Z-1f3a09c7`.
    pub fn called(&self, zone: &TimeZone) -> String {
        format!("{}, run {}", self.begun_by(zone), self.id)
    }

    /// `2026-11-22 03:17, ada on adminhost`.
    pub fn begun_by(&self, zone: &TimeZone) -> String {
        format!("{}, {} on {}", when(self.started, zone), self.who, self.host)
    }
}

/// A time for people, to the minute.
pub fn when(at: Timestamp, zone: &TimeZone) -> String {
    at.to_zoned(zone.clone()).strftime("%F %H:%M").to_string()
}
