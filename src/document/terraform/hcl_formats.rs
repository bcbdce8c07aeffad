//! Evaluates `format("…%s…", value)`.

use super::hcl_functions::opaque_order;
use super::hcl_text_builder::HclTextBuilder;
use crate::document::code_value::CodeText;
use crate::text::source::Span;

/// A verb of a format, for example `%s` or `%[2]q`.
struct FormatVerb {
    /// The length in bytes.
    len: usize,
    /// The last letter.
    letter: u8,
    /// The index of the value.
    index: usize,
}

/// Returns the text of a call of `format`. Returns `None` if the number of values is wrong, or if a verb
/// has a width or is not one of `%s`, `%v`, `%d`, `%q` and `%t`.
pub(super) fn format_text(span: Span, format: &CodeText, values: &[CodeText]) -> Option<CodeText> {
    let mut builder = HclTextBuilder::default();
    let mut at = 0;
    let mut next_index = 0;
    let mut used = 0;
    while let Some(found) = format.text.get(at..).and_then(|rest| rest.find('%')) {
        builder.push_part(format, at..at + found);
        at += found;
        let rest = format.text.get(at..)?;
        if rest.starts_with("%%") {
            builder.push_replaced(format.offsets.source(at, at + 2), "%");
            at += 2;
            continue;
        }
        let verb = read_verb(rest, next_index)?;
        let value = values.get(verb.index)?;
        let is_number = value.text.bytes().all(|byte| byte.is_ascii_digit());
        let is_bool = matches!(value.text.as_str(), "true" | "false");
        match verb.letter {
            b's' | b'v' => builder.push_text(value.span, "", value),
            b'd' if is_number || value.is_dynamic() => builder.push_text(value.span, "", value),
            b't' if is_bool || value.is_dynamic() => builder.push_text(value.span, "", value),
            b'q' => {
                builder.push_replaced(value.span, "\"");
                builder.push_text(value.span, "", &quoted(value)?);
                builder.push_replaced(value.span, "\"");
            }
            _ => return None,
        }
        next_index = verb.index + 1;
        used = used.max(next_index);
        at += verb.len;
    }
    builder.push_part(format, at..format.text.len());
    if used != values.len() {
        return None;
    }
    let text = builder.finish(span, span);
    Some(if values.iter().any(has_braces) {
        opaque_order(text)
    } else {
        text
    })
}

/// Reads the verb at the start of a text. `next_index` is the index of the value if the verb has none.
fn read_verb(text: &str, next_index: usize) -> Option<FormatVerb> {
    let (index, letters) = match text.strip_prefix("%[") {
        Some(rest) => {
            let (number, letters) = rest.split_once(']')?;
            (number.parse::<usize>().ok()?.checked_sub(1)?, letters)
        }
        None => (next_index, text.strip_prefix('%')?),
    };
    Some(FormatVerb {
        len: text.len() - letters.len() + 1,
        letter: *letters.as_bytes().first()?,
        index,
    })
}

/// Returns the contents of a value in quotes. Returns `None` if a dynamic value has characters that need
/// an escape.
fn quoted(value: &CodeText) -> Option<CodeText> {
    let mut quoted = value.clone();
    if value.text.contains(['"', '\\']) || value.text.contains(char::is_control) {
        if value.is_dynamic() {
            return None;
        }
        quoted.text = value.text.escape_debug().collect();
    }
    Some(quoted)
}

/// Returns whether the known parts of a value contain braces, so that a reference may begin in it.
fn has_braces(value: &CodeText) -> bool {
    let mut at = 0;
    let mut ranges = value.expansions.iter().map(|expansion| {
        let range = &expansion.range;
        let known = at..range.start;
        at = range.end;
        known
    });
    let is_brace = |text: Option<&str>| text.is_some_and(|text| text.contains(['{', '}']));
    let found = ranges.any(|known| is_brace(value.text.get(known)));
    found || is_brace(value.text.get(at..))
}

#[cfg(test)]
mod tests {
    use super::super::terraform_checks::evaluate;

    const CONSTANTS: &str = r#"
        resource "zenml_secret" "gcp" { name = "gcp" }
        variable "unset" {}
        locals { format = "{{%s.%s}}" }
    "#;

    #[test]
    fn formats_are_evaluated() {
        let cases = [
            (r#"format("{{%s.k}}", zenml_secret.gcp.name)"#, "{{gcp.k}}"),
            (
                r#"format("{{%s.%s}}", zenml_secret.gcp.name, "k")"#,
                "{{gcp.k}}",
            ),
            (r#"format(local.format, "a", "b")"#, "{{a.b}}"),
            (r#"format("{{%v.k}}", "a")"#, "{{a.k}}"),
            (r#"format("%d-%d", 5, "6")"#, "5-6"),
            (r#"format("%t", true)"#, "true"),
            (r#"format("%q", "a")"#, r#""a""#),
            (r#"format("%q", "a\"b")"#, r#""a\"b""#),
            (r#"format("%q", var.unset)"#, r#""‹${var.unset}›""#),
            (r#"format("100%%")"#, "100%"),
            (r#"format("%[2]s.%[1]s", "a", "b")"#, "b.a"),
            (r#"format("%[2]s.%s", "a", "b", "c")"#, "b.c"),
            (r#"format("%s.%[1]s", "a")"#, "a.a"),
            (r#"format("{{%s.k}}", var.unset)"#, "{{‹${var.unset}›.k}}"),
            (
                r#"format("{{%s.k}}", zenml_secret.gcp.id)"#,
                "{{‹${zenml_secret.gcp.id}›.k}}",
            ),
            (r#"format("{{%s.k}}", upper("a"))"#, "{{A.k}}"),
            (r#"format("%s", "{{a.b}}")"#, "{{a.b}}"),
            (r#"format("a")"#, "a"),
            (r#"format("")"#, ""),
            (r#"format("ü%sü", "é")"#, "üéü"),
            ("format(\n  \"{{%s.k}}\", # comment\n  \"a\",\n)", "{{a.k}}"),
        ];
        for (expression, expected) in cases {
            assert_eq!(evaluate(CONSTANTS, expression), expected, "{expression}");
        }
    }

    #[test]
    fn formats_that_are_wrong_are_dynamic() {
        for expression in [
            r#"format("%s")"#,
            r#"format("%s", "a", "b")"#,
            r#"format("%5s", "a")"#,
            r#"format("%-s", "a")"#,
            r#"format("%x", "a")"#,
            r#"format("%d", "a")"#,
            r#"format("%t", "a")"#,
            r#"format("%[9]s", "a")"#,
            r#"format("%[0]s", "a")"#,
            r#"format("%[x]s", "a")"#,
            r#"format("%[1", "a")"#,
            r#"format("%", "a")"#,
            r#"format("%é", "a")"#,
            r#"format(var.unset, "a")"#,
            r#"format("%s", ["a"])"#,
            "format()",
        ] {
            assert_eq!(
                evaluate(CONSTANTS, expression),
                format!("‹${{{expression}}}›")
            );
        }
    }
}
