//! Writes keys to inventories, and prints a line for each stored secret.

use super::RegisterRun;
use crate::inventory::{NewKey, SecretChange};
use crate::lint::missing_keys::{RequiredKey, store};
use crate::output::lists::StoredSecret;
use crate::text::escape::escape_control;
use crate::workspace::context::{CommandError, Context};
use std::collections::{BTreeMap, HashSet};

/// The new keys of each secret, by inventory.
pub(super) type NewKeys<'k> = BTreeMap<usize, BTreeMap<&'k str, Vec<NewKey>>>;

impl<'r> RegisterRun<'r> {
    /// Stores keys without values.
    pub(super) fn store_names(
        &mut self,
        required: &[&RequiredKey<'_>],
        context: &mut Context<'_>,
    ) -> Result<(), CommandError> {
        let mut new_keys = NewKeys::new();
        for name in required {
            let entries = new_keys
                .entry(name.inventory)
                .or_default()
                .entry(&name.secret)
                .or_default();
            entries.extend(name.key.iter().map(|key| NewKey {
                key: key.clone(),
                value: None,
                replaces: false,
            }));
        }
        for (at, secrets) in &new_keys {
            let changes: Vec<SecretChange<'_>> = secrets
                .iter()
                .map(|(secret, entries)| SecretChange { secret, entries })
                .collect();
            self.store(*at, &changes, context)?;
        }
        Ok(())
    }

    /// Stores all new keys. If a write fails, the keys that were not stored are the missing ones.
    pub(super) fn store_all(
        &mut self,
        new_keys: &NewKeys<'_>,
        required: &'r [RequiredKey<'r>],
        context: &mut Context<'_>,
    ) -> Result<(), CommandError> {
        for (at, secrets) in new_keys {
            let changes: Vec<SecretChange<'_>> = secrets
                .iter()
                .map(|(secret, entries)| SecretChange { secret, entries })
                .collect();
            // A file is written once, with all changes or none. In other inventories each secret is
            // written and reported by itself.
            let is_file = self
                .inventories
                .get(*at)
                .is_some_and(|target| target.file().is_some());
            for changes in changes.chunks(if is_file { changes.len().max(1) } else { 1 }) {
                if let Err(error) = self.store(*at, changes, context) {
                    self.missing = self.still_missing(required);
                    return Err(error);
                }
            }
        }
        Ok(())
    }

    /// Stores changes in one inventory. Keys that another process has added in the meantime keep
    /// their values.
    pub(super) fn store(
        &mut self,
        at: usize,
        changes: &[SecretChange<'_>],
        context: &mut Context<'_>,
    ) -> Result<(), CommandError> {
        let Some(target) = self.inventories.get(at) else {
            return Ok(());
        };
        let name = target.name();
        let kept = store(target, changes)?;
        for (secret, key) in &kept {
            let (secret, key) = (escape_control(secret), escape_control(key));
            context.note(format_args!(
                "`{secret}.{key}` was added to `{name}` in the meantime; keeping the existing value"
            ))?;
        }
        let kept: HashSet<(&str, &str)> = kept
            .iter()
            .map(|(secret, key)| (secret.as_str(), key.as_str()))
            .collect();
        for SecretChange { secret, entries } in changes {
            let stored: Vec<&NewKey> = entries
                .iter()
                .filter(|entry| !kept.contains(&(*secret, &entry.key)))
                .collect();
            if stored.is_empty() && !entries.is_empty() {
                continue;
            }
            let replaced = stored.iter().filter(|entry| entry.replaces);
            let replaced: Vec<String> = replaced
                .map(|entry| format!("`{}`", escape_control(&entry.key)))
                .collect();
            let replacing = match replaced.len() {
                0 => String::new(),
                1 => format!(", replacing the value of {}", replaced.join("")),
                _ => format!(", replacing the values of {}", replaced.join(", ")),
            };
            let keys = stored.iter().map(|entry| entry.key.clone()).collect();
            self.stored.push(StoredSecret {
                inventory: name.to_owned(),
                secret: (*secret).to_owned(),
                keys,
            });
            let (secret, name) = (escape_control(secret), escape_control(name));
            writeln!(
                context.stderr.out,
                "stored `{secret}` in `{name}`{replacing}"
            )?;
        }
        Ok(())
    }
}
