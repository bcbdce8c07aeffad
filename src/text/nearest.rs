//! Spelling suggestions: the known name or path that is nearest to an unknown one.
//!
//! There may be many names, and some may be hostile, so the work is limited:
//!
//! - A name that is longer than ZenML allows has no suggestion.
//! - Most candidates are excluded by their letter counts, without a comparison.
//! - Each search is charged to a [`SearchBudget`]. It counts work, not time, so that the same names
//!   always get the same suggestions.

use crate::text::lookalike::fold_lookalikes;
use std::ffi::OsStr;
use std::path::{Path, PathBuf};

/// The longest name that is compared, in characters: the longest name in ZenML.
const MAX_NAME_CHARS: usize = 255;

/// The shortest name, in bytes, that is suggested for a name that contains it. Shorter parts match
/// by chance.
const MIN_PART_BYTES: usize = 4;

/// The number of buckets in which letters are counted.
const LETTER_KINDS: usize = 32;

/// The remaining work of all searches, as a number of compared pairs of letters.
#[derive(Debug)]
pub struct SearchBudget(u64);

impl SearchBudget {
    /// The cost of excluding one candidate.
    pub const CANDIDATE_COST: u64 = 64;

    /// Returns the budget of a whole run: at most a few seconds of one processor.
    pub fn for_run() -> Self {
        Self(1_000_000_000)
    }

    /// Returns the budget of one request of an editor: at most some milliseconds.
    pub fn for_request() -> Self {
        Self(10_000_000)
    }

    /// Spends a part of the budget. If too little is left, spends the rest and returns `None`.
    pub fn spend(&mut self, work: u64) -> Option<()> {
        let left = self.0.checked_sub(work);
        self.0 = left.unwrap_or(0);
        left.map(drop)
    }
}

/// A set of known names, prepared for comparisons with many unknown names.
#[derive(Debug)]
pub struct Suggester<'n> {
    names: Vec<KnownName<'n>>,
}

#[derive(Debug)]
struct KnownName<'n> {
    name: &'n str,
    lower: String,
    letters: LetterCounts,
}

impl KnownName<'_> {
    /// Returns the most edits between this name and a misspelling of it.
    fn max_distance(&self, letters: &LetterCounts) -> usize {
        (letters.len.max(self.letters.len) / 3).max(1)
    }

    /// Returns the cost of comparing this name with another one, given in lower case and with its
    /// letters.
    fn comparison_cost(&self, lower: &str, letters: &LetterCounts) -> u64 {
        let is_compared = self.letters.len <= MAX_NAME_CHARS
            && letters.min_distance(&self.letters) <= self.max_distance(letters);
        let edits = if is_compared {
            letters.len * self.letters.len
        } else {
            0
        };
        SearchBudget::CANDIDATE_COST + (edits + self.lower.len() + lower.len()) as u64
    }
}

/// The number of letters in each bucket. Names with few edits between them differ in few counts.
#[derive(Debug)]
struct LetterCounts {
    counts: [u8; LETTER_KINDS],
    len: usize,
}

impl LetterCounts {
    fn from_text(text: &str) -> Self {
        let mut counts = [0_u8; LETTER_KINDS];
        let mut len = 0;
        for c in text.chars() {
            if let Some(count) = counts.get_mut(u32::from(c) as usize % LETTER_KINDS) {
                *count = count.saturating_add(1);
            }
            len += 1;
        }
        Self { counts, len }
    }

    /// Returns a lower bound for the number of edits between two names.
    fn min_distance(&self, other: &Self) -> usize {
        let differ = self
            .counts
            .iter()
            .zip(&other.counts)
            .map(|(&a, &b)| u32::from(a.abs_diff(b)))
            .sum::<u32>();
        // A substitution changes two counts, an insertion changes one.
        (differ as usize)
            .div_ceil(2)
            .max(self.len.abs_diff(other.len))
    }
}

impl<'n> Suggester<'n> {
    /// Returns the nearest name like [`Suggester::nearest`], or `None` if the search would exceed
    /// the budget.
    pub fn nearest_within(&self, name: &str, budget: &mut SearchBudget) -> Option<&'n str> {
        let lower = fold_lookalikes(name);
        let letters = LetterCounts::from_text(&lower);
        if letters.len > MAX_NAME_CHARS {
            return None;
        }
        // The letter counts of all names are compared to estimate the cost, so that work is spent
        // first.
        budget.spend(self.names.len() as u64 * SearchBudget::CANDIDATE_COST)?;
        budget.spend(
            self.names
                .iter()
                .map(|known| known.comparison_cost(&lower, &letters))
                .sum(),
        )?;
        self.nearest(name)
    }

    /// Prepares the known names.
    pub fn new(known: impl IntoIterator<Item = &'n str>) -> Self {
        let short = known
            .into_iter()
            .filter(|name| name.len() <= 4 * MAX_NAME_CHARS);
        let known = short.map(|name| {
            let lower = fold_lookalikes(name);
            KnownName {
                name,
                letters: LetterCounts::from_text(&lower),
                lower,
            }
        });
        Self {
            names: known.collect(),
        }
    }

    /// Returns the known name with the fewest edits: insertions, deletions, substitutions and
    /// swaps. Case is ignored. At most one edit, or a third of the longer name, is allowed.
    ///
    /// Otherwise returns a known name that contains the name, or that the name contains, for
    /// example `mlflow_secret` for `mlflow`. Returns the alphabetically first of several equal
    /// candidates, or `None` if no name is near enough.
    pub fn nearest(&self, name: &str) -> Option<&'n str> {
        let lower = fold_lookalikes(name);
        let letters = LetterCounts::from_text(&lower);
        if letters.len > MAX_NAME_CHARS {
            return None;
        }
        let mut best: Option<(usize, &str)> = None;
        let mut part: Option<&str> = None;
        for known in &self.names {
            let limit = known.max_distance(&letters);
            let limit = best.map_or(limit, |(edits, _)| limit.min(edits));
            if known.letters.len <= MAX_NAME_CHARS && letters.min_distance(&known.letters) <= limit
            {
                let edits = strsim::osa_distance(&lower, &known.lower);
                if edits <= limit && best.is_none_or(|best| (edits, known.name) < best) {
                    best = Some((edits, known.name));
                }
            }
            if is_part(&lower, &known.lower) && part.is_none_or(|part| known.name < part) {
                part = Some(known.name);
            }
        }
        best.map(|(_, name)| name).or(part)
    }
}

impl<'n> Suggester<'n> {
    /// Returns the known names that are near enough to be suggested, the nearest first, without the
    /// name itself. Returns fewer than exist if the budget is spent.
    pub fn nearest_several(
        &self,
        name: &str,
        count: usize,
        budget: &mut SearchBudget,
    ) -> Vec<&'n str> {
        let lower = fold_lookalikes(name);
        let letters = LetterCounts::from_text(&lower);
        if letters.len > MAX_NAME_CHARS {
            return Vec::new();
        }
        let mut found: Vec<(usize, &str)> = Vec::new();
        for known in self.names.iter().filter(|known| known.name != name) {
            let cost = known.comparison_cost(&lower, &letters);
            if budget.spend(cost).is_none() {
                break;
            }
            let limit = known.max_distance(&letters);
            let is_comparable = known.letters.len <= MAX_NAME_CHARS
                && letters.min_distance(&known.letters) <= limit;
            let edits = is_comparable.then(|| strsim::osa_distance(&lower, &known.lower));
            if let Some(edits) = edits.filter(|&edits| edits <= limit) {
                found.push((edits, known.name));
            } else if is_part(&lower, &known.lower) {
                // After all names that differ by a few edits.
                found.push((usize::MAX, known.name));
            }
        }
        found.sort_unstable();
        found.dedup();
        found.truncate(count);
        found.into_iter().map(|(_, name)| name).collect()
    }
}

/// Returns whether one name contains the other one, and both are long enough.
fn is_part(a: &str, b: &str) -> bool {
    let is_long_enough = a.len() >= MIN_PART_BYTES && b.len() >= MIN_PART_BYTES;
    is_long_enough && (a.contains(b) || b.contains(a))
}

/// Returns the nearest of a few names like [`Suggester::nearest`].
pub fn nearest<'n>(name: &str, known: impl IntoIterator<Item = &'n str>) -> Option<&'n str> {
    Suggester::new(known).nearest(name)
}

/// Returns the existing path that is nearest to one that does not exist, relative or absolute like
/// that one.
///
/// Each missing component is replaced with the nearest name in its folder. If there is none, the
/// path ends at that folder. Returns `None` if no component was replaced.
pub fn nearest_path(given: &Path, cwd: &Path) -> Option<PathBuf> {
    let mut found = PathBuf::new();
    let mut is_corrected = false;
    let mut components = given.components().peekable();
    while let Some(component) = components.next() {
        let next = found.join(component);
        let is_last = components.peek().is_none();
        if is_usable(&cwd.join(&next), is_last) {
            found = next;
        } else if let Some(name) = nearest_name(&cwd.join(&found), component.as_os_str(), is_last) {
            found.push(name);
            is_corrected = true;
        } else {
            break;
        }
    }
    is_corrected.then_some(found)
}

/// Returns whether a path exists and, if it is not the last component, is a folder.
fn is_usable(path: &Path, is_last: bool) -> bool {
    path.metadata()
        .is_ok_and(|metadata| is_last || metadata.is_dir())
}

/// Returns the nearest name in a folder, or a name that differs only by its extension.
fn nearest_name(folder: &Path, name: &OsStr, is_last: bool) -> Option<String> {
    let name = name.to_str()?;
    let entries = std::fs::read_dir(folder)
        .ok()?
        .flatten()
        .filter(|entry| is_usable(&entry.path(), is_last));
    let mut names: Vec<String> = entries
        .filter_map(|entry| entry.file_name().into_string().ok())
        .collect();
    names.sort();
    if let Some(nearest) = nearest(
        name,
        names
            .iter()
            .map(String::as_str)
            .filter(|other| *other != name),
    ) {
        return Some(nearest.to_owned());
    }
    names.into_iter().find(|other| {
        Path::new(other)
            .file_stem()
            .is_some_and(|stem| stem == name)
    })
}

#[cfg(test)]
mod tests {
    use super::{SearchBudget, Suggester, nearest};

    #[test]
    fn nearest_finds_misspellings_only() {
        let known = ["password", "username", "api_key"];
        assert_eq!(nearest("passwrod", known), Some("password"));
        assert_eq!(nearest("PASSWORD", known), Some("password"));
        assert_eq!(nearest("user_name", known), Some("username"));
        assert_eq!(
            nearest("mlflow", ["mlflow_secret", "aws"]),
            Some("mlflow_secret")
        );
        assert_eq!(nearest("token", known), None);
        assert_eq!(nearest("", known), None);
    }

    #[test]
    fn nearest_several_begins_with_the_nearest() {
        let known = ["mlflow_secret", "mlflw", "mlflow", "mlfow", "aws", "mlfow"];
        let suggester = Suggester::new(known);
        let mut budget = SearchBudget::for_request();
        let mut several = |name: &str, count| suggester.nearest_several(name, count, &mut budget);
        assert_eq!(several("mlflow", 5), ["mlflw", "mlfow", "mlflow_secret"]);
        assert_eq!(several("mlflox", 2), ["mlflow", "mlflw"]);
        assert_eq!(several("x", 5), [] as [&str; 0]);
        for name in ["mlflox", "AWSS", "secret"] {
            let first = several(name, 1).first().copied();
            assert_eq!(first, suggester.nearest(name), "{name}");
        }
        assert!(
            suggester
                .nearest_several("mlflow", 5, &mut SearchBudget(10))
                .is_empty()
        );
    }

    #[test]
    fn nearest_within_stops_when_budget_is_spent() {
        let known: Vec<String> = (0..100)
            .map(|at| format!("{}{at:03}", "ab".repeat(100)))
            .collect();
        let suggester = Suggester::new(known.iter().map(String::as_str));
        let one = format!("{}007", "ab".repeat(100));
        let misspelled = format!("{}7", one.replace('a', "b"));
        let mut budget = SearchBudget(20_000_000);
        let found = suggester.nearest_within(&one, &mut budget);
        assert_eq!(found, Some(one.as_str()));
        assert_eq!(
            suggester.nearest_within(&misspelled, &mut budget),
            suggester.nearest(&misspelled)
        );
        // Every search is charged until nothing is left.
        let searches = (0..10_000)
            .take_while(|_| suggester.nearest_within(&one, &mut budget).is_some())
            .count();
        assert!((1..10_000).contains(&searches), "{searches}");
        assert_eq!(
            suggester.nearest_within("x", &mut budget),
            None,
            "nothing is left"
        );
    }

    #[test]
    fn overlong_name_has_no_suggestion() {
        let (long, other) = ("a".repeat(50_000), "b".repeat(50_000));
        assert_eq!(nearest(&long, [other.as_str(), "x"]), None);
    }
}
