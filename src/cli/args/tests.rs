use crate::engine::approval::Switches;
use crate::model::ScopeId;

use super::*;

fn read(line: &str) -> Result<Cli, clap::Error> {
    Cli::try_parse_from(std::iter::once("scopesync").chain(line.split_whitespace()))
}

fn command(line: &str) -> Command {
    read(line).unwrap().command.unwrap()
}

fn selector(text: &str) -> ScopeSelector {
    text.parse().unwrap()
}

#[test]
fn the_declaration_is_sound() {
    Cli::command().debug_assert();
}

#[test]
fn no_command_is_the_interactive_program() {
    let cli = read("").unwrap();
    assert_eq!(cli.command, None);
    let bare = Global { config: None, demo: false, read_only: false, log: None };
    assert_eq!(cli.global, bare);
    let cli = read("--config c.toml --read-only --log off").unwrap();
    let all = Global { config: Some("c.toml".into()), demo: false, read_only: true, log: Some("off".into()) };
    assert_eq!(cli.global, all);
}

#[test]
fn what_holds_for_every_command_may_stand_behind_it() {
    let before = read("--demo --read-only drift --json").unwrap();
    assert_eq!(before, read("drift --json --demo --read-only").unwrap());
    assert!(before.global.demo && before.global.read_only);
}

#[test]
fn relationships_and_scopes() {
    assert_eq!(command("relationships --json"), Command::Relationships(Relationships { json: true }));
    let names = vec!["Berlin".to_owned(), "Bonn".to_owned()];
    assert_eq!(command("scopes Berlin Bonn"), Command::Scopes(Scopes { names, json: false }));
}

#[test]
fn scope_ids_by_comma_and_by_repetition() {
    let line = "drift Berlin --scope-id 10.0.0.0,10.0.1.0/24 --scope-id 10.0.2.0 --computer-name kea-1";
    let selection = Selection {
        names: vec!["Berlin".to_owned()],
        scope_ids: vec![selector("10.0.0.0"), selector("10.0.1.0/24"), selector("10.0.2.0")],
        computer_name: Some("kea-1".to_owned()),
        ..Selection::default()
    };
    assert_eq!(command(line), Command::Drift(Drift { selection, json: false }));
}

#[test]
fn every_argument_of_replicate() {
    let line = "replicate Berlin --computer-name kea-1 --force --confirm --what-if --throttle-limit 4 \
                --leave-out 10.0.0.0:reservations/10.0.0.9 --leave-out 10.0.1.0/24 \
                --as-job --override clocks --override moved --json";
    let selection =
        Selection { names: vec!["Berlin".to_owned()], computer_name: Some("kea-1".to_owned()), ..Selection::default() };
    let expected = Replicate {
        selection,
        cim_sessions: vec![],
        leave_out: ["10.0.0.0:reservations/10.0.0.9", "10.0.1.0/24"].map(|item| item.parse().unwrap()).to_vec(),
        asking: Asking {
            force: true,
            confirm: true,
            what_if: true,
            overrides: vec!["clocks".to_owned(), "moved".to_owned()],
            json: true,
        },
        as_job: true,
        throttle_limit: Some(4),
    };
    let switches = Switches { what_if: true, confirm: true, force: true };
    assert_eq!(expected.asking.switches(), switches);
    assert_eq!(command(line), Command::Replicate(expected));
}

#[test]
fn the_rest() {
    assert_eq!(command("demo reset"), Command::Demo(Demo::Reset));
    assert_eq!(command("man"), Command::Man);
    assert_eq!(command("completions bash"), Command::Completions { shell: Shell::Bash });
}

#[test]
fn mistakes_are_refused_with_their_reason() {
    for (line, reason) in [
        ("drift --scope-id 10.0.0", "\"10.0.0\" is no scope id: write a network address such as"),
        ("drift --scope-id 10.0.0.0,", "\"\" is no scope id"),
        ("drift --scope-id 10.0.0.0/33", "is no scope id"),
        ("replicate --throttle-limit -1", "-1"),
        ("replicate --forced", "--force"),
        ("drfit", "drift"),
        ("demo", "reset"),
    ] {
        let text = read(line).unwrap_err().to_string();
        assert!(text.contains(reason), "{line}: {text}");
    }
}

#[test]
fn a_mistake_is_no_drift() {
    let status = |line: &str| format!("{:?}", status_after(&read(line).unwrap_err()));
    assert_eq!(status("drift --nonsense"), format!("{:?}", ExitCode::from(1)));
    assert_eq!(status("demo"), format!("{:?}", ExitCode::from(1)));
    assert_eq!(status("--version"), format!("{:?}", ExitCode::from(0)));
    assert_eq!(status("drift --help"), format!("{:?}", ExitCode::from(0)));
}

#[test]
fn a_selector_fits_by_address_and_where_given_by_length() {
    let id = |text: &str| text.parse::<ScopeId>().unwrap();
    assert!(selector("10.0.0.0").matches(id("10.0.0.0/24")));
    assert!(selector("10.0.0.0").matches(id("10.0.0.0/25")));
    assert!(selector("10.0.0.0/24").matches(id("10.0.0.0/24")));
    assert!(!selector("10.0.0.0/24").matches(id("10.0.0.0/25")));
    assert!(!selector("10.0.0.0").matches(id("10.0.1.0/24")));
    for text in ["10.0.0.0", "10.0.0.0/24"] {
        assert_eq!(selector(text).to_string(), text);
    }
}

#[test]
fn help_tells_examples_and_exit_status() {
    for line in ["--help", "drift --help", "replicate --help"] {
        let text = read(line).unwrap_err().to_string();
        assert!(text.contains("Examples:") && text.contains("Exit status:"), "{line}: {text}");
    }
}

#[test]
fn manual_and_completions_know_the_commands() {
    let page = String::from_utf8(manual().unwrap()).unwrap();
    for wanted in ["scopesync replicate", "what\\-if", ".SH EXIT STATUS\n.nf\n", "SCOPESYNC_CONFIG"] {
        assert!(page.contains(wanted), "{wanted} in {page}");
    }
    let script = String::from_utf8(completions(Shell::Bash)).unwrap();
    assert!(script.contains("--computer-name"));
}
