//! Tests the paths, merges and comparisons of [`Document`].

use stackref::document::{Document, NodeId, ScriptHost, Syntax};
use stackref::text::source::{SourceFile, Span};
use std::collections::HashMap;
use std::sync::Arc;

fn parse(text: &str, syntax: Syntax) -> Document {
    Document::parse(Arc::new(SourceFile::new("a", text)), syntax).unwrap()
}

/// Returns the first node with this decoded text.
fn scalar(document: &Document, text: &str) -> NodeId {
    let mut nodes = document.nodes();
    nodes
        .find(|&(id, _)| document.text(id) == Some(text))
        .unwrap_or_else(|| panic!("no scalar `{text}`"))
        .0
}

#[test]
fn nul_byte_is_rejected_with_its_span_and_the_name_of_the_syntax() {
    for (syntax, name) in [
        (Syntax::Yaml, "YAML"),
        (Syntax::Toml, "TOML"),
        (Syntax::Json, "JSON"),
    ] {
        let error = Document::parse(Arc::new(SourceFile::new("a", "ab\0")), syntax).unwrap_err();
        assert_eq!(error.span, Span::new(2, 3));
        assert!(
            error.message.contains(&format!("a {name} file must not")),
            "{}",
            error.message
        );
    }
    assert!(
        Document::parse(
            Arc::new(SourceFile::new("a", "ab\0")),
            Syntax::Script(ScriptHost::Shell)
        )
        .is_ok()
    );
}

#[test]
fn path_contains_the_keys_and_indices_above_a_node() {
    let document = parse("a:\n  b:\n  - x\n  - c: y\n? [k]\n: z\n", Syntax::Yaml);
    for (text, path, item) in [
        ("x", "a.b.0", 5),
        ("y", "a.b.1.c", 5),
        ("b", "a.b", 5),
        ("z", "?", 31),
    ] {
        let id = scalar(&document, text);
        assert_eq!(document.path(id), path, "{text}");
        assert_eq!(document.root_item_start(id), item, "{text}");
    }
    let script = parse(
        "echo\nzenml x update --a=1\nzenml y update\n",
        Syntax::Script(ScriptHost::Shell),
    );
    assert_eq!(script.root_item_start(scalar(&script, "1")), 5);
    assert_eq!(script.root_item_start(scalar(&script, "y")), 26);
    assert_eq!(script.root_item_start(script.roots()[0]), 0);
}

#[test]
fn merged_entries_reduce_the_budget() {
    let document = parse(
        "a: &a {x: 1, y: 2}\nb: *a\nc: {<<: *a, x: 3}\nd: {<<: [*a, {z: 4}]}\n",
        Syntax::Yaml,
    );
    let root = document.roots()[0];
    // An alias costs one, and one for each entry. A merge costs the same for each mapping that it
    // reads, and one for each mapping that a merge key names.
    for (key, cost, merged) in [("a", 0, 2), ("b", 3, 2), ("c", 7, 2), ("d", 9, 3)] {
        let (_, value) = document.get(root, key).unwrap();
        let mut budget = cost;
        assert_eq!(
            document
                .merged_entries(value, &mut budget)
                .map(|entries| entries.len()),
            Some(merged),
            "{key}"
        );
        assert_eq!(budget, 0, "{key}");
        if let Some(mut insufficient) = cost.checked_sub(1) {
            assert_eq!(
                document.merged_entries(value, &mut insufficient),
                None,
                "{key}"
            );
        }
    }
    let (_, mapping) = document.get(root, "c").unwrap();
    let entries = document.merged_entries(mapping, &mut 100).unwrap();
    let texts: Vec<_> = entries
        .iter()
        .map(|&(_, value)| document.text(value).unwrap())
        .collect();
    assert_eq!(texts, ["3", "2"], "a mapping's own keys take precedence");
}

#[test]
fn find_difference_detects_each_kind_of_difference() {
    let differs = |original: &str, other: &str, syntax| {
        parse(original, syntax).find_difference(&parse(other, syntax), &HashMap::new())
    };
    let yaml = "a: &a x\nb: *a\nc: [1, y]\n";
    for other in [
        "a: &a z\nb: *a\nc: [1, y]\n",
        "a: &a 1\nb: *a\nc: [1, y]\n",
        "a: &a x\nb: x\nc: [1, y]\n",
        "a: &a x\nb: *a\nc: ['1', y]\n",
        "a: &a x\nb: *a\nc: [1]\n",
        "a: &a x\nb: *a\nc: {1: y}\n",
        "a: &a x\nb: *a\nc: [1, y]\nd: 1\n",
        "a: &a x\nb: *a\nc: [1, y]\n---\nd\n",
        "a: x\nb: &a x\nc: [1, *a]\n",
    ] {
        assert!(differs(yaml, other, Syntax::Yaml).is_some(), "{other:?}");
        assert!(differs(other, yaml, Syntax::Yaml).is_some(), "{other:?}");
    }
    assert_eq!(
        differs(
            yaml,
            "\"a\": &b 'x' # c\n\"b\": *b\n'c': [1, y]\n",
            Syntax::Yaml
        ),
        None
    );
    // The same nodes in the same order, but one of them is in another document of the file.
    assert!(differs("- a\n--- b\n", "- a\n- b\n", Syntax::Yaml).is_some());
    assert!(
        differs(
            "- &a x\n- &b x\n- *a\n",
            "- &a x\n- &b x\n- *b\n",
            Syntax::Yaml
        )
        .is_some()
    );
    assert_eq!(
        differs("[1, \"a\"]", "[ 1,\"\\u0061\" ]", Syntax::Json),
        None
    );
    // Equal in YAML 1.2. In YAML 1.1, U+2028 ends the line, and the text after it is a comment.
    assert!(differs("k: x\u{2028}# y\n", "k: 'x\u{2028}# y'\n", Syntax::Yaml).is_some());
    assert_eq!(
        differs("k: \"x\\L# y\"\n", "k: 'x\u{2028}# y'\n", Syntax::Yaml),
        None
    );
}

#[test]
fn changed_scalar_must_have_its_new_text_and_its_old_type() {
    let original = parse("a: x\nb: y\n", Syntax::Yaml);
    let changed = HashMap::from([(scalar(&original, "x"), "1".to_owned())]);
    assert_eq!(
        original.find_difference(&parse("a: '1'\nb: y\n", Syntax::Yaml), &changed),
        None
    );
    for other in [
        "a: 1\nb: y\n",
        "a: x\nb: y\n",
        "a: '1'\nb: z\n",
        "a: '2'\nb: y\n",
    ] {
        assert!(
            original
                .find_difference(&parse(other, Syntax::Yaml), &changed)
                .is_some(),
            "{other:?}"
        );
    }
}
