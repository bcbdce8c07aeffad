//! The kind of a file that does not parse, by the keys at the starts of its lines.

use crate::document::Syntax;
use crate::zenml::keywords::{FileKind, is_run_key, parse_settings_key};

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
    if TEMPLATE_MARKS.iter().any(|mark| text.contains(mark)) {
        return None;
    }
    let has_key = |key: &str| lines(text).any(|line| starts_with_key(line, key, syntax));
    if has_key("components") && (has_key("stack_name") || has_key("zenml_version")) {
        Some(FileKind::Stack)
    } else if has_key("spec_type") && has_key("component_type") {
        Some(FileKind::ComponentSpec)
    } else {
        (syntax == Syntax::Yaml && looks_like_run_config(text)).then_some(FileKind::RunConfig)
    }
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
        Syntax::Script => false,
    }
}

/// Returns whether YAML lines contain settings of a component type. Without a flavor, the component
/// type counts only if all keys at the top level are keys of run configs.
fn looks_like_run_config(text: &str) -> bool {
    let mut top_keys = lines(text).filter_map(yaml_key);
    let has_settings = lines(text)
        .filter_map(yaml_key)
        .any(|key| key == "settings" || key == "steps");
    let has_only_run_keys = has_settings && top_keys.all(is_run_key);
    let mut is_in_settings = false;
    lines(text).any(|line| {
        let key = yaml_key(line.trim_start_matches(' '));
        is_in_settings |= key == Some("settings");
        let is_nested = line.starts_with(' ') && is_in_settings;
        is_nested
            && key
                .and_then(parse_settings_key)
                .is_some_and(|(_, flavor)| has_only_run_keys || flavor.is_some())
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
            kind_of_unparsed("components:\n  a: {\nstack_name: x", Syntax::Yaml),
            stack
        );
        assert_eq!(
            kind_of_unparsed("stack_name = 'x'\n[components.a]\nb = {{", Syntax::Toml),
            stack
        );
        assert_eq!(
            kind_of_unparsed("{\"stack_name\": 1,\n\"components\": {", Syntax::Json),
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
        assert_eq!(yaml("orchestrator:\n  a: {{\nsettings:\n  b: 1"), None);
        let spec = "spec_type: component\ncomponent_type: x\ncomponent_flavor: s3\nname: {{";
        assert_eq!(yaml(spec), Some(FileKind::ComponentSpec));
    }
}
