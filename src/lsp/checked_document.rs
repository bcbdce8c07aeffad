//! An open document with the result of its check.

use super::client_support::ClientSupport;
use super::documents::{Document, Documents};
use super::server::Server;
use super::untitled::{untitled_path, with_untitled};
use crate::diagnostics::finding::Finding;
use crate::inventory::InventoryComments;
use crate::lint::analysis::Analysis;
use crate::lint::pipeline;
use crate::lint::report::Report;
use crate::lint::scan::{PathRoots, Scan};
use crate::lint::settings::Settings;
use std::cell::Cell;
use std::path::Path;
use std::ptr;

/// An open document with the result of its check.
pub struct CheckedDocument<'c> {
    pub document: &'c Document,
    /// The path under which its findings are reported.
    pub path: &'c Path,
    pub scan: &'c Scan,
    pub report: &'c Report,
    pub settings: &'c Settings<'c>,
    pub roots: &'c PathRoots,
    pub support: &'c ClientSupport,
    pub documents: &'c Documents,
}

impl<'c> CheckedDocument<'c> {
    /// Returns the analysis of the text of the document, if stackref checks it.
    pub fn analysis(&self) -> Option<&'c Analysis> {
        let file = self.scan.files.iter().find(|file| file.path == self.path);
        file.filter(|file| file.source.text() == self.document.text)
    }

    /// Iterates over the findings in the text of the document. Those of another text, such as the
    /// saved file of an inventory, are omitted.
    pub fn findings(&self) -> impl Iterator<Item = &'c Finding> {
        // Most findings of a file share its source.
        let last = Cell::new((ptr::null(), false));
        let (path, document) = (self.path, self.document);
        self.report.findings.iter().filter(move |finding| {
            let source = &finding.source;
            if source.is_registered() || source.absolute_path() != path {
                return false;
            }
            if !ptr::eq(last.get().0, source.as_ref()) {
                let is_current = source.text() == document.text;
                last.set((ptr::from_ref(source.as_ref()), is_current));
            }
            last.get().1
        })
    }

    /// Returns the comments of the document, if it is an inventory file in use with the text on disk.
    pub fn inventory_comments(&self) -> Option<InventoryComments<'c>> {
        let inventories = self.settings.inventories.in_use();
        let mut comments = inventories.filter_map(|(_, inventory)| inventory.comments());
        comments.find(|it| it.path == self.path && it.source.text() == self.document.text)
    }

    /// Returns the finding with a fingerprint.
    pub fn finding(&self, fingerprint: &str) -> Option<&'c Finding> {
        let mut findings = self.findings();
        findings.find(|finding| finding.fingerprint == fingerprint)
    }
}

impl Server {
    /// Calls a function with an open document and the result of its check. Returns `None` if the
    /// document is not open, or its project cannot be read.
    pub(super) fn with_checked<T>(
        &mut self,
        uri: &str,
        run: impl FnOnce(&CheckedDocument<'_>) -> T,
    ) -> Option<T> {
        self.checked_project(uri);
        let document = self.documents.get(uri)?;
        let (support, documents) = (&self.client.support, &self.documents);
        let Some(path) = &document.path else {
            let path = untitled_path(document);
            return with_untitled(document, &self.cwd, |scan, settings, roots| {
                let scan: &Scan = scan;
                let report = pipeline::run(scan, settings, None);
                run(&CheckedDocument {
                    document,
                    path: &path,
                    scan,
                    report: &report,
                    settings,
                    roots,
                    support,
                    documents,
                })
            });
        };
        let project = self.projects.get(self.project_at(path)?)?;
        project.with_settings(|loaded, settings| {
            run(&CheckedDocument {
                document,
                path,
                scan: &loaded.scan,
                report: &project.report,
                settings,
                roots: &loaded.workspace.path_roots,
                support,
                documents,
            })
        })
    }
}
