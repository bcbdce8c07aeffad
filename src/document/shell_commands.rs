//! Reads the `zenml` commands of a text, such as a shell script, a Makefile or Markdown.
//!
//! The tree is a list of commands, and each command is a list of words. A word is a scalar; an
//! option with its value, or `key=value`, is a mapping with one entry. The value of a scalar is the
//! text that the shell would pass, with variables as they are written. Its span does not contain
//! the outer quotes.
//!
//! A command begins as in a shell: at the start of a line, or after `;`, `|`, `&`, `(` or a
//! backtick. A prompt, assignments and runners such as `poetry run` may precede it. It ends as in a
//! shell, and at the latest with its line, which a backslash continues. A quote that is not closed
//! ends there, too.
//!
//! Commands that store secrets are skipped, since their values are not references. The meaning of
//! words is in `sources/stack_model`.

mod command_search;
mod shell_lexer;

use super::offsets::OffsetMapBuilder;
use super::{Document, NodeId, Style, SyntaxError};
use crate::text::source::Span;
use command_search::find_commands;
pub use command_search::is_prose;
use shell_lexer::{LogicalLine, Quote, Word};
use std::ops::Range;
use std::sync::Arc;

/// The name of the program whose commands are read.
pub const COMMAND: &str = "zenml";

/// Reads the commands of a text into a document.
pub(super) fn read(document: &mut Document) -> Result<(), SyntaxError> {
    let source = Arc::clone(&document.source);
    let mut commands = find_commands(source.text(), is_prose(source.path()));
    commands.sort_by_key(|command| command.first().map(|word| word.span));
    let root = document.add_sequence(Span::new(0, source.text().len()))?;
    let mut nodes = Vec::new();
    for words in &commands {
        nodes.extend(add_command(document, words)?);
    }
    document.finish_sequence(root, source.text().len(), &nodes);
    document.roots.push(root);
    Ok(())
}

/// Decodes a part of a word. `style` is the kind of quotes in which it begins.
pub(super) fn decode(raw: &str, style: Style) -> OffsetMapBuilder {
    let quote = match style {
        Style::SingleQuoted => Quote::Single,
        Style::DoubleQuoted => Quote::Double,
        _ => Quote::None,
    };
    LogicalLine::new(raw, 0, raw.len()).lex(0, quote).offsets
}

/// Adds a command. Returns `None` for a command that stores secrets, and for text that is not a
/// command.
fn add_command(document: &mut Document, words: &[Word]) -> Result<Option<NodeId>, SyntaxError> {
    let Some((zenml, arguments)) = words.split_first() else {
        return Ok(None);
    };
    let mut plain = arguments
        .iter()
        .map(|word| word.text.as_str())
        .filter(|word| !word.starts_with('-'));
    let (kind, action) = (
        plain.next().unwrap_or_default(),
        plain.next().unwrap_or_default(),
    );
    let is_kind = kind.starts_with(|c: char| c.is_ascii_lowercase())
        && kind
            .chars()
            .all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || matches!(c, '-' | '_'));
    let stores_secrets = kind == "secret"
        || (matches!(kind, "secrets-manager" | "secrets_manager") && action == "secret");
    if !is_kind || stores_secrets {
        return Ok(None);
    }
    let end = words.last().map_or(zenml.span.end, |word| word.span.end);
    let command = document.add_sequence(Span::new(zenml.span.start, end))?;
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
            let key = word.add_to(document, key)?;
            let value = holder.add_to(document, value)?;
            document.finish_mapping(entry, whole.end, &[(key, value)]);
            items.push(entry);
        } else {
            seen_kind |= !word.text.starts_with('-');
            items.push(word.add_to(document, 0..word.text.len())?);
        }
    }
    document.finish_sequence(command, end, &items);
    Ok(Some(command))
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
