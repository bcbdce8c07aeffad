//! Diagnostics: findings in the form of the protocol, and what the client has received of them.

use super::client_support::ClientSupport;
use super::documents::Documents;
use super::text_positions::TextPositions;
use crate::diagnostics::finding::{Finding, RelatedSpan, Severity};
use crate::diagnostics::rule_id::RuleId;
use crate::lint::rules;
use crate::text::redacted_source::RedactedSource;
use crate::text::source::Span;
use gen_lsp_types::{
    Code, CodeDescription, Diagnostic, DiagnosticRelatedInformation, DiagnosticSeverity,
    DiagnosticTag, Location, Message, Range, Uri,
};
use serde_json::json;
use std::collections::{BTreeMap, HashMap};
use std::path::PathBuf;
use std::sync::Arc;

/// The name of the tool in diagnostics.
pub const SOURCE: &str = "stackref";

/// The diagnostics of files, by path.
pub type FileDiagnostics = BTreeMap<PathBuf, Vec<Diagnostic>>;

/// Converts findings to diagnostics.
pub struct DiagnosticBuilder<'c> {
    support: &'c ClientSupport,
    documents: &'c Documents,
    positions: HashMap<*const RedactedSource, TextPositions<'c>>,
}

impl<'c> DiagnosticBuilder<'c> {
    /// Creates a builder for a client.
    pub fn new(support: &'c ClientSupport, documents: &'c Documents) -> Self {
        Self {
            support,
            documents,
            positions: HashMap::new(),
        }
    }

    /// Converts findings, grouped by file. Components on a server are no files.
    pub fn by_file(mut self, findings: &'c [Finding]) -> FileDiagnostics {
        let mut files = FileDiagnostics::new();
        for finding in findings {
            if finding.source.is_registered() {
                continue;
            }
            let path = finding.source.absolute_path().to_path_buf();
            let diagnostic = self.diagnostic(finding);
            files.entry(path).or_default().push(diagnostic);
        }
        files
    }

    /// Converts a finding. Clients ignore the fields that they do not support.
    pub fn diagnostic(&mut self, finding: &'c Finding) -> Diagnostic {
        let rule = rules::get(finding.rule);
        let range = self.range(&finding.source, finding.span);
        let related = self.related(finding, range);
        let message = finding.message.clone();
        let is_unused = matches!(finding.rule, RuleId::UnusedSecret | RuleId::UnusedIgnore);
        let href = Uri(rule.url());
        Diagnostic {
            range,
            severity: Some(match finding.severity {
                Severity::Error => DiagnosticSeverity::Error,
                Severity::Warning => DiagnosticSeverity::Warning,
            }),
            code: Some(Code::String(finding.rule.name().to_owned())),
            code_description: Some(CodeDescription { href }),
            source: Some(SOURCE.to_owned()),
            message: Message::String(message),
            tags: is_unused.then(|| vec![DiagnosticTag::Unnecessary]),
            related_information: (!related.is_empty()).then_some(related),
            data: Some(json!({"fingerprint": finding.fingerprint})),
        }
    }

    /// Returns the other place that explains a finding, and its help. Editors show both below the
    /// message.
    fn related(&mut self, finding: &'c Finding, range: Range) -> Vec<DiagnosticRelatedInformation> {
        let mut related = Vec::new();
        if let Some(RelatedSpan {
            source,
            span,
            message,
        }) = &finding.related
        {
            let range = self.range(source, *span);
            related.push(DiagnosticRelatedInformation {
                location: Location::new(self.documents.uri(source.absolute_path()), range),
                message: message.clone(),
            });
        }
        if let Some(help) = &finding.help {
            let uri = self.documents.uri(finding.source.absolute_path());
            related.push(DiagnosticRelatedInformation {
                location: Location::new(uri, range),
                message: format!("help: {help}"),
            });
        }
        related
    }

    fn range(&mut self, source: &'c Arc<RedactedSource>, span: Span) -> Range {
        let encoding = self.support.encoding;
        let positions = self
            .positions
            .entry(Arc::as_ptr(source))
            .or_insert_with(|| TextPositions::new(source.text(), encoding));
        positions.range(span)
    }
}

/// The diagnostics that the client has, and their result ids.
#[derive(Default)]
pub struct PublishedDiagnostics {
    files: BTreeMap<PathBuf, PublishedFile>,
    last_id: u64,
}

/// The diagnostics of a file.
pub struct PublishedFile {
    /// Identifies these diagnostics in `textDocument/diagnostic`.
    pub result_id: String,
    /// The diagnostics.
    pub diagnostics: Vec<Diagnostic>,
    /// Whether they were pushed.
    pub is_pushed: bool,
}

impl PublishedDiagnostics {
    /// Replaces all diagnostics. Returns the files whose diagnostics have changed.
    pub fn replace(&mut self, new: FileDiagnostics) -> Vec<PathBuf> {
        let mut changed = Vec::new();
        for (path, file) in &mut self.files {
            if !new.contains_key(path) && !file.diagnostics.is_empty() {
                file.diagnostics.clear();
                self.last_id += 1;
                file.result_id = self.last_id.to_string();
                changed.push(path.clone());
            }
        }
        for (path, diagnostics) in new {
            let known = self.files.get(&path);
            if known.is_some_and(|known| known.diagnostics == diagnostics) {
                continue;
            }
            let is_pushed = known.is_some_and(|known| known.is_pushed);
            self.last_id += 1;
            changed.push(path.clone());
            let file = PublishedFile {
                result_id: self.last_id.to_string(),
                diagnostics,
                is_pushed,
            };
            self.files.insert(path, file);
        }
        changed
    }

    /// Returns the diagnostics of a file.
    pub fn get(&self, path: &std::path::Path) -> Option<&PublishedFile> {
        self.files.get(path)
    }

    /// Returns the diagnostics of a file, to record whether they were pushed.
    pub fn get_mut(&mut self, path: &std::path::Path) -> Option<&mut PublishedFile> {
        self.files.get_mut(path)
    }

    /// Iterates over the files that have or had diagnostics.
    pub fn iter(&self) -> impl Iterator<Item = (&PathBuf, &PublishedFile)> {
        self.files.iter()
    }
}
