//! Reads the recipes of a Makefile as GNU Make does.
//!
//! Each line of a recipe is a program of its own, unless `.ONESHELL` is set. Lines of `define` are
//! read as well, since recipes may use them. Both branches of a conditional are read.

use super::code_builder::CodeBuilder;
use super::host_lines::{HostLines, start_of_text, trim};
use super::make_assignments::MakeAssignment;
use super::make_references::{find_outside, push_expanded};
use super::shell_programs::{ProgramLanguage, program_language};
use super::{Snippet, SnippetKind};
use crate::document::OffsetMap;
use crate::text::source::{SourceFile, Span};
use std::ops::Range;
use std::sync::Arc;

/// Directives that neither begin nor end a recipe.
const CONDITIONALS: [&str; 6] = ["ifeq", "ifneq", "ifdef", "ifndef", "else", "endif"];

/// Words that may precede an assignment or a definition.
const MODIFIERS: [&str; 4] = ["export", "override", "private", "unexport"];

/// Directives whose line contains no code.
#[rustfmt::skip]
const OTHER_DIRECTIVES: [&str; 7] = ["include", "-include", "sinclude", "undefine", "vpath", "load", "-load"];

/// Characters before a command that only Make reads.
const RECIPE_MARKS: [char; 5] = ['@', '-', '+', ' ', '\t'];

/// Returns the code of a Makefile.
pub(super) fn snippets(source: &Arc<SourceFile>) -> Vec<Snippet> {
    let text = source.text();
    let map = OffsetMap::from_verbatim(Span::new(0, text.len()));
    let mut reader = MakefileReader {
        text,
        map: &map,
        prefix: '\t',
        one_shell: has_one_shell(text),
        in_recipe: false,
        recipe: None,
        shell: None,
        recipes: Vec::new(),
        assignments: Vec::new(),
    };
    reader.read();
    let mut found = reader.assignments;
    if reader.shell != Some(ProgramLanguage::Other) {
        found.append(&mut reader.recipes);
    }
    found
}

/// Returns whether a Makefile has the target `.ONESHELL`, which applies to the whole file.
fn has_one_shell(text: &str) -> bool {
    HostLines::new(text, start_of_text(text)).any(|line| {
        let line = text.get(line).unwrap_or_default();
        let rest = line.strip_prefix(".ONESHELL").map(str::trim_start);
        rest.is_some_and(|rest| rest.starts_with(':'))
    })
}

/// A reader of a Makefile, one line after the other.
struct MakefileReader<'t> {
    text: &'t str,
    map: &'t OffsetMap,
    /// The character at the start of a recipe's line.
    prefix: char,
    one_shell: bool,
    /// Whether a line with the prefix belongs to a recipe.
    in_recipe: bool,
    /// The recipe that is being read, with `.ONESHELL`.
    recipe: Option<CodeBuilder<'t>>,
    /// The language of `SHELL`. A file that assigns it for several systems has a shell.
    shell: Option<ProgramLanguage>,
    recipes: Vec<Snippet>,
    assignments: Vec<Snippet>,
}

impl<'t> MakefileReader<'t> {
    fn read(&mut self) {
        let mut lines = HostLines::new(self.text, start_of_text(self.text));
        while let Some(line) = lines.next_logical() {
            if self.in_recipe && self.slice(&line).starts_with(self.prefix) {
                self.add_recipe_line(line.start + self.prefix.len_utf8()..line.end);
            } else {
                self.read_line(line, &mut lines);
            }
        }
        self.finish_recipe();
    }

    fn slice(&self, range: &Range<usize>) -> &'t str {
        self.text.get(range.clone()).unwrap_or_default()
    }

    /// Reads a line that is not part of a recipe.
    fn read_line(&mut self, line: Range<usize>, lines: &mut HostLines<'t>) {
        let line = trim(self.text, line);
        let content = self.slice(&line);
        if content.is_empty() || content.starts_with('#') || is_directive(content, &CONDITIONALS) {
            return;
        }
        let statement = self.without_modifiers(line.clone());
        if is_directive(self.slice(&statement), &["define"]) {
            self.end_rule();
            self.read_definition(lines);
        } else if is_directive(content, &OTHER_DIRECTIVES) {
            self.end_rule();
        } else if let Some(assignment) = MakeAssignment::parse(self.text, statement) {
            self.end_rule();
            self.add_assignment(&assignment);
        } else {
            self.read_rule(&line);
        }
    }

    /// Returns a range without the modifiers at its start.
    fn without_modifiers(&self, mut range: Range<usize>) -> Range<usize> {
        while is_directive(self.slice(&range), &MODIFIERS) {
            let len = self
                .slice(&range)
                .find(char::is_whitespace)
                .unwrap_or(range.len());
            let rest = trim(self.text, range.start + len..range.end);
            // `export = x` assigns a variable of this name.
            if self.slice(&rest).starts_with([':', '=', '+', '?', '!']) {
                break;
            }
            range = rest;
        }
        range
    }

    fn add_assignment(&mut self, assignment: &MakeAssignment) {
        let value = self.slice(&assignment.value);
        match self.slice(&assignment.name) {
            ".RECIPEPREFIX" => self.prefix = value.chars().next().unwrap_or('\t'),
            "SHELL" => {
                let language = program_language(value.split_ascii_whitespace());
                let is_other = language == Some(ProgramLanguage::Other);
                if !is_other || self.shell.is_none() {
                    self.shell = language.or(Some(ProgramLanguage::Shell));
                }
            }
            _ => self
                .assignments
                .append(&mut assignment.snippets(self.text, self.map)),
        }
    }

    /// Reads `target: prerequisites; recipe`, or `target: NAME = value`.
    fn read_rule(&mut self, line: &Range<usize>) {
        let Some(colon) = find_outside(self.text, line.clone(), |byte| matches!(byte, b':' | b'#'))
        else {
            return;
        };
        let rest = self.text.get(colon..line.end).unwrap_or_default();
        if rest.starts_with('#') {
            return;
        }
        let rest = line.end - rest.trim_start_matches(':').len()..line.end;
        self.end_rule();
        let statement = self.without_modifiers(trim(self.text, rest.clone()));
        if let Some(assignment) = MakeAssignment::parse(self.text, statement) {
            self.add_assignment(&assignment);
            return;
        }
        self.in_recipe = true;
        let recipe = find_outside(self.text, rest, |byte| matches!(byte, b';' | b'#'));
        if let Some(at) = recipe.filter(|&at| self.text.as_bytes().get(at) == Some(&b';')) {
            self.add_recipe_line(at + 1..line.end);
        }
    }

    /// Ends the rule before a line that is not part of it.
    fn end_rule(&mut self) {
        self.finish_recipe();
        self.in_recipe = false;
    }

    /// Adds a line of a recipe, without the prefix.
    fn add_recipe_line(&mut self, line: Range<usize>) {
        if self.one_shell {
            let (text, map, start) = (self.text, self.map, line.start);
            let recipe = self
                .recipe
                .get_or_insert_with(|| CodeBuilder::new(text, map, start));
            if recipe.len() > 0 {
                recipe.replace(line.start..line.start, "\n");
            }
            push_recipe_line(recipe, text, line, self.prefix);
        } else {
            let snippet = self.recipe_line(line, SnippetKind::Script);
            self.recipes.extend(snippet);
        }
    }

    /// Returns a line of a recipe as a program of its own.
    fn recipe_line(&self, line: Range<usize>, kind: SnippetKind) -> Option<Snippet> {
        let mut code = CodeBuilder::new(self.text, self.map, line.start);
        push_recipe_line(&mut code, self.text, line, self.prefix);
        code.finish(kind)
    }

    fn finish_recipe(&mut self) {
        let recipe = self.recipe.take();
        self.recipes
            .extend(recipe.and_then(|recipe| recipe.finish(SnippetKind::Script)));
    }

    /// Reads the lines up to `endef`. They are lines of a recipe if they look like it. Otherwise
    /// they may be any text, such as a Python program.
    fn read_definition(&mut self, lines: &mut HostLines<'t>) {
        let mut depth = 1_usize;
        while let Some(line) = lines.next_logical() {
            let content = self.slice(&line);
            let is_recipe = content.starts_with(self.prefix);
            let inner = trim(self.text, line.clone());
            let inner = self.slice(&inner);
            if !is_recipe && is_directive(inner, &["endef"]) {
                depth -= 1;
                if depth == 0 {
                    break;
                }
            } else if !is_recipe && is_directive(inner, &["define"]) {
                depth += 1;
            } else {
                let kind = if is_recipe || inner.starts_with('@') {
                    SnippetKind::Script
                } else {
                    SnippetKind::Other
                };
                let snippet = self.recipe_line(line, kind);
                self.recipes.extend(snippet);
            }
        }
    }
}

/// Returns whether a line begins with one of these words.
fn is_directive(line: &str, words: &[&str]) -> bool {
    let word = line
        .split(|c: char| c.is_whitespace() || matches!(c, '(' | '"' | '\'' | '#'))
        .next()
        .unwrap_or_default();
    words.contains(&word)
}

/// Adds a line of a recipe and its continuation lines, without the characters that only Make reads.
/// Make passes a backslash and the line break after it to the shell, but not the prefix of the next
/// line.
fn push_recipe_line<'t>(
    code: &mut CodeBuilder<'t>,
    text: &'t str,
    line: Range<usize>,
    prefix: char,
) {
    let content = text.get(line.clone()).unwrap_or_default();
    let start = line.end - content.trim_start_matches(RECIPE_MARKS).len();
    push_expanded(code, text, start..line.end, |code, part| {
        let mut from = part.start;
        let inner = text.get(part.clone()).unwrap_or_default();
        for at in memchr::memchr_iter(b'\n', inner.as_bytes()) {
            let next = part.start + at + 1;
            code.push(from..next);
            let rest = text.get(next..part.end).unwrap_or_default();
            from = part.end - rest.strip_prefix(prefix).unwrap_or(rest).len();
        }
        code.push(from..part.end);
    });
}

#[cfg(test)]
#[expect(clippy::indexing_slicing, clippy::unwrap_used, reason = "tests")]
mod tests {
    use super::super::code_builder::checks::{codes, origin, read};
    use super::*;

    fn recipes(text: &str) -> Vec<String> {
        let (_, found) = read(snippets, "Makefile", text);
        codes(&found).into_iter().map(Into::into).collect()
    }

    #[test]
    fn each_line_of_a_recipe_is_a_program() {
        let text = "\
.PHONY: all
# A comment \\
\tzenml no no
all: deps  # comment; zenml no
\t@zenml secret create a \\
\t  --b='{{$(X).key}}' \\
    --c=$$Y
\t-@ +zenml x y

\t# zenml is a comment of the shell
# zenml is a comment of Make
\tzenml z
deps:; @zenml d \\
\te
";
        let (source, found) = read(snippets, "Makefile", text);
        assert_eq!(
            codes(&found),
            [
                "zenml secret create a \\\n  --b='{{${X}.key}}' \\\n    --c=$Y",
                "zenml x y",
                "# zenml is a comment of the shell",
                "zenml z",
                "zenml d \\\ne",
            ]
        );
        assert_eq!(
            origin(&source, &found[0], "{{${X}.key}}"),
            (text.find("{{").unwrap(), "{{$(X).key}}")
        );
        assert_eq!(
            origin(&source, &found[0], "--c=$Y"),
            (text.find("--c").unwrap(), "--c=$$Y")
        );
        assert_eq!(origin(&source, &found[4], "d \\\ne").1, "d \\\n\te");
        assert!(
            found
                .iter()
                .all(|snippet| snippet.kind == SnippetKind::Script)
        );
    }

    #[test]
    fn crlf_ends_lines() {
        let text = "a:\r\n\tzenml a \\\r\n\t\tb\r\n\tzenml c\r\n";
        let (source, found) = read(snippets, "Makefile", text);
        assert_eq!(codes(&found), ["zenml a \\\n\tb", "zenml c"]);
        assert_eq!(origin(&source, &found[0], "b"), (18, "b"));
    }

    #[test]
    fn a_tab_without_a_rule_is_not_a_recipe() {
        assert_eq!(
            recipes("a:\n\tx\nA = b\n\tC = d\n\tzenml no\n"),
            ["A=\"b\"", "C=\"d\"", "x"]
        );
        assert_eq!(recipes("\tzenml no\n"), [""; 0]);
        assert_eq!(recipes("include x.mk\n\tzenml no\na:\n\ty"), ["y"]);
    }

    #[test]
    fn conditionals_do_not_end_a_recipe() {
        let text = "a:\nifeq ($(X),y)\n\tzenml a\nelse ifdef Z\n\tzenml b\nelse\n\tzenml c\nendif\n\tzenml d\n";
        assert_eq!(recipes(text), ["zenml a", "zenml b", "zenml c", "zenml d"]);
    }

    #[test]
    fn a_rule_may_assign_a_variable() {
        assert_eq!(recipes("a: export S := b;c\n\tzenml no\n"), ["S=\"b;c\""]);
        assert_eq!(
            recipes("$(A)/%.o: %.c | d\n\tx\na:: b\n\ty\nc&: d\n\tz\n"),
            ["x", "y", "z"]
        );
    }

    #[test]
    fn a_recipe_with_one_shell_is_one_program() {
        let text = "a:\n\t@cd x\n\tzenml a \\\n\t-b\n# c\n\t-$(X)\nb: ; y\n.ONESHELL:\n";
        let (source, found) = read(snippets, "Makefile", text);
        assert_eq!(codes(&found), ["cd x\nzenml a \\\n-b\n${X}", "y"]);
        assert_eq!(origin(&source, &found[0], "-b"), (22, "-b"));
        assert_eq!(origin(&source, &found[0], "${X}").1, "$(X)");
    }

    #[test]
    fn definitions_are_recipes_or_other_text() {
        let text = "\
define register =
\t@if true; then zenml a; fi
@zenml b $(1)
zenml c
  define inner
print(\"zenml d\")
  endef
endef
a:
\tzenml e
";
        let (_, found) = read(snippets, "x.mk", text);
        let found: Vec<_> = found
            .iter()
            .map(|snippet| (snippet.kind, &*snippet.code))
            .collect();
        assert_eq!(
            found,
            [
                (SnippetKind::Script, "if true; then zenml a; fi"),
                (SnippetKind::Script, "zenml b ${1}"),
                (SnippetKind::Other, "zenml c"),
                (SnippetKind::Other, "print(\"zenml d\")"),
                (SnippetKind::Script, "zenml e"),
            ]
        );
        assert_eq!(recipes("define x\nzenml a\n"), ["zenml a"]);
        assert_eq!(
            recipes("override define x\nb\nendef # c\na:\n\ty"),
            ["b", "y"]
        );
    }

    #[test]
    fn the_prefix_of_recipes_can_be_set() {
        let text =
            ".RECIPEPREFIX = >\na:\n> zenml a \\\n>b\n\tno\n.RECIPEPREFIX :=\nb:\n\tzenml c\n>d\n";
        assert_eq!(recipes(text), ["zenml a \\\nb", "zenml c"]);
    }

    #[test]
    fn recipes_of_other_languages_are_skipped() {
        assert_eq!(
            recipes("SHELL := python3\nA = b\na:\n\tzenml no\n"),
            ["A=\"b\""]
        );
        assert_eq!(recipes("SHELL = /bin/bash\na:\n\tx\n"), ["x"]);
        assert_eq!(recipes("SHELL := $(shell which bash)\na:\n\tx\n"), ["x"]);
        let both =
            "ifeq ($(OS),Windows_NT)\nSHELL := pwsh.exe\nelse\nSHELL := bash\nendif\na:\n\tx\n";
        assert_eq!(recipes(both), ["x"]);
    }

    #[test]
    fn substitutions_of_make_are_not_code() {
        assert_eq!(
            recipes("a:\n\tzenml stack set $(shell docker ps --format '{{.Names}}') x\n"),
            ["zenml stack set ${_} x"]
        );
    }
}
