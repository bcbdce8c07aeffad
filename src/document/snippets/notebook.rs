//! Finds the code of a Jupyter notebook: Python, `!` and `%sx` lines, cells of a shell such as
//! `%%bash`, and the code in Markdown cells.
//!
//! The source of a cell is one JSON string or a list of them. Spans are bytes of the file, so each
//! escape of JSON is one byte of code. Which lines of a code cell are commands is in `ipython`.

mod ipython;
mod notebook_cells;
mod python_variables;

use super::code_block::CodeBlock;
use super::code_language::CodeLanguage;
use super::{HostCode, Snippet, SnippetKind, doc_placeholders, markdown, python_calls};
use crate::document::python::PythonCell;
use crate::document::{COMMAND, Document, Syntax};
use crate::text::source::SourceFile;
pub(super) use ipython::shell_code;
use notebook_cells::{CellKind, NotebookCell, cell_spans, find_cells};
use std::sync::Arc;

/// Reads a notebook. A file that is not a notebook has no code.
pub(super) fn read(source: &Arc<SourceFile>) -> HostCode {
    let document = Document::parse(Arc::clone(source), Syntax::Json).ok();
    let cells = document.as_ref().map(find_cells).unwrap_or_default();
    let mut code = python_calls::read_cells(source, &python_cells(&cells));
    // The examples in the text are a module of their own.
    let examples = python_calls::read_cells(source, &python_examples(&cells));
    code.calls.extend(examples.calls);
    HostCode {
        cells: cell_spans(&cells),
        snippets: cells.into_iter().flat_map(cell_snippets).collect(),
        is_incomplete: code.is_incomplete || examples.is_incomplete,
        ..code
    }
}

/// Returns the Python blocks of Markdown cells.
fn python_examples(cells: &[NotebookCell]) -> Vec<PythonCell> {
    let cells = cells.iter().filter(|cell| cell.kind == CellKind::Markdown);
    // Without it, no block imports ZenML.
    if !cells.clone().any(|cell| cell.text.contains(COMMAND)) {
        return Vec::new();
    }
    let blocks = cells.flat_map(|cell| {
        let blocks = markdown::code_blocks(&cell.text, 0).into_iter();
        blocks.map(|block| block.within(&cell.offsets))
    });
    let blocks = blocks.filter(|block| block.language == CodeLanguage::Python);
    let examples = blocks.map(|block| PythonCell {
        text: block.code,
        offsets: block.offsets,
    });
    examples.collect()
}

/// Returns the cells with Python.
fn python_cells(cells: &[NotebookCell]) -> Vec<PythonCell> {
    let cells = cells.iter().filter(|cell| cell.kind == CellKind::Python);
    let cells = cells.map(|cell| PythonCell {
        text: cell.text.clone(),
        offsets: cell.offsets.clone(),
    });
    cells.collect()
}

/// Returns the shell code of a cell.
fn cell_snippets(cell: NotebookCell) -> Vec<Snippet> {
    if !cell.text.contains(COMMAND) {
        return Vec::new();
    }
    let code = match cell.kind {
        CellKind::Markdown => {
            let blocks = markdown::code_blocks(&cell.text, 0).into_iter();
            return blocks
                .map(|block| block.within(&cell.offsets))
                .filter_map(CodeBlock::into_snippet)
                .collect();
        }
        CellKind::Python => match shell_code(&cell.text) {
            Some(code) => Some(code),
            None => return Vec::new(),
        },
        CellKind::Shell => None,
        CellKind::Raw => return Vec::new(),
    };
    let mut block = CodeBlock {
        code: cell.text,
        offsets: cell.offsets,
        language: CodeLanguage::Shell,
    };
    block.rewrite(code);
    block.rewrite(doc_placeholders::replace(&block.code));
    let is_relevant = block.code.contains(COMMAND);
    let snippet = Snippet {
        code: block.code,
        offsets: block.offsets,
        kind: SnippetKind::Script,
    };
    is_relevant.then_some(snippet).into_iter().collect()
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "tests")]
mod tests {
    use super::*;
    use crate::document::snippets::snippet_checks::{codes, kinds, located};

    /// Returns a notebook with a source for each cell.
    fn notebook(cells: &[(&str, &str)]) -> String {
        let cells: Vec<String> = cells
            .iter()
            .map(|(kind, source)| {
                format!("{{\"cell_type\": \"{kind}\", \"metadata\": {{}}, \"source\": {source}}}")
            })
            .collect();
        format!(
            "{{\n \"cells\": [\n{}\n ],\n \"nbformat\": 4\n}}\n",
            cells.join(",\n")
        )
    }

    fn parse(text: &str) -> HostCode {
        read(&Arc::new(SourceFile::new("a.ipynb", text)))
    }

    fn code_of(text: &str) -> Vec<String> {
        let codes = codes(text, &parse(text).snippets);
        codes.iter().map(|code| code.trim().to_owned()).collect()
    }

    #[test]
    fn source_is_a_string_or_a_list() {
        use SnippetKind::{Example, Script};
        let text = notebook(&[
            ("code", r#"["%%bash\n", "zenml x \\\n", "  --a=\"b\"\n"]"#),
            ("code", r#""import a\n!zenml y --é='{{a.b}}'""#),
            (
                "markdown",
                r##"["# T\n", "\n", "```sh\n", "$ zenml z --a=<B>\n", "```"]"##,
            ),
            ("markdown", r#""`zenml w`""#),
            ("raw", r#""`zenml v`""#),
            ("code", r#""zenml = 1""#),
            ("code", "[]"),
            ("code", "null"),
        ]);
        let found = parse(&text);
        assert_eq!(
            code_of(&text),
            [
                "zenml x \\\n  --a=\"b\"",
                "zenml y --é='{{a.b}}'",
                "zenml z --a=${B}",
                "zenml w"
            ]
        );
        assert_eq!(kinds(&found.snippets), [Script, Script, Example, Example]);
    }

    #[test]
    fn code_has_the_span_of_the_file() {
        let text = notebook(&[
            (
                "code",
                r#"["!zenml x \\\n", "  --t='{{a.\u0062}}' --u={{c.d}}"]"#,
            ),
            ("markdown", r#""> `zenml y \"<A>\"`""#),
        ]);
        let found = parse(&text);
        let [first, second] = found.snippets.as_slice() else {
            panic!("two snippets");
        };
        assert_eq!(first.code, "zenml x \\\n  --t='{{a.b}}' --u={{c.d}}\n");
        assert_eq!(located(&text, first, "zenml x"), "zenml x");
        assert_eq!(located(&text, first, "\\\n"), r"\\\n");
        assert_eq!(located(&text, first, "{{a.b}}"), r"{{a.\u0062}}");
        assert_eq!(located(&text, first, "{{c.d}}"), "{{c.d}}");
        assert_eq!(second.code, "zenml y \"${A}\"");
        assert_eq!(located(&text, second, "\"${A}\""), r#"\"<A>\""#);
        let start = first.offsets.source(0, 5).start;
        assert_eq!(start, text.find("zenml x").unwrap());
    }

    #[test]
    fn cell_of_an_offset_has_a_number() {
        let text = notebook(&[("code", r#""!zenml x""#), ("code", r#""!zenml y""#)]);
        let cells = parse(&text).cells;
        let cell_of = |part: &str| cells.number_at(text.find(part).unwrap());
        assert_eq!(cell_of("zenml x"), Some(1));
        assert_eq!(cell_of("zenml y"), Some(2));
        assert_eq!(cell_of("nbformat"), None);
        assert_eq!(cells.number_at(0), None);
        assert_eq!(cells.number_at(text.len()), None);
    }

    #[test]
    fn other_notebooks_are_read() {
        let version_3 =
            r#"{"worksheets": [{"cells": [{"cell_type": "code", "input": ["!zenml x"]}]}]}"#;
        assert_eq!(code_of(version_3), ["zenml x"]);
        assert_eq!(parse(version_3).cells.number_at(60), Some(1));
        let kernel = r#"{"metadata": {"kernelspec": {"name": "bash"}}, "cells": [{"cell_type": "code", "source": "zenml x"}]}"#;
        assert_eq!(code_of(kernel), ["zenml x"]);
        let editor = r#"{"cells": [{"cell_type": "code", "metadata": {"vscode": {"languageId": "shellscript"}}, "source": "zenml x"}]}"#;
        assert_eq!(code_of(editor), ["zenml x"]);
        let bom = format!("\u{feff}{version_3}");
        assert_eq!(code_of(&bom), ["zenml x"]);
    }

    #[test]
    fn file_that_is_not_a_notebook_has_no_code() {
        for text in [
            "",
            "{",
            "[]",
            "\"!zenml x\"",
            "{\"cells\": 1}",
            "{\"cells\": [1, null, [], {}]}",
            "{\"cells\": [{\"cell_type\": \"code\", \"source\": {\"a\": \"!zenml x\"}}]}",
            "{\"cells\": [{\"cell_type\": \"code\", \"source\": [1, [\"!zenml x\"]]}]}",
            "{\"cells\": [{\"cell_type\": \"code\", \"source\": \"!zenml x\"}],}",
        ] {
            assert!(parse(text).snippets.is_empty(), "{text}");
        }
    }
}
