//! A sensitive attribute that holds plain text. For a flavor that is known its own table decides; for others the last word of
//! the attribute's name: password, token, secret, `api_key`, passphrase, `private_key`. Not said of scripts, which are full of
//! variables.
//!
//! ## Why
//!
//! The file is in the repository, so the secret is, too. ZenML exports it verbatim.
//!
//! ## Example
//!
//! ```yaml
//! tracking_password: s3cr3t
//! ```
//!
//! ## Fix
//!
//! Store the value as a secret, refer to it with `{{name.key}}`, and change it where it is used: it was readable to everyone
//! who can read the repository.

use super::{Check, Rule};
use crate::document::ScalarType;
use crate::finding::{Finding, Severity};
use crate::site::Site;
use crate::stack::Role;

/// The rule.
pub(super) const RULE: Rule = Rule {
    name: "plaintext-secret",
    severity: Severity::Warning,
    summary: "a sensitive attribute that holds plain text",
    page: include_str!("plaintext_secret.rs"),
    check: Check::Scalar(check),
};

fn check(site: &Site<'_>) -> Option<Finding> {
    if site.is_in_script() {
        return None;
    }
    let scalar = site.document.scalar(site.place.node)?;
    let place = site.place;
    let filled_in = ["{{", "${"].iter().any(|mark| site.text.contains(mark));
    // `!hunter2` is a tag with nothing behind it.
    let is_tag = scalar.ty == ScalarType::Tagged && site.text.is_empty();
    let says_nothing = site.text.trim().is_empty() && !is_tag;
    if !place.sensitive || place.key || place.role != Role::Attribute || filled_in || says_nothing {
        return None;
    }
    let scope = site.scope();
    let attribute = scope.attribute.clone().unwrap_or_default();
    let stack = site.stack();
    let component = stack.zip(place.component).and_then(|(stack, at)| stack.components.get(at));
    let listed = component.is_some_and(|component| {
        site.version().is_listed_sensitive(&component.kind, component.flavor.as_deref(), &attribute)
    });
    // A number in `max_token` is no secret; one in an attribute that its flavor calls sensitive is.
    if scalar.ty != ScalarType::String && !is_tag && !(listed && scalar.ty == ScalarType::Other) {
        return None;
    }
    let message = format!("`{attribute}` is sensitive and holds plain text");
    let mut finding = site.finding((RULE.name, RULE.severity), &(0..site.text.len()), message);
    finding.span = site.node_span();
    finding.conceal = true;
    finding.identity = Some(format!("{}.{}", scope.component.unwrap_or_default(), attribute));
    Some(finding.with_label("readable to everyone with the repository").with_help(
        if site.text.starts_with('{') || site.text.ends_with('}') {
            "a reference takes two braces on either side, `{{name.key}}`; what is none belongs in a secret"
        } else {
            "store it as a secret and refer to that: `{{name.key}}`"
        },
    ))
}
