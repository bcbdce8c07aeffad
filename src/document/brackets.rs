//! Brackets and strings that a text never closes: the cause of errors that parsers report where they stop, lines below.
//!
//! The text is read for its brackets and quotes alone, and only after a parser has refused it.

use super::{Syntax, SyntaxError};
use crate::text::source::Span;

/// Something that is not closed, or not by its own bracket.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum BracketError {
    /// A bracket without its counterpart.
    Unclosed(u8),
    /// A bracket that another kind of bracket closes, which has its own place.
    Mismatch(u8, (usize, u8)),
    /// A closing bracket without an opening one.
    Surplus(u8),
    /// The quotes, by their number, of a string without an end.
    String(usize),
}

/// Returns what is not closed before the place where a parser stopped; `None` if the cause is another one.
pub(super) fn find_unclosed(text: &str, syntax: Syntax, stopped_at: usize) -> Option<SyntaxError> {
    let mut scanner = BracketScanner::new(text.as_bytes());
    match syntax {
        Syntax::Yaml => scanner.yaml(),
        Syntax::Toml => scanner.toml(),
        Syntax::Json => scanner.json(),
        Syntax::Script => return None,
    }
    let before = |&&(at, _): &&(usize, BracketError)| at <= stopped_at;
    let &(at, fault) = scanner.errors.iter().filter(before).max_by_key(|(at, _)| *at)?;
    let mut span = Span::new(at, at + 1);
    let (message, help) = match fault {
        BracketError::Unclosed(open) => {
            let (open, close) = (char::from(open), char::from(counterpart(open)));
            (format!("a missing bracket: nothing closes this `{open}`"), format!("add `{close}` where it ends"))
        }
        BracketError::Mismatch(open, (closed_at, close)) => {
            span = Span::new(closed_at, closed_at + 1);
            let (close, needed, open) = (char::from(close), char::from(counterpart(open)), char::from(open));
            (format!("a wrong bracket: `{open}` is closed by `{close}`"), format!("write `{needed}` in its place"))
        }
        BracketError::Surplus(close) => {
            let (close, open) = (char::from(close), char::from(counterpart(close)));
            let help = format!("remove it, add the `{open}` that it is to close, or put the value in quotes");
            (format!("a missing bracket: no `{open}` belongs to this `{close}`"), help)
        }
        BracketError::String(quotes) => {
            span = Span::new(at, at + quotes);
            ("a string that is never closed".to_owned(), "close the quote that opens here".to_owned())
        }
    };
    Some(SyntaxError { span, message, help: Some(help) })
}

fn counterpart(bracket: u8) -> u8 {
    match bracket {
        b'[' => b']',
        b'{' => b'}',
        b']' => b'[',
        _ => b'{',
    }
}

/// Reads a text from its start to its end.
struct BracketScanner<'t> {
    text: &'t [u8],
    at: usize,
    /// The brackets that are open, each with its place.
    open: Vec<(usize, u8)>,
    /// How many of them are `[`, and how many `{`.
    counts: [usize; 2],
    errors: Vec<(usize, BracketError)>,
}

impl<'t> BracketScanner<'t> {
    fn new(text: &'t [u8]) -> Self {
        Self { text, at: 0, open: Vec::new(), counts: [0; 2], errors: Vec::new() }
    }

    fn peek(&self) -> Option<u8> {
        self.text.get(self.at).copied()
    }

    fn rest(&self) -> &'t [u8] {
        self.text.get(self.at..).unwrap_or_default()
    }

    fn count(&mut self, bracket: u8) -> &mut usize {
        let [square, curly] = &mut self.counts;
        if matches!(bracket, b'[' | b']') { square } else { curly }
    }

    fn push(&mut self, bracket: u8) {
        self.open.push((self.at, bracket));
        *self.count(bracket) += 1;
    }

    /// Takes the innermost bracket away.
    fn pop(&mut self) -> Option<(usize, u8)> {
        let top = self.open.pop()?;
        *self.count(top.1) -= 1;
        Some(top)
    }

    /// Closes a bracket: the innermost of its kind, with those that are open inside it.
    fn close(&mut self, close: u8) {
        let wanted = counterpart(close);
        if *self.count(wanted) == 0 {
            let mismatch = self.pop().map(|(at, open)| (at, BracketError::Mismatch(open, (self.at, close))));
            self.errors.push(mismatch.unwrap_or((self.at, BracketError::Surplus(close))));
            return;
        }
        while let Some((at, open)) = self.pop() {
            if open == wanted {
                return;
            }
            self.errors.push((at, BracketError::Unclosed(open)));
        }
    }

    /// Takes all brackets away: none of them is closed.
    fn give_up(&mut self) {
        while let Some((at, open)) = self.pop() {
            self.errors.push((at, BracketError::Unclosed(open)));
        }
    }

    fn skip_line(&mut self) {
        self.at += memchr::memchr2(b'\n', b'\r', self.rest()).unwrap_or(self.rest().len());
    }

    /// Skips a string whose quotes begin here; it ends with the same quotes, or unclosed with its line if it has one quote.
    fn string(&mut self, quotes: &[u8], escapes: bool, one_line: bool) {
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
        self.errors.push((start, BracketError::String(quotes.len())));
    }

    fn json(&mut self) {
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
        self.give_up();
    }

    fn toml(&mut self) {
        // Whether a bracket at the start of a line is that of a table's header, which ends with its line.
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
                        self.give_up();
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
        self.give_up();
    }

    fn yaml(&mut self) {
        while self.at < self.text.len() {
            let indent = self.indent();
            self.block_line(indent);
            self.skip_line();
            self.at += 1;
        }
        self.give_up();
    }

    /// Skips the blanks at the start of a line, and returns how many there are.
    fn indent(&mut self) -> usize {
        let blanks = self.rest().iter().take_while(|&&byte| byte == b' ').count();
        self.at += blanks;
        blanks
    }

    /// Reads a line outside of brackets, and what it begins: a quoted scalar, a block scalar or a collection in brackets.
    fn block_line(&mut self, mut indent: usize) {
        loop {
            match self.rest() {
                [b'-' | b'?', b' ', ..] => {
                    self.at += 2;
                    indent += 2;
                }
                [b'-', b'-', b'-', b' ', ..] => self.at += 4,
                [b' ' | b'\t', ..] => self.at += 1,
                [b'&' | b'!', ..] => {
                    let ends = |byte: &u8| byte.is_ascii_whitespace();
                    self.at += self.rest().iter().position(ends).unwrap_or(self.rest().len());
                }
                [b'"', ..] => self.string(b"\"", true, false),
                [b'\'', ..] => self.string(b"'", false, false),
                [b'[' | b'{', ..] => {
                    let line_start = memchr::memrchr2(b'\n', b'\r', self.text.get(..self.at).unwrap_or_default());
                    let is_root = self.at == line_start.map_or(0, |at| at + 1);
                    if !self.flow(indent, is_root) {
                        return;
                    }
                }
                [close @ (b']' | b'}'), ..] => {
                    self.close(*close);
                    self.at += 1;
                }
                [b'|' | b'>', ..] => return self.skip_block_scalar(indent),
                [b':', b' ' | b'\t', ..] => self.at += 2,
                [] | [b'\n' | b'\r' | b'#', ..] => return,
                _ => {
                    if !self.skip_plain() {
                        return;
                    }
                }
            }
        }
    }

    /// Skips a plain scalar up to the colon behind it; returns whether there is one on this line.
    fn skip_plain(&mut self) -> bool {
        while let Some(byte) = self.peek() {
            match (byte, self.rest()) {
                (b'\n' | b'\r', _) | (b' ', [_, b'#', ..]) => return false,
                (b':', [_, b' ' | b'\t', ..]) => return true,
                _ => self.at += 1,
            }
        }
        false
    }

    /// Skips the lines of a block scalar, which are indented further than its key.
    fn skip_block_scalar(&mut self, indent: usize) {
        self.skip_line();
        while self.at < self.text.len() {
            let line = self.at + 1;
            let content = self.text.get(line..).unwrap_or_default();
            let blanks = content.iter().take_while(|&&byte| byte == b' ').count();
            let is_blank = matches!(content.get(blanks), None | Some(b'\n' | b'\r'));
            if !is_blank && blanks <= indent {
                return;
            }
            self.at = line;
            self.skip_line();
        }
    }

    /// Reads a collection in brackets up to its end. Returns whether it has one: a line that is indented no further than the key
    /// belongs to what follows.
    fn flow(&mut self, indent: usize, is_root: bool) -> bool {
        while let Some(byte) = self.peek() {
            let before = self.at.checked_sub(1).and_then(|at| self.text.get(at)).copied().unwrap_or(b' ');
            let begins = before.is_ascii_whitespace() || matches!(before, b'[' | b'{' | b',' | b':');
            match byte {
                b'"' if begins => {
                    self.string(b"\"", true, false);
                    continue;
                }
                b'\'' if begins => {
                    self.string(b"'", false, false);
                    continue;
                }
                b'#' if before.is_ascii_whitespace() => {
                    self.skip_line();
                    continue;
                }
                b'[' | b'{' => self.push(byte),
                b']' | b'}' => {
                    self.close(byte);
                    if self.open.is_empty() {
                        self.at += 1;
                        return true;
                    }
                }
                b'\n' if !is_root => {
                    let line = self.text.get(self.at + 1..).unwrap_or_default();
                    let blanks = line.iter().take_while(|&&byte| byte == b' ').count();
                    let first = line.get(blanks).copied().unwrap_or(b'\n');
                    if blanks <= indent && !matches!(first, b'\n' | b'\r' | b'#' | b']' | b'}') {
                        self.give_up();
                        return false;
                    }
                }
                _ => {}
            }
            self.at += 1;
        }
        self.give_up();
        false
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Where a fault is found that lies before the mark `¦`, where a parser would have stopped.
    fn found(text: &str, syntax: Syntax) -> Option<(usize, String)> {
        let stopped = text.find('¦').unwrap_or(text.len());
        let error = find_unclosed(&text.replace('¦', ""), syntax, stopped)?;
        Some((error.span.start, error.message))
    }

    fn missing(open: char) -> String {
        format!("a missing bracket: nothing closes this `{open}`")
    }

    #[test]
    fn the_innermost_bracket_without_an_end_is_found() {
        for (text, at, open) in [
            ("a: [x, y\n¦b: z\n", 3, '['),
            ("a: {x: 1\n¦b: z\n", 3, '{'),
            ("a:\n  - [x\n  - ¦y\n", 7, '['),
            ("a: [x, {y: 1\n¦b: z\n", 7, '{'),
            ("a: [x\n\n  # c ]\n¦b: ']'\n", 3, '['),
            ("a: |\n  [\n  {\nb: [x\n", 16, '['),
            ("a: \"[\" # [\nb: x [ y\nc: [\n", 23, '['),
            ("- k: |\n    [\n  l: [\n", 18, '['),
            ("{a: [1, 2,\nb: 3\n", 4, '['),
        ] {
            assert_eq!(found(text, Syntax::Yaml), Some((at, missing(open))), "{text}");
        }
        assert_eq!(found("a = [1, 2\n¦b = [3]\n[c]\n", Syntax::Toml), Some((4, missing('['))));
        assert_eq!(found("[a¦\nb = 3\n", Syntax::Toml), Some((0, missing('['))));
        assert_eq!(found("a = { b = 1¦\nc = '}'\n", Syntax::Toml), Some((4, missing('{'))));
        assert_eq!(found("{\"a\": [1, 2\n¦}}", Syntax::Json), Some((6, missing('['))));
        assert_eq!(found("{\"a\": \"]\", \"b\": [", Syntax::Json), Some((16, missing('['))));
    }

    #[test]
    fn brackets_in_order_and_other_errors_have_no_fault() {
        for text in [
            "a: [x,\n  y]\nb: ¦: c\n",
            "a: [\n  x\n]¦\n",
            "a: it's [x\nb: 'y'\n¦c\n",
            "a: [it's, 'x]']\n¦: b",
            "a: >-\n  [\nb: ¦:",
            "{\na: [\n1]\n}\n¦",
            "a: &b [x]\n!c d: {e: f}¦",
        ] {
            assert_eq!(found(text, Syntax::Yaml), None, "{text}");
        }
        assert_eq!(found("a = [\n  1, # [\n  [2],\n]\nb = ¦\n", Syntax::Toml), None);
        assert_eq!(found("{\"a\": \"[\\\"\"¦}", Syntax::Json), None);
    }

    #[test]
    fn wrong_and_surplus_brackets_are_told_apart() {
        let message = |text, syntax| found(text, syntax).map(|(_, message)| message).unwrap_or_default();
        assert_eq!(message("a: [x}\n", Syntax::Yaml), "a wrong bracket: `[` is closed by `}`");
        assert_eq!(message("{\"a\": [1]]", Syntax::Json), "a wrong bracket: `{` is closed by `]`");
        assert_eq!(message("a = 1]\n", Syntax::Toml), "a missing bracket: no `[` belongs to this `]`");
    }

    #[test]
    fn a_string_without_an_end_is_found_where_it_begins() {
        let string = |at| Some((at, "a string that is never closed".to_owned()));
        for (text, at) in [
            ("a = \"x¦\nb = 3\n", 4),
            ("a = 'x¦\nb = 3\n", 4),
            ("a = '''x\nb = 3\n", 4),
            ("a = \"\"\"x\\\"\"\"\nb = 3\n", 4),
            ("a = [1, \"x¦\n]\n", 8),
            ("\"a = 3¦\n", 0),
        ] {
            assert_eq!(found(text, Syntax::Toml), string(at), "{text}");
        }
        assert_eq!(found("a = \"\\q¦\"\n", Syntax::Toml), None, "it is closed");
        assert_eq!(found("a = ¦b\nc = \"x\n", Syntax::Toml), None, "it is below");
    }
}
