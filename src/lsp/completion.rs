//! Completion: names of secrets and keys, rules in ignore comments, and `stackref.toml`.
//!
//! | file | concept |
//! |---|---|
//! | `brace_cursor.rs` | the reference at the cursor, by its text |
//! | `ignore_cursor.rs` | the rule at the cursor in an ignore comment |
//! | `unclosed.rs` | open quotes and brackets |
//! | `probed_text.rs` | texts with an unused name at the cursor |
//! | `brace_probe.rs` | the completed reference, analyzed |
//! | `cursor_place.rs` | what the analysis of such a text shows |
//! | `known_names.rs` | the names that are offered |
//! | `item_list.rs` | items in the form of the protocol |

mod brace_cursor;
mod brace_probe;
mod ignore_cursor;
mod item_list;
mod known_names;
mod cursor_place;
mod probed_text;
mod unclosed;

pub use item_list::{Completed, CompletedItems, fits};

use super::config_completion::config_items;
use super::config_diagnostics::is_config;
use super::documents::Document;
use super::editor_project::EditorProject;
use super::server::Server;
use super::text_positions::TextPositions;
use super::untitled::{analyze_untitled, syntax_of_language};
use crate::diagnostics::rule_id::RuleId;
use crate::document::{ScriptHost, Syntax};
use crate::lint::rules::RULES;
use crate::text::source::Span;
use cursor_place::{CursorPlace, NamePart};
use gen_lsp_types as lsp;
use ignore_cursor::IgnoreCursor;
use known_names::{KnownName, NameSearch};
use lsp::CompletionItemKind;
use probed_text::CursorText;
use std::path::Path;

impl Server {
    /// Answers `textDocument/completion`.
    pub(super) fn completion(
        &mut self,
        params: &lsp::CompletionParams,
    ) -> Option<lsp::CompletionResponse> {
        let lsp::TextDocumentPositionParams {
            text_document,
            position,
        } = &params.text_document_position_params;
        let path = self.documents.get(&text_document.uri.0)?.path.clone();
        let at = path.as_deref().and_then(|path| self.project_at(path));
        let document = self.documents.get(&text_document.uri.0)?;
        let project = at.and_then(|at| self.projects.get_mut(at));
        let positions = TextPositions::new(&document.text, self.client.support.encoding);
        let offset = positions.offset(*position);
        let line = line_at(&document.text, offset);
        let is_config = path.as_deref().is_some_and(is_config);
        let rules = rule_items(document, project.as_deref(), line, offset);
        let (items, kind) = match rules {
            Some(items) => (items, CompletionItemKind::EnumMember),
            None if is_config => {
                let items = config_items(&document.text, offset)?;
                (items, CompletionItemKind::Property)
            }
            None => name_items(document, project, (line, offset), &self.cwd)?,
        };
        Some(
            items
                .into_list(kind, &positions, &self.client.support)
                .into(),
        )
    }
}

/// Returns the line that contains an offset, without the line break.
fn line_at(text: &str, offset: usize) -> Span {
    let is_break = |c: char| matches!(c, '\n' | '\r');
    let (before, after) = text.split_at_checked(offset).unwrap_or_default();
    let start = before.rfind(is_break).map_or(0, |at| at + 1);
    let end = after.find(is_break).unwrap_or(after.len());
    let is_first = start == 0 && text.starts_with('\u{feff}');
    let start = if is_first {
        '\u{feff}'.len_utf8()
    } else {
        start
    };
    Span::new(start.min(offset), offset + end)
}

/// Returns the rules for an ignore comment at the cursor; first those with findings in the file.
/// Returns `None` if the cursor is not in the list of rules of such a comment.
fn rule_items(
    document: &Document,
    project: Option<&EditorProject>,
    line: Span,
    offset: usize,
) -> Option<CompletedItems> {
    let cursor = IgnoreCursor::find(&document.text, line, offset)?;
    let path = document.path.as_deref().unwrap_or(Path::new(""));
    let findings = project.map_or(&[][..], |project| &project.report.findings);
    let here = findings
        .iter()
        .filter(|finding| finding.source.absolute_path() == path);
    let reported: Vec<RuleId> = here.map(|finding| finding.rule).collect();
    let typed = document.text.get(cursor.span.start..offset)?;
    let rules = RULES.into_iter().filter(|rule| {
        let name = rule.id.name();
        !cursor.others.contains(&name) && fits(typed, name)
    });
    let items = rules.map(|rule| Completed {
        label: rule.id.name().to_owned(),
        detail: Some(rule.summary.to_owned()),
        is_first: reported.contains(&rule.id),
        ..Completed::default()
    });
    Some(CompletedItems {
        items: items.collect(),
        span: cursor.span,
        ..CompletedItems::default()
    })
}

/// Returns the names for the cursor, and their kind. Returns `None` if no name belongs there.
fn name_items(
    document: &Document,
    mut project: Option<&mut EditorProject>,
    (line, offset): (Span, usize),
    cwd: &Path,
) -> Option<(CompletedItems, CompletionItemKind)> {
    let path = document.path.as_deref();
    let known = project.as_deref().zip(path);
    let known = known.and_then(|(project, path)| Some(project.analysis(path)?.syntax));
    let cursor = CursorText {
        text: &document.text,
        offset,
        line,
        syntax: known.or_else(|| syntax_of(document))?,
    };
    let place = CursorPlace::find(cursor, &mut |text| match (&mut project, path) {
        (Some(project), Some(path)) => project.analyze(path, text),
        (None, None) => analyze_untitled(document, text, cwd),
        _ => None,
    })?;
    let project = project.as_deref();
    let current = project
        .zip(path)
        .and_then(|(project, path)| project.analysis(path));
    let typed = document.text.get(place.span.start..offset)?;
    let accepts = |name: &str| fits(typed, name) && place.accepts(name);
    let search = NameSearch {
        project,
        analysis: place.analysis.as_ref().or(current)?,
        unused_name: &place.unused_name,
        accepts: &accepts,
    };
    let (known, kind) = match &place.part {
        NamePart::Key(secret) => (search.keys(secret), CompletionItemKind::Field),
        NamePart::Secret | NamePart::WholeSecret => (search.secrets(), CompletionItemKind::Struct),
    };
    let items = known.names.into_iter();
    let items = items.map(|name| completed_name(name, &place.suffix));
    let items = CompletedItems {
        items: items.collect(),
        span: place.span,
        opening: place.opening,
        is_incomplete: known.is_incomplete,
    };
    Some((items, kind))
}

fn completed_name(name: KnownName, suffix: &str) -> Completed {
    let missing_in = name.missing_in.join(", ");
    Completed {
        text: (!suffix.is_empty()).then(|| format!("{}{suffix}", name.name)),
        detail: (!missing_in.is_empty()).then(|| format!("not in {missing_in}")),
        is_first: name.is_used,
        label: name.name,
        ..Completed::default()
    }
}

/// Returns the syntax of a document that is not analyzed.
fn syntax_of(document: &Document) -> Option<Syntax> {
    match &document.path {
        Some(path) => Syntax::of_named(path, true).or(Some(Syntax::Script(ScriptHost::Other))),
        None => syntax_of_language(&document.language, &document.text),
    }
}
