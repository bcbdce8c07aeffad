//! The shape of an issue in GitLab's Code Quality report.

use super::exact_values::Fingerprint;
use super::is_rule;
use serde::Deserialize;

/// An issue that stackref wrote. The issue of a failure has the severity `blocker` and does not
/// name a rule.
#[derive(Deserialize)]
#[serde(try_from = "RawIssue")]
pub struct ParsedIssue;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
#[expect(dead_code, reason = "deserialized only to validate")]
struct RawIssue {
    description: String,
    check_name: String,
    fingerprint: Fingerprint,
    severity: String,
    location: IssueLocation,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
#[expect(dead_code, reason = "deserialized only to validate")]
struct IssueLocation {
    path: String,
    lines: IssueLines,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
#[expect(dead_code, reason = "deserialized only to validate")]
struct IssueLines {
    begin: u64,
    end: Option<u64>,
}

impl TryFrom<RawIssue> for ParsedIssue {
    type Error = &'static str;

    fn try_from(raw: RawIssue) -> Result<Self, Self::Error> {
        let is_finding =
            matches!(raw.severity.as_str(), "major" | "minor") && is_rule(&raw.check_name);
        if is_finding || raw.severity == "blocker" {
            Ok(Self)
        } else {
            Err("not an issue that stackref wrote")
        }
    }
}
