//! The JSON report of `check`, version 1.
//!
//! Offsets and lengths are UTF-8 bytes. A field that does not apply is absent. The doc comments of
//! these types and fields are the descriptions in the published schema.

use super::json_types::{JsonFailure, JsonScope, JsonSpan, VERSION, json_failures};
use super::json_writer::{StreamedItems, write_pretty};
use crate::diagnostics::finding::{Finding, Fix, FixEdit, RelatedSpan};
use crate::lint::report::{Report, Summary};
use crate::lint::rules;
use crate::text::source_kind::SourceKind;
use schemars::JsonSchema;
use serde::Serialize;
use std::io::{self, Write};

/// The report of one run. Within a version, fields can be added, but none is removed or changes its
/// meaning.
#[derive(Serialize, JsonSchema)]
pub(crate) struct JsonReport<'r> {
    /// The version of this format: 1.
    version: u32,
    /// The findings, sorted by path, offset and rule.
    #[schemars(with = "Vec<JsonFinding<'r>>")]
    findings: StreamedItems<'r, JsonFinding<'r>>,
    /// The failures of the run. Empty unless stackref exits with code 2 or 3.
    failures: Vec<JsonFailure<'r>>,
    /// The counts of the run.
    summary: JsonSummary,
}

/// The counts of a run.
#[derive(Serialize, JsonSchema)]
#[schemars(rename = "Summary")]
pub(super) struct JsonSummary {
    /// The number of files.
    files: usize,
    /// The number of components that are registered on servers. Absent without `--registered`.
    #[serde(skip_serializing_if = "Option::is_none")]
    registered: Option<usize>,
    /// The number of references in these files and components, including names of whole secrets.
    references: usize,
    /// The number of references with a part that is only known at run time.
    dynamic: usize,
    /// The number of references that were not looked up.
    unchecked: usize,
    /// The number of references whose secret was found but whose key was not looked up.
    #[serde(skip_serializing_if = "is_zero")]
    unchecked_keys: usize,
    /// The number of findings that are errors.
    errors: usize,
    /// The number of findings that are warnings.
    warnings: usize,
    /// The number of findings that a comment or the config suppresses.
    ignored: usize,
    /// The number of findings that `--fix` fixes.
    fixable: usize,
    /// The number of fixes that were applied.
    #[serde(skip_serializing_if = "is_zero")]
    fixed: usize,
    /// The number of findings that the baseline suppresses.
    #[serde(skip_serializing_if = "is_zero")]
    baselined: usize,
}

impl JsonSummary {
    pub fn new(summary: &Summary) -> Self {
        Self {
            files: summary.files,
            registered: summary.registered,
            references: summary.references,
            dynamic: summary.dynamic,
            unchecked: summary.unchecked.references,
            unchecked_keys: summary.unchecked.keys,
            errors: summary.errors,
            warnings: summary.warnings,
            ignored: summary.ignored,
            fixable: summary.fixable,
            fixed: summary.fixed,
            baselined: summary.baselined,
        }
    }
}

#[expect(
    clippy::trivially_copy_pass_by_ref,
    reason = "serde passes a reference"
)]
fn is_zero(number: &usize) -> bool {
    *number == 0
}

/// A reported problem. A field that does not apply is absent.
#[derive(Serialize, JsonSchema)]
#[schemars(rename = "Finding")]
struct JsonFinding<'r> {
    /// The name of the rule, as `stackref explain` lists it.
    rule: &'r str,
    /// `error` or `warning`.
    severity: &'r str,
    /// The problem, in one sentence.
    message: &'r str,
    #[serde(skip_serializing_if = "Option::is_none")]
    /// How to solve the problem.
    help: Option<&'r str>,
    /// The path of the file, relative to the working directory, with `/`. For a component on a server, it is
    /// `zenml://INVENTORY/components/TYPE/NAME`.
    path: &'r str,
    /// The kind of file: `stacks`, `scripts`, `docs`, `python` or `terraform`. Absent if references are not read from the
    /// file.
    #[serde(skip_serializing_if = "Option::is_none")]
    source: Option<&'r str>,
    /// The reference, including its braces. If the problem is not in a reference, the text that
    /// causes it. Absent for a component on a server.
    #[serde(skip_serializing_if = "Option::is_none")]
    span: Option<JsonSpan>,
    #[serde(flatten)]
    scope: JsonScope<'r>,
    /// The secret that the reference names.
    #[serde(skip_serializing_if = "Option::is_none")]
    secret: Option<&'r str>,
    /// The key that the reference names.
    #[serde(skip_serializing_if = "Option::is_none")]
    key: Option<&'r str>,
    /// The name or key that was probably intended.
    #[serde(skip_serializing_if = "Option::is_none")]
    suggestion: Option<&'r str>,
    /// The environments in which the secret or the key is missing, in the order of the config.
    #[serde(skip_serializing_if = "<[String]>::is_empty")]
    environments: &'r [String],
    /// Another place that explains the finding, for example the declaration of a secret.
    #[serde(skip_serializing_if = "Option::is_none")]
    related: Option<JsonRelated<'r>>,
    /// An identifier of the finding that does not change if the finding moves within its file. It
    /// contains neither line numbers nor values.
    fingerprint: &'r str,
    /// The URL of the rule's page.
    url: String,
    /// The edits that fix the problem.
    #[serde(skip_serializing_if = "Option::is_none")]
    fix: Option<JsonFix<'r>>,
}

impl<'r> From<&'r Finding> for JsonFinding<'r> {
    fn from(finding: &'r Finding) -> Self {
        Self {
            rule: finding.rule.name(),
            severity: finding.severity.name(),
            message: &finding.message,
            help: finding.help.as_deref(),
            path: finding.source.path(),
            source: finding
                .source
                .kind_at(finding.span.start)
                .map(SourceKind::name),
            span: JsonSpan::in_file(&finding.source, finding.span),
            scope: JsonScope::from(&finding.scope),
            secret: finding.secret.as_deref(),
            key: finding.key.as_deref(),
            suggestion: finding.suggestion.as_deref(),
            environments: &finding.environments,
            related: finding.related.as_ref().map(JsonRelated::from),
            fingerprint: &finding.fingerprint,
            url: rules::get(finding.rule).url(),
            fix: finding.fix.as_ref().map(JsonFix::from),
        }
    }
}

/// A place that explains a finding.
#[derive(Serialize, JsonSchema)]
#[schemars(rename = "Related")]
struct JsonRelated<'r> {
    /// The path of the file, relative to the working directory, with `/`.
    path: &'r str,
    /// The text that explains the finding.
    span: JsonSpan,
    /// What is there.
    message: &'r str,
}

impl<'r> From<&'r RelatedSpan> for JsonRelated<'r> {
    fn from(related: &'r RelatedSpan) -> Self {
        Self {
            path: related.source.path(),
            span: JsonSpan::new(&related.source, related.span),
            message: &related.message,
        }
    }
}

/// Edits of the file that contains the finding. Apply either all of them or none.
#[derive(Serialize, JsonSchema)]
#[schemars(rename = "Fix")]
struct JsonFix<'r> {
    /// `safe` (`--fix` applies it) or `suggestion` (only `--fix=suggestions` applies it).
    applicability: &'r str,
    /// The edits, sorted by offset. They do not overlap.
    edits: Vec<JsonEdit<'r>>,
}

/// A replacement of bytes in the file.
#[derive(Serialize, JsonSchema)]
#[schemars(rename = "Edit")]
struct JsonEdit<'r> {
    /// The offset of the first byte to replace.
    offset: usize,
    /// The number of bytes to replace.
    length: usize,
    /// The text to insert in their place.
    replacement: &'r str,
}

impl<'r> From<&'r Fix> for JsonFix<'r> {
    fn from(fix: &'r Fix) -> Self {
        Self {
            applicability: fix.applicability.name(),
            edits: fix.edits.iter().map(JsonEdit::from).collect(),
        }
    }
}

impl<'r> From<&'r FixEdit> for JsonEdit<'r> {
    fn from(edit: &'r FixEdit) -> Self {
        Self {
            offset: edit.span.start,
            length: edit.span.len(),
            replacement: &edit.replacement,
        }
    }
}

/// Writes the findings, the failures and the counts of a run.
pub fn write(report: &Report, out: &mut dyn Write) -> io::Result<()> {
    let findings = StreamedItems::new(report.findings.iter().map(JsonFinding::from));
    let summary = JsonSummary::new(&report.summary);
    let failures = json_failures(&report.failures);
    write_pretty(
        &JsonReport {
            version: VERSION,
            findings,
            failures,
            summary,
        },
        out,
    )
}
