//! The arguments of `init`.

use super::headings::OUTPUT;
use clap::Args;

/// The arguments of `init`.
#[derive(Debug, Args)]
pub struct InitArgs {
    /// Print the config instead of writing it
    #[arg(long, help_heading = OUTPUT)]
    pub dry_run: bool,
    /// Add the hook to `.pre-commit-config.yaml` without asking
    #[arg(long, short, conflicts_with = "dry_run", help_heading = OUTPUT)]
    pub yes: bool,
    /// Do not offer to add the pre-commit hook
    #[arg(long, conflicts_with = "yes", help_heading = OUTPUT)]
    pub no_hook: bool,
}
