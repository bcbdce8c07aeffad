//! The repository around a path: its root, its own folders, whose they are, and the links that lead out of it.
//!
//! A folder like `/tmp` is shared, so anybody can put a `.git` or a `stackref.toml` above the files of others. As in git, both
//! count only if they belong to the user (with sudo, also to the user who called it), to root, or if git's `safe.directory`
//! lists their folder.

use crate::diagnostics::error::Failure;
use crate::diagnostics::excerpt::escape_control;
use crate::system::files;
use crate::system::paths;
use std::collections::BTreeMap;
use std::ffi::OsString;
use std::fs::Metadata;
use std::io;
use std::os::unix::ffi::OsStrExt as _;
use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, OnceLock, PoisonError};

/// The largest `.git` file or `commondir`, in bytes: either holds one path.
const MAX_LINK_FILE: u64 = 64 << 10;

/// Returns the nearest folder with a `.git`, from `start` upward, whoever owns it.
pub fn nearest_root(start: &Path) -> Option<PathBuf> {
    start.ancestors().find(|folder| has_git(folder)).map(Path::to_path_buf)
}

fn has_git(folder: &Path) -> bool {
    folder.join(".git").exists()
}

/// The folders that git keeps a repository in.
#[derive(Debug, PartialEq, Eq)]
pub struct GitFolders {
    /// The folder of this work tree: it holds the index.
    pub worktree: PathBuf,
    /// The folder that all work trees of the repository share.
    pub common: PathBuf,
}

impl GitFolders {
    /// Follows the `.git` of a root: a folder, or a file that names one (work trees, submodules).
    ///
    /// # Errors
    /// A file on the way cannot be read, or is not what git writes.
    pub fn for_root(root: &Path) -> io::Result<Self> {
        let git = root.join(".git");
        let own = if git.is_dir() {
            git
        } else {
            let text = files::read(&git, MAX_LINK_FILE)?;
            let target = text.strip_prefix(b"gitdir: ").ok_or_else(|| io::Error::other("it names no folder"))?;
            root.join(paths::from_bytes(target.trim_ascii_end()))
        };
        let common = match files::read(&own.join("commondir"), MAX_LINK_FILE) {
            Ok(text) => own.join(paths::from_bytes(text.trim_ascii_end())),
            Err(error) if error.kind() == io::ErrorKind::NotFound => own.clone(),
            Err(error) => return Err(error),
        };
        Ok(Self { worktree: own, common })
    }
}

/// Returns the `info/exclude` of the repository whose root this is, if there is one.
///
/// # Errors
/// It must not be read: it is not a regular file, too large, or leads out of the repository.
pub fn exclude_file(root: &Path) -> io::Result<Option<PathBuf>> {
    // What git could not follow, either, excludes nothing.
    let Some(folders) = has_git(root).then(|| GitFolders::for_root(root).ok()).flatten() else { return Ok(None) };
    let file = folders.common.join("info/exclude");
    if file.symlink_metadata().is_err() {
        return Ok(None);
    }
    let is_inside = |folder: &Path| files::check_discovered(&file, folder, files::MAX_IGNORE_FILE);
    is_inside(&folders.common).or_else(|error| is_inside(root).map_err(|_| error))?;
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

/// Returns the values of git's `safe.directory` in its order; git is not taken from the folder that is given.
pub type ListSafe = dyn Fn(&Path) -> Vec<OsString> + Send + Sync;

/// The users whose repositories and configs count.
pub struct TrustedOwners {
    users: Vec<u32>,
    /// Reads git's `safe.directory`. It is asked once, and only if something belongs to another user.
    list_safe: Box<ListSafe>,
    safe: OnceLock<Vec<OsString>>,
    /// What was found and did not count.
    ignored_files: Mutex<BTreeMap<PathBuf, ForeignFile>>,
}

impl TrustedOwners {
    /// The user of this process, root, and with sudo the user of `SUDO_UID`.
    pub fn new(sudo_uid: Option<&str>, list_safe: Box<ListSafe>) -> Self {
        let user = rustix::process::geteuid().as_raw();
        let caller = sudo_uid.filter(|_| user == 0).and_then(|id| id.parse().ok());
        Self {
            users: [Some(user), Some(0), caller].into_iter().flatten().collect(),
            list_safe,
            safe: OnceLock::new(),
            ignored_files: Mutex::default(),
        }
    }

    /// Returns the root of the repository that `start` lies in: the nearest folder with a `.git`. Those of other users are
    /// passed over.
    pub fn root(&self, start: &Path) -> Option<PathBuf> {
        let root = start.ancestors().find(|folder| has_git(folder) && self.is_trusted(self.foreign_repository(folder)));
        root.map(Path::to_path_buf)
    }

    /// Finds a config by its name, from `start` upward to the root of the repository, which is returned with it; outside a
    /// repository in `start` alone. Configs of other users are passed over.
    pub fn config(&self, start: &Path, name: &str) -> Option<(PathBuf, PathBuf)> {
        let root = self.root(start).unwrap_or_else(|| start.to_path_buf());
        let folders = start.ancestors().take_while(|folder| folder.starts_with(&root));
        let files = folders.map(|folder| folder.join(name)).filter(|file| file.symlink_metadata().is_ok());
        let mut own = files.filter(|file| self.is_trusted_config(file));
        own.next().map(|file| (file, root.clone()))
    }

    /// Returns whether a config file may be used. Those of other users are passed over.
    pub fn is_trusted_config(&self, file: &Path) -> bool {
        let folder = file.parent().unwrap_or(file);
        let root = self.root(folder).unwrap_or_else(|| folder.to_path_buf());
        self.is_trusted(self.foreign(file, &root))
    }

    /// Returns the part of a repository that belongs to another user, if there is one that `safe.directory` does not allow.
    pub fn foreign_repository(&self, root: &Path) -> Option<ForeignFile> {
        let own = GitFolders::for_root(root).ok().map(|folders| folders.worktree);
        let parts = [Some(root.join(".git")), Some(root.to_path_buf()), own];
        parts.into_iter().flatten().find_map(|part| self.foreign(&part, root))
    }

    /// Returns a file or folder as [`ForeignFile`], if it or the file that it links to belongs to another user.
    fn foreign(&self, path: &Path, folder: &Path) -> Option<ForeignFile> {
        let owner = |metadata: io::Result<Metadata>| metadata.ok().map(|metadata| metadata.uid());
        let owners = [owner(path.symlink_metadata()), owner(path.metadata())];
        let owner = owners.into_iter().flatten().find(|owner| !self.users.contains(owner))?;
        let foreign = ForeignFile { path: path.to_path_buf(), folder: folder.to_path_buf(), owner };
        (!self.is_safe(folder)).then_some(foreign)
    }

    fn is_trusted(&self, foreign: Option<ForeignFile>) -> bool {
        let Some(foreign) = foreign else { return true };
        let mut ignored = self.ignored_files.lock().unwrap_or_else(PoisonError::into_inner);
        ignored.insert(foreign.path.clone(), foreign);
        false
    }

    /// Whether git's `safe.directory` lists a folder, as git reads it: an empty value takes back those before it.
    fn is_safe(&self, folder: &Path) -> bool {
        let folder = paths::canonicalize_existing(folder);
        self.safe.get_or_init(|| (self.list_safe)(&folder)).iter().fold(false, |is_safe, value| {
            let value = value.as_bytes();
            let is_listed = match value.strip_suffix(b"/*") {
                Some(above) => folder.starts_with(paths::canonicalize_existing(&paths::from_bytes(above))),
                None => value == b"*" || paths::canonicalize_existing(&paths::from_bytes(value)) == folder,
            };
            !value.is_empty() && (is_safe || is_listed)
        })
    }

    /// Describes what was passed over since it belongs to another user, and how to use it all the same.
    pub fn notes(&self, cwd: &Path) -> Vec<String> {
        let ignored = self.ignored_files.lock().unwrap_or_else(PoisonError::into_inner);
        let note = |ForeignFile { path, folder, owner }: &ForeignFile| {
            let (path, folder) =
                (escape_control(&paths::relative(path, cwd)), escape_control(&folder.display().to_string()));
            format!(
                "`{path}` is ignored: it belongs to another user (uid {owner}); to use it, run \
                 `git config --global --add safe.directory {folder}`"
            )
        };
        ignored.values().map(note).collect()
    }
}

/// Refuses to write to a path that is reached through a link in a repository, or in the working directory, which leads out of
/// it: whoever made the repository chose that place, and not the user. `path` is absolute.
///
/// # Errors
/// There is such a link.
pub fn refuse_link_out(path: &Path, cwd: &Path, display_path: &str) -> Result<(), Failure> {
    let is_link = |at: &Path| at.symlink_metadata().is_ok_and(|metadata| metadata.is_symlink());
    let cwd = paths::canonicalize_existing(cwd);
    let mut parts: Vec<&Path> = path.ancestors().collect();
    parts.reverse();
    for link in parts.into_iter().filter(|at| is_link(at)) {
        let Ok(target) = link.canonicalize() else { continue };
        let folder = paths::canonicalize_existing(link.parent().unwrap_or(link));
        let inside = nearest_root(&folder).or_else(|| folder.starts_with(&cwd).then(|| cwd.clone()));
        let leads_out = |inside: &PathBuf| !target.starts_with(inside) || target.starts_with(inside.join(".git"));
        if let Some(inside) = inside.filter(leads_out) {
            let real = escape_control(&paths::canonicalize_existing(path).display().to_string());
            let (link, target) =
                (escape_control(&paths::relative(link, &cwd)), escape_control(&target.display().to_string()));
            let inside = escape_control(&inside.display().to_string());
            let words = format!(
                "cannot write to `{display_path}`: `{link}` is a symbolic link out of `{inside}`, to `{target}`"
            );
            return Err(
                Failure::usage(words).with_help(format!("if this is intended, name the target itself: `{real}`"))
            );
        }
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
        // Nobody: every file is another user's.
        TrustedOwners { users: Vec::new(), ..TrustedOwners::new(None, Box::new(move |_| safe.clone())) }
    }

    #[test]
    fn safe_directory_is_read_as_git_reads_it() {
        let folder = tempfile::tempdir().unwrap();
        let root = folder.path().canonicalize().unwrap();
        std::fs::create_dir_all(root.join("a/.git")).unwrap();
        let (a, above) = (root.join("a").display().to_string(), format!("{}/*", root.display()));
        let is_safe = |safe: &[&str]| owners(safe).root(&root.join("a")).is_some();
        for safe in [&["*"][..], &[&a], &[&above], &["/other", &a], &["", &a]] {
            assert!(is_safe(safe), "{safe:?}");
        }
        for safe in [&[][..], &["/other"], &[&a, ""], &["*", ""], &["/other/*"]] {
            assert!(!is_safe(safe), "{safe:?}");
        }
    }

    #[test]
    fn what_belongs_to_others_is_passed_over_and_told() {
        let folder = tempfile::tempdir().unwrap();
        std::fs::create_dir(folder.path().join(".git")).unwrap();
        std::fs::write(folder.path().join("c.toml"), "").unwrap();
        let others = owners(&[]);
        assert_eq!(others.config(folder.path(), "c.toml"), None);
        let notes = others.notes(folder.path());
        assert!(notes.len() == 2 && notes[0].starts_with("`.git` is ignored: it belongs to another user"), "{notes:?}");
        assert!(notes[1].contains("`c.toml`") && notes[1].contains("safe.directory"), "{notes:?}");
        let own = TrustedOwners::new(None, Box::new(|_| Vec::new()));
        let found = (folder.path().join("c.toml"), folder.path().to_path_buf());
        assert_eq!((own.config(folder.path(), "c.toml"), own.notes(folder.path())), (Some(found), Vec::new()));
    }

    #[test]
    fn a_git_file_names_its_folders() {
        let folder = tempfile::tempdir().unwrap();
        let at = |name: &str| folder.path().join(name);
        std::fs::create_dir_all(at("main/.git/worktrees/w")).unwrap();
        std::fs::create_dir(at("w")).unwrap();
        std::fs::write(at("w/.git"), "gitdir: ../main/.git/worktrees/w\n").unwrap();
        std::fs::write(at("main/.git/worktrees/w/commondir"), "../..\n").unwrap();
        let folders = GitFolders::for_root(&at("w")).unwrap();
        assert_eq!(folders.common.canonicalize().unwrap(), at("main/.git").canonicalize().unwrap());
        std::fs::write(at("w/.git"), "elsewhere").unwrap();
        assert!(GitFolders::for_root(&at("w")).is_err());
    }

    #[test]
    fn a_link_out_of_a_repository_is_refused_and_one_inside_is_not() {
        let folder = tempfile::tempdir().unwrap();
        let root = folder.path().canonicalize().unwrap();
        for name in ["repository/.git", "repository/sub", "home/.git", "plain/sub"] {
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
        let refused = |path: &str, cwd: &str| refuse_link_out(&root.join(path), &root.join(cwd), path).is_err();
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
