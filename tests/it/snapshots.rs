//! Snapshots of inventories: refreshing them, and checking stacks with them.

use crate::support::{Output, check, folder, run, write};
use std::fmt::Write as _;
use std::path::Path;
use tempfile::TempDir;

const STACK: &str = "stack_name: s\ncomponents:\n  orchestrator:\n    flavor: ours\n    name: o\n    a: '{{used.k}}'\n";

fn snapshot(folder: &Path, more: &[&str]) -> Output {
    run(&[&["inventory", "snapshot"], more].concat(), folder, b"")
}

fn read(folder: &TempDir, name: &str) -> String {
    std::fs::read_to_string(folder.path().join(name)).unwrap()
}

#[test]
fn snapshot_is_refreshed_and_other_files_are_not_overwritten() {
    let config = "[inventory.prod]\nkind = \"file\"\npath = \"names/prod.yaml\"\n\n[inventory.live]\nkind = \"file\"\npath = \"secrets/live.yaml\"\n\n[inventory.mounted]\nkind = \"dir\"\npath = \"mounted\"\n\n[[stacks]]\nfiles = [\"**\"]\ninventory = [\"prod\"]\n";
    let live = "used: {k: hunter2}\nnew: {k: hunter2}\n";
    let folder = folder(&[
        ("stackref.toml", config),
        ("names/prod.yaml", "old: [k]\n"),
        ("secrets/live.yaml", live),
        ("secrets/other.yaml", "a: {b: hunter2}\n"),
        ("mounted/a/k.yaml", ""),
        ("s.yaml", STACK),
    ]);
    let output = snapshot(
        folder.path(),
        &["--inventory", "live", "-o", "names/prod.yaml"],
    );
    assert_eq!(output.code, 0, "{output:?}");
    assert!(read(&folder, "names/prod.yaml").ends_with("snapshot`.\nnew: [k]\nused: [k]\n"));
    let output = check(folder.path(), &["--format", "short"]);
    assert!(
        output.code == 0 && !output.stdout.contains("names/prod.yaml"),
        "{output:?}"
    );
    for (words, message) in [
        (["live", "secrets/live.yaml"], "the snapshot is made of it"),
        (["prod", "names/prod.yaml"], "the snapshot is made of it"),
        (
            ["mounted", "mounted/a/k.yaml"],
            "the snapshot is made of it",
        ),
        (["live", "secrets/other.yaml"], "it is not a snapshot"),
        (["live", "s.yaml"], "it is not a snapshot"),
    ] {
        let output = snapshot(folder.path(), &["--inventory", words[0], "-o", words[1]]);
        assert!(
            output.code == 2 && output.stderr_text().contains(message),
            "{words:?}: {output:?}"
        );
    }
    assert_eq!(read(&folder, "secrets/live.yaml"), live);
}

#[test]
fn unused_names_of_a_snapshot_are_not_reported() {
    let store: String = (0..60).fold(
        String::from("used: [k]\nwith.dot: [k]\n"),
        |mut text, at| {
            writeln!(text, "s{at}: [k]").unwrap();
            text
        },
    );
    for name in ["names.yaml", "names.toml", "names.json"] {
        let folder = folder(&[("s.yaml", STACK), ("store/all.yaml", &store)]);
        let output = snapshot(
            folder.path(),
            &["--inventory", "store/all.yaml", "-o", name],
        );
        assert_eq!(output.code, 0, "{output:?}");
        let found =
            |name: &str| check(folder.path(), &["--inventory", name, "--format", "short"]).stdout;
        // A name that no reference can contain is reported in any file.
        let snapshot = found(name);
        assert!(
            snapshot.lines().count() == 1 && snapshot.contains("[unreferenceable-secret]"),
            "{name}: {snapshot}"
        );
        assert_eq!(
            found("store/all.yaml").matches("[unused-secret]").count(),
            60
        );
        if name != "names.json" {
            let edited = read(&folder, name).replace("s7", "s700") + "\n# edited\n";
            write(folder.path(), name, edited.as_bytes());
            assert_eq!(found(name).matches("[unused-secret]").count(), 0, "{name}");
        }
    }
}

#[test]
fn attribute_that_names_a_whole_secret_may_contain_any_name() {
    let stack = "stack_name: s\ncomponents:\n  container_registry:\n    flavor: aws\n    name: c\n    uri: x.y\n    authentication_secret: my.secret\n";
    let folder = folder(&[
        ("s.yaml", stack),
        ("secrets.inventory.yaml", "my.secret: [k]\nother.one: [k]\n"),
    ]);
    let output = check(folder.path(), &["--format", "short"]);
    assert!(
        !output.stdout.contains("my.secret") && output.stdout.contains("`other.one`"),
        "{}",
        output.stdout
    );
}

#[test]
fn refresh_keeps_comments_with_their_entries() {
    let head = "# Names and keys, no values: written by `stackref inventory snapshot`.\n";
    let store = "a: [k]\nb.c: [k, l]\nm: []\nz: [k]\n";
    for (name, before, after) in [
        (
            "n.yaml",
            format!(
                "# ours\n{head}# the team's\n\n# about b\n# stackref: ignore[unreferenceable-secret] legacy\nb.c: [k]\n# gone\ngone: [k] # x\nz: [k] # stackref: ignore[unused-secret] soon\n# tail\n"
            ),
            format!(
                "{head}# ours\n# the team's\n\na: [k]\n# about b\n# stackref: ignore[unreferenceable-secret] legacy\nb.c: [k, l]\nm: []\nz: [k] # stackref: ignore[unused-secret] soon\n# tail\n"
            ),
        ),
        (
            "n.yaml",
            format!("{head}b.c:\n  - k # first\n  # inside\n  - l\nz: [\n  k # deep\n  ] # end\n"),
            format!("{head}a: [k]\n# first\n# inside\nb.c: [k, l]\nm: []\n# deep\nz: [k] # end\n"),
        ),
        (
            "n.toml",
            format!(
                "{head}\"b.c\" = ['k'] # stackref: ignore[unreferenceable-secret]\r\n# z's\r\nz = ['#']\r\n"
            ),
            format!(
                "{head}a = [\"k\"]\n\"b.c\" = [\"k\", \"l\"] # stackref: ignore[unreferenceable-secret]\nm = []\n# z's\nz = [\"k\"]\n"
            ),
        ),
    ] {
        let folder = folder(&[(name, &before), ("store.yaml", store), ("s.yaml", STACK)]);
        let refresh = || snapshot(folder.path(), &["--inventory", "store.yaml", "-o", name]);
        assert_eq!(refresh().code, 0);
        assert_eq!(read(&folder, name), after);
        assert_eq!(refresh().code, 0);
        assert_eq!(
            read(&folder, name),
            after,
            "a second refresh changes the file"
        );
        assert_eq!(
            snapshot(
                folder.path(),
                &["--inventory", "store.yaml", "--check", name]
            )
            .code,
            0
        );
        if after.contains("ignore[unref") {
            let output = check(
                folder.path(),
                &[
                    "--inventory",
                    name,
                    "--inventory",
                    "store.yaml",
                    "--format",
                    "short",
                ],
            );
            assert!(
                !output.stdout.lines().any(|line| line.starts_with(name)),
                "{}",
                output.stdout
            );
        }
    }
}
