//! Lines of a document: where they begin and end, their indentation, and where a value ends.

use crate::document::{Document, Edit, NodeId, NodeKind, Style, yaml};
use crate::text::source::Span;

impl Document {
    /// Returns the end of a value's last part, since a block collection extends to the start of the
    /// next node. Returns `None` for a missing value.
    pub(super) fn value_end(&self, mut id: NodeId) -> Option<usize> {
        loop {
            let node = self.node(id);
            let last = match node.kind {
                NodeKind::Mapping {
                    entries,
                    flow: false,
                } => self.entries_in(entries).last().map(|&(_, value)| value),
                NodeKind::Sequence(items) if !self.source().slice(node.span).starts_with('[') => {
                    self.items_in(items).last().copied()
                }
                _ => None,
            };
            match last {
                Some(last) => id = last,
                None => return Some(self.content_end(id)).filter(|_| !node.span.is_empty()),
            }
        }
    }

    /// Returns the end of a node, without the blank lines after a block scalar.
    fn content_end(&self, id: NodeId) -> usize {
        let span = self.node(id).span;
        match &self.node(id).kind {
            NodeKind::Scalar(scalar)
                if matches!(scalar.style, Style::LiteralBlock | Style::FoldedBlock) =>
            {
                span.start
                    + yaml::content_len(
                        self.source().slice(span),
                        self.text(id).unwrap_or_default(),
                    )
            }
            _ => span.end,
        }
    }

    /// Returns whether the file ends inside the block scalar that ends here. A new line after it
    /// would change its value.
    pub(super) fn is_block_truncated(&self, end: usize) -> bool {
        let text = self.source().text();
        let last = self.last_node().filter(|node| node.span.end == end);
        let Some(NodeKind::Scalar(scalar)) = last.map(|node| node.kind) else {
            return false;
        };
        end == text.len()
            && matches!(scalar.style, Style::LiteralBlock | Style::FoldedBlock)
            && !text.ends_with(['\n', '\r'])
    }

    /// Returns the end of the first document, after its content and comments.
    pub(super) fn end_of_yaml(&self, content: usize) -> usize {
        let text = self.source().text();
        let mut at = if content == 0 {
            0
        } else {
            self.line_after(content)
        };
        while let Some(line) = text
            .get(at..)
            .and_then(|rest| rest.split_inclusive('\n').next())
        {
            let marker = line.trim_end();
            if marker == "..." || marker.starts_with("... ") {
                return at;
            }
            at += line.len();
        }
        text.len()
    }

    /// Returns the start of the comment lines directly above a line, or the start of the line.
    pub(super) fn comment_block_start(&self, mut line: usize) -> usize {
        while let Some(above) = line.checked_sub(1).map(|at| self.line_start(at)) {
            let comment = self
                .source()
                .slice(Span::new(above, line))
                .trim_start_matches(['\u{feff}', ' ', '\t']);
            if !comment.starts_with('#') {
                break;
            }
            line = above;
        }
        line
    }

    /// Returns the edit that inserts lines at the start of a line or at the end of the text.
    pub(super) fn lines_at(&self, at: usize, lines: &[String]) -> Edit {
        let text = self.source().text();
        let nl = self.line_break();
        let bom = if at == 0 && text.starts_with('\u{feff}') {
            '\u{feff}'.len_utf8()
        } else {
            0
        };
        let before = text
            .get(..at)
            .unwrap_or_default()
            .trim_start_matches('\u{feff}');
        let line_end = if before.is_empty() || before.ends_with(['\n', '\r']) {
            ""
        } else {
            nl
        };
        let lines = lines.join(nl);
        Edit::new(
            Span::new(at + bom, at + bom),
            [line_end, &lines, nl].concat(),
        )
    }

    /// Returns the start of the next line. A block scalar ends after its line break, so its end
    /// already is that start.
    pub(super) fn line_after(&self, at: usize) -> usize {
        let text = self.source().text();
        if text
            .get(..at)
            .is_some_and(|before| before.ends_with(['\n', '\r']))
        {
            return at;
        }
        let line = self.source().line_span(at);
        let rest = text.get(line.end..).unwrap_or_default();
        line.end
            + if rest.starts_with("\r\n") {
                2
            } else {
                usize::from(!rest.is_empty())
            }
    }

    pub(super) fn line_start(&self, at: usize) -> usize {
        self.source().line_span(at).start
    }

    /// Returns the text before an offset on the same line.
    pub(super) fn line_prefix(&self, at: usize) -> &str {
        self.source()
            .slice(Span::new(self.line_start(at), at))
            .trim_start_matches('\u{feff}')
    }

    /// Returns the blanks at the start of the line of an offset.
    pub(super) fn indent(&self, at: usize) -> &str {
        let line = self.line_prefix(at);
        line.get(..line.len() - line.trim_start_matches([' ', '\t']).len())
            .unwrap_or_default()
    }

    /// Returns the kind of the file's first line break.
    pub(super) fn line_break(&self) -> &'static str {
        match memchr::memchr2(b'\n', b'\r', self.source().text().as_bytes()) {
            Some(at) if self.source().slice(Span::new(at, at + 2)) == "\r\n" => "\r\n",
            Some(at) if self.source().slice(Span::new(at, at + 1)) == "\r" => "\r",
            _ => "\n",
        }
    }
}
