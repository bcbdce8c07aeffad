//! Inventories of kind `repository`: the secrets that commands of the repository create.
//!
//! Nothing is read here: `lint::secret_list` collects the declarations of a scan, and all
//! inventories of this kind share them.

use super::{Capabilities, Inventory, Key, RequestedNames, SecretName, SecretValues, StoreError};
use crate::diagnostics::error::Failure;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

/// The secrets that the files of a repository declare.
#[derive(Debug, Default)]
pub struct RepositorySecrets {
    /// The secrets by name.
    pub secrets: BTreeMap<String, RepositorySecret>,
    /// The failures of files that could not be read. They may declare more secrets.
    pub failures: Vec<Failure>,
}

/// A declared secret.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct RepositorySecret {
    /// The declared keys.
    pub keys: BTreeSet<String>,
    /// Whether the secret may have more keys: they are typed, read from a file, or computed.
    pub is_open: bool,
}

/// An inventory that answers from the declarations of a repository.
pub struct RepositoryInventory {
    name: String,
    declared: Arc<RepositorySecrets>,
}

impl RepositoryInventory {
    /// Creates an inventory with the name that messages use.
    pub fn new(name: String, declared: Arc<RepositorySecrets>) -> Self {
        Self { name, declared }
    }
}

impl Inventory for RepositoryInventory {
    fn name(&self) -> &str {
        &self.name
    }

    fn capabilities(&self) -> Capabilities {
        Capabilities::NAMES
    }

    fn names(&self, _requested: &RequestedNames) -> Result<Vec<SecretName>, StoreError> {
        let names = self.declared.secrets.keys();
        Ok(names.map(SecretName::unique).collect())
    }

    fn keys(&self, secret: &str, _requested: &RequestedNames) -> Result<Vec<Key>, StoreError> {
        let declared = self.declared.secrets.get(secret);
        let keys = declared.ok_or(StoreError::NotFound)?.keys.iter().cloned();
        Ok(keys.map(Key::with_unknown_type).collect())
    }

    fn has_open_keys(&self, secret: &str) -> bool {
        let declared = self.declared.secrets.get(secret);
        declared.is_some_and(|declared| declared.is_open)
    }

    fn values(
        &self,
        _secret: &str,
        _requested: &RequestedNames,
    ) -> Result<SecretValues, StoreError> {
        Err(StoreError::NoValues)
    }

    fn takes_values(&self, _secret: &str) -> Result<bool, StoreError> {
        Ok(false)
    }

    fn check_writable(&self) -> Result<(), Failure> {
        let name = &self.name;
        Err(Failure::usage(format!(
            "cannot store secrets in the inventory `{name}`: it consists of the commands that create secrets"
        ))
        .with_help("add a `zenml secret create` command, or use another inventory"))
    }

    fn is_local(&self) -> bool {
        true
    }

    fn is_repository(&self) -> bool {
        true
    }

    fn entry_errors(&self) -> &[Failure] {
        &self.declared.failures
    }
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "tests")]
mod tests {
    use super::*;

    fn inventory(failures: Vec<Failure>) -> RepositoryInventory {
        let secret = |keys: &[&str], is_open| RepositorySecret {
            keys: keys.iter().map(ToString::to_string).collect(),
            is_open,
        };
        let secrets = BTreeMap::from([
            ("db".to_owned(), secret(&["password", "user"], false)),
            ("s3".to_owned(), secret(&["token"], true)),
        ]);
        let declared = RepositorySecrets { secrets, failures };
        RepositoryInventory::new("ours".to_owned(), Arc::new(declared))
    }

    #[test]
    fn names_and_keys_are_those_of_the_declarations() {
        let inventory = inventory(Vec::new());
        let all = RequestedNames::new();
        let names = inventory.names(&all).unwrap();
        assert_eq!(names, ["db", "s3"].map(SecretName::unique));
        for (secret, expected, is_open) in [
            ("db", Some(vec!["password", "user"]), false),
            ("s3", Some(vec!["token"]), true),
            ("DB", None, false),
        ] {
            let keys = inventory.keys(secret, &all).ok();
            let keys = keys.map(|keys| keys.into_iter().map(|key| key.name).collect::<Vec<_>>());
            let expected =
                expected.map(|keys| keys.iter().map(ToString::to_string).collect::<Vec<_>>());
            assert_eq!(keys, expected, "{secret}");
            assert_eq!(inventory.has_open_keys(secret), is_open, "{secret}");
        }
        assert!(inventory.entry_errors().is_empty());
    }

    #[test]
    fn there_are_no_values_and_nothing_can_be_stored() {
        let inventory = inventory(vec![Failure::usage("cannot read `x.sh`")]);
        let values = inventory.values("db", &RequestedNames::new());
        assert!(matches!(values, Err(StoreError::NoValues)));
        assert!(!inventory.takes_values("db").unwrap());
        let refusal = inventory.check_writable().unwrap_err().to_string();
        assert!(refusal.contains("the inventory `ours`"), "{refusal}");
        assert!(!inventory.capabilities().write && inventory.is_repository());
        assert_eq!(inventory.entry_errors().len(), 1);
    }
}
