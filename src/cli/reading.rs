//! Reading all servers, with a sign of life for who waits.

use std::time::Duration;

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};

use super::Failure;
use super::console::Console;
use crate::engine::fleet::Fleet;
use crate::engine::port::Control;
use crate::engine::survey::Survey;
use crate::show::{Line, Role, plural};
use crate::signals::Signals;

/// Reads all servers side by side.
///
/// # Errors
/// No server at all could be read, or two entries reach one server: then no command has
/// anything to say that could be relied on. Or it was given up.
pub async fn survey(fleet: &Fleet, console: &mut Console) -> Result<Survey, Failure> {
    let what = format!("reading {}", plural(fleet.servers().len(), "server"));
    let mut survey = waiting(console, what, fleet.survey(&Control::free())).await?;
    for server in &survey.servers {
        if let Some(caveat) = server.caveat {
            console.warning(format_args!("{}: {caveat}", server.name));
        }
    }
    match survey.twins.take().or_else(|| survey.none_read()) {
        Some(error) => Err(error.into()),
        None => Ok(survey),
    }
}

/// Shows what is being waited for until it is there. Draws nothing unless standard error
/// is watched. Only for what reads: a signal that does not end the program by itself drops it.
///
/// # Errors
/// A signal came: it was [given up](Failure::given_up).
pub async fn waiting<T>(console: &mut Console, what: String, work: impl Future<Output = T>) -> Result<T, Failure> {
    if console.is_in_lines() {
        console.aside(&Line::of(0, Role::Muted, what.as_str()));
    }
    let spinner = spinner(console, what.clone());
    let result = tokio::select! {
        biased;
        () = Signals::give_up() => Err(Failure::given_up(&what)),
        result = work => Ok(result),
    };
    spinner.finish_and_clear();
    result
}

/// A sign of life on standard error; hidden where nobody watches.
pub fn spinner(console: &Console, what: String) -> ProgressBar {
    if !console.is_watched() {
        return ProgressBar::hidden();
    }
    // without a style of its own it would be a bar, which shows no message
    let spinner = ProgressBar::with_draw_target(None, ProgressDrawTarget::stderr())
        .with_style(ProgressStyle::default_spinner())
        .with_message(what);
    spinner.enable_steady_tick(Duration::from_millis(120));
    spinner
}
