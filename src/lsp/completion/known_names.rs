//! The names of secrets and keys that are known for a file: those in the inventories of its
//! environments, those that the project declares, and, without an inventory, those that it uses.

use crate::inventory::StoreError;
use crate::inventory::lookup::{LookupResult, LookupResults, ReferenceLookup};
use crate::lint::analysis::Analysis;
use crate::lint::file_targets::{FileTarget, FileTargets};
use crate::lsp::editor_project::EditorProject;
use crate::project::config::Level;
use crate::sources::declarations::Declaration;
use crate::sources::reference::Reference;
use std::collections::{HashMap, HashSet};
use std::sync::Arc;

/// A name that can be completed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct KnownName {
    /// The name.
    pub name: String,
    /// The environments that have answered and do not have it.
    pub missing_in: Vec<String>,
    /// Whether the file uses it elsewhere.
    pub is_used: bool,
}

/// The names that can be completed.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct KnownNames {
    /// The names, sorted.
    pub names: Vec<KnownName>,
    /// Whether a store has not answered yet.
    pub is_incomplete: bool,
}

/// A search for the names that are known for a file.
pub struct NameSearch<'s> {
    /// The project; `None` for a document without a file.
    pub project: Option<&'s EditorProject>,
    /// The analysis of the file, or of a text that contains the unused name.
    pub analysis: &'s Analysis,
    /// The name in the analysis that nobody uses.
    pub unused_name: &'s str,
    /// Whether a name fits what is typed.
    pub accepts: &'s dyn Fn(&str) -> bool,
}

/// The environments that have a name, one bit each.
type Presence = u64;

/// The answers of one environment.
struct TargetAnswers<'t> {
    target: &'t FileTarget,
    results: Arc<LookupResults>,
    has_answered: bool,
}

impl NameSearch<'_> {
    /// Returns the secrets.
    pub fn secrets(&self) -> KnownNames {
        let (targets, mut is_incomplete) = self.targets();
        let mut answers = self.ask(&targets, None);
        let mut known: HashMap<&str, Presence> = HashMap::new();
        for answer in &mut answers {
            let state = ChainState::of(&answer.results, &answer.target.chain);
            is_incomplete |= state == ChainState::Pending;
            answer.has_answered = state == ChainState::Answered;
        }
        for (at, answer) in answers.iter().enumerate() {
            for name in answer.results.names(&answer.target.chain) {
                if (self.accepts)(name) {
                    *known.entry(name).or_default() |= bit(at);
                }
            }
        }
        let declared = self.declarations().map(|it| it.secret.as_str());
        let used = self.references().filter(|_| !targets.is_configured);
        let other = declared.chain(used.map(Reference::secret));
        self.add(&mut known, other);
        let here = self.analysis.references.iter().map(Reference::secret);
        KnownNames {
            names: sorted(&known, &answers, &here.collect()),
            is_incomplete,
        }
    }

    /// Returns the keys of a secret.
    pub fn keys(&self, secret: &str) -> KnownNames {
        let (mut targets, mut is_incomplete) = self.targets();
        targets
            .targets
            .retain(|target| target.level == Level::SecretAndKeyExists);
        let mut answers = self.ask(&targets, Some(secret));
        let mut known: HashMap<&str, Presence> = HashMap::new();
        for answer in &mut answers {
            match answer.lookup(secret) {
                LookupResult::Found { .. } | LookupResult::NotFound => answer.has_answered = true,
                LookupResult::Failed { error, .. } => {
                    is_incomplete |= matches!(error, StoreError::NotAsked);
                }
            }
        }
        for (at, answer) in answers.iter().enumerate() {
            let LookupResult::Found {
                keys: Some(keys), ..
            } = answer.lookup(secret)
            else {
                continue;
            };
            for key in keys.keys().filter(|key| (self.accepts)(key)) {
                *known.entry(key).or_default() |= bit(at);
            }
        }
        let declared = self.declarations().filter(|it| it.secret == secret);
        let declared = declared.flat_map(|it| it.keys.iter().map(|key| key.name.as_str()));
        let of_secret = |it: &&Reference| it.secret() == secret;
        let used = self.references().filter(|_| !targets.is_configured);
        let used = used.filter(of_secret).filter_map(Reference::key);
        self.add(&mut known, declared.chain(used));
        let here = self.analysis.references.iter().filter(of_secret);
        KnownNames {
            names: sorted(&known, &answers, &here.filter_map(Reference::key).collect()),
            is_incomplete,
        }
    }

    /// Returns where the names of the file are looked up, and whether that may change soon.
    fn targets(&self) -> (FileTargets, bool) {
        let targets = self.project.and_then(|project| {
            project.with_settings(|_, settings| FileTargets::of_file(self.analysis, settings))
        });
        let is_loading = self.project.is_some_and(|project| !project.is_complete);
        (targets.unwrap_or_default(), is_loading)
    }

    /// Asks the inventories of each environment for their names, or for the keys of a secret. What a
    /// store has not answered yet is asked in the background.
    fn ask<'t>(&self, targets: &'t FileTargets, secret: Option<&str>) -> Vec<TargetAnswers<'t>> {
        let Some(project) = self.project else {
            return Vec::new();
        };
        let ask = |target: &'t FileTarget| TargetAnswers {
            target,
            results: project.answers.request(&target.chain, secret, target.level),
            has_answered: false,
        };
        targets.targets.iter().map(ask).collect()
    }

    /// Iterates over the files of the project. The analysis of this file is the given one.
    fn files(&self) -> impl Iterator<Item = &Analysis> {
        let loaded = self.project.and_then(|project| project.loaded.as_ref());
        let files = loaded.into_iter().flat_map(|loaded| &loaded.scan.files);
        let others = files.filter(|file| file.path != self.analysis.path);
        others.chain([self.analysis])
    }

    fn declarations(&self) -> impl Iterator<Item = &Declaration> {
        let declarations = self.files().flat_map(|file| &file.declarations);
        declarations.filter(|declaration| !declaration.is_dynamic)
    }

    fn references(&self) -> impl Iterator<Item = &Reference> {
        let references = self.files().flat_map(|file| &file.references);
        references.filter(|reference| !reference.is_dynamic)
    }

    /// Adds names that no environment is known to have.
    fn add<'n>(
        &self,
        known: &mut HashMap<&'n str, Presence>,
        names: impl Iterator<Item = &'n str>,
    ) {
        for name in names {
            if !name.contains(self.unused_name) && (self.accepts)(name) {
                known.entry(name).or_default();
            }
        }
    }
}

impl TargetAnswers<'_> {
    fn lookup(&self, secret: &str) -> LookupResult<'_> {
        self.results.answer(&ReferenceLookup {
            chain: self.target.chain.clone(),
            secret: secret.to_owned(),
            key: Some(String::new()),
        })
    }
}

/// Whether the inventories of a chain have listed their names.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum ChainState {
    /// All have.
    Answered,
    /// At least one has not answered yet.
    Pending,
    /// At least one cannot answer.
    Failed,
}

impl ChainState {
    fn of(results: &LookupResults, chain: &[usize]) -> Self {
        let answered: HashSet<usize> = results.answered_inventories().collect();
        let asked: HashSet<usize> = results.queried_inventories().collect();
        if chain.iter().all(|index| answered.contains(index)) {
            Self::Answered
        } else if chain.iter().all(|index| asked.contains(index)) {
            Self::Failed
        } else {
            Self::Pending
        }
    }
}

/// Returns the bit of an environment. Environments after the 64th have none.
fn bit(at: usize) -> Presence {
    let at = u32::try_from(at).unwrap_or(u32::MAX);
    1_u64.checked_shl(at).unwrap_or_default()
}

/// Returns the names in their order, each with the environments that do not have it.
fn sorted(
    known: &HashMap<&str, Presence>,
    answers: &[TargetAnswers<'_>],
    used: &HashSet<&str>,
) -> Vec<KnownName> {
    let mut names: Vec<(&str, Presence)> = known.iter().map(|(name, it)| (*name, *it)).collect();
    names.sort_unstable();
    let names = names.into_iter().map(|(name, presence)| {
        let missing = answers.iter().enumerate().filter(|(at, answer)| {
            answer.has_answered && bit(*at) != 0 && presence & bit(*at) == 0
        });
        let missing = missing.filter_map(|(_, answer)| answer.target.environment.clone());
        KnownName {
            name: name.to_owned(),
            missing_in: missing.collect(),
            is_used: used.contains(name),
        }
    });
    names.collect()
}
