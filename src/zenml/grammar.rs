//! The grammar of references: `{{name.key}}`, and malformed expressions that were meant as
//! references.
//!
//! The grammar is written by hand and agrees with the patterns of `ZenML` ([`parse_as_zenml`];
//! white space in the braces is allowed from 0.40 on):
//!
//! - A reference in this grammar is a reference for `ZenML`.
//! - Other text that `ZenML` takes for a reference is [`ParsedValue::Malformed`].
//! - A string that contains `{{` is never [`ParsedValue::Plain`].
//!
//! Offsets are bytes in the decoded value; `document` maps them to the file.

mod braces;
mod characters;
mod env_placeholders;
mod foreign_syntax;
mod name_rules;
mod reference_shapes;
mod zenml_pattern;

pub use braces::find_braces;
pub use characters::{is_invisible, is_space};
pub use env_placeholders::{find_variables, parse_run_config_value};
pub use foreign_syntax::ForeignSyntax;
pub use name_rules::{key_error, looks_like_name, name_error};
pub use reference_shapes::find_reference_shapes;
pub use zenml_pattern::parse_as_zenml;

use braces::{find_near_miss, parse_whole_reference};
use env_placeholders::parse_with_variables;
use std::ops::Range;

/// The program that replaces references. It determines where references are allowed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Resolver {
    /// `ZenML`, at run time: only whole values of top-level attributes.
    #[default]
    Zenml,
    /// `stackref render`, before deployment: anywhere in any string.
    Render,
}

/// A part of a string that starts with `{{`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BraceExpression<'t> {
    /// Its bytes in the string, including the braces.
    pub range: Range<usize>,
    /// The reference, or the mistake in it.
    pub kind: BraceKind<'t>,
    /// The other system whose syntax it looks like.
    pub foreign: Option<ForeignSyntax>,
}

/// The kind of a brace expression.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum BraceKind<'t> {
    /// A reference.
    Reference {
        /// The name of the secret.
        name: &'t str,
        /// The key in the secret. It may contain dots.
        key: &'t str,
        /// Whether there is white space inside the braces.
        padded: bool,
    },
    /// A reference with a part that is known only at run time: `{{${ENV}_db.password}}` in a run
    /// config.
    Dynamic {
        /// The name of the secret, as it is written.
        name: &'t str,
        /// The key as it is written, or `None` if the name and the key are not separate.
        key: Option<&'t str>,
    },
    /// Not a reference.
    Malformed(MalformedKind),
}

/// The mistake in a malformed reference.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum MalformedKind {
    /// `{{a.b`: no closing braces.
    Unclosed {
        /// Whether a single `}` closes it: `{{a.b}`.
        half: bool,
    },
    /// `{a.b}}` or `{ {a.b}}`: not two opening braces.
    HalfOpen,
    /// `{{{a.b}}}`.
    ExtraBraces,
    /// `{{}}`.
    Empty,
    /// `{{a}}`.
    NoDot {
        /// The first character that looks like a dot.
        lookalike: Option<char>,
    },
    /// `{{.b}}`.
    EmptyName,
    /// `{{a.}}`.
    EmptyKey,
    /// `{{ a b.c }}` or `{{a .b}}`.
    Space,
    /// `{{a.b | upper}}`.
    Filter,
    /// `{{a}.b}}`.
    Brace,
    /// `{{$name.key}}`.
    Variable,
    /// `{{a.$KEY}}` in a script: the shell replaces the variable first.
    Unexpanded,
    /// An invisible character.
    Invisible(char),
    /// `{{a.b}}{{c.d}}` or `{{a}}/{{b.c}}`: `ZenML` takes it for one reference.
    Adjacent,
}

/// A string value as a resolver reads it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ParsedValue<'t> {
    /// Text without references.
    Plain,
    /// One reference and nothing else.
    Reference(BraceExpression<'t>),
    /// Text with at least one brace expression in it.
    Template(Vec<BraceExpression<'t>>),
    /// A whole value that is almost a reference, or that `ZenML` takes for a reference although it
    /// is malformed.
    Malformed(BraceExpression<'t>),
}

/// Returns whether a string contains `{{`. It is called for every scalar, most of which are short
/// and have no brace.
pub fn has_braces(text: &str) -> bool {
    text.bytes().any(|byte| byte == b'{') && memchr::memmem::find(text.as_bytes(), b"{{").is_some()
}

/// Returns whether [`parse_value`] may return something other than [`ParsedValue::Plain`]. It is
/// called for every scalar.
pub fn may_contain_reference(text: &str) -> bool {
    has_braces(text) || text.starts_with('{')
}

/// Parses a string value.
pub fn parse_value(text: &str, resolver: Resolver) -> ParsedValue<'_> {
    #[cfg(test)]
    crate::counters::record(crate::counters::Fact::Value);
    if let Some(braces) = parse_whole_reference(text) {
        return ParsedValue::Reference(braces);
    }
    let mut expressions = find_braces(text);
    let Some(first) = expressions.first() else {
        return find_near_miss(text).map_or(ParsedValue::Plain, ParsedValue::Malformed);
    };
    let is_whole = first.range == (0..text.len());
    if is_whole && matches!(first.kind, BraceKind::Reference { .. }) {
        return ParsedValue::Reference(expressions.remove(0));
    }
    if resolver == Resolver::Zenml && parse_as_zenml(text).is_some() {
        let is_argo = expressions
            .iter()
            .all(|braces| braces.foreign == Some(ForeignSyntax::Argo));
        let kind = match expressions.pop() {
            Some(BraceExpression {
                kind: BraceKind::Malformed(kind),
                ..
            }) if is_whole => kind,
            _ if expressions.is_empty() => MalformedKind::Brace,
            _ => MalformedKind::Adjacent,
        };
        return ParsedValue::Malformed(BraceExpression {
            range: 0..text.len(),
            kind: BraceKind::Malformed(kind),
            foreign: is_argo.then_some(ForeignSyntax::Argo),
        });
    }
    ParsedValue::Template(expressions)
}

/// Parses a word of a script, in which the shell replaces `expansions` before `ZenML` reads the word.
/// A reference that contains an expansion is dynamic. Braces in an expansion belong to another
/// command, and `${{ … }}` to GitHub Actions. A variable that the shell does not replace, because it
/// is in single quotes, makes a reference malformed.
pub fn parse_word<'t>(text: &'t str, expansions: &[Range<usize>]) -> ParsedValue<'t> {
    let kind = BraceKind::Malformed(MalformedKind::Unexpanded);
    let is_unexpanded = |braces: &BraceExpression<'_>| {
        !matches!(braces.kind, BraceKind::Dynamic { .. }) && contains_variable(text, &braces.range)
    };
    match parse_with_variables(text, Resolver::Zenml, expansions) {
        ParsedValue::Reference(braces) | ParsedValue::Malformed(braces)
            if is_unexpanded(&braces) =>
        {
            ParsedValue::Malformed(BraceExpression { kind, ..braces })
        }
        ParsedValue::Template(mut expressions) => {
            expressions.retain(|braces| braces.foreign != Some(ForeignSyntax::GitHub));
            for braces in expressions
                .iter_mut()
                .filter(|braces| is_unexpanded(braces))
            {
                braces.kind = kind.clone();
            }
            if expressions.is_empty() {
                ParsedValue::Plain
            } else {
                ParsedValue::Template(expressions)
            }
        }
        value => value,
    }
}

/// Returns whether a range of a word contains a variable or a command substitution of a shell.
fn contains_variable(text: &str, range: &Range<usize>) -> bool {
    let text = text.get(range.clone()).unwrap_or_default();
    let is_variable =
        |rest: &str| rest.starts_with(|c: char| c.is_alphabetic() || matches!(c, '_' | '{' | '('));
    text.contains('`') || text.split('$').skip(1).any(is_variable)
}

#[cfg(test)]
#[expect(clippy::expect_used, reason = "tests")]
mod tests {
    use super::*;

    fn malformed_kind(text: &str) -> MalformedKind {
        let braces = match parse_value(text, Resolver::Zenml) {
            ParsedValue::Malformed(braces) => Some(braces),
            ParsedValue::Template(expressions) => expressions.into_iter().next(),
            _ => None,
        };
        match braces.expect(text).kind {
            BraceKind::Malformed(kind) => kind,
            BraceKind::Reference { .. } | BraceKind::Dynamic { .. } => {
                unreachable!("{text} is a reference")
            }
        }
    }

    #[test]
    fn malformed_references_have_different_kinds() {
        let cases = [
            ("{{a.b", MalformedKind::Unclosed { half: false }),
            ("{{a.b}", MalformedKind::Unclosed { half: true }),
            ("{a.b}}", MalformedKind::HalfOpen),
            ("{ {a.b}}", MalformedKind::HalfOpen),
            ("{ {a.b} }", MalformedKind::HalfOpen),
            ("{{{a.b}}}", MalformedKind::ExtraBraces),
            ("{{{a.b}}", MalformedKind::ExtraBraces),
            ("{{a.b}}}", MalformedKind::ExtraBraces),
            ("{{ }}", MalformedKind::Empty),
            ("{{a}}", MalformedKind::NoDot { lookalike: None }),
            (
                "{{a\u{2024}b}}",
                MalformedKind::NoDot {
                    lookalike: Some('\u{2024}'),
                },
            ),
            ("{{.b}}", MalformedKind::EmptyName),
            ("{{a.}}", MalformedKind::EmptyKey),
            ("{{ a b.c }}", MalformedKind::Space),
            ("{{a.b | upper}}", MalformedKind::Filter),
            ("{{a}.b}}", MalformedKind::Brace),
            ("{{$a.b}}", MalformedKind::Variable),
            ("{{a.b\u{200b}}}", MalformedKind::Invisible('\u{200b}')),
            ("{{a.b}}{{c.d}}", MalformedKind::Adjacent),
            ("{{a.b}}.{{c.d}}", MalformedKind::Adjacent),
            ("{{b.c}}/{{a}}", MalformedKind::Adjacent),
            ("{{a.b}}c}}", MalformedKind::Brace),
        ];
        for (text, expected) in cases {
            assert_eq!(malformed_kind(text), expected, "{text}");
        }
    }

    #[test]
    fn only_text_with_two_braces_or_a_brace_at_the_start_may_contain_a_reference() {
        for (text, has_two_braces, may_contain) in [
            ("", false, false),
            ("run-{date}", false, false),
            ("{a.b}}", false, true),
            ("{{", true, true),
            ("x{{a.b}}", true, true),
        ] {
            assert_eq!(has_braces(text), has_two_braces, "{text}");
            assert_eq!(may_contain_reference(text), may_contain, "{text}");
        }
    }

    #[test]
    fn single_braces_are_plain() {
        for text in [
            "run-{date}",
            "${VAR}",
            "{\"a\": {\"b\": 1.5}}",
            "{a.b}",
            "{ {\"a\": 1} }",
            "{}",
            "{",
            "}}",
            "",
        ] {
            assert_eq!(
                parse_value(text, Resolver::Zenml),
                ParsedValue::Plain,
                "{text}"
            );
        }
    }

    #[test]
    fn adjacent_expressions_of_argo_are_foreign() {
        let argo = |text| {
            matches!(
                parse_value(text, Resolver::Zenml),
                ParsedValue::Malformed(BraceExpression {
                    foreign: Some(_),
                    ..
                })
            )
        };
        assert!(argo("{{pod.name}}{{item.x}}"));
        assert!(!argo("{{pod.name}}{{a.b}}"), "`{{a.b}}` is a reference");
    }

    #[test]
    fn word_with_an_expansion_is_dynamic() {
        for (text, expansion, name, key) in [
            ("{{a.$B}}", 4..6, "a", Some("$B")),
            ("{{${A}_x.b}}", 2..6, "${A}_x", Some("b")),
            ("{{$(a).b}}", 2..6, "$(a)", Some("b")),
            ("{{$A}}", 2..4, "$A", None),
        ] {
            let ParsedValue::Reference(braces) = parse_word(text, &[expansion]) else {
                unreachable!("{text}")
            };
            assert_eq!(braces.kind, BraceKind::Dynamic { name, key }, "{text}");
        }
        for text in [
            "${{ secrets.X }}",
            "http://$(docker inspect -f '{{ .X }}' c)",
        ] {
            let expansion = text.find('$').expect(text)..text.len();
            assert_eq!(parse_word(text, &[expansion]), ParsedValue::Plain, "{text}");
        }
        assert_eq!(parse_word("${{ secrets.X }}", &[]), ParsedValue::Plain);
    }

    #[test]
    fn variable_that_the_shell_does_not_replace_is_malformed() {
        let is_unexpanded = |braces: &BraceExpression<'_>| {
            braces.kind == BraceKind::Malformed(MalformedKind::Unexpanded)
        };
        for text in [
            "{{a.$B}}",
            "{{a.${B}}}",
            "{{a.$(b)}}",
            "{{a.$_b}}",
            "{{a.`b`}}",
            "x{{a.$B}}",
        ] {
            let is_found = match parse_word(text, &[]) {
                ParsedValue::Malformed(braces) => is_unexpanded(&braces),
                ParsedValue::Template(expressions) => expressions.iter().any(is_unexpanded),
                _ => false,
            };
            assert!(is_found, "{text}: {:?}", parse_word(text, &[]));
        }
        for text in ["{{a.b}}", "{{a.b$}}", "{{a.$1}}"] {
            let value = parse_word(text, &[]);
            assert!(
                matches!(value, ParsedValue::Reference(_)),
                "{text}: {value:?}"
            );
        }
    }
}
