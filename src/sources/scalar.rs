//! A scalar at its place, read: what the scalar rules look at, and the references that come of it.

use crate::diagnostics::finding::{FixEdit, Scope};
use crate::diagnostics::finding_builder::FindingBuilder;
use crate::diagnostics::rule_id::RuleId;
use crate::document::{Document, NodeId, OffsetMap, ScalarType, Syntax, plain_type};
use crate::sources::stack_model::{Role, ScalarPosition, Stack, StackModel};
use crate::text::redacted_source::RedactedSource;
use crate::text::source::Span;
use crate::zenml::flavors::Version;
use crate::zenml::grammar::{self, BraceExpression, BraceKind, ForeignSyntax, ParsedValue, Resolver};
use std::ops::Range;
use std::sync::{Arc, OnceLock};

/// A scalar (or a flow mapping that was meant as one) with everything that a rule may ask of it.
#[derive(Debug)]
pub struct ScalarContext<'a> {
    /// The file, with the parts of it that may be shown.
    pub source: &'a Arc<RedactedSource>,
    /// The parsed file.
    pub document: &'a Document,
    /// The stacks in it.
    pub stacks: &'a StackModel,
    /// Where it stands.
    pub position: &'a ScalarPosition,
    /// Its decoded value; the source text where it is not a scalar.
    pub text: &'a str,
    /// What the value is.
    pub value: ParsedValue<'a>,
    /// Who replaces references.
    pub resolver: Resolver,
    offsets: OnceLock<OffsetMap>,
}

/// The file that scalars are read from.
#[derive(Clone, Copy, Debug)]
pub struct FileContext<'a> {
    /// The file, with the parts of it that may be shown.
    pub source: &'a Arc<RedactedSource>,
    /// The parsed file.
    pub document: &'a Document,
    /// The stacks in it.
    pub stacks: &'a StackModel,
    /// What replaces references.
    pub resolver: Resolver,
}

/// A reference that the resolver replaces, or the name of a whole secret.
#[derive(Clone, Debug)]
pub struct Reference {
    /// The file.
    pub source: Arc<RedactedSource>,
    /// Braces included.
    pub span: Span,
    /// Where its scalar begins, or its command in a script.
    pub scalar_start: usize,
    /// Where the key of that scalar begins; its own start if it has none.
    pub key_start: usize,
    /// Whose it is.
    pub scope: Scope,
    /// The scalar.
    pub node: NodeId,
    /// Its bytes in the decoded value of the scalar.
    pub range: Range<usize>,
    /// The index of its stack in the file.
    pub stack: usize,
    /// The secret.
    pub secret: String,
    /// The key; absent where a whole secret is named.
    pub key: Option<String>,
    /// The other system that it may have been meant for.
    pub foreign: Option<ForeignSyntax>,
}

/// One of the two names in a reference.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ReferencePart {
    /// The secret.
    Secret,
    /// The key.
    Key,
}

impl Reference {
    /// The edit that makes it name something else; none where its text is written with escapes, or where the new name would
    /// need them.
    pub fn rename_edits(&self, part: ReferencePart, new: &str) -> Vec<FixEdit> {
        let text = self.source.slice(self.span);
        let inner = text.trim_start_matches('{').trim_start();
        let at = self.span.start + text.len() - inner.len();
        let (offset, old) = match (part, &self.key) {
            (ReferencePart::Secret, _) => (0, self.secret.as_str()),
            (ReferencePart::Key, Some(key)) => (self.secret.len() + 1, key.as_str()),
            (ReferencePart::Key, None) => return Vec::new(),
        };
        let as_named = match &self.key {
            Some(key) => {
                inner.strip_prefix(&self.secret).and_then(|rest| rest.strip_prefix('.')?.strip_prefix(key.as_str()))
            }
            None => Some("").filter(|_| text == self.secret),
        };
        let plain =
            |c: char| c.is_ascii_alphanumeric() || matches!(c, '_' | '-') || (c == '.' && part == ReferencePart::Key);
        // A whole secret may stand without quotes, where `1e3` would be a number.
        let is_string = self.key.is_some() || plain_type(new) == ScalarType::String;
        let fits = as_named.is_some() && is_string && !new.is_empty() && new.chars().all(plain);
        let span = Span::new(at + offset, at + offset + old.len());
        if fits { vec![FixEdit::new(span, new)] } else { Vec::new() }
    }

    /// Starts a finding about the reference.
    pub fn finding(&self, rule: RuleId, message: impl Into<String>) -> FindingBuilder {
        FindingBuilder::new(rule, &self.source, self.span, message)
            .starts(self.scalar_start, self.key_start)
            .scope(self.scope.clone())
            .names(self.secret.clone(), self.key.clone())
    }
}

/// Where that begins which a comment above a node speaks of.
pub fn comment_anchor(document: &Document, node: NodeId) -> usize {
    match document.syntax() {
        Syntax::Script => document.root_item_start(node),
        _ => document.node(node).span.start,
    }
}

/// Returns where the key begins whose own value a node is, or where the node begins if there is no such key. A comment above the
/// key holds for the value, also if that is on the next line; it does not hold for what is in a collection.
pub fn key_start(document: &Document, node: NodeId) -> usize {
    document.key_for_value(node).map_or_else(|| comment_anchor(document, node), |key| document.node(key).span.start)
}

impl<'a> ScalarContext<'a> {
    /// Parses the scalar at a position.
    pub fn new(file: FileContext<'a>, position: &'a ScalarPosition) -> Self {
        let FileContext { source, document, stacks, resolver } = file;
        let span = document.node(position.node).span;
        let text = document.text(position.node).unwrap_or_else(|| source.slice(span));
        let value = match document.syntax() {
            Syntax::Script => grammar::parse_word(text),
            _ => grammar::parse_value(text, resolver),
        };
        Self { source, document, stacks, position, text, value, resolver, offsets: OnceLock::new() }
    }

    /// The stack it is in.
    pub fn stack(&self) -> Option<&'a Stack> {
        self.stacks.stacks.get(self.position.stack)
    }

    /// The version whose rules hold.
    pub fn version(&self) -> Version {
        self.stack().map_or(Version::NEWEST, |stack| stack.version)
    }

    /// The span of the whole node.
    pub fn node_span(&self) -> Span {
        self.document.node(self.position.node).span
    }

    /// Whether it is in a script, which `render` leaves alone.
    pub fn is_in_script(&self) -> bool {
        self.document.syntax() == Syntax::Script
    }

    /// Where that begins which a comment above speaks of: the scalar, or the command in a script.
    pub fn comment_anchor(&self) -> usize {
        comment_anchor(self.document, self.position.node)
    }

    /// The source span of some bytes of the decoded value.
    pub fn span(&self, range: &Range<usize>) -> Span {
        if self.position.is_unquoted_reference {
            return self.node_span();
        }
        let offsets = self.offsets.get_or_init(|| self.document.offsets(self.position.node));
        offsets.source(range.start, range.end)
    }

    /// The pieces with braces, whatever the reading.
    pub fn brace_expressions(&self) -> &[BraceExpression<'a>] {
        match &self.value {
            ParsedValue::Plain => &[],
            ParsedValue::Reference(braces) | ParsedValue::Malformed(braces) => std::slice::from_ref(braces),
            ParsedValue::Template(pieces) => pieces,
        }
    }

    /// Whether the whole value is one reference.
    pub fn is_reference(&self) -> bool {
        matches!(self.value, ParsedValue::Reference(_))
    }

    /// Whether other systems' names are at home here: anywhere but as the whole value of an attribute.
    pub fn is_nested_or_embedded(&self) -> bool {
        self.position.role > Role::Attribute
            || !self.brace_expressions().first().is_some_and(|braces| braces.range == (0..self.text.len()))
    }

    /// Whether the resolver would replace this piece, wherever it stands.
    pub fn would_replace(&self, braces: &BraceExpression<'_>) -> bool {
        let by_grammar = matches!(braces.kind, BraceKind::Reference { .. });
        let at_home = self.is_reference() && self.position.role <= Role::Attribute;
        by_grammar && !self.position.is_key && (self.resolver == Resolver::Render || at_home)
    }

    /// Whose it is.
    pub fn scope(&self) -> Scope {
        let stack = self.stack();
        let component = stack.zip(self.position.component).and_then(|(stack, at)| stack.components.get(at));
        Scope {
            stack: stack.and_then(|stack| stack.name.clone()),
            component: component.map(|component| component.kind.clone()),
            component_name: component.and_then(|component| component.name.clone()),
            attribute: self.position.attribute.clone(),
        }
    }

    /// The component and the attribute that the scalar is wrong for: its own, or where an alias brings it.
    pub fn invalid_position(&self) -> (Option<Arc<str>>, Option<Arc<str>>) {
        if let Some(fault) = &self.position.invalid {
            (fault.component.clone(), fault.attribute.clone())
        } else {
            let scope = self.scope();
            (scope.component, scope.attribute)
        }
    }

    /// Starts a finding about some bytes of the decoded value.
    pub fn finding(&self, rule: RuleId, range: &Range<usize>, message: String) -> FindingBuilder {
        FindingBuilder::new(rule, self.source, self.span(range), message)
            .starts(self.comment_anchor(), key_start(self.document, self.position.node))
            .scope(self.scope())
    }

    /// Starts a finding about a brace expression, with the names of a reference.
    pub fn finding_at(&self, rule: RuleId, braces: &BraceExpression<'_>, message: String) -> FindingBuilder {
        let finding = self.finding(rule, &braces.range, message);
        match braces.kind {
            BraceKind::Reference { name, key, .. } => finding.names(name, Some(key.to_owned())),
            BraceKind::Malformed(_) => finding,
        }
    }

    /// The references of a site that no scalar rule objects to.
    pub fn references(&self) -> Vec<Reference> {
        let reference = |range: &Range<usize>, secret: &str, key: Option<&str>, foreign| Reference {
            source: Arc::clone(self.source),
            span: self.span(range),
            scalar_start: self.comment_anchor(),
            key_start: key_start(self.document, self.position.node),
            scope: self.scope(),
            node: self.position.node,
            range: range.clone(),
            stack: self.position.stack,
            secret: secret.to_owned(),
            key: key.map(str::to_owned),
            foreign,
        };
        if self.position.role == Role::WholeSecret {
            return vec![reference(&(0..self.text.len()), self.text, None, None)];
        }
        let replaced = self.brace_expressions().iter().filter(|braces| self.would_replace(braces));
        let references = replaced.filter_map(|braces| match braces.kind {
            BraceKind::Reference { name, key, .. } => Some(reference(&braces.range, name, Some(key), braces.foreign)),
            BraceKind::Malformed(_) => None,
        });
        references.collect()
    }
}
