//! `matrix`: compares the secrets and keys of the environments, with the places that use them.

use super::messages::{
    outcome_of, print_failures, report_unparsed, unread_failures, warn_about_inventories,
};
use super::outputs::MatrixFile;
use super::progress::with_progress;
use crate::cli::{Color, MatrixArgs};
use crate::diagnostics::error::Failure;
use crate::diagnostics::outcome::Outcome;
use crate::inventory::Inventories;
use crate::inventory::lookup::Progress;
use crate::lint::pipeline;
use crate::lint::report::Report;
use crate::lint::scan::Scan;
use crate::lint::secret_list::{self, ListedInventory};
use crate::lint::secret_matrix::{self, Matrix, MatrixCell, MatrixRow};
use crate::lint::settings::Settings;
use crate::output::style::OutputStyle;
use crate::output::{MatrixFormat, count, matrix_report};
use crate::project::config::{FILE_NAME, Level};
use crate::workspace::Workspace;
use crate::workspace::context::{CommandError, Context, TABLE_WIDTH};
use crate::workspace::environment_level;
use std::collections::{BTreeMap, BTreeSet, HashSet};
use std::path::PathBuf;

pub(super) fn matrix(
    args: &MatrixArgs,
    color: Color,
    context: &mut Context<'_>,
) -> Result<Outcome, CommandError> {
    let level = environment_level(context.env.as_ref())?;
    let format = choose_format(args)?;
    let file = output_file(args).map(|file| MatrixFile::open(file, format, context));
    let file = file.transpose()?;
    let mut workspace = Workspace::open_in_environments(&args.files, &args.environment, context)?;
    workspace.scripts = true;
    let scan = workspace.scan(context)?;
    workspace.check_environments(&args.environment)?;
    require_environments(&workspace)?;
    let inventories = workspace.inventories(&scan, &[], level, context)?;
    let other_files = workspace.other_files();
    let settings = Settings {
        other_files: other_files.as_ref(),
        ..workspace.settings(level, &inventories)
    };
    let report = with_progress(context, "look-ups", |progress| {
        pipeline::run(&scan, &settings, progress)
    });
    // Those that could not answer are not asked again.
    let answers = report.references.answers();
    let failed: BTreeSet<usize> = answers.failed_inventories().collect();
    let mut levels = secret_matrix::environment_inventories(&settings);
    levels.retain(|inventory, _| !failed.contains(inventory));
    let (listed, failures) = with_progress(context, "look-ups", |progress| {
        list(&inventories, &levels, progress)
    });
    let failures = all_failures(&report, failures, &scan);
    let matrix = secret_matrix::build(&scan, &report, &settings, &listed);
    context.summary = Some(summary(&matrix, &report));
    let all = [unread_failures(&scan).as_slice(), &failures].concat();
    if let Some(file) = &file {
        file.write(&matrix, &all)?;
        let summary = context.summary.take().unwrap_or_default();
        context.summary = Some(format!("{summary}; wrote `{}`", file.display_path()));
    } else {
        let width = context.stdout.columns.unwrap_or(TABLE_WIDTH);
        let style = OutputStyle {
            width,
            ..context.stdout_style(color)
        };
        let out = &mut *context.stdout.out;
        matrix_report::write(format, &matrix, &all, style, out)?;
        out.flush()?;
    }
    workspace.notes(&scan, context)?;
    note_dynamic(&report, context)?;
    let unparsed = report_unparsed(&scan, color, context)?;
    let queried = levels.into_keys().chain(failed);
    warn_about_inventories(&inventories, queried, context)?;
    print_failures(&failures, color, context)?;
    let is_missing = matrix.rows.iter().any(MatrixRow::is_missing) && !args.exit_zero;
    let outcome = if is_missing {
        Outcome::Findings
    } else {
        Outcome::Clean
    };
    Ok(outcome_of(&failures, outcome.max(unparsed)))
}

/// Lists inventories, each as far as its level permits.
fn list(
    inventories: &Inventories,
    levels: &BTreeMap<usize, Level>,
    progress: Option<Progress<'_>>,
) -> (Vec<ListedInventory>, Vec<Failure>) {
    let which: Vec<usize> = levels.keys().copied().collect();
    let names_only = levels
        .iter()
        .filter(|(_, level)| **level < Level::SecretAndKeyExists);
    let names_only = names_only.map(|(inventory, _)| *inventory).collect();
    secret_list::list_partly(inventories, &which, &names_only, progress)
}

/// Returns the file of `--output`; `None` for standard output.
fn output_file(args: &MatrixArgs) -> Option<&PathBuf> {
    let file = args.output.as_ref();
    file.filter(|file| file.as_os_str() != "-")
}

/// Returns the format: that of `--format`, or that of the file.
///
/// # Errors
/// A file has no format, or that for people, which a later run could not recognize.
fn choose_format(args: &MatrixArgs) -> Result<MatrixFormat, Failure> {
    let Some(file) = output_file(args) else {
        return Ok(args.format.unwrap_or_default());
    };
    let extension = file.extension().and_then(|extension| extension.to_str());
    let of_file = match extension {
        Some("html" | "htm") => Some(MatrixFormat::Html),
        Some("md" | "markdown") => Some(MatrixFormat::Markdown),
        Some("json") => Some(MatrixFormat::Json),
        _ => None,
    };
    match args.format.or(of_file) {
        Some(format) if format != MatrixFormat::Human => Ok(format),
        _ => Err(Failure::contradiction(
            "`--output` needs one of the formats markdown, json and html",
        )
        .with_help("add `--format html`, or redirect standard output")),
    }
}

/// Checks that there is a column.
fn require_environments(workspace: &Workspace) -> Result<(), Failure> {
    let configs = workspace.known_configs();
    if configs.iter().any(|config| !config.environments.is_empty()) {
        return Ok(());
    }
    let help = format!(
        "add a table such as `[environment.prod]` with `inventory = [\"prod\"]` for each of them to `{FILE_NAME}`"
    );
    Err(Failure::usage("no environment is configured").with_help(help))
}

/// Returns the failures of the look-ups and of the listings, each once. Those of files that cannot be
/// read are printed separately.
fn all_failures(report: &Report, listing: Vec<Failure>, scan: &Scan) -> Vec<Failure> {
    let unread = scan.skipped.failures.iter();
    let mut known: HashSet<String> = unread.map(ToString::to_string).collect();
    let failures = report.failures.iter().cloned().chain(listing);
    failures
        .filter(|failure| known.insert(failure.to_string()))
        .collect()
}

fn summary(matrix: &Matrix, report: &Report) -> String {
    let with = |cell| {
        let rows = matrix.rows.iter();
        rows.filter(|row| row.cells.contains(&cell)).count()
    };
    let mut text = format!(
        "compared {} in {}: {} missing",
        count(matrix.rows.len(), "row"),
        count(matrix.environments.len(), "environment"),
        with(MatrixCell::Missing)
    );
    let unknown = with(MatrixCell::Unknown);
    if unknown > 0 {
        text.push_str(&format!(", {unknown} not looked up everywhere"));
    }
    if report.summary.dynamic > 0 {
        text.push_str(&format!(", {} dynamic", report.summary.dynamic));
    }
    text
}

/// Notes the references whose names are known only at run time, which have no row.
fn note_dynamic(report: &Report, context: &mut Context<'_>) -> std::io::Result<()> {
    match report.summary.dynamic {
        0 => Ok(()),
        number => context.note(format_args!(
            "{} cannot be compared: set the `variables` of an environment to expand names with variables",
            count(number, "dynamic reference")
        )),
    }
}
