//! What git is asked, by its own program: whether it ignores a file, and what it tracks. Without a repository, or without
//! git, it ignores nothing and tracks nothing.

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

/// The files at or below a path that the next commit would take, whatever the ignore files say.
pub fn tracked(at: &Path) -> BTreeSet<PathBuf> {
    let root = if at.is_dir() { repository_root(at) } else { at.parent().and_then(repository_root) };
    let Some(root) = root else { return BTreeSet::new() };
    let mut list = git(&root);
    list.args(["ls-files", "-z", "--full-name", "--"]).arg(at).stdout(Stdio::piped());
    let listed = list.output().map(|output| output.stdout).unwrap_or_default();
    let names = listed.split(|&byte| byte == 0).filter(|name| !name.is_empty());
    names.map(|name| root.join(path_of_bytes(name))).collect()
}

fn git(root: &Path) -> Command {
    let mut git = Command::new("git");
    git.arg("-C").arg(root).stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
    git
}
