//! Finds the `zenml` commands of a text: in scripts on every line, in Markdown and similar texts
//! only in code.

use super::COMMAND;
use super::shell_lexer::{LogicalLine, Word};
use memchr::{memchr, memmem};
use std::path::Path;

/// Options of programs such as `sudo` and `uv` that take the next word as their value.
const OPTIONS_WITH_VALUE: [&str; 9] = [
    "-u",
    "--user",
    "-g",
    "--group",
    "-n",
    "--name",
    "--with",
    "--python",
    "--project",
];

/// Words that may precede a command.
#[rustfmt::skip]
const COMMAND_PREFIXES: [&str; 30] = [
    "$", "%", "❯", "!", "{", "-", "sudo", "exec", "time", "command", "env", "nohup", "if", "then", "else", "while",
    "until", "do", "run:", "RUN", "poetry", "uv", "pipenv", "pdm", "hatch", "rye", "run", "python", "python3", "-m",
];

/// Returns the commands of a text, each with the word `zenml` first. The time is linear in the
/// length of the text.
pub(super) fn find_commands(text: &str, prose: bool) -> Vec<Vec<Word>> {
    let bytes = text.as_bytes();
    let finder = memmem::Finder::new(COMMAND);
    let find = |from: usize| {
        finder
            .find(bytes.get(from..).unwrap_or_default())
            .map_or(text.len(), |at| from + at)
    };
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
        } else if prose
            && fence.is_none()
            && !physical.starts_with("    ")
            && !physical.starts_with('\t')
        {
            let end = if physical.trim().is_empty() {
                end
            } else {
                end_of_paragraph(text, end)
            };
            find_inline_code(text, at, end, &mut found);
            at = end + 1;
        } else {
            if at >= line.end {
                line = LogicalLine::new(text, at, logical_end(text, end, prose));
            }
            let before = found.len();
            at = if next < line.end {
                line.read_commands(at, line.end, 0, &mut found) + 1
            } else {
                line.end + 1
            };
            if prose && fence.is_none() {
                retain_with_option(&mut found, before);
            }
        }
        if next < at {
            next = find(at);
        }
    }
    found
}

/// Removes the commands from `from` on that have no option. In prose, indented text may be a
/// paragraph of a list that begins with `zenml`.
fn retain_with_option(found: &mut Vec<Vec<Word>>, from: usize) {
    let indented = found.split_off(from);
    found.extend(
        indented
            .into_iter()
            .filter(|words| words.iter().any(|word| word.text.starts_with('-'))),
    );
}

/// Returns whether a file is prose with code in it, by its extension.
pub fn is_prose(path: &str) -> bool {
    let extension = Path::new(path)
        .extension()
        .and_then(|extension| extension.to_str())
        .unwrap_or_default();
    matches!(
        extension.to_ascii_lowercase().as_str(),
        "md" | "markdown" | "mdx" | "rst" | "adoc" | "txt"
    )
}

/// Returns the end of a line, without its line break.
pub(super) fn end_of_line(text: &str, from: usize) -> usize {
    memchr(b'\n', text.as_bytes().get(from..).unwrap_or_default())
        .map_or(text.len(), |at| from + at)
}

/// Returns the end of a line and of the lines that backslashes append to it. `end` is the end of
/// the first line.
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

/// Returns the backticks or tildes that open or close a code block, and the info string after them.
/// An info string with a backtick would be inline code.
fn fence_mark(line: &str) -> Option<(&str, &str)> {
    let line = line.trim_start_matches([' ', '\t', '>']);
    let len = ['`', '~']
        .into_iter()
        .map(|mark| line.len() - line.trim_start_matches(mark).len())
        .max()?;
    let (mark, info) = line.split_at_checked(len)?;
    (len >= 3 && !(mark.starts_with('`') && info.contains('`'))).then_some((mark, info))
}

/// Returns the end of a paragraph that contains the line before `end`. It ends before an empty line
/// or a code block.
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

/// Adds the commands in inline code, which is between backticks. Several backticks in a row are one
/// mark.
fn find_inline_code(text: &str, start: usize, end: usize, found: &mut Vec<Vec<Word>>) {
    let (mut at, mut inside) = (start, false);
    for piece in text
        .get(start..end)
        .unwrap_or_default()
        .split_inclusive('`')
    {
        let code = piece.trim_end_matches('`');
        if inside && code.contains(COMMAND) {
            LogicalLine::new(text, at, at + code.len()).read_commands(
                at,
                at + code.len(),
                0,
                found,
            );
        }
        // The other backticks of a row are pieces of their own.
        let is_same_mark = code.is_empty()
            && text
                .get(start..at)
                .is_some_and(|before| before.ends_with('`'));
        inside ^= piece.len() > code.len() && !is_same_mark;
        at += piece.len();
    }
}

/// Returns the words from `zenml` on. Returns `None` if other words precede it than those that may
/// precede a command.
pub(super) fn zenml_command(mut words: Vec<Word>) -> Option<Vec<Word>> {
    let first = (0..words.len()).find(|&index| {
        words.get(index).is_some_and(|word| is_zenml(&word.text)) && !is_option_value(&words, index)
    })?;
    let prefix = words.get(..first)?;
    (0..prefix.len())
        .all(|index| may_precede_command(prefix, index))
        .then(|| words.split_off(first))
}

/// Returns whether a word is the program, with or without a path.
fn is_zenml(word: &str) -> bool {
    word.strip_suffix(COMMAND)
        .is_some_and(|path| path.is_empty() || path.ends_with('/'))
}

/// Returns whether a word is the value of the option before it.
fn is_option_value(words: &[Word], index: usize) -> bool {
    let previous = index
        .checked_sub(1)
        .and_then(|previous| words.get(previous));
    previous.is_some_and(|previous| OPTIONS_WITH_VALUE.contains(&previous.text.as_str()))
}

fn may_precede_command(words: &[Word], index: usize) -> bool {
    let Some(word) = words.get(index) else {
        return false;
    };
    COMMAND_PREFIXES.contains(&word.text.as_str())
        || (index > 0 && word.text.starts_with('-'))
        || is_option_value(words, index)
        || word
            .text
            .split_once('=')
            .is_some_and(|(name, _)| is_variable_name(name))
}

fn is_variable_name(name: &str) -> bool {
    name.starts_with(|c: char| c.is_alphabetic() || c == '_')
        && name.chars().all(|c| c.is_alphanumeric() || c == '_')
}
