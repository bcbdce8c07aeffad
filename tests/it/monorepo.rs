//! A repository with several configs: each file uses the nearest `stackref.toml` in its folder or
//! above it.

use crate::support::{Output, check, findings, folder, run, write};
use serde_json::Value;
use std::path::Path;
use tempfile::TempDir;

/// Returns a stack file with these attributes.
fn stack(name: &str, attributes: &str) -> String {
    format!(
        "stack_name: {name}\ncomponents:\n  orchestrator:\n    type: orchestrator\n    flavor: local\n    name: o\n    \
         configuration: {{{attributes}}}\n"
    )
}

/// Creates a repository with three configs, and an excluded folder with an invalid one.
fn repository() -> TempDir {
    let folder = folder(&[
        (
            "stackref.toml",
            "[inventory.prod]\nkind = \"file\"\npath = \"secrets.yaml\"\n[files]\nexclude = [\"old/**\"]\n",
        ),
        ("secrets.yaml", "root: [key]\n"),
        (
            "stacks/root.yaml",
            &stack("root", "a: '{{root.key}}', b: '{{root.gone}}'"),
        ),
        (
            "services/a/stackref.toml",
            "[inventory.prod]\nkind = \"file\"\npath = \"names.yaml\"\n",
        ),
        ("services/a/names.yaml", "a: [key]\nspare: [key]\n"),
        (
            "services/a/stacks/a.yaml",
            &stack("a", "a: '{{a.key}}', b: '{{root.key}}'"),
        ),
        (
            "services/b/stackref.toml",
            "level = \"none\"\nresolver = \"render\"\n[rules]\nmalformed-reference = \"warning\"\n",
        ),
        (
            "services/b/b.yaml",
            &stack("b", "a: 'x-{{nothing.key}}', b: '{{broken}}'"),
        ),
        ("old/stackref.toml", "no config = at all\n"),
        ("old/x.yaml", &stack("old", "a: '{{gone.key}}'")),
    ]);
    std::fs::create_dir(folder.path().join(".git")).unwrap();
    folder
}

/// Returns the findings of a run, as `path rule`.
fn reported(folder: &Path, words: &[&str]) -> Vec<String> {
    let output = check(folder, &[words, &["--format", "short"]].concat());
    let lines = output.stdout.lines().map(|line| {
        let (location, message) = line.split_once(": ").unwrap();
        let rule = message
            .split_once('[')
            .unwrap()
            .1
            .split_once(']')
            .unwrap()
            .0;
        format!("{} {rule}", location.split(':').next().unwrap())
    });
    lines.collect()
}

const ALL: [&str; 4] = [
    "services/a/names.yaml unused-secret",
    "services/a/stacks/a.yaml unknown-secret",
    "services/b/b.yaml malformed-reference",
    "stacks/root.yaml unknown-key",
];

#[test]
fn each_file_uses_the_nearest_config() {
    let folder = repository();
    let output = check(folder.path(), &[]);
    assert_eq!(reported(folder.path(), &[]), ALL, "{output:?}");
    let summary = "checked 3 files, 5 references: 2 errors, 2 warnings, 1 reference not looked up (level none from \
                   services/b/stackref.toml:1)";
    assert!(
        output.stderr.ends_with(&format!("{summary}\n")),
        "{}",
        output.stderr
    );
    assert_eq!(output.code, 1);
}

#[test]
fn findings_do_not_depend_on_how_files_are_selected() {
    let folder = repository();
    let files = [
        "services/a/stacks/a.yaml",
        "services/b/b.yaml",
        "stacks/root.yaml",
    ];
    write(folder.path(), "list", files.join("\n").as_bytes());
    let by_file: Vec<&str> = ALL[1..].to_vec();
    for words in [
        &files[..],
        &["services/b", "services/a/stacks", "stacks"],
        &["--files-from", "list"],
        &[&["--only-stack-files"], &files[..]].concat(),
    ] {
        assert_eq!(reported(folder.path(), words), by_file, "{words:?}");
    }
    // From a subfolder, and from outside with an absolute path.
    let subfolder = folder.path().join("services/a");
    assert_eq!(
        reported(&subfolder, &["../..", "--no-ignores"]),
        [
            "../../stacks/root.yaml unknown-key",
            "../b/b.yaml malformed-reference",
            "names.yaml unused-secret",
            "stacks/a.yaml unknown-secret"
        ]
        .map(str::to_owned)
    );
    let other_folder = tempfile::tempdir().unwrap();
    let named = folder
        .path()
        .join("services/a/stacks/a.yaml")
        .display()
        .to_string();
    assert_eq!(reported(other_folder.path(), &[&named]).len(), 1);
    let text = stack("a", "a: '{{a.kee}}'");
    let words = [
        "check",
        "--format",
        "json",
        "--stdin-filename",
        "services/a/new.yaml",
        "-",
    ];
    let output = run(&words, folder.path(), text.as_bytes());
    assert!(
        output.stdout.contains("unknown-key") && output.stdout.contains("`prod"),
        "{output:?}"
    );
}

#[test]
fn config_flags_apply_to_all_files() {
    let folder = repository();
    write(folder.path(), "other.toml", b"level = \"none\"\n");
    let syntax = [
        "old/x.yaml",
        "services/b/b.yaml embedded-reference",
        "services/b/b.yaml malformed-reference",
    ];
    for words in [
        &["--config", "other.toml"][..],
        &["--no-config", "--level", "none"],
    ] {
        assert_eq!(reported(folder.path(), words), syntax[1..], "{words:?}");
    }
}

#[test]
fn invalid_config_is_reported_if_it_is_used() {
    let folder = repository();
    write(
        folder.path(),
        "services/a/stackref.toml",
        b"levle = 'none'\n",
    );
    write(folder.path(), "services/b/stackref.toml", b"rules = 1\n");
    for words in [
        &[][..],
        &["services/a/stacks/a.yaml", "services/b/b.yaml"],
        &["--format", "json"],
    ] {
        let output = check(folder.path(), words);
        let (a, b) = ("services/a/stackref.toml", "services/b/stackref.toml");
        let at = |name: &str| {
            output
                .stderr
                .find(name)
                .unwrap_or_else(|| panic!("{name}: {output:?}"))
        };
        assert!(output.code == 2 && at(a) < at(b), "{output:?}");
        let is_empty = serde_json::from_str::<Value>(&output.stdout).map_or(
            output.stdout.is_empty(),
            |report| {
                report["findings"] == Value::Array(Vec::new())
                    && report["failures"].as_array().unwrap().len() == 2
            },
        );
        assert!(is_empty, "{}", output.stdout);
    }
    // Invalid configs do not affect the files of other configs.
    assert_eq!(reported(folder.path(), &["stacks"]), ALL[3..]);
}

#[test]
fn trust_is_required_for_each_config() {
    let folder = repository();
    let config = "[inventory.prod]\nkind = \"command\"\nnames = [\"sh\", \"-c\", \"touch pwned\"]\nkeys = [\"false\", \"{secret}\"]\n";
    write(folder.path(), "services/a/stackref.toml", config.as_bytes());
    let Output {
        stdout,
        stderr,
        code,
    } = check(folder.path(), &["--format", "short"]);
    assert_eq!(code, 2, "{stderr}");
    assert!(
        stderr.contains("touch pwned") && stderr.contains("stackref trust services/a"),
        "{stderr}"
    );
    assert!(
        stdout.contains("stacks/root.yaml") && stdout.contains("unknown-key"),
        "{stdout}"
    );
    assert!(!folder.path().join("services/a/pwned").exists());
    assert!(!folder.path().join("pwned").exists());
    // The files of other configs do not need it.
    assert_eq!(check(folder.path(), &["stacks", "services/b"]).code, 1);
}

#[test]
fn inventories_of_the_same_name_are_qualified_by_their_configs() {
    let folder = repository();
    for (name, secrets) in [
        ("secrets.yaml", "root: ["),
        ("services/a/names.yaml", "a: ["),
    ] {
        write(folder.path(), name, secrets.as_bytes());
    }
    let output = check(folder.path(), &["stacks", "services/a/stacks"]);
    assert_eq!(output.code, 2, "{output:?}");
    for name in ["secrets.yaml", "services/a/names.yaml"] {
        assert!(output.stderr.contains(name), "{name}: {}", output.stderr);
    }
    write(folder.path(), "secrets.yaml", b"other: [key]\n");
    write(folder.path(), "services/a/names.yaml", b"other: [key]\n");
    let output = check(folder.path(), &["--format", "short"]);
    assert!(
        output.stdout.contains("`prod (stackref.toml)`"),
        "{output:?}"
    );
    assert!(
        output.stdout.contains("`prod (services/a/stackref.toml)`"),
        "{output:?}"
    );
}

#[test]
fn secret_of_a_shared_inventory_is_unused_if_no_config_uses_it() {
    let config = "[inventory.prod]\nkind = \"file\"\npath = \"../secrets.yaml\"\n";
    let folder = folder(&[
        ("secrets.yaml", "a: [key]\nb: [key]\nnone: [key]\n"),
        ("a/stackref.toml", config),
        ("a/a.yaml", &stack("a", "a: '{{a.key}}'")),
        ("b/stackref.toml", config),
        ("b/b.yaml", &stack("b", "a: '{{b.key}}'")),
    ]);
    std::fs::create_dir(folder.path().join(".git")).unwrap();
    let unused = |words: &[&str]| -> Vec<String> {
        findings(folder.path(), words)
            .into_iter()
            .map(|(_, text)| text)
            .collect()
    };
    assert_eq!(unused(&[]), ["none"]);
    assert_eq!(unused(&["a", "b"]), [""; 0], "another folder may use it");
    assert_eq!(unused(&["a"]), [""; 0]);
    // A change to this file can affect the stacks of all configs that use it.
    let output = check(
        folder.path(),
        &["--only-stack-files", "secrets.yaml", "--format", "short"],
    );
    assert!(
        output.stderr.contains("checked 2 files, 2 references"),
        "{output:?}"
    );
}

#[test]
fn inventory_flag_selects_from_the_config_of_each_file() {
    let folder = repository();
    let output = check(folder.path(), &["--inventory", "prod", "--format", "short"]);
    assert!(
        output.stdout.contains("`prod (services/a/stackref.toml)`"),
        "{output:?}"
    );
    assert_eq!(output.code, 1);
    let output = check(folder.path(), &["--inventory", "porod"]);
    assert!(
        output.code == 2 && output.stderr.contains("did you mean the inventory `prod`"),
        "{output:?}"
    );
    // Without a config at the root, no file uses the default config.
    std::fs::remove_file(folder.path().join("stackref.toml")).unwrap();
    std::fs::remove_dir_all(folder.path().join("stacks")).unwrap();
    std::fs::remove_dir_all(folder.path().join("services/b")).unwrap();
    std::fs::remove_dir_all(folder.path().join("old")).unwrap();
    let output = check(folder.path(), &["--inventory", "prod", "--format", "short"]);
    assert!(
        output.code == 1 && output.stdout.contains("unknown-secret"),
        "{output:?}"
    );
}

#[test]
fn list_with_a_config_or_inventory_checks_all_files_of_the_config() {
    let folder = repository();
    for changed in ["services/a/stackref.toml", "services/a/names.yaml"] {
        let output = check(
            folder.path(),
            &["--only-stack-files", changed, "--format", "short"],
        );
        assert!(
            output.stdout.contains("services/a/stacks/a.yaml")
                && !output.stdout.contains("stacks/root"),
            "{output:?}"
        );
        assert!(
            output.stderr.contains("checked the whole project"),
            "{output:?}"
        );
    }
    let output = check(
        folder.path(),
        &["--only-stack-files", "secrets.yaml", "--format", "short"],
    );
    assert_eq!(output.stdout.lines().count(), 4, "{output:?}");
}

#[test]
fn render_and_register_use_the_inventory_of_each_file() {
    let folder = folder(&[
        ("a/stackref.toml", "resolver = \"render\"\n"),
        ("a/secrets.inventory.yaml", "s: {k: one}\n"),
        ("a/a.yaml", &stack("a", "a: 'x-{{s.k}}'")),
        (
            "b/stackref.toml",
            "[inventory.b]\nkind = \"file\"\npath = \"b.yaml.values\"\n",
        ),
        ("b/b.yaml.values", "s: {k: two}\n"),
        ("b/b.yaml", &stack("b", "a: '{{s.k}}', b: '{{t.k}}'")),
        (".gitignore", "/out/\n"),
    ]);
    std::fs::rename(
        folder.path().join("b/b.yaml.values"),
        folder.path().join("b/values.yaml"),
    )
    .unwrap();
    write(
        folder.path(),
        "b/stackref.toml",
        b"[inventory.b]\nkind = \"file\"\npath = \"values.yaml\"\n",
    );
    let output = run(&["register", "--dry-run"], folder.path(), b"");
    assert!(
        output.stdout.contains("b: t.k for `b`") && output.stdout.lines().count() == 1,
        "{output:?}"
    );
    write(
        folder.path(),
        "b/values.yaml",
        b"s: {k: two}\nt: {k: three}\n",
    );
    let output = run(
        &["render", "-o", "out", "--allow-tracked"],
        folder.path(),
        b"",
    );
    assert_eq!(output.code, 0, "{output:?}");
    let read = |name: &str| std::fs::read_to_string(folder.path().join("out").join(name)).unwrap();
    assert_eq!(read("a/a.yaml"), stack("a", "a: 'x-one'"));
    assert_eq!(read("b/b.yaml"), stack("b", "a: 'two', b: 'three'"));
}

#[test]
fn baseline_contains_the_findings_of_all_configs() {
    let folder = repository();
    assert_eq!(
        check(folder.path(), &["--write-baseline", "baseline.json"]).code,
        0
    );
    let output = check(folder.path(), &["--baseline", "baseline.json"]);
    assert!(output.code == 0 && output.stdout.is_empty(), "{output:?}");
    // Each config may set its own baseline.
    let folder = repository();
    let config = "baseline = 'known.json'\n[inventory.prod]\nkind = 'file'\npath = ";
    write(
        folder.path(),
        "services/a/stackref.toml",
        format!("{config}'names.yaml'\n").as_bytes(),
    );
    write(
        folder.path(),
        "stackref.toml",
        format!("{config}'secrets.yaml'\n").as_bytes(),
    );
    std::fs::remove_dir_all(folder.path().join("old")).unwrap();
    let output = check(folder.path(), &[]);
    assert!(
        output.code == 2 && output.stderr.contains("cannot find the baseline"),
        "{output:?}"
    );
    for (paths, file) in [
        ("services/a", "services/a/known.json"),
        ("stacks", "known.json"),
    ] {
        assert_eq!(
            check(folder.path(), &["--write-baseline", file, paths]).code,
            0
        );
    }
    assert_eq!(reported(folder.path(), &[]), [ALL[2]]);
    assert_eq!(
        check(folder.path(), &["--write-baseline", "baseline.json"]).code,
        0
    );
    let output = check(
        folder.path(),
        &["--baseline", "baseline.json", "services/a"],
    );
    assert!(
        output.code == 0 && !output.stderr.contains("obsolete"),
        "{output:?}"
    );
}

#[test]
fn outside_a_repository_configs_above_the_arguments_are_not_used() {
    let outside = folder(&[
        ("stackref.toml", "level = \"none\"\n"),
        ("a/x.yaml", &stack("a", "a: '{{s.k}}'")),
        ("a/secrets.inventory.yaml", "s: [k]\n"),
    ]);
    let other_folder = tempfile::tempdir().unwrap();
    let path = |name: &str| outside.path().join(name).display().to_string();
    // No argument names the folder above.
    assert!(
        !check(other_folder.path(), &[&path("a")])
            .stderr
            .contains("level none")
    );
    assert!(
        check(other_folder.path(), &[&path(""), &path("a/x.yaml")])
            .stderr
            .contains("level none")
    );
    assert!(
        check(&outside.path().join("a"), &["--level", "none"])
            .stderr
            .contains("from --level")
    );
    assert!(check(outside.path(), &["a"]).stderr.contains("level none"));
}

#[test]
fn config_above_the_repository_is_not_read() {
    let home = folder(&[
        ("stackref.toml", "no config = at all\n"),
        (
            "repo/stackref.toml",
            "[inventory.x]\nkind = 'file'\npath = '../secrets.yaml'\n[rules]\nunused-secret = 'error'\n",
        ),
        ("repo/x.yaml", &stack("x", "a: '{{s.k}}'")),
        ("secrets.yaml", "s: [k]\n'two words': [k]\n"),
    ]);
    let repository = home.path().join("repo");
    std::fs::create_dir(repository.join(".git")).unwrap();
    std::fs::create_dir(repository.join("below")).unwrap();
    write(&repository, "y.yaml", stack("y", "a: {{s.k}}").as_bytes());
    for (folder, words) in [
        (&repository, &["."][..]),
        (&repository, &["."]),
        (&repository, &["x.yaml", "--fix", "--diff"]),
        (&repository.join("below"), &[".."]),
        (&repository, &[".", "--leaks"]),
    ] {
        let output = run(&[&["check", "--trust"], words].concat(), folder, b"");
        // An inventory outside the repository belongs to the config that names it.
        assert!(
            output.code < 2 && !output.stderr.contains("no config"),
            "{words:?}: {output:?}"
        );
        assert!(
            output.stderr.contains("1 warning") || output.stderr.contains("2 files"),
            "{words:?}: {output:?}"
        );
    }
}
