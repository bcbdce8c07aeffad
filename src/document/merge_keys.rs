//! Merge keys (`<<`) of YAML 1.1, as `PyYAML` applies them.

use super::Document;
use super::node::{NodeId, NodeKind, Style};
use std::borrow::Cow;
use std::collections::HashSet;

/// The entries that merge keys may add to the mappings of a file. Real files add a few; a hostile
/// file could add exponentially many.
pub const MERGE_BUDGET: usize = 1_000_000;

impl Document {
    /// Returns whether a key is YAML's merge key `<<`. In quotes, it is an ordinary key.
    pub fn is_merge_key(&self, key: NodeId) -> bool {
        if !self.has_merge_keys {
            return false;
        }
        let node = self.node(self.target(key));
        let is_plain =
            matches!(node.kind, NodeKind::Scalar(scalar) if scalar.style == Style::Plain);
        is_plain && node.span.len() == 2 && self.source.slice(node.span) == "<<"
    }

    /// Returns the entries of a mapping with merge keys applied as `PyYAML` does. The mapping's own
    /// keys win, then the merged mappings in order. Mappings of a second merge key precede those of
    /// the first.
    ///
    /// `budget` limits the work for a whole file, since merges can multiply. Returns `None` when it
    /// is exhausted.
    pub fn merged_entries(
        &self,
        mapping: NodeId,
        budget: &mut usize,
    ) -> Option<Cow<'_, [(NodeId, NodeId)]>> {
        let own = self.entries(mapping)?;
        // Entries in the file are limited by its size. Aliases and merges can repeat them, so they
        // cost budget.
        if self.target(mapping) != mapping {
            *budget = budget.checked_sub(own.len() + 1)?;
        }
        if !self.has_merge_keys || !own.iter().any(|&(key, _)| self.is_merge_key(key)) {
            return Some(Cow::Borrowed(own));
        }
        let mut all = Vec::new();
        let mut seen = HashSet::new();
        let mut pending = vec![self.target(mapping)];
        let mut visited = HashSet::new();
        while let Some(next) = pending.pop() {
            if !visited.insert(next) {
                continue;
            }
            let entries = self.entries(next).unwrap_or_default();
            *budget = budget.checked_sub(entries.len() + 1)?;
            let mut merged = Vec::new();
            for &(key, value) in entries {
                if self.is_merge_key(key) {
                    *budget = budget.checked_sub(self.items(value).map_or(1, <[NodeId]>::len))?;
                    // The last of two merge keys wins, but the first of the mappings in one list.
                    match self.items(value) {
                        Some(items) => {
                            merged.extend(items.iter().rev().map(|&item| self.target(item)));
                        }
                        None => merged.push(self.target(value)),
                    }
                } else if self.text(key).is_none_or(|text| seen.insert(text)) {
                    all.push((key, value));
                }
            }
            pending.extend(merged);
        }
        Some(Cow::Owned(all))
    }
}
