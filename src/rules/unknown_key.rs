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

use super::{Check, Known, Rule, capitalised};
use crate::finding::{Applicability, Finding, Severity};
use crate::inventory::lookup::Answer;
use crate::lookalike;
use crate::site::{Part, Reference};

/// The rule.
pub(super) const RULE: Rule = Rule {
    name: "unknown-key",
    severity: Severity::Error,
    summary: "the secret has no such key",
    page: include_str!("unknown_key.rs"),
    check: Check::Reference(check),
};

/// Keys that the help lists.
const LISTED: usize = 10;

fn check(reference: &Reference, known: &Known<'_>) -> Option<Finding> {
    let Answer::Found { keys: Some(keys), .. } = known.answer else { return None };
    let key = reference.key.as_deref()?;
    if keys.contains_key(key) {
        return None;
    }
    let odd = match &known.nearest {
        Some(nearest) => lookalike::difference(key, nearest),
        None => lookalike::suspicious(key),
    };
    let message = format!("secret `{}` in the inventory `{}` has no key `{key}`{odd}", reference.secret, known.holder);
    let mut finding = reference.finding((RULE.name, RULE.severity), message);
    let more = keys.len().saturating_sub(LISTED);
    let mut list = keys.keys().take(LISTED).map(|name| format!("`{name}`")).collect::<Vec<_>>().join(", ");
    if more > 0 {
        list.push_str(&format!(" and {more} more"));
    }
    let has = if keys.is_empty() { "it has no keys at all".to_owned() } else { format!("it has {list}") };
    finding.suggestion.clone_from(&known.nearest);
    let edits = known.nearest.as_deref().map(|nearest| reference.renaming(Part::Key, nearest));
    let finding = finding.with_fix(Applicability::Suggestion, edits.unwrap_or_default());
    Some(finding.with_label("no such key").with_help(match &known.nearest {
        Some(nearest) => {
            let odd = lookalike::difference(nearest, key);
            format!("did you mean `{nearest}`{odd}? {}", capitalised(&has))
        }
        None => has,
    }))
}
