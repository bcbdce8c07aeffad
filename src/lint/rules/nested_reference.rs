//! A reference inside a list or mapping of an attribute, or in a part of the file that does not
//! belong to a component. This rule applies only with the resolver `zenml`.
//!
//! ## Why
//!
//! ZenML replaces only the whole string value of a top-level attribute of a component. Deeper
//! values keep their braces.
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
//! Move the reference to a top-level attribute, or set `resolver = "render"` and run
//! `stackref render`.

use super::is_foreign_text;
use crate::diagnostics::finding::Severity;
use crate::diagnostics::finding_builder::FindingBuilder;
use crate::diagnostics::rule_id::RuleId;
use crate::lint::rule::{Check, Rule};
use crate::sources::scalar::ScalarContext;
use crate::sources::stack_model::Role;
use crate::text::nearest::nearest;
use crate::zenml::grammar::Resolver;

pub(super) const RULE: Rule = Rule {
    id: RuleId::NestedReference,
    severity: Severity::Error,
    summary: "a reference inside a list or mapping of an attribute",
    page: include_str!("nested_reference.rs"),
    check: Check::Scalar(check),
};

fn check(context: &ScalarContext<'_>) -> Option<FindingBuilder> {
    if context.resolver != Resolver::Zenml || context.position.role < Role::Nested {
        return None;
    }
    let braces = context
        .brace_expressions()
        .iter()
        .find(|braces| !is_foreign_text(context, braces))?;
    let (component, attribute) = context.invalid_position();
    let is_misspelt = attribute
        .as_deref()
        .is_some_and(|attribute| nearest(attribute, ["configuration"]).is_some());
    let message = match (component, &attribute) {
        (Some(_), Some(attribute)) => {
            format!("a reference nested in `{attribute}`: ZenML does not replace it")
        }
        _ => "a reference outside of components: ZenML does not replace it".to_owned(),
    };
    let help = if context.is_in_script() {
        "use the reference as the whole value of an option"
    } else if is_misspelt {
        "did you mean `configuration`?"
    } else {
        "move it to a top-level attribute of a component, or set `resolver = \"render\"` and use `stackref render`"
    };
    let finding = context.finding_at(RULE.id, braces, message);
    Some(finding.label("never replaced").help(help))
}
