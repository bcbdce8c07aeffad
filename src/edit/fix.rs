//! `--fix`: the edits of findings, applied in memory until nothing is left to apply, each round read again and proven.
//!
//! A round takes, file by file, the fixes that do not touch each other; the rest has its turn in the next. A fix is refused
//! where the text would no longer parse, and one that takes out a comment where it would change anything else.

use crate::diagnostics::error::Failure;
use crate::diagnostics::excerpt::escape_control;
use crate::diagnostics::finding::{Applicability, Finding, FixEdit};
use crate::diagnostics::rule_id::RuleId;
use crate::document::{Document, Edit, apply};
use crate::inventory::lookup::{LookupResults, Progress};
use crate::lint::analysis::Analysis;
use crate::lint::leaks::LeakScanner;
use crate::lint::pipeline;
use crate::lint::scan::{self, PathRoots, Scan};
use crate::lint::settings::{LevelChoice, Settings};
use crate::project::config::Level;
use crate::project::discover::Candidate;
use crate::system::write::{self, Inode, NewText, OutputFile};
use crate::text::redacted_source::RedactedSource;
use crate::text::source::Span;
use std::collections::{BTreeMap, HashMap, HashSet};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use zeroize::Zeroizing;

/// More rounds than any chain of fixes has; a guard against fixes that undo each other.
const MAX_ROUNDS: usize = 100;

/// The rule whose fixes take out comments.
const COMMENT_RULE: RuleId = RuleId::UnusedIgnore;

/// What was mended, in memory.
#[derive(Default)]
pub struct FixResult {
    /// By path.
    pub changed: BTreeMap<PathBuf, ChangedFile>,
    /// What the inventories answered on the way.
    pub answers: LookupResults,
}

/// A file before and after.
pub struct ChangedFile {
    /// As it was read.
    pub old_source: Arc<RedactedSource>,
    /// As it is to be.
    pub new_source: Arc<RedactedSource>,
    /// Which file it was read from.
    pub inode: Option<Inode>,
    /// How many fixes that took.
    pub count: usize,
}

/// Reads the files of a scan again, as they are in memory.
pub struct Rescanner<'a> {
    /// How paths are shown, and what is kept of a file.
    pub roots: &'a PathRoots,
    /// Values that are looked for in them.
    pub values: Option<&'a LeakScanner>,
    /// The folders that were walked, in which no link was followed.
    pub walked_folders: &'a [PathBuf],
}

impl Rescanner<'_> {
    pub(crate) fn rescan(&self, file: &Analysis, text: &str, settings: &Settings<'_>) -> Option<Analysis> {
        let candidate = Candidate { path: file.path.clone(), syntax: file.syntax, reason: Some(file.reason.clone()) };
        let resolver = settings.configs.for_file(&file.path).resolver;
        scan::run_text(text.as_bytes(), candidate, resolver, self.roots).files.pop()
    }

    /// Returns a source that hides the values that are searched for.
    pub(crate) fn redact(&self, source: &Arc<RedactedSource>) -> Arc<RedactedSource> {
        self.values.map_or_else(|| Arc::clone(source), |values| values.redact_source(source))
    }

    /// Puts a file in place of the one that was read before.
    fn replace(&self, scan: &mut Scan, at: usize, new: Analysis) {
        if let Some(values) = self.values {
            scan.leaked_files.retain(|leaked| leaked.source.absolute_path() != new.path);
            scan.leaked_files.extend(values.scan_source(&new.source));
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
    rescanner: &Rescanner<'_>,
    max_applicability: Applicability,
    known_answers: LookupResults,
    progress: Option<Progress<'_>>,
) -> FixResult {
    let mut fixer = Fixer { rescanner, max_applicability, result: FixResult::default(), rejected: HashSet::new() };
    fixer.result.answers = known_answers;
    for asks in [false, true] {
        let level = if asks { settings.level } else { LevelChoice::fixed(Level::None) };
        let settings = Settings { level, ..*settings };
        for _ in 0..MAX_ROUNDS {
            let answers = if asks { std::mem::take(&mut fixer.result.answers) } else { LookupResults::default() };
            let mut report = pipeline::check_with_answers(scan, &settings, answers, progress);
            if asks {
                fixer.result.answers = std::mem::take(&mut report.references).into_answers();
            }
            if !fixer.round(scan, &report.findings, &settings) {
                break;
            }
        }
    }
    fixer.result
}

struct Fixer<'m> {
    rescanner: &'m Rescanner<'m>,
    max_applicability: Applicability,
    result: FixResult,
    /// Findings of the files as they are, by file and fingerprint, whose fixes did not hold.
    rejected: HashSet<(PathBuf, String)>,
}

impl Fixer<'_> {
    /// Applies what it can of some findings; whether that was anything.
    fn round(&mut self, scan: &mut Scan, findings: &[Finding], settings: &Settings<'_>) -> bool {
        let mut by_file: HashMap<&Path, Vec<&Finding>> = HashMap::new();
        for finding in findings {
            let wanted = finding.fix.as_ref().is_some_and(|fix| fix.applicability <= self.max_applicability);
            let key = || (finding.source.absolute_path().to_path_buf(), finding.fingerprint.clone());
            if wanted && !self.rejected.contains(&key()) {
                by_file.entry(finding.source.absolute_path()).or_default().push(finding);
            }
        }
        let mut any = false;
        for at in 0..scan.files.len() {
            let Some(file) = scan.files.get(at).filter(|file| file.exact) else { continue };
            let Some(mut findings) = by_file.remove(file.path.as_path()) else { continue };
            if findings.iter().any(|finding| finding.rule != COMMENT_RULE) {
                findings.retain(|finding| finding.rule != COMMENT_RULE);
            }
            let Some((holding, new)) = self.largest_valid_subset(file, &non_overlapping(findings), settings) else {
                continue;
            };
            let path = file.path.clone();
            let (before, after) = (self.rescanner.redact(&file.source), self.rescanner.redact(&new.source));
            // What did not hold may do so now.
            self.rejected.retain(|(refused, _)| *refused != path);
            let first = ChangedFile { old_source: before, new_source: Arc::clone(&after), inode: file.inode, count: 0 };
            let changed = self.result.changed.entry(path).or_insert(first);
            changed.new_source = after;
            changed.count += holding.len();
            self.rescanner.replace(scan, at, new);
            any = true;
        }
        any
    }

    /// Of findings that are apart, those whose fixes hold together, and the file with them; what does not hold by itself is
    /// refused. Halves are tried first, so that one of many costs little.
    fn largest_valid_subset<'f>(
        &mut self,
        file: &Analysis,
        findings: &[&'f Finding],
        settings: &Settings<'_>,
    ) -> Option<(Vec<&'f Finding>, Analysis)> {
        if let Some(new) = self.apply_fixes(file, findings, settings) {
            return Some((findings.to_vec(), new));
        }
        if let [finding] = findings {
            self.rejected.insert((file.path.clone(), finding.fingerprint.clone()));
            return None;
        }
        let (left, right) = findings.split_at(findings.len() / 2);
        match (self.largest_valid_subset(file, left, settings), self.largest_valid_subset(file, right, settings)) {
            (Some((left, new)), Some((right, _))) => {
                let both = [left.as_slice(), &right].concat();
                Some(match self.apply_fixes(file, &both, settings) {
                    Some(new) => (both, new),
                    None => (left, new),
                })
            }
            (left, right) => left.or(right),
        }
    }

    /// A file with the edits of some findings, if it is then what it should be.
    fn apply_fixes(&self, file: &Analysis, findings: &[&Finding], settings: &Settings<'_>) -> Option<Analysis> {
        let edits = findings.iter().filter_map(|finding| finding.fix.as_ref()).flat_map(|fix| &fix.edits);
        let mut edits: Vec<Edit> = edits.map(|edit| Edit::new(edit.span, edit.replacement.clone())).collect();
        edits.sort_by_key(|edit| edit.span);
        let new = self.rescanner.rescan(file, &apply(file.source.text(), &edits)?, settings)?;
        let broken =
            |file: &Analysis| file.findings.iter().filter(|finding| finding.rule() == RuleId::SyntaxError).count();
        let comments_only = findings.iter().all(|finding| finding.rule == COMMENT_RULE);
        (broken(&new) <= broken(file) && (!comments_only || is_equivalent(file, &new))).then_some(new)
    }
}

/// Whether two texts are one document to their readers, and have the same scalars that are plain text.
fn is_equivalent(old: &Analysis, new: &Analysis) -> bool {
    let parse = |file: &Analysis| Document::parse(Arc::clone(file.source.file()), file.syntax).ok();
    let same =
        parse(old).zip(parse(new)).is_some_and(|(old, new)| old.find_difference(&new, &HashMap::new()).is_none());
    same && old.literals.len() == new.literals.len()
}

/// Of findings in their order, those whose edits do not touch those of one before.
fn non_overlapping(findings: Vec<&Finding>) -> Vec<&Finding> {
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

impl FixResult {
    /// How many fixes were applied.
    pub fn count(&self) -> usize {
        self.changed.values().map(|changed| changed.count).sum()
    }

    /// Writes what was mended; of several paths to one file the first. Where that cannot be done, the scan is again that of
    /// the file as it was.
    pub fn write(&mut self, scan: &mut Scan, settings: &Settings<'_>, rescanner: &Rescanner<'_>) -> Vec<Failure> {
        let (mut failures, mut written) = (Vec::new(), HashSet::new());
        self.changed.retain(|path, changed| {
            if !written.insert(path.canonicalize().unwrap_or_else(|_| path.clone())) {
                return false;
            }
            let Err(failure) = changed.write(path, rescanner.walked_folders) else { return true };
            failures.push(failure);
            let at = scan.files.iter().position(|file| file.path == *path);
            let old = at
                .and_then(|at| Some((at, rescanner.rescan(scan.files.get(at)?, changed.old_source.text(), settings)?)));
            if let Some((at, old)) = old {
                rescanner.replace(scan, at, old);
            }
            false
        });
        failures
    }
}

impl ChangedFile {
    /// Writes the new text in place of the old one; refuses where the file is no longer what was read.
    fn write(&self, path: &Path, walked_folders: &[PathBuf]) -> Result<(), Failure> {
        let shown = escape_control(self.old_source.path());
        if path.metadata().is_ok_and(|metadata| metadata.permissions().readonly()) {
            return Err(Failure::usage(format!("cannot fix `{shown}`: it is read-only")));
        }
        let below = walked_folders.iter().find_map(|folder| Some((folder, path.strip_prefix(folder).ok()?)));
        let place = match below {
            Some((folder, path)) => OutputFile::open_below(folder, path, &shown)?,
            None => OutputFile::open(path, &shown)?,
        };
        write::change(&place, &mut |bytes, inode| {
            // A link that has come there meanwhile may lead to a file that is alike.
            if bytes != self.old_source.text().as_bytes() || self.inode.is_some_and(|read| read != inode) {
                return Err(Failure::usage(format!("`{shown}` was changed while it was being checked"))
                    .with_help("it is as somebody else left it; run the command again"));
            }
            Ok(Some(NewText { text: Zeroizing::new(self.new_source.text().to_owned()), private: false }))
        })
    }
}
