//! A reference to a secret that only its owner can read.
//!
//! ## Why
//!
//! ZenML shows a private secret to its owner alone. For other users, and for a CI job with its own
//! account, the secret does not exist: their pipeline runs fail.
//!
//! ## Example
//!
//! A ZenML server has a private secret `mlflow` and no public one of that name, and a stack
//! contains `'{{mlflow.password}}'`.
//!
//! ## Fix
//!
//! Make the secret public with `zenml secret update mlflow --private false`, or create a public one.

use crate::diagnostics::finding::Severity;
use crate::diagnostics::finding_builder::FindingBuilder;
use crate::diagnostics::rule_id::RuleId;
use crate::inventory::NameCaveat;
use crate::lint::rule::{Check, Rule};
use crate::lint::subject::LookupContext;
use crate::sources::reference::Reference;

pub(super) const RULE: Rule = Rule {
    id: RuleId::PrivateSecret,
    severity: Severity::Warning,
    summary: "a secret that only its owner can read",
    page: include_str!("private_secret.rs"),
    check: Check::Reference(check),
};

fn check(reference: &Reference, context: &LookupContext<'_>) -> Option<FindingBuilder> {
    if context.caveat()? != NameCaveat::PrivateOnly {
        return None;
    }
    let (secret, found_in) = (reference.secret(), context.found_in());
    let message = format!("the secret `{secret}` in {found_in} is private");
    let finding = reference.finding(RULE.id, message);
    Some(
        finding
            .label("other users and CI cannot read it")
            .help(format!(
                "make it public with `zenml secret update {secret} --private false`"
            )),
    )
}
