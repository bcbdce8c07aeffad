//! Environments with stores: they are asked at the same time, each within its own time limits, and
//! one that cannot answer does not hide the findings of the others.

use crate::environments::{config, environments, stack};
use crate::server::{Request, Response, Server};
use crate::support::{Output, folder, run_trusted};
use serde_json::{Value, json};
use std::net::TcpListener;
use std::path::Path;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Condvar, Mutex};
use std::time::Duration;
use tempfile::TempDir;

/// The longest time that a test waits for another request. The limits of the stores are longer.
const PATIENCE: Duration = Duration::from_secs(30);

/// Limits that no store of a test reaches unless it waits for a request that never comes.
const LONG: &str = "timeout = 60\nrun_timeout = 120";

/// Returns the responses of a ZenML server with the secret `db`, which has these keys.
fn respond(request: &Request, keys: &[&str]) -> Response {
    let values: serde_json::Map<String, Value> = keys
        .iter()
        .map(|key| ((*key).to_owned(), json!("hunter2")))
        .collect();
    let body = match request.line.as_str() {
        "POST /api/v1/login" => json!({ "access_token": "hunter2token" }),
        line if line.starts_with("GET /api/v1/secrets?") => json!({
            "items": [{ "id": "1", "name": "db", "body": { "private": false, "values": {} } }],
            "index": 1,
            "total_pages": 1,
        }),
        "GET /api/v1/secrets/1" => json!({ "body": { "values": values } }),
        _ => return Response::Body(404, "{}".to_owned()),
    };
    Response::Body(200, body.to_string())
}

/// Returns the table of an inventory of kind `zenml`.
fn zenml(url: &str, limits: &str) -> String {
    format!("kind = \"zenml\"\nurl = \"{url}\"\n{limits}")
}

/// Creates a repository with these environments, whose stack uses `db.user` and `db.password`.
fn repository(inventories: &[(&str, String)]) -> TempDir {
    let tables: Vec<(&str, &str)> = inventories
        .iter()
        .map(|(name, table)| (*name, table.as_str()))
        .collect();
    folder(&[
        ("stackref.toml", &config(&tables)),
        ("names/good.yaml", "db: [user]\n"),
        (
            "stacks/a.yaml",
            &stack("a", &[("a", "{{db.user}}"), ("b", "{{db.password}}")]),
        ),
    ])
}

fn run(words: &[&str], folder: &Path) -> Output {
    let path = format!("PATH={}", std::env::var("PATH").unwrap());
    let variables = [&path[..], "ZENML_STORE_API_KEY=hunter2key", "NO_PROXY=*"];
    let output = run_trusted(&[&variables, words].concat(), folder, b"");
    let text = format!("{}{}", output.stdout, output.stderr);
    assert!(!text.contains("hunter2"), "{text}");
    output
}

const GOOD: &str = "kind = \"file\"\npath = \"names/good.yaml\"";

/// The table of an inventory whose programs report `db` (password).
const PROGRAMS: &str = r#"kind = "command"
names = ["echo", "[\"db\"]"]
keys = ["sh", "-c", "echo '[\"password\"]'", "-", "{secret}"]"#;

/// The table of an inventory whose program never answers.
const HANGING_PROGRAM: &str = "kind = \"command\"\nnames = [\"sleep\", \"60\"]\nkeys = [\"false\", \"{secret}\"]\ntimeout = 0.3";

#[test]
fn stores_without_an_answer_do_not_hide_the_findings_of_others() {
    let silent = Server::start(|_| Response::Silence);
    let forbidden = Server::start(|request| match request.line.as_str() {
        "POST /api/v1/login" => respond(request, &[]),
        _ => Response::Body(403, "{\"detail\": \"hunter2\"}".to_owned()),
    });
    let no_keys = Server::start(|request| match request.line.as_str() {
        "GET /api/v1/secrets/1" => Response::Body(403, "{}".to_owned()),
        _ => respond(request, &[]),
    });
    let closed = TcpListener::bind("127.0.0.1:0").unwrap();
    let unreachable = format!("http://{}", closed.local_addr().unwrap());
    drop(closed);
    let live = Server::start(|request| respond(request, &["user", "password"]));
    let folder = repository(&[
        ("silent", zenml(&silent.url(), "timeout = 0.3")),
        ("hanging", HANGING_PROGRAM.to_owned()),
        ("good", GOOD.to_owned()),
        ("forbidden", zenml(&forbidden.url(), "")),
        ("locked", zenml(&no_keys.url(), "")),
        ("unreachable", zenml(&unreachable, "")),
        ("programs", PROGRAMS.to_owned()),
        ("live", zenml(&live.url(), LONG)),
    ]);
    let failed = ["silent", "hanging", "forbidden", "locked", "unreachable"];
    let output = run(&["check", "--format", "json"], folder.path());
    assert_eq!(output.code, 3, "{output:?}");
    assert_eq!(
        environments(&output),
        [
            "stacks/a.yaml db.user: programs",
            "stacks/a.yaml db.password: good",
        ],
        "{output:?}"
    );
    let report: Value = serde_json::from_str(&output.stdout).unwrap();
    let failures = report["failures"].as_array().unwrap();
    assert_eq!(failures.len(), failed.len(), "{failures:?}");
    assert_eq!(report["summary"]["unchecked"], 2, "{}", report["summary"]);
    for name in failed {
        let words = [format!("`{name}`"), format!("no answer from `{name}`")];
        let stderr = output.stderr_text();
        assert!(
            words.iter().all(|words| stderr.contains(words)),
            "{name}: {stderr}"
        );
    }
    // The other commands.
    let matrix = run(&["matrix", "--format", "json"], folder.path());
    let cells: Value = serde_json::from_str(&matrix.stdout).expect(&matrix.stdout);
    assert_eq!(matrix.code, 3, "{matrix:?}");
    let of_key = |key: &str| {
        let rows = cells["rows"].as_array().unwrap().iter();
        rows.into_iter()
            .find(|row| row["key"] == key)
            .map(|row| row["cells"].clone())
            .unwrap()
    };
    for name in failed {
        assert_eq!(of_key("user")[name], "unknown", "{name}: {cells}");
    }
    let user = of_key("user");
    assert_eq!(
        [&user["good"], &user["programs"], &user["live"]],
        ["ok", "missing", "ok"]
    );
    let words = ["inventory", "snapshot", "--all-environments", "-o", "out"];
    let snapshot = run(&words, folder.path());
    assert_eq!(snapshot.code, 3, "{snapshot:?}");
    assert!(
        !folder.path().join("out").exists(),
        "all snapshots are written, or none"
    );
    // A run without them is not affected, and does not contact them.
    let before = silent.requests().len();
    let words = ["check", "--environment", "good", "--environment", "live"];
    let selected = run(&words, folder.path());
    assert_eq!(
        (selected.code, silent.requests().len()),
        (1, before),
        "{selected:?}"
    );
}

#[test]
fn time_limit_of_a_store_does_not_affect_others() {
    // It answers after the time limit of the others has passed. That is 0.3 s.
    let slow = Server::start(|request| {
        std::thread::sleep(Duration::from_millis(500));
        respond(request, &["user"])
    });
    let silent = Server::start(|_| Response::Silence);
    for limit in ["timeout = 0.3", "run_timeout = 0.3"] {
        let folder = repository(&[
            ("silent", zenml(&silent.url(), limit)),
            ("slow", zenml(&slow.url(), LONG)),
            ("hanging", HANGING_PROGRAM.to_owned()),
            ("good", GOOD.to_owned()),
        ]);
        let output = run(&["check", "--format", "json"], folder.path());
        assert_eq!(output.code, 3, "{limit}: {output:?}");
        assert_eq!(
            environments(&output),
            ["stacks/a.yaml db.password: slow good"],
            "{limit}: {output:?}"
        );
        let stderr = output.stderr_text();
        assert!(
            !stderr.contains("no answer from `slow`") && stderr.contains("0.3 s"),
            "{limit}: {stderr}"
        );
    }
}

#[test]
fn waiting_for_another_store_does_not_count_toward_a_run_timeout() {
    // `shared` follows a store that needs longer than the limit of `shared`.
    let slow = Server::start(|request| {
        std::thread::sleep(Duration::from_millis(700));
        respond(request, &["other"])
    });
    let shared = "kind = \"command\"\nnames = [\"echo\", \"[\\\"api\\\"]\"]\nkeys = [\"sh\", \"-c\", \"echo '[\\\"k\\\"]'\", \"-\", \"{secret}\"]\nrun_timeout = 2";
    let text = format!(
        "[inventory.slow]\n{}\n[inventory.shared]\n{shared}\n[environment.dev]\ninventory = [\"slow\", \"shared\"]\n\
         [environment.prod]\ninventory = [\"shared\"]\n",
        zenml(&slow.url(), LONG)
    );
    let folder = folder(&[
        ("stackref.toml", &text),
        (
            "stacks/a.yaml",
            &stack("a", &[("a", "{{api.k}}"), ("b", "{{db.other}}")]),
        ),
    ]);
    let output = run(&["check", "--format", "json"], folder.path());
    assert_eq!(output.code, 1, "{output:?}");
    assert_eq!(
        environments(&output),
        ["stacks/a.yaml db.other: prod"],
        "{output:?}"
    );
}

/// A number of events that others wait for.
#[derive(Default)]
struct Events {
    number: Mutex<usize>,
    changed: Condvar,
}

impl Events {
    fn add(&self) {
        *self.number.lock().unwrap() += 1;
        self.changed.notify_all();
    }

    /// Waits until there are so many events. Returns false if that takes too long.
    fn wait_for(&self, number: usize) -> bool {
        let events = self.number.lock().unwrap();
        let is_less = |events: &mut usize| *events < number;
        let waited = self.changed.wait_timeout_while(events, PATIENCE, is_less);
        *waited.unwrap().0 >= number
    }
}

#[test]
fn all_environments_are_queried_before_the_first_one_answers() {
    const STORES: usize = 5;
    for words in [
        &["check"][..],
        &["matrix"],
        &["inventory", "snapshot", "--all-environments", "-o", "out"],
    ] {
        let events = Arc::new(Events::default());
        let too_late = Arc::new(AtomicUsize::new(0));
        let servers: Vec<Server> = (0..STORES)
            .map(|_| {
                let (events, too_late) = (Arc::clone(&events), Arc::clone(&too_late));
                Server::start(move |request| {
                    if request.line.starts_with("POST") {
                        events.add();
                        if !events.wait_for(STORES) {
                            too_late.fetch_add(1, Ordering::SeqCst);
                        }
                    }
                    respond(request, &["user", "password"])
                })
            })
            .collect();
        let names = ["e0", "e1", "e2", "e3", "e4"];
        let tables = names.iter().zip(&servers);
        let tables: Vec<(&str, String)> = tables
            .map(|(name, server)| (*name, zenml(&server.url(), LONG)))
            .collect();
        let folder = repository(&tables);
        let output = run(words, folder.path());
        assert_eq!(output.code, 0, "{words:?}: {output:?}");
        assert_eq!(
            too_late.load(Ordering::SeqCst),
            0,
            "{words:?}: a store was asked only after another one had answered"
        );
    }
}

#[test]
fn an_environment_does_not_wait_for_the_names_of_another() {
    let (keys_requested, too_late) = (Arc::new(Events::default()), Arc::new(AtomicUsize::new(0)));
    let slow = {
        let (keys_requested, too_late) = (Arc::clone(&keys_requested), Arc::clone(&too_late));
        Server::start(move |request| {
            if request.line.starts_with("GET /api/v1/secrets?") && !keys_requested.wait_for(1) {
                too_late.fetch_add(1, Ordering::SeqCst);
            }
            respond(request, &["user", "password"])
        })
    };
    let fast = Server::start(move |request| {
        if request.line == "GET /api/v1/secrets/1" {
            keys_requested.add();
        }
        respond(request, &["user", "password"])
    });
    let folder = repository(&[
        ("slow", zenml(&slow.url(), LONG)),
        ("fast", zenml(&fast.url(), LONG)),
    ]);
    let output = run(&["check"], folder.path());
    assert_eq!(
        (output.code, too_late.load(Ordering::SeqCst)),
        (0, 0),
        "{output:?}"
    );
}

#[test]
fn report_does_not_depend_on_the_order_of_answers() {
    // In each run, another store is the last one to answer.
    let turn = Arc::new(AtomicUsize::new(0));
    let keys: [&'static [&'static str]; 3] = [&["user"], &["password"], &[]];
    let servers: Vec<Server> = keys
        .into_iter()
        .enumerate()
        .map(|(at, keys)| {
            let turn = Arc::clone(&turn);
            Server::start(move |request| {
                let place = (at + turn.load(Ordering::SeqCst)) % 3;
                std::thread::sleep(Duration::from_millis(60 * u64::try_from(place).unwrap()));
                respond(request, keys)
            })
        })
        .collect();
    let mut tables: Vec<(&str, String)> = ["b", "c", "a"]
        .iter()
        .zip(&servers)
        .map(|(name, server)| (*name, zenml(&server.url(), LONG)))
        .collect();
    tables.push((
        "broken",
        "kind = \"command\"\nnames = [\"false\"]".to_owned(),
    ));
    tables.push(("hanging", HANGING_PROGRAM.to_owned()));
    let folder = repository(&tables);
    for words in [
        &["check", "--format", "json"][..],
        &["check"],
        &["matrix", "--format", "json"],
    ] {
        let outputs: Vec<Output> = (0..3)
            .map(|at| {
                turn.store(at, Ordering::SeqCst);
                run(words, folder.path())
            })
            .collect();
        assert_eq!(outputs[0].code, 3, "{:?}", outputs[0]);
        assert!(
            outputs.windows(2).all(|pair| pair[0] == pair[1]),
            "{outputs:?}"
        );
    }
    let output = run(&["check", "--format", "json"], folder.path());
    assert_eq!(
        environments(&output),
        [
            "stacks/a.yaml db.user: c a",
            "stacks/a.yaml db.password: b a",
        ],
        "in the order of the config"
    );
}
