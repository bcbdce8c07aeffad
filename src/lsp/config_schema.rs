//! The schema of `stackref.toml`: the keys of its tables, the values of its keys, and their
//! descriptions. It is the published one.

use crate::output::schemas::{SchemaKind, schema};
use serde_json::Value;
use std::sync::LazyLock;

/// The deepest nesting of references and alternatives in the schema.
const MAX_DEPTH: usize = 20;

static SCHEMA: LazyLock<Value> = LazyLock::new(|| schema(SchemaKind::Config));

/// A table, an array or a value of the config, as the schema describes it. It may be one of several
/// alternatives.
#[derive(Clone, Debug)]
pub struct ConfigNode {
    alternatives: Vec<&'static Value>,
    description: Option<&'static str>,
}

/// A key of a table.
#[derive(Clone, Debug)]
pub struct SchemaKey {
    /// The name.
    pub name: &'static str,
    /// Its value.
    pub node: ConfigNode,
}

/// A value that a key can have.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SchemaValue {
    /// The value: the contents of a string, or a boolean.
    pub text: String,
    /// Whether it is a string.
    pub is_string: bool,
    /// The description.
    pub description: Option<&'static str>,
}

impl ConfigNode {
    /// Returns the top-level table.
    pub fn root() -> Self {
        Self::of(&SCHEMA, None)
    }

    fn of(schema: &'static Value, description: Option<&'static str>) -> Self {
        let mut alternatives = Vec::new();
        expand(schema, &mut alternatives, 0);
        let of_alternative = match alternatives.as_slice() {
            [only] => self::description(only),
            _ => None,
        };
        Self {
            description: description.or(self::description(schema)).or(of_alternative),
            alternatives,
        }
    }

    /// Returns the description.
    pub fn description(&self) -> Option<&'static str> {
        self.description
    }

    /// Returns the node at a path of keys. Arrays of tables count as their tables.
    pub fn at(&self, path: &[String]) -> Option<Self> {
        let mut node = self.clone();
        for key in path {
            node = node.child(key)?;
        }
        Some(node)
    }

    /// Keeps the alternatives in which `kind` has a value; all if none has.
    pub fn with_kind(mut self, kind: Option<&str>) -> Self {
        let has_kind = |schema: &&'static Value| {
            let constant = schema.pointer("/properties/kind/const");
            constant.and_then(Value::as_str) == kind
        };
        if kind.is_some() && self.alternatives.iter().any(has_kind) {
            self.alternatives.retain(has_kind);
        }
        self
    }

    /// Returns the keys of a table, in the order of their names. Those of an array are those of its
    /// tables.
    pub fn keys(&self) -> Vec<SchemaKey> {
        let mut keys: Vec<SchemaKey> = Vec::new();
        for table in self.tables() {
            let properties = table.get("properties").and_then(Value::as_object);
            for (name, schema) in properties.into_iter().flatten() {
                let known = keys.iter_mut().find(|key| key.name == name);
                let node = Self::of(schema, None);
                match known {
                    Some(known) => known.node.alternatives.extend(node.alternatives),
                    None => keys.push(SchemaKey { name, node }),
                }
            }
        }
        keys
    }

    fn child(&self, key: &str) -> Option<Self> {
        let known = self.keys().into_iter().find(|known| known.name == key);
        known.map(|known| known.node).or_else(|| {
            let mut others = self.tables().filter_map(|table| {
                let schema = table.get("additionalProperties")?;
                schema.is_object().then_some(schema)
            });
            others.next().map(|schema| Self::of(schema, None))
        })
    }

    /// Returns whether it is a table with keys or names, and not an array.
    pub fn is_table(&self) -> bool {
        self.has_type("object")
    }

    /// Returns whether it is an array of tables.
    pub fn is_array_of_tables(&self) -> bool {
        self.has_type("array") && self.tables().next().is_some()
    }

    /// Returns whether the names of its tables are chosen by the user.
    pub fn has_free_names(&self) -> bool {
        self.tables().any(|table| {
            let others = table.get("additionalProperties");
            others.is_some_and(Value::is_object)
        })
    }

    fn has_type(&self, name: &str) -> bool {
        let mut alternatives = self.alternatives.iter();
        alternatives.any(|schema| schema.get("type").and_then(Value::as_str) == Some(name))
    }

    /// Iterates over the tables among the alternatives, and in arrays among them.
    fn tables(&self) -> impl Iterator<Item = &'static Value> {
        let items = self.alternatives.iter().filter_map(|it| it.get("items"));
        let mut tables = self.alternatives.clone();
        for items in items {
            expand(items, &mut tables, 0);
        }
        tables
            .into_iter()
            .filter(|schema| schema.get("type").and_then(Value::as_str) == Some("object"))
    }

    /// Returns the values, also those of the items of an array.
    pub fn values(&self) -> Vec<SchemaValue> {
        let mut alternatives = self.alternatives.clone();
        for items in self.alternatives.iter().filter_map(|it| it.get("items")) {
            expand(items, &mut alternatives, 0);
        }
        let mut values = Vec::new();
        for schema in alternatives {
            let constants = schema.get("enum").and_then(Value::as_array);
            let constants = constants.into_iter().flatten().chain(schema.get("const"));
            let mut texts: Vec<(String, bool)> = constants
                .filter_map(Value::as_str)
                .map(|text| (text.to_owned(), true))
                .collect();
            if schema.get("type").and_then(Value::as_str) == Some("boolean") {
                texts.extend(["true", "false"].map(|text| (text.to_owned(), false)));
            }
            texts.retain(|(text, _)| !values.iter().any(|it: &SchemaValue| it.text == *text));
            let description = description(schema);
            values.extend(texts.into_iter().map(|(text, is_string)| SchemaValue {
                text,
                is_string,
                description,
            }));
        }
        values
    }
}

fn description(schema: &'static Value) -> Option<&'static str> {
    schema.get("description").and_then(Value::as_str)
}

/// Adds the alternatives of a schema, without references.
fn expand(schema: &'static Value, found: &mut Vec<&'static Value>, depth: usize) {
    if depth > MAX_DEPTH {
        return;
    }
    let reference = schema.get("$ref").and_then(Value::as_str);
    if let Some(target) = reference.and_then(|path| SCHEMA.pointer(path.trim_start_matches('#'))) {
        return expand(target, found, depth + 1);
    }
    let lists = ["anyOf", "oneOf"].map(|name| schema.get(name).and_then(Value::as_array));
    let is_typed = schema.get("type").is_some();
    for list in lists.into_iter().flatten().filter(|_| !is_typed) {
        for alternative in list {
            expand(alternative, found, depth + 1);
        }
    }
    if is_typed || lists.iter().all(Option::is_none) {
        found.push(schema);
    }
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "tests")]
mod tests {
    use super::*;

    fn at(path: &str) -> ConfigNode {
        let path = path.split('.').filter(|key| !key.is_empty());
        let path: Vec<String> = path.map(str::to_owned).collect();
        ConfigNode::root().at(&path).unwrap()
    }

    fn names(node: &ConfigNode) -> Vec<&'static str> {
        node.keys().iter().map(|key| key.name).collect()
    }

    #[test]
    fn tables_have_the_keys_of_the_schema() {
        assert_eq!(
            names(&at("files")),
            ["exclude", "include", "scripts", "sources"]
        );
        assert_eq!(names(&at("stacks")), ["environment", "files", "inventory"]);
        assert_eq!(
            names(&at("environment.x")),
            ["inventory", "level", "variables"]
        );
        assert!(names(&at("rules")).contains(&"unknown-key"));
        assert!(names(&at("inventory.x")).contains(&"ca_cert"));
        let env = at("inventory.x").with_kind(Some("env"));
        assert_eq!(
            names(&env),
            [
                "connect_timeout",
                "kind",
                "prefix",
                "run_timeout",
                "timeout"
            ]
        );
        assert!(at("stacks").is_array_of_tables() && !at("stacks").is_table());
        assert!(at("files").is_table() && !at("files").is_array_of_tables());
        assert!(at("inventory").has_free_names() && !at("files").has_free_names());
        assert!(ConfigNode::root().at(&["unknown".to_owned()]).is_none());
    }

    #[test]
    fn keys_have_the_values_and_descriptions_of_the_schema() {
        let texts = |path: &str| -> Vec<String> {
            at(path).values().into_iter().map(|it| it.text).collect()
        };
        assert_eq!(texts("resolver"), ["zenml", "render"]);
        assert_eq!(texts("rules.unknown-key"), ["off", "warning", "error"]);
        assert_eq!(texts("inventory.x.allow_http"), ["true", "false"]);
        assert!(texts("inventory.x.kind").contains(&"vault".to_owned()));
        assert!(texts("files.sources").contains(&"terraform".to_owned()));
        assert!(texts("ignore.rule").contains(&"unknown-secret".to_owned()));
        for path in [
            "level",
            "files",
            "files.sources",
            "environment.x.level",
            "rules",
            "rules.unknown-key",
        ] {
            assert!(at(path).description().is_some(), "{path}");
        }
    }
}
