//! Adds entries and items between brackets: flow collections of YAML, inline tables and arrays of
//! TOML, and JSON.

use super::NewValue;
use crate::document::{Document, Edit, NodeId, NodeKind, Syntax, json};
use crate::text::source::Span;

/// A collection between brackets to which items are added.
pub(super) struct BracketedCollection<'g> {
    /// The span of the collection, with its brackets.
    pub span: Span,
    /// The spans of its items.
    pub items: &'g [Span],
    /// The separator for items on one line.
    pub comma: &'g str,
}

/// The layout of a mapping in braces.
struct ObjectLayout<'l> {
    /// The existing entries.
    entries: &'l [(NodeId, NodeId)],
    is_root: bool,
    colon: &'l str,
    comma: &'l str,
}

/// The text after the last item of a collection.
struct CollectionTail {
    comma: Option<usize>,
    /// The start of the next line.
    next_line: Option<usize>,
}

/// A function that writes the new item with an index, for an indentation.
type WriteItem<'w> = &'w dyn Fn(usize, &str) -> String;

impl Document {
    /// Returns the edits that add entries to a mapping in braces.
    pub(super) fn insert_in_braces(
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
        let colon = self.colon_like(entries);
        let layout = ObjectLayout {
            entries,
            is_root,
            colon,
            comma: if colon == ":" { "," } else { ", " },
        };
        if entries.is_empty()
            && self
                .source()
                .slice(span)
                .trim_matches(['{', '}'])
                .trim()
                .is_empty()
        {
            return Some(vec![self.fill_braces(span, &layout, new_entries)]);
        }
        let collection = BracketedCollection {
            span,
            items: &spans,
            comma: layout.comma,
        };
        self.insert_between(&collection, new_entries.len(), &|at, indent| {
            new_entries
                .get(at)
                .map(|entry| self.flow_entry(&layout, indent, entry))
                .unwrap_or_default()
        })
    }

    /// Returns the separator of keys and values: as in the last entry, or the usual one.
    fn colon_like(&self, entries: &[(NodeId, NodeId)]) -> &str {
        let existing = entries.last().map(|&(key, value)| {
            self.source().slice(Span::new(
                self.node(key).span.end,
                self.node(value).span.start,
            ))
        });
        match self.syntax() {
            Syntax::Yaml => ": ",
            Syntax::Toml => existing
                .filter(|text| text.trim_matches(' ') == "=")
                .unwrap_or(" = "),
            Syntax::Json | Syntax::Script(_) => existing
                .filter(|text| text.trim_matches(' ') == ":")
                .unwrap_or(": "),
        }
    }

    fn flow_entry(
        &self,
        layout: &ObjectLayout<'_>,
        indent: &str,
        (key, value): &(&str, NewValue<'_>),
    ) -> String {
        let value = match value {
            NewValue::Map(pairs) if self.syntax() == Syntax::Json && !pairs.is_empty() => {
                self.json_object(layout, indent, pairs)
            }
            _ => self.inline_value(value),
        };
        [&self.quote_name(key, true), layout.colon, &value].concat()
    }

    /// Returns the edit that fills empty braces, whose layout cannot be followed.
    fn fill_braces(
        &self,
        span: Span,
        layout: &ObjectLayout<'_>,
        new_entries: &[(&str, NewValue<'_>)],
    ) -> Edit {
        let inner = Span::new(span.start + 1, span.end - 1);
        let nl = self.line_break();
        match self.syntax() {
            Syntax::Yaml if layout.is_root && self.line_prefix(span.start).is_empty() => {
                Edit::new(span, self.yaml_entries("", "  ", new_entries).join(nl))
            }
            Syntax::Json if layout.is_root => {
                let lines = self.flow_entries(layout, "  ", new_entries, &format!(",{nl}  "));
                Edit::new(inner, [nl, "  ", &lines, nl].concat())
            }
            Syntax::Toml => {
                let entries = self.flow_entries(layout, "", new_entries, layout.comma);
                Edit::new(inner, [" ", &entries, " "].concat())
            }
            _ => Edit::new(
                inner,
                self.flow_entries(layout, "", new_entries, layout.comma),
            ),
        }
    }

    fn flow_entries(
        &self,
        layout: &ObjectLayout<'_>,
        indent: &str,
        new_entries: &[(&str, NewValue<'_>)],
        between: &str,
    ) -> String {
        let entries: Vec<_> = new_entries
            .iter()
            .map(|entry| self.flow_entry(layout, indent, entry))
            .collect();
        entries.join(between)
    }

    /// Returns a JSON object on one line or several, like the last existing object.
    fn json_object(
        &self,
        layout: &ObjectLayout<'_>,
        indent: &str,
        pairs: &[(&str, &str)],
    ) -> String {
        let &ObjectLayout {
            entries,
            is_root,
            colon,
            comma,
        } = layout;
        let nl = self.line_break();
        let neighbour = entries
            .iter()
            .rev()
            .find_map(|&(_, value)| match self.node(value).kind {
                NodeKind::Mapping { entries, .. } => {
                    Some((value, self.entries_in(entries).first()?.0))
                }
                _ => None,
            });
        let on_lines = match neighbour {
            Some((value, _)) => self.source().slice(self.node(value).span).contains('\n'),
            None => is_root && (entries.is_empty() || !indent.is_empty()),
        };
        let inner = neighbour.map(|(_, key)| self.indent(self.node(key).span.start));
        let unit = inner
            .and_then(|inner| inner.strip_prefix(indent))
            .filter(|unit| !unit.is_empty());
        let unit = unit.unwrap_or(if indent.is_empty() { "  " } else { indent });
        let mut out = "{".to_owned();
        for (at, (key, text)) in pairs.iter().enumerate() {
            if at > 0 {
                out.push_str(if on_lines { "," } else { comma });
            }
            if on_lines {
                for part in [nl, indent, unit] {
                    out.push_str(part);
                }
            }
            out.push_str(&json::quote_text(key));
            out.push_str(colon);
            out.push_str(&json::quote_text(text));
        }
        if on_lines {
            out.push_str(nl);
            out.push_str(indent);
        }
        out.push('}');
        out
    }

    /// Returns the edits that add `count` items to a collection between brackets. They get their
    /// own lines if the last existing item has one.
    pub(super) fn insert_between(
        &self,
        collection: &BracketedCollection<'_>,
        count: usize,
        write_item: WriteItem<'_>,
    ) -> Option<Vec<Edit>> {
        let &BracketedCollection { span, items, comma } = collection;
        let Some(last) = items.last() else {
            let inner = Span::new(span.start + 1, span.end.checked_sub(1)?);
            let is_empty = self.source().slice(inner).trim().is_empty();
            let target = if is_empty {
                inner
            } else {
                Span::new(inner.start, inner.start)
            };
            let items: Vec<_> = (0..count).map(|at| write_item(at, "")).collect();
            return Some(vec![Edit::new(target, items.join(comma))]);
        };
        let tail = self.read_tail(Span::new(last.end, span.end.checked_sub(1)?))?;
        let prefix = self.line_prefix(last.start);
        let nl = self.line_break();
        if !prefix.trim().is_empty() {
            return Some(vec![match tail.comma {
                Some(at) => insertion(at + 1, write_items(count, write_item, [" ", "", ","])),
                None => insertion(last.end, write_items(count, write_item, [comma, "", ""])),
            }]);
        }
        Some(match (tail.comma, tail.next_line) {
            (Some(_), Some(line)) => {
                vec![insertion(
                    line,
                    write_items(count, write_item, [prefix, prefix, &format!(",{nl}")]),
                )]
            }
            (None, Some(line)) => {
                // The last item had no comma, so the new last item gets none.
                let lines: Vec<_> = (0..count)
                    .map(|at| [prefix, &write_item(at, prefix)].concat())
                    .collect();
                let lines = lines.join(&format!(",{nl}")) + nl;
                vec![insertion(last.end, ",".to_owned()), insertion(line, lines)]
            }
            (Some(at), None) => {
                vec![insertion(
                    at + 1,
                    write_items(count, write_item, [&format!("{nl}{prefix}"), prefix, ","]),
                )]
            }
            (None, None) => {
                vec![insertion(
                    last.end,
                    write_items(count, write_item, [&format!(",{nl}{prefix}"), prefix, ""]),
                )]
            }
        })
    }

    /// Reads the text between the last item and the closing bracket: blanks, comments and a comma.
    /// Returns `None` for other text.
    fn read_tail(&self, span: Span) -> Option<CollectionTail> {
        let mut tail = CollectionTail {
            comma: None,
            next_line: None,
        };
        let mut at = span.start;
        while let Some(c) = self.source().slice(Span::new(at, span.end)).chars().next() {
            match c {
                ',' => (tail.comma, tail.next_line) = (Some(at), None),
                '\n' => tail.next_line = tail.next_line.or(Some(at + 1)),
                '\r' if !self
                    .source()
                    .slice(Span::new(at, span.end))
                    .starts_with("\r\n") =>
                {
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
}

fn insertion(at: usize, text: String) -> Edit {
    Edit::new(Span::new(at, at), text)
}

/// Writes `count` items, each with a text before it, an indentation and a text after it.
fn write_items(
    count: usize,
    write_item: WriteItem<'_>,
    [before, indent, after]: [&str; 3],
) -> String {
    (0..count)
        .map(|at| [before, &write_item(at, indent), after].concat())
        .collect()
}
