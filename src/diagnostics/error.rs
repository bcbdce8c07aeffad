//! A failure: what stops a run, with its exit code and its help. Findings are not failures; they are data.

use crate::diagnostics::excerpt::{Excerpt, escape_control};
use crate::diagnostics::outcome::Outcome;
use crate::text::redacted_source::RedactedSource;
use crate::text::source::Span;
use std::fmt;

/// Why a run cannot go on, or cannot answer for everything.
#[derive(Clone, Debug)]
pub struct Failure {
    outcome: Outcome,
    message: String,
    help: Option<String>,
    excerpt: Option<Excerpt>,
    contradiction: bool,
}

impl Failure {
    /// Wrong usage, config or path: exit 2.
    pub fn usage(message: impl Into<String>) -> Self {
        let message = escape_control(&message.into());
        Self { outcome: Outcome::Usage, message, help: None, excerpt: None, contradiction: false }
    }

    /// Options that contradict each other, or the rest of the command line: exit 2, and the usage line is shown.
    pub fn contradiction(message: impl Into<String>) -> Self {
        Self { contradiction: true, ..Self::usage(message) }
    }

    /// An inventory that could not answer: exit 3.
    pub fn unanswered(message: impl Into<String>) -> Self {
        Self { outcome: Outcome::Unanswered, ..Self::usage(message) }
    }

    /// Something that `check` would have found, met where it cannot be passed over: exit 1.
    pub fn finding(message: impl Into<String>) -> Self {
        Self { outcome: Outcome::Findings, ..Self::usage(message) }
    }

    /// With advice.
    #[must_use]
    pub fn with_help(mut self, help: impl Into<String>) -> Self {
        self.help = Some(escape_control(&help.into()));
        self
    }

    /// Adds advice if there is none yet.
    #[must_use]
    pub fn with_help_if_none(self, help: &str) -> Self {
        if self.help.is_some() { self } else { self.with_help(help) }
    }

    /// With advice, if there is any.
    #[must_use]
    pub fn with_help_if(mut self, help: Option<impl Into<String>>) -> Self {
        self.help = help.map(|help| escape_control(&help.into()));
        self
    }

    /// At a place in a file.
    #[must_use]
    pub fn at(mut self, source: &RedactedSource, span: Span) -> Self {
        self.excerpt = Some(Excerpt::new(source, span, false));
        self
    }

    /// Returns the advice, if there is any.
    pub fn help_text(&self) -> Option<&str> {
        self.help.as_deref()
    }

    /// Returns the line that it is about, if there is one.
    pub fn excerpt(&self) -> Option<&Excerpt> {
        self.excerpt.as_ref()
    }

    /// Returns whether the command line contradicts itself.
    pub fn is_contradiction(&self) -> bool {
        self.contradiction
    }

    /// The exit code that it asks for.
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

/// An operating system's error in lower case and without its number, to stand in a sentence.
pub fn io_message(error: &std::io::Error) -> String {
    let text = error.to_string();
    let plain = text.split(" (os error").next().unwrap_or(&text);
    let mut chars = plain.chars();
    let first = chars.next().map(|c| c.to_ascii_lowercase());
    first.into_iter().chain(chars).collect()
}
