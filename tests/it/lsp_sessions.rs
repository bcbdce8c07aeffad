//! Sessions of the language server: changes on disk, several folders, settings, trust and stores.

use crate::lsp_support::{STACK, Session, TestEnvironment, pulling, pushed, rules, uri_of};
use crate::support::{folder, write};
use lsp_server::Message;
use serde_json::{Value, json};
use stackref::lsp::SessionEnd;
use std::collections::HashMap;
use std::path::Path;

/// A config whose inventory is a program, which needs trust.
pub fn command_config(script: &Path) -> String {
    let command = |arguments: &str| format!("[\"sh\", \"{}\", {arguments}]", script.display());
    format!(
        "[inventory.store]\nkind = \"command\"\nnames = {}\nkeys = {}\nvalue = {}\n",
        command("\"names\""),
        command("\"keys\", \"{secret}\""),
        command("\"value\", \"{secret}\", \"{key}\""),
    )
}

/// Creates a program that answers after a moment, and records its calls.
pub fn store(folder: &Path, seconds: &str) -> std::path::PathBuf {
    let script = folder.join("store.sh");
    let text = format!(
        "echo \"$1\" >> {}\nsleep {seconds}\nif [ \"$1\" = names ]; then echo '[\"slack\"]'; else echo '[\"token\"]'; fi\n",
        folder.join("calls").display()
    );
    std::fs::write(&script, text).unwrap();
    script
}

/// Returns the calls of the program so far.
pub fn calls(folder: &Path) -> Vec<String> {
    let text = std::fs::read_to_string(folder.join("calls")).unwrap_or_default();
    text.lines().map(str::to_owned).collect()
}

/// Returns the environment in which all configs are trusted.
pub fn trusted() -> TestEnvironment {
    let variables = [("STACKREF_TRUST", "1"), ("PATH", "/usr/bin:/bin")];
    TestEnvironment(HashMap::from(
        variables.map(|(name, value)| (name.to_owned(), value.to_owned())),
    ))
}

#[test]
fn changes_on_disk_are_noticed_with_and_without_the_client() {
    let mut watching = pushed();
    watching["workspace"] = json!({"didChangeWatchedFiles": {"dynamicRegistration": true}});
    for (capabilities, watches) in [(pushed(), false), (watching, true)] {
        let folder = folder(&[("a.yaml", STACK)]);
        let mut session = Session::start(folder.path(), &capabilities);
        let tell = |session: &mut Session, name: &str| {
            if watches {
                session.files_changed(&[name]);
            } else {
                // Any message is an occasion to compare.
                std::thread::sleep(std::time::Duration::from_millis(250));
                let params = json!({"textDocument": {"uri": session.uri("none")}});
                let _ = session.request("textDocument/diagnostic", params);
            }
        };
        session.open("a.yaml");
        session.pushed("a.yaml", <[Value]>::is_empty);
        write(folder.path(), "secrets.inventory.yaml", b"slack: [other]\n");
        tell(&mut session, "secrets.inventory.yaml");
        let found = session.pushed("a.yaml", |found| !found.is_empty());
        assert_eq!(rules(&found), ["unknown-key"]);
        write(
            folder.path(),
            "secrets.inventory.yaml",
            b"slack: [token, other]\n",
        );
        tell(&mut session, "secrets.inventory.yaml");
        session.pushed("a.yaml", <[Value]>::is_empty);
        write(
            folder.path(),
            "stackref.toml",
            b"[rules]\nunused-secret = \"off\"\n",
        );
        tell(&mut session, "stackref.toml");
        write(
            folder.path(),
            "b.yaml",
            STACK.replace("slack.token", "slakc.token").as_bytes(),
        );
        tell(&mut session, "b.yaml");
        let found = session.pushed("b.yaml", |found| !found.is_empty());
        assert_eq!(rules(&found), ["unknown-secret"]);
        std::fs::remove_file(folder.path().join("b.yaml")).unwrap();
        tell(&mut session, "b.yaml");
        session.pushed("b.yaml", <[Value]>::is_empty);
        assert_eq!(
            session.received("client/registerCapability").len(),
            usize::from(watches)
        );
        assert_eq!(session.shut_down(), SessionEnd::ShutDown);
    }
}

#[test]
fn only_open_files_have_diagnostics_if_the_settings_say_so() {
    let wrong = STACK.replace("{{slack.token}}", "hunter2");
    let folder = folder(&[("a.yaml", &wrong), ("b.yaml", &wrong)]);
    let options = json!({"diagnosticMode": "openFilesOnly"});
    let params = json!({"capabilities": pulling(), "initializationOptions": options});
    let mut session = Session::start_with(folder.path(), params, TestEnvironment::default());
    assert!(session.pull_all().is_empty());
    session.open("b.yaml");
    assert_eq!(rules(&session.pull("b.yaml")), ["plaintext-secret"]);
    assert_eq!(session.pull_all().keys().collect::<Vec<_>>(), ["b.yaml"]);
    let settings = json!({"settings": {"stackref": {"diagnosticMode": "workspace"}}});
    session.notify("workspace/didChangeConfiguration", settings);
    assert_eq!(session.pull_all().len(), 2);
}

#[test]
fn each_folder_has_its_own_config_and_inventories() {
    let first = folder(&[
        ("a.yaml", STACK),
        ("secrets.inventory.yaml", "slack: [token]\n"),
    ]);
    let second = folder(&[
        ("a.yaml", STACK),
        ("secrets.inventory.yaml", "other: [token]\n"),
    ]);
    let uri = |folder: &Path| uri_of(&folder.canonicalize().unwrap());
    let folders = json!([{"uri": uri(first.path()), "name": "first"}]);
    let params = json!({"capabilities": pulling(), "workspaceFolders": folders});
    let mut session = Session::start_with(first.path(), params, TestEnvironment::default());
    assert!(session.pull_all().is_empty());
    let added = json!([{"uri": uri(second.path()), "name": "second"}]);
    let event = json!({"event": {"added": added, "removed": []}});
    session.notify("workspace/didChangeWorkspaceFolders", event);
    let found = session.pull_all();
    assert_eq!(found.len(), 2, "{found:?}");
    assert!(
        found
            .keys()
            .all(|uri| uri.starts_with(&uri_of(&second.path().canonicalize().unwrap())))
    );
    let event = json!({"event": {"added": [], "removed": added}});
    session.notify("workspace/didChangeWorkspaceFolders", event);
    assert!(session.pull_all().is_empty());
}

#[test]
fn a_document_without_a_file_is_checked_without_inventory() {
    let folder = folder(&[("secrets.inventory.yaml", "slack: [token]\n")]);
    let mut session = Session::start(folder.path(), &pulling());
    for (uri, language, text, expected) in [
        (
            "untitled:Untitled-1",
            "yaml",
            STACK.replace("slack.token", "x.y"),
            vec![],
        ),
        (
            "untitled:b",
            "yaml",
            STACK.replace("{{slack.token}}", "hunter2"),
            vec!["plaintext-secret"],
        ),
        (
            "untitled:c",
            "shellscript",
            "zenml stack list\n".to_owned(),
            vec![],
        ),
        (
            "untitled:d",
            "rust",
            STACK.replace("{{slack.token}}", "hunter2"),
            vec![],
        ),
    ] {
        let document = json!({"uri": uri, "languageId": language, "version": 1, "text": text});
        session.notify("textDocument/didOpen", json!({"textDocument": document}));
        let params = json!({"textDocument": {"uri": uri}});
        let report = session.request("textDocument/diagnostic", params).unwrap();
        assert_eq!(
            rules(report["items"].as_array().unwrap()),
            expected,
            "{uri}"
        );
    }
}

#[test]
fn a_file_outside_of_all_folders_is_checked_if_stackref_reads_it() {
    let inside = folder(&[]);
    let outside = folder(&[("a.yaml", &STACK.replace("{{slack.token}}", "hunter2"))]);
    let mut session = Session::start(inside.path(), &pulling());
    let path = outside.path().canonicalize().unwrap().join("a.yaml");
    let text = std::fs::read_to_string(&path).unwrap();
    let document = json!({"uri": uri_of(&path), "languageId": "yaml", "version": 1, "text": text});
    session.notify("textDocument/didOpen", json!({"textDocument": document}));
    let params = json!({"textDocument": {"uri": uri_of(&path)}});
    let report = session
        .request("textDocument/diagnostic", params.clone())
        .unwrap();
    assert_eq!(
        rules(report["items"].as_array().unwrap()),
        ["plaintext-secret"]
    );
    let other = path.with_file_name("values.yaml");
    let document = json!({"uri": uri_of(&other), "languageId": "yaml", "version": 1, "text": "password: '{{ .Values.x }}'\n"});
    session.notify("textDocument/didOpen", json!({"textDocument": document}));
    let params_of_other = json!({"textDocument": {"uri": uri_of(&other)}});
    let report = session
        .request("textDocument/diagnostic", params_of_other)
        .unwrap();
    assert_eq!(report["items"], json!([]));
    session.notify("textDocument/didClose", params.clone());
    let report = session.request("textDocument/diagnostic", params).unwrap();
    assert_eq!(report["items"], json!([]));
}

#[test]
fn an_untrusted_config_runs_nothing_until_the_user_accepts_its_requests() {
    let outside = folder(&[]);
    let script = store(outside.path(), "0");
    let folder = folder(&[
        ("a.yaml", &STACK.replace("slack.token", "slakc.token")),
        ("stackref.toml", &command_config(&script)),
    ]);
    let state = outside.path().join("state");
    let variables = [
        ("XDG_STATE_HOME", state.to_str().unwrap()),
        ("PATH", "/usr/bin:/bin"),
    ];
    let env = HashMap::from(variables.map(|(name, value)| (name.to_owned(), value.to_owned())));
    let params = json!({"capabilities": pushed()});
    let mut session = Session::start_with(folder.path(), params, TestEnvironment(env));
    session.choices = vec!["Trust…", "Trust"];
    session.open("a.yaml");
    let found = session.pushed("a.yaml", |found| !found.is_empty());
    assert_eq!(rules(&found), ["unknown-secret"]);
    let questions = session.received("window/showMessageRequest");
    assert_eq!(questions.len(), 2, "{questions:?}");
    let requests = questions[1]["message"].as_str().unwrap();
    assert!(requests.contains("run"), "{requests}");
    assert!(session.received("window/showMessage").is_empty());
    assert_eq!(calls(outside.path()), ["names"]);
}

#[test]
fn nothing_is_unknown_before_a_store_has_answered() {
    let outside = folder(&[]);
    let script = store(outside.path(), "1.2");
    let folder = folder(&[
        ("a.yaml", &STACK.replace("slack.token", "slakc.token")),
        ("stackref.toml", &command_config(&script)),
    ]);
    let mut capabilities = pushed();
    capabilities["window"] = json!({"workDoneProgress": true});
    let params = json!({"capabilities": capabilities});
    let mut session = Session::start_with(folder.path(), params, trusted());
    session.open("a.yaml");
    let found = session.pushed("a.yaml", |found| !found.is_empty());
    assert_eq!(rules(&found), ["unknown-secret"]);
    let progress = session.received("$/progress");
    let kinds: Vec<&str> = progress
        .iter()
        .map(|it| it["value"]["kind"].as_str().unwrap())
        .collect();
    assert_eq!(kinds, ["begin", "end"]);
    // While the store is slow, typing is checked at once.
    session.replace("a.yaml", &STACK.replace("{{slack.token}}", "hunter2"));
    let found = session.pushed("a.yaml", |found| rules(found) != ["unknown-secret"]);
    assert_eq!(rules(&found), ["plaintext-secret"]);
    assert_eq!(calls(outside.path()), ["names"]);
    // A secret that the list contains is only asked for its keys, never for values.
    session.replace("a.yaml", &STACK.replace("slack.token", "slack.tokn"));
    let found = session.pushed("a.yaml", |found| rules(found) == ["unknown-key"]);
    assert_eq!(found.len(), 1);
    assert_eq!(calls(outside.path()), ["names", "keys"]);
    let refresh = json!({"command": "stackref.refreshInventories", "arguments": []});
    session
        .request("workspace/executeCommand", refresh)
        .unwrap();
    session.replace("a.yaml", STACK);
    session.pushed("a.yaml", <[Value]>::is_empty);
    while calls(outside.path())
        .iter()
        .filter(|call| *call == "names")
        .count()
        < 2
    {
        std::thread::sleep(std::time::Duration::from_millis(20));
    }
    let made = calls(outside.path());
    assert!(!made.contains(&"value".to_owned()), "{made:?}");
    assert_eq!(session.shut_down(), SessionEnd::ShutDown);
}

#[test]
fn a_store_that_fails_is_reported_in_one_message() {
    let outside = folder(&[]);
    let folder = folder(&[
        ("a.yaml", STACK),
        (
            "stackref.toml",
            &command_config(&outside.path().join("missing.sh")),
        ),
    ]);
    let params = json!({"capabilities": pushed()});
    let mut session = Session::start_with(folder.path(), params, trusted());
    session.open("a.yaml");
    let is_message = |message: &Message| matches!(message, Message::Notification(it) if it.method == "window/showMessage");
    session.wait(is_message);
    session.replace("a.yaml", &STACK.replace("slack.token", "slack.other"));
    session.replace("a.yaml", &STACK.replace("{{slack.token}}", "hunter2"));
    let found = session.pushed("a.yaml", |found| !found.is_empty());
    assert_eq!(rules(&found), ["plaintext-secret"]);
    assert_eq!(session.received("window/showMessage").len(), 1);
}

#[test]
fn requests_in_the_wrong_phase_and_with_wrong_parameters_are_refused() {
    let folder = folder(&[]);
    let mut session = Session::start(folder.path(), &pulling());
    for (method, params, code) in [
        ("initialize", json!({}), -32600),
        ("textDocument/unknown", json!({}), -32601),
        ("textDocument/diagnostic", json!([1]), -32602),
        ("workspace/diagnostic", json!(null), -32602),
        ("workspace/executeCommand", json!({"command": "rm"}), -32803),
    ] {
        let error = session.request(method, params).unwrap_err();
        assert_eq!(error.0, code, "{method}: {error:?}");
    }
    session.notify("textDocument/didChange", json!({"textDocument": 1}));
    session.notify("unknown", json!(null));
    session.request("shutdown", Value::Null).unwrap();
    let error = session
        .request("textDocument/hover", json!({}))
        .unwrap_err();
    assert_eq!(error.0, -32600);
}

#[test]
fn a_cancelled_request_is_answered_once() {
    let folder = folder(&[]);
    let mut session = Session::start(folder.path(), &pulling());
    session.pull_all();
    let known = json!([{"uri": "file:///none", "value": "0"}]);
    let params = json!({"previousResultIds": known, "partialResultToken": "t"});
    let id = session.send_request("workspace/diagnostic", params);
    session.notify("$/cancelRequest", json!({"id": id}));
    let is_answer = |message: &Message| matches!(message, Message::Response(it) if it.id == id);
    let Message::Response(answer) = session.wait(is_answer) else {
        unreachable!()
    };
    let code = answer.response_result.unwrap_err().code;
    assert_eq!(code, -32800);
    assert_eq!(session.shut_down(), SessionEnd::ShutDown);
}

#[test]
fn answers_expire_only_while_the_client_is_active() {
    let outside = folder(&[]);
    let script = store(outside.path(), "0");
    let folder = folder(&[
        ("a.yaml", STACK),
        ("stackref.toml", &command_config(&script)),
    ]);
    let options = json!({"inventoryTtl": 0.2});
    let params = json!({"capabilities": pushed(), "initializationOptions": options});
    let mut session = Session::start_with(folder.path(), params, trusted());
    session.open("a.yaml");
    session.pushed("a.yaml", <[Value]>::is_empty);
    let wait_for = |number: usize| {
        while calls(outside.path()).len() < number {
            std::thread::sleep(std::time::Duration::from_millis(10));
        }
    };
    wait_for(2);
    std::thread::sleep(std::time::Duration::from_millis(500));
    assert_eq!(calls(outside.path()), ["names", "keys"]);
    // The secret is deleted in the store.
    let text = std::fs::read_to_string(&script)
        .unwrap()
        .replace("[\"slack\"]", "[\"other\"]");
    std::fs::write(&script, text).unwrap();
    session.replace("a.yaml", &format!("{STACK}\n"));
    let found = session.pushed("a.yaml", |found| !found.is_empty());
    assert_eq!(rules(&found), ["unknown-secret"]);
}
