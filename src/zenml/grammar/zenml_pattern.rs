//! References as `ZenML` itself reads them.

use super::characters::is_space;

/// Returns the name and the key that any version of `ZenML` reads in a whole value, or `None` if
/// the value is not a reference for `ZenML`.
///
/// `ZenML` uses the pattern `\{\{\s*\S+?\.\S+\s*\}\}` and, before 0.40, the same pattern without
/// white space. This function is simple, because tests also compare the grammar with it.
pub fn parse_as_zenml(text: &str) -> Option<(&str, &str)> {
    let inner = text
        .strip_prefix("{{")?
        .strip_suffix("}}")?
        .trim_matches(is_space);
    if inner.contains(is_space) {
        return None;
    }
    let second = inner.chars().next().map_or(0, char::len_utf8);
    let dot = second + inner.get(second..)?.find('.')?;
    if dot + 1 >= inner.len() {
        return None;
    }
    inner.split_once('.')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn name_and_key_are_not_empty() {
        assert_eq!(parse_as_zenml("{{ ab.cd }}"), Some(("ab", "cd")));
        assert_eq!(parse_as_zenml("{{ü.b}}"), Some(("ü", "b")));
        assert_eq!(parse_as_zenml("{{a..}}"), Some(("a", ".")));
        for text in ["{{ab.}}", "{{.b}}", "{{.}}", "{{a}}"] {
            assert_eq!(parse_as_zenml(text), None, "{text}");
        }
    }
}
