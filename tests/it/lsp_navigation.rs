//! Navigation in the language server: definitions, references, highlights, symbols and code lenses.

use crate::lsp_positions::{ENCODINGS, capabilities, position_at, text_of, without_mark};
use crate::lsp_support::{Session, TestEnvironment, inputs};
use crate::support::{copy, files_below, folder};
use serde_json::{Value, json};
use stackref::lsp::SessionEnd;
use tempfile::TempDir;

const CONFIG: &str = "\
[inventory.dev]
kind = 'file'
path = 'secrets/dev.yaml'

[inventory.prod]
kind = 'file'
path = 'secrets/prod.yaml'

[environment.dev]
inventory = ['dev']
variables = { NAME = 'slack' }

[environment.prod]
inventory = ['prod']
variables = { NAME = 'db' }
";

/// Two references with an astral character before them, one with escapes on two lines, and one that
/// variables expand.
const STACK: &str = "\
stack_name: prod\r
components:\r
  alerter:\r
    flavor: slack\r
    { '😀': '{{slack.token}}', \"😀2\": \"{{slack\\x2etoken}}\" }\r
";

const FILES: [(&str, &str); 8] = [
    ("stackref.toml", CONFIG),
    (
        "a.yaml",
        "\u{feff}stack_name: a\r\ncomponents:\r\n  alerter:\r\n    flavor: slack\r\n    😀_a: '{{slack.token}}' # 😀\r\n    \
         b: \"{{ slack\\\r\n      .token }}\"\r\n    c: \"{{sl\\x61ck.token}}\"\r\n  artifact_store:\r\n    flavor: s3\r\n    \
         authentication_secret: 'db'\r\n",
    ),
    (
        "b.sh",
        "zenml secret create slack --token=\"$T\"\nzenml alerter register a --flavor=slack --x='{{slack.token}}' \
         --y=\"{{${NAME}.token}}\"\n",
    ),
    (
        "c.py",
        "# 😀\nfrom zenml.client import Client\n\nNAME = \"slack\"\nx = \"😀\"; print(Client().get_secret(NAME).secret_values[\"token\"])\n",
    ),
    (
        "d.ipynb",
        "{\"cells\": [{\"cell_type\": \"code\", \"metadata\": {}, \"outputs\": [], \"execution_count\": null, \"source\": [\
         \"from zenml.client import Client\\n\", \"x = \\\"😀\\\"; Client().get_secret(\\\"slack\\\")\"]}], \
         \"metadata\": {\"language_info\": {\"name\": \"python\"}}, \"nbformat\": 4, \"nbformat_minor\": 5}\n",
    ),
    (
        "secrets/dev.yaml",
        "\u{feff}# 😀\n'slack': [token, \"other\"]\ndb: {a: hunter2}\n",
    ),
    ("secrets/prod.yaml", "db: [a]\n"),
    ("unused.md", STACK),
];

/// A session in which all files are open.
struct Navigation {
    folder: TempDir,
    session: Session,
    encoding: &'static str,
}

impl Navigation {
    fn start(encoding: &'static str) -> Self {
        let folder = folder(&FILES);
        let mut session = Session::start(folder.path(), &capabilities(encoding));
        session.pull_all();
        for (name, text) in FILES {
            session.open_text(name, "yaml", without_mark(text));
        }
        Self {
            folder,
            session,
            encoding,
        }
    }

    fn text(name: &str) -> &'static str {
        without_mark(FILES.iter().find(|(file, _)| *file == name).unwrap().1)
    }

    /// Returns the parameters for the position in the middle of a marked word: `{{[slack]`.
    fn at(&self, name: &str, marked: &str) -> Value {
        let (before, rest) = marked.split_once('[').unwrap();
        let (word, after) = rest.split_once(']').unwrap();
        let text = Self::text(name);
        let at = text.find(&[before, word, after].concat()).expect(marked);
        let offset = at + before.len() + word.len() / 2;
        json!({
            "textDocument": {"uri": self.session.uri(name)},
            "position": position_at(text, offset, self.encoding),
        })
    }

    /// Returns locations as `file:line:text`.
    fn describe(&self, locations: &Value) -> Vec<String> {
        let root = self.session.uri("");
        let locations = locations.as_array().unwrap().iter();
        let described = locations.map(|location| {
            let uri = location["uri"].as_str().unwrap();
            let name = uri.strip_prefix(&root).unwrap();
            let range = &location["range"];
            let text = text_of(Self::text(name), range, self.encoding);
            format!("{name}:{}:{text}", range["start"]["line"])
        });
        described.collect()
    }

    fn definition(&mut self, name: &str, marked: &str) -> Vec<String> {
        let params = self.at(name, marked);
        let found = self.session.request("textDocument/definition", params);
        self.describe(&found.unwrap())
    }

    fn references(&mut self, name: &str, marked: &str, declarations: bool) -> Vec<String> {
        let mut params = self.at(name, marked);
        params["context"] = json!({"includeDeclaration": declarations});
        let found = self.session.request("textDocument/references", params);
        self.describe(&found.unwrap())
    }
}

const USES: [&str; 7] = [
    "a.yaml:4:slack",
    "a.yaml:5:slack\\\r\n      ",
    "a.yaml:7:sl\\x61ck",
    "b.sh:1:slack",
    "b.sh:1:${NAME}",
    "c.py:4:NAME",
    "d.ipynb:0:slack",
];

#[test]
fn definitions_are_entries_and_declarations_in_every_encoding() {
    for encoding in ENCODINGS {
        let mut navigation = Navigation::start(encoding);
        let secret = ["secrets/dev.yaml:1:slack", "b.sh:0:slack"];
        let key = ["secrets/dev.yaml:1:token", "b.sh:0:token"];
        for (name, marked, expected) in [
            ("a.yaml", "'{{[slack].", &secret[..]),
            ("a.yaml", "'[{{]slack", &secret),
            ("a.yaml", "'{{slack.[token]", &key),
            ("a.yaml", "{{ [slack]\\", &secret),
            ("a.yaml", "      .[token] }}", &key),
            ("a.yaml", "{{[sl\\x61ck].token", &secret),
            ("a.yaml", "ck.[token]}}\"\r\n  art", &key),
            (
                "a.yaml",
                "'[db]'",
                &["secrets/dev.yaml:2:db", "secrets/prod.yaml:0:db"],
            ),
            ("b.sh", "create [slack]", &secret),
            ("b.sh", "--[token]=", &key),
            ("b.sh", "'{{slack.[token]}}", &key),
            // Each environment gives it another name.
            (
                "b.sh",
                "{{[${NAME}].",
                &[
                    "secrets/prod.yaml:0:db",
                    "secrets/dev.yaml:2:db",
                    "secrets/dev.yaml:1:slack",
                    "b.sh:0:slack",
                ],
            ),
            ("c.py", "secret([NAME])", &secret),
            ("d.ipynb", "\\\"[slack]\\\"", &secret),
            ("secrets/dev.yaml", "'[slack]'", &secret),
            ("secrets/dev.yaml", "[db]: ", &["secrets/dev.yaml:2:db"]),
        ] {
            let mut found = navigation.definition(name, marked);
            let mut expected: Vec<&str> = expected.to_vec();
            if marked.contains("${NAME}") {
                found.sort();
                expected.sort_unstable();
            }
            assert_eq!(found, expected, "{encoding} {name} {marked}");
        }
        let session = navigation.session;
        assert_eq!(session.shut_down(), SessionEnd::ShutDown);
    }
}

#[test]
fn references_lead_from_uses_to_entries_and_back() {
    for encoding in ENCODINGS {
        let mut navigation = Navigation::start(encoding);
        let declared = ["b.sh:0:slack", "secrets/dev.yaml:1:slack"];
        for (name, marked) in [
            ("a.yaml", "'{{[slack]."),
            ("b.sh", "create [slack]"),
            ("secrets/dev.yaml", "'[slack]'"),
        ] {
            let mut found = navigation.references(name, marked, false);
            found.sort();
            let mut expected = USES.to_vec();
            expected.sort_unstable();
            assert_eq!(found, expected, "{encoding} {name} {marked}");
            let mut found = navigation.references(name, marked, true);
            found.sort();
            expected.extend(declared);
            expected.sort_unstable();
            assert_eq!(found, expected, "{encoding} {name} {marked}");
        }
        let keys = navigation.references("secrets/dev.yaml", "[[token],", true);
        assert!(
            keys.contains(&"secrets/dev.yaml:1:token".to_owned()),
            "{keys:?}"
        );
        assert!(keys.contains(&"a.yaml:4:token".to_owned()), "{keys:?}");
        let other = navigation.references("secrets/dev.yaml", "\"[other]\"", true);
        // The whole secret is used.
        assert_eq!(other, ["d.ipynb:0:slack", "secrets/dev.yaml:1:other"]);
    }
}

#[test]
fn highlights_distinguish_uses_from_declarations() {
    let mut navigation = Navigation::start("utf-16");
    let params = navigation.at("b.sh", "create [slack]");
    let method = "textDocument/documentHighlight";
    let found = navigation.session.request(method, params).unwrap();
    let found = found.as_array().unwrap().iter();
    let found: Vec<(&str, &Value)> = found
        .map(|it| {
            (
                text_of(Navigation::text("b.sh"), &it["range"], "utf-16"),
                &it["kind"],
            )
        })
        .collect();
    let (read, write) = (json!(2), json!(3));
    assert_eq!(
        found,
        [("slack", &read), ("${NAME}", &read), ("slack", &write)]
    );
    let params = navigation.at("secrets/dev.yaml", "'[slack]'");
    let found = navigation.session.request(method, params).unwrap();
    assert_eq!(found.as_array().unwrap().len(), 1);
    assert_eq!(found[0]["kind"], write);
}

#[test]
fn an_inventory_that_is_open_with_another_text_has_no_positions() {
    let mut navigation = Navigation::start("utf-16");
    navigation
        .session
        .replace("secrets/dev.yaml", "a: []\nslack: [token]\n");
    let found = navigation.definition("a.yaml", "'{{[slack].");
    assert_eq!(found, ["b.sh:0:slack"]);
    let params = navigation.at("secrets/dev.yaml", "'[slack]'");
    let found = navigation
        .session
        .request("textDocument/definition", params);
    assert_eq!(found, Ok(Value::Null));
}

#[test]
fn a_name_is_prepared_with_its_range() {
    let mut navigation = Navigation::start("utf-16");
    for (name, marked, expected) in [
        ("a.yaml", "'{{[slack].", Some(("slack", "slack"))),
        ("a.yaml", "{{[sl\\x61ck].", Some(("sl\\x61ck", "slack"))),
        ("a.yaml", "'{{slack.[token]", Some(("token", "token"))),
        ("a.yaml", "'[db]'", Some(("db", "db"))),
        ("c.py", "secret([NAME])", Some(("NAME", "slack"))),
        ("c.py", "= \"[slack]\"", Some(("slack", "slack"))),
        ("d.ipynb", "\\\"[slack]\\\"", Some(("slack", "slack"))),
        ("secrets/dev.yaml", "\"[other]\"", Some(("other", "other"))),
        ("secrets/dev.yaml", "{[a]:", Some(("a", "a"))),
        ("a.yaml", "[flavor]", None),
        ("secrets/dev.yaml", "[hunter2]", None),
    ] {
        let params = navigation.at(name, marked);
        let found = navigation
            .session
            .request("textDocument/prepareRename", params);
        let found = found.unwrap();
        let text = found.get("range").map(|range| {
            (
                text_of(Navigation::text(name), range, "utf-16"),
                found["placeholder"].as_str().unwrap(),
            )
        });
        assert_eq!(text, expected, "{name} {marked}");
    }
    let params = navigation.at("b.sh", "{{[${NAME}].");
    let error = navigation
        .session
        .request("textDocument/prepareRename", params);
    let message = "this name means several secrets, one in each environment";
    assert_eq!(error, Err((-32803, message.to_owned())));
}

/// Returns symbols as indented lines.
fn outline(symbols: &Value, depth: usize, lines: &mut Vec<String>) {
    for symbol in symbols.as_array().unwrap() {
        let detail = symbol["detail"].as_str().map(|it| format!(" ({it})"));
        let name = symbol["name"].as_str().unwrap();
        let indent = "  ".repeat(depth);
        lines.push(format!("{indent}{name}{}", detail.unwrap_or_default()));
        outline(&symbol["children"], depth + 1, lines);
    }
}

#[test]
fn symbols_are_the_outline_of_a_file() {
    let mut navigation = Navigation::start("utf-16");
    for (name, expected) in [
        (
            "a.yaml",
            &[
                "a",
                "  alerter (slack)",
                "    slack.token (😀_a)",
                "    slack.token (b)",
                "    slack.token (c)",
                "  artifact_store (s3)",
                "    db (authentication_secret)",
            ][..],
        ),
        (
            "b.sh",
            &[
                "slack",
                "  token",
                "alerter a (slack)",
                "  slack.token (x)",
                "  ${NAME}.token (y)",
            ],
        ),
        ("c.py", &["slack.token"]),
        (
            "secrets/dev.yaml",
            &["slack", "  token", "  other", "db", "  a"],
        ),
        ("stackref.toml", &[]),
    ] {
        let params = json!({"textDocument": {"uri": navigation.session.uri(name)}});
        let found = navigation
            .session
            .request("textDocument/documentSymbol", params);
        let found = found.unwrap();
        let mut lines = Vec::new();
        if !found.is_null() {
            outline(&found, 0, &mut lines);
        }
        assert_eq!(lines, expected, "{name}");
    }
    // A client that shows a list.
    let mut session = Session::start(
        navigation.folder.path(),
        &json!({"textDocument": {"diagnostic": {}}}),
    );
    session.pull_all();
    session.open_text("a.yaml", "yaml", Navigation::text("a.yaml"));
    let params = json!({"textDocument": {"uri": session.uri("a.yaml")}});
    let found = session
        .request("textDocument/documentSymbol", params)
        .unwrap();
    let names: Vec<&str> = found
        .as_array()
        .unwrap()
        .iter()
        .map(|symbol| symbol["name"].as_str().unwrap())
        .collect();
    assert_eq!(names.len(), 7);
    assert_eq!(found[2]["containerName"], json!("alerter"));
}

#[test]
fn workspace_symbols_are_secrets() {
    let mut navigation = Navigation::start("utf-16");
    for (query, expected) in [
        ("SLK", &["slack secrets/dev.yaml", "slack b.sh"][..]),
        ("db", &["db secrets/dev.yaml", "db secrets/prod.yaml"]),
        ("hunter2", &[]),
        ("zzz", &[]),
    ] {
        let params = json!({"query": query});
        let found = navigation
            .session
            .request("workspace/symbol", params)
            .unwrap();
        let found: Vec<String> = found
            .as_array()
            .unwrap()
            .iter()
            .map(|it| {
                let [name, container] = ["name", "containerName"].map(|part| it[part].as_str());
                format!("{} {}", name.unwrap(), container.unwrap())
            })
            .collect();
        assert_eq!(found, expected, "{query}");
    }
}

fn lens_titles(session: &mut Session, name: &str) -> Vec<String> {
    let params = json!({"textDocument": {"uri": session.uri(name)}});
    let lenses = session.request("textDocument/codeLens", params).unwrap();
    let lenses = lenses.as_array().unwrap().iter();
    lenses
        .map(|lens| {
            let command = lens["command"]["command"].as_str().unwrap();
            format!("{}{command}", lens["command"]["title"].as_str().unwrap())
        })
        .collect()
}

#[test]
fn lenses_count_uses_and_name_environments_without_the_secret() {
    let mut navigation = Navigation::start("utf-16");
    let session = &mut navigation.session;
    assert_eq!(lens_titles(session, "secrets/prod.yaml"), ["2 uses"]);
    let titles = lens_titles(session, "secrets/dev.yaml");
    assert_eq!(titles, ["7 uses", "missing in prod", "2 uses"]);
    session.replace("d.ipynb", "{}");
    session.wait(|message| {
        matches!(message, lsp_server::Message::Request(it) if it.method == "workspace/codeLens/refresh")
    });
    assert_eq!(lens_titles(session, "secrets/dev.yaml")[0], "6 uses");
    // The client can show the uses.
    let params = json!({
        "capabilities": capabilities("utf-16"),
        "initializationOptions": {"clientCommands": ["stackref.showReferences"]},
    });
    let env = TestEnvironment::default();
    let mut session = Session::start_with(navigation.folder.path(), params, env);
    session.pull_all();
    session.open_text(
        "secrets/prod.yaml",
        "yaml",
        Navigation::text("secrets/prod.yaml"),
    );
    let titles = lens_titles(&mut session, "secrets/prod.yaml");
    assert_eq!(titles, ["2 usesstackref.showReferences"]);
}

/// The requests about a position.
const POSITION_METHODS: [&str; 5] = [
    "definition",
    "references",
    "documentHighlight",
    "prepareRename",
    "rename",
];

/// Returns positions in a text and outside of it.
fn positions(text: &str) -> Vec<Value> {
    let braces = text.match_indices(['{', '"', '\'']).map(|(at, _)| at + 1);
    let starts = text.char_indices().map(|(at, _)| at);
    let step = starts.clone().count() / 8 + 1;
    let offsets = braces.take(8).chain(starts.step_by(step));
    let mut positions: Vec<Value> = offsets
        .map(|offset| position_at(text, offset, "utf-16"))
        .collect();
    let max = u32::MAX;
    for (line, character) in [(0, max), (max, 0), (max, max), (1, 9_999)] {
        positions.push(json!({"line": line, "character": character}));
    }
    positions
}

#[test]
fn no_position_in_any_fixture_ends_the_session() {
    let mut asked = 0;
    for input in inputs() {
        let folder = tempfile::tempdir().unwrap();
        copy(&input, folder.path());
        let mut session = Session::start(folder.path(), &capabilities("utf-16"));
        for file in files_below(folder.path(), None) {
            let name = file.strip_prefix(folder.path()).unwrap().to_str().unwrap();
            let Ok(text) = std::fs::read_to_string(&file) else {
                continue;
            };
            let text = without_mark(&text);
            session.open_text(name, "yaml", text);
            let document = json!({"uri": session.uri(name)});
            for method in ["textDocument/documentSymbol", "textDocument/codeLens"] {
                let params = json!({"textDocument": document});
                assert!(session.request(method, params).is_ok(), "{method} {name}");
            }
            for position in positions(text) {
                let params = json!({
                    "textDocument": document,
                    "position": position,
                    "context": {"includeDeclaration": true},
                    "newName": "x\u{0}😀",
                });
                let method = POSITION_METHODS[asked % POSITION_METHODS.len()];
                let result = session.request(&format!("textDocument/{method}"), params);
                assert!(method.ends_with("ename") || result.is_ok(), "{name}");
                asked += 1;
            }
        }
        let unknown = json!({
            "textDocument": {"uri": "file:///nowhere"},
            "position": {"line": 0, "character": 0},
        });
        let result = session.request("textDocument/definition", unknown);
        assert_eq!(result, Ok(Value::Null));
        assert_eq!(
            session.shut_down(),
            SessionEnd::ShutDown,
            "{}",
            input.display()
        );
    }
    assert!(asked > 5_000, "{asked}");
}
