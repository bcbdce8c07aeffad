//! Faults that `just faults` and others have found, each where it can be had without chance.

use crate::support::{files_below, folder, is_installed, run, with_git};
use secrecy::SecretString;
use stackref::inventory::dir::DirInventory;
use stackref::inventory::{Inventory as _, NewKey, SecretChange};
use std::path::Path;
use std::process::{Command, Output};

const STACK: &str = "a: '{{s.k}}'\n";
const INVENTORY: &str = "s:\n  k: 'hunter2'\n";

/// Runs the program behind words of a shell, such as limits.
fn limited(limit: &str, words: &str, folder: &Path) -> Output {
    let script = format!("{limit}; exec \"$0\" {words}");
    let mut command = Command::new("sh");
    command
        .args(["-c", &script, env!("CARGO_BIN_EXE_stackref")])
        .current_dir(folder);
    command
        .env_clear()
        .env("PATH", std::env::var_os("PATH").unwrap())
        .output()
        .unwrap()
}

#[test]
fn more_files_are_rendered_than_may_be_open() {
    let folder = folder(&[("secrets.inventory.yaml", INVENTORY)]);
    for at in 0..200 {
        crate::support::write(
            folder.path(),
            &format!("team-{at}/{at}.stack.yaml"),
            STACK.as_bytes(),
        );
    }
    let output = limited("ulimit -n 64", "render -o out", folder.path());
    assert!(output.status.success(), "{output:?}");
    assert_eq!(files_below(&folder.path().join("out"), None).len(), 200);
}

#[test]
fn a_limit_on_the_size_of_files_is_a_write_that_fails() {
    let folder = folder(&[
        ("secrets.inventory.yaml", INVENTORY),
        ("a.stack.yaml", STACK),
    ]);
    let long = format!("{STACK}# {}\n", "x".repeat(5_000));
    crate::support::write(folder.path(), "b.stack.yaml", long.as_bytes());
    let output = limited("ulimit -f 1", "render -o out", folder.path());
    assert_eq!(output.status.code(), Some(2), "{output:?}");
    assert!(
        files_below(&folder.path().join("out"), None).is_empty(),
        "something is left behind"
    );
}

#[test]
fn a_caller_that_ignores_the_end_of_children_takes_no_answer_away() {
    if with_git().is_none() || !is_installed("bash") {
        return;
    }
    let config = r#"
[inventory.store]
kind = "command"
names = ["echo", '["s"]']
keys = ["sh", "-c", 'echo "[\"k\"]"', "{secret}"]
value = ["sh", "-c", "echo v", "{secret}", "{key}"]
"#;
    let folder = folder(&[
        ("a.stack.yaml", STACK),
        ("stackref.toml", config),
        (".gitignore", "/out/\n"),
    ]);
    // Not every shell can ignore it.
    let ignoring = "git init --quiet .; exec bash -c 'trap \"\" CHLD; exec \"$0\" render --trust -o out' \"$0\"";
    let output = limited(ignoring, "", folder.path());
    assert!(output.status.success(), "{output:?}");
}

#[test]
fn of_two_runs_that_store_one_key_in_a_folder_one_is_told_that_it_did_not() {
    for _ in 0..50 {
        let folder = folder(&[("mounted/a/k", "v")]);
        let path = folder.path();
        let put = |value: &str| {
            let entries = [NewKey {
                key: "k".to_owned(),
                value: Some(SecretString::from(value)),
                replaces: false,
            }];
            let inventory = DirInventory::new("mounted".to_owned(), &path.join("mounted"), path);
            inventory
                .put(&[SecretChange {
                    secret: "s",
                    entries: &entries,
                }])
                .unwrap()
        };
        let (one, other) = std::thread::scope(|scope| {
            let one = scope.spawn(|| put("one"));
            let other = scope.spawn(|| put("other"));
            (one.join().unwrap(), other.join().unwrap())
        });
        let value = std::fs::read_to_string(path.join("mounted/s/k")).unwrap();
        let told = vec![("s".to_owned(), "k".to_owned())];
        match value.as_str() {
            "one" => assert_eq!((one, other), (Vec::new(), told)),
            _ => assert_eq!((one, other), (told, Vec::new())),
        }
        assert_eq!(
            files_below(&path.join("mounted"), None).len(),
            2,
            "temporary files stayed behind"
        );
    }
}

#[test]
fn a_link_that_comes_while_a_store_answers_is_not_followed_by_a_fix() {
    let stack = "components:\n  orchestrator:\n    configuration:\n      a: {{s.k}}\n    flavor: ours\n    name: o\n    \
                 type: orchestrator\nstack_name: x\nzenml_version: 0.98.0\n";
    let config = "[inventory.store]\nkind = \"command\"\nnames = [\"sh\", \"swap.sh\"]\nkeys = [\"sh\", \"keys.sh\", \
                  \"{secret}\"]\n";
    let swap = "ln -sf elsewhere/a a.stack.yaml\necho '[\"s\"]'\n";
    let folder = folder(&[
        ("stackref.toml", config),
        ("a.stack.yaml", stack),
        ("elsewhere/a", stack),
        ("swap.sh", swap),
        ("keys.sh", "echo '[\"k\"]'\n"),
    ]);
    let output = limited(":", "check --fix", folder.path());
    assert_eq!(output.status.code(), Some(2), "{output:?}");
    assert_eq!(
        std::fs::read_to_string(folder.path().join("elsewhere/a")).unwrap(),
        stack
    );
}

#[test]
fn a_report_on_a_disk_in_memory_is_replaced_like_any_other() {
    let Ok(place) = tempfile::TempDir::new_in("/dev/shm") else {
        eprintln!("not tested: there is no /dev/shm");
        return;
    };
    let folder = folder(&[("a.stack.yaml", STACK)]);
    let report = place.path().join("report.json");
    let words = format!(
        "check --level none --format json --output {}",
        report.display()
    );
    for _ in 0..2 {
        assert!(limited(":", &words, folder.path()).status.success());
    }
    let text = std::fs::read(&report).unwrap();
    assert!(
        serde_json::from_slice::<serde_json::Value>(&text).is_ok(),
        "a second report was added to the first"
    );
}

/// Creates a staging folder as a process leaves it that was killed.
fn leave(folder: &Path, below: &str, text: &str) {
    use std::os::unix::fs::PermissionsExt as _;
    let left = folder
        .join(below)
        .join(stackref::system::write::staging_name(999_999_999, 3));
    for name in [".gitignore", "0"] {
        crate::support::write(&left, name, text.as_bytes());
    }
    std::fs::set_permissions(left, std::fs::Permissions::from_mode(0o700)).unwrap();
}

#[test]
fn every_command_removes_what_a_killed_run_left_in_the_folders_that_it_reads() {
    let stack = "components:\n  orchestrator:\n    configuration:\n      a: '{{s.k}}'\n    flavor: ours\n    name: o\n    \
                 type: orchestrator\nstack_name: x\nzenml_version: 0.98.0\n";
    let config = "level = \"secret-and-key-exists\"\n[inventory.file]\nkind = \"file\"\npath = \"values/i.yaml\"\n\
                  [inventory.dir]\nkind = \"dir\"\npath = \"mounted\"\n";
    for ignored in ["", "*.tmp\nvalues/\nmounted/\n"] {
        for (words, folders) in [
            (
                "check --inventory file --inventory dir",
                &["stacks", "values", "mounted"][..],
            ),
            ("check --fix --level none", &["stacks"]),
            ("inventory", &["values", "mounted"]),
            ("inventory --used --inventory file", &["values", "stacks"]),
            ("register --dry-run --inventory file", &["values", "stacks"]),
            ("render --stdout --inventory file", &["values", "stacks"]),
            ("refs", &["stacks"]),
            ("init --dry-run", &["stacks"]),
        ] {
            let folder = folder(&[
                ("stackref.toml", config),
                (".gitignore", ignored),
                ("stacks/a.yaml", stack),
                ("values/i.yaml", INVENTORY),
                ("mounted/s/k", "hunter2"),
            ]);
            if words.starts_with("init") {
                std::fs::remove_file(folder.path().join("stackref.toml")).unwrap();
            }
            for below in folders {
                leave(folder.path(), below, "*\nhunter2\n");
            }
            let output = run(&words.split(' ').collect::<Vec<_>>(), folder.path(), b"");
            let left: Vec<_> = files_below(folder.path(), None);
            let left: Vec<_> = left
                .iter()
                .filter(|path| path.to_string_lossy().contains("/.stackref-"))
                .collect();
            assert!(left.is_empty(), "{words}, {ignored:?}: {left:?} {output:?}");
        }
    }
}

#[test]
fn a_walk_reads_nothing_in_a_staging_folder() {
    let folder = folder(&[("a.stack.yaml", STACK)]);
    // That of a process that runs is not removed.
    let left = stackref::system::write::staging_name(std::process::id(), 3);
    crate::support::write(
        folder.path(),
        &format!("{left}/b.stack.yaml"),
        STACK.as_bytes(),
    );
    let output = run(&["check", "--list-files"], folder.path(), b"");
    assert!(
        output.stderr.ends_with("1 file would be scanned\n"),
        "{output:?}"
    );
    assert!(folder.path().join(left).exists());
}

#[test]
fn of_many_renders_at_one_time_the_result_is_that_of_one() {
    let (files, renders) = (30, 6);
    for _ in 0..5 {
        let folder = folder(&[(".gitignore", "out/\n")]);
        for at in 0..files {
            crate::support::write(
                folder.path(),
                &format!("team-{}/{at}.stack.yaml", at % 3),
                STACK.as_bytes(),
            );
        }
        for at in 0..renders {
            crate::support::write(
                folder.path(),
                &format!("{at}.yaml"),
                format!("s:\n  k: 'value {at}'\n").as_bytes(),
            );
        }
        std::thread::scope(|scope| {
            for at in 0..renders {
                let path = folder.path();
                scope.spawn(move || {
                    let inventory = format!("{at}.yaml");
                    let output = run(
                        &["render", "-o", "out", "--inventory", &inventory],
                        path,
                        b"",
                    );
                    assert_eq!(output.code, 0, "{output:?}");
                });
            }
        });
        let outputs = files_below(&folder.path().join("out"), None);
        let texts: std::collections::BTreeSet<_> = outputs
            .iter()
            .map(|path| std::fs::read(path).unwrap())
            .collect();
        assert_eq!(
            (outputs.len(), texts.len()),
            (files, 1),
            "a mixture of several renders"
        );
    }
}

#[test]
fn a_store_in_a_folder_that_fails_leaves_nothing() {
    let folder = folder(&[("mounted/a/k", "old"), ("mounted/b/k/in-the-way", "")]);
    let value = |key: &str| NewKey {
        key: key.to_owned(),
        value: Some(SecretString::from("new")),
        replaces: true,
    };
    let entries = [value("k")];
    let inventory = DirInventory::new(
        "mounted".to_owned(),
        &folder.path().join("mounted"),
        folder.path(),
    );
    let change = |secret| SecretChange {
        secret,
        entries: &entries,
    };
    let empty = SecretChange {
        secret: "empty",
        entries: &[],
    };
    assert!(
        inventory
            .put(&[change("a"), change("new"), change("b"), empty])
            .is_err()
    );
    assert_eq!(
        crate::support::folders(&folder.path().join("mounted")).len(),
        2,
        "folders of new secrets are left"
    );
    assert_eq!(
        std::fs::read_to_string(folder.path().join("mounted/a/k")).unwrap(),
        "old"
    );
}
