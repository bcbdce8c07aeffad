//! Properties of all documents: spans slice back to the text that they cover, decoded values equal
//! those of a second parser, and secret values are not printed.

use crate::fuzz::properties as fuzz;
use proptest::prelude::*;
use stackref::document::{Document, NodeKind, Style, Syntax};
use stackref::inventory::Inventories;
use stackref::lint::pipeline::run as check;
use stackref::lint::settings::{LevelChoice, Settings};
use stackref::output::human;
use stackref::output::style::OutputStyle;
use stackref::output::{json_report, short};
use stackref::project::config::{Config, Level};
use stackref::project::configs::Configs;
use stackref::project::discover::MatchReason;
use stackref::text::source::SourceFile;
use stackref::zenml::grammar::{BraceKind, Resolver, find_braces};
use std::sync::Arc;

fn parse(text: &str, syntax: Syntax) -> Document {
    Document::parse(Arc::new(SourceFile::new("case", text)), syntax)
        .unwrap_or_else(|error| panic!("{}: {text:?}", error.message))
}

/// Generates values with references, braces, quotes, escapes, line breaks and characters of every
/// width.
fn value() -> impl Strategy<Value = String> {
    let part = prop_oneof![
        4 => "[a-z]{1,6}",
        3 => Just("{{db.user}}".to_owned()),
        1 => Just("{{ müller.pässwort }}".to_owned()),
        1 => Just("{{a.b".to_owned()),
        2 => Just(" ".to_owned()),
        2 => Just("\n".to_owned()),
        1 => Just("\n\n".to_owned()),
        1 => Just("\t".to_owned()),
        1 => Just("'".to_owned()),
        1 => Just("\"".to_owned()),
        1 => Just("\\".to_owned()),
        1 => Just(": ".to_owned()),
        1 => Just(" #".to_owned()),
        1 => Just("ü密😀".to_owned()),
    ];
    proptest::collection::vec(part, 0..8).prop_map(|parts| parts.concat())
}

/// Returns a value as the YAML scalar after `key:`, for an indentation of two.
///
/// Uses double quotes if the requested style cannot represent the value.
fn yaml_scalar(value: &str, style: u8, newline: &str) -> String {
    let plain = |text: &str| {
        !text.is_empty()
            && text.trim() == text
            && text.chars().next().is_some_and(char::is_alphabetic)
            && !text.contains(['\n', '\t', '\\'])
            && !text.contains(": ")
            && !text.contains(" #")
            && !text.ends_with(':')
    };
    let block = |text: &str| {
        !text.is_empty()
            && !text.contains('\t')
            && !text.starts_with([' ', '\n'])
            && text
                .lines()
                .all(|line| line.trim_end() == line && !line.starts_with(' '))
    };
    match style % 6 {
        0 if plain(value) => format!(" {value}"),
        // Plain, folded over two lines.
        1 if plain(value) && !value.contains("  ") => {
            format!(" {}", value.replacen(' ', &format!("{newline}    "), 1))
        }
        2 if !value.contains('\n') => format!(" '{}'", value.replace('\'', "''")),
        3 if block(value) => {
            let chomp = if value.ends_with("\n\n") {
                "+"
            } else if value.ends_with('\n') {
                ""
            } else {
                "-"
            };
            let lines: Vec<String> = value
                .trim_end_matches('\n')
                .split('\n')
                .map(|line| {
                    if line.is_empty() {
                        String::new()
                    } else {
                        format!("    {line}")
                    }
                })
                .collect();
            let trailing = newline.repeat(value.len() - value.trim_end_matches('\n').len());
            let trailing = if chomp == "-" {
                String::new()
            } else {
                trailing.replacen(newline, "", 1)
            };
            format!(" |{chomp}{newline}{}{trailing}", lines.join(newline))
        }
        4 if block(value) && !value.contains('\n') && !value.contains("  ") => {
            format!(
                " >-{newline}    {}",
                value.replace(' ', &format!("{newline}    "))
            )
        }
        // Double quotes can represent any value. Some characters are written as escapes.
        _ => {
            let mut out = String::from(" \"");
            for (at, c) in value.chars().enumerate() {
                match c {
                    '\n' => out.push_str("\\n"),
                    '\t' => out.push_str("\\t"),
                    '"' => out.push_str("\\\""),
                    '\\' => out.push_str("\\\\"),
                    c if at % 3 == 2 && style > 200 => {
                        out.push_str(&format!("\\U{:08x}", u32::from(c)));
                    }
                    c if at % 5 == 4 && style > 150 && c.is_ascii() => {
                        out.push_str(&format!("\\x{:02x}", u32::from(c)));
                    }
                    c => out.push(c),
                }
            }
            out + "\""
        }
    }
}

/// Asserts that the span of each brace expression lies in its scalar, and that the source text of
/// the span decodes to the expression.
fn assert_spans(document: &Document) {
    for (id, node) in document.nodes() {
        let NodeKind::Scalar(scalar) = &node.kind else {
            continue;
        };
        let text = document.text(id).unwrap();
        let offsets = document.offsets(id);
        assert!(
            offsets.is_exact(),
            "{text:?} {:?}",
            document.source().text()
        );
        for braces in find_braces(text) {
            let span = offsets.source(braces.range.start, braces.range.end);
            assert!(node.span.contains(span));
            let (expected, written) = (&text[braces.range.clone()], document.source().slice(span));
            if scalar.style == Style::SingleQuoted {
                assert_eq!(written.replace("''", "'"), expected);
            } else if written != expected {
                let quoted = format!("\"{written}\"");
                let reparsed = parse(&quoted, document.syntax_of_strings());
                assert_eq!(
                    reparsed.text(reparsed.roots()[0]).unwrap(),
                    expected,
                    "{:?}",
                    document.source().text()
                );
            }
        }
    }
}

trait StringsOf {
    fn syntax_of_strings(&self) -> Syntax;
}

impl StringsOf for Document {
    /// Returns the syntax in which a double-quoted string can be parsed by itself.
    fn syntax_of_strings(&self) -> Syntax {
        if self.syntax() == Syntax::Toml {
            Syntax::Json
        } else {
            self.syntax()
        }
    }
}

/// Returns the reports of `check` about a text in three formats.
fn printed(bytes: &[u8], syntax: Syntax, resolver: Resolver) -> String {
    let scan = fuzz::scan(bytes, syntax, Some(MatchReason::Argument), resolver, false);
    let configs = Configs::fixed(Config {
        resolver,
        ..Config::default()
    });
    let inventories = Inventories::from_inventories(Vec::new());
    let settings = Settings::new(&configs, LevelChoice::fixed(Level::None), &inventories);
    let report = check(&scan, &settings, None);
    let mut out = Vec::new();
    human::write(&report.findings, OutputStyle::PLAIN, &mut out).unwrap();
    short::write(&report.findings, OutputStyle::PLAIN, &mut out).unwrap();
    json_report::write(&report, &mut out).unwrap();
    String::from_utf8(out).unwrap()
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 512, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn yaml_spans_slice_back_and_values_match_a_second_parser(
        values in proptest::collection::vec((value(), any::<u8>()), 1..6),
        crlf in any::<bool>(),
        bom in any::<bool>(),
    ) {
        let newline = if crlf { "\r\n" } else { "\n" };
        let mut text = String::from(if bom { "\u{feff}# ü" } else { "# x" });
        text.push_str(newline);
        for (at, (value, style)) in values.iter().enumerate() {
            text.push_str(&format!("key{at}:{}{newline}", yaml_scalar(value, *style, newline)));
        }
        let document = parse(&text, Syntax::Yaml);
        assert_spans(&document);
        let second: serde_yaml::Value = serde_yaml::from_str(text.trim_start_matches('\u{feff}')).unwrap();
        for (at, (value, _)) in values.iter().enumerate() {
            let key = format!("key{at}");
            let own = document.get(document.roots()[0], &key).and_then(|(_, value)| document.text(value));
            prop_assert_eq!(own, Some(value.as_str()), "{:?}", &text);
            prop_assert_eq!(second[key.as_str()].as_str().unwrap_or_default(), value.as_str(), "{:?}", &text);
        }
    }

    #[test]
    fn toml_spans_slice_back_and_values_match_a_second_parser(
        values in proptest::collection::vec((value(), 0..4u8), 1..6),
    ) {
        let mut text = String::new();
        for (at, (value, style)) in values.iter().enumerate() {
            let basic = || value.replace('\\', "\\\\").replace('"', "\\\"").replace('\n', "\\n").replace('\t', "\\t").replace("ü", "\\u00fc");
            let written = match style {
                0 if !value.contains(['\'', '\n']) => format!("'{value}'"),
                1 if !value.contains('\'') => format!("'''\n{value}'''"),
                2 => format!("\"\"\"\n{}\\\n   \"\"\"", value.replace('\\', "\\\\").replace('"', "\\\"")),
                _ => format!("\"{}\"", basic()),
            };
            text.push_str(&format!("key{at} = {written}\n"));
        }
        let document = parse(&text, Syntax::Toml);
        assert_spans(&document);
        let second: toml::Table = toml::from_str(&text).unwrap();
        for (key, value) in &second {
            let own = document.get(document.roots()[0], key).and_then(|(_, value)| document.text(value));
            prop_assert_eq!(own, value.as_str());
        }
    }

    #[test]
    fn json_spans_slice_back_and_values_match_a_second_parser(
        values in proptest::collection::vec((value(), any::<bool>()), 1..6),
    ) {
        let mut text = String::from("{");
        for (at, (value, escaped)) in values.iter().enumerate() {
            let mut written = serde_json::to_string(value).unwrap();
            if *escaped {
                written = written.replace('{', "\\u007b").replace('😀', "\\ud83d\\ude00");
            }
            text.push_str(&format!("{}\"key{at}\": {written}", if at > 0 { ", " } else { "" }));
        }
        text.push('}');
        let document = parse(&text, Syntax::Json);
        assert_spans(&document);
        let second: serde_json::Value = serde_json::from_str(&text).unwrap();
        for (at, (value, _)) in values.iter().enumerate() {
            let key = format!("key{at}");
            let own = document.get(document.roots()[0], &key).and_then(|(_, value)| document.text(value));
            prop_assert_eq!(own, Some(value.as_str()));
            prop_assert_eq!(second[key.as_str()].as_str(), Some(value.as_str()));
        }
    }

    #[test]
    fn value_of_a_sensitive_attribute_is_not_printed(secret in "[A-Z]{8,20}", style in 0..7usize, broken in any::<bool>()) {
        let value = match style {
            0 => secret.clone(),
            1 => format!("'{secret}{{{{a.b}}}}'"),
            2 => format!("\"{{{{a.b}}}}{secret}\""),
            3 => format!("'hun{{{{{secret}'"),
            4 => format!("|\n          {secret}\n          {{{{a.b}}}}\n"),
            5 => format!("{{x: {{y: '{secret}'}}, z: '{{{{a}}}}'}}"),
            _ => format!("[ '{secret}', '{{{{a.b}}}}' ]"),
        };
        let flow = if style == 4 { String::new() } else { format!("\n      flow: {{tracking_token: {value}, q: '{{{{a}}}}'}}") };
        let tail = if broken { "\n      oops: 'x" } else { "" };
        let text = format!(
            "stack_name: s\ncomponents:\n  experiment_tracker:\n    flavor: mlflow\n    name: m\n    type: experiment_tracker\n    configuration:\n      tracking_password: {value}{flow}\n      other: '{{{{a}}}}'{tail}\n"
        );
        let printed = printed(text.as_bytes(), Syntax::Yaml, Resolver::Zenml);
        prop_assert!(!printed.contains(&secret), "{printed}");
    }
}

#[test]
fn braces_around_names_are_references() {
    for braces in find_braces("{{a.b}} {{ c.d }}") {
        assert!(matches!(braces.kind, BraceKind::Reference { .. }));
    }
}
