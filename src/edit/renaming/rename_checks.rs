//! The reasons not to rename a secret: the new name exists, or not every use is known.

use crate::diagnostics::error::Failure;
use crate::diagnostics::rule_id::RuleId;
use crate::edit::renaming::{Rename, RenamePlan};
use crate::inventory::Inventories;
use crate::inventory::lookup::{LookupResult, LookupResults, ReferenceLookup};
use crate::lint::reference_list::{ReferenceList, SecretSelector};
use crate::lint::scan::{PathRoots, Scan};
use crate::lint::settings::LevelChoice;
use crate::project::config::{Config, Level};
use crate::project::configs::Configs;
use crate::sources::reference::Reference;
use crate::text::escape::escape_control;
use crate::text::nearest::nearest;
use std::collections::BTreeSet;

/// The places of one kind that are reported. More would hide the other reasons.
const MAX_REPORTED: usize = 10;

/// Returns the lookups of the old and the new name in each inventory. At level `none`, only files are
/// asked.
pub fn lookups(
    rename: &Rename,
    inventories: &Inventories,
    level: LevelChoice<'_>,
    config: &Config,
) -> BTreeSet<ReferenceLookup> {
    let asks_stores = level.highest(config) > Level::None;
    let asked = inventories.in_use().filter(|(_, inventory)| {
        !inventory.is_repository() && (asks_stores || inventory.file().is_some())
    });
    let lookups = asked.flat_map(|(index, _)| {
        let (old_key, new_key) = rename.key().unzip();
        let lookup = |secret: &str, key: Option<&str>| ReferenceLookup {
            chain: vec![index],
            secret: secret.to_owned(),
            key: key.map(str::to_owned),
        };
        [
            lookup(rename.secret(), old_key),
            lookup(rename.new_secret(), new_key),
        ]
    });
    lookups.collect()
}

/// The facts from which the reasons follow.
pub struct RenameChecks<'c> {
    /// The rename.
    pub rename: &'c Rename,
    /// The secret or key that is renamed.
    pub selector: &'c SecretSelector,
    /// The files.
    pub scan: &'c Scan,
    /// The inventories.
    pub inventories: &'c Inventories,
    /// The answers to [`lookups`].
    pub answers: &'c LookupResults,
}

/// The reasons that do not count.
#[derive(Clone, Copy, Debug, Default)]
pub struct AcceptedReasons {
    /// The new name exists.
    pub existing_name: bool,
    /// A place may mean the secret, or is not known.
    pub doubts: bool,
}

impl RenameChecks<'_> {
    /// Returns the plan of a rename against which nothing speaks.
    ///
    /// # Errors
    /// Returns all reasons not to rename the secret or key.
    pub fn plan(
        &self,
        accepted: AcceptedReasons,
        configs: &Configs,
        roots: &PathRoots,
    ) -> Result<RenamePlan, Vec<Failure>> {
        let mut failures = Vec::new();
        if !accepted.existing_name {
            failures.extend(self.existing_names());
        }
        if !accepted.doubts {
            failures.extend(self.doubts());
        }
        match RenamePlan::new(self.rename, self.scan, self.inventories, configs, roots) {
            Ok(plan) if plan.is_empty() && !self.is_in_store() => {
                failures.push(self.unknown_name());
            }
            Ok(plan) if failures.is_empty() => return Ok(plan),
            Ok(_) => {}
            Err(more) => failures.extend(more),
        }
        Err(failures)
    }

    /// Returns a failure for each place and inventory that has the new name.
    fn existing_names(&self) -> Vec<Failure> {
        let (secret, key) = (self.rename.new_secret(), self.rename.key());
        let has_key = |found: Option<&str>| key.is_none_or(|(_, new)| found == Some(new));
        let name = escape_control(&self.rename.new_text());
        let help =
            "choose another name, or let the references mean the existing one with `--merge`";
        let mut failures: Vec<Failure> = self
            .indexes_with(secret, key.map(|(_, new)| new))
            .map(|index| {
                let inventory = self.inventories.name(index);
                Failure::finding(format!("`{name}` exists in the inventory `{inventory}`"))
                    .with_help(help)
            })
            .collect();
        let mut places = Vec::new();
        for reference in self.scan.references() {
            if reference.secret() == secret && has_key(reference.key()) && !reference.is_dynamic {
                places.push((&reference.source, reference.span));
            }
        }
        for declaration in self.scan.declarations() {
            let sets = |new: &str| declaration.keys.iter().any(|key| key.name == new);
            if declaration.secret == secret && key.is_none_or(|(_, new)| sets(new)) {
                places.push((&declaration.source, declaration.span));
            }
        }
        if let Some((source, span)) = places.first() {
            let others = more(places.len() - 1);
            failures.push(
                Failure::finding(format!("`{name}` is in use here{others}"))
                    .at(source, *span)
                    .with_help(help),
            );
        }
        failures
    }

    /// Returns a failure for each place that may mean the secret, and for each part that is not
    /// known.
    fn doubts(&self) -> Vec<Failure> {
        let mut failures = self.dynamic_places();
        for file in &self.scan.files {
            let is_unparsed = file
                .findings
                .iter()
                .any(|finding| finding.rule() == RuleId::SyntaxError);
            let path = escape_control(file.source.path());
            if is_unparsed && file.source.text().contains(self.rename.secret()) {
                failures.push(
                    Failure::finding(format!(
                        "`{path}` cannot be parsed, and contains `{}`",
                        escape_control(self.rename.secret())
                    ))
                    .with_help("correct the file, or continue with `--force`"),
                );
            } else if file.is_incomplete {
                failures.push(
                    Failure::finding(format!(
                        "`{path}` has a part that is too long or too deep to read"
                    ))
                    .with_help("read it yourself, then continue with `--force`"),
                );
            }
        }
        failures.extend(self.scan.skipped.failures.iter().cloned());
        for (index, inventory) in self.inventories.in_use() {
            for secret in [self.rename.secret(), self.rename.new_secret()] {
                let lookup = ReferenceLookup {
                    chain: vec![index],
                    secret: secret.to_owned(),
                    key: None,
                };
                if !self.was_asked(index) {
                    continue;
                }
                if let LookupResult::Failed { error, .. } = self.answers.get(&lookup) {
                    let subject = format!("`{}`", escape_control(secret));
                    failures.push(error.clone().into_failure(inventory.name(), &subject));
                    break;
                }
            }
        }
        failures
    }

    /// Returns failures for the dynamic references and declarations that may mean the secret.
    fn dynamic_places(&self) -> Vec<Failure> {
        let mut list = ReferenceList::of_scan(self.scan);
        list.retain_secret(self.selector);
        let references = list.references().filter(|it| it.is_dynamic);
        let references = references.map(|it| (&it.source, it.span));
        let declarations = list.declarations().filter(|it| it.is_dynamic);
        let declarations = declarations.map(|it| (&it.source, it.span));
        let places: Vec<_> = references.chain(declarations).collect();
        let name = escape_control(&self.selector.text());
        let kind = self.selector.kind();
        let mut failures: Vec<Failure> = places
            .iter()
            .take(MAX_REPORTED)
            .map(|(source, span)| {
                Failure::finding(format!(
                    "a name that is known only at run time may mean {kind} `{name}`"
                ))
                .at(source, *span)
                .with_help("if it does not, continue with `--force`")
            })
            .collect();
        if places.len() > MAX_REPORTED {
            failures.push(Failure::finding(format!(
                "{} more names that are known only at run time may mean {kind} `{name}`",
                places.len() - MAX_REPORTED
            )));
        }
        failures
    }

    /// Returns whether an inventory that the rename does not change has the old name.
    fn is_in_store(&self) -> bool {
        self.old_indexes().any(|index| !self.is_file(index))
    }

    /// Returns the failure for a name that nothing has.
    fn unknown_name(&self) -> Failure {
        let list = ReferenceList::of_scan(self.scan);
        let declared = list.declarations().map(|it| it.secret.as_str());
        let names: BTreeSet<&str> = list
            .references()
            .map(Reference::secret)
            .chain(declared)
            .collect();
        let suggestion = self.selector.suggestion(&list);
        let suggestion =
            suggestion.or_else(|| nearest(self.rename.secret(), names).map(str::to_owned));
        let name = escape_control(&self.selector.text());
        let mut dynamic = list.references().filter(|it| it.is_dynamic);
        if let Some(default) = dynamic.find(|it| it.secret() == self.rename.secret()) {
            return Failure::finding(format!("`{name}` is only the default of a computed name"))
                .at(&default.source, default.span)
                .with_help("change it by hand");
        }
        Failure::finding(format!(
            "nothing uses or declares {} `{name}`",
            self.selector.kind()
        ))
        .with_help_if(suggestion.map(|near| format!("did you mean `{}`?", escape_control(&near))))
    }

    /// Returns what is left to do in the inventories that the rename does not change.
    pub fn next_steps(&self) -> Vec<String> {
        let (old, new) = (
            escape_control(&self.selector.text()),
            escape_control(&self.rename.new_text()),
        );
        let files = self.old_indexes().filter(|&index| self.is_file(index));
        let has_new = |index: &usize| {
            let inventory = self.inventories.get(*index);
            inventory.is_some_and(|inventory| self.rename.exists_in(inventory))
        };
        let files = files.filter(has_new).map(|index| {
            let name = escape_control(self.inventories.name(index));
            format!("the inventory `{name}` has `{old}` and `{new}`: remove `{old}` there")
        });
        let stores = self.old_indexes().filter(|&index| !self.is_file(index));
        let stores = stores.filter_map(|index| {
            let inventory = self.inventories.get(index)?;
            let (secret, new_secret) = (self.rename.secret(), self.rename.new_secret());
            let command = inventory.rename_command(secret, new_secret, self.rename.key());
            let name = escape_control(inventory.name());
            Some(match command {
                Some(command) => format!(
                    "rename it in the inventory `{name}`, too: `{}`",
                    escape_control(&command)
                ),
                None => format!("rename `{old}` to `{new}` in the inventory `{name}`, too"),
            })
        });
        files.chain(stores).collect()
    }

    /// Returns the inventories with the old name.
    fn old_indexes(&self) -> impl Iterator<Item = usize> + '_ {
        let key = self.rename.key().map(|(old, _)| old);
        self.indexes_with(self.rename.secret(), key)
    }

    /// Returns whether an inventory is a file whose entries a rename changes.
    fn is_file(&self, index: usize) -> bool {
        let inventory = self.inventories.get(index);
        let (secret, new_secret) = (self.rename.secret(), self.rename.new_secret());
        let edits = inventory
            .and_then(|inventory| inventory.rename_edits(secret, new_secret, self.rename.key()));
        edits.is_some()
    }

    /// Returns the inventories that have a secret or a key of it.
    fn indexes_with<'s>(
        &'s self,
        secret: &'s str,
        key: Option<&'s str>,
    ) -> impl Iterator<Item = usize> + 's {
        let indexes = self.answers.answered_inventories();
        indexes.filter(move |&index| {
            let lookup = ReferenceLookup {
                chain: vec![index],
                secret: secret.to_owned(),
                key: None,
            };
            match self.answers.get(&lookup) {
                LookupResult::Found { keys, .. } => {
                    key.is_none_or(|key| keys.is_some_and(|keys| keys.contains_key(key)))
                }
                _ => false,
            }
        })
    }

    fn was_asked(&self, index: usize) -> bool {
        self.answers
            .queried_inventories()
            .any(|asked| asked == index)
    }
}

/// Returns the number of further places, as the end of a sentence.
fn more(count: usize) -> String {
    match count {
        0 => String::new(),
        count => format!(", and in {count} more places"),
    }
}
