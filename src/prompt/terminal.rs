//! A person at a terminal: what is typed is read without being shown, however long it is and whatever ends it.
//!
//! The terminal is put into a mode without echo and without line buffering (which would cut a line at 4,096 bytes) once, before
//! the first question, so that what is typed or pasted ahead of a question is not shown either; it gets its own mode back when
//! the [`Terminal`] goes. Where a question waits, Ctrl-C is a key, and a signal from outside is met where a key would be;
//! elsewhere, while stores are asked, a signal ends the process, with the terminal as it was.
//!
//! A process that is stopped (Ctrl-Z, SIGTSTP) restores the terminal first. A process that is continued sets the silent mode again,
//! discards what was typed meanwhile, which may have been shown, and repeats the question. After SIGSTOP the shell has set the
//! modes, so they are checked before and after each read: bytes that may have been shown are never an answer. In the background
//! the process sets no mode; a question waits until the process is in the foreground.

use crate::system::jobs::{self, SignalHandler};
use nix::unistd::{getpgrp, tcgetpgrp};
use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::io::Errno;
use rustix::process::{Signal, kill_current_process_group};
use rustix::termios::{LocalModes, OptionalActions, SpecialCodeIndex, Termios, tcdrain, tcgetattr, tcsetattr};
use std::io::{self, Write};
use std::os::unix::net::UnixStream;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use zeroize::Zeroizing;

/// What makes a key an ordinary one.
const NO_KEY: u8 = if cfg!(any(target_os = "linux", target_os = "android")) { 0 } else { 0xff };

/// Asks a terminal to say where a paste begins and ends, so that its line breaks are not taken for answers.
const MARK_PASTES: &[u8] = b"\x1b[?2004h";
const LEAVE_PASTES: &[u8] = b"\x1b[?2004l";

/// Bytes that a line may have; what is longer belongs in a file.
pub const MAX_LINE_BYTES: usize = 1 << 20;

/// What came of waiting for a line.
pub enum LineEvent {
    /// The line, without its end.
    Line(Zeroizing<Vec<u8>>),
    /// More than [`MAX_LINE_BYTES`] bytes; all of them are gone.
    TooLong,
    /// A paste of more than one line; all of them are gone.
    SeveralLines,
    /// Ctrl-C, Ctrl-D at the start of a line, or a signal: nobody wants to go on.
    Interrupted,
    /// Ctrl-Z. A [`Terminal`] stops the process and never returns this.
    Suspended,
    /// The process was stopped and continued, or the terminal's modes were changed: the question has to be asked again.
    Resumed,
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
    fn line(&mut self, echo: Option<&mut dyn Write>) -> io::Result<LineEvent>;

    /// Whether more was typed than was asked for, as when several lines are pasted.
    fn has_more(&mut self) -> bool;
}

/// The terminal on standard input.
pub struct Terminal {
    stdin: io::Stdin,
    shared: Arc<SharedState>,
    /// Readable when a signal has come while somebody was asked.
    events: UnixStream,
    /// The value of [`SharedState::resumed`] when the question was asked.
    resumed: usize,
    /// Whether a signal has asked to end.
    has_ended: bool,
    /// Read and not yet looked at.
    pending_input: Zeroizing<Vec<u8>>,
}

/// What a [`Terminal`] shares with the thread that receives signals.
struct SharedState {
    modes: Mutex<Modes>,
    /// Whether a question waits for an answer.
    asking: AtomicBool,
    /// How often the silent mode was set again.
    resumed: AtomicUsize,
}

/// The modes of the terminal.
struct Modes {
    /// The terminal's own.
    before: Termios,
    /// Whether Ctrl-C makes a signal, as it does until the first question.
    has_signals: bool,
    has_escapes: bool,
    marks_pastes: bool,
}

/// What came of waiting for bytes.
enum WaitResult {
    Bytes,
    /// There will be no more.
    End,
    /// The bytes of this question are gone.
    Resumed,
}

/// An event for a waiting question: a signal that asks to end.
const END: u8 = 0;
/// An event for a waiting question: the process was continued.
const RESUMED: u8 = 1;

/// How long the signal thread may take to handle a signal that has come.
const RESUME_MILLISECONDS: u32 = 500;

impl Terminal {
    /// Takes the terminal over, one that knows escape sequences or not.
    ///
    /// # Errors
    /// Where standard input is none.
    pub fn open(has_escapes: bool) -> io::Result<Self> {
        let stdin = io::stdin();
        // In the background the modes are those of the shell, and the system stops a process that does this.
        loop {
            match tcdrain(&stdin) {
                Err(Errno::INTR) => {}
                other => break other?,
            }
        }
        let modes = Modes { before: tcgetattr(&stdin)?, has_signals: true, has_escapes, marks_pastes: false };
        let (events, told) = UnixStream::pair()?;
        events.set_nonblocking(true)?;
        told.set_nonblocking(true)?;
        let shared =
            SharedState { modes: Mutex::new(modes), asking: AtomicBool::new(false), resumed: AtomicUsize::new(0) };
        let shared = Arc::new(shared);
        jobs::attach(Box::new(SignalNotifier { shared: Arc::clone(&shared), notifications: told }))?;
        let terminal =
            Self { stdin, shared, events, resumed: 0, has_ended: false, pending_input: Zeroizing::default() };
        terminal.shared.modes().set_silent_mode(OptionalActions::Now)?;
        Ok(terminal)
    }

    /// Waits for more bytes.
    fn wait(&mut self) -> io::Result<WaitResult> {
        loop {
            let mut sources = [PollFd::new(&self.stdin, PollFlags::IN), PollFd::new(&self.events, PollFlags::IN)];
            match poll(&mut sources, None) {
                Err(Errno::INTR) => continue,
                other => other?,
            };
            let stdin = sources.first().map_or(PollFlags::empty(), PollFd::revents);
            match self.event(0)? {
                Some(END) => return Ok(WaitResult::End),
                Some(_) => return Ok(WaitResult::Resumed),
                None => {}
            }
            if stdin.is_empty() {
                continue;
            }
            if !stdin.contains(PollFlags::IN) {
                return Ok(WaitResult::End);
            }
            if self.was_shown() {
                return self.wait_for_resume();
            }
            let mut bytes = Zeroizing::new([0; 4096]);
            let read = match rustix::io::read(&self.stdin, bytes.as_mut_slice()) {
                Err(Errno::INTR) => continue,
                // What a terminal that is gone answers.
                Err(Errno::IO) => return Ok(WaitResult::End),
                other => other?,
            };
            if self.was_shown() {
                return self.wait_for_resume();
            }
            if read == 0 {
                if stdin.contains(PollFlags::HUP) {
                    return Ok(WaitResult::End);
                }
                // What was there has been discarded.
                continue;
            }
            self.pending_input = Zeroizing::new(bytes.get(..read).unwrap_or_default().to_vec());
            return Ok(WaitResult::Bytes);
        }
    }

    /// Returns whether typed bytes may have been shown, or were meant for another program.
    fn was_shown(&self) -> bool {
        let is_silent = tcgetattr(&self.stdin).is_ok_and(|modes| is_silent(&modes));
        !is_silent || !is_foreground() || self.shared.resumed.load(Ordering::SeqCst) != self.resumed
    }

    /// Waits until the signal thread has set the terminal again, so that it does not discard the next answer.
    fn wait_for_resume(&mut self) -> io::Result<WaitResult> {
        Ok(if self.event(RESUME_MILLISECONDS)? == Some(END) { WaitResult::End } else { WaitResult::Resumed })
    }

    /// Reads what was typed ahead, in the silent mode, without waiting.
    fn read_ahead(&mut self) -> io::Result<()> {
        let mut bytes = Zeroizing::new([0; 4096]);
        loop {
            match rustix::io::read(&self.stdin, bytes.as_mut_slice()) {
                Err(Errno::INTR) => {}
                Err(Errno::IO) | Ok(0) => return Ok(()),
                read => {
                    let read = bytes.get(..read?).unwrap_or_default();
                    self.pending_input = Zeroizing::new([self.pending_input.as_slice(), read].concat());
                }
            }
        }
    }

    /// Stops the process until it is in the foreground. Returns false if a signal asks to end before.
    fn wait_for_foreground(&mut self) -> io::Result<bool> {
        while !is_foreground() {
            // A signal that asks to end comes first: a stopped process could not answer it.
            match self.event(20)? {
                Some(END) => return Ok(false),
                Some(_) => continue,
                None => kill_current_process_group(Signal::TTOU)?,
            }
            // The process was continued. The signal thread reports it once, and must not do so while an answer is typed.
            if self.event(200)? == Some(END) {
                return Ok(false);
            }
        }
        Ok(true)
    }

    /// Waits some milliseconds for an event, and takes all that there are. Returns [`END`] if it is one of them, and again from
    /// then on.
    fn event(&mut self, milliseconds: u32) -> io::Result<Option<u8>> {
        if self.has_ended {
            return Ok(Some(END));
        }
        let limit = Timespec { tv_sec: 0, tv_nsec: i64::from(milliseconds) * 1_000_000 };
        let mut sources = [PollFd::new(&self.events, PollFlags::IN)];
        match poll(&mut sources, Some(&limit)) {
            Err(Errno::INTR) => {}
            other => drop(other?),
        }
        let mut notifications = [0; 64];
        match rustix::io::read(&self.events, &mut notifications) {
            Err(Errno::INTR | Errno::AGAIN) => Ok(None),
            other => {
                let notifications = notifications.get(..other?).unwrap_or_default();
                self.has_ended = notifications.is_empty() || notifications.contains(&END);
                Ok(Some(if self.has_ended { END } else { RESUMED }))
            }
        }
    }
}

impl Drop for Terminal {
    fn drop(&mut self) {
        // From here on a signal is what it is to any process.
        jobs::detach();
        self.shared.modes().restore();
    }
}

impl Keyboard for Terminal {
    fn begin(&mut self) -> io::Result<()> {
        self.shared.asking.store(true, Ordering::SeqCst);
        if !self.wait_for_foreground()? {
            // The wait for the answer sees it.
            return Ok(());
        }
        let is_ready = |now: &Termios| is_silent(now) && !now.local_modes.contains(LocalModes::ISIG);
        // Modes that are right stay untouched: if a shell changes them while this process is stopped, that has to be seen.
        if !tcgetattr(&self.stdin).is_ok_and(|now| is_ready(&now)) {
            self.read_ahead()?;
            if !tcgetattr(&self.stdin).is_ok_and(|now| is_silent(&now)) {
                // It may have been shown.
                self.pending_input = Zeroizing::default();
            }
            let mut modes = self.shared.modes();
            modes.has_signals = false;
            modes.set_silent_mode(OptionalActions::Flush)?;
        }
        self.resumed = self.shared.resumed.load(Ordering::SeqCst);
        Ok(())
    }

    fn line(&mut self, mut echo: Option<&mut dyn Write>) -> io::Result<LineEvent> {
        let mut line = LineEditor::default();
        let typed = loop {
            let mut ahead = std::mem::take(&mut self.pending_input);
            let (used, end) = line.take(&ahead, &mut echo)?;
            self.pending_input = Zeroizing::new(ahead.split_off(used));
            match end {
                None => {}
                Some(LineEvent::Suspended) => {
                    // The signal thread restores the terminal, stops the process, and says when it goes on.
                    self.pending_input = Zeroizing::default();
                    kill_current_process_group(Signal::TSTP)?;
                }
                Some(end) => break end,
            }
            match self.wait()? {
                WaitResult::Bytes => {}
                WaitResult::End => break LineEvent::Interrupted,
                WaitResult::Resumed => {
                    self.pending_input = Zeroizing::default();
                    break LineEvent::Resumed;
                }
            }
        };
        self.shared.asking.store(false, Ordering::SeqCst);
        Ok(typed)
    }

    fn has_more(&mut self) -> bool {
        let mut sources = [PollFd::new(&self.stdin, PollFlags::IN)];
        let now = Timespec { tv_sec: 0, tv_nsec: 0 };
        !self.pending_input.is_empty() || poll(&mut sources, Some(&now)).is_ok_and(|ready| ready > 0)
    }
}

impl SharedState {
    fn modes(&self) -> MutexGuard<'_, Modes> {
        self.modes.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Modes {
    /// Sets the silent mode.
    fn set_silent_mode(&mut self, when: OptionalActions) -> io::Result<()> {
        let stdin = io::stdin();
        let now = tcgetattr(&stdin)?;
        if now.local_modes.contains(LocalModes::ICANON) {
            // A shell, or its user, may have changed the other modes since.
            self.before = now;
        }
        let mut quiet = self.before.clone();
        quiet.local_modes.remove(ECHO_MODES);
        if !self.has_signals {
            quiet.local_modes.remove(LocalModes::ISIG);
        }
        // A read never waits: what was there may just have been discarded.
        quiet.special_codes[SpecialCodeIndex::VMIN] = 0;
        quiet.special_codes[SpecialCodeIndex::VTIME] = 0;
        quiet.special_codes[SpecialCodeIndex::VQUIT] = NO_KEY;
        tcsetattr(&stdin, when, &quiet)?;
        if matches!(when, OptionalActions::Now) && self.marks_pastes {
            return Ok(());
        }
        // A terminal that cannot be written to here says nothing of pastes.
        self.marks_pastes = self.has_escapes && rustix::io::write(&stdin, MARK_PASTES).is_ok();
        Ok(())
    }

    /// Gives the terminal its own modes back, unless it is another program's now. Discards what nobody has asked for: a shell would
    /// run it.
    fn restore(&mut self) {
        if !is_foreground() {
            return;
        }
        if std::mem::take(&mut self.marks_pastes) {
            let _ = rustix::io::write(io::stdin(), LEAVE_PASTES);
        }
        let _ = tcsetattr(io::stdin(), OptionalActions::Flush, &self.before);
    }
}

/// The modes that show what is typed, or keep it until the end of the line.
const ECHO_MODES: LocalModes = LocalModes::ECHO.union(LocalModes::ECHONL).union(LocalModes::ICANON);

fn is_silent(modes: &Termios) -> bool {
    !modes.local_modes.intersects(ECHO_MODES)
}

/// Returns whether the terminal belongs to this process. A terminal that controls no session belongs to everybody.
fn is_foreground() -> bool {
    tcgetpgrp(io::stdin()).map_or(true, |group| group == getpgrp())
}

/// Handles signals for a [`Terminal`].
struct SignalNotifier {
    shared: Arc<SharedState>,
    notifications: UnixStream,
}

impl SignalHandler for SignalNotifier {
    fn end(&mut self) -> bool {
        let asking = self.shared.asking.load(Ordering::SeqCst);
        if asking {
            let _ = self.notifications.write_all(&[END]);
        }
        asking
    }

    fn suspend(&mut self) {
        self.shared.modes().restore();
    }

    fn resume(&mut self) {
        // First: from here on, nothing that was read before the modes are set is an answer.
        self.shared.resumed.fetch_add(1, Ordering::SeqCst);
        // In the background the next question waits.
        if is_foreground() {
            let _ = self.shared.modes().set_silent_mode(OptionalActions::Flush);
        }
        if self.shared.asking.load(Ordering::SeqCst) {
            let _ = self.notifications.write_all(&[RESUMED]);
        }
    }
}

/// A line being typed.
#[derive(Default)]
struct LineEditor {
    bytes: Zeroizing<Vec<u8>>,
    is_too_long: bool,
    escape: EscapeState,
    /// The parameters of a key that is no character, as a number if they are one.
    parameters: u32,
    paste: PasteState,
    /// Whether several lines were pasted.
    is_multiline: bool,
}

/// Where in a paste the line is.
#[derive(Clone, Copy, Default, PartialEq, Eq)]
enum PasteState {
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
enum EscapeState {
    #[default]
    None,
    /// `ESC`.
    Begun,
    /// `ESC O`: one character more.
    Short,
    /// `ESC [`: parameters, and a character that ends it.
    Long,
}

impl LineEditor {
    /// Takes in what was typed, up to the end of the line: how many bytes that were, and the end if there was one.
    fn take(&mut self, typed: &[u8], echo: &mut Option<&mut dyn Write>) -> io::Result<(usize, Option<LineEvent>)> {
        let mut at = 0;
        while let Some(&byte) = typed.get(at) {
            at += 1;
            let escape = std::mem::take(&mut self.escape);
            match byte {
                b'[' if escape == EscapeState::Begun => {
                    self.escape = EscapeState::Long;
                    self.parameters = 0;
                }
                b'O' if escape == EscapeState::Begun => self.escape = EscapeState::Short,
                0x20..=0x7e if escape == EscapeState::Short => {}
                0x20..=0x3f if escape == EscapeState::Long => {
                    self.escape = EscapeState::Long;
                    let digit = char::from(byte).to_digit(10);
                    let longer = |digit| self.parameters.checked_mul(10)?.checked_add(digit);
                    self.parameters = digit.and_then(longer).unwrap_or(u32::MAX);
                }
                b'~' if escape == EscapeState::Long && self.parameters == 200 => self.paste = PasteState::First,
                b'~' if escape == EscapeState::Long && self.parameters == 201 => {
                    self.is_multiline |= std::mem::take(&mut self.paste) == PasteState::Other;
                }
                0x40..=0x7e if escape == EscapeState::Long => {}
                0x1b => self.escape = EscapeState::Begun,
                // A line that is copied whole brings its end along.
                b'\n' | b'\r' if self.paste == PasteState::First => self.paste = PasteState::Broken,
                b'\n' | b'\r' if self.paste != PasteState::None => {}
                b'\n' | b'\r' => {
                    let bytes = std::mem::take(&mut self.bytes);
                    let typed = match (self.is_too_long, self.is_multiline) {
                        (true, _) => LineEvent::TooLong,
                        (false, true) => LineEvent::SeveralLines,
                        (false, false) => LineEvent::Line(bytes),
                    };
                    return Ok((at, Some(typed)));
                }
                0x03 => return Ok((at, Some(LineEvent::Interrupted))),
                0x04 if self.bytes.is_empty() => return Ok((at, Some(LineEvent::Interrupted))),
                0x1a if self.paste == PasteState::None => return Ok((at, Some(LineEvent::Suspended))),
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
                    if self.paste == PasteState::Broken {
                        self.paste = PasteState::Other;
                    }
                    self.push(byte, echo)?;
                }
                _ => {}
            }
        }
        Ok((at, None))
    }

    fn push(&mut self, byte: u8, echo: &mut Option<&mut dyn Write>) -> io::Result<()> {
        if self.bytes.len() == MAX_LINE_BYTES {
            self.is_too_long = true;
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
        match LineEditor::default().take(typed, &mut None).ok()? {
            (used, Some(LineEvent::Line(line))) if used == typed.len() => Some(line.to_vec()),
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
        let mut halves = LineEditor::default();
        assert!(halves.take(b"v\x1b", &mut None).is_ok());
        assert!(matches!(halves.take(b"[Aw\n", &mut None), Ok((4, Some(LineEvent::Line(line)))) if *line == b"vw"));
    }

    #[test]
    fn a_paste_of_one_line_is_an_answer_and_one_of_several_is_none() {
        assert_eq!(line(b"\x1b[200~value\x1b[201~\r").as_deref(), Some(&b"value"[..]));
        assert_eq!(line(b"\x1b[200~value\r\n\x1b[201~\r").as_deref(), Some(&b"value"[..]));
        for several in ["a\rb", "a\r\rb\r", "\ra"] {
            let pasted = format!("\x1b[200~{several}\x1b[201~\r");
            let typed = LineEditor::default().take(pasted.as_bytes(), &mut None);
            assert!(matches!(typed, Ok((used, Some(LineEvent::SeveralLines))) if used == pasted.len()), "{several:?}");
        }
    }

    #[test]
    fn a_line_longer_than_the_limit_is_none() {
        let mut typed = vec![b'x'; MAX_LINE_BYTES + 1];
        typed.push(b'\n');
        assert!(matches!(LineEditor::default().take(&typed, &mut None), Ok((_, Some(LineEvent::TooLong)))));
    }
}
