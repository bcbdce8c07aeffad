//! A rendered text beside the one it was made of, both as another parser reads them.

use serde::Deserialize as _;
use serde_yaml::Value;
use stackref::document::Syntax;

/// Every string is what it was, or that with its references replaced, at least as many as are said; and everything else is what it
/// was.
///
/// A text that the second parser does not take has nothing to say; nor one with what libyaml reads in another way than YAML
/// 1.1 and 1.2: lines with nothing but a tab in them, or a tab before a comment, which libyaml takes behind a plain scalar
/// and nowhere else; blanks at the very end, which end a block scalar with a break here and in yaml-test-suite, and without
/// one there; and anchors of other letters than it knows, where its scalars begin earlier.
pub fn assert_same_but_references(
    old: &str,
    new: &str,
    syntax: Syntax,
    fewest: usize,
    is_replaced: &dyn Fn(&str, &str) -> bool,
) {
    if syntax == Syntax::Yaml && is_read_otherwise(old) {
        return;
    }
    let Some(before) = read(old, syntax) else {
        return;
    };
    let after = read(new, syntax)
        .unwrap_or_else(|| panic!("{old:?} became {new:?}, which a second parser refuses"));
    assert_eq!(before.len(), after.len(), "{old:?} became {new:?}");
    let mut changed = 0;
    for (before, after) in before.iter().zip(&after) {
        assert!(
            same(before, after, is_replaced, &mut changed),
            "{old:?} became {new:?}"
        );
    }
    assert!(
        changed >= fewest,
        "{old:?} became {new:?}: {changed} strings of {fewest} are other ones"
    );
}

/// Every character that ends a line for libyaml, which reads YAML 1.1.
const BREAKS: [char; 5] = ['\n', '\r', '\u{85}', '\u{2028}', '\u{2029}'];

/// Whether libyaml may read a text in its own way.
fn is_read_otherwise(old: &str) -> bool {
    let lone_tab = |line: &str| {
        let text = line.trim_start();
        (text.is_empty() || text.starts_with('#'))
            && line
                .get(..line.len() - text.len())
                .is_some_and(|blanks| blanks.contains('\t'))
    };
    let odd_anchor = |word: &str| {
        let name = word.strip_prefix(['&', '*']).unwrap_or_default();
        !name
            .chars()
            .all(|c| c.is_ascii_alphanumeric() || matches!(c, '_' | '-'))
    };
    let mut words =
        old.split(|c: char| c.is_whitespace() || matches!(c, '[' | ']' | '{' | '}' | ','));
    let last = old.rsplit(BREAKS).next().unwrap_or_default();
    let ends_blank = !last.is_empty() && last.trim().is_empty();
    // A block scalar at column 0, which libyaml ends before it begins.
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
    ends_blank || at_column_0 || old.split(BREAKS).any(lone_tab) || words.any(odd_anchor)
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

fn same(
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
                    .all(|(old, new)| same(old, new, is_replaced, changed))
        }
        (Value::Mapping(old), Value::Mapping(new)) => {
            let pairs = old.iter().zip(new);
            let mut keys_stay = |((old_key, old), (new_key, new))| {
                old_key == new_key && same(old, new, is_replaced, changed)
            };
            old.len() == new.len() && pairs.into_iter().all(&mut keys_stay)
        }
        (Value::Tagged(old), Value::Tagged(new)) => {
            old.tag == new.tag && same(&old.value, &new.value, is_replaced, changed)
        }
        _ => old == new,
    }
}
