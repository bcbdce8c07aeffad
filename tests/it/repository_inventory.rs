//! Tests inventories of kind `repository`: which files their declarations come from, and what they
//! answer at each level.

use crate::support::{Output, folder, run};
use std::path::Path;
use tempfile::TempDir;

const CONFIG: &str = "[inventory.ours]\nkind = \"repository\"\n";

const SCRIPT: &str = "zenml secret create db --user=$U --password=$P\n\
                      zenml secret create open -i\nzenml secret update old --token=$T\n";

fn stack(references: &[&str]) -> String {
    let attributes = references.iter().enumerate();
    let attributes =
        attributes.map(|(at, reference)| format!("      a{at}: '{{{{{reference}}}}}'\n"));
    format!(
        "stack_name: s\nzenml_version: 0.98.0\ncomponents:\n  alerter:\n    name: x\n    type: alerter\n    \
         flavor: slack\n    configuration:\n{}",
        attributes.collect::<String>()
    )
}

/// Creates a repository with a config, a script in a folder, and a stack.
fn repository(config: &str, references: &[&str]) -> TempDir {
    let folder = folder(&[
        ("stackref.toml", config),
        ("scripts/setup.sh", SCRIPT),
        ("stacks/prod.yaml", &stack(references)),
        ("notes/other.txt", "no reference\n"),
    ]);
    std::fs::create_dir(folder.path().join(".git")).unwrap();
    std::fs::write(folder.path().join(".git/HEAD"), "ref: refs/heads/main\n").unwrap();
    folder
}

fn check(folder: &Path, words: &[&str]) -> Output {
    run(
        &[&["check", "--format", "short"], words].concat(),
        folder,
        b"",
    )
}

/// Returns the rule of each finding of a short report.
fn rules(output: &Output) -> Vec<&str> {
    let lines = output.stdout.lines();
    let rules = lines.filter_map(|line| line.split_once('[')?.1.split_once(']'));
    rules.map(|(rule, _)| rule).collect()
}

const REFERENCES: [&str; 6] = [
    "db.user",
    "db.usr",
    "open.x",
    "old.token",
    "old.x",
    "none.x",
];

#[test]
fn each_level_compares_what_it_may() {
    let folder = repository(CONFIG, &REFERENCES);
    for (level, expected, end) in [
        (
            "secret-and-key-exists",
            &["unknown-key", "unknown-secret"][..],
            "keys of 2 references not looked up (not all keys are declared)",
        ),
        (
            "secret-exists",
            &["unknown-secret"],
            "keys of 5 references not looked up (level secret-exists from --level)",
        ),
        (
            "none",
            &[],
            "6 references not looked up (level none from --level)",
        ),
    ] {
        let output = check(folder.path(), &["--level", level]);
        assert_eq!(rules(&output), expected, "{output:?}");
        assert!(output.stderr_text().ends_with(end), "{output:?}");
    }
}

#[test]
fn declarations_of_the_whole_repository_answer_for_every_selection() {
    let folder = repository(CONFIG, &REFERENCES);
    let expected = ["unknown-key", "unknown-secret"];
    for words in [
        &["."][..],
        &["stacks"],
        &["stacks/prod.yaml"],
        &["stacks", "notes"],
        &["--config", "stackref.toml", "stacks"],
        &["--inventory", "ours", "stacks/prod.yaml"],
        &["--only-stack-files", "stacks/prod.yaml"],
    ] {
        let output = check(folder.path(), words);
        assert_eq!(rules(&output), expected, "{words:?}: {output:?}");
    }
    let output = check(&folder.path().join("stacks"), &[]);
    assert_eq!(rules(&output), expected, "{output:?}");
    // The buffer of an editor.
    let text = stack(&REFERENCES);
    let words = [
        "check",
        "--format",
        "short",
        "-",
        "--stdin-filename",
        "stacks/new.yaml",
    ];
    let output = run(&words, folder.path(), text.as_bytes());
    assert_eq!(rules(&output), expected, "{output:?}");
}

#[test]
fn buffer_of_a_script_replaces_its_file() {
    let folder = repository(CONFIG, &["db.user", "new.x"]);
    let stdin =
        b"zenml secret create new --x=$X\nzenml x register a --a={{new.x}} --b={{db.user}}\n";
    let words = [
        "check",
        "--format",
        "short",
        "-",
        "--stdin-filename",
        "scripts/setup.sh",
    ];
    let output = run(&words, folder.path(), stdin);
    assert_eq!(rules(&output), ["unknown-secret"], "{output:?}");
    assert!(output.stdout.contains("no secret `db`"), "{output:?}");
}

#[test]
fn config_of_a_folder_uses_the_declarations_of_the_repository() {
    let folder = repository("", &["db.user"]);
    let stacks = folder.path().join("stacks");
    std::fs::write(stacks.join("stackref.toml"), CONFIG).unwrap();
    for words in [&["stacks"][..], &["stacks/prod.yaml"], &["."]] {
        let output = check(folder.path(), words);
        assert_eq!((rules(&output), output.code), (vec![], 0), "{output:?}");
    }
    let output = check(&stacks, &[]);
    assert_eq!(output.code, 0, "{output:?}");
}

#[test]
fn unreadable_part_of_the_repository_makes_the_inventory_unusable() {
    let folder = repository(CONFIG, &REFERENCES);
    let broken = folder.path().join("broken");
    std::fs::create_dir(&broken).unwrap();
    std::fs::write(broken.join("stackref.toml"), "nonsense = 1\n").unwrap();
    std::fs::write(broken.join("more.sh"), "zenml secret create none --x=$X\n").unwrap();
    let output = check(folder.path(), &["stacks"]);
    assert_eq!((rules(&output), output.code), (vec![], 2), "{output:?}");
    assert_eq!(output.stderr.matches("nonsense").count(), 2, "{output:?}");
    assert!(
        output.stderr.contains("no answer from `ours`"),
        "{output:?}"
    );
}

#[test]
fn first_inventory_that_has_the_secret_answers() {
    let file = "[inventory.team]\nkind = \"file\"\npath = \"names.yaml\"\n";
    for (order, expected) in [
        ("\"ours\", \"team\"", &["unknown-key", "unknown-secret"][..]),
        ("\"team\", \"ours\"", &["unknown-key", "unknown-secret"]),
    ] {
        let route = format!("[[stacks]]\nfiles = [\"**\"]\ninventory = [{order}]\n");
        let config = format!("{CONFIG}{file}{route}");
        let is_first = order.starts_with("\"ours\"");
        // `db` has `user` only in the repository, and `token` only in the file.
        let wrong = if is_first { "db.token" } else { "db.user" };
        let right = if is_first { "db.user" } else { "db.token" };
        let folder = repository(&config, &[right, wrong, "team.x", "open.x", "none.x"]);
        std::fs::write(folder.path().join("names.yaml"), "db: [token]\nteam: [x]\n").unwrap();
        let output = check(folder.path(), &[]);
        assert_eq!(rules(&output), expected, "{order}: {output:?}");
        let named: Vec<&str> = order.split('"').filter(|name| name.len() > 2).collect();
        let inventories = format!(
            "no secret `none` in the inventories `{}`, `{}`",
            named[0], named[1]
        );
        assert!(output.stdout.contains(&inventories), "{output:?}");
    }
}

#[test]
fn render_and_register_exit_with_the_reason() {
    let folder = repository(CONFIG, &["db.user", "open.x", "open.y"]);
    let render = run(
        &["render", "-o", "out", "--allow-tracked"],
        folder.path(),
        b"",
    );
    assert_eq!(render.code, 2, "{render:?}");
    let reason = "the inventory `ours` has no values for `db`";
    assert!(render.stderr_text().contains(reason), "{render:?}");
    assert!(!folder.path().join("out").exists());
    // A key of an open declaration may exist.
    let register = run(
        &["SR_DB__USER=hunter2", "register", "--from-env", "SR"],
        folder.path(),
        b"",
    );
    assert_eq!(register.code, 0, "{register:?}");
    assert!(
        register.stderr.contains("nothing is missing"),
        "{register:?}"
    );
    let folder = repository(CONFIG, &["none.x"]);
    let register = run(
        &["SR_NONE__X=hunter2", "register", "--from-env", "SR"],
        folder.path(),
        b"",
    );
    assert_eq!(register.code, 2, "{register:?}");
    let reason = "cannot store secrets in the inventory `ours`";
    assert!(register.stderr_text().contains(reason), "{register:?}");
}

#[test]
fn values_of_another_inventory_are_rendered() {
    let route = "[[stacks]]\nfiles = [\"**\"]\ninventory = [\"team\", \"ours\"]\n";
    let file = "[inventory.team]\nkind = \"file\"\npath = \"values.yaml\"\n";
    let folder = repository(&format!("{CONFIG}{file}{route}"), &["db.user"]);
    std::fs::write(folder.path().join("values.yaml"), "db: {user: hunter2}\n").unwrap();
    let output = run(
        &["render", "--stdout", "stacks/prod.yaml"],
        folder.path(),
        b"",
    );
    assert_eq!(output.code, 0, "{output:?}");
    assert!(output.stdout.contains("a0: 'hunter2'"), "{output:?}");
}

#[test]
fn time_limits_are_accepted_and_other_keys_are_not() {
    let folder = repository(&format!("{CONFIG}timeout = 5\n"), &["db.user"]);
    assert_eq!(check(folder.path(), &[]).code, 0);
    let folder = repository(&format!("{CONFIG}path = \"x\"\n"), &["db.user"]);
    let output = check(folder.path(), &[]);
    assert_eq!(output.code, 2, "{output:?}");
    assert!(
        output.stderr_text().contains("unknown key `path`"),
        "{output:?}"
    );
}
