//! `inventory diff` with several kinds of inventories and several configs.

use crate::support::{Output, create_pipe, folder, run, run_trusted, write};
use std::path::Path;

const HEAD: &str = "ONLY IN  KIND    SECRET  KEYS\n";

fn diff(folder: &Path, more: &[&str]) -> Output {
    run_trusted(&[&["inventory", "diff"], more].concat(), folder, b"")
}

/// A `command` inventory that counts its calls in files, and whose program for values must not run.
const STORE: &str = r#"[inventory.store]
kind = "command"
names = ["sh", "-c", "echo >> calls-names; cat names.json"]
keys = ["sh", "-c", 'echo >> "calls-$1"; cat "$1.json"', "-", "{secret}"]
value = ["touch", "read", "{secret}", "{key}"]
[inventory.mounted]
kind = "dir"
path = "mounted"
[inventory.variables]
kind = "env"
prefix = "SR_"
[inventory.broken]
kind = "command"
names = ["false"]
keys = ["false", "{secret}"]
"#;

#[test]
fn inventories_of_different_kinds_are_compared_without_their_values() {
    let folder = folder(&[
        ("stackref.toml", STORE),
        ("names.json", "[\"db\", \"s3\"]"),
        ("db.json", "[\"user\", \"password\"]"),
        ("s3.json", "[]"),
        ("mounted/db/password", "hunter2"),
        ("mounted/api/token", "hunter2"),
        ("names.yaml", "db: [user, password]\ns3: []\n"),
    ]);
    let path = folder.path();
    let calls = |name: &str| std::fs::read_to_string(path.join(name)).unwrap().len();
    for (words, expected) in [
        (["store", "names.yaml"], ""),
        (["names.yaml", "store"], ""),
        (["store", "store"], ""),
        (
            ["store", "mounted"],
            "store    keys    db      user\nstore    secret  s3      -\nmounted  secret  api     token\n",
        ),
    ] {
        for name in ["calls-names", "calls-db", "calls-s3"] {
            write(path, name, b"");
        }
        let output = diff(path, &words);
        let table = if expected.is_empty() {
            String::new()
        } else {
            format!("{HEAD}{expected}")
        };
        assert_eq!(output.stdout, table, "{words:?}: {output:?}");
        assert_eq!(output.code, i32::from(!expected.is_empty()), "{words:?}");
        let numbers = ["calls-names", "calls-db", "calls-s3"].map(calls);
        assert_eq!(numbers, [1, 1, 1], "each question is asked once: {words:?}");
    }
    let read = std::fs::read_dir(path).unwrap();
    let mut read = read.map(|entry| entry.unwrap().file_name().into_string().unwrap());
    assert!(
        !read.any(|name| name.starts_with("read")),
        "no value is read"
    );
}

#[test]
fn names_of_variables_equal_all_their_spellings() {
    let stack = "stack_name: s\ncomponents:\n  orchestrator:\n    flavor: ours\n    name: o\n    a: '{{Db-Main.Pass.Word}}'\n";
    let folder = folder(&[
        ("stackref.toml", STORE),
        ("s.yaml", stack),
        ("same.yaml", "Db-Main: [Pass.Word]\n"),
        ("other.yaml", "other: [k]\n"),
    ]);
    for (words, expected) in [
        (vec!["variables", "same.yaml"], vec![]),
        (vec!["--used", "same.yaml", "variables"], vec![]),
        (
            vec!["--used", "variables", "other.yaml"],
            vec!["variables  secret  db_main  pass_word"],
        ),
        (
            vec!["variables", "other.yaml"],
            vec![
                "variables   secret  db_main  pass_word",
                "other.yaml  secret  other    k",
            ],
        ),
    ] {
        let words = [
            &["SR_DB_MAIN__PASS_WORD=hunter2", "inventory", "diff"],
            &words[..],
        ]
        .concat();
        let output = run(&words, folder.path(), b"");
        let lines: Vec<&str> = output.stdout.lines().skip(1).collect();
        assert_eq!(lines, expected, "{words:?}: {output:?}");
    }
}

#[test]
fn nothing_is_missing_from_an_inventory_without_an_answer() {
    let folder = folder(&[("stackref.toml", STORE), ("names.yaml", "db: [user]\n")]);
    for words in [
        ["names.yaml", "broken"],
        ["broken", "names.yaml"],
        ["broken", "broken"],
    ] {
        let output = diff(folder.path(), &words);
        let text = output.stderr_text();
        assert_eq!((output.code, output.stdout.as_str()), (3, ""), "{output:?}");
        assert!(text.contains("from the inventory `broken`"), "{text}");
        assert!(text.contains("nothing was compared"), "{text}");
        let output = diff(folder.path(), &[&words[..], &["--format", "json"]].concat());
        assert_eq!(output.code, 3, "{output:?}");
        let json: serde_json::Value = serde_json::from_str(&output.stdout).unwrap();
        assert_eq!(json["differences"].as_array().unwrap().len(), 0, "{json}");
        assert_eq!(json["failures"].as_array().unwrap().len(), 1, "{json}");
    }
}

#[test]
fn names_mean_the_inventories_of_the_nearest_config() {
    let config = "[inventory.dev]\nkind = \"file\"\npath = \"dev.yaml\"\n[inventory.prod]\nkind = \"file\"\npath = \"prod.yaml\"\n";
    let stack = "stack_name: s\ncomponents:\n  orchestrator:\n    flavor: ours\n    name: o\n    a: '{{inner.k}}'\n    b: '{{outer.k}}'\n";
    let folder = folder(&[
        ("stackref.toml", config),
        ("dev.yaml", "outer: [k]\n"),
        ("prod.yaml", ""),
        ("sub/stackref.toml", config),
        ("sub/dev.yaml", "inner: [k]\n"),
        ("sub/prod.yaml", ""),
        ("sub/s.yaml", stack),
    ]);
    for (inside, words, secret) in [
        ("", vec!["dev", "prod"], "outer"),
        ("", vec!["--used", "dev", "prod"], "outer"),
        ("", vec!["--used", "--path", "sub", "dev", "prod"], "inner"),
        ("sub", vec!["--used", "dev", "prod"], "inner"),
    ] {
        let output = diff(&folder.path().join(inside), &words);
        // If the run knows both configs, the name is followed by that of the config.
        let row = output.stdout.lines().nth(1).unwrap_or_default();
        let cells: Vec<&str> = row
            .split("  ")
            .map(str::trim)
            .filter(|cell| !cell.is_empty())
            .collect();
        assert_eq!(cells[1..], ["secret", secret, "k"], "{words:?}: {output:?}");
        assert_eq!(output.stdout.lines().count(), 2, "{words:?}: {output:?}");
    }
}

#[test]
fn inventories_may_be_pipes() {
    let folder = folder(&[("names.yaml", "db: [user]\n")]);
    let pipe = folder.path().join("pipe.yaml");
    create_pipe(&pipe);
    let writer = std::thread::spawn(move || std::fs::write(pipe, "db: {user: hunter2}\n").unwrap());
    let output = diff(folder.path(), &["names.yaml", "pipe.yaml"]);
    writer.join().unwrap();
    assert_eq!((output.code, output.stdout.as_str()), (0, ""), "{output:?}");
}
