//! The proof that adding comments to a file changes nothing else.
//!
//! The new text is parsed again, and three properties are verified:
//!
//! 1. It is the same document.
//! 2. Each old comment still applies to the same line.
//! 3. Each finding has a comment that suppresses it.

use super::annotator::Group;
use super::placement::{OriginalFile, Placement};
use crate::diagnostics::rule_id::RuleId;
use crate::document::directives::{self, Directive, DirectiveKind};
use crate::document::{Document, Edit, apply};
use crate::text::source::SourceFile;
use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};
use std::sync::Arc;

/// The comments to add: the rules of each.
pub type NewComments = BTreeMap<Placement, BTreeSet<RuleId>>;

/// Returns the text of the file with the new comments.
///
/// Returns `None` if the proof fails. The findings that must be suppressed are those of `groups`.
pub fn proven_text(
    file: &OriginalFile<'_>,
    comments: &NewComments,
    groups: &[&Group],
) -> Option<String> {
    let edits = comments
        .iter()
        .map(|(&placement, rules)| file.edit(placement, rules));
    let (text, directives) = with_comments(file, edits.collect::<Option<Vec<Edit>>>()?)?;
    let new = NewDirectives::new(&directives, file, comments);
    let is_proven =
        groups.iter().all(|group| new.suppress(group)) && new.preserve(&file.directives);
    is_proven.then_some(text)
}

/// Returns the text of the file with a new `literal` comment. Returns `None` if it would not apply to
/// one of the lines, or if the proof fails.
pub fn proven_literal(
    file: &OriginalFile<'_>,
    placement: Placement,
    lines: &BTreeSet<usize>,
) -> Option<String> {
    let edit = file.comment_edit(placement, "literal")?;
    let (text, directives) = with_comments(file, vec![edit])?;
    let comments = NewComments::from([(placement, BTreeSet::new())]);
    let new = NewDirectives::new(&directives, file, &comments);
    let literal = &DirectiveKind::Literal;
    let applies = lines
        .iter()
        .any(|&line| new.all.contains(&(new.moved_line(line), literal)));
    (applies && new.preserve(&file.directives)).then_some(text)
}

/// Returns the text and the directives of the file with comments. Returns `None` if it is another
/// document.
fn with_comments(
    file: &OriginalFile<'_>,
    mut edits: Vec<Edit>,
) -> Option<(String, Vec<Directive>)> {
    edits.sort_by_key(|edit| edit.span);
    let text = apply(file.source.text(), &edits)?;
    let source = Arc::new(SourceFile::new(file.source.path(), text));
    let document = Document::parse(Arc::clone(&source), file.syntax).ok()?;
    let difference = file.document.find_difference(&document, &HashMap::new());
    let directives = directives::directives(&document);
    difference
        .is_none()
        .then(|| (source.text().to_owned(), directives))
}

/// The directives of the new text, and how its lines moved.
struct NewDirectives<'d> {
    all: HashSet<(usize, &'d DirectiveKind)>,
    /// The rules that are ignored, with the line that the comment applies to.
    ignored: HashSet<(usize, &'d str)>,
    /// The lines of the old text above which a line was added, sorted.
    lines_below: Vec<usize>,
}

impl<'d> NewDirectives<'d> {
    fn new(directives: &'d [Directive], file: &OriginalFile<'_>, comments: &NewComments) -> Self {
        let all = directives
            .iter()
            .map(|directive| (directive.line, &directive.kind))
            .collect();
        let mut ignored = HashSet::new();
        for directive in directives {
            if let DirectiveKind::Ignore(rules) = &directive.kind {
                ignored.extend(rules.iter().map(|rule| (directive.line, rule.as_str())));
            }
        }
        let mut lines_below: Vec<usize> = comments
            .keys()
            .filter_map(|placement| file.line_below(*placement))
            .collect();
        lines_below.sort_unstable();
        Self {
            all,
            ignored,
            lines_below,
        }
    }

    /// Returns the line of the new text that contains the text of an old line.
    fn moved_line(&self, line: usize) -> usize {
        line + self.lines_below.partition_point(|&below| below <= line)
    }

    fn ignores(&self, old_line: usize, rule: &str) -> bool {
        self.ignored.contains(&(self.moved_line(old_line), rule))
    }

    /// Returns whether the comments suppress all findings of a group.
    fn suppress(&self, group: &Group) -> bool {
        group.rules.iter().all(|rule| {
            group
                .lines
                .iter()
                .any(|&line| self.ignores(line, rule.name()))
        })
    }

    /// Returns whether all old directives still apply to the same lines.
    fn preserve(&self, old: &[Directive]) -> bool {
        old.iter().all(|directive| match &directive.kind {
            DirectiveKind::Ignore(rules) => {
                rules.iter().all(|rule| self.ignores(directive.line, rule))
            }
            kind => self.all.contains(&(self.moved_line(directive.line), kind)),
        })
    }
}
