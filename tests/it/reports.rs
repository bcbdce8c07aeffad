//! Properties of all runs: failures in every report format, a summary at the end, baseline entries
//! that are removed only for scanned files, and file lists that contain a config or an inventory.

use crate::support::{Output, check, folder, run, write};
use serde_json::Value;
use std::path::Path;
use tempfile::TempDir;

fn stack(key: &str) -> String {
    format!(
        "stack_name: s\ncomponents:\n  experiment_tracker:\n    name: t\n    flavor: mlflow\n    type: experiment_tracker\n    \
         configuration:\n      tracking_username: '{{{{db.user}}}}'\n      tracking_password: '{{{{db.{key}}}}}'\n"
    )
}

/// Creates two stacks that use `db.user` and `db.token`, and an inventory with both keys.
fn project() -> TempDir {
    let stack = stack("token");
    let folder = folder(&[
        ("stacks/dev/a.yaml", &stack),
        ("stacks/prod/a.yaml", &stack),
        ("secrets.inventory.yaml", "db: [user, token]\n"),
    ]);
    std::fs::create_dir(folder.path().join(".git")).unwrap();
    folder
}

fn last_line(output: &Output) -> &str {
    output.stderr.lines().last().unwrap_or_default()
}

fn json(output: &Output) -> Value {
    serde_json::from_str(&output.stdout)
        .unwrap_or_else(|error| panic!("{error}: {}", output.stdout))
}

#[test]
fn lowered_level_is_reported_with_its_origin_and_references() {
    let folder = project();
    let variable = "ZENML_SECRET_VALIDATION_LEVEL=NONE";
    let by_environment = run(
        &[variable, "check", "--inventory", "nosuch.yaml"],
        folder.path(),
        b"",
    );
    let origin = "level none from ZENML_SECRET_VALIDATION_LEVEL";
    assert!(
        by_environment
            .stderr
            .starts_with(&format!("warning: {origin}: --inventory is not queried"))
    );
    assert!(last_line(&by_environment).ends_with(&format!(
        "0 warnings, 4 references not looked up ({origin})"
    )));

    write(
        folder.path(),
        "stackref.toml",
        b"# none yet\n\nlevel = \"none\"\n",
    );
    let by_config = check(
        folder.path(),
        &["--inventory", "nosuch.yaml", "--format", "json"],
    );
    assert!(
        by_config
            .stderr
            .starts_with("warning: level none from stackref.toml:3: "),
        "{}",
        by_config.stderr
    );
    assert!(
        last_line(&by_config)
            .ends_with("4 references not looked up (level none from stackref.toml:3)")
    );
    let summary = &json(&by_config)["summary"];
    assert_eq!(
        (
            &summary["references"],
            &summary["unchecked"],
            &summary["dynamic"]
        ),
        (&4.into(), &4.into(), &0.into())
    );

    // The environment overrides the config, and the flag overrides both and causes no warning.
    let both = run(
        &["ZENML_SECRET_VALIDATION_LEVEL=SECRET_EXISTS", "check"],
        folder.path(),
        b"",
    );
    let origin = "(level secret-exists from ZENML_SECRET_VALIDATION_LEVEL)";
    assert!(
        last_line(&both).ends_with(&format!("keys of 4 references not looked up {origin}")),
        "{}",
        both.stderr
    );
    assert!(!both.stderr.contains("warning:"), "{}", both.stderr);
    let flag = check(
        folder.path(),
        &["--level", "none", "--inventory", "secrets.inventory.yaml"],
    );
    assert_eq!(flag.stderr.lines().count(), 1, "{}", flag.stderr);
    assert!(last_line(&flag).ends_with("4 references not looked up (level none from --level)"));
    let highest = check(
        folder.path(),
        &[
            "--level",
            "secret-and-key-exists",
            "--inventory",
            "secrets.inventory.yaml",
        ],
    );
    assert_eq!(
        last_line(&highest),
        "checked 2 files, 4 references: 0 errors, 0 warnings"
    );
}

#[test]
fn level_secret_exists_counts_keys_as_unchecked() {
    let folder = project();
    let level = "ZENML_SECRET_VALIDATION_LEVEL=SECRET_EXISTS";
    let words = [
        level,
        "check",
        "--inventory",
        "secrets.inventory.yaml",
        "--format",
        "json",
    ];
    let output = run(&words, folder.path(), b"");
    assert!(
        output.stderr.contains(
            "warning: level secret-exists from ZENML_SECRET_VALIDATION_LEVEL: --inventory"
        )
    );
    let summary = &json(&output)["summary"];
    assert_eq!(
        (&summary["unchecked"], &summary["unchecked_keys"]),
        (&0.into(), &4.into())
    );
}

#[test]
fn references_without_a_readable_inventory_are_counted_as_unchecked() {
    let folder = project();
    write(folder.path(), "secrets.inventory.yaml", b"db: [user\n");
    let broken = check(folder.path(), &["--format", "json"]);
    assert_eq!(broken.code, 2);
    assert!(
        last_line(&broken)
            .ends_with("4 references not looked up (no answer from `secrets.inventory.yaml`)")
    );
    assert_eq!(json(&broken)["summary"]["unchecked"], 4);
    std::fs::remove_file(folder.path().join("secrets.inventory.yaml")).unwrap();
    let without_inventory = check(folder.path(), &["--format", "json"]);
    assert_eq!(without_inventory.code, 2);
    assert!(
        last_line(&without_inventory).ends_with("4 references not looked up (no inventory)"),
        "{}",
        without_inventory.stderr
    );
    assert_eq!(json(&without_inventory)["summary"]["unchecked"], 4);
}

/// Returns the arguments of runs that fail before, during and after the scan, each with a part of
/// the message.
fn failing(folder: &Path) -> Vec<(Vec<&'static str>, &'static str)> {
    write(folder, "broken.toml", b"nonsense = 1\n");
    vec![
        (vec!["--inventory", "nosuch.yaml"], "nosuch.yaml"),
        (vec!["--config", "broken.toml"], "nonsense"),
        (vec!["--config", "nosuch.toml"], "nosuch.toml"),
        (vec!["nosuch.yaml"], "nosuch.yaml"),
        (vec!["--baseline", "nosuch.json"], "nosuch.json"),
        (vec!["--level", "none", "--leaks"], "--leaks"),
        (vec!["--diff"], "--fix"),
        (vec!["--nonsense"], "--nonsense"),
    ]
}

#[test]
fn failed_run_is_reported_in_every_format() {
    let folder = project();
    for (more, words) in failing(folder.path()) {
        let run_format = |format: &str| {
            let output = check(folder.path(), &[&["--format", format], &more[..]].concat());
            assert_eq!(output.code, 2, "{more:?} {}", output.stderr);
            output
        };
        let report = json(&run_format("json"));
        let failures = report["failures"].as_array().unwrap();
        assert!(
            !failures.is_empty() && failures[0]["message"].as_str().unwrap().contains(words),
            "{more:?} {report}"
        );
        let issues = json(&run_format("gitlab"));
        let is_blocker = |issue: &Value| {
            issue["severity"] == "blocker" && issue["location"]["lines"]["begin"] == 1
        };
        let blockers: Vec<&Value> = issues
            .as_array()
            .unwrap()
            .iter()
            .filter(|issue| is_blocker(issue))
            .collect();
        assert_eq!(blockers.len(), failures.len(), "{more:?} {issues}");
        let config = if more[0] == "--config" {
            more[1]
        } else {
            "stackref.toml"
        };
        assert_eq!(blockers[0]["location"]["path"], config, "{more:?}");
        assert!(
            blockers[0]["description"].as_str().unwrap().contains(words),
            "{more:?} {issues}"
        );
        assert_eq!(
            json(&run_format("gitlab")),
            issues,
            "the fingerprint is not stable"
        );
        let sarif = json(&run_format("sarif"));
        assert_eq!(
            sarif["runs"][0]["invocations"][0]["executionSuccessful"], false,
            "{more:?}"
        );
        assert!(run_format("junit").stdout.contains("<error "), "{more:?}");
        assert!(
            run_format("github")
                .stdout
                .contains("::error title=stackref::"),
            "{more:?}"
        );
        for format in ["human", "short"] {
            assert!(run_format(format).stderr.contains(words), "{more:?}");
        }
    }
}

#[test]
fn report_files_contain_failures_and_are_overwritten_by_the_next_run() {
    let folder = project();
    let mut words = vec!["--inventory", "nosuch.yaml"];
    for format in [
        "human", "short", "json", "sarif", "junit", "gitlab", "github",
    ] {
        words.extend(["--format", format, "--output", format]);
    }
    for _ in 0..2 {
        let output = check(folder.path(), &words);
        assert_eq!(
            (output.code, output.stdout.as_str()),
            (2, ""),
            "{}",
            output.stderr
        );
        for name in words
            .iter()
            .filter(|word| folder.path().join(word).is_file())
        {
            let text = std::fs::read_to_string(folder.path().join(name)).unwrap();
            assert!(
                text.contains("cannot read the inventory `nosuch.yaml`"),
                "{name}: {text}"
            );
        }
        assert!(!output.stderr.contains("cannot write"), "{}", output.stderr);
    }
    let short = std::fs::read_to_string(folder.path().join("short")).unwrap();
    assert!(
        short.starts_with("stackref.toml:1:1: error[failure]: "),
        "{short}"
    );
}

#[test]
fn failures_with_the_same_message_have_different_fingerprints() {
    let folder = project();
    write(
        folder.path(),
        "stackref.toml",
        b"level = \"x\"\n[rules]\nsyntax-error = \"x\"\nbare-ignore = 1\nunknown-key = 1\n",
    );
    write(
        folder.path(),
        "twice.toml",
        b"[[stacks]]\nfiles = [\"a\"]\n[[stacks]]\nfiles = [\"b\"]\n",
    );
    for config in ["stackref.toml", "twice.toml"] {
        let issues = json(&check(
            folder.path(),
            &["--format", "gitlab", "--config", config],
        ));
        let issues = issues.as_array().unwrap();
        let prints: std::collections::BTreeSet<&str> = issues
            .iter()
            .map(|issue| issue["fingerprint"].as_str().unwrap())
            .collect();
        assert!(
            issues.len() > 1 && prints.len() == issues.len(),
            "{issues:?}"
        );
    }
}

#[test]
fn path_of_a_blocker_is_relative_to_the_repository() {
    let folder = project();
    write(folder.path(), "ml/stackref.toml", b"nonsense = 1\n");
    write(folder.path(), "ml/a.yaml", stack("token").as_bytes());
    for (cwd, path) in [("", "ml"), ("ml", "."), ("ml", "a.yaml"), ("", "ml/a.yaml")] {
        let issues = json(&check(
            &folder.path().join(cwd),
            &["--format", "gitlab", path],
        ));
        assert_eq!(
            issues[0]["location"]["path"], "ml/stackref.toml",
            "{cwd} {path}"
        );
    }
}

#[test]
fn lists_contain_failures() {
    let folder = project();
    write(
        folder.path(),
        "stacks/dev/broken.stack.yaml",
        b"stack_name: [\n",
    );
    for (words, list, code) in [
        (&["refs"][..], "references", 1),
        (&["inventory", "--used"], "inventories", 1),
        (&["register", "--dry-run"], "missing", 1),
        (&["refs", "--config", "nosuch.toml"], "references", 2),
        (
            &["inventory", "--inventory", "nosuch.yaml"],
            "inventories",
            2,
        ),
        (&["register", "--inventory", "nosuch.yaml"], "missing", 2),
        (
            &["inventory", "--probe", "--inventory", "nosuch.yaml"],
            "inventories",
            2,
        ),
    ] {
        let output = run(&[words, &["--format", "json"]].concat(), folder.path(), b"");
        let report = json(&output);
        assert_eq!(output.code, code, "{words:?} {}", output.stderr);
        assert!(
            report[list].is_array() && !report["failures"].as_array().unwrap().is_empty(),
            "{words:?} {report}"
        );
    }
}

#[test]
fn every_run_ends_with_a_summary() {
    let folder = project();
    for (more, _) in failing(folder.path()) {
        let output = check(folder.path(), &more);
        // An invalid argument starts no run.
        if !output.stderr.contains("try '--help'") {
            assert!(
                last_line(&output)
                    .starts_with("checked 0 files, 0 references: 0 errors, 0 warnings"),
                "{more:?}"
            );
        }
    }
    write(folder.path(), "bad.toml", b"nonsense = 1\n");
    write(folder.path(), ".gitignore", b"out\n");
    write(folder.path(), "names.yaml", b"db: [user]\n");
    write(
        folder.path(),
        "values.yaml",
        b"db: {user: hunter2, token: hunter2}\n",
    );
    for (line, summary) in [
        (
            "render --allow-tracked -o out --inventory nosuch.yaml",
            "checked 0 files, 0 references: 0 errors, 0 warnings; nothing was",
        ),
        (
            "render --allow-tracked -o out --config bad.toml",
            "checked 0 files, 0 references: 0 errors, 0 warnings; nothing was rendered",
        ),
        (
            "render --allow-tracked -o out nosuch",
            "checked 0 files, 0 references: 0 errors, 0 warnings; nothing was rendered",
        ),
        (
            "render --allow-tracked -o out --inventory names.yaml",
            "checked 2 files, 4 references: 2 errors, 0 warnings; nothing was",
        ),
        // Missing values are noticed only when the values are read.
        (
            "render --allow-tracked -o out",
            "checked 2 files, 4 references: 0 errors, 0 warnings; nothing was rendered",
        ),
        (
            "render --stdout --inventory values.yaml",
            "checked 2 files, 4 references: 0 errors, 0 warnings; nothing was",
        ),
        (
            "render --allow-tracked -o out --inventory values.yaml --check",
            "rendered 2 files, 4 references; nothing was written",
        ),
        ("register --config bad.toml", "nothing was registered"),
        ("register --inventory nosuch.yaml", "nothing was registered"),
        (
            "register --inventory names.yaml",
            "registered 0 keys of 0 secrets; 1 key is still missing",
        ),
        ("register", "nothing is missing: 4 references in 2 files"),
        (
            "register --from-file values.yaml --inventory names.yaml --config bad.toml",
            "nothing was registered",
        ),
        ("check --list-files", "2 files would be scanned"),
        ("refs", "listed 4 references in 2 files"),
        ("refs --config bad.toml", "listed 0 references in 0 files"),
        ("inventory", "listed 1 secret in 1 inventory"),
        (
            "inventory --inventory nosuch.yaml",
            "listed 0 secrets in 0 inventories",
        ),
        ("inventory --probe", "probed 1 inventory"),
        ("inventory snapshot", "wrote 1 secret to standard output"),
        (
            "inventory snapshot --config bad.toml",
            "no snapshot was made",
        ),
        (
            "inventory snapshot --check names.yaml",
            "`names.yaml` is out of date: 1 difference",
        ),
        ("init --dry-run", "`stackref.toml` was not written"),
        ("init --no-hook", "wrote `stackref.toml`"),
        ("init", "nothing was written"),
    ] {
        let words: Vec<&str> = line.split(' ').collect();
        let output = run(&words, folder.path(), b"");
        assert!(
            last_line(&output).starts_with(summary),
            "{line}: {}",
            output.stderr
        );
        assert_eq!(
            output.stderr.matches(summary).count(),
            1,
            "{line}: {}",
            output.stderr
        );
    }
}

#[test]
fn summary_is_printed_if_standard_output_is_closed() {
    let folder = project();
    let script = format!(
        "exec 3>&1; {{ '{}' check --level none --format json 2>&3; }} | true",
        env!("CARGO_BIN_EXE_stackref")
    );
    let output = std::process::Command::new("sh")
        .args(["-c", &script])
        .current_dir(folder.path())
        .output()
        .unwrap();
    let text = String::from_utf8_lossy(&output.stdout);
    assert!(text.contains("4 references not looked up"), "{text}");
}

fn entries(folder: &Path) -> usize {
    std::fs::read_to_string(folder.join("b.json"))
        .unwrap()
        .matches("\"fingerprint\"")
        .count()
}

fn write_baseline(folder: &Path, more: &[&str]) -> (usize, String) {
    let output = check(folder, &[&["--write-baseline", "b.json"], more].concat());
    assert_eq!(
        output.code, 0,
        "{more:?} {}{}",
        output.stdout, output.stderr
    );
    (entries(folder), output.stderr)
}

#[test]
fn baseline_entries_are_removed_only_if_their_files_were_checked() {
    let folder = project();
    for environment in ["dev", "prod"] {
        write(
            folder.path(),
            &format!("stacks/{environment}/a.yaml"),
            stack("tokn").as_bytes(),
        );
    }
    let in_folder = |more: &[&str]| write_baseline(folder.path(), more);
    assert_eq!(in_folder(&[]).0, 2);
    let (partial, stderr) = in_folder(&["stacks/dev"]);
    assert_eq!(partial, 2);
    assert!(
        stderr.contains("note: kept 1 entry of files that were not scanned"),
        "{stderr}"
    );
    assert_eq!(in_folder(&["--only-stack-files", "stacks/dev/a.yaml"]).0, 2);
    assert_eq!(in_folder(&["--level", "none"]).0, 2);
    assert_eq!(in_folder(&["--level", "secret-exists"]).0, 2);
    for config in [
        "[files]\nexclude = [\"stacks/prod\"]\n",
        "[files]\ninclude = [\"stacks/dev/*\"]\n",
        "[rules]\nunknown-key = \"off\"\n",
    ] {
        write(folder.path(), "stackref.toml", config.as_bytes());
        let (number, stderr) = in_folder(&[]);
        assert!(
            number == 2 && stderr.contains("note: kept "),
            "{config}: {stderr}"
        );
        // An entry is not obsolete if the run did not check its file or rule.
        let output = check(folder.path(), &["--baseline", "b.json"]);
        assert!(
            !output.stderr.contains("obsolete"),
            "{config}: {}",
            output.stderr
        );
    }
    std::fs::remove_file(folder.path().join("stackref.toml")).unwrap();
    write(folder.path(), ".gitignore", b"stacks/prod\n");
    assert_eq!(in_folder(&[]).0, 2);
    std::fs::remove_file(folder.path().join(".gitignore")).unwrap();
    // A run that checks the file, and does not report the finding, removes the entry.
    write(
        folder.path(),
        "stacks/dev/a.yaml",
        stack("token").as_bytes(),
    );
    assert_eq!(in_folder(&["stacks/prod"]).0, 2);
    let (fixed, stderr) = in_folder(&["stacks/dev"]);
    assert!(
        fixed == 1 && stderr.contains("note: kept 1 entry of files"),
        "{stderr}"
    );
    // A deleted file has no findings. Only a run over the whole project knows that it was not
    // moved.
    std::fs::remove_dir_all(folder.path().join("stacks/prod")).unwrap();
    assert_eq!(in_folder(&["stacks/dev"]).0, 1);
    assert_eq!(in_folder(&["--level", "none"]).0, 0);
}

#[test]
fn baseline_keeps_findings_of_other_inventories_and_removes_unused_ignores() {
    let folder = project();
    write(
        folder.path(),
        "secrets.inventory.yaml",
        b"db: [user, token]\nold: [key]\n",
    );
    write(folder.path(), "other.yaml", b"db: [user, token]\n");
    let text = stack("token").replace(
        "stack_name: s",
        "stack_name: s # stackref: ignore[unknown-key] once",
    );
    write(folder.path(), "stacks/dev/a.yaml", text.as_bytes());
    assert_eq!(write_baseline(folder.path(), &[]).0, 2);
    assert_eq!(
        write_baseline(folder.path(), &["--inventory", "other.yaml"]).0,
        2
    );
    write(
        folder.path(),
        "stacks/dev/a.yaml",
        stack("token").as_bytes(),
    );
    assert_eq!(write_baseline(folder.path(), &[]).0, 1);
    write(
        folder.path(),
        "secrets.inventory.yaml",
        b"db: [user, token]\n",
    );
    assert_eq!(write_baseline(folder.path(), &[]).0, 0);
}

/// Runs `check` as a pre-commit hook does, with a list of files. Asserts that `--files-from` has
/// the same output.
fn hook(folder: &Path, listed: &[&str], more: &[&str]) -> Output {
    let by_arguments = check(
        folder,
        &[&["--only-stack-files", "--format", "short"], more, listed].concat(),
    );
    let list = listed.join("\n");
    let words = [&["check", "--files-from", "-", "--format", "short"], more].concat();
    assert_eq!(run(&words, folder, list.as_bytes()), by_arguments);
    by_arguments
}

#[test]
fn list_that_contains_a_config_or_inventory_checks_the_whole_project() {
    let folder = project();
    let assert_all_checked = |output: &Output, listed: &str| {
        assert_eq!(
            (
                output.code,
                output.stdout.matches("error[unknown-key]").count()
            ),
            (1, 2),
            "{listed} {}",
            output.stderr
        );
        let note = format!("note: checked the whole project: the list contains `{listed}`");
        assert!(output.stderr.contains(&note), "{}", output.stderr);
    };
    let (default, names) = ("secrets.inventory.yaml", "names/prod.yaml");
    write(folder.path(), default, b"db: [user]\n");
    write(folder.path(), "values.yaml", b"replicas: 1\n");
    assert_all_checked(
        &hook(folder.path(), &["values.yaml", default], &[]),
        default,
    );
    // A file of another tool does not affect the stacks.
    let other = hook(folder.path(), &["values.yaml"], &[]);
    assert!(
        other.code == 0 && !other.stderr.contains("whole project"),
        "{}",
        other.stderr
    );

    write(folder.path(), names, b"db: [user]\n");
    write(
        folder.path(),
        "stackref.toml",
        b"[inventory.prod]\nkind = \"file\"\npath = \"names/prod.yaml\"\n",
    );
    assert_all_checked(&hook(folder.path(), &[names], &[]), names);
    assert_all_checked(
        &hook(folder.path(), &["stackref.toml"], &[]),
        "stackref.toml",
    );
    assert_all_checked(
        &hook(&folder.path().join("stacks"), &["../names/prod.yaml"], &[]),
        "../names/prod.yaml",
    );
    std::os::unix::fs::symlink("names", folder.path().join("link")).unwrap();
    assert_all_checked(
        &hook(folder.path(), &["link/prod.yaml"], &[]),
        "link/prod.yaml",
    );
    // An inventory that only the arguments of the hook name.
    write(folder.path(), "given.yaml", b"db: [user]\n");
    assert_all_checked(
        &hook(
            folder.path(),
            &["given.yaml"],
            &["--inventory", "given.yaml"],
        ),
        "given.yaml",
    );

    // A folder of secrets: any file in it.
    std::fs::create_dir_all(folder.path().join("run/secrets/db")).unwrap();
    write(folder.path(), "run/secrets/db/user", b"hunter2");
    write(
        folder.path(),
        "stackref.toml",
        b"[inventory.prod]\nkind = \"dir\"\npath = \"run/secrets\"\n",
    );
    assert_all_checked(
        &hook(folder.path(), &["run/secrets/db/token"], &[]),
        "run/secrets/db/token",
    );

    // The list also contains inventories and configs that were deleted.
    write(
        folder.path(),
        "stackref.toml",
        b"[inventory.prod]\nkind = \"file\"\npath = \"names/prod.yaml\"\n",
    );
    std::fs::remove_file(folder.path().join(names)).unwrap();
    let removed = hook(folder.path(), &[names], &[]);
    assert!(
        removed.code == 2 && removed.stderr_text().contains("cannot read the inventory"),
        "{}",
        removed.stderr
    );
    std::fs::remove_file(folder.path().join("stackref.toml")).unwrap();
    assert_all_checked(
        &hook(folder.path(), &["stackref.toml"], &[]),
        "stackref.toml",
    );
    // Excluded configs, for example those of test fixtures, do not count.
    write(
        folder.path(),
        "stackref.toml",
        b"[files]\nexclude = [\"tests\"]\n",
    );
    write(folder.path(), "tests/stackref.toml", b"");
    assert_eq!(hook(folder.path(), &["tests/stackref.toml"], &[]).code, 0);
}

#[test]
fn only_check_extends_a_list_to_the_whole_project() {
    let folder = project();
    let list = b"secrets.inventory.yaml\nstacks/dev/a.yaml\n";
    let refs = run(&["refs", "--files-from", "-"], folder.path(), list);
    assert_eq!(last_line(&refs), "listed 2 references in 1 file");
    write(
        folder.path(),
        "secrets.inventory.yaml",
        b"db: {user: hunter2, token: hunter2}\n",
    );
    let render = run(
        &["render", "--check", "--files-from", "-"],
        folder.path(),
        list,
    );
    assert_eq!(
        last_line(&render),
        "rendered 1 file, 2 references; nothing was written"
    );
}

#[test]
fn baseline_of_the_config_is_used() {
    let folder = project();
    let path = folder.path();
    let config = |text: &str| write(path, "conf/stackref.toml", text.as_bytes());
    let with_config =
        |more: &[&str]| check(path, &[&["--config", "conf/stackref.toml"], more].concat());
    write(path, "secrets.inventory.yaml", b"db: [user]\n");
    config("baseline = \"known.json\"\n");

    // The file must exist.
    let missing = with_config(&[]);
    assert_eq!(missing.code, 2);
    let message = missing.stderr_text();
    assert!(
        message.contains("cannot find the baseline `conf/known.json` of `conf/stackref.toml`"),
        "{message}"
    );
    assert!(
        message.contains("`stackref check --write-baseline conf/known.json`"),
        "{message}"
    );
    assert_eq!(with_config(&["--format", "json"]).code, 2);

    // The help suggests to write it. Writing it again keeps all entries.
    for _ in 0..2 {
        let written = with_config(&["--write-baseline", "conf/known.json"]);
        assert!(
            written.code == 0
                && written
                    .stderr
                    .contains("wrote 2 findings to `conf/known.json`"),
            "{written:?}"
        );
    }
    let with_baseline = with_config(&[]);
    assert_eq!(
        (with_baseline.code, with_baseline.stdout.as_str()),
        (0, ""),
        "{}",
        with_baseline.stderr
    );
    assert!(
        last_line(&with_baseline).contains("(2 in the baseline)"),
        "{}",
        with_baseline.stderr
    );

    // The flag overrides the config. Other commands do not read the baseline.
    write(
        path,
        "other.json",
        std::fs::read_to_string(path.join("conf/known.json"))
            .unwrap()
            .as_bytes(),
    );
    config("baseline = \"nosuch.json\"\n");
    assert_eq!(with_config(&["--baseline", "other.json"]).code, 0);
    assert_eq!(
        run(&["refs", "--config", "conf/stackref.toml"], path, b"").code,
        0
    );
    config("baseline = \"../other.json\"\n");
    assert_eq!(with_config(&[]).code, 0);

    // Obsolete entries are reported.
    write(path, "secrets.inventory.yaml", b"db: [user, token]\n");
    let stale = with_config(&[]);
    assert!(
        stale
            .stderr
            .contains("warning: obsolete baseline entry: `unknown-key`"),
        "{}",
        stale.stderr
    );
}

#[test]
fn baseline_of_the_config_outside_the_repository_is_rejected() {
    let parent = folder(&[
        ("outside.json", "{\"version\": 1, \"findings\": []}\n"),
        ("in/a.txt", ""),
    ]);
    let path = parent.path().join("in");
    std::fs::create_dir(path.join(".git")).unwrap();
    write(&path, "s.stack.yaml", stack("token").as_bytes());
    std::os::unix::fs::symlink("../outside.json", path.join("link.json")).unwrap();
    let absolute = parent.path().join("outside.json").display().to_string();
    for name in ["../outside.json", "link.json", &absolute] {
        write(
            &path,
            "stackref.toml",
            format!("baseline = \"{name}\"\n").as_bytes(),
        );
        let output = check(&path, &["--level", "none"]);
        assert_eq!(output.code, 2, "{name}: {}", output.stderr);
        assert!(
            output.stderr_text().contains("is outside the repository"),
            "{name}: {}",
            output.stderr
        );
        assert_eq!(
            check(&path, &["--level", "none", "--baseline", "../outside.json"]).code,
            0,
            "{name}"
        );
    }
    for (value, words) in [
        ("3", "`baseline`"),
        ("\"\"", "`baseline` is empty"),
        ("\"s.stack.yaml\"", "s.stack.yaml"),
    ] {
        write(
            &path,
            "stackref.toml",
            format!("baseline = {value}\n").as_bytes(),
        );
        let output = check(&path, &["--level", "none"]);
        assert!(
            output.code == 2 && output.stderr_text().contains(words),
            "{value}: {}",
            output.stderr
        );
    }
}
