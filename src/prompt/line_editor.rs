//! Edits a line while it is typed: handles control keys, escape sequences and pastes.
//!
//! Reading the bytes from the terminal is in [`super::terminal`].

use crate::prompt::keyboard::{LineEvent, MAX_LINE_BYTES};
use std::io::{self, Write};

/// The parameter of the escape sequence `ESC [ 200 ~`, which a terminal sends before a paste.
const PASTE_START: u32 = 200;

/// The parameter of the escape sequence that a terminal sends after a paste.
const PASTE_END: u32 = 201;

/// A line that is being typed.
#[derive(Default)]
pub struct LineEditor {
    bytes: Vec<u8>,
    is_too_long: bool,
    escape: EscapeState,
    /// The parameters of an escape sequence. `u32::MAX` if they are not a single number.
    parameters: u32,
    paste: PasteState,
    /// Whether several lines were pasted.
    is_multiline: bool,
}

/// The position of the line in a paste.
#[derive(Clone, Copy, Default, PartialEq, Eq)]
enum PasteState {
    /// Not in a paste.
    #[default]
    None,
    /// On the first line of a paste.
    First,
    /// After the line break of the first line. The paste may end here.
    LineBreak,
    /// On a later line.
    Later,
}

/// The part of an escape sequence that was read, for example of an arrow key.
#[derive(Clone, Copy, Default, PartialEq, Eq)]
enum EscapeState {
    #[default]
    None,
    /// `ESC`.
    Escape,
    /// `ESC O`, which is followed by one character.
    Ss3,
    /// `ESC [`, which is followed by parameters and a final character.
    Csi,
}

impl LineEditor {
    /// Handles typed bytes, up to the end of the line. Returns the number of bytes that were
    /// handled, and the event that ended the line, if any.
    ///
    /// # Errors
    /// Returns the error of `echo`.
    pub fn handle(
        &mut self,
        typed: &[u8],
        echo: &mut Option<&mut dyn Write>,
    ) -> io::Result<(usize, Option<LineEvent>)> {
        let mut used = 0;
        while let Some(&byte) = typed.get(used) {
            used += 1;
            if self.handle_escape(byte) {
                continue;
            }
            if let Some(event) = self.handle_key(byte, echo)? {
                return Ok((used, Some(event)));
            }
        }
        Ok((used, None))
    }

    /// Handles a byte of an escape sequence. Returns false if the byte is not part of one. That
    /// ends an incomplete sequence.
    fn handle_escape(&mut self, byte: u8) -> bool {
        match (std::mem::take(&mut self.escape), byte) {
            (EscapeState::Escape, b'[') => {
                self.escape = EscapeState::Csi;
                self.parameters = 0;
            }
            (EscapeState::Escape, b'O') => self.escape = EscapeState::Ss3,
            (EscapeState::Csi, 0x20..=0x3f) => {
                self.escape = EscapeState::Csi;
                self.add_parameter(byte);
            }
            (EscapeState::Csi, b'~') if self.parameters == PASTE_START => {
                self.paste = PasteState::First;
            }
            (EscapeState::Csi, b'~') if self.parameters == PASTE_END => {
                self.is_multiline |= std::mem::take(&mut self.paste) == PasteState::Later;
            }
            (EscapeState::Ss3, 0x20..=0x7e) | (EscapeState::Csi, 0x40..=0x7e) => {}
            (_, 0x1b) => self.escape = EscapeState::Escape,
            _ => return false,
        }
        true
    }

    fn add_parameter(&mut self, byte: u8) {
        let number = char::from(byte)
            .to_digit(10)
            .and_then(|digit| self.parameters.checked_mul(10)?.checked_add(digit));
        self.parameters = number.unwrap_or(u32::MAX);
    }

    /// Handles a key. Returns an event if the key ends the line.
    fn handle_key(
        &mut self,
        byte: u8,
        echo: &mut Option<&mut dyn Write>,
    ) -> io::Result<Option<LineEvent>> {
        match byte {
            // A line that is copied as a whole includes its line break.
            b'\n' | b'\r' if self.paste == PasteState::First => self.paste = PasteState::LineBreak,
            b'\n' | b'\r' if self.paste != PasteState::None => {}
            b'\n' | b'\r' => return Ok(Some(self.finish())),
            0x03 => return Ok(Some(LineEvent::Interrupted)),
            0x04 if self.bytes.is_empty() => return Ok(Some(LineEvent::Interrupted)),
            0x1a if self.paste == PasteState::None => return Ok(Some(LineEvent::Suspended)),
            0x08 | 0x7f => self.remove_last(echo)?,
            // Ctrl-U removes the whole line.
            0x15 => {
                while !self.bytes.is_empty() {
                    self.remove_last(echo)?;
                }
            }
            // Ctrl-W removes the last word.
            0x17 => {
                while self.bytes.last() == Some(&b' ') {
                    self.remove_last(echo)?;
                }
                while self.bytes.last().is_some_and(|&byte| byte != b' ') {
                    self.remove_last(echo)?;
                }
            }
            b'\t' | 0x20..=0xff => {
                if self.paste == PasteState::LineBreak {
                    self.paste = PasteState::Later;
                }
                self.push(byte, echo)?;
            }
            _ => {}
        }
        Ok(None)
    }

    /// Returns the event of a finished line, and clears the line.
    fn finish(&mut self) -> LineEvent {
        let bytes = std::mem::take(&mut self.bytes);
        match (self.is_too_long, self.is_multiline) {
            (true, _) => LineEvent::TooLong,
            (false, true) => LineEvent::SeveralLines,
            (false, false) => LineEvent::Line(bytes),
        }
    }

    fn push(&mut self, byte: u8, echo: &mut Option<&mut dyn Write>) -> io::Result<()> {
        if self.bytes.len() == MAX_LINE_BYTES {
            self.is_too_long = true;
            return Ok(());
        }
        self.bytes.push(byte);
        match echo {
            Some(echo) => echo.write_all(&[byte]).and_then(|()| echo.flush()),
            None => Ok(()),
        }
    }

    /// Removes the last character, which may have several bytes.
    fn remove_last(&mut self, echo: &mut Option<&mut dyn Write>) -> io::Result<()> {
        let Some(mut last) = self.bytes.pop() else {
            return Ok(());
        };
        while is_utf8_continuation(last) {
            let Some(before) = self.bytes.pop() else {
                break;
            };
            last = before;
        }
        match echo {
            Some(echo) => echo.write_all(b"\x08 \x08").and_then(|()| echo.flush()),
            None => Ok(()),
        }
    }
}

fn is_utf8_continuation(byte: u8) -> bool {
    byte & 0xC0 == 0x80
}

#[cfg(test)]
mod tests {
    use super::*;

    fn line(typed: &[u8]) -> Option<Vec<u8>> {
        match LineEditor::default().handle(typed, &mut None).ok()? {
            (used, Some(LineEvent::Line(line))) if used == typed.len() => Some(line),
            _ => None,
        }
    }

    #[test]
    fn handle_edits_line() {
        for (typed, line_typed) in [
            ("abc\n", "abc"),
            ("aü\u{7f}b\r", "ab"),
            ("wrong\u{15}right\n", "right"),
            ("a\u{1b}[Db\u{1b}[1;5Cc\u{1b}OAd\n", "abcd"),
            ("one two \u{17}2\n", "one 2"),
            ("a\tb\u{1}\n", "a\tb"),
            ("\u{7f}\u{7f}x\n", "x"),
        ] {
            assert_eq!(
                line(typed.as_bytes()).as_deref(),
                Some(line_typed.as_bytes()),
                "{typed:?}"
            );
        }
        assert!(line(b"abc\x03").is_none());
        let mut halves = LineEditor::default();
        assert!(halves.handle(b"v\x1b", &mut None).is_ok());
        assert!(
            matches!(halves.handle(b"[Aw\n", &mut None), Ok((4, Some(LineEvent::Line(line)))) if line == b"vw")
        );
    }

    #[test]
    fn handle_rejects_paste_of_several_lines() {
        assert_eq!(
            line(b"\x1b[200~value\x1b[201~\r").as_deref(),
            Some(&b"value"[..])
        );
        assert_eq!(
            line(b"\x1b[200~value\r\n\x1b[201~\r").as_deref(),
            Some(&b"value"[..])
        );
        for several in ["a\rb", "a\r\rb\r", "\ra"] {
            let pasted = format!("\x1b[200~{several}\x1b[201~\r");
            let typed = LineEditor::default().handle(pasted.as_bytes(), &mut None);
            assert!(
                matches!(typed, Ok((used, Some(LineEvent::SeveralLines))) if used == pasted.len()),
                "{several:?}"
            );
        }
    }

    #[test]
    fn handle_rejects_line_over_the_limit() {
        let mut typed = vec![b'x'; MAX_LINE_BYTES + 1];
        typed.push(b'\n');
        assert!(matches!(
            LineEditor::default().handle(&typed, &mut None),
            Ok((_, Some(LineEvent::TooLong)))
        ));
    }
}
