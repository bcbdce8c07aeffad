//! The variables and functions of Make in a line: `$(NAME)`, `${NAME}`, `$(shell …)`, `$@`, `$$`.

use super::code_builder::{CodeBuilder, UNKNOWN_VARIABLE, shell_variable};
use memchr::memchr2_iter;
use std::borrow::Cow;
use std::ops::Range;

/// A reference to a variable or a function.
struct MakeReference {
    /// The offset after the reference.
    end: usize,
    /// The code of the shell that replaces it.
    code: Cow<'static, str>,
}

/// Adds a range of a Makefile to the code of a recipe or to a value. References become variables of
/// the shell, and `$$` becomes `$`. `push` adds the bytes between them.
///
/// Make does not know quotes, so references in single quotes count, too.
pub(super) fn push_expanded<'t>(
    code: &mut CodeBuilder<'t>,
    text: &str,
    range: Range<usize>,
    push: impl Fn(&mut CodeBuilder<'t>, Range<usize>),
) {
    let mut from = range.start;
    let mut at = range.start;
    while let Some(dollar) = find_dollar(text, at..range.end) {
        let Some(rest) = text.get(dollar..range.end) else {
            break;
        };
        let Some(reference) = parse_reference(rest, dollar) else {
            // Make refuses a reference that is not closed.
            break;
        };
        at = reference.end;
        if !reference.code.is_empty() {
            push(code, from..dollar);
            code.replace(dollar..reference.end, &reference.code);
            from = at;
        }
    }
    push(code, from..range.end);
}

/// Returns the offset of the first dollar sign in a range.
fn find_dollar(text: &str, range: Range<usize>) -> Option<usize> {
    let part = text.as_bytes().get(range.clone())?;
    memchr::memchr(b'$', part).map(|at| range.start + at)
}

/// Parses the reference at the start of a text, which is at the offset `at`. The code is empty for
/// a dollar sign that is not part of a reference. Returns `None` if the reference is not closed.
fn parse_reference(rest: &str, at: usize) -> Option<MakeReference> {
    let mut chars = rest.chars();
    chars.next();
    let reference = |len: usize, code| MakeReference {
        end: at + len,
        code,
    };
    Some(match chars.next() {
        Some('$') => reference(2, "$".into()),
        Some(open @ ('(' | '{')) => {
            let len = reference_len(rest, open)?;
            let name = rest.get(2..len - 1).unwrap_or_default().trim();
            let code = shell_variable(name).map_or(UNKNOWN_VARIABLE.into(), Cow::Owned);
            reference(len, code)
        }
        Some(c) if c.is_ascii_alphanumeric() || c == '_' => {
            reference(2, format!("${{{c}}}").into())
        }
        Some('@' | '%' | '<' | '?' | '^' | '+' | '|' | '*') => {
            reference(2, UNKNOWN_VARIABLE.into())
        }
        _ => reference(1, "".into()),
    })
}

/// Returns the length of a reference that begins with `$(` or `${`. As in Make, only parentheses of
/// the same kind are counted. Returns `None` if it is not closed.
fn reference_len(rest: &str, open: char) -> Option<usize> {
    let (open, close) = if open == '(' {
        (b'(', b')')
    } else {
        (b'{', b'}')
    };
    let mut depth = 0_usize;
    for at in memchr2_iter(open, close, rest.as_bytes()) {
        if rest.as_bytes().get(at) == Some(&open) {
            depth += 1;
        } else {
            depth = depth.saturating_sub(1);
            if depth == 0 {
                return Some(at + 1);
            }
        }
    }
    None
}

/// Returns the offset of the first byte in a range that `found` accepts and that is not in a
/// reference.
pub(super) fn find_outside(
    text: &str,
    range: Range<usize>,
    found: impl Fn(u8) -> bool,
) -> Option<usize> {
    let mut at = range.start;
    while at < range.end {
        let byte = *text.as_bytes().get(at)?;
        let open = text
            .get(at + 1..range.end)
            .and_then(|rest| rest.chars().next());
        match open {
            Some(open @ ('(' | '{')) if byte == b'$' => {
                at += reference_len(text.get(at..range.end)?, open)?;
            }
            // The character after a dollar sign is its name.
            Some(_) if byte == b'$' => at += 2,
            _ if found(byte) => return Some(at),
            _ => at += 1,
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::document::OffsetMap;
    use crate::text::source::Span;

    fn expand(text: &str) -> String {
        let map = OffsetMap::from_verbatim(Span::new(0, text.len()));
        let mut code = CodeBuilder::new(text, &map, 0);
        push_expanded(&mut code, text, 0..text.len(), CodeBuilder::push);
        code.into_code().0
    }

    #[test]
    fn references_become_variables_of_the_shell() {
        let cases = [
            ("a $(X) b", "a ${X} b"),
            ("${X}$(y-z.1)", "${X}${y_z_1}"),
            ("'{{$(X).key}}'", "'{{${X}.key}}'"),
            ("$$X $${X} $$(date)", "$X ${X} $(date)"),
            ("$$$(X)$$$$", "$${X}$$"),
            ("$(shell docker ps --format '{{.Names}}') x", "${_} x"),
            ("$(call f,(a),$(b)) c)", "${_} c)"),
            (
                "${f )(} $(X:.c=.o) $($(X)) $(X_$(Y))",
                "${_} ${_} ${_} ${_}",
            ),
            (
                "$@ $< $^ $x $1 $(1) $(@D)",
                "${_} ${_} ${_} ${x} ${1} ${1} ${_}",
            ),
            ("a$ b$", "a$ b$"),
            ("a $$ $(X", "a $ $(X"),
            ("$(X $$Y", "$(X $$Y"),
            ("$é", "$é"),
            ("$( X )", "${X}"),
        ];
        for (text, expected) in cases {
            assert_eq!(expand(text), expected, "{text}");
        }
    }

    #[test]
    fn bytes_in_references_are_not_found() {
        let find = |text: &str| find_outside(text, 0..text.len(), |byte| byte == b';');
        assert_eq!(find("a $(b;c) ${;} ; d"), Some(14));
        assert_eq!(find("a $; b"), None);
        assert_eq!(find("a $(b ;"), None);
        assert_eq!(find("é;"), Some(2));
    }
}
