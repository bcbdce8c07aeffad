//! Adds entries to block mappings of YAML, on lines of their own.

use super::NewValue;
use crate::document::{Document, Edit, NodeId, NodeKind, yaml};

impl Document {
    pub(super) fn insert_lines_of_yaml(
        &self,
        entries: &[(NodeId, NodeId)],
        new_entries: &[(&str, NewValue<'_>)],
        is_root: bool,
    ) -> Option<Vec<Edit>> {
        let (&(first, _), &(last, value)) = (entries.first()?, entries.last()?);
        let indent = self.indent(self.node(first).span.start);
        let children = entries
            .iter()
            .find_map(|&(_, value)| match self.node(value).kind {
                NodeKind::Mapping {
                    entries,
                    flow: false,
                } => self.entries_in(entries).first(),
                _ => None,
            });
        let child = children
            .and_then(|&(key, _)| self.indent(self.node(key).span.start).strip_prefix(indent));
        let unit = child.filter(|unit| !unit.is_empty()).unwrap_or("  ");
        let end = self.value_end(value)?;
        let at = if self.is_block_truncated(end) {
            self.comment_block_start(self.line_start(self.node(last).span.start))
        } else if is_root {
            self.end_of_yaml(end)
        } else {
            self.line_after(end)
        };
        Some(vec![
            self.lines_at(at, &self.yaml_entries(indent, unit, new_entries)),
        ])
    }

    pub(super) fn yaml_entries(
        &self,
        indent: &str,
        unit: &str,
        new_entries: &[(&str, NewValue<'_>)],
    ) -> Vec<String> {
        new_entries
            .iter()
            .map(|(key, value)| self.yaml_entry(indent, unit, key, value))
            .collect()
    }

    /// Returns an entry with its lines, without the last line break.
    fn yaml_entry(&self, indent: &str, unit: &str, key: &str, value: &NewValue<'_>) -> String {
        let mut out = indent.to_owned();
        out.push_str(&yaml::key(key, false));
        match value {
            NewValue::Map(entries) if !entries.is_empty() => {
                let nl = self.line_break();
                out.push(':');
                for (key, text) in *entries {
                    for part in [
                        nl,
                        indent,
                        unit,
                        &yaml::key(key, false),
                        ": ",
                        &yaml::quote_text(text),
                    ] {
                        out.push_str(part);
                    }
                }
            }
            _ => {
                out.push_str(": ");
                out.push_str(&self.inline_value(value));
            }
        }
        out
    }
}
