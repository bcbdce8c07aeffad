//! `--leaks`: searches every text file of the tree for the values of the inventories.
//!
//! 1. [`searched_values`] fetches the values.
//! 2. [`encodings`] adds the ways in which each value may be written, such as base64.
//! 3. [`matcher`] searches for all of them at once, so each file is read once. Values whose lines
//!    may be broken differently are searched for in the text without whitespace ([`compact`]).
//! 4. [`leak_scanner`] applies this to files, and [`leak_redaction`] to the findings of all rules.

mod compact;
mod encodings;
mod leak_redaction;
mod leak_scanner;
mod matcher;
mod searched_values;
mod words;

use crate::diagnostics::error::{Failure, io_message};
use crate::inventory::Inventories;
use crate::inventory::lookup::Progress;
use crate::lint::scan::{LeakedFile, PathRoots, Scan};
use crate::project::discover::{Search, Selection};
use crate::project::git::Git;
use crate::project::repository;
use crate::system::paths;
use leak_scanner::MAX_LEAKS_PER_FILE;
use searched_values::collect_values;
use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};

pub use leak_scanner::LeakScanner;

/// The result of a search for values.
#[derive(Default)]
pub struct LeakReport {
    /// The files that contain values, sorted by path.
    pub files: Vec<LeakedFile>,
    /// The inventories and files that could not be read.
    pub failures: Vec<Failure>,
    /// The scanner with the values; `None` if there are no values.
    pub scanner: Option<LeakScanner>,
    /// The names of inventories without values, for which nothing was searched.
    pub without_values: Vec<String>,
}

/// The text files that are searched for values.
pub struct SearchedFiles<'s> {
    /// The search that walks the folders.
    pub search: &'s Search<'s>,
    /// The selected folders and files.
    pub selection: &'s Selection,
    /// git, which also knows files that the walk skips.
    pub git: &'s Git,
    /// The roots of displayed paths.
    pub roots: &'s PathRoots,
}

/// Searches files for the values of all inventories in use. `scan` contains the stack files, which
/// are read already.
pub fn run(
    files: &SearchedFiles<'_>,
    inventories: &Inventories,
    scan: &Scan,
    progress: Option<Progress<'_>>,
) -> LeakReport {
    let mut leaks = LeakReport::default();
    let Some(values) = collect_values(inventories, progress, &mut leaks) else {
        return leaks;
    };
    let Some(scanner) = LeakScanner::new(values, inventories) else {
        let failure = Failure::usage("the inventories contain too many values to search for");
        leaks
            .failures
            .push(failure.with_help("choose one of the inventories with `--inventory`"));
        return leaks;
    };
    files.scan(&scanner, &mut leaks);
    add_scanned_sources(scan, &scanner, &mut leaks);
    leaks.failures.extend(
        leaks
            .files
            .iter()
            .filter(|leaked| leaked.omitted > 0)
            .map(omitted_failure),
    );
    leaks.scanner = Some(scanner);
    leaks
}

impl SearchedFiles<'_> {
    /// Scans the files on all cores.
    fn scan(&self, scanner: &LeakScanner, leaks: &mut LeakReport) {
        let tracked = self.tracked_but_ignored(&mut leaks.failures);
        let roots = self.roots;
        let (found, failures) = (Mutex::new(Vec::new()), Mutex::new(Vec::new()));
        let skipped = self.search.walk_text_files(self.selection, &tracked, || {
            let mut buffer = Vec::new();
            let (found, failures) = (&found, &failures);
            move |path: &Path| match scanner.scan_file(path, roots, &mut buffer) {
                Ok(leaked) => found
                    .lock()
                    .unwrap_or_else(PoisonError::into_inner)
                    .extend(leaked),
                Err(error) => {
                    let shown = paths::relative(path, &roots.cwd);
                    let failure =
                        Failure::usage(format!("cannot read `{shown}`: {}", io_message(&error)));
                    failures
                        .lock()
                        .unwrap_or_else(PoisonError::into_inner)
                        .push(failure);
                }
            }
        });
        leaks.failures.extend(skipped.failures);
        let mut failures = failures
            .into_inner()
            .unwrap_or_else(PoisonError::into_inner);
        failures.sort_by_key(ToString::to_string);
        leaks.failures.append(&mut failures);
        leaks.files = found.into_inner().unwrap_or_else(PoisonError::into_inner);
        leaks
            .files
            .sort_by(|a, b| a.source.absolute_path().cmp(b.source.absolute_path()));
        leaks
            .files
            .dedup_by(|b, a| a.source.absolute_path() == b.source.absolute_path());
    }

    /// Returns the files that git tracks even though it ignores them. The walk skips ignored files,
    /// but these are in the repository.
    fn tracked_but_ignored(&self, failures: &mut Vec<Failure>) -> BTreeSet<PathBuf> {
        let mut tracked = BTreeSet::new();
        for folder in &self.selection.folders {
            match self.git.tracked_but_ignored(folder) {
                Ok(files) => tracked.extend(files),
                Err(error) => failures.push(
                    Failure::usage(format!(
                        "cannot ask git which ignored files it tracks: {error}"
                    ))
                    .with_help(format!(
                        "{}; `--leaks` also searches these files",
                        error.remedy()
                    )),
                ),
            }
        }
        tracked.retain(|path| !leads_through_link(path));
        tracked
    }
}

/// Returns whether a path below its repository is a link or leads through one. Links are not
/// followed.
fn leads_through_link(path: &Path) -> bool {
    let root = repository::nearest_root(path);
    let mut below_root = path
        .ancestors()
        .take_while(|at| root.as_deref().is_none_or(|root| *at != root));
    below_root.any(|at| {
        at.symlink_metadata()
            .is_ok_and(|metadata| metadata.is_symlink())
    })
}

/// Scans the sources of stack files again, so that their findings share one source with those of
/// the other rules.
fn add_scanned_sources(scan: &Scan, scanner: &LeakScanner, leaks: &mut LeakReport) {
    for file in &scan.files {
        let known = leaks
            .files
            .iter_mut()
            .find(|leaked| leaked.source.absolute_path() == file.path);
        if let Some((known, leaked)) = known.zip(scanner.scan_source(&file.source)) {
            *known = leaked;
        }
    }
}

/// Returns the error for a file with more values than are reported.
fn omitted_failure(leaked: &LeakedFile) -> Failure {
    let (path, omitted) = (leaked.source.path(), leaked.omitted);
    Failure::usage(format!(
        "more than {MAX_LEAKS_PER_FILE} leaked values in `{path}`; {omitted} not shown"
    ))
    .with_help("fix or remove the file")
}
