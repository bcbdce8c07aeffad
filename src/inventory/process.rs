//! Programs of the user's, run without a shell, with a time limit and a limit on what they print.

use crate::error::plain_io;
use rustix::process::{Pid, Signal, kill_process_group};
use std::io::{self, Read, Write as _};
use std::os::unix::process::CommandExt as _;
use std::path::Path;
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::mpsc::{Receiver, channel};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread;
use std::time::{Duration, Instant};
use zeroize::Zeroizing;

/// Bytes that a program may print.
const MOST: u64 = 32 << 20;

/// How long is waited for a pipe that outlives its program.
const GRACE: Duration = Duration::from_millis(200);

/// Why a program has no answer.
pub enum Problem {
    /// It could not be started, or did not end in time.
    NotRun(String),
    /// It ended with a failure of its own.
    Failed(String),
}

impl Problem {
    /// In words.
    pub fn words(self) -> String {
        match self {
            Self::NotRun(words) | Self::Failed(words) => words,
        }
    }
}

/// Runs a program in a folder and gives what it printed. What it says on standard error is shown nowhere: a program that reads
/// values quotes them when it fails (`kubectl` prints the whole secret that its template did not fit).
pub fn run(words: &[&str], folder: &Path, input: Option<&str>, limit: Duration) -> Result<Zeroizing<Vec<u8>>, Problem> {
    let Some((program, arguments)) = words.split_first() else {
        return Err(Problem::NotRun("no program is named".to_owned()));
    };
    let until = Instant::now() + limit;
    let mut command = Command::new(program);
    command.args(arguments).current_dir(folder).process_group(0).stdout(Stdio::piped()).stderr(Stdio::null());
    command.stdin(if input.is_some() { Stdio::piped() } else { Stdio::null() });
    let cannot_run = |error: &io::Error| {
        Problem::NotRun(match error.kind() {
            io::ErrorKind::NotFound => format!("`{program}` is not installed, or not on the PATH"),
            _ => format!("`{program}` cannot be run: {}", plain_io(error)),
        })
    };
    let mut child = command.spawn().map_err(|error| cannot_run(&error))?;
    let fed = child.stdin.take().zip(input).map_or(Ok(()), |(mut pipe, input)| {
        let input = Zeroizing::new(input.to_owned());
        // On a thread of its own: a program that reads nothing must not hold this one up.
        thread::Builder::new().spawn(move || drop(pipe.write_all(input.as_bytes()))).map(drop)
    });
    let printed = fed.and_then(|()| Pipe::of(child.stdout.take())).map_err(|error| {
        kill(&mut child);
        cannot_run(&error)
    })?;
    let status = wait_for(&mut child, until);
    let Some(status) = status else {
        kill(&mut child);
        return Err(Problem::NotRun(format!("`{program}` did not end within {:.1} s", limit.as_secs_f32())));
    };
    // What the program has left running may hold its pipe open: what it printed itself is there.
    let printed = printed.take();
    if printed.len() as u64 > MOST {
        return Err(Problem::NotRun(format!("`{program}` printed more than {} MiB", MOST >> 20)));
    }
    if status.success() {
        return Ok(printed);
    }
    let code = status.code().map_or_else(|| "a signal".to_owned(), |code| code.to_string());
    Err(Problem::Failed(format!(
        "`{program}` ended with {code}; what it says is not shown, as it may hold a value: run it by hand to see that"
    )))
}

/// What comes out of a pipe, read on a thread of its own: to its end, and no more than [`MOST`] and a byte.
struct Pipe {
    bytes: Arc<Mutex<Zeroizing<Vec<u8>>>>,
    end: Receiver<()>,
}

impl Pipe {
    fn of(pipe: Option<impl Read + Send + 'static>) -> io::Result<Self> {
        let (sender, end) = channel();
        let bytes = Arc::new(Mutex::new(Zeroizing::new(Vec::new())));
        let read = Arc::clone(&bytes);
        thread::Builder::new().spawn(move || {
            let mut pipe = pipe;
            let mut piece = Zeroizing::new([0; 1 << 14]);
            while let Some(Ok(len @ 1..)) = pipe.as_mut().map(|pipe| pipe.read(piece.as_mut_slice())) {
                let mut read = read.lock().unwrap_or_else(PoisonError::into_inner);
                read.extend_from_slice(piece.get(..len).unwrap_or_default());
                if read.len() as u64 > MOST {
                    break;
                }
            }
            let _ = sender.send(());
        })?;
        Ok(Self { bytes, end })
    }

    /// What came, once the program has ended.
    fn take(self) -> Zeroizing<Vec<u8>> {
        let _ = self.end.recv_timeout(GRACE);
        std::mem::take(&mut *self.bytes.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

/// Ends a program and what it has started.
fn kill(child: &mut Child) {
    let _ = kill_process_group(Pid::from_child(child), Signal::KILL);
    let _ = child.kill();
    let _ = child.wait();
}

fn wait_for(child: &mut Child, until: Instant) -> Option<ExitStatus> {
    loop {
        match child.try_wait() {
            Ok(None) if Instant::now() < until => thread::sleep(Duration::from_millis(2)),
            ended => return ended.ok().flatten(),
        }
    }
}
