//! The notifications of the client, and its answers to requests of the server.

use super::client::PendingRequest;
use super::editor_settings::SECTION;
use super::file_uris;
use super::server::Server;
use gen_lsp_types as lsp;
use lsp_server::{ErrorCode, Notification, RequestId};
use serde::de::DeserializeOwned;
use serde_json::Value;

impl Server {
    /// Handles a notification. Unknown ones, and those with invalid parameters, have no effect.
    pub(super) fn handle_notification(&mut self, notification: Notification) {
        let Notification { method, params } = notification;
        match method.as_str() {
            "initialized" => self.finish_initialization(),
            "textDocument/didOpen" => self.with(params, Self::did_open),
            "textDocument/didChange" => self.with(params, Self::did_change),
            "textDocument/didClose" => {
                self.with(params, |server, params| server.did_close(&params));
            }
            "textDocument/didSave" => {
                self.with(params, |server, params| server.did_save(&params));
            }
            "workspace/didChangeConfiguration" => self.did_change_configuration(&params),
            "workspace/didChangeWorkspaceFolders" => self.with(params, Self::did_change_folders),
            "workspace/didChangeWatchedFiles" => self.with(params, Self::did_change_watched_files),
            "$/cancelRequest" => self.cancel(&params),
            _ => {}
        }
    }

    fn with<P: DeserializeOwned>(&mut self, params: Value, run: impl FnOnce(&mut Self, P)) {
        if let Ok(params) = serde_json::from_value(params) {
            run(self, params);
        }
    }

    fn finish_initialization(&mut self) {
        self.register_watchers();
        self.request_configuration();
    }

    fn request_configuration(&mut self) {
        if self.client.support.configuration {
            let item = lsp::ConfigurationItem {
                scope_uri: None,
                section: Some(SECTION.to_owned()),
            };
            let params = lsp::ConfigurationParams { items: vec![item] };
            self.client
                .request::<lsp::ConfigurationRequest>(&params, PendingRequest::Configuration);
        }
    }

    fn did_open(&mut self, params: lsp::DidOpenTextDocumentParams) {
        let uri = params.text_document.uri.0.clone();
        self.documents.open(params.text_document);
        self.add_document(&uri);
        self.unpublished.insert(uri.clone());
        self.must_publish = true;
        if self.client.support.pulls_diagnostics {
            let path = file_uris::to_path(&uri);
            self.clear_pushed(|pushed| path.as_deref() == Some(pushed));
        }
    }

    fn did_change(&mut self, params: lsp::DidChangeTextDocumentParams) {
        let lsp::VersionedTextDocumentIdentifier {
            version,
            text_document_identifier,
        } = params.text_document;
        let uri = text_document_identifier.uri.0;
        let encoding = self.client.support.encoding;
        let changes = params.content_changes;
        if self
            .documents
            .change(&uri, version, changes, encoding)
            .is_some()
        {
            self.unpublished.insert(uri.clone());
            self.changed_documents.insert(uri);
            self.must_publish = true;
        }
    }

    fn did_close(&mut self, params: &lsp::DidCloseTextDocumentParams) {
        let Some(document) = self.documents.close(&params.text_document.uri.0) else {
            return;
        };
        self.must_publish = true;
        if let Some(path) = document.path {
            self.remove_document(&path);
        }
        // The client may have pulled the diagnostics only while the document was open.
        if self.client.support.pulls_diagnostics {
            self.unpublished.insert(document.uri.0);
        }
    }

    fn did_save(&mut self, params: &lsp::DidSaveTextDocumentParams) {
        // A client that watches files reports the change again.
        let path = file_uris::to_path(&params.text_document.uri.0);
        if let Some(path) = path.filter(|_| !self.client.support.watched_files) {
            self.file_changed(&path);
        }
    }

    fn did_change_configuration(&mut self, params: &Value) {
        if self.client.support.configuration {
            self.request_configuration();
        } else if let Some(section) = params.pointer("/settings/stackref") {
            self.settings.update(section);
            self.must_publish = true;
        }
    }

    fn did_change_folders(&mut self, params: lsp::DidChangeWorkspaceFoldersParams) {
        for removed in params.event.removed {
            if let Some(path) = file_uris::to_path(&removed.uri.0) {
                self.remove_folder(&path);
            }
        }
        for added in params.event.added {
            if let Some(path) = file_uris::to_path(&added.uri.0) {
                self.add_folder(path);
            }
        }
        self.must_publish = true;
    }

    fn did_change_watched_files(&mut self, params: lsp::DidChangeWatchedFilesParams) {
        for change in params.changes {
            if let Some(path) = file_uris::to_path(&change.uri.0) {
                self.file_changed(&path);
            }
        }
    }

    /// Cancels a request that is held. Others are answered already, or cancelled in the queue.
    fn cancel(&mut self, params: &Value) {
        self.cancel_rename(params);
        let held = self.held_pull.as_ref().map(|(id, _)| id.clone());
        if let Some(id) = held.filter(|id| names_request(params, id)) {
            self.held_pull = None;
            let code = ErrorCode::RequestCanceled;
            self.client.fail(id, code, "cancelled by the client");
        }
    }

    /// Continues after the answer of the client to a request. `result` is `None` after an error.
    pub(super) fn handle_answer(&mut self, request: PendingRequest, result: Option<&Value>) {
        match request {
            PendingRequest::Acknowledgement => {}
            PendingRequest::Configuration => {
                let section = result.and_then(|list| list.get(0));
                if let Some(section) = section {
                    self.settings.update(section);
                    self.must_publish = true;
                }
            }
            PendingRequest::Progress(token) => {
                if result.is_some() {
                    self.show_progress(&token);
                }
            }
            PendingRequest::OfferTrust(_) | PendingRequest::ConfirmTrust(_) => {
                self.continue_trust(request, result);
            }
        }
    }
}

/// Returns whether the parameters of `$/cancelRequest` name a request.
pub(super) fn names_request(params: &Value, id: &RequestId) -> bool {
    serde_json::to_value(id).ok().as_ref() == params.get("id")
}
