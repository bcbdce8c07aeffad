//! `--leaks`: the values of the inventories, looked for in every text file of the tree.
//!
//! All values, in every way in which they are written (`forms`), are looked for at once (`matcher`), so that a file is read
//! once however many there are. What may be broken into other lines, keys in PEM and base64, is looked for in the text without
//! white space (`compact`). Files are searched in pieces; only one in which a value may begin is read whole, to say where. Files
//! that hold a NUL byte are binary and passed over.

mod compact;
mod encodings;
mod matcher;
mod words;

use crate::diagnostics::error::{Failure, io_message};
use crate::diagnostics::finding::Finding;
use crate::diagnostics::finding_builder::FindingBuilder;
use crate::diagnostics::rule_id::RuleId;
use crate::inventory::lookup::{Progress, fetch_values, list_contents};
use crate::inventory::{Inventories, StoreError};
use crate::lint::file_reader::fill;
use crate::lint::rules::{self, Leak, Subject};
use crate::lint::scan::{LeakedFile, PathRoots, Scan};
use crate::project::discover::{Search, Selection};
use crate::project::git::Git;
use crate::project::repository;
use crate::system::paths;
use crate::text::redacted_source::RedactedSource;
use crate::text::source::{SourceFile, Span, is_utf16, replace_invalid_utf8};
use crate::zenml::grammar::{ParsedValue, Resolver, parse_value};
use compact::CompactText;
use encodings::Patterns;
use matcher::{Matcher, OVERLAP, Pattern};
use std::cmp::Reverse;
use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};
use std::fs::File;
use std::io;
use std::ops::Range;
use std::os::unix::fs::MetadataExt as _;
use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError};
use zeroize::Zeroizing;

/// Bytes of a value that is worth looking for.
const MIN_VALUE_BYTES: usize = 8;
/// Bytes of a file that are searched at a time.
const CHUNK_BYTES: usize = 1 << 18;
/// Places in one file that are told.
const MAX_LEAKS_PER_FILE: usize = 10_000;

/// What a search for values came to.
#[derive(Default)]
pub struct LeakReport {
    /// The files in which values stand, by path.
    pub files: Vec<LeakedFile>,
    /// What could not be asked or read.
    pub failures: Vec<Failure>,
    /// The values; nothing where there are none.
    pub scanner: Option<LeakScanner>,
    /// Inventories that hold no values, so that nothing of theirs was looked for.
    pub without_values: Vec<String>,
}

/// Looks for the values of all inventories in use in the files of a selection, of which the stack files are read already.
pub fn run(
    search: &Search<'_>,
    git: &Git,
    selection: &Selection,
    roots: &PathRoots,
    inventories: &Inventories,
    scan: &Scan,
    progress: Option<Progress<'_>>,
) -> LeakReport {
    let mut leaks = LeakReport::default();
    let Some(values) = collect_values(inventories, progress, &mut leaks)
        .and_then(|values| LeakScanner::new(values, inventories, &mut leaks))
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
    let passed = search.walk_text_files(selection, &tracked, || {
        let mut buffer = Vec::new();
        let (values, found, failures) = (&values, &found, &failures);
        move |path: &Path| match values.scan_file(path, roots, &mut buffer) {
            Ok(leaked) => found.lock().unwrap_or_else(PoisonError::into_inner).extend(leaked),
            Err(error) => {
                let shown = paths::relative(path, &roots.cwd);
                let failure = Failure::usage(format!("cannot read `{shown}`: {}", io_message(&error)));
                failures.lock().unwrap_or_else(PoisonError::into_inner).push(failure);
            }
        }
    });
    leaks.failures.extend(passed.failures);
    let mut failures = failures.into_inner().unwrap_or_else(PoisonError::into_inner);
    failures.sort_by_key(ToString::to_string);
    leaks.failures.append(&mut failures);
    leaks.files = found.into_inner().unwrap_or_else(PoisonError::into_inner);
    leaks.files.sort_by(|a, b| a.source.absolute_path().cmp(b.source.absolute_path()));
    leaks.files.dedup_by(|b, a| a.source.absolute_path() == b.source.absolute_path());
    // What is a stack file, too, is read already: both readings show the same.
    for file in &scan.files {
        let known = leaks.files.iter_mut().find(|leaked| leaked.source.absolute_path() == file.path);
        if let Some((known, leaked)) = known.zip(values.scan_source(&file.source)) {
            *known = leaked;
        }
    }
    for leaked in leaks.files.iter().filter(|leaked| leaked.omitted > 0) {
        let (shown, more) = (leaked.source.path(), leaked.omitted);
        leaks.failures.push(
            Failure::usage(format!(
                "values stand in `{shown}` at more than {MAX_LEAKS_PER_FILE} places: {more} are not told"
            ))
            .with_help("mend or remove the file"),
        );
    }
    leaks.scanner = Some(values);
    leaks
}

/// Whether a path that git tracks is a link by now, or leads through one out of its folder: links are not followed.
fn is_behind_link(path: &Path) -> bool {
    let is_link = |at: &Path| at.symlink_metadata().is_ok_and(|metadata| metadata.is_symlink());
    let root = repository::nearest_root(path);
    path.ancestors().take_while(|at| root.as_deref().is_none_or(|root| *at != root)).any(is_link)
}

/// A secret and a key of it.
type Owner = (String, String);

/// The values worth looking for, each with one that has it, in order.
type SearchedValues = Vec<(Zeroizing<String>, Owner)>;

/// Asks every inventory in use for all of its values.
fn collect_values(
    inventories: &Inventories,
    progress: Option<Progress<'_>>,
    leaks: &mut LeakReport,
) -> Option<SearchedValues> {
    let name_of = |at: usize| inventories.get(at).map_or("?", |inventory| inventory.name()).to_owned();
    let which: Vec<usize> = inventories.in_use().map(|(at, _)| at).collect();
    let mut searched: BTreeMap<(usize, String), BTreeSet<String>> = BTreeMap::new();
    for (at, listed) in list_contents(inventories, &which, progress) {
        match listed {
            Err(StoreError::EmptyListing(_)) => {}
            Err(why) => leaks.failures.push(why.into_failure(&name_of(at), "values to look for")),
            Ok(secrets) => {
                for (secret, keys) in secrets {
                    match keys {
                        Ok(keys) => {
                            searched.insert((at, secret), keys.into_iter().map(|key| key.name).collect());
                        }
                        Err(why) => leaks.failures.push(why.into_failure(&name_of(at), &format!("`{secret}`"))),
                    }
                }
            }
        }
    }
    let (mut found, mut names_only) = (SearchedValues::new(), BTreeMap::new());
    for ((at, secret), values) in fetch_values(inventories, searched, progress) {
        let has_values = names_only.entry(at).or_insert(false);
        match values {
            Ok(values) => {
                *has_values = true;
                for (key, value) in values {
                    // A value that is not a string has no text to look for.
                    let Ok(value) = value else { continue };
                    // A file that an editor or `echo` wrote ends in a line break that nobody copies.
                    let value = value.expose().trim_end_matches(['\r', '\n']);
                    if is_searchable(value) {
                        found.push((Zeroizing::new(value.to_owned()), (secret.clone(), key)));
                    }
                }
            }
            Err(StoreError::NoValues | StoreError::NotFound) => {}
            Err(why) => leaks.failures.push(why.into_failure(&name_of(at), &format!("`{secret}`"))),
        }
    }
    leaks.without_values = names_only.into_iter().filter(|(_, has)| !has).map(|(at, _)| name_of(at)).collect();
    found.sort_unstable_by(|(a, whose), (b, of)| (a.as_str(), whose).cmp(&(b.as_str(), of)));
    Some(found).filter(|values| !values.is_empty())
}

/// Whether finding a value would mean anything: it is long enough, no common word, more than one or two letters over and
/// over, and no reference.
fn is_searchable(value: &str) -> bool {
    let mut letters: Vec<char> = value.chars().collect();
    letters.sort_unstable();
    letters.dedup();
    let is_reference = matches!(parse_value(value, Resolver::Zenml), ParsedValue::Reference(_));
    value.len() >= MIN_VALUE_BYTES && letters.len() > 2 && !words::is_common(value) && !is_reference
}

/// The values, ready to be looked for.
pub struct LeakScanner {
    /// What is looked for in a text as it is.
    exact: Matcher,
    /// What is looked for in a text without white space.
    compact: Matcher,
    owners: Vec<Vec<Owner>>,
    /// Files and folders that hold the inventories, by what the system knows them as.
    inventory_files: HashSet<(u64, u64)>,
}

/// A value that stands in a text.
struct LeakMatch {
    span: Span,
    value: usize,
    encoding: &'static str,
}

impl LeakScanner {
    fn new(searched: SearchedValues, inventories: &Inventories, leaks: &mut LeakReport) -> Option<Self> {
        let (mut forms, mut owners) = (Patterns::default(), Vec::<Vec<Owner>>::new());
        let longest = encodings::encoded_bytes_limit(searched.len());
        let mut last: Option<Zeroizing<String>> = None;
        for (value, owner) in searched {
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
        Some(Self { exact, compact, owners, inventory_files: exempt })
    }

    /// The values in a file.
    fn scan_file(&self, path: &Path, roots: &PathRoots, buffer: &mut Vec<u8>) -> io::Result<Option<LeakedFile>> {
        let mut file = match File::open(path) {
            // It went while the tree was walked, or git tracks what is not there.
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
            file => file?,
        };
        buffer.resize(CHUNK_BYTES, 0);
        let mut kept = 0;
        let mut first = true;
        let mut compact = CompactText::default();
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
        if self.is_inventory_file(path) {
            return Ok(None);
        }
        let text = decode_lossily(&Zeroizing::new(std::fs::read(path)?));
        let (shown, identity) = (paths::relative(path, &roots.cwd), paths::relative(path, &roots.root));
        let source = Arc::new(SourceFile::new(shown, text).with_repository_path(identity).with_absolute_path(path));
        Ok(self.scan_source(&RedactedSource::span_only(&source)))
    }

    /// Whether a file is an inventory, or lies in one, by whatever path.
    fn is_inventory_file(&self, path: &Path) -> bool {
        let Ok(path) = path.canonicalize() else { return false };
        let known = |path: &Path| path.metadata().is_ok_and(|is| self.inventory_files.contains(&(is.dev(), is.ino())));
        path.ancestors().any(known)
    }

    /// Returns the values in a file with a source that hides them, or `None` if there are none.
    pub fn scan_source(&self, source: &RedactedSource) -> Option<LeakedFile> {
        let found = self.find(source.text());
        if found.is_empty() {
            return None;
        }
        let source = source.with_values(found.iter().map(|found| found.span).collect());
        let findings = self.findings(&source, &found);
        Some(LeakedFile { source, findings, omitted: found.len().saturating_sub(MAX_LEAKS_PER_FILE) })
    }

    /// Returns a source that hides the values in it.
    pub fn redact_source(&self, source: &Arc<RedactedSource>) -> Arc<RedactedSource> {
        let values: Vec<Span> = self.find(source.text()).into_iter().map(|found| found.span).collect();
        if values.is_empty() { Arc::clone(source) } else { source.with_values(values) }
    }

    /// Removes every value from findings. Their excerpts hide it, and so do names and messages: a name may be a value, too.
    pub fn redact_findings(&self, findings: Vec<Finding>) -> Vec<Finding> {
        let mut sources: HashMap<*const RedactedSource, Arc<RedactedSource>> = HashMap::new();
        let redacted = findings.into_iter().map(|finding| {
            let source =
                sources.entry(Arc::as_ptr(&finding.source)).or_insert_with(|| self.redact_source(&finding.source));
            self.redact_finding(Finding { source: Arc::clone(source), ..finding })
        });
        redacted.collect()
    }

    fn redact_finding(&self, mut finding: Finding) -> Finding {
        let is_in_value = finding.source.values().iter().any(|value| value.overlaps(finding.span));
        if is_in_value && finding.rule != RuleId::LeakedValue {
            // The words of the message may contain the value in pieces.
            let summary = rules::get(finding.rule).summary;
            finding = Finding {
                message: format!("{summary}; the text is, or contains, a secret value"),
                redact: true,
                label: None,
                help: None,
                fix: None,
                secret: None,
                key: None,
                suggestion: None,
                ..finding
            };
        }
        let texts = [Some(&mut finding.message), finding.label.as_mut(), finding.help.as_mut()];
        let names = [finding.secret.as_mut(), finding.key.as_mut(), finding.suggestion.as_mut()];
        for text in texts.into_iter().chain(names).flatten() {
            if let Some(redacted) = self.redact_text(text) {
                *text = redacted;
                finding.fix = None;
            }
        }
        let scope = &mut finding.scope;
        for name in [&mut scope.stack, &mut scope.component, &mut scope.component_name, &mut scope.attribute] {
            if let Some(redacted) = name.as_deref().and_then(|name| self.redact_text(name)) {
                *name = Some(redacted.into());
            }
        }
        let mut edits = finding.fix.iter().flat_map(|fix| &fix.edits);
        if edits.any(|edit| self.redact_text(&edit.replacement).is_some()) {
            finding.fix = None;
        }
        finding
    }

    /// A text with `***` for every value in it.
    fn redact_text(&self, text: &str) -> Option<String> {
        let mut out = String::new();
        let mut at = 0;
        for LeakMatch { span, .. } in self.find(text) {
            if span.end > at {
                out.push_str(text.get(at..span.start.max(at)).unwrap_or_default());
                out.push_str("***");
                at = span.end;
            }
        }
        (at > 0).then(|| out + text.get(at..).unwrap_or_default())
    }

    /// What stands in a text, by place; what lies within something longer is part of that.
    fn find(&self, text: &str) -> Vec<LeakMatch> {
        let exact = self.exact.find(text.as_bytes()).map(|(range, form)| {
            // What is cut goes on to the next blank, as far as anybody can tell.
            let behind = text.get(range.end..).filter(|_| form.is_truncated).unwrap_or_default();
            let more = behind.find(|c: char| c.is_whitespace() || matches!(c, '"' | '\'')).unwrap_or(behind.len());
            LeakMatch { span: Span::new(range.start, range.end + more), value: form.value, encoding: form.encoding }
        });
        let mut found: Vec<LeakMatch> = exact.collect();
        found.extend(self.find_compact(text));
        found.sort_by_key(|found| (found.span.start, Reverse(found.span.end)));
        let mut separate: Vec<LeakMatch> = Vec::new();
        for next in found {
            match separate.last_mut() {
                Some(last) if next.span.end <= last.span.end => {}
                // A value that repeats itself stands there once, as far as it goes.
                Some(last) if next.value == last.value && next.span.start < last.span.end => {
                    last.span.end = next.span.end;
                }
                _ => separate.push(next),
            }
        }
        separate
    }

    /// Returns what stands in a text if its white space is left out.
    fn find_compact(&self, text: &str) -> Vec<LeakMatch> {
        if self.compact.is_empty() {
            return Vec::new();
        }
        let compact = CompactText::from_bytes(text.as_bytes()).bytes;
        let mut ranges: Vec<(Range<usize>, &Pattern)> = self.compact.find(&compact).collect();
        for (range, _) in ranges.iter_mut().filter(|(_, form)| form.is_truncated) {
            let is_base64 = |byte: &&u8| byte.is_ascii_alphanumeric() || b"+/-_=".contains(byte);
            range.end += compact.get(range.end..).unwrap_or_default().iter().take_while(is_base64).count();
        }
        let spans =
            compact::spans_in(text.as_bytes(), &ranges.iter().map(|(range, _)| range.clone()).collect::<Vec<_>>());
        let found = spans.into_iter().zip(ranges).filter_map(|(span, (_, form))| {
            let is_allowed = compact::allows_gaps(form.gaps, text.as_bytes().get(span.clone())?);
            let span = Span::new(span.start, span.end);
            is_allowed.then_some(LeakMatch { span, value: form.value, encoding: form.encoding })
        });
        found.collect()
    }

    fn findings(&self, source: &Arc<RedactedSource>, found: &[LeakMatch]) -> Vec<FindingBuilder> {
        let findings = found.iter().take(MAX_LEAKS_PER_FILE).filter_map(|&LeakMatch { span, value, encoding }| {
            let ((secret, key), others) = self.owners.get(value)?.split_first()?;
            let (owner, other_owners) = ((secret.as_str(), key.as_str()), others.len());
            rules::check(Subject::Leak(&Leak { source, span, owner, other_owners, encoding }))
        });
        findings.collect()
    }
}

/// The text, offset for offset: what is not UTF-8 becomes a character that no value has. Of UTF-16 the text as UTF-8, whose
/// offsets are its own.
fn decode_lossily(bytes: &[u8]) -> String {
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
    replace_invalid_utf8(bytes, '\u{1a}')
}
