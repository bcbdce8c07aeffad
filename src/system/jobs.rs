//! Starts child programs, and handles the signals that terminate, stop or continue stackref.
//!
//! Every program runs as a [`Job`]. It gets its own session, so it has no terminal to read from. It
//! is also registered, so it is terminated together with stackref.
//!
//! A single thread receives the signals. It starts with the first job or the first prompt. A run
//! without either keeps the default actions.
//!
//! SIGKILL cannot be handled: the programs keep running until they notice that their pipes are
//! closed.

use nix::unistd::{getpgid, getpgrp, getppid, getsid};
use process_wrap::std::{ChildWrapper, CommandWrap, ProcessSession};
use rustix::process::{
    Pid, Signal, WaitId, WaitIdOptions, kill_process, kill_process_group, waitid,
};
use signal_hook::consts::{
    SIGALRM, SIGCONT, SIGHUP, SIGINT, SIGPROF, SIGQUIT, SIGTERM, SIGTSTP, SIGUSR1, SIGUSR2,
    SIGVTALRM, SIGXCPU,
};
use signal_hook::iterator::{Handle, Signals};
use signal_hook::low_level::emulate_default_handler;
use std::io;
use std::process::{ChildStderr, ChildStdin, ChildStdout, Command, ExitStatus};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

/// The signals that terminate a process by default, except those that report a fault of its own,
/// such as SIGSEGV.
const TERMINATION_SIGNALS: [i32; 10] = [
    SIGINT, SIGTERM, SIGHUP, SIGQUIT, SIGALRM, SIGUSR1, SIGUSR2, SIGVTALRM, SIGPROF, SIGXCPU,
];

/// The time that programs have to clean up between SIGTERM and SIGKILL. A person who presses Ctrl-C
/// should not notice it.
const GRACE: Duration = Duration::from_millis(300);

/// The interval at which a running program is polled.
const TICK: Duration = Duration::from_millis(2);

static STATE: Mutex<JobState> = Mutex::new(JobState {
    jobs: Vec::new(),
    starting: 0,
    is_ending: false,
    signals: None,
    handler: None,
});

/// The state that jobs share with the signal thread.
struct JobState {
    /// The running programs. Each leads its own session and process group.
    jobs: Vec<Pid>,
    /// The number of programs that are being started.
    starting: usize,
    /// Whether stackref is terminating. No program is started after that.
    is_ending: bool,
    signals: Option<Handle>,
    handler: Option<Box<dyn SignalHandler>>,
}

/// Reacts to signals while a terminal is in use. Its methods run on the signal thread.
pub trait SignalHandler: Send {
    /// Handles a signal that asks the process to terminate. Returns true if a waiting prompt
    /// handles it, so that the process must not be terminated here.
    fn end(&mut self) -> bool;

    /// Restores the terminal before the process stops or terminates.
    fn suspend(&mut self);

    /// Sets the terminal modes again after the process was continued.
    fn resume(&mut self);
}

fn state() -> MutexGuard<'static, JobState> {
    STATE.lock().unwrap_or_else(PoisonError::into_inner)
}

impl JobState {
    /// Starts the signal thread if it does not run yet, and returns its handle.
    fn signal_handle(&mut self) -> io::Result<&Handle> {
        if self.signals.is_none() {
            // Signals are caught only after the thread that handles them has started.
            let mut signals = Signals::new([0_i32; 0])?;
            let handle = signals.handle();
            thread::Builder::new()
                .name("signals".to_owned())
                .spawn(move || signals.forever().for_each(handle_signal))?;
            for signal in TERMINATION_SIGNALS {
                catch(&handle, signal)?;
            }
            self.signals = Some(handle);
        }
        self.signals
            .as_ref()
            .ok_or_else(|| io::Error::from(io::ErrorKind::NotFound))
    }
}

/// Catches a signal, unless the parent process started stackref with the signal ignored, as
/// `nohup` does.
fn catch(signals: &Handle, signal: i32) -> io::Result<()> {
    if is_ignored(signal) {
        Ok(())
    } else {
        signals.add_signal(signal)
    }
}

/// Returns whether a signal is ignored. Returns false on systems other than Linux, which do not
/// report it.
fn is_ignored(signal: i32) -> bool {
    let Ok(status) = std::fs::read_to_string("/proc/self/status") else {
        return false;
    };
    let mask = status.lines().find_map(|line| line.strip_prefix("SigIgn:"));
    let mask = mask.and_then(|mask| u64::from_str_radix(mask.trim(), 16).ok());
    mask.is_some_and(|mask| mask >> (signal - 1) & 1 == 1)
}

/// Registers a handler that receives signals until [`detach`] is called.
///
/// # Errors
/// Returns the system's error if the thread or the handler cannot be set up.
pub fn attach(handler: Box<dyn SignalHandler>) -> io::Result<()> {
    let mut state = state();
    let signals = state.signal_handle()?;
    catch(signals, SIGTSTP)?;
    signals.add_signal(SIGCONT)?;
    state.handler = Some(handler);
    Ok(())
}

/// Removes the handler, so that signals have their usual effect again.
pub fn detach() {
    state().handler = None;
}

/// Terminates all programs that still run. Called once, at the end of a run. Does not return if a
/// signal is already terminating the process.
pub fn finish() {
    let jobs = {
        let mut state = state();
        if state.is_ending {
            drop(state);
            park();
        }
        state.is_ending = true;
        std::mem::take(&mut state.jobs)
    };
    for job in jobs {
        signal_session(job, Signal::KILL);
    }
}

/// Waits until the signal thread has terminated the process.
fn park() -> ! {
    loop {
        thread::park();
    }
}

fn handle_signal(signal: i32) {
    match signal {
        SIGTSTP => stop(),
        SIGCONT => {
            if let Some(handler) = &mut state().handler {
                handler.resume();
            }
        }
        _ => end(signal),
    }
}

/// Stops the process as SIGTSTP does by default.
fn stop() {
    if !can_stop() {
        return;
    }
    let mut state = state();
    if let Some(handler) = &mut state.handler {
        handler.suspend();
    }
    // The process stops here. SIGCONT continues it, and `handle_signal` resumes the handler.
    let _ = emulate_default_handler(SIGTSTP);
}

/// Returns whether a shell could continue the process after it is stopped. The system does not stop
/// an orphaned process group on SIGTSTP.
fn can_stop() -> bool {
    // nix instead of rustix: the id of a process outside the PID namespace is 0, which rustix
    // cannot represent.
    let parent = getppid();
    let (Ok(session), Ok(parent_session)) = (getsid(None), getsid(Some(parent))) else {
        return false;
    };
    // The parent of a session leader is in another session.
    parent.as_raw() != 0
        && session == parent_session
        && (parent_session != parent || getpgid(Some(parent)).is_ok_and(|group| group != getpgrp()))
}

/// Terminates all programs, and then the process by the default action of the signal.
fn end(signal: i32) {
    let jobs = {
        let mut state = state();
        if let Some(handler) = &mut state.handler {
            if handler.end() {
                return;
            }
            handler.suspend();
        }
        state.is_ending = true;
        state.jobs.clone()
    };
    for &job in &jobs {
        signal_session(job, Signal::TERM);
        signal_session(job, Signal::CONT);
    }
    // The threads that wait for the programs remove them from the list.
    let until = Instant::now() + GRACE;
    while Instant::now() < until && (!state().jobs.is_empty() || state().starting > 0) {
        thread::sleep(TICK);
    }
    for job in std::mem::take(&mut state().jobs) {
        signal_session(job, Signal::KILL);
    }
    let _ = emulate_default_handler(signal);
}

/// Sends a signal to a program and its descendants: its process group and, on Linux, every process
/// of its session.
fn signal_session(leader: Pid, signal: Signal) {
    let _ = kill_process_group(leader, signal);
    for member in session_members(leader) {
        let _ = kill_process(member, signal);
    }
}

/// Lists the processes of a session, for example those that `timeout` has moved into their own
/// group.
fn session_members(leader: Pid) -> Vec<Pid> {
    let Ok(entries) = std::fs::read_dir("/proc") else {
        return Vec::new();
    };
    let ids = entries.filter_map(|entry| entry.ok()?.file_name().to_str()?.parse::<u32>().ok());
    let ids = ids.filter_map(|id| i32::try_from(id).ok());
    ids.filter(|&id| is_session_member(id, leader))
        .filter_map(Pid::from_raw)
        .collect()
}

fn is_session_member(id: i32, leader: Pid) -> bool {
    let session = getsid(Some(nix::unistd::Pid::from_raw(id)));
    session.is_ok_and(|session| session.as_raw() == leader.as_raw_pid())
}

/// A running program. Dropping it terminates the program and everything that it started.
#[derive(Debug)]
pub struct Job {
    child: Box<dyn ChildWrapper>,
    id: Pid,
    /// Whether the program has exited by itself.
    has_exited: bool,
    /// Whether its exit status has been collected.
    is_reaped: bool,
}

impl Job {
    /// Starts a program in its own session, where it has no terminal and does not receive the
    /// terminal's signals.
    ///
    /// # Errors
    /// Returns the system's error if the program cannot be started.
    pub fn spawn(command: Command) -> io::Result<Self> {
        {
            let mut state = state();
            if state.is_ending {
                drop(state);
                park();
            }
            state.signal_handle()?;
            state.starting += 1;
        }
        let mut wrap = CommandWrap::from(command);
        wrap.wrap(ProcessSession);
        // The wrapper around the child is dropped: it would wait for all processes of the group.
        let child = wrap.spawn().map(ChildWrapper::into_inner);
        let mut state = state();
        state.starting -= 1;
        let child = child?;
        let id = i32::try_from(child.id()).ok().and_then(Pid::from_raw);
        let id = id.ok_or_else(|| io::Error::from(io::ErrorKind::InvalidData))?;
        state.jobs.push(id);
        let ending = state.is_ending;
        drop(state);
        let job = Self {
            child,
            id,
            has_exited: false,
            is_reaped: false,
        };
        if ending {
            drop(job);
            park();
        }
        Ok(job)
    }

    /// Takes the pipe to the program's standard input, if it has one.
    pub fn stdin(&mut self) -> Option<ChildStdin> {
        self.child.stdin().take()
    }

    /// Takes the pipe from the program's standard output, if it has one.
    pub fn stdout(&mut self) -> Option<ChildStdout> {
        self.child.stdout().take()
    }

    /// Takes the pipe from the program's standard error, if it has one.
    pub fn stderr(&mut self) -> Option<ChildStderr> {
        self.child.stderr().take()
    }

    /// Waits until the program has exited. Returns false if it still runs at `until`. Does not
    /// return if a signal terminates stackref.
    ///
    /// # Errors
    /// Returns the system's error if the program's state cannot be read.
    pub fn wait_until(&mut self, until: Instant) -> io::Result<bool> {
        loop {
            // The exit status is left for `finish`. Otherwise the process id could be reused.
            let options = WaitIdOptions::EXITED | WaitIdOptions::NOHANG | WaitIdOptions::NOWAIT;
            self.has_exited = match waitid(WaitId::Pid(self.id), options) {
                Err(rustix::io::Errno::INTR) => false,
                status => status?.is_some(),
            };
            let ending = state().is_ending;
            if ending && self.has_exited {
                let _ = self.reap();
                park();
            }
            if self.has_exited || (!ending && Instant::now() >= until) {
                return Ok(self.has_exited);
            }
            thread::sleep(TICK);
        }
    }

    /// Terminates the program and the processes that it left running in its process group. Returns
    /// the exit status.
    ///
    /// # Errors
    /// Returns the system's error if the exit status cannot be read.
    pub fn finish(mut self) -> io::Result<ExitStatus> {
        self.reap()
    }

    fn reap(&mut self) -> io::Result<ExitStatus> {
        if self.has_exited {
            let _ = kill_process_group(self.id, Signal::KILL);
        } else {
            signal_session(self.id, Signal::KILL);
        }
        let status = self.child.wait();
        self.is_reaped = true;
        state().jobs.retain(|&job| job != self.id);
        status
    }
}

impl Drop for Job {
    fn drop(&mut self) {
        if !self.is_reaped {
            let _ = self.reap();
        }
    }
}
