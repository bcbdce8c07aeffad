//! A client of the language server, which runs in a thread of the test.

use crate::support::{files_below, project};
use lsp_server::{Connection, Message, Notification, Request, RequestId, Response};
use serde_json::{Value, json};
use stackref::lsp::{SessionEnd, serve};
use stackref::system::environment::Environment;
use std::collections::{BTreeMap, HashMap};
use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

/// The longest time to wait for a message, on a busy machine.
const PATIENCE: Duration = Duration::from_secs(60);

/// A stack with one reference.
pub const STACK: &str = "\
stack_name: prod
components:
  alerter:
    flavor: slack
    slack_token: '{{slack.token}}'
";

/// The environment variables of a session.
#[derive(Default)]
pub struct TestEnvironment(pub HashMap<String, String>);

impl Environment for TestEnvironment {
    fn get(&self, name: &str) -> Option<OsString> {
        self.0.get(name).map(OsString::from)
    }

    fn names(&self) -> Vec<OsString> {
        self.0.keys().map(OsString::from).collect()
    }
}

/// A session of the language server. The server asks for nothing that the client does not answer.
pub struct Session {
    client: Connection,
    server: Option<JoinHandle<SessionEnd>>,
    root: PathBuf,
    next_id: i32,
    versions: HashMap<String, i32>,
    /// All messages of the server, in their order.
    pub messages: Vec<Message>,
    /// The answers to the next requests `window/showMessageRequest`: the titles to choose.
    pub choices: Vec<&'static str>,
}

/// The capabilities of a client that pulls diagnostics and counts characters.
pub fn pulling() -> Value {
    json!({
        "general": {"positionEncodings": ["utf-32"]},
        "textDocument": {
            "diagnostic": {"relatedInformation": true, "codeDescriptionSupport": true},
            "publishDiagnostics": {"relatedInformation": true, "tagSupport": {"valueSet": [1]}},
        },
        "workspace": {"diagnostics": {"refreshSupport": true}},
    })
}

/// The capabilities of a client to which diagnostics are pushed.
pub fn pushed() -> Value {
    json!({
        "general": {"positionEncodings": ["utf-32"]},
        "textDocument": {"publishDiagnostics": {"relatedInformation": true}},
    })
}

impl Session {
    /// Begins a session in a folder.
    pub fn start(root: &Path, capabilities: &Value) -> Self {
        Self::start_with(
            root,
            json!({"capabilities": capabilities}),
            TestEnvironment::default(),
        )
    }

    /// Begins a session with more parameters of `initialize`, and environment variables.
    pub fn start_with(root: &Path, mut params: Value, env: TestEnvironment) -> Self {
        let (server, client) = Connection::memory();
        let root = root.canonicalize().unwrap();
        let cwd = root.clone();
        let server = std::thread::spawn(move || serve(server, Arc::new(env), cwd));
        let mut session = Self {
            client,
            server: Some(server),
            root,
            next_id: 1,
            versions: HashMap::new(),
            messages: Vec::new(),
            choices: Vec::new(),
        };
        if params.get("workspaceFolders").is_none() && params.get("rootUri").is_none() {
            params["rootUri"] = json!(session.uri(""));
        }
        session.request("initialize", params).unwrap();
        session.notify("initialized", json!({}));
        session
    }

    /// Returns the URI of a file in the folder.
    pub fn uri(&self, name: &str) -> String {
        uri_of(&self.root.join(name))
    }

    /// Sends a notification.
    pub fn notify(&mut self, method: &str, params: Value) {
        let message = Notification::new(method.to_owned(), params);
        self.client.sender.send(message.into()).unwrap();
    }

    /// Sends a request, and waits for its result; or its error code and message.
    pub fn request(&mut self, method: &str, params: Value) -> Result<Value, (i32, String)> {
        let id = self.send_request(method, params);
        let is_answer =
            |message: &Message| matches!(message, Message::Response(response) if response.id == id);
        match self.wait(is_answer) {
            Message::Response(response) => {
                let error = |error: lsp_server::ResponseError| (error.code, error.message);
                response.response_result.map_err(error)
            }
            _ => unreachable!(),
        }
    }

    /// Sends a request without waiting, and returns its id.
    pub fn send_request(&mut self, method: &str, params: Value) -> RequestId {
        let id = RequestId::from(self.next_id);
        self.next_id += 1;
        let request = Request::new(id.clone(), method.to_owned(), params);
        self.client.sender.send(request.into()).unwrap();
        id
    }

    /// Waits for a message, and answers the requests of the server before it.
    pub fn wait(&mut self, is_awaited: impl Fn(&Message) -> bool) -> Message {
        let end = Instant::now() + PATIENCE;
        loop {
            let left = end.saturating_duration_since(Instant::now());
            let message = self.client.receiver.recv_timeout(left);
            let message = message.unwrap_or_else(|error| panic!("{error}: {:#?}", self.messages));
            self.messages.push(message.clone());
            if let Message::Request(request) = &message {
                self.answer(request);
            }
            if is_awaited(&message) {
                return message;
            }
        }
    }

    /// Answers a request of the server.
    fn answer(&mut self, request: &Request) {
        let result = match request.method.as_str() {
            "window/showMessageRequest" if !self.choices.is_empty() => {
                json!({"title": self.choices.remove(0)})
            }
            "workspace/configuration" => json!([null]),
            _ => Value::Null,
        };
        let response = Response::new_ok(request.id.clone(), result);
        self.client.sender.send(response.into()).unwrap();
    }

    /// Opens a file with the text on disk.
    pub fn open(&mut self, name: &str) {
        let text = std::fs::read_to_string(self.root.join(name)).unwrap();
        self.open_text(name, "yaml", &text);
    }

    /// Opens a file with another text.
    pub fn open_text(&mut self, name: &str, language: &str, text: &str) {
        let uri = self.uri(name);
        self.versions.insert(uri.clone(), 1);
        let document = json!({"uri": uri, "languageId": language, "version": 1, "text": text});
        self.notify("textDocument/didOpen", json!({"textDocument": document}));
    }

    /// Changes a document. Without a range, a change replaces the whole text.
    pub fn change(&mut self, name: &str, changes: &Value) {
        let uri = self.uri(name);
        let version = self.versions.entry(uri.clone()).or_default();
        *version += 1;
        let document = json!({"uri": uri, "version": *version});
        let params = json!({"textDocument": document, "contentChanges": changes});
        self.notify("textDocument/didChange", params);
    }

    /// Replaces the whole text of a document.
    pub fn replace(&mut self, name: &str, text: &str) {
        self.change(name, &json!([{"text": text}]));
    }

    /// Closes a document.
    pub fn close(&mut self, name: &str) {
        let uri = self.uri(name);
        self.notify(
            "textDocument/didClose",
            json!({"textDocument": {"uri": uri}}),
        );
    }

    /// Tells the server that files on disk have changed.
    pub fn files_changed(&mut self, names: &[&str]) {
        let changes: Vec<Value> = names
            .iter()
            .map(|name| json!({"uri": self.uri(name), "type": 2}))
            .collect();
        self.notify(
            "workspace/didChangeWatchedFiles",
            json!({"changes": changes}),
        );
    }

    /// Pulls the diagnostics of a document.
    pub fn pull(&mut self, name: &str) -> Vec<Value> {
        let params = json!({"textDocument": {"uri": self.uri(name)}});
        let report = self.request("textDocument/diagnostic", params).unwrap();
        report["items"].as_array().unwrap().clone()
    }

    /// Pulls the diagnostics of all files, by the name of the file. The answer comes when all files
    /// were read.
    pub fn pull_all(&mut self) -> BTreeMap<String, Vec<Value>> {
        let params = json!({"previousResultIds": []});
        let report = self.request("workspace/diagnostic", params).unwrap();
        let root = self.uri("");
        let items = report["items"].as_array().unwrap().iter();
        let by_file = items.map(|item| {
            let uri = item["uri"].as_str().unwrap();
            let name = uri.strip_prefix(&root).unwrap_or(uri);
            (name.to_owned(), item["items"].as_array().unwrap().clone())
        });
        by_file.collect()
    }

    /// Waits until the last diagnostics of a document that were pushed satisfy a condition.
    pub fn pushed(&mut self, name: &str, accepts: impl Fn(&[Value]) -> bool) -> Vec<Value> {
        let uri = self.uri(name);
        let pushed = |message: &Message| match message {
            Message::Notification(it) if it.method == "textDocument/publishDiagnostics" => {
                let diagnostics = it.params["diagnostics"].as_array().unwrap().clone();
                (it.params["uri"] == json!(uri)).then_some(diagnostics)
            }
            _ => None,
        };
        let known = self.messages.iter().rev().find_map(pushed);
        if let Some(known) = known.filter(|list| accepts(list)) {
            return known;
        }
        let message = self.wait(|message| pushed(message).is_some_and(|list| accepts(&list)));
        pushed(&message).unwrap()
    }

    /// Returns the notifications and requests of the server with a method, so far.
    pub fn received(&self, method: &str) -> Vec<&Value> {
        let params = self.messages.iter().filter_map(|message| match message {
            Message::Notification(it) if it.method == method => Some(&it.params),
            Message::Request(it) if it.method == method => Some(&it.params),
            _ => None,
        });
        params.collect()
    }

    /// Ends the session, and returns how the server ended.
    pub fn shut_down(mut self) -> SessionEnd {
        self.request("shutdown", Value::Null).unwrap();
        self.notify("exit", Value::Null);
        self.server.take().unwrap().join().unwrap()
    }
}

/// Returns the `file:` URI of a path.
pub fn uri_of(path: &Path) -> String {
    let mut uri = "file://".to_owned();
    for byte in path.to_str().unwrap().bytes() {
        match byte {
            b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'/' | b'-' | b'.' | b'_' | b'~' => {
                uri.push(char::from(byte));
            }
            _ => uri.push_str(&format!("%{byte:02X}")),
        }
    }
    uri
}

/// Returns the rules of diagnostics, in order.
pub fn rules(diagnostics: &[Value]) -> Vec<&str> {
    let rules = diagnostics.iter().map(|it| it["code"].as_str().unwrap());
    rules.collect()
}

/// Returns the folders `input` of all fixtures.
pub fn inputs() -> Vec<PathBuf> {
    let fixtures = project().join("fixtures");
    let files = files_below(&fixtures, None);
    let mut inputs: Vec<PathBuf> = files
        .iter()
        .filter_map(|file| {
            let mut above = file.ancestors();
            above.find(|at| at.file_name().is_some_and(|name| name == "input"))
        })
        .map(Path::to_path_buf)
        .collect();
    inputs.sort();
    inputs.dedup();
    inputs
}
