//! Builds the code of a snippet from parts of a text, and records where each part comes from.
//!
//! The text is a file, or a part of it that is already decoded, such as a YAML scalar. Code in place
//! of a variable of the host is a replaced run of the map. That is how a reader recognises it where
//! the shell itself would not: the shell expands nothing in single quotes, but the host does.

use super::{Snippet, SnippetKind};
use crate::document::OffsetMap;
use crate::document::offsets::OffsetMapBuilder;
use memchr::memchr2_iter;
use memchr::memmem;
use std::ops::Range;

/// A shell variable in place of an expression whose value is unknown. Two of them are never equal.
pub(in crate::document) const UNKNOWN_VARIABLE: &str = "${_}";

/// A builder of a snippet.
pub(super) struct CodeBuilder<'t> {
    text: &'t str,
    /// The map from offsets in the text to offsets in the file.
    map: &'t OffsetMap,
    code: OffsetMapBuilder,
    /// The start of the snippet in the text.
    start: usize,
}

impl<'t> CodeBuilder<'t> {
    /// Creates a builder for code that begins at an offset of a text.
    pub fn new(text: &'t str, map: &'t OffsetMap, start: usize) -> Self {
        Self {
            text,
            map,
            code: OffsetMapBuilder::default(),
            start,
        }
    }

    /// Adds bytes of the text as they are, except that CRLF becomes LF.
    pub fn push(&mut self, range: Range<usize>) {
        let part = self.text.get(range.clone()).unwrap_or_default();
        let mut from = range.start;
        for at in memmem::find_iter(part.as_bytes(), b"\r\n") {
            let at = range.start + at;
            self.code.push_part(self.map, from..at, self.text);
            self.replace(at..at + 2, "\n");
            from = at + 2;
        }
        self.code
            .push_part(self.map, from..range.end.max(from), self.text);
    }

    /// Adds code in place of bytes of the text. An empty range inserts the code.
    pub fn replace(&mut self, range: Range<usize>, code: &str) {
        let span = self.map.source(range.start, range.end);
        self.code.push_replaced(span.start, span.len(), code);
    }

    /// Adds bytes of the text as the content of double quotes of the shell, in which variables and
    /// substitutions stay.
    pub fn push_in_double_quotes(&mut self, range: Range<usize>) {
        let part = self.text.get(range.clone()).unwrap_or_default();
        let mut from = range.start;
        for at in memchr2_iter(b'"', b'\\', part.as_bytes()) {
            let at = range.start + at;
            self.push(from..at);
            self.replace(at..at, "\\");
            from = at;
        }
        self.push(from..range.end);
    }

    /// Returns the code so far.
    pub fn code(&self) -> &str {
        self.code.text()
    }

    /// Returns the length of the code so far.
    pub fn len(&self) -> usize {
        self.code().len()
    }

    /// Returns the code and the map from it to the file.
    pub fn into_code(self) -> (String, OffsetMap) {
        let span = self.map.source(self.start, self.start);
        self.code.into_text(span)
    }

    /// Returns the snippet. Returns `None` if its code is only white space.
    pub fn finish(self, kind: SnippetKind) -> Option<Snippet> {
        let (code, offsets) = self.into_code();
        (!code.trim().is_empty()).then_some(Snippet {
            code,
            offsets,
            kind,
        })
    }
}

/// Returns the shell variable of a host's variable. Characters that the shell does not allow in
/// names become underscores. Returns `None` if the text is not a name.
pub(super) fn shell_variable(name: &str) -> Option<String> {
    shell_name(name).map(|name| format!("${{{name}}}"))
}

/// Returns the name of a shell variable for a host's variable. Returns `None` if the text is not a
/// name. A number is a name: the argument of a function.
pub(super) fn shell_name(name: &str) -> Option<String> {
    let is_name = !name.is_empty()
        && name
            .chars()
            .all(|c| c.is_ascii_alphanumeric() || matches!(c, '_' | '-' | '.'));
    is_name.then(|| name.replace(['-', '.'], "_"))
}

/// Returns whether a text is the name of a shell variable that can be assigned.
pub(super) fn is_assignable(name: &str) -> bool {
    !name.starts_with(|c: char| c.is_ascii_digit())
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "tests")]
pub(super) mod checks {
    //! What the tests of all hosts verify.

    use super::*;
    use crate::text::source::SourceFile;
    use std::sync::Arc;

    /// Reads a text with a host. Verifies that the map of each snippet returns the bytes that it
    /// names.
    pub fn read(
        host: fn(&Arc<SourceFile>) -> Vec<Snippet>,
        path: &str,
        text: &str,
    ) -> (Arc<SourceFile>, Vec<Snippet>) {
        let source = Arc::new(SourceFile::new(path, text));
        let snippets = host(&source);
        for snippet in &snippets {
            let code = &snippet.code;
            let mut at = 0;
            for piece in snippet.offsets.pieces(0..code.len()) {
                assert_eq!(piece.decoded.start, at);
                at = piece.decoded.end;
                assert!(piece.source.end <= text.len());
                assert!(text.is_char_boundary(piece.source.start));
                if piece.verbatim {
                    assert_eq!(source.slice(piece.source), &code[piece.decoded]);
                }
            }
            assert_eq!(at, code.len());
        }
        (source, snippets)
    }

    /// Returns the code of each snippet.
    pub fn codes(snippets: &[Snippet]) -> Vec<&str> {
        snippets.iter().map(|snippet| &*snippet.code).collect()
    }

    /// Returns the offset and the text in the file for the only occurrence of a text in a snippet.
    pub fn origin<'s>(source: &'s SourceFile, snippet: &Snippet, part: &str) -> (usize, &'s str) {
        let (at, _) = snippet.code.match_indices(part).next().unwrap();
        assert_eq!(snippet.code.matches(part).count(), 1);
        let span = snippet.offsets.source(at, at + part.len());
        (span.start, source.slice(span))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::text::source::Span;

    #[test]
    fn crlf_becomes_lf() {
        let text = "a\r\n\r\nb\rc";
        let map = OffsetMap::from_verbatim(Span::new(10, 18));
        let mut code = CodeBuilder::new(text, &map, 0);
        code.push(0..text.len());
        let (code, offsets) = code.into_code();
        assert_eq!(code, "a\n\nb\rc");
        assert_eq!(offsets.source(1, 2), Span::new(11, 13));
        assert_eq!(offsets.source(3, 6), Span::new(15, 18));
    }

    #[test]
    fn double_quotes_escape_quotes_and_backslashes() {
        let text = r#"a "b" \ $X"#;
        let map = OffsetMap::from_verbatim(Span::new(0, text.len()));
        let mut code = CodeBuilder::new(text, &map, 0);
        code.push_in_double_quotes(0..text.len());
        let (code, offsets) = code.into_code();
        assert_eq!(code, r#"a \"b\" \\ $X"#);
        assert_eq!(offsets.source(3, 4), Span::new(2, 3));
        assert_eq!(offsets.source(11, 13), Span::new(8, 10));
    }

    #[test]
    fn blank_code_is_not_a_snippet() {
        let map = OffsetMap::from_verbatim(Span::new(0, 2));
        let mut code = CodeBuilder::new(" \n", &map, 0);
        code.push(0..2);
        assert!(code.finish(SnippetKind::Script).is_none());
    }

    #[test]
    fn names_of_the_host_become_names_of_the_shell() {
        let cases = [
            ("X", Some("${X}")),
            ("my-var.x", Some("${my_var_x}")),
            ("1", Some("${1}")),
            ("", None),
            ("a b", None),
            ("x:.c=.o", None),
        ];
        for (name, expected) in cases {
            assert_eq!(shell_variable(name).as_deref(), expected, "{name}");
        }
        assert!(is_assignable("x1") && !is_assignable("1x"));
    }
}
