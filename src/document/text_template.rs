//! Texts with parts that variables determine, for example `${ENV}_db`.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::fmt;
use zeroize::Zeroizing;

/// The most parts of a template. More parts would be no name.
const MAX_PARTS: usize = 64;

/// The most bytes of literal text in a template.
const MAX_TEXT_BYTES: usize = 4096;

/// A text that consists of literal text and variables. Its literal text may be secret, so it is
/// neither printed nor kept in memory longer than necessary.
#[derive(Clone, Default, PartialEq, Eq)]
pub struct TextTemplate {
    parts: Vec<TemplatePart>,
    text_len: usize,
}

/// A part of a template.
#[derive(Clone, PartialEq, Eq)]
enum TemplatePart {
    Text(Zeroizing<String>),
    Variable(TemplateVariable),
}

/// A variable in a template.
#[derive(Clone, PartialEq, Eq)]
pub(crate) struct TemplateVariable {
    /// Its name, without `$`.
    pub name: Box<str>,
    /// Whether something else replaces an empty value: `${NAME:-default}`.
    pub refuses_empty: bool,
    /// Whether a shell splits the value at blanks and expands the patterns in it.
    pub is_split: bool,
    /// The value that the file assigns.
    pub assigned: Option<TextTemplate>,
}

impl TemplateVariable {
    /// Creates a variable whose value is inserted as it is.
    pub fn new(name: &str) -> Self {
        Self {
            name: name.into(),
            refuses_empty: false,
            is_split: false,
            assigned: None,
        }
    }

    /// Returns the name of the variable that determines the value: its own or, if the file assigns a
    /// value with one other variable, that of the other. Returns `None` for other assigned values.
    pub fn source_name(&self) -> Option<&str> {
        let Some(assigned) = &self.assigned else {
            return Some(&self.name);
        };
        let mut variables = assigned.variables();
        let only = variables.next()?;
        (variables.next().is_none() && only.assigned.is_none()).then_some(&*only.name)
    }

    /// Returns the value: the one that the file assigns or, if that is not known, that of the
    /// variable. Returns `None` if the shell makes another text of the value.
    fn value<'v>(&self, variables: &'v BTreeMap<String, String>) -> Option<Cow<'v, str>> {
        let assigned = self.assigned.as_ref();
        let value = match assigned.and_then(|assigned| assigned.expand(variables)) {
            Some(value) => Cow::Owned(value),
            None => Cow::Borrowed(variables.get(&*self.name)?.as_str()),
        };
        let is_other = (self.refuses_empty && value.is_empty())
            || (self.is_split && value.contains([' ', '\t', '\n', '*', '?', '[', '\\']));
        (!is_other).then_some(value)
    }
}

impl fmt::Debug for TextTemplate {
    /// Omits the text, which may be secret.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} parts", self.parts.len())
    }
}

impl TextTemplate {
    /// Creates a template that is one variable.
    pub fn variable(name: &str) -> Self {
        Self {
            parts: vec![TemplatePart::Variable(TemplateVariable::new(name))],
            text_len: 0,
        }
    }

    /// Creates a template without variables. Returns `None` if the text is too long.
    pub fn literal(text: &str) -> Option<Self> {
        let mut template = Self::default();
        template.push_text(text)?;
        Some(template)
    }

    /// Returns the text with the values of variables. Returns `None` if a variable has no value, or
    /// if the shell makes another text of the value.
    pub fn expand(&self, variables: &BTreeMap<String, String>) -> Option<String> {
        let mut out = String::new();
        for part in &self.parts {
            match part {
                TemplatePart::Text(text) => out.push_str(text),
                TemplatePart::Variable(variable) => out.push_str(&variable.value(variables)?),
            }
        }
        Some(out)
    }

    /// Adds literal text. Returns `None` if the template becomes too long.
    pub fn push_text(&mut self, text: &str) -> Option<()> {
        if text.is_empty() {
            return Some(());
        }
        let len = self.text_len + text.len();
        if len > MAX_TEXT_BYTES {
            return None;
        }
        self.text_len = len;
        self.push(TemplatePart::Text(Zeroizing::new(text.to_owned())))
    }

    /// Adds a variable. Returns `None` if the template becomes too long.
    pub(crate) fn push_variable(&mut self, variable: TemplateVariable) -> Option<()> {
        self.push(TemplatePart::Variable(variable))
    }

    /// Adds the parts of another template. Returns `None` if the template becomes too long.
    pub fn extend(&mut self, other: &Self) -> Option<()> {
        self.text_len += other.text_len;
        if self.text_len > MAX_TEXT_BYTES {
            return None;
        }
        other
            .parts
            .iter()
            .try_for_each(|part| self.push(part.clone()))
    }

    fn push(&mut self, part: TemplatePart) -> Option<()> {
        (self.parts.len() < MAX_PARTS).then(|| self.parts.push(part))
    }

    /// Returns the variable if the template consists only of it.
    pub(crate) fn only_variable(&self) -> Option<&TemplateVariable> {
        match self.parts.as_slice() {
            [TemplatePart::Variable(variable)] => Some(variable),
            _ => None,
        }
    }

    /// Iterates over the variables.
    pub(crate) fn variables(&self) -> impl Iterator<Item = &TemplateVariable> {
        self.parts.iter().filter_map(|part| match part {
            TemplatePart::Text(_) => None,
            TemplatePart::Variable(variable) => Some(variable),
        })
    }

    /// Returns the template with other variables in place of its own. Returns `None` if `replace`
    /// does.
    pub(crate) fn map_variables(
        &self,
        mut replace: impl FnMut(&TemplateVariable) -> Option<TemplateVariable>,
    ) -> Option<Self> {
        let parts = self.parts.iter().map(|part| match part {
            TemplatePart::Text(_) => Some(part.clone()),
            TemplatePart::Variable(variable) => replace(variable).map(TemplatePart::Variable),
        });
        Some(Self {
            parts: parts.collect::<Option<_>>()?,
            text_len: self.text_len,
        })
    }
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "tests")]
mod tests {
    use super::*;

    fn variables(pairs: &[(&str, &str)]) -> BTreeMap<String, String> {
        let pairs = pairs.iter();
        pairs
            .map(|&(name, value)| (name.to_owned(), value.to_owned()))
            .collect()
    }

    #[test]
    fn variables_get_their_values() {
        let mut template = TextTemplate::literal("a_").unwrap();
        template.push_variable(TemplateVariable::new("X")).unwrap();
        template.push_text("_b").unwrap();
        let expand = |pairs| template.expand(&variables(pairs));
        assert_eq!(expand(&[("X", "é")]).as_deref(), Some("a_é_b"));
        assert_eq!(expand(&[("X", "")]).as_deref(), Some("a__b"));
        assert_eq!(expand(&[("Y", "x")]), None);
        assert_eq!(format!("{template:?}"), "3 parts");
    }

    #[test]
    fn the_shell_changes_some_values() {
        let cases = [
            ("x", true, true, true),
            ("", false, true, true),
            ("", true, false, false),
            ("a b", false, true, false),
            ("a*", false, true, false),
            ("a b", true, false, true),
        ];
        for (value, refuses_empty, is_split, is_expanded) in cases {
            let mut template = TextTemplate::default();
            let variable = TemplateVariable {
                refuses_empty,
                is_split,
                ..TemplateVariable::new("X")
            };
            template.push_variable(variable).unwrap();
            let expanded = template.expand(&variables(&[("X", value)]));
            assert_eq!(expanded, is_expanded.then(|| value.to_owned()), "{value}");
        }
    }

    #[test]
    fn an_assigned_value_has_precedence_if_it_is_known() {
        let variable = TemplateVariable {
            assigned: Some(TextTemplate::variable("Y")),
            ..TemplateVariable::new("X")
        };
        let mut template = TextTemplate::default();
        template.push_variable(variable).unwrap();
        let expand = |pairs| template.expand(&variables(pairs));
        assert_eq!(expand(&[("X", "x"), ("Y", "y")]).as_deref(), Some("y"));
        assert_eq!(expand(&[("X", "x")]).as_deref(), Some("x"));
        assert_eq!(expand(&[]), None);
    }

    #[test]
    fn another_variable_may_determine_the_value() {
        let of_assigned = |assigned| {
            let variable = TemplateVariable {
                assigned,
                ..TemplateVariable::new("X")
            };
            variable.source_name().map(str::to_owned)
        };
        let mut two = TextTemplate::variable("Y");
        two.extend(&TextTemplate::variable("Z")).unwrap();
        assert_eq!(of_assigned(None).as_deref(), Some("X"));
        let other = Some(TextTemplate::variable("Y"));
        assert_eq!(of_assigned(other).as_deref(), Some("Y"));
        assert_eq!(of_assigned(Some(two)), None);
        assert_eq!(of_assigned(TextTemplate::literal("x")), None);
    }

    #[test]
    fn the_size_of_templates_is_limited() {
        assert!(TextTemplate::literal(&"x".repeat(MAX_TEXT_BYTES)).is_some());
        assert!(TextTemplate::literal(&"x".repeat(MAX_TEXT_BYTES + 1)).is_none());
        let mut template = TextTemplate::variable("X");
        for _ in 0..6 {
            let same = template.clone();
            template.extend(&same).unwrap();
        }
        let same = template.clone();
        assert!(template.extend(&same).is_none());
        assert!(template.push_text("x").is_none());
    }
}
