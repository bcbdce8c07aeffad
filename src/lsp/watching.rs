//! Changes on disk: which files are watched, and what is read again after a change.

use super::background::ProjectId;
use super::client::PendingRequest;
use super::server::Server;
use gen_lsp_types as lsp;
use serde_json::json;
use std::path::Path;

/// The files that the client watches in its folders.
const WATCHED: [&str; 3] = [
    "**/*.{yaml,yml,toml,json,sh,bash,zsh,mk,just,md,mdx,rst,py,ipynb,tf,env,txt}",
    "**/{Makefile,GNUmakefile,makefile,justfile,Justfile,.gitignore,.ignore}",
    "**/{Dockerfile,Containerfile,dockerfile,containerfile}*",
];

impl Server {
    /// Asks the client to watch the files that stackref reads.
    pub(super) fn register_watchers(&mut self) {
        if !self.client.support.watched_files {
            return;
        }
        let watchers: Vec<_> = WATCHED
            .iter()
            .map(|glob| json!({"globPattern": glob}))
            .collect();
        let registration = lsp::Registration {
            id: "stackref-files".to_owned(),
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

    /// Reads the projects again that a changed file may affect.
    pub(super) fn file_changed(&mut self, path: &Path) {
        let ids = self.projects.iter().filter(|project| {
            project.contains(path) || path.parent().is_some_and(|folder| project.contains(folder))
        });
        let ids: Vec<ProjectId> = ids.map(|project| project.id).collect();
        for id in ids {
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
