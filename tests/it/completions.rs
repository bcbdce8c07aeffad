//! Tests shell completions: the candidates of `__complete`, and those in each shell that is
//! installed.

use crate::support::{Output, coverage, folder, is_installed, run, write};
use std::path::Path;
use std::process::Command;

const CONFIG: &str = "[inventory.dev]\nkind = \"file\"\npath = \"dev.yaml\"\n[inventory.prod]\nkind = \"command\"\nlist = [\"touch\", \
                      \"ran\"]\n[inventory.\"$(touch ran)\"]\nkind = \"env\"\n[inventory.\"a b\"]\nkind = \"env\"\n";

/// Returns the candidates for the last of some words, without their descriptions.
fn candidates(folder: &Path, words: &[&str]) -> Vec<String> {
    let index = (words.len() - 1).to_string();
    let output = run(
        &[&["__complete", "zsh", &index, "--"], words].concat(),
        folder,
        b"",
    );
    assert_eq!((output.stderr.as_str(), output.code), ("", 0), "{words:?}");
    output
        .stdout
        .lines()
        .map(|line| {
            if line.starts_with(':') {
                line
            } else {
                line.split(':').next().unwrap()
            }
            .to_owned()
        })
        .collect()
}

#[test]
fn levels_rules_commands_and_inventories_are_offered() {
    let folder = folder(&[
        ("stackref.toml", CONFIG),
        ("other.toml", "[inventory.staging]\nkind = \"nosuch\"\n"),
    ]);
    let offered = |words: &str| candidates(folder.path(), &words.split(' ').collect::<Vec<_>>());
    assert_eq!(
        offered("stackref check --level "),
        ["none", "secret-exists", "secret-and-key-exists"]
    );
    assert_eq!(offered("stackref check --level=no"), ["--level=none"]);
    assert_eq!(
        offered("stackref check --select unknown-"),
        ["unknown-secret", "unknown-key"]
    );
    assert_eq!(
        offered("stackref check --ignore bare-ignore,unused-i"),
        ["bare-ignore,unused-ignore"]
    );
    assert_eq!(offered("stackref explain padd"), ["padded-reference"]);
    assert_eq!(
        offered("stackref check --inventory "),
        ["dev", "prod", ":files"]
    );
    assert_eq!(
        offered("stackref check --inventory=p"),
        ["--inventory=prod", ":files"]
    );
    assert_eq!(
        offered("stackref inventory snapshot --inventory d"),
        ["dev", ":files"]
    );
    for words in ["stackref inventory diff ", "stackref inventory diff x "] {
        assert_eq!(offered(words), ["dev", "prod", ":files"], "{words}");
    }
    assert_eq!(
        offered("stackref check --config other.toml --inventory "),
        ["staging", ":files"]
    );
    assert_eq!(
        offered("stackref check --no-config --inventory "),
        [":files"]
    );
    assert_eq!(offered("stackref check --format s"), ["short", "sarif"]);
    assert_eq!(
        offered("stackref check --fix=s"),
        ["--fix=safe", "--fix=suggestions"]
    );
    assert_eq!(offered("stackref che"), ["check"]);
    assert_eq!(offered("stackref help inv"), ["inventory"]);
    assert_eq!(offered("stackref man inventory sn"), ["snapshot"]);
    assert_eq!(offered("stackref check "), [":files"]);
    assert_eq!(offered("stackref render -o "), [":folders"]);
    assert_eq!(offered("stackref check --stat"), ["--statistics"]);
    assert!(offered("stackref ").contains(&"register".to_owned()));
    assert!(!folder.path().join("ran").exists());
}

#[test]
fn hidden_names_are_not_offered_and_errors_are_not_printed() {
    let folder = folder(&[("stackref.toml", "[inventory.dev\n")]);
    let offered = |words: &str| candidates(folder.path(), &words.split(' ').collect::<Vec<_>>());
    for words in [
        "stackref check --forc",
        "stackref __",
        "stackref check --inventory=x --nosuch=",
        "stackref nosuch x",
    ] {
        assert!(
            offered(words).iter().all(|candidate| candidate == ":files"),
            "{words}: {:?}",
            offered(words)
        );
    }
    assert!(!offered("stackref check --").contains(&"--force-exclude".to_owned()));
    assert!(
        !offered("stackref ")
            .iter()
            .any(|candidate| candidate.starts_with('_'))
    );
    assert_eq!(offered("stackref check --inventory "), [":files"]);
    for words in [&["__complete"][..], &["help"], &["man"]] {
        let Output { stdout, .. } = run(words, folder.path(), b"");
        assert!(!stdout.contains("__complete"), "{words:?}");
    }
    std::fs::remove_file(folder.path().join("stackref.toml")).unwrap();
    std::os::unix::fs::symlink("/dev/zero", folder.path().join("stackref.toml")).unwrap();
    assert_eq!(offered("stackref check --inventory "), [":files"]);
}

/// Runs a script in a shell with the program on its PATH, and returns its standard output.
fn run_shell(program: &str, args: &[&str], script: &str, folder: &Path) -> String {
    let mut path = vec![
        Path::new(env!("CARGO_BIN_EXE_stackref"))
            .parent()
            .unwrap()
            .to_path_buf(),
    ];
    path.extend(std::env::split_paths(&std::env::var_os("PATH").unwrap()));
    let mut command = Command::new(program);
    command
        .args(args)
        .arg(script)
        .current_dir(folder)
        .env_clear()
        .envs(coverage());
    command
        .env("PATH", std::env::join_paths(path).unwrap())
        .env("HOME", folder)
        .env("TERM", "xterm");
    let output = command.output().unwrap();
    assert_eq!(
        String::from_utf8(output.stderr).unwrap(),
        "",
        "{program}: {script}"
    );
    String::from_utf8(output.stdout).unwrap()
}

#[test]
fn bash_completes_words_values_and_files() {
    if !is_installed("bash") {
        return;
    }
    let folder = folder(&[("stackref.toml", CONFIG), ("my stack.yaml", "")]);
    let completed = |words: &str, current: &str| {
        let count = words.split(' ').count();
        let quoted = words
            .split(' ')
            .map(|word| format!("'{word}'"))
            .collect::<Vec<_>>()
            .join(" ");
        let script = format!(
            "source <(stackref completions bash); COMP_WORDS=({quoted}); COMP_CWORD={}; _stackref stackref '{current}' ''; \
             printf '%s\\n' \"${{COMPREPLY[@]}}\"",
            count - 1
        );
        run_shell("bash", &["--norc", "-c"], &script, folder.path())
            .trim_end()
            .to_owned()
    };
    assert_eq!(completed("stackref check --level no", "no"), "none");
    assert_eq!(completed("stackref check --level = no", "no"), "none");
    assert_eq!(
        completed("stackref check --inventory = ", ""),
        "dev\nprod\nmy stack.yaml\nstackref.toml"
    );
    assert_eq!(completed("stackref check my", "my"), "my stack.yaml");
    assert_eq!(
        completed("stackref re", "re"),
        "render\nregister\nrefs\nrename"
    );
    assert_eq!(completed("stackref check --nosuch", "--nosuch"), "");
}

#[test]
fn fish_completes_words_values_and_files() {
    if !is_installed("fish") {
        return;
    }
    let folder = folder(&[("stackref.toml", CONFIG)]);
    write(folder.path(), "stacks/a.yaml", b"");
    let completed = |line: &str| {
        let script = format!("stackref completions fish | source; complete --do-complete '{line}'");
        let lines = run_shell("fish", &["--no-config", "-c"], &script, folder.path());
        lines
            .lines()
            .map(|line| line.split('\t').next().unwrap().to_owned())
            .collect::<Vec<_>>()
    };
    assert_eq!(completed("stackref check --level no"), ["none"]);
    assert_eq!(completed("stackref check --level=no"), ["--level=none"]);
    assert_eq!(
        completed("stackref check --inventory=p"),
        ["--inventory=prod"]
    );
    assert_eq!(
        completed("stackref check --config=stackref.t"),
        ["--config=stackref.toml"]
    );
    assert_eq!(
        completed("stackref check sta"),
        ["stackref.toml", "stacks/"]
    );
    assert_eq!(completed("stackref trus"), ["trust"]);
    assert_eq!(completed("stackref check --nosuch"), [""; 0]);
}

/// Defines the functions of zsh's line editor, because only the line editor calls completions.
#[test]
fn zsh_completes_words_values_and_files() {
    if !is_installed("zsh") {
        return;
    }
    let folder = folder(&[("stackref.toml", CONFIG)]);
    let completed = |words: &str| {
        let current = words.split(' ').next_back().unwrap();
        let quoted = words
            .split(' ')
            .map(|word| format!("'{word}'"))
            .collect::<Vec<_>>()
            .join(" ");
        let script = format!(
            "compdef() {{ [[ $1 == _stackref && $2 == stackref ]] || print wrong }}\n\
             _describe() {{ print -rl -- ${{${{(P)3}}%%:*}} }}\n_files() {{ print -r -- files $PREFIX $@ }}\n\
             compset() {{ PREFIX=${{PREFIX#*=}} }}\nsource <(stackref completions zsh)\n\
             words=({quoted}) CURRENT=$#words PREFIX='{current}'\n_stackref"
        );
        run_shell("zsh", &["-f", "-c"], &script, folder.path())
            .trim_end()
            .replace('\n', " ")
    };
    assert_eq!(completed("stackref check --level no"), "none");
    assert_eq!(completed("stackref check --level=no"), "--level=none");
    assert_eq!(
        completed("stackref check --inventory=p"),
        "--inventory=prod files p"
    );
    assert_eq!(completed("stackref check --config=st"), "files st");
    assert_eq!(completed("stackref render -o "), "files -/");
    assert_eq!(completed("stackref trus"), "trust");
    assert_eq!(completed("stackref check --nosuch"), "");
}
