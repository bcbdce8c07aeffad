//! The command line: types and help, no logic.

use crate::config::Level;
use crate::report::Format;
use clap::{Args, Parser, Subcommand, ValueEnum};
use std::path::PathBuf;

/// Find, check and resolve secret references in ML stack files
#[derive(Debug, Parser)]
#[command(name = "stackref", version, about, max_term_width = 100, disable_help_subcommand = true)]
#[command(after_help = "Exit codes: 0 nothing found, 1 findings, 2 wrong usage, config or path, 3 an inventory could \
                        not answer.\nNo secret value is ever shown, in any format.")]
pub struct Cli {
    /// What to do
    #[command(subcommand)]
    pub command: Command,
    /// When to use colour; auto asks `NO_COLOR`, `CLICOLOR_FORCE` and `FORCE_COLOR`, then whether there is a terminal
    #[arg(long, global = true, value_name = "WHEN", value_enum, default_value_t = Color::Auto)]
    pub color: Color,
}

/// The commands.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Check the references of stack files
    Check(Check),
    /// Write copies of the stack files with their references replaced
    Render(Render),
    /// List every reference
    Refs(Refs),
    /// Explain a rule; without one, list them all
    Explain(Explain),
}

/// `--color`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Color {
    /// Ask the environment and the terminal.
    Auto,
    /// Always.
    Always,
    /// Never.
    Never,
}

/// Which files to look at.
#[derive(Debug, Args)]
pub struct Files {
    /// Files and folders; `-` reads standard input
    #[arg(value_name = "PATHS", default_value = ".")]
    pub paths: Vec<PathBuf>,
    /// Take the paths from a file, one a line; `-` reads the list from standard input
    #[arg(long, value_name = "FILE", conflicts_with = "paths")]
    pub files_from: Option<PathBuf>,
    /// The list of --files-from is separated by NUL bytes
    #[arg(short = '0', long = "null", requires = "files_from")]
    pub null: bool,
    /// Skip named files that are no stack files, as the pre-commit hook wants it
    #[arg(long)]
    pub only_stack_files: bool,
    /// Look at files that an exclude matches, too
    #[arg(long)]
    pub no_exclude: bool,
    /// Excludes always win here; taken for the habits of other tools
    #[arg(long, hide = true)]
    pub force_exclude: bool,
    /// The name of what standard input holds: chooses the syntax and the config
    #[arg(long, value_name = "NAME")]
    pub stdin_filename: Option<PathBuf>,
    /// The config file, instead of the `stackref.toml` found upward to the repository's root
    #[arg(long, value_name = "FILE", conflicts_with = "no_config")]
    pub config: Option<PathBuf>,
    /// Read no config file
    #[arg(long)]
    pub no_config: bool,
}

/// `check`.
#[derive(Debug, Args)]
pub struct Check {
    /// Which files
    #[command(flatten)]
    pub files: Files,
    /// How much to ask the inventory for: none, secret-exists or secret-and-key-exists
    #[arg(long, value_name = "LEVEL", value_parser = level)]
    pub level: Option<Level>,
    /// An inventory of the config, or a file; repeatable, asked in order
    #[arg(long, value_name = "NAME|FILE")]
    pub inventory: Vec<String>,
    /// How to write findings
    #[arg(long, value_name = "FORMAT", value_enum, default_value_t)]
    pub format: Format,
    /// Print the files that would be scanned, and why, and stop
    #[arg(long)]
    pub list_files: bool,
    /// Let warnings end the run with 1, too
    #[arg(long)]
    pub deny_warnings: bool,
    /// End with 0 where findings would end with 1
    #[arg(long)]
    pub exit_zero: bool,
}

/// `render`.
#[derive(Debug, Args)]
pub struct Render {
    /// Which files
    #[command(flatten)]
    pub files: Files,
    /// The folder to write below; paths in it are those from the working directory
    #[arg(short, long, value_name = "DIR", required_unless_present_any = ["stdout", "check", "diff"])]
    pub output: Option<PathBuf>,
    /// Write the one file that is selected to standard output
    #[arg(long, conflicts_with_all = ["output", "check", "diff"])]
    pub stdout: bool,
    /// Do everything but write
    #[arg(long, conflicts_with = "diff")]
    pub check: bool,
    /// Show what would change, each value masked, and write nothing
    #[arg(long)]
    pub diff: bool,
    /// Only the files of this stack
    #[arg(long, value_name = "NAME")]
    pub stack: Option<String>,
    /// Leave out files without references
    #[arg(long)]
    pub only_changed: bool,
    /// An inventory of the config, or a file; repeatable, asked in order
    #[arg(long, value_name = "NAME|FILE")]
    pub inventory: Vec<String>,
    /// The mode of the files, in octal; 600 lets nobody else read them
    #[arg(long, value_name = "MODE", default_value = "600", value_parser = mode)]
    pub mode: u32,
    /// Write into a git work tree also where git does not ignore it
    #[arg(long)]
    pub allow_tracked: bool,
}

/// `refs`.
#[derive(Debug, Args)]
pub struct Refs {
    /// Which files
    #[command(flatten)]
    pub files: Files,
    /// How to write references
    #[arg(long, value_name = "FORMAT", value_enum, default_value_t)]
    pub format: Format,
}

/// `explain`.
#[derive(Debug, Args)]
pub struct Explain {
    /// The rule
    #[arg(value_name = "RULE")]
    pub rule: Option<String>,
}

fn mode(text: &str) -> Result<u32, String> {
    let mode = u32::from_str_radix(text.strip_prefix("0o").unwrap_or(text), 8);
    mode.ok().filter(|mode| *mode <= 0o777).ok_or_else(|| "a mode is three octal digits, as 640".to_owned())
}

fn level(text: &str) -> Result<Level, String> {
    Level::parse(text).ok_or_else(|| format!("the levels are {}", Level::NAMES.join(", ")))
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory as _;

    #[test]
    fn the_definitions_are_sound() {
        super::Cli::command().debug_assert();
    }
}
