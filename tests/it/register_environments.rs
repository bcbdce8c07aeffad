//! `register --from-environment` in a pseudo-terminal.

use crate::register::Session;
use crate::support::folder;
use std::path::Path;

const CONFIG: &str = "[inventory.dev]\nkind = \"file\"\npath = \"secrets/dev.yaml\"\n\n\
    [inventory.prod]\nkind = \"file\"\npath = \"secrets/prod.yaml\"\n\n\
    [environment.dev]\ninventory = [\"dev\"]\n\n[environment.prod]\ninventory = [\"prod\"]\n";

const STACK: &str = "stack_name: prod\ncomponents:\n  experiment_tracker:\n    flavor: mlflow\n    name: m\n    \
    configuration:\n      tracking_password: '{{mlflow.password}}'\n";

const FILES: [(&str, &str); 4] = [
    ("stackref.toml", CONFIG),
    ("prod.yaml", STACK),
    (
        "secrets/dev.yaml",
        "mlflow: {password: hunter-dev, username: hunter-user}\nslack: {token: hunter-slack}\n",
    ),
    ("secrets/prod.yaml", "other: {key: hunter-other}\n"),
];

fn target(folder: &Path) -> String {
    std::fs::read_to_string(folder.join("secrets/prod.yaml")).unwrap()
}

#[test]
fn offered_names_are_typed_or_skipped() {
    let folder = folder(&FILES);
    let args = [
        "register",
        "--environment",
        "prod",
        "--from-environment",
        "dev",
    ];
    let mut session = Session::start(folder.path(), &args, 120);
    session.answer(
        "1 of 3, stack `prod`, used by prod.yaml:7\r\nValue for secret `mlflow.password`: ",
        "hunter-typed\n",
    );
    session.answer(
        "2 of 3, exists in `dev`\r\nValue for secret `mlflow.username` (Leave empty to skip it): ",
        "\n",
    );
    session.answer(
        "3 of 3, exists in `dev`\r\nValue for secret `slack.token` (Leave empty to skip it): ",
        "hunter-new\n",
    );
    let (seen, code) = session.end();
    assert_eq!(code, 0, "{seen}");
    assert!(!seen.contains("hunter"), "{seen}");
    assert!(seen.contains("nothing is missing"), "{seen}");
    assert_eq!(
        target(folder.path()),
        "other: {key: hunter-other}\nmlflow:\n  password: \"hunter-typed\"\nslack:\n  token: \"hunter-new\"\n"
    );
}

#[test]
fn values_are_copied_only_after_a_confirmation() {
    let args = [
        "register",
        "--environment",
        "prod",
        "--from-environment",
        "dev",
        "--copy-values",
    ];
    for (answer, expected_code) in [("n\n", 1), ("\n", 1), ("y\n", 0)] {
        let folder = folder(&FILES);
        let mut session = Session::start(folder.path(), &args, 120);
        session.wait("mlflow.password\r\nmlflow.username\r\nslack.token\r\n");
        session.answer("Copy 3 values from `dev` to `prod`? [y/N] ", answer);
        let (seen, code) = session.end();
        assert_eq!(code, expected_code, "{answer:?} {seen}");
        assert!(!seen.contains("hunter"), "{seen}");
        let is_copied = target(folder.path())
            == "other: {key: hunter-other}\nmlflow:\n  password: \"hunter-dev\"\n  username: \"hunter-user\"\nslack:\n  token: \"hunter-slack\"\n";
        assert_eq!(is_copied, answer == "y\n", "{}", target(folder.path()));
        if !is_copied {
            assert_eq!(target(folder.path()), FILES[3].1);
        }
    }
}

#[test]
fn nothing_is_copied_after_ctrl_c() {
    let folder = folder(&FILES);
    let args = [
        "register",
        "--environment",
        "prod",
        "--from-environment",
        "dev",
        "--copy-values",
    ];
    let mut session = Session::start(folder.path(), &args, 120);
    session.answer("Copy 3 values from `dev` to `prod`? [y/N] ", "\u{3}");
    let (seen, code) = session.end();
    assert_eq!(code, 130, "{seen}");
    assert_eq!(target(folder.path()), FILES[3].1);
}
