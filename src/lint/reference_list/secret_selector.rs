//! `--secret`: one secret or key, and the references that use it or may use it.

use super::ReferenceList;
use crate::lint::dynamic_names::may_mean;
use crate::sources::declarations::Declaration;
use crate::sources::reference::Reference;
use crate::text::nearest::nearest;
use std::collections::BTreeSet;

/// A secret or a key of it.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct SecretSelector {
    secret: String,
    key: Option<String>,
}

impl SecretSelector {
    /// Parses `NAME` or `NAME.KEY`. A text that a list contains as the name of a secret is that
    /// secret, even if it contains dots. Otherwise, the first dot separates the name from the key.
    pub fn parse(text: &str, list: &ReferenceList<'_>) -> Self {
        let is_secret = list.references().any(|it| it.secret() == text)
            || list.declarations().any(|it| it.secret == text);
        let parts = text.split_once('.').filter(|_| !is_secret);
        match parts.filter(|(secret, key)| !secret.is_empty() && !key.is_empty()) {
            Some((secret, key)) => Self {
                secret: secret.to_owned(),
                key: Some(key.to_owned()),
            },
            None => Self {
                secret: text.to_owned(),
                key: None,
            },
        }
    }

    /// Creates the selector of a whole secret.
    pub fn of_secret(secret: &str) -> Self {
        Self {
            secret: secret.to_owned(),
            key: None,
        }
    }

    /// Creates the selector of a key of a secret, or of the whole secret without a key.
    pub fn new(secret: &str, key: Option<&str>) -> Self {
        Self {
            secret: secret.to_owned(),
            key: key.map(str::to_owned),
        }
    }

    /// Returns the name of the secret.
    pub fn secret(&self) -> &str {
        &self.secret
    }

    /// Returns the key; `None` for a whole secret.
    pub fn key(&self) -> Option<&str> {
        self.key.as_deref()
    }

    /// Returns what is selected, for messages: `the secret` or `the key`.
    pub fn kind(&self) -> &'static str {
        if self.key.is_some() {
            "the key"
        } else {
            "the secret"
        }
    }

    /// Returns `secret` or `secret.key`.
    pub fn text(&self) -> String {
        match &self.key {
            Some(key) => format!("{}.{key}", self.secret),
            None => self.secret.clone(),
        }
    }

    /// Returns whether a reference uses the secret or key. A reference to the whole secret uses all
    /// its keys. A dynamic reference is not a use, because it may mean another secret.
    pub fn is_used_by(&self, reference: &Reference) -> bool {
        !reference.is_dynamic && self.selects(reference.secret(), reference.key())
    }

    /// Returns whether a name means the secret or key. The name of a whole secret means all its keys.
    pub fn selects(&self, secret: &str, key: Option<&str>) -> bool {
        secret == self.secret && self.selects_key(key, |key, selected| key == selected)
    }

    /// Returns whether a reference uses the secret or key, or is dynamic and may use it.
    pub(super) fn selects_reference(&self, reference: &Reference) -> bool {
        if !reference.is_dynamic {
            return self.is_used_by(reference);
        }
        let names = reference.expression();
        let is_written = reference.secret() == self.secret;
        (is_written || may_mean(names.secret(), &self.secret))
            && self.selects_key(names.key(), may_mean)
    }

    /// Returns whether a declaration sets the secret or key, or may set it.
    pub(super) fn selects_declaration(&self, declaration: &Declaration) -> bool {
        let is_of_secret = declaration.secret == self.secret
            || (declaration.is_dynamic && may_mean(&declaration.expression(), &self.secret));
        let mut keys = declaration.keys.iter();
        let sets = |key: &String| keys.any(|declared| declared.name == *key);
        is_of_secret && (declaration.is_open || self.key.as_ref().is_none_or(sets))
    }

    /// Returns the secret or key that a list uses and whose name is nearest to the selected one.
    /// Returns `None` if the list uses the selected one.
    pub fn suggestion(&self, list: &ReferenceList<'_>) -> Option<String> {
        if list.references().any(|it| self.is_used_by(it)) {
            return None;
        }
        let references = list.references().filter(|it| !it.is_dynamic);
        let names: BTreeSet<&str> = if self.key.is_some() {
            let with_key = references.filter(|it| it.key().is_some());
            with_key.map(|it| it.names.text()).collect()
        } else {
            references.map(Reference::secret).collect()
        };
        nearest(&self.text(), names).map(str::to_owned)
    }

    fn selects_key(&self, key: Option<&str>, matches: fn(&str, &str) -> bool) -> bool {
        match (key, &self.key) {
            (Some(key), Some(selected)) => matches(key, selected),
            _ => true,
        }
    }
}
