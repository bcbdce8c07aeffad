//! The parts of a YAML file that `ZenML` cannot load, although YAML 1.2 allows them.
//!
//! `ZenML` reads YAML with `safe_load` of `PyYAML`, which follows YAML 1.1, has restrictions of its
//! own, and knows no tags but those of YAML. Each file in this folder contains the checks of one
//! part. They look at what the reader has collected in `UnusualParts`, so an ordinary file costs
//! almost nothing. In doubt, there is no error.
//!
//! `tests/python/load.py` compares the result with `PyYAML`.

mod load_anchors;
mod load_flow;
mod load_mappings;
mod load_numbers;
mod load_stream;
mod load_tabs;
mod load_tags;
mod load_times;
mod load_values;

pub(super) use load_tags::LoadTag;
pub(super) use load_values::may_fail_to_load;

use crate::document::{Document, Syntax, SyntaxError};
use crate::text::source::Span;

impl Document {
    /// Returns the reasons why `PyYAML` cannot load this YAML file, in the order of the file.
    /// Returns nothing for other syntaxes.
    pub fn load_errors(&self) -> Vec<SyntaxError> {
        if self.syntax != Syntax::Yaml {
            return Vec::new();
        }
        let mut errors = load_stream::errors(self);
        errors.extend(load_tabs::errors(self));
        errors.extend(load_tags::errors(self));
        errors.extend(load_anchors::errors(self));
        errors.extend(load_values::errors(self));
        errors.extend(load_flow::errors(self));
        errors.extend(load_mappings::errors(self));
        errors.sort_by_key(|error| error.span);
        errors
    }
}

/// A reason why `PyYAML` cannot load a part of a file, and the advice.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct LoadReason {
    /// A noun phrase.
    reason: &'static str,
    help: &'static str,
}

impl LoadReason {
    /// Creates the error for a part of a file.
    fn at(self, span: Span) -> SyntaxError {
        SyntaxError {
            span,
            message: format!("ZenML cannot load this file: {}", self.reason),
            help: Some(self.help.to_owned()),
        }
    }
}

/// The advice for a value that `PyYAML` takes for something else than a string.
const QUOTE_THE_VALUE: &str = "put the value in quotes";

/// Returns the rest of a text after its blanks, line breaks and comments.
fn skip_blanks_and_comments(text: &str) -> &str {
    let mut rest = text.trim_start_matches([' ', '\t', '\n', '\r']);
    while rest.starts_with('#') {
        let end = rest.find(['\n', '\r']).unwrap_or(rest.len());
        rest = rest.get(end..).unwrap_or_default();
        rest = rest.trim_start_matches([' ', '\t', '\n', '\r']);
    }
    rest
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::text::source::SourceFile;
    use std::sync::Arc;

    /// Returns the start, the text and the reason of each error.
    fn errors(text: &str) -> Vec<(usize, &str, String)> {
        let source = Arc::new(SourceFile::new("stack.yaml", text));
        let document = Document::parse(source, Syntax::Yaml)
            .unwrap_or_else(|error| panic!("{text:?}: {}", error.message));
        let errors = document.load_errors().into_iter();
        errors
            .map(|SyntaxError { span, message, .. }| {
                let reason = message.strip_prefix("ZenML cannot load this file: ");
                let location = text.get(span.start..span.end);
                (
                    span.start,
                    location.unwrap_or_default(),
                    reason.unwrap_or_default().to_owned(),
                )
            })
            .collect()
    }

    /// Each text in which `¦` surrounds the location of the only error, and the reason.
    #[track_caller]
    fn check(cases: &[(&str, &str)]) {
        for (marked, reason) in cases {
            let mut parts = marked.split('¦');
            let before = parts.next().unwrap_or_default();
            let location = parts.next().unwrap_or_default();
            let text = marked.replace('¦', "");
            let expected = (before.len(), location, (*reason).to_owned());
            assert_eq!(errors(&text), [expected], "{marked:?}");
        }
    }

    #[track_caller]
    fn check_loads(texts: &[&str]) {
        for text in texts {
            assert_eq!(errors(text), [], "{text:?}");
        }
    }

    #[test]
    fn tabs_outside_of_quotes() {
        let reason = "a tab outside of quotes";
        check(&[
            ("a:¦\t¦\"{{b.c}}\"\n", reason),
            ("a: b¦\t¦# c\td\n", reason),
            ("a: b¦\t¦c\n", reason),
            ("a: b ¦\t \t¦ \nb: c\n", reason),
            ("a: |¦\t¦\n  b\n", reason),
            ("a: \"\t\" # \t\nb:¦\t¦c\n", reason),
        ]);
        check_loads(&[
            "a: \"x\ty\"\n",
            "a: 'x\n\ty'\n",
            "a: |\n  x\ty\n  \tz\n# \t\nb: c\n",
            "# \t\na: b #\tc\n",
        ]);
    }

    #[test]
    fn documents_and_directives() {
        check(&[
            ("a: b\n¦---¦\nc: d\n", "a second document"),
            ("a\n...\n¦b¦\n", "a second document"),
            ("# c\n¦...¦\na: b\n", "a document end before the document"),
            ("¦%A.B x¦\n---\na: b\n", "a directive with an invalid name"),
            ("--- |\n¦a¦\nb\n", "a block scalar that is not indented"),
            (
                "a: b\n...\n¦\u{feff}¦",
                "a byte-order mark after the document",
            ),
        ]);
        check_loads(&[
            "---\na: b\n...\n",
            "%YAML 1.1\n---\na: b\n",
            "%FOO x\n--- # c\na: b\n",
            "--- |\n a\n",
            "",
            "# c\n",
        ]);
        assert_eq!(errors("a\n---\nb\n---\nc\n").len(), 1);
    }

    #[test]
    fn tags() {
        check(&[
            ("a: ¦!secret¦ b\n", "an unknown tag"),
            ("a: ¦!!python/none¦\n", "an unknown tag"),
            ("[¦!!str¦, b]\n", "a tag without a space after it"),
            ("{a: ¦!!str¦}\n", "a tag without a space after it"),
            (
                "a: ¦!!map¦ b\n",
                "a value that does not fit its tag `!!map`",
            ),
            (
                "a: ¦!!str¦ [b]\n",
                "a value that does not fit its tag `!!str`",
            ),
            (
                "a: ¦!!int¦ b\n",
                "a value that does not fit its tag `!!int`",
            ),
            (
                "a: ¦!!omap¦ [a, b]\n",
                "a value that does not fit its tag `!!omap`",
            ),
            ("a: ! ¦\"2024-02-30\"¦\n", "a date that does not exist"),
        ]);
        check_loads(&[
            "a: !!str b\nc: ! d\ne: !!int 017\nf: !!float 1.5\ng: !!bool Yes\nh: !!null\n",
            "a: !!set {b, c}\nd: !!omap [e: f]\ng: !!binary aGk=\nh: !!timestamp 2024-1-1\n",
            "<<: !foo {a: b}\n",
            "a: !<tag:yaml.org,2002:str> b\n",
        ]);
    }

    #[test]
    fn anchors() {
        check(&[
            ("a: &x b\nc: ¦&x¦ d\n", "an anchor that is defined twice"),
            (
                "a: ¦&x.y¦ b\nc: *x.y\n",
                "an anchor with other characters than letters, digits, `-` and `_`",
            ),
            ("a: ¦&x¦[b]\n", "an anchor without a space after it"),
        ]);
        check_loads(&["a: &x-1_ b\nc: *x-1_\n", "a: &x [*x]\n"]);
    }

    #[test]
    fn values() {
        check(&[
            ("a: ¦2024-02-30¦\n", "a date that does not exist"),
            ("a: ¦2024-01-01 25:00:00¦\n", "a time that does not exist"),
            ("a: ¦0x_¦\n", "a number without digits"),
            ("a: ¦=¦\n", "`=` without quotes"),
            ("- ¦<<¦\n", "a merge key `<<` that is not a key"),
        ]);
        check_loads(&["a: 2024-02-29\nb: 1_000\n=: c\nd: 2024-2-30\ne: '2024-02-30'\n"]);
    }

    #[test]
    fn flow_collections() {
        check(&[
            (
                "a: [b¦?¦c]\n",
                "a `?` in a value without quotes in brackets",
            ),
            (
                "a: {b: http://c/d¦?¦e}\n",
                "a `?` in a value without quotes in brackets",
            ),
            ("a: [¦:b¦]\n", "a value in brackets that begins with `:`"),
            (
                "a: {b\n ¦:¦ c}\n",
                "a key in braces that is not on one line with its `:`",
            ),
            (
                "a: {\"b\n c\"¦:¦ d}\n",
                "a key in braces that is not on one line with its `:`",
            ),
        ]);
        let question_mark = "a `?` in a value without quotes in brackets";
        check(&[("[¦?¦a]\n", question_mark), ("{¦?¦a?: b}\n", question_mark)]);
        check_loads(&[
            "a: {? b\n : c}\n",
            "a: {b: \"c?\", d:\n e}\nf: g?\n",
            "a: {b,\n c: d}\n",
        ]);
    }

    #[test]
    fn mappings() {
        check(&[
            ("<<: ¦foo¦\n", "a merge key `<<` without a mapping"),
            ("¦<<¦:\n", "a merge key `<<` without a mapping"),
            ("<<: [{a: b}, ¦c¦]\n", "a merge key `<<` without a mapping"),
            ("? ¦- a¦\n", "a key that is a list or a mapping"),
            ("¦[a]¦: b\n", "a key that is a list or a mapping"),
            ("a: b\n¦:¦ c\n", "an entry without a key"),
            ("a: b ?\n¦:¦ c\n", "an entry without a key"),
            ("{ ¦:¦ c}\n", "an entry without a key"),
        ]);
        check_loads(&[
            "a: &a {b: c}\nd:\n  <<: *a\ne:\n  <<: [*a, {f: g}]\n\"<<\": h\n!!str <<: i\n",
            "?\n: a\n",
            "? # c\n: a\n",
            "&a : b\n",
        ]);
    }
}
