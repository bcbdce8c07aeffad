//! The repository that contains a path: its root, its git folders, their owners, and links that
//! point outside it.
//!
//! In a shared folder such as `/tmp`, any user can put a `.git` or a `stackref.toml` above the
//! files of others. As in git, both are used only if they belong to the user, to root, or, under
//! sudo, to the user who called it, or if git's `safe.directory` lists their folder.

use crate::diagnostics::error::Failure;
use crate::system::files;
use crate::system::paths;
use crate::text::escape::escape_control;
use std::collections::BTreeMap;
use std::ffi::OsString;
use std::io;
use std::os::unix::ffi::OsStrExt as _;
use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, OnceLock, PoisonError};

/// The largest `.git` file or `commondir`, in bytes. Both contain one path.
const MAX_LINK_FILE: u64 = 64 << 10;

/// Returns the nearest folder with a `.git`, from `start` upward, regardless of its owner.
pub fn nearest_root(start: &Path) -> Option<PathBuf> {
    start
        .ancestors()
        .find(|folder| has_git(folder))
        .map(Path::to_path_buf)
}

fn has_git(folder: &Path) -> bool {
    folder.join(".git").exists()
}

/// The folders in which git stores a repository.
#[derive(Debug, PartialEq, Eq)]
pub struct GitFolders {
    /// The folder of this work tree. It contains the index.
    pub worktree: PathBuf,
    /// The folder that all work trees share.
    pub common: PathBuf,
}

impl GitFolders {
    /// Finds the folders of a root by its `.git`: a folder, or a file that names one (in work trees
    /// and submodules).
    ///
    /// # Errors
    /// Fails if a file cannot be read or does not have git's format.
    pub fn for_root(root: &Path) -> io::Result<Self> {
        let git = root.join(".git");
        let worktree = if git.is_dir() {
            git
        } else {
            let text = files::read(&git, MAX_LINK_FILE)?;
            let target = text
                .strip_prefix(b"gitdir: ")
                .ok_or_else(|| io::Error::other("it does not name a git folder"))?;
            root.join(paths::from_bytes(target.trim_ascii_end()))
        };
        let common = match files::read(&worktree.join("commondir"), MAX_LINK_FILE) {
            Ok(text) => worktree.join(paths::from_bytes(text.trim_ascii_end())),
            Err(error) if error.kind() == io::ErrorKind::NotFound => worktree.clone(),
            Err(error) => return Err(error),
        };
        Ok(Self { worktree, common })
    }
}

/// Returns the `info/exclude` of the repository with this root, or `None` if it has none.
///
/// # Errors
/// Fails if the file must not be read: it is not a regular file, is too large, or points outside
/// the repository.
pub fn exclude_file(root: &Path) -> io::Result<Option<PathBuf>> {
    // A `.git` that git could not follow either excludes nothing.
    let Some(folders) = has_git(root)
        .then(|| GitFolders::for_root(root).ok())
        .flatten()
    else {
        return Ok(None);
    };
    let file = folders.common.join("info/exclude");
    if file.symlink_metadata().is_err() {
        return Ok(None);
    }
    files::check_discovered(&file, &folders.common, files::MAX_IGNORE_FILE).or_else(|error| {
        files::check_discovered(&file, root, files::MAX_IGNORE_FILE).map_err(|_| error)
    })?;
    Ok(file.is_file().then_some(file))
}

/// A file or folder that belongs to another user.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ForeignFile {
    /// The file or folder.
    pub path: PathBuf,
    /// The folder to list in `safe.directory`.
    pub folder: PathBuf,
    /// The id of its owner.
    pub owner: u32,
}

/// Returns the values of git's `safe.directory` in their order. The git program must not be in the
/// given folder.
pub type ListSafe = dyn Fn(&Path) -> Vec<OsString> + Send + Sync;

/// The users whose repositories and configs are used.
pub struct TrustedOwners {
    users: Vec<u32>,
    /// Reads git's `safe.directory`. Called at most once, and only for a file of another user.
    list_safe: Box<ListSafe>,
    safe: OnceLock<Vec<OsString>>,
    /// The files that were ignored because they belong to another user.
    ignored_files: Mutex<BTreeMap<PathBuf, ForeignFile>>,
}

impl TrustedOwners {
    /// Trusts the user of this process, root and, under sudo, the user of `SUDO_UID`.
    pub fn new(sudo_uid: Option<&str>, list_safe: Box<ListSafe>) -> Self {
        let user = rustix::process::geteuid().as_raw();
        let caller = sudo_uid
            .filter(|_| user == 0)
            .and_then(|id| id.parse().ok());
        Self {
            users: [Some(user), Some(0), caller]
                .into_iter()
                .flatten()
                .collect(),
            list_safe,
            safe: OnceLock::new(),
            ignored_files: Mutex::default(),
        }
    }

    /// Returns the root of the repository that contains `start`: the nearest folder with a `.git`
    /// of a trusted user.
    pub fn root(&self, start: &Path) -> Option<PathBuf> {
        let root = start
            .ancestors()
            .find(|folder| has_git(folder) && self.is_trusted(self.foreign_repository(folder)));
        root.map(Path::to_path_buf)
    }

    /// Finds a config by its name, from `start` upward to the root of the repository. Returns it
    /// with that root.
    ///
    /// Outside a repository, only `start` is searched. Configs of other users are skipped.
    pub fn config(&self, start: &Path, name: &str) -> Option<(PathBuf, PathBuf)> {
        let root = self.root(start).unwrap_or_else(|| start.to_path_buf());
        let folders = start
            .ancestors()
            .take_while(|folder| folder.starts_with(&root));
        let files = folders
            .map(|folder| folder.join(name))
            .filter(|file| file.symlink_metadata().is_ok());
        let mut trusted = files.filter(|file| self.is_trusted_config(file));
        trusted.next().map(|file| (file, root.clone()))
    }

    /// Returns whether a config may be used, and records it as ignored if not.
    pub fn is_trusted_config(&self, file: &Path) -> bool {
        let folder = file.parent().unwrap_or(file);
        let root = self.root(folder).unwrap_or_else(|| folder.to_path_buf());
        self.is_trusted(self.foreign(file, &root))
    }

    /// Returns the part of a repository that belongs to another user, or `None` if there is none or
    /// `safe.directory` lists the root.
    pub fn foreign_repository(&self, root: &Path) -> Option<ForeignFile> {
        let worktree = GitFolders::for_root(root)
            .ok()
            .map(|folders| folders.worktree);
        let parts = [Some(root.join(".git")), Some(root.to_path_buf()), worktree];
        parts
            .into_iter()
            .flatten()
            .find_map(|part| self.foreign(&part, root))
    }

    /// Returns a path as a [`ForeignFile`] if it, or the target of a link, belongs to another user.
    fn foreign(&self, path: &Path, folder: &Path) -> Option<ForeignFile> {
        let metadata = [path.symlink_metadata(), path.metadata()];
        let mut owners = metadata
            .into_iter()
            .flatten()
            .map(|metadata| metadata.uid());
        let owner = owners.find(|owner| !self.users.contains(owner))?;
        let foreign = ForeignFile {
            path: path.to_path_buf(),
            folder: folder.to_path_buf(),
            owner,
        };
        (!self.is_safe(folder)).then_some(foreign)
    }

    /// Returns whether there is no foreign file, and records it as ignored if there is one.
    fn is_trusted(&self, foreign: Option<ForeignFile>) -> bool {
        let Some(foreign) = foreign else { return true };
        let mut ignored = self
            .ignored_files
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        ignored.insert(foreign.path.clone(), foreign);
        false
    }

    /// Returns whether git's `safe.directory` lists a folder. As in git, an empty value clears the
    /// values before it.
    fn is_safe(&self, folder: &Path) -> bool {
        let folder = paths::canonicalize_existing(folder);
        self.safe
            .get_or_init(|| (self.list_safe)(&folder))
            .iter()
            .fold(false, |is_safe, value| {
                let value = value.as_bytes();
                let is_listed = match value.strip_suffix(b"/*") {
                    Some(above) => {
                        folder.starts_with(paths::canonicalize_existing(&paths::from_bytes(above)))
                    }
                    None => {
                        value == b"*"
                            || paths::canonicalize_existing(&paths::from_bytes(value)) == folder
                    }
                };
                !value.is_empty() && (is_safe || is_listed)
            })
    }

    /// Returns a note for each ignored file, with the command that makes stackref use it.
    pub fn notes(&self, cwd: &Path) -> Vec<String> {
        let ignored = self
            .ignored_files
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        ignored.values().map(|file| file.note(cwd)).collect()
    }
}

impl ForeignFile {
    fn note(&self, cwd: &Path) -> String {
        let path = escape_control(&paths::relative(&self.path, cwd));
        let folder = escape_control(&self.folder.display().to_string());
        format!(
            "`{path}` is ignored: it belongs to another user (uid {owner}); to use it, run \
             `git config --global --add safe.directory {folder}`",
            owner = self.owner
        )
    }
}

/// Refuses to write through a link that points outside its repository, or outside the working
/// directory. The author of the repository chose that target, not the user. `path` must be
/// absolute.
///
/// # Errors
/// Fails if the path contains such a link.
pub fn refuse_link_out(path: &Path, cwd: &Path, display_path: &str) -> Result<(), Failure> {
    let cwd = paths::canonicalize_existing(cwd);
    let mut parts: Vec<&Path> = path.ancestors().collect();
    parts.reverse();
    for link in parts.into_iter().filter(|path| path.is_symlink()) {
        let Ok(target) = link.canonicalize() else {
            continue;
        };
        let folder = paths::canonicalize_existing(link.parent().unwrap_or(link));
        let root = nearest_root(&folder).or_else(|| folder.starts_with(&cwd).then(|| cwd.clone()));
        let Some(root) = root else { continue };
        if target.starts_with(&root) && !target.starts_with(root.join(".git")) {
            continue;
        }
        let real = escape_control(&paths::canonicalize_existing(path).display().to_string());
        let link = escape_control(&paths::relative(link, &cwd));
        let (root, target) = (root.display().to_string(), target.display().to_string());
        let message = format!(
            "cannot write to `{display_path}`: `{link}` is a symbolic link that points outside `{}`, to `{}`",
            escape_control(&root),
            escape_control(&target)
        );
        return Err(Failure::usage(message).with_help(format!(
            "if you intend this, pass the target itself: `{real}`"
        )));
    }
    Ok(())
}

#[cfg(test)]
#[expect(clippy::unwrap_used, clippy::indexing_slicing, reason = "tests")]
mod tests {
    use super::*;
    use std::os::unix::fs::symlink;

    fn owners(safe: &[&str]) -> TrustedOwners {
        let safe: Vec<OsString> = safe.iter().map(OsString::from).collect();
        // No user is trusted, so every file belongs to another user.
        TrustedOwners {
            users: Vec::new(),
            ..TrustedOwners::new(None, Box::new(move |_| safe.clone()))
        }
    }

    #[test]
    fn safe_directory_is_read_as_in_git() {
        let folder = tempfile::tempdir().unwrap();
        let root = folder.path().canonicalize().unwrap();
        std::fs::create_dir_all(root.join("a/.git")).unwrap();
        let (a, above) = (
            root.join("a").display().to_string(),
            format!("{}/*", root.display()),
        );
        let is_safe = |safe: &[&str]| owners(safe).root(&root.join("a")).is_some();
        for safe in [&["*"][..], &[&a], &[&above], &["/other", &a], &["", &a]] {
            assert!(is_safe(safe), "{safe:?}");
        }
        for safe in [&[][..], &["/other"], &[&a, ""], &["*", ""], &["/other/*"]] {
            assert!(!is_safe(safe), "{safe:?}");
        }
    }

    #[test]
    fn files_of_other_users_are_ignored_with_a_note() {
        let folder = tempfile::tempdir().unwrap();
        std::fs::create_dir(folder.path().join(".git")).unwrap();
        std::fs::write(folder.path().join("c.toml"), "").unwrap();
        let others = owners(&[]);
        assert_eq!(others.config(folder.path(), "c.toml"), None);
        let notes = others.notes(folder.path());
        assert!(
            notes.len() == 2
                && notes[0].starts_with("`.git` is ignored: it belongs to another user"),
            "{notes:?}"
        );
        assert!(
            notes[1].contains("`c.toml`") && notes[1].contains("safe.directory"),
            "{notes:?}"
        );
        let own = TrustedOwners::new(None, Box::new(|_| Vec::new()));
        let found = (folder.path().join("c.toml"), folder.path().to_path_buf());
        assert_eq!(
            (
                own.config(folder.path(), "c.toml"),
                own.notes(folder.path())
            ),
            (Some(found), Vec::new())
        );
    }

    #[test]
    fn for_root_follows_git_file() {
        let folder = tempfile::tempdir().unwrap();
        let at = |name: &str| folder.path().join(name);
        std::fs::create_dir_all(at("main/.git/worktrees/w")).unwrap();
        std::fs::create_dir(at("w")).unwrap();
        std::fs::write(at("w/.git"), "gitdir: ../main/.git/worktrees/w\n").unwrap();
        std::fs::write(at("main/.git/worktrees/w/commondir"), "../..\n").unwrap();
        let folders = GitFolders::for_root(&at("w")).unwrap();
        assert_eq!(
            folders.common.canonicalize().unwrap(),
            at("main/.git").canonicalize().unwrap()
        );
        std::fs::write(at("w/.git"), "elsewhere").unwrap();
        assert!(GitFolders::for_root(&at("w")).is_err());
    }

    #[test]
    fn refuse_link_out_refuses_only_links_out() {
        let folder = tempfile::tempdir().unwrap();
        let root = folder.path().canonicalize().unwrap();
        for name in [
            "repository/.git",
            "repository/sub",
            "home/.git",
            "plain/sub",
        ] {
            std::fs::create_dir_all(root.join(name)).unwrap();
        }
        for (target, link) in [
            ("../home", "repository/out"),
            ("../../home", "repository/sub/out"),
            ("sub/out", "repository/indirect"),
            ("sub", "repository/in"),
            ("nothing", "repository/dangling"),
            ("../home", "plain/out"),
            ("repository", "entry"),
            (".git", "repository/git"),
        ] {
            symlink(target, root.join(link)).unwrap();
        }
        let refused = |path: &str, cwd: &str| {
            refuse_link_out(&root.join(path), &root.join(cwd), path).is_err()
        };
        for (path, cwd) in [
            ("repository/out", "repository"),
            ("repository/out/below", "repository"),
            ("repository/out/below", ""),
            ("repository/sub/out/x", "repository/sub"),
            ("repository/in/out", "repository"),
            ("repository/indirect", "repository"),
            ("plain/out/x", "plain"),
            ("entry/out", "repository"),
            ("repository/git/hooks", "repository"),
        ] {
            assert!(refused(path, cwd), "{path} in {cwd}");
        }
        for (path, cwd) in [
            ("home/x", "repository"),
            ("repository/in/x", "repository"),
            ("repository/new/x", "repository"),
            ("repository/dangling", "repository"),
            ("entry/x", "repository"),
            ("plain/out", "repository"),
        ] {
            assert!(!refused(path, cwd), "{path} in {cwd}");
        }
    }
}
