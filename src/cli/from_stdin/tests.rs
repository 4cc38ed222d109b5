use super::*;
use crate::engine::select::ScopeSelector;

fn read(text: &str) -> Result<Selection, Failure> {
    let mut selection = Selection::default();
    select(text, &mut selection).map(|()| selection)
}

#[track_caller]
fn scopes(text: &str, ids: &[&str]) {
    let expected: Vec<ScopeSelector> = ids.iter().map(|id| id.parse().unwrap()).collect();
    let selection = read(text).unwrap_or_else(|failure| panic!("{text}: {failure}"));
    assert_eq!((selection.scope_ids, selection.names), (expected, vec![]), "{text}");
}

#[track_caller]
fn relationships(text: &str, names: &[&str]) {
    let selection = read(text).unwrap_or_else(|failure| panic!("{text}: {failure}"));
    assert_eq!((selection.scope_ids.len(), selection.names), (0, names.iter().map(|n| (*n).to_owned()).collect()));
}

#[track_caller]
fn refused(text: &str, reason: &str) {
    let failure = read(text).expect_err(text);
    assert!(failure.message.contains(reason) && failure.hint.is_some(), "{text}: {failure}");
}

#[test]
fn objects_arrays_and_lines_in_any_letter_case() {
    scopes(r#"{"ScopeId": "10.0.0.0"}"#, &["10.0.0.0"]);
    scopes(r#"[{"scopeid": "10.0.1.0"}, {"SCOPEID": "10.0.0.0"}]"#, &["10.0.0.0", "10.0.1.0"]);
    scopes("{\"scope_id\": \"10.0.1.0\"}\n{\"Scope_Id\": \"10.0.0.0/24\"}\n", &["10.0.0.0/24", "10.0.1.0"]);
    scopes("[[{\"ScopeId\":\"10.0.0.0\"}]]\r\n[{\"ScopeId\":\"10.0.0.0\"}]", &["10.0.0.0"]);
    relationships(r#"{"NAME": "Berlin"} {"name": "Bonn"} {"name": "Berlin"}"#, &["Berlin", "Bonn"]);
}

#[test]
fn what_powershell_makes_of_its_objects() {
    // a scope has a name too
    scopes(r#"{"ScopeId": "10.0.0.0", "Name": "Floor 1", "SubnetMask": "255.255.255.0"}"#, &["10.0.0.0"]);
    let object = r#"{"Name": "Floor 1", "ScopeId": {"Address": 10, "AddressFamily": 2, "ScopeId": null,
                     "IPAddressToString": "10.0.0.0"}}"#;
    scopes(object, &["10.0.0.0"]);
    let relationship = r#"{"Name": "SFO-SIN-Failover", "PartnerServer": "b", "ScopeId": ["10.0.0.0", "10.0.1.0"]}"#;
    relationships(relationship, &["SFO-SIN-Failover"]);
    let wrapped = r#"{"value": [{"Name": "a", "ScopeId": {"value": ["10.0.0.0"], "Count": 1}}], "Count": 1}"#;
    relationships(wrapped, &["a"]);
    relationships(r#"{"Name": "a", "ScopeId": null}"#, &["a"]);
    scopes(r#"{"ScopeId": ["10.0.0.0", {"IPAddressToString": "10.0.1.0"}]}"#, &["10.0.0.0", "10.0.1.0"]);
}

#[test]
fn what_scopesync_prints() {
    let listed = r#"{"schema": "scopesync.scopes/1", "scopes": [
        {"scope_id": "10.0.0.0", "prefix_length": 24, "name": "Floor", "relationship": "Berlin", "servers": []},
        {"scope_id": "10.0.0.0", "prefix_length": 25, "name": null, "relationship": "Berlin", "servers": []}]}"#;
    scopes(listed, &["10.0.0.0/24", "10.0.0.0/25"]);
    let listed = r#"{"schema": "scopesync.relationships/1", "servers": [{"name": "kea-1"}],
        "relationships": [{"name": "Berlin", "mode": "hot-standby", "members": [{"server": "kea-1", "scopes": 3}]}]}"#;
    relationships(listed, &["Berlin"]);
    // a comparison stands for the scopes in it, not for all of their relationship
    let drift = r#"{"schema": "scopesync.drift/1", "relationships": [{"name": "Berlin", "source": {"server": "kea-1"},
        "scopes": [{"scope_id": "10.0.0.0", "prefix_length": 24, "name": "Floor", "changes": [{"key": {"name": "x"}}]}]
        }], "summary": {"scopes": 1}}"#;
    scopes(drift, &["10.0.0.0/24"]);
}

#[test]
fn what_says_nothing_or_too_much_is_refused() {
    for empty in ["", " \n", "[]", "{\"relationships\": []}", "{\"name\": \"Berlin\", \"scopes\": []}", "[[]]"] {
        refused(empty, "names no scope and no relationship");
    }
    refused(r#"[{"ScopeId": "10.0.0.0"}, {"Name": "Berlin"}]"#, "has scopes and relationships");
    refused(r#"{"ScopeId": "10.0.0.0"} {"id": 1}"#, "object 2 of standard input: it has neither");
    refused(r#"{"ScopeId": "10.0.0"}"#, "object 1 of standard input: \"10.0.0\" is no scope id");
    refused(r#"{"ScopeId": "10.0.0.0", "prefix_length": 33}"#, "is no scope id");
    refused(r#"{"Name": ""}"#, "its Name is empty");
    refused(r#"{"ScopeId": [1]}"#, "a ScopeId in it is no text");
    refused(r#"["10.0.0.0"]"#, "\"10.0.0.0\" is a text and no object");
    refused("3", "it is no object");
    refused(r#"{"ScopeId": "10.0.0.0", "scopeid": "10.0.1.0"}"#, "the property \"scopeid\" is there twice");
}

#[test]
fn bad_json_names_its_place() {
    refused("{\"ScopeId\": \"10.0.0.0\"}\n{\"ScopeId\" \"10.0.1.0\"}", "no JSON: line 2, column 12: expected `:`");
    refused("{\"Name\": \"a\"", "line 1, column 12: EOF");
    refused("10.0.0.0\n", "line 1, column ");
    refused("Berlin", "line 1, column 1: expected value");
    let deep = "[".repeat(100_000);
    refused(&deep, "recursion limit");
}

#[test]
fn encodings_of_windows() {
    let json = "{\"Name\": \"Zürich\"}";
    let utf16: Vec<u8> = b"\xff\xfe".iter().copied().chain(json.encode_utf16().flat_map(u16::to_le_bytes)).collect();
    assert_eq!(text(utf16).unwrap(), json);
    assert_eq!(text(format!("\u{feff}{json}").into_bytes()).unwrap(), json);
    assert!(text(b"\xff\xfe\x00\xd8".to_vec()).unwrap_err().message.contains("UTF-16"));
    assert!(text(b"\x80".to_vec()).unwrap_err().message.contains("UTF-8"));
}

proptest::proptest! {
    #[test]
    fn nothing_that_is_read_selects_everything(text in "[\\[\\]{}\":,a-zA-Z0-9. ]{0,60}") {
        if let Ok(selection) = read(&text) {
            proptest::prop_assert!(selection.names.is_empty() != selection.scope_ids.is_empty());
        }
    }
}
