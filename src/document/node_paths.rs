//! Finds the way from a root to a node: its path, its key and the item that contains it.

use super::Document;
use super::node::{NodeId, NodeKind};
use crate::text::source::floor_char_boundary;

/// The longest part of a path. Thousands of scalars may be below one long key.
const MAX_PATH_SEGMENT_BYTES: usize = 1_000;

impl Document {
    /// Returns the path of a node from its root for messages: keys and indices, joined with dots.
    pub fn path(&self, id: NodeId) -> String {
        let mut segments = Vec::new();
        let mut at = id;
        while let Some((parent, slot)) = self.node(at).parent() {
            match self.node(parent).kind {
                NodeKind::Mapping { entries, .. } => {
                    let key = self
                        .entries_in(entries)
                        .get(slot as usize)
                        .and_then(|&(key, _)| self.text(key));
                    let key = key.unwrap_or("?");
                    let end = floor_char_boundary(key, MAX_PATH_SEGMENT_BYTES);
                    segments.push(key.get(..end).unwrap_or_default().to_owned());
                }
                _ => segments.push(slot.to_string()),
            }
            at = parent;
        }
        segments.reverse();
        segments.join(".")
    }

    /// Returns the key of a node that is the value of a mapping entry. Returns `None` for other
    /// nodes, and in commands.
    pub fn key_for_value(&self, id: NodeId) -> Option<NodeId> {
        let node = self.node(id);
        let (parent, slot) = node.parent().filter(|_| !node.key)?;
        match self.node(parent).kind {
            NodeKind::Mapping { entries, .. } if !self.is_shell_word(id) => self
                .entries_in(entries)
                .get(slot as usize)
                .map(|&(key, _)| key),
            _ => None,
        }
    }

    /// Returns the start of the entry or item of the root that contains a node.
    pub fn root_item_start(&self, id: NodeId) -> usize {
        let mut at = id;
        while let Some((parent, _)) = self
            .node(at)
            .parent()
            .filter(|&(parent, _)| self.node(parent).parent().is_some())
        {
            at = parent;
        }
        self.node(at).span.start
    }
}
