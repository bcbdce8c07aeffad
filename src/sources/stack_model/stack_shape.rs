//! The shape of stacks.
//!
//! Other tools have files with `components`, too, for example `OpenAPI` and Atmos, and files named
//! like `docker-compose.stack.yml`. So `components` has to contain component types or flavors, and
//! keys of other tools at the top level exclude a file.

use super::document_kind::RootMapping;
use crate::document::{Document, MERGE_BUDGET, NodeId};
use crate::zenml::keywords::{FOREIGN_KEYS, is_component_type};

/// Returns whether a document has the shape of a stack: `components` with `stack_name` or
/// `zenml_version`. A file with a collection in place of `stack_name` is a template.
pub(super) fn is_stack(top: &RootMapping<'_>) -> bool {
    has_stack_key(top) && !is_foreign(top) && has_stack_components(top)
}

/// Returns whether a file with a name such as `prod.stack.yaml` is a stack: one of its documents
/// has a part of the shape.
pub fn is_named_stack(roots: &[RootMapping<'_>]) -> bool {
    roots
        .iter()
        .any(|top| !is_foreign(top) && (has_stack_key(top) || has_stack_components(top)))
}

/// Returns whether `stack_name` or `zenml_version` is a scalar.
fn has_stack_key(top: &RootMapping<'_>) -> bool {
    top.is_scalar("stack_name") || top.is_scalar("zenml_version")
}

/// Returns whether a key at the top level belongs to another tool.
pub(super) fn is_foreign(top: &RootMapping<'_>) -> bool {
    top.entries
        .iter()
        .filter_map(|&(key, _)| top.document.text(key))
        .any(|key| FOREIGN_KEYS.contains(&key))
}

/// Returns whether `components` is a mapping with a component type, or with an entry that has a
/// flavor.
fn has_stack_components(top: &RootMapping<'_>) -> bool {
    let document = top.document;
    let mut budget = MERGE_BUDGET;
    let entries = top
        .get("components")
        .and_then(|components| document.merged_entries(components, &mut budget))
        .unwrap_or_default();
    entries.iter().any(|&(key, value)| {
        document.text(key).is_some_and(is_component_type)
            || any_component(document, value, |node| {
                document.get(node, "flavor").is_some()
            })
    })
}

/// Returns whether a component of a type has a property. A type has one component or a list.
pub(super) fn any_component(
    document: &Document,
    components: NodeId,
    has_property: impl Fn(NodeId) -> bool,
) -> bool {
    match document.items(components) {
        Some(items) => items.iter().any(|&item| has_property(item)),
        None => has_property(components),
    }
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "tests")]
mod tests {
    use super::*;
    use crate::document::Syntax;
    use crate::text::source::SourceFile;
    use std::sync::Arc;

    fn shapes(text: &str) -> (bool, bool) {
        let source = Arc::new(SourceFile::new("x.yaml", text));
        let document = Document::parse(source, Syntax::Yaml).unwrap();
        let roots = RootMapping::all(&document);
        (roots.iter().any(is_stack), is_named_stack(&roots))
    }

    #[test]
    fn stack_has_component_types_or_flavors() {
        for text in [
            "stack_name: x\ncomponents: {orchestrator: {name: y}}",
            "zenml_version: 0.13.2\ncomponents: {metadata_store: {flavor: mysql}}",
            "stack_name: x\ncomponents: {our_store: {flavor: z}}",
            "stack_name: x\ncomponents: {our_store: [{name: y}, {flavor: z}]}",
            "base: &b {alerter: {}}\nstack_name: x\ncomponents: {<<: *b}",
        ] {
            assert_eq!(shapes(text), (true, true), "{text}");
        }
    }

    #[test]
    fn named_file_needs_a_part_of_the_shape() {
        for (text, is_named) in [
            ("stack_name: x", true),
            ("zenml_version: 0.98.0\ncomponents: {schemas: {}}", true),
            ("components: {orchestrator: {flavor: y}}", true),
            ("components: {schemas: {a: {flavor: y}}}", false),
            ("components: [orchestrator]", false),
            ("stack_name: {a: b}", false),
            ("services: {a: {image: b}}", false),
            ("[]", false),
            ("", false),
        ] {
            assert_eq!(shapes(text), (false, is_named), "{text}");
        }
    }

    #[test]
    fn keys_of_other_tools_exclude_a_file() {
        for key in [
            "services",
            "Resources",
            "openapi",
            "apiVersion",
            "compilerOptions",
            "import",
        ] {
            let text = format!("{key}: x\nstack_name: x\ncomponents: {{sandbox: {{flavor: y}}}}");
            assert_eq!(shapes(&text), (false, false), "{key}");
        }
    }
}
