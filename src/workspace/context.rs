//! The surroundings of a run: streams, environment, working directory and terminal, and the error
//! that ends a command early.
//!
//! `main` creates the context. Commands reach the process only through it, so a test can pass its
//! own streams.

use crate::diagnostics::error::{Failure, io_message};
use crate::prompt::keyboard::Keyboard;
use crate::system::environment::Environment;
use std::io::{self, Read, Write};
use std::path::PathBuf;
use std::sync::Arc;

/// The width of output, in columns, if the stream is not a terminal.
pub const DEFAULT_WIDTH: usize = 100;

/// The width of wide tables if it is unknown, for example in the log of a CI job.
pub const TABLE_WIDTH: usize = 80;

/// An output stream, and whether it is a terminal.
pub struct Stream<'w> {
    /// The writer.
    pub out: &'w mut dyn Write,
    /// The width of the terminal in columns; `None` if the stream is not a terminal.
    pub columns: Option<usize>,
}

/// The surroundings of a run.
pub struct Context<'w> {
    /// Standard input.
    pub stdin: &'w mut dyn Read,
    /// Standard output, for findings and data.
    pub stdout: Stream<'w>,
    /// Standard error, for everything else.
    pub stderr: Stream<'w>,
    /// The environment variables.
    pub env: Arc<dyn Environment>,
    /// The working directory.
    pub cwd: PathBuf,
    /// Opens the terminal for prompts; `None` if standard input or standard error is not a
    /// terminal.
    pub keyboard: Option<&'w dyn Fn() -> io::Result<Box<dyn Keyboard>>>,
    /// The summary, which is the last line of standard error. `commands::run` sets it before a
    /// command begins and prints it however the run ends. Commands replace it as they proceed.
    pub summary: Option<String>,
    /// Whether notes and the summary are omitted. `commands::run` sets it.
    pub quiet: bool,
}

impl Context<'_> {
    /// Prints a note on standard error, unless the run is quiet.
    ///
    /// # Errors
    /// Standard error cannot be written.
    pub(crate) fn note(&mut self, text: impl std::fmt::Display) -> io::Result<()> {
        if self.quiet {
            Ok(())
        } else {
            writeln!(self.stderr.out, "note: {text}")
        }
    }
}

/// The reason why a command ended early: failures to print, or a stream that cannot be read or
/// written.
pub enum CommandError {
    /// Failures, which are printed.
    Failed(Vec<Failure>),
    /// A stream that cannot be read or written.
    Io(io::Error),
}

impl From<io::Error> for CommandError {
    fn from(error: io::Error) -> Self {
        Self::Io(error)
    }
}

impl From<Failure> for CommandError {
    fn from(failure: Failure) -> Self {
        Self::Failed(vec![failure])
    }
}

impl From<Vec<Failure>> for CommandError {
    fn from(failures: Vec<Failure>) -> Self {
        Self::Failed(failures)
    }
}

/// Returns the failure for a terminal that cannot be read.
pub(crate) fn cannot_read_terminal(error: &io::Error) -> Failure {
    Failure::usage(format!(
        "cannot read from the terminal: {}",
        io_message(error)
    ))
}
