//! The arguments of `register`.

use super::ConfigArgs;
use super::headings::{INVENTORIES, OUTPUT, SELECTION, VALUES};
use crate::output::ListFormat;
use clap::{Args, ValueHint};
use std::path::PathBuf;

/// The arguments of `register`.
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
    /// Also prompt for existing values, to replace them
    ///
    /// By default, stackref prompts only for missing values.
    #[arg(long, help_heading = SELECTION)]
    pub change: bool,
    /// Store the secrets in this inventory (name or file)
    ///
    /// The name of an inventory in the config, or else the path of an inventory file; `-` is
    /// standard input. If repeated, inventories are asked in this order.
    #[arg(long, value_name = "NAME|FILE", help_heading = INVENTORIES)]
    pub inventory: Vec<String>,
    /// Store the secrets in the inventories of this environment
    ///
    /// The name of an environment in the config. Required if the config has several.
    #[arg(long, value_name = "NAME", help_heading = INVENTORIES, conflicts_with = "inventory")]
    pub environment: Vec<String>,
    /// Also offer the names that this environment has
    ///
    /// stackref asks for the values of all keys that the other environment has and this one lacks,
    /// even if nothing uses them. Leave a value empty to skip its key.
    #[arg(long, value_name = "NAME", requires = "environment", conflicts_with = "given", help_heading = INVENTORIES)]
    pub from_environment: Option<String>,
    /// Copy the values from the other environment instead of asking for them
    ///
    /// stackref asks once before it reads any value; `--yes` skips the question.
    #[arg(long, requires = "from_environment", help_heading = VALUES)]
    pub copy_values: bool,
    /// Store values in files that git tracks
    ///
    /// By default, stackref refuses to store values in a file that the next commit could contain,
    /// or if it cannot ask git.
    #[arg(long, help_heading = INVENTORIES)]
    pub allow_tracked: bool,
    /// Read the values from a file instead of prompting; `-` is standard input
    ///
    /// The file is YAML, TOML or JSON, in the format of an inventory file with values.
    #[arg(long, value_name = "FILE", group = "given", help_heading = VALUES, value_hint = ValueHint::FilePath)]
    pub from_file: Option<PathBuf>,
    /// Read the values from environment variables `PREFIX_<SECRET>__<KEY>`
    ///
    /// Names are in upper case. For example, with `--from-env CI`, `CI_MLFLOW__PASSWORD` is the key
    /// `password` of `mlflow`.
    #[arg(long, value_name = "PREFIX", group = "given", help_heading = VALUES)]
    pub from_env: Option<String>,
    /// Store the given values even if some are missing
    ///
    /// Applies to `--from-file` and `--from-env`.
    #[arg(long, requires = "given", help_heading = VALUES)]
    pub partial: bool,
    /// Do not replace existing values by given ones
    ///
    /// By default, values from `--from-file` and `--from-env` replace existing values.
    #[arg(long, conflicts_with = "change", help_heading = VALUES)]
    pub skip_existing: bool,
    /// List the keys to ask for or to store, and exit
    #[arg(long, help_heading = OUTPUT)]
    pub dry_run: bool,
    /// Add names, copy values and create inventory files without asking
    #[arg(long, short, help_heading = OUTPUT)]
    pub yes: bool,
    /// Output format of the list of missing secrets
    #[arg(long, value_name = "FORMAT", value_enum, default_value_t, help_heading = OUTPUT)]
    pub format: ListFormat,
    /// The config.
    #[command(flatten)]
    pub setup: ConfigArgs,
}
