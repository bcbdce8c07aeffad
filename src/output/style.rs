//! The style of output for people: colors, width, Unicode or ASCII, and hyperlinks.
//!
//! `commands::terminal_style` chooses the style of each stream from `--color` and the environment.
//! Machine formats have no style.

use crate::diagnostics::excerpt::to_ascii_marks;
use crate::diagnostics::finding::Severity;
use anstyle::{AnsiColor, Style};
use std::fmt;

/// The heading of a table, or the path of a file.
pub const HEADING: Style = Style::new().bold();
/// An error, or a missing permission.
pub const ERROR: Style = AnsiColor::Red.on_default().bold();
/// A warning.
pub const WARNING: Style = AnsiColor::Yellow.on_default().bold();
/// The name of a secret, an inventory or a rule.
pub const NAME: Style = AnsiColor::Cyan.on_default();
/// A mark such as `[fixable]`, or an added line.
pub const ADDED: Style = AnsiColor::Green.on_default();
/// A removed line.
pub const REMOVED: Style = AnsiColor::Red.on_default();
/// The header of a hunk in a diff.
pub const HUNK: Style = AnsiColor::Cyan.on_default();

/// Returns the style of a severity.
pub const fn severity_style(severity: Severity) -> Style {
    match severity {
        Severity::Error => ERROR,
        Severity::Warning => WARNING,
    }
}

/// The style of one stream.
#[derive(Clone, Copy, Debug)]
pub struct OutputStyle {
    /// Whether to write colors.
    pub color: bool,
    /// The width in columns.
    pub width: usize,
    /// Whether stackref draws its boxes and symbols in ASCII. Names and paths do not change.
    pub ascii: bool,
    /// Whether to write hyperlinks (OSC 8).
    pub links: bool,
}

impl OutputStyle {
    /// The style of files, so that their contents do not depend on the terminal.
    pub const PLAIN: Self = Self {
        color: false,
        width: 100,
        ascii: false,
        links: false,
    };

    /// Returns the text in a style, or unchanged if the stream has no colors.
    pub fn paint<T: fmt::Display>(self, style: Style, text: T) -> Painted<T> {
        Painted {
            style: if self.color { style } else { Style::new() },
            text,
        }
    }

    /// Returns the text as a hyperlink if the stream supports them.
    ///
    /// The URL is not escaped, so pass only URLs of stackref's own pages.
    pub fn link(self, url: &str, text: &str) -> String {
        if self.links {
            format!("\u{1b}]8;;{url}\u{1b}\\{text}\u{1b}]8;;\u{1b}\\")
        } else {
            text.to_owned()
        }
    }

    /// Returns a text with at most this many characters. The middle of a longer text is cut out, so
    /// that names with the same beginning can be distinguished.
    pub fn shorten(self, text: &str, longest: usize) -> String {
        let len = text.chars().count();
        if len <= longest {
            return text.to_owned();
        }
        let mark = if self.ascii { "..." } else { "…" };
        let end = longest / 3;
        let start = longest.saturating_sub(end + mark.chars().count());
        let start: String = text.chars().take(start).collect();
        let end: String = text.chars().skip(len - end).collect();
        format!("{start}{mark}{end}")
    }

    /// Returns the text of an excerpt. For ASCII streams, the marks that stackref inserted, such as
    /// those for cut or redacted text, become ASCII.
    pub fn excerpt(self, text: String) -> String {
        if self.ascii {
            to_ascii_marks(&text)
        } else {
            text
        }
    }
}

/// A text that is displayed between the escape sequences of its style.
pub struct Painted<T> {
    style: Style,
    text: T,
}

impl<T: fmt::Display> fmt::Display for Painted<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}{}{:#}", self.style, self.text, self.style)
    }
}
