//! The arguments of the commands that print documentation: `explain`, `schema`, `man` and `help`.

use crate::output::schemas::SchemaKind;
use clap::Args;

/// The arguments of `explain`.
#[derive(Debug, Args)]
pub struct ExplainArgs {
    /// The rule to explain; without it, all rules are listed
    #[arg(value_name = "RULE")]
    pub rule: Option<String>,
}

/// The arguments of `schema`.
#[derive(Debug, Args)]
pub struct SchemaArgs {
    /// The schema to print
    #[arg(value_name = "WHICH", value_enum)]
    pub which: SchemaKind,
}

/// The arguments of `man`.
#[derive(Debug, Args)]
pub struct ManArgs {
    /// A command, for example `check` or `inventory snapshot`
    #[arg(value_name = "COMMAND")]
    pub command: Vec<String>,
}

/// The arguments of `help`.
#[derive(Debug, Args)]
pub struct HelpArgs {
    /// A command, for example `check` or `inventory snapshot`
    #[arg(value_name = "COMMAND")]
    pub command: Vec<String>,
}
