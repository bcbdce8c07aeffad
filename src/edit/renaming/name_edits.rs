//! The edits that replace a name in files.

use super::assigned_names::assigned_names;
use super::{Rename, RenamedPlace};
use crate::diagnostics::error::Failure;
use crate::document::{Document, Edit, NodeId, Replacement, apply, replace_parts};
use crate::edit::add_ignores::subtract_span;
use crate::edit::fix::ChangedFile;
use crate::inventory::Inventories;
use crate::lint::analysis::Analysis;
use crate::lint::scan::Scan;
use crate::sources::declarations::Declaration;
use crate::sources::reference::{Reference, ReferencePart};
use crate::system::paths::canonicalize_existing;
use crate::text::redacted_source::{RedactedSource, Visibility};
use crate::text::source::{SourceFile, Span};
use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::ops::Range;
use std::path::PathBuf;
use std::sync::Arc;

/// The edits of one file.
pub(super) struct FileEdits {
    /// The file before the edits.
    pub source: Arc<RedactedSource>,
    /// The new texts by their spans. Several references may use the same constant.
    edits: BTreeMap<Span, String>,
    /// The places of the names.
    places: BTreeSet<Span>,
    /// The scalars with new values, in a file that is a document.
    pub changed: HashMap<NodeId, String>,
}

impl FileEdits {
    fn new(source: &Arc<RedactedSource>) -> Self {
        Self {
            source: Arc::clone(source),
            edits: BTreeMap::new(),
            places: BTreeSet::new(),
            changed: HashMap::new(),
        }
    }

    /// Returns the places of the names, in the order of the file.
    pub fn places(&self) -> impl Iterator<Item = RenamedPlace> {
        self.places.iter().map(|&span| RenamedPlace {
            source: Arc::clone(&self.source),
            span,
        })
    }

    /// Returns the edits, in the order of the file.
    pub fn edits(&self) -> Vec<Edit> {
        let edits = self.edits.iter();
        edits
            .map(|(&span, text)| Edit::new(span, text.clone()))
            .collect()
    }

    /// Returns the text after the edits. Returns `None` if edits overlap.
    pub fn new_text(&self) -> Option<String> {
        apply(self.source.text(), &self.edits())
    }

    /// Returns the file before and after the edits. `scanned` is the new text as it was read again; of
    /// a file that is not scanned, a diff shows only the names.
    pub fn into_changed_file(self, scanned: Option<&RedactedSource>) -> ChangedFile {
        let mut shift = 0_isize;
        let (mut old_spans, mut new_spans) = (Vec::new(), Vec::new());
        for (span, text) in &self.edits {
            // An edit that replaces more than the name may contain a value.
            if self.places.contains(span) {
                let start = span.start.saturating_add_signed(shift);
                old_spans.push(*span);
                new_spans.push(Span::new(start, start + text.len()));
            }
            shift += text.len().cast_signed() - span.len().cast_signed();
        }
        let text = self.new_text().unwrap_or_default();
        let new_file = SourceFile::new(self.source.path().to_owned(), text);
        let old_masks = scanned.and_then(|_| self.source.masks());
        let new_masks = scanned.and_then(RedactedSource::masks);
        ChangedFile {
            old_source: with_visible(Arc::clone(self.source.file()), old_masks, &old_spans),
            new_source: with_visible(Arc::new(new_file), new_masks, &new_spans),
            inode: None,
            count: self.places.len(),
        }
    }
}

/// Returns a source that shows the spans of names, and what `masks` do not hide. Without masks, it
/// shows nothing else.
fn with_visible(
    file: Arc<SourceFile>,
    masks: Option<&[Span]>,
    names: &[Span],
) -> Arc<RedactedSource> {
    let whole = [Span::new(0, file.text().len())];
    let masks = masks.unwrap_or(&whole).to_vec();
    let masks = names
        .iter()
        .fold(masks, |masks, &name| subtract_span(&masks, name));
    RedactedSource::new(file, Visibility::Masked(masks.into()))
}

/// The edits of each file by its absolute path, and the names that no edit contains.
pub(super) type PlannedEdits = (BTreeMap<PathBuf, FileEdits>, Vec<RenamedPlace>);

/// Collects the edits of a rename, and the places that cannot be edited.
pub(super) struct NameEdits<'r> {
    rename: &'r Rename,
    files: BTreeMap<PathBuf, FileEdits>,
    /// The names that are not written as they are. They change if a constant that they use changes.
    computed: Vec<RenamedPlace>,
    failures: Vec<Failure>,
}

impl<'r> NameEdits<'r> {
    pub fn new(rename: &'r Rename) -> Self {
        Self {
            rename,
            files: BTreeMap::new(),
            computed: Vec::new(),
            failures: Vec::new(),
        }
    }

    /// Returns the edits by the absolute path of each file, and the names that no edit contains.
    ///
    /// # Errors
    /// Fails if an inventory cannot be edited.
    pub fn finish(self) -> Result<PlannedEdits, Vec<Failure>> {
        if self.failures.is_empty() {
            Ok((self.files, self.computed))
        } else {
            Err(self.failures)
        }
    }

    /// Adds the references and declarations of a scan.
    pub fn add_scan(&mut self, scan: &Scan) {
        for file in &scan.files {
            self.add_file(file);
        }
    }

    fn add_file(&mut self, file: &Analysis) {
        let document = file.document.as_ref();
        let document = document.filter(|document| !document.syntax().is_script());
        let references = file.references.iter();
        let mut parts: HashMap<NodeId, Vec<Range<usize>>> = HashMap::new();
        for reference in references.filter(|reference| self.rename.applies_to(reference)) {
            match document {
                Some(document) => {
                    if let Some(range) = self.name_in_value(document, reference) {
                        let node = document.target(reference.node);
                        parts.entry(node).or_default().push(range);
                    } else {
                        self.add_computed(&reference.source, reference.span);
                    }
                }
                None => self.add_code_reference(reference),
            }
        }
        if let Some(document) = document {
            for (node, ranges) in parts {
                self.add_scalar(document, &file.source, node, ranges);
            }
        }
        let declarations = file.declarations.iter();
        for declaration in declarations.filter(|it| self.rename.applies_to_declaration(it)) {
            self.add_declaration(declaration);
        }
    }

    /// Returns the range of the name in the decoded value of its scalar.
    fn name_in_value(&self, document: &Document, reference: &Reference) -> Option<Range<usize>> {
        let value = document.text(reference.node)?;
        let text = value.get(reference.range.clone())?;
        let inner = text.trim_start_matches('{').trim_start();
        let start = reference.range.end - inner.len();
        let secret = self.rename.secret();
        let (start, old) = match self.rename.key() {
            Some((old, _)) => (start + secret.len() + 1, old),
            None => (start, secret),
        };
        let range = start..start + old.len();
        (value.get(range.clone()) == Some(old)).then_some(range)
    }

    fn new_name(&self) -> &'r str {
        match self.rename.key() {
            Some((_, new)) => new,
            None => self.rename.new_secret(),
        }
    }

    /// Adds the edits of names in a scalar of a document.
    fn add_scalar(
        &mut self,
        document: &Document,
        source: &Arc<RedactedSource>,
        node: NodeId,
        mut ranges: Vec<Range<usize>>,
    ) {
        ranges.sort_by_key(|range| range.start);
        ranges.dedup();
        let text = self.new_name();
        let replacements: Vec<Replacement<'_>> = ranges
            .iter()
            .map(|range| Replacement {
                range: range.clone(),
                text,
            })
            .collect();
        let value = document.text(node).unwrap_or_default();
        let new_value = replace_parts(value, &replacements);
        let offsets = document.offsets(node);
        let places: Vec<Span> = ranges
            .iter()
            .map(|range| offsets.source(range.start, range.end))
            .collect();
        let edits = document.encode(node, &replacements);
        let file = self.file(source);
        file.changed.insert(node, new_value);
        file.places.extend(places);
        for edit in edits {
            file.edits.insert(edit.span, edit.text);
        }
    }

    /// Adds the edit of a reference in code, or of the constant that it uses.
    fn add_code_reference(&mut self, reference: &Reference) {
        let part = if self.rename.key().is_some() {
            ReferencePart::Key
        } else {
            ReferencePart::Secret
        };
        let edits = reference.rename_edits(part, self.new_name());
        if let [edit] = edits.as_slice() {
            self.add(&reference.source, edit.span, edit.replacement.clone());
            return;
        }
        if let Some(span) = self.key_in_text(reference) {
            self.add(&reference.source, span, self.new_name().to_owned());
            return;
        }
        let definition = reference.definition.as_deref();
        let is_constant = definition.is_some_and(|definition| {
            self.rename.key().is_none()
                && self.add_literal(&definition.source, definition.span, reference.secret())
        });
        if !is_constant {
            let key_span = reference.key_span.filter(|_| self.rename.key().is_some());
            self.add_computed(&reference.source, key_span.unwrap_or(reference.span));
        }
    }

    /// Returns the span of the key in a text that computes the name of the secret:
    /// `"{{${local.name}.key}}"`.
    fn key_in_text(&self, reference: &Reference) -> Option<Span> {
        let (old, new) = self.rename.key()?;
        let text = reference.source.slice(reference.span);
        let inner = text.trim_end_matches('}').trim_end();
        let before = inner.strip_suffix(old)?;
        let is_key = before.ends_with('.') && inner.len() < text.len() && is_plain(new);
        let start = reference.span.start + before.len();
        is_key.then(|| Span::new(start, start + old.len()))
    }

    fn add_declaration(&mut self, declaration: &Declaration) {
        let source = &declaration.source;
        let Some((old, _)) = self.rename.key() else {
            let is_added = self.add_literal(source, declaration.span, &declaration.secret)
                || declaration.definition.as_deref().is_some_and(|definition| {
                    self.add_literal(&definition.source, definition.span, &declaration.secret)
                });
            if !is_added {
                self.add_computed(source, declaration.span);
            }
            return;
        };
        for key in declaration.keys.iter().filter(|key| key.name == old) {
            if !self.add_literal(source, key.span, old) {
                self.add_computed(source, key.span);
            }
        }
    }

    /// Adds the edit of a name that is written as it is, or in quotes. Returns whether it is.
    fn add_literal(&mut self, source: &Arc<RedactedSource>, span: Span, old: &str) -> bool {
        let written = source.slice(span);
        let quotes = if written == old {
            0
        } else {
            let is_quoted = |quote: char| {
                let inner = written
                    .strip_prefix(quote)
                    .and_then(|rest| rest.strip_suffix(quote));
                inner == Some(old)
            };
            if !is_quoted('"') && !is_quoted('\'') {
                return false;
            }
            1
        };
        if !is_plain(self.new_name()) {
            return false;
        }
        let span = Span::new(span.start + quotes, span.end - quotes);
        self.add(source, span, self.new_name().to_owned());
        true
    }

    fn add(&mut self, source: &Arc<RedactedSource>, span: Span, text: String) {
        let file = self.file(source);
        file.places.insert(span);
        file.edits.insert(span, text);
    }

    fn file(&mut self, source: &Arc<RedactedSource>) -> &mut FileEdits {
        let path = canonicalize_existing(source.absolute_path());
        self.files
            .entry(path)
            .or_insert_with(|| FileEdits::new(source))
    }

    /// Adds the entries of inventory files.
    pub fn add_inventories(&mut self, inventories: &Inventories) {
        for (_, inventory) in inventories.in_use() {
            let names = inventory.rename_edits(
                self.rename.secret(),
                self.rename.new_secret(),
                self.rename.key(),
            );
            match names {
                // The references mean the entry that exists.
                Some(_) if self.rename.exists_in(inventory) => {}
                None => {}
                Some(Err(failure)) => self.failures.push(failure),
                Some(Ok((source, edits))) => {
                    let file = self.file(&source);
                    for edit in edits {
                        file.places.insert(edit.span);
                        file.edits.insert(edit.span, edit.text);
                    }
                }
            }
        }
    }

    /// Adds a name that is not written as it is, and the edits of the variables in its text.
    fn add_computed(&mut self, source: &Arc<RedactedSource>, span: Span) {
        let old = match self.rename.key() {
            Some((old, _)) => old,
            None => self.rename.secret(),
        };
        if is_plain(self.new_name()) {
            let expression = source.slice(span);
            for place in assigned_names(source.text(), expression, old) {
                self.add(source, place, self.new_name().to_owned());
            }
        }
        self.computed.push(RenamedPlace {
            source: Arc::clone(source),
            span,
        });
    }
}

/// Returns whether a name needs no quotes and no escapes in any language.
fn is_plain(name: &str) -> bool {
    name.chars()
        .all(|c| c.is_ascii_alphanumeric() || matches!(c, '_' | '-' | '.' | '/'))
}
