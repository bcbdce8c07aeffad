//! A person at a terminal: what is typed is read without being shown, however long it is and whatever ends it.
//!
//! The terminal is put into a mode without echo and without line buffering (which would cut a line at 4,096 bytes) once, before
//! the first question, so that what is typed or pasted ahead of a question is not shown either; it gets its own mode back when
//! the [`Terminal`] goes. Where a question waits, Ctrl-C is a key, and a signal from outside is met where a key would be;
//! elsewhere, while stores are asked, a signal ends the process, with the terminal as it was.

use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::termios::{LocalModes, OptionalActions, SpecialCodeIndex, Termios, tcgetattr, tcsetattr};
use signal_hook::consts::{SIGHUP, SIGINT, SIGTERM};
use signal_hook::flag::register_conditional_default;
use signal_hook::iterator::{Handle, Signals};
use signal_hook::low_level::emulate_default_handler;
use std::io::{self, Write};
use std::os::unix::net::UnixStream;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use zeroize::Zeroizing;

/// The signals that ask a process to end.
const SIGNALS: [i32; 3] = [SIGINT, SIGTERM, SIGHUP];

/// What makes a key an ordinary one.
const NO_KEY: u8 = if cfg!(any(target_os = "linux", target_os = "android")) { 0 } else { 0xff };

/// Asks a terminal to say where a paste begins and ends, so that its line breaks are not taken for answers.
const MARK_PASTES: &[u8] = b"\x1b[?2004h";
const LEAVE_PASTES: &[u8] = b"\x1b[?2004l";

/// Bytes that a line may have; what is longer belongs in a file.
pub const LONGEST_LINE: usize = 1 << 20;

/// What came of waiting for a line.
pub enum Typed {
    /// The line, without its end.
    Line(Zeroizing<Vec<u8>>),
    /// More than [`LONGEST_LINE`] bytes; all of them are gone.
    TooLong,
    /// A paste of more than one line; all of them are gone.
    SeveralLines,
    /// Ctrl-C, Ctrl-D at the start of a line, or a signal: nobody wants to go on.
    Interrupted,
}

/// Where answers come from.
pub trait Keyboard {
    /// Somebody is about to be asked.
    ///
    /// # Errors
    /// Those of the terminal.
    fn begin(&mut self) -> io::Result<()>;

    /// Waits for a line. What is typed is shown on `echo`, if at all.
    ///
    /// # Errors
    /// Those of the terminal.
    fn line(&mut self, echo: Option<&mut dyn Write>) -> io::Result<Typed>;

    /// Whether more was typed than was asked for, as when several lines are pasted.
    fn has_more(&mut self) -> bool;
}

/// The terminal on standard input.
pub struct Terminal {
    stdin: io::Stdin,
    before: Termios,
    quiet: Termios,
    /// Readable when a signal has come while somebody was asked.
    signals: UnixStream,
    asking: Arc<AtomicBool>,
    marks_pastes: bool,
    watch: Handle,
    /// Read and not yet looked at.
    ahead: Zeroizing<Vec<u8>>,
}

impl Terminal {
    /// Takes the terminal over, one that knows escape sequences or not.
    ///
    /// # Errors
    /// Where standard input is none.
    pub fn open(has_escapes: bool) -> io::Result<Self> {
        let stdin = io::stdin();
        let before = tcgetattr(&stdin)?;
        let (signals, mut told) = UnixStream::pair()?;
        let asking = Arc::new(AtomicBool::new(false));
        let mut caught = Signals::new(SIGNALS)?;
        let watch = caught.handle();
        let (asked, own) = (Arc::clone(&asking), before.clone());
        thread::Builder::new().spawn(move || {
            for signal in caught.forever() {
                if asked.load(Ordering::SeqCst) {
                    let _ = told.write_all(&[0]);
                } else {
                    give_back(&own, has_escapes);
                    let _ = emulate_default_handler(signal);
                }
            }
        })?;
        let mut quiet = before.clone();
        quiet.local_modes.remove(LocalModes::ECHO | LocalModes::ECHONL | LocalModes::ICANON);
        quiet.special_codes[SpecialCodeIndex::VMIN] = 1;
        quiet.special_codes[SpecialCodeIndex::VTIME] = 0;
        // A process that is stopped would leave the terminal silent.
        quiet.special_codes[SpecialCodeIndex::VSUSP] = NO_KEY;
        quiet.special_codes[SpecialCodeIndex::VQUIT] = NO_KEY;
        tcsetattr(&stdin, OptionalActions::Now, &quiet)?;
        // A terminal that cannot be written to here says nothing of pastes.
        let marks_pastes = has_escapes && rustix::io::write(&stdin, MARK_PASTES).is_ok();
        Ok(Self { stdin, before, quiet, signals, asking, marks_pastes, watch, ahead: Zeroizing::default() })
    }

    /// Waits for more bytes; false where there will be none.
    fn wait(&mut self) -> io::Result<bool> {
        loop {
            let mut sources = [PollFd::new(&self.stdin, PollFlags::IN), PollFd::new(&self.signals, PollFlags::IN)];
            match poll(&mut sources, None) {
                Err(rustix::io::Errno::INTR) => continue,
                other => other?,
            };
            let [stdin, signals] = sources.map(|source| !source.revents().is_empty());
            if signals {
                return Ok(false);
            }
            if stdin {
                let mut bytes = Zeroizing::new([0; 4096]);
                let read = match rustix::io::read(&self.stdin, bytes.as_mut_slice()) {
                    Err(rustix::io::Errno::INTR) => continue,
                    other => other?,
                };
                self.ahead = Zeroizing::new(bytes.get(..read).unwrap_or_default().to_vec());
                return Ok(read > 0);
            }
        }
    }
}

/// Gives a terminal its own mode back. What nobody has asked for goes: a shell would run it.
fn give_back(before: &Termios, marks_pastes: bool) {
    if marks_pastes {
        let _ = rustix::io::write(io::stdin(), LEAVE_PASTES);
    }
    let _ = tcsetattr(io::stdin(), OptionalActions::Flush, before);
}

impl Drop for Terminal {
    fn drop(&mut self) {
        give_back(&self.before, self.marks_pastes);
        // From here on a signal is what it is to any process.
        for signal in SIGNALS {
            let _ = register_conditional_default(signal, Arc::new(AtomicBool::new(true)));
        }
        self.watch.close();
    }
}

impl Keyboard for Terminal {
    fn begin(&mut self) -> io::Result<()> {
        if self.quiet.local_modes.contains(LocalModes::ISIG) {
            self.quiet.local_modes.remove(LocalModes::ISIG);
            tcsetattr(&self.stdin, OptionalActions::Now, &self.quiet)?;
        }
        self.asking.store(true, Ordering::SeqCst);
        Ok(())
    }

    fn line(&mut self, mut echo: Option<&mut dyn Write>) -> io::Result<Typed> {
        let mut line = Line::default();
        let typed = loop {
            let mut ahead = std::mem::take(&mut self.ahead);
            let (used, end) = line.take(&ahead, &mut echo)?;
            self.ahead = Zeroizing::new(ahead.split_off(used));
            if let Some(end) = end {
                break end;
            }
            if !self.wait()? {
                break Typed::Interrupted;
            }
        };
        self.asking.store(false, Ordering::SeqCst);
        Ok(typed)
    }

    fn has_more(&mut self) -> bool {
        let mut sources = [PollFd::new(&self.stdin, PollFlags::IN)];
        let now = Timespec { tv_sec: 0, tv_nsec: 0 };
        !self.ahead.is_empty() || poll(&mut sources, Some(&now)).is_ok_and(|ready| ready > 0)
    }
}

/// A line being typed.
#[derive(Default)]
struct Line {
    bytes: Zeroizing<Vec<u8>>,
    too_long: bool,
    escape: Escape,
    /// The parameters of a key that is no character, as a number if they are one.
    parameters: u32,
    paste: Paste,
    /// Whether several lines were pasted.
    several: bool,
}

/// Where in a paste the line is.
#[derive(Clone, Copy, Default, PartialEq, Eq)]
enum Paste {
    /// Outside of one.
    #[default]
    None,
    /// On its first line.
    First,
    /// Behind a line break; there may be nothing more.
    Broken,
    /// On another line.
    Other,
}

/// How far a key has come that is no character, such as an arrow.
#[derive(Clone, Copy, Default, PartialEq, Eq)]
enum Escape {
    #[default]
    None,
    /// `ESC`.
    Begun,
    /// `ESC O`: one character more.
    Short,
    /// `ESC [`: parameters, and a character that ends it.
    Long,
}

impl Line {
    /// Takes in what was typed, up to the end of the line: how many bytes that were, and the end if there was one.
    fn take(&mut self, typed: &[u8], echo: &mut Option<&mut dyn Write>) -> io::Result<(usize, Option<Typed>)> {
        let mut at = 0;
        while let Some(&byte) = typed.get(at) {
            at += 1;
            let escape = std::mem::take(&mut self.escape);
            match byte {
                b'[' if escape == Escape::Begun => {
                    self.escape = Escape::Long;
                    self.parameters = 0;
                }
                b'O' if escape == Escape::Begun => self.escape = Escape::Short,
                0x20..=0x7e if escape == Escape::Short => {}
                0x20..=0x3f if escape == Escape::Long => {
                    self.escape = Escape::Long;
                    let digit = char::from(byte).to_digit(10);
                    let longer = |digit| self.parameters.checked_mul(10)?.checked_add(digit);
                    self.parameters = digit.and_then(longer).unwrap_or(u32::MAX);
                }
                b'~' if escape == Escape::Long && self.parameters == 200 => self.paste = Paste::First,
                b'~' if escape == Escape::Long && self.parameters == 201 => {
                    self.several |= std::mem::take(&mut self.paste) == Paste::Other;
                }
                0x40..=0x7e if escape == Escape::Long => {}
                0x1b => self.escape = Escape::Begun,
                // A line that is copied whole brings its end along.
                b'\n' | b'\r' if self.paste == Paste::First => self.paste = Paste::Broken,
                b'\n' | b'\r' if self.paste != Paste::None => {}
                b'\n' | b'\r' => {
                    let bytes = std::mem::take(&mut self.bytes);
                    let typed = match (self.too_long, self.several) {
                        (true, _) => Typed::TooLong,
                        (false, true) => Typed::SeveralLines,
                        (false, false) => Typed::Line(bytes),
                    };
                    return Ok((at, Some(typed)));
                }
                0x03 => return Ok((at, Some(Typed::Interrupted))),
                0x04 if self.bytes.is_empty() => return Ok((at, Some(Typed::Interrupted))),
                0x08 | 0x7f => self.remove_last(echo)?,
                // Ctrl-U: all of it.
                0x15 => {
                    while !self.bytes.is_empty() {
                        self.remove_last(echo)?;
                    }
                }
                // Ctrl-W: the last word.
                0x17 => {
                    while self.bytes.last() == Some(&b' ') {
                        self.remove_last(echo)?;
                    }
                    while self.bytes.last().is_some_and(|&byte| byte != b' ') {
                        self.remove_last(echo)?;
                    }
                }
                b'\t' | 0x20..=0xff => {
                    if self.paste == Paste::Broken {
                        self.paste = Paste::Other;
                    }
                    self.push(byte, echo)?;
                }
                _ => {}
            }
        }
        Ok((at, None))
    }

    fn push(&mut self, byte: u8, echo: &mut Option<&mut dyn Write>) -> io::Result<()> {
        if self.bytes.len() == LONGEST_LINE {
            self.too_long = true;
            return Ok(());
        }
        if self.bytes.len() == self.bytes.capacity() {
            // A buffer that grows by itself leaves its old content behind.
            let mut bigger = Zeroizing::new(Vec::with_capacity((2 * self.bytes.len()).max(1024)));
            bigger.extend_from_slice(&self.bytes);
            self.bytes = bigger;
        }
        self.bytes.push(byte);
        match echo {
            Some(echo) => echo.write_all(&[byte]).and_then(|()| echo.flush()),
            None => Ok(()),
        }
    }

    fn remove_last(&mut self, echo: &mut Option<&mut dyn Write>) -> io::Result<()> {
        let is_continuation = |byte: &u8| byte & 0xC0 == 0x80;
        let Some(mut last) = self.bytes.pop() else { return Ok(()) };
        while is_continuation(&last) {
            let Some(before) = self.bytes.pop() else { break };
            last = before;
        }
        match echo {
            Some(echo) => echo.write_all(b"\x08 \x08").and_then(|()| echo.flush()),
            None => Ok(()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn line(typed: &[u8]) -> Option<Vec<u8>> {
        match Line::default().take(typed, &mut None).ok()? {
            (used, Some(Typed::Line(line))) if used == typed.len() => Some(line.to_vec()),
            _ => None,
        }
    }

    #[test]
    fn a_line_is_edited_as_it_is_typed() {
        for (typed, line_typed) in [
            ("abc\n", "abc"),
            ("aü\u{7f}b\r", "ab"),
            ("wrong\u{15}right\n", "right"),
            ("a\u{1b}[Db\u{1b}[1;5Cc\u{1b}OAd\n", "abcd"),
            ("one two \u{17}2\n", "one 2"),
            ("a\tb\u{1}\n", "a\tb"),
            ("\u{7f}\u{7f}x\n", "x"),
        ] {
            assert_eq!(line(typed.as_bytes()).as_deref(), Some(line_typed.as_bytes()), "{typed:?}");
        }
        assert!(line(b"abc\x03").is_none());
        let mut halves = Line::default();
        assert!(halves.take(b"v\x1b", &mut None).is_ok());
        assert!(matches!(halves.take(b"[Aw\n", &mut None), Ok((4, Some(Typed::Line(line)))) if *line == b"vw"));
    }

    #[test]
    fn a_paste_of_one_line_is_an_answer_and_one_of_several_is_none() {
        assert_eq!(line(b"\x1b[200~value\x1b[201~\r").as_deref(), Some(&b"value"[..]));
        assert_eq!(line(b"\x1b[200~value\r\n\x1b[201~\r").as_deref(), Some(&b"value"[..]));
        for several in ["a\rb", "a\r\rb\r", "\ra"] {
            let pasted = format!("\x1b[200~{several}\x1b[201~\r");
            let typed = Line::default().take(pasted.as_bytes(), &mut None);
            assert!(matches!(typed, Ok((used, Some(Typed::SeveralLines))) if used == pasted.len()), "{several:?}");
        }
    }

    #[test]
    fn a_line_longer_than_the_limit_is_none() {
        let mut typed = vec![b'x'; LONGEST_LINE + 1];
        typed.push(b'\n');
        assert!(matches!(Line::default().take(&typed, &mut None), Ok((_, Some(Typed::TooLong)))));
    }
}
