//! Checks anchors. `PyYAML` allows only ASCII letters, digits, `-` and `_` in their names, and each
//! name once in a document.

use super::LoadReason;
use crate::document::{Document, SyntaxError};
use crate::text::source::Span;
use std::collections::HashMap;

const INVALID_NAME: LoadReason = LoadReason {
    reason: "an anchor with other characters than letters, digits, `-` and `_`",
    help: "rename the anchor and its aliases, or put the value in quotes if it begins with `&`",
};

const NO_SPACE: LoadReason = LoadReason {
    reason: "an anchor without a space after it",
    help: "write a space after the anchor",
};

const DEFINED_TWICE: LoadReason = LoadReason {
    reason: "an anchor that is defined twice",
    help: "rename one of the two, and its aliases",
};

/// Returns the errors in the anchors of a file.
pub(super) fn errors(document: &Document) -> Vec<SyntaxError> {
    let mut names: HashMap<&str, usize> = HashMap::new();
    let mut next_documents = document.unusual.next_documents.iter().peekable();
    let mut errors = Vec::new();
    for &span in &document.unusual.anchors {
        while next_documents
            .next_if(|&&start| start <= span.start)
            .is_some()
        {
            names.clear();
        }
        let name = document.source.slice(Span::new(span.start + 1, span.end));
        let reason = lexical_reason(document, span, name);
        if let Some(first) = names.insert(name, span.start).filter(|_| reason.is_none()) {
            let line = document.source.position(first).line;
            let mut error = DEFINED_TWICE.at(span);
            error.help = Some(format!(
                "{}: the first is on line {line}",
                DEFINED_TWICE.help
            ));
            errors.push(error);
        }
        errors.extend(reason.map(|reason| reason.at(span)));
    }
    errors
}

/// Returns why `PyYAML` cannot read an anchor.
fn lexical_reason(document: &Document, anchor: Span, name: &str) -> Option<LoadReason> {
    let is_valid = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_');
    if !name.bytes().all(is_valid) {
        return Some(INVALID_NAME);
    }
    let next = document.source.text().as_bytes().get(anchor.end);
    matches!(next, Some(b'[' | b'{')).then_some(NO_SPACE)
}
