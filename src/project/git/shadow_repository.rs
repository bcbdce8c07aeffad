//! The shadow of a repository: a temporary folder in which git runs without the repository's own
//! config.

use super::GitError;
use super::git_program::{GitOutput, GitProgram, run_command};
use crate::diagnostics::error::io_message;
use crate::project::repository::{self, GitFolders};
use crate::system::files;
use crate::system::programs;
use std::ffi::OsStr;
use std::fs::{self, DirBuilder};
use std::io;
use std::os::unix::ffi::OsStrExt as _;
use std::os::unix::fs::{DirBuilderExt as _, symlink};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::atomic::{AtomicU32, Ordering};

/// The largest `.git/config`, in bytes. It is searched for the format of the index.
const MAX_CONFIG: u64 = 1 << 20;

/// The most parts of a split index.
const MAX_SHARED_INDEXES: usize = 64;

/// A private folder that git uses as the repository, so that the repository's own config has no
/// effect. It is removed when this is dropped.
pub struct ShadowRepository {
    folder: PathBuf,
    root: PathBuf,
    index: PathBuf,
    objects: PathBuf,
}

impl ShadowRepository {
    /// Creates an empty repository with the work tree `root`.
    ///
    /// # Errors
    /// Fails if the temporary folder cannot be written.
    pub fn new(root: &Path, temporary: &Path) -> Result<Self, GitError> {
        Self::create_empty(root, temporary).map_err(|error| {
            let reason = format!(
                "cannot write to `{}`: {}",
                temporary.display(),
                io_message(&error)
            );
            GitError::new(reason, "set TMPDIR to a folder that you can write to")
        })
    }

    fn create_empty(root: &Path, temporary: &Path) -> io::Result<Self> {
        static NEXT: AtomicU32 = AtomicU32::new(0);
        let folder = loop {
            let next = NEXT.fetch_add(1, Ordering::Relaxed);
            let folder = temporary.join(format!("stackref-git-{}-{next}", std::process::id()));
            match DirBuilder::new().mode(0o700).create(&folder) {
                // The folder of an earlier run with the same process id, or of another user.
                Err(error) if error.kind() == io::ErrorKind::AlreadyExists && next < 10_000 => {}
                created => {
                    created?;
                    break folder;
                }
            }
        };
        let shadow = Self {
            root: root.to_path_buf(),
            index: folder.join("index"),
            objects: folder.join("objects"),
            folder,
        };
        for name in ["objects", "refs", "info"] {
            DirBuilder::new()
                .mode(0o700)
                .create(shadow.folder.join(name))?;
        }
        fs::write(shadow.folder.join("HEAD"), "ref: refs/heads/main\n")?;
        shadow.write_config(false, false)?;
        Ok(shadow)
    }

    /// Creates the shadow of the repository with this root.
    ///
    /// # Errors
    /// Fails if a file of the repository cannot be read or the folder cannot be written.
    pub fn for_repository(root: &Path, temporary: &Path) -> Result<Self, GitError> {
        let git = root.join(".git");
        let folders =
            GitFolders::for_root(root).map_err(|error| GitError::unreadable(&git, &error))?;
        let mut shadow = Self::new(root, temporary)?;
        let is_sha256 = uses_sha256(&folders.common)?;
        // If a name in another case finds the same file, git also ignores the case in ignore files.
        let ignores_case = folders.worktree.join("hEAD").exists();
        let exclude = read_exclude_file(root)
            .map_err(|error| GitError::unreadable(&folders.common.join("info/exclude"), &error))?;
        shadow
            .write_config(is_sha256, ignores_case)
            .and_then(|()| {
                exclude.map_or(Ok(()), |text| {
                    fs::write(shadow.folder.join("info/exclude"), &text)
                })
            })
            .and_then(|()| shadow.link_shared_indexes(&folders.worktree))
            .map_err(|error| GitError::unreadable(&git, &error))?;
        let index = folders.worktree.join("index");
        if index.metadata().is_ok_and(|metadata| !metadata.is_file()) {
            return Err(GitError::failed(format!(
                "`{}` is not a regular file",
                index.display()
            )));
        }
        shadow.index = index;
        let objects = folders.common.join("objects");
        if objects.is_dir() {
            shadow.objects = objects;
        }
        Ok(shadow)
    }

    /// Links the parts of a split index.
    fn link_shared_indexes(&self, worktree: &Path) -> io::Result<()> {
        let entries = worktree.read_dir().into_iter().flatten().flatten();
        let shared =
            entries.filter(|entry| entry.file_name().as_bytes().starts_with(b"sharedindex."));
        for entry in shared.take(MAX_SHARED_INDEXES) {
            symlink(
                worktree.join(entry.file_name()),
                self.folder.join(entry.file_name()),
            )?;
        }
        Ok(())
    }

    fn write_config(&self, is_sha256: bool, ignores_case: bool) -> io::Result<()> {
        let composes = cfg!(target_vendor = "apple");
        let mut text = format!(
            "[core]\n\trepositoryformatversion = 1\n\tbare = false\n\tignorecase = {ignores_case}\n\
             \tprecomposeunicode = {composes}\n"
        );
        if is_sha256 {
            text.push_str("[extensions]\n\tobjectformat = sha256\n");
        }
        fs::write(self.folder.join("config"), text)
    }

    /// Runs git in the shadow with these arguments and this standard input.
    ///
    /// # Errors
    /// Fails if git is not installed, or like [`run_command`].
    pub fn run_git(
        &self,
        program: &GitProgram,
        arguments: &[&OsStr],
        input: Vec<u8>,
    ) -> Result<GitOutput, GitError> {
        let outside = Some(self.root.as_path());
        let git = programs::find("git".as_ref(), program.path.as_deref(), outside)
            .ok_or_else(GitError::missing)?;
        let folders = programs::folders(program.path.as_deref(), outside);
        let mut command = Command::new(git);
        command
            .env_clear()
            .envs(program.variables.iter().map(|(name, value)| (name, value)));
        command.env("PATH", programs::join(&folders));
        command
            .env("GIT_DIR", &self.folder)
            .env("GIT_WORK_TREE", &self.root);
        command
            .env("GIT_INDEX_FILE", &self.index)
            .env("GIT_OBJECT_DIRECTORY", &self.objects);
        command
            .env("GIT_NO_LAZY_FETCH", "1")
            .env("GIT_TERMINAL_PROMPT", "0");
        // The user's config may name programs, too. None of them is needed here.
        command.args(["--no-pager", "--no-optional-locks"]);
        for setting in [
            "core.fsmonitor=false",
            "core.hooksPath=/dev/null",
            "protocol.allow=never",
        ] {
            command.args(["-c", setting]);
        }
        command.args(arguments).current_dir(&self.root);
        run_command(command, input)
    }
}

impl Drop for ShadowRepository {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.folder);
    }
}

/// Returns whether a repository uses SHA-256. git needs to know that to read the index. No other
/// setting of the repository's config is used.
fn uses_sha256(common: &Path) -> Result<bool, GitError> {
    let config = common.join("config");
    let text = match files::read(&config, MAX_CONFIG) {
        Ok(text) => String::from_utf8_lossy(&text).to_ascii_lowercase(),
        Err(error) if error.kind() == io::ErrorKind::NotFound => String::new(),
        Err(error) => return Err(GitError::unreadable(&config, &error)),
    };
    // Lenient on purpose: git itself reads the shadow, not this config.
    Ok(text
        .lines()
        .filter_map(|line| line.split_once('='))
        .any(|(key, value)| {
            key.trim_end().ends_with("objectformat") && value.trim_start().starts_with("sha256")
        }))
}

/// Reads the `info/exclude` of a repository. Returns `None` if it has none.
fn read_exclude_file(root: &Path) -> io::Result<Option<Vec<u8>>> {
    match repository::exclude_file(root)? {
        Some(file) => files::read(&file, files::MAX_IGNORE_FILE).map(Some),
        None => Ok(None),
    }
}
