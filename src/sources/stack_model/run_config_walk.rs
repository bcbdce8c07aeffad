//! The components of run configs and component specs.
//!
//! In a run config, each `settings.<type>[.<flavor>]` is a component. A component spec is one
//! component.

use super::document_kind::{RootMapping, find_value};
use super::walker::{WalkContext, Walker};
use super::{Component, Role, truncated_name};
use crate::document::NodeId;

impl<'d> Walker<'d> {
    /// Walks the settings of a run config and of its steps.
    pub(super) fn walk_run_config(&mut self, top: &RootMapping<'d>) {
        let document = self.document;
        self.walk_settings(top.get("settings"), top.get("secrets"));
        let steps = top
            .get("steps")
            .map(|steps| self.merged_entries(steps))
            .unwrap_or_default();
        for &(_, step) in steps.iter() {
            let entries = self.merged_entries(step);
            let settings = find_value(document, &entries, "settings");
            self.walk_settings(settings, find_value(document, &entries, "secrets"));
        }
    }

    fn walk_settings(&mut self, settings: Option<NodeId>, secrets: Option<NodeId>) {
        let document = self.document;
        let entries = settings
            .map(|settings| self.merged_entries(settings))
            .unwrap_or_default();
        for &(key, value) in entries.iter() {
            let name = document.text(key).unwrap_or_default();
            let (kind, flavor) = name
                .split_once('.')
                .map_or((name, None), |(kind, flavor)| (kind, Some(flavor)));
            let component = Component {
                kind: truncated_name(kind),
                name: None,
                flavor: flavor.map(Into::into),
            };
            let Some(context) = self.add_component(component) else {
                return;
            };
            self.add_key(key, context);
            if document.entries(value).is_none() {
                self.walk_value(value, context);
            }
            self.walk_attributes(kind, value, context);
        }
        if let Some(secrets) = secrets {
            self.walk_whole_secrets(secrets, WalkContext::OUTSIDE);
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
                    is_refused: true,
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
