//! Finds the run configs that Python code passes to a pipeline, as in `with_options(config_path=…)`.
//! Their contents do not have to look like a run config.

use crate::lint::analysis::Analysis;
use crate::lint::scan::PathRoots;
use crate::project::discover::{Candidate, MatchReason, Search, Selection};
use std::collections::BTreeMap;
use std::path::{Component, Path, PathBuf};

/// Returns the files of a selection that the analyzed code passes as run configs, sorted.
pub(super) fn passed_configs(
    files: &[Analysis],
    search: &Search<'_>,
    selection: &Selection,
    roots: &PathRoots,
) -> Vec<Candidate> {
    let mut found: BTreeMap<PathBuf, Candidate> = BTreeMap::new();
    for file in files {
        for path in &file.run_config_paths {
            let Some(path) = existing_path(&file.path, path, &roots.root) else {
                continue;
            };
            let is_selected = selection
                .folders
                .iter()
                .any(|folder| path.starts_with(folder))
                || selection.listed_files.contains(&path);
            if !is_selected || search.matching_exclude(&path).is_some() {
                continue;
            }
            let config = search.configs.for_file(&path);
            let candidate = search
                .candidates(&config, &path, &search.roots)
                .find(|candidate| !candidate.syntax.is_script());
            let reason = MatchReason::PassedConfig(file.source.path().to_owned());
            found.extend(candidate.map(|candidate| {
                let reason = Some(reason);
                (
                    path,
                    Candidate {
                        reason,
                        ..candidate
                    },
                )
            }));
        }
    }
    found.into_values().collect()
}

/// Returns the file that code in a file means by a path. It may be relative to the folder of the
/// code or to one above it.
fn existing_path(code: &Path, path: &str, root: &Path) -> Option<PathBuf> {
    for folder in code.ancestors().skip(1) {
        let candidate = normalized(&folder.join(path))?;
        if candidate.starts_with(root) && candidate.is_file() {
            return Some(candidate);
        }
        if folder == root {
            break;
        }
    }
    None
}

/// Removes `.` and `..` from an absolute path.
fn normalized(path: &Path) -> Option<PathBuf> {
    let mut out = PathBuf::new();
    for part in path.components() {
        match part {
            Component::ParentDir => {
                if !out.pop() {
                    return None;
                }
            }
            Component::CurDir => {}
            _ => out.push(part),
        }
    }
    Some(out)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn dots_are_removed_from_paths() {
        for (path, expected) in [
            ("/a/b/../c.yaml", Some("/a/c.yaml")),
            ("/a/./c.yaml", Some("/a/c.yaml")),
            ("/a/../../c.yaml", None),
        ] {
            assert_eq!(
                normalized(Path::new(path)),
                expected.map(PathBuf::from),
                "{path}"
            );
        }
    }
}
