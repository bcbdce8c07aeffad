//! `--leaks`: the values of the inventories, looked for in every text file of the tree.
//!
//! All values are one automaton (Aho-Corasick), so that a file is read once however many there are: as they stand, with the
//! escapes of JSON, in base64 (wherever in a longer text the value begins), and percent-encoded. Files are searched in
//! pieces; only one with a value in it is read whole, to say where. Files that hold a NUL byte are binary and passed over.
//!
//! The automaton is made without prefilters, which would keep copies of the values.

mod forms;
mod words;

use crate::discover::{self, Search, Selection};
use crate::error::{Failure, plain_io};
use crate::finding::Finding;
use crate::git;
use crate::inventory::lookup::{Progress, contents, fetch};
use crate::inventory::{Inventories, NoAnswer};
use crate::rules::{Check, Leak, RULES};
use crate::scan::{Bases, Leaked, fill};
use crate::source::{SourceFile, Span};
use aho_corasick::{AhoCorasick, MatchKind};
use std::collections::{BTreeMap, BTreeSet};
use std::fs::File;
use std::io;
use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError};
use zeroize::Zeroizing;

/// Bytes of a value that is worth looking for.
const SHORTEST: usize = 8;
/// Bytes of a file that are searched at a time.
const PIECE: usize = 1 << 18;
/// Findings in one file; what comes behind tells nothing new.
const MOST: usize = 1_000;

/// What a search for values came to.
#[derive(Debug, Default)]
pub struct Leaks {
    /// The files in which values stand, by path.
    pub files: Vec<Leaked>,
    /// What could not be asked or read.
    pub failures: Vec<Failure>,
    /// Inventories that hold no values, so that nothing of theirs was looked for.
    pub without_values: Vec<String>,
}

/// Looks for the values of all inventories in use in the files of a selection.
pub fn run(
    search: &Search<'_>,
    selection: &Selection,
    bases: &Bases,
    inventories: &Inventories,
    progress: Option<Progress<'_>>,
) -> Leaks {
    let mut leaks = Leaks::default();
    let Some(values) = gather(inventories, progress, &mut leaks).and_then(|values| Values::new(values, &mut leaks))
    else {
        return leaks;
    };
    let (found, failures) = (Mutex::new(Vec::new()), Mutex::new(Vec::new()));
    let mut tracked = BTreeSet::new();
    for folder in &selection.folders {
        match git::tracked_but_ignored(folder) {
            Ok(files) => tracked.extend(files),
            Err(why) => leaks.failures.push(
                Failure::usage(format!("git does not say which ignored files it tracks: {why}"))
                    .with_help("values have to be looked for in those, too"),
            ),
        }
    }
    let passed = search.texts(selection, &tracked, || {
        let mut buffer = Vec::new();
        let (values, found, failures) = (&values, &found, &failures);
        move |path: &Path| match values.look(path, bases, &mut buffer) {
            Ok(leaked) => found.lock().unwrap_or_else(PoisonError::into_inner).extend(leaked),
            Err(error) => {
                let shown = discover::relative(path, &bases.cwd);
                let failure = Failure::usage(format!("cannot read `{shown}`: {}", plain_io(&error)));
                failures.lock().unwrap_or_else(PoisonError::into_inner).push(failure);
            }
        }
    });
    leaks.failures.extend(passed.failures);
    let mut failures = failures.into_inner().unwrap_or_else(PoisonError::into_inner);
    failures.sort_by_key(ToString::to_string);
    leaks.failures.append(&mut failures);
    leaks.files = found.into_inner().unwrap_or_else(PoisonError::into_inner);
    leaks.files.sort_by(|a, b| a.path.cmp(&b.path));
    leaks.files.dedup_by(|b, a| a.path == b.path);
    leaks
}

/// A secret and a key of it.
type Owner = (String, String);

/// The values worth looking for, each with one that has it, in order.
type Wanted = Vec<(Zeroizing<String>, Owner)>;

/// Asks every inventory in use for all of its values.
fn gather(inventories: &Inventories, progress: Option<Progress<'_>>, leaks: &mut Leaks) -> Option<Wanted> {
    let name_of = |at: usize| inventories.get(at).map_or("?", |inventory| inventory.name()).to_owned();
    let which: Vec<usize> = inventories.in_use().map(|(at, _)| at).collect();
    let mut wanted: BTreeMap<(usize, String), BTreeSet<String>> = BTreeMap::new();
    for (at, listed) in contents(inventories, &which, progress) {
        match listed {
            Err(NoAnswer::Nothing(_)) => {}
            Err(why) => leaks.failures.push(why.failure(&name_of(at), "values to look for")),
            Ok(secrets) => {
                for (secret, keys) in secrets {
                    match keys {
                        Ok(keys) => {
                            wanted.insert((at, secret), keys.into_iter().map(|key| key.name).collect());
                        }
                        Err(why) => leaks.failures.push(why.failure(&name_of(at), &format!("`{secret}`"))),
                    }
                }
            }
        }
    }
    let (mut found, mut names_only) = (Wanted::new(), BTreeMap::new());
    for ((at, secret), values) in fetch(inventories, wanted, progress) {
        let has_values = names_only.entry(at).or_insert(false);
        match values {
            Ok(values) => {
                *has_values = true;
                for (key, value) in values {
                    if is_worth_it(value.expose()) {
                        found.push((Zeroizing::new(value.expose().to_owned()), (secret.clone(), key)));
                    }
                }
            }
            Err(NoAnswer::NoValues | NoAnswer::Missing) => {}
            Err(why) => leaks.failures.push(why.failure(&name_of(at), &format!("`{secret}`"))),
        }
    }
    leaks.without_values = names_only.into_iter().filter(|(_, has)| !has).map(|(at, _)| name_of(at)).collect();
    found.sort_unstable_by(|(a, whose), (b, of)| (a.as_str(), whose).cmp(&(b.as_str(), of)));
    Some(found).filter(|values| !values.is_empty())
}

/// Whether finding a value would mean anything: it is long enough, no common word, more than one or two letters over and
/// over, and no reference.
fn is_worth_it(value: &str) -> bool {
    let mut letters: Vec<char> = value.chars().collect();
    letters.sort_unstable();
    letters.dedup();
    value.len() >= SHORTEST && letters.len() > 2 && !words::is_common(value) && !value.contains("{{")
}

/// The values, ready to be looked for.
struct Values {
    automaton: AhoCorasick,
    /// By pattern: the index of its owners, and how the value is written there.
    patterns: Vec<(usize, &'static str)>,
    owners: Vec<Vec<Owner>>,
    /// Bytes of the longest pattern.
    longest: usize,
}

impl Values {
    fn new(wanted: Wanted, leaks: &mut Leaks) -> Option<Self> {
        let (mut forms, mut patterns, mut owners) = (Vec::new(), Vec::new(), Vec::<Vec<Owner>>::new());
        let mut last: Option<Zeroizing<String>> = None;
        for (value, owner) in wanted {
            if last.as_ref() == Some(&value) {
                owners.last_mut().into_iter().for_each(|owners| owners.push(owner.clone()));
                continue;
            }
            for (form, written) in forms::of(&value) {
                forms.push(form);
                patterns.push((owners.len(), written));
            }
            owners.push(vec![owner]);
            last = Some(value);
        }
        let longest = forms.iter().map(|form| form.len()).max().unwrap_or_default();
        let automaton = AhoCorasick::builder()
            .match_kind(MatchKind::LeftmostLongest)
            .prefilter(false)
            .build(forms.iter().map(|form| form.as_slice()));
        let Ok(automaton) = automaton else {
            let failure = Failure::usage("the inventories hold more than can be looked for at once");
            leaks.failures.push(failure.with_help("name one of them with `--inventory`"));
            return None;
        };
        Some(Self { automaton, patterns, owners, longest })
    }

    /// The values in a file.
    fn look(&self, path: &Path, bases: &Bases, buffer: &mut Vec<u8>) -> io::Result<Option<Leaked>> {
        let mut file = match File::open(path) {
            // It went while the tree was walked, or git tracks what is not there.
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
            file => file?,
        };
        let overlap = self.longest.saturating_sub(1);
        buffer.resize(PIECE.max(2 * self.longest), 0);
        let mut kept = 0;
        let mut first = true;
        loop {
            let len = fill(&mut file, buffer, kept)?;
            let piece = buffer.get(..len).unwrap_or_default();
            if first && is_utf16(piece) {
                break;
            }
            if first && memchr::memchr(0, piece.get(..8192.min(len)).unwrap_or_default()).is_some() {
                return Ok(None);
            }
            first = false;
            if self.automaton.is_match(piece) {
                break;
            }
            if len < buffer.len() {
                return Ok(None);
            }
            buffer.copy_within(len - overlap.., 0);
            kept = overlap;
        }
        let text = text_of(&Zeroizing::new(std::fs::read(path)?));
        let (shown, identity) = (discover::relative(path, &bases.cwd), discover::relative(path, &bases.root));
        let source = Arc::new(SourceFile::new(shown, text).with_identity(identity));
        let findings = self.findings(&source);
        Ok((!findings.is_empty()).then(|| Leaked { source, path: path.to_path_buf(), findings }))
    }

    fn findings(&self, source: &Arc<SourceFile>) -> Vec<Finding> {
        let check = RULES.iter().find_map(|rule| match rule.check {
            Check::Leak(check) => Some(check),
            _ => None,
        });
        let Some(check) = check else { return Vec::new() };
        let found = self.automaton.find_iter(source.text()).filter_map(|found| {
            let &(value, written) = self.patterns.get(found.pattern().as_usize())?;
            let (owner, others) = self.owners.get(value)?.split_first()?;
            let span = Span::new(found.start(), found.end());
            Some(check(&Leak { source, span, owner: (&owner.0, &owner.1), others: others.len(), written }))
        });
        found.take(MOST).collect()
    }
}

fn is_utf16(bytes: &[u8]) -> bool {
    matches!(bytes, [0xFF, 0xFE, ..] | [0xFE, 0xFF, ..])
}

/// The text, offset for offset; what is not UTF-8 becomes `?`. Of UTF-16 the text as UTF-8, whose offsets are its own.
fn text_of(bytes: &[u8]) -> String {
    if is_utf16(bytes) {
        let big = bytes.first() == Some(&0xFE);
        let unit = |pair: &[u8]| match *pair {
            [a, b] if big => u16::from_be_bytes([a, b]),
            [a, b] => u16::from_le_bytes([a, b]),
            _ => u16::from(b'?'),
        };
        let units: Vec<u16> = bytes.chunks(2).map(unit).collect();
        return String::from_utf16_lossy(&units);
    }
    let mut text = String::with_capacity(bytes.len());
    for chunk in bytes.utf8_chunks() {
        text.push_str(chunk.valid());
        text.extend(chunk.invalid().iter().map(|_| '?'));
    }
    text
}
