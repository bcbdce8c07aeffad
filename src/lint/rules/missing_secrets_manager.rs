//! A stack of ZenML 0.13 to 0.33 that contains references but no `secrets_manager` component.
//!
//! ## Why
//!
//! These versions resolve references only through the secrets manager of the stack.
//!
//! ## Example
//!
//! ```yaml
//! zenml_version: 0.13.2
//! components:
//!   experiment_tracker:
//!     flavor: wandb
//!     name: wandb
//!     api_key: '{{wandb.api_key}}'
//! ```
//!
//! ## Fix
//!
//! Add a `secrets_manager` component to the stack.

use crate::diagnostics::finding::Severity;
use crate::diagnostics::finding_builder::FindingBuilder;
use crate::diagnostics::rule_id::RuleId;
use crate::lint::rule::{Check, Rule};
use crate::sources::reference::Reference;
use crate::sources::stack_model::Stack;
use crate::zenml::keywords::FileKind;

pub(super) const RULE: Rule = Rule {
    id: RuleId::MissingSecretsManager,
    severity: Severity::Error,
    summary: "references in a stack of an old ZenML without a secrets manager",
    page: include_str!("missing_secrets_manager.rs"),
    check: Check::Stack(check),
};

fn check(stack: &Stack, references: &[&Reference]) -> Option<FindingBuilder> {
    let needed = stack.kind == Some(FileKind::Stack)
        && stack.version.needs_secrets_manager()
        && !stack.has_secrets_manager();
    // These versions do not check attributes that name a whole secret.
    let first = references
        .iter()
        .find(|reference| reference.key().is_some())
        .filter(|_| needed)?;
    let message = "references in a stack without a secrets manager";
    let finding = first.finding(RULE.id, message);
    let help =
        "add a `secrets_manager` component: ZenML 0.13 to 0.33 resolves references only through it";
    Some(finding.label("first reference").help(help))
}
