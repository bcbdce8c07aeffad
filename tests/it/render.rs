//! `render` writes the same document with the references replaced: examples, properties, and the
//! public suites.

use crate::suites::Verdict;
use crate::support::{Output, folder, git, is_installed, print_skipped, run, with_git, words};
use proptest::prelude::*;
use stackref::document::{
    Document, NodeId, NodeKind, Replacement, ScalarType, Syntax, apply, replace_parts,
};
use stackref::text::source::SourceFile;
use std::collections::HashMap;
use std::path::Path;
use std::sync::Arc;

/// Values that make a file invalid or change their type if they are inserted without quotes.
pub const HOSTILE: [&str; 52] = [
    "",
    " ",
    "x",
    "p #x",
    "a: b",
    "0123",
    "0x1F",
    "0o17",
    "1_000",
    "1.10",
    "1e3",
    "190:20:30",
    ".inf",
    "-.inf",
    ".nan",
    "yes",
    "No",
    "on",
    "null",
    "~",
    "<<",
    "=",
    "2020-01-01",
    "2020-01-01T00:00:00Z",
    "true",
    "- x",
    "? x",
    "&x",
    "*x",
    "!x",
    "|",
    ">",
    "%x",
    "@x",
    "`x`",
    "[x",
    "{x",
    "x]",
    "x, y",
    "it's",
    "say \"hi\"",
    "C:\\temp\\new",
    " lead",
    "trail ",
    "tab\tin",
    "-----BEGIN KEY-----\nMIIE\n\n-----END KEY-----\n",
    "two\nlines",
    "\nfirst empty",
    "cr\rlf\r\n",
    "nul\0bell\u{7}",
    "nel\u{85}ls\u{2028}bom\u{feff}del\u{7f}c1\u{9b}",
    "😀 ü \u{10ffff}",
];

fn parse(text: &str, syntax: Syntax) -> Result<Document, String> {
    Document::parse(Arc::new(SourceFile::new("case", text)), syntax).map_err(|error| error.message)
}

/// Replaces the ranges that `ranges` returns for each string that is not a key, and verifies the
/// result. Returns the new text and the number of changed scalars.
fn render(
    text: &str,
    syntax: Syntax,
    value: &str,
    ranges: &dyn Fn(&str) -> Vec<std::ops::Range<usize>>,
) -> (String, usize) {
    let document = parse(text, syntax).unwrap();
    let mut edits = Vec::new();
    let mut changed = HashMap::new();
    for (id, node) in document.nodes() {
        let NodeKind::Scalar(scalar) = &node.kind else {
            continue;
        };
        let old = document.text(id).unwrap();
        let parts: Vec<_> = ranges(old)
            .into_iter()
            .map(|range| Replacement { range, text: value })
            .collect();
        if node.key || scalar.ty != ScalarType::String || parts.is_empty() {
            continue;
        }
        edits.extend(document.encode(id, &parts));
        changed.insert(id, replace_parts(old, &parts));
    }
    edits.sort_by_key(|edit| edit.span);
    let new = apply(text, &edits).unwrap_or_else(|| panic!("edits overlap in {text:?}"));
    let reparsed = parse(&new, syntax)
        .unwrap_or_else(|error| panic!("{error}: {text:?} with {value:?} gave {new:?}"));
    if let Some(id) = document.find_difference(&reparsed, &changed) {
        let actual = reparsed.text(id);
        panic!(
            "{text:?} with {value:?} gave {new:?}: {:?} is {actual:?}",
            changed.get(&id).map(String::as_str)
        );
    }
    (new, changed.len())
}

fn braces(text: &str) -> Vec<std::ops::Range<usize>> {
    stackref::zenml::grammar::find_braces(text)
        .into_iter()
        .map(|piece| piece.range)
        .collect()
}

#[test]
fn hostile_values_are_preserved_in_every_style_of_yaml() {
    let scalars = [
        "{{a.b}}",
        "'{{a.b}}'",
        "\"{{a.b}}\"",
        "'it''s {{a.b}}!'",
        "\"x\\t{{a.b}}\\n\"",
        "x{{a.b}}y",
        "x{{a.b}}y\n    more {{c.d}}",
        "'x {{a.b}}\n    {{c.d}}'",
        "\"x {{a.b}} \\\n    {{c.d}}\"",
        "|\n    {{a.b}}\n",
        "|-\n    {{a.b}}\n",
        "|+\n    {{a.b}}\n\n",
        "|  # c\n    x\n    {{a.b}}y\n\n    z\n",
        ">\n    {{a.b}}\n",
        ">-\n    x {{a.b}}\n    {{c.d}} y\n",
        "|2\n      {{a.b}}\n",
        "!!str '{{a.b}}'",
        "&n '{{a.b}}'",
        "[ '{{a.b}}', \"{{a.b}}\", x ]",
        "{ k: '{{a.b}}', l: x }",
        "|\n    {{a.b}}",
        ">-\n    {{a.b}}",
    ];
    let mut cases = 0;
    for scalar in scalars {
        for (before, after) in [
            ("k:\n  j: ", ""),
            ("# c\nk:\n- x\n-\n  j: ", "\n# d\nlast: 1"),
            ("k:\n  j: ", "\n\n\nlast: 1\n"),
        ] {
            // A plain scalar cannot begin with a brace.
            if scalar.starts_with("{{") || (after.is_empty() && scalar.ends_with("\n\n")) {
                continue;
            }
            let text = format!("{before}{scalar}{after}");
            parse(&text, Syntax::Yaml).unwrap();
            for text in [text.clone(), text.replace('\n', "\r\n")] {
                for value in HOSTILE {
                    render(&text, Syntax::Yaml, value, &braces);
                    cases += 1;
                }
            }
        }
    }
    assert!(cases > 5_000, "{cases}");
}

#[test]
fn hostile_values_are_preserved_in_every_string_of_toml_and_json() {
    for scalar in [
        "'{{a.b}}'",
        "\"{{a.b}}\"",
        "\"x\\t{{a.b}}\\n\"",
        "'''{{a.b}}'''",
        "'''\nx\n{{a.b}}\n'''",
        "\"\"\"{{a.b}}\"\"\"",
        "\"\"\"\nx \\\n   {{a.b}}\n\"\"\"",
        "['{{a.b}}', {x = \"{{a.b}}\"}]",
    ] {
        for text in [
            format!("k = {scalar} # c\n[t]\nx = 1"),
            format!("k = {scalar} # c\r\n[t]\r\nx = 1"),
        ] {
            for value in HOSTILE {
                render(&text, Syntax::Toml, value, &braces);
            }
        }
    }
    for text in [
        "{\"k\": \"{{a.b}}\", \"l\": [1, \"x\\u007b{a.b}}\\ty {{c.d}}\"]}",
        "\u{feff}[\r\n\"{{a.b}}\"]",
    ] {
        for value in HOSTILE {
            render(text, Syntax::Json, value, &braces);
        }
    }
}

#[test]
fn second_parser_of_each_syntax_reads_the_value() {
    for value in HOSTILE {
        for (text, style) in [
            ("k: '{{a.b}}'\n", "single"),
            ("k: \"{{a.b}}\"\n", "double"),
            ("k: x{{a.b}}\n", "plain"),
            ("k: |-\n  x{{a.b}}\n", "block"),
        ] {
            let (new, _) = render(text, Syntax::Yaml, value, &braces);
            let second: serde_yaml::Value =
                serde_yaml::from_str(&new).unwrap_or_else(|error| panic!("{error} {new:?}"));
            let expected = if style == "plain" || style == "block" {
                format!("x{value}")
            } else {
                value.to_owned()
            };
            assert_eq!(
                second["k"].as_str(),
                Some(expected.as_str()),
                "{style} {new:?}"
            );
        }
        let (new, _) = render("k = '{{a.b}}'\n", Syntax::Toml, value, &braces);
        assert_eq!(
            toml::from_str::<toml::Table>(&new).unwrap()["k"].as_str(),
            Some(value)
        );
        let (new, _) = render("{\"k\": \"{{a.b}}\"}", Syntax::Json, value, &braces);
        assert_eq!(
            serde_json::from_str::<serde_json::Value>(&new).unwrap()["k"].as_str(),
            Some(value)
        );
    }
}

#[test]
fn rendering_changes_as_little_as_possible() {
    for (text, value, expected) in [
        ("k: '{{a.b}}' # c\n", "it's", "k: 'it''s' # c\n"),
        ("k: '{{a.b}}'\n", "0123", "k: '0123'\n"),
        ("k: \"x {{a.b}}\"\n", "C:\\t", "k: \"x C:\\\\t\"\n"),
        ("k: x/{{a.b}}/y\n", "v1", "k: x/v1/y\n"),
        ("k: x{{a.b}}\n", " #", "k: \"x #\"\n"),
        ("k: '{{a.b}}'\n", "two\nlines", "k: \"two\\nlines\"\n"),
        (
            "k: |\n  {{a.b}}\nl: 1\n",
            "two\nlines",
            "k: |\n  two\n  lines\nl: 1\n",
        ),
        (
            "k: |-\n  {{a.b}}\nl: 1\n",
            "PEM\nX\n",
            "k: |\n  PEM\n  X\nl: 1\n",
        ),
        (
            "k: | # c\n  {{a.b}}\n\n\nl: 1\n",
            "PEM\nX\n",
            "k: |+ # c\n  PEM\n  X\n\nl: 1\n",
        ),
        (
            "k: |\n  x\n  {{a.b}}\nl: 1\n",
            "\u{85}",
            "k: \"x\\n\\x85\\n\"\nl: 1\n",
        ),
        ("k: \"\\x41 {{a.b}}\"\n", "v", "k: \"\\x41 v\"\n"),
        ("k: 'a\t{{a.b}}'\n", "v", "k: 'a\tv'\n"),
        ("k: 'x\n  {{a.b}}'\n", "v", "k: 'x v'\n"),
        ("k: '{{a.b}}'\n", "\u{2028}", "k: \"\\u2028\"\n"),
        (
            "k: >\n  x\n  {{a.b}}\n  y\nl: 1\n",
            "v",
            "k: >\n  x\n  v\n  y\nl: 1\n",
        ),
        ("k: >\n  x\n   y {{a.b}}\n", "v", "k: \"x\\n y v\\n\"\n"),
        ("k: >\n  x {{a.b}}\n", " v", "k: \"x  v\\n\"\n"),
        (
            "k: |\r\n  {{a.b}}\r\nl: 1\r\n",
            "two\nlines",
            "k: |\r\n  two\r\n  lines\r\nl: 1\r\n",
        ),
        (
            "k: |\r  {{a.b}}\rl: 1\r",
            "two\nlines",
            "k: |\r  two\r  lines\rl: 1\r",
        ),
        ("k: |-\n  {{a.b}}", "two\nlines", "k: |-\n  two\n  lines"),
        (
            "k: |\n  {{a.b}}\n  \nl: 1\n",
            "two\nlines",
            "k: |\n  two\n  lines\n  \nl: 1\n",
        ),
        (
            "k: |+\n  {{a.b}}\n\nl: 1\n",
            "two\nlines",
            "k: |+\n  two\n  lines\n\nl: 1\n",
        ),
        ("k: |\n  x\n\n  {{a.b}}\n", "v", "k: |\n  x\n\n  v\n"),
    ] {
        assert_eq!(render(text, Syntax::Yaml, value, &braces).0, expected);
    }
    for (text, value, expected) in [
        ("k = '{{a.b}}'", "a\tb", "k = 'a\tb'"),
        ("k = '{{a.b}}'", "it's", "k = \"it's\""),
        ("k = '{{a.b}}'", "\u{1}", "k = \"\\u0001\""),
        ("k = \"\\u0041 {{a.b}}\"", "a b", "k = \"\\u0041 a b\""),
        ("k = \"{{a.b}}\"", " a b", "k = \"\\u0020a b\""),
        (
            "k = \"\"\"\nx \\\n  {{a.b}}\n\"\"\"",
            "v",
            "k = \"\"\"\nx \\\n  v\n\"\"\"",
        ),
        ("k = '''\nx\n{{a.b}}'''", "v", "k = '''\nx\nv'''"),
        (
            "k = '''\nx\n{{a.b}}\n'''",
            "it's",
            "k = \"\"\"\nx\nit's\n\"\"\"",
        ),
        (
            "k = '''\r\nx\r\n{{a.b}}'''",
            "a\nb'",
            "k = \"\"\"\r\nx\r\na\\nb'\"\"\"",
        ),
    ] {
        assert_eq!(render(text, Syntax::Toml, value, &braces).0, expected);
    }
    let json = render(
        "[\"\\u0041 {{a.b}}\\/\"]",
        Syntax::Json,
        "say \"\u{2028}\"",
        &braces,
    )
    .0;
    assert_eq!(json, "[\"\\u0041 say \\\"\\u2028\\\"\\/\"]");
}

fn value() -> impl Strategy<Value = String> {
    prop_oneof![
        3 => proptest::sample::select(HOSTILE.to_vec()).prop_map(str::to_owned),
        2 => any::<String>(),
        2 => "[a-z0-9:#'\"{}\\[\\], \n\t\\\\|>&*!%@`=<~-]{0,20}",
    ]
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 1024, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn any_value_is_preserved_in_any_style(value in value(), which in 0..14_usize, crlf in any::<bool>(), before in "[a-z ]{0,5}", after in "[a-z ]{0,5}") {
        let inner = format!("{before}{{{{a.b}}}}{after}");
        let trimmed = inner.trim();
        let (text, syntax) = match which {
            0 => (format!("- k: '{inner}'\n  l: 1\n"), Syntax::Yaml),
            1 => (format!("- k: \"{inner}\"\n"), Syntax::Yaml),
            2 => (format!("- k: x{trimmed}\n"), Syntax::Yaml),
            3 => (format!("- k: |\n    {trimmed}\n  l: 1\n"), Syntax::Yaml),
            4 => (format!("- k: |-\n    x\n\n    {trimmed}\n\n\n- 1\n"), Syntax::Yaml),
            5 => (format!("- k: >\n    x\n    {trimmed}\n    y\n- 1\n"), Syntax::Yaml),
            6 => (format!("- k: |+\n    {trimmed}\n    {trimmed}\n\n- 1\n"), Syntax::Yaml),
            7 => (format!("- [a, '{inner}', {{b: \"{inner}\"}}]\n"), Syntax::Yaml),
            8 => (format!("a = '{inner}'\n"), Syntax::Toml),
            9 => (format!("a = \"\"\"\n{inner}\n\"\"\"\n"), Syntax::Toml),
            10 => (format!("a = [ '''{inner}''' ]\n"), Syntax::Toml),
            11 => (format!("{{\"a\": \"{inner}\"}}\n"), Syntax::Json),
            12 => (format!("--- |\n {trimmed}\n--- >-\n {trimmed}\n"), Syntax::Yaml),
            _ => (format!("- k: '{before}\n\n    {trimmed}'\n- \"{trimmed} \\\n  {trimmed}\"\n"), Syntax::Yaml),
        };
        let text = if crlf { text.replace('\n', "\r\n") } else { text };
        let (new, changed) = render(&text, syntax, &value, &braces);
        prop_assert!(changed > 0, "{text:?}");
        if syntax == Syntax::Yaml && !new.contains('\r') {
            let (first, second) = (parse(&new, syntax).unwrap(), serde_yaml::Deserializer::from_str(&new));
            // serde_yaml reads YAML 1.1, one document at a time.
            for (root, document) in first.roots().iter().zip(second) {
                use serde::Deserialize as _;
                let second = serde_yaml::Value::deserialize(document).unwrap_or_else(|error| panic!("{error} {new:?}"));
                assert_same(&first, *root, &second, &new);
            }
        }
    }
}

fn assert_same(document: &Document, id: NodeId, second: &serde_yaml::Value, text: &str) {
    match second {
        serde_yaml::Value::Sequence(items) => {
            for (item, second) in document.items(id).unwrap().iter().zip(items) {
                assert_same(document, *item, second, text);
            }
        }
        serde_yaml::Value::Mapping(entries) => {
            for ((_, value), (_, second)) in document.entries(id).unwrap().iter().zip(entries) {
                assert_same(document, *value, second, text);
            }
        }
        serde_yaml::Value::String(second) => {
            assert_eq!(document.text(id), Some(second.as_str()), "{text:?}");
        }
        _ => {}
    }
}

/// Replaces the whole text of each string that is not a key. Returns the number of changed strings.
fn replace_strings(name: &str, text: &str, syntax: Syntax, value: &str) -> usize {
    let whole = |old: &str| {
        std::iter::once(0..old.len())
            .filter(|range| !range.is_empty())
            .collect()
    };
    std::panic::catch_unwind(|| render(text, syntax, value, &whole).1)
        .unwrap_or_else(|_| panic!("{name}"))
}

#[test]
fn hostile_values_are_preserved_in_every_string_of_the_public_suites() {
    for (syntax, least) in [(Syntax::Yaml, 0), (Syntax::Json, 0), (Syntax::Toml, 10_000)] {
        let cases = crate::suites::cases(syntax);
        if cases.is_empty() {
            print_skipped(&format!(
                "the public suite of {} is not installed",
                syntax.name()
            ));
            continue;
        }
        let mut rendered = 0;
        for case in cases {
            let Some(text) = case
                .text()
                .filter(|text| case.verdict == Verdict::Valid && parse(text, syntax).is_ok())
            else {
                continue;
            };
            rendered += HOSTILE
                .iter()
                .map(|value| replace_strings(&case.name, text, syntax, value))
                .sum::<usize>();
        }
        eprintln!("{}: {rendered} scalars rendered", syntax.name());
        assert!(rendered > least);
    }
}

const STACK: &str = "# prod\nstack_name: prod\nzenml_version: 0.98.0\ncomponents:\n  orchestrator:\n    flavor: ours # keep\n    name: o\n    count: 0x1F\n    password: '{{db.password}}'\n    user: \"{{ db.user }}\"\n    again: '{{db.password}}'\n";
const VALUES: &str = "db:\n  password: \"hunter2: 'x' #\\n\"\n  user: admin\nunused: {a: b}\n";

fn run_line(folder: &Path, line: &str) -> Output {
    run(&words(line), folder, b"")
}

#[test]
fn stack_is_rendered_completely_with_private_modes() {
    use std::os::unix::fs::PermissionsExt as _;
    let folder = folder(&[
        ("stacks/prod.yaml", STACK),
        ("secrets.inventory.yaml", VALUES),
        ("stacks/none.stack.toml", "stack_name = 's'\n"),
    ]);
    let output = run_line(folder.path(), "render -o out");
    assert_eq!((output.code, output.stdout.as_str()), (0, ""), "{output:?}");
    assert_eq!(output.stderr, "rendered 2 files, 3 references, to `out`\n");
    let at = |name: &str| folder.path().join("out").join(name);
    let text = std::fs::read_to_string(at("stacks/prod.yaml")).unwrap();
    let expected = STACK
        .replace("'{{db.password}}'", "\"hunter2: 'x' #\\n\"")
        .replace("{{ db.user }}", "admin");
    assert_eq!(text, expected);
    assert_eq!(
        std::fs::read_to_string(at("stacks/none.stack.toml")).unwrap(),
        "stack_name = 's'\n"
    );
    let mode = |name: &str| std::fs::metadata(at(name)).unwrap().permissions().mode() & 0o777;
    assert_eq!((mode("stacks/prod.yaml"), mode("stacks")), (0o600, 0o700));
    // The next run does not read the rendered files.
    assert_eq!(
        run_line(folder.path(), "render -o out --mode 640").stderr,
        output.stderr
    );
    assert_eq!(mode("stacks/prod.yaml"), 0o640);
    assert_eq!(std::fs::read_dir(at("stacks")).unwrap().count(), 2);
    std::fs::remove_dir_all(folder.path().join("out")).unwrap();
    let output = run_line(folder.path(), "render -o only --only-changed");
    assert_eq!(output.stderr, "rendered 1 file, 3 references, to `only`\n");
}

#[test]
fn stdout_check_and_diff_write_no_file() {
    let folder = folder(&[("prod.yaml", STACK), ("secrets.inventory.yaml", VALUES)]);
    let output = run_line(folder.path(), "render --stdout");
    assert!(
        output.stdout.contains("user: \"admin\"") && output.code == 0,
        "{output:?}"
    );
    let output = run_line(folder.path(), "render --check -o out");
    assert_eq!((output.code, output.stdout.as_str()), (0, ""));
    let output = run_line(folder.path(), "render --diff");
    assert!(
        output
            .stdout
            .contains("@@ line 9 @@\n-    password: '{{db.password}}'\n+    password: '***'\n"),
        "{}",
        output.stdout
    );
    assert!(!output.stdout.contains("hunter2") && !output.stdout.contains("admin"));
    assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 2);
}

#[test]
fn stdout_contains_a_complete_document_or_nothing() {
    let wrong = STACK
        .replace("{{ db.user }}", "{{ db.usr }}")
        .replace("prod", "wrong");
    let warned = STACK.replace("'{{db.password}}'", "hunter2");
    let broken = "components: [\nstack_name: x\n";
    let ignored = STACK.replace(
        "'{{db.password}}'",
        "'{{gone.x}}' # stackref: ignore[unknown-secret]",
    );
    let (names, bad) = ("db: [user, password]\n", "db: {password: yes, user: a}\n");
    let refused = "[inventory.x]\nkind = \"command\"\nnames = [\"false\"]\nvalue = [\"false\", \"{secret}\"]\n";
    let strict = "[rules]\nempty-value = \"error\"\n";
    let empty = "db: {password: '', user: a}\n";
    let two = [
        ("prod.yaml", STACK),
        ("other.yaml", STACK),
        ("secrets.inventory.yaml", VALUES),
    ];
    let one = |stack, inventory| {
        [
            ("prod.yaml", stack),
            ("secrets.inventory.yaml", inventory),
            ("stackref.toml", ""),
        ]
    };
    let configured = |config| {
        [
            ("prod.yaml", STACK),
            ("secrets.inventory.yaml", empty),
            ("stackref.toml", config),
        ]
    };
    let failing = [
        (
            folder(&one(&wrong, VALUES)),
            "render --stdout",
            "unknown-key",
        ),
        (
            folder(&one(&wrong, VALUES)),
            "render --stdout prod.yaml --stack wrong",
            "unknown-key",
        ),
        (
            folder(&one(broken, VALUES)),
            "render --stdout prod.yaml",
            "syntax-error",
        ),
        (
            folder(&one(&ignored, VALUES)),
            "render --stdout",
            "cannot resolve",
        ),
        (
            folder(&one(STACK, names)),
            "render --stdout",
            "has no values",
        ),
        (folder(&one(STACK, bad)), "render --stdout", "quote"),
        (
            folder(&one("a: 1\n", VALUES)),
            "render --stdout --only-changed prod.yaml",
            "nothing to render",
        ),
        (
            folder(&one(STACK, VALUES)),
            "render --stdout --stack none",
            "none",
        ),
        (
            folder(&one(STACK, VALUES)),
            "render --stdout --inventory none.yaml",
            "none.yaml",
        ),
        (
            folder(&one(STACK, VALUES)),
            "render --stdout none.yaml",
            "none.yaml",
        ),
        (
            folder(&one(STACK, VALUES)),
            "render --stdout --format json",
            "--format",
        ),
        (
            folder(&one(STACK, VALUES)),
            "render --stdout --check",
            "--check",
        ),
        (folder(&two), "render --stdout", "2 files"),
        (
            folder(&configured(strict)),
            "render --stdout",
            "empty-value",
        ),
        (
            folder(&configured(refused)),
            "render --stdout",
            "stackref trust",
        ),
        (
            folder(&configured("level = 3\n")),
            "render --stdout",
            "level",
        ),
        (folder(&one(&wrong, VALUES)), "render --diff", "unknown-key"),
        (folder(&one(STACK, bad)), "inventory snapshot", "quote"),
        (
            folder(&one(STACK, VALUES)),
            "inventory snapshot --inventory none.yaml",
            "none.yaml",
        ),
        (
            folder(&one(STACK, VALUES)),
            "inventory snapshot --format json --none",
            "--none",
        ),
        (
            folder(&one(STACK, VALUES)),
            "init --dry-run",
            "already exists",
        ),
        (
            folder(&one(STACK, VALUES)),
            "init --dry-run --format json",
            "--format",
        ),
        (
            folder(&one(STACK, VALUES)),
            "schema config --format json",
            "--format",
        ),
    ];
    for (folder, line, expected) in &failing {
        let output = run_line(folder.path(), line);
        assert!(
            output.code > 0 && output.stdout.is_empty(),
            "{line}: {output:?}"
        );
        assert!(output.stderr.contains(expected), "{line}: {output:?}");
    }
    // Warnings do not stop a render.
    let folder = folder(&one(&warned, VALUES));
    let output = run_line(folder.path(), "render --stdout");
    assert_eq!(
        (output.code, output.stdout),
        (0, warned.replace("{{ db.user }}", "admin")),
        "{}",
        output.stderr
    );
    assert!(
        output.stderr.contains("warning[plaintext-secret]"),
        "{}",
        output.stderr
    );
    let output = run_line(folder.path(), "render --diff");
    assert!(
        output.stdout.starts_with("--- prod.yaml") && output.stderr.contains("plaintext-secret"),
        "{output:?}"
    );
}

#[test]
fn finding_stops_the_render_and_is_reported_as_by_check() {
    let wrong = STACK
        .replace("{{ db.user }}", "{{ db.usr }}")
        .replace("prod", "wrong");
    let folder = folder(&[
        ("prod.yaml", STACK),
        ("wrong.yaml", &wrong),
        ("secrets.inventory.yaml", VALUES),
    ]);
    let output = run_line(folder.path(), "render -o out");
    assert_eq!(output.code, 1);
    let check = run_line(folder.path(), "check");
    assert!(
        output.stdout.contains("unknown-key") && check.stdout.contains(&output.stdout),
        "{}",
        output.stdout
    );
    assert!(!folder.path().join("out").exists());
    // The other stack has no findings.
    assert_eq!(
        run_line(folder.path(), "render -o out --stack prod").code,
        0
    );
    let output = run_line(folder.path(), "render -o out --stack prd");
    assert!(
        output.code == 2 && output.stderr.contains("did you mean `prod`?"),
        "{output:?}"
    );
}

#[test]
fn reference_with_an_ignored_finding_cannot_be_rendered() {
    let text = STACK.replace(
        "'{{db.password}}'",
        "'{{gone.x}}' # stackref: ignore[unknown-secret]",
    );
    let folder = folder(&[("prod.yaml", &text), ("secrets.inventory.yaml", VALUES)]);
    let output = run_line(folder.path(), "render -o out");
    assert!(
        output.code == 1 && output.stderr.contains("cannot resolve `gone.x`"),
        "{output:?}"
    );
    assert!(!folder.path().join("out").exists());
}

#[test]
fn names_without_values_cannot_be_rendered() {
    let folder = folder(&[
        ("prod.yaml", STACK),
        ("secrets.inventory.yaml", "db: [user, password]\n"),
    ]);
    let output = run_line(folder.path(), "render -o out");
    assert!(
        output.code == 2 && output.stderr.contains("has no values for `db`, only names"),
        "{output:?}"
    );
}

#[test]
fn literal_is_kept_and_value_is_not_expanded() {
    let text = STACK.replace(
        "'{{db.password}}'\n    user",
        "'{{db.password}}' # stackref: literal\n    user",
    );
    let folder = folder(&[
        ("prod.yaml", &text),
        (
            "secrets.inventory.yaml",
            "db: {password: '{{db.user}}', user: '{{x.y}}'}\n",
        ),
    ]);
    let output = run_line(folder.path(), "render --stdout");
    assert!(
        output.stdout.contains(
            "password: '{{db.password}}' # stackref: literal\n    user: \"{{x.y}}\"\n    again: '{{db.user}}'\n"
        ),
        "{output:?}"
    );
}

#[test]
fn resolver_render_replaces_references_anywhere() {
    let text =
        "note: 'by {{db.user}} and {{db.user}}'\nlist:\n- mysql://{{db.user}}:{{db.password}}@h\n";
    let folder = folder(&[
        (
            "stackref.toml",
            "resolver = \"render\"\nfiles.include = [\"x.stack.yaml\"]\n",
        ),
        ("x.stack.yaml", text),
        (
            "secrets.inventory.yaml",
            "db: {user: o'neil, password: 'p#: x'}\n",
        ),
    ]);
    let output = run_line(folder.path(), "render --stdout");
    assert_eq!(
        output.stdout,
        "note: 'by o''neil and o''neil'\nlist:\n- \"mysql://o'neil:p#: x@h\"\n"
    );
}

#[test]
fn output_that_git_tracks_or_that_is_a_link_or_an_input_is_rejected() {
    let Some(path) = with_git() else { return };
    let folder = folder(&[
        ("prod.yaml", STACK),
        ("secrets.inventory.yaml", VALUES),
        (".gitignore", "/safe/\n"),
        ("file", "x"),
    ]);
    git(folder.path(), &["init", "-q"]);
    let run_with_git = |line: &str| {
        let output = run(
            &[&[path.as_str()], words(line).as_slice()].concat(),
            folder.path(),
            b"",
        );
        (output.code, output.stderr)
    };
    let (code, stderr) = run_with_git("render -o out");
    assert!(
        code == 2 && stderr.contains("not ignored") && stderr.contains("--allow-tracked"),
        "{stderr}"
    );
    assert_eq!(run_with_git("render -o safe").0, 0);
    assert_eq!(run_with_git("render -o out --allow-tracked").0, 0);
    let (code, stderr) = run_with_git("render -o . --allow-tracked");
    assert!(
        code == 2 && stderr.contains("overwrite an input"),
        "{stderr}"
    );
    let (code, stderr) = run_with_git("render -o file --allow-tracked");
    assert!(code == 2 && stderr.contains("is not a folder"), "{stderr}");
    std::fs::create_dir(folder.path().join("sub")).unwrap();
    std::fs::copy(
        folder.path().join("prod.yaml"),
        folder.path().join("sub/prod.yaml"),
    )
    .unwrap();
    std::os::unix::fs::symlink("/tmp", folder.path().join("safe/sub")).unwrap();
    let (code, stderr) = run_with_git("render -o safe");
    assert!(code == 2 && stderr.contains("symbolic link"), "{stderr}");
    assert_eq!(
        std::fs::read_to_string(folder.path().join("prod.yaml")).unwrap(),
        STACK
    );
}

#[test]
fn old_temporary_files_are_removed_and_an_output_link_is_replaced() {
    let folder = folder(&[
        ("prod.yaml", STACK),
        ("secrets.inventory.yaml", VALUES),
        ("else.txt", "x"),
    ]);
    let temporary = format!(
        "out/{}",
        stackref::system::write::staging_name(999_999_999, 0)
    );
    crate::support::write(folder.path(), &temporary, b"hunter2");
    std::os::unix::fs::symlink("../else.txt", folder.path().join("out/prod.yaml")).unwrap();
    assert_eq!(run_line(folder.path(), "render -o out").code, 0);
    let names: Vec<_> = std::fs::read_dir(folder.path().join("out"))
        .unwrap()
        .map(|entry| entry.unwrap().file_name())
        .collect();
    assert_eq!(names, ["prod.yaml"]);
    assert_eq!(
        std::fs::read_to_string(folder.path().join("else.txt")).unwrap(),
        "x"
    );
}

#[test]
fn output_path_of_a_file_above_is_relative_to_the_repository() {
    let Some(path) = with_git() else { return };
    let folder = folder(&[
        ("a/prod.yaml", STACK),
        ("b/x", ""),
        ("secrets.inventory.yaml", VALUES),
        (".gitignore", "out/\n"),
    ]);
    git(folder.path(), &["init", "-q"]);
    let output = run(
        &[&path, "render", "../a/prod.yaml", "-o", "out"],
        &folder.path().join("b"),
        b"",
    );
    assert_eq!(output.code, 0, "{output:?}");
    assert!(folder.path().join("b/out/a/prod.yaml").is_file());
}

#[test]
fn uncreatable_folder_and_empty_selection_are_reported() {
    let folder = folder(&[
        ("prod.yaml", STACK),
        ("secrets.inventory.yaml", VALUES),
        ("file", "x"),
        ("empty/x.txt", ""),
    ]);
    let output = run_line(folder.path(), "render -o file/sub");
    assert!(
        output.code == 2 && output.stderr.contains("cannot create"),
        "{output:?}"
    );
    let output = run_line(folder.path(), "render empty -o out");
    assert!(
        output.code == 2 && output.stderr.contains("nothing to render"),
        "{output:?}"
    );
    let output = run_line(folder.path(), "render");
    assert!(
        output.code == 2 && output.stderr.contains("--output"),
        "{output:?}"
    );
}

/// Kills runs at different times. Each file is the complete old or new one, and the next run leaves
/// no other files.
#[test]
fn killed_run_leaves_complete_files() {
    let files: Vec<(String, String)> = (0..200)
        .map(|at| {
            (
                format!("s{at}.stack.yaml"),
                format!("{STACK}# {}\n", "x".repeat(5_000)),
            )
        })
        .collect();
    let listed: Vec<(&str, &str)> = files
        .iter()
        .map(|(name, text)| (name.as_str(), text.as_str()))
        .collect();
    let folder = folder(&listed);
    let values = |password: &str| {
        crate::support::write(
            folder.path(),
            "secrets.inventory.yaml",
            format!("db: {{user: u, password: {password}}}\n").as_bytes(),
        );
    };
    values("old");
    assert_eq!(run_line(folder.path(), "render -o out").code, 0);
    let is_complete = |name: &str| {
        let text = std::fs::read_to_string(folder.path().join("out").join(name)).unwrap();
        ["old", "new"].iter().any(|password| {
            text == files[0]
                .1
                .replace("{{db.password}}", password)
                .replace("{{ db.user }}", "u")
        })
    };
    values("new");
    for trial in 0..20_u64 {
        let mut command = std::process::Command::new(env!("CARGO_BIN_EXE_stackref"));
        command
            .args(["render", "-o", "out"])
            .current_dir(folder.path())
            .env_clear();
        let mut child = command
            .stdout(std::process::Stdio::null())
            .stderr(std::process::Stdio::null())
            .spawn()
            .unwrap();
        std::thread::sleep(std::time::Duration::from_millis(trial * 7));
        let _ = child.kill();
        child.wait().unwrap();
        assert!(
            files.iter().all(|(name, _)| is_complete(name)),
            "trial {trial}"
        );
    }
    assert_eq!(run_line(folder.path(), "render -o out").code, 0);
    assert_eq!(
        std::fs::read_dir(folder.path().join("out"))
            .unwrap()
            .count(),
        200
    );
}

/// A file without references is copied byte for byte.
#[test]
fn references_that_refs_lists_are_replaced() {
    for resolver in ["zenml", "render"] {
        let config = format!("resolver = \"{resolver}\"\n");
        let folder = folder(&[
            ("stackref.toml", config.as_str()),
            ("prod.yaml", STACK),
            ("bytes.stack.yaml", "\u{feff}stack_name:   s\r\nb: [ x ]"),
            ("secrets.inventory.yaml", VALUES),
        ]);
        let listed = run_line(folder.path(), "refs --format json").stdout;
        let listed: serde_json::Value = serde_json::from_str(&listed).unwrap();
        let output = run_line(folder.path(), "render -o out");
        let count = listed["references"].as_array().unwrap().len();
        assert!(
            output.stderr.contains(&format!("{count} references")),
            "{}",
            output.stderr
        );
        let bytes = |name: &str| std::fs::read(folder.path().join(name)).unwrap();
        assert_eq!(bytes("out/bytes.stack.yaml"), bytes("bytes.stack.yaml"));
        assert!(
            !String::from_utf8(bytes("out/prod.yaml"))
                .unwrap()
                .contains("{{")
        );
    }
}

#[test]
fn python_reads_the_rendered_values() {
    let folder = folder(&[
        ("stackref.toml", "resolver = \"render\"\n"),
        (
            "a.stack.json",
            "{\"k\": \"{{s.v}}\", \"stack_name\": \"s\"}",
        ),
        ("b.stack.toml", "k = '{{s.v}}'\nstack_name = 's'\n"),
        (
            "secrets.inventory.json",
            "{\"s\": {\"v\": \"it's \\\"q\\\" \\\\ \\n # \\u0007 ü\"}}",
        ),
    ]);
    assert_eq!(run_line(folder.path(), "render -o out").code, 0);
    let script = "import json, sys; sys.version_info >= (3, 11) or sys.exit('tomllib needs Python 3.11'); import tomllib; e = json.load(open('secrets.inventory.json'))['s']['v']; \
                  assert json.load(open('out/a.stack.json'))['k'] == e; \
                  assert tomllib.load(open('out/b.stack.toml', 'rb'))['k'] == e; print('same')";
    if !is_installed("python3") {
        return;
    }
    let output = std::process::Command::new("python3")
        .args(["-c", script])
        .current_dir(folder.path())
        .output()
        .unwrap();
    if String::from_utf8_lossy(&output.stderr).contains("tomllib needs") {
        print_skipped("`python3` is older than 3.11 and has no `tomllib`");
        return;
    }
    assert_eq!(
        String::from_utf8_lossy(&output.stdout),
        "same\n",
        "{output:?}"
    );
}

#[test]
fn values_that_once_failed_are_preserved() {
    for (text, value, expected) in [
        ("k: |\n  a{{s.v}}", "\0", "k: \"a\\0\""),
        ("k: >\n  a{{s.v}}", "\tx", "k: \"a\\tx\""),
        ("k: !foo \"{{s.v}}\"\n", "abc", "k: !foo \"abc\"\n"),
        ("k: !!float '{{s.v}}'\n", "1", "k: !!float '1'\n"),
        ("--- >\n{{s.v}}\n", "---", "--- \"---\\n\"\n"),
        ("k: |\r  {{s.v}}\r", "\nx", "k: |\r\r  x\r"),
        // The value completes a date.
        ("k: 2020-01-0{{s.v}}\n", "5", "k: \"2020-01-05\"\n"),
        (
            "k: 2001-12-14t21:{{s.v}}:43\n",
            "59",
            "k: \"2001-12-14t21:59:43\"\n",
        ),
        ("k: 2020-01-0{{s.v}}\n", "x", "k: 2020-01-0x\n"),
        // A line break only in YAML 1.1.
        ("k: 'a\u{85}{{s.v}}'\n", "  b", "k: \"a\\x85  b\"\n"),
        (
            "k: \"\u{2028}{{s.v}}\" # c\n",
            "--- b",
            "k: \"\\u2028--- b\" # c\n",
        ),
        ("k: x\u{2029}  {{s.v}}\n", "b", "k: \"x\\u2029  b\"\n"),
        ("k: x{{s.v}} \u{85}# y\n", "b", "k: \"xb \\x85# y\"\n"),
        (
            "k: |\n  a\u{85}  {{s.v}}\nl: 1\n",
            "b",
            "k: \"a\\x85  b\\n\"\nl: 1\n",
        ),
        (
            "k: >\n  a\u{2028}  b\n  {{s.v}}\nl: 1\n",
            "b",
            "k: \"a\\u2028  b b\\n\"\nl: 1\n",
        ),
        (
            "# c\u{85}# d\nd: \"a\u{2028}b\"\nk: x{{s.v}}\n",
            "b",
            "# c\u{85}# d\nd: \"a\u{2028}b\"\nk: xb\n",
        ),
    ] {
        assert_eq!(render_all(text, Syntax::Yaml, value), expected);
    }
    for (text, value, expected) in [
        // The first line break of a multi-line string is not part of its value.
        ("k = QQQ{{s.v}}\nxQQQ", "", "k = \"\"\"\n\nx\"\"\""),
        ("k = \"\"\"{{s.v}}\nx\"\"\"", "", "k = \"\"\"\n\nx\"\"\""),
        ("k = \"\"\"\n{{s.v}}\nx\"\"\"", "", "k = \"\"\"\n\nx\"\"\""),
        ("k = QQQ{{s.v}}\r\nxQQQ", "", "k = \"\"\"\r\n\r\nx\"\"\""),
        // Neither is the white space after a backslash at the end of a line.
        (
            "k = \"\"\"a\\\n{{s.v}}\nx\"\"\"",
            "",
            "k = \"\"\"\na\nx\"\"\"",
        ),
        ("k = QQQ''{{s.v}}''QQQ", "", "k = \"\"\"\n''''\"\"\""),
        // An escaped line break stays escaped.
        (
            "k = \"\"\"a\\r\\n\\\n{{s.v}}\nx\"\"\"",
            "",
            "k = \"\"\"\na\\r\\n\nx\"\"\"",
        ),
    ] {
        assert_eq!(
            render_all(&text.replace("QQQ", "\'\'\'"), Syntax::Toml, value),
            expected
        );
    }
    let crlf = "a=QQQ\r\nx\r\n{{s.v}}QQQ\r\n".replace("QQQ", "\'\'\'");
    assert_eq!(
        render_all(&crlf, Syntax::Toml, "l1\nl2"),
        "a=\"\"\"\r\nx\r\nl1\\nl2\"\"\"\r\n"
    );
}

/// Replaces references as [`render`] does, in scalars of every type.
fn render_all(text: &str, syntax: Syntax, value: &str) -> String {
    let document = parse(text, syntax).unwrap();
    let (mut edits, mut changed) = (Vec::new(), HashMap::new());
    for (id, _) in document
        .nodes()
        .filter(|(_, node)| matches!(node.kind, NodeKind::Scalar(_)))
    {
        let old = document.text(id).unwrap();
        let parts: Vec<_> = braces(old)
            .into_iter()
            .map(|range| Replacement { range, text: value })
            .collect();
        if !parts.is_empty() {
            edits.extend(document.encode(id, &parts));
            changed.insert(id, replace_parts(old, &parts));
        }
    }
    let new = apply(text, &edits).unwrap();
    assert_eq!(
        document.find_difference(&parse(&new, syntax).unwrap(), &changed),
        None,
        "{new:?}"
    );
    new
}

#[test]
fn reference_in_a_key_is_reported_for_aliases_and_collections() {
    for text in [
        "l: &x \"{{s.p}}\"\nm:\n  *x : b\n",
        "? [\"{{s.p}}\"]\n: b\n",
        "? {a: \"{{s.p}}\"}\n: b\n",
    ] {
        let files = [
            (
                "stackref.toml",
                "resolver = \"render\"\nfiles.include = [\"a.stack.yaml\"]\n",
            ),
            ("a.stack.yaml", text),
            ("secrets.inventory.yaml", "s: {p: x}\n"),
        ];
        let folder = folder(&files);
        let output = run_line(folder.path(), "render --stdout");
        assert!(
            output.code == 1 && output.stderr.contains("reference-in-key"),
            "{text:?} {output:?}"
        );
    }
}

#[test]
fn tracked_file_in_an_ignored_folder_is_not_overwritten() {
    if !is_installed("git") {
        return;
    }
    let files = [
        ("a.stack.yaml", "k: x{{s.p}}\nstack_name: s\n"),
        ("stackref.toml", "resolver = \"render\"\n"),
        ("secrets.inventory.yaml", "s: {p: x}\n"),
        ("out/a.stack.yaml", "x\n"),
    ];
    let Some(path) = with_git() else { return };
    let folder = folder(&files);
    git(folder.path(), &["init", "-q"]);
    git(folder.path(), &["add", "-f", "out/a.stack.yaml"]);
    crate::support::write(folder.path(), ".gitignore", b"/out/\n");
    let output = run(&[&path, "render", "-o", "out"], folder.path(), b"");
    assert!(
        output.code == 2 && output.stderr.contains("git tracks"),
        "{output:?}"
    );
    // The same through a link from outside the repository.
    let outside = tempfile::tempdir().unwrap();
    std::os::unix::fs::symlink(folder.path().join("out"), outside.path().join("link")).unwrap();
    let link = outside.path().join("link");
    let output = run(
        &[&path, "render", "-o", link.to_str().unwrap()],
        folder.path(),
        b"",
    );
    assert!(
        output.code == 2 && output.stderr.contains("git tracks"),
        "{output:?}"
    );
    assert_eq!(
        std::fs::read_to_string(folder.path().join("out/a.stack.yaml")).unwrap(),
        "x\n"
    );
}

#[test]
fn partly_ignored_output_folder_is_accepted_only_for_ignored_files() {
    let Some(path) = with_git() else { return };
    let folder = folder(&[("a/prod.yaml", STACK), ("secrets.inventory.yaml", VALUES)]);
    git(folder.path(), &["init", "-q"]);
    crate::support::write(folder.path(), ".gitignore", b"out/*\n!out/a\n");
    let render = || run(&[&path, "render", "-o", "out"], folder.path(), b"");
    let output = render();
    assert!(
        output.code == 2 && output.stderr.contains("git does not ignore"),
        "{output:?}"
    );
    assert!(!folder.path().join("out").exists());
    crate::support::write(folder.path(), ".gitignore", b"out/*\n");
    assert_eq!(render().code, 0);
}

#[test]
fn inventory_is_not_overwritten() {
    let folder = folder(&[("dev.yaml", STACK), ("kept/dev.yaml", VALUES)]);
    let output = run_line(
        folder.path(),
        "render dev.yaml --inventory kept/dev.yaml -o kept",
    );
    assert!(
        output.code == 2 && output.stderr.contains("overwrite an input"),
        "{output:?}"
    );
    std::os::unix::fs::symlink("kept", folder.path().join("link")).unwrap();
    let output = run_line(
        folder.path(),
        "render dev.yaml --inventory kept/dev.yaml -o link",
    );
    assert!(
        output.code == 2 && output.stderr.contains("overwrite an input"),
        "{output:?}"
    );
    assert_eq!(
        std::fs::read_to_string(folder.path().join("kept/dev.yaml")).unwrap(),
        VALUES
    );
}
