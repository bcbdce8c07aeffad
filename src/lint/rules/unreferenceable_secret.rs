//! A secret in an inventory file whose name contains a dot, whitespace or a brace, so that no
//! reference can name it.
//!
//! The secret is not reported if an attribute (`authentication_secret: my.secret`), an item of
//! `secrets:` or an option of a command (`--secret my.secret`) names the whole secret, even if that
//! use has a mistake of its own.
//!
//! ## Why
//!
//! The first dot of a reference separates the secret from the key: `{{my.secret.key}}` refers to
//! the key `secret.key` of the secret `my`.
//!
//! ## Example
//!
//! ```yaml
//! # secrets.inventory.yaml
//! my.secret: [password]
//! ```
//!
//! ## Fix
//!
//! Rename the secret: `my_secret`.

use crate::diagnostics::finding::Severity;
use crate::diagnostics::finding_builder::FindingBuilder;
use crate::diagnostics::rule_id::RuleId;
use crate::inventory::DeclaredName;
use crate::lint::rule::{Check, Rule};
use crate::lint::subject::Usage;
use crate::zenml::grammar::{is_space, name_error};

pub(super) const RULE: Rule = Rule {
    id: RuleId::UnreferenceableSecret,
    severity: Severity::Warning,
    summary: "a secret that no reference can name",
    page: include_str!("unreferenceable_secret.rs"),
    check: Check::Inventory(check),
};

fn check(declared: &DeclaredName, usage: Usage) -> Option<FindingBuilder> {
    // An attribute may name a whole secret, even with a dot in the name.
    if usage == Usage::Used {
        return None;
    }
    let name = &declared.name;
    let why = name_error(name)?;
    let message = format!("no reference can name `{name}`, because {why}");
    let finding = FindingBuilder::new(RULE.id, &declared.source, declared.span, message);
    let finding = finding.names(name, None);
    let renamed: String = name
        .chars()
        .map(|c| {
            if matches!(c, '.' | '{' | '}') || is_space(c) {
                '_'
            } else {
                c
            }
        })
        .collect();
    Some(if name.is_empty() {
        finding.help("add a name")
    } else {
        finding.help(format!("rename it, for example to `{renamed}`"))
    })
}
