//! The secrets that commands of the scanned files declare, and what they say about a reference.
//!
//! No inventory is asked for this. A secret that is declared several times has the keys of all its
//! declarations.

use crate::diagnostics::finding::RelatedSpan;
use crate::lint::scan::Scan;
use crate::sources::declarations::{Declaration, canonical_expression};
use crate::sources::reference::Reference;
use crate::text::nearest::{SearchBudget, Suggester};
use std::borrow::Cow;
use std::collections::{BTreeSet, HashMap};
use std::sync::Arc;

/// The declared secrets of a scan.
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
    /// The nearest declared name of each unknown name that was searched.
    nearest: HashMap<&'s str, Option<&'s str>>,
    suggester: Option<Suggester<'s>>,
}

/// A secret that is declared at least once.
pub(super) struct DeclaredSecret<'s> {
    first: &'s Declaration,
    keys: BTreeSet<&'s str>,
    /// Whether the secret may have other keys.
    is_open: bool,
    /// Whether a declaration creates the secret, so that its keys are complete.
    is_created: bool,
}

/// The place in which a reference looks for declarations.
#[derive(Clone, Copy)]
pub(super) enum DeclarationScope {
    /// All files.
    Repository,
    /// The file with this index.
    File(usize),
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
    pub keys: Vec<String>,
    /// The name or key that was probably meant.
    pub suggestion: Option<String>,
    /// The first declaration.
    pub related: RelatedSpan,
}

impl<'s> DeclaredSecrets<'s> {
    /// Collects the declarations of a scan. A name that is only known at run time has a meaning only
    /// in its file.
    pub(super) fn of_scan(scan: &'s Scan) -> Self {
        let mut declared = Self {
            repository: SecretTable::default(),
            files: HashMap::new(),
            budget: SearchBudget::for_run(),
        };
        for (index, file) in scan.files.iter().enumerate() {
            for declaration in &file.declarations {
                if !declaration.is_dynamic {
                    declared.repository.add(declaration);
                }
                declared.files.entry(index).or_default().add(declaration);
            }
        }
        declared
    }

    /// Returns what the declarations in a scope say about a reference. With `names_only`, keys are
    /// not compared.
    pub(super) fn answer(
        &mut self,
        scope: DeclarationScope,
        reference: &'s Reference,
        names_only: bool,
    ) -> DeclaredAnswer {
        let table = match scope {
            DeclarationScope::Repository => &mut self.repository,
            DeclarationScope::File(index) => match self.files.get_mut(&index) {
                Some(table) => table,
                None => return DeclaredAnswer::Unknown,
            },
        };
        let secret = if reference.is_dynamic {
            table.secrets.get(&canonical_expression(reference.secret()))
        } else {
            table.secrets.get(reference.secret())
        };
        let Some(secret) = secret else {
            return table.near_miss(reference.secret(), &mut self.budget);
        };
        match reference.key() {
            Some(key) if !names_only && !secret.keys.contains(key) => {
                if secret.may_have_other_keys() {
                    return DeclaredAnswer::MayHaveKey;
                }
                let known = Suggester::new(secret.keys.iter().copied());
                let suggestion = known.nearest_within(key, &mut self.budget);
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
            .entry(canonical_expression(&declaration.secret))
            .or_insert_with(|| DeclaredSecret {
                first: declaration,
                keys: BTreeSet::new(),
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
        let (secrets, suggester) = (&self.secrets, &mut self.suggester);
        let nearest = *self.nearest.entry(name).or_insert_with(|| {
            let names = suggester.get_or_insert_with(|| {
                let literal = secrets.values().map(|secret| secret.first);
                let literal = literal.filter(|declaration| !declaration.is_dynamic);
                let mut names: Vec<&str> = literal.map(|it| it.secret.as_str()).collect();
                names.sort_unstable();
                Suggester::new(names)
            });
            names.nearest_within(name, budget)
        });
        match nearest.and_then(|name| Some((name, secrets.get(name)?))) {
            Some((name, secret)) => {
                DeclaredAnswer::NearMiss(secret.problem(DeclaredDifference::Name, Some(name)))
            }
            None => DeclaredAnswer::Unknown,
        }
    }
}

impl DeclaredSecret<'_> {
    /// Returns whether the secret may have keys that no declaration names.
    fn may_have_other_keys(&self) -> bool {
        self.is_open || !self.is_created
    }

    fn problem(&self, difference: DeclaredDifference, suggestion: Option<&str>) -> DeclaredProblem {
        DeclaredProblem {
            difference,
            keys: self.keys.iter().map(|&key| key.to_owned()).collect(),
            suggestion: suggestion.map(str::to_owned),
            related: RelatedSpan {
                source: Arc::clone(&self.first.source),
                span: self.first.span,
                message: format!("`{}` is declared here", self.first.secret),
            },
        }
    }
}
