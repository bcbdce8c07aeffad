//! Reads the code cells of a notebook as one module.

use super::logical_lines::LineState;
use super::python_facts::{
    CodeArgument, CodeText, CodeValue, PythonCode, PythonFact, TextDefinition,
};
use super::{PythonModules, read_parts};
use crate::document::offsets::{OffsetMap, OffsetMapBuilder};
use crate::text::source::{SourceFile, Span};
use std::ops::Range;
use std::sync::Arc;

/// Cell magics whose body is Python.
const PYTHON_MAGICS: [&str; 6] = ["capture", "time", "timeit", "prun", "python", "python3"];

/// Line magics that run the statement after them.
const STATEMENT_MAGICS: [&str; 4] = ["%time", "%timeit", "%prun", "%memit"];

/// The code of a cell.
pub(crate) struct PythonCell {
    pub text: String,
    /// The map from the text to the notebook.
    pub offsets: OffsetMap,
}

/// Reads the cells of a notebook. `source` is the notebook.
pub(crate) fn read_cells(
    source: &Arc<SourceFile>,
    cells: &[PythonCell],
    modules: &dyn PythonModules,
) -> PythonCode {
    let mut out = OffsetMapBuilder::default();
    let mut parts: Vec<Range<usize>> = Vec::new();
    for cell in cells {
        let start = out.text().len();
        let code = python_of_cell(&cell.text);
        out.push_mapped(&code, &cell.offsets);
        if !code.ends_with('\n') {
            let end = cell.offsets.source(code.len(), code.len()).end;
            out.push_replaced(end, 0, "\n");
        }
        parts.push(start..out.text().len());
    }
    let whole = Span::new(0, source.text().len());
    let (text, offsets) = out.into_text(whole);
    let code = SourceFile::new(source.path(), text).with_absolute_path(source.absolute_path());
    let code = Arc::new(code);
    let mut found = read_parts(&code, &parts, modules);
    let mapping = NotebookMapping {
        code: &code,
        notebook: source,
        offsets: &offsets,
    };
    for fact in &mut found.facts {
        mapping.map_fact(fact);
    }
    found
}

/// Returns the code of a cell with blanks instead of the lines that are not Python.
fn python_of_cell(cell: &str) -> String {
    let first = cell.trim_start();
    let magic = first.lines().next().unwrap_or_default();
    if let Some(magic) = magic.strip_prefix("%%") {
        let name = magic.split_whitespace().next().unwrap_or_default();
        if !PYTHON_MAGICS.contains(&name) {
            return blank(cell);
        }
    } else if ["%sh", "%sql", "%md", "%scala", "%r"]
        .iter()
        .any(|name| magic.split_whitespace().next() == Some(name))
    {
        // A cell of Databricks in another language.
        return blank(cell);
    }
    let mut code = String::with_capacity(cell.len());
    let mut state = LineState::default();
    let mut is_command = false;
    for line in cell.split_inclusive('\n') {
        let magic = statement_magic(line).filter(|_| !state.is_open() && !is_command);
        if let Some(magic) = magic {
            let (before, statement) = line.split_at_checked(magic.end).unwrap_or((line, ""));
            code.push_str(before.get(..magic.start).unwrap_or_default());
            // The indentation stays the same: `%time x()` becomes `_   ; x()`.
            let blanks = " ".repeat(magic.len().saturating_sub(2));
            code.extend(["_", &blanks, ";", statement]);
            state.feed(statement);
            continue;
        }
        let command = command_offset(line).filter(|_| !state.is_open());
        match command {
            Some(at) => {
                let (target, rest) = line.split_at_checked(at).unwrap_or((line, ""));
                code.push_str(target);
                let is_assigned = !target.trim().is_empty();
                // The result of a command is an unknown name.
                code.push(if is_assigned { '_' } else { ' ' });
                code.push_str(&blank(rest.get(1..).unwrap_or_default()));
            }
            None if is_command => code.push_str(&blank(line)),
            None => {
                state.feed(line);
                code.push_str(line);
            }
        }
        is_command = (is_command || command.is_some())
            && line.trim_end_matches(['\r', '\n']).ends_with('\\');
    }
    code
}

/// Returns the range of a magic at the start of a line if a statement follows it.
fn statement_magic(line: &str) -> Option<Range<usize>> {
    let text = line.trim_start();
    let name = text.split([' ', '\t']).next()?;
    let start = line.len() - text.len();
    let statement = text.get(name.len()..)?.trim_start();
    let has_statement = !statement.is_empty() && !statement.starts_with(['-', '!', '%']);
    (STATEMENT_MAGICS.contains(&name) && has_statement).then(|| start..start + name.len())
}

/// Returns the offset of a command or a magic in a line.
fn command_offset(line: &str) -> Option<usize> {
    let text = line.trim_start();
    let start = line.len() - text.len();
    if text.starts_with(['!', '%', '?']) {
        return Some(start);
    }
    let (target, value) = line.split_once('=')?;
    let value = value.trim_start();
    let is_command = (value.starts_with('!') && !value.starts_with("!=")) || value.starts_with('%');
    let is_name = |c: char| c.is_alphanumeric() || "_.,[]'\" ".contains(c);
    (is_command && target.chars().all(is_name)).then(|| line.len() - value.len())
}

/// Returns blanks and line breaks with the length of a text.
fn blank(text: &str) -> String {
    let blanks = text.bytes().map(|byte| match byte {
        b'\r' | b'\n' => char::from(byte),
        _ => ' ',
    });
    blanks.collect()
}

/// The map from the code of all cells to the notebook.
struct NotebookMapping<'n> {
    code: &'n Arc<SourceFile>,
    notebook: &'n Arc<SourceFile>,
    offsets: &'n OffsetMap,
}

impl NotebookMapping<'_> {
    fn map_fact(&self, fact: &mut PythonFact) {
        match fact {
            PythonFact::SecretUse { call, name, keys } => {
                self.map_span(call);
                self.map_text(name);
                for access in keys {
                    self.map_text(&mut access.key);
                }
            }
            PythonFact::SecretList { call, names } => {
                self.map_span(call);
                for name in names {
                    self.map_text(name);
                }
            }
            PythonFact::Declaration {
                call, name, values, ..
            } => {
                self.map_span(call);
                self.map_text(name);
                if let Some(value) = values {
                    self.map_value(value);
                }
            }
            PythonFact::Component {
                call,
                name,
                flavor,
                configuration,
                ..
            } => {
                self.map_span(call);
                for text in [name, flavor].into_iter().flatten() {
                    self.map_text(text);
                }
                if let Some(value) = configuration {
                    self.map_value(value);
                }
            }
            PythonFact::Configuration {
                call, arguments, ..
            } => {
                self.map_span(call);
                for CodeArgument { name, value } in arguments {
                    if let Some((_, span)) = name {
                        self.map_span(span);
                    }
                    self.map_value(value);
                }
            }
            PythonFact::RunConfigPath { path } => self.map_text(path),
        }
    }

    /// Maps a value and all values in it. Their depth is limited by their reader.
    fn map_value(&self, value: &mut CodeValue) {
        match value {
            CodeValue::Text(text) => self.map_text(text),
            CodeValue::Mapping { span, entries, .. } => {
                self.map_span(span);
                for (key, value) in entries {
                    self.map_text(key);
                    self.map_value(value);
                }
            }
            CodeValue::Sequence { span, items } => {
                self.map_span(span);
                for item in items {
                    self.map_value(item);
                }
            }
            CodeValue::Literal(span) | CodeValue::Unknown(span) => self.map_span(span),
        }
    }

    fn map_text(&self, text: &mut CodeText) {
        self.map_span(&mut text.span);
        text.offsets = self.offsets.compose(&text.offsets);
        if let Some(TextDefinition { source, span }) = &mut text.definition
            && Arc::ptr_eq(source, self.code)
        {
            *source = Arc::clone(self.notebook);
            self.map_span(span);
        }
    }

    fn map_span(&self, span: &mut Span) {
        *span = self.offsets.source(span.start, span.end);
    }
}

#[cfg(test)]
mod tests {
    use super::super::fact_checks::{TestModules, describe};
    use super::*;

    /// Writes a notebook with JSON's escapes, and reads its cells.
    fn facts(cells: &[&str]) -> Vec<String> {
        let mut file = "{\"cells\": [".to_owned();
        let mut read = Vec::new();
        for cell in cells {
            let mut map = OffsetMapBuilder::default();
            for c in cell.chars() {
                let escape = match c {
                    '"' => "\\\"",
                    '\n' => "\\n\", \"",
                    '\\' => "\\\\",
                    'é' => "\\u00e9",
                    _ => "",
                };
                let text = c.to_string();
                if escape.is_empty() {
                    map.push_verbatim(file.len(), &text);
                    file.push(c);
                } else {
                    let len = if c == 'é' { 6 } else { 2 };
                    map.push_replaced(file.len(), len, &text);
                    file.push_str(escape);
                }
            }
            let (text, offsets) = map.into_text(Span::new(0, file.len()));
            read.push(PythonCell { text, offsets });
            file.push_str("\"], \"");
        }
        let source = Arc::new(SourceFile::new("main.py", file));
        let found = read_cells(&source, &read, &TestModules::default());
        describe(&source, &found)
    }

    #[test]
    fn the_cells_are_one_module() {
        let import = "from zenml.client import Client";
        for (cells, expected) in [
            (
                vec![
                    import,
                    "c = Client()",
                    "s = c.get_secret('a')",
                    "s.secret_values[\"k\"]",
                ],
                vec!["use a k"],
            ),
            (
                vec![import, "N = 'a'", "Client().get_secret(N)"],
                vec!["use =a"],
            ),
            (
                vec![import, "x = (1,", "Client().get_secret('a')"],
                vec!["use a"],
            ),
            (
                vec![import, "x = '''", "Client().get_secret('a')"],
                vec!["use a"],
            ),
            (
                vec![import, "", "\n\n", "Client().get_secret(\n  'é'\n)"],
                vec!["use é"],
            ),
            (
                vec![import, "%time s = Client().get_secret('a')"],
                vec!["use a"],
            ),
            (vec!["import x", "Client().get_secret('a')"], vec![]),
            (vec![], vec![]),
            (
                vec![
                    "import zenml",
                    "FooConfig(a={'b': [1, None, 'c', x]}, d=\"e\")",
                    "f.configure(secrets=['a'], config_path='p')",
                ],
                vec![
                    "FooConfig(a={b: [1, None, 'c', ?]}, d='e')",
                    "list a",
                    "config p",
                ],
            ),
            (
                vec![
                    import,
                    "Client().create_secret('a', {'k': 'hunter2'})",
                    "Client().create_stack_component('a', 'b', configuration={})",
                ],
                vec!["create a {k: 'hunter2'}", "component a b - {}"],
            ),
        ] {
            assert_eq!(facts(&cells), expected, "{cells:?}");
        }
    }

    #[test]
    fn lines_that_are_not_python_are_blank() {
        for (cell, expected) in [
            ("x = 1", "x = 1"),
            ("!ls (\nx", "     \nx"),
            ("  %pip é (\nx", "           \nx"),
            ("x = !ls\ny", "x = _  \ny"),
            ("x, y = %time f(", "x, y = _       "),
            ("!a \\\n  b (\nc", "    \n     \nc"),
            ("?x\ny", "  \ny"),
            ("%time x = f(\n%y)\n!a", "_   ; x = f(\n%y)\n  "),
            ("  %timeit x", "  _     ; x"),
            (
                "%timeit -n 1 x\n%time\n%time !ls",
                "              \n     \n         ",
            ),
            ("%timer x", "        "),
            ("'''\n!a\n'''", "'''\n!a\n'''"),
            ("x = (\n%y)", "x = (\n%y)"),
            ("x != y\nx % y\nx %= y", "x != y\nx % y\nx %= y"),
            ("%%time\nx", "      \nx"),
            ("%%capture out\nx", "             \nx"),
            ("%%bash\nx (", "      \n   "),
            ("\n%%html\r\nx", "\n      \r\n "),
            ("%sql\nx", "    \n "),
            ("", ""),
        ] {
            assert_eq!(python_of_cell(cell), expected, "{cell:?}");
            assert_eq!(python_of_cell(cell).len(), cell.len(), "{cell:?}");
        }
    }
}
