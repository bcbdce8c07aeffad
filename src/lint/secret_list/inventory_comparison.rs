//! `stackref inventory diff`: the secrets and keys that only one of two inventories has.

use super::{ListedInventory, UsedSecrets};
use crate::inventory::Inventory;
use std::collections::HashSet;

/// One of two inventories to compare.
#[derive(Clone, Copy)]
pub struct ComparedInventory<'i> {
    /// The names and keys.
    pub listed: &'i ListedInventory,
    /// The inventory that listed them.
    pub source: &'i dyn Inventory,
}

/// The result of a comparison. The inventories are numbered 0 and 1, in the order in which they were
/// passed to [`compare`].
#[derive(Debug)]
pub struct InventoryComparison {
    /// The names of the inventories in messages.
    pub names: [String; 2],
    /// The differences, sorted by inventory and secret.
    pub differences: Vec<Difference>,
    /// The secrets whose keys could not be compared, each with the inventory that does not know all
    /// of them.
    pub open: Vec<(usize, String)>,
}

impl InventoryComparison {
    /// Returns the name of inventory 0 or 1.
    pub fn name(&self, inventory: usize) -> &str {
        self.names.get(inventory).map_or("?", String::as_str)
    }
}

/// A secret that only one inventory has, or the keys that it has only there.
#[derive(Debug, PartialEq, Eq)]
pub struct Difference {
    /// The inventory that has them: 0 or 1.
    pub inventory: usize,
    /// Whether the other inventory lacks the secret or only some of its keys.
    pub kind: DifferenceKind,
    /// The name of the secret.
    pub secret: String,
    /// The keys that only this inventory has, sorted.
    pub keys: Vec<String>,
}

/// The part that the other inventory lacks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum DifferenceKind {
    /// The whole secret.
    Secret,
    /// Some keys of the secret.
    Keys,
}

impl DifferenceKind {
    /// Returns the word for tables and JSON.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Secret => "secret",
            Self::Keys => "keys",
        }
    }
}

/// Compares the names and keys of two inventories, or only those that references use. Names that
/// mean the same secret in one of the inventories are equal.
pub fn compare(
    inventories: [ComparedInventory<'_>; 2],
    used: Option<&UsedSecrets<'_>>,
) -> InventoryComparison {
    let spellings = Spellings(inventories.map(|inventory| inventory.source));
    let names = inventories.map(|inventory| NameSet::of_inventory(inventory, &spellings));
    let used = used.map(|used| UsedNames::new(used, &spellings));
    let [first, second] = &names;
    let mut comparison = InventoryComparison {
        names: inventories.map(|inventory| inventory.listed.name.clone()),
        differences: Vec::new(),
        open: Vec::new(),
    };
    for (side, own, other) in [(0, first, second), (1, second, first)] {
        let sides = Sides {
            side,
            own,
            other,
            used: used.as_ref(),
            spellings: &spellings,
        };
        for (secret, keys) in own.secrets() {
            sides.compare_secret(secret, keys, &mut comparison);
        }
    }
    comparison
}

/// A name in one of the forms in which two names can be equal.
#[derive(PartialEq, Eq, Hash)]
enum Form<'n> {
    /// The name of a secret, and of a key of it, as it is written.
    Written(&'n str, Option<&'n str>),
    /// The name by which an inventory stores a secret or, if the flag is set, a key.
    Stored(usize, bool, String),
}

/// The inventories whose spellings count.
struct Spellings<'i>([&'i dyn Inventory; 2]);

impl Spellings<'_> {
    /// Returns the forms of a name. Two names are equal if they have a form in common.
    fn forms<'n>(&self, secret: &'n str, key: Option<&'n str>) -> impl Iterator<Item = Form<'n>> {
        let stored = self.0.iter().enumerate().filter_map(move |(at, source)| {
            let name = source.stored_name(secret, key)?;
            Some(Form::Stored(at, key.is_some(), name))
        });
        std::iter::once(Form::Written(secret, key)).chain(stored)
    }

    fn contain(&self, names: &HashSet<Form<'_>>, secret: &str, key: Option<&str>) -> bool {
        self.forms(secret, key).any(|form| names.contains(&form))
    }
}

/// The names of one inventory.
struct NameSet<'i> {
    listed: &'i ListedInventory,
    /// The secrets and keys.
    all: HashSet<Form<'i>>,
    /// The secrets that may have more keys.
    open: HashSet<Form<'i>>,
    /// The secrets whose keys could not be read.
    unread: HashSet<Form<'i>>,
}

impl<'i> NameSet<'i> {
    fn of_inventory(inventory: ComparedInventory<'i>, spellings: &Spellings<'_>) -> Self {
        let ComparedInventory { listed, source } = inventory;
        let mut names = Self {
            listed,
            all: HashSet::new(),
            open: HashSet::new(),
            unread: HashSet::new(),
        };
        for (secret, keys) in &listed.secrets {
            names.all.extend(spellings.forms(secret, None));
            for key in keys {
                names.all.extend(spellings.forms(secret, Some(key)));
            }
            if source.has_open_keys(secret) {
                names.open.extend(spellings.forms(secret, None));
            }
        }
        for secret in &listed.unread {
            names.all.extend(spellings.forms(secret, None));
            names.unread.extend(spellings.forms(secret, None));
        }
        names
    }

    /// Returns the secrets with their keys, sorted. Keys that could not be read are left out.
    fn secrets(&self) -> Vec<(&'i str, Vec<&'i str>)> {
        let read = self.listed.secrets.iter();
        let read = read.map(|(secret, keys)| {
            let keys = keys.iter().map(String::as_str).collect();
            (secret.as_str(), keys)
        });
        let unread = self.listed.unread.iter();
        let unread = unread.map(|secret| (secret.as_str(), Vec::new()));
        let mut secrets: Vec<_> = read.chain(unread).collect();
        secrets.sort();
        secrets
    }
}

/// The names that references use.
struct UsedNames<'u> {
    /// The secrets and keys.
    all: HashSet<Form<'u>>,
    /// The secrets that are used as a whole.
    whole: HashSet<Form<'u>>,
}

impl<'u> UsedNames<'u> {
    fn new(used: &UsedSecrets<'u>, spellings: &Spellings<'_>) -> Self {
        let (mut all, mut whole) = (HashSet::new(), HashSet::new());
        for (&secret, keys) in &used.secrets {
            all.extend(spellings.forms(secret, None));
            match keys {
                None => whole.extend(spellings.forms(secret, None)),
                Some(keys) => {
                    for &key in keys {
                        all.extend(spellings.forms(secret, Some(key)));
                    }
                }
            }
        }
        Self { all, whole }
    }
}

/// The comparison of one inventory with the other.
struct Sides<'c> {
    /// The number of the own inventory.
    side: usize,
    own: &'c NameSet<'c>,
    other: &'c NameSet<'c>,
    used: Option<&'c UsedNames<'c>>,
    spellings: &'c Spellings<'c>,
}

impl Sides<'_> {
    /// Adds the difference of a secret of the own inventory, if there is one.
    fn compare_secret(
        &self,
        secret: &str,
        mut keys: Vec<&str>,
        comparison: &mut InventoryComparison,
    ) {
        let contain = |names, key| self.spellings.contain(names, secret, key);
        let number = keys.len();
        keys.retain(|key| !contain(&self.other.all, Some(key)));
        let has_secret = contain(&self.other.all, None) || keys.len() < number;
        let may_have_more = number == 0 || contain(&self.own.open, None);
        keys.retain(|key| self.is_used(secret, key));
        let is_different = if has_secret {
            !keys.is_empty()
        } else {
            !keys.is_empty() || (may_have_more && self.is_secret_used(secret))
        };
        if !is_different || (has_secret && contain(&self.other.unread, None)) {
            return;
        }
        if has_secret && contain(&self.other.open, None) {
            comparison.open.push((1 - self.side, secret.to_owned()));
            return;
        }
        let kind = if has_secret {
            DifferenceKind::Keys
        } else {
            DifferenceKind::Secret
        };
        comparison.differences.push(Difference {
            inventory: self.side,
            kind,
            secret: secret.to_owned(),
            keys: keys.into_iter().map(str::to_owned).collect(),
        });
    }

    fn is_used(&self, secret: &str, key: &str) -> bool {
        self.used.is_none_or(|used| {
            self.spellings.contain(&used.all, secret, Some(key))
                || self.spellings.contain(&used.whole, secret, None)
        })
    }

    fn is_secret_used(&self, secret: &str) -> bool {
        self.used
            .is_none_or(|used| self.spellings.contain(&used.all, secret, None))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::inventory::{
        Capabilities, Key, RequestedNames, SecretName, SecretValues, StoreError,
    };
    use std::collections::BTreeSet;

    /// An inventory that spells names in upper case if its flag is set, and that does not know all
    /// keys of some secrets. It must not be queried.
    struct Source(bool, &'static [&'static str]);

    impl Inventory for Source {
        fn name(&self) -> &'static str {
            "source"
        }
        fn capabilities(&self) -> Capabilities {
            Capabilities::NAMES
        }
        fn names(&self, _: &RequestedNames) -> Result<Vec<SecretName>, StoreError> {
            Err(StoreError::NotFound)
        }
        fn keys(&self, _: &str, _: &RequestedNames) -> Result<Vec<Key>, StoreError> {
            Err(StoreError::NotFound)
        }
        fn values(&self, _: &str, _: &RequestedNames) -> Result<SecretValues, StoreError> {
            Err(StoreError::NotFound)
        }
        fn has_open_keys(&self, secret: &str) -> bool {
            self.1.contains(&secret)
        }
        fn stored_name(&self, secret: &str, key: Option<&str>) -> Option<String> {
            let name = key.map_or_else(|| secret.to_owned(), |key| format!("{secret}_{key}"));
            self.0.then(|| name.to_uppercase())
        }
    }

    /// Lists secrets such as `a.k a.l b ?c`: a secret with two keys, one without keys, and one whose
    /// keys could not be read.
    fn listed(text: &str) -> ListedInventory {
        let mut listed = ListedInventory {
            at: 0,
            name: "x".to_owned(),
            capabilities: Capabilities::NAMES,
            secrets: super::super::Secrets::new(),
            unread: BTreeSet::new(),
        };
        for word in text.split_whitespace() {
            if let Some(unread) = word.strip_prefix('?') {
                listed.unread.insert(unread.to_owned());
                continue;
            }
            let (secret, key) = word.split_once('.').unwrap_or((word, ""));
            let keys = listed.secrets.entry(secret.to_owned()).or_default();
            keys.extend((!key.is_empty()).then(|| key.to_owned()));
        }
        listed
    }

    /// Returns the differences as `0 keys a: k l`, and the open secrets as `0 open a`.
    fn differences(
        texts: [&str; 2],
        sources: [&Source; 2],
        used: Option<&UsedSecrets<'_>>,
    ) -> Vec<String> {
        let [first, second] = texts.map(listed);
        let [of_first, of_second] = sources;
        let first = ComparedInventory {
            listed: &first,
            source: of_first,
        };
        let second = ComparedInventory {
            listed: &second,
            source: of_second,
        };
        let comparison = compare([first, second], used);
        let differences = comparison.differences.iter().map(|it| {
            let (kind, keys) = (it.kind.as_str(), it.keys.join(" "));
            format!("{} {kind} {}: {keys}", it.inventory, it.secret)
        });
        let open = comparison.open.iter();
        let open = open.map(|(at, secret)| format!("{at} open {secret}"));
        differences.chain(open).collect()
    }

    const EXACT: Source = Source(false, &[]);
    const UPPER: Source = Source(true, &[]);
    const OPEN: Source = Source(false, &["a"]);

    #[test]
    fn only_names_and_keys_that_one_inventory_lacks_are_differences() {
        for (texts, expected) in [
            (["", ""], vec![]),
            (["a.k b", "b a.k"], vec![]),
            (["a.k a.l", "a.k a.m"], vec!["0 keys a: l", "1 keys a: m"]),
            (["a", "a.k"], vec!["1 keys a: k"]),
            (["a", ""], vec!["0 secret a: "]),
            (
                ["", "b.k a.l a.k"],
                vec!["1 secret a: k l", "1 secret b: k"],
            ),
            (["A.k", "a.k"], vec!["0 secret A: k", "1 secret a: k"]),
            (["a.K", "a.k"], vec!["0 keys a: K", "1 keys a: k"]),
            // The first dot separates the key.
            (["a.b.c", "a.b"], vec!["0 keys a: b.c", "1 keys a: b"]),
        ] {
            let found = differences(texts, [&EXACT, &EXACT], None);
            assert_eq!(found, expected, "{texts:?}");
        }
    }

    #[test]
    fn keys_that_an_inventory_may_have_are_no_differences() {
        for (texts, sources, expected) in [
            (["a.k", "a"], [&EXACT, &OPEN], vec!["1 open a"]),
            (["a.k", "a.k"], [&EXACT, &OPEN], vec![]),
            (
                ["a.k", "a.l"],
                [&EXACT, &OPEN],
                vec!["1 keys a: l", "1 open a"],
            ),
            (["a.k", "a.l"], [&OPEN, &OPEN], vec!["1 open a", "0 open a"]),
            (["a", ""], [&OPEN, &EXACT], vec!["0 secret a: "]),
            (["b.k", "b"], [&EXACT, &OPEN], vec!["0 keys b: k"]),
            (["a.k", "?a"], [&EXACT, &EXACT], vec![]),
            (["?a", "a.k"], [&EXACT, &EXACT], vec![]),
            (["?a", "?a"], [&EXACT, &EXACT], vec![]),
            (
                ["?a", "b"],
                [&EXACT, &EXACT],
                vec!["0 secret a: ", "1 secret b: "],
            ),
        ] {
            assert_eq!(differences(texts, sources, None), expected, "{texts:?}");
        }
    }

    #[test]
    fn names_that_an_inventory_does_not_distinguish_are_equal() {
        for (texts, sources, expected) in [
            (["a.k", "A.K"], [&UPPER, &EXACT], vec![]),
            (["a.k", "A.K"], [&EXACT, &UPPER], vec![]),
            (["a.k", "A.K"], [&UPPER, &UPPER], vec![]),
            (["a.k A.k", "a.k"], [&EXACT, &UPPER], vec![]),
            (
                ["a.k", "A.l"],
                [&UPPER, &EXACT],
                vec!["0 keys a: k", "1 keys A: l"],
            ),
            // Both are the variable `A_B_K`.
            (["a.b_k", "a_b.k"], [&UPPER, &EXACT], vec![]),
            // A secret is not a key.
            (
                ["a.b", "a_b"],
                [&UPPER, &EXACT],
                vec!["0 secret a: b", "1 secret a_b: "],
            ),
            (["A.K", "a"], [&UPPER, &OPEN], vec!["1 open A"]),
        ] {
            assert_eq!(differences(texts, sources, None), expected, "{texts:?}");
        }
    }

    #[test]
    fn only_used_names_are_differences() {
        let texts = ["a.k a.l b c.k c.l ?d", "c.k"];
        for (uses, source, expected) in [
            (vec![], &EXACT, vec![]),
            (vec![("a", Some("k"))], &EXACT, vec!["0 secret a: k"]),
            (vec![("a", None)], &EXACT, vec!["0 secret a: k l"]),
            (vec![("a", Some("missing"))], &EXACT, vec![]),
            (vec![("a", Some("missing"))], &OPEN, vec!["0 secret a: "]),
            (vec![("b", Some("k"))], &EXACT, vec!["0 secret b: "]),
            (vec![("c", Some("k"))], &EXACT, vec![]),
            (vec![("c", Some("l"))], &EXACT, vec!["0 keys c: l"]),
            (
                vec![("c", Some("k")), ("c", None)],
                &EXACT,
                vec!["0 keys c: l"],
            ),
            (vec![("d", Some("k"))], &EXACT, vec!["0 secret d: "]),
            (vec![("A", Some("K"))], &EXACT, vec![]),
            (vec![("A", Some("K"))], &UPPER, vec!["0 secret a: k"]),
            (vec![("A", None)], &UPPER, vec!["0 secret a: k l"]),
        ] {
            let mut used = UsedSecrets::default();
            for &(secret, key) in &uses {
                used.add(secret, key);
            }
            let found = differences(texts, [source, &EXACT], Some(&used));
            assert_eq!(found, expected, "{uses:?}");
        }
    }
}
