//! Changes on disk: how the server notices them, and what is read again.
//!
//! The client watches its folders. Files outside of them, for example the records of trusted
//! configs, are watched if the client can do that. What no client watches is compared by its
//! modification time when a message arrives.

use super::background::ProjectId;
use super::client::PendingRequest;
use super::editor_project::{EditorProject, FileEffect};
use super::file_uris;
use super::server::Server;
use crate::workspace::trust_store;
use gen_lsp_types as lsp;
use serde_json::{Value, json};
use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant, SystemTime};

/// The shortest time between two comparisons of modification times.
const COMPARISON_INTERVAL: Duration = Duration::from_millis(200);

/// The resolution of modification times, on systems where it is low.
const CLOCK_RESOLUTION: Duration = Duration::from_millis(20);

/// What is known of a file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum FileStamp {
    Missing,
    /// Its modification time and size.
    Present(SystemTime, u64),
    /// It may have been read before its last modification.
    Outdated,
}

/// The modification times and sizes of files.
#[derive(Default)]
pub struct FileStamps {
    stamps: BTreeMap<PathBuf, FileStamp>,
    compared_at: Option<Instant>,
}

impl FileStamps {
    /// Records files that were read after a time. A file that was modified since then may have been
    /// read before that, so it counts as changed at the next comparison. Files that are recorded
    /// already stay as they are.
    fn record(&mut self, files: BTreeSet<PathBuf>, read_after: SystemTime) {
        let since = read_after
            .checked_sub(CLOCK_RESOLUTION)
            .unwrap_or(read_after);
        self.stamps.retain(|path, _| files.contains(path));
        for path in files {
            self.stamps
                .entry(path)
                .or_insert_with_key(|path| match stamp(path) {
                    FileStamp::Present(modified, _) if modified >= since => FileStamp::Outdated,
                    stamp => stamp,
                });
        }
    }

    /// Returns the files that have changed since they were recorded, and records them again. Returns
    /// none if the last comparison was a moment ago.
    fn changed(&mut self) -> Vec<PathBuf> {
        let is_recent = self
            .compared_at
            .is_some_and(|at| at.elapsed() < COMPARISON_INTERVAL);
        if is_recent {
            return Vec::new();
        }
        self.compared_at = Some(Instant::now());
        let mut changed = Vec::new();
        for (path, known) in &mut self.stamps {
            let now = stamp(path);
            if now != *known {
                *known = now;
                changed.push(path.clone());
            }
        }
        changed
    }
}

fn stamp(path: &Path) -> FileStamp {
    let Ok(metadata) = path.metadata() else {
        return FileStamp::Missing;
    };
    metadata.modified().map_or(FileStamp::Outdated, |modified| {
        FileStamp::Present(modified, metadata.len())
    })
}

impl Server {
    /// Asks the client to watch all files of its folders. Any file may be a script.
    pub(super) fn register_watchers(&mut self) {
        if self.client.support.watched_files {
            self.register("stackref-folders", &[json!({"globPattern": "**/*"})]);
        }
    }

    /// Watches the files that a project reads outside of the folders of the client.
    fn watch_outside(&mut self, id: ProjectId) {
        let Some(project) = self.projects.iter().find(|project| project.id == id) else {
            return;
        };
        let outside = self.files_outside(project);
        if self.watched_outside.is_superset(&outside) {
            return;
        }
        self.watched_outside.extend(outside.iter().cloned());
        if self.client.support.watched_files && self.client.support.relative_patterns {
            let watchers: Vec<Value> = outside.iter().filter_map(|file| watcher(file)).collect();
            self.register(&format!("stackref-outside-{}", id.0), &watchers);
        }
    }

    fn register(&mut self, id: &str, watchers: &[Value]) {
        let registration = lsp::Registration {
            id: id.to_owned(),
            method: "workspace/didChangeWatchedFiles".to_owned(),
            register_options: Some(json!({"watchers": watchers})),
        };
        let params = lsp::RegistrationParams {
            registrations: vec![registration],
        };
        let pending = PendingRequest::Acknowledgement;
        self.client
            .request::<lsp::RegistrationRequest>(&params, pending);
    }

    /// Returns the files that a project reads outside of all folders of the client.
    fn files_outside(&self, project: &EditorProject) -> BTreeSet<PathBuf> {
        let mut files: BTreeSet<PathBuf> = project.settings_files().into_iter().collect();
        files.extend(trust_store(self.env.as_ref()).map(|store| store.file().to_path_buf()));
        files.retain(|file| !self.projects.iter().any(|project| project.contains(file)));
        files
    }

    /// Records the files whose changes the client does not report, after a project was read. It was
    /// read after `read_after`.
    pub(super) fn record_files(&mut self, id: ProjectId, read_after: SystemTime) {
        self.watch_outside(id);
        let support = &self.client.support;
        let mut files: BTreeSet<PathBuf> = BTreeSet::new();
        for project in &self.projects {
            if !support.watched_files {
                files.extend(project.settings_files());
                files.extend(project.checked_files());
            }
            if !(support.watched_files && support.relative_patterns) {
                files.extend(self.files_outside(project));
            }
        }
        self.stamps.record(files, read_after);
    }

    /// Compares the files whose changes the client does not report.
    pub(super) fn compare_files(&mut self) {
        for path in self.stamps.changed() {
            self.file_changed(&path);
        }
    }

    /// Reads again what a changed file affects.
    pub(super) fn file_changed(&mut self, path: &Path) {
        let store = trust_store(self.env.as_ref());
        if store.is_some_and(|store| store.file() == path) {
            return self.reload_all();
        }
        let is_open = self.documents.of_path(path).is_some();
        let mut reloaded = Vec::new();
        for project in &mut self.projects {
            if let Some(work) = self.work.get_mut(&project.id) {
                work.note_change(path);
            }
            match project.effect_of(path) {
                FileEffect::None => {}
                FileEffect::File if is_open => {}
                FileEffect::File => project.restore(path),
                FileEffect::Project => reloaded.push(project.id),
            }
        }
        for id in reloaded {
            self.begin_load(id);
        }
    }

    /// Reads all projects again.
    pub(super) fn reload_all(&mut self) {
        let ids: Vec<ProjectId> = self.projects.iter().map(|project| project.id).collect();
        for id in ids {
            self.begin_load(id);
        }
    }
}

/// Returns the watcher of a file outside of the folders.
fn watcher(file: &Path) -> Option<Value> {
    let folder = file_uris::of_path(file.parent()?);
    let name = file.file_name()?.to_str()?;
    let is_plain = !name.contains(['*', '?', '[', ']', '{', '}']);
    let pattern = if is_plain { name } else { "*" };
    Some(json!({"globPattern": {"baseUri": folder, "pattern": pattern}}))
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "tests")]
mod tests {
    use super::*;

    #[test]
    fn a_file_that_was_modified_while_it_was_read_counts_as_changed_even_if_it_is_removed() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a.yaml");
        std::fs::write(&path, "a").unwrap();
        for (read_after, expected) in [
            (SystemTime::UNIX_EPOCH, vec![path.clone()]),
            (SystemTime::now() + Duration::from_secs(60), Vec::new()),
        ] {
            let mut stamps = FileStamps::default();
            stamps.record(BTreeSet::from([path.clone()]), read_after);
            assert_eq!(stamps.changed(), expected);
        }
        let mut stamps = FileStamps::default();
        stamps.record(BTreeSet::from([path.clone()]), SystemTime::UNIX_EPOCH);
        std::fs::remove_file(&path).unwrap();
        assert_eq!(stamps.changed(), [path]);
    }
}
