//! Colours and signs. Colour is never the only carrier of a meaning.

use std::borrow::Cow;

use ratatui::buffer::Buffer;
use ratatui::style::{Color, Modifier, Style};

use crate::config::{ConfigError, ScreenConfig, ThemeFile};
use crate::show::is_unicode_readable;

/// The signs that not every terminal can show.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Glyphs {
    /// Between source and target.
    pub arrow: &'static str,
    /// A horizontal rule.
    pub horizontal: &'static str,
    /// A vertical rule.
    pub vertical: &'static str,
    /// A text that goes on.
    pub more: &'static str,
    /// Before what is folded.
    pub folded: &'static str,
    /// Before what is not.
    pub open: &'static str,
    /// The done part of a gauge.
    pub full: &'static str,
    /// The rest of it.
    pub empty: &'static str,
    /// Above the column that is sorted by.
    pub sorted: &'static str,
    /// The same, the other way round.
    pub reversed: &'static str,
}

impl Glyphs {
    /// For terminals that show Unicode.
    pub const UNICODE: Glyphs = Glyphs {
        arrow: "→",
        horizontal: "─",
        vertical: "│",
        more: "…",
        folded: "▸",
        open: "▾",
        full: "█",
        empty: "░",
        sorted: "↓",
        reversed: "↑",
    };

    /// For all others.
    pub const ASCII: Glyphs = Glyphs {
        arrow: "->",
        horizontal: "-",
        vertical: "|",
        more: ">",
        folded: ">",
        open: "v",
        full: "#",
        empty: ".",
        sorted: " v",
        reversed: " ^",
    };

    /// A text of ours with the arrow that there is.
    pub(super) fn arrows<'a>(&self, text: &'a str) -> Cow<'a, str> {
        match self.arrow != Glyphs::UNICODE.arrow && text.contains(Glyphs::UNICODE.arrow) {
            true => Cow::Owned(text.replace(Glyphs::UNICODE.arrow, self.arrow)),
            false => Cow::Borrowed(text),
        }
    }

    /// Those that this locale and terminal can show.
    pub fn for_environment(env: impl Fn(&str) -> Option<String>) -> Self {
        let plain_terminal = env("TERM").is_some_and(|term| ["vt100", "vt102", "vt220", "dumb"].contains(&&*term));
        if is_unicode_readable(env) && !plain_terminal { Glyphs::UNICODE } else { Glyphs::ASCII }
    }
}

/// How things look. The terminal's own foreground and background stay as they are.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Theme {
    /// The signs.
    pub glyphs: Glyphs,
    /// Everything that has no colour of its own.
    pub screen: Style,
    /// Headings.
    pub heading: Style,
    /// The heading of the pane that the keys go to.
    pub focused: Style,
    /// The highlighted line of that pane.
    pub cursor: Style,
    /// The highlighted line of another pane.
    pub resting: Style,
    /// Rules, and what matters little.
    pub quiet: Style,
    /// Keys in hints.
    pub key: Style,
    /// Keys that do nothing right now.
    pub unavailable: Style,
    /// In sync, done.
    pub good: Style,
    /// Drifted, to be looked at.
    pub warning: Style,
    /// Failed, unknown, refused.
    pub bad: Style,
    /// Something is created.
    pub create: Style,
    /// Something is updated.
    pub update: Style,
    /// Something is deleted.
    pub delete: Style,
    /// The words that differ between both sides.
    pub differs: Style,
    /// What is searched for.
    pub found: Style,
    /// WhatIf, read-only, demo.
    pub flag: Style,
    /// Force.
    pub danger: Style,
}

impl Theme {
    /// With the terminal's basic colours.
    pub fn colours(glyphs: Glyphs) -> Self {
        let plain = Theme::colourless(glyphs);
        let with = |colour| Style::new().fg(colour);
        Theme {
            good: with(Color::Green),
            warning: with(Color::Yellow),
            bad: with(Color::Red).add_modifier(Modifier::BOLD),
            create: with(Color::Green),
            update: with(Color::Yellow),
            delete: with(Color::Red),
            differs: with(Color::Yellow).add_modifier(Modifier::BOLD),
            flag: with(Color::Cyan).add_modifier(Modifier::REVERSED | Modifier::BOLD),
            danger: with(Color::Red).add_modifier(Modifier::REVERSED | Modifier::BOLD),
            ..plain
        }
    }

    /// Without any colour.
    pub fn colourless(glyphs: Glyphs) -> Self {
        let bold = Style::new().add_modifier(Modifier::BOLD);
        let dim = Style::new().add_modifier(Modifier::DIM);
        let loud = Style::new().add_modifier(Modifier::REVERSED | Modifier::BOLD);
        Theme {
            glyphs,
            screen: Style::new(),
            heading: bold,
            focused: loud,
            cursor: Style::new().add_modifier(Modifier::REVERSED),
            resting: Style::new().add_modifier(Modifier::UNDERLINED),
            quiet: dim,
            key: bold,
            unavailable: dim,
            good: Style::new(),
            warning: bold,
            bad: bold,
            create: Style::new(),
            update: Style::new(),
            delete: bold,
            differs: bold,
            found: Style::new().add_modifier(Modifier::UNDERLINED | Modifier::REVERSED),
            flag: loud,
            danger: loud,
        }
    }

    /// As a theme says; nothing but what it names is other than without colours.
    pub fn of(file: &ThemeFile, glyphs: Glyphs) -> Self {
        let mut theme = Theme::colourless(glyphs);
        for (part, style) in &file.styles {
            if let Some(place) = theme.part(part) {
                *place = *style;
            }
        }
        theme
    }

    /// As configuration and environment ask for: without colours where `NO_COLOR` is set.
    ///
    /// # Errors
    /// The file of the theme cannot be read, or something in it is wrong.
    pub fn chosen(screen: &ScreenConfig, env: impl Fn(&str) -> Option<String>) -> Result<Self, ConfigError> {
        let glyphs = screen.glyphs.unwrap_or_else(|| Glyphs::for_environment(&env));
        match env("NO_COLOR").filter(|value| !value.is_empty()) {
            Some(_) => Ok(Theme::colourless(glyphs)),
            None => Ok(Theme::of(&screen.theme.read()?, glyphs)),
        }
    }

    /// The style of a part, by its name in theme files.
    fn part(&mut self, name: &str) -> Option<&mut Style> {
        Some(match name {
            "screen" => &mut self.screen,
            "heading" => &mut self.heading,
            "focused" => &mut self.focused,
            "cursor" => &mut self.cursor,
            "resting" => &mut self.resting,
            "quiet" => &mut self.quiet,
            "key" => &mut self.key,
            "unavailable" => &mut self.unavailable,
            "good" => &mut self.good,
            "warning" => &mut self.warning,
            "bad" => &mut self.bad,
            "create" => &mut self.create,
            "update" => &mut self.update,
            "delete" => &mut self.delete,
            "differs" => &mut self.differs,
            "found" => &mut self.found,
            "flag" => &mut self.flag,
            "danger" => &mut self.danger,
            _ => return None,
        })
    }

    /// Gives what has no colour of its own the colours of the screen.
    pub(super) fn paint(&self, buffer: &mut Buffer) {
        let (fg, bg) = (self.screen.fg.unwrap_or_default(), self.screen.bg.unwrap_or_default());
        if (fg, bg) == (Color::Reset, Color::Reset) {
            return;
        }
        for cell in &mut buffer.content {
            if cell.fg == Color::Reset {
                cell.fg = fg;
            }
            if cell.bg == Color::Reset {
                cell.bg = bg;
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::THEMES;
    use crate::config::theme::{THEME, ThemeChoice};

    #[test]
    fn the_themes_that_come_along_are_what_the_program_does_without_them() {
        let read = |name| {
            let at = THEMES.iter().position(|(other, _)| *other == name).unwrap();
            Theme::of(&ThemeChoice::Own(at).read().unwrap(), Glyphs::UNICODE)
        };
        assert_eq!(read("terminal"), Theme::colours(Glyphs::UNICODE));
        assert_eq!(read("monochrome"), Theme::colourless(Glyphs::UNICODE));
        let mut theme = Theme::colours(Glyphs::UNICODE);
        for key in THEME.keys.iter().filter(|key| key.name != "base") {
            assert!(theme.part(key.name).is_some(), "nothing looks as {} says", key.name);
        }
    }

    #[test]
    fn signs_for_terminals() {
        let with = |pairs: &[(&str, &str)]| {
            Glyphs::for_environment(|name| {
                pairs.iter().find(|(key, _)| *key == name).map(|(_, value)| (*value).to_owned())
            })
        };
        assert_eq!(with(&[("LANG", "de_DE.UTF-8")]), Glyphs::UNICODE);
        assert_eq!(with(&[("TERM", "xterm"), ("LANG", "C.UTF-8")]), Glyphs::UNICODE);
        if cfg!(unix) {
            assert_eq!(with(&[("TERM", "xterm"), ("LANG", "C")]), Glyphs::ASCII);
        }
        assert_eq!(with(&[("TERM", "vt220"), ("LANG", "C.UTF-8")]), Glyphs::ASCII);
        let arrows = [Glyphs::ASCII.arrow, Glyphs::ASCII.horizontal, Glyphs::ASCII.more, Glyphs::ASCII.full];
        assert!(arrows.iter().all(|text| text.is_ascii()));
        assert_eq!([Glyphs::ASCII.arrows("a → b"), Glyphs::UNICODE.arrows("a → b")], ["a -> b", "a → b"]);
    }
}
