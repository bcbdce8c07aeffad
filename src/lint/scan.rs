//! Reads a project: from paths to the [`Analysis`] of each stack file, on all cores.
//!
//! Every command starts from a [`Scan`], so `render` replaces the references that `check` reports.

use crate::diagnostics::error::{Failure, io_message};
use crate::diagnostics::finding_builder::FindingBuilder;
use crate::lint::analysis::{self, Analysis};
use crate::lint::file_reader::FileReader;
use crate::project::discover::{Candidate, Search, Selection, SkippedFiles};
use crate::sources::scalar::Reference;
use crate::system::paths;
use crate::system::write;
use crate::text::redacted_source::RedactedSource;
use crate::zenml::grammar::Resolver;
use std::collections::{BTreeSet, HashSet};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

/// A text file, stack file or not, in which values of secrets stand.
#[derive(Debug)]
pub struct LeakedFile {
    /// The text.
    pub source: Arc<RedactedSource>,
    /// Where.
    pub findings: Vec<FindingBuilder>,
    /// At how many places more.
    pub omitted: usize,
}

/// A tree, read.
#[derive(Debug, Default)]
pub struct Scan {
    /// The stack files, sorted by path.
    pub files: Vec<Analysis>,
    /// Other files, with the values of secrets that stand in them.
    pub leaked_files: Vec<LeakedFile>,
    /// What was passed over.
    pub skipped: SkippedFiles,
}

impl Scan {
    /// All references, in the order of the files.
    pub fn references(&self) -> impl Iterator<Item = &Reference> {
        self.files.iter().flat_map(|file| &file.references)
    }
}

/// How paths are reported, and what of a file is kept.
#[derive(Debug)]
pub struct PathRoots {
    /// The working directory: paths are shown from here.
    pub cwd: PathBuf,
    /// The repository's root: paths in fingerprints are from here.
    pub root: PathBuf,
    /// Whether the files go on holding what they were parsed to.
    pub keep_documents: bool,
    /// Whether `# stackref: literal` is heard.
    pub honor_literal_comments: bool,
}

/// Reads everything a selection holds, on all cores. Removes what runs that were killed left in the folders of it; if
/// that put an edit back, everything is read again.
pub fn run(search: &Search<'_>, selection: &Selection, roots: &PathRoots) -> Scan {
    let scan = read_all(search, selection, roots);
    let parents = scan.files.iter().filter_map(|file| file.path.parent());
    let folders: BTreeSet<&Path> = parents.chain(scan.skipped.staging.iter().map(PathBuf::as_path)).collect();
    let restored = folders.into_iter().filter(|folder| write::recover_in(folder)).count()
        + selection.files.iter().filter(|file| write::recover_beside(file)).count();
    if restored > 0 { read_all(search, selection, roots) } else { scan }
}

fn read_all(search: &Search<'_>, selection: &Selection, roots: &PathRoots) -> Scan {
    let files = Mutex::new(Vec::new());
    let failures = Mutex::new(Vec::new());
    let passed = search.run(selection, || {
        let mut reader = FileReader::default();
        let (files, failures) = (&files, &failures);
        move |candidate: Candidate| match reader.read(&candidate) {
            Ok(Some((bytes, inode))) => {
                let resolver = search.configs.for_file(&candidate.path).resolver;
                let file = analysis::analyze(candidate, bytes, resolver, roots);
                let file = file.map(|file| Analysis { inode: Some(inode), ..file });
                files.lock().unwrap_or_else(PoisonError::into_inner).extend(file);
            }
            Ok(None) => {}
            Err(error) => {
                let shown = paths::relative(&candidate.path, &roots.cwd);
                let failure = Failure::usage(format!("cannot read `{shown}`: {}", io_message(&error)));
                failures.lock().unwrap_or_else(PoisonError::into_inner).push(failure);
            }
        }
    });
    let files = files.into_inner().unwrap_or_else(PoisonError::into_inner);
    let mut scan = Scan { files, leaked_files: Vec::new(), skipped: passed };
    scan.files.sort_by(|a, b| (a.source.path(), &a.path, &a.reason).cmp(&(b.source.path(), &b.path, &b.reason)));
    scan.files.dedup_by(|b, a| a.path == b.path);
    let found: HashSet<&Path> = scan.files.iter().map(|file| file.path.as_path()).collect();
    let excluded: HashSet<&Path> = scan.skipped.excluded.iter().map(|(path, _)| path.as_path()).collect();
    let passed_over = |path: &&PathBuf| !found.contains(path.as_path()) && !excluded.contains(path.as_path());
    let skipped = selection.listed_files.iter().filter(passed_over).count();
    scan.skipped.count = skipped;
    let mut failures = failures.into_inner().unwrap_or_else(PoisonError::into_inner);
    failures.sort_by_key(ToString::to_string);
    scan.skipped.failures.extend(failures);
    scan
}

/// Reads one text, as of standard input, under the name of a file.
pub fn run_text(bytes: &[u8], candidate: Candidate, resolver: Resolver, roots: &PathRoots) -> Scan {
    let files = analysis::analyze(candidate, bytes, resolver, roots).into_iter().collect();
    Scan { files, ..Scan::default() }
}
