//! What the cursor is in: the name of a secret, or a key.

use super::brace_cursor::{BraceCursor, BracePart};
use super::brace_probe::probe_braces;
use super::probed_text::{AnalyzeText, CursorText, VARIANTS, syntax_error};
use super::unclosed::Unclosed;
use crate::document::{ScalarType, Syntax, plain_type};
use crate::lint::analysis::Analysis;
use crate::sources::reference::Reference;
use crate::text::source::Span;
use crate::zenml::grammar::{is_invisible, key_error, name_error};

/// What is completed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum NamePart {
    /// The secret of a reference with a key.
    Secret,
    /// A whole secret.
    WholeSecret,
    /// A key of this secret.
    Key(String),
}

/// A name at the cursor, and the edits that complete it.
pub struct CursorPlace {
    /// What is completed.
    pub part: NamePart,
    /// The name as far as it is typed, also after the cursor.
    pub span: Span,
    /// The text to add after the name.
    pub suffix: String,
    /// The offset at which an opening quote is missing.
    pub opening: Option<usize>,
    /// Whether the name is in quotes, or will be.
    is_quoted: bool,
    is_script: bool,
    is_in_braces: bool,
    /// The analysis of a text that contains an unused name; `None` if there was none.
    pub analysis: Option<Analysis>,
    /// That unused name.
    pub unused_name: String,
}

impl CursorPlace {
    /// Returns the place at the cursor. Returns `None` if no name belongs there.
    pub fn find(cursor: CursorText<'_>, analyze: &mut AnalyzeText<'_>) -> Option<Self> {
        match BraceCursor::find(cursor.text, cursor.line, cursor.offset) {
            Some(braces) => in_braces(cursor, &braces, analyze),
            None => outside_of_braces(cursor, analyze),
        }
    }

    /// Returns whether a name can be written here as it is.
    pub fn accepts(&self, name: &str) -> bool {
        let is_name = match &self.part {
            NamePart::Secret => name_error(name).is_none(),
            NamePart::Key(_) => key_error(name).is_none() || !self.is_in_braces,
            NamePart::WholeSecret => !name.is_empty(),
        };
        is_name && self.needs_no_escape(name)
    }

    fn needs_no_escape(&self, name: &str) -> bool {
        if name.chars().all(is_word) {
            let is_plain = self.is_quoted || self.is_script || self.part != NamePart::WholeSecret;
            return is_plain || (!name.starts_with('-') && plain_type(name) == ScalarType::String);
        }
        let is_special = |c: char| {
            is_invisible(c) || matches!(c, '"' | '\'' | '\\' | '`' | '$' | '<' | '>' | '{' | '}')
        };
        self.is_quoted && !self.is_script && !name.chars().any(is_special)
    }
}

/// Returns whether a character needs no quotes in any syntax.
fn is_word(c: char) -> bool {
    c.is_alphanumeric() || matches!(c, '_' | '-' | '.' | '/')
}

fn in_braces(
    cursor: CursorText<'_>,
    braces: &BraceCursor,
    analyze: &mut AnalyzeText<'_>,
) -> Option<CursorPlace> {
    let name = cursor.unused_name();
    // Whether a variant of the text was read; `None` if stackref does not check the file.
    let mut parses = None;
    let is_script = cursor.syntax.is_script();
    let probed = probe_braces(cursor, braces, &name, &mut |text| {
        let analysis = analyze(text)?;
        parses = Some(syntax_error(&analysis).is_none() || parses == Some(true));
        Some(analysis)
    });
    let quote_before = Unclosed::of(cursor.slice(cursor.line.start, braces.open)).quote;
    let (quote, has_opening, analysis) = match probed {
        Some(probed) => (probed.quote, probed.has_opening, Some(probed.analysis)),
        None if is_script => return None,
        None => {
            let is_unread = !parses?;
            let has_opening = is_unread && is_after_colon(cursor, braces);
            let rest = cursor.slice(braces.end, cursor.line.end);
            let quote = quote_before.filter(|_| is_unread && rest.trim().is_empty());
            (quote.or(has_opening.then_some('"')), has_opening, None)
        }
    };
    let mut place = CursorPlace {
        part: NamePart::Secret,
        span: braces.span,
        suffix: String::new(),
        opening: None,
        is_quoted: true,
        is_script,
        is_in_braces: true,
        analysis,
        unused_name: name,
    };
    if let BracePart::Key(secret) = &braces.part {
        place.part = NamePart::Key(secret.clone());
        place.opening = has_opening.then_some(braces.open);
        braces.missing.clone_into(&mut place.suffix);
        if let Some(quote) = quote {
            // The braces that are there are between the name and the quote.
            let there = cursor.slice(braces.span.end, braces.end);
            place.suffix = format!("{there}{}{quote}", braces.missing);
            place.span = Span::new(braces.span.start, braces.end);
        }
    }
    Some(place)
}

/// Returns whether a YAML value begins with the braces.
fn is_after_colon(cursor: CursorText<'_>, braces: &BraceCursor) -> bool {
    let before = cursor.slice(cursor.line.start, braces.open).trim_end();
    cursor.syntax == Syntax::Yaml
        && !before.trim_start().starts_with('#')
        && before.ends_with([':', '-'])
}

/// Inserts an unused name at the cursor, and returns the place if that is the name of a whole secret,
/// or a key apart from the name of its secret.
fn outside_of_braces(cursor: CursorText<'_>, analyze: &mut AnalyzeText<'_>) -> Option<CursorPlace> {
    let name = cursor.unused_name();
    // The rest of the word after the cursor belongs to the name.
    let rest = cursor.slice(cursor.offset, cursor.line.end);
    let word = rest.find(|c: char| !is_word(c)).unwrap_or(rest.len());
    let tail = cursor.offset + word;
    let before = cursor.slice(0, cursor.offset);
    let head = format!("{before}{name}{}", cursor.slice(cursor.offset, tail));
    let open = Unclosed::of(cursor.slice(cursor.line.start, cursor.offset)).quote;
    let rest = cursor.slice(tail, cursor.line.end);
    if open.is_none() && rest.starts_with(['"', '\'', '`']) {
        // The name would be joined with the string.
        return None;
    }
    // The parsers of code accept a quote that is not closed.
    let missing = open.filter(|&quote| cursor.syntax.is_script() && !rest.contains(quote));
    let mut is_read = false;
    for number in 0..VARIANTS {
        let Some(variant) = cursor.variant(number, &head, tail) else {
            continue;
        };
        if let Some(analysis) = analyze(&variant.text) {
            is_read |= number == 0 && syntax_error(&analysis).is_none();
            let place = place_of_name(cursor, analysis, &name, variant.quote.or(missing));
            if place.is_some() {
                return place;
            }
        }
        if is_read && open.is_none() {
            return None;
        }
    }
    for number in 0..2 {
        let variant = cursor.variant(number, &head, tail);
        if let Some(variant) = variant.filter(|_| !is_read) {
            let analysis = cursor.analyze_without_errors(&variant.text, analyze);
            let place = analysis.and_then(|it| place_of_name(cursor, it, &name, variant.quote));
            if place.is_some() {
                return place;
            }
        }
    }
    None
}

/// Returns the place of an unused name in an analyzed text.
fn place_of_name(
    cursor: CursorText<'_>,
    analysis: Analysis,
    name: &str,
    quote: Option<char>,
) -> Option<CursorPlace> {
    let references = analysis.references.iter();
    let (part, span) = references
        .filter(|reference| !reference.is_dynamic)
        .find_map(|reference| part_with_name(reference, name))?;
    let end = span.end.checked_sub(name.len())?;
    let span = Span::new(span.start, end);
    let is_at_cursor = cursor.line.start <= span.start
        && span.start <= cursor.offset
        && cursor.offset <= span.end
        && span.end <= cursor.line.end;
    let after = cursor.slice(cursor.offset, span.end);
    if !is_at_cursor || after.contains(|c: char| c.is_whitespace() || matches!(c, '"' | '\'')) {
        return None;
    }
    let before = cursor.slice(cursor.line.start, span.start);
    Some(CursorPlace {
        part,
        span,
        suffix: quote.map(String::from).unwrap_or_default(),
        opening: None,
        is_quoted: before.ends_with(['"', '\'']),
        is_script: cursor.syntax.is_script(),
        is_in_braces: false,
        analysis: Some(analysis),
        unused_name: name.to_owned(),
    })
}

/// Returns the part of a reference that contains an unused name, and its span. Returns `None` if the
/// part is in braces, or written with escapes.
fn part_with_name(reference: &Reference, name: &str) -> Option<(NamePart, Span)> {
    let (part, span, text) = match (reference.key(), reference.key_span) {
        (Some(key), Some(span)) if key.contains(name) => {
            (NamePart::Key(reference.secret().to_owned()), span, key)
        }
        (None, _) | (Some(_), Some(_)) if reference.secret().contains(name) => {
            (NamePart::WholeSecret, reference.span, reference.secret())
        }
        _ => return None,
    };
    (reference.source.slice(span) == text).then_some((part, span))
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "tests")]
mod tests {
    use super::*;
    use crate::lint::scan::{self, PathRoots};
    use crate::project::discover::Candidate;
    use crate::zenml::grammar::Resolver;
    use std::path::{Path, PathBuf};

    /// Completes `NAME` at `|`: returns the part and the new line.
    fn complete(file: &str, text: &str) -> Option<(NamePart, String)> {
        let offset = text.find('|').unwrap();
        let text = text.replacen('|', "", 1);
        let syntax = Syntax::of_named(Path::new(file), true).unwrap();
        let roots = PathRoots {
            cwd: PathBuf::from("/"),
            root: PathBuf::from("/"),
            keep_documents: false,
            honor_literal_comments: true,
            repository: None,
        };
        let mut analyze = |text: &str| {
            let candidate = Candidate {
                path: Path::new("/").join(file),
                syntax,
                reason: None,
            };
            let bytes = text.as_bytes();
            scan::run_text(bytes, candidate, Resolver::Zenml, &roots)
                .files
                .pop()
        };
        let start = text[..offset].rfind('\n').map_or(0, |at| at + 1);
        let end = text[offset..]
            .find('\n')
            .map_or(text.len(), |at| offset + at);
        let cursor = CursorText {
            text: &text,
            offset,
            line: Span::new(start, end),
            syntax,
        };
        let place = CursorPlace::find(cursor, &mut analyze)?;
        assert!(start <= place.span.start && place.span.end <= end, "{text}");
        let mut new = text[start..end].to_owned();
        let span = place.span.start - start..place.span.end - start;
        new.replace_range(span, &format!("NAME{}", place.suffix));
        if let Some(opening) = place.opening {
            new.insert(opening - start, '"');
        }
        Some((place.part, new))
    }

    fn key(secret: &str) -> NamePart {
        NamePart::Key(secret.to_owned())
    }

    const STACK: &str =
        "stack_name: s\nzenml_version: 0.98.0\ncomponents:\n  alerter:\n    flavor: slack\n";

    #[test]
    fn a_key_gets_the_braces_and_quotes_that_are_missing() {
        for (line, expected) in [
            ("slack_token: '{{db.|}}'", "slack_token: '{{db.NAME}}'"),
            (
                "slack_token: \"{{db.pa|ss\"",
                "slack_token: \"{{db.NAME}}\"",
            ),
            (
                "slack_token: '{{ db.p|ass }}'",
                "slack_token: '{{ db.NAME }}'",
            ),
            ("slack_token: \"{{db.|", "slack_token: \"{{db.NAME}}\""),
            ("slack_token: '{{db.| }}", "slack_token: '{{db.NAME }}'"),
            ("slack_token: {{db.|", "slack_token: \"{{db.NAME}}\""),
            ("slack_token: {{db.|}}", "slack_token: \"{{db.NAME}}\""),
            ("slack_token: {{db.|}", "slack_token: \"{{db.NAME}}\""),
            (
                "slack_token: \"x{{db.|}}y\"",
                "slack_token: \"x{{db.NAME}}y\"",
            ),
            (
                "slack_token: {{db.|  # why",
                "slack_token: \"{{db.NAME}}\"  # why",
            ),
        ] {
            for rest in ["", "\n", "\n  orchestrator:\n    flavor: local\n"] {
                let text = format!("{STACK}    {line}{rest}");
                let expected = format!("    {expected}");
                assert_eq!(
                    complete("a.yaml", &text),
                    Some((key("db"), expected)),
                    "{text}"
                );
            }
        }
    }

    #[test]
    fn a_secret_in_braces_gets_neither_dot_nor_braces() {
        for (line, expected) in [
            ("slack_token: '{{|}}'", "slack_token: '{{NAME}}'"),
            ("slack_token: {{|", "slack_token: {{NAME"),
            ("slack_token: \"{{d|b.k}}\"", "slack_token: \"{{NAME.k}}\""),
            ("slack_token: \"{{ d|", "slack_token: \"{{ NAME"),
        ] {
            let text = format!("{STACK}    {line}\n  orchestrator:\n    flavor: local\n");
            let expected = (NamePart::Secret, format!("    {expected}"));
            assert_eq!(complete("a.yaml", &text), Some(expected), "{text}");
        }
    }

    #[test]
    fn names_of_whole_secrets_are_completed_where_the_analysis_has_one() {
        let run = "enable_cache: true\nsettings:\n  docker: {}\n";
        for (file, text, expected) in [
            (
                "a.yaml",
                format!("{STACK}    authentication_secret: |\n"),
                "    authentication_secret: NAME",
            ),
            (
                "a.yaml",
                format!("{STACK}    authentication_secret: \"m|y\n    x: y\n"),
                "    authentication_secret: \"NAME\"",
            ),
            (
                "a.yaml",
                format!("{run}secrets: [a, b|\nsteps: {{}}\n"),
                "secrets: [a, NAME",
            ),
            (
                "a.yaml",
                format!("x: [\n{run}secrets:\n  - \"|\n"),
                "  - \"NAME\"",
            ),
        ] {
            let expected = (NamePart::WholeSecret, expected.to_owned());
            assert_eq!(complete(file, &text), Some(expected), "{text}");
        }
    }

    #[test]
    fn quotes_of_whole_secrets_are_closed_in_every_syntax() {
        for (file, text, expected) in [
            (
                "a.json",
                "{\n\"enable_cache\": true,\n\"secrets\": [\"|\n}\n".to_owned(),
                "\"secrets\": [\"NAME\"",
            ),
            (
                "a.json",
                "{\n\"secrets\": [\"|\"],\n\"enable_cache\": true}\n".to_owned(),
                "\"secrets\": [\"NAME\"],",
            ),
            (
                "a.json",
                "{\n\"secrets\": [\"a\", \"|\n\"enable_cache\": true}\n".to_owned(),
                "\"secrets\": [\"a\", \"NAME\"",
            ),
            (
                "a.toml",
                "enable_cache = true\nsecrets = [\"|\n[settings.docker]\n".to_owned(),
                "secrets = [\"NAME\"",
            ),
            (
                "a.sh",
                "zenml stack register s --secret=|\n".to_owned(),
                "zenml stack register s --secret=NAME",
            ),
            (
                "a.sh",
                "zenml stack register s --secret \"a|\necho x\n".to_owned(),
                "zenml stack register s --secret \"NAME\"",
            ),
        ] {
            let expected = (NamePart::WholeSecret, expected.to_owned());
            assert_eq!(complete(file, &text), Some(expected), "{text}");
        }
    }

    #[test]
    fn code_is_completed_where_the_analysis_has_a_reference() {
        let import = "from zenml.client import Client\n";
        for (file, text, part, expected) in [
            (
                "a.py",
                format!("{import}Client().get_secret(\"o|\")\n"),
                NamePart::WholeSecret,
                "Client().get_secret(\"NAME\")",
            ),
            (
                "a.py",
                format!("{import}Client().get_secret(\"|\nx = 1\n"),
                NamePart::WholeSecret,
                "Client().get_secret(\"NAME\"",
            ),
            (
                "a.py",
                format!("{import}x = Client().get_secret(name=\"|\")\n"),
                NamePart::WholeSecret,
                "x = Client().get_secret(name=\"NAME\")",
            ),
            (
                "a.py",
                format!("{import}x = Client().get_secret(\"a\").secret_values[\"k|\"]\n"),
                key("a"),
                "x = Client().get_secret(\"a\").secret_values[\"NAME\"]",
            ),
            (
                "a.sh",
                "zenml alerter register a -f slack --slack_token={{db.|\n".to_owned(),
                key("db"),
                "zenml alerter register a -f slack --slack_token={{db.NAME}}",
            ),
            (
                "a.sh",
                "zenml alerter register a -f slack --slack_token=\"{{db.|\necho \"x\"\n".to_owned(),
                key("db"),
                "zenml alerter register a -f slack --slack_token=\"{{db.NAME}}\"",
            ),
            (
                "a.sh",
                "zenml alerter register a -f slack --slack_token={{|\n".to_owned(),
                NamePart::Secret,
                "zenml alerter register a -f slack --slack_token={{NAME",
            ),
            (
                "a.md",
                "```sh\nzenml alerter register a -f slack --slack_token={{db.|}}\n```\n".to_owned(),
                key("db"),
                "zenml alerter register a -f slack --slack_token={{db.NAME}}",
            ),
        ] {
            assert_eq!(
                complete(file, &text),
                Some((part, expected.to_owned())),
                "{text}"
            );
        }
    }

    #[test]
    fn nothing_is_completed_elsewhere() {
        for (file, text) in [
            ("a.yaml", format!("{STACK}    slack_token: |\n")),
            ("a.yaml", format!("{STACK}    slack_channel_id: \"x|\"\n")),
            ("a.yaml", "services:\n  a: \"{{|\"\n".to_owned()),
            ("a.yaml", "a: [\nb: {{|\n".to_owned()),
            (
                "a.py",
                "from zenml import step\nx = f\"{{|}}\"\n".to_owned(),
            ),
            ("a.py", "x = get_secret(\"|\")\n".to_owned()),
            ("a.sh", "zenml stack list\necho {{|\n".to_owned()),
            ("a.md", "`zenml stack list` in {{|\n".to_owned()),
        ] {
            assert_eq!(complete(file, &text), None, "{text}");
        }
    }
}
