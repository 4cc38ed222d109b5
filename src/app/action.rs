//! What a key can mean, and where it is pressed.

mod verbs;

pub use verbs::{VERBS, Verb};

/// What a key means.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Action {
    /// One line up.
    Up,
    /// One line down.
    Down,
    /// One page up.
    PageUp,
    /// One page down.
    PageDown,
    /// To the first line.
    First,
    /// To the last line.
    Last,
    /// To the pane on the left, out of the detail.
    Out,
    /// To the pane on the right, into the detail.
    In,
    /// To the next pane, round and round.
    NextPane,
    /// To the pane before.
    PreviousPane,
    /// From relationship to scopes to drift to the whole text of a change.
    Enter,
    /// Back out.
    Back,
    /// Types a filter, or what to search for.
    Filter,
    /// To the next match.
    NextMatch,
    /// To the match before.
    PreviousMatch,
    /// Marks the highlighted scope, or takes its mark away.
    Mark,
    /// Marks all that can be replicated, or takes all marks away.
    MarkAll,
    /// Marks all that is shown and can be replicated, in all relationships, or takes these marks away.
    MarkShown,
    /// Begins a range of lines to mark, or gives it up.
    Range,
    /// Marks what is not marked, and the other way round.
    Invert,
    /// Takes all marks away.
    Unmark,
    /// Sorts by the next column.
    Sort,
    /// Sorts the other way round.
    Reverse,
    /// Lists scopes under something else.
    Group,
    /// Exchanges source and target.
    Swap,
    /// Watches the servers, or no longer.
    Watch,
    /// Takes note of all that is new or has changed.
    Seen,
    /// Turns WhatIf on or off.
    WhatIf,
    /// Turns Force on or off.
    Force,
    /// Opens the preview.
    Preview,
    /// Reads everything again.
    Reload,
    /// Opens or closes the jobs.
    Jobs,
    /// Cancels the highlighted run.
    Cancel,
    /// Plans once more what the highlighted run left undone.
    Retry,
    /// Lists of a run only what is not done, or all.
    OnlyFailed,
    /// Opens or closes the help.
    Help,
    /// Ends the program.
    Quit,
    /// Stops the program as shells do.
    Suspend,
    /// Draws everything anew.
    Repaint,
    /// To what lies outside the scopes of the relationship.
    Findings,
    /// To the next change of the scope.
    NextChange,
    /// To the change before.
    PreviousChange,
    /// Folds a relationship or server of the list, or a section of the drift, or opens it.
    Fold,
    /// Folds all of them, or opens them.
    FoldAll,
    /// Gives the drift the whole window, or takes it back.
    FullScreen,
    /// Shows everything of the scope, or only what changes.
    Everything,
    /// Gives both sides to the program that compares texts.
    Compare,
    /// Moves the text to the right.
    PanLeft,
    /// Moves the text to the left.
    PanRight,
    /// Opens the demo.
    Demo,
    /// Approves this relationship.
    Yes,
    /// Approves this and all that follow.
    YesToAll,
    /// Declines this relationship.
    No,
    /// Declines this and all that follow.
    NoToAll,
    /// Overrides a refusal, or lets it stand again.
    Override,
    /// Leaves a change or a scope out of the plan, or brings it back.
    LeaveOut,
    /// Saves the plan to a file.
    SavePlan,
    /// Does not end the program.
    Stay,
    /// Ends the program when the runs have ended.
    QuitAfterRuns,
    /// Cancels the runs and ends the program.
    QuitCancelling,
    /// Ends the program at once, whatever is under way.
    LeaveNow,
    /// Gives up making a plan.
    Abandon,
    /// Opens the reset of a relationship in trouble.
    Reset,
    /// Gives what is approved to a job of its own, or does it here again.
    AsJob,
    /// Hands the runs over to jobs and ends the program.
    HandOver,
    /// Opens or closes the history.
    History,
    /// Plans what an interrupted run had not come to.
    Finish,
    /// Lets an interrupted run be as it is: it no longer waits.
    LeaveRun,
    /// Plans back to the snapshot of a run, or of one scope of it.
    Undo,
    /// Opens the menu of what can be copied.
    Copy,
    /// Copies the highlighted line of the menu.
    CopyThis,
    /// Copies what the highlighted line says.
    CopyRow,
    /// Copies the lines of the marked scopes.
    CopyMarked,
    /// Copies all about it as text.
    CopyText,
    /// Copies the drift as JSON.
    CopyJson,
    /// Copies our command line that does the same.
    CopyCommand,
    /// Copies PowerShell's command line that does the same.
    CopyCmdlet,
    /// Exports what is on the screen to a file.
    Export,
    /// Opens or closes the log.
    Log,
    /// Shows messages that matter less, too.
    LogMore,
    /// Shows only messages that matter more.
    LogLess,
    /// Opens the palette.
    Palette,
    /// Does what the cursor of the palette stands on.
    Choose,
    /// Takes the mouse, or leaves it to the terminal.
    Mouse,
}

impl Action {
    /// Whether it copies something, or opens the menu of what can be copied.
    pub fn is_of_copying(self) -> bool {
        use Action::{Copy, CopyCmdlet, CopyCommand, CopyJson, CopyMarked, CopyRow, CopyText, CopyThis};
        matches!(self, Copy | CopyThis | CopyRow | CopyMarked | CopyText | CopyJson | CopyCommand | CopyCmdlet)
    }
}

/// Where a key is pressed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Place {
    /// The page shown without a configuration.
    Start,
    /// The list, on a relationship or server.
    Relationships,
    /// The list, on a scope.
    Scopes,
    /// The drift of a scope, or the findings of a relationship.
    Drift,
    /// The whole text of one change or finding.
    Detail,
    /// While a plan is being made.
    Planning,
    /// The preview of a plan.
    Preview,
    /// The question whether to reset a relationship.
    Reset,
    /// The jobs.
    Jobs,
    /// The list of past runs.
    History,
    /// The scopes of a past run.
    PastRun,
    /// The log.
    Log,
    /// The menu of what can be copied.
    Copy,
    /// The help.
    Help,
    /// The command palette.
    Palette,
    /// The question whether to end while a run is under way.
    Quitting,
}

impl Place {
    /// Every place.
    pub const ALL: [Place; 16] = [
        Place::Start,
        Place::Relationships,
        Place::Scopes,
        Place::Drift,
        Place::Detail,
        Place::Planning,
        Place::Preview,
        Place::Reset,
        Place::Jobs,
        Place::History,
        Place::PastRun,
        Place::Log,
        Place::Copy,
        Place::Help,
        Place::Palette,
        Place::Quitting,
    ];

    /// The words for the help.
    pub fn words(self) -> &'static str {
        match self {
            Place::Start => "start page",
            Place::Relationships => "relationships",
            Place::Scopes => "scopes",
            Place::Drift => "drift",
            Place::Detail => "detail",
            Place::Planning => "planning",
            Place::Preview => "preview",
            Place::Reset => "reset",
            Place::Jobs => "jobs",
            Place::History => "history",
            Place::PastRun => "past run",
            Place::Log => "log",
            Place::Copy => "copy",
            Place::Help => "help",
            Place::Palette => "palette",
            Place::Quitting => "quitting",
        }
    }
}
