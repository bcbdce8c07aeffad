//! Assignments of variables in a Makefile, for example `NAME := value`.

use super::Snippet;
use super::SnippetKind;
use super::code_builder::{CodeBuilder, is_assignable, shell_name};
use super::host_lines::trim;
use super::make_references::{find_outside, push_expanded};
use crate::document::OffsetMap;
use std::ops::Range;

/// An assignment of a variable.
pub(super) struct MakeAssignment {
    /// The name.
    pub name: Range<usize>,
    /// The operator.
    pub operator: MakeOperator,
    /// The value without a comment.
    pub value: Range<usize>,
}

/// The operator of an assignment.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum MakeOperator {
    /// `=`, `:=`, `::=` or `:::=`.
    Set,
    /// `+=`.
    Append,
    /// `?=`, which sets a default.
    SetDefault,
    /// `!=`, whose value is a command.
    Command,
}

impl MakeAssignment {
    /// Parses an assignment in a range of a Makefile. Returns `None` if it is not one.
    pub fn parse(text: &str, range: Range<usize>) -> Option<Self> {
        let range = trim(text, range);
        let end = find_outside(text, range.clone(), |byte| {
            byte.is_ascii_whitespace() || matches!(byte, b'=' | b':' | b'+' | b'?' | b'!' | b'#')
        })?;
        let name = range.start..end;
        let operator = trim(text, end..range.end);
        let rest = text.get(operator.clone())?;
        let (operator_len, kind) = [
            ("=", MakeOperator::Set),
            (":=", MakeOperator::Set),
            ("::=", MakeOperator::Set),
            (":::=", MakeOperator::Set),
            ("+=", MakeOperator::Append),
            ("?=", MakeOperator::SetDefault),
            ("!=", MakeOperator::Command),
        ]
        .into_iter()
        .find_map(|(sign, kind)| rest.starts_with(sign).then_some((sign.len(), kind)))?;
        let value = operator.start + operator_len..range.end;
        (!name.is_empty()).then(|| Self {
            name,
            operator: kind,
            value: trim(text, without_comment(text, value)),
        })
    }

    /// Returns the code that the assignment adds: the assignment as a shell would write it, and the
    /// value if it may be a command that recipes run.
    pub fn snippets(&self, text: &str, map: &OffsetMap) -> Vec<Snippet> {
        let mut found = Vec::new();
        let kind = match self.operator {
            MakeOperator::Command => Some(SnippetKind::Script),
            _ if text.get(self.value.clone()).is_some_and(has_command) => Some(SnippetKind::Other),
            _ => None,
        };
        if let Some(kind) = kind {
            let mut code = CodeBuilder::new(text, map, self.value.start);
            push_value(&mut code, text, self.value.clone(), CodeBuilder::push);
            found.extend(code.finish(kind));
        }
        found.extend(self.shell_assignment(text, map));
        found
    }

    /// Returns the assignment as a shell would write it. Returns `None` if its value is not known,
    /// or if the name is not a name in a shell.
    fn shell_assignment(&self, text: &str, map: &OffsetMap) -> Option<Snippet> {
        let name = shell_name(text.get(self.name.clone())?).filter(|name| is_assignable(name))?;
        let mut code = CodeBuilder::new(text, map, self.name.start);
        code.replace(self.name.clone(), &name);
        let operator = self.name.end..self.value.start;
        match self.operator {
            MakeOperator::Set => code.replace(operator, "=\""),
            MakeOperator::Append => code.replace(operator, &format!("=\"${{{name}}} ")),
            MakeOperator::SetDefault | MakeOperator::Command => return None,
        }
        push_value(
            &mut code,
            text,
            self.value.clone(),
            CodeBuilder::push_in_double_quotes,
        );
        code.replace(self.value.end..self.value.end, "\"");
        code.finish(SnippetKind::Script)
    }
}

/// Returns a range up to a comment. A backslash escapes the number sign.
fn without_comment(text: &str, range: Range<usize>) -> Range<usize> {
    let value = text.get(range.clone()).unwrap_or_default();
    let comment = memchr::memchr_iter(b'#', value.as_bytes())
        .find(|&at| !value.get(..at).is_some_and(|before| before.ends_with('\\')));
    range.start..comment.map_or(range.end, |at| range.start + at)
}

/// Returns whether a value contains a command of the program whose commands are read.
fn has_command(value: &str) -> bool {
    value
        .split_ascii_whitespace()
        .any(|word| word == crate::document::COMMAND)
}

/// Adds a value. As in Make, a continued line is joined with one space.
fn push_value<'t>(
    code: &mut CodeBuilder<'t>,
    text: &str,
    range: Range<usize>,
    push: fn(&mut CodeBuilder<'t>, Range<usize>),
) {
    let push_joined = |code: &mut CodeBuilder<'t>, part: Range<usize>| {
        let mut from = part.start;
        let inner = text.get(part.clone()).unwrap_or_default();
        for at in memchr::memchr_iter(b'\n', inner.as_bytes()) {
            let before = text.get(from..part.start + at).unwrap_or_default();
            let line = before.trim_end_matches('\r');
            let line = line.strip_suffix('\\').unwrap_or(line).trim_end();
            let next = text.get(part.start + at..part.end).unwrap_or_default();
            let next = part.end - next.trim_start().len();
            push(code, from..from + line.len());
            code.replace(from + line.len()..next.max(from + line.len()), " ");
            from = next;
        }
        push(code, from..part.end.max(from));
    };
    push_expanded(code, text, range, push_joined);
}

#[cfg(test)]
#[expect(clippy::indexing_slicing, clippy::unwrap_used, reason = "tests")]
mod tests {
    use super::*;
    use crate::text::source::Span;

    fn parse(text: &str) -> Option<(&str, MakeOperator, &str)> {
        let found = MakeAssignment::parse(text, 0..text.len())?;
        Some((&text[found.name], found.operator, &text[found.value]))
    }

    #[test]
    fn operators_are_recognized() {
        let cases = [
            ("A = b c", Some(("A", MakeOperator::Set, "b c"))),
            ("A=b", Some(("A", MakeOperator::Set, "b"))),
            ("a-b :=", Some(("a-b", MakeOperator::Set, ""))),
            ("A::=b # c", Some(("A", MakeOperator::Set, "b"))),
            ("A :::= b\\#c", Some(("A", MakeOperator::Set, "b\\#c"))),
            ("A += b", Some(("A", MakeOperator::Append, "b"))),
            ("A ?= b=c", Some(("A", MakeOperator::SetDefault, "b=c"))),
            (
                "A != zenml x",
                Some(("A", MakeOperator::Command, "zenml x")),
            ),
            ("$(A)_$(B) = c", Some(("$(A)_$(B)", MakeOperator::Set, "c"))),
            ("a: b", None),
            ("a: B = c", None),
            ("a b = c", None),
            ("a :: b", None),
            ("# A = b", None),
            ("= b", None),
            ("$(call f,x = y)", None),
            ("", None),
        ];
        for (text, expected) in cases {
            assert_eq!(parse(text), expected, "{text}");
        }
    }

    fn code(text: &str) -> Vec<(SnippetKind, String)> {
        let map = OffsetMap::from_verbatim(Span::new(0, text.len()));
        let found = MakeAssignment::parse(text, 0..text.len()).unwrap();
        let found = found.snippets(text, &map).into_iter();
        found.map(|snippet| (snippet.kind, snippet.code)).collect()
    }

    #[test]
    fn an_assignment_is_that_of_a_shell() {
        let cases = [
            ("A := b c", "A=\"b c\""),
            ("a-b = x", "a_b=\"x\""),
            ("A = $(B)/$$C \"d\"", "A=\"${B}/$C \\\"d\\\"\""),
            ("A = b \\\n\t c \\\r\n d", "A=\"b c d\""),
            ("A += b", "A=\"${A} b\""),
            ("A =", "A=\"\""),
        ];
        for (text, expected) in cases {
            assert_eq!(
                code(text),
                [(SnippetKind::Script, expected.into())],
                "{text}"
            );
        }
        assert_eq!(code("A ?= b"), []);
        assert_eq!(code("$(A) = b"), []);
    }

    #[test]
    fn a_value_may_be_a_command() {
        assert_eq!(
            code("R = poetry run zenml secret \\\n  create $(X)")[0],
            (
                SnippetKind::Other,
                "poetry run zenml secret create ${X}".into()
            )
        );
        assert_eq!(
            code("R != zenml x"),
            [(SnippetKind::Script, "zenml x".into())]
        );
    }
}
