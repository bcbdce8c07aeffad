//! The arguments of `check`.

use super::headings::{EXIT_CODE, FIXES, INVENTORIES, OUTPUT, SUPPRESSIONS};
use super::{FileArgs, Reports, RuleSelection};
use crate::project::config::Level;
use clap::builder::{PossibleValue, PossibleValuesParser, TypedValueParser};
use clap::{Args, ValueEnum, ValueHint};
use std::path::PathBuf;

/// The arguments of `check`.
#[derive(Debug, Args)]
pub struct CheckArgs {
    /// The rules to run.
    #[command(flatten)]
    pub rules: RuleSelection,
    /// How much to ask an inventory: none, secret-exists or secret-and-key-exists
    ///
    /// `none` asks nothing, `secret-exists` asks for the names of secrets, and
    /// `secret-and-key-exists` also for the keys of referenced secrets. Default:
    /// `ZENML_SECRET_VALIDATION_LEVEL`, else `level` of the config, else secret-and-key-exists.
    #[arg(long, value_name = "LEVEL", value_parser = level(), hide_possible_values = true, help_heading = INVENTORIES)]
    pub level: Option<Level>,
    /// Look up references in this inventory or file
    ///
    /// The name of an inventory in the config, or else the path of an inventory file; `-` is
    /// standard input. If repeated, inventories are asked in this order.
    #[arg(long, value_name = "NAME|FILE", help_heading = INVENTORIES)]
    pub inventory: Vec<String>,
    /// Look up references in this environment only
    ///
    /// The name of an environment in the config. Repeatable. Default: all environments.
    #[arg(long, value_name = "NAME", help_heading = INVENTORIES, conflicts_with = "inventory")]
    pub environment: Vec<String>,
    /// Search all text files for the values of secrets
    ///
    /// stackref searches every file that git tracks or does not ignore, for the values in the
    /// inventories and their encoded forms. The values themselves are never printed.
    #[arg(long, help_heading = INVENTORIES)]
    pub leaks: bool,
    /// Also check the stacks registered on ZenML servers
    ///
    /// stackref reads the components of all registered stacks from the inventories of kind `zenml`
    /// in use, and checks their references. It also compares them with the stack files.
    #[arg(long, help_heading = INVENTORIES, hide_short_help = true)]
    pub registered: bool,
    /// Apply safe fixes (`=suggestions`: spelling fixes, too)
    ///
    /// `--fix=suggestions` also replaces misspelled names by the nearest known name. Review these
    /// changes.
    #[arg(long, value_name = "WHICH", value_enum, num_args = 0..=1, require_equals = true, default_missing_value = "safe")]
    #[arg(help_heading = FIXES, hide_possible_values = true)]
    pub fix: Option<FixMode>,
    /// Print a diff of the changes instead of writing them
    ///
    /// For `--fix` and `--add-ignores`. The diff goes to standard output, and findings go to
    /// standard error.
    #[arg(long, help_heading = FIXES)]
    pub diff: bool,
    /// Add an ignore comment for each finding
    ///
    /// A comment goes on the line of its finding, or above it if that line cannot contain a
    /// comment. An existing ignore comment is extended. Some findings cannot be suppressed by a
    /// comment, for example in JSON: for these, stackref prints the `[[ignore]]` entries to add to
    /// the config. Each file is written as a whole or not at all.
    #[arg(long, help_heading = SUPPRESSIONS, conflicts_with_all = ["fix", "no_ignores", "write_baseline"])]
    pub add_ignores: bool,
    /// Report suppressed findings, too
    ///
    /// Ignore comments and `[[ignore]]` entries of the config have no effect.
    #[arg(long, help_heading = SUPPRESSIONS, hide_short_help = true)]
    pub no_ignores: bool,
    /// Do not report the findings recorded in this file
    ///
    /// Default: the file given by `baseline` in the config.
    #[arg(long, value_name = "FILE", help_heading = SUPPRESSIONS, value_hint = ValueHint::FilePath)]
    pub baseline: Option<PathBuf>,
    /// Record the findings of this run in a file for `--baseline`
    ///
    /// An existing baseline is replaced. Findings that this run could not check stay in it.
    #[arg(long, value_name = "FILE", conflicts_with_all = ["baseline", "fix"], help_heading = SUPPRESSIONS)]
    #[arg(value_hint = ValueHint::FilePath, hide_short_help = true)]
    pub write_baseline: Option<PathBuf>,
    /// Where reports go, and their formats.
    #[command(flatten)]
    pub reports: Reports,
    /// Print the number of findings per rule
    ///
    /// The numbers replace the report on standard output, the most frequent rule first. The format
    /// must be human, short or json. Reports written by `--output` still contain all findings.
    #[arg(long, help_heading = OUTPUT, hide_short_help = true)]
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
    // Last, because its options are used least.
    #[command(flatten)]
    pub files: FileArgs,
}

/// The values of `--fix`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum FixMode {
    /// Apply safe fixes
    Safe,
    /// Also replace misspelled names by the nearest known name
    Suggestions,
}

/// Parses a level, in the spelling of the config or of ZenML. Help, errors and completions list the
/// spelling of the config.
fn level() -> impl TypedValueParser<Value = Level> {
    let values = [
        PossibleValue::new("none").alias("NONE"),
        PossibleValue::new("secret-exists").alias("SECRET_EXISTS"),
        PossibleValue::new("secret-and-key-exists").alias("SECRET_AND_KEY_EXISTS"),
    ];
    PossibleValuesParser::new(values).try_map(|text| Level::parse(&text).ok_or("not a level"))
}
