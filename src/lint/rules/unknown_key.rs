//! A reference to a key that the secret does not have. Keys are compared exactly, case included.
//!
//! ## Why
//!
//! The pipeline fails when it first needs the value, minutes into its run.
//!
//! ## Example
//!
//! ```yaml
//! tracking_password: '{{mlflow.passwrod}}'
//! ```
//!
//! ## Fix
//!
//! Correct the key, or add it to the secret.

use super::{Check, LookupContext, Rule, capitalize};
use crate::diagnostics::finding::{Applicability, Severity};
use crate::diagnostics::finding_builder::FindingBuilder;
use crate::diagnostics::rule_id::RuleId;
use crate::inventory::lookup::LookupResult;
use crate::sources::scalar::{Reference, ReferencePart};
use crate::text::lookalike;

/// The rule.
pub(super) const RULE: Rule = Rule {
    id: RuleId::UnknownKey,
    severity: Severity::Error,
    summary: "the secret has no such key",
    page: include_str!("unknown_key.rs"),
    check: Check::Reference(check),
};

/// Keys that the help lists.
const MAX_LISTED_KEYS: usize = 10;

fn check(reference: &Reference, context: &LookupContext<'_>) -> Option<FindingBuilder> {
    let LookupResult::Found { keys: Some(keys), .. } = context.answer else { return None };
    let key = reference.key.as_deref()?;
    if keys.contains_key(key) {
        return None;
    }
    let difference = match &context.suggestion {
        Some(nearest) => lookalike::describe_difference(key, nearest),
        None => lookalike::describe_suspicious(key),
    };
    let message =
        format!("secret `{}` in the inventory `{}` has no key `{key}`{difference}", reference.secret, context.found_in);
    let finding = reference.finding(RULE.id, message);
    let more = keys.len().saturating_sub(MAX_LISTED_KEYS);
    let mut list = keys.keys().take(MAX_LISTED_KEYS).map(|name| format!("`{name}`")).collect::<Vec<_>>().join(", ");
    if more > 0 {
        list.push_str(&format!(" and {more} more"));
    }
    let has = if keys.is_empty() { "it has no keys at all".to_owned() } else { format!("it has {list}") };
    let finding = finding.suggestion(context.suggestion.clone());
    let edits = context.suggestion.as_deref().map(|nearest| reference.rename_edits(ReferencePart::Key, nearest));
    let finding = finding.fix(Applicability::Suggestion, edits.unwrap_or_default());
    Some(finding.label("no such key").help(match &context.suggestion {
        Some(nearest) => {
            let difference = lookalike::describe_difference(nearest, key);
            format!("did you mean `{nearest}`{difference}? {}", capitalize(&has))
        }
        None => has,
    }))
}
