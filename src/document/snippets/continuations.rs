//! Line continuations in documentation that are not those of a POSIX shell.
//!
//! - Two backslashes at the end of a line, which some Markdown editors write for one.
//! - A backslash and spaces at the end of a line, which a reader would not copy.
//! - A backtick in PowerShell, and `^` in batch files.

use super::code_language::CodeLanguage;
use crate::document::offsets::OffsetMapBuilder;

/// A mark at the end of a line, as the offset of the mark and the bytes that it replaces.
struct Mark {
    at: usize,
    len: usize,
}

/// Replaces the continuations of code by those of a POSIX shell. Returns `None` if all are already.
pub(super) fn normalize(code: &str, language: CodeLanguage) -> Option<OffsetMapBuilder> {
    let mark = match language {
        CodeLanguage::PowerShell => '`',
        CodeLanguage::Batch => '^',
        _ => '\\',
    };
    if !code.contains(mark) {
        return None;
    }
    let mut out = OffsetMapBuilder::default();
    let (mut copied, mut start, mut is_changed) = (0, 0, false);
    let mut lines = code.split_inclusive('\n').peekable();
    while let Some(line) = lines.next() {
        let is_continued = lines.peek().is_some_and(|next| !next.trim().is_empty());
        if let Some(found) = find_mark(line, mark).filter(|_| is_continued) {
            out.push_verbatim(
                copied,
                code.get(copied..start + found.at).unwrap_or_default(),
            );
            out.push_replaced(start + found.at, found.len, "\\");
            copied = start + found.at + found.len;
            is_changed = true;
        }
        start += line.len();
    }
    out.push_verbatim(copied, code.get(copied..).unwrap_or_default());
    is_changed.then_some(out)
}

/// Returns the mark at the end of a line that must be replaced.
fn find_mark(line: &str, mark: char) -> Option<Mark> {
    let line = line.trim_end_matches('\n');
    let text = line.trim_end();
    let before = text.trim_end_matches(mark);
    let (marks, spaces) = (text.len() - before.len(), line.len() - text.len());
    let is_foreign = match mark {
        '\\' => marks == 2 || (marks == 1 && spaces > 0),
        // `a^` and `` `a` `` end a word.
        _ => marks == 1 && (before.is_empty() || before.ends_with([' ', '\t'])),
    };
    is_foreign.then_some(Mark {
        at: before.len(),
        len: marks + spaces,
    })
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "tests")]
mod tests {
    use super::*;
    use crate::text::source::Span;

    fn normalized(code: &str, language: CodeLanguage) -> Option<String> {
        normalize(code, language).map(|builder| builder.build(0).0)
    }

    #[test]
    fn two_backslashes_are_one() {
        let code = "zenml x \\\\\n  --a=b \\\\\n  --c=d\n";
        let (text, map) = normalize(code, CodeLanguage::Shell).unwrap().build(0);
        assert_eq!(text, "zenml x \\\n  --a=b \\\n  --c=d\n");
        assert_eq!(map.source(8, 9), Span::new(8, 10));
        let value = text.find("--c").unwrap();
        assert_eq!(
            map.source(value, value + 3),
            Span::new(value + 2, value + 5)
        );
    }

    #[test]
    fn spaces_after_a_backslash_are_removed() {
        let shell = CodeLanguage::Unknown;
        assert_eq!(
            normalized("zenml x \\ \n --a=b", shell).unwrap(),
            "zenml x \\\n --a=b"
        );
        for code in [
            "zenml x \\\n --a=b",
            "zenml x \\\\\n\nzenml y",
            "zenml x \\\\",
            "zenml x \\\\\\\n y",
            "zenml x ^\n y `\n z",
        ] {
            assert_eq!(normalized(code, shell), None, "{code}");
        }
    }

    #[test]
    fn marks_of_windows_shells_are_backslashes() {
        let code = "zenml x `\n  --a=\"b`\" `  \n  --c=d `\n\nzenml `y`\n";
        assert_eq!(
            normalized(code, CodeLanguage::PowerShell).unwrap(),
            "zenml x \\\n  --a=\"b`\" \\\n  --c=d `\n\nzenml `y`\n"
        );
        assert_eq!(
            normalized("zenml x ^\n --a=b", CodeLanguage::Batch).unwrap(),
            "zenml x \\\n --a=b"
        );
    }
}
