//! The secrets that commands declare, in the scanned files and, if necessary, in the other files of
//! the project, and what they say about a reference.
//!
//! No inventory is asked for this. A secret that is declared several times has the keys of all its
//! declarations.

use crate::diagnostics::finding::RelatedSpan;
use crate::lint::analysis::Analysis;
use crate::lint::scan::Scan;
use crate::lint::suggestions::NearestNames;
use crate::sources::declarations::{Declaration, canonical_expression};
use crate::sources::reference::{Reference, ReferenceNames};
use crate::text::nearest::SearchBudget;
use std::borrow::Cow;
use std::cell::OnceCell;
use std::collections::{BTreeSet, HashMap};
use std::sync::Arc;

/// The declared secrets of a scan and of other files.
pub(super) struct DeclaredSecrets<'s> {
    /// The secrets of all files.
    repository: SecretTable<'s>,
    /// The secrets of each file that declares one, by its index. Documentation is only compared
    /// with its own file.
    files: HashMap<usize, SecretTable<'s>>,
    budget: SearchBudget,
}

/// Declared secrets by name.
#[derive(Default)]
struct SecretTable<'s> {
    secrets: HashMap<Cow<'s, str>, DeclaredSecret<'s>>,
    /// The names, once one is searched.
    names: Option<NearestNames<'s>>,
}

/// A secret that is declared at least once.
pub(super) struct DeclaredSecret<'s> {
    first: &'s Declaration,
    keys: BTreeSet<&'s str>,
    /// The keys, once one is searched.
    nearest_keys: Option<NearestNames<'s>>,
    /// The keys that problems share.
    shared_keys: OnceCell<Arc<[String]>>,
    /// Whether the secret may have other keys.
    is_open: bool,
    /// Whether a declaration creates the secret, so that its keys are complete.
    is_created: bool,
}

/// The place in which a reference looks for declarations.
#[derive(Clone, Copy)]
pub(super) enum DeclarationScope {
    /// All files, including those that are read for their declarations only.
    Repository,
    /// The file with this index.
    File(usize),
}

/// The secret that is searched among the declarations.
#[derive(Clone, Copy)]
pub(super) struct SoughtSecret<'s> {
    names: &'s ReferenceNames,
    /// The expression that yields the name, if it is known only at run time.
    expression: Option<&'s str>,
}

impl<'s> SoughtSecret<'s> {
    /// Creates the secret of a reference.
    pub(super) fn of_reference(reference: &'s Reference) -> Self {
        let expression = reference
            .is_dynamic
            .then(|| reference.expression().secret());
        Self {
            names: &reference.names,
            expression,
        }
    }

    /// Creates a secret with literal names.
    pub(super) fn named(names: &'s ReferenceNames) -> Self {
        Self {
            names,
            expression: None,
        }
    }
}

/// What the declarations say about a reference.
pub(super) enum DeclaredAnswer {
    /// The secret is declared with the key.
    Found,
    /// The secret is declared, and may have the key.
    MayHaveKey,
    /// The secret is declared without the key.
    NoKey(DeclaredProblem),
    /// The secret is not declared, but one with a similar name is.
    NearMiss(DeclaredProblem),
    /// No similar secret is declared.
    Unknown,
}

/// A difference between a reference and a declaration.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum DeclaredDifference {
    /// The declared secret does not have the key.
    Key,
    /// The declared secret has a similar name.
    Name,
}

/// The declaration that a wrong reference probably means.
#[derive(Clone, Debug)]
pub struct DeclaredProblem {
    /// What is wrong.
    pub difference: DeclaredDifference,
    /// The declared keys, in order.
    pub keys: Arc<[String]>,
    /// The name or key that was probably meant.
    pub suggestion: Option<String>,
    /// The first declaration.
    pub related: RelatedSpan,
}

impl<'s> DeclaredSecrets<'s> {
    /// Collects the declarations of a scan, and of files that are read for their declarations only. A
    /// name that is only known at run time has a meaning only in its file.
    pub(super) fn new(scan: &'s Scan, others: Option<&'s Scan>) -> Self {
        let mut declared = Self {
            repository: SecretTable::default(),
            files: HashMap::new(),
            budget: SearchBudget::for_run(),
        };
        let scanned = scan.files.iter().enumerate();
        let others = others.into_iter().flat_map(|others| &others.files);
        let mut files: Vec<(Option<usize>, &Analysis)> = scanned
            .map(|(index, file)| (Some(index), file))
            .chain(others.map(|file| (None, file)))
            .filter(|(_, file)| !file.declarations.is_empty())
            .collect();
        // The first declaration of a secret must not depend on which files are scanned.
        files.sort_by_key(|(_, file)| file.source.path());
        for (index, file) in files {
            let comparable = file.declarations.iter();
            for declaration in comparable.filter(|declaration| declaration.is_comparable()) {
                if !declaration.is_dynamic {
                    declared.repository.add(declaration);
                }
                if let Some(index) = index {
                    declared.files.entry(index).or_default().add(declaration);
                }
            }
        }
        declared
    }

    /// Returns what the declarations in a scope say about a reference. With `names_only`, keys are
    /// not compared.
    pub(super) fn answer(
        &mut self,
        scope: DeclarationScope,
        sought: SoughtSecret<'s>,
        names_only: bool,
    ) -> DeclaredAnswer {
        let table = match scope {
            DeclarationScope::Repository => &mut self.repository,
            DeclarationScope::File(index) => match self.files.get_mut(&index) {
                Some(table) => table,
                None => return DeclaredAnswer::Unknown,
            },
        };
        let secret = match sought.expression {
            Some(expression) => table.secrets.get_mut(&canonical_expression(expression)),
            None => table.secrets.get_mut(sought.names.secret()),
        };
        let Some(secret) = secret else {
            return table.near_miss(sought.names.secret(), &mut self.budget);
        };
        match sought.names.key() {
            Some(key) if !names_only && !secret.keys.contains(key) => {
                if secret.may_have_other_keys() {
                    return DeclaredAnswer::MayHaveKey;
                }
                let suggestion = secret.nearest_key(key, &mut self.budget);
                DeclaredAnswer::NoKey(secret.problem(DeclaredDifference::Key, suggestion))
            }
            _ => DeclaredAnswer::Found,
        }
    }
}

impl<'s> SecretTable<'s> {
    fn add(&mut self, declaration: &'s Declaration) {
        let secret = self
            .secrets
            .entry(declaration.expression())
            .or_insert_with(|| DeclaredSecret {
                first: declaration,
                keys: BTreeSet::new(),
                nearest_keys: None,
                shared_keys: OnceCell::new(),
                is_open: false,
                is_created: false,
            });
        let keys = declaration.keys.iter().map(|key| key.name.as_str());
        secret.keys.extend(keys);
        secret.is_open |= declaration.is_open;
        secret.is_created |= declaration.is_complete;
    }

    /// Finds the declared name that is nearest to a name.
    fn near_miss(&mut self, name: &'s str, budget: &mut SearchBudget) -> DeclaredAnswer {
        let secrets = &self.secrets;
        let names = self.names.get_or_insert_with(|| {
            let literal = secrets.values().map(|secret| secret.first);
            let literal = literal.filter(|declaration| !declaration.is_dynamic);
            let mut names: Vec<&str> = literal.map(|it| it.secret.as_str()).collect();
            names.sort_unstable();
            NearestNames::new(names)
        });
        let nearest = names.search(name, budget);
        match nearest.and_then(|name| Some((name, secrets.get(name)?))) {
            Some((name, secret)) => {
                DeclaredAnswer::NearMiss(secret.problem(DeclaredDifference::Name, Some(name)))
            }
            None => DeclaredAnswer::Unknown,
        }
    }
}

impl<'s> DeclaredSecret<'s> {
    /// Finds the declared key that is nearest to a key.
    fn nearest_key(&mut self, key: &'s str, budget: &mut SearchBudget) -> Option<&'s str> {
        let keys = &self.keys;
        let nearest = &mut self.nearest_keys;
        nearest
            .get_or_insert_with(|| NearestNames::new(keys.iter().copied()))
            .search(key, budget)
    }

    /// Returns whether the secret may have keys that no declaration names.
    fn may_have_other_keys(&self) -> bool {
        self.is_open || !self.is_created
    }

    fn problem(&self, difference: DeclaredDifference, suggestion: Option<&str>) -> DeclaredProblem {
        DeclaredProblem {
            difference,
            keys: Arc::clone(
                self.shared_keys
                    .get_or_init(|| self.keys.iter().map(|&key| key.to_owned()).collect()),
            ),
            suggestion: suggestion.map(str::to_owned),
            related: RelatedSpan {
                source: Arc::clone(&self.first.source),
                span: self.first.span,
                message: format!("`{}` is declared here", self.first.secret),
            },
        }
    }
}

#[cfg(test)]
#[expect(clippy::indexing_slicing, clippy::unwrap_used, reason = "tests")]
mod tests {
    use super::*;
    use crate::document::{ScriptHost, Syntax};
    use crate::lint::scan::{PathRoots, run_text};
    use crate::project::discover::{Candidate, MatchReason};
    use crate::zenml::grammar::Resolver;
    use std::path::PathBuf;

    fn scan(script: &str) -> Scan {
        let candidate = Candidate {
            path: PathBuf::from("/w/x.sh"),
            syntax: Syntax::Script(ScriptHost::Shell),
            reason: Some(MatchReason::Argument),
        };
        let roots = PathRoots {
            cwd: PathBuf::from("/w"),
            root: PathBuf::from("/w"),
            keep_documents: false,
            honor_literal_comments: true,
            repository: None,
        };
        run_text(script.as_bytes(), candidate, Resolver::Zenml, &roots)
    }

    #[test]
    fn problems_of_a_secret_share_its_keys() {
        let scan = scan(
            "zenml secret create db --user=$U --password=$P\n\
             zenml x register a --a={{db.usr}} --b={{db.pasword}} --c={{dbs.user}}\n",
        );
        let mut declared = DeclaredSecrets::new(&scan, None);
        let mut problems = Vec::new();
        for reference in scan.references() {
            let scope = DeclarationScope::Repository;
            let sought = SoughtSecret::of_reference(reference);
            let answer = declared.answer(scope, sought, false);
            let (DeclaredAnswer::NoKey(problem) | DeclaredAnswer::NearMiss(problem)) = answer
            else {
                unreachable!("the reference is wrong: {reference:?}")
            };
            problems.push(problem);
        }
        let suggestions: Vec<_> = problems
            .iter()
            .map(|problem| problem.suggestion.as_deref().unwrap())
            .collect();
        assert_eq!(suggestions, ["user", "password", "db"]);
        let keys: Vec<&Arc<[String]>> = problems.iter().map(|problem| &problem.keys).collect();
        assert_eq!(keys.first().unwrap().as_ref(), ["password", "user"]);
        assert!(keys.windows(2).all(|pair| Arc::ptr_eq(pair[0], pair[1])));
    }
}
