//! The variables that a script assigns.

use super::shell_variables::assigned_template;
use super::shell_word::Word;
use super::simple_command::{AssignedValue, SimpleCommand};
use crate::document::text_template::{TemplateVariable, TextTemplate};
use std::collections::hash_map::Entry;
use std::collections::{HashMap, HashSet};
use std::fmt;
use zeroize::Zeroizing;

/// The longest value that is kept.
const MAX_VALUE_BYTES: usize = 1_000;

/// The depth of variables whose values contain other variables.
const MAX_DEPTH: usize = 8;

/// The most variables in a text, including those in their values.
const MAX_VARIABLES: usize = 64;

/// The value of an assignment.
#[derive(Clone, Copy)]
enum Assigned<'v> {
    Literal(&'v str),
    /// A value that the script gets from elsewhere.
    Unknown,
    /// A part of a value, or one of several values.
    Partial,
}

/// The variables that a script assigns, with their values.
#[derive(Default)]
pub struct ShellAssignments {
    /// `None` for a variable that is assigned twice or to a value that is not literal.
    values: HashMap<String, Option<Zeroizing<String>>>,
    /// The variables that are assigned more than once, for example in a loop.
    reassigned: HashSet<String>,
    /// The values with variables of the variables that are assigned once.
    composed: HashMap<String, TextTemplate>,
    /// The variables that have several values, of which at least one is written in the script.
    ambiguous: HashSet<String>,
    /// Whether the host replaces placeholders, such as `<NAME>`, by variables.
    has_placeholders: bool,
    /// The elements of arrays that no command has used yet.
    arrays: HashMap<String, Vec<Word>>,
    /// The values with double braces that no command has used yet.
    references: HashMap<String, Word>,
}

impl fmt::Debug for ShellAssignments {
    /// Omits the values, which may be secret.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} variables", self.values.len())
    }
}

impl ShellAssignments {
    /// Creates an empty list for a host that may replace placeholders by variables.
    pub(in crate::document) fn new(has_placeholders: bool) -> Self {
        Self {
            has_placeholders,
            ..Self::default()
        }
    }

    /// Returns the value of a variable that the script assigns once, without a variable in it.
    pub fn literal(&self, name: &str) -> Option<&str> {
        self.values.get(name)?.as_ref().map(|value| value.as_str())
    }

    /// Replaces the variables in a text by the values that the script assigns. Returns `None` if a
    /// value is unknown, or if the text contains something else that a shell expands.
    pub fn expand(&self, text: &str) -> Option<String> {
        let mut parts = text.split('$');
        let mut out = parts.next()?.to_owned();
        if out.contains('`') {
            return None;
        }
        for part in parts {
            let (name, rest) = match part.strip_prefix('{') {
                Some(part) => part.split_once('}')?,
                None => split_name(part),
            };
            out.push_str(self.literal(name)?);
            if rest.contains('`') {
                return None;
            }
            out.push_str(rest);
        }
        Some(out)
    }

    /// Returns whether a text contains a variable that the script assigns more than once, so that
    /// the text has no certain value.
    pub fn has_reassigned(&self, text: &str) -> bool {
        text.split('$').skip(1).any(|part| {
            let (name, _) = split_name(part.strip_prefix('{').unwrap_or(part));
            self.reassigned.contains(name)
        })
    }

    /// Returns whether the script assigns a variable.
    pub fn contains(&self, name: &str) -> bool {
        self.values.contains_key(name)
    }

    /// Records the variables that a command assigns. Assignments in front of a program apply only to
    /// that program. `code` is the code that contains the command.
    pub(super) fn record(&mut self, code: &str, command: &SimpleCommand) {
        if !command.words.is_empty() && !command.is_declaration() {
            self.record_builtin(command);
            return;
        }
        for assignment in &command.assignments {
            let name = code.get(assignment.name.clone()).unwrap_or_default();
            let value = match &assignment.value {
                AssignedValue::Word(_) if assignment.appends => Assigned::Partial,
                AssignedValue::Word(word) if word.expansions.is_empty() => {
                    Assigned::Literal(word.as_str())
                }
                AssignedValue::Word(_) => Assigned::Unknown,
                AssignedValue::Array(_) | AssignedValue::Element(_) => Assigned::Partial,
            };
            self.assign(name, value);
        }
    }

    /// Records the variables that `for`, `read` and similar commands assign.
    fn record_builtin(&mut self, command: &SimpleCommand) {
        let mut words = command
            .words
            .iter()
            .map(super::word_lexer::LexedWord::as_str);
        let program = words.next();
        let is_loop = matches!(program, Some("for" | "select" | "getopts"));
        let count = match program {
            Some("for" | "select" | "getopts") => 1,
            Some("read" | "unset" | "mapfile" | "readarray") => usize::MAX,
            _ => return,
        };
        let value = match program {
            Some("read") => Assigned::Unknown,
            _ => Assigned::Partial,
        };
        for name in words.take(count).filter(|word| !word.starts_with('-')) {
            self.assign(name, value);
            if is_loop {
                self.reassigned.insert(name.to_owned());
            }
        }
    }

    fn assign(&mut self, name: &str, assigned: Assigned<'_>) {
        let value = match assigned {
            Assigned::Literal(value) if value.len() <= MAX_VALUE_BYTES => {
                Some(Zeroizing::new(value.to_owned()))
            }
            _ => None,
        };
        let is_partial = match assigned {
            Assigned::Literal(_) => value.is_none(),
            Assigned::Unknown => false,
            Assigned::Partial => true,
        };
        let is_written = !matches!(assigned, Assigned::Unknown);
        let is_ambiguous = match self.values.entry(name.to_owned()) {
            Entry::Occupied(mut entry) => {
                let old = entry.insert(None);
                self.reassigned.insert(name.to_owned());
                let was_composed = self.composed.remove(name).is_some();
                is_written || was_composed || old.is_some()
            }
            Entry::Vacant(entry) => {
                entry.insert(value);
                is_partial
            }
        };
        if is_ambiguous {
            self.ambiguous.insert(name.to_owned());
        }
    }

    /// Adds the value of an assignment that was recorded, if it consists of text and variables. A
    /// variable whose value is its own default, `ENV=${ENV:-dev}`, has an unknown value.
    pub(super) fn add_composed(&mut self, name: &str, value: &Word) {
        let is_short = value.text.len() <= MAX_VALUE_BYTES;
        let template = assigned_template(value, self.has_placeholders).filter(|_| is_short);
        let Some(template) = template else {
            return;
        };
        let is_own = |variable: &TemplateVariable| *variable.name == *name;
        if template.only_variable().is_some_and(is_own) {
            return;
        }
        if self.reassigned.contains(name) || template.variables().any(is_own) {
            self.ambiguous.insert(name.to_owned());
        } else {
            self.composed.insert(name.to_owned(), template);
        }
    }

    /// Returns a template with the values that the script assigns to its variables. Returns `None` if
    /// the script assigns several values to one of them.
    pub(in crate::document) fn resolve(&self, template: &TextTemplate) -> Option<TextTemplate> {
        self.resolve_at(template, 0, &mut 0)
    }

    fn resolve_at(
        &self,
        template: &TextTemplate,
        depth: usize,
        count: &mut usize,
    ) -> Option<TextTemplate> {
        if depth > MAX_DEPTH {
            return None;
        }
        template.map_variables(|variable| {
            let name = &*variable.name;
            *count += 1;
            if *count > MAX_VARIABLES || self.ambiguous.contains(name) {
                return None;
            }
            let assigned = match (self.literal(name), self.composed.get(name)) {
                (Some(literal), _) => Some(TextTemplate::literal(literal)?),
                (None, Some(composed)) => Some(self.resolve_at(composed, depth + 1, count)?),
                (None, None) => None,
            };
            Some(TemplateVariable {
                assigned,
                ..variable.clone()
            })
        })
    }

    /// Removes the values that commands take, when all commands have been read.
    pub(super) fn finish(&mut self) {
        self.arrays.clear();
        self.references.clear();
    }

    /// Adds a value with double braces.
    pub(super) fn add_reference(&mut self, name: &str, value: Word) {
        self.references.insert(name.to_owned(), value);
    }

    /// Returns the word with a value with double braces in place of a variable at its end. Later
    /// commands do not get the value again, so that each reference belongs to one command.
    pub(super) fn take_reference(&mut self, word: &Word) -> Option<Word> {
        let [expansion] = word.expansions.as_slice() else {
            return None;
        };
        let (before, variable) = word.text.split_at_checked(expansion.start)?;
        let name = variable_name(variable)?;
        let is_value = before.is_empty() || before.ends_with('=');
        if !is_value || self.literal(name).is_none() {
            return None;
        }
        let value = self.references.remove(name)?;
        Some(word.with_value(before.len(), value))
    }

    /// Adds the elements of an array.
    pub(super) fn extend_array(&mut self, name: &str, appends: bool, words: Vec<Word>) {
        let elements = self.arrays.entry(name.to_owned()).or_default();
        if !appends {
            elements.clear();
        }
        elements.extend(words);
    }

    /// Returns the elements of the array that a word expands, `${NAME[@]}`. Later commands do not
    /// get them again, so that each element belongs to one command.
    pub(super) fn take_array(&mut self, word: &str) -> Option<Vec<Word>> {
        let inner = word.strip_prefix("${")?.strip_suffix("[@]}")?;
        self.arrays.remove(inner)
    }
}

/// Returns the name of the variable that a text is: `$NAME` or `${NAME}`.
pub(super) fn variable_name(text: &str) -> Option<&str> {
    let name = text.strip_prefix('$')?;
    let inner = name.strip_prefix('{').map(|rest| rest.strip_suffix('}'));
    let name = inner.unwrap_or(Some(name))?;
    let (name, rest) = split_name(name);
    (rest.is_empty() && !name.is_empty()).then_some(name)
}

/// Splits a text after the name of a variable at its start.
fn split_name(text: &str) -> (&str, &str) {
    let is_part = |c: char| c.is_ascii_alphanumeric() || c == '_';
    text.split_at(text.find(|c| !is_part(c)).unwrap_or(text.len()))
}
