//! A config of a repository runs no program, connects to no host and reads no other files before
//! the user trusts it.

use crate::server::count_connections;
use crate::support::{Output, folder, run, write};
use std::path::Path;
use std::sync::atomic::Ordering;
use tempfile::TempDir;

const STACK: &str = "a: '{{s.k}}'\nb: '{{broken}}'\n";

/// Command lines that query an inventory.
const COMMANDS: [&[&str]; 15] = [
    &["check"],
    &["check", "--level", "secret-exists"],
    &["check", "--inventory", "x"],
    &["check", "--only-stack-files", "a.stack.yaml"],
    &["check", "--leaks"],
    &["check", "--fix"],
    &["check", "--write-baseline", "b.json"],
    &["check", "--config", "stackref.toml"],
    &["render", "-o", "out", "--allow-tracked"],
    &["render", "--stdout", "--inventory", "x"],
    &["register", "--dry-run"],
    &["register", "--from-env", "N"],
    &["inventory"],
    &["inventory", "--probe"],
    &["inventory", "snapshot", "--inventory", "x"],
];

/// Creates a repository with one inventory `x`, and an inventory file and folder outside it.
fn repository(inventory: &str, stack: &str) -> TempDir {
    // The stack is too short to be recognized.
    let config = format!("files.include = [\"a.stack.yaml\"]\n[inventory.x]\n{inventory}\n");
    let files = [
        ("repo/stackref.toml", config.as_str()),
        ("repo/a.stack.yaml", stack),
        ("repo/.gitignore", "/out/\n"),
    ];
    let folder = folder(&files);
    write(folder.path(), "outside.yaml", b"s: {k: hunter2outside}\n");
    write(folder.path(), "outside/s/k", b"hunter2outside");
    std::fs::create_dir(folder.path().join("repo/.git")).unwrap();
    folder
}

/// Runs the program with credentials for each store, and with a folder for its state.
fn run_with_credentials(words: &[&str], folder: &Path) -> Output {
    let state = format!("XDG_STATE_HOME={}", folder.join("state").display());
    let path = format!("PATH={}", std::env::var("PATH").unwrap());
    let credentials = [
        "ZENML_STORE_API_KEY=hunter2zenml",
        "VAULT_TOKEN=hunter2vault",
        "N_S__K=hunter2given",
    ];
    run(
        &[&credentials[..], &[&state, &path], words].concat(),
        &folder.join("repo"),
        b"",
    )
}

#[test]
fn untrusted_config_runs_no_program_and_reads_nothing_outside_the_repository() {
    let (host, connections) = count_connections();
    let url = format!("http://{host}");
    let command = "kind = \"command\"\nnames = [\"sh\", \"-c\", \"touch ../pwned\"]\nkeys = [\"sh\", \"-c\", \"touch ../pwned\", \"{secret}\"]\nvalue = [\"sh\", \"-c\", \"touch ../pwned\", \"{secret}\"]\nput = [\"sh\", \"-c\", \"touch ../pwned\", \"{secret}\"]";
    let cases = [
        (
            command.to_owned(),
            "run the program `sh -c 'touch ../pwned'`",
        ),
        (
            "kind = \"sops\"\npath = \"s.sops.yaml\"".to_owned(),
            "run the program `sops ",
        ),
        (format!("kind = \"zenml\"\nurl = \"{url}\""), url.as_str()),
        (
            format!("kind = \"vault\"\nurl = \"{url}\"\nmount = \"m\""),
            url.as_str(),
        ),
        ("kind = \"vault\"\nmount = \"m\"".to_owned(), "$VAULT_ADDR"),
        (
            format!("kind = \"zenml\"\nurl = \"{url}\"\ntoken_file = \"../outside.yaml\""),
            "outside.yaml` as a token",
        ),
        (
            format!("kind = \"aws\"\nendpoint_url = \"{url}\""),
            url.as_str(),
        ),
        (
            "kind = \"file\"\npath = \"../outside.yaml\"".to_owned(),
            "outside.yaml` outside the repository",
        ),
        (
            "kind = \"file\"\npath = \"nosuch/../../outside.yaml\"".to_owned(),
            "outside.yaml` outside the repository",
        ),
        (
            "kind = \"file\"\npath = \"link.yaml\"".to_owned(),
            "outside.yaml` outside the repository",
        ),
        (
            "kind = \"file\"\npath = \"folder/outside.yaml\"".to_owned(),
            "outside.yaml` outside the repository",
        ),
        (
            "kind = \"dir\"\npath = \"../outside\"".to_owned(),
            "outside` outside the repository",
        ),
        (
            "kind = \"dir\"\npath = \"folder/outside\"".to_owned(),
            "outside` outside the repository",
        ),
    ];
    for (inventory, request) in cases {
        let folder = repository(&inventory, STACK);
        let repo = folder.path().join("repo");
        write(
            &repo,
            "s.sops.yaml",
            b"s:\n    k: ENC[AES256_GCM,data:fq5B,type:str]\nsops:\n    version: 3.11.0\n",
        );
        std::os::unix::fs::symlink(folder.path().join("outside.yaml"), repo.join("link.yaml"))
            .unwrap();
        std::os::unix::fs::symlink(folder.path(), repo.join("folder")).unwrap();
        for words in COMMANDS {
            let output = run_with_credentials(words, folder.path());
            let printed = format!("{} {}", output.stderr_text(), output.stdout);
            assert_eq!(output.code, 2, "{words:?} with {inventory}: {printed}");
            let plain = printed.replace(['│', '\n'], "");
            let plain = plain.split_whitespace().collect::<String>();
            let expected = request.split_whitespace().collect::<String>();
            let is_listed = plain.contains(&expected) && plain.contains("stackreftrust");
            assert!(is_listed, "{words:?} with {inventory}: {printed}");
            assert!(
                !printed.contains("hunter2"),
                "{words:?} with {inventory}: {printed}"
            );
        }
        let checked = run_with_credentials(&["check", "--format", "json"], folder.path());
        assert!(
            checked.stdout.contains("malformed-reference"),
            "{inventory}: {}",
            checked.stdout
        );
        assert!(
            !checked.stdout.contains("\"unknown-"),
            "{inventory}: {}",
            checked.stdout
        );
        assert!(
            !folder.path().join("pwned").exists(),
            "{inventory}: the program was run"
        );
        assert!(
            !repo.join("out").exists(),
            "{inventory}: something was rendered"
        );
        assert_eq!(
            connections.load(Ordering::SeqCst),
            0,
            "{inventory}: a connection was made"
        );
    }
}

#[test]
fn commands_without_lookups_need_no_trust() {
    let command = "kind = \"command\"\nnames = [\"sh\", \"-c\", \"touch ../pwned\"]";
    let folder = repository(command, "a: '{{s.k}}'\n");
    for words in [
        &["check", "--level", "none"][..],
        &["refs"],
        &["check", "--no-config", "--level", "none"],
    ] {
        assert_eq!(
            run_with_credentials(words, folder.path()).code,
            0,
            "{words:?}"
        );
    }
    write(folder.path(), "repo/names.yaml", b"s: [k]\n");
    let output = run_with_credentials(&["check", "--inventory", "names.yaml"], folder.path());
    assert_eq!(output.code, 0, "{}", output.stderr);
    assert!(!folder.path().join("pwned").exists());
}

#[test]
fn inventories_in_the_repository_or_environment_need_no_trust() {
    for inventory in [
        "kind = \"file\"\npath = \"./names.yaml\"",
        "kind = \"env\"\nprefix = \"N_\"",
    ] {
        let folder = repository(inventory, "a: '{{s.k}}'\n");
        write(folder.path(), "repo/names.yaml", b"s: [k]\n");
        std::os::unix::fs::symlink("names.yaml", folder.path().join("repo/link.yaml")).unwrap();
        let output = run_with_credentials(&["check"], folder.path());
        assert_eq!(output.code, 0, "{inventory}: {}", output.stderr);
        let accepted = run_with_credentials(&["trust", "--yes"], folder.path());
        assert!(
            accepted.code == 0 && accepted.stderr_text().contains("requests nothing"),
            "{}",
            accepted.stderr
        );
    }
}

const COMMAND: &str =
    "kind = \"command\"\nnames = [\"./names.sh\"]\nkeys = [\"sh\", \"keys.sh\", \"{secret}\"]";

fn with_scripts() -> TempDir {
    let folder = repository(COMMAND, "a: '{{s.k}}'\n");
    write(
        folder.path(),
        "repo/names.sh",
        b"#!/bin/sh\necho '[\"s\"]'\n",
    );
    write(folder.path(), "repo/keys.sh", b"echo '[\"k\"]'\n");
    let names = folder.path().join("repo/names.sh");
    std::fs::set_permissions(names, std::os::unix::fs::PermissionsExt::from_mode(0o755)).unwrap();
    folder
}

#[test]
fn config_is_trusted_until_it_or_a_script_changes() {
    let folder = with_scripts();
    let path = folder.path();
    let check = |code: i32| {
        let output = run_with_credentials(&["check"], path);
        assert_eq!(output.code, code, "{}", output.stderr);
        output.stderr_text()
    };
    check(2);
    let refused = run_with_credentials(&["trust"], path);
    assert!(
        refused.code == 2 && refused.stderr_text().contains("no terminal"),
        "{}",
        refused.stderr
    );
    let accepted = run_with_credentials(&["trust", "--yes"], path);
    assert_eq!(accepted.code, 0, "{}", accepted.stderr);
    assert!(
        accepted.stdout.contains("run the program `./names.sh`"),
        "{}",
        accepted.stdout
    );
    check(0);
    let record = path.join("state/stackref/trust.json");
    let mode =
        std::os::unix::fs::PermissionsExt::mode(&std::fs::metadata(&record).unwrap().permissions());
    assert_eq!(mode & 0o777, 0o600);
    assert!(
        run_with_credentials(&["trust", "--list"], path)
            .stdout
            .starts_with("trusted  ")
    );
    // Trust covers both scripts.
    write(path, "repo/keys.sh", b"echo '[\"k\"]' # changed\n");
    assert!(
        check(2).contains(
            "has changed since it was trusted and now also requests to run the program `sh"
        )
    );
    assert_eq!(run_with_credentials(&["trust", "--yes"], path).code, 0);
    check(0);
    let config = std::fs::read_to_string(path.join("repo/stackref.toml")).unwrap();
    write(
        path,
        "repo/stackref.toml",
        format!("# comment\n{config}").as_bytes(),
    );
    assert!(check(2).contains("requests nothing new"));
    assert!(
        run_with_credentials(&["trust", "--list"], path)
            .stdout
            .starts_with("changed  ")
    );
    write(
        path,
        "repo/stackref.toml",
        format!("{config}value = [\"cat\", \"/etc/passwd\", \"{{secret}}\"]\n").as_bytes(),
    );
    let message = check(2);
    assert!(
        message.contains("now also requests to run the program `cat /etc/passwd {secret}`"),
        "{message}"
    );
    assert!(!message.contains("names.sh"), "{message}");
    assert_eq!(run_with_credentials(&["trust", "--yes"], path).code, 0);
    check(0);
    assert_eq!(run_with_credentials(&["trust", "--revoke"], path).code, 0);
    check(2);
    assert!(
        run_with_credentials(&["trust", "--list"], path)
            .stdout
            .is_empty()
    );
}

#[test]
fn changed_link_is_not_trusted() {
    let folder = repository("kind = \"file\"\npath = \"link.yaml\"", "a: '{{s.k}}'\n");
    let link = folder.path().join("repo/link.yaml");
    std::os::unix::fs::symlink("../outside.yaml", &link).unwrap();
    assert_eq!(
        run_with_credentials(&["trust", "--yes"], folder.path()).code,
        0
    );
    assert_eq!(run_with_credentials(&["check"], folder.path()).code, 0);
    write(folder.path(), "other.yaml", b"s: [k]\n");
    std::fs::remove_file(&link).unwrap();
    std::os::unix::fs::symlink("../other.yaml", &link).unwrap();
    assert_eq!(run_with_credentials(&["check"], folder.path()).code, 2);
}

#[test]
fn flag_or_variable_trusts_a_config_for_one_run() {
    let folder = with_scripts();
    assert_eq!(
        run_with_credentials(&["check", "--trust"], folder.path()).code,
        0
    );
    assert_eq!(
        run_with_credentials(&["STACKREF_TRUST=1", "check"], folder.path()).code,
        0
    );
    for value in ["STACKREF_TRUST=0", "STACKREF_TRUST=", "STACKREF_TRUST=yes"] {
        assert_eq!(
            run_with_credentials(&[value, "check"], folder.path()).code,
            2,
            "{value}"
        );
    }
    assert!(!folder.path().join("state").exists(), "nothing is recorded");
}

#[test]
fn inventory_argument_that_looks_like_a_path_is_not_a_name() {
    for name in ["names.yaml", "./names.yaml", "names.JSON", "a/b"] {
        let folder = repository("kind = \"env\"\nprefix = \"X\"", "a: '{{s.k}}'\n");
        let config = format!(
            "[inventory.\"{name}\"]\nkind = \"command\"\nnames = [\"sh\", \"-c\", \"touch ../pwned\"]\n"
        );
        write(folder.path(), "repo/stackref.toml", config.as_bytes());
        write(folder.path(), "repo/names.yaml", b"s: [k]\n");
        let output =
            run_with_credentials(&["check", "--inventory", name, "--trust"], folder.path());
        assert!(
            output.code == 2 && output.stderr_text().contains("looks like a file path"),
            "{}",
            output.stderr
        );
        assert!(!folder.path().join("pwned").exists(), "{name}");
    }
}

#[test]
fn unreadable_trust_record_is_an_error() {
    let folder = with_scripts();
    assert_eq!(
        run_with_credentials(&["trust", "--yes"], folder.path()).code,
        0
    );
    for text in [
        &b"{}"[..],
        b"\xff",
        b"{\"version\": 2, \"configs\": []}",
        b"",
    ] {
        write(folder.path(), "state/stackref/trust.json", text);
        let output = run_with_credentials(&["check"], folder.path());
        assert!(
            output.code == 2
                && output
                    .stderr_text()
                    .contains("cannot read the trusted configs"),
            "{}",
            output.stderr
        );
    }
}

#[test]
fn program_is_not_looked_up_in_the_repository() {
    let folder = repository(
        "kind = \"command\"\nnames = [\"list-names\"]",
        "a: '{{s}}'\n",
    );
    let repo = folder.path().join("repo");
    write(
        &repo,
        "list-names",
        b"#!/bin/sh\ntouch ../pwned\necho '[\"s\"]'\n",
    );
    std::fs::set_permissions(
        repo.join("list-names"),
        std::os::unix::fs::PermissionsExt::from_mode(0o755),
    )
    .unwrap();
    std::os::unix::fs::symlink(&repo, folder.path().join("bin")).unwrap();
    let absolute = format!("PATH={}:/usr/bin:/bin", repo.display());
    let linked = format!("PATH={}:/usr/bin:/bin", folder.path().join("bin").display());
    for path in [
        "PATH=.:/usr/bin:/bin",
        "PATH=:/usr/bin:/bin",
        &absolute,
        &linked,
    ] {
        let output = run(&[path, "inventory", "--trust"], &repo, b"");
        assert!(
            output.code == 3 && output.stderr_text().contains("outside the repository"),
            "{path}: {}",
            output.stderr
        );
        assert!(
            !folder.path().join("pwned").exists(),
            "{path}: the program of the repository was run"
        );
    }
    // A name with a slash is a path in the repository.
    let config = "[inventory.x]\nkind = \"command\"\nnames = [\"./list-names\"]\nkeys = [\"true\", \"{secret}\"]\n";
    write(&repo, "stackref.toml", config.as_bytes());
    run(&["PATH=/usr/bin:/bin", "inventory", "--trust"], &repo, b"");
    assert!(folder.path().join("pwned").exists());
}
