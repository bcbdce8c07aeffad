//! Rendering replaces references, and nothing else.

use super::scanning::{RESOLVERS, SYNTAXES, scan, settings};
use super::second;
use super::store::Store;
use super::variants::Variants;
use stackref::diagnostics::outcome::Outcome;
use stackref::document::{NodeId, Syntax};
use stackref::edit::substitution;
use stackref::inventory::Inventories;
use stackref::lint::pipeline::run as check_scan;
use stackref::project::discover::MatchReason;
use stackref::zenml::grammar::{BraceKind, ParsedValue, Resolver, parse_value};
use std::collections::BTreeMap;

/// Renders a text that `check` accepts. A second parser must read the same document with the
/// references replaced.
///
/// The text ends at the first byte `0xff`. The following bytes, split at `0xff`, are values.
pub fn render(bytes: &[u8], mut variants: Variants) {
    let mut parts = bytes.split(|byte| *byte == 0xff);
    let Ok(text) = std::str::from_utf8(parts.next().unwrap_or_default()) else {
        return;
    };
    let values: Vec<String> = parts
        .map(|part| String::from_utf8_lossy(part).into_owned())
        .collect();
    let resolvers = variants.choose(&RESOLVERS);
    for syntax in SYNTAXES {
        for &resolver in resolvers {
            render_as(text, &values, syntax, resolver);
        }
    }
}

/// Renders a text if `check` accepts it. Returns the number of replaced references.
pub fn render_as(text: &str, values: &[String], syntax: Syntax, resolver: Resolver) -> usize {
    let store = Store::new(values);
    let value = |name: &str, key: &str| store.value(name, key).to_owned();
    let inventories = Inventories::from_inventories(vec![Box::new(store.clone())]);
    let scan = scan(
        text.as_bytes(),
        syntax,
        Some(MatchReason::Argument),
        resolver,
        true,
    );
    let settings = settings(resolver, &inventories);
    let report = check_scan(&scan, &settings, None);
    if report.outcome(false) != Outcome::Clean || scan.files.is_empty() {
        return 0;
    }
    let rendered = match substitution::run(&scan, &report, &settings, None) {
        Ok(rendered) => rendered,
        Err(failures) => panic!("{syntax:?} {text:?} is accepted but not rendered: {failures:?}"),
    };
    for rendered in &rendered {
        let replaces = rendered.replaced_count() > 0;
        assert_eq!(replaces, rendered.text.is_some());
        assert!(replaces || rendered.text() == text);
        // The number of strings that must change.
        let mut strings: BTreeMap<NodeId, Vec<(&str, &str)>> = BTreeMap::new();
        for reference in rendered.file.replaced_references() {
            let key = reference.key().unwrap();
            let old = reference
                .source
                .text()
                .get(reference.span.start..reference.span.end)
                .unwrap();
            strings
                .entry(reference.node)
                .or_default()
                .push((old, store.value(reference.secret(), key)));
        }
        let minimum = strings
            .values()
            .filter(|parts| parts.iter().any(|(old, new)| old != new))
            .count();
        let replace_references = |old: &str| {
            let expressions = match parse_value(old, resolver) {
                ParsedValue::Reference(braces) => vec![braces],
                ParsedValue::Template(expressions) if resolver == Resolver::Render => expressions,
                _ => Vec::new(),
            };
            let mut new = old.to_owned();
            for braces in expressions.iter().rev() {
                if let BraceKind::Reference { name, key, .. } = braces.kind {
                    new.replace_range(braces.range.clone(), &value(name, key));
                }
            }
            new
        };
        // `render` writes a scalar with a line break of YAML 1.1 as YAML 1.2 reads it, so the
        // second parser may read another old value.
        let document = rendered.file.document.as_ref().unwrap();
        let ambiguous = strings
            .keys()
            .filter(|&&node| document.has_ambiguous_break(node));
        let ambiguous: Vec<String> = ambiguous
            .map(|&node| replace_references(document.text(node).unwrap()))
            .collect();
        let is_replaced = |old: &str, new: &str| {
            replace_references(old) == new || ambiguous.iter().any(|text| text == new)
        };
        second::assert_same_but_references(text, rendered.text(), syntax, minimum, &is_replaced);
    }
    rendered
        .iter()
        .map(substitution::RenderedFile::replaced_count)
        .sum()
}
