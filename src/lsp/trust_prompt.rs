//! The questions whether to trust a config: first whether to show what it requests, and then whether
//! to accept that.

use super::background::ProjectId;
use super::client::PendingRequest;
use super::editor_project::EditorProject;
use super::server::Server;
use crate::project::requests;
use crate::project::trust_store::TrustRecord;
use crate::text::escape::escape_control;
use crate::workspace::trust_store;
use gen_lsp_types as lsp;
use serde_json::Value;
use std::path::{Path, PathBuf};

/// The action that shows what a config requests.
const SHOW: &str = "Trust…";

/// The action that accepts a config.
const ACCEPT: &str = "Trust";

/// The action that does not.
const CANCEL: &str = "Cancel";

impl Server {
    /// Asks about the untrusted configs of a project, once for each version of a config.
    pub(super) fn offer_trust(&mut self, id: ProjectId) {
        let project = self.projects.iter().find(|project| project.id == id);
        let untrusted = project.map_or(&[][..], EditorProject::untrusted).to_vec();
        for config in untrusted {
            if self.offered_trust.contains(&config) {
                continue;
            }
            let shown = escape_control(&config.file.to_string_lossy());
            let message = format!(
                "The config `{shown}` is not trusted, so the inventories that need trust are not queried."
            );
            self.ask(
                message,
                &[SHOW],
                PendingRequest::OfferTrust(config.file.clone()),
            );
            self.offered_trust.push(config);
        }
    }

    /// Continues after an answer of the user.
    pub(super) fn continue_trust(&mut self, pending: PendingRequest, answer: Option<&Value>) {
        let title = answer.and_then(|answer| answer.get("title")?.as_str());
        match (pending, title) {
            (PendingRequest::OfferTrust(file), Some(SHOW)) => {
                if let Some(message) = self.describe_requests(&file) {
                    let pending = PendingRequest::ConfirmTrust(file);
                    self.ask(message, &[ACCEPT, CANCEL], pending);
                }
            }
            (PendingRequest::ConfirmTrust(file), Some(ACCEPT)) => self.trust(&file),
            _ => {}
        }
    }

    fn ask(&mut self, message: String, actions: &[&str], pending: PendingRequest) {
        let actions = actions.iter().map(|title| lsp::MessageActionItem {
            title: (*title).to_owned(),
            ..lsp::MessageActionItem::default()
        });
        let params = lsp::ShowMessageRequestParams {
            kind: lsp::MessageType::Warning,
            message,
            actions: Some(actions.collect()),
        };
        self.client
            .request::<lsp::ShowMessageRequest>(&params, pending);
    }

    /// Describes what a config requests; `None` if it is not known any more.
    fn describe_requests(&self, file: &Path) -> Option<String> {
        let (config, root) = self.config(file)?;
        let all = requests::all_requests(&config, &root);
        let all = requests::distinct_requests(&all);
        let lines: Vec<String> = all
            .iter()
            .map(|request| format!("- {}", escape_control(&request.access.describe_in_full())))
            .collect();
        let shown = escape_control(&file.to_string_lossy());
        Some(format!(
            "`{shown}` requests to:\n{}\nTrust it until it changes?",
            lines.join("\n")
        ))
    }

    /// Records that the user trusts a config, and reads its project again.
    fn trust(&mut self, file: &Path) {
        let Some((config, root)) = self.config(file) else {
            return;
        };
        let recorded = TrustRecord::for_config(&config, &root).and_then(|record| {
            let store = trust_store(self.env.as_ref());
            store.map_or(Ok(()), |store| store.add(&record))
        });
        if let Err(failure) = recorded {
            let message = format!("stackref: {failure}");
            self.client.show(lsp::MessageType::Error, message);
            return;
        }
        self.reload_all();
    }

    /// Returns a config by its file, and the root of its repository.
    fn config(
        &self,
        file: &Path,
    ) -> Option<(std::sync::Arc<crate::project::config::Config>, PathBuf)> {
        let loaded = self.projects.iter().filter_map(|it| it.loaded.as_ref());
        let mut configs = loaded.flat_map(|loaded| loaded.workspace.known_configs());
        let config = configs.find(|config| config.file.as_deref() == Some(file))?;
        let root = self.owners().root(&config.folder);
        let root = root.unwrap_or_else(|| config.folder.clone());
        Some((config, root))
    }
}
