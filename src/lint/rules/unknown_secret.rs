//! A reference to a secret that does not exist in the inventory. This includes attributes that name
//! a whole secret without braces, such as `authentication_secret`. Names are case-sensitive.
//!
//! ## Why
//!
//! ZenML's own check ignores case and accepts parts of names, so it accepts names that do not
//! resolve.
//!
//! ## Example
//!
//! ```yaml
//! tracking_password: '{{mlfow.password}}'
//! ```
//!
//! ## Fix
//!
//! Correct the name, or register the secret. `--fix=suggestions` replaces the name with the nearest
//! one.

use crate::diagnostics::finding::{Applicability, Severity};
use crate::diagnostics::finding_builder::FindingBuilder;
use crate::diagnostics::rule_id::RuleId;
use crate::inventory::lookup::LookupResult;
use crate::lint::declared_secrets::DeclaredDifference;
use crate::lint::rule::{Check, Rule};
use crate::lint::subject::LookupContext;
use crate::sources::reference::{Reference, ReferencePart};
use crate::text::lookalike;
use crate::zenml::grammar::ForeignSyntax;

pub(super) const RULE: Rule = Rule {
    id: RuleId::UnknownSecret,
    severity: Severity::Error,
    summary: "a reference to a secret that does not exist",
    page: include_str!("unknown_secret.rs"),
    check: Check::Reference(check),
};

fn check(reference: &Reference, context: &LookupContext<'_>) -> Option<FindingBuilder> {
    let LookupResult::NotFound = context.answer else {
        return None;
    };
    let problem = match context.difference() {
        // The rule `unknown-key` reports it.
        Some((DeclaredDifference::Key, _)) => return None,
        Some((DeclaredDifference::Name, problem)) => Some(problem),
        None => None,
    };
    let nearest = context.suggestion.clone();
    let difference = match &nearest {
        Some(nearest) => lookalike::describe_difference(reference.secret(), nearest),
        None => lookalike::describe_suspicious(reference.secret()),
    };
    let name = reference.secret();
    let message = if context.chain.is_empty() && problem.is_some() {
        format!("no secret `{name}`{difference} is declared")
    } else {
        format!(
            "no secret `{name}`{difference} in {}",
            context.describe_inventories()
        )
    };
    let finding = reference.finding(RULE.id, message);
    // The suggestion may be a name of an inventory.
    let related = problem.filter(|problem| problem.suggestion == nearest);
    let finding = related.into_iter().fold(finding, |finding, problem| {
        finding.related(problem.related.clone())
    });
    let edits = nearest
        .as_deref()
        .map(|nearest| reference.rename_edits(ReferencePart::Secret, nearest));
    let finding = finding.suggestion(nearest);
    let finding = finding.fix(Applicability::Suggestion, edits.unwrap_or_default());
    Some(finding.label("not found").help(help(reference, context)))
}

fn help(reference: &Reference, context: &LookupContext<'_>) -> String {
    let help = match (&context.dotted_suggestion, &context.suggestion) {
        (Some(dotted), _) => {
            format!("did you mean `{dotted}`? The name of a secret ends at the first dot")
        }
        (None, Some(name)) if name.to_lowercase() == reference.secret().to_lowercase() => {
            format!("did you mean `{name}`? Names are case-sensitive")
        }
        (None, Some(name)) => {
            format!(
                "did you mean `{name}`{}?",
                lookalike::describe_difference(name, reference.secret())
            )
        }
        (None, None) => "correct the name, or register the secret".to_owned(),
    };
    let Some(note) = reference.foreign.map(foreign_note) else {
        return help;
    };
    let end = if help.ends_with('?') { "" } else { "." };
    format!("{help}{end} {note}")
}

/// Explains why a reference in the syntax of another tool is looked up.
fn foreign_note(foreign: ForeignSyntax) -> &'static str {
    match foreign {
        ForeignSyntax::GitHub => "GitHub Actions does not expand this value",
        ForeignSyntax::Databricks => "Databricks does not resolve this value",
        ForeignSyntax::OnePassword => "1Password does not resolve this value",
        ForeignSyntax::CloudFormation => "CloudFormation does not resolve this value",
        ForeignSyntax::Argo => {
            "Argo Workflows does not expand this value; it is read as a reference"
        }
    }
}
