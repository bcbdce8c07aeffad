//! New entries by themselves, in layouts that no inventory has to have: lists of maps, empty values, line breaks of old.

use stackref::document::{Document, NewValue, NodeId, Syntax, apply, format_name_map};
use stackref::text::source::SourceFile;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

fn parse(text: &str, syntax: Syntax) -> Document {
    Document::parse(Arc::new(SourceFile::new("a", text)), syntax).unwrap()
}

/// The node behind keys that are joined with dots; the root, where there are none.
fn at(document: &Document, path: &str) -> NodeId {
    let keys = path.split('.').filter(|key| !key.is_empty());
    keys.fold(document.roots()[0], |node, key| {
        document.get(node, key).unwrap().1
    })
}

fn inserted(text: &str, syntax: Syntax, path: &str, fresh: &NewValue<'_>) -> Option<String> {
    let document = parse(text, syntax);
    let edits = document.insert(at(&document, path), &[("s", *fresh)])?;
    Some(apply(text, &edits).unwrap())
}

const PAIRS: NewValue<'_> = NewValue::Map(&[("k", "v"), ("l", "w")]);
const NAMES: NewValue<'_> = NewValue::Names(&["k", "l"]);

#[test]
fn entries_of_several_parts_are_written_in_the_manner_of_their_neighbours() {
    for (syntax, text, path, fresh, expected) in [
        (
            Syntax::Yaml,
            "a: 1\n",
            "",
            &PAIRS,
            "a: 1\ns:\n  k: \"v\"\n  l: \"w\"\n",
        ),
        (Syntax::Yaml, "a: 1\n", "", &NAMES, "a: 1\ns: [k, l]\n"),
        (
            Syntax::Yaml,
            "a: 1\n",
            "",
            &NewValue::Map(&[]),
            "a: 1\ns: {}\n",
        ),
        (
            Syntax::Yaml,
            "{a: {x: w}}\n",
            "",
            &PAIRS,
            "{a: {x: w}, s: {k: \"v\", l: \"w\"}}\n",
        ),
        (
            Syntax::Yaml,
            "a: {x: w}\n",
            "a",
            &NewValue::Text("v"),
            "a: {x: w, s: \"v\"}\n",
        ),
        (
            Syntax::Toml,
            "a = { x = 'w' }\n",
            "",
            &PAIRS,
            "a = { x = 'w' }\ns = { k = \"v\", l = \"w\" }\n",
        ),
        (
            Syntax::Toml,
            "a = { x='w' }\n",
            "a",
            &NewValue::Text("v"),
            "a = { x='w', s=\"v\" }\n",
        ),
        (
            Syntax::Toml,
            "[a]\nx = 1\n\n",
            "",
            &PAIRS,
            "[a]\nx = 1\n\n[s]\nk = \"v\"\nl = \"w\"\n",
        ),
        (
            Syntax::Toml,
            "[a]\r\nx = 1\r\n\r\n",
            "",
            &PAIRS,
            "[a]\r\nx = 1\r\n\r\n[s]\r\nk = \"v\"\r\nl = \"w\"\r\n",
        ),
        (
            Syntax::Toml,
            "a = 1\n",
            "",
            &NewValue::Names(&[]),
            "a = 1\ns = []\n",
        ),
        (
            Syntax::Json,
            "{\"a\": []}",
            "",
            &PAIRS,
            "{\"a\": [], \"s\": {\"k\": \"v\", \"l\": \"w\"}}",
        ),
        (
            Syntax::Json,
            "{\"a\":1}",
            "",
            &PAIRS,
            "{\"a\":1,\"s\":{\"k\":\"v\",\"l\":\"w\"}}",
        ),
        (
            Syntax::Json,
            "{\"a\": 1}",
            "",
            &NewValue::Map(&[]),
            "{\"a\": 1, \"s\": {}}",
        ),
        (
            Syntax::Json,
            "{\n  \"a\": 1\n}",
            "",
            &NewValue::Map(&[]),
            "{\n  \"a\": 1,\n  \"s\": {}\n}",
        ),
        (
            Syntax::Json,
            "{\n  \"a\": []\n}",
            "",
            &PAIRS,
            "{\n  \"a\": [],\n  \"s\": {\n    \"k\": \"v\",\n    \"l\": \"w\"\n  }\n}",
        ),
        (
            Syntax::Json,
            "{\n  \"a\": {\"x\": 1}\n}",
            "",
            &PAIRS,
            "{\n  \"a\": {\"x\": 1},\n  \"s\": {\"k\": \"v\", \"l\": \"w\"}\n}",
        ),
        (
            Syntax::Json,
            "{\n  \"a\": {\n      \"x\": 1\n  }\n}",
            "",
            &PAIRS,
            "{\n  \"a\": {\n      \"x\": 1\n  },\n  \"s\": {\n      \"k\": \"v\",\n      \"l\": \"w\"\n  }\n}",
        ),
        (
            Syntax::Json,
            "{\"o\": {\n  \"a\": 1\n}}",
            "o",
            &PAIRS,
            "{\"o\": {\n  \"a\": 1,\n  \"s\": {\"k\": \"v\", \"l\": \"w\"}\n}}",
        ),
    ] {
        assert_eq!(
            inserted(text, syntax, path, fresh).as_deref(),
            Some(expected),
            "{text:?}"
        );
        parse(expected, syntax);
    }
}

#[test]
fn an_entry_stands_behind_the_content_and_before_what_follows() {
    let text = NewValue::Text("v");
    for (before, path, expected) in [
        (
            "o:\n  a:\n  - x\n\n# c\np: {}\n",
            "o",
            "o:\n  a:\n  - x\n  s: \"v\"\n\n# c\np: {}\n",
        ),
        (
            "o:\n  a: p\n    q\np: {}\n",
            "o",
            "o:\n  a: p\n    q\n  s: \"v\"\np: {}\n",
        ),
        (
            "o:\n  a: [\n   x]\n\np: {}\n",
            "o",
            "o:\n  a: [\n   x]\n  s: \"v\"\n\np: {}\n",
        ),
        ("\u{feff}a: |\n  b", "", "\u{feff}s: \"v\"\na: |\n  b"),
        (
            "# c\n...\n---\na: b\n",
            "",
            "# c\n...\n---\na: b\ns: \"v\"\n",
        ),
        (
            "a: b\n... # c\n---\nc: d\n",
            "",
            "a: b\ns: \"v\"\n... # c\n---\nc: d\n",
        ),
        ("a: {\n # c\n }\n", "a", "a: {s: \"v\"\n # c\n }\n"),
        (
            "a: {\r  x: w # c\r }\r",
            "a",
            "a: {\r  x: w, # c\r  s: \"v\"\r }\r",
        ),
        (
            "a: {\r  x: w, # c\r }\r",
            "a",
            "a: {\r  x: w, # c\r  s: \"v\",\r }\r",
        ),
    ] {
        assert_eq!(
            inserted(before, Syntax::Yaml, path, &text).as_deref(),
            Some(expected),
            "{before:?}"
        );
    }
    // Its only part has a header of its own, so there is no line to stand on.
    assert_eq!(inserted("[a.b]\nx = 1\n", Syntax::Toml, "a", &text), None);
}

#[test]
fn items_go_below_the_last_one_where_that_stands_alone_behind_its_dash() {
    let pushed = |text: &str, syntax| {
        let document = parse(text, syntax);
        let edits = document.push(at(&document, "a"), &["k"])?;
        Some(apply(text, &edits).unwrap())
    };
    assert_eq!(
        pushed("a:\n-   x\nb: 1\n", Syntax::Yaml).as_deref(),
        Some("a:\n-   x\n-   k\nb: 1\n")
    );
    assert_eq!(
        pushed("a:\n  - x", Syntax::Yaml).as_deref(),
        Some("a:\n  - x\n  - k\n")
    );
    assert_eq!(
        pushed("{\"a\": [\"x\"]}", Syntax::Json).as_deref(),
        Some("{\"a\": [\"x\", \"k\"]}")
    );
    for text in ["a:\n- &n x\n", "a:\n-\n  x\n", "a: []\nb: 1\n"] {
        let expected = text.contains("[]").then_some("a: [k]\nb: 1\n");
        assert_eq!(pushed(text, Syntax::Yaml).as_deref(), expected, "{text:?}");
    }
    let lines = |text: &str, syntax| {
        let document = parse(text, syntax);
        let edits = document.push_lines(at(&document, "a"), &["p: 1", "q: 2"])?;
        Some(apply(text, &edits).unwrap())
    };
    assert_eq!(
        lines("a:\n  - p: 0\n", Syntax::Yaml).as_deref(),
        Some("a:\n  - p: 0\n  - p: 1\n    q: 2\n")
    );
    assert_eq!(lines("a: [x]\n", Syntax::Yaml), None);
    assert_eq!(lines("a = ['x']\n", Syntax::Toml), None);
}

#[test]
fn a_file_of_names_has_a_line_for_each() {
    let entries = |names: &[(&str, &[&str])]| -> BTreeMap<String, BTreeSet<String>> {
        let items = |items: &[&str]| items.iter().map(|item| (*item).to_owned()).collect();
        names
            .iter()
            .map(|(name, list)| ((*name).to_owned(), items(list)))
            .collect()
    };
    let names = entries(&[("b 1", &["x", "0"]), ("a", &[])]);
    assert_eq!(
        format_name_map(Syntax::Yaml, &names),
        "a: []\nb 1: [\"0\", x]\n"
    );
    assert_eq!(
        format_name_map(Syntax::Toml, &names),
        "a = []\n\"b 1\" = [\"0\", \"x\"]\n"
    );
    assert_eq!(
        format_name_map(Syntax::Json, &names),
        "{\n  \"a\": [],\n  \"b 1\": [\"0\", \"x\"]\n}\n"
    );
    let none = entries(&[]);
    assert_eq!(
        [Syntax::Yaml, Syntax::Toml, Syntax::Json].map(|syntax| format_name_map(syntax, &none)),
        ["{}\n", "", "{}\n"]
    );
}
