//! The entry of stackref in `.pre-commit-config.yaml`: what it is, and a file with it. A file that is there only grows.

use crate::document::{Document, Syntax, apply};
use crate::text::source::SourceFile;
use std::sync::Arc;

/// The config of pre-commit.
pub const FILE_NAME: &str = ".pre-commit-config.yaml";

/// The tag of the release that the entry names.
pub const TAG: &str = concat!("v", env!("CARGO_PKG_VERSION"));

/// Whether that tag exists: the first release sets this to true.
pub const IS_RELEASED: bool = false;

/// The entry, from its own margin.
const ENTRY: [&str; 4] = [
    "repo: https://github.com/stackref/stackref",
    if IS_RELEASED {
        concat!("rev: v", env!("CARGO_PKG_VERSION"))
    } else {
        concat!("rev: v", env!("CARGO_PKG_VERSION"), "  # this tag does not exist yet: use the hash of a commit")
    },
    "hooks:",
    "- id: stackref",
];

/// How a file comes to have the entry.
#[derive(Debug, PartialEq, Eq)]
pub enum HookChange {
    /// It has it.
    Present,
    /// With this text.
    Text(String),
    /// By hand: its form is none that can be added to safely.
    Manual,
}

/// The entry as it stands in a list.
pub fn entry() -> String {
    format!("- {}\n", ENTRY.join("\n  "))
}

/// What becomes of the config of pre-commit; one that is not there is empty.
pub fn add_hook(before: &str) -> HookChange {
    let Some(document) = parse(before) else { return HookChange::Manual };
    let Some(&root) = document.roots().first() else {
        let separator = if before.is_empty() || before.ends_with('\n') { "" } else { "\n" };
        let text = format!("{before}{separator}repos:\n{}", entry());
        return if adds_only_hook(&document, &text) { HookChange::Text(text) } else { HookChange::Manual };
    };
    let Some((_, repos)) = document.get(root, "repos") else { return HookChange::Manual };
    if has_hook(&document) {
        return HookChange::Present;
    }
    let added = document.push_lines(repos, &ENTRY).and_then(|edits| apply(before, &edits));
    added
        .map(|text| text.to_string())
        .filter(|text| adds_only_hook(&document, text))
        .map_or(HookChange::Manual, HookChange::Text)
}

fn parse(text: &str) -> Option<Document> {
    let document = Document::parse(Arc::new(SourceFile::new(FILE_NAME, text)), Syntax::Yaml).ok()?;
    (document.roots().len() < 2 && document.duplicates().is_empty()).then_some(document)
}

fn has_hook(document: &Document) -> bool {
    let repos = document.roots().first().and_then(|&root| document.items(document.get(root, "repos")?.1));
    let hooks = repos.into_iter().flatten().filter_map(|&repo| document.items(document.get(repo, "hooks")?.1));
    hooks.flatten().any(|&hook| {
        let id = document.get(hook, "id").and_then(|(_, id)| document.text(id));
        id == Some("stackref")
    })
}

/// Whether a text has the hook, and all scalars of the document before it and behind.
fn adds_only_hook(before: &Document, text: &str) -> bool {
    let Some(after) = parse(text) else { return false };
    let scalars = |document: &Document| -> Vec<String> {
        document.nodes().filter_map(|(id, _)| document.text(id).map(str::to_owned)).collect()
    };
    let (old, new) = (scalars(before), scalars(&after));
    let same_start = old.iter().zip(&new).take_while(|(old, new)| old == new).count();
    let same_end = old.iter().rev().zip(new.iter().rev()).take_while(|(old, new)| old == new).count();
    let new_words = ENTRY.len() * 2 - 1;
    let grown = new.len() == old.len() + new_words || (old.is_empty() && new.len() == new_words + 1);
    has_hook(&after) && grown && same_start + same_end >= old.len()
}

#[cfg(test)]
mod tests {
    use super::*;

    const NEW: &str = "- repo: https://github.com/stackref/stackref\n";

    fn added(before: &str) -> String {
        match add_hook(before) {
            HookChange::Text(text) => text,
            other => format!("{other:?}"),
        }
    }

    #[test]
    fn an_entry_is_added_in_the_manner_of_the_others() {
        let new = added("");
        assert!(new.starts_with(&format!("repos:\n{NEW}  rev: v")), "{new}");
        assert_eq!(add_hook(&new), HookChange::Present);
        let flat = "# ours\nrepos:\n- repo: local\n  hooks:\n  - id: x # last\n";
        assert!(added(flat).starts_with(&format!("{flat}{NEW}  rev: v")), "{}", added(flat));
        let deep = "repos:\n  -   repo: local\n      hooks: [{id: x}]\n\nci: {skip: [x]}\n";
        let grown = added(deep);
        assert!(grown.contains("\n  -   repo: https://github.com/stackref/stackref\n      rev: v"), "{grown}");
        assert!(grown.ends_with("      hooks:\n      - id: stackref\n\nci: {skip: [x]}\n"), "{grown}");
        let windows = flat.replace('\n', "\r\n");
        assert_eq!(added(&windows), added(flat).replace('\n', "\r\n"));
        assert!(added("# nothing yet").starts_with("# nothing yet\nrepos:\n- repo"));
        assert!(added("repos:\n- repo: local").starts_with("repos:\n- repo: local\n- repo: https"));
    }

    #[test]
    fn what_is_not_understood_stays() {
        for before in [
            "repos: []\n",
            "repos: [{repo: local}]\n",
            "{repos: [x]}",
            "repos:\n",
            "ci: {}\n",
            "- a\n",
            "repos: {\n",
            "a: 1\n---\nrepos:\n- repo: x\n",
            "repos:\n- repo: x\nrepos:\n- repo: y\n",
            "null\n",
            "text",
        ] {
            assert_eq!(add_hook(before), HookChange::Manual, "{before}");
        }
    }
}
