//! Text that is in the place of a secret and is not one: what a tool fills in before `ZenML` reads the file (`$(PASSWORD)`), what
//! documentation and redactions have in its place (`<TOKEN>`, `***`), what is encrypted, and references of other tools
//! (`op://vault/item/field`).
//!
//! Always the whole text has to be of such a form: `pa$$word` and `$uper$ecret` are passwords.
//!
//! Not here: `{{…}}`, also that of other tools (`reference`).

use crate::zenml::flavors::has_sensitive_name;

/// What a text is, if it is not a secret.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PlaceholderKind {
    /// A tool or a reader of the documentation puts the value there.
    Template,
    /// The value, encrypted.
    Encrypted,
    /// A value that SOPS has encrypted, if the file has SOPS's metadata.
    Sops,
    /// A reference of another tool.
    Foreign(ForeignReference),
}

/// A reference of another tool, which neither `ZenML` nor stackref resolves.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ForeignReference {
    /// The tool that resolves it.
    pub tool: &'static str,
    /// Whether the text has no other meaning. What is not unmistakable is a reference only in the place of a secret.
    pub is_unambiguous: bool,
}

/// Marks around any text that a tool replaces.
const TEXT_DELIMITERS: [(&str, &str); 7] =
    [("${", "}"), ("$(", ")"), ("$[", "]"), ("{%", "%}"), ("<%", "%>"), ("#{", "}#"), ("#{", "}")];

/// Marks around the name of a variable that a tool replaces.
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

/// Prefixes of values that a tool has encrypted.
const ENCRYPTED_PREFIXES: [&str; 6] = [
    "$ANSIBLE_VAULT;",
    "{cipher}",
    "vault:v1:",
    "-----BEGIN PGP MESSAGE-----",
    "-----BEGIN AGE ENCRYPTED FILE-----",
    "age-encryption.org/",
];

/// Prefixes of references that mean nothing else, in lower case, with the tool that resolves them.
const UNAMBIGUOUS_PREFIXES: [(&str, &str); 43] = [
    ("op://", "1Password"),
    ("1password://", "1Password"),
    ("ref+", "vals"),
    ("secretref+", "vals"),
    ("vault://", "Vault"),
    (">>vault:", "Bank-Vaults"),
    ("gcp:secretmanager:", "Bank-Vaults"),
    ("sm://", "Google Secret Manager"),
    ("gsm://", "Google Secret Manager"),
    ("gcpsm://", "Google Secret Manager"),
    ("gcp-sm://", "Google Secret Manager"),
    ("gcpsecretmanager://", "Google Secret Manager"),
    ("gcp-secretmanager://", "Google Secret Manager"),
    ("gcp-secret-manager://", "Google Secret Manager"),
    ("berglas://", "Berglas"),
    ("ssm://", "AWS Systems Manager"),
    ("awsssm://", "AWS Systems Manager"),
    ("aws-ssm://", "AWS Systems Manager"),
    ("aws-parameterstore:", "AWS Systems Manager"),
    ("secretsmanager://", "AWS Secrets Manager"),
    ("awssm://", "AWS Secrets Manager"),
    ("asm://", "AWS Secrets Manager"),
    ("awssecrets://", "AWS Secrets Manager"),
    ("awssecretsmanager://", "AWS Secrets Manager"),
    ("aws-secretsmanager:", "AWS Secrets Manager"),
    ("aws:secretsmanager:", "AWS Secrets Manager"),
    ("akv://", "Azure Key Vault"),
    ("azurekeyvault://", "Azure Key Vault"),
    ("azkv://", "Azure Key Vault"),
    ("keyvault://", "Azure Key Vault"),
    ("@microsoft.keyvault(", "Azure Key Vault"),
    ("infisical://", "Infisical"),
    ("doppler://", "Doppler"),
    ("chamber://", "Chamber"),
    ("bw://", "Bitwarden"),
    ("bws://", "Bitwarden"),
    ("bitwarden://", "Bitwarden"),
    ("lastpass://", "LastPass"),
    ("keeper://", "Keeper"),
    ("conjur://", "Conjur"),
    ("keyring://", "the keyring"),
    ("keychain://", "the keychain"),
    ("sops://", "SOPS"),
];

/// Prefixes of references that can mean something else where no secret belongs, in lower case.
const AMBIGUOUS_PREFIXES: [(&str, &str); 20] = [
    ("keyring:", "the keyring"),
    ("keychain:", "the keychain"),
    ("secret://", "another secret store"),
    ("secrets://", "helm-secrets"),
    ("pass://", "a password manager"),
    ("gopass:", "gopass"),
    ("keepass://", "KeePass"),
    ("k8s://", "Kubernetes"),
    ("k8s:", "Kubernetes"),
    ("kubernetes://", "Kubernetes"),
    ("file:/", "a tool that reads files"),
    ("env://", "a tool that reads the environment"),
    ("env:", "a tool that reads the environment"),
    ("os.environ/", "LiteLLM"),
    ("arn:aws:secretsmanager:", "AWS Secrets Manager"),
    ("arn:aws-cn:secretsmanager:", "AWS Secrets Manager"),
    ("arn:aws-us-gov:secretsmanager:", "AWS Secrets Manager"),
    ("arn:aws:ssm:", "AWS Systems Manager"),
    ("arn:aws-cn:ssm:", "AWS Systems Manager"),
    ("arn:aws-us-gov:ssm:", "AWS Systems Manager"),
];

/// Words that a redaction has between brackets or asterisks.
const REDACTION_WORDS: [&str; 9] =
    ["redacted", "removed", "hidden", "masked", "filtered", "omitted", "censored", "scrubbed", "sensitive"];

/// Bytes of the longest documentation between `<` and `>`.
const MAX_INSTRUCTION_BYTES: usize = 100;

/// Returns what a text is, if it is in the place of a secret and is not one; `None` for plain text.
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
    (is_template(text) || is_instruction(text) || is_redaction(text)).then_some(PlaceholderKind::Template)
}

/// Returns the reference of another tool that a text is; `None` if it is not one.
pub fn foreign_reference(text: &str) -> Option<ForeignReference> {
    let text = text.trim();
    let of = |table: &[(&'static str, &'static str)]| {
        let found = table.iter().find(|(prefix, _)| {
            let start = text.as_bytes().get(..prefix.len()).filter(|_| text.len() > prefix.len());
            start.is_some_and(|start| start.eq_ignore_ascii_case(prefix.as_bytes()))
        });
        found.map(|&(_, tool)| tool)
    };
    let unmistakable = of(&UNAMBIGUOUS_PREFIXES).or_else(|| path_reference_tool(text));
    unmistakable.map(|tool| ForeignReference { tool, is_unambiguous: true }).or_else(|| {
        let resource = text.starts_with("projects/") && text.contains("/secrets/");
        let tool = of(&AMBIGUOUS_PREFIXES).or(resource.then_some("Google Secret Manager"))?;
        Some(ForeignReference { tool, is_unambiguous: false })
    })
}

/// Returns the tool of `vault:secret/data/x#key` and `<path:secret/data/x#key>`.
fn path_reference_tool(text: &str) -> Option<&'static str> {
    let is_path = |path: &str| path.contains('/') && path.split_once('#').is_some_and(|(_, key)| !key.is_empty());
    if text.strip_prefix("vault:").is_some_and(is_path) {
        return Some("Bank-Vaults");
    }
    let inner = text.strip_prefix("<path:")?.strip_suffix('>')?;
    is_path(inner).then_some("the Argo CD Vault plugin")
}

fn is_encrypted(text: &str) -> bool {
    let jasypt = text.strip_prefix("ENC(").and_then(|rest| rest.strip_suffix(')'));
    let is_base64 = |text: &str| {
        text.len() >= 16 && text.chars().all(|c| c.is_ascii_alphanumeric() || matches!(c, '+' | '/' | '=' | '-' | '_'))
    };
    jasypt.is_some_and(is_base64) || ENCRYPTED_PREFIXES.iter().any(|prefix| text.starts_with(prefix))
}

/// Returns whether a text consists of variables and tags that a tool replaces.
fn is_template(text: &str) -> bool {
    let variable = text.strip_prefix("$$").or_else(|| text.strip_prefix('$'));
    if variable.is_some_and(|name| !name.contains(['.', '-', '/', ':', ' ']) && is_variable(name)) {
        return true;
    }
    let named = |&(open, close): &(&str, &str)| {
        text.strip_prefix(open).and_then(|rest| rest.strip_suffix(close)).is_some_and(|name| is_variable(name.trim()))
    };
    if NAME_DELIMITERS.iter().any(named) {
        return true;
    }
    let mut rest = text;
    while !rest.is_empty() {
        let Some(behind) = TEXT_DELIMITERS.iter().find_map(|&(open, close)| after_placeholder(rest, open, close))
        else {
            return false;
        };
        rest = behind;
    }
    !text.is_empty()
}

/// Returns what is behind a text between two marks that begins here.
fn after_placeholder<'t>(text: &'t str, open: &str, close: &str) -> Option<&'t str> {
    let inner = text.strip_prefix(open)?;
    let end = inner.find(close)?;
    let is_empty = inner.get(..end)?.trim().is_empty();
    inner.get(end + close.len()..).filter(|_| !is_empty)
}

/// Returns whether a text reads like the name of a variable and not like a password: `DB_PASSWORD`, `db.password`, `token`.
fn is_variable(name: &str) -> bool {
    let is_of_name = |c: char| c.is_ascii_alphanumeric() || matches!(c, '_' | '-' | '.' | '/' | ':');
    let starts = name.starts_with(|c: char| c.is_ascii_alphabetic() || c == '_');
    let is_constant =
        !name.contains(|c: char| c.is_ascii_lowercase()) && name.contains(|c: char| c.is_ascii_uppercase());
    let has_parts = name.split(['_', '-', '.', '/', ':']).filter(|part| part.len() > 1).count() > 1;
    starts && name.chars().all(is_of_name) && (is_constant || has_parts || has_sensitive_name(name))
}

/// Returns whether a text tells a reader to put a value in its place: `<YOUR_TOKEN>`, `your-api-key`, `TODO`.
fn is_instruction(text: &str) -> bool {
    let inner = text.strip_prefix('<').and_then(|rest| rest.strip_suffix('>'));
    let is_text = |inner: &str| !inner.contains(['<', '>', '\n']) && inner.contains(char::is_alphabetic);
    if inner.is_some_and(|inner| inner.len() <= MAX_INSTRUCTION_BYTES && is_text(inner))
        || matches!(text, "TODO" | "TBD" | "FIXME")
    {
        return true;
    }
    let lower = text.trim_matches(['[', ']', '{', '}', '(', ')']).to_ascii_lowercase();
    let words: Vec<&str> = lower.split(['_', '-', ' ']).collect();
    let first = words.first().copied().unwrap_or_default();
    let asks = ["replace", "insert", "put", "enter", "add", "paste", "fill"].contains(&first);
    let is_here = words.last() == Some(&"here");
    words.len() > 1 && (first == "your" || (asks && (is_here || words.contains(&"your"))))
}

/// Returns whether a text was put in the place of a value that is not to be seen: `***`, `xxxx`, `[REDACTED]`, `ghp_xxxx`.
fn is_redaction(text: &str) -> bool {
    let all = |marks: &[char]| !text.is_empty() && text.chars().all(|c| marks.contains(&c));
    let count = text.chars().count();
    if all(&['…']) || (count >= 3 && [all(&['*']), all(&['•', '●', '∙', '·', '▪', '█']), all(&['.'])].contains(&true))
    {
        return true;
    }
    if count >= 3 && (all(&['-']) || all(&['_']) || all(&['#']) || all(&['?'])) {
        return true;
    }
    let bare = text.trim_matches(['*', '[', ']', '(', ')', '<', '>', '{', '}', '_', '-', ' ']);
    let lower = bare.to_ascii_lowercase();
    let is_word = |word: &str| REDACTION_WORDS.contains(&word);
    let is_marked = bare.len() < text.len();
    lower == "redacted"
        || (is_marked && lower.split([' ', '_', ':', '-']).any(is_word))
        || is_masked(text)
        // `sk-xxxx`: the prefix tells what kind of token it was.
        || text.split_once(['-', '_']).is_some_and(|(kind, rest)| {
            (1..=6).contains(&kind.len()) && kind.chars().all(|c| c.is_ascii_alphanumeric()) && is_masked(rest)
        })
}

/// Returns whether a text is nothing but `x`, perhaps in groups.
fn is_masked(text: &str) -> bool {
    let crosses = text.chars().filter(|&c| matches!(c, 'x' | 'X')).count();
    crosses >= 3 && text.chars().all(|c| matches!(c, 'x' | 'X' | '-' | '_' | ' '))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_filled_in_later_is_a_placeholder() {
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
            assert_eq!(placeholder_kind(text), Some(PlaceholderKind::Template), "{text}");
        }
    }

    #[test]
    fn documentation_and_redactions_are_placeholders() {
        for text in [
            "<YOUR_TOKEN>",
            "<your token here>",
            "<x>",
            "YOUR_API_KEY",
            "your-api-key-here",
            "[YOUR_TOKEN]",
            "INSERT_TOKEN_HERE",
            "replace-with-your-token",
            "TODO",
            "***",
            "********",
            "•••",
            "…",
            "...",
            "xxx",
            "XXXX-XXXX",
            "ghp_xxxxxxxx",
            "sk-XXXX",
            "<redacted>",
            "[REDACTED]",
            "REDACTED",
            "***REMOVED***",
            "(sensitive value)",
            "[token redacted]",
        ] {
            assert_eq!(placeholder_kind(text), Some(PlaceholderKind::Template), "{text}");
        }
    }

    #[test]
    fn passwords_are_plain_text_whatever_marks_they_have() {
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
    fn references_of_other_tools_are_recognized_by_their_form() {
        for (text, tool, unmistakable) in [
            ("op://vault/item/field", "1Password", true),
            ("op://My Vault/item/field", "1Password", true),
            ("ref+vault://secret/db#/password", "vals", true),
            ("ref+awssecrets://db/password", "vals", true),
            ("secretref+sops://x.yaml#/a", "vals", true),
            ("vault:secret/data/x#y", "Bank-Vaults", true),
            ("vault://secret/db", "Vault", true),
            ("gcp:secretmanager:projects/p/secrets/s", "Bank-Vaults", true),
            ("sm://project/name", "Google Secret Manager", true),
            ("ssm:///path", "AWS Systems Manager", true),
            ("<path:secret/data/x#y>", "the Argo CD Vault plugin", true),
            ("@Microsoft.KeyVault(SecretUri=https://x/secrets/y)", "Azure Key Vault", true),
            ("bw://item/field", "Bitwarden", true),
            ("keyring:service/user", "the keyring", false),
            ("file:///run/secrets/x", "a tool that reads files", false),
            ("arn:aws:secretsmanager:eu-west-1:1:secret:db", "AWS Secrets Manager", false),
            ("projects/1/secrets/s/versions/latest", "Google Secret Manager", false),
        ] {
            assert_eq!(
                placeholder_kind(text),
                Some(PlaceholderKind::Foreign(ForeignReference { tool, is_unambiguous: unmistakable })),
                "{text}"
            );
        }
    }

    #[test]
    fn encrypted_values_are_recognized_by_their_form() {
        for text in [
            "$ANSIBLE_VAULT;1.1;AES256\n6162",
            "{cipher}6162",
            "vault:v1:abc/d#e=",
            "ENC(G6N718UuyPE5bHyWKyuLQSm02auQPUtm)",
        ] {
            assert_eq!(placeholder_kind(text), Some(PlaceholderKind::Encrypted), "{text}");
        }
        assert_eq!(placeholder_kind("ENC[AES256_GCM,data:x,iv:y,tag:z,type:str]"), Some(PlaceholderKind::Sops));
    }
}
