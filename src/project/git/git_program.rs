//! Runs git: finds the program, chooses its environment, and limits its time and its output.

use super::GitError;
use super::shadow_repository::ShadowRepository;
use crate::diagnostics::error::io_message;
use crate::system::environment::Environment;
use crate::system::jobs::Job;
use std::ffi::{OsStr, OsString};
use std::io::{self, Read, Write as _};
use std::os::unix::ffi::{OsStrExt as _, OsStringExt as _};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::mpsc::channel;
use std::thread;
use std::time::{Duration, Instant};

/// The variables that git needs to run and to find the user's configs. The credentials of other
/// programs and the repository of a git hook are not among them.
const PASSTHROUGH_ENV: [&str; 5] = [
    "HOME",
    "LANG",
    "LD_LIBRARY_PATH",
    "XDG_CONFIG_HOME",
    "GIT_EXEC_PATH",
];

/// How long git may take for one answer.
const TIME_LIMIT: Duration = Duration::from_secs(5);

/// The largest answer, in bytes: a list of the paths of a large repository.
const MAX_OUTPUT: u64 = 1 << 30;

/// The git program and its environment.
#[derive(Clone)]
pub struct GitProgram {
    /// The PATH on which git is looked up.
    pub path: Option<OsString>,
    /// The environment variables of git, except PATH.
    pub variables: Vec<(OsString, OsString)>,
    /// The folder for temporary files.
    pub temporary: PathBuf,
}

impl GitProgram {
    /// Takes the variables that git needs from an environment.
    pub fn new(env: &dyn Environment) -> Self {
        let names = env
            .names()
            .into_iter()
            .filter_map(|name| name.into_string().ok());
        let names = names.filter(|name| is_passed_to_git(name));
        Self {
            path: env.get("PATH"),
            variables: names
                .filter_map(|name| Some((OsString::from(&name), env.get(&name)?)))
                .collect(),
            temporary: env
                .get("TMPDIR")
                .map(PathBuf::from)
                .filter(|folder| folder.is_absolute())
                .unwrap_or("/tmp".into()),
        }
    }

    /// Returns the values of `safe.directory` in the configs of the user and the system. Returns no
    /// values if git fails. The config in `folder` has no effect.
    pub fn safe_directories(&self, folder: &Path) -> Vec<OsString> {
        let arguments = ["config", "-z", "--get-all", "safe.directory"].map(OsStr::new);
        let shadow = ShadowRepository::new(folder, &self.temporary);
        let answer = shadow.and_then(|shadow| shadow.run_git(self, &arguments, Vec::new()));
        let values = answer.map(|answer| answer.stdout).unwrap_or_default();
        // Each value ends with a NUL byte. A value may be empty.
        let values = values
            .strip_suffix(&[0])
            .map(|values| values.split(|&byte| byte == 0));
        values
            .into_iter()
            .flatten()
            .map(|value| self.expand_home(value))
            .collect()
    }

    /// Expands `~/` in a path as git does.
    fn expand_home(&self, value: &[u8]) -> OsString {
        let home = self
            .variables
            .iter()
            .find(|(name, _)| name == "HOME")
            .map(|(_, home)| home.as_bytes());
        let expanded = value
            .strip_prefix(b"~")
            .filter(|rest| rest.starts_with(b"/"))
            .zip(home);
        OsString::from_vec(
            expanded.map_or_else(|| value.to_vec(), |(rest, home)| [home, rest].concat()),
        )
    }
}

fn is_passed_to_git(name: &str) -> bool {
    PASSTHROUGH_ENV.contains(&name) || name.starts_with("LC_") || name.starts_with("GIT_CONFIG_")
}

/// The output of git.
pub struct GitOutput {
    /// The exit code. `None` if a signal killed git.
    pub code: Option<i32>,
    pub stdout: Vec<u8>,
    stderr: Vec<u8>,
}

impl GitOutput {
    /// Returns the error of a failed call: the first line of standard error.
    pub fn error(&self) -> GitError {
        let text = String::from_utf8_lossy(&self.stderr);
        let line = text
            .lines()
            .next()
            .unwrap_or_default()
            .trim_start_matches("fatal: ");
        GitError::failed(if line.is_empty() {
            "git exited without an answer"
        } else {
            line
        })
    }
}

/// Runs git until it exits or the time limit is reached.
///
/// # Errors
/// Fails if git cannot be run, takes too long, or prints too much.
pub fn run_command(mut command: Command, input: Vec<u8>) -> Result<GitOutput, GitError> {
    let deadline = Instant::now() + TIME_LIMIT;
    command
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped());
    // If this function returns early, dropping the job terminates git.
    let mut job = Job::spawn(command).map_err(|error| cannot_run(&error))?;
    let (stdin, stdout, stderr) = (job.stdin(), job.stdout(), job.stderr());
    let (output, outputs) = channel();
    let errors = output.clone();
    // On separate threads, since git writes its answer while it reads the input.
    thread::Builder::new()
        .spawn(move || stdin.map(|mut pipe| pipe.write_all(&input)))
        .and_then(|_| thread::Builder::new().spawn(move || output.send((true, read_all(stdout)))))
        .and_then(|_| thread::Builder::new().spawn(move || errors.send((false, read_all(stderr)))))
        .map_err(|error| cannot_run(&error))?;
    let (mut stdout, mut stderr) = (Vec::new(), Vec::new());
    for _ in 0..2 {
        let left = deadline.saturating_duration_since(Instant::now());
        let (is_stdout, bytes) = outputs.recv_timeout(left).map_err(|_| timeout_error())?;
        *(if is_stdout { &mut stdout } else { &mut stderr }) = bytes;
    }
    if !job
        .wait_until(deadline)
        .map_err(|error| cannot_run(&error))?
    {
        return Err(timeout_error());
    }
    let status = job.finish().map_err(|error| cannot_run(&error))?;
    if stdout.len() as u64 > MAX_OUTPUT {
        return Err(GitError::failed(format!(
            "git printed more than {} GiB",
            MAX_OUTPUT >> 30
        )));
    }
    Ok(GitOutput {
        code: status.code(),
        stdout,
        stderr,
    })
}

fn cannot_run(error: &io::Error) -> GitError {
    GitError::new(
        format!("cannot run git: {}", io_message(error)),
        "repair the installation of git",
    )
}

fn timeout_error() -> GitError {
    let reason = format!("git did not answer within {} s", TIME_LIMIT.as_secs());
    GitError::new(
        reason,
        "look for a named pipe or a slow disk in the work tree",
    )
}

/// Reads a pipe to its end, up to [`MAX_OUTPUT`] and one more byte.
fn read_all(pipe: Option<impl Read>) -> Vec<u8> {
    let mut bytes = Vec::new();
    if let Some(pipe) = pipe {
        let _ = pipe.take(MAX_OUTPUT + 1).read_to_end(&mut bytes);
    }
    bytes
}

#[cfg(test)]
mod tests {
    use super::*;

    struct Fixed(&'static [&'static str]);

    impl Environment for Fixed {
        fn get(&self, name: &str) -> Option<OsString> {
            Some(format!("{name}'s").into())
        }

        fn names(&self) -> Vec<OsString> {
            self.0.iter().map(OsString::from).collect()
        }
    }

    #[test]
    fn git_gets_neither_credentials_nor_the_repository_of_a_hook() {
        let names = &[
            "PATH",
            "VAULT_TOKEN",
            "GIT_DIR",
            "GIT_INDEX_FILE",
            "GIT_CONFIG_COUNT",
            "LC_ALL",
            "GIT_TOKEN",
        ];
        let program = GitProgram::new(&Fixed(names));
        let passed: Vec<_> = program
            .variables
            .iter()
            .filter_map(|(name, _)| name.to_str())
            .collect();
        assert_eq!(passed, ["GIT_CONFIG_COUNT", "LC_ALL"]);
    }
}
