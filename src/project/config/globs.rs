//! The globs of a config. They are relative to its folder. A glob that names a folder matches
//! everything in it.

use crate::system::paths;
use globset::{GlobBuilder, GlobSet, GlobSetBuilder};
use std::path::Path;

/// The most bytes of a glob. Deeper nesting overflows the stack of the glob parser.
const MAX_GLOB_BYTES: usize = 1_000;

/// A set of globs, each with its text, so that messages can name the glob that matches.
#[derive(Clone, Debug, Default)]
pub struct Globs {
    set: GlobSet,
    /// The text of each glob in the set.
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

    /// Returns whether the text of each glob starts with a prefix.
    pub fn all_start_with(&self, prefix: &str) -> bool {
        self.texts.iter().all(|text| text.starts_with(prefix))
    }

    /// Returns whether the set is empty.
    pub fn is_empty(&self) -> bool {
        self.texts.is_empty()
    }
}

/// A builder of [`Globs`].
pub struct GlobsBuilder {
    set: GlobSetBuilder,
    texts: Vec<String>,
}

/// A glob that cannot match any path because of its form.
#[derive(Debug, PartialEq, Eq)]
pub struct UnmatchableGlob {
    /// The reason why it matches nothing.
    pub reason: &'static str,
    /// The glob that was probably intended, if there is one.
    pub correct: Option<String>,
}

impl GlobsBuilder {
    /// Creates a builder without globs.
    pub fn new() -> Self {
        Self {
            set: GlobSetBuilder::new(),
            texts: Vec::new(),
        }
    }

    /// Adds a glob. Returns it as [`UnmatchableGlob`] if it cannot match any path below `folder`,
    /// the folder of the config.
    ///
    /// # Errors
    /// Fails if the text is not a valid glob.
    pub fn add(&mut self, text: &str, folder: &Path) -> Result<Option<UnmatchableGlob>, String> {
        if text.len() > MAX_GLOB_BYTES {
            return Err(format!("this glob is longer than {MAX_GLOB_BYTES} bytes"));
        }
        if text.starts_with('!') {
            return Err(format!(
                "`{text}` starts with `!`, but negated globs are not supported"
            ));
        }
        let glob = match normalize_glob(text, folder) {
            Ok(glob) => glob,
            Err(unmatchable) => return Ok(Some(unmatchable)),
        };
        let last = glob.rsplit('/').next().unwrap_or(&glob);
        let below = if last.contains(['*', '?', '[', '{', '\\']) {
            None
        } else {
            Some(format!("{glob}/**"))
        };
        for glob in [Some(glob), below].into_iter().flatten() {
            self.set.add(
                compile_glob(&glob)
                    .map_err(|error| format!("`{text}` is not a valid glob: {}", error.kind()))?,
            );
            self.texts.push(text.to_owned());
        }
        Ok(None)
    }

    /// Builds the set.
    ///
    /// # Errors
    /// Fails if the globs are too large together.
    pub fn build(self) -> Result<Globs, String> {
        let set = self
            .set
            .build()
            .map_err(|error| format!("these globs are too large: {}", error.kind()))?;
        Ok(Globs {
            set,
            texts: self.texts,
        })
    }
}

fn compile_glob(glob: &str) -> Result<globset::Glob, globset::Error> {
    GlobBuilder::new(glob).literal_separator(true).build()
}

/// Returns a glob in the form of the paths below the config's folder: without `.` and empty parts.
fn normalize_glob(text: &str, folder: &Path) -> Result<String, UnmatchableGlob> {
    let (reason, intended) = if has_windows_separator(text) {
        (
            "`\\` escapes the next character; folders are separated by `/`",
            text.replace('\\', "/"),
        )
    } else if text.trim() != text {
        ("it starts or ends with a space", text.trim().to_owned())
    } else if text.starts_with('/') {
        (
            "globs are relative to the folder of the config",
            text.to_owned(),
        )
    } else {
        return normalize_relative_glob(text, folder);
    };
    Err(UnmatchableGlob {
        reason,
        correct: relative_glob(&intended, folder),
    })
}

fn normalize_relative_glob(text: &str, folder: &Path) -> Result<String, UnmatchableGlob> {
    match relative_glob(text, folder) {
        Some(glob) if !text.split('/').any(|part| part == "..") => Ok(glob),
        correct => Err(UnmatchableGlob {
            reason: "globs are relative to the folder of the config and cannot leave it",
            correct,
        }),
    }
}

/// Returns whether a glob uses `\` as a Windows path does. Before characters such as `[` and `?` it
/// is an escape.
fn has_windows_separator(text: &str) -> bool {
    let after = text.split('\\').skip(1);
    after.into_iter().any(|rest| {
        rest.chars()
            .next()
            .is_none_or(|c| !matches!(c, '[' | ']' | '{' | '}' | '?' | '!'))
    })
}

/// Returns a glob relative to a folder, without redundant parts. Returns `None` if it leaves the
/// folder.
fn relative_glob(glob: &str, folder: &Path) -> Option<String> {
    // A leading slash means the folder of the config, as in `.gitignore`, unless the path starts
    // with the absolute path of that folder.
    let path = if Path::new(glob).starts_with(folder) {
        glob
    } else {
        glob.trim_start_matches('/')
    };
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
            Some(unmatchable) => Err(unmatchable.correct),
        }
    }

    #[test]
    fn glob_of_folder_matches_everything_in_it() {
        for text in [
            "archive",
            "archive/",
            "./archive",
            "archive/**",
            "archive//",
            "**/archive",
            ".//archive/.",
        ] {
            let globs = globs(text).unwrap();
            assert!(globs.is_match(Path::new("archive/a/b.yaml")), "{text}");
            assert!(!globs.is_match(Path::new("archives/b.yaml")), "{text}");
            assert_eq!(globs.first_match(Path::new("archive/b.yaml")), Some(text));
        }
        assert!(
            !globs("archive")
                .unwrap()
                .is_match(Path::new("stacks/archive/b.yaml"))
        );
        assert!(
            globs("**/archive")
                .unwrap()
                .is_match(Path::new("stacks/archive/b.yaml"))
        );
        // A glob with a wildcard does not name a folder.
        assert!(
            !globs("stacks/*")
                .unwrap()
                .is_match(Path::new("stacks/a/b.yaml"))
        );
        assert!(
            globs("stacks/*.yaml")
                .unwrap()
                .is_match(Path::new("stacks/a.yaml"))
        );
        assert!(
            globs(r"stacks/\[a\].yaml")
                .unwrap()
                .is_match(Path::new("stacks/[a].yaml"))
        );
    }

    #[test]
    fn unmatchable_glob_suggests_correct_one() {
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
            assert_eq!(
                globs(text).map(|_| ()),
                Err(correct.map(str::to_owned)),
                "{text}"
            );
        }
    }
}
