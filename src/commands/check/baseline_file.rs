//! The baseline files of `check`: reading those of `--baseline` and the configs, and writing that
//! of `--write-baseline`.
//!
//! The format and the matching of findings are in `lint::baseline`.

use crate::cli::CheckArgs;
use crate::diagnostics::error::Failure;
use crate::lint::baseline::Baseline;
use crate::lint::report::Report;
use crate::lint::scan::Scan;
use crate::output::count;
use crate::project::repository;
use crate::system::files;
use crate::system::paths;
use crate::system::write::{self, OutputFile};
use crate::text::escape::escape_control;
use crate::workspace::context::Context;
use crate::workspace::{Workspace, read_baseline};
use std::collections::HashSet;
use std::io::{self, Read as _};
use std::path::Path;

/// Returns the findings that this run does not report: those of `--baseline`, else of the baselines
/// of all configs. A run that writes a baseline reports all findings.
///
/// # Errors
/// A baseline cannot be read.
pub(super) fn known_baseline(
    args: &CheckArgs,
    workspace: &Workspace,
    context: &Context<'_>,
) -> Result<Option<Baseline>, Failure> {
    if let Some(file) = &args.baseline {
        return read_baseline(file, &context.cwd).map(Some);
    }
    if args.write_baseline.is_some() {
        return Ok(None);
    }
    workspace.configured_baselines()
}

/// The file of `--write-baseline`, which is opened before the scan.
pub(super) struct BaselineFile {
    file: OutputFile,
    display_path: String,
    /// The baseline that the file contains before this run; empty if there is none.
    pub previous: Baseline,
}

impl BaselineFile {
    /// Opens the file of `--write-baseline`, and locks it until the run ends.
    ///
    /// # Errors
    /// The file cannot be opened, or exists and is not a baseline.
    pub fn open(file: &Path, context: &Context<'_>) -> Result<Self, Failure> {
        let path = paths::absolute(file, &context.cwd);
        let display_path = escape_control(&file.to_string_lossy());
        repository::refuse_link_out(&path, &context.cwd, &display_path)?;
        if path.symlink_metadata().is_err() {
            write::check_folder(path.parent().unwrap_or(Path::new("/")), &display_path)?;
        }
        let file = OutputFile::open(&path, &display_path)?;
        let text = file
            .file()
            .and_then(|file| io::read_to_string(file.take(files::MAX_INVENTORY)));
        let previous = match &text {
            Ok(text) if text.is_empty() => Some(Baseline::default()),
            Ok(text) => Baseline::parse(text).ok(),
            Err(error) => (error.kind() == io::ErrorKind::NotFound).then(Baseline::default),
        };
        let Some(previous) = previous else {
            return Err(Failure::usage(format!(
                "refusing to overwrite `{display_path}`: it is not a baseline file"
            ))
            .with_help("write to another file"));
        };
        Ok(Self {
            file,
            display_path,
            previous,
        })
    }

    /// Writes the findings of a report to the file, with the entries of the previous baseline that
    /// this run has not evaluated. Then removes the findings from the report that the baseline
    /// contains, which leaves those that no baseline can contain. Writes nothing if the report has
    /// failures.
    ///
    /// # Errors
    /// The file cannot be written.
    pub fn write(
        &self,
        report: &mut Report,
        scan: &Scan,
        context: &mut Context<'_>,
    ) -> Result<(), Failure> {
        if !report.failures.is_empty() {
            context
                .note("no baseline was written, because some references could not be looked up")
                .ok();
            return Ok(());
        }
        let mut baseline = Baseline::from_findings(&report.findings);
        baseline.add_entries(&report.unevaluated);
        self.file.replace(&baseline.text())?;
        writeln!(
            context.stderr.out,
            "wrote {} to `{}`",
            count(baseline.len(), "finding"),
            self.display_path
        )
        .ok();
        if let Some(note) = describe_kept_entries(report, scan) {
            context.note(note).ok();
        }
        report.apply_baseline(&baseline);
        Ok(())
    }
}

/// Describes the entries of the previous baseline that this run has not evaluated. Returns `None`
/// if the run has evaluated every entry.
fn describe_kept_entries(report: &Report, scan: &Scan) -> Option<String> {
    let kept = report.unevaluated.len();
    let scanned: HashSet<&str> = scan
        .files
        .iter()
        .map(|file| file.source.repository_path())
        .collect();
    let elsewhere = report
        .unevaluated
        .iter()
        .filter(|entry| !scanned.contains(entry.path.as_str()))
        .count();
    let entries = if kept == 1 {
        "1 entry".to_owned()
    } else {
        format!("{kept} entries")
    };
    let which = match elsewhere {
        0 => "that this run did not check".to_owned(),
        all if all == kept => "of files that were not scanned".to_owned(),
        some => {
            format!("that this run did not check, {some} of them of files that were not scanned")
        }
    };
    (kept > 0).then(|| format!("kept {entries} {which}"))
}
