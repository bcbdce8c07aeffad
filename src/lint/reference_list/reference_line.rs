//! A reference or a declaration as text.

use super::{MissingPart, MissingTargets};
use crate::sources::declarations::Declaration;
use crate::sources::reference::Reference;
use crate::text::escape::escape_control;
use crate::text::redacted_source::RedactedSource;
use crate::text::source::Span;

/// A reference or a declaration as text, with control characters escaped.
pub struct ReferenceLine {
    /// The path, line and column.
    pub location: String,
    /// The stack, the component and the attribute. Empty for a declaration.
    pub owner: String,
    /// The secret, and the key of a reference.
    pub name: String,
    /// The keys of a declaration; `None` for a reference.
    pub keys: Option<String>,
    /// Whether a part of the names is known only at run time.
    pub is_dynamic: bool,
    /// The part that does not exist, if it was looked up.
    pub missing: Option<MissingPart>,
}

impl ReferenceLine {
    /// Creates the line of a reference.
    pub fn of_reference(reference: &Reference, missing: &MissingTargets) -> Self {
        let scope = &reference.scope;
        let owner: Vec<&str> = [&scope.stack, &scope.component, &scope.attribute]
            .into_iter()
            .filter_map(Option::as_deref)
            .collect();
        Self {
            location: location(&reference.source, reference.span),
            owner: escape_control(&owner.join(" / ")),
            name: escape_control(reference.names.text()),
            keys: None,
            is_dynamic: reference.is_dynamic,
            missing: missing.part_of(reference),
        }
    }

    /// Creates the line of a declaration.
    pub fn of_declaration(declaration: &Declaration) -> Self {
        let mut keys: Vec<&str> = declaration.keys.iter().map(|key| &*key.name).collect();
        if declaration.is_open {
            keys.push("…");
        }
        Self {
            location: location(&declaration.source, declaration.span),
            owner: String::new(),
            name: escape_control(&declaration.secret),
            keys: Some(escape_control(&keys.join(", "))),
            is_dynamic: declaration.is_dynamic,
            missing: None,
        }
    }

    /// Returns the user of the secret. Of a declaration, the word `declares`.
    pub fn user(&self) -> &str {
        if self.keys.is_some() {
            "declares"
        } else {
            &self.owner
        }
    }

    /// Returns the keys of a declaration or the mark of a dynamic reference, in parentheses after a
    /// blank. Empty for any other reference.
    pub fn suffix(&self) -> String {
        match &self.keys {
            Some(keys) => format!(" ({keys})"),
            None if self.is_dynamic => " (dynamic)".to_owned(),
            None => String::new(),
        }
    }
}

fn location(source: &RedactedSource, span: Span) -> String {
    if source.is_registered() {
        return escape_control(source.path());
    }
    let at = source.position(span.start);
    escape_control(&format!("{}:{}:{}", source.path(), at.line, at.column))
}
