//! The arguments of `inventory`, `inventory snapshot` and `inventory diff`.

use super::headings::{INVENTORIES, OUTPUT, SELECTION};
use super::{ConfigArgs, help_text};
use crate::output::{ComparisonFormat, ListFormat, SnapshotFormat};
use clap::{Args, Subcommand, ValueHint};
use std::path::PathBuf;

/// The arguments of `inventory`.
#[derive(Debug, Args)]
pub struct InventoryArgs {
    /// The subcommand, if one is given.
    #[command(subcommand)]
    pub command: Option<InventoryCommand>,
    /// The arguments without a subcommand.
    #[command(flatten)]
    pub list: InventoryListArgs,
}

/// The commands below `inventory`.
#[derive(Debug, Subcommand)]
pub enum InventoryCommand {
    /// Write names and keys to a file that is safe to commit
    ///
    /// The snapshot contains no values. Checks can use it instead of the secret store, for example
    /// in pull requests.
    #[command(after_help = help_text::after_help(&["inventory", "snapshot"]), after_long_help = help_text::after_long_help(&["inventory", "snapshot"]))]
    Snapshot(SnapshotArgs),
    /// List names and keys that only one of two inventories has
    ///
    /// stackref exits with 1 if the inventories differ. Values are not compared.
    #[command(after_help = help_text::after_help(&["inventory", "diff"]), after_long_help = help_text::after_long_help(&["inventory", "diff"]))]
    Diff(InventoryDiffArgs),
}

/// The arguments of `inventory` without a subcommand.
#[derive(Debug, Args)]
pub struct InventoryListArgs {
    /// List only secrets that the repository refers to
    #[arg(long, conflicts_with = "unused", help_heading = SELECTION)]
    pub used: bool,
    /// List only secrets that nothing in the repository refers to
    #[arg(long, help_heading = SELECTION)]
    pub unused: bool,
    /// Read references and declarations in these files and folders
    #[arg(long, value_name = "PATH", num_args = 1.., default_value = ".", help_heading = SELECTION)]
    #[arg(value_hint = ValueHint::AnyPath)]
    pub path: Vec<PathBuf>,
    /// List this inventory (name or file)
    ///
    /// The name of an inventory in the config, or else the path of an inventory file. Repeatable.
    /// Default: all inventories of the config, and the secrets that commands of the repository
    /// create.
    #[arg(long, value_name = "NAME|FILE", help_heading = INVENTORIES)]
    pub inventory: Vec<String>,
    /// Connect to each inventory and print your permissions
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

/// The arguments of `inventory snapshot`.
#[derive(Debug, Args)]
pub struct SnapshotArgs {
    /// Take the snapshot of this inventory (name or file)
    ///
    /// The name of an inventory in the config, or else the path of an inventory file. If repeated,
    /// the inventories are merged: each secret comes from the first inventory that contains it.
    #[arg(long, value_name = "NAME|FILE", help_heading = INVENTORIES)]
    pub inventory: Vec<String>,
    /// Take the snapshot of the inventories of this environment
    #[arg(long, value_name = "NAME", help_heading = INVENTORIES, conflicts_with = "inventory")]
    pub environment: Option<String>,
    /// Take a snapshot of each environment
    ///
    /// `--output` and `--check` name a folder, which contains a file for each environment, such as
    /// `prod.yaml`. All snapshots are written, or none.
    #[arg(long, help_heading = INVENTORIES, conflicts_with_all = ["inventory", "environment"])]
    pub all_environments: bool,
    /// Write the snapshot to this file instead of standard output
    #[arg(short, long, value_name = "FILE", help_heading = OUTPUT, value_hint = ValueHint::FilePath)]
    pub output: Option<PathBuf>,
    /// Compare with this snapshot; exit with 1 if it is out of date
    ///
    /// stackref prints the differences and writes no file.
    #[arg(long, value_name = "FILE", conflicts_with = "output", help_heading = OUTPUT, value_hint = ValueHint::FilePath)]
    pub check: Option<PathBuf>,
    /// Output format
    ///
    /// Default: the format of the output's file extension, else yaml.
    #[arg(long, value_name = "FORMAT", value_enum, conflicts_with = "check", help_heading = OUTPUT)]
    pub format: Option<SnapshotFormat>,
    /// The config.
    #[command(flatten)]
    pub setup: ConfigArgs,
}

/// The arguments of `inventory diff`.
#[derive(Debug, Args)]
pub struct InventoryDiffArgs {
    /// The first inventory (name or file)
    ///
    /// The name of an inventory in the config, or else the path of an inventory file; `-` for
    /// standard input.
    #[arg(value_name = "A")]
    pub first: String,
    /// The second inventory (name or file)
    #[arg(value_name = "B")]
    pub second: String,
    /// Compare only secrets and keys that the repository refers to
    #[arg(long, help_heading = SELECTION)]
    pub used: bool,
    /// Read references in this file or folder, for `--used`
    ///
    /// Repeatable.
    #[arg(long, value_name = "PATH", default_value = ".", help_heading = SELECTION)]
    #[arg(value_hint = ValueHint::AnyPath)]
    pub path: Vec<PathBuf>,
    /// Output format
    #[arg(long, value_name = "FORMAT", value_enum, default_value_t, help_heading = OUTPUT)]
    pub format: ComparisonFormat,
    /// The config.
    #[command(flatten)]
    pub setup: ConfigArgs,
}
