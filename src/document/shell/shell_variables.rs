//! The variable that a part of a word is: `$NAME`, `${NAME}`, `${NAME:-default}`.

use super::shell_word::Word;
use crate::document::offsets::OffsetMap;
use crate::document::text_template::{TemplateVariable, TextTemplate};
use std::ops::Range;

/// Returns the variable whose value a shell inserts for a text. Returns `None` for all other
/// expansions: substitutions, arguments, and variables whose value the shell changes.
pub(in crate::document) fn parse_variable(text: &str) -> Option<TemplateVariable> {
    let name = text.strip_prefix('$')?;
    let Some(inner) = name.strip_prefix('{') else {
        return is_variable_name(name).then(|| TemplateVariable::new(name));
    };
    let inner = inner.strip_suffix('}')?;
    let is_part = |c: char| c.is_ascii_alphanumeric() || c == '_';
    let len = inner.find(|c| !is_part(c)).unwrap_or(inner.len());
    let (name, operator) = inner.split_at(len);
    if !is_variable_name(name) {
        return None;
    }
    let has_colon = operator.starts_with(':');
    let mut rest = operator.strip_prefix(':').unwrap_or(operator).chars();
    let refuses_empty = match rest.next() {
        None if !has_colon => false,
        Some('-' | '=') => has_colon && !rest.as_str().is_empty(),
        Some('?') => has_colon,
        _ => return None,
    };
    Some(TemplateVariable {
        refuses_empty,
        ..TemplateVariable::new(name)
    })
}

/// Returns whether a text is the name of a variable. `_` is not: the shell changes it, and it stands
/// for unknown expressions.
fn is_variable_name(name: &str) -> bool {
    name.starts_with(|c: char| c.is_ascii_alphabetic() || c == '_')
        && name.chars().all(|c| c.is_ascii_alphanumeric() || c == '_')
        && name != "_"
}

/// Returns whether a host wrote a variable in place of a placeholder.
pub(in crate::document) fn is_placeholder(offsets: &OffsetMap, variable: &Range<usize>) -> bool {
    !offsets.pieces(variable.clone()).all(|piece| piece.verbatim)
}

/// Returns the template of a value that is assigned. Returns `None` if a part of it is not a
/// variable. With `has_placeholders`, variables that the file spells differently are placeholders.
pub(super) fn assigned_template(word: &Word, has_placeholders: bool) -> Option<TextTemplate> {
    let mut template = TextTemplate::default();
    let mut at = 0;
    for range in &word.expansions {
        template.push_text(word.text.get(at..range.start)?)?;
        if has_placeholders && is_placeholder(&word.offsets, range) {
            return None;
        }
        template.push_variable(parse_variable(word.text.get(range.clone())?)?)?;
        at = range.end;
    }
    template.push_text(word.text.get(at..)?)?;
    Some(template)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn variables_are_recognized() {
        for (text, name, refuses_empty) in [
            ("$ENV", "ENV", false),
            ("$_env2", "_env2", false),
            ("${ENV}", "ENV", false),
            ("${ENV-x}", "ENV", false),
            ("${ENV:-x}", "ENV", true),
            ("${ENV:-}", "ENV", false),
            ("${ENV:-${B:-}}", "ENV", true),
            ("${ENV=x}", "ENV", false),
            ("${ENV:=x}", "ENV", true),
            ("${ENV?x}", "ENV", false),
            ("${ENV:?x}", "ENV", true),
            ("${ENV:?}", "ENV", true),
        ] {
            let variable = parse_variable(text);
            let found = variable.map(|it| (it.name.to_string(), it.refuses_empty));
            assert_eq!(found, Some((name.to_owned(), refuses_empty)), "{text}");
        }
    }

    #[test]
    fn other_expansions_are_not_variables() {
        for text in [
            "",
            "$",
            "ENV",
            "$1",
            "$@",
            "$?",
            "$_",
            "$(cmd)",
            "`cmd`",
            "${}",
            "${_}",
            "${1}",
            "${1:-x}",
            "${!ENV}",
            "${#ENV}",
            "${ENV#x}",
            "${ENV%x}",
            "${ENV/a/b}",
            "${ENV^^}",
            "${ENV:1:2}",
            "${ENV: -1}",
            "${ENV:}",
            "${ENV+x}",
            "${ENV:+x}",
            "${ENV[0]}",
            "${ENV[@]}",
            "${ENV@Q}",
            "${ENV",
            "$ENV-x",
            "${é}",
            "$é",
            "*",
            "{a,b}",
        ] {
            assert!(parse_variable(text).is_none(), "{text}");
        }
    }
}
