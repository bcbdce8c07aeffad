//! Adds entries at the end of a mapping or a list, in the style of the existing ones: with the same
//! indentation, line breaks and commas.
//!
//! Only positions and layout are decided here; each syntax has its own quoting. All existing bytes
//! stay. The caller parses the result and compares it, which reveals a layout that is not supported
//! here.

mod flow_collections;
mod line_positions;
mod new_values;
mod toml_lines;
mod yaml_lines;

pub use new_values::{NewValue, format_name_map};

use super::{Document, Edit, NodeId, NodeKind, Syntax};
use crate::text::source::Span;
use flow_collections::BracketedCollection;

impl Document {
    /// Returns the edits that add entries at the end of a mapping, in the given order. Returns
    /// `None` if its layout is not supported.
    pub fn insert(
        &self,
        mapping: NodeId,
        new_entries: &[(&str, NewValue<'_>)],
    ) -> Option<Vec<Edit>> {
        let NodeKind::Mapping { entries, flow } = self.node(mapping).kind else {
            return None;
        };
        let entries = self.entries_in(entries);
        if new_entries.is_empty() {
            return Some(Vec::new());
        }
        let is_root = self.roots().contains(&mapping);
        if flow {
            return self.insert_in_braces(mapping, entries, new_entries, is_root);
        }
        match self.syntax() {
            Syntax::Yaml => self.insert_lines_of_yaml(entries, new_entries, is_root),
            Syntax::Toml if is_root => self.insert_in_root_of_toml(entries, new_entries),
            Syntax::Toml => self.insert_lines_of_toml(mapping, entries, new_entries),
            Syntax::Json | Syntax::Script(_) => None,
        }
    }

    /// Returns the edits that add names at the end of a list, in the given order. Returns `None` if
    /// its layout is not supported.
    pub fn push(&self, list: NodeId, names: &[&str]) -> Option<Vec<Edit>> {
        let NodeKind::Sequence(items) = self.node(list).kind else {
            return None;
        };
        let items = self.items_in(items);
        if names.is_empty() {
            return Some(Vec::new());
        }
        let span = self.node(list).span;
        if self.source().slice(span).starts_with('[') {
            let spans: Vec<Span> = items.iter().map(|&item| self.node(item).span).collect();
            let collection = BracketedCollection {
                span,
                items: &spans,
                comma: ", ",
            };
            return self.insert_between(&collection, names.len(), &|at, _| {
                names
                    .get(at)
                    .map(|name| self.quote_item(name, true))
                    .unwrap_or_default()
            });
        }
        let (prefix, at) = self.block_item_prefix(items)?;
        let lines: Vec<_> = names
            .iter()
            .map(|name| [prefix, &self.quote_item(name, false)].concat())
            .collect();
        Some(vec![self.lines_at(at, &lines)])
    }

    /// Returns the edits that add an item of several lines at the end of a YAML block sequence. The
    /// lines are indented relative to the item. Returns `None` if the layout is not supported.
    pub fn push_lines(&self, list: NodeId, lines: &[&str]) -> Option<Vec<Edit>> {
        let NodeKind::Sequence(items) = self.node(list).kind else {
            return None;
        };
        let items = self.items_in(items);
        let (prefix, at) = self.block_item_prefix(items)?;
        let margin = format!("{}{}", self.line_break(), prefix.replace('-', " "));
        Some(vec![
            self.lines_at(at, &[format!("{prefix}{}", lines.join(&margin))]),
        ])
    }

    /// Returns the text before a new item of a YAML block sequence, and the offset of the new line.
    fn block_item_prefix(&self, items: &[NodeId]) -> Option<(&str, usize)> {
        let &end = items.last()?;
        let prefix = self.line_prefix(self.node(end).span.start);
        let dash = prefix.trim_start_matches(' ').strip_prefix('-')?;
        if dash.is_empty() || !dash.trim_matches(' ').is_empty() {
            return None;
        }
        Some((prefix, self.line_after(self.value_end(end)?)))
    }

    /// Returns the edit that adds the first entries to a document without content.
    pub fn begin_document(&self, new_entries: &[(&str, NewValue<'_>)]) -> Edit {
        self.lines_at(
            self.end_of_yaml(0),
            &self.yaml_entries("", "  ", new_entries),
        )
    }
}
