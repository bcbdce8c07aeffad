//! A name in an inventory file inside the repository that no stack uses. Reported only if the whole tree was scanned, since a
//! stack elsewhere in it could be the one that does. A file that `stackref inventory snapshot` wrote is exempt: the store that
//! it lists may have other users.
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

use super::{Check, Rule, Usage};
use crate::diagnostics::finding::Severity;
use crate::diagnostics::finding_builder::FindingBuilder;
use crate::diagnostics::rule_id::RuleId;
use crate::inventory::DeclaredName;

/// The rule.
pub(super) const RULE: Rule = Rule {
    id: RuleId::UnusedSecret,
    severity: Severity::Warning,
    summary: "a name in an inventory file that no stack uses",
    page: include_str!("unused_secret.rs"),
    check: Check::Inventory(check),
};

fn check(declared: &DeclaredName, usage: Usage) -> Option<FindingBuilder> {
    if usage != Usage::Unused {
        return None;
    }
    let message = format!("no stack uses the secret `{}`", declared.name);
    let finding = FindingBuilder::new(RULE.id, &declared.source, declared.span, message);
    let finding = finding.names(declared.name.clone(), None);
    Some(finding.help("remove it, if nothing outside this repository needs it"))
}
