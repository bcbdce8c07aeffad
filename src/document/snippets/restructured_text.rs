//! Finds the code of a reStructuredText page: the directives `code-block`, `code` and
//! `sourcecode`, literal blocks after `::`, and inline literals.
//!
//! The reader goes line by line. It relies on indentation alone, so that it also finds code in
//! lists, tables, tabs and admonitions. Comments are skipped.

mod rst_markup;

#[cfg(test)]
use super::Snippet;
use super::code_block::CodeBlock;
use super::code_language::CodeLanguage;
use super::code_spans::{SpanContext, decode_span};
use crate::document::COMMAND;
use crate::document::offsets::OffsetMapBuilder;
use rst_markup::{ExplicitMarkup, explicit_markup, find_literals};

/// Returns the shell code of a reStructuredText page, in the order of the page.
#[cfg(test)]
pub(super) fn snippets(text: &str) -> Vec<Snippet> {
    code_blocks(text, 0)
        .into_iter()
        .filter_map(CodeBlock::into_snippet)
        .collect()
}

/// Returns the code of a reStructuredText. `depth` is the number of documents around it.
pub(super) fn code_blocks(text: &str, depth: usize) -> Vec<CodeBlock> {
    let mut reader = RstReader {
        text,
        depth,
        lines: text_lines(text),
        next: 0,
        default_language: CodeLanguage::Unknown,
        blocks: Vec::new(),
    };
    while let Some(line) = reader.take_line() {
        reader.read_line(line);
    }
    reader.blocks
}

/// A line without its line break.
#[derive(Clone, Copy, Debug)]
struct RstLine<'t> {
    start: usize,
    text: &'t str,
}

impl RstLine<'_> {
    fn is_blank(self) -> bool {
        self.text.trim().is_empty()
    }

    fn indentation(self) -> usize {
        self.text.len() - self.text.trim_start().len()
    }
}

fn text_lines(text: &str) -> Vec<RstLine<'_>> {
    let mut start = 0;
    let mut lines = Vec::new();
    for line in text.split_inclusive('\n') {
        lines.push(RstLine {
            start,
            text: line.trim_end_matches(['\r', '\n']),
        });
        start += line.len();
    }
    lines
}

struct RstReader<'t> {
    text: &'t str,
    depth: usize,
    lines: Vec<RstLine<'t>>,
    /// The index of the next line.
    next: usize,
    /// The language of literal blocks, which the directive `highlight` sets.
    default_language: CodeLanguage,
    blocks: Vec<CodeBlock>,
}

impl<'t> RstReader<'t> {
    fn peek_line(&self) -> Option<RstLine<'t>> {
        self.lines.get(self.next).copied()
    }

    fn take_line(&mut self) -> Option<RstLine<'t>> {
        let line = self.peek_line()?;
        self.next += 1;
        Some(line)
    }

    fn read_line(&mut self, line: RstLine<'t>) {
        match explicit_markup(line.text) {
            Some(ExplicitMarkup::Directive { name, argument }) => {
                self.read_directive(line, name, argument);
            }
            Some(ExplicitMarkup::Comment) => self.skip_body(line),
            Some(ExplicitMarkup::Definition) => self.read_inline_literals(line.start, line),
            None if line.is_blank() => {}
            None => self.read_paragraph(line),
        }
    }

    fn read_directive(&mut self, line: RstLine<'t>, name: &str, argument: &str) {
        match CodeLanguage::from_directive(name, argument) {
            Some(language) => {
                let language = if language == CodeLanguage::Unknown {
                    self.default_language
                } else {
                    language
                };
                self.skip_options();
                self.read_block(line.indentation(), language);
            }
            None if name == "highlight" => {
                self.default_language = CodeLanguage::from_name(argument);
            }
            None if name == "raw" => self.skip_body(line),
            // The body of another directive is a part of the page.
            None => {}
        }
    }

    /// Skips the options of a directive, for example `:linenos:`.
    fn skip_options(&mut self) {
        while let Some(line) = self.peek_line() {
            let text = line.text.trim_start();
            if !text.starts_with(':') || line.indentation() == 0 {
                break;
            }
            self.next += 1;
        }
    }

    /// Skips the lines that are indented more than a line.
    fn skip_body(&mut self, line: RstLine<'t>) {
        while let Some(next) = self.peek_line() {
            if !next.is_blank() && next.indentation() <= line.indentation() {
                break;
            }
            self.next += 1;
        }
    }

    /// Reads a paragraph up to its last line, and the literal block after it.
    fn read_paragraph(&mut self, first: RstLine<'t>) {
        let mut last = first;
        while let Some(line) = self.peek_line() {
            if line.is_blank() || explicit_markup(line.text).is_some() {
                break;
            }
            last = line;
            self.next += 1;
        }
        self.read_inline_literals(first.start, last);
        let is_blank = self.peek_line().is_some_and(RstLine::is_blank);
        if last.text.trim_end().ends_with("::") && is_blank {
            self.read_block(last.indentation(), self.default_language);
        }
    }

    /// Reads the lines that are indented more than `outer`, without the indentation of the first.
    fn read_block(&mut self, outer: usize, language: CodeLanguage) {
        let mut code = OffsetMapBuilder::default();
        let mut inner = None;
        // Blank lines count only before a line of the block.
        let mut blank: Vec<RstLine<'_>> = Vec::new();
        while let Some(line) = self.peek_line() {
            if line.is_blank() {
                blank.push(line);
                self.next += 1;
                continue;
            }
            let indentation = line.indentation();
            if indentation <= outer {
                break;
            }
            let removed = indentation.min(*inner.get_or_insert(indentation));
            for line in blank.drain(..) {
                self.push_line_break(&mut code, line);
            }
            let text = line.text.get(removed..).unwrap_or_default();
            code.push_verbatim(line.start + removed, text);
            self.push_line_break(&mut code, line);
            self.next += 1;
        }
        self.add(CodeBlock::new(code, 0, language));
    }

    /// Adds the line break after a line. The last line of a file may have none.
    fn push_line_break(&self, code: &mut OffsetMapBuilder, line: RstLine<'_>) {
        let end = line.start + line.text.len();
        let after = self.text.get(end..).unwrap_or_default();
        let len = after.find('\n').map_or(0, |at| at + 1);
        code.push_replaced(end, len, "\n");
    }

    /// Reads the inline literals between an offset and the end of a line.
    fn read_inline_literals(&mut self, start: usize, last: RstLine<'t>) {
        let end = last.start + last.text.len();
        let text = self.text.get(start..end).unwrap_or_default();
        if !text.contains(COMMAND) {
            return;
        }
        for (at, len) in find_literals(text) {
            let inner = text.get(at..at + len).unwrap_or_default();
            let code = decode_span(inner, SpanContext::default());
            self.add(CodeBlock::new(code, start + at, CodeLanguage::Unknown));
        }
    }

    fn add(&mut self, block: CodeBlock) {
        self.blocks.extend(block.expand(self.depth));
    }
}

#[cfg(test)]
#[expect(clippy::indexing_slicing, reason = "tests")]
mod tests {
    use super::*;
    use crate::document::snippets::SnippetKind;
    use crate::document::snippets::snippet_checks::{codes, kinds, located};

    fn read(text: &str) -> Vec<String> {
        let codes = codes(text, &snippets(text));
        codes.iter().map(|code| code.trim().to_owned()).collect()
    }

    #[test]
    fn code_is_found_in_every_form() {
        for (text, code) in [
            (
                ".. code-block:: bash\n\n   zenml x\n   zenml y\n\nzenml z\n",
                "zenml x\nzenml y",
            ),
            (
                ".. code-block:: bash\n   :linenos:\n   :caption: zenml\n\n   zenml x\n",
                "zenml x",
            ),
            (".. code:: sh\n\n\tzenml x", "zenml x"),
            (
                ".. sourcecode:: shell\n\n  zenml x \\\n      --a\n\n  zenml y\n",
                "zenml x \\\n    --a\n\nzenml y",
            ),
            (".. code-block::\n\n  zenml x", "zenml x"),
            (".. prompt:: bash $\n\n   zenml x\n", "zenml x"),
            ("Run::\n\n  zenml x\n\nzenml y", "zenml x"),
            (
                "a\nb ::\n\n\n    zenml x\n\n    zenml y\nzenml z",
                "zenml x\n\nzenml y",
            ),
            ("* a::\n\n    zenml x\n\n* zenml y", "zenml x"),
            (
                "- If a:\n\n    .. code-block:: bash\n\n        zenml x\n\n- zenml y",
                "zenml x",
            ),
            (
                ".. note::\n\n   .. code:: sh\n\n      zenml x\n\n   zenml y",
                "zenml x",
            ),
            (".. tab:: Linux\n\n   Run ``zenml x``\n", "zenml x"),
            ("Run ``zenml x`` now.", "zenml x"),
            ("Run ``zenml x\n--a=b`` now.", "zenml x --a=b"),
            ("Run ``zenml `x` y``.", "zenml `x` y"),
            ("Run `zenml x` and :ref:`b`.", "zenml x"),
            ("| ``zenml x`` | a |", "zenml x"),
            (".. _a: b\n.. [1] ``zenml x``", "zenml x"),
            (
                ".. code:: sh\r\n\r\n   zenml x \\\r\n     --a\r\n",
                "zenml x \\\n  --a",
            ),
            (
                ".. code-block:: markdown\n\n   a\n\n   ```\n   zenml x\n   ```\n",
                "zenml x",
            ),
        ] {
            assert_eq!(read(text), [code], "{text}");
        }
    }

    #[test]
    fn text_and_comments_are_not_code() {
        for text in [
            "zenml x\n",
            "Run zenml::\n\nzenml x",
            ".. Run ``zenml x``\n   ``zenml y``\n\n   ``zenml z``\n",
            "..\n\n   ``zenml x``",
            ".. raw:: html\n\n   ``zenml x``\n",
            "``a`` zenml x ``b``",
            "``zenml x",
            ".. note:: zenml x",
        ] {
            assert_eq!(read(text), Vec::<String>::new(), "{text}");
        }
    }

    #[test]
    fn language_decides_what_is_a_command() {
        use SnippetKind::{Example, Other};
        for (text, code, kind) in [
            (
                ".. code:: console\n\n  $ zenml x\n  zenml out\n",
                "zenml x",
                Example,
            ),
            (".. code:: python\n\n  zenml x\n", "zenml x", Other),
            (
                ".. highlight:: console\n\na::\n\n  $ zenml x\n  b\n",
                "zenml x",
                Example,
            ),
            (
                ".. highlight:: yaml\n\na::\n\n  zenml: x\n",
                "zenml: x",
                Other,
            ),
        ] {
            assert_eq!(read(text), [code], "{text}");
            assert_eq!(kinds(&snippets(text)), [kind], "{text}");
        }
    }

    #[test]
    fn code_has_the_span_of_the_file() {
        let text = "é\n\n.. code:: sh\n\n   $ zenml x \\\\\n     --a=<B>\n";
        let found = snippets(text);
        assert_eq!(read(text), ["zenml x \\\n  --a=${B}"]);
        assert_eq!(located(text, &found[0], "zenml x"), "zenml x");
        assert_eq!(located(text, &found[0], "\\"), "\\\\");
        assert_eq!(located(text, &found[0], "${B}"), "<B>");
        let span = found[0].offsets.source(0, 5);
        assert_eq!((span.start, span.end), (23, 28));
    }
}
