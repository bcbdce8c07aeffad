//! Positions and edits of the protocol, computed without the code of the server.

use percent_encoding::percent_decode_str;
use serde_json::{Value, json};
use std::path::Path;

/// The position encodings of the protocol.
pub const ENCODINGS: [&str; 3] = ["utf-8", "utf-16", "utf-32"];

/// The capabilities of a client that supports everything that navigation uses.
pub fn capabilities(encoding: &str) -> Value {
    json!({
        "general": {"positionEncodings": [encoding]},
        "textDocument": {
            "diagnostic": {"relatedInformation": true},
            "documentSymbol": {"hierarchicalDocumentSymbolSupport": true},
        },
        "workspace": {
            "workspaceEdit": {"documentChanges": true, "changeAnnotationSupport": {}},
            "codeLens": {"refreshSupport": true},
        },
    })
}

/// Returns a text without the byte order mark.
pub fn without_mark(text: &str) -> &str {
    text.strip_prefix('\u{feff}').unwrap_or(text)
}

/// Iterates over the offsets of a word in a text.
pub fn occurrences<'t>(text: &'t str, word: &'t str) -> impl Iterator<Item = usize> + 't {
    text.match_indices(word).map(|(at, _)| at)
}

/// Returns the number of units of a text.
fn units(text: &str, encoding: &str) -> usize {
    match encoding {
        "utf-8" => text.len(),
        "utf-16" => text.encode_utf16().count(),
        _ => text.chars().count(),
    }
}

/// Splits a text into lines with their line breaks.
fn lines(text: &str) -> Vec<&str> {
    let mut lines = Vec::new();
    let mut rest = text;
    while let Some(at) = rest.find(['\n', '\r']) {
        let len = at + if rest[at..].starts_with("\r\n") { 2 } else { 1 };
        lines.push(&rest[..len]);
        rest = &rest[len..];
    }
    lines.push(rest);
    lines
}

/// Returns the position of an offset.
pub fn position_at(text: &str, offset: usize, encoding: &str) -> Value {
    let lines = lines(&text[..offset]);
    let last = lines.last().unwrap();
    json!({"line": lines.len() - 1, "character": units(last, encoding)})
}

/// Returns the offset of a position.
pub fn offset_of(text: &str, position: &Value, encoding: &str) -> usize {
    let line = usize::try_from(position["line"].as_u64().unwrap()).unwrap();
    let column = usize::try_from(position["character"].as_u64().unwrap()).unwrap();
    let lines = lines(text);
    let start: usize = lines[..line].iter().map(|line| line.len()).sum();
    let in_line = lines[line].char_indices().map(|(at, _)| at);
    let mut ends = in_line.chain([lines[line].len()]);
    start
        + ends
            .find(|&at| units(&lines[line][..at], encoding) == column)
            .unwrap()
}

/// Returns the text of a range.
pub fn text_of<'t>(text: &'t str, range: &Value, encoding: &str) -> &'t str {
    let start = offset_of(text, &range["start"], encoding);
    &text[start..offset_of(text, &range["end"], encoding)]
}

/// Applies the document changes of an edit to the files on disk.
pub fn apply_edits(folder: &Path, edit: &Value, encoding: &str) {
    for change in edit["documentChanges"].as_array().unwrap() {
        let uri = change["textDocument"]["uri"].as_str().unwrap();
        let path = percent_decode_str(uri.strip_prefix("file://").unwrap());
        let path = path.decode_utf8().unwrap().into_owned();
        assert!(Path::new(&path).starts_with(folder.canonicalize().unwrap()));
        let old = std::fs::read_to_string(&path).unwrap();
        let mark = old.len() - without_mark(&old).len();
        let mut text = without_mark(&old).to_owned();
        let mut edits: Vec<(usize, usize, &str)> = change["edits"]
            .as_array()
            .unwrap()
            .iter()
            .map(|edit| {
                let range = &edit["range"];
                (
                    offset_of(&text, &range["start"], encoding),
                    offset_of(&text, &range["end"], encoding),
                    edit["newText"].as_str().unwrap(),
                )
            })
            .collect();
        edits.sort_unstable();
        for (start, end, new) in edits.into_iter().rev() {
            text.replace_range(start..end, new);
        }
        std::fs::write(&path, [&old[..mark], &text].concat()).unwrap();
    }
}
