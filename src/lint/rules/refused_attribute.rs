//! A reference in an attribute that takes none: `name`, `type` and `flavor`; every attribute of a secrets manager; the `path` of
//! an artifact store; and those that a validator of the flavor reads.
//!
//! ## Why
//!
//! ZenML looks at these values before secrets are resolved, so it sees the braces and not the value.
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
//! Write the value out. Where it differs between environments, render the file first: set `resolver = "render"` and use
//! `stackref render`.

use super::{Check, Rule};
use crate::diagnostics::finding::Severity;
use crate::diagnostics::finding_builder::FindingBuilder;
use crate::diagnostics::rule_id::RuleId;
use crate::sources::scalar::ScalarContext;
use crate::zenml::grammar::Resolver;

/// The rule.
pub(super) const RULE: Rule = Rule {
    id: RuleId::RefusedAttribute,
    severity: Severity::Error,
    summary: "an attribute that takes no reference",
    page: include_str!("refused_attribute.rs"),
    check: Check::Scalar(check),
};

/// What says which component this is, in stacks and in specs.
const IDENTIFYING_KEYS: [&str; 9] =
    ["name", "type", "flavor", "id", "user", "is_shared", "spec_type", "component_type", "component_flavor"];

fn check(context: &ScalarContext<'_>) -> Option<FindingBuilder> {
    if context.resolver != Resolver::Zenml || !context.position.is_refused {
        return None;
    }
    let piece = context.brace_expressions().first()?;
    let (component, attribute) = context.invalid_position();
    let attribute = attribute.unwrap_or_default();
    let message = if matches!(component.as_deref(), Some("secrets_manager" | "secrets-manager")) {
        format!("`{attribute}` of a secrets manager takes no reference: the manager is what resolves them")
    } else if IDENTIFYING_KEYS.contains(&&*attribute) {
        format!("`{attribute}` takes no reference: it says which component this is")
    } else {
        format!("`{attribute}` takes no reference: ZenML validates it before secrets are resolved")
    };
    let finding = context.finding_at(RULE.id, piece, message);
    let help = if context.is_in_script() {
        "write the value out"
    } else {
        "write the value out, or fill it in before deployment with `resolver = \"render\"`"
    };
    Some(finding.label("stays as it is").help(help))
}
