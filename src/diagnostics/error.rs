//! Failures: errors that stop a run or an inventory query, each with an exit code and help.
//!
//! A problem in a user's file is a finding, which is data. A command that cannot skip such a
//! problem, for example `render`, fails with [`Failure::finding`].

use crate::diagnostics::excerpt::Excerpt;
use crate::diagnostics::outcome::Outcome;
use crate::text::escape::escape_control;
use crate::text::redacted_source::RedactedSource;
use crate::text::source::{SourceFile, Span};
use std::fmt;
use std::sync::Arc;

/// The place in a file that caused a failure. The file may contain secret values, so only its path
/// is printed for debugging.
#[derive(Clone)]
pub struct FailureLocation {
    /// The file.
    pub source: Arc<SourceFile>,
    /// The part of it.
    pub span: Span,
}

/// An error with its exit code, its help and the line of the file that caused it. All texts are
/// escaped for a terminal.
#[derive(Clone, Debug)]
pub struct Failure {
    outcome: Outcome,
    message: String,
    help: Option<String>,
    excerpt: Option<Excerpt>,
    location: Option<Box<FailureLocation>>,
    is_contradiction: bool,
    inventory: Option<String>,
}

impl fmt::Debug for FailureLocation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} at {:?}", self.source.path(), self.span)
    }
}

impl Failure {
    /// Creates a failure for an invalid command line, config or path (exit code 2).
    pub fn usage(message: impl Into<String>) -> Self {
        let message = escape_control(&message.into());
        Self {
            outcome: Outcome::Usage,
            message,
            help: None,
            excerpt: None,
            location: None,
            is_contradiction: false,
            inventory: None,
        }
    }

    /// Creates a failure for options that cannot be used together (exit code 2). The usage line is
    /// printed, too.
    pub fn contradiction(message: impl Into<String>) -> Self {
        Self {
            is_contradiction: true,
            ..Self::usage(message)
        }
    }

    /// Creates a failure for an inventory that cannot be read (exit code 3).
    pub fn unanswered(message: impl Into<String>) -> Self {
        Self {
            outcome: Outcome::Unanswered,
            ..Self::usage(message)
        }
    }

    /// Creates a failure for a problem that `check` reports as a finding (exit code 1).
    pub fn finding(message: impl Into<String>) -> Self {
        Self {
            outcome: Outcome::Findings,
            ..Self::usage(message)
        }
    }

    /// Sets the help.
    #[must_use]
    pub fn with_help(mut self, help: impl Into<String>) -> Self {
        self.help = Some(escape_control(&help.into()));
        self
    }

    /// Sets the help if it is not set.
    #[must_use]
    pub fn with_help_if_none(self, help: &str) -> Self {
        if self.help.is_some() {
            self
        } else {
            self.with_help(help)
        }
    }

    /// Sets the help, or removes it if `help` is `None`.
    #[must_use]
    pub fn with_help_if(mut self, help: Option<impl Into<String>>) -> Self {
        self.help = help.map(|help| escape_control(&help.into()));
        self
    }

    /// Sets the location to `span`, and the excerpt to the line that contains it.
    #[must_use]
    pub fn at(mut self, source: &RedactedSource, span: Span) -> Self {
        self.excerpt = Some(Excerpt::new(source, span, false));
        self.location = Some(Box::new(FailureLocation {
            source: Arc::clone(source.file()),
            span,
        }));
        self
    }

    /// Sets the inventory that could not answer.
    #[must_use]
    pub fn of_inventory(mut self, name: &str) -> Self {
        self.inventory = Some(name.to_owned());
        self
    }

    /// Returns the inventory that could not answer, if it is the cause.
    pub fn inventory(&self) -> Option<&str> {
        self.inventory.as_deref()
    }

    /// Returns the help.
    pub fn help_text(&self) -> Option<&str> {
        self.help.as_deref()
    }

    /// Returns the line of the file that caused the failure.
    pub fn excerpt(&self) -> Option<&Excerpt> {
        self.excerpt.as_ref()
    }

    /// Returns the place that caused the failure.
    pub fn location(&self) -> Option<&FailureLocation> {
        self.location.as_deref()
    }

    /// Returns whether options of the command line cannot be used together.
    pub fn is_contradiction(&self) -> bool {
        self.is_contradiction
    }

    /// Returns the outcome of the run, which determines the exit code.
    pub fn outcome(&self) -> Outcome {
        self.outcome
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)
    }
}

impl std::error::Error for Failure {}

/// Returns the message of an I/O error for use in a sentence: the first letter in lower case, and
/// no error number.
pub fn io_message(error: &std::io::Error) -> String {
    let text = error.to_string();
    let message = text.split(" (os error").next().unwrap_or(&text);
    let mut chars = message.chars();
    let first = chars.next().map(|c| c.to_ascii_lowercase());
    first.into_iter().chain(chars).collect()
}
