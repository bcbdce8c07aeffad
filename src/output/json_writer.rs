//! Writes JSON as a stream: indented, and with control characters and invisible characters escaped.
//!
//! [`StreamedItems`] creates each item of a list only when it is written, because a report can
//! contain a million findings.

use crate::text::escape::is_unsafe;
use serde::ser::Error as _;
use serde::{Serialize, Serializer};
use serde_json::ser::{CompactFormatter, Formatter, PrettyFormatter};
use std::cell::RefCell;
use std::io::{self, BufWriter, Write};

/// The items of a JSON list, each created when it is written.
pub(super) struct StreamedItems<'r, T>(RefCell<Box<dyn Iterator<Item = T> + 'r>>);

impl<'r, T> StreamedItems<'r, T> {
    pub fn new(items: impl IntoIterator<Item = T, IntoIter: 'r>) -> Self {
        Self(RefCell::new(Box::new(items.into_iter())))
    }
}

impl<T: Serialize> Serialize for StreamedItems<'_, T> {
    /// Writes the items. A second call writes an empty list.
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_seq(&mut **self.0.try_borrow_mut().map_err(S::Error::custom)?)
    }
}

/// Writes a value as indented JSON, followed by a line break.
///
/// Control characters and invisible characters are escaped even if JSON does not require it.
pub(super) fn write_pretty(value: &impl Serialize, out: &mut dyn Write) -> io::Result<()> {
    let mut out = BufWriter::new(out);
    let mut serializer =
        serde_json::Serializer::with_formatter(&mut out, EscapingFormatter(PrettyFormatter::new()));
    value.serialize(&mut serializer)?;
    writeln!(out)?;
    out.flush()
}

/// Writes a value as JSON in one line, which can be the text of a `<script>` element in HTML.
///
/// `<`, `>` and `&` are escaped, so that no string ends the element or begins a comment.
pub(super) fn write_in_html(value: &impl Serialize, out: &mut dyn Write) -> io::Result<()> {
    let mut out = BufWriter::new(HtmlText(out));
    let mut serializer =
        serde_json::Serializer::with_formatter(&mut out, EscapingFormatter(CompactFormatter));
    value.serialize(&mut serializer)?;
    out.flush()
}

/// A writer of JSON that escapes the characters with a meaning in HTML. In JSON, they occur only in
/// strings.
struct HtmlText<'w>(&'w mut dyn Write);

impl Write for HtmlText<'_> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let mut rest = bytes;
        while let Some(at) = rest.iter().position(|byte| b"<>&".contains(byte)) {
            let (before, from) = rest.split_at(at);
            self.0.write_all(before)?;
            if let Some((byte, after)) = from.split_first() {
                write!(self.0, "\\u{byte:04x}")?;
                rest = after;
            }
        }
        self.0.write_all(rest)?;
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        self.0.flush()
    }
}

/// A formatter that also escapes control characters and invisible characters in strings, so that
/// the output cannot control a terminal.
struct EscapingFormatter<F>(F);

impl<F: Formatter> Formatter for EscapingFormatter<F> {
    fn write_string_fragment<W: Write + ?Sized>(
        &mut self,
        out: &mut W,
        fragment: &str,
    ) -> io::Result<()> {
        let mut written = 0;
        for (at, c) in fragment.char_indices().filter(|&(_, c)| is_unsafe(c)) {
            out.write_all(fragment.get(written..at).unwrap_or_default().as_bytes())?;
            for unit in c.encode_utf16(&mut [0; 2]) {
                write!(out, "\\u{unit:04x}")?;
            }
            written = at + c.len_utf8();
        }
        out.write_all(fragment.get(written..).unwrap_or_default().as_bytes())
    }

    fn begin_array<W: Write + ?Sized>(&mut self, out: &mut W) -> io::Result<()> {
        self.0.begin_array(out)
    }

    fn end_array<W: Write + ?Sized>(&mut self, out: &mut W) -> io::Result<()> {
        self.0.end_array(out)
    }

    fn begin_array_value<W: Write + ?Sized>(&mut self, out: &mut W, first: bool) -> io::Result<()> {
        self.0.begin_array_value(out, first)
    }

    fn end_array_value<W: Write + ?Sized>(&mut self, out: &mut W) -> io::Result<()> {
        self.0.end_array_value(out)
    }

    fn begin_object<W: Write + ?Sized>(&mut self, out: &mut W) -> io::Result<()> {
        self.0.begin_object(out)
    }

    fn end_object<W: Write + ?Sized>(&mut self, out: &mut W) -> io::Result<()> {
        self.0.end_object(out)
    }

    fn begin_object_key<W: Write + ?Sized>(&mut self, out: &mut W, first: bool) -> io::Result<()> {
        self.0.begin_object_key(out, first)
    }

    fn begin_object_value<W: Write + ?Sized>(&mut self, out: &mut W) -> io::Result<()> {
        self.0.begin_object_value(out)
    }

    fn end_object_value<W: Write + ?Sized>(&mut self, out: &mut W) -> io::Result<()> {
        self.0.end_object_value(out)
    }
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "tests")]
mod tests {
    use super::*;
    use serde_json::{Value, json};

    fn written(value: &Value) -> String {
        let mut out = Vec::new();
        write_pretty(value, &mut out).unwrap();
        String::from_utf8(out).unwrap()
    }

    #[test]
    fn unsafe_characters_are_escaped() {
        let value = json!({"a": [], "b": {}, "c": [1, "x\u{1b}\u{202e}\"\\\n\u{7f}\u{1f600}\u{e0001}é", null], "d\u{2028}": {"e": true}});
        let text = written(&value);
        assert!(
            text.is_ascii() || !text.chars().any(|c| c != '\n' && is_unsafe(c)),
            "{text}"
        );
        assert!(
            text.contains("\\u202e\\\"\\\\\\n\\u007f\u{1f600}\\udb40\\udc01é"),
            "{text}"
        );
        assert_eq!(serde_json::from_str::<Value>(&text).unwrap(), value);
    }

    #[test]
    fn text_in_html_cannot_end_its_element() {
        for name in [
            "</script><script>alert(1)</script>",
            "<!--<script>",
            "a & b > c",
            "\u{2028}\u{202e}\u{1f600}\"\\'",
        ] {
            let value = json!([{"name": name}, null, 1]);
            let mut out = Vec::new();
            write_in_html(&value, &mut out).unwrap();
            let text = String::from_utf8(out).unwrap();
            assert!(
                !text.contains(['<', '>', '&', '\n', '\u{2028}', '\u{202e}']),
                "{text}"
            );
            assert_eq!(serde_json::from_str::<Value>(&text).unwrap(), value);
        }
    }

    #[test]
    fn safe_text_is_written_as_serde_json_writes_it() {
        let value = json!({"a": [], "b": {}, "c": [1, [{"x": "y"}]]});
        assert_eq!(
            written(&value),
            serde_json::to_string_pretty(&value).unwrap() + "\n"
        );
    }
}
