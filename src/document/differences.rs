//! Compares two documents: a changed file must have the same tree as before, except for the changed
//! scalars.

use super::node::{NodeId, NodeKind, Scalar};
use super::{Document, Syntax, yaml};
use std::collections::HashMap;

impl Document {
    /// Compares this document with another in which some scalars have new text, and returns the
    /// first node that differs.
    ///
    /// The same document has the same nodes in the same order, with the same kinds and types, and
    /// aliases to the same nodes. YAML is compared with the line breaks of YAML 1.2, and with those
    /// of YAML 1.1.
    pub fn find_difference(
        &self,
        other: &Self,
        changed: &HashMap<NodeId, String>,
    ) -> Option<NodeId> {
        self.find_difference_once(other, changed).or_else(|| {
            let (own_1_1, other_1_1) = (self.parse_as_yaml_1_1(), other.parse_as_yaml_1_1());
            if own_1_1.is_none() && other_1_1.is_none() {
                return None;
            }
            own_1_1
                .as_ref()
                .unwrap_or(self)
                .find_difference_once(other_1_1.as_ref().unwrap_or(other), changed)
        })
    }

    fn find_difference_once(
        &self,
        other: &Self,
        changed: &HashMap<NodeId, String>,
    ) -> Option<NodeId> {
        self.first_difference(other, |id, own, node| {
            let expected = changed
                .get(&id)
                .map(String::as_str)
                .or_else(|| self.text(id));
            own.ty == node.ty && other.text(id) == expected
        })
    }

    /// Returns whether another document has the same nodes, and scalars of the same styles and
    /// types.
    pub(super) fn has_shape_of(&self, other: &Self) -> bool {
        let difference = self.first_difference(other, |_, own, node| {
            (own.style, own.ty, own.non_specific) == (node.style, node.ty, node.non_specific)
        });
        difference.is_none()
    }

    /// Returns the first node that has another kind or other children in the other document, or for
    /// which `is_same` fails.
    fn first_difference(
        &self,
        other: &Self,
        is_same: impl Fn(NodeId, &Scalar, &Scalar) -> bool,
    ) -> Option<NodeId> {
        for ((id, own), (_, node)) in self.nodes().zip(other.nodes()) {
            let is_same_node = match (&own.kind, &node.kind) {
                (NodeKind::Scalar(a), NodeKind::Scalar(b)) => is_same(id, a, b),
                (NodeKind::Mapping { entries: a, .. }, NodeKind::Mapping { entries: b, .. }) => {
                    self.entries_in(*a) == other.entries_in(*b)
                }
                (NodeKind::Sequence(a), NodeKind::Sequence(b)) => {
                    self.items_in(*a) == other.items_in(*b)
                }
                (NodeKind::Alias(a), NodeKind::Alias(b)) => a == b,
                _ => false,
            };
            if !is_same_node {
                return Some(id);
            }
        }
        let has_same_roots = self.nodes.len() == other.nodes.len() && self.roots == other.roots;
        if has_same_roots {
            None
        } else {
            Some(NodeId(0))
        }
    }

    fn parse_as_yaml_1_1(&self) -> Option<Self> {
        if self.syntax == Syntax::Yaml {
            yaml::parse_as_yaml_1_1(self)
        } else {
            None
        }
    }
}
