//! Comments that instruct stackref.
//!
//! There are two: `# stackref: ignore[rule, rule] reason` and `# stackref: literal`.
//!
//! A comment after other text applies to its own line. A comment on a line of its own applies to
//! the next line that is not a comment. A finding is on a line if its span, the scalar that
//! contains it or the key of that scalar begins there. In a script, the command must begin there. In
//! Python and Terraform, the call may begin there, too. JSON has no comments: use `[[ignore]]` in the
//! config instead.

mod comment_spans;

pub use comment_spans::comments;

use crate::diagnostics::finding::FixEdit;
use crate::diagnostics::rule_id::RuleId;
use crate::document::{Document, NodeId, Syntax};
use crate::text::nearest::nearest;
use crate::text::source::{SourceFile, Span};
use comment_spans::{BlockStyle, scalar_contents};
use std::collections::HashSet;

/// A comment that instructs stackref.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Directive {
    /// The span from `#` to the end of the line.
    pub span: Span,
    /// The span from `#` to the end of the directive, without the reason after it.
    pub directive_span: Span,
    /// The kind of the directive.
    pub kind: DirectiveKind,
    /// The line that it applies to, counted from 1.
    pub line: usize,
    /// Whether the comment ends a block scalar above it. Without the comment, the following lines
    /// would belong to the scalar.
    ends_block: bool,
}

/// The kind of a directive.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum DirectiveKind {
    /// `ignore[rule, rule]`, with at least one rule.
    Ignore(Vec<String>),
    /// `ignore` without rules, or a misspelled `ignore` or `literal`.
    MissingRules,
    /// `literal`, which marks the braces of the scalar as plain text.
    Literal,
}

impl Directive {
    /// Returns the edit that removes some rules from the comment, or the whole comment. The whole
    /// comment is removed with the blanks before it, or with its line if the line contains nothing
    /// else.
    pub fn removal(&self, source: &SourceFile, rules: &[&str], whole: bool) -> FixEdit {
        let text = source.slice(self.span);
        let list = text
            .find('[')
            .zip(text.find(']'))
            .filter(|(open, close)| open < close && !whole);
        if let Some((open, close)) = list {
            let names = text
                .get(open + 1..close)
                .unwrap_or_default()
                .split(',')
                .map(str::trim);
            let left: Vec<&str> = names
                .filter(|name| !name.is_empty() && !rules.contains(name))
                .collect();
            return FixEdit::new(
                Span::new(self.span.start + open + 1, self.span.start + close),
                left.join(", "),
            );
        }
        let line = source.line_span(self.span.start);
        let lead = source.slice(Span::new(line.start, self.span.start));
        let kept = lead.trim_end_matches([' ', '\t']).len();
        let is_alone = lead.trim_start_matches('\u{feff}').trim().is_empty();
        let line_break = source.text().get(line.end..).unwrap_or_default();
        let line_break = if line_break.starts_with("\r\n") {
            2
        } else {
            usize::from(!line_break.is_empty())
        };
        if is_alone && self.ends_block {
            return FixEdit::new(Span::new(self.span.start + 1, self.span.end), "");
        }
        let start = if is_alone && lead.starts_with('\u{feff}') {
            line.start + 3
        } else {
            line.start
        };
        let span = if is_alone {
            Span::new(start, line.end + line_break)
        } else {
            Span::new(line.start + kept, self.span.end)
        };
        FixEdit::new(span, "")
    }

    /// Returns whether the comment suppresses the findings of a rule on its line.
    pub fn suppresses(&self, rule: RuleId) -> bool {
        matches!(&self.kind, DirectiveKind::Ignore(names) if names.iter().any(|name| name == rule.name()))
    }
}

/// Returns the directives of a document, in the order of the file.
pub fn directives(document: &Document) -> Vec<Directive> {
    #[cfg(test)]
    crate::counters::record(crate::counters::Fact::Directives);
    let text = document.source().text();
    if document.syntax() == Syntax::Json
        || memchr::memmem::find(text.as_bytes(), b"stackref:").is_none()
    {
        return Vec::new();
    }
    let contents = scalar_contents(document);
    let code_lines = code_lines(document);
    let mut found: Vec<Directive> = Vec::new();
    // Bottom up, so that each of several successive comments applies to the line after the last
    // one.
    let mut below: Option<(usize, usize)> = None;
    let mut indent_below = 0;
    for comment in comments(document).into_iter().rev() {
        let whole = document.source().line_span(comment.start);
        let lead = text.get(whole.start..comment.start).unwrap_or_default();
        let is_alone = lead.trim_start_matches('\u{feff}').trim().is_empty();
        let line = document.source().position(comment.start).line;
        let number = if is_alone {
            below
                .filter(|&(next, _)| next == line + 1)
                .map_or(line + 1, |(_, number)| number)
        } else {
            line_of_command(document, comment.start, line)
                .or_else(|| line_of_call(document, &code_lines, comment.start, line))
                .unwrap_or(line)
        };
        let number = if text
            .get(comment.start..)
            .is_some_and(|text| text.starts_with("<!--"))
        {
            line_below_fence(document, comment.end, number)
        } else {
            number
        };
        let deeper_below =
            std::mem::replace(&mut indent_below, if is_alone { lead.len() } else { 0 })
                > lead.len();
        if is_alone {
            below = Some((line, number));
        }
        let Some(parsed) = parse_directive(document.source().slice(comment)) else {
            continue;
        };
        let span = Span::new(comment.start + parsed.hash, comment.end);
        found.push(Directive {
            span,
            directive_span: Span::new(span.start, comment.start + parsed.end),
            kind: parsed.kind,
            line: number,
            ends_block: ends_block(&contents, comment.start, deeper_below),
        });
    }
    found.reverse();
    if document.syntax().is_script() {
        // Other text with `#` may be a string of the shell, or prose.
        found.retain(|directive| code_lines.contains(&directive.line));
    }
    found
}

/// Returns whether a comment ends the block scalar that precedes it. `deeper_below` means that the
/// line below the comment is indented deeper. Only then could it belong to a chomped scalar.
fn ends_block(contents: &[(Span, BlockStyle)], comment: usize, deeper_below: bool) -> bool {
    let before = contents
        .partition_point(|(span, _)| span.start <= comment)
        .checked_sub(1);
    before
        .and_then(|at| contents.get(at))
        .is_some_and(|(_, block)| match block {
            BlockStyle::NotBlock => false,
            BlockStyle::Chomped => deeper_below,
            BlockStyle::Kept => true,
        })
}

/// Returns the lines in which commands, calls or parts of calls begin.
fn code_lines(document: &Document) -> HashSet<usize> {
    let commands = document.commands().iter();
    let commands = commands.map(|&command| first_line(document, command));
    let calls = document.call_nodes();
    let calls = calls.map(|node| document.source().position(node.span.start).line);
    commands.chain(calls).collect()
}

/// Returns the line in which a command or a call begins.
fn first_line(document: &Document, command: NodeId) -> usize {
    let start = document.node(command).span.start;
    document.source().position(start).line
}

/// Returns the commands of a script that begin before an offset, and the others.
fn commands_around(document: &Document, offset: usize) -> (&[NodeId], &[NodeId]) {
    let commands = document.commands();
    commands.split_at(commands.partition_point(|&it| document.node(it).span.start < offset))
}

/// Returns the first line of a command in a script, if the comment is on the command's last line.
/// The comment then applies to the whole command.
fn line_of_command(document: &Document, comment: usize, line: usize) -> Option<usize> {
    let (before, _) = commands_around(document, comment);
    let command = *before.last()?;
    let end = document.node(command).span.end;
    (document.source().position(end).line == line).then(|| first_line(document, command))
}

/// Returns the first line of a call that ends in the line of a comment, if nothing else begins there.
/// The comment then applies to the whole call.
fn line_of_call(
    document: &Document,
    code_lines: &HashSet<usize>,
    comment: usize,
    line: usize,
) -> Option<usize> {
    let calls = document.calls();
    let before = calls.partition_point(|call| document.node(call.node).span.start < comment);
    let call = calls.get(before.checked_sub(1)?)?.node;
    let end = document.node(call).span.end;
    let ends_here = document.source().position(end).line == line;
    (ends_here && !code_lines.contains(&line)).then(|| first_line(document, call))
}

/// Returns the line that a comment of HTML applies to. A comment above a block of code applies to the
/// first command in the block: the block itself can contain no such comment.
fn line_below_fence(document: &Document, comment_end: usize, line: usize) -> usize {
    const MAX_FENCE_LINES: usize = 3;
    let (_, after) = commands_around(document, comment_end);
    let next_line = after.first().map(|&command| first_line(document, command));
    next_line
        .filter(|next| (line..line + MAX_FENCE_LINES).contains(next))
        .unwrap_or(line)
}

/// A parsed directive, with its start and end in the comment.
struct ParsedDirective {
    hash: usize,
    end: usize,
    kind: DirectiveKind,
}

fn parse_directive(comment: &str) -> Option<ParsedDirective> {
    comment.match_indices("stackref:").find_map(|(at, mark)| {
        let before = comment.get(..at)?.trim_end_matches([' ', '\t']);
        let hash = before
            .strip_suffix('#')
            .or_else(|| before.strip_suffix("<!--"))?
            .len();
        let rest = comment.get(at + mark.len()..)?;
        let directive = rest.trim_start();
        let (kind, len) = parse_directive_kind(directive)?;
        Some(ParsedDirective {
            hash,
            end: comment.len() - directive.len() + len,
            kind,
        })
    })
}

/// Parses the text after `stackref:`. Returns the kind and the number of bytes that it takes.
fn parse_directive_kind(text: &str) -> Option<(DirectiveKind, usize)> {
    let word_len = text
        .find(|c: char| !c.is_alphanumeric() && c != '-' && c != '_')
        .unwrap_or(text.len());
    let (word, rest) = text.split_at_checked(word_len)?;
    match word {
        "literal" => Some((DirectiveKind::Literal, word_len)),
        "ignore" => {
            let inner = rest
                .trim_start()
                .strip_prefix('[')
                .and_then(|rest| rest.split_once(']'));
            let names = inner
                .map_or("", |(names, _)| names)
                .split(',')
                .map(str::trim);
            let rules: Vec<String> = names
                .filter(|name| !name.is_empty())
                .map(str::to_owned)
                .collect();
            let len = inner.map_or(word_len, |(_, after)| text.len() - after.len());
            Some((
                if rules.is_empty() {
                    DirectiveKind::MissingRules
                } else {
                    DirectiveKind::Ignore(rules)
                },
                len,
            ))
        }
        other => {
            nearest(other, ["ignore", "literal"]).map(|_| (DirectiveKind::MissingRules, word_len))
        }
    }
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "tests")]
mod tests {
    use super::*;
    use crate::document::ScriptHost;
    use crate::text::source::SourceFile;
    use std::sync::Arc;

    fn read(text: &str) -> Vec<(usize, DirectiveKind)> {
        let source = Arc::new(SourceFile::new("x.yaml", text));
        let document = Document::parse(source, Syntax::Yaml).unwrap();
        directives(&document)
            .into_iter()
            .map(|directive| (directive.line, directive.kind))
            .collect()
    }

    #[test]
    fn a_comment_applies_to_its_line_or_to_the_next() {
        let ignore = |name: &str| DirectiveKind::Ignore(vec![name.to_owned()]);
        assert_eq!(read("a: b # stackref: ignore[x] why\n"), [(1, ignore("x"))]);
        assert_eq!(
            read("# stackref: ignore[x]\n#stackref: literal\na: b"),
            [(3, ignore("x")), (3, DirectiveKind::Literal)]
        );
        assert_eq!(
            read("a: | # stackref: literal\n  b\n"),
            [(1, DirectiveKind::Literal)]
        );
        assert_eq!(
            read("a: b # stackref: ignore\n# stackref: ignroe[x]\n"),
            [
                (1, DirectiveKind::MissingRules),
                (3, DirectiveKind::MissingRules)
            ]
        );
    }

    #[test]
    fn a_removal_takes_rules_the_blanks_or_the_line() {
        for (text, whole, left) in [
            ("a: b # stackref: ignore[x]\n", true, "a: b\n"),
            ("a: b \t# stackref: ignore[x] why", true, "a: b"),
            ("a: b # why # stackref: ignore[x]", true, "a: b # why"),
            ("a: b\n# stackref: ignore[x]", true, "a: b\n"),
            (
                "a:\r\n  # stackref: ignore[x]\r\n  b: c\r\n",
                true,
                "a:\r\n  b: c\r\n",
            ),
            ("\u{feff}# stackref: ignore[x]\na: b", true, "\u{feff}a: b"),
            (
                "\u{feff}a: b # stackref: ignore[x]\n",
                true,
                "\u{feff}a: b\n",
            ),
            (
                "a: b # stackref: ignore[x, y , z]\n",
                false,
                "a: b # stackref: ignore[y, z]\n",
            ),
            (
                "a: b # stackref: ignore[y,] why\n",
                false,
                "a: b # stackref: ignore[y] why\n",
            ),
            ("a: b # stackref: ignore]x[\n", false, "a: b\n"),
            // The line after a block scalar would become a part of it.
            (
                "a: |+\n  b\n# stackref: ignore[x]\n",
                true,
                "a: |+\n  b\n#\n",
            ),
            (
                "a: |\n  b\n# stackref: ignore[x]\n  # c\n",
                true,
                "a: |\n  b\n#\n  # c\n",
            ),
            (
                "a: |\n  b\n# stackref: ignore[x]\n# c\n",
                true,
                "a: |\n  b\n# c\n",
            ),
            (
                "a: b\n# stackref: ignore[x]\n  # c\n",
                true,
                "a: b\n  # c\n",
            ),
        ] {
            let source = Arc::new(SourceFile::new("x.yaml", text));
            let document = Document::parse(Arc::clone(&source), Syntax::Yaml).unwrap();
            let directive = directives(&document).remove(0);
            let edit = directive.removal(&source, &["x"], whole);
            let mut removed = text.to_owned();
            removed.replace_range(edit.span.start..edit.span.end, &edit.replacement);
            assert_eq!(removed, left, "{text:?}");
        }
    }

    #[test]
    fn a_directive_begins_at_its_mark_and_ends_after_its_rules() {
        let text = "a: b # see # stackref:  ignore[x, y] because\n";
        let source = Arc::new(SourceFile::new("x.yaml", text));
        let document = Document::parse(Arc::clone(&source), Syntax::Yaml).unwrap();
        let directive = directives(&document).remove(0);
        assert_eq!(
            source.slice(directive.span),
            "# stackref:  ignore[x, y] because"
        );
        assert_eq!(
            source.slice(directive.directive_span),
            "# stackref:  ignore[x, y]"
        );
    }

    #[test]
    fn a_comment_applies_to_the_command_that_it_is_in_or_above() {
        let lines = |host, text: &str| {
            let source = Arc::new(SourceFile::new("x", text));
            let document = Document::parse(source, Syntax::Script(host)).unwrap();
            let found = directives(&document).into_iter();
            found.map(|directive| directive.line).collect::<Vec<_>>()
        };
        let shell = "# stackref: ignore[a]\nzenml secret get a\n\
                     zenml secret get \\\n  b # stackref: ignore[b]\n\
                     echo\n# stackref: ignore[c]\n\nzenml secret get c\n";
        assert_eq!(lines(ScriptHost::Shell, shell), [2, 3]);
        for (text, line) in [
            (
                "<!-- stackref: ignore[a] -->\n```sh\nzenml secret get a\n```\n",
                Some(3),
            ),
            (
                "<!-- stackref: ignore[a] -->\n\n```sh\nzenml secret get a\n```\n",
                Some(4),
            ),
            (
                "<!-- stackref: ignore[a] -->\n\n\n```sh\nzenml secret get a\n```\n",
                None,
            ),
            (
                "```sh\nzenml secret get a\n```\n<!-- stackref: ignore[a] -->\n",
                None,
            ),
        ] {
            assert_eq!(
                lines(ScriptHost::Markdown, text),
                Vec::from_iter(line),
                "{text}"
            );
        }
    }

    #[test]
    fn a_comment_applies_to_a_call_or_to_a_part_of_it() {
        let code = "from zenml.client import Client\n# stackref: ignore[a] not code\n\n\
                    # stackref: ignore[b]\nc = Client()\nc.get_secret(\"x\") # stackref: ignore[c]\n\
                    # stackref: ignore[d]\nc.create_stack_component(\n  'y', 'z', 'alerter',\n\
                    \x20 {\n    'k': 'v', # stackref: literal\n  },\n) # stackref: ignore[e]\n\
                    x = '# stackref: ignore[f]'\nz = 1 # stackref: ignore[g] no call\n";
        let source = Arc::new(SourceFile::new("x.py", code));
        let document = Document::parse(source, Syntax::Script(ScriptHost::Python)).unwrap();
        let found = directives(&document).into_iter();
        let found: Vec<_> = found
            .map(|directive| (directive.line, directive.kind))
            .collect();
        let ignore = |name: &str| DirectiveKind::Ignore(vec![name.to_owned()]);
        assert_eq!(
            found,
            [
                (6, ignore("c")),
                (8, ignore("d")),
                (11, DirectiveKind::Literal),
                (8, ignore("e")),
            ]
        );
    }

    #[test]
    fn text_in_scalars_is_not_a_comment() {
        assert_eq!(
            read(
                "a: 'b # stackref: literal'\nc: |\n  # stackref: literal\nd: x#stackref:literal\n"
            ),
            []
        );
        assert_eq!(read("# stackref: see the docs\na: b"), []);
    }
}
