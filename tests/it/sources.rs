//! Tests which files are read for commands, and how much of them.

use crate::support::{check, folder, run, write};
use std::path::Path;

const COMMAND: &str = "zenml alerter register a --flavor=slack --slack_token='{{a}}'\n";

/// Returns the files that a check reads, with their reasons.
fn listed(folder: &Path, arguments: &[&str]) -> Vec<String> {
    let output = check(folder, &[&["--list-files"], arguments].concat());
    assert_eq!(output.code, 0, "{output:?}");
    output.stdout.lines().map(str::to_owned).collect()
}

#[test]
fn every_kind_of_file_with_commands_is_read() {
    let workflow = format!(
        "jobs: {{a: {{steps: [{{run: \"{}\"}}]}}}}\n",
        COMMAND.trim()
    );
    let makefile = format!("a:\n\t{COMMAND}");
    let page = format!("```\n{COMMAND}```\n");
    let rst = format!(".. code-block:: bash\n\n   {COMMAND}");
    let shebang = format!("#!/bin/sh\n{COMMAND}");
    let python = format!("#!/usr/bin/env python3\n{COMMAND}");
    let docker = format!("FROM x\nRUN {COMMAND}");
    let gitlab = format!("a:\n  script:\n    - {COMMAND}");
    let recipe = format!("a:\n  {}", COMMAND.replace("{{", "{{{{"));
    let notebook = format!(
        "{{\"cells\": [{{\"cell_type\": \"code\", \"source\": [\"!{}\"]}}]}}",
        COMMAND.trim()
    );
    let template = format!("{{% if a %}}\n{COMMAND}{{% endif %}}\n");
    let folder = folder(&[
        (".github/workflows/ci.yml", workflow.as_str()),
        (".github/ci.yml", &workflow),
        (".gitlab-ci.yml", &gitlab),
        ("Dockerfile.gpu", &docker),
        ("GNUmakefile", &makefile),
        ("README.MD", &page),
        ("a/action.yaml", &workflow),
        ("bin/deploy", &shebang),
        ("bin/deploy.py", &shebang),
        ("bin/notes", COMMAND),
        ("bin/tool", &python),
        ("docs/a.rst", &rst),
        ("justfile", &recipe),
        ("setup.ipynb", &notebook),
        ("setup.zsh", COMMAND),
        ("template.sh", &template),
        ("template.sh.j2", COMMAND),
    ]);
    assert_eq!(
        listed(folder.path(), &[]),
        [
            ".github/workflows/ci.yml: a GitHub workflow or action with `zenml` commands",
            ".gitlab-ci.yml: a GitLab CI file with `zenml` commands",
            "Dockerfile.gpu: a Dockerfile with `zenml` commands",
            "GNUmakefile: a Makefile with `zenml` commands",
            "README.MD: a Markdown page with `zenml` commands",
            "a/action.yaml: a GitHub workflow or action with `zenml` commands",
            "bin/deploy: a script with `zenml` commands",
            "docs/a.rst: a reStructuredText page with `zenml` commands",
            "justfile: a justfile with `zenml` commands",
            "setup.ipynb: a notebook with `zenml` commands",
            "setup.zsh: a shell script with `zenml` commands",
        ]
    );
    let report = check(folder.path(), &["--format", "short", "--level", "none"]);
    let found = report.stdout.matches("malformed-reference").count();
    assert_eq!(found, 11, "{}", report.stdout);
}

#[test]
fn config_selects_the_sources() {
    let files = [
        ("README.md", format!("`{}`\n", COMMAND.trim())),
        ("run.sh", COMMAND.to_owned()),
        (
            "s.yaml",
            "stack_name: s\ncomponents:\n  orchestrator: {flavor: x, name: o}\n".to_owned(),
        ),
    ];
    let files: Vec<(&str, &str)> = files
        .iter()
        .map(|(name, text)| (*name, text.as_str()))
        .collect();
    let folder = folder(&files);
    for (sources, expected) in [
        ("[\"docs\"]", vec!["README.md"]),
        ("[\"scripts\", \"stacks\"]", vec!["run.sh", "s.yaml"]),
        ("[]", vec![]),
    ] {
        let config = format!("[files]\nsources = {sources}\n");
        write(folder.path(), "stackref.toml", config.as_bytes());
        let listed = listed(folder.path(), &[]);
        let names: Vec<&str> = listed
            .iter()
            .filter_map(|line| line.split(':').next())
            .collect();
        assert_eq!(names, expected, "{sources}");
    }
    write(
        folder.path(),
        "stackref.toml",
        b"[files]\nsources = [\"script\", \"dosc\"]\n",
    );
    let output = check(folder.path(), &[]);
    assert_eq!(output.code, 2);
    for help in ["did you mean \"scripts\"?", "did you mean \"docs\"?"] {
        assert!(output.stderr.contains(help), "{}", output.stderr);
    }
}

#[test]
fn large_files_are_searched_in_chunks() {
    let folder = folder(&[]);
    let chunk = 1 << 18;
    for before in [chunk - 3, chunk - 1, chunk, 3 * chunk - 2] {
        let mut script = "#\n".repeat(before / 2);
        script.truncate(before);
        script.push_str(if before % 2 == 0 { "" } else { "\n" });
        script.push_str(COMMAND);
        write(folder.path(), "large.sh", script.as_bytes());
        assert_eq!(listed(folder.path(), &[]).len(), 1, "{before}");
    }
    write(
        folder.path(),
        "large.sh",
        "#\n".repeat(2 * chunk).as_bytes(),
    );
    assert_eq!(listed(folder.path(), &[]), [""; 0]);
}

#[test]
fn named_file_that_a_script_glob_matches_is_read() {
    let folder = folder(&[
        (
            "stackref.toml",
            "[files]\nscripts = [\"*.py\", \"*.fish\"]\n",
        ),
        ("x.py", COMMAND),
        ("y.fish", COMMAND),
    ]);
    for name in ["x.py", "y.fish"] {
        let output = check(folder.path(), &[name, "--format", "short"]);
        assert_eq!(output.code, 1, "{output:?}");
        let found = format!("{name}:1:56: error[malformed-reference]");
        assert!(output.stdout.starts_with(&found), "{output:?}");
    }
}

#[test]
fn command_that_reads_only_stacks_reads_a_workflow_as_yaml() {
    let stack = "stack_name: s\ncomponents:\n  orchestrator: {flavor: x, name: o, a: '{{a.b}}'}\n";
    let folder = folder(&[
        ("action.yml", stack),
        ("secrets.inventory.yaml", "a: {b: value}\n"),
    ]);
    let render = |arguments: &[&str], input: &str| {
        let arguments = [&["render", "--stdout"], arguments].concat();
        run(&arguments, folder.path(), input.as_bytes())
    };
    let named = render(&["action.yml"], "");
    assert_eq!(named.stdout, stack.replace("{{a.b}}", "value"));
    let standard_input = render(&["-", "--stdin-filename", "action.yml"], stack);
    assert_eq!(standard_input.stdout, named.stdout, "{standard_input:?}");
    let script = render(&["-", "--stdin-filename", "x.sh"], COMMAND);
    assert_eq!(script.code, 2);
    assert!(
        script.stderr.contains("`x.sh` is not a stack file"),
        "{script:?}"
    );
}

#[test]
fn reference_with_a_variable_in_place_of_a_name_is_listed_once() {
    let script =
        "zenml artifact-store register s --flavor=s3 --authentication_secret=\"{{${X}.k}}\"\n";
    let folder = folder(&[("x.sh", script)]);
    let output = run(&["refs"], folder.path(), b"");
    let listed = "x.sh:1:70: x.sh / artifact-store / authentication_secret -> ${X}.k (dynamic)\n";
    assert_eq!(output.stdout, listed);
}
