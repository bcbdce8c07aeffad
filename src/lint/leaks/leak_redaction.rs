//! Redaction: removes the values of secrets from everything that a report shows.
//!
//! Excerpts are not the only way out: a message or a name may contain a value, too.

use super::leak_scanner::{LeakMatch, LeakScanner};
use crate::diagnostics::finding::Finding;
use crate::diagnostics::rule_id::RuleId;
use crate::lint::rules;
use crate::text::redacted_source::RedactedSource;
use crate::text::source::Span;
use std::collections::HashMap;
use std::sync::Arc;

impl LeakScanner {
    /// Returns a source that redacts the values in it.
    pub fn redact_source(&self, source: &Arc<RedactedSource>) -> Arc<RedactedSource> {
        let values: Vec<Span> = self
            .find(source.text())
            .into_iter()
            .map(|found| found.span)
            .collect();
        if values.is_empty() {
            Arc::clone(source)
        } else {
            source.with_values(values)
        }
    }

    /// Removes every value from findings: from their excerpts, messages, names and fixes.
    pub fn redact_findings(&self, findings: Vec<Finding>) -> Vec<Finding> {
        let mut sources: HashMap<*const RedactedSource, Arc<RedactedSource>> = HashMap::new();
        let redacted = findings.into_iter().map(|finding| {
            let source = sources
                .entry(Arc::as_ptr(&finding.source))
                .or_insert_with(|| self.redact_source(&finding.source));
            self.redact_finding(Finding {
                source: Arc::clone(source),
                ..finding
            })
        });
        redacted.collect()
    }

    fn redact_finding(&self, mut finding: Finding) -> Finding {
        let is_in_value = finding
            .source
            .values()
            .iter()
            .any(|value| value.overlaps(finding.span));
        if is_in_value && finding.rule != RuleId::LeakedValue {
            finding = without_details(finding);
        }
        let texts = [
            Some(&mut finding.message),
            finding.label.as_mut(),
            finding.help.as_mut(),
        ];
        let names = [
            finding.secret.as_mut(),
            finding.key.as_mut(),
            finding.suggestion.as_mut(),
        ];
        for text in texts.into_iter().chain(names).flatten() {
            if let Some(redacted) = self.redact_text(text) {
                *text = redacted;
                finding.fix = None;
            }
        }
        let scope = &mut finding.scope;
        for name in [
            &mut scope.stack,
            &mut scope.component,
            &mut scope.component_name,
            &mut scope.attribute,
        ] {
            if let Some(redacted) = name.as_deref().and_then(|name| self.redact_text(name)) {
                *name = Some(redacted.into());
            }
        }
        let mut edits = finding.fix.iter().flat_map(|fix| &fix.edits);
        if edits.any(|edit| self.redact_text(&edit.replacement).is_some()) {
            finding.fix = None;
        }
        finding
    }

    /// Returns a text with `***` for each value, or `None` if it contains no values.
    fn redact_text(&self, text: &str) -> Option<String> {
        let mut out = String::new();
        let mut at = 0;
        for LeakMatch { span, .. } in self.find(text) {
            if span.end > at {
                out.push_str(text.get(at..span.start.max(at)).unwrap_or_default());
                out.push_str("***");
                at = span.end;
            }
        }
        (at > 0).then(|| out + text.get(at..).unwrap_or_default())
    }
}

/// Removes everything from a finding that may contain parts of its text, which is part of a value.
fn without_details(finding: Finding) -> Finding {
    let summary = rules::get(finding.rule).summary;
    Finding {
        message: format!("{summary}; the text is, or contains, a secret value"),
        redact: true,
        label: None,
        help: None,
        fix: None,
        secret: None,
        key: None,
        suggestion: None,
        ..finding
    }
}
