//! A stack of a ZenML from 0.13 up to 0.33 has references and no `secrets_manager`.
//!
//! ## Why
//!
//! Those versions resolve references through the secrets manager of the stack and have no other place to look.
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

use super::{Check, Rule};
use crate::diagnostics::finding::Severity;
use crate::diagnostics::finding_builder::FindingBuilder;
use crate::diagnostics::rule_id::RuleId;
use crate::sources::scalar::Reference;
use crate::sources::stack_model::Stack;
use crate::zenml::keywords::FileKind;

/// The rule.
pub(super) const RULE: Rule = Rule {
    id: RuleId::MissingSecretsManager,
    severity: Severity::Error,
    summary: "a stack of an old ZenML has references and no secrets manager",
    page: include_str!("missing_secrets_manager.rs"),
    check: Check::Stack(check),
};

fn check(stack: &Stack, references: &[&Reference]) -> Option<FindingBuilder> {
    let needed =
        stack.kind == Some(FileKind::Stack) && stack.version.needs_secrets_manager() && !stack.has_secrets_manager();
    // Names of whole secrets are not references to this version's check.
    let first = references.iter().find(|reference| reference.key.is_some()).filter(|_| needed)?;
    let message = "this stack has references and no secrets manager to resolve them";
    let finding = first.finding(RULE.id, message);
    Some(
        finding
            .label("the first reference")
            .help("add a `secrets_manager` component; ZenML needs one from 0.13 up to 0.33"),
    )
}
