//! The calls of ZenML's API in Python, and the resources of its provider in Terraform, as nodes of a
//! document.
//!
//! `python` and `terraform` find them. The meaning of a call is in `sources`.

use super::code_value::{CodeText, CodeValue, Expansion, TextDefinition};
use super::shell::{Quote, Word};
use super::text_template::TextTemplate;
use super::{Document, Node, NodeId, ScalarType, Style, SyntaxError};
use crate::text::source::Span;
use std::collections::HashSet;
use std::sync::Arc;

/// The nesting of values that are read.
const MAX_DEPTH: usize = 32;

/// The text of an expression that is not shown. Two of them are not the same expression.
const UNKNOWN: &str = "{…}";

/// What a call does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CallKind {
    /// Gets a secret, by its name. The values are the keys that are read from it.
    Use,
    /// Names secrets for a step or a pipeline.
    UseList,
    /// Creates a secret. The values are its keys and values.
    Create,
    /// Updates a secret.
    Update,
    /// Registers or updates a component. The values are its attributes.
    Component,
    /// Creates settings or a configuration. The values are its arguments.
    Settings,
    /// Configures something in which `ZenML` resolves no reference.
    Unresolved,
    /// Names the file of a run config.
    RunConfig,
}

/// A call that was found in code.
pub(super) struct CodeCall {
    /// What it does.
    pub kind: CallKind,
    /// Its span.
    pub span: Span,
    /// The component type, or the name of a class.
    pub label: Option<String>,
    /// The name of the secret or the component.
    pub name: Option<CodeText>,
    /// The flavor of a component.
    pub flavor: Option<CodeText>,
    /// The values.
    pub values: Option<CodeValue>,
}

/// A call in a document.
#[derive(Debug)]
pub struct CallNode {
    /// What it does.
    pub kind: CallKind,
    /// The sequence of its parts.
    pub node: NodeId,
    /// The component type, or the name of a class.
    pub label: Option<Arc<str>>,
    /// The name of the secret or the component.
    pub name: Option<NodeId>,
    /// The flavor of a component.
    pub flavor: Option<NodeId>,
    /// A mapping, a sequence or a text.
    pub values: Option<NodeId>,
    /// Whether there are more values, which are known only at run time.
    pub has_other_values: bool,
}

/// The calls of a document.
#[derive(Debug, Default)]
pub(super) struct Calls {
    nodes: Vec<CallNode>,
    /// The root of the calls. All nodes from it on belong to calls.
    root: Option<NodeId>,
    /// The literals of the texts that constants contain, sorted by node.
    definitions: Vec<(NodeId, TextDefinition)>,
    /// The templates of expansions, sorted by their node and their start in its text.
    templates: Vec<((NodeId, usize), Arc<TextTemplate>)>,
    /// The texts of the values by their spans. A literal that several calls contain belongs to the
    /// first.
    seen: HashSet<(Span, String)>,
}

impl Document {
    /// Returns the calls in code. They are empty for other files.
    pub fn calls(&self) -> &[CallNode] {
        &self.calls.nodes
    }

    /// Returns the nodes of calls and of their parts.
    pub(super) fn call_nodes(&self) -> impl Iterator<Item = Node> {
        let roots = self.calls.root.into_iter();
        let nodes = roots.flat_map(|root| self.nodes_from(root).skip(1));
        nodes.map(|(_, node)| node)
    }

    /// Returns whether a scalar is a word of a command, which a shell reads.
    pub fn is_shell_word(&self, id: NodeId) -> bool {
        self.syntax.is_script() && self.calls.root.is_none_or(|root| id < root)
    }

    /// Returns the template of the expansion at an offset in the text of a call. Returns `None` if
    /// the expansion does not consist of text and variables.
    pub(super) fn call_template(&self, id: NodeId, start: usize) -> Option<&TextTemplate> {
        let templates = &self.calls.templates;
        let index = templates.binary_search_by_key(&(id, start), |(at, _)| *at);
        templates.get(index.ok()?).map(|(_, template)| &**template)
    }

    /// Returns the literal of a text that is a constant elsewhere.
    pub fn definition(&self, id: NodeId) -> Option<&TextDefinition> {
        let definitions = &self.calls.definitions;
        let index = definitions.binary_search_by_key(&id, |(id, _)| *id).ok()?;
        definitions.get(index).map(|(_, definition)| definition)
    }
}

/// Adds calls to a document as a second root.
pub(super) fn add(document: &mut Document, mut calls: Vec<CodeCall>) -> Result<(), SyntaxError> {
    if calls.is_empty() {
        return Ok(());
    }
    calls.sort_by_key(|call| call.span.start);
    let end = document.source.text().len();
    let root = document.add_sequence(Span::new(0, end))?;
    let mut items = Vec::with_capacity(calls.len());
    for call in calls {
        items.push(add_call(document, &call)?);
    }
    document.finish_sequence(root, end, &items);
    document.roots.push(root);
    document.calls.root = Some(root);
    // Only the calls of this document are compared.
    document.calls.seen = HashSet::new();
    Ok(())
}

fn add_call(document: &mut Document, call: &CodeCall) -> Result<NodeId, SyntaxError> {
    let node = document.add_sequence(call.span)?;
    let mut items = Vec::new();
    let mut add_part = |document: &mut Document, text: &Option<CodeText>| {
        let id = match text {
            Some(text) => Some(add_text(document, text)?),
            None => None,
        };
        items.extend(id);
        Ok(id)
    };
    let name = add_part(document, &call.name)?;
    let flavor = add_part(document, &call.flavor)?;
    let values = match &call.values {
        Some(values) => Some(add_value(document, values, 0)?),
        None => None,
    };
    items.extend(values);
    document.finish_sequence(node, call.span.end, &items);
    let has_other_values = match &call.values {
        Some(CodeValue::Mapping {
            entries,
            is_complete,
            ..
        }) => !is_complete || entries.is_empty(),
        Some(_) => true,
        None => false,
    };
    document.calls.nodes.push(CallNode {
        kind: call.kind,
        node,
        label: call.label.as_deref().map(Arc::from),
        name,
        flavor,
        values,
        has_other_values,
    });
    Ok(node)
}

/// Adds a value. A value that is not known is an empty sequence.
fn add_value(
    document: &mut Document,
    value: &CodeValue,
    depth: usize,
) -> Result<NodeId, SyntaxError> {
    let span = value.span();
    match value {
        CodeValue::Text(text) if document.calls.seen.insert((text.span, text.text.clone())) => {
            add_text(document, text)
        }
        CodeValue::Mapping { entries, .. } if depth < MAX_DEPTH => {
            let mapping = document.add_mapping(span, false)?;
            let mut nodes = Vec::with_capacity(entries.len());
            for (key, value) in entries {
                let key = add_text(document, key)?;
                nodes.push((key, add_value(document, value, depth + 1)?));
            }
            document.finish_mapping(mapping, span.end, &nodes);
            Ok(mapping)
        }
        CodeValue::Sequence { items, .. } if depth < MAX_DEPTH => {
            let sequence = document.add_sequence(span)?;
            let mut nodes = Vec::with_capacity(items.len());
            for item in items {
                nodes.push(add_value(document, item, depth + 1)?);
            }
            document.finish_sequence(sequence, span.end, &nodes);
            Ok(sequence)
        }
        _ => {
            let sequence = document.add_sequence(span)?;
            document.finish_sequence(sequence, span.end, &[]);
            Ok(sequence)
        }
    }
}

fn add_text(document: &mut Document, text: &CodeText) -> Result<NodeId, SyntaxError> {
    let text = without_literals(text.clone());
    let span = if text.text.is_empty() {
        text.span
    } else {
        text.offsets.source(0, text.text.len())
    };
    let id = document.add_scalar(span, &text.text, Style::DoubleQuoted, ScalarType::String)?;
    let word = Word {
        text: text.text,
        offsets: text.offsets,
        span,
        expansions: text.expansions.iter().map(|it| it.range.clone()).collect(),
        quotes: vec![(0, Quote::Double)],
        is_split: false,
    };
    document.script_words.add(id, &word);
    for Expansion { range, template } in text.expansions {
        let templates = &mut document.calls.templates;
        templates.extend(template.map(|template| ((id, range.start), template)));
    }
    document
        .calls
        .definitions
        .extend(text.definition.map(|definition| (id, definition)));
    Ok(id)
}

/// Returns a text without the literals in its expressions, which are not names. For example,
/// `${f("hunter2")}` becomes `{…}`. The digits of a name are not literals.
fn without_literals(text: CodeText) -> CodeText {
    text.replace_expansions(|expression, _| {
        let has_quotes = expression.contains(['"', '\'']);
        let is_name = |c: char| c.is_alphanumeric() || "_-.${}".contains(c);
        let has_number =
            expression.contains(|c: char| c.is_ascii_digit()) && !expression.chars().all(is_name);
        (has_quotes || has_number).then(|| UNKNOWN.to_owned())
    })
}
