//! Positions for a comment: where one can be added for a finding, and the edit that adds it.
//!
//! A position is only a candidate: `proof` verifies that the comment there suppresses the finding.

use crate::diagnostics::finding::Finding;
use crate::diagnostics::rule_id::RuleId;
use crate::document::directives::{self, Directive, DirectiveKind};
use crate::document::{Document, Edit, ScriptHost, Syntax, is_prose};
use crate::text::redacted_source::RedactedSource;
use crate::text::source::Span;
use std::cmp::Reverse;
use std::collections::BTreeSet;
use std::sync::Arc;

/// A position for a comment.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Placement {
    /// Add the rules to the ignore comment with this index.
    ExistingComment(usize),
    /// Add the comment at the end of this line.
    EndOfLine(Span),
    /// Add the comment on a new line above this line.
    LineAbove(Span),
    /// Add a comment of HTML on a new line above this line, which begins a block of code.
    AboveBlock(Span),
}

/// The form of the comments to add.
#[derive(Clone, Copy, Debug, Default)]
pub struct CommentStyle<'r> {
    /// Whether a line above is better than the end of a line.
    pub prefers_line_above: bool,
    /// The reason that new comments contain.
    pub reason: Option<&'r str>,
}

/// A file before any comment is added.
pub struct OriginalFile<'a> {
    pub source: &'a Arc<RedactedSource>,
    pub syntax: Syntax,
    pub document: Document,
    pub directives: Vec<Directive>,
    style: CommentStyle<'a>,
}

impl<'a> OriginalFile<'a> {
    pub fn new(source: &'a Arc<RedactedSource>, syntax: Syntax, document: Document) -> Self {
        let directives = directives::directives(&document);
        Self {
            source,
            syntax,
            document,
            directives,
            style: CommentStyle::default(),
        }
    }

    pub fn with_style(mut self, style: CommentStyle<'a>) -> Self {
        self.style = style;
        self
    }

    pub fn is_ignore(&self, directive: usize) -> bool {
        self.directives
            .get(directive)
            .is_some_and(|directive| matches!(directive.kind, DirectiveKind::Ignore(_)))
    }

    /// Returns the positions for a comment that applies to one of these lines, the best first.
    pub fn placements(&self, finding: &Finding, lines: &BTreeSet<usize>) -> Vec<Placement> {
        let existing = (0..self.directives.len()).find(|&at| {
            self.is_ignore(at)
                && self
                    .directives
                    .get(at)
                    .is_some_and(|directive| lines.contains(&directive.line))
        });
        let line = self.source.line_span(finding.span.start);
        let scalar_line = self.source.line_span(finding.scalar_start);
        let mut placements = Vec::from_iter(existing.map(Placement::ExistingComment));
        if line == scalar_line && !self.opens_block(line) {
            placements.extend([Placement::EndOfLine(line), Placement::LineAbove(line)]);
        } else {
            placements.extend([
                Placement::LineAbove(scalar_line),
                Placement::EndOfLine(line),
                Placement::EndOfLine(scalar_line),
                Placement::LineAbove(line),
            ]);
        }
        if self.style.prefers_line_above {
            placements.extend(self.block_above(scalar_line).map(Placement::AboveBlock));
            // The nearest line first: in code, the finding may be far below the start of its call.
            placements.sort_by_key(|placement| match placement {
                Placement::ExistingComment(_) => (0, Reverse(0)),
                Placement::AboveBlock(_) => (1, Reverse(0)),
                Placement::LineAbove(line) => (2, Reverse(line.start)),
                Placement::EndOfLine(_) => (3, Reverse(0)),
            });
        }
        placements
            .retain(|placement| !self.syntax.is_script() || self.fits_script(*placement, finding));
        placements
    }

    /// Returns the line that begins the block of Markdown whose first line is the given one. MDX has
    /// no comments of HTML.
    fn block_above(&self, line: Span) -> Option<Span> {
        let is_mdx = self.source.path().to_ascii_lowercase().ends_with(".mdx");
        if self.syntax != Syntax::Script(ScriptHost::Markdown) || is_mdx {
            return None;
        }
        let fence = self.source.line_span(line.start.checked_sub(1)?);
        let text = self.source.slice(fence).trim_start();
        (text.starts_with("```") || text.starts_with("~~~")).then_some(fence)
    }

    /// Returns whether a line of YAML ends with the header of a block scalar.
    fn opens_block(&self, line: Span) -> bool {
        let header = self
            .source
            .slice(line)
            .trim_end()
            .rsplit([' ', '\t'])
            .next()
            .unwrap_or_default();
        let mut indicators = header.chars();
        self.syntax == Syntax::Yaml
            && indicators
                .next()
                .is_some_and(|first| matches!(first, '|' | '>'))
            && indicators.all(|indicator| matches!(indicator, '+' | '-' | '0'..='9'))
    }

    /// Returns whether a comment in a script would leave its commands unchanged.
    ///
    /// The proof cannot verify this, because stackref reads only the commands of scripts. A comment
    /// must not separate lines that a backslash joins, or be inserted into a paragraph of a text
    /// file.
    fn fits_script(&self, placement: Placement, finding: &Finding) -> bool {
        let line = self.source.line_span(finding.scalar_start);
        let before_command = self
            .source
            .slice(Span::new(line.start, finding.scalar_start));
        if is_prose(self.source.path()) && before_command.contains('`') {
            return false;
        }
        // The lines of a notebook are strings of JSON, and an instruction such as `CMD ["zenml"]`
        // accepts no comment.
        let is_refused = match self.syntax {
            Syntax::Script(ScriptHost::Notebook) => true,
            Syntax::Script(ScriptHost::Dockerfile) => matches!(placement, Placement::EndOfLine(_)),
            _ => false,
        };
        if is_refused {
            return false;
        }
        match placement {
            Placement::ExistingComment(_) | Placement::AboveBlock(_) => true,
            Placement::EndOfLine(line) => !continues_on_next_line(self.source.slice(line)),
            Placement::LineAbove(line) => {
                let line_before = line
                    .start
                    .checked_sub(1)
                    .map(|end| self.source.line_span(end));
                !line_before.is_some_and(|line| continues_on_next_line(self.source.slice(line)))
            }
        }
    }

    /// Returns the line, counted from 1, above which a placement adds a line. Returns `None` if it
    /// does not add one.
    pub fn line_below(&self, placement: Placement) -> Option<usize> {
        let (Placement::LineAbove(line) | Placement::AboveBlock(line)) = placement else {
            return None;
        };
        Some(self.source.position(line.start).line)
    }

    /// Returns the edit that adds an ignore comment for the rules. Returns `None` if the existing
    /// comment has no brackets.
    pub fn edit(&self, placement: Placement, rules: &BTreeSet<RuleId>) -> Option<Edit> {
        let list = rules
            .iter()
            .map(|rule| rule.name())
            .collect::<Vec<_>>()
            .join(", ");
        let Placement::ExistingComment(at) = placement else {
            let reason = self.style.reason.map(|reason| format!(" {reason}"));
            let directive = format!("ignore[{list}]{}", reason.unwrap_or_default());
            return self.comment_edit(placement, &directive);
        };
        let span = self.directives.get(at)?.directive_span;
        let text = self.source.slice(span);
        let (open, close) = (text.find('[')? + 1, text.rfind(']')?);
        let old = text
            .get(open..close)?
            .trim()
            .trim_end_matches(',')
            .trim_end();
        Some(Edit::new(
            Span::new(span.start + open, span.start + close),
            format!("{old}, {list}"),
        ))
    }

    /// Returns the edit that adds a comment with a directive. Returns `None` for the placement in an
    /// existing comment.
    pub fn comment_edit(&self, placement: Placement, directive: &str) -> Option<Edit> {
        let comment = match placement {
            Placement::AboveBlock(_) => format!("<!-- stackref: {directive} -->"),
            _ => format!("# stackref: {directive}"),
        };
        match placement {
            Placement::ExistingComment(_) => None,
            Placement::EndOfLine(line) => {
                let end = line.start + self.source.slice(line).trim_end_matches([' ', '\t']).len();
                Some(Edit::new(Span::new(end, line.end), format!(" {comment}")))
            }
            Placement::LineAbove(line) | Placement::AboveBlock(line) => {
                let text = self.source.slice(line);
                let text = text.strip_prefix('\u{feff}').unwrap_or(text);
                let indent: String = text
                    .chars()
                    .take_while(|c| matches!(c, ' ' | '\t'))
                    .collect();
                let start = line.end - text.len();
                let line_break = if self.source.text().contains("\r\n") {
                    "\r\n"
                } else {
                    "\n"
                };
                Some(Edit::new(
                    Span::new(start, start),
                    format!("{indent}{comment}{line_break}"),
                ))
            }
        }
    }
}

fn continues_on_next_line(line: &str) -> bool {
    line.trim_end().ends_with('\\')
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "tests")]
mod tests {
    use super::*;
    use crate::diagnostics::finding::Severity;
    use crate::diagnostics::finding_builder::{FindingBuilder, build_all};
    use crate::text::source::SourceFile;

    const MARKDOWN: Syntax = Syntax::Script(ScriptHost::Markdown);
    const SHELL: Syntax = Syntax::Script(ScriptHost::Shell);

    fn source(path: &str, text: &str) -> Arc<RedactedSource> {
        RedactedSource::span_only(&Arc::new(SourceFile::new(path, text)))
    }

    fn original(source: &Arc<RedactedSource>, syntax: Syntax) -> OriginalFile<'_> {
        let document = Document::parse(Arc::clone(source.file()), syntax).unwrap();
        OriginalFile::new(source, syntax, document)
    }

    #[test]
    fn header_of_a_block_scalar_ends_a_line_of_yaml() {
        for (line, opens) in [
            ("a: |", true),
            ("a: >-2 \n  b", true),
            ("a: b", false),
            ("a: b|", false),
            ("a: '|x'", false),
            ("a: \"b |x\"", false),
        ] {
            let source = source("x.yaml", line);
            let file = original(&source, Syntax::Yaml);
            assert_eq!(file.opens_block(source.line_span(0)), opens, "{line}");
        }
        let source = source("x.sh", "zenml secret list |\n  cat");
        assert!(!original(&source, SHELL).opens_block(source.line_span(0)));
    }

    #[test]
    fn only_a_block_of_markdown_has_a_line_above_it() {
        for (path, syntax, text, fence) in [
            ("x.md", MARKDOWN, "a\n```sh\nzenml x\n```\n", Some("```sh")),
            (
                "x.md",
                MARKDOWN,
                "a\n  ~~~\n  zenml x\n  ~~~\n",
                Some("  ~~~"),
            ),
            ("x.md", MARKDOWN, "a\n\nzenml x\n", None),
            ("x.md", MARKDOWN, "zenml x\n", None),
            ("x.MDX", MARKDOWN, "a\n```sh\nzenml x\n```\n", None),
            ("x.sh", SHELL, "```\nzenml x\n", None),
        ] {
            let source = source(path, text);
            let line = source.line_span(text.find("zenml").unwrap());
            let found = original(&source, syntax).block_above(line);
            assert_eq!(
                found.map(|fence| source.slice(fence)),
                fence,
                "{path}: {text}"
            );
        }
    }

    #[test]
    fn comments_follow_the_layout_of_the_file() {
        let line = Span::new;
        let rules = BTreeSet::from([RuleId::UnknownKey]);
        for (text, placement, expected) in [
            (
                "a: b \t\nc: d",
                Placement::EndOfLine(line(0, 6)),
                "a: b # stackref: ignore[unknown-key]\nc: d",
            ),
            (
                "a:\r\n \tb: c",
                Placement::LineAbove(line(4, 10)),
                "a:\r\n \t# stackref: ignore[unknown-key]\r\n \tb: c",
            ),
            (
                "\u{feff}a: b",
                Placement::LineAbove(line(0, 7)),
                "\u{feff}# stackref: ignore[unknown-key]\na: b",
            ),
            (
                "a\n```",
                Placement::AboveBlock(line(2, 5)),
                "a\n<!-- stackref: ignore[unknown-key] -->\n```",
            ),
            (
                "a: b # stackref: ignore[x, y ,] why",
                Placement::ExistingComment(0),
                "a: b # stackref: ignore[x, y, unknown-key] why",
            ),
        ] {
            let syntax = if text.contains('`') {
                MARKDOWN
            } else {
                Syntax::Yaml
            };
            let source = source("x", text);
            let edit = original(&source, syntax).edit(placement, &rules).unwrap();
            let edited = crate::document::apply(text, &[edit]).unwrap();
            assert_eq!(edited, expected);
        }
    }

    /// Returns whether a comment fits for a finding in the command of a script.
    fn fits_script(path: &str, syntax: Syntax, text: &str, placement: Placement) -> bool {
        let source = source(path, text);
        let at = text.find("zenml").unwrap_or_default();
        let builder = FindingBuilder::new(RuleId::UnknownKey, &source, Span::new(at, at), "");
        let findings = build_all(vec![builder], |_| Some(Severity::Error));
        let file = original(&source, syntax);
        file.fits_script(placement, findings.first().unwrap())
    }

    #[test]
    fn comment_does_not_change_the_commands_of_a_script() {
        const COMMAND: &str = "zenml a \\\n  b\n";
        let dockerfile = Syntax::Script(ScriptHost::Dockerfile);
        let notebook = Syntax::Script(ScriptHost::Notebook);
        let (first, second) = (Span::new(0, 9), Span::new(10, 13));
        for (path, syntax, text, placement, fits) in [
            ("x.sh", SHELL, COMMAND, Placement::LineAbove(first), true),
            ("x.sh", SHELL, COMMAND, Placement::EndOfLine(first), false),
            ("x.sh", SHELL, COMMAND, Placement::LineAbove(second), false),
            ("x.sh", SHELL, COMMAND, Placement::EndOfLine(second), true),
            (
                "x.sh",
                SHELL,
                "`zenml`",
                Placement::EndOfLine(Span::new(0, 7)),
                true,
            ),
            (
                "x.md",
                MARKDOWN,
                "`zenml`",
                Placement::LineAbove(Span::new(0, 7)),
                false,
            ),
            (
                "x.md",
                MARKDOWN,
                "zenml a",
                Placement::LineAbove(Span::new(0, 7)),
                true,
            ),
            (
                "Dockerfile",
                dockerfile,
                "RUN zenml",
                Placement::EndOfLine(Span::new(0, 9)),
                false,
            ),
            (
                "Dockerfile",
                dockerfile,
                "RUN zenml",
                Placement::LineAbove(Span::new(0, 9)),
                true,
            ),
            (
                "x.ipynb",
                notebook,
                "{}",
                Placement::LineAbove(Span::new(0, 2)),
                false,
            ),
        ] {
            assert_eq!(
                fits_script(path, syntax, text, placement),
                fits,
                "{path}: {placement:?}"
            );
        }
    }
}
