//! A finding: one reported problem, with its location, its fix and its fingerprint.
//!
//! Findings are plain data; they do no I/O and know no format. `finding_builder` creates them. An
//! error that stops a run is a [`Failure`](super::error::Failure), not a finding.

use crate::diagnostics::rule_id::RuleId;
use crate::text::redacted_source::RedactedSource;
use crate::text::source::Span;
use std::sync::Arc;

/// How serious a finding is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Severity {
    /// The exit code is 0, unless `--deny-warnings` is given.
    Warning,
    /// The exit code is 1.
    Error,
}

impl Severity {
    /// `error` or `warning`.
    pub fn name(self) -> &'static str {
        match self {
            Self::Warning => "warning",
            Self::Error => "error",
        }
    }
}

/// How certain a fix is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Applicability {
    /// `--fix` applies it.
    Safe,
    /// A guess, for example the nearest name: only `--fix=suggestions` applies it.
    Suggestion,
}

impl Applicability {
    /// `safe` or `suggestion`.
    pub fn name(self) -> &'static str {
        match self {
            Self::Safe => "safe",
            Self::Suggestion => "suggestion",
        }
    }
}

/// A replacement of some bytes in the finding's file. It never contains a secret value.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FixEdit {
    /// The replaced bytes; empty for an insertion.
    pub span: Span,
    /// The new text.
    pub replacement: String,
}

impl FixEdit {
    /// Creates an edit.
    pub fn new(span: Span, replacement: impl Into<String>) -> Self {
        Self {
            span,
            replacement: replacement.into(),
        }
    }
}

/// The edits that fix a finding: sorted, without overlaps.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Fix {
    /// Which option applies it.
    pub applicability: Applicability,
    /// The edits.
    pub edits: Vec<FixEdit>,
}

/// The stack, component and attribute that a scalar belongs to, as far as they apply.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Scope {
    /// `stack_name`.
    pub stack: Option<Arc<str>>,
    /// The key below `components`.
    pub component: Option<Arc<str>>,
    /// That component's `name`.
    pub component_name: Option<Arc<str>>,
    /// The attribute's name.
    pub attribute: Option<Arc<str>>,
}

/// Another place that explains a finding, for example the declaration of a secret.
#[derive(Clone, Debug)]
pub struct RelatedSpan {
    /// The file.
    pub source: Arc<RedactedSource>,
    /// The bytes in it.
    pub span: Span,
    /// What is there, in a few words.
    pub message: String,
}

/// A reported problem, complete: only [`build_all`] creates one, from the builders of a run.
#[derive(Clone, Debug)]
pub struct Finding {
    /// The rule.
    pub rule: RuleId,
    /// Whether it is an error or a warning, as the rule's default or the config decides.
    pub severity: Severity,
    /// The problem.
    pub message: String,
    /// A note under the span, if there is more to explain than the message does.
    pub label: Option<String>,
    /// The advice.
    pub help: Option<String>,
    /// Another place that explains the finding.
    pub related: Option<RelatedSpan>,
    /// The file, with the parts of it that may be shown.
    pub source: Arc<RedactedSource>,
    /// The reported bytes, braces included.
    pub span: Span,
    /// The start of the scalar that contains the span: an ignore comment above this line applies.
    pub scalar_start: usize,
    /// The start of the key of that scalar: an ignore comment above the key applies, too, wherever
    /// a formatter puts the value.
    pub key_start: usize,
    /// The stack, component and attribute.
    pub scope: Scope,
    /// The secret that the reference names.
    pub secret: Option<String>,
    /// The key that the reference names.
    pub key: Option<String>,
    /// The name that was probably meant.
    pub suggestion: Option<String>,
    /// The names of the environments in which the problem occurs, in the order of the config; empty
    /// if it does not depend on them.
    pub environments: Vec<String>,
    /// Whether excerpts hide the span itself.
    pub redact: bool,
    /// The text that is hashed into the fingerprint, never a value; the span's text if it is
    /// absent.
    pub fingerprint_key: Option<String>,
    /// The edits that fix it.
    pub fix: Option<Fix>,
    /// A hash that identifies the finding across runs; see [`build_all`].
    pub fingerprint: String,
}

impl Finding {
    /// Returns whether `--fix` fixes it.
    pub fn is_fixable(&self) -> bool {
        self.fix
            .as_ref()
            .is_some_and(|fix| fix.applicability == Applicability::Safe)
    }

    /// Returns whether only `--fix=suggestions` fixes it.
    pub fn has_suggested_fix(&self) -> bool {
        self.fix
            .as_ref()
            .is_some_and(|fix| fix.applicability == Applicability::Suggestion)
    }
}
