//! The program: hands arguments, streams and environment to the library.

use stackref::run::{DEFAULT_WIDTH, Stream, World, run};
use std::io::{self, BufWriter, IsTerminal as _};
use std::process::ExitCode;

fn main() -> ExitCode {
    let width = |terminal: bool| {
        terminal.then(|| terminal_size::terminal_size().map_or(DEFAULT_WIDTH, |(width, _)| width.0.into()))
    };
    let (stdout, stderr) = (io::stdout(), io::stderr());
    let mut world = World {
        stdin: &mut io::stdin(),
        stdout: Stream { terminal: width(stdout.is_terminal()), out: &mut BufWriter::new(stdout.lock()) },
        stderr: Stream { terminal: width(stderr.is_terminal()), out: &mut stderr.lock() },
        env: &|name| std::env::var_os(name).map(|value| value.to_string_lossy().into_owned()),
        cwd: std::env::current_dir().unwrap_or_default(),
    };
    run(std::env::args_os(), &mut world).into()
}
