//! The one table of everything that a key can do.
//!
//! The keymap, the help, the hints in the status line and the table of the README are all
//! made from it.

use super::{Action, Place};

const ALL: &[Place] = &Place::ALL;
const LISTS: &[Place] = &[Place::Relationships, Place::Scopes, Place::Drift];
const SCOPES: &[Place] = &[Place::Relationships, Place::Scopes];
const SCROLL: &[Place] = &[
    Place::Relationships,
    Place::Scopes,
    Place::Drift,
    Place::Detail,
    Place::Preview,
    Place::Reset,
    Place::Jobs,
    Place::History,
    Place::PastRun,
    Place::Log,
    Place::Copy,
    Place::Help,
    Place::Palette,
];
const COPY: &[Place] = &[Place::Copy];
const PAST: &[Place] = &[Place::History, Place::PastRun];
const TEXTS: &[Place] = &[Place::Drift, Place::Preview];
const QUESTIONS: &[Place] = &[Place::Preview, Place::Reset];
const MAIN: &[Place] =
    &[Place::Relationships, Place::Scopes, Place::Drift, Place::Jobs, Place::History, Place::PastRun];

const PANES: &[Place] = &[Place::Relationships, Place::Scopes, Place::Drift, Place::Jobs, Place::PastRun];

/// One row of the table.
#[derive(Debug)]
pub struct Verb {
    /// What happens.
    pub action: Action,
    /// Its name, for configurations and documents.
    pub name: &'static str,
    /// The keys, in the spelling of [`Key`](super::super::key::Key); the first one is shown in hints.
    pub keys: &'static [&'static str],
    /// Where the keys work.
    pub places: &'static [Place],
    /// What it does, for the help.
    pub about: &'static str,
    /// A word for the status line; empty for what needs no hint.
    pub hint: &'static str,
    /// Whether servers may be written by it, or what is written is decided by it.
    pub dangerous: bool,
    /// Whether it belongs to moving about: such keys neither confirm nor hold up a confirmation.
    pub moves: bool,
}

const fn verb(
    action: Action,
    name: &'static str,
    keys: &'static [&'static str],
    places: &'static [Place],
    hint: &'static str,
    about: &'static str,
) -> Verb {
    Verb { action, name, keys, places, about, hint, dangerous: false, moves: false }
}

const fn movement(
    action: Action,
    name: &'static str,
    keys: &'static [&'static str],
    places: &'static [Place],
    about: &'static str,
) -> Verb {
    Verb { action, name, keys, places, about, hint: "", dangerous: false, moves: true }
}

impl Verb {
    /// The same, dangerous.
    const fn dangerous(self) -> Verb {
        Verb { dangerous: true, ..self }
    }
}

/// Every action, in the order of the help.
pub const VERBS: &[Verb] = &[
    verb(Action::Enter, "enter", &["Enter"], LISTS, "in", "go in: relationship, scopes, drift, one change in full"),
    verb(Action::Enter, "open", &["Enter"], PAST, "in", "go in: past run, its scopes, what it destroyed in one"),
    verb(
        Action::Back,
        "back",
        &["Esc"],
        &[
            Place::Scopes,
            Place::Drift,
            Place::Detail,
            Place::Jobs,
            Place::History,
            Place::PastRun,
            Place::Log,
            Place::Copy,
            Place::Help,
        ],
        "back",
        "go back; takes a filter away first",
    ),
    verb(Action::Back, "clear", &["Esc"], &[Place::Relationships], "", "take the filter away, or give up a range"),
    verb(
        Action::Mark,
        "mark",
        &["Space"],
        SCOPES,
        "mark",
        "mark the scope, or all of the relationship; again: take the mark away",
    ),
    verb(
        Action::MarkAll,
        "mark-all",
        &["a"],
        SCOPES,
        "mark drifted",
        "mark all drifted scopes that can be replicated (with a filter: of those shown); again: take the marks away",
    ),
    verb(
        Action::MarkShown,
        "mark-shown",
        &["A"],
        SCOPES,
        "",
        "the same in all relationships: all drifted scopes, or all that the filter shows",
    ),
    verb(
        Action::Range,
        "range",
        &["v"],
        SCOPES,
        "",
        "begin a range of lines at the cursor: move to its end and mark it; again: give it up",
    ),
    verb(
        Action::Invert,
        "invert",
        &["i"],
        SCOPES,
        "",
        "mark what is shown, drifted and not marked, and take the marks of the rest; hidden marks stay",
    ),
    verb(Action::Unmark, "unmark", &["u"], SCOPES, "", "take all marks away, in all relationships"),
    verb(
        Action::Preview,
        "preview",
        &["r"],
        LISTS,
        "replicate",
        "preview the replication of the marked scopes, or of the highlighted one; with Force on: run it",
    )
    .dangerous(),
    verb(
        Action::Undo,
        "undo",
        &["u"],
        PAST,
        "undo",
        "preview the way back to the scopes as they were before the run, or to the highlighted one; asks \
         also with Force on",
    ),
    verb(
        Action::Finish,
        "finish",
        &["f"],
        PAST,
        "finish",
        "preview what an interrupted run had not come to; both servers are read first, and it asks also \
         with Force on",
    ),
    verb(
        Action::LeaveRun,
        "leave-run",
        &["X"],
        PAST,
        "leave it",
        "let an interrupted run be as it is: it no longer waits to be settled; asks for the key once more",
    ),
    verb(
        Action::Swap,
        "swap",
        &["s"],
        LISTS,
        "swap",
        "exchange source and target of the relationship; clears its marks",
    ),
    verb(
        Action::WhatIf,
        "what-if",
        &["W"],
        MAIN,
        "WhatIf",
        "WhatIf on or off: plans are shown and nothing can be written",
    ),
    verb(
        Action::Force,
        "force",
        &["F"],
        MAIN,
        "Force",
        "Force on or off: replicate without asking, however much is deleted; refusals for safety stand",
    )
    .dangerous(),
    verb(
        Action::Filter,
        "filter",
        &["/"],
        &[Place::Relationships, Place::Scopes, Place::Jobs, Place::History, Place::PastRun, Place::Log, Place::Help],
        "filter",
        "filter the list: words in any column, drift:delete, server:NAME and the like, - before what is not wanted",
    ),
    verb(
        Action::Sort,
        "sort",
        &["o"],
        SCOPES,
        "",
        "sort by the next column; first by the same one anew, where the order is of before",
    ),
    verb(Action::Reverse, "reverse", &["O"], SCOPES, "", "sort the other way round"),
    verb(Action::Group, "group", &["t"], SCOPES, "", "list scopes by relationship, by server, or all in one list"),
    verb(Action::Fold, "fold-relationship", &["e"], SCOPES, "", "fold the relationship or server, or open it"),
    verb(
        Action::Findings,
        "findings",
        &["f"],
        SCOPES,
        "findings",
        "to the findings of the relationship: what lies outside its scopes",
    ),
    verb(Action::NextChange, "next-change", &["n"], &[Place::Drift], "next", "to the next change of the scope"),
    verb(Action::PreviousChange, "previous-change", &["p", "N"], &[Place::Drift], "", "to the change before"),
    verb(Action::Fold, "fold", &["Space"], &[Place::Drift], "fold", "fold the section, or open it"),
    verb(Action::FoldAll, "fold-all", &["Z"], LISTS, "", "fold all relationships or sections; again: open them"),
    verb(
        Action::Everything,
        "everything",
        &["e"],
        &[Place::Drift],
        "everything",
        "show all items of the scope, also what is the same or ignored; again: only what changes",
    ),
    verb(
        Action::Compare,
        "compare",
        &["d"],
        &[Place::Scopes, Place::Drift],
        "",
        "compare both sides of the scope in the program that `diff` of `[screen]` names",
    ),
    verb(Action::FullScreen, "full-screen", &["z"], LISTS, "full", "give the drift the whole window; again: back"),
    verb(
        Action::Reset,
        "reset",
        &["H"],
        LISTS,
        "reset",
        "reset both servers of a relationship that is terminated: shows the steps and what they cost, then asks",
    ),
    verb(Action::Reload, "reload", &["R"], MAIN, "reload", "read all servers again"),
    verb(
        Action::History,
        "history",
        &["U"],
        MAIN,
        "history",
        "the history: past runs, what each of them destroyed, and the way back; again: back",
    ),
    verb(
        Action::Jobs,
        "jobs",
        &["J"],
        MAIN,
        "jobs",
        "the runs of this session and all jobs: progress and outcomes; again: back",
    ),
    verb(
        Action::Cancel,
        "cancel",
        &["x"],
        &[Place::Jobs],
        "cancel",
        "cancel the run after the scope in flight; again: after the request in flight",
    )
    .dangerous(),
    verb(
        Action::Retry,
        "retry",
        &["r"],
        &[Place::Jobs],
        "retry",
        "preview once more what failed, was cancelled or is unknown in the run, in its direction; both servers are read first, and it \
         asks also with Force on",
    ),
    verb(
        Action::OnlyFailed,
        "only-failed",
        &["f"],
        &[Place::Jobs],
        "only failed",
        "list of a run only what failed, was cancelled, is unknown or not saved; again: all",
    ),
    verb(Action::Yes, "yes", &["y"], QUESTIONS, "yes", "replicate this relationship; reset it").dangerous(),
    verb(
        Action::YesToAll,
        "yes-to-all",
        &["a"],
        &[Place::Preview],
        "yes to all",
        "replicate this relationship and all that follow",
    )
    .dangerous(),
    verb(
        Action::No,
        "no",
        &["n", "Esc"],
        QUESTIONS,
        "no",
        "do not replicate this relationship, do not reset it; under WhatIf: back",
    ),
    verb(
        Action::NoToAll,
        "no-to-all",
        &["l"],
        &[Place::Preview],
        "no to all",
        "replicate neither this relationship nor any that follows",
    ),
    verb(
        Action::Override,
        "override",
        &["o"],
        QUESTIONS,
        "override",
        "override the refusals for safety that can be, one name after the other; then let them stand again",
    )
    .dangerous(),
    verb(
        Action::LeaveOut,
        "leave-out",
        &["Space"],
        &[Place::Preview],
        "leave out",
        "leave the highlighted change out of the plan, or the whole scope on its line; again: bring it back",
    ),
    verb(
        Action::SavePlan,
        "save-plan",
        &["w"],
        &[Place::Preview],
        "save",
        "save the plan to a file: as text, or as scopesync.plan/1 under a name that ends in .json",
    ),
    verb(
        Action::AsJob,
        "as-job",
        &["J"],
        &[Place::Preview],
        "as job",
        "what is approved runs as a job that outlives this program and its terminal; again: runs here",
    ),
    verb(
        Action::Filter,
        "search",
        &["/"],
        TEXTS,
        "search",
        "search in the text: words, drift:delete, section:NAME, - before what is not wanted; what is folded opens",
    ),
    movement(
        Action::NextMatch,
        "next-match",
        &["Ctrl-n"],
        TEXTS,
        "to the next match of the search, behind the last one to the first",
    ),
    movement(
        Action::PreviousMatch,
        "previous-match",
        &["Ctrl-p"],
        TEXTS,
        "to the match before, from the first one to the last",
    ),
    verb(Action::Abandon, "abandon", &["Esc"], &[Place::Planning], "give up", "give up making the plan"),
    verb(Action::Stay, "stay", &["n", "Esc", "Enter"], &[Place::Quitting], "stay", "stay in the program"),
    verb(
        Action::QuitAfterRuns,
        "quit-after-runs",
        &["w"],
        &[Place::Quitting],
        "wait and quit",
        "quit when the runs have ended",
    ),
    verb(
        Action::HandOver,
        "hand-over",
        &["j"],
        &[Place::Quitting],
        "hand over and quit",
        "quit after the scope in flight; a job that outlives the terminal does the scopes that are left",
    )
    .dangerous(),
    verb(
        Action::QuitCancelling,
        "quit-cancelling",
        &["c"],
        &[Place::Quitting],
        "cancel and quit",
        "cancel after the scope in flight, again: after the request in flight; then quit",
    )
    .dangerous(),
    verb(
        Action::LeaveNow,
        "leave-now",
        &["l"],
        &[Place::Quitting],
        "leave now",
        "leave at once when cancelling twice did not help; what the run wrote is not known then",
    )
    .dangerous(),
    verb(
        Action::Copy,
        "copy",
        &["c"],
        &[
            Place::Relationships,
            Place::Scopes,
            Place::Drift,
            Place::Detail,
            Place::Jobs,
            Place::History,
            Place::PastRun,
            Place::Log,
        ],
        "copy",
        "copy to the terminal's clipboard: opens a menu of what can be copied here",
    ),
    verb(Action::CopyThis, "copy-this", &["Enter"], COPY, "copy", "copy the highlighted line of the menu"),
    verb(Action::CopyRow, "copy-row", &["r"], COPY, "", "copy all that the line says"),
    verb(Action::CopyMarked, "copy-marked", &["m"], COPY, "", "copy the lines of the marked scopes"),
    verb(Action::CopyText, "copy-text", &["t"], COPY, "", "copy the drift, or what else is shown, as text"),
    verb(Action::CopyJson, "copy-json", &["J"], COPY, "", "copy the drift as JSON, scopesync.drift/1"),
    verb(
        Action::CopyCommand,
        "copy-command",
        &["c"],
        COPY,
        "",
        "copy the command line that does the same, quoted for a POSIX shell",
    ),
    verb(
        Action::CopyCommand,
        "copy-plan",
        &["c"],
        &[Place::Preview],
        "",
        "copy the command line that does what is previewed, with what is left out of it",
    ),
    verb(
        Action::CopyCmdlet,
        "copy-cmdlet",
        &["p"],
        COPY,
        "",
        "copy the command line of PowerShell's cmdlet that does the same, where the source is a Windows server",
    ),
    verb(
        Action::Export,
        "export",
        &["E"],
        &[Place::Relationships, Place::Scopes, Place::Drift, Place::Jobs, Place::History, Place::PastRun, Place::Log],
        "export",
        "export what is listed here to a file, CSV or JSON; asks for its name",
    ),
    verb(
        Action::Log,
        "log",
        &["L"],
        &[Place::Start, Place::Relationships, Place::Scopes, Place::Drift, Place::Jobs, Place::History, Place::Log],
        "log",
        "the newest messages of the program's own log; again: back",
    ),
    verb(Action::LogMore, "log-more", &["+", "="], &[Place::Log], "more", "show less important messages too"),
    verb(Action::LogLess, "log-less", &["-"], &[Place::Log], "less", "show only more important messages"),
    verb(Action::Demo, "demo", &["d"], &[Place::Start], "demo", "open the demo pair"),
    movement(Action::Up, "up", &["Up", "k"], SCROLL, "up"),
    movement(Action::Down, "down", &["Down", "j"], SCROLL, "down"),
    movement(Action::PageUp, "page-up", &["PgUp", "Ctrl-b"], SCROLL, "one page up"),
    movement(Action::PageDown, "page-down", &["PgDn", "Ctrl-f"], SCROLL, "one page down"),
    movement(Action::First, "first", &["Home", "g"], SCROLL, "to the first line"),
    movement(Action::Last, "last", &["End", "G"], SCROLL, "to the last line"),
    movement(
        Action::Out,
        "out",
        &["Left", "h"],
        &[Place::Relationships, Place::Scopes, Place::Drift, Place::Detail, Place::Jobs, Place::PastRun],
        "out of the drift, to the relationship, close it; in the jobs: the newer run",
    ),
    movement(
        Action::In,
        "in",
        &["Right", "l"],
        MAIN,
        "open the relationship, to its scopes, to the drift; in the jobs: the older run",
    ),
    movement(Action::PanLeft, "pan-left", &["Left"], &[Place::Preview], "to the beginning of long lines"),
    movement(Action::PanRight, "pan-right", &["Right"], &[Place::Preview], "to the end of long lines"),
    movement(Action::NextPane, "next-pane", &["Tab"], PANES, "to the other pane, or the next run"),
    movement(Action::PreviousPane, "previous-pane", &["Shift-Tab"], PANES, "to the other pane, or the run before"),
    verb(
        Action::Choose,
        "choose",
        &["Enter"],
        &[Place::Palette],
        "do it",
        "do what the cursor stands on, as its key would",
    ),
    verb(Action::Back, "close", &["Esc"], &[Place::Palette], "close", "close the palette"),
    verb(
        Action::Mouse,
        "mouse",
        &["M"],
        ALL,
        "",
        "use the mouse, or leave it to the terminal for copying: wheel scrolls, click moves, double click goes in",
    ),
    verb(
        Action::Watch,
        "watch",
        &["Ctrl-r"],
        SCOPES,
        "",
        "watch: ask the servers again and again whether anything has moved; again: no longer",
    ),
    verb(
        Action::Seen,
        "seen",
        &["C"],
        SCOPES,
        "",
        "take the signs away of what is new or has changed while it was watched, in all relationships",
    ),
    verb(Action::Help, "help", &["?"], ALL, "help", "this help; again: back"),
    verb(
        Action::Palette,
        "palette",
        &[":"],
        &[
            Place::Start,
            Place::Relationships,
            Place::Scopes,
            Place::Drift,
            Place::Detail,
            Place::Preview,
            Place::Reset,
            Place::Jobs,
            Place::History,
            Place::PastRun,
            Place::Log,
        ],
        "commands",
        "every action by its name, also those that cannot be taken now, and why",
    ),
    verb(Action::Quit, "quit", &["q", "Ctrl-c"], ALL, "quit", "quit; asks while a run is under way"),
    verb(Action::Suspend, "suspend", &["Ctrl-z"], ALL, "", "stop the program; the shell's fg continues it"),
    verb(Action::Repaint, "repaint", &["Ctrl-l"], ALL, "", "draw everything anew"),
];
