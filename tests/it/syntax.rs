//! The parsers of YAML, TOML and JSON: the message, span and help of each syntax error, and the
//! source of each character of a decoded value.

use stackref::document::{Document, NodeKind, ScalarType, Syntax, plain_type};
use stackref::text::source::{SourceFile, Span};
use std::sync::Arc;

fn parse(text: &str, syntax: Syntax) -> Result<Document, stackref::document::SyntaxError> {
    Document::parse(Arc::new(SourceFile::new("a", text)), syntax)
}

/// Asserts the span, the message and a part of the help of the error in each text. An empty help
/// means that the error has none.
fn assert_errors(syntax: Syntax, cases: &[(&str, (usize, usize), &str, &str)]) {
    for &(text, (start, end), message, help) in cases {
        let error = parse(text, syntax).expect_err(text);
        assert_eq!(
            (error.span, error.message.as_str()),
            (Span::new(start, end), message),
            "{text:?}"
        );
        let actual_help = error.help.unwrap_or_default();
        assert!(
            actual_help.contains(help) && actual_help.is_empty() == help.is_empty(),
            "{text:?}: {actual_help}"
        );
    }
}

#[test]
fn json_errors_have_a_message_span_and_help() {
    let reference = "a reference without quotes is not valid JSON";
    let blank = "the character U+00A0 between JSON values";
    let control = "a control character in a JSON string";
    let escape = "invalid escape in a JSON string";
    assert_errors(
        Syntax::Json,
        &[
            (
                "{\"a\": 1,}",
                (7, 8),
                "trailing comma before a closing bracket",
                "remove the comma",
            ),
            (
                "{'a': 1}",
                (1, 2),
                "a string in single quotes is not valid JSON",
                "double quotes",
            ),
            (
                "{\"a\": \"x",
                (6, 7),
                "a string that is never closed",
                "close the quote",
            ),
            ("{\"a\": \"\\q\"}", (7, 8), escape, "`\\\\` for a backslash"),
            ("{\"a\": \"\\ud800\"}", (7, 8), escape, "above U+FFFF"),
            (
                &"[".repeat(600),
                (512, 513),
                "values are nested deeper than 512 levels",
                "stacks are never that deep",
            ),
            (
                "// x\n{}",
                (0, 1),
                "comments are not valid JSON",
                "remove the comment",
            ),
            (
                "{\"a\": {{b.c}}}",
                (7, 8),
                reference,
                "put the reference in double quotes",
            ),
            (
                "\u{feff}{\"a\": {{b.c}}}",
                (10, 11),
                reference,
                "put the reference in double quotes",
            ),
            ("{\"a\": \u{a0}1}", (6, 8), blank, "only spaces"),
            ("\u{feff}{\"a\":\u{a0}\"b\"}", (8, 10), blank, "only spaces"),
            ("{\"a\":1}\u{a0}", (7, 9), blank, "only spaces"),
            (
                "{\"a\": \"x\ty\"}",
                (8, 9),
                control,
                "write it as an escape",
            ),
            (
                "\u{feff}{\"ü\": \"x\u{1}\"}",
                (12, 13),
                control,
                "write it as an escape",
            ),
            (
                "\u{feff}",
                (3, 3),
                "an empty file is not valid JSON",
                "write `{}`",
            ),
            (
                "{\"a\" 1}",
                (5, 6),
                "expected colon after the string or word in object property",
                "",
            ),
            ("[\"{{\", x]", (7, 8), "unexpected token", ""),
            ("[x {{]", (1, 2), "unexpected word", ""),
        ],
    );
}

#[test]
fn toml_errors_have_a_message_span_and_help() {
    let braces = "braces without quotes are a TOML inline table, and this one is not valid";
    let quotes = "a value without quotes";
    assert_errors(
        Syntax::Toml,
        &[
            ("a = {{b.c}}", (5, 5), braces, "\"{{name.key}}\""),
            ("a = { {b.c} }", (6, 6), braces, "\"{{name.key}}\""),
            ("{{a.b}} = 1", (0, 0), braces, "\"{{name.key}}\""),
            ("a = 1 {{b.c}}", (6, 6), braces, "\"{{name.key}}\""),
            ("a = 1 { {b", (6, 6), braces, "\"{{name.key}}\""),
            (
                "a = 1 {b}",
                (6, 6),
                "unexpected key or value, expected newline, `#`",
                "",
            ),
            (
                "a = \"{\"{",
                (7, 8),
                "a missing bracket: nothing closes this `{`",
                "add",
            ),
            ("a = xyz", (4, 7), quotes, "put the string in quotes"),
            ("a = ünï", (4, 9), quotes, "put the string in quotes"),
            ("a = →", (4, 7), quotes, "put the string in quotes"),
            ("a = nan_", (4, 8), quotes, "put the string in quotes"),
            (
                "a = 1x",
                (4, 6),
                "string values must be quoted, expected literal string",
                "",
            ),
            ("a = 1.2.3", (7, 9), "invalid float, expected nothing", ""),
            (
                "[a]\n[a]",
                (5, 6),
                "a key occurs twice in one table",
                "remove or rename",
            ),
            (
                &format!("a = {}", "[".repeat(90)),
                (84, 85),
                "values are nested deeper than 80 levels",
                "stacks are never that deep",
            ),
            (
                "a = 0x",
                (4, 6),
                "an integer without digits, or with an invalid digit",
                "",
            ),
            (
                "a = [1",
                (4, 5),
                "a missing bracket: nothing closes this `[`",
                "add `]`",
            ),
        ],
    );
}

#[test]
fn yaml_errors_have_a_message_span_and_help() {
    let braces = "braces without quotes are a YAML flow mapping, and this one is not complete";
    let colon = "a `:` is not allowed here";
    let tab = "YAML does not allow a tab here";
    let less = "a line of a quoted value is indented too little";
    let character = "a value cannot begin with this character";
    assert_errors(
        Syntax::Yaml,
        &[
            ("a: b: c\n", (4, 5), colon, "if it contains the colon"),
            ("a\nb: c\n", (3, 4), colon, "if it contains the colon"),
            ("k:\n\ta: x\n", (3, 4), tab, "indent with spaces"),
            ("k:\r\ta: x\r", (3, 4), tab, "indent with spaces"),
            ("a: [\n\tb]\n", (5, 6), tab, "indent with spaces"),
            ("x: {{a.b}}-c\n", (10, 11), braces, "value at column 4"),
            ("ü: {{a.b}}-c\n", (11, 12), braces, "value at column 4"),
            ("- {{a.b}} c\n", (10, 11), braces, "value at column 3"),
            ("x: [ {{a.b}}c\n", (3, 4), braces, "value at column 6"),
            ("x: '{{a.b}} \n y\n", (16, 16), less, "is closed"),
            ("a: 'x\nb\n", (6, 7), less, "is closed"),
            (
                "'a\n",
                (0, 1),
                "a quoted value that is never closed",
                "close the quote",
            ),
            (
                "a: *x\n",
                (3, 4),
                "this alias refers to an anchor that is not defined above",
                "define the anchor with `&`",
            ),
            (
                "a: \"\\q\"\n",
                (3, 4),
                "invalid escape in double quotes",
                "single quotes",
            ),
            ("a: @x\t# c\n", (3, 4), character, "in quotes"),
            ("a: `ü`\n", (3, 4), character, "in quotes"),
            ("k:\t@x\n", (3, 4), character, "in quotes"),
            (
                "a: 1\n- b\n",
                (7, 8),
                "expected a key followed by `:`",
                "check the indentation",
            ),
            (
                &"[".repeat(300),
                (255, 256),
                "collections are nested deeper than 255 levels",
                "stacks are never that deep",
            ),
            (
                "a: {b: c, d: {e: [1, 2}}\nf: g\n",
                (17, 18),
                "a missing bracket: nothing closes this `[`",
                "add `]`",
            ),
            ("a: {b.c}}\n", (8, 9), braces, "value at column 4"),
            (
                "a: ]\n",
                (3, 4),
                "a missing bracket: no `[` belongs to this `]`",
                "remove it",
            ),
        ],
    );
}

#[test]
fn line_break_of_yaml_1_1_is_an_error_if_it_changes_the_document() {
    let nel = "the invisible character U+0085 ends the line for readers of YAML 1.1 such as PyYAML, which read another document \
               than readers of YAML 1.2";
    let ls = &nel.replace("0085", "2028");
    assert_errors(
        Syntax::Yaml,
        &[
            (
                "# c\u{85}a: b\nk: v\n",
                (3, 5),
                nel,
                "write it as `\\N` in double quotes",
            ),
            (
                "# c\u{85} x\n\ny\n",
                (3, 5),
                nel,
                "write it as `\\N` in double quotes",
            ),
            (
                "k: v # c\u{2028}---\n",
                (8, 11),
                ls,
                "write it as `\\L` in double quotes",
            ),
            (
                "k: |\n  a\u{85}  b\nl: |\n  c\u{2028}d\n",
                (22, 25),
                ls,
                "write it as `\\L` in double quotes",
            ),
            (
                "k: | # c\u{85}  a\n  b\n",
                (8, 10),
                nel,
                "write it as `\\N` in double quotes",
            ),
            (
                "k: x\u{2028}y\n",
                (4, 7),
                ls,
                "write it as `\\L` in double quotes",
            ),
            (
                "k: 12\u{85}\n",
                (5, 7),
                nel,
                "write it as `\\N` in double quotes",
            ),
            (
                "k: 'x\u{2028}--- y'\n",
                (5, 8),
                ls,
                "write it as `\\L` in double quotes",
            ),
            (
                "\"k\u{85}l\": v\n",
                (2, 4),
                nel,
                "write it as `\\N` in double quotes",
            ),
            (
                "k\u{85}l: v\n",
                (1, 3),
                nel,
                "write it as `\\N` in double quotes",
            ),
        ],
    );
    // In a large file the first character is reported.
    let large = format!(
        "k: |\n  a\u{2028}  b\n{}l: |\n  c\u{2028}d\n",
        "# x\n".repeat(300_000)
    );
    assert_errors(
        Syntax::Yaml,
        &[(&large, (8, 11), ls, "write it as `\\L` in double quotes")],
    );
    for text in [
        "k: 'x\u{2028}y'\n",
        "k: 'x\u{2028}---y'\n",
        "k: \"x \u{85} y\" # c\u{85}\n",
        "# c\u{2029} # d\r\nk: |\n  a\u{85}  b\n",
        "k: [a\u{85} b]\n",
        "- a\u{85}  b\n- c\n",
        "k: \"\\N\\L\\P\"\r# \u{85}\r\nl: v\n",
    ] {
        assert_eq!(
            parse(text, Syntax::Yaml)
                .map(|_| ())
                .map_err(|error| error.message),
            Ok(()),
            "{text:?}"
        );
    }
}

#[test]
fn each_decoded_character_maps_to_its_source() {
    for (syntax, text, sources) in [
        (
            Syntax::Yaml,
            "k: \"a\\tb \n  c\\\n  d\\\n\n  e\\ud83d\\ude00\\x41f\"\n",
            "a|\\t|b|\n  |c|d|\\\n\n  |e|\\ud83d\\ude00|\\x41|f",
        ),
        (Syntax::Yaml, "k: 'it''s\n\n  ü'\n", "i|t|''|s|\n\n  |ü"),
        (Syntax::Yaml, "k: a\n  b\n\n  c\n", "a|\n  |b|\n\n  |c"),
        (
            Syntax::Yaml,
            "k: a\r\n  b\r\n\r\n  c\r\n",
            "a|\r\n  |b|\r\n\r\n  |c",
        ),
        (
            Syntax::Yaml,
            "k: |\n  ab\n\n   c\n",
            "a|b|\n\n  |\n\n  | |c|\n",
        ),
        (
            Syntax::Yaml,
            "k: |\n\n  a\n  b\n\nl: 1\n",
            "\n  |a|\n  |b|\n\n",
        ),
        (Syntax::Yaml, "k: >\r\n  a\r\n  b\r\n", "a|\r\n  |b|\r\n"),
        (
            Syntax::Toml,
            "k = \"a\\tb\\u00fcc\\U0001F600d\"\n",
            "a|\\t|b|\\u00fc|c|\\U0001F600|d",
        ),
        (
            Syntax::Toml,
            "k = \"\"\"\nx \\\n   y\\u0041\n\"\"\"\n",
            "x| |y|\\u0041|\n",
        ),
        (Syntax::Toml, "k = '''\na\n'''\n", "a|\n"),
        (
            Syntax::Json,
            "{\"k\": \"a\\u0041\\ud83d\\ude00\\/b\"}",
            "a|\\u0041|\\ud83d\\ude00|\\/|b",
        ),
    ] {
        let document = parse(text, syntax).unwrap();
        let (_, value) = document.get(document.roots()[0], "k").unwrap();
        let decoded = document.text(value).unwrap();
        let offsets = document.offsets(value);
        let source = |at: usize, c: char| {
            document
                .source()
                .slice(offsets.source(at, at + c.len_utf8()))
        };
        let written: Vec<_> = decoded
            .char_indices()
            .map(|(at, c)| source(at, c))
            .collect();
        assert_eq!(written.join("|"), sources, "{text:?}");
        let (span, all) = (document.node(value).span, offsets.source(0, decoded.len()));
        assert!(
            span.start <= all.start && all.end <= span.end && offsets.is_exact(),
            "{text:?}"
        );
    }
}

#[test]
fn text_that_any_yaml_version_reads_as_a_number_or_date_is_not_a_string() {
    for text in [
        "1e1_0",
        "1e-5",
        "1_0:2",
        "0x_f",
        "2020-1-1",
        "2020-01-01 10:00",
        "-0b1",
        ".5e1",
    ] {
        assert_eq!(plain_type(text), ScalarType::Other, "{text}");
    }
    for text in [
        "1e3x",
        "1e",
        "1e_",
        "1e+",
        "x1",
        "1.2.3e1",
        "0x",
        "0b2",
        "202-01-01",
        "20x0-01-01",
        "2020-xx-01",
        "2020-013-01",
        "2020--01",
        "2020-01-x",
        "2020-01-",
        "2020-01-012",
        "2020-01",
        "_",
        ".",
    ] {
        assert_eq!(plain_type(text), ScalarType::String, "{text}");
    }
}

#[test]
fn tags_determine_the_type_of_a_scalar() {
    for (text, ty) in [
        ("! 12", ScalarType::String),
        ("!!str 12", ScalarType::String),
        ("!!null x", ScalarType::Null),
        ("!!int '12'", ScalarType::Other),
        ("!vault x", ScalarType::Tagged),
        ("'12'", ScalarType::String),
    ] {
        let document = parse(text, Syntax::Yaml).unwrap();
        let NodeKind::Scalar(scalar) = document.node(document.roots()[0]).kind else {
            panic!("{text}")
        };
        assert_eq!(scalar.ty, ty, "{text}");
    }
}
