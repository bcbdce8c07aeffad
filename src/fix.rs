//! `--fix`: the edits of findings, applied in memory until nothing is left to apply, each round read again and proven.
//!
//! A round takes, file by file, the fixes that do not touch each other; the rest has its turn in the next. A fix is refused
//! where the text would no longer parse, and one that takes out a comment where it would change anything else.

use crate::check::{self, Settings};
use crate::config::Level;
use crate::discover::Candidate;
use crate::document::{Document, Edit, apply};
use crate::error::Failure;
use crate::excerpt::{self, printable};
use crate::finding::{Applicability, Finding, FixEdit};
use crate::inventory::lookup::{Answers, Progress};
use crate::scan::{self, Bases, Scan, StackFile};
use crate::source::{SourceFile, Span};
use crate::write::{self, NewText};
use similar::{Algorithm, DiffTag, capture_diff_slices};
use std::collections::{BTreeMap, HashMap, HashSet};
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use zeroize::Zeroizing;

/// More rounds than any chain of fixes has; a guard against fixes that undo each other.
const ROUNDS: usize = 20;

/// The rule whose fixes take out comments.
const COMMENT_RULE: &str = "unused-ignore";

/// What was mended, in memory.
#[derive(Default)]
pub struct Fixed {
    /// By path.
    pub changed: BTreeMap<PathBuf, Changed>,
    /// How many fixes were applied.
    pub count: usize,
    /// What the inventories answered on the way.
    pub answers: Answers,
}

/// A file before and after.
pub struct Changed {
    /// As it was read.
    pub before: Arc<SourceFile>,
    /// As it is to be.
    pub after: Arc<SourceFile>,
}

/// Mends the files of a scan, up to this applicability; the scan is then that of the new texts. Inventories are asked only
/// when all that needs no answer is mended, so that they are asked for what the files say in the end.
pub fn run(
    scan: &mut Scan,
    settings: &Settings<'_>,
    bases: &Bases,
    most: Applicability,
    progress: Option<Progress<'_>>,
) -> Fixed {
    let mut mender = Mender { bases, most, fixed: Fixed::default(), refused: HashSet::new() };
    for level in [Level::None, settings.level] {
        let settings = Settings { level, ..*settings };
        for _ in 0..ROUNDS {
            let answers =
                if level == Level::None { Answers::default() } else { std::mem::take(&mut mender.fixed.answers) };
            let report = check::again(scan, &settings, answers, progress);
            mender.fixed.answers = report.answers;
            if !mender.round(scan, &report.findings, &settings) {
                break;
            }
        }
    }
    mender.fixed
}

struct Mender<'m> {
    bases: &'m Bases,
    most: Applicability,
    fixed: Fixed,
    /// Fingerprints of findings whose fixes did not hold.
    refused: HashSet<String>,
}

impl Mender<'_> {
    /// Applies what it can of some findings; whether that was anything.
    fn round(&mut self, scan: &mut Scan, findings: &[Finding], settings: &Settings<'_>) -> bool {
        let mut by_file: HashMap<&str, Vec<&Finding>> = HashMap::new();
        for finding in findings {
            let wanted = finding.fix.as_ref().is_some_and(|fix| fix.applicability <= self.most);
            if wanted && !self.refused.contains(&finding.fingerprint) {
                by_file.entry(finding.source.path()).or_default().push(finding);
            }
        }
        let mut any = false;
        for file in &mut scan.files {
            let Some(mut findings) = by_file.remove(file.source.path()) else { continue };
            if findings.iter().any(|finding| finding.rule != COMMENT_RULE) {
                findings.retain(|finding| finding.rule != COMMENT_RULE);
            }
            let findings = apart(findings);
            let all = self.mended(file, &findings, settings).map(|new| (new, findings.len()));
            let Some((new, count)) = all.or_else(|| Some((self.one_of(file, &findings, settings)?, 1))) else {
                continue;
            };
            let before = Arc::clone(&file.source);
            *file = new;
            let after = Arc::clone(&file.source);
            let first = Changed { before, after: Arc::clone(&after) };
            self.fixed.changed.entry(file.path.clone()).or_insert(first).after = after;
            self.fixed.count += count;
            any = true;
        }
        any
    }

    /// A file with the first fix that holds by itself; those before it are not tried again.
    fn one_of(&mut self, file: &StackFile, findings: &[&Finding], settings: &Settings<'_>) -> Option<StackFile> {
        findings.iter().find_map(|finding| {
            let new = self.mended(file, &[finding], settings);
            if new.is_none() {
                self.refused.insert(finding.fingerprint.clone());
            }
            new
        })
    }

    /// A file with the edits of some findings, if it is then what it should be.
    fn mended(&self, file: &StackFile, findings: &[&Finding], settings: &Settings<'_>) -> Option<StackFile> {
        let edits = findings.iter().filter_map(|finding| finding.fix.as_ref()).flat_map(|fix| &fix.edits);
        let mut edits: Vec<Edit> = edits.map(|edit| Edit::new(edit.span, edit.replacement.clone())).collect();
        edits.sort_by_key(|edit| edit.span);
        let text = apply(file.source.text(), &edits)?;
        let candidate = Candidate { path: file.path.clone(), syntax: file.syntax, why: Some(file.why.clone()) };
        let mut read = scan::run_text(text.as_bytes(), candidate, settings.config.resolver, self.bases);
        let new = read.files.pop()?;
        let broken = |file: &StackFile| file.findings.iter().filter(|finding| finding.rule == "syntax-error").count();
        let comments_only = findings.iter().all(|finding| finding.rule == COMMENT_RULE);
        (broken(&new) <= broken(file) && (!comments_only || says_the_same(file, &new))).then_some(new)
    }
}

/// Whether two texts are one document to their readers.
fn says_the_same(old: &StackFile, new: &StackFile) -> bool {
    let parse = |file: &StackFile| Document::parse(Arc::clone(&file.source), file.syntax).ok();
    parse(old).zip(parse(new)).is_some_and(|(old, new)| old.differs(&new, &HashMap::new()).is_none())
}

/// Of findings in their order, those whose edits do not touch those of one before.
fn apart(findings: Vec<&Finding>) -> Vec<&Finding> {
    let mut taken: Vec<Span> = Vec::new();
    let touches = |a: Span, b: Span| a.start <= b.end && b.start <= a.end;
    findings
        .into_iter()
        .filter(|finding| {
            let edits: &[FixEdit] = finding.fix.as_ref().map_or(&[], |fix| &fix.edits);
            let free = edits.iter().all(|edit| taken.iter().all(|&span| !touches(edit.span, span)));
            if free {
                taken.extend(edits.iter().map(|edit| edit.span));
            }
            free
        })
        .collect()
}

impl Changed {
    /// Writes the new text in place of the old one.
    ///
    /// # Errors
    /// The file is no longer what was read, or it cannot be written.
    pub fn write(&self, path: &Path) -> Result<(), Failure> {
        let shown = printable(self.before.path());
        if path.metadata().is_ok_and(|metadata| metadata.permissions().readonly()) {
            return Err(Failure::usage(format!("cannot fix `{shown}`: it is read-only")));
        }
        write::update(path, &shown, &mut |bytes| {
            if bytes != self.before.text().as_bytes() {
                return Err(Failure::usage(format!("`{shown}` was changed while it was being checked"))
                    .with_help("it is as somebody else left it; run the command again"));
            }
            Ok(Some(NewText { text: Zeroizing::new(self.after.text().to_owned()), private: false }))
        })
    }

    /// Writes the lines that differ, before and after, with everything masked that may be a secret.
    ///
    /// # Errors
    /// Those of the writer.
    pub fn write_diff(&self, out: &mut dyn Write) -> io::Result<()> {
        let path = printable(self.before.path());
        writeln!(out, "--- {path}\n+++ {path} (fixed)")?;
        let (old, new) = (lines(&self.before), lines(&self.after));
        let text = |source: &SourceFile, lines: &[Span]| -> Vec<String> {
            lines.iter().map(|&line| source.slice(line).to_owned()).collect()
        };
        let (old_text, new_text) = (text(&self.before, &old), text(&self.after, &new));
        for change in capture_diff_slices(Algorithm::Myers, &old_text, &new_text) {
            if change.tag() == DiffTag::Equal {
                continue;
            }
            let (from, to) = (change.old_range(), change.new_range());
            writeln!(out, "@@ -{},{} +{},{} @@", from.start + 1, from.len(), to.start + 1, to.len())?;
            for line in old.get(from).unwrap_or_default() {
                writeln!(out, "-{}", excerpt::line(&self.before, line.start, &[]))?;
            }
            for line in new.get(to).unwrap_or_default() {
                writeln!(out, "+{}", excerpt::line(&self.after, line.start, &[]))?;
            }
        }
        Ok(())
    }
}

/// The lines of a file.
fn lines(source: &SourceFile) -> Vec<Span> {
    let mut lines = Vec::new();
    let mut at = 0;
    while at < source.text().len() {
        let line = source.line_span(at);
        lines.push(line);
        let rest = source.text().get(line.end..).unwrap_or_default();
        at = line.end + if rest.starts_with("\r\n") { 2 } else { 1 };
    }
    lines
}
