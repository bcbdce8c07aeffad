//! Scans YAML for brackets and strings. Block scalars and plain scalars may contain brackets that
//! are text.

use super::bracket_scanner::BracketScanner;

impl BracketScanner<'_> {
    pub(super) fn yaml(&mut self) {
        while self.at < self.text.len() {
            let indent = self.indent();
            self.block_line(indent);
            self.skip_line();
            self.at += 1;
        }
        self.report_open();
    }

    /// Skips the spaces at the start of a line, and returns their number.
    fn indent(&mut self) -> usize {
        let blanks = self.rest().iter().take_while(|&&byte| byte == b' ').count();
        self.at += blanks;
        blanks
    }

    /// Reads a line outside of brackets, and the quoted scalar, block scalar or flow collection
    /// that begins on it.
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
                    self.at += self
                        .rest()
                        .iter()
                        .position(u8::is_ascii_whitespace)
                        .unwrap_or(self.rest().len());
                }
                [b'"', ..] => self.string(b"\"", true, false),
                [b'\'', ..] => self.string(b"'", false, false),
                [b'[' | b'{', ..] => {
                    let line_start = memchr::memrchr2(
                        b'\n',
                        b'\r',
                        self.text.get(..self.at).unwrap_or_default(),
                    );
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

    /// Skips a plain scalar up to the colon after it. Returns whether the line has such a colon.
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

    /// Reads a flow collection up to its end. Returns whether it is closed: a line that is not
    /// indented further than the key belongs to the next entry.
    fn flow(&mut self, indent: usize, is_root: bool) -> bool {
        while let Some(byte) = self.peek() {
            let before = self
                .at
                .checked_sub(1)
                .and_then(|at| self.text.get(at))
                .copied()
                .unwrap_or(b' ');
            let may_open_string =
                before.is_ascii_whitespace() || matches!(before, b'[' | b'{' | b',' | b':');
            match byte {
                b'"' if may_open_string => {
                    self.string(b"\"", true, false);
                    continue;
                }
                b'\'' if may_open_string => {
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
                        self.report_open();
                        return false;
                    }
                }
                _ => {}
            }
            self.at += 1;
        }
        self.report_open();
        false
    }
}
