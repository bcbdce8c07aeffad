//! Tests that `docs/src/messages.md` lists the messages of the program. The test reads the sources:
//! the string literals of errors, of reasons why a store cannot answer, of warnings and of notes.
//!
//! A message of the page may have placeholders, such as `FILE`, where the literal has `{path}`. A
//! row matches a literal if it contains all parts of the literal between its placeholders, in order.

use crate::pages::read;
use crate::support::{files_below, project};
use std::path::Path;

/// The starts of expressions whose literals are messages.
const MESSAGES: [&str; 16] = [
    "Failure::usage(",
    "Failure::contradiction(",
    "Failure::unanswered(",
    "Failure::finding(",
    "StoreError::Forbidden(",
    "StoreError::EmptyListing(",
    "StoreError::Unreachable(",
    "reader.fail(",
    "self.fail(",
    "let message =",
    "Self::permanent(",
    "Self::transient(",
    "CallError::permanent(",
    "CallError::transient(",
    "ProgramError::NotRun(",
    "Self::failed(",
];

/// The starts of expressions whose literals are notes or warnings, with the prefix that is printed
/// before them.
const NOTICES: [(&str, &str); 3] = [
    (".note(", "note: "),
    ("fn warning(", "warning: "),
    ("let warning =", "warning: "),
];

/// Parts of the sources whose literals are not messages of this page.
const OTHER_SOURCES: [(&str, &str); 6] = [
    ("src/lint/rules", "rules.md describes findings"),
    ("src/document", "findings of the rule syntax-error"),
    ("src/output", "formats of reports"),
    ("src/prompt", "questions"),
    ("src/lsp/dispatch.rs", "errors of the protocol"),
    ("src/diagnostics", "types of errors"),
];

/// Literals in these expressions that are only parts of a message.
const PARTS: [&str; 4] = [
    "dynamic reference",
    " and {others} more",
    "a value of `{secret}`",
    "the value of `{secret}.{key}`",
];

/// Returns the code of a source file before its tests, without comments.
pub fn code(text: &str) -> String {
    let end = text
        .match_indices("#[cfg(test)]\n")
        .map(|(at, _)| at)
        .find(|at| {
            let mut lines = text[*at..]
                .lines()
                .skip_while(|line| !line.starts_with("mod "));
            lines.next().is_some_and(|line| line.ends_with('{'))
        });
    let lines = text[..end.unwrap_or(text.len())].lines();
    let code = lines.filter(|line| !line.trim_start().starts_with("//"));
    code.collect::<Vec<_>>().join("\n")
}

/// Returns the string literal that starts after a quote, and the text after its closing quote.
fn literal(text: &str) -> (String, &str) {
    let mut value = String::new();
    let mut rest = text.chars();
    loop {
        match rest.next() {
            Some('\\') => match rest.next() {
                Some('\n') => {
                    let trimmed = rest.as_str().trim_start();
                    rest = trimmed.chars();
                }
                Some('n') => value.push('\n'),
                Some(c) => value.push(c),
                None => return (value, ""),
            },
            Some('"') | None => return (value, rest.as_str()),
            Some(c) => value.push(c),
        }
    }
}

/// Returns the string literals of an expression: up to the bracket that closes it, or up to the
/// semicolon or the end of the block in which it is.
pub fn literals(mut text: &str, is_statement: bool) -> Vec<String> {
    let (mut found, mut depth) = (Vec::new(), 0);
    while let Some(at) = text.find(['"', '\'', '(', '[', '{', ')', ']', '}', ';']) {
        let rest = &text[at..];
        let first = rest.chars().next().unwrap();
        text = &rest[1..];
        match first {
            '"' => {
                let (value, after) = literal(text);
                found.push(value);
                text = after;
            }
            // A character such as '"' or '{', but not a lifetime.
            '\'' if text.chars().nth(1) == Some('\'') => {
                text = text.split_once('\'').unwrap().1;
            }
            '(' | '[' | '{' => depth += 1,
            ';' if depth == 0 && is_statement => break,
            '\'' | ';' => {}
            _ if depth == 0 => break,
            _ => {
                depth -= 1;
            }
        }
    }
    found
}

/// Returns whether a literal is a sentence: text with a space, and not only placeholders.
fn is_sentence(literal: &str) -> bool {
    let words = parts(literal).join(" ");
    words
        .split_whitespace()
        .filter(|word| word.len() > 1)
        .count()
        > 1
}

/// Returns the parts of a literal between its placeholders.
fn parts(literal: &str) -> Vec<String> {
    let (mut parts, mut part) = (Vec::new(), String::new());
    let mut rest = literal.chars().peekable();
    while let Some(c) = rest.next() {
        match c {
            '{' | '}' if rest.peek() == Some(&c) => {
                rest.next();
                part.push(c);
            }
            '{' => {
                parts.push(std::mem::take(&mut part));
                for inner in rest.by_ref() {
                    if inner == '}' {
                        break;
                    }
                }
            }
            _ => part.push(c),
        }
    }
    parts.push(part);
    parts.retain(|part| !part.is_empty());
    parts
}

/// Returns whether a message of the page contains the parts of a literal, in order.
fn contains(message: &str, literal: &str) -> bool {
    let mut rest = message;
    parts(literal).iter().all(|part| {
        let after = rest.split_once(part.as_str()).map(|(_, after)| after);
        rest = after.unwrap_or_default();
        after.is_some()
    })
}

/// Returns the messages of a source file, as literals with `{placeholders}`.
fn messages_of(path: &Path) -> Vec<String> {
    let code = code(&read(path));
    let mut found: Vec<String> = Vec::new();
    for start in MESSAGES {
        for (at, _) in code.match_indices(start) {
            let sentences = literals(&code[at + start.len()..], !start.ends_with('('))
                .into_iter()
                .filter(|literal| is_sentence(literal));
            // The literals after the message of a mistake in a config are its help.
            let number = if start.ends_with(".fail(") {
                1
            } else {
                usize::MAX
            };
            found.extend(sentences.take(number));
        }
    }
    for (start, prefix) in NOTICES {
        for (at, _) in code.match_indices(start) {
            let mut expression = &code[at + start.len()..];
            if start.starts_with("fn ") {
                expression = expression.split_once('{').unwrap().1;
            }
            let sentences = literals(expression, !start.ends_with('('))
                .into_iter()
                .filter(|literal| is_sentence(literal) && !PARTS.contains(&literal.as_str()));
            found.extend(sentences.map(|literal| format!("{prefix}{literal}")));
        }
    }
    for prefix in ["\"note: ", "\"warning: "] {
        let printed = code
            .match_indices(prefix)
            .map(|(at, _)| literal(&code[at + 1..]).0);
        found.extend(
            printed.filter(|literal| {
                is_sentence(literal) && parts(literal).len() + literal.len() > 12
            }),
        );
    }
    found.retain(|literal| !PARTS.contains(&literal.as_str()));
    found
}

/// Returns the messages of all sources, each with its file.
fn program_messages() -> Vec<(String, String)> {
    let mut messages = Vec::new();
    for path in files_below(&project().join("src"), Some("rs")) {
        let shown = path.strip_prefix(project()).unwrap().display().to_string();
        if OTHER_SOURCES
            .iter()
            .any(|(part, _)| shown.starts_with(part))
        {
            continue;
        }
        for message in messages_of(&path) {
            messages.push((shown.clone(), message));
        }
    }
    messages
}

/// Returns the cells of the page's tables that contain messages.
fn page_messages() -> Vec<String> {
    let page = read(&project().join("docs/src/messages.md"));
    let (mut messages, mut column) = (Vec::new(), None);
    for line in page.lines() {
        let Some(row) = line
            .strip_prefix("| ")
            .and_then(|row| row.strip_suffix(" |"))
        else {
            column = column.filter(|_| line.starts_with("|---"));
            continue;
        };
        let cells: Vec<&str> = row.split(" | ").collect();
        let header = ["message", "first part", "reason", "help"];
        match (column, cells.iter().position(|cell| header.contains(cell))) {
            (None, found) => column = Some(found.expect("a table has a column of messages")),
            (Some(column), _) => messages.push(cells[column].to_owned()),
        }
    }
    messages
}

#[test]
fn the_page_lists_every_message() {
    let page = page_messages();
    let program = program_messages();
    assert!(program.len() > 200, "{}", program.len());
    let missing: Vec<String> = program
        .iter()
        .filter(|(_, literal)| !page.iter().any(|message| contains(message, literal)))
        .map(|(file, literal)| format!("{file}: {literal}"))
        .collect();
    assert!(
        missing.is_empty(),
        "add these messages to docs/src/messages.md:\n{}",
        missing.join("\n")
    );
}

#[test]
fn every_message_of_the_page_exists() {
    // A message may be composed of literals that are not in the expressions of `MESSAGES`.
    let mut sentences = Vec::new();
    for path in files_below(&project().join("src"), Some("rs")) {
        let all = literals(&code(&read(&path)), false);
        sentences.extend(all.into_iter().filter(|literal| is_sentence(literal)));
    }
    let obsolete: Vec<String> = page_messages()
        .into_iter()
        .filter(|message| !sentences.iter().any(|literal| contains(message, literal)))
        .collect();
    assert!(
        obsolete.is_empty(),
        "no message of the program matches these of docs/src/messages.md:\n{}",
        obsolete.join("\n")
    );
}

#[test]
fn literals_are_read_with_their_placeholders() {
    let source =
        "Failure::usage(format!(\"cannot read `{path}`: \\\n     {}\", '\"')).with_help(\"x y\")";
    assert_eq!(
        literals(&source["Failure::usage(".len()..], false),
        ["cannot read `{path}`: {}"]
    );
    assert_eq!(parts("a {b} c `{{d}}`"), ["a ", " c `{d}`"]);
    assert!(contains(
        "cannot read `FILE`: REASON",
        "cannot read `{path}`: {}"
    ));
    assert!(!contains(
        "cannot open `FILE`: REASON",
        "cannot read `{path}`: {}"
    ));
    assert!(is_sentence("not found: {x}") && !is_sentence("{call}: {reason} x"));
}
