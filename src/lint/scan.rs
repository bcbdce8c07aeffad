//! Reads a project: from paths to the [`Analysis`] of each stack file, on all cores.
//!
//! Every command starts from a [`Scan`], so `render` replaces the references that `check` reports.

use crate::diagnostics::error::{Failure, io_message};
use crate::diagnostics::finding_builder::FindingBuilder;
use crate::document::Syntax;
use crate::lint::analysis::{self, Analysis};
use crate::lint::file_reader::FileReader;
use crate::lint::passed_configs::passed_configs;
use crate::project::discover::{Candidate, MatchReason, Search, Selection, SkippedFiles};
use crate::sources::declarations::Declaration;
use crate::sources::reference::Reference;
use crate::system::paths;
use crate::system::write;
use crate::text::redacted_source::RedactedSource;
use crate::text::repository_files::RepositoryFiles;
use crate::zenml::grammar::Resolver;
use std::borrow::Cow;
use std::collections::{BTreeSet, HashSet};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

/// A text file that contains values of secrets. It may be a stack file.
#[derive(Debug)]
pub struct LeakedFile {
    /// The text, with the values redacted.
    pub source: Arc<RedactedSource>,
    /// The findings.
    pub findings: Vec<FindingBuilder>,
    /// The number of further values, which are not reported.
    pub omitted: usize,
}

/// The files of a project, analyzed.
#[derive(Debug, Default)]
pub struct Scan {
    /// The stack files, sorted by path, and then the components that are registered on servers.
    pub files: Vec<Analysis>,
    /// The text files that contain values of secrets.
    pub leaked_files: Vec<LeakedFile>,
    /// The files that were skipped.
    pub skipped: SkippedFiles,
}

impl Scan {
    /// Returns the number of files, without the components that are registered on servers.
    pub fn file_count(&self) -> usize {
        self.files.len() - self.registered_count()
    }

    /// Returns the number of components that are registered on servers.
    pub fn registered_count(&self) -> usize {
        let registered = self.files.iter().filter(|file| file.server.is_some());
        registered.count()
    }

    /// Iterates over the references, in the order of the files.
    pub fn references(&self) -> impl Iterator<Item = &Reference> {
        self.files.iter().flat_map(|file| &file.references)
    }

    /// Iterates over the declarations, in the order of the files.
    pub fn declarations(&self) -> impl Iterator<Item = &Declaration> {
        self.files.iter().flat_map(|file| &file.declarations)
    }
}

/// The roots of displayed paths, and the parts of a file to keep.
#[derive(Debug)]
pub struct PathRoots {
    /// The working directory, to which displayed paths are relative.
    pub cwd: PathBuf,
    /// The repository's root, to which paths in fingerprints are relative.
    pub root: PathBuf,
    /// Whether to keep the parsed documents, for commands that change files.
    pub keep_documents: bool,
    /// Whether `# stackref: literal` comments have an effect.
    pub honor_literal_comments: bool,
    /// The files that code may import.
    pub repository: Option<Arc<dyn RepositoryFiles>>,
}

/// Reads the files of a selection on all cores. Also cleans up after killed runs in the folders of
/// these files. If that restores a file, everything is read again.
pub fn run(search: &Search<'_>, selection: &Selection, roots: &PathRoots) -> Scan {
    let reader = FileReader::default;
    let scan = read_all(search, selection, roots, reader, |_| true);
    let paths = scan.files.iter().map(|file| &file.path);
    let parents = paths
        .chain(&selection.files)
        .filter_map(|path| path.parent());
    let targets = selection.files.iter().filter_map(|path| link_target(path));
    let targets: Vec<PathBuf> = targets.collect();
    let folders: BTreeSet<&Path> = parents
        .chain(targets.iter().filter_map(|target| target.parent()))
        .chain(scan.skipped.staging.iter().map(PathBuf::as_path))
        .collect();
    let restored = folders
        .into_iter()
        .filter(|folder| write::recover_in(folder))
        .count();
    if restored > 0 {
        read_all(search, selection, roots, reader, |_| true)
    } else {
        scan
    }
}

/// Returns the file that a link leads to, or `None` for a file that is not a link.
fn link_target(path: &Path) -> Option<PathBuf> {
    path.is_symlink().then(|| path.canonicalize().ok())?
}

/// Reads the files of a selection that may declare secrets and are not in a scan. No folder is
/// cleaned up.
pub(super) fn read_declaring_files(
    search: &Search<'_>,
    selection: &Selection,
    roots: &PathRoots,
    scan: &Scan,
) -> Scan {
    let known: HashSet<&Path> = scan.files.iter().map(|file| file.path.as_path()).collect();
    let may_declare = |candidate: &Candidate| {
        // A file that is both a stack file and a script is read as a stack file.
        (candidate.syntax.is_script() || search.may_be_script(&candidate.path))
            && !known.contains(candidate.path.as_path())
    };
    let reader = FileReader::for_declarations;
    read_all(search, selection, roots, reader, may_declare)
}

/// Reads the candidates of a selection that a filter accepts, each thread with its own reader.
fn read_all(
    search: &Search<'_>,
    selection: &Selection,
    roots: &PathRoots,
    make_reader: fn() -> FileReader,
    accepts: impl Fn(&Candidate) -> bool + Sync,
) -> Scan {
    let files = Mutex::new(Vec::new());
    let failures = Mutex::new(Vec::new());
    let skipped = search.run(selection, || {
        let mut reader = make_reader();
        let (files, failures, accepts) = (&files, &failures, &accepts);
        move |candidate: Candidate| {
            if !accepts(&candidate) {
                return;
            }
            match read_candidate(&mut reader, candidate, search, roots) {
                Ok(file) => files
                    .lock()
                    .unwrap_or_else(PoisonError::into_inner)
                    .extend(file),
                Err(failure) => failures
                    .lock()
                    .unwrap_or_else(PoisonError::into_inner)
                    .push(failure),
            }
        }
    });
    let mut files = files.into_inner().unwrap_or_else(PoisonError::into_inner);
    let mut failures = failures
        .into_inner()
        .unwrap_or_else(PoisonError::into_inner);
    let mut reader = make_reader();
    for candidate in passed_configs(&files, search, selection, roots) {
        let is_read = files.iter().any(|file| file.path == candidate.path);
        if !is_read && accepts(&candidate) {
            match read_candidate(&mut reader, candidate, search, roots) {
                Ok(file) => files.extend(file),
                Err(failure) => failures.push(failure),
            }
        }
    }
    let mut scan = Scan {
        files,
        leaked_files: Vec::new(),
        skipped,
    };
    scan.files.sort_by(|a, b| {
        (a.source.path(), &a.path, &a.reason).cmp(&(b.source.path(), &b.path, &b.reason))
    });
    scan.files.dedup_by(|b, a| a.path == b.path);
    let found: HashSet<&Path> = scan.files.iter().map(|file| file.path.as_path()).collect();
    let excluded: HashSet<&Path> = scan
        .skipped
        .excluded
        .iter()
        .map(|(path, _)| path.as_path())
        .collect();
    let is_skipped =
        |path: &&PathBuf| !found.contains(path.as_path()) && !excluded.contains(path.as_path());
    let count = selection.listed_files.iter().filter(is_skipped).count();
    scan.skipped.count = count;
    failures.sort_by_key(ToString::to_string);
    scan.skipped.failures.extend(failures);
    scan
}

/// Reads and analyzes a candidate. Returns `None` if it contains nothing to check.
///
/// # Errors
/// The file cannot be read.
fn read_candidate(
    reader: &mut FileReader,
    candidate: Candidate,
    search: &Search<'_>,
    roots: &PathRoots,
) -> Result<Option<Analysis>, Failure> {
    let read = reader.read(&candidate).map_err(|error| {
        let shown = paths::relative(&candidate.path, &roots.cwd);
        Failure::usage(format!("cannot read `{shown}`: {}", io_message(&error)))
    })?;
    let Some((bytes, inode)) = read else {
        return Ok(None);
    };
    let resolver = search.configs.for_file(&candidate.path).resolver;
    let file = analysis::analyze(candidate, bytes, resolver, roots);
    Ok(file.map(|file| Analysis {
        inode: Some(inode),
        ..file
    }))
}

/// Analyzes the text of an editor as the contents of a file that a walk of `folders` finds. `known`
/// is the reason why the file on disk is checked, if it is.
///
/// Returns `None` if a walk would not check the file.
pub fn analyze_buffer(
    search: &Search<'_>,
    path: &Path,
    text: &str,
    known: Option<&MatchReason>,
    (folders, roots): (&[PathBuf], &PathRoots),
) -> Option<Analysis> {
    if search.matching_exclude(path).is_some() {
        return None;
    }
    let config = search.configs.for_file(path);
    let passed = known.filter(|reason| matches!(reason, MatchReason::PassedConfig(_)));
    let mut reader = FileReader::default();
    let candidates = search.candidates(&config, path, folders);
    let found = candidates
        .filter(|candidate| reader.accepts(candidate, text.as_bytes()))
        .find_map(|candidate| {
            analysis::analyze(candidate, text.as_bytes().into(), config.resolver, roots)
        });
    found.or_else(|| {
        let candidate = Candidate {
            path: path.to_path_buf(),
            syntax: Syntax::from_path(path)?,
            reason: Some(passed?.clone()),
        };
        analysis::analyze(candidate, text.as_bytes().into(), config.resolver, roots)
    })
}

/// Analyzes one text, for example standard input, as the contents of a file.
pub fn run_text<'b>(
    bytes: impl Into<Cow<'b, [u8]>>,
    candidate: Candidate,
    resolver: Resolver,
    roots: &PathRoots,
) -> Scan {
    let files = analysis::analyze(candidate, bytes.into(), resolver, roots)
        .into_iter()
        .collect();
    Scan {
        files,
        ..Scan::default()
    }
}
