//! The summaries of a run: numbers of stored, kept and missing keys.

use super::RegisterRun;
use crate::lint::missing_keys::RequiredKey;
use crate::output::count;
use crate::output::lists::StoredSecret;
use crate::workspace::context::Context;
use std::collections::{BTreeSet, HashSet};

impl<'r> RegisterRun<'r> {
    /// Sets the summary: how many keys are stored, and how many are still missing.
    pub(super) fn summarize(&self, context: &mut Context<'_>) {
        let secrets: BTreeSet<(&str, &str)> = self
            .stored
            .iter()
            .map(|stored| (stored.inventory.as_str(), stored.secret.as_str()))
            .collect();
        let missing = match self.missing.len() {
            0 => "nothing is missing".to_owned(),
            1 => "1 key is still missing".to_owned(),
            number => format!("{number} keys are still missing"),
        };
        let (keys, secrets) = (
            count(self.stored_keys(), "key"),
            count(secrets.len(), "secret"),
        );
        context.summary = Some(format!(
            "registered {keys} of {secrets}; {missing}{}",
            self.kept_summary()
        ));
    }

    /// Sets the summary of a run that the user interrupted after `answered` of the keys in `asked`.
    pub(super) fn summarize_interrupted(
        &mut self,
        asked: &[&'r RequiredKey<'r>],
        answered: usize,
        context: &mut Context<'_>,
    ) {
        self.missing
            .extend(asked.iter().skip(answered).filter(|key| key.is_missing()));
        let stored = match self.stored_keys() {
            0 => "nothing was stored".to_owned(),
            number => format!("{} answered and stored", count(number, "key")),
        };
        let missing = self.missing.len();
        let rest = if missing > 0 {
            "; run this again for the rest"
        } else {
            ""
        };
        context.summary = Some(format!(
            "interrupted: {stored}, {} left{rest}",
            count(missing, "key")
        ));
    }

    /// Returns the end of a summary: how many existing values were kept although others were given.
    /// It may be empty.
    pub(super) fn kept_summary(&self) -> String {
        match self.kept.iter().map(|kept| kept.keys.len()).sum() {
            0 => String::new(),
            1 => "; kept 1 existing value".to_owned(),
            number => format!("; kept {number} existing values"),
        }
    }

    fn stored_keys(&self) -> usize {
        self.stored.iter().map(|stored| stored.keys.len()).sum()
    }

    /// Returns the missing keys that were not stored.
    pub(super) fn still_missing(
        &self,
        required: &'r [RequiredKey<'r>],
    ) -> Vec<&'r RequiredKey<'r>> {
        let stored: HashSet<(&str, &str, Option<&str>)> = self
            .stored
            .iter()
            .flat_map(
                |StoredSecret {
                     inventory,
                     secret,
                     keys,
                 }| {
                    let keys = keys.iter().map(|key| Some(key.as_str())).chain([None]);
                    keys.map(|key| (inventory.as_str(), secret.as_str(), key))
                },
            )
            .collect();
        let missing = required.iter().filter(|key| {
            let inventory = self.inventories.name(key.inventory);
            key.is_missing()
                && !stored.contains(&(inventory, key.secret.as_str(), key.key.as_deref()))
        });
        missing.collect()
    }
}
