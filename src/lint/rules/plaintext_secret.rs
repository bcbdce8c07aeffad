//! Plain text in a sensitive attribute, or a URL with a password (`http://user:password@host`) in
//! any attribute.
//!
//! For a known flavor, a table lists the sensitive attributes. Otherwise the last word of the
//! attribute's name decides: password, token, secret, `api_key`, passphrase, `private_key`.
//!
//! In scripts, only the values of `zenml secret create` and `zenml secret update` are checked. Values
//! that examples use, such as `abc123` and `changeme`, are not reported there.
//!
//! A value is not reported if it is, as a whole, one of these:
//!
//! - a placeholder that a tool fills in before ZenML reads the file: `$(PASSWORD)`, `$DB_PASSWORD`,
//!   `{% … %}`, `#{PASSWORD}#`, `__PASSWORD__`;
//! - a placeholder in documentation: `<YOUR_TOKEN>`;
//! - a redacted value: `***`;
//! - an encrypted value: `ENC[…]` in a file with `sops` metadata, `$ANSIBLE_VAULT;…`.
//!
//! ## Why
//!
//! Anyone who can read the repository has the secret. ZenML also exports it verbatim.
//!
//! ## Example
//!
//! ```yaml
//! tracking_password: s3cr3t
//! ```
//!
//! ## Fix
//!
//! Store the value as a secret, and refer to it with `{{name.key}}`. Change the value, because the
//! repository's history still contains it.

use crate::diagnostics::finding::Severity;
use crate::diagnostics::finding_builder::FindingBuilder;
use crate::diagnostics::rule_id::RuleId;
use crate::document::{Document, ScalarType, ScriptHost, Syntax};
use crate::lint::rule::{Check, Rule};
use crate::sources::scalar::ScalarContext;
use crate::sources::stack_model::{Purpose, Role};
use crate::text::placeholder::{PlaceholderKind, placeholder_kind};
use crate::text::source_kind::SourceKind;
use crate::text::url;
use std::ops::Range;

pub(super) const RULE: Rule = Rule {
    id: RuleId::PlaintextSecret,
    severity: Severity::Warning,
    summary: "plain text in a sensitive attribute, or a password in a URL",
    page: include_str!("plaintext_secret.rs"),
    check: Check::Scalar(check),
};

fn check(context: &ScalarContext<'_>) -> Option<FindingBuilder> {
    let position = context.position;
    if position.purpose == Purpose::StoredValue {
        return stored_value(context);
    }
    let is_checked = !context.is_in_command() && !position.is_key && !context.is_reference();
    // Documentation has examples.
    if !is_checked || is_documentation(context) {
        return None;
    }
    sensitive_attribute(context).or_else(|| password_in_url(context))
}

/// Reports a value that a command or a call stores in a secret. Documentation has examples.
fn stored_value(context: &ScalarContext<'_>) -> Option<FindingBuilder> {
    let is_plain = !context.text.trim().is_empty()
        && !is_not_secret(context)
        && !is_obvious_example(context.text);
    if is_documentation(context) || !is_plain {
        return None;
    }
    let key = context.position.attribute.as_deref().unwrap_or_default();
    let message = format!("the value of the secret's key `{key}` is plain text");
    let finding = redacted_finding(context, &(0..context.text.len()), message);
    Some(finding.help(match context.document.syntax() {
        _ if context.is_in_command() => {
            format!(
                "read it from the environment (`--{key}=\"$VARIABLE\"`) or a file (`--{key}=@FILE`)"
            )
        }
        Syntax::Script(ScriptHost::Terraform) => {
            "use a variable with `sensitive = true`, and pass its value as `TF_VAR_…`".to_owned()
        }
        _ => "read it from the environment: `os.environ[\"…\"]`".to_owned(),
    }))
}

fn is_documentation(context: &ScalarContext<'_>) -> bool {
    context.source.kind_at(context.node_span().start) == Some(SourceKind::Docs)
}

/// The length of the shortest value that is not an obvious example.
const MIN_VALUE_BYTES: usize = 4;

/// Returns whether a value is one that examples use.
fn is_obvious_example(text: &str) -> bool {
    const EXAMPLES: [&str; 12] = [
        "abc123", "1234", "12345", "123456", "changeme", "dummy", "example", "password", "sample",
        "secret", "test", "token",
    ];
    let letters: String = text
        .chars()
        .filter(|c| c.is_alphanumeric())
        .flat_map(char::to_lowercase)
        .collect();
    EXAMPLES.contains(&letters.as_str()) || letters.len() < MIN_VALUE_BYTES
}

/// Reports the whole value of a sensitive attribute.
fn sensitive_attribute(context: &ScalarContext<'_>) -> Option<FindingBuilder> {
    let position = context.position;
    if !position.is_sensitive || position.role != Role::Attribute {
        return None;
    }
    let scalar = context.document.scalar(position.node)?;
    // `!hunter2` is a tag with an empty value.
    let is_tag = scalar.ty == ScalarType::Tagged && context.text.is_empty();
    let is_blank = context.text.trim().is_empty() && !is_tag;
    if is_blank || is_not_secret(context) {
        return None;
    }
    let scope = context.scope();
    let attribute = scope.attribute.clone().unwrap_or_default();
    let stack = context.stack();
    let component = stack
        .zip(position.component)
        .and_then(|(stack, at)| stack.components.get(at));
    let listed = component.is_some_and(|component| {
        context.version().is_listed_sensitive(
            &component.kind,
            component.flavor.as_deref(),
            &attribute,
        )
    });
    // A number in `max_token` is not a secret. A number in an attribute that its flavor declares as
    // sensitive may be one.
    if scalar.ty != ScalarType::String && !is_tag && !(listed && scalar.ty == ScalarType::Other) {
        return None;
    }
    let finding = redacted_finding(
        context,
        &(0..context.text.len()),
        format!("plain text in the sensitive attribute `{attribute}`"),
    );
    let finding = finding.span(context.node_span());
    Some(finding.help(if context.text.starts_with('{') || context.text.ends_with('}') {
        "write a reference with two braces on each side, `{{name.key}}`; if this is not a reference, move the value into a secret"
    } else {
        "store the value as a secret and refer to it: `{{name.key}}`"
    }))
}

/// Reports the first password in a URL of any attribute.
fn password_in_url(context: &ScalarContext<'_>) -> Option<FindingBuilder> {
    if !matches!(context.position.role, Role::Attribute | Role::Nested) {
        return None;
    }
    let password = url::passwords(context.text)
        .into_iter()
        .find(|password| is_password(context, password))?;
    let message = match &context.position.attribute {
        Some(attribute) => format!("a URL with a plain-text password in `{attribute}`"),
        None => "a URL with a plain-text password".to_owned(),
    };
    let help = "store the whole URL as a secret and refer to it: `{{name.key}}`";
    Some(redacted_finding(context, &password, message).help(help))
}

/// Creates a finding about a value that reports must not show.
fn redacted_finding(
    context: &ScalarContext<'_>,
    range: &Range<usize>,
    message: String,
) -> FindingBuilder {
    let scope = context.scope();
    let key = format!(
        "{}.{}",
        scope.component.unwrap_or_default(),
        scope.attribute.unwrap_or_default()
    );
    let finding = context
        .finding(RULE.id, range, message)
        .redact(true)
        .fingerprint_key(key);
    finding.label("readable by anyone who has the repository")
}

/// Returns whether the value of a sensitive attribute, or the password of the URL that it is, is
/// not a secret.
fn is_not_secret(context: &ScalarContext<'_>) -> bool {
    if ["{{", "${"].iter().any(|mark| context.text.contains(mark)) {
        return true;
    }
    let passwords = url::passwords(context.text);
    let is_of_url = !passwords.is_empty()
        && !passwords
            .iter()
            .any(|password| is_password(context, password));
    is_of_url || is_placeholder(context.document, context.text)
}

/// Returns whether a part of a value, the password of a URL, is plain text.
fn is_password(context: &ScalarContext<'_>, range: &Range<usize>) -> bool {
    let text = context.text.get(range.clone()).unwrap_or_default();
    !["{{", "${"].iter().any(|mark| text.contains(mark)) && !is_placeholder(context.document, text)
}

/// Returns whether a text replaces a secret. `ENC[…]` does so only in a file with SOPS metadata.
fn is_placeholder(document: &Document, text: &str) -> bool {
    match placeholder_kind(text) {
        Some(PlaceholderKind::Sops) => is_encrypted_by_sops(document),
        Some(
            PlaceholderKind::Template | PlaceholderKind::Encrypted | PlaceholderKind::Foreign(_),
        ) => true,
        None => false,
    }
}

/// Returns whether a file has the metadata of SOPS.
fn is_encrypted_by_sops(document: &Document) -> bool {
    const KEYS: [&str; 11] = [
        "mac",
        "lastmodified",
        "version",
        "kms",
        "gcp_kms",
        "azure_kv",
        "hc_vault",
        "age",
        "pgp",
        "key_groups",
        "unencrypted_suffix",
    ];
    let metadata = document
        .roots()
        .iter()
        .filter_map(|&root| document.get(root, "sops"));
    let is_metadata = |mapping| KEYS.iter().any(|key| document.get(mapping, key).is_some());
    metadata
        .into_iter()
        .any(|(_, mapping)| is_metadata(mapping))
}
