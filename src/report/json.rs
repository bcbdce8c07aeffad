//! The JSON report, version 1. Offsets and lengths are UTF-8 bytes; a field that does not apply is absent.

use crate::check::Summary;
use crate::excerpt::is_unsafe;
use crate::finding::{Finding, Fix, Scope};
use crate::site::Reference;
use crate::source::{SourceFile, Span};
use serde::Serialize;
use std::io::{self, Write};

const VERSION: u32 = 1;

#[derive(Serialize)]
struct JsonReport<'r> {
    version: u32,
    findings: Vec<JsonFinding<'r>>,
    summary: JsonSummary,
}

#[derive(Serialize)]
struct JsonSummary {
    files: usize,
    references: usize,
    errors: usize,
    warnings: usize,
    ignored: usize,
    fixable: usize,
    #[serde(skip_serializing_if = "is_zero")]
    fixed: usize,
    #[serde(skip_serializing_if = "is_zero")]
    baselined: usize,
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde hands it a reference")]
fn is_zero(number: &usize) -> bool {
    *number == 0
}

#[derive(Serialize)]
struct JsonFinding<'r> {
    rule: &'r str,
    severity: &'r str,
    message: &'r str,
    #[serde(skip_serializing_if = "Option::is_none")]
    help: Option<&'r str>,
    path: &'r str,
    span: JsonSpan,
    #[serde(flatten)]
    scope: JsonScope<'r>,
    #[serde(skip_serializing_if = "Option::is_none")]
    secret: Option<&'r str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    key: Option<&'r str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    suggestion: Option<&'r str>,
    fingerprint: &'r str,
    #[serde(skip_serializing_if = "Option::is_none")]
    fix: Option<JsonFix<'r>>,
}

#[derive(Serialize)]
struct JsonFix<'r> {
    applicability: &'r str,
    edits: Vec<JsonEdit<'r>>,
}

#[derive(Serialize)]
struct JsonEdit<'r> {
    offset: usize,
    length: usize,
    replacement: &'r str,
}

impl<'r> JsonFix<'r> {
    fn new(fix: &'r Fix) -> Self {
        let edits = fix.edits.iter().map(|edit| JsonEdit {
            offset: edit.span.start,
            length: edit.span.len(),
            replacement: &edit.replacement,
        });
        Self { applicability: fix.applicability.name(), edits: edits.collect() }
    }
}

#[derive(Serialize)]
struct JsonReferences<'r> {
    version: u32,
    references: Vec<JsonReference<'r>>,
}

#[derive(Serialize)]
struct JsonReference<'r> {
    path: &'r str,
    span: JsonSpan,
    #[serde(flatten)]
    scope: JsonScope<'r>,
    secret: &'r str,
    #[serde(skip_serializing_if = "Option::is_none")]
    key: Option<&'r str>,
}

/// Whose it is.
#[derive(Serialize)]
struct JsonScope<'r> {
    #[serde(skip_serializing_if = "Option::is_none")]
    stack: Option<&'r str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    component: Option<&'r str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    component_name: Option<&'r str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    attribute: Option<&'r str>,
}

#[derive(Serialize)]
pub(super) struct JsonSpan {
    offset: usize,
    length: usize,
    start: JsonPosition,
    end: JsonPosition,
}

#[derive(Serialize)]
struct JsonPosition {
    line: usize,
    column: usize,
}

impl<'r> JsonScope<'r> {
    fn new(scope: &'r Scope) -> Self {
        Self {
            stack: scope.stack.as_deref(),
            component: scope.component.as_deref(),
            component_name: scope.component_name.as_deref(),
            attribute: scope.attribute.as_deref(),
        }
    }
}

impl JsonSpan {
    pub fn new(source: &SourceFile, span: Span) -> Self {
        let position = |offset| {
            let at = source.position(offset);
            JsonPosition { line: at.line, column: at.column }
        };
        Self { offset: span.start, length: span.len(), start: position(span.start), end: position(span.end) }
    }
}

/// Writes the findings and their numbers.
///
/// # Errors
/// Those of the writer.
pub fn write(findings: &[Finding], summary: &Summary, out: &mut dyn Write) -> io::Result<()> {
    let findings = findings.iter().map(|finding| JsonFinding {
        rule: finding.rule,
        severity: finding.severity.name(),
        message: &finding.message,
        help: finding.help.as_deref(),
        path: finding.source.path(),
        span: JsonSpan::new(&finding.source, finding.span),
        scope: JsonScope::new(&finding.scope),
        secret: finding.secret.as_deref(),
        key: finding.key.as_deref(),
        suggestion: finding.suggestion.as_deref(),
        fingerprint: &finding.fingerprint,
        fix: finding.fix.as_ref().map(JsonFix::new),
    });
    let summary = JsonSummary {
        files: summary.files,
        references: summary.references,
        errors: summary.errors,
        warnings: summary.warnings,
        ignored: summary.ignored,
        fixable: summary.fixable,
        fixed: summary.fixed,
        baselined: summary.baselined,
    };
    write_pretty(&JsonReport { version: VERSION, findings: findings.collect(), summary }, out)
}

/// Writes a list of references.
///
/// # Errors
/// Those of the writer.
pub fn write_references<'r>(references: impl Iterator<Item = &'r Reference>, out: &mut dyn Write) -> io::Result<()> {
    let references = references.map(|reference| JsonReference {
        path: reference.source.path(),
        span: JsonSpan::new(&reference.source, reference.span),
        scope: JsonScope::new(&reference.scope),
        secret: &reference.secret,
        key: reference.key.as_deref(),
    });
    write_pretty(&JsonReferences { version: VERSION, references: references.collect() }, out)
}

/// What steers a terminal or cannot be seen is escaped, also where JSON does not ask for it: outside strings there is none.
pub(super) fn write_pretty(value: &impl Serialize, out: &mut dyn Write) -> io::Result<()> {
    let text = serde_json::to_string_pretty(value)?;
    let mut from = 0;
    for (at, c) in text.char_indices().filter(|&(_, c)| c != '\n' && is_unsafe(c)) {
        out.write_all(text.get(from..at).unwrap_or_default().as_bytes())?;
        for unit in c.encode_utf16(&mut [0; 2]) {
            write!(out, "\\u{unit:04x}")?;
        }
        from = at + c.len_utf8();
    }
    out.write_all(text.get(from..).unwrap_or_default().as_bytes())?;
    writeln!(out)
}
