//! The program: passes arguments, streams and environment to [`stackref::commands::run`]. All logic
//! is in the library.

#[cfg(not(unix))]
compile_error!(
    "stackref uses system calls of Unix and does not run on Windows. Install it in WSL (Windows Subsystem for Linux)."
);

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

/// Wipes memory when it is freed or moved by a growing buffer. So no other code wipes the heap, and the
/// copies of parsers, TLS and other libraries are wiped, too.
#[global_allocator]
static ALLOCATOR: ZeroAlloc<System> = ZeroAlloc(System);

/// A writer that ignores errors, for standard error: an error there cannot be reported anywhere.
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

/// Returns whether the terminal supports escape sequences.
fn has_escapes() -> bool {
    std::env::var_os("TERM").is_some_and(|term| !term.is_empty() && term != "dumb")
}

/// Returns the width of a stream in columns; `None` if it is not a terminal.
fn columns(stream: &impl io::IsTerminal) -> Option<usize> {
    let width =
        || terminal_size::terminal_size().map_or(DEFAULT_WIDTH, |(width, _)| width.0.into());
    stream.is_terminal().then(width)
}

fn main() -> ExitCode {
    guard();
    // With a handler, a file that exceeds the size limit is a failed write, and stackref can clean
    // up. Without one, the signal would end the process.
    let _ = signal_hook::flag::register(SIGXFSZ, Arc::default());
    // A parent that ignores SIGCHLD passes this on, and the exit status of programs would be lost.
    let _ = signal_hook::flag::register(SIGCHLD, Arc::default());
    let (stdout, stderr) = (io::stdout(), io::stderr());
    let mut context = Context {
        stdin: &mut io::stdin(),
        stdout: Stream {
            columns: columns(&stdout),
            // Not locked: the language server writes from another thread.
            out: &mut BufWriter::new(&stdout),
        },
        stderr: Stream {
            columns: columns(&stderr),
            out: &mut BestEffortWriter(stderr.lock()),
        },
        env: Arc::new(ProcessEnvironment),
        cwd: std::env::current_dir().unwrap_or_default(),
        keyboard: (io::stdin().is_terminal() && stderr.is_terminal()).then_some(&|| {
            Terminal::open(has_escapes()).map(|terminal| Box::new(terminal) as Box<dyn Keyboard>)
        }),
        summary: None,
        quiet: false,
    };
    let outcome = run(std::env::args_os(), &mut context);
    jobs::finish();
    outcome.into()
}
