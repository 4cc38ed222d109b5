//! The loop that joins terminal, app, jobs and ui.
