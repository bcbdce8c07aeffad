//! The references of calls that get a secret, for example
//! `client.get_secret("openai").secret_values["api_key"]` in Python.

use crate::diagnostics::finding::Scope;
use crate::document::{CallKind, CallNode, Document, NodeId, TextTemplate};
use crate::sources::name_template::NameTemplate;
use crate::sources::reference::{self, DynamicParts, Reference, ReferenceNames};
use crate::text::redacted_source::RedactedSource;
use crate::text::source::Span;
use std::sync::Arc;

/// Returns the references of the calls in a document: one for each key that is read from a secret,
/// or one without a key.
pub fn references(document: &Document, source: &Arc<RedactedSource>) -> Vec<Reference> {
    let mut found = Vec::new();
    for call in document.calls() {
        if let Some(name) = call.name.filter(|_| call.kind == CallKind::Use) {
            let keys = call.values.and_then(|keys| document.items(keys));
            let keys = keys.unwrap_or_default().iter().copied().map(Some);
            let has_keys = keys.len() > 0;
            let keys = keys.chain([None].into_iter().filter(|_| !has_keys));
            let uses = SecretUse {
                document,
                source,
                call,
                name,
            };
            found.extend(keys.filter_map(|key| uses.reference(key)));
        }
    }
    found
}

/// Returns the paths of the run configs that calls name. A folder at their start that is known only
/// at run time is omitted.
pub fn run_config_paths(document: &Document) -> Vec<String> {
    let calls = document.calls().iter();
    let values = calls
        .filter(|call| call.kind == CallKind::RunConfig)
        .filter_map(|call| call.values);
    let paths = values.filter_map(|value| {
        let text = document.text(value)?;
        let path = match document.expansions(value) {
            [] => text,
            [folder] if folder.start == 0 => text.get(folder.end..)?.strip_prefix('/')?,
            _ => return None,
        };
        (!path.is_empty()).then(|| path.to_owned())
    });
    paths.collect()
}

/// A call that gets a secret.
struct SecretUse<'d> {
    document: &'d Document,
    source: &'d Arc<RedactedSource>,
    call: &'d CallNode,
    name: NodeId,
}

impl SecretUse<'_> {
    /// Returns the reference to the secret, or to a key of it.
    fn reference(&self, key: Option<NodeId>) -> Option<Reference> {
        let document = self.document;
        let is_dynamic = |node: NodeId| !document.expansions(node).is_empty();
        let text = document.text(self.name)?;
        let start = document.node(self.call.node).span.start;
        let key_text = match key {
            Some(key) => Some(document.text(key)?),
            None => None,
        };
        let is_dynamic = is_dynamic(self.name) || key.is_some_and(is_dynamic);
        let names = ReferenceNames::new(text, key_text);
        // A dynamic name is listed as it is written.
        let written = |node| {
            let written = self.source.file().unquoted_slice(self.span(node))?;
            reference::written_in_code(written, document.text(node)?)
        };
        let written = written(self.name)
            .filter(|_| is_dynamic)
            .map(|secret| ReferenceNames::new(secret, key.and_then(written).or(key_text)));
        let (names, expression) = match written {
            Some(written) => (written, Some(names)),
            None => (names, None),
        };
        let template = if is_dynamic { self.template(key) } else { None };
        Some(Reference {
            source: Arc::clone(self.source),
            span: self.span(self.name),
            key_span: key.map(|key| self.span(key)),
            scalar_start: start,
            key_start: start,
            scope: Scope {
                stack: Some(document.source().path().into()),
                ..Scope::default()
            },
            node: self.name,
            range: 0..text.len(),
            stack: 0,
            names,
            dynamic: DynamicParts::new(expression, template),
            foreign: None,
            is_dynamic,
            definition: reference::definition(document, self.name),
        })
    }

    /// Returns the template of the names. Returns `None` if a part of them is neither text nor a
    /// variable.
    fn template(&self, key: Option<NodeId>) -> Option<NameTemplate> {
        let document = self.document;
        let template = |node| {
            let text = document.text(node)?;
            if document.expansions(node).is_empty() {
                TextTemplate::literal(text)
            } else {
                document.template(node, &(0..text.len()))
            }
        };
        Some(NameTemplate::Names {
            secret: template(self.name)?,
            key: match key {
                Some(key) => Some(template(key)?),
                None => None,
            },
        })
    }

    fn span(&self, node: NodeId) -> Span {
        self.document.node(node).span
    }
}
