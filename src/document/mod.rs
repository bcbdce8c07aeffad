//! Parses YAML, TOML, JSON and the `zenml` commands of a script into one type: a tree of nodes with
//! spans.
//!
//! A [`Document`] stores its nodes in one list. Nodes refer to each other by [`NodeId`], so
//! aliases, cycles of aliases and deep nesting cannot overflow the stack. Each scalar has its
//! decoded value, its style and, on request, a map from offsets in the value to offsets in the
//! source.
//!
//! The file of each syntax contains its reader, and the files below it its quoting rules. The
//! meaning of keys is in `sources`, and the grammar of references is in `zenml`.

mod brackets;
mod code_calls;
mod code_value;
mod differences;
pub mod directives;
mod document_variables;
mod duplicate_keys;
mod edits;
mod insert;
mod json;
mod merge_keys;
mod node;
mod node_list;
mod node_paths;
mod offsets;
mod python;
mod scalar_text;
mod script_host;
mod shell;
mod shell_commands;
mod snippets;
mod syntax;
mod template_files;
mod terraform;
mod text_template;
mod toml;
mod tree_builder;
mod yaml;

pub use code_calls::{CallKind, CallNode};
pub use code_value::TextDefinition;
pub use duplicate_keys::DuplicateKey;
pub use edits::{Edit, apply};
pub use insert::{NewValue, format_name_map};
pub use merge_keys::MERGE_BUDGET;
pub use node::{ChildRange, Node, NodeId, NodeKind, Scalar, ScalarType, Style};
pub use offsets::OffsetMap;
pub use scalar_text::{Replacement, replace_parts};
pub use script_host::{ScriptHost, is_prose};
pub use shell::{COMMAND, ShellAssignments};
pub use shell_commands::CommandKind;
pub use syntax::Syntax;
pub use text_template::TextTemplate;
pub use toml::{describe_error as toml_error, quote_text as toml_string};
pub use yaml::plain_type;

use crate::text::cell_spans::CellSpans;
use crate::text::source::{SourceFile, Span};
use code_calls::Calls;
use node::DecodedText;
use node_list::{DecodedTexts, NodeList};
use scalar_text::without_quotes;
use shell_commands::ScriptWords;
use std::sync::Arc;

/// Bytes of text per mapping entry, by which the list of entries is allocated.
const BYTES_PER_ENTRY: usize = 24;

/// The most entries that are allocated in advance.
const MAX_CAPACITY: usize = 1 << 12;

/// The reason why a file does not parse. The message never contains text of the file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SyntaxError {
    /// The span of the error.
    pub span: Span,
    /// The description of the error.
    pub message: String,
    /// The advice for the user.
    pub help: Option<String>,
}

/// A parsed file.
#[derive(Debug)]
pub struct Document {
    source: Arc<SourceFile>,
    syntax: Syntax,
    nodes: NodeList,
    /// The entries of all mappings.
    entries: Vec<(NodeId, NodeId)>,
    /// The items of all sequences.
    items: Vec<NodeId>,
    /// The values that are written differently, for example with escapes or folds.
    texts: DecodedTexts,
    /// The words of a script that are not in the file as they are.
    script_words: ScriptWords,
    /// The variables that a script assigns.
    shell_assignments: ShellAssignments,
    /// The calls in code.
    calls: Calls,
    /// Whether a part of the code was not read.
    is_incomplete: bool,
    /// The cells of a notebook.
    cells: CellSpans,
    roots: Vec<NodeId>,
    duplicates: Vec<DuplicateKey>,
    has_aliases: bool,
    /// Whether the text may contain merge keys.
    has_merge_keys: bool,
    has_flow_mappings: bool,
    has_unusual_keys: bool,
    /// The parts of a YAML file that not all readers accept.
    unusual: yaml::UnusualParts,
    /// The number of scalars with braces.
    braces_count: usize,
    /// An offset, and that of the first `{` after it.
    next_brace: (usize, usize),
}

impl Document {
    /// Parses a text.
    ///
    /// # Errors Returns the first error. [`Document::duplicates`] returns the duplicate keys of
    /// YAML and JSON.
    pub fn parse(source: Arc<SourceFile>, syntax: Syntax) -> Result<Self, SyntaxError> {
        let nul = memchr::memchr(0, source.text().as_bytes());
        if let Some(at) = nul.filter(|_| !syntax.is_script()) {
            return Err(SyntaxError {
                span: Span::new(at, at + 1),
                message: format!("a {} file must not contain NUL bytes", syntax.name()),
                help: Some("save the file as UTF-8 text: it is binary or truncated".into()),
            });
        }
        let document = Self::read(source, syntax)?;
        if syntax == Syntax::Yaml {
            yaml::refuse_other_trees(&document)?;
        }
        Ok(document)
    }

    /// Parses a text without checking it for NUL bytes and ambiguous line breaks.
    fn read(source: Arc<SourceFile>, syntax: Syntax) -> Result<Self, SyntaxError> {
        #[cfg(test)]
        crate::counters::record(crate::counters::Fact::Document);
        let mut document = Self::empty(source, syntax);
        match syntax {
            Syntax::Yaml => yaml::read(&mut document)?,
            Syntax::Toml => toml::read(&mut document)?,
            Syntax::Json => json::read(&mut document)?,
            Syntax::Script(host) => shell_commands::read(&mut document, host)?,
        }
        // Code may write a key twice, for example in the branches of a condition.
        if !syntax.is_script() {
            document.duplicates = document.duplicate_keys();
        }
        Ok(document)
    }

    /// Creates a document without nodes.
    fn empty(source: Arc<SourceFile>, syntax: Syntax) -> Self {
        let has_merge_keys = syntax == Syntax::Yaml
            && memchr::memmem::find(source.text().as_bytes(), b"<<").is_some();
        // A script has few nodes, whatever its length.
        let len = if syntax.is_script() {
            0
        } else {
            source.text().len()
        };
        Self {
            nodes: NodeList::for_text(len),
            source,
            syntax,
            entries: Vec::with_capacity((len / BYTES_PER_ENTRY).min(MAX_CAPACITY)),
            items: Vec::new(),
            texts: DecodedTexts::default(),
            script_words: ScriptWords::default(),
            shell_assignments: ShellAssignments::default(),
            calls: Calls::default(),
            is_incomplete: false,
            cells: CellSpans::default(),
            roots: Vec::new(),
            duplicates: Vec::new(),
            has_aliases: false,
            has_merge_keys,
            has_flow_mappings: false,
            has_unusual_keys: false,
            unusual: yaml::UnusualParts::default(),
            braces_count: 0,
            next_brace: (0, 0),
        }
    }

    /// Returns the file.
    pub fn source(&self) -> &Arc<SourceFile> {
        &self.source
    }

    /// Returns the syntax of the file.
    pub fn syntax(&self) -> Syntax {
        self.syntax
    }

    /// Returns the root node of each document in the file. Only YAML can have several.
    pub fn roots(&self) -> &[NodeId] {
        &self.roots
    }

    /// Returns the keys that occur a second time in their mapping, in the order of the file.
    pub fn duplicates(&self) -> &[DuplicateKey] {
        &self.duplicates
    }

    /// Returns the variables that a script assigns. They are empty for other syntaxes.
    pub fn shell_assignments(&self) -> &ShellAssignments {
        &self.shell_assignments
    }

    /// Returns whether a part of the code was not read, because it is too long or too deep. It may
    /// contain more references.
    pub fn is_incomplete(&self) -> bool {
        self.is_incomplete
    }

    /// Returns the cells of a notebook. They are empty for other files.
    pub fn cells(&self) -> &CellSpans {
        &self.cells
    }

    /// Returns a node.
    pub fn node(&self, id: NodeId) -> Node {
        self.nodes.get(id)
    }

    /// Returns all nodes with their ids, in the order in which they begin.
    pub fn nodes(&self) -> impl Iterator<Item = (NodeId, Node)> {
        self.nodes_from(NodeId(0))
    }

    /// Returns a node and all nodes after it, with their ids.
    pub fn nodes_from(&self, first: NodeId) -> impl Iterator<Item = (NodeId, Node)> {
        (first.0..).map(NodeId).zip(self.nodes.iter_from(first))
    }

    /// Returns whether the document contains a mapping that is written with braces.
    pub fn has_flow_mappings(&self) -> bool {
        self.has_flow_mappings
    }

    /// Returns whether a key is a collection or an alias, or has braces.
    pub fn has_unusual_keys(&self) -> bool {
        self.has_unusual_keys
    }

    /// Returns the number of scalars whose value contains `{{` or starts with `{`.
    pub fn braces_count(&self) -> usize {
        self.braces_count
    }

    /// Returns the number of nodes.
    pub fn node_count(&self) -> usize {
        self.nodes.len()
    }

    fn last_node(&self) -> Option<Node> {
        self.nodes.last()
    }

    /// Returns whether the document contains an alias.
    pub fn has_aliases(&self) -> bool {
        self.has_aliases
    }

    /// Returns the scalar at a node or at the target of an alias. Returns `None` for a collection.
    pub fn scalar(&self, id: NodeId) -> Option<Scalar> {
        match self.node(self.target(id)).kind {
            NodeKind::Scalar(scalar) => Some(scalar),
            _ => None,
        }
    }

    /// Returns the decoded value of a scalar or of an alias's target. Returns `None` for a
    /// collection.
    pub fn text(&self, id: NodeId) -> Option<&str> {
        let mut node = self.node(id);
        if let NodeKind::Alias(target) = node.kind {
            node = self.node(target);
        }
        let NodeKind::Scalar(scalar) = node.kind else {
            return None;
        };
        Some(match scalar.value {
            DecodedText::Verbatim(quotes) => self.source.slice(without_quotes(node.span, quotes)),
            DecodedText::Decoded(index) => self.texts.get(index),
        })
    }

    /// Returns the node that an alias refers to, or the node itself.
    pub fn target(&self, id: NodeId) -> NodeId {
        match self.node(id).kind {
            // An alias cannot have an anchor, so its target is never another alias.
            NodeKind::Alias(target) => target,
            _ => id,
        }
    }

    /// Returns the entries of a mapping or of an alias's target. Returns `None` for other nodes.
    pub fn entries(&self, id: NodeId) -> Option<&[(NodeId, NodeId)]> {
        match self.node(self.target(id)).kind {
            NodeKind::Mapping { entries, .. } => Some(self.entries_in(entries)),
            _ => None,
        }
    }

    /// Returns the items of a sequence or of an alias's target. Returns `None` for other nodes.
    pub fn items(&self, id: NodeId) -> Option<&[NodeId]> {
        match self.node(self.target(id)).kind {
            NodeKind::Sequence(items) => Some(self.items_in(items)),
            _ => None,
        }
    }

    /// Returns the entries of a mapping, as its node refers to them.
    pub fn entries_in(&self, entries: ChildRange) -> &[(NodeId, NodeId)] {
        entries.slice(&self.entries)
    }

    /// Returns the items of a sequence, as its node refers to them.
    pub fn items_in(&self, items: ChildRange) -> &[NodeId] {
        items.slice(&self.items)
    }

    /// Returns the key and the value of the first entry of a mapping with this key.
    pub fn get(&self, mapping: NodeId, name: &str) -> Option<(NodeId, NodeId)> {
        let entries = self.entries(mapping)?;
        entries
            .iter()
            .copied()
            .find(|&(key, _)| self.text(key) == Some(name))
    }

    /// Returns the span of a YAML node's tag and anchor, which are not part of the node's span.
    /// Returns `None` if it has neither.
    pub fn properties(&self, id: NodeId) -> Option<Span> {
        match self.syntax {
            Syntax::Yaml => yaml::properties(self.source.text(), self.node(id).span),
            Syntax::Toml | Syntax::Json | Syntax::Script(_) => None,
        }
    }
}
