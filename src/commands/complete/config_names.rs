//! The names of inventories and environments, as completion candidates. Only names that no shell
//! expands are offered.

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

/// The names in the configs of a command line.
#[derive(Default)]
pub(super) struct ConfigNames {
    pub inventories: BTreeSet<String>,
    pub environments: BTreeSet<String>,
}

/// Returns the names in the configs of a command line: the config of `--config`,
/// else the configs that are nearest to its paths and to the working directory.
pub(super) fn config_names(
    words: &[OsString],
    cwd: &Path,
    sudo_uid: Option<&OsStr>,
) -> ConfigNames {
    if words.iter().any(|word| word == "--no-config") {
        return ConfigNames::default();
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
    let mut names = ConfigNames::default();
    for file in configs {
        let ConfigNames {
            inventories,
            environments,
        } = names_in(&file);
        names.inventories.extend(inventories);
        names.environments.extend(environments);
    }
    names
}

/// Returns the path itself if it is a folder, else its parent.
fn folder_of(path: PathBuf) -> Option<PathBuf> {
    if path.is_dir() {
        Some(path)
    } else {
        path.parent().map(Path::to_path_buf)
    }
}

/// Returns the names in a config, even if it has errors. TOML that cannot be parsed has none.
fn names_in(config: &Path) -> ConfigNames {
    let text = files::read(config, MAX_CONFIG_BYTES)
        .ok()
        .and_then(|bytes| String::from_utf8(bytes).ok());
    let text = text.unwrap_or_default();
    let Ok(config) = DeTable::parse(&text) else {
        return ConfigNames::default();
    };
    ConfigNames {
        inventories: tables_below(config.get_ref(), "inventory"),
        environments: tables_below(config.get_ref(), "environment"),
    }
}

/// Returns the names of the tables below a key.
fn tables_below(config: &DeTable<'_>, key: &str) -> BTreeSet<String> {
    let Some(DeValue::Table(table)) = config.get(key).map(toml::Spanned::get_ref) else {
        return BTreeSet::new();
    };
    let names = table.keys().map(|name| name.get_ref().to_string());
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
