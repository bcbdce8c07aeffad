//! A client that requests code actions and applies their edits.

use crate::lsp_support::Session;
use crate::support::folder;
use serde_json::{Value, json};
use std::collections::BTreeMap;

/// The capabilities of a client that resolves actions.
pub fn resolving() -> Value {
    json!({
        "general": {"positionEncodings": ["utf-16"]},
        "textDocument": {
            "publishDiagnostics": {"relatedInformation": true},
            "codeAction": {
                "codeActionLiteralSupport": {"codeActionKind": {"valueSet": []}},
                "dataSupport": true,
                "resolveSupport": {"properties": ["edit"]},
            },
        },
        "workspace": {"workspaceEdit": {"documentChanges": true, "resourceOperations": ["create"]}},
    })
}

/// The capabilities of a client that supports as little as possible.
pub fn simple() -> Value {
    json!({"textDocument": {"codeAction": {"codeActionLiteralSupport": {}}}})
}

/// Returns a stack file with attributes of a component.
pub fn stack(attributes: &str) -> String {
    format!(
        "components:\n  experiment_tracker:\n    configuration:\n{attributes}    flavor: mlflow\n    name: tracker\n    \
         type: experiment_tracker\nstack_name: s\nzenml_version: 0.98.0\n"
    )
}

/// Waits until the files are read.
pub fn ready(session: &mut Session) {
    let params = json!({"previousResultIds": []});
    session.request("workspace/diagnostic", params).unwrap();
}

/// The whole document.
pub fn everything() -> Value {
    json!({"start": {"line": 0, "character": 0}, "end": {"line": 9999, "character": 0}})
}

/// Returns an empty range.
pub fn position(line: u32, character: u32) -> Value {
    let position = json!({"line": line, "character": character});
    json!({"start": position, "end": position})
}

/// Requests the actions at a range of a document.
pub fn actions(
    session: &mut Session,
    name: &str,
    range: &Value,
    only: Option<&[&str]>,
) -> Vec<Value> {
    let mut context = json!({"diagnostics": []});
    if let Some(only) = only {
        context["only"] = json!(only);
    }
    let uri = session.uri(name);
    let params = json!({"textDocument": {"uri": uri}, "range": range, "context": context});
    let result = session.request("textDocument/codeAction", params).unwrap();
    result.as_array().cloned().unwrap_or_default()
}

/// Returns the titles of actions.
pub fn titles(actions: &[Value]) -> Vec<&str> {
    actions
        .iter()
        .map(|action| action["title"].as_str().unwrap())
        .collect()
}

/// Returns the action with a title.
pub fn find<'a>(actions: &'a [Value], title: &str) -> &'a Value {
    let mut found = actions.iter().filter(|it| it["title"] == title);
    let action = found.next();
    action.unwrap_or_else(|| panic!("no {title:?} in {:?}", titles(actions)))
}

/// Resolves an action.
pub fn resolve(session: &mut Session, action: &Value) -> Value {
    let resolved = session.request("codeAction/resolve", action.clone());
    resolved.unwrap()
}

/// Applies an edit to texts by URI, as a client does. Counts UTF-16 units.
pub fn apply(edit: &Value, texts: &mut BTreeMap<String, String>) {
    let mut changes: Vec<(String, Vec<Value>)> = Vec::new();
    for change in edit["documentChanges"].as_array().into_iter().flatten() {
        if change["kind"] == "create" {
            let uri = change["uri"].as_str().unwrap().to_owned();
            assert_eq!(texts.insert(uri, String::new()), None);
            continue;
        }
        let uri = change["textDocument"]["uri"].as_str().unwrap();
        let edits = change["edits"].as_array().unwrap();
        changes.push((uri.to_owned(), edits.clone()));
    }
    for (uri, edits) in edit["changes"].as_object().into_iter().flatten() {
        changes.push((uri.clone(), edits.as_array().unwrap().clone()));
    }
    for (uri, edits) in changes {
        let text = texts.get_mut(&uri).unwrap_or_else(|| panic!("{uri}"));
        for edit in edits.iter().rev() {
            let start = offset(text, &edit["range"]["start"]);
            let end = offset(text, &edit["range"]["end"]);
            text.replace_range(start..end, edit["newText"].as_str().unwrap());
        }
    }
}

fn offset(text: &str, position: &Value) -> usize {
    let line = usize::try_from(position["line"].as_u64().unwrap()).unwrap();
    let mut units = usize::try_from(position["character"].as_u64().unwrap()).unwrap();
    let bom = text.len() - text.trim_start_matches('\u{feff}').len();
    let start = match line {
        0 => bom,
        _ => text
            .match_indices('\n')
            .nth(line - 1)
            .map_or(text.len(), |(at, _)| at + 1),
    };
    let mut at = start;
    for c in text[start..].chars() {
        if units == 0 {
            break;
        }
        units -= c.len_utf16();
        at += c.len_utf8();
    }
    at
}

/// Opens a file, chooses the action with a title for the whole document, and returns all texts after
/// it by their names.
pub fn choose(
    files: &[(&str, &str)],
    name: &str,
    title: &str,
    capabilities: &Value,
) -> BTreeMap<String, String> {
    let folder = folder(files);
    let mut session = Session::start(folder.path(), capabilities);
    session.open(name);
    ready(&mut session);
    let only: Option<&[&str]> = title.starts_with("Apply").then_some(&["source.fixAll"]);
    let offered = actions(&mut session, name, &everything(), only);
    assert!(!offered.is_empty(), "{name}");
    let action = find(&offered, title).clone();
    let action = if action.get("edit").is_none() {
        resolve(&mut session, &action)
    } else {
        action
    };
    let uris = files
        .iter()
        .map(|(name, text)| (session.uri(name), (*text).to_owned()));
    let mut texts: BTreeMap<String, String> = uris.collect();
    apply(&action["edit"], &mut texts);
    let root = session.uri("");
    texts
        .into_iter()
        .map(|(uri, text)| (uri.strip_prefix(&root).unwrap().to_owned(), text))
        .collect()
}
