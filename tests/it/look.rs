//! How output for people looks: headers, colour, ASCII, links, diffs; what they may show; and the summary below them.

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

/// A stack with findings that `--fix` fixes, that `--fix=suggestions` fixes, and that nothing fixes.
fn project() -> TempDir {
    folder(&[
        ("prod.yaml", STACK),
        (
            "secrets.inventory.yaml",
            "mlflow: [username, password]\nx: [y]\ndb: [user]\n",
        ),
    ])
}

/// The commands that print something for people, each with what is coloured in it.
const COMMANDS: [&[&str]; 11] = [
    &["check"],
    &["check", "--format", "short"],
    &["check", "--fix", "--diff"],
    &["check", "--list-files"],
    &["refs"],
    &["refs", "--format", "short"],
    &["inventory"],
    &["inventory", "--format", "short"],
    &["inventory", "--probe"],
    &["register", "--dry-run"],
    &["explain"],
];

#[test]
fn all_output_for_people_is_coloured_where_that_is_wanted_and_only_there() {
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
            let coloured = run(&[&[variable], command].concat(), folder.path(), b"");
            assert!(
                coloured.stdout.contains("\u{1b}["),
                "{command:?}: {coloured:?}"
            );
            // What a terminal shows of it is the same.
            let shown = shown(&coloured.stdout);
            assert_eq!(shown, plain.stdout, "{command:?}");
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

/// A text without its colours.
fn shown(text: &str) -> String {
    let mut parts = text.split("\u{1b}[");
    let first = parts.next().unwrap().to_owned();
    parts.fold(first, |shown, part| shown + part.split_once('m').unwrap().1)
}

#[test]
fn a_terminal_gets_colour_and_links_unless_it_is_dumb() {
    let folder = project();
    let at_terminal = |words: &[&str]| {
        let mut session = Session::start(folder.path(), words, 200);
        session.wait("checked 1 file");
        session.seen().to_owned()
    };
    let usual = at_terminal(&["check"]);
    let link = "/docs/src/rules.md#unquoted-reference\u{1b}\\unquoted-reference\u{1b}]8;;\u{1b}\\";
    assert!(
        usual.contains("\u{1b}[31m")
            && usual.contains("\u{1b}]8;;https://")
            && usual.contains(link),
        "{usual:?}"
    );
    let plain = at_terminal(&["check", "--color", "never"]);
    assert!(!plain.contains('\u{1b}'), "{plain:?}");
    // Elsewhere there is colour if it is wanted, and never a link.
    let elsewhere = check(folder.path(), &["--color", "always"]);
    assert!(
        elsewhere.stdout.contains("\u{1b}[") && !elsewhere.stdout.contains("\u{1b}]"),
        "{}",
        elsewhere.stdout
    );
}

#[test]
fn a_usage_error_is_coloured_as_the_flag_has_it() {
    let folder = project();
    for (words, is_coloured) in [
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
            is_coloured,
            "{words:?}: {output:?}"
        );
    }
}

#[test]
fn another_locale_than_utf_8_gets_ascii_and_keeps_the_names() {
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
    // A file is the same whatever the locale is.
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
fn a_human_report_can_be_written_over_the_one_before() {
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
        "names that are too wide have a line of their own: {report}"
    );
}

#[test]
fn excerpts_and_diffs_show_references_and_nothing_else_that_may_be_a_secret() {
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

/// Every way to write a reference that is wrong, at a sensitive attribute, beside a password.
#[test]
fn a_malformed_reference_is_shown_and_a_password_in_braces_is_not() {
    for (value, shows) in [
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
                printed.contains(shows) && !printed.contains("hunter2"),
                "{value} {words:?}\n{printed}"
            );
        }
    }
}

#[test]
fn a_diff_in_which_nothing_is_redacted_is_applied_by_patch() {
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
fn with_diff_findings_go_to_standard_error_and_machine_formats_to_files() {
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
            refused.code == 2 && refused.said().contains("--output FILE"),
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
fn the_summary_counts_what_only_suggestions_would_fix() {
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
fn a_sarif_report_that_github_would_refuse_is_complete_and_noted() {
    let stack = |findings: usize| {
        let lines = (0..findings)
            .map(|at| format!("    a{at}: '{{{{x}}}}'\n"))
            .collect::<Vec<_>>()
            .concat();
        format!("stack_name: s\ncomponents:\n  deployer:\n    flavor: f\n    name: n\n{lines}")
    };
    for (findings, is_noted) in [(25_000, false), (25_001, true)] {
        let folder = folder(&[("s.yaml", &stack(findings))]);
        for words in [
            &["--format", "sarif"][..],
            &["--format", "sarif", "--output", "a.sarif"],
            &["--format", "short"],
        ] {
            let output = check(folder.path(), words);
            let noted = output
                .stderr
                .contains("note: the SARIF report contains 25001 results, and GitHub");
            assert_eq!(
                noted,
                is_noted && words.contains(&"sarif"),
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
