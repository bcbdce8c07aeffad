//! Checks the documents of a stream: there may be only one, and only directives and comments before
//! it.

use super::LoadReason;
use crate::document::yaml::block_scalars::content_lines;
use crate::document::{Document, NodeKind, Style, SyntaxError};
use crate::text::source::Span;

const SECOND_DOCUMENT: LoadReason = LoadReason {
    reason: "a second document",
    help: "ZenML reads one document per file: move this one into a file of its own, or remove the `---`",
};

const EARLY_END: LoadReason = LoadReason {
    reason: "a document end before the document",
    help: "remove this line",
};

const INVALID_DIRECTIVE: LoadReason = LoadReason {
    reason: "a directive with an invalid name",
    help: "remove this line",
};

const UNINDENTED_BLOCK: LoadReason = LoadReason {
    reason: "a block scalar that is not indented",
    help: "indent its lines by a space",
};

const LATE_MARK: LoadReason = LoadReason {
    reason: "a byte-order mark after the document",
    help: "remove this invisible character",
};

/// Returns the errors in the documents of a stream.
pub(super) fn errors(document: &Document) -> Vec<SyntaxError> {
    let mut errors = Vec::new();
    let text = document.source.text();
    if let Some(&start) = document.unusual.next_documents.first() {
        let rest = text.get(start..).unwrap_or_default();
        let len = if rest.starts_with("---") {
            "---".len()
        } else {
            rest.chars().next().map_or(0, char::len_utf8)
        };
        errors.push(SECOND_DOCUMENT.at(Span::new(start, start + len)));
    }
    let first = document.unusual.first_document.unwrap_or(text.len());
    errors.extend(errors_before_document(
        text.get(..first).unwrap_or_default(),
    ));
    errors.extend(unindented_block(document));
    errors.extend(late_mark(document));
    errors
}

/// Returns the error for a byte-order mark at the start of a line below the last document, where
/// YAML 1.2 allows it.
fn late_mark(document: &Document) -> Option<SyntaxError> {
    const MARK: char = '\u{feff}';
    let end = document.node(*document.roots.last()?).span.end;
    let rest = document.source.text().get(end..)?;
    let (at, _) = rest.match_indices(MARK).find(|&(at, _)| {
        rest.get(..at)
            .is_some_and(|before| before.ends_with(['\n', '\r']))
    })?;
    let start = end + at;
    Some(LATE_MARK.at(Span::new(start, start + MARK.len_utf8())))
}

/// Returns the first error in the lines before the first document.
fn errors_before_document(prefix: &str) -> Option<SyntaxError> {
    let mut start = prefix.len() - prefix.trim_start_matches('\u{feff}').len();
    while let Some(rest) = prefix.get(start..).filter(|rest| !rest.is_empty()) {
        let len = rest.find(['\n', '\r']).unwrap_or(rest.len());
        let line = rest.get(..len).unwrap_or_default();
        if line.starts_with("...") {
            return Some(EARLY_END.at(Span::new(start, start + "...".len())));
        }
        if line.strip_prefix('%').is_some_and(has_invalid_name) {
            return Some(INVALID_DIRECTIVE.at(Span::new(start, start + len)));
        }
        start += len + 1;
    }
    None
}

/// Returns whether the first word of a directive contains characters that `PyYAML` does not allow
/// there.
fn has_invalid_name(directive: &str) -> bool {
    let name = directive.split(' ').next().unwrap_or_default();
    name.is_empty()
        || !name
            .bytes()
            .all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_'))
}

/// Returns the error for a document that is a block scalar without indentation. Elsewhere, YAML
/// does not allow that.
fn unindented_block(document: &Document) -> Option<SyntaxError> {
    let node = document.node(*document.roots.first()?);
    let NodeKind::Scalar(scalar) = node.kind else {
        return None;
    };
    if !matches!(scalar.style, Style::LiteralBlock | Style::FoldedBlock) {
        return None;
    }
    let lines = content_lines(document.source.slice(node.span));
    let (at, line) = *lines.iter().find(|(_, line)| !line.is_empty())?;
    let start = node.span.start + at;
    (!line.starts_with(' ')).then(|| {
        let len = line.chars().next().map_or(0, char::len_utf8);
        UNINDENTED_BLOCK.at(Span::new(start, start + len))
    })
}
