//! The shape of the JSON report. Optional fields include those of later versions.

use super::exact_values::{DiscardedList, Fingerprint, RuleName, SeverityName, VersionOne};
use serde::Deserialize;
use serde::de::IgnoredAny;
use std::collections::BTreeMap;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
#[expect(dead_code, reason = "deserialized only to validate")]
pub struct ParsedReport {
    version: VersionOne,
    findings: DiscardedList<ParsedFinding>,
    failures: Option<DiscardedList<ParsedFailure>>,
    statistics: Option<IgnoredAny>,
    summary: ParsedSummary,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
#[expect(dead_code, reason = "deserialized only to validate")]
struct ParsedFinding {
    rule: RuleName,
    severity: SeverityName,
    message: String,
    path: String,
    source: Option<String>,
    span: Option<ParsedSpan>,
    fingerprint: Fingerprint,
    help: Option<String>,
    stack: Option<String>,
    component: Option<String>,
    component_name: Option<String>,
    attribute: Option<String>,
    secret: Option<String>,
    key: Option<String>,
    suggestion: Option<String>,
    related: Option<IgnoredAny>,
    environments: Option<Vec<String>>,
    url: Option<String>,
    fix: Option<IgnoredAny>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
#[expect(dead_code, reason = "deserialized only to validate")]
struct ParsedSpan {
    offset: u64,
    length: u64,
    start: IgnoredAny,
    end: IgnoredAny,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
#[expect(dead_code, reason = "deserialized only to validate")]
struct ParsedFailure {
    message: String,
    help: Option<String>,
}

/// The counts. Later versions may add counts.
#[derive(Deserialize)]
#[expect(dead_code, reason = "deserialized only to validate")]
struct ParsedSummary {
    files: u64,
    references: u64,
    errors: u64,
    warnings: u64,
    ignored: u64,
    fixable: u64,
    #[serde(flatten)]
    more: BTreeMap<String, u64>,
}
