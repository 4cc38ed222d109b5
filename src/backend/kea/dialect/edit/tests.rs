use proptest::prelude::*;
use serde_json::json;

use super::super::print;
use super::*;

fn read(text: &str) -> Document {
    parse("t", text.as_bytes().to_vec(), |_| Err("none".into())).unwrap()
}

fn read_with(text: &str, files: &[(&str, &str)]) -> Document {
    parse("t", text.as_bytes().to_vec(), |name| {
        let found = files.iter().find(|(n, _)| n.as_bytes() == name);
        found.map(|(_, text)| text.as_bytes().to_vec()).ok_or_else(|| "none".into())
    })
    .unwrap()
}

fn set(at: &[Step], with: Json) -> Edit {
    Edit { at: at.to_vec(), with: Some(with) }
}

fn remove(at: &[Step]) -> Edit {
    Edit { at: at.to_vec(), with: None }
}

fn edited(text: &str, edits: &[Edit]) -> String {
    String::from_utf8(read(text).edit(edits).unwrap()).unwrap()
}

fn rewritten(text: &str, want: Json) -> String {
    edited(text, &[set(&[], want)])
}

const FILE: &str = r#"# kea
{ "Dhcp4": {
  // scopes
  "subnet4": [
    # Berlin
    {
      "id": 1, # the first
      "subnet": "10.0.1.0/24", /* never change */
      "reservations": [
        # printers
        { "hw-address": "01", "ip-address": "10.0.1.1" }, # floor 1
        { "hw-address": "02", "ip-address": "10.0.1.2" }, # floor 2
        { "hw-address": "03", "ip-address": "10.0.1.3" }  # floor 3
        # end
      ]
    }, # Berlin ends
    # Hamburg
    { "id": 2, "subnet": "10.0.2.0/24" } # Hamburg ends
  ],
  "valid-lifetime": 4000
} }
"#;

fn subnet(index: usize) -> Vec<Step> {
    vec!["Dhcp4".into(), "subnet4".into(), index.into()]
}

#[test]
fn nothing_to_change_changes_nothing() {
    assert_eq!(rewritten(FILE, read(FILE).root().to_json()), FILE);
    assert_eq!(edited(FILE, &[]), FILE);
}

#[test]
fn a_scope_is_changed_inside() {
    let mut want = read(FILE).root().to_json()["Dhcp4"]["subnet4"][0].clone();
    want["valid-lifetime"] = json!(600);
    want["reservations"][1]["hostname"] = json!("b");
    want["reservations"].as_array_mut().unwrap().remove(0);
    want["reservations"].as_array_mut().unwrap().push(json!({"hw-address": "04", "ip-address": "10.0.1.4"}));
    assert_eq!(
        edited(FILE, &[set(&subnet(0), want)]),
        FILE.replace(
            "        { \"hw-address\": \"01\", \"ip-address\": \"10.0.1.1\" }, # floor 1\n",
            "        # floor 1\n"
        )
        .replace("\"10.0.1.2\" }", "\"10.0.1.2\", \"hostname\": \"b\" }")
        .replace(
            "\"10.0.1.3\" }  # floor 3\n",
            "\"10.0.1.3\" },  # floor 3\n        { \"hw-address\": \"04\", \"ip-address\": \"10.0.1.4\" }\n"
        )
        .replace("# end\n      ]\n", "# end\n      ],\n      \"valid-lifetime\": 600\n")
    );
}

#[test]
fn scopes_go_and_come() {
    let new = json!({"id": 3, "subnet": "10.0.3.0/24", "pools": [{"pool": "10.0.3.1-10.0.3.9"}]});
    let append = set(&["Dhcp4".into(), "subnet4".into(), Step::Append], new.clone());
    let printed = "    {\n      \"id\": 3,\n      \"subnet\": \"10.0.3.0/24\",\n      \"pools\": [\n        { \"pool\": \"10.0.3.1-10.0.3.9\" }\n      ]\n    }\n";
    assert_eq!(
        edited(FILE, std::slice::from_ref(&append)),
        FILE.replace("} # Hamburg ends\n", &format!("}}, # Hamburg ends\n{printed}"))
    );
    let last_gone = FILE.replace("}, # Berlin ends", "} # Berlin ends");
    let hamburg = "    { \"id\": 2, \"subnet\": \"10.0.2.0/24\" } # Hamburg ends\n";
    assert_eq!(edited(FILE, &[remove(&subnet(1))]), last_gone.replace(hamburg, "    # Hamburg ends\n"));
    assert_eq!(
        edited(FILE, &[remove(&subnet(1)), append]),
        FILE.replace("}, # Berlin ends\n", &format!("}}, # Berlin ends\n{printed}"))
            .replace(hamburg, "    # Hamburg ends\n")
    );
    let none = edited(FILE, &[remove(&subnet(0)), remove(&subnet(1))]);
    assert!(
        none.contains("  \"subnet4\": [\n    # Berlin\n    # Berlin ends\n    # Hamburg\n    # Hamburg ends\n  ],\n"),
        "{none}"
    );
}

#[test]
fn a_missing_list_is_made() {
    let text = "{\n\t\"networks\": [\n\t\t{ \"name\": \"a\" }\n\t]\n}\n";
    let at = ["networks".into(), 0.into(), "subnet4".into(), Step::Append];
    assert_eq!(
        edited(text, &[set(&at, json!({"id": 1})), set(&["x".into()], json!([{"a": [1]}, {}]))]),
        "{\n\t\"networks\": [\n\t\t{ \"name\": \"a\", \"subnet4\": [ { \"id\": 1 } ] }\n\t],\n\t\"x\": [\n\t\t{\n\t\t\t\"a\": [ 1 ]\n\t\t},\n\t\t{}\n\t]\n}\n"
    );
}

#[test]
fn commas_and_layout() {
    for (text, want, result) in [
        ("[1, 2, 3]", json!([1, 3]), "[1, 3]"),
        ("[1, 2, 3]", json!([1, 2]), "[1, 2]"),
        ("[ 1, 2 ]", json!([1]), "[ 1 ]"),
        ("[ 1, 2 ]", json!([]), "[ ]"),
        ("[ 1, 2, ]", json!([1]), "[ 1, ]"),
        ("[ 1, 2,, ]", json!([]), "[ ]"),
        ("[1]", json!([1, 2]), "[1, 2]"),
        ("[1,]", json!([1, 2]), "[1, 2,]"),
        ("[1,,2]", json!([2]), "[2]"),
        ("[ 1 ]", json!([0, 1]), "[ 0, 1 ]"),
        ("[1]", json!([0, 1]), "[0, 1]"),
        ("[1, 3]", json!([1, 2, 3]), "[1, 2, 3]"),
        ("[]", json!([1, 2]), "[ 1, 2 ]"),
        ("[ ]", json!([1]), "[ 1 ]"),
        ("[]", json!([{"a": 1}]), "[\n    { \"a\": 1 }\n]"),
        ("[ # none\n]", json!([{}]), "[ # none\n    {}\n]"),
        ("[ 1 # one\n]", json!([1, 2]), "[ 1, # one\n2\n]"),
        ("[\n  1 /* one */, # uno\n  // two\n  2 # dos\n]", json!([1]), "[\n  1 /* one */ # uno\n  // two\n  # dos\n]"),
        ("[\r\n  1,\r\n  2\r\n]", json!([1, 2, 3]), "[\r\n  1,\r\n  2,\r\n  3\r\n]"),
        ("[\r\n  1,\r\n  2\r\n]", json!([1]), "[\r\n  1\r\n]"),
        ("[\r\n  1, # c\r\n  2]", json!([1]), "[\r\n  1 # c\r\n  ]"),
        ("{\"a\": 1, \"b\": 2}", json!({"b": {"c": [1]}}), "{\"b\": {\n    \"c\": [ 1 ]\n}}"),
        ("{}", json!({"a": 1}), "{ \"a\": 1 }"),
        ("{\"a\": [1], \"b\": 1}", json!({"a": 1, "b": [1]}), "{\"a\": 1, \"b\": [ 1 ]}"),
        (
            "[{\n  \"id\": 1\n}, {\n  \"id\": 2\n}]",
            json!([{"id": 1}, {"id": 2, "b": 0}]),
            "[{\n  \"id\": 1\n}, {\n  \"id\": 2,\n  \"b\": 0\n}]",
        ),
        ("[{\n  \"a\": 1\n}, {\n  \"a\": 2\n}]", json!([{"a": 1}, {"a": 3}]), "[{\n  \"a\": 1\n}, { \"a\": 3 } ]"),
    ] {
        assert_eq!(rewritten(text, want), result, "{text}");
    }
}

#[test]
fn edits_must_make_sense() {
    let refused = |edits: &[Edit]| matches!(read(FILE).edit(edits), Err(EditError::Path { .. }));
    assert!(refused(&[remove(&[])]));
    assert!(refused(&[remove(&subnet(2))]));
    assert!(refused(&[set(&subnet(7), json!({}))]));
    assert!(refused(&[remove(&["none".into()])]));
    assert!(refused(&[set(&["none".into(), "deeper".into()], json!(1))]));
    assert!(refused(&[set(&subnet(0), json!({})), remove(&subnet(0))]));
    let mut id = subnet(0);
    id.push("id".into());
    assert!(refused(&[set(&subnet(0), json!({})), set(&id, json!(1))]));
    assert!(refused(&[set(&id, json!(1)), set(&subnet(0), json!({}))]));
    assert!(refused(&[remove(&["Dhcp4".into(), Step::Append])]));
    assert!(!refused(&[set(&id, json!(9)), remove(&subnet(1))]));
}

#[test]
fn an_include_stays_and_is_never_written_through() {
    let files = [
        ("more", "{ \"id\": 2 }, # two\n{ \"id\": 3 }"),
        ("list", "[ 1 ]"),
        ("open", "{ \"id\": 9 },"),
        ("nothing", "# soon"),
    ];
    let text = "{\n  \"s\": [\n    { \"id\": 1 },\n    <?include \"more\"?>\n  ],\n  \"r\": <?include \"list\"?>\n}\n";
    let document = read_with(text, &files);
    let edit = |edits: &[Edit]| document.edit(edits).map(|t| String::from_utf8(t).unwrap());
    let s = |step: Step| vec!["s".into(), step];
    assert_eq!(edit(&[remove(&s(0.into()))]).unwrap(), text.replace("    { \"id\": 1 },\n", ""));
    assert_eq!(
        edit(&[set(&s(Step::Append), json!({"id": 4}))]).unwrap(),
        text.replace("<?include \"more\"?>\n", "<?include \"more\"?>,\n    { \"id\": 4 }\n")
    );
    assert_eq!(
        edit(&[set(&["t".into()], json!(1))]).unwrap(),
        text.replace("<?include \"list\"?>\n", "<?include \"list\"?>,\n  \"t\": 1\n")
    );
    for refused in [
        remove(&s(1.into())),
        set(&s(2.into()), json!({"id": 5})),
        remove(&["s".into()]),
        remove(&["r".into()]),
        set(&["r".into()], json!([2])),
        set(&["s".into()], json!(5)),
        set(&["r".into(), Step::Append], json!(2)),
    ] {
        let error = edit(std::slice::from_ref(&refused)).unwrap_err();
        assert!(matches!(error, EditError::Include { .. }), "{refused:?}: {error}");
    }
    let error = edit(&[remove(&s(1.into()))]).unwrap_err().to_string();
    assert!(error.contains("more") && error.contains("t:4:5"), "{error}");

    let document = read_with("[<?include \"open\"?> { \"id\": 1 } <?include \"nothing\"?> ]", &files);
    let edit = |edits: &[Edit]| document.edit(edits).map(|t| String::from_utf8(t).unwrap());
    assert!(matches!(edit(&[remove(&[1.into()])]), Err(EditError::Include { .. })));
    assert_eq!(
        edit(&[set(&[Step::Append], json!({"id": 2}))]).unwrap(),
        "[<?include \"open\"?> { \"id\": 1 }, { \"id\": 2 } <?include \"nothing\"?> ]"
    );
}

#[test]
fn what_kea_could_not_read_is_not_written() {
    let error = read("{}").edit(&[set(&["a".into()], json!(u64::MAX))]).unwrap_err();
    assert!(matches!(error, EditError::Check(Some(_))), "{error}");
}

/// Plain values and trees of them; small keys and values, so that equal ones meet.
fn json() -> impl Strategy<Value = Json> {
    let leaf = prop_oneof![
        Just(Json::Null),
        any::<bool>().prop_map(Json::from),
        (-3i64..3).prop_map(Json::from),
        any::<i64>().prop_map(Json::from),
        prop::num::f64::NORMAL.prop_map(Json::from),
        "[a-c#/\"\\\\\u{1}é]{0,4}".prop_map(Json::from),
    ];
    leaf.prop_recursive(4, 40, 5, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..5).prop_map(Json::from),
            prop::collection::vec(("id|name|[a-d]", inner), 0..5).prop_map(|m| Json::Object(m.into_iter().collect())),
        ]
    })
}

/// What may stand between two tokens.
fn noise() -> impl Strategy<Value = Vec<String>> {
    let piece = prop_oneof![
        4 => Just(" ".to_owned()),
        3 => Just("\n    ".to_owned()),
        1 => Just("\r\n\t".to_owned()),
        1 => "# [a-z,{\\]\"]{0,5}\n",
        1 => "//[a-z,}]{0,3}\r\n",
        1 => "/\\*[a-z,\n\\[]{0,4}\\*/",
        4 => Just(String::new()),
    ];
    prop::collection::vec(piece, 1..60)
}

/// Prints with noise between the tokens and commas too many.
fn noisy(value: &Json, noise: &[String]) -> String {
    fn write(out: &mut String, value: &Json, next: &mut dyn FnMut() -> String) {
        let list =
            |out: &mut String, open, close, items: Vec<(Option<&String>, &Json)>, next: &mut dyn FnMut() -> String| {
                out.push(open);
                let count = items.len();
                for (n, (key, item)) in items.into_iter().enumerate() {
                    out.push_str(&next());
                    if let Some(key) = key {
                        *out += &format!("{}{}:{}", print::inline(&Json::from(key.as_str())), next(), next());
                    }
                    write(out, item, next);
                    let space = next();
                    out.push_str(&space);
                    if n + 1 < count || space.contains('\n') {
                        out.push_str(if space.contains("/*") { ",," } else { "," });
                    }
                }
                out.push_str(&next());
                out.push(close);
            };
        match value {
            Json::Array(items) => list(out, '[', ']', items.iter().map(|v| (None, v)).collect(), next),
            Json::Object(items) => list(out, '{', '}', items.iter().map(|(k, v)| (Some(k), v)).collect(), next),
            plain => out.push_str(&print::inline(plain)),
        }
    }
    let mut pieces = noise.iter().cycle();
    let mut next = || pieces.next().cloned().unwrap_or_default();
    let mut out = next();
    write(&mut out, value, &mut next);
    out + &next()
}

fn any_trailing(node: &Node) -> bool {
    node.trailing_comma
        || node.elements().iter().any(any_trailing)
        || node.members().iter().any(|(_, node)| any_trailing(node))
}

/// A place in an array of the document and what shall stand there.
fn three_scopes() -> impl Strategy<Value = (Vec<Json>, Vec<String>, usize, Json)> {
    (prop::collection::vec(json(), 1..5), noise(), any::<prop::sample::Index>(), json())
        .prop_map(|(scopes, noise, index, new)| (index.index(scopes.len()), scopes, noise, new))
        .prop_map(|(index, scopes, noise, new)| (scopes, noise, index, new))
}

proptest! {
    #[test]
    fn what_is_printed_reads_back(value in json(), noise in noise()) {
        let styles = [Style::default(), Style { unit: "\t".into(), newline: "\r\n" }];
        let pretty = styles.map(|style| style.pretty(&value, "  "));
        for text in [pretty[0].clone(), pretty[1].clone(), print::inline(&value), noisy(&value, &noise)] {
            prop_assert_eq!(&read(&text).root().to_json(), &value, "{}", text);
        }
    }

    #[test]
    fn any_text_becomes_any_value(old in json(), new in json(), noise in noise()) {
        let text = noisy(&old, &noise);
        let result = read(&text).edit(&[Edit { at: vec![], with: Some(new.clone()) }]);
        let result = String::from_utf8(result.map_err(|e| TestCaseError::fail(format!("{e}: {text:?}")))?).unwrap();
        prop_assert_eq!(read(&result).root().to_json(), new);
        prop_assert!(any_trailing(read(&text).root()) || !any_trailing(read(&result).root()), "{}", result);
    }

    #[test]
    fn bytes_outside_of_the_scope_stay((scopes, noise, index, new) in three_scopes()) {
        let document = json!({"Dhcp4": {"subnet4": scopes.clone(), "after": [1, 2]}});
        let text = noisy(&document, &noise);
        let read_text = read(&text);
        let array = read_text.root().get("Dhcp4").and_then(|d| d.get("subnet4")).unwrap();
        let span = array.elements()[index].main_span().unwrap();

        let changed = edited(&text, &[set(&subnet(index), new.clone())]);
        prop_assert!(changed.starts_with(&text[..span.start]) && changed.ends_with(&text[span.end..]), "{}", changed);

        // A removal takes its comma and white space; nothing else.
        let bare = |text: &str| text.replace([' ', '\n', '\r', '\t', ','], "");
        let removed = edited(&text, &[remove(&subnet(index))]);
        prop_assert_eq!(bare(&removed), bare(&text[..span.start]) + &bare(&text[span.end..]));
        let trailing = |text: &str| read(text).root().get("Dhcp4").unwrap().get("subnet4").unwrap().trailing_comma;
        prop_assert!(!trailing(&removed) || trailing(&text));

        // A new one comes behind the last, with one comma.
        let append = edited(&text, &[set(&["Dhcp4".into(), "subnet4".into(), Step::Append], new)]);
        let last = array.elements().last().unwrap().main_span().unwrap();
        prop_assert!(append.starts_with(&text[..last.end]));
        prop_assert!(append.ends_with(&text[array.main_span().unwrap().end - 1..]));
        prop_assert_eq!(trailing(&append), trailing(&text));
    }
}
