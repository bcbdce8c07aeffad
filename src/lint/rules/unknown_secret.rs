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

use super::LookupContext;
use super::{Check, Rule};
use crate::diagnostics::finding::{Applicability, Severity};
use crate::diagnostics::finding_builder::FindingBuilder;
use crate::diagnostics::rule_id::RuleId;
use crate::inventory::lookup::LookupResult;
use crate::sources::scalar::{Reference, ReferencePart};
use crate::text::lookalike;
use crate::zenml::grammar::ForeignSyntax;

/// The rule.
pub(super) const RULE: Rule = Rule {
    id: RuleId::UnknownSecret,
    severity: Severity::Error,
    summary: "no secret of that name",
    page: include_str!("unknown_secret.rs"),
    check: Check::Reference(check),
};

fn check(reference: &Reference, context: &LookupContext<'_>) -> Option<FindingBuilder> {
    let LookupResult::NotFound = context.answer else { return None };
    let nearest = context.suggestion.clone();
    let difference = match &nearest {
        Some(nearest) => lookalike::describe_difference(&reference.secret, nearest),
        None => lookalike::describe_suspicious(&reference.secret),
    };
    let message = format!("no secret `{}`{difference} in {}", reference.secret, context.describe_inventories());
    let finding = reference.finding(RULE.id, message);
    let of_nearest = |name: &str| lookalike::describe_difference(name, &reference.secret);
    let mut help = match (&context.dotted_suggestion, &nearest) {
        (Some(shifted), _) => format!("did you mean `{shifted}`? The first dot ends the name of the secret"),
        (None, Some(name)) if name.to_lowercase() == reference.secret.to_lowercase() => {
            format!("did you mean `{name}`? Case counts")
        }
        (None, Some(name)) => format!("did you mean `{name}`{}?", of_nearest(name)),
        (None, None) => "correct the name, or register the secret".to_owned(),
    };
    if let Some(foreign) = reference.foreign {
        help.push_str(match foreign {
            ForeignSyntax::GitHub => "; GitHub Actions' braces are not filled in here",
            ForeignSyntax::Databricks => "; Databricks' braces are not filled in here",
            ForeignSyntax::OnePassword => "; 1Password's braces are not filled in here",
            ForeignSyntax::CloudFormation => "; CloudFormation's braces are not filled in here",
            ForeignSyntax::Argo => "; Argo's names are not filled in here, where the resolver takes them for a secret",
        });
    }
    let edits = nearest.as_deref().map(|nearest| reference.rename_edits(ReferencePart::Secret, nearest));
    let finding = finding.suggestion(nearest);
    let finding = finding.fix(Applicability::Suggestion, edits.unwrap_or_default());
    Some(finding.label("not found").help(help))
}
