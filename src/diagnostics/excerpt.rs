//! The one line of a file that a diagnostic shows, with everything on it masked that may be a secret.
//!
//! An excerpt is made safe when it is made: it holds no more than what may be printed, so no handler can show more. Masks
//! (`***`) do not tell a length. Characters that steer a terminal or turn the direction of the text are replaced, and a
//! line that is too long is cut to a window around the span, which also keeps miette's columns in their bounds.

use crate::text::redacted_source::{RedactedSource, Visibility};
use crate::text::source::{Span, floor_char_boundary};
use crate::zenml::flavors::may_be_sensitive;
use crate::zenml::grammar::{find_reference_shapes, is_invisible};
use miette::{MietteError, MietteSpanContents, SourceCode, SourceSpan, SpanContents};

/// Bytes of a line shown on either side of the span, where it is too long to be shown whole.
const CONTEXT_BYTES: usize = 60;
/// Bytes of a line that are shown whole.
const MAX_WHOLE_LINE_BYTES: usize = 160;

const MASK: &str = "***";

/// A safe piece of one line, and where in it the label goes.
#[derive(Clone, Debug)]
pub struct Excerpt {
    name: String,
    text: String,
    line: usize,
    column: usize,
    label: (usize, usize),
}

impl Excerpt {
    /// The line of `span`. With `conceal`, or where a value was found in it, the span's own text is masked, too.
    pub fn new(source: &RedactedSource, span: Span, redact: bool) -> Self {
        let redact = redact || source.values().iter().any(|value| value.overlaps(span));
        let position = source.position(span.start);
        let line = source.line_span(span.start);
        let shown_span = Span::new(span.start.min(line.end), span.end.min(line.end));
        let window = window(source, line, shown_span);
        let shown_span = Span::new(shown_span.start, shown_span.end.min(window.end));
        let mut hidden = hidden_spans(source, window);
        if redact {
            hidden.push(shown_span);
            hidden.sort_unstable();
        }
        // In a file that did not parse the span may be the value itself.
        let guessed = matches!(source.visibility(), Visibility::Guessed);
        let bare = guessed && hidden.iter().any(|span| span.overlaps(shown_span));
        let mut out = ExcerptBuilder { source, text: String::new() };
        if window.start > line.start {
            out.text.push('…');
        }
        let own = if redact || bare { Span::new(shown_span.start, shown_span.start) } else { shown_span };
        let dots = matches!(source.visibility(), Visibility::SpanOnly);
        out.push_region(Span::new(window.start, own.start), &hidden, dots);
        let label_start = out.text.len();
        let label_end = if redact {
            out.text.push_str(MASK);
            out.text.len()
        } else {
            out.push_visible(own);
            out.text.len()
        };
        let rest = if redact { shown_span.end } else { own.end };
        out.push_region(Span::new(rest, window.end), &hidden, dots);
        if window.end < line.end {
            out.text.push('…');
        }
        if out.text.is_empty() {
            // miette draws nothing for a line without characters.
            out.text.push(' ');
        }
        Self {
            name: crate::diagnostics::excerpt::escape_control(source.path()),
            text: out.text,
            line: position.line,
            column: position.column,
            label: (label_start, label_end),
        }
    }

    /// Returns this excerpt with its marks in ASCII.
    #[must_use]
    pub fn in_ascii(&self) -> Self {
        let part = |from: usize, to: usize| to_ascii_marks(self.text.get(from..to).unwrap_or_default());
        let (start, end) = self.label;
        let (before, labelled, after) = (part(0, start), part(start, end), part(end, self.text.len()));
        let label = (before.len(), before.len() + labelled.len());
        Self { text: [before, labelled, after].concat(), label, ..self.clone() }
    }

    /// Where the label goes, in the excerpt's own text.
    pub fn label(&self) -> SourceSpan {
        SourceSpan::from(self.label.0..self.label.1)
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

/// A whole line, safe to show, with some spans of it masked besides.
pub fn line(source: &RedactedSource, offset: usize, masked: &[Span]) -> String {
    let line = source.line_span(offset);
    let mut hidden = hidden_spans(source, line);
    // A mask may hold one of the spans: what is asked for is hidden whole, the rest of the mask beside it.
    hidden.extend_from_slice(masked);
    hidden.sort_unstable();
    let mut out = ExcerptBuilder { source, text: String::new() };
    out.push_region(line, &hidden, false);
    out.text
}

/// Returns the text of an excerpt in which ASCII stands for the marks of what was left out and of what cannot be shown.
pub fn to_ascii_marks(text: &str) -> String {
    text.replace('…', "...").replace('\u{fffd}', "?")
}

/// Makes a text safe for a terminal: what steers it or cannot be seen becomes an escape that shows its code.
pub fn escape_control(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        if is_unsafe(c) {
            out.push_str(&format!("\\u{{{:x}}}", u32::from(c)));
        } else {
            out.push(c);
        }
    }
    out
}

/// Whether a character steers a terminal, breaks a line, or cannot be seen.
pub fn is_unsafe(c: char) -> bool {
    c.is_control() || is_invisible(c) || matches!(c, '\u{2028}' | '\u{2029}')
}

fn window(source: &RedactedSource, line: Span, shown_span: Span) -> Span {
    if line.len() <= MAX_WHOLE_LINE_BYTES {
        return line;
    }
    let floor = |at| floor_char_boundary(source.text(), at);
    let end = shown_span.end.min(shown_span.start + MAX_WHOLE_LINE_BYTES);
    Span::new(
        floor(shown_span.start.saturating_sub(CONTEXT_BYTES)).max(line.start),
        floor((end + CONTEXT_BYTES).min(line.end)),
    )
}

/// What must not be seen of a window.
fn hidden_spans(source: &RedactedSource, window: Span) -> Vec<Span> {
    let mut hidden = hidden_by_visibility(source, window);
    let values = source.values().iter().copied().filter(|value| value.overlaps(window));
    let before = hidden.len();
    hidden.extend(values);
    if hidden.len() > before {
        hidden.sort_unstable();
    }
    hidden
}

fn hidden_by_visibility(source: &RedactedSource, window: Span) -> Vec<Span> {
    match source.visibility() {
        Visibility::SpanOnly => vec![window],
        Visibility::Masked(spans) => {
            // Masks do not overlap, so they are sorted by their ends, too.
            let first = spans.partition_point(|span| span.end <= window.start);
            let rest = spans.get(first..).unwrap_or_default();
            rest.iter().copied().take_while(|span| span.start < window.end).collect()
        }
        Visibility::Guessed => guess_value_spans(source, window),
    }
}

/// In a line that did not parse: every word that is not a key. A key stands at the start of its line or behind `{`, `[` or
/// `,`, and before `:` or `=`; behind one that may be sensitive no other key is shown. So no value is, whatever the lines above
/// make of this one. What has the shape of a reference is shown.
fn guess_value_spans(source: &RedactedSource, window: Span) -> Vec<Span> {
    let line = source.line_span(window.start);
    let text = source.slice(line);
    let is_toml = source.path().rsplit('.').next() == Some("toml");
    let header = is_toml && text.starts_with('[') && text.trim_end().ends_with(']');
    let references = find_reference_shapes(text);
    let mut hide_rest = false;
    let mut hidden = Vec::new();
    for (at, word) in words(text) {
        let end = at + word.len();
        let next = references.partition_point(|reference| reference.end < end);
        if references.get(next).is_some_and(|reference| reference.start <= at) {
            continue;
        }
        let before = text.get(..at).unwrap_or_default().trim_end_matches([' ', '\t', '"', '\'']);
        let after = text.get(end..).unwrap_or_default().trim_start_matches(['"', '\'', ' ', '\t']);
        let first = matches!(before.chars().last(), None | Some('{' | '[' | ',')) || matches!(before.trim(), "-" | "?");
        let separator =
            after.strip_prefix(':').or_else(|| after.strip_prefix('=').filter(|rest| !rest.starts_with('=')));
        let opens = |rest: &str| rest.is_empty() || rest.starts_with([' ', '\t', '"', '\'', '{', '[']);
        let is_key = first && separator.is_some_and(|rest| opens(rest) || (after.starts_with('=') && !rest.is_empty()));
        let mark = matches!(word, "-" | "?");
        let mut shown = if hide_rest {
            0
        } else if is_key || header || mark {
            word.len()
        } else {
            0
        };
        let mut dotted = 0;
        for part in word.split('.') {
            dotted += part.len();
            if may_be_sensitive(part) {
                shown = if first && !hide_rest { dotted } else { shown.min(dotted) };
                hide_rest = true;
                break;
            }
            dotted += 1;
        }
        if shown < word.len() {
            hidden.push(Span::new(line.start + at + shown, line.start + end));
        }
    }
    hidden
}

/// The words of a line: whatever stands between blanks, quotes and the marks of the syntaxes.
fn words(text: &str) -> impl Iterator<Item = (usize, &str)> {
    let mark = |c: char| c.is_whitespace() || "{}[],:=\"'#|>&*!%@`".contains(c);
    let mut at = 0;
    let pieces = text.split_inclusive(mark).map(move |piece| {
        let start = at;
        at += piece.len();
        (start, piece.trim_end_matches(mark))
    });
    pieces.filter(|(_, word)| !word.is_empty())
}

fn is_word(c: char) -> bool {
    c.is_alphanumeric() || matches!(c, '_' | '-' | '.')
}

/// The word that a text ends with, quotes and blanks behind it left out; of a dotted one the last part.
fn last_word(text: &str) -> &str {
    let text = text.trim_end().trim_end_matches(['"', '\'']);
    text.rsplit(|c: char| !is_word(c) || c == '.').next().unwrap_or_default()
}

/// Returns whether a text may have more than one word. Most scalars have one word and contain no sensitive value.
pub fn has_separator(text: &str) -> bool {
    // White space that is not ASCII begins with one of the last bytes.
    text.bytes().any(|byte| matches!(byte, b':' | b'=' | b' ' | b'\t'..=b'\r' | 0x80..))
}

/// Returns where in a text a value may begin: behind a word that may be sensitive and a separator, such as in `password: x`,
/// `pw=x`, `--token x`, `password is x` and `Bearer x`. `None` if nothing follows such a word.
pub fn find_sensitive_value(text: &str) -> Option<usize> {
    let is_value = |rest: &str| {
        let rest = rest.trim_start();
        // A word inside the braces of a reference is followed by their end.
        !rest.is_empty() && !rest.starts_with("}}")
    };
    // Where the last word ends, and the end of the last one that was judged: before a run of separators that is done once.
    let (mut word_end, mut judged) = (0, 0);
    for (at, c) in text.char_indices() {
        let end = at + c.len_utf8();
        if !(matches!(c, ':' | '=' | '"' | '\'') || c.is_whitespace()) {
            word_end = end;
        } else if !matches!(c, '"' | '\'') && judged < word_end {
            judged = word_end;
            if text.get(..word_end).is_some_and(announces_value) && text.get(end..).is_some_and(is_value) {
                return Some(end);
            }
        }
    }
    None
}

/// Returns whether a text ends with a word that announces a value: a sensitive name, or an option of a program such as `-p`.
pub fn announces_value(text: &str) -> bool {
    const OPTIONS: [&str; 6] = ["-p", "-P", "-u", "-H", "--user", "--header"];
    let text = text.trim_end().trim_end_matches(['"', '\'', ':', '=']);
    let is_last_word = |option: &&str| {
        text.strip_suffix(*option).is_some_and(|before| before.is_empty() || before.ends_with(char::is_whitespace))
    };
    may_be_sensitive(last_word(text)) || OPTIONS.iter().any(is_last_word)
}

struct ExcerptBuilder<'s> {
    source: &'s RedactedSource,
    text: String,
}

impl ExcerptBuilder<'_> {
    /// A region with its hidden parts masked.
    fn push_region(&mut self, region: Span, hidden: &[Span], dots: bool) {
        let mut at = region.start;
        // Where the last mask ends: what follows at once is part of it.
        let mut masked_to = None;
        for &span in hidden {
            let start = span.start.max(at);
            let end = span.end.min(region.end);
            if start >= end {
                continue;
            }
            self.push_visible(Span::new(at, start));
            let blank = self.source.slice(Span::new(start, end)).trim().is_empty();
            match (dots, blank) {
                (_, true) => self.push_visible(Span::new(start, end)),
                (true, false) if self.text.ends_with('…') => {}
                (true, false) => self.text.push('…'),
                (false, false) if masked_to == Some(start) => {}
                (false, false) => self.text.push_str(MASK),
            }
            at = end;
            masked_to = Some(end).filter(|_| !blank);
        }
        self.push_visible(Span::new(at, region.end));
    }

    /// A region as it is, one character for one.
    fn push_visible(&mut self, region: Span) {
        let shown = self.source.slice(region).chars();
        self.text.extend(shown.map(|c| if c != '\t' && is_unsafe(c) { '\u{fffd}' } else { c }));
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
    fn a_value_begins_behind_the_word_that_announces_it() {
        for (text, value) in [
            ("password: x", " x"),
            ("a --token x", "x"),
            ("\"password\" : x", ": x"),
            ("tool -p x", "x"),
            ("a:b -p:x", "x"),
        ] {
            let at = find_sensitive_value(text).unwrap_or_else(|| panic!("{text}"));
            assert_eq!(text.get(at..), Some(value), "{text}");
        }
        for text in ["", "password", "password: ", "{{ a.password }}", "x-p y", "a: b"] {
            assert_eq!(find_sensitive_value(text), None, "{text}");
        }
        // A word is judged once, however many separators follow it: a look back for each would take hours.
        for text in [": ", "a:", "\":", "= \"", "x "] {
            assert_eq!(find_sensitive_value(&text.repeat(1_000_000)), None, "{text}");
        }
    }

    #[test]
    fn nothing_but_the_span_is_shown_of_a_file_nobody_spoke_for() {
        let source = file("  a.b: hunter2 # x", Visibility::SpanOnly);
        assert_eq!(text_of(&source, Span::new(2, 5)), "  a.b…");
    }

    #[test]
    fn masks_do_not_tell_the_length_of_what_they_hide() {
        let short = file("{p: x, q: '{{a.b}}'}", Visibility::Masked(vec![Span::new(4, 5)]));
        assert_eq!(text_of(&short, Span::new(11, 18)), "{p: ***, q: '{{a.b}}'}");
    }

    #[test]
    fn what_did_not_parse_is_masked_by_its_key_or_as_a_whole() {
        for (line, shown) in [
            ("  tracking_password: \"hunter2", "  tracking_password: \"***"),
            ("  tracking_password:hunter2 # see: wiki", "  tracking_password:*** # ***: ***"),
            ("  tracking_password:hunter2: x: y", "  tracking_password:***: ***: ***"),
            ("  path: s3://x: y", "  path: ***:***: ***"),
            ("  x: {{a.b}}-c", "  x: {{a.b}}***"),
            ("  tracking_password: {{a.password}", "  tracking_password: {{a.password}"),
            ("  tracking_password: {a.b}} # hunter2", "  tracking_password: {a.b}} # ***"),
            ("  tracking_password: {{a.b", "  tracking_password: {{a.b"),
            ("  tracking_password: {hunter2}}", "  tracking_password: {***}}"),
            ("  tracking_password: {{hunter2}}x", "  tracking_password: {{***}}***"),
            ("  {password: {{a.b}}, note: hunter2", "  {password: {{a.b}}, ***: ***"),
            ("- note: hunter2", "- note: ***"),
            ("MIIEpAIBAAKCAQEA==", "***=="),
            ("{\"token\":\"x\"", "{\"token\":\"***\""),
            ("level=3", "level=***"),
            ("x = { db.password=hunter2 }", "x = { db.password=*** }"),
            ("tracking_password.hunter2 = {{", "tracking_password*** = {{"),
        ] {
            let source = file(line, Visibility::Guessed);
            assert_eq!(text_of(&source, Span::new(line.len(), line.len())), shown);
        }
    }

    #[test]
    fn a_long_line_is_cut_around_the_span_a_long_span_too_and_steering_characters_are_replaced() {
        let line = format!("{}\u{1b}[31m{{{{a.b}}}}\u{202e}{}", "x".repeat(70_000), "y".repeat(500));
        let source = file(&line, Visibility::Masked(Vec::new()));
        let text = text_of(&source, Span::new(70_005, 70_012));
        assert!(text.len() < 200 && text.contains("{{a.b}}") && !text.contains(['\u{1b}', '\u{202e}']), "{text}");
        let long = Excerpt::new(&source, Span::new(100, 70_012), false);
        assert!(long.text.len() < 300 && long.label.1 - long.label.0 < 300 && long.text.ends_with("x…"), "{long:?}");
    }
}
