//! Adds entries to tables of TOML, on lines of their own.

use super::NewValue;
use crate::document::{Document, Edit, NodeId, NodeKind, toml};

impl Document {
    pub(super) fn insert_lines_of_toml(
        &self,
        table: NodeId,
        entries: &[(NodeId, NodeId)],
        new_entries: &[(&str, NewValue<'_>)],
    ) -> Option<Vec<Edit>> {
        // New entries follow the last entry, with its dotted prefix if it has one. In an empty
        // table they follow the header.
        let (prefix, end) = match entries.last() {
            Some(&(last, value)) => (
                self.line_prefix(self.node(last).span.start),
                self.value_end(value)?,
            ),
            None => (
                self.indent(self.node(table).span.start),
                self.node(table).span.end,
            ),
        };
        let is_dotted = prefix.trim_end().ends_with('.') && !prefix.trim_start().starts_with('[');
        if !(is_dotted || prefix.trim().is_empty()) {
            return None;
        }
        let lines: Vec<_> = new_entries
            .iter()
            .map(|(key, value)| self.toml_line(prefix, key, value))
            .collect();
        Some(vec![self.lines_at(self.line_after(end), &lines)])
    }

    pub(super) fn insert_in_root_of_toml(
        &self,
        entries: &[(NodeId, NodeId)],
        new_entries: &[(&str, NewValue<'_>)],
    ) -> Option<Vec<Edit>> {
        // New mappings are written as the last existing one is: as a table with a header, or
        // inline.
        let is_last_inline =
            entries
                .iter()
                .rev()
                .find_map(|&(_, value)| match self.node(value).kind {
                    NodeKind::Mapping { flow, .. } => Some(flow),
                    _ => None,
                });
        let with_headers = !is_last_inline.unwrap_or(false);
        let (tables, lines): (Vec<_>, Vec<_>) = new_entries
            .iter()
            .copied()
            .partition(|(_, value)| with_headers && matches!(value, NewValue::Map(_)));
        let mut edits = Vec::new();
        if !lines.is_empty() {
            let lines: Vec<_> = lines
                .into_iter()
                .map(|(key, value)| self.toml_line("", key, &value))
                .collect();
            edits.push(self.insert_before_tables(entries, lines)?);
        }
        if !tables.is_empty() {
            edits.push(self.append_tables(&tables, edits.is_empty()));
        }
        Some(edits)
    }

    /// Returns the edit that inserts lines before the first table with a header.
    fn insert_before_tables(
        &self,
        entries: &[(NodeId, NodeId)],
        lines: Vec<String>,
    ) -> Option<Edit> {
        let first_header = entries
            .iter()
            .map(|&(key, _)| self.node(key).span.start)
            .min();
        let last_line = entries.iter().rfind(|&&(key, _)| {
            !self
                .line_prefix(self.node(key).span.start)
                .trim_start()
                .starts_with('[')
        });
        Some(if let Some(&(_, last)) = last_line {
            self.lines_at(self.line_after(self.value_end(last)?), &lines)
        } else if let Some(header) = first_header {
            let lines: Vec<_> = lines.into_iter().chain([String::new()]).collect();
            self.lines_at(self.comment_block_start(self.line_start(header)), &lines)
        } else {
            self.lines_at(self.source().text().len(), &lines)
        })
    }

    /// Returns the edit that appends tables at the end of the text, after an empty line each.
    /// `is_only_edit` is false if another edit may be at the end of the text, too.
    fn append_tables(&self, tables: &[(&str, NewValue<'_>)], is_only_edit: bool) -> Edit {
        let text = self.source().text();
        let has_empty_line = is_only_edit
            && (text.is_empty() || text.ends_with("\n\n") || text.ends_with("\r\n\r\n"));
        let tables: Vec<_> = tables
            .iter()
            .enumerate()
            .map(|(at, (key, value))| self.toml_table(key, value, at > 0 || !has_empty_line))
            .collect();
        self.lines_at(text.len(), &tables)
    }

    /// Returns a table with its header, without the last line break.
    fn toml_table(&self, key: &str, value: &NewValue<'_>, with_empty_line: bool) -> String {
        let nl = self.line_break();
        let mut out = String::new();
        if with_empty_line {
            out.push_str(nl);
        }
        out.push('[');
        out.push_str(&toml::key(key));
        out.push(']');
        if let NewValue::Map(pairs) = value {
            for (key, text) in *pairs {
                for part in [nl, &toml::key(key), " = ", &toml::quote_text(text)] {
                    out.push_str(part);
                }
            }
        }
        out
    }

    fn toml_line(&self, prefix: &str, key: &str, value: &NewValue<'_>) -> String {
        [prefix, &toml::key(key), " = ", &self.inline_value(value)].concat()
    }
}
