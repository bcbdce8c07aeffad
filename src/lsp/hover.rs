//! Hovers: what is known about the secret, the ignore comment or the table of a config at a position.
//! Never a value or its length.

mod comment_hover;
mod table_resolution;
mod hover_text;
mod hovered_name;
mod secret_hover;
mod secret_states;

use super::checked_document::CheckedDocument;
use super::server::Server;
use super::text_positions::TextPositions;
use crate::text::source::Span;
use gen_lsp_types as lsp;
use hover_text::HoverText;

/// The text of a hover, and the bytes that it is about.
type HoveredText = (String, Span);

impl Server {
    /// Answers `textDocument/hover`.
    pub(super) fn hover(&mut self, params: &lsp::HoverParams) -> Option<lsp::Hover> {
        let params = &params.text_document_position_params;
        let (uri, position) = (&params.text_document.uri.0, params.position);
        let resolved = self.with_checked(uri, |checked| hover_at(checked, position));
        match (resolved.flatten(), self.config_hover(params)) {
            (Some(resolved), Some(described)) => Some(append(resolved, described)),
            (resolved, described) => resolved.or(described),
        }
    }
}

/// Appends the text of another hover.
fn append(mut hover: lsp::Hover, other: lsp::Hover) -> lsp::Hover {
    use lsp::Contents::MarkupContent;
    if let (MarkupContent(text), MarkupContent(other)) = (&mut hover.contents, other.contents) {
        text.value.push_str("\n\n");
        text.value.push_str(&other.value);
    }
    hover
}

fn hover_at(checked: &CheckedDocument<'_>, position: lsp::Position) -> Option<lsp::Hover> {
    let support = checked.support;
    let positions = TextPositions::new(&checked.document.text, support.encoding);
    let offset = positions.offset(position);
    let text = HoverText::new(support.markdown_hover);
    let (value, span) = comment_hover::at(checked, offset)
        .or_else(|| secret_hover::at(checked, offset, text))
        .or_else(|| {
            table_resolution::at(checked, offset, HoverText::new(support.markdown_hover))
        })?;
    let kind = if support.markdown_hover {
        lsp::MarkupKind::Markdown
    } else {
        lsp::MarkupKind::PlainText
    };
    let contents = lsp::MarkupContent::new(kind, value);
    Some(lsp::Hover::new(
        contents.into(),
        Some(positions.range(span)),
    ))
}

/// Returns whether an offset is in a span, or at one of its ends.
fn touches(span: Span, offset: usize) -> bool {
    span.start <= offset && offset <= span.end
}
