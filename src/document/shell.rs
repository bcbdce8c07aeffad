//! Reads the `zenml` commands of shell code, each word as the shell passes it.
//!
//! For example, `sudo -E zenml x "{{a}."'b}}' >log` has the words `zenml`, `x` and `{{a}.b}}`.
//!
//! - `simple_lines` finds the commands in simple lines, `syntax_tree` finds all others with a grammar,
//!   and `command_scanner` finds them in code with syntax errors.
//! - `simple_command` and `word_lexer` read their words.
//! - `program_search` finds the program behind `sudo`, `poetry run` and similar words.
//! - Code in code, such as `bash -c '…'`, a here-document of a shell or backticks, is read in the
//!   same way. The nesting is limited, so the time is linear in the length of the code.
//!
//! The meaning of words is in `sources/stack_model`.

mod ansi_quotes;
mod brace_expansion;
mod code_region;
mod command_scanner;
mod heredocs;
mod nested_code;
mod simple_lines;
mod program_search;
mod runners;
mod shell_assignments;
mod shell_options;
mod shell_variables;
mod shell_word;
mod simple_command;
mod syntax_tree;
mod word_lexer;

pub use shell_assignments::ShellAssignments;
pub(super) use shell_variables::{is_placeholder, parse_variable};
pub(super) use shell_word::Word;
pub(super) use word_lexer::Quote;

use super::ScriptHost;
use super::offsets::OffsetMap;
use super::snippets::{Snippet, SnippetKind};
use crate::text::source::Span;
use brace_expansion::expand_braces;
use code_region::CodeRegion;
use command_scanner::{CommandScanner, ShellEvent};
use memchr::memmem;
use nested_code::{backtick_code, heredoc_code, reads_heredoc_as_code};
use program_search::{Program, find_program};
use shell_assignments::variable_name;
use shell_options::CodeSource;
use simple_command::{AssignedValue, SimpleCommand};
use std::collections::HashSet;
use std::ops::Range;
use syntax_tree::CommandTree;
use word_lexer::LexedWord;

/// The nesting of code in code up to which commands are read.
const MAX_DEPTH: usize = 8;

/// The name of the program whose commands are read.
pub const COMMAND: &str = "zenml";

/// A `zenml` command.
pub(super) struct Command {
    /// The program and its arguments.
    pub words: Vec<Word>,
}

/// The commands and the variables of shell code.
#[derive(Default)]
pub(super) struct ShellCode {
    /// The commands. They are sorted by [`ShellCode::finish`].
    pub commands: Vec<Command>,
    /// The variables that the code assigns.
    pub assignments: ShellAssignments,
    /// Whether a variable may contain the name of the program.
    may_have_variable: bool,
}

/// Code with its map to the file.
#[derive(Clone, Copy)]
struct MappedCode<'c> {
    text: &'c str,
    offsets: &'c OffsetMap,
    /// The ranges that are replaced before this shell reads the code, sorted.
    replaced: &'c [Range<usize>],
}

impl ShellCode {
    /// Creates an empty list for the code of a host.
    pub fn new(host: ScriptHost) -> Self {
        Self {
            assignments: ShellAssignments::new(host.has_placeholders()),
            ..Self::default()
        }
    }

    /// Reads a snippet.
    pub fn read(&mut self, snippet: &Snippet) {
        let replaced: Vec<Range<usize>> = snippet
            .offsets
            .replaced(snippet.code.len())
            .filter(|range| is_host_variable(snippet.code.get(range.clone())))
            .collect();
        let code = MappedCode {
            text: &snippet.code,
            offsets: &snippet.offsets,
            replaced: &replaced,
        };
        let names_program = may_contain_command(code.text);
        match snippet.kind {
            SnippetKind::Other => self.read_lines(code),
            _ if names_program || self.may_have_variable && code.text.contains('$') => {
                self.read_code(code, 0);
            }
            // A script has many snippets without a command, such as the lines of a Makefile.
            _ => self.read_assignments(code),
        }
        self.may_have_variable |= names_program;
    }

    /// Removes the commands from an index on that have no option.
    fn retain_with_option(&mut self, from: usize) {
        let commands = self.commands.split_off(from).into_iter();
        let has_option = |word: &Word| word.text.starts_with('-');
        self.commands
            .extend(commands.filter(|command| command.words.iter().any(has_option)));
    }

    /// Sorts the commands, and removes those that were found twice.
    pub fn finish(&mut self) {
        self.commands.sort_by_key(program_span);
        self.commands.dedup_by_key(|command| program_span(command));
        self.assignments.finish();
    }

    /// Reads code whose commands can begin anywhere.
    fn read_code(&mut self, code: MappedCode<'_>, depth: usize) {
        if depth > MAX_DEPTH || (depth > 0 && !may_contain_command(code.text)) {
            return;
        }
        let region = CodeRegion::new(code.text, code.text.len(), code.replaced);
        let mut tree = CommandTree::parse(code.text);
        let mut reader = RegionReader {
            output: self,
            code,
            region: &region,
            code_heredocs: HashSet::new(),
            parsed: tree.substitution_starts(),
        };
        for (inner, event) in tree.events(&region) {
            reader.read_event(event, depth + inner);
        }
        for (content, quoted, inner) in tree.backticks {
            reader.read_backticks(content, quoted, depth + inner + 1);
        }
        reader.scan(tree.end, depth);
    }

    /// Reads only the variables that code assigns. The grammar takes too long for that.
    fn read_assignments(&mut self, code: MappedCode<'_>) {
        let region = CodeRegion::new(code.text, code.text.len(), code.replaced);
        RegionReader {
            output: self,
            code,
            region: &region,
            code_heredocs: HashSet::new(),
            parsed: HashSet::new(),
        }
        .scan(0, 0);
    }

    /// Reads the lines that begin with a command which has an option. Other lines may be prose, for
    /// example `zenml stores the secret`.
    fn read_lines(&mut self, code: MappedCode<'_>) {
        let lines = CodeRegion::new(code.text, code.text.len(), code.replaced);
        let mut at = 0;
        while at < code.text.len() {
            let end = lines.logical_line_end(at);
            if may_contain_command(lines.slice(at, end)) {
                let before = self.commands.len();
                let region = lines.part(end);
                region.bind_to_lines();
                let first = CommandScanner::new(&region, at).next();
                if matches!(first, Some(ShellEvent::Command(command)) if runs_zenml(&command)) {
                    let mut reader = RegionReader {
                        output: self,
                        code,
                        region: &region,
                        code_heredocs: HashSet::new(),
                        parsed: HashSet::new(),
                    };
                    reader.scan(at, 0);
                    self.retain_with_option(before);
                }
            }
            at = end + 1;
        }
    }
}

/// Returns the span of the word that is the program.
fn program_span(command: &Command) -> Option<Span> {
    command.words.first().map(|word| word.span)
}

/// Returns whether a host wrote a variable in place of its own syntax.
fn is_host_variable(text: Option<&str>) -> bool {
    text.is_some_and(|text| text.starts_with("${") && text.ends_with('}'))
}

/// Returns whether code may contain the program or the variable with its name.
fn may_contain_command(code: &str) -> bool {
    [COMMAND.as_bytes(), b"ZENML"]
        .iter()
        .any(|name| memmem::find(code.as_bytes(), name).is_some())
}

fn runs_zenml(command: &SimpleCommand) -> bool {
    let words: Vec<&str> = command.words.iter().map(LexedWord::as_str).collect();
    matches!(find_program(&words), Some(Program::Zenml(_)))
}

/// Reads the commands of a region.
struct RegionReader<'o, 'r, 'c> {
    output: &'o mut ShellCode,
    code: MappedCode<'c>,
    region: &'r CodeRegion<'c>,
    /// The operators of the here-documents that a shell reads as code.
    code_heredocs: HashSet<usize>,
    /// The starts of the substitutions whose commands the grammar finds.
    parsed: HashSet<usize>,
}

impl RegionReader<'_, '_, '_> {
    /// Reads the commands from an offset to the end of the region, without the grammar.
    fn scan(&mut self, start: usize, depth: usize) {
        for event in CommandScanner::new(self.region, start) {
            self.read_event(event, depth);
        }
    }

    /// Reads a command or a here-document.
    fn read_event(&mut self, event: ShellEvent, depth: usize) {
        match event {
            ShellEvent::Command(command) => self.read_command(command, depth),
            ShellEvent::HeredocBody(heredoc, body) => {
                let is_code = self.code_heredocs.contains(&heredoc.start);
                let text = self.region.slice(body.start, body.end);
                if (heredoc.is_raw && !is_code) || !may_contain_command(text) {
                    return;
                }
                let lexed = heredoc_code(self.region, &heredoc, &body);
                for substitution in &lexed.substitutions {
                    self.read_substitution(substitution, depth + 1);
                }
                if is_code {
                    self.read_word(lexed, depth + 1);
                }
            }
        }
    }

    fn read_command(&mut self, mut command: SimpleCommand, depth: usize) {
        self.output.assignments.record(self.code.text, &command);
        for substitution in command.substitutions() {
            self.read_substitution(substitution, depth + 1);
        }
        let words: Vec<&str> = command.words.iter().map(LexedWord::as_str).collect();
        let program = self.program(&words);
        if !command.heredocs.is_empty() && reads_heredoc_as_code(self.region, &words, command.end) {
            let starts = command.heredocs.iter().map(|heredoc| heredoc.start);
            self.code_heredocs.extend(starts);
        }
        self.record_values(&mut command);
        match program {
            Some(Program::Zenml(index)) => self.add_command(command.words.split_off(index)),
            Some(Program::Shell(source)) => self.read_shell(source, command, depth + 1),
            Some(Program::Other(_)) | None => {}
        }
    }

    /// Reads the code that a shell gets.
    fn read_shell(&mut self, source: CodeSource, mut command: SimpleCommand, depth: usize) {
        match source {
            CodeSource::Word(index) => {
                if index < command.words.len() {
                    self.read_word(command.words.swap_remove(index), depth);
                }
            }
            CodeSource::Words(index) if index < command.words.len() => {
                let words = command.words.split_off(index).into_iter();
                let words = words.map(|word| Word::new(word, self.code.offsets).0);
                if let Some(code) = Word::join(words.collect()) {
                    self.read_nested(&code, depth);
                }
            }
            CodeSource::StandardInput => {
                for text in command.herestrings {
                    self.read_word(text, depth);
                }
            }
            CodeSource::Words(_) | CodeSource::File => {}
        }
    }

    /// Reads the text of a word as code.
    fn read_word(&mut self, word: LexedWord, depth: usize) {
        let (word, _) = Word::new(word, self.code.offsets);
        self.read_nested(&word, depth);
    }

    fn read_nested(&mut self, word: &Word, depth: usize) {
        let code = MappedCode {
            text: &word.text,
            offsets: &word.offsets,
            replaced: &word.expansions,
        };
        self.output.read_code(code, depth);
    }

    /// Reads the code of a substitution.
    fn read_substitution(&mut self, substitution: &code_region::Substitution, depth: usize) {
        let code = &substitution.code;
        let text = self.region.slice(code.start, code.end);
        let is_read = self.parsed.contains(&code.start) || self.region.is_replaced(code.start);
        if is_read || depth > MAX_DEPTH || !may_contain_command(text) {
            return;
        }
        if let Some(quoted) = substitution.backticks {
            self.read_backticks(code.clone(), quoted, depth);
            return;
        }
        let region = self.region.part(code.end);
        let mut reader = RegionReader {
            output: &mut *self.output,
            code: self.code,
            region: &region,
            code_heredocs: HashSet::new(),
            parsed: HashSet::new(),
        };
        reader.scan(code.start, depth);
    }

    fn read_backticks(&mut self, content: Range<usize>, quoted: bool, depth: usize) {
        let text = self.region.slice(content.start, content.end);
        if may_contain_command(text) && !self.region.is_replaced(content.start) {
            let code = backtick_code(self.region, content, quoted);
            self.read_word(code, depth);
        }
    }

    /// Returns the program of a command. A variable may contain `zenml` and the runner before it.
    fn program(&self, words: &[&str]) -> Option<Program> {
        let program = find_program(words)?;
        let Program::Other(index) = program else {
            return Some(program);
        };
        let name = words.get(index).and_then(|word| variable_name(word));
        let value = name.and_then(|name| self.output.assignments.literal(name));
        let inner: Vec<&str> = value.unwrap_or_default().split_ascii_whitespace().collect();
        let runs_zenml =
            matches!(find_program(&inner), Some(Program::Zenml(at)) if at + 1 == inner.len());
        Some(if runs_zenml {
            Program::Zenml(index)
        } else {
            program
        })
    }

    /// Keeps the elements of arrays and the values with double braces that a command assigns.
    fn record_values(&mut self, command: &mut SimpleCommand) {
        let is_assignment = command.words.is_empty() || command.is_declaration();
        for assignment in command.assignments.drain(..) {
            let name = self
                .region
                .slice(assignment.name.start, assignment.name.end);
            match assignment.value {
                AssignedValue::Array(elements) => {
                    let elements = elements.into_iter();
                    let words = elements.flat_map(|word| self.expand(word)).collect();
                    let assignments = &mut self.output.assignments;
                    assignments.extend_array(name, assignment.appends, words);
                }
                AssignedValue::Word(word) if is_assignment => {
                    let is_composed = !word.expansions.is_empty() && !assignment.appends;
                    if is_composed || word.as_str().contains("{{") {
                        let value = Word::new(word, self.code.offsets).0;
                        let assignments = &mut self.output.assignments;
                        if is_composed {
                            assignments.add_composed(name, &value);
                        }
                        if value.text.contains("{{") {
                            assignments.add_reference(name, value);
                        }
                    }
                }
                AssignedValue::Word(_) | AssignedValue::Element(_) => {}
            }
        }
    }

    /// Adds a command.
    fn add_command(&mut self, lexed: Vec<LexedWord>) {
        let words = lexed.into_iter().flat_map(|word| self.expand(word));
        let words = words.collect();
        self.output.commands.push(Command { words });
    }

    /// Returns the words that a word becomes. The elements of an array, and a value with double
    /// braces, take the place of a word that expands them.
    fn expand(&mut self, lexed: LexedWord) -> Vec<Word> {
        let (word, in_code) = Word::new(lexed, self.code.offsets);
        let assignments = &mut self.output.assignments;
        if let Some(elements) = assignments.take_array(&word.text) {
            elements
        } else if let Some(word) = assignments.take_reference(&word) {
            vec![word]
        } else {
            expand_braces(word, &in_code)
        }
    }
}
