//! Every view in every size that is promised, and in the themes that differ most: text as drawn,
//! and how each cell looks without colours and on white. And: where only ASCII can be shown.

use ratatui::buffer::Buffer;
use ratatui::style::Style;
use scopesync::config::LogLevel;
use scopesync::engine::port::Refusal;
use scopesync::log::Message;
use unicode_width::UnicodeWidthStr;

use super::*;

/// Window sizes: the smallest that is of use, the usual one, a larger one, a whole screen.
const SIZES: [(u16, u16); 4] = [(60, 15), (80, 24), (120, 40), (200, 50)];

/// The themes whose styles are compared, and their places.
const LOOKS: [(&str, usize); 3] = [("terminal", 0), ("monochrome", 6), ("light", 1)];

/// Each view: what the servers are like, and the keys that open it; of those behind the bar nothing happens yet that
/// they ask for. `...` waits until an answer counts.
const VIEWS: [(&str, World, &str); 27] = [
    ("list", World::Drifted, "Enter Space Down Down Down Down Space Down"),
    ("filter", World::Drifted, "/ d r i f t : d e"),
    ("palette", World::Drifted, "Enter : r e p l i"),
    ("copy", World::Drifted, "Enter Space Down c Down"),
    ("export", World::Drifted, "Enter E"),
    ("log", World::Drifted, "L Up"),
    ("drift", World::Drifted, "Enter Enter z Down Down"),
    ("detail", World::Drifted, "Enter Enter Down Down Down Enter"),
    ("findings", World::Drifted, "f"),
    ("planning", World::Drifted, "Enter a | r"),
    ("preview", World::Drifted, "a r ..."),
    ("preview refused", World::Refusing, "a r ..."),
    ("preview overridden", World::Refusing, "a r o ..."),
    ("preview what-if", World::Drifted, "W a r ..."),
    ("preview of an undo", World::Drifted, "U Down Down u o ..."),
    ("name prompt", World::Drifted, "a r ... y o n e"),
    ("save prompt", World::Drifted, "a r ... w"),
    ("run", World::Drifted, "a r ... y J"),
    ("jobs", World::Drifted, "Enter Space r ... y Down Down Down Down Space r ... | y J"),
    ("failed", World::Drifted, "a r ... y J f"),
    ("quitting", World::Drifted, "Enter Space r ... | y q"),
    ("reset", World::Terminated, "H ..."),
    ("history", World::Drifted, "U"),
    ("past run", World::Drifted, "U Enter"),
    ("help", World::Drifted, "?"),
    ("unread", World::Gone, "Enter"),
    ("start", World::None, ""),
];

/// What the servers of a view are like.
#[derive(Clone, Copy, PartialEq)]
enum World {
    None,
    Drifted,
    Refusing,
    Terminated,
    Gone,
}

/// The program with a view open, in a window of the usual size.
fn open(view: &str, world: World, keys: &str, name: &str) -> Program {
    let [ours, theirs] = drift::sides();
    let more = |n: u32, lifetime| numbered(n, lifetime, name);
    let ours: Vec<Scope> = [ours].into_iter().chain((2..=30).map(|n| more(n, 3600))).collect();
    let theirs: Vec<Scope> = [theirs]
        .into_iter()
        .chain((2..=30).filter(|n| *n != 7).map(|n| more(n, if n % 5 == 0 { 1800 } else { 3600 })))
        .collect();
    let servers = pair(ours, theirs);
    servers.1.script("10.0.5.0/24", Script::Refuse);
    servers.1.script("10.0.10.0/24", Script::Lie);
    match world {
        World::Refusing => {
            let refusal = Refusal {
                name: "option-43",
                message: "a value would be wiped".into(),
                hint: "define code 43 on two".into(),
                overridable: true,
            };
            servers.1.inner().refusals.insert("10.0.1.0/24".parse().unwrap(), vec![refusal]);
        }
        World::Terminated => {
            servers.0.inner().state = Some("terminated");
            servers.1.inner().state = Some("terminated");
        }
        World::Gone => servers.1.inner().gone = true,
        World::Drifted | World::None => {}
    }
    let mut program = Program::start(Some(fake::fleet(&servers)).filter(|_| world != World::None), 80, 24);
    program.past = Past { left: vec![keys::changed(&servers.1)], ..Past::sample() };
    if view == "jobs" {
        program.past.jobs = [JobState::Running, JobState::Completed].into_iter().zip(3..).map(job).collect();
    }
    program.messages = log();
    if view == "name prompt" {
        program.state.setting.screen.type_name_above = 0;
    }
    program.settle();
    let mut happens = true;
    for key in keys.split_whitespace() {
        match key {
            "..." => program.wait(300),
            "|" => happens = false,
            key if happens => program.press(key),
            key => program.type_keys(key),
        }
    }
    program.draw();
    program
}

fn log() -> Vec<Message> {
    let note = |seq, level, text: &str| Message {
        seq,
        at: jiff::Timestamp::UNIX_EPOCH,
        level,
        target: "scopesync::jobs".into(),
        text: text.into(),
    };
    vec![
        note(0, LogLevel::Info, "read server=one"),
        note(1, LogLevel::Debug, "not shown at first"),
        note(2, LogLevel::Warn, &"a long message that does not fit into one line of this window ".repeat(2)),
        note(3, LogLevel::Error, "refused"),
    ]
}

#[test]
fn every_view_in_every_size_and_theme() {
    for (view, world, keys) in VIEWS {
        let mut program = open(view, world, keys, "Haus A, Erdgeschoß: Empfang, Vertrieb, 日本語, שלום");
        let (mut text, mut styles) = (String::new(), [const { Vec::new() }; LOOKS.len()]);
        for (columns, rows) in SIZES {
            program.resize(columns, rows);
            text.push_str(&format!("-- {columns}x{rows}\n{}\n", program.text()));
            if columns < 80 {
                continue;
            }
            let mut common = String::new();
            for ((name, theme), styles) in LOOKS.into_iter().zip(&mut styles) {
                program.theme = Theme::of(&ThemeChoice::Own(theme).read().unwrap(), Glyphs::UNICODE);
                program.draw();
                let grid = looks(program.buffer(), styles);
                if grid != common {
                    text.push_str(&format!("-- {name}\n{grid}"));
                }
                if common.is_empty() {
                    common = grid;
                }
            }
            program.theme = Theme::colours(Glyphs::UNICODE);
        }
        for ((name, _), styles) in LOOKS.into_iter().zip(styles) {
            text.push_str(&format!("-- {name}\n"));
            for (at, style) in styles.into_iter().enumerate() {
                let (fg, bg) = (style.fg.unwrap(), style.bg.unwrap());
                text.push_str(&format!("{}: {fg:?} on {bg:?} {:?}\n", letter(at), style.add_modifier));
            }
        }
        insta::assert_snapshot!(format!("view_{}", view.replace([' ', '-'], "_")), text);
    }
}

fn letter(at: usize) -> char {
    char::from(b'a' + u8::try_from(at).unwrap())
}

/// How each cell looks: a letter for each style, after it how many of it stand there; lines that look the same as one.
fn looks(buffer: &Buffer, seen: &mut Vec<Style>) -> String {
    let area = buffer.area;
    let mut lines: Vec<(String, usize)> = Vec::new();
    for y in area.top()..area.bottom() {
        let mut runs: Vec<(char, usize)> = Vec::new();
        for x in area.left()..area.right() {
            // nothing is drawn behind a wide character
            let is_covered = x > 0 && buffer[(x - 1, y)].symbol().width() > 1;
            let style = buffer[(x - u16::from(is_covered), y)].style();
            let at = seen.iter().position(|known| *known == style).unwrap_or(seen.len());
            if at == seen.len() {
                seen.push(style);
            }
            let letter = letter(at);
            match runs.last_mut() {
                Some((last, count)) if *last == letter => *count += 1,
                _ => runs.push((letter, 1)),
            }
        }
        let line: String = runs.into_iter().map(|(letter, count)| format!("{letter}{count}")).collect();
        match lines.last_mut() {
            Some((last, count)) if *last == line => *count += 1,
            _ => lines.push((line, 1)),
        }
    }
    let grid = lines.into_iter().map(|(line, count)| match count {
        1 => format!("{line}\n"),
        count => format!("{line} x {count}\n"),
    });
    grid.collect()
}

#[test]
fn every_view_on_terminals_without_unicode_and_without_colours() {
    for (view, world, keys) in VIEWS {
        let mut program = open(view, world, keys, "Haus A, Erdgeschoss: Empfang");
        program.theme = Theme::colourless(Glyphs::ASCII);
        for (columns, rows) in SIZES {
            program.resize(columns, rows);
            let text = program.text();
            assert!(text.is_ascii(), "{view}:\n{text}");
            let coloured = |cell: &&ratatui::buffer::Cell| cell.fg != Color::Reset || cell.bg != Color::Reset;
            assert_eq!(program.buffer().content.iter().find(coloured), None, "{view}:\n{text}");
        }
    }
    let mut program = open("list", World::Drifted, "", "x");
    program.theme = Theme::colourless(Glyphs::ASCII);
    program.draw();
    assert!(program.text().contains("one -> two"), "{}", program.text());
}

/// Any window can be drawn on, whatever is shown.
#[test]
fn every_view_in_any_size() {
    for (view, world, keys) in VIEWS {
        let mut program = open(view, world, keys, "Erdgeschoß, 日本語, שלום");
        for at in 0..60 {
            // every height there is, and as many widths
            program.resize(1 + (at * 37) % 199, 1 + (at * 23) % 59);
        }
        program.press("PgDn End Up Home");
        program.resize(1, 1);
    }
}
