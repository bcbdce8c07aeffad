//! Code actions in a session: which are offered, and the files that they yield.

use crate::lsp_action_support::{
    actions, apply, choose, everything, find, position, ready, resolve, resolving, simple, stack,
    titles,
};
use crate::lsp_support::{Session, rules};
use crate::support::{check, folder};
use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::path::Path;

const INVENTORY: &str = "mlflow: [username, password]\nmlflows: [password]\nslack: [token]\n";

fn read(folder: &Path, name: &str) -> String {
    std::fs::read_to_string(folder.join(name)).unwrap()
}

#[test]
fn the_actions_for_an_unknown_secret_are_offered_in_order() {
    let text = stack("      tracking_password: '{{mlfow.password}}'\n");
    let folder = folder(&[("s.yaml", &text), ("secrets.inventory.yaml", INVENTORY)]);
    let mut session = Session::start(folder.path(), &resolving());
    session.open("s.yaml");
    ready(&mut session);
    let offered = actions(&mut session, "s.yaml", &position(3, 30), None);
    assert_eq!(
        titles(&offered),
        [
            "Change to `mlflow`",
            "Change to `mlflows`",
            "Add `mlfow.password` to `secrets.inventory.yaml`",
            "Ignore unknown-secret here",
        ]
    );
    for action in &offered {
        assert_eq!(action["kind"], "quickfix");
        assert_eq!(
            rules(action["diagnostics"].as_array().unwrap()),
            ["unknown-secret"]
        );
        assert_eq!(action["edit"].is_null(), !action["data"].is_null());
    }
    let change = &offered[0]["edit"]["documentChanges"][0];
    assert_eq!(change["textDocument"]["version"], 1);
    // The cursor is elsewhere, or another kind is requested.
    for (range, only) in [
        (position(0, 0), None),
        (position(3, 30), Some(&["refactor"][..])),
        (position(3, 30), Some(&["source"])),
    ] {
        assert_eq!(
            actions(&mut session, "s.yaml", &range, only),
            [] as [Value; 0]
        );
    }
}

#[test]
fn an_ignore_comment_is_added_above_in_the_syntax_of_the_file() {
    let yaml = stack("      # why\n      tracking_password: '{{no.k}}' # note\n");
    let sh = "#!/bin/sh\nif true; then\n\tzenml alerter register x --flavor=slack \\\n\t\t--slack_token={{no.k}}\nfi\n";
    let py =
        "from zenml.client import Client\n\ndef f():\n    return Client().get_secret(\"no\")\n";
    let md = "# Title\n\nText:\n```sh\nzenml alerter register x --flavor=slack --slack_token=x{{no.k}}\n```\n";
    let second =
        "```sh\ncd x\nzenml alerter register x --flavor=slack --slack_token=x{{no.k}}\n```\n";
    let tf = "resource \"zenml_stack_component\" \"a\" {\n  name   = \"a\"\n  type   = \"alerter\"\n  flavor = \"slack\"\n  configuration = {\n    slack_token = \"{{no.k}}\"\n  }\n}\n";
    let toml = "stack_name = \"s\"\n[components.alerter]\nname = \"a\"\nflavor = \"slack\"\ntype = \"alerter\"\n[components.alerter.configuration]\nslack_token = \"{{no.k}}\"\n";
    let mdx = md.replace("# Title", "# <B>Title</B>");
    for (name, text, at, comment) in [
        (
            "s.yaml",
            yaml.as_str(),
            "      tracking_password",
            "      # stackref: ignore[unknown-secret] TODO: reason\n",
        ),
        (
            "s.toml",
            toml,
            "slack_token",
            "# stackref: ignore[unknown-secret] TODO: reason\n",
        ),
        (
            "x.sh",
            sh,
            "\tzenml",
            "\t# stackref: ignore[unknown-secret] TODO: reason\n",
        ),
        (
            "x.py",
            py,
            "    return",
            "    # stackref: ignore[unknown-secret] TODO: reason\n",
        ),
        (
            "x.md",
            md,
            "```sh",
            "<!-- stackref: ignore[embedded-reference] TODO: reason -->\n",
        ),
        (
            "y.md",
            second,
            "zenml",
            "# stackref: ignore[embedded-reference] TODO: reason\n",
        ),
        (
            "x.mdx",
            &mdx,
            "zenml",
            "# stackref: ignore[embedded-reference] TODO: reason\n",
        ),
        (
            "x.tf",
            tf,
            "    slack_token",
            "    # stackref: ignore[unknown-secret] TODO: reason\n",
        ),
    ] {
        for line_break in ["\n", "\r\n"] {
            let text = text.replace('\n', line_break);
            let rule = if comment.contains("embedded") {
                "embedded-reference"
            } else {
                "unknown-secret"
            };
            let title = &format!("Ignore {rule} here");
            let files = [(name, text.as_str()), ("secrets.inventory.yaml", INVENTORY)];
            for capabilities in [resolving(), simple()] {
                let texts = choose(&files, name, title, &capabilities);
                let expected =
                    text.replacen(at, &format!("{}{at}", comment.replace('\n', line_break)), 1);
                assert_eq!(texts[name], expected, "{name}");
                let after = folder(&[(name, &expected), files[1]]);
                let checked = check(
                    after.path(),
                    &["--ignore", "unused-secret", "--deny-warnings", "."],
                );
                assert_eq!(
                    (checked.code, checked.stdout.as_str()),
                    (0, ""),
                    "{name}: {}",
                    checked.stderr
                );
            }
        }
    }
}

#[test]
fn a_rule_is_added_to_an_existing_comment() {
    let text =
        stack("      # stackref: ignore[unknown-key] known\n      tracking_password: '{{no.k}}'\n");
    let files = [
        ("s.yaml", text.as_str()),
        ("secrets.inventory.yaml", INVENTORY),
    ];
    let texts = choose(&files, "s.yaml", "Ignore unknown-secret here", &resolving());
    let expected = text.replace("[unknown-key]", "[unknown-key, unknown-secret]");
    assert_eq!(texts["s.yaml"], expected);
}

#[test]
fn json_and_notebooks_are_ignored_in_the_config() {
    let json_stack = r#"{"stack_name": "s", "components": {"alerter": {"name": "a", "flavor": "slack", "type": "alerter", "configuration": {"slack_token": "{{no.k}}"}}}}"#;
    let notebook = r#"{"cells": [{"cell_type": "code", "source": ["!zenml alerter register x --flavor=slack --slack_token={{{{no.k}}}}\n"]}], "metadata": {}, "nbformat": 4, "nbformat_minor": 5}"#;
    for (name, text) in [("a.json", json_stack), ("x.ipynb", notebook)] {
        for (config, prefix) in [
            (None, ""),
            (Some("level = \"secret-and-key-exists\"\n"), "\n"),
        ] {
            let mut files = vec![(name, text), ("secrets.inventory.yaml", INVENTORY)];
            files.extend(config.map(|config| ("stackref.toml", config)));
            let title = "Ignore unknown-secret in stackref.toml";
            let texts = choose(&files, name, title, &resolving());
            let attribute = "attribute = \"slack_token\"\n";
            let entry = format!(
                "{prefix}[[ignore]]\npath = \"{name}\"\nrule = \"unknown-secret\"\n{attribute}reason = \"TODO: reason\"\n"
            );
            assert_eq!(
                texts["stackref.toml"],
                format!("{}{entry}", config.unwrap_or_default())
            );
            assert_eq!(texts[name], text);
            let files: Vec<_> = texts
                .iter()
                .map(|(name, text)| (name.as_str(), text.as_str()))
                .collect();
            let after = folder(&files);
            let checked = check(after.path(), &["--ignore", "unused-secret", "."]);
            assert_eq!(
                (checked.code, checked.stdout.as_str()),
                (0, ""),
                "{name}: {}",
                checked.stderr
            );
        }
    }
    // A client that cannot create files is not offered a new config.
    let folder = folder(&[
        ("a.json", json_stack),
        ("secrets.inventory.yaml", INVENTORY),
    ]);
    let mut session = Session::start(folder.path(), &simple());
    session.open("a.json");
    ready(&mut session);
    let offered = actions(&mut session, "a.json", &everything(), None);
    assert!(
        !titles(&offered)
            .iter()
            .any(|title| title.starts_with("Ignore"))
    );
}

#[test]
fn braces_are_marked_as_plain_text_where_that_has_an_effect() {
    let title = "Mark the braces as plain text: `# stackref: literal`";
    let text = stack("      run_name: 'run-{{date}}'\n");
    let files = [
        ("s.yaml", text.as_str()),
        ("secrets.inventory.yaml", INVENTORY),
    ];
    let texts = choose(&files, "s.yaml", title, &resolving());
    let expected = text.replace(
        "      run_name",
        "      # stackref: literal\n      run_name",
    );
    assert_eq!(texts["s.yaml"], expected);
    // ZenML would still replace a reference, and a password has no braces.
    let text = stack("      tracking_password: '{{no.k}}'\n      tracking_token: hunter2\n");
    let folder = folder(&[("s.yaml", &text), files[1]]);
    let mut session = Session::start(folder.path(), &resolving());
    session.open("s.yaml");
    ready(&mut session);
    let offered = actions(&mut session, "s.yaml", &everything(), None);
    assert!(
        !offered.is_empty() && !titles(&offered).contains(&title),
        "{:?}",
        titles(&offered)
    );
}

#[test]
fn fixes_yield_what_the_command_line_yields() {
    let one = stack("      tracking_password: {{mlflow.password}}\n");
    let many = stack(
        "      tracking_password: {{mlflow.password}}\n      x: '{{slack.token}}' # stackref: ignore[unknown-secret]\n\
         \x20     tracking_username: {{mlflow.username}}\n      y: '😀' # stackref: ignore[unknown-key] 😀\n",
    );
    let sh = "zenml alerter register x --flavor=slack --slack_token={{ slack.token }}\n";
    for (name, text, title) in [
        ("s.yaml", one.as_str(), "Fix unquoted-reference"),
        ("s.yaml", &one, "Apply all safe fixes of stackref"),
        ("s.yaml", &many, "Apply all safe fixes of stackref"),
        ("x.sh", sh, "Fix unquoted-reference"),
        ("x.sh", sh, "Apply all safe fixes of stackref"),
    ] {
        for text in [
            text.to_owned(),
            text.replace('\n', "\r\n"),
            format!("\u{feff}{text}"),
        ] {
            let files = [(name, text.as_str()), ("secrets.inventory.yaml", INVENTORY)];
            let folder = folder(&files);
            check(folder.path(), &["--fix", "."]);
            for capabilities in [resolving(), simple()] {
                let texts = choose(&files, name, title, &capabilities);
                assert_eq!(texts[name], read(folder.path(), name), "{name} {title}");
            }
        }
    }
}

#[test]
fn the_first_name_is_that_of_the_command_line() {
    for (name, text, title) in [
        (
            "s.yaml",
            stack("      x: '{{mlfow.password}}' # 😀\n"),
            "Change to `mlflow`",
        ),
        (
            "s.yaml",
            stack("      x: \"😀\"\n      y: \"{{ mlflow.pasword }}\"\n"),
            "Change to `password`",
        ),
        (
            "x.py",
            "from zenml.client import Client\nprint('😀'); Client().get_secret('slak')\n"
                .to_owned(),
            "Change to `slack`",
        ),
    ] {
        let files = [(name, text.as_str()), ("secrets.inventory.yaml", INVENTORY)];
        let folder = folder(&files);
        check(folder.path(), &["--fix=suggestions", "."]);
        let texts = choose(&files, name, title, &resolving());
        assert_eq!(texts[name], read(folder.path(), name));
        assert_ne!(texts[name], text);
    }
}

#[test]
fn a_declaration_in_another_file_keeps_a_comment() {
    // The comment is needed only because of the declaration with another key.
    let sh = "zenml secret create db --user=x\n";
    let text =
        stack("      tracking_password: {{db.password}} # stackref: ignore[unknown-key] later\n");
    let files = [("s.yaml", text.as_str()), ("setup.sh", sh)];
    let folder = folder(&files);
    check(folder.path(), &["--fix", "."]);
    let texts = choose(
        &files,
        "s.yaml",
        "Apply all safe fixes of stackref",
        &resolving(),
    );
    assert_eq!(texts["s.yaml"], read(folder.path(), "s.yaml"));
    assert!(texts["s.yaml"].contains("later"));
}

#[test]
fn an_action_is_resolved_for_the_current_text() {
    let text = stack("      tracking_password: '{{no.k}}'\n");
    let folder = folder(&[("s.yaml", &text), ("secrets.inventory.yaml", INVENTORY)]);
    let mut session = Session::start(folder.path(), &resolving());
    session.open("s.yaml");
    ready(&mut session);
    let offered = actions(&mut session, "s.yaml", &everything(), None);
    let ignore = find(&offered, "Ignore unknown-secret here").clone();
    // Other lines have moved.
    session.replace("s.yaml", &format!("# 😀\n\n{text}"));
    let action = resolve(&mut session, &ignore);
    let change = &action["edit"]["documentChanges"][0];
    assert_eq!(change["textDocument"]["version"], 2);
    assert_eq!(change["edits"][0]["range"]["start"]["line"], 5);
    // The finding is gone.
    session.replace("s.yaml", &text.replace("no.k", "slack.token"));
    let error = session.request("codeAction/resolve", ignore.clone());
    assert!(error.unwrap_err().1.contains("nothing was edited"));
    session.close("s.yaml");
    assert!(session.request("codeAction/resolve", ignore).is_err());
}

#[test]
fn hostile_names_and_requests_do_no_harm() {
    let long = "x".repeat(100_000);
    let text = stack(&format!(
        "      a: '{{{{no\u{202e}`](http://x)<b>.k}}}}'\n      b: '{{{{{long}.k}}}}'\n      c: \"{{{{no\\n.k}}}}\"\n"
    ));
    let folder = folder(&[("s.yaml", &text), ("secrets.inventory.yaml", INVENTORY)]);
    let mut session = Session::start(folder.path(), &resolving());
    session.open("s.yaml");
    session.open_text("broken.stack.yaml", "yaml", "stack_name: [\n{{");
    ready(&mut session);
    for name in [
        "s.yaml",
        "broken.stack.yaml",
        "closed.yaml",
        "stackref.toml",
    ] {
        for range in [everything(), position(u32::MAX, u32::MAX)] {
            for action in actions(&mut session, name, &range, Some(&[""])) {
                let title = action["title"].as_str().unwrap();
                assert!(
                    title.len() < 400 && !title.contains(['\u{202e}', '\n']),
                    "{title}"
                );
                let _ = session.request("codeAction/resolve", action);
            }
        }
    }
    for data in [
        json!(null),
        json!(1),
        json!({"uri": "x", "action": {"ignore": {}}}),
    ] {
        let action = json!({"title": "x", "data": data});
        assert!(session.request("codeAction/resolve", action).is_ok());
    }
    let action = json!({"title": "x", "data": {"uri": "file:///x", "action": "fixAll"}});
    assert!(session.request("codeAction/resolve", action).is_err());
}

#[test]
fn a_document_without_a_file_has_actions() {
    let folder = folder(&[]);
    let mut session = Session::start(folder.path(), &simple());
    let text = stack("      tracking_password: {{mlflow.password}}\n");
    let uri = "untitled:Untitled-1";
    let document = json!({"uri": uri, "languageId": "yaml", "version": 7, "text": text});
    session.notify("textDocument/didOpen", json!({"textDocument": document}));
    let params = json!({
        "textDocument": {"uri": uri}, "range": everything(), "context": {"diagnostics": [], "only": [""]},
    });
    let offered = session.request("textDocument/codeAction", params).unwrap();
    let offered = offered.as_array().unwrap();
    for title in ["Fix unquoted-reference", "Apply all safe fixes of stackref"] {
        let mut texts = BTreeMap::from([(uri.to_owned(), text.clone())]);
        apply(&find(offered, title)["edit"], &mut texts);
        let expected = text.replace("{{mlflow.password}}", "\"{{mlflow.password}}\"");
        assert_eq!(texts[uri], expected);
    }
    let mut texts = BTreeMap::from([(uri.to_owned(), text.clone())]);
    apply(
        &find(offered, "Ignore unquoted-reference here")["edit"],
        &mut texts,
    );
    assert!(texts[uri].contains("      # stackref: ignore[unquoted-reference] TODO: reason\n"));
}

#[test]
fn a_client_without_literals_gets_no_actions() {
    let text = stack("      tracking_password: '{{no.k}}'\n");
    let folder = folder(&[("s.yaml", &text), ("secrets.inventory.yaml", INVENTORY)]);
    let mut session = Session::start(folder.path(), &json!({}));
    session.open("s.yaml");
    ready(&mut session);
    assert_eq!(
        actions(&mut session, "s.yaml", &everything(), None),
        [] as [Value; 0]
    );
}
