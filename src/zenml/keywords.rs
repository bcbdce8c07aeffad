//! What `ZenML` writes in files, told apart by shape: stacks, run configs of pipelines, and component specs of mlstacks.
//!
//! These are the words; `prefilter` looks for them in bytes, `stack` in documents. Other tools have `settings`, `steps` and
//! `components`, too, so a shape takes more than one of its words in their places.

/// The shape of a file.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum FileKind {
    /// `components` together with `stack_name` or `zenml_version`.
    Stack,
    /// `settings`, at the top or of a step, of a component type.
    RunConfig,
    /// `spec_type: component` with `component_type`, or with a mapping `metadata.config`.
    ComponentSpec,
    /// Text with commands in it; told by the config, not by its content.
    Script,
}

impl std::fmt::Display for FileKind {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Self::Stack => "a stack: `components` with `stack_name` or `zenml_version`",
            Self::RunConfig => "a pipeline's run config: `settings` of a component type",
            Self::ComponentSpec => "an mlstacks component spec: `spec_type: component`",
            Self::Script => "a script",
        })
    }
}

/// The types of components that take settings, the most frequent first.
pub const COMPONENT_TYPES: [&str; 15] = [
    "orchestrator",
    "experiment_tracker",
    "step_operator",
    "artifact_store",
    "model_deployer",
    "container_registry",
    "image_builder",
    "data_validator",
    "feature_store",
    "model_registry",
    "annotator",
    "alerter",
    "deployer",
    "log_store",
    "sandbox",
];

/// What stands at the top of a run config.
const RUN_KEYS: [&str; 29] = [
    "build",
    "cache_policy",
    "cleanup_hook_kwargs",
    "cleanup_hook_source",
    "enable_artifact_metadata",
    "enable_artifact_visualization",
    "enable_cache",
    "enable_heartbeat",
    "enable_pipeline_logs",
    "enable_step_logs",
    "environment",
    "execution_mode",
    "extra",
    "failure_hook_source",
    "heartbeat_healthy_threshold",
    "init_hook_kwargs",
    "init_hook_source",
    "model",
    "model_config",
    "parameters",
    "retry",
    "run_name",
    "schedule",
    "secrets",
    "settings",
    "steps",
    "substitutions",
    "success_hook_source",
    "tags",
];

/// What stands in a step of a run config, beside what may stand at its top.
const STEP_KEYS: [&str; 8] =
    ["experiment_tracker", "group", "name", "outputs", "runtime", "spec", "step_operator", "template"];

/// Reads a key of `settings`: the type of a component, and its flavor behind a dot.
pub fn settings_key(key: &str) -> Option<(&'static str, Option<&str>)> {
    let (kind, flavor) = key.split_once('.').map_or((key, None), |(kind, flavor)| (kind, Some(flavor)));
    let kind = COMPONENT_TYPES.into_iter().find(|known| *known == kind)?;
    let plain = |flavor: &str| !flavor.is_empty() && flavor.chars().all(|c| c.is_alphanumeric() || "_-".contains(c));
    flavor.is_none_or(plain).then_some((kind, flavor))
}

/// Whether a type of component is a word that others have for something else, so that it takes a flavor to tell.
pub fn is_common_word(kind: &str) -> bool {
    matches!(kind, "annotator" | "alerter" | "deployer" | "sandbox")
}

/// Whether a run config has such a key at its top. What has others is told only by a type with its flavor, as words such as
/// `orchestrator` alone are anybody's.
pub fn is_run_key(key: &str) -> bool {
    RUN_KEYS.contains(&key)
}

/// Whether a step of a run config has such a key.
pub fn is_step_key(key: &str) -> bool {
    is_run_key(key) || STEP_KEYS.contains(&key)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_of_settings_is_a_type_alone_or_with_a_flavor() {
        assert_eq!(settings_key("orchestrator"), Some(("orchestrator", None)));
        assert_eq!(settings_key("step_operator.vertex"), Some(("step_operator", Some("vertex"))));
        for key in ["docker", "orchestrator.", "orchestrator.a.b", "orchestrators", "Orchestrator", ".x", ""] {
            assert_eq!(settings_key(key), None, "{key}");
        }
    }
}
