//! Reads imports on one line without the parser. Most statements that matter are such imports.

/// An import on one line.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct ImportLine<'t> {
    /// The module of `from module import name`.
    pub source: Option<&'t str>,
    /// The imported names, each with its alias.
    pub names: Vec<(&'t str, Option<&'t str>)>,
    /// The length of the import without blanks and comments after it.
    pub len: usize,
}

impl<'t> ImportLine<'t> {
    /// Reads a statement. Returns `None` if it is not an import, or not on one line.
    pub fn parse(statement: &'t str) -> Option<Self> {
        let (line, rest) = statement.split_once('\n').unwrap_or((statement, ""));
        let mut lines = rest.lines().map(str::trim_start);
        if !lines.all(|line| line.is_empty() || line.starts_with('#')) {
            return None;
        }
        let code = line.split('#').next()?.trim_end();
        let (source, names) = if let Some(names) = code.strip_prefix("import ") {
            (None, names)
        } else {
            let (source, names) = code.strip_prefix("from ")?.split_once(" import ")?;
            (Some(source.trim()), names)
        };
        // A future import binds no name.
        if source == Some("__future__") {
            return None;
        }
        let is_member = source.is_some();
        let names = names.split(',').map(|item| {
            let mut words = item.split([' ', '\t']).filter(|word| !word.is_empty());
            let (name, separator, alias) = (words.next()?, words.next(), words.next());
            let is_name =
                is_path(name) && !(is_member && name.contains('.')) || is_member && name == "*";
            let is_alias = match (separator, alias) {
                (None, _) => true,
                (Some("as"), Some(alias)) => is_identifier(alias) && name != "*",
                _ => false,
            };
            (is_name && is_alias && words.next().is_none()).then_some((name, alias))
        });
        Some(Self {
            source: match source {
                Some(source) if !is_source(source) => return None,
                source => source,
            },
            names: names.collect::<Option<_>>()?,
            len: code.len(),
        })
    }
}

/// Returns whether a text is a module, relative or absolute.
fn is_source(text: &str) -> bool {
    let module = text.trim_start_matches('.');
    is_path(module) || module.is_empty() && !text.is_empty()
}

fn is_path(text: &str) -> bool {
    text.split('.').all(is_identifier)
}

fn is_identifier(text: &str) -> bool {
    text.starts_with(|c: char| c.is_ascii_alphabetic() || c == '_')
        && text.chars().all(|c| c.is_ascii_alphanumeric() || c == '_')
        && !matches!(text, "as" | "from" | "import")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn imports_on_one_line_are_read() {
        for (text, source, names, len) in [
            ("import a\n", None, vec![("a", None)], 8),
            (
                "import a.b as c, d # e\n\n# f\n",
                None,
                vec![("a.b", Some("c")), ("d", None)],
                18,
            ),
            (
                "from a.b import c as d,  e",
                Some("a.b"),
                vec![("c", Some("d")), ("e", None)],
                26,
            ),
            ("from . import a\r\n", Some("."), vec![("a", None)], 15),
            ("from ..a import b\t\n", Some("..a"), vec![("b", None)], 17),
            ("from a import *", Some("a"), vec![("*", None)], 15),
        ] {
            let expected = ImportLine { source, names, len };
            assert_eq!(ImportLine::parse(text), Some(expected), "{text:?}");
        }
    }

    #[test]
    fn other_statements_are_left_to_the_parser() {
        for text in [
            "",
            "a = 1",
            "import",
            "import a; b",
            "import a\nb",
            "import a \\\n, b",
            "import (a)",
            "import *",
            "import a as b.c",
            "import a b",
            "import a as b c",
            "import a as",
            "import a,",
            "import é",
            "import 1",
            "import a..b",
            "from a import (b,\n c)",
            "from a import b.c",
            "from a import * as b",
            "from  import a",
            "from a.import b",
            "from import import a",
            "from __future__ import annotations",
            "from a import b if c else d",
            "\u{feff}import a",
            "importa",
        ] {
            assert_eq!(ImportLine::parse(text), None, "{text:?}");
        }
    }
}
