//! Code in code: here-documents of a shell, and backticks.

use super::MAX_DEPTH;
use super::code_region::CodeRegion;
use super::heredocs::Heredoc;
use super::program_search::{Program, find_program};
use super::shell_options::CodeSource;
use super::simple_command::read_simple_command;
use super::word_lexer::{LexedWord, read_heredoc_text};
use std::ops::Range;

/// Returns whether a here-document of a command is code: if the command is a shell, or if it passes
/// its input to one, as `cat <<EOF | bash` does. `end` is the offset after the command.
pub(super) fn reads_heredoc_as_code(region: &CodeRegion<'_>, words: &[&str], end: usize) -> bool {
    if reads_code(words) {
        return true;
    }
    let passes_input = matches!(words, ["cat"] | ["cat", "-"] | ["tee" | "envsubst", ..]);
    let is_pipe = region.byte(end) == Some(b'|') && region.byte(end + 1) != Some(b'|');
    if !passes_input || !is_pipe {
        return false;
    }
    let next = read_simple_command(region, end + 1);
    let words: Vec<&str> = next.words.iter().map(LexedWord::as_str).collect();
    reads_code(&words)
}

/// Returns whether a command is a shell that reads its standard input, possibly on another host.
fn reads_code(words: &[&str]) -> bool {
    let mut words = words;
    for _ in 0..MAX_DEPTH {
        match find_program(words) {
            Some(Program::Shell(CodeSource::StandardInput)) => return true,
            Some(Program::Shell(CodeSource::Words(index))) => {
                words = words.get(index..).unwrap_or_default();
            }
            _ => break,
        }
    }
    false
}

/// Reads the body of a here-document as the code that a shell gets.
pub(super) fn heredoc_code(
    region: &CodeRegion<'_>,
    heredoc: &Heredoc,
    body: &Range<usize>,
) -> LexedWord {
    if !heredoc.is_raw {
        return read_heredoc_text(&region.part(body.end), body.start, heredoc.strips_tabs);
    }
    let mut word = LexedWord::new(body.clone());
    let mut at = body.start;
    while at < body.end {
        while heredoc.strips_tabs && region.byte(at) == Some(b'\t') {
            at += 1;
        }
        let end = (region.end_of_line(at) + 1).min(body.end);
        word.push(region, at, end);
        at = end.max(at);
    }
    word
}

/// Reads the content of backticks as the code that a shell runs. A backslash in it escapes a few
/// characters, and in double quotes also a quote.
pub(super) fn backtick_code(
    region: &CodeRegion<'_>,
    content: Range<usize>,
    quoted: bool,
) -> LexedWord {
    let mut word = LexedWord::new(content.clone());
    let mut at = content.start;
    while at < content.end {
        let rest = region.slice(at, content.end);
        let plain = rest
            .find('\\')
            .unwrap_or(rest.len())
            .max(usize::from(rest.is_empty()));
        if plain > 0 {
            word.push(region, at, at + plain);
            at += plain;
            continue;
        }
        let escaped = rest.as_bytes().get(1).filter(|byte| match byte {
            b'\\' | b'$' | b'`' => true,
            b'"' => quoted,
            _ => false,
        });
        if escaped.is_some() {
            let character = rest.get(1..2).unwrap_or_default();
            word.text.push_replaced(at, 2, character);
            at += 2;
        } else {
            word.push(region, at, at + 1);
            at += 1;
        }
    }
    word
}
