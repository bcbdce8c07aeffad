//! The arguments of `completions`, and of `__complete`, which its scripts call.

use clap::Args;
use clap_complete::Shell;
use std::ffi::OsString;

/// The arguments of `completions`.
#[derive(Debug, Args)]
pub struct CompletionsArgs {
    /// The shell
    #[arg(value_name = "SHELL", value_enum)]
    pub shell: Shell,
}

/// The arguments of `__complete`.
#[derive(Debug, Args)]
#[command(disable_help_flag = true)]
pub struct CompleteArgs {
    /// The shell
    #[arg(value_enum)]
    pub shell: Shell,
    /// The index of the word to complete
    pub index: usize,
    /// The words of the command line, after `--`
    #[arg(last = true)]
    pub words: Vec<OsString>,
}
