//! The comments of a file of names, each with the entry that it belongs to, so that a refreshed snapshot keeps them.

use super::content::FileContent;
use crate::document::directives;
use crate::document::{Document, NodeId, Syntax, format_name_map};
use std::collections::BTreeMap;

/// The line that a snapshot begins with, where its syntax has comments.
pub const SNAPSHOT_HEAD: &str = "# Names and keys, no values: written by `stackref inventory snapshot`.";

/// The comments of a file of names, without line breaks.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct NameComments {
    /// Those of the file itself: above the first entry, and apart from it by an empty line. Without [`SNAPSHOT_HEAD`].
    pub head: Vec<String>,
    /// Those of each entry.
    pub entries: BTreeMap<String, EntryComments>,
    /// Those below the last entry.
    pub tail: Vec<String>,
}

/// The comments of one entry.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct EntryComments {
    /// Those on lines of their own, above the entry or inside of it.
    pub lines_above: Vec<String>,
    /// The one on its line.
    pub end_of_line: Option<String>,
}

impl FileContent {
    /// Whether `snapshot` wrote this file. Where there are comments, the first ones have the line that says so, whatever else
    /// was edited. JSON has none: there the file is, byte by byte, what `snapshot` writes of its names.
    pub fn is_snapshot(&self) -> bool {
        let text = self.document.source().text();
        if self.document.syntax() == Syntax::Json {
            let names = |secret: &super::content::FileSecret| {
                (secret.name.clone(), secret.keys.iter().map(|key| key.name.clone()).collect())
            };
            return text == format_name_map(Syntax::Json, &self.secrets.iter().map(names).collect());
        }
        let lines = text.trim_start_matches('\u{feff}').lines().map(str::trim);
        let mut first = lines.take_while(|line| line.is_empty() || line.starts_with('#') || *line == "---");
        first.any(|line| line == SNAPSHOT_HEAD)
    }

    /// Returns the comments of the file, each with its entry.
    pub fn name_comments(&self) -> NameComments {
        let document = &self.document;
        let source = document.source();
        let root = document.roots().first().copied();
        let entries = root.and_then(|root| document.entries(root)).unwrap_or_default();
        let line = |offset: usize| source.position(offset).line;
        let mut kept = NameComments::default();
        // Name, its line, the line on which the entry ends, and the byte behind it.
        let entries: Vec<(&str, usize, usize, usize)> = entries
            .iter()
            .filter_map(|&(key, value)| {
                let (start, end) = (document.node(key).span.start, end_of(document, value));
                Some((document.text(key)?, line(start), line(end), end))
            })
            .collect();
        let first_line = entries.first().map_or(usize::MAX, |&(_, first, ..)| first);
        let comments = directives::comments(document);
        // The comments directly above the first entry are its own.
        let mut own = first_line;
        for comment in comments.iter().rev() {
            if line(comment.start) + 1 == own && is_alone(document, comment.start) {
                own -= 1;
            }
        }
        for comment in comments {
            let text = source.slice(comment).trim_end().to_owned();
            let at = line(comment.start);
            if text == SNAPSHOT_HEAD {
                continue;
            }
            if at < own {
                kept.head.push(text);
            } else if is_alone(document, comment.start) {
                match entries.get(entries.partition_point(|&(.., end)| end <= comment.start)) {
                    Some(&(name, ..)) => kept.entries.entry(name.to_owned()).or_default().lines_above.push(text),
                    None => kept.tail.push(text),
                }
            } else {
                // Entries may share a line, and then what is said there holds for all of them.
                let here = entries.partition_point(|&(_, _, last, _)| last < at);
                let here = entries.get(here..).unwrap_or_default();
                for &(name, first, last, _) in here.iter().take_while(|&&(_, first, ..)| first <= at) {
                    let entry = kept.entries.entry(name.to_owned()).or_default();
                    if entry.end_of_line.is_none() && (first == at || last == at) {
                        entry.end_of_line = Some(text.clone());
                    } else {
                        entry.lines_above.push(text.clone());
                    }
                }
            }
        }
        kept
    }
}

/// Whether nothing but blanks stands before a comment on its line.
fn is_alone(document: &Document, comment: usize) -> bool {
    let source = document.source();
    let before = source.text().get(source.line_span(comment).start..comment).unwrap_or_default();
    before.trim_start_matches('\u{feff}').trim().is_empty()
}

/// Where a list of names ends: a block list with its last name.
fn end_of(document: &Document, value: NodeId) -> usize {
    let span = document.node(value).span;
    match document.items(value).and_then(<[NodeId]>::last) {
        Some(&last) if !document.source().slice(span).starts_with(['[', '*']) => document.node(last).span.end,
        _ => span.end,
    }
}
