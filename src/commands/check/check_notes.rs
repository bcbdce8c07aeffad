//! Notes and warnings that `check` prints after its report.

use crate::cli::CheckArgs;
use crate::edit::add_ignores::AddedIgnores;
use crate::lint::report::Report;
use crate::lint::scan::Scan;
use crate::output::{Format, count};
use crate::project::config::Level;
use crate::system::paths;
use crate::text::escape::escape_control;
use crate::workspace::Workspace;
use crate::workspace::context::Context;
use std::io;
use std::path::Path;

/// The most results that GitHub code scanning accepts in one SARIF upload.
const MAX_SARIF_RESULTS: usize = 25_000;

/// The facts of a run that its notes depend on.
pub(super) struct CheckNotes<'n> {
    pub args: &'n CheckArgs,
    pub workspace: &'n Workspace,
    pub scan: &'n Scan,
    pub report: &'n Report,
    pub ignores: Option<&'n AddedIgnores>,
    /// The listed file because of which the run checked the whole project.
    pub decisive_file: Option<&'n Path>,
    /// The level of the config of the arguments.
    pub level: Level,
}

impl CheckNotes<'_> {
    /// Prints the notes.
    ///
    /// # Errors
    /// Standard error cannot be written.
    pub fn print(&self, context: &mut Context<'_>) -> io::Result<()> {
        self.note_sarif_limit(context)?;
        self.workspace.notes(self.scan, context)?;
        self.note_ignores(context)?;
        self.note_list(context)
    }

    /// Notes that a SARIF report has more results than GitHub code scanning accepts. The report is
    /// complete.
    fn note_sarif_limit(&self, context: &mut Context<'_>) -> io::Result<()> {
        let (reports, findings) = (&self.args.reports, self.report.findings.len());
        let mut formats = reports
            .files
            .iter()
            .map(|(format, _)| *format)
            .chain([reports.stdout]);
        if findings <= MAX_SARIF_RESULTS || !formats.any(|format| format == Format::Sarif) {
            return Ok(());
        }
        context.note(format_args!(
            "the SARIF report contains {findings} results, and GitHub code scanning refuses more than \
             {MAX_SARIF_RESULTS}: record known findings with `--write-baseline`, turn rules off in `[rules]`, or check \
             parts of the repository in several runs"
        ))
    }

    /// Notes how many findings `--add-ignores` has added comments for, and lists the findings that
    /// no comment can suppress.
    fn note_ignores(&self, context: &mut Context<'_>) -> io::Result<()> {
        let Some(ignores) = self.ignores else {
            return Ok(());
        };
        let (findings, files) = (
            count(ignores.findings(), "finding"),
            count(ignores.files(), "file"),
        );
        let verb = if self.args.diff { "would add" } else { "added" };
        context.note(format_args!(
            "{verb} ignore comments for {findings} in {files}"
        ))?;
        let workspace = self.workspace;
        for line in ignores.describe_unsuppressed(&workspace.configs, &workspace.path_roots.root) {
            writeln!(context.stderr.out, "{line}")?;
        }
        Ok(())
    }

    /// Notes which listed file made this run check the whole project, and that `unused-secret` was
    /// not checked if only listed files were read.
    fn note_list(&self, context: &mut Context<'_>) -> io::Result<()> {
        let workspace = self.workspace;
        if let Some(file) = self.decisive_file {
            let file = escape_control(&paths::relative(file, &workspace.path_roots.cwd));
            context.note(format_args!(
                "checked the whole project: the list contains `{file}`, which any file may use"
            ))?;
        }
        if !workspace.selection.listed_files.is_empty()
            && !workspace.covers_project()
            && self.level > Level::None
        {
            context.note("only listed files were read, so `unused-secret` was not checked")?;
        }
        Ok(())
    }
}

/// Warns of the entries of a baseline whose findings no longer exist.
pub(super) fn warn_of_obsolete_entries(
    report: &Report,
    context: &mut Context<'_>,
) -> io::Result<()> {
    for entry in &report.stale {
        let (rule, path) = (escape_control(&entry.rule), escape_control(&entry.path));
        writeln!(
            context.stderr.out,
            "warning: obsolete baseline entry: `{rule}` is no longer reported in `{path}`"
        )?;
    }
    Ok(())
}
