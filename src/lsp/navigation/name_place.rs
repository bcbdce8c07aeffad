//! A place that names a secret or a key, and the names themselves.

use crate::diagnostics::finding::RelatedSpan;
use crate::inventory::InventoryEntries;
use crate::lint::analysis::Analysis;
use crate::lint::reference_list::SecretSelector;
use crate::sources::declarations::{Declaration, DeclaredKey, canonical_expression};
use crate::sources::reference::{Reference, ReferenceNames};
use crate::text::redacted_source::RedactedSource;
use crate::text::source::Span;
use std::path::PathBuf;
use std::sync::Arc;

/// A secret or a key. A computed name is an expression, which means the same only in one file.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct SecretName {
    selector: SecretSelector,
    /// The file of a computed name.
    computed_in: Option<PathBuf>,
}

impl SecretName {
    /// Creates a name; `key` is `None` for a whole secret.
    pub fn new(secret: &str, key: Option<&str>) -> Self {
        Self {
            selector: SecretSelector::new(secret, key),
            computed_in: None,
        }
    }

    /// Creates the name of a reference that is computed.
    pub fn computed(file: &Analysis, names: &ReferenceNames) -> Self {
        let secret = canonical_expression(names.secret());
        Self {
            selector: SecretSelector::new(&secret, names.key()),
            computed_in: Some(file.path.clone()),
        }
    }

    /// Returns the name of a declared secret. Returns `None` if it is computed in a way that cannot
    /// be compared.
    pub fn declared(file: &Analysis, declaration: &Declaration) -> Option<Self> {
        if !declaration.is_dynamic {
            return Some(Self::new(&declaration.secret, None));
        }
        declaration.is_comparable().then(|| Self {
            selector: SecretSelector::of_secret(&declaration.expression()),
            computed_in: Some(file.path.clone()),
        })
    }

    /// Returns the name of a key of the same secret.
    #[must_use]
    pub fn with_key(&self, key: Option<&str>) -> Self {
        Self {
            selector: SecretSelector::new(self.selector.secret(), key),
            computed_in: self.computed_in.clone(),
        }
    }

    /// Returns the key; `None` for a whole secret.
    pub fn key(&self) -> Option<&str> {
        self.selector.key()
    }

    /// Returns the secret or key. Returns `None` if its name is computed.
    pub fn exact(&self) -> Option<&SecretSelector> {
        self.computed_in.is_none().then_some(&self.selector)
    }

    /// Returns whether another name means this secret or key. The name of a whole secret means all
    /// its keys.
    pub fn is_used_by(&self, other: &Self) -> bool {
        self.computed_in == other.computed_in
            && self
                .selector
                .selects(other.selector.secret(), other.selector.key())
    }
}

/// The kind of a place.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PlaceKind {
    /// A reference.
    Use,
    /// A command or a call that creates the secret.
    Declaration,
    /// An entry of an inventory file.
    Entry,
}

/// A place that names a secret or a key.
#[derive(Clone, Debug)]
pub struct NamePlace {
    /// The file.
    pub source: Arc<RedactedSource>,
    /// The bytes of the name.
    pub span: Span,
    /// The bytes that belong to the name, for example the braces of its reference.
    pub whole: Span,
    /// The kind of the place.
    pub kind: PlaceKind,
    /// The names that it means: several in several environments.
    pub names: Vec<SecretName>,
}

impl PartialEq for NamePlace {
    fn eq(&self, other: &Self) -> bool {
        self.span == other.span && self.source.absolute_path() == other.source.absolute_path()
    }
}

impl NamePlace {
    /// Returns whether the place creates the secret.
    pub fn is_definition(&self) -> bool {
        self.kind != PlaceKind::Use
    }

    /// Adds the secret and the key of a reference.
    pub fn add_reference(reference: &Reference, names: &[SecretName], places: &mut Vec<Self>) {
        let (secret_span, key_span) = reference.part_spans();
        let place = |span, whole, names| Self {
            source: Arc::clone(&reference.source),
            span,
            whole,
            kind: PlaceKind::Use,
            names,
        };
        let secrets = names.iter().map(|name| name.with_key(None));
        let braces = if reference.key_span.is_some() {
            secret_span
        } else {
            reference.span
        };
        places.push(place(secret_span, braces, secrets.collect()));
        if let Some(key_span) = key_span {
            places.push(place(key_span, key_span, names.to_vec()));
        }
    }

    /// Returns the place in a reference that uses a secret or key.
    pub fn of_use(reference: &Reference, name: &SecretName, names: &[SecretName]) -> Self {
        let (secret_span, key_span) = reference.part_spans();
        let span = key_span.filter(|_| name.key().is_some());
        Self {
            source: Arc::clone(&reference.source),
            span: span.unwrap_or(secret_span),
            whole: reference.span,
            kind: PlaceKind::Use,
            names: names.to_vec(),
        }
    }

    /// Returns the place of a constant that contains the name of a secret.
    pub fn of_constant(definition: &RelatedSpan, name: SecretName) -> Self {
        Self {
            source: Arc::clone(&definition.source),
            span: definition.source.inside_quotes(definition.span),
            whole: definition.span,
            kind: PlaceKind::Use,
            names: vec![name],
        }
    }

    /// Adds the name and the keys of a declaration.
    pub fn add_declaration(declaration: &Declaration, name: &SecretName, places: &mut Vec<Self>) {
        places.push(Self::of_declaration(declaration, name));
        for key in &declaration.keys {
            let name = name.with_key(Some(&key.name));
            places.push(Self::of_declared_key(declaration, key, &name));
        }
    }

    /// Returns the place of the name in a declaration.
    pub fn of_declaration(declaration: &Declaration, name: &SecretName) -> Self {
        Self {
            source: Arc::clone(&declaration.source),
            span: declaration.name_span(),
            whole: declaration.span,
            kind: PlaceKind::Declaration,
            names: vec![name.with_key(None)],
        }
    }

    /// Returns the place of a key in a declaration.
    pub fn of_declared_key(
        declaration: &Declaration,
        key: &DeclaredKey,
        name: &SecretName,
    ) -> Self {
        Self {
            source: Arc::clone(&declaration.source),
            span: declaration.source.inside_quotes(key.span),
            whole: key.span,
            kind: PlaceKind::Declaration,
            names: vec![name.clone()],
        }
    }

    /// Adds the names and keys of an inventory file.
    pub fn add_entries(entries: &InventoryEntries, places: &mut Vec<Self>) {
        for secret in &entries.secrets {
            let name = SecretSelector::of_secret(&secret.name);
            places.push(Self::of_entry(&entries.source, secret.span, &name));
            for (key, span) in &secret.keys {
                let name = SecretSelector::new(&secret.name, Some(key));
                places.push(Self::of_entry(&entries.source, *span, &name));
            }
        }
    }

    /// Returns the place of an entry in an inventory file.
    pub fn of_entry(source: &Arc<RedactedSource>, span: Span, name: &SecretSelector) -> Self {
        Self {
            source: Arc::clone(source),
            span: source.inside_quotes(span),
            whole: span,
            kind: PlaceKind::Entry,
            names: vec![SecretName::new(name.secret(), name.key())],
        }
    }
}
