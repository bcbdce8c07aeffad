//! The components and stacks that are registered on a ZenML server.
//!
//! The attributes of components are in the lists only with `hydrate`. Values that were coerced when a
//! component was registered are returned as JSON: `"true"` as a boolean, for example.

use super::ZenmlSession;
use super::zenml_pages::{PagedList, server_version};
use crate::inventory::{RegisteredComponent, RegisteredStacks, StoreError};
use serde_json::Value;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

/// The list of components.
const COMPONENTS: PagedList = PagedList {
    path: "/api/v1/components",
    query: "&sort_by=asc%3Aid&hydrate=true",
    page_size: 50,
    items: "components",
    max_items: 100_000,
    max_bytes: 64 << 20,
};

/// The list of stacks.
const STACKS: PagedList = PagedList {
    path: "/api/v1/stacks",
    items: "stacks",
    ..COMPONENTS
};

/// The longest name, type or id. ZenML's own limit is 255 characters.
const MAX_NAME_BYTES: usize = 1_020;

/// A component by its id.
type ComponentsById = BTreeMap<String, RegisteredComponent>;

/// The names of the stacks that contain a component, by its id.
type StacksById = BTreeMap<String, BTreeSet<Arc<str>>>;

/// Reads the components and stacks of a server.
pub(super) fn list_components(session: &ZenmlSession) -> Result<RegisteredStacks, StoreError> {
    let mut found = ComponentsById::new();
    let mut is_denied = false;
    COMPONENTS.read(session, |items| {
        is_denied |= items.iter().any(is_hidden);
        let visible = items.iter().filter(|item| !is_hidden(item));
        for item in visible {
            let (id, component) = parse_component(item)?;
            found.insert(id, component);
        }
        Some(())
    })?;
    if is_denied {
        let advice = "these credentials may list components but not read all of them";
        return Err(StoreError::Forbidden(advice.to_owned()));
    }
    if found.is_empty() {
        return Err(StoreError::Forbidden(
            "either these credentials may not list components (ZenML then returns an empty list), or the server has none"
                .to_owned(),
        ));
    }
    let mut stacks = StacksById::new();
    STACKS.read(session, |items| {
        let visible = items.iter().filter(|item| !is_hidden(item));
        visible.map(|item| add_stack(&mut stacks, item)).collect()
    })?;
    let components = found.into_iter().map(|(id, component)| {
        let stacks = stacks.remove(&id).unwrap_or_default().into_iter().collect();
        RegisteredComponent {
            stacks,
            ..component
        }
    });
    let mut components: Vec<RegisteredComponent> = components.collect();
    components.sort_by(|a, b| (&a.kind, &a.name).cmp(&(&b.kind, &b.name)));
    Ok(RegisteredStacks {
        version: server_version(session)?,
        components,
    })
}

/// Returns whether the server hides the contents of an item from these credentials.
fn is_hidden(item: &Value) -> bool {
    item.get("permission_denied") == Some(&Value::Bool(true))
}

/// Returns a property of an item. Versions of ZenML have it in `metadata`, `body`, or the item.
fn property<'v>(item: &'v Value, name: &str) -> Option<&'v Value> {
    let parts = ["metadata", "body"].map(|part| item.get(part));
    let mut parts = parts.into_iter().flatten().chain([item]);
    parts.find_map(|part| part.get(name))
}

/// Returns a text property of an item that is not longer than a name.
fn name_property<'v>(item: &'v Value, name: &str) -> Option<&'v str> {
    let text = property(item, name)?.as_str();
    text.filter(|text| !text.is_empty() && text.len() <= MAX_NAME_BYTES)
}

/// Returns the id and the component of an item. Returns `None` if it is not a component with its
/// attributes.
fn parse_component(item: &Value) -> Option<(String, RegisteredComponent)> {
    let flavor = name_property(item, "flavor_name").or_else(|| name_property(item, "flavor"));
    let component = RegisteredComponent {
        kind: name_property(item, "type")?.to_owned(),
        name: name_property(item, "name")?.to_owned(),
        flavor: flavor?.to_owned(),
        attributes: property(item, "configuration")?.as_object()?.clone(),
        stacks: Vec::new(),
    };
    Some((name_property(item, "id")?.to_owned(), component))
}

/// Adds the name of a stack to its components. Returns `None` if the item is not a stack with its
/// components.
fn add_stack(stacks: &mut StacksById, item: &Value) -> Option<()> {
    let name: Arc<str> = name_property(item, "name")?.into();
    for components in property(item, "components")?.as_object()?.values() {
        for component in components.as_array()? {
            let id = component.get("id").unwrap_or(component).as_str()?;
            let names = stacks.entry(id.to_owned()).or_default();
            names.insert(Arc::clone(&name));
        }
    }
    Some(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn a_component_is_read_in_the_forms_of_several_versions() {
        for item in [
            json!({"id": "1", "name": "m", "body": {"type": "alerter", "flavor_name": "slack"}, "metadata": {"configuration": {"a": 1}}}),
            json!({"id": "1", "name": "m", "body": {"type": "alerter", "flavor": "slack"}, "metadata": {"configuration": {"a": 1}}}),
            json!({"id": "1", "name": "m", "type": "alerter", "flavor": "slack", "configuration": {"a": 1}}),
        ] {
            let parsed = parse_component(&item);
            let fields = parsed.map(|(_, it)| (it.kind, it.name, it.flavor, it.attributes.len()));
            let expected = ["alerter", "m", "slack"].map(str::to_owned);
            let [kind, name, flavor] = expected;
            assert_eq!(fields, Some((kind, name, flavor, 1)), "{item}");
        }
    }

    #[test]
    fn a_component_without_its_attributes_is_refused() {
        for item in [
            json!({}),
            json!(null),
            json!({"id": "1", "name": "m", "body": {"type": "alerter", "flavor_name": "slack"}, "metadata": null}),
            json!({"id": "1", "name": "m", "type": "alerter", "flavor": "slack", "configuration": []}),
            json!({"id": "1", "name": "", "type": "alerter", "flavor": "slack", "configuration": {}}),
            json!({"id": "1", "name": "x".repeat(2_000), "type": "a", "flavor": "slack", "configuration": {}}),
        ] {
            assert!(parse_component(&item).is_none(), "{item}");
        }
    }

    #[test]
    fn a_stack_names_its_components() {
        let mut stacks = StacksById::new();
        for name in ["prod", "dev"] {
            let components = json!({"alerter": [{"id": "1"}], "orchestrator": ["2"]});
            let item = json!({"name": name, "metadata": {"components": components}});
            assert!(add_stack(&mut stacks, &item).is_some());
        }
        let names = stacks
            .get("1")
            .map(|names| names.iter().map(|name| &**name).collect());
        assert_eq!(names, Some(vec!["dev", "prod"]));
        assert!(add_stack(&mut stacks, &json!({"name": "x", "metadata": null})).is_none());
    }
}
