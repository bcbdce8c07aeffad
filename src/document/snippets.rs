//! Shell code in the files of other languages: each host turns a file into snippets, and the shell
//! reader parses them.
//!
//! A host undoes its own syntax, such as fences and prompts in Markdown, the indentation of a
//! Makefile or escapes in a notebook. The code of a snippet is shell code only, with a map from each
//! of its bytes to the file.

mod code_block;
mod code_builder;
mod code_language;
mod code_spans;
mod continuations;
mod doc_placeholders;
mod docker_instructions;
mod dockerfile;
mod exec_form;
mod gitlab_ci;
mod host_lines;
#[cfg(test)]
mod host_properties;
mod html_code;
mod html_entities;
mod just_recipes;
mod just_text;
mod justfile;
mod make_assignments;
mod make_references;
mod makefile;
mod markdown;
mod notebook;
mod prompts;
mod python_calls;
mod restructured_text;
mod shell_file;
mod shell_programs;
mod shell_quotes;
mod terraform_calls;
#[cfg(test)]
#[expect(clippy::expect_used, reason = "tests")]
mod snippet_checks;
mod workflow;
mod yaml_code;

pub(super) use code_builder::UNKNOWN_VARIABLE;
pub(super) use shell_programs::has_shell_shebang;

use super::ScriptHost;
use super::code_calls::CodeCall;
use super::offsets::OffsetMap;
use super::python::PythonCell;
use crate::text::cell_spans::CellSpans;
use crate::text::source::SourceFile;
use code_block::CodeBlock;
use code_language::CodeLanguage;
use std::sync::Arc;

/// Shell code in a file, and the map from it to the file.
#[derive(Debug)]
pub(super) struct Snippet {
    /// The code without the syntax of its host.
    pub code: String,
    /// The map from offsets in the code to offsets in the file.
    pub offsets: OffsetMap,
    /// The kind of code, which decides how commands are found.
    pub kind: SnippetKind,
}

/// The kind of code in a snippet.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum SnippetKind {
    /// A program of a shell: every command is read.
    Script,
    /// Code in documentation whose language is a shell or unknown. Prompts are already removed.
    Example,
    /// Code of another language, or text: only lines that begin with a command are read.
    Other,
}

/// The shell code of a file.
#[derive(Default)]
pub(super) struct HostCode {
    /// The code, in the order of the file.
    pub snippets: Vec<Snippet>,
    /// The calls in code of other languages.
    pub calls: Vec<CodeCall>,
    /// Whether a part of the code was not read, because it is too long or too deep.
    pub is_incomplete: bool,
    /// The cells of a notebook.
    pub cells: CellSpans,
}

/// Returns the code in a file.
pub(super) fn read(host: ScriptHost, source: &Arc<SourceFile>) -> HostCode {
    let text = source.text();
    let snippets = match host {
        ScriptHost::Shell => shell_file::snippets(source),
        ScriptHost::Makefile => makefile::snippets(source),
        ScriptHost::Justfile => justfile::snippets(source),
        ScriptHost::Dockerfile => dockerfile::snippets(source),
        ScriptHost::Workflow => workflow::snippets(source),
        ScriptHost::GitlabCi => gitlab_ci::snippets(source),
        ScriptHost::Markdown => return page(source, markdown::code_blocks(text, 0)),
        ScriptHost::ReStructuredText => {
            return page(source, restructured_text::code_blocks(text, 0));
        }
        ScriptHost::Notebook => return notebook::read(source),
        ScriptHost::Python => return python_calls::read(source),
        ScriptHost::Terraform => return terraform_calls::read(source),
        ScriptHost::Other => shell_file::lines(source),
    };
    HostCode {
        snippets,
        ..HostCode::default()
    }
}

/// Returns the code in the blocks of a page. Its Python blocks are one module.
fn page(source: &Arc<SourceFile>, blocks: Vec<CodeBlock>) -> HostCode {
    let python = blocks
        .iter()
        .filter(|block| block.language == CodeLanguage::Python);
    let cells = python.map(|block| PythonCell {
        text: block.code.clone(),
        offsets: block.offsets.clone(),
    });
    let code = python_calls::read_cells(source, &cells.collect::<Vec<_>>());
    HostCode {
        snippets: blocks
            .into_iter()
            .filter_map(CodeBlock::into_snippet)
            .collect(),
        ..code
    }
}
