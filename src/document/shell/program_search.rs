//! Finds the program that a command runs: `zenml`, a shell, or another one.
//!
//! Words such as `if` and `sudo`, and runners such as `poetry run`, may precede a program.

use super::runners::{RUNNERS, Runner};
use super::shell_options::{CodeSource, code_source};

/// The program of a command.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Program {
    /// `zenml`, with the index of its word.
    Zenml(usize),
    /// A program that reads shell code.
    Shell(CodeSource),
    /// Another program, with the index of its word.
    Other(usize),
}

/// Words that may precede a command: reserved words of the shell, prompts, and the keys of other
/// languages in front of commands.
#[rustfmt::skip]
const COMMAND_PREFIXES: [&str; 18] = [
    "!", "{", "if", "then", "elif", "else", "while", "until", "do", "coproc", "builtin", "$", "%", "❯", "➜", "-",
    "run:", "RUN",
];

/// The names of variables that contain the program by convention.
const VARIABLES: [&str; 5] = ["ZENML", "ZENML_CLI", "ZENML_CMD", "ZENML_BIN", "zenml"];

/// The modules that `python -m` runs as the program.
const MODULES: [&str; 4] = ["zenml", "zenml.cli", "zenml.cli.cli", "zenml.__main__"];

/// Finds the program in the words of a command. Returns `None` if there is no word.
pub(super) fn find_program(words: &[&str]) -> Option<Program> {
    let mut at = skip_function_name(words);
    let mut may_be_module = false;
    loop {
        let word = *words.get(at)?;
        let word = if at == 0 {
            without_recipe_prefix(word)
        } else {
            word
        };
        if is_zenml(word) {
            return Some(Program::Zenml(at));
        }
        if may_be_module && word == "-m" {
            let is_module = words
                .get(at + 1)
                .is_some_and(|module| MODULES.contains(module));
            return Some(if is_module {
                Program::Zenml(at + 1)
            } else {
                Program::Other(at)
            });
        }
        if COMMAND_PREFIXES.contains(&word) || is_assignment(word) {
            at += 1;
            continue;
        }
        let name = word.rsplit('/').next().unwrap_or(word);
        if is_python(name) {
            return Some(find_module(words, at));
        }
        if let Some(source) = code_source(name, words, at + 1) {
            return Some(Program::Shell(source));
        }
        let runner = RUNNERS.iter().find(|runner| runner.names.contains(&name));
        let Some(next) = runner.and_then(|runner| command_index(runner, words, at + 1)) else {
            return Some(Program::Other(at));
        };
        may_be_module = true;
        at = next;
    }
}

/// Returns whether a word is the program, with or without a path, a version or extras: for example
/// `zenml`, `.venv/bin/zenml`, `zenml@0.98.0` of `uvx`, `dev:zenml` of hatch, and `${ZENML}`.
fn is_zenml(word: &str) -> bool {
    if let Some(path) = word.strip_suffix("zenml") {
        return path.is_empty() || path.ends_with(['/', '\\', ':']) && !path.ends_with("//");
    }
    if word.starts_with("zenml@") || word.starts_with("zenml[") || word == "zenml.exe" {
        return true;
    }
    let Some(rest) = word.strip_prefix('$') else {
        return false;
    };
    let inner = rest
        .strip_prefix('{')
        .and_then(|rest| rest.strip_suffix('}'))
        .or_else(|| rest.strip_prefix('(')?.strip_suffix(')'))
        .unwrap_or(rest);
    let (name, default) = match inner.split_once(":-").or_else(|| inner.split_once('-')) {
        Some((name, default)) => (name, Some(default.trim_matches(['"', '\'']))),
        None => (inner, None),
    };
    VARIABLES.contains(&name)
        || default
            .and_then(|default| default.strip_suffix("zenml"))
            .is_some_and(|before| before.is_empty() || before.ends_with(['/', ' ']))
}

/// Removes the prefixes `@`, `-` and `+` of a Makefile recipe.
fn without_recipe_prefix(word: &str) -> &str {
    let command = word.trim_start_matches(['@', '+', '-']);
    if command.starts_with(|c: char| c.is_alphabetic() || matches!(c, '_' | '.' | '$')) {
        command
    } else {
        word
    }
}

/// Returns the index after `function NAME`, which may precede the first command of a body.
fn skip_function_name(words: &[&str]) -> usize {
    if words.first() == Some(&"function") {
        2
    } else {
        0
    }
}

fn is_assignment(word: &str) -> bool {
    word.split_once('=').is_some_and(|(name, _)| {
        name.starts_with(|c: char| c.is_ascii_alphabetic() || c == '_')
            && name.chars().all(|c| c.is_ascii_alphanumeric() || c == '_')
    })
}

/// Returns whether a program is Python: `python`, `python3`, `python3.12`, `py`.
fn is_python(name: &str) -> bool {
    let name = name.strip_suffix(".exe").unwrap_or(name);
    name.strip_prefix("python")
        .is_some_and(|version| version.chars().all(|c| c.is_ascii_digit() || c == '.'))
        || matches!(name, "py" | "$PYTHON" | "${PYTHON}" | "$(PYTHON)")
}

/// Finds the module of `python -m MODULE`.
fn find_module(words: &[&str], python: usize) -> Program {
    let mut at = python + 1;
    while let Some(word) = words.get(at) {
        let cluster = word.strip_prefix('-').filter(|rest| !rest.starts_with('-'));
        match cluster {
            Some("W" | "X") => at += 2,
            Some(cluster) if cluster.contains('c') => break,
            Some(cluster) if cluster.ends_with('m') => {
                let module = words.get(at + 1);
                if module.is_some_and(|module| MODULES.contains(module)) {
                    return Program::Zenml(at + 1);
                }
                break;
            }
            Some(_) => at += 1,
            None if word.starts_with("--") => at += 1,
            None => {
                // `python path/to/zenml`.
                if is_zenml(word) && word.contains('/') {
                    return Program::Zenml(at);
                }
                break;
            }
        }
    }
    Program::Other(python)
}

/// Returns the index of the command that a runner starts. Returns `None` if it starts none.
fn command_index(runner: &Runner, words: &[&str], from: usize) -> Option<usize> {
    let mut at = from;
    if runner.skips_words {
        let rest = words.get(at..)?;
        let is_subcommand = |word: &&str| runner.subcommands.contains(word);
        at += rest.iter().position(is_subcommand)? + 1;
    } else if !runner.subcommands.is_empty() {
        loop {
            at = skip_options(runner, words, at);
            let word = words.get(at)?;
            at += 1;
            if runner.subcommands.contains(word) {
                break;
            }
            if !runner.groups.contains(word) {
                return None;
            }
        }
    }
    if runner.needs_separator {
        let rest = words.get(at..)?;
        let separator = rest.iter().position(|word| *word == "--");
        if let Some(len) = separator {
            return Some(at + len + 1);
        }
    }
    for _ in 0..runner.arguments {
        at = skip_options(runner, words, at) + 1;
    }
    at = skip_options(runner, words, at);
    if words.get(at) == Some(&"--") {
        at += 1;
    }
    Some(at)
}

/// Returns the index after the options of a runner and their values.
fn skip_options(runner: &Runner, words: &[&str], mut at: usize) -> usize {
    while let Some(option) = words.get(at) {
        let is_option = option.starts_with('-') && option.len() > 1 && *option != "--";
        if !is_option || *option == "-m" && runner.runs_modules {
            break;
        }
        at += if runner.takes_value(option) { 2 } else { 1 };
    }
    at
}

#[cfg(test)]
mod tests {
    use super::*;

    fn zenml_index(line: &str) -> Option<usize> {
        let words: Vec<&str> = line.split(' ').collect();
        match find_program(&words)? {
            Program::Zenml(index) => Some(index),
            _ => None,
        }
    }

    /// Lines whose last word is the program.
    const COMMANDS: [&str; 73] = [
        "zenml",
        ".venv/bin/zenml",
        "$ZENML",
        "${ZENML}",
        "$(ZENML)",
        "${ZENML:-zenml}",
        "${Z:-.venv/bin/zenml}",
        "${VENV}/bin/zenml",
        "uv run zenml",
        "uv run --with zenml --extra server zenml",
        "uv --quiet run -p 3.12 -- zenml",
        "uvx zenml",
        "uvx --from zenml[server] zenml",
        "uvx zenml@0.98.0",
        "uv tool run zenml",
        "uv run -m zenml",
        "pipx run zenml",
        "poetry run zenml",
        "poetry -C app run zenml",
        "pdm run zenml",
        "hatch run zenml",
        "hatch run dev:zenml",
        "hatch -e dev run zenml",
        "rye run zenml",
        "pixi run -e dev zenml",
        "pipenv run zenml",
        "conda run -n env zenml",
        "conda run --no-capture-output -p /opt/env zenml",
        "micromamba run -n env zenml",
        "docker run --rm -it -e A=b --name zenml -v a:b img:tag zenml",
        "docker run --network=host img zenml",
        "docker exec -it -w /app box zenml",
        "docker compose run --rm -e A=b svc zenml",
        "docker compose -f a.yml exec -T svc zenml",
        "docker-compose run svc zenml",
        "podman run img zenml",
        "kubectl exec -it pod -c main -n ns -- zenml",
        "kubectl -n ns exec deploy/zenml -- zenml",
        "kubectl exec pod zenml",
        "sudo -E zenml",
        "sudo -u zenml -- zenml",
        "sudo A=b zenml",
        "env X=y zenml",
        "env -i -u HOME X=y zenml",
        "timeout 30 zenml",
        "timeout -k 5 30s zenml",
        "time zenml",
        "time -p zenml",
        "nohup zenml",
        "nice -n 5 zenml",
        "stdbuf -oL zenml",
        "exec zenml",
        "command zenml",
        "xargs -n 1 -I{} zenml",
        "xargs -0 zenml",
        "find . -name x ( -type f -o -type d ) -exec zenml",
        "find -ok zenml",
        "parallel -j 4 --bar zenml",
        "python -m zenml",
        "python3.12 -u -X dev -m zenml.cli.cli",
        "venv/bin/python -um zenml",
        "coverage run -m zenml",
        "flock /tmp/lock zenml",
        "dotenv -f .env run -- zenml",
        "aws-vault exec prod -- zenml",
        "op run --env-file=.env -- zenml",
        "doppler run -- zenml",
        "if ! zenml",
        "$ A=b zenml",
        "@zenml",
        "-@zenml",
        "function f { zenml",
        "sudo env A=b timeout 5 poetry run zenml",
    ];

    #[test]
    fn the_program_follows_runners_and_prefixes() {
        for line in COMMANDS {
            let words = line.split(' ').count();
            assert_eq!(zenml_index(line), Some(words - 1), "{line}");
        }
    }

    #[test]
    fn other_programs_may_have_an_argument_zenml() {
        for line in [
            "echo zenml",
            "pip install zenml",
            "sudo -u zenml psql",
            "sudo pip install zenml",
            "docker pull zenml",
            "docker run zenml",
            "docker run --name zenml img echo",
            "kubectl get pods -n zenml",
            "poetry add zenml",
            "uv run --with zenml pytest",
            "python zenml",
            "python -c zenml",
            "python -m pip install zenml",
            "timeout zenml",
            "my_zenml",
            "zenml-x",
            "zenml:",
            "https://zenml",
            "for x in zenml",
            "command -v zenml",
            "find . -name zenml",
            "find zenml -exec echo",
            "1A=b zenml",
        ] {
            assert_eq!(zenml_index(line), None, "{line}");
        }
        assert_eq!(find_program(&[]), None);
    }
}
