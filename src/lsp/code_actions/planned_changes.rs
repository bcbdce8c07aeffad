//! The edits of actions, for the current text.

use super::{DeferredAction, OUTDATED};
use crate::diagnostics::finding::Finding;
use crate::diagnostics::rule_id::RuleId;
use crate::document::{ScriptHost, Syntax};
use crate::edit::add_ignores::{ignore_entry, ignore_finding, is_ignorable, mark_literal};
use crate::edit::fix::Rescanner;
use crate::lint::rules::{self, RuleKind};
use crate::lsp::checked_document::CheckedDocument;
use crate::lsp::workspace_edits::FileChange;
use crate::system::files;
use std::path::Path;

/// The reason in new comments, which the user replaces.
const REASON: &str = "TODO: reason";

impl CheckedDocument<'_> {
    /// Returns the change of an action.
    ///
    /// # Errors
    /// The finding is gone, or the change is not possible.
    pub(super) fn plan(&self, action: &DeferredAction) -> Result<FileChange, String> {
        match action {
            DeferredAction::Ignore { fingerprint } => {
                let finding = self.finding(fingerprint).ok_or(OUTDATED)?;
                self.ignore(finding)
            }
            DeferredAction::AddName {
                fingerprint,
                file,
                secret,
                key,
            } => {
                self.finding(fingerprint).ok_or(OUTDATED)?;
                self.add_name(Path::new(file), secret, key.as_deref())
            }
            DeferredAction::FixAll => Err(OUTDATED.to_owned()),
        }
    }

    /// Returns where a finding can be ignored, as far as the syntax of the document decides: `here` in a
    /// comment, or in the config. Returns `None` if neither is possible.
    pub(super) fn ignore_place(&self, finding: &Finding) -> Option<&'static str> {
        if !is_ignorable(finding.rule) {
            return None;
        }
        let syntax = self.analysis().map(|file| file.syntax);
        let syntax = syntax.or_else(|| Syntax::from_path(finding.source.absolute_path()));
        let accepts_comments = !matches!(
            syntax,
            None | Some(Syntax::Json | Syntax::Script(ScriptHost::Notebook))
        );
        if accepts_comments {
            return Some("here");
        }
        let config = self.settings.configs.for_findings_in(self.path);
        let creates = self.support.document_changes && self.support.creates_files;
        let is_possible = self.document.path.is_some() && (config.file.is_some() || creates);
        is_possible.then_some("in stackref.toml")
    }

    /// Returns the document with an ignore comment, or a config with an entry if no comment can
    /// suppress the finding.
    fn ignore(&self, finding: &Finding) -> Result<FileChange, String> {
        match ignore_finding(self.analysis(), finding, REASON, self.settings) {
            Ok(text) => Ok(FileChange::of_document(self.document, text)),
            Err(reason) => self
                .ignore_in_config(finding)
                .ok_or_else(|| format!("cannot ignore {}: {reason}", finding.rule)),
        }
    }

    fn ignore_in_config(&self, finding: &Finding) -> Option<FileChange> {
        // A document without a file has no config.
        self.document.path.as_ref()?;
        let (configs, root) = (self.settings.configs, &self.roots.root);
        let entry = ignore_entry(finding, REASON, configs, root)?;
        let old = if entry.exists {
            Some(self.text_of(&entry.file)?)
        } else {
            None
        };
        let new = entry.append_to(old.as_deref().unwrap_or_default())?;
        Some(FileChange::of_path(self.documents, &entry.file, old, new))
    }

    /// Returns an inventory file with another name.
    fn add_name(&self, file: &Path, secret: &str, key: Option<&str>) -> Result<FileChange, String> {
        let inventories = self.settings.inventories.in_use();
        let mut inventories = inventories.map(|(_, inventory)| inventory);
        let inventory = inventories.find(|inventory| inventory.file() == Some(file));
        let (inventory, old) = inventory.zip(self.text_of(file)).ok_or(OUTDATED)?;
        let new = inventory.text_with_name(&old, secret, key);
        let new = new.ok_or("the file has changed: nothing was edited")?;
        // An excerpt of the file could contain a value.
        let new = new.map_err(|failure| failure.to_string())?;
        Ok(FileChange::of_path(self.documents, file, Some(old), new))
    }

    /// Returns the text of a file, as it is open or on disk.
    fn text_of(&self, path: &Path) -> Option<String> {
        if let Some(document) = self.documents.of_path(path) {
            return Some(document.text.clone());
        }
        let bytes = files::read(path, files::MAX_INVENTORY).ok()?;
        String::from_utf8(bytes).ok()
    }

    /// Returns the document with a `literal` comment, if the braces of the finding are then plain
    /// text, and nothing else changes.
    pub(super) fn literal_text(&self, finding: &Finding) -> Option<String> {
        let is_about_braces = rules::get(finding.rule).kind() == RuleKind::Scalar
            && !matches!(
                finding.rule,
                RuleId::PlaintextSecret | RuleId::RefusedAttribute | RuleId::IgnoredField
            );
        let file = self.analysis().filter(|_| is_about_braces)?;
        let text = mark_literal(file, finding, self.settings)?;
        let rescanner = Rescanner {
            roots: self.roots,
            values: None,
            walked_folders: self.settings.walked_folders,
        };
        let new = rescanner.rescan(file, &text, self.settings)?;
        let of_rule = |file: &crate::lint::analysis::Analysis| {
            let findings = file.findings.iter();
            let same = findings.filter(|other| other.rule() == finding.rule);
            same.count()
        };
        let has_effect = new.literals.len() > file.literals.len()
            && of_rule(&new) < of_rule(file)
            && new.findings.len() < file.findings.len();
        has_effect.then_some(text)
    }
}
