//! The flavors of `ZenML` components: which of their attributes are sensitive, which accept no
//! references, and which name a whole secret.
//!
//! The `zenml_version` of a stack file selects the table. A version between two tables uses the
//! older one, and a file without a version uses the newest one.

mod flavor_row;
mod refusal;
mod sensitive_names;
mod table_0_98;
mod tables;
mod version;

pub use flavor_row::Flavor;
pub use refusal::{Refusal, refusal};
pub use sensitive_names::{has_sensitive_name, is_secret_variable, may_be_sensitive};
pub use version::Version;

use table_0_98::V0_98;
use tables::{ADDED_0_30, ADDED_0_44, V0_13};

impl Version {
    /// Returns the tables of this version, the newest first.
    fn tables(self) -> &'static [&'static [Flavor]] {
        if self >= Self::new(0, 98, 0) {
            &[V0_98]
        } else if self >= Self::new(0, 44, 0) {
            &[ADDED_0_44, ADDED_0_30, V0_13]
        } else if self >= Self::new(0, 30, 0) {
            &[ADDED_0_30, V0_13]
        } else {
            &[V0_13]
        }
    }

    /// Returns the row of a flavor, or `None` if this version does not contain the flavor.
    pub fn flavor(self, kind: &str, name: &str) -> Option<&'static Flavor> {
        let mut rows = self.tables().iter().flat_map(|table| table.iter());
        rows.find(|row| row.name == name && row.kind == kind)
    }

    /// Returns whether an attribute of a component is sensitive. See [`is_sensitive`].
    pub fn is_sensitive(self, kind: &str, flavor: Option<&str>, attribute: &str) -> bool {
        is_sensitive(
            flavor.and_then(|flavor| self.flavor(kind, flavor)),
            attribute,
        )
    }

    /// Returns whether the table of a known flavor contains an attribute as sensitive. Then even a
    /// number in it is a secret.
    pub fn is_listed_sensitive(self, kind: &str, flavor: Option<&str>, attribute: &str) -> bool {
        let row = flavor.and_then(|flavor| self.flavor(kind, flavor));
        row.is_some_and(|row| row.sensitive_attributes.contains(&attribute))
    }

    /// Returns whether the tables contain an attribute as sensitive. Without a flavor, all flavors
    /// of the component type count.
    pub fn may_be_listed_sensitive(
        self,
        kind: &str,
        flavor: Option<&str>,
        attribute: &str,
    ) -> bool {
        let mut rows = self.tables().iter().flat_map(|table| table.iter());
        rows.any(|row| {
            row.kind == kind
                && flavor.is_none_or(|flavor| flavor == row.name)
                && row.sensitive_attributes.contains(&attribute)
        })
    }
}

/// Returns whether an attribute of a component is sensitive. For a known flavor, its row decides;
/// otherwise, the name of the attribute does.
pub fn is_sensitive(row: Option<&Flavor>, attribute: &str) -> bool {
    match row {
        Some(row) => row.sensitive_attributes.contains(&attribute),
        None => has_sensitive_name(attribute),
    }
}

/// Returns whether a flavor of a component type has an attribute in the newest version.
pub fn is_attribute(kind: &str, attribute: &str) -> bool {
    let mut rows = V0_98.iter().filter(|row| row.kind == kind);
    rows.any(|row| row.has_attribute(attribute))
}

/// Returns whether the value of an attribute is the name of a whole secret, without braces.
pub fn names_whole_secret(kind: &str, flavor: Option<&str>, attribute: &str) -> bool {
    match attribute {
        "authentication_secret" | "api_key_secret" => kind != "secrets_manager",
        "secret" => {
            matches!(
                (kind, flavor),
                ("model_deployer", Some("seldon" | "kserve")) | ("metadata_store", Some("mysql"))
            )
        }
        "secret_name" => matches!(
            (kind, flavor),
            ("model_deployer", Some("databricks" | "huggingface"))
        ),
        "endpoint_secret_name" => kind == "model_deployer",
        _ => false,
    }
}

/// Returns the sensitive attributes of all flavors in all versions.
fn sensitive_attributes() -> impl Iterator<Item = &'static str> {
    let rows = [V0_13, ADDED_0_30, ADDED_0_44, V0_98].into_iter().flatten();
    rows.flat_map(|row| row.sensitive_attributes).copied()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn version_between_tables_uses_the_older_one() {
        let at = |text: &str| Version::parse(text).unwrap_or(Version::NEWEST);
        let neptune = |text: &str| {
            at(text).is_listed_sensitive("experiment_tracker", Some("neptune"), "api_token")
        };
        assert!(!neptune("0.20.5") && neptune("0.30.0") && neptune("0.55") && neptune("nonsense"));
        let uri =
            |text: &str| at(text).refusal("experiment_tracker", Some("mlflow"), "tracking_uri");
        for version in ["0.13.2", "0.97.9"] {
            assert_eq!(uri(version), Some(Refusal::Validated), "{version}");
        }
        for version in ["0.98.0", ""] {
            assert_eq!(uri(version), None, "{version}");
        }
    }

    #[test]
    fn some_attributes_name_a_whole_secret() {
        for (kind, flavor, attribute) in [
            ("artifact_store", Some("s3"), "authentication_secret"),
            ("annotator", Some("label_studio"), "api_key_secret"),
            ("model_deployer", Some("databricks"), "endpoint_secret_name"),
            ("model_deployer", Some("huggingface"), "secret_name"),
        ] {
            assert!(names_whole_secret(kind, flavor, attribute), "{attribute}");
        }
        for (kind, attribute) in [
            ("secrets_manager", "authentication_secret"),
            ("orchestrator", "secret_name"),
            ("step_operator", "registry_auth_secret"),
        ] {
            assert!(!names_whole_secret(kind, None, attribute), "{attribute}");
        }
    }

    #[test]
    fn row_of_a_known_flavor_overrides_the_name() {
        let newest = Version::NEWEST;
        assert!(newest.is_sensitive("artifact_store", Some("s3"), "key"));
        assert!(!newest.is_sensitive("deployer", Some("docker"), "some_token"));
        assert!(newest.is_sensitive("deployer", Some("ours"), "some_token"));
        assert!(newest.is_sensitive("deployer", Some("docker"), "auth_key"));
    }
}
