//! A reference with a part that is known only at run time. The rule is off by default.
//!
//! Such a part is a variable of a shell or of the environment, such as `{{${ENV}_db.password}}`, or a
//! placeholder in documentation. A variable that a script assigns once, to literal text, does not
//! count.
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
//! ## Fix
//!
//! Write out the names.

use crate::diagnostics::finding::Severity;
use crate::diagnostics::finding_builder::FindingBuilder;
use crate::diagnostics::rule_id::RuleId;
use crate::lint::rule::{Check, Rule};
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
    let message = "a part of this reference is known only at run time";
    let finding = reference.finding(RULE.id, message).label("not checked");
    Some(finding.help("write out the names of the secret and the key"))
}
