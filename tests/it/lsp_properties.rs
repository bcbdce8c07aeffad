//! Properties of the language server: after any edits, a session reports the same as a new one.

use crate::lsp_positions::position_at;
use crate::lsp_support::{Session, pulling};
use crate::support::folder;
use proptest::prelude::*;
use proptest::sample::Index;
use serde_json::{Value, json};

const STACK: &str = "\
# 😀 stack
stack_name: prod
zenml_version: 0.98.0
components:
  alerter:
    name: ß😀
    flavor: slack
    slack_token: \"{{slack.tokn}}\" # stackref: ignore[unknown-key]
  tracker:
    flavor: mlflow
    tracking_password: '{{mlflow.password}}'
    tracking_token: hunter2
";

const INVENTORY: &str = "mlflow: [password, token]\nslack: [token]\n";

/// Texts that an edit inserts.
const SNIPPETS: [&str; 14] = [
    "",
    "{{",
    "}}",
    "mlflow.token",
    "slack.",
    "😀",
    "e\u{301}",
    "\n",
    "\r\n",
    "  ",
    "'",
    "\"",
    "# stackref: ignore[unknown-secret]",
    "secrets:\n  - slack\n",
];

/// An edit: where it begins, how many characters it replaces, and the new text.
type Edit = (Index, u8, &'static str);

/// Returns the position of a character in a text.
fn position(text: &str, chars: usize, encoding: &str) -> Value {
    let before: String = text.chars().take(chars).collect();
    position_at(text, before.len(), encoding)
}

/// Applies an edit. Returns the new text, and the change in the protocol.
fn apply(text: &str, (start, len, new): Edit, encoding: &str) -> (String, Value) {
    let count = text.chars().count();
    let mut start = start.index(count + 1);
    let mut end = (start + usize::from(len)).min(count);
    let chars: Vec<char> = text.chars().collect();
    // No position is inside of a line break.
    for at in [&mut start, &mut end] {
        let is_inside = *at > 0 && chars[*at - 1] == '\r' && chars.get(*at) == Some(&'\n');
        *at -= usize::from(is_inside);
    }
    let range = json!({
        "start": position(text, start, encoding),
        "end": position(text, end, encoding),
    });
    let new_text: String = chars[..start]
        .iter()
        .copied()
        .chain(new.chars())
        .chain(chars[end..].iter().copied())
        .collect();
    (new_text, json!({"range": range, "text": new}))
}

fn capabilities(encoding: &str) -> Value {
    let mut capabilities = pulling();
    capabilities["general"]["positionEncodings"] = json!([encoding]);
    capabilities
}

/// Returns the diagnostics of all files in a new session in which the file has this text.
fn fresh(root: &std::path::Path, text: &str, encoding: &str) -> Value {
    let mut session = Session::start(root, &capabilities(encoding));
    session.open_text("a.yaml", "yaml", text);
    json!(session.pull_all())
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 40, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn edits_give_the_diagnostics_of_a_new_session(
        edits in prop::collection::vec(
            (any::<Index>(), 0..12u8, prop::sample::select(SNIPPETS.to_vec())),
            1..12,
        ),
        batches in prop::collection::vec(any::<bool>(), 12),
        encoding in prop::sample::select(vec!["utf-8", "utf-16", "utf-32"]),
    ) {
        let folder = folder(&[("a.yaml", STACK), ("secrets.inventory.yaml", INVENTORY)]);
        let mut session = Session::start(folder.path(), &capabilities(encoding));
        session.open("a.yaml");
        let mut text = STACK.to_owned();
        let mut batch = Vec::new();
        for (edit, &ends_batch) in edits.into_iter().zip(&batches) {
            let (new_text, change) = apply(&text, edit, encoding);
            // A CR that was alone becomes a line break of its own; `position` does not count it.
            prop_assume!(!new_text.replace("\r\n", "").contains('\r'));
            text = new_text;
            batch.push(change);
            if ends_batch {
                session.change("a.yaml", &json!(std::mem::take(&mut batch)));
                session.pull("a.yaml");
            }
        }
        session.change("a.yaml", &json!(batch));
        let incremental = json!(session.pull_all());
        prop_assert_eq!(&incremental, &fresh(folder.path(), &text, encoding));
        // The text on disk does not matter while the file is open, and counts afterwards.
        session.replace("a.yaml", STACK);
        let replaced = json!(session.pull_all());
        prop_assert_eq!(&replaced, &fresh(folder.path(), STACK, encoding));
        session.close("a.yaml");
        prop_assert_eq!(&json!(session.pull_all()), &replaced);
    }
}
