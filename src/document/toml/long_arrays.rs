//! Finds long arrays of tables, so that their elements can be parsed in pieces.
//!
//! While it parses, the `toml` crate needs more than a hundred times the size of a small table, for
//! all tables together. So the parser gets only the first and the last element of a long array of
//! tables (`[[x]]`). The elements between them are parsed some at a time, each piece as a text of
//! its own.
//!
//! This scanner only recognises headers. The reader in `toml.rs` compares its result with the
//! parser's: if the parser finds other elements or an error, the reader parses the whole text at
//! once.

use std::ops::Range;

/// Shorter texts are parsed at once.
const MIN_TEXT_BYTES: usize = 1 << 16;

/// The minimum size of a piece, except for the last piece of a run.
const MIN_PIECE_BYTES: usize = 1 << 13;

/// A text without the elements that are parsed in pieces.
pub(super) struct ShortenedText {
    pub text: String,
    pub runs: Vec<ElementRun>,
    pub offsets: PartOffsets,
}

impl ShortenedText {
    /// Creates a text from which nothing is removed.
    pub fn unchanged(text: &str) -> Self {
        Self {
            text: text.to_owned(),
            runs: Vec::new(),
            offsets: PartOffsets::default(),
        }
    }
}

/// A map from offsets in a shortened text to offsets in the original text.
#[derive(Debug, Default)]
pub(super) struct PartOffsets {
    /// The start of each part, in the shortened text and in the original.
    parts: Vec<(usize, usize)>,
}

impl PartOffsets {
    /// Returns the range in the original text for a range of the shortened text.
    pub fn source_range(&self, range: Range<usize>) -> Range<usize> {
        let next = self
            .parts
            .partition_point(|&(start, _)| start <= range.start);
        let Some(&(start, original)) = next.checked_sub(1).and_then(|at| self.parts.get(at)) else {
            return range;
        };
        // Parts consist of lines, so no value begins in one part and ends in another.
        range.start - start + original..range.end - start + original
    }
}

/// Successive elements of an array.
pub(super) struct ElementRun {
    /// The offset in the file of the text that contains the run.
    pub base: usize,
    /// The start of the first element.
    pub first: usize,
    /// The elements between the first and the last. Each piece has at least one.
    pub pieces: Vec<Range<usize>>,
    /// The start of the last element.
    pub last: usize,
}

/// Removes the elements that can be parsed in pieces from a long text. Returns `None` if the text
/// is short or has no long array.
pub(super) fn shorten(text: &str) -> Option<ShortenedText> {
    if text.len() < MIN_TEXT_BYTES || u32::try_from(text.len()).is_err() || !text.contains("[[") {
        return None;
    }
    let headers = find_headers(text);
    let mut runs = Vec::new();
    let mut pending = vec![(0, headers.len())];
    while let Some((mut at, end)) = pending.pop() {
        while at < end {
            let rest = headers.get(at..end).unwrap_or_default();
            let Some(found) = find_run(text, rest) else {
                at += 1;
                continue;
            };
            // The first and the last element may contain long arrays, too.
            pending.push((at + 1, at + found.second));
            pending.push((at + found.last + 1, at + found.end));
            at += found.end;
            runs.push(found.run);
        }
    }
    if runs.is_empty() {
        return None;
    }
    remove_pieces(text, runs)
}

/// Removes the pieces of all runs from a text.
fn remove_pieces(text: &str, runs: Vec<ElementRun>) -> Option<ShortenedText> {
    let mut pieces: Vec<Range<usize>> = runs
        .iter()
        .flat_map(|run| run.pieces.iter().cloned())
        .collect();
    pieces.sort_unstable_by_key(|piece| piece.start);
    let mut shortened = String::new();
    let mut offsets = PartOffsets::default();
    let mut at = 0;
    for piece in pieces {
        offsets.parts.push((shortened.len(), at));
        shortened.push_str(text.get(at..piece.start)?);
        at = piece.end;
    }
    offsets.parts.push((shortened.len(), at));
    shortened.push_str(text.get(at..)?);
    Some(ShortenedText {
        text: shortened,
        runs,
        offsets,
    })
}

/// A line with the header of a table. Offsets have 32 bits because a text may have many headers.
struct Header {
    start: u32,
    path: Range<u32>,
    is_array: bool,
}

impl Header {
    fn start(&self) -> usize {
        self.start as usize
    }

    fn path<'t>(&self, text: &'t str) -> &'t str {
        text.get(self.path.start as usize..self.path.end as usize)
            .unwrap_or_default()
            .trim()
    }
}

/// A run and the indexes of headers in it, counted from the header of its first element.
struct LocatedRun {
    run: ElementRun,
    /// The header of the second element.
    second: usize,
    /// The header of the last element.
    last: usize,
    /// The first header after the run.
    end: usize,
}

/// Returns the run that begins with the first of some headers, if it is long.
fn find_run(text: &str, headers: &[Header]) -> Option<LocatedRun> {
    let first = headers.first().filter(|header| header.is_array)?;
    let path = first.path(text);
    let (mut second, mut last, mut end) = (None, 0, 1);
    let mut pieces = Vec::new();
    let mut piece_start = 0;
    for (at, header) in headers.iter().enumerate().skip(1) {
        if header.is_array && header.path(text) == path {
            if second.is_none() {
                (second, piece_start) = (Some(at), header.start());
            } else if header.start() - piece_start >= MIN_PIECE_BYTES {
                pieces.push(piece_start..header.start());
                piece_start = header.start();
            }
            last = at;
        } else if !is_subtable(header.path(text), path) {
            break;
        }
        end = at + 1;
    }
    let last_start = headers.get(last)?.start();
    if pieces.is_empty() {
        return None;
    }
    if piece_start < last_start {
        pieces.push(piece_start..last_start);
    }
    Some(LocatedRun {
        run: ElementRun {
            base: 0,
            first: first.start(),
            pieces,
            last: last_start,
        },
        second: second?,
        last,
        end,
    })
}

/// Returns whether the path of a table begins with another path.
fn is_subtable(path: &str, parent: &str) -> bool {
    path.strip_prefix(parent)
        .is_some_and(|rest| rest.trim_start().starts_with('.'))
}

/// Returns the headers in a text.
fn find_headers(text: &str) -> Vec<Header> {
    let mut scanner = HeaderScanner {
        bytes: text.as_bytes(),
        at: if text.starts_with('\u{feff}') { 3 } else { 0 },
    };
    let mut headers = Vec::new();
    while scanner.at < text.len() {
        while matches!(scanner.byte(), Some(b' ' | b'\t')) {
            scanner.at += 1;
        }
        if scanner.byte() == Some(b'[') {
            headers.push(scanner.header());
        } else {
            scanner.skip_expression();
        }
    }
    headers
}

/// A scanner that recognises just enough of TOML to find the lines that are not part of a value.
struct HeaderScanner<'t> {
    bytes: &'t [u8],
    at: usize,
}

impl HeaderScanner<'_> {
    fn byte(&self) -> Option<u8> {
        self.bytes.get(self.at).copied()
    }

    fn starts_with(&self, prefix: &[u8]) -> bool {
        self.bytes
            .get(self.at..)
            .is_some_and(|rest| rest.starts_with(prefix))
    }

    /// Moves to the end of the line.
    fn skip_line(&mut self) {
        let rest = self.bytes.get(self.at..).unwrap_or_default();
        self.at += memchr::memchr(b'\n', rest).unwrap_or(rest.len());
    }

    /// Reads a header, and moves to the next line.
    fn header(&mut self) -> Header {
        let start = self.at;
        let is_array = self.starts_with(b"[[");
        self.at += if is_array { 2 } else { 1 };
        let path_start = self.at;
        while let Some(byte) = self.byte().filter(|byte| !matches!(byte, b']' | b'\n')) {
            match byte {
                b'"' | b'\'' => self.skip_string(byte),
                _ => self.at += 1,
            }
        }
        let path = to_u32(path_start)..to_u32(self.at);
        self.skip_line();
        self.at += 1;
        Header {
            start: to_u32(start),
            path,
            is_array,
        }
    }

    /// Moves to the line after a key and its value, a comment or an empty line.
    fn skip_expression(&mut self) {
        let mut depth = 0_usize;
        while let Some(byte) = self.byte() {
            match byte {
                b'\n' if depth == 0 => {
                    self.at += 1;
                    return;
                }
                b'#' => self.skip_line(),
                b'"' | b'\'' => self.skip_string(byte),
                _ => {
                    match byte {
                        b'[' | b'{' => depth += 1,
                        b']' | b'}' => depth = depth.saturating_sub(1),
                        _ => {}
                    }
                    self.at += 1;
                }
            }
        }
    }

    /// Moves to the end of a string, or to the end of the line if a string of one line is not
    /// closed.
    fn skip_string(&mut self, quote: u8) {
        let has_escapes = quote == b'"';
        let triple = [quote; 3];
        let is_multiline = self.starts_with(&triple);
        self.at += if is_multiline { 3 } else { 1 };
        while let Some(byte) = self.byte() {
            match byte {
                b'\\' if has_escapes => self.at += 2,
                b'\n' if !is_multiline => return,
                _ if byte != quote => self.at += 1,
                _ if !is_multiline => {
                    self.at += 1;
                    return;
                }
                _ if self.starts_with(&triple) => {
                    self.at += 3;
                    // The value may end with up to two quotes.
                    for _ in 0..2 {
                        if self.byte() == Some(quote) {
                            self.at += 1;
                        }
                    }
                    return;
                }
                _ => self.at += 1,
            }
        }
    }
}

/// Converts an offset that is known to fit, since [`shorten`] checks the length of the text.
fn to_u32(offset: usize) -> u32 {
    u32::try_from(offset).unwrap_or(u32::MAX)
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "tests")]
mod tests {
    use super::*;
    use crate::document::{Document, Syntax};
    use crate::text::source::SourceFile;
    use std::sync::Arc;

    /// Returns whether a text is shortened, and a description of all its nodes.
    fn read(text: &str) -> (bool, Vec<String>) {
        let document =
            Document::parse(Arc::new(SourceFile::new("x.toml", text)), Syntax::Toml).unwrap();
        let nodes = document.nodes().map(|(id, node)| {
            format!(
                "{} {:?} {:?} {}",
                document.path(id),
                node.span,
                document.text(id),
                node.key
            )
        });
        (shorten(text).is_some(), nodes.collect())
    }

    /// Returns `count` elements of an array, with text that looks like headers in their values.
    fn elements(path: &str, count: usize) -> String {
        let name = path.rsplit('.').next().unwrap_or_default();
        let mut text = String::new();
        for n in 0..count {
            text.push_str(&format!(
                "[[{path}]] # {n}\nn = {n}\n\"a.b\" = \"\"\"\n[[{path}]]\n\"\"\"\nc.d = [\n[1]]\n"
            ));
            text.push_str(&format!(
                "[ {path} . sub ]\nx.y = '[['\n\n[[{path}.{name}]]\nz = '''\n[[x'''\n"
            ));
        }
        text
    }

    #[test]
    fn long_arrays_have_the_same_nodes_as_when_parsed_at_once() {
        let text = format!(
            "top = 1\n{}[y]\nz = 2\n{}",
            elements("x", 900),
            elements("y.w", 900)
        );
        let (is_short, nodes) = read(&text);
        assert!(is_short);
        let table = toml::de::DeTable::parse(&text).unwrap();
        let mut document = Document::empty(
            Arc::new(SourceFile::new("x.toml", text.as_str())),
            Syntax::Toml,
        );
        super::super::read_whole(&mut document, table.get_ref()).unwrap();
        let expected = document.nodes().map(|(id, node)| {
            format!(
                "{} {:?} {:?} {}",
                document.path(id),
                node.span,
                document.text(id),
                node.key
            )
        });
        assert_eq!(nodes, expected.collect::<Vec<_>>());
    }

    #[test]
    fn long_arrays_inside_elements_are_shortened() {
        let inner = "[[x.y]]\nz = 1\n".repeat(5_000);
        let text = format!("[[x]]\na = 1\n{inner}[[x]]\n{inner}[[x]]\n{inner}");
        let shortened = shorten(&text).unwrap();
        assert!(shortened.text.len() < text.len() / 4);
        assert_eq!(read(&text).1.len(), 1 + 2 + 3 * (1 + 2 + 5_000 * 3) + 2);
    }

    #[test]
    fn errors_are_those_of_the_whole_text() {
        let good = "[[x]]\na = 1\n".repeat(10_000);
        for bad in ["a = 1\n", "a = \n", "[x.y]\n[x.y]\n"] {
            let text = format!("{good}{bad}{good}");
            let error = Document::parse(
                Arc::new(SourceFile::new("x.toml", text.as_str())),
                Syntax::Toml,
            )
            .unwrap_err();
            let whole = toml::de::DeTable::parse(&text).unwrap_err();
            assert_eq!(error, super::super::describe_error(&whole, &text));
        }
    }

    #[test]
    fn headers_inside_strings_are_not_shortened() {
        let text = format!("a = \"\"\"\n{}\"\"\"\n", "[[x]]\nb = 1\n".repeat(10_000));
        assert!(shorten(&text).is_none());
        assert_eq!(read(&text).1.len(), 3);
    }
}
