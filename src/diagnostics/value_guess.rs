//! The words that may be values in a line of a file that does not parse.
//!
//! The lines before are not considered: without a parsed document, they do not prove that a word is
//! harmless. So every word is hidden, except keys and references.

use crate::text::redacted_source::RedactedSource;
use crate::text::source::Span;
use crate::zenml::flavors::may_be_sensitive;
use crate::zenml::grammar::find_reference_shapes;
use std::ops::Range;

/// Returns the spans of the words that may be values in the line that contains `window`.
///
/// A key is at the start of the line or after `{`, `[` or `,`, and before `:` or `=`. After a
/// sensitive key, later keys are hidden, too.
pub(super) fn guess_value_spans(source: &RedactedSource, window: Span) -> Vec<Span> {
    let line = source.line_span(window.start);
    let text = source.slice(line);
    let is_toml = source.path().rsplit('.').next() == Some("toml");
    let is_header = is_toml && text.starts_with('[') && text.trim_end().ends_with(']');
    let references = find_reference_shapes(text);
    let mut follows_sensitive_key = false;
    let mut hidden = Vec::new();
    for (at, word) in words(text) {
        let end = at + word.len();
        if is_in_reference(&references, at, end) {
            continue;
        }
        let is_first = starts_entry(text.get(..at).unwrap_or_default());
        let is_key = is_first && starts_with_separator(text.get(end..).unwrap_or_default());
        let is_shown = !follows_sensitive_key && (is_key || is_header || matches!(word, "-" | "?"));
        let mut shown = if is_shown { word.len() } else { 0 };
        if let Some(len) = sensitive_prefix_len(word) {
            shown = if is_first && !follows_sensitive_key {
                len
            } else {
                shown.min(len)
            };
            follows_sensitive_key = true;
        }
        if shown < word.len() {
            hidden.push(Span::new(line.start + at + shown, line.start + end));
        }
    }
    hidden
}

/// Returns whether a word is in one of the references, which are sorted.
fn is_in_reference(references: &[Range<usize>], start: usize, end: usize) -> bool {
    let next = references.partition_point(|reference| reference.end < end);
    references
        .get(next)
        .is_some_and(|reference| reference.start <= start)
}

/// Returns whether an entry of a mapping or an item of a list starts after a text.
fn starts_entry(before: &str) -> bool {
    let before = before.trim_end_matches([' ', '\t', '"', '\'']);
    matches!(before.chars().last(), None | Some('{' | '[' | ','))
        || matches!(before.trim(), "-" | "?")
}

/// Returns whether a text starts with a separator of a key and its value. Without a blank after it,
/// a colon is part of a word.
fn starts_with_separator(after: &str) -> bool {
    let after = after.trim_start_matches(['"', '\'', ' ', '\t']);
    match after.strip_prefix(':') {
        Some(rest) => rest.is_empty() || rest.starts_with([' ', '\t', '"', '\'', '{', '[']),
        None => after.starts_with('=') && !after.starts_with("=="),
    }
}

/// Returns the length of a dotted word up to the end of its first sensitive part, or `None` if no
/// part is sensitive.
fn sensitive_prefix_len(word: &str) -> Option<usize> {
    let mut len = 0;
    for part in word.split('.') {
        len += part.len();
        if may_be_sensitive(part) {
            return Some(len);
        }
        len += 1;
    }
    None
}

/// Returns the words of a line with their offsets. White space, quotes and punctuation of YAML,
/// TOML and JSON separate words.
fn words(text: &str) -> impl Iterator<Item = (usize, &str)> {
    let mut at = 0;
    let pieces = text.split_inclusive(is_separator).map(move |piece| {
        let start = at;
        at += piece.len();
        (start, piece.trim_end_matches(is_separator))
    });
    pieces.filter(|(_, word)| !word.is_empty())
}

fn is_separator(c: char) -> bool {
    c.is_whitespace() || "{}[],:=\"'#|>&*!%@`".contains(c)
}

#[cfg(test)]
mod tests {
    use crate::diagnostics::excerpt::Excerpt;
    use crate::text::redacted_source::{RedactedSource, Visibility};
    use crate::text::source::{SourceFile, Span};
    use std::sync::Arc;

    #[test]
    fn line_that_does_not_parse_shows_only_keys_and_references() {
        for (line, shown) in [
            (
                "  tracking_password: \"hunter2",
                "  tracking_password: \"***",
            ),
            (
                "  tracking_password:hunter2 # see: wiki",
                "  tracking_password:*** # ***: ***",
            ),
            (
                "  tracking_password:hunter2: x: y",
                "  tracking_password:***: ***: ***",
            ),
            ("  path: s3://x: y", "  path: ***:***: ***"),
            ("  x: {{a.b}}-c", "  x: {{a.b}}***"),
            (
                "  tracking_password: {{a.password}",
                "  tracking_password: {{a.password}",
            ),
            (
                "  tracking_password: {a.b}} # hunter2",
                "  tracking_password: {a.b}} # ***",
            ),
            ("  tracking_password: {{a.b", "  tracking_password: {{a.b"),
            (
                "  tracking_password: {hunter2}}",
                "  tracking_password: {***}}",
            ),
            (
                "  tracking_password: {{hunter2}}x",
                "  tracking_password: {{***}}***",
            ),
            (
                "  {password: {{a.b}}, note: hunter2",
                "  {password: {{a.b}}, ***: ***",
            ),
            ("- note: hunter2", "- note: ***"),
            ("MIIEpAIBAAKCAQEA==", "***=="),
            ("{\"token\":\"x\"", "{\"token\":\"***\""),
            ("level=3", "level=***"),
            ("x = { db.password=hunter2 }", "x = { db.password=*** }"),
            (
                "tracking_password.hunter2 = {{",
                "tracking_password*** = {{",
            ),
        ] {
            let source = RedactedSource::new(
                Arc::new(SourceFile::new("f.yaml", line)),
                Visibility::Guessed,
            );
            assert_eq!(
                Excerpt::new(&source, Span::new(line.len(), line.len()), false).text(),
                shown
            );
        }
    }
}
