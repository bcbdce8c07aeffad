//! Follows strings and brackets of Python from line to line.
//!
//! The parser needs this for two reasons: a file is parsed statement by statement, and the lines of
//! a notebook that are not Python have to be found.

/// The state after some lines of Python.
#[derive(Clone, Debug, Default)]
pub(super) struct LineState {
    /// The quote of the open string with three quotes.
    long_string: Option<u8>,
    /// The quote of a string whose line ends with a backslash.
    short_string: Option<u8>,
    /// The number of open brackets.
    depth: usize,
    /// Whether the last line ends with a backslash.
    is_continued: bool,
}

impl LineState {
    /// Returns whether the next line continues a statement.
    pub fn is_open(&self) -> bool {
        self.is_in_string() || self.depth > 0 || self.is_continued
    }

    /// Returns whether the next line is in a string.
    pub fn is_in_string(&self) -> bool {
        self.long_string.is_some() || self.short_string.is_some()
    }

    /// Reads a line with its line break.
    pub fn feed(&mut self, line: &str) {
        let bytes = line.as_bytes();
        self.is_continued = false;
        let mut at = match self.short_string.take() {
            Some(quote) => self.skip_short_string(bytes, 0, quote),
            None => 0,
        };
        while let Some(&byte) = bytes.get(at) {
            at = match (self.long_string, byte) {
                (Some(quote), _) => match end_of_long_string(bytes, at, quote) {
                    Some(end) => {
                        self.long_string = None;
                        end
                    }
                    None => bytes.len(),
                },
                (None, b'#') => bytes.len(),
                (None, b'"' | b'\'') => self.skip_quote(bytes, at, byte),
                (None, b'\\') => {
                    let rest = bytes.get(at + 1..).unwrap_or_default();
                    self.is_continued = matches!(rest, b"\n" | b"\r\n");
                    at + 1
                }
                (None, b'(' | b'[' | b'{') => {
                    self.depth += 1;
                    at + 1
                }
                (None, b')' | b']' | b'}') => {
                    self.depth = self.depth.saturating_sub(1);
                    at + 1
                }
                _ => at + 1,
            };
        }
    }

    /// Returns the offset after a quote or a string. A string with three quotes may stay open.
    fn skip_quote(&mut self, bytes: &[u8], at: usize, quote: u8) -> usize {
        if bytes.get(at..at + 3) == Some(&[quote; 3]) {
            self.long_string = Some(quote);
            return at + 3;
        }
        self.skip_short_string(bytes, at + 1, quote)
    }

    /// Returns the offset after the rest of a string with one quote, which ends with its line.
    fn skip_short_string(&mut self, bytes: &[u8], from: usize, quote: u8) -> usize {
        let mut end = from;
        while let Some(&byte) = bytes.get(end) {
            match byte {
                b'\\' => {
                    let rest = bytes.get(end + 1..).unwrap_or_default();
                    if matches!(rest, b"\n" | b"\r\n") {
                        self.short_string = Some(quote);
                        return bytes.len();
                    }
                    end += 2;
                }
                b'\n' => return end,
                _ if byte == quote => return end + 1,
                _ => end += 1,
            }
        }
        bytes.len()
    }
}

fn end_of_long_string(bytes: &[u8], from: usize, quote: u8) -> Option<usize> {
    let mut at = from;
    loop {
        let rest = bytes.get(at..)?;
        at += memchr::memchr2(quote, b'\\', rest)?;
        if bytes.get(at) == Some(&b'\\') {
            at += 2;
        } else if bytes.get(at..at + 3) == Some(&[quote; 3]) {
            return Some(at + 3);
        } else {
            at += 1;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn open_statements_are_recognized() {
        for (text, expected) in [
            ("a = 1\n", false),
            ("a = (1,\n", true),
            ("a = (1,\n)\n", false),
            ("a = '(' # (\n", false),
            ("a = \"\\\"(\"\n", false),
            ("a = '''\n(", true),
            ("a = '''\n(\n'''\n", false),
            ("a = r'''\\''' + (\n", true),
            ("a = \"\"\"'''\\\"\"\" (\"\"\"\n", false),
            ("a = 1 + \\\n", true),
            ("a = 1 + \\\r\n", true),
            ("a = 1 + \\ \n", false),
            ("a = 1 + \\\n 2\n", false),
            ("a = 'open (\nb", false),
            ("a = 'é\\", false),
            (")]}\n", false),
            ("a = 'b\\\n", true),
            ("a = 'b\\\n(\n", false),
            ("a = 'b\\\n(' + (\n", true),
            ("'", false),
            ("'''", true),
            ("''", false),
        ] {
            let mut state = LineState::default();
            for line in text.split_inclusive('\n') {
                state.feed(line);
            }
            assert_eq!(state.is_open(), expected, "{text:?}");
        }
    }
}
