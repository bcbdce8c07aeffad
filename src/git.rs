//! What git is asked, by its own program: whether it ignores a file, and what it tracks. Without a repository it ignores
//! nothing and tracks nothing; where there is one and git does not answer, nothing is taken for granted.

use crate::config::repository_root;
use crate::discover::path_of_bytes;
use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

/// Whether git would leave a path out of its work tree; nothing where it lies in none.
pub fn ignores(path: &Path) -> Option<bool> {
    let root = repository_root(path.parent()?)?;
    let status = git(&root).args(["check-ignore", "--quiet", "--"]).arg(path).status();
    Some(status.is_ok_and(|status| status.success()))
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
        let said = String::from_utf8_lossy(&output.stderr);
        return Err(said.lines().next().unwrap_or_default().trim_start_matches("fatal: ").to_owned());
    }
    let names = output.stdout.split(|&byte| byte == 0).filter(|name| !name.is_empty());
    Ok(names.map(|name| root.join(path_of_bytes(name))).collect())
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
