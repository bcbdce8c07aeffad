//! The arguments of `render`.

use super::FileArgs;
use super::headings::{INVENTORIES, OUTPUT, SELECTION};
use clap::{ArgGroup, Args, ValueHint};
use std::path::PathBuf;

/// The arguments of `render`.
#[derive(Debug, Args)]
#[command(group(ArgGroup::new("where").required(true).multiple(true).args(["output", "stdout", "check", "diff"])))]
pub struct RenderArgs {
    /// Read values from this inventory (name or file)
    ///
    /// The name of an inventory in the config, or else the path of an inventory file; `-` is
    /// standard input. If repeated, inventories are asked in this order.
    #[arg(long, value_name = "NAME|FILE", help_heading = INVENTORIES)]
    pub inventory: Vec<String>,
    /// Read values from the inventories of this environment
    ///
    /// The name of an environment in the config. Required if the config has several.
    #[arg(long, value_name = "NAME", help_heading = INVENTORIES, conflicts_with = "inventory")]
    pub environment: Vec<String>,
    /// Write the copies to this folder
    ///
    /// A copy has the same path in this folder as its original has in the working directory. A
    /// symbolic link that leads out of the repository is refused: use its target instead.
    #[arg(short, long, value_name = "DIR", help_heading = OUTPUT, value_hint = ValueHint::DirPath)]
    pub output: Option<PathBuf>,
    /// Write the copy to standard output (one file only)
    #[arg(long, conflicts_with_all = ["output", "check", "diff"], help_heading = OUTPUT)]
    pub stdout: bool,
    /// Check that every reference resolves; write nothing
    #[arg(long, conflicts_with = "diff", help_heading = OUTPUT)]
    pub check: bool,
    /// Print a diff with redacted values instead of writing the copies
    #[arg(long, help_heading = OUTPUT)]
    pub diff: bool,
    /// File mode of the copies, in octal
    ///
    /// With the default, only you can read the copies.
    #[arg(long, value_name = "MODE", default_value = "600", value_parser = parse_mode, help_heading = OUTPUT)]
    pub mode: u32,
    /// Write to paths that git tracks or does not ignore
    ///
    /// By default, stackref refuses to write values to a path that the next commit could contain,
    /// or if it cannot ask git.
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

/// Parses three octal digits, with or without `0o`.
fn parse_mode(text: &str) -> Result<u32, String> {
    let mode = u32::from_str_radix(text.strip_prefix("0o").unwrap_or(text), 8);
    mode.ok()
        .filter(|mode| *mode <= 0o777)
        .ok_or_else(|| "expected three octal digits, for example 640".to_owned())
}
