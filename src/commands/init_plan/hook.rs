//! The entry of stackref in `.pre-commit-config.yaml`, and how to add it to the text of an existing
//! file. Nothing that the file contains is changed.

use crate::document::{Document, Syntax, apply};
use crate::text::source::SourceFile;
use std::sync::Arc;

/// The file name of pre-commit's config.
pub const FILE_NAME: &str = ".pre-commit-config.yaml";

/// The tag in the entry.
pub const TAG: &str = concat!("v", env!("CARGO_PKG_VERSION"));

/// Whether the tag exists. The first release sets this to true.
pub const IS_RELEASED: bool = false;

/// The number of lines of the entry.
const LINES: usize = 4;

/// The hook to add.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Hook {
    /// Checks the files that a commit changes. They need an inventory.
    ChangedFiles,
    /// Checks the whole repository, so that declarations in other files are read, too.
    Repository,
}

impl Hook {
    /// Returns the lines of the entry, without indentation.
    fn lines(self) -> [&'static str; LINES] {
        let revision = if IS_RELEASED {
            concat!("rev: v", env!("CARGO_PKG_VERSION"))
        } else {
            concat!(
                "rev: v",
                env!("CARGO_PKG_VERSION"),
                "  # this tag does not exist yet: use the hash of a commit"
            )
        };
        let id = match self {
            Self::ChangedFiles => "- id: stackref",
            Self::Repository => "- id: stackref-repo",
        };
        [
            "repo: https://github.com/stackref/stackref",
            revision,
            "hooks:",
            id,
        ]
    }

    /// Returns the entry as an item of a YAML sequence.
    pub fn entry(self) -> String {
        format!("- {}\n", self.lines().join("\n  "))
    }
}

/// How to add the entry to a file.
#[derive(Debug, PartialEq, Eq)]
pub enum HookChange {
    /// The file contains the entry.
    Present,
    /// The file gets this text.
    Text(String),
    /// The layout is not supported, so the user has to add the entry.
    Manual,
}

/// Returns how to add the entry to the config of pre-commit. `before` is empty for a file that does
/// not exist.
pub fn add_hook(before: &str, hook: Hook) -> HookChange {
    let Some(document) = parse(before) else {
        return HookChange::Manual;
    };
    let Some(&root) = document.roots().first() else {
        let separator = if before.is_empty() || before.ends_with('\n') {
            ""
        } else {
            "\n"
        };
        let text = format!("{before}{separator}repos:\n{}", hook.entry());
        return if adds_only_hook(&document, &text) {
            HookChange::Text(text)
        } else {
            HookChange::Manual
        };
    };
    let Some((_, repos)) = document.get(root, "repos") else {
        return HookChange::Manual;
    };
    if has_hook(&document) {
        return HookChange::Present;
    }
    let added = document
        .push_lines(repos, &hook.lines())
        .and_then(|edits| apply(before, &edits));
    added
        .filter(|text| adds_only_hook(&document, text))
        .map_or(HookChange::Manual, HookChange::Text)
}

fn parse(text: &str) -> Option<Document> {
    let document =
        Document::parse(Arc::new(SourceFile::new(FILE_NAME, text)), Syntax::Yaml).ok()?;
    (document.roots().len() < 2 && document.duplicates().is_empty()).then_some(document)
}

/// Returns whether a hook of stackref is among the hooks.
fn has_hook(document: &Document) -> bool {
    let repos = document
        .roots()
        .first()
        .and_then(|&root| document.items(document.get(root, "repos")?.1));
    let hooks = repos
        .into_iter()
        .flatten()
        .filter_map(|&repo| document.items(document.get(repo, "hooks")?.1));
    hooks.flatten().any(|&hook| {
        let id = document
            .get(hook, "id")
            .and_then(|(_, id)| document.text(id));
        matches!(id, Some("stackref" | "stackref-repo" | "stackref-py"))
    })
}

/// Returns whether a text contains the hook, and all scalars of the old document in their order.
fn adds_only_hook(before: &Document, text: &str) -> bool {
    let Some(after) = parse(text) else {
        return false;
    };
    let (old, new) = (scalars(before), scalars(&after));
    let same_start = old
        .iter()
        .zip(&new)
        .take_while(|(old, new)| old == new)
        .count();
    let same_end = old
        .iter()
        .rev()
        .zip(new.iter().rev())
        .take_while(|(old, new)| old == new)
        .count();
    // Each line has a key and a value, except `hooks:`, whose value is the sequence. An empty file
    // also gets the key `repos`.
    let added = LINES * 2 - 1;
    let has_grown = new.len() == old.len() + added || (old.is_empty() && new.len() == added + 1);
    has_hook(&after) && has_grown && same_start + same_end >= old.len()
}

fn scalars(document: &Document) -> Vec<String> {
    document
        .nodes()
        .filter_map(|(id, _)| document.text(id).map(str::to_owned))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    const NEW: &str = "- repo: https://github.com/stackref/stackref\n";

    fn added(before: &str) -> String {
        match add_hook(before, Hook::ChangedFiles) {
            HookChange::Text(text) => text,
            other => format!("{other:?}"),
        }
    }

    #[test]
    fn entry_is_added_with_the_indentation_of_the_other_entries() {
        let new = added("");
        assert!(new.starts_with(&format!("repos:\n{NEW}  rev: v")), "{new}");
        assert_eq!(add_hook(&new, Hook::ChangedFiles), HookChange::Present);
        let flat = "# ours\nrepos:\n- repo: local\n  hooks:\n  - id: x # last\n";
        assert!(
            added(flat).starts_with(&format!("{flat}{NEW}  rev: v")),
            "{}",
            added(flat)
        );
        let deep = "repos:\n  -   repo: local\n      hooks: [{id: x}]\n\nci: {skip: [x]}\n";
        let grown = added(deep);
        assert!(
            grown.contains("\n  -   repo: https://github.com/stackref/stackref\n      rev: v"),
            "{grown}"
        );
        assert!(
            grown.ends_with("      hooks:\n      - id: stackref\n\nci: {skip: [x]}\n"),
            "{grown}"
        );
        let windows = flat.replace('\n', "\r\n");
        assert_eq!(added(&windows), added(flat).replace('\n', "\r\n"));
        assert!(added("# nothing yet").starts_with("# nothing yet\nrepos:\n- repo"));
        assert!(added("repos:\n- repo: local").starts_with("repos:\n- repo: local\n- repo: https"));
    }

    #[test]
    fn hook_for_the_whole_repository_is_added_once() {
        let HookChange::Text(text) = add_hook("repos:\n- repo: local\n", Hook::Repository) else {
            unreachable!("the layout is supported")
        };
        assert!(text.ends_with("  - id: stackref-repo\n"), "{text}");
        for hook in [Hook::ChangedFiles, Hook::Repository] {
            assert_eq!(add_hook(&text, hook), HookChange::Present);
        }
    }

    #[test]
    fn unsupported_layouts_are_not_changed() {
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
            assert_eq!(
                add_hook(before, Hook::ChangedFiles),
                HookChange::Manual,
                "{before}"
            );
        }
    }
}
