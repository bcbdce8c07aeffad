//! A reference with a part that is known only at run time. The rule is off by default.
//!
//! Such a part is a variable of a shell or of the environment, such as `{{${ENV}_db.password}}`, an
//! expression in Python or Terraform, or a placeholder in documentation. A variable that a script
//! assigns once, to literal text, does not count.
//!
//! ## Why
//!
//! stackref cannot check which secret the reference names. Use the rule to keep such references out
//! of a repository.
//!
//! ## Example
//!
//! ```text
//! zenml alerter register slack --flavor=slack --slack_token="{{${ENV}_slack.token}}"
//! ```
//!
//! ```text
//! Client().get_secret(f"{ENV}_slack").secret_values["token"]
//! ```
//!
//! ## Fix
//!
//! Write out the names.

use crate::diagnostics::finding::Severity;
use crate::diagnostics::finding_builder::FindingBuilder;
use crate::diagnostics::rule_id::RuleId;
use crate::lint::rule::{Check, Rule};
use crate::sources::reference::Reference;
use crate::sources::scalar::ScalarContext;

pub(super) const RULE: Rule = Rule {
    id: RuleId::DynamicReference,
    severity: Severity::Warning,
    summary: "a reference with a part that is known only at run time",
    page: include_str!("dynamic_reference.rs"),
    check: Check::Scalar(check),
};

fn check(context: &ScalarContext<'_>) -> Option<FindingBuilder> {
    let reference = context
        .variable_references()
        .find(|reference| reference.is_dynamic)?;
    Some(report(&reference, !context.is_in_command()))
}

/// Returns the finding for a reference that is dynamic. In code, literals in the expression are not
/// names, so excerpts hide them.
pub(super) fn report(reference: &Reference, is_code: bool) -> FindingBuilder {
    let text = reference.source.file().slice(reference.span);
    let has_literal = is_code && text.contains(['"', '\'']);
    let message = "a part of this reference is known only at run time";
    let finding = reference.finding(RULE.id, message).label("not checked");
    let finding = finding.help("write out the names of the secret and the key");
    finding.redact(has_literal)
}
