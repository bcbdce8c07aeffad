//! References of other tools, for example `op://vault/item/field` of 1Password.
//!
//! Syntaxes that use double braces are in `zenml::grammar`.

/// A reference of another tool, which neither `ZenML` nor stackref resolves.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ForeignReference {
    /// The tool that resolves it.
    pub tool: &'static str,
    /// Whether the text has no other meaning. Ambiguous text is a reference only in a sensitive
    /// attribute.
    pub is_unambiguous: bool,
}

/// Prefixes that only references have, in lower case, each with the tool that resolves it.
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

/// Prefixes that other values have, too, in lower case. Such a value is a reference only in a
/// sensitive attribute.
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

/// Returns the reference of another tool that a text consists of, or `None` if it is not one.
pub fn foreign_reference(text: &str) -> Option<ForeignReference> {
    let text = text.trim();
    if let Some(tool) = tool_of_prefix(text, &UNAMBIGUOUS_PREFIXES).or_else(|| tool_of_path(text)) {
        return Some(ForeignReference {
            tool,
            is_unambiguous: true,
        });
    }
    let is_google_resource = text.starts_with("projects/") && text.contains("/secrets/");
    let google = is_google_resource.then_some("Google Secret Manager");
    let tool = tool_of_prefix(text, &AMBIGUOUS_PREFIXES).or(google)?;
    Some(ForeignReference {
        tool,
        is_unambiguous: false,
    })
}

/// Returns the tool of the first prefix in a table that the text starts with, ignoring ASCII case.
/// A prefix without further text is not a reference.
fn tool_of_prefix(text: &str, table: &[(&'static str, &'static str)]) -> Option<&'static str> {
    let text = text.as_bytes();
    let first = text.first()?.to_ascii_lowercase();
    let row = table.iter().find(|(prefix, _)| {
        let prefix = prefix.as_bytes();
        // Most rows are excluded by their first byte.
        prefix.first() == Some(&first)
            && text.len() > prefix.len()
            && text
                .get(..prefix.len())
                .is_some_and(|start| start.eq_ignore_ascii_case(prefix))
    });
    row.map(|&(_, tool)| tool)
}

/// Returns the tool of `vault:secret/data/x#key` or `<path:secret/data/x#key>`.
fn tool_of_path(text: &str) -> Option<&'static str> {
    if text.strip_prefix("vault:").is_some_and(is_path_with_key) {
        return Some("Bank-Vaults");
    }
    let path = text.strip_prefix("<path:")?.strip_suffix('>')?;
    is_path_with_key(path).then_some("the Argo CD Vault plugin")
}

fn is_path_with_key(path: &str) -> bool {
    path.contains('/') && path.split_once('#').is_some_and(|(_, key)| !key.is_empty())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reference_is_recognized_by_its_form() {
        for (text, tool, is_unambiguous) in [
            ("op://vault/item/field", "1Password", true),
            ("op://My Vault/item/field", "1Password", true),
            ("ref+vault://secret/db#/password", "vals", true),
            ("ref+awssecrets://db/password", "vals", true),
            ("secretref+sops://x.yaml#/a", "vals", true),
            ("vault:secret/data/x#y", "Bank-Vaults", true),
            ("vault://secret/db", "Vault", true),
            (
                "gcp:secretmanager:projects/p/secrets/s",
                "Bank-Vaults",
                true,
            ),
            ("sm://project/name", "Google Secret Manager", true),
            ("ssm:///path", "AWS Systems Manager", true),
            ("<path:secret/data/x#y>", "the Argo CD Vault plugin", true),
            (
                "@Microsoft.KeyVault(SecretUri=https://x/secrets/y)",
                "Azure Key Vault",
                true,
            ),
            ("bw://item/field", "Bitwarden", true),
            ("keyring:service/user", "the keyring", false),
            ("file:///run/secrets/x", "a tool that reads files", false),
            (
                "arn:aws:secretsmanager:eu-west-1:1:secret:db",
                "AWS Secrets Manager",
                false,
            ),
            (
                "projects/1/secrets/s/versions/latest",
                "Google Secret Manager",
                false,
            ),
        ] {
            assert_eq!(
                foreign_reference(text),
                Some(ForeignReference {
                    tool,
                    is_unambiguous
                }),
                "{text}"
            );
        }
    }
}
