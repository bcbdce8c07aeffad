//! Questions to git, answered by its own program: whether it ignores a file, and which files it tracks.
//!
//! A repository may come from anybody, with its own `.git/config`, which can name programs and files. So git never sees it: it
//! runs on a *shadow*, a private temporary folder with a config that stackref writes, and the repository's index, objects and
//! `info/exclude`. The user's own config stays in force, without what would start programs. Git is looked up outside the
//! repository, gets only the variables that it needs, and has a time limit. Without an answer nothing is assumed: "git could
//! not say" is an error, and never "not ignored" or "not tracked".

use crate::diagnostics::error::io_message;
use crate::project::repository::{self, ForeignFile, GitFolders, TrustedOwners};
use crate::system::environment::Environment;
use crate::system::files;
use crate::system::jobs::Job;
use crate::system::paths;
use crate::system::programs;
use std::collections::{BTreeMap, BTreeSet};
use std::ffi::{OsStr, OsString};
use std::fmt;
use std::fs::{self, DirBuilder};
use std::io::{self, Read, Write as _};
use std::os::unix::ffi::{OsStrExt as _, OsStringExt as _};
use std::os::unix::fs::{DirBuilderExt as _, symlink};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::mpsc::channel;
use std::thread;
use std::time::{Duration, Instant};

/// The variables that git needs: to run, and to find the configs of the user. Other programs' credentials are not among them,
/// nor is the repository of a hook.
const PASSTHROUGH_ENV: [&str; 5] = ["HOME", "LANG", "LD_LIBRARY_PATH", "XDG_CONFIG_HOME", "GIT_EXEC_PATH"];

/// How long git may take for one answer.
const TIME_LIMIT: Duration = Duration::from_secs(5);

/// The largest answer, in bytes: a list of the paths of a large repository.
const MAX_OUTPUT: u64 = 1 << 30;

/// The largest `.git/config`, in bytes, that is searched for the format of the index.
const MAX_CONFIG: u64 = 1 << 20;

/// The most parts of a split index.
const MAX_SHARED_INDEXES: usize = 64;

/// Whether git ignores a file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum IgnoreStatus {
    /// An ignore file names it.
    Ignored,
    /// It lies in a work tree, and the next `git add` would take it.
    NotIgnored,
    /// It does not lie in a repository.
    NoRepository,
}

/// The reason why git could not answer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct GitError {
    reason: String,
    remedy: String,
}

impl GitError {
    fn new(reason: impl Into<String>, remedy: impl Into<String>) -> Self {
        Self { reason: reason.into(), remedy: remedy.into() }
    }

    fn missing() -> Self {
        Self::new("git is not installed, or not on the PATH", "install git")
    }

    fn foreign(ForeignFile { path, folder, owner }: &ForeignFile) -> Self {
        Self::new(
            format!("`{}` belongs to another user (uid {owner})", path.display()),
            format!("run `git config --global --add safe.directory {}`", folder.display()),
        )
    }

    fn failed(reason: impl Into<String>) -> Self {
        Self::new(reason, "repair the repository")
    }

    fn unreadable(path: &Path, error: &io::Error) -> Self {
        Self::failed(format!("cannot read `{}`: {}", path.display(), io_message(error)))
    }

    /// An imperative sentence that removes the reason.
    pub fn remedy(&self) -> &str {
        &self.remedy
    }
}

impl fmt::Display for GitError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.reason)
    }
}

/// Git, and the environment that it is run in.
pub struct Git {
    program: GitProgram,
    owners: Arc<TrustedOwners>,
}

impl Git {
    /// Takes from an environment what git needs.
    pub fn new(env: &dyn Environment) -> Self {
        let program = GitProgram::new(env);
        let asks = program.clone();
        let list_safe = Box::new(move |folder: &Path| asks.safe_directories(folder));
        Self { program, owners: Arc::new(TrustedOwners::new(env.text("SUDO_UID").as_deref(), list_safe)) }
    }

    /// The users whose repositories count.
    pub fn owners(&self) -> &Arc<TrustedOwners> {
        &self.owners
    }

    /// Returns whether git would leave a path out of its work tree. Links among its folders are followed.
    ///
    /// # Errors
    /// There is a repository, and git does not answer for it.
    pub fn ignore_status(&self, path: &Path) -> Result<IgnoreStatus, GitError> {
        let (Some(parent), Some(name)) = (path.parent(), path.file_name()) else {
            return Ok(IgnoreStatus::NoRepository);
        };
        let folder = paths::canonicalize_existing(parent);
        if repository::nearest_root(&folder).is_none() {
            return Ok(IgnoreStatus::NoRepository);
        }
        let name = [PathBuf::from(name)];
        Ok(if self.first_not_ignored(&folder, &name)?.is_some() {
            IgnoreStatus::NotIgnored
        } else {
            IgnoreStatus::Ignored
        })
    }

    /// Returns the first of some paths below a folder, which is one without links, that git would not leave out of its work
    /// tree; `None` if it ignores all of them, or if they lie in no repository.
    ///
    /// # Errors
    /// There is a repository, and git does not answer for it; or one of the paths leads through a link.
    pub fn first_not_ignored<'p>(&self, folder: &Path, paths: &'p [PathBuf]) -> Result<Option<&'p PathBuf>, GitError> {
        // A repository may lie within another; each folder is asked of its own.
        let mut roots: BTreeMap<PathBuf, Option<PathBuf>> = BTreeMap::new();
        let mut asked: BTreeMap<PathBuf, Vec<(&PathBuf, PathBuf)>> = BTreeMap::new();
        for path in paths {
            let target = folder.join(path);
            let parent = target.parent().unwrap_or(folder);
            let root = roots.entry(parent.to_path_buf()).or_insert_with(|| repository::nearest_root(parent));
            if let Some(root) = root.clone() {
                asked.entry(root).or_default().push((path, target));
            }
        }
        for (root, paths) in asked {
            let mut names: Vec<u8> = Vec::new();
            for (_, target) in &paths {
                names.extend_from_slice(target.as_os_str().as_bytes());
                names.push(0);
            }
            let folders: BTreeSet<&Path> = paths.iter().flat_map(|(_, target)| target.ancestors().skip(1)).collect();
            for folder in folders.into_iter().filter(|folder| folder.starts_with(&root)) {
                let file = folder.join(".gitignore");
                let fit = files::check_discovered(&file, &root, files::MAX_IGNORE_FILE);
                fit.map_err(|error| GitError::unreadable(&file, &error))?;
            }
            let arguments = ["check-ignore", "-z", "--stdin"].map(OsStr::new);
            let answer = self.shadow(&root)?.run_git(&self.program, &arguments, names)?;
            // It ends with 1 where it ignores none.
            if !matches!(answer.code, Some(0 | 1)) {
                return Err(answer.error());
            }
            let ignored: BTreeSet<&[u8]> = answer.stdout.split(|&byte| byte == 0).collect();
            if let Some((path, _)) =
                paths.into_iter().find(|(_, target)| !ignored.contains(target.as_os_str().as_bytes()))
            {
                return Ok(Some(path));
            }
        }
        Ok(None)
    }

    /// Returns the files at or below a path that the next commit would take, whatever the ignore files say. A link is followed,
    /// and counts as what it leads to, too.
    ///
    /// # Errors
    /// There is a repository, and git does not answer for it.
    pub fn tracked(&self, at: &Path) -> Result<BTreeSet<PathBuf>, GitError> {
        let mut files = self.list_files(at, &[])?;
        match at.canonicalize() {
            Ok(target) if target != at => files.extend(self.list_files(&target, &[])?),
            _ => {}
        }
        Ok(files)
    }

    /// Returns the files below a folder that the next commit would take although an ignore file, `.gitignore` or `.ignore`,
    /// names them.
    ///
    /// # Errors
    /// There is a repository, and git does not answer for it.
    pub fn tracked_but_ignored(&self, folder: &Path) -> Result<BTreeSet<PathBuf>, GitError> {
        let mut files = self.list_files(folder, &["--cached", "--ignored", "--exclude-standard"])?;
        files.append(&mut self.list_files(folder, &["--cached", "--ignored", "--exclude-per-directory=.ignore"])?);
        Ok(files)
    }

    fn list_files(&self, at: &Path, which: &[&str]) -> Result<BTreeSet<PathBuf>, GitError> {
        let folder = if at.is_dir() { Some(at) } else { at.parent() };
        let Some(root) = folder.and_then(repository::nearest_root) else { return Ok(BTreeSet::new()) };
        let words =
            ["--literal-pathspecs", "ls-files", "-z", "--full-name"].iter().chain(which).chain(&["--"]).map(OsStr::new);
        let arguments: Vec<&OsStr> = words.chain([at.as_os_str()]).collect();
        let answer = self.shadow(&root)?.run_git(&self.program, &arguments, Vec::new())?;
        if answer.code != Some(0) {
            return Err(answer.error());
        }
        let names = answer.stdout.split(|&byte| byte == 0).filter(|name| !name.is_empty());
        Ok(names.map(|name| root.join(paths::from_bytes(name))).collect())
    }

    /// Makes the shadow of a repository, if its owner may be trusted.
    fn shadow(&self, root: &Path) -> Result<ShadowRepository, GitError> {
        match self.owners.foreign_repository(root) {
            Some(foreign) => Err(GitError::foreign(&foreign)),
            None => ShadowRepository::for_repository(root, &self.program.temporary),
        }
    }
}

/// Where git is found, and the variables that it is given.
#[derive(Clone)]
struct GitProgram {
    path: Option<OsString>,
    variables: Vec<(OsString, OsString)>,
    /// The folder for temporary files.
    temporary: PathBuf,
}

impl GitProgram {
    fn new(env: &dyn Environment) -> Self {
        let is_passed =
            |name: &str| PASSTHROUGH_ENV.contains(&name) || name.starts_with("LC_") || name.starts_with("GIT_CONFIG_");
        let names = env.names().into_iter().filter_map(|name| name.into_string().ok());
        let names = names.filter(|name| is_passed(name));
        Self {
            path: env.get("PATH"),
            variables: names.filter_map(|name| Some((OsString::from(&name), env.get(&name)?))).collect(),
            temporary: env
                .get("TMPDIR")
                .map(PathBuf::from)
                .filter(|folder| folder.is_absolute())
                .unwrap_or("/tmp".into()),
        }
    }

    /// Returns the values of `safe.directory` in the configs of the user and the system; none if git cannot be asked. Nothing in
    /// the folder has a say.
    fn safe_directories(&self, folder: &Path) -> Vec<OsString> {
        let arguments = ["config", "-z", "--get-all", "safe.directory"].map(OsStr::new);
        let shadow = ShadowRepository::new(folder, &self.temporary);
        let answer = shadow.and_then(|shadow| shadow.run_git(self, &arguments, Vec::new()));
        let values = answer.map(|answer| answer.stdout).unwrap_or_default();
        // Each ends with a NUL byte; an empty value is one, too.
        let values = values.strip_suffix(&[0]).map(|values| values.split(|&byte| byte == 0));
        values.into_iter().flatten().map(|value| self.expand_home(value)).collect()
    }

    /// Returns a path of a config, with `~/` replaced as git does it.
    fn expand_home(&self, value: &[u8]) -> OsString {
        let home = self.variables.iter().find(|(name, _)| name == "HOME").map(|(_, home)| home.as_bytes());
        let expanded = value.strip_prefix(b"~").filter(|rest| rest.starts_with(b"/")).zip(home);
        OsString::from_vec(expanded.map_or_else(|| value.to_vec(), |(rest, home)| [home, rest].concat()))
    }
}

/// An answer of git.
struct GitOutput {
    code: Option<i32>,
    stdout: Vec<u8>,
    stderr: Vec<u8>,
}

impl GitOutput {
    /// The reason for an answer that is not one: the first line of standard error.
    fn error(&self) -> GitError {
        let text = String::from_utf8_lossy(&self.stderr);
        let line = text.lines().next().unwrap_or_default().trim_start_matches("fatal: ");
        GitError::failed(if line.is_empty() { "git ended without an answer" } else { line })
    }
}

/// A private folder that git takes for the repository, so that nothing in the repository's own config has an effect.
struct ShadowRepository {
    folder: PathBuf,
    root: PathBuf,
    index: PathBuf,
    objects: PathBuf,
}

impl ShadowRepository {
    /// Makes an empty repository.
    fn new(root: &Path, temporary: &Path) -> Result<Self, GitError> {
        static NEXT: AtomicU32 = AtomicU32::new(0);
        let cannot = |error: &io::Error| {
            let reason = format!("cannot write to `{}`: {}", temporary.display(), io_message(error));
            GitError::new(reason, "let TMPDIR name a folder that you may write to")
        };
        let folder = loop {
            let next = NEXT.fetch_add(1, Ordering::Relaxed);
            let folder = temporary.join(format!("stackref-git-{}-{next}", std::process::id()));
            match DirBuilder::new().mode(0o700).create(&folder) {
                // Of a run that had this process id before, or of another user.
                Err(error) if error.kind() == io::ErrorKind::AlreadyExists && next < 10_000 => {}
                made => {
                    made.map_err(|error| cannot(&error))?;
                    break folder;
                }
            }
        };
        let shadow =
            Self { root: root.to_path_buf(), index: folder.join("index"), objects: folder.join("objects"), folder };
        let filled = || {
            for name in ["objects", "refs", "info"] {
                DirBuilder::new().mode(0o700).create(shadow.folder.join(name))?;
            }
            fs::write(shadow.folder.join("HEAD"), "ref: refs/heads/main\n")
        };
        filled().and_then(|()| shadow.write_config(false, false)).map_err(|error| cannot(&error))?;
        Ok(shadow)
    }

    /// Makes the shadow of the repository whose root this is.
    fn for_repository(root: &Path, temporary: &Path) -> Result<Self, GitError> {
        let git = root.join(".git");
        let GitFolders { worktree: own, common } =
            GitFolders::for_root(root).map_err(|error| GitError::unreadable(&git, &error))?;
        let mut shadow = Self::new(root, temporary)?;
        let config = common.join("config");
        // Of the config only what the index cannot be read without. No other reader of it is so lenient.
        let config = match files::read(&config, MAX_CONFIG) {
            Ok(text) => String::from_utf8_lossy(&text).to_ascii_lowercase(),
            Err(error) if error.kind() == io::ErrorKind::NotFound => String::new(),
            Err(error) => return Err(GitError::unreadable(&config, &error)),
        };
        let is_sha256 = config.lines().any(|line| {
            line.split_once('=').is_some_and(|(key, value)| {
                key.trim_end().ends_with("objectformat") && value.trim_start().starts_with("sha256")
            })
        });
        // Where a name in another case leads to the same file, ignore files are read so, too.
        let ignores_case = own.join("hEAD").exists();
        let exclude = repository::exclude_file(root).and_then(|file| match file {
            Some(file) => files::read(&file, files::MAX_IGNORE_FILE).map(Some),
            None => Ok(None),
        });
        let exclude = exclude.map_err(|error| GitError::unreadable(&common.join("info/exclude"), &error))?;
        let filled = || {
            shadow.write_config(is_sha256, ignores_case)?;
            if let Some(text) = exclude {
                fs::write(shadow.folder.join("info/exclude"), &text)?;
            }
            let entries = own.read_dir().into_iter().flatten().flatten();
            let shared = entries.filter(|entry| entry.file_name().as_bytes().starts_with(b"sharedindex."));
            for entry in shared.take(MAX_SHARED_INDEXES) {
                symlink(own.join(entry.file_name()), shadow.folder.join(entry.file_name()))?;
            }
            Ok(())
        };
        filled().map_err(|error: io::Error| GitError::unreadable(&git, &error))?;
        let index = own.join("index");
        if index.metadata().is_ok_and(|metadata| !metadata.is_file()) {
            return Err(GitError::failed(format!("`{}` is not a regular file", index.display())));
        }
        shadow.index = index;
        let objects = common.join("objects");
        if objects.is_dir() {
            shadow.objects = objects;
        }
        Ok(shadow)
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

    /// Asks git something, given something to read.
    fn run_git(&self, program: &GitProgram, arguments: &[&OsStr], input: Vec<u8>) -> Result<GitOutput, GitError> {
        let outside = Some(self.root.as_path());
        let git = programs::find("git".as_ref(), program.path.as_deref(), outside).ok_or_else(GitError::missing)?;
        let folders = programs::folders(program.path.as_deref(), outside);
        let mut command = Command::new(git);
        command.env_clear().envs(program.variables.iter().map(|(name, value)| (name, value)));
        command.env("PATH", programs::join(&folders));
        command.env("GIT_DIR", &self.folder).env("GIT_WORK_TREE", &self.root);
        command.env("GIT_INDEX_FILE", &self.index).env("GIT_OBJECT_DIRECTORY", &self.objects);
        command.env("GIT_NO_LAZY_FETCH", "1").env("GIT_TERMINAL_PROMPT", "0");
        // The config of the user may name programs, too: none of them is needed for an answer.
        command.args(["--no-pager", "--no-optional-locks"]);
        for setting in ["core.fsmonitor=false", "core.hooksPath=/dev/null", "protocol.allow=never"] {
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

/// Runs a program to its end, or to its time limit. Wherever this function returns, the program ends with its job.
fn run_command(mut command: Command, input: Vec<u8>) -> Result<GitOutput, GitError> {
    let cannot_run = |error: &io::Error| GitError::new(format!("cannot run git: {}", io_message(error)), "repair git");
    let too_slow = || {
        let words = format!("git did not answer within {} s", TIME_LIMIT.as_secs());
        GitError::new(words, "look for a pipe or a slow disk in its work tree")
    };
    let until = Instant::now() + TIME_LIMIT;
    command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut job = Job::spawn(command).map_err(|error| cannot_run(&error))?;
    let (stdin, stdout, stderr) = (job.stdin(), job.stdout(), job.stderr());
    let (output, outputs) = channel();
    let errors = output.clone();
    // On threads of their own: git answers while it reads.
    thread::Builder::new()
        .spawn(move || stdin.map(|mut pipe| pipe.write_all(&input)))
        .and_then(|_| thread::Builder::new().spawn(move || output.send((true, read_all(stdout)))))
        .and_then(|_| thread::Builder::new().spawn(move || errors.send((false, read_all(stderr)))))
        .map_err(|error| cannot_run(&error))?;
    let (mut stdout, mut stderr) = (Vec::new(), Vec::new());
    for _ in 0..2 {
        let left = until.saturating_duration_since(Instant::now());
        let (is_stdout, bytes) = outputs.recv_timeout(left).map_err(|_| too_slow())?;
        *(if is_stdout { &mut stdout } else { &mut stderr }) = bytes;
    }
    if !job.wait_until(until).map_err(|error| cannot_run(&error))? {
        return Err(too_slow());
    }
    let status = job.finish().map_err(|error| cannot_run(&error))?;
    if stdout.len() as u64 > MAX_OUTPUT {
        return Err(GitError::failed("git printed too much"));
    }
    Ok(GitOutput { code: status.code(), stdout, stderr })
}

/// Reads a pipe to its end, and no more than [`MAX_OUTPUT`] and a byte.
fn read_all(pipe: Option<impl Read>) -> Vec<u8> {
    let mut bytes = Vec::new();
    if let Some(pipe) = pipe {
        let _ = pipe.take(MAX_OUTPUT + 1).read_to_end(&mut bytes);
    }
    bytes
}

/// A path as git quotes it in its lists where it has other than plain characters (`"st\303\244ck.yaml"`), as it is.
pub fn unquote_path(name: &[u8]) -> Option<Vec<u8>> {
    let mut rest = name.strip_prefix(b"\"")?.strip_suffix(b"\"")?;
    let mut path = Vec::with_capacity(rest.len());
    while let Some((&byte, behind)) = rest.split_first() {
        rest = behind;
        if byte == b'"' {
            return None;
        }
        if byte != b'\\' {
            path.push(byte);
            continue;
        }
        let (&escape, behind) = rest.split_first()?;
        let plain = b"abtnvfr\"\\".iter().position(|&known| known == escape);
        if let Some(&meant) = plain.and_then(|at| b"\x07\x08\t\n\x0b\x0c\r\"\\".get(at)) {
            path.push(meant);
            rest = behind;
        } else {
            let (digits, behind) = rest.split_at_checked(3)?;
            let digits = std::str::from_utf8(digits).ok().filter(|digits| digits.chars().all(|c| c.is_digit(8)))?;
            path.push(u8::from_str_radix(digits, 8).ok()?);
            rest = behind;
        }
    }
    Some(path)
}

#[cfg(test)]
mod tests {
    use super::*;

    struct Fixed(&'static [&'static str]);

    impl Environment for Fixed {
        fn get(&self, name: &str) -> Option<OsString> {
            Some(format!("{name}'s").into())
        }

        fn names(&self) -> Vec<OsString> {
            self.0.iter().map(OsString::from).collect()
        }
    }

    #[test]
    fn paths_that_git_quotes_are_unquoted() {
        assert_eq!(unquote_path(br#""st\303\244ck \"x\"\t.yaml""#).as_deref(), Some("stäck \"x\"\t.yaml".as_bytes()));
        for other in [&b"a.yaml"[..], b"\"", br#""a"b""#, br#""a\""#, br#""a\8""#, br#""\777""#, br#""\+12""#] {
            assert_eq!(unquote_path(other), None, "{other:?}");
        }
    }

    #[test]
    fn git_is_given_no_credential_and_not_the_repository_of_a_hook() {
        let names = &["PATH", "VAULT_TOKEN", "GIT_DIR", "GIT_INDEX_FILE", "GIT_CONFIG_COUNT", "LC_ALL", "GIT_TOKEN"];
        let git = Git::new(&Fixed(names));
        let handed_on: Vec<_> = git.program.variables.iter().filter_map(|(name, _)| name.to_str()).collect();
        assert_eq!(handed_on, ["GIT_CONFIG_COUNT", "LC_ALL"]);
    }
}
