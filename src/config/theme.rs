//! Theme files: how the parts of the screen look.
//!
//! A theme names only what differs from the one that it is based on.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use ratatui::style::{Color, Modifier, Style};

use super::error::ConfigError;
use super::keys::{Absent, Key, Section};
use super::parse::checked;
use super::read::{Fields, nearest, shown};

/// The themes that come with the program, by name: the first is what holds without a choice.
pub const THEMES: [(&str, &str); 7] = [
    ("terminal", include_str!("../../assets/themes/terminal.toml")),
    ("light", include_str!("../../assets/themes/light.toml")),
    ("dark", include_str!("../../assets/themes/dark.toml")),
    ("high-contrast", include_str!("../../assets/themes/high-contrast.toml")),
    ("red-green-safe", include_str!("../../assets/themes/red-green-safe.toml")),
    ("blue-yellow-safe", include_str!("../../assets/themes/blue-yellow-safe.toml")),
    ("monochrome", include_str!("../../assets/themes/monochrome.toml")),
];

/// The keys of a theme file: what it is based on, then the parts of the screen.
pub const THEME: Section = Section {
    name: "",
    repeated: false,
    about: "A style is a colour, `on` and a colour for the background, and any of bold, dim, italic, underline and \
            reverse, each of which may be left out: `\"red bold\"`, `\"#000000 on yellow\"`. Colours are the terminal's \
            own by name (black, red, green, yellow, blue, magenta, cyan, white, gray, and light-red and so on) or by \
            number (0 to 255), `#rrggbb`, or default.",
    keys: &[
        Key { name: "base", absent: Absent::Default("\"terminal\""), about: "The theme that this one differs from." },
        part("screen", "Everything that has no colour of its own."),
        part("heading", "Headings."),
        part("focused", "The heading of the pane that the keys go to."),
        part("cursor", "The highlighted line of that pane."),
        part("resting", "The highlighted line of another pane."),
        part("quiet", "Rules, and what matters little."),
        part("key", "Keys in hints."),
        part("unavailable", "Keys that do nothing right now."),
        part("good", "In sync, done."),
        part("warning", "Drifted, to be looked at."),
        part("bad", "Failed, unknown, refused."),
        part("create", "Something is created."),
        part("update", "Something is updated."),
        part("delete", "Something is deleted."),
        part("differs", "Words that differ between both sides."),
        part("found", "What is searched for."),
        part("flag", "WhatIf, read-only, demo."),
        part("danger", "Force, and what is insecure."),
    ],
};

const fn part(name: &'static str, about: &'static str) -> Key {
    Key { name, absent: Absent::Nothing, about }
}

/// What stands in a theme's file.
const WHAT: &str = "theme";

/// Which theme is wanted.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ThemeChoice {
    /// One that comes with the program: its place in [`THEMES`].
    Own(usize),
    /// A file.
    File(PathBuf),
}

impl Default for ThemeChoice {
    fn default() -> Self {
        ThemeChoice::Own(0)
    }
}

/// What a theme says.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ThemeFile {
    /// The parts that it or its base names.
    pub styles: BTreeMap<&'static str, Style>,
}

impl ThemeChoice {
    /// What a setting means: a theme's name, or else the path of a file, taken from `folder`.
    pub(super) fn from_setting(text: &str, folder: &Path) -> Result<Self, String> {
        if let Some(at) = THEMES.iter().position(|(name, _)| *name == text) {
            return Ok(ThemeChoice::Own(at));
        }
        if text.ends_with(".toml") || text.contains(['/', '\\']) {
            return Ok(ThemeChoice::File(folder.join(text)));
        }
        let names = THEMES.map(|(name, _)| name);
        Err(format!("{}; a file of your own ends with .toml", nearest(text, &names, '"')))
    }

    /// Reads the theme.
    ///
    /// # Errors
    /// The file cannot be read, or something in it is wrong.
    pub fn read(&self) -> Result<ThemeFile, ConfigError> {
        match self {
            ThemeChoice::Own(at) => {
                let (name, text) = THEMES.get(*at).unwrap_or(&THEMES[0]);
                ThemeFile::parse(text, Path::new(name))
            }
            ThemeChoice::File(path) => {
                let unreadable = |source| ConfigError::Unreadable { what: WHAT, path: path.clone(), source };
                ThemeFile::parse(&std::fs::read_to_string(path).map_err(unreadable)?, path)
            }
        }
    }
}

impl ThemeFile {
    /// Reads the text of the theme at `path`.
    ///
    /// # Errors
    /// Everything that is wrong with it, each mistake with its place.
    pub fn parse(text: &str, path: &Path) -> Result<Self, ConfigError> {
        checked(WHAT, text, path, |root, problems| {
            let fields = Fields::new(&THEME, "this theme".to_owned(), root.span(), root.get_ref(), problems);
            let mut theme = ThemeFile::default();
            let names = THEMES.map(|(name, _)| name);
            if let Some(base) = fields.word("base", &names).and_then(|at| THEMES.get(at)) {
                // the themes that come with the program are right, as a test proves
                theme.styles = ThemeFile::parse(base.1, Path::new(base.0)).map(|base| base.styles).unwrap_or_default();
            }
            for key in THEME.keys.iter().filter(|key| key.name != "base") {
                let Some(text) = fields.text(key.name) else { continue };
                match style(&text.value) {
                    Ok(style) => drop(theme.styles.insert(key.name, style)),
                    Err(word) => {
                        let word = shown(word);
                        let message = format!("unknown word {word} in the style `{}`: {WORDS}", key.name);
                        fields.problem(&text.span, message);
                    }
                }
            }
            fields.finish(&[]);
            theme
        })
    }
}

const WORDS: &str = "a style is a colour (a name such as red, 0 to 255, #rrggbb, default), `on` and a colour, and \
                     bold, dim, italic, underline or reverse";

/// The style that a text describes, or the word of it that means nothing.
fn style(text: &str) -> Result<Style, &str> {
    let mut style = Style::new();
    let mut words = text.split_whitespace();
    while let Some(word) = words.next() {
        let modifier = match word {
            "bold" => Modifier::BOLD,
            "dim" => Modifier::DIM,
            "italic" => Modifier::ITALIC,
            "underline" => Modifier::UNDERLINED,
            "reverse" => Modifier::REVERSED,
            "on" => {
                let behind = words.next().ok_or(word)?;
                style = style.bg(colour(behind).ok_or(behind)?);
                continue;
            }
            _ => {
                style = style.fg(colour(word).ok_or(word)?);
                continue;
            }
        };
        style = style.add_modifier(modifier);
    }
    Ok(style)
}

fn colour(word: &str) -> Option<Color> {
    match word {
        "default" => Some(Color::Reset),
        _ => word.parse().ok(),
    }
}

#[cfg(test)]
mod tests;
