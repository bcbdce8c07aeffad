//! A parser of brace expressions in a string.

use super::characters::{is_invisible, is_space, looks_like_dot};
use super::foreign_syntax::foreign_syntax;
use super::{BraceExpression, BraceKind, MalformedKind};

/// Returns all brace expressions in a string: every `{{`, in order, without overlaps.
pub fn find_braces(text: &str) -> Vec<BraceExpression<'_>> {
    let mut expressions = Vec::new();
    let mut from = 0;
    // The next `}}` is searched only once, so that many unclosed braces take linear time.
    let mut close = find_from(text, "}}", 0);
    while let Some(start) = find_from(text, "{{", from) {
        let inner_start = brace_run_end(text, b'{', start);
        if close.is_some_and(|close| close < inner_start) {
            close = find_from(text, "}}", inner_start);
        }
        let braces = parse_braces(text, start, inner_start, close);
        from = braces.range.end;
        expressions.push(braces);
    }
    expressions
}

/// Parses a string that consists of one reference, the most frequent string with braces. Returns
/// `None` for other strings.
pub(super) fn parse_whole_reference(text: &str) -> Option<BraceExpression<'_>> {
    let inner = text.strip_prefix("{{")?.strip_suffix("}}")?;
    if memchr::memchr2(b'{', b'}', inner.as_bytes()).is_some() {
        return None;
    }
    let kind = parse_inner(inner);
    let is_reference = matches!(kind, BraceKind::Reference { .. });
    is_reference.then(|| BraceExpression {
        range: 0..text.len(),
        kind,
        foreign: foreign_syntax(inner, false),
    })
}

/// Parses a string without `{{` that differs from a reference by one brace or one space, for
/// example `{a.b}}` or `{ {a.b}}`. Returns `None` for other strings, such as `run-{date}`,
/// `${VAR}`, `{a.b}` and JSON.
pub(super) fn find_near_miss(text: &str) -> Option<BraceExpression<'_>> {
    let inner = text.strip_prefix('{')?;
    let (is_spaced, inner) = match inner.trim_start_matches(is_space).strip_prefix('{') {
        Some(rest) => (true, rest),
        None => (false, inner),
    };
    let inner = inner.strip_suffix('}')?;
    let (is_closed, inner) = if let Some(rest) = inner.strip_suffix('}') {
        (true, rest)
    } else {
        let rest = inner.trim_end_matches(is_space).strip_suffix('}');
        (rest.is_some(), rest.unwrap_or(inner))
    };
    let is_near_miss =
        (is_spaced || is_closed) && matches!(parse_inner(inner), BraceKind::Reference { .. });
    is_near_miss.then_some(BraceExpression {
        range: 0..text.len(),
        kind: BraceKind::Malformed(MalformedKind::HalfOpen),
        foreign: None,
    })
}

/// Parses a brace expression. Its opening braces are from `start` to `inner_start`, and `close` is
/// the first `}}` after them.
fn parse_braces(
    text: &str,
    start: usize,
    inner_start: usize,
    close: Option<usize>,
) -> BraceExpression<'_> {
    let next = find_from(text, "{{", inner_start);
    let Some(close) = close.filter(|&close| next.is_none_or(|next| close < next)) else {
        return parse_unclosed_braces(text, start, inner_start, next.unwrap_or(text.len()));
    };
    let end = brace_run_end(text, b'}', close);
    let inner = text.get(inner_start..close).unwrap_or_default();
    let kind = if inner_start - start > 2 || end - close > 2 {
        BraceKind::Malformed(MalformedKind::ExtraBraces)
    } else {
        parse_inner(inner)
    };
    let follows_dollar = text
        .get(..start)
        .is_some_and(|before| before.ends_with('$'));
    BraceExpression {
        range: start..end,
        kind,
        foreign: foreign_syntax(inner, follows_dollar),
    }
}

/// Parses a brace expression without `}}`. Its range contains only text that looks like a
/// reference: the text after it may be part of a password that contains `{{`.
fn parse_unclosed_braces(
    text: &str,
    start: usize,
    inner_start: usize,
    limit: usize,
) -> BraceExpression<'_> {
    let rest = text.get(inner_start..limit).unwrap_or_default();
    let half_close = rest
        .find('}')
        .filter(|&brace| rest.get(..brace).is_some_and(|inner| !inner.contains('\n')));
    let word = rest.trim_start_matches(is_space);
    let blanks = rest.len() - word.len();
    let word = word
        .split(|c| is_space(c) || matches!(c, '}' | '{'))
        .next()
        .unwrap_or_default();
    let looks_like_reference = matches!(parse_inner(word), BraceKind::Reference { .. });
    let end = match half_close {
        Some(brace) => inner_start + brace + 1,
        None if looks_like_reference => inner_start + blanks + word.len(),
        None => inner_start,
    };
    BraceExpression {
        range: start..end,
        kind: BraceKind::Malformed(MalformedKind::Unclosed {
            half: half_close.is_some(),
        }),
        foreign: None,
    }
}

/// Parses the text between the braces.
fn parse_inner(inner: &str) -> BraceKind<'_> {
    let malformed = BraceKind::Malformed;
    // Most references need none of the checks below.
    if inner
        .bytes()
        .all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'-' | b'.' | b'/'))
        && let Some((name, key)) = inner.split_once('.')
        && !name.is_empty()
        && !key.is_empty()
    {
        return BraceKind::Reference {
            name,
            key,
            padded: false,
        };
    }
    let text = inner.trim_matches(is_space);
    if text.is_empty() {
        return malformed(MalformedKind::Empty);
    }
    if let Some(c) = text.chars().find(|&c| is_invisible(c)) {
        return malformed(MalformedKind::Invisible(c));
    }
    if text.contains(is_space) {
        return malformed(if text.contains('|') {
            MalformedKind::Filter
        } else {
            MalformedKind::Space
        });
    }
    if text.contains(['{', '}']) {
        return malformed(MalformedKind::Brace);
    }
    if text.starts_with('$') {
        return malformed(MalformedKind::Variable);
    }
    match text.split_once('.') {
        None => malformed(MalformedKind::NoDot {
            lookalike: text.chars().find(|&c| looks_like_dot(c)),
        }),
        Some(("", _)) => malformed(MalformedKind::EmptyName),
        Some((_, "")) => malformed(MalformedKind::EmptyKey),
        Some((name, key)) => BraceKind::Reference {
            name,
            key,
            padded: text.len() != inner.len(),
        },
    }
}

/// Finds a text from an offset on.
pub(super) fn find_from(text: &str, needle: &str, from: usize) -> Option<usize> {
    let at = memchr::memmem::find(text.as_bytes().get(from..)?, needle.as_bytes())?;
    Some(from + at)
}

/// Returns the end of the run of equal braces that starts at `from`.
fn brace_run_end(text: &str, brace: u8, from: usize) -> usize {
    let rest = text.as_bytes().get(from..).unwrap_or_default();
    from + rest.iter().take_while(|&&byte| byte == brace).count()
}

#[cfg(test)]
#[expect(clippy::expect_used, reason = "tests")]
mod tests {
    use super::*;

    #[test]
    fn unclosed_braces_in_a_password_contain_only_the_braces() {
        let expressions = find_braces("hun{{ter2");
        assert_eq!(
            expressions.first().map(|braces| braces.range.clone()),
            Some(3..5)
        );
    }

    #[test]
    fn adjacent_references_have_separate_ranges() {
        let ranges: Vec<_> = find_braces("a{{b.c}}{{ d.e }}f")
            .into_iter()
            .map(|braces| braces.range)
            .collect();
        assert_eq!(ranges, [1..8, 8..17]);
    }

    #[test]
    fn unclosed_braces_end_after_the_word() {
        for (text, range) in [
            ("{{a.b", 0..5),
            ("x {{ a.b c", 2..8),
            ("{{ a. b", 0..2),
            ("x{{a.b} y", 1..7),
            ("{{a.b\n}", 0..5),
        ] {
            assert_eq!(
                find_braces(text).first().map(|braces| braces.range.clone()),
                Some(range),
                "{text}"
            );
        }
    }

    #[test]
    fn white_space_in_braces_is_padding() {
        for (text, is_padded) in [("{{a.b}}", false), ("{{ a.b}}", true), ("{{a.b\t}}", true)] {
            let expressions = find_braces(text);
            let kind = &expressions.first().expect(text).kind;
            assert_eq!(
                *kind,
                BraceKind::Reference {
                    name: "a",
                    key: "b",
                    padded: is_padded
                },
                "{text}"
            );
        }
    }
}
