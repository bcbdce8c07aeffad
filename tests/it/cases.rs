//! Tests the layout of the cases below `fixtures/`, which `tests/README.md` describes.
//! `tests/cases.rs` runs the cases.

use crate::support::{all_cases, cases, project, words};
use stackref::lint::rules::RULES;
use std::path::Path;

const REQUIRED: [&str; 5] = ["cmd", "exit", "input", "stderr", "stdout"];
const OPTIONAL: [&str; 2] = ["after", "stdin"];

fn read(path: &Path) -> String {
    std::fs::read_to_string(path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

/// Returns the name of the folder that a path ends in.
fn name(path: &Path) -> &str {
    path.file_name().unwrap().to_str().unwrap()
}

/// `fixtures/check/<rule>/reports-…` and `suggests-…` print the rule; `accepts-…` does not.
#[test]
fn each_rule_has_a_case_that_reports_and_one_that_accepts() {
    let cases = cases("check");
    for rule in RULES {
        // They need a server. `levels` and `registered` test the rules.
        if ["ambiguous-secret", "private-secret", "registered-drift"].contains(&rule.id.name()) {
            continue;
        }
        let label = format!("[{}]", rule.id.name());
        let (mut reports, mut accepts) = (0, 0);
        for case in cases
            .iter()
            .filter(|case| name(case.parent().unwrap()) == rule.id.name())
        {
            let is_printed = read(&case.join("stdout")).contains(&label);
            match name(case).split('-').next().unwrap() {
                "reports" | "suggests" => {
                    reports += 1;
                    assert!(is_printed, "{} does not report {label}", case.display());
                }
                "accepts" => {
                    accepts += 1;
                    assert!(!is_printed, "{} reports {label}", case.display());
                }
                _ => {}
            }
        }
        assert!(
            reports > 0,
            "fixtures/check/{} needs a case `reports-…`",
            rule.id.name()
        );
        assert!(
            accepts > 0,
            "fixtures/check/{} needs a case `accepts-…`",
            rule.id.name()
        );
    }
}

#[test]
fn each_case_has_its_files_and_no_others() {
    let cases = all_cases();
    for case in &cases {
        let entries = std::fs::read_dir(case)
            .unwrap()
            .map(|entry| entry.unwrap().file_name().into_string().unwrap());
        let entries: Vec<String> = entries.collect();
        for file in REQUIRED {
            assert!(
                entries.iter().any(|entry| entry == file),
                "{} has no `{file}`",
                case.display()
            );
        }
        for entry in &entries {
            let is_expected =
                REQUIRED.contains(&entry.as_str()) || OPTIONAL.contains(&entry.as_str());
            assert!(
                is_expected,
                "{} has a file `{entry}`, which no test reads",
                case.display()
            );
        }
    }
    assert!(cases.len() > 200, "{} cases", cases.len());
}

#[test]
fn each_case_is_named_in_lower_case_below_its_command() {
    for case in all_cases() {
        let path = case.strip_prefix(project().join("fixtures")).unwrap();
        for part in path {
            let part = part.to_str().unwrap();
            let is_allowed = part
                .bytes()
                .all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-');
            assert!(is_allowed, "{}: only a-z, 0-9 and `-`", path.display());
        }
        let cmd = read(&case.join("cmd"));
        let command = words(&cmd).into_iter().find(|word| !word.contains('='));
        assert!(
            command.is_some_and(|command| path.starts_with(command)),
            "{}: runs {command:?}",
            path.display()
        );
    }
}
