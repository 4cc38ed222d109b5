//! What has come to its end, told wherever the operator looks until somebody has seen it.

use super::effect::Ticket;
use super::state::Tone;

/// With more bytes than this the notices before a new one are told no more.
const LONG: usize = 300;

/// Something that has come to its end.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Notice {
    /// How good it is.
    pub tone: Tone,
    /// It in words, safe to show.
    pub text: String,
    /// The run that it is about.
    pub run: Option<Ticket>,
}

impl Notice {
    /// Has the log keep it.
    pub fn log(&self) {
        // an end that needs a look is a warning; an answer to a key in the same colour is not
        match self.tone {
            Tone::Warning => Tone::Bad.log(&self.text),
            tone => tone.log(&self.text),
        }
    }
}

/// All that was not seen yet.
#[derive(Debug, Default)]
pub struct Notices(Vec<Notice>);

impl Notices {
    /// Tells one more. What went well is told alone, or behind what needs a look. The log keeps all.
    pub fn tell(&mut self, notice: Notice) {
        notice.log();
        self.forget_good();
        if self.0.iter().map(|old| old.text.len()).sum::<usize>() >= LONG {
            self.0.clear();
        }
        self.0.push(notice);
    }

    /// What went well need not be seen.
    pub fn forget_good(&mut self) {
        self.0.retain(|notice| notice.tone != Tone::Good);
    }

    /// All was seen.
    pub fn clear(&mut self) {
        self.0.clear();
    }

    /// Of these runs nothing is to be told any more.
    pub fn forget(&mut self, is_over: impl Fn(Ticket) -> bool) {
        self.0.retain(|notice| !notice.run.is_some_and(&is_over));
    }

    /// Tells of a run what holds now, if it is told of; nothing more where that is good.
    pub fn revise(&mut self, run: Ticket, (tone, text): (Tone, &str)) {
        self.0.retain_mut(|notice| {
            if notice.run == Some(run) {
                (notice.tone, notice.text) = (tone, text.to_owned());
            }
            notice.run != Some(run) || tone != Tone::Good
        });
    }

    /// Whether there is nothing to tell.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// All in one line, and how good the worst is: that first, and of what is as good the newest.
    pub fn line(&self) -> Option<(Tone, String)> {
        let mut all: Vec<&Notice> = self.0.iter().rev().collect();
        all.sort_by_key(|notice| match notice.tone {
            Tone::Bad => 0,
            Tone::Warning | Tone::Plain => 1,
            Tone::Good => 2,
        });
        let word = |notice: &&Notice| if notice.tone == Tone::Good { "done" } else { "LOOK" };
        let words: Vec<String> = all.iter().map(|notice| format!("{}: {}", word(notice), notice.text)).collect();
        Some((all.first()?.tone, words.join("; ")))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn notices(told: &[(Tone, &str, u64)]) -> Notices {
        let mut notices = Notices::default();
        for (tone, text, run) in told {
            notices.tell(Notice { tone: *tone, text: (*text).to_owned(), run: Some(Ticket(*run)) });
        }
        notices
    }

    #[test]
    fn what_needs_a_look_is_not_covered_by_what_went_well() {
        let told = notices(&[(Tone::Bad, "a", 1), (Tone::Good, "b", 2), (Tone::Warning, "c", 3), (Tone::Good, "d", 4)]);
        assert_eq!(told.line(), Some((Tone::Bad, "LOOK: a; LOOK: c; done: d".to_owned())));
        let long = "x".repeat(LONG);
        assert_eq!(notices(&[(Tone::Bad, &long, 1), (Tone::Bad, "b", 2)]).line().unwrap().1, "LOOK: b");
    }

    #[test]
    fn only_the_notice_of_that_run_is_revised() {
        let mut told = notices(&[(Tone::Bad, "a", 1), (Tone::Warning, "b", 2)]);
        told.revise(Ticket(2), (Tone::Warning, "c"));
        assert_eq!(told.line().unwrap().1, "LOOK: a; LOOK: c");
        told.revise(Ticket(1), (Tone::Good, "a"));
        assert_eq!(told.line().unwrap().1, "LOOK: c");
        told.revise(Ticket(2), (Tone::Good, ""));
        assert!(told.is_empty() && told.line().is_none());
    }
}
