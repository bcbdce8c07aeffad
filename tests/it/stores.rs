//! Stores over HTTP: the requests that they get, the result of each response, and where credentials
//! are not sent.

use crate::server::{Request, Response, Server, drip};
use crate::support::{Output, folder, run_trusted as run};
use serde_json::{Value, json};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};
use tempfile::TempDir;

const STACK: &str =
    "a: '{{db.user}}'\nb: '{{db.password}}'\nc: '{{db.user}}'\nd: '{{api.token}}'\n";

/// The first line of each config. The stacks are too short to be recognized.
const INCLUDE: &str = "files.include = [\"a.stack.yaml\"]\n";

fn project(kind: &str, url: &str, more: &str, stack: &str) -> TempDir {
    let config = format!("{INCLUDE}[inventory.prod]\nkind = \"{kind}\"\nurl = \"{url}\"\n{more}");
    folder(&[("stackref.toml", &config), ("a.stack.yaml", stack)])
}

fn zenml(server: &Server, more: &str, stack: &str, words: &[&str]) -> Output {
    let folder = project("zenml", &server.url(), more, stack);
    run(
        &[&["ZENML_STORE_API_KEY=hunter2key"], words].concat(),
        folder.path(),
        b"",
    )
}

fn item(name: &str, private: bool) -> Value {
    json!({ "id": format!("id-{name}-{private}"), "name": name, "body": { "private": private, "values": {} } })
}

fn page(items: &[Value], index: usize, pages: usize) -> Response {
    Response::Body(
        200,
        json!({ "items": items, "index": index, "total_pages": pages }).to_string(),
    )
}

fn secret(values: &Value) -> Response {
    Response::Body(200, json!({ "body": { "values": values } }).to_string())
}

fn log_in() -> Response {
    Response::Body(200, json!({ "access_token": "hunter2token" }).to_string())
}

/// Returns the responses of a server with `db` (user, password) and `api` (token) on two pages.
fn respond(request: &Request) -> Response {
    match request.line.as_str() {
        "POST /api/v1/login" => log_in(),
        line if line.starts_with("GET /api/v1/secrets?page=1") => {
            page(&[item("db", false), item("other", false)], 1, 2)
        }
        line if line.starts_with("GET /api/v1/secrets?page=2") => page(&[item("api", false)], 2, 2),
        "GET /api/v1/secrets/id-db-false" => {
            secret(&json!({ "user": "hunter2a", "password": "hunter2b" }))
        }
        "GET /api/v1/secrets/id-api-false" => secret(&json!({ "token": "" })),
        _ => Response::Body(404, "{}".to_owned()),
    }
}

#[test]
fn each_level_sends_only_the_necessary_requests() {
    let server = Server::start(respond);
    let level_none = zenml(&server, "", STACK, &["check", "--level", "none"]);
    assert_eq!(
        (level_none.code, server.requests().len()),
        (0, 0),
        "{}",
        level_none.stderr
    );
    let names = zenml(&server, "", STACK, &["check", "--level", "secret-exists"]);
    assert_eq!(names.code, 0, "{}", names.stderr);
    assert_eq!(
        (
            server.count("GET /api/v1/secrets?"),
            server.count("GET /api/v1/secrets/")
        ),
        (2, 0)
    );
    let keys = zenml(&server, "", STACK, &["check", "--format", "short"]);
    assert_eq!(keys.code, 0, "{}", keys.stderr);
    assert_eq!(
        server.count("GET /api/v1/secrets/"),
        2,
        "each referenced secret is requested once, and no other"
    );
    assert!(
        keys.stdout.contains("warning[empty-value]"),
        "{}",
        keys.stdout
    );
    let login = &server.requests()[0];
    assert_eq!(login.body, "grant_type=zenml-api-key&password=hunter2key");
    let authorized = server
        .requests()
        .iter()
        .filter(|request| request.line.starts_with("GET"))
        .all(|request| request.header("authorization") == Some("Bearer hunter2token"));
    assert!(authorized);
}

#[test]
fn hidden_values_are_checked_but_not_rendered() {
    let server = Server::start(|request| match request.line.as_str() {
        line if line.starts_with("GET /api/v1/secrets/") => {
            secret(&json!({ "user": null, "password": null, "token": null }))
        }
        _ => respond(request),
    });
    assert_eq!(zenml(&server, "", STACK, &["check"]).code, 0);
    let rendered = zenml(&server, "", STACK, &["render", "--stdout"]);
    assert_eq!((rendered.code, rendered.stdout.as_str()), (3, ""));
    assert!(
        rendered
            .stderr_text()
            .contains("these credentials may not read the value"),
        "{}",
        rendered.stderr
    );
}

#[test]
fn misleading_responses_are_detected() {
    // An empty page in the middle, the same secret twice, and a name that differs in case.
    let empty_page = Server::start(|request| match request.line.as_str() {
        "POST /api/v1/login" => log_in(),
        line if line.contains("page=2") => page(&[], 2, 3),
        _ => page(&[item("other", false)], 1, 3),
    });
    let output = zenml(&empty_page, "", STACK, &["check"]);
    assert!(
        output.code == 3 && output.stderr_text().contains("page 2 of 3 is empty"),
        "{}",
        output.stderr
    );
    let twice = Server::start(|request| match request.line.as_str() {
        line if line.contains("page=1") => page(&[item("db", false), item("api", false)], 1, 2),
        line if line.contains("page=2") => page(&[item("api", false)], 2, 2),
        _ => respond(request),
    });
    let output = zenml(&twice, "", STACK, &["check", "--format", "short"]);
    assert!(
        output.code == 0 && !output.stdout.contains("ambiguous"),
        "{}",
        output.stdout
    );
    let similar = Server::start(|request| match request.line.as_str() {
        "POST /api/v1/secrets" => Response::Body(200, "{}".to_owned()),
        line if line.contains("name=equals") => page(&[item("NEW", false)], 1, 1),
        _ => respond(request),
    });
    let folder = project("zenml", &similar.url(), "", "c: '{{new.k}}'\n");
    let output = run(
        &[
            "ZENML_STORE_API_KEY=x",
            "N_NEW__K=n",
            "register",
            "--from-env",
            "N",
        ],
        folder.path(),
        b"",
    );
    assert_eq!(
        (
            output.code,
            similar.count("PUT"),
            similar.count("POST /api/v1/secrets")
        ),
        (0, 0, 1),
        "{}",
        output.stderr
    );
    // A list of a Vault with an entry that is not a name.
    for keys in [json!([{ "db": 1 }]), json!(["db", "api", null])] {
        let mixed = Server::start(move |request| match request.line.as_str() {
            line if line.starts_with("LIST") => {
                Response::Body(200, json!({ "data": { "keys": keys } }).to_string())
            }
            _ => Response::Body(
                200,
                json!({ "data": { "options": { "version": "2" } } }).to_string(),
            ),
        });
        let output = vault(&mixed, STACK, &["check", "--format", "short"]);
        assert!(
            output.code == 3 && output.stderr_text().contains("is not Vault's"),
            "{}{}",
            output.stdout,
            output.stderr
        );
    }
    // Another server at the address of a Vault.
    let nginx = Server::start(|_| Response::Body(404, "<html>nginx</html>".to_owned()));
    let output = vault(&nginx, STACK, &["check"]);
    assert!(
        output.code == 3 && output.stderr_text().contains("is not Vault's"),
        "{}",
        output.stderr
    );
}

#[test]
fn snapshot_of_an_empty_listing_is_not_written() {
    let empty = Server::start(|request| {
        if request.line.starts_with("POST") {
            log_in()
        } else {
            page(&[], 1, 0)
        }
    });
    let output = zenml(
        &empty,
        "",
        STACK,
        &["inventory", "snapshot", "-o", "names.yaml"],
    );
    assert!(
        output.code == 3 && output.stderr_text().contains("cannot list any secret"),
        "{}",
        output.stderr
    );
    let output = zenml(&empty, "", STACK, &["inventory", "--probe"]);
    assert!(
        output.code == 0 && output.stdout.contains("prod       ?"),
        "{}",
        output.stdout
    );
}

#[test]
fn ambiguous_secret_is_resolved_as_by_zenml() {
    for (version, value, words) in [
        ("0.98.0", "public", "the public one"),
        ("0.79.0", "private", "the private one"),
    ] {
        let server = Server::start(move |request| match request.line.as_str() {
            "POST /api/v1/login" => log_in(),
            "GET /api/v1/info" => Response::Body(200, json!({ "version": version }).to_string()),
            "GET /api/v1/secrets/id-db-false" => secret(&json!({ "k": "public" })),
            "GET /api/v1/secrets/id-db-true" => secret(&json!({ "k": "private" })),
            _ => page(&[item("db", true), item("db", false)], 1, 1),
        });
        let rendered = zenml(&server, "", "a: '{{db.k}}'\n", &["render", "--stdout"]);
        assert_eq!(
            rendered.stdout,
            format!("a: '{value}'\n"),
            "{}",
            rendered.stderr
        );
        assert!(
            rendered.stderr_text().contains("ambiguous-secret")
                && rendered.stderr_text().contains(words),
            "{}",
            rendered.stderr
        );
    }
}

#[test]
fn missing_forbidden_and_rejected_have_different_messages() {
    let forbidden = Server::start(|request| match request.line.as_str() {
        "GET /api/v1/secrets/id-db-false" => Response::Body(403, "{}".to_owned()),
        _ => respond(request),
    });
    let output = zenml(
        &forbidden,
        "",
        &format!("{STACK}e: '{{{{gone.k}}}}'\n"),
        &["check", "--format", "short"],
    );
    assert_eq!(output.code, 3);
    assert!(
        output
            .stderr_text()
            .contains("permission denied while reading `db`")
            && output.stderr_text().contains("secret-exists"),
        "{}",
        output.stderr
    );
    assert!(
        output.stdout.contains("unknown-secret"),
        "the other findings are reported as well: {}",
        output.stdout
    );
    let empty = Server::start(|request| match request.line.as_str() {
        "POST /api/v1/login" => log_in(),
        _ => page(&[], 1, 0),
    });
    let output = zenml(&empty, "", STACK, &["check"]);
    assert_eq!(output.code, 3);
    assert!(
        output.stderr_text().contains("cannot list any secret")
            && output.stderr_text().contains("may not list them"),
        "{}",
        output.stderr
    );
    let refused = Server::start(|_| Response::Body(401, "{}".to_owned()));
    let output = zenml(&refused, "", STACK, &["check"]);
    assert_eq!(output.code, 3);
    assert!(
        output
            .stderr_text()
            .contains("rejected the login: check ZENML_STORE_API_KEY"),
        "{}",
        output.stderr
    );
}

/// An invalid response, and a part of the message about it.
type Case = (fn() -> Response, &'static str);

#[test]
fn invalid_response_is_reported_with_its_request() {
    let list = |answer: fn() -> Response| {
        Server::start(move |request| {
            if request.line.starts_with("POST") {
                log_in()
            } else {
                answer()
            }
        })
    };
    let cases: [Case; 7] = [
        (|| Response::Silence, "no answer within"),
        (|| Response::Raw(b""), "GET /api/v1/secrets"),
        (
            || Response::Raw(b"HTTP/1.1 200 X\r\ncontent-length: 9999\r\n\r\n{\"items\": ["),
            "GET /api/v1/secrets",
        ),
        (
            || Response::Body(200, "<html>log in</html>".to_owned()),
            "is `url` right?",
        ),
        (
            || Response::Body(200, "{\"items\": 3}".to_owned()),
            "is `url` right?",
        ),
        (|| Response::Raw(b"SSH-2.0-OpenSSH\r\n\r\n"), "is not HTTP"),
        (
            || Response::Body(500, "{}".to_owned()),
            "the server answered 500",
        ),
    ];
    for (answer, words) in cases {
        let server = list(answer);
        let output = zenml(&server, "timeout = 1\n", STACK, &["check"]);
        assert_eq!(output.code, 3, "{words}: {}", output.stderr);
        let stderr = output.stderr_text();
        assert!(stderr.contains(words), "{words}: {stderr}");
        assert!(!output.stderr.contains("hunter2"), "{}", output.stderr);
    }
}

#[test]
fn redirect_is_not_followed() {
    let other_host = Server::start(|_| Response::Body(200, "{}".to_owned()));
    let target = other_host.url();
    let server = Server::start(move |request| {
        if request.line.starts_with("POST") {
            log_in()
        } else {
            Response::Header(301, "location", format!("{target}/x?token=1"))
        }
    });
    let output = zenml(&server, "", STACK, &["check"]);
    assert_eq!((output.code, other_host.requests().len()), (3, 0));
    assert!(
        output
            .stderr_text()
            .contains("answered 301, a redirect to 127.0.0.1"),
        "{}",
        output.stderr
    );
}

#[test]
fn overloaded_store_is_requested_again_at_most_twice() {
    let calls = AtomicUsize::new(0);
    let server = Server::start(move |request| {
        let busy = request.line.starts_with("GET /api/v1/secrets?page=1")
            && calls.fetch_add(1, Ordering::Relaxed) < 2;
        if busy {
            Response::Body(429, String::new())
        } else {
            respond(request)
        }
    });
    assert_eq!(zenml(&server, "", STACK, &["check"]).code, 0);
    assert_eq!(server.count("GET /api/v1/secrets?page=1"), 3);
    let broken = Server::start(|_| Response::Body(503, String::new()));
    assert_eq!(zenml(&broken, "", STACK, &["check"]).code, 3);
    assert_eq!(broken.requests().len(), 3);
    let slow = Server::start(|request| {
        std::thread::sleep(std::time::Duration::from_millis(400));
        respond(request)
    });
    let output = zenml(&slow, "run_timeout = 1\n", STACK, &["check"]);
    assert_eq!(output.code, 3, "{}", output.stderr);
    assert!(
        output.stderr_text().contains("run_timeout")
            || output.stderr_text().contains("no answer within"),
        "{}",
        output.stderr
    );
}

/// The time limit of a run that its timeouts end. It is far longer than the timeouts, because
/// machines are sometimes slow.
const RUN_LIMIT: Duration = Duration::from_secs(30);

#[test]
fn timeouts_end_each_phase_of_a_slow_response() {
    const HEADERS: &[u8] = b"HTTP/1.1 200 X\r\nx: ";
    const BODY: &[u8] = b"HTTP/1.1 200 X\r\ncontent-length: 9999\r\n\r\n";
    const CHUNK: &[u8] = b"HTTP/1.1 200 X\r\ntransfer-encoding: chunked\r\n\r\nfff\r\n";
    const TLS: &[u8] = b"\x16\x03\x03\x40\x00\x02";
    let (headers, body, chunk, tls) = (
        drip(HEADERS, b'a'),
        drip(BODY, b' '),
        drip(CHUNK, b' '),
        drip(TLS, 0),
    );
    let loopback = |address| (format!("http://{address}"), "NO_PROXY=*".to_owned());
    let phases = [
        ("headers", loopback(headers)),
        ("a body", loopback(body)),
        ("chunks", loopback(chunk)),
        (
            "a handshake",
            (format!("https://{tls}"), "NO_PROXY=*".to_owned()),
        ),
        (
            "a proxy",
            (
                "https://zenml.invalid".to_owned(),
                format!("HTTPS_PROXY=http://{headers}"),
            ),
        ),
        (
            "a proxy with TLS",
            (
                "https://zenml.invalid".to_owned(),
                format!("ALL_PROXY=https://{tls}"),
            ),
        ),
        (
            "a proxy to HTTP",
            (
                "http://zenml.invalid".to_owned(),
                format!("HTTP_PROXY=http://{headers}"),
            ),
        ),
    ];
    let limits = [
        ("timeout = 0.5\n", "no answer within 0.5 s (`timeout`)"),
        (
            "run_timeout = 0.5\n",
            "no answer within the 0.5 s of the whole run (`run_timeout`)",
        ),
        (
            "connect_timeout = 0.5\ntimeout = 1.5\n",
            "no connection in time (`connect_timeout`)",
        ),
    ];
    let all_limits = |phase: &str, url: &str, proxy: &str| {
        for (limit, mut words) in limits {
            if limit.starts_with("connect") && matches!(phase, "headers" | "a body" | "chunks") {
                words = "no answer within 1.5 s (`timeout`)";
            }
            let folder = project("zenml", url, &format!("allow_http = true\n{limit}"), STACK);
            let start = Instant::now();
            let output = run(
                &["ZENML_STORE_API_KEY=hunter2key", proxy, "check"],
                folder.path(),
                b"",
            );
            assert!(
                output.code == 3 && output.stderr_text().contains(words),
                "{phase}, {limit}: {}",
                output.stderr
            );
            assert!(
                start.elapsed() < RUN_LIMIT,
                "{phase}, {limit}: {:?}",
                start.elapsed()
            );
        }
    };
    std::thread::scope(|scope| {
        for (phase, (url, proxy)) in &phases {
            scope.spawn(move || all_limits(phase, url, proxy));
        }
    });
}

#[test]
fn pauses_and_queued_requests_count_toward_the_run_timeout() {
    let broken = Server::start(|_| Response::Body(503, String::new()));
    let output = zenml(&broken, "run_timeout = 0.15\n", STACK, &["check"]);
    assert_eq!(
        (output.code, broken.requests().len()),
        (3, 1),
        "the pause before the second attempt exceeds the remaining time"
    );
    assert!(
        output
            .stderr_text()
            .contains("took more than 0.15 s (`run_timeout`)"),
        "{}",
        output.stderr
    );
    // A hundred secrets, eight at a time, without any response.
    let names: Vec<Value> = (0..100).map(|at| item(&format!("s{at}"), false)).collect();
    let stack: Vec<String> = (0..100)
        .map(|at| format!("a{at}: '{{{{s{at}.k}}}}'\n"))
        .collect();
    let stack = stack.concat();
    let silent = Server::start(move |request| match request.line.as_str() {
        "POST /api/v1/login" => log_in(),
        line if line.starts_with("GET /api/v1/secrets?") => page(&names, 1, 1),
        _ => Response::Silence,
    });
    let start = Instant::now();
    let output = zenml(
        &silent,
        "timeout = 1\nrun_timeout = 2\n",
        &stack,
        &["check"],
    );
    assert_eq!(output.code, 3, "{}", output.stderr);
    assert!(start.elapsed() < RUN_LIMIT, "{:?}", start.elapsed());
    assert!(
        silent.count("GET /api/v1/secrets/") <= 24,
        "eight at a time, and none after the timeout"
    );
}

#[test]
fn listing_of_many_secrets_of_one_name_is_read_in_linear_time() {
    // Comparing each of them with all before it would take minutes.
    let one = |at: usize| {
        format!(
            "{{\"id\":\"{at}\",\"name\":\"db\",\"body\":{{\"private\":{}}}}}",
            at.is_multiple_of(2)
        )
    };
    let items: Vec<String> = (0..200_000).map(one).collect();
    let list = format!("{{\"items\":[{}],\"total_pages\":1}}", items.join(","));
    let server = Server::start(move |request| match request.line.as_str() {
        "POST /api/v1/login" => log_in(),
        line if line.starts_with("GET /api/v1/secrets?") => Response::Body(200, list.clone()),
        "GET /api/v1/secrets/1" => secret(&json!({ "k": "hunter2" })),
        _ => Response::Body(404, "{}".to_owned()),
    });
    let output = zenml(
        &server,
        "",
        "a: '{{db.k}}'\n",
        &["check", "--format", "short"],
    );
    assert_eq!(output.code, 0, "{}", output.stderr);
    assert!(
        output.stdout.contains("ambiguous-secret") && output.stdout.contains("the public one"),
        "{}",
        output.stdout
    );
}

#[test]
fn secret_that_is_only_private_is_reported() {
    let list = |private: bool| {
        let item = json!({ "id": "1", "name": "db", "body": { "private": private } });
        json!({ "items": [item], "total_pages": 1 }).to_string()
    };
    for private in [true, false] {
        let server = Server::start(move |request| match request.line.as_str() {
            "POST /api/v1/login" => log_in(),
            line if line.starts_with("GET /api/v1/secrets?") => Response::Body(200, list(private)),
            "GET /api/v1/secrets/1" => secret(&json!({ "k": "hunter2" })),
            _ => Response::Body(404, "{}".to_owned()),
        });
        let output = zenml(
            &server,
            "",
            "a: '{{db.k}}'\n",
            &["check", "--format", "short"],
        );
        assert_eq!(output.code, 0, "{}", output.stderr);
        assert_eq!(
            output.stdout.contains("private-secret"),
            private,
            "{}",
            output.stdout
        );
    }
}

#[test]
fn endless_or_deeply_nested_listing_is_an_error() {
    let items: Vec<Value> = (0..1_000)
        .map(|at| item(&format!("s{at}"), false))
        .collect();
    let server = Server::start(move |request| match request.line.as_str() {
        "POST /api/v1/login" => log_in(),
        _ => page(&items, 1, usize::MAX),
    });
    let output = zenml(&server, "run_timeout = 1\n", STACK, &["check"]);
    assert!(
        output.code == 3 && output.stderr_text().contains("run_timeout"),
        "{}",
        output.stderr
    );
    let deep = Server::start(|request| match request.line.as_str() {
        "POST /api/v1/login" => log_in(),
        _ => Response::Body(200, "[".repeat(1 << 20)),
    });
    let output = zenml(&deep, "", STACK, &["check"]);
    assert!(
        output.code == 3 && output.stderr_text().contains("is `url` right?"),
        "{}",
        output.stderr
    );
}

#[test]
fn credentials_are_sent_to_other_hosts_only_encrypted_or_if_the_config_allows_it() {
    // All requests to other hosts would go to this proxy.
    let proxy = Server::start(|_| Response::Body(502, String::new()));
    let proxies = [
        format!("HTTP_PROXY={}", proxy.url()),
        format!("HTTPS_PROXY={}", proxy.url()),
    ];
    let secrets = ["ZENML_STORE_API_KEY=hunter2key", "VAULT_TOKEN=hunter2token"];
    let check = |kind: &str, url: &str, more: &str, variables: &[&str]| {
        let folder = if url.is_empty() {
            folder(&[
                (
                    "stackref.toml",
                    &format!("{INCLUDE}[inventory.prod]\nkind = \"{kind}\"\n{more}"),
                ),
                ("a.stack.yaml", STACK),
            ])
        } else {
            project(kind, url, more, STACK)
        };
        let words = [
            &proxies.each_ref().map(String::as_str)[..],
            &secrets,
            variables,
            &["check"],
        ]
        .concat();
        run(&words, folder.path(), b"")
    };
    let mount = "mount = \"kv\"\n";
    let hosts = [
        "zenml.invalid",
        "127.0.0.1.invalid",
        "localhost.invalid",
        "localhost.",
        "[::ffff:10.0.0.1]",
        "2130706433",
        "0x7f.0.0.1",
        "127.1",
    ];
    for host in hosts {
        let url = format!("http://{host}:9");
        let variable = format!("VAULT_ADDR={url}");
        let outputs = [
            check("zenml", &url, "", &[]),
            check("vault", &url, mount, &[]),
            check("vault", "", mount, &[&variable]),
            check("zenml", &url, "allow_http = false\n", &[]),
        ];
        for output in outputs {
            assert_eq!(
                (output.code, proxy.requests().len()),
                (2, 0),
                "{host}: {}",
                output.stderr
            );
            assert!(
                output.stderr_text().contains(&format!(
                    "would send credentials to `{host}` without encryption"
                )),
                "{host}"
            );
            assert!(
                output.stderr_text().contains("allow_http = true"),
                "{host}: {}",
                output.stderr
            );
        }
    }
    for output in [
        check("zenml", "http://zenml.invalid", "allow_http = true\n", &[]),
        check("zenml", "https://zenml.invalid", "", &[]),
        check(
            "vault",
            "",
            &format!("{mount}allow_http = true\n"),
            &["VAULT_ADDR=http://vault.invalid"],
        ),
    ] {
        assert_eq!(output.code, 3, "{}", output.stderr);
        assert!(!proxy.requests().is_empty(), "a tunnel is requested");
        assert!(
            proxy
                .requests()
                .iter()
                .all(|request| request.line.starts_with("CONNECT ")),
            "{:?}",
            proxy.requests()
        );
    }
    // A level without requests is accepted.
    let folder = project("zenml", "http://zenml.invalid", "", STACK);
    assert_eq!(
        run(&["check", "--level", "none"], folder.path(), b"").code,
        0
    );
}

#[test]
fn loopback_is_requested_without_a_proxy() {
    let proxy = Server::start(|_| Response::Body(200, String::new()));
    let server = Server::start(respond);
    let port = server.address.port();
    for host in ["127.0.0.1", "localhost", "LOCALHOST"] {
        for name in ["ALL_PROXY", "HTTP_PROXY", "HTTPS_PROXY", "http_proxy"] {
            let folder = project("zenml", &format!("http://{host}:{port}"), "", STACK);
            let words = [
                &format!("{name}={}", proxy.url()),
                "ZENML_STORE_API_KEY=hunter2key",
                "check",
            ];
            let output = run(&words, folder.path(), b"");
            assert_eq!(
                (output.code, proxy.requests().len()),
                (0, 0),
                "{host}, {name}: {}",
                output.stderr
            );
        }
    }
}

#[test]
fn register_creates_missing_keys_and_keeps_the_others() {
    let server = Server::start(|request| match request.line.as_str() {
        "POST /api/v1/secrets" | "PUT /api/v1/secrets/id-db-false?patch_values=true" => {
            Response::Body(200, "{}".to_owned())
        }
        line if line.contains("name=equals%3Adb") => page(&[item("db", false)], 1, 1),
        line if line.contains("name=equals%3A") => page(&[], 1, 0),
        _ => respond(request),
    });
    let folder = project(
        "zenml",
        &server.url(),
        "",
        "a: '{{db.user}}'\nb: '{{db.extra}}'\nc: '{{new.k}}'\n",
    );
    let words = [
        "ZENML_STORE_API_KEY=x",
        "N_DB__EXTRA=e\"1",
        "N_NEW__K=n",
        "register",
        "--from-env",
        "N",
    ];
    let output = run(&words, folder.path(), b"");
    assert_eq!(output.code, 0, "{}", output.stderr);
    let sent = |line: &str| {
        let requests = server.requests();
        let request = requests
            .iter()
            .find(|request| request.line.starts_with(line))
            .unwrap();
        serde_json::from_str::<Value>(&request.body).unwrap()
    };
    assert_eq!(
        sent("PUT /api/v1/secrets/id-db-false"),
        json!({ "values": { "extra": "e\"1" } })
    );
    assert_eq!(
        sent("POST /api/v1/secrets"),
        json!({ "name": "new", "private": false, "values": { "k": "n" } })
    );
    // `register` accepts an empty server.
    let empty = Server::start(|request| match request.line.as_str() {
        "POST /api/v1/login" => log_in(),
        "POST /api/v1/secrets" => Response::Body(200, "{}".to_owned()),
        _ => page(&[], 1, 0),
    });
    let folder = project("zenml", &empty.url(), "", "c: '{{new.k}}'\n");
    let output = run(
        &[
            "ZENML_STORE_API_KEY=x",
            "N_NEW__K=n",
            "register",
            "--from-env",
            "N",
        ],
        folder.path(),
        b"",
    );
    assert_eq!(
        (output.code, empty.count("POST /api/v1/secrets")),
        (0, 1),
        "{}",
        output.stderr
    );
}

/// Returns the responses of a Vault with `team/db` (user, password).
fn vault_responses(version: &'static str, subkeys: bool) -> impl Fn(&Request) -> Response {
    move |request| {
        let v2 = version == "2";
        let of = |value: Value| Response::Body(200, json!({ "data": value }).to_string());
        let values = json!({ "user": "hunter2a", "password": "hunter2b" });
        match (request.line.as_str(), v2) {
            // A server without this endpoint.
            ("GET /v1/sys/internal/ui/mounts/kv", false) => Response::Body(404, String::new()),
            ("GET /v1/sys/seal-status", _) => {
                Response::Body(200, json!({ "sealed": false }).to_string())
            }
            ("GET /v1/sys/internal/ui/mounts/kv", _) => {
                of(json!({ "options": { "version": version } }))
            }
            ("LIST /v1/kv/metadata/team", true) | ("LIST /v1/kv/team", false) => {
                of(json!({ "keys": ["db", "gone", "folder/"] }))
            }
            ("GET /v1/kv/subkeys/team/db", true) if subkeys => {
                of(json!({ "subkeys": { "user": null, "password": null } }))
            }
            ("GET /v1/kv/data/team/db", true) => {
                of(json!({ "data": values, "metadata": { "version": 7 } }))
            }
            ("GET /v1/kv/team/db", false) => of(values),
            ("GET /v1/kv/data/team/gone", true) => {
                Response::Body(404, json!({ "data": { "data": null } }).to_string())
            }
            ("GET /v1/kv/metadata/team/new", true) => of(json!({ "current_version": 3 })),
            ("POST /v1/kv/data/team/db" | "POST /v1/kv/data/team/new", true) => of(json!({})),
            _ => Response::Body(404, "{\"errors\":[]}".to_owned()),
        }
    }
}

fn vault(server: &Server, stack: &str, words: &[&str]) -> Output {
    let folder = project(
        "vault",
        &server.url(),
        "mount = \"kv/\"\npath = \"/team\"\n",
        stack,
    );
    run(
        &[&["VAULT_TOKEN=hunter2token"], words].concat(),
        folder.path(),
        b"",
    )
}

#[test]
fn vault_keys_are_read_without_values_if_possible() {
    const STACK: &str =
        "a: '{{db.user}}'\nb: '{{db.password}}'\nc: '{{db.nope}}'\nd: '{{gone.k}}'\n";
    for (version, subkeys, data) in [("2", true, 0), ("2", false, 1), ("1", false, 0)] {
        let server = Server::start(vault_responses(version, subkeys));
        let output = vault(&server, STACK, &["check", "--format", "short"]);
        assert_eq!(output.code, 1, "{version}: {}", output.stderr);
        assert!(
            output.stdout.contains("unknown-key") && output.stdout.contains("unknown-secret"),
            "{}",
            output.stdout
        );
        assert_eq!(
            server.count("GET /v1/kv/data/team/db"),
            data,
            "{version}, {subkeys}"
        );
        let names = vault(
            &server,
            "a: '{{db.user}}'\n",
            &["check", "--level", "secret-exists"],
        );
        assert_eq!(names.code, 0, "{}", names.stderr);
        let rendered = vault(&server, "a: '{{db.user}}'\n", &["render", "--stdout"]);
        assert_eq!(rendered.stdout, "a: 'hunter2a'\n", "{}", rendered.stderr);
        assert!(
            server
                .requests()
                .iter()
                .all(|request| request.header("x-vault-token") == Some("hunter2token"))
        );
    }
}

/// Returns values of all types in the response to one request.
fn typed_values(request_line: &'static str) -> impl Fn(&Request) -> Response {
    let values = json!({ "s": "hunter2", "n": 3306, "b": true, "z": null, "l": ["x"], "m": { "k": "hunter2" }, "e": "" });
    move |request| {
        let of = |value: Value| Response::Body(200, json!({ "data": value }).to_string());
        let version = if request_line.contains("/data/") || request_line.contains("/subkeys/") {
            "2"
        } else {
            "1"
        };
        match request.line.as_str() {
            "GET /v1/sys/internal/ui/mounts/kv" => of(json!({ "options": { "version": version } })),
            line if line.starts_with("LIST ") => of(json!({ "keys": ["db"] })),
            line if line != request_line => respond(request),
            line if line.starts_with("GET /v1/kv/data/") => of(json!({ "data": values })),
            line if line.starts_with("GET /v1/kv/subkeys/") => {
                let keys = json!({ "s": null, "n": null, "b": null, "z": null, "l": null, "m": { "k": null }, "e": null });
                of(json!({ "subkeys": keys }))
            }
            line if line.starts_with("GET /v1/kv/") => of(values.clone()),
            _ => secret(&values),
        }
    }
}

#[test]
fn value_that_is_not_a_string_is_unusable_if_the_store_returns_its_type() {
    const STACK: &str = "a: '{{db.s}}'\nb: '{{db.n}}'\nc: '{{db.b}}'\nd: '{{db.z}}'\ne: '{{db.l}}'\nf: '{{db.m}}'\n";
    let all = [
        "n` in the inventory `prod` is a number",
        "b` in the inventory `prod` is a boolean",
        "z` in the inventory `prod` is null",
        "l` in the inventory `prod` is a list",
        "m` in the inventory `prod` is a mapping",
    ];
    // ZenML returns null for a value that these credentials may not read.
    let hidden = [all[0], all[1], all[3], all[4]];
    for (request_line, expected) in [
        ("GET /v1/kv/team/db", &all[..]),
        ("GET /v1/kv/data/team/db", &all[..]),
        ("GET /v1/kv/subkeys/team/db", &all[4..]),
        ("GET /api/v1/secrets/id-db-false", &hidden[..]),
    ] {
        let server = Server::start(typed_values(request_line));
        let run_command = |stack: &str, words: &[&str]| {
            if request_line.contains("/kv/") {
                vault(&server, stack, words)
            } else {
                zenml(&server, "", stack, words)
            }
        };
        let output = run_command(STACK, &["check", "--format", "short"]);
        let found: Vec<&str> = output.stdout.lines().collect();
        assert_eq!(
            found.len(),
            expected.len(),
            "{request_line}: {}{}",
            output.stdout,
            output.stderr
        );
        for (line, words) in found.iter().zip(expected) {
            assert!(
                line.contains("error[unusable-value]: the value of `db.") && line.contains(words),
                "{request_line}: {line}"
            );
        }
        assert!(
            !output.stdout.contains("3306") && !output.stdout.contains("hunter2"),
            "{}",
            output.stdout
        );
        let report = run_command(STACK, &["check", "--format", "json"]);
        let report: Value = serde_json::from_str(&report.stdout).unwrap();
        assert_eq!(report["findings"][0]["secret"], "db", "{request_line}");
        assert!(report["findings"][0]["key"].is_string(), "{request_line}");
        // An unusable value does not affect the other values.
        if !request_line.contains("subkeys") {
            let rendered = run_command("a: '{{db.s}}'\n", &["render", "--stdout"]);
            assert_eq!(
                rendered.stdout, "a: 'hunter2'\n",
                "{request_line}: {}",
                rendered.stderr
            );
        }
    }
}

#[test]
fn listed_secret_that_was_deleted_is_looked_up_in_the_next_inventory() {
    let server = Server::start(vault_responses("2", true));
    let config = format!(
        "{INCLUDE}[inventory.kv]\nkind = \"vault\"\nurl = \"{}\"\nmount = \"kv\"\npath = \"team\"\n[inventory.team]\nkind = \"file\"\n\
         path = \"team.yaml\"\n[[stacks]]\nfiles = [\"**\"]\ninventory = [\"kv\", \"team\"]\n",
        server.url()
    );
    let folder = folder(&[
        ("stackref.toml", &config),
        ("team.yaml", "gone: {k: x}\n"),
        ("a.stack.yaml", "a: '{{gone.k}}'\nb: '{{gone.nope}}'\n"),
    ]);
    let output = run(
        &["VAULT_TOKEN=x", "check", "--format", "short"],
        folder.path(),
        b"",
    );
    assert_eq!(
        (output.code, output.stdout.lines().count()),
        (1, 1),
        "{}{}",
        output.stdout,
        output.stderr
    );
    assert!(
        output.stdout.contains("unknown-key") && output.stdout.contains("`nope`"),
        "{}",
        output.stdout
    );
}

#[test]
fn vault_secret_is_written_with_the_version_that_was_read() {
    let server = Server::start(vault_responses("2", true));
    let stack = "a: '{{db.extra}}'\nb: '{{new.k}}'\n";
    let output = vault(
        &server,
        stack,
        &["N_DB__EXTRA=e", "N_NEW__K=n", "register", "--from-env", "N"],
    );
    assert_eq!(output.code, 0, "{}", output.stderr);
    let sent = |line: &str| {
        let requests = server.requests();
        serde_json::from_str::<Value>(
            &requests
                .iter()
                .find(|request| request.line == line)
                .unwrap()
                .body,
        )
        .unwrap()
    };
    let all = json!({ "user": "hunter2a", "password": "hunter2b", "extra": "e" });
    assert_eq!(
        sent("POST /v1/kv/data/team/db"),
        json!({ "options": { "cas": 7 }, "data": all })
    );
    assert_eq!(
        sent("POST /v1/kv/data/team/new"),
        json!({ "options": { "cas": 3 }, "data": { "k": "n" } })
    );
    let sealed =
        Server::start(|_| Response::Body(503, "{\"errors\":[\"Vault is sealed\"]}".to_owned()));
    assert_eq!(vault(&sealed, stack, &["check"]).code, 3);
    let denied =
        Server::start(|_| Response::Body(403, "{\"errors\":[\"permission denied\"]}".to_owned()));
    let output = vault(&denied, stack, &["check"]);
    assert_eq!(output.code, 3);
    assert!(
        output.stderr_text().contains("the token is invalid"),
        "{}",
        output.stderr
    );
}

#[test]
fn secret_is_looked_up_in_the_first_inventory_that_has_it() {
    let server = Server::start(respond);
    let config = format!(
        "{INCLUDE}[inventory.team]\nkind = \"file\"\npath = \"team.yaml\"\n[inventory.shared]\nkind = \"zenml\"\nurl = \"{}\"\n\
         [[stacks]]\nfiles = [\"**\"]\ninventory = [\"team\", \"shared\"]\n",
        server.url()
    );
    let folder = folder(&[
        ("stackref.toml", &config),
        ("team.yaml", "db: {user: first}\n"),
        (
            "a.stack.yaml",
            "a: '{{db.user}}'\nb: '{{api.token}}'\nc: '{{gone.k}}'\n",
        ),
    ]);
    let output = run(
        &["ZENML_STORE_API_KEY=x", "check", "--format", "short"],
        folder.path(),
        b"",
    );
    assert!(
        output
            .stdout
            .contains("no secret `gone` in the inventories `team`, `shared`"),
        "{}",
        output.stdout
    );
    assert_eq!(
        server.count("GET /api/v1/secrets/id-db-false"),
        0,
        "the first inventory has the secret"
    );
}
