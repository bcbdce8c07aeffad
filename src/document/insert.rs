//! New entries at the end of a mapping or a list, in the manner of what stands there already: its indentation, its line
//! breaks, its commas. Only places and layout are decided here, the quoting is each syntax's own; every byte that was there
//! stays. The caller parses the result and compares: a layout that is not foreseen here shows there.

use super::{Document, Edit, NodeId, NodeKind, Style, Syntax, json, toml, yaml};
use crate::text::source::Span;
use std::collections::{BTreeMap, BTreeSet};
use zeroize::Zeroizing;

/// What a new entry holds.
#[derive(Clone, Copy)]
pub enum NewValue<'f> {
    /// A string.
    Text(&'f str),
    /// A list of names.
    Names(&'f [&'f str]),
    /// A mapping of strings.
    Map(&'f [(&'f str, &'f str)]),
}

impl NewValue<'_> {
    /// Bytes that it takes at most, every character escaped: a buffer that grows leaves its old content behind.
    fn max_len(&self) -> usize {
        match self {
            Self::Text(text) => 8 * text.len() + 8,
            Self::Names(names) => names.iter().map(|name| 8 * name.len() + 8).sum(),
            Self::Map(entries) => entries.iter().map(|(key, text)| 8 * (key.len() + text.len()) + 256).sum(),
        }
    }
}

impl Document {
    // Scripts are never inventories, so what they have here is what stands beside them.

    /// Returns the edits that add entries at the end of a mapping, in their order, or `None` if its layout is not supported.
    pub fn insert(&self, mapping: NodeId, new_entries: &[(&str, NewValue<'_>)]) -> Option<Vec<Edit>> {
        let NodeKind::Mapping { entries, flow } = self.node(mapping).kind else { return None };
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
            Syntax::Json | Syntax::Script => None,
        }
    }

    /// Returns the edits that add names at the end of a list, in their order, or `None` if its layout is not supported.
    pub fn push(&self, list: NodeId, names: &[&str]) -> Option<Vec<Edit>> {
        let NodeKind::Sequence(items) = self.node(list).kind else { return None };
        let items = self.items_in(items);
        if names.is_empty() {
            return Some(Vec::new());
        }
        let span = self.node(list).span;
        if self.source().slice(span).starts_with('[') {
            let spans: Vec<Span> = items.iter().map(|&item| self.node(item).span).collect();
            return self.insert_between(span, &spans, ", ", names.len(), &|at, _| {
                names.get(at).map(|name| self.item(name, true)).unwrap_or_default()
            });
        }
        let (prefix, at) = self.block_item_prefix(items)?;
        let lines: Vec<_> = names.iter().map(|name| join_parts(&[prefix, &*self.item(name, false)], "")).collect();
        Some(vec![self.lines_at(at, &lines)])
    }

    /// The changes that add an item of several lines, written as YAML from its own margin, at the end of a block list.
    pub fn push_lines(&self, list: NodeId, lines: &[&str]) -> Option<Vec<Edit>> {
        let NodeKind::Sequence(items) = self.node(list).kind else { return None };
        let items = self.items_in(items);
        let (prefix, at) = self.block_item_prefix(items)?;
        let margin = format!("{}{}", self.line_break(), prefix.replace('-', " "));
        Some(vec![self.lines_at(at, &[format!("{prefix}{}", lines.join(&margin))])])
    }

    /// What a new line of a block list of YAML begins with, and where that is.
    fn block_item_prefix(&self, items: &[NodeId]) -> Option<(&str, usize)> {
        let &end = items.last()?;
        let prefix = self.line_prefix(self.node(end).span.start);
        let dash = prefix.trim_start_matches(' ').strip_prefix('-')?;
        if dash.is_empty() || !dash.trim_matches(' ').is_empty() {
            return None;
        }
        Some((prefix, self.line_after(self.value_end(end)?)))
    }

    /// Returns the edit that begins a document without content.
    pub fn begin_document(&self, new_entries: &[(&str, NewValue<'_>)]) -> Edit {
        self.lines_at(self.end_of_yaml(0), &self.yaml_entries("", "  ", new_entries))
    }

    fn insert_lines_of_yaml(
        &self,
        entries: &[(NodeId, NodeId)],
        new_entries: &[(&str, NewValue<'_>)],
        is_root: bool,
    ) -> Option<Vec<Edit>> {
        let (&(first, _), &(last, value)) = (entries.first()?, entries.last()?);
        let indent = self.indent(self.node(first).span.start);
        let children = entries.iter().find_map(|&(_, value)| match self.node(value).kind {
            NodeKind::Mapping { entries, flow: false } => self.entries_in(entries).first(),
            _ => None,
        });
        let child = children.and_then(|&(key, _)| self.indent(self.node(key).span.start).strip_prefix(indent));
        let unit = child.filter(|unit| !unit.is_empty()).unwrap_or("  ");
        let end = self.value_end(value)?;
        let at = if self.is_block_truncated(end) {
            self.comment_block_start(self.line_start(self.node(last).span.start))
        } else if is_root {
            self.end_of_yaml(end)
        } else {
            self.line_after(end)
        };
        Some(vec![self.lines_at(at, &self.yaml_entries(indent, unit, new_entries))])
    }

    fn yaml_entries(&self, indent: &str, unit: &str, new_entries: &[(&str, NewValue<'_>)]) -> Vec<Zeroizing<String>> {
        let nl = self.line_break();
        new_entries.iter().map(|(key, new_entries)| self.yaml_entry(indent, unit, nl, key, new_entries)).collect()
    }

    /// An entry with lines of its own, without the last line break.
    fn yaml_entry(
        &self,
        indent: &str,
        unit: &str,
        nl: &str,
        key: &str,
        new_entries: &NewValue<'_>,
    ) -> Zeroizing<String> {
        let mut out = Zeroizing::new(String::with_capacity(indent.len() + 8 * key.len() + 16 + new_entries.max_len()));
        out.push_str(indent);
        out.push_str(&yaml::key(key, false));
        match new_entries {
            NewValue::Map(entries) if !entries.is_empty() => {
                out.push(':');
                for (key, text) in *entries {
                    for part in [nl, indent, unit, &yaml::key(key, false), ": ", &yaml::quote_text(text)] {
                        out.push_str(part);
                    }
                }
            }
            _ => {
                out.push_str(": ");
                out.push_str(&self.inline_value(new_entries));
            }
        }
        out
    }

    fn insert_lines_of_toml(
        &self,
        table: NodeId,
        entries: &[(NodeId, NodeId)],
        new_entries: &[(&str, NewValue<'_>)],
    ) -> Option<Vec<Edit>> {
        // Below its header, or with the dotted name of its neighbour.
        let (prefix, end) = match entries.last() {
            Some(&(last, value)) => (self.line_prefix(self.node(last).span.start), self.value_end(value)?),
            None => (self.indent(self.node(table).span.start), self.node(table).span.end),
        };
        let is_dotted = prefix.trim_end().ends_with('.') && !prefix.trim_start().starts_with('[');
        if !(is_dotted || prefix.trim().is_empty()) {
            return None;
        }
        let lines: Vec<_> =
            new_entries.iter().map(|(key, new_entries)| self.toml_line(prefix, key, new_entries)).collect();
        Some(vec![self.lines_at(self.line_after(end), &lines)])
    }

    fn insert_in_root_of_toml(
        &self,
        entries: &[(NodeId, NodeId)],
        new_entries: &[(&str, NewValue<'_>)],
    ) -> Option<Vec<Edit>> {
        let is_inline = |&(_, value): &(NodeId, NodeId)| match self.node(value).kind {
            NodeKind::Mapping { flow, .. } => Some(flow),
            _ => None,
        };
        let with_header = !entries.iter().rev().find_map(is_inline).unwrap_or(false);
        let (tables, lines): (Vec<_>, Vec<_>) = new_entries
            .iter()
            .copied()
            .partition(|(_, new_entries)| with_header && matches!(new_entries, NewValue::Map(_)));
        let text = self.source().text();
        let mut edits = Vec::new();
        let lines: Vec<_> = lines.into_iter().map(|(key, new_entries)| self.toml_line("", key, &new_entries)).collect();
        if !lines.is_empty() {
            // What is not a table with a header stands before the first of those.
            let has_header = |&&(key, _): &&(NodeId, NodeId)| {
                self.line_prefix(self.node(key).span.start).trim_start().starts_with('[')
            };
            let header = entries.iter().map(|&(key, _)| self.node(key).span.start).min();
            edits.push(if let Some(&(_, last)) = entries.iter().rfind(|entry| !has_header(entry)) {
                self.lines_at(self.line_after(self.value_end(last)?), &lines)
            } else if let Some(header) = header {
                let lines: Vec<_> = lines.into_iter().chain([Zeroizing::new(String::new())]).collect();
                self.lines_at(self.comment_block_start(self.line_start(header)), &lines)
            } else {
                self.lines_at(text.len(), &lines)
            });
        }
        if !tables.is_empty() {
            let nl = self.line_break();
            let apart = edits.is_empty() && (text.is_empty() || text.ends_with("\n\n") || text.ends_with("\r\n\r\n"));
            let table = |at: usize, key: &str, new_entries: &NewValue<'_>| {
                let mut out = Zeroizing::new(String::with_capacity(8 * key.len() + 64 + new_entries.max_len()));
                if at > 0 || !apart {
                    out.push_str(nl);
                }
                out.push('[');
                out.push_str(&toml::key(key));
                out.push(']');
                if let NewValue::Map(pairs) = new_entries {
                    for (key, text) in *pairs {
                        for part in [nl, &toml::key(key), " = ", &toml::quote_text(text)] {
                            out.push_str(part);
                        }
                    }
                }
                out
            };
            let tables: Vec<_> =
                tables.into_iter().enumerate().map(|(at, (key, new_entries))| table(at, key, &new_entries)).collect();
            edits.push(self.lines_at(text.len(), &tables));
        }
        Some(edits)
    }

    fn toml_line(&self, prefix: &str, key: &str, new_entries: &NewValue<'_>) -> Zeroizing<String> {
        join_parts(&[prefix, &*toml::key(key), " = ", &*self.inline_value(new_entries)], "")
    }

    fn insert_in_braces(
        &self,
        mapping: NodeId,
        entries: &[(NodeId, NodeId)],
        new_entries: &[(&str, NewValue<'_>)],
        is_root: bool,
    ) -> Option<Vec<Edit>> {
        let span = self.node(mapping).span;
        let spans: Option<Vec<Span>> = entries
            .iter()
            .map(|&(key, value)| Some(Span::new(self.node(key).span.start, self.value_end(value)?)))
            .collect();
        let spans = spans?;
        let between = entries
            .last()
            .map(|&(key, value)| self.source().slice(Span::new(self.node(key).span.end, self.node(value).span.start)));
        let own = match self.syntax() {
            Syntax::Yaml => ": ",
            Syntax::Toml => between.filter(|text| text.trim_matches(' ') == "=").unwrap_or(" = "),
            Syntax::Json | Syntax::Script => between.filter(|text| text.trim_matches(' ') == ":").unwrap_or(": "),
        };
        let comma = if own == ":" { "," } else { ", " };
        let nl = self.line_break();
        let layout = ObjectLayout { entries, is_root, nl, colon: own, comma };
        let entry = |at: usize, indent: &str| {
            let Some((key, new_entries)) = new_entries.get(at) else { return Zeroizing::default() };
            let value = match new_entries {
                NewValue::Map(pairs) if self.syntax() == Syntax::Json && !pairs.is_empty() => {
                    self.json_object(&layout, indent, pairs)
                }
                _ => self.inline_value(new_entries),
            };
            join_parts(&[&*self.name(key, true), own, &*value], "")
        };
        let is_empty = entries.is_empty() && self.source().slice(span).trim_matches(['{', '}']).trim().is_empty();
        if is_empty {
            let inner = Span::new(span.start + 1, span.end - 1);
            let alone = is_root && self.line_prefix(span.start).is_empty();
            let all = |indent: &str, between: &str| {
                let all: Vec<_> = (0..new_entries.len()).map(|at| entry(at, indent)).collect();
                join_parts(&all, between)
            };
            return Some(vec![match self.syntax() {
                // Nothing is there whose manner could be kept.
                Syntax::Yaml if alone => Edit::new(span, join_parts(&self.yaml_entries("", "  ", new_entries), nl)),
                Syntax::Json if is_root => {
                    let lines = all("  ", &format!(",{nl}  "));
                    Edit::new(inner, join_parts(&[nl, "  ", &*lines, nl], ""))
                }
                Syntax::Toml => Edit::new(inner, join_parts(&[" ", &*all("", comma), " "], "")),
                _ => Edit::new(inner, all("", comma)),
            }]);
        }
        self.insert_between(span, &spans, comma, new_entries.len(), &entry)
    }

    /// An object of JSON on one line or several, as its neighbours are.
    fn json_object(&self, layout: &ObjectLayout<'_>, indent: &str, pairs: &[(&str, &str)]) -> Zeroizing<String> {
        let &ObjectLayout { entries, is_root, nl, colon, comma } = layout;
        let neighbour = entries.iter().rev().find_map(|&(_, value)| match self.node(value).kind {
            NodeKind::Mapping { entries, .. } => Some((value, self.entries_in(entries).first()?.0)),
            _ => None,
        });
        let lines = match neighbour {
            Some((value, _)) => self.source().slice(self.node(value).span).contains('\n'),
            None => is_root && (entries.is_empty() || !indent.is_empty()),
        };
        let inner = neighbour.map(|(_, key)| self.indent(self.node(key).span.start));
        let unit = inner.and_then(|inner| inner.strip_prefix(indent)).filter(|unit| !unit.is_empty());
        let unit = unit.unwrap_or(if indent.is_empty() { "  " } else { indent });
        let room = NewValue::Map(pairs).max_len() + pairs.len() * (indent.len() + unit.len());
        let mut out = Zeroizing::new(String::with_capacity(room + indent.len() + 16));
        out.push('{');
        for (at, (key, text)) in pairs.iter().enumerate() {
            if at > 0 {
                out.push_str(if lines { "," } else { comma });
            }
            if lines {
                for part in [nl, indent, unit] {
                    out.push_str(part);
                }
            }
            out.push_str(&json::quote_text(key));
            out.push_str(colon);
            out.push_str(&json::quote_text(text));
        }
        if lines {
            out.push_str(nl);
            out.push_str(indent);
        }
        out.push('}');
        out
    }

    /// New items in a collection between brackets: on lines of their own where the last one is. `item` writes the one of a
    /// number, for an indentation.
    fn insert_between(
        &self,
        span: Span,
        items: &[Span],
        comma: &str,
        count: usize,
        item: &dyn Fn(usize, &str) -> Zeroizing<String>,
    ) -> Option<Vec<Edit>> {
        let all = |before: &str, indent: &str, after: &str| {
            let all: Vec<_> = (0..count).map(|at| join_parts(&[before, &*item(at, indent), after], "")).collect();
            join_parts(&all, "")
        };
        let insert = |at: usize, text: Zeroizing<String>| Edit::new(Span::new(at, at), text);
        let Some(last) = items.last() else {
            let inner = Span::new(span.start + 1, span.end.checked_sub(1)?);
            let place =
                if self.source().slice(inner).trim().is_empty() { inner } else { Span::new(inner.start, inner.start) };
            let all: Vec<_> = (0..count).map(|at| item(at, "")).collect();
            return Some(vec![Edit::new(place, join_parts(&all, comma))]);
        };
        let tail = self.tail(Span::new(last.end, span.end.checked_sub(1)?))?;
        let prefix = self.line_prefix(last.start);
        let nl = self.line_break();
        if !prefix.trim().is_empty() {
            return Some(vec![match tail.comma {
                Some(at) => insert(at + 1, all(" ", "", ",")),
                None => insert(last.end, all(comma, "", "")),
            }]);
        }
        Some(match (tail.comma, tail.next_line) {
            (Some(_), Some(line)) => vec![insert(line, all(prefix, prefix, &format!(",{nl}")))],
            (None, Some(line)) => {
                // The last one has no comma, as the last one had none before.
                let lines: Vec<_> = (0..count).map(|at| join_parts(&[prefix, &*item(at, prefix)], "")).collect();
                let lines = join_parts(&[&*join_parts(&lines, &format!(",{nl}")), nl], "");
                vec![insert(last.end, Zeroizing::new(",".to_owned())), insert(line, lines)]
            }
            (Some(at), None) => vec![insert(at + 1, all(&format!("{nl}{prefix}"), prefix, ","))],
            (None, None) => vec![insert(last.end, all(&format!(",{nl}{prefix}"), prefix, ""))],
        })
    }

    /// What stands between the last item and the closing bracket: blanks, comments, perhaps a comma.
    fn tail(&self, span: Span) -> Option<CollectionTail> {
        let mut tail = CollectionTail { comma: None, next_line: None };
        let mut at = span.start;
        while let Some(c) = self.source().slice(Span::new(at, span.end)).chars().next() {
            match c {
                ',' => (tail.comma, tail.next_line) = (Some(at), None),
                '\n' => tail.next_line = tail.next_line.or(Some(at + 1)),
                '\r' if !self.source().slice(Span::new(at, span.end)).starts_with("\r\n") => {
                    tail.next_line = tail.next_line.or(Some(at + 1));
                }
                ' ' | '\t' | '\r' => {}
                '#' => {
                    let rest = self.source().slice(Span::new(at, span.end));
                    at += rest.find(['\r', '\n'])?;
                    continue;
                }
                _ => return None,
            }
            at += c.len_utf8();
        }
        Some(tail)
    }

    /// A value on one line.
    fn inline_value(&self, new_entries: &NewValue<'_>) -> Zeroizing<String> {
        let mut out = Zeroizing::new(String::with_capacity(new_entries.max_len() + 8));
        let toml = self.syntax() == Syntax::Toml;
        match new_entries {
            NewValue::Text(text) => out.push_str(&self.quote_text(text)),
            NewValue::Names(names) => {
                out.push('[');
                for (at, name) in names.iter().enumerate() {
                    out.push_str(if at > 0 { ", " } else { "" });
                    out.push_str(&self.item(name, true));
                }
                out.push(']');
            }
            NewValue::Map([]) => out.push_str("{}"),
            NewValue::Map(pairs) => {
                out.push_str(if toml { "{ " } else { "{" });
                for (at, (key, text)) in pairs.iter().enumerate() {
                    let (comma, colon) = (if at > 0 { ", " } else { "" }, if toml { " = " } else { ": " });
                    for part in [comma, &self.name(key, true), colon, &self.quote_text(text)] {
                        out.push_str(part);
                    }
                }
                out.push_str(if toml { " }" } else { "}" });
            }
        }
        out
    }

    fn quote_text(&self, text: &str) -> Zeroizing<String> {
        match self.syntax() {
            Syntax::Yaml => yaml::quote_text(text),
            Syntax::Toml => toml::quote_text(text),
            Syntax::Json | Syntax::Script => json::quote_text(text),
        }
    }

    /// A name in a list.
    fn item(&self, name: &str, flow: bool) -> Zeroizing<String> {
        if self.syntax() == Syntax::Toml { toml::quote_text(name) } else { self.name(name, flow) }
    }

    /// A name as a key.
    fn name(&self, name: &str, flow: bool) -> Zeroizing<String> {
        match self.syntax() {
            Syntax::Yaml => yaml::key(name, flow),
            Syntax::Toml => toml::key(name),
            Syntax::Json | Syntax::Script => json::quote_text(name),
        }
    }

    /// Where a value ends: that of its last part, since the end of a block collection is where the next thing begins.
    fn value_end(&self, mut id: NodeId) -> Option<usize> {
        loop {
            let node = self.node(id);
            let last = match node.kind {
                NodeKind::Mapping { entries, flow: false } => self.entries_in(entries).last().map(|&(_, value)| value),
                NodeKind::Sequence(items) if !self.source().slice(node.span).starts_with('[') => {
                    self.items_in(items).last().copied()
                }
                _ => None,
            };
            match last {
                Some(last) => id = last,
                None => return Some(self.end_of_content(id)).filter(|_| !node.span.is_empty()),
            }
        }
    }

    /// Where a node ends, without the blank lines that may stand below a block scalar.
    fn end_of_content(&self, id: NodeId) -> usize {
        let span = self.node(id).span;
        match &self.node(id).kind {
            NodeKind::Scalar(scalar) if matches!(scalar.style, Style::LiteralBlock | Style::FoldedBlock) => {
                span.start + yaml::content_len(self.source().slice(span), self.text(id).unwrap_or_default())
            }
            _ => span.end,
        }
    }

    /// Whether the file ends inside the block scalar that ends here, so that a line below it would change its value.
    fn is_block_truncated(&self, end: usize) -> bool {
        let text = self.source().text();
        let last = self.last_node().filter(|node| node.span.end == end);
        let Some(NodeKind::Scalar(scalar)) = last.map(|node| node.kind) else { return false };
        end == text.len()
            && matches!(scalar.style, Style::LiteralBlock | Style::FoldedBlock)
            && !text.ends_with(['\n', '\r'])
    }

    /// The end of the first document, as far as its content and comments go.
    fn end_of_yaml(&self, content: usize) -> usize {
        let text = self.source().text();
        let mut at = if content == 0 { 0 } else { self.line_after(content) };
        while let Some(line) = text.get(at..).and_then(|rest| rest.split_inclusive('\n').next()) {
            let mark = line.trim_end();
            if mark == "..." || mark.starts_with("... ") {
                return at;
            }
            at += line.len();
        }
        text.len()
    }

    /// The lines of comments directly above a line go with it.
    fn comment_block_start(&self, mut line: usize) -> usize {
        while let Some(above) = line.checked_sub(1).map(|at| self.line_start(at)) {
            let comment = self.source().slice(Span::new(above, line)).trim_start_matches(['\u{feff}', ' ', '\t']);
            if !comment.starts_with('#') {
                break;
            }
            line = above;
        }
        line
    }

    /// Returns the edit that puts lines at the start of a line or at the end of the text.
    fn lines_at(&self, at: usize, lines: &[impl AsRef<str>]) -> Edit {
        let text = self.source().text();
        let nl = self.line_break();
        let bom = if at == 0 && text.starts_with('\u{feff}') { '\u{feff}'.len_utf8() } else { 0 };
        let before = text.get(..at).unwrap_or_default().trim_start_matches('\u{feff}');
        let opening = if before.is_empty() || before.ends_with(['\n', '\r']) { "" } else { nl };
        let lines = join_parts(lines, nl);
        Edit::new(Span::new(at + bom, at + bom), join_parts(&[opening, &*lines, nl], ""))
    }

    /// Behind the line break that ends the line of a place; a block scalar ends behind its own.
    fn line_after(&self, at: usize) -> usize {
        let text = self.source().text();
        if text.get(..at).is_some_and(|before| before.ends_with(['\n', '\r'])) {
            return at;
        }
        let line = self.source().line_span(at);
        let rest = text.get(line.end..).unwrap_or_default();
        line.end + if rest.starts_with("\r\n") { 2 } else { usize::from(!rest.is_empty()) }
    }

    fn line_start(&self, at: usize) -> usize {
        self.source().line_span(at).start
    }

    /// What stands on the line of a place before it.
    fn line_prefix(&self, at: usize) -> &str {
        self.source().slice(Span::new(self.line_start(at), at)).trim_start_matches('\u{feff}')
    }

    /// The blanks that the line of a place begins with.
    fn indent(&self, at: usize) -> &str {
        let line = self.line_prefix(at);
        line.get(..line.len() - line.trim_start_matches([' ', '\t']).len()).unwrap_or_default()
    }

    /// The line break that the file has.
    fn line_break(&self) -> &'static str {
        match memchr::memchr2(b'\n', b'\r', self.source().text().as_bytes()) {
            Some(at) if self.source().slice(Span::new(at, at + 2)) == "\r\n" => "\r\n",
            Some(at) if self.source().slice(Span::new(at, at + 1)) == "\r" => "\r",
            _ => "\n",
        }
    }
}

/// A whole file of names, each with a list of names: one line a name, so that a change is a line.
pub fn format_name_map(syntax: Syntax, entries: &BTreeMap<String, BTreeSet<String>>) -> String {
    let lines = entries.iter().map(|(name, items)| {
        let item = |item: &String| match syntax {
            Syntax::Yaml => yaml::key(item, true).to_string(),
            Syntax::Toml => toml::quote_text(item).to_string(),
            Syntax::Json | Syntax::Script => json::quote_text(item).to_string(),
        };
        let items = items.iter().map(item).collect::<Vec<_>>().join(", ");
        match syntax {
            Syntax::Yaml => format!("{}: [{items}]\n", *yaml::key(name, false)),
            Syntax::Toml => format!("{} = [{items}]\n", *toml::key(name)),
            Syntax::Json | Syntax::Script => format!("  {}: [{items}]", *json::quote_text(name)),
        }
    });
    match syntax {
        Syntax::Json | Syntax::Yaml if entries.is_empty() => "{}\n".to_owned(),
        Syntax::Json => format!("{{\n{}\n}}\n", lines.collect::<Vec<_>>().join(",\n")),
        _ => lines.collect(),
    }
}

/// How the entries of an object of JSON are written.
struct ObjectLayout<'l> {
    /// The neighbours.
    entries: &'l [(NodeId, NodeId)],
    is_root: bool,
    nl: &'l str,
    colon: &'l str,
    comma: &'l str,
}

/// Joins texts that may hold values, in as much room as they take: a buffer that grows leaves its old content behind.
fn join_parts(parts: &[impl AsRef<str>], between: &str) -> Zeroizing<String> {
    let room =
        parts.iter().map(|part| part.as_ref().len()).sum::<usize>() + between.len() * parts.len().saturating_sub(1);
    let mut out = Zeroizing::new(String::with_capacity(room));
    for (at, part) in parts.iter().enumerate() {
        if at > 0 {
            out.push_str(between);
        }
        out.push_str(part.as_ref());
    }
    out
}

/// What stands behind the last item of a collection.
struct CollectionTail {
    comma: Option<usize>,
    /// Where the next line begins.
    next_line: Option<usize>,
}

#[cfg(test)]
#[expect(clippy::expect_used, reason = "tests")]
mod tests {
    use super::*;
    use crate::text::source::SourceFile;
    use std::sync::Arc;

    #[test]
    fn a_buffer_that_holds_values_has_room_for_all_of_them() {
        for (text, syntax) in [("{}", Syntax::Yaml), ("", Syntax::Toml), ("{}", Syntax::Json)] {
            let document = Document::parse(Arc::new(SourceFile::new("a", text)), syntax).expect("it parses");
            for value in [String::new(), "\u{1}".repeat(1000), "\u{10ffff}".repeat(1000)] {
                let (names, pairs) = ([value.as_str(); 3], [(value.as_str(), value.as_str()); 3]);
                for new_entries in [NewValue::Text(&value), NewValue::Names(&names), NewValue::Map(&pairs)] {
                    let out = document.inline_value(&new_entries);
                    assert_eq!(out.capacity(), new_entries.max_len() + 8, "it has grown, and left a value behind");
                }
            }
        }
    }
}
