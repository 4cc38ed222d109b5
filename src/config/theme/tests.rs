use super::*;

fn parse(text: &str) -> Result<ThemeFile, String> {
    ThemeFile::parse(text, Path::new("mine.toml")).map_err(|error| error.to_string())
}

#[test]
fn styles_are_words() {
    let red = Style::new().fg(Color::Red);
    for (text, wanted) in [
        ("", Style::new()),
        ("red", red),
        ("light-red bold", Style::new().fg(Color::LightRed).add_modifier(Modifier::BOLD)),
        ("#0a0b0c on 17", Style::new().fg(Color::Rgb(10, 11, 12)).bg(Color::Indexed(17))),
        ("reverse on default", Style::new().bg(Color::Reset).add_modifier(Modifier::REVERSED)),
    ] {
        assert_eq!(style(text), Ok(wanted), "{text}");
    }
    for (text, wrong) in [("redd", "redd"), ("red on", "on"), ("on blod", "blod"), ("#12345", "#12345")] {
        assert_eq!(style(text), Err(wrong), "{text}");
    }
}

#[test]
fn a_theme_names_only_what_differs() {
    let theme = parse("base = 'dark'\ndelete = 'magenta'").unwrap();
    let dark = ThemeChoice::Own(2).read().unwrap();
    let mut wanted = dark.styles;
    wanted.insert("delete", Style::new().fg(Color::Magenta));
    assert_eq!(theme.styles, wanted);
}

#[test]
fn mistakes_name_their_place_and_cure() {
    for (text, wanted) in [
        ("delte = 'red'", "1:1: unknown key `delte` in this theme: did you mean `delete`?"),
        ("\ndelete = 'red on blod'", "2:10: unknown word \"blod\" in the style `delete`: a style is a colour"),
        ("delete = 1", "1:10: `delete` in this theme must be text in quotes, not 1"),
        ("base = 'drak'", "unknown `base` \"drak\" in this theme: did you mean \"dark\"?"),
        ("delete = ", "1:1"),
    ] {
        let error = parse(text).unwrap_err();
        assert!(error.contains(wanted) || wanted == "1:1" && error.contains("mine.toml"), "{text}: {error}");
    }
    let several = parse("delte = 'red'\ncursr = 'red'").unwrap_err();
    assert!(several.starts_with("the theme has 2 mistakes:\nmine.toml:1:1: "), "{several}");
    let absent = ThemeChoice::File("/nowhere/mine.toml".into()).read().unwrap_err().to_string();
    assert!(absent.starts_with("cannot read the theme file /nowhere/mine.toml: "), "{absent}");
    let choose = |text| ThemeChoice::from_setting(text, Path::new("/etc"));
    assert_eq!(choose("dark"), Ok(ThemeChoice::Own(2)));
    assert_eq!(choose("mine.toml"), Ok(ThemeChoice::File("/etc/mine.toml".into())));
    assert!(choose("drak").unwrap_err().contains("did you mean \"dark\"?"));
}

/// A colour as red, green and blue from 0 to 1, linear in light.
fn light(colour: Color) -> [f64; 3] {
    let Color::Rgb(r, g, b) = colour else { panic!("{colour} is the terminal's: nobody knows how it looks") };
    [r, g, b].map(|value| {
        let value = f64::from(value) / 255.0;
        if value <= 0.04045 { value / 12.92 } else { ((value + 0.055) / 1.055).powf(2.4) }
    })
}

/// Contrast of two colours by WCAG 2.1: from 1 to 21.
fn contrast(one: Color, other: Color) -> f64 {
    let luminance = |colour| {
        let [r, g, b] = light(colour);
        0.2126 * r + 0.7152 * g + 0.0722 * b + 0.05
    };
    let (a, b): (f64, f64) = (luminance(one), luminance(other));
    a.max(b) / a.min(b)
}

/// Every text of the painted themes can be read: 4.5 to 1, and 7 to 1 under high contrast.
#[test]
fn painted_themes_are_readable() {
    for (name, least) in
        [("light", 4.5), ("dark", 4.5), ("high-contrast", 7.0), ("red-green-safe", 4.5), ("blue-yellow-safe", 4.5)]
    {
        let at = THEMES.iter().position(|(other, _)| *other == name).unwrap();
        let theme = ThemeChoice::Own(at).read().unwrap();
        let screen = theme.styles["screen"];
        for (part, style) in &theme.styles {
            let (fg, bg) = (style.fg.or(screen.fg).unwrap(), style.bg.or(screen.bg).unwrap());
            let found = contrast(fg, bg);
            assert!(found >= least, "{part} of {name}: {found:.1}");
            let is_dim = style.add_modifier.contains(Modifier::DIM);
            assert!(!is_dim, "{part} of {name}: dim takes away what was measured");
        }
    }
}

/// What people who lack one kind of cones see, after Viénot, Brettel and Mollon (1999) for red
/// and green, and Machado, Oliveira and Fernandes (2009) for blue; linear light.
const PROTAN: [[f64; 3]; 3] = [[0.1124, 0.8876, 0.0], [0.1124, 0.8876, 0.0], [0.0040, -0.0040, 1.0]];
const DEUTAN: [[f64; 3]; 3] = [[0.2928, 0.7072, 0.0], [0.2928, 0.7072, 0.0], [-0.0223, 0.0223, 1.0]];
const TRITAN: [[f64; 3]; 3] = [[1.2556, -0.0767, -0.1788], [-0.0784, 0.9308, 0.1476], [0.0047, 0.6914, 0.3039]];

/// How far apart two colours look (CIE 1976) to who sees by this matrix: above 20 nobody takes
/// one for the other, also far apart.
fn apart(one: Color, other: Color, sight: &[[f64; 3]; 3]) -> f64 {
    let lab = |colour| {
        let rgb = light(colour);
        let [r, g, b] = sight.map(|row| row.iter().zip(rgb).map(|(a, b)| a * b).sum::<f64>().clamp(0.0, 1.0));
        let x = (0.4124 * r + 0.3576 * g + 0.1805 * b) / 0.9505;
        let y = 0.2126 * r + 0.7152 * g + 0.0722 * b;
        let z = (0.0193 * r + 0.1192 * g + 0.9505 * b) / 1.089;
        let f = |t: f64| if t > 0.008_856 { t.cbrt() } else { 7.787 * t + 16.0 / 116.0 };
        [116.0 * f(y) - 16.0, 500.0 * (f(x) - f(y)), 200.0 * (f(y) - f(z))]
    };
    lab(one).iter().zip(lab(other)).map(|(a, b)| (a - b).powi(2)).sum::<f64>().sqrt()
}

#[test]
fn safe_themes_tell_changes_apart_for_those_whom_they_are_for() {
    for (name, sights) in [("red-green-safe", &[PROTAN, DEUTAN][..]), ("blue-yellow-safe", &[TRITAN][..])] {
        let at = THEMES.iter().position(|(other, _)| *other == name).unwrap();
        let theme = ThemeChoice::Own(at).read().unwrap();
        let colour = |part: &str| theme.styles[part].fg.unwrap();
        for sight in sights {
            for (one, other) in [("create", "update"), ("create", "delete"), ("update", "delete"), ("good", "bad")] {
                let found = apart(colour(one), colour(other), sight);
                assert!(found > 20.0, "{one} and {other} of {name}: {found:.0}");
            }
        }
    }
}
