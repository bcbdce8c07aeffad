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
use crate::lint::declared_secrets::DeclaredDifference;
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
    let (key, secret) = (reference.key()?, reference.secret());
    let difference = match &context.suggestion {
        Some(nearest) => lookalike::describe_difference(key, nearest),
        None => lookalike::describe_suspicious(key),
    };
    let (message, keys, related);
    if let Some((DeclaredDifference::Key, problem)) = context.difference() {
        message = format!("secret `{secret}` is declared without the key `{key}`{difference}");
        keys = list_keys(problem.keys.iter().map(String::as_str), "declared");
        related = Some(problem.related.clone());
    } else {
        let known = context.keys().filter(|_| context.value_type.is_none())?;
        let found_in = context.found_in();
        message = format!("secret `{secret}` in {found_in} has no key `{key}`{difference}");
        keys = if context.keys_differ {
            "the available keys differ between the environments".to_owned()
        } else {
            list_keys(known.keys().map(String::as_str), "available")
        };
        related = None;
    }
    let finding = reference.finding(RULE.id, message);
    let finding = related.into_iter().fold(finding, FindingBuilder::related);
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
                        capitalize(&keys)
                    )
                }
                None => keys,
            }),
    )
}

/// Lists keys, which are `available` or `declared`.
fn list_keys<'k>(keys: impl ExactSizeIterator<Item = &'k str>, kind: &str) -> String {
    let count = keys.len();
    let names: Vec<String> = keys
        .take(MAX_LISTED_KEYS)
        .map(|name| format!("`{name}`"))
        .collect();
    let list = names.join(", ");
    match count.saturating_sub(MAX_LISTED_KEYS) {
        _ if count == 0 => "the secret has no keys".to_owned(),
        0 => format!("{kind} keys: {list}"),
        more => format!("{kind} keys: {list} and {more} more"),
    }
}
