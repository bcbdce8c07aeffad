//! The files that `check --output` writes reports to: where they may go, held from the start.

use super::Context;
use crate::cli::CheckArgs;
use crate::diagnostics::error::Failure;
use crate::diagnostics::excerpt::escape_control;
use crate::lint::report::Report;
use crate::output::existing_report::is_report;
use crate::output::{self, Format};
use crate::project::repository;
use crate::system::paths;
use crate::system::write::{self, OutputFile};
use std::fs::{File, Metadata};
use std::io::{self, BufReader, Write as _};
use std::os::fd::AsFd as _;
use std::path::{Path, PathBuf};

/// The files that reports go to.
pub(super) struct ReportFiles {
    files: Vec<ReportFile>,
}

/// One of them.
struct ReportFile {
    format: Format,
    path: PathBuf,
    display_path: String,
    /// Held from the start; nothing where it is a stream, which cannot be replaced.
    file: Option<OutputFile>,
}

impl ReportFiles {
    /// Looks at the places before anything else is done; those that are fit, and what is wrong with the others.
    pub(super) fn new(args: &CheckArgs, context: &Context<'_>) -> (Self, Option<Failure>) {
        let (mut files, mut misplaced) = (Vec::<ReportFile>::new(), None);
        let baselines: Vec<PathBuf> = [&args.baseline, &args.write_baseline]
            .into_iter()
            .flatten()
            .map(|file| paths::absolute(file, &context.cwd))
            .collect();
        for (format, file) in &args.reports.files {
            let path = paths::absolute(file, &context.cwd);
            let display_path = escape_control(&file.to_string_lossy());
            let words = |why: &str| format!("cannot write a report to `{display_path}`: {why}");
            let refused = |why: &str| Err(Failure::usage(words(why)).with_help("write to another file"));
            let contradiction = |why: &str| Err(Failure::contradiction(words(why)).with_help("write to another file"));
            let fit = if path.is_dir() {
                refused("it is a folder")
            } else if is_standard_output(&path) {
                refused("it is standard output, where a report goes without --output")
            } else if files.iter().any(|other| is_same_file(&other.path, &path)) {
                contradiction("another report goes there")
            } else if baselines.iter().any(|baseline| is_same_file(baseline, &path)) {
                contradiction("it is the baseline")
            } else {
                repository::refuse_link_out(&path, &context.cwd, &display_path)
                    .and_then(|()| ReportFile::new(*format, path, display_path.clone()))
            };
            match fit {
                Ok(output) => files.push(output),
                Err(failure) => misplaced = misplaced.or(Some(failure)),
            }
        }
        (Self { files }, misplaced)
    }

    /// Writes them all, each whole, and says what could not be.
    pub(super) fn write(&self, report: &Report) -> Vec<Failure> {
        self.files.iter().filter_map(|output| output.write(report).err()).collect()
    }
}

impl ReportFile {
    /// A file that is there is overwritten only if it is empty or a complete report of the same format: whatever else it is,
    /// somebody needs it.
    fn new(format: Format, path: PathBuf, display_path: String) -> Result<Self, Failure> {
        if is_stream(&path) {
            return Ok(Self { format, path, display_path, file: None });
        }
        if path.symlink_metadata().is_err() {
            write::check_folder(path.parent().unwrap_or(Path::new("/")), &display_path)?;
        }
        let place = OutputFile::open(&path, &display_path)?;
        let is_fit = match place.file() {
            Ok(file) => is_report(format, BufReader::new(file)).unwrap_or(false),
            Err(error) => error.kind() == io::ErrorKind::NotFound,
        };
        if is_fit {
            return Ok(Self { format, path, display_path, file: Some(place) });
        }
        let words = format!(
            "cannot write a report to `{display_path}`: the file exists and is not a complete report of this format"
        );
        Err(Failure::usage(words).with_help("write to another file"))
    }

    fn write(&self, report: &Report) -> Result<(), Failure> {
        let cannot = |error: &io::Error| write::cannot_write(&self.display_path, error);
        let mut bytes = Vec::new();
        output::write_file(self.format, report, &mut bytes).map_err(|error| cannot(&error))?;
        if let Some(place) = &self.file {
            return place.replace(&String::from_utf8_lossy(&bytes));
        }
        let stream = std::fs::OpenOptions::new().append(true).open(&self.path);
        stream.and_then(|mut stream| stream.write_all(&bytes)).map_err(|error| cannot(&error))
    }
}

/// Whether two paths lead to one file, be it there or not.
fn is_same_file(a: &Path, b: &Path) -> bool {
    paths::canonicalize_existing(a) == paths::canonicalize_existing(b)
}

/// Whether a path is that of a pipe, a terminal or a stream of this process; the last may lead to a file, which is written
/// on where it is.
fn is_stream(path: &Path) -> bool {
    let streams = ["/dev/stdin", "/dev/stdout", "/dev/stderr", "/dev/fd", "/proc"];
    streams.iter().any(|stream| path.starts_with(stream)) || path.metadata().is_ok_and(|metadata| !metadata.is_file())
}

/// Whether a path is that of the file which standard output is led to: what goes to both would be written over each other.
pub(super) fn is_standard_output(path: &Path) -> bool {
    let stdout = io::stdout().as_fd().try_clone_to_owned().and_then(|handle| File::from(handle).metadata());
    let same = |a: &Metadata, b: &Metadata| a.is_file() && write::inode(a) == write::inode(b);
    stdout.is_ok_and(|stdout| path.metadata().is_ok_and(|file| same(&stdout, &file)))
}
