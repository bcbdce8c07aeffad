//! `secrets` or `environment` of a stack or a component in a stack file.
//!
//! ## Why
//!
//! Stacks and components on a ZenML server can have secrets and environment variables. But
//! `zenml stack export` does not write them, and `zenml stack import` does not read them. So the
//! imported stack runs without them, and nothing reports it.
//!
//! ## Example
//!
//! ```yaml
//! stack_name: prod
//! components:
//!   orchestrator:
//!     flavor: kubernetes
//!     name: cluster
//!     configuration: {}
//! secrets: [wandb]
//! ```
//!
//! ## Fix
//!
//! Remove the key, and set its contents after the import:
//! `zenml stack update prod --secret=wandb`. For a single pipeline, use `secrets:` of its run config.

use crate::diagnostics::finding::Severity;
use crate::diagnostics::finding_builder::FindingBuilder;
use crate::diagnostics::rule_id::RuleId;
use crate::lint::rule::{Check, Rule};
use crate::sources::scalar::ScalarContext;
use crate::sources::stack_model::Purpose;

pub(super) const RULE: Rule = Rule {
    id: RuleId::IgnoredField,
    severity: Severity::Warning,
    summary: "secrets or variables in a stack file, which ZenML does not import",
    page: include_str!("ignored_field.rs"),
    check: Check::Scalar(check),
};

fn check(context: &ScalarContext<'_>) -> Option<FindingBuilder> {
    if context.position.purpose != Purpose::IgnoredField {
        return None;
    }
    let scope = context.scope();
    let (owner, command) = match scope.component {
        Some(kind) => ("a component", kind.replace('_', "-")),
        None => ("a stack", "stack".to_owned()),
    };
    let option = if context.text == "secrets" {
        "--secret"
    } else {
        "--env"
    };
    let message = format!(
        "`{}` of {owner} in a stack file: `zenml stack import` does not read it",
        context.text
    );
    let help =
        format!("remove it, and use `zenml {command} update` with `{option}` after the import");
    let finding = context.finding(RULE.id, &(0..context.text.len()), message);
    Some(finding.label("never imported").help(help))
}
