//! A code block of a document, on its way from a host to the shell reader.
//!
//! The hosts of documentation find the blocks. This module removes everything from a block that a
//! reader of the document would not paste into a shell: prompts, output, placeholders, and
//! continuations of other shells. Blocks that contain a document themselves are read by its host.

use super::code_language::CodeLanguage;
use super::{Snippet, SnippetKind};
use super::{continuations, doc_placeholders, markdown, notebook, prompts, restructured_text};
use crate::document::COMMAND;
use crate::document::offsets::{OffsetMap, OffsetMapBuilder};

/// How deep documents may be nested in each other, for example a tab in an admonition in a list.
const MAX_NESTING: usize = 4;

/// Code in a document.
#[derive(Debug)]
pub(super) struct CodeBlock {
    pub code: String,
    /// The map from the code to the document.
    pub offsets: OffsetMap,
    pub language: CodeLanguage,
}

impl CodeBlock {
    /// Creates a block. Offsets of the builder are relative to `start`.
    pub fn new(builder: OffsetMapBuilder, start: usize, language: CodeLanguage) -> Self {
        let (code, offsets) = builder.build(start);
        Self {
            code,
            offsets,
            language,
        }
    }

    /// Returns the block with a map to the file that contains its document.
    pub fn within(mut self, document: &OffsetMap) -> Self {
        self.offsets = document.compose(&self.offsets);
        self
    }

    /// Returns the blocks in a block that contains a document, or the block itself. `depth` is the
    /// number of documents around it.
    pub fn expand(self, depth: usize) -> Vec<Self> {
        let read = match self.language {
            CodeLanguage::Markdown => markdown::code_blocks,
            CodeLanguage::RestructuredText => restructured_text::code_blocks,
            _ => return vec![self],
        };
        if depth >= MAX_NESTING || !self.code.contains(COMMAND) {
            return Vec::new();
        }
        let blocks = read(&self.code, depth + 1).into_iter();
        blocks.map(|block| block.within(&self.offsets)).collect()
    }

    /// Returns the shell code of the block, or `None` if it cannot contain commands.
    pub fn into_snippet(mut self) -> Option<Snippet> {
        // The variables of other blocks may be in the commands of this document.
        let may_assign = matches!(self.language, CodeLanguage::Shell | CodeLanguage::Console)
            && self.code.contains('=');
        if !may_assign && !self.code.contains(COMMAND) {
            return None;
        }
        let session = prompts::strip_session(&self.code, self.language);
        let cell = Some(CodeLanguage::Python)
            .filter(|language| *language == self.language)
            .and_then(|_| notebook::shell_code(&self.code));
        let is_example = self.language.may_be_shell() || session.is_some() || cell.is_some();
        self.rewrite(session.or(cell));
        self.rewrite(prompts::strip_bangs(&self.code));
        self.rewrite(continuations::normalize(&self.code, self.language));
        self.rewrite(doc_placeholders::replace(&self.code));
        Some(Snippet {
            code: self.code,
            offsets: self.offsets,
            kind: if is_example {
                SnippetKind::Example
            } else {
                SnippetKind::Other
            },
        })
    }

    /// Replaces the code. The builder maps to the present code.
    pub fn rewrite(&mut self, builder: Option<OffsetMapBuilder>) {
        if let Some(builder) = builder {
            let (code, offsets) = builder.build(0);
            self.offsets = self.offsets.compose(&offsets);
            self.code = code;
        }
    }
}
