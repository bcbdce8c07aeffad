//! `refs`: the references and declarations of a scan, as lines of text.

use crate::lint::scan::Scan;
use crate::sources::declarations::Declaration;
use crate::sources::reference::Reference;
use crate::text::escape::escape_control;
use crate::text::redacted_source::RedactedSource;
use crate::text::source::Span;

/// A reference or a declaration as text, with control characters escaped.
pub struct ReferenceLine {
    /// The path, line and column.
    pub location: String,
    /// The stack, the component and the attribute. Of a declaration, the word `declares`.
    pub owner: String,
    /// The secret and the key. Of a declaration, the secret and its keys.
    pub target: String,
}

/// Iterates over the references of a scan, then over its declarations, in the order of the files.
pub fn lines(scan: &Scan) -> impl Iterator<Item = ReferenceLine> {
    let declarations = scan.declarations().map(declaration_line);
    scan.listed_references().map(line).chain(declarations)
}

fn declaration_line(declaration: &Declaration) -> ReferenceLine {
    let mut keys: Vec<&str> = declaration.keys.iter().map(|key| &*key.name).collect();
    if declaration.is_open {
        keys.push("…");
    }
    ReferenceLine {
        location: location(&declaration.source, declaration.span),
        owner: "declares".to_owned(),
        target: escape_control(&format!("{} ({})", declaration.secret, keys.join(", "))),
    }
}

fn location(source: &RedactedSource, span: Span) -> String {
    let at = source.position(span.start);
    escape_control(&format!("{}:{}:{}", source.path(), at.line, at.column))
}

fn line(reference: &Reference) -> ReferenceLine {
    let scope = &reference.scope;
    let owner: Vec<&str> = [&scope.stack, &scope.component, &scope.attribute]
        .into_iter()
        .filter_map(Option::as_deref)
        .collect();
    let key = reference
        .key()
        .map_or_else(String::new, |key| format!(".{key}"));
    let mark = if reference.is_dynamic {
        " (dynamic)"
    } else {
        ""
    };
    ReferenceLine {
        location: location(&reference.source, reference.span),
        owner: escape_control(&owner.join(" / ")),
        target: escape_control(&format!("{}{key}{mark}", reference.secret())),
    }
}
