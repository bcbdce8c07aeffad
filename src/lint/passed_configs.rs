//! Finds the run configs that Python code passes to a pipeline, as in `with_options(config_path=…)`.
//! Their contents do not have to look like a run config.

use crate::lint::analysis::Analysis;
use crate::lint::scan::PathRoots;
use crate::project::discover::{Candidate, MatchReason, Search, Selection};
use crate::system::paths;
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

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
        let candidate = paths::absolute(Path::new(path), folder);
        if candidate.starts_with(root) && candidate.is_file() {
            return Some(candidate);
        }
        if folder == root {
            break;
        }
    }
    None
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "tests")]
mod tests {
    use super::*;

    #[test]
    fn path_is_relative_to_the_code_or_a_folder_above_it() {
        let folder = tempfile::tempdir().unwrap();
        let outside = folder.path().canonicalize().unwrap();
        let root = outside.join("r");
        std::fs::create_dir_all(root.join("a/b")).unwrap();
        for file in ["c.yaml", "r/c.yaml", "r/a/d.yaml"] {
            std::fs::write(outside.join(file), "").unwrap();
        }
        for (path, expected) in [
            ("../c.yaml", Some("c.yaml")),
            ("./../d.yaml", Some("a/d.yaml")),
            ("d.yaml", Some("a/d.yaml")),
            ("../../../../../c.yaml", None),
            ("x.yaml", None),
        ] {
            let found = existing_path(&root.join("a/b/run.py"), path, &root);
            assert_eq!(found, expected.map(|path| root.join(path)), "{path}");
        }
    }
}
