//! What git is asked, by its own program: whether it ignores a file, and what it tracks. Without a repository it ignores
//! nothing and tracks nothing; where there is one and git does not answer, nothing is taken for granted.

use crate::config::repository_root;
use crate::paths;
use std::collections::{BTreeMap, BTreeSet};
use std::io::{self, Write as _};
use std::os::unix::ffi::OsStrExt as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};
use std::thread;

/// Whether git would leave a path out of its work tree; nothing where it lies in none. Links among its folders are followed.
pub fn ignores(path: &Path) -> Option<bool> {
    let path = paths::real(path.parent()?).join(path.file_name()?);
    let root = repository_root(path.parent()?)?;
    let status = git(&root).args(["check-ignore", "--quiet", "--"]).arg(path).status();
    Some(status.is_ok_and(|status| status.success()))
}

/// The first of some paths below a folder, which is one without links, that git would not leave out of its work tree.
///
/// # Errors
/// There is a repository, and git does not answer for it; or one of the paths leads through a link.
pub fn first_not_ignored<'p>(folder: &Path, paths: &'p [PathBuf]) -> Result<Option<&'p PathBuf>, String> {
    // A repository may lie within another; each folder is asked of its own.
    let mut roots: BTreeMap<PathBuf, Option<PathBuf>> = BTreeMap::new();
    let mut asked: BTreeMap<PathBuf, Vec<(&PathBuf, PathBuf)>> = BTreeMap::new();
    for path in paths {
        let target = folder.join(path);
        let parent = target.parent().unwrap_or(folder);
        let root = roots.entry(parent.to_path_buf()).or_insert_with(|| repository_root(parent));
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
        let output = asked_of(git(&root).args(["check-ignore", "-z", "--stdin"]), names);
        let output = output.map_err(|_| "git cannot be run".to_owned())?;
        // It ends with 1 where it ignores none.
        if !matches!(output.status.code(), Some(0 | 1)) {
            return Err(first_words(&output.stderr));
        }
        let ignored: BTreeSet<&[u8]> = output.stdout.split(|&byte| byte == 0).collect();
        if let Some((path, _)) = paths.into_iter().find(|(_, target)| !ignored.contains(target.as_os_str().as_bytes()))
        {
            return Ok(Some(path));
        }
    }
    Ok(None)
}

/// What git answers, given something to read.
fn asked_of(git: &mut Command, input: Vec<u8>) -> io::Result<Output> {
    let mut child = git.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn()?;
    let pipe = child.stdin.take();
    // On a thread of its own: git answers while it reads.
    let writer = thread::Builder::new().spawn(move || pipe.map(|mut pipe| pipe.write_all(&input)))?;
    let output = child.wait_with_output()?;
    let _ = writer.join();
    Ok(output)
}

/// Why git has no answer.
fn first_words(stderr: &[u8]) -> String {
    let said = String::from_utf8_lossy(stderr);
    said.lines().next().unwrap_or_default().trim_start_matches("fatal: ").to_owned()
}

/// The files at or below a path that the next commit would take, whatever the ignore files say. A link is followed, and
/// counts as what it leads to, too.
///
/// # Errors
/// There is a repository, and git does not answer for it.
pub fn tracked(at: &Path) -> Result<BTreeSet<PathBuf>, String> {
    let mut files = listed(at, &[])?;
    match at.canonicalize() {
        Ok(target) if target != at => files.extend(listed(&target, &[])?),
        _ => {}
    }
    Ok(files)
}

/// The files below a folder that the next commit would take although an ignore file, `.gitignore` or `.ignore`, names them.
///
/// # Errors
/// There is a repository, and git does not answer for it.
pub fn tracked_but_ignored(folder: &Path) -> Result<BTreeSet<PathBuf>, String> {
    let mut files = listed(folder, &["--cached", "--ignored", "--exclude-standard"])?;
    files.append(&mut listed(folder, &["--cached", "--ignored", "--exclude-per-directory=.ignore"])?);
    Ok(files)
}

fn listed(at: &Path, which: &[&str]) -> Result<BTreeSet<PathBuf>, String> {
    let root = if at.is_dir() { repository_root(at) } else { at.parent().and_then(repository_root) };
    let Some(root) = root else { return Ok(BTreeSet::new()) };
    let mut list = git(&root);
    list.args(["ls-files", "-z", "--full-name"]).args(which).arg("--").arg(at);
    list.stdout(Stdio::piped()).stderr(Stdio::piped());
    let output = list.output().map_err(|_| "git cannot be run".to_owned())?;
    if !output.status.success() {
        return Err(first_words(&output.stderr));
    }
    let names = output.stdout.split(|&byte| byte == 0).filter(|name| !name.is_empty());
    Ok(names.map(|name| root.join(paths::of_bytes(name))).collect())
}

fn git(root: &Path) -> Command {
    let mut git = Command::new("git");
    // A hook's variables speak of its own repository.
    for variable in ["GIT_DIR", "GIT_WORK_TREE", "GIT_INDEX_FILE", "GIT_COMMON_DIR", "GIT_NAMESPACE"] {
        git.env_remove(variable);
    }
    git.arg("-C").arg(root).stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
    git
}
