//! The references of a scan with the answers of their inventories, in each environment.

use crate::inventory::lookup::{LookupResult, LookupResults, ReferenceLookup};
use crate::lint::analysis::Analysis;
use crate::lint::declared_secrets::DeclaredProblem;
use crate::lint::report::CheckedEnvironments;
use crate::lint::scan::Scan;
use crate::sources::reference::Reference;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

/// A reference of a scan and its lookups.
#[derive(Clone, Copy, Debug)]
pub(super) struct ResolvedReference {
    /// The index of the file in the scan.
    pub file: usize,
    /// The index of the reference in the file, among its references or its dynamic references.
    pub index: usize,
    /// Whether it is a dynamic reference of the file, which variables expand.
    pub is_dynamic: bool,
    /// The index of its lookups; `None` if it is not looked up.
    pub lookups: Option<usize>,
    /// The index of the difference from a declaration, if there is one.
    pub problem: Option<usize>,
    /// Whether it is not looked up in an environment, so that it already counts as unchecked.
    pub is_unchecked: bool,
}

/// The lookup of a reference in one environment.
#[derive(Clone, Copy, Debug)]
pub(super) struct EnvironmentLookup {
    /// The index of the environment in the run; `None` without environments.
    pub environment: Option<usize>,
    /// The index of the lookup.
    pub lookup: usize,
    /// The index of the difference from a declaration, if it is not that of the reference.
    pub problem: Option<usize>,
}

/// All references of a scan with the answers of their inventories.
#[derive(Debug, Default)]
pub struct ResolvedReferences {
    pub(super) references: Vec<ResolvedReference>,
    /// The names of the environments of the run.
    pub(super) environments: Vec<String>,
    /// The lookups of references, one for each environment. Many references name the same key.
    pub(super) lookup_lists: Vec<Vec<EnvironmentLookup>>,
    /// The distinct lookups.
    pub(super) lookups: Vec<ReferenceLookup>,
    pub(super) answers: Arc<LookupResults>,
    /// The differences between references and declarations.
    pub(super) problems: Vec<DeclaredProblem>,
    /// The file and the index of each dynamic reference that variables expand in all its
    /// environments.
    pub(super) expanded: BTreeSet<(usize, usize)>,
}

impl ResolvedReferences {
    /// Returns the references with the results of their lookups.
    pub fn answered(&self) -> AnsweredReferences<'_> {
        let lookups = self.lookups.iter();
        AnsweredReferences {
            results: lookups.map(|lookup| self.answers.answer(lookup)).collect(),
            resolved: self,
        }
    }

    /// Iterates over the references of a scan that are not looked up.
    pub fn not_looked_up<'s>(&self, scan: &'s Scan) -> impl Iterator<Item = &'s Reference> {
        let resolved = self.references.iter().filter(|it| it.lookups.is_none());
        resolved.filter_map(|it| it.reference(scan))
    }

    /// Returns the number of dynamic references that variables expand in all their environments.
    pub(super) fn expanded_count(&self) -> usize {
        self.expanded.len()
    }

    /// Iterates over the dynamic references of a scan that stay dynamic in an environment.
    pub(super) fn still_dynamic<'s>(&self, scan: &'s Scan) -> impl Iterator<Item = &'s Reference> {
        let files = scan.files.iter().enumerate();
        files.flat_map(move |(at, file)| {
            let references = file.dynamic_references.iter().enumerate();
            let dynamic =
                references.filter(move |(index, _)| !self.expanded.contains(&(at, *index)));
            dynamic.map(|(_, reference)| reference)
        })
    }

    /// Returns the distinct lookups.
    pub fn lookups(&self) -> &[ReferenceLookup] {
        &self.lookups
    }

    /// Returns the answers of the inventories.
    pub fn answers(&self) -> &LookupResults {
        &self.answers
    }

    /// Takes the answers, for the next check of the same files.
    pub fn into_answers(self) -> Arc<LookupResults> {
        self.answers
    }

    /// Returns the files of a scan whose references are looked up in environments.
    pub(super) fn checked_environments(&self, scan: &Scan) -> Vec<CheckedEnvironments> {
        let mut by_file: BTreeMap<usize, BTreeSet<usize>> = BTreeMap::new();
        for reference in &self.references {
            let lookups = reference.lookups.and_then(|at| self.lookup_lists.get(at));
            let environments = lookups.into_iter().flatten();
            let mut environments = environments.filter_map(|it| it.environment).peekable();
            if environments.peek().is_some() {
                by_file
                    .entry(reference.file)
                    .or_default()
                    .extend(environments);
            }
        }
        let files = by_file.into_iter().filter_map(|(at, environments)| {
            let names = environments
                .iter()
                .filter_map(|&at| self.environments.get(at));
            Some(CheckedEnvironments {
                path: scan.files.get(at)?.source.repository_path().to_owned(),
                environments: names.cloned().collect(),
            })
        });
        files.collect()
    }

    /// Returns the names of the environments in which references are looked up, in the order of the
    /// configs.
    pub fn environments(&self) -> &[String] {
        &self.environments
    }
}

impl ResolvedReference {
    fn reference<'s>(&self, scan: &'s Scan) -> Option<&'s Reference> {
        let file = scan.files.get(self.file)?;
        let references = if self.is_dynamic {
            &file.dynamic_references
        } else {
            &file.references
        };
        references.get(self.index)
    }
}

/// The references of a scan with the results of their lookups.
pub struct AnsweredReferences<'r> {
    resolved: &'r ResolvedReferences,
    /// The result of each distinct lookup.
    results: Vec<LookupResult<'r>>,
}

impl<'r> AnsweredReferences<'r> {
    /// Iterates over the references of a scan, in its order. `scan` is the one that was resolved.
    pub fn iter<'a, 's: 'a>(
        &'a self,
        scan: &'s Scan,
    ) -> impl Iterator<Item = (&'s Reference, Answers<'a, 'r>)> {
        let references = self.resolved.references.iter();
        references
            .filter_map(move |resolved| Some((resolved.reference(scan)?, self.answers(resolved))))
    }

    /// Returns each file of a scan with its references.
    pub fn by_file<'a, 's: 'a>(
        &'a self,
        scan: &'s Scan,
    ) -> Vec<(&'s Analysis, FileReferences<'a, 'r, 's>)> {
        let mut files: Vec<_> = scan
            .files
            .iter()
            .map(|file| (file, Vec::with_capacity(file.references.len())))
            .collect();
        for resolved in &self.resolved.references {
            let file = files.get_mut(resolved.file);
            if let Some(((_, references), reference)) = file.zip(resolved.reference(scan)) {
                references.push((reference, self.answers(resolved)));
            }
        }
        files
    }

    fn answers(&self, reference: &'r ResolvedReference) -> Answers<'_, 'r> {
        Answers {
            all: self,
            reference,
        }
    }
}

/// The references of one file, each with its answers.
pub type FileReferences<'a, 'r, 's> = Vec<(&'s Reference, Answers<'a, 'r>)>;

/// The answers to one reference: one for each of its environments.
#[derive(Clone, Copy)]
pub struct Answers<'a, 'r> {
    all: &'a AnsweredReferences<'r>,
    reference: &'r ResolvedReference,
}

/// The answer to a reference in one environment.
#[derive(Clone, Copy, Debug)]
pub struct Answer<'r> {
    /// The index of the environment in the run; `None` without environments.
    pub environment: Option<usize>,
    /// The names and the inventories, in order.
    pub lookup: &'r ReferenceLookup,
    /// The answer of the inventories.
    pub result: LookupResult<'r>,
    /// The declaration that the reference probably means. It counts only if no inventory has the
    /// secret and the key.
    pub problem: Option<&'r DeclaredProblem>,
}

impl<'r> Answers<'_, 'r> {
    /// Iterates over the answers, in the order of the environments. There is none if the reference
    /// is not looked up.
    pub fn iter(&self, reference: &Reference) -> impl Iterator<Item = Answer<'r>> {
        let AnsweredReferences { resolved, results } = self.all;
        let resolved: &'r ResolvedReferences = resolved;
        let list = self
            .reference
            .lookups
            .and_then(|at| resolved.lookup_lists.get(at));
        let problem = self.reference.problem;
        let has_key = reference.key().is_some();
        let lookups = list.into_iter().flatten();
        lookups.filter_map(move |it| {
            let lookup = resolved.lookups.get(it.lookup)?;
            let result = match *results.get(it.lookup)? {
                // The keys are known only because a reference of another level requested them.
                LookupResult::Found {
                    inventory, caveat, ..
                } if lookup.key.is_none() && has_key => LookupResult::Found {
                    inventory,
                    caveat,
                    keys: None,
                },
                result => result,
            };
            let problem = it.problem.or(problem);
            Some(Answer {
                environment: it.environment,
                lookup,
                result,
                problem: problem.and_then(|at| resolved.problems.get(at)),
            })
        })
    }

    /// Returns the first answer: the only one in a run with one environment.
    pub fn first(&self, reference: &Reference) -> Option<Answer<'r>> {
        self.iter(reference).next()
    }

    /// Returns whether variables expand the reference, so that the names of its answers count.
    pub fn is_expanded(&self) -> bool {
        self.reference.is_dynamic
    }

    /// Returns whether the reference already counts as unchecked, because it is not looked up in an
    /// environment.
    pub(super) fn is_unchecked(&self) -> bool {
        self.reference.is_unchecked
    }
}
