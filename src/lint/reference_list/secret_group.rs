//! The references and declarations of each secret.

use super::{MissingTargets, ReferenceLine, ReferenceList};
use crate::sources::declarations::Declaration;
use crate::sources::reference::Reference;
use crate::text::escape::escape_control;
use std::collections::BTreeMap;

/// The references and declarations of one secret.
#[derive(Default)]
pub struct SecretGroup<'s> {
    declarations: Vec<&'s Declaration>,
    /// The references by key. Those without a key come first.
    references: BTreeMap<Option<&'s str>, Vec<&'s Reference>>,
}

impl<'s> SecretGroup<'s> {
    /// Groups a list by secret, sorted by name. Within a group, the order is that of the list.
    pub fn of_list(list: &ReferenceList<'s>) -> BTreeMap<&'s str, Self> {
        let mut groups: BTreeMap<&str, Self> = BTreeMap::new();
        for declaration in list.declarations() {
            let group = groups.entry(&declaration.secret).or_default();
            group.declarations.push(declaration);
        }
        for reference in list.references() {
            let group = groups.entry(reference.secret()).or_default();
            let of_key = group.references.entry(reference.key()).or_default();
            of_key.push(reference);
        }
        groups
    }

    /// Iterates over the declarations.
    pub fn declarations(&self) -> impl Iterator<Item = ReferenceLine> + '_ {
        let declarations = self.declarations.iter();
        declarations.map(|declaration| ReferenceLine::of_declaration(declaration))
    }

    /// Iterates over the keys, escaped, each with its references. The key of references to the whole
    /// secret is `None`.
    pub fn keys<'g>(
        &'g self,
        missing: &'g MissingTargets,
    ) -> impl Iterator<Item = (Option<String>, impl Iterator<Item = ReferenceLine> + 'g)> + 'g {
        self.references.iter().map(|(key, references)| {
            let lines = references.iter();
            let lines = lines.map(|reference| ReferenceLine::of_reference(reference, missing));
            (key.map(escape_control), lines)
        })
    }
}
