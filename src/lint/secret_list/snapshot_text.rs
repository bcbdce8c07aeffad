//! Snapshots: `file` inventories of names and keys that are safe to commit. The same contents
//! always result in the same text.

use super::Secrets;
use crate::diagnostics::error::Failure;
use crate::document::{Syntax, format_name_map};
use crate::inventory::Inventory;
use crate::inventory::file::{FileInventory, NameComments, SNAPSHOT_HEAD};
use std::collections::{BTreeMap, BTreeSet};

/// Returns the text of a snapshot. `comments` are those of the file that the snapshot replaces.
/// They stay with their entries, and disappear with them.
///
/// # Errors
/// Fails if the syntax cannot represent a name.
pub fn snapshot(
    secrets: &Secrets,
    syntax: Syntax,
    comments: &NameComments,
) -> Result<String, Failure> {
    let text = match syntax {
        Syntax::Json | Syntax::Script(_) => format_name_map(syntax, secrets),
        Syntax::Yaml | Syntax::Toml => with_comments(secrets, syntax, comments),
    };
    let reparsed = FileInventory::from_text("the snapshot", text.clone(), syntax);
    let is_same = reparsed
        .is_ok_and(|reparsed| reparsed.entry_errors().is_empty() && reparsed.secrets() == *secrets);
    if is_same {
        return Ok(text);
    }
    Err(Failure::usage(format!(
        "{} cannot represent a name of this inventory",
        syntax.name()
    ))
    .with_help("choose another `--format`; nothing was written"))
}

fn with_comments(secrets: &Secrets, syntax: Syntax, comments: &NameComments) -> String {
    let mut text = format!("{SNAPSHOT_HEAD}\n");
    push_lines(&mut text, &comments.head);
    if !comments.head.is_empty() {
        text.push('\n');
    }
    if secrets.is_empty() {
        text.push_str(&format_name_map(syntax, secrets));
    }
    for (name, keys) in secrets {
        let entry = format_name_map(syntax, &BTreeMap::from([(name.clone(), keys.clone())]));
        let Some(comments) = comments.entries.get(name) else {
            text.push_str(&entry);
            continue;
        };
        push_lines(&mut text, &comments.lines_above);
        text.push_str(entry.trim_end_matches('\n'));
        if let Some(comment) = &comments.end_of_line {
            text.push_str(&format!(" {comment}"));
        }
        text.push('\n');
    }
    push_lines(&mut text, &comments.tail);
    text
}

fn push_lines(text: &mut String, lines: &[String]) {
    for line in lines {
        text.push_str(line);
        text.push('\n');
    }
}

/// Returns the differences between a snapshot and the current secrets, one per line: `+` for keys
/// that the snapshot does not contain, `-` for keys that no longer exist.
pub fn differences(snapshot: &Secrets, current: &Secrets) -> Vec<String> {
    let names: BTreeSet<&String> = snapshot.keys().chain(current.keys()).collect();
    let mut lines = Vec::new();
    for name in names {
        let (before, after) = (snapshot.get(name), current.get(name));
        match (before, after) {
            (None, Some(keys)) => lines.extend(secret_lines('+', name, keys)),
            (Some(keys), None) => lines.extend(secret_lines('-', name, keys)),
            (Some(before), Some(after)) => {
                lines.extend(
                    before
                        .difference(after)
                        .map(|key| format!("- {name}.{key}")),
                );
                lines.extend(
                    after
                        .difference(before)
                        .map(|key| format!("+ {name}.{key}")),
                );
            }
            (None, None) => {}
        }
    }
    lines
}

fn secret_lines(sign: char, name: &str, keys: &BTreeSet<String>) -> Vec<String> {
    if keys.is_empty() {
        return vec![format!("{sign} {name}")];
    }
    keys.iter()
        .map(|key| format!("{sign} {name}.{key}"))
        .collect()
}
