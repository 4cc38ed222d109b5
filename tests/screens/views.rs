//! Every view in every size that is promised, and in the themes that differ most: text as drawn,
//! and how each cell looks without colours and on white.

use scopesync::config::ThemeChoice;

use super::*;

/// Window sizes: the smallest that is of use, the usual one, a larger one, a whole screen.
const SIZES: [(u16, u16); 4] = [(60, 15), (80, 24), (120, 40), (200, 50)];

/// The program with a view open, in a window of the usual size.
fn open(view: &str) -> Program {
    let servers = drift::sides();
    let [ours, theirs] = servers;
    let more = |n: u32, lifetime| numbered(n, lifetime, "Haus A, Erdgeschoß: Empfang, Vertrieb, 日本語, שלום");
    let ours: Vec<Scope> = [ours].into_iter().chain((2..=30).map(|n| more(n, 3600))).collect();
    let theirs: Vec<Scope> = [theirs]
        .into_iter()
        .chain((2..=30).filter(|n| *n != 7).map(|n| more(n, if n % 5 == 0 { 1800 } else { 3600 })))
        .collect();
    let servers = pair(ours, theirs);
    servers.1.script("10.0.5.0/24", Script::Refuse);
    servers.1.script("10.0.10.0/24", Script::Lie);
    let mut program = Program::start(Some(fake::fleet(&servers)), 80, 24);
    program.past = Past::sample();
    program.settle();
    let keys = match view {
        "list" => "Enter Space Down Down Down Down Space Down",
        "drift" => "Enter Enter z Down Down",
        "detail" => "Enter Enter Down Down Down Enter",
        "findings" => "f",
        "preview" | "run" => "a r",
        "history" => "U",
        "past run" => "U Enter",
        "help" => "?",
        other => panic!("no view is called {other}"),
    };
    program.press(keys);
    if matches!(view, "preview" | "run") {
        program.wait(300);
    }
    if view == "run" {
        program.press("y");
        program.settle();
        program.press("J");
    }
    program
}

#[test]
fn every_view_in_every_size_and_theme() {
    for view in ["list", "drift", "detail", "findings", "preview", "run", "history", "past run", "help"] {
        let mut program = open(view);
        let mut text = String::new();
        for (columns, rows) in SIZES {
            program.resize(columns, rows);
            text.push_str(&format!("-- {columns}x{rows}\n{}\n", program.text()));
        }
        program.resize(80, 24);
        for (name, theme) in [("terminal", 0), ("monochrome", 6), ("light", 1)] {
            program.theme = Theme::of(&ThemeChoice::Own(theme).read().unwrap(), Glyphs::UNICODE);
            program.draw();
            let picture = program.picture();
            let styles = picture.strip_prefix(&program.text()).unwrap();
            text.push_str(&format!("-- {name}{styles}\n"));
        }
        insta::assert_snapshot!(format!("view_{}", view.replace(' ', "_")), text);
    }
}
