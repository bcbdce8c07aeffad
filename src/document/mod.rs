//! One parsed file as a tree of spanned nodes, the same for YAML, TOML, JSON and the commands of a script.
//!
//! A [`Document`] is an arena: nodes refer to each other by [`NodeId`], so that aliases (and cycles of them) cost nothing
//! and no depth of nesting overflows a stack. Every scalar has its decoded value, its style and, on request, a map from
//! decoded to source offsets. Each syntax is read in its own file below this one, where its quoting rules stay.
//!
//! Not here: what the keys mean (`stack`), and what a reference is (`reference`).

mod brackets;
pub mod directives;
mod edits;
mod insert;
mod json;
mod nodes;
mod offsets;
mod shell_commands;
mod toml;
mod yaml;

pub use edits::{Edit, apply};
pub use insert::{NewValue, format_name_map};
use nodes::{DecodedTexts, NodeList};
pub use offsets::OffsetMap;
pub use shell_commands::COMMAND;
pub use toml::{describe_error as toml_error, quote_text as toml_string};
pub use yaml::plain_type;

use crate::text::source::{SourceFile, Span, floor_char_boundary};
use crate::zenml::flavors;
use std::collections::{HashMap, HashSet};
use std::ops::Range;
use std::path::Path;
use std::sync::Arc;
use zeroize::Zeroizing;

/// Bytes of a key that are kept in a path.
const MAX_PATH_SEGMENT_BYTES: usize = 1_000;

/// The largest mapping whose keys are compared with each other instead of hashed.
const MAX_COMPARED_KEYS: usize = 8;

/// The three syntaxes of a stack file, and text with commands in it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Syntax {
    /// YAML 1.2, as far as YAML 1.1 readers agree.
    Yaml,
    /// TOML 1.1.
    Toml,
    /// JSON as in RFC 8259, without comments.
    Json,
    /// Any text, of which the `zenml` commands are read.
    Script,
}

impl Syntax {
    /// The syntax of a file ending, in lower case as the file systems of teams have it.
    pub fn from_path(path: &Path) -> Option<Self> {
        const EXTENSIONS: [(&[u8], Syntax); 4] =
            [(b".yaml", Syntax::Yaml), (b".yml", Syntax::Yaml), (b".toml", Syntax::Toml), (b".json", Syntax::Json)];
        // The walk calls this for every name, and comparing the end of a path is cheaper than parsing it.
        let mut bytes = path.as_os_str().as_encoded_bytes();
        while let Some(rest) = bytes.strip_suffix(b"/") {
            bytes = rest;
        }
        let (stem, syntax) =
            EXTENSIONS.iter().find_map(|&(extension, syntax)| Some((bytes.strip_suffix(extension)?, syntax)))?;
        // `.yaml` is a hidden file without an extension.
        stem.last().is_some_and(|&byte| byte != b'/').then_some(syntax)
    }

    /// Returns the syntax of a text that has no file name: JSON if it is JSON, TOML if its first line with content is a table's
    /// header or `key = value`, else YAML.
    pub fn detect(text: &str) -> Self {
        if serde_json::from_str::<serde::de::IgnoredAny>(text).is_ok() {
            return Self::Json;
        }
        let lines = text.trim_start_matches('\u{feff}').lines().map(str::trim);
        let first = lines.into_iter().find(|line| !line.is_empty() && !line.starts_with('#')).unwrap_or_default();
        let is_header = first.starts_with('[') && first.split('#').next().unwrap_or_default().trim_end().ends_with(']');
        let is_entry = first.split_once('=').is_some_and(|(key, _)| {
            let key = key.trim().trim_matches(['"', '\'']);
            !key.is_empty()
                && key.chars().all(|c| c.is_alphanumeric() || matches!(c, '_' | '-' | '.' | '"' | '\'' | ' '))
        });
        if is_header || is_entry { Self::Toml } else { Self::Yaml }
    }

    /// The name that people use.
    pub fn name(self) -> &'static str {
        match self {
            Self::Yaml => "YAML",
            Self::Toml => "TOML",
            Self::Json => "JSON",
            Self::Script => "script",
        }
    }
}

/// Index of a node in its document.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct NodeId(u32);

impl NodeId {
    /// Returns the index of the node in its document.
    pub fn index(self) -> usize {
        self.0 as usize
    }
}

/// How a scalar is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Style {
    /// Without quotes: a YAML plain scalar, a number, a boolean, a bare TOML key.
    Plain,
    /// `'…'` of YAML.
    SingleQuoted,
    /// `"…"` of YAML and JSON.
    DoubleQuoted,
    /// `|` of YAML.
    LiteralBlock,
    /// `>` of YAML.
    FoldedBlock,
    /// `"…"` of TOML.
    Basic,
    /// `"""…"""` of TOML.
    MultilineBasic,
    /// `'…'` of TOML.
    Literal,
    /// `'''…'''` of TOML.
    MultilineLiteral,
}

/// What a scalar is to its readers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ScalarType {
    /// A string to YAML 1.1 and 1.2 alike.
    String,
    /// Null, or nothing at all.
    Null,
    /// A boolean, a number, a date: to at least one reader.
    Other,
    /// Under a tag that no standard defines (`!vault`): only its owner knows.
    Tagged,
}

/// A scalar: its decoded value and how it is written.
#[derive(Clone, Copy, Debug)]
pub struct Scalar {
    value: DecodedText,
    /// How it is written.
    pub style: Style,
    /// What it is to its readers.
    pub ty: ScalarType,
    /// Whether it has the tag `!`: a string to readers of YAML 1.2, and to those of 1.1 what it looks like.
    pub non_specific: bool,
    /// Whether it stands inside a flow collection, an inline table or JSON, where indentation means nothing.
    pub flow: bool,
}

/// A decoded value: a slice of the source where nothing was decoded, so that a huge scalar is not held twice.
#[derive(Clone, Copy, Debug)]
enum DecodedText {
    /// The text of the node, without this many bytes (the quotes) on both sides.
    Verbatim(u8),
    /// The index of the text in [`DecodedTexts`].
    Decoded(u32),
}

/// The children of a collection: a range in the document's list of all entries or all items.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct ChildRange {
    start: u32,
    end: u32,
}

impl ChildRange {
    fn slice<T>(self, all: &[T]) -> &[T] {
        all.get(self.start as usize..self.end as usize).unwrap_or_default()
    }
}

/// What a node is.
#[derive(Clone, Copy, Debug)]
pub enum NodeKind {
    /// A string, number, boolean or null.
    Scalar(Scalar),
    /// Keys and values in the order of the file.
    Mapping {
        /// The pairs of key and value, for [`Document::entries_in`].
        entries: ChildRange,
        /// Written with braces.
        flow: bool,
    },
    /// A list, whose items [`Document::items_in`] returns.
    Sequence(ChildRange),
    /// `*name`, with the node that it stands for.
    Alias(NodeId),
}

/// A node with its place.
#[derive(Clone, Copy, Debug)]
pub struct Node {
    /// The node's own text: quotes and block header included, anchor and tag not.
    pub span: Span,
    /// What it is.
    pub kind: NodeKind,
    /// Whether it is a mapping key.
    pub key: bool,
    parent: NodeId,
    /// The index among the entries or items of the parent.
    slot: u32,
}

impl Node {
    /// Returns the parent and the index among the parent's children. Returns `None` for a root.
    fn parent(&self) -> Option<(NodeId, u32)> {
        (self.parent != NO_PARENT).then_some((self.parent, self.slot))
    }
}

/// The parent of a root.
const NO_PARENT: NodeId = NodeId(u32::MAX);

/// Why a file does not parse, in plain words that hold none of its text.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SyntaxError {
    /// The parser's place.
    pub span: Span,
    /// What is wrong.
    pub message: String,
    /// What to do.
    pub help: Option<String>,
}

/// A key that stands twice in one mapping.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DuplicateKey {
    /// At the second of the two.
    pub error: SyntaxError,
    /// Whether it lies in the value of a sensitive attribute, where a forgotten blank makes keys of passwords.
    pub redact: bool,
}

/// Other text for some bytes of a scalar's decoded value.
pub struct Replacement<'t> {
    /// Which bytes.
    pub range: Range<usize>,
    /// What comes in their place.
    pub text: &'t str,
}

/// A parsed file.
#[derive(Debug)]
pub struct Document {
    source: Arc<SourceFile>,
    syntax: Syntax,
    nodes: NodeList,
    /// The entries of all mappings.
    entries: Vec<(NodeId, NodeId)>,
    /// The items of all lists.
    items: Vec<NodeId>,
    /// The values that are written differently, for example with escapes or folds.
    texts: DecodedTexts,
    roots: Vec<NodeId>,
    duplicates: Vec<DuplicateKey>,
    has_aliases: bool,
}

impl Document {
    /// Parses a text.
    ///
    /// # Errors
    /// The first thing that makes it invalid. Duplicate keys of YAML and JSON are told by [`Document::duplicates`].
    pub fn parse(source: Arc<SourceFile>, syntax: Syntax) -> Result<Self, SyntaxError> {
        let nul = memchr::memchr(0, source.text().as_bytes());
        if let Some(at) = nul.filter(|_| syntax != Syntax::Script) {
            return Err(SyntaxError {
                span: Span::new(at, at + 1),
                message: format!("a NUL byte, which no {} file may hold", syntax.name()),
                help: Some("this is a binary file, or one that was cut off; save it as UTF-8 text".into()),
            });
        }
        let document = Self::read(source, syntax)?;
        if syntax == Syntax::Yaml {
            yaml::refuse_other_trees(&document)?;
        }
        Ok(document)
    }

    /// Parses a text of which NUL bytes and line breaks are not checked.
    fn read(source: Arc<SourceFile>, syntax: Syntax) -> Result<Self, SyntaxError> {
        let mut document = Self::empty(source, syntax);
        match syntax {
            Syntax::Yaml => yaml::read(&mut document)?,
            Syntax::Toml => toml::read(&mut document)?,
            Syntax::Json => json::read(&mut document)?,
            Syntax::Script => shell_commands::read(&mut document)?,
        }
        document.link_parents();
        document.duplicates = document.duplicate_keys();
        Ok(document)
    }

    /// Creates a document without nodes.
    fn empty(source: Arc<SourceFile>, syntax: Syntax) -> Self {
        Self {
            nodes: NodeList::for_text(source.text()),
            source,
            syntax,
            entries: Vec::new(),
            items: Vec::new(),
            texts: DecodedTexts::default(),
            roots: Vec::new(),
            duplicates: Vec::new(),
            has_aliases: false,
        }
    }

    /// The file.
    pub fn source(&self) -> &Arc<SourceFile> {
        &self.source
    }

    /// Its syntax.
    pub fn syntax(&self) -> Syntax {
        self.syntax
    }

    /// The root node of each document in the file: several in YAML, at most one elsewhere.
    pub fn roots(&self) -> &[NodeId] {
        &self.roots
    }

    /// Keys that stand twice in one mapping, in the order of the file.
    pub fn duplicates(&self) -> &[DuplicateKey] {
        &self.duplicates
    }

    /// Returns a node.
    pub fn node(&self, id: NodeId) -> Node {
        self.nodes.get(id)
    }

    /// All nodes with their ids, in the order in which they begin.
    pub fn nodes(&self) -> impl Iterator<Item = (NodeId, Node)> {
        self.nodes_from(NodeId(0))
    }

    /// The last node in the order of the file.
    fn last_node(&self) -> Option<Node> {
        self.nodes.last()
    }

    /// Returns whether the document contains an alias.
    pub fn has_aliases(&self) -> bool {
        self.has_aliases
    }

    /// Returns the entries of a mapping, as its node refers to them.
    pub fn entries_in(&self, entries: ChildRange) -> &[(NodeId, NodeId)] {
        entries.slice(&self.entries)
    }

    /// Returns the items of a list, as its node refers to them.
    pub fn items_in(&self, items: ChildRange) -> &[NodeId] {
        items.slice(&self.items)
    }

    /// The nodes that begin at or after this one.
    pub fn nodes_from(&self, first: NodeId) -> impl Iterator<Item = (NodeId, Node)> {
        (first.0..).map(NodeId).zip(self.nodes.iter_from(first))
    }

    /// The scalar at a node, aliases followed.
    pub fn scalar(&self, id: NodeId) -> Option<Scalar> {
        match self.node(self.target(id)).kind {
            NodeKind::Scalar(scalar) => Some(scalar),
            _ => None,
        }
    }

    /// The decoded value of a scalar, aliases followed; nothing for a collection.
    pub fn text(&self, id: NodeId) -> Option<&str> {
        let mut node = self.node(id);
        if let NodeKind::Alias(target) = node.kind {
            node = self.node(target);
        }
        let NodeKind::Scalar(scalar) = node.kind else { return None };
        Some(match scalar.value {
            DecodedText::Verbatim(quotes) => self.source.slice(without_quotes(node.span, quotes)),
            DecodedText::Decoded(index) => self.texts.get(index),
        })
    }

    /// The node that an alias stands for, or the node itself.
    pub fn target(&self, id: NodeId) -> NodeId {
        match self.node(id).kind {
            // Aliases point at anchored nodes, and an alias cannot have an anchor: one step is enough.
            NodeKind::Alias(target) => target,
            _ => id,
        }
    }

    /// The entries of a mapping, aliases followed.
    pub fn entries(&self, id: NodeId) -> Option<&[(NodeId, NodeId)]> {
        match self.node(self.target(id)).kind {
            NodeKind::Mapping { entries, .. } => Some(self.entries_in(entries)),
            _ => None,
        }
    }

    /// The items of a sequence, aliases followed.
    pub fn items(&self, id: NodeId) -> Option<&[NodeId]> {
        match self.node(self.target(id)).kind {
            NodeKind::Sequence(items) => Some(self.items_in(items)),
            _ => None,
        }
    }

    /// The entry of a mapping whose key is `name`: key and value.
    pub fn get(&self, mapping: NodeId, name: &str) -> Option<(NodeId, NodeId)> {
        let entries = self.entries(mapping)?;
        entries.iter().copied().find(|&(key, _)| self.text(key) == Some(name))
    }

    /// Whether a key is YAML's merge key `<<`; quoted it is a string like any other.
    pub fn is_merge_key(&self, key: NodeId) -> bool {
        if self.syntax != Syntax::Yaml {
            return false;
        }
        let node = self.node(self.target(key));
        let is_plain = matches!(node.kind, NodeKind::Scalar(scalar) if scalar.style == Style::Plain);
        is_plain && node.span.len() == 2 && self.source.slice(node.span) == "<<"
    }

    /// The entries of a mapping with `<<` applied as `PyYAML` does: own keys win, then the merged mappings in order, those of a
    /// second merge key first.
    /// `budget` bounds the work over a whole file, as merges can multiply; nothing when it is spent.
    pub fn merged_entries(&self, mapping: NodeId, budget: &mut usize) -> Option<Vec<(NodeId, NodeId)>> {
        let own = self.entries(mapping)?;
        // What stands in the file is paid for by its length; what aliases and merges bring again is not.
        if self.target(mapping) != mapping {
            *budget = budget.checked_sub(own.len() + 1)?;
        }
        if !own.iter().any(|&(key, _)| self.is_merge_key(key)) {
            return Some(own.to_vec());
        }
        let mut all = Vec::new();
        let mut seen = HashSet::new();
        let mut open = vec![self.target(mapping)];
        let mut visited = HashSet::new();
        while let Some(next) = open.pop() {
            if !visited.insert(next) {
                continue;
            }
            let entries = self.entries(next).unwrap_or_default();
            *budget = budget.checked_sub(entries.len() + 1)?;
            let mut merged = Vec::new();
            for &(key, value) in entries {
                if self.is_merge_key(key) {
                    *budget = budget.checked_sub(self.items(value).map_or(1, <[NodeId]>::len))?;
                    // Of two merge keys the last wins, of the mappings in one list the first.
                    match self.items(value) {
                        Some(items) => merged.extend(items.iter().rev().map(|&item| self.target(item))),
                        None => merged.push(self.target(value)),
                    }
                } else if self.text(key).is_none_or(|text| seen.insert(text)) {
                    all.push((key, value));
                }
            }
            open.extend(merged);
        }
        Some(all)
    }

    /// Where the item of the root begins that a node is, or is in.
    pub fn root_item_start(&self, id: NodeId) -> usize {
        let mut at = id;
        while let Some((parent, _)) = self.node(at).parent().filter(|&(parent, _)| self.node(parent).parent().is_some())
        {
            at = parent;
        }
        self.node(at).span.start
    }

    /// Returns the key of a node that is the value of a mapping's entry; `None` for other nodes, and in scripts.
    pub fn key_for_value(&self, id: NodeId) -> Option<NodeId> {
        let node = self.node(id);
        let (parent, slot) = node.parent().filter(|_| !node.key)?;
        match self.node(parent).kind {
            NodeKind::Mapping { entries, .. } if self.syntax != Syntax::Script => {
                self.entries_in(entries).get(slot as usize).map(|&(key, _)| key)
            }
            _ => None,
        }
    }

    /// What stands beside a node and belongs to it: in YAML its tag and its anchor.
    pub fn properties(&self, id: NodeId) -> Option<Span> {
        match self.syntax {
            Syntax::Yaml => yaml::properties(self.source.text(), self.node(id).span),
            Syntax::Toml | Syntax::Json | Syntax::Script => None,
        }
    }

    /// The path of a node from its root, for people: keys and indices, joined with dots.
    pub fn path(&self, id: NodeId) -> String {
        let mut steps = Vec::new();
        let mut at = id;
        while let Some((parent, slot)) = self.node(at).parent() {
            match self.node(parent).kind {
                NodeKind::Mapping { entries, .. } => {
                    let key = self.entries_in(entries).get(slot as usize).and_then(|&(key, _)| self.text(key));
                    // Thousands of scalars may stand below one long key.
                    let key = key.unwrap_or("?");
                    steps.push(
                        key.get(..floor_char_boundary(key, MAX_PATH_SEGMENT_BYTES)).unwrap_or_default().to_owned(),
                    );
                }
                _ => steps.push(slot.to_string()),
            }
            at = parent;
        }
        steps.reverse();
        steps.join(".")
    }

    /// The changes to the source that make a scalar hold other text in some places; `parts` are sorted and do not overlap.
    /// Bytes outside the scalar stay. The caller parses the result and compares.
    pub fn encode(&self, id: NodeId, parts: &[Replacement<'_>]) -> Vec<Edit> {
        let id = self.target(id);
        let (Some(scalar), Some(old)) = (self.scalar(id), self.text(id)) else {
            return Vec::new();
        };
        let span = self.node(id).span;
        let offsets = self.offsets(id);
        let value = replace_parts(old, parts);
        match self.syntax {
            Syntax::Json => json::encode(span, &offsets, parts, &value),
            Syntax::Toml => {
                let (raw, style) = (self.source.slice(span), scalar.style);
                toml::encode(&toml::TomlTarget { raw, span, style, old, offsets: &offsets }, parts, &value)
            }
            Syntax::Yaml => {
                let (text, style, flow) = (self.source.text(), scalar.style, scalar.flow);
                yaml::encode(&yaml::YamlTarget { text, span, style, flow, old, offsets: &offsets }, parts, &value)
            }
            Syntax::Script => Vec::new(),
        }
    }

    /// Whether another document is this one with some scalars holding other text: the same nodes in the same order, of the
    /// same kinds and types, aliases to the same places. The first node that differs, if one does. YAML is compared as
    /// readers of YAML 1.2 and as readers of YAML 1.1 break its lines.
    pub fn find_difference(&self, other: &Self, changed: &HashMap<NodeId, Zeroizing<String>>) -> Option<NodeId> {
        self.find_difference_once(other, changed).or_else(|| {
            let (own_1_1, other_1_1) = (self.parse_as_yaml_1_1(), other.parse_as_yaml_1_1());
            if own_1_1.is_none() && other_1_1.is_none() {
                return None;
            }
            own_1_1.as_ref().unwrap_or(self).find_difference_once(other_1_1.as_ref().unwrap_or(other), changed)
        })
    }

    fn find_difference_once(&self, other: &Self, changed: &HashMap<NodeId, Zeroizing<String>>) -> Option<NodeId> {
        self.first_difference(other, |id, own, node| {
            let expected = changed.get(&id).map(|value| value.as_str()).or_else(|| self.text(id));
            own.ty == node.ty && other.text(id) == expected
        })
    }

    /// Returns whether another document has the same nodes, and scalars of the same styles and types.
    fn has_shape_of(&self, other: &Self) -> bool {
        let same = |_, own: &Scalar, node: &Scalar| {
            (own.style, own.ty, own.non_specific) == (node.style, node.ty, node.non_specific)
        };
        self.first_difference(other, same).is_none()
    }

    /// Returns the first node that is not of the same kind in another document, or a scalar that is not the same.
    fn first_difference(&self, other: &Self, is_same: impl Fn(NodeId, &Scalar, &Scalar) -> bool) -> Option<NodeId> {
        let same = |id: NodeId, own: &Node, node: &Node| match (&own.kind, &node.kind) {
            (NodeKind::Scalar(a), NodeKind::Scalar(b)) => is_same(id, a, b),
            (NodeKind::Mapping { entries: a, .. }, NodeKind::Mapping { entries: b, .. }) => {
                self.entries_in(*a) == other.entries_in(*b)
            }
            (NodeKind::Sequence(a), NodeKind::Sequence(b)) => self.items_in(*a) == other.items_in(*b),
            (NodeKind::Alias(a), NodeKind::Alias(b)) => a == b,
            _ => false,
        };
        let mut pairs = self.nodes().zip(other.nodes());
        let differing = pairs.find(|((id, own), (_, node))| !same(*id, own, node)).map(|((id, _), _)| id);
        let counts = self.nodes.len() == other.nodes.len() && self.roots == other.roots;
        differing.or(if counts { None } else { Some(NodeId(0)) })
    }

    fn parse_as_yaml_1_1(&self) -> Option<Self> {
        if self.syntax == Syntax::Yaml { yaml::parse_as_yaml_1_1(self) } else { None }
    }

    /// Returns whether a scalar of YAML is written with a character that ends a line in YAML 1.1 and not in YAML 1.2.
    pub fn has_ambiguous_break(&self, id: NodeId) -> bool {
        self.syntax == Syntax::Yaml && yaml::has_disputed_break(self.source.slice(self.node(self.target(id)).span))
    }

    /// The map from decoded to source offsets of a scalar.
    pub fn offsets(&self, id: NodeId) -> OffsetMap {
        let id = self.target(id);
        let span = self.node(id).span;
        let (Some(scalar), Some(value)) = (self.scalar(id), self.text(id)) else {
            return OffsetMap::opaque(span);
        };
        if let DecodedText::Verbatim(quotes) = scalar.value {
            return OffsetMap::from_verbatim(without_quotes(span, quotes));
        }
        let raw = self.source.slice(span);
        let pieces = match self.syntax {
            Syntax::Yaml => yaml::decode(raw, scalar.style, value),
            Syntax::Toml => toml::decode(raw, scalar.style),
            Syntax::Json => json::decode(raw),
            Syntax::Script => shell_commands::decode(raw, scalar.style),
        };
        pieces.finish(span, value)
    }

    fn add(&mut self, span: Span, kind: NodeKind) -> Result<NodeId, SyntaxError> {
        self.has_aliases |= matches!(kind, NodeKind::Alias(_));
        self.nodes.push(Node { span, kind, key: false, parent: NO_PARENT, slot: 0 }).ok_or_else(|| SyntaxError {
            span,
            message: "the file is too large: more than 4 GiB or two billion values".into(),
            help: None,
        })
    }

    /// Adds a mapping whose entries follow with [`Document::finish_mapping`].
    fn add_mapping(&mut self, span: Span, flow: bool) -> Result<NodeId, SyntaxError> {
        self.add(span, NodeKind::Mapping { entries: ChildRange::default(), flow })
    }

    /// Adds a list whose items follow with [`Document::finish_list`].
    fn add_list(&mut self, span: Span) -> Result<NodeId, SyntaxError> {
        self.add(span, NodeKind::Sequence(ChildRange::default()))
    }

    fn add_scalar(&mut self, span: Span, value: &str, style: Style, ty: ScalarType) -> Result<NodeId, SyntaxError> {
        let value = match self.quote_len(span, value) {
            Some(quotes) => DecodedText::Verbatim(quotes),
            None => DecodedText::Decoded(self.texts.push(value)),
        };
        self.add(span, NodeKind::Scalar(Scalar { value, style, ty, non_specific: false, flow: false }))
    }

    /// Returns the length of the quotes around the value if the source contains the value as it is, or 0 if it has no
    /// quotes. Returns `None` if the source spells the value differently.
    fn quote_len(&self, span: Span, value: &str) -> Option<u8> {
        let raw = self.source.slice(span);
        let quotes = match raw.len().checked_sub(value.len())? {
            0 => 0,
            2 => 1,
            6 => 3,
            _ => return None,
        };
        (self.source.slice(without_quotes(span, quotes)) == value).then_some(quotes)
    }

    /// Sets the end and the entries of a mapping.
    fn finish_mapping(&mut self, id: NodeId, end: usize, entries: &[(NodeId, NodeId)]) {
        let entries = append_children(&mut self.entries, entries);
        if let NodeKind::Mapping { flow, .. } = self.node(id).kind {
            self.nodes.finish_collection(id, end, NodeKind::Mapping { entries, flow });
        }
    }

    /// Sets the end and the items of a list.
    fn finish_list(&mut self, id: NodeId, end: usize, items: &[NodeId]) {
        let items = append_children(&mut self.items, items);
        self.nodes.finish_collection(id, end, NodeKind::Sequence(items));
    }

    /// Tells every node its parent, and every scalar whether it is a key and whether it stands in flow context.
    fn link_parents(&mut self) {
        // Parents precede their children, so a parent is linked before its children.
        for id in (0u32..).map(NodeId).take(self.nodes.len()) {
            let node = self.node(id);
            match node.kind {
                NodeKind::Mapping { entries, flow } => {
                    let pairs = entries.slice(&self.entries);
                    for (&(key, value), slot) in pairs.iter().zip(0u32..) {
                        self.nodes.set_parent(key, (id, slot), true, flow);
                        // The children of a collection that is a key are part of that key.
                        self.nodes.set_parent(value, (id, slot), node.key, flow);
                    }
                }
                NodeKind::Sequence(items) => {
                    let flow = self.source.slice(node.span).starts_with('[');
                    let items = items.slice(&self.items);
                    for (&item, slot) in items.iter().zip(0u32..) {
                        self.nodes.set_parent(item, (id, slot), node.key, flow);
                    }
                }
                NodeKind::Scalar(_) | NodeKind::Alias(_) => {}
            }
        }
    }

    /// YAML readers take the last of two equal keys in silence, so one of two passwords is lost: an error here, as it is in
    /// TOML. Keys of other types are told apart from strings (`1` and `"1"`).
    fn duplicate_keys(&self) -> Vec<DuplicateKey> {
        let mut duplicates = Vec::new();
        for (_, node) in self.nodes() {
            let NodeKind::Mapping { entries, .. } = node.kind else {
                continue;
            };
            let entries = self.entries_in(entries);
            // Most mappings are small: comparing their keys is cheaper than hashing them.
            if entries.len() <= MAX_COMPARED_KEYS && !self.has_duplicates(entries) {
                continue;
            }
            let mut seen = HashMap::with_capacity(entries.len());
            for &(key, _) in entries {
                let (Some(scalar), Some(text)) = (self.scalar(key), self.text(key)) else {
                    continue;
                };
                let first = *seen.entry((text, scalar.ty == ScalarType::String)).or_insert(key);
                if first != key {
                    duplicates.push(self.duplicate_key(first, key, text));
                }
            }
        }
        duplicates
    }

    /// Returns whether two keys of a small mapping have the same text.
    fn has_duplicates(&self, entries: &[(NodeId, NodeId)]) -> bool {
        let mut seen = [None; MAX_COMPARED_KEYS];
        (0..).zip(entries).any(|(count, &(key, _))| {
            let text = self.text(key);
            let is_known = text.is_some() && seen.iter().take(count).any(|known| *known == text);
            if let Some(slot) = seen.get_mut(count) {
                *slot = text;
            }
            is_known
        })
    }

    fn duplicate_key(&self, first: NodeId, key: NodeId, text: &str) -> DuplicateKey {
        let line = self.source.position(self.node(first).span.start).line;
        let path = self.path(key);
        if self.is_merge_key(key) {
            let message = "two merge keys `<<` in one mapping".to_owned();
            let help = format!(
                "the first is on line {line}. YAML 1.2 has no merge keys, and two equal keys are an error there; PyYAML, which \
                 ZenML reads with, merges both mappings, and the last of them wins. Write one merge key with a list, in which the \
                 first wins: `<<: [*a, *b]`"
            );
            let error = SyntaxError { span: self.node(key).span, message, help: Some(help) };
            return DuplicateKey { error, redact: false };
        }
        let conceal = path.split('.').rev().skip(1).any(flavors::may_be_sensitive);
        let name = if conceal { "a key".to_owned() } else { format!("the key `{text}`") };
        let message = format!("{name} stands twice in one mapping");
        let help =
            format!("it stands first on line {line}; readers keep one of the two in silence, so remove or rename one");
        DuplicateKey { error: SyntaxError { span: self.node(key).span, message, help: Some(help) }, redact: conceal }
    }
}

/// Returns the span of a value between its quotes.
fn without_quotes(span: Span, quotes: u8) -> Span {
    let quotes = usize::from(quotes);
    Span::new(span.start + quotes, span.end.saturating_sub(quotes))
}

/// Appends the children of a collection to those of all collections.
fn append_children<T: Copy>(all: &mut Vec<T>, children: &[T]) -> ChildRange {
    // Each child is a node, so the numbers always fit.
    let start = u32::try_from(all.len()).unwrap_or(u32::MAX);
    all.extend_from_slice(children);
    ChildRange { start, end: u32::try_from(all.len()).unwrap_or(u32::MAX) }
}

/// A text with parts of it replaced.
pub fn replace_parts(text: &str, parts: &[Replacement<'_>]) -> Zeroizing<String> {
    let grown: usize = parts.iter().map(|part| part.text.len()).sum();
    let mut out = Zeroizing::new(String::with_capacity(text.len() + grown));
    let mut at = 0;
    for part in parts {
        out.push_str(text.get(at..part.range.start).unwrap_or_default());
        out.push_str(part.text);
        at = part.range.end;
    }
    out.push_str(text.get(at..).unwrap_or_default());
    out
}
