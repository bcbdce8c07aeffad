//! A secret in an inventory file of the repository that nothing uses.
//!
//! stackref reports it only if it scanned the whole tree, because any file may use the secret.
//! Files that `stackref inventory snapshot` wrote are exempt: other projects may use the store that
//! they list.
//!
//! ## Why
//!
//! Unused secrets are rarely rotated, but still give access.
//!
//! ## Example
//!
//! ```yaml
//! # secrets.inventory.yaml, with no reference to `old_db` in any file
//! old_db: [password]
//! ```
//!
//! ## Fix
//!
//! Remove the secret, or set `unused-secret = "off"` under `[rules]`.

use crate::diagnostics::finding::Severity;
use crate::diagnostics::finding_builder::FindingBuilder;
use crate::diagnostics::rule_id::RuleId;
use crate::inventory::DeclaredName;
use crate::lint::rule::{Check, Rule};
use crate::lint::subject::Usage;

pub(super) const RULE: Rule = Rule {
    id: RuleId::UnusedSecret,
    severity: Severity::Warning,
    summary: "a secret in an inventory file that nothing uses",
    page: include_str!("unused_secret.rs"),
    check: Check::Inventory(check),
};

fn check(declared: &DeclaredName, usage: Usage) -> Option<FindingBuilder> {
    if usage != Usage::Unused {
        return None;
    }
    let message = format!("nothing uses the secret `{}`", declared.name);
    let finding = FindingBuilder::new(RULE.id, &declared.source, declared.span, message);
    let finding = finding.names(&declared.name, None);
    Some(finding.help("remove the secret if nothing outside this repository uses it"))
}
