//! Code actions that edit inventories.

use crate::lsp_action_support::{
    actions, choose, everything, find, ready, resolve, resolving, simple, stack,
};
use crate::lsp_support::Session;
use crate::support::folder;
use serde_json::json;

#[test]
fn names_are_added_to_inventories_that_store_names_only() {
    const YAML: &str = "secrets.inventory.yaml";
    for (file, inventory, name, expected) in [
        (YAML, "mlflow: [a]\n", "{{mlflow.b}}", "mlflow: [a, b]\n"),
        (
            YAML,
            "mlflow:\n  - a # 😀\n",
            "{{mlflow.b}}",
            "mlflow:\n  - a # 😀\n  - b\n",
        ),
        (
            YAML,
            "mlflow: [a]\n",
            "{{other.b}}",
            "mlflow: [a]\nother: [b]\n",
        ),
        (
            "secrets.inventory.json",
            "{\"mlflow\": [\"a\"]}\r\n",
            "{{mlflow.b}}",
            "{\"mlflow\": [\"a\", \"b\"]}\r\n",
        ),
        (
            "secrets.inventory.toml",
            "mlflow = [\"a\"]",
            "{{other.b}}",
            "mlflow = [\"a\"]\nother = [\"b\"]\n",
        ),
    ] {
        let text = stack(&format!("      tracking_password: '{name}'\n"));
        let files = [("s.yaml", text.as_str()), (file, inventory)];
        let name = name.trim_matches(['{', '}']);
        let title = format!("Add `{name}` to `{file}`");
        for capabilities in [resolving(), simple()] {
            let texts = choose(&files, "s.yaml", &title, &capabilities);
            assert_eq!(texts[file], expected);
            assert_eq!(texts["s.yaml"], text);
        }
    }
}

#[test]
fn an_inventory_that_is_open_is_edited_as_it_is_open() {
    let text = stack("      tracking_password: '{{mlflow.b}}'\n");
    let folder = folder(&[
        ("s.yaml", &text),
        ("secrets.inventory.yaml", "mlflow: [a]\n"),
    ]);
    let mut session = Session::start(folder.path(), &resolving());
    session.open("s.yaml");
    session.open_text("secrets.inventory.yaml", "yaml", "# new\nmlflow: [a]\n");
    ready(&mut session);
    let offered = actions(&mut session, "s.yaml", &everything(), None);
    let title = "Add `mlflow.b` to `secrets.inventory.yaml`";
    let action = resolve(&mut session, find(&offered, title));
    let change = &action["edit"]["documentChanges"][0];
    assert_eq!(change["textDocument"]["version"], 1);
    assert_eq!(
        change["edits"][0]["range"]["start"],
        json!({"line": 1, "character": 10})
    );
    // The buffer now stores values, so nothing is added.
    session.replace("secrets.inventory.yaml", "mlflow: {a: canary-value}\n");
    let action = find(&offered, title).clone();
    let error = session.request("codeAction/resolve", action).unwrap_err();
    assert!(!error.1.contains("canary"), "{error:?}");
}

#[test]
fn an_inventory_with_values_is_not_offered_and_no_value_is_sent() {
    let text = stack(
        "      tracking_password: '{{mlflow.passwrod}}'\n      tracking_token: '{{mlfow.x}}'\n",
    );
    let inventory = "mlflow:\n  password: canary-one\nother: {token: canary-two} # canary-three\n";
    let folder = folder(&[("s.yaml", &text), ("secrets.inventory.yaml", inventory)]);
    for capabilities in [resolving(), simple()] {
        let mut session = Session::start(folder.path(), &capabilities);
        session.open("s.yaml");
        session.open("secrets.inventory.yaml");
        ready(&mut session);
        for name in ["s.yaml", "secrets.inventory.yaml"] {
            let offered = actions(&mut session, name, &everything(), Some(&[""]));
            for action in offered {
                assert!(!action["title"].as_str().unwrap().starts_with("Add"));
                if action.get("edit").is_none() {
                    let _ = session.request("codeAction/resolve", action);
                }
            }
        }
        let messages = format!("{:?}", session.messages);
        assert!(!messages.contains("canary"), "{messages}");
    }
}
