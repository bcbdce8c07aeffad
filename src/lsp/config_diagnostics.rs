//! Diagnostics of `stackref.toml`: the failures of reading it.
//!
//! Those of an open document are about its text. The project uses the saved file.

use super::editor_diagnostics::{FileDiagnostics, SOURCE};
use super::server::Server;
use super::text_positions::TextPositions;
use crate::diagnostics::error::Failure;
use crate::project::config::{self, FILE_NAME};
use gen_lsp_types::{
    Code, Diagnostic, DiagnosticRelatedInformation, DiagnosticSeverity, Location, Message,
};
use std::path::Path;

/// The code of these diagnostics.
const CODE: &str = "invalid-config";

/// Returns whether a file is a config by its name.
pub fn is_config(path: &Path) -> bool {
    path.file_name() == Some(FILE_NAME.as_ref())
}

impl Server {
    /// Returns the diagnostics of all configs that cannot be read.
    pub(super) fn config_diagnostics(&self) -> FileDiagnostics {
        let mut failures: Vec<Failure> = Vec::new();
        for project in &self.projects {
            let closed = project.failures.iter().filter(|failure| {
                let path = failure.location().map(|it| it.source.absolute_path());
                path.is_some_and(|path| is_config(path) && self.documents.of_path(path).is_none())
            });
            // A config may belong to several projects.
            let known: Vec<String> = failures.iter().map(ToString::to_string).collect();
            failures.extend(
                closed
                    .filter(|it| !known.contains(&it.to_string()))
                    .cloned(),
            );
        }
        for document in self.documents.iter() {
            if let Some(path) = document.path.as_deref().filter(|path| is_config(path)) {
                let text = document.text.clone();
                failures.extend(
                    config::parse(text, path, FILE_NAME)
                        .err()
                        .into_iter()
                        .flatten(),
                );
            }
        }
        let mut files = FileDiagnostics::new();
        for failure in &failures {
            if let Some(location) = failure.location() {
                let path = location.source.absolute_path().to_path_buf();
                let diagnostics = files.entry(path).or_default();
                diagnostics.extend(self.diagnostic_of_failure(failure));
            }
        }
        files
    }

    /// Returns the diagnostic of a failure with a location.
    fn diagnostic_of_failure(&self, failure: &Failure) -> Option<Diagnostic> {
        let location = failure.location()?;
        let text = location.source.text();
        let positions = TextPositions::new(text, self.client.support.encoding);
        let range = positions.range(location.span);
        let help = failure.help_text().map(|help| format!("help: {help}"));
        let related = help.map(|message| {
            let uri = self.documents.uri(location.source.absolute_path());
            let location = Location::new(uri, range);
            vec![DiagnosticRelatedInformation { location, message }]
        });
        Some(Diagnostic {
            range,
            severity: Some(DiagnosticSeverity::Error),
            code: Some(Code::String(CODE.to_owned())),
            source: Some(SOURCE.to_owned()),
            message: Message::String(failure.to_string()),
            related_information: related,
            ..Diagnostic::default()
        })
    }
}
