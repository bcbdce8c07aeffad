//! `--leaks`: the values of the inventories, looked for in every text file of the tree.
//!
//! The beginnings of all values, in every way in which they are written (`forms`), are one automaton (Aho-Corasick), so that a
//! file is read once however many there are; what begins like one is then compared to its end. Files are searched in pieces;
//! only one with such a beginning in it is read whole, to say where. Files that hold a NUL byte are binary and passed over.
//!
//! The automaton is made without prefilters, which would keep copies of the values.

mod forms;
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
use aho_corasick::{AhoCorasick, AhoCorasickKind};
use std::cmp::Reverse;
use std::collections::{BTreeMap, BTreeSet, HashSet};
use std::fs::File;
use std::io;
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
/// Bytes of a form that the automaton knows.
const BEGINNING: usize = 16;
/// Bytes of all beginnings up to which the automaton is a table.
const FEW: usize = 50_000;
/// Bytes of a piece that are searched again with the next one.
const OVERLAP: usize = BEGINNING - 1;
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
    /// Finds how forms begin.
    automaton: AhoCorasick,
    /// By beginning: the indices of the forms that have it.
    begun: Vec<Vec<usize>>,
    forms: Vec<Form>,
    owners: Vec<Vec<Owner>>,
    /// Files and folders that hold the inventories, by what the system knows them as.
    exempt: HashSet<(u64, u64)>,
}

/// One way in which a value is written.
struct Form {
    bytes: Zeroizing<Vec<u8>>,
    value: usize,
    written: &'static str,
    /// Whether these are only the first bytes.
    cut: bool,
}

/// A form that stands in a text.
struct Found {
    span: Span,
    form: usize,
}

impl Values {
    fn new(wanted: Wanted, inventories: &Inventories, leaks: &mut Leaks) -> Option<Self> {
        let (mut forms, mut owners) = (Vec::new(), Vec::<Vec<Owner>>::new());
        let mut last: Option<Zeroizing<String>> = None;
        for (value, owner) in wanted {
            if last.as_ref() == Some(&value) {
                owners.last_mut().into_iter().for_each(|owners| owners.push(owner.clone()));
                continue;
            }
            let of_value = forms::of(&value).into_iter();
            forms.extend(of_value.map(|(bytes, written, cut)| Form { bytes, value: owners.len(), written, cut }));
            owners.push(vec![owner]);
            last = Some(value);
        }
        forms.sort_by(|a, b| a.bytes.as_slice().cmp(b.bytes.as_slice()));
        let head_of = |form: &Form| form.bytes.get(..BEGINNING.min(form.bytes.len())).unwrap_or_default().to_vec();
        let (mut heads, mut begun) = (Vec::<Zeroizing<Vec<u8>>>::new(), Vec::<Vec<usize>>::new());
        for (at, form) in forms.iter().enumerate() {
            let head = Zeroizing::new(head_of(form));
            if heads.last() != Some(&head) {
                heads.push(head);
                begun.push(Vec::new());
            }
            begun.last_mut().into_iter().for_each(|forms| forms.push(at));
        }
        // A table for each state is twice as fast, while it fits the caches.
        let few = heads.iter().map(|head| head.len()).sum::<usize>() <= FEW;
        let kind = few.then_some(AhoCorasickKind::DFA);
        let heads = heads.iter().map(|head| head.as_slice());
        let automaton = AhoCorasick::builder().prefilter(false).kind(kind).build(heads);
        let Ok(automaton) = automaton else {
            let failure = Failure::usage("the inventories hold more than can be looked for at once");
            leaks.failures.push(failure.with_help("name one of them with `--inventory`"));
            return None;
        };
        let held = inventories.all().filter_map(|inventory| inventory.file()?.metadata().ok());
        let exempt = held.map(|metadata| (metadata.dev(), metadata.ino())).collect();
        Some(Self { automaton, begun, forms, owners, exempt })
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
        let mut found: Vec<Found> = Vec::new();
        for begun in self.automaton.find_overlapping_iter(text) {
            let rest = text.get(begun.start()..).unwrap_or_default();
            let forms = self.begun.get(begun.pattern().as_usize()).into_iter().flatten();
            let whole = forms.filter_map(|&at| Some((at, self.forms.get(at)?)));
            let whole = whole.filter(|(_, form)| rest.as_bytes().starts_with(&form.bytes));
            found.extend(whole.max_by_key(|(_, form)| form.bytes.len()).map(|(form, Form { bytes, cut, .. })| {
                // What is cut goes on to the next blank, as far as anybody can tell.
                let behind = rest.get(bytes.len()..).filter(|_| *cut).unwrap_or_default();
                let more = behind.find(|c: char| c.is_whitespace() || matches!(c, '"' | '\'')).unwrap_or(behind.len());
                Found { span: Span::new(begun.start(), begun.start() + bytes.len() + more), form }
            }));
        }
        found.sort_by_key(|found| (found.span.start, Reverse(found.span.end)));
        let mut apart: Vec<Found> = Vec::new();
        for next in found {
            match apart.last_mut() {
                Some(last) if next.span.end <= last.span.end => {}
                // A value that repeats itself stands there once, as far as it goes.
                Some(last) if next.form == last.form && next.span.start < last.span.end => {
                    last.span.end = next.span.end;
                }
                _ => apart.push(next),
            }
        }
        apart
    }

    fn findings(&self, source: &Arc<SourceFile>, found: &[Found]) -> Vec<Finding> {
        let check = RULES.iter().find_map(|rule| match rule.check {
            Check::Leak(check) => Some(check),
            _ => None,
        });
        let Some(check) = check else { return Vec::new() };
        let findings = found.iter().take(MOST).filter_map(|Found { span, form }| {
            let Form { value, written, .. } = self.forms.get(*form)?;
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
