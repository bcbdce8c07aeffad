//! The arguments that select files and the config. Most commands include them.

use super::headings::{GLOBAL, SELECTION};
use clap::{Args, ValueHint};
use std::path::PathBuf;

/// The arguments that select the files of a command.
#[derive(Clone, Debug, Args)]
pub struct FileArgs {
    /// Files and folders to read; `-` is standard input
    ///
    /// stackref walks folders and reads each file that it recognizes. It respects `.gitignore` and
    /// `.ignore`.
    #[arg(value_name = "PATHS", default_value = ".", value_hint = ValueHint::AnyPath)]
    pub paths: Vec<PathBuf>,
    /// Read the paths from a file, one per line
    ///
    /// `-` is standard input. Files in the list that stackref does not recognize are skipped.
    #[arg(long, value_name = "FILE", conflicts_with = "paths", help_heading = SELECTION, value_hint = ValueHint::FilePath)]
    #[arg(hide_short_help = true)]
    pub files_from: Option<PathBuf>,
    /// Expect NUL bytes between the paths of `--files-from`
    ///
    /// For example, `git ls-files -z` and `find -print0` print such lists.
    #[arg(short = '0', long = "null", requires = "files_from", help_heading = SELECTION, hide_short_help = true)]
    pub null: bool,
    /// Skip arguments that stackref does not recognize
    ///
    /// Use this in hooks and editors, which pass files of every kind. It also skips standard input
    /// if stackref does not recognize it: stackref reports no findings and exits with 0.
    #[arg(long, help_heading = SELECTION, hide_short_help = true)]
    pub only_stack_files: bool,
    /// File name to assume for standard input
    ///
    /// The name selects the syntax and the config, and reports use it as the path. Without it,
    /// standard input is YAML or JSON.
    #[arg(long, value_name = "NAME", help_heading = SELECTION, hide_short_help = true, value_hint = ValueHint::AnyPath)]
    pub stdin_filename: Option<PathBuf>,
    /// The config.
    #[command(flatten)]
    pub setup: ConfigArgs,
}

impl FileArgs {
    /// Returns the arguments for these paths, with the default of every other option.
    pub fn from_paths(paths: &[PathBuf], setup: &ConfigArgs) -> Self {
        Self {
            paths: paths.to_vec(),
            files_from: None,
            null: false,
            only_stack_files: false,
            stdin_filename: None,
            setup: setup.clone(),
        }
    }
}

/// The arguments that select the config, and decide whether its excludes and requests apply.
#[derive(Clone, Debug, Default, Args)]
pub struct ConfigArgs {
    /// Read excluded files, too
    ///
    /// By default, `[files] exclude` of the config applies to every file, including those given as
    /// arguments.
    #[arg(long, help_heading = SELECTION, hide_short_help = true)]
    pub no_exclude: bool,
    /// Accepted for compatibility; excludes always apply
    #[arg(long, hide = true)]
    pub force_exclude: bool,
    /// Use this config file
    ///
    /// Default: the nearest `stackref.toml` in the folder of the arguments or above it, up to the
    /// root of the repository.
    #[arg(long, value_name = "FILE", conflicts_with = "no_config", help_heading = GLOBAL)]
    #[arg(value_hint = ValueHint::FilePath)]
    pub config: Option<PathBuf>,
    /// Read no config file
    ///
    /// Every setting has its default.
    #[arg(long, help_heading = GLOBAL, hide_short_help = true)]
    pub no_config: bool,
    /// Trust the config for this run
    ///
    /// A trusted config may run programs, connect to hosts and read files outside the repository.
    /// `STACKREF_TRUST=1` has the same effect. Use it in CI jobs on trusted branches, but not for
    /// pull requests from forks. `stackref trust` accepts a config permanently.
    #[arg(long, help_heading = GLOBAL)]
    pub trust: bool,
}
