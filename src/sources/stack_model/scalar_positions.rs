//! The part of the walk that adds positions to the model, and decides which scalars need one.

use super::flow_braces::is_unquoted_reference;
use super::walker::{WalkContext, Walker};
use super::{
    InvalidPosition, MAX_NAME_BYTES, Purpose, Role, ScalarPosition, WHOLE_SECRET_KEY,
    truncated_name,
};
use crate::document::{Document, NodeId};
use crate::text::source::floor_char_boundary;
use crate::text::tool_references::foreign_reference;
use crate::text::url;
use crate::zenml::flavors::has_sensitive_name;
use crate::zenml::grammar::has_braces;
use std::sync::Arc;

/// The index of each node's position in the model.
///
/// It is a list and not a map, because most nodes of a file with positions are looked up. An entry
/// is the index plus one, or zero for a node without a position.
pub(super) struct PositionIndex(Vec<u32>);

impl PositionIndex {
    /// Creates an index without positions.
    pub(super) fn for_document(document: &Document) -> Self {
        Self(vec![0; document.node_count()])
    }

    pub(super) fn get(&self, node: NodeId) -> Option<usize> {
        let entry = self.0.get(node.index()).copied().unwrap_or_default();
        (entry as usize).checked_sub(1)
    }

    fn insert(&mut self, node: NodeId, position: usize) {
        if let Some(entry) = self.0.get_mut(node.index()) {
            // There are fewer positions than nodes, so the number always fits.
            *entry = u32::try_from(position + 1).unwrap_or(u32::MAX);
        }
    }
}

impl<'d> Walker<'d> {
    /// Adds the position of a key if the key was meant to contain a reference.
    pub(super) fn add_key(&mut self, key: NodeId, context: WalkContext<'d>) {
        // Most documents have no such key.
        if !self.document.has_unusual_keys() {
            return;
        }
        let key = self.document.target(key);
        let node = self.document.node(key);
        let is_unquoted_reference =
            node.is_flow_mapping() && is_unquoted_reference(self.document, key);
        let has_braces = node.braces && self.document.text(key).is_some_and(has_braces);
        if !is_unquoted_reference && !has_braces {
            return;
        }
        if let Some(index) = self.position_index.get(key) {
            self.merge_position(index, context);
            if let Some(position) = self.model.positions.get_mut(index) {
                position.is_key = true;
            }
            return;
        }
        let attribute = context.attribute.map(|name| self.shared_name(name));
        let position = self.new_position(key, context, attribute);
        self.push_position(ScalarPosition {
            is_key: true,
            is_unquoted_reference,
            ..position
        });
    }

    /// Adds the position of a key that a rule reports, whatever its text is.
    pub(super) fn add_marked_key(&mut self, key: NodeId, context: WalkContext<'d>) {
        let key = self.document.target(key);
        if self.position_index.get(key).is_none() {
            let attribute = context.attribute.map(|name| self.shared_name(name));
            let position = self.new_position(key, context, attribute);
            self.push_position(ScalarPosition {
                is_key: true,
                ..position
            });
        }
    }

    /// Adds the position of a value if a rule may report it. `is_unquoted_reference` states whether
    /// the value is a flow mapping that was meant as a reference.
    pub(super) fn add_value(
        &mut self,
        node: NodeId,
        context: WalkContext<'d>,
        is_unquoted_reference: bool,
    ) {
        if let Some(index) = self.position_index.get(node) {
            self.merge_position(index, context);
            return;
        }
        let is_in_component = matches!(context.role, Role::Attribute | Role::Nested);
        let is_relevant = is_unquoted_reference
            || self.document.node(node).braces
            || (is_in_component && self.document.text(node).is_some_and(may_be_reported));
        let is_form_less = self
            .model
            .stacks
            .last()
            .is_some_and(|stack| stack.kind.is_none());
        let path = is_form_less.then(|| self.document.path(node));
        let context = match &path {
            Some(path) => self.form_less_context(node, path, context),
            None => context,
        };
        let is_secret = match context.role {
            Role::WholeSecret => true,
            Role::Attribute => context.is_sensitive,
            Role::Nested => context.is_sensitive && context.purpose == Purpose::ImageVariable,
            Role::Outside => false,
        };
        if !is_relevant && !is_secret && context.purpose != Purpose::DynamicSecret {
            return;
        }
        let attribute = match path {
            Some(path) => truncated_path(&path),
            None => context.attribute.map(|name| self.shared_name(name)),
        };
        let position = self.new_position(node, context, attribute);
        self.push_position(ScalarPosition {
            is_unquoted_reference,
            ..position
        });
    }

    /// Returns the context of a value in a form-less file, whose dotted path is its attribute.
    fn form_less_context(
        &self,
        node: NodeId,
        path: &str,
        context: WalkContext<'d>,
    ) -> WalkContext<'d> {
        let is_whole_secret =
            path.rsplit('.').next() == Some(WHOLE_SECRET_KEY) && self.is_whole_secret(node);
        let role = if is_whole_secret {
            Role::WholeSecret
        } else {
            context.role
        };
        WalkContext {
            role,
            is_sensitive: role == Role::Attribute && has_sensitive_name(path),
            ..context
        }
    }

    /// Merges another position of a scalar, to which an alias leads, into its first position.
    fn merge_position(&mut self, index: usize, context: WalkContext<'d>) {
        let Some(position) = self.model.positions.get_mut(index) else {
            return;
        };
        let is_worse = context.role > position.role || context.refusal > position.refusal;
        position.role = position.role.max(context.role);
        position.refusal = position.refusal.max(context.refusal);
        position.is_sensitive |= context.is_sensitive;
        position.purpose = position.purpose.max(context.purpose);
        if is_worse {
            let stack = self.model.stacks.last();
            let component = context
                .component
                .and_then(|index| stack?.components.get(index));
            position.invalid = Some(Box::new(InvalidPosition {
                component: component.map(|component| Arc::clone(&component.kind)),
                attribute: context.attribute.map(truncated_name),
            }));
        }
    }

    fn new_position(
        &self,
        node: NodeId,
        context: WalkContext<'d>,
        attribute: Option<Arc<str>>,
    ) -> ScalarPosition {
        ScalarPosition {
            node,
            stack: self.model.stacks.len().saturating_sub(1),
            component: context.component,
            attribute,
            role: context.role,
            refusal: context.refusal,
            is_sensitive: context.is_sensitive,
            purpose: context.purpose,
            is_key: false,
            is_unquoted_reference: false,
            invalid: None,
        }
    }

    fn push_position(&mut self, position: ScalarPosition) {
        self.braces_count += usize::from(self.document.node(position.node).braces);
        self.position_index
            .insert(position.node, self.model.positions.len());
        self.model.positions.push(position);
    }
}

/// Returns the part of a dotted path that is kept as an attribute, or `None` if the path is empty.
fn truncated_path(path: &str) -> Option<Arc<str>> {
    let end = floor_char_boundary(path, MAX_NAME_BYTES);
    path.get(..end)
        .filter(|path| !path.is_empty())
        .map(Arc::from)
}

/// Returns whether rules may report a value without braces in any attribute: a reference of another
/// tool, or a URL with a password.
fn may_be_reported(text: &str) -> bool {
    text.bytes().any(|byte| byte == b':')
        && (foreign_reference(text).is_some_and(|reference| reference.is_unambiguous)
            || !url::passwords(text).is_empty())
}
