//! Finds the commands in a code cell of `IPython`.
//!
//! - `!zenml …`, `!!zenml …`, `x = !zenml …`, also indented.
//! - `%sx zenml …`, `%system zenml …`, and `%shell` of Colab.
//! - Cells that begin with `%%bash`, `%%sh`, `%%script bash`, `%%system` and similar, or with `%sh`
//!   of Databricks, or that write a shell script.
//!
//! In lines, variables of Python become variables of the shell (`python_variables`).

use super::python_variables::{is_formatted, push_formatted};
use crate::document::offsets::OffsetMapBuilder;
use crate::document::snippets::shell_quotes::QuoteScanner;

/// Line magics whose argument is a command.
const COMMAND_MAGICS: [&str; 3] = ["%sx ", "%system ", "%shell "];

/// Cell magics whose body is a shell script.
const SHELL_MAGICS: [&str; 9] = [
    "bash", "sh", "zsh", "ksh", "shell", "system", "sx", "!", "terminal",
];

/// Cell magics whose body is Python.
const PYTHON_MAGICS: [&str; 6] = ["capture", "time", "timeit", "prun", "python", "python3"];

/// Returns the shell code of a cell, or `None` if it has none.
pub(in crate::document::snippets) fn shell_code(cell: &str) -> Option<OffsetMapBuilder> {
    let start = cell.len() - cell.trim_start().len();
    let first = cell.get(start..)?.split_inclusive('\n').next()?;
    match first_line_magic(first) {
        CellMagic::Shell => {
            let mut out = OffsetMapBuilder::default();
            // `%sh` of Databricks may have the first command in its line.
            let is_line = !first.starts_with("%%");
            let body = start + if is_line { "%sh".len() } else { first.len() };
            push_script(&mut out, body, cell.get(body..)?);
            Some(out)
        }
        CellMagic::Python => python_commands(cell),
        CellMagic::Other => None,
    }
}

/// The code that the first line of a cell announces.
enum CellMagic {
    Shell,
    Python,
    Other,
}

fn first_line_magic(line: &str) -> CellMagic {
    let mut words = line.split_whitespace();
    let first = words.next().unwrap_or_default();
    // A cell of Databricks in another language.
    if first == "%sh" {
        return CellMagic::Shell;
    }
    let Some(magic) = first.strip_prefix("%%") else {
        return CellMagic::Python;
    };
    let program = words
        .clone()
        .map(|word| word.rsplit('/').next().unwrap_or_default())
        .find(|name| *name != "env");
    let is_script_file = words.next_back().is_some_and(|file| {
        [".sh", ".bash", ".zsh"]
            .iter()
            .any(|extension| file.ends_with(extension))
    });
    match magic {
        "script" if program.is_some_and(|name| SHELL_MAGICS.contains(&name)) => CellMagic::Shell,
        "writefile" | "file" if is_script_file => CellMagic::Shell,
        _ if SHELL_MAGICS.contains(&magic) => CellMagic::Shell,
        _ if PYTHON_MAGICS.contains(&magic) => CellMagic::Python,
        _ => CellMagic::Other,
    }
}

/// Adds a script without the carriage returns before its line breaks.
fn push_script(out: &mut OffsetMapBuilder, start: usize, script: &str) {
    let mut at = start;
    for line in script.split_inclusive('\n') {
        let text = line.strip_suffix("\r\n").unwrap_or(line);
        out.push_verbatim(at, text);
        if text.len() < line.len() {
            out.push_verbatim(at + text.len() + 1, "\n");
        }
        at += line.len();
    }
}

/// Returns the commands of a cell in Python.
fn python_commands(cell: &str) -> Option<OffsetMapBuilder> {
    if !cell.contains(['!', '%']) {
        return None;
    }
    let mut out = OffsetMapBuilder::default();
    let mut quotes = LongStrings::default();
    let mut at = 0;
    while let Some(rest) = cell.get(at..).filter(|rest| !rest.is_empty()) {
        let line = rest.split_inclusive('\n').next().unwrap_or(rest);
        let text = line.trim_end_matches(['\r', '\n']);
        let skipped = if quotes.is_open() {
            None
        } else {
            command_start(text)
        };
        if let Some(skipped) = skipped {
            let command = rest.get(skipped..command_len(rest)).unwrap_or_default();
            push_command(&mut out, at + skipped, command);
            at += skipped + command.len();
        } else {
            quotes.feed(text);
            at += line.len();
        }
    }
    (!out.text().is_empty()).then_some(out)
}

/// Returns the length of the lines at the start of a text up to one that does not end in a
/// backslash.
fn command_len(text: &str) -> usize {
    let mut lines = text.split_inclusive('\n');
    let is_continued = |line: &&str| line.trim_end_matches(['\r', '\n']).ends_with('\\');
    let continued: usize = lines.by_ref().take_while(is_continued).map(str::len).sum();
    let last = text.get(continued..).unwrap_or_default();
    continued + last.split_inclusive('\n').next().map_or(0, str::len)
}

/// Adds a command, which may have several lines.
fn push_command(out: &mut OffsetMapBuilder, start: usize, command: &str) {
    let is_formatted = is_formatted(command);
    let mut quotes = QuoteScanner::default();
    let mut at = start;
    for line in command.split_inclusive('\n') {
        let text = line.trim_end_matches(['\r', '\n']);
        if is_formatted {
            push_formatted(out, at, text, &mut quotes);
        } else {
            out.push_verbatim(at, text);
        }
        out.push_replaced(at + text.len(), line.len() - text.len(), "\n");
        at += line.len();
    }
}

/// Returns the offset of the command in a line, or `None` if the line is Python.
fn command_start(line: &str) -> Option<usize> {
    let text = line.trim_start();
    let rest = match text.split_once('=') {
        Some((target, value)) if is_target(target) => {
            let value = value.trim_start();
            let is_command =
                (value.starts_with('!') && !value.starts_with("!=")) || value.starts_with('%');
            if is_command { value } else { text }
        }
        _ => text,
    };
    let command = match rest.strip_prefix('!') {
        Some(command) => command.strip_prefix('!').unwrap_or(command),
        None => COMMAND_MAGICS
            .iter()
            .find_map(|magic| rest.strip_prefix(magic))?,
    };
    Some(line.len() - command.len())
}

/// Returns whether a text can be the target of an assignment.
fn is_target(text: &str) -> bool {
    let text = text.trim_end();
    let is_valid = |c: char| c.is_alphanumeric() || "_.,[]'\" ".contains(c);
    text.starts_with(|c: char| c.is_alphabetic() || c == '_') && text.chars().all(is_valid)
}

/// Tracks the strings of Python that span lines, in which `!` is text.
#[derive(Default)]
struct LongStrings {
    open: Option<&'static str>,
}

impl LongStrings {
    fn is_open(&self) -> bool {
        self.open.is_some()
    }

    /// Reads a line.
    fn feed(&mut self, line: &str) {
        let mut at = 0;
        while let Some(rest) = line.get(at..).filter(|rest| !rest.is_empty()) {
            let quotes = ["'''", "\"\"\""]
                .into_iter()
                .find(|quotes| rest.starts_with(quotes));
            match (self.open, quotes) {
                (None, Some(quotes)) => self.open = Some(quotes),
                (Some(open), Some(quotes)) if open == quotes => self.open = None,
                _ => {}
            }
            let char_len = rest.chars().next().map_or(1, char::len_utf8);
            at += quotes.map_or(char_len, str::len);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn commands(cell: &str) -> Option<String> {
        let (text, map) = shell_code(cell)?.build(0);
        for (at, c) in text.char_indices() {
            let span = map.source(at, at + c.len_utf8());
            let found = &cell[span.start..span.end];
            let is_replaced = found.is_empty() || found.starts_with(['{', '}', '\r']);
            assert!(is_replaced || found.starts_with(c), "{c:?} {found:?}");
        }
        Some(text)
    }

    #[test]
    fn commands_of_lines_are_found() {
        for (cell, expected) in [
            ("!zenml x", "zenml x\n"),
            ("import a\n!zenml x\nb()\n!zenml y\n", "zenml x\nzenml y\n"),
            ("  !zenml x", "zenml x\n"),
            ("! zenml x", " zenml x\n"),
            ("!!zenml x", "zenml x\n"),
            ("a = !zenml x", "zenml x\n"),
            ("a, b.c['d']=!zenml x=y", "zenml x=y\n"),
            ("%sx zenml x", "zenml x\n"),
            ("a = %system zenml x", "zenml x\n"),
            ("!zenml x \\\n  --a=b\nc = 1\n", "zenml x \\\n  --a=b\n"),
            (
                "!cd a && zenml x\r\n!zenml y\r\n",
                "cd a && zenml x\nzenml y\n",
            ),
            ("%%capture\n!zenml x", "zenml x\n"),
            ("%%time\n!zenml x", "zenml x\n"),
            (
                "if a:\n    !zenml x --port {port}",
                "zenml x --port ${port}\n",
            ),
            (
                "!zenml {a.b} '{c}' {d[0]}",
                "zenml ${_} ''\"${c}\"'' ${_}\n",
            ),
            (
                "!zenml --a={{s.k}} '{\"a\": {\"b\": 1}}'",
                "zenml --a={{s.k}} '{\"a\": {\"b\": 1}}'\n",
            ),
            ("!zenml --a={{{{s.k}}}}", "zenml --a={{s.k}}\n"),
            (
                "!zenml '{\"a\":{\"b\":{\"c\":{\"d\":1}}}}'",
                "zenml '{\"a\":{\"b\":{\"c\":{\"d\":1}}}}'\n",
            ),
            ("!awk '{print $1}' é {é}", "awk '{print $1}' é {é}\n"),
            ("!zenml é {é}", "zenml é ${_}\n"),
            (
                "!zenml --a={{{{s.k}}}} '{\"a\": {b}}'",
                "zenml --a={{{{s.k}}}} '{\"a\": {b}}'\n",
            ),
            (
                "!zenml --a='{{\"b\": {{\"c\": 1}}}}' --d={{{d}}}",
                "zenml --a='{\"b\": {\"c\": 1}}' --d={${d}}\n",
            ),
            ("!zenml --a={{ s.k }} }", "zenml --a={{ s.k }} }\n"),
            ("!zenml --a={{s}} \\\n {b}", "zenml --a={{s}} \\\n ${b}\n"),
            ("s = \"\"\"\n!zenml x\n\"\"\"\n!zenml y", "zenml y\n"),
            ("s = '''!a'''\n!zenml y", "zenml y\n"),
        ] {
            assert_eq!(commands(cell).as_deref(), Some(expected), "{cell}");
        }
    }

    #[test]
    fn cells_of_a_shell_are_scripts() {
        for (cell, expected) in [
            ("%%bash\nzenml x\nzenml y {a}\n", "zenml x\nzenml y {a}\n"),
            ("\n\n%%sh -e\nzenml x", "zenml x"),
            ("%%script bash --bg\nzenml x", "zenml x"),
            ("%%script /usr/bin/env bash\nzenml x", "zenml x"),
            ("%%!\nzenml x", "zenml x"),
            ("%%sx\r\nzenml x\r\nzenml y", "zenml x\nzenml y"),
            ("%%shell\nzenml x", "zenml x"),
            ("%sh\nzenml x", "\nzenml x"),
            ("%sh zenml x", " zenml x"),
            ("%%writefile -a setup.sh\nzenml x", "zenml x"),
        ] {
            assert_eq!(commands(cell).as_deref(), Some(expected), "{cell}");
        }
    }

    #[test]
    fn python_has_no_commands() {
        for cell in [
            "",
            "zenml x",
            "a != b",
            "a = b % c",
            "%pip install zenml",
            "print('!zenml x')",
            "f(!zenml)",
            "%%html\n!zenml x",
            "%%writefile a.py\n!zenml x",
            "%%script python\n!zenml x",
            "# c\n%%bash\nzenml x",
        ] {
            assert_eq!(commands(cell), None, "{cell}");
        }
    }
}
