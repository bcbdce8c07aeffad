//! Lists references. Parses 78 strings as `ZenML` and as stackref do: each is the same reference, or
//! a finding.

use crate::support::{findings, folder, project, run, run_trusted};
use serde_json::{Value, json};

#[test]
fn each_string_is_the_same_reference_or_a_finding() {
    let text = std::fs::read_to_string(project().join("fixtures/zenml-references.json")).unwrap();
    let facts: Value = serde_json::from_str(&text).unwrap();
    let cases = facts["cases"].as_array().unwrap();
    assert_eq!(cases.len(), 78);
    for (column, version) in [("from_0_40", "0.98.0"), ("before_0_40", "0.39.1")] {
        for case in cases {
            let text = case["text"].as_str().unwrap();
            // JSON can represent each of these strings. The attribute is in a `configuration`
            // mapping.
            let stack = json!({"stack_name": "s", "zenml_version": version, "components": {"orchestrator": {
                "name": "o", "type": "orchestrator", "flavor": "ours", "configuration": {"attribute": text}}}});
            let folder = folder(&[("s.json", &stack.to_string())]);
            let refs = run(&["refs", "--format", "json"], folder.path(), b"");
            let refs: Value = serde_json::from_str(&refs.stdout).unwrap();
            let references = refs["references"].as_array().unwrap();
            let findings = findings(folder.path(), &["--level", "none"]);
            let rules: Vec<&str> = findings.iter().map(|(rule, _)| rule.as_str()).collect();
            if let Some(names) = case[column].as_array() {
                match references.as_slice() {
                    [reference] => {
                        assert_eq!(reference["secret"], names[0], "{version} {text:?}");
                        assert_eq!(reference["key"], names[1], "{version} {text:?}");
                        assert_eq!(rules, [""; 0], "{version} {text:?}");
                    }
                    _ => assert_eq!(rules, ["malformed-reference"], "{version} {text:?}"),
                }
            } else {
                assert!(
                    references.is_empty(),
                    "{version} {text:?} is plain text to ZenML"
                );
                assert_eq!(
                    rules.len(),
                    usize::from(text.contains("{{") || is_near_miss(text)),
                    "{version} {text:?} {rules:?}"
                );
            }
        }
    }
}

fn is_near_miss(text: &str) -> bool {
    text == "{ {a.b}}"
}

/// The formats of `refs`.
const FORMATS: [&str; 6] = ["human", "short", "json", "markdown", "mermaid", "dot"];

#[test]
fn a_secret_without_uses_exits_with_1_in_every_format() {
    let folder = folder(&[
        (
            "s.yaml",
            "stack_name: s\ncomponents:\n  alerter:\n    flavor: slack\n    token: '{{slack.token}}'\n",
        ),
        (
            "setup.sh",
            "zenml secret create declared --token=hunter2\nzenml metadata-store register d --host=\"{{${ENV}_db.host}}\"\n",
        ),
    ]);
    for format in FORMATS {
        for order in ["file", "secret"] {
            for (secret, code) in [
                ("slack", 0),
                ("slack.token", 0),
                ("slack.channel", 1),
                ("slck", 1),
                ("declared", 1),
                ("declared.token", 1),
                ("prod_db", 1),
            ] {
                let words = [
                    "refs", "--secret", secret, "--format", format, "--by", order,
                ];
                let output = run(&words, folder.path(), b"");
                assert_eq!(output.code, code, "{words:?}: {}", output.stderr);
            }
        }
        let output = run(
            &["refs", "--stack", "x", "--format", format],
            folder.path(),
            b"",
        );
        assert_eq!(output.code, 2, "{format}");
    }
}

#[test]
fn a_failing_inventory_does_not_hide_a_list() {
    let config = "[inventory.dev]\nkind = \"command\"\nnames = [\"sh\", \"-c\", \"exit 1\"]\n\
        keys = [\"sh\", \"-c\", \"exit 1\", \"{secret}\"]\n";
    let folder = folder(&[
        ("stackref.toml", config),
        (
            "s.yaml",
            "stack_name: s\ncomponents:\n  alerter:\n    flavor: slack\n    token: '{{slack.token}}'\n",
        ),
    ]);
    for format in FORMATS {
        let words = ["refs", "--format", format];
        let is_queried = ["markdown", "mermaid", "dot"].contains(&format);
        let output = run_trusted(&words, folder.path(), b"");
        assert_eq!(output.code, if is_queried { 3 } else { 0 }, "{format}");
        assert!(output.stdout.contains("slack"), "{format}");
        assert!(!output.stdout.contains("(missing)"), "{format}");
        let untrusted = run(&words, folder.path(), b"");
        assert_eq!(untrusted.code, if is_queried { 2 } else { 0 }, "{format}");
        assert_eq!(untrusted.stdout, output.stdout, "{format}");
        let words = [
            &["ZENML_SECRET_VALIDATION_LEVEL=none"][..],
            &["refs", "--format", format],
        ]
        .concat();
        assert_eq!(run(&words, folder.path(), b"").code, 0, "{format}");
    }
}
