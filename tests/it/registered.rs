//! `--registered`: the components on ZenML servers, read from servers in this process.

use crate::server::{Request, Response, Server};
use crate::support::{Output, folder, run, run_trusted};
use serde_json::{Value, json};
use tempfile::TempDir;

/// A stack file whose component `mlflow` is on the server, too.
const STACK: &str = "stack_name: prod
zenml_version: 0.98.0
components:
  experiment_tracker:
    name: mlflow
    flavor: mlflow
    type: experiment_tracker
    configuration:
      tracking_uri: https://new.example.com
      tracking_username: '{{ db.user }}'
      tracking_password: '{{db.password}}'
      tracking_insecure_tls: 'true'
";

const CONFIG: &str = "[inventory.prod]\nkind = \"zenml\"\nurl = \"URL\"\ntimeout = 2\n";

fn project(server: &Server, config: &str) -> TempDir {
    let config = CONFIG.replace("URL", &server.url()) + config;
    folder(&[("stackref.toml", &config), ("stacks/prod.yaml", STACK)])
}

fn run_in(folder: &TempDir, words: &[&str]) -> Output {
    let words = [&["ZENML_STORE_API_KEY=hunter2key"], words].concat();
    let output = run_trusted(&words, folder.path(), b"");
    let text = output.stdout.clone() + &output.stderr;
    assert!(!text.contains("hunter2"), "{text}");
    assert!(!text.contains(['\u{1b}', '\u{202e}']), "{text}");
    output
}

fn check(server: &Server, words: &[&str]) -> Output {
    let folder = project(server, "");
    run_in(&folder, &[&["check", "--registered"], words].concat())
}

fn component(number: usize, name: &str, flavor: &str, attributes: &Value) -> Value {
    json!({
        "id": format!("c{number}"),
        "name": name,
        "permission_denied": false,
        "body": {"type": "experiment_tracker", "flavor_name": flavor},
        "metadata": {"configuration": attributes, "environment": {}, "secrets": []},
    })
}

fn stack(name: &str, components: &[&str]) -> Value {
    let components: Vec<Value> = components.iter().map(|id| json!({"id": id})).collect();
    json!({"name": name, "metadata": {"components": {"experiment_tracker": components}}})
}

fn body(value: &Value) -> Response {
    Response::Body(200, value.to_string())
}

/// Returns the page that a request asks for.
fn page(request: &Request, items: &[Value], per_page: usize) -> Response {
    let number = request.line.split("page=").nth(1).unwrap();
    let number: usize = number.split('&').next().unwrap().parse().unwrap();
    let items: Vec<&Value> = items
        .iter()
        .skip((number - 1) * per_page)
        .take(per_page)
        .collect();
    body(&json!({"items": items, "index": number, "total_pages": 3}))
}

fn components() -> Vec<Value> {
    vec![
        component(
            1,
            "mlflow",
            "mlflow",
            &json!({
                "tracking_uri": "https://old.example.com",
                "tracking_username": "{{db.user}}",
                "tracking_password": "hunter2",
                "tracking_insecure_tls": true,
                "experiment_name": "hunter2",
            }),
        ),
        component(2, "fine", "wandb", &json!({"api_key": "{{db.password}}"})),
        component(
            3,
            "wrong",
            "custom",
            &json!({
                "a": "{{db.pasword}}",
                "b": "{{gone.key}}",
                "c": "mysql://hunter2:{{db.user}}@host",
                "list": ["{{db.user}}"],
                "port": 1,
            }),
        ),
    ]
}

fn respond(request: &Request) -> Response {
    let line = request.line.as_str();
    if line == "POST /api/v1/login" {
        body(&json!({"access_token": "hunter2token"}))
    } else if line.starts_with("GET /api/v1/components?") {
        page(request, &components(), 1)
    } else if line.starts_with("GET /api/v1/stacks?") {
        let stacks = [
            stack("prod", &["c1", "c3"]),
            stack("dev", &["c3"]),
            stack("empty", &[]),
        ];
        page(request, &stacks, 1)
    } else if line.starts_with("GET /api/v1/secrets?") {
        body(&json!({"items": [{"id": "s1", "name": "db"}], "total_pages": 1}))
    } else if line == "GET /api/v1/secrets/s1" {
        body(&json!({"body": {"values": {"user": "hunter2u", "password": "hunter2p"}}}))
    } else if line == "GET /api/v1/info" {
        body(&json!({"version": "0.98.0"}))
    } else {
        Response::Body(404, "{}".to_owned())
    }
}

#[test]
fn components_of_all_pages_are_checked_like_a_file() {
    let server = Server::start(respond);
    let output = check(&server, &["--format", "short"]);
    let path = "zenml://prod/components/experiment_tracker";
    let expected = [
        "stacks/prod.yaml:9:7: warning[registered-drift]: `mlflow` on the server of `prod` differs in `tracking_uri`, \
         `tracking_password`, and also has `experiment_name`"
            .to_owned(),
        format!(
            "{path}/mlflow: warning[plaintext-secret]: plain text in the sensitive attribute `tracking_password`"
        ),
        format!("{path}/wrong: error[unknown-key]: secret `db` in the inventory `prod` has no key `pasword`"),
        format!("{path}/wrong: error[unknown-secret]: no secret `gone` in the inventory `prod`"),
    ];
    for line in expected {
        assert!(
            output.stdout.lines().any(|it| it == line),
            "{line}\n{}",
            output.stdout
        );
    }
    for rule in ["embedded-reference", "nested-reference"] {
        let line = format!("{path}/wrong: error[{rule}]");
        assert!(output.stdout.contains(&line), "{}", output.stdout);
    }
    assert_eq!(output.code, 1);
    let summary = "checked 1 file and 3 registered components, 6 references: 4 errors, 2 warnings";
    assert!(output.stderr_text().contains(summary), "{}", output.stderr);
    let requests = |path: &str| server.count(&format!("GET /api/v1/{path}"));
    assert_eq!((requests("components?"), requests("stacks?")), (3, 3));
    assert_eq!(requests("secrets/"), 1, "each secret is requested once");
}

#[test]
fn nothing_is_requested_without_need() {
    let server = Server::start(respond);
    let folder = project(&server, "");
    let output = run_in(&folder, &["check", "--registered", "--level", "none"]);
    assert_eq!(
        (output.code, server.requests().len()),
        (0, 0),
        "{}",
        output.stderr
    );
    assert!(
        output.stderr_text().contains("--registered has no effect"),
        "{}",
        output.stderr
    );
    let output = run_in(&folder, &["check"]);
    assert_eq!(
        (output.code, server.count("GET /api/v1/comp")),
        (0, 0),
        "{}",
        output.stdout
    );
    let output = run_in(&folder, &["check", "--select", "registered-drift"]);
    let warning = "`registered-drift` only reports findings with --registered";
    assert!(output.stderr_text().contains(warning), "{}", output.stderr);
    // Without trust, no server is asked.
    let words = ["ZENML_STORE_API_KEY=x", "check", "--registered"];
    let count = server.requests().len();
    let output = run(&words, folder.path(), b"");
    assert_eq!(
        (output.code, server.requests().len()),
        (2, count),
        "{}",
        output.stderr
    );
    assert!(
        output.stderr_text().contains("stackref trust"),
        "{}",
        output.stderr
    );
    // No server is in use.
    std::fs::write(folder.path().join("names.yaml"), "db: [user, password]\n").unwrap();
    for words in [
        &["check", "--inventory", "names.yaml"][..],
        &["check", "--no-config"],
        &["refs", "--no-config"],
    ] {
        let output = run_in(&folder, &[words, &["--registered"]].concat());
        let message = "`--registered` requires an inventory of kind `zenml`";
        assert!(
            output.code == 2 && output.stderr_text().contains(message),
            "{}",
            output.stderr
        );
    }
    assert_eq!(server.requests().len(), count);
}

#[test]
fn level_secret_exists_requests_no_secret() {
    let server = Server::start(respond);
    let output = check(&server, &["--level", "secret-exists", "--format", "short"]);
    assert_eq!(server.count("GET /api/v1/secrets/"), 0);
    assert!(
        output.stdout.contains("no secret `gone`"),
        "{}",
        output.stdout
    );
    assert!(!output.stdout.contains("pasword"), "{}", output.stdout);
}

#[test]
fn machine_formats_have_no_location_in_the_component() {
    let server = Server::start(respond);
    let json: Value = serde_json::from_str(&check(&server, &["--format", "json"]).stdout).unwrap();
    let findings = json["findings"].as_array().unwrap();
    let registered: Vec<&Value> = findings
        .iter()
        .filter(|it| {
            it["path"]
                .as_str()
                .unwrap()
                .starts_with("zenml://prod/components/")
        })
        .collect();
    assert_eq!(registered.len(), 5);
    for finding in &registered {
        for field in ["span", "fix", "source", "related"] {
            assert!(finding.get(field).is_none(), "{finding}");
        }
        assert_eq!(finding["component"], "experiment_tracker");
        assert_eq!(finding["fingerprint"].as_str().unwrap().len(), 32);
    }
    let wrong = registered.iter().find(|it| it["key"] == "pasword").unwrap();
    let names = (
        &wrong["component_name"],
        &wrong["stack"],
        &wrong["attribute"],
        &wrong["suggestion"],
    );
    let expected = ["wrong", "dev", "a", "password"].map(Value::from);
    assert_eq!(
        names,
        (&expected[0], &expected[1], &expected[2], &expected[3])
    );
    assert_eq!(json["summary"]["files"], 1);
    assert_eq!(json["summary"]["registered"], 3);
    let sarif: Value =
        serde_json::from_str(&check(&server, &["--format", "sarif"]).stdout).unwrap();
    let results = sarif["runs"][0]["results"].as_array().unwrap();
    let locations = results
        .iter()
        .map(|it| &it["locations"][0]["physicalLocation"]);
    let on_server: Vec<&Value> = locations
        .filter(|it| {
            it["artifactLocation"]["uri"]
                .as_str()
                .unwrap()
                .starts_with("zenml:")
        })
        .collect();
    assert_eq!(on_server.len(), 5);
    assert!(on_server.iter().all(|it| it.get("region").is_none()));
    assert!(
        on_server
            .iter()
            .all(|it| it["artifactLocation"].get("uriBaseId").is_none())
    );
    let github = check(&server, &["--format", "github"]).stdout;
    let command =
        "::error title=stackref[unknown-key]::zenml://prod/components/experiment_tracker/wrong: ";
    assert!(github.contains(command), "{github}");
    let human = check(&server, &[]).stdout;
    let lines = "error[unknown-key] dev › experiment_tracker › a\n  zenml://prod/components/experiment_tracker/wrong\n\n";
    assert!(human.contains(lines), "{human}");
    assert!(!human.contains("╭─[zenml"), "{human}");
}

#[test]
fn reports_of_components_are_replaced() {
    let server = Server::start(respond);
    let folder = project(&server, "");
    for format in [
        "human", "short", "json", "sarif", "github", "gitlab", "junit",
    ] {
        for _ in 0..2 {
            let words = [
                "check",
                "--registered",
                "--exit-zero",
                "--format",
                format,
                "--output",
                "report.txt",
            ];
            let output = run_in(&folder, &words);
            assert_eq!(output.code, 0, "{format}: {}", output.stderr);
        }
        std::fs::remove_file(folder.path().join("report.txt")).unwrap();
    }
}

#[test]
fn findings_are_suppressed_by_globs_and_baselines_but_not_fixed() {
    let server = Server::start(respond);
    let ignore = "[[ignore]]\npath = \"zenml://prod/**\"\nrule = \"unknown-key\"\n\
                  [[ignore]]\npath = \"zenml://prod/components/experiment_tracker/gone\"\nrule = \"nested-reference\"\n";
    let folder = project(&server, ignore);
    let output = run_in(&folder, &["check", "--registered", "--format", "short"]);
    assert!(!output.stdout.contains("unknown-key"), "{}", output.stdout);
    assert_eq!(
        output.stdout.matches("unused-ignore").count(),
        1,
        "{}",
        output.stdout
    );
    // Without the components, it is not known whether an entry is used.
    for words in [
        &["check"][..],
        &["check", "--registered", "--level", "none"],
    ] {
        let output = run_in(&folder, words);
        assert_eq!(output.stdout, "", "{words:?}");
    }
    let words = ["check", "--registered", "--write-baseline", "known.json"];
    run_in(&folder, &words);
    let output = run_in(
        &folder,
        &["check", "--registered", "--baseline", "known.json"],
    );
    assert_eq!(
        (output.code, output.stdout.as_str()),
        (0, ""),
        "{}",
        output.stderr
    );
    let output = run_in(&folder, &["check", "--baseline", "known.json"]);
    assert!(
        !output.stderr_text().contains("obsolete"),
        "{}",
        output.stderr
    );
    let output = run_in(
        &folder,
        &[
            "check",
            "--registered",
            "--fix=suggestions",
            "--format",
            "short",
        ],
    );
    assert_eq!(output.code, 1);
    let text = std::fs::read_to_string(folder.path().join("stacks/prod.yaml")).unwrap();
    assert_eq!(text, STACK);
    let output = run_in(
        &folder,
        &[
            "check",
            "--registered",
            "--add-ignores",
            "--format",
            "short",
        ],
    );
    let entry = "path = \"zenml://prod/components/experiment_tracker/wrong\"";
    assert!(output.stderr.contains(entry), "{}", output.stderr);
    let text = std::fs::read_to_string(folder.path().join("stacks/prod.yaml")).unwrap();
    assert!(
        text.contains("# stackref: ignore[registered-drift]"),
        "{text}"
    );
    let output = run_in(&folder, &["check", "--registered", "--format", "short"]);
    assert!(
        !output.stdout.contains("registered-drift"),
        "{}",
        output.stdout
    );
    // The comment may be used: without the components, this is not known.
    assert_eq!(run_in(&folder, &["check"]).stdout, "");
}

#[test]
fn components_belong_to_the_environments_of_their_server() {
    let (dev, prod) = (Server::start(respond), Server::start(respond));
    let inventory = |name: &str, server: &Server| {
        let url = server.url();
        format!("[inventory.{name}]\nkind = \"zenml\"\nurl = \"{url}\"\n")
    };
    let config = [
        inventory("dev", &dev),
        inventory("prod", &prod),
        "[environment.dev]\ninventory = [\"dev\"]\n".to_owned(),
        "[environment.staging]\ninventory = [\"dev\"]\nlevel = \"none\"\n".to_owned(),
        "[environment.prod]\ninventory = [\"prod\"]\n".to_owned(),
    ];
    let folder = folder(&[("stackref.toml", &config.concat()), ("s.yaml", STACK)]);
    let output = run_in(&folder, &["check", "--registered", "--format", "json"]);
    let json: Value = serde_json::from_str(&output.stdout).unwrap();
    let findings = json["findings"].as_array().unwrap();
    let environments = |path: &str| -> Vec<&Value> {
        let key = |it: &&Value| it["path"] == path && it["rule"] == "unknown-key";
        findings
            .iter()
            .filter(key)
            .map(|it| &it["environments"])
            .collect()
    };
    for name in ["dev", "prod"] {
        let path = format!("zenml://{name}/components/experiment_tracker/wrong");
        assert_eq!(environments(&path), [&json!([name])], "{}", output.stdout);
    }
    let drift = findings
        .iter()
        .filter(|it| it["rule"] == "registered-drift");
    assert_eq!(drift.count(), 2, "{}", output.stdout);
    let requests = dev.requests().len();
    let words = [
        "check",
        "--registered",
        "--environment",
        "prod",
        "--format",
        "short",
    ];
    let output = run_in(&folder, &words);
    assert!(!output.stdout.contains("zenml://dev"), "{}", output.stdout);
    let words = ["check", "--registered", "--environment", "staging"];
    let output = run_in(&folder, &words);
    assert!(
        output.stderr_text().contains("--registered has no effect"),
        "{}",
        output.stderr
    );
    assert_eq!(dev.requests().len(), requests);
}

#[test]
fn references_of_components_are_listed() {
    let server = Server::start(respond);
    let folder = project(&server, "");
    let output = run_in(&folder, &["refs", "--registered", "--format", "short"]);
    let line = "zenml://prod/components/experiment_tracker/wrong: dev / experiment_tracker / b -> gone.key";
    assert!(
        output.stdout.lines().any(|it| it == line),
        "{}",
        output.stdout
    );
    assert!(
        output
            .stderr_text()
            .contains("in 1 file and 3 registered components"),
        "{}",
        output.stderr
    );
    let output = run_in(&folder, &["refs", "--registered", "--format", "json"]);
    let json: Value = serde_json::from_str(&output.stdout).unwrap();
    let references = json["references"].as_array().unwrap();
    let without_span = references.iter().filter(|it| it.get("span").is_none());
    assert_eq!(without_span.count(), 4);
    let output = run_in(&folder, &["refs", "--registered", "--format", "mermaid"]);
    assert!(
        output.stdout.contains("gone (missing)"),
        "{}",
        output.stdout
    );
    let output = run_in(&folder, &["refs", "--registered", "--secret", "gone"]);
    assert_eq!(output.stdout.lines().count(), 1, "{}", output.stdout);
    assert_eq!(run_in(&folder, &["refs", "--secret", "gone"]).code, 1);
}

/// The response to the list of components, and a part of the message about it.
type Case = (fn(&Request) -> Response, &'static str);

#[test]
fn a_server_that_cannot_answer_is_a_failure_beside_the_findings() {
    let cases: [Case; 12] = [
        (
            |_| Response::Body(403, "{}".to_owned()),
            "these credentials may not list components",
        ),
        (
            |_| Response::Body(500, "{}".to_owned()),
            "the server answered 500",
        ),
        (|_| Response::Silence, "no answer within 2 s"),
        (
            |_| Response::Body(200, "<html>".to_owned()),
            "is `url` right?",
        ),
        (
            |_| body(&json!({"items": 3, "total_pages": 1})),
            "is `url` right?",
        ),
        (
            |_| body(&json!({"items": [], "total_pages": 0})),
            "ZenML then returns an empty list",
        ),
        (
            |_| body(&json!({"items": [], "total_pages": 2})),
            "page 1 of 2 is empty",
        ),
        (
            |_| {
                body(
                    &json!({"items": [{"id": "c", "name": "n", "permission_denied": true}], "total_pages": 1}),
                )
            },
            "not read all of them",
        ),
        (
            |_| {
                body(
                    &json!({"items": [{"id": "c", "name": "n", "body": {"type": "a", "flavor_name": "f"}}], "total_pages": 1}),
                )
            },
            "is `url` right?",
        ),
        (
            |_| {
                let attributes = json!({"a": "hunter2".repeat(5 << 20)});
                Response::Body(
                    200,
                    json!({"items": [component(1, "n", "f", &attributes)]}).to_string(),
                )
            },
            "GET /api/v1/components",
        ),
        (
            |request| {
                let item = component(1, "n", "f", &json!({"a": "x".repeat(30 << 20)}));
                page(request, &[item.clone(), item.clone(), item], 1)
            },
            "or 64 MiB",
        ),
        (
            |_| {
                let deep = "[".repeat(200) + &"]".repeat(200);
                let item = component(1, "n", "f", &json!({})).to_string();
                let item = item.replace(
                    "\"configuration\":{}",
                    &format!("\"configuration\":{{\"a\":{deep}}}"),
                );
                Response::Body(200, format!("{{\"items\": [{item}], \"total_pages\": 1}}"))
            },
            "is `url` right?",
        ),
    ];
    for (answer, words) in cases {
        let server = Server::start(move |request| {
            if request.line.starts_with("GET /api/v1/components?") {
                answer(request)
            } else {
                respond(request)
            }
        });
        let folder = project(&server, "");
        if words.contains("MiB") {
            // Large answers take time on a busy machine.
            let config = CONFIG.replace("URL", &server.url());
            let config = config.replace("timeout = 2", "timeout = 60");
            std::fs::write(folder.path().join("stackref.toml"), config).unwrap();
        }
        let more = "stack_name: x\ncomponents: {alerter: {flavor: y, a: '{{gone.key}}'}}\n";
        std::fs::write(folder.path().join("more.yaml"), more).unwrap();
        let output = run_in(&folder, &["check", "--registered", "--format", "short"]);
        assert_eq!(output.code, 3, "{words}: {}", output.stderr);
        let stderr = output.stderr_text();
        assert!(stderr.contains(words), "{words}: {stderr}");
        let listed = run_in(&folder, &["refs", "--registered", "--format", "json"]);
        assert_eq!(listed.code, 3, "{words}: {}", listed.stderr);
        assert!(
            listed.stdout.contains("\"failures\": [\n"),
            "{words}: {}",
            listed.stdout
        );
        assert!(listed.stdout.contains("gone"), "{words}: {}", listed.stdout);
        assert!(
            output.stdout.contains("no secret `gone`"),
            "{words}: {}",
            output.stdout
        );
    }
}

#[test]
fn hostile_names_and_deep_attributes_are_safe() {
    let server = Server::start(|request| {
        if request.line.starts_with("GET /api/v1/components?") {
            let mut deep = json!("{{db.user}}");
            for _ in 0..118 {
                deep = json!([deep]);
            }
            let hostile = "a\u{1b}]8;;x\u{7}\u{202e}\n../::error ::x|`<b>";
            let items = [
                component(
                    1,
                    hostile,
                    "{{x.y}}",
                    &json!({"\u{1b}[31m{{a.b}}": "{{gone\u{202e}.key}}", "deep": deep}),
                ),
                component(2, "..", "\u{0}", &json!({"password": "hunter2\u{1b}"})),
                component(
                    3,
                    "..",
                    "x",
                    &json!({"": "", "{{gone.key}}": "{{ gone.key"}),
                ),
            ];
            page(request, &items, 1)
        } else {
            respond(request)
        }
    });
    for format in [
        "human", "short", "json", "sarif", "github", "gitlab", "junit",
    ] {
        let output = check(&server, &["--format", format]);
        assert_eq!(output.code, 1, "{format}: {}", output.stderr);
        let path = "zenml://prod/components/experiment_tracker/a%1B%5D8%3B%3Bx%07%E2%80%AE%0A..%2F%3A%3Aerror%20%3A%3Ax%7C%60%3Cb%3E";
        let path = match format {
            "github" => path.replace('%', "%25"),
            _ => path.to_owned(),
        };
        assert!(output.stdout.contains(&path), "{format}: {}", output.stdout);
        assert!(
            !output
                .stdout
                .lines()
                .any(|line| line.starts_with("::error ::")),
            "{format}"
        );
    }
}
