//! Reads one simple command: assignments, words and redirections up to an operator.
//!
//! The target of a redirection is not a word of the command. `program_search` finds the program in the
//! words, and `command_scanner` finds the commands in a region.

use super::code_region::{CodeRegion, Substitution};
use super::heredocs::{Heredoc, heredoc_operator};
use super::word_lexer::{LexedWord, read_word};
use std::ops::Range;

/// The builtins whose arguments are assignments.
const DECLARATIONS: [&str; 5] = ["export", "readonly", "local", "declare", "typeset"];

/// A simple command. Its offsets are offsets in the code.
#[derive(Default)]
pub(super) struct SimpleCommand {
    /// The assignments before the program, and those of a declaration such as `export`.
    pub assignments: Vec<AssignmentWord>,
    /// The program and its arguments.
    pub words: Vec<LexedWord>,
    /// The operators of here-documents.
    pub heredocs: Vec<Heredoc>,
    /// The texts of `<<<`.
    pub herestrings: Vec<LexedWord>,
    /// The code that the shell runs for a redirection.
    pub substitutions: Vec<Substitution>,
    /// The offset of the operator that ends the command.
    pub end: usize,
}

/// An assignment such as `NAME=value`.
pub(super) struct AssignmentWord {
    /// The range of the name in the code.
    pub name: Range<usize>,
    /// Whether the value is appended: `NAME+=value`.
    pub appends: bool,
    /// The value.
    pub value: AssignedValue,
}

/// The value of an assignment.
pub(super) enum AssignedValue {
    /// One word.
    Word(LexedWord),
    /// The words of an array: `NAME=(a b)`.
    Array(Vec<LexedWord>),
    /// An element of an array: `NAME[0]=a`.
    Element(LexedWord),
}

impl AssignedValue {
    /// Returns the words of the value.
    pub fn words(&self) -> &[LexedWord] {
        match self {
            Self::Word(word) | Self::Element(word) => std::slice::from_ref(word),
            Self::Array(words) => words,
        }
    }
}

impl SimpleCommand {
    /// Returns all words whose code the shell runs: also those of assignments and here-strings.
    pub fn substitutions(&self) -> impl Iterator<Item = &Substitution> {
        let assigned = self
            .assignments
            .iter()
            .flat_map(|assignment| assignment.value.words());
        let words = assigned.chain(&self.words).chain(&self.herestrings);
        words
            .flat_map(|word| &word.substitutions)
            .chain(&self.substitutions)
    }

    /// Returns whether the command is a declaration such as `export NAME=value`.
    pub fn is_declaration(&self) -> bool {
        let first = self.words.first();
        first.is_some_and(|word| DECLARATIONS.contains(&word.as_str()))
    }
}

/// Returns the offset after blanks and continuation lines.
pub(super) fn skip_blanks(region: &CodeRegion<'_>, mut at: usize) -> usize {
    loop {
        at += match region.byte(at) {
            Some(b' ' | b'\t') => 1,
            Some(b'\r') if matches!(region.byte(at + 1), None | Some(b'\n')) => 1,
            Some(b'\\') => match region.continuation_len(at) {
                0 => return at,
                len => len,
            },
            _ => return at,
        };
    }
}

/// Reads the simple command at an offset.
pub(super) fn read_simple_command(region: &CodeRegion<'_>, start: usize) -> SimpleCommand {
    let mut command = SimpleCommand::default();
    let mut at = start;
    loop {
        at = skip_blanks(region, at);
        let next = region.byte(at + 1);
        at = match region.byte(at) {
            Some(b'#') => {
                at = region.end_of_line(at);
                break;
            }
            Some(b'&') if next == Some(b'>') => read_redirection(region, at + 1, &mut command),
            Some(b'<' | b'>') if next != Some(b'(') => read_redirection(region, at, &mut command),
            None | Some(b'\n' | b';' | b'&' | b'|' | b'(' | b')') => break,
            Some(_) => read_argument(region, at, &mut command),
        };
    }
    command.end = at;
    command
}

/// Reads an assignment, a file descriptor or a word.
fn read_argument(region: &CodeRegion<'_>, at: usize, command: &mut SimpleCommand) -> usize {
    let may_be_assignment = command.words.is_empty() || command.is_declaration();
    if may_be_assignment && let Some((assignment, end)) = read_assignment(region, at) {
        command.assignments.push(assignment);
        return end;
    }
    let word = read_word(region, at);
    // A byte that cannot be part of a word is skipped.
    let end = word.range.end.max(at + 1);
    let is_descriptor = word.as_str().bytes().all(|byte| byte.is_ascii_digit())
        && word.is_plain()
        && matches!(region.byte(end), Some(b'<' | b'>'));
    if !is_descriptor && !word.range.is_empty() {
        command.words.push(word);
    }
    end
}

/// Reads an assignment. Returns `None` for another word.
fn read_assignment(region: &CodeRegion<'_>, start: usize) -> Option<(AssignmentWord, usize)> {
    let name_len = name_len(region, start);
    if name_len == 0 {
        return None;
    }
    let name = start..start + name_len;
    let mut at = name.end;
    let mut is_element = false;
    if region.byte(at) == Some(b'[') {
        let line = region.slice(at, region.end_of_line(at));
        at += line
            .find([']', '=', ' '])
            .filter(|&len| line.as_bytes().get(len) == Some(&b']'))?
            + 1;
        is_element = true;
    }
    let appends = region.byte(at) == Some(b'+');
    at += usize::from(appends);
    if region.byte(at) != Some(b'=') {
        return None;
    }
    at += 1;
    let (value, end) = if region.byte(at) == Some(b'(') && !is_element {
        let (words, end) = read_array(region, at + 1);
        (AssignedValue::Array(words), end)
    } else {
        let word = read_word(region, at);
        let end = word.range.end;
        let value = if is_element {
            AssignedValue::Element(word)
        } else {
            AssignedValue::Word(word)
        };
        (value, end)
    };
    Some((
        AssignmentWord {
            name,
            appends,
            value,
        },
        end,
    ))
}

/// Returns the length of the name of a variable at an offset, or 0.
fn name_len(region: &CodeRegion<'_>, at: usize) -> usize {
    let is_name = |byte: &u8| byte.is_ascii_alphanumeric() || *byte == b'_';
    let rest = region.slice(at, region.end).as_bytes();
    if rest.first().is_some_and(u8::is_ascii_digit) {
        return 0;
    }
    rest.iter().take_while(|byte| is_name(byte)).count()
}

/// Reads the words of an array, which may span lines. Returns the offset after its parenthesis.
fn read_array(region: &CodeRegion<'_>, mut at: usize) -> (Vec<LexedWord>, usize) {
    let mut words = Vec::new();
    loop {
        at = skip_blanks(region, at);
        match region.byte(at) {
            None => break,
            Some(b')') => {
                at += 1;
                break;
            }
            Some(b'#') => at = region.end_of_line(at),
            Some(b'\n') => at += 1,
            Some(_) => {
                let word = read_word(region, at);
                if word.range.is_empty() {
                    // An operator: the array is not closed.
                    break;
                }
                at = word.range.end;
                words.push(word);
            }
        }
    }
    (words, at)
}

/// Reads a redirection, whose operator begins with `<` or `>` at an offset.
fn read_redirection(region: &CodeRegion<'_>, at: usize, command: &mut SimpleCommand) -> usize {
    let rest = region.bytes_from(at);
    let is_herestring = rest.starts_with(b"<<<");
    if rest.starts_with(b"<<") && !is_herestring {
        let Some(heredoc) = heredoc_operator(region.slice(0, region.end), at) else {
            return at + 2;
        };
        let end = heredoc.end;
        command.heredocs.push(heredoc);
        return end;
    }
    let operators: [&[u8]; 6] = [b"<<<", b">>", b"<&", b">&", b"<>", b">|"];
    let operator = operators.iter().find(|operator| rest.starts_with(operator));
    let target_at = skip_blanks(region, at + operator.map_or(1, |operator| operator.len()));
    let target = read_word(region, target_at);
    let end = target.range.end;
    if is_herestring {
        command.herestrings.push(target);
    } else {
        command.substitutions.extend(target.substitutions);
    }
    end
}
