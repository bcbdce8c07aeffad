//! The variables in the words of a script and in the texts of calls.

use super::shell::{is_placeholder, parse_variable};
use super::snippets::UNKNOWN_VARIABLE;
use super::text_template::{TemplateVariable, TextTemplate};
use super::{Document, NodeId, ScriptHost, Style, Syntax};
use std::ops::Range;

impl Document {
    /// Returns the template of a range of a scalar in code. Returns `None` if the range has no
    /// expansion, if a part of it is not a variable, or if the code assigns several values to a
    /// variable.
    pub fn template(&self, id: NodeId, range: &Range<usize>) -> Option<TextTemplate> {
        let text = self.text(id)?;
        let all = self.expansions(id);
        let first = all.partition_point(|expansion| expansion.end <= range.start);
        let inside = all.get(first..)?.iter();
        let mut inside = inside
            .take_while(|expansion| expansion.start < range.end)
            .peekable();
        inside.peek()?;
        let is_shell_word = self.is_shell_word(id);
        let mut template = TextTemplate::default();
        let mut at = range.start;
        for expansion in inside {
            template.push_text(text.get(at..expansion.start)?)?;
            if is_shell_word {
                template.extend(&self.shell_variable(id, expansion)?)?;
            } else {
                template.extend(self.call_template(id, expansion.start)?)?;
            }
            at = expansion.end;
        }
        template.push_text(text.get(at..range.end)?)?;
        Some(template)
    }

    /// Returns the variable that an expansion of a word is, with the value that the script assigns.
    fn shell_variable(&self, id: NodeId, expansion: &Range<usize>) -> Option<TextTemplate> {
        let Syntax::Script(host) = self.syntax else {
            return None;
        };
        let offsets = self.offsets(id);
        if host.has_placeholders() && is_placeholder(&offsets, expansion) {
            return None;
        }
        let text = self.text(id)?.get(expansion.clone())?;
        let is_split = self.style_at(id, expansion.start) == Some(Style::Plain);
        let in_template = |variable| {
            let mut template = TextTemplate::default();
            template.push_variable(TemplateVariable {
                is_split,
                ..variable
            })?;
            Some(template)
        };
        if host == ScriptHost::Workflow && text == UNKNOWN_VARIABLE {
            let source = offsets.source(expansion.start, expansion.end);
            return in_template(workflow_variable(self.source.slice(source))?);
        }
        self.shell_assignments
            .resolve(&in_template(parse_variable(text)?)?)
    }
}

/// Returns the environment variable that an expression of GitHub Actions inserts:
/// `${{ env.NAME }}`.
fn workflow_variable(expression: &str) -> Option<TemplateVariable> {
    let inner = expression.strip_prefix("${{")?.strip_suffix("}}")?;
    let name = inner.trim().strip_prefix("env.")?;
    let is_part = |c: char| c.is_ascii_alphanumeric() || matches!(c, '_' | '-');
    let is_name = name.starts_with(|c: char| c.is_ascii_alphabetic() || c == '_');
    (is_name && name.chars().all(is_part)).then(|| TemplateVariable::new(name))
}
