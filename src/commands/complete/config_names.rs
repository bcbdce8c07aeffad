//! The names of inventories, as completion candidates. Only names that no shell expands are
//! offered.

use super::super::usage_error::option_values;
use crate::project::config;
use crate::project::repository::TrustedOwners;
use crate::system::files;
use crate::system::paths;
use std::collections::BTreeSet;
use std::ffi::{OsStr, OsString};
use std::path::{Path, PathBuf};
use toml::de::{DeTable, DeValue};

/// The largest config that is read, in bytes.
const MAX_CONFIG_BYTES: u64 = 1 << 20;

/// Returns the names of the inventories in the configs of a command line: the config of `--config`,
/// else the configs that are nearest to its paths and to the working directory.
pub(super) fn inventory_names(
    words: &[OsString],
    cwd: &Path,
    sudo_uid: Option<&OsStr>,
) -> BTreeSet<String> {
    if words.iter().any(|word| word == "--no-config") {
        return BTreeSet::new();
    }
    if let Some(config) = option_values(words, "--config").next() {
        return names_in(&paths::absolute(Path::new(config), cwd));
    }
    // Completion runs no program, so `safe.directory` of git has no effect here.
    let owners = TrustedOwners::new(
        sudo_uid.and_then(|id| id.to_str()),
        Box::new(|_| Vec::new()),
    );
    let paths = words
        .iter()
        .skip(2)
        .map(|word| paths::absolute(Path::new(word), cwd))
        .filter(|path| path.exists());
    let mut folders: BTreeSet<PathBuf> = paths.filter_map(folder_of).collect();
    folders.insert(cwd.to_path_buf());
    let configs = folders.iter().filter_map(|folder| {
        let (file, root) = owners.config(folder, config::FILE_NAME)?;
        files::resolve_inside(&file, &root).ok()
    });
    configs.flat_map(|file| names_in(&file)).collect()
}

/// Returns the path itself if it is a folder, else its parent.
fn folder_of(path: PathBuf) -> Option<PathBuf> {
    if path.is_dir() {
        Some(path)
    } else {
        path.parent().map(Path::to_path_buf)
    }
}

/// Returns the names of the inventories in a config, even if the config has errors. TOML that
/// cannot be parsed has none.
fn names_in(config: &Path) -> BTreeSet<String> {
    let text = files::read(config, MAX_CONFIG_BYTES)
        .ok()
        .and_then(|bytes| String::from_utf8(bytes).ok());
    let text = text.unwrap_or_default();
    let Ok(table) = DeTable::parse(&text) else {
        return BTreeSet::new();
    };
    let inventories = table.get_ref().get("inventory").map(toml::Spanned::get_ref);
    let Some(DeValue::Table(inventories)) = inventories else {
        return BTreeSet::new();
    };
    let names = inventories.keys().map(|name| name.get_ref().to_string());
    names.filter(|name| is_plain_word(name)).collect()
}

/// Returns whether every shell reads a name as one word without expansion.
fn is_plain_word(name: &str) -> bool {
    let has_plain_chars = name
        .chars()
        .all(|c| c.is_alphanumeric() || matches!(c, '_' | '-' | '.'));
    has_plain_chars && !name.is_empty() && !name.starts_with('-')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn plain_words_need_no_quotes_in_any_shell() {
        for name in ["prod", "team-a.eu_1", "größe"] {
            assert!(is_plain_word(name), "{name}");
        }
        for name in [
            "",
            "-x",
            "$(id)",
            "a b",
            "a;b",
            "`id`",
            "a\u{1b}[2J",
            "a\nb",
            "~",
            "*",
            "a'b",
        ] {
            assert!(!is_plain_word(name), "{name:?}");
        }
    }
}
