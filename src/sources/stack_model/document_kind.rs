//! The kind of a document, by its keys at the top level.

use super::non_null_text;
use crate::document::{Document, MERGE_BUDGET, NodeId, Syntax};
use crate::zenml::keywords::{
    FileKind, is_common_word, is_run_key, is_step_key, parse_settings_key,
};
use std::borrow::Cow;

/// Keys of `settings` that are not component types.
const OTHER_SETTINGS: [&str; 3] = ["docker", "resources", "deployment"];

/// Returns the kind of the first document in a file that has one.
pub fn file_kind(roots: &[RootMapping<'_>]) -> Option<FileKind> {
    roots.iter().find_map(document_kind)
}

/// Returns the kind of one document. A file with a collection in place of `stack_name` is a
/// template.
fn document_kind(top: &RootMapping<'_>) -> Option<FileKind> {
    let is_stack = (top.is_scalar("stack_name") || top.is_scalar("zenml_version"))
        && top
            .get("components")
            .is_some_and(|value| top.document.entries(value).is_some());
    if is_stack {
        Some(FileKind::Stack)
    } else {
        other_document_kind(top)
    }
}

/// Returns the kind of a document that is not a stack.
pub(super) fn other_document_kind(top: &RootMapping<'_>) -> Option<FileKind> {
    if is_component_spec(top) {
        return Some(FileKind::ComponentSpec);
    }
    is_run_config(top).then_some(FileKind::RunConfig)
}

fn is_component_spec(top: &RootMapping<'_>) -> bool {
    top.text("spec_type") == Some("component")
        && (top.is_scalar("component_type") || has_config_mapping(top))
}

/// Returns whether `metadata.config` is a mapping.
fn has_config_mapping(top: &RootMapping<'_>) -> bool {
    let config = top
        .get("metadata")
        .and_then(|metadata| top.document.get(metadata, "config"));
    config.is_some_and(|(_, config)| top.document.entries(config).is_some())
}

fn is_run_config(top: &RootMapping<'_>) -> bool {
    let has_only_run_keys = has_only_keys(top.document, &top.entries, is_run_key);
    let settings = top.get("settings");
    settings
        .is_some_and(|settings| has_component_settings(top.document, settings, has_only_run_keys))
        || has_step_settings(top, has_only_run_keys)
}

/// Returns whether a step has settings of a component type.
fn has_step_settings(top: &RootMapping<'_>, has_only_run_keys: bool) -> bool {
    let document = top.document;
    let mut budget = MERGE_BUDGET;
    let steps = top
        .get("steps")
        .and_then(|steps| document.entries(steps))
        .unwrap_or_default();
    steps.iter().any(|&(_, step)| {
        let entries = document
            .merged_entries(step, &mut budget)
            .unwrap_or_default();
        let has_only_step_keys =
            has_only_run_keys && has_only_keys(document, &entries, is_step_key);
        let settings = find_value(document, &entries, "settings");
        settings
            .is_some_and(|settings| has_component_settings(document, settings, has_only_step_keys))
    })
}

/// Returns whether `settings` contains settings of a component type. Without a flavor, a component
/// type counts only if all other keys, here and in the parent (`has_only_known_keys`), occur in run
/// configs.
fn has_component_settings(
    document: &Document,
    settings: NodeId,
    has_only_known_keys: bool,
) -> bool {
    let mut budget = MERGE_BUDGET;
    let entries = document
        .merged_entries(settings, &mut budget)
        .unwrap_or_default();
    let has_only_settings = entries.iter().all(|&(key, value)| {
        let key = document.text(key).unwrap_or_default();
        document.entries(value).is_some()
            && (parse_settings_key(key).is_some() || OTHER_SETTINGS.contains(&key))
    });
    entries.iter().any(|&(key, value)| {
        let key = document.text(key).and_then(parse_settings_key);
        document.entries(value).is_some()
            && key.is_some_and(|(kind, flavor)| {
                flavor.is_some()
                    || (has_only_known_keys && has_only_settings && !is_common_word(kind))
            })
    })
}

fn has_only_keys(
    document: &Document,
    entries: &[(NodeId, NodeId)],
    is_known: fn(&str) -> bool,
) -> bool {
    entries
        .iter()
        .all(|&(key, _)| document.text(key).is_some_and(is_known))
}

/// Returns the value of the first entry with a key.
pub(super) fn find_value(
    document: &Document,
    entries: &[(NodeId, NodeId)],
    key: &str,
) -> Option<NodeId> {
    entries
        .iter()
        .find(|&&(name, _)| document.text(name) == Some(key))
        .map(|&(_, value)| value)
}

/// The mapping at the top level of a document, including the entries that merge keys add.
pub struct RootMapping<'d> {
    document: &'d Document,
    pub(super) root: NodeId,
    pub(super) entries: Cow<'d, [(NodeId, NodeId)]>,
}

impl<'d> RootMapping<'d> {
    /// Returns the top-level mapping of each document in a file; none for a script. The mapping of
    /// a document that is not a mapping is empty.
    pub fn all(document: &'d Document) -> Vec<Self> {
        #[cfg(test)]
        crate::counters::record(crate::counters::Fact::RootMappings);
        let roots = match document.syntax() {
            Syntax::Script => &[],
            Syntax::Yaml | Syntax::Toml | Syntax::Json => document.roots(),
        };
        roots
            .iter()
            .map(|&root| Self::new(document, root))
            .collect()
    }

    fn new(document: &'d Document, root: NodeId) -> Self {
        let mut budget = MERGE_BUDGET;
        let entries = document
            .merged_entries(root, &mut budget)
            .unwrap_or_default();
        Self {
            document,
            root,
            entries,
        }
    }

    pub(super) fn get(&self, key: &str) -> Option<NodeId> {
        find_value(self.document, &self.entries, key)
    }

    /// Returns the text of a value, or `None` for null and for collections.
    pub(super) fn text(&self, key: &str) -> Option<&'d str> {
        non_null_text(self.document, self.get(key)?)
    }

    fn is_scalar(&self, key: &str) -> bool {
        self.get(key)
            .is_some_and(|value| self.document.scalar(value).is_some())
    }
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "tests")]
mod tests {
    use super::*;
    use crate::text::source::SourceFile;
    use std::sync::Arc;

    fn yaml(text: &str) -> Document {
        Document::parse(Arc::new(SourceFile::new("x.yaml", text)), Syntax::Yaml).unwrap()
    }

    #[test]
    fn run_config_has_settings_of_a_component_type() {
        for text in [
            "settings: {orchestrator.vertex: {a: 1}}\nanything: 1",
            "run_name: x\nsettings: {orchestrator: {a: 1}, docker: {}}",
            "steps: {train: {settings: {step_operator.vertex: {a: 1}}}}",
            "steps: {train: {settings: {experiment_tracker: {a: 1}}, enable_cache: false}}",
            "base: &base {settings: {orchestrator: {a: 1}}}\n---\nsettings: {alerter.slack: {a: 1}}",
        ] {
            assert_eq!(
                file_kind(&RootMapping::all(&yaml(text))),
                Some(FileKind::RunConfig),
                "{text}"
            );
        }
    }

    #[test]
    fn settings_and_steps_of_other_tools_are_ignored() {
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
            assert_eq!(file_kind(&RootMapping::all(&yaml(text))), None, "{text}");
        }
    }
}
