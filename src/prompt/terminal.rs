//! The terminal on standard input: reads lines of any length without showing them.
//!
//! Before the first question, the terminal is set to a silent mode without echo and without line
//! buffering, which would cut a line at 4,096 bytes. So type-ahead is not shown either. Dropping
//! the [`Terminal`] restores the original modes.
//!
//! While a question waits, Ctrl-C is a key, and a signal from outside has the same effect. At other
//! times, for example while a store is queried, a signal terminates the process and the terminal is
//! restored.
//!
//! Stopping and continuing the process:
//!
//! - Before a stop (Ctrl-Z, SIGTSTP), the terminal is restored.
//! - When the process is continued, it sets the silent mode again and discards the input that was
//!   typed meanwhile, since the terminal may have shown it. Then the question is repeated.
//! - After SIGSTOP, the shell has changed the modes. They are checked before and after each read,
//!   so that bytes that may have been shown are never used as an answer.
//! - In the background, no mode is set. A question waits until the process is in the foreground.

use crate::prompt::keyboard::{Keyboard, LineEvent};
use crate::prompt::line_editor::LineEditor;
use crate::prompt::terminal_modes::{
    TerminalModes, is_foreground, is_ready_for_question, is_silent,
};
use crate::system::jobs::{self, SignalHandler};
use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::io::Errno;
use rustix::process::{Signal, kill_current_process_group};
use rustix::termios::{OptionalActions, tcdrain};
use std::io::{self, Write};
use std::os::unix::net::UnixStream;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use zeroize::Zeroizing;

/// The terminal on standard input.
pub struct Terminal {
    stdin: io::Stdin,
    shared: Arc<SharedState>,
    /// Receives the events of the signal thread.
    events: UnixStream,
    /// The value of [`SharedState::resumed`] when the question was asked.
    resumed: usize,
    /// Whether a signal has asked the process to terminate.
    has_ended: bool,
    /// Bytes that were read but not handled yet.
    pending_input: Vec<u8>,
}

/// The state that a [`Terminal`] shares with the signal thread.
struct SharedState {
    modes: Mutex<TerminalModes>,
    /// Whether a question waits for an answer.
    asking: AtomicBool,
    /// How often the process was continued.
    resumed: AtomicUsize,
}

/// The result of waiting for bytes.
enum WaitResult {
    Bytes,
    /// There are no more bytes.
    End,
    /// The process was continued. The bytes of this question are discarded.
    Resumed,
}

/// The event of the signal thread for a signal that asks the process to terminate.
const END: u8 = 0;
/// The event of the signal thread when the process was continued.
const RESUMED: u8 = 1;

/// The time that the signal thread has to handle a signal that was already sent.
const RESUME_MILLISECONDS: u32 = 500;

impl Terminal {
    /// Opens the terminal and sets the silent mode. `has_escapes` is whether the terminal
    /// understands escape sequences.
    ///
    /// # Errors
    /// Fails if standard input is not a terminal.
    pub fn open(has_escapes: bool) -> io::Result<Self> {
        let stdin = io::stdin();
        // In the background, this call makes the system stop the process. The modes are those of
        // the shell until it is continued in the foreground.
        loop {
            match tcdrain(&stdin) {
                Err(Errno::INTR) => {}
                other => break other?,
            }
        }
        let modes = TerminalModes::read(has_escapes)?;
        let (events, notifications) = UnixStream::pair()?;
        events.set_nonblocking(true)?;
        notifications.set_nonblocking(true)?;
        let shared = SharedState {
            modes: Mutex::new(modes),
            asking: AtomicBool::new(false),
            resumed: AtomicUsize::new(0),
        };
        let shared = Arc::new(shared);
        jobs::attach(Box::new(SignalNotifier {
            shared: Arc::clone(&shared),
            notifications,
        }))?;
        let terminal = Self {
            stdin,
            shared,
            events,
            resumed: 0,
            has_ended: false,
            pending_input: Vec::new(),
        };
        terminal
            .shared
            .modes()
            .set_silent_mode(OptionalActions::Now)?;
        Ok(terminal)
    }

    /// Waits for more bytes.
    fn wait(&mut self) -> io::Result<WaitResult> {
        loop {
            let mut sources = [
                PollFd::new(&self.stdin, PollFlags::IN),
                PollFd::new(&self.events, PollFlags::IN),
            ];
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
                // A terminal that was closed returns this error.
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
                // The input was discarded between `poll` and `read`.
                continue;
            }
            self.pending_input = bytes.get(..read).unwrap_or_default().to_vec();
            return Ok(WaitResult::Bytes);
        }
    }

    /// Returns whether the terminal may have shown the typed bytes, or whether they were typed for
    /// another program.
    fn was_shown(&self) -> bool {
        !is_silent()
            || !is_foreground()
            || self.shared.resumed.load(Ordering::SeqCst) != self.resumed
    }

    /// Waits until the signal thread has set the modes again. Otherwise it could discard the next
    /// answer.
    fn wait_for_resume(&mut self) -> io::Result<WaitResult> {
        Ok(if self.event(RESUME_MILLISECONDS)? == Some(END) {
            WaitResult::End
        } else {
            WaitResult::Resumed
        })
    }

    /// Reads type-ahead in the silent mode, without waiting.
    fn read_ahead(&mut self) -> io::Result<()> {
        let mut bytes = Zeroizing::new([0; 4096]);
        loop {
            match rustix::io::read(&self.stdin, bytes.as_mut_slice()) {
                Err(Errno::INTR) => {}
                Err(Errno::IO) | Ok(0) => return Ok(()),
                read => {
                    let read = bytes.get(..read?).unwrap_or_default();
                    self.pending_input = [self.pending_input.as_slice(), read].concat();
                }
            }
        }
    }

    /// Stops the process until it is in the foreground. Returns false if a signal asks the process
    /// to terminate before that.
    fn wait_for_foreground(&mut self) -> io::Result<bool> {
        while !is_foreground() {
            // Check for a termination signal first, since a stopped process could not handle it.
            match self.event(20)? {
                Some(END) => return Ok(false),
                Some(_) => continue,
                None => kill_current_process_group(Signal::TTOU)?,
            }
            // The process was continued. Take the event of the signal thread now, so that it does
            // not interrupt the answer.
            if self.event(200)? == Some(END) {
                return Ok(false);
            }
        }
        Ok(true)
    }

    /// Waits for an event and takes all that are available. Returns [`END`] if it is one of them,
    /// and on every later call.
    fn event(&mut self, milliseconds: u32) -> io::Result<Option<u8>> {
        if self.has_ended {
            return Ok(Some(END));
        }
        let limit = Timespec {
            tv_sec: 0,
            tv_nsec: i64::from(milliseconds) * 1_000_000,
        };
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
        // From now on, signals have their default actions.
        jobs::detach();
        self.shared.modes().restore();
    }
}

impl Keyboard for Terminal {
    fn begin(&mut self) -> io::Result<()> {
        self.shared.asking.store(true, Ordering::SeqCst);
        if !self.wait_for_foreground()? {
            // `line` returns the event.
            return Ok(());
        }
        // Correct modes are not set again. Otherwise a change by a shell, while this process is
        // stopped, would go unnoticed.
        if !is_ready_for_question() {
            self.read_ahead()?;
            if !is_silent() {
                // The terminal may have shown the input.
                self.pending_input = Vec::new();
            }
            let mut modes = self.shared.modes();
            modes.disable_signals();
            modes.set_silent_mode(OptionalActions::Flush)?;
        }
        self.resumed = self.shared.resumed.load(Ordering::SeqCst);
        Ok(())
    }

    fn line(&mut self, mut echo: Option<&mut dyn Write>) -> io::Result<LineEvent> {
        let mut line = LineEditor::default();
        let event = loop {
            let mut input = std::mem::take(&mut self.pending_input);
            let (used, event) = line.handle(&input, &mut echo)?;
            self.pending_input = input.split_off(used);
            match event {
                None => {}
                Some(LineEvent::Suspended) => {
                    // The signal thread restores the terminal and stops the process. It sends an
                    // event when the process is continued.
                    self.pending_input = Vec::new();
                    kill_current_process_group(Signal::TSTP)?;
                }
                Some(event) => break event,
            }
            match self.wait()? {
                WaitResult::Bytes => {}
                WaitResult::End => break LineEvent::Interrupted,
                WaitResult::Resumed => {
                    self.pending_input = Vec::new();
                    break LineEvent::Resumed;
                }
            }
        };
        self.shared.asking.store(false, Ordering::SeqCst);
        Ok(event)
    }

    fn has_more(&mut self) -> bool {
        let mut sources = [PollFd::new(&self.stdin, PollFlags::IN)];
        let now = Timespec {
            tv_sec: 0,
            tv_nsec: 0,
        };
        !self.pending_input.is_empty()
            || poll(&mut sources, Some(&now)).is_ok_and(|ready| ready > 0)
    }
}

impl SharedState {
    fn modes(&self) -> MutexGuard<'_, TerminalModes> {
        self.modes.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The signal handler of a [`Terminal`]. It sends events to a waiting question.
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
        // Before the modes are set: bytes that were read until then must not be used as an answer.
        self.shared.resumed.fetch_add(1, Ordering::SeqCst);
        // In the background, the next question waits for the foreground.
        if is_foreground() {
            let _ = self.shared.modes().set_silent_mode(OptionalActions::Flush);
        }
        if self.shared.asking.load(Ordering::SeqCst) {
            let _ = self.notifications.write_all(&[RESUMED]);
        }
    }
}
