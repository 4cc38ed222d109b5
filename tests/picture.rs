//! The pictures of the README: the real program on the demo pair, kept up to date.
#![cfg(feature = "kea")]
// Helpers of tests may fail as a test may.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod common;

use std::fmt::Write as _;
use std::path::Path;

use common::screen::Program;
use ratatui::buffer::{Buffer, Cell};
use ratatui::style::{Color, Modifier};
use scopesync::backend::connect;
use scopesync::config::Config;
use scopesync::demo;
use scopesync::state::StateFolder;

/// Writes the picture anew.
const UPDATE: &str = "SCOPESYNC_WRITE_DOCUMENTS";

const CELL: (f32, f32) = (8.4, 18.0);
const MARGIN: f32 = 12.0;
const FOREGROUND: &str = "#d8dee9";
const BACKGROUND: &str = "#1b1f27";

/// Each picture: its file, and the keys that lead there from the one before.
const PICTURES: [(&str, &str); 4] = [
    ("scopesync.svg", "Enter a Down Down Down Down"),
    ("drift.svg", "Home Down Down Down Down Down Enter z Down Down Down"),
    ("preview.svg", "z Esc r"),
    ("run.svg", "y J"),
];

#[test]
fn the_pictures_are_of_this_program() {
    let folder = tempfile::tempdir().unwrap();
    let config = demo::config(&StateFolder::at(folder.path()), Config::default()).unwrap();
    let mut program = Program::ready(connect::fleet(&config, false).unwrap(), 110, 32);
    program.state.setting.config_name = "demo".into();
    for (name, keys) in PICTURES {
        for key in keys.split(' ') {
            // a question is answered when it was there to be read
            program.wait(300);
            program.press(key);
        }
        program.state.message = None;
        program.wait(300);
        let picture = svg(program.buffer());
        let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("assets").join(name);
        if std::env::var_os(UPDATE).is_some() {
            std::fs::write(&path, &picture).unwrap();
        }
        let kept = std::fs::read_to_string(&path).unwrap_or_default();
        assert!(kept == picture, "{name} is of another program: run this test with {UPDATE}=1");
    }
}

fn svg(buffer: &Buffer) -> String {
    let area = buffer.area;
    let (width, height) =
        (f32::from(area.width) * CELL.0 + 2.0 * MARGIN, f32::from(area.height) * CELL.1 + 2.0 * MARGIN);
    let mut svg = format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {width:.0} {height:.0}\" \
         font-family=\"DejaVu Sans Mono, Menlo, Consolas, monospace\" font-size=\"14\">\n\
         <rect width=\"100%\" height=\"100%\" rx=\"8\" fill=\"{BACKGROUND}\"/>\n"
    );
    for y in area.top()..area.bottom() {
        let mut x = area.left();
        while x < area.right() {
            let cell = &buffer[(x, y)];
            let end = (x..area.right()).find(|at| !alike(&buffer[(*at, y)], cell)).unwrap_or(area.right());
            let text: String = (x..end).map(|at| buffer[(at, y)].symbol()).collect();
            run(&mut svg, (x, y), end - x, &text, cell);
            x = end;
        }
    }
    svg.push_str("</svg>\n");
    svg
}

fn alike(one: &Cell, other: &Cell) -> bool {
    one.fg == other.fg && one.modifier == other.modifier
}

/// Cells that look alike.
fn run(svg: &mut String, (x, y): (u16, u16), cells: u16, text: &str, cell: &Cell) {
    let reversed = cell.modifier.contains(Modifier::REVERSED);
    if text.trim().is_empty() && !reversed {
        return;
    }
    let (left, top) = (MARGIN + f32::from(x) * CELL.0, MARGIN + f32::from(y) * CELL.1);
    let width = f32::from(cells) * CELL.0;
    let colour = match cell.fg {
        Color::Red => "#e06c75",
        Color::Green => "#98c379",
        Color::Yellow => "#e5c07b",
        Color::Cyan => "#56b6c2",
        _ => FOREGROUND,
    };
    let ink = if reversed { BACKGROUND } else { colour };
    if reversed {
        let _ = writeln!(
            svg,
            "<rect x=\"{left:.1}\" y=\"{top:.1}\" width=\"{width:.1}\" height=\"{}\" fill=\"{colour}\"/>",
            CELL.1
        );
    }
    let mut more = String::new();
    if cell.modifier.contains(Modifier::BOLD) {
        more.push_str(" font-weight=\"bold\"");
    }
    if cell.modifier.contains(Modifier::DIM) {
        more.push_str(" opacity=\"0.55\"");
    }
    if cell.modifier.contains(Modifier::UNDERLINED) {
        more.push_str(" text-decoration=\"underline\"");
    }
    let text = text.replace('&', "&amp;").replace('<', "&lt;");
    let _ = writeln!(
        svg,
        "<text x=\"{left:.1}\" y=\"{:.1}\" textLength=\"{width:.1}\" xml:space=\"preserve\" fill=\"{ink}\"{more}>{text}</text>",
        top + 13.5
    );
}
