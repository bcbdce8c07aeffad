//! The parser of scripts: the words that are commands and values, and their spans.

use crate::support::run;
use proptest::prelude::*;
use stackref::document::{Document, NodeId, Syntax};
use stackref::text::source::SourceFile;
use std::sync::Arc;
use std::time::{Duration, Instant};
use tempfile::TempDir;

fn parse(path: &str, text: &str) -> Document {
    Document::parse(Arc::new(SourceFile::new(path, text)), Syntax::Script).unwrap()
}

fn show(document: &Document, word: NodeId) -> String {
    match document.entries(word) {
        Some([(key, value)]) => format!(
            "{}={}",
            document.text(*key).unwrap(),
            document.text(*value).unwrap()
        ),
        _ => document.text(word).unwrap().to_owned(),
    }
}

/// Returns the words of each command, joined with `|`.
fn commands(path: &str, text: &str) -> Vec<String> {
    let document = parse(path, text);
    let words = |command: &NodeId| -> Vec<String> {
        document
            .items(*command)
            .unwrap()
            .iter()
            .map(|&word| show(&document, word))
            .collect()
    };
    document
        .items(document.roots()[0])
        .unwrap()
        .iter()
        .map(|command| words(command).join("|"))
        .collect()
}

#[test]
fn values_are_decoded_as_by_the_shell() {
    for (line, words) in [
        ("zenml x register n --a='{{b.c}}'", "x|register|n|a={{b.c}}"),
        (
            "zenml x register n \"--a={{b.c}}\"",
            "x|register|n|a={{b.c}}",
        ),
        (
            "zenml x register n --a {{b.c}} -f mysql k=v",
            "x|register|n|a={{b.c}}|f=mysql|k=v",
        ),
        (
            "zenml x --a='{{b'.\"c\"}} --flag --b=\"a \\\"b\\\" \\c\"",
            "x|a={{b.c}}|--flag|b=a \"b\" \\c",
        ),
        (
            "zenml x \\\n  --a=\\{\\{b.c}} \\\r\n --b=2\nzenml y",
            "x|a={{b.c}}|b=2 y",
        ),
        ("zenml x --a='unclosed # ;\nzenml y", "x|a=unclosed # ; y"),
        ("zenml x --a=1 # --b=2", "x|a=1"),
        (
            "zenml x --a=1>log; zenml y|zenml z&zenml v",
            "x|a=1|log y z v",
        ),
        (
            "zenml x --a=$(zenml y --b=1) --c=\"$(cat \"$F\")\"",
            "x|a=$(zenml y --b=1)|c=$(cat \"$F\") y|b=1",
        ),
        (
            "zenml x --a=${{ secrets.B }} --c=${D}",
            "x|a=${{ secrets.B }}|c=${D}",
        ),
        ("zenml x --a= --b=''", "x|a=|b="),
        (
            "zenml --debug x register n --a 1",
            "--debug|x|register|n|a=1",
        ),
        (
            "zenml x2-y register -ab c -1 d -e f",
            "x2-y|register|-ab|c|-1|d|e=f",
        ),
        (
            "zenml secrets-manager register n --a=1",
            "secrets-manager|register|n|a=1",
        ),
        (
            "zenml x --a=b\\\nc --d=\"e\\\nf\" --g=h\\ i",
            "x|a=bc|d=ef|g=h i",
        ),
        (
            "zenml x --a=$'b c' --d=$\"e f\" --g=$h",
            "x|a=b c|d=e f|g=$h",
        ),
        ("zenml x --a=$b --c=${{ d }} --e=f", "x|a=$b|c=${{ d }}|e=f"),
        ("zenml x --a=1 2>&1 --b=2", "x|a=1|2|1|b=2"),
        ("zenml x --a=1 &>log --b=2", "x|a=1|log|b=2"),
        ("zenml x \\\n~~~ --b=2", "x|~~~|b=2"),
        ("zenml x \\", "x|\\"),
    ] {
        assert_eq!(commands("x.sh", line).join(" "), words, "{line}");
    }
}

#[test]
fn only_words_with_a_name_and_value_are_mappings() {
    let document = parse("x.sh", "zenml x k_l-m=v a.b=c -n o -pq r --s=t u");
    let command = document.items(document.roots()[0]).unwrap()[0];
    let words: Vec<_> = document
        .items(command)
        .unwrap()
        .iter()
        .map(|&word| document.entries(word).is_some())
        .collect();
    assert_eq!(words, [false, true, false, true, false, false, true, false]);
}

#[test]
fn each_character_of_a_value_maps_to_its_source() {
    let document = parse(
        "x.sh",
        "zenml x --a=\"b\\\"c'\" --d='e\"f' --g=h\\ i'j'\\\n\"k\"",
    );
    let command = document.items(document.roots()[0]).unwrap()[0];
    let values = document
        .items(command)
        .unwrap()
        .iter()
        .filter_map(|&word| document.entries(word)?.first());
    let written = values.map(|&(_, value)| {
        let offsets = document.offsets(value);
        let source = |(at, c): (usize, char)| {
            document
                .source()
                .slice(offsets.source(at, at + c.len_utf8()))
        };
        document
            .text(value)
            .unwrap()
            .char_indices()
            .map(source)
            .collect::<Vec<_>>()
            .join("|")
    });
    assert_eq!(
        written.collect::<Vec<_>>(),
        ["b|\\\"|c|'", "e|\"|f", "h|\\ |i|j|k"]
    );
}

#[test]
fn commands_are_found_where_the_shell_expects_them() {
    for line in [
        "  zenml x",
        "$ zenml x",
        "sudo -E zenml x",
        "A=b C='d e' zenml x",
        ".venv/bin/zenml x",
        "poetry run zenml x",
        "python3 -m zenml x",
        "\t@zenml x",
        "\t-@zenml x",
        "if ! zenml x",
        "(cd a && zenml x)",
        "B=`zenml x`",
        "B=\"$(zenml x)\"",
        "    - run: zenml x",
        "RUN zenml x",
        "# a comment \\\nzenml x",
        "_A1=b zenml x",
    ] {
        assert_eq!(commands("x.sh", line), ["x"], "{line}");
    }
    for line in [
        "# zenml x",
        "echo zenml x",
        "echo 'zenml x'",
        "pip install zenml x",
        "zenml-x y",
        "my_zenml x",
        "zenml",
        "zenml --version",
        "zenml {{a.b}}",
        "zenml: x",
        "zenml secret create x --a={{b.c}}",
        "zenml secrets-manager secret register x --a={{b.c}}",
        "1A=b zenml x",
        "A-b=c zenml x",
        "sudo echo zenml x",
        "-1 zenml x",
    ] {
        assert!(commands("x.sh", line).is_empty(), "{line}");
    }
}

#[test]
fn nested_commands_are_read_up_to_a_depth() {
    let nested = |depth: usize| format!("{}zenml x{}", "$(".repeat(depth), ")".repeat(depth));
    assert_eq!(commands("x.sh", &nested(8)), ["x"]);
    assert!(commands("x.sh", &nested(9)).is_empty());
}

#[test]
fn only_code_of_markdown_is_read() {
    let text = "zenml a\n`zenml b` zenml c, ``zenml d`` and `zenml\ne`\n\n    zenml f --x=y\n\n    zenml i\n\n> ```sh\nzenml g \\\n```\nzenml h\n";
    assert_eq!(commands("x.md", text), ["b", "d", "e", "f|x=y", "g"]);
    assert_eq!(commands("x.sh", "zenml a\nx `zenml b`"), ["a", "b"]);
    for (text, words) in [
        ("```sh\n~~~\nzenml a --b=c\n```\nzenml d\n", "a|b=c"),
        ("```\n``` sh\nzenml a\n````\nzenml d\n", "a"),
        ("````\n```\nzenml a\n````\nzenml d\n", "a"),
        ("`e` zenml a `f` zenml b\n", ""),
        ("Run `zenml a`\nzenml b `c`\n", "a"),
        ("Run\n```sh\nzenml a --b=c\n```\n", "a|b=c"),
        (
            "Run ``zenml a --b=c`` and `zenml d --e=f` ``here``, zenml g\n",
            "a|b=c d|e=f",
        ),
    ] {
        assert_eq!(commands("x.md", text).join(" "), words, "{text}");
    }
}

#[test]
fn scripts_are_parsed_in_linear_time() {
    let text = |piece: &str| piece.repeat(400_000 / piece.len());
    for piece in [
        "zenml ",
        "$(zenml ",
        "zenml x # \\\n",
        "x # zenml \\\n",
        "zenml x \\\n",
        "`zenml x",
        "${{ zenml ",
        "zenml $(${{",
        "'zenml \"",
        "(zenml ) ",
        "```\nzenml x\n",
        "zenml x --a={{$(b",
        "``zenml x`` ",
        ">zenml ",
        "a\nzenml x `\n",
    ] {
        for path in ["x.sh", "x.md"] {
            let start = Instant::now();
            parse(path, &text(piece));
            // This takes milliseconds. A parser that restarts at each piece would take minutes.
            assert!(
                start.elapsed() < Duration::from_secs(60),
                "{piece:?} in {path}: {:?}",
                start.elapsed()
            );
        }
    }
}

#[test]
fn reports_about_scripts_contain_only_references() {
    let folder = TempDir::new().unwrap();
    std::fs::write(
        folder.path().join("stackref.toml"),
        "[files]\nscripts = ['*']\n",
    )
    .unwrap();
    let script = "export PW=hunter2; zenml metadata-store register m --password='{{$A.b}}' --username=hunter2 -phunter2 \
                  --url \"mysql://u:hunter2@h/{{a.b}}\" hunter2/x \u{ff} PW=hunter2 | tee hunter2 # hunter2\n";
    let bytes: Vec<u8> = script
        .chars()
        .map(|c| u8::try_from(u32::from(c)).unwrap())
        .collect();
    std::fs::write(folder.path().join("deploy"), bytes).unwrap();
    for format in ["human", "short", "json"] {
        let output = run(
            &["check", "deploy", "--format", format, "--level", "none"],
            folder.path(),
            b"",
        );
        assert_eq!(output.code, 1);
        assert!(
            output.stdout.contains("malformed-reference")
                && output.stdout.contains("embedded-reference")
        );
        assert!(
            !format!("{}{}", output.stdout, output.stderr).contains("hunter2"),
            "{}",
            output.stdout
        );
    }
}

/// Quotes a text for the shell in one of four styles.
fn quoted(text: &str, style: u8) -> String {
    match style {
        0 => format!("'{text}'"),
        1 => format!(
            "\"{}\"",
            text.replace('\\', "\\\\")
                .replace(['"'], "\\\"")
                .replace('`', "\\`")
        ),
        2 => text.chars().flat_map(|c| ['\\', c]).collect(),
        _ => text.chars().flat_map(|c| ['\'', c, '\'']).collect(),
    }
}

proptest! {
    #[test]
    fn any_text_is_parsed_and_spans_lie_in_it(
        text in "(zenml |[ \\t\"'`\\\\\n\r$(){}#;|&=@<>-]|\\{\\{a\\.b\\}\\}|--k=|x|é|~~~\n){0,40}", prose in any::<bool>(),
    ) {
        let document = parse(if prose { "x.md" } else { "x.sh" }, &text);
        for (id, node) in document.nodes() {
            prop_assert!(text.get(node.span.start..node.span.end).is_some());
            if let Some(value) = document.text(id) {
                let offsets = document.offsets(id);
                for (at, c) in value.char_indices() {
                    let span = offsets.source(at, at + c.len_utf8());
                    prop_assert!(node.span.contains(span) && text.get(span.start..span.end).is_some());
                }
            }
        }
    }

    #[test]
    fn reference_is_found_in_every_quoting_style(
        before in "[a-z:@ ]{0,5}", style in 0u8..4, around in "(echo; |x=y |\\$ )?", crlf in any::<bool>(),
    ) {
        let value = quoted(&format!("{before}{{{{a.b}}}}"), style);
        let eol = if crlf { "\r\n" } else { "\n" };
        let text = format!("é{eol}{around}zenml x y z \\{eol}  --k={value} --l=1{eol}zenml v");
        let document = parse("x.sh", &text);
        let found = document.nodes().find(|&(id, _)| document.text(id).is_some_and(|text| text.ends_with("{{a.b}}")));
        let (id, _) = found.unwrap();
        prop_assert_eq!(document.text(id).unwrap(), format!("{before}{{{{a.b}}}}"));
        let span = document.offsets(id).source(before.len(), before.len() + 7);
        let slice = document.source().slice(span);
        prop_assert_eq!(slice.replace(['\\', '\''], ""), "{{a.b}}");
        prop_assert!(style > 1 || slice == "{{a.b}}");
    }
}
