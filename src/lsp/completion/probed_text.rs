//! Texts that contain a name that nobody uses at the cursor. Their analysis shows what the cursor is
//! in, so completion has no definition of its own of what a reference is.
//!
//! A text that is being typed often does not parse. Then parts of it are closed or omitted.

use super::unclosed::Unclosed;
use crate::diagnostics::rule_id::RuleId;
use crate::document::Syntax;
use crate::lint::analysis::Analysis;
use crate::text::source::Span;

/// Analyzes a text as the contents of the file at the cursor.
pub type AnalyzeText<'a> = dyn FnMut(&str) -> Option<Analysis> + 'a;

/// The number of variants of a text.
pub const VARIANTS: usize = 5;

/// The most lines with a syntax error that are omitted.
const MAX_OMITTED_LINES: usize = 3;

/// A document and the cursor in it.
#[derive(Clone, Copy)]
pub struct CursorText<'t> {
    /// The text.
    pub text: &'t str,
    /// The offset of the cursor.
    pub offset: usize,
    /// The line that contains it, without the line break.
    pub line: Span,
    /// The syntax of the file.
    pub syntax: Syntax,
}

/// A text before a name was completed in it.
pub struct Variant {
    /// The text.
    pub text: String,
    /// The quote that is added after the name.
    pub quote: Option<char>,
}

impl<'t> CursorText<'t> {
    /// Returns a name that does not occur in the text.
    pub fn unused_name(&self) -> String {
        let mut name = "stackrefcompletion".to_owned();
        while self.text.contains(&name) {
            name.push('x');
        }
        name
    }

    /// Returns the text in a span.
    pub fn slice(&self, start: usize, end: usize) -> &'t str {
        self.text.get(start..end).unwrap_or_default()
    }

    /// Returns a variant of the text in which `head` is everything up to the cursor, and the rest
    /// begins at `tail`. Variant 0 is complete. The others close what the line leaves open, and omit
    /// the rest of the line, or of the text. Returns `None` for a variant that equals an earlier one.
    pub fn variant(&self, number: usize, head: &str, tail: usize) -> Option<Variant> {
        let line_tail = self.slice(tail, self.line.end);
        let rest = self.slice(self.line.end, self.text.len());
        let head_line = head.get(self.line.start..).unwrap_or_default();
        let quote = Unclosed::of(head_line).quote;
        let quote = quote.filter(|&quote| number > 0 && !line_tail.contains(quote));
        let added = quote.map(String::from).unwrap_or_default();
        let line_tail = if number < 3 { line_tail } else { "" };
        let closing = Unclosed::of(&format!("{head_line}{added}{line_tail}")).closing();
        let text = match number {
            0 => format!("{head}{line_tail}{rest}"),
            1 if closing.is_empty() && quote.is_none() => return None,
            1 => format!("{head}{added}{line_tail}{closing}{rest}"),
            2 if self.syntax != Syntax::Json => return None,
            2 => format!("{head}{added}{line_tail}{closing},{rest}"),
            3 if tail == self.line.end => return None,
            3 => format!("{head}{added}{closing}{rest}"),
            _ => {
                let start = if self.syntax == Syntax::Json {
                    0
                } else {
                    self.line.start
                };
                let open = format!("{}{added}", head.get(start..).unwrap_or_default());
                format!("{head}{added}{}\n", Unclosed::of(&open).closing())
            }
        };
        Some(Variant { text, quote })
    }

    /// Analyzes a text without lines that do not parse, except the line of the cursor: those with open
    /// quotes or brackets, and those with syntax errors. Returns `None` if it still does not parse.
    pub fn analyze_without_errors(
        &self,
        text: &str,
        analyze: &mut AnalyzeText<'_>,
    ) -> Option<Analysis> {
        let text = self.without_open_lines(text);
        let read = analyze(&text).filter(|analysis| syntax_error(analysis).is_none());
        read.or_else(|| self.analyze_without_error_lines(text, analyze))
    }

    fn analyze_without_error_lines(
        &self,
        mut text: String,
        analyze: &mut AnalyzeText<'_>,
    ) -> Option<Analysis> {
        for _ in 0..MAX_OMITTED_LINES {
            let analysis = analyze(&text)?;
            let Some(error) = syntax_error(&analysis) else {
                return Some(analysis);
            };
            let line = analysis.source.line_span(error.start);
            if line.start <= self.line.start && self.line.start <= line.end {
                return None;
            }
            text.replace_range(line.start..line.end, &" ".repeat(line.len()));
        }
        None
    }

    /// Replaces the lines that leave quotes or brackets open by blanks.
    fn without_open_lines(&self, text: &str) -> String {
        let mut at = 0;
        let lines = text.split_inclusive('\n').map(|line| {
            let is_cursor = (at..=at + line.len()).contains(&self.line.start);
            at += line.len();
            let content = line.trim_end_matches(['\n', '\r']);
            if is_cursor || Unclosed::of(content).closing().is_empty() {
                line.to_owned()
            } else {
                let line_break = line.get(content.len()..).unwrap_or_default();
                format!("{}{line_break}", " ".repeat(content.len()))
            }
        });
        lines.collect()
    }
}

/// Returns the span of the error for which a file was not read.
pub fn syntax_error(analysis: &Analysis) -> Option<Span> {
    let mut findings = analysis.findings.iter();
    let error = findings.find(|finding| finding.rule() == RuleId::SyntaxError)?;
    analysis.stacks.is_empty().then(|| error.draft().span)
}
