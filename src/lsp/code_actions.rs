//! Code actions: the fixes of findings, the nearest names, ignore comments, names for inventories, and
//! all safe fixes of a document.
//!
//! ```text
//! textDocument/codeAction ─▶ offered_actions ─▶ fixes, names: with their edits
//!                                            └▶ comments, inventories, fix all: DeferredAction
//! codeAction/resolve ─▶ planned_changes: the edit of a DeferredAction, for the current text
//! ```
//!
//! A client that cannot resolve actions gets all of them with their edits.

mod name_candidates;
mod offered_actions;
mod planned_changes;

use super::documents::Document;
use super::editor_project::EditorProject;
use super::lifecycle::FIX_ALL;
use super::server::Server;
use super::untitled::{untitled_path, with_untitled};
use super::workspace_edits::FileChange;
use crate::diagnostics::finding::{Applicability, Finding};
use crate::edit::fix::{Fixer, Rescanner};
use crate::lint::scan::{PathRoots, Scan};
use crate::lint::settings::Settings;
use gen_lsp_types as lsp;
use offered_actions::OfferedActions;
use serde::{Deserialize, Serialize};
use std::path::Path;

/// An action whose edit is computed when the user chooses it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
enum DeferredAction {
    /// An ignore comment for a finding, or an entry of the config.
    Ignore {
        /// The fingerprint of the finding.
        fingerprint: String,
    },
    /// The name that a finding misses, added to an inventory file.
    AddName {
        /// The fingerprint of the finding.
        fingerprint: String,
        /// The path of the inventory.
        file: String,
        /// The name of the secret.
        secret: String,
        /// The key.
        key: Option<String>,
    },
    /// All safe fixes of the document.
    FixAll,
}

/// The `data` of a code action.
#[derive(Clone, Debug, Serialize, Deserialize)]
struct ActionData {
    /// The document for which it was offered.
    uri: String,
    action: DeferredAction,
}

/// The message for an action that no longer applies.
const OUTDATED: &str = "the text has changed, and the finding is gone: nothing was edited";

/// Returns whether a client that requests these kinds wants an action of a kind. Actions on the whole
/// source must be requested.
fn wants(only: Option<&[lsp::CodeActionKind]>, kind: &str) -> bool {
    let Some(only) = only else {
        return !kind.starts_with("source");
    };
    only.iter().any(|wanted| {
        let rest = kind.strip_prefix(wanted.as_str());
        rest.is_some_and(|rest| {
            wanted.as_str().is_empty() || rest.is_empty() || rest.starts_with('.')
        })
    })
}

impl Server {
    /// Answers `textDocument/codeAction`.
    pub(super) fn code_actions(
        &mut self,
        params: &lsp::CodeActionParams,
    ) -> Option<Vec<lsp::CodeActionResponse>> {
        if !self.client.support.code_action_literals {
            return None;
        }
        let uri = &params.text_document.uri.0;
        let only = params.context.only.as_deref();
        let mut actions = Vec::new();
        if wants(only, lsp::CodeActionKind::QuickFix.as_str()) {
            let quick_fixes =
                self.with_checked(uri, |checked| OfferedActions::new(checked).at(params.range));
            actions.extend(quick_fixes.unwrap_or_default());
        }
        if wants(only, FIX_ALL) {
            actions.extend(self.offer_fix_all(uri));
        }
        Some(actions.into_iter().map(Into::into).collect())
    }

    /// Answers `codeAction/resolve`.
    ///
    /// # Errors
    /// The action no longer applies to the text, or cannot be carried out.
    pub(super) fn resolve_code_action(
        &mut self,
        action: &lsp::CodeAction,
    ) -> Result<lsp::CodeAction, String> {
        let data = action.data.clone().map(serde_json::from_value);
        let Some(Ok(ActionData { uri, action: plan })) = data else {
            // Its edit was computed already.
            return Ok(action.clone());
        };
        let change = match plan {
            DeferredAction::FixAll => self.fix_all(&uri).ok_or_else(|| OUTDATED.to_owned()),
            plan => self
                .with_checked(&uri, |checked| checked.plan(&plan))
                .unwrap_or_else(|| Err(OUTDATED.to_owned())),
        };
        let edit = change?.to_edit(&self.client.support);
        Ok(lsp::CodeAction {
            edit: Some(edit.ok_or("the editor cannot create the file")?),
            ..action.clone()
        })
    }

    /// Returns the action that applies all safe fixes of a document, if it has any.
    fn offer_fix_all(&mut self, uri: &str) -> Option<lsp::CodeAction> {
        let has_fixes = self.with_checked(uri, |checked| {
            checked.findings().any(Finding::is_fixable) && checked.analysis().is_some()
        });
        if has_fixes != Some(true) {
            return None;
        }
        let action = lsp::CodeAction {
            title: "Apply all safe fixes of stackref".to_owned(),
            kind: Some(lsp::CodeActionKind::new(FIX_ALL)),
            ..lsp::CodeAction::default()
        };
        if self.client.support.code_action_resolve {
            let data = ActionData {
                uri: uri.to_owned(),
                action: DeferredAction::FixAll,
            };
            let data = serde_json::to_value(data).ok();
            return Some(lsp::CodeAction { data, ..action });
        }
        let edit = self.fix_all(uri)?.to_edit(&self.client.support);
        Some(lsp::CodeAction { edit, ..action })
    }

    /// Returns the document with all safe fixes. Returns `None` if it is not open, or nothing would
    /// change.
    fn fix_all(&mut self, uri: &str) -> Option<FileChange> {
        self.checked_project(uri);
        let document = self.documents.get(uri)?;
        let text = match &document.path {
            None => fix_untitled(document, &self.cwd)?,
            Some(path) => {
                let at = self.project_at(path)?;
                let project = self.projects.get_mut(at)?;
                fix_in_project(project, document, path)?
            }
        };
        (text != document.text).then(|| FileChange::of_document(document, text))
    }
}

/// Returns the text of a document without a file after all safe fixes.
fn fix_untitled(document: &Document, cwd: &Path) -> Option<String> {
    let path = untitled_path(document);
    let scan = |scan: &mut Scan, settings: &Settings<'_>, roots: &PathRoots| {
        fixed_text(scan, &path, settings, roots)
    };
    with_untitled(document, cwd, scan)?
}

/// Returns the text of a document after all safe fixes.
///
/// The whole project is checked between the fixes, as the command line does it: the declaration of a
/// secret in another file may determine whether a comment is unused.
fn fix_in_project(project: &mut EditorProject, document: &Document, path: &Path) -> Option<String> {
    let is_current = |text: &str| text == document.text;
    project
        .analysis(path)
        .filter(|file| is_current(file.source.text()))?;
    let mut scan = std::mem::take(&mut project.loaded.as_mut()?.scan);
    let text = project.with_settings(|loaded, settings| {
        fixed_text(&mut scan, path, settings, &loaded.workspace.path_roots)
    });
    project.loaded.as_mut()?.scan = scan;
    // Puts the buffer back.
    project.update(document);
    text.flatten()
}

/// Applies the safe fixes of a file of a scan, and returns its new text.
fn fixed_text(
    scan: &mut Scan,
    path: &Path,
    settings: &Settings<'_>,
    roots: &PathRoots,
) -> Option<String> {
    let rescanner = Rescanner {
        roots,
        values: None,
        walked_folders: settings.walked_folders,
    };
    let fixer = Fixer::new(&rescanner, Applicability::Safe).only_in(path);
    let result = fixer.run(scan, settings, std::sync::Arc::default(), None);
    let changed = result.changed.get(path)?;
    Some(changed.new_source.text().to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn actions_on_the_source_must_be_requested() {
        for (only, quick_fix, fix_all) in [
            (None, true, false),
            (Some(&[][..]), false, false),
            (Some(&["quickfix"]), true, false),
            (Some(&["source"]), false, true),
            (Some(&["source.fixAll"]), false, true),
            (Some(&["source.fixAll.stackref"]), false, true),
            (Some(&["source.fixAll.stackref.x"]), false, false),
            (Some(&["source.fix"]), false, false),
            (Some(&["refactor", "quickfix"]), true, false),
            (Some(&[""]), true, true),
        ] {
            let kinds = only.map(|only| only.iter().map(|&kind| lsp::CodeActionKind::from(kind)));
            let kinds: Option<Vec<lsp::CodeActionKind>> = kinds.map(Iterator::collect);
            let kinds = kinds.as_deref();
            let wanted = (wants(kinds, "quickfix"), wants(kinds, FIX_ALL));
            assert_eq!(wanted, (quick_fix, fix_all), "{only:?}");
        }
    }
}
