//! Each question to an inventory asked once per run, several at a time, however many references need the answer.

use super::{Inventories, Inventory, Key, NoAnswer, SecretName, SecretValues, ValueType, Wanted};
use crate::config::Level;
use crate::parallel;
use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::time::Duration;

/// Questions that are under way at one time.
const AT_ONCE: usize = 8;

/// What one reference needs to know.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Question {
    /// The inventories of its stack, in the order in which they are asked.
    pub chain: Vec<usize>,
    /// The secret.
    pub secret: String,
    /// The key; nothing where a whole secret is named.
    pub key: Option<String>,
}

/// The keys of a secret by name, each with the type of its value, as far as it is known.
pub type Keys = BTreeMap<String, ValueType>;

/// What became of a question.
#[derive(Debug)]
pub enum Answer<'a> {
    /// The secret is there.
    Found {
        /// In which inventory.
        inventory: usize,
        /// Where the store has two of that name: which is taken.
        doubled: Option<&'a str>,
        /// Its keys, where the level asks for them.
        keys: Option<&'a Keys>,
    },
    /// No inventory of the chain has it.
    Missing,
    /// An inventory could not say, and none before it had the secret.
    Failed {
        /// Which inventory.
        inventory: usize,
        /// Why.
        why: &'a NoAnswer,
    },
}

/// All answers of a run.
#[derive(Debug, Default)]
pub struct Answers {
    asked: BTreeSet<Question>,
    names: BTreeMap<usize, Result<HashMap<String, SecretName>, NoAnswer>>,
    keys: BTreeMap<(usize, String), Result<Keys, NoAnswer>>,
}

impl Answers {
    /// Asks what the level allows, and no more than the questions need. At [`Level::None`] nothing is asked.
    pub fn ask(
        inventories: &Inventories,
        level: Level,
        questions: BTreeSet<Question>,
        progress: Option<Progress<'_>>,
    ) -> Self {
        let mut answers = Self::default();
        if level == Level::None {
            return answers;
        }
        let mut wanted: BTreeMap<usize, Wanted> = BTreeMap::new();
        for question in &questions {
            for &at in &question.chain {
                wanted.entry(at).or_default().insert(question.secret.clone());
            }
        }
        answers.names = at_once(wanted, progress, |&at, wanted| {
            let names = inventories.get(at).map_or(Err(NoAnswer::Missing), |inventory| usable_names(inventory, wanted));
            names.map(|names| names.into_iter().map(|secret| (secret.name.clone(), secret)).collect())
        });
        if level == Level::SecretAndKeyExists {
            // A secret that a store lists and no longer has leads to the next inventory of the chain, whose keys are asked then.
            loop {
                let wanted = answers.open_keys(&questions);
                if wanted.is_empty() {
                    break;
                }
                answers.keys.append(&mut at_once(wanted, progress, |(at, secret), wanted| {
                    let inventory = inventories.get(*at).ok_or(NoAnswer::Missing)?;
                    let keys = inventory.keys(secret, wanted)?;
                    Ok(keys.into_iter().map(|Key { name, value }| (name, value)).collect())
                }));
            }
        }
        answers.asked = questions;
        answers
    }

    /// Whether all of these were asked.
    pub fn cover(&self, questions: &BTreeSet<Question>) -> bool {
        !self.asked.is_empty() && questions.is_subset(&self.asked)
    }

    /// The answer to a question that was asked.
    pub fn get(&self, question: &Question) -> Answer<'_> {
        for &inventory in &question.chain {
            match self.names.get(&inventory) {
                Some(Ok(names)) => {
                    let Some(secret) = names.get(&question.secret) else { continue };
                    let keys = match self.keys.get(&(inventory, question.secret.clone())) {
                        Some(Ok(keys)) => Some(keys),
                        // Listed a moment ago and gone since: the next one in the chain may have it.
                        Some(Err(NoAnswer::Missing)) => continue,
                        Some(Err(why)) => return Answer::Failed { inventory, why },
                        None => None,
                    };
                    return Answer::Found { inventory, doubled: secret.doubled.as_deref(), keys };
                }
                Some(Err(why)) => return Answer::Failed { inventory, why },
                // An inventory that was not asked has not answered, either.
                None => return Answer::Failed { inventory, why: &NOT_ASKED },
            }
        }
        Answer::Missing
    }

    /// All names in the inventories of a chain, as far as they answered.
    pub fn names(&self, chain: &[usize]) -> Vec<&str> {
        let listed = chain.iter().filter_map(|at| self.names.get(at)?.as_ref().ok());
        listed.flat_map(|names| names.keys().map(String::as_str)).collect()
    }

    /// The inventories that were asked.
    pub fn asked(&self) -> impl Iterator<Item = usize> {
        self.names.keys().copied()
    }

    /// The inventories that were asked for their names and answered.
    pub fn answered(&self) -> impl Iterator<Item = usize> {
        self.names.iter().filter(|(_, names)| names.is_ok()).map(|(&at, _)| at)
    }

    /// Returns the secrets to ask for their keys: of each question that has no answer yet, in the first inventory of its chain
    /// that may have it. A secret is asked once, so all keys that any question may look for there are named.
    fn open_keys(&self, questions: &BTreeSet<Question>) -> BTreeMap<(usize, String), Wanted> {
        let mut wanted: BTreeMap<(usize, String), Wanted> = BTreeMap::new();
        for question in questions.iter().filter(|question| question.key.is_some()) {
            if let Answer::Found { inventory, keys: None, .. } = self.get(question) {
                wanted.entry((inventory, question.secret.clone())).or_default();
            }
        }
        if wanted.is_empty() {
            return wanted;
        }
        for question in questions {
            for &at in &question.chain {
                if let Some(keys) = wanted.get_mut(&(at, question.secret.clone())) {
                    keys.extend(question.key.clone());
                }
            }
        }
        wanted
    }
}

/// Why an inventory outside the questions has no answer.
static NOT_ASKED: NoAnswer = NoAnswer::Unreachable(String::new());

/// Lists the names of an inventory, unless a part of it cannot be read. The unread part may have what the rest lacks, so an
/// inventory with errors answers nothing.
fn usable_names(inventory: &dyn Inventory, wanted: &Wanted) -> Result<Vec<SecretName>, NoAnswer> {
    let names = inventory.names(wanted)?;
    inventory.complaints().first().map_or(Ok(names), |failure| Err(NoAnswer::Invalid(failure.clone())))
}

/// The values of secrets by inventory and name.
pub type Values = BTreeMap<(usize, String), Result<SecretValues, NoAnswer>>;

/// Fetches each secret once, several at a time.
pub fn fetch(
    inventories: &Inventories,
    wanted: BTreeMap<(usize, String), Wanted>,
    progress: Option<Progress<'_>>,
) -> Values {
    at_once(wanted, progress, |(at, secret), wanted| {
        inventories.get(*at).map_or(Err(NoAnswer::Missing), |inventory| inventory.values(secret, wanted))
    })
}

/// Names and keys of whole inventories, in the order of each.
pub type Contents = BTreeMap<usize, Result<Vec<(String, Result<Vec<Key>, NoAnswer>)>, NoAnswer>>;

/// Lists inventories with all keys, each secret asked once.
pub fn contents(inventories: &Inventories, which: &[usize], progress: Option<Progress<'_>>) -> Contents {
    let all = Wanted::new();
    let names = at_once(which.iter().map(|&at| (at, ())).collect(), progress, |&at, ()| {
        inventories.get(at).map_or(Err(NoAnswer::Missing), |inventory| inventory.names(&all))
    });
    let listed = names.iter().filter_map(|(at, names)| Some((at, names.as_ref().ok()?)));
    let wanted =
        listed.flat_map(|(&at, names)| names.iter().map(move |secret| ((at, secret.name.clone()), ()))).collect();
    let mut keys = at_once(wanted, progress, |(at, secret), ()| {
        inventories.get(*at).map_or(Err(NoAnswer::Missing), |inventory| inventory.keys(secret, &all))
    });
    let joined = names.into_iter().map(|(at, names)| {
        let with_keys = |secret: SecretName| {
            // Gone since it was listed: it is not there.
            let keys = keys.remove(&(at, secret.name.clone())).unwrap_or(Err(NoAnswer::Missing));
            (!matches!(keys, Err(NoAnswer::Missing))).then_some((secret.name, keys))
        };
        (at, names.map(|names| names.into_iter().filter_map(with_keys).collect()))
    });
    joined.collect()
}

/// Is told now and then how many look-ups are done, and of how many.
pub type Progress<'p> = &'p dyn Fn(usize, usize);

/// How often progress is told.
const TICK: Duration = Duration::from_millis(100);

/// Runs one call per key on up to [`AT_ONCE`] threads.
pub fn at_once<K: Ord + Sync + Send, W: Sync + Send, T: Send>(
    keys: BTreeMap<K, W>,
    progress: Option<Progress<'_>>,
    call: impl Fn(&K, &W) -> T + Sync,
) -> BTreeMap<K, T> {
    let keys: Vec<(K, W)> = keys.into_iter().collect();
    let tell = &mut |done| progress.into_iter().for_each(|progress| progress(done, keys.len()));
    let answers = parallel::map(&keys, AT_ONCE, |(key, wanted)| call(key, wanted), progress.map(|_| TICK), tell);
    keys.into_iter().zip(answers).map(|((key, _), answer)| (key, answer)).collect()
}
