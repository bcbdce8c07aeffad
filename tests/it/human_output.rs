//! Output for people: headers, color, ASCII, links, diffs, redaction and the summary.

use crate::register::Session;
use crate::support::{check, folder, is_installed, run, write};
use std::io::Write as _;
use std::process::{Command, Stdio};
use tempfile::TempDir;

const STACK: &str = "stack_name: prod
zenml_version: 0.13.2
components:
  secrets_manager: {flavor: local, name: l}
  experiment_tracker:
    flavor: mlflow
    name: t
    # the password was hunter2 once, and {{a.b}}
    tracking_username: {{mlflow.username}} # hunter2
    tracking_password: 'hunter2'
    tracking_token: {x: '{{x.y}}', hunter2: {{mlflow.username}}, z: {hunter2}}
    tracking_uri: 'mysql://{{db.user}}:hunter2@host'
    one: {{mlflow.usernam}}
    two: '{{mlflow.usernam}}'
    three: '{{mlfow.username}}'
";

/// Creates a stack with findings that `--fix` fixes, that `--fix=suggestions` fixes, and that have
/// no fix.
fn project() -> TempDir {
    folder(&[
        ("prod.yaml", STACK),
        (
            "secrets.inventory.yaml",
            "mlflow: [username, password]\nx: [y]\ndb: [user]\n",
        ),
    ])
}

/// The commands that print output for people.
const COMMANDS: [&[&str]; 13] = [
    &["check"],
    &["check", "--format", "short"],
    &["check", "--fix", "--diff"],
    &["check", "--list-files"],
    &["refs"],
    &["refs", "--format", "short"],
    &["refs", "--by", "secret"],
    &["refs", "--by", "secret", "--format", "short"],
    &["inventory"],
    &["inventory", "--format", "short"],
    &["inventory", "--probe"],
    &["register", "--dry-run"],
    &["explain"],
];

#[test]
fn color_is_printed_only_if_it_is_requested() {
    let folder = project();
    write(
        folder.path(),
        "missing.yaml",
        STACK.replace("mlflow.username", "new.key").as_bytes(),
    );
    for command in COMMANDS {
        let plain = run(command, folder.path(), b"");
        assert!(
            !plain.stdout.contains('\u{1b}') && !plain.stderr.contains('\u{1b}'),
            "{command:?}: {plain:?}"
        );
        assert!(!plain.stdout.is_empty(), "{command:?}: {plain:?}");
        for variable in ["FORCE_COLOR=1", "CLICOLOR_FORCE=1"] {
            let colored = run(&[&[variable], command].concat(), folder.path(), b"");
            assert!(
                colored.stdout.contains("\u{1b}["),
                "{command:?}: {colored:?}"
            );
            // Without the color codes, the text is the same.
            let text = without_color(&colored.stdout);
            assert_eq!(text, plain.stdout, "{command:?}");
            let never = run(
                &[&[variable, "NO_COLOR=1"], command].concat(),
                folder.path(),
                b"",
            );
            assert_eq!(never.stdout, plain.stdout, "{command:?}");
            let never = run(
                &[&[variable], command, &["--color", "never"]].concat(),
                folder.path(),
                b"",
            );
            assert_eq!(never.stdout, plain.stdout, "{command:?}");
        }
    }
}

/// Returns a text without its color codes.
fn without_color(text: &str) -> String {
    let mut parts = text.split("\u{1b}[");
    let first = parts.next().unwrap().to_owned();
    parts.fold(first, |plain, part| plain + part.split_once('m').unwrap().1)
}

#[test]
fn color_and_links_are_printed_to_a_terminal() {
    let folder = project();
    let at_terminal = |words: &[&str]| {
        let mut session = Session::start(folder.path(), words, 200);
        session.wait("checked 1 file");
        session.seen().to_owned()
    };
    let colored = at_terminal(&["check"]);
    let link = "/docs/src/rules.md#unquoted-reference\u{1b}\\unquoted-reference\u{1b}]8;;\u{1b}\\";
    assert!(
        colored.contains("\u{1b}[31m")
            && colored.contains("\u{1b}]8;;https://")
            && colored.contains(link),
        "{colored:?}"
    );
    let plain = at_terminal(&["check", "--color", "never"]);
    assert!(!plain.contains('\u{1b}'), "{plain:?}");
    // Without a terminal, `--color always` prints color, but no links.
    let redirected = check(folder.path(), &["--color", "always"]);
    assert!(
        redirected.stdout.contains("\u{1b}[") && !redirected.stdout.contains("\u{1b}]"),
        "{}",
        redirected.stdout
    );
}

#[test]
fn usage_error_follows_the_color_flag_and_variable() {
    let folder = project();
    for (words, is_colored) in [
        (&["check", "--color", "always", "--bogus"][..], true),
        (&["--color=always", "check", "--bogus"], true),
        (&["FORCE_COLOR=1", "check", "--bogus"], true),
        (
            &["FORCE_COLOR=1", "--color", "never", "check", "--bogus"],
            false,
        ),
        (&["FORCE_COLOR=0", "check", "--bogus"], false),
    ] {
        let output = run(words, folder.path(), b"");
        assert_eq!(
            output.stderr.contains('\u{1b}'),
            is_colored,
            "{words:?}: {output:?}"
        );
    }
}

#[test]
fn locale_without_utf_8_gets_ascii_except_for_names() {
    let folder = project();
    let text = STACK
        .replace("stack_name: prod", "stack_name: prüfung")
        .replace("mlfow.", "schlüssel.");
    write(folder.path(), "prod.yaml", text.as_bytes());
    let long = format!("{text}    long: 'x{{{{a.b}}}}{}\u{1b}'\n", "y".repeat(300));
    write(
        folder.path(),
        "long.yaml",
        long.replace('\u{1b}', "").as_bytes(),
    );
    let unicode = run(&["LANG=C.UTF-8", "check"], folder.path(), b"");
    assert_eq!(
        unicode,
        run(&["check"], folder.path(), b""),
        "without a locale"
    );
    assert!(
        unicode.stdout.contains("prüfung › experiment_tracker") && unicode.stdout.contains("╭─[")
    );
    for variable in ["LANG=C", "LC_ALL=POSIX", "LC_CTYPE=en_US.ISO-8859-1"] {
        let ascii = run(&[variable, "check"], folder.path(), b"");
        assert!(
            ascii
                .stdout
                .contains("error[unquoted-reference] prüfung > experiment_tracker > one"),
            "{}",
            ascii.stdout
        );
        assert!(
            ascii.stdout.contains(",-[") && ascii.stdout.contains("..."),
            "{}",
            ascii.stdout
        );
        let rest = ascii.stdout.replace("prüfung", "").replace("schlüssel", "");
        assert!(rest.is_ascii(), "{rest}");
        let failure = run(&[variable, "check", "nosuch.yaml"], folder.path(), b"");
        assert!(
            failure.code == 2 && failure.stderr.is_ascii(),
            "{failure:?}"
        );
    }
    // A report in a file does not depend on the locale.
    let reports = ["LANG=C", "LANG=C.UTF-8"].map(|variable| {
        run(
            &[
                variable,
                "check",
                "--format",
                "human",
                "--output",
                "report.txt",
            ],
            folder.path(),
            b"",
        );
        std::fs::read_to_string(folder.path().join("report.txt")).unwrap()
    });
    assert_eq!(reports[0], reports[1]);
}

#[test]
fn human_report_replaces_an_earlier_one() {
    let folder = project();
    let deep = STACK.replace("experiment_tracker:", &format!("{}:", "c".repeat(70)));
    write(
        folder.path(),
        "deep.yaml",
        deep.replace(
            "stack_name: prod",
            &format!("stack_name: {}", "s".repeat(70)),
        )
        .as_bytes(),
    );
    for _ in 0..2 {
        let output = check(
            folder.path(),
            &["--format", "human", "--output", "report.txt"],
        );
        assert_eq!(output.code, 1, "{}", output.stderr);
    }
    let report = std::fs::read_to_string(folder.path().join("report.txt")).unwrap();
    assert!(
        report.contains("[fixable]\n  s"),
        "names that are too wide are on a separate line: {report}"
    );
}

#[test]
fn excerpts_and_diffs_print_references_and_redact_values() {
    let folder = project();
    for words in [
        &["--no-ignores"][..],
        &["--fix", "--diff"],
        &["--fix", "--diff", "--format", "short"],
    ] {
        let output = check(folder.path(), words);
        let printed = format!("{}{}", output.stdout, output.stderr);
        assert!(!printed.contains("hunter2"), "{words:?}: {printed}");
    }
    let diff = check(folder.path(), &["--fix", "--diff"]).stdout;
    assert_eq!(
        diff,
        "--- prod.yaml
+++ prod.yaml
@@ -6,10 +6,10 @@
     flavor: mlflow
     name: t
     # ***{{a.b}}
-    tracking_username: {{mlflow.username}} # ***
+    tracking_username: \"{{mlflow.username}}\" # ***
     tracking_password: '***'
-    tracking_token: {***: '{{x.y}}', ***: {{mlflow.username}}, ***: {***}}
+    tracking_token: {***: '{{x.y}}', ***: \"{{mlflow.username}}\", ***: {***}}
     tracking_uri: 'mysql://{{db.user}}:***@host'
-    one: {{mlflow.usernam}}
+    one: \"{{mlflow.usernam}}\"
     two: '{{mlflow.usernam}}'
     three: '{{mlfow.username}}'
"
    );
}

/// Malformed references of every kind in a sensitive attribute, next to a password.
#[test]
fn malformed_reference_is_printed_and_password_in_braces_is_redacted() {
    for (value, printed_part) in [
        ("{{mlflow.password}}", "{{mlflow.password}}"),
        ("{{ mlflow.password }}", "{{ mlflow.password }}"),
        ("'{{mlflow.password}'", "{{mlflow.password}"),
        ("{{mlflow.password}", "{{mlflow.password}"),
        ("{mlflow.password}}", "{mlflow.password}}"),
        ("{{mlflow.password", "{{mlflow.password"),
        ("{{{mlflow.password}}}", "{{{mlflow.password}}}"),
        ("'x{{mlflow.password}}hunter2'", "{{mlflow.password}}"),
        (
            "'{{mlflow.password}}{{mlflow.username}}hunter2'",
            "{{mlflow.username}}",
        ),
        ("{hunter2}", ""),
        ("{{hunter2: x}}", ""),
        ("'{{hunter2}}x'", ""),
        ("{{hunter2}}x", ""),
        ("'{hunter2}'", ""),
        ("{hunter2: {{mlflow.password}}}", "{{mlflow.password}}"),
    ] {
        let text = format!(
            "stack_name: prod\ncomponents:\n  experiment_tracker:\n    flavor: mlflow\n    name: t\n    \
             b: {{{{mlflow.url}}}}\n    tracking_password: {value} # hunter2\n"
        );
        let folder = folder(&[
            ("s.stack.yaml", &text),
            ("secrets.inventory.yaml", "mlflow: [username, password]\n"),
        ]);
        for words in [
            &["--level", "none"][..],
            &["--level", "none", "--fix", "--diff"],
        ] {
            let output = check(folder.path(), words);
            let printed = format!("{}{}", output.stdout, output.stderr);
            assert!(
                printed.contains(printed_part) && !printed.contains("hunter2"),
                "{value} {words:?}\n{printed}"
            );
        }
    }
}

#[test]
fn diff_without_redaction_is_applied_by_patch() {
    if !is_installed("patch") {
        return;
    }
    let lines = (0..40)
        .map(|at| format!("    a{at}: x\n"))
        .collect::<Vec<_>>()
        .concat();
    let component = |name: &str, end: &str| {
        format!("  {name}:\n    flavor: f\n    name: n\n    u: {{{{a.b}}}}{end}")
    };
    let top = component("artifact_store", "\n");
    for end in ["\n", ""] {
        let text = format!(
            "stack_name: s\ncomponents:\n{top}{lines}{}",
            component("deployer", end)
        );
        let folder = folder(&[("s.yaml", &text), ("secrets.inventory.yaml", "a: [b]\n")]);
        let diff = check(folder.path(), &["--fix", "--diff"]).stdout;
        assert_eq!(diff.matches("\n@@ ").count(), 2, "{diff}");
        assert_eq!(
            diff.contains("\n\\ No newline at end of file"),
            end.is_empty(),
            "{diff}"
        );
        let mut patch = Command::new("patch")
            .args(["-p0", "--quiet"])
            .current_dir(folder.path())
            .stdin(Stdio::piped())
            .spawn()
            .unwrap();
        patch
            .stdin
            .take()
            .unwrap()
            .write_all(diff.as_bytes())
            .unwrap();
        assert!(patch.wait().unwrap().success(), "{diff}");
        let fixed = text.replace("{{a.b}}", "\"{{a.b}}\"");
        assert_eq!(
            std::fs::read_to_string(folder.path().join("s.yaml")).unwrap(),
            fixed
        );
    }
}

#[test]
fn diff_prints_findings_to_stderr_and_machine_formats_need_files() {
    let folder = project();
    let diff = check(folder.path(), &["--fix", "--diff"]);
    let short = check(folder.path(), &["--fix", "--diff", "--format", "short"]);
    assert_eq!(
        (diff.code, diff.stdout.as_str(), short.code),
        (1, short.stdout.as_str(), 1)
    );
    assert!(
        short
            .stderr
            .contains("prod.yaml:9:24: error[unquoted-reference]: "),
        "{}",
        short.stderr
    );
    for format in ["json", "sarif", "github", "gitlab", "junit"] {
        let refused = check(folder.path(), &["--fix", "--diff", "--format", format]);
        assert!(
            refused.code == 2 && refused.stderr_text().contains("--output FILE"),
            "{format}: {refused:?}"
        );
        let written = check(
            folder.path(),
            &["--fix", "--diff", "--format", format, "--output", format],
        );
        assert_eq!(
            (written.code, written.stdout.as_str()),
            (1, diff.stdout.as_str()),
            "{format}: {}",
            written.stderr
        );
    }
}

#[test]
fn summary_counts_safe_fixes_and_suggestions_separately() {
    let folder = project();
    let output = check(folder.path(), &[]);
    let summary = output.stderr.lines().last().unwrap_or_default().to_owned();
    assert!(
        summary.ends_with(", 3 fixable with --fix, 2 more with --fix=suggestions"),
        "{summary}"
    );
    assert!(
        output
            .stdout
            .contains("error[unknown-key] prod › experiment_tracker › two [suggestion]\n"),
        "{}",
        output.stdout
    );
    let fixed = check(folder.path(), &["--fix"]);
    assert!(
        fixed
            .stderr
            .ends_with(", 3 fixed, 0 fixable with --fix, 3 more with --fix=suggestions\n"),
        "{}",
        fixed.stderr
    );
    let json: serde_json::Value =
        serde_json::from_str(&check(folder.path(), &["--format", "json"]).stdout).unwrap();
    assert_eq!(json["summary"]["fixable"], 0);
}

#[test]
fn sarif_report_above_the_github_limit_is_complete_and_has_a_note() {
    let stack = |findings: usize| {
        let lines = (0..findings)
            .map(|at| format!("    a{at}: '{{{{x}}}}'\n"))
            .collect::<Vec<_>>()
            .concat();
        format!("stack_name: s\ncomponents:\n  deployer:\n    flavor: f\n    name: n\n{lines}")
    };
    for (findings, has_note) in [(25_000, false), (25_001, true)] {
        let folder = folder(&[("s.yaml", &stack(findings))]);
        for words in [
            &["--format", "sarif"][..],
            &["--format", "sarif", "--output", "a.sarif"],
            &["--format", "short"],
        ] {
            let output = check(folder.path(), words);
            let is_printed = output
                .stderr
                .contains("note: the SARIF report contains 25001 results, and GitHub");
            assert_eq!(
                is_printed,
                has_note && words.contains(&"sarif"),
                "{words:?} {}",
                output.stderr
            );
            if words == ["--format", "sarif"] {
                let report: serde_json::Value = serde_json::from_str(&output.stdout).unwrap();
                assert_eq!(
                    report["runs"][0]["results"].as_array().unwrap().len(),
                    findings
                );
            }
        }
    }
}
