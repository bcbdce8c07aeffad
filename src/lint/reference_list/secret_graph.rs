//! A graph from files and stacks to the secrets that they use or declare.

use super::{MissingPart, MissingTargets, ReferenceList};
use crate::sources::reference::Reference;
use crate::text::escape::escape_control;
use std::collections::{BTreeMap, BTreeSet};

/// A graph from files and stacks to secrets. Equal lists have equal graphs.
pub struct SecretGraph {
    /// The labels of the files, with control characters escaped: `stack (path)` or the path.
    pub files: Vec<String>,
    /// The secrets.
    pub secrets: Vec<SecretNode>,
    /// The edges, sorted by file, secret and kind.
    pub edges: Vec<GraphEdge>,
}

/// A secret in a graph.
pub struct SecretNode {
    /// The name with its marks, with control characters escaped.
    pub label: String,
    /// Whether the secret is missing for at least one reference.
    pub is_missing: bool,
    /// Whether a part of the name is known only at run time.
    pub is_dynamic: bool,
}

/// An edge from a file to a secret.
pub struct GraphEdge {
    /// The index of the file.
    pub file: usize,
    /// The index of the secret.
    pub secret: usize,
    /// The kind.
    pub kind: EdgeKind,
    /// The keys with their marks, with control characters escaped. Empty for a whole secret.
    pub label: String,
    /// Whether the secret or a key is missing for this file.
    pub is_missing: bool,
}

/// The kind of an edge.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum EdgeKind {
    /// The file declares the secret.
    Declares,
    /// The file uses the secret.
    Uses,
    /// The file uses a secret whose name or key is known only at run time.
    MayUse,
}

/// A file by its path, and its stack if that has another name.
type FileKey<'s> = (&'s str, Option<&'s str>);

/// A secret by its name, and whether the name is dynamic.
type SecretKey<'s> = (&'s str, bool);

/// The keys of an edge.
#[derive(Default)]
struct EdgeKeys<'s> {
    /// The keys, each with whether it is missing.
    keys: BTreeMap<&'s str, bool>,
    is_open: bool,
    is_missing: bool,
}

impl SecretGraph {
    /// Creates the graph of a list.
    pub fn new(list: &ReferenceList<'_>, missing: &MissingTargets) -> Self {
        let mut edges: BTreeMap<(FileKey<'_>, SecretKey<'_>, EdgeKind), EdgeKeys<'_>> =
            BTreeMap::new();
        let mut missing_secrets = BTreeSet::new();
        for declaration in list.declarations() {
            let secret = (declaration.secret.as_str(), declaration.is_dynamic);
            let file = (declaration.source.path(), None);
            let edge = edges.entry((file, secret, EdgeKind::Declares)).or_default();
            let keys = declaration.keys.iter();
            edge.keys.extend(keys.map(|key| (key.name.as_str(), false)));
            edge.is_open |= declaration.is_open;
        }
        for reference in list.references() {
            let secret = (reference.secret(), reference.is_dynamic);
            let kind = if reference.is_dynamic {
                EdgeKind::MayUse
            } else {
                EdgeKind::Uses
            };
            let edge = edges.entry((file_of(reference), secret, kind)).or_default();
            let part = missing.part_of(reference);
            edge.is_missing |= part.is_some();
            if let Some(key) = reference.key() {
                *edge.keys.entry(key).or_default() |= part == Some(MissingPart::Key);
            }
            if part == Some(MissingPart::Secret) {
                missing_secrets.insert(secret);
            }
        }
        let files = indexes(edges.keys().map(|&(file, _, _)| file));
        let secrets = indexes(edges.keys().map(|&(_, secret, _)| secret));
        let index_of = |file, secret| Some((*files.get(&file)?, *secrets.get(&secret)?));
        let edges = edges.iter().filter_map(|(&(file, secret, kind), keys)| {
            let (file, secret) = index_of(file, secret)?;
            Some(GraphEdge {
                file,
                secret,
                kind,
                label: edge_label(kind, keys),
                is_missing: keys.is_missing,
            })
        });
        let nodes = secrets.keys().map(|secret| SecretNode {
            label: secret_label(*secret, missing_secrets.contains(secret)),
            is_missing: missing_secrets.contains(secret),
            is_dynamic: secret.1,
        });
        Self {
            edges: edges.collect(),
            secrets: nodes.collect(),
            files: files.keys().map(|&file| file_label(file)).collect(),
        }
    }
}

/// Numbers the distinct values in their order.
fn indexes<K: Ord>(values: impl Iterator<Item = K>) -> BTreeMap<K, usize> {
    let distinct: BTreeSet<K> = values.collect();
    distinct.into_iter().zip(0..).collect()
}

fn file_of(reference: &Reference) -> FileKey<'_> {
    let path = reference.source.path();
    let stack = reference.scope.stack.as_deref();
    (path, stack.filter(|&stack| stack != path))
}

fn file_label((path, stack): FileKey<'_>) -> String {
    escape_control(&match stack {
        Some(stack) => format!("{stack} ({path})"),
        None => path.to_owned(),
    })
}

fn secret_label((name, is_dynamic): SecretKey<'_>, is_missing: bool) -> String {
    let mark = match (is_missing, is_dynamic) {
        (true, _) => " (missing)",
        (false, true) => " (dynamic)",
        (false, false) => "",
    };
    escape_control(&format!("{name}{mark}"))
}

fn edge_label(kind: EdgeKind, edge: &EdgeKeys<'_>) -> String {
    let keys = edge.keys.iter().map(|(key, is_missing)| {
        let mark = if *is_missing { " (missing)" } else { "" };
        format!("{key}{mark}")
    });
    let open = edge.is_open.then(|| "…".to_owned());
    let keys = keys.chain(open).collect::<Vec<_>>().join(", ");
    escape_control(&match kind {
        EdgeKind::Declares if keys.is_empty() => "declares".to_owned(),
        EdgeKind::Declares => format!("declares {keys}"),
        EdgeKind::Uses | EdgeKind::MayUse => keys,
    })
}

#[cfg(test)]
mod tests {
    use super::super::fixtures::scan;
    use super::*;

    #[test]
    fn a_file_has_one_edge_for_each_secret() {
        let text = "stack_name: prod
components:
  alerter:
    flavor: slack
    token: '{{slack.token}}'
    channel: '{{slack.channel}}'
    again: '{{slack.token}}'
    other: '{{db.token}}'
";
        let scan = scan("a.yaml", text);
        let list = ReferenceList::of_scan(&scan);
        let graph = SecretGraph::new(&list, &MissingTargets::default());
        assert_eq!(graph.files, ["prod (a.yaml)"]);
        let secrets: Vec<&str> = graph.secrets.iter().map(|it| it.label.as_str()).collect();
        assert_eq!(secrets, ["db", "slack"]);
        let edges = graph.edges.iter();
        let edges: Vec<_> = edges
            .map(|edge| (edge.file, edge.secret, edge.kind, edge.label.as_str()))
            .collect();
        let uses = EdgeKind::Uses;
        assert_eq!(
            edges,
            [(0, 0, uses, "token"), (0, 1, uses, "channel, token")]
        );
    }
}
