//! The files of a repository as they are after a rename.

use crate::text::repository_files::{RepositoryFiles, SharedValue};
use crate::text::source::SourceFile;
use std::collections::HashMap;
use std::fmt;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

/// The files of a repository, with new texts for some of them.
pub(super) struct PlannedFiles {
    /// The files on disk.
    pub saved: Arc<dyn RepositoryFiles>,
    /// The files with new texts, by absolute path.
    pub planned: HashMap<PathBuf, Arc<SourceFile>>,
    /// The values that the new files share.
    pub shared: Mutex<HashMap<PathBuf, SharedValue>>,
}

impl fmt::Debug for PlannedFiles {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} planned files", self.planned.len())
    }
}

impl RepositoryFiles for PlannedFiles {
    fn read(&self, path: &Path) -> Option<Arc<SourceFile>> {
        let planned = self.planned.get(path).cloned();
        planned.or_else(|| self.saved.read(path))
    }

    fn list(
        &self,
        folder: &Path,
        extension: &str,
        accepts: &dyn Fn(&[u8]) -> bool,
    ) -> Vec<Arc<SourceFile>> {
        let saved = self.saved.list(folder, extension, accepts).into_iter();
        let files = saved.map(|file| {
            let planned = self.planned.get(file.absolute_path());
            planned.map_or_else(|| Arc::clone(&file), Arc::clone)
        });
        files.collect()
    }

    fn shared(&self, folder: &Path, build: &mut dyn FnMut() -> SharedValue) -> SharedValue {
        let shared = || self.shared.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(value) = shared().get(folder) {
            return Arc::clone(value);
        }
        let value = build();
        Arc::clone(shared().entry(folder.to_path_buf()).or_insert(value))
    }

    fn is_root(&self, folder: &Path) -> bool {
        self.saved.is_root(folder)
    }
}
