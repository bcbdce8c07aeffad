//! The grammar of references agrees with `ZenML`'s regular expressions.

use super::grammar;
use super::variants::Variants;
use stackref::zenml::grammar::{
    BraceKind, ParsedValue, Resolver, find_braces, parse_as_zenml, parse_value,
};

/// Compares the grammar with `ZenML`'s regular expressions.
///
/// - A text that `ZenML` reads as a reference is the same reference or malformed here.
/// - `ZenML` reads each reference of stackref's as a reference.
/// - A text with `{{` is not plain.
pub fn references(bytes: &[u8], _: Variants) {
    let text = &*String::from_utf8_lossy(bytes);
    let is_reference = grammar::matches(grammar::FROM_0_40, text);
    let names = is_reference.then(|| grammar::names(text));
    assert_eq!(
        parse_as_zenml(text).map(|(name, key)| (name.to_owned(), key.to_owned())),
        names,
        "{text:?}"
    );
    let parsed = parse_value(text, Resolver::Zenml);
    match (&parsed, &names) {
        (ParsedValue::Reference(braces), names) => {
            let BraceKind::Reference { name, key, padded } = braces.kind else {
                panic!("{text:?}: {parsed:?}")
            };
            assert_eq!(Some((name.to_owned(), key.to_owned())), *names, "{text:?}");
            assert_eq!(
                !padded,
                grammar::matches(grammar::BEFORE_0_40, text),
                "{text:?}"
            );
        }
        // Names of letters, digits, `_` and `-` are not malformed.
        (ParsedValue::Malformed(_), names) => {
            let is_plain = |name: &str| {
                name.chars()
                    .all(|c| c.is_ascii_alphanumeric() || matches!(c, '_' | '-'))
            };
            assert!(
                !names
                    .as_ref()
                    .is_some_and(|(name, key)| is_plain(name) && is_plain(key)),
                "{text:?}: {parsed:?}"
            );
        }
        (ParsedValue::Plain, None) => assert!(!text.contains("{{"), "{text:?} is plain"),
        (ParsedValue::Template(expressions), None) => assert!(!expressions.is_empty(), "{text:?}"),
        (_, Some(_)) => panic!("{text:?} is a reference to ZenML, but here {parsed:?}"),
    }
    // The other resolver finds the same references anywhere in the text.
    let expressions = find_braces(text);
    let mut end = 0;
    for braces in &expressions {
        assert!(
            braces.range.start >= end && text[braces.range.clone()].contains("{{"),
            "{text:?}: {braces:?}"
        );
        end = braces.range.end;
        if let BraceKind::Reference { name, key, .. } = braces.kind {
            let reference = &text[braces.range.clone()];
            assert_eq!(
                grammar::names(reference),
                (name.to_owned(), key.to_owned()),
                "{text:?}"
            );
            assert!(grammar::matches(grammar::FROM_0_40, reference), "{text:?}");
        }
    }
    let mut openings = text.match_indices("{{");
    assert!(
        openings.all(|(at, _)| expressions.iter().any(|braces| braces.range.contains(&at))),
        "{text:?}: {expressions:?}"
    );
    assert!(
        expressions.is_empty() || parse_value(text, Resolver::Render) != ParsedValue::Plain,
        "{text:?}"
    );
}
