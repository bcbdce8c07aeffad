//! Tests edits that add entries to a document, also in layouts that inventories do not have:
//! sequences of mappings, empty values, and CR as a line break.

use stackref::document::{Document, NewValue, NodeId, Syntax, apply, format_name_map};
use stackref::text::source::SourceFile;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

fn parse(text: &str, syntax: Syntax) -> Document {
    Document::parse(Arc::new(SourceFile::new("a", text)), syntax).unwrap()
}

/// Returns the node at a path of keys joined with dots, or the root for an empty path.
fn node_at(document: &Document, path: &str) -> NodeId {
    let keys = path.split('.').filter(|key| !key.is_empty());
    keys.fold(document.roots()[0], |node, key| {
        document.get(node, key).unwrap().1
    })
}

/// Returns the text with a new key `s`, or `None` if no edit can add it.
fn insert(text: &str, syntax: Syntax, path: &str, value: &NewValue<'_>) -> Option<String> {
    let document = parse(text, syntax);
    let edits = document.insert(node_at(&document, path), &[("s", *value)])?;
    Some(apply(text, &edits).unwrap())
}

const PAIRS: NewValue<'_> = NewValue::Map(&[("k", "v"), ("l", "w")]);
const NAMES: NewValue<'_> = NewValue::Names(&["k", "l"]);

#[test]
fn new_entries_follow_the_style_of_adjacent_entries() {
    for (syntax, text, path, value, expected) in [
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
            insert(text, syntax, path, value).as_deref(),
            Some(expected),
            "{text:?}"
        );
        parse(expected, syntax);
    }
}

#[test]
fn new_entry_follows_the_content_and_precedes_later_comments() {
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
            insert(before, Syntax::Yaml, path, &text).as_deref(),
            Some(expected),
            "{before:?}"
        );
    }
    // The only header is `[a.b]`, so the file has no line for the keys of `a`.
    assert_eq!(insert("[a.b]\nx = 1\n", Syntax::Toml, "a", &text), None);
}

#[test]
fn items_are_added_below_a_last_item_that_directly_follows_its_dash() {
    let push = |text: &str, syntax| {
        let document = parse(text, syntax);
        let edits = document.push(node_at(&document, "a"), &["k"])?;
        Some(apply(text, &edits).unwrap())
    };
    assert_eq!(
        push("a:\n-   x\nb: 1\n", Syntax::Yaml).as_deref(),
        Some("a:\n-   x\n-   k\nb: 1\n")
    );
    assert_eq!(
        push("a:\n  - x", Syntax::Yaml).as_deref(),
        Some("a:\n  - x\n  - k\n")
    );
    assert_eq!(
        push("{\"a\": [\"x\"]}", Syntax::Json).as_deref(),
        Some("{\"a\": [\"x\", \"k\"]}")
    );
    for text in ["a:\n- &n x\n", "a:\n-\n  x\n", "a: []\nb: 1\n"] {
        let expected = text.contains("[]").then_some("a: [k]\nb: 1\n");
        assert_eq!(push(text, Syntax::Yaml).as_deref(), expected, "{text:?}");
    }
    let push_lines = |text: &str, syntax| {
        let document = parse(text, syntax);
        let edits = document.push_lines(node_at(&document, "a"), &["p: 1", "q: 2"])?;
        Some(apply(text, &edits).unwrap())
    };
    assert_eq!(
        push_lines("a:\n  - p: 0\n", Syntax::Yaml).as_deref(),
        Some("a:\n  - p: 0\n  - p: 1\n    q: 2\n")
    );
    assert_eq!(push_lines("a: [x]\n", Syntax::Yaml), None);
    assert_eq!(push_lines("a = ['x']\n", Syntax::Toml), None);
}

#[test]
fn name_map_has_a_line_for_each_secret() {
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
