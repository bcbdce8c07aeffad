//! The kinds of files that `ZenML` reads, and the keywords by which they are recognized.
//!
//! Other tools have keys such as `settings`, `steps` and `components`, too. So a file needs several
//! keywords at the right levels. `sources::prefilter` searches bytes for these keywords, and
//! `sources::stack_model` searches documents.

use crate::zenml::run_config_keys::COMPONENT_TYPES;

/// The secrets that hooks of ZenML's integrations read by name: `open_ai_failure_hook` and
/// `jev_hooks`.
pub const HOOK_SECRETS: [&str; 2] = ["openai", "typesafe"];

/// The kind of a file.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum FileKind {
    /// A stack: `components` of component types, and either `stack_name` or `zenml_version`.
    Stack,
    /// The run config of a pipeline: `settings` or `secrets`, at the top level or in a step.
    RunConfig,
    /// A component spec of mlstacks: `spec_type: component` and either `component_type` or a
    /// mapping `metadata.config`.
    ComponentSpec,
    /// A file with `zenml` commands.
    Script,
}

impl std::fmt::Display for FileKind {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Self::Stack => "a stack: `components` with `stack_name` or `zenml_version`",
            Self::RunConfig => "a pipeline's run config: `settings` or `secrets`",
            Self::ComponentSpec => "an mlstacks component spec: `spec_type: component`",
            Self::Script => "a script",
        })
    }
}

/// The start of the paths of components that are registered on a server.
pub const REGISTERED_SCHEME: &str = "zenml://";

/// The component types of versions before 0.60, besides [`COMPONENT_TYPES`].
const FORMER_COMPONENT_TYPES: [&str; 2] = ["metadata_store", "secrets_manager"];

/// The keys at the top level of other tools' files that have `components`, too: Docker Compose,
/// CloudFormation, `OpenAPI`, Kubernetes, TypeScript and Atmos.
pub const FOREIGN_KEYS: [&str; 6] = [
    "services",
    "Resources",
    "openapi",
    "apiVersion",
    "compilerOptions",
    "import",
];

/// Returns whether a key of `components` in a stack is a component type of any version.
pub fn is_component_type(key: &str) -> bool {
    COMPONENT_TYPES.contains(&key) || FORMER_COMPONENT_TYPES.contains(&key)
}

/// Returns whether a component type is a word that other tools use for something else. Only a
/// flavor or a name after it identifies a run config.
pub fn is_common_word(kind: &str) -> bool {
    matches!(kind, "annotator" | "alerter" | "deployer" | "sandbox")
}
