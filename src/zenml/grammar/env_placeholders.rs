//! Strings with parts that are replaced before `ZenML` reads references: `${NAME}` in run configs, and
//! what a shell expands in the words of a command.

use super::braces::find_braces;
use super::characters::is_space;
use super::{BraceExpression, BraceKind, ParsedValue, Resolver, parse_value};
use std::ops::Range;

/// Parses a string of a run config. A brace expression that contains `${NAME}` is dynamic, whatever
/// mistakes the rest of it has: the variable may contain any text.
pub fn parse_run_config_value(text: &str, resolver: Resolver) -> ParsedValue<'_> {
    parse_with_variables(text, resolver, &find_variables(text))
}

/// Parses a string of which some sorted ranges are replaced before. A brace expression that contains
/// one is dynamic, and braces in a range are not ZenML's.
pub(super) fn parse_with_variables<'t>(
    text: &'t str,
    resolver: Resolver,
    variables: &[Range<usize>],
) -> ParsedValue<'t> {
    if variables.is_empty() {
        return parse_value(text, resolver);
    }
    let masked = mask(text, variables);
    let restored = |braces: BraceExpression<'_>| restore(text, &masked, variables, braces);
    match parse_value(&masked, resolver) {
        ParsedValue::Plain => ParsedValue::Plain,
        ParsedValue::Reference(braces) | ParsedValue::Malformed(braces) => {
            whole_value(restored(braces))
        }
        ParsedValue::Template(expressions) => {
            let mut expressions: Vec<_> = expressions.into_iter().map(restored).collect();
            let is_dynamic = |braces: &BraceExpression<'_>| {
                braces.range == (0..text.len()) && matches!(braces.kind, BraceKind::Dynamic { .. })
            };
            match expressions.pop_if(|braces| is_dynamic(braces)) {
                Some(braces) => ParsedValue::Reference(braces),
                None => ParsedValue::Template(expressions),
            }
        }
    }
}

/// Returns the value that consists of one brace expression.
fn whole_value(braces: BraceExpression<'_>) -> ParsedValue<'_> {
    match braces.kind {
        BraceKind::Reference { .. } | BraceKind::Dynamic { .. } => ParsedValue::Reference(braces),
        BraceKind::Malformed(_) => ParsedValue::Malformed(braces),
    }
}

/// Returns the byte ranges of `${NAME}` in a text. `ZenML` replaces them in run configs, and knows no
/// other form.
pub fn find_variables(text: &str) -> Vec<Range<usize>> {
    let starts = memchr::memmem::find_iter(text.as_bytes(), b"${");
    let ranges = starts.filter_map(|start| {
        let name = text.get(start + 2..)?;
        let len = name
            .bytes()
            .take_while(|byte| byte.is_ascii_alphanumeric() || *byte == b'_')
            .count();
        let is_variable = len > 0 && name.as_bytes().get(len) == Some(&b'}');
        is_variable.then_some(start..start + len + 3)
    });
    ranges.collect()
}

/// Replaces variables by names of the same length, so that offsets stay the same.
fn mask(text: &str, variables: &[Range<usize>]) -> String {
    let mut masked = String::with_capacity(text.len());
    for variable in variables {
        masked.push_str(text.get(masked.len()..variable.start).unwrap_or_default());
        masked.extend(std::iter::repeat_n('x', variable.len()));
    }
    masked.push_str(text.get(masked.len()..).unwrap_or_default());
    masked
}

/// Converts a brace expression of the masked text to one of the text.
fn restore<'t>(
    text: &'t str,
    masked: &str,
    variables: &[Range<usize>],
    braces: BraceExpression<'_>,
) -> BraceExpression<'t> {
    let range = braces.range;
    let first = variables.partition_point(|variable| variable.end <= range.start);
    let is_dynamic = variables
        .get(first)
        .is_some_and(|variable| variable.start < range.end);
    let kind = match braces.kind {
        kind if is_dynamic => dynamic_kind(text, masked, &range, &kind),
        BraceKind::Malformed(kind) => BraceKind::Malformed(kind),
        // Without a variable, the text is the same.
        BraceKind::Reference { .. } | BraceKind::Dynamic { .. } => {
            let own = text.get(range.clone()).unwrap_or_default();
            match find_braces(own).into_iter().next() {
                Some(braces) => braces.kind,
                None => BraceKind::Dynamic {
                    name: own,
                    key: None,
                },
            }
        }
    };
    BraceExpression {
        range,
        kind,
        foreign: braces.foreign,
    }
}

/// Returns a dynamic reference with its name and its key as they are written.
fn dynamic_kind<'t>(
    text: &'t str,
    masked: &str,
    range: &Range<usize>,
    masked_kind: &BraceKind<'_>,
) -> BraceKind<'t> {
    let is_edge = |c: char| matches!(c, '{' | '}') || is_space(c);
    let outer = masked.get(range.clone()).unwrap_or_default();
    let inner = outer.trim_start_matches(is_edge);
    let start = range.start + outer.len() - inner.len();
    let end = start + inner.trim_end_matches(is_edge).len();
    match masked_kind {
        BraceKind::Reference { name, .. } => BraceKind::Dynamic {
            name: text.get(start..start + name.len()).unwrap_or_default(),
            key: text.get(start + name.len() + 1..end),
        },
        BraceKind::Malformed(_) | BraceKind::Dynamic { .. } => BraceKind::Dynamic {
            name: text.get(start..end).unwrap_or_default(),
            key: None,
        },
    }
}

#[cfg(test)]
#[expect(clippy::expect_used, reason = "tests")]
mod tests {
    use super::*;
    use crate::zenml::grammar::{ForeignSyntax, MalformedKind};

    fn parse(text: &str) -> ParsedValue<'_> {
        parse_run_config_value(text, Resolver::Zenml)
    }

    #[test]
    fn variable_makes_a_reference_dynamic() {
        for (text, name, key) in [
            ("{{${ENV}_db.password}}", "${ENV}_db", Some("password")),
            ("{{ db.${KEY} }}", "db", Some("${KEY}")),
            ("{{${A}.${B}}}", "${A}", Some("${B}")),
            ("{{${REFERENCE}}}", "${REFERENCE}", None),
            ("{{ü${A}.b}}", "ü${A}", Some("b")),
        ] {
            let ParsedValue::Reference(braces) = parse(text) else {
                unreachable!("{text}: {:?}", parse(text))
            };
            assert_eq!(braces.range, 0..text.len(), "{text}");
            assert_eq!(braces.kind, BraceKind::Dynamic { name, key }, "{text}");
        }
    }

    #[test]
    fn other_expressions_of_the_same_text_are_unchanged() {
        let ParsedValue::Template(expressions) = parse("${A}: {{b.c}} {{${D}.e}} {{f}}") else {
            unreachable!("the text has three expressions")
        };
        let kinds: Vec<_> = expressions.iter().map(|braces| &braces.kind).collect();
        assert!(matches!(
            kinds.as_slice(),
            [
                BraceKind::Reference {
                    name: "b",
                    key: "c",
                    ..
                },
                BraceKind::Dynamic {
                    name: "${D}",
                    key: Some("e")
                },
                BraceKind::Malformed(MalformedKind::NoDot { .. }),
            ]
        ));
    }

    #[test]
    fn variable_next_to_a_reference_does_not_make_it_dynamic() {
        for text in ["{{a.b}}${X}", "${X}{{a.b}}"] {
            let ParsedValue::Template(expressions) = parse(text) else {
                unreachable!("{text}: {:?}", parse(text))
            };
            assert!(
                matches!(expressions.as_slice(), [braces] if matches!(braces.kind, BraceKind::Reference { .. })),
                "{text}: {expressions:?}"
            );
        }
    }

    #[test]
    fn dynamic_reference_in_a_text_is_not_the_whole_value() {
        let ParsedValue::Template(expressions) = parse("x {{${A}.b}}") else {
            unreachable!("{:?}", parse("x {{${A}.b}}"))
        };
        let ranges: Vec<_> = expressions.iter().map(|braces| &braces.range).collect();
        assert_eq!(ranges, [&(2..12)]);
    }

    #[test]
    fn other_syntaxes_are_not_variables() {
        for text in [
            "{{a.b}}",
            "{{$A.b}}",
            "{{${A:-x}.b}}",
            "{{${}.b}}",
            "{{${A.b}}",
            "${A}",
        ] {
            assert_eq!(
                parse(text),
                parse_value(text, Resolver::Zenml),
                "{text} is not dynamic"
            );
        }
        let ParsedValue::Template(expressions) = parse("${{ secrets.X }} ${Y}") else {
            unreachable!("the text has an expression")
        };
        let github = expressions.first().expect("an expression");
        assert_eq!(github.foreign, Some(ForeignSyntax::GitHub));
    }
}
