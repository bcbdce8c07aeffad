//! What `--fix` writes: only its own bytes differ, the file parses, and another run has nothing to add.

use crate::support::{check, folder, run};
use proptest::prelude::*;

/// Values in every style, right and wrong.
const VALUES: [&str; 16] = [
    "{{a.b}}",
    "{{ a.b }}",
    "'{{a.b}}'",
    "\"{{ a.b}}\"",
    "|\n      {{a.b}}",
    ">+\n      {{a.b}}\n\n",
    "|2\n        {{a.b}}",
    "{{ a.b }} # stackref: ignore[unknown-key]",
    "'{{a.x}}' # stackref: ignore[unknown-key, padded-reference] why",
    "plain # stackref: literal",
    "\"{{\\u0061.b }}\" # x # stackref: ignore[plaintext-secret]",
    "[{{a.b}}, '{{ a.b }}']",
    "{x: {{a.b}}, {{a.b}}: y}",
    "*anchor",
    "{{a.bb}}",
    "!tag '{{ aa.b }}'",
];

fn stack(values: &[&str], line_break: &str) -> String {
    let lines = values
        .iter()
        .enumerate()
        .map(|(at, value)| format!("    x{at}: {value}\n"));
    let attributes = lines.collect::<Vec<_>>().concat();
    let text = format!(
        "_: &anchor '{{{{ a.b }}}}'\ncomponents:\n  secrets_manager: {{flavor: local, name: l}}\n  metadata_store:\n    \
         # stackref: ignore[foreign-reference]\n{attributes}    flavor: mysql\n    name: s\nstack_name: x\n\
         zenml_version: 0.13.2\n"
    );
    text.replace('\n', line_break)
}

proptest! {
    #[test]
    fn fixing_twice_is_fixing_once(
        values in prop::collection::vec(prop::sample::select(VALUES.to_vec()), 1..6),
        line_break in prop::sample::select(vec!["\n", "\r\n"]),
        which in prop::sample::select(vec!["--fix", "--fix=suggestions"]),
    ) {
        let text = stack(&values, line_break);
        let folder = folder(&[("s.yaml", &text), ("secrets.inventory.yaml", "a: [b]\n")]);
        let read = || std::fs::read_to_string(folder.path().join("s.yaml")).unwrap();
        let before = check(folder.path(), &["--format", "short"]).stdout;
        let first = check(folder.path(), &[which, "--format", "short"]);
        let once = read();
        let second = check(folder.path(), &[which, "--format", "short"]);
        prop_assert_eq!(&once, &read(), "{}", text);
        prop_assert_eq!(&first.stdout, &second.stdout);
        let left = if which == "--fix" { second.stderr.replace(", 0 fixable with --fix,", ",") } else { second.stderr };
        prop_assert!(!left.contains("fixable") && !left.contains("fixed"), "{}", left);
        prop_assert!(before.contains("syntax-error") || !second.stdout.contains("syntax-error"), "{}", once);
        // Nothing but braces, blanks, quotes, marks of blocks, names and comments of our own may have changed.
        let kept = |text: &str| {
            let lines = text.lines().map(|line| line.split(" # stackref:").next().unwrap_or_default().trim_end());
            let lines = lines.filter(|line| !line.trim_start().starts_with("# stackref:"));
            lines.collect::<String>().replace(['"', ' ', '-', '+'], "").replace("aa.", "a.").replace(".bb", ".b")
        };
        prop_assert_eq!(kept(&text).replace(".x}}", ".b}}"), kept(&once).replace(".x}}", ".b}}"));
    }
}

/// The safe edits of a JSON report, applied by hand.
fn applied(text: &str, report: &str) -> String {
    let report: serde_json::Value = serde_json::from_str(report).unwrap();
    let fixes = report["findings"]
        .as_array()
        .unwrap()
        .iter()
        .map(|finding| &finding["fix"]);
    let safe = fixes.filter(|fix| fix["applicability"] == "safe");
    let number =
        |edit: &serde_json::Value, key: &str| usize::try_from(edit[key].as_u64().unwrap()).unwrap();
    let mut edits: Vec<(usize, usize, String)> = safe
        .flat_map(|fix| fix["edits"].as_array().unwrap())
        .map(|edit| {
            (
                number(edit, "offset"),
                number(edit, "length"),
                edit["replacement"].as_str().unwrap().to_owned(),
            )
        })
        .collect();
    edits.sort();
    let mut text = text.to_owned();
    for (offset, length, replacement) in edits.into_iter().rev() {
        text.replace_range(offset..offset + length, &replacement);
    }
    text
}

#[test]
fn what_the_report_says_a_fix_changes_is_what_it_changes() {
    let text = stack(
        &[
            "{{ a.b }}",
            "'{{a.b}}' # stackref: ignore[unknown-key]",
            "|\n      {{a.b}}\n    # stackref: literal",
        ],
        "\n",
    );
    let folder = folder(&[("s.yaml", &text), ("secrets.inventory.yaml", "a: [b]\n")]);
    let path = folder.path().join("s.yaml");
    let mut by_hand = text.clone();
    // Quotes show blanks that this version does not take, and what is mended shows ignores that are of no use.
    for _ in 0..5 {
        std::fs::write(&path, &by_hand).unwrap();
        by_hand = applied(
            &by_hand,
            &check(folder.path(), &["--format", "json"]).stdout,
        );
    }
    std::fs::write(&path, &text).unwrap();
    let output = run(&["check", "--fix", "--format", "short"], folder.path(), b"");
    let fixed = std::fs::read_to_string(&path).unwrap();
    assert_eq!(by_hand, fixed, "{}", output.stderr);
    assert!(
        !fixed.contains("stackref:") && fixed.contains("\"{{a.b}}\""),
        "{fixed}"
    );
}

/// A comment that ends a block scalar stays one, and comments above each other go on speaking of what is below them.
#[test]
fn taking_out_a_comment_changes_nothing_else() {
    for (lines, fixed) in [
        (
            "x: |+\n      text\n    # stackref: ignore[malformed-reference]\n\n    y: z",
            "x: |+\n      text\n    #\n\n    y: z",
        ),
        (
            "x: |\n      text\n    # stackref: ignore[malformed-reference]\n      # stackref: ignore[unknown-secret]\n    y: z",
            "x: |\n      text\n    #\n    y: z",
        ),
        (
            "x: y\n    # stackref: literal\n    # see ADR # stackref: ignore[unknown-secret]\n    fmt: '{{date}}'",
            "x: y\n    # stackref: literal\n    # see ADR\n    fmt: '{{date}}'",
        ),
        (
            "# stackref: ignore[unknown-secret] made later\n    # note # stackref: ignore[padded-reference]\n    z: '{{late.k}}'",
            "# stackref: ignore[unknown-secret] made later\n    # note\n    z: '{{late.k}}'",
        ),
        (
            "x: {{no.k}} # stackref: ignore[unknown-secret] prod only",
            "x: \"{{no.k}}\" # stackref: ignore[unknown-secret] prod only",
        ),
    ] {
        let text = |lines: &str| {
            format!(
                "components:\n  secrets_manager: {{flavor: local, name: l}}\n  metadata_store:\n    {lines}\n    flavor: mysql\n    \
                 name: s\nstack_name: x\nzenml_version: 0.13.2\n"
            )
        };
        let folder = folder(&[
            ("s.yaml", &text(lines)),
            ("secrets.inventory.yaml", "a: [b]\n"),
        ]);
        let output = check(folder.path(), &["--fix", "--format", "short"]);
        let written = std::fs::read_to_string(folder.path().join("s.yaml")).unwrap();
        assert_eq!(written, text(fixed), "{}{}", output.stdout, output.stderr);
    }
}

#[cfg(unix)]
#[test]
fn a_file_that_may_not_be_written_stays_and_is_told() {
    use std::os::unix::fs::PermissionsExt as _;
    let text = stack(&["{{a.b}}"], "\n");
    let folder = folder(&[("s.yaml", &text), ("secrets.inventory.yaml", "a: [b]\n")]);
    let path = folder.path().join("s.yaml");
    std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o444)).unwrap();
    let output = check(folder.path(), &["--fix", "--format", "short"]);
    assert_eq!(output.code, 2, "{}", output.stderr);
    assert!(
        output.stderr.contains("read-only") && !output.stderr.contains("1 fixed"),
        "{}",
        output.stderr
    );
    assert!(
        output.stdout.contains("unquoted-reference"),
        "{}",
        output.stdout
    );
    assert_eq!(std::fs::read_to_string(&path).unwrap(), text);
}
