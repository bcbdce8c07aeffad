//! The walk over a document that gives each scalar a position.
//!
//! `component_walk`, `run_config_walk` and `command_walk` find the components. They walk the values
//! of attributes, and [`Walker::walk_remaining`] adds the scalars that are left.

use super::document_kind::{RootMapping, other_document_kind};
use super::flow_braces::{is_reference_in_single_braces, is_unquoted_reference};
use super::scalar_positions::PositionIndex;
use super::whole_secret_name::{is_dynamic_name, is_secret_name, without_braces};
use super::{
    Component, OutlineSpans, Purpose, Role, Stack, StackModel, WHOLE_SECRET_KEY, truncated_name,
};
use crate::document::{Document, MERGE_BUDGET, NodeId, NodeKind, ScalarType};
use crate::sources::name_cache::NameCache;
use crate::zenml::flavors::{Flavor, Refusal, Version};
use crate::zenml::keywords::FileKind;
use std::borrow::Cow;
use std::collections::HashSet;
use std::sync::Arc;

/// The facts about the values that are walked.
#[derive(Clone, Copy)]
pub(super) struct WalkContext<'d> {
    /// The index of the component in the last stack.
    pub(super) component: Option<usize>,
    /// The table row of the component's flavor, if stackref knows the flavor.
    pub(super) flavor: Option<&'static Flavor>,
    /// The key that names the attribute.
    pub(super) attribute: Option<&'d str>,
    pub(super) role: Role,
    pub(super) refusal: Option<Refusal>,
    pub(super) is_sensitive: bool,
    pub(super) purpose: Purpose,
}

impl WalkContext<'_> {
    /// The context of values outside of all components.
    pub(super) const OUTSIDE: Self = Self {
        component: None,
        flavor: None,
        attribute: None,
        role: Role::Outside,
        refusal: None,
        is_sensitive: false,
        purpose: Purpose::Value,
    };
}

/// A walk over one document that builds its [`StackModel`].
pub(super) struct Walker<'d> {
    pub(super) document: &'d Document,
    pub(super) model: StackModel,
    pub(super) position_index: PositionIndex,
    /// The number of positions of scalars with braces.
    pub(super) braces_count: usize,
    /// The collections that were walked, with the facts that change the result of a walk.
    visited: HashSet<(NodeId, Role, Option<Refusal>)>,
    /// The rest of [`MERGE_BUDGET`].
    merge_budget: usize,
    /// The mapping at which the budget was exceeded.
    exhausted_at: Option<NodeId>,
    /// The names in the model, which components and scalars share.
    names: NameCache<'d, Arc<str>>,
}

impl<'d> Walker<'d> {
    pub(super) fn new(document: &'d Document) -> Self {
        Self {
            document,
            model: StackModel {
                positions: Vec::with_capacity(document.braces_count()),
                ..StackModel::default()
            },
            position_index: PositionIndex::for_document(document),
            braces_count: 0,
            visited: HashSet::new(),
            merge_budget: MERGE_BUDGET,
            exhausted_at: None,
            names: NameCache::default(),
        }
    }

    pub(super) fn finish(self) -> StackModel {
        StackModel {
            too_many_merges: self.exhausted_at,
            ..self.model
        }
    }

    /// Walks one YAML document, or a whole file of another syntax. `next_root` is the next YAML
    /// document.
    pub(super) fn walk_root(&mut self, top: &RootMapping<'d>, next_root: Option<NodeId>) {
        let components = top
            .get("components")
            .filter(|&value| self.are_components(top, value));
        let kind = if components.is_some() {
            Some(FileKind::Stack)
        } else {
            top.stated_kind.or_else(|| other_document_kind(top))
        };
        self.model.stacks.push(Stack {
            name: top
                .text("stack_name")
                .filter(|name| !name.is_empty())
                .map(truncated_name),
            version: top
                .text("zenml_version")
                .and_then(Version::parse)
                .unwrap_or(Version::NEWEST),
            kind,
            components: Vec::new(),
            outline: OutlineSpans::of_node(self.document, top.root, top.get("stack_name")),
        });
        if let Some(components) = components {
            self.walk_components(top, components);
        }
        match kind {
            Some(FileKind::RunConfig) => self.walk_run_config(top),
            Some(FileKind::ComponentSpec) => self.walk_component_spec(top),
            _ => {}
        }
        let role = if kind.is_some() {
            Role::Outside
        } else {
            Role::Attribute
        };
        self.walk_remaining(
            top.root,
            next_root,
            WalkContext {
                role,
                ..WalkContext::OUTSIDE
            },
        );
    }

    /// Returns a name as the model contains it: truncated, and shared with equal names.
    pub(super) fn shared_name(&mut self, name: &'d str) -> Arc<str> {
        self.names.get(name, truncated_name)
    }

    /// Adds a component to the last stack. Returns the context of its values.
    pub(super) fn add_component(&mut self, component: Component) -> Option<WalkContext<'d>> {
        let stack = self.model.stacks.last_mut()?;
        let flavor = component
            .flavor
            .as_deref()
            .and_then(|name| stack.version.flavor(&component.kind, name));
        stack.components.push(component);
        Some(WalkContext {
            component: Some(stack.components.len() - 1),
            flavor,
            ..WalkContext::OUTSIDE
        })
    }

    /// Returns the entries of a mapping, including those that merge keys add. Returns no entries if
    /// the budget for merges is exceeded.
    pub(super) fn merged_entries(&mut self, mapping: NodeId) -> Cow<'d, [(NodeId, NodeId)]> {
        let entries = self
            .document
            .merged_entries(mapping, &mut self.merge_budget);
        if entries.is_none() && self.document.entries(mapping).is_some() {
            self.exhausted_at.get_or_insert(mapping);
        }
        entries.unwrap_or_default()
    }

    /// Returns whether a value is a string that can be the name of a whole secret.
    pub(super) fn is_whole_secret(&self, value: NodeId) -> bool {
        let is_string = self
            .document
            .scalar(value)
            .is_some_and(|scalar| scalar.ty == ScalarType::String);
        is_string && self.document.text(value).is_some_and(is_secret_name)
    }

    /// Returns whether a value stands for the name of a whole secret that is known only at run time.
    pub(super) fn is_dynamic_secret(&self, value: NodeId) -> bool {
        self.document.text(value).is_some_and(is_dynamic_name)
    }

    /// Records that the last stack uses a value as the name of a whole secret. Braces around the
    /// name are another rule's finding.
    pub(super) fn record_whole_secret(&mut self, value: NodeId) {
        let name = self.document.text(value).map(without_braces);
        if let Some(name) = name.filter(|name| is_secret_name(name)) {
            let stack = self.model.stacks.len().saturating_sub(1);
            self.model
                .whole_secret_names
                .insert((stack, name.to_owned()));
        }
    }

    /// Adds the positions of a value and of all values in it. Values in a collection are nested.
    ///
    /// Each collection is walked once for each role, so that aliases cannot multiply the work.
    /// Chains of aliases are deeper than any nesting, so the walk uses a list instead of recursion.
    pub(super) fn walk_value(&mut self, value: NodeId, context: WalkContext<'d>) {
        let document = self.document;
        // Most values are scalars, for which no list is allocated.
        let target = document.target(value);
        if matches!(document.node(target).kind, NodeKind::Scalar(_)) {
            self.add_value(target, context, document.is_split_reference(target));
            return;
        }
        let mut open = vec![(value, context)];
        while let Some((node, context)) = open.pop() {
            let node = document.target(node);
            let is_password = context.is_sensitive && context.role == Role::Attribute;
            if is_unquoted_reference(document, node)
                || (is_password && is_reference_in_single_braces(document, node))
            {
                self.add_value(node, context, true);
                continue;
            }
            let inner = WalkContext {
                role: context.role.max(Role::Nested),
                // The type of an attribute is not that of the values in it.
                refusal: context
                    .refusal
                    .filter(|&reason| reason != Refusal::NotString),
                ..context
            };
            match document.node(node).kind {
                NodeKind::Scalar(_) => self.add_value(node, context, false),
                NodeKind::Mapping { entries, .. } if self.is_first_visit(node, context) => {
                    for &(key, value) in document.entries_in(entries).iter().rev() {
                        self.add_key(key, inner);
                        open.push((value, inner));
                    }
                }
                NodeKind::Sequence(items) if self.is_first_visit(node, context) => {
                    open.extend(
                        document
                            .items_in(items)
                            .iter()
                            .rev()
                            .map(|&item| (item, inner)),
                    );
                }
                _ => {}
            }
        }
    }

    fn is_first_visit(&mut self, node: NodeId, context: WalkContext<'d>) -> bool {
        // Only aliases can lead to a collection more than once.
        !self.document.has_aliases() || self.visited.insert((node, context.role, context.refusal))
    }

    /// Adds the scalars of a document that have no position yet: those outside of all components,
    /// or all scalars of a form-less file.
    fn walk_remaining(
        &mut self,
        root: NodeId,
        next_root: Option<NodeId>,
        context: WalkContext<'d>,
    ) {
        let document = self.document;
        let mut skip_to = 0;
        // The key is in the text as it is, unless it is written with escapes.
        let text = document.source().text().as_bytes();
        let may_name_whole_secret = memchr::memmem::find(text, WHOLE_SECRET_KEY.as_bytes())
            .is_some()
            || memchr::memchr(b'\\', text).is_some();
        // Outside of components, only braces matter. Usually all of them are in components.
        let has_other_braces = self.braces_count < document.braces_count()
            || document.has_flow_mappings()
            || document.has_unusual_keys();
        if context.role == Role::Outside && !may_name_whole_secret && !has_other_braces {
            return;
        }
        for (id, node) in document
            .nodes_from(root)
            .take_while(|&(id, _)| next_root.is_none_or(|next| id < next))
        {
            if node.span.start < skip_to {
                continue;
            }
            let is_unquoted = node.is_flow_mapping() && is_unquoted_reference(document, id);
            if is_unquoted {
                skip_to = node.span.end;
            }
            // This attribute names a whole secret in every position.
            if may_name_whole_secret
                && !matches!(node.kind, NodeKind::Alias(_))
                && let Some((_, name)) = document.get(id, WHOLE_SECRET_KEY)
            {
                self.record_whole_secret(name);
            }
            let is_key = match node.kind {
                _ if is_unquoted => node.key,
                NodeKind::Scalar(_) => node.key,
                NodeKind::Alias(_) if node.key => true,
                _ => continue,
            };
            if is_key {
                self.add_key(id, context);
            } else if self.position_index.get(id).is_none() {
                self.add_value(id, context, is_unquoted);
            }
        }
    }
}
