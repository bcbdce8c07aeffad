//! Differences between the components of stack files and the registered ones of the same type and
//! name.
//!
//! Values are compared as ZenML reads them: a file may have `"true"` for the boolean that the server
//! stores. A value that is not known before a deployment is not compared. The server stores only
//! attributes that were set, so an attribute that the file does not have is a difference.

use crate::diagnostics::finding::Scope;
use crate::diagnostics::finding_builder::FindingBuilder;
use crate::document::{Document, MERGE_BUDGET, NodeId, ScalarType};
use crate::inventory::RegisteredComponent;
use crate::lint::analysis::Analysis;
use crate::lint::lookup_targets::inventory_chains;
use crate::lint::registered_servers::RegisteredServers;
use crate::lint::rules::{self, ComponentDrift, Subject};
use crate::lint::scan::Scan;
use crate::lint::settings::Settings;
use crate::sources::component_nodes::{ComponentNodes, component_nodes};
use crate::sources::stack_model::Stack;
use crate::text::redacted_source::RedactedSource;
use crate::zenml::grammar::{Resolver, parse_as_zenml};
use crate::zenml::keywords::FileKind;
use serde_json::Value;
use std::collections::{BTreeSet, HashSet};

/// The deepest nesting in which values are compared.
const MAX_DEPTH: usize = 200;

/// The text in place of a value that the server hides.
const HIDDEN: &str = "**********";

/// Compares the components of stack files with those of the servers among their inventories.
pub(super) fn check_drift(
    scan: &Scan,
    servers: &RegisteredServers,
    settings: &Settings<'_>,
) -> Vec<FindingBuilder> {
    let mut findings = Vec::new();
    let files = scan.files.iter();
    for file in files.filter(|file| file.server.is_none() && !file.syntax.is_script()) {
        let config = settings.configs.for_file(&file.path);
        let Some(document) = &file.document else {
            continue;
        };
        let comparison = Comparison {
            file,
            document,
            resolver: config.resolver,
        };
        let mut budget = MERGE_BUDGET;
        let stacks = file.stacks.iter().zip(document.roots()).enumerate();
        for (at, (stack, &root)) in stacks {
            if stack.kind != Some(FileKind::Stack) {
                continue;
            }
            let chains = inventory_chains(file, at, &config, settings).unwrap_or_default();
            let chains = chains.into_iter().flat_map(|chain| chain.inventories);
            let used: BTreeSet<usize> = chains.collect();
            for nodes in component_nodes(document, root, &mut budget) {
                let drifts = used.iter().filter_map(|&server| {
                    let component = servers.component(server, nodes.kind, nodes.name)?;
                    let name = settings.inventories.name(server);
                    comparison.drift(stack, &nodes, component, name)
                });
                findings.extend(drifts);
            }
        }
    }
    findings
}

/// A comparison of the components of a file with registered ones.
struct Comparison<'c> {
    file: &'c Analysis,
    document: &'c Document,
    resolver: Resolver,
}

impl Comparison<'_> {
    /// Returns the finding about a component, or `None` if it is equal to the registered one.
    fn drift(
        &self,
        stack: &Stack,
        nodes: &ComponentNodes<'_>,
        component: &RegisteredComponent,
        server: &str,
    ) -> Option<FindingBuilder> {
        let document = self.document;
        let (mut changed, mut only_in_file) = (Vec::new(), Vec::new());
        let mut first: Option<(&str, NodeId)> = None;
        let flavor = nodes.flavor.filter(|&(_, value)| {
            let text = document.text(value);
            text.is_some_and(|text| text != component.flavor && !is_dynamic(text))
        });
        if let Some((key, _)) = flavor {
            changed.push("flavor");
            first = Some(("flavor", key));
        }
        for &(name, key, value) in &nodes.attributes {
            let list = match component.attributes.get(name) {
                Some(registered) if self.is_equal(value, registered, 0) => continue,
                Some(_) => &mut changed,
                None if self.is_unset(value) => continue,
                None => &mut only_in_file,
            };
            list.push(name);
            first.get_or_insert((name, key));
        }
        let in_file: HashSet<&str> = nodes.attributes.iter().map(|(name, ..)| *name).collect();
        let registered = component.attributes.iter();
        let only_on_server: Vec<&str> = registered
            .filter(|(name, value)| !is_empty(value) && !in_file.contains(name.as_str()))
            .map(|(name, _)| name.as_str())
            .collect();
        if first.is_none() && only_on_server.is_empty() {
            return None;
        }
        let (attribute, node) = match first {
            Some((name, key)) => (Some(name), key),
            None => (None, nodes.name_node),
        };
        // The excerpt shows the name of the attribute, and not its value.
        let source = RedactedSource::span_only(self.file.source.file());
        rules::check(Subject::Component(&ComponentDrift {
            source: &source,
            span: document.node(document.target(node)).span,
            scope: Scope {
                stack: stack.name.clone(),
                component: Some(nodes.kind.into()),
                component_name: Some(nodes.name.into()),
                attribute: attribute.map(Into::into),
            },
            server,
            changed,
            only_in_file,
            only_on_server,
        }))
    }

    /// Returns whether an attribute of the file has no value, or one that is not known.
    fn is_unset(&self, value: NodeId) -> bool {
        let document = self.document;
        let is_empty_list = document.items(value).is_some_and(<[_]>::is_empty);
        let is_empty_mapping = document.entries(value).is_some_and(<[_]>::is_empty);
        self.is_null(value) || is_empty_list || is_empty_mapping || self.is_unknown(value)
    }

    fn is_null(&self, value: NodeId) -> bool {
        let scalar = self.document.scalar(self.document.target(value));
        scalar.is_some_and(|scalar| scalar.ty == ScalarType::Null)
    }

    /// Returns whether a value is known only after `render`, or in the environment of a deployment.
    fn is_unknown(&self, value: NodeId) -> bool {
        let is_rendered = |text: &str| self.resolver == Resolver::Render && text.contains("{{");
        let text = self.document.text(value);
        text.is_some_and(|text| is_dynamic(text) || is_rendered(text))
    }

    /// Returns whether a value of the file means the registered value, as far as this is known.
    fn is_equal(&self, value: NodeId, registered: &Value, depth: usize) -> bool {
        let document = self.document;
        if depth > MAX_DEPTH || self.is_unknown(value) || registered.as_str() == Some(HIDDEN) {
            return true;
        }
        if let Some(items) = document.items(value) {
            let parsed = parse_nested(registered);
            let Some(registered) = parsed.as_ref().unwrap_or(registered).as_array() else {
                return false;
            };
            let mut pairs = items.iter().zip(registered);
            return items.len() == registered.len()
                && pairs.all(|(&item, registered)| self.is_equal(item, registered, depth + 1));
        }
        if let Some(entries) = document.entries(value) {
            let parsed = parse_nested(registered);
            let Some(registered) = parsed.as_ref().unwrap_or(registered).as_object() else {
                return false;
            };
            let mut entries = entries.iter();
            return entries.len() == registered.len()
                && entries.all(|&(key, value)| {
                    let registered = document.text(key).and_then(|key| registered.get(key));
                    registered.is_some_and(|it| self.is_equal(value, it, depth + 1))
                });
        }
        if self.is_null(value) {
            return is_empty(registered);
        }
        document
            .text(value)
            .is_some_and(|text| is_equal_text(text, registered))
    }
}

/// Returns whether a text contains a variable.
fn is_dynamic(text: &str) -> bool {
    text.contains("${")
}

/// Returns whether a registered value is like an attribute that was not set.
fn is_empty(value: &Value) -> bool {
    match value {
        Value::Null => true,
        Value::Array(items) => items.is_empty(),
        Value::Object(entries) => entries.is_empty(),
        Value::Bool(_) | Value::Number(_) | Value::String(_) => false,
    }
}

/// Parses a registered text that contains a JSON list or mapping.
fn parse_nested(value: &Value) -> Option<Value> {
    serde_json::from_str(value.as_str()?).ok()
}

/// Returns whether a scalar of a file means a registered value. ZenML converts texts to the types of
/// a flavor's attributes, and removes slashes at the end of some paths and URIs.
fn is_equal_text(text: &str, registered: &Value) -> bool {
    match registered {
        Value::String(registered) => {
            let references = parse_as_zenml(text).zip(parse_as_zenml(registered));
            let is_same_reference = references.is_some_and(|(a, b)| a == b);
            text.trim_end_matches('/') == registered.trim_end_matches('/') || is_same_reference
        }
        Value::Bool(registered) => match text.to_ascii_lowercase().as_str() {
            "true" | "yes" | "on" | "y" | "t" | "1" => *registered,
            "false" | "no" | "off" | "n" | "f" | "0" => !registered,
            _ => false,
        },
        Value::Number(registered) => {
            let text = text.replace('_', "");
            let number = text.parse::<f64>().ok();
            text == registered.to_string() || (number.is_some() && number == registered.as_f64())
        }
        Value::Null => text.is_empty(),
        Value::Array(_) | Value::Object(_) => {
            serde_json::from_str::<Value>(text).is_ok_and(|value| value == *registered)
        }
    }
}

#[cfg(test)]
#[expect(clippy::unwrap_used, clippy::indexing_slicing, reason = "tests")]
mod tests {
    use super::*;
    use crate::document::Syntax;
    use crate::lint::scan::{PathRoots, run_text};
    use crate::project::discover::{Candidate, MatchReason};
    use serde_json::json;

    /// Returns the message about a component with these attributes in a file and on a server.
    fn drift(attributes: &str, registered: &Value, resolver: Resolver) -> Option<String> {
        let text = format!(
            "stack_name: prod\ncomponents:\n  alerter:\n    name: a\n    flavor: mine\n    configuration: {attributes}\n"
        );
        let candidate = Candidate {
            path: "/r/a.yaml".into(),
            syntax: Syntax::Yaml,
            reason: Some(MatchReason::Argument),
        };
        let roots = PathRoots {
            cwd: "/r".into(),
            root: "/r".into(),
            keep_documents: true,
            honor_literal_comments: true,
            repository: None,
        };
        let scan = run_text(text.as_bytes(), candidate, resolver, &roots);
        let file = &scan.files[0];
        let document = file.document.as_ref().unwrap();
        let nodes = component_nodes(document, document.roots()[0], &mut 1_000);
        let component = RegisteredComponent {
            kind: "alerter".to_owned(),
            name: "a".to_owned(),
            flavor: "mine".to_owned(),
            attributes: registered.as_object().unwrap().clone(),
            stacks: Vec::new(),
        };
        let comparison = Comparison {
            file,
            document,
            resolver,
        };
        let finding = comparison.drift(&file.stacks[0], &nodes[0], &component, "prod")?;
        let finding = finding.draft();
        assert!(!finding.source.slice(finding.span).contains("hunter2"));
        Some(finding.message.clone())
    }

    #[test]
    fn values_that_zenml_reads_alike_are_equal() {
        for (attributes, registered) in [
            ("{}", json!({})),
            ("{a: x}", json!({"a": "x"})),
            (
                "{a: 'true', b: yes, c: 'False'}",
                json!({"a": true, "b": true, "c": false}),
            ),
            (
                "{a: '5000', b: 5000, c: 1.0, d: 1_000}",
                json!({"a": 5000, "b": "5000", "c": 1, "d": 1000}),
            ),
            ("{a: '{{ db.user }}'}", json!({"a": "{{db.user}}"})),
            ("{a: s3://bucket/}", json!({"a": "s3://bucket"})),
            ("{a: [1, {b: 'x'}]}", json!({"a": [1, {"b": "x"}]})),
            ("{a: '{\"b\": [1]}'}", json!({"a": {"b": [1]}})),
            ("{a: {b: [1]}}", json!({"a": "{\"b\": [1]}"})),
            ("{a: null, b: , c: [], d: {}}", json!({})),
            ("{}", json!({"a": null, "b": [], "c": {}})),
            ("{a: '${HOST}/x', b: '${HOST}'}", json!({"a": "y"})),
            ("{a: hunter2}", json!({"a": "**********"})),
            ("{a: &x y, b: *x}", json!({"a": "y", "b": "y"})),
        ] {
            assert_eq!(
                drift(attributes, &registered, Resolver::Zenml),
                None,
                "{attributes}"
            );
        }
    }

    #[test]
    fn differences_are_named_without_values() {
        for (attributes, registered, expected) in [
            ("{a: hunter2}", json!({"a": "hunter3"}), "differs in `a`"),
            ("{a: 'yes'}", json!({"a": false}), "differs in `a`"),
            ("{a: 1}", json!({"a": 2}), "differs in `a`"),
            ("{a: x}", json!({"a": null}), "differs in `a`"),
            ("{a: null}", json!({"a": "hunter2"}), "differs in `a`"),
            ("{a: [1]}", json!({"a": [1, 2]}), "differs in `a`"),
            ("{a: [1]}", json!({"a": 1}), "differs in `a`"),
            ("{a: {b: 1}}", json!({"a": {"c": 1}}), "differs in `a`"),
            (
                "{a: '{{db.user}}'}",
                json!({"a": "{{db.password}}"}),
                "differs in `a`",
            ),
            ("{a: x}", json!({}), "does not have `a`"),
            ("{}", json!({"b": "hunter2"}), "also has `b`"),
            (
                "{a: 1, b: 2, c: 3}",
                json!({"a": 0, "c": 3, "d": 1}),
                "differs in `a`, and does not have `b`, and also has `d`",
            ),
            (
                "{a: 1, b: 1, c: 1, d: 1, e: 1, f: 1, g: 1}",
                json!({"a": 2, "b": 2, "c": 2, "d": 2, "e": 2, "f": 2, "g": 2}),
                "differs in `a`, `b`, `c`, `d`, `e` and 2 more",
            ),
        ] {
            let message = drift(attributes, &registered, Resolver::Zenml);
            let expected = format!("`a` on the server of `prod` {expected}");
            assert_eq!(message, Some(expected), "{attributes}");
        }
    }

    #[test]
    fn rendered_values_are_not_compared() {
        let registered = json!({"a": "hunter2", "b": "x"});
        let attributes = "{a: '{{db.password}}', b: x}";
        assert_eq!(drift(attributes, &registered, Resolver::Render), None);
        assert!(drift(attributes, &registered, Resolver::Zenml).is_some());
    }
}
