//! Creates findings: a rule starts a [`FindingBuilder`], and [`build_all`] completes the builders
//! of a run.

use crate::diagnostics::finding::{
    Applicability, Finding, Fix, FixEdit, RelatedSpan, Scope, Severity,
};
use crate::diagnostics::fingerprint;
use crate::diagnostics::rule_id::RuleId;
use crate::text::redacted_source::RedactedSource;
use crate::text::source::{Span, floor_char_boundary};
use std::sync::Arc;

/// A finding in the making: everything that a rule knows. The severity and the fingerprint depend
/// on the whole run, so [`build_all`] adds them.
#[derive(Clone, Debug)]
pub struct FindingBuilder {
    finding: Finding,
}

impl FindingBuilder {
    /// Creates a finding about a span. A finding cannot be built without a location.
    pub fn new(
        rule: RuleId,
        source: &Arc<RedactedSource>,
        span: Span,
        message: impl Into<String>,
    ) -> Self {
        let finding = Finding {
            rule,
            severity: Severity::Error,
            message: truncate_names(message.into()),
            label: None,
            help: None,
            related: None,
            source: Arc::clone(source),
            span,
            scalar_start: span.start,
            key_start: span.start,
            scope: Scope::default(),
            secret: None,
            key: None,
            suggestion: None,
            environments: Vec::new(),
            redact: false,
            fingerprint_key: None,
            fix: None,
            fingerprint: String::new(),
        };
        Self { finding }
    }

    /// Sets the advice.
    #[must_use]
    pub fn help(mut self, help: impl Into<String>) -> Self {
        self.finding.help = Some(truncate_names(help.into()));
        self
    }

    /// Sets another place that explains the finding.
    #[must_use]
    pub fn related(mut self, related: RelatedSpan) -> Self {
        self.finding.related = Some(related);
        self
    }

    /// Sets the note under the span.
    #[must_use]
    pub fn label(mut self, label: impl Into<String>) -> Self {
        self.finding.label = Some(truncate_names(label.into()));
        self
    }

    /// Sets the edits that fix it, if there are any.
    #[must_use]
    pub fn fix(mut self, applicability: Applicability, edits: Vec<FixEdit>) -> Self {
        self.finding.fix = Some(edits)
            .filter(|edits| !edits.is_empty())
            .map(|edits| Fix {
                applicability,
                edits,
            });
        self
    }

    /// Sets the stack, component and attribute.
    #[must_use]
    pub fn scope(mut self, scope: Scope) -> Self {
        self.finding.scope = scope;
        self
    }

    /// Sets the starts of the scalar and of its key, above which an ignore comment applies.
    #[must_use]
    pub fn starts(mut self, scalar: usize, key: usize) -> Self {
        (self.finding.scalar_start, self.finding.key_start) = (scalar, key);
        self
    }

    /// Sets the secret and, unless the whole secret is meant, the key.
    #[must_use]
    pub fn names(mut self, secret: &str, key: Option<&str>) -> Self {
        self.finding.secret = Some(secret.to_owned());
        self.finding.key = key.map(str::to_owned);
        self
    }

    /// Sets the name that was probably meant.
    #[must_use]
    pub fn suggestion(mut self, suggestion: Option<String>) -> Self {
        self.finding.suggestion = suggestion;
        self
    }

    /// Sets the names of the environments in which the problem occurs.
    #[must_use]
    pub fn environments(mut self, environments: Vec<String>) -> Self {
        self.finding.environments = environments;
        self
    }

    /// Adds text at the end of the message.
    #[must_use]
    pub fn append(mut self, text: &str) -> Self {
        self.finding.message.push_str(text);
        self.finding.message = truncate_names(self.finding.message);
        self
    }

    /// Removes the edits that fix it.
    #[must_use]
    pub fn without_fix(mut self) -> Self {
        self.finding.fix = None;
        self
    }

    /// Reports another span; the starts of the scalar and its key stay.
    #[must_use]
    pub fn span(mut self, span: Span) -> Self {
        self.finding.span = span;
        self
    }

    /// Hides the span in excerpts if `redact` is true.
    #[must_use]
    pub fn redact(mut self, redact: bool) -> Self {
        self.finding.redact = redact;
        self
    }

    /// Sets the text that is hashed into the fingerprint in place of the span's text.
    #[must_use]
    pub fn fingerprint_key(mut self, key: impl Into<String>) -> Self {
        self.finding.fingerprint_key = Some(key.into());
        self
    }

    /// Returns the rule.
    pub fn rule(&self) -> RuleId {
        self.finding.rule
    }

    /// Returns what is known so far. The severity is not decided, and there is no fingerprint.
    pub fn draft(&self) -> &Finding {
        &self.finding
    }
}

/// Builds the findings of a run, sorted by path, offset and rule. `severity` returns `None` for a
/// finding that is off. The message of a finding in a notebook names the cell.
///
/// The fingerprint is a hash of the rule, the path from the repository's root, the text that the
/// finding is about, and its ordinal among the findings for which these are the same. It contains
/// no line and no value. All findings of a rule have to be built together, before any of them is
/// suppressed: the ordinal must not depend on that.
pub fn build_all(
    builders: Vec<FindingBuilder>,
    mut severity: impl FnMut(&FindingBuilder) -> Option<Severity>,
) -> Vec<Finding> {
    let with_severity = builders.into_iter().filter_map(|builder| {
        let mut finding = Finding {
            severity: severity(&builder)?,
            ..builder.finding
        };
        if finding.source.is_registered() {
            (finding.label, finding.fix) = (None, None);
        }
        let cell = finding.source.cells().number_at(finding.span.start);
        if let Some(number) = cell {
            finding.message.push_str(&format!(" (cell {number})"));
        }
        Some(finding)
    });
    let mut findings: Vec<Finding> = with_severity.collect();
    sort(&mut findings);
    fingerprint::assign(&mut findings);
    findings
}

/// Sorts findings by path, offset, rule and message.
pub fn sort(findings: &mut [Finding]) {
    findings.sort_by(|a, b| {
        let key = |finding: &Finding| (finding.span.start, finding.rule, finding.span.end);
        a.source
            .path()
            .cmp(b.source.path())
            .then_with(|| key(a).cmp(&key(b)))
            .then_with(|| a.message.cmp(&b.message))
    });
}

/// Bytes of a text below which it is kept as it is, and beyond which it is cut.
const MAX_UNCUT_BYTES: usize = 1_000;
const MAX_TEXT_BYTES: usize = 4_000;

/// Bytes of a quoted name that are kept at its start and at its end.
const NAME_START: usize = 200;
const NAME_END: usize = 60;

/// Returns a text in which each quoted name is short. One long name may be in thousands of
/// findings, and the report has to stay in proportion to what was read.
fn truncate_names(text: String) -> String {
    if text.len() <= MAX_UNCUT_BYTES {
        return text;
    }
    let mut out = String::with_capacity(MAX_UNCUT_BYTES);
    for (at, part) in text.split('`').enumerate() {
        if at > 0 {
            out.push('`');
        }
        if part.len() <= NAME_START + NAME_END {
            out.push_str(part);
        } else {
            out.push_str(
                part.get(..floor_char_boundary(part, NAME_START))
                    .unwrap_or_default(),
            );
            out.push('…');
            out.push_str(
                part.get(floor_char_boundary(part, part.len() - NAME_END)..)
                    .unwrap_or_default(),
            );
        }
        if out.len() > MAX_TEXT_BYTES {
            out.truncate(floor_char_boundary(&out, MAX_TEXT_BYTES));
            out.push('…');
            break;
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn long_names_are_shortened_and_the_rest_of_the_message_stays() {
        let name = |c: &str| c.repeat(1_000_000);
        let text = truncate_names(format!(
            "no secret `{}` in the inventory `{}`, see `x`",
            name("ä"),
            name("b")
        ));
        assert!(text.len() < 700, "{}", text.len());
        assert!(
            text.starts_with("no secret `ääää") && text.ends_with("bb`, see `x`"),
            "{text}"
        );
        assert!(truncate_names("`x`".repeat(100_000)).len() < 5_000);
        assert!(truncate_names(name("é")).len() < 5_000);
        let usual = "x `y` z".repeat(100);
        assert_eq!(truncate_names(usual.clone()), usual);
    }
}
