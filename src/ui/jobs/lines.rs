//! The lines of a run: scopes with their stages, then with their outcomes and why.

use ratatui::style::Style;

use super::super::Theme;
use crate::app::action::Action;
use crate::app::drift::change_line;
use crate::app::runs::{self, Ended, Run, RunRow};
use crate::app::state::AppState;
use crate::engine::outcome::Outcome;
use crate::engine::progress::Stage;
use crate::engine::reset::Fate;
use crate::show::plural;

/// A row's line: its style and text.
pub(super) fn line(state: &AppState, theme: &Theme, run: &Run, row: RunRow) -> Option<(Style, String)> {
    let names = &state.names;
    let ended = run.result.as_ref().and_then(|result| result.as_ref().ok());
    let report = ended.and_then(|ended| if let Ended::Replicated(report) = ended { Some(report) } else { None });
    let reset = ended.and_then(|ended| if let Ended::Reset(report) = ended { Some(report) } else { None });
    let width = names.width();
    let relationship = |at: usize| report?.relationships.get(at);
    Some(match row {
        RunRow::Relationship(at) => {
            let told = relationship(at)?;
            let caveats = told.caveats.iter().map(|caveat| format!("; {caveat}")).collect::<String>();
            let arrow = theme.glyphs.arrow;
            (theme.heading, format!("{}: {} {arrow} {}{caveats}", told.name, told.source, told.target))
        }
        RunRow::Remark(at, remark) => (theme.warning, format!("  {}", relationship(at)?.remarks.get(remark)?)),
        RunRow::StillTerminated(at, line) => {
            let told = relationship(at)?;
            let left = told.still_terminated.as_ref()?;
            match line {
                0 => {
                    let (servers, key) = (left.servers.join(", "), state.key(Action::Reset));
                    (theme.bad, format!("  still terminated: {servers}; {key} resets both servers"))
                }
                1 => (theme.warning, format!("    cost: {}", left.reset.cost)),
                n => (Style::new(), format!("    {}. {}", n - 1, left.reset.steps.get(n - 2)?)),
            }
        }
        RunRow::Server(at) => {
            let (side, mode) = (reset?.sides.get(at)?, &reset?.mode);
            let style = match side.fate {
                Fate::InService => theme.good,
                Fate::NotReset => theme.warning,
                Fate::NotInService | Fate::Unknown => theme.bad,
            };
            (style, format!("  {} {}", side.server, side.words(mode)))
        }
        RunRow::ResetRemark(at) => (theme.warning, format!("  {}", reset?.remarks.get(at)?)),
        RunRow::Waiting => {
            let waiting = run.status.waiting.as_ref()?;
            let rule =
                waiting.expected.map(|expected| format!("; takes about {:.0} s as a rule", expected.as_secs_f64()));
            (theme.heading, format!("  {}{}", waiting.for_what, rule.unwrap_or_default()))
        }
        RunRow::Scope(at, scope) => {
            let scope = relationship(at)?.scopes.get(scope)?;
            let style = if scope.is_good() { theme.good } else { bad(theme, scope.outcome) };
            (style, format!("  {:<width$} {}", names.name(scope.id), runs::outcome_words(scope)))
        }
        RunRow::Shared(at, reason) => {
            let (message, count) = relationship(at)?.shared().into_iter().nth(reason)?;
            (theme.bad, format!("  {} {}: {message}", plural(count, "scope"), Outcome::Rejected.word()))
        }
        RunRow::Message(at, scope) => {
            (Style::new(), format!("      {}", relationship(at)?.scopes.get(scope)?.message.as_ref()?))
        }
        RunRow::Residual(at, scope, change) => {
            let change = relationship(at)?.scopes.get(scope)?.residual.get(change)?;
            (theme.warning, format!("      still differs: {}", change_line(change)))
        }
        RunRow::Stage(at) => {
            let (relationship, id, stage) = run.status.stages.get(at)?;
            let outcome = run.status.outcomes.get(&(*relationship, *id)).map(|(outcome, _)| *outcome);
            let (style, words) = match (stage, outcome) {
                (Stage::Waiting, _) => (theme.quiet, stage.word().to_owned()),
                (Stage::Done, Some(outcome)) => (told(theme, outcome), outcome.word().to_owned()),
                (Stage::Done, None) => (theme.good, stage.word().to_owned()),
                (_, Some(outcome)) => (theme.heading, format!("{}, {}", outcome.word(), stage.word())),
                (_, None) => (theme.heading, stage.word().to_owned()),
            };
            (style, format!("  {:<width$} {words}", names.name(*id)))
        }
        RunRow::Reason(at) => {
            let (relationship, id, _) = run.status.stages.get(at)?;
            let (_, reason) = run.status.outcomes.get(&(*relationship, *id))?;
            (Style::new(), format!("      {}", reason.as_ref()?))
        }
        RunRow::NothingFailed => {
            let so_far = if run.result.is_none() { " so far" } else { "" };
            (theme.quiet, format!("  nothing has failed{so_far}"))
        }
        RunRow::Failed => {
            let reason = run.result.as_ref()?.as_ref().err()?;
            (theme.bad, format!("  {reason}; what was done is unknown until it is read back"))
        }
    })
}

fn told(theme: &Theme, outcome: Outcome) -> Style {
    match outcome {
        Outcome::Replicated | Outcome::Unchanged => theme.good,
        other => bad(theme, other),
    }
}

fn bad(theme: &Theme, outcome: Outcome) -> Style {
    match outcome {
        Outcome::Rejected | Outcome::Unknown => theme.bad,
        _ => theme.warning,
    }
}
