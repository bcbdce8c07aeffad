//! Programs of the user's, run without a shell, with a time limit and a limit on what they print.

use crate::error::plain_io;
use crate::excerpt::printable;
use std::io::{Read, Write as _};
use std::path::Path;
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::mpsc::{Receiver, channel};
use std::time::{Duration, Instant};
use zeroize::Zeroizing;

/// Bytes that a program may print.
const MOST: u64 = 32 << 20;

/// Characters of its standard error that are shown.
const SHOWN: usize = 400;

/// Why a program has no answer.
pub enum Problem {
    /// It could not be started, or did not end in time.
    NotRun(String),
    /// It ended with a failure of its own; with what it said about it.
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

/// Runs a program in a folder and gives what it printed. What is handed to it on standard input is never shown, whatever it
/// says about it.
pub fn run(words: &[&str], folder: &Path, input: Option<&str>, limit: Duration) -> Result<Zeroizing<Vec<u8>>, Problem> {
    let Some((program, arguments)) = words.split_first() else {
        return Err(Problem::NotRun("no program is named".to_owned()));
    };
    let until = Instant::now() + limit;
    let mut command = Command::new(program);
    command.args(arguments).current_dir(folder).stdout(Stdio::piped()).stderr(Stdio::piped());
    command.stdin(if input.is_some() { Stdio::piped() } else { Stdio::null() });
    let mut child = command.spawn().map_err(|error| {
        Problem::NotRun(match error.kind() {
            std::io::ErrorKind::NotFound => format!("`{program}` is not installed, or not on the PATH"),
            _ => format!("`{program}` cannot be run: {}", plain_io(&error)),
        })
    })?;
    if let Some((mut pipe, input)) = child.stdin.take().zip(input) {
        let input = Zeroizing::new(input.to_owned());
        // On a thread of its own: a program that reads nothing must not hold this one up.
        std::thread::spawn(move || {
            let _ = pipe.write_all(input.as_bytes());
        });
    }
    let (printed, said) = (read_all(child.stdout.take()), read_all(child.stderr.take()));
    let (printed, said) = (wait(&printed, until), wait(&said, until));
    let (Some(status), Some(printed), Some(said)) = (wait_for(&mut child, until), printed, said) else {
        let _ = child.kill();
        let _ = child.wait();
        return Err(Problem::NotRun(format!("`{program}` did not end within {} s", limit.as_secs_f32())));
    };
    if printed.len() as u64 > MOST {
        return Err(Problem::NotRun(format!("`{program}` printed more than {} MiB", MOST >> 20)));
    }
    if status.success() {
        return Ok(printed);
    }
    let said = String::from_utf8_lossy(&said);
    let said = match input.filter(|input| !input.is_empty()) {
        Some(input) => said.replace(input, "***"),
        None => said.into_owned(),
    };
    let said: String = said.split_whitespace().collect::<Vec<_>>().join(" ").chars().take(SHOWN).collect();
    let code = status.code().map_or_else(|| "a signal".to_owned(), |code| code.to_string());
    let said = if said.is_empty() { String::new() } else { format!(": {}", printable(&said)) };
    Err(Problem::Failed(format!("`{program}` ended with {code}{said}")))
}

/// Reads a pipe to its end on a thread of its own, and no more than [`MOST`] and a byte.
fn read_all(pipe: Option<impl Read + Send + 'static>) -> Receiver<Zeroizing<Vec<u8>>> {
    let (sender, receiver) = channel();
    std::thread::spawn(move || {
        let mut bytes = Zeroizing::new(Vec::new());
        if let Some(pipe) = pipe {
            let _ = pipe.take(MOST + 1).read_to_end(&mut bytes);
        }
        let _ = sender.send(bytes);
    });
    receiver
}

fn wait(receiver: &Receiver<Zeroizing<Vec<u8>>>, until: Instant) -> Option<Zeroizing<Vec<u8>>> {
    receiver.recv_timeout(until.saturating_duration_since(Instant::now())).ok()
}

fn wait_for(child: &mut Child, until: Instant) -> Option<ExitStatus> {
    loop {
        match child.try_wait() {
            Ok(None) if Instant::now() < until => std::thread::sleep(Duration::from_millis(2)),
            ended => return ended.ok().flatten(),
        }
    }
}
