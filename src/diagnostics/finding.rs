//! A finding: what is wrong, where, and what to do. Data: sorted, counted and rendered last.
//!
//! A finding cannot be built without a place. It knows no rule but by name, and no format.

use crate::text::digest::hex;
use crate::text::source::{SourceFile, Span, floor_char_boundary};
use sha2::{Digest, Sha256};
use std::collections::HashMap;
use std::sync::Arc;

/// How much a finding weighs.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Severity {
    /// The run ends well all the same, unless warnings are denied.
    Warning,
    /// The run ends with 1.
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

/// How sure it is that a fix is what was meant.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Applicability {
    /// `--fix` applies it.
    Safe,
    /// A guess, as the nearest name is: only `--fix=suggestions` applies it.
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

/// Other text for some bytes of the finding's file; it never holds a value.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FixEdit {
    /// What goes; empty where something is only added.
    pub span: Span,
    /// What comes.
    pub replacement: String,
}

impl FixEdit {
    /// An edit.
    pub fn new(span: Span, replacement: impl Into<String>) -> Self {
        Self { span, replacement: replacement.into() }
    }
}

/// The edits, sorted and apart, after which a finding is gone.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Fix {
    /// Who may apply it.
    pub applicability: Applicability,
    /// What changes.
    pub edits: Vec<FixEdit>,
}

/// Whose a scalar is; what does not apply is absent.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Scope {
    /// `stack_name`.
    pub stack: Option<Arc<str>>,
    /// The key below `components`.
    pub component: Option<Arc<str>>,
    /// That component's `name`.
    pub component_name: Option<Arc<str>>,
    /// The attribute.
    pub attribute: Option<Arc<str>>,
}

/// One finding.
#[derive(Clone, Debug)]
pub struct Finding {
    /// The rule's name.
    pub rule: &'static str,
    /// How much it weighs.
    pub severity: Severity,
    /// What is wrong.
    pub message: String,
    /// What stands under the span, if more than the message says.
    pub label: Option<String>,
    /// What to do.
    pub help: Option<String>,
    /// The file.
    pub source: Arc<SourceFile>,
    /// The culprit, braces included.
    pub span: Span,
    /// Where the scalar begins that the culprit is in: what an ignore comment above it silences.
    pub scalar_start: usize,
    /// Where the key of that scalar begins: a comment above the key holds for its value, wherever a formatter has put it.
    pub key_start: usize,
    /// Whose it is.
    pub scope: Scope,
    /// The secret it names.
    pub secret: Option<String>,
    /// The key it names.
    pub key: Option<String>,
    /// The name that was probably meant.
    pub suggestion: Option<String>,
    /// Whether the text of the span itself must not be shown.
    pub redact: bool,
    /// What tells this finding from others of its rule in its file, never a value; the span's text if it is absent.
    pub fingerprint_key: Option<String>,
    /// What would mend it.
    pub fix: Option<Fix>,
    /// Set by [`assign_fingerprints`].
    pub fingerprint: String,
}

impl Finding {
    /// A finding at a place.
    pub fn new(
        rule: &'static str,
        severity: Severity,
        source: &Arc<SourceFile>,
        span: Span,
        message: impl Into<String>,
    ) -> Self {
        Self {
            rule,
            severity,
            message: truncate_names(message.into()),
            label: None,
            help: None,
            source: Arc::clone(source),
            span,
            scalar_start: span.start,
            key_start: span.start,
            scope: Scope::default(),
            secret: None,
            key: None,
            suggestion: None,
            redact: false,
            fingerprint_key: None,
            fix: None,
            fingerprint: String::new(),
        }
    }

    /// With advice.
    #[must_use]
    pub fn with_help(mut self, help: impl Into<String>) -> Self {
        self.help = Some(truncate_names(help.into()));
        self
    }

    /// With edits that mend it, if there are any.
    #[must_use]
    pub fn with_fix(mut self, applicability: Applicability, edits: Vec<FixEdit>) -> Self {
        self.fix = Some(edits).filter(|edits| !edits.is_empty()).map(|edits| Fix { applicability, edits });
        self
    }

    /// Whether `--fix` mends it.
    pub fn is_fixable(&self) -> bool {
        self.fix.as_ref().is_some_and(|fix| fix.applicability == Applicability::Safe)
    }

    /// Whether only `--fix=suggestions` fixes it.
    pub fn has_suggested_fix(&self) -> bool {
        self.fix.as_ref().is_some_and(|fix| fix.applicability == Applicability::Suggestion)
    }

    /// With words under the span.
    #[must_use]
    pub fn with_label(mut self, label: impl Into<String>) -> Self {
        self.label = Some(truncate_names(label.into()));
        self
    }
}

/// Bytes of a text below which it is kept as it is, and beyond which it is cut.
const MAX_UNCUT_BYTES: usize = 1_000;
const MAX_TEXT_BYTES: usize = 4_000;

/// Bytes of a quoted name that are kept at its start and at its end.
const NAME_START: usize = 200;
const NAME_END: usize = 60;

/// Returns a text in which each quoted name is short. One long name may be in thousands of findings, and the report has to
/// stay in proportion to what was read.
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
            out.push_str(part.get(..floor_char_boundary(part, NAME_START)).unwrap_or_default());
            out.push('…');
            out.push_str(part.get(floor_char_boundary(part, part.len() - NAME_END)..).unwrap_or_default());
        }
        if out.len() > MAX_TEXT_BYTES {
            out.truncate(floor_char_boundary(&out, MAX_TEXT_BYTES));
            out.push('…');
            break;
        }
    }
    out
}

/// Brings findings into their order (path, offset, rule) and gives each its fingerprint: a hash of rule, path from the
/// repository's root, what it is about, and which of several alike it is. It holds no line and no value. Findings of one rule
/// are finished together, before any of them is taken out: which of several alike one is must not depend on that.
pub fn assign_fingerprints(findings: &mut [Finding]) {
    sort(findings);
    let mut ordinals: HashMap<[u8; 32], u64> = HashMap::new();
    // Of findings at one place, such as the unknown names in one comment, the text is hashed once.
    let mut last: Option<(Arc<SourceFile>, Span, &'static str, Sha256)> = None;
    for finding in findings {
        let known = last.take().filter(|(source, span, rule, _)| {
            finding.fingerprint_key.is_none()
                && Arc::ptr_eq(source, &finding.source)
                && (*span, *rule) == (finding.span, finding.rule)
        });
        let mut hash = known.map_or_else(|| content_hash(finding), |(.., hash)| hash);
        if finding.fingerprint_key.is_none() {
            last = Some((Arc::clone(&finding.source), finding.span, finding.rule, hash.clone()));
        }
        let alike: [u8; 32] = hash.clone().finalize().into();
        let ordinal = ordinals.entry(alike).or_default();
        hash.update(ordinal.to_le_bytes());
        *ordinal += 1;
        let full: [u8; 32] = hash.finalize().into();
        finding.fingerprint = first_half_hex(full);
    }
}

/// Hashes the rule, the file and the text that a finding is about.
fn content_hash(finding: &Finding) -> Sha256 {
    let about = finding.fingerprint_key.as_deref().unwrap_or_else(|| finding.source.slice(finding.span));
    let mut hash = Sha256::new();
    add_parts(&mut hash, [finding.rule, finding.source.repository_path(), about]);
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

/// Returns the fingerprint of a failure, for formats in which it is reported like a finding. `ordinal` tells failures with the
/// same message apart.
pub fn fingerprint_of_failure(path: &str, message: &str, ordinal: usize) -> String {
    let mut hash = Sha256::new();
    hash.update((ordinal as u64).to_le_bytes());
    add_parts(&mut hash, ["failure", path, message]);
    first_half_hex(hash.finalize().into())
}

/// Brings findings into their order.
pub fn sort(findings: &mut [Finding]) {
    findings.sort_by(|a, b| {
        let key = |finding: &Finding| (finding.span.start, finding.rule, finding.span.end);
        a.source.path().cmp(b.source.path()).then_with(|| key(a).cmp(&key(b))).then_with(|| a.message.cmp(&b.message))
    });
}

#[cfg(test)]
mod tests {
    use super::*;

    fn finding(text: &Arc<SourceFile>, start: usize) -> Finding {
        Finding::new("unknown-key", Severity::Error, text, Span::new(start, start + 7), "x")
    }

    #[test]
    fn names_in_messages_are_short_and_the_rest_of_the_message_stays() {
        let name = |c: &str| c.repeat(1_000_000);
        let text = truncate_names(format!("no secret `{}` in the inventory `{}`, see `x`", name("ä"), name("b")));
        assert!(text.len() < 700, "{}", text.len());
        assert!(text.starts_with("no secret `ääää") && text.ends_with("bb`, see `x`"), "{text}");
        assert!(truncate_names("`x`".repeat(100_000)).len() < 5_000);
        assert!(truncate_names(name("é")).len() < 5_000);
        let usual = "x `y` z".repeat(100);
        assert_eq!(truncate_names(usual.clone()), usual);
    }

    #[test]
    fn findings_alike_have_fingerprints_of_their_own_that_hold_no_place() {
        let one = Arc::new(SourceFile::new("a.yaml", "x: '{{a.b}}'\ny: '{{a.b}}'").with_repository_path("s/a.yaml"));
        let two = Arc::new(SourceFile::new("../s/a.yaml", "\n\nx: '{{a.b}}'").with_repository_path("s/a.yaml"));
        let mut first = [finding(&one, 17), finding(&one, 4)];
        assign_fingerprints(&mut first);
        let mut second = [finding(&two, 6)];
        assign_fingerprints(&mut second);
        assert_eq!(first[0].span.start, 4);
        assert_ne!(first[0].fingerprint, first[1].fingerprint);
        assert_eq!(first[0].fingerprint, second[0].fingerprint);
        assert_eq!(first[0].fingerprint.len(), 32);
    }
}
