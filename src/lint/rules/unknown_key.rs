//! A reference to a key that the secret does not contain. Keys are case-sensitive.
//!
//! ## Why
//!
//! The pipeline fails only when it first needs the value, minutes into its run.
//!
//! ## Example
//!
//! ```yaml
//! tracking_password: '{{mlflow.passwrod}}'
//! ```
//!
//! ## Fix
//!
//! Correct the key, or add it to the secret. `--fix=suggestions` replaces the key with the nearest
//! one.

use super::capitalize;
use crate::diagnostics::finding::{Applicability, Severity};
use crate::diagnostics::finding_builder::FindingBuilder;
use crate::diagnostics::rule_id::RuleId;
use crate::inventory::lookup::KeyTypes;
use crate::lint::rule::{Check, Rule};
use crate::lint::subject::LookupContext;
use crate::sources::reference::{Reference, ReferencePart};
use crate::text::lookalike;

pub(super) const RULE: Rule = Rule {
    id: RuleId::UnknownKey,
    severity: Severity::Error,
    summary: "a reference to a key that the secret does not contain",
    page: include_str!("unknown_key.rs"),
    check: Check::Reference(check),
};

/// The number of keys that the help lists: enough for most secrets, and still a readable line.
const MAX_LISTED_KEYS: usize = 10;

fn check(reference: &Reference, context: &LookupContext<'_>) -> Option<FindingBuilder> {
    let keys = context.keys()?;
    let key = reference.key()?;
    if context.value_type.is_some() {
        return None;
    }
    let difference = match &context.suggestion {
        Some(nearest) => lookalike::describe_difference(key, nearest),
        None => lookalike::describe_suspicious(key),
    };
    let message = format!(
        "secret `{}` in the inventory `{}` has no key `{key}`{difference}",
        reference.secret(),
        context.found_in
    );
    let finding = reference.finding(RULE.id, message);
    let finding = finding.suggestion(context.suggestion.clone());
    let edits = context
        .suggestion
        .as_deref()
        .map(|nearest| reference.rename_edits(ReferencePart::Key, nearest));
    let finding = finding.fix(Applicability::Suggestion, edits.unwrap_or_default());
    Some(
        finding
            .label("no such key")
            .help(match &context.suggestion {
                Some(nearest) => {
                    let difference = lookalike::describe_difference(nearest, key);
                    format!(
                        "did you mean `{nearest}`{difference}? {}",
                        capitalize(&list_keys(keys))
                    )
                }
                None => list_keys(keys),
            }),
    )
}

fn list_keys(keys: &KeyTypes) -> String {
    let names: Vec<String> = keys
        .keys()
        .take(MAX_LISTED_KEYS)
        .map(|name| format!("`{name}`"))
        .collect();
    let list = names.join(", ");
    match keys.len().saturating_sub(MAX_LISTED_KEYS) {
        _ if keys.is_empty() => "the secret has no keys".to_owned(),
        0 => format!("available keys: {list}"),
        more => format!("available keys: {list} and {more} more"),
    }
}
