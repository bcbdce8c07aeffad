//! A sensitive attribute that contains plain text, or a URL with a password (`http://user:password@host`) in any attribute. The
//! table of a known flavor decides which attributes are sensitive; otherwise the last word of the attribute's name does:
//! password, token, secret, `api_key`, passphrase, `private_key`. Scripts are not checked, since they are full of variables.
//!
//! Some values are plainly not secrets and are not reported: what a tool fills in before ZenML reads the file (`$(PASSWORD)`,
//! `$DB_PASSWORD`, `{% … %}`, `#{PASSWORD}#`, `__PASSWORD__`), documentation (`<YOUR_TOKEN>`), redactions (`***`), and encrypted
//! values (`ENC[…]` in a file with `sops` metadata, `$ANSIBLE_VAULT;…`). The whole value has to be of such a form.
//!
//! ## Why
//!
//! The file is in the repository, so the secret is, too. ZenML exports it verbatim.
//!
//! ## Example
//!
//! ```yaml
//! tracking_password: s3cr3t
//! ```
//!
//! ## Fix
//!
//! Store the value as a secret, refer to it with `{{name.key}}`, and change it where it is used: it was readable to everyone
//! who can read the repository.

use super::{Check, Rule};
use crate::document::{Document, ScalarType};
use crate::finding::{Finding, Severity};
use crate::placeholder::{StandIn, stand_in};
use crate::site::Site;
use crate::stack::Role;
use crate::url;
use std::ops::Range;

/// The rule.
pub(super) const RULE: Rule = Rule {
    name: "plaintext-secret",
    severity: Severity::Warning,
    summary: "plain text in a sensitive attribute, or a password in a URL",
    page: include_str!("plaintext_secret.rs"),
    check: Check::Scalar(check),
};

fn check(site: &Site<'_>) -> Option<Finding> {
    if site.is_in_script() || site.place.key {
        return None;
    }
    sensitive_attribute(site).or_else(|| password_in_url(site))
}

/// Reports the whole value of a sensitive attribute.
fn sensitive_attribute(site: &Site<'_>) -> Option<Finding> {
    let scalar = site.document.scalar(site.place.node)?;
    let place = site.place;
    // `!hunter2` is a tag with nothing behind it.
    let is_tag = scalar.ty == ScalarType::Tagged && site.text.is_empty();
    let is_blank = site.text.trim().is_empty() && !is_tag;
    if !place.sensitive || place.role != Role::Attribute || is_blank || is_no_secret(site) {
        return None;
    }
    let scope = site.scope();
    let attribute = scope.attribute.clone().unwrap_or_default();
    let stack = site.stack();
    let component = stack.zip(place.component).and_then(|(stack, at)| stack.components.get(at));
    let listed = component.is_some_and(|component| {
        site.version().is_listed_sensitive(&component.kind, component.flavor.as_deref(), &attribute)
    });
    // A number in `max_token` is no secret; one in an attribute that its flavor calls sensitive is.
    if scalar.ty != ScalarType::String && !is_tag && !(listed && scalar.ty == ScalarType::Other) {
        return None;
    }
    let mut finding =
        concealed(site, &(0..site.text.len()), format!("`{attribute}` is sensitive and holds plain text"));
    finding.span = site.node_span();
    Some(finding.with_help(if site.text.starts_with('{') || site.text.ends_with('}') {
        "a reference takes two braces on either side, `{{name.key}}`; what is none belongs in a secret"
    } else {
        "store it as a secret and refer to that: `{{name.key}}`"
    }))
}

/// Reports the first password in a URL of any attribute.
fn password_in_url(site: &Site<'_>) -> Option<Finding> {
    if !matches!(site.place.role, Role::Attribute | Role::Nested) {
        return None;
    }
    let password = url::passwords(site.text).into_iter().find(|password| is_password(site, password))?;
    let message = match &site.place.attribute {
        Some(attribute) => format!("a URL in `{attribute}` contains a password in plain text"),
        None => "a URL contains a password in plain text".to_owned(),
    };
    let help = "store the whole URL as a secret and refer to that: `{{name.key}}`";
    Some(concealed(site, &password, message).with_help(help))
}

/// Creates a finding about a value that is not to be seen.
fn concealed(site: &Site<'_>, range: &Range<usize>, message: String) -> Finding {
    let mut finding = site.finding((RULE.name, RULE.severity), range, message);
    finding.conceal = true;
    let scope = site.scope();
    finding.identity = Some(format!("{}.{}", scope.component.unwrap_or_default(), scope.attribute.unwrap_or_default()));
    finding.with_label("readable to everyone with the repository")
}

/// Returns whether the value of a sensitive attribute, or the password of the URL that it is, is not a secret.
fn is_no_secret(site: &Site<'_>) -> bool {
    if ["{{", "${"].iter().any(|mark| site.text.contains(mark)) {
        return true;
    }
    let passwords = url::passwords(site.text);
    let is_of_url = !passwords.is_empty() && !passwords.iter().any(|password| is_password(site, password));
    is_of_url || is_stand_in(site.document, site.text)
}

/// Returns whether a part of a value, the password of a URL, is plain text.
fn is_password(site: &Site<'_>, range: &Range<usize>) -> bool {
    let text = site.text.get(range.clone()).unwrap_or_default();
    !["{{", "${"].iter().any(|mark| text.contains(mark)) && !is_stand_in(site.document, text)
}

/// Returns whether a text is in the place of a secret and is not one. SOPS encrypts files, so `ENC[…]` means something only
/// beside its metadata.
fn is_stand_in(document: &Document, text: &str) -> bool {
    match stand_in(text) {
        Some(StandIn::Sops) => is_encrypted_by_sops(document),
        Some(StandIn::Placeholder | StandIn::Encrypted | StandIn::Foreign(_)) => true,
        None => false,
    }
}

/// Returns whether a file has the metadata that SOPS adds to what it encrypts.
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
    let metadata = document.roots().iter().filter_map(|&root| document.get(root, "sops"));
    let is_metadata = |mapping| KEYS.iter().any(|key| document.get(mapping, key).is_some());
    metadata.into_iter().any(|(_, mapping)| is_metadata(mapping))
}
