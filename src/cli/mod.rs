//! The command line: its arguments and help texts as types. Nothing here reads a file or runs a
//! command.
//!
//! Each command has a file for its arguments. [`help_text`] contains the examples, exit codes,
//! environment variables and files that the long help and the manual pages list.

mod check_args;
mod completion_args;
mod file_args;
mod headings;
mod help_args;
pub mod help_text;
mod init_args;
mod inventory_args;
mod lsp_args;
mod matrix_args;
mod refs_args;
mod rename_args;
mod register_args;
mod render_args;
mod report_args;
mod rule_args;
mod trust_args;

pub use check_args::{CheckArgs, FixMode};
pub use completion_args::{CompleteArgs, CompletionsArgs};
pub use file_args::{ConfigArgs, FileArgs};
pub use help_args::{ExplainArgs, HelpArgs, ManArgs, SchemaArgs};
pub use init_args::InitArgs;
pub use inventory_args::{
    InventoryArgs, InventoryCommand, InventoryDiffArgs, InventoryListArgs, SnapshotArgs,
};
pub use lsp_args::LspArgs;
pub use matrix_args::MatrixArgs;
pub use refs_args::{ReferenceOrder, RefsArgs};
pub use register_args::RegisterArgs;
pub use rename_args::RenameArgs;
pub use render_args::RenderArgs;
pub use report_args::Reports;
pub use rule_args::RuleSelection;
pub use trust_args::TrustArgs;

use clap::{ArgAction, Parser, Subcommand, ValueEnum};
use headings::GLOBAL;

/// A linter and preprocessor for secret references in ZenML projects
///
/// stackref reports mistakes in references such as `{{mlflow.password}}` and checks that each
/// secret and key exists in an inventory: a file, a ZenML server, Vault, AWS, and others. It also
/// registers missing secrets, and writes copies of stack files with the references resolved. No
/// output ever contains a secret value.
#[derive(Debug, Parser)]
#[command(name = "stackref", version, long_version = LONG_VERSION, max_term_width = 100)]
#[command(
    disable_help_subcommand = true,
    disable_help_flag = true,
    disable_version_flag = true
)]
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
    /// `auto` uses color in a terminal, or if `CLICOLOR_FORCE` or `FORCE_COLOR` is set. It uses
    /// none if `NO_COLOR`, `CLICOLOR=0` or `TERM=dumb` is set.
    // A high display order: the options of each command come first.
    #[arg(long, global = true, display_order = 900, value_name = "WHEN", value_enum, default_value_t = Color::Auto)]
    #[arg(help_heading = GLOBAL, hide_possible_values = true)]
    pub color: Color,
    /// Print help (`--help` prints all options, with examples)
    ///
    /// `-h` prints a summary without the rarely used options.
    #[arg(short, long, global = true, display_order = 901, action = ArgAction::Help, help_heading = GLOBAL)]
    pub help: Option<bool>,
    /// Print the version (`--version` also lists features)
    #[arg(short = 'V', long, display_order = 902, action = ArgAction::Version, help_heading = GLOBAL)]
    pub version: Option<bool>,
}

/// The version, and the optional features of this build.
const LONG_VERSION: &str = if cfg!(feature = "aws") {
    concat!(env!("CARGO_PKG_VERSION"), "\nfeatures: +aws")
} else {
    concat!(env!("CARGO_PKG_VERSION"), "\nfeatures: -aws")
};

/// The commands of stackref.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Report mistakes in secret references
    ///
    /// stackref reads stack files, run configs, and `zenml` commands in scripts and documentation.
    /// It reports each mistake with its location, an explanation and advice. It looks up each
    /// reference in an inventory, unless the level is `none`.
    #[command(after_help = help_text::after_help(&["check"]), after_long_help = help_text::after_long_help(&["check"]))]
    Check(CheckArgs),
    /// Write copies of stack files with the references resolved
    ///
    /// All files are checked first. Either every copy is written or none is. Only the references
    /// are replaced: comments and formatting stay as they are.
    #[command(after_help = help_text::after_help(&["render"]), after_long_help = help_text::after_long_help(&["render"]))]
    Render(RenderArgs),
    /// Prompt for and store missing secrets
    ///
    /// stackref prompts for the values in a terminal, or takes them from `--from-file` or
    /// `--from-env`, and stores them in an inventory. Without a terminal and without given values,
    /// it lists the missing secrets and exits with 2.
    #[command(visible_alias = "register-secrets", after_help = help_text::after_help(&["register"]), after_long_help = help_text::after_long_help(&["register"]))]
    Register(RegisterArgs),
    /// List all references
    ///
    /// stackref prints each reference, and each command that declares a secret, with its file and
    /// line. It queries an inventory only for the formats markdown, mermaid and dot, which mark
    /// missing secrets.
    #[command(after_help = help_text::after_help(&["refs"]), after_long_help = help_text::after_long_help(&["refs"]))]
    Refs(RefsArgs),
    /// Compare secrets and keys across environments
    ///
    /// Each row is a secret or a key that is used or exists, and each column is an environment of
    /// the config: `ok` (used and exists), `MISSING` (used but does not exist), `unused` (only
    /// exists), `-` (neither), `?` (could not be looked up).
    #[command(after_help = help_text::after_help(&["matrix"]), after_long_help = help_text::after_long_help(&["matrix"]))]
    Matrix(MatrixArgs),
    /// Rename a secret or a key in all files of the repository
    ///
    /// stackref changes every reference and declaration, and the inventories that are files. It
    /// changes all files or none. For an inventory on a server, it prints the command to run.
    #[command(after_help = help_text::after_help(&["rename"]), after_long_help = help_text::after_long_help(&["rename"]))]
    Rename(RenameArgs),
    /// List the names and keys in inventories, never values
    #[command(args_conflicts_with_subcommands = true, after_help = help_text::after_help(&["inventory"]), after_long_help = help_text::after_long_help(&["inventory"]))]
    Inventory(InventoryArgs),
    /// Explain a rule, or list all rules
    #[command(after_help = help_text::after_help(&["explain"]), after_long_help = help_text::after_long_help(&["explain"]))]
    Explain(ExplainArgs),
    /// Write a commented `stackref.toml` for this repository
    ///
    /// The config is based on the stack files, `zenml` commands and inventories that stackref finds
    /// in the repository. An existing `stackref.toml` is never overwritten.
    #[command(after_help = help_text::after_help(&["init"]), after_long_help = help_text::after_long_help(&["init"]))]
    Init(InitArgs),
    /// Accept a repository's config
    ///
    /// An accepted config may run programs, connect to hosts and read files outside the repository.
    /// stackref prints the requests of the config, and asks before it records the config. A changed
    /// config must be accepted again.
    #[command(after_help = help_text::after_help(&["trust"]), after_long_help = help_text::after_long_help(&["trust"]))]
    Trust(TrustArgs),
    /// Run the language server for an editor
    ///
    /// The server speaks the Language Server Protocol on standard input and output. It reports the
    /// same findings as `check`, also in files that are not open. Editors start it by themselves.
    #[command(after_help = help_text::after_help(&["lsp"]), after_long_help = help_text::after_long_help(&["lsp"]))]
    Lsp(LspArgs),
    /// Print the JSON Schema of a file that stackref reads or writes
    #[command(after_help = help_text::after_help(&["schema"]), after_long_help = help_text::after_long_help(&["schema"]))]
    Schema(SchemaArgs),
    /// Print a completion script for a shell
    #[command(after_help = help_text::after_help(&["completions"]), after_long_help = help_text::after_long_help(&["completions"]))]
    Completions(CompletionsArgs),
    /// Show a manual page
    ///
    /// In a terminal, the page is formatted by `man`. In a pipe or a file, it is plain roff.
    #[command(after_help = help_text::after_help(&["man"]), after_long_help = help_text::after_long_help(&["man"]))]
    Man(ManArgs),
    /// Print the help of a command
    #[command(after_help = help_text::after_help(&["help"]), after_long_help = help_text::after_long_help(&["help"]))]
    Help(HelpArgs),
    /// Complete a command line; called by the scripts of `stackref completions`
    #[command(name = "__complete", hide = true)]
    Complete(CompleteArgs),
}

/// The values of `--color`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Color {
    /// Use color if the output is a terminal
    Auto,
    /// Always use color
    Always,
    /// Never use color
    Never,
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory as _;

    #[test]
    fn arguments_are_defined_consistently() {
        super::Cli::command().debug_assert();
    }
}
