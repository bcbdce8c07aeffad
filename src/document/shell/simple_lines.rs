//! Finds the commands in lines whose structure is obvious.
//!
//! Most lines of a script are simple commands, and the grammar takes a hundred times as long for
//! them as this scan. A line is simple if it has no compound command, no substitution, no
//! here-document and no open quote. Continued lines count as one. All other lines are left to the
//! grammar.

/// Words that begin or end a compound command, or change the meaning of the next word.
#[rustfmt::skip]
const RESERVED_WORDS: [&[u8]; 22] = [
    b"!", b"{", b"}", b"[[", b"]]", b"if", b"then", b"elif", b"else", b"fi", b"for", b"while", b"until", b"do", b"done",
    b"case", b"esac", b"in", b"select", b"function", b"time", b"coproc",
];

/// Returns the end of the simple lines at an offset, and adds the starts of their commands. The offset
/// must be that of a statement.
pub(super) fn read_simple_lines(code: &str, from: usize, starts: &mut Vec<usize>) -> usize {
    let mut end = from;
    while end < code.len() {
        let kept = starts.len();
        let mut line = SimpleLine {
            bytes: code.as_bytes(),
            at: end,
            word: None,
            is_first_word: true,
            needs_command: false,
            starts,
        };
        let Some(next) = line.read() else {
            starts.truncate(kept);
            break;
        };
        end = next;
    }
    end
}

/// A reader of one line.
struct SimpleLine<'c, 's> {
    bytes: &'c [u8],
    at: usize,
    /// The start of the current word.
    word: Option<usize>,
    /// Whether the current or the next word is the first of a command.
    is_first_word: bool,
    /// Whether an operator has to be followed by a command.
    needs_command: bool,
    starts: &'s mut Vec<usize>,
}

impl SimpleLine<'_, '_> {
    /// Returns the end of the line, or `None` if it is not simple.
    fn read(&mut self) -> Option<usize> {
        while let Some(&byte) = self.bytes.get(self.at) {
            match byte {
                b'\n' => {
                    self.at += 1;
                    break;
                }
                b' ' | b'\t' => self.end_word(0)?,
                b'\\' if self.word.is_none() && self.next_is(b'\n') => self.at += 1,
                b'#' if self.word.is_none() => {
                    let rest = self.bytes.get(self.at..)?;
                    self.at += memchr::memchr(b'\n', rest).unwrap_or(rest.len());
                    continue;
                }
                b'\'' => self.skip_single_quotes()?,
                b'"' => self.skip_double_quotes()?,
                b'$' => self.skip_variable(false)?,
                b';' if !self.next_is(b';') => self.end_word(b';')?,
                b'&' if self.next_is(b'>') => self.skip_redirection()?,
                b'&' | b'|' => {
                    let is_double = self.next_is(byte);
                    if !is_double && self.next_is(b'&') {
                        return None;
                    }
                    self.end_word(byte)?;
                    self.at += usize::from(is_double);
                    self.needs_command = is_double || byte == b'|';
                }
                b'<' | b'>' => self.skip_redirection()?,
                b'\\' | b'`' | b'(' | b')' | b';' | b'\r' | 0..b' ' => return None,
                _ => self.begin_word(),
            }
            self.at += 1;
        }
        self.end_word(b'\n')?;
        (!self.needs_command).then_some(self.at.min(self.bytes.len()))
    }

    fn next_is(&self, byte: u8) -> bool {
        self.bytes.get(self.at + 1) == Some(&byte)
    }

    fn begin_word(&mut self) {
        self.word.get_or_insert(self.at);
    }

    /// Ends the current word before a blank or an operator, after which the next command begins.
    fn end_word(&mut self, operator: u8) -> Option<()> {
        let has_command = !self.is_first_word || self.word.is_some();
        if let Some(start) = self.word.take()
            && self.is_first_word
        {
            let end = self.bytes.get(start..self.at)?;
            let word = end.strip_suffix(b"\n").unwrap_or(end);
            if RESERVED_WORDS.contains(&word) {
                return None;
            }
            self.starts.push(start);
            self.is_first_word = false;
            self.needs_command = false;
        }
        match operator {
            0 => {}
            b'\n' => self.is_first_word = true,
            // An operator without a command before it is an error.
            _ if !has_command => return None,
            _ => self.is_first_word = true,
        }
        Some(())
    }

    /// Moves to the closing quote.
    fn skip_single_quotes(&mut self) -> Option<()> {
        self.begin_word();
        let rest = self.bytes.get(self.at + 1..)?;
        let len = memchr::memchr2(b'\'', b'\n', rest)?;
        self.at += 1 + len;
        (rest.get(len) == Some(&b'\'')).then_some(())
    }

    /// Moves to the closing quote.
    fn skip_double_quotes(&mut self) -> Option<()> {
        self.begin_word();
        loop {
            self.at += 1;
            match self.bytes.get(self.at)? {
                b'"' => return Some(()),
                b'\\' | b'`' | b'\n' => return None,
                b'$' => self.skip_variable(true)?,
                _ => {}
            }
        }
    }

    /// Moves to the end of `$`, or of `${NAME}`.
    fn skip_variable(&mut self, is_quoted: bool) -> Option<()> {
        self.begin_word();
        match self.bytes.get(self.at + 1) {
            Some(b'(' | b'[') => None,
            Some(b'\'' | b'"') if !is_quoted => None,
            Some(b'{') => {
                let rest = self.bytes.get(self.at + 2..)?;
                let is_part = |byte: &u8| byte.is_ascii_alphanumeric() || *byte == b'_';
                let len = rest.iter().take_while(|byte| is_part(byte)).count();
                self.at += 2 + len;
                (len > 0 && rest.get(len) == Some(&b'}')).then_some(())
            }
            _ => Some(()),
        }
    }

    /// Moves to the last byte of the operator of a redirection, which follows a command.
    fn skip_redirection(&mut self) -> Option<()> {
        if self.is_first_word {
            return None;
        }
        self.word = None;
        let first = *self.bytes.get(self.at)?;
        match (first, self.bytes.get(self.at + 1)) {
            (_, Some(b'(')) | (b'<', Some(b'<' | b'>')) => None,
            (b'&', _) | (b'>', Some(b'>' | b'&' | b'|')) | (b'<', Some(b'&')) => {
                self.at += 1;
                Some(())
            }
            _ => Some(()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Returns the text from the start of each command to the next one, without the rest that is not
    /// simple.
    fn commands(code: &str) -> Vec<&str> {
        let mut starts = Vec::new();
        let end = read_simple_lines(code, 0, &mut starts);
        let ends = starts.iter().skip(1).copied().chain([end]);
        let commands = starts
            .iter()
            .zip(ends)
            .map(|(&start, end)| &code[start..end]);
        commands.map(str::trim_end).collect()
    }

    #[test]
    fn commands_begin_after_operators() {
        for (code, expected) in [
            ("", vec![]),
            ("a", vec!["a"]),
            ("  a b\n\tc", vec!["a b", "c"]),
            (
                "a; b && c || d | e & f",
                vec!["a;", "b &&", "c ||", "d |", "e &", "f"],
            ),
            ("a;b&&c||d|e&f;", vec!["a;", "b&&", "c||", "d|", "e&", "f;"]),
            ("A=1 B='x y' c\nD=\"$E\"", vec!["A=1 B='x y' c", "D=\"$E\""]),
            (
                "a 'b; c' \"d && $E ${F}\" # g; h\ni",
                vec!["a 'b; c' \"d && $E ${F}\" # g; h", "i"],
            ),
            ("# a\n\n  # b\nc#d", vec!["c#d"]),
            ("a \\\n  --b; c", vec!["a \\\n  --b;", "c"]),
            (
                "a >b 2>&1 <c &>d >>e >|f; g",
                vec!["a >b 2>&1 <c &>d >>e >|f;", "g"],
            ),
            ("a --b={{ c.d }} {{e.f}}", vec!["a --b={{ c.d }} {{e.f}}"]),
            ("[ -f a ] && b", vec!["[ -f a ] &&", "b"]),
            ("echo if then $ $1 $?", vec!["echo if then $ $1 $?"]),
            ("'a' é\nb", vec!["'a' é", "b"]),
        ] {
            assert_eq!(commands(code), expected, "{code:?}");
        }
    }

    #[test]
    fn other_lines_are_left_to_the_grammar() {
        for code in [
            "if a\nthen b\nfi",
            "{ a; }",
            "a() { b; }",
            "a; if b",
            "(a)",
            "a $(b)",
            "a `b`",
            "a \"$(b)\"",
            "a \"\\\"\"",
            "a \"`b`\"",
            "a 'b\nc'",
            "a \"b\nc\"",
            "a <<b\nb",
            "a <<<b",
            "a <(b)",
            "a >(b)",
            "a ${b:-c}",
            "a \"${b:-c}\"",
            "a $'b'",
            "a $((1))",
            "a $[1]",
            "a\\\nb",
            "a\\ b",
            "a |\nb",
            "a &&\nb",
            "a && # b\nc",
            "a |& b",
            "a ;; b",
            "; a",
            "&& a",
            "a && && b",
            "> a b",
            "2>a b",
            "&>a",
            "! a",
            "time a",
            "[[ a ]]",
            "a\r\n",
            "a \0",
            "a=(b)",
            "for a in b",
        ] {
            assert_eq!(commands(code), Vec::<&str>::new(), "{code:?}");
            assert_eq!(commands(&format!("x\n{code}")), ["x"], "{code:?}");
        }
    }
}
