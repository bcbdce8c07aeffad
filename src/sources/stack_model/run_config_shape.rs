//! The shape of run configs.
//!
//! `ZenML` ignores keys at the top level that it does not know, so a run config may have some. On
//! the other hand, files of many tools have keys such as `settings`, `steps` and `secrets`. So the
//! clearer the evidence in a file, the fewer of its keys have to be known:
//!
//! - `orchestrator.kubernetes` in `settings`, with a flavor of `ZenML`, is enough.
//! - With `docker: {required_integrations: …}` in `settings`, half of the keys have to be known.
//! - With a list `secrets` next to `enable_cache`, half of the keys have to be known, too.
//! - With `orchestrator: {synchronous: …}`, or with a list `secrets` next to `parameters`, all keys
//!   have to be known.
//!
//! A key is known only if its value has the right shape: `secrets` is a list, and `environment` a
//! mapping.

use super::document_kind::{RootMapping, find_value};
use crate::document::{Document, MERGE_BUDGET, NodeId, ScalarType};
use crate::zenml::flavors::{self, Version};
use crate::zenml::keywords::is_common_word;
use crate::zenml::run_config_keys::{
    Selector, SettingsKey, SettingsKeys, ValueShape, general_settings, is_distinctive_key,
    parse_settings_key, run_key_shape, step_key_shape,
};
use std::borrow::Cow;

/// How clearly a part of a document belongs to a run config.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Evidence {
    /// It may belong to any file.
    Nothing,
    /// Other tools may use it. All keys at the level have to be known.
    Hint,
    /// Other tools hardly use it. Half of the keys at the level have to be known.
    Typical,
    /// No other tool uses it.
    Certain,
}

/// The number of attributes in `settings` of a component that are read. No flavor has as many.
const MAX_ATTRIBUTES: usize = 200;

/// Returns whether a document has the shape of a run config.
pub(super) fn is_run_config(top: &RootMapping<'_>) -> bool {
    let document = top.document;
    let mut search = EvidenceSearch {
        document,
        budget: MERGE_BUDGET,
    };
    let keys = Level::new(document, &top.entries, run_key_shape);
    let steps = search.in_steps(&keys);
    let settings = search.in_settings(&keys);
    let has_companion = settings > Evidence::Nothing
        || keys.has_distinctive_key
        || search.has_known_step(&keys)
        || keys.knows("parameters")
        || is_model(document, &keys);
    let secrets = match secrets_evidence(&keys) {
        Evidence::Hint if keys.has_distinctive_key => Evidence::Typical,
        evidence if has_companion => evidence,
        _ => Evidence::Nothing,
    };
    keys.supports(steps.max(settings).max(secrets))
}

/// The keys of a mapping at one level of a document.
struct Level<'d, 'e> {
    document: &'d Document,
    entries: &'e [(NodeId, NodeId)],
    shape_of: fn(&str) -> Option<ValueShape>,
    known_keys: usize,
    /// Whether one of the known keys identifies its file as one of `ZenML`.
    has_distinctive_key: bool,
}

impl<'d, 'e> Level<'d, 'e> {
    fn new(
        document: &'d Document,
        entries: &'e [(NodeId, NodeId)],
        shape_of: fn(&str) -> Option<ValueShape>,
    ) -> Self {
        let known = entries.iter().filter_map(|&(key, value)| {
            let key = document.text(key)?;
            shape_of(key)
                .is_some_and(|shape| has_shape(document, value, shape))
                .then_some(key)
        });
        let (mut known_keys, mut has_distinctive_key) = (0, false);
        for key in known {
            known_keys += 1;
            has_distinctive_key |= is_distinctive_key(key);
        }
        Self {
            document,
            entries,
            shape_of,
            known_keys,
            has_distinctive_key,
        }
    }

    fn get(&self, key: &str) -> Option<NodeId> {
        find_value(self.document, self.entries, key)
    }

    /// Returns whether the mapping has a key with a value of the right shape.
    fn knows(&self, key: &str) -> bool {
        self.get(key).is_some_and(|value| {
            (self.shape_of)(key).is_some_and(|shape| has_shape(self.document, value, shape))
        })
    }

    fn knows_all_keys(&self) -> bool {
        self.known_keys > 0 && self.known_keys == self.entries.len()
    }

    /// Returns whether enough keys are known for some evidence.
    fn supports(&self, evidence: Evidence) -> bool {
        match evidence {
            Evidence::Nothing => false,
            Evidence::Hint => self.knows_all_keys(),
            Evidence::Typical => 2 * self.known_keys >= self.entries.len(),
            Evidence::Certain => true,
        }
    }
}

/// A search for evidence below the top level of a document.
struct EvidenceSearch<'d> {
    document: &'d Document,
    /// The rest of [`MERGE_BUDGET`].
    budget: usize,
}

impl<'d> EvidenceSearch<'d> {
    fn entries(&mut self, mapping: NodeId) -> Cow<'d, [(NodeId, NodeId)]> {
        self.document
            .merged_entries(mapping, &mut self.budget)
            .unwrap_or_default()
    }

    /// Returns the evidence in the steps of a run config.
    fn in_steps(&mut self, top: &Level<'_, '_>) -> Evidence {
        let Some(steps) = top.get("steps") else {
            return Evidence::Nothing;
        };
        let mut evidence = Evidence::Nothing;
        for &(_, step) in self.entries(steps).iter() {
            let entries = self.entries(step);
            let mut keys = Level::new(self.document, &entries, step_key_shape);
            keys.has_distinctive_key |= top.has_distinctive_key;
            let found = self.in_settings(&keys).max(secrets_evidence(&keys));
            if keys.supports(found) {
                evidence = evidence.max(found);
            }
        }
        evidence
    }

    /// Returns whether all keys of a step are known.
    fn has_known_step(&mut self, top: &Level<'_, '_>) -> bool {
        let Some(steps) = top.get("steps") else {
            return false;
        };
        let steps = self.entries(steps);
        steps.iter().any(|&(_, step)| {
            let entries = self.entries(step);
            Level::new(self.document, &entries, step_key_shape).knows_all_keys()
        })
    }

    /// Returns the evidence in the `settings` of a level.
    fn in_settings(&mut self, keys: &Level<'_, '_>) -> Evidence {
        let Some(settings) = keys.get("settings") else {
            return Evidence::Nothing;
        };
        let entries = self.entries(settings);
        let document = self.document;
        let is_settings_key = |key: NodeId| {
            let name = document.text(key).unwrap_or_default();
            parse_settings_key(name).is_some() || general_settings(name).is_some()
        };
        // Attributes of a custom flavor are unknown.
        let may_be_custom =
            keys.has_distinctive_key && entries.iter().all(|&(key, _)| is_settings_key(key));
        let found = entries.iter().map(|&(key, value)| {
            let name = document.text(key).unwrap_or_default();
            self.in_entry(name, value, may_be_custom)
        });
        found.max().unwrap_or(Evidence::Nothing)
    }

    /// Returns the evidence in an entry of `settings`. `may_be_custom` states whether the attributes
    /// of a component may be unknown.
    fn in_entry(&mut self, key: &str, value: NodeId, may_be_custom: bool) -> Evidence {
        let attributes = self.entries(value);
        if self.document.entries(value).is_none() || attributes.len() > MAX_ATTRIBUTES {
            return Evidence::Nothing;
        }
        let names = attributes
            .iter()
            .map(|&(key, _)| self.document.text(key).unwrap_or_default());
        if let Some(general) = general_settings(key) {
            general_evidence(general, &names.collect::<Vec<_>>())
        } else if let Some(key) = parse_settings_key(key) {
            component_evidence(key, &names.collect::<Vec<_>>(), may_be_custom)
        } else {
            Evidence::Nothing
        }
    }
}

/// Returns the evidence in the names of general settings, such as those of `docker`.
fn general_evidence(general: &SettingsKeys, names: &[&str]) -> Evidence {
    let known = names.iter().filter(|name| general.contains(name)).count();
    let is_distinctive = names.iter().any(|name| general.is_distinctive(name));
    if is_distinctive && 2 * known >= names.len() {
        Evidence::Typical
    } else if 2 * known > names.len() {
        Evidence::Hint
    } else {
        Evidence::Nothing
    }
}

/// Returns the evidence in a settings key of a component and in the names of its attributes.
fn component_evidence(key: SettingsKey<'_>, names: &[&str], may_be_custom: bool) -> Evidence {
    let SettingsKey { kind, selector } = key;
    match selector {
        Selector::Flavor(flavor) if Version::NEWEST.flavor(kind, flavor).is_some() => {
            Evidence::Certain
        }
        Selector::Flavor(_) | Selector::Name(_) if is_common_word(kind) => Evidence::Hint,
        Selector::Flavor(_) | Selector::Name(_) => Evidence::Typical,
        Selector::Any if is_common_word(kind) => Evidence::Nothing,
        Selector::Any => {
            let known = names
                .iter()
                .filter(|name| flavors::is_attribute(kind, name));
            if 2 * known.count() > names.len() || may_be_custom {
                Evidence::Hint
            } else {
                Evidence::Nothing
            }
        }
    }
}

/// Returns the evidence in the list `secrets` of a level. It has to contain strings.
fn secrets_evidence(keys: &Level<'_, '_>) -> Evidence {
    let document = keys.document;
    let items = keys
        .get("secrets")
        .and_then(|secrets| document.items(secrets))
        .unwrap_or_default();
    let is_string = |item: &NodeId| {
        document
            .scalar(*item)
            .is_some_and(|scalar| scalar.ty == ScalarType::String)
    };
    if !items.is_empty() && items.iter().all(is_string) {
        Evidence::Hint
    } else {
        Evidence::Nothing
    }
}

/// Returns whether `model` is a model of `ZenML`, which has a name.
fn is_model(document: &Document, keys: &Level<'_, '_>) -> bool {
    keys.get("model")
        .and_then(|model| document.get(model, "name"))
        .is_some_and(|(_, name)| document.scalar(name).is_some())
}

/// Returns whether a value has a shape. `ZenML` disregards keys without a value.
fn has_shape(document: &Document, value: NodeId, shape: ValueShape) -> bool {
    let scalar = document.scalar(value);
    if scalar.is_some_and(|scalar| scalar.ty == ScalarType::Null) {
        return true;
    }
    match shape {
        ValueShape::Scalar => scalar.is_some(),
        ValueShape::Mapping => document.entries(value).is_some(),
        ValueShape::Sequence => document.items(value).is_some(),
        ValueShape::ScalarOrMapping => scalar.is_some() || document.entries(value).is_some(),
    }
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "tests")]
mod tests {
    use super::*;
    use crate::document::Syntax;
    use crate::text::source::SourceFile;
    use std::sync::Arc;

    fn has_run_config(text: &str, syntax: Syntax) -> bool {
        let source = Arc::new(SourceFile::new("x", text));
        let document = Document::parse(source, syntax).unwrap();
        RootMapping::all(&document).iter().any(is_run_config)
    }

    #[test]
    fn settings_of_components_and_general_settings_are_evidence() {
        for text in [
            "settings: {orchestrator.kubernetes: {a: 1}}\na: 1\nb: 2\nc: 3",
            "settings: {orchestrator.ours: {a: 1}}\na: 1",
            "settings: {'orchestrator:prod': {a: 1}}\na: 1",
            "settings: {'sandbox:prod': {a: 1}}",
            "settings: {orchestrator: {synchronous: false}}",
            "run_name: x\nsettings: {orchestrator: {a: 1}, docker: {}}",
            "settings: {docker: {required_integrations: [s3]}}\na: 1",
            "settings: {docker: {environment: {A: b}}}\nmodel: {name: x}",
            "settings: {docker: {<<: {requirements: [a]}}}",
            "settings: {docker: {parent_image: a, registry: b}}",
            "settings: {resources: {cpu_count: 2, memory: 4GB}}",
            "settings: {resources: {memory: 4GB}}\nsteps:",
            "settings: {deployment: {app_title: x}}",
            "steps: {train: {settings: {resources: {gpu_count: 1}}, parameters: {a: 1}}}",
            "steps: {train: {settings: {experiment_tracker: {a: 1}}, enable_cache: false}}",
            "steps: {train: {settings: {step_operator.vertex: {a: 1}}, a: 1, b: 2}}",
        ] {
            assert!(has_run_config(text, Syntax::Yaml), "{text}");
        }
    }

    #[test]
    fn secrets_need_a_companion() {
        for text in [
            "secrets: [a]\nenable_cache: false\nquery: b",
            "secrets: [a, b]\nparameters: {c: 1}",
            "secrets: [a]\nmodel: {name: x}",
            "secrets: [a]\nsettings: {docker: {requirements: [b]}}",
            "secrets: [a]\nsteps: {train: {parameters: {b: 1}}}",
            "steps: {train: {secrets: [a], parameters: {b: 1}, model: {name: x}}}",
        ] {
            assert!(has_run_config(text, Syntax::Yaml), "{text}");
        }
        for text in [
            "secrets: [a]",
            "secrets: [a]\nenvironment: {B: c}",
            "secrets: [a]\nsettings: {url: b}\nsteps: {migrate: true}",
            "secrets: [a]\nenable_cache: false\nimage: x\nname: y\nwhen: z",
            "secrets: [a]\nparameters: {c: 1}\nimage: x",
            "secrets: {a: {file: b}}\nenable_cache: false",
            "secrets: [{name: a}]\nparameters: {c: 1}",
            "secrets: []\nparameters: {c: 1}",
            "steps: {publish: {image: x, secrets: [a], settings: {repo: y}}}",
        ] {
            assert!(!has_run_config(text, Syntax::Yaml), "{text}");
        }
    }

    #[test]
    fn files_of_other_tools_are_not_run_configs() {
        for text in [
            "settings: {orchestrator: {a: 1}}",
            "settings: {orchestrator: {a: 1}}\nanything: 1",
            "settings: {orchestrator: {url: a, api_key: b}}",
            "settings: {docker: {a: 1}, resources: {cpu: 1}}",
            "settings: {docker: {user: a, image: b}}",
            "settings: {docker: {user: a}}\nname: b",
            "settings: {resources: {cpu: 25m, memory: 64Mi}}",
            "settings: {docker: {requirements: [a], parent_image: b}}\nc: 1\nd: 2",
            "settings: {orchestrator.vertex: on}",
            "settings: {orchestrator: {a: 1}, timeout: 3}\nrun_name: x",
            "settings: {deployer: {a: 1}}",
            "settings: {docker: {requirements: [a]}}\nsteps: [a]\nenvironment: b\ntags: c",
            "steps: [{settings: {orchestrator.vertex: {a: 1}}}]",
            "steps: {train: {image: x, settings: {deployer: {a: 1}}}}",
            "steps: {train: {settings: [orchestrator]}}",
            "spec: {settings: {orchestrator.vertex: {a: 1}}}",
        ] {
            assert!(!has_run_config(text, Syntax::Yaml), "{text}");
        }
    }

    #[test]
    fn toml_and_json_have_the_same_shape() {
        let toml = "enable_cache = false\n[settings.docker]\nrequirements = ['a']\n";
        assert!(has_run_config(toml, Syntax::Toml));
        let json = r#"{"settings": {"resources": {"cpu_count": 2}}, "query": "x"}"#;
        assert!(has_run_config(json, Syntax::Json));
    }
}
