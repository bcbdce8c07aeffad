//! Checks the structure of `src`: a folder uses only folders that `lib.rs` lists before it, no two
//! modules have the same name, and only the outermost folders use the arguments, the environment
//! and the standard streams.

use crate::support::{files_below, project};
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

/// Returns the Rust files of `src` as (folder, path, text), except `lib.rs` and `main.rs`.
fn files() -> Vec<(String, PathBuf, String)> {
    let src = project().join("src");
    let files = files_below(&src, Some("rs"))
        .into_iter()
        .filter_map(|file| {
            let path = file.strip_prefix(&src).unwrap().to_path_buf();
            let folder = path
                .parent()
                .and_then(|parent| parent.components().next())?;
            let folder = folder.as_os_str().to_str().unwrap().to_owned();
            let text = std::fs::read_to_string(&file).unwrap();
            Some((folder, path, text))
        });
    files.collect()
}

/// Returns the folders in the order of `lib.rs`, the lowest layer first.
fn layers() -> Vec<String> {
    let lib = std::fs::read_to_string(project().join("src/lib.rs")).unwrap();
    let modules = lib
        .lines()
        .filter_map(|line| line.strip_prefix("pub mod ")?.strip_suffix(';'));
    modules.map(str::to_owned).collect()
}

#[test]
fn a_folder_uses_only_the_folders_listed_before_it() {
    let layers = layers();
    let position = |name: &str| layers.iter().position(|layer| layer == name);
    let mut checked = 0;
    for (folder, path, text) in files() {
        let own = position(&folder).unwrap_or_else(|| panic!("lib.rs does not list {folder}"));
        for used in text.split("crate::").skip(1) {
            let name: String = used
                .chars()
                .take_while(|c| c.is_alphanumeric() || *c == '_')
                .collect();
            let Some(used) = position(&name) else {
                continue;
            };
            assert!(
                used <= own,
                "{}: {folder} uses {name}, which is a higher layer",
                path.display()
            );
            checked += 1;
        }
    }
    assert!(checked > 300);
}

#[test]
fn only_the_outermost_folders_use_the_process() {
    const OUTER: [&str; 2] = ["cli", "commands"];
    const PROCESS: [&str; 5] = [
        "std::env",
        "std::io::stdout",
        "std::io::stderr",
        "std::process::exit",
        "clap::Parser",
    ];
    for (folder, path, text) in files() {
        if !OUTER.contains(&folder.as_str()) {
            let used = PROCESS.iter().find(|name| text.contains(**name));
            assert!(used.is_none(), "{} uses {used:?}", path.display());
        }
    }
}

/// For example, a newcomer who searches for `render` finds one module of that name.
#[test]
fn no_two_modules_have_the_same_name() {
    let mut modules: BTreeMap<String, Vec<PathBuf>> = BTreeMap::new();
    for (folder, path, _) in files() {
        let stem = path.file_stem().unwrap().to_str().unwrap();
        let name = if stem == "mod" {
            folder
        } else {
            stem.to_owned()
        };
        modules.entry(name).or_default().push(path);
    }
    let duplicates: Vec<_> = modules
        .iter()
        .filter(|(_, paths)| paths.len() > 1)
        .collect();
    assert!(duplicates.is_empty(), "{duplicates:?}");
}

#[test]
fn every_file_starts_with_module_docs() {
    for (_, path, text) in files() {
        assert!(
            text.starts_with("//! "),
            "{} has no `//!` lines",
            path.display()
        );
    }
    assert!(Path::new(&project().join("src/main.rs")).exists());
}
