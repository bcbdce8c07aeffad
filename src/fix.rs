//! `--fix`: the edits of findings, applied in memory until nothing is left to apply, each round read again and proven.
//!
//! A round takes, file by file, the fixes that do not touch each other; the rest has its turn in the next. A fix is refused
//! where the text would no longer parse, and one that takes out a comment where it would change anything else.

use crate::check::{self, LevelChoice, Settings};
use crate::config::Level;
use crate::discover::Candidate;
use crate::document::{Document, Edit, apply};
use crate::error::Failure;
use crate::excerpt::printable;
use crate::finding::{Applicability, Finding, FixEdit};
use crate::inventory::lookup::{Answers, Progress};
use crate::leaks::Values;
use crate::scan::{self, Bases, Scan, StackFile};
use crate::source::{SourceFile, Span};
use crate::write::{self, Inode, NewText, Place};
use std::collections::{BTreeMap, HashMap, HashSet};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use zeroize::Zeroizing;

/// More rounds than any chain of fixes has; a guard against fixes that undo each other.
const ROUNDS: usize = 100;

/// The rule whose fixes take out comments.
const COMMENT_RULE: &str = "unused-ignore";

/// What was mended, in memory.
#[derive(Default)]
pub struct Fixed {
    /// By path.
    pub changed: BTreeMap<PathBuf, Changed>,
    /// What the inventories answered on the way.
    pub answers: Answers,
}

/// A file before and after.
pub struct Changed {
    /// As it was read.
    pub before: Arc<SourceFile>,
    /// As it is to be.
    pub after: Arc<SourceFile>,
    /// Which file it was read from.
    pub inode: Option<Inode>,
    /// How many fixes that took.
    pub count: usize,
}

/// Reads the files of a scan again, as they are in memory.
pub struct Again<'a> {
    /// How paths are shown, and what is kept of a file.
    pub bases: &'a Bases,
    /// Values that are looked for in them.
    pub values: Option<&'a Values>,
    /// The folders that were walked, in which no link was followed.
    pub walked: &'a [PathBuf],
}

impl Again<'_> {
    pub(crate) fn read(&self, file: &StackFile, text: &str, settings: &Settings<'_>) -> Option<StackFile> {
        let candidate = Candidate { path: file.path.clone(), syntax: file.syntax, why: Some(file.why.clone()) };
        let resolver = settings.configs.of(&file.path).resolver;
        scan::run_text(text.as_bytes(), candidate, resolver, self.bases).files.pop()
    }

    /// Puts a file in place of the one that was read before.
    fn replace(&self, scan: &mut Scan, at: usize, new: StackFile) {
        if let Some(values) = self.values {
            scan.leaked.retain(|leaked| leaked.source.location() != new.path);
            scan.leaked.extend(values.leaked(&new.source));
        }
        if let Some(file) = scan.files.get_mut(at) {
            *file = new;
        }
    }
}

/// Mends the files of a scan, up to this applicability; the scan is then that of the new texts. Inventories are asked only
/// when all that needs no answer is mended, so that they are asked for what the files say in the end.
pub fn run(
    scan: &mut Scan,
    settings: &Settings<'_>,
    again: &Again<'_>,
    most: Applicability,
    known: Answers,
    progress: Option<Progress<'_>>,
) -> Fixed {
    let mut mender = Mender { again, most, fixed: Fixed::default(), refused: HashSet::new() };
    mender.fixed.answers = known;
    for asks in [false, true] {
        let level = if asks { settings.level } else { LevelChoice::fixed(Level::None) };
        let settings = Settings { level, ..*settings };
        for _ in 0..ROUNDS {
            let answers = if asks { std::mem::take(&mut mender.fixed.answers) } else { Answers::default() };
            let mut report = check::again(scan, &settings, answers, progress);
            if asks {
                mender.fixed.answers = std::mem::take(&mut report.answers);
            }
            if !mender.round(scan, &report.findings, &settings) {
                break;
            }
        }
    }
    mender.fixed
}

struct Mender<'m> {
    again: &'m Again<'m>,
    most: Applicability,
    fixed: Fixed,
    /// Findings of the files as they are, by file and fingerprint, whose fixes did not hold.
    refused: HashSet<(PathBuf, String)>,
}

impl Mender<'_> {
    /// Applies what it can of some findings; whether that was anything.
    fn round(&mut self, scan: &mut Scan, findings: &[Finding], settings: &Settings<'_>) -> bool {
        let mut by_file: HashMap<&Path, Vec<&Finding>> = HashMap::new();
        for finding in findings {
            let wanted = finding.fix.as_ref().is_some_and(|fix| fix.applicability <= self.most);
            let key = || (finding.source.location().to_path_buf(), finding.fingerprint.clone());
            if wanted && !self.refused.contains(&key()) {
                by_file.entry(finding.source.location()).or_default().push(finding);
            }
        }
        let mut any = false;
        for at in 0..scan.files.len() {
            let Some(file) = scan.files.get(at).filter(|file| file.exact) else { continue };
            let Some(mut findings) = by_file.remove(file.path.as_path()) else { continue };
            if findings.iter().any(|finding| finding.rule != COMMENT_RULE) {
                findings.retain(|finding| finding.rule != COMMENT_RULE);
            }
            let Some((holding, new)) = self.holding(file, &apart(findings), settings) else { continue };
            let (path, before, after) = (file.path.clone(), Arc::clone(&file.source), Arc::clone(&new.source));
            // What did not hold may do so now.
            self.refused.retain(|(refused, _)| *refused != path);
            let first = Changed { before, after: Arc::clone(&after), inode: file.inode, count: 0 };
            let changed = self.fixed.changed.entry(path).or_insert(first);
            changed.after = after;
            changed.count += holding.len();
            self.again.replace(scan, at, new);
            any = true;
        }
        any
    }

    /// Of findings that are apart, those whose fixes hold together, and the file with them; what does not hold by itself is
    /// refused. Halves are tried first, so that one of many costs little.
    fn holding<'f>(
        &mut self,
        file: &StackFile,
        findings: &[&'f Finding],
        settings: &Settings<'_>,
    ) -> Option<(Vec<&'f Finding>, StackFile)> {
        if let Some(new) = self.mended(file, findings, settings) {
            return Some((findings.to_vec(), new));
        }
        if let [finding] = findings {
            self.refused.insert((file.path.clone(), finding.fingerprint.clone()));
            return None;
        }
        let (left, right) = findings.split_at(findings.len() / 2);
        match (self.holding(file, left, settings), self.holding(file, right, settings)) {
            (Some((left, new)), Some((right, _))) => {
                let both = [left.as_slice(), &right].concat();
                Some(match self.mended(file, &both, settings) {
                    Some(new) => (both, new),
                    None => (left, new),
                })
            }
            (left, right) => left.or(right),
        }
    }

    /// A file with the edits of some findings, if it is then what it should be.
    fn mended(&self, file: &StackFile, findings: &[&Finding], settings: &Settings<'_>) -> Option<StackFile> {
        let edits = findings.iter().filter_map(|finding| finding.fix.as_ref()).flat_map(|fix| &fix.edits);
        let mut edits: Vec<Edit> = edits.map(|edit| Edit::new(edit.span, edit.replacement.clone())).collect();
        edits.sort_by_key(|edit| edit.span);
        let new = self.again.read(file, &apply(file.source.text(), &edits)?, settings)?;
        let broken = |file: &StackFile| file.findings.iter().filter(|finding| finding.rule == "syntax-error").count();
        let comments_only = findings.iter().all(|finding| finding.rule == COMMENT_RULE);
        (broken(&new) <= broken(file) && (!comments_only || says_the_same(file, &new))).then_some(new)
    }
}

/// Whether two texts are one document to their readers, and have the same scalars that are plain text.
fn says_the_same(old: &StackFile, new: &StackFile) -> bool {
    let parse = |file: &StackFile| Document::parse(Arc::clone(&file.source), file.syntax).ok();
    let same = parse(old).zip(parse(new)).is_some_and(|(old, new)| old.differs(&new, &HashMap::new()).is_none());
    same && old.literals.len() == new.literals.len()
}

/// Of findings in their order, those whose edits do not touch those of one before.
fn apart(findings: Vec<&Finding>) -> Vec<&Finding> {
    let touches = |a: Span, b: Span| a.start <= b.end && b.start <= a.end;
    let mut taken: BTreeMap<usize, Span> = BTreeMap::new();
    findings
        .into_iter()
        .filter(|finding| {
            let edits: &[FixEdit] = finding.fix.as_ref().map_or(&[], |fix| &fix.edits);
            // Those taken are apart themselves, so only the neighbours on either side can touch.
            let free = edits.iter().all(|edit| {
                let before = taken.range(..=edit.span.end).next_back();
                before.is_none_or(|(_, &span)| !touches(edit.span, span))
            });
            if free {
                taken.extend(edits.iter().map(|edit| (edit.span.start, edit.span)));
            }
            free
        })
        .collect()
}

impl Fixed {
    /// How many fixes were applied.
    pub fn count(&self) -> usize {
        self.changed.values().map(|changed| changed.count).sum()
    }

    /// Writes what was mended; of several paths to one file the first. Where that cannot be done, the scan is again that of
    /// the file as it was.
    pub fn write(&mut self, scan: &mut Scan, settings: &Settings<'_>, again: &Again<'_>) -> Vec<Failure> {
        let (mut failures, mut written) = (Vec::new(), HashSet::new());
        self.changed.retain(|path, changed| {
            if !written.insert(path.canonicalize().unwrap_or_else(|_| path.clone())) {
                return false;
            }
            let Err(failure) = changed.write(path, again.walked) else { return true };
            failures.push(failure);
            let at = scan.files.iter().position(|file| file.path == *path);
            let old = at.and_then(|at| Some((at, again.read(scan.files.get(at)?, changed.before.text(), settings)?)));
            if let Some((at, old)) = old {
                again.replace(scan, at, old);
            }
            false
        });
        failures
    }
}

impl Changed {
    /// Writes the new text in place of the old one; refuses where the file is no longer what was read.
    fn write(&self, path: &Path, walked: &[PathBuf]) -> Result<(), Failure> {
        let shown = printable(self.before.path());
        if path.metadata().is_ok_and(|metadata| metadata.permissions().readonly()) {
            return Err(Failure::usage(format!("cannot fix `{shown}`: it is read-only")));
        }
        let below = walked.iter().find_map(|folder| Some((folder, path.strip_prefix(folder).ok()?)));
        let place = match below {
            Some((folder, path)) => Place::below(folder, path, &shown)?,
            None => Place::of(path, &shown)?,
        };
        write::change(&place, &mut |bytes, inode| {
            // A link that has come there meanwhile may lead to a file that is alike.
            if bytes != self.before.text().as_bytes() || self.inode.is_some_and(|read| read != inode) {
                return Err(Failure::usage(format!("`{shown}` was changed while it was being checked"))
                    .with_help("it is as somebody else left it; run the command again"));
            }
            Ok(Some(NewText { text: Zeroizing::new(self.after.text().to_owned()), private: false }))
        })
    }
}
