//! Paths: makes them absolute, resolves their links, and formats them for reports.
//!
//! Only [`canonicalize_existing`] reads the file system.

use std::ffi::OsStr;
use std::path::{Component, Path, PathBuf};

/// The names of staging folders begin with this, and so do the temporary files of earlier versions.
pub const STAGING_PREFIX: &str = ".stackref-";

/// The names of staging folders end with this.
pub const STAGING_SUFFIX: &str = ".tmp";

/// Returns whether a name is that of a staging folder, in which a run prepares the files that it
/// writes.
pub fn is_staging(name: &OsStr) -> bool {
    let name = name.as_encoded_bytes();
    name.starts_with(STAGING_PREFIX.as_bytes()) && name.ends_with(STAGING_SUFFIX.as_bytes())
}

/// Returns the last part of a path, like [`Path::file_name`]. A walk calls this for every entry, so
/// only the end of the path is parsed.
pub fn file_name(path: &Path) -> Option<&OsStr> {
    match split_name(path) {
        Some((_, name)) => Some(name),
        None => path.file_name(),
    }
}

/// Returns the folder and the name of a file. Returns `None` if the path does not end with both, or
/// has an unusual form.
pub fn split_name(path: &Path) -> Option<(&Path, &OsStr)> {
    use std::os::unix::ffi::OsStrExt as _;
    let bytes = path.as_os_str().as_bytes();
    let slash = memchr::memrchr(b'/', bytes)?;
    let (folder, name) = (bytes.get(..slash)?, bytes.get(slash + 1..)?);
    let is_usual = !folder.is_empty() && !matches!(name, b"" | b"." | b"..");
    is_usual.then(|| {
        (
            Path::new(OsStr::from_bytes(folder)),
            OsStr::from_bytes(name),
        )
    })
}

/// Returns an absolute path without `.` and `..`. Works on the text alone and resolves no links.
pub fn absolute(path: &Path, cwd: &Path) -> PathBuf {
    let mut out = PathBuf::new();
    for part in cwd.join(path).components() {
        match part {
            Component::CurDir => {}
            Component::ParentDir => drop(out.pop()),
            part => out.push(part),
        }
    }
    out
}

/// Resolves the links of the longest part of a path that exists, and appends the rest unchanged.
pub fn canonicalize_existing(path: &Path) -> PathBuf {
    let existing = path
        .ancestors()
        .find_map(|above| Some((above, above.canonicalize().ok()?)));
    match existing {
        Some((above, real)) if above == path => real,
        Some((above, real)) => path
            .strip_prefix(above)
            .map_or_else(|_| path.to_path_buf(), |rest| real.join(rest)),
        None => path.to_path_buf(),
    }
}

/// Returns a path as reports show it: relative to `base`, with `/`, and with `..` for each folder
/// to leave.
pub fn relative(path: &Path, base: &Path) -> String {
    // Most paths are below `base` and already have the shown form.
    if let Ok(below) = path.strip_prefix(base)
        && let Some(text) = below.to_str()
        && text.split('/').all(|part| !matches!(part, "" | "."))
    {
        return text.to_owned();
    }
    let shared = path
        .components()
        .zip(base.components())
        .take_while(|(a, b)| a == b)
        .count();
    let up = base.components().skip(shared).map(|_| "..".to_owned());
    let down = path
        .components()
        .skip(shared)
        .map(|part| part.as_os_str().to_string_lossy().into_owned());
    let parts: Vec<String> = up.chain(down).collect();
    if parts.is_empty() {
        ".".to_owned()
    } else {
        parts.join("/")
    }
}

/// Returns a path as messages show it: relative to `base`, or absolute if they share only the root
/// folder.
pub fn display_path(path: &Path, base: &Path) -> String {
    let common = path
        .components()
        .zip(base.components())
        .take_while(|(a, b)| a == b);
    if common.count() > 1 {
        relative(path, base)
    } else {
        path.to_string_lossy().into_owned()
    }
}

/// Returns a path from the command line as reports show it: unchanged if it is absolute and outside
/// `cwd`, otherwise relative to `cwd`.
pub fn display_given_path(given: &Path, cwd: &Path) -> String {
    if given.is_absolute() && !given.starts_with(cwd) {
        return given.to_string_lossy().into_owned();
    }
    relative(&absolute(given, cwd), cwd)
}

/// Returns a path from the bytes that the system uses for it.
pub fn from_bytes(bytes: &[u8]) -> PathBuf {
    use std::os::unix::ffi::OsStrExt as _;
    PathBuf::from(OsStr::from_bytes(bytes))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_those_of_the_standard_library() {
        for path in [
            "/a/b.c", "a/b", "a", "/a", "/", "", "a/", "a//", "a/.", "a/..", "..", "a//b", ".a/.b",
        ] {
            let path = Path::new(path);
            assert_eq!(file_name(path), path.file_name(), "{path:?}");
            if let Some((folder, name)) = split_name(path) {
                assert_eq!(folder.join(name), path);
                assert_eq!(Some(folder), path.parent(), "{path:?}");
            }
        }
    }

    #[test]
    fn relative_climbs_to_shared_folder() {
        let base = Path::new("/a/b");
        assert_eq!(relative(Path::new("/a/b/c/d.yaml"), base), "c/d.yaml");
        assert_eq!(relative(Path::new("/a/x.yaml"), base), "../x.yaml");
        assert_eq!(relative(base, base), ".");
        assert_eq!(absolute(Path::new("../x/./y"), base), Path::new("/a/x/y"));
    }

    #[test]
    fn display_path_is_absolute_without_shared_folder() {
        let base = Path::new("/a/b");
        assert_eq!(display_path(Path::new("/a/x.yaml"), base), "../x.yaml");
        assert_eq!(
            display_path(Path::new("/nope/x.yaml"), base),
            "/nope/x.yaml"
        );
        assert_eq!(
            display_given_path(Path::new("/a/x.yaml"), base),
            "/a/x.yaml"
        );
        assert_eq!(display_given_path(Path::new("/a/b/x.yaml"), base), "x.yaml");
        assert_eq!(
            display_given_path(Path::new("../c/./x.yaml"), base),
            "../c/x.yaml"
        );
    }
}
