use proptest::prelude::*;

use super::parameter::{PARAMETERS, Which};
use super::*;
use crate::cli::args::{Replicate, Selection};
use crate::engine::select::ScopeSelector;

fn words<'a>(words: impl IntoIterator<Item = &'a str>) -> Result<Cli, Refused> {
    Cli::understand(["scopesync", CMDLET].into_iter().chain(words).map(OsString::from))
}

fn cli(line: &str) -> Cli {
    words(line.split_whitespace()).unwrap_or_else(|refused| panic!("{line}: {refused:?}"))
}

#[track_caller]
fn replicate(line: &str) -> Replicate {
    match cli(line).command {
        Some(Command::Replicate(asked)) => asked,
        other => panic!("{line}: {other:?}"),
    }
}

/// The message and the hint.
#[track_caller]
fn refused(line: &str) -> (String, String) {
    match words(line.split(' ')) {
        Err(Refused::Parameters(failure)) => (failure.message, failure.hint.unwrap()),
        other => panic!("{line}: {other:?}"),
    }
}

fn scopes(ids: &[&str]) -> Vec<ScopeSelector> {
    ids.iter().map(|id| id.parse().unwrap()).collect()
}

fn nothing() -> Replicate {
    replicate("")
}

#[test]
fn the_examples_of_its_page() {
    let named = |names: &[&str], ids: &[&str]| Replicate {
        selection: Selection {
            names: names.iter().map(|name| (*name).to_owned()).collect(),
            scope_ids: scopes(ids),
            computer_name: Some("dhcpserver.contoso.com".to_owned()),
            from_stdin: false,
            spelling: Spelling::Cmdlet,
        },
        ..nothing()
    };
    let one = "-ComputerName dhcpserver.contoso.com -Name SFO-SIN-Failover";
    assert_eq!(replicate(one), named(&["SFO-SIN-Failover"], &[]));
    assert_eq!(replicate("-ComputerName dhcpserver.contoso.com"), named(&[], &[]));
    let three = "-ComputerName dhcpserver.contoso.com -ScopeId 10.10.10.0,20.20.20.0";
    assert_eq!(replicate(three), named(&[], &["10.10.10.0", "20.20.20.0"]));
}

#[test]
fn lists_in_every_way_that_they_are_written() {
    for line in [
        "-ScopeId 10.0.0.0,10.0.1.0",
        "-ScopeId 10.0.0.0, 10.0.1.0",
        "-ScopeId 10.0.0.0 ,10.0.1.0",
        "-ScopeId 10.0.0.0 , 10.0.1.0",
        "-ScopeId:10.0.0.0,10.0.1.0",
        "-ScopeId: 10.0.0.0,10.0.1.0",
        "-ScopeId '10.0.0.0',\"10.0.1.0\"",
        "\u{2013}ScopeId 10.0.0.0,10.0.1.0",
    ] {
        assert_eq!(replicate(line).selection.scope_ids, scopes(&["10.0.0.0", "10.0.1.0"]), "{line}");
    }
    assert_eq!(replicate("-CimSession a, 'b'").cim_sessions, ["a", "b"]);
    // only who knows the names can tell where one ends
    for line in ["-Name a,b c", "a,b c"] {
        let (message, _) = refused(line);
        assert_eq!(message, "A positional parameter cannot be found that accepts argument 'c'.");
    }
    assert_eq!(replicate("a, b -Force").selection.names, ["a, b"]);
    assert_eq!(replicate("-- -a").selection.names, ["-a"]);
}

#[test]
fn switches_and_what_turns_them_off() {
    let switches = |line: &str| {
        let asked = replicate(line).asking;
        (asked.force, asked.confirm, asked.what_if)
    };
    for (line, expected) in [
        ("", (false, false, false)),
        ("-Force", (true, false, false)),
        ("-Force:$true -Confirm:True -WhatIf:1", (true, true, true)),
        ("-Force:$false -WhatIf:FALSE", (false, false, false)),
        ("-Force: $false -WhatIf", (false, false, true)),
        ("-Confirm", (false, true, false)),
        ("-Confirm -Force", (true, true, false)),
        // who turns the confirmation off does not want to be asked
        ("-Confirm:$false", (true, false, false)),
        ("-Confirm:$false -Force:$false", (true, false, false)),
        ("-AsJob:$false -Verbose -Debug:0 -ErrorAction Continue -wa continue", (false, false, false)),
    ] {
        assert_eq!(switches(line), expected, "{line}");
    }
    assert_eq!(replicate("-ThrottleLimit 7").throttle_limit, Some(7));
}

#[test]
fn options_of_ours_among_the_parameters() {
    let cli = cli("-Force --demo --override option-43 -cn a --override=shrink-leases --json --log off");
    assert!(cli.global.demo && cli.global.log == Some("off".into()));
    let Some(Command::Replicate(asked)) = cli.command else { panic!() };
    assert_eq!(asked.asking.overrides, ["option-43", "shrink-leases"]);
    assert!(asked.asking.json && asked.asking.force && asked.selection.computer_name.as_deref() == Some("a"));
    let line = ["scopesync", "--read-only", "--config", "c.toml", "INVOKE-dhcpserverv4FailoverReplication", "-cn", "a"];
    let cli = Cli::understand(line.map(OsString::from)).unwrap();
    assert!(cli.global.read_only && cli.global.config == Some("c.toml".into()));
    assert!(replicate("--from-stdin -wi").selection.from_stdin);
}

#[test]
fn mistakes_are_refused_in_powershells_words() {
    let twice = "Cannot bind parameter because parameter 'Force' is specified more than once. To provide multiple \
                 values to parameters that can accept multiple values, use the array syntax. For example, \
                 \"-parameter value1,value2,value3\".";
    let conversion = "Cannot process argument transformation on parameter 'ScopeId'. Cannot convert value \"10.0.0\" \
                      to type \"System.Net.IPAddress\". Error: \"An invalid IP address was specified.\"";
    for (line, message, hint) in [
        (
            "-Foo",
            "A parameter cannot be found that matches parameter name 'Foo'.",
            "the parameters are -Name, -ScopeId,",
        ),
        ("-Frce", "A parameter cannot be found that matches parameter name 'Frce'.", "did you mean -Force?"),
        (
            "-ScopeIds 1",
            "A parameter cannot be found that matches parameter name 'ScopeIds'.",
            "did you mean -ScopeId?",
        ),
        (
            "-C a",
            "Parameter cannot be processed because the parameter name 'C' is ambiguous. Possible matches include: \
             -ComputerName -CimSession -Confirm.",
            "write more",
        ),
        (
            "-co a",
            "Parameter cannot be processed because the parameter name 'co' is ambiguous. Possible matches include: \
             -ComputerName -Confirm.",
            "write more",
        ),
        ("-Force -force:$false", twice, "commas"),
        (
            "-ScopeId",
            "Missing an argument for parameter 'ScopeId'. Specify a parameter of type 'System.Net.IPAddress[]' and try \
             again.",
            "variable of the shell",
        ),
        (
            "-Name -Force",
            "Missing an argument for parameter 'Name'. Specify a parameter of type 'System.String[]' and try again.",
            "-Name",
        ),
        // what a UNIX shell makes of -Force:$false
        (
            "-Force: -WhatIf",
            "Missing an argument for parameter 'Force'. Specify a parameter of type \
             'System.Management.Automation.SwitchParameter' and try again.",
            "'-Force:$false' in quotes",
        ),
        (
            "-Confirm:maybe",
            "Cannot process argument transformation on parameter 'Confirm'. Cannot convert value \"maybe\" to type \
             \"System.Management.Automation.SwitchParameter\". Boolean parameters accept only Boolean values and \
             numbers, such as $True, $False, 1 or 0.",
            "'-Confirm:$false'",
        ),
        ("-ScopeId 10.0.0", conversion, "write a network address"),
        ("-ScopeId 10.0.0.0,", "Missing argument in parameter list.", "commas"),
        ("-Name a,,b", "Missing argument in parameter list.", "commas"),
        ("-Name ", "Cannot bind argument to parameter 'Name' because it is an empty string.", "leave -Name out"),
        (
            "-ComputerName a,b",
            "Cannot process argument transformation on parameter 'ComputerName'. Cannot convert value to type \
             System.String.",
            "-CimSession takes several",
        ),
        (
            "-ThrottleLimit x",
            "Cannot process argument transformation on parameter 'ThrottleLimit'. Cannot convert value \"x\" to type \
             \"System.Int32\". Error: \"Input string was not in a correct format.\"",
            "side by side",
        ),
        (
            "-ThrottleLimit -1",
            "Cannot validate argument on parameter 'ThrottleLimit'. The -1 argument is less than the minimum allowed \
             range of 0. Supply an argument that is greater than or equal to 0 and then try the command again.",
            "0 lets scopesync choose",
        ),
        (
            "-ThrottleLimit -2147483649",
            "Cannot process argument transformation on parameter 'ThrottleLimit'. Cannot convert value \"-2147483649\" to \
             type \"System.Int32\". Error: \"Value was either too large or too small for an Int32.\"",
            "0 lets scopesync choose",
        ),
        ("a b", "A positional parameter cannot be found that accepts argument 'b'.", "only -Name"),
        ("--force", "A positional parameter cannot be found that accepts argument '--force'.", "one dash"),
        (
            "-Name a -ScopeId 10.0.0.0",
            "Parameter set cannot be resolved using the specified named parameters.",
            "exclude each other",
        ),
        ("-Debug", "-Debug is one of PowerShell's common parameters and has no meaning for scopesync", "leave it out"),
        ("-ErrorAction Stop", "-ErrorAction is one of PowerShell's common parameters", "exit status"),
        ("-ov x", "-OutVariable is one of PowerShell's common parameters", "leave it out"),
        ("-cn a -CimSession b", "-ComputerName and -CimSession both name the server", "takes several"),
        ("-Name a --from-stdin", "--from-stdin already says which scopes or relationships", "leave out"),
    ] {
        let (told, advice) = refused(line);
        let whole = message.ends_with('.');
        assert!(if whole { told == message } else { told.starts_with(message) }, "{line}: {told}\n{message}");
        assert!(advice.contains(hint), "{line}: {advice}");
    }
}

#[test]
fn help_is_the_cmdlets_own() {
    let page = |words: &[&str]| match Cli::understand(words.iter().map(OsString::from)) {
        Err(Refused::Arguments(page)) => page.to_string(),
        other => panic!("{words:?}: {other:?}"),
    };
    let help = page(&["scopesync", "help", &CMDLET.to_ascii_uppercase()]);
    assert!(help.contains("[-CimSession <CimSession[]>]") && help.contains("10.10.10.0,20.20.20.0"), "{help}");
    for ask in ["-?", "-h", "-Help", "--help"] {
        assert_eq!(page(&["scopesync", CMDLET, "-Force", ask]), help);
        assert_eq!(page(&["scopesync", CMDLET, ask]), help);
    }
    let own = PARAMETERS.iter().filter(|parameter| !matches!(parameter.which, Which::Other | Which::OtherSwitch));
    for parameter in own.filter(|parameter| parameter.which != Which::Action) {
        assert!(help.contains(&format!("-{}", parameter.name)), "{}", parameter.name);
    }
}

#[test]
fn options_in_the_operators_words() {
    assert_eq!(Spelling::Ours.option("--what-if"), "--what-if");
    assert_eq!(Spelling::Cmdlet.option("--what-if"), "-WhatIf");
    assert_eq!(Spelling::Cmdlet.option("--computer-name"), "-ComputerName");
}

/// A parameter of the cmdlet, with a value that it takes.
fn any_parameter() -> impl Strategy<Value = (&'static str, Option<&'static str>)> {
    prop::sample::select(vec![
        ("Name", Some("Berlin")),
        ("ScopeId", Some("10.0.0.0,10.0.1.0")),
        ("ComputerName", Some("kea-1")),
        ("CimSession", Some("kea-1,kea-2")),
        ("ThrottleLimit", Some("3")),
        ("Force", None),
        ("WhatIf", None),
        ("Confirm", None),
        ("Verbose", None),
    ])
}

proptest! {
    #[test]
    fn any_letter_case_and_any_unambiguous_beginning_mean_the_same(
        (name, value) in any_parameter(),
        length in 1..13_usize,
        cases in prop::collection::vec(any::<bool>(), 60),
    ) {
        let beginning = &name[..length.min(name.len())];
        let fits = |parameter: &&parameter::Parameter| {
            let begins = |name: &str| name.to_lowercase().starts_with(&beginning.to_lowercase());
            parameter.names().any(begins)
        };
        let is_alias = PARAMETERS.iter().any(|p| p.aliases.iter().any(|alias| alias.eq_ignore_ascii_case(beginning)));
        prop_assume!(!is_alias);
        let mixed = |text: &str| -> String {
            let flip = |(c, upper): (char, &bool)| if *upper { c.to_ascii_uppercase() } else { c.to_ascii_lowercase() };
            text.chars().zip(cases.iter().cycle()).map(flip).collect()
        };
        let parameter = |name: &str| std::iter::once(format!("-{name}")).chain(value.map(str::to_owned));
        let line = |cmdlet: &str, name: &str| {
            let words = ["scopesync".to_owned(), cmdlet.to_owned()].into_iter().chain(parameter(name));
            Cli::understand(words.map(OsString::from))
        };
        let full = line(CMDLET, name).unwrap();
        let short = line(&mixed(CMDLET), &mixed(beginning));
        match PARAMETERS.iter().filter(fits).count() {
            1 => prop_assert_eq!(short.unwrap(), full),
            _ => {
                let told = format!("{:?}", short.unwrap_err());
                prop_assert!(told.contains("is ambiguous"), "{}", told);
            }
        }
    }

    #[test]
    fn no_line_is_too_strange_to_be_told(words in prop::collection::vec("[-,:'\" a-zA-Z0-9.$–]{0,12}", 0..6)) {
        let words = ["scopesync".to_owned(), CMDLET.to_owned()].into_iter().chain(words);
        let understood = Cli::understand(words.map(OsString::from));
        if let Ok(cli) = understood {
            prop_assert!(matches!(cli.command, Some(Command::Replicate(_))));
        }
    }
}
