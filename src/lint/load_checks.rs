//! The findings about YAML that `ZenML` cannot load.

use crate::diagnostics::finding_builder::FindingBuilder;
use crate::diagnostics::rule_id::RuleId;
use crate::document::{Document, SyntaxError};
use crate::lint::rules::{self, Subject};
use crate::sources;
use crate::text::redacted_source::RedactedSource;
use crate::text::source::{SourceFile, Span};
use std::sync::Arc;

/// Returns the findings about YAML that `ZenML` cannot load. Braces without quotes and the tag of a
/// reference have no second finding if a scalar rule reports them.
pub(super) fn check_loading(
    source: &Arc<RedactedSource>,
    document: &Document,
    scalar_findings: &[FindingBuilder],
) -> Vec<FindingBuilder> {
    let errors = document.load_errors();
    if errors.is_empty() {
        return Vec::new();
    }
    // The rule reads the masks.
    source.set_masks(|| sources::masks(document));
    let unquoted = sorted_spans(scalar_findings, RuleId::UnquotedReference);
    let malformed = sorted_spans(scalar_findings, RuleId::MalformedReference);
    let is_reported = |error: &SyntaxError| {
        let next = unquoted.partition_point(|span| span.start <= error.span.start);
        let around = next.checked_sub(1).and_then(|at| unquoted.get(at));
        let next = malformed.partition_point(|span| span.start <= error.span.start);
        around.is_some_and(|span| span.contains(error.span))
            || malformed
                .get(next)
                .is_some_and(|span| is_tag_of(source, error.span, *span))
    };
    errors
        .iter()
        .filter(|error| !is_reported(error))
        .filter_map(|error| rules::check(Subject::Document(source, error)))
        .collect()
}

/// Returns the spans of the findings of a rule.
fn sorted_spans(findings: &[FindingBuilder], rule: RuleId) -> Vec<Span> {
    let findings = findings.iter().filter(|finding| finding.rule() == rule);
    let mut spans: Vec<Span> = findings.map(|finding| finding.draft().span).collect();
    spans.sort_unstable();
    spans
}

/// Returns whether a span is the tag of the scalar that begins at the other span.
fn is_tag_of(source: &SourceFile, tag: Span, value: Span) -> bool {
    let between = source.slice(Span::new(tag.end, value.start));
    let rest = between.trim_start_matches([' ', '\n', '\r', '"', '\'']);
    rest.is_empty() && source.slice(tag).starts_with('!')
}
