//! The components of run configs and component specs.
//!
//! In a run config, each key of `settings` is a component: `orchestrator`, `orchestrator.kubernetes`
//! with a flavor, `orchestrator:prod` with a name, or `docker`. A component spec is one component.

use super::document_kind::{RootMapping, find_value};
use super::walker::{WalkContext, Walker};
use super::{Component, OutlineSpans, Purpose, Role, truncated_name};
use crate::document::NodeId;
use crate::zenml::flavors::{Refusal, is_secret_variable};

impl<'d> Walker<'d> {
    /// Walks a run config and its steps.
    pub(super) fn walk_run_config(&mut self, top: &RootMapping<'d>) {
        self.walk_level(&top.entries);
        let steps = top
            .get("steps")
            .map(|steps| self.merged_entries(steps))
            .unwrap_or_default();
        for &(_, step) in steps.iter() {
            let entries = self.merged_entries(step);
            self.walk_level(&entries);
        }
    }

    /// Walks the keys that the top level and the steps of a run config share.
    fn walk_level(&mut self, entries: &[(NodeId, NodeId)]) {
        let document = self.document;
        if let Some(settings) = find_value(document, entries, "settings") {
            self.walk_settings(settings);
        }
        if let Some(secrets) = find_value(document, entries, "secrets") {
            self.walk_whole_secrets(secrets, WalkContext::OUTSIDE);
        }
        if let Some(environment) = find_value(document, entries, "environment") {
            let context = WalkContext {
                attribute: Some("environment"),
                purpose: Purpose::RunVariable,
                ..WalkContext::OUTSIDE
            };
            self.walk_variables(environment, context);
        }
    }

    fn walk_settings(&mut self, settings: NodeId) {
        let document = self.document;
        for &(key, value) in self.merged_entries(settings).iter() {
            let text = document.text(key).unwrap_or_default();
            let (kind, selector) = text.split_at(text.find(['.', ':']).unwrap_or(text.len()));
            let component = Component {
                kind: truncated_name(kind),
                name: selector.strip_prefix(':').map(truncated_name),
                flavor: selector.strip_prefix('.').map(truncated_name),
                outline: OutlineSpans::new(document, key, value),
            };
            let Some(context) = self.add_component(component) else {
                return;
            };
            self.add_key(key, context);
            if document.entries(value).is_none() {
                self.walk_value(value, context);
            } else if kind == "docker" {
                self.walk_docker_settings(value, context);
            } else {
                self.walk_attributes(kind, value, context);
            }
        }
    }

    /// Walks the settings of images. The variables in `environment` become part of the image.
    pub(super) fn walk_docker_settings(&mut self, settings: NodeId, context: WalkContext<'d>) {
        let document = self.document;
        for &(key, value) in self.merged_entries(settings).iter() {
            let attribute = document.text(key);
            let purpose = match attribute {
                Some("environment") => Purpose::ImageVariable,
                Some("runtime_environment") => Purpose::RunVariable,
                _ => Purpose::Value,
            };
            if purpose == Purpose::Value || document.entries(value).is_none() {
                self.walk_attribute("docker", (key, value), context);
                continue;
            }
            let context = WalkContext {
                attribute,
                role: Role::Nested,
                purpose,
                ..context
            };
            self.add_key(key, context);
            self.walk_variables(value, context);
        }
    }

    /// Walks a mapping of environment variables.
    fn walk_variables(&mut self, variables: NodeId, context: WalkContext<'d>) {
        let document = self.document;
        if document.entries(variables).is_none() {
            self.walk_value(variables, context);
        }
        for &(key, value) in self.merged_entries(variables).iter() {
            let is_sensitive = context.purpose == Purpose::ImageVariable
                && document.text(key).is_some_and(is_secret_variable);
            let context = WalkContext {
                is_sensitive,
                ..context
            };
            self.add_key(key, context);
            self.walk_value(value, context);
        }
    }

    /// Walks a component spec, whose attributes are in `metadata.config`.
    pub(super) fn walk_component_spec(&mut self, top: &RootMapping<'d>) {
        let document = self.document;
        let kind = top.text("component_type").unwrap_or_default();
        let component = Component {
            kind: truncated_name(kind),
            name: top.text("name").map(truncated_name),
            flavor: top.text("component_flavor").map(truncated_name),
            outline: OutlineSpans::of_node(document, top.root, None),
        };
        let Some(context) = self.add_component(component) else {
            return;
        };
        for &(key, value) in top.entries.iter() {
            let attribute = document.text(key);
            if let Some("name" | "spec_type" | "component_type" | "component_flavor") = attribute {
                let refused = WalkContext {
                    attribute,
                    role: Role::Attribute,
                    refusal: Some(Refusal::Identity),
                    ..context
                };
                self.walk_value(value, refused);
            }
        }
        let metadata = top
            .get("metadata")
            .map(|metadata| self.merged_entries(metadata))
            .unwrap_or_default();
        for &(key, value) in metadata.iter() {
            if document.text(key) == Some("config") {
                self.walk_attributes(kind, value, context);
            }
        }
    }
}

#[cfg(test)]
#[expect(clippy::unwrap_used, clippy::indexing_slicing, reason = "tests")]
mod tests {
    use super::super::{Role, RootMapping, read_stacks};
    use crate::document::{Document, Syntax};
    use crate::text::source::SourceFile;
    use std::sync::Arc;

    fn yaml(text: &str) -> Document {
        Document::parse(Arc::new(SourceFile::new("x.yaml", text)), Syntax::Yaml).unwrap()
    }

    #[test]
    fn attributes_of_settings_have_a_type_and_a_role() {
        let document = yaml(
            "settings: {experiment_tracker.wandb: {api_key: x}, docker: {a: '{{b.c}}'}}\n\
             steps: {s: {settings: {orchestrator.ssh: {ssh_private_key: y, z: {w: '{{d.e}}'}}}}}\n\
             run_name: '{{f.g}}'\n",
        );
        let model = read_stacks(&document, &RootMapping::all(&document));
        let positions: Vec<_> = model
            .positions
            .iter()
            .map(|position| {
                let component = position
                    .component
                    .map(|index| model.stacks[0].components[index].kind.to_string());
                (
                    component.unwrap_or_default(),
                    position.attribute.as_deref().unwrap_or_default(),
                    position.role,
                )
            })
            .collect();
        assert_eq!(
            positions
                .iter()
                .map(|(kind, attribute, role)| (kind.as_str(), *attribute, *role))
                .collect::<Vec<_>>(),
            [
                ("experiment_tracker", "api_key", Role::Attribute),
                ("docker", "a", Role::Attribute),
                ("orchestrator", "ssh_private_key", Role::Attribute),
                ("orchestrator", "z", Role::Nested),
                ("", "", Role::Outside),
            ]
        );
    }
}
