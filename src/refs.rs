//! `refs`: every reference, as the resolver sees it.

use crate::excerpt::printable;
use crate::scan::Scan;
use crate::site::Reference;

/// A reference in a list, safe for a terminal.
pub struct Line {
    /// Its path, line and column.
    pub location: String,
    /// The stack, the component and the attribute.
    pub owner: String,
    /// The secret and the key that it names.
    pub named: String,
}

/// Returns each reference of a scan, in order.
pub fn lines(scan: &Scan) -> impl Iterator<Item = Line> {
    scan.references().map(line)
}

fn line(reference: &Reference) -> Line {
    let at = reference.source.position(reference.span.start);
    let scope = &reference.scope;
    let owner: Vec<&str> =
        [&scope.stack, &scope.component, &scope.attribute].into_iter().filter_map(Option::as_deref).collect();
    let key = reference.key.as_ref().map_or_else(String::new, |key| format!(".{key}"));
    Line {
        location: printable(&format!("{}:{}:{}", reference.source.path(), at.line, at.column)),
        owner: printable(&owner.join(" / ")),
        named: printable(&format!("{}{key}", reference.secret)),
    }
}
