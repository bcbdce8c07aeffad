//! Two secrets with the same name on a ZenML server: one is public, the other private.
//!
//! ## Why
//!
//! Which of the two ZenML uses depends on its version, so the same reference can resolve to two
//! different values.
//!
//! ## Example
//!
//! A ZenML server has a public and a private secret `mlflow`, and a stack contains
//! `'{{mlflow.password}}'`.
//!
//! ## Fix
//!
//! Rename one of the two secrets.

use crate::diagnostics::finding::Severity;
use crate::diagnostics::finding_builder::FindingBuilder;
use crate::diagnostics::rule_id::RuleId;
use crate::inventory::NameCaveat;
use crate::lint::rule::{Check, Rule};
use crate::lint::subject::LookupContext;
use crate::sources::reference::Reference;

pub(super) const RULE: Rule = Rule {
    id: RuleId::AmbiguousSecret,
    severity: Severity::Warning,
    summary: "a secret whose name is not unique on the ZenML server",
    page: include_str!("ambiguous_secret.rs"),
    check: Check::Reference(check),
};

fn check(reference: &Reference, context: &LookupContext<'_>) -> Option<FindingBuilder> {
    let used = match context.caveat()? {
        NameCaveat::PublicOfTwo => "the public one",
        NameCaveat::PrivateOfTwo => "the private one",
        NameCaveat::PrivateOnly => return None,
    };
    let message = format!(
        "two secrets `{}` in {}: ZenML uses {used}",
        reference.secret(),
        context.found_in()
    );
    let finding = reference.finding(RULE.id, message);
    Some(
        finding
            .label("ambiguous name")
            .help("rename one of the two secrets"),
    )
}
