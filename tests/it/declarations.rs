//! Declarations answer references in all files of a project, whatever files are named.

use crate::support::{Output, check, folder, run, run_trusted};
use serde_json::Value;
use std::fs;
use std::path::Path;

const SETUP: &str = "zenml secret create slack --token=hunter2\nzenml secret update mail -i\n";

/// Files with references and declarations, each with all kinds of answers.
const FILES: [(&str, &str); 8] = [
    ("setup/create.sh", SETUP),
    ("setup/early.sh", "zenml secret update slack --channel=c\n"),
    (
        "docs/page.md",
        "```bash\nzenml secret create page --key=k\nzenml alerter register a --x={{slack.token}} --y={{page.kye}}\n```\n",
    ),
    (
        "Makefile",
        "a:\n\tzenml alerter register a --x={{slack.token}} --y={{slack.tokn}} --z={{page.key}}\n",
    ),
    (
        "deploy/register.sh",
        "zenml alerter register a --x={{slak.token}} --y={{mail.any}} --z={{slack.channel}}\n\
         zenml alerter register b --x={{later.kye}}\n",
    ),
    ("deploy/update.sh", "zenml secret create later --key=k\n"),
    (
        "prod.yaml",
        "stack_name: prod\nzenml_version: 0.98.0\ncomponents:\n  alerter:\n    name: a\n    flavor: slack\n    \
         configuration:\n      slack_token: '{{slack.tokn}}'\n",
    ),
    (".gitignore", "/ignored/\n"),
];

fn report(folder: &Path, words: &[&str]) -> Value {
    let output = check(folder, &[&["--format", "json"], words].concat());
    serde_json::from_str(&output.stdout).expect(&output.stdout)
}

/// Returns the findings of a report about one file, without their numbers in the report.
fn findings_in(report: &Value, path: &str) -> Vec<Value> {
    let findings = report["findings"].as_array().unwrap().iter();
    findings.filter(|it| it["path"] == path).cloned().collect()
}

#[test]
fn answer_does_not_depend_on_the_named_files() {
    for inventory in [None, Some("stored: [token]\nslack: [tokn]\n")] {
        let folder = folder(&FILES);
        if let Some(inventory) = inventory {
            fs::write(folder.path().join("secrets.inventory.yaml"), inventory).unwrap();
        }
        fs::create_dir(folder.path().join(".git")).unwrap();
        let whole = report(folder.path(), &["."]);
        let mut unchecked = 0;
        for (path, _) in FILES.iter().filter(|(path, _)| *path != ".gitignore") {
            let named = report(folder.path(), &[path]);
            assert_eq!(
                findings_in(&named, path),
                findings_in(&whole, path),
                "{path}"
            );
            assert_eq!(named["failures"], Value::Array(Vec::new()), "{path}");
            assert_eq!(named["summary"]["files"], 1, "{path}");
            unchecked += named["summary"]["unchecked"].as_u64().unwrap();
            let listed = report(folder.path(), &["--only-stack-files", path]);
            assert_eq!(findings_in(&listed, path), findings_in(&whole, path));
        }
        assert_eq!(whole["summary"]["unchecked"], unchecked);
        // From a folder of the repository, too.
        let below = report(&folder.path().join("deploy"), &["register.sh"]);
        let spans = |findings: &[Value]| -> Vec<Value> {
            findings.iter().map(|it| it["span"].clone()).collect()
        };
        assert_eq!(
            spans(&findings_in(&below, "register.sh")),
            spans(&findings_in(&whole, "deploy/register.sh"))
        );
    }
}

/// Returns the files that a verbose run reads for their declarations only.
fn other_files(output: &Output) -> Vec<&str> {
    let lines = output.stderr.lines();
    let others = lines.filter(|line| line.ends_with("; read for its declarations only"));
    others.map(|line| line.split_once(':').unwrap().0).collect()
}

#[test]
fn other_files_are_read_only_if_a_reference_needs_them() {
    let folder = folder(&FILES);
    fs::create_dir(folder.path().join(".git")).unwrap();
    let read = |words: &[&str]| {
        let output = check(folder.path(), &[&["-v"], words].concat());
        other_files(&output)
            .into_iter()
            .map(str::to_owned)
            .collect::<Vec<_>>()
    };
    let rest = [
        "deploy/update.sh",
        "docs/page.md",
        "setup/create.sh",
        "setup/early.sh",
    ];
    assert_eq!(read(&["Makefile"]), rest);
    assert_eq!(read(&["prod.yaml"]), rest);
    assert_eq!(read(&["deploy/register.sh"]), rest);
    assert_eq!(read(&["deploy"]), &rest[1..]);
    for words in [
        &["."][..],
        &["docs/page.md"],
        &["setup"],
        &["Makefile", "--level", "none"],
        &["Makefile", "--list-files"],
    ] {
        assert_eq!(read(words), [] as [&str; 0], "{words:?}");
    }
    assert!(read(&["Makefile", "--fix=suggestions", "--diff"]) == rest);
}

#[test]
fn home_folder_is_not_searched() {
    let folder = folder(&FILES);
    let home = format!("HOME={}", folder.path().display());
    let found = |words: &[&str], below: &str| {
        let words = [words, &["check", "-v", "Makefile"]].concat();
        !other_files(&run(&words, &folder.path().join(below), b"")).is_empty()
    };
    assert!(found(&[], ""));
    assert!(!found(&[&home], ""));
    fs::create_dir(folder.path().join(".git")).unwrap();
    assert!(found(&[&home], ""));
}

#[test]
#[cfg(unix)]
fn folder_that_cannot_be_searched_is_noted() {
    let folder = folder(&[FILES[0], FILES[3], ("other/x.sh", "")]);
    std::os::unix::fs::symlink("/etc/passwd", folder.path().join("other/.gitignore")).unwrap();
    let args = ["Makefile", "--select", "unknown-secret"];
    let output = check(folder.path(), &args);
    assert!(!output.stderr.contains("other"), "{}", output.stderr);
    let verbose = check(folder.path(), &[&["-v"], &args[..]].concat());
    assert_eq!(verbose.code, output.code);
    let note = "note: while reading declarations: cannot search";
    assert!(verbose.stderr.contains(note), "{}", verbose.stderr);
    assert_ne!(check(folder.path(), &["."]).code, 0);
}

#[test]
fn invalid_config_of_other_files_is_noted() {
    let makefile = (
        "Makefile",
        "a:\n\tzenml alerter register a --x={{slack.token}}\n",
    );
    let folder = folder(&[FILES[0], makefile, ("broken/stackref.toml", "level = 3\n")]);
    let output = check(folder.path(), &["Makefile"]);
    assert!(
        output.code == 0 && !output.stderr.contains("broken"),
        "{output:?}"
    );
    let verbose = check(folder.path(), &["-v", "Makefile"]);
    let note = "note: while reading declarations: the config `broken/stackref.toml` has errors";
    assert!(
        verbose.code == 0 && verbose.stderr.contains(note),
        "{verbose:?}"
    );
    assert_eq!(check(folder.path(), &["."]).code, 2);
}

#[test]
fn inventory_is_queried_once() {
    let config = r#"[inventory.names]
kind = "command"
names = ["sh", "-c", "echo names >> calls; echo '[\"stored\"]'"]
keys = ["sh", "-c", "echo \"$1\" >> calls; echo '[\"token\"]'", "-", "{secret}"]
"#;
    let setup = "zenml secret create slack --token=$T\nzenml secret create mail --a=$A\n";
    let path = format!("PATH={}", std::env::var("PATH").unwrap());
    let first = "zenml alerter register a --x={{slack.token}} --y={{stored.token}} --z={{no.k}}\n";
    // The declarations of this file leave the keys of `mail` open.
    let second = "zenml alerter register a --x={{mail.any}}\nzenml secret update mail --k=$K\n";
    for script in [first.to_owned(), [first, second].concat()] {
        let folder = folder(&[
            ("stackref.toml", config),
            ("setup.sh", setup),
            ("register.sh", &script),
        ]);
        let words = [&path, "check", "-v", "--format", "short", "register.sh"];
        let output = run_trusted(&words, folder.path(), b"");
        let calls = fs::read_to_string(folder.path().join("calls")).expect(&output.stderr);
        assert_eq!(calls, "names\nstored\n", "{script}: {}", output.stderr);
        assert!(output.stdout.contains("`no`"), "{}", output.stdout);
        assert!(!output.stdout.contains("slack"), "{}", output.stdout);
        assert_eq!(other_files(&output), ["setup.sh"], "{}", output.stderr);
    }
}
