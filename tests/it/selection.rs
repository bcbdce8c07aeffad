//! `--select` and `--ignore`: how rules that do not run affect ignore comments and baselines.

use crate::support::{check, folder};

const STACK: &str = "components:
  experiment_tracker:
    configuration:
      x: '{{no.k}}'
      y: '{{mlflow.k}}'
      z: '{{mlflow.password}}' # stackref: ignore[unknown-key]
      tracking_token: hunter2 # stackref: ignore[plaintext-secret]
    flavor: mlflow
    name: tracker
    type: experiment_tracker
stack_name: s
zenml_version: 0.98.0
";
const INVENTORY: &str = "mlflow: [password]\n";

#[test]
fn ignore_comment_for_a_rule_that_does_not_run_is_not_unused() {
    let folder = folder(&[("s.yaml", STACK), ("secrets.inventory.yaml", INVENTORY)]);
    let rules =
        |words: &[&str]| check(folder.path(), &[&["--format", "short"], words].concat()).stdout;
    assert!(rules(&[]).contains("unused-ignore"));
    for words in [
        &["--ignore", "unknown-key"][..],
        &["--select", "unused-ignore"],
        &["--select", "unused-ignore,plaintext-secret"],
        &["--select", "unknown-key", "--ignore", "unused-ignore"],
    ] {
        assert!(
            !rules(words).contains("unused-ignore"),
            "{words:?}: {}",
            rules(words)
        );
    }
    assert!(rules(&["--select", "unused-ignore,unknown-key"]).contains("unused-ignore"));
    // The comment suppresses the finding even if no other rule runs.
    assert_eq!(rules(&["--select", "plaintext-secret"]), "");
}

#[test]
fn baseline_keeps_findings_of_rules_that_do_not_run() {
    let folder = folder(&[("s.yaml", STACK), ("secrets.inventory.yaml", INVENTORY)]);
    check(folder.path(), &["--write-baseline", "all.json"]);
    let all = std::fs::read_to_string(folder.path().join("all.json")).unwrap();
    assert!(
        all.contains("unknown-secret") && all.contains("unknown-key"),
        "{all}"
    );
    let selected = check(
        folder.path(),
        &["--baseline", "all.json", "--select", "unknown-key"],
    );
    assert!(
        selected.code == 0 && !selected.stderr.contains("obsolete"),
        "{}",
        selected.stderr
    );
    check(
        folder.path(),
        &["--write-baseline", "all.json", "--select", "unknown-key"],
    );
    assert_eq!(
        std::fs::read_to_string(folder.path().join("all.json")).unwrap(),
        all
    );
    let fixed = STACK.replace("{{mlflow.k}}", "{{mlflow.password}}");
    std::fs::write(folder.path().join("s.yaml"), fixed).unwrap();
    let ignored = check(
        folder.path(),
        &[
            "--baseline",
            "all.json",
            "--ignore",
            "unknown-key,unused-ignore",
        ],
    );
    assert!(
        ignored.code == 0 && !ignored.stderr.contains("obsolete"),
        "{}",
        ignored.stderr
    );
    let stale = check(folder.path(), &["--baseline", "all.json"]);
    assert!(
        stale
            .stderr
            .contains("obsolete baseline entry: `unknown-key`"),
        "{}",
        stale.stderr
    );
}

#[test]
fn syntax_error_is_reported_with_any_selection() {
    let folder = folder(&[(
        "s.stack.yaml",
        "components: [\nstack_name: s\nzenml_version: 0.98.0\n",
    )]);
    let selected = check(
        folder.path(),
        &["--select", "unknown-key", "--format", "short"],
    );
    assert!(
        selected.code == 1 && selected.stdout.contains("syntax-error"),
        "{}",
        selected.stdout
    );
    let ignored = check(
        folder.path(),
        &["--select", "unknown-key", "--ignore", "syntax-error"],
    );
    assert_eq!((ignored.code, ignored.stdout.as_str()), (0, ""));
}

#[test]
fn unreportable_leaks_cause_a_warning() {
    let folder = folder(&[
        ("s.yaml", STACK),
        ("secrets.inventory.yaml", "mlflow: {password: tr0ub4dor}\n"),
    ]);
    let warned = |words: &[&str]| check(folder.path(), words).stderr.contains("warning: ");
    assert!(
        warned(&["--select", "leaked-value"]) && warned(&["--leaks", "--select", "unknown-key"])
    );
    assert!(
        !warned(&["--leaks", "--select", "leaked-value"]) && !warned(&["--ignore", "leaked-value"])
    );
}
