//! The comments of a file with names and keys, each with the entry that it belongs to. They allow
//! `stackref inventory snapshot` to keep the comments when it refreshes a file.

use super::content::FileContent;
use crate::document::directives;
use crate::document::{Document, NodeId, Syntax, format_name_map};
use std::collections::BTreeMap;

/// The first line of a snapshot, if its syntax has comments.
pub const SNAPSHOT_HEAD: &str =
    "# Names and keys, no values: written by `stackref inventory snapshot`.";

/// The comments of a file with names and keys, without line breaks.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct NameComments {
    /// The comments of the file: above the first entry, and separated from it by an empty line.
    /// [`SNAPSHOT_HEAD`] is not included.
    pub head: Vec<String>,
    /// The comments of each entry.
    pub entries: BTreeMap<String, EntryComments>,
    /// The comments below the last entry.
    pub tail: Vec<String>,
}

/// The comments of one entry.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct EntryComments {
    /// The comments on separate lines, above the entry or inside it.
    pub lines_above: Vec<String>,
    /// The comment on the line of the entry.
    pub end_of_line: Option<String>,
}

/// An entry of the file with its lines.
struct EntryLines<'d> {
    name: &'d str,
    first_line: usize,
    last_line: usize,
    /// The offset of the end of the entry.
    end: usize,
}

impl FileContent {
    /// Returns whether `stackref inventory snapshot` wrote this file.
    ///
    /// A file with comments is a snapshot if [`SNAPSHOT_HEAD`] is one of the comments at its top,
    /// even if the rest was edited. JSON has no comments: such a file is a snapshot if a
    /// snapshot of its names would have exactly the same bytes.
    pub fn is_snapshot(&self) -> bool {
        let text = self.document.source().text();
        if self.document.syntax() == Syntax::Json {
            return text == format_name_map(Syntax::Json, &self.names_and_keys());
        }
        let lines = text.trim_start_matches('\u{feff}').lines().map(str::trim);
        let mut top =
            lines.take_while(|line| line.is_empty() || line.starts_with('#') || *line == "---");
        top.any(|line| line == SNAPSHOT_HEAD)
    }

    /// Returns the comments of the file, each with its entry.
    pub fn name_comments(&self) -> NameComments {
        let source = self.document.source();
        let entries = self.entry_lines();
        let comments = directives::comments(&self.document);
        let first_line = entries.first().map_or(usize::MAX, |entry| entry.first_line);
        // The comments directly above the first entry belong to it, not to the file.
        let mut first_own_line = first_line;
        for comment in comments.iter().rev() {
            if source.position(comment.start).line + 1 == first_own_line
                && is_alone(&self.document, comment.start)
            {
                first_own_line -= 1;
            }
        }
        let mut found = NameComments::default();
        for comment in comments {
            let text = source.slice(comment).trim_end();
            let line = source.position(comment.start).line;
            if text == SNAPSHOT_HEAD {
                continue;
            }
            if line < first_own_line {
                found.head.push(text.to_owned());
            } else if is_alone(&self.document, comment.start) {
                found.add_line(&entries, comment.start, text);
            } else {
                found.add_end_of_line(&entries, line, text);
            }
        }
        found
    }

    fn entry_lines(&self) -> Vec<EntryLines<'_>> {
        let document = &self.document;
        let source = document.source();
        let root = document.roots().first().copied();
        let entries = root
            .and_then(|root| document.entries(root))
            .unwrap_or_default();
        let lines = entries.iter().filter_map(|&(key, value)| {
            let end = end_of(document, value);
            Some(EntryLines {
                name: document.text(key)?,
                first_line: source.position(document.node(key).span.start).line,
                last_line: source.position(end).line,
                end,
            })
        });
        lines.collect()
    }
}

impl NameComments {
    /// Adds a comment on a separate line to the entry that contains or follows it.
    fn add_line(&mut self, entries: &[EntryLines<'_>], offset: usize, text: &str) {
        match entries.get(entries.partition_point(|entry| entry.end <= offset)) {
            Some(entry) => self.entry(entry.name).lines_above.push(text.to_owned()),
            None => self.tail.push(text.to_owned()),
        }
    }

    /// Adds a comment at the end of a line to all entries on this line.
    fn add_end_of_line(&mut self, entries: &[EntryLines<'_>], line: usize, text: &str) {
        let first = entries.partition_point(|entry| entry.last_line < line);
        let on_line = entries
            .get(first..)
            .unwrap_or_default()
            .iter()
            .take_while(|entry| entry.first_line <= line);
        for EntryLines {
            name,
            first_line,
            last_line,
            ..
        } in on_line
        {
            let entry = self.entry(name);
            if entry.end_of_line.is_none() && (*first_line == line || *last_line == line) {
                entry.end_of_line = Some(text.to_owned());
            } else {
                entry.lines_above.push(text.to_owned());
            }
        }
    }

    fn entry(&mut self, name: &str) -> &mut EntryComments {
        self.entries.entry(name.to_owned()).or_default()
    }
}

/// Returns whether only white space precedes a comment on its line.
fn is_alone(document: &Document, comment: usize) -> bool {
    let source = document.source();
    let before = source
        .text()
        .get(source.line_span(comment).start..comment)
        .unwrap_or_default();
    before.trim_start_matches('\u{feff}').trim().is_empty()
}

/// Returns the offset of the end of a list of names. A block list ends with its last name, not with
/// the comments and empty lines that follow.
fn end_of(document: &Document, value: NodeId) -> usize {
    let span = document.node(value).span;
    match document.items(value).and_then(<[NodeId]>::last) {
        Some(&last) if !document.source().slice(span).starts_with(['[', '*']) => {
            document.node(last).span.end
        }
        _ => span.end,
    }
}
