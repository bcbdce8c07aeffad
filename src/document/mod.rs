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
mod offsets;
mod shell_commands;
mod toml;
mod yaml;

pub use edits::{Edit, apply};
pub use insert::{NewValue, format_name_map};
pub use offsets::OffsetMap;
pub use shell_commands::COMMAND;
pub use toml::{describe_error as toml_error, quote_text as toml_string};
pub use yaml::plain_type;

use crate::text::source::{SourceFile, Span, floor_char_boundary};
use crate::zenml::flavors;
use std::collections::{HashMap, HashSet};
use std::fmt;
use std::ops::Range;
use std::path::Path;
use std::sync::Arc;
use zeroize::Zeroizing;

/// Bytes of a key that are kept in a path.
const MAX_PATH_SEGMENT_BYTES: usize = 1_000;

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
        match path.extension()?.to_str()? {
            "yaml" | "yml" => Some(Self::Yaml),
            "toml" => Some(Self::Toml),
            "json" => Some(Self::Json),
            _ => None,
        }
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
#[derive(Debug)]
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
enum DecodedText {
    Verbatim(Span),
    Decoded(Zeroizing<String>),
}

impl fmt::Debug for DecodedText {
    /// It may be a value of an inventory.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Verbatim(span) => write!(f, "Verbatim({span:?})"),
            Self::Decoded(text) => write!(f, "Decoded({} bytes)", text.len()),
        }
    }
}

/// What a node is.
#[derive(Debug)]
pub enum NodeKind {
    /// A string, number, boolean or null.
    Scalar(Scalar),
    /// Keys and values in the order of the file.
    Mapping {
        /// Pairs of key and value.
        entries: Vec<(NodeId, NodeId)>,
        /// Written with braces.
        flow: bool,
    },
    /// A list.
    Sequence(Vec<NodeId>),
    /// `*name`, with the node that it stands for.
    Alias(NodeId),
}

/// A node with its place.
#[derive(Debug)]
pub struct Node {
    /// The node's own text: quotes and block header included, anchor and tag not.
    pub span: Span,
    /// What it is.
    pub kind: NodeKind,
    /// Whether it is a mapping key.
    pub key: bool,
    parent: Option<(NodeId, u32)>,
}

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
    nodes: Vec<Node>,
    roots: Vec<NodeId>,
    duplicates: Vec<DuplicateKey>,
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
        let mut document = Self { source, syntax, nodes: Vec::new(), roots: Vec::new(), duplicates: Vec::new() };
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

    /// A node.
    #[expect(clippy::indexing_slicing, reason = "ids are made only by `add` and never leave their document")]
    pub fn node(&self, id: NodeId) -> &Node {
        &self.nodes[id.0 as usize]
    }

    /// All nodes with their ids, in the order in which they begin.
    pub fn nodes(&self) -> impl Iterator<Item = (NodeId, &Node)> {
        self.nodes_from(NodeId(0))
    }

    /// The last node in the order of the file.
    fn last_node(&self) -> Option<&Node> {
        self.nodes.last()
    }

    /// The nodes that begin at or after this one.
    pub fn nodes_from(&self, first: NodeId) -> impl Iterator<Item = (NodeId, &Node)> {
        (first.0..).map(NodeId).zip(self.nodes.get(first.0 as usize..).unwrap_or_default())
    }

    /// The scalar at a node, aliases followed.
    pub fn scalar(&self, id: NodeId) -> Option<&Scalar> {
        match &self.node(self.target(id)).kind {
            NodeKind::Scalar(scalar) => Some(scalar),
            _ => None,
        }
    }

    /// The decoded value of a scalar, aliases followed; nothing for a collection.
    pub fn text(&self, id: NodeId) -> Option<&str> {
        Some(match &self.scalar(id)?.value {
            DecodedText::Verbatim(span) => self.source.slice(*span),
            DecodedText::Decoded(text) => text,
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
        match &self.node(self.target(id)).kind {
            NodeKind::Mapping { entries, .. } => Some(entries),
            _ => None,
        }
    }

    /// The items of a sequence, aliases followed.
    pub fn items(&self, id: NodeId) -> Option<&[NodeId]> {
        match &self.node(self.target(id)).kind {
            NodeKind::Sequence(items) => Some(items),
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
        self.syntax == Syntax::Yaml
            && self.text(key) == Some("<<")
            && self.scalar(key).is_some_and(|scalar| scalar.style == Style::Plain)
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
        while let Some((parent, _)) = self.node(at).parent.filter(|&(parent, _)| self.node(parent).parent.is_some()) {
            at = parent;
        }
        self.node(at).span.start
    }

    /// Returns the key of a node that is the value of a mapping's entry; `None` for other nodes, and in scripts.
    pub fn key_for_value(&self, id: NodeId) -> Option<NodeId> {
        let node = self.node(id);
        let (parent, slot) = node.parent.filter(|_| !node.key)?;
        match &self.node(parent).kind {
            NodeKind::Mapping { entries, .. } if self.syntax != Syntax::Script => {
                entries.get(slot as usize).map(|&(key, _)| key)
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
        while let Some((parent, slot)) = self.node(at).parent {
            match &self.node(parent).kind {
                NodeKind::Mapping { entries, .. } => {
                    let key = entries.get(slot as usize).and_then(|&(key, _)| self.text(key));
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
            (NodeKind::Mapping { entries: a, .. }, NodeKind::Mapping { entries: b, .. }) => a == b,
            (NodeKind::Sequence(a), NodeKind::Sequence(b)) => a == b,
            (NodeKind::Alias(a), NodeKind::Alias(b)) => a == b,
            _ => false,
        };
        let mut pairs = self.nodes().zip(&other.nodes);
        let differing = pairs.find(|((id, own), node)| !same(*id, own, node)).map(|((id, _), _)| id);
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
        if let DecodedText::Verbatim(span) = scalar.value {
            return OffsetMap::from_verbatim(span);
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
        let id = u32::try_from(self.nodes.len()).map_err(|_| SyntaxError {
            span,
            message: "more than four thousand million values in one file".into(),
            help: None,
        })?;
        self.nodes.push(Node { span, kind, key: false, parent: None });
        Ok(NodeId(id))
    }

    fn add_scalar(&mut self, span: Span, value: &str, style: Style, ty: ScalarType) -> Result<NodeId, SyntaxError> {
        let verbatim = self.verbatim(span, value);
        self.add(
            span,
            NodeKind::Scalar(Scalar {
                value: verbatim
                    .map_or_else(|| DecodedText::Decoded(Zeroizing::new(value.to_owned())), DecodedText::Verbatim),
                style,
                ty,
                non_specific: false,
                flow: false,
            }),
        )
    }

    /// Where in `span` the value stands letter by letter: between quotes, or as the whole.
    fn verbatim(&self, span: Span, value: &str) -> Option<Span> {
        let raw = self.source.slice(span);
        [0, 1, 3].into_iter().find_map(|quotes| {
            let inner = raw.get(quotes..raw.len().checked_sub(quotes)?)?;
            (inner == value).then(|| Span::new(span.start + quotes, span.start + quotes + value.len()))
        })
    }

    fn set_kind(&mut self, id: NodeId, end: usize, kind: NodeKind) {
        if let Some(node) = self.nodes.get_mut(id.0 as usize) {
            node.span = Span::new(node.span.start, end);
            node.kind = kind;
        }
    }

    /// Tells every node its parent, and every scalar whether it is a key and whether it stands in flow context.
    fn link_parents(&mut self) {
        let mut links = Vec::with_capacity(self.nodes.len());
        for (id, node) in self.nodes() {
            match &node.kind {
                NodeKind::Mapping { entries, flow } => {
                    for (&(key, value), slot) in entries.iter().zip(0u32..) {
                        links.push((key, id, slot, true, *flow));
                        links.push((value, id, slot, false, *flow));
                    }
                }
                NodeKind::Sequence(items) => {
                    let flow = self.source.slice(node.span).starts_with('[');
                    links.extend(items.iter().zip(0u32..).map(|(&item, slot)| (item, id, slot, false, flow)));
                }
                _ => {}
            }
        }
        // What stands in a collection that is a key is part of that key. Parents stand before their children.
        links.sort_unstable_by_key(|&(child, ..)| child);
        for (child, parent, slot, is_key, in_flow) in links {
            let is_key = is_key || self.nodes.get(parent.0 as usize).is_some_and(|parent| parent.key);
            if let Some(node) = self.nodes.get_mut(child.0 as usize) {
                node.parent = Some((parent, slot));
                node.key = is_key;
                if let NodeKind::Scalar(scalar) = &mut node.kind {
                    scalar.flow = in_flow;
                }
            }
        }
    }

    /// YAML readers take the last of two equal keys in silence, so one of two passwords is lost: an error here, as it is in
    /// TOML. Keys of other types are told apart from strings (`1` and `"1"`).
    fn duplicate_keys(&self) -> Vec<DuplicateKey> {
        let mut duplicates = Vec::new();
        for node in &self.nodes {
            let NodeKind::Mapping { entries, .. } = &node.kind else {
                continue;
            };
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
