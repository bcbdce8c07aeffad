//! Finds the assignments that give a variable a name: `NAME=db` of a shell, `NAME = "db"` of Python.
//!
//! A reference does not know which variables its name comes from if it is computed. The variables that
//! its text contains are candidates, and the proof of the rename decides.

use crate::text::source::Span;

/// Words before an assignment in a shell or in Make.
const MODIFIERS: [&str; 5] = ["export ", "readonly ", "local ", "declare ", "override "];

/// Returns the spans of `name` as the whole value of the variables that `expression` contains.
pub(super) fn assigned_names(text: &str, expression: &str, name: &str) -> Vec<Span> {
    let mut spans = Vec::new();
    let mut start = 0;
    for line in text.split_inclusive('\n') {
        let value = assigned_value(line, expression, name);
        spans.extend(value.map(|at| Span::new(start + at, start + at + name.len())));
        start += line.len();
    }
    spans
}

/// Returns the offset of `name` in a line that assigns it.
fn assigned_value(line: &str, expression: &str, name: &str) -> Option<usize> {
    let mut rest = line.trim_start();
    for modifier in MODIFIERS {
        rest = rest.strip_prefix(modifier).unwrap_or(rest);
    }
    let len = rest
        .find(|c: char| !(c.is_alphanumeric() || c == '_'))
        .unwrap_or(rest.len());
    let (variable, rest) = rest.split_at_checked(len)?;
    let (operator, value) = rest.split_once('=')?;
    // `:=` and `?=` of Make, or an annotation of Python.
    let is_assignment =
        matches!(operator.trim(), "" | ":" | "?" | "::") || operator.trim_start().starts_with(": ");
    if variable.is_empty() || !is_assignment || !contains_word(expression, variable) {
        return None;
    }
    let value = value.trim_start();
    let quote = value.chars().next().filter(|c| matches!(c, '"' | '\''));
    let inner = quote.map_or(value, |_| value.get(1..).unwrap_or_default());
    let after = inner.strip_prefix(name)?;
    let after = quote.map_or(Some(after), |quote| after.strip_prefix(quote))?;
    let is_whole = after.trim().is_empty() || after.starts_with([' ', ';']);
    is_whole.then(|| line.len() - inner.len())
}

/// Returns whether a text contains a word.
fn contains_word(text: &str, word: &str) -> bool {
    let is_part = |c: char| c.is_alphanumeric() || c == '_';
    text.split(|c| !is_part(c)).any(|part| part == word)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_of_the_variables_of_an_expression_are_found() {
        for (text, expression, expected) in [
            ("N=db\n", "$N", vec![2]),
            ("  export N='db' # a", "${N}", vec![12]),
            ("N = \"db\"\r\nM = \"db\"", "f\"{N}\"", vec![5]),
            ("N: Final[str] = 'db'", "N + 'x'", vec![17]),
            ("N := db", "$(N)", vec![5]),
            ("N=db; M=db", "$N", vec![2]),
            ("N=db\nN=db", "$N", vec![2, 7]),
            (
                "N=dbx\nN='db\nN=x\nN==db\nX=db\nf(N='db')\nN+=db\nN db",
                "$N",
                vec![],
            ),
            ("N=db", "$NAME", vec![]),
        ] {
            let found = assigned_names(text, expression, "db");
            let starts: Vec<usize> = found.iter().map(|span| span.start).collect();
            assert_eq!(starts, expected, "{text:?}");
        }
    }
}
