//! Whether an inventory accepts new keys. This is checked before the first prompt and before the
//! first write.

use super::RegisterRun;
use crate::diagnostics::error::Failure;
use std::collections::BTreeMap;

impl RegisterRun<'_> {
    /// Returns why keys cannot be stored in an inventory, with or without values; `None` if they
    /// can.
    pub(super) fn write_refusal(&self, at: usize, has_values: bool) -> Option<Failure> {
        let target = self.inventories.get(at)?;
        let name = target.name();
        if target.is_repository()
            && let Err(failure) = target.check_writable()
        {
            return Some(failure);
        }
        if !target.capabilities().write {
            let failure = Failure::usage(format!("the inventory `{name}` is read-only"));
            return Some(
                failure.with_help("add the secrets at their source, or use another inventory"),
            );
        }
        if let Err(failure) = target.check_writable() {
            return Some(failure);
        }
        let file = target
            .file()
            .filter(|_| has_values && !self.args.allow_tracked)?;
        match self.git.tracked(file) {
            Ok(files) if files.is_empty() => None,
            Ok(_) => Some(
                Failure::usage(format!("git tracks the inventory `{name}`, which contains values")).with_help(
                    "untrack it with `git rm --cached` and add it to .gitignore, store names only (`name: [key, key]`), or use \
                     --allow-tracked",
                ),
            ),
            Err(error) => Some(
                Failure::usage(format!("cannot ask git whether it tracks the inventory `{name}`: {error}"))
                    .with_help(format!("{}; or use --allow-tracked to store values there anyway", error.remedy())),
            ),
        }
    }

    /// Checks all inventories that a run stores keys in. Each target is an inventory, and whether
    /// it gets a value.
    ///
    /// # Errors
    /// One failure for each inventory that keys cannot be stored in.
    pub(super) fn refuse_targets(
        &self,
        targets: impl Iterator<Item = (usize, bool)>,
    ) -> Result<(), Vec<Failure>> {
        let mut with_values: BTreeMap<usize, bool> = BTreeMap::new();
        for (at, has_value) in targets {
            *with_values.entry(at).or_default() |= has_value;
        }
        let refusals = with_values
            .into_iter()
            .filter_map(|(at, has_values)| self.write_refusal(at, has_values));
        let refusals: Vec<Failure> = refusals.collect();
        if refusals.is_empty() {
            Ok(())
        } else {
            Err(refusals)
        }
    }
}
