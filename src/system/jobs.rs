//! Programs that stackref starts, and the signals that end, stop or continue stackref itself.
//!
//! Every program runs as a [`Job`]: in a session of its own, so it has no terminal that it could read from, and registered, so it
//! ends together with stackref. One thread receives the signals. It starts with the first job or the first question at a
//! terminal; a run without either keeps the default actions.
//!
//! If stackref is killed with SIGKILL, nothing can run any more: a program then notices that its pipes are closed.

use nix::unistd::{getpgid, getpgrp, getppid, getsid};
use process_wrap::std::{ChildWrapper, CommandWrap, ProcessSession};
use rustix::process::{Pid, Signal, WaitId, WaitIdOptions, kill_process, kill_process_group, waitid};
use signal_hook::consts::{SIGCONT, SIGHUP, SIGINT, SIGQUIT, SIGTERM, SIGTSTP};
use signal_hook::iterator::{Handle, Signals};
use signal_hook::low_level::emulate_default_handler;
use std::io;
use std::process::{ChildStderr, ChildStdin, ChildStdout, Command, ExitStatus};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

/// The signals that ask a process to end.
const TERMINATION_SIGNALS: [i32; 4] = [SIGINT, SIGTERM, SIGHUP, SIGQUIT];

/// How long programs may take to clean up after SIGTERM before they get SIGKILL.
const GRACE: Duration = Duration::from_millis(300);

/// How often a running program is looked at.
const TICK: Duration = Duration::from_millis(2);

static STATE: Mutex<JobState> =
    Mutex::new(JobState { jobs: Vec::new(), starting: 0, is_ending: false, watch: None, handler: None });

/// What the signal thread needs to know.
struct JobState {
    /// The programs that are running. A program leads its own session and process group.
    jobs: Vec<Pid>,
    /// The number of programs that are being started.
    starting: usize,
    /// Whether the process is about to end; no program is started any more.
    is_ending: bool,
    watch: Option<Handle>,
    handler: Option<Box<dyn SignalHandler>>,
}

/// Reacts to signals on behalf of a terminal, on the signal thread.
pub trait SignalHandler: Send {
    /// Handles a signal that asks to end. Returns true if the conversation ends in its own way, and the process must not.
    fn end(&mut self) -> bool;

    /// Restores the terminal before the process stops or ends.
    fn suspend(&mut self);

    /// Sets the terminal again after the process was stopped.
    fn resume(&mut self);
}

fn state() -> MutexGuard<'static, JobState> {
    STATE.lock().unwrap_or_else(PoisonError::into_inner)
}

impl JobState {
    /// Starts the signal thread, unless it runs already.
    fn watch(&mut self) -> io::Result<&Handle> {
        if self.watch.is_none() {
            // No signal is caught before the thread that answers it is there.
            let mut caught = Signals::new([0_i32; 0])?;
            let watch = caught.handle();
            thread::Builder::new()
                .name("signals".to_owned())
                .spawn(move || caught.forever().for_each(handle_signal))?;
            for signal in TERMINATION_SIGNALS {
                catch(&watch, signal)?;
            }
            self.watch = Some(watch);
        }
        self.watch.as_ref().ok_or_else(|| io::Error::from(io::ErrorKind::NotFound))
    }
}

/// Catches a signal, unless whoever started stackref has it ignored, as `nohup` does.
fn catch(watch: &Handle, signal: i32) -> io::Result<()> {
    if is_ignored(signal) { Ok(()) } else { watch.add_signal(signal) }
}

/// Returns whether a signal is ignored. Only Linux tells this.
fn is_ignored(signal: i32) -> bool {
    let Ok(status) = std::fs::read_to_string("/proc/self/status") else { return false };
    let mask = status.lines().find_map(|line| line.strip_prefix("SigIgn:"));
    let mask = mask.and_then(|mask| u64::from_str_radix(mask.trim(), 16).ok());
    mask.is_some_and(|mask| mask >> (signal - 1) & 1 == 1)
}

/// Lets a terminal handle signals until [`detach`] is called.
///
/// # Errors
/// Returns the system's error if there can be no thread or no handler.
pub fn attach(handler: Box<dyn SignalHandler>) -> io::Result<()> {
    let mut state = state();
    let watch = state.watch()?;
    catch(watch, SIGTSTP)?;
    watch.add_signal(SIGCONT)?;
    state.handler = Some(handler);
    Ok(())
}

/// Handles signals without a terminal again.
pub fn detach() {
    state().handler = None;
}

/// Ends all programs that still run, as the last act of a run. Does not return if a signal is already ending the process.
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

/// Waits until the signal thread has ended the process.
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
    // The process is stopped here. SIGCONT continues it, and resumes the handler.
    let _ = emulate_default_handler(SIGTSTP);
}

/// Returns whether a shell could continue a stopped process. The system does not stop an orphaned process group by SIGTSTP.
fn can_stop() -> bool {
    // nix instead of rustix: an id is 0 where its process is outside the PID namespace, and rustix has no such id.
    let parent = getppid();
    let (Ok(own), Ok(session)) = (getsid(None), getsid(Some(parent))) else { return false };
    // The parent of a session's leader is in another session.
    parent.as_raw() != 0
        && own == session
        && (session != parent || getpgid(Some(parent)).is_ok_and(|group| group != getpgrp()))
}

/// Ends all programs, and then the process by the default action of a signal.
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
    // The threads that wait for the programs take them off the list.
    let until = Instant::now() + GRACE;
    while Instant::now() < until && (!state().jobs.is_empty() || state().starting > 0) {
        thread::sleep(TICK);
    }
    for job in std::mem::take(&mut state().jobs) {
        signal_session(job, Signal::KILL);
    }
    let _ = emulate_default_handler(signal);
}

/// Sends a signal to a program and to what it started: its process group and, on Linux, every process of its session.
fn signal_session(leader: Pid, signal: Signal) {
    let _ = kill_process_group(leader, signal);
    for member in session_members(leader) {
        let _ = kill_process(member, signal);
    }
}

/// Lists the processes of a session, for example those that `timeout` has put into a group of their own.
fn session_members(leader: Pid) -> Vec<Pid> {
    let Ok(entries) = std::fs::read_dir("/proc") else { return Vec::new() };
    let ids = entries.filter_map(|entry| entry.ok()?.file_name().to_str()?.parse::<u32>().ok());
    let ids = ids.filter_map(|id| i32::try_from(id).ok());
    let is_member = |id: &i32| {
        let session = getsid(Some(nix::unistd::Pid::from_raw(*id)));
        session.is_ok_and(|session| session.as_raw() == leader.as_raw_pid())
    };
    ids.filter(is_member).filter_map(Pid::from_raw).collect()
}

/// A running program. It ends, with what it started, when this is dropped.
#[derive(Debug)]
pub struct Job {
    child: Box<dyn ChildWrapper>,
    id: Pid,
    /// Whether the program has ended by itself.
    has_ended: bool,
    /// Whether its exit status has been collected.
    is_reaped: bool,
}

impl Job {
    /// Starts a program in a session of its own: it has no terminal, and the terminal's signals do not reach it.
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
            state.watch()?;
            state.starting += 1;
        }
        let mut wrap = CommandWrap::from(command);
        wrap.wrap(ProcessSession);
        // Without the wrapper around the child, which would wait for all processes of the group.
        let child = wrap.spawn().map(ChildWrapper::into_inner);
        let mut state = state();
        state.starting -= 1;
        let child = child?;
        let id = i32::try_from(child.id()).ok().and_then(Pid::from_raw);
        let id = id.ok_or_else(|| io::Error::from(io::ErrorKind::InvalidData))?;
        state.jobs.push(id);
        let ending = state.is_ending;
        drop(state);
        let job = Self { child, id, has_ended: false, is_reaped: false };
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

    /// Waits until the program has ended, and returns false if that takes too long. Does not return if a signal ends the process.
    ///
    /// # Errors
    /// Returns the system's error if it does not say how the program is.
    pub fn wait_until(&mut self, until: Instant) -> io::Result<bool> {
        loop {
            // The exit status is left for `finish`, so that nobody else gets the process id before.
            let how = WaitIdOptions::EXITED | WaitIdOptions::NOHANG | WaitIdOptions::NOWAIT;
            self.has_ended = match waitid(WaitId::Pid(self.id), how) {
                Err(rustix::io::Errno::INTR) => false,
                status => status?.is_some(),
            };
            let ending = state().is_ending;
            if ending && self.has_ended {
                let _ = self.retire();
                park();
            }
            if self.has_ended || (!ending && Instant::now() >= until) {
                return Ok(self.has_ended);
            }
            thread::sleep(TICK);
        }
    }

    /// Ends the program, and what it left running in its process group, and returns the exit status.
    ///
    /// # Errors
    /// Returns the system's error if there is no exit status.
    pub fn finish(mut self) -> io::Result<ExitStatus> {
        self.retire()
    }

    fn retire(&mut self) -> io::Result<ExitStatus> {
        if self.has_ended {
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
            let _ = self.retire();
        }
    }
}
