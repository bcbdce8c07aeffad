//! Builds the code of a justfile's recipes. `justfile` finds them, and its tests test both.

use super::code_builder::CodeBuilder;
use super::host_lines::line_break;
use super::just_text::push_interpolated;
use super::shell_programs::{ProgramLanguage, shebang_language};
use super::{Snippet, SnippetKind};
use crate::document::OffsetMap;
use std::ops::Range;

/// The settings that select the programs of recipes.
#[derive(Default)]
pub(super) struct JustSettings {
    /// The language of the program that runs lines.
    pub shell: Option<ProgramLanguage>,
    /// The language of the program that runs scripts.
    pub script_interpreter: Option<ProgramLanguage>,
    /// Whether a recipe without a shebang is a script.
    pub default_script: bool,
}

/// The attribute `script`, which makes a recipe one program.
#[derive(Clone, Copy)]
pub(super) enum ScriptAttribute {
    /// The program of the setting `script-interpreter` runs the recipe.
    Default,
    /// Another program runs the recipe.
    Program(ProgramLanguage),
}

/// A recipe.
pub(super) struct JustRecipe {
    /// The lines with their indentation.
    pub lines: Vec<Range<usize>>,
    /// The attribute `script`.
    pub script: Option<ScriptAttribute>,
}

/// Builds the code of recipes.
pub(super) struct RecipeBuilder<'t> {
    pub text: &'t str,
    pub map: &'t OffsetMap,
}

impl RecipeBuilder<'_> {
    /// Adds the code of a recipe.
    pub fn add_recipe(
        &self,
        recipe: &JustRecipe,
        settings: &JustSettings,
        found: &mut Vec<Snippet>,
    ) {
        let script = self.script_language(recipe, settings);
        if script.or(settings.shell) == Some(ProgramLanguage::Other) {
            return;
        }
        if script.is_some() {
            found.extend(self.script(recipe));
        } else {
            self.add_lines(recipe, found);
        }
    }

    fn slice(&self, range: &Range<usize>) -> &str {
        self.text.get(range.clone()).unwrap_or_default()
    }

    /// Returns the language of a recipe that is one program. Returns `None` if each of its lines is
    /// a program.
    fn script_language(
        &self,
        recipe: &JustRecipe,
        settings: &JustSettings,
    ) -> Option<ProgramLanguage> {
        let mut lines = recipe.lines.iter().map(|line| self.slice(line).trim());
        let first = lines.find(|line| !line.is_empty())?;
        if first.starts_with("#!") {
            return Some(shebang_language(first).unwrap_or(ProgramLanguage::Other));
        }
        let default = settings.default_script.then_some(ScriptAttribute::Default);
        Some(match recipe.script.or(default)? {
            ScriptAttribute::Default => settings
                .script_interpreter
                .unwrap_or(ProgramLanguage::Shell),
            ScriptAttribute::Program(language) => language,
        })
    }

    /// Returns the code of a recipe that is one program, without its indentation.
    fn script(&self, recipe: &JustRecipe) -> Option<Snippet> {
        let first = recipe
            .lines
            .iter()
            .find(|line| !self.slice(line).trim().is_empty())?;
        let indent = self.indent(first);
        let mut code = CodeBuilder::new(self.text, self.map, first.start);
        for line in &recipe.lines {
            let start = line.start + self.indent(line).min(indent);
            push_interpolated(&mut code, self.text, start..line.end);
            code.push(line_break(self.text, line.end));
        }
        code.finish(SnippetKind::Script)
    }

    /// Returns the length of a line's indentation.
    fn indent(&self, line: &Range<usize>) -> usize {
        let content = self.slice(line);
        content.len() - content.trim_start_matches([' ', '\t']).len()
    }

    /// Adds the lines of a recipe. just removes the backslash of a continued line, the line break
    /// and the indentation of the next line.
    fn add_lines(&self, recipe: &JustRecipe, found: &mut Vec<Snippet>) {
        let mut lines = recipe.lines.iter();
        while let Some(line) = lines.next() {
            let mut range = line.start + self.indent(line)..line.end;
            range.start += sigils_len(self.slice(&range));
            let mut code = CodeBuilder::new(self.text, self.map, range.start);
            while self.slice(&range).ends_with('\\') {
                push_interpolated(&mut code, self.text, range.start..range.end - 1);
                let Some(next) = lines.next() else {
                    range = range.end..range.end;
                    break;
                };
                range = next.start + self.indent(next)..next.end;
            }
            push_interpolated(&mut code, self.text, range);
            found.extend(code.finish(SnippetKind::Script));
        }
    }
}

/// Returns the length of the characters before a command that only just reads: `@`, `-` and `?`,
/// each at most once.
fn sigils_len(line: &str) -> usize {
    let mut sigils = vec!['@', '-', '?'];
    let is_sigil = |c: &char| {
        let index = sigils.iter().position(|sigil| sigil == c);
        index.map(|index| sigils.swap_remove(index)).is_some()
    };
    line.chars().take_while(is_sigil).count()
}
