//! Regression tests for faults that `just faults` and other tests found, if they can be reproduced
//! reliably.

use crate::support::{files_below, folder, is_installed, run, with_git};
use secrecy::SecretString;
use stackref::inventory::dir::DirInventory;
use stackref::inventory::{Inventory as _, NewKey, SecretChange};
use stackref::system::write::{ExistingFile, FilePermissions, NewFile, write_all};
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

const STACK: &str = "a: '{{s.k}}'\nstack_name: s\n";
const INVENTORY: &str = "s:\n  k: 'hunter2'\n";

/// Runs the program in a shell, after a setup command such as `ulimit`.
fn run_after(setup: &str, words: &str, folder: &Path) -> Output {
    let script = format!("{setup}; exec \"$0\" {words}");
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
fn render_writes_more_files_than_may_be_open() {
    let folder = folder(&[("secrets.inventory.yaml", INVENTORY)]);
    for at in 0..200 {
        crate::support::write(
            folder.path(),
            &format!("team-{at}/{at}.stack.yaml"),
            STACK.as_bytes(),
        );
    }
    let output = run_after("ulimit -n 64", "render -o out", folder.path());
    assert!(output.status.success(), "{output:?}");
    assert_eq!(files_below(&folder.path().join("out"), None).len(), 200);
}

#[test]
fn write_beyond_the_file_size_limit_fails_and_leaves_no_file() {
    let folder = folder(&[
        ("secrets.inventory.yaml", INVENTORY),
        ("a.stack.yaml", STACK),
    ]);
    let long = format!("{STACK}# {}\n", "x".repeat(5_000));
    crate::support::write(folder.path(), "b.stack.yaml", long.as_bytes());
    let output = run_after("ulimit -f 1", "render -o out", folder.path());
    assert_eq!(output.status.code(), Some(2), "{output:?}");
    assert!(
        files_below(&folder.path().join("out"), None).is_empty(),
        "files are left"
    );
}

#[test]
fn program_output_is_read_if_the_caller_ignores_sigchld() {
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
    // Uses bash, because not every shell can ignore SIGCHLD.
    let setup = "git init --quiet .; exec bash -c 'trap \"\" CHLD; exec \"$0\" render --trust -o out' \"$0\"";
    let output = run_after(setup, "", folder.path());
    assert!(output.status.success(), "{output:?}");
}

#[test]
fn one_of_two_concurrent_writes_of_a_key_reports_that_it_did_not_store_it() {
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
        let not_stored = vec![("s".to_owned(), "k".to_owned())];
        match value.as_str() {
            "one" => assert_eq!((one, other), (Vec::new(), not_stored)),
            _ => assert_eq!((one, other), (not_stored, Vec::new())),
        }
        assert_eq!(
            files_below(&path.join("mounted"), None).len(),
            2,
            "temporary files are left"
        );
    }
}

#[test]
fn fix_does_not_follow_a_symlink_that_appears_during_a_lookup() {
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
    let output = run_after(":", "check --fix", folder.path());
    assert_eq!(output.status.code(), Some(2), "{output:?}");
    assert_eq!(
        std::fs::read_to_string(folder.path().join("elsewhere/a")).unwrap(),
        stack
    );
}

#[test]
fn second_report_on_tmpfs_replaces_the_first() {
    let Ok(shm) = tempfile::TempDir::new_in("/dev/shm") else {
        eprintln!("skipped: there is no /dev/shm");
        return;
    };
    let folder = folder(&[("a.stack.yaml", STACK)]);
    let report = shm.path().join("report.json");
    let words = format!(
        "check --level none --format json --output {}",
        report.display()
    );
    for _ in 0..2 {
        assert!(run_after(":", &words, folder.path()).status.success());
    }
    let text = std::fs::read(&report).unwrap();
    assert!(
        serde_json::from_slice::<serde_json::Value>(&text).is_ok(),
        "the second report was appended to the first"
    );
}

/// Creates a staging folder like that of a killed process.
fn create_abandoned_staging_folder(folder: &Path, below: &str, text: &str) {
    use std::os::unix::fs::PermissionsExt as _;
    let staging = folder
        .join(below)
        .join(stackref::system::write::staging_name(999_999_999, 3));
    for name in [".gitignore", "0"] {
        crate::support::write(&staging, name, text.as_bytes());
    }
    std::fs::set_permissions(staging, std::fs::Permissions::from_mode(0o700)).unwrap();
}

#[test]
fn each_command_removes_abandoned_staging_folders_where_it_reads() {
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
            ("rename s t --dry-run", &["stacks"]),
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
                create_abandoned_staging_folder(folder.path(), below, "*\nhunter2\n");
            }
            let output = run(&words.split(' ').collect::<Vec<_>>(), folder.path(), b"");
            let files: Vec<_> = files_below(folder.path(), None);
            let remaining: Vec<_> = files
                .iter()
                .filter(|path| path.to_string_lossy().contains("/.stackref-"))
                .collect();
            assert!(
                remaining.is_empty(),
                "{words}, {ignored:?}: {remaining:?} {output:?}"
            );
        }
    }
}

#[test]
fn discovery_skips_staging_folders() {
    let folder = folder(&[("a.stack.yaml", STACK)]);
    // The staging folder of a running process is not removed.
    let staging = stackref::system::write::staging_name(std::process::id(), 3);
    crate::support::write(
        folder.path(),
        &format!("{staging}/b.stack.yaml"),
        STACK.as_bytes(),
    );
    let output = run(&["check", "--list-files"], folder.path(), b"");
    assert!(
        output.stderr.ends_with("1 file would be scanned\n"),
        "{output:?}"
    );
    assert!(folder.path().join(staging).exists());
}

#[test]
fn concurrent_renders_leave_the_output_of_one_of_them() {
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
            "the output mixes files of several renders"
        );
    }
}

#[test]
fn failed_write_to_a_dir_inventory_changes_nothing() {
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

/// A rename once replaced a file that was edited after it was read.
#[test]
fn text_made_from_an_old_version_replaces_no_edit() {
    type Change = fn(&Path);
    let changes: [(Change, Option<&str>); 2] = [
        (
            |path| std::fs::write(path, "edited").unwrap(),
            Some("edited"),
        ),
        (|path| std::fs::remove_file(path).unwrap(), None),
    ];
    for (change, expected) in changes {
        let folder = folder(&[("a", "old"), ("b", "old")]);
        let at = |name: &str| folder.path().join(name);
        let files = ["a", "b"].map(|path| NewFile {
            path: PathBuf::from(path),
            text: "new",
            existing: ExistingFile::ReplaceText("old"),
        });
        let edit_once = &mut |staged| {
            if staged == files.len() {
                change(&at("b"));
            }
        };
        let written = write_all(folder.path(), &files, FilePermissions::Preserve, edit_once);
        let failure = written.unwrap_err();
        assert!(
            failure
                .to_string()
                .contains("b`: it was changed in the meantime"),
            "{failure}"
        );
        assert_eq!(
            failure.help_text().unwrap().to_string(),
            "no output was changed"
        );
        assert_eq!(std::fs::read_to_string(at("a")).unwrap(), "old");
        assert_eq!(std::fs::read_to_string(at("b")).ok().as_deref(), expected);
    }
}

#[test]
fn commands_that_read_trust_records_remove_abandoned_staging_folders_beside_them() {
    let config = "[inventory.x]\nkind = \"command\"\nnames = [\"true\"]\n";
    for words in [&["trust", "--yes"][..], &["inventory"]] {
        let folder = folder(&[("stackref.toml", config)]);
        let state = format!("XDG_STATE_HOME={}", folder.path().display());
        let words = [&[state.as_str()], words].concat();
        run(&[&state, "trust", "--yes"], folder.path(), b"");
        assert!(folder.path().join("stackref/trust.json").is_file());
        create_abandoned_staging_folder(folder.path(), "stackref", "*\n");
        run(&words, folder.path(), b"");
        let names = files_below(&folder.path().join("stackref"), None);
        assert_eq!(names.len(), 1, "{words:?}: {names:?}");
    }
}
