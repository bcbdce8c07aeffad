//! `textDocument/prepareRename` and `textDocument/rename`: the same changes as those of
//! `stackref rename`.
//!
//! Whether the new name is free is looked up first. While stores are asked, the request is held.

use super::background::ProjectId;
use super::documents::Documents;
use super::editor_project::{EditorProject, LoadedProject, ProjectKind};
use super::navigation::{NamePlace, NamesAtPosition, PlaceLocations, SecretName};
use super::notifications::names_request;
use super::rename_edits::{document_at, workspace_edit};
use super::server::Server;
use crate::diagnostics::error::Failure;
use crate::diagnostics::excerpt::Excerpt;
use crate::edit::renaming::{AcceptedReasons, Rename, RenameChecks, RenamePlan, lookups};
use crate::inventory::lookup::LookupResults;
use crate::lint::analysis::Analysis;
use crate::lint::reference_list::SecretSelector;
use crate::project::config::Level;
use crate::text::escape::escape_control;
use gen_lsp_types as lsp;
use lsp_server::{ErrorCode, RequestId};
use serde_json::Value;
use std::collections::BTreeSet;
use std::path::Path;

/// A rename that waits for answers of inventories.
pub struct HeldRename {
    id: RequestId,
    params: lsp::RenameParams,
    /// The version of the document to which the position belongs.
    version: Option<i32>,
}

/// The edits of a rename, and what is left to do.
struct FinishedRename {
    edit: lsp::WorkspaceEdit,
    notes: Vec<String>,
}

impl Server {
    /// Answers `textDocument/prepareRename`: the range of the name, and the name.
    pub(super) fn prepare_rename(
        &mut self,
        params: &lsp::PrepareRenameParams,
    ) -> Result<Option<lsp::PrepareRenameResult>, String> {
        let Some(at) = self.names_at(&params.text_document_position_params) else {
            return Ok(None);
        };
        let (place, name) = selected_name(&at)?;
        let placeholder = name.key().unwrap_or(name.secret()).to_owned();
        drop(at);
        let mut locations = PlaceLocations::new(&self.client.support, &self.documents);
        let range = locations.range(&place.source, place.span);
        Ok(range.map(|range| lsp::PrepareRenamePlaceholder { range, placeholder }.into()))
    }

    /// Answers `textDocument/rename`.
    pub(super) fn rename(&mut self, id: RequestId, params: Value) {
        let Ok(params) = serde_json::from_value::<lsp::RenameParams>(params) else {
            let message = "the parameters are not those of this request";
            return self.client.fail(id, ErrorCode::InvalidParams, message);
        };
        self.release_held_rename("another rename began");
        let uri = &params.text_document_position_params.text_document.uri.0;
        let version = self.documents.get(uri).map(|document| document.version);
        self.continue_rename(HeldRename {
            id,
            params,
            version,
        });
    }

    /// Tries a held rename again, after inventories have answered.
    pub(super) fn retry_rename(&mut self) {
        let Some(held) = self.held_rename.take() else {
            return;
        };
        let position = &held.params.text_document_position_params;
        let document = self.documents.get(&position.text_document.uri.0);
        if document.map(|document| document.version) == held.version {
            self.apply_changes();
            self.continue_rename(held);
        } else {
            let code = ErrorCode::ContentModified;
            let message = "the document was changed before the inventories answered";
            self.client.fail(held.id, code, message);
        }
    }

    /// Ends the held rename without a result, if there is one.
    pub(super) fn release_held_rename(&mut self, reason: &str) {
        if let Some(held) = self.held_rename.take() {
            self.client
                .fail(held.id, ErrorCode::RequestCanceled, reason);
        }
    }

    /// Ends the held rename if the client cancels it.
    pub(super) fn cancel_rename(&mut self, params: &Value) {
        let held = self.held_rename.as_ref();
        if held.is_some_and(|held| names_request(params, &held.id)) {
            self.release_held_rename("cancelled by the client");
        }
    }

    fn continue_rename(&mut self, held: HeldRename) {
        match self.try_rename(&held.params) {
            Ok(Some(FinishedRename { edit, notes })) => {
                let result = serde_json::to_value(edit).unwrap_or_default();
                self.client.respond(held.id, result);
                if !notes.is_empty() {
                    let kind = lsp::MessageType::Info;
                    self.client
                        .show(kind, format!("stackref: {}", notes.join("\n")));
                }
            }
            Ok(None) => self.held_rename = Some(held),
            Err(message) => self.client.fail(held.id, ErrorCode::RequestFailed, message),
        }
    }

    /// Renames what is at a position. Returns `None` if inventories must answer first.
    fn try_rename(&mut self, params: &lsp::RenameParams) -> Result<Option<FinishedRename>, String> {
        let Some(at) = self.names_at(&params.text_document_position_params) else {
            return Err("there is no secret or key at this position".to_owned());
        };
        let (_, selector) = selected_name(&at)?;
        let id = at.project.id;
        drop(at);
        let new = match selector.key() {
            Some(_) => format!("{}.{}", selector.secret(), params.new_name),
            None => params.new_name.clone(),
        };
        let rename = Rename::new(&selector, &new).map_err(|failure| describe(&[failure]))?;
        let target = RenameTarget {
            rename: &rename,
            selector: &selector,
        };
        self.rename_in_project(id, &target)
    }

    fn rename_in_project(
        &mut self,
        id: ProjectId,
        target: &RenameTarget<'_>,
    ) -> Result<Option<FinishedRename>, String> {
        let owners = self.owners();
        let mut projects = self.projects.iter_mut();
        let project = projects
            .find(|project| project.id == id && project.loaded.is_some())
            .ok_or("the config of this file has errors")?;
        if project.kind == ProjectKind::SingleFile {
            return Err("open the folder of this file: other files may use the name".to_owned());
        }
        if !project.is_complete {
            return Err("the files are still being read: try again in a moment".to_owned());
        }
        let root = owners.root(&project.root);
        let root = root.unwrap_or_else(|| project.root.clone());
        let support = &self.client.support;
        if project.root.starts_with(&root) && project.root != root {
            // A reference in any file of the repository may mean the secret.
            let env = project.env().clone();
            let kind = ProjectKind::Folder;
            let read = LoadedProject::read(&root, kind, &env);
            let mut whole = EditorProject::open(id, root.clone(), kind, env);
            whole.replace(read, &self.documents);
            if !whole.failures.is_empty() {
                return Err(describe(&whole.failures));
            }
            let Some(answers) = target.answers(&whole) else {
                let shown = escape_control(&root.to_string_lossy());
                return Err(format!(
                    "this folder is a part of the repository `{shown}`: open the repository, or use `stackref rename`"
                ));
            };
            let plan = target.plan(&mut whole, &answers, &root, &self.documents);
            return plan.map(|(plan, notes)| {
                let inventories = whole.answers.inventories();
                let edit = workspace_edit(&plan, inventories, &self.documents, support);
                Some(FinishedRename { edit, notes })
            });
        }
        let Some(answers) = target.answers(project) else {
            return Ok(None);
        };
        let (plan, notes) = target.plan(project, &answers, &root, &self.documents)?;
        let inventories = project.answers.inventories();
        let edit = workspace_edit(&plan, inventories, &self.documents, support);
        Ok(Some(FinishedRename { edit, notes }))
    }
}

/// A rename, and the secret or key that it renames.
struct RenameTarget<'r> {
    rename: &'r Rename,
    selector: &'r SecretSelector,
}

impl RenameTarget<'_> {
    /// Looks up the old and the new name. Returns `None` if inventories must answer first.
    fn answers(&self, project: &EditorProject) -> Option<LookupResults> {
        let loaded = project.loaded.as_ref()?;
        let inventories = project.answers.inventories();
        let config = &loaded.workspace.config;
        let lookups = lookups(self.rename, inventories, loaded.level, config);
        if lookups.is_empty() {
            return Some(LookupResults::default());
        }
        // Keys of a secret are only needed to rename one.
        let level = match self.selector.key() {
            Some(_) => Level::SecretAndKeyExists,
            None => Level::SecretExists,
        };
        let asked = lookups.iter().flat_map(|lookup| lookup.chain.clone());
        let asked: BTreeSet<usize> = asked.collect();
        let allowed = loaded.level.highest(config);
        let answers = project.answers.answer_rename(&lookups, level, allowed);
        let is_answered = answers.contains_all(&lookups);
        is_answered.then(|| answers.of_inventories(&|index| asked.contains(&index)))
    }

    /// Plans the edits. Returns them with the notes for the user.
    fn plan(
        &self,
        project: &mut EditorProject,
        answers: &LookupResults,
        root: &Path,
        documents: &Documents,
    ) -> Result<(RenamePlan, Vec<String>), String> {
        let inventories = project.answers.inventories().clone();
        let run = |loaded: &LoadedProject| {
            let checks = RenameChecks {
                rename: self.rename,
                selector: self.selector,
                scan: &loaded.scan,
                inventories: &inventories,
                answers,
            };
            let (configs, roots) = (&loaded.workspace.configs, &loaded.workspace.path_roots);
            let plan = checks.plan(AcceptedReasons::default(), configs, roots)?;
            let buffer = |path: &Path| document_at(documents, path).map(|it| it.text.as_str());
            plan.check_buffers(root, buffer)?;
            let mut notes = plan.leftover_notes(self.selector);
            notes.extend(checks.next_steps());
            Ok((plan, notes))
        };
        let result = project.with_documents(documents, |file| self.may_change(file), run);
        let result = result.ok_or("the config of this file has errors")?;
        let result = result.and_then(|result| result);
        result.map_err(|failures: Vec<Failure>| describe(&failures))
    }

    /// Returns whether a file may contain the name, or a constant with it.
    fn may_change(&self, file: &Analysis) -> bool {
        let mut references = file.references.iter();
        let mut declarations = file.declarations.iter();
        references.any(|reference| self.rename.applies_to(reference))
            || declarations.any(|it| self.rename.applies_to_declaration(it))
            || file.source.text().contains(self.selector.secret())
    }
}

/// Returns the only secret or key at a position, with its place.
fn selected_name(at: &NamesAtPosition<'_>) -> Result<(NamePlace, SecretSelector), String> {
    let place = at.places.first().cloned();
    match (place, at.secrets().as_slice()) {
        (Some(place), [name]) => match SecretName::exact(name) {
            Some(selector) => Ok((place, selector.clone())),
            None => Err("this name is known only at run time".to_owned()),
        },
        _ => Err("this name means several secrets, one in each environment".to_owned()),
    }
}

/// Returns the text of failures, one on each line.
fn describe(failures: &[Failure]) -> String {
    let lines = failures.iter().map(|failure| {
        let location = failure.excerpt().map(Excerpt::location);
        let location = location.map(|location| format!("{location}: "));
        // An editor has no options.
        let help = failure.help_text().filter(|help| !help.contains("`--"));
        let help = help.map(|help| format!(" ({help})"));
        let (location, help) = (location.unwrap_or_default(), help.unwrap_or_default());
        format!("{location}{failure}{help}")
    });
    lines.collect::<Vec<_>>().join("\n")
}
