//! Completion in a session of the language server, and the diagnostics and hover of `stackref.toml`.

use crate::lsp_positions::{position_at, without_mark};
use crate::lsp_sessions::{calls, command_config, store, trusted};
use crate::lsp_support::{Session, pulling};
use crate::support::{files_below, folder, project};
use serde_json::{Value, json};
use std::path::Path;

const CONFIG: &str = "\
[inventory.dev]
kind = \"file\"
path = \"dev.yaml\"
[inventory.prod]
kind = \"file\"
path = \"prod.yaml\"
[environment.dev]
inventory = \"dev\"
[environment.prod]
inventory = \"prod\"
";

const DEV: &str =
    "db: [password, user]\nslack: [token]\n\"a'b\": [c]\n\"null\": [x]\n\"with.dot\": [x]\n";

const PROD: &str = "db: [password]\nzeta: {key: hunter2}\n";

/// Returns the text without `|`, and the position of `|` in an encoding.
fn cursor(marked: &str, encoding: &str) -> (String, Value) {
    let offset = marked.find('|').unwrap();
    let text = marked.replacen('|', "", 1);
    (text.clone(), position(&text, offset, encoding))
}

/// Returns the position of an offset in a text, which may begin with a byte order mark.
fn position(text: &str, offset: usize, encoding: &str) -> Value {
    let shown = without_mark(text);
    let mark = text.len() - shown.len();
    position_at(shown, offset.saturating_sub(mark), encoding)
}

fn number(value: &Value) -> usize {
    usize::try_from(value.as_u64().unwrap()).unwrap()
}

/// Returns the offset of a position.
fn offset(text: &str, position: &Value, encoding: &str) -> usize {
    let line = number(&position["line"]);
    let start: usize = text.split_inclusive('\n').take(line).map(str::len).sum();
    let start = if line == 0 && text.starts_with('\u{feff}') {
        3
    } else {
        start
    };
    let mut column = number(&position["character"]);
    for (at, c) in text[start..].char_indices() {
        if column == 0 {
            return start + at;
        }
        column -= match encoding {
            "utf-8" => c.len_utf8(),
            "utf-16" => c.len_utf16(),
            _ => 1,
        };
    }
    text.len()
}

fn capabilities(encoding: &str, has_defaults: bool) -> Value {
    let mut capabilities = pulling();
    capabilities["general"]["positionEncodings"] = json!([encoding]);
    if has_defaults {
        capabilities["textDocument"]["completion"] =
            json!({"completionList": {"itemDefaults": ["editRange"]}});
    }
    capabilities
}

/// Requests the completions at a position.
fn complete(session: &mut Session, name: &str, position: &Value) -> Value {
    let params = json!({"textDocument": {"uri": session.uri(name)}, "position": position});
    session.request("textDocument/completion", params).unwrap()
}

/// Returns the edits of an item: (start, end, new text), the last one first.
fn edits(text: &str, list: &Value, item: &Value, encoding: &str) -> Vec<(usize, usize, String)> {
    let default = json!({
        "range": list["itemDefaults"]["editRange"],
        "newText": item.get("textEditText").unwrap_or(&item["label"]),
    });
    let main = item.get("textEdit").unwrap_or(&default).clone();
    let others = item["additionalTextEdits"].as_array().cloned();
    let mut edits: Vec<_> = others
        .unwrap_or_default()
        .iter()
        .chain([&main])
        .map(|edit| {
            (
                offset(text, &edit["range"]["start"], encoding),
                offset(text, &edit["range"]["end"], encoding),
                edit["newText"].as_str().unwrap().to_owned(),
            )
        })
        .collect();
    edits.sort();
    edits.reverse();
    edits
}

fn apply(text: &str, edits: &[(usize, usize, String)]) -> String {
    let mut text = text.to_owned();
    for (start, end, new) in edits {
        text.replace_range(*start..*end, new);
    }
    text
}

/// Returns each item as (label, detail, line after it was applied), in the order of the client.
fn completed(session: &mut Session, name: &str, marked: &str) -> Vec<(String, String, String)> {
    let encoding = "utf-32";
    let (text, position) = cursor(marked, encoding);
    session.open_text(name, "yaml", &text);
    let list = complete(session, name, &position);
    session.close(name);
    let mut items = list["items"].as_array().cloned().unwrap_or_default();
    items.sort_by_key(|item| item["sortText"].as_str().unwrap().to_owned());
    let line = number(&position["line"]);
    let applied = items.iter().map(|item| {
        let text = apply(&text, &edits(&text, &list, item, encoding));
        (
            item["label"].as_str().unwrap().to_owned(),
            item["detail"].as_str().unwrap_or_default().to_owned(),
            text.lines().nth(line).unwrap().trim().to_owned(),
        )
    });
    applied.collect()
}

fn labels(items: &[(String, String, String)]) -> Vec<&str> {
    items.iter().map(|(label, _, _)| label.as_str()).collect()
}

fn stack(lines: &str) -> String {
    format!(
        "stack_name: s\nzenml_version: 0.98.0\ncomponents:\n  alerter:\n    flavor: slack\n{lines}"
    )
}

#[test]
fn names_come_from_all_environments_and_used_ones_are_first() {
    let folder = folder(&[
        ("stackref.toml", CONFIG),
        ("dev.yaml", DEV),
        ("prod.yaml", PROD),
        ("a.sh", "zenml secret create declared --k=v\n"),
    ]);
    for has_defaults in [false, true] {
        let mut session = Session::start(folder.path(), &capabilities("utf-32", has_defaults));
        session.pull_all();
        let text = stack("    x: '{{zeta.key}}'\n    slack_token: \"{{|\"\n");
        let expected = [
            ("zeta", "not in dev", "slack_token: \"{{zeta\""),
            ("db", "", "slack_token: \"{{db\""),
            (
                "declared",
                "not in dev, prod",
                "slack_token: \"{{declared\"",
            ),
            ("null", "not in prod", "slack_token: \"{{null\""),
            ("slack", "not in prod", "slack_token: \"{{slack\""),
        ]
        .map(|(label, detail, line)| (label.to_owned(), detail.to_owned(), line.to_owned()));
        assert_eq!(completed(&mut session, "a.yaml", &text), expected);
        let text = stack("    slack_token: {{db.|\n");
        let expected = [
            ("password", "", "slack_token: \"{{db.password}}\""),
            ("user", "not in prod", "slack_token: \"{{db.user}}\""),
        ]
        .map(|(label, detail, line)| (label.to_owned(), detail.to_owned(), line.to_owned()));
        assert_eq!(completed(&mut session, "a.yaml", &text), expected);
        let text = stack("    slack_token: {{declared.|\n");
        assert_eq!(labels(&completed(&mut session, "a.yaml", &text)), ["k"]);
        let text = stack("    authentication_secret: |\n");
        let whole = completed(&mut session, "a.yaml", &text);
        assert_eq!(
            labels(&whole),
            ["db", "declared", "slack", "with.dot", "zeta"]
        );
        let text = stack("    authentication_secret: \"n|\n");
        let whole = completed(&mut session, "a.yaml", &text);
        assert_eq!(whole[0].2, "authentication_secret: \"null\"");
        assert!(!format!("{:?}", session.messages).contains("hunter2"));
    }
}

#[test]
fn at_level_none_nothing_is_asked() {
    let folder = folder(&[
        ("stackref.toml", &format!("level = \"none\"\n{CONFIG}")),
        ("dev.yaml", DEV),
        ("prod.yaml", PROD),
        ("a.sh", "zenml secret create declared --k=v\n"),
    ]);
    let mut session = Session::start(folder.path(), &capabilities("utf-32", true));
    session.pull_all();
    let text = stack("    slack_token: \"{{|\"\n");
    assert_eq!(
        labels(&completed(&mut session, "a.yaml", &text)),
        ["declared"]
    );
}

#[test]
fn without_an_inventory_names_of_other_files_are_offered() {
    let other = stack("    slack_token: '{{other.key}}'\n");
    let folder = folder(&[("b.yaml", &other)]);
    let mut session = Session::start(folder.path(), &capabilities("utf-32", true));
    session.pull_all();
    let text = stack("    slack_token: \"{{|\"\n");
    assert_eq!(labels(&completed(&mut session, "a.yaml", &text)), ["other"]);
    let text = stack("    slack_token: \"{{other.|\"\n");
    assert_eq!(labels(&completed(&mut session, "a.yaml", &text)), ["key"]);
}

#[test]
fn positions_count_in_the_encoding_of_the_client() {
    let folder = folder(&[("secrets.inventory.yaml", DEV)]);
    for encoding in ["utf-8", "utf-16", "utf-32"] {
        let mut session = Session::start(folder.path(), &capabilities(encoding, false));
        session.pull_all();
        for (before, after) in [("\u{feff}# 😀\n", "\n"), ("# 😀\r\n", "\r\n")] {
            let text = stack("    slack_token: \"😀é{{db.pa|ss 😀\"");
            let marked = format!("{before}{text}{after}")
                .replace('\n', after)
                .replace("\r\r", "\r");
            let (text, position) = cursor(&marked, encoding);
            // Editors do not count the mark.
            session.open_text("a.yaml", "yaml", &text);
            let list = complete(&mut session, "a.yaml", &position);
            let items = list["items"].as_array().unwrap();
            assert_eq!(items.len(), 1, "{marked:?} {list}");
            let new = apply(&text, &edits(&text, &list, &items[0], encoding));
            assert_eq!(new, marked.replace("pa|ss", "password}}"), "{encoding}");
            session.close("a.yaml");
        }
    }
}

#[test]
fn a_list_is_incomplete_until_a_store_has_answered() {
    let outside = folder(&[]);
    let script = store(outside.path(), "0.2");
    let folder = folder(&[("stackref.toml", &command_config(&script))]);
    let params = json!({"capabilities": capabilities("utf-32", true)});
    let mut session = Session::start_with(folder.path(), params, trusted());
    session.pull_all();
    let (text, position) = cursor(&stack("    slack_token: \"{{slack.|\"\n"), "utf-32");
    session.open_text("a.yaml", "yaml", &text);
    let list = complete(&mut session, "a.yaml", &position);
    assert_eq!(list["isIncomplete"], true);
    assert_eq!(list["items"], json!([]));
    let list = loop {
        let list = complete(&mut session, "a.yaml", &position);
        if list["isIncomplete"] == false {
            break list;
        }
        std::thread::sleep(std::time::Duration::from_millis(20));
    };
    assert_eq!(list["items"][0]["label"], "token");
    assert_eq!(calls(outside.path()), ["names", "keys"]);
}

#[test]
fn rules_are_offered_in_ignore_comments() {
    let folder = folder(&[("secrets.inventory.yaml", DEV)]);
    let mut session = Session::start(folder.path(), &capabilities("utf-32", true));
    session.pull_all();
    let text = stack("    slack_token: hunter2 # stackref: ignore[unknown-key, plain|]\n");
    let items = completed(&mut session, "a.yaml", &text);
    assert_eq!(labels(&items), ["plaintext-secret"]);
    assert_eq!(
        items[0].2,
        "slack_token: hunter2 # stackref: ignore[unknown-key, plaintext-secret]"
    );
    let text = stack("    slack_token: hunter2 # stackref: ignore[|\n");
    assert!(completed(&mut session, "a.yaml", &text).len() > 20);
}

#[test]
fn documents_without_a_file_complete_their_own_names() {
    let folder = folder(&[]);
    let mut session = Session::start(folder.path(), &capabilities("utf-32", true));
    let (text, position) = cursor(
        &stack("    x: '{{db.user}}'\n    slack_token: \"{{|\"\n"),
        "utf-32",
    );
    let document = json!({"uri": "untitled:a", "languageId": "yaml", "version": 1, "text": text});
    session.notify("textDocument/didOpen", json!({"textDocument": document}));
    let params = json!({"textDocument": {"uri": "untitled:a"}, "position": position});
    let list = session.request("textDocument/completion", params).unwrap();
    assert_eq!(list["items"][0]["label"], "db");
}

#[test]
fn a_config_is_completed_and_explained_from_its_schema() {
    let folder = folder(&[("stackref.toml", CONFIG), ("dev.yaml", DEV)]);
    let mut session = Session::start(folder.path(), &capabilities("utf-32", true));
    let items = completed(
        &mut session,
        "stackref.toml",
        "[rules]\nunknown-key = \"wa|\n",
    );
    assert_eq!(items[0].2, "unknown-key = \"warning\"");
    session.open_text("stackref.toml", "toml", CONFIG);
    let params = json!({
        "textDocument": {"uri": session.uri("stackref.toml")},
        "position": {"line": 2, "character": 2},
    });
    let hover = session.request("textDocument/hover", params).unwrap();
    assert!(
        hover["contents"]["value"]
            .as_str()
            .unwrap()
            .contains("path"),
        "{hover}"
    );
    assert_eq!(hover["range"]["end"], json!({"line": 2, "character": 4}));
}

#[test]
fn the_errors_of_a_config_are_diagnostics_at_their_places() {
    let broken = "levle = \"none\"\n[rules]\nunknown-key = \"of\"\n";
    let folder = folder(&[("stackref.toml", broken)]);
    let mut session = Session::start(folder.path(), &capabilities("utf-32", false));
    let starts = |items: &[Value]| -> Vec<Value> {
        items
            .iter()
            .map(|it| it["range"]["start"].clone())
            .collect()
    };
    let closed = session.pull_all()["stackref.toml"].clone();
    let places = [
        json!({"line": 0, "character": 0}),
        json!({"line": 2, "character": 14}),
    ];
    assert_eq!(starts(&closed), places);
    assert_eq!(closed[0]["message"], "unknown key `levle`");
    // The open buffer counts, even if it is not saved.
    session.open("stackref.toml");
    assert_eq!(session.pull("stackref.toml"), closed);
    session.replace("stackref.toml", "\n# 😀\nlevel = [\n");
    let open = session.pull("stackref.toml");
    assert_eq!(open.len(), 1);
    session.replace("stackref.toml", "level = \"none\"\n");
    assert_eq!(session.pull("stackref.toml"), [] as [Value; 0]);
    session.close("stackref.toml");
    assert_eq!(session.pull_all()["stackref.toml"], closed);
}

fn has_syntax_error(session: &mut Session, name: &str) -> bool {
    let found = session.pull(name);
    found.iter().any(|it| it["code"] == "syntax-error")
}

/// The cursor is at every few characters of every fixture, and after every character that begins a
/// completion.
#[test]
fn completions_change_nothing_but_the_name_at_the_cursor() {
    let fixtures = project().join("fixtures");
    let is_input = |path: &Path| path.components().any(|part| part.as_os_str() == "input");
    let files = files_below(&fixtures, None)
        .into_iter()
        .filter(|path| is_input(path));
    let folder = folder(&[("secrets.inventory.yaml", DEV)]);
    let mut session = Session::start(folder.path(), &capabilities("utf-16", true));
    session.pull_all();
    let (mut requests, mut items) = (0, 0);
    for (number, file) in files.enumerate() {
        let name = file.file_name().unwrap().to_str().unwrap();
        let Ok(text) = std::fs::read_to_string(&file) else {
            continue;
        };
        if text.len() > 20_000 || text.contains('\r') && !text.contains("\r\n") {
            continue;
        }
        session.open_text(name, "yaml", &text);
        let had_error = has_syntax_error(&mut session, name);
        for (at, c) in text.char_indices() {
            let before = text[..at].chars().next_back();
            let is_begun = before.is_some_and(|c| "{.\"'[ ".contains(c)) || c == '\n';
            if (at + number) % 97 != 0 && !(is_begun && (at + number) % 13 == 0) {
                continue;
            }
            if before == Some('\r') {
                continue;
            }
            let list = complete(&mut session, name, &position(&text, at, "utf-16"));
            requests += 1;
            let line_start = text[..at].rfind('\n').map_or(0, |at| at + 1);
            let line_end = text[at..].find('\n').map_or(text.len(), |end| at + end);
            for item in list["items"].as_array().into_iter().flatten() {
                items += 1;
                let edits = edits(&text, &list, item, "utf-16");
                let (start, end, _) = edits[0];
                assert!(start <= at && at <= end, "{name} {at} {item}");
                for (start, end, new) in &edits {
                    assert!(
                        line_start <= *start && *end <= line_end,
                        "{name} {at} {item}"
                    );
                    assert!(!new.contains('\n'), "{name} {at} {item}");
                }
                let replaced = &text[start..end];
                let name_end = replaced.find('}').unwrap_or(replaced.len());
                let replaced = replaced[..name_end].trim_end();
                assert!(
                    !replaced.contains(['{', '"', ' ']),
                    "{name} {at} {replaced}"
                );
            }
            if let Some(item) = list["items"].get(requests % 3).filter(|_| !had_error) {
                let new = apply(&text, &edits(&text, &list, item, "utf-16"));
                session.replace(name, &new);
                assert!(!has_syntax_error(&mut session, name), "{name}\n{new}");
                session.replace(name, &text);
            }
        }
        session.close(name);
    }
    assert!(requests > 1_500 && items > 500, "{requests} {items}");
}
