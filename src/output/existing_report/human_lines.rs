//! Recognizes the lines of the human format.

use super::{after_title, all_lines, is_number};
use std::io::{self, BufRead};

/// The part of a diagnostic that the previous line belongs to.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum DiagnosticPart {
    /// Before the first diagnostic.
    #[default]
    Start,
    /// After a diagnostic or its related place, which begins with `  ☞`.
    Between,
    /// `error[rule]`, with scope and mark if there are any. The scope can be on a line of its own.
    Title,
    /// The empty line after the title.
    Blank,
    /// The message, which begins with `  ×` or `  ⚠`.
    Message,
    /// The excerpt, which begins with `╭─[`.
    Excerpt,
    /// The end of the excerpt, `╰────`.
    Closed,
    /// The help, which begins with `  help:`.
    Help,
}

/// Returns whether a file contains complete diagnostics and nothing else.
pub fn is_complete(file: impl BufRead) -> io::Result<bool> {
    let mut part = DiagnosticPart::default();
    let is_accepted = all_lines(file, |line| {
        let next = part.next(line);
        part = next.unwrap_or_default();
        next.is_some()
    })?;
    Ok(is_accepted && matches!(part, DiagnosticPart::Start | DiagnosticPart::Between))
}

impl DiagnosticPart {
    /// Returns the part that the next line belongs to, or `None` if the line must not follow this
    /// part.
    fn next(self, line: &str) -> Option<DiagnosticPart> {
        let inner = line.trim_start_matches(' ');
        let is_excerpt = inner.starts_with('·')
            || inner.starts_with('│')
            || inner
                .split_once(" │")
                .is_some_and(|(number, _)| is_number(number));
        match self {
            Self::Between if line.starts_with("  ☞ ") => Some(Self::Message),
            Self::Start | Self::Between => after_title(line).map(|_| Self::Title),
            Self::Title if line.starts_with("  ") => Some(Self::Title),
            Self::Title => line.is_empty().then_some(Self::Blank),
            Self::Blank => {
                (line.starts_with("  × ") || line.starts_with("  ⚠ ")).then_some(Self::Message)
            }
            Self::Message if inner.starts_with("╭─[") => Some(Self::Excerpt),
            Self::Message if line.starts_with("  │ ") => Some(Self::Message),
            Self::Excerpt if inner.starts_with("╰────") => Some(Self::Closed),
            Self::Excerpt => is_excerpt.then_some(Self::Excerpt),
            // A failure may have no excerpt.
            Self::Message | Self::Closed | Self::Help if line.is_empty() => Some(Self::Between),
            Self::Message | Self::Closed => line.starts_with("  help: ").then_some(Self::Help),
            Self::Help => line.starts_with("        ").then_some(Self::Help),
        }
    }
}
