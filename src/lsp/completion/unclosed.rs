//! Quotes and brackets that are open at the end of a text, so that a text that is being typed can be
//! completed.

/// The quotes and brackets that are open at the end of a text.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Unclosed {
    /// The open quote.
    pub quote: Option<char>,
    /// The closing brackets, from the outermost to the innermost one.
    brackets: Vec<char>,
}

impl Unclosed {
    /// Reads a text. Comments count as code, since a quote in them is rare.
    pub fn of(text: &str) -> Self {
        let mut open = Self::default();
        let mut before = ' ';
        let mut is_escaped = false;
        for c in text.chars() {
            open.read(c, before, is_escaped);
            is_escaped = c == '\\' && !is_escaped && open.quote != Some('\'');
            before = c;
        }
        open
    }

    fn read(&mut self, c: char, before: char, is_escaped: bool) {
        match (self.quote, c) {
            _ if is_escaped => {}
            (Some(quote), _) => {
                if c == quote {
                    self.quote = None;
                }
            }
            // An apostrophe in a word is not a quote.
            (None, '"' | '\'') if !before.is_alphanumeric() => self.quote = Some(c),
            (None, '(') => self.brackets.push(')'),
            (None, '[') => self.brackets.push(']'),
            (None, '{') => self.brackets.push('}'),
            (None, _) => {
                if self.brackets.last() == Some(&c) {
                    self.brackets.pop();
                }
            }
        }
    }

    /// Returns the text that closes everything.
    pub fn closing(&self) -> String {
        let brackets = self.brackets.iter().rev();
        self.quote.iter().chain(brackets).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn open_quotes_and_brackets_are_closed_from_the_inside() {
        for (text, closing) in [
            ("", ""),
            ("a: \"b", "\""),
            ("a: 'b\"", "'"),
            ("a: \"b\\\"", "\""),
            ("a: 'b\\'", ""),
            ("a: \"b\\\\\"", ""),
            ("a: [b, 'c', {d: \"e", "\"}]"),
            ("@step(secrets=[\"a\", \"", "\"])"),
            ("it's {", "}"),
            ("a]b)", ""),
        ] {
            assert_eq!(Unclosed::of(text).closing(), closing, "{text}");
        }
    }
}
