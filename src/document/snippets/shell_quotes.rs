//! Tracks the quotes of shell code byte by byte, as far as a host needs them: for the end of a
//! command in a session, and for the text that replaces a placeholder.
//!
//! The shell reader parses the code later. This scanner knows neither here-documents nor
//! substitutions.

/// The quotes around a byte.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum ShellQuotes {
    None,
    /// `'…'`
    Single,
    /// `"…"`
    Double,
    /// `$'…'`, in which a backslash escapes.
    Ansi,
}

/// A scanner that is fed with the bytes of a command.
#[derive(Clone, Copy, Debug)]
pub(super) struct QuoteScanner {
    quotes: ShellQuotes,
    /// The byte before the next one, or a space at the start.
    previous: u8,
    is_escaped: bool,
    in_comment: bool,
}

impl Default for QuoteScanner {
    fn default() -> Self {
        Self {
            quotes: ShellQuotes::None,
            previous: b' ',
            is_escaped: false,
            in_comment: false,
        }
    }
}

impl QuoteScanner {
    /// Returns the quotes around the next byte.
    pub fn quotes(self) -> ShellQuotes {
        self.quotes
    }

    /// Returns whether the next byte is in a comment.
    pub fn in_comment(self) -> bool {
        self.in_comment
    }

    /// Reads a byte.
    pub fn feed(&mut self, byte: u8) {
        let previous = std::mem::replace(&mut self.previous, byte);
        if self.in_comment {
            self.in_comment = byte != b'\n';
            return;
        }
        if std::mem::take(&mut self.is_escaped) {
            // The byte after an escape does not begin a word.
            self.previous = b'\\';
            return;
        }
        match (self.quotes, byte) {
            (ShellQuotes::None, b'\'') if previous == b'$' => self.quotes = ShellQuotes::Ansi,
            (ShellQuotes::None, b'\'') => self.quotes = ShellQuotes::Single,
            (ShellQuotes::None, b'"') => self.quotes = ShellQuotes::Double,
            (ShellQuotes::None, b'#') => {
                let begins_word = previous.is_ascii_whitespace() || b";&|(".contains(&previous);
                self.in_comment = begins_word;
            }
            (ShellQuotes::Single | ShellQuotes::Ansi, b'\'') | (ShellQuotes::Double, b'"') => {
                self.quotes = ShellQuotes::None;
            }
            (ShellQuotes::None | ShellQuotes::Double | ShellQuotes::Ansi, b'\\') => {
                self.is_escaped = true;
            }
            _ => {}
        }
    }

    /// Reads the bytes of a text.
    pub fn feed_all(&mut self, text: &str) {
        for byte in text.bytes() {
            self.feed(byte);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Returns a letter for the quotes around each byte.
    fn quotes(text: &str) -> String {
        let mut scanner = QuoteScanner::default();
        let letter = |byte: u8| {
            let letter = match scanner.quotes() {
                _ if scanner.in_comment() => '#',
                ShellQuotes::None => '-',
                ShellQuotes::Single => 's',
                ShellQuotes::Double => 'd',
                ShellQuotes::Ansi => 'a',
            };
            scanner.feed(byte);
            letter
        };
        text.bytes().map(letter).collect()
    }

    #[test]
    fn quotes_end_as_in_a_shell() {
        for (text, expected) in [
            ("a 'b\" c' d", "---sssss--"),
            (r#"a "b' \" c" d"#, "---dddddddd--"),
            (r"a \' b", "------"),
            (r"$'a\'b' c", "--aaaaa--"),
            ("a # b'\n'c'", "---####-ss"),
            ("a#b 'c'", "-----ss"),
            (r"\# 'c'", "----ss"),
            ("'a#\nb'", "-sssss"),
        ] {
            assert_eq!(quotes(text).len(), text.len());
            assert_eq!(quotes(text), expected, "{text}");
        }
    }
}
