//! The command line: types and help, no logic.

mod reports;

pub use reports::Reports;

use crate::config::Level;
use crate::report::{ListFormat, SnapshotFormat};
use crate::schema::Which;
use clap::{ArgGroup, Args, Parser, Subcommand, ValueEnum};
use clap_complete::Shell;
use std::path::PathBuf;

/// Find, check and resolve secret references in ML stack files
#[derive(Debug, Parser)]
#[command(name = "stackref", version, about, max_term_width = 100, disable_help_subcommand = true)]
#[command(after_help = "Exit codes: 0 nothing found, 1 findings, 2 wrong usage, config or path, 3 an inventory could \
                        not answer.\nNo secret value is ever shown, in any format.")]
pub struct Cli {
    /// What to do
    #[command(subcommand)]
    pub command: Command,
    /// When to use colour; auto asks `NO_COLOR`, `CLICOLOR_FORCE` and `FORCE_COLOR`, then whether there is a terminal
    // The last of every help: without a number it would stand as far down as there are commands.
    #[arg(long, global = true, display_order = 900, value_name = "WHEN", value_enum, default_value_t = Color::Auto)]
    pub color: Color,
}

/// The commands.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Check the references of stack files
    Check(Check),
    /// Write copies of the stack files with their references replaced
    Render(Render),
    /// Ask for the secrets that are missing, and store them in the inventory
    #[command(visible_alias = "register-secrets")]
    Register(Register),
    /// List every reference
    Refs(Refs),
    /// List the names and keys of the inventories, never values
    #[command(args_conflicts_with_subcommands = true)]
    Inventory(Inventory),
    /// Explain a rule; without one, list them all
    Explain(Explain),
    /// Write a commented `stackref.toml` for this repository, from what is found in it
    Init(Init),
    /// Accept the config of a repository, so that it may run programs, connect to hosts and read other files
    Trust(Trust),
    /// Print the JSON Schema of a file that stackref reads or writes
    Schema(Schema),
    /// Print the completions of a shell
    Completions(Completions),
    /// Print the manual page, or that of a command
    Man(Man),
}

/// `--color`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Color {
    /// Ask the environment and the terminal.
    Auto,
    /// Always.
    Always,
    /// Never.
    Never,
}

/// Which files to look at.
#[derive(Debug, Args)]
pub struct Files {
    /// Files and folders; `-` reads standard input
    #[arg(value_name = "PATHS", default_value = ".")]
    pub paths: Vec<PathBuf>,
    /// Take the paths from a file, one a line; `-` reads the list from standard input
    #[arg(long, value_name = "FILE", conflicts_with = "paths")]
    pub files_from: Option<PathBuf>,
    /// The list of --files-from is separated by NUL bytes
    #[arg(short = '0', long = "null", requires = "files_from")]
    pub null: bool,
    /// Skip named files that are no stack files, as the pre-commit hook wants it
    #[arg(long)]
    pub only_stack_files: bool,
    /// The name of what standard input holds: chooses the syntax and the config
    #[arg(long, value_name = "NAME")]
    pub stdin_filename: Option<PathBuf>,
    /// The config
    #[command(flatten)]
    pub setup: Setup,
}

impl Files {
    /// Paths and a config, and nothing else said.
    pub fn of_paths(paths: &[PathBuf], setup: &Setup) -> Self {
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

/// Which config holds, and whether its excludes do.
#[derive(Clone, Debug, Args)]
pub struct Setup {
    /// Look at files that an exclude matches, too
    #[arg(long)]
    pub no_exclude: bool,
    /// Excludes always win here; taken for the habits of other tools
    #[arg(long, hide = true)]
    pub force_exclude: bool,
    /// The config file, instead of the `stackref.toml` found upward to the repository's root
    #[arg(long, value_name = "FILE", conflicts_with = "no_config")]
    pub config: Option<PathBuf>,
    /// Read no config file
    #[arg(long)]
    pub no_config: bool,
    /// Trust the config for this run: it may run programs, connect to hosts and read files outside the repository
    ///
    /// The environment variable `STACKREF_TRUST=1` does the same. For CI jobs on trusted branches; do not use it for pull
    /// requests from forks. `stackref trust` accepts a config permanently.
    #[arg(long)]
    pub trust: bool,
}

/// `--fix`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum FixWhich {
    /// Only what is sure to be meant.
    Safe,
    /// Nearest names, too.
    Suggestions,
}

/// `check`.
#[derive(Debug, Args)]
pub struct Check {
    /// Which files
    #[command(flatten)]
    pub files: Files,
    /// How much to ask the inventory for: none, secret-exists or secret-and-key-exists
    #[arg(long, value_name = "LEVEL", value_parser = level)]
    pub level: Option<Level>,
    /// An inventory of the config, a file, or `-` for standard input; repeatable, asked in order
    #[arg(long, value_name = "NAME|FILE")]
    pub inventory: Vec<String>,
    /// How to write findings, and where
    #[command(flatten)]
    pub reports: Reports,
    /// Print the files that would be scanned, and why, and stop
    #[arg(long)]
    pub list_files: bool,
    /// Mend what can be mended safely; with `suggestions` put in the nearest names, too
    #[arg(long, value_name = "WHICH", value_enum, num_args = 0..=1, require_equals = true, default_missing_value = "safe")]
    pub fix: Option<FixWhich>,
    /// With --fix: show what would change, on standard output, and write nothing
    #[arg(long, requires = "fix")]
    pub diff: bool,
    /// Report also what comments and the config silence
    #[arg(long)]
    pub no_ignores: bool,
    /// Leave out the findings that this file knows
    #[arg(long, value_name = "FILE")]
    pub baseline: Option<PathBuf>,
    /// Write the findings of this run to a file for --baseline
    #[arg(long, value_name = "FILE", conflicts_with_all = ["baseline", "fix"])]
    pub write_baseline: Option<PathBuf>,
    /// Look for the values of the inventories in all text files, tracked or not ignored
    #[arg(long)]
    pub leaks: bool,
    /// Let warnings end the run with 1, too
    #[arg(long)]
    pub deny_warnings: bool,
    /// End with 0 where findings would end with 1
    #[arg(long)]
    pub exit_zero: bool,
}

/// `render`.
#[derive(Debug, Args)]
#[command(group(ArgGroup::new("where").required(true).multiple(true).args(["output", "stdout", "check", "diff"])))]
pub struct Render {
    /// Which files
    #[command(flatten)]
    pub files: Files,
    /// The folder to write below; paths in it are those from the working directory. A symbolic link that leads out of the
    /// repository is refused: name its target instead
    #[arg(short, long, value_name = "DIR")]
    pub output: Option<PathBuf>,
    /// Write the one file that is selected to standard output
    #[arg(long, conflicts_with_all = ["output", "check", "diff"])]
    pub stdout: bool,
    /// Do everything but write
    #[arg(long, conflicts_with = "diff")]
    pub check: bool,
    /// Show what would change, each value masked, and write nothing
    #[arg(long)]
    pub diff: bool,
    /// Only the files of this stack
    #[arg(long, value_name = "NAME")]
    pub stack: Option<String>,
    /// Leave out files without references
    #[arg(long)]
    pub only_changed: bool,
    /// An inventory of the config, a file, or `-` for standard input; repeatable, asked in order
    #[arg(long, value_name = "NAME|FILE")]
    pub inventory: Vec<String>,
    /// The mode of the files, in octal; 600 lets nobody else read them
    #[arg(long, value_name = "MODE", default_value = "600", value_parser = mode)]
    pub mode: u32,
    /// Write into a git work tree also where git does not ignore it, or cannot be asked
    #[arg(long)]
    pub allow_tracked: bool,
}

/// `refs`.
#[derive(Debug, Args)]
pub struct Refs {
    /// Which files
    #[command(flatten)]
    pub files: Files,
    /// How to write references
    #[arg(long, value_name = "FORMAT", value_enum, default_value_t)]
    pub format: ListFormat,
}

/// `register`.
#[derive(Debug, Args)]
pub struct Register {
    /// Only the secrets of this stack: its `stack_name`, else its file's stem
    #[arg(value_name = "STACK")]
    pub stack: Option<String>,
    /// Files and folders to look for stacks in
    #[arg(long, value_name = "PATH", num_args = 1.., default_value = ".")]
    pub path: Vec<PathBuf>,
    /// An inventory of the config, a file, or `-` for standard input; repeatable, searched in order
    #[arg(long, value_name = "NAME|FILE")]
    pub inventory: Vec<String>,
    /// Ask only for what is missing, not whether to change what is there
    #[arg(long)]
    pub skip_existing: bool,
    /// Show what would be asked for or stored, and do neither
    #[arg(long)]
    pub dry_run: bool,
    /// Take the values from a YAML, TOML or JSON file of an inventory's form; `-` is standard input
    #[arg(long, value_name = "FILE", group = "given")]
    pub from_file: Option<PathBuf>,
    /// Take the values from environment variables `PREFIX_<SECRET>__<KEY>`, upper-cased
    #[arg(long, value_name = "PREFIX", group = "given")]
    pub from_env: Option<String>,
    /// Store what --from-file or --from-env has, though it lacks some
    #[arg(long, requires = "given")]
    pub partial: bool,
    /// Confirm without being asked: names to add, an inventory to create
    #[arg(long, short)]
    pub yes: bool,
    /// Store values also in a file that git tracks, or that git cannot be asked about
    #[arg(long)]
    pub allow_tracked: bool,
    /// How to write what is missing, where there is no terminal to ask at
    #[arg(long, value_name = "FORMAT", value_enum, default_value_t)]
    pub format: ListFormat,
    /// The config
    #[command(flatten)]
    pub setup: Setup,
}

/// `inventory`.
#[derive(Debug, Args)]
pub struct Inventory {
    /// What else to do
    #[command(subcommand)]
    pub command: Option<InventoryCommand>,
    /// The list
    #[command(flatten)]
    pub list: InventoryList,
}

/// The commands below `inventory`.
#[derive(Debug, Subcommand)]
pub enum InventoryCommand {
    /// Write names and keys to a file that is safe to commit, for checks without the store
    Snapshot(Snapshot),
}

/// `inventory` by itself.
#[derive(Debug, Args)]
pub struct InventoryList {
    /// An inventory of the config, a file, or `-` for standard input; repeatable
    #[arg(long, value_name = "NAME|FILE")]
    pub inventory: Vec<String>,
    /// Only what stack files refer to
    #[arg(long, conflicts_with = "unused")]
    pub used: bool,
    /// Only what no stack file refers to
    #[arg(long)]
    pub unused: bool,
    /// Connect to each inventory, and say what this identity may do there; nothing is written
    #[arg(long, conflicts_with_all = ["used", "unused"])]
    pub probe: bool,
    /// Files and folders to look for stacks in, with --used or --unused
    #[arg(long, value_name = "PATH", num_args = 1.., default_value = ".")]
    pub path: Vec<PathBuf>,
    /// How to write the list
    #[arg(long, value_name = "FORMAT", value_enum, default_value_t)]
    pub format: ListFormat,
    /// The config
    #[command(flatten)]
    pub setup: Setup,
}

/// `inventory snapshot`.
#[derive(Debug, Args)]
pub struct Snapshot {
    /// An inventory of the config, a file, or `-` for standard input; several are searched in order and make one snapshot
    #[arg(long, value_name = "NAME|FILE")]
    pub inventory: Vec<String>,
    /// The file to write, instead of standard output
    #[arg(short, long, value_name = "FILE")]
    pub output: Option<PathBuf>,
    /// End with 1 and the differences where this snapshot is stale, and write nothing
    #[arg(long, value_name = "FILE", conflicts_with = "output")]
    pub check: Option<PathBuf>,
    /// The syntax; without it that of the output's ending, else YAML
    #[arg(long, value_name = "FORMAT", value_enum, conflicts_with = "check")]
    pub format: Option<SnapshotFormat>,
    /// The config
    #[command(flatten)]
    pub setup: Setup,
}

/// `explain`.
#[derive(Debug, Args)]
pub struct Explain {
    /// The rule
    #[arg(value_name = "RULE")]
    pub rule: Option<String>,
}

/// `init`.
#[derive(Debug, Args)]
pub struct Init {
    /// Print the config instead of writing it
    #[arg(long)]
    pub dry_run: bool,
    /// Add the hook to `.pre-commit-config.yaml` without being asked
    #[arg(long, short, conflicts_with = "dry_run")]
    pub yes: bool,
    /// Neither add the hook nor ask
    #[arg(long, conflicts_with = "yes")]
    pub no_hook: bool,
}

/// `trust`.
#[derive(Debug, Args)]
pub struct Trust {
    /// The repository, a folder in it, or a config file
    #[arg(value_name = "DIR", conflicts_with = "list")]
    pub dir: Option<PathBuf>,
    /// Accept without being asked
    #[arg(long, short, conflicts_with_all = ["list", "revoke"])]
    pub yes: bool,
    /// List the configs that you have accepted
    #[arg(long, conflicts_with = "revoke")]
    pub list: bool,
    /// Withdraw the acceptance
    #[arg(long)]
    pub revoke: bool,
}

/// `schema`.
#[derive(Debug, Args)]
pub struct Schema {
    /// Of what
    #[arg(value_name = "WHICH", value_enum)]
    pub which: Which,
}

/// `completions`.
#[derive(Debug, Args)]
pub struct Completions {
    /// The shell
    #[arg(value_name = "SHELL", value_enum)]
    pub shell: Shell,
}

/// `man`.
#[derive(Debug, Args)]
pub struct Man {
    /// A command, such as `check` or `inventory snapshot`
    #[arg(value_name = "COMMAND")]
    pub command: Vec<String>,
}

fn mode(text: &str) -> Result<u32, String> {
    let mode = u32::from_str_radix(text.strip_prefix("0o").unwrap_or(text), 8);
    mode.ok().filter(|mode| *mode <= 0o777).ok_or_else(|| "a mode is three octal digits, as 640".to_owned())
}

fn level(text: &str) -> Result<Level, String> {
    Level::parse(text).ok_or_else(|| format!("the levels are {}", Level::NAMES.join(", ")))
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory as _;

    #[test]
    fn the_definitions_are_sound() {
        super::Cli::command().debug_assert();
    }
}
