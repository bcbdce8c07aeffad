//! Programs of the user's, run without a shell, with a time limit and a limit on what they print.

use crate::diagnostics::error::io_message;
use crate::system::environment::Environment;
use crate::system::jobs::Job;
use crate::system::programs;
use std::ffi::OsString;
use std::io::{self, Read, Write as _};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::mpsc::{Receiver, channel};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread;
use std::time::{Duration, Instant};
use zeroize::Zeroizing;

/// Bytes that a program may print.
const MAX_OUTPUT_BYTES: usize = 32 << 20;

/// The bytes of a program's standard error that are searched.
const MAX_STDERR_BYTES: usize = 1 << 16;

/// The variable that names the terminal for gpg-agent, which would ask there for a passphrase on behalf of a program that has no
/// terminal of its own.
const TERMINAL_VARIABLE: &str = "GPG_TTY";

/// Words, in lower case, of programs that failed because they could not ask at a terminal.
const TERMINAL_WORDS: [&str; 8] = [
    "/dev/tty",
    " tty",
    "terminal",
    "inappropriate ioctl for device",
    "no such device or address",
    "device not configured",
    "pinentry",
    "eoferror",
];

/// How long is waited for a pipe that outlives its program.
const PIPE_GRACE: Duration = Duration::from_millis(200);

/// Why a program has no answer.
pub enum ProgramError {
    /// It could not be started, or did not end in time.
    NotRun(String),
    /// It ended with a failure of its own.
    Failed(String),
}

impl ProgramError {
    /// In words.
    pub fn into_message(self) -> String {
        match self {
            Self::NotRun(words) | Self::Failed(words) => words,
        }
    }
}

/// Where programs are looked up: in the PATH, but never in the repository, whose files may be anybody's.
#[derive(Clone, Debug)]
pub struct ProgramFinder {
    path: Option<OsString>,
    repository: Option<PathBuf>,
}

impl ProgramFinder {
    /// Creates a look-up in the PATH of an environment, outside a repository.
    pub fn new(env: &dyn Environment, repository: Option<&Path>) -> Self {
        Self { path: env.get("PATH"), repository: repository.map(Path::to_path_buf) }
    }

    /// Returns the file of a program. A name with a slash is a path, relative to `folder`.
    fn find(&self, program: &str, folder: &Path) -> Option<PathBuf> {
        if program.contains('/') {
            return Some(folder.join(program));
        }
        programs::find(program.as_ref(), self.path.as_deref(), self.repository.as_deref())
    }

    /// Returns the PATH for the program itself, which may start others.
    fn path(&self) -> OsString {
        programs::join(&programs::folders(self.path.as_deref(), self.repository.as_deref()))
    }
}

/// Runs a program in a folder and returns what it printed.
///
/// The program has no terminal (see [`Job`]). What it writes to standard error is never shown: a program that reads values
/// quotes them when it fails (`kubectl` prints the whole secret that its template did not fit). It is only searched for signs that
/// the program wanted a terminal.
pub fn run(
    finder: &ProgramFinder,
    words: &[&str],
    folder: &Path,
    input: Option<&str>,
    limit: Duration,
) -> Result<Zeroizing<Vec<u8>>, ProgramError> {
    let Some((program, arguments)) = words.split_first() else {
        return Err(ProgramError::NotRun("no program is named".to_owned()));
    };
    let until = Instant::now() + limit;
    let not_found =
        || ProgramError::NotRun(format!("`{program}` is not installed, or not on the PATH outside the repository"));
    let mut command = Command::new(finder.find(program, folder).ok_or_else(not_found)?);
    command.env("PATH", finder.path());
    command.args(arguments).current_dir(folder).stdout(Stdio::piped()).stderr(Stdio::piped());
    command.stdin(if input.is_some() { Stdio::piped() } else { Stdio::null() });
    command.env_remove(TERMINAL_VARIABLE);
    let cannot_run = |error: &io::Error| {
        ProgramError::NotRun(match error.kind() {
            io::ErrorKind::NotFound => format!("`{program}` does not exist"),
            _ => format!("`{program}` cannot be run: {}", io_message(error)),
        })
    };
    // Wherever this function returns, the program ends with its job.
    let mut job = Job::spawn(command).map_err(|error| cannot_run(&error))?;
    let fed = job.stdin().zip(input).map_or(Ok(()), |(mut pipe, input)| {
        let input = Zeroizing::new(input.to_owned());
        // On a thread of its own: a program that reads nothing must not hold this one up.
        thread::Builder::new().spawn(move || drop(pipe.write_all(input.as_bytes()))).map(drop)
    });
    let pipes = fed.and_then(|()| {
        Ok((
            PipeReader::start(job.stdout(), MAX_OUTPUT_BYTES, ExcessPolicy::Close)?,
            PipeReader::start(job.stderr(), MAX_STDERR_BYTES, ExcessPolicy::Discard)?,
        ))
    });
    let (printed, complaint) = pipes.map_err(|error| cannot_run(&error))?;
    if !job.wait_until(until).map_err(|error| cannot_run(&error))? {
        return Err(ProgramError::NotRun(format!("`{program}` did not end within {:.1} s", limit.as_secs_f32())));
    }
    // What the program has left running may hold its pipe open: what it printed itself is there.
    let printed = printed.into_bytes();
    let status = job.finish().map_err(|error| cannot_run(&error))?;
    if printed.len() > MAX_OUTPUT_BYTES {
        return Err(ProgramError::NotRun(format!("`{program}` printed more than {} MiB", MAX_OUTPUT_BYTES >> 20)));
    }
    if status.success() {
        return Ok(printed);
    }
    let code = status.code().map_or_else(|| "a signal".to_owned(), |code| code.to_string());
    Err(ProgramError::Failed(if wants_terminal(&complaint.into_bytes()) {
        format!(
            "`{program}` ended with {code}: it seems to ask for input at the terminal, and programs that stackref runs have none; \
             unlock it first, for example with `gpg --decrypt FILE` or `op signin`, and run stackref again"
        )
    } else {
        format!(
            "`{program}` ended with {code}; what it says is not shown, as it may hold a value: run it by hand to see that"
        )
    }))
}

/// Returns whether a program's standard error says that it needs a terminal, for example to ask for a passphrase.
fn wants_terminal(stderr: &[u8]) -> bool {
    let stderr = Zeroizing::new(stderr.to_ascii_lowercase());
    TERMINAL_WORDS.iter().any(|words| memchr::memmem::find(&stderr, words.as_bytes()).is_some())
}

/// What comes out of a pipe, read on a thread of its own: no more than a limit and one piece.
struct PipeReader {
    bytes: Arc<Mutex<Zeroizing<Vec<u8>>>>,
    end: Receiver<()>,
}

/// What to do with bytes beyond the limit of a [`PipeReader`].
#[derive(Clone, Copy, PartialEq, Eq)]
enum ExcessPolicy {
    /// Closes the pipe, so that the program ends.
    Close,
    /// Reads and forgets them.
    Discard,
}

impl PipeReader {
    fn start(pipe: Option<impl Read + Send + 'static>, limit: usize, excess: ExcessPolicy) -> io::Result<Self> {
        let (sender, end) = channel();
        let bytes = Arc::new(Mutex::new(Zeroizing::new(Vec::new())));
        let read = Arc::clone(&bytes);
        thread::Builder::new().spawn(move || {
            let mut pipe = pipe;
            let mut piece = Zeroizing::new([0; 1 << 14]);
            while let Some(Ok(len @ 1..)) = pipe.as_mut().map(|pipe| pipe.read(piece.as_mut_slice())) {
                let mut read = read.lock().unwrap_or_else(PoisonError::into_inner);
                if read.len() <= limit {
                    read.extend_from_slice(piece.get(..len).unwrap_or_default());
                } else if excess == ExcessPolicy::Close {
                    break;
                }
            }
            let _ = sender.send(());
        })?;
        Ok(Self { bytes, end })
    }

    /// What came, once the program has ended.
    fn into_bytes(self) -> Zeroizing<Vec<u8>> {
        let _ = self.end.recv_timeout(PIPE_GRACE);
        std::mem::take(&mut *self.bytes.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

#[cfg(test)]
mod tests {
    use super::wants_terminal;

    #[test]
    fn a_program_that_could_not_ask_at_the_terminal_is_recognized() {
        for complaint in [
            "sh: 1: cannot open /dev/tty: No such device or address",
            "gpg: decryption failed: Inappropriate ioctl for device",
            "sudo: a terminal is required to read the password",
            "error: cannot perform an interactive login from a non TTY device",
            "GetPassWarning: Can not control echo on the terminal.",
            "open /dev/tty: device not configured",
        ] {
            assert!(wants_terminal(complaint.as_bytes()), "{complaint}");
        }
        for complaint in ["", "pretty wrong", "error: secret not found", "permission denied"] {
            assert!(!wants_terminal(complaint.as_bytes()), "{complaint}");
        }
    }
}
