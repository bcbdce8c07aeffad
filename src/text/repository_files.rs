//! The other files of a repository, which code in a file may refer to.

use crate::text::source::SourceFile;
use std::any::Any;
use std::fmt;
use std::path::Path;
use std::sync::Arc;

/// The files of a repository. A file whose code imports constants has access to them.
pub trait RepositoryFiles: fmt::Debug + Send + Sync {
    /// Returns a file by its absolute path. Returns `None` if it does not exist, is outside of the
    /// repository, is too large, or is not UTF-8.
    fn read(&self, path: &Path) -> Option<Arc<SourceFile>>;

    /// Returns the files of a folder with an extension whose bytes a filter accepts, sorted by their
    /// paths. Returns no files if there are too many, and omits the rest of those that are too large
    /// together.
    fn list(
        &self,
        folder: &Path,
        extension: &str,
        accepts: &dyn Fn(&[u8]) -> bool,
    ) -> Vec<Arc<SourceFile>>;

    /// Returns a value that the files of a folder share. `build` creates it once.
    fn shared(&self, folder: &Path, build: &mut dyn FnMut() -> SharedValue) -> SharedValue;

    /// Returns whether a path is the root of the repository, above which no file is read.
    fn is_root(&self, folder: &Path) -> bool;
}

/// A value that the files of a folder share.
pub type SharedValue = Arc<dyn Any + Send + Sync>;
