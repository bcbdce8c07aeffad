//! The name, or the path, that was probably meant.
//!
//! Names and keys are many and some are hostile, so the work is bounded: a name longer than ZenML's longest has no
//! neighbours, most candidates are ruled out by their letters before anything is compared, and what is left is paid for
//! from an [`SearchBudget`]. The effort is counted and not timed, so that the same names always have the same neighbours.

use crate::text::lookalike::fold_lookalikes;
use std::ffi::OsStr;
use std::path::{Path, PathBuf};

/// Characters of the longest name that is compared.
const MAX_NAME_CHARS: usize = 255;

/// Bytes of a name below which being a part of another says nothing.
const MIN_PART_BYTES: usize = 4;

/// Kinds of letters that are counted.
const LETTER_KINDS: usize = 32;

/// How much work a search for neighbours may still take, in pairs of letters that are compared.
#[derive(Debug)]
pub struct SearchBudget(u64);

impl SearchBudget {
    /// What ruling out one candidate costs.
    pub const CANDIDATE_COST: u64 = 64;

    /// Returns the effort of a whole run, which is a few seconds of one processor at most.
    pub fn for_run() -> Self {
        Self(1_000_000_000)
    }

    /// Takes a part of the effort. Returns `None`, and takes the rest, if there is not as much left.
    pub fn spend(&mut self, work: u64) -> Option<()> {
        let left = self.0.checked_sub(work);
        self.0 = left.unwrap_or(0);
        left.map(drop)
    }
}

/// Known names, made ready to be compared with many that are not known.
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
    /// Returns how many edits away a name may be and still be a slip.
    fn max_distance(&self, letters: &LetterCounts) -> usize {
        (letters.len.max(self.letters.len) / 3).max(1)
    }
}

/// How often letters occur, by kind: two names that are few edits apart differ in few.
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

    /// Edits that it takes at least to make one of the other.
    fn min_distance(&self, other: &Self) -> usize {
        let differ = self.counts.iter().zip(&other.counts).map(|(&a, &b)| u32::from(a.abs_diff(b))).sum::<u32>();
        // A substitution changes two counts, an insertion one.
        (differ as usize).div_ceil(2).max(self.len.abs_diff(other.len))
    }
}

impl<'n> Suggester<'n> {
    /// Returns the nearest name as [`Suggester::nearest`] does, or `None` if the search would take more than is left of
    /// the effort.
    pub fn nearest_within(&self, name: &str, budget: &mut SearchBudget) -> Option<&'n str> {
        let lower = fold_lookalikes(name);
        let letters = LetterCounts::from_text(&lower);
        if letters.len > MAX_NAME_CHARS {
            return None;
        }
        let cost = |known: &KnownName<'_>| {
            let compared = known.letters.len <= MAX_NAME_CHARS
                && letters.min_distance(&known.letters) <= known.max_distance(&letters);
            let edits = if compared { letters.len * known.letters.len } else { 0 };
            SearchBudget::CANDIDATE_COST + (edits + known.lower.len() + lower.len()) as u64
        };
        // Ruling out is work as well: it is paid for first, and what is left is known only then.
        budget.spend(self.names.len() as u64 * SearchBudget::CANDIDATE_COST)?;
        budget.spend(self.names.iter().map(cost).sum())?;
        self.nearest(name)
    }

    /// Takes the known names in.
    pub fn new(known: impl IntoIterator<Item = &'n str>) -> Self {
        let short = known.into_iter().filter(|name| name.len() <= 4 * MAX_NAME_CHARS);
        let known = short.map(|name| {
            let lower = fold_lookalikes(name);
            KnownName { name, letters: LetterCounts::from_text(&lower), lower }
        });
        Self { names: known.collect() }
    }

    /// The nearest by edits (insertions, deletions, substitutions, swaps; case counts for nothing), if it is near enough to
    /// be a slip: one edit, or a third of the longer name. Where none is, one that the name is a part of, or that is a part
    /// of it (`mlflow`, `mlflow_secret`). Of equals the first in the alphabet.
    pub fn nearest(&self, name: &str) -> Option<&'n str> {
        let lower = fold_lookalikes(name);
        let letters = LetterCounts::from_text(&lower);
        if letters.len > MAX_NAME_CHARS {
            return None;
        }
        let mut best: Option<(usize, &str)> = None;
        let mut part: Option<&str> = None;
        for known in &self.names {
            let most = known.max_distance(&letters);
            let most = best.map_or(most, |(edits, _)| most.min(edits));
            if known.letters.len <= MAX_NAME_CHARS && letters.min_distance(&known.letters) <= most {
                let edits = strsim::osa_distance(&lower, &known.lower);
                if edits <= most && best.is_none_or(|best| (edits, known.name) < best) {
                    best = Some((edits, known.name));
                }
            }
            let long_enough = lower.len() >= MIN_PART_BYTES && known.lower.len() >= MIN_PART_BYTES;
            let parts = long_enough && (known.lower.contains(&lower) || lower.contains(&known.lower));
            if parts && part.is_none_or(|part| known.name < part) {
                part = Some(known.name);
            }
        }
        best.map(|(_, name)| name).or(part)
    }
}

/// The nearest of a few names: see [`Suggester::nearest`].
pub fn nearest<'n>(name: &str, known: impl IntoIterator<Item = &'n str>) -> Option<&'n str> {
    Suggester::new(known).nearest(name)
}

/// Returns the existing path that is nearest to one that does not exist, in the form in which that was given: each component
/// that is not there is replaced by the nearest name in its folder. Ends at a folder if nothing in it is near to the next component.
/// Returns `None` if the first such component has no neighbor.
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

/// Returns whether a path can be a component of a longer one, or the last one.
fn is_usable(path: &Path, is_last: bool) -> bool {
    path.metadata().is_ok_and(|metadata| is_last || metadata.is_dir())
}

/// Returns the name in a folder that is nearest to another one: a name without extension may stand for a file with one.
fn nearest_name(folder: &Path, name: &OsStr, is_last: bool) -> Option<String> {
    let name = name.to_str()?;
    let entries = std::fs::read_dir(folder).ok()?.flatten().filter(|entry| is_usable(&entry.path(), is_last));
    let mut names: Vec<String> = entries.filter_map(|entry| entry.file_name().into_string().ok()).collect();
    names.sort();
    let has_stem = |other: &&String| Path::new(other).file_stem().is_some_and(|stem| stem == name);
    let suggestion = nearest(name, names.iter().map(String::as_str).filter(|other| *other != name)).map(str::to_owned);
    suggestion.or_else(|| names.iter().find(has_stem).cloned())
}

#[cfg(test)]
mod tests {
    use super::{SearchBudget, Suggester, nearest};

    #[test]
    fn slips_are_near_and_other_words_are_not() {
        let known = ["password", "username", "api_key"];
        assert_eq!(nearest("passwrod", known), Some("password"));
        assert_eq!(nearest("PASSWORD", known), Some("password"));
        assert_eq!(nearest("user_name", known), Some("username"));
        assert_eq!(nearest("mlflow", ["mlflow_secret", "aws"]), Some("mlflow_secret"));
        assert_eq!(nearest("token", known), None);
        assert_eq!(nearest("", known), None);
    }

    #[test]
    fn a_search_that_takes_too_much_is_not_made() {
        let known: Vec<String> = (0..100).map(|at| format!("{}{at:03}", "ab".repeat(100))).collect();
        let neighbours = Suggester::new(known.iter().map(String::as_str));
        let one = format!("{}007", "ab".repeat(100));
        let slip = format!("{}7", one.replace('a', "b"));
        let mut effort = SearchBudget(20_000_000);
        let found = neighbours.nearest_within(&one, &mut effort);
        assert_eq!(found, Some(one.as_str()));
        assert_eq!(neighbours.nearest_within(&slip, &mut effort), neighbours.nearest(&slip));
        // Every search is paid for, until nothing is left.
        let searches = (0..10_000).take_while(|_| neighbours.nearest_within(&one, &mut effort).is_some()).count();
        assert!((1..10_000).contains(&searches), "{searches}");
        assert_eq!(neighbours.nearest_within("x", &mut effort), None, "nothing is left");
    }

    #[test]
    fn names_beyond_any_length_have_no_neighbours() {
        let (long, other) = ("a".repeat(50_000), "b".repeat(50_000));
        assert_eq!(nearest(&long, [other.as_str(), "x"]), None);
    }
}
