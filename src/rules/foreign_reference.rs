//! Braces of another system: `${{ secrets.X }}` of GitHub Actions, `{{secrets/scope/key}}` of Databricks, `{{ op://… }}` of
//! 1Password, and the names that Argo Workflows uses in its own templates (`{{workflow.name}}`, `{{inputs.…}}`).
//!
//! ## Why
//!
//! Nothing here replaces them. That can be right, where that other system reads the value later: Kubernetes settings hold
//! Argo's names for good reasons. It never speaks where a reference would be replaced.
//!
//! ## Example
//!
//! ```yaml
//! tracking_password: ${{ secrets.MLFLOW_PASSWORD }}
//! ```
//!
//! ## Fix
//!
//! Register the value as a secret and refer to it: `{{mlflow.password}}`. If it is right as it is, put
//! `# stackref: literal` on the line or the one above.

use super::is_foreign_text;
use super::{Check, Rule};
use crate::finding::{Finding, Severity};
use crate::reference::{Foreign, Resolver};
use crate::site::Site;

/// The rule.
pub(super) const RULE: Rule = Rule {
    name: "foreign-reference",
    severity: Severity::Warning,
    summary: "the braces of another system",
    page: include_str!("foreign_reference.rs"),
    check: Check::Scalar(check),
};

fn check(site: &Site<'_>) -> Option<Finding> {
    let mut foreign = site.pieces().iter().filter(|piece| is_foreign_text(site, piece));
    let piece = foreign.next()?;
    // Beside a reference that is an error here, the error is what counts; where the reference is right, both are.
    if site.resolver == Resolver::Zenml && 1 + foreign.count() < site.pieces().len() {
        return None;
    }
    let (message, range) = match piece.foreign? {
        Foreign::GitHub => {
            ("GitHub Actions' braces: neither ZenML nor stackref replaces them", piece.range.start - 1..piece.range.end)
        }
        Foreign::Databricks => ("Databricks' braces: neither ZenML nor stackref replaces them", piece.range.clone()),
        Foreign::OnePassword => ("1Password's braces: neither ZenML nor stackref replaces them", piece.range.clone()),
        Foreign::Argo => ("a name of Argo Workflows: neither ZenML nor stackref replaces it here", piece.range.clone()),
    };
    let finding = site.finding((RULE.name, RULE.severity), &range, message.to_owned());
    Some(finding.with_label("plain text to both").with_help(
        "refer to a secret, `{{name.key}}`; or, if another system reads this, say so with `# stackref: literal`",
    ))
}
