//! A reference to a secret that the inventory does not have. It speaks of attributes that name a whole secret without braces
//! (`authentication_secret`), too. Names are compared exactly, case included.
//!
//! ## Why
//!
//! ZenML's own check compares by substring and without case, so it passes names that will not resolve.
//!
//! ## Example
//!
//! ```yaml
//! tracking_password: '{{mlfow.password}}'
//! ```
//!
//! ## Fix
//!
//! Correct the name, or register the secret.

use super::Known;
use super::{Check, Rule};
use crate::finding::{Applicability, Finding, Severity};
use crate::inventory::lookup::Answer;
use crate::lookalike;
use crate::reference::Foreign;
use crate::site::{Part, Reference};

/// The rule.
pub(super) const RULE: Rule = Rule {
    name: "unknown-secret",
    severity: Severity::Error,
    summary: "no secret of that name",
    page: include_str!("unknown_secret.rs"),
    check: Check::Reference(check),
};

fn check(reference: &Reference, known: &Known<'_>) -> Option<Finding> {
    let Answer::Missing = known.answer else { return None };
    let nearest = known.nearest.clone();
    let odd = match &nearest {
        Some(nearest) => lookalike::difference(&reference.secret, nearest),
        None => lookalike::suspicious(&reference.secret),
    };
    let message = format!("no secret `{}`{odd} in {}", reference.secret, known.inventories());
    let mut finding = reference.finding((RULE.name, RULE.severity), message);
    let of_nearest = |name: &str| lookalike::difference(name, &reference.secret);
    let mut help = match (&known.shifted, &nearest) {
        (Some(shifted), _) => format!("did you mean `{shifted}`? The first dot ends the name of the secret"),
        (None, Some(name)) if name.to_lowercase() == reference.secret.to_lowercase() => {
            format!("did you mean `{name}`? Case counts")
        }
        (None, Some(name)) => format!("did you mean `{name}`{}?", of_nearest(name)),
        (None, None) => "correct the name, or register the secret".to_owned(),
    };
    if let Some(foreign) = reference.foreign {
        help.push_str(match foreign {
            Foreign::GitHub => "; GitHub Actions' braces are not filled in here",
            Foreign::Databricks => "; Databricks' braces are not filled in here",
            Foreign::OnePassword => "; 1Password's braces are not filled in here",
            Foreign::CloudFormation => "; CloudFormation's braces are not filled in here",
            Foreign::Argo => "; Argo's names are not filled in here, where the resolver takes them for a secret",
        });
    }
    let edits = nearest.as_deref().map(|nearest| reference.renaming(Part::Secret, nearest));
    finding.suggestion = nearest;
    let finding = finding.with_fix(Applicability::Suggestion, edits.unwrap_or_default());
    Some(finding.with_label("not found").with_help(help))
}
