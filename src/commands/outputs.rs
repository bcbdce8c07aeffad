//! The report files of `check --output`. They are checked and opened before the scan, so that a run
//! does not end without its reports. The formats are in `output`.

use crate::cli::CheckArgs;
use crate::diagnostics::error::Failure;
use crate::lint::report::Report;
use crate::lint::secret_matrix::Matrix;
use crate::output::existing_report::is_report;
use crate::output::style::OutputStyle;
use crate::output::{self, Format, MatrixFormat, matrix_report};
use crate::project::repository;
use crate::system::paths;
use crate::system::write::{self, OutputFile};
use crate::text::escape::escape_control;
use crate::workspace::context::Context;
use std::fs::File;
use std::io::{self, BufReader, Write as _};
use std::os::fd::AsFd as _;
use std::path::{Path, PathBuf};

/// The report files of a run.
pub(super) struct ReportFiles {
    files: Vec<ReportFile>,
}

/// One report file, open for writing.
struct ReportFile {
    format: Format,
    path: PathBuf,
    display_path: String,
    /// The open file; `None` for a stream, which cannot be replaced.
    file: Option<OutputFile>,
}

impl ReportFiles {
    /// Opens the report files. Returns those that can be written, and the first failure among the
    /// others.
    pub(super) fn new(args: &CheckArgs, context: &Context<'_>) -> (Self, Option<Failure>) {
        let (mut files, mut first_failure) = (Vec::<ReportFile>::new(), None);
        let baselines: Vec<PathBuf> = [&args.baseline, &args.write_baseline]
            .into_iter()
            .flatten()
            .map(|file| paths::absolute(file, &context.cwd))
            .collect();
        for (format, file) in &args.reports.files {
            let path = paths::absolute(file, &context.cwd);
            let display_path = escape_control(&file.to_string_lossy());
            let opened = if path.is_dir() {
                Err(refusal(Failure::usage, &display_path, "it is a folder"))
            } else if is_standard_output(&path) {
                let reason = "it is standard output, where a report goes without --output";
                Err(refusal(Failure::usage, &display_path, reason))
            } else if files.iter().any(|other| is_same_file(&other.path, &path)) {
                Err(refusal(
                    Failure::contradiction,
                    &display_path,
                    "another report is written to it",
                ))
            } else if baselines
                .iter()
                .any(|baseline| is_same_file(baseline, &path))
            {
                Err(refusal(
                    Failure::contradiction,
                    &display_path,
                    "it is the baseline",
                ))
            } else {
                repository::refuse_link_out(&path, &context.cwd, &display_path)
                    .and_then(|()| ReportFile::new(*format, path, display_path.clone()))
            };
            match opened {
                Ok(output) => files.push(output),
                Err(failure) => first_failure = first_failure.or(Some(failure)),
            }
        }
        (Self { files }, first_failure)
    }

    /// Writes all reports, each file as a whole. Returns a failure for each file that could not be
    /// written.
    pub(super) fn write(&self, report: &Report) -> Vec<Failure> {
        self.files
            .iter()
            .filter_map(|output| output.write(report).err())
            .collect()
    }
}

impl ReportFile {
    /// Opens a report file.
    ///
    /// # Errors
    /// The file cannot be opened, or exists and is neither empty nor a complete report of this
    /// format. Such a file may be important, so it is not replaced.
    fn new(format: Format, path: PathBuf, display_path: String) -> Result<Self, Failure> {
        if is_stream(&path) {
            return Ok(Self {
                format,
                path,
                display_path,
                file: None,
            });
        }
        if path.symlink_metadata().is_err() {
            write::check_folder(path.parent().unwrap_or(Path::new("/")), &display_path)?;
        }
        let file = OutputFile::open(&path, &display_path)?;
        let is_replaceable = match file.file() {
            Ok(existing) => is_report(format, BufReader::new(existing)).unwrap_or(false),
            Err(error) => error.kind() == io::ErrorKind::NotFound,
        };
        if is_replaceable {
            return Ok(Self {
                format,
                path,
                display_path,
                file: Some(file),
            });
        }
        Err(refusal(
            Failure::usage,
            &display_path,
            "the file exists and is not a complete report of this format",
        ))
    }

    fn write(&self, report: &Report) -> Result<(), Failure> {
        let mut bytes = Vec::new();
        output::write_file(self.format, report, &mut bytes)
            .map_err(|error| write::cannot_write(&self.display_path, &error))?;
        if let Some(file) = &self.file {
            return file.replace(&String::from_utf8_lossy(&bytes));
        }
        let stream = std::fs::OpenOptions::new().append(true).open(&self.path);
        stream
            .and_then(|mut stream| stream.write_all(&bytes))
            .map_err(|error| write::cannot_write(&self.display_path, &error))
    }
}

/// The file of `matrix --output`.
pub(super) struct MatrixFile {
    format: MatrixFormat,
    display_path: String,
    file: OutputFile,
}

impl MatrixFile {
    /// Opens the file of a matrix, before anything is read.
    ///
    /// # Errors
    /// The file cannot be written, or exists and is neither empty nor a matrix of this format.
    pub(super) fn open(
        file: &Path,
        format: MatrixFormat,
        context: &Context<'_>,
    ) -> Result<Self, Failure> {
        let path = paths::absolute(file, &context.cwd);
        let display_path = escape_control(&file.to_string_lossy());
        if path.is_dir() {
            return Err(refusal(Failure::usage, &display_path, "it is a folder"));
        }
        repository::refuse_link_out(&path, &context.cwd, &display_path)?;
        if path.symlink_metadata().is_err() {
            write::check_folder(path.parent().unwrap_or(Path::new("/")), &display_path)?;
        }
        let opened = OutputFile::open(&path, &display_path)?;
        let is_replaceable = match opened.file() {
            Ok(existing) => matrix_report::is_matrix(format, BufReader::new(existing)),
            Err(error) => error.kind() == io::ErrorKind::NotFound,
        };
        if is_replaceable {
            let file = opened;
            return Ok(Self {
                format,
                display_path,
                file,
            });
        }
        let reason = "the file exists and is not a matrix of this format";
        Err(refusal(Failure::usage, &display_path, reason))
    }

    /// Returns the path for messages.
    pub(super) fn display_path(&self) -> &str {
        &self.display_path
    }

    /// Writes the whole file.
    ///
    /// # Errors
    /// The file cannot be written.
    pub(super) fn write(&self, matrix: &Matrix, failures: &[Failure]) -> Result<(), Failure> {
        let mut bytes = Vec::new();
        matrix_report::write(
            self.format,
            matrix,
            failures,
            OutputStyle::PLAIN,
            &mut bytes,
        )
        .map_err(|error| write::cannot_write(&self.display_path, &error))?;
        self.file.replace(&String::from_utf8_lossy(&bytes))
    }
}

/// Returns the failure for a path that no report can be written to. `kind` is a constructor of
/// [`Failure`].
fn refusal(kind: fn(String) -> Failure, display_path: &str, reason: &str) -> Failure {
    kind(format!(
        "cannot write a report to `{display_path}`: {reason}"
    ))
    .with_help("write to another file")
}

/// Returns whether two paths lead to the same file, which need not exist.
fn is_same_file(a: &Path, b: &Path) -> bool {
    paths::canonicalize_existing(a) == paths::canonicalize_existing(b)
}

/// Returns whether a path is a pipe, a terminal or a stream of this process. A stream of this
/// process may lead to a file; the report is then appended to it.
fn is_stream(path: &Path) -> bool {
    let streams = [
        "/dev/stdin",
        "/dev/stdout",
        "/dev/stderr",
        "/dev/fd",
        "/proc",
    ];
    streams.iter().any(|stream| path.starts_with(stream))
        || path.metadata().is_ok_and(|metadata| !metadata.is_file())
}

/// Returns whether standard output is redirected to this file. Reports that go to both would
/// overwrite each other.
pub(super) fn is_standard_output(path: &Path) -> bool {
    let stdout = io::stdout()
        .as_fd()
        .try_clone_to_owned()
        .and_then(|handle| File::from(handle).metadata());
    let Ok(stdout) = stdout else { return false };
    stdout.is_file()
        && path
            .metadata()
            .is_ok_and(|file| write::inode(&stdout) == write::inode(&file))
}
