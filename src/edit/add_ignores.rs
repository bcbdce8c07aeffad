//! `--add-ignores`: an ignore comment for each finding, so that a following check does not report it.
//!
//! A comment goes behind the line of its finding, or on a line of its own above, or its rules go into an ignore comment that
//! is already there. Each new text is read again and proven: it is the same document to its readers, every old comment still
//! applies to what it applied to, and every finding has a comment that suppresses it.

use crate::diagnostics::excerpt::escape_control;
use crate::diagnostics::finding::Finding;
use crate::diagnostics::rule_id::RuleId;
use crate::document::directives::{self, Directive, DirectiveKind};
use crate::document::{Document, Edit, Syntax, apply};
use crate::edit::fix::{ChangedFile, FixResult, Rescanner};
use crate::lint::analysis::Analysis;
use crate::lint::report::Report;
use crate::lint::rules;
use crate::lint::scan::Scan;
use crate::lint::settings::Settings;
use crate::project::config::{self, Config};
use crate::project::configs::Configs;
use crate::text::redacted_source::{RedactedSource, Visibility};
use crate::text::source::{SourceFile, Span};
use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// The rule about ignore comments that suppress nothing. Only its name in the comment itself suppresses it.
const UNUSED_IGNORE: RuleId = RuleId::UnusedIgnore;

/// The rules whose findings need a correction: no comment and no config can suppress them.
const NOT_IGNORABLE: [RuleId; 2] = [RuleId::BareIgnore, RuleId::SyntaxError];

/// The comments that were added, in memory or on disk.
#[derive(Default)]
pub struct AddedIgnores {
    changes: FixResult,
    /// The findings that the comments suppress, by file and fingerprint.
    suppressed: HashSet<(PathBuf, String)>,
    /// The findings that no comment can suppress.
    unsuppressed: Vec<UnsuppressedFinding>,
}

/// A finding that no comment can suppress.
#[derive(Debug, PartialEq, Eq, PartialOrd, Ord)]
struct UnsuppressedFinding {
    display_path: String,
    reason: &'static str,
    path: PathBuf,
    rule: RuleId,
    attribute: Option<String>,
}

impl UnsuppressedFinding {
    fn new(finding: &Finding, reason: &'static str) -> Self {
        Self {
            display_path: finding.source.path().to_owned(),
            reason,
            path: finding.source.absolute_path().to_path_buf(),
            rule: finding.rule,
            attribute: finding.scope.attribute.as_deref().map(str::to_owned),
        }
    }
}

/// Finds a place for a comment for each finding of a report. Nothing is written.
pub fn plan(scan: &Scan, report: &Report, settings: &Settings<'_>, rescanner: &Rescanner<'_>) -> AddedIgnores {
    let mut by_file: BTreeMap<&Path, Vec<&Finding>> = BTreeMap::new();
    for finding in &report.findings {
        by_file.entry(finding.source.absolute_path()).or_default().push(finding);
    }
    let stack_files: HashMap<&Path, &Analysis> = scan.files.iter().map(|file| (file.path.as_path(), file)).collect();
    let mut added = AddedIgnores::default();
    for (path, findings) in by_file {
        let stack_file = stack_files.get(path).copied();
        let (suppressed, text) = match annotate_file(stack_file, path, &findings, settings) {
            Ok(annotated) => annotated,
            Err(reason) => {
                added.unsuppressed.extend(findings.iter().map(|finding| UnsuppressedFinding::new(finding, reason)));
                continue;
            }
        };
        for finding in &findings {
            if suppressed.contains(&finding.fingerprint) {
                added.suppressed.insert((path.to_path_buf(), finding.fingerprint.clone()));
            } else {
                added.unsuppressed.push(UnsuppressedFinding::new(finding, "no comment fits there"));
            }
        }
        if !suppressed.is_empty()
            && let Some(first) = findings.first()
        {
            let before = stack_file.map_or_else(|| Arc::clone(&first.source), |file| Arc::clone(&file.source));
            let read = stack_file.and_then(|file| rescanner.rescan(file, &text, settings)).map(|file| file.source);
            let syntax = stack_file.map(|file| file.syntax).or_else(|| Syntax::from_path(path));
            let after = with_visible_comments(before.path(), text, read.as_deref(), syntax);
            let (before, after) = (rescanner.redact(&before), rescanner.redact(&after));
            let inode = stack_file.and_then(|file| file.inode);
            added.changes.changed.insert(
                path.to_path_buf(),
                ChangedFile { old_source: before, new_source: after, inode, count: suppressed.len() },
            );
        }
    }
    added
}

/// Wraps the new text of a file for a diff, which shows the ignore comments besides what else may be shown of the file: in a
/// script or an inventory that is little. `read` is the stack file as it was read again.
fn with_visible_comments(
    display_path: &str,
    text: String,
    read: Option<&RedactedSource>,
    syntax: Option<Syntax>,
) -> Arc<RedactedSource> {
    let source = Arc::new(SourceFile::new(display_path, text));
    let document = syntax.and_then(|syntax| Document::parse(Arc::clone(&source), syntax).ok());
    let masks = match read.map(RedactedSource::visibility) {
        Some(Visibility::Masked(masks)) => masks.clone(),
        _ => vec![Span::new(0, source.text().len())],
    };
    let directives = document.as_ref().map(directives::directives).unwrap_or_default();
    let comments =
        directives.iter().filter(|directive| names_rules_only(directive)).map(|directive| directive.directive_span);
    let masks = comments.fold(masks, |masks, comment| subtract_span(&masks, comment));
    RedactedSource::new(source, Visibility::Masked(masks))
}

/// Returns whether an ignore comment contains nothing but names of rules, so that it can be shown.
fn names_rules_only(directive: &Directive) -> bool {
    matches!(&directive.kind, DirectiveKind::Ignore(names) if names.iter().all(|name| rules::find(name).is_some()))
}

/// Returns spans without a part of them.
fn subtract_span(spans: &[Span], part: Span) -> Vec<Span> {
    let rest = |span: &Span| {
        let before = Span::new(span.start, span.end.min(part.start).max(span.start));
        let after = Span::new(span.start.max(part.end).min(span.end), span.end);
        [before, after].into_iter().filter(|rest| !rest.is_empty())
    };
    spans.iter().flat_map(rest).collect()
}

/// Adds comments to the text of a file. Returns the fingerprints of the findings that they suppress, and the new text.
///
/// # Errors
/// The reason why the file can contain no ignore comment.
fn annotate_file(
    stack_file: Option<&Analysis>,
    path: &Path,
    findings: &[&Finding],
    settings: &Settings<'_>,
) -> Result<(HashSet<String>, String), &'static str> {
    let inventories = settings.inventories.in_use().filter_map(|(_, inventory)| inventory.comments());
    let source = match stack_file {
        Some(file) if !file.exact => return Err("the file is not UTF-8"),
        Some(file) => &file.source,
        None => inventories
            .into_iter()
            .find(|comments| comments.path == path)
            .map(|comments| comments.source)
            .ok_or("stackref reads no ignore comments there")?,
    };
    let syntax = stack_file.map(|file| file.syntax).or_else(|| Syntax::from_path(path));
    let syntax = syntax.filter(|syntax| *syntax != Syntax::Json).ok_or("JSON has no comments")?;
    let document = Document::parse(Arc::clone(source.file()), syntax).map_err(|_| "the file cannot be parsed")?;
    Ok(Annotator::new(source, syntax, document).annotate(findings))
}

impl AddedIgnores {
    /// The number of findings that the comments suppress.
    pub fn findings(&self) -> usize {
        self.suppressed.len()
    }

    /// The number of files with new comments.
    pub fn files(&self) -> usize {
        self.changes.changed.len()
    }

    /// Writes the files, each as a whole or not at all, and removes the findings from the report. A file that cannot be written
    /// is a failure of the report, which then still contains its findings.
    pub fn write(&mut self, scan: &mut Scan, settings: &Settings<'_>, rescanner: &Rescanner<'_>, report: &mut Report) {
        report.failures.extend(self.changes.write(scan, settings, rescanner));
        let changed = &self.changes.changed;
        self.suppressed.retain(|(path, _)| changed.contains_key(path));
        let found = report.findings.len();
        report.findings.retain(|finding| {
            let key = (finding.source.absolute_path().to_path_buf(), finding.fingerprint.clone());
            !self.suppressed.contains(&key)
        });
        report.summary.ignored += found - report.findings.len();
        report.count();
    }

    /// The changes, by path.
    pub fn changed(&self) -> impl Iterator<Item = &ChangedFile> {
        self.changes.changed.values()
    }

    /// Returns lines that list the findings no comment can suppress, and the entries of the config that suppress them. `root`
    /// is the folder of a config that does not exist yet.
    pub fn describe_unsuppressed(&self, configs: &Configs, root: &Path) -> Vec<String> {
        let mut by_reason: BTreeMap<(&str, &str), usize> = BTreeMap::new();
        let mut entries: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
        for remaining in &self.unsuppressed {
            let is_ignorable = !NOT_IGNORABLE.contains(&remaining.rule);
            let reason = if is_ignorable { remaining.reason } else { "correct the mistake instead" };
            *by_reason.entry((&remaining.display_path, reason)).or_default() += 1;
            let config = configs.for_findings_in(&remaining.path);
            if is_ignorable && let Some(entry) = config_entry(remaining, &config, root) {
                let file = config.source.as_ref().map_or(config::FILE_NAME, |source| source.path());
                entries.entry(file.to_owned()).or_default().insert(entry);
            }
        }
        let warning = |((path, reason), number): ((&str, &str), usize)| {
            let findings = if number == 1 { "1 finding".to_owned() } else { format!("{number} findings") };
            format!("warning: no comment can suppress {findings} in `{}`: {reason}", escape_control(path))
        };
        let mut lines: Vec<String> = by_reason.into_iter().map(warning).collect();
        for (file, entries) in entries {
            lines.push(format!("help: add to `{}`:", escape_control(&file)));
            lines.extend(entries);
        }
        lines
    }
}

/// Returns the `[[ignore]]` entry that suppresses a finding; `None` if its path is not UTF-8.
fn config_entry(remaining: &UnsuppressedFinding, config: &Config, root: &Path) -> Option<String> {
    let folder = if config.file.is_some() { &config.folder } else { root };
    let path = remaining.path.strip_prefix(folder).unwrap_or(&remaining.path).to_str()?;
    let string = |text: &str| toml::Value::from(text).to_string();
    let attribute = remaining.attribute.as_deref().map(|attribute| format!("attribute = {}\n", string(attribute)));
    Some(format!(
        "\n[[ignore]]\npath = {}\nrule = {}\n{}",
        string(&globset::escape(path)),
        string(remaining.rule.name()),
        attribute.unwrap_or_default()
    ))
    .map(|entry| entry.trim_end().to_owned())
}

/// A way to add a comment.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Placement {
    /// Into the ignore comment of this index.
    ExistingComment(usize),
    /// Behind this line.
    EndOfLine(Span),
    /// On a line of its own above this line.
    LineAbove(Span),
}

/// Findings on the same lines: one comment suppresses them all.
struct Group {
    /// The lines that a comment may apply to, from 1.
    lines: BTreeSet<usize>,
    rules: BTreeSet<RuleId>,
    fingerprints: Vec<String>,
    /// In the order in which they are tried.
    placements: Vec<Placement>,
}

/// A group, and which of its ways is used.
type Choice = (usize, usize);

/// Adds ignore comments to one file.
struct Annotator<'a> {
    source: &'a Arc<RedactedSource>,
    syntax: Syntax,
    document: Document,
    directives: Vec<Directive>,
    groups: Vec<Group>,
}

impl<'a> Annotator<'a> {
    fn new(source: &'a Arc<RedactedSource>, syntax: Syntax, document: Document) -> Self {
        let directives = directives::directives(&document);
        Self { source, syntax, document, directives, groups: Vec::new() }
    }

    /// Returns the fingerprints of the findings that comments suppress, and the text with these comments.
    fn annotate(mut self, findings: &[&Finding]) -> (HashSet<String>, String) {
        self.group(findings);
        let mut chosen: Vec<Choice> = Vec::new();
        let mut pending: Vec<Choice> = (0..self.groups.len()).map(|group| (group, 0)).collect();
        while !pending.is_empty() {
            pending.retain(|&(group, placement)| {
                self.groups.get(group).is_some_and(|group| placement < group.placements.len())
            });
            let (fitting, others) = self.split(&chosen, &pending);
            chosen.extend(fitting);
            pending = others.into_iter().map(|(group, placement)| (group, placement + 1)).collect();
        }
        let text = self.verified_text(&chosen).unwrap_or_default();
        let suppressed = chosen.iter().filter_map(|&(group, _)| self.groups.get(group));
        (suppressed.flat_map(|group| group.fingerprints.iter().cloned()).collect(), text)
    }

    /// Groups findings by the comment that suppresses them.
    fn group(&mut self, findings: &[&Finding]) {
        let mut groups: BTreeMap<(BTreeSet<usize>, Option<usize>), Group> = BTreeMap::new();
        for finding in findings {
            let is_same_text = Arc::ptr_eq(&finding.source, self.source) || finding.source.text() == self.source.text();
            if finding.rule == RuleId::BareIgnore || !is_same_text {
                continue;
            }
            // The comment itself, for a finding about a comment.
            let comment = (finding.rule == UNUSED_IGNORE)
                .then(|| self.directives.iter().position(|directive| directive.directive_span == finding.span));
            let lines = match comment.flatten().and_then(|at| self.directives.get(at)) {
                Some(directive) => BTreeSet::from([directive.line]),
                None => [finding.span.start, finding.scalar_start].map(|at| self.source.position(at).line).into(),
            };
            let placements = match comment {
                Some(Some(at)) if self.is_ignore(at) => vec![Placement::ExistingComment(at)],
                Some(_) => Vec::new(),
                None => self.placements(finding, &lines),
            };
            let new = || Group { lines: lines.clone(), rules: BTreeSet::new(), fingerprints: Vec::new(), placements };
            let group = groups.entry((lines.clone(), comment.flatten())).or_insert_with(new);
            group.rules.insert(finding.rule);
            group.fingerprints.push(finding.fingerprint.clone());
        }
        self.groups = groups.into_values().collect();
    }

    fn is_ignore(&self, directive: usize) -> bool {
        self.directives.get(directive).is_some_and(|directive| matches!(directive.kind, DirectiveKind::Ignore(_)))
    }

    /// Returns the ways to add a comment that applies to one of some lines, the best first.
    fn placements(&self, finding: &Finding, lines: &BTreeSet<usize>) -> Vec<Placement> {
        let existing = (0..self.directives.len()).find(|&at| {
            self.is_ignore(at) && self.directives.get(at).is_some_and(|directive| lines.contains(&directive.line))
        });
        let (own, first) = (self.source.line_span(finding.span.start), self.source.line_span(finding.scalar_start));
        let mut placements = Vec::from_iter(existing.map(Placement::ExistingComment));
        if own == first && !self.opens_block(first) {
            placements.extend([Placement::EndOfLine(own), Placement::LineAbove(own)]);
        } else {
            placements.extend([
                Placement::LineAbove(first),
                Placement::EndOfLine(own),
                Placement::EndOfLine(first),
                Placement::LineAbove(own),
            ]);
        }
        placements.retain(|placement| self.syntax != Syntax::Script || self.fits_script(*placement, finding));
        placements
    }

    /// Returns whether a line of YAML ends with the header of a block scalar.
    fn opens_block(&self, line: Span) -> bool {
        let header = self.source.slice(line).trim_end().rsplit([' ', '\t']).next().unwrap_or_default();
        let mut indicators = header.chars();
        self.syntax == Syntax::Yaml
            && indicators.next().is_some_and(|first| matches!(first, '|' | '>'))
            && indicators.all(|indicator| matches!(indicator, '+' | '-' | '0'..='9'))
    }

    /// Returns whether a comment does not tear a script apart, of which only commands are read: it may not come between lines
    /// that a backslash joins, nor into a paragraph of prose.
    fn fits_script(&self, placement: Placement, finding: &Finding) -> bool {
        let continues = |line: Span| self.source.slice(line).trim_end().ends_with('\\');
        let line = self.source.line_span(finding.scalar_start);
        let before_command = self.source.slice(Span::new(line.start, finding.scalar_start));
        if is_prose(self.source.path()) && before_command.contains('`') {
            return false;
        }
        match placement {
            Placement::ExistingComment(_) => true,
            Placement::EndOfLine(line) => !continues(line),
            Placement::LineAbove(line) => line.start == 0 || !continues(self.source.line_span(line.start - 1)),
        }
    }

    /// Splits choices into those that fit together with the chosen ones, and the others. All are tried at once, then halves.
    fn split(&self, chosen: &[Choice], choices: &[Choice]) -> (Vec<Choice>, Vec<Choice>) {
        if choices.is_empty() || self.verified_text(&[chosen, choices].concat()).is_some() {
            return (choices.to_vec(), Vec::new());
        }
        if choices.len() == 1 {
            return (Vec::new(), choices.to_vec());
        }
        let (left, right) = choices.split_at(choices.len() / 2);
        let (mut fitting, mut others) = self.split(chosen, left);
        let (fitting_right, others_right) = self.split(&[chosen, &fitting].concat(), right);
        fitting.extend(fitting_right);
        others.extend(others_right);
        (fitting, others)
    }

    /// Returns the text with the comments of some choices, if nothing but these comments differs.
    fn verified_text(&self, choices: &[Choice]) -> Option<String> {
        let mut rules: BTreeMap<Placement, BTreeSet<RuleId>> = BTreeMap::new();
        let groups: Vec<&Group> = choices.iter().filter_map(|&(group, _)| self.groups.get(group)).collect();
        for (group, &(_, placement)) in groups.iter().zip(choices) {
            rules.entry(*group.placements.get(placement)?).or_default().extend(&group.rules);
        }
        let mut edits =
            rules.iter().map(|(&placement, rules)| self.edit(placement, rules)).collect::<Option<Vec<Edit>>>()?;
        edits.sort_by_key(|edit| edit.span);
        let text = apply(self.source.text(), &edits)?.to_string();
        let source = Arc::new(SourceFile::new(self.source.path(), text));
        let document = Document::parse(Arc::clone(&source), self.syntax).ok()?;
        if self.document.find_difference(&document, &HashMap::new()).is_some() {
            return None;
        }
        let mut above: Vec<usize> = rules.keys().filter_map(|placement| self.line_below(*placement)).collect();
        above.sort_unstable();
        let moved = |line: usize| line + above.partition_point(|&below| below <= line);
        let directives = directives::directives(&document);
        let mut applying: HashSet<(usize, &str)> = HashSet::new();
        for directive in &directives {
            if let DirectiveKind::Ignore(names) = &directive.kind {
                applying.extend(names.iter().map(|name| (directive.line, name.as_str())));
            }
        }
        let suppresses = |group: &&Group| {
            let is_suppressed =
                |rule: &RuleId| group.lines.iter().any(|&line| applying.contains(&(moved(line), rule.name())));
            group.rules.iter().all(is_suppressed)
        };
        let others: HashSet<(usize, &DirectiveKind)> =
            directives.iter().map(|directive| (directive.line, &directive.kind)).collect();
        let remains = |old: &Directive| match &old.kind {
            DirectiveKind::Ignore(names) => {
                names.iter().all(|name| applying.contains(&(moved(old.line), name.as_str())))
            }
            says => others.contains(&(moved(old.line), says)),
        };
        (groups.iter().all(suppresses) && self.directives.iter().all(remains)).then(|| source.text().to_owned())
    }

    /// Returns the line, from 1, above which a way adds another one.
    fn line_below(&self, placement: Placement) -> Option<usize> {
        let Placement::LineAbove(line) = placement else { return None };
        Some(self.source.position(line.start).line)
    }

    /// Returns the edit that adds rules in some way.
    fn edit(&self, placement: Placement, rules: &BTreeSet<RuleId>) -> Option<Edit> {
        let list = rules.iter().map(|rule| rule.name()).collect::<Vec<_>>().join(", ");
        Some(match placement {
            Placement::ExistingComment(at) => {
                let head = self.directives.get(at)?.directive_span;
                let text = self.source.slice(head);
                let (open, close) = (text.find('[')? + 1, text.rfind(']')?);
                let old = text.get(open..close)?.trim().trim_end_matches(',').trim_end();
                Edit::new(Span::new(head.start + open, head.start + close), format!("{old}, {list}"))
            }
            Placement::EndOfLine(line) => {
                let end = line.start + self.source.slice(line).trim_end_matches([' ', '\t']).len();
                Edit::new(Span::new(end, line.end), format!(" # stackref: ignore[{list}]"))
            }
            Placement::LineAbove(line) => {
                let text = self.source.slice(line);
                let text = text.strip_prefix('\u{feff}').unwrap_or(text);
                let indent: String = text.chars().take_while(|c| matches!(c, ' ' | '\t')).collect();
                let start = line.end - text.len();
                let line_break = if self.source.text().contains("\r\n") { "\r\n" } else { "\n" };
                Edit::new(Span::new(start, start), format!("{indent}# stackref: ignore[{list}]{line_break}"))
            }
        })
    }
}

/// Returns whether a file is a page of text with code in it.
fn is_prose(path: &str) -> bool {
    let extension = Path::new(path).extension().and_then(|extension| extension.to_str()).unwrap_or_default();
    matches!(extension.to_ascii_lowercase().as_str(), "md" | "markdown" | "mdx" | "rst" | "adoc" | "txt")
}
