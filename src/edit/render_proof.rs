//! The proof of a render: the output is the input with the references replaced, and nothing else.
//!
//! The new text is parsed again. It is compared with the old document node by node, and byte by
//! byte outside of the changed scalars. YAML is compared as readers of YAML 1.1 and of YAML 1.2
//! read it, since they differ in the characters that end a line. A difference is a bug in stackref,
//! and nothing is written.

use crate::diagnostics::error::Failure;
use crate::document::{Document, Edit, NodeId};
use crate::text::redacted_source::RedactedSource;
use crate::text::source::{SourceFile, Span};
use std::collections::HashMap;
use std::sync::Arc;

/// The input of a render, with which its output is compared.
pub(super) struct RenderProof<'p> {
    pub(super) source: &'p Arc<RedactedSource>,
    pub(super) document: &'p Document,
    pub(super) edits: &'p [Edit],
    pub(super) changed: &'p HashMap<NodeId, String>,
}

impl RenderProof<'_> {
    /// Verifies that the new text is the old document with the changed scalars, and nothing else.
    ///
    /// # Errors
    /// Returns an internal error at the first difference.
    pub(super) fn verify(&self, text: &str) -> Result<(), Failure> {
        let source = self.source;
        let first = self.edits.first().map_or_else(Span::default, |edit| {
            Span::new(edit.span.start, edit.span.start)
        });
        if !self.preserves_the_rest(text) {
            return Err(internal_error(
                source,
                first,
                "bytes outside of the replaced scalars would change",
            ));
        }
        let reparsed = Arc::new(SourceFile::new(source.path(), text));
        let Ok(parsed) = Document::parse(reparsed, self.document.syntax()) else {
            return Err(internal_error(
                source,
                first,
                "the rendered text does not parse",
            ));
        };
        let ambiguous = || {
            self.changed
                .keys()
                .copied()
                .find(|&node| parsed.has_ambiguous_break(node))
        };
        let Some(node) = self
            .document
            .find_difference(&parsed, self.changed)
            .or_else(ambiguous)
        else {
            return Ok(());
        };
        let start = self.document.node(node).span.start;
        Err(internal_error(
            source,
            Span::new(start, start),
            "the rendered text has a different meaning",
        ))
    }

    /// Returns whether the bytes between the changed scalars are the same in the new text.
    fn preserves_the_rest(&self, text: &str) -> bool {
        let old = self.document.source().text();
        let (mut old_at, mut new_at) = (0, 0);
        let end = Span::new(old.len(), old.len());
        let edits = self.edits.iter().map(|edit| (edit.span, edit.text.len()));
        for (span, len) in edits.chain([(end, 0)]) {
            let kept = old.get(old_at..span.start).unwrap_or_default();
            if !text
                .get(new_at..)
                .is_some_and(|rest| rest.starts_with(kept))
            {
                return false;
            }
            new_at += kept.len() + len;
            old_at = span.end;
        }
        new_at == text.len()
    }
}

/// Returns the error for a bug of stackref.
pub(super) fn internal_error(source: &RedactedSource, span: Span, problem: &str) -> Failure {
    let location = format!("{}:{}", source.path(), source.position(span.start).line);
    Failure::usage(format!("internal error at {location}: {problem}; nothing was written")).at(source, span).with_help(
        "please report this bug of stackref with the form of this scalar (its quotes and line breaks, not its value)",
    )
}

#[cfg(test)]
#[expect(clippy::expect_used, reason = "tests")]
mod tests {
    use super::*;
    use crate::document::Syntax;

    const OLD: &str = "k: '{{a.b}}' # c\nl: x\n";

    /// Verifies a new text in which the value of `k` is replaced by `v`.
    fn verify(new: &str, edit: (usize, usize, &str)) -> Result<(), String> {
        verify_value(new, edit, "v")
    }

    fn verify_value(new: &str, edit: (usize, usize, &str), value: &str) -> Result<(), String> {
        let document = Document::parse(Arc::new(SourceFile::new("s.yaml", OLD)), Syntax::Yaml)
            .expect("it parses");
        let node = document
            .nodes()
            .find(|&(id, _)| document.text(id) == Some("{{a.b}}"))
            .expect("it is there")
            .0;
        let edits = [Edit::new(Span::new(edit.0, edit.1), edit.2.to_owned())];
        let changed = HashMap::from([(node, value.to_owned())]);
        let source = RedactedSource::span_only(document.source());
        let proof = RenderProof {
            source: &source,
            document: &document,
            edits: &edits,
            changed: &changed,
        };
        proof.verify(new).map_err(|failure| failure.to_string())
    }

    #[test]
    fn verify_rejects_a_raw_line_break_of_yaml_1_1() {
        assert_eq!(
            verify_value("k: \"\\L\" # c\nl: x\n", (3, 12, "\"\\L\""), "\u{2028}"),
            Ok(())
        );
        let message = verify_value("k: '\u{2028}' # c\nl: x\n", (4, 11, "\u{2028}"), "\u{2028}")
            .expect_err("a raw one");
        assert!(
            message.contains("the rendered text has a different meaning"),
            "{message}"
        );
    }

    #[test]
    fn verify_accepts_replaced_values() {
        assert_eq!(verify("k: 'v' # c\nl: x\n", (4, 11, "v")), Ok(()));
        assert_eq!(verify("k: \"v\" # c\nl: x\n", (3, 12, "\"v\"")), Ok(()));
    }

    #[test]
    fn verify_reports_other_changes_as_a_bug() {
        for (new, edit, why) in [
            (
                "k: 'v' # d\nl: x\n",
                (4, 11, "v"),
                "bytes outside of the replaced scalars would change",
            ),
            (
                "k: 'v' # c\nl: x\n\n",
                (4, 11, "v"),
                "bytes outside of the replaced scalars would change",
            ),
            (
                "k: 'v' # c\nl: x",
                (4, 11, "v"),
                "bytes outside of the replaced scalars would change",
            ),
            (
                "k: 'v # c\nl: x\n",
                (3, 12, "'v"),
                "the rendered text does not parse",
            ),
            (
                "k: 'w' # c\nl: x\n",
                (4, 11, "w"),
                "the rendered text has a different meaning",
            ),
        ] {
            let message = verify(new, edit).expect_err(new);
            assert!(
                message.starts_with("internal error at s.yaml:1: ") && message.contains(why),
                "{new:?}: {message}"
            );
        }
    }
}
