//! The names that a reference may mean, and the inventories that lack its name.

use crate::diagnostics::finding::Finding;
use crate::diagnostics::rule_id::RuleId;
use crate::inventory::Inventory;
use crate::inventory::lookup::LookupResult;
use crate::lint::resolved_references::{Answer, AnsweredReferences};
use crate::lsp::checked_document::CheckedDocument;
use crate::sources::reference::{Reference, ReferencePart};
use crate::text::nearest::{SearchBudget, Suggester};
use std::collections::BTreeSet;
use std::path::Path;
use std::sync::Arc;

/// The most names that are offered for one reference.
const MAX_NAMES: usize = 5;

/// A reference with a name that does not exist.
pub struct UnknownName<'c> {
    pub reference: &'c Reference,
    /// The part of the reference that does not exist.
    pub part: ReferencePart,
    /// The answers of the environments that lack it.
    missing: Vec<Answer<'c>>,
}

impl<'c> UnknownName<'c> {
    /// Returns the reference of a finding. Returns `None` if the finding is about something else, or
    /// if the name is not written in the reference as it is.
    pub fn of_finding(
        finding: &Finding,
        references: &AnsweredReferences<'c>,
        checked: &CheckedDocument<'c>,
    ) -> Option<Self> {
        let part = match finding.rule {
            RuleId::UnknownSecret => ReferencePart::Secret,
            RuleId::UnknownKey => ReferencePart::Key,
            _ => return None,
        };
        let is_reported = |reference: &Reference| {
            Arc::ptr_eq(&reference.source, &finding.source)
                && (reference.span == finding.span || reference.key_span == Some(finding.span))
                && finding.secret.as_deref() == Some(reference.secret())
                && finding.key.as_deref() == reference.key()
        };
        let mut all = references.iter(checked.scan);
        let (reference, answers) =
            all.find(|(reference, _)| is_reported(reference) && !reference.is_dynamic)?;
        let missing = answers
            .iter(reference)
            .filter(|answer| is_missing(answer, part));
        Some(Self {
            reference,
            part,
            missing: missing.collect(),
        })
    }

    /// Returns the names that may be meant, the nearest first. The suggestion of the finding is the
    /// first.
    pub fn candidates(
        &self,
        finding: &Finding,
        checked: &CheckedDocument<'c>,
        budget: &mut SearchBudget,
    ) -> Vec<String> {
        let answers = checked.report.references.answers();
        let mut known: BTreeSet<&str> = BTreeSet::new();
        for answer in &self.missing {
            match answer.result {
                LookupResult::Found {
                    keys: Some(keys), ..
                } => known.extend(keys.keys().map(String::as_str)),
                _ => known.extend(answers.names(&answer.lookup.chain)),
            }
        }
        let name = match self.part {
            ReferencePart::Secret => Some(self.reference.secret()),
            ReferencePart::Key => self.reference.key(),
        };
        let nearest =
            Suggester::new(known).nearest_several(name.unwrap_or_default(), MAX_NAMES, budget);
        let suggestion = finding.suggestion.as_deref();
        let others = nearest
            .into_iter()
            .filter(|&other| Some(other) != suggestion);
        let names = suggestion.into_iter().chain(others).take(MAX_NAMES);
        names.map(str::to_owned).collect()
    }

    /// Returns the inventory files that lack the name and store names only. A name can be added to
    /// them.
    pub fn files(&self, checked: &CheckedDocument<'c>) -> Vec<&'c Path> {
        let inventories = checked.settings.inventories;
        let mut files = Vec::new();
        for answer in &self.missing {
            let lacking = match answer.result {
                LookupResult::Found { inventory, .. } => vec![inventory],
                _ => answer.lookup.chain.clone(),
            };
            let lacking = lacking.into_iter().filter_map(|at| inventories.get(at));
            for inventory in lacking {
                if let Some(file) = names_file(inventory, self.reference.secret())
                    && !files.contains(&file)
                {
                    files.push(file);
                }
            }
        }
        files
    }
}

/// Returns the path of an inventory file that stores only the name of a secret.
fn names_file<'i>(inventory: &'i dyn Inventory, secret: &str) -> Option<&'i Path> {
    let file = inventory.file()?;
    let has_values = inventory.takes_values(secret).unwrap_or(true);
    (!has_values && !inventory.is_snapshot()).then_some(file)
}

/// Returns whether an environment has answered that it lacks a part of a reference.
fn is_missing(answer: &Answer<'_>, part: ReferencePart) -> bool {
    match (part, answer.result) {
        (ReferencePart::Secret, LookupResult::NotFound) => true,
        (
            ReferencePart::Key,
            LookupResult::Found {
                keys: Some(keys), ..
            },
        ) => {
            let key = answer.lookup.key.as_ref();
            key.is_some_and(|key| !keys.contains_key(key))
        }
        _ => false,
    }
}
