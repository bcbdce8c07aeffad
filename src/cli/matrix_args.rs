//! The arguments of `matrix`.

use super::FileArgs;
use super::headings::{INVENTORIES, OUTPUT};
use crate::output::MatrixFormat;
use clap::{Args, ValueHint};
use std::path::PathBuf;

/// The arguments of `matrix`.
#[derive(Debug, Args)]
pub struct MatrixArgs {
    /// Show only this environment
    ///
    /// The name of an environment in the config. Repeatable. Default: all environments.
    #[arg(long, value_name = "NAME", help_heading = INVENTORIES)]
    pub environment: Vec<String>,
    /// Output format
    ///
    /// `html` is one page that needs no other file and no network. Default: the format of the
    /// output's file extension, else human.
    #[arg(long, value_name = "FORMAT", value_enum, help_heading = OUTPUT)]
    pub format: Option<MatrixFormat>,
    /// Write to this file instead of standard output
    ///
    /// An existing file is replaced only if it is a matrix of the same format.
    #[arg(short, long, value_name = "FILE", help_heading = OUTPUT, value_hint = ValueHint::FilePath)]
    pub output: Option<PathBuf>,
    /// Exit with 0 even if used keys are missing
    ///
    /// Wrong usage still exits with 2, and an inventory that cannot answer with 3.
    #[arg(long, help_heading = OUTPUT)]
    pub exit_zero: bool,
    /// The files.
    #[command(flatten)]
    pub files: FileArgs,
}
