//! The command line: types and help, no logic.

pub mod help_text;
mod report_args;
mod rule_args;

pub use report_args::Reports;
pub use rule_args::RuleSelection;

use crate::output::schemas::SchemaKind;
use crate::output::{ListFormat, SnapshotFormat};
use crate::project::config::Level;
use clap::builder::{PossibleValue, PossibleValuesParser, TypedValueParser};
use clap::{ArgAction, ArgGroup, Args, Parser, Subcommand, ValueEnum, ValueHint};
use clap_complete::Shell;
use std::ffi::OsString;
use std::path::PathBuf;

/// A linter and preprocessor for secret references in ZenML stack files
///
/// stackref reports mistakes in references such as `{{mlflow.password}}` and checks that each secret and key exists in an
/// inventory: a file, a ZenML server, Vault, AWS, and others. It also registers missing secrets, and writes copies of stack
/// files with the references resolved. No output ever contains a secret value.
#[derive(Debug, Parser)]
#[command(name = "stackref", version, long_version = LONG_VERSION, max_term_width = 100)]
#[command(disable_help_subcommand = true, disable_help_flag = true, disable_version_flag = true)]
#[command(
    after_help = "Example: stackref check\n\nRun `stackref help COMMAND` for the options of a command, with examples."
)]
#[command(after_long_help = help_text::after_long_help(&[]))]
pub struct Cli {
    /// The command to run.
    #[command(subcommand)]
    pub command: Command,
    /// Use color: auto, always or never
    ///
    /// `auto` uses color in a terminal, or if `CLICOLOR_FORCE` or `FORCE_COLOR` is set. It does not if `NO_COLOR`, `CLICOLOR=0` or
    /// `TERM=dumb` is set.
    // After the options of each command, whose display orders are lower.
    #[arg(long, global = true, display_order = 900, value_name = "WHEN", value_enum, default_value_t = Color::Auto)]
    #[arg(help_heading = GLOBAL, hide_possible_values = true)]
    pub color: Color,
    /// Print help (`--help` prints all options, with examples)
    ///
    /// `-h` prints a short version of it, which leaves out rarely used options.
    #[arg(short, long, global = true, display_order = 901, action = ArgAction::Help, help_heading = GLOBAL)]
    pub help: Option<bool>,
    /// Print the version (`--version` also lists features)
    #[arg(short = 'V', long, display_order = 902, action = ArgAction::Version, help_heading = GLOBAL)]
    pub version: Option<bool>,
}

/// The version, and which optional features this build has.
const LONG_VERSION: &str = if cfg!(feature = "aws") {
    concat!(env!("CARGO_PKG_VERSION"), "\nfeatures: +aws")
} else {
    concat!(env!("CARGO_PKG_VERSION"), "\nfeatures: -aws")
};

// The headings under which `--help` groups options.
const SELECTION: &str = "File selection";
const RULE_SELECTION: &str = "Rule selection";
const INVENTORIES: &str = "Inventories";
const FIXES: &str = "Fixes";
const SUPPRESSIONS: &str = "Suppressions";
const OUTPUT: &str = "Output";
const EXIT_CODE: &str = "Exit code";
const VALUES: &str = "Values";
const ACCEPTANCE: &str = "Acceptance";
const GLOBAL: &str = "Global options";

/// The commands.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Report mistakes in secret references
    ///
    /// stackref reads stack files, run configs and scripts, and reports each mistake with its location, an explanation and
    /// advice. It looks up each reference in an inventory, unless the level is `none`.
    #[command(after_help = help_text::after_help(&["check"]), after_long_help = help_text::after_long_help(&["check"]))]
    Check(CheckArgs),
    /// Write copies of stack files with the references resolved
    ///
    /// All files are checked first. Either every copy is written, or none. Everything outside the references stays as it is.
    #[command(after_help = help_text::after_help(&["render"]), after_long_help = help_text::after_long_help(&["render"]))]
    Render(RenderArgs),
    /// Prompt for and store missing secrets
    ///
    /// The secrets are stored in an inventory. Prompts need a terminal. Without one, stackref lists what is missing and exits with 1, or takes the values from
    /// `--from-file` or `--from-env`.
    #[command(visible_alias = "register-secrets", after_help = help_text::after_help(&["register"]), after_long_help = help_text::after_long_help(&["register"]))]
    Register(RegisterArgs),
    /// List all references
    #[command(after_help = help_text::after_help(&["refs"]), after_long_help = help_text::after_long_help(&["refs"]))]
    Refs(RefsArgs),
    /// List the names and keys in inventories, never values
    #[command(args_conflicts_with_subcommands = true, after_help = help_text::after_help(&["inventory"]), after_long_help = help_text::after_long_help(&["inventory"]))]
    Inventory(InventoryArgs),
    /// Explain a rule, or list all rules
    #[command(after_help = help_text::after_help(&["explain"]), after_long_help = help_text::after_long_help(&["explain"]))]
    Explain(ExplainArgs),
    /// Write a commented `stackref.toml` for this repository
    ///
    /// The config is based on the stack files and inventories that stackref finds in the repository. An existing
    /// `stackref.toml` is never overwritten.
    #[command(after_help = help_text::after_help(&["init"]), after_long_help = help_text::after_long_help(&["init"]))]
    Init(InitArgs),
    /// Accept a repository's config
    ///
    /// An accepted config may run programs, connect to hosts and read files outside the repository. stackref prints what the
    /// config requests, and asks before it records the config. A changed config must be accepted again.
    #[command(after_help = help_text::after_help(&["trust"]), after_long_help = help_text::after_long_help(&["trust"]))]
    Trust(TrustArgs),
    /// Print the JSON Schema of a file that stackref reads or writes
    #[command(after_help = help_text::after_help(&["schema"]), after_long_help = help_text::after_long_help(&["schema"]))]
    Schema(SchemaArgs),
    /// Print a completion script for a shell
    #[command(after_help = help_text::after_help(&["completions"]), after_long_help = help_text::after_long_help(&["completions"]))]
    Completions(CompletionsArgs),
    /// Show a manual page
    ///
    /// The page is formatted in a terminal, and plain roff in a pipe or a file.
    #[command(after_help = help_text::after_help(&["man"]), after_long_help = help_text::after_long_help(&["man"]))]
    Man(ManArgs),
    /// Print the help of a command
    #[command(after_help = help_text::after_help(&["help"]), after_long_help = help_text::after_long_help(&["help"]))]
    Help(HelpArgs),
    /// Complete a command line; called by the scripts of `stackref completions`
    #[command(name = "__complete", hide = true)]
    Complete(CompleteArgs),
}

/// `--color`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Color {
    /// Use color if the output is a terminal
    Auto,
    /// Always use color
    Always,
    /// Never use color
    Never,
}

/// The files that a command reads.
#[derive(Debug, Args)]
pub struct FileArgs {
    /// Files and folders to read; `-` is standard input
    ///
    /// stackref walks folders and reads each file that looks like a stack file, a run config or a component spec. It respects
    /// `.gitignore` and `.ignore`.
    #[arg(value_name = "PATHS", default_value = ".", value_hint = ValueHint::AnyPath)]
    pub paths: Vec<PathBuf>,
    /// Read the paths from a file, one per line
    ///
    /// `-` is standard input. Files in the list that are not stack files are skipped.
    #[arg(long, value_name = "FILE", conflicts_with = "paths", help_heading = SELECTION, value_hint = ValueHint::FilePath)]
    #[arg(hide_short_help = true)]
    pub files_from: Option<PathBuf>,
    /// Expect NUL bytes between the paths of `--files-from`
    ///
    /// For example, `git ls-files -z` and `find -print0` print such lists.
    #[arg(short = '0', long = "null", requires = "files_from", help_heading = SELECTION, hide_short_help = true)]
    pub null: bool,
    /// Skip arguments that are not stack files
    ///
    /// For hooks and editors, which pass files of every kind. With `-`, standard input is skipped if `--stdin-filename` is not
    /// the name of a stack file: nothing is reported, and stackref exits with 0.
    #[arg(long, help_heading = SELECTION, hide_short_help = true)]
    pub only_stack_files: bool,
    /// File name to assume for standard input
    ///
    /// It selects the syntax and the config, and is the path in reports. Without it, standard input is YAML or JSON.
    #[arg(long, value_name = "NAME", help_heading = SELECTION, hide_short_help = true, value_hint = ValueHint::AnyPath)]
    pub stdin_filename: Option<PathBuf>,
    /// The config.
    #[command(flatten)]
    pub setup: ConfigArgs,
}

impl FileArgs {
    /// Returns a selection of paths, with the default for every other option.
    pub fn from_paths(paths: &[PathBuf], setup: &ConfigArgs) -> Self {
        Self {
            paths: paths.to_vec(),
            files_from: None,
            null: false,
            only_stack_files: false,
            stdin_filename: None,
            setup: setup.clone(),
        }
    }
}

/// The config of a run, and whether its excludes apply.
#[derive(Clone, Debug, Args)]
pub struct ConfigArgs {
    /// Read excluded files, too
    ///
    /// `[files] exclude` of the config otherwise applies to every file, including those given as arguments.
    #[arg(long, help_heading = SELECTION, hide_short_help = true)]
    pub no_exclude: bool,
    /// Accepted for compatibility; excludes always apply
    #[arg(long, hide = true)]
    pub force_exclude: bool,
    /// Use this config file
    ///
    /// stackref otherwise uses the nearest `stackref.toml` in the folder of the arguments or above it, up to the root of the
    /// repository.
    #[arg(long, value_name = "FILE", conflicts_with = "no_config", help_heading = GLOBAL)]
    #[arg(value_hint = ValueHint::FilePath)]
    pub config: Option<PathBuf>,
    /// Read no config file
    ///
    /// Every setting has its default.
    #[arg(long, help_heading = GLOBAL, hide_short_help = true)]
    pub no_config: bool,
    /// Trust the config for this run
    ///
    /// A trusted config may run programs, connect to hosts and read files outside the repository. `STACKREF_TRUST=1` does the
    /// same. This is for CI jobs on trusted branches: do not use it for pull requests from forks. `stackref trust` accepts a
    /// config permanently.
    #[arg(long, help_heading = GLOBAL)]
    pub trust: bool,
}

/// `--fix`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum FixMode {
    /// Apply safe fixes
    Safe,
    /// Also replace misspelled names by the nearest known name
    Suggestions,
}

/// `check`.
#[derive(Debug, Args)]
pub struct CheckArgs {
    /// Rules to run, and rules to skip.
    #[command(flatten)]
    pub rules: RuleSelection,
    /// How much to ask an inventory: none, secret-exists or secret-and-key-exists
    ///
    /// `none` asks nothing, `secret-exists` asks for the names of secrets, and `secret-and-key-exists` also for the keys of
    /// referenced secrets. Default: `ZENML_SECRET_VALIDATION_LEVEL`, else `level` of the config, else secret-and-key-exists.
    #[arg(long, value_name = "LEVEL", value_parser = level(), hide_possible_values = true, help_heading = INVENTORIES)]
    pub level: Option<Level>,
    /// Look up references here (name or file)
    ///
    /// The name of an inventory in the config, or else the path of an inventory file; `-` is standard input. Repeatable: several
    /// inventories are asked in this order.
    #[arg(long, value_name = "NAME|FILE", help_heading = INVENTORIES)]
    pub inventory: Vec<String>,
    /// Search all text files for the values of secrets
    ///
    /// Every file that is tracked or not ignored is searched for the values in the inventories, also in encoded forms. The
    /// values themselves are never printed.
    #[arg(long, help_heading = INVENTORIES)]
    pub leaks: bool,
    /// Apply safe fixes (`=suggestions`: spelling fixes, too)
    ///
    /// `--fix=suggestions` also replaces misspelled names by the nearest known name. Review these changes.
    #[arg(long, value_name = "WHICH", value_enum, num_args = 0..=1, require_equals = true, default_missing_value = "safe")]
    #[arg(help_heading = FIXES, hide_possible_values = true)]
    pub fix: Option<FixMode>,
    /// Print a diff of the changes instead of writing them
    ///
    /// For `--fix` and `--add-ignores`. The diff goes to standard output, and findings go to standard error.
    #[arg(long, help_heading = FIXES)]
    pub diff: bool,
    /// Add an ignore comment for each finding
    ///
    /// A comment goes on the line of its finding, or above it where that line cannot contain a comment. An existing ignore
    /// comment is extended. JSON has no comments: for findings that no comment can suppress, stackref prints the `[[ignore]]`
    /// entries to add to the config. Each file is written as a whole or not at all.
    #[arg(long, help_heading = SUPPRESSIONS, conflicts_with_all = ["fix", "no_ignores", "write_baseline"])]
    pub add_ignores: bool,
    /// Report suppressed findings, too
    ///
    /// Ignore comments and `[[ignore]]` entries of the config have no effect.
    #[arg(long, help_heading = SUPPRESSIONS, hide_short_help = true)]
    pub no_ignores: bool,
    /// Do not report the findings recorded in this file
    ///
    /// Default: the file that `baseline` of the config names.
    #[arg(long, value_name = "FILE", help_heading = SUPPRESSIONS, value_hint = ValueHint::FilePath)]
    pub baseline: Option<PathBuf>,
    /// Record the findings of this run in a file for `--baseline`
    ///
    /// An existing baseline is replaced. Findings that this run could not check stay in it.
    #[arg(long, value_name = "FILE", conflicts_with_all = ["baseline", "fix"], help_heading = SUPPRESSIONS)]
    #[arg(value_hint = ValueHint::FilePath, hide_short_help = true)]
    pub write_baseline: Option<PathBuf>,
    /// The reports.
    #[command(flatten)]
    pub reports: Reports,
    /// Print the number of findings per rule
    ///
    /// Nothing else is printed on standard output. The most frequent rule comes first. For the formats human, short and json. Files of `--output` still contain all
    /// findings.
    #[arg(long, help_heading = OUTPUT)]
    pub statistics: bool,
    /// List the files to read, with reasons, and exit
    #[arg(long, help_heading = OUTPUT)]
    pub list_files: bool,
    /// Print no summary and no notes
    ///
    /// Findings, warnings and errors are still printed.
    #[arg(short, long, help_heading = OUTPUT, conflicts_with = "verbose")]
    pub quiet: bool,
    /// Print why each file is read, its inventory and level
    #[arg(short, long, help_heading = OUTPUT)]
    pub verbose: bool,
    /// Exit with 1 if there are warnings
    #[arg(long, help_heading = EXIT_CODE)]
    pub deny_warnings: bool,
    /// Exit with 0 even if there are findings
    ///
    /// Wrong usage still exits with 2, and an inventory that cannot answer with 3.
    #[arg(long, help_heading = EXIT_CODE)]
    pub exit_zero: bool,
    /// The files.
    // Last, as its options are used least.
    #[command(flatten)]
    pub files: FileArgs,
}

/// `render`.
#[derive(Debug, Args)]
#[command(group(ArgGroup::new("where").required(true).multiple(true).args(["output", "stdout", "check", "diff"])))]
pub struct RenderArgs {
    /// Read the values from here (name or file)
    ///
    /// The name of an inventory in the config, or else the path of an inventory file; `-` is standard input. Repeatable: several
    /// inventories are asked in this order.
    #[arg(long, value_name = "NAME|FILE", help_heading = INVENTORIES)]
    pub inventory: Vec<String>,
    /// Write the copies to this folder
    ///
    /// Paths in it are the same as from the working directory. A symbolic link that leads out of the repository is refused:
    /// name its target instead.
    #[arg(short, long, value_name = "DIR", help_heading = OUTPUT, value_hint = ValueHint::DirPath)]
    pub output: Option<PathBuf>,
    /// Write the only selected file to standard output
    #[arg(long, conflicts_with_all = ["output", "check", "diff"], help_heading = OUTPUT)]
    pub stdout: bool,
    /// Do everything except writing the copies
    #[arg(long, conflicts_with = "diff", help_heading = OUTPUT)]
    pub check: bool,
    /// Print a diff with redacted values instead of writing the copies
    #[arg(long, help_heading = OUTPUT)]
    pub diff: bool,
    /// Mode of the copies, in octal
    ///
    /// With the default, only you can read them.
    #[arg(long, value_name = "MODE", default_value = "600", value_parser = parse_mode, help_heading = OUTPUT)]
    pub mode: u32,
    /// Write to paths in a git work tree that git does not ignore
    ///
    /// stackref otherwise refuses to write values to a path that the next commit could contain, or if it cannot ask git.
    #[arg(long, help_heading = OUTPUT)]
    pub allow_tracked: bool,
    /// Render only the files of this stack
    #[arg(long, value_name = "NAME", help_heading = SELECTION)]
    pub stack: Option<String>,
    /// Skip files without references
    #[arg(long, help_heading = SELECTION)]
    pub only_changed: bool,
    /// The files.
    #[command(flatten)]
    pub files: FileArgs,
}

/// `refs`.
#[derive(Debug, Args)]
pub struct RefsArgs {
    /// Output format
    #[arg(long, value_name = "FORMAT", value_enum, default_value_t, help_heading = OUTPUT)]
    pub format: ListFormat,
    /// The files.
    #[command(flatten)]
    pub files: FileArgs,
}

/// `register`.
#[derive(Debug, Args)]
pub struct RegisterArgs {
    /// Register only the secrets of this stack
    ///
    /// The name is the `stack_name` of a stack file, or its file name without the extension.
    #[arg(value_name = "STACK")]
    pub stack: Option<String>,
    /// Read stack files in these files and folders
    #[arg(long, value_name = "PATH", num_args = 1.., default_value = ".", help_heading = SELECTION)]
    #[arg(value_hint = ValueHint::AnyPath)]
    pub path: Vec<PathBuf>,
    /// Also ask for values that exist
    ///
    /// Only missing values are asked for without it.
    #[arg(long, help_heading = SELECTION)]
    pub change: bool,
    /// Store the secrets here (name or file)
    ///
    /// The name of an inventory in the config, or else the path of an inventory file; `-` is standard input. Repeatable: several
    /// inventories are asked in this order.
    #[arg(long, value_name = "NAME|FILE", help_heading = INVENTORIES)]
    pub inventory: Vec<String>,
    /// Store values in files that git tracks
    ///
    /// stackref otherwise refuses to store values in a file that the next commit could contain, or if it cannot ask git.
    #[arg(long, help_heading = INVENTORIES)]
    pub allow_tracked: bool,
    /// Read the values from a file instead of prompting; `-` is standard input
    ///
    /// The file is YAML, TOML or JSON, in the format of an inventory file with values.
    #[arg(long, value_name = "FILE", group = "given", help_heading = VALUES, value_hint = ValueHint::FilePath)]
    pub from_file: Option<PathBuf>,
    /// Read the values from variables `PREFIX_<SECRET>__<KEY>`
    ///
    /// Names are in upper case. For example, with `--from-env CI`, `CI_MLFLOW__PASSWORD` is the key `password` of `mlflow`.
    #[arg(long, value_name = "PREFIX", group = "given", help_heading = VALUES)]
    pub from_env: Option<String>,
    /// Store the given values even if some are missing
    ///
    /// For `--from-file` and `--from-env`.
    #[arg(long, requires = "given", help_heading = VALUES)]
    pub partial: bool,
    /// Do not replace existing values by given ones
    ///
    /// Values of `--from-file` and `--from-env` replace existing values without it.
    #[arg(long, conflicts_with = "change", help_heading = VALUES)]
    pub skip_existing: bool,
    /// Print what would be asked or stored, and exit
    #[arg(long, help_heading = OUTPUT)]
    pub dry_run: bool,
    /// Add names and create inventory files without asking
    #[arg(long, short, help_heading = OUTPUT)]
    pub yes: bool,
    /// Format of the list of missing secrets
    #[arg(long, value_name = "FORMAT", value_enum, default_value_t, help_heading = OUTPUT)]
    pub format: ListFormat,
    /// The config.
    #[command(flatten)]
    pub setup: ConfigArgs,
}

/// `inventory`.
#[derive(Debug, Args)]
pub struct InventoryArgs {
    /// A command below `inventory`.
    #[command(subcommand)]
    pub command: Option<InventoryCommand>,
    /// The list.
    #[command(flatten)]
    pub list: InventoryListArgs,
}

/// The commands below `inventory`.
#[derive(Debug, Subcommand)]
pub enum InventoryCommand {
    /// Write names and keys to a file that is safe to commit
    ///
    /// Checks can use the snapshot in place of the secret store, for example in pull requests. It contains no values.
    #[command(after_help = help_text::after_help(&["inventory", "snapshot"]), after_long_help = help_text::after_long_help(&["inventory", "snapshot"]))]
    Snapshot(SnapshotArgs),
}

/// `inventory` by itself.
#[derive(Debug, Args)]
pub struct InventoryListArgs {
    /// List only secrets that stack files refer to
    #[arg(long, conflicts_with = "unused", help_heading = SELECTION)]
    pub used: bool,
    /// List only secrets that no stack file refers to
    #[arg(long, help_heading = SELECTION)]
    pub unused: bool,
    /// With `--used` or `--unused`, read stack files in these files and folders
    #[arg(long, value_name = "PATH", num_args = 1.., default_value = ".", help_heading = SELECTION)]
    #[arg(value_hint = ValueHint::AnyPath)]
    pub path: Vec<PathBuf>,
    /// List this inventory (name or file)
    ///
    /// Repeatable. The name of an inventory in the config, or else the path of an inventory file. Default: all inventories of the config.
    #[arg(long, value_name = "NAME|FILE", help_heading = INVENTORIES)]
    pub inventory: Vec<String>,
    /// Connect to each inventory and print what you may do there
    ///
    /// Nothing is written to an inventory.
    #[arg(long, conflicts_with_all = ["used", "unused"], help_heading = INVENTORIES)]
    pub probe: bool,
    /// Output format
    #[arg(long, value_name = "FORMAT", value_enum, default_value_t, help_heading = OUTPUT)]
    pub format: ListFormat,
    /// The config.
    #[command(flatten)]
    pub setup: ConfigArgs,
}

/// `inventory snapshot`.
#[derive(Debug, Args)]
pub struct SnapshotArgs {
    /// Take the snapshot of this inventory (name or file)
    ///
    /// The name of an inventory in the config, or else the path of an inventory file. Repeatable: several inventories are merged: for each
    /// secret, the first one that has it counts.
    #[arg(long, value_name = "NAME|FILE", help_heading = INVENTORIES)]
    pub inventory: Vec<String>,
    /// Write the snapshot to this file instead of standard output
    #[arg(short, long, value_name = "FILE", help_heading = OUTPUT, value_hint = ValueHint::FilePath)]
    pub output: Option<PathBuf>,
    /// Compare with this snapshot; exit with 1 if it is out of date
    ///
    /// The differences are printed, and nothing is written.
    #[arg(long, value_name = "FILE", conflicts_with = "output", help_heading = OUTPUT, value_hint = ValueHint::FilePath)]
    pub check: Option<PathBuf>,
    /// Output format
    ///
    /// Default: the format of the output's extension, else yaml.
    #[arg(long, value_name = "FORMAT", value_enum, conflicts_with = "check", help_heading = OUTPUT)]
    pub format: Option<SnapshotFormat>,
    /// The config.
    #[command(flatten)]
    pub setup: ConfigArgs,
}

/// `explain`.
#[derive(Debug, Args)]
pub struct ExplainArgs {
    /// The rule to explain; all rules are listed without it
    #[arg(value_name = "RULE")]
    pub rule: Option<String>,
}

/// `init`.
#[derive(Debug, Args)]
pub struct InitArgs {
    /// Print the config instead of writing it
    #[arg(long, help_heading = OUTPUT)]
    pub dry_run: bool,
    /// Add the hook to `.pre-commit-config.yaml` without asking
    #[arg(long, short, conflicts_with = "dry_run", help_heading = OUTPUT)]
    pub yes: bool,
    /// Do not offer to add the hook
    #[arg(long, conflicts_with = "yes", help_heading = OUTPUT)]
    pub no_hook: bool,
}

/// `trust`.
#[derive(Debug, Args)]
pub struct TrustArgs {
    /// The repository, a folder in it, or a config file [default: .]
    #[arg(value_name = "DIR", conflicts_with = "list", value_hint = ValueHint::AnyPath)]
    pub dir: Option<PathBuf>,
    /// Accept the config without asking
    #[arg(long, short, conflicts_with_all = ["list", "revoke"], help_heading = ACCEPTANCE)]
    pub yes: bool,
    /// List the configs that you have accepted
    #[arg(long, conflicts_with = "revoke", help_heading = ACCEPTANCE)]
    pub list: bool,
    /// Withdraw your acceptance of the config
    #[arg(long, help_heading = ACCEPTANCE)]
    pub revoke: bool,
}

/// `schema`.
#[derive(Debug, Args)]
pub struct SchemaArgs {
    /// The schema to print
    #[arg(value_name = "WHICH", value_enum)]
    pub which: SchemaKind,
}

/// `completions`.
#[derive(Debug, Args)]
pub struct CompletionsArgs {
    /// The shell
    #[arg(value_name = "SHELL", value_enum)]
    pub shell: Shell,
}

/// `man`.
#[derive(Debug, Args)]
pub struct ManArgs {
    /// A command, for example `check` or `inventory snapshot`
    #[arg(value_name = "COMMAND")]
    pub command: Vec<String>,
}

/// `help`.
#[derive(Debug, Args)]
pub struct HelpArgs {
    /// A command, for example `check` or `inventory snapshot`
    #[arg(value_name = "COMMAND")]
    pub command: Vec<String>,
}

/// `__complete`, which the scripts of `completions` call.
#[derive(Debug, Args)]
#[command(disable_help_flag = true)]
pub struct CompleteArgs {
    /// The shell
    #[arg(value_enum)]
    pub shell: Shell,
    /// The index of the word to complete
    pub index: usize,
    /// The words of the command line, after `--`
    #[arg(last = true)]
    pub words: Vec<OsString>,
}

fn parse_mode(text: &str) -> Result<u32, String> {
    let mode = u32::from_str_radix(text.strip_prefix("0o").unwrap_or(text), 8);
    mode.ok().filter(|mode| *mode <= 0o777).ok_or_else(|| "a mode is three octal digits, for example 640".to_owned())
}

/// Parses a level in either spelling. Help, errors and completions list the spelling of the config.
fn level() -> impl TypedValueParser<Value = Level> {
    let values = [
        PossibleValue::new("none").alias("NONE"),
        PossibleValue::new("secret-exists").alias("SECRET_EXISTS"),
        PossibleValue::new("secret-and-key-exists").alias("SECRET_AND_KEY_EXISTS"),
    ];
    PossibleValuesParser::new(values).try_map(|text| Level::parse(&text).ok_or("not a level"))
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory as _;

    #[test]
    fn the_definitions_are_sound() {
        super::Cli::command().debug_assert();
    }
}
