//! The spans of a script that no excerpt may show.
//!
//! Everything outside of `zenml` commands is hidden. Of a command, an excerpt shows its words, the
//! names of its options, and references.

use crate::document::{CommandKind, Document, NodeId};
use crate::text::source::Span;
use crate::zenml::grammar::{ParsedValue, parse_word};

/// The number of arguments that are shown if they look like names: the component type, the action
/// and the name. Later ones may be values.
const MAX_SHOWN_ARGUMENTS: usize = 3;

/// Returns the spans that excerpts must not show, sorted.
pub(crate) fn masks(document: &Document) -> Vec<Span> {
    let mut masks = MaskBuilder {
        masks: Vec::new(),
        end: 0,
    };
    for &command in document.commands() {
        let span = document.node(command).span;
        masks.mask(masks.end, span.start);
        mask_command(document, command, &mut masks);
        masks.end = masks.end.max(span.end);
    }
    masks.mask(masks.end, document.source().text().len());
    masks.masks
}

/// Returns the spans of the values that `zenml secret` commands store.
pub(crate) fn stored_values(document: &Document) -> Vec<Span> {
    document
        .commands()
        .iter()
        .filter(|&&command| document.command_kind(command) == CommandKind::Secret)
        .flat_map(|&command| document.items(command).unwrap_or_default())
        .filter_map(|&word| document.entries(word)?.first())
        .flat_map(|&(key, value)| {
            let is_shown = document.is_option(key);
            [Some(value), Some(key).filter(|_| !is_shown)]
        })
        .flatten()
        .map(|part| document.node(part).span)
        .filter(|span| !span.is_empty())
        .collect()
}

/// Masks the words of a command that may be values.
fn mask_command(document: &Document, command: NodeId, masks: &mut MaskBuilder) {
    // The values that a command stores are not references.
    let stores_values = document.command_kind(command) == CommandKind::Secret;
    let mut arguments = 0;
    for &word in document.items(command).unwrap_or_default() {
        let entry = document.entries(word).and_then(|entries| entries.first());
        if let Some(&(key, _)) = entry
            && !document.is_option(key)
        {
            let span = document.node(key).span;
            masks.mask(span.start, span.end);
        }
        let value = entry.map(|&(_, value)| value);
        let shown = value.unwrap_or(word);
        let text = document.text(shown).unwrap_or_default();
        let is_option = text.starts_with("--");
        arguments += usize::from(!is_option);
        let is_late_argument = !is_option && arguments > MAX_SHOWN_ARGUMENTS;
        let may_be_value = value.is_some() || !is_name_or_option(text) || is_late_argument;
        let is_reference = || {
            let value = parse_word(text, document.expansions(shown));
            !stores_values && matches!(value, ParsedValue::Reference(_))
        };
        if may_be_value && !is_reference() {
            let span = document.node(shown).span;
            masks.mask(span.start, span.end);
        }
    }
}

/// Returns whether a word looks like a name or an option without a value. A short option of several
/// letters may contain its value: `-phunter2`.
fn is_name_or_option(text: &str) -> bool {
    let has_attached_value = text.starts_with('-') && !text.starts_with("--") && text.len() > 2;
    !has_attached_value
        && text
            .chars()
            .all(|c| c.is_alphanumeric() || matches!(c, '_' | '-'))
}

/// The masks of a text that is read from start to end.
struct MaskBuilder {
    masks: Vec<Span>,
    /// The end of the part that was read.
    end: usize,
}

impl MaskBuilder {
    /// Masks the part of a range that was not read before, and joins it to an adjacent mask.
    fn mask(&mut self, from: usize, to: usize) {
        let from = from.max(self.end);
        match self.masks.last_mut() {
            Some(last) if from < to && last.end == from => last.end = to,
            _ if from < to => self.masks.push(Span::new(from, to)),
            _ => {}
        }
        self.end = self.end.max(to);
    }
}
