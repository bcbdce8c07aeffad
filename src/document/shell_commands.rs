//! Text with `zenml` commands in it (shell scripts, Makefiles, Markdown) as a tree: a list of commands, each a list of its
//! words. A word is a scalar; an option with its value, or `key=value`, is a mapping of one entry.
//!
//! A command begins where the shell would look for one: at the beginning of a line, or behind `;`, `|`, `&`, `(` or a
//! backtick; a prompt, assignments and runners such as `poetry run` may stand before it. It ends with its line, which a
//! backslash continues, or at what would end it for the shell; a quote that is not closed ends there, too. In Markdown and
//! the like only code is looked at. Scalars hold what the shell would hand over, variables as they are written, and their
//! spans leave the outer quotes out.
//!
//! Not here: what the words mean (`stack`). Commands that store secrets are passed over: their values are no references.

use super::offsets::OffsetMapBuilder;
use super::{Document, NodeId, OffsetMap, ScalarType, Style, SyntaxError};
use crate::text::source::Span;
use memchr::{memchr, memmem};
use std::path::Path;

/// The command.
pub const COMMAND: &str = "zenml";

/// How deep `$(…)` in `$(…)` is looked into.
const MAX_SUBSTITUTION_DEPTH: usize = 8;

/// Options of what may stand before a command that take the next word as their value.
const OPTIONS_WITH_VALUE: [&str; 9] =
    ["-u", "--user", "-g", "--group", "-n", "--name", "--with", "--python", "--project"];

/// Words that may stand before a command.
#[rustfmt::skip]
const COMMAND_PREFIXES: [&str; 30] = [
    "$", "%", "❯", "!", "{", "-", "sudo", "exec", "time", "command", "env", "nohup", "if", "then", "else", "while",
    "until", "do", "run:", "RUN", "poetry", "uv", "pipenv", "pdm", "hatch", "rye", "run", "python", "python3", "-m",
];

/// Reads the commands of a text.
pub(super) fn read(document: &mut Document) -> Result<(), SyntaxError> {
    let source = std::sync::Arc::clone(&document.source);
    let mut commands = commands(source.text(), is_prose(source.path()));
    commands.sort_by_key(|command| command.first().map(|word| word.span));
    let root = document.add_list(Span::new(0, source.text().len()))?;
    let mut nodes = Vec::new();
    for words in &commands {
        nodes.extend(add_command(document, words)?);
    }
    document.finish_list(root, source.text().len(), &nodes);
    document.roots.push(root);
    Ok(())
}

/// What a part of a word stands for; `style` says in which quotes it begins.
pub(super) fn decode(raw: &str, style: Style) -> OffsetMapBuilder {
    let quote = match style {
        Style::SingleQuoted => Quote::Single,
        Style::DoubleQuoted => Quote::Double,
        _ => Quote::None,
    };
    LogicalLine::new(raw, 0, raw.len()).lex(0, quote).offsets
}

/// Whether the text of a file is meant for people, with code in it.
fn is_prose(path: &str) -> bool {
    let ending = Path::new(path).extension().and_then(|ending| ending.to_str()).unwrap_or_default();
    matches!(ending.to_ascii_lowercase().as_str(), "md" | "markdown" | "mdx" | "rst" | "adoc" | "txt")
}

/// Adds a command, unless it stores secrets or is none after all.
fn add_command(document: &mut Document, words: &[Word]) -> Result<Option<NodeId>, SyntaxError> {
    let Some((zenml, arguments)) = words.split_first() else { return Ok(None) };
    let mut plain = arguments.iter().map(|word| word.text.as_str()).filter(|word| !word.starts_with('-'));
    let (kind, action) = (plain.next().unwrap_or_default(), plain.next().unwrap_or_default());
    let is_kind = kind.starts_with(|c: char| c.is_ascii_lowercase())
        && kind.chars().all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || matches!(c, '-' | '_'));
    let stores = kind == "secret" || (matches!(kind, "secrets-manager" | "secrets_manager") && action == "secret");
    if !is_kind || stores {
        return Ok(None);
    }
    let end = words.last().map_or(zenml.span.end, |word| word.span.end);
    let command = document.add_list(Span::new(zenml.span.start, end))?;
    let mut items = Vec::new();
    let mut seen_kind = false;
    let mut rest = arguments.iter().peekable();
    while let Some(word) = rest.next() {
        let value = match option(&word.text) {
            Some((key, Some(value))) => Some((key, word, value)),
            // Before the first word that is none, options belong to the program and take no value.
            Some((key, None)) if seen_kind => {
                let next = rest.next_if(|next| !next.text.starts_with('-'));
                next.map(|next| (key, next, 0..next.text.len()))
            }
            _ => None,
        };
        if let Some((key, holder, value)) = value {
            let whole = Span::new(word.span.start, holder.span.end);
            let entry = document.add_mapping(whole, false)?;
            let key = word.scalar(document, key)?;
            let value = holder.scalar(document, value)?;
            document.finish_mapping(entry, whole.end, &[(key, value)]);
            items.push(entry);
        } else {
            seen_kind |= !word.text.starts_with('-');
            items.push(word.scalar(document, 0..word.text.len())?);
        }
    }
    document.finish_list(command, end, &items);
    Ok(Some(command))
}

type Bytes = std::ops::Range<usize>;

/// The name of an option, without its dashes, and its value where that is in the same word: `--key=value`, `-k`,
/// `key=value`.
fn option(word: &str) -> Option<(Bytes, Option<Bytes>)> {
    let dashes = word.len() - word.trim_start_matches('-').len();
    let name = word.get(dashes..)?;
    let len = name.find('=').unwrap_or(name.len());
    let value = (len < name.len()).then_some(dashes + len + 1..word.len());
    let key = name.get(..len)?;
    let fits = match dashes {
        0 => value.is_some() && key.chars().all(|c| c.is_alphanumeric() || matches!(c, '_' | '-')),
        1 => key.chars().count() == 1 && key.starts_with(char::is_alphabetic),
        2 => true,
        _ => false,
    };
    (fits && !key.is_empty()).then_some((dashes..dashes + len, value))
}

/// One word: what the shell makes of it, and where that stands.
struct Word {
    text: String,
    span: Span,
    offsets: OffsetMap,
    /// From which byte of the text on which quotes hold.
    quotes: Vec<(usize, Quote)>,
}

impl Word {
    /// Adds a part of the word as a scalar.
    fn scalar(&self, document: &mut Document, part: Bytes) -> Result<NodeId, SyntaxError> {
        let span = if self.text.is_empty() { self.span } else { self.offsets.source(part.start, part.end) };
        let quote = self.quotes.iter().take_while(|(from, _)| *from <= part.start).last();
        let style = match quote.map(|(_, quote)| *quote) {
            Some(Quote::Single) => Style::SingleQuoted,
            Some(Quote::Double) => Style::DoubleQuoted,
            _ => Style::Plain,
        };
        document.add_scalar(span, self.text.get(part).unwrap_or_default(), style, ScalarType::String)
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Quote {
    None,
    Single,
    Double,
}

/// The commands of a text, each with the word `zenml` first. The work is linear in the text.
fn commands(text: &str, prose: bool) -> Vec<Vec<Word>> {
    let bytes = text.as_bytes();
    let finder = memmem::Finder::new(COMMAND);
    let find = |from: usize| finder.find(bytes.get(from..).unwrap_or_default()).map_or(text.len(), |at| from + at);
    let mut found = Vec::new();
    let mut fence: Option<&str> = None;
    let mut line = LogicalLine::new(text, 0, 0);
    let (mut at, mut next) = (0, find(0));
    while next < text.len() {
        let end = end_of_line(text, at);
        let physical = text.get(at..end).unwrap_or_default();
        if let Some((mark, info)) = fence_mark(physical).filter(|_| prose) {
            fence = match fence {
                None => Some(mark),
                Some(open) if mark.starts_with(open) && info.trim().is_empty() => None,
                open => open,
            };
            at = end + 1;
        } else if prose && fence.is_none() && !physical.starts_with("    ") && !physical.starts_with('\t') {
            let end = if physical.trim().is_empty() { end } else { end_of_paragraph(text, end) };
            inline_code(text, at, end, &mut found);
            at = end + 1;
        } else {
            if at >= line.end {
                line = LogicalLine::new(text, at, logical_end(text, end, prose));
            }
            let before = found.len();
            at = if next < line.end { line.commands(at, line.end, 0, &mut found) + 1 } else { line.end + 1 };
            if prose && fence.is_none() {
                // What is indented may be a paragraph of a list, which begins with the program's name.
                let read = found.split_off(before);
                found.extend(read.into_iter().filter(|words| words.iter().any(|word| word.text.starts_with('-'))));
            }
        }
        if next < at {
            next = find(at);
        }
    }
    found
}

/// Where a line ends, without its line break.
fn end_of_line(text: &str, from: usize) -> usize {
    memchr(b'\n', text.as_bytes().get(from..).unwrap_or_default()).map_or(text.len(), |at| from + at)
}

/// Where a line ends that backslashes may continue; `end` is that of its first.
fn logical_end(text: &str, mut end: usize, prose: bool) -> usize {
    while end < text.len() {
        let before = text.get(..end).unwrap_or_default();
        let before = before.strip_suffix('\r').unwrap_or(before);
        if (before.len() - before.trim_end_matches('\\').len()) % 2 == 0 {
            break;
        }
        let next = end_of_line(text, end + 1);
        if prose && fence_mark(text.get(end + 1..next).unwrap_or_default()).is_some() {
            break;
        }
        end = next;
    }
    end
}

/// The backticks or tildes that open or close a block of code, and what is said of it; a backtick there would make it code
/// within a line.
fn fence_mark(line: &str) -> Option<(&str, &str)> {
    let line = line.trim_start_matches([' ', '\t', '>']);
    let len = ['`', '~'].into_iter().map(|mark| line.len() - line.trim_start_matches(mark).len()).max()?;
    let (mark, info) = line.split_at_checked(len)?;
    (len >= 3 && !(mark.starts_with('`') && info.contains('`'))).then_some((mark, info))
}

/// Where a paragraph ends of which a line ends at `end`: before an empty line, or one that opens a block of code.
fn end_of_paragraph(text: &str, mut end: usize) -> usize {
    while end < text.len() {
        let next = end_of_line(text, end + 1);
        let line = text.get(end + 1..next).unwrap_or_default();
        if line.trim().is_empty() || fence_mark(line).is_some() {
            break;
        }
        end = next;
    }
    end
}

/// Commands between backticks, of which several in a row are one mark.
fn inline_code(text: &str, start: usize, end: usize, found: &mut Vec<Vec<Word>>) {
    let (mut at, mut inside) = (start, false);
    for piece in text.get(start..end).unwrap_or_default().split_inclusive('`') {
        let code = piece.trim_end_matches('`');
        if inside && code.contains(COMMAND) {
            LogicalLine::new(text, at, at + code.len()).commands(at, at + code.len(), 0, found);
        }
        // The other marks of a row come as pieces of their own.
        let more = code.is_empty() && text.get(start..at).is_some_and(|before| before.ends_with('`'));
        inside ^= piece.len() > code.len() && !more;
        at += piece.len();
    }
}

/// A line that backslashes may continue, or a part of one that is read by itself.
struct LogicalLine<'t> {
    text: &'t str,
    end: usize,
    /// Where each `(` is closed, sorted by where it opens.
    closed: Vec<(usize, usize)>,
    /// Where `}}` stands.
    braces: Vec<usize>,
}

/// What the lexer read: a word, where it ends, and what stands in `$(…)` in it.
struct LexedWord {
    offsets: OffsetMapBuilder,
    quotes: Vec<(usize, Quote)>,
    end: usize,
    substitutions: Vec<(usize, usize)>,
}

impl<'t> LogicalLine<'t> {
    fn new(text: &'t str, start: usize, end: usize) -> Self {
        let part = text.get(start..end).unwrap_or_default().as_bytes();
        let mut closed = Vec::new();
        if memmem::find(part, b"$(").is_some() {
            let mut open = Vec::new();
            for at in memchr::memchr2_iter(b'(', b')', part) {
                if part.get(at) == Some(&b'(') {
                    open.push(start + at);
                } else if let Some(opened) = open.pop() {
                    closed.push((opened, start + at));
                }
            }
            closed.sort_unstable();
        }
        let mut braces = Vec::new();
        if memmem::find(part, b"${{").is_some() {
            braces.extend(memmem::find_iter(part, b"}}").map(|at| start + at));
        }
        Self { text, end, closed, braces }
    }

    /// Reads commands from `at` up to `end`; where it stopped: there, or at the end of the line that a comment is on.
    fn commands(&self, mut at: usize, end: usize, depth: usize, found: &mut Vec<Vec<Word>>) -> usize {
        let mut words = Vec::new();
        let mut first = true;
        while let Some(c) = self.text.get(at..end).and_then(|rest| rest.chars().next()) {
            match c {
                ' ' | '\t' | '\r' | '\n' | '<' | '>' => {
                    at += 1;
                    continue;
                }
                '\\' if self.line_break_len(at) > 0 => at += self.line_break_len(at),
                '#' => {
                    at = end_of_line(self.text, at).min(end);
                    break;
                }
                // `2>&1` and `&>` go on with the command.
                '&' if self.is_redirection(at, end) => at += 1,
                ';' | '|' | '&' | '(' | ')' | '`' => {
                    found.extend(command(std::mem::take(&mut words)));
                    at += 1;
                }
                _ => {
                    // Make's marks for a line of a recipe: silent, unchecked, always.
                    let marks = if first { self.recipe_mark_count(at, end) } else { 0 };
                    let start = at + marks;
                    let lexed = self.lex_until(start, end, Quote::None);
                    // What is no character of a word by itself would stop it where it is.
                    at = lexed.end.max(start + usize::from(lexed.end == start) * c.len_utf8());
                    for &(from, to) in &lexed.substitutions {
                        let holds = self.text.get(from..to).is_some_and(|inner| inner.contains(COMMAND));
                        if depth < MAX_SUBSTITUTION_DEPTH && holds {
                            self.commands(from, to, depth + 1, found);
                        }
                    }
                    let span = Span::new(start, lexed.end);
                    let text = lexed.offsets.text().to_owned();
                    let offsets = lexed.offsets.finish(Span::new(0, lexed.end), &text);
                    words.push(Word { text, span, offsets, quotes: lexed.quotes });
                }
            }
            first = false;
        }
        found.extend(command(words));
        at.min(end)
    }

    /// Whether an ampersand is part of a redirection.
    fn is_redirection(&self, at: usize, end: usize) -> bool {
        let behind = self.text.get(at + 1..end).is_some_and(|rest| rest.starts_with('>'));
        behind || self.text.get(..at).is_some_and(|before| before.ends_with(['>', '<']))
    }

    /// How many of make's marks stand before a command.
    fn recipe_mark_count(&self, at: usize, end: usize) -> usize {
        let rest = self.text.get(at..end).unwrap_or_default();
        let bare = rest.trim_start_matches(['@', '+', '-']);
        if bare.starts_with(|c: char| c.is_alphabetic() || matches!(c, '_' | '.')) {
            rest.len() - bare.len()
        } else {
            0
        }
    }

    /// The bytes of a backslash and the line break behind it.
    fn line_break_len(&self, at: usize) -> usize {
        match self.text.as_bytes().get(at + 1..) {
            Some([b'\n', ..]) => 2,
            Some([b'\r', b'\n', ..]) => 3,
            _ => 0,
        }
    }

    fn lex(&self, at: usize, quote: Quote) -> LexedWord {
        self.lex_until(at, self.end, quote)
    }

    /// Reads one word; offsets in its pieces are those of the text.
    fn lex_until(&self, mut at: usize, end: usize, mut quote: Quote) -> LexedWord {
        let mut pieces = OffsetMapBuilder::default();
        let mut quotes = vec![(0, quote)];
        let mut inner = Vec::new();
        while let Some(c) = self.text.get(at..end).and_then(|rest| rest.chars().next()) {
            let len = c.len_utf8();
            match (quote, c) {
                (Quote::None, ' ' | '\t' | '\r' | '\n' | ';' | '|' | '&' | '(' | ')' | '`' | '<' | '>') => break,
                (Quote::None | Quote::Single, '\'') | (Quote::None | Quote::Double, '"') => {
                    quote = match (quote, c) {
                        (Quote::None, '\'') => Quote::Single,
                        (Quote::None, _) => Quote::Double,
                        _ => Quote::None,
                    };
                    quotes.push((pieces.text().len(), quote));
                    at += 1;
                }
                (Quote::None | Quote::Double, '\\') => {
                    let breaks = self.line_break_len(at);
                    let escaped = self.text.get(at + 1..end).and_then(|rest| rest.chars().next());
                    let escaped = escaped.filter(|c| quote == Quote::None || matches!(c, '$' | '`' | '"' | '\\'));
                    if breaks > 0 {
                        at += breaks;
                    } else if let Some(escaped) = escaped {
                        pieces.push_replaced(at, 1 + escaped.len_utf8(), escaped.encode_utf8(&mut [0; 4]));
                        at += 1 + escaped.len_utf8();
                    } else {
                        pieces.push_verbatim(at, "\\");
                        at += 1;
                    }
                }
                // `$'…'` and `$"…"` are quotes of bash.
                (Quote::None, '$') if self.text.get(at + 1..end).is_some_and(|rest| rest.starts_with(['\'', '"'])) => {
                    at += 1;
                }
                (Quote::None | Quote::Double, '$') => {
                    let to = self.substitution(at, end, &mut inner).unwrap_or(at + 1);
                    pieces.push_verbatim(at, self.text.get(at..to).unwrap_or_default());
                    at = to;
                }
                _ => {
                    pieces.push_verbatim(at, self.text.get(at..at + len).unwrap_or_default());
                    at += len;
                }
            }
        }
        LexedWord { offsets: pieces, quotes, end: at, substitutions: inner }
    }

    /// Where `$(…)` or `${{ … }}` ends that begins here.
    fn substitution(&self, at: usize, end: usize, inner: &mut Vec<(usize, usize)>) -> Option<usize> {
        let rest = self.text.get(at..end)?;
        if rest.starts_with("$(") {
            let slot = self.closed.binary_search_by_key(&(at + 1), |&(open, _)| open).ok()?;
            let close = self.closed.get(slot).map(|&(_, close)| close).filter(|&close| close < end)?;
            inner.push((at + 2, close));
            return Some(close + 1);
        }
        let next = self.braces.partition_point(|&close| close < at);
        let close = self.braces.get(next).filter(|&&close| rest.starts_with("${{") && close + 2 <= end);
        close.map(|close| close + 2)
    }
}

/// What begins with `zenml`, behind what may stand before it.
fn command(mut words: Vec<Word>) -> Option<Vec<Word>> {
    let is_command = |word: &str| word.strip_suffix(COMMAND).is_some_and(|path| path.is_empty() || path.ends_with('/'));
    let is_value = |index: usize| {
        let before = index.checked_sub(1).and_then(|before| words.get(before));
        before.is_some_and(|before| OPTIONS_WITH_VALUE.contains(&before.text.as_str()))
    };
    let first = words.iter().enumerate().position(|(index, word)| is_command(&word.text) && !is_value(index))?;
    let before = words.get(..first)?;
    let may_stand = |(index, word): (usize, &Word)| {
        let assigns = |name: &str| {
            name.starts_with(|c: char| c.is_alphabetic() || c == '_')
                && name.chars().all(|c| c.is_alphanumeric() || c == '_')
        };
        COMMAND_PREFIXES.contains(&word.text.as_str())
            || (index > 0 && word.text.starts_with('-'))
            || is_value(index)
            || word.text.split_once('=').is_some_and(|(name, _)| assigns(name))
    };
    before.iter().enumerate().all(may_stand).then(|| words.split_off(first))
}
