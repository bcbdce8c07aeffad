//! A document as stacks: their components, and for every scalar that matters the place it has in them.
//!
//! The four forms in which `ZenML` writes components are told apart by the shape of each component, never by the version:
//! one with a `configuration` map holds its attributes there (B to D; D has a list of components per type), any other
//! holds them beside `name` and `flavor` (A). A file without components of that shape is *form-less*: each of its string
//! values is an attribute named by its dotted path. What `ZenML` writes besides stacks is read below this file.
//!
//! Not here: whether a value is a reference (`reference`), and whether that is right (`rules`).

mod command_components;
mod forms;

pub use forms::file_kind;

use crate::document::{Document, NodeId, NodeKind, ScalarType, Syntax};
use crate::text::placeholder::{PlaceholderKind, placeholder_kind};
use crate::text::source::floor_char_boundary;
use crate::text::tool_references::foreign_reference;
use crate::text::url;
use crate::zenml::flavors::{self, Flavor, Version};
use crate::zenml::grammar;
use crate::zenml::keywords::FileKind;
use forms::{RootMapping, other_document_kind};
use std::collections::{BTreeSet, HashSet};
use std::sync::Arc;

/// A stack: one document of a file.
#[derive(Debug)]
pub struct Stack {
    /// `stack_name`, if the file states one.
    pub name: Option<Arc<str>>,
    /// The version whose rules hold.
    pub version: Version,
    /// What it is; a form-less file is nothing known.
    pub kind: Option<FileKind>,
    /// The components in the order of the file.
    pub components: Vec<Component>,
}

/// A component.
#[derive(Debug)]
pub struct Component {
    /// The key below `components`: `experiment_tracker`.
    pub kind: Arc<str>,
    /// Its `name`.
    pub name: Option<Arc<str>>,
    /// Its `flavor`.
    pub flavor: Option<Arc<str>>,
}

impl Stack {
    /// Whether one of the components is a secrets manager.
    pub fn has_secrets_manager(&self) -> bool {
        self.components.iter().any(|component| &*component.kind == "secrets_manager")
    }

    /// The name of the secrets manager, which may be that of an inventory.
    pub fn secrets_manager(&self) -> Option<&str> {
        let manager = self.components.iter().find(|component| &*component.kind == "secrets_manager");
        manager?.name.as_deref()
    }
}

/// Where a scalar stands, from the most to the least welcome place for a reference. Of a scalar that aliases bring to
/// several places the least welcome counts: it has to be right in all of them.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Role {
    /// The name of a whole secret, without braces.
    WholeSecret,
    /// A top-level attribute of a component, or any value of a form-less file.
    Attribute,
    /// Inside a list or map of an attribute.
    Nested,
    /// In a stack file, but in no component.
    Outside,
}

/// A scalar (or a flow mapping that was meant as one) and where it stands.
#[derive(Debug)]
pub struct ScalarPosition {
    /// The scalar, or the mapping that begins with `{{`.
    pub node: NodeId,
    /// Index of its stack in the file.
    pub stack: usize,
    /// Index of its component in that stack.
    pub component: Option<usize>,
    /// The attribute: its name in a component, a dotted path in a form-less file.
    pub attribute: Option<Arc<str>>,
    /// Where it stands.
    pub role: Role,
    /// Whether the attribute takes no reference in one of the places it has.
    pub is_refused: bool,
    /// Whether the attribute is sensitive.
    pub is_sensitive: bool,
    /// Whether it is a mapping key.
    pub is_key: bool,
    /// Whether it is a flow mapping that was meant as a reference.
    pub is_unquoted_reference: bool,
    /// Where aliases bring it to a place less welcome than its first: the attribute that it is wrong for.
    pub invalid: Option<InvalidPosition>,
}

/// A place that an alias brings a scalar to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct InvalidPosition {
    /// The key below `components`.
    pub component: Option<Arc<str>>,
    /// The attribute.
    pub attribute: Option<Arc<str>>,
}

/// What a document holds.
#[derive(Debug, Default)]
pub struct StackModel {
    /// One for each document of the file that has content.
    pub stacks: Vec<Stack>,
    /// In the order of the file.
    pub positions: Vec<ScalarPosition>,
    /// Names that a stack, by its index, uses as the name of a whole secret, whatever else is wrong with that use.
    pub whole_secret_names: BTreeSet<(usize, String)>,
    /// Set where merge keys multiply beyond all reason; the places are then not complete.
    pub too_many_merges: Option<NodeId>,
}

/// The attribute that names a whole secret in every component.
const WHOLE_SECRET_KEY: &str = "authentication_secret";

/// Entries that merges and aliases may bring into components, over one file.
const MERGE_BUDGET: usize = 1_000_000;

/// Bytes of a name or a dotted path that are kept.
const MAX_NAME_BYTES: usize = 1_000;

/// Returns the name of a stack, a component or an attribute as it is kept. Each of its findings repeats it, so a longer one is
/// cut; no real one is as long.
fn truncated_name(name: &str) -> Arc<str> {
    if name.len() <= MAX_NAME_BYTES {
        return Arc::from(name);
    }
    let start = name.get(..floor_char_boundary(name, MAX_NAME_BYTES)).unwrap_or_default();
    Arc::from(format!("{start}…"))
}

/// A scalar's text; null is none.
fn non_null_text(document: &Document, value: NodeId) -> Option<&str> {
    document.text(value).filter(|_| document.scalar(value).is_some_and(|scalar| scalar.ty != ScalarType::Null))
}

/// Reads the stacks of a document and the places of its scalars.
pub fn read_stacks(document: &Document) -> StackModel {
    let mut walker = Walker {
        document,
        model: StackModel::default(),
        position_index: PositionIndex::default(),
        visited: HashSet::new(),
        budget: MERGE_BUDGET,
        exhausted_at: None,
        last_attribute: None,
    };
    let mut ends = document.roots().iter().copied().skip(1).map(Some).collect::<Vec<_>>();
    ends.push(None);
    for (&root, end) in document.roots().iter().zip(ends) {
        walker.root(root, end);
    }
    let mut layout = walker.model;
    layout.too_many_merges = walker.exhausted_at;
    layout.positions.sort_by_key(|place| document.node(place.node).span);
    layout
}

/// Where the walk stands.
#[derive(Clone, Copy)]
struct WalkContext<'d> {
    component: Option<usize>,
    /// The table row of the component's flavor, if stackref knows the flavor.
    flavor: Option<&'static Flavor>,
    /// The key that names the attribute.
    attribute: Option<&'d str>,
    role: Role,
    is_refused: bool,
    is_sensitive: bool,
}

impl WalkContext<'_> {
    const OUTSIDE: Self = Self {
        component: None,
        flavor: None,
        attribute: None,
        role: Role::Outside,
        is_refused: false,
        is_sensitive: false,
    };
}

/// The index of each node's position in the model.
///
/// A list by node and not a map, because most nodes of a file with positions are looked up. It
/// contains the index plus one, or zero for a node without a position.
#[derive(Default)]
struct PositionIndex(Vec<u32>);

impl PositionIndex {
    fn get(&self, node: NodeId) -> Option<usize> {
        let entry = self.0.get(node.index()).copied().unwrap_or_default();
        (entry as usize).checked_sub(1)
    }

    fn insert(&mut self, node: NodeId, position: usize) {
        if self.0.len() <= node.index() {
            self.0.resize(node.index() + 1, 0);
        }
        if let Some(entry) = self.0.get_mut(node.index()) {
            // There are fewer positions than nodes, so the number always fits.
            *entry = u32::try_from(position + 1).unwrap_or(u32::MAX);
        }
    }
}

struct Walker<'d> {
    document: &'d Document,
    model: StackModel,
    /// Nodes with a position.
    position_index: PositionIndex,
    /// Collections whose content was walked, by what the walk would say of it.
    visited: HashSet<(NodeId, Role, bool)>,
    budget: usize,
    exhausted_at: Option<NodeId>,
    /// The attribute of the last place.
    last_attribute: Option<(&'d str, Arc<str>)>,
}

impl<'d> Walker<'d> {
    fn root(&mut self, root: NodeId, end: Option<NodeId>) {
        let document = self.document;
        if document.syntax() == Syntax::Script {
            self.script(root);
            return;
        }
        let top = RootMapping::new(document, root);
        let components = top.get("components").filter(|&value| self.are_components(&top, value));
        let shape = if components.is_some() { Some(FileKind::Stack) } else { other_document_kind(&top) };
        self.model.stacks.push(Stack {
            name: top.text("stack_name").filter(|name| !name.is_empty()).map(truncated_name),
            version: top.text("zenml_version").and_then(Version::parse).unwrap_or(Version::NEWEST),
            kind: shape,
            components: Vec::new(),
        });
        let outside = WalkContext::OUTSIDE;
        if let Some(components) = components {
            for (key, value) in self.merged(components) {
                let kind = document.text(key).unwrap_or_default();
                self.key(key, outside);
                match document.items(value) {
                    Some(items) => items.iter().for_each(|&item| self.component(kind, item)),
                    None => self.component(kind, value),
                }
            }
            if let Some(secrets) = top.get("secrets") {
                self.whole_secrets(secrets, outside);
            }
        }
        match shape {
            Some(FileKind::RunConfig) => self.run_config(&top, outside),
            Some(FileKind::ComponentSpec) => self.component_spec(&top, outside),
            _ => {}
        }
        let role = if shape.is_some() { Role::Outside } else { Role::Attribute };
        self.walk_remaining(root, end, WalkContext { role, ..outside });
    }

    /// Whether `components` holds components, and is not something else of that name in a form-less file.
    fn are_components(&self, top: &RootMapping<'_>, components: NodeId) -> bool {
        let document = self.document;
        let Some(entries) = document.entries(components) else {
            return false;
        };
        let stated = ["stack_name", "zenml_version"].iter().any(|key| top.get(key).is_some());
        let like_one = |node| ["flavor", "configuration"].iter().any(|key| document.get(node, key).is_some());
        stated
            || entries.iter().any(|&(_, value)| match document.items(value) {
                Some(items) => items.iter().any(|&item| like_one(item)),
                None => like_one(value),
            })
    }

    fn component(&mut self, kind: &'d str, node: NodeId) {
        let document = self.document;
        let entries = self.merged(node);
        let (mut name, mut flavor, mut configuration) = (None, None, None);
        for &(key, value) in &entries {
            match document.text(key) {
                Some("name") => _ = name.get_or_insert(value),
                Some("flavor") => _ = flavor.get_or_insert(value),
                Some("configuration") if configuration.is_none() && document.entries(value).is_some() => {
                    configuration = Some(value);
                }
                _ => {}
            }
        }
        let text = |value: Option<NodeId>| value.and_then(|value| non_null_text(document, value)).map(truncated_name);
        let component = Component { kind: truncated_name(kind), name: text(name), flavor: text(flavor) };
        let outside = WalkContext::OUTSIDE;
        let Some(inside) = self.begin(component, outside) else { return };
        if document.entries(node).is_none() {
            self.descend(node, inside);
            return;
        }
        for &(key, value) in &entries {
            let name = document.text(key);
            let beside = WalkContext { attribute: name, ..inside };
            match name {
                Some("configuration") if configuration.is_some() => {
                    self.key(key, beside);
                    for (key, value) in self.merged(value) {
                        self.attribute(kind, key, value, inside);
                    }
                }
                Some("name" | "type" | "flavor") => {
                    self.key(key, beside);
                    self.descend(value, WalkContext { role: Role::Attribute, is_refused: true, ..beside });
                }
                Some("id" | "user" | "is_shared") if configuration.is_some() => {
                    self.descend(value, WalkContext { role: Role::Attribute, is_refused: true, ..beside });
                }
                Some("secrets") if document.items(value).is_some() => self.whole_secrets(value, beside),
                _ if configuration.is_none() => self.attribute(kind, key, value, inside),
                _ => {
                    self.key(key, beside);
                    self.descend(value, beside);
                }
            }
        }
    }

    fn attribute(&mut self, kind: &str, key: NodeId, value: NodeId, inside: WalkContext<'d>) {
        let document = self.document;
        let name = document.text(key).unwrap_or_default();
        let stack = self.model.stacks.last();
        let component = inside.component.and_then(|at| stack?.components.get(at));
        let flavor = component.and_then(|component| component.flavor.as_deref());
        let mut sensitive = flavors::is_sensitive(inside.flavor, name);
        let mut role = Role::Attribute;
        let refused = flavors::refuses_references(inside.flavor, kind, name);
        let names_whole = flavors::names_whole_secret(kind, flavor, name);
        if names_whole && self.is_secret_name(value) {
            role = Role::WholeSecret;
            sensitive = false;
        }
        if names_whole {
            self.record_whole_secret(value);
        }
        let context =
            WalkContext { attribute: document.text(key), role, is_refused: refused, is_sensitive: sensitive, ..inside };
        self.key(key, context);
        self.descend(value, context);
    }

    fn whole_secrets(&mut self, list: NodeId, context: WalkContext<'d>) {
        for &item in self.document.items(list).unwrap_or_default() {
            self.record_whole_secret(item);
            if self.is_secret_name(item) {
                let context = WalkContext { attribute: Some("secrets"), role: Role::WholeSecret, ..context };
                self.descend(item, context);
            }
        }
    }

    /// Whether the value of an attribute that names a whole secret is such a name.
    fn is_secret_name(&self, value: NodeId) -> bool {
        let string = self.document.scalar(value).is_some_and(|scalar| scalar.ty == ScalarType::String);
        string && self.document.text(value).is_some_and(is_secret_name_text)
    }

    /// Records that the last stack uses a value as the name of a whole secret. Braces around it are a mistake of their own.
    fn record_whole_secret(&mut self, value: NodeId) {
        let braced = |text: &'d str| text.strip_prefix("{{")?.strip_suffix("}}").map(str::trim);
        let name = self.document.text(value).map(|text| braced(text).unwrap_or(text));
        if let Some(name) = name.filter(|name| is_secret_name_text(name)) {
            let stack = self.model.stacks.len().saturating_sub(1);
            self.model.whole_secret_names.insert((stack, name.to_owned()));
        }
    }

    fn merged(&mut self, mapping: NodeId) -> Vec<(NodeId, NodeId)> {
        let entries = self.document.merged_entries(mapping, &mut self.budget);
        if entries.is_none() && self.document.entries(mapping).is_some() {
            self.exhausted_at.get_or_insert(mapping);
        }
        entries.unwrap_or_default()
    }

    /// Gives a value its place, and all that stands in it. Children of a collection are nested, once per role, so that
    /// aliases cannot multiply the work. The stack is our own: chains of aliases are deeper than any nesting.
    fn descend(&mut self, value: NodeId, context: WalkContext<'d>) {
        let document = self.document;
        // Most values are scalars, for which no list is allocated.
        let target = document.target(value);
        if matches!(document.node(target).kind, NodeKind::Scalar(_)) {
            self.add_position(target, context, false, false);
            return;
        }
        let mut open = vec![(value, context)];
        while let Some((node, context)) = open.pop() {
            let node = document.target(node);
            let is_password = context.is_sensitive && context.role == Role::Attribute;
            if self.looks_unquoted(node) || (is_password && self.is_name_in_braces(node)) {
                self.add_position(node, context, false, true);
                continue;
            }
            let inner = WalkContext { role: context.role.max(Role::Nested), ..context };
            match document.node(node).kind {
                NodeKind::Scalar(_) => self.add_position(node, context, false, false),
                NodeKind::Mapping { entries, .. } if self.first_visit(node, context) => {
                    for &(key, value) in document.entries_in(entries).iter().rev() {
                        self.key(key, inner);
                        open.push((value, inner));
                    }
                }
                NodeKind::Sequence(items) if self.first_visit(node, context) => {
                    open.extend(document.items_in(items).iter().rev().map(|&item| (item, inner)));
                }
                _ => {}
            }
        }
    }

    fn first_visit(&mut self, node: NodeId, context: WalkContext<'d>) -> bool {
        // Only aliases can lead to a collection more than once.
        !self.document.has_aliases() || self.visited.insert((node, context.role, context.is_refused))
    }

    /// What no component holds, or all there is in a form-less file.
    fn walk_remaining(&mut self, root: NodeId, end: Option<NodeId>, context: WalkContext<'d>) {
        let document = self.document;
        let mut skip_to = 0;
        // The key is in the text as it is, unless it is written with escapes.
        let text = document.source().text().as_bytes();
        let may_name_whole_secret =
            memchr::memmem::find(text, WHOLE_SECRET_KEY.as_bytes()).is_some() || memchr::memchr(b'\\', text).is_some();
        for (id, node) in document.nodes_from(root).take_while(|&(id, _)| end.is_none_or(|end| id < end)) {
            if node.span.start < skip_to {
                continue;
            }
            let unquoted = self.looks_unquoted(id);
            if unquoted {
                skip_to = node.span.end;
            }
            // Wherever it is, this attribute names a whole secret.
            if may_name_whole_secret
                && !matches!(node.kind, NodeKind::Alias(_))
                && let Some((_, name)) = document.get(id, WHOLE_SECRET_KEY)
            {
                self.record_whole_secret(name);
            }
            let is_key = match node.kind {
                _ if unquoted => node.key,
                NodeKind::Scalar(_) => node.key,
                NodeKind::Alias(_) if node.key => true,
                _ => continue,
            };
            if is_key {
                self.key(id, context);
            } else if self.position_index.get(id).is_none() {
                self.add_position(id, context, false, unquoted);
            }
        }
    }

    /// A key has a place only where it was meant to hold a reference.
    fn key(&mut self, key: NodeId, context: WalkContext<'d>) {
        let key = self.document.target(key);
        if self.looks_unquoted(key) {
            self.add_position(key, context, true, true);
        } else if self.document.text(key).is_some_and(grammar::has_braces) {
            self.add_position(key, context, true, false);
        }
    }

    /// `{{…`: a flow mapping whose first key is a flow mapping. Spaced, `{ {a.b}}`, it was meant only where nothing else is
    /// in it.
    fn looks_unquoted(&self, id: NodeId) -> bool {
        let document = self.document;
        let node = document.node(id);
        let NodeKind::Mapping { entries, flow: true } = node.kind else {
            return false;
        };
        let entries = document.entries_in(entries);
        if document.syntax() != Syntax::Yaml {
            return false;
        }
        let inner = entries.first().and_then(|&(key, _)| match document.node(key).kind {
            NodeKind::Mapping { entries, .. } => Some(document.entries_in(entries)),
            _ => None,
        });
        // A pair in a list, `[{a: b}: c]`, is a mapping without braces of its own.
        let after_brace = document.source().slice(node.span).strip_prefix('{').unwrap_or_default();
        let lone = |inner: &[(NodeId, NodeId)]| entries.len() == 1 && inner.len() == 1;
        let spaced = |inner| lone(inner) && after_brace.trim_start().starts_with('{');
        inner.is_some_and(|inner| after_brace.starts_with('{') || spaced(inner))
    }

    /// `{a.b}`: a flow mapping of one key without a value. Elsewhere it may be meant; where a password belongs, it is not.
    fn is_name_in_braces(&self, id: NodeId) -> bool {
        let document = self.document;
        let NodeKind::Mapping { entries, flow: true } = document.node(id).kind else { return false };
        let [(key, value)] = document.entries_in(entries) else { return false };
        let no_value = document.syntax() == Syntax::Yaml && document.node(*value).span.is_empty();
        let reads_as_reference = |text: &str| grammar::parse_as_zenml(&format!("{{{{{text}}}}}")).is_some();
        no_value && document.text(*key).is_some_and(reads_as_reference)
    }

    /// Returns the name of an attribute as it is kept, one text for all that one attribute holds.
    fn attribute_name(&mut self, name: &'d str) -> Arc<str> {
        match &self.last_attribute {
            Some((last, kept)) if std::ptr::eq(*last, name) => Arc::clone(kept),
            _ => {
                let kept = truncated_name(name);
                self.last_attribute = Some((name, Arc::clone(&kept)));
                kept
            }
        }
    }

    fn add_position(&mut self, node: NodeId, context: WalkContext<'d>, key: bool, unquoted: bool) {
        let document = self.document;
        let form_less = self.model.stacks.last().is_some_and(|stack| stack.kind.is_none());
        if let Some(at) = self.position_index.get(node) {
            let stack = self.model.stacks.last();
            let component = context.component.and_then(|at| stack?.components.get(at));
            let attribute = context.attribute.map(truncated_name);
            let fault =
                InvalidPosition { component: component.map(|component| Arc::clone(&component.kind)), attribute };
            if let Some(place) = self.model.positions.get_mut(at) {
                let worse = context.role > place.role || (context.is_refused && !place.is_refused);
                place.role = place.role.max(context.role);
                place.is_key |= key;
                place.is_refused |= context.is_refused;
                place.is_sensitive |= context.is_sensitive;
                if worse {
                    place.invalid = Some(fault);
                }
            }
            return;
        }
        let holds = unquoted || document.text(node).is_some_and(grammar::may_contain_reference);
        let inside = matches!(context.role, Role::Attribute | Role::Nested);
        let holds = holds || (inside && document.text(node).is_some_and(may_be_reported));
        let mut context = context;
        let mut path_name = None;
        if form_less && !key {
            let path = document.path(node);
            let last = path.rsplit('.').next().unwrap_or_default();
            if last == WHOLE_SECRET_KEY && self.is_secret_name(node) {
                context.role = Role::WholeSecret;
            }
            context.is_sensitive = context.role == Role::Attribute && flavors::has_sensitive_name(&path);
            let shown = floor_char_boundary(&path, MAX_NAME_BYTES);
            path_name = Some(path.get(..shown).filter(|path| !path.is_empty()).map(Arc::from));
        }
        let attribute_level = matches!(context.role, Role::Attribute | Role::WholeSecret);
        if !holds && (!attribute_level || !(context.is_sensitive || context.role == Role::WholeSecret)) {
            return;
        }
        let attribute = path_name.unwrap_or_else(|| context.attribute.map(|name| self.attribute_name(name)));
        self.position_index.insert(node, self.model.positions.len());
        self.model.positions.push(ScalarPosition {
            node,
            stack: self.model.stacks.len().saturating_sub(1),
            component: context.component,
            attribute,
            role: context.role,
            is_refused: context.is_refused,
            is_sensitive: context.is_sensitive,
            is_key: key,
            is_unquoted_reference: unquoted,
            invalid: None,
        });
    }
}

/// Returns whether rules may report a value without braces in any attribute: references of other tools, and passwords in URLs.
fn may_be_reported(text: &str) -> bool {
    text.contains(':')
        && (foreign_reference(text).is_some_and(|reference| reference.is_unambiguous)
            || !url::passwords(text).is_empty())
}

/// Whether a text can be the name of a secret: not a reference, not a variable, not the id that ZenML takes as well.
fn is_secret_name_text(text: &str) -> bool {
    let is_word = text.chars().all(|c| c.is_alphanumeric() || matches!(c, '_' | '-' | '.' | ' '));
    if !is_word && (placeholder_kind(text) == Some(PlaceholderKind::Template) || !url::passwords(text).is_empty()) {
        return false;
    }
    let is_id = text.len() == 36
        && text.char_indices().all(|(at, c)| match at {
            8 | 13 | 18 | 23 => c == '-',
            _ => c.is_ascii_hexdigit(),
        });
    !text.is_empty() && !is_id && !text.contains("{{") && !text.contains("${") && !text.contains("{%")
}
