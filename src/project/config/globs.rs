//! The globs of the config. They are relative to its folder, and one that names a folder means everything in it.

use crate::system::paths;
use globset::{GlobBuilder, GlobSet, GlobSetBuilder};
use std::path::Path;

/// Bytes that a glob may have: nesting beyond that overflows the stack of its reader.
const MAX_GLOB_BYTES: usize = 1_000;

/// A set of globs, each with its text, so that the one that matched can be named.
#[derive(Clone, Debug, Default)]
pub struct Globs {
    set: GlobSet,
    /// By the index of each glob in the set.
    texts: Vec<String>,
}

impl Globs {
    /// Returns the text of the first glob that matches a path relative to the config's folder.
    pub fn first_match(&self, path: &Path) -> Option<&str> {
        if self.texts.is_empty() {
            return None;
        }
        let first = self.set.matches(path).into_iter().min()?;
        self.texts.get(first).map(String::as_str)
    }

    /// Returns whether any glob matches a path relative to the config's folder.
    pub fn is_match(&self, path: &Path) -> bool {
        self.set.is_match(path)
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.texts.is_empty()
    }
}

/// Collects globs.
pub struct GlobsBuilder {
    set: GlobSetBuilder,
    texts: Vec<String>,
}

/// A glob whose form keeps it from matching any path.
#[derive(Debug, PartialEq, Eq)]
pub struct UnmatchableGlob {
    /// Why it matches nothing.
    pub reason: &'static str,
    /// The form that was probably meant, if there is one.
    pub correct: Option<String>,
}

impl GlobsBuilder {
    /// A builder without globs.
    pub fn new() -> Self {
        Self { set: GlobSetBuilder::new(), texts: Vec::new() }
    }

    /// Adds a glob. Returns the reason if it cannot match any path below `folder`, that of the config.
    ///
    /// # Errors
    /// It is not a glob.
    pub fn add(&mut self, text: &str, folder: &Path) -> Result<Option<UnmatchableGlob>, String> {
        if text.len() > MAX_GLOB_BYTES {
            return Err(format!("a glob of more than {MAX_GLOB_BYTES} bytes"));
        }
        if text.starts_with('!') {
            return Err(format!("`{text}` begins with `!`, and globs are not negated here"));
        }
        let glob = match normalize_glob(text, folder) {
            Ok(glob) => glob,
            Err(misfit) => return Ok(Some(misfit)),
        };
        let last = glob.rsplit('/').next().unwrap_or(&glob);
        let below = if last.contains(['*', '?', '[', '{', '\\']) { None } else { Some(format!("{glob}/**")) };
        for glob in [Some(glob), below].into_iter().flatten() {
            self.set.add(compile_glob(&glob).map_err(|error| format!("`{text}` is not a glob: {}", error.kind()))?);
            self.texts.push(text.to_owned());
        }
        Ok(None)
    }

    /// Returns the globs.
    ///
    /// # Errors
    /// Together they are too large.
    pub fn build(self) -> Result<Globs, String> {
        let set = self.set.build().map_err(|error| format!("these globs are too large: {}", error.kind()))?;
        Ok(Globs { set, texts: self.texts })
    }
}

fn compile_glob(glob: &str) -> Result<globset::Glob, globset::Error> {
    GlobBuilder::new(glob).literal_separator(true).build()
}

/// Returns a glob as paths below the config's folder have their parts: without `.`, and without empty ones.
fn normalize_glob(text: &str, folder: &Path) -> Result<String, UnmatchableGlob> {
    let misfit = |reason, glob: &str| {
        let correct = relative_glob(glob, folder);
        Err(UnmatchableGlob { reason, correct })
    };
    if has_windows_separator(text) {
        return misfit("`\\` escapes the next character; folders are separated by `/`", &text.replace('\\', "/"));
    }
    let trimmed = text.trim();
    if trimmed != text {
        return misfit("it begins or ends with a space", trimmed);
    }
    if text.starts_with('/') {
        return misfit("globs are relative to the folder of the config", text);
    }
    match relative_glob(text, folder) {
        Some(glob) if !text.split('/').any(|part| part == "..") => Ok(glob),
        correct => Err(UnmatchableGlob {
            reason: "globs are relative to the folder of the config and cannot leave it",
            correct,
        }),
    }
}

/// Whether a glob has `\` where a path of Windows has it. Before `[`, `{` and `?` it is an escape.
fn has_windows_separator(text: &str) -> bool {
    let after = text.split('\\').skip(1);
    after.into_iter().any(|rest| rest.chars().next().is_none_or(|c| !matches!(c, '[' | ']' | '{' | '}' | '?' | '!')))
}

/// Returns a glob relative to a folder, without parts that lead nowhere; nothing if it leads out of the folder.
fn relative_glob(glob: &str, folder: &Path) -> Option<String> {
    // A slash at the beginning means the folder of the config, as in `.gitignore`, unless it is the path of that folder.
    let path = if Path::new(glob).starts_with(folder) { glob } else { glob.trim_start_matches('/') };
    let path = paths::absolute(Path::new(path), folder);
    let parts = path.strip_prefix(folder).ok()?.to_str()?.to_owned();
    (!parts.is_empty()).then_some(parts)
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "tests")]
mod tests {
    use super::*;

    fn globs(text: &str) -> Result<Globs, Option<String>> {
        let mut builder = GlobsBuilder::new();
        match builder.add(text, Path::new("/repo/sub")).unwrap() {
            None => Ok(builder.build().unwrap()),
            Some(misfit) => Err(misfit.correct),
        }
    }

    #[test]
    fn a_glob_that_names_a_folder_means_everything_in_it() {
        for text in ["archive", "archive/", "./archive", "archive/**", "archive//", "**/archive", ".//archive/."] {
            let globs = globs(text).unwrap();
            assert!(globs.is_match(Path::new("archive/a/b.yaml")), "{text}");
            assert!(!globs.is_match(Path::new("archives/b.yaml")), "{text}");
            assert_eq!(globs.first_match(Path::new("archive/b.yaml")), Some(text));
        }
        assert!(!globs("archive").unwrap().is_match(Path::new("stacks/archive/b.yaml")));
        assert!(globs("**/archive").unwrap().is_match(Path::new("stacks/archive/b.yaml")));
        // What stars match is not a folder by its name.
        assert!(!globs("stacks/*").unwrap().is_match(Path::new("stacks/a/b.yaml")));
        assert!(globs("stacks/*.yaml").unwrap().is_match(Path::new("stacks/a.yaml")));
        assert!(globs(r"stacks/\[a\].yaml").unwrap().is_match(Path::new("stacks/[a].yaml")));
    }

    #[test]
    fn a_form_that_matches_nothing_has_a_correct_one() {
        for (text, correct) in [
            ("/stacks/archive/**", Some("stacks/archive/**")),
            ("//stacks", Some("stacks")),
            ("/repo/sub/stacks/*.yaml", Some("stacks/*.yaml")),
            (r"stacks\archive\**", Some("stacks/archive/**")),
            (r".\stacks\*.yaml", Some("stacks/*.yaml")),
            (r"archive\", Some("archive")),
            ("../sub/archive", Some("archive")),
            ("../other/**", None),
            ("a/../../x", None),
            ("a/../b", Some("b")),
            (" archive", Some("archive")),
            ("archive/** ", Some("archive/**")),
        ] {
            assert_eq!(globs(text).map(|_| ()), Err(correct.map(str::to_owned)), "{text}");
        }
    }
}
