//! The components of stacks.

use super::document_kind::RootMapping;
use super::stack_shape::{any_component, is_foreign};
use super::walker::{WalkContext, Walker};
use super::{Component, OutlineSpans, Purpose, Role, non_null_text, truncated_name};
use crate::document::{Document, NodeId};
use crate::zenml::flavors::{self, Refusal};
use crate::zenml::run_config_keys::general_settings;

impl<'d> Walker<'d> {
    /// Returns whether the value of `components` contains components. In a form-less file, it may
    /// be something else.
    pub(super) fn are_components(&self, top: &RootMapping<'_>, components: NodeId) -> bool {
        let document = self.document;
        let Some(entries) = document.entries(components) else {
            return false;
        };
        let has_stack_key = ["stack_name", "zenml_version"]
            .iter()
            .any(|key| top.get(key).is_some());
        let has_component = || {
            entries.iter().any(|&(_, value)| {
                any_component(document, value, |node| looks_like_component(document, node))
            })
        };
        !is_foreign(top) && (has_stack_key || has_component())
    }

    /// Walks the components of a stack, and the fields of the stack that `ZenML` ignores.
    pub(super) fn walk_components(&mut self, top: &RootMapping<'d>, components: NodeId) {
        let document = self.document;
        for &(key, value) in self.merged_entries(components).iter() {
            let kind = document.text(key).unwrap_or_default();
            self.add_key(key, WalkContext::OUTSIDE);
            match document.items(value) {
                Some(items) => items
                    .iter()
                    .for_each(|&item| self.walk_component(kind, item, item)),
                None => self.walk_component(kind, key, value),
            }
        }
        for &(key, value) in top.entries.iter() {
            match document.text(key) {
                Some("secrets") => {
                    self.add_ignored_field(key, WalkContext::OUTSIDE);
                    self.walk_whole_secrets(value, WalkContext::OUTSIDE);
                }
                Some("environment") => self.add_ignored_field(key, WalkContext::OUTSIDE),
                _ => {}
            }
        }
    }

    /// Adds the position of a key that `zenml stack import` ignores with its value.
    fn add_ignored_field(&mut self, key: NodeId, context: WalkContext<'d>) {
        let context = WalkContext {
            attribute: self.document.text(key),
            role: Role::Outside,
            purpose: Purpose::IgnoredField,
            ..context
        };
        self.add_marked_key(key, context);
    }

    /// Walks a component. `label` is the node that names it in an outline.
    fn walk_component(&mut self, kind: &'d str, label: NodeId, node: NodeId) {
        let document = self.document;
        let entries = self.merged_entries(node);
        let (mut name, mut flavor, mut configuration) = (None, None, None);
        for &(key, value) in entries.iter() {
            match document.text(key) {
                Some("name") => _ = name.get_or_insert(value),
                Some("flavor") => _ = flavor.get_or_insert(value),
                Some("configuration")
                    if configuration.is_none() && document.entries(value).is_some() =>
                {
                    configuration = Some(value);
                }
                _ => {}
            }
        }
        let text = |value: Option<NodeId>| non_null_text(document, value?);
        let component = Component {
            kind: self.shared_name(kind),
            name: text(name).map(truncated_name),
            flavor: text(flavor).map(|flavor| self.shared_name(flavor)),
            outline: OutlineSpans::new(document, label, node),
        };
        let Some(context) = self.add_component(component) else {
            return;
        };
        if document.entries(node).is_none() {
            self.walk_value(node, context);
            return;
        }
        for &(key, value) in entries.iter() {
            self.walk_component_entry(kind, (key, value), configuration.is_some(), context);
        }
    }

    /// Walks an entry of a component. Without a `configuration` map, the entry may be an attribute.
    fn walk_component_entry(
        &mut self,
        kind: &'d str,
        (key, value): (NodeId, NodeId),
        has_configuration: bool,
        context: WalkContext<'d>,
    ) {
        let document = self.document;
        let name = document.text(key);
        let entry_context = WalkContext {
            attribute: name,
            ..context
        };
        let refused_context = WalkContext {
            role: Role::Attribute,
            refusal: Some(Refusal::Identity),
            ..entry_context
        };
        match name {
            Some("configuration") if has_configuration => {
                self.add_key(key, entry_context);
                self.walk_attributes(kind, value, context);
            }
            Some("name" | "type" | "flavor") => {
                self.add_key(key, entry_context);
                self.walk_value(value, refused_context);
            }
            Some("id" | "user" | "is_shared") if has_configuration => {
                self.walk_value(value, refused_context);
            }
            Some("secrets") if document.items(value).is_some() => {
                self.add_ignored_field(key, context);
                self.walk_whole_secrets(value, entry_context);
            }
            Some("environment") if has_configuration => {
                self.add_ignored_field(key, context);
                self.walk_value(value, entry_context);
            }
            _ if has_configuration => {
                self.add_key(key, entry_context);
                self.walk_value(value, entry_context);
            }
            _ => self.walk_attribute(kind, (key, value), context),
        }
    }

    /// Walks a mapping whose entries are the attributes of a component.
    pub(super) fn walk_attributes(
        &mut self,
        kind: &str,
        attributes: NodeId,
        context: WalkContext<'d>,
    ) {
        for &entry in self.merged_entries(attributes).iter() {
            self.walk_attribute(kind, entry, context);
        }
    }

    pub(super) fn walk_attribute(
        &mut self,
        kind: &str,
        (key, value): (NodeId, NodeId),
        context: WalkContext<'d>,
    ) {
        let attribute = self.document.text(key);
        let name = attribute.unwrap_or_default();
        let stack = self.model.stacks.last();
        let component = context
            .component
            .and_then(|index| stack?.components.get(index));
        let flavor = component.and_then(|component| component.flavor.as_deref());
        let refusal = flavors::refusal(context.flavor, kind, name).or_else(|| {
            let version = stack?.version;
            version.secret_str_refusal(kind, flavor?, name)
        });
        let is_not_string =
            || general_settings(kind).is_some_and(|keys| keys.refuses_strings(name));
        let refusal = refusal.or_else(|| is_not_string().then_some(Refusal::NotString));
        let names_whole_secret = flavors::names_whole_secret(kind, flavor, name);
        let is_whole_secret = names_whole_secret && self.is_whole_secret(value);
        let is_dynamic = names_whole_secret && !is_whole_secret && self.is_dynamic_secret(value);
        if names_whole_secret {
            self.record_whole_secret(value);
        }
        let context = WalkContext {
            attribute,
            role: if is_whole_secret {
                Role::WholeSecret
            } else {
                Role::Attribute
            },
            refusal,
            is_sensitive: !is_whole_secret && flavors::is_sensitive(context.flavor, name),
            purpose: if is_dynamic {
                Purpose::DynamicSecret
            } else {
                context.purpose
            },
            ..context
        };
        self.add_key(key, context);
        self.walk_value(value, context);
    }

    /// Walks a list of names of whole secrets.
    pub(super) fn walk_whole_secrets(&mut self, list: NodeId, context: WalkContext<'d>) {
        for &item in self.document.items(list).unwrap_or_default() {
            self.record_whole_secret(item);
            let context = WalkContext {
                attribute: Some("secrets"),
                ..context
            };
            if self.is_whole_secret(item) {
                let role = Role::WholeSecret;
                self.walk_value(item, WalkContext { role, ..context });
            } else if self.is_dynamic_secret(item) {
                let purpose = Purpose::DynamicSecret;
                self.walk_value(item, WalkContext { purpose, ..context });
            }
        }
    }
}

fn looks_like_component(document: &Document, node: NodeId) -> bool {
    ["flavor", "configuration"]
        .iter()
        .any(|key| document.get(node, key).is_some())
}
