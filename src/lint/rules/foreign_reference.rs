//! A reference of another tool: `${{ secrets.X }}` of GitHub Actions, `{{secrets/scope/key}}` of Databricks, `{{ op://… }}` and
//! `op://…` of 1Password, `ref+vault://…` of vals, `vault:secret/data/x#y` of Bank-Vaults, `{{resolve:secretsmanager:…}}` of
//! CloudFormation, `<path:secret/data/x#y>` of the Argo CD Vault plugin, and the names that Argo Workflows uses in its own
//! templates (`{{workflow.name}}`, `{{inputs.…}}`). What could also mean something else, such as `file:///run/secrets/x` and
//! `env:PASSWORD`, is reported in sensitive attributes only.
//!
//! ## Why
//!
//! Neither ZenML nor stackref replaces it, so the component gets the text itself. That can be right if the other tool reads the
//! value later: Kubernetes settings contain Argo's names for good reasons. A reference that would be replaced is not reported.
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
//! `# stackref: literal` (for braces) or `# stackref: ignore[foreign-reference]` on the line or the one above.

use super::is_foreign_text;
use super::{Check, Rule};
use crate::diagnostics::finding::Severity;
use crate::diagnostics::finding_builder::FindingBuilder;
use crate::diagnostics::rule_id::RuleId;
use crate::sources::scalar::ScalarContext;
use crate::sources::stack_model::Role;
use crate::text::placeholder;
use crate::zenml::grammar::{ForeignSyntax, ParsedValue, Resolver};

/// The rule.
pub(super) const RULE: Rule = Rule {
    id: RuleId::ForeignReference,
    severity: Severity::Warning,
    summary: "a reference of another tool",
    page: include_str!("foreign_reference.rs"),
    check: Check::Scalar(check),
};

fn check(context: &ScalarContext<'_>) -> Option<FindingBuilder> {
    if matches!(context.value, ParsedValue::Plain) { whole_value(context) } else { braces(context) }
}

/// Reports a value without braces that is a reference of another tool.
fn whole_value(context: &ScalarContext<'_>) -> Option<FindingBuilder> {
    let place = context.position;
    let reference = placeholder::foreign_reference(context.text)?;
    if place.is_key || place.role != Role::Attribute || !(reference.is_unambiguous || place.is_sensitive) {
        return None;
    }
    let message = format!("a reference of {}: neither ZenML nor stackref resolves it", reference.tool);
    let finding = context.finding(RULE.id, &(0..context.text.len()), message);
    let finding = finding.redact(!reference.is_unambiguous);
    let help = "refer to a secret, `{{name.key}}`; or, if another tool reads this, add \
                `# stackref: ignore[foreign-reference]`";
    Some(finding.label("plain text to both").help(help))
}

/// Reports the braces of another system.
fn braces(context: &ScalarContext<'_>) -> Option<FindingBuilder> {
    let mut foreign = context.brace_expressions().iter().filter(|piece| is_foreign_text(context, piece));
    let piece = foreign.next()?;
    // Beside a reference that is an error here, the error is what counts; where the reference is right, both are.
    if context.resolver == Resolver::Zenml && 1 + foreign.count() < context.brace_expressions().len() {
        return None;
    }
    let (message, range) = match piece.foreign? {
        ForeignSyntax::GitHub => {
            ("GitHub Actions' braces: neither ZenML nor stackref replaces them", piece.range.start - 1..piece.range.end)
        }
        ForeignSyntax::Databricks => {
            ("Databricks' braces: neither ZenML nor stackref replaces them", piece.range.clone())
        }
        ForeignSyntax::OnePassword => {
            ("1Password's braces: neither ZenML nor stackref replaces them", piece.range.clone())
        }
        ForeignSyntax::CloudFormation => {
            ("CloudFormation's braces: neither ZenML nor stackref replaces them", piece.range.clone())
        }
        ForeignSyntax::Argo => {
            ("a name of Argo Workflows: neither ZenML nor stackref replaces it here", piece.range.clone())
        }
    };
    let finding = context.finding(RULE.id, &range, message.to_owned());
    Some(
        finding.label("plain text to both").help(
            "refer to a secret, `{{name.key}}`; or, if another system reads this, say so with `# stackref: literal`",
        ),
    )
}
