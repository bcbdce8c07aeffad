//! Tests `check --add-ignores`: it adds only comments, and the next `check` reports nothing.

use crate::support::{check, folder, run};
use proptest::prelude::*;
use std::path::Path;

const INVENTORY: &str = "mlflow: [username, password]\n";

fn stack(attributes: &str) -> String {
    format!(
        "components:\n  experiment_tracker:\n    configuration:\n{attributes}    flavor: mlflow\n    name: tracker\n    \
         type: experiment_tracker\nstack_name: s\nzenml_version: 0.98.0\n"
    )
}

fn read(folder: &Path, name: &str) -> String {
    std::fs::read_to_string(folder.join(name)).unwrap()
}

/// Returns the text without the ignore comments that `--add-ignores` adds.
fn without_comments(text: &str) -> String {
    let lines = text
        .lines()
        .filter(|line| !line.trim_start().starts_with("# stackref: ignore["));
    lines
        .map(|line| {
            line.split(" # stackref: ignore[")
                .next()
                .unwrap_or_default()
                .trim_end()
                .to_owned()
                + "\n"
        })
        .collect()
}

#[test]
fn each_finding_gets_an_ignore_comment() {
    for (attributes, annotated) in [
        // At the end of the line, also after an existing comment.
        (
            "      x: '{{no.k}}'\n",
            "      x: '{{no.k}}' # stackref: ignore[unknown-secret]\n",
        ),
        (
            "      x: '{{no.k}}' # why\n",
            "      x: '{{no.k}}' # why # stackref: ignore[unknown-secret]\n",
        ),
        // Above a block scalar, and above a multi-line scalar, which cannot contain a comment.
        (
            "      x: |-\n        {{no.k}}\n",
            "      # stackref: ignore[unknown-secret]\n      x: |-\n        {{no.k}}\n",
        ),
        (
            "      x: \"a\n        {{no.k}}\n        b\"\n",
            "      # stackref: ignore[embedded-reference]\n      x: \"a\n        {{no.k}}\n        b\"\n",
        ),
        (
            "      x: a\n        {{no.k}}\n        b\n",
            "      # stackref: ignore[embedded-reference]\n      x: a\n        {{no.k}}\n        b\n",
        ),
        // In an existing ignore comment, on the line or above it. The reason stays.
        (
            "      x: '{{no.k}}' # stackref: ignore[unknown-key] later\n",
            "      x: '{{no.k}}' # stackref: ignore[unknown-key, unknown-secret] later\n",
        ),
        (
            "      # stackref: ignore[ unknown-key, ]\n      x: '{{no.k}}'\n",
            "      # stackref: ignore[unknown-key, unknown-secret]\n      x: '{{no.k}}'\n",
        ),
        // Two findings on one line, and a value with a `literal` comment.
        (
            "      x: ['{{no.k}}', '{{no.l}}']\n",
            "      x: ['{{no.k}}', '{{no.l}}'] # stackref: ignore[nested-reference]\n",
        ),
        (
            "      # stackref: literal\n      x: '{{no.k}}'\n      y: '{{no.k}}'\n",
            "      # stackref: literal\n      x: '{{no.k}}'\n      y: '{{no.k}}' # stackref: ignore[unknown-secret]\n",
        ),
        // An ignore comment that suppresses nothing.
        (
            "      x: y # stackref: ignore[unknown-key]\n",
            "      x: y # stackref: ignore[unknown-key, unused-ignore]\n",
        ),
    ] {
        for line_break in ["\n", "\r\n"] {
            let text = |attributes: &str| stack(attributes).replace('\n', line_break);
            let folder = folder(&[
                ("s.yaml", &text(attributes)),
                ("secrets.inventory.yaml", INVENTORY),
            ]);
            let added = check(folder.path(), &["--add-ignores", "s.yaml"]);
            assert_eq!(
                read(folder.path(), "s.yaml"),
                text(annotated),
                "{}",
                added.stderr
            );
            assert_eq!(
                (added.code, added.stdout.as_str()),
                (0, ""),
                "{attributes}: {}",
                added.stderr
            );
            let second = check(
                folder.path(),
                &["--add-ignores", "s.yaml", "--deny-warnings"],
            );
            assert_eq!(
                (second.code, second.stdout.as_str()),
                (0, ""),
                "{attributes}: {}",
                second.stderr
            );
            assert_eq!(read(folder.path(), "s.yaml"), text(annotated));
        }
    }
}

#[test]
fn multi_line_toml_string_gets_the_comment_above_it() {
    let text = |first: &str, second: &str| {
        format!(
            "stack_name = \"s\"\nzenml_version = \"0.98.0\"\n[components.experiment_tracker]\nflavor = \"mlflow\"\n\
             name = \"t\"\ntype = \"experiment_tracker\"\n[components.experiment_tracker.configuration]\n\
             x = \"{{{{no.k}}}}\"{first}\n{second}y = \"\"\"\na {{{{no.k}}}}\n\"\"\"\n"
        )
    };
    let folder = folder(&[
        ("s.toml", &text("", "")),
        ("secrets.inventory.yaml", INVENTORY),
    ]);
    let added = check(folder.path(), &["--add-ignores", "s.toml"]);
    let expected = text(
        " # stackref: ignore[unknown-secret]",
        "# stackref: ignore[embedded-reference]\n",
    );
    assert_eq!(
        (read(folder.path(), "s.toml"), added.code),
        (expected, 0),
        "{}",
        added.stderr
    );
}

#[test]
fn script_commands_of_several_lines_are_not_split() {
    let script = "zenml x register a --b='{{no.k}}'\nzenml x register a \\\n  --b='{{no.k}}' \\\n  --c=d\n\
                  true && \\\n  zenml x register a --b='{{no.k}}' && \\\n  true\n";
    let expected = "zenml x register a --b='{{no.k}}' # stackref: ignore[unknown-secret]\n\
                    # stackref: ignore[unknown-secret]\nzenml x register a \\\n  --b='{{no.k}}' \\\n  --c=d\n\
                    true && \\\n  zenml x register a --b='{{no.k}}' && \\\n  true\n";
    let page = "Run `zenml secret create yes --k=v`, then `zenml x register a --b={{yes.no}}`.\n";
    let config = "[files]\nscripts = [\"*.sh\", \"*.md\"]\n";
    let folder = folder(&[
        ("r.sh", script),
        ("r.md", page),
        ("stackref.toml", config),
        ("secrets.inventory.yaml", INVENTORY),
    ]);
    let added = check(
        folder.path(),
        &["--add-ignores", "--ignore", "unused-secret"],
    );
    assert_eq!(
        (
            read(folder.path(), "r.sh").as_str(),
            read(folder.path(), "r.md").as_str()
        ),
        (expected, page)
    );
    assert_eq!(added.code, 1);
    for path in ["path = \"r.sh\"", "path = \"r.md\""] {
        assert!(added.stderr.contains(path), "{}", added.stderr);
    }
}

#[test]
fn finding_that_no_comment_can_suppress_is_reported_with_a_config_entry() {
    let json = r#"{"components": {"experiment_tracker": {"configuration": {"x": "{{no.k}}"}, "flavor": "mlflow", "name": "t",
        "type": "experiment_tracker"}}, "stack_name": "s", "zenml_version": "0.98.0"}"#;
    let broken = "components: [\nstack_name: s\nzenml_version: 0.98.0\n";
    let without_rules = stack("      x: '{{mlflow.password}}' # stackref: ignore\n");
    let folder = folder(&[
        ("stacks/a[1].json", json),
        ("broken.stack.yaml", broken),
        ("bare.yaml", &without_rules),
        ("secrets.inventory.yaml", INVENTORY),
    ]);
    let added = check(folder.path(), &["--add-ignores", "--format", "short"]);
    assert_eq!(
        (added.code, added.stdout.lines().count()),
        (1, 3),
        "{}",
        added.stdout
    );
    assert_eq!(
        (
            read(folder.path(), "broken.stack.yaml").as_str(),
            read(folder.path(), "bare.yaml")
        ),
        (broken, without_rules)
    );
    assert!(
        added
            .stderr
            .contains("in `stacks/a[1].json`: JSON has no comments"),
        "{}",
        added.stderr
    );
    assert!(
        added
            .stderr
            .contains("in `bare.yaml`: fix the mistake instead"),
        "{}",
        added.stderr
    );
    assert_eq!(
        added.stderr.matches("[[ignore]]").count(),
        1,
        "{}",
        added.stderr
    );
    let entry = added
        .stderr
        .split_once("[[ignore]]")
        .unwrap()
        .1
        .split("\nchecked")
        .next()
        .unwrap();
    std::fs::write(
        folder.path().join("stackref.toml"),
        format!("[[ignore]]{entry}"),
    )
    .unwrap();
    let after = check(folder.path(), &["--format", "short", "stacks"]);
    assert_eq!(
        (after.code, after.stdout.as_str()),
        (0, ""),
        "{}",
        after.stderr
    );
}

#[test]
fn inventory_file_gets_ignore_comments() {
    let folder = folder(&[
        ("s.yaml", &stack("      x: '{{mlflow.password}}'\n")),
        ("secrets.inventory.yaml", "mlflow: [password]\nold: [k]\n"),
    ]);
    let diff = check(folder.path(), &["--add-ignores", "--diff"]);
    assert!(
        diff.stdout.contains("# stackref: ignore[unused-secret]"),
        "{}",
        diff.stdout
    );
    let added = check(folder.path(), &["--add-ignores", "--deny-warnings"]);
    assert_eq!(
        (added.code, added.stdout.as_str()),
        (0, ""),
        "{}",
        added.stderr
    );
    let after = check(folder.path(), &["--deny-warnings"]);
    assert_eq!(
        (after.code, after.stdout.as_str()),
        (0, ""),
        "{}",
        after.stderr
    );
    let expected = "mlflow: [password]\nold: [k] # stackref: ignore[unused-secret]\n";
    assert_eq!(read(folder.path(), "secrets.inventory.yaml"), expected);
}

#[test]
fn diff_writes_no_file_and_prints_no_value() {
    let text = stack("      x: '{{no.k}}'\n      tracking_password: hunter2\n");
    let folder = folder(&[("s.yaml", &text), ("secrets.inventory.yaml", INVENTORY)]);
    let diff = check(folder.path(), &["--add-ignores", "--diff", "s.yaml"]);
    assert_eq!(
        (diff.code, read(folder.path(), "s.yaml")),
        (1, text.clone())
    );
    assert!(
        diff.stdout
            .contains("+      x: '{{no.k}}' # stackref: ignore[unknown-secret]"),
        "{}",
        diff.stdout
    );
    assert!(
        diff.stdout.contains("# stackref: ignore[plaintext-secret]"),
        "{}",
        diff.stdout
    );
    assert!(
        !diff.stdout.contains("hunter2") && !diff.stderr.contains("hunter2"),
        "{}{}",
        diff.stdout,
        diff.stderr
    );
    assert!(
        diff.stderr.contains("unknown-secret") && diff.stderr.contains("would add"),
        "{}",
        diff.stderr
    );
    let words = ["check", "--add-ignores", "--diff", "--level", "none", "-"];
    let stdin = run(&words, folder.path(), text.as_bytes());
    assert!(
        stdin
            .stdout
            .contains("# stackref: ignore[plaintext-secret]"),
        "{}",
        stdin.stdout
    );
    let refused = run(
        &["check", "--add-ignores", "-"],
        folder.path(),
        text.as_bytes(),
    );
    assert!(
        refused.code == 2 && refused.stderr.contains("Usage: stackref check"),
        "{}",
        refused.stderr
    );
}

#[test]
fn diff_prints_no_leaked_value() {
    let text = stack("      x: 'tr0ub4dor&3 {{no.k}}'\n");
    let inventory = "mlflow: {password: tr0ub4dor&3}\n";
    let folder = folder(&[("s.yaml", &text), ("secrets.inventory.yaml", inventory)]);
    let diff = check(folder.path(), &["--leaks", "--add-ignores", "--diff"]);
    assert!(
        diff.stdout
            .contains("ignore[embedded-reference, leaked-value]"),
        "{}",
        diff.stdout
    );
    assert!(
        !diff.stdout.contains("tr0ub") && !diff.stderr.contains("tr0ub"),
        "{}{}",
        diff.stdout,
        diff.stderr
    );
}

#[test]
fn only_selected_rules_get_ignore_comments() {
    let text = stack("      x: '{{no.k}}'\n      y: '{{mlflow.k}}'\n");
    let folder = folder(&[("s.yaml", &text), ("secrets.inventory.yaml", INVENTORY)]);
    check(
        folder.path(),
        &["--add-ignores", "--select", "unknown-key", "s.yaml"],
    );
    let written = read(folder.path(), "s.yaml");
    assert!(
        written.contains("ignore[unknown-key]") && !written.contains("unknown-secret"),
        "{written}"
    );
}

#[test]
fn read_only_file_is_unchanged_and_its_findings_are_reported() {
    use std::os::unix::fs::PermissionsExt as _;
    let text = stack("      x: '{{no.k}}'\n");
    let folder = folder(&[("s.yaml", &text), ("secrets.inventory.yaml", INVENTORY)]);
    let path = folder.path().join("s.yaml");
    std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o444)).unwrap();
    let added = check(
        folder.path(),
        &["--add-ignores", "--format", "short", "s.yaml"],
    );
    assert!(
        added.code == 2 && added.stderr.contains("read-only"),
        "{}",
        added.stderr
    );
    assert!(
        added.stdout.contains("unknown-secret") && added.stderr.contains("0 findings in 0 files"),
        "{}",
        added.stderr
    );
    assert_eq!(read(folder.path(), "s.yaml"), text);
}

/// Attribute values in every scalar style.
const ATTRIBUTES: [&str; 14] = [
    "'{{no.k}}'",
    "{{no.k}}",
    "'{{no.k}}' # why",
    "|\n        {{no.k}}",
    ">+\n        a {{no.k}}\n\n",
    "\"a\n        {{no.k}}\"",
    "a\n        {{no.k}}",
    "a\n        {{no.k}}\n        b",
    "['{{no.k}}',\n        '{{no.l}}']",
    "{k: '{{no.k}}', '{{no.l}}': x}",
    "'{{ no k.k }}' # stackref: ignore[unknown-key]",
    "!tag '{{no.k}}'",
    "plain",
    "'{{no.k}}' # stackref: literal",
];

proptest! {
    #[test]
    fn next_check_reports_nothing(
        values in prop::collection::vec(prop::sample::select(ATTRIBUTES.to_vec()), 1..7),
        line_break in prop::sample::select(vec!["\n", "\r\n"]),
        mark in prop::sample::select(vec!["", "\u{feff}"]),
    ) {
        let attributes: Vec<String> = values.iter().enumerate().map(|(at, value)| format!("      x{at}: {value}\n")).collect();
        let text = format!("{mark}{}", stack(&attributes.concat()).replace('\n', line_break));
        let folder = folder(&[("s.yaml", &text), ("secrets.inventory.yaml", INVENTORY)]);
        let added = check(folder.path(), &["--add-ignores", "s.yaml", "--format", "short"]);
        let written = read(folder.path(), "s.yaml");
        prop_assert_eq!(added.code, 0, "{}{}\n{}", added.stdout, added.stderr, written);
        let after = check(folder.path(), &["s.yaml", "--deny-warnings", "--format", "short"]);
        prop_assert_eq!((after.code, after.stdout.as_str()), (0, ""), "{}", written);
        prop_assert_eq!(without_comments(&text), without_comments(&written));
    }
}
