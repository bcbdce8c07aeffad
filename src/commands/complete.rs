//! Completions: the scripts of `stackref completions`, and `__complete`, which they call for the candidates.
//!
//! Completing runs no program, trusts no config and prints no error: if anything fails, there are no candidates. Of a config
//! only the names of its inventories are read, and only names that no shell would expand are offered.

use super::{CommandError, Context, PROGRAM_NAME, option_values};
use crate::cli::{Cli, CompleteArgs, CompletionsArgs};
use crate::diagnostics::outcome::Outcome;
use crate::lint::rules::RULES;
use crate::project::config;
use crate::project::repository::TrustedOwners;
use crate::system::files;
use crate::system::paths;
use clap::{Arg, Command, CommandFactory as _, ValueHint};
use clap_complete::Shell;
use clap_complete::engine::{self, ArgValueCandidates, CompletionCandidate};
use std::collections::BTreeSet;
use std::ffi::OsString;
use std::path::{Path, PathBuf};
use toml::de::{DeTable, DeValue};

/// The largest config that is read for its names, in bytes.
const MAX_CONFIG: u64 = 1 << 20;

/// What a shell adds to the candidates: paths, which it completes and quotes by itself.
const FILES: &str = ":files";
const FOLDERS: &str = ":folders";

/// Prints the script of a shell.
pub(super) fn completions(args: &CompletionsArgs, context: &mut Context<'_>) -> Result<Outcome, CommandError> {
    let script = match args.shell {
        Shell::Bash => include_bytes!("complete/stackref.bash").to_vec(),
        Shell::Zsh => include_bytes!("complete/stackref.zsh").to_vec(),
        Shell::Fish => include_bytes!("complete/stackref.fish").to_vec(),
        // Into memory first: the generator panics if a write fails.
        shell => {
            let mut script = Vec::new();
            clap_complete::generate(shell, &mut visible_command(&Cli::command()), PROGRAM_NAME, &mut script);
            script
        }
    };
    context.stdout.out.write_all(&script)?;
    Ok(Outcome::Clean)
}

/// Prints the candidates for one word of a command line, one per line, as the script of a shell reads them.
pub(super) fn complete(args: &CompleteArgs, context: &mut Context<'_>) -> Result<Outcome, CommandError> {
    let CompletionLine { words, index, typed_before } = CompletionLine::new(args);
    let current = words.get(index).map(|word| word.to_string_lossy().into_owned()).unwrap_or_default();
    let mut command = visible_command(&Cli::command());
    let inventories = inventory_names(&words, &context.cwd, context.env.get("SUDO_UID").as_deref());
    command = with_values(command, &inventories);
    let found = engine::complete(&mut command, words, index, None).unwrap_or_default();
    let (added, mut found): (Vec<_>, Vec<_>) =
        found.into_iter().partition(|candidate| placeholder_kind(candidate).is_some());
    // A word that begins an option is not the beginning of a path, but the value of the option may be.
    let is_wanted =
        |candidate: &&CompletionCandidate| !current.starts_with('-') || candidate.get_value().len() > FOLDERS.len();
    let added = added.iter().find(is_wanted).and_then(placeholder_kind);
    // Paths or commands are wanted where an option is not begun.
    let is_option = |candidate: &CompletionCandidate| candidate.get_value().as_encoded_bytes().starts_with(b"-");
    if !current.starts_with('-') && (added.is_some() || !found.iter().all(is_option)) {
        found.retain(|candidate| !is_option(candidate));
    }
    for candidate in &found {
        let value = candidate.get_value().to_string_lossy();
        let value = value.strip_prefix(&typed_before).unwrap_or(&value);
        let help = candidate.get_help().map(ToString::to_string).unwrap_or_default();
        let help = help.lines().next().unwrap_or_default();
        let line = match args.shell {
            Shell::Zsh if help.is_empty() => value.replace(':', "\\:"),
            Shell::Zsh => format!("{}:{help}", value.replace(':', "\\:")),
            Shell::Fish => format!("{value}\t{help}"),
            _ => value.to_owned(),
        };
        writeln!(context.stdout.out, "{line}")?;
    }
    if let Some(kind) = added {
        writeln!(context.stdout.out, "{kind}")?;
    }
    Ok(Outcome::Clean)
}

/// Returns the kind of paths that a candidate stands for, if it is such a placeholder.
fn placeholder_kind(candidate: &CompletionCandidate) -> Option<&'static str> {
    let value = candidate.get_value().to_string_lossy();
    [FILES, FOLDERS].into_iter().find(|kind| value.ends_with(kind))
}

/// A command line, as stackref would receive its words.
struct CompletionLine {
    words: Vec<OsString>,
    /// The index of the word to complete.
    index: usize,
    /// The beginning of that word which the shell takes for another word.
    typed_before: String,
}

impl CompletionLine {
    /// Joins the words of an option and its value: bash splits `--level=none` at the equals sign.
    fn new(args: &CompleteArgs) -> Self {
        let mut line = Self { words: Vec::new(), index: 0, typed_before: String::new() };
        let mut rest = args.words.iter().take(args.index + 1).peekable();
        while let Some(word) = rest.next() {
            let is_long = word.as_encoded_bytes().starts_with(b"--");
            let splits = args.shell == Shell::Bash && is_long && rest.peek().is_some_and(|next| *next == "=");
            if !splits {
                line.words.push(word.clone());
                line.typed_before.clear();
                continue;
            }
            rest.next();
            let mut whole = word.clone();
            whole.push("=");
            line.typed_before = whole.to_string_lossy().into_owned();
            whole.push(rest.next().cloned().unwrap_or_default());
            line.words.push(whole);
        }
        if args.words.len() <= args.index {
            line.words.push(OsString::new());
        }
        line.index = line.words.len() - 1;
        line
    }
}

/// Returns a command with what its help shows: no hidden command, option or alias.
fn visible_command(command: &Command) -> Command {
    let mut shown = Command::new(command.get_name().to_owned())
        .disable_help_flag(true)
        .disable_help_subcommand(true)
        .disable_version_flag(true)
        .visible_aliases(command.get_visible_aliases().map(str::to_owned).collect::<Vec<_>>())
        .args(command.get_arguments().filter(|arg| !arg.is_hide_set()));
    if let Some(about) = command.get_about() {
        shown = shown.about(about.clone());
    }
    if let Some(version) = command.get_version() {
        shown = shown.version(version.to_owned());
    }
    shown.subcommands(command.get_subcommands().filter(|command| !command.is_hide_set()).map(visible_command))
}

/// Adds the values that the definitions of arguments do not list.
fn with_values(command: Command, inventories: &BTreeSet<String>) -> Command {
    let nested = command.get_name() != PROGRAM_NAME;
    let commands = if nested { Vec::new() } else { command_names(&command) };
    let inventories_and_files: Vec<String> = inventories.iter().cloned().chain([FILES.to_owned()]).collect();
    let command = command.mut_args(|arg| {
        let values: Vec<(String, &'static str)> = match (arg.get_id().as_str(), arg.get_value_hint()) {
            ("inventory", _) => inventories_and_files.iter().map(|name| (name.clone(), "")).collect(),
            ("select" | "ignore" | "rule", _) => {
                RULES.iter().map(|rule| (rule.id.name().to_owned(), rule.summary)).collect()
            }
            (_, ValueHint::FilePath | ValueHint::AnyPath) => vec![(FILES.to_owned(), "")],
            (_, ValueHint::DirPath) => vec![(FOLDERS.to_owned(), "")],
            _ => return arg,
        };
        // A placeholder fits whatever was typed.
        arg.add(engine::ArgValueCompleter::new(move |current: &std::ffi::OsStr| {
            let current = current.to_string_lossy().into_owned();
            let fits = |(value, _): &&(String, &str)| value.starts_with(':') || value.starts_with(&current);
            let candidate = |(value, help): &(String, &'static str)| {
                CompletionCandidate::new(value).help(Some(*help).filter(|help| !help.is_empty()).map(Into::into))
            };
            values.iter().filter(fits).map(candidate).collect::<Vec<_>>()
        }))
    });
    let command = command.mut_subcommands(|below| with_values(below, inventories));
    if nested {
        return command;
    }
    let commands_of = move |arg: Arg| {
        let commands = commands.clone();
        arg.add(ArgValueCandidates::new(move || commands.iter().map(CompletionCandidate::new).collect::<Vec<_>>()))
    };
    command.mut_subcommands(|below| match below.get_name() {
        "man" | "help" => below.mut_arg("command", &commands_of),
        _ => below,
    })
}

/// Returns the names of all commands, also of those below others.
fn command_names(command: &Command) -> Vec<String> {
    let below =
        |command: &Command| command.get_subcommands().map(|below| below.get_name().to_owned()).collect::<Vec<_>>();
    let nested = command.get_subcommands().flat_map(below);
    below(command).into_iter().chain(nested).collect()
}

/// Returns the names of the inventories in the configs that a command line is about: the one that it names, or those nearest
/// to its paths and to the working directory.
fn inventory_names(words: &[OsString], cwd: &Path, sudo_uid: Option<&std::ffi::OsStr>) -> BTreeSet<String> {
    if words.iter().any(|word| word == "--no-config") {
        return BTreeSet::new();
    }
    if let Some(config) = option_values(words, "--config").next() {
        return names_in(&paths::absolute(Path::new(config), cwd));
    }
    // Without asking git, whose `safe.directory` may allow more.
    let owners = TrustedOwners::new(sudo_uid.and_then(|id| id.to_str()), Box::new(|_| Vec::new()));
    let paths = words.iter().skip(2).map(|word| paths::absolute(Path::new(word), cwd)).filter(|path| path.exists());
    let folder = |path: PathBuf| if path.is_dir() { Some(path) } else { path.parent().map(Path::to_path_buf) };
    let mut folders: BTreeSet<PathBuf> = paths.filter_map(folder).collect();
    folders.insert(cwd.to_path_buf());
    let config = |folder: &PathBuf| {
        let (file, root) = owners.config(folder, config::FILE_NAME)?;
        files::resolve_inside(&file, &root).ok()
    };
    folders.iter().filter_map(config).flat_map(|file| names_in(&file)).collect()
}

/// Returns the names of the inventories in a config, whatever else is wrong with it.
fn names_in(config: &Path) -> BTreeSet<String> {
    let text = files::read(config, MAX_CONFIG).ok().and_then(|bytes| String::from_utf8(bytes.to_vec()).ok());
    let text = text.unwrap_or_default();
    let Ok(table) = DeTable::parse(&text) else { return BTreeSet::new() };
    let inventories = table.get_ref().get("inventory").map(toml::Spanned::get_ref);
    let Some(DeValue::Table(inventories)) = inventories else { return BTreeSet::new() };
    let names = inventories.keys().map(|name| name.get_ref().to_string());
    names.filter(|name| is_plain_word(name)).collect()
}

/// Returns whether a name is the same word to every shell.
fn is_plain_word(name: &str) -> bool {
    let is_letter = |c: char| c.is_alphanumeric() || matches!(c, '_' | '-' | '.');
    !name.is_empty() && !name.starts_with('-') && name.chars().all(is_letter)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn line(shell: Shell, words: &[&str], index: usize) -> (Vec<String>, String) {
        let words = words.iter().map(OsString::from).collect();
        let line = CompletionLine::new(&CompleteArgs { shell, index, words });
        (line.words.iter().map(|word| word.to_string_lossy().into_owned()).collect(), line.typed_before)
    }

    #[test]
    fn words_that_bash_splits_are_joined() {
        let (words, before) = line(Shell::Bash, &["stackref", "check", "--level", "=", "no"], 4);
        assert_eq!((words.join(" ").as_str(), before.as_str()), ("stackref check --level=no", "--level="));
        let (words, before) = line(Shell::Bash, &["stackref", "check", "--level", "="], 3);
        assert_eq!((words.join(" ").as_str(), before.as_str()), ("stackref check --level=", "--level="));
        let (words, before) = line(Shell::Bash, &["stackref", "check", "--level", "=", "none", ""], 5);
        assert_eq!((words.join(" ").as_str(), before.as_str()), ("stackref check --level=none ", ""));
        assert_eq!(line(Shell::Zsh, &["stackref", "check", "--level=no"], 2).1, "");
        assert_eq!(line(Shell::Zsh, &["stackref"], 1).0, ["stackref", ""]);
        assert_eq!(line(Shell::Fish, &["stackref", "che", "x"], 1).0, ["stackref", "che"]);
    }

    #[test]
    fn only_names_that_no_shell_expands_are_offered() {
        for name in ["prod", "team-a.eu_1", "größe"] {
            assert!(is_plain_word(name), "{name}");
        }
        for name in ["", "-x", "$(id)", "a b", "a;b", "`id`", "a\u{1b}[2J", "a\nb", "~", "*", "a'b"] {
            assert!(!is_plain_word(name), "{name:?}");
        }
    }
}
