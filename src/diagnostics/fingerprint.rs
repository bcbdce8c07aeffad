//! Fingerprints: hashes by which baselines and code hosts recognise a finding in the next run.

use crate::diagnostics::finding::Finding;
use crate::diagnostics::rule_id::RuleId;
use crate::text::digest::hex;
use crate::text::redacted_source::RedactedSource;
use crate::text::source::Span;
use sha2::{Digest, Sha256};
use std::collections::HashMap;
use std::sync::Arc;

/// Sets the fingerprint of each finding. The findings are sorted and contain all of their rules.
pub(super) fn assign(findings: &mut [Finding]) {
    let mut ordinals: HashMap<[u8; 32], u64> = HashMap::new();
    // The text of findings at one place, such as the unknown names in one comment, is hashed once.
    let mut last: Option<(Arc<RedactedSource>, Span, RuleId, Sha256)> = None;
    for finding in findings {
        let known = last.take().filter(|(source, span, rule, _)| {
            finding.fingerprint_key.is_none()
                && Arc::ptr_eq(source, &finding.source)
                && (*span, *rule) == (finding.span, finding.rule)
        });
        let mut hash = known.map_or_else(|| content_hash(finding), |(.., hash)| hash);
        if finding.fingerprint_key.is_none() {
            last = Some((
                Arc::clone(&finding.source),
                finding.span,
                finding.rule,
                hash.clone(),
            ));
        }
        let content: [u8; 32] = hash.clone().finalize().into();
        let ordinal = ordinals.entry(content).or_default();
        hash.update(ordinal.to_le_bytes());
        *ordinal += 1;
        let full: [u8; 32] = hash.finalize().into();
        finding.fingerprint = first_half_hex(full);
    }
}

/// Hashes the rule, the file and the text that a finding is about.
fn content_hash(finding: &Finding) -> Sha256 {
    let about = finding
        .fingerprint_key
        .as_deref()
        .unwrap_or_else(|| finding.source.slice(finding.span));
    let mut hash = Sha256::new();
    add_parts(
        &mut hash,
        [finding.rule.name(), finding.source.repository_path(), about],
    );
    hash
}

/// Hashes each part with its length before it, so that no two lists of parts are one text.
fn add_parts(hash: &mut Sha256, parts: [&str; 3]) {
    for part in parts {
        hash.update((part.len() as u64).to_le_bytes());
        hash.update(part.as_bytes());
    }
}

/// Returns the first half of a hash in hexadecimal.
fn first_half_hex(hash: [u8; 32]) -> String {
    hex(hash.first_chunk::<16>().map_or(&hash[..], |half| half))
}

/// Returns the fingerprint of a failure, for formats in which it is reported like a finding.
/// `ordinal` tells failures with the same message apart.
pub fn fingerprint_of_failure(path: &str, message: &str, ordinal: usize) -> String {
    let mut hash = Sha256::new();
    hash.update((ordinal as u64).to_le_bytes());
    add_parts(&mut hash, ["failure", path, message]);
    first_half_hex(hash.finalize().into())
}

#[cfg(test)]
#[expect(clippy::indexing_slicing, reason = "tests")]
mod tests {
    use crate::diagnostics::finding::{Finding, Severity};
    use crate::diagnostics::finding_builder::{FindingBuilder, build_all};
    use crate::diagnostics::rule_id::RuleId;
    use crate::text::redacted_source::RedactedSource;
    use crate::text::source::{SourceFile, Span};
    use std::sync::Arc;

    fn build(path: &str, text: &str, starts: &[usize]) -> Vec<Finding> {
        let source = RedactedSource::span_only(&Arc::new(
            SourceFile::new(path, text).with_repository_path("s/a.yaml"),
        ));
        let builder = |&at: &usize| {
            FindingBuilder::new(RuleId::UnknownKey, &source, Span::new(at, at + 7), "x")
        };
        build_all(starts.iter().map(builder).collect(), |_| {
            Some(Severity::Error)
        })
    }

    #[test]
    fn fingerprints_depend_on_the_content_and_its_ordinal_but_not_on_the_line() {
        let first = build("a.yaml", "x: '{{a.b}}'\ny: '{{a.b}}'", &[17, 4]);
        let second = build("../s/a.yaml", "\n\nx: '{{a.b}}'", &[6]);
        assert_eq!(first[0].span.start, 4);
        assert_ne!(first[0].fingerprint, first[1].fingerprint);
        assert_eq!(first[0].fingerprint, second[0].fingerprint);
        assert_eq!(first[0].fingerprint.len(), 32);
    }
}
