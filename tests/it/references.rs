//! Parses 78 strings as `ZenML` and as stackref do: each is the same reference, or a finding.

use crate::support::{findings, folder, project, run};
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
