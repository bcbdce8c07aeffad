//! Tests invalid and hostile input: it gets a clear error, and all other files are still checked.

use crate::support::{Output, check, findings, folder, is_installed, run, write};
use std::path::Path;

const GOOD: &str =
    "stack_name: good\ncomponents:\n  orchestrator: {flavor: ours, name: o, a: '{{a}}'}\n";

/// Checks that the finding of the file `good.yaml` is reported.
fn assert_good_is_checked(output: &Output) {
    assert!(
        output
            .stdout
            .contains("good.yaml:3:45: error[malformed-reference]"),
        "{output:?}"
    );
}

/// Checks a bad file together with a good one, and returns the lines of the report about the bad
/// one.
fn check_with_good_file(name: &str, bytes: &[u8]) -> String {
    let folder = folder(&[("good.yaml", GOOD)]);
    write(folder.path(), name, bytes);
    let output = check(folder.path(), &["--format", "short"]);
    assert_good_is_checked(&output);
    output
        .stdout
        .lines()
        .filter(|line| line.starts_with(name))
        .collect::<Vec<_>>()
        .join("\n")
}

#[test]
fn file_that_is_not_text_is_reported_with_its_location() {
    for (bytes, message) in [
        (
            &b"stack_name: x\ncomponents: {alerter: \xff}\n"[..],
            "2:23: error[syntax-error]: from here on this file is not UTF-8",
        ),
        (
            b"stack_name: x\ncomponents: {alerter: \0}\n",
            "2:23: error[syntax-error]: a YAML file must not contain NUL bytes",
        ),
        (
            b"\xff\xfec\0o\0m\0p\0o\0n\0e\0n\0t\0s\0:\0\n\0s\0t\0a\0c\0k\0_\0n\0a\0m\0e\0:\0\n\0a\0l\0e\0r\0t\0e\0r\0:\0",
            "1:1: error[syntax-error]: this file is UTF-16",
        ),
    ] {
        let line = check_with_good_file("bad.yaml", bytes);
        assert!(line.contains(message), "{line}");
    }
}

#[test]
fn syntax_error_is_reported_with_the_location_of_the_parser() {
    for (name, text, message) in [
        (
            "bad.stack.yaml",
            "a: b: c\nstack_name: s\n",
            "1:5: error[syntax-error]: a `:` is not allowed here",
        ),
        (
            "bad.yaml",
            "components:\n\talerter: x\nstack_name: x\n",
            "2:1: error[syntax-error]: YAML does not allow a tab here",
        ),
        (
            "bad.stack.yaml",
            "x: {{a.b}}-c\nstack_name: s\n",
            "1:11: error[syntax-error]: braces without quotes",
        ),
        (
            "bad.stack.yaml",
            "a: 1\nb: 2\na: 3\nstack_name: s\n",
            "3:1: error[syntax-error]: the key `a` occurs twice",
        ),
        (
            "bad.stack.toml",
            "a = 1\na = 2\nstack_name = 's'\n",
            "2:1: error[syntax-error]: a key occurs twice",
        ),
        (
            "bad.stack.toml",
            "a = {{b.c}}\nstack_name = 's'\n",
            "error[syntax-error]: braces without quotes",
        ),
        (
            "bad.stack.json",
            "{\"a\": {{b.c}}, \"stack_name\": \"s\"}",
            "error[syntax-error]: a reference without quotes",
        ),
        (
            "bad.stack.json",
            "{\"a\": 1, \"a\": 2, \"stack_name\": \"s\"}",
            "1:10: error[syntax-error]: the key `a` occurs twice",
        ),
        (
            "bad.stack.json",
            "// x\n{\"stack_name\": \"s\"}",
            "1:1: error[syntax-error]: comments are not",
        ),
        (
            "bad.stack.yaml",
            "a: *hunter2\nstack_name: s\n",
            "1:4: error[syntax-error]: this alias refers",
        ),
    ] {
        let line = check_with_good_file(name, text.as_bytes());
        assert!(line.contains(message), "{text:?}: {line}");
        assert!(!line.contains("hunter2"));
    }
}

#[test]
fn nesting_beyond_the_limit_is_reported_without_stack_overflow() {
    for (name, open, end) in [
        ("deep.stack.yaml", "[", "stack_name: s"),
        ("deep.stack.json", "[", "\"stack_name\": \"s\""),
        ("deep.stack.yaml", "- ", "stack_name: s"),
        ("deep.stack.yaml", "? ", "stack_name: s"),
    ] {
        let line =
            check_with_good_file(name, format!("{}\n{end}", open.repeat(100_000)).as_bytes());
        assert!(
            line.contains("error[syntax-error]: ") && line.contains("nested deeper"),
            "{line}"
        );
    }
    let line = check_with_good_file(
        "deep.stack.toml",
        format!("stack_name = 's'\na = {}", "[".repeat(100_000)).as_bytes(),
    );
    assert!(line.contains("nested deeper than 80"), "{line}");
}

#[test]
fn alias_bombs_chains_and_cycles_are_checked_once() {
    let mut bomb = String::from("a0: &a0 ['{{x.y}}']\n");
    for at in 1..60 {
        let row = vec![format!("*a{}", at - 1); 10].join(", ");
        bomb.push_str(&format!("a{at}: &a{at} [{row}]\n"));
    }
    let mut chain = String::from("c0: &c0 ['{{x.y}}']\n");
    for at in 1..20_000 {
        chain.push_str(&format!("c{at}: &c{at} [*c{}]\n", at - 1));
    }
    for (text, last) in [
        (bomb, "*a59"),
        (chain, "*c19999"),
        ("c: &c {a: '{{x.y}}', b: [*c]}\n".to_owned(), "*c"),
    ] {
        let text = format!(
            "{text}stack_name: s\ncomponents:\n  orchestrator: {{flavor: ours, name: o, v: {last}}}\n"
        );
        let folder = folder(&[("s.yaml", &text)]);
        assert_eq!(
            findings(folder.path(), &["--level", "none"]),
            [("nested-reference".to_owned(), "{{x.y}}".to_owned())]
        );
    }
}

#[test]
fn merges_beyond_the_budget_are_reported() {
    let mut text = String::from("_d: &d\n");
    for at in 0..2_000 {
        text.push_str(&format!("  k{at}: v\n"));
    }
    text.push_str("stack_name: s\ncomponents:\n");
    text.push_str("  alerter: {flavor: slack}\n");
    for at in 0..2_000 {
        text.push_str(&format!("  c{at}: {{<<: *d}}\n"));
    }
    let folder = folder(&[("s.yaml", &text)]);
    let found = findings(folder.path(), &["--level", "none"]);
    assert_eq!(found.len(), 1);
    assert_eq!(found[0].0, "syntax-error");
}

#[test]
fn scalar_of_100_mb_is_read() {
    let text = format!(
        "stack_name: s\ncomponents:\n  orchestrator: {{flavor: ours, name: o, a: '{}{{{{a}}}}'}}\n",
        "x".repeat(100_000_000)
    );
    let folder = folder(&[("s.yaml", &text)]);
    let output = check(folder.path(), &["--level", "none"]);
    assert!(
        output.stdout.contains("malformed-reference") && output.stdout.len() < 2_000,
        "{}",
        output.stdout.len()
    );
    assert!(
        output.stdout.contains("s.yaml:3:100000045"),
        "{}",
        output.stdout
    );
}

#[test]
fn empty_file_has_no_findings() {
    for (name, text) in [
        ("e.stack.yaml", ""),
        ("e.stack.yaml", "# only\n# comments\n"),
        ("e.stack.yaml", "---\n...\n"),
        ("e.stack.toml", ""),
        ("e.stack.toml", "# x\n"),
        ("e.stack.json", "{}"),
    ] {
        assert_eq!(check_with_good_file(name, text.as_bytes()), "");
    }
}

#[test]
fn named_path_that_is_not_a_stack_file_exits_with_2() {
    let folder = folder(&[
        ("prod.yaml", GOOD),
        ("notes.txt", "x"),
        ("x.yaml/good.yaml", GOOD),
    ]);
    for (path, message) in [
        ("prdo.yaml", "did you mean `prod.yaml`?"),
        ("notes.txt", "not a file that stackref reads"),
        ("/dev/null", "neither a file nor a folder"),
        ("nowhere/x.yaml", "cannot open"),
    ] {
        let output = check(folder.path(), &[path]);
        assert_eq!((output.code, output.stdout.as_str()), (2, ""), "{path}");
        assert!(output.stderr.contains(message), "{path}: {}", output.stderr);
    }
    // A folder with the name of a stack file is searched.
    let output = check(folder.path(), &["x.yaml", "--format", "short"]);
    assert!(
        output.stdout.starts_with("x.yaml/good.yaml:3:45: "),
        "{output:?}"
    );
}

#[cfg(unix)]
#[test]
fn dangling_and_circular_symlinks_are_not_followed() {
    use std::os::unix::fs::symlink;
    let folder = folder(&[("good.yaml", GOOD)]);
    let at = |name: &str| folder.path().join(name);
    symlink("nowhere.yaml", at("dangling.stack.yaml")).unwrap();
    symlink("loop.stack.yaml", at("loop.stack.yaml")).unwrap();
    symlink(".", at("round")).unwrap();
    symlink("good.yaml", at("link.yaml")).unwrap();
    let output = check(folder.path(), &["--format", "short"]);
    assert_good_is_checked(&output);
    assert_eq!(output.stdout.lines().count(), 1);
    for name in ["dangling.stack.yaml", "loop.stack.yaml"] {
        assert_eq!(check(folder.path(), &[name]).code, 2);
    }
    // A symlink is followed if the command names it.
    assert!(
        check(folder.path(), &["link.yaml", "--format", "short"])
            .stdout
            .starts_with("link.yaml:3:45: ")
    );
}

#[cfg(unix)]
#[test]
fn named_pipe_is_not_read() {
    if !is_installed("mkfifo") {
        return;
    }
    let folder = folder(&[("good.yaml", GOOD)]);
    let status = std::process::Command::new("mkfifo")
        .arg(folder.path().join("pipe.stack.yaml"))
        .status();
    assert!(status.unwrap().success());
    assert_good_is_checked(&check(folder.path(), &["--format", "short"]));
    assert_eq!(check(folder.path(), &["pipe.stack.yaml"]).code, 2);
    let listed = run(
        &["check", "--files-from", "-", "--format", "short"],
        folder.path(),
        b"pipe.stack.yaml\ngood.yaml\n",
    );
    assert_good_is_checked(&listed);
    let baseline = check(
        folder.path(),
        &["good.yaml", "--baseline", "pipe.stack.yaml"],
    );
    assert!(
        baseline.code == 2 && baseline.stderr_text().contains("it is not a regular file"),
        "{baseline:?}"
    );
}

#[cfg(target_os = "linux")]
#[test]
fn unreadable_file_exits_with_2_and_other_findings_are_reported() {
    let folder = folder(&[("good.yaml", GOOD)]);
    // Every user can open this file, but reading it fails.
    std::os::unix::fs::symlink("/proc/self/mem", folder.path().join("bad.stack.yaml")).unwrap();
    let output = check(
        folder.path(),
        &["good.yaml", "bad.stack.yaml", "--format", "short"],
    );
    assert_good_is_checked(&output);
    assert_eq!(output.code, 2);
    assert!(
        output.stderr.contains("cannot read `bad.stack.yaml`"),
        "{}",
        output.stderr
    );
}

#[test]
fn terminal_control_characters_are_never_printed() {
    let text = "stack_name: \"s\\e[31m\"\ncomponents:\n  orchestrator: {flavor: ours, name: o, a: \"{{a\u{202e}.b}}\", b: \"{{x\\e]0;.y\\a}}\", \"c\\e[2J\": '{{a}}'}\n";
    let folder = folder(&[("a\u{1b}[1mb.stack.yaml", text)]);
    for format in ["human", "short", "json"] {
        let output = check(folder.path(), &["--format", format]);
        let is_control = |c: char| (c.is_control() && c != '\n') || c == '\u{202e}';
        let shown = if format == "json" {
            output.stderr.clone()
        } else {
            output.stdout.clone() + &output.stderr
        };
        assert!(!shown.contains(is_control), "{format}: {shown:?}");
        assert!(!output.stdout.contains('\u{1b}'), "{format}");
    }
}

#[cfg(target_os = "linux")]
#[test]
fn closed_pipe_exits_with_0_and_full_disk_with_2() {
    if !is_installed("bash") {
        return;
    }
    let many: Vec<String> = (0..5_000).map(|at| format!("k{at}: '{{{{a}}}}'")).collect();
    let many = many.join("\n") + "\nstack_name: s\n";
    let folder = folder(&[("many.stack.yaml", &many)]);
    let shell = |redirect: &str| {
        let script = format!("\"$0\" check --format short --level none {redirect}");
        let mut command = std::process::Command::new("bash");
        command
            .args(["-c", &script, env!("CARGO_BIN_EXE_stackref")])
            .current_dir(folder.path());
        command.output().unwrap()
    };
    let output = shell("2>/dev/null | head -1; exit ${PIPESTATUS[0]}");
    assert_eq!(output.status.code(), Some(0), "{output:?}");
    let output = shell(">/dev/full");
    assert_eq!(output.status.code(), Some(2), "{output:?}");
    assert!(String::from_utf8_lossy(&output.stderr).contains("cannot write"));
}

#[test]
fn thousands_of_findings_on_one_line_have_their_own_spans() {
    let attributes: Vec<String> = (0..3_000)
        .map(|at| format!("\"k{at}\": \"{{{{ä{at}}}}}\""))
        .collect();
    let text = format!(
        "{{\"stack_name\": \"s\", \"components\": {{\"orchestrator\": {{\"flavor\": \"ours\", \"name\": \"o\", {}}}}}}}",
        attributes.join(", ")
    );
    let folder = folder(&[("s.json", &text)]);
    let found = findings(folder.path(), &["--level", "none"]);
    assert_eq!(found.len(), 3_000);
    assert!(
        found
            .iter()
            .enumerate()
            .all(|(at, (_, text))| *text == format!("{{{{ä{at}}}}}"))
    );
    assert!(
        check(Path::new(folder.path()), &["--level", "none"])
            .stdout
            .len()
            < 3_000 * 1_500
    );
}

#[test]
fn thousands_of_parts_that_zenml_cannot_load_need_linear_time() {
    const COUNT: usize = 5_000;
    let lines = |line: &str| line.repeat(COUNT);
    let list = format!("&list [{}]", vec!["x"; COUNT].join(","));
    for (values, number) in [
        (format!("- {list}\n{}", lines("- {<<: *list}\n")), COUNT),
        (lines("- &twice x\n"), COUNT - 1),
        (lines("-\tx\n"), COUNT),
        (lines("- !secret x\n"), COUNT),
        (lines("- [x?y]\n"), COUNT),
        (lines("- 2024-02-30\n"), COUNT),
        (lines("- {x\n : y}\n"), COUNT),
        (lines("- { : y}\n"), COUNT),
        (format!("- {{ : [\n{}]}}\n", lines("# x\n")), 1),
        (format!("- x\n{}", lines("---\n")), 1),
    ] {
        let text = format!("stack_name: s\ncomponents: {{o: {{flavor: f}}}}\nvalues:\n{values}");
        let folder = folder(&[("s.yaml", &text)]);
        let output = check(folder.path(), &["--format", "short", "--level", "none"]);
        let errors = output.stdout.matches("error[syntax-error]").count();
        let start: String = values.chars().take(40).collect();
        assert_eq!(errors, number, "{start}: {}", output.stderr);
    }
}

/// Each of these inputs once took minutes or all memory.
#[test]
fn many_and_long_names_need_bounded_work() {
    let stack = |attributes: &str| {
        format!(
            "stack_name: s\ncomponents:\n  orchestrator:\n    flavor: ours\n    name: o\n{attributes}"
        )
    };
    let name = |at: usize| format!("n{:020}", at.wrapping_mul(2_654_435_761) % 1_000_000_007);
    let unknown: String = (0..2_000).fold(String::new(), |text, at| {
        text + &format!("    a{at}: '{{{{x{}.k}}}}'\n", name(at))
    });
    let listed: String = (0..2_000).fold(String::new(), |text, at| {
        text + &format!("{}: [k]\n", name(at + 9_000))
    });
    let long = "a".repeat(40_000);
    let comments = format!("    b: 1 {}]\n", "# stackref: ignore[x ".repeat(8_000));
    let never_closed = format!("    b: '{}'\n", "{{a ".repeat(50_000));
    for (attributes, inventory, findings) in [
        (unknown.as_str(), listed.as_str(), 2_000),
        (
            &format!("    b: '{{{{{long}.k}}}}'\n"),
            &format!("{}: [k]\n", "b".repeat(40_000)),
            1,
        ),
        (&comments, "a: [b]\n", 1),
        (&never_closed, "a: [b]\n", 1),
    ] {
        let folder = folder(&[("s.yaml", &stack(attributes)), ("inv/x.yaml", inventory)]);
        let output = check(
            folder.path(),
            &["--inventory", "inv/x.yaml", "--format", "short"],
        );
        let found = output
            .stdout
            .lines()
            .filter(|line| line.starts_with("s.yaml"))
            .count();
        assert!(
            found <= findings && output.stdout.len() < 2_000_000,
            "{found} {}",
            output.stderr
        );
    }
}

#[test]
fn oversized_glob_is_an_error_in_the_config() {
    let deep = format!(
        "[files]\nexclude = [\"{}a{}\"]\n",
        "{".repeat(100_000),
        "}".repeat(100_000)
    );
    let folder = folder(&[("stackref.toml", &deep), ("good.yaml", GOOD)]);
    let output = check(folder.path(), &[]);
    assert_eq!(output.code, 2);
    assert!(
        output
            .stderr
            .contains("this glob is longer than 1000 bytes"),
        "{}",
        output.stderr
    );
}

#[test]
fn many_components_do_not_count_as_merges() {
    let mut text = String::from("stack_name: s\ncomponents:\n");
    for at in 0..30_000 {
        text.push_str(&format!(
            "  c{at}: {{flavor: ours, name: n, a: b, c: d, e: f, g: h}}\n"
        ));
    }
    let folder = folder(&[("s.yaml", &text)]);
    assert_eq!(findings(folder.path(), &["--level", "none"]), []);
}

#[cfg(unix)]
#[test]
fn gitignore_that_is_not_a_regular_file_is_not_read() {
    let folder = folder(&[("good.yaml", GOOD), ("sub/good.yaml", GOOD)]);
    std::os::unix::fs::symlink("/dev/zero", folder.path().join("sub/.gitignore")).unwrap();
    let output = check(folder.path(), &["--format", "short"]);
    assert_good_is_checked(&output);
    assert_eq!(output.code, 2);
    assert!(
        output
            .stderr_text()
            .contains("cannot read its `.gitignore`"),
        "{}",
        output.stderr
    );
}

#[test]
fn valid_paths_are_checked_if_other_paths_are_invalid() {
    let folder = folder(&[("good.yaml", GOOD), ("notes.txt", "x")]);
    let output = check(
        folder.path(),
        &["good.yaml", "gone.yaml", "notes.txt", "--format", "short"],
    );
    assert_good_is_checked(&output);
    assert_eq!(output.code, 2);
    assert!(
        output.stderr.contains("`gone.yaml`") && output.stderr.contains("`notes.txt`"),
        "{}",
        output.stderr
    );
}

const FORMATS: [&str; 7] = [
    "human", "short", "json", "sarif", "github", "gitlab", "junit",
];

/// A SARIF report once took 1,500 bytes of memory for each byte of such files.
#[cfg(target_os = "linux")]
#[test]
fn memory_is_proportional_to_the_input() {
    let head =
        "stack_name: s\ncomponents:\n  orchestrator:\n    flavor: ours\n    name: o\n    a: ";
    let many = |item: &str| vec![item; 12_000].join(",");
    let lines = |line: &dyn Fn(usize) -> String| (0..6_000).map(line).collect::<String>();
    let inventory = lines(&|at| format!("s{at}: [k]\n"));
    let stack = format!(
        "{head}b\n{}",
        lines(&|at| format!("    a{at}: '{{{{s{at}.k}}}}'\n"))
    );
    for (text, inventory, words) in [
        (
            format!("{head}[{}]\n", many("'{{a}}'")),
            "a: [b]\n",
            "check",
        ),
        (format!("{head}{{{}}}\n", many("a: b")), "a: [b]\n", "check"),
        (stack.clone(), "a: [b]\n", "check"),
        (stack.clone(), inventory.as_str(), "refs"),
        (stack.clone(), "a: [b]\n", "register --dry-run"),
        (stack, inventory.as_str(), "inventory --used"),
    ] {
        let folder = folder(&[("s.yaml", &text), ("secrets.inventory.yaml", inventory)]);
        let formats = if words == "check" {
            &FORMATS[..]
        } else {
            &FORMATS[..3]
        };
        for format in formats {
            let cores = std::thread::available_parallelism().map_or(1, usize::from);
            // The limit of the data segment in kB. Each thread has a stack of 2 MB.
            let limit = 60_000 + 4_000 * cores + (text.len() + inventory.len()) * 500 / 1_000;
            let script = format!("ulimit -d {limit} && exec \"$0\" {words} --format {format}");
            let mut command = std::process::Command::new("bash");
            command
                .args(["-c", &script, env!("CARGO_BIN_EXE_stackref")])
                .current_dir(folder.path());
            let output = command.env("MALLOC_ARENA_MAX", "1").output().unwrap();
            let code = output.status.code();
            let stderr = String::from_utf8_lossy(&output.stderr);
            let min_length = if words == "check" { 500_000 } else { 100_000 };
            assert!(
                matches!(code, Some(0 | 1)),
                "{words} {format} with {limit} kB: {code:?} {stderr}"
            );
            assert!(
                output.stdout.len() > min_length,
                "{words} {format}: {}",
                output.stdout.len()
            );
        }
    }
}

/// Long names are shortened, because thousands of findings can repeat them.
#[test]
fn report_size_is_proportional_to_the_input() {
    let long = "n".repeat(20_000);
    let items = vec!["\"{{a.b}}\""; 2_000].join(",");
    let many = (0..2_000)
        .map(|at| format!("\"a{at}\":\"{{{{a}}}}\""))
        .collect::<Vec<_>>()
        .join(",");
    let stack = |name: &str, kind: &str, attributes: &str| {
        format!(
            "{{\"stack_name\":\"{name}\",\"components\":{{\"{kind}\":{{\"flavor\":\"ours\",{attributes}}}}}}}"
        )
    };
    for text in [
        stack("s", "orchestrator", &format!("\"{long}\":[{items}]")),
        stack(&long, "orchestrator", &many),
        stack("s", &long, &many),
        stack("s", "orchestrator", &format!("\"name\":\"{long}\",{many}")),
        format!("{{\"{long}\":{{{many}}}}}"),
    ] {
        let folder = folder(&[("s.json", &text), ("secrets.inventory.yaml", "x: [b]\n")]);
        for format in FORMATS {
            let output = check(folder.path(), &["s.json", "--format", format]);
            assert_eq!(output.code, 1, "{}", output.stderr);
            assert!(
                output.stdout.len() < 300 * text.len(),
                "{format}: {} of {}",
                output.stdout.len(),
                text.len()
            );
        }
    }
}

/// Each of these inputs once took time quadratic in its size.
#[test]
fn thousands_of_secrets_keys_and_comments_need_linear_time() {
    let head = "stack_name: s\ncomponents:\n  orchestrator:\n    flavor: ours\n    name: o\n";
    let attributes: String = (0..4_000).fold(head.to_owned(), |text, at| {
        text + &format!("    a{at}: '{{{{s{at}.k}}}}'\n    b{at}: '{{{{one.k{at}}}}}'\n")
    });
    let mut values: String = (0..4_000).fold(String::new(), |text, at| {
        text + &format!("s{at}: {{k: v}}\n")
    });
    values.push_str("one:\n");
    (0..4_000).for_each(|at| values.push_str(&format!("  k{at}: v\n")));
    for (target, before) in [
        ("i.yaml", "a: {b: c}\none: {x: w}\n"),
        ("i.toml", "a = { b = 'c' }\n"),
        ("i.json", "{\"a\": {\"b\": \"c\"}, \"one\": {}}"),
    ] {
        let folder = folder(&[
            ("s.yaml", &attributes),
            (target, before),
            ("values.yaml", &values),
        ]);
        let words = [
            "register",
            "--from-file",
            "values.yaml",
            "--inventory",
            target,
            "--path",
            "s.yaml",
        ];
        let output = run(&words, folder.path(), b"");
        assert_eq!(
            output.code,
            0,
            "{target}: {}",
            output.stderr.chars().take(2_000).collect::<String>()
        );
        let output = check(folder.path(), &["s.yaml", "--inventory", target]);
        assert_eq!(output.code, 0, "{target}: {}", output.stderr);
    }
    let names: Vec<String> = (0..10_000).map(|at| format!("r{at}")).collect();
    let comment = format!("{head}    a: b # stackref: ignore[{}]\n", names.join(","));
    let above = "# stackref: ignore[malformed-reference]\n".repeat(5_000);
    let line = format!(
        "{{stack_name: s, components: {{x: {{flavor: f, a: [{}]}}}}}}\n",
        vec!["'{{a}}'"; 5_000].join(",")
    );
    for (text, number) in [(comment, 10_000), (format!("{above}{line}"), 0)] {
        let folder = folder(&[("s.yaml", &text)]);
        let output = check(folder.path(), &["--format", "short", "--level", "none"]);
        assert_eq!(output.stdout.lines().count(), number, "{}", output.stderr);
    }
}

/// A report replaces an older report of its format, and no other file.
#[test]
fn report_overwrites_nothing_but_a_report() {
    let cases = crate::support::cases("check");
    let inputs: Vec<std::path::PathBuf> =
        cases.into_iter().map(|case| case.join("input")).collect();
    let reports = tempfile::TempDir::new().unwrap();
    let mut written = std::collections::BTreeSet::new();
    for input in &inputs {
        let folder = tempfile::TempDir::new().unwrap();
        crate::support::copy(input, folder.path());
        for format in FORMATS {
            let report = reports.path().join(format);
            let output = check(
                folder.path(),
                &["--format", format, "--output", report.to_str().unwrap()],
            );
            let refused = output.stderr_text().contains("is not a complete report");
            assert!(
                !refused,
                "{format} after {}: {}",
                input.display(),
                std::fs::read_to_string(&report).unwrap()
            );
            written.insert(std::fs::read_to_string(&report).unwrap());
        }
    }
    assert!(written.len() > 200, "{}", written.len());
    let folder = folder(&[("good.yaml", GOOD)]);
    let path = |name: &str| reports.path().join(name);
    for format in FORMATS {
        let edited = std::fs::read_to_string(path(format)).unwrap() + "my notes\n";
        for text in [
            edited.as_str(),
            "see error[unknown-key], warning[unknown-key] and ::error \n",
            "[{\"description\": \"a\"}]\n",
        ] {
            write(reports.path(), "mine", text.as_bytes());
            let output = check(
                folder.path(),
                &[
                    "--format",
                    format,
                    "--output",
                    path("mine").to_str().unwrap(),
                ],
            );
            assert!(
                output.code == 2 && output.stderr_text().contains("is not a complete report"),
                "{format}: {output:?}"
            );
            assert_eq!(
                std::fs::read_to_string(path("mine")).unwrap(),
                text,
                "{format}"
            );
        }
        write(reports.path(), "mine", b"");
        let output = check(
            folder.path(),
            &[
                "--format",
                format,
                "--output",
                path("mine").to_str().unwrap(),
            ],
        );
        assert_eq!(output.code, 1, "{format}: {output:?}");
    }
}
