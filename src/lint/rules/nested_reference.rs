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
//!
//! In `environment:` of a run config, name the secret in `secrets:` instead. ZenML then sets an
//! environment variable for each of its keys:
//!
//! ```yaml
//! secrets: [wandb]
//! ```

use super::is_foreign_text;
use crate::diagnostics::finding::Severity;
use crate::diagnostics::finding_builder::FindingBuilder;
use crate::diagnostics::rule_id::RuleId;
use crate::lint::rule::{Check, Rule};
use crate::sources::scalar::ScalarContext;
use crate::sources::stack_model::{Purpose, Role};
use crate::text::nearest::nearest;
use crate::zenml::grammar::{BraceExpression, BraceKind, Resolver};

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
    let is_variable = is_environment_variable(context);
    let message = match (component, &attribute) {
        (Some(_), Some(attribute)) => {
            format!("a reference nested in `{attribute}`: ZenML does not replace it")
        }
        (None, Some(attribute)) if is_variable => {
            format!("a reference in `{attribute}`: ZenML does not replace it")
        }
        _ => "a reference outside of components: ZenML does not replace it".to_owned(),
    };
    let help = if is_variable {
        variable_help(braces)
    } else if context.is_in_command() {
        "use the reference as the whole value of an option".to_owned()
    } else if context.is_in_script() {
        "use the reference as the whole value of an attribute".to_owned()
    } else if is_misspelt {
        "did you mean `configuration`?".to_owned()
    } else {
        "move it to a top-level attribute of a component, or set `resolver = \"render\"` and use `stackref render`".to_owned()
    };
    let finding = context.finding_at(RULE.id, braces, message);
    Some(finding.label("never replaced").help(help))
}

fn is_environment_variable(context: &ScalarContext<'_>) -> bool {
    matches!(
        context.position.purpose,
        Purpose::RunVariable | Purpose::ImageVariable
    )
}

/// Returns the help for a reference in an environment variable.
fn variable_help(braces: &BraceExpression<'_>) -> String {
    match braces.kind {
        BraceKind::Reference { name, key, .. } => format!(
            "add `{name}` to `secrets:` of the run or the step: ZenML then sets a variable `{key}`"
        ),
        BraceKind::Dynamic { .. } | BraceKind::Malformed(_) => {
            "add the secret to `secrets:` of the run or the step: ZenML then sets a variable for each key"
                .to_owned()
        }
    }
}
