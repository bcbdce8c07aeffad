//! The line of a file that a diagnostic shows, without secret values.
//!
//! An [`Excerpt`] is redacted when it is created and contains only text that may be printed. So no
//! report format can show more.
//!
//! - A mask (`***`) has the same length for every value.
//! - Control characters are replaced, including those that change the direction of text.
//! - A long line is cut to a window around the span. Without that, a column could exceed the limits
//!   of miette.

use crate::diagnostics::value_guess::guess_value_spans;
use crate::text::escape::{escape_control, is_unsafe};
use crate::text::redacted_source::{RedactedSource, Visibility};
use crate::text::source::{Span, floor_char_boundary};
use miette::{MietteError, MietteSpanContents, SourceCode, SourceSpan, SpanContents};

/// The bytes before and after the span that are shown of a long line.
const CONTEXT_BYTES: usize = 60;

/// The longest line, and the longest part of a span, that is shown whole.
const MAX_WHOLE_LINE_BYTES: usize = 160;

/// The text in place of a hidden value.
const MASK: &str = "***";

/// The text in place of a part that is not shown.
const ELLIPSIS: &str = "…";

/// A redacted part of one line, and the range of the label in it.
#[derive(Clone, Debug)]
pub struct Excerpt {
    name: String,
    text: String,
    line: usize,
    column: usize,
    label: (usize, usize),
}

impl Excerpt {
    /// Creates the excerpt of the line that contains `span`. With `redact`, or if `span` overlaps a
    /// value from an inventory, the text of the span is masked, too.
    pub fn new(source: &RedactedSource, span: Span, redact: bool) -> Self {
        let redact = redact || source.values().iter().any(|value| value.overlaps(span));
        let position = source.position(span.start);
        let line = source.line_span(span.start);
        let reported = Span::new(span.start.min(line.end), span.end.min(line.end));
        let window = shown_window(source, line, reported);
        let reported = Span::new(reported.start, reported.end.min(window.end));
        let mut hidden = hidden_spans(source, window);
        if redact {
            hidden.push(reported);
            hidden.sort_unstable();
        }
        // In a file that does not parse, the span may be the value itself.
        let is_guessed = matches!(source.visibility(), Visibility::Guessed);
        let is_hidden = is_guessed && hidden.iter().any(|span| span.overlaps(reported));
        let mut out =
            ExcerptBuilder::new(source, matches!(source.visibility(), Visibility::SpanOnly));
        if window.start > line.start {
            out.text.push_str(ELLIPSIS);
        }
        out.push_region(Span::new(window.start, reported.start), &hidden);
        let label_start = out.text.len();
        let mut rest = reported.end;
        if redact {
            out.text.push_str(MASK);
        } else if is_hidden {
            rest = reported.start;
        } else {
            out.push_visible(reported);
        }
        let label_end = out.text.len();
        out.push_region(Span::new(rest, window.end), &hidden);
        if window.end < line.end {
            out.text.push_str(ELLIPSIS);
        }
        if out.text.is_empty() {
            // miette does not draw an empty line.
            out.text.push(' ');
        }
        Self {
            name: escape_control(source.path()),
            text: out.text,
            line: position.line,
            column: position.column,
            label: (label_start, label_end),
        }
    }

    /// Returns the path and the line, for example `stack.yaml:3`.
    pub fn location(&self) -> String {
        format!("{}:{}", self.name, self.line)
    }

    /// Returns a copy with ASCII marks.
    #[must_use]
    pub fn in_ascii(&self) -> Self {
        let (start, end) = self.label;
        let [before, labelled, after] = [(0, start), (start, end), (end, self.text.len())]
            .map(|(start, end)| to_ascii_marks(self.text.get(start..end).unwrap_or_default()));
        let label = (before.len(), before.len() + labelled.len());
        Self {
            text: [before, labelled, after].concat(),
            label,
            ..self.clone()
        }
    }

    /// Returns the range of the label in the text of the excerpt.
    pub fn label(&self) -> SourceSpan {
        SourceSpan::from(self.label.0..self.label.1)
    }

    #[cfg(test)]
    pub(super) fn text(&self) -> &str {
        &self.text
    }
}

impl SourceCode for Excerpt {
    fn read_span<'a>(
        &'a self,
        _span: &SourceSpan,
        _context_lines_before: usize,
        _context_lines_after: usize,
    ) -> Result<Box<dyn SpanContents<'a> + 'a>, MietteError> {
        Ok(Box::new(MietteSpanContents::new_named(
            self.name.clone(),
            self.text.as_bytes(),
            SourceSpan::from(0..self.text.len()),
            self.line - 1,
            self.column - 1,
            1,
        )))
    }
}

/// Returns the whole line that contains `offset`, redacted, with the spans in `masked` masked, too.
pub fn redact_line(source: &RedactedSource, offset: usize, masked: &[Span]) -> String {
    let line = source.line_span(offset);
    let mut hidden = hidden_spans(source, line);
    hidden.extend_from_slice(masked);
    // The spans may overlap; `push_region` joins them.
    hidden.sort_unstable();
    let mut out = ExcerptBuilder::new(source, false);
    out.push_region(line, &hidden);
    out.text
}

/// Replaces the ellipsis and the replacement character of an excerpt with ASCII.
pub fn to_ascii_marks(text: &str) -> String {
    text.replace(ELLIPSIS, "...")
        .replace(char::REPLACEMENT_CHARACTER, "?")
}

/// Returns the part of a line that is shown.
fn shown_window(source: &RedactedSource, line: Span, reported: Span) -> Span {
    if line.len() <= MAX_WHOLE_LINE_BYTES {
        return line;
    }
    let start = reported.start.saturating_sub(CONTEXT_BYTES);
    let end = reported.end.min(reported.start + MAX_WHOLE_LINE_BYTES) + CONTEXT_BYTES;
    Span::new(
        floor_char_boundary(source.text(), start).max(line.start),
        floor_char_boundary(source.text(), end.min(line.end)),
    )
}

/// Returns the spans that a window must not show, sorted.
fn hidden_spans(source: &RedactedSource, window: Span) -> Vec<Span> {
    let mut hidden = hidden_by_visibility(source, window);
    let before = hidden.len();
    hidden.extend(
        source
            .values()
            .iter()
            .copied()
            .filter(|value| value.overlaps(window)),
    );
    if hidden.len() > before {
        hidden.sort_unstable();
    }
    hidden
}

fn hidden_by_visibility(source: &RedactedSource, window: Span) -> Vec<Span> {
    match source.visibility() {
        Visibility::SpanOnly => vec![window],
        Visibility::Masked(_) => {
            let spans = source.masks().unwrap_or_default();
            // The spans do not overlap, so they are also sorted by their ends.
            let first = spans.partition_point(|span| span.end <= window.start);
            let rest = spans.get(first..).unwrap_or_default();
            rest.iter()
                .copied()
                .take_while(|span| span.start < window.end)
                .collect()
        }
        Visibility::Guessed => guess_value_spans(source, window),
    }
}

/// The text of an excerpt while it is created.
struct ExcerptBuilder<'s> {
    source: &'s RedactedSource,
    text: String,
    /// Whether hidden text becomes an ellipsis instead of a mask.
    uses_ellipsis: bool,
}

impl<'s> ExcerptBuilder<'s> {
    fn new(source: &'s RedactedSource, uses_ellipsis: bool) -> Self {
        Self {
            source,
            text: String::new(),
            uses_ellipsis,
        }
    }

    /// Appends a region without its hidden spans. Adjacent hidden spans share one mark, and hidden
    /// white space is shown.
    fn push_region(&mut self, region: Span, hidden: &[Span]) {
        let mut at = region.start;
        let mut last_mask_end = None;
        for &span in hidden {
            let start = span.start.max(at);
            let end = span.end.min(region.end);
            if start >= end {
                continue;
            }
            self.push_visible(Span::new(at, start));
            let is_blank = self.source.slice(Span::new(start, end)).trim().is_empty();
            if is_blank {
                self.push_visible(Span::new(start, end));
            } else if self.uses_ellipsis {
                if !self.text.ends_with(ELLIPSIS) {
                    self.text.push_str(ELLIPSIS);
                }
            } else if last_mask_end != Some(start) {
                self.text.push_str(MASK);
            }
            at = end;
            last_mask_end = Some(end).filter(|_| !is_blank);
        }
        self.push_visible(Span::new(at, region.end));
    }

    /// Appends a region. Each unsafe character is replaced with one character, so that columns stay
    /// the same.
    fn push_visible(&mut self, region: Span) {
        let shown = self.source.slice(region).chars();
        self.text.extend(shown.map(|c| {
            if c != '\t' && is_unsafe(c) {
                char::REPLACEMENT_CHARACTER
            } else {
                c
            }
        }));
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::text::source::SourceFile;
    use std::sync::Arc;

    fn text_of(source: &RedactedSource, span: Span) -> String {
        Excerpt::new(source, span, false).text
    }

    fn file(text: &str, visibility: Visibility) -> Arc<RedactedSource> {
        RedactedSource::new(Arc::new(SourceFile::new("f.yaml", text)), visibility)
    }

    #[test]
    fn span_only_shows_only_the_span() {
        let source = file("  a.b: hunter2 # x", Visibility::SpanOnly);
        assert_eq!(text_of(&source, Span::new(2, 5)), "  a.b…");
    }

    #[test]
    fn mask_has_the_same_length_for_every_value() {
        let short = file(
            "{p: x, q: '{{a.b}}'}",
            Visibility::Masked(vec![Span::new(4, 5)].into()),
        );
        assert_eq!(text_of(&short, Span::new(11, 18)), "{p: ***, q: '{{a.b}}'}");
    }

    #[test]
    fn long_line_is_cut_and_control_characters_are_replaced() {
        let line = format!(
            "{}\u{1b}[31m{{{{a.b}}}}\u{202e}{}",
            "x".repeat(70_000),
            "y".repeat(500)
        );
        let source = file(&line, Visibility::Masked(Vec::new().into()));
        let text = text_of(&source, Span::new(70_005, 70_012));
        assert!(
            text.len() < 200 && text.contains("{{a.b}}") && !text.contains(['\u{1b}', '\u{202e}']),
            "{text}"
        );
        let long = Excerpt::new(&source, Span::new(100, 70_012), false);
        assert!(
            long.text.len() < 300 && long.label.1 - long.label.0 < 300 && long.text.ends_with("x…"),
            "{long:?}"
        );
    }
}
