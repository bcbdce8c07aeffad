//! A reference in an attribute that does not accept one, such as the `name` of a component.
//!
//! The rule reports:
//!
//! - `name`, `type` and `flavor`;
//! - every attribute of a secrets manager;
//! - the `path` of an artifact store;
//! - attributes that a validator of the flavor reads.
//!
//! ## Why
//!
//! ZenML reads these values before it resolves secrets, so it sees the braces instead of the value.
//!
//! ## Example
//!
//! ```yaml
//! components:
//!   container_registry:
//!     flavor: default
//!     name: registry
//!     uri: '{{registry.uri}}'
//! ```
//!
//! ## Fix
//!
//! Write the value itself. If it differs between environments, set `resolver = "render"` and render
//! the file with `stackref render` before you deploy it.

use crate::diagnostics::finding::Severity;
use crate::diagnostics::finding_builder::FindingBuilder;
use crate::diagnostics::rule_id::RuleId;
use crate::lint::rule::{Check, Rule};
use crate::sources::scalar::ScalarContext;
use crate::zenml::grammar::Resolver;

pub(super) const RULE: Rule = Rule {
    id: RuleId::RefusedAttribute,
    severity: Severity::Error,
    summary: "a reference in an attribute that does not accept one",
    page: include_str!("refused_attribute.rs"),
    check: Check::Scalar(check),
};

/// The keys that identify a component, in stacks and in component specs.
const IDENTIFYING_KEYS: [&str; 9] = [
    "name",
    "type",
    "flavor",
    "id",
    "user",
    "is_shared",
    "spec_type",
    "component_type",
    "component_flavor",
];

fn check(context: &ScalarContext<'_>) -> Option<FindingBuilder> {
    if context.resolver != Resolver::Zenml || !context.position.is_refused {
        return None;
    }
    let braces = context.brace_expressions().first()?;
    let (component, attribute) = context.invalid_position();
    let attribute = attribute.unwrap_or_default();
    let message = if matches!(
        component.as_deref(),
        Some("secrets_manager" | "secrets-manager")
    ) {
        format!(
            "`{attribute}` of a secrets manager cannot be a reference: the secrets manager resolves references"
        )
    } else if IDENTIFYING_KEYS.contains(&&*attribute) {
        format!("`{attribute}` cannot be a reference: it identifies the component")
    } else {
        format!(
            "`{attribute}` cannot be a reference: ZenML validates it before it resolves secrets"
        )
    };
    let finding = context.finding_at(RULE.id, braces, message);
    let help = if context.is_in_script() {
        "write the value itself"
    } else {
        "write the value itself, or set `resolver = \"render\"` and use `stackref render`"
    };
    Some(finding.label("never replaced").help(help))
}
