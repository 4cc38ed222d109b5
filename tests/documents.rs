//! The README never disagrees with the program: its tables are what the program prints.
//!
//! `SCOPESYNC_WRITE_DOCUMENTS=1 cargo test --test documents` writes them anew.
#![allow(clippy::expect_used)] // helpers of tests

use std::path::Path;

use scopesync::app::keymap;
use scopesync::config;

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

/// The README with each generated section replaced by what the program says now.
fn renewed(readme: &str) -> String {
    let sections = [("keys", keymap::markdown()), ("configuration", config::reference())];
    sections.iter().fold(readme.to_owned(), |text, (name, body)| {
        let (begin, end) = (format!("<!-- begin {name} -->\n"), format!("<!-- end {name} -->"));
        let start = text.find(&begin).expect("the section begins") + begin.len();
        let stop = start + text[start..].find(&end).expect("the section ends");
        format!("{}\n{}\n{}", &text[..start].trim_end(), body.trim(), &text[stop..])
    })
}

#[test]
fn the_readme_s_tables_are_what_the_program_says() {
    let path = root().join("README.md");
    let readme = std::fs::read_to_string(&path).expect("there is a README");
    let renewed = renewed(&readme);
    if std::env::var_os("SCOPESYNC_WRITE_DOCUMENTS").is_some() {
        std::fs::write(&path, &renewed).expect("the README can be written");
        return;
    }
    assert!(readme == renewed, "README.md is stale: SCOPESYNC_WRITE_DOCUMENTS=1 cargo test --test documents");
}

#[test]
fn the_readme_names_every_command_and_nothing_that_is_not_there() {
    let readme = std::fs::read_to_string(root().join("README.md")).expect("there is a README");
    let help = std::process::Command::new(env!("CARGO_BIN_EXE_scopesync")).arg("--help").output().expect("it runs");
    let help = String::from_utf8(help.stdout).expect("text");
    for command in ["check", "relationships", "drift", "replicate", "undo", "history", "recover", "ha-reset", "demo"] {
        assert!(help.contains(command), "--help does not name {command}");
        assert!(readme.contains(&format!("scopesync {command}")), "the README does not name {command}");
    }
    let cmdlet = scopesync::cli::powershell::CMDLET;
    let commands = [
        "check",
        "relationships",
        "scopes",
        "drift",
        "replicate",
        "undo",
        "history",
        "recover",
        "ha-reset",
        cmdlet,
        "demo",
        "keys",
        "man",
        "completions",
        "help",
    ];
    let code = readme.split("```").skip(1).step_by(2).flat_map(str::lines);
    let used: Vec<&str> = code.filter_map(|line| line.strip_prefix("scopesync ")?.split_whitespace().next()).collect();
    assert!(!used.is_empty(), "the README shows how the program is used");
    for word in used {
        assert!(word.starts_with("--") || commands.contains(&word), "the README uses \"scopesync {word}\"");
    }
}

#[test]
fn the_readme_s_options_are_the_program_s() {
    let readme = std::fs::read_to_string(root().join("README.md")).expect("there is a README");
    let help = |arguments: &[&str]| {
        let output =
            std::process::Command::new(env!("CARGO_BIN_EXE_scopesync")).args(arguments).output().expect("it runs");
        String::from_utf8(output.stdout).expect("text")
    };
    let all = [help(&["--help"]), help(&["drift", "--help"]), help(&["replicate", "--help"])].concat();
    for option in [
        "--demo",
        "--json",
        "--computer-name",
        "--scope-id",
        "--what-if",
        "--force",
        "--override",
        "--log",
        "--read-only",
    ] {
        assert!(readme.contains(option), "the README does not name {option}");
        assert!(all.contains(option), "--help does not name {option}");
    }
}

#[test]
fn the_readme_s_links_lead_somewhere() {
    let readme = std::fs::read_to_string(root().join("README.md")).expect("there is a README");
    let links = readme.match_indices("](").map(|(at, _)| readme[at + 2..].split(')').next().unwrap_or(""));
    let headings = readme.lines().filter(|line| line.starts_with('#'));
    let anchor = |line: &str| line.trim_matches(['#', ' ']).to_lowercase().replace(' ', "-").replace([',', '.'], "");
    let anchors: Vec<String> = headings.map(|line| format!("#{}", anchor(line))).collect();
    for link in links.filter(|link| !link.contains("://")) {
        let there =
            if link.starts_with('#') { anchors.iter().any(|it| it == link) } else { root().join(link).exists() };
        assert!(there, "{link} is not there");
    }
}
