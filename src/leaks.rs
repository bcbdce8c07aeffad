//! `--leaks`: the values of the inventories, looked for in every text file of the tree.
//!
//! All values, in every way in which they are written (`forms`), are looked for at once (`matcher`), so that a file is read
//! once however many there are. What may be broken into other lines, keys in PEM and base64, is looked for in the text without
//! white space (`compact`). Files are searched in pieces; only one in which a value may begin is read whole, to say where. Files
//! that hold a NUL byte are binary and passed over.

mod compact;
mod forms;
mod matcher;
mod words;

use crate::discover::{Search, Selection};
use crate::error::{Failure, plain_io};
use crate::finding::Finding;
use crate::git::Git;
use crate::inventory::lookup::{Progress, contents, fetch};
use crate::inventory::{Inventories, NoAnswer};
use crate::paths;
use crate::reference::{Reading, Resolver, read};
use crate::repository;
use crate::rules::{self, Check, Leak, RULES};
use crate::scan::{Bases, Leaked, Scan, fill};
use crate::source::{SourceFile, Span, is_utf16, text_with};
use compact::Compact;
use forms::Forms;
use matcher::{Form, Matcher, OVERLAP};
use std::cmp::Reverse;
use std::collections::{BTreeMap, BTreeSet, HashSet};
use std::fs::File;
use std::io;
use std::ops::Range;
use std::os::unix::fs::MetadataExt as _;
use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError};
use zeroize::Zeroizing;

/// The rule whose findings are about values themselves.
const OWN_RULE: &str = "leaked-value";

/// Bytes of a value that is worth looking for.
const SHORTEST: usize = 8;
/// Bytes of a file that are searched at a time.
const PIECE: usize = 1 << 18;
/// Places in one file that are told.
const MOST: usize = 10_000;

/// What a search for values came to.
#[derive(Default)]
pub struct Leaks {
    /// The files in which values stand, by path.
    pub files: Vec<Leaked>,
    /// What could not be asked or read.
    pub failures: Vec<Failure>,
    /// The values; nothing where there are none.
    pub values: Option<Values>,
    /// Inventories that hold no values, so that nothing of theirs was looked for.
    pub without_values: Vec<String>,
}

/// Looks for the values of all inventories in use in the files of a selection, of which the stack files are read already.
pub fn run(
    search: &Search<'_>,
    git: &Git,
    selection: &Selection,
    bases: &Bases,
    inventories: &Inventories,
    scan: &Scan,
    progress: Option<Progress<'_>>,
) -> Leaks {
    let mut leaks = Leaks::default();
    let Some(values) =
        gather(inventories, progress, &mut leaks).and_then(|values| Values::new(values, inventories, &mut leaks))
    else {
        return leaks;
    };
    let (found, failures) = (Mutex::new(Vec::new()), Mutex::new(Vec::new()));
    let mut tracked = BTreeSet::new();
    for folder in &selection.folders {
        match git.tracked_but_ignored(folder) {
            Ok(files) => tracked.extend(files),
            Err(why) => leaks.failures.push(
                Failure::usage(format!("cannot ask git which ignored files it tracks: {why}"))
                    .with_help(format!("{}: --leaks looks for values in those files, too", why.remedy())),
            ),
        }
    }
    tracked.retain(|path| !is_behind_link(path));
    let passed = search.texts(selection, &tracked, || {
        let mut buffer = Vec::new();
        let (values, found, failures) = (&values, &found, &failures);
        move |path: &Path| match values.look(path, bases, &mut buffer) {
            Ok(leaked) => found.lock().unwrap_or_else(PoisonError::into_inner).extend(leaked),
            Err(error) => {
                let shown = paths::relative(path, &bases.cwd);
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
    leaks.files.sort_by(|a, b| a.source.location().cmp(b.source.location()));
    leaks.files.dedup_by(|b, a| a.source.location() == b.source.location());
    // What is a stack file, too, is read already: both readings show the same.
    for file in &scan.files {
        let known = leaks.files.iter_mut().find(|leaked| leaked.source.location() == file.path);
        if let Some((known, leaked)) = known.zip(values.leaked(&file.source)) {
            *known = leaked;
        }
    }
    for leaked in leaks.files.iter().filter(|leaked| leaked.untold > 0) {
        let (shown, more) = (leaked.source.path(), leaked.untold);
        leaks.failures.push(
            Failure::usage(format!("values stand in `{shown}` at more than {MOST} places: {more} are not told"))
                .with_help("mend or remove the file"),
        );
    }
    leaks.values = Some(values);
    leaks
}

/// Whether a path that git tracks is a link by now, or leads through one out of its folder: links are not followed.
fn is_behind_link(path: &Path) -> bool {
    let is_link = |at: &Path| at.symlink_metadata().is_ok_and(|metadata| metadata.is_symlink());
    let root = repository::nearest(path);
    path.ancestors().take_while(|at| root.as_deref().is_none_or(|root| *at != root)).any(is_link)
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
                    // A value that is not a string has no text to look for.
                    let Ok(value) = value else { continue };
                    // A file that an editor or `echo` wrote ends in a line break that nobody copies.
                    let value = value.expose().trim_end_matches(['\r', '\n']);
                    if is_worth_it(value) {
                        found.push((Zeroizing::new(value.to_owned()), (secret.clone(), key)));
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
    let is_reference = matches!(read(value, Resolver::Zenml), Reading::Whole(_));
    value.len() >= SHORTEST && letters.len() > 2 && !words::is_common(value) && !is_reference
}

/// The values, ready to be looked for.
pub struct Values {
    /// What is looked for in a text as it is.
    exact: Matcher,
    /// What is looked for in a text without white space.
    compact: Matcher,
    owners: Vec<Vec<Owner>>,
    /// Files and folders that hold the inventories, by what the system knows them as.
    exempt: HashSet<(u64, u64)>,
}

/// A value that stands in a text.
struct Found {
    span: Span,
    value: usize,
    written: &'static str,
}

impl Values {
    fn new(wanted: Wanted, inventories: &Inventories, leaks: &mut Leaks) -> Option<Self> {
        let (mut forms, mut owners) = (Forms::default(), Vec::<Vec<Owner>>::new());
        let longest = forms::longest_of(wanted.len());
        let mut last: Option<Zeroizing<String>> = None;
        for (value, owner) in wanted {
            if last.as_ref() == Some(&value) {
                owners.last_mut().into_iter().for_each(|owners| owners.push(owner.clone()));
                continue;
            }
            forms.add(&value, owners.len(), longest);
            owners.push(vec![owner]);
            last = Some(value);
        }
        let Some((exact, compact)) = Matcher::new(forms.exact).zip(Matcher::new(forms.compact)) else {
            let failure = Failure::usage("the inventories hold more than can be looked for at once");
            leaks.failures.push(failure.with_help("name one of them with `--inventory`"));
            return None;
        };
        let held = inventories.all().filter_map(|inventory| inventory.file()?.metadata().ok());
        let exempt = held.map(|metadata| (metadata.dev(), metadata.ino())).collect();
        Some(Self { exact, compact, owners, exempt })
    }

    /// The values in a file.
    fn look(&self, path: &Path, bases: &Bases, buffer: &mut Vec<u8>) -> io::Result<Option<Leaked>> {
        let mut file = match File::open(path) {
            // It went while the tree was walked, or git tracks what is not there.
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
            file => file?,
        };
        buffer.resize(PIECE, 0);
        let mut kept = 0;
        let mut first = true;
        let mut compact = Compact::default();
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
            compact.push(piece.get(kept..).unwrap_or_default());
            if self.exact.is_match(piece) || self.compact.is_match(&compact.bytes) {
                break;
            }
            compact.keep_last(OVERLAP);
            if len < buffer.len() {
                return Ok(None);
            }
            buffer.copy_within(len - OVERLAP.., 0);
            kept = OVERLAP;
        }
        if self.is_exempt(path) {
            return Ok(None);
        }
        let text = text_of(&Zeroizing::new(std::fs::read(path)?));
        let (shown, identity) = (paths::relative(path, &bases.cwd), paths::relative(path, &bases.root));
        let source = Arc::new(SourceFile::new(shown, text).with_identity(identity).with_location(path));
        Ok(self.leaked(&source))
    }

    /// Whether a file is an inventory, or lies in one, by whatever path.
    fn is_exempt(&self, path: &Path) -> bool {
        let Ok(path) = path.canonicalize() else { return false };
        let known = |path: &Path| path.metadata().is_ok_and(|is| self.exempt.contains(&(is.dev(), is.ino())));
        path.ancestors().any(known)
    }

    /// The values in a text, which no excerpt of it shows from now on.
    pub fn leaked(&self, source: &Arc<SourceFile>) -> Option<Leaked> {
        let found = self.find(source.text());
        if found.is_empty() {
            return None;
        }
        source.find_values(|| found.iter().map(|found| found.span).collect());
        let findings = self.findings(source, &found);
        Some(Leaked { source: Arc::clone(source), findings, untold: found.len().saturating_sub(MOST) })
    }

    /// Takes every value out of what a finding says, where names and other text may be values, too.
    pub fn conceal(&self, finding: &mut Finding) {
        let find = || self.find(finding.source.text()).into_iter().map(|found| found.span).collect();
        let in_value = finding.source.find_values(find).iter().any(|value| value.overlaps(finding.span));
        if in_value && finding.rule != OWN_RULE {
            // Its words may hold the value in pieces.
            let summary = rules::find(finding.rule).map_or("", |rule| rule.summary);
            finding.message = format!("{summary}; what stands here is a secret's value, or holds one");
            finding.conceal = true;
            (finding.label, finding.help, finding.fix) = (None, None, None);
            (finding.secret, finding.key, finding.suggestion) = (None, None, None);
        }
        let texts = [Some(&mut finding.message), finding.label.as_mut(), finding.help.as_mut()];
        let names = [finding.secret.as_mut(), finding.key.as_mut(), finding.suggestion.as_mut()];
        for text in texts.into_iter().chain(names).flatten() {
            if let Some(masked) = self.masked(text) {
                *text = masked;
                finding.fix = None;
            }
        }
        let scope = &mut finding.scope;
        for name in [&mut scope.stack, &mut scope.component, &mut scope.component_name, &mut scope.attribute] {
            if let Some(masked) = name.as_deref().and_then(|name| self.masked(name)) {
                *name = Some(masked.into());
            }
        }
        let edits = finding.fix.iter().flat_map(|fix| &fix.edits);
        if edits.into_iter().any(|edit| self.masked(&edit.replacement).is_some()) {
            finding.fix = None;
        }
    }

    /// A text with `***` for every value in it.
    fn masked(&self, text: &str) -> Option<String> {
        let mut out = String::new();
        let mut at = 0;
        for Found { span, .. } in self.find(text) {
            if span.end > at {
                out.push_str(text.get(at..span.start.max(at)).unwrap_or_default());
                out.push_str("***");
                at = span.end;
            }
        }
        (at > 0).then(|| out + text.get(at..).unwrap_or_default())
    }

    /// What stands in a text, by place; what lies within something longer is part of that.
    fn find(&self, text: &str) -> Vec<Found> {
        let exact = self.exact.find(text.as_bytes()).map(|(range, form)| {
            // What is cut goes on to the next blank, as far as anybody can tell.
            let behind = text.get(range.end..).filter(|_| form.is_cut).unwrap_or_default();
            let more = behind.find(|c: char| c.is_whitespace() || matches!(c, '"' | '\'')).unwrap_or(behind.len());
            Found { span: Span::new(range.start, range.end + more), value: form.value, written: form.written }
        });
        let mut found: Vec<Found> = exact.collect();
        found.extend(self.find_compact(text));
        found.sort_by_key(|found| (found.span.start, Reverse(found.span.end)));
        let mut apart: Vec<Found> = Vec::new();
        for next in found {
            match apart.last_mut() {
                Some(last) if next.span.end <= last.span.end => {}
                // A value that repeats itself stands there once, as far as it goes.
                Some(last) if next.value == last.value && next.span.start < last.span.end => {
                    last.span.end = next.span.end;
                }
                _ => apart.push(next),
            }
        }
        apart
    }

    /// Returns what stands in a text if its white space is left out.
    fn find_compact(&self, text: &str) -> Vec<Found> {
        if self.compact.is_empty() {
            return Vec::new();
        }
        let compact = Compact::of(text.as_bytes()).bytes;
        let mut ranges: Vec<(Range<usize>, &Form)> = self.compact.find(&compact).collect();
        for (range, _) in ranges.iter_mut().filter(|(_, form)| form.is_cut) {
            let is_base64 = |byte: &&u8| byte.is_ascii_alphanumeric() || b"+/-_=".contains(byte);
            range.end += compact.get(range.end..).unwrap_or_default().iter().take_while(is_base64).count();
        }
        let spans =
            compact::spans_in(text.as_bytes(), &ranges.iter().map(|(range, _)| range.clone()).collect::<Vec<_>>());
        let found = spans.into_iter().zip(ranges).filter_map(|(span, (_, form))| {
            let is_allowed = compact::allows(form.gaps, text.as_bytes().get(span.clone())?);
            let span = Span::new(span.start, span.end);
            is_allowed.then_some(Found { span, value: form.value, written: form.written })
        });
        found.collect()
    }

    fn findings(&self, source: &Arc<SourceFile>, found: &[Found]) -> Vec<Finding> {
        let check = RULES.iter().find_map(|rule| match rule.check {
            Check::Leak(check) => Some(check),
            _ => None,
        });
        let Some(check) = check else { return Vec::new() };
        let findings = found.iter().take(MOST).filter_map(|Found { span, value, written }| {
            let (owner, others) = self.owners.get(*value)?.split_first()?;
            Some(check(&Leak { source, span: *span, owner: (&owner.0, &owner.1), others: others.len(), written }))
        });
        findings.collect()
    }
}

/// The text, offset for offset: what is not UTF-8 becomes a character that no value has. Of UTF-16 the text as UTF-8, whose
/// offsets are its own.
fn text_of(bytes: &[u8]) -> String {
    if is_utf16(bytes) {
        let big = bytes.first() == Some(&0xFE);
        let unit = |pair: &[u8]| match *pair {
            [a, b] if big => u16::from_be_bytes([a, b]),
            [a, b] => u16::from_le_bytes([a, b]),
            _ => 0x1A,
        };
        let units: Vec<u16> = bytes.get(2..).unwrap_or_default().chunks(2).map(unit).collect();
        return String::from_utf16_lossy(&units);
    }
    text_with(bytes, '\u{1a}')
}
