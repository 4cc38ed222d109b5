use serde_json::json;

use super::*;

fn read(text: &str) -> Result<Document, SyntaxError> {
    both_ways(text, |_| Err("no includes here".into()))
}

/// The tree, which must say the same as the JSON text.
fn both_ways(text: &str, load: impl Fn(&[u8]) -> Result<Vec<u8>, LoadError>) -> Result<Document, SyntaxError> {
    let read = parse("t.conf", text.as_bytes().to_vec(), &load);
    let json = to_json("t.conf", text.as_bytes().to_vec(), &load);
    let same = read.as_ref().map(|read| read.root().to_json().to_string()).map_err(ToString::to_string);
    assert_eq!(json.map(|json| String::from_utf8(json).unwrap()).map_err(|error| error.to_string()), same);
    read
}

/// Reads with some files at hand.
fn read_with(text: &str, files: &[(&str, &str)]) -> Result<Document, SyntaxError> {
    both_ways(text, |name| {
        let found = files.iter().find(|(n, _)| n.as_bytes() == name);
        found.map(|(_, text)| text.as_bytes().to_vec()).ok_or_else(|| "none".into())
    })
}

fn value(text: &str) -> Result<serde_json::Value, Problem> {
    match read(&format!("{{\"v\": {text}}}")) {
        Ok(document) => Ok(document.root().to_json()["v"].clone()),
        Err(error) => Err(error.problem),
    }
}

#[test]
fn comments_stand_between_any_tokens() {
    let text = "# a\n// b\n/* /* c **/{\"a\"/*d*/:#e\r}\n[1/**/,//f\n2]}#end";
    assert_eq!(read(text).unwrap().root().to_json(), json!({"a": [1, 2]}));
    let error = read("{}\n /* open").unwrap_err();
    assert_eq!((error.problem, error.place.line, error.place.column), (Problem::OpenComment, 2, 2));
    assert_eq!(read("/*/{}").unwrap_err().problem, Problem::OpenComment);
    assert_eq!(read("{/ }").unwrap_err().problem, Problem::Character(b'/'));
}

#[test]
fn commas_may_follow_but_not_lead() {
    for text in ["[1,,2,]", "[1,2,,]"] {
        assert_eq!(value(text).unwrap(), json!([1, 2]), "{text}");
    }
    assert_eq!(value("{\"a\":1,,\"b\":2,}").unwrap(), json!({"a": 1, "b": 2}));
    assert_eq!(read("{\"a\":1,}").unwrap().root().to_json(), json!({"a": 1}));
    for text in ["[,]", "[,1]", "{,}", "{,\"a\":1}"] {
        assert_eq!(value(text).unwrap_err(), Problem::LeadingComma, "{text}");
    }
    for text in ["[1 2]", "[1.5.5]", "[1-2]", "[\"a\"\"b\"]", "{\"a\":1 \"b\":2}", "[1}", "{1:2}", "{\"a\" 1}", "1 2"] {
        assert!(matches!(value(text), Err(Problem::Unexpected { .. })), "{text}");
    }
    for text in ["{\"a\":1},", "{} {}", "{}]", ""] {
        assert!(matches!(read(text).unwrap_err().problem, Problem::Unexpected { .. }), "{text}");
    }
}

#[test]
fn numbers_as_kea_reads_them() {
    for (text, want) in [
        ("-0", json!(0)),
        ("0012", json!(12)),
        ("-01", json!(-1)),
        ("9223372036854775807", json!(i64::MAX)),
        ("-9223372036854775808", json!(i64::MIN)),
        ("+1", json!(1.0)),
        ("1.", json!(1.0)),
        (".5", json!(0.5)),
        ("1e5", json!(1e5)),
        ("1.e5", json!(1e5)),
        ("-.5", json!(-0.5)),
        ("1E-400", json!(0.0)),
        ("9223372036854775808.0", json!(9_223_372_036_854_775_808.0)),
    ] {
        assert_eq!(value(text).unwrap(), want, "{text}");
    }
    for text in ["9223372036854775808", "1e400", "-", "+", ".", "-.", "+-1", "--1"] {
        assert_eq!(value(text).unwrap_err(), Problem::Number, "{text}");
    }
    for text in ["1e", "1.5e+", "0x1f", "1_0", "nan", "truex"] {
        assert!(matches!(value(text), Err(Problem::Character(_))), "{text}");
    }
    assert_eq!(value("True").unwrap_err(), Problem::KeywordCase);
    assert_eq!(value("[true,false,null]").unwrap(), json!([true, false, null]));
}

#[test]
fn strings_are_bytes() {
    assert_eq!(
        value(r#""a\n\/\\\"\b\f\r\tA# // /* <?include""#).unwrap(),
        json!("a\n/\\\"\u{8}\u{c}\r\tA# // /* <?include")
    );
    assert_eq!(value(r#""é""#).unwrap(), json!("é"));
    // Two escapes are two bytes, and together a letter; one alone is a byte that is no letter.
    assert_eq!(value(r#""\u00c3\u00A9""#).unwrap(), json!("é"));
    assert_eq!(value(r#""\u00e9""#).unwrap(), json!("\u{efe9}"));
    let latin = parse("t", b"{\"v\":\"\xe9\"} # \xe9\x00".to_vec(), |_| Err("".into())).unwrap();
    assert_eq!(latin.root().to_json(), json!({"v": "\u{efe9}"}));
    for text in [r#""\x41""#, r#""\u00""#, r#""\0""#, r#""\'""#, r#""\U0041""#] {
        assert_eq!(value(text).unwrap_err(), Problem::Escape, "{text}");
    }
    for text in [r#""\u0100""#, r#""\ud83d\ude00""#] {
        assert_eq!(value(text).unwrap_err(), Problem::WideEscape, "{text}");
    }
    assert_eq!(value("\"a\tb\"").unwrap_err(), Problem::Control(b'\t'));
    assert_eq!(value("\"a\nb\"").unwrap_err(), Problem::OpenString);
    assert_eq!(value("\"a").unwrap_err(), Problem::OpenString);
}

#[test]
fn an_error_names_its_place() {
    let error = read("{\n  \"a\": 1,\n  \"b\": 2, \"a\": 3\n}").unwrap_err();
    assert_eq!(
        error.to_string(),
        "t.conf:3:11: the key \"a\" stands in this object already, at line 2 column 3 of t.conf"
    );
    let many: String = (0..100).map(|n| format!("\"k{n}\":1,")).collect();
    assert!(read(&format!("{{{many}\"last\":0}}")).is_ok());
    for late in [3, 64, 99] {
        let error = read(&format!("{{{many}\"k{late}\":0}}")).unwrap_err();
        assert!(matches!(error.problem, Problem::DuplicateKey { .. }), "k{late}");
    }
    assert_eq!(read("\u{feff}{}").unwrap_err().problem, Problem::Character(0xef));
    assert!(read("\u{feff}{}").unwrap_err().to_string().contains("byte order mark"));
    let hostile = read("{\"\u{1b}[2J\u{202e}\":1,\"\u{1b}[2J\u{202e}\":1}");
    assert_eq!(hostile.unwrap_err().problem, Problem::Control(0x1b));
    let shown = read("{\"\u{202e}\":1,\"\u{202e}\":1}").unwrap_err().to_string();
    assert!(!shown.contains('\u{202e}'), "{shown}");
}

#[test]
fn depth_is_limited() {
    let nested = |depth: usize| format!("{}{}", "[".repeat(depth), "]".repeat(depth));
    assert!(read(&nested(MAX_DEPTH)).is_ok());
    assert_eq!(read(&nested(MAX_DEPTH + 1)).unwrap_err().problem, Problem::TooDeep);
    assert_eq!(read(&"[{\"a\":".repeat(1_000_000)).unwrap_err().problem, Problem::TooDeep);
}

#[test]
fn an_include_goes_on_in_its_place() {
    let files = [("v", "4000 # c"), ("kvc", "\"b\": 2,"), ("half", "{\"x\": 1,"), ("deep", "<?include \"v\"?>")];
    let text = "{\"a\": <? include\n\"v\" ?>, <?include\"kvc\"?> \"c\": [<?include \"half\"?> \"y\": 2}], \"d\": <?include \"deep\"?>}";
    let document = read_with(text, &files).unwrap();
    assert_eq!(document.root().to_json(), json!({"a": 4000, "b": 2, "c": [{"x": 1, "y": 2}], "d": 4000}));
    let root = document.root();
    let include = |node: &Node| document.include_of(node).map(|s| s.path.to_str().unwrap().to_owned());
    assert_eq!(include(root.get("a").unwrap()).unwrap(), "v");
    assert_eq!(include(&root.get("c").unwrap().elements()[0]).unwrap(), "half");
    assert_eq!(include(root.get("c").unwrap()).unwrap(), "half");
    assert_eq!(document.sources().len(), 6);
    let (from, to) = document.sources()[1].directive.unwrap();
    assert_eq!(&text[from.offset()..to.offset()], "<? include\n\"v\" ?>");
}

#[test]
fn what_an_include_cannot_do() {
    let files = [("open", "/* x"), ("self", "<?include \"self\"?>"), ("forty", "40"), ("bad", "\n }")];
    let problem = |text: &str| read_with(text, &files).unwrap_err();
    assert_eq!(problem("{<?include \"open\"?> */}").problem, Problem::OpenComment);
    assert_eq!(problem("[<?include \"self\"?>]").problem, Problem::TooManyIncludes);
    assert!(matches!(problem("[<?include \"forty\"?>00]").problem, Problem::Unexpected { .. }));
    assert_eq!(problem("[<?include \"bad\"?>]").place.to_string(), "bad:2:2");
    assert!(matches!(problem("[<?include \"none\"?>]").problem, Problem::Include { .. }));
    for text in [
        "[<?",
        "[<?include",
        "[<?include \"\"?>]",
        "[<?Include \"forty\"?>]",
        "[<?include /**/ \"forty\"?>]",
        "[<?include \"forty\" x?>]",
        "[<?include \"forty\">]",
        "[<?include \"forty\n\"?>]",
    ] {
        assert_eq!(problem(text).problem, Problem::Directive, "{text}");
    }
}

#[test]
fn eleven_includes_deep_as_kea() {
    let chain = |length: usize| {
        parse("t", b"[<?include \"0\"?>]".to_vec(), move |name| {
            let n: usize = std::str::from_utf8(name).unwrap().parse().unwrap();
            let text = if n + 1 < length { format!("<?include \"{}\"?>", n + 1) } else { "1".to_owned() };
            Ok(text.into_bytes())
        })
    };
    assert!(chain(11).is_ok());
    assert_eq!(chain(12).unwrap_err().problem, Problem::TooManyIncludes);
}

proptest::proptest! {
    /// Whatever stands in a file, reading ends; what can be read can be edited or is refused.
    #[test]
    fn hostile_text_is_refused_not_feared(
        text in "[\\[\\]{}:,\"\\\\#/* \n01eu.?<a-]{0,40}|(\\{|\\[|1|\"a\":|,|<\\?include \"(i|j)\"\\?>|\\]|\\}|/\\*|\\*/|#|\n){0,24}",
        include in "(\\{|\\[|1|\"b\":|,|\\]|\\}|#){0,6}",
    ) {
        let read = parse("t", text.into_bytes(), |name| if name == b"i" { Ok(include.clone().into_bytes()) } else { Ok(b"2".to_vec()) });
        let Ok(document) = read else { return Ok(()) };
        for want in [json!({}), json!([1, 2, {"a": 1}]), json!({"a": [], "c": 1})] {
            let edit = edit::Edit { at: vec![], with: Some(want.clone()) };
            if let Ok(text) = document.edit(&[edit]) {
                let again = parse("t", text, |name| if name == b"i" { Ok(include.clone().into_bytes()) } else { Ok(b"2".to_vec()) });
                proptest::prop_assert_eq!(again.unwrap().root().to_json(), want);
            }
        }
    }
}
