//! The actions that are offered for the findings at a range.

use super::name_candidates::UnknownName;
use super::{ActionData, DeferredAction};
use crate::diagnostics::finding::{Applicability, Finding, Fix, FixEdit};
use crate::edit::fix::{Fixer, Rescanner};
use crate::lint::resolved_references::AnsweredReferences;
use crate::lsp::checked_document::CheckedDocument;
use crate::lsp::editor_diagnostics::DiagnosticBuilder;
use crate::lsp::text_positions::TextPositions;
use crate::lsp::workspace_edits::FileChange;
use crate::system::paths;
use crate::text::escape::escape_control;
use crate::text::nearest::SearchBudget;
use crate::text::source::floor_char_boundary;
use gen_lsp_types as lsp;

/// The most findings for which actions are offered. The user wants to see those at the cursor.
const MAX_FINDINGS: usize = 20;

/// The longest name in a title, in bytes.
const MAX_NAME: usize = 80;

/// The actions for the findings of a document.
pub struct OfferedActions<'o, 'c> {
    checked: &'o CheckedDocument<'c>,
    actions: Vec<lsp::CodeAction>,
    budget: SearchBudget,
}

impl<'o, 'c> OfferedActions<'o, 'c> {
    /// Begins with no actions.
    pub fn new(checked: &'o CheckedDocument<'c>) -> Self {
        Self {
            checked,
            actions: Vec::new(),
            budget: SearchBudget::for_request(),
        }
    }

    /// Returns the actions for the findings that touch a range.
    pub fn at(mut self, range: lsp::Range) -> Vec<lsp::CodeAction> {
        let CheckedDocument {
            document, support, ..
        } = *self.checked;
        let requested = TextPositions::new(&document.text, support.encoding).span(range);
        let touches = |finding: &&Finding| {
            finding.span.start <= requested.end && requested.start <= finding.span.end
        };
        let mut references = None;
        let findings = self.checked.findings().filter(touches);
        for finding in findings.take(MAX_FINDINGS) {
            let references =
                references.get_or_insert_with(|| self.checked.report.references.answered());
            self.add_finding(finding, references);
        }
        self.actions
    }

    fn add_finding(&mut self, finding: &'c Finding, references: &AnsweredReferences<'c>) {
        let unknown = UnknownName::of_finding(finding, references, self.checked);
        match &unknown {
            Some(unknown) => self.add_names(finding, unknown),
            None => self.add_fix(finding),
        }
        if let Some(unknown) = &unknown {
            self.add_inventory_files(finding, unknown);
        }
        self.add_literal(finding);
        self.add_ignore(finding);
    }

    /// Offers the fix of a finding.
    fn add_fix(&mut self, finding: &'c Finding) {
        let Some(text) = self.fixed_text(finding) else {
            return;
        };
        let title = match (&finding.suggestion, finding.has_suggested_fix()) {
            (Some(name), true) => format!("Change to {}", quoted(name)),
            _ => format!("Fix {}", finding.rule),
        };
        self.add_edit(finding, title, text, finding.is_fixable());
    }

    /// Offers the names that an unknown name may mean.
    fn add_names(&mut self, finding: &'c Finding, unknown: &UnknownName<'c>) {
        let names = unknown.candidates(finding, self.checked, &mut self.budget);
        for name in names {
            let edits: Vec<FixEdit> = unknown.reference.rename_edits(unknown.part, &name);
            if edits.is_empty() {
                continue;
            }
            let renamed = Finding {
                fix: Some(Fix {
                    applicability: Applicability::Suggestion,
                    edits,
                }),
                ..finding.clone()
            };
            if let Some(text) = self.fixed_text(&renamed) {
                let title = format!("Change to {}", quoted(&name));
                self.add_edit(finding, title, text, false);
            }
        }
    }

    /// Offers to add an unknown name to the inventories that store names only.
    fn add_inventory_files(&mut self, finding: &'c Finding, unknown: &UnknownName<'c>) {
        let (secret, key) = (unknown.reference.secret(), unknown.reference.key());
        for file in unknown.files(self.checked) {
            let Some(path) = file.to_str() else {
                continue;
            };
            let shown = paths::relative(file, &self.checked.roots.cwd);
            let name = unknown.reference.names.text();
            let title = format!("Add {} to {}", quoted(name), quoted(&shown));
            let action = DeferredAction::AddName {
                fingerprint: finding.fingerprint.clone(),
                file: path.to_owned(),
                secret: secret.to_owned(),
                key: key.map(str::to_owned),
            };
            self.add_deferred(finding, title, action);
        }
    }

    /// Offers to mark the braces of a scalar as plain text.
    fn add_literal(&mut self, finding: &'c Finding) {
        if let Some(text) = self.checked.literal_text(finding) {
            let title = "Mark the braces as plain text: `# stackref: literal`".to_owned();
            self.add_edit(finding, title, text, false);
        }
    }

    /// Offers to suppress a finding.
    fn add_ignore(&mut self, finding: &'c Finding) {
        let Some(place) = self.checked.ignore_place(finding) else {
            return;
        };
        let title = format!("Ignore {} {place}", finding.rule);
        let fingerprint = finding.fingerprint.clone();
        self.add_deferred(finding, title, DeferredAction::Ignore { fingerprint });
    }

    /// Returns the text of the document with the fix of a finding, if it passes the proof.
    fn fixed_text(&self, finding: &Finding) -> Option<String> {
        let CheckedDocument {
            settings, roots, ..
        } = *self.checked;
        let rescanner = Rescanner {
            roots,
            values: None,
            walked_folders: settings.walked_folders,
        };
        let fixer = Fixer::new(&rescanner, Applicability::Suggestion);
        fixer.fixed_text(self.checked.analysis()?, finding, settings)
    }

    fn add_edit(&mut self, finding: &'c Finding, title: String, new: String, is_preferred: bool) {
        let change = FileChange::of_document(self.checked.document, new);
        if let Some(edit) = change.to_edit(self.checked.support) {
            self.actions.push(lsp::CodeAction {
                edit: Some(edit),
                is_preferred: is_preferred.then_some(true),
                ..self.action(finding, title)
            });
        }
    }

    /// Offers an action whose edit is computed later, or now if the client cannot request it.
    fn add_deferred(&mut self, finding: &'c Finding, title: String, action: DeferredAction) {
        let support = self.checked.support;
        if support.code_action_resolve {
            let uri = self.checked.document.uri.0.clone();
            let data = serde_json::to_value(ActionData { uri, action }).ok();
            self.actions.push(lsp::CodeAction {
                data,
                ..self.action(finding, title)
            });
            return;
        }
        let change = self.checked.plan(&action).ok();
        if let Some(edit) = change.and_then(|change| change.to_edit(support)) {
            self.actions.push(lsp::CodeAction {
                edit: Some(edit),
                ..self.action(finding, title)
            });
        }
    }

    fn action(&self, finding: &'c Finding, title: String) -> lsp::CodeAction {
        let CheckedDocument {
            support, documents, ..
        } = *self.checked;
        let diagnostic = DiagnosticBuilder::new(support, documents).diagnostic(finding);
        lsp::CodeAction {
            title,
            kind: Some(lsp::CodeActionKind::QuickFix),
            diagnostics: Some(vec![diagnostic]),
            ..lsp::CodeAction::default()
        }
    }
}

/// Returns a name for a title, in quotes.
fn quoted(name: &str) -> String {
    let name = escape_control(name);
    if name.len() <= MAX_NAME {
        return format!("`{name}`");
    }
    let start = floor_char_boundary(&name, MAX_NAME);
    format!("`{}…`", name.get(..start).unwrap_or_default())
}
