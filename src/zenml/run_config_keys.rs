//! The keys of run configs: those at the top level, those of steps, and those of `settings`.
//!
//! `ZenML` drops keys that it does not know, so files of other versions and files with keys of
//! their own are run configs, too. `sources::stack_model` decides how many keys have to be known.

mod key_tables;

pub use key_tables::COMPONENT_TYPES;

use key_tables::{DEPLOYMENT_SETTINGS, DOCKER_SETTINGS, RESOURCE_SETTINGS, RUN_KEYS, STEP_KEYS};

/// The shape of a value in YAML.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ValueShape {
    /// A string, a number or a boolean.
    Scalar,
    /// A mapping.
    Mapping,
    /// A sequence.
    Sequence,
    /// A scalar or a mapping.
    ScalarOrMapping,
}

/// The keys of settings that belong to no component.
#[derive(Clone, Copy, Debug)]
pub struct SettingsKeys {
    /// The keys whose values may be strings.
    string_keys: &'static [&'static str],
    other_keys: &'static [&'static str],
}

/// The keys at the top level of run configs for versions before 0.60.
const FORMER_RUN_KEYS: [(&str, ValueShape); 2] = [
    ("model_config", ValueShape::Mapping),
    ("model_version", ValueShape::Mapping),
];

/// The keys of steps in run configs for versions before 0.60, besides [`FORMER_RUN_KEYS`].
const FORMER_STEP_KEYS: [(&str, ValueShape); 1] = [("name", ValueShape::Scalar)];

/// The keys of `settings.resources` before 0.97.
const FORMER_RESOURCE_KEYS: [&str; 3] = ["pool_resource_demands", "pool_resources", "preemptible"];

/// Keys of general settings that other tools use in mappings of the same name.
const COMMON_SETTINGS_KEYS: [&str; 15] = [
    "build_options",
    "cors",
    "dockerfile",
    "dockerignore",
    "environment",
    "image_tag",
    "log_level",
    "max_concurrency",
    "max_replicas",
    "memory",
    "min_replicas",
    "resources",
    "source_files",
    "thread_pool_size",
    "user",
];

/// Keys of run configs and steps that other tools do not use, besides those with an affix of
/// [`is_distinctive_key`].
const DISTINCTIVE_KEYS: [&str; 8] = [
    "cache_policy",
    "experiment_tracker",
    "heartbeat_healthy_threshold",
    "run_name",
    "skip_successful_steps",
    "step_default_input_overrides",
    "step_input_overrides",
    "step_operator",
];

/// Returns the shape of the value that a key at the top level of a run config has, or `None` for
/// other keys.
pub fn run_key_shape(key: &str) -> Option<ValueShape> {
    find(&RUN_KEYS, key).or_else(|| find(&FORMER_RUN_KEYS, key))
}

/// Returns the shape of the value that a key of a step in a run config has, or `None` for other
/// keys.
pub fn step_key_shape(key: &str) -> Option<ValueShape> {
    find(&STEP_KEYS, key)
        .or_else(|| find(&FORMER_STEP_KEYS, key))
        .or_else(|| find(&FORMER_RUN_KEYS, key))
}

fn find(rows: &[(&str, ValueShape)], key: &str) -> Option<ValueShape> {
    rows.iter()
        .find(|(name, _)| *name == key)
        .map(|&(_, shape)| shape)
}

/// Returns whether a key of a run config or a step identifies its file as one of `ZenML`.
pub fn is_distinctive_key(key: &str) -> bool {
    key.starts_with("enable_")
        || key.ends_with("_hook_source")
        || key.ends_with("_hook_kwargs")
        || DISTINCTIVE_KEYS.contains(&key)
}

/// Returns the keys of general settings, which belong to no component, or `None` for other keys of
/// `settings`.
pub fn general_settings(key: &str) -> Option<&'static SettingsKeys> {
    match key {
        "docker" => Some(&DOCKER_SETTINGS),
        "resources" => Some(&RESOURCE_SETTINGS),
        "deployment" => Some(&DEPLOYMENT_SETTINGS),
        _ => None,
    }
}

impl SettingsKeys {
    /// Returns whether these settings have a key.
    pub fn contains(&self, key: &str) -> bool {
        self.string_keys.contains(&key)
            || self.other_keys.contains(&key)
            || FORMER_RESOURCE_KEYS.contains(&key)
    }

    /// Returns whether a key of these settings identifies its file as one of `ZenML`.
    pub fn is_distinctive(&self, key: &str) -> bool {
        self.contains(key) && !COMMON_SETTINGS_KEYS.contains(&key)
    }

    /// Returns whether these settings have a key whose value cannot be a string.
    pub fn refuses_strings(&self, key: &str) -> bool {
        self.other_keys.contains(&key)
    }
}

/// Parses a key of `settings`: `orchestrator`, `orchestrator.kubernetes` with a flavor, or
/// `orchestrator:prod` with the name of a component. Returns `None` for other keys.
pub fn parse_settings_key(key: &str) -> Option<SettingsKey<'_>> {
    let end = key.find(['.', ':']).unwrap_or(key.len());
    let (kind, rest) = key.split_at_checked(end)?;
    let kind = COMPONENT_TYPES.into_iter().find(|known| *known == kind)?;
    let selector = match rest.split_at_checked(1) {
        None => Selector::Any,
        Some((_, "")) => return None,
        Some((":", name)) => Selector::Name(name),
        Some((_, flavor)) if is_flavor_name(flavor) => Selector::Flavor(flavor),
        Some(_) => return None,
    };
    Some(SettingsKey { kind, selector })
}

fn is_flavor_name(flavor: &str) -> bool {
    flavor
        .chars()
        .all(|c| c.is_alphanumeric() || matches!(c, '_' | '-'))
}

/// A key of `settings` that selects components.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SettingsKey<'k> {
    /// The component type.
    pub kind: &'static str,
    /// The component of that type.
    pub selector: Selector<'k>,
}

/// The selection of a component in a key of `settings`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Selector<'k> {
    /// The component of the type.
    Any,
    /// A flavor of the type.
    Flavor(&'k str),
    /// A component with a name.
    Name(&'k str),
}

impl<'k> SettingsKey<'k> {
    /// Returns the flavor that the key names.
    pub fn flavor(&self) -> Option<&'k str> {
        match self.selector {
            Selector::Flavor(flavor) => Some(flavor),
            Selector::Any | Selector::Name(_) => None,
        }
    }

    /// Returns the name of the component that the key names.
    pub fn name(&self) -> Option<&'k str> {
        match self.selector {
            Selector::Name(name) => Some(name),
            Selector::Any | Selector::Flavor(_) => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn settings_key_is_a_type_with_an_optional_flavor_or_name() {
        for (key, kind, selector) in [
            ("orchestrator", "orchestrator", Selector::Any),
            (
                "step_operator.vertex",
                "step_operator",
                Selector::Flavor("vertex"),
            ),
            (
                "step_operator:gpu pool",
                "step_operator",
                Selector::Name("gpu pool"),
            ),
            (
                "orchestrator:eu.prod",
                "orchestrator",
                Selector::Name("eu.prod"),
            ),
        ] {
            assert_eq!(
                parse_settings_key(key),
                Some(SettingsKey { kind, selector }),
                "{key}"
            );
        }
        for key in [
            "docker",
            "orchestrator.",
            "orchestrator:",
            "orchestrator.a.b",
            "orchestrators",
            "Orchestrator",
            ".x",
            "",
        ] {
            assert_eq!(parse_settings_key(key), None, "{key}");
        }
    }

    #[test]
    fn keys_have_the_shapes_of_their_classes() {
        assert_eq!(run_key_shape("enable_cache"), Some(ValueShape::Scalar));
        assert_eq!(run_key_shape("secrets"), Some(ValueShape::Sequence));
        assert_eq!(run_key_shape("model_version"), Some(ValueShape::Mapping));
        assert_eq!(run_key_shape("step_operator"), None);
        assert_eq!(step_key_shape("step_operator"), Some(ValueShape::Scalar));
        assert_eq!(step_key_shape("image"), None);
    }

    #[test]
    fn general_settings_know_their_keys() {
        let docker = general_settings("docker");
        assert!(docker.is_some_and(|keys| keys.is_distinctive("required_integrations")));
        assert!(docker.is_some_and(|keys| keys.contains("user") && !keys.is_distinctive("user")));
        assert!(docker.is_some_and(|keys| keys.refuses_strings("skip_build")));
        let resources = general_settings("resources");
        assert!(resources.is_some_and(|keys| keys.contains("preemptible")));
        assert!(general_settings("orchestrator").is_none());
    }

    #[test]
    fn common_settings_keys_exist() {
        let settings = [&DOCKER_SETTINGS, &RESOURCE_SETTINGS, &DEPLOYMENT_SETTINGS];
        for key in COMMON_SETTINGS_KEYS {
            assert!(settings.iter().any(|keys| keys.contains(key)), "{key}");
        }
    }
}
