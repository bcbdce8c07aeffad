//! The kinds of files that `ZenML` reads, and the keywords by which they are recognized.
//!
//! Other tools have keys such as `settings`, `steps` and `components`, too. So a file needs several
//! keywords at the right levels. `sources::prefilter` searches bytes for these keywords, and
//! `sources::stack_model` searches documents.

/// The kind of a file.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum FileKind {
    /// A stack: `components` and either `stack_name` or `zenml_version`.
    Stack,
    /// The run config of a pipeline: `settings` of a component type, at the top level or in a step.
    RunConfig,
    /// A component spec of mlstacks: `spec_type: component` and either `component_type` or a
    /// mapping `metadata.config`.
    ComponentSpec,
    /// A script or Markdown page with `zenml` commands. The config selects these files, not their
    /// contents.
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

/// The component types that have settings, the most frequent ones first.
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

/// The keys at the top level of a run config.
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

/// The keys of a step that do not occur at the top level of a run config.
const STEP_KEYS: [&str; 8] = [
    "experiment_tracker",
    "group",
    "name",
    "outputs",
    "runtime",
    "spec",
    "step_operator",
    "template",
];

/// Parses a key of `settings`, for example `orchestrator` or `step_operator.vertex`, into a
/// component type and a flavor. Returns `None` for other keys.
pub fn parse_settings_key(key: &str) -> Option<(&'static str, Option<&str>)> {
    let (kind, flavor) = key
        .split_once('.')
        .map_or((key, None), |(kind, flavor)| (kind, Some(flavor)));
    let kind = COMPONENT_TYPES.into_iter().find(|known| *known == kind)?;
    flavor.is_none_or(is_flavor_name).then_some((kind, flavor))
}

fn is_flavor_name(flavor: &str) -> bool {
    !flavor.is_empty()
        && flavor
            .chars()
            .all(|c| c.is_alphanumeric() || "_-".contains(c))
}

/// Returns whether a component type is a word that other tools use for something else. Only a
/// flavor after it identifies a run config.
pub fn is_common_word(kind: &str) -> bool {
    matches!(kind, "annotator" | "alerter" | "deployer" | "sandbox")
}

/// Returns whether a key occurs at the top level of run configs. A file with other keys needs a
/// component type with a flavor, since words such as `orchestrator` occur in files of other tools.
pub fn is_run_key(key: &str) -> bool {
    RUN_KEYS.contains(&key)
}

/// Returns whether a key occurs in steps of run configs.
pub fn is_step_key(key: &str) -> bool {
    is_run_key(key) || STEP_KEYS.contains(&key)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn settings_key_is_a_type_with_an_optional_flavor() {
        assert_eq!(
            parse_settings_key("orchestrator"),
            Some(("orchestrator", None))
        );
        assert_eq!(
            parse_settings_key("step_operator.vertex"),
            Some(("step_operator", Some("vertex")))
        );
        for key in [
            "docker",
            "orchestrator.",
            "orchestrator.a.b",
            "orchestrators",
            "Orchestrator",
            ".x",
            "",
        ] {
            assert_eq!(parse_settings_key(key), None, "{key}");
        }
    }
}
