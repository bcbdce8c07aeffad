//! The source of a user's answers, as a trait so that tests can replace the terminal.

use std::io::{self, Write};

/// The most bytes of a line. A longer value is probably a file that was pasted by mistake.
pub const MAX_LINE_BYTES: usize = 1 << 20;

/// The result of waiting for a line.
pub enum LineEvent {
    /// The line, without its line break.
    Line(Vec<u8>),
    /// More than [`MAX_LINE_BYTES`] bytes. They were discarded.
    TooLong,
    /// A paste of more than one line. It was discarded.
    SeveralLines,
    /// Ctrl-C, Ctrl-D at the start of a line, or a signal: the user wants to quit.
    Interrupted,
    /// Ctrl-Z. A [`Terminal`](super::terminal::Terminal) stops the process and never returns this.
    Suspended,
    /// The process was stopped and continued, or the terminal's modes were changed. The question
    /// must be asked again.
    Resumed,
}

/// Reads the answers of a user.
pub trait Keyboard {
    /// Prepares for a question. Call it before the question is printed.
    ///
    /// # Errors
    /// Returns the terminal's error.
    fn begin(&mut self) -> io::Result<()>;

    /// Waits for a line. Typed characters are shown on `echo`, if there is one.
    ///
    /// # Errors
    /// Returns the terminal's error.
    fn line(&mut self, echo: Option<&mut dyn Write>) -> io::Result<LineEvent>;

    /// Returns whether there is input after the line, for example if several lines were pasted.
    fn has_more(&mut self) -> bool;
}
