//! Scans a text for brackets and strings, and collects those that are not closed.
//!
//! YAML has its own file, `yaml_brackets.rs`.

use super::{BracketError, counterpart};

/// A scanner that reads a text from start to end.
pub(super) struct BracketScanner<'t> {
    pub(super) text: &'t [u8],
    pub(super) at: usize,
    /// The open brackets, each with its offset.
    pub(super) open: Vec<(usize, u8)>,
    /// The numbers of open `[` and open `{`.
    counts: [usize; 2],
    pub(super) errors: Vec<(usize, BracketError)>,
}

impl<'t> BracketScanner<'t> {
    pub(super) fn new(text: &'t [u8]) -> Self {
        Self {
            text,
            at: 0,
            open: Vec::new(),
            counts: [0; 2],
            errors: Vec::new(),
        }
    }

    pub(super) fn peek(&self) -> Option<u8> {
        self.text.get(self.at).copied()
    }

    pub(super) fn rest(&self) -> &'t [u8] {
        self.text.get(self.at..).unwrap_or_default()
    }

    fn count(&mut self, bracket: u8) -> &mut usize {
        let [square, curly] = &mut self.counts;
        if matches!(bracket, b'[' | b']') {
            square
        } else {
            curly
        }
    }

    pub(super) fn push(&mut self, bracket: u8) {
        self.open.push((self.at, bracket));
        *self.count(bracket) += 1;
    }

    /// Removes the innermost open bracket.
    fn pop(&mut self) -> Option<(usize, u8)> {
        let top = self.open.pop()?;
        *self.count(top.1) -= 1;
        Some(top)
    }

    /// Closes the innermost open bracket of the same kind. Open brackets inside it are errors.
    pub(super) fn close(&mut self, close: u8) {
        let wanted = counterpart(close);
        if *self.count(wanted) == 0 {
            let mismatch = self
                .pop()
                .map(|(at, open)| (at, BracketError::Mismatch(open, (self.at, close))));
            self.errors
                .push(mismatch.unwrap_or((self.at, BracketError::Surplus(close))));
            return;
        }
        while let Some((at, open)) = self.pop() {
            if open == wanted {
                return;
            }
            self.errors.push((at, BracketError::Unclosed(open)));
        }
    }

    /// Removes all open brackets, which are errors.
    pub(super) fn report_open(&mut self) {
        while let Some((at, open)) = self.pop() {
            self.errors.push((at, BracketError::Unclosed(open)));
        }
    }

    pub(super) fn skip_line(&mut self) {
        self.at += memchr::memchr2(b'\n', b'\r', self.rest()).unwrap_or(self.rest().len());
    }

    /// Skips a string that begins here. It ends with the same quotes. A string of one line that is
    /// not closed ends with its line.
    pub(super) fn string(&mut self, quotes: &[u8], escapes: bool, one_line: bool) {
        let start = self.at;
        self.at += quotes.len();
        while let Some(byte) = self.peek() {
            if self.rest().starts_with(quotes) {
                self.at += quotes.len();
                return;
            }
            if one_line && matches!(byte, b'\n' | b'\r') {
                break;
            }
            self.at += if escapes && byte == b'\\' { 2 } else { 1 };
        }
        self.at = self.at.min(self.text.len());
        self.errors
            .push((start, BracketError::String(quotes.len())));
    }

    pub(super) fn json(&mut self) {
        while let Some(byte) = self.peek() {
            match byte {
                b'"' => {
                    self.string(b"\"", true, true);
                    continue;
                }
                b'[' | b'{' => self.push(byte),
                b']' | b'}' => self.close(byte),
                _ => {}
            }
            self.at += 1;
        }
        self.report_open();
    }

    pub(super) fn toml(&mut self) {
        // Whether this line is a table header, which ends with its line.
        let mut header = false;
        let mut at_start = true;
        while let Some(byte) = self.peek() {
            let was_at_start = at_start;
            at_start = at_start && byte.is_ascii_whitespace();
            match byte {
                b'#' => {
                    self.skip_line();
                    continue;
                }
                b'"' | b'\'' => {
                    let quotes: &[u8] = match (byte, self.rest()) {
                        (b'"', [b'"', b'"', b'"', ..]) => b"\"\"\"",
                        (b'"', _) => b"\"",
                        (_, [b'\'', b'\'', b'\'', ..]) => b"'''",
                        _ => b"'",
                    };
                    self.string(quotes, byte == b'"', quotes.len() == 1);
                    continue;
                }
                b'\n' => {
                    if std::mem::take(&mut header) {
                        self.report_open();
                    }
                    at_start = true;
                }
                b'[' | b'{' => {
                    header |= was_at_start && self.open.is_empty();
                    self.push(byte);
                }
                b']' | b'}' => self.close(byte),
                _ => {}
            }
            self.at += 1;
        }
        self.report_open();
    }
}
