//! The SARIF format (2.1.0), for code scanning: one run with its rules, and a result per finding.
//!
//! - Paths are URIs relative to the root of the repository (`SRCROOT`).
//! - Columns count code points. As SARIF requires, an end column is one after the last character.
//! - A failure is a notification, and the run is then marked as not successful.

use super::failure_text;
use super::json_writer::{StreamedItems, write_pretty};
use crate::diagnostics::finding::{Finding, Fix};
use crate::lint::report::Report;
use crate::lint::rules::{PROJECT_URL, RULES, capitalize};
use crate::text::escape::escape_control;
use crate::text::source::{SourceFile, Span};
use serde::Serialize;
use serde_json::{Value, json};
use std::io::{self, Write};

/// The value of `$schema`.
pub(super) const SCHEMA: &str = "https://json.schemastore.org/sarif-2.1.0.json";

/// The key of stackref's fingerprints. Its number must change if their computation changes.
const FINGERPRINT: &str = "stackref/v1";

/// The whole log. Fields are in alphabetical order, the order in which `json!` writes its objects.
#[derive(Serialize)]
struct SarifLog<'r> {
    #[serde(rename = "$schema")]
    schema: &'static str,
    runs: [SarifRun<'r>; 1],
    version: &'static str,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct SarifRun<'r> {
    column_kind: &'static str,
    invocations: Value,
    original_uri_base_ids: Value,
    results: StreamedItems<'r, Value>,
    tool: Value,
}

/// Writes the log. Each result is created only when it is written.
pub fn write(report: &Report, out: &mut dyn Write) -> io::Result<()> {
    let notifications: Vec<Value> = report
        .failures
        .iter()
        .map(|failure| json!({"level": "error", "message": {"text": failure_text(failure)}}))
        .collect();
    let invocation = json!({"executionSuccessful": notifications.is_empty()});
    let notifications = Some(notifications).filter(|notifications| !notifications.is_empty());
    let invocation = with(
        invocation,
        "toolExecutionNotifications",
        notifications.map(Value::from),
    );
    let run = SarifRun {
        column_kind: "unicodeCodePoints",
        invocations: json!([invocation]),
        original_uri_base_ids: json!({"SRCROOT": {"description": {"text": "The root of the repository."}}}),
        results: StreamedItems::new(report.findings.iter().map(result)),
        tool: json!({"driver": {
            "name": "stackref",
            "informationUri": PROJECT_URL,
            "version": env!("CARGO_PKG_VERSION"),
            "semanticVersion": env!("CARGO_PKG_VERSION"),
            "rules": rules(),
        }}),
    };
    write_pretty(
        &SarifLog {
            schema: SCHEMA,
            runs: [run],
            version: "2.1.0",
        },
        out,
    )
}

/// Returns the descriptions of all rules.
fn rules() -> Vec<Value> {
    let rules = RULES.iter().map(|rule| {
        let page = rule.page();
        let summary = format!("{}.", capitalize(rule.summary));
        json!({
            "id": rule.id.name(),
            "name": rule.id.name().split('-').map(capitalize).collect::<String>(),
            "shortDescription": {"text": summary},
            "fullDescription": {"text": rule.first_paragraph()},
            "helpUri": rule.url(),
            "help": {"text": page, "markdown": page},
            "defaultConfiguration": {"level": rule.severity.name(), "enabled": !rule.is_off_by_default()},
            "properties": {"tags": ["security"]},
        })
    });
    rules.collect()
}

/// Returns the result for a finding.
fn result(finding: &Finding) -> Value {
    let mut text = escape_control(&finding.message);
    if let Some(help) = &finding.help {
        text.push_str(&format!(". Help: {}", escape_control(help)));
    }
    let index = RULES.iter().position(|rule| rule.id == finding.rule);
    let result = json!({
        "ruleId": finding.rule.name(),
        "level": finding.severity.name(),
        "message": {"text": text},
        "locations": [{"physicalLocation": location(&finding.source, finding.span)}],
        "partialFingerprints": {FINGERPRINT: finding.fingerprint},
    });
    let result = with(result, "ruleIndex", index.map(Value::from));
    let environments = Some(&finding.environments).filter(|names| !names.is_empty());
    let properties = environments.map(|names| json!({"environments": names}));
    let result = with(result, "properties", properties);
    let related = finding.related.as_ref().map(|related| {
        json!([{
            "physicalLocation": location(&related.source, related.span),
            "message": {"text": escape_control(&related.message)},
        }])
    });
    let result = with(result, "relatedLocations", related);
    with(
        result,
        "fixes",
        finding
            .fix
            .as_ref()
            .map(|fix| json!([sarif_fix(finding, fix)])),
    )
}

/// Adds a property to an object if there is a value for it.
fn with(mut object: Value, name: &str, value: Option<Value>) -> Value {
    if let (Some(entries), Some(value)) = (object.as_object_mut(), value) {
        entries.insert(name.to_owned(), value);
    }
    object
}

fn sarif_fix(finding: &Finding, fix: &Fix) -> Value {
    let replacements = fix.edits.iter().map(|edit| {
        json!({
            "deletedRegion": region(&finding.source, edit.span),
            "insertedContent": {"text": edit.replacement},
        })
    });
    let (applicability, help) = (
        fix.applicability.name(),
        finding.help.as_deref().unwrap_or("apply the fix"),
    );
    json!({
        "description": {"text": format!("{} ({applicability})", escape_control(help))},
        "artifactChanges": [{
            "artifactLocation": artifact(&finding.source),
            "replacements": replacements.collect::<Vec<_>>(),
        }],
    })
}

/// Returns a location. A component on a server has a URI of its own, and no region.
fn location(source: &SourceFile, span: Span) -> Value {
    if source.is_registered() {
        return json!({"artifactLocation": {"uri": source.path()}});
    }
    json!({"artifactLocation": artifact(source), "region": region(source, span)})
}

fn artifact(source: &SourceFile) -> Value {
    json!({"uri": uri(source.repository_path()), "uriBaseId": "SRCROOT"})
}

fn region(source: &SourceFile, span: Span) -> Value {
    let (start, end) = (source.position(span.start), source.position(span.end));
    json!({"startLine": start.line, "startColumn": start.column, "endLine": end.line, "endColumn": end.column})
}

/// Returns a relative path as a URI reference. Bytes that RFC 3986 does not allow in the segments
/// of a path are percent-encoded.
fn uri(path: &str) -> String {
    let mut out = String::with_capacity(path.len());
    for &byte in path.as_bytes() {
        // A colon is not in the list: the text before it in the first segment would be read as a
        // scheme.
        if byte.is_ascii_alphanumeric() || b"-._~/!$&'()*+,;=@".contains(&byte) {
            out.push(char::from(byte));
        } else {
            out.push_str(&format!("%{byte:02X}"));
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn path_is_percent_encoded() {
        assert_eq!(
            uri("stacks/my prod ü:1%.yaml"),
            "stacks/my%20prod%20%C3%BC%3A1%25.yaml"
        );
    }
}
