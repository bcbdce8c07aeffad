//! A reference in a mapping key.
//!
//! ## Why
//!
//! Only values are replaced, by ZenML and by `stackref render` alike: the key would stay as it is.
//!
//! ## Example
//!
//! ```yaml
//! settings:
//!   "{{db.user}}": admin
//! ```
//!
//! ## Fix
//!
//! Write the key out, and keep the reference in a value.

use super::{Check, Rule};
use crate::finding::{Finding, Severity};
use crate::site::Site;

/// The rule.
pub(super) const RULE: Rule = Rule {
    name: "reference-in-key",
    severity: Severity::Error,
    summary: "a reference in a mapping key",
    page: include_str!("reference_in_key.rs"),
    check: Check::Scalar(check),
};

fn check(site: &Site<'_>) -> Option<Finding> {
    let piece = site.pieces().first().filter(|_| site.place.key)?;
    let message = "a reference in a mapping key, where nothing replaces it".to_owned();
    let finding = site.finding_at((RULE.name, RULE.severity), piece, message);
    Some(finding.with_label("this is a key").with_help("write the key out; only values are replaced"))
}
