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
use crate::finding::{Finding, Severity};
use crate::nearest::nearest;
use crate::reference::Resolver;
use crate::site::Site;
use crate::stack::Role;

/// The rule.
pub(super) const RULE: Rule = Rule {
    name: "nested-reference",
    severity: Severity::Error,
    summary: "a reference inside a list or map of an attribute",
    page: include_str!("nested_reference.rs"),
    check: Check::Scalar(check),
};

fn check(site: &Site<'_>) -> Option<Finding> {
    if site.resolver != Resolver::Zenml || site.place.role < Role::Nested {
        return None;
    }
    let piece = site.pieces().iter().find(|piece| !is_foreign_text(site, piece))?;
    let (component, attribute) = site.fault();
    let is_misspelt = attribute.as_deref().is_some_and(|attribute| nearest(attribute, ["configuration"]).is_some());
    let message = match (component, &attribute) {
        (Some(_), Some(attribute)) => format!("a reference inside `{attribute}`, deeper than ZenML looks"),
        _ => "a reference that no component takes up: ZenML looks only at their attributes".to_owned(),
    };
    let help = if site.is_in_script() {
        "ZenML replaces whole values of options only"
    } else if is_misspelt {
        "did you mean `configuration`?"
    } else {
        "ZenML replaces whole values of top-level attributes only; for others set `resolver = \"render\"` and use `stackref render`"
    };
    let finding = site.finding_at((RULE.name, RULE.severity), piece, message);
    Some(finding.with_label("never replaced here").with_help(help))
}
