//! Reads the `zenml` commands of a text, such as a shell script, a Makefile or Markdown.
//!
//! The tree is a list of commands, and each command is a list of words. A word is a scalar; an
//! option with its value, or `key=value`, is a mapping with one entry. The value of a scalar is the
//! text that the shell would pass, with variables as they are written. Its span does not contain
//! the outer quotes.
//!
//! `snippets` finds the shell code of a file, and `shell` its commands. Commands that cannot set an
//! attribute are skipped; see [`CommandKind`]. The meaning of words is in `sources/stack_model`.

mod command_kind;
mod script_words;

pub use command_kind::CommandKind;
use command_kind::command_kind;
pub(super) use script_words::ScriptWords;

use super::code_calls;
use super::shell::{Command, Quote, ShellCode, Word};
use super::snippets::HostCode;
use super::{Document, NodeId, ScalarType, ScriptHost, Style, SyntaxError};
use crate::text::source::Span;
use crate::zenml::grammar::parse_as_zenml;
use std::borrow::Cow;
use std::ops::Range;
use std::sync::Arc;

/// Reads the commands of a text into a document.
pub(super) fn read(document: &mut Document, host: ScriptHost) -> Result<(), SyntaxError> {
    let source = Arc::clone(&document.source);
    let mut code = ShellCode::new(host);
    let HostCode {
        snippets,
        calls,
        is_incomplete,
        cells,
    } = host.code(&source);
    document.cells = cells;
    document.is_incomplete = is_incomplete;
    for snippet in &snippets {
        code.read(snippet);
    }
    code.finish();
    let root = document.add_sequence(Span::new(0, source.text().len()))?;
    let mut nodes = Vec::new();
    for command in &code.commands {
        nodes.extend(add_command(document, command)?);
    }
    document.finish_sequence(root, source.text().len(), &nodes);
    document.roots.push(root);
    document.shell_assignments = code.assignments;
    code_calls::add(document, calls)
}

/// Adds a command. Returns `None` for a command that cannot set an attribute.
fn add_command(document: &mut Document, command: &Command) -> Result<Option<NodeId>, SyntaxError> {
    let Some((zenml, arguments)) = command.words.split_first() else {
        return Ok(None);
    };
    let arguments = &join_split_references(arguments);
    if command_kind(arguments.iter().map(|word| word.text.as_str())) == CommandKind::Other {
        return Ok(None);
    }
    let start = zenml.span.start;
    let end = arguments.iter().map(|word| word.span.end).max();
    let end = end.unwrap_or_default().max(zenml.span.end);
    let command = document.add_sequence(Span::new(start, end))?;
    let mut items = Vec::new();
    let mut seen_kind = false;
    let mut rest = arguments.iter().peekable();
    while let Some(word) = rest.next() {
        let value = match parse_option(&word.text) {
            Some((key, Some(value))) => Some((key, word, value)),
            // Options before the first argument belong to the program and take no value.
            Some((key, None)) if seen_kind => {
                let next = rest.next_if(|next| !next.text.starts_with('-'));
                next.map(|next| (key, next, 0..next.text.len()))
            }
            _ => None,
        };
        if let Some((key, holder, value)) = value {
            let whole = Span::new(word.span.start, holder.span.end);
            let entry = document.add_mapping(whole, false)?;
            let key = add_word(document, &word.part(&key))?;
            let value = add_word(document, &holder.part(&value))?;
            document.finish_mapping(entry, whole.end, &[(key, value)]);
            items.push(entry);
        } else {
            seen_kind |= !word.text.starts_with('-');
            items.push(add_word(document, &word.part(&(0..word.text.len())))?);
        }
    }
    document.finish_sequence(command, end, &items);
    Ok(Some(command))
}

/// The most words of which a reference with spaces and without quotes consists.
const MAX_SPLIT_WORDS: usize = 5;

/// Joins the words of a reference without quotes, which the shell splits: `{{ a.b }}`.
fn join_split_references(words: &[Word]) -> Cow<'_, [Word]> {
    let mut joined: Vec<Word> = Vec::new();
    // The words that are not in the list yet.
    let (mut rest, mut at) = (words, 0);
    while let Some(after) = rest.get(at..).filter(|after| !after.is_empty()) {
        match split_reference(after) {
            Some((word, count)) => {
                joined.extend_from_slice(rest.get(..at).unwrap_or_default());
                joined.push(word);
                rest = after.get(count..).unwrap_or_default();
                at = 0;
            }
            None => at += 1,
        }
    }
    if joined.is_empty() {
        return words.into();
    }
    joined.extend_from_slice(rest);
    joined.into()
}

/// Joins the words at the start of a list that are one reference. Returns the number of words, too.
fn split_reference(words: &[Word]) -> Option<(Word, usize)> {
    let first = words.first()?;
    let open = first.text.rfind("{{")?;
    if first.text.get(open..)?.contains('}') || first.quote_at(open) != Quote::Unquoted {
        return None;
    }
    let after = words.iter().take(MAX_SPLIT_WORDS).skip(1);
    let last = 1 + after.clone().position(|word| word.text.contains("}}"))?;
    let is_unquoted = |word: &Word| {
        let quotes = word.quotes.iter();
        word.expansions.is_empty() && quotes.clone().all(|(_, quote)| *quote == Quote::Unquoted)
    };
    if !after.take(last).all(is_unquoted) {
        return None;
    }
    let mut word = Word::join(words.get(..=last)?.to_vec())?;
    parse_as_zenml(word.text.get(open..)?)?;
    word.is_split = true;
    Some((word, last + 1))
}

/// Adds a word, or a part of one, as a scalar.
fn add_word(document: &mut Document, word: &Word) -> Result<NodeId, SyntaxError> {
    let style = quote_style(word.quote_at(0));
    let id = document.add_scalar(word.span, &word.text, style, ScalarType::String)?;
    document.script_words.add(id, word);
    Ok(id)
}

/// Returns the notation of text in some quotes.
fn quote_style(quote: Quote) -> Style {
    match quote {
        Quote::Unquoted => Style::Plain,
        Quote::Single => Style::SingleQuoted,
        Quote::Double => Style::DoubleQuoted,
    }
}

/// Parses a word that is an option: `--key=value`, `-k` or `key=value`. Returns the name without
/// its dashes, and the value if it is in the same word.
fn parse_option(word: &str) -> Option<(Range<usize>, Option<Range<usize>>)> {
    let dashes = word.len() - word.trim_start_matches('-').len();
    let name = word.get(dashes..)?;
    let len = name.find('=').unwrap_or(name.len());
    let value = (len < name.len()).then_some(dashes + len + 1..word.len());
    let key = name.get(..len)?;
    let fits = match dashes {
        0 => {
            value.is_some()
                && key
                    .chars()
                    .all(|c| c.is_alphanumeric() || matches!(c, '_' | '-'))
        }
        1 => key.chars().count() == 1 && key.starts_with(char::is_alphabetic),
        2 => true,
        _ => false,
    };
    (fits && !key.is_empty()).then_some((dashes..dashes + len, value))
}
