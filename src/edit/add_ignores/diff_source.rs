//! The new text of a file as `--diff` shows it.
//!
//! The ignore comments must be visible in the diff, but most of a script or of an inventory file is
//! redacted.

use crate::document::directives::{self, Directive, DirectiveKind};
use crate::document::{Document, Syntax};
use crate::lint::rules;
use crate::text::redacted_source::{RedactedSource, Visibility};
use crate::text::source::{SourceFile, Span};
use std::sync::Arc;

/// Creates the source for a diff. It shows the ignore comments, and the parts that `rescanned`
/// shows, the same file as it was read again. Without `rescanned` it shows the comments alone.
pub fn with_visible_comments(
    display_path: &str,
    text: String,
    rescanned: Option<&RedactedSource>,
    syntax: Option<Syntax>,
) -> Arc<RedactedSource> {
    let source = Arc::new(SourceFile::new(display_path, text));
    let document = syntax.and_then(|syntax| Document::parse(Arc::clone(&source), syntax).ok());
    let masks = rescanned
        .and_then(RedactedSource::masks)
        .map_or_else(|| vec![Span::new(0, source.text().len())], <[Span]>::to_vec);
    let directives = document
        .as_ref()
        .map(directives::directives)
        .unwrap_or_default();
    let comments = directives
        .iter()
        .filter(|directive| names_rules_only(directive))
        .map(|directive| directive.directive_span);
    let masks = comments.fold(masks, |masks, comment| subtract_span(&masks, comment));
    RedactedSource::new(source, Visibility::Masked(masks.into()))
}

/// Returns whether a directive is an ignore comment with names of rules only, which cannot contain
/// a secret value.
fn names_rules_only(directive: &Directive) -> bool {
    matches!(&directive.kind, DirectiveKind::Ignore(names) if names.iter().all(|name| rules::find(name).is_some()))
}

/// Removes a part from spans.
pub fn subtract_span(spans: &[Span], part: Span) -> Vec<Span> {
    let mut rest = Vec::new();
    for span in spans {
        let before = Span::new(span.start, span.end.min(part.start).max(span.start));
        let after = Span::new(span.start.max(part.end).min(span.end), span.end);
        rest.extend([before, after].into_iter().filter(|rest| !rest.is_empty()));
    }
    rest
}
