//! Placeholders: text that is not a secret although it is the value of a sensitive attribute.
//!
//! - Templates, which a tool fills in before `ZenML` reads the file, for example `$(PASSWORD)`.
//! - Dummy values (`dummy_value`), for example `<TOKEN>` in documentation, or `***`.
//! - Encrypted values.
//! - References of other tools (`tool_references`), for example `op://vault/item/field`.
//!
//! The whole text must have such a form: `pa$$word` and `$uper$ecret` are passwords. Syntaxes that
//! use double braces are in `zenml::grammar`.

use crate::text::dummy_value::{is_instruction, is_redaction};
use crate::text::tool_references::{ForeignReference, foreign_reference};
use crate::zenml::flavors::has_sensitive_name;

/// The kind of a placeholder.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PlaceholderKind {
    /// A template that a tool fills in, or a dummy value.
    Template,
    /// An encrypted value.
    Encrypted,
    /// A value that SOPS encrypted. Its file must contain the metadata of SOPS.
    Sops,
    /// A reference of another tool.
    Foreign(ForeignReference),
}

/// Delimiters around any text that a tool replaces.
const TEXT_DELIMITERS: [(&str, &str); 7] = [
    ("${", "}"),
    ("$(", ")"),
    ("$[", "]"),
    ("{%", "%}"),
    ("<%", "%>"),
    ("#{", "}#"),
    ("#{", "}"),
];

/// Delimiters around the name of a variable that a tool replaces.
const NAME_DELIMITERS: [(&str, &str); 11] = [
    ("@@", "@@"),
    ("@", "@"),
    ("__", "__"),
    ("%%", "%%"),
    ("%", "%"),
    ("%{", "}"),
    ("%(", ")s"),
    ("%env(", ")%"),
    ("((", "))"),
    ("[[", "]]"),
    ("$env:", ""),
];

/// Prefixes of encrypted values.
const ENCRYPTED_PREFIXES: [&str; 6] = [
    "$ANSIBLE_VAULT;",
    "{cipher}",
    "vault:v1:",
    "-----BEGIN PGP MESSAGE-----",
    "-----BEGIN AGE ENCRYPTED FILE-----",
    "age-encryption.org/",
];

/// The minimum length of a base64 text in `ENC(…)` of Jasypt.
const MIN_BASE64_BYTES: usize = 16;

/// Returns the kind of placeholder that a text is, or `None` if it may be a secret.
pub fn placeholder_kind(text: &str) -> Option<PlaceholderKind> {
    let text = text.trim();
    if text.starts_with("ENC[") && text.ends_with(']') {
        return Some(PlaceholderKind::Sops);
    }
    if is_encrypted(text) {
        return Some(PlaceholderKind::Encrypted);
    }
    if let Some(reference) = foreign_reference(text) {
        return Some(PlaceholderKind::Foreign(reference));
    }
    (is_template(text) || is_instruction(text) || is_redaction(text))
        .then_some(PlaceholderKind::Template)
}

fn is_encrypted(text: &str) -> bool {
    let jasypt = text
        .strip_prefix("ENC(")
        .and_then(|rest| rest.strip_suffix(')'));
    jasypt.is_some_and(is_base64)
        || ENCRYPTED_PREFIXES
            .iter()
            .any(|prefix| text.starts_with(prefix))
}

fn is_base64(text: &str) -> bool {
    text.len() >= MIN_BASE64_BYTES
        && text
            .chars()
            .all(|c| c.is_ascii_alphanumeric() || matches!(c, '+' | '/' | '=' | '-' | '_'))
}

/// Returns whether a text consists of variables and tags that a tool replaces.
fn is_template(text: &str) -> bool {
    let variable = text.strip_prefix("$$").or_else(|| text.strip_prefix('$'));
    if variable.is_some_and(|name| !name.contains(['.', '-', '/', ':', ' ']) && is_variable(name)) {
        return true;
    }
    if NAME_DELIMITERS
        .iter()
        .any(|&delimiters| is_delimited_variable(text, delimiters))
    {
        return true;
    }
    let mut rest = text;
    while !rest.is_empty() {
        let Some(after) = TEXT_DELIMITERS
            .iter()
            .find_map(|&delimiters| strip_placeholder(rest, delimiters))
        else {
            return false;
        };
        rest = after;
    }
    !text.is_empty()
}

fn is_delimited_variable(text: &str, (open, close): (&str, &str)) -> bool {
    let name = text
        .strip_prefix(open)
        .and_then(|rest| rest.strip_suffix(close));
    name.is_some_and(|name| is_variable(name.trim()))
}

/// Returns the text after a placeholder, or `None` if the text does not start with a non-empty one.
fn strip_placeholder<'t>(text: &'t str, (open, close): (&str, &str)) -> Option<&'t str> {
    let inner = text.strip_prefix(open)?;
    let end = inner.find(close)?;
    let is_empty = inner.get(..end)?.trim().is_empty();
    inner.get(end + close.len()..).filter(|_| !is_empty)
}

/// Returns whether a text looks like the name of a variable and not like a password, for example
/// `DB_PASSWORD`, `db.password` or `token`.
fn is_variable(name: &str) -> bool {
    let has_valid_start = name.starts_with(|c: char| c.is_ascii_alphabetic() || c == '_');
    let is_constant = !name.contains(|c: char| c.is_ascii_lowercase())
        && name.contains(|c: char| c.is_ascii_uppercase());
    let has_parts = name
        .split(['_', '-', '.', '/', ':'])
        .filter(|part| part.len() > 1)
        .count()
        > 1;
    has_valid_start
        && name
            .chars()
            .all(|c| c.is_ascii_alphanumeric() || matches!(c, '_' | '-' | '.' | '/' | ':'))
        && (is_constant || has_parts || has_sensitive_name(name))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn variables_and_tags_are_templates() {
        for text in [
            "$DB_PASSWORD",
            "$db_password",
            "$password",
            "$$DB_PASSWORD",
            "$env:DB_PASSWORD",
            "${DB_PASSWORD}",
            "${ssm:/db/password}",
            "$(VM_PASSWORD)",
            "$(pass show db)",
            "$[variables.password]",
            "{% secret 'x' %}",
            "{% if prod %}${A}{% else %}${B}{% endif %}",
            "<%= ENV['DB_PASSWORD'] %>",
            "@@DB_PASSWORD@@",
            "@db.password@",
            "__DB_PASSWORD__",
            "#{DB_PASSWORD}#",
            "#{db.password}",
            "%DB_PASSWORD%",
            "%%DB_PASSWORD%%",
            "%(db_password)s",
            "%{db_password}",
            "%env(DB_PASSWORD)%",
            "((db-password))",
            "[[DB_PASSWORD]]",
        ] {
            assert_eq!(
                placeholder_kind(text),
                Some(PlaceholderKind::Template),
                "{text}"
            );
        }
    }

    #[test]
    fn passwords_with_placeholder_characters_are_plain_text() {
        for text in [
            "",
            "Tr0ub4dor&3",
            "$uper$ecret",
            "$ecret",
            "$P4ssw0rd",
            "pa$$word",
            "hunter2*",
            "a$b",
            "x$DB_PASSWORD",
            "$DB_PASSWORD!",
            "$(A)b",
            "{%a",
            "<%",
            "<hunter2",
            "<>",
            "a<b>",
            "%hunter2%",
            "__hunter2__",
            "@hunter2@",
            "((hunter2))",
            "hunter2%",
            "***hunter2",
            "xx",
            "xxhunter2",
            "x",
            "changeme",
            "CHANGE_ME",
            "password",
            "hidden",
            "yourmother",
            "mind your own business",
            "#{}",
            "$()",
            "$",
            "$$",
            "vault:hunter2",
            "op:hunter2",
            "op://",
            "ENC(x)",
            "{a.b}",
            "#hunter2",
            "_",
            "**",
        ] {
            assert_eq!(placeholder_kind(text), None, "{text}");
        }
    }

    #[test]
    fn encrypted_value_is_recognized_by_its_form() {
        for text in [
            "$ANSIBLE_VAULT;1.1;AES256\n6162",
            "{cipher}6162",
            "vault:v1:abc/d#e=",
            "ENC(G6N718UuyPE5bHyWKyuLQSm02auQPUtm)",
        ] {
            assert_eq!(
                placeholder_kind(text),
                Some(PlaceholderKind::Encrypted),
                "{text}"
            );
        }
        assert_eq!(
            placeholder_kind("ENC[AES256_GCM,data:x,iv:y,tag:z,type:str]"),
            Some(PlaceholderKind::Sops)
        );
    }
    #[test]
    fn reference_of_another_tool_names_the_tool() {
        let reference = ForeignReference {
            tool: "1Password",
            is_unambiguous: true,
        };
        assert_eq!(
            placeholder_kind("op://vault/item/field"),
            Some(PlaceholderKind::Foreign(reference))
        );
    }
}
