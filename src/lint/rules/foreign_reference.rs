//! A reference in the syntax of another tool, such as GitHub Actions or 1Password.
//!
//! | syntax | tool |
//! |---|---|
//! | `${{ secrets.X }}` | GitHub Actions |
//! | `{{secrets/scope/key}}` | Databricks |
//! | `{{ op://… }}`, `op://…` | 1Password |
//! | `{{resolve:secretsmanager:…}}` | CloudFormation |
//! | `{{workflow.name}}`, `{{inputs.…}}` | templates of Argo Workflows |
//! | `ref+vault://…` | vals |
//! | `vault:secret/data/x#y` | Bank-Vaults |
//! | `<path:secret/data/x#y>` | Argo CD Vault plugin |
//!
//! Text that may also mean something else, such as `file:///run/secrets/x` and `env:PASSWORD`, is
//! reported only in sensitive attributes.
//!
//! ## Why
//!
//! Neither ZenML nor stackref replaces such a reference, so the component receives the text itself.
//! This is correct if the other tool reads the value later. For example, Kubernetes settings may
//! contain variables of Argo Workflows.
//!
//! ## Example
//!
//! ```yaml
//! tracking_password: ${{ secrets.MLFLOW_PASSWORD }}
//! ```
//!
//! ## Fix
//!
//! Register the value as a secret and refer to it: `{{mlflow.password}}`.
//!
//! If the other tool reads the value, put a comment on the line or on the line above it:
//! `# stackref: literal` for braces, `# stackref: ignore[foreign-reference]` for other syntax.

use super::is_foreign_text;
use crate::diagnostics::finding::Severity;
use crate::diagnostics::finding_builder::FindingBuilder;
use crate::diagnostics::rule_id::RuleId;
use crate::lint::rule::{Check, Rule};
use crate::sources::scalar::ScalarContext;
use crate::sources::stack_model::Role;
use crate::text::tool_references;
use crate::zenml::grammar::{ForeignSyntax, ParsedValue, Resolver};

pub(super) const RULE: Rule = Rule {
    id: RuleId::ForeignReference,
    severity: Severity::Warning,
    summary: "a reference in the syntax of another tool",
    page: include_str!("foreign_reference.rs"),
    check: Check::Scalar(check),
};

fn check(context: &ScalarContext<'_>) -> Option<FindingBuilder> {
    if matches!(context.value, ParsedValue::Plain) {
        whole_value(context)
    } else {
        braces(context)
    }
}

/// Reports a value without braces, such as `op://vault/item/field`.
fn whole_value(context: &ScalarContext<'_>) -> Option<FindingBuilder> {
    let position = context.position;
    let reference = tool_references::foreign_reference(context.text)?;
    if position.is_key
        || position.role != Role::Attribute
        || !(reference.is_unambiguous || position.is_sensitive)
    {
        return None;
    }
    let message = format!(
        "a reference for {}: neither ZenML nor stackref resolves it",
        reference.tool
    );
    let finding = context.finding(RULE.id, &(0..context.text.len()), message);
    let finding = finding.redact(!reference.is_unambiguous);
    let help = "refer to a secret, `{{name.key}}`, or add `# stackref: ignore[foreign-reference]` if another tool \
                reads this value";
    Some(finding.label("used as plain text").help(help))
}

/// Reports the braces of another tool.
fn braces(context: &ScalarContext<'_>) -> Option<FindingBuilder> {
    let mut foreign = context
        .brace_expressions()
        .iter()
        .filter(|braces| is_foreign_text(context, braces));
    let first = foreign.next()?;
    // Next to a reference, the value is an error of `embedded-reference`, which matters more. With
    // resolver `render`, that reference is valid, and both are reported.
    if context.resolver == Resolver::Zenml
        && 1 + foreign.count() < context.brace_expressions().len()
    {
        return None;
    }
    let range = first.range.clone();
    let (message, range) = match first.foreign? {
        // The `$` before the braces belongs to the expression.
        ForeignSyntax::GitHub => (
            "a GitHub Actions expression: neither ZenML nor stackref replaces it",
            range.start - 1..range.end,
        ),
        ForeignSyntax::Databricks => (
            "a reference for Databricks: neither ZenML nor stackref resolves it",
            range,
        ),
        ForeignSyntax::OnePassword => (
            "a reference for 1Password: neither ZenML nor stackref resolves it",
            range,
        ),
        ForeignSyntax::CloudFormation => (
            "a reference for CloudFormation: neither ZenML nor stackref resolves it",
            range,
        ),
        ForeignSyntax::Argo => (
            "an Argo Workflows variable: neither ZenML nor stackref replaces it here",
            range,
        ),
    };
    let finding = context.finding(RULE.id, &range, message.to_owned());
    let help = "refer to a secret, `{{name.key}}`, or add `# stackref: literal` if another tool reads this value";
    Some(finding.label("used as plain text").help(help))
}
