//! Looks up programs on the PATH, but never in the repository that is checked: its author must not
//! decide which program runs.
//!
//! Running them is in [`super::process`].

use crate::system::paths;
use rustix::fs::{Access, access};
use std::ffi::{OsStr, OsString};
use std::os::unix::ffi::OsStrExt as _;
use std::path::{Path, PathBuf};

/// The folders that are searched if PATH is not set.
const DEFAULT_PATH: &str = "/usr/local/bin:/usr/bin:/bin";

/// Returns the folders of a PATH that may supply programs: absolute ones outside `outside_of`,
/// links followed.
pub fn folders(path: Option<&OsStr>, outside_of: Option<&Path>) -> Vec<PathBuf> {
    let entries = path
        .unwrap_or(OsStr::new(DEFAULT_PATH))
        .as_bytes()
        .split(|&byte| byte == b':')
        .map(paths::from_bytes);
    entries
        .filter(|entry| entry.is_absolute() && !is_inside(entry, outside_of))
        .collect()
}

/// Finds a program by its name in the [`folders`] of a PATH.
///
/// Returns `None` if none of them contains it, if it is a link into `outside_of`, or if the name is
/// a path.
pub fn find(name: &OsStr, path: Option<&OsStr>, outside_of: Option<&Path>) -> Option<PathBuf> {
    if name.is_empty() || Path::new(name).file_name() != Some(name) {
        return None;
    }
    let mut files = folders(path, outside_of)
        .into_iter()
        .map(|folder| folder.join(name));
    files.find(|file| is_executable(file) && !is_inside(file, outside_of))
}

fn is_executable(file: &Path) -> bool {
    file.is_file() && access(file, Access::EXEC_OK).is_ok()
}

/// Joins [`folders`] to a PATH.
pub fn join(folders: &[PathBuf]) -> OsString {
    let folders: Vec<&OsStr> = folders.iter().map(|folder| folder.as_os_str()).collect();
    folders.join(OsStr::new(":"))
}

/// Returns whether a path is in a folder, links followed. Returns false for the root folder, which
/// contains every program.
fn is_inside(path: &Path, folder: Option<&Path>) -> bool {
    let Some(folder) = folder.filter(|folder| folder.parent().is_some()) else {
        return false;
    };
    path.starts_with(folder) || resolve_or_keep(path).starts_with(resolve_or_keep(folder))
}

fn resolve_or_keep(path: &Path) -> PathBuf {
    path.canonicalize().unwrap_or_else(|_| path.to_path_buf())
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "tests")]
mod tests {
    use super::*;
    use std::os::unix::fs::{PermissionsExt as _, symlink};

    #[test]
    fn find_skips_relative_folders_and_the_repository() {
        let folder = tempfile::tempdir().unwrap();
        let root = folder.path().canonicalize().unwrap();
        for name in ["repository/bin", "bin", "plain", "links"] {
            std::fs::create_dir_all(root.join(name)).unwrap();
            std::fs::write(root.join(name).join("tool"), "").unwrap();
        }
        for name in ["repository/bin/tool", "bin/tool"] {
            std::fs::set_permissions(root.join(name), std::fs::Permissions::from_mode(0o755))
                .unwrap();
        }
        std::fs::remove_file(root.join("links/tool")).unwrap();
        symlink("../repository/bin/tool", root.join("links/tool")).unwrap();
        symlink("repository/bin", root.join("link")).unwrap();
        let shown = root.display();
        let find = |path: &str| {
            find(
                "tool".as_ref(),
                Some(path.as_ref()),
                Some(&root.join("repository")),
            )
        };
        for path in ["", ":", ".", "bin", "repository/bin", "./bin:"] {
            assert_eq!(find(path), None, "{path}");
        }
        for name in [
            "repository/bin",
            "link",
            "links",
            "plain",
            "repository/../repository/bin",
        ] {
            assert_eq!(find(&format!("{shown}/{name}")), None, "{name}");
        }
        let path = format!(".::{shown}/repository/bin:{shown}/links:{shown}/plain:{shown}/bin");
        assert_eq!(find(&path), Some(root.join("bin/tool")));
        assert_eq!(
            super::find("bin/tool".as_ref(), Some(path.as_ref()), None),
            None
        );
        assert!(super::find("sh".as_ref(), None, Some(Path::new("/"))).is_some());
    }
}
