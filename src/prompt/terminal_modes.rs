//! The modes of the terminal on standard input: silent while answers are typed, otherwise its own.

use nix::unistd::{getpgrp, tcgetpgrp};
use rustix::termios::{
    LocalModes, OptionalActions, SpecialCodeIndex, Termios, tcgetattr, tcsetattr,
};
use std::io;

/// The value that disables a special key.
const NO_KEY: u8 = if cfg!(any(target_os = "linux", target_os = "android")) {
    0
} else {
    0xff
};

/// Asks the terminal to mark the start and the end of a paste (bracketed paste), so that the line
/// breaks of a paste are not taken for answers.
const ENABLE_PASTE_MARKS: &[u8] = b"\x1b[?2004h";
const DISABLE_PASTE_MARKS: &[u8] = b"\x1b[?2004l";

/// The modes that show typed characters, or that buffer them until the end of the line.
const ECHO_MODES: LocalModes = LocalModes::ECHO
    .union(LocalModes::ECHONL)
    .union(LocalModes::ICANON);

/// The modes of a terminal that stackref has changed.
pub struct TerminalModes {
    /// The modes to restore.
    original: Termios,
    /// Whether Ctrl-C sends a signal. It does until the first question.
    has_signals: bool,
    /// Whether the terminal understands escape sequences.
    has_escapes: bool,
    marks_pastes: bool,
}

impl TerminalModes {
    /// Reads the modes of standard input. Nothing is changed yet.
    ///
    /// # Errors
    /// Fails if standard input is not a terminal.
    pub fn read(has_escapes: bool) -> io::Result<Self> {
        Ok(Self {
            original: tcgetattr(io::stdin())?,
            has_signals: true,
            has_escapes,
            marks_pastes: false,
        })
    }

    /// Makes Ctrl-C a key instead of a signal when the silent mode is set the next time.
    pub fn disable_signals(&mut self) {
        self.has_signals = false;
    }

    /// Sets the silent mode: typed characters are neither shown nor buffered.
    ///
    /// # Errors
    /// Returns the system's error.
    pub fn set_silent_mode(&mut self, when: OptionalActions) -> io::Result<()> {
        let stdin = io::stdin();
        let now = tcgetattr(&stdin)?;
        if now.local_modes.contains(LocalModes::ICANON) {
            // A shell, or its user, may have changed the other modes since.
            self.original = now;
        }
        let mut silent = self.original.clone();
        silent.local_modes.remove(ECHO_MODES);
        if !self.has_signals {
            silent.local_modes.remove(LocalModes::ISIG);
        }
        // A read never blocks, since the available bytes may just have been discarded.
        silent.special_codes[SpecialCodeIndex::VMIN] = 0;
        silent.special_codes[SpecialCodeIndex::VTIME] = 0;
        silent.special_codes[SpecialCodeIndex::VQUIT] = NO_KEY;
        tcsetattr(&stdin, when, &silent)?;
        if matches!(when, OptionalActions::Now) && self.marks_pastes {
            return Ok(());
        }
        // Standard input may not be writable. Then pastes are not marked.
        self.marks_pastes =
            self.has_escapes && rustix::io::write(&stdin, ENABLE_PASTE_MARKS).is_ok();
        Ok(())
    }

    /// Restores the original modes, unless another program uses the terminal now. Discards unread
    /// input, since a shell would run it.
    pub fn restore(&mut self) {
        if !is_foreground() {
            return;
        }
        if std::mem::take(&mut self.marks_pastes) {
            let _ = rustix::io::write(io::stdin(), DISABLE_PASTE_MARKS);
        }
        let _ = tcsetattr(io::stdin(), OptionalActions::Flush, &self.original);
    }
}

/// Returns whether the terminal does not show typed characters at the moment.
pub fn is_silent() -> bool {
    tcgetattr(io::stdin()).is_ok_and(|modes| !modes.local_modes.intersects(ECHO_MODES))
}

/// Returns whether the terminal is silent and Ctrl-C does not send a signal.
pub fn is_ready_for_question() -> bool {
    tcgetattr(io::stdin())
        .is_ok_and(|modes| !modes.local_modes.intersects(ECHO_MODES | LocalModes::ISIG))
}

/// Returns whether this process may use the terminal. Always true if the terminal does not control
/// a session.
pub fn is_foreground() -> bool {
    tcgetpgrp(io::stdin()).map_or(true, |group| group == getpgrp())
}
