//! The arguments of `refs`.

use super::FileArgs;
use super::headings::OUTPUT;
use crate::output::ListFormat;
use clap::Args;

/// The arguments of `refs`.
#[derive(Debug, Args)]
pub struct RefsArgs {
    /// Output format
    #[arg(long, value_name = "FORMAT", value_enum, default_value_t, help_heading = OUTPUT)]
    pub format: ListFormat,
    /// The files.
    #[command(flatten)]
    pub files: FileArgs,
}
