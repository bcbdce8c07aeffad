//! The arguments of `trust`.

use super::headings::ACCEPTANCE;
use clap::{Args, ValueHint};
use std::path::PathBuf;

/// The arguments of `trust`.
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
