//! Publishes diagnostics: pushes them, and answers the requests of clients that pull them.
//!
//! A client that pulls gets no diagnostics of open files pushed. Many clients pull only those, so
//! the diagnostics of closed files are pushed until the client requests `workspace/diagnostic`.

use super::background::ProjectId;
use super::client::PendingRequest;
use super::documents::Document;
use super::editor_diagnostics::{DiagnosticBuilder, FileDiagnostics};
use super::file_uris;
use super::server::Server;
use super::untitled::{check_untitled, diagnostics_path};
use gen_lsp_types as lsp;
use lsp_server::{ErrorCode, RequestId};
use serde_json::Value;
use std::collections::{BTreeSet, HashMap};
use std::path::{Path, PathBuf};

/// A failure that the user knows.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ShownFailure {
    /// An inventory of a project cannot answer.
    Inventory(ProjectId, String),
    /// Another failure, with its message.
    Other(String),
}

impl Server {
    /// Checks what has changed, and publishes the diagnostics that are new. Returns whether anything
    /// was to be done.
    pub(super) fn update_diagnostics(&mut self) -> bool {
        let is_stale = self.projects.iter().any(|project| project.is_stale);
        if !is_stale && !self.must_publish {
            self.begin_queries();
            return false;
        }
        let changed = self.check_all();
        let unpublished = std::mem::take(&mut self.unpublished);
        self.push(&changed, &unpublished);
        if self.is_complete() && (!changed.is_empty() || self.must_refresh_pulls) {
            self.release_held_pull();
        }
        let is_open = |path: &PathBuf| self.documents.of_path(path).is_some();
        let must_refresh = std::mem::take(&mut self.must_refresh_pulls);
        if must_refresh && changed.iter().any(is_open) && self.client.support.diagnostic_refresh {
            let pending = PendingRequest::Acknowledgement;
            self.client
                .request::<lsp::DiagnosticRefreshRequest>(&(), pending);
        }
        self.refresh_code_lenses();
        self.begin_queries();
        self.show_failures();
        true
    }

    /// Checks all projects that have changed. Returns the files whose diagnostics have changed.
    fn check_all(&mut self) -> Vec<PathBuf> {
        self.must_publish = false;
        for project in &mut self.projects {
            project.check();
        }
        let untitled = self.documents.iter().filter(|it| it.path.is_none());
        let untitled: Vec<_> = untitled
            .map(|document| check_untitled(document, &self.cwd))
            .collect();
        let mut files = FileDiagnostics::new();
        let builder = || DiagnosticBuilder::new(&self.client.support, &self.documents);
        for (at, project) in self.projects.iter().enumerate() {
            for (path, diagnostics) in builder().by_file(&project.report.findings) {
                // A folder inside another one of the editor reports its files itself.
                if self
                    .project_at(&path)
                    .is_none_or(|innermost| innermost == at)
                {
                    files.entry(path).or_insert(diagnostics);
                }
            }
        }
        for findings in &untitled {
            files.extend(builder().by_file(findings));
        }
        for (path, diagnostics) in self.config_diagnostics() {
            files.entry(path).or_default().extend(diagnostics);
        }
        if self.settings.only_open_files {
            let documents = &self.documents;
            let untitled = |path: &Path| documents.get(&path.to_string_lossy()).is_some();
            files.retain(|path, _| documents.of_path(path).is_some() || untitled(path));
        }
        self.published.replace(files)
    }

    /// Sends the diagnostics of files, unless the client pulls them. A document that was opened,
    /// changed or closed gets them even if they are the same, with its new version.
    fn push(&mut self, changed: &[PathBuf], unpublished: &BTreeSet<String>) {
        let pulls = self.client.support.pulls_diagnostics;
        let path_of = |uri: &String| match self.documents.get(uri) {
            Some(document) => Some(diagnostics_path(document)),
            None => file_uris::to_path(uri),
        };
        let mut paths: BTreeSet<PathBuf> = unpublished.iter().filter_map(path_of).collect();
        paths.extend(changed.iter().cloned());
        for path in &paths {
            let is_open = self.document_at(path).is_some();
            if pulls && (is_open || self.pulls_workspace) {
                continue;
            }
            self.push_file(path);
        }
    }

    /// Sends the diagnostics of a file.
    fn push_file(&mut self, path: &Path) {
        let document = self.document_at(path);
        let version = document.and_then(|document| self.published_version(document));
        let uri = self.published_uri(path);
        let file = self.published.get_mut(path);
        let diagnostics = file.map(|file| {
            file.is_pushed = !file.diagnostics.is_empty();
            file.diagnostics.clone()
        });
        let diagnostics = diagnostics.unwrap_or_default();
        let params = lsp::PublishDiagnosticsParams {
            uri,
            version,
            diagnostics,
        };
        self.client
            .notify::<lsp::PublishDiagnosticsNotification>(&params);
    }

    /// Removes pushed diagnostics that the client now pulls.
    pub(super) fn clear_pushed(&mut self, accepts: impl Fn(&Path) -> bool) {
        let pushed = self.published.iter().filter(|(_, file)| file.is_pushed);
        let pushed = pushed.map(|(path, _)| path.clone());
        let pushed: Vec<PathBuf> = pushed.filter(|path| accepts(path)).collect();
        for path in pushed {
            let uri = self.documents.uri(&path);
            if let Some(file) = self.published.get_mut(&path) {
                file.is_pushed = false;
            }
            let params = lsp::PublishDiagnosticsParams {
                uri,
                version: None,
                diagnostics: Vec::new(),
            };
            self.client
                .notify::<lsp::PublishDiagnosticsNotification>(&params);
        }
    }

    /// Returns the version of a document whose text was checked. The diagnostics of a config or an
    /// inventory are about its file and not about the buffer.
    fn published_version(&self, document: &Document) -> Option<i32> {
        let is_checked = match &document.path {
            Some(path) => {
                let project = self.projects.get(self.project_at(path)?)?;
                let file = project.analysis(path);
                file.is_none_or(|file| file.source.text() == document.text)
            }
            None => true,
        };
        is_checked.then_some(document.version)
    }

    /// Returns the URI of the diagnostics of a path.
    fn published_uri(&self, path: &Path) -> lsp::Uri {
        let document = self.document_at(path);
        document.map_or_else(|| self.documents.uri(path), |document| document.uri.clone())
    }

    /// Returns the open document with the diagnostics of a path, which may be one without a file.
    fn document_at(&self, path: &Path) -> Option<&Document> {
        let document = self.documents.of_path(path);
        document.or_else(|| self.documents.get(&path.to_string_lossy()))
    }

    /// Answers `textDocument/diagnostic`.
    pub(super) fn document_diagnostic(
        &mut self,
        params: &lsp::DocumentDiagnosticParams,
    ) -> lsp::DocumentDiagnosticReport {
        self.update_diagnostics();
        let uri = &params.text_document.uri;
        let path = match self.documents.get(&uri.0) {
            Some(document) => diagnostics_path(document),
            None => file_uris::to_path(&uri.0).unwrap_or_default(),
        };
        let file = self.published.get(&path);
        let result_id = file.map_or("0", |file| &file.result_id);
        if params.previous_result_id.as_deref() == Some(result_id) {
            let unchanged = lsp::UnchangedDocumentDiagnosticReport::new(result_id.to_owned());
            return lsp::RelatedUnchangedDocumentDiagnosticReport::new(None, unchanged).into();
        }
        let report = lsp::FullDocumentDiagnosticReport {
            result_id: Some(result_id.to_owned()),
            items: file
                .map(|file| file.diagnostics.clone())
                .unwrap_or_default(),
        };
        lsp::RelatedFullDocumentDiagnosticReport::new(None, report).into()
    }

    /// Answers `workspace/diagnostic`. Until all files were read, the answer is held. It is also held
    /// while nothing changes, if the client expects a long request: then it passes a token for partial
    /// results. So a client that repeats the request costs nothing.
    pub(super) fn workspace_diagnostic(&mut self, id: RequestId, params: Value) {
        let Ok(params) = serde_json::from_value::<lsp::WorkspaceDiagnosticParams>(params) else {
            let message = "the parameters are not those of this request";
            return self.client.fail(id, ErrorCode::InvalidParams, message);
        };
        self.update_diagnostics();
        self.pulls_workspace = true;
        self.clear_pushed(|_| true);
        self.release_held_pull();
        let known = params.previous_result_ids.into_iter();
        let known: HashMap<String, String> = known.map(|it| (it.uri.0, it.value)).collect();
        let partial_results = params.partial_result_params;
        let may_be_held = partial_results.partial_result_token.is_some();
        if !self.is_complete() || may_be_held && !self.has_changes(&known) {
            self.held_pull = Some((id, known));
        } else {
            self.respond_with_reports(id, &known);
        }
    }

    /// Returns whether the files of all projects were read.
    fn is_complete(&self) -> bool {
        self.projects.iter().all(|project| project.is_complete)
    }

    /// Answers the held `workspace/diagnostic`, if there is one.
    pub(super) fn release_held_pull(&mut self) {
        if let Some((id, known)) = self.held_pull.take() {
            self.respond_with_reports(id, &known);
        }
    }

    fn respond_with_reports(&self, id: RequestId, known: &HashMap<String, String>) {
        let items = self.reports(known);
        let report = lsp::WorkspaceDiagnosticReport { items };
        let report = serde_json::to_value(report).unwrap_or_default();
        self.client.respond(id, report);
    }

    /// Returns whether the client lacks diagnostics. `known` are its result ids, by URI.
    fn has_changes(&self, known: &HashMap<String, String>) -> bool {
        let is_full = |report: &lsp::WorkspaceDocumentDiagnosticReport| {
            matches!(
                report,
                lsp::WorkspaceDocumentDiagnosticReport::WorkspaceFullDocumentDiagnosticReport(_)
            )
        };
        self.reports(known).iter().any(is_full)
    }

    /// Returns the reports of all files with diagnostics, or of which the client has some. `known` are
    /// its result ids, by URI.
    fn reports(
        &self,
        known: &HashMap<String, String>,
    ) -> Vec<lsp::WorkspaceDocumentDiagnosticReport> {
        let mut reports = Vec::new();
        for (path, file) in self.published.iter() {
            let document = self.document_at(path);
            let uri = self.published_uri(path);
            match known.get(&uri.0) {
                Some(known) if *known == file.result_id => {
                    let version = document.and_then(|document| self.published_version(document));
                    let report = lsp::UnchangedDocumentDiagnosticReport::new(known.clone());
                    let report =
                        lsp::WorkspaceUnchangedDocumentDiagnosticReport::new(uri, version, report);
                    reports.push(report.into());
                    continue;
                }
                None if file.diagnostics.is_empty() => continue,
                _ => {}
            }
            let report = lsp::FullDocumentDiagnosticReport {
                result_id: Some(file.result_id.clone()),
                items: file.diagnostics.clone(),
            };
            let version = document.and_then(|document| self.published_version(document));
            let report = lsp::WorkspaceFullDocumentDiagnosticReport::new(uri, version, report);
            reports.push(report.into());
        }
        reports
    }

    /// Shows the failures of the last checks that were not shown yet, in one message. An inventory
    /// that cannot answer is shown once until it has answered, also if other names are looked up.
    fn show_failures(&mut self) {
        let mut failures: Vec<(ShownFailure, String)> = Vec::new();
        for project in &self.projects {
            let untrusted = project.untrusted();
            for failure in project.failures.iter().chain(&project.report.failures) {
                let message = failure.to_string();
                // The question whether to trust a config says this.
                let is_asked = untrusted.iter().any(|config| config.message == message);
                let key = match failure.inventory() {
                    Some(name) => ShownFailure::Inventory(project.id, name.to_owned()),
                    None => ShownFailure::Other(message.clone()),
                };
                if !is_asked && !failures.iter().any(|(known, _)| *known == key) {
                    failures.push((key, message));
                }
            }
        }
        let is_new = |(key, _): &&(ShownFailure, String)| !self.shown_failures.contains(key);
        let new = failures.iter().filter(is_new);
        let new: Vec<&str> = new.map(|(_, message)| message.as_str()).collect();
        if !new.is_empty() {
            let text = format!("stackref: {}", new.join("\n"));
            self.client.show(lsp::MessageType::Warning, text);
        }
        // While a query is running, it is not known whether the inventory answers again.
        let mut shown = std::mem::take(&mut self.shown_failures);
        shown.retain(|shown| match shown {
            ShownFailure::Inventory(id, _) => self.is_querying(*id),
            ShownFailure::Other(_) => false,
        });
        for (key, _) in failures {
            if !shown.contains(&key) {
                shown.push(key);
            }
        }
        self.shown_failures = shown;
    }
}
