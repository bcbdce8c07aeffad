//! `check --add-ignores`: adds an ignore comment for each finding.
//!
//! A comment is added at the end of the line of its finding, or on a new line above. If an ignore
//! comment already applies to the line, the rules are added to that comment. `annotator` plans the
//! comments of a file, `placement` finds positions for them, and `proof` verifies that nothing else
//! in the file changes. Nothing is written before [`AddedIgnores::write`].

mod annotator;
mod config_entry;
mod diff_source;
mod placement;
mod proof;
mod unsuppressed;

use crate::diagnostics::finding::Finding;
use crate::document::{Document, Syntax};
use crate::edit::fix::{ChangedFile, FixResult, Rescanner};
use crate::lint::analysis::Analysis;
use crate::lint::report::Report;
use crate::lint::scan::Scan;
use crate::lint::settings::Settings;
use crate::project::configs::Configs;
use crate::text::redacted_source::RedactedSource;
use annotator::{Annotation, Annotator};
pub use config_entry::{IgnoreEntry, ignore_entry, is_ignorable};
pub(super) use diff_source::subtract_span;
use diff_source::with_visible_comments;
use placement::{CommentStyle, OriginalFile};
use proof::proven_literal;
use std::collections::{BTreeMap, HashMap, HashSet};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use unsuppressed::UnsuppressedFinding;

/// The reason for which a file that accepts comments has none for a finding.
const NO_POSITION: &str = "there is no valid position for a comment";

/// The comments of a run, planned or written.
#[derive(Default)]
pub struct AddedIgnores {
    changes: FixResult,
    /// The findings that the comments suppress, by file and fingerprint.
    suppressed: HashSet<(PathBuf, String)>,
    /// The findings that no comment can suppress.
    unsuppressed: Vec<UnsuppressedFinding>,
}

/// Plans a comment for each finding of a report, without writing a file.
pub fn plan(
    scan: &Scan,
    report: &Report,
    settings: &Settings<'_>,
    rescanner: &Rescanner<'_>,
) -> AddedIgnores {
    let mut by_file: BTreeMap<&Path, Vec<&Finding>> = BTreeMap::new();
    for finding in &report.findings {
        by_file
            .entry(finding.source.absolute_path())
            .or_default()
            .push(finding);
    }
    let stack_files: HashMap<&Path, &Analysis> = scan
        .files
        .iter()
        .map(|file| (file.path.as_path(), file))
        .collect();
    let mut added = AddedIgnores::default();
    for (path, findings) in by_file {
        let stack_file = stack_files.get(path).copied();
        let annotation = match annotate_file(stack_file, path, &findings, settings) {
            Ok(annotation) => annotation,
            Err(reason) => {
                added.unsuppressed.extend(
                    findings
                        .iter()
                        .map(|finding| UnsuppressedFinding::new(finding, reason)),
                );
                continue;
            }
        };
        for finding in &findings {
            if annotation.suppressed.contains(&finding.fingerprint) {
                added
                    .suppressed
                    .insert((path.to_path_buf(), finding.fingerprint.clone()));
            } else {
                added
                    .unsuppressed
                    .push(UnsuppressedFinding::new(finding, NO_POSITION));
            }
        }
        if !annotation.suppressed.is_empty()
            && let Some(first) = findings.first()
        {
            let changed = changed_file(stack_file, &first.source, annotation, settings, rescanner);
            added.changes.changed.insert(path.to_path_buf(), changed);
        }
    }
    added
}

/// Adds comments to the text of a file.
///
/// # Errors
/// Returns the reason why the file cannot contain ignore comments.
fn annotate_file(
    stack_file: Option<&Analysis>,
    path: &Path,
    findings: &[&Finding],
    settings: &Settings<'_>,
) -> Result<Annotation, &'static str> {
    let file = original_file(stack_file, path, settings)?;
    Ok(Annotator::new(file, findings).annotate())
}

/// Returns the text of a file with a comment that suppresses one finding, on the line above it if
/// possible. The comment contains a reason. If an ignore comment already applies to the line, it
/// gets the rule, and keeps its reason.
///
/// # Errors
/// Returns the reason why the file cannot contain the comment.
pub fn ignore_finding(
    stack_file: Option<&Analysis>,
    finding: &Finding,
    reason: &str,
    settings: &Settings<'_>,
) -> Result<String, &'static str> {
    let style = CommentStyle {
        prefers_line_above: true,
        reason: Some(reason),
    };
    let file = original_file(stack_file, finding.source.absolute_path(), settings)?;
    let annotation = Annotator::new(file.with_style(style), &[finding]).annotate();
    if annotation.suppressed.is_empty() {
        Err(NO_POSITION)
    } else {
        Ok(annotation.text)
    }
}

/// Returns the text of a file with a `literal` comment for the scalar of a finding, on the line above
/// it if possible. Returns `None` if no comment can apply to it.
pub fn mark_literal(
    stack_file: &Analysis,
    finding: &Finding,
    settings: &Settings<'_>,
) -> Option<String> {
    let style = CommentStyle {
        prefers_line_above: true,
        reason: None,
    };
    let file = original_file(Some(stack_file), &stack_file.path, settings).ok()?;
    let file = file.with_style(style);
    let starts = [finding.span.start, finding.scalar_start];
    let lines = starts.map(|at| file.source.position(at).line).into();
    let mut placements = file.placements(finding, &lines).into_iter();
    placements.find_map(|placement| proven_literal(&file, placement, &lines))
}

/// Returns a file to which comments can be added.
///
/// # Errors
/// Returns the reason why the file cannot contain ignore comments.
fn original_file<'f>(
    stack_file: Option<&'f Analysis>,
    path: &Path,
    settings: &'f Settings<'_>,
) -> Result<OriginalFile<'f>, &'static str> {
    let source = match stack_file {
        Some(file) if file.server.is_some() => return Err("it is not a file"),
        Some(file) if !file.exact => return Err("the file is not UTF-8"),
        Some(file) => &file.source,
        None => settings
            .inventories
            .in_use()
            .filter_map(|(_, inventory)| inventory.comments())
            .find(|comments| comments.path == path)
            .map(|comments| comments.source)
            .ok_or("stackref does not read ignore comments in this file")?,
    };
    let syntax = file_syntax(stack_file, path)
        .filter(|syntax| *syntax != Syntax::Json)
        .ok_or("JSON has no comments")?;
    let document = Document::parse(Arc::clone(source.file()), syntax)
        .map_err(|_| "the file cannot be parsed")?;
    Ok(OriginalFile::new(source, syntax, document))
}

fn file_syntax(stack_file: Option<&Analysis>, path: &Path) -> Option<Syntax> {
    stack_file
        .map(|file| file.syntax)
        .or_else(|| Syntax::from_path(path))
}

/// Returns the change from the old text of a file to its text with comments. `reported` is the
/// source of its findings.
fn changed_file(
    stack_file: Option<&Analysis>,
    reported: &Arc<RedactedSource>,
    annotation: Annotation,
    settings: &Settings<'_>,
    rescanner: &Rescanner<'_>,
) -> ChangedFile {
    let Annotation { text, suppressed } = annotation;
    let old_source = Arc::clone(stack_file.map_or(reported, |file| &file.source));
    let scanned = stack_file
        .and_then(|file| rescanner.rescan(file, &text, settings))
        .map(|file| file.source);
    let syntax = file_syntax(stack_file, reported.absolute_path());
    let new_source = with_visible_comments(old_source.path(), text, scanned.as_deref(), syntax);
    let (old_source, new_source) = (rescanner.redact(&old_source), rescanner.redact(&new_source));
    let inode = stack_file.and_then(|file| file.inode);
    ChangedFile {
        old_source,
        new_source,
        inode,
        count: suppressed.len(),
    }
}

impl AddedIgnores {
    /// Returns the number of findings that the comments suppress.
    pub fn findings(&self) -> usize {
        self.suppressed.len()
    }

    /// Returns the number of files with new comments.
    pub fn files(&self) -> usize {
        self.changes.changed.len()
    }

    /// Writes the files and removes the suppressed findings from the report.
    ///
    /// Each file is replaced as a whole. If a file cannot be written, the report gets a failure and
    /// still contains the findings of that file.
    pub fn write(
        &mut self,
        scan: &mut Scan,
        settings: &Settings<'_>,
        rescanner: &Rescanner<'_>,
        report: &mut Report,
    ) {
        report
            .failures
            .extend(self.changes.write(scan, settings, rescanner));
        let changed = &self.changes.changed;
        self.suppressed
            .retain(|(path, _)| changed.contains_key(path));
        let number = report.findings.len();
        report.findings.retain(|finding| {
            let key = (
                finding.source.absolute_path().to_path_buf(),
                finding.fingerprint.clone(),
            );
            !self.suppressed.contains(&key)
        });
        report.summary.ignored += number - report.findings.len();
        report.count();
    }

    /// Returns the changed files, sorted by path.
    pub fn changed(&self) -> impl Iterator<Item = &ChangedFile> {
        self.changes.changed.values()
    }

    /// Returns lines that list the findings that no comment can suppress, and the `[[ignore]]`
    /// entries that suppress them. `root` is the folder of a config that does not exist yet.
    pub fn describe_unsuppressed(&self, configs: &Configs, root: &Path) -> Vec<String> {
        unsuppressed::describe(&self.unsuppressed, configs, root)
    }
}
