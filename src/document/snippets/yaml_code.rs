//! Code in the scalars of a YAML file, with the expressions of its host.

use super::code_builder::{CodeBuilder, UNKNOWN_VARIABLE};
use super::{Snippet, SnippetKind};
use crate::document::{Document, NodeId, Syntax};
use crate::text::source::SourceFile;
use memchr::{memchr2, memmem};
use std::sync::Arc;

/// The marks around the expressions of a host, for example `${{` and `}}`.
pub(super) struct ExpressionMarks {
    pub open: &'static str,
    pub close: &'static str,
}

/// Parses a YAML file. Returns `None` if it does not parse: then it is not known what its lines are.
pub(super) fn parse(source: &Arc<SourceFile>) -> Option<Document> {
    Document::parse(Arc::clone(source), Syntax::Yaml).ok()
}

/// Returns the code in a scalar. Expressions of the host become unknown variables of the shell.
/// Returns `None` if the node is not a scalar or if it is empty.
pub(super) fn scalar_code(
    document: &Document,
    node: NodeId,
    marks: &ExpressionMarks,
    kind: SnippetKind,
) -> Option<Snippet> {
    let text = document.text(node)?;
    let map = document.offsets(node);
    let mut code = CodeBuilder::new(text, &map, 0);
    let mut from = 0;
    while let Some(open) = find(text, marks.open, from) {
        let Some(end) = expression_end(text, open + marks.open.len(), marks.close) else {
            // The host refuses an expression that is not closed.
            break;
        };
        code.push(from..open);
        code.replace(open..end, UNKNOWN_VARIABLE);
        from = end;
    }
    code.push(from..text.len());
    code.finish(kind)
}

fn find(text: &str, mark: &str, from: usize) -> Option<usize> {
    let rest = text.as_bytes().get(from..)?;
    memmem::find(rest, mark.as_bytes()).map(|at| from + at)
}

/// Returns the offset after the mark that closes an expression. A string in the expression may
/// contain the mark.
fn expression_end(text: &str, start: usize, close: &str) -> Option<usize> {
    let bytes = text.as_bytes();
    let mut at = start;
    loop {
        at += memchr2(b'\'', *close.as_bytes().first()?, bytes.get(at..)?)?;
        let rest = text.get(at..)?;
        if rest.starts_with(close) {
            return Some(at + close.len());
        }
        at += 1;
        if rest.starts_with('\'') {
            at += memchr::memchr(b'\'', bytes.get(at..)?)? + 1;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const MARKS: ExpressionMarks = ExpressionMarks {
        open: "${{",
        close: "}}",
    };

    fn code(yaml: &str) -> Option<String> {
        let document = parse(&Arc::new(SourceFile::new("x.yaml", yaml)))?;
        let node = *document.roots().first()?;
        Some(scalar_code(&document, node, &MARKS, SnippetKind::Script)?.code)
    }

    #[test]
    fn expressions_become_variables() {
        let cases = [
            ("a ${{ b }}-${{c}} d", "a ${_}-${_} d"),
            ("a ${{ format('{{0}}', 'it''s') }} d", "a ${_} d"),
            ("a ${{ '}' }} } {{b.c}}", "a ${_} } {{b.c}}"),
            ("a ${{ b", "a ${{ b"),
            ("a ${{ 'b }} c", "a ${{ 'b }} c"),
            ("$ {{ a }}", "$ {{ a }}"),
        ];
        for (yaml, expected) in cases {
            assert_eq!(code(yaml).as_deref(), Some(expected), "{yaml}");
        }
        assert_eq!(code("[a]"), None);
        assert_eq!(code("''"), None);
        assert_eq!(code("a: ["), None);
    }
}
