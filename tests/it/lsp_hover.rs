//! Hovers in a session.

use crate::lsp_action_support::{ready, stack};
use crate::lsp_support::Session;
use crate::support::folder;
use serde_json::{Value, json};
use std::path::Path;

const ENVIRONMENTS: &str = "[inventory.dev]\nkind = \"file\"\npath = \"dev.yaml\"\n[inventory.prod]\nkind = \"file\"\npath = \"prod.yaml\"\n\
    [environment.dev]\ninventory = \"dev\"\n[environment.prod]\ninventory = [\"prod\"]\nvariables = { ENV = \"prod\" }\n";

fn markdown() -> Value {
    json!({"textDocument": {"hover": {"contentFormat": ["markdown", "plaintext"]}}})
}

fn start(folder: &Path, capabilities: &Value) -> Session {
    let mut session = Session::start(folder, capabilities);
    ready(&mut session);
    session
}

/// Returns the answer to a hover at the first occurrence of a part of a file on disk.
fn hover(session: &mut Session, folder: &Path, name: &str, part: &str) -> Value {
    let text = std::fs::read_to_string(folder.join(name)).unwrap();
    let at = text
        .find(part)
        .unwrap_or_else(|| panic!("no {part:?} in {name}"));
    let before = &text[..at];
    let line = before.matches('\n').count();
    let start = before.rfind('\n').map_or(0, |at| at + 1);
    let character = before[start..].encode_utf16().count();
    let params = json!({
        "textDocument": {"uri": session.uri(name)},
        "position": {"line": line, "character": character},
    });
    session.request("textDocument/hover", params).unwrap()
}

fn text(hover: &Value) -> &str {
    hover["contents"]["value"].as_str().unwrap_or_default()
}

#[test]
fn a_reference_shows_keys_environments_and_uses() {
    let file = stack(
        "      tracking_password: '{{mlflow.password}}'\n      tracking_username: '{{mlflow.password}}'\n      \
         tracking_token: '{{mlflow.no}}'\n      x: '{{other.k}}'\n",
    );
    let folder = folder(&[
        ("stackref.toml", ENVIRONMENTS),
        ("s.yaml", &file),
        ("dev.yaml", "mlflow: [password, username]\n"),
        ("prod.yaml", "mlflow: [password]\nother: [k]\n"),
    ]);
    let mut session = start(folder.path(), &markdown());
    session.open("s.yaml");
    let password = hover(&mut session, folder.path(), "s.yaml", "mlflow.password");
    assert_eq!(
        text(&password),
        "Secret `mlflow`, key `password`\n\nKeys: `password`; in some environments only: `username`\n\n\
         Exists in `dev`, `prod`\n\n2 uses in 1 file"
    );
    assert_eq!(password["contents"]["kind"], "markdown");
    let range = json!({"start": {"line": 3, "character": 26}, "end": {"line": 3, "character": 45}});
    assert_eq!(password["range"], range);
    let missing = hover(&mut session, folder.path(), "s.yaml", "mlflow.no");
    assert!(
        text(&missing).contains("exists without this key in `dev`, `prod`"),
        "{missing}"
    );
    assert!(text(&missing).contains("`help: "), "{missing}");
    let other = hover(&mut session, folder.path(), "s.yaml", "other.k");
    assert!(
        text(&other).contains("Exists in `prod`\n\nDoes not exist in `dev`"),
        "{other}"
    );
    assert_eq!(
        hover(&mut session, folder.path(), "s.yaml", "flavor"),
        Value::Null
    );

    let mut session = start(folder.path(), &json!({}));
    session.open("s.yaml");
    let plain = hover(&mut session, folder.path(), "s.yaml", "mlflow.password");
    assert_eq!(plain["contents"]["kind"], "plaintext");
    assert_eq!(text(&plain), text(&password));
}

#[test]
fn declarations_and_inventory_entries_show_uses() {
    let file = stack("      tracking_password: '{{db.password}}'\n      x: '{{$ENV-db.k}}'\n");
    let sh = "zenml secret create db --password=x --user=hunter2\nzenml alerter register x --flavor=slack --slack_token={{${ENV}.k}}\n";
    let folder = folder(&[
        ("stackref.toml", ENVIRONMENTS),
        ("s.yaml", &file),
        ("setup.sh", sh),
        ("dev.yaml", "db: {password: canary-one}\n"),
        ("prod.yaml", "unused: [k]\nprod: [k]\n"),
    ]);
    let mut session = start(folder.path(), &markdown());
    for name in ["s.yaml", "setup.sh", "dev.yaml", "prod.yaml"] {
        session.open(name);
    }
    for (name, part, expected) in [
        (
            "setup.sh",
            "db",
            "Secret `db`\n\nDeclared with the keys `password`, `user`",
        ),
        (
            "setup.sh",
            "db",
            "Exists in `dev`\n\nDoes not exist in `prod`\n\n1 use in 1 file",
        ),
        ("setup.sh", "password", "Secret `db`, key `password`"),
        ("s.yaml", "db.password", "Declared in `setup.sh`"),
        (
            "dev.yaml",
            "db",
            "Secret `db`\n\nKeys: `password`\n\nExists in `dev`",
        ),
        ("prod.yaml", "unused", "Not used in this project"),
        (
            "dev.yaml",
            "password",
            "Secret `db`, key `password`\n\nKeys: `password`\n\nExists in `dev`",
        ),
        (
            "setup.sh",
            "{{${ENV}",
            "Means `prod.k`\n\nKeys: `k`\n\nExists in `prod`\n\nKnown only at run time in `dev`",
        ),
    ] {
        let hover = hover(&mut session, folder.path(), name, part);
        assert!(text(&hover).contains(expected), "{name} {part}: {hover}");
    }
    let messages = format!("{:?}", session.messages);
    assert!(!messages.contains("canary"), "{messages}");
    // A buffer with another text has other positions.
    session.replace("dev.yaml", "\n\nother: {password: canary-two}\n");
    let dev = hover(&mut session, folder.path(), "dev.yaml", "db");
    assert_eq!(dev, Value::Null);
}

#[test]
fn an_ignore_comment_shows_the_page_of_its_rule() {
    let file = stack(
        "      # stackref: ignore[unknown-secret, unknown-key] why\n      tracking_password: '{{no.k}}'\n      \
         x: '{{date}}' # stackref: literal\n      y: z # stackref: ignore\n",
    );
    let inventory = "# stackref: ignore[unused-secret] later\nother: [k]\n";
    let folder = folder(&[("s.yaml", &file), ("secrets.inventory.yaml", inventory)]);
    for capabilities in [markdown(), json!({})] {
        let mut session = start(folder.path(), &capabilities);
        session.open("s.yaml");
        session.open("secrets.inventory.yaml");
        for (name, part, expected) in [
            ("s.yaml", "stackref: ignore[unk", "# unknown-secret (error)"),
            ("s.yaml", "unknown-secret", "# unknown-secret (error)"),
            ("s.yaml", "nknown-key", "# unknown-key (error)"),
            (
                "s.yaml",
                "# stackref: literal",
                "`# stackref: literal` marks",
            ),
            ("s.yaml", "ignore\n", "# bare-ignore (error)"),
            (
                "secrets.inventory.yaml",
                "ignore",
                "# unused-secret (warning)",
            ),
        ] {
            let hover = hover(&mut session, folder.path(), name, part);
            assert!(text(&hover).starts_with(expected), "{part}: {hover}");
        }
        assert_eq!(
            hover(&mut session, folder.path(), "s.yaml", "why"),
            Value::Null
        );
    }
}

#[test]
fn tables_of_a_config_show_their_resolution() {
    let config = format!(
        "{ENVIRONMENTS}[inventory.vault]\nkind = \"command\"\nnames = [\"true\"]\n[[stacks]]\nfiles = [\"a/*\"]\nenvironment = [\"dev\"]\n"
    );
    let file = stack("      tracking_password: '{{db.password}}'\n");
    let folder = folder(&[
        ("stackref.toml", &config),
        ("s.yaml", &file),
        ("dev.yaml", "db: {password: canary-one}\n"),
        ("prod.yaml", "a: [b]\nc: [d]\n"),
    ]);
    let mut session = start(folder.path(), &markdown());
    session.open("stackref.toml");
    for (part, expected) in [
        (
            "environment.prod",
            "Environment `prod`\n\nLevel: `secret-and-key-exists`\n\nLooked up in `prod`\n\n`prod` has 2 secrets\n\nVariables: `ENV`",
        ),
        (
            "environment.dev",
            "`dev` has 1 secret\n\nNamed by 1 entry of `[[stacks]]`",
        ),
        (
            "inventory.dev",
            "Inventory `dev`\n\nPath: `dev.yaml`\n\n`dev` has 1 secret\n\nUsed by the environments `dev`",
        ),
        ("inventory.vault", "Inventory `vault`\n\n`vault` "),
    ] {
        let hover = hover(&mut session, folder.path(), "stackref.toml", part);
        assert!(
            text(&hover).starts_with(expected) || text(&hover).contains(expected),
            "{part}: {hover}"
        );
    }
    assert_eq!(
        hover(&mut session, folder.path(), "stackref.toml", "kind"),
        Value::Null
    );
    let messages = format!("{:?}", session.messages);
    assert!(!messages.contains("canary"), "{messages}");
}

#[test]
fn hostile_names_are_quoted() {
    let name = "x`[a](http://b)<img src=c>";
    let file = stack(&format!(
        "      tracking_password: '{{{{{name}.k}}}}'\n      x: '{{{{ok.😀`k}}}}'\n"
    ));
    let folder = folder(&[
        ("stackref.toml", ENVIRONMENTS),
        ("s.yaml", &file),
        (
            "dev.yaml",
            &format!("'{name}': ['`\\n# h']\nok: ['😀`', \"a\\n\\n<b>\"]\n"),
        ),
        ("prod.yaml", "a: [b]\n"),
    ]);
    let mut session = start(folder.path(), &markdown());
    session.open("s.yaml");
    session.open("dev.yaml");
    for (file, part) in [
        ("s.yaml", "x`"),
        ("s.yaml", "ok"),
        ("dev.yaml", "x`"),
        ("dev.yaml", "ok"),
    ] {
        let hover = hover(&mut session, folder.path(), file, part);
        let text = text(&hover);
        assert!(!text.contains("\n<b>") && !text.contains("\n# h"), "{text}");
        let quoted = "Secret ``x`[a](http://b)<img src=c>``";
        assert!(!text.contains("http") || text.starts_with(quoted), "{text}");
    }
    for (line, character) in [(0_u32, 9_999_u32), (9_999, 0), (u32::MAX, u32::MAX)] {
        for name in ["s.yaml", "dev.yaml", "closed.yaml", "stackref.toml"] {
            let params = json!({
                "textDocument": {"uri": session.uri(name)},
                "position": {"line": line, "character": character},
            });
            session.request("textDocument/hover", params).unwrap();
        }
    }
}

#[test]
fn a_store_that_has_not_answered_is_named() {
    let config = "[inventory.slow]\nkind = \"command\"\nnames = [\"sleep\", \"5\"]\n";
    let file = stack("      tracking_password: '{{db.password}}'\n");
    let folder = folder(&[("stackref.toml", config), ("s.yaml", &file)]);
    let params = json!({"capabilities": markdown()});
    let env = [("STACKREF_TRUST", "1"), ("PATH", "/usr/bin:/bin")];
    let env = env.map(|(name, value)| (name.to_owned(), value.to_owned()));
    let env = crate::lsp_support::TestEnvironment(env.into());
    let mut session = Session::start_with(folder.path(), params, env);
    session.open("s.yaml");
    session
        .request("workspace/diagnostic", json!({"previousResultIds": []}))
        .unwrap();
    let hover = hover(&mut session, folder.path(), "s.yaml", "db.password");
    assert!(
        text(&hover).contains("No answer yet from `slow`"),
        "{hover}"
    );
}
