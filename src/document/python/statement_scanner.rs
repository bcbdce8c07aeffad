//! Splits a module into its statements without parsing it.
//!
//! The parser is slow compared with all other steps, and an error makes it lose its way. So only
//! the statements that may matter are parsed, and each error affects one of them.

use super::logical_lines::LineState;
use crate::text::word_search::WordSearch;
use std::borrow::Cow;
use std::ops::Range;
use std::sync::LazyLock;

/// The longest statement without a word of [`TRIGGERS`] that is parsed. Constants are shorter.
const MAX_PLAIN_BYTES: usize = 1 << 16;

/// The part of a statement that is parsed.
const MAX_STATEMENT_BYTES: usize = 1 << 18;

/// The words that every function of interest contains.
const TRIGGERS: [&str; 12] = [
    "secret",
    "zenml",
    "Client",
    "global ",
    "nonlocal ",
    "cls.",
    "stack_component",
    "register_",
    "Settings(",
    "Config(",
    "config_path",
    "RunConfiguration",
];

static TRIGGER_SEARCH: LazyLock<WordSearch> = LazyLock::new(|| WordSearch::new(&TRIGGERS));

static BINDING_SEARCH: LazyLock<WordSearch> = LazyLock::new(|| WordSearch::new(&BINDING_WORDS));

/// The words of which every statement that binds a name or reads a key has one.
const BINDING_WORDS: [&str; 8] = [
    "=", "import ", "class ", "for ", " as ", "del ", "[", ".get(",
];

/// The beginnings of functions.
const FUNCTIONS: [&str; 3] = ["def ", "async ", "@"];

/// The beginnings of lines that continue the statement before them.
const CONTINUATIONS: [&str; 4] = ["else", "elif", "except", "finally"];

/// The beginnings of lines that cannot be in brackets. After a missing bracket, the statements go
/// on here.
const RESTARTS: [&str; 7] = [
    "def ",
    "class ",
    "async ",
    "import ",
    "from ",
    "@",
    "if __name__",
];

/// How brackets affect the end of a statement.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Brackets {
    /// A statement ends after its brackets.
    Balanced,
    /// A bracket may be missing: a statement ends before each line without indentation.
    Broken,
}

/// Returns the statements at the top level of a part of a text that may matter, in order.
pub(super) fn find_statements(
    text: &str,
    part: Range<usize>,
    brackets: Brackets,
) -> Vec<Range<usize>> {
    let code = text.get(part.clone()).unwrap_or_default();
    let mut statements = Vec::new();
    let mut push = |range: Range<usize>| {
        let statement = code.get(range.clone()).unwrap_or_default();
        if is_relevant(statement) {
            statements.push(part.start + range.start..part.start + range.end);
        }
    };
    let mut state = LineState::default();
    let (mut start, mut at) = (0, 0);
    let mut is_decorated = false;
    for line in code.split_inclusive('\n') {
        let first = line.trim_start_matches(['\u{feff}', '\u{c}']);
        let is_top_level = !first.starts_with([' ', '\t', '\r', '\n', '#', ')', ']', '}']);
        let is_restart = brackets == Brackets::Broken || starts_with_any(first, &RESTARTS);
        if is_top_level && !state.is_in_string() && is_restart {
            state = LineState::default();
        }
        if is_top_level && !state.is_open() {
            let continues = is_decorated || starts_with_any(first, &CONTINUATIONS);
            is_decorated = first.starts_with('@');
            if !continues && at > start {
                push(start..at);
                start = at;
            }
        }
        state.feed(line);
        at += line.len();
    }
    if at > start {
        push(start..at);
    }
    statements
}

fn starts_with_any(line: &str, words: &[&str]) -> bool {
    words.iter().any(|word| line.starts_with(word))
}

/// Returns whether a statement may contain a fact, or a name that facts use.
fn is_relevant(statement: &str) -> bool {
    let first = statement.trim_start_matches(['\u{feff}', '\u{c}']);
    if statement.trim_start().is_empty() {
        return false;
    }
    if starts_with_any(first, &FUNCTIONS) || statement.len() > MAX_PLAIN_BYTES {
        return TRIGGER_SEARCH.is_in(statement.as_bytes());
    }
    BINDING_SEARCH.is_in(statement.as_bytes()) || TRIGGER_SEARCH.is_in(statement.as_bytes())
}

/// Returns a statement with blanks instead of the methods and inner functions that cannot matter.
/// All other bytes keep their offsets.
pub(super) fn without_plain_functions(statement: &str) -> Cow<'_, str> {
    let mut kept: Option<String> = None;
    let mut written = 0;
    for function in inner_functions(statement) {
        let code = statement.get(function.clone()).unwrap_or_default();
        // The constructor assigns the attributes of instances.
        if code.len() < "pass".len()
            || code.contains("def __init__")
            || TRIGGER_SEARCH.is_in(code.as_bytes())
        {
            continue;
        }
        let kept = kept.get_or_insert_with(|| String::with_capacity(statement.len()));
        kept.push_str(statement.get(written..function.start).unwrap_or_default());
        // Every block needs a statement.
        kept.push_str("pass");
        let rest = code.bytes().skip("pass".len());
        kept.extend(rest.map(|byte| if byte == b'\n' { '\n' } else { ' ' }));
        written = function.end;
    }
    match kept {
        Some(mut kept) => {
            kept.push_str(statement.get(written..).unwrap_or_default());
            Cow::Owned(kept)
        }
        None => Cow::Borrowed(statement),
    }
}

/// Returns the outermost functions in a compound statement, without the blanks before them.
fn inner_functions(statement: &str) -> Vec<Range<usize>> {
    let mut functions = Vec::new();
    let mut state = LineState::default();
    let mut at = 0;
    // The start and the indentation of the current function, and whether its header is not read.
    let mut open: Option<(usize, usize, bool)> = None;
    for line in statement.split_inclusive('\n') {
        let text = line.trim_start_matches([' ', '\t']);
        let indentation = line.len() - text.len();
        let is_start = !state.is_open() && !text.starts_with(['#', '\r', '\n']);
        if is_start && !text.is_empty() {
            if let Some((start, outer, is_decorated)) = open {
                if is_decorated && indentation == outer {
                    open = Some((start, outer, text.starts_with('@')));
                } else if indentation <= outer {
                    functions.push(start..at);
                    open = None;
                }
            }
            if open.is_none() && indentation > 0 && starts_with_any(text, &FUNCTIONS) {
                open = Some((at + indentation, indentation, text.starts_with('@')));
            }
        }
        state.feed(line);
        at += line.len();
    }
    functions.extend(open.map(|(start, _, _)| start..at));
    functions
}

/// Returns the length of the part of a statement that is parsed.
pub(super) fn parsed_len(statement: &str) -> usize {
    if statement.len() <= MAX_STATEMENT_BYTES {
        return statement.len();
    }
    let head = statement
        .as_bytes()
        .get(..MAX_STATEMENT_BYTES)
        .unwrap_or_default();
    match memchr::memrchr(b'\n', head) {
        Some(end) => end + 1,
        None => crate::text::source::floor_char_boundary(statement, MAX_STATEMENT_BYTES),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn statements(text: &str) -> Vec<&str> {
        find_statements(text, 0..text.len(), Brackets::Balanced)
            .into_iter()
            .map(|range| &text[range])
            .collect()
    }

    #[test]
    fn statements_begin_at_lines_without_indentation() {
        for (text, expected) in [
            ("", vec![]),
            ("\n\n", vec![]),
            ("a = 1\nb = 2", vec!["a = 1\n", "b = 2"]),
            ("a = 1\r\nb = 2\r\n", vec!["a = 1\r\n", "b = 2\r\n"]),
            (
                "if a:\n    b = 1\nelif c:\n  d\nelse:\n  e\nf = 1",
                vec!["if a:\n    b = 1\nelif c:\n  d\nelse:\n  e\n", "f = 1"],
            ),
            (
                "try:\n  a = 1\nexcept B:\n  c\nfinally:\n  d\ne = 1",
                vec!["try:\n  a = 1\nexcept B:\n  c\nfinally:\n  d\n", "e = 1"],
            ),
            ("a = [\n1,\nb\n]\nc=", vec!["a = [\n1,\nb\n]\n", "c="]),
            (
                "a = \'\'\'\nb\nimport c\n\'\'\'\nd=",
                vec!["a = \'\'\'\nb\nimport c\n\'\'\'\n", "d="],
            ),
            (
                "a = 1 + \\\nb\n# c\n\nd=",
                vec!["a = 1 + \\\nb\n# c\n\n", "d="],
            ),
            (
                "a = (\nimport b\nc=\n",
                vec!["a = (\n", "import b\n", "c=\n"],
            ),
            ("\u{feff}a=\n\u{c}b=", vec!["\u{feff}a=\n", "\u{c}b="]),
            (
                "@a(\n1)\n@b\ndef c():\n  secret\nd=",
                vec!["@a(\n1)\n@b\ndef c():\n  secret\n", "d="],
            ),
        ] {
            assert_eq!(statements(text), expected, "{text:?}");
        }
    }

    #[test]
    fn functions_without_a_trigger_are_skipped() {
        for (text, is_kept) in [
            ("print(1)\n", false),
            ("if x )\n", false),
            ("a = 1\n", true),
            ("with a as b: pass\n", true),
            ("def f():\n    return 1\n", false),
            ("async def f():\n    return 1\n", false),
            ("@a\ndef f():\n    return 1\n", false),
            ("def f():\n    return get_secret(1)\n", true),
            ("def f():\n    import zenml\n", true),
            ("def f():\n    global A\n", true),
            ("class A:\n    B = 1\n", true),
        ] {
            assert_eq!(!statements(text).is_empty(), is_kept, "{text:?}");
        }
    }

    #[test]
    fn methods_without_a_trigger_are_blank() {
        for (text, expected) in [
            ("class A:\n  B = 1\n", "class A:\n  B = 1\n"),
            (
                "class A:\n  def f(self):\n    é\n\n  B = 1\n",
                "class A:\n  pass        \n      \n\n  B = 1\n",
            ),
            (
                "class A:\n\t@b\n\t@c(\n1)\n\tdef f(self):\n\t\t1\n\tdef g(): secret\n",
                "class A:\n\tpass   \n  \n             \n   \n\tdef g(): secret\n",
            ),
            (
                "class A:\n  def f():\n    \'\'\'\n x\n\'\'\'\n  def __init__(self): pass",
                "class A:\n  pass    \n       \n  \n   \n  def __init__(self): pass",
            ),
            (
                "def f():\n secret\n def g():\n  1",
                "def f():\n secret\n pass    \n   ",
            ),
        ] {
            let found = without_plain_functions(text);
            assert_eq!(found.trim_end(), expected.trim_end(), "{text:?}");
            assert_eq!(found.len(), text.len(), "{text:?}");
        }
    }

    #[test]
    fn long_statements_are_limited() {
        let data = format!("a = [{}]\n", "'x', ".repeat(1 << 14));
        assert!(statements(&data).is_empty());
        let lines = "  secret,\n".repeat(1 << 17);
        let found = &lines[..parsed_len(&lines)];
        assert!(found.len() <= MAX_STATEMENT_BYTES && found.ends_with(",\n"));
        let one_line = "secreté".repeat(1 << 17);
        assert!(parsed_len(&one_line) <= MAX_STATEMENT_BYTES);
    }
}
