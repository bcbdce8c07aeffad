//! The JSON report, version 1. Offsets and lengths are UTF-8 bytes; a field that does not apply is absent.

use crate::diagnostics::error::Failure;
use crate::diagnostics::excerpt::is_unsafe;
use crate::diagnostics::finding::{Finding, Fix, Scope};
use crate::lint::report::{Report, Summary};
use crate::sources::scalar::Reference;
use crate::text::source::{SourceFile, Span};
use schemars::JsonSchema;
use serde::ser::Error as _;
use serde::{Serialize, Serializer};
use serde_json::ser::{Formatter, PrettyFormatter};
use std::cell::RefCell;
use std::io::{self, BufWriter, Write};

const VERSION: u32 = 1;

/// The report of one run. Other fields may come; none goes or changes its meaning within a version.
#[derive(Serialize, JsonSchema)]
pub(crate) struct JsonReport<'r> {
    /// 1.
    version: u32,
    /// In the order of path, offset and rule.
    #[schemars(with = "Vec<JsonFinding<'r>>")]
    findings: StreamedItems<'r, JsonFinding<'r>>,
    /// Why the run failed, or could not look up everything; empty unless it exits with 2 or 3.
    failures: Vec<JsonFailure<'r>>,
    /// Their numbers.
    summary: JsonSummary,
}

/// Why a run failed, or could not look up everything.
#[derive(Serialize, JsonSchema)]
#[schemars(rename = "Failure")]
pub(super) struct JsonFailure<'r> {
    /// What could not be done, and the reason.
    message: String,
    /// What to do.
    #[serde(skip_serializing_if = "Option::is_none")]
    help: Option<&'r str>,
}

/// Returns failures as reports have them.
pub(super) fn failures(failures: &[Failure]) -> Vec<JsonFailure<'_>> {
    let failure = |failure| JsonFailure { message: Failure::to_string(failure), help: Failure::help_text(failure) };
    failures.iter().map(failure).collect()
}

/// The numbers of a run.
#[derive(Serialize, JsonSchema)]
#[schemars(rename = "Summary")]
pub(super) struct JsonSummary {
    /// Stack files.
    files: usize,
    /// References in them, names of whole secrets included.
    references: usize,
    /// References with a part that is only known at run time.
    dynamic: usize,
    /// References that were not looked up.
    unchecked: usize,
    /// References of which the secret was found and the key was not looked up.
    #[serde(skip_serializing_if = "is_zero")]
    unchecked_keys: usize,
    /// Findings that are errors.
    errors: usize,
    /// Findings that are warnings.
    warnings: usize,
    /// Findings that are not reported, since a comment or the config says so.
    ignored: usize,
    /// Findings that `--fix` can take away.
    fixable: usize,
    /// Fixes that were applied.
    #[serde(skip_serializing_if = "is_zero")]
    fixed: usize,
    /// Findings that are not reported, since the baseline has them.
    #[serde(skip_serializing_if = "is_zero")]
    baselined: usize,
}

impl JsonSummary {
    /// Takes over the numbers of a run.
    pub fn new(summary: &Summary) -> Self {
        Self {
            files: summary.files,
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

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde hands it a reference")]
fn is_zero(number: &usize) -> bool {
    *number == 0
}

/// What is wrong, and where. A field that does not apply is absent.
#[derive(Serialize, JsonSchema)]
#[schemars(rename = "Finding")]
struct JsonFinding<'r> {
    /// The rule's name, as `stackref explain` lists it.
    rule: &'r str,
    /// `error` or `warning`.
    severity: &'r str,
    /// What is wrong, in a sentence.
    message: &'r str,
    #[serde(skip_serializing_if = "Option::is_none")]
    /// What to do.
    help: Option<&'r str>,
    /// From the working directory, with `/`.
    path: &'r str,
    /// The reference with its braces, or what is wrong where there is none.
    span: JsonSpan,
    #[serde(flatten)]
    scope: JsonScope<'r>,
    /// The secret that the reference names.
    #[serde(skip_serializing_if = "Option::is_none")]
    secret: Option<&'r str>,
    /// The key that it names.
    #[serde(skip_serializing_if = "Option::is_none")]
    key: Option<&'r str>,
    /// The name or key that was probably meant.
    #[serde(skip_serializing_if = "Option::is_none")]
    suggestion: Option<&'r str>,
    /// The same for the same mistake, wherever in its file it moves; it holds no line and no value.
    fingerprint: &'r str,
    /// What would mend it.
    #[serde(skip_serializing_if = "Option::is_none")]
    fix: Option<JsonFix<'r>>,
}

impl<'r> JsonFinding<'r> {
    fn new(finding: &'r Finding) -> Self {
        Self {
            rule: finding.rule.name(),
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
        }
    }
}

/// Edits of the finding's file, to be made all or none.
#[derive(Serialize, JsonSchema)]
#[schemars(rename = "Fix")]
struct JsonFix<'r> {
    /// `safe` (`--fix` applies it) or `suggestion` (only `--fix=suggestions` does).
    applicability: &'r str,
    /// Sorted, and apart from each other.
    edits: Vec<JsonEdit<'r>>,
}

/// Other text for some bytes of the file.
#[derive(Serialize, JsonSchema)]
#[schemars(rename = "Edit")]
struct JsonEdit<'r> {
    /// The first byte that goes.
    offset: usize,
    /// How many bytes go.
    length: usize,
    /// What comes.
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

/// Every reference of the stack files.
#[derive(Serialize, JsonSchema)]
pub(crate) struct JsonReferences<'r> {
    /// 1.
    version: u32,
    /// In the order of path and offset.
    #[schemars(with = "Vec<JsonReference<'r>>")]
    references: StreamedItems<'r, JsonReference<'r>>,
    /// Why the list is not complete; empty unless the run exits with 2.
    failures: Vec<JsonFailure<'r>>,
}

/// A reference, as the resolver sees it. A field that does not apply is absent.
#[derive(Serialize, JsonSchema)]
#[schemars(rename = "Reference")]
struct JsonReference<'r> {
    /// From the working directory, with `/`.
    path: &'r str,
    /// The reference with its braces.
    span: JsonSpan,
    #[serde(flatten)]
    scope: JsonScope<'r>,
    /// The secret that it names.
    secret: &'r str,
    /// The key that it names; absent where a whole secret is named.
    #[serde(skip_serializing_if = "Option::is_none")]
    key: Option<&'r str>,
}

/// Whose it is.
#[derive(Serialize, JsonSchema)]
struct JsonScope<'r> {
    /// `stack_name`.
    #[serde(skip_serializing_if = "Option::is_none")]
    stack: Option<&'r str>,
    /// The key below `components`.
    #[serde(skip_serializing_if = "Option::is_none")]
    component: Option<&'r str>,
    /// The component's `name`.
    #[serde(skip_serializing_if = "Option::is_none")]
    component_name: Option<&'r str>,
    /// Its attribute; in a file without components a dotted path.
    #[serde(skip_serializing_if = "Option::is_none")]
    attribute: Option<&'r str>,
}

/// Some bytes of a file.
#[derive(Serialize, JsonSchema)]
#[schemars(rename = "Span")]
pub(super) struct JsonSpan {
    /// Where it begins: UTF-8 bytes from the file's beginning.
    offset: usize,
    /// UTF-8 bytes.
    length: usize,
    /// Where it begins.
    start: JsonPosition,
    /// Where it ends: behind its last character.
    end: JsonPosition,
}

/// A place in a file.
#[derive(Serialize, JsonSchema)]
#[schemars(rename = "Position")]
struct JsonPosition {
    /// From 1.
    line: usize,
    /// From 1, in Unicode scalar values.
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

/// Writes the findings, the failures and their numbers.
///
/// # Errors
/// Those of the writer.
pub fn write(report: &Report, out: &mut dyn Write) -> io::Result<()> {
    let findings = StreamedItems::new(report.findings.iter().map(JsonFinding::new));
    let summary = JsonSummary::new(&report.summary);
    let failures = failures(&report.failures);
    write_pretty(&JsonReport { version: VERSION, findings, failures, summary }, out)
}

/// Writes a list of references, and why it is not complete.
///
/// # Errors
/// Those of the writer.
pub fn write_references<'r>(
    references: impl Iterator<Item = &'r Reference> + 'r,
    failed: &[Failure],
    out: &mut dyn Write,
) -> io::Result<()> {
    let references = references.map(|reference| JsonReference {
        path: reference.source.path(),
        span: JsonSpan::new(&reference.source, reference.span),
        scope: JsonScope::new(&reference.scope),
        secret: &reference.secret,
        key: reference.key.as_deref(),
    });
    let failures = failures(failed);
    write_pretty(&JsonReferences { version: VERSION, references: StreamedItems::new(references), failures }, out)
}

/// The items of a list, each made when it is written: a report may have a million.
pub(super) struct StreamedItems<'r, T>(RefCell<Box<dyn Iterator<Item = T> + 'r>>);

impl<'r, T> StreamedItems<'r, T> {
    pub fn new(items: impl IntoIterator<Item = T, IntoIter: 'r>) -> Self {
        Self(RefCell::new(Box::new(items.into_iter())))
    }
}

impl<T: Serialize> Serialize for StreamedItems<'_, T> {
    /// Writes the items; a second call has none.
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_seq(&mut **self.0.try_borrow_mut().map_err(S::Error::custom)?)
    }
}

/// Writes a value as JSON with indentation, piece by piece. Control characters and invisible ones are escaped, also where JSON
/// does not require it.
pub(super) fn write_pretty(value: &impl Serialize, out: &mut dyn Write) -> io::Result<()> {
    let mut out = BufWriter::new(out);
    let mut serializer = serde_json::Serializer::with_formatter(&mut out, EscapingFormatter(PrettyFormatter::new()));
    value.serialize(&mut serializer)?;
    writeln!(out)?;
    out.flush()
}

/// A formatter that escapes in strings what steers a terminal or cannot be seen, and otherwise writes what
/// [`PrettyFormatter`] does.
struct EscapingFormatter(PrettyFormatter<'static>);

impl Formatter for EscapingFormatter {
    fn write_string_fragment<W: Write + ?Sized>(&mut self, out: &mut W, fragment: &str) -> io::Result<()> {
        let mut from = 0;
        for (at, c) in fragment.char_indices().filter(|&(_, c)| is_unsafe(c)) {
            out.write_all(fragment.get(from..at).unwrap_or_default().as_bytes())?;
            for unit in c.encode_utf16(&mut [0; 2]) {
                write!(out, "\\u{unit:04x}")?;
            }
            from = at + c.len_utf8();
        }
        out.write_all(fragment.get(from..).unwrap_or_default().as_bytes())
    }

    fn begin_array<W: Write + ?Sized>(&mut self, out: &mut W) -> io::Result<()> {
        self.0.begin_array(out)
    }

    fn end_array<W: Write + ?Sized>(&mut self, out: &mut W) -> io::Result<()> {
        self.0.end_array(out)
    }

    fn begin_array_value<W: Write + ?Sized>(&mut self, out: &mut W, first: bool) -> io::Result<()> {
        self.0.begin_array_value(out, first)
    }

    fn end_array_value<W: Write + ?Sized>(&mut self, out: &mut W) -> io::Result<()> {
        self.0.end_array_value(out)
    }

    fn begin_object<W: Write + ?Sized>(&mut self, out: &mut W) -> io::Result<()> {
        self.0.begin_object(out)
    }

    fn end_object<W: Write + ?Sized>(&mut self, out: &mut W) -> io::Result<()> {
        self.0.end_object(out)
    }

    fn begin_object_key<W: Write + ?Sized>(&mut self, out: &mut W, first: bool) -> io::Result<()> {
        self.0.begin_object_key(out, first)
    }

    fn begin_object_value<W: Write + ?Sized>(&mut self, out: &mut W) -> io::Result<()> {
        self.0.begin_object_value(out)
    }

    fn end_object_value<W: Write + ?Sized>(&mut self, out: &mut W) -> io::Result<()> {
        self.0.end_object_value(out)
    }
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "tests")]
mod tests {
    use super::*;
    use serde_json::{Value, json};

    #[test]
    fn what_is_written_piece_by_piece_is_what_serde_json_writes() {
        let value = json!({"a": [], "b": {}, "c": [1, "x\u{1b}\u{202e}\"\\\n\u{7f}\u{1f600}\u{e0001}é", null], "d\u{2028}": {"e": true}});
        let mut out = Vec::new();
        write_pretty(&value, &mut out).unwrap();
        let text = String::from_utf8(out).unwrap();
        assert!(text.is_ascii() || !text.chars().any(|c| c != '\n' && is_unsafe(c)), "{text}");
        assert!(text.contains("\\u202e\\\"\\\\\\n\\u007f\u{1f600}\\udb40\\udc01é"), "{text}");
        assert_eq!(serde_json::from_str::<Value>(&text).unwrap(), value);
        let plain = json!({"a": [], "b": {}, "c": [1, [{"x": "y"}]]});
        let mut out = Vec::new();
        write_pretty(&plain, &mut out).unwrap();
        assert_eq!(String::from_utf8(out).unwrap(), serde_json::to_string_pretty(&plain).unwrap() + "\n");
    }
}
