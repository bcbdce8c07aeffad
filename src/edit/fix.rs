//! `--fix`: applies the edits of findings in memory, in rounds, until there are no more.
//!
//! A round applies, file by file, the fixes that do not overlap, and analyzes the new text. The
//! others follow in the next round. A fix is rejected if the text would no longer parse. A fix that
//! removes a comment is also rejected if it would change anything else.

use crate::diagnostics::error::Failure;
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
use crate::project::configs::Configs;
use crate::project::discover::Candidate;
use crate::system::write::{self, Inode, NewText, OutputFile};
use crate::text::escape::escape_control;
use crate::text::redacted_source::RedactedSource;
use crate::text::source::Span;
use std::collections::{BTreeMap, HashMap, HashSet};
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// The most rounds: more than any chain of fixes needs. The limit guards against fixes that undo
/// each other.
const MAX_ROUNDS: usize = 100;

/// The rule whose fixes remove comments.
const COMMENT_RULE: RuleId = RuleId::UnusedIgnore;

/// The fixed files, in memory.
#[derive(Default)]
pub struct FixResult {
    /// The files, by path.
    pub changed: BTreeMap<PathBuf, ChangedFile>,
    /// The answers of the inventories, for the check after the fixes.
    pub answers: Arc<LookupResults>,
}

/// A file before and after its fixes.
pub struct ChangedFile {
    /// The text that was read.
    pub old_source: Arc<RedactedSource>,
    /// The fixed text.
    pub new_source: Arc<RedactedSource>,
    /// The identity of the file that was read.
    pub inode: Option<Inode>,
    /// The number of fixes.
    pub count: usize,
}

/// Analyzes changed files again.
pub struct Rescanner<'a> {
    /// The roots of displayed paths.
    pub roots: &'a PathRoots,
    /// The values to search for, with `--leaks`.
    pub values: Option<&'a LeakScanner>,
    /// The folders that were walked. Files in them are opened without following links.
    pub walked_folders: &'a [PathBuf],
}

impl Rescanner<'_> {
    pub(crate) fn rescan(
        &self,
        file: &Analysis,
        text: &str,
        settings: &Settings<'_>,
    ) -> Option<Analysis> {
        read_again(file, text.as_bytes(), settings.configs, self.roots)
    }

    /// Returns a source that redacts the values.
    pub(crate) fn redact(&self, source: &Arc<RedactedSource>) -> Arc<RedactedSource> {
        self.values
            .map_or_else(|| Arc::clone(source), |values| values.redact_source(source))
    }

    /// Replaces a file of a scan.
    fn replace(&self, scan: &mut Scan, at: usize, new: Analysis) {
        if let Some(values) = self.values {
            scan.leaked_files
                .retain(|leaked| leaked.source.absolute_path() != new.path);
            scan.leaked_files.extend(values.scan_source(&new.source));
        }
        if let Some(file) = scan.files.get_mut(at) {
            *file = new;
        }
    }
}

/// Analyzes new contents of a file.
pub(crate) fn read_again(
    file: &Analysis,
    bytes: &[u8],
    configs: &Configs,
    roots: &PathRoots,
) -> Option<Analysis> {
    let candidate = Candidate {
        path: file.path.clone(),
        syntax: file.syntax,
        reason: Some(file.reason.clone()),
    };
    let resolver = configs.for_file(&file.path).resolver;
    scan::run_text(bytes, candidate, resolver, roots)
        .files
        .pop()
}

/// A run of `--fix`.
pub struct Fixer<'m> {
    rescanner: &'m Rescanner<'m>,
    max_applicability: Applicability,
    result: FixResult,
    /// The findings whose fixes were rejected for the current text, by file and fingerprint.
    rejected: HashSet<(PathBuf, String)>,
    /// The only file that is changed; `None` for all files.
    only_file: Option<PathBuf>,
}

impl<'m> Fixer<'m> {
    /// Creates a run that applies fixes up to an applicability.
    pub fn new(rescanner: &'m Rescanner<'m>, max_applicability: Applicability) -> Self {
        Self {
            rescanner,
            max_applicability,
            result: FixResult::default(),
            rejected: HashSet::new(),
            only_file: None,
        }
    }

    /// Changes only one file of the scan.
    #[must_use]
    pub fn only_in(mut self, path: &Path) -> Self {
        self.only_file = Some(path.to_path_buf());
        self
    }

    /// Applies the fixes of a scan, and replaces the files of the scan.
    ///
    /// Inventories are queried only after all fixes that need no answer, so that they are queried
    /// for the final references.
    pub fn run(
        mut self,
        scan: &mut Scan,
        settings: &Settings<'_>,
        known_answers: Arc<LookupResults>,
        progress: Option<Progress<'_>>,
    ) -> FixResult {
        self.result.answers = known_answers;
        for asks in [false, true] {
            let level = if asks {
                settings.level
            } else {
                LevelChoice::fixed(Level::None)
            };
            let settings = Settings { level, ..*settings };
            for _ in 0..MAX_ROUNDS {
                let answers = if asks {
                    std::mem::take(&mut self.result.answers)
                } else {
                    Arc::default()
                };
                let mut report = pipeline::check_with_answers(scan, &settings, answers, progress);
                if asks {
                    self.result.answers = std::mem::take(&mut report.references).into_answers();
                }
                if !self.round(scan, &report.findings, &settings) {
                    break;
                }
            }
        }
        self.result
    }

    /// Applies fixes of findings, and returns whether any file changed.
    fn round(&mut self, scan: &mut Scan, findings: &[Finding], settings: &Settings<'_>) -> bool {
        let mut by_file: HashMap<&Path, Vec<&Finding>> = HashMap::new();
        for finding in findings
            .iter()
            .filter(|finding| self.is_applicable(finding))
        {
            by_file
                .entry(finding.source.absolute_path())
                .or_default()
                .push(finding);
        }
        let mut has_changed = false;
        for at in 0..scan.files.len() {
            let Some(file) = scan.files.get(at).filter(|file| file.exact) else {
                continue;
            };
            let Some(mut findings) = by_file.remove(file.path.as_path()) else {
                continue;
            };
            if findings.iter().any(|finding| finding.rule != COMMENT_RULE) {
                findings.retain(|finding| finding.rule != COMMENT_RULE);
            }
            let Some((applied, new)) =
                self.largest_valid_subset(file, &non_overlapping(findings), settings)
            else {
                continue;
            };
            let path = file.path.clone();
            let (before, after) = (
                self.rescanner.redact(&file.source),
                self.rescanner.redact(&new.source),
            );
            // A rejected fix may be valid for the new text.
            self.rejected.retain(|(rejected, _)| *rejected != path);
            let first = ChangedFile {
                old_source: before,
                new_source: Arc::clone(&after),
                inode: file.inode,
                count: 0,
            };
            let changed = self.result.changed.entry(path).or_insert(first);
            changed.new_source = after;
            changed.count += applied.len();
            self.rescanner.replace(scan, at, new);
            has_changed = true;
        }
        has_changed
    }

    /// Returns whether a finding has a fix that may be applied and was not rejected.
    fn is_applicable(&self, finding: &Finding) -> bool {
        let Some(fix) = &finding.fix else {
            return false;
        };
        let key = || {
            (
                finding.source.absolute_path().to_path_buf(),
                finding.fingerprint.clone(),
            )
        };
        let path = finding.source.absolute_path();
        let is_changed = self.only_file.as_deref().is_none_or(|only| only == path);
        is_changed && fix.applicability <= self.max_applicability && !self.rejected.contains(&key())
    }

    /// Returns the largest subset of non-overlapping findings whose fixes are valid together, and
    /// the fixed file. Rejects each fix that is invalid by itself.
    ///
    /// If the fixes of all findings are invalid, each half is tried, so one invalid fix among many
    /// costs little.
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
            self.rejected
                .insert((file.path.clone(), finding.fingerprint.clone()));
            return None;
        }
        let (left, right) = findings.split_at(findings.len() / 2);
        match (
            self.largest_valid_subset(file, left, settings),
            self.largest_valid_subset(file, right, settings),
        ) {
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

    /// Returns the text of a file with the fix of one finding. Returns `None` if the fix is invalid.
    pub fn fixed_text(
        &self,
        file: &Analysis,
        finding: &Finding,
        settings: &Settings<'_>,
    ) -> Option<String> {
        let is_applicable = file.exact && self.is_applicable(finding);
        let fixed = is_applicable.then(|| self.apply_fixes(file, &[finding], settings))??;
        Some(fixed.source.text().to_owned())
    }

    /// Returns a file with the fixes of findings. Returns `None` if the new text has more syntax
    /// errors, or if the removal of comments changes anything else.
    fn apply_fixes(
        &self,
        file: &Analysis,
        findings: &[&Finding],
        settings: &Settings<'_>,
    ) -> Option<Analysis> {
        let edits = findings
            .iter()
            .filter_map(|finding| finding.fix.as_ref())
            .flat_map(|fix| &fix.edits);
        let mut edits: Vec<Edit> = edits
            .map(|edit| Edit::new(edit.span, edit.replacement.clone()))
            .collect();
        edits.sort_by_key(|edit| edit.span);
        let new = self
            .rescanner
            .rescan(file, &apply(file.source.text(), &edits)?, settings)?;
        let removes_comments = findings.iter().all(|finding| finding.rule == COMMENT_RULE);
        let is_valid = syntax_errors(&new) <= syntax_errors(file)
            && (!removes_comments || is_equivalent(file, &new));
        is_valid.then_some(new)
    }
}

/// Returns the number of syntax errors in a file.
fn syntax_errors(file: &Analysis) -> usize {
    file.findings
        .iter()
        .filter(|finding| finding.rule() == RuleId::SyntaxError)
        .count()
}

/// Returns whether two texts are the same document, with the same scalars marked as literal.
fn is_equivalent(old: &Analysis, new: &Analysis) -> bool {
    let parse = |file: &Analysis| Document::parse(Arc::clone(file.source.file()), file.syntax).ok();
    let same = parse(old)
        .zip(parse(new))
        .is_some_and(|(old, new)| old.find_difference(&new, &HashMap::new()).is_none());
    same && old.literals.len() == new.literals.len()
}

/// Returns the findings whose edits do not touch those of an earlier finding.
fn non_overlapping(findings: Vec<&Finding>) -> Vec<&Finding> {
    let mut taken: BTreeMap<usize, Span> = BTreeMap::new();
    findings
        .into_iter()
        .filter(|finding| {
            let edits: &[FixEdit] = finding.fix.as_ref().map_or(&[], |fix| &fix.edits);
            // The spans in `taken` do not touch each other, so only the nearest one can touch the
            // edit.
            let free = edits.iter().all(|edit| {
                let before = taken.range(..=edit.span.end).next_back();
                before.is_none_or(|(_, &span)| span.end < edit.span.start)
            });
            if free {
                taken.extend(edits.iter().map(|edit| (edit.span.start, edit.span)));
            }
            free
        })
        .collect()
}

impl FixResult {
    /// Returns the number of applied fixes.
    pub fn count(&self) -> usize {
        self.changed.values().map(|changed| changed.count).sum()
    }

    /// Writes the fixed files. Of several paths to one file, only the first is written. If a file
    /// cannot be written, its old text is put back into the scan.
    pub fn write(
        &mut self,
        scan: &mut Scan,
        settings: &Settings<'_>,
        rescanner: &Rescanner<'_>,
    ) -> Vec<Failure> {
        let (mut failures, mut written) = (Vec::new(), HashSet::new());
        self.changed.retain(|path, changed| {
            if !written.insert(path.canonicalize().unwrap_or_else(|_| path.clone())) {
                return false;
            }
            let Err(failure) = changed.write(path, rescanner.walked_folders) else {
                return true;
            };
            failures.push(failure);
            let at = scan.files.iter().position(|file| file.path == *path);
            let old = at.and_then(|at| {
                Some((
                    at,
                    rescanner.rescan(scan.files.get(at)?, changed.old_source.text(), settings)?,
                ))
            });
            if let Some((at, old)) = old {
                rescanner.replace(scan, at, old);
            }
            false
        });
        failures
    }
}

impl ChangedFile {
    /// Replaces the text of a file.
    ///
    /// # Errors
    /// Fails if the file was changed or replaced since it was read.
    fn write(&self, path: &Path, walked_folders: &[PathBuf]) -> Result<(), Failure> {
        let shown = escape_control(self.old_source.path());
        if path
            .metadata()
            .is_ok_and(|metadata| metadata.permissions().readonly())
        {
            return Err(Failure::usage(format!(
                "cannot fix `{shown}`: it is read-only"
            )));
        }
        let below = walked_folders
            .iter()
            .find_map(|folder| Some((folder, path.strip_prefix(folder).ok()?)));
        let file = match below {
            Some((folder, path)) => OutputFile::open_below(folder, path, &shown)?,
            None => OutputFile::open(path, &shown)?,
        };
        write::change(&file, &mut |bytes, inode| {
            // The identity is compared, too: a new link may lead to another file with the same
            // text.
            if bytes != self.old_source.text().as_bytes()
                || self.inode.is_some_and(|read| read != inode)
            {
                return Err(Failure::usage(format!(
                    "`{shown}` was changed while it was being checked"
                ))
                .with_help("run the command again; nothing was written to this file"));
            }
            Ok(Some(NewText {
                text: self.new_source.text().to_owned(),
                private: false,
            }))
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::diagnostics::finding::{Fix, Severity};
    use crate::diagnostics::finding_builder::{FindingBuilder, build_all};
    use crate::text::source::SourceFile;

    #[test]
    fn of_findings_with_touching_edits_only_the_first_is_fixed() {
        let file = Arc::new(SourceFile::new("a.yaml", "0123456789"));
        let source = RedactedSource::span_only(&file);
        for (edits, fixed) in [
            (&[&[(0, 2)][..], &[(3, 5)]][..], &[0, 1][..]),
            (&[&[(0, 2)], &[(2, 4)]], &[0]),
            (&[&[(4, 6)], &[(0, 3)], &[(2, 4)], &[(7, 8)]], &[0, 1, 3]),
            (&[&[(3, 3)], &[(3, 3)], &[(4, 4)]], &[0, 2]),
            (&[&[(2, 3), (6, 7)], &[(4, 5)], &[(0, 1), (7, 8)]], &[0, 1]),
        ] {
            let builder = |_| FindingBuilder::new(RuleId::UnknownKey, &source, Span::new(0, 1), "");
            let builders = edits.iter().map(builder).collect();
            let mut findings = build_all(builders, |_| Some(Severity::Error));
            for (finding, edits) in findings.iter_mut().zip(edits) {
                let edit = |&(start, end): &(usize, usize)| FixEdit::new(Span::new(start, end), "");
                finding.fix = Some(Fix {
                    applicability: Applicability::Safe,
                    edits: edits.iter().map(edit).collect(),
                });
            }
            let kept = non_overlapping(findings.iter().collect()).into_iter();
            let place = |kept: &Finding| {
                findings
                    .iter()
                    .position(|finding| std::ptr::eq(finding, kept))
            };
            let kept: Vec<_> = kept.filter_map(place).collect();
            assert_eq!(kept, fixed, "{edits:?}");
        }
    }
}
