//! `textDocument/documentSymbol`: the outline of a file.
//!
//! A stack file has its stacks, their components, and the references in them. A script has its
//! declarations and the commands with references. An inventory file has its secrets and keys.

use super::navigation::{SecretNames, UsedInventory};
use super::server::Server;
use super::text_positions::TextPositions;
use crate::lint::analysis::Analysis;
use crate::lint::missing_keys::stack_names;
use crate::sources::declarations::Declaration;
use crate::sources::reference::Reference;
use crate::sources::stack_model::{Component, Stack};
use crate::text::escape::escape_control;
use crate::text::source::{SourceFile, Span};
use gen_lsp_types as lsp;

/// A node of an outline.
struct OutlineNode {
    name: String,
    detail: Option<String>,
    kind: lsp::SymbolKind,
    whole: Span,
    label: Span,
    children: Vec<OutlineNode>,
}

impl OutlineNode {
    fn new(name: &str, kind: lsp::SymbolKind, whole: Span, label: Span) -> Self {
        let name = escape_control(name);
        Self {
            // A symbol without a name is an error in VS Code.
            name: if name.trim().is_empty() {
                "…".to_owned()
            } else {
                name
            },
            detail: None,
            kind,
            whole,
            label,
            children: Vec::new(),
        }
    }

    /// Extends the text of a node to its label and its children.
    fn enclose(&mut self) {
        let inner = self.children.iter().map(|child| child.whole);
        for span in inner.chain([self.label]) {
            if self.whole.is_empty() {
                self.whole = span;
            }
            self.whole = Span::new(
                self.whole.start.min(span.start),
                self.whole.end.max(span.end),
            );
        }
    }

    fn into_symbol(self, positions: &TextPositions<'_>) -> lsp::DocumentSymbol {
        let children = self.children.into_iter();
        let children = children.map(|child| child.into_symbol(positions)).collect();
        let (range, label) = (positions.range(self.whole), positions.range(self.label));
        lsp::DocumentSymbol::new(
            self.name,
            self.detail,
            self.kind,
            None,
            None,
            range,
            label,
            Some(children),
        )
    }

    /// Adds the node and those below it to a list.
    fn flatten_into(
        self,
        container: Option<&str>,
        (uri, positions): (&lsp::Uri, &TextPositions<'_>),
        list: &mut Vec<lsp::SymbolInformation>,
    ) {
        let location = lsp::Location::new(uri.clone(), positions.range(self.whole));
        let container = container.map(str::to_owned);
        let base = lsp::BaseSymbolInformation::new(self.name.clone(), self.kind, None, container);
        list.push(lsp::SymbolInformation::new(None, location, base));
        for child in self.children {
            child.flatten_into(Some(&self.name), (uri, positions), list);
        }
    }
}

impl Server {
    /// Answers `textDocument/documentSymbol`.
    pub(super) fn document_symbol(
        &mut self,
        params: &lsp::DocumentSymbolParams,
    ) -> Option<lsp::DocumentSymbolResponse> {
        let uri = &params.text_document.uri.0;
        let id = self.checked_project(uri)?.id;
        let document = self.documents.get(uri)?;
        let path = document.path.as_deref()?;
        let project = self.projects.iter().find(|project| project.id == id)?;
        let names = SecretNames::new(project);
        let inventory = || {
            let others = self.projects.iter().filter(|project| project.id != id);
            let mut others = others.map(SecretNames::new);
            let place = names.inventory_at(path).map(entry_nodes);
            place.or_else(|| others.find_map(|names| names.inventory_at(path).map(entry_nodes)))
        };
        let own = project.analysis(path);
        let (source, nodes) = match own.map(|file| (file.source.file().clone(), file_nodes(file))) {
            Some((source, nodes)) if !nodes.is_empty() => (source, nodes),
            _ => inventory()?,
        };
        if !document.has_text(source.text()) {
            return None;
        }
        let positions = TextPositions::new(source.text(), self.client.support.encoding);
        if self.client.support.symbol_tree {
            let symbols = nodes.into_iter().map(|node| node.into_symbol(&positions));
            return Some(symbols.collect::<Vec<_>>().into());
        }
        let mut list = Vec::new();
        for node in nodes {
            node.flatten_into(None, (&document.uri, &positions), &mut list);
        }
        Some(list.into())
    }
}

/// Returns the secrets and keys of an inventory file.
fn entry_nodes(inventory: &UsedInventory) -> (std::sync::Arc<SourceFile>, Vec<OutlineNode>) {
    let source = &inventory.entries.source;
    let nodes = inventory.entries.secrets.iter().map(|secret| {
        let kind = lsp::SymbolKind::Object;
        let mut node = OutlineNode::new(&secret.name, kind, secret.span, secret.span);
        let keys = secret.keys.iter();
        node.children = keys
            .map(|(key, span)| OutlineNode::new(key, lsp::SymbolKind::Key, *span, *span))
            .collect();
        node.enclose();
        node
    });
    (source.file().clone(), nodes.collect())
}

/// Returns the outline of a stack file or a script.
fn file_nodes(file: &Analysis) -> Vec<OutlineNode> {
    let is_script = file.syntax.is_script();
    let mut nodes: Vec<OutlineNode> = file.declarations.iter().map(declaration_node).collect();
    for (at, stack) in file.stacks.iter().enumerate() {
        let references = file.references.iter().chain(&file.dynamic_references);
        let references = references.filter(|reference| reference.stack == at);
        let (mut components, loose) = component_nodes(stack, references);
        let is_named = !is_script && (stack.name.is_some() || !components.is_empty());
        if !is_named {
            // Most commands of a script have nothing to do with secrets.
            components.retain(|component| !component.children.is_empty());
            nodes.extend(components);
            nodes.extend(loose);
            continue;
        }
        let name = stack.name.as_deref().map(str::to_owned);
        let name = name.or_else(|| stack_names(file).pop()).unwrap_or_default();
        let (whole, label) = (stack.outline.whole, stack.outline.name);
        let mut node = OutlineNode::new(&name, lsp::SymbolKind::Package, whole, label);
        node.children = components;
        node.children.extend(loose);
        node.children.sort_by_key(|child| child.whole.start);
        node.enclose();
        nodes.push(node);
    }
    nodes.sort_by_key(|node| node.whole.start);
    nodes
}

/// Returns the components of a stack with their references, and the references outside of them.
fn component_nodes<'r>(
    stack: &Stack,
    references: impl Iterator<Item = &'r Reference>,
) -> (Vec<OutlineNode>, Vec<OutlineNode>) {
    let mut nodes: Vec<OutlineNode> = stack.components.iter().map(component_node).collect();
    nodes.sort_by_key(|node| node.whole.start);
    let mut loose = Vec::new();
    for reference in references {
        let start = reference.span.start;
        let after = nodes.partition_point(|node| node.whole.start <= start);
        let component = after.checked_sub(1).and_then(|at| nodes.get_mut(at));
        let component = component.filter(|node| start < node.whole.end);
        match component {
            Some(component) => component.children.push(reference_node(reference)),
            None => loose.push(reference_node(reference)),
        }
    }
    for node in &mut nodes {
        node.children.sort_by_key(|child| child.whole.start);
        node.enclose();
    }
    (nodes, loose)
}

fn component_node(component: &Component) -> OutlineNode {
    let (whole, label) = (component.outline.whole, component.outline.name);
    let kind = lsp::SymbolKind::Module;
    let name = match &component.name {
        Some(name) => format!("{} {name}", component.kind),
        None => component.kind.to_string(),
    };
    let mut node = OutlineNode::new(&name, kind, whole, label);
    node.detail = component.flavor.as_deref().map(escape_control);
    node.enclose();
    node
}

fn reference_node(reference: &Reference) -> OutlineNode {
    let key_span = reference.key_span.unwrap_or(reference.span);
    let span = reference.span;
    let name = reference.names.text();
    let mut node = OutlineNode::new(name, lsp::SymbolKind::Variable, key_span, span);
    node.detail = reference.scope.attribute.as_deref().map(escape_control);
    node.enclose();
    node
}

fn declaration_node(declaration: &Declaration) -> OutlineNode {
    let span = declaration.span;
    let kind = lsp::SymbolKind::Object;
    let mut node = OutlineNode::new(&declaration.secret, kind, span, span);
    let keys = declaration.keys.iter();
    node.children = keys
        .map(|key| OutlineNode::new(&key.name, lsp::SymbolKind::Key, key.span, key.span))
        .collect();
    node.enclose();
    node
}
