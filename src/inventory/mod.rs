//! Inventories: where stackref looks up the secrets that stack files refer to.
//!
//! An inventory answers up to three questions: which secrets exist, which keys a secret has, and
//! (for `render`, `register` and `--leaks`) which values. The level of a run decides which of them
//! stackref may ask. Each kind of inventory is a module that implements [`Inventory`].
//!
//! An inventory that cannot answer returns a [`StoreError`]. [`StoreError::NotFound`] becomes a
//! finding; all other errors end the run with exit code 2 or 3. No module here prints anything or
//! reports findings: that is the task of `lint` and `output`.

mod capabilities;
mod declared_name;
mod factory;
mod http;
mod inventories;
mod registered_stacks;
mod secret_change;
mod secret_name;
mod store_error;
mod time_budget;
mod title;
mod value_type;

#[cfg(feature = "aws")]
pub mod aws;
pub mod command;
pub mod dir;
pub mod env;
pub mod file;
pub mod lookup;
pub mod refused;
mod repository_inventory;
pub mod sops;
pub mod vault;
pub mod zenml_server;

pub use capabilities::Capabilities;
pub use declared_name::{DeclaredName, InventoryComments, InventoryEntries, InventoryEntry};
pub use factory::{ConfiguredProject, StoreContext};
pub use inventories::{Inventories, InventoryChain};
pub use registered_stacks::{RegisteredComponent, RegisteredStacks};
pub use repository_inventory::{RepositorySecret, RepositorySecrets};
pub use secret_change::{NewKey, SecretChange};
pub use secret_name::{NameCaveat, RequestedNames, SecretName};
pub use store_error::StoreError;
pub use value_type::{Key, SecretValues, Unusable, ValueType};

use crate::diagnostics::error::Failure;
use crate::document::Edit;
use crate::text::redacted_source::RedactedSource;
use std::path::Path;
use std::sync::Arc;

/// A file, and the edits that rename a secret in it.
pub type RenameEdits = (Arc<RedactedSource>, Vec<Edit>);

/// An inventory of any kind.
pub trait Inventory: Send + Sync {
    /// Returns the name that messages use.
    fn name(&self) -> &str;

    /// Returns the operations that this kind of inventory supports.
    fn capabilities(&self) -> Capabilities;

    /// Lists the names of all secrets.
    ///
    /// Some stores spell names in their own way, for example environment variables in upper case.
    /// They return the names in `requested` that exist as `requested` spells them.
    ///
    /// # Errors
    /// Never returns [`StoreError::NotFound`].
    fn names(&self, requested: &RequestedNames) -> Result<Vec<SecretName>, StoreError>;

    /// Lists the keys of one secret. Keys in `requested` are spelled as in `requested`.
    ///
    /// # Errors
    /// Returns [`StoreError::NotFound`] if the secret does not exist.
    fn keys(&self, secret: &str, requested: &RequestedNames) -> Result<Vec<Key>, StoreError>;

    /// Returns the name by which the inventory stores a secret, or a key of it, if other names mean
    /// the same one. For example, `db-main` and `db_main` are one environment variable. Returns
    /// `None` if each name means only itself.
    fn stored_name(&self, _secret: &str, _key: Option<&str>) -> Option<String> {
        None
    }

    /// Returns whether a secret may have keys that [`Inventory::keys`] does not list. Such a key is
    /// not looked up, and never a finding.
    fn has_open_keys(&self, _secret: &str) -> bool {
        false
    }

    /// Reads the requested values of one secret. The result may contain more than was requested.
    ///
    /// # Errors
    /// Returns [`StoreError::NotFound`] if the secret does not exist, and [`StoreError::NoValues`]
    /// if the inventory stores only its keys.
    fn values(&self, secret: &str, requested: &RequestedNames) -> Result<SecretValues, StoreError>;

    /// Returns whether a secret, existing or new, stores values and not only the names of its keys.
    ///
    /// # Errors
    /// Fails for the same reasons as [`Inventory::names`].
    fn takes_values(&self, _secret: &str) -> Result<bool, StoreError> {
        Ok(true)
    }

    /// Checks whether [`Inventory::put`] can succeed, as far as this is known without writing.
    ///
    /// # Errors
    /// Returns the reason why it cannot.
    fn check_writable(&self) -> Result<(), Failure> {
        Ok(())
    }

    /// Creates secrets, or adds keys to existing ones. Returns the keys that already existed and
    /// were kept because [`NewKey::replaces`] is false, each with the name of its secret.
    ///
    /// # Errors
    /// Never returns [`StoreError::NotFound`]. After an error a file is unchanged, but other kinds
    /// of inventories may have stored some of the secrets.
    fn put(&self, changes: &[SecretChange<'_>]) -> Result<Vec<(String, String)>, StoreError> {
        let mut kept = Vec::new();
        for SecretChange { secret, entries } in changes {
            let kept_keys = self.put_secret(secret, entries)?;
            kept.extend(kept_keys.into_iter().map(|key| ((*secret).to_owned(), key)));
        }
        Ok(kept)
    }

    /// Creates one secret, or adds keys to it. Returns the keys that were kept.
    ///
    /// # Errors
    /// Never returns [`StoreError::NotFound`].
    fn put_secret(&self, _secret: &str, _entries: &[NewKey]) -> Result<Vec<String>, StoreError> {
        Err(StoreError::Forbidden(
            "this kind of inventory is read-only".to_owned(),
        ))
    }

    /// Returns the edits that rename a secret, or a key of it, in an inventory that is a file, and the
    /// file. `key` is the old and the new name. Returns `None` if the inventory does not have the
    /// name, or is not a file.
    ///
    /// # Errors
    /// Fails if the file cannot be read, or the edits would change more than the name.
    fn rename_edits(
        &self,
        _secret: &str,
        _new_secret: &str,
        _key: Option<(&str, &str)>,
    ) -> Option<Result<RenameEdits, Failure>> {
        None
    }

    /// Returns the text of an inventory file with another secret, or with another key of a secret.
    /// `text` is its current text. Returns `None` if the inventory is not a file that stores names
    /// only, or is a snapshot of another one, or has the name.
    ///
    /// # Errors
    /// Fails if the text does not parse, or if the name cannot be added without changing another one.
    fn text_with_name(
        &self,
        _text: &str,
        _secret: &str,
        _key: Option<&str>,
    ) -> Option<Result<String, Failure>> {
        None
    }

    /// Returns the command that renames a secret, or a key of it, in this inventory; `None` if there
    /// is no such command.
    fn rename_command(
        &self,
        _secret: &str,
        _new_secret: &str,
        _key: Option<(&str, &str)>,
    ) -> Option<String> {
        None
    }

    /// Returns whether the inventory consists of the declarations of the repository.
    fn is_repository(&self) -> bool {
        false
    }

    /// Returns whether the inventory is a `ZenML` server, on which stacks are registered.
    fn has_registered_stacks(&self) -> bool {
        false
    }

    /// Reads the stacks and components that are registered on a `ZenML` server.
    ///
    /// # Errors
    /// Returns [`StoreError::Forbidden`] if the server lists no component. Never returns
    /// [`StoreError::NotFound`].
    fn registered_stacks(&self) -> Result<RegisteredStacks, StoreError> {
        Ok(RegisteredStacks::default())
    }

    /// Returns a warning for users of this inventory, for example that its URL is not encrypted.
    fn warning(&self) -> Option<String> {
        None
    }

    /// Returns whether names and keys are read from this machine, so that a query takes no longer
    /// than reading a file.
    fn is_local(&self) -> bool {
        self.file().is_some()
    }

    /// Returns the absolute path of the inventory if it is a file or a folder.
    fn file(&self) -> Option<&Path> {
        None
    }

    /// Returns the errors in single entries of an inventory that was read as far as possible.
    ///
    /// If there are any, the inventory is unusable: a missing name may be in the unread part, so no
    /// finding that a secret does not exist may be based on it.
    fn entry_errors(&self) -> &[Failure] {
        &[]
    }

    /// Returns the stackref comments of an inventory that is a file. Returns `None` for other kinds
    /// and for a file that was not read.
    fn comments(&self) -> Option<InventoryComments<'_>> {
        None
    }

    /// Returns whether the inventory is a snapshot of another one, so that unused names in it are
    /// not reported.
    fn is_snapshot(&self) -> bool {
        false
    }

    /// Returns the names with their locations if the inventory is a file inside the repository,
    /// otherwise an empty list.
    fn declared_names(&self) -> Vec<DeclaredName> {
        Vec::new()
    }

    /// Returns the names and keys with their locations. Returns `None` if the inventory is not a
    /// file, or cannot be read completely.
    fn entries(&self) -> Option<InventoryEntries> {
        None
    }
}
