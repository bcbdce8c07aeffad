//! The components of a stack file as nodes: their names, flavors and attributes.
//!
//! Not here: which of their scalars may contain references ([`stack_model`](super::stack_model)).

use super::stack_model::non_null_text;
use crate::document::{Document, NodeId};

/// A component of a stack file.
pub struct ComponentNodes<'d> {
    /// The component type.
    pub kind: &'d str,
    /// The name.
    pub name: &'d str,
    /// The node of the name.
    pub name_node: NodeId,
    /// The key and the value of `flavor`.
    pub flavor: Option<(NodeId, NodeId)>,
    /// The attributes: the name, the key and the value.
    pub attributes: Vec<(&'d str, NodeId, NodeId)>,
}

/// Returns the components with a name in a document of a stack file. `root` is its top-level mapping,
/// and `budget` limits the work for aliases and merge keys.
pub fn component_nodes<'d>(
    document: &'d Document,
    root: NodeId,
    budget: &mut usize,
) -> Vec<ComponentNodes<'d>> {
    let mut found = Vec::new();
    let top = document.merged_entries(root, budget).unwrap_or_default();
    let is_components = |key: NodeId| document.text(key) == Some("components");
    let Some(&(_, components)) = top.iter().find(|&&(key, _)| is_components(key)) else {
        return found;
    };
    let types = document.merged_entries(components, budget);
    for &(key, value) in types.unwrap_or_default().iter() {
        let Some(kind) = document.text(key) else {
            continue;
        };
        match document.items(value) {
            Some(items) => {
                // Aliases can repeat a list.
                let Some(rest) = budget.checked_sub(items.len()) else {
                    return found;
                };
                *budget = rest;
                for &item in items {
                    found.extend(component(document, kind, item, budget));
                }
            }
            None => found.extend(component(document, kind, value, budget)),
        }
    }
    found
}

/// Returns a component. Returns `None` if it has no name, or if the budget is exhausted.
fn component<'d>(
    document: &'d Document,
    kind: &'d str,
    node: NodeId,
    budget: &mut usize,
) -> Option<ComponentNodes<'d>> {
    let entries = document.merged_entries(node, budget)?;
    let find = |name: &str| {
        let mut entries = entries.iter().copied();
        entries.find(|&(key, _)| document.text(key) == Some(name))
    };
    let (_, name_node) = find("name")?;
    let configuration = find("configuration").map(|(_, value)| value);
    let configuration = configuration.filter(|&value| document.entries(value).is_some());
    let attributes = match configuration {
        Some(mapping) => document.merged_entries(mapping, budget)?,
        None => entries.clone(),
    };
    let is_field = |name: &str| {
        let is_own = matches!(
            name,
            "name" | "type" | "flavor" | "secrets" | "environment" | "configuration"
        );
        configuration.is_none() && is_own
    };
    let attributes = attributes.iter().filter_map(|&(key, value)| {
        let name = document.text(key)?;
        (!is_field(name)).then_some((name, key, value))
    });
    Some(ComponentNodes {
        kind,
        name: non_null_text(document, name_node)?,
        name_node,
        flavor: find("flavor"),
        attributes: attributes.collect(),
    })
}

#[cfg(test)]
#[expect(clippy::unwrap_used, clippy::indexing_slicing, reason = "tests")]
mod tests {
    use super::*;
    use crate::document::{MERGE_BUDGET, Syntax};
    use crate::text::source::SourceFile;
    use std::sync::Arc;

    fn components(text: &str) -> Vec<String> {
        let source = Arc::new(SourceFile::new("x.yaml", text));
        let document = Document::parse(source, Syntax::Yaml).unwrap();
        let mut budget = MERGE_BUDGET;
        let found = component_nodes(&document, document.roots()[0], &mut budget);
        let describe = |it: &ComponentNodes<'_>| {
            let names: Vec<&str> = it.attributes.iter().map(|(name, ..)| *name).collect();
            let flavor = it.flavor.and_then(|(_, value)| document.text(value));
            format!(
                "{} {} {}: {}",
                it.kind,
                it.name,
                flavor.unwrap_or("-"),
                names.join(" ")
            )
        };
        found.iter().map(describe).collect()
    }

    #[test]
    fn components_are_read_in_all_forms() {
        for (text, expected) in [
            (
                "components: {alerter: {name: a, flavor: slack, type: alerter, token: x}}",
                "alerter a slack: token",
            ),
            (
                "components: {alerter: {name: a, flavor: slack, configuration: {token: x, name: y}}}",
                "alerter a slack: token name",
            ),
            (
                "components: {alerter: [{name: a, configuration: {}}]}",
                "alerter a -: ",
            ),
            (
                "b: &b {uri: x}\ncomponents: {alerter: {name: a, configuration: {<<: *b, z: y}}}",
                "alerter a -: z uri",
            ),
        ] {
            assert_eq!(components(text), [expected], "{text}");
        }
    }

    #[test]
    fn components_without_a_name_are_skipped() {
        for text in [
            "components: {alerter: {flavor: slack}}",
            "components: {alerter: {name: }}",
            "components: {alerter: {name: [a]}}",
            "components: {alerter: x, b: [1, [2]]}",
            "components: x",
            "a: b",
            "[]",
        ] {
            assert_eq!(components(text), [""; 0], "{text}");
        }
    }
}
