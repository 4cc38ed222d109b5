//! Reading all servers, with a sign of life for who waits.

use std::time::Duration;

use indicatif::{ProgressBar, ProgressDrawTarget};

use super::console::Console;
use crate::engine::fleet::Fleet;
use crate::engine::port::Control;
use crate::engine::survey::Survey;
use crate::show::plural;

/// Reads all servers side by side.
pub async fn survey(fleet: &Fleet, console: &Console) -> Survey {
    waiting(console, format!("reading {}", plural(fleet.servers().len(), "server")), fleet.survey(&Control::free()))
        .await
}

/// Shows what is being waited for until it is there. Draws nothing unless standard error
/// is watched.
pub async fn waiting<T>(console: &Console, what: String, work: impl Future<Output = T>) -> T {
    if !console.is_watched() {
        return work.await;
    }
    let spinner = ProgressBar::with_draw_target(None, ProgressDrawTarget::stderr()).with_message(what);
    spinner.enable_steady_tick(Duration::from_millis(120));
    let result = work.await;
    spinner.finish_and_clear();
    result
}
