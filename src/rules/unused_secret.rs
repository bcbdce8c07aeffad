//! A name in an inventory file inside the repository that no stack uses. Said only when the whole tree was walked, since a
//! stack elsewhere in it could be the one that does.
//!
//! ## Why
//!
//! What nobody uses nobody rotates either.
//!
//! ## Example
//!
//! ```yaml
//! # secrets.inventory.yaml, with no reference to `old_db` in any stack file
//! old_db: [password]
//! ```
//!
//! ## Fix
//!
//! Remove it, or set `unused-secret = "off"` under `[rules]`.

use super::{Check, Rule};
use crate::finding::{Finding, Severity};
use crate::inventory::Declared;

/// The rule.
pub(super) const RULE: Rule = Rule {
    name: "unused-secret",
    severity: Severity::Warning,
    summary: "a name in an inventory file that no stack uses",
    page: include_str!("unused_secret.rs"),
    check: Check::Inventory(check),
};

fn check(declared: &Declared, used: bool) -> Option<Finding> {
    if used {
        return None;
    }
    let message = format!("no stack uses the secret `{}`", declared.name);
    let mut finding = Finding::new(RULE.name, RULE.severity, &declared.source, declared.span, message);
    finding.secret = Some(declared.name.clone());
    Some(finding.with_help("remove it, if nothing outside this repository needs it"))
}
