//! `refs`: the references of a scan, as lines of text.

use crate::lint::scan::Scan;
use crate::sources::reference::Reference;
use crate::text::escape::escape_control;

/// A reference as text, with control characters escaped.
pub struct ReferenceLine {
    /// The path, line and column.
    pub location: String,
    /// The stack, the component and the attribute.
    pub owner: String,
    /// The secret and the key.
    pub target: String,
}

/// Iterates over the references of a scan, in the order of the files.
pub fn lines(scan: &Scan) -> impl Iterator<Item = ReferenceLine> {
    scan.references().map(line)
}

fn line(reference: &Reference) -> ReferenceLine {
    let at = reference.source.position(reference.span.start);
    let scope = &reference.scope;
    let owner: Vec<&str> = [&scope.stack, &scope.component, &scope.attribute]
        .into_iter()
        .filter_map(Option::as_deref)
        .collect();
    let key = reference
        .key()
        .map_or_else(String::new, |key| format!(".{key}"));
    ReferenceLine {
        location: escape_control(&format!(
            "{}:{}:{}",
            reference.source.path(),
            at.line,
            at.column
        )),
        owner: escape_control(&owner.join(" / ")),
        target: escape_control(&format!("{}{key}", reference.secret())),
    }
}
