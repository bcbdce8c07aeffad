//! Which shape a document has, and the places in the two shapes that are no stacks: run configs of pipelines, where each
//! `settings.<type>[.<flavor>]` is a component, and component specs of mlstacks, which are one component each.

use super::{Component, MERGE_BUDGET, Role, WalkContext, Walker, non_null_text, truncated_name};
use crate::document::{Document, NodeId};
use crate::zenml::keywords::{FileKind, is_common_word, is_run_key, is_step_key, parse_settings_key};

/// The shape that one of the documents in a file has.
pub fn file_kind(document: &Document) -> Option<FileKind> {
    document.roots().iter().find_map(|&root| document_kind(&RootMapping::new(document, root)))
}

/// The shape of one document. Where what is to be a plain value is none, the file is a template.
fn document_kind(top: &RootMapping<'_>) -> Option<FileKind> {
    let document = top.document;
    let plain = |key: &str| top.get(key).is_some_and(|value| document.scalar(value).is_some());
    let stated = plain("stack_name") || plain("zenml_version");
    if stated && top.get("components").is_some_and(|value| document.entries(value).is_some()) {
        return Some(FileKind::Stack);
    }
    other_document_kind(top)
}

/// The shape of a document that is no stack.
pub(super) fn other_document_kind(top: &RootMapping<'_>) -> Option<FileKind> {
    let document = top.document;
    let plain = |key: &str| top.get(key).is_some_and(|value| document.scalar(value).is_some());
    let config = || {
        let metadata = top.get("metadata")?;
        document.entries(document.get(metadata, "config")?.1)
    };
    if top.text("spec_type") == Some("component") && (plain("component_type") || config().is_some()) {
        return Some(FileKind::ComponentSpec);
    }
    let only = |entries: &[(NodeId, NodeId)], known: fn(&str) -> bool| {
        entries.iter().all(|&(key, _)| document.text(key).is_some_and(known))
    };
    let ours = only(&top.entries, is_run_key);
    // A type alone tells only where all that stands beside it is settings, too.
    let is_settings = |settings: NodeId, ours: bool| {
        let mut budget = MERGE_BUDGET;
        let entries = document.merged_entries(settings, &mut budget).unwrap_or_default();
        let kind = |key: NodeId| document.text(key).and_then(parse_settings_key);
        let all = entries.iter().all(|&(key, value)| {
            let known =
                kind(key).is_some() || matches!(document.text(key), Some("docker" | "resources" | "deployment"));
            known && document.entries(value).is_some()
        });
        entries.iter().any(|&(key, value)| {
            let fits =
                |(kind, flavor): (&str, Option<&str>)| flavor.is_some() || (ours && all && !is_common_word(kind));
            document.entries(value).is_some() && kind(key).is_some_and(fits)
        })
    };
    let of_steps = || {
        let mut budget = MERGE_BUDGET;
        let steps = top.get("steps").and_then(|steps| document.entries(steps)).unwrap_or_default();
        steps.iter().any(|&(_, step)| {
            let entries = document.merged_entries(step, &mut budget).unwrap_or_default();
            let settings = entries.iter().find(|&&(key, _)| document.text(key) == Some("settings"));
            let ours = ours && only(&entries, is_step_key);
            settings.is_some_and(|&(_, settings)| is_settings(settings, ours))
        })
    };
    let run = top.get("settings").is_some_and(|settings| is_settings(settings, ours)) || of_steps();
    run.then_some(FileKind::RunConfig)
}

/// The top level of a document, with what merge keys bring to it.
pub(super) struct RootMapping<'d> {
    document: &'d Document,
    entries: Vec<(NodeId, NodeId)>,
}

impl<'d> RootMapping<'d> {
    pub fn new(document: &'d Document, root: NodeId) -> Self {
        let mut budget = MERGE_BUDGET;
        let entries = document.merged_entries(root, &mut budget).unwrap_or_default();
        Self { document, entries }
    }

    pub fn get(&self, key: &str) -> Option<NodeId> {
        let entry = self.entries.iter().find(|&&(name, _)| self.document.text(name) == Some(key));
        entry.map(|&(_, value)| value)
    }

    /// A value as text; null is none.
    pub fn text(&self, key: &str) -> Option<&'d str> {
        non_null_text(self.document, self.get(key)?)
    }
}

impl<'d> Walker<'d> {
    /// The settings of a run config, and of its steps.
    pub(super) fn run_config(&mut self, top: &RootMapping<'d>, outside: WalkContext<'d>) {
        let document = self.document;
        self.settings(top.get("settings"), top.get("secrets"), outside);
        let steps = top.get("steps").map(|steps| self.merged(steps)).unwrap_or_default();
        for (_, step) in steps {
            let entries = self.merged(step);
            let of = |name: &str| {
                let entry = entries.iter().find(|&&(key, _)| document.text(key) == Some(name));
                entry.map(|&(_, value)| value)
            };
            self.settings(of("settings"), of("secrets"), outside);
        }
    }

    fn settings(&mut self, settings: Option<NodeId>, secrets: Option<NodeId>, outside: WalkContext<'d>) {
        let document = self.document;
        let entries = settings.map(|settings| self.merged(settings)).unwrap_or_default();
        for (key, value) in entries {
            let name = document.text(key).unwrap_or_default();
            let (kind, flavor) = name.split_once('.').map_or((name, None), |(kind, flavor)| (kind, Some(flavor)));
            let component = Component { kind: truncated_name(kind), name: None, flavor: flavor.map(Into::into) };
            let Some(inside) = self.begin(component, outside) else { return };
            self.key(key, inside);
            if document.entries(value).is_none() {
                self.descend(value, inside);
            }
            for (key, value) in self.merged(value) {
                self.attribute(kind, key, value, inside);
            }
        }
        if let Some(secrets) = secrets {
            self.whole_secrets(secrets, outside);
        }
    }

    /// The one component of a spec: what stands in `metadata.config` are its attributes.
    pub(super) fn component_spec(&mut self, top: &RootMapping<'d>, outside: WalkContext<'d>) {
        let document = self.document;
        let text = |key: &str| top.text(key).map(truncated_name);
        let kind = top.text("component_type").unwrap_or_default();
        let component = Component { kind: truncated_name(kind), name: text("name"), flavor: text("component_flavor") };
        let Some(inside) = self.begin(component, outside) else { return };
        for &(key, value) in &top.entries {
            let name = document.text(key);
            if let Some("name" | "spec_type" | "component_type" | "component_flavor") = name {
                self.descend(value, WalkContext { attribute: name, role: Role::Attribute, is_refused: true, ..inside });
            }
        }
        let metadata = top.get("metadata").map(|metadata| self.merged(metadata)).unwrap_or_default();
        for (key, value) in metadata {
            if document.text(key) == Some("config") {
                for (key, value) in self.merged(value) {
                    self.attribute(kind, key, value, inside);
                }
            }
        }
    }

    /// Begins a component of the last stack; where its own content stands.
    pub(super) fn begin(&mut self, component: Component, outside: WalkContext<'d>) -> Option<WalkContext<'d>> {
        let stack = self.model.stacks.last_mut()?;
        let flavor = component.flavor.as_deref().and_then(|name| stack.version.flavor(&component.kind, name));
        stack.components.push(component);
        Some(WalkContext { component: Some(stack.components.len() - 1), flavor, ..outside })
    }
}

#[cfg(test)]
#[expect(clippy::unwrap_used, clippy::indexing_slicing, reason = "tests")]
mod tests {
    use super::super::read_stacks;
    use super::*;
    use crate::document::Syntax;
    use crate::text::source::SourceFile;
    use std::sync::Arc;

    fn yaml(text: &str) -> Document {
        Document::parse(Arc::new(SourceFile::new("x.yaml", text)), Syntax::Yaml).unwrap()
    }

    #[test]
    fn a_run_config_has_settings_of_a_component_type() {
        for text in [
            "settings: {orchestrator.vertex: {a: 1}}\nanything: 1",
            "run_name: x\nsettings: {orchestrator: {a: 1}, docker: {}}",
            "steps: {train: {settings: {step_operator.vertex: {a: 1}}}}",
            "steps: {train: {settings: {experiment_tracker: {a: 1}}, enable_cache: false}}",
            "base: &base {settings: {orchestrator: {a: 1}}}\n---\nsettings: {alerter.slack: {a: 1}}",
        ] {
            assert_eq!(file_kind(&yaml(text)), Some(FileKind::RunConfig), "{text}");
        }
    }

    #[test]
    fn settings_and_steps_of_others_are_none() {
        for text in [
            "settings: {orchestrator: {a: 1}}\nanything: 1",
            "settings: {docker: {a: 1}, resources: {cpu: 1}}",
            "settings: {orchestrator.vertex: on}",
            "settings: {orchestrator: {a: 1}, timeout: 3}",
            "settings: {deployer: {a: 1}}",
            "steps: [{settings: {orchestrator.vertex: {a: 1}}}]",
            "steps: {train: {image: x, settings: {deployer: {a: 1}}}}",
            "steps: {train: {settings: [orchestrator]}}",
            "spec: {settings: {orchestrator.vertex: {a: 1}}}",
            "spec_type: stack\ncomponent_type: x\ncomponent_flavor: y",
            "spec_type: component\nname: x",
        ] {
            assert_eq!(file_kind(&yaml(text)), None, "{text}");
        }
    }

    #[test]
    fn attributes_know_their_type_and_flavor() {
        let document = yaml(
            "settings: {experiment_tracker.wandb: {api_key: x}, docker: {a: '{{b.c}}'}}\n\
             steps: {s: {settings: {orchestrator.ssh: {ssh_private_key: y, z: {w: '{{d.e}}'}}}}}\n\
             run_name: '{{f.g}}'\n",
        );
        let layout = read_stacks(&document);
        let seen: Vec<_> = layout
            .positions
            .iter()
            .map(|place| {
                let component = place.component.map(|at| layout.stacks[0].components[at].kind.to_string());
                (component.unwrap_or_default(), place.attribute.as_deref().unwrap_or_default(), place.role)
            })
            .collect();
        assert_eq!(
            seen.iter().map(|(kind, attribute, role)| (kind.as_str(), *attribute, *role)).collect::<Vec<_>>(),
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
