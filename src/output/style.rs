//! How output for people is drawn on a stream: in colour or without, in Unicode or ASCII, and with links or without.
//!
//! `run` decides it for each stream from `--color` and the environment. Machine formats have no look.

use crate::diagnostics::excerpt::to_ascii_marks;
use crate::diagnostics::finding::Severity;
use anstyle::{AnsiColor, Style};
use std::fmt;

/// A heading of a table, and the path of a file.
pub const HEADING: Style = Style::new().bold();
/// An error, and what is missing.
pub const ERROR: Style = AnsiColor::Red.on_default().bold();
/// A warning.
const WARNING: Style = AnsiColor::Yellow.on_default().bold();
/// The name of a secret, an inventory or a rule.
pub const NAME: Style = AnsiColor::Cyan.on_default();
/// What `--fix` changes, and lines that are added.
pub const ADDED: Style = AnsiColor::Green.on_default();
/// Lines that are removed.
pub const REMOVED: Style = AnsiColor::Red.on_default();
/// Where in a file a part of a diff is.
pub const HUNK: Style = AnsiColor::Cyan.on_default();

/// Returns the style of a severity.
pub const fn severity_style(severity: Severity) -> Style {
    match severity {
        Severity::Error => ERROR,
        Severity::Warning => WARNING,
    }
}

/// How a stream wants its output.
#[derive(Clone, Copy, Debug)]
pub struct OutputStyle {
    /// Colours.
    pub color: bool,
    /// Columns.
    pub width: usize,
    /// Boxes and symbols of stackref's own in ASCII. Names and paths stay as they are.
    pub ascii: bool,
    /// Hyperlinks (OSC 8).
    pub links: bool,
}

impl OutputStyle {
    /// The look of a file: it is the same wherever it is written.
    pub const PLAIN: Self = Self { color: false, width: 100, ascii: false, links: false };

    /// Returns a text that is shown in a style.
    pub fn paint<T: fmt::Display>(self, style: Style, text: T) -> Painted<T> {
        Painted { style: if self.color { style } else { Style::new() }, text }
    }

    /// Returns a text that leads to a page. The URL is one of stackref's own.
    pub fn link(self, url: &str, text: &str) -> String {
        if self.links { format!("\u{1b}]8;;{url}\u{1b}\\{text}\u{1b}]8;;\u{1b}\\") } else { text.to_owned() }
    }

    /// Returns the text of an excerpt with the marks that stackref put there in ASCII, if the stream wants that.
    pub fn excerpt(self, text: String) -> String {
        if self.ascii { to_ascii_marks(&text) } else { text }
    }
}

/// A text with the escape sequences of its style around it.
pub struct Painted<T> {
    style: Style,
    text: T,
}

impl<T: fmt::Display> fmt::Display for Painted<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}{}{:#}", self.style, self.text, self.style)
    }
}
