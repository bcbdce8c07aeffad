//! The name of a rule that is being typed in an ignore comment.

use crate::text::source::Span;

/// The list of rules in an ignore comment at the cursor.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct IgnoreCursor<'t> {
    /// The name as far as it is typed, also after the cursor.
    pub span: Span,
    /// The other names in the list.
    pub others: Vec<&'t str>,
}

impl<'t> IgnoreCursor<'t> {
    /// Returns the name at an offset. `line` is the line that contains it.
    pub fn find(text: &'t str, line: Span, offset: usize) -> Option<Self> {
        let typed = text.get(line.start..offset)?;
        let (before, directive) = typed.rsplit_once("stackref:")?;
        let before = before.trim_end();
        let names = directive.trim_start().strip_prefix("ignore")?;
        let names = names.trim_start().strip_prefix('[')?;
        let is_comment = before.ends_with('#') || before.ends_with("<!--");
        if !is_comment || names.contains(']') {
            return None;
        }
        let rest = text.get(offset..line.end)?;
        let is_name = |c: char| c.is_ascii_alphanumeric() || c == '-' || c == '_';
        let after = rest.find(|c| !is_name(c)).unwrap_or(rest.len());
        let (earlier, name) = names.rsplit_once(',').unwrap_or(("", names));
        let name = name.trim_start();
        let later = rest.get(after..)?.split_once(']');
        let later = later.map_or("", |(names, _)| names);
        let others = earlier.split(',').chain(later.split(','));
        name.chars().all(is_name).then(|| Self {
            span: Span::new(offset - name.len(), offset + after),
            others: others.map(str::trim).filter(|it| !it.is_empty()).collect(),
        })
    }
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "tests")]
mod tests {
    use super::*;

    #[test]
    fn the_name_at_the_cursor_is_found_in_a_comment() {
        for (text, expected) in [
            ("a: b # stackref: ignore[|", Some(("", vec![]))),
            ("#stackref:ignore [unk|", Some(("unk", vec![]))),
            (
                "# stackref: ignore[a, un|known]",
                Some(("unknown", vec!["a"])),
            ),
            (
                "<!-- stackref: ignore[u|, b, c] -->",
                Some(("u", vec!["b", "c"])),
            ),
            ("# stackref: ignore[a b|", None),
            ("# stackref: ignore[a] |", None),
            ("# stackref: literal[|", None),
            ("stackref: ignore[|", None),
        ] {
            let offset = text.find('|').unwrap();
            let text = text.replace('|', "");
            let found = IgnoreCursor::find(&text, Span::new(0, text.len()), offset);
            let found = found.map(|it| (&text[it.span.start..it.span.end], it.others));
            assert_eq!(found, expected, "{text}");
        }
    }
}
