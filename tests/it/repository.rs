//! Untrusted repositories: their git config, links, special files and owner.

use crate::support::{Output, create_pipe, folder, git, run, with_git, write};
use std::os::unix::fs::{PermissionsExt as _, symlink};
use std::path::Path;
use std::time::{Duration, Instant};
use tempfile::TempDir;

const STACK: (&str, &str) = ("a.stack.yaml", "k: '{{s.k}}'\nstack_name: s\n");
const VALUES: (&str, &str) = ("secrets.inventory.yaml", "s: {k: v}\n");

/// Creates a repository with a stack and an inventory, in which git ignores `out`.
fn repository() -> TempDir {
    let folder = folder(&[STACK, VALUES, (".gitignore", "/out/\n")]);
    git(folder.path(), &["init", "-q"]);
    folder
}

/// Gives a file to another user. Returns whether this process may do that.
fn change_owner(path: &Path) -> bool {
    let result = std::os::unix::fs::lchown(path, Some(12_345), None);
    if result.is_err() {
        eprintln!("skipped: only root can change the owner of a file");
    }
    result.is_ok()
}

fn write_program(path: &Path, script: &str) {
    std::fs::write(path, format!("#!/bin/sh\n{script}\n")).unwrap();
    std::fs::set_permissions(path, std::fs::Permissions::from_mode(0o755)).unwrap();
}

fn render(path: &str, folder: &Path) -> Output {
    run(&[path, "render", "-o", "out"], folder, b"")
}

#[test]
fn git_config_of_a_repository_runs_no_program_and_does_not_block() {
    let Some(path) = with_git() else { return };
    let folder = repository();
    let at = |name: &str| folder.path().join(name);
    write_program(
        &at("evil.sh"),
        &format!("touch '{}'", at("pwned").display()),
    );
    create_pipe(&at("pipe"));
    let evil = at("evil.sh").display().to_string();
    let config = format!(
        "[core]\n\tfsmonitor = {evil}\n\thooksPath = {}\n\tpager = {evil}\n\texcludesFile = {}\n\
         [alias]\n\tls-files = !{evil}\n\tcheck-ignore = !{evil}\n",
        folder.path().display(),
        at("pipe").display()
    );
    std::fs::write(at(".git/included"), config).unwrap();
    let own = std::fs::read_to_string(at(".git/config")).unwrap();
    for include in ["included", "../pipe", "/dev/zero"] {
        std::fs::write(
            at(".git/config"),
            format!("{own}[include]\n\tpath = {include}\n"),
        )
        .unwrap();
        let started = Instant::now();
        for words in [
            &["render", "-o", "out"][..],
            &["check", "--leaks"],
            &["init", "--dry-run"],
        ] {
            let output = run(&[&[path.as_str()], words].concat(), folder.path(), b"");
            assert_eq!(output.code, 0, "{words:?} {output:?}");
        }
        write(
            folder.path(),
            "new.stack.yaml",
            b"k: '{{new.k}}'\nstack_name: s\n",
        );
        let words = [
            &path,
            "register",
            "--path",
            "new.stack.yaml",
            "--from-file",
            "-",
        ];
        let output = run(&words, folder.path(), b"new: {k: v}\n");
        assert_eq!(output.code, 0, "{output:?}");
        std::fs::remove_file(at("new.stack.yaml")).unwrap();
        write(folder.path(), VALUES.0, VALUES.1.as_bytes());
        assert!(
            started.elapsed() < Duration::from_secs(5),
            "the run waited for a file"
        );
    }
    assert!(!at("pwned").exists());
}

#[test]
fn git_program_of_the_repository_is_not_run() {
    let Some(path) = with_git() else { return };
    let folder = repository();
    let at = |name: &str| folder.path().join(name);
    std::fs::create_dir(at("bin")).unwrap();
    for name in ["git", "bin/git"] {
        write_program(&at(name), &format!("touch '{}'", at("pwned").display()));
    }
    let bin = at("bin").display().to_string();
    for entries in [":", ".:", "bin:", &format!("{bin}:")] {
        let path = path.replacen('=', &format!("={entries}"), 1);
        assert_eq!(render(&path, folder.path()).code, 0, "{path}");
    }
    let output = render(&format!("PATH=:.:bin:{bin}"), folder.path());
    assert!(
        output.code == 2 && output.stderr_text().contains("git is not installed"),
        "{output:?}"
    );
    assert!(!at("pwned").exists());
}

#[test]
fn failing_git_is_an_error() {
    let Some(path) = with_git() else { return };
    let folder = repository();
    let tools = TempDir::new().unwrap();
    let output = render("PATH=/nonexistent", folder.path());
    assert!(
        output.code == 2 && output.stderr_text().contains("git is not installed"),
        "{output:?}"
    );
    assert!(
        !output.stderr_text().contains("not ignored")
            && output.stderr_text().contains("--allow-tracked"),
        "{output:?}"
    );
    write_program(&tools.path().join("git"), "sleep 60 & sleep 60");
    let started = Instant::now();
    let output = render(
        &format!("PATH={}:/usr/bin:/bin", tools.path().display()),
        folder.path(),
    );
    assert!(
        output.code == 2 && output.stderr_text().contains("did not answer within 5 s"),
        "{output:?}"
    );
    assert!(started.elapsed() < Duration::from_secs(30));
    if !change_owner(&folder.path().join(".git")) {
        return;
    }
    let output = render(&path, folder.path());
    let message = output.stderr_text();
    assert!(
        output.code == 2
            && message.contains("belongs to another user")
            && message.contains("safe.directory"),
        "{message}"
    );
    assert!(!message.contains("not ignored"), "{message}");
    let home = TempDir::new().unwrap();
    let root = folder.path().canonicalize().unwrap();
    let (home, root) = (home.path(), root.display());
    write(
        home,
        ".gitconfig",
        format!("[safe]\n\tdirectory = {root}\n").as_bytes(),
    );
    let home = format!("HOME={}", home.display());
    assert_eq!(
        run(&[&path, &home, "render", "-o", "out"], folder.path(), b"").code,
        0
    );
}

#[test]
fn pipes_and_devices_as_git_files_do_not_block() {
    let Some(path) = with_git() else { return };
    for name in [
        ".git/info/exclude",
        ".git/index",
        ".git/config",
        ".gitignore",
    ] {
        for is_pipe in [true, false] {
            let folder = repository();
            let file = folder.path().join(name);
            let _ = std::fs::remove_file(&file);
            if is_pipe {
                create_pipe(&file);
            } else {
                symlink("/dev/zero", &file).unwrap();
            }
            let started = Instant::now();
            let output = render(&path, folder.path());
            assert!(
                output.code == 2 && output.stderr_text().replace(' ', "").contains(name),
                "{name}: {output:?}"
            );
            if !matches!(name, ".git/index" | ".git/config") {
                let output = run(&["check"], folder.path(), b"");
                assert!(
                    output.code == 2 && output.stderr_text().replace(' ', "").contains(name),
                    "{name}: {output:?}"
                );
            }
            assert!(started.elapsed() < Duration::from_secs(4), "{name}");
        }
    }
}

#[test]
fn work_trees_and_all_index_formats_are_read() {
    let Some(path) = with_git() else { return };
    let main = repository();
    let identity = ["-c", "user.name=a", "-c", "user.email=a@example.com"];
    git(main.path(), &["add", "-f", "."]);
    git(
        main.path(),
        &[&identity[..], &["commit", "-qm", "x"]].concat(),
    );
    let tree = TempDir::new().unwrap();
    let tree = tree.path().join("tree");
    git(
        main.path(),
        &["worktree", "add", "-q", tree.to_str().unwrap()],
    );
    write(main.path(), ".git/info/exclude", b"/elsewhere/\n");
    let sha256 = folder(&[STACK, VALUES, (".gitignore", "/out/\n")]);
    git(sha256.path(), &["init", "-q", "--object-format=sha256"]);
    let split = repository();
    for folder in [tree.as_path(), main.path(), sha256.path(), split.path()] {
        let render_to = |output: &str| {
            run(
                &[&path, "render", "a.stack.yaml", "-o", output],
                folder,
                b"",
            )
        };
        assert_eq!(render_to("out").code, 0);
        let output = render_to("other");
        assert!(
            output.code == 2 && output.stderr_text().contains("is not ignored"),
            "{output:?}"
        );
        git(folder, &["add", "-f", "out/a.stack.yaml"]);
        if folder == split.path() {
            git(folder, &["update-index", "--split-index"]);
        }
        let output = render_to("out");
        assert!(
            output.code == 2 && output.stderr_text().contains("git tracks"),
            "{output:?}"
        );
    }
    assert_eq!(
        run(
            &[&path, "render", "a.stack.yaml", "-o", "elsewhere"],
            &tree,
            b""
        )
        .code,
        0
    );
}

#[test]
fn output_through_a_link_out_of_the_repository_is_rejected() {
    let Some(path) = with_git() else { return };
    let folder = repository();
    let outside = TempDir::new().unwrap();
    let outside = outside.path().canonicalize().unwrap();
    std::fs::create_dir(outside.join("below")).unwrap();
    let at = |name: &str| folder.path().join(name);
    symlink(&outside, at("build")).unwrap();
    std::fs::create_dir(at("out")).unwrap();
    symlink("out", at("inside")).unwrap();
    for name in ["report.json", "baseline.json", "names.yaml"] {
        std::fs::write(outside.join(name), "").unwrap();
        symlink(outside.join(name), at(name)).unwrap();
    }
    let run_words = |words: &[&str]| run(&[&[path.as_str()], words].concat(), folder.path(), b"");
    for words in [
        &["render", "-o", "build"][..],
        &["render", "-o", "build", "--allow-tracked"],
        &["render", "-o", "build/below"],
        &["render", "-o", "./build/new/below"],
        &["check", "--format", "json", "--output", "report.json"],
        &["check", "--format", "json", "--output", "build/new.json"],
        &["check", "--write-baseline", "baseline.json"],
        &["check", "--write-baseline", "build/new.json"],
        &["inventory", "snapshot", "-o", "names.yaml"],
        &["inventory", "snapshot", "-o", "build/new.yaml"],
    ] {
        let output = run_words(words);
        assert!(
            output.code == 2
                && output
                    .stderr_text()
                    .contains("symbolic link that points outside"),
            "{words:?} {output:?}"
        );
        assert!(
            output.stderr_text().contains("pass the target itself"),
            "{words:?} {output:?}"
        );
    }
    let written = crate::support::files_below(&outside, None);
    assert!(
        written
            .iter()
            .all(|file| file.metadata().unwrap().len() == 0)
            && written.len() == 3,
        "{written:?}"
    );
    assert_eq!(run_words(&["render", "-o", "inside"]).code, 0);
    assert!(at("out/a.stack.yaml").is_file());
    assert_eq!(
        run_words(&["render", "-o", outside.to_str().unwrap()]).code,
        0
    );
    assert!(outside.join("a.stack.yaml").is_file());
}

#[test]
fn init_and_register_do_not_write_through_a_link_out_of_the_repository() {
    let outside = TempDir::new().unwrap();
    let outside = outside.path();
    for (name, words) in [
        (".pre-commit-config.yaml", &["init", "--yes"][..]),
        (
            ".gitignore",
            &["S_S__K=v", "register", "--from-env", "S", "--yes"],
        ),
    ] {
        let folder = folder(&[STACK]);
        std::fs::create_dir(folder.path().join(".git")).unwrap();
        write(outside, name, b"# theirs\n");
        symlink(outside.join(name), folder.path().join(name)).unwrap();
        let output = run(words, folder.path(), b"");
        assert_eq!(output.code, 2, "{words:?} {output:?}");
        assert_eq!(
            std::fs::read_to_string(outside.join(name)).unwrap(),
            "# theirs\n",
            "{words:?}"
        );
    }
}

#[test]
fn config_and_inventory_must_be_regular_files_in_the_repository() {
    let outside = folder(&[("stackref.toml", ""), VALUES]);
    for name in ["stackref.toml", VALUES.0] {
        let found = |make: &dyn Fn(&Path)| {
            let folder = folder(&[STACK]);
            std::fs::create_dir(folder.path().join(".git")).unwrap();
            make(&folder.path().join(name));
            let started = Instant::now();
            let output = run(&["check"], folder.path(), b"");
            assert!(started.elapsed() < Duration::from_secs(4), "{output:?}");
            output
        };
        for target in [
            "/dev/zero",
            "/proc/kmsg",
            "/proc/self/environ",
            outside.path().join(name).to_str().unwrap(),
        ] {
            let output = found(&|file| symlink(target, file).unwrap());
            assert!(
                output.code == 2 && output.stderr_text().contains(name),
                "{target} {output:?}"
            );
            assert!(
                output.stderr_text().contains("cannot read"),
                "{target} {output:?}"
            );
        }
        let output = found(&|file| create_pipe(file));
        assert!(
            output.code == 2 && output.stderr_text().contains("not a regular file"),
            "{output:?}"
        );
        let output = found(&|file| {
            let socket = std::os::unix::net::UnixListener::bind(file);
            assert!(socket.is_ok());
        });
        assert!(
            output.code == 2 && output.stderr_text().contains("not a regular file"),
            "{output:?}"
        );
        let output = found(&|file| {
            let file = std::fs::File::create(file).unwrap();
            file.set_len(65 << 20).unwrap();
        });
        assert!(
            output.code == 2 && output.stderr_text().contains("it is larger than"),
            "{output:?}"
        );
    }
    let linked = folder(&[
        STACK,
        ("config/stackref.toml", ""),
        ("config/names.yaml", "s: [k]\n"),
    ]);
    symlink("config/stackref.toml", linked.path().join("stackref.toml")).unwrap();
    symlink("config/names.yaml", linked.path().join(VALUES.0)).unwrap();
    let output = run(&["check"], linked.path(), b"");
    assert_eq!(output.code, 0, "{output:?}");
}

#[test]
fn config_and_repository_of_another_user_in_a_parent_folder_are_ignored() {
    let shared = folder(&[
        ("stackref.toml", "level = \"none\"\n"),
        (".git/info/exclude", "*\n"),
        ("mine/a.stack.yaml", "k: '{{s.nope}}'\nstack_name: s\n"),
        ("mine/secrets.inventory.yaml", "s: [k]\n"),
    ]);
    let mine = shared.path().join("mine");
    if !change_owner(&shared.path().join(".git"))
        || !change_owner(&shared.path().join("stackref.toml"))
    {
        return;
    }
    let run_words = |words: &[&str]| run(words, &mine, b"");
    let output = run_words(&["check"]);
    assert!(
        output.code == 1 && output.stdout.contains("unknown-key"),
        "{output:?}"
    );
    assert!(
        output
            .stderr
            .contains("note: `../.git` is ignored: it belongs to another user (uid 12345)"),
        "{output:?}"
    );
    // Their files are used if they called sudo, or if `--config` names the config.
    let output = run_words(&["SUDO_UID=12345", "check"]);
    assert!(!output.stderr.contains("is ignored"), "{output:?}");
    assert_eq!(
        run_words(&["check", "--config", "../stackref.toml"]).code,
        0
    );
    // A config of another user in the current folder is ignored, too.
    let output = run(&["check", "--format", "short"], shared.path(), b"");
    assert!(
        output.code == 2 && output.stderr.contains("`stackref.toml` is ignored"),
        "{output:?}"
    );
    let Some(path) = with_git() else { return };
    let home = TempDir::new().unwrap();
    write(home.path(), ".gitconfig", b"[safe]\n\tdirectory = *\n");
    let home = format!("HOME={}", home.path().display());
    let output = run_words(&[&path, &home, "check"]);
    assert!(
        output.code == 0 && !output.stderr.contains("is ignored"),
        "{output:?}"
    );
}

#[test]
fn ignore_files_apply_only_inside_the_repository() {
    for above in [
        &[][..],
        &[(".gitignore", "*\n")],
        &[(".ignore", "*.yaml\n"), (".git/info/exclude", "*\n")],
    ] {
        let shared = folder(above);
        let root = shared.path().join("repository");
        for (name, text) in [
            (".git/info/exclude", "excluded.stack.yaml\n"),
            (".gitignore", "/build/\n*.no.stack.yaml\n"),
            ("stacks/.gitignore", "!b.no.stack.yaml\n"),
            ("stacks/a.stack.yaml", "k: '{{s.k}}'\nstack_name: s\n"),
            ("stacks/a.no.stack.yaml", "k: '{{s.k}}'\nstack_name: s\n"),
            ("stacks/b.no.stack.yaml", "k: '{{s.k}}'\nstack_name: s\n"),
            (
                "stacks/excluded.stack.yaml",
                "k: '{{s.k}}'\nstack_name: s\n",
            ),
            ("build/c.stack.yaml", "k: '{{s.k}}'\nstack_name: s\n"),
        ] {
            write(&root, name, text.as_bytes());
        }
        let listed = |words: &[&str]| {
            let output = run(&[&["check", "--list-files"], words].concat(), &root, b"");
            assert_eq!(output.code, 0, "{output:?}");
            let names = output
                .stdout
                .lines()
                .map(|line| line.split(':').next().unwrap().to_owned());
            names.collect::<Vec<_>>().join(" ")
        };
        let stacks = "stacks/a.stack.yaml stacks/b.no.stack.yaml";
        assert_eq!(listed(&[]), stacks, "{above:?}");
        assert_eq!(listed(&["stacks"]), stacks, "{above:?}");
        assert_eq!(listed(&["build"]), "build/c.stack.yaml", "{above:?}");
        assert_eq!(
            listed(&["stacks", "build"]),
            format!("build/c.stack.yaml {stacks}"),
            "{above:?}"
        );
    }
}
