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
use crate::finding::{Finding, Severity};
use crate::reference::Resolver;
use crate::site::Site;

/// The rule.
pub(super) const RULE: Rule = Rule {
    name: "refused-attribute",
    severity: Severity::Error,
    summary: "an attribute that takes no reference",
    page: include_str!("refused_attribute.rs"),
    check: Check::Scalar(check),
};

/// What says which component this is, in stacks and in specs.
const SAYS_WHICH: [&str; 9] =
    ["name", "type", "flavor", "id", "user", "is_shared", "spec_type", "component_type", "component_flavor"];

fn check(site: &Site<'_>) -> Option<Finding> {
    if site.resolver != Resolver::Zenml || !site.place.refused {
        return None;
    }
    let piece = site.pieces().first()?;
    let (component, attribute) = site.fault();
    let attribute = attribute.unwrap_or_default();
    let message = if matches!(component.as_deref(), Some("secrets_manager" | "secrets-manager")) {
        format!("`{attribute}` of a secrets manager takes no reference: the manager is what resolves them")
    } else if SAYS_WHICH.contains(&&*attribute) {
        format!("`{attribute}` takes no reference: it says which component this is")
    } else {
        format!("`{attribute}` takes no reference: ZenML validates it before secrets are resolved")
    };
    let finding = site.finding_at((RULE.name, RULE.severity), piece, message);
    let help = if site.is_in_script() {
        "write the value out"
    } else {
        "write the value out, or fill it in before deployment with `resolver = \"render\"`"
    };
    Some(finding.with_label("stays as it is").with_help(help))
}
