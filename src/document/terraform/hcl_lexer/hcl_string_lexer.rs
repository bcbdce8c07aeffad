//! Reads the strings and the here-documents of a Terraform file for the lexer.

use super::{Context, HeredocStart, Lexer, is_inner_word_byte};
use crate::document::terraform::hcl_tokens::TokenKind;
use std::collections::HashMap;

impl Lexer<'_> {
    /// Leaves the outermost string if it has an interpolation that is not closed before the next
    /// attribute.
    pub(super) fn leave_unclosed_string(&mut self) {
        let is_interpolation = matches!(
            self.contexts.as_slice(),
            [.., Context::Quoted(_), Context::Interpolation(_)]
        );
        if !is_interpolation || !begins_attribute(self.text.get(self.at..).unwrap_or_default()) {
            return;
        }
        while let Some(context) = self.contexts.pop() {
            match context {
                Context::Interpolation(open) => {
                    self.open = open;
                    self.interpolations -= 1;
                }
                Context::Quoted(start) if self.interpolations == 0 => {
                    self.contexts.push(Context::Quoted(start));
                    self.leave(TokenKind::Quoted, start);
                    return self.push(TokenKind::Newline, self.at);
                }
                Context::Heredoc(_) if self.interpolations == 0 => {
                    return self.contexts.push(context);
                }
                _ => {}
            }
        }
    }

    /// Reads a part of a quoted string.
    pub(super) fn read_quoted(&mut self, start: usize) {
        while let Some(byte) = self.byte(self.at) {
            match byte {
                b'"' => {
                    self.at += 1;
                    return self.leave(TokenKind::Quoted, start);
                }
                b'\n' => return self.leave(TokenKind::Quoted, start),
                b'\\' if self.byte(self.at + 1) != Some(b'\n') => self.at += 2,
                b'$' | b'%' if self.read_template_start(byte) => return,
                b'$' | b'%' => {}
                _ => self.at += 1,
            }
        }
    }

    /// Reads a `$` or `%` in a string. Returns whether an interpolation begins there.
    pub(super) fn read_template_start(&mut self, byte: u8) -> bool {
        match (self.byte(self.at + 1), self.byte(self.at + 2)) {
            (Some(b'{'), _) => {
                self.at += 2;
                self.contexts.push(Context::Interpolation(self.open));
                self.open = [0; 3];
                self.interpolations += 1;
                return true;
            }
            (Some(next), Some(b'{')) if next == byte => self.at += 3,
            _ => self.at += 1,
        }
        false
    }

    /// Reads the start of a here-document. It is an operator if no line ends the document.
    pub(super) fn read_heredoc_start(&mut self, start: usize) {
        let mut from = start + 2;
        from += usize::from(self.byte(from) == Some(b'-'));
        let mut end = from;
        while self.byte(end).is_some_and(is_inner_word_byte) {
            end += 1;
        }
        let delimiter = self.text.get(from..end).unwrap_or_default();
        let line_end = end + usize::from(self.byte(end) == Some(b'\r'));
        let is_start = end > from && self.byte(line_end) == Some(b'\n');
        match self.last_line(delimiter).filter(|_| is_start) {
            Some(last_line) if last_line > line_end => {
                self.at = line_end + 1;
                self.enter(Context::Heredoc(HeredocStart {
                    start,
                    delimiter: from..end,
                    last_line,
                }));
            }
            _ => self.push(TokenKind::Other, start),
        }
    }

    /// Returns the start of the last line that consists of a delimiter.
    pub(super) fn last_line(&mut self, delimiter: &str) -> Option<usize> {
        let text = self.text;
        let lines = self.last_lines.get_or_insert_with(|| {
            let mut at = 0;
            let mut lines = HashMap::new();
            for line in text.split_inclusive('\n') {
                let word = line.trim();
                if !word.is_empty() && word.bytes().all(is_inner_word_byte) {
                    lines.insert(word, at);
                }
                at += line.len();
            }
            lines
        });
        lines.get(delimiter).copied()
    }

    /// Reads a part of a here-document: a line, or its start up to an interpolation.
    pub(super) fn read_heredoc(&mut self, heredoc: &HeredocStart) {
        if self.at > 0 && self.byte(self.at - 1) == Some(b'\n') {
            let rest = self.text.get(self.at..).unwrap_or_default();
            let delimiter = self.text.get(heredoc.delimiter.clone()).unwrap_or_default();
            if let Some(len) = heredoc_end(rest, delimiter) {
                self.at += len;
                return self.leave(TokenKind::Heredoc, heredoc.start);
            }
            if self.at > heredoc.last_line {
                self.leave(TokenKind::Heredoc, heredoc.start);
                return self.read_restart();
            }
        }
        while let Some(byte) = self.byte(self.at) {
            match byte {
                b'\n' => {
                    self.at += 1;
                    return;
                }
                b'$' | b'%' if self.read_template_start(byte) => return,
                b'$' | b'%' => {}
                _ => self.at += 1,
            }
        }
    }
}

/// Returns the length of the delimiter with its indentation if it is the only word of the first line.
fn heredoc_end(text: &str, delimiter: &str) -> Option<usize> {
    let is_blank = |c: char| c.is_whitespace() && c != '\n';
    let rest = text.trim_start_matches(is_blank).strip_prefix(delimiter)?;
    let after = rest.trim_start_matches(is_blank);
    (after.is_empty() || after.starts_with('\n')).then(|| text.len() - rest.len())
}

/// Returns whether the first line of a text begins with a name and `=`.
fn begins_attribute(text: &str) -> bool {
    let line = text.trim_start_matches([' ', '\t']);
    let name = line.bytes().take_while(|byte| is_inner_word_byte(*byte));
    let rest = line.get(name.count()..).unwrap_or_default();
    let value = rest.trim_start_matches([' ', '\t']).strip_prefix('=');
    rest.len() < line.len() && value.is_some_and(|value| !value.starts_with(['=', '>', '~']))
}

#[cfg(test)]
mod tests {
    use super::super::tests::words;

    #[test]
    fn strings_are_single_tokens() {
        for text in [
            r#""a b""#,
            r#""a \" b""#,
            r#""\\""#,
            r#""${"}"}""#,
            r#""${f({ a = "}" })} b""#,
            r#""$${" "#,
            r#""$$${a}""#,
            r#""%{ if a == "b" }c%{ endif }""#,
            r#""${a[0]}${b}""#,
            r#""${ "${ "a" }" }""#,
            "\"${\n  a\n}\"",
            "<<EOT\n\"a { b\nEOT",
            "<<-EOT\n  a\n  EOT",
            "<<EOT\n${<<EOT\na\nEOT\n}\nEOT",
            "<<EOT\n${{\n a = \"EOT\"\n}}\nEOT",
        ] {
            assert_eq!(words(text), [text.trim_end()], "{text}");
        }
    }

    #[test]
    fn unclosed_strings_end_at_a_line() {
        let cases: [(&str, &[&str]); 8] = [
            ("\"a\nb", &["\"a", "b"]),
            ("\"a\r\nb", &["\"a\r", "b"]),
            ("\"a\\\nb", &["\"a\\", "b"]),
            ("\"${a\nb = 1", &["\"${a\n", "b", "=", "1"]),
            ("\"${\"a\nb = 1", &["\"${\"a\n", "b", "=", "1"]),
            ("<<A\nb", &["<", "<", "A", "b"]),
            ("<<\nA\n", &["<", "<", "A"]),
            ("<<A b\nA\n", &["<", "<", "A", "b", "A"]),
        ];
        for (text, expected) in cases {
            let found = words(text).join("").replace(' ', "");
            assert_eq!(found, expected.join(""), "{text:?}");
        }
    }
}
