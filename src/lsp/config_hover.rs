//! Hover in `stackref.toml`: the description of a table, key or value in the schema of the config.

use super::config_completion::config_description;
use super::config_diagnostics::is_config;
use super::server::Server;
use super::text_positions::TextPositions;
use gen_lsp_types as lsp;

impl Server {
    /// Returns the description of the text at a position of a config.
    pub(super) fn config_hover(
        &self,
        params: &lsp::TextDocumentPositionParams,
    ) -> Option<lsp::Hover> {
        let document = self.documents.get(&params.text_document.uri.0)?;
        document.path.as_deref().filter(|path| is_config(path))?;
        let positions = TextPositions::new(&document.text, self.client.support.encoding);
        let offset = positions.offset(params.position);
        let (description, span) = config_description(&document.text, offset)?;
        let kind = if self.client.support.markdown_hover {
            lsp::MarkupKind::Markdown
        } else {
            lsp::MarkupKind::PlainText
        };
        let content = lsp::MarkupContent::new(kind, description);
        Some(lsp::Hover::new(content.into(), Some(positions.range(span))))
    }
}
