//! New entries at the end of a mapping or a list, in the manner of what stands there already: its indentation, its line
//! breaks, its commas. Only places and layout are decided here, the quoting is each syntax's own; every byte that was there
//! stays. The caller parses the result and compares: a layout that is not foreseen here shows there.

use super::{Document, Edit, Kind, NodeId, Style, Syntax, json, toml, yaml};
use crate::source::Span;
use std::collections::{BTreeMap, BTreeSet};
use zeroize::Zeroizing;

/// What a new entry holds.
#[derive(Clone, Copy)]
pub enum Fresh<'f> {
    /// A string.
    Text(&'f str),
    /// A list of names.
    Names(&'f [&'f str]),
    /// A mapping of strings.
    Map(&'f [(&'f str, &'f str)]),
}

impl Fresh<'_> {
    /// Bytes that it takes at most, every character escaped: a buffer that grows leaves its old content behind.
    fn room(&self) -> usize {
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
    pub fn insert(&self, mapping: NodeId, fresh: &[(&str, Fresh<'_>)]) -> Option<Vec<Edit>> {
        let Kind::Mapping { entries, flow } = &self.node(mapping).kind else { return None };
        if fresh.is_empty() {
            return Some(Vec::new());
        }
        let is_root = self.roots().contains(&mapping);
        if *flow {
            return self.insert_in_braces(mapping, entries, fresh, is_root);
        }
        match self.syntax() {
            Syntax::Yaml => self.insert_lines_of_yaml(entries, fresh, is_root),
            Syntax::Toml if is_root => self.insert_in_root_of_toml(entries, fresh),
            Syntax::Toml => self.insert_lines_of_toml(mapping, entries, fresh),
            Syntax::Json | Syntax::Script => None,
        }
    }

    /// Returns the edits that add names at the end of a list, in their order, or `None` if its layout is not supported.
    pub fn push(&self, list: NodeId, names: &[&str]) -> Option<Vec<Edit>> {
        let Kind::Sequence(items) = &self.node(list).kind else { return None };
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
        let (prefix, at) = self.below(items)?;
        let lines: Vec<_> = names.iter().map(|name| joined(&[prefix, &*self.item(name, false)], "")).collect();
        Some(vec![self.lines_at(at, &lines)])
    }

    /// The changes that add an item of several lines, written as YAML from its own margin, at the end of a block list.
    pub fn push_lines(&self, list: NodeId, lines: &[&str]) -> Option<Vec<Edit>> {
        let Kind::Sequence(items) = &self.node(list).kind else { return None };
        let (prefix, at) = self.below(items)?;
        let margin = format!("{}{}", self.line_break(), prefix.replace('-', " "));
        Some(vec![self.lines_at(at, &[format!("{prefix}{}", lines.join(&margin))])])
    }

    /// What a new line of a block list of YAML begins with, and where that is.
    fn below(&self, items: &[NodeId]) -> Option<(&str, usize)> {
        let &end = items.last()?;
        let prefix = self.before_on_line(self.node(end).span.start);
        let dash = prefix.trim_start_matches(' ').strip_prefix('-')?;
        if dash.is_empty() || !dash.trim_matches(' ').is_empty() {
            return None;
        }
        Some((prefix, self.line_after(self.end_of(end)?)))
    }

    /// Returns the edit that begins a document without content.
    pub fn begin(&self, fresh: &[(&str, Fresh<'_>)]) -> Edit {
        self.lines_at(self.end_of_yaml(0), &self.yaml_entries("", "  ", fresh))
    }

    fn insert_lines_of_yaml(
        &self,
        entries: &[(NodeId, NodeId)],
        fresh: &[(&str, Fresh<'_>)],
        is_root: bool,
    ) -> Option<Vec<Edit>> {
        let (&(first, _), &(last, value)) = (entries.first()?, entries.last()?);
        let indent = self.indent(self.node(first).span.start);
        let children = entries.iter().find_map(|&(_, value)| match &self.node(value).kind {
            Kind::Mapping { entries, flow: false } => entries.first(),
            _ => None,
        });
        let child = children.and_then(|&(key, _)| self.indent(self.node(key).span.start).strip_prefix(indent));
        let unit = child.filter(|unit| !unit.is_empty()).unwrap_or("  ");
        let end = self.end_of(value)?;
        let at = if self.is_cut_off(end) {
            self.above_comments(self.line_start(self.node(last).span.start))
        } else if is_root {
            self.end_of_yaml(end)
        } else {
            self.line_after(end)
        };
        Some(vec![self.lines_at(at, &self.yaml_entries(indent, unit, fresh))])
    }

    fn yaml_entries(&self, indent: &str, unit: &str, fresh: &[(&str, Fresh<'_>)]) -> Vec<Zeroizing<String>> {
        let nl = self.line_break();
        fresh.iter().map(|(key, fresh)| self.yaml_entry(indent, unit, nl, key, fresh)).collect()
    }

    /// An entry with lines of its own, without the last line break.
    fn yaml_entry(&self, indent: &str, unit: &str, nl: &str, key: &str, fresh: &Fresh<'_>) -> Zeroizing<String> {
        let mut out = Zeroizing::new(String::with_capacity(indent.len() + 8 * key.len() + 16 + fresh.room()));
        out.push_str(indent);
        out.push_str(&yaml::key(key, false));
        match fresh {
            Fresh::Map(entries) if !entries.is_empty() => {
                out.push(':');
                for (key, text) in *entries {
                    for part in [nl, indent, unit, &yaml::key(key, false), ": ", &yaml::quoted(text)] {
                        out.push_str(part);
                    }
                }
            }
            _ => {
                out.push_str(": ");
                out.push_str(&self.inline(fresh));
            }
        }
        out
    }

    fn insert_lines_of_toml(
        &self,
        table: NodeId,
        entries: &[(NodeId, NodeId)],
        fresh: &[(&str, Fresh<'_>)],
    ) -> Option<Vec<Edit>> {
        // Below its header, or with the dotted name of its neighbour.
        let (prefix, end) = match entries.last() {
            Some(&(last, value)) => (self.before_on_line(self.node(last).span.start), self.end_of(value)?),
            None => (self.indent(self.node(table).span.start), self.node(table).span.end),
        };
        let is_dotted = prefix.trim_end().ends_with('.') && !prefix.trim_start().starts_with('[');
        if !(is_dotted || prefix.trim().is_empty()) {
            return None;
        }
        let lines: Vec<_> = fresh.iter().map(|(key, fresh)| self.toml_line(prefix, key, fresh)).collect();
        Some(vec![self.lines_at(self.line_after(end), &lines)])
    }

    fn insert_in_root_of_toml(&self, entries: &[(NodeId, NodeId)], fresh: &[(&str, Fresh<'_>)]) -> Option<Vec<Edit>> {
        let is_inline = |&(_, value): &(NodeId, NodeId)| match self.node(value).kind {
            Kind::Mapping { flow, .. } => Some(flow),
            _ => None,
        };
        let with_header = !entries.iter().rev().find_map(is_inline).unwrap_or(false);
        let (tables, lines): (Vec<_>, Vec<_>) =
            fresh.iter().copied().partition(|(_, fresh)| with_header && matches!(fresh, Fresh::Map(_)));
        let text = self.source().text();
        let mut edits = Vec::new();
        let lines: Vec<_> = lines.into_iter().map(|(key, fresh)| self.toml_line("", key, &fresh)).collect();
        if !lines.is_empty() {
            // What is not a table with a header stands before the first of those.
            let has_header = |&&(key, _): &&(NodeId, NodeId)| {
                self.before_on_line(self.node(key).span.start).trim_start().starts_with('[')
            };
            let header = entries.iter().map(|&(key, _)| self.node(key).span.start).min();
            edits.push(if let Some(&(_, last)) = entries.iter().rfind(|entry| !has_header(entry)) {
                self.lines_at(self.line_after(self.end_of(last)?), &lines)
            } else if let Some(header) = header {
                let lines: Vec<_> = lines.into_iter().chain([Zeroizing::new(String::new())]).collect();
                self.lines_at(self.above_comments(self.line_start(header)), &lines)
            } else {
                self.lines_at(text.len(), &lines)
            });
        }
        if !tables.is_empty() {
            let nl = self.line_break();
            let apart = edits.is_empty() && (text.is_empty() || text.ends_with("\n\n") || text.ends_with("\r\n\r\n"));
            let table = |at: usize, key: &str, fresh: &Fresh<'_>| {
                let mut out = Zeroizing::new(String::with_capacity(8 * key.len() + 64 + fresh.room()));
                if at > 0 || !apart {
                    out.push_str(nl);
                }
                out.push('[');
                out.push_str(&toml::key(key));
                out.push(']');
                if let Fresh::Map(pairs) = fresh {
                    for (key, text) in *pairs {
                        for part in [nl, &toml::key(key), " = ", &toml::quoted(text)] {
                            out.push_str(part);
                        }
                    }
                }
                out
            };
            let tables: Vec<_> =
                tables.into_iter().enumerate().map(|(at, (key, fresh))| table(at, key, &fresh)).collect();
            edits.push(self.lines_at(text.len(), &tables));
        }
        Some(edits)
    }

    fn toml_line(&self, prefix: &str, key: &str, fresh: &Fresh<'_>) -> Zeroizing<String> {
        joined(&[prefix, &*toml::key(key), " = ", &*self.inline(fresh)], "")
    }

    fn insert_in_braces(
        &self,
        mapping: NodeId,
        entries: &[(NodeId, NodeId)],
        fresh: &[(&str, Fresh<'_>)],
        is_root: bool,
    ) -> Option<Vec<Edit>> {
        let span = self.node(mapping).span;
        let spans: Option<Vec<Span>> = entries
            .iter()
            .map(|&(key, value)| Some(Span::new(self.node(key).span.start, self.end_of(value)?)))
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
            let Some((key, fresh)) = fresh.get(at) else { return Zeroizing::default() };
            let value = match fresh {
                Fresh::Map(pairs) if self.syntax() == Syntax::Json && !pairs.is_empty() => {
                    self.json_object(&layout, indent, pairs)
                }
                _ => self.inline(fresh),
            };
            joined(&[&*self.name(key, true), own, &*value], "")
        };
        let is_empty = entries.is_empty() && self.source().slice(span).trim_matches(['{', '}']).trim().is_empty();
        if is_empty {
            let inner = Span::new(span.start + 1, span.end - 1);
            let alone = is_root && self.before_on_line(span.start).is_empty();
            let all = |indent: &str, between: &str| {
                let all: Vec<_> = (0..fresh.len()).map(|at| entry(at, indent)).collect();
                joined(&all, between)
            };
            return Some(vec![match self.syntax() {
                // Nothing is there whose manner could be kept.
                Syntax::Yaml if alone => Edit::new(span, joined(&self.yaml_entries("", "  ", fresh), nl)),
                Syntax::Json if is_root => {
                    let lines = all("  ", &format!(",{nl}  "));
                    Edit::new(inner, joined(&[nl, "  ", &*lines, nl], ""))
                }
                Syntax::Toml => Edit::new(inner, joined(&[" ", &*all("", comma), " "], "")),
                _ => Edit::new(inner, all("", comma)),
            }]);
        }
        self.insert_between(span, &spans, comma, fresh.len(), &entry)
    }

    /// An object of JSON on one line or several, as its neighbours are.
    fn json_object(&self, layout: &ObjectLayout<'_>, indent: &str, pairs: &[(&str, &str)]) -> Zeroizing<String> {
        let &ObjectLayout { entries, is_root, nl, colon, comma } = layout;
        let neighbour = entries.iter().rev().find_map(|&(_, value)| match &self.node(value).kind {
            Kind::Mapping { entries, .. } => Some((value, entries.first()?.0)),
            _ => None,
        });
        let lines = match neighbour {
            Some((value, _)) => self.source().slice(self.node(value).span).contains('\n'),
            None => is_root && (entries.is_empty() || !indent.is_empty()),
        };
        let inner = neighbour.map(|(_, key)| self.indent(self.node(key).span.start));
        let unit = inner.and_then(|inner| inner.strip_prefix(indent)).filter(|unit| !unit.is_empty());
        let unit = unit.unwrap_or(if indent.is_empty() { "  " } else { indent });
        let room = Fresh::Map(pairs).room() + pairs.len() * (indent.len() + unit.len());
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
            out.push_str(&json::quoted(key));
            out.push_str(colon);
            out.push_str(&json::quoted(text));
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
            let all: Vec<_> = (0..count).map(|at| joined(&[before, &*item(at, indent), after], "")).collect();
            joined(&all, "")
        };
        let insert = |at: usize, text: Zeroizing<String>| Edit::new(Span::new(at, at), text);
        let Some(last) = items.last() else {
            let inner = Span::new(span.start + 1, span.end.checked_sub(1)?);
            let place =
                if self.source().slice(inner).trim().is_empty() { inner } else { Span::new(inner.start, inner.start) };
            let all: Vec<_> = (0..count).map(|at| item(at, "")).collect();
            return Some(vec![Edit::new(place, joined(&all, comma))]);
        };
        let tail = self.tail(Span::new(last.end, span.end.checked_sub(1)?))?;
        let prefix = self.before_on_line(last.start);
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
                let lines: Vec<_> = (0..count).map(|at| joined(&[prefix, &*item(at, prefix)], "")).collect();
                let lines = joined(&[&*joined(&lines, &format!(",{nl}")), nl], "");
                vec![insert(last.end, Zeroizing::new(",".to_owned())), insert(line, lines)]
            }
            (Some(at), None) => vec![insert(at + 1, all(&format!("{nl}{prefix}"), prefix, ","))],
            (None, None) => vec![insert(last.end, all(&format!(",{nl}{prefix}"), prefix, ""))],
        })
    }

    /// What stands between the last item and the closing bracket: blanks, comments, perhaps a comma.
    fn tail(&self, span: Span) -> Option<Tail> {
        let mut tail = Tail { comma: None, next_line: None };
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
    fn inline(&self, fresh: &Fresh<'_>) -> Zeroizing<String> {
        let mut out = Zeroizing::new(String::with_capacity(fresh.room() + 8));
        let toml = self.syntax() == Syntax::Toml;
        match fresh {
            Fresh::Text(text) => out.push_str(&self.quoted(text)),
            Fresh::Names(names) => {
                out.push('[');
                for (at, name) in names.iter().enumerate() {
                    out.push_str(if at > 0 { ", " } else { "" });
                    out.push_str(&self.item(name, true));
                }
                out.push(']');
            }
            Fresh::Map([]) => out.push_str("{}"),
            Fresh::Map(pairs) => {
                out.push_str(if toml { "{ " } else { "{" });
                for (at, (key, text)) in pairs.iter().enumerate() {
                    let (comma, colon) = (if at > 0 { ", " } else { "" }, if toml { " = " } else { ": " });
                    for part in [comma, &self.name(key, true), colon, &self.quoted(text)] {
                        out.push_str(part);
                    }
                }
                out.push_str(if toml { " }" } else { "}" });
            }
        }
        out
    }

    fn quoted(&self, text: &str) -> Zeroizing<String> {
        match self.syntax() {
            Syntax::Yaml => yaml::quoted(text),
            Syntax::Toml => toml::quoted(text),
            Syntax::Json | Syntax::Script => json::quoted(text),
        }
    }

    /// A name in a list.
    fn item(&self, name: &str, flow: bool) -> Zeroizing<String> {
        if self.syntax() == Syntax::Toml { toml::quoted(name) } else { self.name(name, flow) }
    }

    /// A name as a key.
    fn name(&self, name: &str, flow: bool) -> Zeroizing<String> {
        match self.syntax() {
            Syntax::Yaml => yaml::key(name, flow),
            Syntax::Toml => toml::key(name),
            Syntax::Json | Syntax::Script => json::quoted(name),
        }
    }

    /// Where a value ends: that of its last part, since the end of a block collection is where the next thing begins.
    fn end_of(&self, mut id: NodeId) -> Option<usize> {
        loop {
            let node = self.node(id);
            let last = match &node.kind {
                Kind::Mapping { entries, flow: false } => entries.last().map(|&(_, value)| value),
                Kind::Sequence(items) if !self.source().slice(node.span).starts_with('[') => items.last().copied(),
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
            Kind::Scalar(scalar) if matches!(scalar.style, Style::LiteralBlock | Style::FoldedBlock) => {
                span.start + yaml::content_len(self.source().slice(span), self.text(id).unwrap_or_default())
            }
            _ => span.end,
        }
    }

    /// Whether the file ends inside the block scalar that ends here, so that a line below it would change its value.
    fn is_cut_off(&self, end: usize) -> bool {
        let text = self.source().text();
        let last = self.last_node().filter(|node| node.span.end == end);
        let Some(Kind::Scalar(scalar)) = last.map(|node| &node.kind) else { return false };
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
    fn above_comments(&self, mut line: usize) -> usize {
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
        let lines = joined(lines, nl);
        Edit::new(Span::new(at + bom, at + bom), joined(&[opening, &*lines, nl], ""))
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
    fn before_on_line(&self, at: usize) -> &str {
        self.source().slice(Span::new(self.line_start(at), at)).trim_start_matches('\u{feff}')
    }

    /// The blanks that the line of a place begins with.
    fn indent(&self, at: usize) -> &str {
        let line = self.before_on_line(at);
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
pub fn names_text(syntax: Syntax, entries: &BTreeMap<String, BTreeSet<String>>) -> String {
    let lines = entries.iter().map(|(name, items)| {
        let item = |item: &String| match syntax {
            Syntax::Yaml => yaml::key(item, true).to_string(),
            Syntax::Toml => toml::quoted(item).to_string(),
            Syntax::Json | Syntax::Script => json::quoted(item).to_string(),
        };
        let items = items.iter().map(item).collect::<Vec<_>>().join(", ");
        match syntax {
            Syntax::Yaml => format!("{}: [{items}]\n", *yaml::key(name, false)),
            Syntax::Toml => format!("{} = [{items}]\n", *toml::key(name)),
            Syntax::Json | Syntax::Script => format!("  {}: [{items}]", *json::quoted(name)),
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
fn joined(parts: &[impl AsRef<str>], between: &str) -> Zeroizing<String> {
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
struct Tail {
    comma: Option<usize>,
    /// Where the next line begins.
    next_line: Option<usize>,
}

#[cfg(test)]
#[expect(clippy::expect_used, reason = "tests")]
mod tests {
    use super::*;
    use crate::source::SourceFile;
    use std::sync::Arc;

    #[test]
    fn a_buffer_that_holds_values_has_room_for_all_of_them() {
        for (text, syntax) in [("{}", Syntax::Yaml), ("", Syntax::Toml), ("{}", Syntax::Json)] {
            let document = Document::parse(Arc::new(SourceFile::new("a", text)), syntax).expect("it parses");
            for value in [String::new(), "\u{1}".repeat(1000), "\u{10ffff}".repeat(1000)] {
                let (names, pairs) = ([value.as_str(); 3], [(value.as_str(), value.as_str()); 3]);
                for fresh in [Fresh::Text(&value), Fresh::Names(&names), Fresh::Map(&pairs)] {
                    let out = document.inline(&fresh);
                    assert_eq!(out.capacity(), fresh.room() + 8, "it has grown, and left a value behind");
                }
            }
        }
    }
}
