//! Compares the expansion of words with a real bash.

use super::expansion_checks::references;
use proptest::prelude::*;
use proptest::strategy::ValueTree as _;
use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::process::Command;

/// The number of words that are compared.
const WORDS: usize = 400;

/// Returns parts of words: text, variables in several forms, and quotes around them.
fn part() -> impl Strategy<Value = String> {
    let variable = prop_oneof![
        Just("$A"),
        Just("${B}"),
        Just("${A:-x}"),
        Just("${C-x}"),
        Just("${C:-x}"),
        Just("${C:-}"),
        Just("${B:=x}"),
        Just("${A:?x}"),
        Just("$S"),
        Just("${T}"),
        Just("${B#b}"),
        Just("${A/a/b}"),
        Just("$(echo x)"),
        Just("$1"),
    ];
    let variable = variable.prop_map(str::to_owned);
    let text = prop_oneof![Just("_db"), Just("-"), Just("é"), Just("\\$A"), Just(".x")];
    prop_oneof![
        variable.clone(),
        variable.prop_map(|variable| format!("\"{variable}\"")),
        text.prop_map(str::to_owned),
        Just("'q'".to_owned()),
    ]
}

/// Returns values of variables.
fn value() -> impl Strategy<Value = String> {
    prop_oneof![
        3 => "[a-z]{1,4}",
        1 => Just(String::new()),
        1 => Just("a b".to_owned()),
        1 => Just("a*".to_owned()),
        1 => Just("a.b".to_owned()),
        1 => Just("$A".to_owned()),
        1 => Just("é\\x".to_owned()),
    ]
}

type Sample = (Vec<String>, String, String, String);

fn samples() -> Vec<Sample> {
    let strategy = (
        proptest::collection::vec(part(), 1..5),
        value(),
        value(),
        value(),
    );
    let mut runner = proptest::test_runner::TestRunner::deterministic();
    (0..WORDS)
        .map(|_| strategy.new_tree(&mut runner).unwrap().current())
        .collect()
}

const ASSIGNMENTS: &str = "S=\"${A}_s\"; T=t$B";

/// Returns what bash passes for each word: the words, separated by `|`.
fn bash(samples: &[Sample]) -> Vec<String> {
    let mut script = "IFS=$' \\t\\n'\nf() { local IFS='|'; printf '%s\\0' \"$*\"; }\n".to_owned();
    for (index, (parts, ..)) in samples.iter().enumerate() {
        let word = parts.concat();
        // An error in `${A:?x}` ends the shell.
        let _ = writeln!(
            script,
            "( A=$A{index} B=$B{index} C=$C{index}; {ASSIGNMENTS}; f {{{{{word}.k}}}} ) || printf 'error\\0'"
        );
    }
    let values = samples.iter().enumerate();
    let values = values.flat_map(|(index, (_, a, b, c))| {
        [("A", a), ("B", b), ("C", c)].map(|(name, value)| (format!("{name}{index}"), value))
    });
    let folder = tempfile::tempdir().unwrap();
    let output = Command::new("bash")
        .args(["-c", &script])
        .env("LC_ALL", "C.UTF-8")
        .current_dir(folder.path())
        .envs(values)
        .output()
        .unwrap();
    let text = String::from_utf8(output.stdout).unwrap();
    text.split_terminator('\0').map(str::to_owned).collect()
}

#[test]
fn expansions_are_those_of_bash() {
    let samples = samples();
    let passed = bash(&samples);
    assert_eq!(passed.len(), samples.len());
    let mut expanded = 0;
    for ((parts, a, b, c), passed) in samples.iter().zip(&passed) {
        let word = parts.concat();
        let command = "zenml alerter register a --flavor=slack --slack_token";
        let text = format!("{ASSIGNMENTS}\n{command} {{{{{word}.k}}}}\n");
        let variables = [("A", a), ("B", b), ("C", c)];
        let variables: BTreeMap<String, String> = variables
            .map(|(name, value)| (name.to_owned(), value.clone()))
            .into();
        for reference in references("x.sh", &text) {
            if let Some(names) = reference.expand(&variables) {
                let text = format!("{{{{{}}}}}", names.text());
                assert_eq!(text, *passed, "{word} {variables:?}");
                expanded += 1;
            }
        }
    }
    assert!(expanded > WORDS / 10, "only {expanded} words were expanded");
}
