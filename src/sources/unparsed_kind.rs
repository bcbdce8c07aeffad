//! The kind of a file that does not parse, by the keys at the starts of its lines.

use crate::document::Syntax;
use crate::zenml::keywords::{FOREIGN_KEYS, FileKind};
use crate::zenml::run_config_keys::{
    COMPONENT_TYPES, Selector, general_settings, parse_settings_key, run_key_shape,
};

/// Marks of template engines. A file that contains one is a template for a stack file and does not
/// have to parse.
const TEMPLATE_MARKS: [&str; 8] = [
    "{%",
    "{#",
    "{{-",
    "-}}",
    "{{#",
    ".Values",
    ".Release",
    "{{ cookiecutter",
];

/// Returns the kind of a file that does not parse, or `None` if it is a template or has none of the
/// kinds.
pub fn kind_of_unparsed(text: &str, syntax: Syntax) -> Option<FileKind> {
    if is_template(text) {
        return None;
    }
    let has_key = |key: &str| has_key(text, key, syntax);
    let has_foreign_key = || FOREIGN_KEYS.into_iter().any(has_key);
    if has_key("components")
        && (has_key("stack_name") || has_key("zenml_version"))
        && mentions_component(text)
        && !has_foreign_key()
    {
        Some(FileKind::Stack)
    } else if has_key("spec_type") && has_key("component_type") {
        Some(FileKind::ComponentSpec)
    } else {
        (syntax == Syntax::Yaml && looks_like_run_config(text)).then_some(FileKind::RunConfig)
    }
}

/// Returns whether a file with a name such as `prod.stack.yaml` that does not parse has a key of a
/// stack.
pub fn looks_like_named_stack(text: &str, syntax: Syntax) -> bool {
    let has_key = |key: &str| has_key(text, key, syntax);
    let has_stack_key = || {
        has_key("stack_name")
            || has_key("zenml_version")
            || (has_key("components") && mentions_component(text))
    };
    !is_template(text) && has_stack_key() && !FOREIGN_KEYS.into_iter().any(has_key)
}

fn is_template(text: &str) -> bool {
    TEMPLATE_MARKS.iter().any(|mark| text.contains(mark))
}

fn has_key(text: &str, key: &str, syntax: Syntax) -> bool {
    lines(text).any(|line| starts_with_key(line, key, syntax))
}

/// Returns whether a text contains a component type or a flavor.
fn mentions_component(text: &str) -> bool {
    text.contains("flavor") || COMPONENT_TYPES.iter().any(|kind| text.contains(kind))
}

fn lines(text: &str) -> impl Iterator<Item = &str> {
    text.trim_start_matches('\u{feff}').split(['\n', '\r'])
}

/// Returns whether a line starts with a key or, in JSON, contains it.
fn starts_with_key(line: &str, key: &str, syntax: Syntax) -> bool {
    match syntax {
        Syntax::Yaml => yaml_key(line) == Some(key),
        Syntax::Toml => {
            let line = line.trim_start_matches([' ', '\t', '[']);
            let rest = line.strip_prefix(key).map(str::trim_start);
            rest.is_some_and(|rest| rest.starts_with(['=', '.', ']']))
        }
        Syntax::Json => line.contains(&format!("\"{key}\"")),
        Syntax::Script(_) => false,
    }
}

/// Returns whether YAML lines contain settings of a component type, or general settings such as
/// those of `docker`. Without a flavor or a name, a component type counts only if all keys at the
/// top level are keys of run configs; general settings count if half of them are.
fn looks_like_run_config(text: &str) -> bool {
    let (mut keys, mut known_keys, mut has_settings) = (0_usize, 0_usize, false);
    for key in lines(text).filter_map(yaml_key) {
        keys += 1;
        known_keys += usize::from(run_key_shape(key).is_some());
        has_settings |= matches!(key, "settings" | "steps");
    }
    let mut is_in_settings = false;
    let mut general = None;
    lines(text).any(|line| {
        let Some(key) = yaml_key(line.trim_start_matches(' ')) else {
            return false;
        };
        is_in_settings |= key == "settings";
        if !line.starts_with(' ') || !is_in_settings {
            return false;
        }
        if let Some(settings) = general_settings(key) {
            general = Some(settings);
        }
        let is_component = parse_settings_key(key).is_some_and(|key| {
            key.selector != Selector::Any || (has_settings && known_keys == keys)
        });
        let is_general = general.is_some_and(|settings| settings.is_distinctive(key));
        is_component || (is_general && has_settings && 2 * known_keys >= keys)
    })
}

/// Returns the key that a YAML line starts with, or `None` if it does not start with a key.
fn yaml_key(line: &str) -> Option<&str> {
    let line = line.strip_prefix(['"', '\'']).unwrap_or(line);
    let len = line.find(|c: char| !(c.is_alphanumeric() || matches!(c, '_' | '.' | '-')))?;
    let (key, rest) = line.split_at_checked(len)?;
    (!key.is_empty() && rest.trim_start_matches(['"', '\'', ' ']).starts_with(':')).then_some(key)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn stack_is_recognized_and_template_is_not() {
        let stack = Some(FileKind::Stack);
        assert_eq!(
            kind_of_unparsed("components:\n  alerter: {\nstack_name: x", Syntax::Yaml),
            stack
        );
        assert_eq!(
            kind_of_unparsed(
                "stack_name = 'x'\n[components.a]\nflavor = {{",
                Syntax::Toml
            ),
            stack
        );
        assert_eq!(
            kind_of_unparsed(
                "{\"stack_name\": 1,\n\"components\": {\"sandbox\":",
                Syntax::Json
            ),
            stack
        );
        assert_eq!(
            kind_of_unparsed("components:\n{% if x %}\nstack_name: x", Syntax::Yaml),
            None
        );
        assert_eq!(
            kind_of_unparsed("a:\n  components:\n  stack_name: x: y", Syntax::Yaml),
            None
        );
    }

    #[test]
    fn named_stack_has_a_key_of_a_stack() {
        let is_named = |text: &str| looks_like_named_stack(text, Syntax::Yaml);
        assert!(is_named("stack_name: x\na: {"));
        assert!(is_named("components:\n  alerter: {"));
        for text in [
            "a: {",
            "components:\n  schemas: {",
            "services:\n  a: {\nstack_name: x",
            "stack_name: x\n{{- if .Values.x }}",
        ] {
            assert!(!is_named(text), "{text}");
        }
    }

    #[test]
    fn run_config_and_component_spec_are_recognized() {
        let yaml = |text: &str| kind_of_unparsed(text, Syntax::Yaml);
        assert_eq!(
            yaml("other: 1\nsettings:\n  \"orchestrator.vertex\":\n    a: {{"),
            Some(FileKind::RunConfig)
        );
        assert_eq!(
            yaml("run_name: x\nsettings:\n  orchestrator:\n    a: {{"),
            Some(FileKind::RunConfig)
        );
        assert_eq!(
            yaml("steps:\n  a:\n    settings:\n      orchestrator:\n        a: {{"),
            Some(FileKind::RunConfig)
        );
        assert_eq!(
            yaml("other: x\nsettings:\n  orchestrator:\n    a: {{"),
            None
        );
        assert_eq!(
            yaml("other: x\nsettings:\n  docker:\n    skip_build: {{"),
            Some(FileKind::RunConfig)
        );
        assert_eq!(yaml("other: x\nsettings:\n  docker:\n    image: {{"), None);
        assert_eq!(yaml("orchestrator:\n  a: {{\nsettings:\n  b: 1"), None);
        let spec = "spec_type: component\ncomponent_type: x\ncomponent_flavor: s3\nname: {{";
        assert_eq!(yaml(spec), Some(FileKind::ComponentSpec));
    }
}
