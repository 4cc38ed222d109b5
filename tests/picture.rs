//! The README's picture is the real program on the demo pair.
//!
//! `SCOPESYNC_WRITE_DOCUMENTS=1 cargo test --test picture` draws it anew.
#![cfg(unix)]

mod common;

use std::fmt::Write as _;
use std::path::Path;

use common::program::Home;
use common::terminal::{CellStyle, Start, View};

const COLUMNS: u16 = 112;
const ROWS: u16 = 34;
/// Width and height of a cell in the picture.
const CELL: (u16, u16) = (8, 17);
const TEXT: &str = "#d6dbe3";
const GROUND: &str = "#171b22";

#[test]
fn the_picture_is_what_the_program_shows() {
    let home = Home::new();
    let mut terminal = Start::scopesync().home(&home).args(["--demo"]).size(COLUMNS, ROWS).start();
    terminal.wait_for_text("26 in sync");
    terminal.keys("Enter Down Down Down Down a");
    let view =
        terminal.wait_for("the drift of the printers", |view| view.contains("prt-a-03") && view.contains("are marked"));
    terminal.keys("q");
    terminal.wait_for_end().assert_restored();

    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("assets/scopesync.svg");
    let drawn = svg(&view);
    if std::env::var_os("SCOPESYNC_WRITE_DOCUMENTS").is_some() {
        std::fs::write(&path, drawn).expect("the picture can be written");
        return;
    }
    let stored = std::fs::read_to_string(&path).expect("there is a picture");
    assert!(
        stored == drawn,
        "assets/scopesync.svg is stale: SCOPESYNC_WRITE_DOCUMENTS=1 cargo test --test picture\n{view}"
    );
}

/// The screen as a picture: one rectangle and one text for each run of cells of one style.
fn svg(view: &View) -> String {
    let (width, height) = (COLUMNS * CELL.0, ROWS * CELL.1);
    let mut out = format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {width} {height}\" font-size=\"13\" \
         font-family=\"DejaVu Sans Mono, Menlo, Consolas, monospace\" xml:space=\"preserve\">\n\
         <rect width=\"{width}\" height=\"{height}\" fill=\"{GROUND}\"/>\n"
    );
    for row in 0..ROWS {
        let mut column = 0;
        while column < COLUMNS {
            let style = view.style(row, column);
            let start = column;
            let mut text = String::new();
            while column < COLUMNS && view.style(row, column) == style {
                text.push_str(&view.cell(row, column));
                column += 1;
            }
            run(&mut out, row, start, column - start, &text, style);
        }
    }
    out.push_str("</svg>\n");
    out
}

fn run(out: &mut String, row: u16, column: u16, cells: u16, text: &str, style: CellStyle) {
    let (mut ink, mut ground) = (colour(style.foreground, TEXT), colour(style.background, GROUND));
    if style.reversed {
        std::mem::swap(&mut ink, &mut ground);
    }
    let (x, y, width) = (column * CELL.0, row * CELL.1, cells * CELL.0);
    if ground != GROUND {
        let _ = writeln!(out, "<rect x=\"{x}\" y=\"{y}\" width=\"{width}\" height=\"{}\" fill=\"{ground}\"/>", CELL.1);
    }
    if text.trim().is_empty() {
        return;
    }
    let weight = if style.bold { " font-weight=\"bold\"" } else { "" };
    let opacity = if style.dim { " opacity=\"0.6\"" } else { "" };
    let text = text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;");
    let _ = writeln!(
        out,
        "<text x=\"{x}\" y=\"{}\" textLength=\"{width}\" fill=\"{ink}\"{weight}{opacity}>{text}</text>",
        y + CELL.1 - 4
    );
}

fn colour(colour: vt100::Color, otherwise: &'static str) -> String {
    const PALETTE: [&str; 16] = [
        "#3b4252", "#e06c75", "#98c379", "#e5c07b", "#61afef", "#c678dd", "#56b6c2", "#d6dbe3", "#6b7484", "#ff7a85",
        "#b5e890", "#ffd787", "#82c7ff", "#e29bf5", "#79dbe6", "#ffffff",
    ];
    match colour {
        vt100::Color::Default => otherwise.into(),
        vt100::Color::Idx(index) => PALETTE.get(usize::from(index)).copied().unwrap_or(otherwise).into(),
        vt100::Color::Rgb(red, green, blue) => format!("#{red:02x}{green:02x}{blue:02x}"),
    }
}
