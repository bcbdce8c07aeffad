//! `refs`: every reference, as the resolver sees it.

use crate::excerpt::printable;
use crate::scan::Scan;
use crate::site::Reference;

/// One line a reference: place, whose it is, and what it names.
pub fn lines(scan: &Scan) -> impl Iterator<Item = String> {
    scan.references().map(line)
}

fn line(reference: &Reference) -> String {
    let at = reference.source.position(reference.span.start);
    let scope = &reference.scope;
    let owner: Vec<&str> =
        [&scope.stack, &scope.component, &scope.attribute].into_iter().filter_map(Option::as_deref).collect();
    let key = reference.key.as_ref().map_or_else(String::new, |key| format!(".{key}"));
    let named = format!("{}{key}", reference.secret);
    printable(&format!("{}:{}:{}: {} -> {named}", reference.source.path(), at.line, at.column, owner.join(" / ")))
}
