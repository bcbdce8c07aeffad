//! The components in the calls of code, for example `create_stack_component(…)` in Python and
//! `zenml_stack_component` in Terraform.

use super::walker::{WalkContext, Walker};
use super::{Component, OutlineSpans, Purpose, Role, non_null_text, truncated_name};
use crate::document::{CallKind, CallNode, NodeId, ScriptHost, Syntax};
use crate::zenml::flavors::{Refusal, has_sensitive_name};
use crate::zenml::grammar::parse_as_zenml;
use crate::zenml::run_config_keys::COMPONENT_TYPES;

/// The class whose `environment` becomes part of an image.
const DOCKER_SETTINGS: &str = "DockerSettings";

/// Returns whether a class has the name of the settings or the configuration of a component, for
/// example `SlackAlerterSettings`.
fn is_component_class(class: &str) -> bool {
    let name = ["Settings", "FlavorConfig", "Config"]
        .iter()
        .find_map(|suffix| class.strip_suffix(suffix));
    let name = name.unwrap_or_default().to_ascii_lowercase();
    let mut types = COMPONENT_TYPES.iter();
    types.any(|kind| name.ends_with(&kind.replace('_', "")))
}

impl<'d> Walker<'d> {
    /// Walks the calls of a file. They belong to the stack of its commands.
    pub(super) fn walk_calls(&mut self) {
        let document = self.document;
        for call in document.calls() {
            match call.kind {
                CallKind::UseList => self.walk_secret_list(call),
                CallKind::Create | CallKind::Update => self.walk_stored_values(call),
                CallKind::Component => self.walk_component_call(call),
                CallKind::Settings => self.walk_settings_call(call),
                CallKind::Unresolved => self.walk_unresolved_call(call),
                CallKind::Use | CallKind::RunConfig => {}
            }
        }
    }

    fn walk_secret_list(&mut self, call: &'d CallNode) {
        let context = WalkContext {
            attribute: Some("secrets"),
            ..WalkContext::OUTSIDE
        };
        let names = call.values.and_then(|values| self.document.items(values));
        for &name in names.unwrap_or_default() {
            self.walk_secret_name(name, context);
        }
    }

    /// Walks the values of a secret that a call creates. They are not references, but they may be
    /// plain text.
    fn walk_stored_values(&mut self, call: &'d CallNode) {
        let document = self.document;
        let entries = call.values.and_then(|values| document.entries(values));
        let is_terraform = document.syntax() == Syntax::Script(ScriptHost::Terraform);
        for &(key, value) in entries.unwrap_or_default() {
            let is_literal = document.expansions(value).is_empty()
                && document
                    .text(value)
                    .is_some_and(|text| !text.contains("{{"));
            // Terraform describes real secrets. In Python, tests have many others.
            let is_sensitive = is_terraform || document.text(key).is_some_and(has_sensitive_name);
            if is_literal && is_sensitive {
                let context = WalkContext {
                    attribute: document.text(key),
                    role: Role::Attribute,
                    is_sensitive: true,
                    purpose: Purpose::StoredValue,
                    ..WalkContext::OUTSIDE
                };
                self.walk_value(value, context);
            }
        }
    }

    fn walk_component_call(&mut self, call: &'d CallNode) {
        let document = self.document;
        let kind = call.label.as_deref().unwrap_or_default();
        let text = |part: Option<NodeId>| {
            let part = part.filter(|&part| document.expansions(part).is_empty())?;
            non_null_text(document, part).map(truncated_name)
        };
        let component = Component {
            kind: truncated_name(kind),
            name: text(call.name),
            flavor: text(call.flavor),
            outline: OutlineSpans::of_node(document, call.node, call.name),
        };
        if let Some(context) = self.add_component(component)
            && let Some(values) = call.values
        {
            self.walk_attributes(kind, values, context);
        }
    }

    /// Walks the arguments of a class of settings. Its attributes may contain references, but their
    /// flavor is not known.
    fn walk_settings_call(&mut self, call: &'d CallNode) {
        let document = self.document;
        let class = call.label.as_deref().unwrap_or_default();
        let component = Component {
            kind: truncated_name(class),
            name: None,
            flavor: None,
            outline: OutlineSpans::of_node(document, call.node, None),
        };
        let Some(context) = self.add_component(component) else {
            return;
        };
        let Some(values) = call.values else {
            return;
        };
        if class == DOCKER_SETTINGS {
            self.walk_docker_settings(values, context);
            return;
        }
        for &(key, value) in document.entries(values).unwrap_or_default() {
            let context = WalkContext {
                attribute: document.text(key),
                role: Role::Attribute,
                ..context
            };
            if is_component_class(class) {
                self.walk_value(value, context);
            } else {
                self.walk_references(value, context);
            }
        }
    }

    /// Walks the strings in a value that are references as a whole. The class may belong to another
    /// library, whose templates have braces, too.
    fn walk_references(&mut self, value: NodeId, context: WalkContext<'d>) {
        let document = self.document;
        let mut open = vec![(value, context)];
        while let Some((node, context)) = open.pop() {
            let inner = WalkContext {
                role: Role::Nested,
                ..context
            };
            if let Some(entries) = document.entries(node) {
                open.extend(entries.iter().rev().map(|&(_, value)| (value, inner)));
            } else if let Some(items) = document.items(node) {
                open.extend(items.iter().rev().map(|&item| (item, inner)));
            } else if self.is_whole_reference(node) {
                self.walk_value(node, context);
            }
        }
    }

    /// Returns whether a string is a reference as a whole.
    fn is_whole_reference(&self, node: NodeId) -> bool {
        let text = self.document.text(node).unwrap_or_default();
        let is_dynamic = !self.document.expansions(node).is_empty();
        parse_as_zenml(text).is_some()
            || (is_dynamic && text.starts_with("{{") && text.ends_with("}}"))
    }

    /// Walks a configuration in which `ZenML` resolves no reference.
    fn walk_unresolved_call(&mut self, call: &'d CallNode) {
        let document = self.document;
        let entries = call.values.and_then(|values| document.entries(values));
        for &(key, value) in entries.unwrap_or_default() {
            let context = WalkContext {
                attribute: document.text(key),
                role: Role::Attribute,
                refusal: Some(Refusal::Unresolved),
                ..WalkContext::OUTSIDE
            };
            self.walk_value(value, context);
        }
    }
}
