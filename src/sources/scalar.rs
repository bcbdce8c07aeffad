//! A parsed scalar with its position: the input of the scalar rules, and the references in it.

use crate::diagnostics::finding::Scope;
use crate::diagnostics::finding_builder::FindingBuilder;
use crate::diagnostics::rule_id::RuleId;
use crate::document::{Document, NodeId, OffsetMap, Syntax};
use crate::sources::name_template::{self, NameTemplate};
use crate::sources::reference::{self, DynamicParts, Reference, ReferenceNames};
use crate::sources::stack_model::{Purpose, Role, ScalarPosition, Stack, StackModel};
use crate::text::redacted_source::RedactedSource;
use crate::text::source::Span;
use crate::zenml::flavors::Version;
use crate::zenml::grammar::{
    self, BraceExpression, BraceKind, ForeignSyntax, ParsedValue, Resolver,
};
use crate::zenml::keywords::FileKind;
use std::ops::Range;
use std::sync::{Arc, OnceLock};

/// A scalar, or a flow mapping that was meant as one, with the facts that rules need.
#[derive(Debug)]
pub struct ScalarContext<'a> {
    /// The file, with its redactions.
    pub source: &'a Arc<RedactedSource>,
    /// The parsed file.
    pub document: &'a Document,
    /// The stacks in the file.
    pub stacks: &'a StackModel,
    /// The position of the scalar in the stacks.
    pub position: &'a ScalarPosition,
    /// The decoded value, or the source text of a flow mapping.
    pub text: &'a str,
    /// The parsed value.
    pub value: ParsedValue<'a>,
    /// The program that replaces references.
    pub resolver: Resolver,
    /// The map from the decoded value to the file. It is computed only for a span.
    offsets: OnceLock<OffsetMap>,
}

/// The facts that all scalars of a file share.
#[derive(Clone, Copy, Debug)]
pub struct FileContext<'a> {
    /// The file, with its redactions.
    pub source: &'a Arc<RedactedSource>,
    /// The parsed file.
    pub document: &'a Document,
    /// The stacks in the file.
    pub stacks: &'a StackModel,
    /// The program that replaces references.
    pub resolver: Resolver,
}

/// Returns the start of the code that a comment in the line above a node refers to: the node or, in
/// a script, its command.
pub fn comment_anchor(document: &Document, node: NodeId) -> usize {
    match document.syntax() {
        Syntax::Script(_) => document.root_item_start(node),
        _ => document.node(node).span.start,
    }
}

/// Returns the start of the key whose direct value a node is. Without such a key, returns the start
/// of the node.
///
/// A comment above the key applies to a scalar value, even on the next line, but not to the scalars
/// in a collection.
pub fn key_start(document: &Document, node: NodeId) -> usize {
    document.key_for_value(node).map_or_else(
        || comment_anchor(document, node),
        |key| document.node(key).span.start,
    )
}

impl<'a> ScalarContext<'a> {
    /// Parses the scalar at a position.
    pub fn new(file: FileContext<'a>, position: &'a ScalarPosition) -> Self {
        let FileContext {
            source,
            document,
            stacks,
            resolver,
        } = file;
        let span = document.node(position.node).span;
        let text = document
            .text(position.node)
            .unwrap_or_else(|| source.slice(span));
        let kind = stacks
            .stacks
            .get(position.stack)
            .and_then(|stack| stack.kind);
        let value = match (document.syntax(), kind) {
            (Syntax::Script(_), _)
                if document.is_shell_word(position.node)
                    || !document.expansions(position.node).is_empty() =>
            {
                grammar::parse_word(text, document.expansions(position.node))
            }
            (_, Some(FileKind::RunConfig)) => grammar::parse_run_config_value(text, resolver),
            _ => grammar::parse_value(text, resolver),
        };
        Self {
            source,
            document,
            stacks,
            position,
            text,
            value,
            resolver,
            offsets: OnceLock::new(),
        }
    }

    /// Returns the stack that contains the scalar.
    pub fn stack(&self) -> Option<&'a Stack> {
        self.stacks.stacks.get(self.position.stack)
    }

    /// Returns the `ZenML` version of the stack, or the newest one if it is unknown.
    pub fn version(&self) -> Version {
        self.stack().map_or(Version::NEWEST, |stack| stack.version)
    }

    /// Returns the span of the whole node, including quotes.
    pub fn node_span(&self) -> Span {
        self.document.node(self.position.node).span
    }

    /// Returns whether the scalar is in code, which `render` does not change.
    pub fn is_in_script(&self) -> bool {
        self.document.syntax().is_script()
    }

    /// Returns whether the scalar is a word of a command.
    pub fn is_in_command(&self) -> bool {
        self.document.is_shell_word(self.position.node)
    }

    /// Returns the start of the code that a comment in the line above refers to. See
    /// [`comment_anchor`].
    pub fn comment_anchor(&self) -> usize {
        comment_anchor(self.document, self.position.node)
    }

    /// Returns the span in the file of a byte range in the decoded value.
    pub fn span(&self, range: &Range<usize>) -> Span {
        if self.position.is_unquoted_reference {
            return self.node_span();
        }
        self.offsets_of(range)
    }

    /// Returns the span in the file of a byte range in the decoded value, even if the position is an
    /// unquoted reference.
    pub fn offsets_of(&self, range: &Range<usize>) -> Span {
        let offsets = self
            .offsets
            .get_or_init(|| self.document.offsets(self.position.node));
        offsets.source(range.start, range.end)
    }

    /// Returns all brace expressions in the value, valid or not.
    pub fn brace_expressions(&self) -> &[BraceExpression<'a>] {
        match &self.value {
            ParsedValue::Plain => &[],
            ParsedValue::Reference(braces) | ParsedValue::Malformed(braces) => {
                std::slice::from_ref(braces)
            }
            ParsedValue::Template(expressions) => expressions,
        }
    }

    /// Returns whether the whole value is one reference.
    pub fn is_reference(&self) -> bool {
        matches!(self.value, ParsedValue::Reference(_))
    }

    /// Returns whether the first brace expression is not the whole value of an attribute.
    /// Elsewhere, syntaxes of other systems are expected.
    pub fn is_nested_or_embedded(&self) -> bool {
        self.position.role > Role::Attribute
            || !self
                .brace_expressions()
                .first()
                .is_some_and(|braces| braces.range == (0..self.text.len()))
    }

    /// Returns whether the resolver replaces a brace expression.
    pub fn would_replace(&self, braces: &BraceExpression<'_>) -> bool {
        let is_reference = matches!(braces.kind, BraceKind::Reference { .. });
        let is_whole_attribute = self.is_reference() && self.position.role <= Role::Attribute;
        is_reference
            && !self.position.is_key
            && (self.resolver == Resolver::Render || is_whole_attribute)
    }

    /// Returns the stack, component and attribute of the scalar.
    pub fn scope(&self) -> Scope {
        let stack = self.stack();
        let component = stack
            .zip(self.position.component)
            .and_then(|(stack, index)| stack.components.get(index));
        Scope {
            stack: stack.and_then(|stack| stack.name.clone()),
            component: component.map(|component| component.kind.clone()),
            component_name: component.and_then(|component| component.name.clone()),
            attribute: self.position.attribute.clone(),
        }
    }

    /// Returns the component and the attribute for a finding about the position: those where an
    /// alias makes the position invalid, or those of the scalar itself.
    pub fn invalid_position(&self) -> (Option<Arc<str>>, Option<Arc<str>>) {
        if let Some(invalid) = &self.position.invalid {
            (invalid.component.clone(), invalid.attribute.clone())
        } else {
            let scope = self.scope();
            (scope.component, scope.attribute)
        }
    }

    /// Starts a finding about a byte range in the decoded value.
    pub fn finding(&self, rule: RuleId, range: &Range<usize>, message: String) -> FindingBuilder {
        FindingBuilder::new(rule, self.source, self.span(range), message)
            .starts(
                self.comment_anchor(),
                key_start(self.document, self.position.node),
            )
            .scope(self.scope())
    }

    /// Starts a finding about a brace expression. If it is a reference, the finding contains its
    /// names.
    pub fn finding_at(
        &self,
        rule: RuleId,
        braces: &BraceExpression<'_>,
        message: String,
    ) -> FindingBuilder {
        let finding = self.finding(rule, &braces.range, message);
        match braces.kind {
            BraceKind::Reference { name, key, .. } => finding.names(name, Some(key)),
            BraceKind::Dynamic { .. } | BraceKind::Malformed(_) => finding,
        }
    }

    /// Iterates over the references that the resolver replaces, or the name of a whole secret. The
    /// caller decides whether an error of a scalar rule excludes them.
    pub fn references(&self) -> impl Iterator<Item = Reference> {
        let is_whole_secret = self.position.role == Role::WholeSecret;
        let whole_secret =
            is_whole_secret.then(|| self.new_reference(0..self.text.len(), self.text, None, None));
        let replaced = self
            .brace_expressions()
            .iter()
            .filter(move |braces| !is_whole_secret && self.would_replace(braces));
        let references = replaced.filter_map(|braces| match braces.kind {
            BraceKind::Reference { name, key, .. } => {
                Some(self.new_reference(braces.range.clone(), name, Some(key), braces.foreign))
            }
            BraceKind::Dynamic { .. } | BraceKind::Malformed(_) => None,
        });
        whole_secret.into_iter().chain(references)
    }

    /// Iterates over the references that contain a variable or a placeholder. Their names are those
    /// that the script assigns, or else as they are written, such as `${ENV}_db`.
    pub fn variable_references(&self) -> impl Iterator<Item = Reference> {
        let position = self.position;
        let is_dynamic_secret = position.purpose == Purpose::DynamicSecret;
        let whole_secret = is_dynamic_secret
            .then(|| self.new_dynamic_reference(0..self.text.len(), self.text, None));
        let may_be_replaced = !position.is_key
            && (self.resolver == Resolver::Render
                || (self.is_reference() && position.role <= Role::Attribute));
        let references =
            self.brace_expressions()
                .iter()
                .filter_map(move |braces| match braces.kind {
                    BraceKind::Dynamic { name, key } if may_be_replaced => {
                        Some(self.new_dynamic_reference(braces.range.clone(), name, key))
                    }
                    _ => None,
                });
        whole_secret.into_iter().chain(references)
    }

    /// Creates a reference with the literal names, if the script assigns each variable once.
    fn new_dynamic_reference(
        &self,
        range: Range<usize>,
        name: &str,
        key: Option<&str>,
    ) -> Reference {
        let assignments = self.document.shell_assignments();
        let is_variable = self.text.contains('$');
        let literal = match (assignments.expand(name), key) {
            (Some(name), Some(key)) => assignments.expand(key).map(|key| (name, Some(key))),
            (Some(name), None) if is_variable && range == (0..self.text.len()) => {
                Some((name, None))
            }
            _ => None,
        };
        match literal {
            Some((name, key)) if is_valid(&name, key.as_deref()) => {
                self.new_reference(range, &name, key.as_deref(), None)
            }
            _ => self.unresolved_reference(range, name, key),
        }
    }

    /// Creates a dynamic reference with the names as written.
    fn unresolved_reference(
        &self,
        range: Range<usize>,
        name: &str,
        key: Option<&str>,
    ) -> Reference {
        let written = self.written_names(&range, name, key).or_else(|| {
            let is_code = !self.is_in_command();
            let hidden = reference::without_literals;
            is_code.then(|| ReferenceNames::new(&hidden(name), key.map(hidden).as_deref()))
        });
        let template = self.name_template(&range);
        let reference = self.new_reference(range, name, key, None);
        let (names, expression) = match written {
            Some(written) if written != reference.names => (written, Some(reference.names)),
            _ => (reference.names, None),
        };
        Reference {
            is_dynamic: true,
            dynamic: DynamicParts::new(expression, template),
            names,
            ..reference
        }
    }

    /// Returns the template of a reference in a range of the decoded value. Returns `None` if a part
    /// of it is neither text nor a variable.
    fn name_template(&self, range: &Range<usize>) -> Option<NameTemplate> {
        let template = if self.is_in_script() {
            self.document.template(self.position.node, range)
        } else {
            name_template::with_env_variables(self.text.get(range.clone())?)
        };
        let template = template?;
        Some(if self.position.purpose == Purpose::DynamicSecret {
            NameTemplate::Names {
                secret: template,
                key: None,
            }
        } else {
            NameTemplate::Braces(template)
        })
    }

    /// Returns the text in the file of the names in a range of the decoded value. Returns `None` if
    /// quotes or escapes are between its characters.
    fn written_names(
        &self,
        range: &Range<usize>,
        name: &str,
        key: Option<&str>,
    ) -> Option<ReferenceNames> {
        if self.position.is_unquoted_reference {
            return None;
        }
        let start = range.start + self.text.get(range.clone())?.find(name)?;
        let name_end = start + name.len();
        let secret = self.written(&(start..name_end), name)?;
        let key = match key {
            Some(key) => {
                let start = name_end + self.text.get(name_end..range.end)?.find(key)?;
                Some(self.written(&(start..start + key.len()), key)?)
            }
            None => None,
        };
        Some(ReferenceNames::new(secret, key))
    }

    fn written(&self, range: &Range<usize>, name: &str) -> Option<&'a str> {
        let written = self.source.unquoted_slice(self.span(range))?;
        if self.is_in_command() {
            return Some(written);
        }
        reference::written_in_code(written, name)
    }

    fn new_reference(
        &self,
        range: Range<usize>,
        secret: &str,
        key: Option<&str>,
        foreign: Option<ForeignSyntax>,
    ) -> Reference {
        Reference {
            source: Arc::clone(self.source),
            span: self.span(&range),
            key_span: None,
            scalar_start: self.comment_anchor(),
            key_start: key_start(self.document, self.position.node),
            scope: self.scope(),
            node: self.position.node,
            range,
            stack: self.position.stack,
            names: ReferenceNames::new(secret, key),
            foreign,
            is_dynamic: false,
            dynamic: None,
            definition: reference::definition(self.document, self.position.node),
        }
    }
}

/// Returns whether names that were inserted for variables form a reference.
fn is_valid(name: &str, key: Option<&str>) -> bool {
    let has_key = key.is_some();
    key.is_none_or(|key| grammar::key_error(key).is_none())
        && (!has_key || grammar::name_error(name).is_none())
        && !name.is_empty()
}
