//! The markup of reStructuredText in one line: explicit markup after `..`, and inline literals.

/// The meaning of a line that starts with `.. `.
pub(super) enum ExplicitMarkup<'t> {
    Directive {
        name: &'t str,
        argument: &'t str,
    },
    /// A target, a footnote or a substitution, whose text is a part of the page.
    Definition,
    Comment,
}

/// Parses a line that starts with `.. `. Returns `None` for other lines.
pub(super) fn explicit_markup(line: &str) -> Option<ExplicitMarkup<'_>> {
    let text = line.trim().strip_prefix("..")?;
    if text.is_empty() {
        return Some(ExplicitMarkup::Comment);
    }
    let text = text.strip_prefix([' ', '\t'])?.trim_start();
    if text.starts_with(['_', '[', '|']) {
        return Some(ExplicitMarkup::Definition);
    }
    let directive = text.split_once("::").filter(|(name, _)| {
        let is_name = |c: char| c.is_alphanumeric() || matches!(c, '-' | '_' | ':' | '+' | '.');
        !name.is_empty() && name.trim_end().chars().all(is_name)
    });
    Some(match directive {
        Some((name, argument)) => ExplicitMarkup::Directive {
            name: name.trim_end(),
            argument: argument.trim(),
        },
        None => ExplicitMarkup::Comment,
    })
}

/// Returns the offset and the length of each text between backticks. Two backticks, or one, which
/// many pages use by mistake, begin and end it.
pub(super) fn find_literals(text: &str) -> Vec<(usize, usize)> {
    let runs: Vec<(usize, usize)> = backtick_runs(text);
    let mut found = Vec::new();
    // Runs of other lengths, and those that nothing closes, are text.
    let mut open: Option<(usize, usize)> = None;
    for (at, len) in runs.into_iter().filter(|&(_, len)| len <= 2) {
        match open {
            Some((start, opened)) if opened == len => {
                found.push((start, at - start));
                open = None;
            }
            // A single backtick in a literal is a part of it.
            Some((_, 2)) => {}
            _ => open = Some((at + len, len)),
        }
    }
    found
}

fn backtick_runs(text: &str) -> Vec<(usize, usize)> {
    let mut runs: Vec<(usize, usize)> = Vec::new();
    for at in memchr::memchr_iter(b'`', text.as_bytes()) {
        match runs.last_mut() {
            Some((start, len)) if *start + *len == at => *len += 1,
            _ => runs.push((at, 1)),
        }
    }
    runs
}

#[cfg(test)]
mod tests {
    use super::*;

    fn literals(text: &str) -> Vec<&str> {
        let found = find_literals(text).into_iter();
        found.map(|(at, len)| &text[at..at + len]).collect()
    }

    #[test]
    fn literals_end_with_the_backticks_that_begin_them() {
        for (text, expected) in [
            ("``a`` b `c`", vec!["a", "c"]),
            ("``a `b` c``", vec!["a `b` c"]),
            ("`a ``b`` c", vec!["b"]),
            ("```a``` `b`", vec!["b"]),
            ("``a", vec![]),
            ("``", vec![]),
        ] {
            assert_eq!(literals(text), expected, "{text}");
        }
    }
}
