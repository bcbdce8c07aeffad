//! The arguments of `refs`.

use super::FileArgs;
use super::headings::{INVENTORIES, OUTPUT, SELECTION};
use crate::output::ReferenceFormat;
use clap::builder::NonEmptyStringValueParser;
use clap::{Args, ValueEnum};

/// The arguments of `refs`.
#[derive(Debug, Args)]
pub struct RefsArgs {
    /// List only this secret or key; exit with 1 if nothing uses it
    ///
    /// A declaration is not a use. Dynamic references that may mean the secret are listed, too, but
    /// they are not uses. If the name of a secret contains dots and the files name it, `NAME` is
    /// the whole secret. Otherwise, the first dot separates the secret from the key.
    #[arg(long, value_name = "NAME[.KEY]", value_parser = NonEmptyStringValueParser::new(), help_heading = SELECTION)]
    pub secret: Option<String>,
    /// List only this stack or file
    ///
    /// The `stack_name` of a stack, or the path of a file as it is listed, for example that of a
    /// script. Declarations of the secrets that it uses are listed, too.
    #[arg(long, value_name = "NAME", help_heading = SELECTION)]
    pub stack: Option<String>,
    /// Also list the references of stacks registered on ZenML servers
    ///
    /// stackref reads the components of all registered stacks from the inventories of kind `zenml`.
    #[arg(long, help_heading = INVENTORIES)]
    pub registered: bool,
    /// Order of the list: by file or by secret
    ///
    /// By secret, each secret is listed with its declarations and then its uses. This changes the
    /// formats human, short and markdown.
    #[arg(long, value_name = "ORDER", value_enum, default_value_t, help_heading = OUTPUT)]
    #[arg(hide_possible_values = true)]
    pub by: ReferenceOrder,
    /// Output format
    ///
    /// The formats markdown, mermaid and dot look up the references in the inventories, as `check`
    /// does, and mark missing secrets and keys. The others query no inventory.
    #[arg(long, value_name = "FORMAT", value_enum, default_value_t, help_heading = OUTPUT)]
    pub format: ReferenceFormat,
    /// The files.
    #[command(flatten)]
    pub files: FileArgs,
}

/// The values of `--by`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub enum ReferenceOrder {
    /// In the order of the files
    #[default]
    File,
    /// By secret and key
    Secret,
}
