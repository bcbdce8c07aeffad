//! A secret in `settings.docker.environment` of a run config.
//!
//! The rule reports variables with the name of a secret, such as `OPENAI_API_KEY`, whose value is
//! plain text, a variable (`${OPENAI_API_KEY}`), or an expression of another tool (`${{ … }}`).
//!
//! ## Why
//!
//! ZenML writes these variables into the Docker image. Anyone who can pull the image can read them,
//! also if `${OPENAI_API_KEY}` keeps the value out of the file.
//!
//! ## Example
//!
//! ```yaml
//! settings:
//!   docker:
//!     environment:
//!       OPENAI_API_KEY: ${OPENAI_API_KEY}
//! ```
//!
//! ## Fix
//!
//! Store the value as a secret, and name the secret in `secrets:` of the run config. ZenML sets an
//! environment variable for each of its keys when a step starts:
//!
//! ```yaml
//! secrets: [openai]
//! ```

use crate::diagnostics::finding::Severity;
use crate::diagnostics::finding_builder::FindingBuilder;
use crate::diagnostics::rule_id::RuleId;
use crate::document::ScalarType;
use crate::lint::rule::{Check, Rule};
use crate::sources::scalar::ScalarContext;
use crate::sources::stack_model::Purpose;
use crate::text::placeholder::{PlaceholderKind, placeholder_kind};
use crate::zenml::grammar::ForeignSyntax;

pub(super) const RULE: Rule = Rule {
    id: RuleId::BakedSecret,
    severity: Severity::Warning,
    summary: "a secret in the environment of a Docker image",
    page: include_str!("baked_secret.rs"),
    check: Check::Scalar(check),
};

fn check(context: &ScalarContext<'_>) -> Option<FindingBuilder> {
    let position = context.position;
    let scalar = context.document.scalar(position.node)?;
    let is_baked = position.purpose == Purpose::ImageVariable
        && position.is_sensitive
        && !position.is_key
        // A number in `MAX_TOKEN` is not a secret.
        && scalar.ty == ScalarType::String
        && is_secret(context);
    if !is_baked {
        return None;
    }
    // An alias may lead to a value elsewhere.
    let key = context.document.key_for_value(position.node);
    let variable = key
        .and_then(|key| context.document.text(key))
        .or(position.attribute.as_deref())
        .unwrap_or_default();
    let message = format!("`{variable}` becomes part of the Docker image");
    let finding = context
        .finding(RULE.id, &(0..context.text.len()), message)
        .span(context.node_span())
        .redact(true)
        .fingerprint_key(format!("environment.{variable}"))
        .label("readable by anyone who can pull the image");
    Some(finding.help(
        "store it as a secret and name that in `secrets:` of the run or the step: ZenML sets a variable for each key",
    ))
}

/// Returns whether a value is a secret, or a variable that another tool replaces by one.
fn is_secret(context: &ScalarContext<'_>) -> bool {
    let text = context.text.trim();
    if text.is_empty() || matches!(text, "true" | "false") {
        return false;
    }
    // References have rules of their own, since ZenML does not replace them here.
    let has_reference = context
        .brace_expressions()
        .iter()
        .any(|braces| braces.foreign != Some(ForeignSyntax::GitHub));
    if has_reference {
        return false;
    }
    text.contains("${") || !matches!(placeholder_kind(text), Some(PlaceholderKind::Template))
}
