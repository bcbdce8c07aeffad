//! Sequences of messages to the language server.

use super::variants::Variants;
use lsp_server::{Connection, Message, Notification, Request, RequestId, Response};
use serde_json::{Value, json};
use stackref::lsp::{SessionEnd, replay, serve};
use stackref::system::environment::Environment;
use std::ffi::OsString;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;
use tempfile::TempDir;

/// The files of the project.
const FILES: [(&str, &str); 4] = [
    (
        "a.yaml",
        "stack_name: s\ncomponents:\n  alerter:\n    flavor: slack\n    slack_token: '{{slack.token}}' # 😀\n",
    ),
    (
        "b.sh",
        "zenml secret create db --k=1\nzenml stack register --x={{db.k}}\n",
    ),
    ("secrets.inventory.yaml", "slack: [token]\n"),
    ("stackref.toml", "[rules]\nunused-secret = \"warning\"\n"),
];

/// The number of kinds of messages.
const KINDS: u8 = 12;

/// The requests about a position, and some that need other parameters.
const REQUESTS: [&str; 17] = [
    "textDocument/completion",
    "textDocument/hover",
    "textDocument/definition",
    "textDocument/references",
    "textDocument/documentHighlight",
    "textDocument/prepareRename",
    "textDocument/rename",
    "textDocument/codeAction",
    "codeAction/resolve",
    "textDocument/documentSymbol",
    "workspace/symbol",
    "textDocument/codeLens",
    "textDocument/diagnostic",
    "workspace/diagnostic",
    "workspace/executeCommand",
    "initialize",
    "unknown/request",
];

/// The longest time that a session with threads may take.
const PATIENCE: Duration = Duration::from_secs(15);

struct NoEnvironment;

impl Environment for NoEnvironment {
    fn get(&self, _name: &str) -> Option<OsString> {
        None
    }

    fn names(&self) -> Vec<OsString> {
        Vec::new()
    }
}

/// Creates the files of the project in a folder.
fn create_project() -> TempDir {
    let folder = tempfile::tempdir().unwrap();
    for (name, text) in FILES {
        std::fs::write(folder.path().join(name), text).unwrap();
    }
    folder
}

/// Sends messages that the bytes describe, one for each line. The server must answer each request
/// once and in order, except a held one, and must end when it is asked to.
pub fn session(bytes: &[u8], mut variants: Variants) {
    // The server changes no file, so that all sessions of a thread have the same project.
    thread_local!(static PROJECT: TempDir = create_project());
    PROJECT.with(|folder| {
        let root = folder.path();
        let groups = message_groups(bytes, root.to_str().unwrap());
        let requests: Vec<(RequestId, String)> =
            groups.iter().flatten().filter_map(request).collect();
        if variants.includes_one_in(1000) {
            assert_all_answered(&requests, &run_with_threads(groups.clone(), root));
        }
        let (answers, end) = replay(groups, Arc::new(NoEnvironment), root.to_path_buf());
        assert_eq!(end, Some(SessionEnd::ShutDown));
        assert_all_answered(&requests, &answers);
    });
}

/// Returns the id and the method of a request.
fn request(message: &Message) -> Option<(RequestId, String)> {
    match message {
        Message::Request(request) => Some((request.id.clone(), request.method.clone())),
        _ => None,
    }
}

/// Returns the messages of a session. The server finishes its work before the next group.
fn message_groups(bytes: &[u8], root: &str) -> Vec<Vec<Message>> {
    let capabilities = match bytes.first().map_or(0, |byte| byte % 3) {
        0 => json!({}),
        1 => {
            json!({"general": {"positionEncodings": ["utf-8"]}, "textDocument": {"diagnostic": {}}})
        }
        _ => json!({
            "workspace": {"workspaceEdit": {"documentChanges": true}, "configuration": true},
            "textDocument": {"codeAction": {
                "codeActionLiteralSupport": {}, "dataSupport": true, "resolveSupport": {"properties": ["edit"]},
            }},
        }),
    };
    let params = json!({"rootUri": format!("file://{root}"), "capabilities": capabilities});
    let mut groups = vec![vec![
        Request::new(RequestId::from(0), "initialize".to_owned(), params).into(),
    ]];
    // A client waits for the answer to `initialize`.
    groups.push(Vec::new());
    for (at, line) in bytes.split(|&byte| byte == b'\n').take(60).enumerate() {
        let message = message(at, line, root);
        let joins_group = line.first().is_some_and(|byte| byte / KINDS % 2 == 1);
        match groups.last_mut() {
            Some(group) if joins_group => group.push(message),
            _ => groups.push(vec![message]),
        }
    }
    groups.push(vec![
        Request::new(RequestId::from(-1), "shutdown".to_owned(), Value::Null).into(),
        Notification::new("exit".to_owned(), Value::Null).into(),
    ]);
    groups
}

/// Runs a session with threads, as the program does, and returns the messages of the server. The
/// first group is `initialize`, whose answer a client waits for: it may not cancel it.
fn run_with_threads(groups: Vec<Vec<Message>>, root: &Path) -> Vec<Message> {
    let (server, client) = Connection::memory();
    let cwd = root.to_path_buf();
    let thread = std::thread::spawn(move || serve(server, Arc::new(NoEnvironment), cwd));
    let mut groups = groups.into_iter();
    let mut messages = Vec::new();
    for message in groups.next().into_iter().flatten() {
        client.sender.send(message).unwrap();
        messages.push(client.receiver.recv_timeout(PATIENCE).unwrap());
    }
    for message in groups.flatten() {
        client.sender.send(message).unwrap();
    }
    // The channel is closed when the server has ended.
    loop {
        match client.receiver.recv_timeout(PATIENCE) {
            Ok(message) => messages.push(message),
            Err(error) => {
                assert!(error.is_disconnected(), "the session does not end");
                break;
            }
        }
    }
    assert_eq!(thread.join().expect("no panic"), SessionEnd::ShutDown);
    messages
}

/// Asserts that each request is answered once and in order, except a held one.
fn assert_all_answered(requests: &[(RequestId, String)], messages: &[Message]) {
    let answers = messages.iter().filter_map(|message| match message {
        Message::Response(response) => Some(&response.id),
        _ => None,
    });
    let answered: Vec<&RequestId> = answers.collect();
    let is_held = |id: &RequestId| {
        requests
            .iter()
            .any(|(sent, method)| sent == id && method == "workspace/diagnostic")
    };
    let in_order = answered.iter().filter(|id| !is_held(id)).copied();
    let sent = requests.iter().map(|(id, _)| id).filter(|id| !is_held(id));
    assert!(in_order.eq(sent), "{requests:?}: {answered:?}");
    assert_eq!(answered.len(), requests.len(), "{requests:?}: {answered:?}");
}

/// Returns the message that a line describes. The first bytes choose the kind, the file and the
/// position, and the rest is a text.
fn message(at: usize, line: &[u8], root: &str) -> Message {
    let byte = |at: usize| line.get(at).copied().unwrap_or_default();
    let text = String::from_utf8_lossy(line.get(5..).unwrap_or_default()).replace("\\n", "\n");
    let (name, _) = FILES[usize::from(byte(1)) % FILES.len()];
    let uri = match byte(1) {
        b'?' => "untitled:x".to_owned(),
        b'!' => text.clone(),
        _ => format!("file://{root}/{name}"),
    };
    let number = |at: usize| u32::from(byte(at)) % 40;
    let position = json!({"line": number(2) % 8, "character": number(3)});
    let range = json!({"start": position, "end": {"line": number(4) % 8, "character": number(2)}});
    let document = json!({"uri": uri});
    let notify = |method: &str, params: Value| Notification::new(method.to_owned(), params).into();
    let id = RequestId::from(i32::try_from(at).unwrap() + 1);
    match byte(0) % KINDS {
        0 => {
            let item = json!({"uri": uri, "languageId": "yaml", "version": 1, "text": text});
            notify("textDocument/didOpen", json!({"textDocument": item}))
        }
        1 | 2 => {
            let document = json!({"uri": uri, "version": at});
            let changes = json!([{"range": range, "text": text}]);
            let params = json!({"textDocument": document, "contentChanges": changes});
            notify("textDocument/didChange", params)
        }
        3 => notify("textDocument/didClose", json!({"textDocument": document})),
        4 => {
            let params = json!({"changes": [{"uri": uri, "type": 2}]});
            notify("workspace/didChangeWatchedFiles", params)
        }
        5 => notify("$/cancelRequest", json!({"id": usize::from(byte(2))})),
        6 => {
            let params: Value = serde_json::from_str(&text).unwrap_or(json!({"settings": {}}));
            notify("workspace/didChangeConfiguration", params)
        }
        7 => Response::new_ok(
            RequestId::from(i32::from(byte(2))),
            json!({"title": "Trust…"}),
        )
        .into(),
        kind => {
            let method = REQUESTS[usize::from(byte(3)) % REQUESTS.len()];
            let params: Value = serde_json::from_str(&text).unwrap_or_else(|_| {
                json!({
                    "textDocument": document,
                    "position": position,
                    "range": range,
                    "context": {"diagnostics": [], "includeDeclaration": kind == 8},
                    "newName": text,
                    "query": text,
                    "previousResultIds": [],
                    "command": "stackref.refreshInventories",
                    "title": text,
                })
            });
            Request::new(id, method.to_owned(), params).into()
        }
    }
}
