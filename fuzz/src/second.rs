//! Compares a rendered text with its original, both parsed by a second parser.

use serde::Deserialize as _;
use serde_yaml::Value;
use stackref::document::Syntax;

/// Asserts that rendering changed only strings with references.
///
/// Each changed string is the old one with its references replaced, and at least `minimum` strings
/// are changed. Skips texts that the second parser rejects, and texts that libyaml reads in another
/// way than YAML 1.1 and 1.2:
///
/// - A line that contains only a tab, or a tab before a comment: libyaml accepts it only after a
///   plain scalar.
/// - Blanks at the end of the file: a block scalar ends with a line break here and in
///   yaml-test-suite, but not in libyaml.
/// - Anchors with characters that libyaml does not allow: libyaml starts their scalars earlier.
pub fn assert_same_but_references(
    old: &str,
    new: &str,
    syntax: Syntax,
    minimum: usize,
    is_replaced: &dyn Fn(&str, &str) -> bool,
) {
    if syntax == Syntax::Yaml && is_ambiguous(old) {
        return;
    }
    let Some(before) = read(old, syntax) else {
        return;
    };
    let after = read(new, syntax)
        .unwrap_or_else(|| panic!("{old:?} became {new:?}, which the second parser rejects"));
    assert_eq!(before.len(), after.len(), "{old:?} became {new:?}");
    let mut changed = 0;
    for (before, after) in before.iter().zip(&after) {
        assert!(
            is_same(before, after, is_replaced, &mut changed),
            "{old:?} became {new:?}"
        );
    }
    assert!(
        changed >= minimum,
        "{old:?} became {new:?}: {changed} strings changed, expected at least {minimum}"
    );
}

/// The characters that end a line in YAML 1.1, the version of libyaml.
const BREAKS: [char; 5] = ['\n', '\r', '\u{85}', '\u{2028}', '\u{2029}'];

/// Returns whether libyaml may read a text in another way than YAML 1.1 and 1.2.
fn is_ambiguous(old: &str) -> bool {
    let has_leading_tab = |line: &str| {
        let text = line.trim_start();
        (text.is_empty() || text.starts_with('#'))
            && line
                .get(..line.len() - text.len())
                .is_some_and(|blanks| blanks.contains('\t'))
    };
    let is_unsupported_anchor = |word: &str| {
        let name = word.strip_prefix(['&', '*']).unwrap_or_default();
        !name
            .chars()
            .all(|c| c.is_ascii_alphanumeric() || matches!(c, '_' | '-'))
    };
    let mut words =
        old.split(|c: char| c.is_whitespace() || matches!(c, '[' | ']' | '{' | '}' | ','));
    let last = old.rsplit(BREAKS).next().unwrap_or_default();
    let ends_blank = !last.is_empty() && last.trim().is_empty();
    // libyaml ends a block scalar at column 0 before its first line.
    let is_header = |line: &str| {
        line.trim_start_matches("---")
            .trim_start()
            .starts_with(['|', '>'])
    };
    let lines: Vec<&str> = old
        .split(BREAKS)
        .filter(|line| !line.trim().is_empty())
        .collect();
    let at_column_0 = lines
        .windows(2)
        .any(|pair| is_header(pair[0]) && !pair[1].starts_with(' '));
    ends_blank
        || at_column_0
        || old.split(BREAKS).any(has_leading_tab)
        || words.any(is_unsupported_anchor)
}

fn read(text: &str, syntax: Syntax) -> Option<Vec<Value>> {
    match syntax {
        Syntax::Yaml => serde_yaml::Deserializer::from_str(text)
            .map(|document| Value::deserialize(document).ok())
            .collect(),
        Syntax::Toml => Some(vec![toml::from_str(text).ok()?]),
        _ => Some(vec![serde_json::from_str(text).ok()?]),
    }
}

fn is_same(
    old: &Value,
    new: &Value,
    is_replaced: &dyn Fn(&str, &str) -> bool,
    changed: &mut usize,
) -> bool {
    match (old, new) {
        (Value::String(old), Value::String(new)) => {
            *changed += usize::from(old != new);
            old == new || is_replaced(old, new)
        }
        (Value::Sequence(old), Value::Sequence(new)) => {
            old.len() == new.len()
                && old
                    .iter()
                    .zip(new)
                    .all(|(old, new)| is_same(old, new, is_replaced, changed))
        }
        (Value::Mapping(old), Value::Mapping(new)) => {
            let pairs = old.iter().zip(new);
            let mut is_same_entry = |((old_key, old), (new_key, new))| {
                old_key == new_key && is_same(old, new, is_replaced, changed)
            };
            old.len() == new.len() && pairs.into_iter().all(&mut is_same_entry)
        }
        (Value::Tagged(old), Value::Tagged(new)) => {
            old.tag == new.tag && is_same(&old.value, &new.value, is_replaced, changed)
        }
        _ => old == new,
    }
}
