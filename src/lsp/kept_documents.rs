//! The scan of a project with parsed documents, for changes of several files.
//!
//! A scan does not keep the documents, which need much memory. A change analyzes the files again
//! that it may affect: open ones from their buffers, the others from disk.

use super::documents::Documents;
use super::editor_project::{EditorProject, LoadedProject};
use crate::diagnostics::error::{Failure, io_message};
use crate::edit::fix::read_again;
use crate::lint::analysis::Analysis;
use crate::system::files;
use crate::text::escape::escape_control;
use std::borrow::Cow;

/// The size limit of a file, as in the rest of the scan.
const MAX_FILE_BYTES: u64 = files::MAX_INVENTORY;

impl EditorProject {
    /// Calls a function with the project, while the files that `needs` accepts have their documents.
    /// Returns `None` if the project was never read.
    ///
    /// # Errors
    /// One of these files cannot be read.
    pub fn with_documents<T>(
        &mut self,
        documents: &Documents,
        needs: impl Fn(&Analysis) -> bool,
        run: impl FnOnce(&LoadedProject) -> T,
    ) -> Option<Result<T, Vec<Failure>>> {
        let loaded = self.loaded.as_mut()?;
        let roots = &mut loaded.workspace.path_roots;
        let kept_before = std::mem::replace(&mut roots.keep_documents, true);
        let mut replaced = Vec::new();
        let mut failures = Vec::new();
        for (at, file) in loaded.scan.files.iter_mut().enumerate() {
            if file.server.is_some() || !needs(file) {
                continue;
            }
            let bytes = match documents.of_path(&file.path) {
                Some(document) => Ok(Cow::Borrowed(document.text.as_bytes())),
                None => files::read(&file.path, MAX_FILE_BYTES).map(Cow::Owned),
            };
            let workspace = &loaded.workspace;
            match bytes {
                Ok(bytes) => {
                    let new = read_again(file, &bytes, &workspace.configs, &workspace.path_roots);
                    replaced.extend(new.map(|new| (at, std::mem::replace(file, new))));
                }
                Err(error) => {
                    let shown = escape_control(file.source.path());
                    let reason = io_message(&error);
                    failures.push(Failure::usage(format!("cannot read `{shown}`: {reason}")));
                }
            }
        }
        let result = if failures.is_empty() {
            Ok(run(loaded))
        } else {
            Err(failures)
        };
        for (at, old) in replaced {
            if let Some(file) = loaded.scan.files.get_mut(at) {
                *file = old;
            }
        }
        loaded.workspace.path_roots.keep_documents = kept_before;
        Some(result)
    }
}
