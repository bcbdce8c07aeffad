//! Code actions and hovers in all fixtures.

use crate::lsp_action_support::{actions, apply, everything, resolve, resolving};
use crate::lsp_support::{Session, inputs, rules};
use crate::support::{check, copy, files_below};
use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::path::Path;

/// The most actions of a file that are applied.
const MAX_ACTIONS: usize = 8;

/// The positions of a line at which a hover is requested.
const COLUMNS: [u32; 4] = [0, 7, 30, 9_999];

/// Returns the text files of a folder by their names.
fn texts(folder: &Path) -> BTreeMap<String, String> {
    let files = files_below(folder, None).into_iter();
    let files = files.filter_map(|file| {
        let name = file.strip_prefix(folder).unwrap().to_str()?.to_owned();
        Some((name, std::fs::read_to_string(&file).ok()?))
    });
    files.collect()
}

/// Returns a file after an edit.
fn edited(session: &Session, edit: &Value, name: &str, text: &str) -> Option<String> {
    let uri = session.uri(name);
    let changes = edit["documentChanges"].as_array().unwrap();
    let is_own = changes
        .iter()
        .all(|it| it["textDocument"]["uri"] == json!(uri));
    let mut texts = BTreeMap::from([(uri.clone(), text.to_owned())]);
    is_own.then(|| apply(edit, &mut texts))?;
    texts.remove(&uri)
}

fn session(folder: &Path) -> Session {
    let mut capabilities = resolving();
    capabilities["textDocument"]["diagnostic"] = json!({});
    let mut session = Session::start(folder, &capabilities);
    session.pull_all();
    session
}

#[test]
fn all_safe_fixes_of_a_document_are_those_of_the_command_line() {
    let mut compared = 0;
    for input in inputs() {
        let (folder, fixed) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
        copy(&input, folder.path());
        copy(&input, fixed.path());
        let mut session = session(folder.path());
        check(fixed.path(), &["--fix", "."]);
        for (name, text) in texts(folder.path()) {
            session.open_text(&name, "yaml", &text);
            let offered = actions(&mut session, &name, &everything(), Some(&["source.fixAll"]));
            let mut new = text.clone();
            for action in &offered {
                let action = resolve(&mut session, action);
                new = edited(&session, &action["edit"], &name, &text).unwrap();
            }
            let expected = std::fs::read_to_string(fixed.path().join(&name)).unwrap();
            assert_eq!(new, expected, "{} {name}", input.display());
            compared += usize::from(new != text);
            session.close(&name);
        }
    }
    assert!(compared > 20, "{compared}");
}

/// An action on a finding removes this finding. A comment adds no other one.
#[test]
fn each_action_solves_its_finding() {
    let mut applied = BTreeMap::new();
    for input in inputs() {
        let folder = tempfile::tempdir().unwrap();
        copy(&input, folder.path());
        let mut session = session(folder.path());
        // Inventories and configs are checked as they are on disk.
        let listed = check(folder.path(), &["--list-files"]).stdout;
        let is_checked = |name: &str| {
            let mut lines = listed.lines();
            lines.any(|line| line.starts_with(&format!("{name}: ")))
        };
        for (name, text) in texts(folder.path()) {
            if !is_checked(&name) {
                continue;
            }
            session.open_text(&name, "yaml", &text);
            let before = session.pull(&name);
            let offered = actions(&mut session, &name, &everything(), None);
            for action in offered.into_iter().take(MAX_ACTIONS) {
                let title = action["title"].as_str().unwrap().to_owned();
                let action = match action.get("edit") {
                    Some(_) => Ok(action),
                    None => session.request("codeAction/resolve", action),
                };
                // A comment may be impossible in a line.
                let Ok(action) = action else {
                    assert!(title.starts_with("Ignore"), "{title}");
                    continue;
                };
                let Some(new) = edited(&session, &action["edit"], &name, &text) else {
                    continue;
                };
                session.replace(&name, &new);
                let after = session.pull(&name);
                let rule = action["diagnostics"][0]["code"].as_str().unwrap();
                let count = |found: &[Value]| rules(found).iter().filter(|it| **it == rule).count();
                let place = format!("{} {name}: {title}", input.display());
                let kind = title.split(' ').next().unwrap().to_owned();
                // The new name may not exist in all environments, and other rules check it.
                if kind != "Change" {
                    assert!(count(&after) < count(&before), "{place}\n{new}");
                }
                if kind != "Change" && kind != "Fix" {
                    assert!(after.len() < before.len(), "{place}\n{new}");
                }
                *applied.entry(kind).or_insert(0) += 1;
                session.replace(&name, &text);
            }
            session.close(&name);
        }
    }
    for kind in ["Fix", "Change", "Ignore", "Mark"] {
        assert!(
            applied.get(kind).is_some_and(|&count| count > 5),
            "{applied:?}"
        );
    }
}

#[test]
fn a_hover_anywhere_does_no_harm() {
    let mut shown = 0;
    for input in inputs() {
        let folder = tempfile::tempdir().unwrap();
        copy(&input, folder.path());
        let mut session = session(folder.path());
        for (name, text) in texts(folder.path()) {
            session.open_text(&name, "yaml", &text);
            for line in (0..text.lines().count().min(40)).step_by(3) {
                for column in COLUMNS {
                    let params = json!({
                        "textDocument": {"uri": session.uri(&name)},
                        "position": {"line": line, "character": column},
                    });
                    let hover = session.request("textDocument/hover", params).unwrap();
                    shown += usize::from(!hover.is_null());
                }
            }
            session.close(&name);
        }
        assert!(!format!("{:?}", session.received("window/showMessage")).contains("panic"));
    }
    assert!(shown > 200, "{shown}");
}
