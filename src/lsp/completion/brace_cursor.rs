//! The reference that is being typed at the cursor, by its text alone.

use crate::text::source::Span;
use crate::zenml::grammar::is_space;

/// The part of a reference at the cursor.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum BracePart {
    /// The name of the secret.
    Secret,
    /// A key of this secret.
    Key(String),
}

/// A reference that is being typed: from `{{` to the cursor, and the rest of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BraceCursor {
    /// The offset of `{{`.
    pub open: usize,
    /// The part at the cursor.
    pub part: BracePart,
    /// The part as far as it is typed, also after the cursor.
    pub span: Span,
    /// The braces that are missing after a key.
    pub missing: &'static str,
    /// The end of the reference, with the closing braces that are there.
    pub end: usize,
}

impl BraceCursor {
    /// Returns the reference at an offset. `line` is the line that contains it.
    pub fn find(text: &str, line: Span, offset: usize) -> Option<Self> {
        let typed = text.get(line.start..offset)?;
        let in_line = typed.rfind("{{")?;
        let open = line.start + in_line;
        let is_github = typed.get(..in_line)?.ends_with('$');
        let inner = typed.get(in_line + 2..)?;
        let names = inner.trim_start_matches(is_space);
        if is_github || names.contains(['{', '}']) || names.contains(is_space) {
            return None;
        }
        let names_start = offset - names.len();
        let (part, start) = match names.split_once('.') {
            None => (BracePart::Secret, names_start),
            Some(("", _)) => return None,
            Some((secret, _)) => (
                BracePart::Key(secret.to_owned()),
                names_start + secret.len() + 1,
            ),
        };
        let rest = text.get(offset..line.end)?;
        let after = offset + name_len(rest, part == BracePart::Secret);
        let closing = text.get(after..line.end)?;
        let blanks = closing.len() - closing.trim_start_matches(is_space).len();
        let (missing, end) = if closing.get(blanks..)?.starts_with("}}") {
            ("", after + blanks + 2)
        } else if closing.starts_with('}') {
            ("}", after + 1)
        } else {
            ("}}", after)
        };
        Some(Self {
            open,
            part,
            span: Span::new(start, after),
            missing,
            end,
        })
    }
}

/// Returns the length of the rest of a name after the cursor. If the reference is closed, it is
/// everything before the braces. Otherwise it is a word.
fn name_len(rest: &str, is_secret: bool) -> usize {
    let is_end = |c: char| is_space(c) || matches!(c, '{' | '}' | '"' | '\'' | '`');
    let end = rest.find(is_end).unwrap_or(rest.len());
    let (name, after) = rest.split_at_checked(end).unwrap_or_default();
    let is_closed = after.trim_start_matches(is_space).starts_with("}}");
    let name = match name.split_once('.') {
        Some((secret, _)) if is_secret => secret,
        _ => name,
    };
    if is_closed {
        return name.len();
    }
    let is_word = |c: char| c.is_alphanumeric() || matches!(c, '_' | '-' | '.');
    name.find(|c| !is_word(c)).unwrap_or(name.len())
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "tests")]
mod tests {
    use super::*;

    /// Returns the part, the replaced text, the missing braces and the rest of the line at `|`.
    fn find(text: &str) -> Option<(BracePart, String, &'static str, String)> {
        let offset = text.find('|').unwrap();
        let text = text.replace('|', "");
        let found = BraceCursor::find(&text, Span::new(0, text.len()), offset)?;
        let part = text[found.span.start..found.span.end].to_owned();
        Some((
            found.part,
            part,
            found.missing,
            text[found.end..].to_owned(),
        ))
    }

    #[test]
    fn the_part_at_the_cursor_is_found_in_unfinished_references() {
        let key = |secret: &str| BracePart::Key(secret.to_owned());
        for (text, part, replaced, missing, rest) in [
            ("a: {{|", BracePart::Secret, "", "}}", ""),
            ("a: '{{d|'", BracePart::Secret, "d", "}}", "'"),
            ("a: '{{ d|b }}'", BracePart::Secret, "db", "", "'"),
            ("{{d|b.k}}", BracePart::Secret, "db", "}}", ".k}}"),
            ("{{a.b}} {{|", BracePart::Secret, "", "}}", ""),
            ("{{db.|", key("db"), "", "}}", ""),
            ("{{db.a|b.c}}x", key("db"), "ab.c", "", "x"),
            ("{{db.a|b}, x", key("db"), "ab", "}", ", x"),
            ("{{db.a|b@host", key("db"), "ab", "}}", "@host"),
            ("{{db.a|@b }}", key("db"), "a@b", "", ""),
            ("{{ü😀.|k\"", key("ü😀"), "k", "}}", "\""),
        ] {
            let found = find(text).unwrap_or_else(|| panic!("{text}"));
            let expected = (part, replaced.to_owned(), missing, rest.to_owned());
            assert_eq!(found, expected, "{text}");
        }
    }

    #[test]
    fn text_outside_of_a_reference_is_none() {
        for text in [
            "a: |",
            "{|{",
            "{{a.b}}|",
            "{{a b|",
            "{{.|",
            "${{ secrets.|",
            "{{a {b|",
        ] {
            assert_eq!(find(text), None, "{text}");
        }
    }
}
