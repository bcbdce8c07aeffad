//! Tests renders of generated files: if `check` accepts a file, `render` renders it, and a second
//! parser reads the expected strings.
//!
//! The files have pieces of every YAML 1.1 and 1.2 type around a reference, in every scalar style
//! and position, and in all forms of TOML strings. By default, the tests try a fixed part of the
//! files. With `STACKREF_EXHAUSTIVE` they try all files, which takes hours.

use crate::fuzz::properties::render_as;
use stackref::document::Syntax;
use stackref::zenml::grammar::Resolver;

/// The position of the scalar in a template.
const SCALAR: &str = "@@";

/// Texts that some YAML parser does not read as one string: other types, indicators and comments.
const TOKENS: [&str; 88] = [
    "null",
    "Null",
    "NULL",
    "~",
    "true",
    "True",
    "FALSE",
    "yes",
    "Yes",
    "NO",
    "on",
    "Off",
    "y",
    "N",
    "12",
    "+12",
    "-1",
    "0",
    "017",
    "0o17",
    "0x1F",
    "-0xff",
    "0b101",
    "1_000",
    "0x_1",
    "1,000",
    "190:20:30",
    "-1:30",
    "1:30.5",
    "1.5",
    ".5",
    "5.",
    "-.5",
    "1e3",
    "1E-3",
    "1.e+3",
    "1_0.5",
    "6.8523015e+5",
    ".inf",
    "-.INF",
    "+.Inf",
    ".nan",
    ".NaN",
    "2020-01-05",
    "2020-1-5",
    "2001-12-14t21:59:43.10-05:00",
    "2001-12-14 21:59:43.10 -5",
    "2001-12-15 2:59:43.10",
    "2001-12-14T21:59:43Z",
    "10:30:00",
    "<<",
    "=",
    "---",
    "...",
    "--- x",
    "... x",
    "# c",
    " # c",
    "a: b",
    "a:",
    ": b",
    "- a",
    "-",
    "? a",
    "?",
    "&a b",
    "*a",
    "!t x",
    "!!int 3",
    "| x",
    ">",
    "|",
    "%YAML 1.1",
    "@a",
    "`a`",
    "[a]",
    "{a: b}",
    "a, b",
    "a]",
    "}",
    "'a'",
    "it's",
    "''",
    "\"a\"",
    "\\",
    "\\n",
    "C:\\x",
    "a\tb",
];

/// Values that need care in at least one style: blanks, line breaks, control characters and other
/// Unicode.
const HOSTILE: [&str; 40] = [
    "",
    " ",
    "  ",
    "\t",
    "x",
    " x",
    "x ",
    "\tx",
    "x\t",
    "\n",
    "\n\n",
    "\nx",
    "x\n",
    "x\n\n",
    "a\nb",
    "a\n\nb",
    "a\n  b",
    "a\n\tb",
    "a \nb",
    "\r",
    "a\rb",
    "\r\n",
    "a\r\nb",
    "\0",
    "\u{7}",
    "\u{7f}",
    "\u{9b}",
    "\u{a0}",
    "\u{ad}",
    "\u{85}",
    "a\u{85}b",
    "\u{2028}",
    "\u{2029}--- b",
    "\u{2028}  x",
    "\u{feff}",
    "\u{fffe}",
    "\u{200b}",
    "😀",
    "\u{10ffff}",
    "-----BEGIN-----\nMIIE\n\n-----END-----\n",
];

/// Text before or after a reference. Some of it contains line breaks of YAML 1.1 only, such as
/// U+2028.
const ADJACENT: [&str; 22] = [
    "",
    "x",
    "x ",
    " x",
    "x:",
    ":x",
    "#",
    " #",
    ": ",
    "\u{85}",
    "x\u{85}",
    "x\u{2028}",
    "\u{2029}x",
    "x\u{85}  y",
    "x\u{2028} # y",
    "x\u{85}---",
    "x\u{2028}--- ",
    "x\u{85}    y: z",
    "x\u{2028}\u{2029}y",
    "x \u{85} y",
    "\u{feff}",
    "x\u{a0}",
];

/// YAML templates for a plain or quoted scalar.
const FLOW: [&str; 41] = [
    "k: @@\n",
    "k: @@",
    "k: @@ # c\n",
    "k: @@  \nl: 1\n",
    "- @@\n",
    "- - @@\n  - x\n",
    "- @@\n- @@\n",
    "@@\n",
    "@@",
    "--- @@\n",
    "--- @@\n...\n",
    "--- @@\n---\nk: @@\n",
    "k:\n  @@\n",
    "k:\n\n    @@\n\nl: 1\n",
    "? x\n: @@\n",
    "? x\n: - @@\n",
    "'q': @@\n",
    "k: &a @@\nl: *a\n",
    "k: &a\n  @@\n",
    "k: !!str @@\n",
    "k: &a !!str @@ # c\n",
    "k: !foo @@\n",
    "k: !!binary @@\n",
    "[@@]\n",
    "[ @@ ]",
    "k: [@@, x]\n",
    "k: [x, @@,\n  y]\n",
    "{a: @@}\n",
    "{a: @@, b: x}\n",
    "k: {a: @@}\n",
    "k: [{a: @@}, b: @@]\n",
    "{\"a\":@@}\n",
    "%YAML 1.2\n---\nk: @@\n",
    "a: {<<: {b: c}, d: @@}\n",
    "# c\u{2028}# d\nk: @@\n",
    "k: @@ # c\u{85}\n",
    "k: @@ # c\u{85}l: 1\n",
    "d: \"a\u{2028}b\"\nk: @@\n",
    "d: |\n  a\u{85}  b\nk: @@\n",
    "d: |\n  a\u{85}b: c\nk: @@\n",
    "d: a\u{2028}b\nk: @@\n",
];

/// YAML templates for a block scalar. Its header replaces `@@`, and its text replaces `TT`.
const BLOCKS: [&str; 17] = [
    "k: @@\n  TT\n",
    "k: @@\n  TT",
    "k: @@\n  TT\nl: 1\n",
    "k: @@\n  TT\n\n\nl: 1\n",
    "k: @@\n  x\n  TT\n  y\n",
    "k: @@\n  x\n\n  TT\n\n  y\n",
    "k: @@\n\n  TT\n",
    "k: @@ # c\n  TT\n",
    "- @@\n  TT\n- x\n",
    "- k: @@\n    TT\n  l: x\n",
    "k: &a !!str @@\n  TT\nl: *a\n",
    "--- @@\n TT\n--- @@\n TT\n",
    "--- @@\nTT\n",
    "k: @@\n  TT\n# c\nl: 1\n",
    "k: @@ # c\u{2028}\n  TT\n",
    "k: @@ # c\u{2028}  y\n  TT\n",
    "k: @@\n  TT\u{85}  y\n",
];

const HEADERS: [&str; 9] = ["|", "|-", "|+", ">", ">-", ">+", "|2", ">2-", "|1+"];

/// TOML templates for a string.
const TABLES: [&str; 10] = [
    "k = @@\n",
    "k = @@",
    "k = @@ # c\nl = 1\n",
    "k = [@@]\n",
    "k = [ 'x', @@,\n  @@, # c\n]\n",
    "k = {a = @@, b = 'x'}\n",
    "a.b.'c' = @@\n[t]\nx = @@\n",
    "[[t]]\nk = @@\n[[t]]\nk = @@\n",
    "k = [{a = @@}, {a = [@@]}]\n",
    "# c\u{85}\nk = @@\nd = 2020-01-05\n",
];

/// Forms of TOML strings. The text replaces `TT`.
const STRINGS: [&str; 24] = [
    "'TT'",
    "\"TT\"",
    "'''TT'''",
    "\"\"\"TT\"\"\"",
    "'''\nTT'''",
    "\"\"\"\nTT\"\"\"",
    "'''TT\nx'''",
    "\"\"\"TT\nx\"\"\"",
    "'''TT\n\nx'''",
    "\"\"\"TT\n\n\"\"\"",
    "'''\n\nTT\n'''",
    "\"\"\"x\\\n  TT\"\"\"",
    "\"\"\"TT\\\n\n  x\"\"\"",
    "\"\"\"\\\n  TT\\\n\"\"\"",
    "''''TT''''",
    "'''''TT'''''",
    "\"\"\"\"TT\"\"\"\"",
    "\"\"\"\"\"TT\"\"\"\"\"",
    "'''x'TT'x'''",
    "\"\"\"x\"TT\"\"x\"\"\"",
    "\"\\tTT\\u00e9\"",
    "\"\"\"x\\r\\nTT\\n\n\"\"\"",
    "\"\"\"x\\r\nTT\"\"\"",
    "\"\"\"x  \n  TT  \n\"\"\"",
];

/// JSON templates. The text replaces `TT`.
const JSON: [&str; 4] = [
    "{\"k\": \"TT\"}",
    "[\"TT\", 1, \"\\tTT\"]\n",
    "\"TT\"",
    "\u{feff}{\"a\": {\"b\": [\"\\u007b{s.k}}TT\"]}}",
];

/// Returns the text before a reference, its value, and the text after it, for each combination.
fn parts() -> Vec<(&'static str, &'static str, &'static str)> {
    let mut parts = Vec::new();
    for token in TOKENS {
        let cuts: Vec<usize> = token
            .char_indices()
            .map(|(at, _)| at)
            .chain([token.len()])
            .collect();
        for (from, &start) in cuts.iter().enumerate() {
            parts.extend(
                cuts[from..]
                    .iter()
                    .map(|&end| (&token[..start], &token[start..end], &token[end..])),
            );
        }
    }
    for value in HOSTILE {
        for text in ADJACENT {
            parts.extend([(text, value, ""), ("", value, text), (text, value, text)]);
        }
    }
    for value in TOKENS {
        parts.extend(ADJACENT.map(|text| (text, value, "")));
    }
    parts
}

/// Counts of files that were tried, and of references that were replaced in them.
#[derive(Default)]
struct Trial {
    every: usize,
    generated: usize,
    files: usize,
    replaced: usize,
}

impl Trial {
    /// Creates a trial of one in `every` files, or of all files with `STACKREF_EXHAUSTIVE`.
    fn new(every: usize) -> Self {
        let every = if std::env::var_os("STACKREF_EXHAUSTIVE").is_some() {
            1
        } else {
            every
        };
        Self {
            every,
            ..Self::default()
        }
    }

    /// Renders a file with a value for its reference, or skips it if it is not in the part to try.
    fn try_file(&mut self, text: &dyn Fn() -> String, value: &str, syntax: Syntax) {
        self.generated += 1;
        if !self.generated.is_multiple_of(self.every) {
            return;
        }
        self.files += 1;
        let text = text();
        let rendered = std::panic::catch_unwind(|| {
            render_as(&text, &[value.to_owned()], syntax, Resolver::Render)
        });
        self.replaced += rendered
            .unwrap_or_else(|_| panic!("failed for the file {text:?} with the value {value:?}"));
    }

    fn finish(&self, name: &str) {
        eprintln!(
            "{name}: {} of {} files tried, {} references replaced",
            self.files, self.generated, self.replaced
        );
        assert!(
            self.replaced > self.files / 3,
            "too few references are replaced"
        );
    }
}

/// The text before and after a scalar in each style, and the quotes of the style.
const STYLES: [(&str, &str, &str); 9] = [
    ("", "", ""),
    ("'", "'", "'"),
    ("\"", "\"", "\""),
    ("x ", "\n    y", ""),
    ("x\n    ", "", ""),
    ("'x\n\n    ", "\n    y'", "'"),
    ("'", "\n\n    '", "'"),
    ("\"x \\\n    ", "\\\n    \"", "\""),
    ("\"\\N", "\\x41\\\n\n    y\"", "\""),
];

/// Escapes a text for the quotes around it.
fn escape_for_quotes(text: &str, quotes: &str) -> String {
    match quotes {
        "'" => text.replace('\'', "''"),
        "\"" => text.replace('\\', "\\\\").replace('"', "\\\""),
        _ => text.to_owned(),
    }
}

#[test]
fn yaml_scalar_of_any_style_in_any_position_is_rendered() {
    let mut trial = Trial::new(1201);
    for (before, value, after) in parts() {
        for template in FLOW {
            for (open, close, quotes) in STYLES {
                let text = || {
                    let written = escape_for_quotes(&format!("{before}{{{{s.k}}}}{after}"), quotes);
                    template.replace(SCALAR, &format!("{open}{written}{close}"))
                };
                trial.try_file(&text, value, Syntax::Yaml);
                trial.try_file(&|| text().replace('\n', "\r\n"), value, Syntax::Yaml);
            }
        }
    }
    trial.finish("YAML");
}

#[test]
fn yaml_block_scalar_with_any_header_is_rendered() {
    let mut trial = Trial::new(701);
    for (before, value, after) in parts() {
        for template in BLOCKS {
            for header in HEADERS {
                let text = || {
                    template
                        .replace(SCALAR, header)
                        .replace("TT", &format!("{before}{{{{s.k}}}}{after}"))
                };
                trial.try_file(&text, value, Syntax::Yaml);
                trial.try_file(&|| text().replace('\n', "\r\n"), value, Syntax::Yaml);
            }
        }
    }
    trial.finish("YAML blocks");
}

#[test]
fn toml_string_of_any_form_is_rendered() {
    let mut trial = Trial::new(1009);
    for (before, value, after) in parts() {
        for template in TABLES {
            for string in STRINGS {
                let text = || {
                    let quotes = if string.starts_with('"') { "\"" } else { "" };
                    let written = escape_for_quotes(&format!("{before}{{{{s.k}}}}{after}"), quotes);
                    template.replace(SCALAR, &string.replace("TT", &written))
                };
                trial.try_file(&text, value, Syntax::Toml);
                trial.try_file(&|| text().replace('\n', "\r\n"), value, Syntax::Toml);
            }
        }
    }
    trial.finish("TOML");
}

#[test]
fn json_string_is_rendered() {
    let mut trial = Trial::new(13);
    for (before, value, after) in parts() {
        for template in JSON {
            let written = escape_for_quotes(&format!("{before}{{{{s.k}}}}{after}"), "\"");
            trial.try_file(&|| template.replace("TT", &written), value, Syntax::Json);
        }
    }
    trial.finish("JSON");
}
