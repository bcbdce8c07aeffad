//! Reads the recipes of a justfile, and its commands in backticks.
//!
//! Each line of a recipe is a program of its own, and a backslash joins lines. A recipe with a
//! shebang, or with the attribute `script`, is one program.

use super::code_builder::{CodeBuilder, is_assignable, shell_name};
use super::host_lines::{HostLines, start_of_text};
use super::just_recipes::{JustRecipe, JustSettings, RecipeBuilder, ScriptAttribute};
use super::just_text::{JustString, JustToken, expression_tokens};
use super::shell_programs::{ProgramLanguage, program_language};
use super::{Snippet, SnippetKind};
use crate::document::OffsetMap;
use crate::text::source::{SourceFile, Span};
use std::ops::Range;
use std::sync::Arc;

/// Returns the code of a justfile.
pub(super) fn snippets(source: &Arc<SourceFile>) -> Vec<Snippet> {
    let text = source.text();
    let mut reader = JustfileReader {
        text,
        map: &OffsetMap::from_verbatim(Span::new(0, text.len())),
        can_span_lines: true,
        settings: JustSettings::default(),
        script: None,
        recipes: Vec::new(),
        assignments: Vec::new(),
        backticks: Vec::new(),
    };
    reader.read();
    reader.into_snippets()
}

/// A reader of a justfile, one item after the other. Settings apply to the whole file, so the code
/// is built at the end.
struct JustfileReader<'t> {
    text: &'t str,
    map: &'t OffsetMap,
    /// Whether all quotation marks so far are closed.
    can_span_lines: bool,
    settings: JustSettings,
    /// The attribute `script` of the next recipe.
    script: Option<ScriptAttribute>,
    recipes: Vec<JustRecipe>,
    assignments: Vec<Snippet>,
    backticks: Vec<Range<usize>>,
}

impl<'t> JustfileReader<'t> {
    fn read(&mut self) {
        let mut lines = HostLines::new(self.text, start_of_text(self.text));
        let mut in_recipe = false;
        while let Some(line) = lines.next() {
            let content = self.slice(&line);
            if content.starts_with([' ', '\t']) || content.is_empty() {
                if let Some(recipe) = self.recipes.last_mut().filter(|_| in_recipe) {
                    recipe.lines.push(line);
                }
            } else {
                let (opens_recipe, end) = self.read_item(&line);
                in_recipe = opens_recipe;
                lines.skip_past(end);
            }
        }
    }

    fn slice(&self, range: &Range<usize>) -> &'t str {
        self.text.get(range.clone()).unwrap_or_default()
    }

    /// Reads an item that begins with a line. Returns whether it is a recipe, and the offset where
    /// the item or its header ends.
    fn read_item(&mut self, line: &Range<usize>) -> (bool, usize) {
        let content = self.slice(line);
        if content.starts_with('#') {
            return (false, line.start);
        }
        let (tokens, end) = expression_tokens(self.text, line.start, &mut self.can_span_lines);
        let item = self.text.get(line.start..end).unwrap_or_default();
        if content.starts_with('[') {
            if let Some(script) = script_attribute(self.text, item, line.start, &tokens) {
                self.script = Some(script);
            }
            return (false, end);
        }
        let first = name_in(self.text, line.start);
        let second = name_in(self.text, skip_blanks(self.text, first.end));
        let text = self.text;
        let is_assignment = |name: &Range<usize>| {
            let operator = text.get(skip_blanks(text, name.end)..end);
            !name.is_empty() && operator.is_some_and(|operator| operator.starts_with(":="))
        };
        let keyword = self.slice(&first);
        if is_assignment(&first) {
            self.add_assignment(&first, &tokens);
        } else if keyword == "export" && is_assignment(&second) {
            self.add_assignment(&second, &tokens);
        } else if keyword == "set" && !second.is_empty() && !is_header_after(&tokens, second.end) {
            self.read_setting(&second, item, &tokens);
        } else if (keyword != "alias" || second.is_empty()) && self.is_header(&first, &tokens) {
            self.add_backticks(&tokens);
            self.recipes.push(JustRecipe {
                lines: Vec::new(),
                script: self.script.take(),
            });
            return (true, end);
        }
        (false, end)
    }

    /// Returns whether an item begins with a name and contains a colon.
    fn is_header(&self, name: &Range<usize>, tokens: &[JustToken]) -> bool {
        self.slice(name)
            .starts_with(|c: char| c.is_ascii_alphabetic() || c == '_')
            && tokens
                .iter()
                .any(|token| matches!(token, JustToken::Other(':', _)))
    }

    fn add_backticks(&mut self, tokens: &[JustToken]) {
        let strings = tokens.iter().filter_map(quoted);
        let backticks = strings.filter(|string| string.mark == '`');
        self.backticks
            .extend(backticks.map(|string| string.content.clone()));
    }

    /// Reads `NAME := expression`. A string becomes the assignment of a shell.
    fn add_assignment(&mut self, name: &Range<usize>, tokens: &[JustToken]) {
        self.add_backticks(tokens);
        let value: Vec<_> = tokens
            .iter()
            .filter(|token| match token {
                JustToken::Quoted(string) => string.content.start > name.end,
                JustToken::Other(_, at) => {
                    *at > name.end && !matches!(token, JustToken::Other(':' | '=', _))
                }
            })
            .collect();
        let [JustToken::Quoted(string)] = value.as_slice() else {
            return;
        };
        let shell_name = shell_name(self.slice(name)).filter(|name| is_assignable(name));
        let Some(shell_name) = shell_name.filter(|_| string.is_literal(self.text)) else {
            return;
        };
        let mut code = CodeBuilder::new(self.text, self.map, name.start);
        code.replace(name.clone(), &shell_name);
        code.replace(name.end..string.content.start, "=\"");
        code.push_in_double_quotes(string.content.clone());
        code.replace(string.content.end..string.end, "\"");
        self.assignments.extend(code.finish(SnippetKind::Script));
    }

    /// Reads `set NAME := value`.
    fn read_setting(&mut self, name: &Range<usize>, item: &str, tokens: &[JustToken]) {
        let language = program_language(words(self.text, tokens));
        match self.slice(name) {
            "shell" => self.settings.shell = language,
            "script-interpreter" => self.settings.script_interpreter = language,
            "default-script" => self.settings.default_script = !item.contains("false"),
            _ => {}
        }
    }

    fn into_snippets(self) -> Vec<Snippet> {
        let mut found = self.assignments;
        let builder = RecipeBuilder {
            text: self.text,
            map: self.map,
        };
        if self.settings.shell != Some(ProgramLanguage::Other) {
            for backtick in self.backticks {
                let mut code = CodeBuilder::new(self.text, self.map, backtick.start);
                code.push(backtick);
                found.extend(code.finish(SnippetKind::Script));
            }
        }
        for recipe in &self.recipes {
            builder.add_recipe(recipe, &self.settings, &mut found);
        }
        found
    }
}

/// Returns the range of the name at an offset, after an `@`.
fn name_in(text: &str, at: usize) -> Range<usize> {
    let rest = text.get(at..).unwrap_or_default();
    let name = rest.strip_prefix('@').unwrap_or(rest);
    let start = at + (rest.len() - name.len());
    let len = name
        .find(|c: char| !c.is_ascii_alphanumeric() && !matches!(c, '_' | '-'))
        .unwrap_or(name.len());
    start..start + len
}

/// Returns the offset after the blanks at an offset.
fn skip_blanks(text: &str, at: usize) -> usize {
    let rest = text.get(at..).unwrap_or_default();
    at + rest.len() - rest.trim_start_matches([' ', '\t']).len()
}

/// Returns whether a colon that is not part of `:=` follows an offset: then the item is a recipe.
fn is_header_after(tokens: &[JustToken], offset: usize) -> bool {
    let mut rest = tokens
        .iter()
        .skip_while(|token| !matches!(token, JustToken::Other(_, at) if *at >= offset))
        .skip_while(|token| !matches!(token, JustToken::Other(':', _)));
    let colon = rest.next();
    colon.is_some() && !matches!(rest.next(), Some(JustToken::Other('=', _)))
}

fn quoted(token: &JustToken) -> Option<&JustString> {
    match token {
        JustToken::Quoted(string) => Some(string),
        JustToken::Other(..) => None,
    }
}

/// Returns the contents of the strings in an item.
fn words<'t>(text: &'t str, tokens: &[JustToken]) -> impl Iterator<Item = &'t str> {
    tokens
        .iter()
        .filter_map(quoted)
        .filter_map(move |string| text.get(string.content.clone()))
}

/// Returns the attribute `script` in a line of attributes, or `None` if there is none.
fn script_attribute(
    text: &str,
    item: &str,
    start: usize,
    tokens: &[JustToken],
) -> Option<ScriptAttribute> {
    let at = item.match_indices("script").map(|(at, _)| at).find(|&at| {
        let before = item.get(..at).unwrap_or_default();
        let after = item.get(at + "script".len()..).unwrap_or_default();
        before.ends_with(['[', ',', ' ']) && after.starts_with([']', ',', '(', ':', ' '])
    })?;
    let after = item.get(at + "script".len()..)?;
    if !after.starts_with(['(', ':']) {
        return Some(ScriptAttribute::Default);
    }
    let program = tokens
        .iter()
        .filter_map(quoted)
        .find(|string| string.content.start > start + at)?;
    let program = text.get(program.content.clone())?;
    // A program that is not known is not a shell.
    let language = program_language([program]).unwrap_or(ProgramLanguage::Other);
    Some(ScriptAttribute::Program(language))
}

#[cfg(test)]
#[expect(clippy::indexing_slicing, clippy::unwrap_used, reason = "tests")]
mod tests {
    use super::super::code_builder::checks::{codes, origin, read};
    use super::*;

    fn code(text: &str) -> Vec<String> {
        let (_, found) = read(snippets, "justfile", text);
        assert!(
            found
                .iter()
                .all(|snippet| snippet.kind == SnippetKind::Script)
        );
        codes(&found).into_iter().map(Into::into).collect()
    }

    #[test]
    fn each_line_of_a_recipe_is_a_program() {
        let text = "\
# zenml no
deploy env='a:b' *args: (build \"x\") && test # comment
    @zenml secret create a \\
        --b='{{{{c.d}}' \\
      --e={{ env }}
    -@zenml x

\t# comment
  @-zenml \"$y\"

zenml no
";
        let (source, found) = read(snippets, "justfile", text);
        assert_eq!(
            codes(&found),
            [
                "zenml secret create a --b='{{c.d}}' --e=${env}",
                "zenml x",
                "# comment",
                "zenml \"$y\"",
            ]
        );
        assert_eq!(
            origin(&source, &found[0], "{{c.d}}"),
            (text.find("{{{{").unwrap(), "{{{{c.d}}")
        );
        assert_eq!(origin(&source, &found[0], "c.d").1, "c.d");
        assert_eq!(
            origin(&source, &found[0], "--e=${env}"),
            (text.find("--e").unwrap(), "--e={{ env }}")
        );
    }

    #[test]
    fn crlf_ends_lines() {
        let text = "a:\r\n  zenml a \\\r\n  b\r\n  zenml c\r\n";
        assert_eq!(code(text), ["zenml a b", "zenml c"]);
        let text = "a:\r\n  #!/bin/sh\r\n  zenml a\r\n";
        assert_eq!(code(text), ["#!/bin/sh\nzenml a\n"]);
    }

    #[test]
    fn a_recipe_with_a_shebang_is_one_program() {
        let text = "\
a:
    #!/usr/bin/env bash
    if x; then

        zenml a --b={{c}} \\
          -d
    fi
b:
    #!/usr/bin/env python3
    zenml no
";
        let (source, found) = read(snippets, "justfile", text);
        assert_eq!(
            codes(&found),
            ["#!/usr/bin/env bash\nif x; then\n\n    zenml a --b=${c} \\\n      -d\nfi\n"]
        );
        assert_eq!(
            origin(&source, &found[0], "${c}"),
            (text.find("{{").unwrap(), "{{c}}")
        );
    }

    #[test]
    fn an_attribute_makes_a_recipe_a_script() {
        assert_eq!(code("[private, script]\na:\n  x\n  y\n"), ["x\ny\n"]);
        assert_eq!(
            code("[script('bash', '-e')]\n[private]\na:\n  x\n  y\nb:\n  z"),
            ["x\ny\n", "z"]
        );
        assert_eq!(code("[script: \"python3\"]\na:\n  zenml no\n"), [""; 0]);
        assert_eq!(code("[doc('script (bash)')]\na:\n  x\n  y\n"), ["x", "y"]);
        assert_eq!(code("set default-script\na:\n  x\n  y\n"), ["x\ny\n"]);
        assert_eq!(
            code("set script-interpreter := ['uv', 'run', 'python']\n[script]\na:\n  no\n"),
            [""; 0]
        );
    }

    #[test]
    fn a_shell_of_another_language_has_no_code() {
        let text =
            "a:\n  no\nb:\n  #!/bin/sh\n  x\nset shell := [\n  \"pwsh\",\n  \"-c\"]\nd := `no`\n";
        assert_eq!(code(text), ["#!/bin/sh\nx\n"]);
        assert_eq!(code("set shell := ['bash', '-c']\na:\n  x\n"), ["x"]);
    }

    #[test]
    fn assignments_and_backticks_are_code() {
        let text = "\
my-name := 'tracker_secret'
export URL := \"https://x\" # comment
a := `zenml x`
b := \"x\\n\"
c := 'x' + \"y\"
d := '''
  zenml no:
'''
e:
  zenml y {{my-name}} {{`zenml no`}}
f x=`zenml z`: e
";
        assert_eq!(
            code(text),
            [
                "my_name=\"tracker_secret\"",
                "URL=\"https://x\"",
                "d=\"\n  zenml no:\n\"",
                "zenml x",
                "zenml z",
                "zenml y ${my_name} ${_}",
            ]
        );
    }

    #[test]
    fn keywords_are_names_of_recipes_too() {
        let text = "set:\n  a\nset x:\n  b\nmod:\n  c\n@export x='1':\n  d\nalias y := set\n  no\nmod z 'a:b'\n  no\nset dotenv-load\n  no\nimport 'x:y'\n  no\n";
        assert_eq!(code(text), ["a", "b", "c", "d"]);
    }

    #[test]
    fn quotes_that_are_not_closed_end_with_their_line() {
        assert_eq!(
            code("a := \"x\nb:\n  zenml y\nc := 'z\nd:\n  zenml w\n"),
            ["zenml y", "zenml w"]
        );
        assert_eq!(code("a:\n  x \\"), ["x "]);
        assert_eq!(code("a:\n  x {{y\n  z"), ["x {{y", "z"]);
    }
}
