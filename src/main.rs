//! The program: hands arguments, streams and environment to the library.

use signal_hook::consts::{SIGCHLD, SIGXFSZ};
use stackref::commands::{Context, DEFAULT_WIDTH, Stream, guard, run};
use stackref::prompt::keyboard::Keyboard;
use stackref::prompt::terminal::Terminal;
use stackref::system::environment::Environment;
use stackref::system::jobs;
use std::alloc::System;
use std::ffi::OsString;
use std::io::{self, BufWriter, IsTerminal as _, Write};
use std::process::ExitCode;
use std::sync::Arc;
use zeroizing_alloc::ZeroAlloc;

/// Wipes what is freed: parsers, TLS and all other libraries have copies of values, too.
#[global_allocator]
static ALLOCATOR: ZeroAlloc<System> = ZeroAlloc(System);

/// Standard error: nobody is there to be told that it is gone.
struct BestEffortWriter<W>(W);

impl<W: Write> Write for BestEffortWriter<W> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let _ = self.0.write_all(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        let _ = self.0.flush();
        Ok(())
    }
}

/// The environment of this process.
struct ProcessEnvironment;

impl Environment for ProcessEnvironment {
    fn get(&self, name: &str) -> Option<OsString> {
        std::env::var_os(name)
    }

    fn names(&self) -> Vec<OsString> {
        std::env::vars_os().map(|(name, _)| name).collect()
    }
}

/// Whether the terminal knows escape sequences.
fn has_escapes() -> bool {
    std::env::var_os("TERM").is_some_and(|term| !term.is_empty() && term != "dumb")
}

fn main() -> ExitCode {
    guard();
    // A file that becomes larger than it may is a write that fails, and no death: what was begun is cleaned up and told.
    let _ = signal_hook::flag::register(SIGXFSZ, Arc::default());
    // Whoever ignores the end of children hands that on, and nobody would know what a program of this process has ended with.
    let _ = signal_hook::flag::register(SIGCHLD, Arc::default());
    let width = |terminal: bool| {
        terminal.then(|| terminal_size::terminal_size().map_or(DEFAULT_WIDTH, |(width, _)| width.0.into()))
    };
    let (stdout, stderr) = (io::stdout(), io::stderr());
    let mut context = Context {
        stdin: &mut io::stdin(),
        stdout: Stream { columns: width(stdout.is_terminal()), out: &mut BufWriter::new(stdout.lock()) },
        stderr: Stream { columns: width(stderr.is_terminal()), out: &mut BestEffortWriter(stderr.lock()) },
        env: Arc::new(ProcessEnvironment),
        cwd: std::env::current_dir().unwrap_or_default(),
        keyboard: (io::stdin().is_terminal() && stderr.is_terminal())
            .then_some(&|| Terminal::open(has_escapes()).map(|terminal| Box::new(terminal) as Box<dyn Keyboard>)),
        summary: None,
        quiet: false,
    };
    let outcome = run(std::env::args_os(), &mut context);
    jobs::finish();
    outcome.into()
}
