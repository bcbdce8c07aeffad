//! The list of secrets on a ZenML server.
//!
//! A public and a private secret may have the same name. The version of the server decides which of
//! them a reference resolves to.

use super::ZenmlSession;
use super::zenml_pages::{PagedList, server_version};
use crate::inventory::{NameCaveat, StoreError};
use crate::zenml::flavors::Version;
use serde_json::Value;
use std::collections::BTreeMap;

/// The list of secrets.
const SECRETS: PagedList = PagedList {
    path: "/api/v1/secrets",
    query: "&sort_by=asc%3Aname",
    page_size: 1_000,
    items: "secrets",
    max_items: 1_000_000,
    max_bytes: 1 << 30,
};

/// Secrets by name.
pub(super) type SecretIds = BTreeMap<String, SecretId>;

/// The secret that a name resolves to.
pub(super) struct SecretId {
    pub id: String,
    /// A reason why the name may mean another secret, or none, for other users.
    pub caveat: Option<NameCaveat>,
}

/// The ids of the secrets of one name: the first public one and the first private one.
#[derive(Default)]
struct SameName {
    public: Option<String>,
    private: Option<String>,
    is_ambiguous: bool,
}

impl SameName {
    /// Adds a secret, unless it was added before.
    fn add(&mut self, id: &str, private: bool) {
        let earlier = [&self.public, &self.private];
        if earlier.into_iter().flatten().any(|earlier| earlier == id) {
            return;
        }
        self.is_ambiguous |= earlier.into_iter().any(Option::is_some);
        let first = if private {
            &mut self.private
        } else {
            &mut self.public
        };
        first.get_or_insert_with(|| id.to_owned());
    }

    /// Returns the secret that ZenML resolves the name to.
    fn into_preferred(self, prefers_public: bool) -> Option<SecretId> {
        let Self {
            public,
            private,
            is_ambiguous,
        } = self;
        let public = public.map(|id| (id, is_ambiguous.then_some(NameCaveat::PublicOfTwo)));
        let private_caveat = if is_ambiguous {
            NameCaveat::PrivateOfTwo
        } else {
            NameCaveat::PrivateOnly
        };
        let private = private.map(|id| (id, Some(private_caveat)));
        let (id, caveat) = if prefers_public {
            public.or(private)
        } else {
            private.or(public)
        }?;
        Some(SecretId { id, caveat })
    }
}

/// Reads all pages of the list of secrets.
pub(super) fn list_secrets(session: &ZenmlSession) -> Result<SecretIds, StoreError> {
    let mut found: BTreeMap<String, SameName> = BTreeMap::new();
    SECRETS.read(session, |items| add_secrets(&mut found, items))?;
    let is_ambiguous = found.values().any(|same_name| same_name.is_ambiguous);
    let prefers_public = !is_ambiguous || prefers_public(session)?;
    let preferred = found
        .into_iter()
        .filter_map(|(name, same_name)| Some((name, same_name.into_preferred(prefers_public)?)));
    Ok(preferred.collect())
}

/// Adds the secrets of a page. Returns `None` if one has no id or no name.
///
/// If a secret is created while the pages are read, a secret may appear on two pages.
fn add_secrets(found: &mut BTreeMap<String, SameName>, items: &[Value]) -> Option<()> {
    for item in items {
        let private = item
            .get("body")
            .and_then(|body| body.get("private"))
            .and_then(Value::as_bool);
        let (id, name) = (item.get("id")?.as_str()?, item.get("name")?.as_str()?);
        found
            .entry(name.to_owned())
            .or_default()
            .add(id, private.unwrap_or(false));
    }
    Some(())
}

/// Returns whether a name resolves to the public one of two secrets, as it does since ZenML 0.80.
fn prefers_public(session: &ZenmlSession) -> Result<bool, StoreError> {
    let version = server_version(session)?;
    let version = version.as_deref().and_then(Version::parse);
    Ok(version.is_none_or(Version::takes_public_secret))
}
