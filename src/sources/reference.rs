//! A reference in a file, and the edits that rename its secret or key.

use crate::diagnostics::finding::{FixEdit, RelatedSpan, Scope};
use crate::diagnostics::finding_builder::FindingBuilder;
use crate::diagnostics::rule_id::RuleId;
use crate::document::{Document, NodeId, ScalarType, plain_type};
use crate::sources::name_template::NameTemplate;
use crate::text::redacted_source::{RedactedSource, Visibility};
use crate::text::source::Span;
use crate::zenml::grammar::ForeignSyntax;
use std::borrow::Cow;
use std::collections::BTreeMap;
use std::ops::Range;
use std::sync::Arc;

/// A reference that the resolver replaces, or the name of a whole secret.
#[derive(Clone, Debug)]
pub struct Reference {
    /// The file, with its redactions.
    pub source: Arc<RedactedSource>,
    /// The bytes in the file, including the braces.
    pub span: Span,
    /// The bytes of the key, if it is apart from the name of the secret.
    pub key_span: Option<Span>,
    /// The start of its scalar or, in a script, of its command.
    pub scalar_start: usize,
    /// The start of the key of that scalar, or of the scalar if it has no key.
    pub key_start: usize,
    /// The stack, component and attribute.
    pub scope: Scope,
    /// The scalar.
    pub node: NodeId,
    /// The bytes in the decoded value of the scalar.
    pub range: Range<usize>,
    /// The index of its stack in the file.
    pub stack: usize,
    /// The names that it consists of.
    pub names: ReferenceNames,
    /// The other system whose syntax this may be.
    pub foreign: Option<ForeignSyntax>,
    /// Whether a part of the names is known only at run time. The names are as written.
    pub is_dynamic: bool,
    /// What else is known of a dynamic reference.
    pub(super) dynamic: Option<Box<DynamicParts>>,
    /// The literal of a constant that contains the name.
    pub definition: Option<Arc<RelatedSpan>>,
}

/// What is known of the names of a dynamic reference.
#[derive(Clone, Debug)]
pub(super) struct DynamicParts {
    /// The names as the shell reads them, if they are written in another way: `${NAME}` for the
    /// placeholder `<NAME>`.
    pub expression: Option<ReferenceNames>,
    /// The variables in the names, if they are all that is not known.
    pub template: Option<NameTemplate>,
}

impl DynamicParts {
    /// Returns the parts for a reference. Returns `None` if nothing is known.
    pub fn new(
        expression: Option<ReferenceNames>,
        template: Option<NameTemplate>,
    ) -> Option<Box<Self>> {
        let is_known = expression.is_some() || template.is_some();
        is_known.then(|| {
            Box::new(Self {
                expression,
                template,
            })
        })
    }
}

/// The name of a secret and, unless the whole secret is meant, of a key in it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ReferenceNames {
    /// `secret` or `secret.key`.
    text: Box<str>,
    secret_len: usize,
}

impl ReferenceNames {
    /// Creates the names of a reference; `key` is `None` for a whole secret.
    pub fn new(secret: &str, key: Option<&str>) -> Self {
        let key_len = key.map_or(0, |key| 1 + key.len());
        let mut text = String::with_capacity(secret.len() + key_len);
        text.push_str(secret);
        if let Some(key) = key {
            text.push('.');
            text.push_str(key);
        }
        Self {
            text: text.into(),
            secret_len: secret.len(),
        }
    }

    /// Returns the name of the secret.
    pub fn secret(&self) -> &str {
        self.text.get(..self.secret_len).unwrap_or_default()
    }

    /// Returns the key in the secret, or `None` for a whole secret.
    pub fn key(&self) -> Option<&str> {
        self.text.get(self.secret_len + 1..)
    }

    /// Returns `secret` or `secret.key`.
    pub fn text(&self) -> &str {
        &self.text
    }
}

/// One of the two names in a reference.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ReferencePart {
    /// The name of the secret.
    Secret,
    /// The key.
    Key,
}

impl Reference {
    /// Returns the name of the secret.
    pub fn secret(&self) -> &str {
        self.names.secret()
    }

    /// Returns the key in the secret, or `None` for a whole secret.
    pub fn key(&self) -> Option<&str> {
        self.names.key()
    }

    /// Returns the same reference with other names, for example those after variables are expanded.
    #[must_use]
    pub fn with_names(&self, names: ReferenceNames) -> Self {
        Self {
            names,
            ..self.clone()
        }
    }

    /// Returns the names as the shell reads them. In these names, equal expressions are compared.
    pub fn expression(&self) -> &ReferenceNames {
        let dynamic = self.dynamic.as_deref();
        dynamic
            .and_then(|dynamic| dynamic.expression.as_ref())
            .unwrap_or(&self.names)
    }

    /// Returns the name of the variable that determines the names. Returns `None` if there are several,
    /// or if another part of them is not known.
    pub fn only_variable(&self) -> Option<&str> {
        self.dynamic.as_ref()?.template.as_ref()?.only_variable()
    }

    /// Returns the names with the values of variables. Returns `None` if a part of them is not a
    /// variable or is one without a value, or if the result is not a valid name.
    pub fn expand(&self, variables: &BTreeMap<String, String>) -> Option<ReferenceNames> {
        self.dynamic.as_ref()?.template.as_ref()?.expand(variables)
    }

    /// Returns the bytes of the name of the secret and, if there is one, of the key. In a text with
    /// escapes or expressions they are as it writes the names.
    pub fn part_spans(&self) -> (Span, Option<Span>) {
        if self.key_span.is_some() {
            return (self.source.inside_quotes(self.span), self.key_span);
        }
        let Some(key) = self.key() else {
            return (self.source.inside_quotes(self.span), None);
        };
        let text = self.source.slice(self.span);
        let inner = text.trim_start_matches('{').trim_start();
        let start = self.span.start + text.len() - inner.len();
        let inner = inner.trim_end_matches('}').trim_end();
        let is_written = starts_with_names(inner, self.secret(), key);
        let before_key = inner.strip_suffix(key).and_then(|it| it.strip_suffix('.'));
        let secret_len = match before_key {
            _ if is_written => self.secret().len(),
            Some(before) => before.len(),
            None => inner.find('.').unwrap_or(inner.len()),
        };
        let end = start + inner.len();
        let key_start = end.min(start + secret_len + 1);
        let secret_span = Span::new(start, start + secret_len);
        (secret_span, Some(Span::new(key_start, end)))
    }

    /// Returns the edit that replaces one of the names. Returns no edit if the file writes the
    /// reference with escapes or if the new name needs escapes.
    pub fn rename_edits(&self, part: ReferencePart, new: &str) -> Vec<FixEdit> {
        if let Some(key_span) = self.key_span {
            return self.rename_apart(part, key_span, new);
        }
        let text = self.source.slice(self.span);
        let inner = text.trim_start_matches('{').trim_start();
        let inner_start = self.span.start + text.len() - inner.len();
        let (secret, key) = (self.secret(), self.key());
        let (offset, old) = match (part, key) {
            (ReferencePart::Secret, _) => (0, secret),
            (ReferencePart::Key, Some(key)) => (secret.len() + 1, key),
            (ReferencePart::Key, None) => return Vec::new(),
        };
        let is_unescaped = match key {
            Some(key) => starts_with_names(inner, secret, key),
            None => text == secret,
        };
        // The name of a whole secret may be unquoted. Then `1e3` is a number.
        let is_string = key.is_some() || plain_type(new) == ScalarType::String;
        let span = Span::new(inner_start + offset, inner_start + offset + old.len());
        let is_possible = is_unescaped && is_string && needs_no_escape(new, part);
        if is_possible {
            vec![FixEdit::new(span, new)]
        } else {
            Vec::new()
        }
    }

    /// Returns the edit that replaces one of two names that are apart.
    fn rename_apart(&self, part: ReferencePart, key_span: Span, new: &str) -> Vec<FixEdit> {
        let (span, old) = match part {
            ReferencePart::Secret => (self.span, self.secret()),
            ReferencePart::Key => (key_span, self.key().unwrap_or_default()),
        };
        if self.source.slice(span) == old && needs_no_escape(new, part) {
            vec![FixEdit::new(span, new)]
        } else {
            Vec::new()
        }
    }

    /// Starts a finding about the reference. A finding about a key has the span of the key, if that
    /// is apart from the name.
    pub fn finding(&self, rule: RuleId, message: impl Into<String>) -> FindingBuilder {
        let is_about_key = matches!(
            rule,
            RuleId::UnknownKey | RuleId::UnusableValue | RuleId::EmptyValue
        );
        let span = self.key_span.filter(|_| is_about_key).unwrap_or(self.span);
        let finding = FindingBuilder::new(rule, &self.source, span, message);
        let finding = match &self.definition {
            Some(definition) if !is_about_key => finding.related(RelatedSpan::clone(definition)),
            _ => finding,
        };
        finding
            .starts(self.scalar_start, self.key_start)
            .scope(self.scope.clone())
            .names(self.secret(), self.key())
    }
}

/// Returns the literal of the constant that a scalar gets its value from.
pub(super) fn definition(document: &Document, node: NodeId) -> Option<Arc<RelatedSpan>> {
    let definition = document.definition(node)?;
    let source = Arc::clone(&definition.source);
    Some(Arc::new(RelatedSpan {
        source: RedactedSource::new(source, Visibility::SpanOnly),
        span: definition.span,
        message: "the name is defined here".to_owned(),
    }))
}

/// Returns a dynamic text of code as it is written. Returns `None` if the text is not that of the
/// expression, but the value of a constant or a default.
pub(super) fn written_in_code<'t>(written: &'t str, text: &str) -> Option<&'t str> {
    let inner = text
        .strip_prefix('{')
        .and_then(|text| text.strip_suffix('}'));
    (written == text || inner == Some(written)).then_some(written)
}

/// Returns a dynamic text of code without the literals in its expressions, which are not names:
/// `${…}` for `${var.names["x"]}`.
pub(super) fn without_literals(text: &str) -> Cow<'_, str> {
    let expressions = text.find("${").zip(text.rfind('}'));
    match expressions.filter(|_| text.contains(['"', '\''])) {
        Some((start, end)) if start < end => {
            let before = text.get(..start).unwrap_or_default();
            let after = text.get(end..).unwrap_or_default();
            format!("{before}${{…{after}").into()
        }
        _ => text.into(),
    }
}

fn starts_with_names(inner: &str, secret: &str, key: &str) -> bool {
    inner
        .strip_prefix(secret)
        .and_then(|rest| rest.strip_prefix('.'))
        .is_some_and(|rest| rest.starts_with(key))
}

/// Returns whether a new name is valid in every syntax without escapes. Only keys may contain dots.
fn needs_no_escape(name: &str, part: ReferencePart) -> bool {
    let is_allowed = |c: char| {
        c.is_ascii_alphanumeric()
            || matches!(c, '_' | '-')
            || (c == '.' && part == ReferencePart::Key)
    };
    !name.is_empty() && name.chars().all(is_allowed)
}

#[cfg(test)]
#[expect(clippy::unwrap_used, clippy::indexing_slicing, reason = "tests")]
mod tests {
    use super::*;
    use crate::document::Syntax;
    use crate::text::source::SourceFile;

    #[test]
    fn parts_are_found_in_every_spelling() {
        let document = Document::parse(Arc::new(SourceFile::new("a", "a")), Syntax::Yaml).unwrap();
        let node = document.roots()[0];
        for (text, secret, key, expected) in [
            ("{{a.b}}", "a", Some("b"), ("a", Some("b"))),
            ("{{ a.b.c }}", "a", Some("b.c"), ("a", Some("b.c"))),
            ("{{\\x61.b}}", "a", Some("b"), ("\\x61", Some("b"))),
            ("{{a.\\x62}}", "a", Some("b"), ("a", Some("\\x62"))),
            ("{{\\x61\\x2eb}}", "a", Some("b"), ("\\x61\\x2eb", Some(""))),
            (
                "{{${local.x}.b}}",
                "a",
                Some("b"),
                ("${local.x}", Some("b")),
            ),
            ("{{a\\\n  .b}}", "a", Some("b"), ("a\\\n  ", Some("b"))),
            ("'a'", "a", None, ("a", None)),
            ("NAME", "a", None, ("NAME", None)),
            ("", "a", Some("b"), ("", Some(""))),
            ("{{", "a", Some("b"), ("", Some(""))),
        ] {
            let file = Arc::new(SourceFile::new("a.yaml", text));
            let reference = Reference {
                source: RedactedSource::span_only(&file),
                span: Span::new(0, text.len()),
                key_span: None,
                scalar_start: 0,
                key_start: 0,
                scope: Scope::default(),
                node,
                range: 0..0,
                stack: 0,
                names: ReferenceNames::new(secret, key),
                foreign: None,
                is_dynamic: false,
                dynamic: None,
                definition: None,
            };
            let (secret, key) = reference.part_spans();
            let found = (file.slice(secret), key.map(|key| file.slice(key)));
            assert_eq!(found, expected, "{text}");
        }
    }
}
