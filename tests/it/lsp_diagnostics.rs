//! The diagnostics of the language server: they are the findings of `check`.

use crate::lsp_support::{STACK, Session, inputs, pulling, pushed, rules};
use crate::support::{copy, files_below, folder, run};
use serde_json::{Value, json};
use stackref::lsp::SessionEnd;
use std::collections::BTreeMap;
use std::path::Path;

/// Findings as (path, line, column, end line, end column, rule, severity, message), sorted.
type Findings = Vec<(String, [u64; 4], String, u64, String)>;

/// Returns the findings of `check` in a folder; `None` if the run cannot check anything.
fn findings_of_check(folder: &Path) -> Option<Findings> {
    let output = run(&["check", "--format", "json"], folder, b"");
    let report: Value = serde_json::from_str(&output.stdout).unwrap();
    if output.code == 2 && report["findings"] == json!([]) {
        return None;
    }
    let number = |value: &Value| value.as_u64().unwrap() - 1;
    let findings = report["findings"].as_array().unwrap().iter();
    let mut findings: Findings = findings
        .map(|finding| {
            let (start, end) = (&finding["span"]["start"], &finding["span"]["end"]);
            (
                finding["path"].as_str().unwrap().to_owned(),
                [
                    &start["line"],
                    &start["column"],
                    &end["line"],
                    &end["column"],
                ]
                .map(number),
                finding["rule"].as_str().unwrap().to_owned(),
                if finding["severity"] == "error" { 1 } else { 2 },
                finding["message"].as_str().unwrap().to_owned(),
            )
        })
        .collect();
    findings.sort();
    Some(findings)
}

/// Returns diagnostics in the same form.
fn findings_of_server(files: &BTreeMap<String, Vec<Value>>) -> Findings {
    let mut findings = Findings::new();
    for (path, diagnostics) in files {
        let path = percent_decoded(path);
        findings.extend(diagnostics.iter().map(|it| {
            let (start, end) = (&it["range"]["start"], &it["range"]["end"]);
            (
                path.clone(),
                [
                    &start["line"],
                    &start["character"],
                    &end["line"],
                    &end["character"],
                ]
                .map(|number| number.as_u64().unwrap()),
                it["code"].as_str().unwrap().to_owned(),
                it["severity"].as_u64().unwrap(),
                it["message"].as_str().unwrap().to_owned(),
            )
        }));
    }
    findings.sort();
    findings
}

fn percent_decoded(path: &str) -> String {
    let mut bytes = Vec::new();
    let mut rest = path.bytes();
    while let Some(byte) = rest.next() {
        if byte == b'%' {
            let hex = [rest.next().unwrap(), rest.next().unwrap()];
            let hex = std::str::from_utf8(&hex).unwrap();
            bytes.push(u8::from_str_radix(hex, 16).unwrap());
        } else {
            bytes.push(byte);
        }
    }
    String::from_utf8(bytes).unwrap()
}

/// All files are closed, and then each of them is opened with the same text.
#[test]
fn diagnostics_of_all_fixtures_are_the_findings_of_check() {
    let (mut compared, mut found) = (0, 0);
    for input in inputs() {
        let folder = tempfile::tempdir().unwrap();
        copy(&input, folder.path());
        let Some(expected) = findings_of_check(folder.path()) else {
            continue;
        };
        let mut session = Session::start(folder.path(), &pulling());
        let closed = findings_of_server(&session.pull_all());
        assert_eq!(closed, expected, "{}", input.display());
        for file in files_below(folder.path(), None) {
            let name = file.strip_prefix(folder.path()).unwrap();
            if let Ok(text) = std::fs::read_to_string(&file) {
                let text = text.strip_prefix('\u{feff}').unwrap_or(&text);
                session.open_text(name.to_str().unwrap(), "yaml", text);
            }
        }
        let open = findings_of_server(&session.pull_all());
        assert_eq!(open, expected, "{}, open", input.display());
        assert_eq!(session.shut_down(), SessionEnd::ShutDown);
        compared += 1;
        found += expected.len();
    }
    assert!(compared > 300 && found > 500, "{compared} {found}");
}

#[test]
fn a_change_is_checked_and_pushed_with_its_version() {
    let folder = folder(&[
        ("a.yaml", STACK),
        ("secrets.inventory.yaml", "slack: [token]\n"),
    ]);
    let mut session = Session::start(folder.path(), &pushed());
    session.open("a.yaml");
    session.change(
        "a.yaml",
        &json!([{
            "range": {"start": {"line": 4, "character": 18}, "end": {"line": 4, "character": 33}},
            "text": "hunter2",
        }]),
    );
    let found = session.pushed("a.yaml", |found| !found.is_empty());
    assert_eq!(rules(&found), ["plaintext-secret"]);
    let params = session.received("textDocument/publishDiagnostics");
    assert_eq!(params.last().unwrap()["version"], 2);
    // A secret that nothing uses any more is reported in a file that is not open.
    let unused = session.pushed("secrets.inventory.yaml", |found| !found.is_empty());
    assert_eq!(rules(&unused), ["unused-secret"]);
    session.replace("a.yaml", STACK);
    session.pushed("a.yaml", <[Value]>::is_empty);
    session.pushed("secrets.inventory.yaml", <[Value]>::is_empty);
    assert_eq!(session.shut_down(), SessionEnd::ShutDown);
}
