//! The shape of a SARIF log.

use super::exact_values::{
    DiscardedList, Fingerprint, RuleName, SarifSchema, SarifVersion, ToolName,
};
use serde::Deserialize;
use serde::de::IgnoredAny;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
#[expect(dead_code, reason = "deserialized only to validate")]
pub struct ParsedSarifLog {
    #[serde(rename = "$schema")]
    schema: SarifSchema,
    runs: [ParsedSarifRun; 1],
    version: SarifVersion,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
#[expect(dead_code, reason = "deserialized only to validate")]
struct ParsedSarifRun {
    column_kind: IgnoredAny,
    invocations: IgnoredAny,
    original_uri_base_ids: IgnoredAny,
    results: DiscardedList<ParsedSarifResult>,
    tool: ParsedSarifTool,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
#[expect(dead_code, reason = "deserialized only to validate")]
struct ParsedSarifTool {
    driver: ParsedSarifDriver,
}

#[derive(Deserialize)]
#[expect(dead_code, reason = "deserialized only to validate")]
struct ParsedSarifDriver {
    name: ToolName,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
#[expect(dead_code, reason = "deserialized only to validate")]
struct ParsedSarifResult {
    rule_id: RuleName,
    partial_fingerprints: SarifFingerprints,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
#[expect(dead_code, reason = "deserialized only to validate")]
struct SarifFingerprints {
    #[serde(rename = "stackref/v1")]
    fingerprint: Fingerprint,
}
