//! The calls that each level makes to inventories, tested with inventories that count calls or
//! fail.

use secrecy::SecretString;
use stackref::diagnostics::outcome::Outcome;
use stackref::document::Syntax;
use stackref::inventory::{
    Capabilities, Inventories, Inventory, Key, NameCaveat, RequestedNames, SecretName,
    SecretValues, StoreError, ValueType,
};
use stackref::lint::pipeline::run;
use stackref::lint::report::Report;
use stackref::lint::scan::{PathRoots, Scan, run_text};
use stackref::lint::settings::{LevelChoice, Settings};
use stackref::project::config::{Config, Level};
use stackref::project::configs::Configs;
use stackref::project::discover::{Candidate, MatchReason};
use stackref::zenml::grammar::Resolver;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

const STACK: &str = "
stack_name: s
components:
  orchestrator: {flavor: ours, name: o, a: '{{db.user}}', b: '{{db.password}}', c: '{{db.user}}', d: '{{mlflow.x}}'}
  artifact_store: {flavor: gcp, name: a, authentication_secret: gcp_secret, e: '{{gone.x}}'}
";

#[derive(Default)]
struct Counts {
    names: AtomicUsize,
    keys: AtomicUsize,
    values: AtomicUsize,
}

/// An inventory with `db` (user, password), `mlflow` (x) and `gcp_secret` that counts its calls.
struct Counting {
    counts: Arc<Counts>,
    caveat: Option<NameCaveat>,
}

const READABLE: Capabilities = Capabilities {
    list: true,
    keys: true,
    values: true,
    write: false,
};

impl Inventory for Counting {
    fn name(&self) -> &'static str {
        "counting"
    }

    fn capabilities(&self) -> Capabilities {
        READABLE
    }

    fn names(&self, _requested: &RequestedNames) -> Result<Vec<SecretName>, StoreError> {
        self.counts.names.fetch_add(1, Ordering::Relaxed);
        let caveat = self.caveat;
        Ok(["db", "mlflow", "gcp_secret", "other"]
            .map(|name| SecretName {
                name: name.into(),
                caveat,
            })
            .to_vec())
    }

    fn keys(&self, secret: &str, _requested: &RequestedNames) -> Result<Vec<Key>, StoreError> {
        self.counts.keys.fetch_add(1, Ordering::Relaxed);
        let keys: &[&str] = match secret {
            "db" => &["user", "password"],
            "mlflow" => &["x"],
            _ => return Err(StoreError::NotFound),
        };
        Ok(keys
            .iter()
            .map(|key| Key {
                name: (*key).to_owned(),
                value: ValueType::Unknown,
            })
            .collect())
    }

    fn values(
        &self,
        secret: &str,
        _requested: &RequestedNames,
    ) -> Result<SecretValues, StoreError> {
        self.value(secret)
    }
}

impl Counting {
    fn value(&self, secret: &str) -> Result<SecretValues, StoreError> {
        self.counts.values.fetch_add(1, Ordering::Relaxed);
        let keys = self.keys(secret, &RequestedNames::new())?;
        Ok(keys
            .into_iter()
            .map(|key| {
                (
                    key.name.clone(),
                    Ok(SecretString::from(format!("{secret} {}", key.name))),
                )
            })
            .collect())
    }
}

/// An inventory that returns an error from each call, or panics.
struct Failing(fn() -> StoreError);

impl Inventory for Failing {
    fn name(&self) -> &'static str {
        "failing"
    }

    fn capabilities(&self) -> Capabilities {
        READABLE
    }

    fn names(&self, _requested: &RequestedNames) -> Result<Vec<SecretName>, StoreError> {
        Err(self.0())
    }

    fn keys(&self, _secret: &str, _requested: &RequestedNames) -> Result<Vec<Key>, StoreError> {
        Err(self.0())
    }

    fn values(
        &self,
        _secret: &str,
        _requested: &RequestedNames,
    ) -> Result<SecretValues, StoreError> {
        Err(self.0())
    }
}

fn scan(text: &str) -> Scan {
    let roots = PathRoots {
        cwd: PathBuf::from("/w"),
        root: PathBuf::from("/w"),
        keep_documents: false,
        honor_literal_comments: true,
        repository: None,
    };
    let candidate = Candidate {
        path: PathBuf::from("/w/s.yaml"),
        syntax: Syntax::Yaml,
        reason: Some(MatchReason::Argument),
    };
    run_text(text.as_bytes(), candidate, Resolver::Zenml, &roots)
}

fn check(text: &str, level: Level, inventories: Vec<Box<dyn Inventory>>) -> Report {
    let configs = Configs::fixed(Config::default());
    let inventories = Inventories::from_inventories(inventories);
    run(
        &scan(text),
        &Settings::new(&configs, LevelChoice::fixed(level), &inventories),
        None,
    )
}

#[test]
fn render_reads_each_secret_once_for_all_its_references() {
    let (counts, inventories) = counting_inventories(None);
    let roots = PathRoots {
        cwd: PathBuf::from("/w"),
        root: PathBuf::from("/w"),
        keep_documents: true,
        honor_literal_comments: true,
        repository: None,
    };
    let candidate = Candidate {
        path: PathBuf::from("/w/s.yaml"),
        syntax: Syntax::Yaml,
        reason: Some(MatchReason::Argument),
    };
    let text = STACK.replace("{{gone.x}}", "{{mlflow.x}}");
    let scan = run_text(text.as_bytes(), candidate, Resolver::Zenml, &roots);
    let (configs, inventories) = (
        Configs::fixed(Config::default()),
        Inventories::from_inventories(inventories),
    );
    let level = Level::SecretAndKeyExists;
    let settings = Settings::new(&configs, LevelChoice::fixed(level), &inventories);
    let report = run(&scan, &settings, None);
    let rendered = stackref::edit::substitution::run(&scan, &report, &settings, None)
        .unwrap_or_else(|failures| panic!("{}", failures[0]));
    assert!(
        rendered[0].text().contains("a: 'db user'") && rendered[0].text().contains("e: 'mlflow x'")
    );
    // Four references name keys of `db` and `mlflow`. Calls of `keys` are not counted here, because
    // `values` of this inventory calls it.
    assert_eq!(counts.values.load(Ordering::Relaxed), 2);
    assert_eq!(counts.names.load(Ordering::Relaxed), 1);
}

fn counting_inventories(caveat: Option<NameCaveat>) -> (Arc<Counts>, Vec<Box<dyn Inventory>>) {
    let counts = Arc::new(Counts::default());
    (
        Arc::clone(&counts),
        vec![Box::new(Counting { counts, caveat })],
    )
}

fn call_counts(counts: &Counts) -> (usize, usize) {
    (
        counts.names.load(Ordering::Relaxed),
        counts.keys.load(Ordering::Relaxed),
    )
}

fn rule_names(report: &Report) -> Vec<&'static str> {
    report
        .findings
        .iter()
        .map(|finding| finding.rule.name())
        .collect()
}

#[test]
fn level_none_makes_no_call() {
    let report = check(
        STACK,
        Level::None,
        vec![Box::new(Failing(|| panic!("called")))],
    );
    assert_eq!(report.findings.len(), 0);
    assert_eq!(report.outcome(false), Outcome::Clean);
}

#[test]
fn level_secret_exists_lists_the_names_once() {
    let (counts, inventories) = counting_inventories(None);
    let report = check(STACK, Level::SecretExists, inventories);
    assert_eq!(call_counts(&counts), (1, 0));
    assert_eq!(rule_names(&report), ["unknown-secret"]);
}

#[test]
fn key_level_lists_the_keys_of_each_referenced_secret_once() {
    let (counts, inventories) = counting_inventories(None);
    let report = check(STACK, Level::SecretAndKeyExists, inventories);
    // The keys of `db` and `mlflow`. `gone` does not exist, and no reference names a key of
    // `gcp_secret`.
    assert_eq!(call_counts(&counts), (1, 2));
    assert_eq!(rule_names(&report), ["unknown-secret"]);
}

#[test]
fn stack_without_references_makes_no_call() {
    let (counts, inventories) = counting_inventories(None);
    check(
        "stack_name: s\ncomponents: {}\n",
        Level::SecretAndKeyExists,
        inventories,
    );
    assert_eq!(call_counts(&counts), (0, 0));
}

#[test]
fn secret_is_resolved_by_the_first_inventory_that_has_it() {
    let (first, mut inventories) = counting_inventories(None);
    let (second, more) = counting_inventories(None);
    inventories.extend(more);
    let report = check(STACK, Level::SecretAndKeyExists, inventories);
    assert_eq!(
        (call_counts(&first), call_counts(&second)),
        ((1, 2), (1, 0))
    );
    assert!(
        report.findings[0]
            .message
            .contains("`counting`, `counting`"),
        "{}",
        report.findings[0].message
    );
}

#[test]
fn store_errors_exit_with_3_and_keep_the_findings() {
    let malformed =
        format!("{STACK}  alerter: {{flavor: slack, name: x, slack_token: '{{{{a}}}}'}}\n");
    for (error, message) in [
        (
            (|| StoreError::Forbidden("ask for the right to list".into())) as fn() -> StoreError,
            "permission denied",
        ),
        (
            || StoreError::Unreachable("connection refused".into()),
            "connection refused",
        ),
    ] {
        let report = check(
            &malformed,
            Level::SecretExists,
            vec![Box::new(Failing(error))],
        );
        assert_eq!(rule_names(&report), ["malformed-reference"]);
        assert_eq!(report.outcome(false), Outcome::Unanswered);
        assert!(
            report.failures[0].to_string().contains(message),
            "{}",
            report.failures[0]
        );
        assert!(
            report.failures[0].to_string().contains("`gcp_secret`"),
            "{}",
            report.failures[0]
        );
    }
}

#[test]
fn caveats_of_a_name_are_reported_at_each_reference() {
    let count = |caveat: Option<NameCaveat>, rule: &str| {
        let (_, inventories) = counting_inventories(caveat);
        let report = check(STACK, Level::SecretAndKeyExists, inventories);
        rule_names(&report)
            .iter()
            .filter(|name| **name == rule)
            .count()
    };
    for (caveat, ambiguous, private) in [
        (None, 0, 0),
        (Some(NameCaveat::PublicOfTwo), 5, 0),
        (Some(NameCaveat::PrivateOfTwo), 5, 0),
        (Some(NameCaveat::PrivateOnly), 0, 5),
    ] {
        assert_eq!(count(caveat, "ambiguous-secret"), ambiguous, "{caveat:?}");
        assert_eq!(count(caveat, "private-secret"), private, "{caveat:?}");
    }
}
