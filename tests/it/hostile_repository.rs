//! Tests a repository with many attacks at once: no command runs one of its programs, connects
//! to a host, or reads or writes a file outside of it.

use crate::server::count_connections;
use crate::support::{Output, create_pipe, folder, run, with_git, write};
use std::os::unix::fs::symlink;
use std::path::Path;
use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};
use tempfile::TempDir;

/// The time limit of a run. It is generous, because a run that waits for a pipe or a proxy never
/// ends.
const TIMEOUT: Duration = Duration::from_secs(120);

const STACK: &str = "stack_name: s\nzenml_version: 0.98.0\ncomponents:\n  experiment_tracker:\n    name: t\n    type: experiment_tracker\n    flavor: mlflow\n    configuration:\n      tracking_token: '{{s.k}}'\n      tracking_password: '{{broken}}'\n";

/// Creates a folder with the hostile repository `repo` and with files of its user, which must
/// not be read or changed. The programs of the repository create the file `canary`.
fn create_repository(host: &str) -> TempDir {
    let folder = folder(&[
        ("home/.cargo/config.toml", "# mine\n"),
        ("home/secrets.yaml", "s: {k: hunter2home}\n"),
        ("home/token", "hunter2token\n"),
        ("repo/a.stack.yaml", STACK),
        ("repo/.gitignore", "/build/\n/out/\n"),
        ("repo/names.yaml", "s: [k]\n"),
    ]);
    let repo = folder.path().join("repo");
    let canary = folder.path().join("canary");
    let touch = format!(
        "[\"sh\", \"-c\", \"touch {}\", \"{{secret}}\"]",
        canary.display()
    );
    let names = touch.replace(", \"{secret}\"", "");
    let config = format!(
        "[inventory.command]\nkind = \"command\"\nnames = {names}\nkeys = {touch}\nvalue = {touch}\nput = {touch}\n\
         [inventory.sops]\nkind = \"sops\"\npath = \"s.sops.yaml\"\n\
         [inventory.zenml]\nkind = \"zenml\"\nurl = \"http://{host}\"\n\
         [inventory.vault]\nkind = \"vault\"\nurl = \"http://{host}\"\nmount = \"kv\"\ntoken_file = \"../home/token\"\n\
         [inventory.aws]\nkind = \"aws\"\nendpoint_url = \"http://{host}\"\n\
         [inventory.file]\nkind = \"file\"\npath = \"../home/secrets.yaml\"\n\
         [inventory.link]\nkind = \"file\"\npath = \"linked.yaml\"\n\
         [inventory.dir]\nkind = \"dir\"\npath = \"../home\"\n\
         [inventory.env]\nkind = \"env\"\nprefix = \"SR_\"\n\
         [[stacks]]\nfiles = [\"**\"]\n\
         inventory = [\"command\", \"sops\", \"zenml\", \"vault\", \"aws\", \"file\", \"link\", \"dir\", \"env\"]\n"
    );
    write(&repo, "stackref.toml", config.as_bytes());
    write(
        &repo,
        "s.sops.yaml",
        b"s:\n    k: ENC[AES256_GCM,data:fq5B,type:str]\nsops:\n    version: 3.11.0\n",
    );
    symlink("../home/secrets.yaml", repo.join("linked.yaml")).unwrap();
    symlink("../home/secrets.yaml", repo.join("b.stack.yaml")).unwrap();
    symlink("../home/.cargo", repo.join("build")).unwrap();
    // Programs that stackref or git could run from the repository.
    for name in ["git", "sops", "sh", "zenml"] {
        write(
            &repo,
            name,
            format!("#!/bin/sh\ntouch {}\n", canary.display()).as_bytes(),
        );
        let mode = std::os::unix::fs::PermissionsExt::from_mode(0o755);
        std::fs::set_permissions(repo.join(name), mode).unwrap();
    }
    folder
}

/// Creates a hostile `.git` in the repository, as an archive could contain it.
fn hostile_git(repo: &Path, canary: &Path) {
    crate::support::git(repo, &["init", "--quiet"]);
    crate::support::git(repo, &["add", "a.stack.yaml"]);
    let touch = format!("touch {}", canary.display());
    let included = format!(
        "[core]\n\tfsmonitor = \"{touch}; false\"\n\thooksPath = hooks\n\tpager = \"{touch}\"\n\tsshCommand = \"{touch}\"\n\
         [alias]\n\tcheck-ignore = \"!{touch}\"\n\tls-files = \"!{touch}\"\n[filter \"x\"]\n\tclean = \"{touch}\"\n"
    );
    write(repo, ".git/included", included.as_bytes());
    let config = std::fs::read_to_string(repo.join(".git/config")).unwrap();
    let excludes = repo.join(".git/pipe");
    create_pipe(&excludes);
    let config = format!(
        "{config}[include]\n\tpath = included\n[core]\n\texcludesFile = {}\n",
        excludes.display()
    );
    write(repo, ".git/config", config.as_bytes());
    for hook in ["post-index-change", "fsmonitor-watchman", "post-checkout"] {
        write(
            repo,
            &format!(".git/hooks/{hook}"),
            format!("#!/bin/sh\n{touch}\n").as_bytes(),
        );
        let mode = std::os::unix::fs::PermissionsExt::from_mode(0o755);
        std::fs::set_permissions(repo.join(".git/hooks").join(hook), mode).unwrap();
    }
}

#[test]
fn no_command_touches_anything_outside_of_the_repository() {
    let (host, connections) = count_connections();
    let Some(path) = with_git() else { return };
    let folder = create_repository(&host);
    let (repo, canary) = (folder.path().join("repo"), folder.path().join("canary"));
    hostile_git(&repo, &canary);
    // The repository comes first on the PATH, as `.` does for some users.
    let path = format!(
        "PATH=.:{}:{}",
        repo.display(),
        path.trim_start_matches("PATH=")
    );
    let home = format!("HOME={}", folder.path().join("home").display());
    let state = format!("XDG_STATE_HOME={}", folder.path().join("state").display());
    let run_in_repo = |words: &[&str]| -> Output {
        let env = [
            &path,
            &home,
            &state,
            "ZENML_STORE_API_KEY=hunter2key",
            "VAULT_TOKEN=hunter2vault",
            "N_S__K=hunter2given",
            "AWS_ACCESS_KEY_ID=hunter2id",
            "AWS_SECRET_ACCESS_KEY=hunter2aws",
            "AWS_REGION=x",
        ];
        let started = Instant::now();
        let output = run(
            &[&env[..], words].concat(),
            &repo,
            b"a.stack.yaml\nb.stack.yaml\nlinked.yaml\n",
        );
        assert!(started.elapsed() < TIMEOUT, "{words:?} takes too long");
        output
    };
    let all: [&[&str]; 19] = [
        &["check"],
        &["check", "--leaks"],
        &["check", "--fix=suggestions"],
        &["check", "--format", "json", "-o", "report.json"],
        &[
            "check",
            "--only-stack-files",
            "a.stack.yaml",
            "b.stack.yaml",
            "stackref.toml",
        ],
        &["check", "--files-from", "-"],
        &["check", "--inventory", "command"],
        &["check", "--write-baseline", "build/config.toml"],
        &["check", "-o", "build/config.toml"],
        &["render", "-o", "build"],
        &["render", "-o", "out"],
        &["render", "--stdout", "a.stack.yaml"],
        &["register", "--from-env", "N"],
        &["register", "--dry-run"],
        &["register", "--from-file", "names.yaml", "--partial"],
        &["inventory"],
        &["inventory", "--used"],
        &["inventory", "--probe"],
        &[
            "inventory",
            "snapshot",
            "--inventory",
            "zenml",
            "-o",
            "build/config.toml",
        ],
    ];
    for words in all {
        let output = run_in_repo(words);
        assert_eq!(
            output.code, 2,
            "{words:?}: {} {}",
            output.stdout, output.stderr
        );
        let printed = format!("{}{}", output.stdout, output.stderr);
        assert!(!printed.contains("hunter2"), "{words:?}: {printed}");
        assert!(!canary.exists(), "{words:?}: a program was run");
        assert_eq!(
            connections.load(Ordering::SeqCst),
            0,
            "{words:?}: a connection was made"
        );
    }
    // Commands that need no inventory still work.
    for words in [
        &["refs"][..],
        &["check", "--level", "none", "--exit-zero"],
        &["trust", "--list"],
        &["init", "--dry-run"],
    ] {
        let output = run_in_repo(words);
        assert!(
            output.code == 0 || words[0] == "init",
            "{words:?}: {}",
            output.stderr
        );
        assert!(!canary.exists(), "{words:?}: a program was run");
    }
    let read = |name: &str| std::fs::read_to_string(folder.path().join(name)).unwrap();
    assert_eq!(read("home/.cargo/config.toml"), "# mine\n");
    assert_eq!(read("home/secrets.yaml"), "s: {k: hunter2home}\n");
    assert_eq!(
        std::fs::read_dir(folder.path().join("home/.cargo"))
            .unwrap()
            .count(),
        1,
        "a file was written outside of the repository"
    );
    assert!(!repo.join("out").exists(), "a file was rendered");
    assert!(!folder.path().join("state").exists(), "trust was recorded");
    // The canary works: if the user trusts this config, its programs run.
    run_in_repo(&["inventory", "--trust", "--inventory", "command"]);
    assert!(canary.exists());
    // A file of names makes a check of such a repository possible.
    let output = run_in_repo(&["check", "--inventory", "names.yaml"]);
    assert!(
        output.code == 1 && output.stdout.contains("malformed-reference"),
        "{}",
        output.stderr
    );
}
