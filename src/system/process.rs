//! Runs the programs that a config names, without a shell, with a time limit and an output limit.
//!
//! The processes themselves are [`Job`]s. Git has its own runner in `project::git`.

use crate::diagnostics::error::io_message;
use crate::system::environment::Environment;
use crate::system::jobs::Job;
use crate::system::programs;
use std::ffi::OsString;
use std::io::{self, Read, Write as _};
use std::path::{Path, PathBuf};
use std::process::{Command, ExitStatus, Stdio};
use std::sync::mpsc::{Receiver, channel};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread;
use std::time::{Duration, Instant};
use zeroize::Zeroizing;

/// The most bytes that a program may print to standard output.
const MAX_OUTPUT_BYTES: usize = 32 << 20;

/// The bytes of a program's standard error that are searched for [`TERMINAL_WORDS`].
const MAX_STDERR_BYTES: usize = 1 << 16;

/// The variable that names the terminal for gpg-agent. It is removed: gpg-agent would ask for a
/// passphrase on that terminal, even if the program has none.
const TERMINAL_VARIABLE: &str = "GPG_TTY";

/// Phrases, in lower case, that programs print if they fail because they have no terminal.
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

/// How long to wait for a pipe that is still open after its program has exited.
const PIPE_GRACE: Duration = Duration::from_millis(200);

/// The reason why a program has no answer.
pub enum ProgramError {
    /// It could not be started, or did not exit in time.
    NotRun(String),
    /// It exited with a failure.
    Failed(String),
}

impl ProgramError {
    /// Returns the reason as a message.
    pub fn into_message(self) -> String {
        match self {
            Self::NotRun(message) | Self::Failed(message) => message,
        }
    }
}

/// A look-up of programs on the PATH that skips the repository, see [`programs`].
#[derive(Clone, Debug)]
pub struct ProgramFinder {
    path: Option<OsString>,
    repository: Option<PathBuf>,
}

impl ProgramFinder {
    /// Creates a look-up on the PATH of an environment, outside a repository.
    pub fn new(env: &dyn Environment, repository: Option<&Path>) -> Self {
        Self {
            path: env.get("PATH"),
            repository: repository.map(Path::to_path_buf),
        }
    }

    /// Finds the file of a program. A name with a slash is a path relative to `folder`.
    fn find(&self, program: &str, folder: &Path) -> Option<PathBuf> {
        if program.contains('/') {
            return Some(folder.join(program));
        }
        programs::find(
            program.as_ref(),
            self.path.as_deref(),
            self.repository.as_deref(),
        )
    }

    /// Returns the PATH for the program itself, which may start other programs.
    fn path(&self) -> OsString {
        programs::join(&programs::folders(
            self.path.as_deref(),
            self.repository.as_deref(),
        ))
    }
}

/// Runs a program in a folder and returns its standard output.
///
/// The program has no terminal (see [`Job`]). Its standard error is never shown, since programs
/// that read secrets quote them when they fail. For example, `kubectl` prints the whole secret if a
/// template does not match it. Standard error is only searched for signs of a missing terminal.
///
/// # Errors
/// Fails if the program cannot be run, does not exit within `limit`, prints too much, or exits with
/// a failure.
pub fn run(
    finder: &ProgramFinder,
    words: &[&str],
    folder: &Path,
    input: Option<&str>,
    limit: Duration,
) -> Result<Vec<u8>, ProgramError> {
    let Some((&program, arguments)) = words.split_first() else {
        return Err(ProgramError::NotRun("no program is given".to_owned()));
    };
    let deadline = Instant::now() + limit;
    let mut command = Command::new(
        finder
            .find(program, folder)
            .ok_or_else(|| not_found(program))?,
    );
    command.env("PATH", finder.path());
    command
        .args(arguments)
        .current_dir(folder)
        .stdout(Stdio::piped())
        .stderr(Stdio::piped());
    command.stdin(if input.is_some() {
        Stdio::piped()
    } else {
        Stdio::null()
    });
    command.env_remove(TERMINAL_VARIABLE);
    // If this function returns early, dropping the job terminates the program.
    let mut job = Job::spawn(command).map_err(|error| cannot_run(program, &error))?;
    let (stdout, stderr) =
        connect_pipes(&mut job, input).map_err(|error| cannot_run(program, &error))?;
    if !job
        .wait_until(deadline)
        .map_err(|error| cannot_run(program, &error))?
    {
        return Err(ProgramError::NotRun(format!(
            "`{program}` did not exit within {:.1} s",
            limit.as_secs_f32()
        )));
    }
    // A process that the program left running may keep the pipe open. The program's own output is
    // complete.
    let output = stdout.into_bytes();
    let status = job.finish().map_err(|error| cannot_run(program, &error))?;
    if output.len() > MAX_OUTPUT_BYTES {
        return Err(ProgramError::NotRun(format!(
            "`{program}` printed more than {} MiB",
            MAX_OUTPUT_BYTES >> 20
        )));
    }
    if status.success() {
        Ok(output)
    } else {
        Err(exit_error(program, status, &stderr.into_bytes()))
    }
}

fn not_found(program: &str) -> ProgramError {
    ProgramError::NotRun(format!(
        "`{program}` is not installed, or not on the PATH outside the repository"
    ))
}

fn cannot_run(program: &str, error: &io::Error) -> ProgramError {
    ProgramError::NotRun(match error.kind() {
        io::ErrorKind::NotFound => format!("`{program}` does not exist"),
        _ => format!("cannot run `{program}`: {}", io_message(error)),
    })
}

/// Writes the input of a program, and starts to read its standard output and standard error.
fn connect_pipes(job: &mut Job, input: Option<&str>) -> io::Result<(PipeReader, PipeReader)> {
    if let Some((mut pipe, input)) = job.stdin().zip(input) {
        let input = input.to_owned();
        // On another thread: a program that does not read its input must not block this one.
        thread::Builder::new().spawn(move || drop(pipe.write_all(input.as_bytes())))?;
    }
    let stdout = PipeReader::start(job.stdout(), MAX_OUTPUT_BYTES, ExcessPolicy::Close)?;
    let stderr = PipeReader::start(job.stderr(), MAX_STDERR_BYTES, ExcessPolicy::Discard)?;
    Ok((stdout, stderr))
}

/// Returns the error of a program that exited with a failure.
fn exit_error(program: &str, status: ExitStatus, stderr: &[u8]) -> ProgramError {
    let ending = match status.code() {
        Some(code) => format!("exited with status {code}"),
        None => "was killed by a signal".to_owned(),
    };
    ProgramError::Failed(if wants_terminal(stderr) {
        format!(
            "`{program}` {ending}: it seems to ask for input at the terminal, but stackref runs programs without one; \
             unlock it first, for example with `gpg --decrypt FILE` or `op signin`, and run stackref again"
        )
    } else {
        format!(
            "`{program}` {ending}; its error output is not shown because it may contain a secret value: \
             run the program yourself to see it"
        )
    })
}

/// Returns whether standard error shows that a program needs a terminal, for example to ask for a
/// passphrase.
fn wants_terminal(stderr: &[u8]) -> bool {
    let stderr = stderr.to_ascii_lowercase();
    TERMINAL_WORDS
        .iter()
        .any(|words| memchr::memmem::find(&stderr, words.as_bytes()).is_some())
}

/// The output of a pipe, read on its own thread up to a limit and one more chunk.
struct PipeReader {
    bytes: Arc<Mutex<Vec<u8>>>,
    end: Receiver<()>,
}

/// The handling of bytes beyond the limit of a [`PipeReader`].
#[derive(Clone, Copy, PartialEq, Eq)]
enum ExcessPolicy {
    /// Closes the pipe, so that the program fails to write.
    Close,
    /// Reads and discards them.
    Discard,
}

impl PipeReader {
    fn start(
        pipe: Option<impl Read + Send + 'static>,
        limit: usize,
        excess: ExcessPolicy,
    ) -> io::Result<Self> {
        let (sender, end) = channel();
        let bytes = Arc::new(Mutex::new(Vec::new()));
        let read = Arc::clone(&bytes);
        thread::Builder::new().spawn(move || {
            let mut pipe = pipe;
            let mut chunk = Zeroizing::new([0; 1 << 14]);
            while let Some(Ok(len @ 1..)) =
                pipe.as_mut().map(|pipe| pipe.read(chunk.as_mut_slice()))
            {
                let mut read = read.lock().unwrap_or_else(PoisonError::into_inner);
                if read.len() <= limit {
                    read.extend_from_slice(chunk.get(..len).unwrap_or_default());
                } else if excess == ExcessPolicy::Close {
                    break;
                }
            }
            let _ = sender.send(());
        })?;
        Ok(Self { bytes, end })
    }

    /// Returns the output. Call it after the program has exited.
    fn into_bytes(self) -> Vec<u8> {
        let _ = self.end.recv_timeout(PIPE_GRACE);
        std::mem::take(&mut *self.bytes.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

#[cfg(test)]
mod tests {
    use super::wants_terminal;

    #[test]
    fn wants_terminal_recognizes_common_messages() {
        for message in [
            "sh: 1: cannot open /dev/tty: No such device or address",
            "gpg: decryption failed: Inappropriate ioctl for device",
            "sudo: a terminal is required to read the password",
            "error: cannot perform an interactive login from a non TTY device",
            "GetPassWarning: Can not control echo on the terminal.",
            "open /dev/tty: device not configured",
        ] {
            assert!(wants_terminal(message.as_bytes()), "{message}");
        }
        for message in [
            "",
            "pretty wrong",
            "error: secret not found",
            "permission denied",
        ] {
            assert!(!wants_terminal(message.as_bytes()), "{message}");
        }
    }
}
