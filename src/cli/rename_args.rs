//! The arguments of `rename`.

use super::ConfigArgs;
use super::headings::{OUTPUT, REFUSALS};
use clap::Args;
use clap::builder::NonEmptyStringValueParser;

/// The arguments of `rename`.
#[derive(Debug, Args)]
pub struct RenameArgs {
    /// The secret or key to rename
    #[arg(value_name = "OLD[.KEY]", value_parser = NonEmptyStringValueParser::new())]
    pub old: String,
    /// Its new name
    ///
    /// A key stays in its secret: `stackref rename db.user db.username`.
    #[arg(value_name = "NEW[.KEY]", value_parser = NonEmptyStringValueParser::new())]
    pub new: String,
    /// List the places that would change, and write nothing
    #[arg(long, help_heading = OUTPUT)]
    pub dry_run: bool,
    /// Print the changes as a diff, and write nothing
    #[arg(long, conflicts_with = "dry_run", help_heading = OUTPUT)]
    pub diff: bool,
    /// Rename even if a secret or key with the new name exists
    ///
    /// The references then mean that one. An inventory that has both names is not changed.
    /// Also completes a rename that was killed while it wrote.
    #[arg(long, help_heading = REFUSALS)]
    pub merge: bool,
    /// Rename even if a dynamic reference may mean the secret
    ///
    /// Also if a file cannot be read as a whole, or an inventory cannot answer.
    #[arg(long, help_heading = REFUSALS)]
    pub force: bool,
    /// The config.
    #[command(flatten)]
    pub setup: ConfigArgs,
}
