//! Reads Terraform files that are broken, deeply nested or very long. No file may cause a panic, a
//! stack overflow or quadratic time.

use super::terraform_checks::read_module;
use std::time::{Duration, Instant};

/// The time that the files of one case may take in a test, whose code is hardly optimized. A reader with
/// quadratic time needs minutes.
const MAX_TIME: Duration = Duration::from_secs(20);

const MODULE: &str = r#"# comment { " ${
variable "env" { default = "prod" }
locals {
  name   = "gcp-${var.env}" // comment
  config = { token = "{{gcp.token}}", "a b": [1, 2, null] } /* { */
}
resource "zenml_secret" "gcp" {
  name   = local.name
  values = { for k, v in var.all : k => "${v}" if v != null }
}
resource "zenml_stack_component" "ü" {
  count         = var.env == "prod" ? 1 : 0
  configuration = merge(local.config, {
    token = format("{{%s.%s}}", zenml_secret.gcp.name, "tök\u00e9n")
    text  = <<-EOT
      %{ for x in var.all ~}
        {{${x}.k}} $${HOME} %%{
      %{ endfor ~}
      ${ upper("}\"") }
    EOT
  })
  provisioner "local-exec" {
    interpreter = ["/bin/sh", "-c"]
    command     = <<EOT
zenml secret create ${self.name} --token="$TOKEN" \
  --other=${~ join(",", ["a", local.name]) ~}
EOT
  }
}
"#;

/// Returns a number that looks random. `state` is the state of the generator.
fn random(state: &mut u64, limit: usize) -> usize {
    *state ^= *state << 13;
    *state ^= *state >> 7;
    *state ^= *state << 17;
    usize::try_from(*state % limit as u64).unwrap_or_default()
}

#[test]
fn truncated_files_are_read() {
    assert_eq!(read_module(&[MODULE]).facts.resources.len(), 2);
    for (at, _) in MODULE.char_indices() {
        let (start, end) = MODULE.split_at(at);
        read_module(&[start]);
        read_module(&[end]);
        read_module(&[end, start]);
    }
}

#[test]
fn files_with_wrong_bytes_are_read() {
    let parts = [
        "{",
        "}",
        "[",
        "]",
        "(",
        ")",
        "\"",
        "${",
        "%{",
        "$${",
        "%%{",
        "<<EOT\n",
        "<<-E\n",
        "EOT",
        "\n",
        "=",
        ":",
        ",",
        "?",
        ".",
        "*",
        "/*",
        "*/",
        "#",
        "//",
        "\\",
        "\\u",
        "\0",
        "é",
        "\u{feff}",
        "\r",
        "for ",
        "=>",
        "==",
        "~",
        "...",
        "-",
        "!",
        "%",
        "local.name",
        "1",
        "\t",
        "\u{2028}",
        "😀",
    ];
    let mut state = 88_172_645_463_325_252;
    for _ in 0..6000 {
        let mut text: Vec<char> = MODULE.chars().collect();
        for _ in 0..=random(&mut state, 4) {
            let at = random(&mut state, text.len());
            let len = random(&mut state, 3).min(text.len() - at);
            let part = parts.get(random(&mut state, parts.len())).copied();
            text.splice(at..at + len, part.unwrap_or_default().chars());
        }
        let text: String = text.into_iter().collect();
        read_module(&[&text]);
        read_module(&[MODULE, &text]);
    }
}

#[test]
fn random_tokens_are_read() {
    let parts = [
        "{", "}", "[", "]", "(", ")", "\"", "${", "%{", "<<E\n", "E\n", "\n", "=", ":", ",", "?",
        ".", "a", "for ", "in ", "=>", "~}", "if ", "endif", "else", "local.x", "format(",
        "\"%s\"", "\\", "-", "+",
    ];
    let mut state = 1_234_567_891_234_567;
    for _ in 0..20_000 {
        let mut text = String::from("locals {\nx = ");
        for _ in 0..random(&mut state, 30) {
            text += parts.get(random(&mut state, parts.len())).unwrap_or(&"");
        }
        text += "\n}\nresource \"zenml_stack\" \"s\" {\n a = ";
        for _ in 0..random(&mut state, 30) {
            text += parts.get(random(&mut state, parts.len())).unwrap_or(&"");
        }
        read_module(&[&text]);
    }
}

/// Returns files that repeat a text, alone and in an attribute.
fn repeated(before: &str, part: &str, middle: &str, after: &str, count: usize) -> [String; 3] {
    let code = part.repeat(count) + middle + &after.repeat(count);
    let resource = "resource \"zenml_stack\" \"s\" {";
    [
        format!("{before}{code}"),
        format!("locals {{\n x = {before}{code}\n}}\n{resource}\n a = local.x\n}}"),
        format!("{resource}\n a = {before}{code}\n b = \"c\"\n}}\n{resource}\n a = \"b\"\n}}"),
    ]
}

#[test]
fn deeply_nested_files_are_read() {
    let cases = [
        ("", "{", "", "}"),
        ("", "[", "", "]"),
        ("", "(", "1", ")"),
        ("", "{ a = ", "1", "}"),
        ("", "{\n a = ", "1", "\n}"),
        ("", "{ (", "a", ") = 1 }"),
        ("", "{ {a = 1} = ", "1", "}"),
        ("", "[[", "1", "], 1]"),
        ("", "merge({ a = ", "1", "})"),
        ("", "f(", "1", ")"),
        ("", "upper(", "\"a\"", ")"),
        ("", "format(\"%s\", ", "\"a\"", ")"),
        ("", "\"${", "1", "}\""),
        ("", "\"${{ a = ", "1", "}}\""),
        ("\"", "%{ if a }", "b", "%{ endif }"),
        ("\"", "%{ for a in b }", "b", "%{ endfor }"),
        ("", "a ? b : ", "c", ""),
        ("", "a ? ", "b", " : c"),
        ("", "!", "a", ""),
        ("", "-", "1", ""),
        ("", "1 + ", "1", ""),
        ("", "[for a in ", "b", " : a]"),
        ("", "{ for a in ", "b", " : a => a }"),
        ("", "a[", "0", "]"),
        ("a", ".b", "", ""),
        ("a", "[0]", "", ""),
        ("a", ".*", "", ""),
        ("", "<<A\n${", "1", "}\nA\n"),
        ("", "x {\n", "", "}\n"),
        ("", "resource \"zenml_stack\" \"s\" {\n", "", "}\n"),
        ("", "locals {\n", "", "}\n"),
    ];
    for (before, part, middle, after) in cases {
        for count in [60, 64, 70, 200, 100_000] {
            let start = Instant::now();
            for text in repeated(before, part, middle, after, count) {
                read_module(&[&text]);
            }
            read_module(&[&repeated(before, part, middle, "", count)[1]]);
            assert!(start.elapsed() < MAX_TIME, "{count} {part}");
        }
    }
}

#[test]
fn deep_constants_with_deep_expressions_are_read() {
    let deep = |part: &str, inner: &str, after: &str, count: usize| {
        part.repeat(count) + inner + &after.repeat(count)
    };
    for calls in [0, 1, 5, 15, 29, 61] {
        for nested in [
            deep("[[", "1", "], 1]", 31),
            deep("!", "a", "", 63),
            deep("{ (", "a", ") = 1 }", 31),
        ] {
            let mut text = String::from("locals {\n");
            for index in 0..100 {
                let call = deep("upper(", &format!("local.a{}", index + 1), ")", calls);
                text += &format!("a{index} = {call}\nb{index} = [local.a{index}, f({nested})]\n");
            }
            text += &format!("a100 = f({nested})\n}}\nresource \"zenml_stack\" \"s\" {{\n");
            for index in 0..100 {
                text += &format!(
                    "x{index} = local.a{index}\ny{index} = local.b{}\n",
                    99 - index
                );
            }
            read_module(&[&(text + "}")]);
        }
    }
}

/// The parts of long files.
const PARTS: [&str; 56] = [
    "a",
    "1",
    " ",
    "\t",
    "\n",
    "\r\n",
    "\0",
    "é",
    "\"",
    "\"\n",
    "\"a\", ",
    "'",
    "{",
    "}",
    "[\n",
    "{ }",
    "a = [\n",
    "a = {\n",
    "a = \"${\n",
    "a {\n",
    "/*",
    "/* */",
    "# x\n",
    "<<A\n",
    "<<A\nB\n",
    "a = <<A\n",
    "\\",
    "$",
    "$$",
    "${",
    "\"${a}\"",
    "${a}",
    "%{ if a }",
    "a = 1\n",
    "a = 1, ",
    "a.",
    "a, ",
    "a b ",
    "a b\n",
    "a b {\n}\n",
    "locals {\n",
    "locals { a = local.a }\n",
    "resource \"zenml_stack\" \"s\" {\n",
    "variable \"a\" {\n",
    "-",
    "!",
    "?",
    ":",
    "=",
    "==",
    "?:",
    "1+",
    "~",
    "<",
    "<<",
    ".",
];

#[test]
fn long_files_take_linear_time() {
    for part in PARTS {
        let start = Instant::now();
        let count = 50_000 / part.len();
        for text in repeated("", part, "", "", count) {
            read_module(&[&text]);
        }
        for quote in ["\"", "<<EOT\n", "{\n", "[", "f(", "merge({\n"] {
            let text = repeated(quote, part, "\n EOT\n", "", count);
            read_module(&[&text[2]]);
            read_module(&[&text[1]]);
        }
        assert!(start.elapsed() < MAX_TIME, "{part:?}");
    }
}

/// Returns lines that contain their number.
fn lines(count: usize, line: impl Fn(usize) -> String) -> String {
    (0..count).map(line).collect()
}

#[test]
fn entries_with_different_names_take_linear_time() {
    let count = 50_000;
    let entries = lines(count, |at| format!("a{at} = \"x\"\n"));
    let heredocs = lines(count / 4, |at| format!("a{at} = <<E{at}\n"));
    for (before, after) in [
        ("{\n", "}"),
        ("merge({\n", "})"),
        ("\"${f({\n", "})}\""),
        ("<<EOT\n${f({\n", "})}\nEOT\n"),
    ] {
        let start = Instant::now();
        let resource = "resource \"zenml_secret\" \"s\" {";
        read_module(&[&format!(
            "{resource}\n name = \"s\"\n values = {before}{entries}{after}\n}}"
        )]);
        read_module(&[&format!(
            "locals {{\n{entries}{heredocs}}}\n{resource}\n name = {before}{heredocs}{after}\n}}"
        )]);
        assert!(start.elapsed() < MAX_TIME, "{before}");
    }
}

#[test]
fn long_expressions_are_read() {
    let items = "\"x\", ".repeat(200_000);
    let text = "y".repeat(10_000_000);
    let escapes = r"\u00e9".repeat(200_000);
    let lines = "      {{a.b}} $${x} ${var.x}\n".repeat(50_000);
    let resource = "resource \"zenml_stack\" \"s\" {\n x = ";
    for expression in [
        format!("[{items}]"),
        format!("join(\",\", [{items}])"),
        format!("format(\"{}\", {items})", "%s".repeat(200_000)),
        format!("\"{text}\""),
        format!("\"{escapes}\""),
        format!("<<-EOT\n{lines}EOT\n"),
        format!("\"{}\"", "${var.x}".repeat(100_000)),
        "1 + ".repeat(500_000),
    ] {
        let start = Instant::now();
        read_module(&[&format!("{resource}{expression}\n}}")]);
        assert!(start.elapsed() < MAX_TIME, "{}", expression.split_at(20).0);
    }
}
