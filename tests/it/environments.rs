//! Environments: which of them a finding names, in each format, and how they work together with
//! levels, ignore comments, baselines, fixes and several configs.

use crate::support::{Output, check, folder, run, run_trusted, write};
use serde_json::Value;
use std::path::Path;
use tempfile::TempDir;

/// Returns a stack file with these attributes.
pub fn stack(name: &str, attributes: &[(&str, &str)]) -> String {
    let lines = attributes
        .iter()
        .map(|(attribute, value)| format!("      {attribute}: '{value}'\n"));
    format!(
        "stack_name: {name}\ncomponents:\n  orchestrator:\n    name: o\n    type: orchestrator\n    flavor: ours\n    configuration:\n{}",
        lines.collect::<String>()
    )
}

/// Returns a config in which each environment has the inventory of its name.
pub fn config(inventories: &[(&str, &str)]) -> String {
    let tables = inventories.iter().map(|(name, table)| {
        format!("[inventory.{name}]\n{table}\n[environment.{name}]\ninventory = [\"{name}\"]\n\n")
    });
    tables.collect()
}

/// Returns the table of an inventory of kind `file`.
fn file(name: &str) -> String {
    format!("kind = \"file\"\npath = \"names/{name}.yaml\"")
}

/// Returns a config with the environments `dev`, `staging` and `prod`, each with a file.
fn three() -> String {
    let tables = ["dev", "staging", "prod"].map(|name| (name, file(name)));
    config(&tables.each_ref().map(|(name, table)| (*name, &table[..])))
}

/// Creates a repository in which `db.password` is missing in `prod`, `mlflow` in `staging`, and
/// `gone` everywhere.
fn repository() -> TempDir {
    let attributes = [
        ("a", "{{db.user}}"),
        ("b", "{{db.password}}"),
        ("c", "{{mlflow.token}}"),
        ("d", "{{gone.key}}"),
    ];
    folder(&[
        ("stackref.toml", &three()),
        ("names/dev.yaml", "db: [user, password]\nmlflow: [token]\n"),
        ("names/staging.yaml", "db: [user, password]\n"),
        ("names/prod.yaml", "db: [user]\nmlflow: [token]\n"),
        ("stacks/a.yaml", &stack("a", &attributes)),
    ])
}

/// Returns the findings of `check --format json` about references, as
/// `path secret.key: environments`.
pub fn environments(output: &Output) -> Vec<String> {
    let report: Value = serde_json::from_str(&output.stdout).expect(&output.stdout);
    let findings = report["findings"].as_array().unwrap().iter();
    let references = findings.filter(|finding| {
        let rule = finding["rule"].as_str().unwrap();
        matches!(rule, "unknown-secret" | "unknown-key")
    });
    let lines = references.map(|finding| {
        let text = |name: &str| finding[name].as_str().unwrap_or("?").to_owned();
        let names = finding["environments"].as_array();
        let names = names.map_or(String::from("none"), |names| {
            let names: Vec<&str> = names.iter().map(|name| name.as_str().unwrap()).collect();
            names.join(" ")
        });
        format!(
            "{} {}.{}: {names}",
            text("path"),
            text("secret"),
            text("key")
        )
    });
    lines.collect()
}

fn json(folder: &Path, more: &[&str]) -> Output {
    check(folder, &[&["--format", "json"], more].concat())
}

fn fingerprints(output: &Output) -> Vec<String> {
    let report: Value = serde_json::from_str(&output.stdout).expect(&output.stdout);
    let findings = report["findings"].as_array().unwrap().iter();
    let fingerprints = findings.map(|finding| finding["fingerprint"].as_str().unwrap().to_owned());
    fingerprints.collect()
}

#[test]
fn each_reference_has_one_finding_with_its_environments() {
    let folder = repository();
    let output = json(folder.path(), &[]);
    assert_eq!(output.code, 1, "{output:?}");
    let all = [
        "stacks/a.yaml db.password: prod",
        "stacks/a.yaml mlflow.token: staging",
        "stacks/a.yaml gone.key: dev staging prod",
    ];
    assert_eq!(environments(&output), all);
    for (words, expected) in [
        (
            &["--environment", "dev"][..],
            &["stacks/a.yaml gone.key: dev"][..],
        ),
        (
            &["--environment", "prod", "--environment", "dev"],
            &[
                "stacks/a.yaml db.password: prod",
                "stacks/a.yaml gone.key: dev prod",
            ],
        ),
        // Without environments.
        (
            &["--inventory", "prod"],
            &[
                "stacks/a.yaml db.password: none",
                "stacks/a.yaml gone.key: none",
            ],
        ),
        (&["--level", "none"], &[]),
    ] {
        let output = json(folder.path(), words);
        assert_eq!(environments(&output), expected, "{words:?}: {output:?}");
    }
}

#[test]
fn each_format_names_the_environments() {
    let folder = repository();
    let both = "the environments `dev`, `staging` and `prod`";
    for format in [
        "human", "short", "json", "sarif", "github", "gitlab", "junit",
    ] {
        let output = check(folder.path(), &["--format", format]);
        assert_eq!(output.code, 1, "{format}: {output:?}");
        let text: Vec<&str> = output.stdout.split_whitespace().collect();
        let text = text.join(" ").replace(" │ ", " ");
        for words in [
            "the environment `prod` has no key `password`",
            "in the environment `staging`",
            both,
        ] {
            assert!(text.contains(words), "{format}, {words}: {}", output.stdout);
        }
    }
    let sarif: Value =
        serde_json::from_str(&check(folder.path(), &["--format", "sarif"]).stdout).unwrap();
    let results = sarif["runs"][0]["results"].as_array().unwrap().iter();
    let names: Vec<String> = results
        .map(|result| result["properties"]["environments"].to_string())
        .filter(|names| names != "null")
        .collect();
    assert_eq!(
        names,
        [
            "[\"prod\"]",
            "[\"staging\"]",
            "[\"dev\",\"staging\",\"prod\"]"
        ]
    );
    let junit = check(folder.path(), &["--format", "junit"]).stdout;
    for name in ["dev", "staging", "prod"] {
        let case = format!("<testcase name=\"{name}\" classname=\"stacks/a.yaml\">");
        assert_eq!(junit.matches(&case).count(), 1, "{junit}");
    }
}

#[test]
fn fingerprints_and_baselines_do_not_depend_on_environments() {
    let folder = repository();
    let with = fingerprints(&json(folder.path(), &[]));
    for words in [
        ["--inventory", "names/prod.yaml"],
        ["--environment", "prod"],
        ["--environment", "staging"],
    ] {
        let some = fingerprints(&json(folder.path(), &words));
        assert!(
            some.iter().all(|one| with.contains(one)),
            "{words:?}: {some:?}"
        );
        assert!(!some.is_empty(), "{words:?}");
    }
    // The baseline of all environments covers each of them.
    let written = check(folder.path(), &["--write-baseline", "baseline.json"]);
    assert_eq!(written.code, 0, "{written:?}");
    for words in [
        &[][..],
        &["--environment", "dev"],
        &["--environment", "prod"],
    ] {
        let known = check(
            folder.path(),
            &[&["--baseline", "baseline.json"], words].concat(),
        );
        assert_eq!(
            (known.code, known.stdout.as_str()),
            (0, ""),
            "{words:?}: {known:?}"
        );
    }
    // A new finding is still reported.
    write(
        folder.path(),
        "names/dev.yaml",
        b"db: [password]\nmlflow: [token]\n",
    );
    let output = json(folder.path(), &["--baseline", "baseline.json"]);
    assert_eq!(
        environments(&output),
        ["stacks/a.yaml db.user: dev"],
        "{output:?}"
    );
}

#[test]
fn ignore_comment_is_unused_only_if_it_is_in_all_environments() {
    let folder = repository();
    let ignored = stack("a", &[("b", "{{db.password}}")]).replace(
        "      b:",
        "      # stackref: ignore[unknown-key] only in dev\n      b:",
    );
    write(folder.path(), "stacks/a.yaml", ignored.as_bytes());
    let reported = |words: &[&str]| {
        let output = check(folder.path(), &[words, &["--format", "short"]].concat());
        let stacks = output.stdout.lines().filter(|it| it.starts_with("stacks"));
        stacks.collect::<Vec<_>>().join("\n")
    };
    assert_eq!(reported(&[]), "");
    assert_eq!(reported(&["--environment", "prod"]), "");
    assert_eq!(
        reported(&["--environment", "dev"]),
        "",
        "another environment may need the comment"
    );
    assert!(reported(&["--no-ignores"]).contains("unknown-key"));
    write(folder.path(), "names/prod.yaml", b"db: [user, password]\n");
    assert!(reported(&[]).contains("unused-ignore"));
}

#[test]
fn environments_of_nested_configs_may_have_equal_names() {
    let service = |name: &str| {
        let stack = stack(name, &[("a", "{{db.a}}"), ("b", "{{db.b}}")]);
        let path = |file: &str| format!("services/{name}/{file}");
        let prod = format!("db: [{name}]\n");
        [
            (
                path("stackref.toml"),
                config(&[("dev", &file("dev")), ("prod", &file("prod"))]),
            ),
            (path("names/dev.yaml"), "db: [a, b]\n".to_owned()),
            (path("names/prod.yaml"), prod),
            (path("stacks/s.yaml"), stack),
        ]
    };
    let folder = folder(&[
        ("stackref.toml", &config(&[("prod", &file("prod"))])),
        ("names/prod.yaml", "db: [a]\n"),
        ("stacks/root.yaml", &stack("root", &[("a", "{{db.b}}")])),
    ]);
    std::fs::create_dir(folder.path().join(".git")).unwrap();
    for (path, text) in service("a").iter().chain(&service("b")) {
        write(folder.path(), path, text.as_bytes());
    }
    let expected = [
        "services/a/stacks/s.yaml db.b: prod",
        "services/b/stacks/s.yaml db.a: prod",
        "stacks/root.yaml db.b: prod",
    ];
    assert_eq!(environments(&json(folder.path(), &[])), expected);
    assert_eq!(
        environments(&json(folder.path(), &["--environment", "prod"])),
        expected
    );
    let dev = json(folder.path(), &["--environment", "dev"]);
    assert_eq!(environments(&dev), [""; 0], "{dev:?}");
    assert!(
        dev.stderr_text().contains("1 reference not looked up"),
        "the root has no `dev`: {}",
        dev.stderr
    );
    let unknown = json(folder.path(), &["--environment", "prd"]);
    assert!(
        unknown.code == 2 && unknown.stderr_text().contains("`prod`"),
        "{unknown:?}"
    );
}

#[test]
fn secrets_manager_takes_precedence_over_environments() {
    let folder = repository();
    let managed = format!(
        "{}  secrets_manager:\n    name: staging\n    type: secrets_manager\n    flavor: local\n",
        stack("managed", &[("c", "{{mlflow.token}}")])
    );
    write(folder.path(), "stacks/managed.yaml", managed.as_bytes());
    let output = json(folder.path(), &["stacks/managed.yaml"]);
    assert_eq!(
        environments(&output),
        ["stacks/managed.yaml mlflow.token: none"],
        "{output:?}"
    );
    // It belongs to no environment, so a restriction does not exclude it.
    let output = json(
        folder.path(),
        &["stacks/managed.yaml", "--environment", "prod"],
    );
    assert_eq!(
        environments(&output),
        ["stacks/managed.yaml mlflow.token: none"],
        "{output:?}"
    );
}

#[test]
fn suggestions_are_applied_only_if_no_environment_contradicts() {
    // The names in `dev` and in `prod`, the reference, and the reference afterwards.
    for (dev, prod, before, after) in [
        ("mlflow: [k]", "mlflow: [k]", "{{mlfow.k}}", "{{mlflow.k}}"),
        ("mlflow: [k]", "other: [k]", "{{mlfow.k}}", "{{mlflow.k}}"),
        // Each environment suggests another name.
        ("mlflow: [k]", "mlfoww: [k]", "{{mlfow.k}}", "{{mlfow.k}}"),
        // The name is correct in one of them.
        ("mlfow: [k]", "mlflow: [k]", "{{mlfow.k}}", "{{mlfow.k}}"),
        (
            "db: [password]",
            "db: [password]",
            "{{db.pasword}}",
            "{{db.password}}",
        ),
        (
            "db: [password]",
            "db: [pasword]",
            "{{db.pasword}}",
            "{{db.pasword}}",
        ),
    ] {
        let folder = folder(&[
            (
                "stackref.toml",
                &config(&[("dev", &file("dev")), ("prod", &file("prod"))]),
            ),
            ("names/dev.yaml", dev),
            ("names/prod.yaml", prod),
            ("stacks/a.yaml", &stack("a", &[("a", before)])),
        ]);
        let output = check(folder.path(), &["--fix=suggestions"]);
        let text = std::fs::read_to_string(folder.path().join("stacks/a.yaml")).unwrap();
        assert_eq!(
            text,
            stack("a", &[("a", after)]),
            "{dev}, {prod}: {output:?}"
        );
        let again = check(folder.path(), &["--fix=suggestions"]);
        let text = std::fs::read_to_string(folder.path().join("stacks/a.yaml")).unwrap();
        assert_eq!(
            text,
            stack("a", &[("a", after)]),
            "{dev}, {prod}: {again:?}"
        );
    }
}

/// The programs of an inventory with `db` (k). They record their calls.
const PROGRAMS: &str = r#"kind = "command"
names = ["sh", "-c", "echo names >> calls; echo '[\"db\", \"spare\"]'"]
keys = ["sh", "-c", "echo \"keys of $1\" >> calls; echo '[\"k\"]'", "-", "{secret}"]
value = ["sh", "-c", "echo \"value of $1.$2\" >> calls; printf hunter2", "-", "{secret}", "{key}"]"#;

/// Returns the calls that the programs recorded, sorted, and deletes the record.
fn take_calls(folder: &Path) -> String {
    let text = std::fs::read_to_string(folder.join("calls")).unwrap_or_default();
    let _ = std::fs::remove_file(folder.join("calls"));
    let mut calls: Vec<&str> = text.lines().collect();
    calls.sort_unstable();
    calls.join(", ")
}

/// Runs the program with the PATH of this process, which the programs of an inventory need.
fn with_path(words: &[&str], folder: &Path, is_trusted: bool) -> Output {
    let path = format!("PATH={}", std::env::var("PATH").unwrap());
    let words = [&[path.as_str()], words].concat();
    if is_trusted {
        run_trusted(&words, folder, b"")
    } else {
        run(&words, folder, b"")
    }
}

#[test]
fn shared_inventory_is_queried_once() {
    let text = format!(
        "[inventory.own]\n{}\n[inventory.shared]\n{PROGRAMS}\n[environment.dev]\ninventory = [\"shared\"]\n\
         [environment.staging]\ninventory = [\"shared\"]\n[environment.prod]\ninventory = [\"own\", \"shared\"]\n",
        file("own")
    );
    let attributes = [("a", "{{db.k}}"), ("b", "{{db.gone}}"), ("c", "{{db.k}}")];
    let folder = folder(&[
        ("stackref.toml", &text),
        ("names/own.yaml", "other: [k]\n"),
        ("stacks/a.yaml", &stack("a", &attributes)),
        ("stacks/b.yaml", &stack("b", &attributes)),
    ]);
    let once = "keys of db, names";
    let output = with_path(&["check", "--format", "json"], folder.path(), true);
    assert_eq!(
        environments(&output),
        [
            "stacks/a.yaml db.gone: dev staging prod",
            "stacks/b.yaml db.gone: dev staging prod",
        ],
        "{output:?}"
    );
    assert_eq!(take_calls(folder.path()), once);
    let args = [
        "inventory",
        "snapshot",
        "--all-environments",
        "-o",
        "snapshots",
    ];
    let output = with_path(&args, folder.path(), true);
    assert_eq!(output.code, 0, "{output:?}");
    assert_eq!(
        take_calls(folder.path()),
        "keys of db, keys of spare, names"
    );
    let render = ["render", "--environment", "prod", "-o", "out"];
    write(
        folder.path(),
        "stacks/b.yaml",
        stack("b", &attributes[..1]).as_bytes(),
    );
    std::fs::remove_file(folder.path().join("stacks/a.yaml")).unwrap();
    let output = with_path(&render, folder.path(), true);
    assert_eq!(output.code, 0, "{output:?}");
    assert_eq!(
        take_calls(folder.path()),
        "keys of db, names, value of db.k"
    );
}

#[test]
fn each_environment_is_asked_as_much_as_its_level_permits() {
    let dev = "[inventory.dev]\nkind = \"file\"\npath = \"names/dev.yaml\"\n[environment.dev]\ninventory = [\"dev\"]\n";
    let prod = |level: &str| {
        format!(
            "{dev}[inventory.prod]\n{PROGRAMS}\n[environment.prod]\n{level}inventory = [\"prod\"]\n"
        )
    };
    let attributes = [("a", "{{db.k}}"), ("b", "{{db.gone}}"), ("c", "{{no.k}}")];
    let folder = folder(&[
        ("names/dev.yaml", "db: [k]\nno: [k]\n"),
        ("stacks/a.yaml", &stack("a", &attributes)),
    ]);
    let (key, secret) = ("stacks/a.yaml db.gone: ", "stacks/a.yaml no.k: prod");
    let dev_only = [format!("{key}dev")];
    // The level, more arguments, whether trust is necessary, the calls and the findings.
    for (level, words, is_trusted, calls, found) in [
        (
            "",
            &[][..],
            true,
            "keys of db, names",
            vec![format!("{key}dev prod"), secret.to_owned()],
        ),
        (
            "level = \"secret-exists\"\n",
            &[],
            true,
            "names",
            vec![format!("{key}dev"), secret.to_owned()],
        ),
        ("level = \"none\"\n", &[], false, "", dev_only.to_vec()),
        ("", &["--environment", "dev"], false, "", dev_only.to_vec()),
        ("", &["--level", "none"], false, "", vec![]),
        (
            "level = \"none\"\n",
            &["--level", "secret-exists"],
            true,
            "names",
            vec![secret.to_owned()],
        ),
    ] {
        write(folder.path(), "stackref.toml", prod(level).as_bytes());
        let args = [&["check", "--format", "json"], words].concat();
        let output = with_path(&args, folder.path(), is_trusted);
        let case = format!("{level} {words:?}: {output:?}");
        assert_eq!(environments(&output), found, "{case}");
        assert_eq!(take_calls(folder.path()), calls, "{case}");
        assert_ne!(output.code, 3, "{case}");
        if !words.contains(&"--level") {
            // `matrix` asks each environment as `check` does, and for the keys that nothing uses.
            with_path(&[&["matrix"], words].concat(), folder.path(), is_trusted);
            let asked = take_calls(folder.path());
            assert_eq!(asked.contains("keys"), calls.contains("keys"), "{case}");
            assert_eq!(asked.is_empty(), calls.is_empty(), "{case}");
        }
        if is_trusted {
            // Without trust, no program runs, and `dev` is looked up anyway.
            let output = with_path(&args, folder.path(), false);
            assert_eq!((output.code, take_calls(folder.path())), (2, String::new()));
            assert!(
                output.stderr_text().contains("stackref trust"),
                "{output:?}"
            );
        }
    }
}
