//! Reads the files that the code of a scanned file imports.
//!
//! Only regular files inside the repository are read, below a size limit. Excludes do not apply: a
//! file that is only imported is not checked.

use crate::system::{files, paths};
use crate::text::encoding::decode;
use crate::text::repository_files::{RepositoryFiles, SharedValue};
use crate::text::source::SourceFile;
use std::borrow::Cow;
use std::collections::HashMap;
use std::ffi::OsString;
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

/// The largest file that is imported.
const MAX_FILE_BYTES: u64 = 1 << 20;

/// The most bytes of imported files that are kept. Then all are forgotten.
const MAX_KEPT_BYTES: usize = 16 << 20;

/// The most files of a folder that are read as one module.
const MAX_FOLDER_FILES: usize = 500;

/// The files of a repository on disk.
#[derive(Debug)]
pub struct DiskRepository {
    root: PathBuf,
    /// The working directory, to which displayed paths are relative.
    cwd: PathBuf,
    kept: Mutex<KeptFiles>,
}

/// The files and shared values that were read.
#[derive(Default)]
struct KeptFiles {
    /// `None` for a file that does not exist.
    files: HashMap<PathBuf, Option<Arc<SourceFile>>>,
    bytes: usize,
    shared: HashMap<PathBuf, SharedValue>,
}

impl std::fmt::Debug for KeptFiles {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{} files", self.files.len())
    }
}

impl DiskRepository {
    /// Creates the files below a root. Displayed paths are relative to `cwd`.
    pub fn new(root: &Path, cwd: &Path) -> Self {
        Self {
            root: root.to_path_buf(),
            cwd: cwd.to_path_buf(),
            kept: Mutex::default(),
        }
    }

    fn read_file(&self, path: &Path) -> Option<Arc<SourceFile>> {
        let bytes = files::read_inside(path, &self.root, MAX_FILE_BYTES).ok()?;
        self.decode_file(path, bytes)
    }

    fn decode_file(&self, path: &Path, bytes: Vec<u8>) -> Option<Arc<SourceFile>> {
        let text = decode(Cow::Owned(bytes)).ok()?;
        let shown = paths::relative(path, &self.cwd);
        let file = SourceFile::new(shown, text).with_absolute_path(path);
        Some(Arc::new(file))
    }
}

impl RepositoryFiles for DiskRepository {
    fn read(&self, path: &Path) -> Option<Arc<SourceFile>> {
        if !path.starts_with(&self.root) {
            return None;
        }
        let kept = || self.kept.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(file) = kept().files.get(path) {
            return file.clone();
        }
        let file = self.read_file(path);
        let mut kept = kept();
        kept.bytes += path.as_os_str().len() + file.as_ref().map_or(0, |file| file.text().len());
        if kept.bytes > MAX_KEPT_BYTES {
            kept.files.clear();
            kept.bytes = 0;
        }
        kept.files.insert(path.to_path_buf(), file.clone());
        file
    }

    fn list(
        &self,
        folder: &Path,
        extension: &str,
        accepts: &dyn Fn(&[u8]) -> bool,
    ) -> Vec<Arc<SourceFile>> {
        if files::resolve_inside(folder, &self.root).is_err() {
            return Vec::new();
        }
        let entries = fs::read_dir(folder).into_iter().flatten().flatten();
        // A link could lead out of the repository.
        let entries = entries.filter(|entry| {
            let name = entry.file_name();
            let found = Path::new(&name).extension();
            found.is_some_and(|found| found.eq_ignore_ascii_case(extension))
                && entry.file_type().is_ok_and(|kind| kind.is_file())
        });
        let names = entries.map(|entry| entry.file_name());
        let mut names: Vec<OsString> = names.take(MAX_FOLDER_FILES + 1).collect();
        if names.len() > MAX_FOLDER_FILES {
            return Vec::new();
        }
        names.sort();
        // The caller keeps what it needs of them.
        let files = names.iter().filter_map(|name| {
            let path = folder.join(name);
            let bytes = files::read(&path, MAX_FILE_BYTES).ok()?;
            let is_accepted = accepts(&bytes);
            is_accepted.then(|| self.decode_file(&path, bytes))?
        });
        let mut bytes = 0;
        let files = files.take_while(|file| {
            bytes += file.text().len();
            bytes <= MAX_KEPT_BYTES
        });
        files.collect()
    }

    fn shared(&self, folder: &Path, build: &mut dyn FnMut() -> SharedValue) -> SharedValue {
        let kept = || self.kept.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(value) = kept().shared.get(folder) {
            return Arc::clone(value);
        }
        let value = build();
        let mut kept = kept();
        Arc::clone(kept.shared.entry(folder.to_path_buf()).or_insert(value))
    }

    fn is_root(&self, folder: &Path) -> bool {
        folder == self.root
    }
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "tests")]
mod tests {
    use super::*;

    #[test]
    fn only_files_of_the_repository_are_read() {
        let folder = tempfile::tempdir().unwrap();
        let outside = folder.path().canonicalize().unwrap();
        let root = outside.join("r");
        fs::create_dir(&root).unwrap();
        fs::write(root.join("a.py"), "A = 1").unwrap();
        fs::write(root.join("b.tf"), "").unwrap();
        fs::write(outside.join("x.py"), "X = 1").unwrap();
        let large = fs::File::create(root.join("large.py")).unwrap();
        large.set_len(MAX_FILE_BYTES + 1).unwrap();
        std::os::unix::fs::symlink(outside.join("x.py"), root.join("link.py")).unwrap();
        let files = DiskRepository::new(&root, &root);
        let text = |name: &str| {
            files
                .read(&root.join(name))
                .map(|file| file.text().to_owned())
        };
        assert_eq!(text("a.py").as_deref(), Some("A = 1"));
        for name in ["b.py", "large.py", "link.py", "../x.py", ""] {
            assert_eq!(text(name), None, "{name}");
        }
        let listed = files.list(&root, "tf", &|_| true);
        let listed: Vec<&str> = listed.iter().map(|file| file.path()).collect();
        assert_eq!(listed, ["b.tf"]);
    }
}
