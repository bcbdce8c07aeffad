//! The reasons why attributes accept no references.

use super::flavor_row::Flavor;
use super::version::Version;

/// The reason why an attribute of a component accepts no references.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Refusal {
    /// It identifies the component, such as `name`.
    Identity,
    /// It belongs to a secrets manager, which resolves references.
    SecretsManager,
    /// A validator reads it before `ZenML` resolves secrets.
    Validated,
    /// Its type is not a string, so `ZenML` rejects the text of a reference. This applies to the
    /// value itself, and not to values in it.
    NotString,
    /// Its type is `SecretStr`, and `ZenML` fails to use a resolved value of this type.
    SecretStr,
    /// It belongs to a command in which `ZenML` resolves nothing.
    Unresolved,
}

impl Version {
    /// Returns why an attribute accepts no references, or `None` if it accepts them. See
    /// [`Flavor::refusal`].
    pub fn refusal(self, kind: &str, flavor: Option<&str>, attribute: &str) -> Option<Refusal> {
        let row = flavor.and_then(|flavor| self.flavor(kind, flavor));
        refusal(row, kind, attribute).or_else(|| self.secret_str_refusal(kind, flavor?, attribute))
    }

    /// Returns [`Refusal::SecretStr`] for attributes that break with a reference.
    ///
    /// Before 0.96.2, `ZenML` does not replace references in attributes of the type `SecretStr`.
    /// Since then, it replaces them with a `str`, and these flavors call `get_secret_value` on it.
    /// The log store of Datadog accepts both types since 0.97.
    pub fn secret_str_refusal(self, kind: &str, flavor: &str, attribute: &str) -> Option<Refusal> {
        let is_refused = match (kind, flavor) {
            ("step_operator", "baseten") => attribute == "api_key",
            ("step_operator", "runai") => matches!(attribute, "client_id" | "client_secret"),
            ("log_store", "datadog") => {
                matches!(attribute, "api_key" | "application_key") && self < Self::new(0, 97, 0)
            }
            _ => false,
        };
        is_refused.then_some(Refusal::SecretStr)
    }
}

/// Returns why an attribute accepts no references in any version of its table, or `None` if it
/// accepts them. `row` is the row of the component's flavor.
pub fn refusal(row: Option<&Flavor>, kind: &str, attribute: &str) -> Option<Refusal> {
    if kind == "secrets_manager" {
        return Some(Refusal::SecretsManager);
    }
    let is_validated = (kind == "artifact_store" && attribute == "path")
        || row.is_some_and(|row| row.refused_attributes.contains(&attribute));
    if is_validated {
        return Some(Refusal::Validated);
    }
    row.is_some_and(|row| row.other_attributes.contains(&attribute))
        .then_some(Refusal::NotString)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::zenml::flavors::table_0_98::V0_98;

    fn refusal_in(version: &str, kind: &str, flavor: &str, attribute: &str) -> Option<Refusal> {
        let version = Version::parse(version).unwrap_or(Version::NEWEST);
        version.refusal(kind, Some(flavor), attribute)
    }

    #[test]
    fn attribute_that_is_not_a_string_is_refused() {
        let kubernetes =
            |version, attribute| refusal_in(version, "orchestrator", "kubernetes", attribute);
        for attribute in ["synchronous", "timeout", "pod_settings"] {
            assert_eq!(kubernetes("0.98.0", attribute), Some(Refusal::NotString));
            assert_eq!(
                kubernetes("0.55.0", attribute),
                None,
                "no table contains it"
            );
        }
        assert_eq!(kubernetes("0.98.0", "kubernetes_context"), None);
        assert_eq!(kubernetes("0.98.0", "unknown"), None);
    }

    #[test]
    fn secret_str_is_refused_where_zenml_fails() {
        let baseten = |version| refusal_in(version, "step_operator", "baseten", "api_key");
        let datadog = |version| refusal_in(version, "log_store", "datadog", "application_key");
        for version in ["0.96.0", "0.96.2"] {
            assert_eq!(baseten(version), Some(Refusal::SecretStr));
            assert_eq!(datadog(version), Some(Refusal::SecretStr));
        }
        for version in ["0.97.0", "0.98.0", "unknown"] {
            assert_eq!(baseten(version), Some(Refusal::SecretStr));
            assert_eq!(datadog(version), None);
        }
    }

    #[test]
    fn every_secret_str_was_examined() {
        let version = Version::NEWEST;
        for row in V0_98 {
            for &attribute in row.secret_str_attributes {
                let refusal = version.secret_str_refusal(row.kind, row.name, attribute);
                let is_accepted = row.kind == "log_store" && row.name == "datadog";
                assert_eq!(refusal.is_none(), is_accepted, "{} {attribute}", row.name);
            }
        }
    }
}
