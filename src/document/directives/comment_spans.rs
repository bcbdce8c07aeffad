//! Finds the comments of a document.

use crate::document::{Document, NodeKind, ScriptHost, Style, Syntax};
use crate::text::source::{SourceFile, Span};

/// Returns the comments of a document, each from `#` to the end of its line. In Markdown, also
/// returns the comments of HTML that are in one line.
pub fn comments(document: &Document) -> Vec<Span> {
    let source = document.source();
    let mut comments: Vec<Span> = Vec::new();
    if document.syntax() == Syntax::Script(ScriptHost::Markdown) {
        comments = html_comments(source);
    }
    if document.syntax() == Syntax::Json || memchr::memchr(b'#', source.text().as_bytes()).is_none()
    {
        return comments;
    }
    let html_count = comments.len();
    let contents = scalar_contents(document);
    for hash in memchr::memchr_iter(b'#', source.text().as_bytes()) {
        let last = comments.get(html_count..).and_then(<[Span]>::last);
        if last.is_some_and(|comment| hash < comment.end) {
            continue;
        }
        let before = source.text().get(..hash).unwrap_or_default();
        let begins = before.is_empty() || before.ends_with([' ', '\t', '\n', '\r', '\u{feff}']);
        let scalar = contents
            .partition_point(|(span, _)| span.start <= hash)
            .checked_sub(1);
        let in_scalar = scalar
            .and_then(|at| contents.get(at))
            .is_some_and(|(span, _)| hash < span.end);
        if (begins || document.syntax() == Syntax::Toml) && !in_scalar {
            comments.push(Span::new(hash, source.line_span(hash).end));
        }
    }
    if html_count > 0 {
        comments.sort_unstable();
    }
    comments
}

/// Returns the comments `<!-- … -->` that do not continue on the next line.
fn html_comments(source: &SourceFile) -> Vec<Span> {
    let starts = memchr::memmem::find_iter(source.text().as_bytes(), b"<!--");
    let comments = starts.filter_map(|start| {
        let line = Span::new(start, source.line_span(start).end);
        let len = source.slice(line).find("-->")?;
        Some(Span::new(start, start + len + 3))
    });
    comments.collect()
}

/// Whether a scalar is a block scalar, and whether it keeps the line breaks after its text.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum BlockStyle {
    NotBlock,
    Chomped,
    Kept,
}

/// Returns the content of each scalar, in order. A `#` in it does not begin a comment. The header
/// line of a block scalar is not content.
pub(super) fn scalar_contents(document: &Document) -> Vec<(Span, BlockStyle)> {
    let mut contents: Vec<(Span, BlockStyle)> = Vec::new();
    for (_, node) in document.nodes() {
        let NodeKind::Scalar(scalar) = &node.kind else {
            continue;
        };
        let mut content = (node.span, BlockStyle::NotBlock);
        if matches!(scalar.style, Style::LiteralBlock | Style::FoldedBlock) {
            let header = document.source().line_span(node.span.start).end;
            let mut indicators = document
                .source()
                .slice(node.span)
                .bytes()
                .take_while(u8::is_ascii_graphic);
            let kept = indicators.any(|byte| byte == b'+');
            content = (
                Span::new(header, node.span.end),
                if kept {
                    BlockStyle::Kept
                } else {
                    BlockStyle::Chomped
                },
            );
        }
        contents.push(content);
    }
    contents.sort_unstable();
    contents
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "tests")]
mod tests {
    use super::*;
    use std::sync::Arc;

    #[test]
    fn comments_are_found_and_other_hashes_are_not() {
        const MARKDOWN: Syntax = Syntax::Script(ScriptHost::Markdown);
        for (syntax, text, found) in [
            (
                Syntax::Yaml,
                "# a # b\nc: d\t# e\n",
                &["# a # b", "# e"][..],
            ),
            (Syntax::Yaml, "\u{feff}# a\r\n#b\n", &["# a", "#b"]),
            (Syntax::Yaml, "a: b#c\nd: 'e #f'\ng: h#\n", &[]),
            (Syntax::Yaml, "a: | # b\n  # c\nd: '' # e", &["# b", "# e"]),
            (Syntax::Yaml, "a: b", &[]),
            (Syntax::Toml, "a = 1# b\nc = '#' # d\n", &["# b", "# d"]),
            (Syntax::Json, "{\"a\": \"b # c\"}", &[]),
            (
                MARKDOWN,
                "# a\n\n<!-- b --> c <!-- d\n-->\n<!-- # e -->f\n",
                &["# a", "<!-- b -->", "<!-- # e -->", "# e -->f"],
            ),
        ] {
            let source = Arc::new(SourceFile::new("x", text));
            let document = Document::parse(Arc::clone(&source), syntax).unwrap();
            let spans = comments(&document).into_iter();
            let shown: Vec<_> = spans.map(|span| source.slice(span)).collect();
            assert_eq!(shown, found, "{text}");
        }
    }
}
