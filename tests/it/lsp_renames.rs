//! Renames in the language server: they change the same bytes as `stackref rename`.

use crate::lsp_positions::{apply_edits, capabilities, occurrences, position_at, without_mark};
use crate::lsp_sessions::{calls, command_config, store, trusted};
use crate::lsp_support::{STACK, Session, TestEnvironment};
use crate::support::{cases, copy, files_below, folder, run, words};
use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::collections::HashMap;
use std::path::Path;

/// Returns the files of a folder by name.
fn contents(folder: &Path) -> BTreeMap<String, Vec<u8>> {
    let files = files_below(folder, None).into_iter();
    let files = files.map(|file| {
        let name = file.strip_prefix(folder).unwrap();
        let name = name.to_str().unwrap().to_owned();
        (name, std::fs::read(&file).unwrap())
    });
    files.collect()
}

/// Returns the parameters of a request about a position.
fn at(session: &Session, name: &str, text: &str, offset: usize) -> Value {
    json!({
        "textDocument": {"uri": session.uri(name)},
        "position": position_at(text, offset, "utf-16"),
    })
}

/// Renames the first place in a file whose name is `old`: a secret, or `secret.key`. Returns `None`
/// if there is no such place.
fn rename_in(
    session: &mut Session,
    (file, text): (&str, &str),
    (old, new): (&str, &str),
) -> Option<Result<Value, (i32, String)>> {
    let (secret, key) = match old.split_once('.').filter(|_| old != "my.db") {
        Some((secret, key)) => (secret, Some(key)),
        None => (old, None),
    };
    let mut offsets: Vec<usize> = occurrences(text, secret).collect();
    if key.is_some() {
        offsets = occurrences(text, old)
            .map(|at| at + secret.len() + 1)
            .collect();
    }
    if text.len() < 500 {
        // The name may be that of a variable.
        offsets.extend(text.char_indices().map(|(at, _)| at));
    }
    for offset in offsets {
        let mut params = at(session, file, text, offset);
        let Ok(prepared) = session.request("textDocument/prepareRename", params.clone()) else {
            continue;
        };
        if prepared["placeholder"] == json!(key.unwrap_or(secret)) {
            params["newName"] = json!(new);
            return Some(session.request("textDocument/rename", params));
        }
    }
    None
}

/// Runs both on copies of all cases, with all documents closed but one, and with all of them open.
#[test]
fn edits_are_the_changes_of_the_command() {
    let (mut renamed, mut refused) = (0, 0);
    for case in cases("rename") {
        let command = std::fs::read_to_string(case.join("cmd")).unwrap();
        let words: Vec<&str> = words(&command);
        let at = words.iter().position(|word| *word == "rename").unwrap();
        let (old, new) = (words[at + 1], words[at + 2]);
        let is_of_other_secret = new == "other.user";
        if is_of_other_secret {
            continue;
        }
        let expected = tempfile::tempdir().unwrap();
        copy(&case.join("input"), expected.path());
        let run = run(&words[..at + 3], expected.path(), b"");
        let variables: HashMap<String, String> = words[..at]
            .iter()
            .filter_map(|word| word.split_once('='))
            .map(|(name, value)| (name.to_owned(), value.to_owned()))
            .collect();
        let new = match old.split_once('.').filter(|_| old != "my.db") {
            Some(_) => new.split_once('.').unwrap().1,
            None => new,
        };
        let files = contents(&case.join("input"));
        let mut tried = 0;
        for (file, bytes) in &files {
            for open_all in [false, true] {
                let folder = tempfile::tempdir().unwrap();
                copy(&case.join("input"), folder.path());
                let env = TestEnvironment(variables.clone());
                let params = json!({"capabilities": capabilities("utf-16")});
                let mut session = Session::start_with(folder.path(), params, env);
                session.pull_all();
                for (name, bytes) in &files {
                    if open_all || name == file {
                        let text = std::str::from_utf8(bytes).unwrap();
                        session.open_text(name, "yaml", without_mark(text));
                    }
                }
                let text = without_mark(std::str::from_utf8(bytes).unwrap());
                let Some(result) = rename_in(&mut session, (file, text), (old, new)) else {
                    continue;
                };
                tried += 1;
                let name = format!("{}, {file}, open: {open_all}", case.display());
                match result {
                    Ok(edit) => {
                        assert_eq!(run.code, 0, "{name}: {}", run.stderr);
                        apply_edits(folder.path(), &edit, "utf-16");
                        for (path, bytes) in contents(folder.path()) {
                            let expected = std::fs::read(expected.path().join(&path)).unwrap();
                            let [found, expected] =
                                [&bytes, &expected].map(|it| String::from_utf8_lossy(it));
                            assert_eq!(found, expected, "{name}: {path}");
                        }
                        renamed += 1;
                    }
                    Err((code, message)) => {
                        assert_ne!(run.code, 0, "{name}: {message}");
                        assert_eq!(code, -32803, "{name}: {message}");
                        let stderr = run.stderr_text();
                        let first = message.lines().next().unwrap();
                        let first = first.split(" (").next().unwrap();
                        let first = first.split(": ").last().unwrap();
                        assert!(stderr.contains(first), "{name}: {message}\n{stderr}");
                        refused += 1;
                    }
                }
            }
        }
        assert!(tried > 0 || run.code != 0, "{}", case.display());
    }
    assert!(renamed > 60 && refused > 15, "{renamed} {refused}");
}

#[test]
fn edits_carry_versions_and_entries_need_a_confirmation() {
    let folder = folder(&[
        ("a.yaml", STACK),
        ("b.yaml", STACK),
        ("secrets.inventory.yaml", "slack: [token]\n"),
    ]);
    let mut session = Session::start(folder.path(), &capabilities("utf-16"));
    session.pull_all();
    session.open("a.yaml");
    session.replace("a.yaml", &format!("# new\n{STACK}"));
    let text = format!("# new\n{STACK}");
    let offset = text.find("slack.token").unwrap() + 1;
    let mut params = at(&session, "a.yaml", &text, offset);
    params["newName"] = json!("chat");
    let edit = session
        .request("textDocument/rename", params.clone())
        .unwrap();
    let changes = edit["documentChanges"].as_array().unwrap();
    let versions: Vec<&Value> = changes
        .iter()
        .map(|change| &change["textDocument"]["version"])
        .collect();
    assert_eq!(versions, [&json!(2), &Value::Null, &Value::Null]);
    let start = &changes[0]["edits"][0]["range"]["start"];
    assert_eq!(start, &json!({"line": 5, "character": 20}));
    assert_eq!(changes[0]["edits"][0]["annotationId"], Value::Null);
    assert_eq!(changes[2]["edits"][0]["annotationId"], json!("inventory"));
    let annotation = &edit["changeAnnotations"]["inventory"];
    assert_eq!(annotation["needsConfirmation"], json!(true));

    // A client without these capabilities.
    let mut session = Session::start(folder.path(), &json!({"textDocument": {"diagnostic": {}}}));
    session.pull_all();
    session.open_text("a.yaml", "yaml", &text);
    let edit = session.request("textDocument/rename", params).unwrap();
    assert_eq!(edit["changes"].as_object().unwrap().len(), 3);
    assert_eq!(edit["documentChanges"], Value::Null);
}

#[test]
fn files_that_differ_from_what_was_read_are_not_edited() {
    let folder = folder(&[
        ("a.yaml", STACK),
        ("secrets.inventory.yaml", "slack: [token]\n"),
    ]);
    let mut session = Session::start(folder.path(), &capabilities("utf-16"));
    session.pull_all();
    session.open("a.yaml");
    session.open_text("secrets.inventory.yaml", "yaml", "slack: [token, other]\n");
    let offset = STACK.find("slack.token").unwrap();
    let mut params = at(&session, "a.yaml", STACK, offset);
    params["newName"] = json!("chat");
    let (code, message) = session
        .request("textDocument/rename", params.clone())
        .unwrap_err();
    assert_eq!(code, -32803);
    assert!(
        message.contains("it has unsaved changes (save it"),
        "{message}"
    );
    session.close("secrets.inventory.yaml");
    assert!(session.request("textDocument/rename", params).is_ok());
}

#[test]
fn the_rest_of_the_repository_is_renamed_too() {
    let folder = folder(&[
        ("team/a.yaml", STACK),
        ("b.yaml", STACK),
        (".git/HEAD", "ref: refs/heads/main\n"),
        (".git/config", ""),
        (".git/objects/x", ""),
        (".git/refs/x", ""),
        ("secrets.inventory.yaml", "slack: [token]\n"),
    ]);
    let team = folder.path().join("team");
    let mut session = Session::start(&team, &capabilities("utf-16"));
    session.pull_all();
    session.open("a.yaml");
    let mut params = at(
        &session,
        "a.yaml",
        STACK,
        STACK.find("slack.token").unwrap(),
    );
    params["newName"] = json!("chat");
    let edit = session.request("textDocument/rename", params).unwrap();
    assert_eq!(
        edit["documentChanges"].as_array().unwrap().len(),
        3,
        "{edit}"
    );
}

#[test]
fn a_store_is_asked_before_a_rename_and_is_not_changed() {
    let outside = folder(&[]);
    let script = store(outside.path(), "0.3");
    let text = format!("{STACK}    other: '{{{{db.token}}}}'\n");
    let folder = folder(&[
        ("a.yaml", &text),
        ("stackref.toml", &command_config(&script)),
    ]);
    let params = json!({"capabilities": capabilities("utf-16")});
    let mut session = Session::start_with(folder.path(), params, trusted());
    session.pull_all();
    session.open("a.yaml");
    let mut params = at(&session, "a.yaml", &text, text.find("slack.token").unwrap());
    params["newName"] = json!("chat");
    // The answer waits for the names in the store.
    let cancelled = session.send_request("textDocument/rename", params.clone());
    session.notify("$/cancelRequest", json!({"id": cancelled}));
    let message = session.wait(|message| {
        matches!(message, lsp_server::Message::Response(response) if response.id == cancelled)
    });
    assert!(
        format!("{message:?}").contains("cancelled by the client"),
        "{message:?}"
    );
    let edit = session.request("textDocument/rename", params).unwrap();
    assert_eq!(edit["documentChanges"].as_array().unwrap().len(), 1);
    let is_shown = |message: &lsp_server::Message| {
        matches!(message, lsp_server::Message::Notification(it) if it.method == "window/showMessage"
            && it.params["message"] == "stackref: rename `slack` to `chat` in the inventory `store`, too")
    };
    session.wait(is_shown);
    let mut params = at(&session, "a.yaml", &text, text.find("db.token").unwrap());
    params["newName"] = json!("slack");
    let error = session.request("textDocument/rename", params).unwrap_err();
    assert!(
        error.1.contains("`slack` exists in the inventory `store`"),
        "{error:?}"
    );
    assert!(
        error.1.contains("a.yaml:5: `slack` is in use here"),
        "{error:?}"
    );
    assert!(!error.1.contains("--merge"), "{error:?}");
    let mut params = at(&session, "a.yaml", &text, text.find("token}}").unwrap());
    params["newName"] = json!("key");
    let edit = session.request("textDocument/rename", params).unwrap();
    assert_eq!(
        edit["documentChanges"][0]["edits"][0]["newText"],
        json!("key")
    );
    let calls = calls(outside.path());
    assert!(!calls.contains(&"value".to_owned()), "{calls:?}");
}
