//! The parser of scripts: the words that are commands and values, and their spans.

use crate::support::run;
use proptest::prelude::*;
use stackref::document::{Document, NodeId, ScriptHost, Syntax};
use stackref::text::source::SourceFile;
use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};
use tempfile::TempDir;

fn parse(path: &str, text: &str) -> Document {
    let host = ScriptHost::of(Path::new(path)).unwrap_or(ScriptHost::Other);
    let file = Arc::new(SourceFile::new(path, text));
    Document::parse(file, Syntax::Script(host)).unwrap()
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
        ("--a='{{b.c}}'", "a={{b.c}}"),
        ("\"--a={{b.c}}\"", "a={{b.c}}"),
        ("--a {{b.c}} -f mysql k=v", "a={{b.c}}|f=mysql|k=v"),
        (
            "--a='{{b'.\"c\"}} --flag --b=\"a \\\"b\\\" \\c\"",
            "a={{b.c}}|--flag|b=a \"b\" \\c",
        ),
        (
            "\\\n  --a=\\{\\{b.c}} \\\r\n --b=2\nzenml y update",
            "a={{b.c}}|b=2 y|update",
        ),
        (
            "--a='unclosed # ;\nzenml y update",
            "a=unclosed # ; y|update",
        ),
        ("--a=\"un'closed", "a=un'closed"),
        ("--a='two\nlines {{b.c}}' --d", "a=two\nlines {{b.c}}|--d"),
        ("--a=1 # --b=2", "a=1"),
        (
            "--a=1>log; zenml y update|zenml z update&zenml v update",
            "a=1 y|update z|update v|update",
        ),
        (
            "--a=$(zenml y update --b=1) --c=\"$(cat \"$F\")\"",
            "a=$(zenml y update --b=1)|c=$(cat \"$F\") y|update|b=1",
        ),
        ("--a=${{ secrets.B }} --c=${D}", "a=${{ secrets.B }}|c=${D}"),
        ("--a= --b=''", "a=|b="),
        ("-ab c -1 d -e f", "-ab|c|-1|d|e=f"),
        ("--a=b\\\nc --d=\"e\\\nf\" --g=h\\ i", "a=bc|d=ef|g=h i"),
        ("--a=$'b\\tc' --d=$\"e f\" --g=$h", "a=b\tc|d=e f|g=$h"),
        ("--a=$b --c=${{ d }} --e=f", "a=$b|c=${{ d }}|e=f"),
        ("--a=1 2>&1 --b=2 >log --c=3", "a=1|b=2|c=3"),
        ("--a=1 &>log --b=2 <<<'x y' --c", "a=1|b=2|--c"),
        ("\\\n~~~ --b=2", "~~~|b=2"),
        ("\\", "\\"),
        ("--{a,b}=c --d=x{e,f}", "a=c|b=c|d=xe|d=xf"),
        ("--a={{b,c}}", "a={{b,c}}"),
    ] {
        let line = format!("zenml x register n {line}");
        let words = format!("x|register|n|{words}");
        assert_eq!(commands("x.sh", &line).join(" "), words, "{line}");
    }
    for (line, words) in [
        (
            "zenml --debug x register n --a 1",
            "--debug|x|register|n|a=1",
        ),
        ("zenml x2-y register", "x2-y|register"),
        (
            "zenml secrets-manager register n --a=1",
            "secrets-manager|register|n|a=1",
        ),
    ] {
        assert_eq!(commands("x.sh", line).join(" "), words, "{line}");
    }
}

#[test]
fn only_words_with_a_name_and_value_are_mappings() {
    let document = parse("x.sh", "zenml x register k_l-m=v a.b=c -n o -pq r --s=t u");
    let command = document.items(document.roots()[0]).unwrap()[0];
    let words: Vec<_> = document
        .items(command)
        .unwrap()
        .iter()
        .map(|&word| document.entries(word).is_some())
        .collect();
    let expected = [false, false, true, false, true, false, false, true, false];
    assert_eq!(words, expected);
}

#[test]
fn each_character_of_a_value_maps_to_its_source() {
    let document = parse(
        "x.sh",
        "zenml x register --a=\"b\\\"c'\" --d='e\"f' --g=h\\ i'j'\\\n\"k\"",
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
        "  CMD",
        "$ CMD",
        "sudo -E CMD",
        "A=b C='d e' CMD",
        ".venv/bin/CMD",
        "poetry run CMD",
        "python3 -m CMD",
        "\t@CMD",
        "\t-@CMD",
        "if ! CMD",
        "if ! CMD; then x; fi",
        "(cd a && CMD)",
        "B=`CMD`",
        "B=\"$(CMD)\"",
        "    - run: CMD",
        "RUN CMD",
        "# a comment \\\nCMD",
        "_A1=b CMD",
        ">log CMD",
        "for x in a b; do CMD; done",
        "f() { CMD; }",
        "function f { CMD; }",
        "case $x in a|b) CMD;; esac",
        "[[ $(CMD) == a ]]",
        "x | while read -r l; do CMD; done",
        "bash -c 'CMD'",
        "bash -c \"CMD\"",
        "sh -lc 'cd x && CMD'",
        "eval CMD",
        "eval \"CMD\"",
        "echo a | xargs -n1 CMD",
        "su - user -c 'CMD'",
        "ssh host 'CMD'",
        "docker run --rm -it img bash -c 'CMD'",
        "bash <<EOF\nCMD\nEOF",
        "sh -s <<'EOF'\nCMD\nEOF",
        "bash <<EOF\n\\CMD\nEOF",
        "bash <<EOF\n\\$Y-x a\nCMD\nEOF",
        "ssh host bash <<EOF\nCMD\nEOF",
        "cat <<EOF | bash\nCMD\nEOF",
        "bash <<-EOF\n\tCMD\n\tEOF",
        "bash <<< 'CMD'",
        "cat <<EOF\n$(CMD)\nEOF",
        "cat <<EOF >f\nit's\nEOF\nCMD",
        "x=\"$(cat <<'EOF'\nit's\nEOF\n)\"\nCMD",
        "echo it\\'s; CMD",
        "(( x << 2 ))\nCMD",
        "a=( # it's\n b )\nCMD",
        "echo ${x:-`CMD`}",
        "echo `echo \\`CMD\\``",
        "CMD &",
        "time CMD",
        "coproc CMD",
        "echo a\n\\CMD",
        "\\CMD && \\echo x",
        "A=$'x' B=1\nCMD",
        "A=\\x B=1 # c\n\nC=1 D=2\n  CMD",
        "A=\\x B=1\n>log CMD",
        "A=b\n\\CMD\n\\echo",
        "find . -name '*.x' -exec CMD",
        "parallel -j 2 CMD",
    ] {
        let text = line.replace("CMD", "zenml x register");
        assert_eq!(commands("x.sh", &text), ["x|register"], "{text}");
    }
    for line in [
        "$ZENML",
        "\"$ZENML\"",
        "${ZENML}",
        "${ZENML:-zenml}",
        "$(ZENML)",
    ] {
        let text = format!("{line} x register");
        assert_eq!(commands("x.sh", &text), ["x|register"], "{text}");
    }
    for assignment in ["A=zenml", "A='uv run zenml'", "readonly A=.venv/bin/zenml"] {
        let text = format!("{assignment}\n$A x register\n");
        assert_eq!(commands("x.sh", &text), ["x|register"], "{text}");
    }
    for line in [
        "# CMD",
        "echo CMD",
        "echo 'CMD'",
        "pip install CMD",
        "zenml-x register",
        "my_CMD",
        "zenml",
        "zenml --version",
        "zenml {{a.b}}",
        "zenml: x",
        "1A=b CMD",
        "A-b=c CMD",
        "sudo echo CMD",
        "-1 CMD",
        "cat <<EOF\nCMD\nEOF",
        "cat <<'EOF' > f\n$(CMD)\nEOF",
        "cat <<EOF\n\\CMD\nEOF",
        "echo \"\nCMD\n\"",
        "bash script.sh <<EOF\nCMD\nEOF",
        "zenml login {{server_url}}",
        "zenml stack set $(docker ps --format '{{.Names}}')",
        "zenml stack describe {{a.b}}",
        "echo a \\\n CMD",
        "find . -name CMD",
        "A=zenml; A=x; $A x register",
        "A='zenml secret'; $A x register",
        "A=\"$B zenml\"; echo $A x register",
    ] {
        let text = line.replace("CMD", "zenml x register");
        assert!(commands("x.sh", &text).is_empty(), "{text}");
    }
}

#[test]
fn expansions_are_the_parts_that_the_shell_replaces() {
    for (value, parts) in [
        (
            "$(docker ps --format '{{.Names}}')",
            "$(docker ps --format '{{.Names}}')",
        ),
        (
            "\"http://$(docker inspect -f '{{ .X }}' c):8080\"",
            "$(docker inspect -f '{{ .X }}' c)",
        ),
        ("`a '{{b.c}}'`", "`a '{{b.c}}'`"),
        ("${H:-$(echo '{{a.b}}')}x", "${H:-$(echo '{{a.b}}')}"),
        ("{{$A.b}}$1", "$A|$1"),
        ("'{{$A.b}}'", ""),
        ("a*b?", "*|?"),
        ("{{a.b}}", ""),
        ("{{a,b}}", "{a,b}"),
    ] {
        let document = parse("x.sh", &format!("zenml x register --k={value}"));
        let command = document.items(document.roots()[0]).unwrap()[0];
        let option = *document.items(command).unwrap().last().unwrap();
        let (_, id) = document.entries(option).unwrap()[0];
        let text = document.text(id).unwrap();
        let found = document.expansions(id).iter();
        let found: Vec<_> = found.map(|range| &text[range.clone()]).collect();
        assert_eq!(found.join("|"), parts, "{value}");
    }
}

#[test]
fn assignments_have_a_value_if_it_is_literal() {
    let document = parse(
        "x.sh",
        "A=a\nexport B='b c' E=$A\nC=c; C=d\nD=d zenml x register\nfor F in 1 2; do :; done\nif G=g; then :; fi\n",
    );
    let assignments = document.shell_assignments();
    let values = ["A", "B", "C", "D", "E", "F"].map(|name| assignments.literal(name));
    assert_eq!(values, [Some("a"), Some("b c"), None, None, None, None]);
    assert!(assignments.contains("C") && assignments.contains("F") && !assignments.contains("D"));
}

#[test]
fn elements_of_an_array_are_words_of_the_command_that_expands_it() {
    let text = "ARGS=(\n  --a=1 # it's\n  '--b={{c.d}}')\nARGS+=(--e)\nzenml x register n \"${ARGS[@]}\" --f\nzenml y register \"${ARGS[@]}\"\n";
    assert_eq!(
        commands("x.sh", text),
        [
            "x|register|n|a=1|b={{c.d}}|--e|--f",
            "y|register|${ARGS[@]}"
        ]
    );
}

#[test]
fn reference_in_a_variable_belongs_to_the_first_command_that_uses_it() {
    for (text, expected) in [
        ("A='{{a.b}}'\nCMD --k=$A\nCMD --k=$A", "k={{a.b}} k=$A"),
        ("A='{{a.b}}'\nCMD --k \"${A}\"", "k={{a.b}}"),
        (
            "A='{{a.b}}'\nB=(--k=\"$A\")\nCMD \"${B[@]}\"\nCMD --k=$A",
            "k={{a.b}} k=$A",
        ),
        ("A=\\{{a.b}} C=x\nexport B=y\nCMD --k=$A", "k={{a.b}}"),
        ("export A={{a.b}}; CMD --k=$A", "k={{a.b}}"),
        ("A='{{a.b}}'; CMD --k=x$A", "k=x$A"),
        ("A='{{a.b}}'; CMD --k=$A-x", "k=$A-x"),
        ("A='{{a.b}}'; A='{{c.d}}'; CMD --k=$A", "k=$A"),
        ("A='{{a.b}}'; A=$B; CMD --k=$A", "k=$A"),
        ("A='{{a.b}}' CMD --k=$A", "k=$A"),
        ("CMD --k=$A; A='{{a.b}}'", "k=$A"),
    ] {
        let text = text.replace("CMD", "zenml x register");
        let options = commands("x.sh", &text);
        let options: Vec<&str> = options
            .iter()
            .filter_map(|line| line.rsplit('|').next())
            .collect();
        assert_eq!(options.join(" "), expected, "{text}");
    }
    let text = "A=\"{{a.b}}\"\nzenml x register --k=$A\n";
    let document = parse("x.sh", text);
    let command = document.items(document.roots()[0]).unwrap()[0];
    let option = *document.items(command).unwrap().last().unwrap();
    let (_, value) = document.entries(option).unwrap()[0];
    let span = document.offsets(value).source(0, 7);
    assert_eq!(&text[span.start..span.end], "{{a.b}}");
    assert_eq!(document.node(value).span, span);
}

#[test]
fn commands_in_commands_are_read_down_to_a_depth() {
    let nested = |depth: usize| {
        let (open, close) = ("$(".repeat(depth), ")".repeat(depth));
        format!("{open}zenml x register{close}")
    };
    assert_eq!(commands("x.sh", &nested(8)), ["x|register"]);
    assert!(commands("x.sh", &nested(9)).is_empty());
}

#[test]
fn only_code_of_markdown_is_read() {
    let of = |text: &str| {
        let command = regex_lite::Regex::new("zenml(\\s)([a-z])").unwrap();
        let text = command.replace_all(text, "zenml${1}${2} register");
        let found = commands("x.md", &text);
        found.join(" ").replace("|register", "")
    };
    let text = "zenml a\n`zenml b` zenml c, ``zenml d`` and `zenml\ne`\n\n    zenml f --x=y\n\n    zenml i\n\n> ```sh\nzenml g \\\n```\nzenml h\n";
    assert_eq!(of(text), "b d e f|x=y i h");
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
        assert_eq!(of(text), words, "{text}");
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
        "x=(zenml ",
        "zenml |",
        "cat <<E\nzenml\n",
        "bash <<E\nzenml x\nE\n",
        "zenml x {a,b}{c,d}{e,f} ",
        "\"$(\nzenml ",
        "bash -c \"zenml x ",
        "bash -c 'zenml x' ",
        "$'zenml ",
        "zenml x \"$(zenml \"",
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
        let text = format!("é{eol}{around}zenml x register z \\{eol}  --k={value} --l=1{eol}zenml v update");
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
