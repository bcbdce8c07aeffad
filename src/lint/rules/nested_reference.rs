//! Under the resolver `zenml`: a reference inside a list or map of an attribute, or in a part of the file that no component
//! takes up.
//!
//! ## Why
//!
//! ZenML replaces only the whole string value of a top-level attribute of a component. Deeper it leaves the braces as they are.
//!
//! ## Example
//!
//! ```yaml
//! settings:
//!   env:
//!     TOKEN: '{{wandb.api_key}}'
//! ```
//!
//! ## Fix
//!
//! Move the reference to a top-level attribute, or set `resolver = "render"` and fill the file in with `stackref render`.

use super::is_foreign_text;
use super::{Check, Rule};
use crate::diagnostics::finding::Severity;
use crate::diagnostics::finding_builder::FindingBuilder;
use crate::diagnostics::rule_id::RuleId;
use crate::sources::scalar::ScalarContext;
use crate::sources::stack_model::Role;
use crate::text::nearest::nearest;
use crate::zenml::grammar::Resolver;

/// The rule.
pub(super) const RULE: Rule = Rule {
    id: RuleId::NestedReference,
    severity: Severity::Error,
    summary: "a reference inside a list or map of an attribute",
    page: include_str!("nested_reference.rs"),
    check: Check::Scalar(check),
};

fn check(context: &ScalarContext<'_>) -> Option<FindingBuilder> {
    if context.resolver != Resolver::Zenml || context.position.role < Role::Nested {
        return None;
    }
    let braces = context.brace_expressions().iter().find(|braces| !is_foreign_text(context, braces))?;
    let (component, attribute) = context.invalid_position();
    let is_misspelt = attribute.as_deref().is_some_and(|attribute| nearest(attribute, ["configuration"]).is_some());
    let message = match (component, &attribute) {
        (Some(_), Some(attribute)) => format!("a reference inside `{attribute}`, deeper than ZenML looks"),
        _ => "a reference that no component takes up: ZenML looks only at their attributes".to_owned(),
    };
    let help = if context.is_in_script() {
        "ZenML replaces whole values of options only"
    } else if is_misspelt {
        "did you mean `configuration`?"
    } else {
        "ZenML replaces whole values of top-level attributes only; for others set `resolver = \"render\"` and use `stackref render`"
    };
    let finding = context.finding_at(RULE.id, braces, message);
    Some(finding.label("never replaced here").help(help))
}
