//! Replaces the placeholders of documentation by shell variables, so that their values are dynamic.
//!
//! - `<NAME>`, `<your-token>`: a shell would read a redirection. The variable has the same name, so
//!   that the same placeholder is the same variable: `${NAME}`, `${your_token}`.
//! - `...` and `…` as a whole word or value: `${_}`.
//!
//! In single quotes, the quotes are closed around the variable: `'<X>'` becomes `''"${X}"''`. Real
//! redirections stay, for example `< file`, `<<EOF`, `<(cmd)` and `2>&1`.

use super::shell_quotes::{QuoteScanner, ShellQuotes};
use crate::document::offsets::OffsetMapBuilder;
use std::ops::Range;

/// The most bytes between the brackets of a placeholder.
const MAX_PLACEHOLDER_BYTES: usize = 100;

/// Characters of placeholders other than letters and digits.
const PLACEHOLDER_CHARACTERS: &str = "_-./:,@+=%~#*!?'|()[] …";

/// Replaces the placeholders of code. Returns `None` if there are none.
pub(super) fn replace(code: &str) -> Option<OffsetMapBuilder> {
    let marks = ["<", "...", "…"];
    if !marks.iter().any(|mark| code.contains(mark)) {
        return None;
    }
    let mut scanner = PlaceholderScanner::new(code);
    let mut out = OffsetMapBuilder::default();
    let (mut copied, mut at) = (0, 0);
    while let Some(&byte) = code.as_bytes().get(at) {
        if let Some((range, name)) = scanner.placeholder_at(at, byte) {
            out.push_verbatim(copied, code.get(copied..range.start).unwrap_or_default());
            let variable = quoted_variable(&name, scanner.quotes.quotes());
            out.push_replaced(range.start, range.len(), &variable);
            scanner.quotes.feed(b'}');
            copied = range.end;
            at = range.end;
        } else {
            scanner.feed(at, byte);
            at += 1;
        }
    }
    out.push_verbatim(copied, code.get(copied..).unwrap_or_default());
    (copied > 0).then_some(out)
}

/// Returns a variable for use within quotes.
pub(super) fn quoted_variable(name: &str, quotes: ShellQuotes) -> String {
    match quotes {
        ShellQuotes::None | ShellQuotes::Double => format!("${{{name}}}"),
        ShellQuotes::Single => format!("'\"${{{name}}}\"'"),
        ShellQuotes::Ansi => format!("'\"${{{name}}}\"$'"),
    }
}

/// A scanner that knows the quotes at each placeholder.
struct PlaceholderScanner<'t> {
    code: &'t str,
    quotes: QuoteScanner,
    /// The offset of the last single quote. Without another one after it, it is an apostrophe.
    last_apostrophe: Option<usize>,
}

impl<'t> PlaceholderScanner<'t> {
    fn new(code: &'t str) -> Self {
        Self {
            code,
            quotes: QuoteScanner::default(),
            last_apostrophe: code.rfind('\''),
        }
    }

    fn feed(&mut self, at: usize, byte: u8) {
        let is_apostrophe =
            self.last_apostrophe == Some(at) && self.quotes.quotes() == ShellQuotes::None;
        self.quotes.feed(if is_apostrophe { b'a' } else { byte });
    }

    /// Returns the bytes and the variable's name of a placeholder that begins at an offset.
    fn placeholder_at(&self, at: usize, byte: u8) -> Option<(Range<usize>, String)> {
        if !matches!(byte, b'<' | b'.' | 0xE2) || self.quotes.in_comment() {
            return None;
        }
        let (before, after) = self.code.split_at_checked(at)?;
        if byte == b'<' {
            let len = self.bracket_len(before, after)?;
            let content = after.get(..len)?.trim_matches(['<', '>']);
            return Some((at..at + len, variable_name(content)));
        }
        let len = ellipsis_len(before, after)?;
        Some((at..at + len, "_".to_owned()))
    }

    /// Returns the length of a placeholder in brackets.
    fn bracket_len(&self, before: &str, after: &str) -> Option<usize> {
        if before.ends_with(['$', '<', '\\']) || before.ends_with("${") {
            return None;
        }
        let brackets = after.len() - after.trim_start_matches('<').len();
        // `cat <<EOF >>file` begins with a here-document, but `--token=<<TOKEN>>` does not.
        let is_here_document = self.quotes.quotes() == ShellQuotes::None
            && before.chars().next_back().is_none_or(char::is_whitespace);
        if brackets > 2 || (brackets == 2 && is_here_document) {
            return None;
        }
        let inner = after.get(brackets..)?;
        let limit = inner.len().min(MAX_PLACEHOLDER_BYTES);
        let len = memchr::memchr(b'>', inner.as_bytes().get(..limit)?)?;
        let content = inner.get(..len)?;
        let closing = ">>".get(..brackets)?;
        let is_closed = inner.get(len..)?.starts_with(closing);
        (is_closed && is_placeholder(content)).then_some(brackets * 2 + len)
    }
}

/// Returns whether the text between two brackets is a description and not the target of a
/// redirection, as in `<in.txt >out.txt`.
fn is_placeholder(content: &str) -> bool {
    let is_valid = |c: char| c.is_alphanumeric() || PLACEHOLDER_CHARACTERS.contains(c);
    content.starts_with(|c: char| c.is_alphanumeric() || matches!(c, '_' | '.' | '…' | '['))
        && !content.ends_with(' ')
        && !content.contains(" |")
        && !content.contains("| ")
        && content.chars().all(is_valid)
}

/// Returns a name for the variable of a placeholder.
fn variable_name(content: &str) -> String {
    if content.contains(|c: char| c.is_alphanumeric() && !c.is_ascii()) {
        return "_".to_owned();
    }
    let words: Vec<&str> = content
        .split(|c: char| !c.is_ascii_alphanumeric())
        .filter(|word| !word.is_empty())
        .collect();
    let name = words.join("_");
    if name.starts_with(|c: char| c.is_ascii_alphabetic()) {
        name
    } else {
        format!("_{name}")
    }
}

/// Returns the length of `...` or `…` if it is not a part of a longer word.
fn ellipsis_len(before: &str, after: &str) -> Option<usize> {
    let last = before.chars().next_back();
    if last.is_some_and(|c| !c.is_whitespace() && !"=\"'{([,:/".contains(c)) {
        return None;
    }
    let dots = after.len() - after.trim_start_matches('.').len();
    let len = match dots {
        0 if after.starts_with('…') => '…'.len_utf8(),
        3.. => dots,
        _ => return None,
    };
    let next = after.get(len..)?.chars().next();
    next.is_none_or(|c| c.is_whitespace() || "\"'})],/;".contains(c))
        .then_some(len)
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "tests")]
mod tests {
    use super::*;
    use crate::text::source::Span;

    fn replaced(code: &str) -> String {
        replace(code).map_or_else(|| "(none)".to_owned(), |builder| builder.build(0).0)
    }

    #[test]
    fn placeholder_is_a_variable() {
        for (code, expected) in [
            ("zenml x <NAME> --a=b", "zenml x ${NAME} --a=b"),
            ("--token=<YOUR_TOKEN>", "--token=${YOUR_TOKEN}"),
            ("--token=<your-hf.token>", "--token=${your_hf_token}"),
            ("--a=\"<A>\" --b='<B>'", "--a=\"${A}\" --b=''\"${B}\"''"),
            ("--b='{\"k\": \"<B>\"}'", "--b='{\"k\": \"'\"${B}\"'\"}'"),
            ("--b=$'<B>'", "--b=$''\"${B}\"$''"),
            ("--a={{<SECRET>.key}}", "--a={{${SECRET}.key}}"),
            ("--a='{{<s>.<k>}}'", "--a='{{'\"${s}\"'.'\"${k}\"'}}'"),
            (
                "--uri=https://<host>:<port>/x",
                "--uri=https://${host}:${port}/x",
            ),
            ("<name of the stack>", "${name_of_the_stack}"),
            ("<user's name>", "${user_s_name}"),
            ("<https://zenml.io>", "${https_zenml_io}"),
            ("<aws|gcp>", "${aws_gcp}"),
            ("<1>", "${_1}"),
            ("<名前>", "${_}"),
            ("<...>", "${_}"),
            ("--a=<<TOKEN>>", "--a=${TOKEN}"),
            ("# don't\n--a='<A>'", "# don't\n--a=''\"${A}\"''"),
            ("echo don't --a=<A>", "echo don't --a=${A}"),
            ("<A>' '<B>", "${A}' '${B}"),
            ("a <x> > out <y>", "a ${x} > out ${y}"),
        ] {
            assert_eq!(replaced(code), expected, "{code}");
        }
    }

    #[test]
    fn ellipsis_is_a_variable() {
        for (code, expected) in [
            ("zenml x ... --set", "zenml x ${_} --set"),
            ("--a=...", "--a=${_}"),
            ("--a=\"...\" …", "--a=\"${_}\" ${_}"),
            ("--a={{...}}", "--a={{${_}}}"),
            ("--uri=s3://...", "--uri=s3://${_}"),
            ("--a='...'", "--a=''\"${_}\"''"),
            ("a\n    ...\n", "a\n    ${_}\n"),
        ] {
            assert_eq!(replaced(code), expected, "{code}");
        }
    }

    #[test]
    fn shell_syntax_stays() {
        for code in [
            "zenml x",
            "zenml x < file > out",
            "zenml x <in.txt >out.txt",
            "zenml x <in.txt | sort >out",
            "bash <<EOF\nzenml x\nEOF",
            "bash <<EOF>out\nEOF",
            "cat <<-'EOF' >> out\nEOF",
            "cat <<< \"<\"",
            "zenml x <(cat a) >b",
            "zenml x 2>&1 -> y",
            "a <$X >b",
            "if a < b && c > d",
            "${<X>}",
            "# <A> ...",
            "sk-... 1...5 ../.. ..",
            "--a=ghp_...",
            "<A\n>",
        ] {
            assert_eq!(replaced(code), "(none)", "{code}");
        }
    }

    #[test]
    fn variable_has_the_span_of_its_placeholder() {
        let (text, map) = replace("a --b='<B>' c").unwrap().build(10);
        assert_eq!(text, "a --b=''\"${B}\"'' c");
        assert_eq!(map.source(9, 13), Span::new(17, 20));
        assert_eq!(map.source(15, 18), Span::new(20, 23));
        assert_eq!(map.source(0, 7), Span::new(10, 17));
    }
}
