//! A component in a stack file that differs from the registered component of its type and name. Only
//! `check --registered` reports it.
//!
//! ## Why
//!
//! ZenML runs pipelines with the components that are registered on its server, and not with the
//! files that they were imported from. If they differ, a correct file does not show that the
//! registered stack works, and the next import changes it.
//!
//! A value is compared as ZenML reads it, so `"true"` and `true` are equal. The message names
//! attributes, and never values. Values that `render` or a variable changes are not compared, nor are
//! attributes that the server has hidden.
//!
//! ## Example
//!
//! ```yaml
//! stack_name: prod
//! components:
//!   experiment_tracker:
//!     name: mlflow
//!     flavor: mlflow
//!     configuration:
//!       tracking_uri: https://new.example.com
//! ```
//!
//! On the server, `mlflow` still has the old `tracking_uri`.
//!
//! ## Fix
//!
//! Update the registered component, for example with
//! `zenml experiment-tracker update mlflow --tracking_uri=https://new.example.com`. If the server is
//! right, write the file again with `zenml stack export`. ZenML renames deprecated attributes when a
//! component is registered: use the new names in the file.

use crate::diagnostics::finding::Severity;
use crate::diagnostics::finding_builder::FindingBuilder;
use crate::diagnostics::rule_id::RuleId;
use crate::lint::rule::{Check, Rule};
use crate::lint::subject::ComponentDrift;

pub(super) const RULE: Rule = Rule {
    id: RuleId::RegisteredDrift,
    severity: Severity::Warning,
    summary: "a component that differs from the registered one",
    page: include_str!("registered_drift.rs"),
    check: Check::Component(check),
};

/// The most attributes that a message names in a list.
const MAX_NAMED: usize = 5;

fn check(drift: &ComponentDrift<'_>) -> FindingBuilder {
    let scope = &drift.scope;
    let name = scope.component_name.as_deref().unwrap_or_default();
    let kind = scope.component.as_deref().unwrap_or_default();
    let parts = [
        ("differs in", &drift.changed),
        ("does not have", &drift.only_in_file),
        ("also has", &drift.only_on_server),
    ];
    let named = parts
        .iter()
        .filter(|(_, attributes)| !attributes.is_empty());
    let described: Vec<String> = named
        .map(|(verb, attributes)| format!("{verb} {}", list(attributes)))
        .collect();
    let message = format!(
        "`{name}` on the server of `{}` {}",
        drift.server,
        described.join(", and ")
    );
    let help = format!(
        "update it with `zenml {} update {name}`, or export the stack again",
        kind.replace('_', "-")
    );
    let all = parts.map(|(_, attributes)| attributes.join(" "));
    FindingBuilder::new(RULE.id, drift.source, drift.span, message)
        .label("not as registered")
        .help(help)
        .scope(scope.clone())
        .fingerprint_key(format!("{kind} {name} {}", all.join("; ")))
}

/// Lists the names of attributes.
fn list(attributes: &[&str]) -> String {
    let first = attributes.iter().take(MAX_NAMED);
    let quoted: Vec<String> = first.map(|name| format!("`{name}`")).collect();
    let names = quoted.join(", ");
    match attributes.len().saturating_sub(MAX_NAMED) {
        0 => names,
        more => format!("{names} and {more} more"),
    }
}
