//! A reference in an attribute that does not accept one, such as the `name` of a component.
//!
//! The rule reports:
//!
//! - `name`, `type` and `flavor`;
//! - every attribute of a secrets manager;
//! - the `path` of an artifact store;
//! - attributes that a validator of the flavor reads;
//! - attributes whose type is not a string, such as `timeout`;
//! - attributes of type `SecretStr`, in versions and flavors that fail with a reference;
//! - every option of `zenml service-connector` and `zenml user` commands.
//!
//! ## Why
//!
//! ZenML reads most of these values before it resolves secrets, so it sees the braces instead of
//! the value. A number or a mapping cannot be a reference, so ZenML rejects the component.
//! Attributes of type `SecretStr` (`api_key` of `baseten`, `client_id` and `client_secret` of
//! `runai`, and both keys of `datadog` before 0.97) fail when the component uses the value.
//!
//! ## Example
//!
//! ```yaml
//! components:
//!   container_registry:
//!     flavor: default
//!     name: registry
//!     uri: '{{registry.uri}}'
//! ```
//!
//! ## Fix
//!
//! Write the value itself. If it differs between environments, set `resolver = "render"` and render
//! the file with `stackref render` before you deploy it.

use crate::diagnostics::finding::Severity;
use crate::diagnostics::finding_builder::FindingBuilder;
use crate::diagnostics::rule_id::RuleId;
use crate::lint::rule::{Check, Rule};
use crate::sources::scalar::ScalarContext;
use crate::zenml::flavors::Refusal;
use crate::zenml::grammar::Resolver;

pub(super) const RULE: Rule = Rule {
    id: RuleId::RefusedAttribute,
    severity: Severity::Error,
    summary: "a reference in an attribute that does not accept one",
    page: include_str!("refused_attribute.rs"),
    check: Check::Scalar(check),
};

fn check(context: &ScalarContext<'_>) -> Option<FindingBuilder> {
    if context.resolver != Resolver::Zenml {
        return None;
    }
    let refusal = context.position.refusal?;
    let braces = context.brace_expressions().first()?;
    let (_, attribute) = context.invalid_position();
    let attribute = attribute.unwrap_or_default();
    let (owner, reason) = match refusal {
        Refusal::Identity => ("", "it identifies the component"),
        Refusal::SecretsManager => (
            " of a secrets manager",
            "the secrets manager resolves references",
        ),
        Refusal::Validated => ("", "ZenML validates it before it resolves secrets"),
        Refusal::NotString => ("", "its value is not a string"),
        Refusal::SecretStr => ("", "ZenML fails when it uses a resolved value here"),
        Refusal::Unresolved if context.is_in_command() => {
            ("", "ZenML resolves no references in this command")
        }
        Refusal::Unresolved => ("", "ZenML resolves no references in it"),
    };
    let message = if attribute.is_empty() {
        format!("this argument cannot be a reference: {reason}")
    } else {
        format!("`{attribute}`{owner} cannot be a reference: {reason}")
    };
    let finding = context.finding_at(RULE.id, braces, message);
    Some(finding.label(label(refusal)).help(help(context, refusal)))
}

fn label(refusal: Refusal) -> &'static str {
    match refusal {
        Refusal::SecretStr => "not usable",
        _ => "never replaced",
    }
}

fn help(context: &ScalarContext<'_>, refusal: Refusal) -> &'static str {
    match refusal {
        Refusal::SecretStr | Refusal::Unresolved if context.is_in_script() => {
            "pass the value itself, for example from an environment variable"
        }
        // The value is a secret, so it must not be in the file.
        Refusal::SecretStr | Refusal::Unresolved => {
            "set `resolver = \"render\"` and use `stackref render`, which writes the value"
        }
        _ if context.is_in_script() => "write the value itself",
        _ => "write the value itself, or set `resolver = \"render\"` and use `stackref render`",
    }
}
