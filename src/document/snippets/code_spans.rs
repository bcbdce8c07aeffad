//! Inline code: `` `zenml …` `` in Markdown, and ``` ``zenml …`` ``` in reStructuredText.

use crate::document::offsets::OffsetMapBuilder;

/// How the text around inline code changes it.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct SpanContext {
    /// Whether line breaks stay. Otherwise they are spaces.
    pub keeps_lines: bool,
    /// The number of quotes whose `>` begins each line.
    pub quotes: usize,
    /// Whether `\|` is a pipe, as in the cell of a table.
    pub is_cell: bool,
}

/// Decodes inline code without its backticks.
pub(super) fn decode_span(inner: &str, context: SpanContext) -> OffsetMapBuilder {
    let mut out = OffsetMapBuilder::default();
    let mut start = 0;
    for line in inner.split_inclusive('\n') {
        let prefix = if start == 0 {
            0
        } else {
            line_prefix(line, context.quotes)
        };
        let text = line.trim_end_matches(['\r', '\n']);
        let text = text.get(prefix..).unwrap_or_default();
        push_cell_text(&mut out, start + prefix, text, context.is_cell);
        if line.ends_with('\n') {
            let line_break = if context.keeps_lines { "\n" } else { " " };
            out.push_replaced(start + line.len() - 1, 1, line_break);
        }
        start += line.len();
    }
    out
}

/// Returns the length of the indentation and the quote marks at the start of a line.
fn line_prefix(line: &str, quotes: usize) -> usize {
    let mut rest = line.trim_start_matches([' ', '\t']);
    for _ in 0..quotes {
        let Some(after) = rest.strip_prefix('>') else {
            break;
        };
        rest = after.trim_start_matches([' ', '\t']);
    }
    line.len() - rest.len()
}

fn push_cell_text(out: &mut OffsetMapBuilder, start: usize, text: &str, is_cell: bool) {
    let mut at = start;
    let mut parts = text.split("\\|");
    let first = parts.next().filter(|_| is_cell);
    let Some(first) = first else {
        out.push_verbatim(start, text);
        return;
    };
    out.push_verbatim(at, first);
    at += first.len();
    for part in parts {
        out.push_replaced(at, 2, "|");
        out.push_verbatim(at + 2, part);
        at += 2 + part.len();
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::text::source::Span;

    #[test]
    fn lines_are_joined_without_their_prefix() {
        let inner = "zenml x\r\n  > --a=b\n> > c";
        let context = SpanContext {
            quotes: 1,
            ..SpanContext::default()
        };
        let (text, map) = decode_span(inner, context).build(5);
        assert_eq!(text, "zenml x --a=b > c");
        assert_eq!(map.source(7, 8), Span::new(13, 14));
        assert_eq!(map.source(8, 13), Span::new(18, 23));
        let context = SpanContext {
            keeps_lines: true,
            ..context
        };
        assert_eq!(decode_span(inner, context).text(), "zenml x\n--a=b\n> c");
    }

    #[test]
    fn pipes_are_unescaped_in_tables() {
        let context = SpanContext {
            is_cell: true,
            ..SpanContext::default()
        };
        let (text, map) = decode_span(r"a \| b \|| c", context).build(0);
        assert_eq!(text, "a | b || c");
        assert_eq!(map.source(2, 3), Span::new(2, 4));
        assert_eq!(map.source(6, 10), Span::new(7, 12));
        let context = SpanContext::default();
        assert_eq!(decode_span(r"a \| b", context).text(), r"a \| b");
    }
}
