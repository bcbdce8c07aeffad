//! Splits a Dockerfile into its instructions, as BuildKit does.
//!
//! An instruction is one line after its continuation lines are joined. Comments and empty lines
//! between them are removed. The here-documents of an instruction follow its line.

use super::code_builder::CodeBuilder;
use super::host_lines::{HostLines, line_break, start_of_text, trim};
use crate::document::OffsetMap;
use std::ops::Range;

/// Instructions that may have here-documents.
const WITH_HEREDOCS: [&str; 3] = ["RUN", "COPY", "ADD"];

/// An instruction.
pub(super) struct DockerInstruction {
    /// The text of the instruction and, after a line break, its here-documents.
    pub text: String,
    /// The map from offsets in the text to offsets in the file.
    pub offsets: OffsetMap,
    /// The name in upper case.
    pub name: String,
    /// The arguments: the text after the name, without here-documents.
    pub arguments: Range<usize>,
    /// The contents of the here-documents.
    pub heredocs: Vec<Range<usize>>,
}

/// An iterator over the instructions of a Dockerfile.
pub(super) struct DockerInstructions<'t> {
    text: &'t str,
    map: &'t OffsetMap,
    lines: HostLines<'t>,
    /// The character that continues a line.
    escape: char,
}

impl<'t> DockerInstructions<'t> {
    /// Creates an iterator over the instructions of a text.
    pub fn new(text: &'t str, map: &'t OffsetMap) -> Self {
        let start = start_of_text(text);
        Self {
            text,
            map,
            lines: HostLines::new(text, start),
            escape: escape_directive(text, start),
        }
    }

    fn slice(&self, range: &Range<usize>) -> &'t str {
        self.text.get(range.clone()).unwrap_or_default()
    }

    /// Adds a line and its continuation lines, without line breaks. Returns the end of the last one.
    fn push_lines(&mut self, code: &mut CodeBuilder<'t>, mut line: Range<usize>) -> usize {
        while let Some(end) = self.continued_end(&line) {
            code.push(line.start..end);
            let next = self.lines.find(|line| {
                let content = self.text.get(line.clone()).unwrap_or_default().trim();
                !content.is_empty() && !content.starts_with('#')
            });
            match next {
                Some(next) => line = next,
                None => return line.end,
            }
        }
        code.push(line.clone());
        line.end
    }

    /// Returns the end of a line's content before the escape character that continues it. Two
    /// escape characters continue nothing.
    fn continued_end(&self, line: &Range<usize>) -> Option<usize> {
        let content = self.slice(line).trim_end_matches([' ', '\t']);
        let before = content.strip_suffix(self.escape)?;
        (!before.ends_with(self.escape)).then_some(line.start + before.len())
    }

    /// Adds the here-documents of an instruction, with their delimiters, after a line break.
    fn push_heredocs(
        &mut self,
        code: &mut CodeBuilder<'t>,
        delimiters: &[HeredocDelimiter],
        end: usize,
    ) -> Vec<Range<usize>> {
        let mut found = Vec::new();
        code.push(line_break(self.text, end));
        for delimiter in delimiters {
            let start = code.len();
            let mut body_end = start;
            for line in self.lines.by_ref() {
                let content = self.text.get(line.clone()).unwrap_or_default();
                let is_end = delimiter.ends_at(content);
                code.push(line.start..line_break(self.text, line.end).end);
                if is_end {
                    break;
                }
                body_end = code.len();
            }
            found.push(start..body_end);
        }
        found
    }
}

impl Iterator for DockerInstructions<'_> {
    type Item = DockerInstruction;

    fn next(&mut self) -> Option<DockerInstruction> {
        let line = loop {
            let line = self.lines.next()?;
            let content = trim(self.text, line.clone());
            if !content.is_empty() && !self.slice(&content).starts_with('#') {
                break content.start..line.end;
            }
        };
        let mut code = CodeBuilder::new(self.text, self.map, line.start);
        let end = self.push_lines(&mut code, line);
        let len = code.len();
        let (name, arguments) = split_name(code.code(), len);
        let delimiters = if WITH_HEREDOCS.contains(&name.as_str()) {
            heredoc_delimiters(code.code().get(arguments.clone()).unwrap_or_default())
        } else {
            Vec::new()
        };
        let heredocs = if delimiters.is_empty() {
            Vec::new()
        } else {
            self.push_heredocs(&mut code, &delimiters, end)
        };
        let (text, offsets) = code.into_code();
        Some(DockerInstruction {
            text,
            offsets,
            name,
            arguments,
            heredocs,
        })
    }
}

/// Returns the name of an instruction in upper case, and the range of its arguments. `ONBUILD` is
/// removed.
fn split_name(line: &str, len: usize) -> (String, Range<usize>) {
    let mut rest = 0..len;
    loop {
        rest = trim(line, rest);
        let content = line.get(rest.clone()).unwrap_or_default();
        let name_len = content.find(char::is_whitespace).unwrap_or(content.len());
        let name = content.get(..name_len).unwrap_or_default();
        let arguments = trim(line, rest.start + name_len..rest.end);
        if arguments.is_empty() || !name.eq_ignore_ascii_case("ONBUILD") {
            return (name.to_ascii_uppercase(), arguments);
        }
        rest = arguments;
    }
}

/// Returns the character of the directive `# escape=`, which only comments at the start of the file
/// set.
fn escape_directive(text: &str, start: usize) -> char {
    for line in HostLines::new(text, start) {
        let comment = text.get(line).unwrap_or_default().trim().strip_prefix('#');
        let Some((name, value)) = comment.and_then(|comment| comment.split_once('=')) else {
            break;
        };
        if name.trim().eq_ignore_ascii_case("escape") {
            return value.trim().chars().next().unwrap_or('\\');
        }
    }
    '\\'
}

/// The delimiter of a here-document: `<<EOF`, `<<-EOF` or `<<"EOF"`.
#[derive(Debug, PartialEq, Eq)]
struct HeredocDelimiter {
    word: String,
    strips_tabs: bool,
}

impl HeredocDelimiter {
    /// Parses a word of an instruction. Returns `None` if it does not begin a here-document.
    fn parse(word: &str) -> Option<Self> {
        let word = word.trim_start_matches(|c: char| c.is_ascii_digit());
        let word = word.strip_prefix("<<")?;
        let delimiter = word.strip_prefix('-').unwrap_or(word);
        let strips_tabs = delimiter.len() < word.len();
        let name = delimiter.trim_start_matches(['\'', '"']);
        let len = name
            .find(|c: char| !c.is_alphanumeric() && !matches!(c, '_' | '-' | '.'))
            .unwrap_or(name.len());
        let word = name.get(..len)?;
        (!word.is_empty()).then(|| Self {
            word: word.to_owned(),
            strips_tabs,
        })
    }

    fn ends_at(&self, line: &str) -> bool {
        let line = if self.strips_tabs {
            line.trim_start_matches('\t')
        } else {
            line
        };
        line == self.word
    }
}

/// Returns the delimiters of the here-documents of an instruction. A word in quotes is not one.
fn heredoc_delimiters(arguments: &str) -> Vec<HeredocDelimiter> {
    if !arguments.contains("<<") {
        return Vec::new();
    }
    unquoted_words(arguments)
        .into_iter()
        .filter_map(|word| HeredocDelimiter::parse(arguments.get(word)?))
        .collect()
}

/// Returns the ranges of the words in a command. Quotes and backslashes protect white space.
pub(super) fn unquoted_words(text: &str) -> Vec<Range<usize>> {
    let mut words = Vec::new();
    let mut quote = None;
    let mut start = None;
    let mut chars = text.char_indices();
    while let Some((at, c)) = chars.next() {
        if quote.is_none() && c.is_whitespace() {
            words.extend(start.take().map(|start| start..at));
            continue;
        }
        start.get_or_insert(at);
        match (quote, c) {
            (None, '\'' | '"') => quote = Some(c),
            (Some(open), _) if open == c => quote = None,
            (None | Some('"'), '\\') => {
                chars.next();
            }
            _ => {}
        }
    }
    words.extend(start.map(|start| start..text.len()));
    words
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::text::source::Span;

    fn split(text: &str) -> Vec<(String, String, Vec<String>)> {
        let map = OffsetMap::from_verbatim(Span::new(0, text.len()));
        DockerInstructions::new(text, &map)
            .map(|found| {
                let heredocs = found.heredocs.iter();
                let heredocs = heredocs.map(|range| found.text[range.clone()].to_owned());
                let heredocs = heredocs.collect();
                let arguments = found.text[found.arguments].to_owned();
                (found.name, arguments, heredocs)
            })
            .collect()
    }

    fn one(name: &str, arguments: &str) -> (String, String, Vec<String>) {
        (name.into(), arguments.into(), Vec::new())
    }

    #[test]
    fn continuation_lines_are_joined() {
        let text = "FROM x\n\n  run a \\\n  # comment \\\n\n   b\\  \n && c \\\\\r\n# d\nCMD\n";
        assert_eq!(
            split(text),
            [
                one("FROM", "x"),
                one("RUN", "a    b && c \\\\"),
                one("CMD", "")
            ]
        );
        assert_eq!(split("RUN a \\\n"), [one("RUN", "a")]);
        assert_eq!(split("RUN a \\\n#b"), [one("RUN", "a")]);
        assert_eq!(split("ONBUILD onbuild RUN a"), [one("RUN", "a")]);
        assert_eq!(split("ONBUILD"), [one("ONBUILD", "")]);
    }

    #[test]
    fn a_directive_sets_the_escape_character() {
        let text = "# syntax=docker/dockerfile:1\n# ESCAPE = `\nRUN a `\n b\\\nRUN c";
        assert_eq!(split(text), [one("RUN", "a  b\\"), one("RUN", "c")]);
        let text = "# comment\n# escape=`\nRUN a \\\n b";
        assert_eq!(split(text), [one("RUN", "a  b")]);
    }

    #[test]
    fn here_documents_follow_their_instruction() {
        let text = "RUN <<A cat <<-\"B-1\" \\\n  > x\na \\\n# b\nA\nc\n\tB-1\nRUN d\n";
        assert_eq!(
            split(text),
            [
                (
                    "RUN".into(),
                    "<<A cat <<-\"B-1\"   > x".into(),
                    vec!["a \\\n# b\n".into(), "c\n".into()]
                ),
                one("RUN", "d")
            ]
        );
        let text = "COPY <<EOF /x \r\na\r\nEOF\r\nCMD <<EOF\nRUN <<EOF\nb";
        assert_eq!(
            split(text),
            [
                ("COPY".into(), "<<EOF /x".into(), vec!["a\n".into()]),
                one("CMD", "<<EOF"),
                ("RUN".into(), "<<EOF".into(), vec!["b".into()])
            ]
        );
    }

    #[test]
    fn other_angle_brackets_begin_no_here_document() {
        for arguments in [
            "python -c \"1 <<EOF\"",
            "python -c '1 <<EOF'",
            "echo $((1<<X))",
            "a << b",
            "a <<< b",
            "a <<<b",
            "a \\ <<",
        ] {
            assert_eq!(heredoc_delimiters(arguments), [], "{arguments}");
        }
        let found = heredoc_delimiters("a 3<<EOF \\\" <<'b.c'>x");
        let words: Vec<_> = found.iter().map(|found| &*found.word).collect();
        assert_eq!(words, ["EOF", "b.c"]);
    }
}
