//! A name in an inventory file that no reference can ever hold, because of a dot, white space or a brace in it. It is not
//! reported if an attribute (`authentication_secret: my.secret`), an item of `secrets:` or an option of a command (`--secret
//! my.secret`) names the whole secret, even if that use has a mistake of its own.
//!
//! ## Why
//!
//! The first dot of a reference separates name and key: `{{my.secret.key}}` asks for the key `secret.key` of `my`.
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

use super::{Check, Rule, Usage};
use crate::diagnostics::finding::Severity;
use crate::diagnostics::finding_builder::FindingBuilder;
use crate::diagnostics::rule_id::RuleId;
use crate::inventory::DeclaredName;
use crate::zenml::grammar::{is_space, name_error};

/// The rule.
pub(super) const RULE: Rule = Rule {
    id: RuleId::UnreferenceableSecret,
    severity: Severity::Warning,
    summary: "a name that no reference can hold",
    page: include_str!("unreferenceable_secret.rs"),
    check: Check::Inventory(check),
};

fn check(declared: &DeclaredName, usage: Usage) -> Option<FindingBuilder> {
    // An attribute can name a whole secret, whatever its name.
    if usage == Usage::Used {
        return None;
    }
    let name = &declared.name;
    let why = name_error(name)?;
    let message = format!("no reference can name `{name}`, because {why}");
    let finding = FindingBuilder::new(RULE.id, &declared.source, declared.span, message);
    let finding = finding.names(name.clone(), None);
    let renamed: String =
        name.chars().map(|c| if matches!(c, '.' | '{' | '}') || is_space(c) { '_' } else { c }).collect();
    Some(if name.is_empty() {
        finding.help("give it a name")
    } else {
        finding.help(format!("rename it, for example to `{renamed}`"))
    })
}
