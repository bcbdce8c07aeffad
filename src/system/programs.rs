//! Programs that stackref runs, looked up on the PATH but never in the folder that is worked on: its files may be anybody's.

use crate::system::paths;
use rustix::fs::{Access, access};
use std::ffi::{OsStr, OsString};
use std::os::unix::ffi::OsStrExt as _;
use std::path::{Path, PathBuf};

/// The folders that are searched where PATH is not set.
const DEFAULT_PATH: &str = "/usr/local/bin:/usr/bin:/bin";

/// Returns the folders of a PATH that may supply programs: absolute ones that do not lie in `outside_of`, without links.
pub fn folders(path: Option<&OsStr>, outside_of: Option<&Path>) -> Vec<PathBuf> {
    let entries =
        path.unwrap_or(OsStr::new(DEFAULT_PATH)).as_bytes().split(|&byte| byte == b':').map(paths::from_bytes);
    entries.filter(|entry| entry.is_absolute() && !is_inside(entry, outside_of)).collect()
}

/// Finds a program by its name in the [`folders`] of a PATH. Returns `None` where none of them has it, where the only one
/// leads into `outside_of`, or where the name is a path.
pub fn find(name: &OsStr, path: Option<&OsStr>, outside_of: Option<&Path>) -> Option<PathBuf> {
    if name.is_empty() || Path::new(name).file_name() != Some(name) {
        return None;
    }
    let is_program =
        |file: &PathBuf| file.is_file() && access(file, Access::EXEC_OK).is_ok() && !is_inside(file, outside_of);
    folders(path, outside_of).into_iter().map(|folder| folder.join(name)).find(is_program)
}

/// Joins [`folders`] to a PATH again.
pub fn join(folders: &[PathBuf]) -> OsString {
    let folders: Vec<&OsStr> = folders.iter().map(|folder| folder.as_os_str()).collect();
    folders.join(OsStr::new(":"))
}

/// Whether a path lies in a folder, links followed. Everything would lie in the root folder, so that counts for nothing.
fn is_inside(path: &Path, folder: Option<&Path>) -> bool {
    let Some(folder) = folder.filter(|folder| folder.parent().is_some()) else { return false };
    let real = |path: &Path| path.canonicalize().unwrap_or_else(|_| path.to_path_buf());
    path.starts_with(folder) || real(path).starts_with(real(folder))
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "tests")]
mod tests {
    use super::*;
    use std::os::unix::fs::{PermissionsExt as _, symlink};

    #[test]
    fn no_relative_entry_and_none_in_the_folder_supplies_a_program() {
        let folder = tempfile::tempdir().unwrap();
        let root = folder.path().canonicalize().unwrap();
        for name in ["repository/bin", "bin", "plain", "links"] {
            std::fs::create_dir_all(root.join(name)).unwrap();
            std::fs::write(root.join(name).join("tool"), "").unwrap();
        }
        for name in ["repository/bin/tool", "bin/tool"] {
            std::fs::set_permissions(root.join(name), std::fs::Permissions::from_mode(0o755)).unwrap();
        }
        std::fs::remove_file(root.join("links/tool")).unwrap();
        symlink("../repository/bin/tool", root.join("links/tool")).unwrap();
        symlink("repository/bin", root.join("link")).unwrap();
        let shown = root.display();
        let find = |path: &str| find("tool".as_ref(), Some(path.as_ref()), Some(&root.join("repository")));
        for path in ["", ":", ".", "bin", "repository/bin", "./bin:"] {
            assert_eq!(find(path), None, "{path}");
        }
        for name in ["repository/bin", "link", "links", "plain", "repository/../repository/bin"] {
            assert_eq!(find(&format!("{shown}/{name}")), None, "{name}");
        }
        let path = format!(".::{shown}/repository/bin:{shown}/links:{shown}/plain:{shown}/bin");
        assert_eq!(find(&path), Some(root.join("bin/tool")));
        assert_eq!(super::find("bin/tool".as_ref(), Some(path.as_ref()), None), None);
        assert!(super::find("sh".as_ref(), None, Some(Path::new("/"))).is_some());
    }
}
